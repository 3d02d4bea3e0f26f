"""ExponentialDecay and PolynomialDecay in pure Python: cosine_fast_powers.h operation for operation; so the same bits.

The derivation is in the header's comment. What the header computes in single doubles where it may is done here in pairs
throughout, which has the same bits.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from ._pairs import (
    Pair,
    add,
    divide,
    fast_two_sum,
    from_int64,
    from_number,
    horner,
    multiply,
    near,
    negate,
    product_rest,
    square_rest,
    table,
    top,
    two_sum,
    where,
)  # fmt: skip

_MAGIC = 1.5 * 2.0**52  # what is added to it, below 2**51 in size, is rounded to an integer
_HUGE_STEP = 2.0**900
_MOST = 4000.0  # an exponent whose power is 0 or infinity, whatever it is multiplied with
_TINY, _LARGE, _LARGE_EXPONENT = 2.0**-700, 2.0**400, 400.0
_ONE, _ZERO = np.float64(1.0), np.float64(0.0)

# (2^f - 1) / f in powers of f for |f| <= 1/2; made by src/coefficients.py, as the tables below.
EXP2 = table("""
    0x1.62e42fefa39efp-1, 0x1.a8cd0d8056617p-56
    0x1.ebfbdff82c58fp-3, -0x1.4ade2f4a81c6ap-57
    0x1.c6b08d704a0c6p-5, 0x1.29d6ca7a67607p-59
    0x1.3b2ab6fba4e60p-7, -0x1.0f3c0ca20599bp-62
    0x1.5d87fe78a3fbep-10, -0x1.08e03fdbf5041p-67
    0x1.430912f8741dfp-13, 0x1.4a40a6c5fb7f1p-68
    0x1.ffcbfc6d9cff4p-17, -0x1.d7f18435e44f0p-71
    0x1.62c0221b4a5b2p-20, 0x1.0e7906c136913p-74
    0x1.b524ebe36237cp-24, 0x1.1b8bf8053b117p-79
    0x1.e4cfae8a2addbp-28, -0x1.d9894abf2b401p-82
    0x1.e9ec0a02f3242p-32, 0x1.652549214907bp-87
    0x1.c3bd597a0dc08p-36, 0x1.7eb7d8762e2c2p-90
""")
# log2(m) / z in powers of z^2, z = (m - 1) / (m + 1), for m from sqrt(1/2) to sqrt(2).
LOG2 = table("""
    0x1.71547652b82fep+1, 0x1.77b0c30eec13cp-55
    0x1.ec709dc3a03fcp-1, 0x1.7d468fca90ae8p-55
    0x1.2776c50ef9fd2p-1, -0x1.e67dc984f5848p-55
    0x1.a61762a707a95p-2, 0x1.eae33d4ca0c4bp-57
    0x1.484b1448d0884p-2, -0x1.cad2174e52004p-56
    0x1.0c9a59775e274p-2, 0x1.8bf77d50e340bp-57
    0x1.c6a29fe2ebacep-3, -0x1.7fdf578252b62p-57
    0x1.877356a1dc1ccp-3, 0x1.1d4d9fdf36e60p-57
    0x1.87dea95742459p-3, 0x1.3dc7924b3d606p-58
""")
WIDE_LOG2 = table("""
    0x1.71547652b82fep+1, 0x1.777d0ffda0d24p-55
    0x1.ec709dc3a03fdp-1, 0x1.d27f05548987ep-55
    0x1.2776c50ef9bfep-1, 0x1.e4b29cda45e96p-55
    0x1.a61762a7aded9p-2, 0x1.fb220abd42418p-57
    0x1.484b13d7c02a9p-2, -0x1.d775f61846bdep-60
    0x1.0c9a84994022dp-2, -0x1.c20de19097e39p-58
    0x1.c68f568d317cep-3, -0x1.d0de26714895cp-64
    0x1.89f3b16949396p-3, -0x1.f3cada7bb920cp-59
    0x1.5b9ac9b8bae98p-3, -0x1.1dd8e3294de9cp-58
    0x1.3703c18c88d24p-3, 0x1.2dc3490905292p-58
    0x1.1965014bf289fp-3, 0x1.59034c2794d97p-57
    0x1.00e9ded0ec64dp-3, -0x1.2debe1ae28fbcp-58
    0x1.d954860950a38p-4, 0x1.b78178d74395cp-58
    0x1.abf4e5dea2261p-4, 0x1.8d69ae56e349fp-58
    0x1.f633035c83069p-4, 0x1.637fb447c35dep-60
""")
WIDE_LOG2_PAIRS = 8  # below 2**-45 of the sum a coefficient needs only one double


def _round(x: Any) -> Any:
    """The integer nearest to x, |x| < 2**51."""
    return (x + _MAGIC) - _MAGIC


def bits_of(x: Any) -> Any:
    return x.view(np.uint64)


class Curve:
    """amplitude * (2^f - 1)"""

    def __init__(self, amplitude: Pair) -> None:
        _, exponent = math.frexp(amplitude.hi)
        amplitude = Pair(*(np.float64(math.ldexp(x, 1 - exponent)) for x in amplitude))
        self.exponent = np.float64(exponent - 1)
        self.c0 = amplitude
        self.c = [multiply(g, amplitude).hi for g in EXP2]
        c1 = multiply(EXP2[0], amplitude)
        self.c1 = Pair(top(c1.hi), (c1.hi - top(c1.hi)) + c1.lo)

    def __call__(self, base: Pair, f: Any, rest: Any) -> Pair:
        """base + amplitude * (2^(f + rest) - 1) without its exponent."""
        c, c1 = self.c, self.c1
        head, ff = top(f), f * f
        total = head * c1.hi + base.hi
        lost = head * c1.hi + (base.hi - total)
        tail = ((f - head) * c1.hi + f * c1.lo) + rest * c1.hi
        even = c[1] + ff * (c[3] + ff * (c[5] + ff * (c[7] + ff * (c[9] + ff * c[11]))))
        odd = c[2] + ff * (c[4] + ff * (c[6] + ff * (c[8] + ff * c[10])))
        return Pair(total, (lost + base.lo) + (tail + ff * (even + f * odd)))


def _two_factors(n: Any) -> Pair:
    """Two numbers whose product is 2^n, n being an integer; past 2^2040 and 2^-2040 these."""
    n = np.where(n > 2040.0, 2040.0, n)
    n = np.where(n < -2040.0, -2040.0, n)
    half = n * 0.5 + _MAGIC
    other = (n - (half - _MAGIC)) + _MAGIC
    one, places = np.uint64(0x3FF0000000000000), np.uint64(52)
    return Pair(*(((bits_of(x) << places) + one).view(np.float64) for x in (half, other)))


def log2(x: float) -> Pair:
    """log2(x) for a positive number, to 2**-98 of itself."""
    fraction, exponent = math.frexp(x)
    m = np.float64(fraction)
    if m < 0.7071067811865476:  # sqrt(1/2)
        m += m
        exponent -= 1
    z = divide(two_sum(m, -_ONE), two_sum(m, _ONE))
    w = multiply(z, z)
    return add(Pair(np.float64(exponent), _ZERO), multiply(z, horner(WIDE_LOG2, w, WIDE_LOG2_PAIRS)))


def _less_times(s: Pair, count: Any, D: Pair) -> Pair:
    """s - count * D, exact if it is a pair."""
    hi, lo = count * D.hi, count * D.lo
    s = add(s, Pair(-hi, -product_rest(count, D.hi, hi)))
    return add(s, Pair(-lo, -product_rest(count, D.lo, lo)))


def nearest_stairs(s: Pair, D: Pair, inverse: Any) -> tuple[Pair, Pair]:
    """The nearest multiple of D, a unit more or less, and what remains, of either sign; for |s| <= _HUGE_STEP."""
    quotient = s.hi * inverse
    whole = (bits_of(quotient) & ~np.uint64(7)).view(np.float64)
    first = np.where(np.abs(quotient) < 2.0**50, _round(quotient), whole)
    rest = _less_times(s, first, D)
    second = _round(rest.hi * inverse)
    return Pair(first, second), _less_times(rest, second, D)


def stairs(s: Pair, D: Pair, inverse: Any) -> tuple[Pair, Pair]:
    """How many times D goes into s, rounded down, and what remains; for |s| <= _HUGE_STEP."""
    count, rest = nearest_stairs(s, D, inverse)
    below = rest.hi < 0.0
    return fast_two_sum(count.hi, np.where(below, count.lo - 1.0, count.lo)), where(below, add(rest, D), rest)


def is_odd(x: Any) -> Any:
    """1 where an integer is odd, else 0."""
    size = np.abs(x)
    bits = bits_of(np.where(size < 2.0**52, size + 2.0**52, size))
    return np.where(size < 2.0**53, bits & np.uint64(1), np.uint64(0))


class _Steps(Protocol):
    def at(self, step: Pair) -> Any: ...


def _call(self: _Steps, steps: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        step = from_int64(steps) if steps.dtype.kind == "i" else Pair(steps, np.zeros_like(steps))
        return np.asarray(self.at(step))


class ExponentialDecay:
    """The folded parameters, as cf_exponential_decay_init makes them, and the rate at an array of steps."""

    def __init__(self, start: float, decay_steps: int | float, decay_rate: float, staircase: bool) -> None:
        D = self.decay_steps = from_number(decay_steps)
        self.staircase, self.alternates = staircase, decay_rate < 0.0
        self.inverse = 1.0 / D.hi
        self.curve = Curve(Pair(np.float64(start) + 0.0, _ZERO))
        if decay_rate == 0.0:
            self.slope = Pair(np.float64(-_MOST), _ZERO)
            self.limit, self.stop = _ZERO, _ONE
        else:
            slope = log2(abs(decay_rate))
            if not staircase:
                slope = divide(slope, D)
            head = near(slope.hi)
            self.slope = Pair(head, (slope.hi - head) + slope.lo)
            self.limit = self.stop = np.float64(_HUGE_STEP) if slope.hi == 0.0 else _MOST / abs(slope.hi)

    def power(self, x: Pair) -> tuple[Pair, Pair]:
        """The rate at a step, or a stair, but for two factors, powers of 2; and these."""
        lo = np.where(np.abs(x.hi) > self.limit, 0.0, x.lo)
        hi = np.where(x.hi > self.limit, self.stop, x.hi)
        hi = np.where(hi < -self.limit, -self.stop, hi)
        head = top(hi)
        P = head * self.slope.hi
        R = ((hi - head) * self.slope.hi + hi * self.slope.lo) + lo * self.slope.hi
        n = _round(P)
        f = P - n
        total = f + R
        return self.curve(self.curve.c0, total, R - (total - f)), _two_factors(n + self.curve.exponent)

    def exponential(self, x: Pair) -> Any:
        """The rate at a step, or a stair."""
        y, factors = self.power(x)
        return ((y.hi + y.lo) * factors.hi) * factors.lo

    def at(self, step: Pair) -> Any:
        if not self.staircase:
            return self.exponential(step)
        # Infinity has no remainder.
        far = np.abs(step.hi) > _HUGE_STEP
        near_step = Pair(np.where(far, np.copysign(_HUGE_STEP, step.hi), step.hi), np.where(far, 0.0, step.lo))
        count, _ = stairs(near_step, self.decay_steps, self.inverse)
        rates = self.exponential(count)
        if not self.alternates:
            return rates
        odd = is_odd(count.lo) ^ is_odd(count.hi)
        # At infinity an alternating staircase has no limit but 0.
        rates = np.where(np.isinf(step.hi) & (rates != 0.0), np.nan, rates)
        return (bits_of(rates) ^ (odd << np.uint64(63))).view(np.float64)

    __call__ = _call


def _log2_quotient(step: Pair, r: Pair, D: Pair, inverse: Any) -> Pair:
    """log2(r / D), where D - r is the step; inverse is 2**-100 / D."""
    up = 2.0**100  # r / D may overflow, r / D / 2**100 does not
    # The quotient's digits over those of sqrt(1/2): k is in the exponent.
    bits = bits_of(r.hi * inverse) + np.uint64(0x95F619980C433)
    down = (np.uint64(0x7FE0000000000000) - (bits & np.uint64(0x7FF0000000000000))).view(np.float64)
    k = ((bits >> np.uint64(52)) | np.uint64(0x4330000000000000)).view(np.float64) - (2.0**52 + 923.0)

    # z = (r / 2^k - D) / (r / 2^k + D), with a numerator that is exact however near to 0 the step
    r, D = Pair(r.hi * down, r.lo * down), Pair(D.hi * up, D.lo * up)
    numerator = where(k == 0.0, Pair(-step.hi * up, -step.lo * up), add(r, negate(D)))
    denominator = add(r, D)
    inverse = 1.0 / denominator.hi
    zh = numerator.hi * inverse
    product = zh * denominator.hi
    rest = (numerator.hi - product) - product_rest(zh, denominator.hi, product)
    zl = (rest + (numerator.lo - zh * denominator.lo)) * inverse

    # z * (c0 + w * (c1 + w * (...))) with w = z^2, c0 and c1 and their products being pairs
    w = zh * zh
    w_rest = square_rest(zh, w) + (zh + zh) * zl
    ww = w * w
    c2, c3, c4, c5, c6, c7, c8 = (c.hi for c in LOG2[2:])
    tail = (c2 + ww * (c4 + ww * (c6 + ww * c8))) + w * (c3 + ww * (c5 + ww * c7))
    tail = w * tail
    c1 = LOG2[1].hi + tail
    tail = (tail - (c1 - LOG2[1].hi)) + LOG2[1].lo
    product = w * c1
    tail = product_rest(w, c1, product) + (w * tail + w_rest * c1)
    g = LOG2[0].hi + product
    tail = (product - (g - LOG2[0].hi)) + (LOG2[0].lo + tail)
    product = zh * g
    tail = product_rest(zh, g, product) + (zh * tail + zl * g)
    log = fast_two_sum(k, product)
    return Pair(log.hi, log.lo + tail)


class PolynomialDecay:
    """The folded parameters, as cf_polynomial_decay_init makes them, and the rate at an array of steps."""

    def __init__(self, start: float, decay_steps: int | float, end: float, power: float, cycle: bool) -> None:
        self.decay_steps = from_number(decay_steps)
        self.start, self.end, self.power = np.float64(start) + 0.0, np.float64(end) + 0.0, np.float64(power)
        self.cycle = cycle
        self.inverse = 2.0**-100 / self.decay_steps.hi
        fall = two_sum(self.start, -self.end)
        self.curve = Curve(fall)
        self.at_end = self.end
        if power <= 0.0 and fall.hi != 0.0:
            self.at_end = self.start if power == 0.0 else fall.hi * np.inf
        self.farthest = _MOST if power > 0.0 else -_MOST if power < 0.0 else 0.0
        self.straight = power == 1.0 and not cycle and fall.hi != 0.0
        self.straight = self.straight and abs(fall.hi / self.decay_steps.hi) <= 2.0**1000

    def at(self, step: Pair) -> Any:
        lowest = step.hi == -np.inf
        # So near to 0 the rate is a line, and a product's rest may be too small for a double.
        tiny = np.abs(step.hi) < _TINY
        hi = np.where(tiny, step.hi * _LARGE, step.hi)
        exponent = np.where(tiny, self.curve.exponent - _LARGE_EXPONENT, self.curve.exponent)
        # Infinity has no pair.
        lo = np.where(np.abs(hi) > _HUGE_STEP, 0.0, step.lo)
        if self.cycle:
            hi = np.where(hi > _HUGE_STEP, _HUGE_STEP, hi)
        hi = np.where(np.isinf(hi), np.copysign(_HUGE_STEP, hi), hi)
        step, D, inverse = Pair(hi, lo), self.decay_steps, self.inverse
        r = add(D, negate(step))
        if self.cycle:
            # D * ceil(step / D) is the step and what is left to the cycle's end.
            later = step.hi > 0.0
            zeros = Pair(_ZERO, _ZERO)
            _, passed = stairs(where(later, step, zeros), D, 1.0 / D.hi)
            left = where(passed.hi > 0.0, add(D, negate(passed)), zeros)
            r = where(later, left, r)
            D = where(later, add(step, left), D)
            inverse = 2.0**-100 / D.hi

        log = _log2_quotient(step, r, D, inverse)
        E = self.power * log.hi
        rest = product_rest(self.power, log.hi, E) + self.power * log.lo
        rest = np.where(np.abs(E) > _MOST, 0.0, rest)
        E = np.where(E > _MOST, _MOST, E)
        E = np.where(E < -_MOST, -_MOST, E)
        E = np.where(lowest, self.farthest, E)
        n = _round(E)
        f = E - n
        E = f + rest
        rest = rest - (E - f)

        # From the start while 2^n is 1, else from the end.
        from_start = n == 0.0
        base = np.where(from_start, self.start, self.end)
        y = self.curve(where(from_start, Pair(_ZERO, _ZERO), self.curve.c0), E, rest)
        factors = _two_factors(n + exponent)
        y = Pair((y.hi * factors.hi) * factors.lo, (y.lo * factors.hi) * factors.lo)
        total = two_sum(base, y.hi)
        rates = np.where(total.hi - total.hi == 0.0, total.hi + (total.lo + y.lo), total.hi)
        return np.where(r.hi <= 0.0, self.at_end, rates)

    __call__ = _call
