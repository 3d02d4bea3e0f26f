"""The formulas of all kernels as operations of jax.numpy, for `cosine_fast.integrations.jax.formula`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

# A formula gets the numbers and the counts that the kernel folds, and steps. Conditions are traced like all else; a
# branch that is not taken must not divide by 0, or the derivative is NaN.


def _cosine(x: Any) -> Any:
    """Return the part of a cosine's fall that is left at a part x of its length."""
    return jnp.cos(jnp.pi / 2 * x) ** 2  # which does not cancel near the end


def _cosine_decay(numbers: Any, counts: Any, s: Any) -> Any:
    peak, floor, start, absolute = numbers
    D, W = counts
    floor = jnp.where(absolute, floor, peak * floor)
    decay = floor + (peak - floor) * _cosine(jnp.minimum(s - W, D) / D)
    return jnp.where((W > 0) & (s < W), start + (peak - start) * (s / jnp.where(W > 0, W, 1)), decay)


def _cosine_decay_restarts(numbers: Any, counts: Any, s: Any) -> Any:
    initial, growth, height, floor, absolute = numbers
    floor = jnp.where(absolute, floor, initial * floor)
    x, more = s / counts[0], jnp.where(growth == 1, 0.5, growth - 1)
    scale = 1 + x * more  # growth ** i at the begin of cycle i; with growth < 1 all cycles end where it is 0
    ended = (growth < 1) & (scale <= 0)

    def begin(i: Any) -> Any:
        return jnp.where(growth == 1, i, (growth**i - 1) / more)

    i = jnp.floor(jnp.where(growth == 1, x, jnp.log(jnp.maximum(scale, 1e-30)) / jnp.log1p(more)))
    i = i + (x >= begin(i + 1)) - (x < begin(i))  # the logarithm may be rounded to another cycle
    part = (x - begin(i)) / growth**i
    return floor + jnp.where(ended, 0, (initial - floor) * height**i * _cosine(jnp.clip(part, 0, 1)))


def _exponential_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, rate, stairs = numbers
    x = s / counts[0]
    return initial * rate ** jnp.where(stairs, jnp.floor(x), x)


def _inverse_square_root_decay(numbers: Any, counts: Any, s: Any) -> Any:
    scale, shift = counts
    return numbers[0] * jnp.sqrt(scale / jnp.maximum(s + shift, scale))


def _inverse_time_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, rate, stairs = numbers
    x = s / counts[0]
    return initial / (1 + rate * jnp.where(stairs, jnp.floor(x), x))


def _logarithmic_warmup(numbers: Any, counts: Any, s: Any) -> Any:
    peak, initial = numbers
    W = counts[0]
    return initial + (peak - initial) * jnp.log(jnp.clip(s + 1, 1, W)) / jnp.log(W)


def _piecewise_constant_decay(numbers: Any, counts: Any, s: Any) -> Any:
    return numbers[jnp.searchsorted(counts, s)]


def _polynomial_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, end, power, cycle = numbers
    x = s / counts[0]
    x = jnp.where(cycle, x / jnp.maximum(jnp.ceil(x), 1), jnp.minimum(x, 1))
    left = jnp.where(x < 1, 1 - x, 1)
    return end + (initial - end) * jnp.where(x < 1, left**power, 0**power)


def _power_cosine_decay(numbers: Any, counts: Any, s: Any) -> Any:
    initial, end, exponent, k_decay = numbers
    x = jnp.clip(s / counts[0], 0, 1) ** k_decay
    return end + (initial - end) * _cosine(x) ** exponent


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
    parts = [child(numbers[k] * (s - counts[count + k])) for k, child in enumerate(children)]
    result = parts[0]
    for boundary, part in zip(counts[:count], parts[1:], strict=True):
        result = jnp.where(s >= boundary, part, result)
    return result
