"""PowerCosineDecay: (initial - end) * ((1 + cos(pi * x ** k_decay)) / 2) ** exponent + end, x = step / decay_steps.

The class is cosine_fast_power_cosine_decay.h.
"""

from __future__ import annotations  # noqa: I001

from typing import Any

import numpy as np

from .cosine_decay import SINGLE
from .exp2 import EXP2, Curve, log2_part, log2_quotient, power_exponent, power_rate, two_factors
from .pairs import (
    ONE, ZERO, Pair, add, as_pair, divide, fast_two_sum, less, negate, product, rest_of_one, scale, short_horner,
    two_sum, where,
)  # fmt: skip
from .polynomial_decay import LARGE, LARGE_EXPONENT, TINY


def exp2_less_one(f: Pair) -> Pair:
    """2^f - 1 for |f| <= 1/2, with a relative error of 2**-61."""
    c3, c4, c5, c6, c7, c8, c9, c10, c11 = (c.hi for c in EXP2[3:])
    x = f.hi
    xx = x * x
    odd = c3 + xx * (c5 + xx * (c7 + xx * (c9 + xx * c11)))
    even = c4 + xx * (c6 + xx * (c8 + xx * c10))
    return product(f, short_horner(EXP2[:3], f, Pair(odd + x * even, 0.0)))


def sine_squared(v: Pair) -> Pair:
    """sin(pi/2 * v)^2 for 0 <= v <= 1/2, with a relative error of 2**-61."""
    c3, c4, c5, c6, c7, c8 = (c.hi for c in SINGLE[3:])
    x = product(v, v)
    xx = x.hi * x.hi
    odd = c3 + xx * (c5 + xx * c7)
    even = c4 + xx * (c6 + xx * c8)
    return product(x, short_horner(SINGLE[:3], x, Pair(odd + x.hi * even, 0.0)))


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
            tiny = step.hi < TINY
            step = Pair(np.where(tiny, step.hi * LARGE, step.hi), step.lo)
            log = log2_quotient(r, step, D, inverse.hi * 2.0**-100)
            rest = two_sum(log.hi, -np.where(tiny, LARGE_EXPONENT, 0.0))
            e = power_exponent(self.k_decay, Pair(rest.hi, rest.lo + log.lo))
            y = exp2_less_one(e.f)
            u = fast_two_sum(1.0, y.hi)
            factors = two_factors(e.n)
            u = scale(scale(Pair(u.hi, u.lo + y.lo), factors.hi), factors.lo)
            lower = u.hi >= 0.5
            v = where(lower, where(e.n == 0.0, negate(y), rest_of_one(u)), u)
        else:
            lower = ~less(step, r)
            v = product(where(lower, r, step), inverse)
        v = where(v.hi < 2.0**-400, ZERO, v)

        wave = sine_squared(v)
        rest = rest_of_one(wave)
        log = log2_part(where(lower, rest, wave), where(lower, wave, rest))
        e = power_exponent(self.exponent, log)
        rates = power_rate(self.curve, self.start, self.end, e, self.curve.exponent)
        return np.where(r.hi <= 0.0, self.end, np.where(early, self.start, rates))
