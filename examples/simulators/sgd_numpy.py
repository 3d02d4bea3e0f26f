"""Stochastic gradient descent on a noisy quadratic, with NumPy over all runs at once: see sgd_python.py.

python sgd_numpy.py [RUNS [STEPS]]
"""

from __future__ import annotations

import numpy as np
from sgd_python import main, schedules


def noise(k: np.ndarray) -> np.ndarray:
    """The k-th numbers of splitmix64, as floats in [-1, 1)."""
    z = (k + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)) * 2.0**-52 - 1.0


def descend(rates: np.ndarray) -> np.ndarray:
    """The x at which each run ends; rates has the shape (runs, steps)."""
    runs, steps = rates.shape
    x = np.ones(runs)
    counters = np.arange(runs, dtype=np.uint64) * np.uint64(steps)
    for step in range(steps):
        x -= rates[:, step] * (x + noise(counters + np.uint64(step)))
    return x


def simulate(runs: int, steps: int) -> np.ndarray:
    rates = np.empty((runs, steps))
    for row, schedule in zip(rates, schedules(runs, steps), strict=True):
        schedule.precompute(steps, out=row)
    return descend(rates)


if __name__ == "__main__":
    main(simulate)
