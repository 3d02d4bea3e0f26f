"""log2, exp2 and the power curve, as in cosine_fast_exp2.h: the same operations in the same order.

The header's comment has the derivation. Where the header has a shorter way in doubles, all is computed here in pairs:
both have the same bits.
"""

from __future__ import annotations  # noqa: I001

import math
from typing import Any

import numpy as np

from .floors import SHIFT
from .pairs import (
    ONE, Pair, add, divide, fast_two_sum, horner, multiply, multiply_short, negate, product_rest, scale, shorten,
    square_rest, table, two_sum, where,
)  # fmt: skip

LARGEST_EXPONENT = 4000.0  # 2 to its power is infinity, and to its negative 0, whatever rate it is multiplied with

# (2^f - 1) / f in powers of f for |f| <= 1/2; made by src/coefficients.py, as are the tables below.
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


def log2_quotient(step: Pair, r: Pair, D: Pair, inverse: Any) -> Pair:
    """log2(r / D), where D - r is the step; inverse = 2**-100 / D."""
    up = 2.0**100  # r / D may overflow, r / D / 2**100 does not
    # The bits of the quotient less those of sqrt(1/2): k is in the exponent.
    bits = (r.hi * inverse).view(np.uint64) + np.uint64(0x95F619980C433)
    down = (np.uint64(0x7FE0000000000000) - (bits & np.uint64(0x7FF0000000000000))).view(np.float64)
    k = ((bits >> np.uint64(52)) | np.uint64(0x4330000000000000)).view(np.float64) - (2.0**52 + 923.0)

    # z = (r / 2^k - D) / (r / 2^k + D); the numerator is exact however near to 0 the step is.
    r, D = scale(r, down), scale(D, up)
    numerator = where(k == 0.0, scale(negate(step), up), add(r, negate(D)))
    denominator = add(r, D)
    inverse = 1.0 / denominator.hi
    zh = numerator.hi * inverse
    product = zh * denominator.hi
    rest = (numerator.hi - product) - product_rest(zh, denominator.hi, product)
    zl = (rest + (numerator.lo - zh * denominator.lo)) * inverse

    # z * (c0 + w * (c1 + w * (...))) with w = z^2; c0, c1 and their products are pairs.
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
