"""Predicting losses from rates: the sums over all steps that two scaling laws with learning-rate annealing need.

The results are accurate to 1e-12, but not part of the promise that rates have the same bits everywhere: they differ by
some 1e-15 between the backends, and between processors with and without FMA. The number of threads changes no bit.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from typing import Any, SupportsIndex

import numpy as np

from ._backend import check_threads, kernel
from .schedules._checks import array_of, check_function, number_of, received
from .schedules._evaluation import check_out

__all__ = ["momentum_sum", "multi_power_loss_drop"]

_Array = np.ndarray[Any, np.dtype[np.float64]]

_LEAF = 64  # an interval of at most this many steps is computed without interpolation
_LANES = 16  # the kernel sums at this many places at once
_ORDERS = np.arange(_LANES)  # of the Chebyshev polynomials; with 16 the error is below 1e-12 of the changes' sum
_ANGLES = (_ORDERS + 0.5) * np.pi / _LANES
_NODES = (np.cos(_ANGLES) + 1) / 2
_TO_COEFFICIENTS = np.cos(_ORDERS[:, None] * _ANGLES) * (2 - (_ORDERS[:, None] == 0)) / _LANES
_PART = 1 << 21  # `progress` is called after about this many terms of each lane, or this many rates with `last`
_CACHED = 1 << 14  # NumPy computes the last drops of this many rates at once: its arrays then fit a cache


def momentum_sum(
    rates: Any, decay: Any, *, last: bool = False, out: np.ndarray[Any, Any] | None = None,
    num_threads: SupportsIndex | None = None,
) -> Any:  # fmt: skip
    """Return the momentum S2 of Tissue et al.: S2[t] = decay * S2[t - 1] + rates[0] - rates[t], with S2[0] = 0.

    Parameters
    ----------
    rates : array_like
        The finite rates of every step along the last axis. The other axes are schedules of their own.
    decay : array_like
        The law's decay factor, from 0 to 1; or an array of them.
    last : bool, default False
        Return only the last step's sums. It needs no memory for the others.
    out : numpy.ndarray, optional
        Where the sums are written, float64 or float32. It may overlap `rates`. A contiguous float64 array that
        does not is the fastest. If the rates turn out to be infinite, some sums have been written.
    num_threads : int, optional
        The largest number of threads, which share the rows and decays of a large result; see `set_num_threads`.

    Returns
    -------
    numpy.ndarray or numpy.float64
        The sums, of shape ``decay.shape + rates.shape``, without the last axis if `last` is true; or `out`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number, or an array of numbers, or out of its limits, or if `out` is unfit.

    See Also
    --------
    multi_power_loss_drop : The sum of the multi-power law.

    Notes
    -----
    ``scipy.signal.lfilter([1], [1, -decay], rates[..., :1] - rates)`` is the same filter. `benchmarks/simulate.py`
    compares both. For 16 decays this function was 24 to 36 times as fast, from 1,000 steps to 100,000; for one curve
    and one decay 5, 14 and 19 times for 1,000, 10,000 and 100,000 steps, because a call takes 2 us. Memory limits a
    result beyond the caches: 8 times for 1e7 sums, 21 times into `out`.

    References
    ----------
    Tissue et al., Scaling Law with Learning Rate Annealing, arXiv 2408.11029, 2024.

    Examples
    --------
    >>> momentum_sum([0.5, 0.5, 0.25, 0.25], decay=0.5)
    array([0.   , 0.   , 0.25 , 0.375])
    >>> momentum_sum([0.5, 0.5, 0.25, 0.25], decay=[0.5, 1.0], last=True)
    array([0.375, 0.5  ])
    """
    threads, array, decays = check_threads(num_threads), _as_rates(rates, last), array_of("decay", decay)
    if not all(0 <= value <= 1 for value in decays.flat):
        raise ValueError(f"Argument `decay` must be from 0 to 1. {received('decay', decay)}")
    shape = decays.shape + (array.shape[:-1] if last else array.shape)
    target = None if out is None else check_out(out, shape, None)
    fits = target is not None and target.flags.carray and target.dtype == np.float64
    sums = target if target is not None and fits and not np.may_share_memory(target, array) else np.empty(shape)
    if array.size and decays.size:
        factors = np.ascontiguousarray(decays, np.float64)
        finite = kernel.momentum_sums(sums, array, factors, last, threads)
        if not finite and not np.isfinite(array).all():
            raise ValueError(f"Argument `rates` must be finite. {received('rates', rates)}")
    if target is None:
        return sums[()]
    if sums is not target:
        target[...] = sums
    return out


def multi_power_loss_drop(
    rates: Any, B: float, C: float, beta: float, gamma: float, *, last: bool = False,
    progress: Callable[[int, int], object] | None = None, num_threads: SupportsIndex | None = None,
) -> Any:  # fmt: skip
    """Return the drop of the loss that the multi-power law ascribes to the decay of the rates.

    At step t the drop is B times the sum over k = 1 .. t of

        (rates[k - 1] - rates[k]) * (1 - (1 + C * rates[k]**-gamma * (rates[k] + ... + rates[t]))**-beta),

    and the law's loss is L0 + A * (W + rates[1] + ... + rates[t])**-alpha minus the drop. W is the sum of the rates of
    the warmup, whose last rate is rates[0].

    Parameters
    ----------
    rates : array_like
        The rates of every step along the last axis; finite, not below 0. The other axes are schedules of their own.
    B : float
        The law's factor.
    C, beta : float
        The law's other factor and its exponent; both above 0.
    gamma : float
        The exponent of the rate; not below 0.
    last : bool, default False
        Return only the last step's drops. NumPy computes them in one thread, with two powers for each step.
    progress : callable, optional
        Called from time to time as ``progress(done, steps)``, with the number of steps that are done, and of all steps,
        of all schedules together.
    num_threads : int, optional
        The largest number of threads; see `set_num_threads`. It changes no bit of the result.

    Returns
    -------
    numpy.ndarray or numpy.float64
        The drops, of the shape of `rates`, without the last axis if `last` is true. A change to a rate of 0 counts from
        the next rate above 0 on.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number, or `rates` not an array of numbers, or a value is out of its limits.

    See Also
    --------
    momentum_sum : The sum of the law of Tissue et al.

    Notes
    -----
    The formula takes n**2 / 2 powers for n steps; this function takes O(n log n). The term of a change is a smooth
    function of the sum of the rates since, except close to the change. So for an interval of steps, the changes that
    are further back than its length are computed at 16 points and interpolated; for the others the interval is halved.
    Beside the result, memory grows in proportion to the steps of one schedule. `benchmarks/simulate.py` compares it
    with a loop over the steps in NumPy: it was 22 times as fast for 1,000 steps, and 160 times for 10,000.

    The error is below 1e-12 of B times the sum of the absolute changes of the rate, if the rates do not differ by many
    orders of magnitude. Without `last`, the sum of the rates since a change is the difference of two running sums,
    which are rounded. If S is the sum of all rates, a change to a rate r above 0 adds to the error at most
    3e-16 * B * beta * C * r**-gamma * S times the change. With rates from 1e-12 to 1 and a gamma of 1, the error can be
    1e-6 of B times the changes.

    References
    ----------
    Luo et al., A Multi-Power Law for Loss Curve Prediction Across Learning Rate Schedules, arXiv 2503.12811, 2025.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> rates = CosineDecay(0.1, decay_steps=1000, alpha=0.1).precompute(1001)
    >>> multi_power_loss_drop(rates, B=4.0, C=2.0, beta=0.5, gamma=0.6)[[0, 500, 1000]]
    array([0.        , 0.15699422, 0.32760526])
    """
    threads, array = check_threads(num_threads), _as_rates(rates, last)
    check_function("progress", progress)
    if not kernel.within(array, 0.0, sys.float_info.max, 0.0, False, threads):
        raise ValueError(f"Argument `rates` must be finite and >= 0. {received('rates', rates)}")
    B, C, beta, gamma = map(number_of, ("B", "C", "beta", "gamma"), (B, C, beta, gamma))
    for name, value in ("C", C), ("beta", beta):
        if value <= 0:
            raise ValueError(f"Argument `{name}` must be > 0. {received(name, value)}")
    if gamma < 0:
        raise ValueError(f"Argument `gamma` must be >= 0. {received('gamma', gamma)}")
    steps = array.shape[-1]
    rows = array.reshape(math.prod(array.shape[:-1]), steps)
    drops = np.empty(rows.shape[:1] if last else rows.shape)
    at_once = max(1, _PART // steps) if last else 1
    with np.errstate(all="ignore"):
        for first in range(0, len(rows) if steps else 0, at_once):
            some = rows[first : first + at_once]
            report = functools.partial(_report, progress, first * steps, some.size, array.size)
            if last:
                drops[first : first + at_once] = _last_drops(some, C, beta, gamma)
                report(1.0)
            else:
                drops[first] = _drops(some[0], C, beta, gamma, threads, report)
    drops *= B
    return drops.reshape(array.shape[:-1] if last else array.shape)[()]


def _as_rates(rates: Any, last: bool) -> _Array:
    """Return rates as a contiguous array of float64."""
    array = array_of("rates", rates, "an array of numbers")
    if array.ndim == 0:
        raise TypeError(f"Argument `rates` must be an array of numbers. {received('rates', rates)}")
    if last and array.shape[-1] == 0:
        raise ValueError(f"Argument `rates` must have a last step. Received: an array of shape {array.shape}")
    return np.ascontiguousarray(array, np.float64)


def _report(
    progress: Callable[[int, int], object] | None, before: int, steps: int, all_steps: int, part: float
) -> None:
    """Report that this part of some steps is done."""
    if progress is not None:
        progress(before + int(part * steps), all_steps)


def _running_sums(rates: _Array) -> _Array:
    """Return the sums of the rates after the first. The rounding error of each addition is computed, and added."""
    rates = np.append(0.0, rates[1:])
    sums = np.cumsum(rates)
    before = np.append(0.0, sums[:-1])
    added = sums - before
    errors = (before - (sums - added)) + (rates - added)
    corrected = np.where(np.isfinite(sums), sums + np.cumsum(errors), sums)
    return np.maximum.accumulate(corrected)  # `searchsorted` needs sums that do not fall


def _last_drops(rates: _Array, C: float, beta: float, gamma: float) -> _Array:
    """Return the last drops of some schedules, with B = 1."""
    drops = np.empty(len(rates))
    at_once = max(1, _CACHED // rates.shape[1])
    for first in range(0, len(rates), at_once):
        some = rates[first : first + at_once]
        later, sums = some[:, 1:], np.cumsum(some[:, :0:-1], -1)[:, ::-1]
        grown = 1 - (1 + np.fmax(C * later**-gamma * sums, 0.0)) ** -beta  # fmax: infinity times 0 counts as 0
        drops[first : first + at_once] = np.sum((some[:, :-1] - later) * grown, -1)
    return drops


def _drops(
    rates: _Array, C: float, beta: float, gamma: float, threads: int, progress: Callable[[float], None]
) -> _Array:
    """Return the drops of one schedule, with B = 1. It calls `progress` with the part that is done."""
    steps = np.flatnonzero(np.diff(rates))  # each before a change
    sums = _running_sums(rates)
    changes, starts, factors = rates[steps] - rates[steps + 1], sums[steps], C * rates[steps + 1] ** -gamma
    # `depth` halvings of the steps give leaves of whole lanes, for which the last sum is repeated.
    depth = max(0, math.ceil(math.log2(rates.size / _LEAF)))
    leaf = math.ceil(rates.size / (_LANES << depth)) * _LANES
    sums = np.append(sums, np.repeat(sums[-1], (leaf << depth) - rates.size))
    before = np.zeros(1, np.int64)  # the number of changes in the polynomial of an interval's parent
    work = []  # for each level: what the kernel sums, and where
    intervals = []
    for level in range(1, depth):
        ends = sums.reshape(2**level, -1)[:, [0, -1]]
        low, length = ends[:, :1], np.diff(ends)
        far = np.minimum(
            starts.searchsorted((low - length)[:, 0], "right"),
            steps.searchsorted(np.arange(2**level) * (leaf << (depth - level))),
        )
        before = before.repeat(2**level // before.size)
        far = np.maximum(before, far)
        work.append((low + length * _NODES, before, far))
        intervals.append((low, np.where(length > 0, length, 1.0)))
        before = far
    lanes = sums.reshape(-1, _LANES)
    last = np.minimum(np.arange(1, len(lanes) + 1) * _LANES, rates.size) - 1  # of each row of lanes
    work.append((lanes, before.repeat(len(lanes) // before.size), steps.searchsorted(last)))
    at, first, end = map(np.concatenate, zip(*work, strict=True))
    totals, done = np.empty(at.shape), np.cumsum(end - first)
    parts = [0, *done.searchsorted(np.arange(_PART, done[-1], _PART)), len(at)]
    for some in map(slice, parts, parts[1:]):
        kernel.power_sums(totals[some], at[some], first[some], end[some], starts, factors, changes, beta, threads)
        progress(done[some][-1:].sum() / (done[-1] or 1))
    # Down the levels: what the parent's polynomial is at each place, and what the kernel summed.
    coefficients, begin = np.zeros((_LANES, 1)), 0
    for level, (places, _, _) in enumerate(work):
        values = totals[begin : begin + len(places)]
        begin += len(places)
        if level:
            low, length = (np.repeat(a, len(places) // len(a), 0) for a in intervals[level - 1])
            x = np.clip((places - low) * (2 / length) - 1, -1, 1)
            polynomials = coefficients.repeat(len(places) // coefficients.shape[1], 1)
            values = values + np.polynomial.chebyshev.chebval(x, polynomials[..., None], tensor=False)
        coefficients = _TO_COEFFICIENTS @ values.T
    drops: _Array = (rates[0] - rates[last, None] - values).ravel()[: rates.size]
    return drops
