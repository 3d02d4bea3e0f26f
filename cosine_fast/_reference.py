"""The pure-Python backend: the same operations as cosine_fast.h, in the same order, on NumPy arrays; so the same bits.

It is the formula for people to read (the derivation is in the header's comment) and the fallback where nothing can be
compiled.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np

from ._pairs import (
    Pair,
    Triple,
    add,
    divide,
    exact_product,
    fast_two_sum,
    from_int64,
    from_number,
    horner,
    is_whole,
    less,
    multiply,
    negate,
    product,
    product_rest,
    quotient,
    reciprocal,
    square_rest,
    table,
    top,
    two_prod,
    two_sum,
    where,
)  # fmt: skip
from ._reference_powers import Curve, ExponentialDecay, PolynomialDecay, bits_of, is_odd, nearest_stairs
from ._reference_ratios import InverseTimeDecay, PiecewiseConstantDecay
from ._reference_sums import CosineSums

OPENMP = False
ISAS = ("python",)
CYCLES = 256  # that a schedule with restarts keeps
CHUNK = 8192  # elements at a time: NumPy's temporaries stay in the second cache, and memory bounded

# sin(pi*v/2)^2 / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py.
SINGLE = table("""
    0x1.3bd3cc9be45dep+1, 0x1.6909fac1cb685p-53
    -0x1.03c1f081b5ac4p+1, 0x1.859d9da6213cfp-53
    0x1.55d3c7e3cbfd8p-1, 0x1.0ec5c9ff6e87cp-59
    -0x1.e1f5068918fbap-4, -0x1.51b5964a85930p-59
    0x1.a6d1f2a04f3b6p-7, 0x1.74a74d02709d9p-62
    -0x1.f9d388fe4ffffp-11, -0x1.667b8654cd625p-65
    0x1.b6e1cb6495b7bp-15, -0x1.86cbc80bdb1e0p-71
    -0x1.20a5bb0431f96p-19, -0x1.43dc0a9cd2b88p-73
    0x1.21698c751c9adp-24, 0x1.a514f2392bcabp-80
""")
WIDE = table("""
    0x1.3bd3cc9be45dep+1, 0x1.692b71366cc02p-53
    -0x1.03c1f081b5ac4p+1, 0x1.32b33f87fcf2fp-53
    0x1.55d3c7e3cbffap-1, -0x1.d58292695cd53p-60
    -0x1.e1f506891babbp-4, 0x1.736335f28da2dp-61
    0x1.a6d1f2a204a8cp-7, -0x1.596cb20ffff39p-61
    -0x1.f9d38a3763cc3p-11, 0x1.dc1c9197ff164p-65
    0x1.b6e24f44b128ap-15, -0x1.837f659655e21p-71
    -0x1.20c62c2f2d421p-19, 0x1.4901a199bf9b1p-73
    0x1.2a0c591abb4c6p-24, 0x1.da4f9ef7f703bp-78
    -0x1.ef6e303a43b36p-30, -0x1.0eedb34a10e13p-84
    0x1.52ae1ac583382p-35, -0x1.9042ecb1498bap-89
    -0x1.8376b6bb6a232p-41, -0x1.a5400887f610cp-95
    0x1.70acf1dd80dd2p-47, -0x1.a1eb0673a79e5p-102
""")
WIDE_PAIRS = 9  # below 2**-48 of the sum a coefficient needs only one double


class CosineDecay:
    """The folded parameters, as cf_cosine_decay_init makes them, and the rate at an array of steps."""

    def __init__(
        self, peak: float, decay_steps: int | float, alpha: float, has_warmup: bool, start: float,
        warmup_steps: int | float,
    ) -> None:  # fmt: skip
        D, W = from_number(decay_steps), from_number(warmup_steps if has_warmup else 0)
        self.period = 2 * Fraction(decay_steps)
        self.fold(
            peak, D, alpha, has_warmup, start if has_warmup else peak, W, is_whole(D) and is_whole(W), W.hi + D.hi
        )

    def fold(
        self, peak: float, D: Pair, alpha: float, has_warmup: bool, start: float, W: Pair, whole: bool, reach: float
    ) -> None:  # fmt: skip
        """Where the decay begins and ends at steps up to `reach` in size, all `whole` or not."""
        one, zero = np.float64(1.0), np.float64(0.0)
        self.decay_steps, self.warmup_steps = D, W
        self.longer, self.shorter = (D, W) if less(W, D) else (W, D)
        self.end_step = W.hi + D.hi
        self.begin_rest = zero
        self.has_warmup = has_warmup
        L0, T, a = np.float64(start), np.float64(peak), np.float64(alpha)
        self.scale = self.unit = one

        self.end = T * a + 0.0  # -0 is +0
        amplitude, rise = product(two_sum(one, -a), Pair(T, zero)), two_sum(T, -L0)
        tiny = 0.0 < abs((one - a) * T) < 2.0**-150 or 0.0 < abs(rise.hi) < 2.0**-150
        ordinary = not tiny and max(abs(T), abs(self.end), abs(L0)) <= 2.0**300 and D.hi >= 2.0**-20
        ordinary = ordinary and (T == 0.0 or (abs(T) >= 2.0**-300 and a >= 0.0)) and reach <= 2.0**44
        self.wide = not ordinary
        self.pairs = self.wide or not whole
        line, inverse, times = Pair(zero, zero), Pair(one, zero), product
        if ordinary:
            if has_warmup:
                line = quotient(rise, W.hi)
            inverse = reciprocal(D.hi) if D.lo == 0.0 else divide(inverse, D)
            low = T * a
            self.floor = Pair(low, product_rest(T, a, low))
        else:
            amplitude, times = multiply(two_sum(one, -a), Pair(T, zero)), multiply
            tiny = 0.0 < abs(amplitude.hi) < 2.0**-150 or 0.0 < abs(rise.hi) < 2.0**-150
            if tiny and max(abs(T), abs(L0), abs(amplitude.hi), abs(self.end)) < 2.0**150:
                # In a unit in which the digits below theirs are normal numbers.
                self.unit = np.float64(2.0**-700)
                T, L0 = T * 2.0**700, L0 * 2.0**700
                amplitude, rise = multiply(two_sum(one, -a), Pair(T, zero)), two_sum(T, -L0)
            self.scale = np.float64(math.ldexp(1.0, 1 - math.frexp(D.hi)[1]))
            if has_warmup:
                line = divide(rise, W)
            inverse = divide(inverse, Pair(D.hi * self.scale, D.lo * self.scale))
            self.floor = two_prod(T, a)

        self.peak = T
        # Where it is nearly subnormal its lower half has no digits.
        self.floor = Pair(self.floor.hi + 0.0, zero if abs(self.floor.hi) < 2.0**-900 else self.floor.lo)
        # The warmup line is counted from the smaller of its ends.
        self.origin, self.anchor = (T, W) if abs(T) < abs(L0) else (L0, Pair(zero, zero))
        line = fast_two_sum(line.hi, line.lo)
        self.slope = Pair(top(line.hi), (line.hi - top(line.hi)) + line.lo)

        # c_k = amplitude * g_k / D^(2k + 2)
        inverse = times(inverse, inverse)
        power = times(amplitude, inverse)
        self.c: list[Pair] = []
        for g in WIDE if self.wide else SINGLE[:2]:
            c = times(g, power)
            self.c.append(fast_two_sum(c.hi, c.lo))
            last, power = power, times(power, inverse)
        if not self.wide:  # what the others make is 2^-5.5 of the sum and less: doubles do
            last, inverse = last.hi + last.lo, inverse.hi + inverse.lo
            powers = [last * inverse, last * (square := inverse * inverse)]
            for g in SINGLE[2:]:
                self.c.append(Pair(g.hi * powers[-2], zero))
                powers.append(powers[-2] * square)
        c0 = self.c[0]
        self.c0 = Pair(top(c0.hi), (c0.hi - top(c0.hi)) + c0.lo)

    def reflect(self, step: Pair) -> Pair:
        """The steps in [0, D] at which an even cosine of period 2D has its values at negative steps; exact."""
        D = self.decay_steps
        if D.lo == 0.0:
            period = Pair(2.0 * D.hi, D.lo)
            t = two_sum(np.fmod(-step.hi, period.hi), np.fmod(-step.lo, period.hi))
            t = where(less(t, Pair(0.0, 0.0)), add(t, period), t)
            t = where(less(t, period), t, add(t, negate(period)))
            return where(less(D, t), add(period, negate(t)), t)
        # D, an int64, has more digits than a double: by exact fractions, one at a time.
        hi, lo = np.empty_like(step.hi), np.empty_like(step.hi)
        for i, (h, low) in enumerate(zip(step.hi, step.lo, strict=True)):
            if math.isinf(h):
                hi[i], lo[i] = math.nan, 0.0
                continue
            exact = -(Fraction(h) + Fraction(low)) % self.period
            exact = min(exact, self.period - exact)
            hi[i] = float(exact)
            lo[i] = float(exact - Fraction(hi[i]))
        return Pair(hi, lo)

    def line(self, step: Pair) -> Any:
        """The warmup."""
        distance = step.hi - self.anchor.hi  # infinity has no pair
        step = where(distance - distance == 0.0, add(step, negate(self.anchor)), Pair(distance, 0.0))
        origin: Any = self.origin
        unit: Any = self.unit
        if self.wide:
            # A step beyond all int64s takes the unit, which its product with the slope might overflow.
            distant = np.abs(step.hi) > 2.0**65
            step = Pair(np.where(distant, step.hi * unit, step.hi), step.lo)
            origin = np.where(distant, origin * unit, origin)
            unit = np.where(distant, 1.0, unit)
        head = top(step.hi)
        P = head * self.slope.hi
        R = ((step.hi - head) * self.slope.hi + step.hi * self.slope.lo) + step.lo * self.slope.hi
        s = two_sum(origin, P)
        return np.where(s.hi - s.hi == 0.0, s.hi + (s.lo + R), s.hi) * unit

    def wave(self, step: Pair) -> tuple[Any, Any, Pair]:
        """Which of these steps, neither before the warmup's end nor negative, are nearer to the peak than to the floor;
        how far in steps from the nearer one, and how far, P + R, their rates are from it."""
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
        m = where(m.hi < 0.0, Pair(0.0, 0.0), m)

        if self.wide:
            x = Pair(m.hi * self.scale, m.lo * self.scale)
            x = multiply(x, x)
            P, R = multiply(x, horner(self.c, x, WIDE_PAIRS))
        else:
            x = m.hi * m.hi
            e = square_rest(m.hi, x)
            if self.pairs:
                e = e + (m.hi + m.hi) * m.lo
            head = top(x)
            # m^2 - x = e, and this is what it makes of c1 x^2 + ...
            c0_lo = self.c0.lo + 1.75 * self.c[1].hi * e
            tail = ((x - head) + e) * self.c0.hi + x * c0_lo
            c1, c2, c3, c4, c5, c6, c7, c8 = (c.hi for c in self.c[1:])
            xx = x * x
            q = c1 + x * ((c2 + xx * (c4 + xx * (c6 + xx * c8))) + x * (c3 + xx * (c5 + xx * c7)))
            P = head * self.c0.hi
            R = tail + xx * q
        return upper, m.hi, Pair(P, R)

    def curve(self, step: Pair) -> Any:
        """The decay, of such steps."""
        upper, m, (P, R) = self.wave(step)
        base = np.where(upper, self.peak, self.floor.hi)
        rest = np.where(upper, 0.0, self.floor.lo)
        P, R = np.where(upper, -P, P), np.where(upper, -R, R)
        s = two_sum(base, P)
        rates = s.hi + ((s.lo + rest) + R)
        return np.where((m == 0.0) & ~upper, self.end, rates * self.unit) if self.wide else rates

    def __call__(self, steps: np.ndarray) -> np.ndarray:
        """The rates, float64, at a contiguous one-dimensional array of int64 or float64."""
        with np.errstate(all="ignore"):
            step = from_int64(steps) if steps.dtype.kind == "i" else Pair(steps, np.zeros_like(steps))
            before = less(step, self.warmup_steps)
            if not self.has_warmup and before.any():
                folded = self.reflect(Pair(step.hi[before], step.lo[before]))
                step = Pair(step.hi.copy(), step.lo.copy())
                step.hi[before], step.lo[before] = folded
            rates = self.curve(step)
            if self.has_warmup:
                rates = np.where(before, self.line(step), rates)
            return np.asarray(rates)


class Cycle(NamedTuple):
    """One cycle of CosineDecayRestarts, in its own place: its steps are first <= s < next."""

    first: Pair
    next: Pair
    wave: CosineDecay
    height: Pair
    factors: Pair


class CosineDecayRestarts:
    """The folded parameters, as cf_cosine_decay_restarts_init makes them, and the rate at an array of steps."""

    def __init__(
        self, initial: float, decay_steps: int | float, t_mul: float, m_mul: float, alpha: float
    ) -> None:  # fmt: skip
        one, zero = np.float64(1.0), np.float64(0.0)
        L0, a = np.float64(initial), np.float64(alpha)
        D = self.decay_steps = from_number(decay_steps)
        self.equal, self.scaled = t_mul == 1.0, m_mul != 1.0
        self.t_mul, self.inverse = np.float64(t_mul), one / D.hi
        self.end = L0 * a + 0.0  # -0 is +0
        self.floor = two_prod(L0, a)
        self.floor = Pair(self.floor.hi + 0.0, zero if abs(self.floor.hi) < 2.0**-900 else self.floor.lo)
        # What all waves are folded from: with a m_mul the wave alone.
        self.peak, self.alpha = (1.0, 0.0) if self.scaled else (initial, alpha)
        if self.scaled:
            mantissa, exponent = math.frexp(initial)
            self.heights = ExponentialDecay(1.0, 1, m_mul, True)
            self.heights.curve = Curve(multiply(two_sum(one, -a), Pair(np.float64(mantissa) + 0.0, zero)))
            self.heights.curve.exponent += exponent
        self.cycles: dict[int, Cycle] = {}  # those that were asked for
        if self.equal:
            # That from 0 to D, and that from -D to 0; pairs have the same formula as single doubles.
            self.wave = CosineDecay(self.peak, decay_steps, self.alpha, False, 0.0, 0)
            self.wave.pairs = True
            self.back = copy.copy(self.wave)
            self.back.warmup_steps, self.back.end_step = negate(D), zero
            self.back.longer = self.back.shorter = Pair(zero, zero)
        else:
            limit = Triple.of(D.hi, D.lo).over(Triple.of(*two_sum(one, -self.t_mul)))
            self.limit = limit.pair_from()
            if t_mul > 1.0 and limit.lo == 0.0:  # it lies in no cycle itself: the least step above it does
                self.limit = Pair(self.limit.hi, np.nextafter(self.limit.lo, np.inf))

    def height(self, n: Pair) -> tuple[Pair, Pair]:
        """The height of a cycle's wave, but for two factors; and these."""
        y, factors = self.heights.power(n)
        y = fast_two_sum(y.hi, y.lo)
        if self.heights.alternates:
            sign = (is_odd(n.hi) ^ is_odd(n.lo)) << np.uint64(63)
            y = Pair(*((bits_of(x) ^ sign).view(np.float64) for x in y))
        return y, factors

    def rates(self, wave: CosineDecay, step: Pair, height: Pair, factors: Pair) -> Any:
        if not self.scaled:
            return wave.curve(step)
        upper, _, (P, R) = wave.wave(step)
        down = fast_two_sum(1.0, -P)
        unit = fast_two_sum(np.where(upper, down.hi, P), np.where(upper, down.lo - R, R))
        product = exact_product(height.hi, unit.hi)
        y = fast_two_sum(product.hi, product.lo + (height.hi * unit.lo + height.lo * unit.hi))
        y = Pair((y.hi * factors.hi) * factors.lo, (y.lo * factors.hi) * factors.lo)
        s = two_sum(self.floor.hi, y.hi)
        return np.where(s.hi - s.hi == 0.0, s.hi + (s.lo + (self.floor.lo + y.lo)), s.hi)

    def begin_of(self, i: int) -> tuple[Triple, Triple]:
        """The step where cycle i begins, and how long it is."""
        D, n = Triple.of(self.decay_steps.hi, self.decay_steps.lo), abs(i)
        # t^n and 1 + t + ... + t^(n - 1)
        power, total = Triple.of(np.float64(1.0)), Triple.of(np.float64(0.0))
        for digit in range(max(n.bit_length() - 1, 0), -1, -1):
            total = total.plus(total.times(power))
            power = power.times(power)
            if n >> digit & 1:
                total = total.plus(power)
                power = power.times(Triple.of(self.t_mul))
        total = D.times(total)
        if i < 0:
            return total.over(power).negated(), D.over(power)
        return total, D.times(power)

    def cycle_of(self, step: Pair) -> Cycle:
        """The cycle that a step lies in."""
        for known in tuple(self.cycles.values()):  # another thread may add to them
            if not less(step, known.first) and less(step, known.next):
                return known
        # t^i is what is left of the way from the limit to the first cycle, or beyond it.
        way = float(step.hi / self.limit.hi)
        left = math.log1p(-way) if abs(way) < 0.5 else math.log(add(self.limit, negate(step)).hi / self.limit.hi)
        growth = math.log1p(self.t_mul - 1.0) if abs(self.t_mul - 1.0) < 0.5 else math.log(self.t_mul)
        i = math.floor(left / growth)
        while True:
            (begin, length), (end, _) = self.begin_of(i), self.begin_of(i + 1)
            if less(step, begin.pair_from()):
                i -= 1 + math.floor((begin.hi - step.hi) / length.hi)
            elif not less(step, end.pair_from()):
                i += 1 + math.floor((step.hi - end.hi) / (length.hi * self.t_mul))
            else:
                break
        reach = max(abs(begin.hi), abs(end.hi))
        if reach > length.hi * 2.0**40:  # so short beside its steps that it needs all their digits
            reach = np.float64(np.inf)
        wave = CosineDecay.__new__(CosineDecay)
        zero = np.float64(0.0)
        whole = begin.is_whole() and end.is_whole()
        wave.fold(
            self.peak, Pair(length.hi, length.mid), self.alpha, False, self.peak, Pair(zero, zero), whole, reach
        )  # fmt: skip
        wave.warmup_steps, wave.begin_rest = Pair(begin.hi, begin.mid), begin.lo
        wave.longer, wave.shorter = Pair(end.hi, end.mid), Pair(end.lo, zero)
        wave.end_step = end.hi
        height = factors = Pair(zero, zero)
        if self.scaled:
            height, factors = self.height(from_int64(np.int64(i)))
        if len(self.cycles) == CYCLES:
            self.cycles = {}
        self.cycles[i] = Cycle(begin.pair_from(), end.pair_from(), wave, height, factors)
        return self.cycles[i]

    def __call__(self, steps: np.ndarray) -> np.ndarray:
        """The rates, float64, at a contiguous one-dimensional array of int64 or float64."""
        with np.errstate(all="ignore"):
            step = from_int64(steps) if steps.dtype.kind == "i" else Pair(steps, np.zeros_like(steps))
            inside = np.abs(step.hi) <= 2.0**65  # farther than any int64 none lies in one cycle rather than another
            rates = np.full(steps.shape, np.nan)
            # So little before step 0 that its square may be no normal number.
            nothing = (step.hi < 0.0) & (step.hi > -(2.0**-300))
            inside &= ~nothing
            rates[nothing] = self.end
            if self.equal:
                step = Pair(step.hi[inside], step.lo[inside])
                count, rest = nearest_stairs(step, self.decay_steps, self.inverse)
                # The second half from its end: a small fraction before a restart is lost in the way from the last one.
                second = rest.hi < 0.0
                count = fast_two_sum(count.hi, np.where(second, count.lo - 1.0, count.lo))
                height, factors = self.height(count) if self.scaled else (count, count)
                rates[inside] = np.where(
                    second, self.rates(self.back, rest, height, factors), self.rates(self.wave, rest, height, factors)
                )
                return rates
            ended = step.hi > 0.0 if self.t_mul < 1.0 else step.hi < 0.0
            below = less(step, self.limit)
            inside &= below if self.t_mul < 1.0 else ~below
            rates[ended & ~inside] = self.end
            left = np.flatnonzero(inside)
            while left.size:
                some = Pair(step.hi[left], step.lo[left])
                cycle = self.cycle_of(Pair(some.hi[0], some.lo[0]))
                taken = ~less(some, cycle.first) & less(some, cycle.next)
                part = Pair(some.hi[taken], some.lo[taken])
                rates[left[taken]] = self.rates(cycle.wave, part, cycle.height, cycle.factors)
                left = left[~taken]
            return rates


class Formula(Protocol):
    """Folded parameters."""

    def __call__(self, steps: np.ndarray) -> np.ndarray:
        """The rates, float64, at a contiguous one-dimensional array of int64 or float64."""


class Schedule:
    """What schedules.py's classes are made of; the same methods as the compiled one."""

    __slots__ = ("_folded", "_single")

    _folded: Formula
    _single: bool

    def _fold_cosine_decay(
        self, peak: float, decay_steps: int | float, alpha: float, has_warmup: bool, start: float,
        warmup_steps: int | float, single: bool,
    ) -> None:  # fmt: skip
        with np.errstate(all="ignore"):
            self._folded = CosineDecay(peak, decay_steps, alpha, has_warmup, start, warmup_steps)
        self._single = single

    def _fold_cosine_sums(
        self, peak: float, decay_steps: int | float, alpha: float, has_warmup: bool, start: float,
        warmup_steps: int | float, single: bool,
    ) -> None:  # fmt: skip
        with np.errstate(all="ignore"):
            self._folded = CosineSums(CosineDecay, peak, decay_steps, alpha, has_warmup, start, warmup_steps)
        self._single = single

    def _fold_inverse_time_decay(
        self, initial: float, decay_steps: int | float, rate: float, staircase: bool, single: bool
    ) -> None:
        with np.errstate(all="ignore"):
            self._folded = InverseTimeDecay(initial, decay_steps, rate, staircase)
        self._single = single

    def _fold_piecewise_constant(
        self, boundaries: tuple[int | float, ...], values: tuple[float, ...], single: bool
    ) -> None:
        self._folded = PiecewiseConstantDecay(boundaries, values)
        self._single = single

    def _fold_exponential_decay(
        self, start: float, decay_steps: int | float, decay_rate: float, staircase: bool, single: bool
    ) -> None:
        with np.errstate(all="ignore"):
            self._folded = ExponentialDecay(start, decay_steps, decay_rate, staircase)
        self._single = single

    def _fold_polynomial_decay(
        self, start: float, decay_steps: int | float, end: float, power: float, cycle: bool, single: bool
    ) -> None:
        with np.errstate(all="ignore"):
            polynomial = PolynomialDecay(start, decay_steps, end, power, cycle)
            if polynomial.straight:  # CosineDecay's warmup line
                self._folded = CosineDecay(float(polynomial.end), 1, 1.0, True, float(polynomial.start), decay_steps)
            else:
                self._folded = polynomial
        self._single = single

    def _fold_cosine_decay_restarts(
        self, initial: float, decay_steps: int | float, t_mul: float, m_mul: float, alpha: float, single: bool
    ) -> None:
        with np.errstate(all="ignore"):
            self._folded = CosineDecayRestarts(initial, decay_steps, t_mul, m_mul, alpha)
        self._single = single

    @property
    def _ready(self) -> bool:
        return hasattr(self, "_folded")

    def _formula(self) -> Formula:
        try:
            return self._folded
        except AttributeError:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called") from None

    def __call__(self, step: Any, *, out: Any = None, dtype: Any = None, num_threads: int | None = None) -> Any:
        return self._call(step, out, dtype, num_threads)  # type: ignore[attr-defined]

    def _at(self, step: int | float) -> float:
        steps = np.array([step], np.float64 if isinstance(step, float) else np.int64)
        return float(self._formula()(steps)[0])

    def _evaluate(self, steps: np.ndarray, rates: np.ndarray, num_threads: int) -> None:
        formula = self._formula()
        wide = np.float64 if steps.dtype.kind == "f" else np.int64
        if steps.size == 0:
            return
        # NumPy's iterator walks any layout; it hands out native, contiguous chunks and puts the rates back.
        chunks = np.nditer(
            [steps, rates],
            ["external_loop", "buffered", "delay_bufalloc"],
            [["readonly"], ["writeonly"]],
            op_dtypes=[wide, np.float64],
            casting="unsafe",
            buffersize=CHUNK,
        )
        with chunks, np.errstate(all="ignore"):
            chunks.reset()
            for chunk, into in chunks:
                into[...] = formula(chunk)

    def _fill(self, start: int, step: int, rates: np.ndarray, num_threads: int) -> None:
        formula = self._formula()
        for begin, chunk in _chunks(rates):
            # Modulo 2**64, like the compiled one: the product may overflow where its sum with start does not.
            numbers = np.arange(begin, begin + chunk.size, dtype=np.uint64)
            steps = numbers * np.uint64(step % 2**64) + np.uint64(start % 2**64)
            with np.errstate(all="ignore"):
                chunk[...] = formula(steps.view(np.int64))


def cosine_decays(
    rates: np.ndarray,
    steps: np.ndarray,
    parameters: list[np.ndarray],
    num_threads: int,
    limits: list[tuple[float, float, float, bool]] | None = None,
) -> bool:
    """CosineDecay's rates, into `rates`; all else broadcasts to its shape.

    parameters: initial_learning_rate, decay_steps, alpha, warmup_target (NaN: none), warmup_steps.
    limits: of each of them, as `within` has them; None: they are known to be right.

    Returns whether all lie within these limits. If not, the rates are anything.
    """
    if limits and not all(within(p, *own, num_threads) for p, own in zip(parameters, limits, strict=True)):
        return False
    if rates.size == 0:
        return True
    steps = np.broadcast_to(steps, rates.shape)
    parameters = [np.broadcast_to(parameter, rates.shape) for parameter in parameters]
    changes = [n > 1 and any(p.strides[d] for p in parameters) for d, n in enumerate(rates.shape)]
    for index in np.ndindex(*(n if changing else 1 for n, changing in zip(rates.shape, changes, strict=True))):
        here = (*(i if changing else slice(None) for i, changing in zip(index, changes, strict=True)), ...)
        start, D, a, T, W = (p[index].item() for p in parameters)
        schedule = Schedule()
        has_warmup = T == T and W > 0
        schedule._fold_cosine_decay(T if T == T else start, D, a, has_warmup, start, W, False)
        schedule._evaluate(steps[here], rates[here], num_threads)
    return True


def within(numbers: np.ndarray, least: float, most: float, also: float, nan: bool, num_threads: int) -> bool:
    """Whether each of the numbers lies from `least` to `most`, or is `also`, or NaN if `nan`."""
    flat = numbers.flat  # in pieces: memory does not grow with the array
    for begin in range(0, numbers.size, CHUNK):
        x = np.asarray(flat[begin : begin + CHUNK], np.float64)
        if not np.all(((x >= least) & (x <= most)) | (x == also) | (nan & (x != x))):
            return False
    return True


def _chunks(rates: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for begin in range(0, rates.size, CHUNK):
        yield begin, rates[begin : begin + CHUNK]


def use_isa(name: str) -> None:
    ISAS.index(name)


def set_quota(threads: int) -> None:
    pass


def set_num_threads(wanted: int) -> None:
    pass


def get_num_threads() -> int:
    return 1
