"""PowerCosineDecay: (initial - end) * ((1 + cos(pi * x ** k_decay)) / 2) ** exponent + end, x = step / decay_steps.

The class is cosine_fast_power_cosine_decay.h.
"""

from __future__ import annotations  # noqa: I001

from typing import Any

import numpy as np

from .cosine_decay import SINGLE
from .exp2 import EXP2, Curve, log2_part, log2_quotient, power_exponent, power_rate, two_factors
from .floors import nearest_integer
from .pairs import (
    ONE, ZERO, Pair, add, as_pair, divide, fast_two_sum, less, negate, product, rest_of_one, short_horner, two_sum,
    where,
)  # fmt: skip


def exp2_less_one(f: Pair) -> Pair:
    """2^f - 1 for |f| <= 1/2, with a relative error of 2**-61."""
    c3, c4, c5, c6, c7, c8, c9, c10, c11 = (c.hi for c in EXP2[3:])
    x = f.hi
    xx = x * x
    x4 = xx * xx
    last = (c7 + x * c8) + xx * (c9 + x * c10) + x4 * c11
    tail = ((c3 + x * c4) + xx * (c5 + x * c6)) + x4 * last
    return product(f, short_horner(EXP2[:3], f, x * tail))


def sine_squared(v: Pair) -> Pair:
    """sin(pi/2 * v)^2 for 0 <= v <= 1/2, with a relative error of 2**-61."""
    c3, c4, c5, c6, c7, c8 = (c.hi for c in SINGLE[3:])
    square = product(v, v)
    x = square.hi
    xx = x * x
    tail = ((c3 + x * c4) + xx * (c5 + x * c6)) + xx * xx * (c7 + x * c8)
    return product(square, short_horner(SINGLE[:3], square, x * tail))


class PowerCosineDecay:
    """The folded parameters, as cf_power_cosine_decay_init makes them, and the rates at steps."""

    def __init__(self, initial: float, end: float, exponent: float, k_decay: float, decay_steps: int | float) -> None:
        self.decay_steps = as_pair(decay_steps)
        self.inverse = divide(ONE, self.decay_steps)
        self.start, self.end = np.float64(initial) + 0.0, np.float64(end) + 0.0
        self.exponent, self.k_decay = np.float64(exponent), np.float64(k_decay)
        self.curve = Curve(two_sum(self.start, -self.end))

    def __call__(self, step: Pair) -> Any:
        D, inverse, early = self.decay_steps, self.inverse, step.hi <= 0.0
        past = step.hi > 2.0**65  # infinity is not a pair
        step = where(past, Pair(2.0**65, 0.0), step)
        r = add(D, negate(step))
        if self.k_decay != 1.0:
            E = power_exponent(self.k_decay, log2_quotient(r, step, D, inverse.hi * 2.0**-100))
            n = nearest_integer(E.hi)
            y = exp2_less_one(fast_two_sum(E.hi - n, E.lo))
            factors = two_factors(np.where(n < -1000.0, -1000.0, n))
            factor = factors.hi * factors.lo
            # u = factor + factor * y, or 1 less that, where factor is 1 or 1/2
            lower = E.hi >= -1.0
            base = np.where(lower, 1.0 - factor, factor)
            factor = np.where(lower, -factor, factor)
            v = fast_two_sum(base, factor * y.hi)
            v = Pair(v.hi, v.lo + factor * y.lo)
        else:
            lower = ~less(step, r)
            v = product(where(lower, r, step), inverse)
        v = where(v.hi < 2.0**-400, ZERO, v)

        wave = sine_squared(v)
        rest = rest_of_one(wave)
        log = log2_part(where(lower, rest, wave), where(lower, wave, rest))
        E = power_exponent(self.exponent, log)
        rates = power_rate(self.curve, self.start, self.end, E, self.curve.exponent)
        return np.where(r.hi <= 0.0, self.end, np.where(early, self.start, rates))
