"""The formulas of all kernels as operations of jax.numpy, for `cosine_fast.integrations.jax.formula`."""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

CYCLES = 256  # the cycles of CosineDecayRestarts that `cycles` folds

# A formula gets the numbers and the counts that the kernel folds (CosineDecayRestarts: what `cycles` returns as its
# counts), and steps. Conditions are traced like all else; a branch that is not taken must not divide by 0, or the
# derivative is NaN.


def cycles(numbers: Any, counts: Any, dtype: Any) -> Any:
    """Return the begins of CosineDecayRestarts' cycles, rounded up, what that adds, their lengths and their heights.

    The last column is a cycle without height, where the others end.
    """
    _, growth, height, *_ = numbers
    result = np.zeros((4, CYCLES + 1), dtype)
    result[2] = 1
    with decimal.localcontext(prec=100), np.errstate(over="ignore"):  # far more digits than a begin in the dtype has
        begin, length, t = map(decimal.Decimal, (0, counts[0], growth))
        result[0] = _rounded_up(length / (1 - t), dtype) if t < 1 else np.inf
        for i in range(CYCLES):
            first = _rounded_up(begin, dtype)
            if not first < result[0, -1]:
                break
            result[:, i] = first, float(decimal.Decimal(float(first)) - begin), float(length), np.float64(height) ** i
            begin, length = begin + length, length * t
    return result


def _rounded_up(exact: decimal.Decimal, dtype: Any) -> Any:
    near = np.asarray(float(exact), dtype)
    return near if decimal.Decimal(float(near)) >= exact else np.nextafter(near, dtype.type(np.inf))


def _cosine(x: Any) -> Any:
    """Return the part of a cosine's fall that is left at a part x of its length."""
    return jnp.cos(jnp.pi / 2 * x) ** 2  # which does not cancel near the end


def _power(left: Any, fallen: Any, power: Any) -> Any:
    """Return left**power, where left = 1 - fallen is positive: large powers need the digits of a small `fallen`."""
    small = fallen < 0.5
    return jnp.exp(power * jnp.where(small, jnp.log1p(-jnp.where(small, fallen, 0)), jnp.log(left)))


def _cosine_decay(numbers: Any, counts: Any, s: Any) -> Any:
    peak, floor, start, absolute = numbers
    D, W = counts
    floor = jnp.where(absolute, floor, peak * floor)
    x = jnp.fmod(jnp.minimum(s - W, D), 2 * D) / D  # exact up to the division, also after many waves
    decay = floor + (peak - floor) * _cosine(x)
    return jnp.where((W > 0) & (s < W), start + (peak - start) * (s / jnp.where(W > 0, W, 1)), decay)


def _cosine_decay_restarts(numbers: Any, counts: Any, s: Any) -> Any:
    initial, growth, height, floor, absolute = numbers
    floor = jnp.where(absolute, floor, initial * floor)
    begins, added, lengths, heights = counts
    k = jnp.maximum(jnp.searchsorted(begins, s, side="right") - 1, 0)
    D, t = lengths[k], (s - begins[k]) + added[k]
    # Steps in no folded cycle lie in cycle i, counted from the nearest one that is folded.
    more = jnp.where(growth == 1, 0.5, growth - 1)
    scale = 1 + t / D * more  # growth ** i at the begin of cycle i; no cycles are where it is 0
    outside = (s < 0) | (k == CYCLES - 1)
    ended = outside & (growth != 1) & (scale <= 0)

    def begin(i: Any) -> Any:
        return D * jnp.where(growth == 1, i, (growth**i - 1) / more)

    i = jnp.floor(jnp.where(growth == 1, t / D, jnp.log(jnp.maximum(scale, 1e-30)) / jnp.log1p(more)))
    # The logarithm may be rounded to another cycle.
    i = jnp.where(t >= begin(i + 1), i + 1, jnp.where(t < begin(i), i - 1, i))
    i = jnp.where(outside & ~ended, i, 0)
    part = jnp.clip((t - begin(i)) / (D * growth**i), 0, 1)
    return floor + jnp.where(ended, 0, (initial - floor) * heights[k] * height**i * _cosine(part))


def _exponential_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, rate, stairs = numbers
    x = s / counts[0]
    return initial * rate ** jnp.where(stairs, jnp.floor_divide(s, counts[0]), x)


def _inverse_square_root_decay(numbers: Any, counts: Any, s: Any) -> Any:
    scale, shift = counts
    return numbers[0] * jnp.sqrt(scale / jnp.maximum(s + shift, scale))


def _inverse_time_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, rate, stairs = numbers
    x = s / counts[0]
    return initial / (1 + rate * jnp.where(stairs, jnp.floor_divide(s, counts[0]), x))


def _logarithmic_warmup(numbers: Any, counts: Any, s: Any) -> Any:
    peak, initial = numbers
    W = counts[0]
    return initial + (peak - initial) * jnp.log(jnp.clip(s + 1, 1, W)) / jnp.log(W)


def _piecewise_constant_decay(numbers: Any, counts: Any, s: Any) -> Any:
    return jnp.where(jnp.isnan(s), s, numbers[jnp.searchsorted(counts, s)])


def _polynomial_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, end, power, cycle = numbers
    # Not the quotient rounded up: XLA's may be above a whole number of cycles.
    D = counts[0] * jnp.where(cycle, jnp.maximum(-jnp.floor_divide(-s, counts[0]), 1), 1)
    r = jnp.where(s < D, D - s, D)
    return end + (initial - end) * jnp.where(s < D, _power(r / D, s / D, power), 0**power)


def _power_cosine_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, end, exponent, k_decay = numbers
    before = s <= 0  # where the power may have an infinite derivative
    x = jnp.where(before, 0, jnp.minimum(jnp.where(before, 1, s / counts[0]), 1) ** k_decay)
    y = jnp.pi / 2 * jnp.where(x < 1, x, 0)
    return end + (initial - end) * jnp.where(x < 1, _power(jnp.cos(y) ** 2, jnp.sin(y) ** 2, exponent), 0)


FORMULAS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "cosine_decay": _cosine_decay,
    "cosine_decay_restarts": _cosine_decay_restarts,
    "exponential_decay": _exponential_decay,
    "inverse_square_root_decay": _inverse_square_root_decay,
    "inverse_time_decay": _inverse_time_decay,
    "logarithmic_warmup": _logarithmic_warmup,
    "piecewise_constant_decay": _piecewise_constant_decay,
    "polynomial_decay": _polynomial_decay,
    "power_cosine_decay": _power_cosine_decay,
}


def rates(name: str, numbers: Any, counts: Any, children: tuple[Callable[[Any], Any], ...], s: Any) -> Any:
    """Return the rates at steps, which are of the dtype of the numbers."""
    if name != "joined_schedule":
        return FORMULAS[name](numbers, counts, s)
    count = len(children) - 1  # of boundaries, which come before the offsets; the numbers are signs
    result = s
    for k, (begin, end) in enumerate(itertools.pairwise([-jnp.inf, *counts[:count], jnp.inf])):
        # A child gets no step outside of its segment: it could overflow there, and the derivative would be NaN.
        own = jnp.where(s < begin, begin, jnp.where(s > end, end, s))
        result = jnp.where(s >= begin, children[k](numbers[k] * (own - counts[count + k])), result)
    return result
