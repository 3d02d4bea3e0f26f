"""PolynomialDecay: (initial - end) * (1 - min(step, D) / D) ** power + end.

D is decay_steps; with `cycle` its first multiple that is not below the step. The class is
cosine_fast_polynomial_decay.h.
"""

from __future__ import annotations  # noqa: I001

from typing import Any

import numpy as np

from .cosine_decay import CosineDecay
from .exp2 import ENLARGED, ENLARGED_EXPONENT, LARGEST_EXPONENT, TINY, Curve, log2_quotient, power_exponent, power_rate
from .floors import HUGE_STEP, stairs
from .pairs import (
    ZERO, Pair, add, as_pair, is_usual, negate, product, product_rest, reciprocal, square_rest, two_sum, where,
)  # fmt: skip


class PolynomialDecay:
    """The folded parameters, as cf_polynomial_decay_init makes them, and the rates at steps."""

    def __init__(self, initial: float, end: float, power: float, cycle: float, decay_steps: int | float) -> None:
        self.decay_steps = as_pair(decay_steps)
        self.start, self.end, self.power = np.float64(initial) + 0.0, np.float64(end) + 0.0, np.float64(power)
        self.cycle = bool(cycle)
        self.inverse = reciprocal(self.decay_steps.hi)
        self.fall = fall = two_sum(self.start, -self.end)
        self.curve = Curve(fall)
        self.has_short_way = power in (0.5, 2.0) and not cycle and (fall.hi == 0.0 or is_usual(fall.hi))
        self.has_short_way &= bool(self.decay_steps.hi <= 2.0**50 and self.decay_steps.hi % 1.0 == 0.0)
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
        if self.has_short_way:
            small = (step.lo == 0.0) & (np.abs(step.hi) <= 2.0**50)
            whole = small & (np.floor(step.hi) == step.hi)
            brief = self.short_way(np.where(whole, step.hi, 0.0))
            return brief if whole.all() else np.where(whole, brief, self.long_way(step))
        return self.long_way(step)

    def short_way(self, step: Any) -> Any:
        """initial - (initial - end) * (1 - b ** power), or near the end from there, for powers of 0.5 and 2."""
        D = self.decay_steps.hi
        r = np.where(step < D, D - step, D)
        b, x = product(Pair(r, 0.0), self.inverse), product(Pair(step, 0.0), self.inverse)
        base: Any = self.start
        if self.power == 0.5:  # 1 - sqrt(b) = x / (1 + sqrt(b))
            root = np.sqrt(b.hi)
            square = root * root
            total = two_sum(1.0, root)
            both = 1.0 / (root * total.hi)
            rest = 0.5 * (((b.hi - square) - square_rest(root, square)) + b.lo) * (both * total.hi)
            per_total = both * root
            w = x.hi * per_total
            back = w * total.hi
            left = ((x.hi - back) - product_rest(w, total.hi, back)) + (x.lo - w * (total.lo + rest))
            change = Pair(-w, -(left * per_total))
        else:  # 1 - b * b = x * (1 + b)
            later = b.hi < 0.5
            total = two_sum(1.0, b.hi)
            change = where(later, product(b, b), negate(product(x, Pair(total.hi, total.lo + b.lo))))
            base = np.where(later, self.end, base)
        change = product(self.fall, change)
        total = two_sum(base, change.hi)
        return np.where(step < D, total.hi + (total.lo + change.lo), self.at_end)

    def long_way(self, step: Pair) -> Any:
        """The rates at any steps."""
        lowest = step.hi == -np.inf
        # So close to 0 the rate is a line, and a product's rest may be too small for a double.
        tiny = np.abs(step.hi) < TINY
        hi = np.where(tiny, step.hi * ENLARGED, step.hi)
        exponent = np.where(tiny, self.curve.exponent - ENLARGED_EXPONENT, self.curve.exponent)
        # Infinity has no pair.
        lo = np.where(np.abs(hi) > HUGE_STEP, 0.0, step.lo)
        if self.cycle:
            hi = np.where(hi > HUGE_STEP, HUGE_STEP, hi)
        hi = np.where(np.isinf(hi), np.copysign(HUGE_STEP, hi), hi)
        step, D, inverse = Pair(hi, lo), self.decay_steps, 2.0**-100 * self.inverse.hi
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
