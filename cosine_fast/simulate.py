"""Predicting losses from rates: the drop of the multi-power law at every step.

The momentum S2 of Tissue et al. (arXiv 2408.11029) has no function here, because SciPy has it as a filter: with the
rates r, S2[t] = decay * S2[t - 1] + r[0] - r[t] is ``scipy.signal.lfilter([1], [1, -decay], r[..., :1] - r)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .schedules._base import number_of, received

__all__ = ["multi_power_loss_drop"]

_Array = np.ndarray[Any, np.dtype[np.float64]]

_LEAF = 96  # an interval of at most so many steps is computed without interpolation
_ORDERS = np.arange(16)  # orders of the Chebyshev polynomials; with 16 the error is below 1e-12 of the changes' sum
_ANGLES = (_ORDERS + 0.5) * np.pi / _ORDERS.size
_TO_COEFFICIENTS = np.cos(_ORDERS[:, None] * _ANGLES) * (2 - (_ORDERS[:, None] == 0)) / _ORDERS.size
_BLOCK = 8192  # changes of the rate that are computed at a time: 1 MB with 16 nodes


def multi_power_loss_drop(rates: Any, B: float, C: float, beta: float, gamma: float) -> np.ndarray[Any, Any]:
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

    Returns
    -------
    numpy.ndarray
        The drops, of the shape of `rates`. The interpolation's error is below 1e-12 of B times the sum of the
        absolute changes of the rate. The rounding of the running sums adds to it, which counts where rates differ by
        many orders of magnitude. A change to a rate of 0 counts from the next rate above 0 on.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a number, or `rates` not an array of numbers, or a value is out of its limits.

    Notes
    -----
    The formula takes n**2 / 2 powers for n steps; this function takes O(n log n). The term of a change is a smooth
    function of the sum of the rates since, except close to the change. So for an interval of steps, the changes that
    are further back than its length are computed at 16 points and interpolated; for the others the interval is halved.
    Memory grows in proportion to the steps. To use several processors, give each of Dask's workers some of the
    schedules.

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
    given, rates = rates, np.asarray(rates)
    if rates.dtype.kind not in "iuf" or rates.ndim == 0:
        raise TypeError(f"Argument `rates` must be an array of numbers. {received('rates', given)}")
    rates = rates.astype(np.float64, copy=False)
    if not (rates.min(initial=0.0) >= 0 and rates.max(initial=0.0) < np.inf):
        raise ValueError(f"Argument `rates` must be finite and >= 0. {received('rates', given)}")
    B, C, beta, gamma = map(number_of, ("B", "C", "beta", "gamma"), (B, C, beta, gamma))
    for name, value in ("C", C), ("beta", beta):
        if value <= 0:
            raise ValueError(f"Argument `{name}` must be > 0. {received(name, value)}")
    if gamma < 0:
        raise ValueError(f"Argument `gamma` must be >= 0. {received('gamma', gamma)}")
    drops = np.empty(rates.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for row in np.ndindex(rates.shape[:-1] if rates.size else 0):
            drops[row] = _drops(rates[row], C, beta, gamma)
    return drops * B


def _drops(rates: _Array, C: float, beta: float, gamma: float) -> _Array:
    """Return the drops of one schedule, with B = 1."""
    sums, changes = np.concatenate([[0.0], np.cumsum(rates[1:])]), -np.diff(rates)
    steps = np.flatnonzero(changes)  # each before a change
    changes, starts, factors = changes[steps], sums[steps], C * rates[steps + 1] ** -gamma
    drops = np.empty(rates.size)

    def rest(at: _Array, begin: int, end: int) -> Any:
        """Return the part of the changes begin .. end - 1 that is yet to come, at these sums of the rates."""
        total = 0.0
        for first in range(begin, end, _BLOCK):
            some = slice(first, min(end, first + _BLOCK))
            powers = np.subtract.outer(at, starts[some])
            powers *= factors[some]
            np.fmax(powers, 0.0, out=powers)  # later changes are below 0; a rate of 0 gives 0 * inf until one follows
            np.log1p(powers, out=powers)
            powers *= -beta
            np.exp(powers, out=powers)
            total = total + powers @ changes[some]
        return total

    def halve(begin: int, end: int, before: int, coefficients: Any, low: float, length: float) -> None:
        """Set drops[begin:end]. The polynomial on low .. low + length is the part of changes[:before] yet to come."""
        own_low, own_length = sums[begin], sums[end - 1] - sums[begin]
        is_leaf = end - begin <= _LEAF
        at = sums[begin:end] if is_leaf else own_low + own_length * (np.cos(_ANGLES) + 1) / 2
        values = 0.0
        if before:
            places = np.clip((at - low) * (2 / (length or 1.0)) - 1, -1, 1)
            values = np.cos(np.arccos(places)[:, None] * _ORDERS) @ coefficients
        if is_leaf:
            drops[begin:end] = rates[0] - rates[end - 1] - (values + rest(at, before, int(steps.searchsorted(end - 1))))
            return
        far = max(before, int(min(starts.searchsorted(own_low - own_length, "right"), steps.searchsorted(begin))))
        coefficients = _TO_COEFFICIENTS @ (values + rest(at, before, far)) if far else 0.0
        middle = (begin + end) // 2
        halve(begin, middle, far, coefficients, own_low, own_length)
        halve(middle, end, far, coefficients, own_low, own_length)

    halve(0, rates.size, 0, 0.0, 0.0, 0.0)
    return drops
