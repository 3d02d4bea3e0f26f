"""CosineDecay: `plain` is the formula as one would write it, the class is cosine_fast_cosine_decay.h."""

from __future__ import annotations  # noqa: I001

import math
from fractions import Fraction
from typing import Any

import numpy as np

from . import wide
from .pairs import (
    ONE, ZERO, Pair, add, as_pair, divide, exact_product, fast_two_sum, is_whole, leading_bits, less, multiply,
    multiply_short, negate, product, quotient, reciprocal, scale, shorten, square_rest, table, take, two_prod, two_sum,
    where,
)  # fmt: skip


def plain(
    step: float, peak: float, alpha: float, start: float, absolute: float, decay_steps: float, warmup_steps: float
) -> float:
    """A linear warmup from `start` to the peak, if there is one, then a cosine from the peak down to the floor.

    The floor is peak * alpha, or alpha where `absolute` is not 0.

    >>> parameters, steps = (0.1, 0.01, 0.001, 0.0, 900, 100), np.array([0, 50, 100, 550, 999, 1000, 2000])
    >>> rates = CosineDecay(*parameters)(as_pair(steps))
    >>> np.allclose(rates, [plain(step, *parameters) for step in steps], rtol=1e-14)
    True
    """
    if warmup_steps > 0 and step < warmup_steps:
        return start + (peak - start) * step / warmup_steps
    t = min(step - warmup_steps, decay_steps)
    floor = alpha if absolute else peak * alpha
    return floor + (peak - floor) * (1 + math.cos(math.pi * t / decay_steps)) / 2


def wide_amplitude(peak: Any, alpha: Any, absolute: float) -> Pair:
    """The peak less the floor."""
    return two_sum(peak, -alpha) if absolute else multiply(two_sum(1.0, -alpha), Pair(peak, np.float64(0.0)))


# sin(pi*v/2)^2 / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py.
SINGLE = table("cosine_decay", "single")


class CosineDecay:
    """The folded parameters, as cf_cosine_decay_init makes them, and the rates at steps.

    warmup_steps = 0 is no warmup; then start is the peak.
    """

    def __init__(
        self, peak: float, alpha: float, start: float, absolute: float, decay_steps: float, warmup_steps: float
    ) -> None:
        D, W = as_pair(decay_steps), as_pair(warmup_steps)
        self.fold(peak, alpha, start, absolute, D, W, is_whole(D) and is_whole(W), W.hi + D.hi)

    def fold(
        self, peak: float, alpha: float, start: float, absolute: float, D: Pair, W: Pair, whole: bool, reach: float
    ) -> None:
        """Fold them for a decay that begins and ends at integers, if it is `whole`.

        absolute: the floor is alpha, not peak * alpha; reach: the size of the largest step of the wave.
        """
        one, zero = np.float64(1.0), np.float64(0.0)
        T, a, L0 = np.float64(peak), np.float64(alpha), np.float64(start)
        self.decay_steps, self.warmup_steps, self.begin_rest = D, W, zero
        self.longer, self.shorter = (D, W) if less(W, D) else (W, D)
        self.end_step = W.hi + D.hi
        self.has_warmup = bool(W.hi > 0.0)
        self.rate_unit = self.step_scale = one

        self.end = (a if absolute else T * a) + 0.0  # -0 becomes +0
        amplitude = two_sum(T, -a) if absolute else product(two_sum(one, -a), Pair(T, zero))
        rise, one_sign = two_sum(T, -L0), a == 0.0 or (a > 0.0) == (T > 0.0) if absolute else a >= 0.0
        tiny = 0.0 < abs(T - a if absolute else (one - a) * T) < 2.0**-150 or 0.0 < abs(rise.hi) < 2.0**-150
        ordinary = not tiny and max(abs(T), abs(self.end), abs(L0)) <= 2.0**300 and D.hi >= 2.0**-20
        ordinary = ordinary and (T == 0.0 or (abs(T) >= 2.0**-300 and one_sign)) and reach <= 2.0**44
        self.wide = not ordinary
        self.pairs = self.wide or not whole
        if self.wide:
            amplitude = wide_amplitude(T, a, absolute)
            tiny = 0.0 < abs(amplitude.hi) < 2.0**-150 or 0.0 < abs(rise.hi) < 2.0**-150
            if tiny and max(abs(T), abs(L0), abs(amplitude.hi), abs(self.end)) < 2.0**150:
                # In a unit in which the lower halves are normal numbers.
                self.rate_unit = np.float64(2.0**-700)
                T, L0, a = T * 2.0**700, L0 * 2.0**700, a * 2.0**700 if absolute else a
                amplitude, rise = wide_amplitude(T, a, absolute), two_sum(T, -L0)
            self.step_scale = np.float64(math.ldexp(1.0, 1 - math.frexp(D.hi)[1]))
            self.c = wide.coefficients(amplitude, divide(ONE, scale(D, self.step_scale)))
        else:
            self.c = self.coefficients(amplitude, reciprocal(D.hi) if D.lo == 0.0 else divide(ONE, D))

        self.peak = T
        floor = Pair(a, zero) if absolute else two_prod(T, a) if self.wide else exact_product(T, a)
        # Where it is close to subnormal its lower half has no digits.
        self.floor = Pair(floor.hi + 0.0, zero if abs(floor.hi) < 2.0**-900 else floor.lo)
        # The warmup line is counted from the smaller of its ends.
        self.origin, self.anchor = (T, W) if abs(T) < abs(L0) else (L0, ZERO)
        line = ZERO if not self.has_warmup else divide(rise, W) if self.wide else quotient(rise, W.hi)
        self.slope = shorten(fast_two_sum(*line))

    def coefficients(self, amplitude: Pair, inverse: Pair) -> list[Pair]:
        """amplitude * SINGLE[k] * inverse**(2k + 2), `inverse` being 1 / decay_steps."""
        inverse = product(inverse, inverse)
        power = product(amplitude, inverse)
        next_power = product(power, inverse)
        c0, c1 = fast_two_sum(*product(SINGLE[0], power)), fast_two_sum(*product(SINGLE[1], next_power))
        # The others are 2**-5.5 of the sum and less: doubles suffice. Even and odd powers are independent chains.
        last, ratio = next_power.hi + next_power.lo, inverse.hi + inverse.lo
        powers = [last * ratio, last * (square := ratio * ratio)]
        c = [shorten(c0), c1]
        for g in SINGLE[2:]:
            c.append(Pair(g.hi * powers[-2], np.float64(0.0)))
            powers.append(powers[-2] * square)
        return c

    def reflect(self, step: Pair) -> Pair:
        """The steps in [0, D] at which an even cosine of period 2D has its values at negative steps; exact."""
        D = self.decay_steps
        if D.lo == 0.0:
            period = Pair(2.0 * D.hi, D.lo)
            t = two_sum(np.fmod(-step.hi, period.hi), np.fmod(-step.lo, period.hi))
            t = where(less(t, ZERO), add(t, period), t)
            t = where(less(t, period), t, add(t, negate(period)))
            return where(less(D, t), add(period, negate(t)), t)
        # D, an int64, has more digits than a double: by exact fractions, one step at a time.
        exact_period = 2 * (Fraction(D.hi) + Fraction(D.lo))
        hi, lo = np.empty_like(step.hi), np.empty_like(step.hi)
        for i, (h, low) in enumerate(zip(step.hi, step.lo, strict=True)):
            if math.isinf(h):
                hi[i], lo[i] = math.nan, 0.0
                continue
            exact = -(Fraction(h) + Fraction(low)) % exact_period
            exact = min(exact, exact_period - exact)
            hi[i] = float(exact)
            lo[i] = float(exact - Fraction(hi[i]))
        return Pair(hi, lo)

    def line(self, step: Pair) -> Any:
        """The rates of the warmup."""
        distance = step.hi - self.anchor.hi  # infinity has no pair
        step = where(np.isfinite(distance), add(step, negate(self.anchor)), Pair(distance, 0.0))
        origin: Any = self.origin
        unit: Any = self.rate_unit
        if self.wide:
            # A step beyond all int64s is multiplied by the unit first: else its product with the slope might overflow.
            distant = np.abs(step.hi) > 2.0**65
            step = where(distant, scale(step, unit), step)
            origin = np.where(distant, origin * unit, origin)
            unit = np.where(distant, 1.0, unit)
        P, R = multiply_short(step, self.slope)
        s = two_sum(origin, P)
        return np.where(np.isfinite(s.hi), s.hi + (s.lo + R), s.hi) * unit

    def wave(self, step: Pair) -> tuple[Any, Any, Pair]:
        """Of steps of the decay or past it: whether each is nearer to the peak than to the floor, how many steps it is
        from the nearer one, and the distance of its rate from that one's, P + R."""
        if not self.pairs:
            t = step.hi - self.warmup_steps.hi
            r = self.end_step - step.hi
            upper = t < r
            m = Pair(np.where(upper, t, r), 0.0)
        else:
            past = step.hi > 2.0**65  # far past the end; infinity has no pair
            step = where(past, Pair(2.0**65, 0.0), step)
            tt = add(step, negate(self.warmup_steps))
            if self.wide:
                tt = add(tt, Pair(-self.begin_rest, np.float64(0.0)))
            # Not D - t: near the end the longer part cancels first, or the fraction of a short W would be lost.
            rr = add(add(self.longer, negate(step)), self.shorter)
            upper = less(tt, rr)
            m = where(upper, tt, rr)
        m = where(m.hi < 0.0, ZERO, m)

        if self.wide:
            return upper, m.hi, wide.distance(self.c, scale(m, self.step_scale))
        x = m.hi * m.hi
        e = square_rest(m.hi, x)
        if self.pairs:
            e = e + (m.hi + m.hi) * m.lo
        head = leading_bits(x)
        c0, c0_lo = self.c[0]
        c1, c2, c3, c4, c5, c6, c7, c8 = (c.hi for c in self.c[1:])
        # m^2 - x = e, and c1 x^2 + ... changes by about 1.75 c1 x e.
        tail = ((x - head) + e) * c0 + x * (c0_lo + 1.75 * c1 * e)
        xx = x * x
        q = c1 + x * ((c2 + xx * (c4 + xx * (c6 + xx * c8))) + x * (c3 + xx * (c5 + xx * c7)))
        return upper, m.hi, Pair(head * c0, tail + xx * q)

    def curve(self, step: Pair) -> Any:
        """The rates of steps of the decay or past it."""
        upper, m, (P, R) = self.wave(step)
        base = np.where(upper, self.peak, self.floor.hi)
        rest = np.where(upper, 0.0, self.floor.lo)
        P, R = np.where(upper, -P, P), np.where(upper, -R, R)
        s = two_sum(base, P)
        rates = s.hi + ((s.lo + rest) + R)
        return np.where((m == 0.0) & ~upper, self.end, rates * self.rate_unit) if self.wide else rates

    def __call__(self, step: Pair) -> Any:
        before = less(step, self.warmup_steps)
        if self.has_warmup:
            return np.where(before, self.line(step), self.curve(step))
        if before.any():
            folded = self.reflect(take(step, before))
            step = Pair(step.hi.copy(), step.lo.copy())
            step.hi[before], step.lo[before] = folded
        return self.curve(step)
