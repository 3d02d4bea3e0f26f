"""Stochastic gradient descent on a noisy quadratic: many runs, one schedule a run.

    python sgd_python.py [RUNS [STEPS]]

A run starts at x = 1 and goes down the slope of x^2 / 2, which it sees with noise in [-1, 1): in every step

    x = x - schedule(step) * (x + noise)

Every run has a peak and a warmup of its own. The noise comes from a counter (splitmix64), and nothing but sums and
products is done with it, so that all simulators of this folder end at the same numbers, to the last bit. This one, in
plain Python, is what they are compared with; the others import it for what is not the simulation itself.
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
    """Where each run ends."""
    ends = []
    for run, schedule in enumerate(schedules(runs, steps)):
        x = 1.0
        for step in range(steps):
            x -= schedule(step) * (x + noise(run * steps + step))
        ends.append(x)
    return ends


def main(simulate: Callable[[int, int], Sequence[float]]) -> None:
    """Run a simulator and print what C's prints."""
    runs, steps = [*map(int, sys.argv[1:3]), 1000, 1000][:2] if len(sys.argv) != 2 else [int(sys.argv[1]), 1000]
    ends = np.array(simulate(runs, steps))
    checksum = int(np.sum(ends.view(np.uint64) * np.arange(1, 2 * runs, 2, dtype=np.uint64)))
    square = sum((ends * ends).tolist()) / runs
    print(f"{runs} runs of {steps} steps: mean square {square:.17g}, checksum {checksum:016x}")


if __name__ == "__main__":
    main(simulate)
