"""Stochastic gradient descent on a noisy quadratic: many runs, one schedule per run.

    python sgd_python.py [RUNS [STEPS]]

A run starts at x = 1 and descends the slope of x^2 / 2, with noise in [-1, 1) added to the slope. In every step

    x = x - schedule(step) * (x + noise)

Every run has its own peak and warmup. The noise comes from a counter (splitmix64) and is only added and multiplied, so
all simulators of this folder end at the same numbers, to the last bit. This one, in plain Python, is the reference; the
other Python simulators import from it what is not the simulation itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np

from cosine_fast import CosineDecay

MASK = 2**64 - 1


def schedules(runs: int, steps: int) -> list[CosineDecay]:
    """The schedule of each run."""
    warmups = [run % 90 + 10 for run in range(runs)]
    peaks = [0.01 * (run % 100 + 1) for run in range(runs)]
    return [
        CosineDecay(0.0, steps - warmup, 0.1, warmup_target=peak, warmup_steps=warmup)
        for peak, warmup in zip(peaks, warmups, strict=True)
    ]


def noise(k: int) -> float:
    """The k-th number of splitmix64, as a float in [-1, 1)."""
    z = (k + 1) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    z ^= z >> 31
    return (z >> 11) * 2.0**-52 - 1.0


def simulate(runs: int, steps: int) -> list[float]:
    """The x at which each run ends."""
    ends = []
    for run, schedule in enumerate(schedules(runs, steps)):
        x = 1.0
        for step in range(steps):
            x -= schedule(step) * (x + noise(run * steps + step))
        ends.append(x)
    return ends


def main(simulate: Callable[[int, int], Sequence[float]]) -> None:
    """Run a simulator and print the same line as sgd.c."""
    runs, steps = [*map(int, sys.argv[1:3]), 1000, 1000][:2] if len(sys.argv) != 2 else [int(sys.argv[1]), 1000]
    ends = np.array(simulate(runs, steps))
    checksum = int(np.sum(ends.view(np.uint64) * np.arange(1, 2 * runs, 2, dtype=np.uint64)))
    square = sum((ends * ends).tolist()) / runs
    print(f"{runs} runs of {steps} steps: mean square {square:.17g}, checksum {checksum:016x}")


if __name__ == "__main__":
    main(simulate)
