"""InverseTimeDecay: initial / (1 + decay_rate * (step / decay_steps)), or the floor of that quotient with a staircase.

The class is cosine_fast_inverse_time_decay.h, whose comment has the derivation.
"""

from __future__ import annotations  # noqa: I001

import math
from typing import Any

import numpy as np

from .floors import stairs
from .pairs import (
    ONE, ZERO, Pair, add, as_pair, divide, exact_product, is_usual, negate, product_rest, scale, take_unit, two_sum,
    where,
)  # fmt: skip


def ratio(numerator: Pair, denominator: Pair) -> Any:
    """The quotient, rounded once, where denominator.lo is at most 2**-32 of its hi."""
    inverse = 1.0 / denominator.hi
    q = numerator.hi * inverse
    product = exact_product(q, denominator.hi)
    rest = ((numerator.hi - product.hi) - product.lo) + (numerator.lo - q * denominator.lo)
    return q + rest * inverse


def find_fraction(x: Pair) -> tuple[np.float64, np.float64, np.float64] | None:
    """Integers `above` and `below` with above / below = x > 0, or within 2**-53 of it, or closer while they are small;
    and below * x - above. They are the convergents of the continued fraction of x."""
    left, found = x, False
    above, below = ONE.hi, ZERO.hi
    above_before, below_before, difference = ZERO.hi, ONE.hi, ZERO.hi
    for _ in range(80):  # they grow at least as Fibonacci's numbers do, of which 2**50 is near the 73rd
        whole = np.floor(left.hi) - (1.0 if left.hi == np.floor(left.hi) and left.lo < 0.0 else 0.0)
        next_above, next_below = whole * above + above_before, whole * below + below_before
        # 2**40 leaves room for more factors and for steps; 2**50 for steps as long as the decay at least.
        if not (next_above <= (2.0**40 if found else 2.0**50) and next_below <= 2.0**50):
            return (above, below, difference) if found else None
        above_before, below_before, above, below = above, below, next_above, next_below
        remainder = add(exact_product(below, x.hi), Pair(-above, ZERO.hi))
        difference = remainder.hi + (remainder.lo + below * x.lo)
        found = abs(difference) <= above * 2.0**-53
        left = add(left, Pair(-whole, ZERO.hi))
        if abs(difference) <= above * 2.0**-57 or not left.hi > 0.0:
            return (above, below, difference) if found else None
        left = divide(ONE, left)
    return None


class InverseTimeDecay:
    """The folded parameters, as cf_inverse_time_decay_init makes them, and the rates at steps."""

    def __init__(self, initial: float, decay_rate: float, staircase: float, decay_steps: int | float) -> None:
        self.staircase = bool(staircase)
        self.initial, self.initial_unit = take_unit(initial)
        self.rate, self.rate_unit = take_unit(decay_rate)
        self.decay_steps = D = as_pair(decay_steps)
        self.inverse = 1.0 / D.hi
        self.smooth_from = D.hi * 2.0**98  # beyond these steps a staircase is a smooth curve
        self.numerator = add(exact_product(self.initial, D.hi), exact_product(self.initial, D.lo))
        self.has_short_way = False
        if is_usual(initial) and is_usual(decay_rate) and not (staircase and (D.lo != 0.0 or D.hi < 1.0)):
            self.fold_short_way(
                np.float64(initial), divide(ONE if staircase else D, Pair(np.float64(decay_rate), ZERO.hi))
            )

    def fold_short_way(self, initial: np.float64, goal: Pair) -> None:
        """Find the fraction near `goal`, D / r or 1 / r. Of its first odd multiples take the one whose height is
        nearest to a double."""
        sign = -1.0 if goal.hi < 0.0 else 1.0
        fraction = find_fraction(negate(goal) if goal.hi < 0.0 else goal)
        if fraction is None:
            return
        above, below, difference = fraction
        factor, error = 1.0, math.inf
        while factor < 32.0 and max(above, below) * factor <= 2.0**50 and abs(error) > 2.0**-56:
            base = above * factor
            height = initial * base
            off = product_rest(initial, base, height) / height
            if abs(off) < abs(error):
                error = off
                self.base, self.height = base * sign, height * sign
                self.slope, self.base_error = below * factor, difference * factor * sign
            factor += 2.0
        difference = difference / above
        self.correction = error + difference
        self.per_height = 1.0 / self.height
        # The errors of the height and of the fraction may be 1.5 * 2**-53 of a rate together. The latter grows towards
        # the pole.
        room = 1.5 * 2.0**-53 - abs(error)
        reach = abs(goal.hi) * (0.9375 if abs(difference) * 15.0 <= room else room / (room + abs(difference)))
        self.least = -math.inf if sign < 0.0 else -reach
        self.most = reach if sign < 0.0 else math.inf
        self.has_short_way = bool(abs(difference) <= room)

    def __call__(self, step: Pair) -> Any:
        if self.rate == 0.0:  # every step is step 0, but NaN
            step = Pair(np.where(np.isnan(step.hi), step.hi, 0.0), np.zeros_like(step.lo))
        stair, _ = stairs(step, self.decay_steps, self.inverse) if self.staircase else (step, step)
        if not self.has_short_way:
            return self.long_way(step, stair)
        x = stair.hi
        short = (step.lo == 0.0) & (np.abs(step.hi) <= 2.0**50) & (x >= self.least) & (x <= self.most)
        return self.short_way(x) if short.all() else np.where(short, self.short_way(x), self.long_way(step, stair))

    def short_way(self, x: Any) -> Any:
        """L0 / (1 + r * x / D) = (L0 * D / r) / (x + D / r) by the fraction for D / r, for most steps or stairs x."""
        product = exact_product(self.slope, x)
        total = two_sum(self.base, product.hi)
        t = total.lo + product.lo
        q = self.height / total.hi
        return np.where(t == 0.0, q, q + q * (self.correction - (t + self.base_error) * self.per_height * q))

    def long_way(self, step: Pair, stair: Pair) -> Any:
        """L0 * D / (D + r * s), or L0 / (1 + r * stair), for any step of any schedule."""
        x, base, numerator = step, self.decay_steps, self.numerator
        if self.staircase:
            on_stairs = np.abs(step.hi) < self.smooth_from
            x = where(on_stairs, stair, step)
            base = where(on_stairs, ONE, base)
            numerator = where(on_stairs, Pair(self.initial, 0.0), numerator)
        # Where r * x is so large that nothing else counts, x and its unit lose 2**600 each.
        far = np.abs(x.hi * self.rate_unit) > 2.0**700
        down = np.where(far, 2.0**-600, 1.0)
        x = scale(scale(x, down), self.rate_unit * down)
        base = where(far, ZERO, base)
        denominator = add(add(base, exact_product(x.hi, self.rate)), exact_product(x.lo, self.rate))
        pole = denominator.hi == 0.0
        rates = ratio(numerator, Pair(np.where(pole, 1.0, denominator.hi), denominator.lo))
        rates = np.where(pole, numerator.hi * np.inf, rates)
        rates = rates * (self.initial_unit * down) * down + 0.0  # -0 becomes +0
        return np.where(np.isinf(step.hi), 0.0, rates)
