"""Stochastic gradient descent on a noisy quadratic, with rates from C by ctypes: see sgd_python.py.

python sgd_ctypes.py [RUNS [STEPS]]
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sgd_numpy import descend
from sgd_python import main, schedules

from cosine_fast.integrations.ctypes import of_range


def simulate(runs: int, steps: int) -> np.ndarray:
    rates = np.empty((runs, steps))

    def fill(run: int) -> None:
        of_range(made[run], 0, 1, np.ctypeslib.as_ctypes(rates[run]), steps)

    made = schedules(runs, steps)
    with ThreadPoolExecutor() as threads:  # ctypes releases the GIL during the C call
        list(threads.map(fill, range(runs)))
    return descend(rates)


if __name__ == "__main__":
    main(simulate)
