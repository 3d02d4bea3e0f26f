"""ExponentialDecay: initial * decay_rate ** (step / decay_steps), or the floor of that quotient with a staircase.

The class is cosine_fast_exponential_decay.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .exp2 import LARGEST_EXPONENT, Curve, log2, two_factors
from .floors import HUGE_STEP, is_odd, nearest_integer, stairs
from .pairs import ZERO, Pair, as_pair, divide, multiply_short, rounded_bits


class ExponentialDecay:
    """The folded parameters, as cf_exponential_decay_init makes them, and the rates at steps."""

    def __init__(self, initial: float, decay_rate: float, staircase: float, decay_steps: int | float) -> None:
        D = self.decay_steps = as_pair(decay_steps)
        self.staircase, self.alternates = bool(staircase), decay_rate < 0.0
        self.inverse = 1.0 / D.hi
        self.curve = Curve(Pair(np.float64(initial) + 0.0, ZERO.hi))
        if decay_rate == 0.0:
            self.slope = Pair(np.float64(-LARGEST_EXPONENT), ZERO.hi)
            self.limit, self.stop = np.float64(0.0), np.float64(1.0)
        else:
            slope = log2(abs(decay_rate))
            if not self.staircase:
                slope = divide(slope, D)
            head = rounded_bits(slope.hi)
            self.slope = Pair(head, (slope.hi - head) + slope.lo)
            self.limit = np.float64(HUGE_STEP) if slope.hi == 0.0 else LARGEST_EXPONENT / abs(slope.hi)
            self.stop = self.limit

    def power(self, x: Pair) -> tuple[Pair, Pair]:
        """The rate at a step or on a stair, and two powers of 2 that it has to be multiplied by."""
        lo = np.where(np.abs(x.hi) > self.limit, 0.0, x.lo)
        hi = np.where(x.hi > self.limit, self.stop, x.hi)
        hi = np.where(hi < -self.limit, -self.stop, hi)
        P, R = multiply_short(Pair(hi, lo), self.slope)
        n = nearest_integer(P)
        f = P - n
        total = f + R
        return self.curve(self.curve.c0, total, R - (total - f)), two_factors(n + self.curve.exponent)

    def __call__(self, step: Pair) -> Any:
        x = step
        if self.staircase:
            # Infinity has no rest.
            far = np.abs(step.hi) > HUGE_STEP
            near_step = Pair(np.where(far, np.copysign(HUGE_STEP, step.hi), step.hi), np.where(far, 0.0, step.lo))
            x, _ = stairs(near_step, self.decay_steps, self.inverse)
        y, factors = self.power(x)
        rates = ((y.hi + y.lo) * factors.hi) * factors.lo
        if self.staircase and self.alternates:
            # At infinity an alternating staircase has no limit but 0.
            rates = np.where(np.isinf(step.hi) & (rates != 0.0), np.nan, rates)
            rates = np.where(is_odd(x), -rates, rates)
        return rates
