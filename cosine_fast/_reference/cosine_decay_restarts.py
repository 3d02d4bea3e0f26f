"""CosineDecayRestarts: cosines one after the other, each t_mul times as long and m_mul times as high as the one before.

The class is cosine_fast_cosine_decay_restarts.h.
"""

from __future__ import annotations  # noqa: I001

import copy
import math
from typing import Any, NamedTuple

import numpy as np

from .cosine_decay import CosineDecay, wide_amplitude
from .exp2 import Curve
from .exponential_decay import ExponentialDecay
from .floors import is_odd, nearest_stairs
from .pairs import (
    ZERO, Pair, add, as_pair, exact_product, fast_two_sum, less, negate, take, two_prod, two_sum, where,
)  # fmt: skip
from .triples import Triple

CYCLES = 256  # that a schedule remembers
TRIES = 64  # more than finding a cycle takes


class Cycle(NamedTuple):
    """One cycle at its place: its steps are first <= s < next. Its wave has the height times both factors."""

    first: Pair
    next: Pair
    wave: CosineDecay
    height: Pair
    factors: Pair


class CosineDecayRestarts:
    """The folded parameters, as cf_cosine_decay_restarts_init makes them, and the rates at steps."""

    def __init__(
        self, initial: float, t_mul: float, m_mul: float, alpha: float, absolute: float, first_decay_steps: float
    ) -> None:
        one, zero = np.float64(1.0), np.float64(0.0)
        L0, a = np.float64(initial), np.float64(alpha)
        D = self.decay_steps = as_pair(first_decay_steps)
        self.equal, self.scaled = t_mul == 1.0, m_mul != 1.0
        self.t_mul, self.inverse = np.float64(t_mul), one / D.hi
        self.end = (a if absolute else L0 * a) + 0.0  # -0 becomes +0
        self.floor = Pair(a, zero) if absolute else two_prod(L0, a)
        self.floor = Pair(self.floor.hi + 0.0, zero if abs(self.floor.hi) < 2.0**-900 else self.floor.lo)
        # What all waves are folded from: with m_mul the wave alone.
        self.peak, self.alpha, self.absolute = (1.0, 0.0, 0.0) if self.scaled else (initial, alpha, absolute)
        if self.scaled:
            fall = two_sum(L0, -a)
            mantissa, exponent = math.frexp(fall.hi if absolute else initial)
            M = np.float64(mantissa) + 0.0
            self.heights = ExponentialDecay(1.0, m_mul, True, 1)
            self.heights.curve = Curve(Pair(M, np.ldexp(fall.lo, -exponent)) if absolute else wide_amplitude(M, a, 0.0))
            self.heights.curve.exponent += exponent
        self.cycles: dict[int, Cycle] = {}
        if self.equal:
            # The waves from 0 to D and from -D to 0, in pairs: whole steps have the same bits in doubles.
            self.wave = CosineDecay(self.peak, self.alpha, self.peak, self.absolute, first_decay_steps, 0)
            self.wave.pairs = True
            self.back = copy.copy(self.wave)
            self.back.warmup_steps, self.back.end_step = negate(D), zero
            self.back.longer = self.back.shorter = ZERO
        else:
            limit = Triple.of(D.hi, D.lo).over(Triple.of(*two_sum(one, -self.t_mul)))
            self.limit = limit.rounded_up()
            if t_mul > 1.0 and limit.lo == 0.0:  # it lies in no cycle itself: the least step above it does
                self.limit = Pair(self.limit.hi, np.nextafter(self.limit.lo, np.inf))

    def height(self, n: Pair) -> tuple[Pair, Pair]:
        """The height of cycle n's wave, and two powers of 2 that it has to be multiplied by."""
        y, factors = self.heights.power(n)
        y = fast_two_sum(y.hi, y.lo)
        return where(is_odd(n), negate(y), y) if self.heights.alternates else y, factors

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
        return np.where(np.isfinite(s.hi), s.hi + (s.lo + (self.floor.lo + y.lo)), s.hi)

    def place(self, i: int) -> tuple[Triple, Triple]:
        """The step at which cycle i begins, and its length."""
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
        # t^i is the fraction of the way from step 0 to the limit that is left at the beginning of cycle i.
        way = float(step.hi / self.limit.hi)
        left = math.log1p(-way) if abs(way) < 0.5 else math.log(add(self.limit, negate(step)).hi / self.limit.hi)
        growth = math.log1p(self.t_mul - 1.0) if abs(self.t_mul - 1.0) < 0.5 else math.log(self.t_mul)
        i = math.floor(left / growth)
        # Next to the limit a cycle may be shorter than the spacing of pairs. The last try is then used.
        for _ in range(TRIES):
            (begin, length), (end, _) = self.place(i), self.place(i + 1)
            before, past = add(begin.rounded_up(), negate(step)), add(step, negate(end.rounded_up()))
            if before.hi > 0.0:
                i -= 1 + math.floor(before.hi / length.hi)
            elif past.hi >= 0.0:
                i += 1 + math.floor(past.hi / (length.hi * self.t_mul))
            else:
                break
        reach = max(abs(begin.hi), abs(end.hi))
        if reach > length.hi * 2.0**40:  # so short beside its steps that it needs all their digits
            reach = np.float64(np.inf)
        wave = CosineDecay.__new__(CosineDecay)
        whole = begin.is_whole() and end.is_whole()
        lengths = Pair(length.hi, length.mid), ZERO
        wave.fold(self.peak, self.alpha, self.peak, self.absolute, *lengths, whole, reach)
        wave.warmup_steps, wave.begin_rest = Pair(begin.hi, begin.mid), begin.lo
        wave.longer, wave.shorter = Pair(end.hi, end.mid), Pair(end.lo, np.float64(0.0))
        wave.end_step = end.hi
        height, factors = self.height(as_pair(i)) if self.scaled else (ZERO, ZERO)
        if len(self.cycles) == CYCLES:
            self.cycles = {}
        self.cycles[i] = Cycle(begin.rounded_up(), end.rounded_up(), wave, height, factors)
        return self.cycles[i]

    def __call__(self, step: Pair) -> Any:
        inside = np.abs(step.hi) <= 2.0**65  # larger floats than any int64 lie in no one cycle
        rates = np.full(step.hi.shape, np.nan)
        # The square of such a step may be no normal number.
        just_before_zero = (step.hi < 0.0) & (step.hi > -(2.0**-300))
        inside &= ~just_before_zero
        rates[just_before_zero] = self.end
        if self.equal:
            count, rest = nearest_stairs(take(step, inside), self.decay_steps, self.inverse)
            # The second half of a cycle is counted from its end: from its beginning, a small fraction would be lost.
            second = rest.hi < 0.0
            count = fast_two_sum(count.hi, np.where(second, count.lo - 1.0, count.lo))
            height, factors = self.height(count) if self.scaled else (count, count)
            rates[inside] = np.where(
                second, self.rates(self.back, rest, height, factors), self.rates(self.wave, rest, height, factors)
            )
            return rates
        outside = (step.hi == step.hi) & (less(step, self.limit) != (self.t_mul < 1.0))
        inside &= ~outside
        rates[outside] = self.end
        left = np.flatnonzero(inside)
        while left.size:
            some = take(step, left)
            cycle = self.cycle_of(take(some, 0))
            taken = ~less(some, cycle.first) & less(some, cycle.next)
            taken[0] = True  # even if rounding denies that, so that each turn takes a step
            rates[left[taken]] = self.rates(cycle.wave, take(some, taken), cycle.height, cycle.factors)
            left = left[~taken]
        return rates
