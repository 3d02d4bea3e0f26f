"""The sums of CosineDecay's rates at the steps 0 .. s-1, as in cosine_fast_cosine_sums.h operation for operation.

The header's comment has the derivation.
"""

from __future__ import annotations  # noqa: I001

import math
from typing import Any

import numpy as np

from .cosine_decay import CosineDecay, wide_amplitude
from .pairs import (
    ONE, ZERO, Pair, add, as_pair, divide, fast_two_sum, horner, less, multiply, negate, scale, table, two_sum, where,
)  # fmt: skip

# (1 - sin(pi*v) / (pi*v)) / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py.
MEAN = table("cosine_sums", "mean")
MEAN_PAIRS = 9  # the terms from here on are below 2**-45 of the sum: doubles suffice

HALF = Pair(np.float64(0.5), np.float64(0.0))


def ceil(x: Pair) -> Pair:
    """The least integer that is not below x."""
    if math.floor(x.hi) == x.hi:
        return fast_two_sum(x.hi, np.ceil(x.lo))
    return Pair(np.ceil(x.hi), np.float64(0.0))


def shifted_mean(square: Pair) -> list[Pair]:
    """M(square) shifted: a[0] = M(square), and M(square + x) - a[0] = a[1] * x + a[2] * x**2 + ... (Horner)."""
    a = [ZERO, *MEAN]
    for i in range(len(MEAN)):
        for k in range(len(MEAN) - 1, i - 1, -1):
            a[k] = add(a[k], multiply(square, a[k + 1]))
    return a


class CosineSums:
    """The folded parameters, as cf_cosine_sums_init makes them, and the sums of the rates up to steps.

    The parameters are those of CosineDecay.
    """

    def __init__(
        self, peak: float, alpha: float, start: float, absolute: float, decay_steps: float, warmup_steps: float
    ) -> None:
        largest = max(abs(peak), abs(alpha if absolute else peak * alpha), abs(start))
        shrink = 2.0**-200 if largest > 2.0**700 else 1.0  # intermediate results overflow only where the sum does
        self.first = start
        peak, start, alpha = peak * shrink, start * shrink, alpha * shrink if absolute else alpha
        rates = CosineDecay(peak, alpha, start, absolute, decay_steps, warmup_steps)
        D, W = as_pair(decay_steps), as_pair(warmup_steps)
        self.wide = rates.wide or (
            abs(alpha) > abs(peak) if absolute else alpha > 1.0
        )  # where rates rise a small sum may be the difference of large ones
        self.has_warmup = rates.has_warmup
        self.unit = rates.rate_unit / shrink
        self.peak = Pair(rates.peak, np.float64(0.0))
        self.floor = rates.floor
        self.start = Pair(np.float64(start) / rates.rate_unit, np.float64(0.0))
        amplitude = wide_amplitude(rates.peak, self.floor.hi if absolute else np.float64(alpha), absolute)
        self.sign = -1.0 if amplitude.hi < 0.0 else 1.0

        # The first step of the decay and the first one past it, exactly: a number with a fraction is one double.
        warmup_fraction = W.hi - np.floor(W.hi)
        fraction = two_sum(warmup_fraction, D.hi - np.floor(D.hi))
        steps = ceil(fraction)
        self.begin = ceil(W)
        self.end = add(add(Pair(np.floor(W.hi), W.lo), Pair(np.floor(D.hi), D.lo)), steps)
        self.gap = two_sum(np.float64(1.0), -warmup_fraction) if warmup_fraction > 0.0 else ZERO
        self.upper_shift = add(self.gap, negate(HALF))
        self.lower_shift = add(add(fraction, negate(steps)), HALF)
        steps = add(self.end, negate(self.begin))

        self.slope = self.warmup_sum = ZERO
        self.late: Any = np.float64(0.0)
        if self.has_warmup:
            self.slope = fast_two_sum(rates.slope.hi, rates.slope.lo)
            self.late = 0.5 * self.begin.hi if peak < start else self.begin.hi
            mean = scale(add(self.begin, negate(ONE)), 0.5)
            self.warmup_sum = multiply(self.begin, add(self.start, multiply(self.slope, mean)))

        self.total = self.warmup_sum
        size = math.ldexp(1.0, 1 - math.frexp(D.hi)[1])
        self.square_scale = size * size
        self.c = [ZERO] * len(MEAN)
        self.upper_rest = self.lower_rest = ZERO
        if steps.hi <= 1.0:  # a step or none, and no wave between the decay's ends
            self.upper_shift, self.lower_shift = negate(HALF), HALF
            if steps.hi == 1.0:
                self.total = add(self.total, Pair(rates(self.begin) / rates.rate_unit, np.float64(0.0)))
        else:
            inverse = divide(HALF, D)
            a = shifted_mean(multiply(inverse, inverse))
            inverse = divide(ONE, scale(D, size))
            inverse = multiply(inverse, inverse)
            power = divide(scale(amplitude, 0.5 * self.sign), add(ONE, negate(a[0])))
            for k in range(len(MEAN)):
                power = multiply(power, inverse)
                self.c[k] = multiply(a[k + 1], power)
            self.upper_rest = self.wave(self.upper_shift)
            self.lower_rest = self.wave(self.lower_shift)
            # The sine of an angle is that of its supplement: G(D - X) = D/2 - X + G(X).
            rest = add(self.upper_rest, negate(self.lower_rest))
            mean = add(scale(D, 0.5), negate(self.upper_shift))
            mean = add(multiply(amplitude, mean), scale(rest, self.sign))
            self.total = add(self.total, add(multiply(steps, self.floor), mean))
        self.middle = add(add(self.begin, self.end), add(self.lower_shift, negate(self.upper_shift)))
        self.middle = scale(self.middle, 0.5)

    def wave(self, X: Pair) -> Pair:
        """|amplitude| * G(X), |X| <= D/2."""
        v = scale(add(multiply(X, X), Pair(np.float64(-0.25), np.float64(0.0))), self.square_scale)
        return multiply(X, multiply(v, horner(self.c, v, MEAN_PAIRS)))

    def in_doubles(self, step: Pair) -> Any:
        upper = step.hi < self.middle.hi
        d = two_sum(step.hi, -np.where(upper, self.begin.hi, self.end.hi))
        steps = d.hi + (d.lo + step.lo)  # from there
        n = np.where(upper, steps, -steps)
        X = n + np.where(upper, self.upper_shift.hi, self.lower_shift.hi)
        x = (X - 0.5) * (X + 0.5) * self.square_scale
        xx = x * x
        c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 = (c.hi for c in self.c[:11])
        even = c1 + xx * (c3 + xx * (c5 + xx * (c7 + xx * c9)))
        odd = c2 + xx * (c4 + xx * (c6 + xx * (c8 + xx * c10)))
        wave = X * (x * (c0 + x * (even + x * odd))) - np.where(upper, self.upper_rest.hi, self.lower_rest.hi)
        # Past the end and where there is no step yet to sum there is no wave.
        y = np.where((n > 0.0) & (wave > 0.0), self.sign * wave, 0.0)
        part = steps * np.where(upper, self.peak.hi, self.floor.hi) - y
        base = where(upper, self.warmup_sum, self.total)
        if self.has_warmup:
            line, late = upper & (n < 0.0), step.hi > self.late
            m = np.where(late, steps, step.hi)
            gap = np.where(late, self.gap.hi, 0.0)
            mean = np.where(late, self.peak.hi, self.start.hi) + self.slope.hi * ((m - 1.0) * 0.5 + gap)
            base = where(line & ~late, ZERO, base)
            part = np.where(line, m * mean, part)
        return base.hi + (base.lo + part)

    def in_pairs(self, step: Pair) -> Any:
        upper = less(step, self.middle)
        steps = add(step, negate(where(upper, self.begin, self.end)))
        n = where(upper, steps, negate(steps))
        # Powers of X might overflow where there is no wave.
        X = where(n.hi > 0.0, add(n, where(upper, self.upper_shift, self.lower_shift)), ZERO)
        wave = add(self.wave(X), negate(where(upper, self.upper_rest, self.lower_rest)))
        y = where((n.hi > 0.0) & (wave.hi > 0.0), scale(wave, self.sign), ZERO)
        part = add(multiply(steps, where(upper, self.peak, self.floor)), negate(y))
        base = where(upper, self.warmup_sum, self.total)
        if self.has_warmup:
            line, late = upper & (n.hi < 0.0), step.hi > self.late
            m = where(late, steps, step)
            mean = add(scale(add(m, negate(ONE)), 0.5), where(late, self.gap, ZERO))
            mean = add(where(late, self.peak, self.start), multiply(self.slope, mean))
            base = where(line & ~late, ZERO, base)
            part = where(line, multiply(m, mean), part)
            sums = add(base, part).hi * self.unit
            return np.where(step.hi == 1.0, self.first, sums)  # which may be too small for the unit
        return add(base, part).hi * self.unit

    def __call__(self, step: Pair) -> Any:
        sums = self.in_pairs(step) if self.wide else self.in_doubles(step)
        return sums if self.has_warmup else np.where(step.hi < 0.0, np.nan, sums)
