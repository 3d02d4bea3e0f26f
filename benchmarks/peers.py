"""The same schedule as other people write it, to be measured beside: each builds a function of (steps, out).

All take float64 rates of int64 steps with a warmup, and are given every advantage: compiled and warmed up before the
clock starts, all threads, fast-math, results into memory that has been touched. None is as accurate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

L0, PEAK, ALPHA = 0.0, 1e-3, 0.1
Evaluate = Callable[[np.ndarray, np.ndarray], Any]


def parameters(n: int) -> tuple[int, int]:
    """warmup_steps and decay_steps of a run of n steps: a tenth each of warmup and of floor."""
    return max(1, n // 10), max(1, n * 8 // 10)


def numpy_expression(warmup: int, decay: int) -> Evaluate:
    def evaluate(steps: np.ndarray, out: np.ndarray) -> None:
        t = np.minimum(steps - warmup, decay) / decay
        wave = PEAK * ((1 - ALPHA) * 0.5 * (1 + np.cos(math.pi * t)) + ALPHA)
        out[:] = np.where(steps < warmup, L0 + (PEAK - L0) * (steps / warmup), wave)

    return evaluate


def numba_parallel(warmup: int, decay: int) -> Evaluate:
    import numba

    @numba.njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator]
    def evaluate(steps: np.ndarray, out: np.ndarray) -> None:
        for i in numba.prange(steps.size):
            s = steps[i]
            if s < warmup:
                out[i] = L0 + (PEAK - L0) * (s / warmup)
            else:
                t = min(s - warmup, decay) / decay
                out[i] = PEAK * ((1 - ALPHA) * 0.5 * (1 + math.cos(math.pi * t)) + ALPHA)

    evaluate(np.arange(4), np.empty(4))
    return evaluate  # type: ignore[no-any-return]


PEERS: dict[str, Callable[[int, int], Evaluate]] = {
    "NumPy": numpy_expression,
    "Numba, parallel, fastmath": numba_parallel,
}
