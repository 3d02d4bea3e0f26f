"""InverseTimeDecay and PiecewiseConstantDecay, as in cosine_fast_ratios.h: the same operations, so the same bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._pairs import (
    Pair,
    add,
    divide,
    exact_product,
    from_int64,
    from_number,
    less,
    negate,
    product_rest,
    two_sum,
    where,
)

ZERO = np.float64(0.0)


def minus_multiple(a: Pair, n: Any, b: Pair) -> Pair:
    """a - n * b, exactly where that has no more digits than a pair."""
    return add(add(a, exact_product(-n, b.hi)), exact_product(-n, b.lo))


def floor_quotient(step: Pair, length: Pair) -> Pair:
    """floor(step / length) exactly, |step| <= 2**100 * length and 2**-64 <= length < 2**63."""
    if length.lo != 0.0:  # it is whole, and takes no notice of a fraction, for which the rest would have no digits
        step = Pair(np.floor(step.hi), step.lo)
    first = np.floor(step.hi / length.hi)
    rest = minus_multiple(step, first, length)
    second = np.floor(rest.hi / length.hi)
    rest = minus_multiple(rest, second, length)
    second = second - np.where(less(rest, Pair(ZERO, ZERO)), 1.0, 0.0)
    second = second + np.where(less(rest, length), 0.0, 1.0)
    return two_sum(first, second)


def take_unit(x: float) -> tuple[np.float64, np.float64]:
    """x as a number in [1, 2) in size, or 0, and a power of 2."""
    fraction, exponent = math.frexp(x)
    return np.float64(2.0 * fraction), np.float64(math.ldexp(1.0, exponent - 1) if x else 1.0)


def rest(c: Any, a: Any, b: Any) -> Any:
    """c - a * b, rounded once, where c less the rounded product is exact."""
    product = exact_product(a, b)
    return (c - product.hi) - product.lo


def floor_quotient_near(step: Any, length: Any, inverse: Any) -> Any:
    """floor(step / length) exactly, |step| <= 2**50 and length >= 1, both of one double; inverse = 1 / length."""
    n = (step * inverse + 6755399441055744.0) - 6755399441055744.0
    return np.where(rest(step, n, length) < 0.0, n - 1.0, n)


def ratio(top: Pair, below: Pair) -> Any:
    """top / below, rounded once, where below.lo is at most 2**-32 of below.hi."""
    inverse = 1.0 / below.hi
    q = top.hi * inverse
    return q + (rest(top.hi, q, below.hi) + (top.lo - q * below.lo)) * inverse


def is_usual(x: float) -> bool:
    return 2.0**-300 <= abs(x) <= 2.0**300


def find_fraction(x: Pair) -> tuple[np.float64, np.float64, np.float64] | None:
    """Whole numbers (above, below) whose quotient is x > 0, or within 2**-53 of it, or nearer while they are small: the
    convergents of its continued fraction; and below * x - above."""
    left, found = x, False
    above, below = np.float64(1.0), ZERO
    above_before, below_before, lacking = ZERO, np.float64(1.0), ZERO
    while True:
        whole = np.floor(left.hi) - (1.0 if left.hi == np.floor(left.hi) and left.lo < 0.0 else 0.0)
        next_above, next_below = whole * above + above_before, whole * below + below_before
        # 2**40 leaves room for more factors and for steps; 2**50 for steps as long as the decay at least.
        if not (next_above <= (2.0**40 if found else 2.0**50) and next_below <= 2.0**50):
            return (above, below, lacking) if found else None
        above_before, below_before, above, below = above, below, next_above, next_below
        remainder = add(exact_product(below, x.hi), Pair(-above, ZERO))
        lacking = remainder.hi + (remainder.lo + below * x.lo)
        found = abs(lacking) <= above * 2.0**-53
        left = add(left, Pair(-whole, ZERO))
        if abs(lacking) <= above * 2.0**-57 or not left.hi > 0.0:
            return (above, below, lacking) if found else None
        left = divide(Pair(np.float64(1.0), ZERO), left)


class InverseTimeDecay:
    """The folded parameters, as cf_inverse_time_decay_init makes them, and the rate at an array of steps."""

    def __init__(self, initial: float, decay_steps: int | float, rate: float, staircase: bool) -> None:
        self.staircase = staircase
        self.initial, self.unit = take_unit(initial)
        self.rate, self.scale = take_unit(rate)
        self.decay_steps = D = from_number(decay_steps)
        self.inverse = 1.0 / D.hi
        self.smooth_from = D.hi * 2.0**100
        self.top = add(exact_product(self.initial, D.hi), exact_product(self.initial, D.lo))
        self.plain = False
        if is_usual(initial) and is_usual(rate) and not (staircase and (D.lo != 0.0 or D.hi < 1.0)):
            self.fold_short_way(
                np.float64(initial),
                divide(Pair(np.float64(1.0), ZERO) if staircase else D, Pair(np.float64(rate), ZERO)),
            )

    def fold_short_way(self, initial: np.float64, goal: Pair) -> None:
        """Find the fraction near `goal`, D / r or 1 / r, and of its first odd multiples that whose height is nearest to
        a double."""
        sign = -1.0 if goal.hi < 0.0 else 1.0
        fraction = find_fraction(negate(goal) if goal.hi < 0.0 else goal)
        if fraction is None:
            return
        above, below, lacking = fraction
        factor, error = 1.0, math.inf
        while factor < 32.0 and max(above, below) * factor <= 2.0**50 and abs(error) > 2.0**-56:
            base = above * factor
            height = initial * base
            off = product_rest(initial, base, height) / height
            if abs(off) < abs(error):
                error = off
                self.base, self.height = base * sign, height * sign
                self.slope, self.lacking = below * factor, lacking * factor * sign
            factor += 2.0
        lacking = lacking / above
        self.more = error + lacking
        self.per_height = 1.0 / self.height
        # What the height and the fraction lack may be 1.5 * 2**-53 of a rate together. The latter grows at the pole.
        room = 1.5 * 2.0**-53 - abs(error)
        reach = abs(goal.hi) * (0.9375 if abs(lacking) * 15.0 <= room else room / (room + abs(lacking)))
        self.least = -math.inf if sign < 0.0 else -reach
        self.most = reach if sign < 0.0 else math.inf
        self.plain = bool(abs(lacking) <= room)

    def __call__(self, steps: np.ndarray) -> np.ndarray:
        """The rates, float64, at a contiguous one-dimensional array of int64 or float64."""
        with np.errstate(all="ignore"):
            s = from_int64(steps) if steps.dtype.kind == "i" else Pair(steps, np.zeros_like(steps))
            if not self.plain:
                return np.asarray(self.far(s))
            x = floor_quotient_near(s.hi, self.decay_steps.hi, self.inverse) if self.staircase else s.hi
            near = (s.lo == 0.0) & (np.abs(s.hi) <= 2.0**50) & (x >= self.least) & (x <= self.most)
            return np.asarray(self.near(x) if near.all() else np.where(near, self.near(x), self.far(s)))

    def near(self, x: Any) -> Any:
        """The short way: L0 / (1 + r * x / D) = (L0 * D / r) / (x + D / r), the fraction for D / r."""
        product = exact_product(self.slope, x)
        total = two_sum(self.base, product.hi)
        t = total.lo + product.lo
        q = self.height / total.hi
        return np.where(t == 0.0, q, q + q * (self.more - (t + self.lacking) * self.per_height * q))

    def far(self, s: Pair) -> Any:
        """The long way, for any step of any schedule."""
        if self.rate == 0.0:
            # Without a decay_rate every step is step 0, but NaN.
            s = Pair(np.where(np.isnan(s.hi), s.hi, 0.0), np.zeros_like(s.lo))
        x, base, top = s, self.decay_steps, self.top
        if self.staircase:
            stairs = np.abs(s.hi) < self.smooth_from
            x = where(stairs, floor_quotient(s, self.decay_steps), s)
            base = where(stairs, Pair(1.0, 0.0), base)
            top = where(stairs, Pair(self.initial, 0.0), top)
        # Where r * x is so large that nothing else counts, x and its scale lose 2**600 each.
        far = np.abs(x.hi * self.scale) > 2.0**700
        down = np.where(far, 2.0**-600, 1.0)
        scale = self.scale * down
        x = Pair(x.hi * down * scale, x.lo * down * scale)
        base = where(far, Pair(0.0, 0.0), base)
        below = add(add(base, exact_product(x.hi, self.rate)), exact_product(x.lo, self.rate))
        pole = below.hi == 0.0
        rates = np.where(pole, top.hi * np.inf, ratio(top, Pair(np.where(pole, 1.0, below.hi), below.lo)))
        rates = rates * (self.unit * down) * down + 0.0  # -0 is +0
        return np.where(np.isinf(s.hi), 0.0, rates)


class PiecewiseConstantDecay:
    """The pieces, and the rate at an array of steps."""

    def __init__(self, boundaries: Sequence[int | float], values: Sequence[float]) -> None:
        whole = [math.floor(b) for b in boundaries]
        # The last step of each piece among int64s, but of pieces that end before all these, and among floats.
        self.before = sum(b < -(2**63) for b in whole)
        self.last_ints = np.array([min(b, 2**63 - 1) for b in whole[self.before :]], np.int64)
        self.last_floats = np.array([_rounded_down(b) for b in boundaries], np.float64)
        self.values = np.array(values, np.float64)

    def __call__(self, steps: np.ndarray) -> np.ndarray:
        """The rates, float64, at a contiguous one-dimensional array of int64 or float64."""
        if steps.dtype.kind == "i":
            return np.asarray(self.values[self.before + np.searchsorted(self.last_ints, steps)])
        rates = self.values[np.searchsorted(self.last_floats, steps)]
        return np.where(np.isnan(steps), steps, rates)


def _rounded_down(x: int | float) -> float:
    nearest = float(x)
    return nearest if nearest <= x else math.nextafter(nearest, -math.inf)
