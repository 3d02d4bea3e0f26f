"""The sums of cosine_fast/simulate.py. Unlike the rates, they differ from the compiled kernel's, by some 1e-15."""

from __future__ import annotations

import numpy as np

from .driver import CHUNK


def power_sums(
    totals: np.ndarray, at: np.ndarray, first: np.ndarray, end: np.ndarray, starts: np.ndarray, factors: np.ndarray,
    changes: np.ndarray, beta: float, num_threads: int,
) -> None:  # fmt: skip
    """Set totals[i, j] to the sum over first[i] <= k < end[i] of changes[k] * (1 + products[k])**-beta.

    The products are factors[k] * (at[i, j] - starts[k]). Negative ones count as 0, and so does 0 times infinity.
    """
    totals[:] = 0
    with np.errstate(all="ignore"):
        for i in range(len(totals)):
            for begin in range(first[i], end[i], CHUNK):
                some = slice(begin, min(end[i], begin + CHUNK))
                powers = np.subtract.outer(at[i], starts[some])
                powers *= factors[some]
                np.fmax(powers, 0.0, out=powers)
                np.log1p(powers, out=powers)
                powers *= -beta
                np.exp(powers, out=powers)
                totals[i] += powers @ changes[some]


def momentum_sums(sums: np.ndarray, rates: np.ndarray, decays: np.ndarray, last: bool, num_threads: int) -> bool:
    """Set sums[i, j, t] to decays[i] * sums[i, j, t - 1] + rates[j, 0] - rates[j, t]; with `last`, sums[i, j] to these.

    i and j may be any number of axes. Returns whether the last sums are finite.
    """
    total = np.zeros(sums.shape if last else sums.shape[:-1])
    decays = decays.reshape(total.shape[: total.ndim - rates.ndim + 1] + (1,) * (rates.ndim - 1))
    with np.errstate(all="ignore"):
        for t in range(rates.shape[-1]):
            total *= decays
            total += rates[..., 0] - rates[..., t]
            if not last:
                sums[..., t] = total
    if last:
        sums[...] = total
    return bool(np.isfinite(total).all())
