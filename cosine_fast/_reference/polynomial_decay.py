"""PolynomialDecay: (initial - end) * (1 - min(step, D) / D) ** power + end.

D is decay_steps; with `cycle` its first multiple that is not below the step. The class is
cosine_fast_polynomial_decay.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .cosine_decay import CosineDecay
from .exp2 import (
    ENLARGED, ENLARGED_EXPONENT, LARGEST_EXPONENT, TINY, Curve, base_plus, log2_quotient, power_exponent, power_rate,
)  # fmt: skip
from .floors import HUGE_STEP, stairs
from .pairs import ZERO, Pair, add, as_pair, negate, product, product_rest, reciprocal, scale, square_rest, two_sum, where


class PolynomialDecay:
    """The folded parameters, as cf_polynomial_decay_init makes them, and the rates at steps."""

    def __init__(self, initial: float, end: float, power: float, cycle: float, decay_steps: int | float) -> None:
        self.decay_steps = as_pair(decay_steps)
        self.start, self.end, self.power = np.float64(initial) + 0.0, np.float64(end) + 0.0, np.float64(power)
        self.cycle = bool(cycle)
        inverse = reciprocal(self.decay_steps.hi)
        self.inverse = Pair(inverse.hi, inverse.lo - inverse.hi * (inverse.hi * self.decay_steps.lo))
        fall = two_sum(self.start, -self.end)
        self.curve = Curve(fall)
        self.at_end = self.end
        if power <= 0.0 and fall.hi != 0.0:
            self.at_end = self.start if power == 0.0 else fall.hi * np.inf
        self.line: CosineDecay | None = None
        if power == 1.0 and not cycle and fall.hi != 0.0 and abs(fall.hi / self.decay_steps.hi) <= 2.0**1000:
            # CosineDecay's warmup line to a decay whose floor is its peak.
            self.line = CosineDecay(float(self.end), 1.0, float(self.start), 0.0, 1, decay_steps)

    def __call__(self, step: Pair) -> Any:
        if self.line:
            return self.line(step)
        return self.curve_at(step) if self.cycle or self.power != 0.5 else self.root_at(step)

    def root_at(self, step: Pair) -> Any:
        """initial - (initial - end) * w, where w = 1 - sqrt(b) = (step / D) / (1 + sqrt(b)) with b = (D - step) / D."""
        lowest = step.hi == -np.inf
        step, exponent = self.usual(step)
        # So far out only the step counts, of which a 2**-600th serves.
        huge = np.abs(step.hi) > 2.0**500
        step = scale(step, np.where(huge, 2.0**-600, 1.0))
        exponent = np.where(lowest, LARGEST_EXPONENT, np.where(huge, exponent + 300.0, exponent))
        r = add(scale(self.decay_steps, np.where(huge, 0.0, 1.0)), negate(step))
        past = r.hi <= 0.0
        r = where(past, self.decay_steps, r)
        tiny = r.hi < TINY
        b, x = product(scale(r, np.where(tiny, ENLARGED, 1.0)), self.inverse), product(step, self.inverse)
        root = np.sqrt(b.hi)
        total = two_sum(np.where(huge, 2.0**-300, 1.0), root)
        both = 1.0 / (root * total.hi)
        square = root * root
        rest = ((b.hi - square) - square_rest(root, square)) + b.lo
        root_rest = 0.5 * rest * (both * total.hi)
        per_total = both * root
        w = x.hi * per_total
        back = w * total.hi
        rest = ((x.hi - back) - product_rest(w, total.hi, back)) + (x.lo - w * (total.lo + root_rest))
        # Towards the end w has too few digits of sqrt(b).
        ends = b.hi < 2.0**-52
        change = where(ends, Pair(root, root_rest), Pair(-w, -(rest * per_total)))
        exponent = np.where(tiny, exponent - 0.5 * ENLARGED_EXPONENT, exponent)
        rates = base_plus(np.where(ends, self.end, self.start), product(self.curve.c0, change), exponent)
        return np.where(past, self.at_end, rates)

    def usual(self, step: Pair) -> tuple[Pair, Any]:
        """A step that pairs can be made of, and the exponent of the amplitude for it."""
        # So close to 0 the rate is a line, and a product's rest may be too small for a double.
        tiny = np.abs(step.hi) < TINY
        hi = np.where(tiny, step.hi * ENLARGED, step.hi)
        exponent = np.where(tiny, self.curve.exponent - ENLARGED_EXPONENT, self.curve.exponent)
        # Infinity has no pair.
        lo = np.where(np.abs(hi) > HUGE_STEP, 0.0, step.lo)
        if self.cycle:
            hi = np.where(hi > HUGE_STEP, HUGE_STEP, hi)
        return Pair(np.where(np.isinf(hi), np.copysign(HUGE_STEP, hi), hi), lo), exponent

    def curve_at(self, step: Pair) -> Any:
        """The rates at steps by logarithms and powers of 2."""
        lowest = step.hi == -np.inf
        step, exponent = self.usual(step)
        D, inverse = self.decay_steps, 2.0**-100 * self.inverse.hi
        r = add(D, negate(step))
        if self.cycle:
            # D * ceil(step / D) is the step and what is left to the cycle's end.
            later = step.hi > 0.0
            _, passed = stairs(where(later, step, ZERO), D, 1.0 / D.hi)
            left = where(passed.hi > 0.0, add(D, negate(passed)), ZERO)
            r = where(later, left, r)
            D = where(later, add(step, left), D)
            inverse = 2.0**-100 / D.hi

        log = log2_quotient(step, r, D, inverse)
        log = Pair(np.where(lowest, 1e300, log.hi), log.lo)  # as good as infinity, and 0 times it is 0
        E, rest = power_exponent(self.power, log)
        rest = np.where(np.abs(E) > LARGEST_EXPONENT, 0.0, rest)
        E = np.where(E > LARGEST_EXPONENT, LARGEST_EXPONENT, E)
        E = np.where(E < -LARGEST_EXPONENT, -LARGEST_EXPONENT, E)
        rates = power_rate(self.curve, self.start, self.end, Pair(E, rest), exponent)
        return np.where(r.hi <= 0.0, self.at_end, rates)
