"""Stochastic gradient descent on a noisy quadratic, in Numba's parallel loop: see sgd_python.py.

python sgd_numba.py [RUNS [STEPS]]
"""

from __future__ import annotations

import numpy as np
import sgd_python
from numba import njit, prange, uint64

from cosine_fast.integrations.numba import Schedules


@njit
def noise(k):
    """The k-th number of splitmix64, as a float in [-1, 1)."""
    z = (uint64(k) + uint64(1)) * uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    z ^= z >> uint64(31)
    return np.int64(z >> uint64(11)) * 2.220446049250313e-16 - 1.0


@njit(parallel=True)
def descend(schedules, steps):
    """The x at which each run ends."""
    ends = np.empty(len(schedules))
    for run in prange(len(schedules)):
        schedule = schedules[run]
        x = 1.0
        for step in range(steps):
            x -= schedule(step) * (x + noise(run * steps + step))
        ends[run] = x
    return ends


def simulate(runs: int, steps: int) -> np.ndarray:
    return descend(Schedules(sgd_python.schedules(runs, steps)), steps)


if __name__ == "__main__":
    sgd_python.main(simulate)
