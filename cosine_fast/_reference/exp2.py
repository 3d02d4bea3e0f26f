"""log2, exp2 and the power curve, as in cosine_fast_exp2.h: the same operations in the same order.

The header's comment has the derivation. Where the header has a shorter way in doubles, all is computed here in pairs:
both have the same bits.
"""

from __future__ import annotations  # noqa: I001

import math
from typing import Any

import numpy as np

from .floors import SHIFT, nearest_integer
from .pairs import (
    ONE, ZERO, Pair, add, divide, fast_two_sum, horner, multiply, multiply_short, negate, product, product_rest, scale,
    short_horner, shorten, square_rest, table, two_sum, where,
)  # fmt: skip

LARGEST_EXPONENT = 4000.0  # 2 to its power is infinity, and to its negative 0, whatever rate it is multiplied with
TINY, ENLARGED, ENLARGED_EXPONENT = 2.0**-700, 2.0**400, 400.0  # what is smaller is enlarged: no product is subnormal

# (2^f - 1) / f in powers of f for |f| <= 1/2; made by src/coefficients.py, as are the tables below.
EXP2 = table("exp2", "exp2")
# log2(m) / z in powers of z^2, z = (m - 1) / (m + 1), for m from sqrt(1/2) to sqrt(2).
LOG2 = table("exp2", "log2")
WIDE_LOG2 = table("exp2", "wide_log2")
WIDE_LOG2_PAIRS = 8  # the terms from here on are below 2**-45 of the sum: doubles suffice


class Curve:
    """amplitude * (2^f - 1)"""

    def __init__(self, amplitude: Pair) -> None:
        _, exponent = math.frexp(amplitude.hi)
        amplitude = Pair(*(np.float64(math.ldexp(x, 1 - exponent)) for x in amplitude))
        self.exponent = np.float64(exponent - 1)
        self.c0 = amplitude
        self.c1 = shorten(multiply(EXP2[0], amplitude))
        self.c = [multiply(g, amplitude).hi for g in EXP2]

    def __call__(self, base: Pair, f: Any, rest: Any) -> Pair:
        """base + amplitude * (2^(f + rest) - 1) over 2^exponent."""
        c = self.c
        line = multiply_short(Pair(f, rest), self.c1)
        total = line.hi + base.hi
        lost = line.hi + (base.hi - total)
        ff = f * f
        even = c[1] + ff * (c[3] + ff * (c[5] + ff * (c[7] + ff * (c[9] + ff * c[11]))))
        odd = c[2] + ff * (c[4] + ff * (c[6] + ff * (c[8] + ff * c[10])))
        return Pair(total, (lost + base.lo) + (line.lo + ff * (even + f * odd)))


def two_factors(n: Any) -> Pair:
    """Two numbers whose product is 2^n for an integer n, which is cut to 2040 in size.

    Multiplying by one and then the other rounds once.
    """
    n = np.where(n > 2040.0, 2040.0, n)
    n = np.where(n < -2040.0, -2040.0, n)
    half = n * 0.5 + SHIFT
    other = (n - (half - SHIFT)) + SHIFT
    one, places = np.uint64(0x3FF0000000000000), np.uint64(52)
    return Pair(*(((x.view(np.uint64) << places) + one).view(np.float64) for x in (half, other)))


def power_exponent(power: Any, log: Pair) -> Pair:
    """power * log, not normalized."""
    E = power * log.hi
    return Pair(E, product_rest(power, log.hi, E) + power * log.lo)


def power_rate(curve: Curve, start: Any, end: Any, E: Pair, up: Any) -> Any:
    """end + (start - end) * 2^E, the amplitude of the curve being start - end times 2^-up; |E| < 2^51."""
    n = nearest_integer(E.hi)
    # From the start while 2^n is 1, else from the end.
    from_start = n == 0.0
    base = np.where(from_start, start, end)
    y = curve(where(from_start, ZERO, curve.c0), *fast_two_sum(E.hi - n, E.lo))
    factors = two_factors(n + up)
    y = scale(scale(y, factors.hi), factors.lo)
    total = two_sum(base, y.hi)
    return np.where(np.isfinite(total.hi), total.hi + (total.lo + y.lo), total.hi)


def log2(x: float) -> Pair:
    """log2(x) for a positive number, with a relative error of at most 2**-98."""
    fraction, exponent = math.frexp(x)
    m = np.float64(fraction)
    if m < 0.7071067811865476:  # sqrt(1/2)
        m += m
        exponent -= 1
    z = divide(two_sum(m, -ONE.hi), two_sum(m, ONE.hi))
    w = multiply(z, z)
    return add(Pair(np.float64(exponent), np.float64(0.0)), multiply(z, horner(WIDE_LOG2, w, WIDE_LOG2_PAIRS)))


def binary_exponent(x: Any) -> tuple[Any, Any]:
    """For x = 2^k * m with m from sqrt(1/2) to sqrt(2): k + 1023, and 2^-k."""
    # The bits of x less those of sqrt(1/2): k is in the exponent.
    bits = x.view(np.uint64) + np.uint64(0x95F619980C433)
    k = ((bits >> np.uint64(52)) | np.uint64(0x4330000000000000)).view(np.float64) - 2.0**52
    return k, (np.uint64(0x7FE0000000000000) - (bits & np.uint64(0x7FF0000000000000))).view(np.float64)


def log2_ratio(k: Any, numerator: Pair, denominator: Pair) -> Pair:
    """k + log2((1 + z) / (1 - z)), z being the quotient."""
    inverse = 1.0 / denominator.hi
    zh = numerator.hi * inverse
    back = zh * denominator.hi
    rest = (numerator.hi - back) - product_rest(zh, denominator.hi, back)
    zl = (rest + (numerator.lo - zh * denominator.lo)) * inverse

    # z * (c0 + w * (c1 + w * (...))) with w = z^2; c0, c1 and their products are pairs.
    w = zh * zh
    w_rest = square_rest(zh, w) + (zh + zh) * zl
    ww = w * w
    c2, c3, c4, c5, c6, c7, c8 = (c.hi for c in LOG2[2:])
    tail = (c2 + ww * (c4 + ww * (c6 + ww * c8))) + w * (c3 + ww * (c5 + ww * c7))
    total = product(Pair(zh, zl), short_horner(LOG2[:2], Pair(w, w_rest), w * tail))
    log = fast_two_sum(k, total.hi)
    return Pair(log.hi, log.lo + total.lo)


def log2_quotient(step: Pair, r: Pair, D: Pair, inverse: Any) -> Pair:
    """log2(r / D), where D - r is the step; inverse = 2**-100 / D."""
    up = 2.0**100  # r / D may overflow, r / D / 2**100 does not
    tiny = np.abs(r.hi) < TINY
    enlarged = np.where(tiny, ENLARGED, 1.0)
    k, down = binary_exponent(r.hi * enlarged * inverse)
    k = k - 923.0 - np.where(tiny, ENLARGED_EXPONENT, 0.0)  # 1023 - 100
    # z = (r / 2^k - D) / (r / 2^k + D); the numerator is exact however near to 0 the step is.
    r, D = scale(scale(r, enlarged), down), scale(D, up)
    return log2_ratio(k, where(k == 0.0, scale(negate(step), up), add(r, negate(D))), add(r, D))


def log2_part(step: Pair, r: Pair) -> Pair:
    """log2(r), where 1 - r is the step, with fewer operations."""
    k, down = binary_exponent(r.hi)
    k = k - 1023.0
    r = scale(r, down)
    denominator = fast_two_sum(1.0, r.hi)  # exact for r < 2
    numerator = where(k == 0.0, negate(step), Pair(r.hi - 1.0, r.lo))
    return log2_ratio(k, numerator, Pair(denominator.hi, denominator.lo + r.lo))
