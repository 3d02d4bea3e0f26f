"""Arithmetic in pairs of doubles, as in cosine_fast_pairs.h: the same operations in the same order, so the same bits.

A `Pair` is an unevaluated sum hi + lo of float64 arrays, or of NumPy scalars while parameters are folded. It is
normalized unless said otherwise: hi is the sum rounded to a double.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_LEADING, _HALF = np.uint64(0xFFFFFFFFF8000000), np.uint64(0x4000000)


class Pair(NamedTuple):
    hi: Any
    lo: Any


ZERO, ONE = (Pair(np.float64(x), np.float64(0.0)) for x in (0.0, 1.0))


def take_unit(x: float) -> tuple[np.float64, np.float64]:
    """A number in [1, 2) in size, or 0, and the power of 2 by which it has to be multiplied to give x."""
    fraction, exponent = math.frexp(x)
    return np.float64(2.0 * fraction), np.float64(math.ldexp(1.0, exponent - 1) if x else 1.0)


def as_pair(x: Any) -> Pair:
    """A step or a number of steps, exactly: an int64 or a float64, or an array of these."""
    x = np.asarray(x)[()]
    if x.dtype.kind == "f":
        return Pair(x, np.zeros_like(x)[()])
    return fast_two_sum((x >> 32).astype(np.float64) * 4294967296.0, (x & 0xFFFFFFFF).astype(np.float64))


def leading_bits(x: Any) -> Any:
    """x cut to its leading 26 bits: the product of two such numbers is exact."""
    return (x.view(np.uint64) & _LEADING).view(np.float64)


def rounded_bits(x: Any) -> Any:
    """x rounded to 26 bits: the rest, x - rounded_bits(x), has at most 26 bits too."""
    return ((x.view(np.uint64) + _HALF) & _LEADING).view(np.float64)


def square_rest(x: Any, square: Any) -> Any:
    """x * x - square exactly, `square` being x * x rounded (Dekker)."""
    xh = rounded_bits(x)
    xl = x - xh
    return ((xh * xh - square) + (xh + xh) * xl) + xl * xl


def product_rest(a: Any, b: Any, product: Any) -> Any:
    """a * b - product exactly, `product` being a * b rounded (Dekker)."""
    ah, bh = rounded_bits(a), rounded_bits(b)
    al, bl = a - ah, b - bh
    return (((ah * bh - product) + ah * bl) + al * bh) + al * bl


def exact_product(a: Any, b: Any) -> Pair:
    """a * b exactly."""
    product = a * b
    return Pair(product, product_rest(a, b, product))


def two_sum(a: Any, b: Any) -> Pair:
    """a + b exactly (Knuth)."""
    s = a + b
    z = s - a
    return Pair(s, (a - (s - z)) + (b - z))


def fast_two_sum(a: Any, b: Any) -> Pair:
    """a + b exactly, where |a| >= |b| or a == 0 (Dekker)."""
    s = a + b
    return Pair(s, b - (s - a))


def two_prod(a: Any, b: Any) -> Pair:
    """a * b with a relative error of at most 2**-105 (Dekker)."""
    p, ah, bh = a * b, leading_bits(a), leading_bits(b)
    al, bl = a - ah, b - bh
    return Pair(p, (((ah * bh - p) + ah * bl) + al * bh) + al * bl)


def add(a: Pair, b: Pair) -> Pair:
    """a + b with a relative error of at most 2**-104, also under cancellation."""
    s, t = two_sum(a.hi, b.hi), two_sum(a.lo, b.lo)
    v = fast_two_sum(s.hi, s.lo + t.hi)
    return fast_two_sum(v.hi, t.lo + v.lo)


def negate(a: Pair) -> Pair:
    return Pair(-a.hi, -a.lo)


def scale(a: Pair, factor: Any) -> Pair:
    """a times a power of 2."""
    return Pair(a.hi * factor, a.lo * factor)


def sortable(x: Pair) -> Any:
    """Pairs as complex numbers, which NumPy sorts by their real parts first."""
    return x.hi + 1j * x.lo


def multiply(a: Pair, b: Pair) -> Pair:
    p = two_prod(a.hi, b.hi)
    return fast_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi))


def horner(c: list[Pair], x: Pair, pairs: int) -> Pair:
    """c[0] + c[1] x + ...: the first `pairs` terms in pairs, the smaller ones in doubles."""
    tail: Any = c[-1].hi
    for term in c[-2 : pairs - 1 : -1]:
        tail = term.hi + x.hi * tail
    value = Pair(tail, 0.0 * tail)
    for term in c[pairs - 1 :: -1]:
        value = add(term, multiply(x, value))
    return value


def short_horner(c: list[Pair], x: Pair, tail: Any) -> Pair:
    """c[0] + x c[1] + ... + x^(len(c) - 1) * (c[-1] + tail), each term being larger than all after it; not normalized.

    Faster than `horner`: the error is about 2^-53 of the lower half.
    """
    last = fast_two_sum(c[-1].hi, tail)
    total = Pair(last.hi, last.lo + c[-1].lo)
    for term in c[-2::-1]:
        p = product(x, total)
        hi = term.hi + p.hi
        total = Pair(hi, (p.hi - (hi - term.hi)) + (term.lo + p.lo))
    return total


def shorten(a: Pair) -> Pair:
    """The same sum with a hi of 26 bits, for `multiply_short`."""
    head = leading_bits(a.hi)
    return Pair(head, (a.hi - head) + a.lo)


def multiply_short(a: Pair, b: Pair) -> Pair:
    """a * b, not normalized, where b.hi has 26 bits."""
    head = leading_bits(a.hi)
    return Pair(head * b.hi, ((a.hi - head) * b.hi + a.hi * b.lo) + a.lo * b.hi)


def product(a: Pair, b: Pair) -> Pair:
    """a * b where no intermediate result is close to underflow: the leading product is exact.

    The result is not normalized: its lo relative to hi is at most 2**-53 more than those of a and b together.
    """
    p = a.hi * b.hi
    return Pair(p, product_rest(a.hi, b.hi, p) + (a.hi * b.lo + a.lo * b.hi))


def quotient(a: Pair, b: Any) -> Pair:
    """a / b for a double b, under the same conditions as `product`."""
    q = a.hi / b
    p = q * b
    return Pair(q, (((a.hi - p) - product_rest(q, b, p)) + a.lo) / b)


def reciprocal(b: Any) -> Pair:
    """1 / b for a double b, under the same conditions as `product`."""
    q = 1.0 / b
    p = q * b
    return Pair(q, ((1.0 - p) - product_rest(q, b, p)) * q)


def divide(a: Pair, b: Pair) -> Pair:
    zero = np.float64(0.0)
    q = a.hi / b.hi
    r = add(a, negate(multiply(Pair(q, zero), b)))
    q2 = r.hi / b.hi
    r2 = add(r, negate(multiply(Pair(q2, zero), b)))
    return add(fast_two_sum(q, q2), Pair(r2.hi / b.hi, zero))


def rest_of_one(a: Pair) -> Pair:
    """1 - a, not normalized, for 0 <= a <= 1."""
    rest = fast_two_sum(1.0, -a.hi)
    return Pair(rest.hi, rest.lo - a.lo)


def less(a: Pair, b: Pair) -> Any:
    return (a.hi < b.hi) | ((a.hi == b.hi) & (a.lo < b.lo))


def is_whole(a: Pair) -> bool:
    return bool(a.hi == np.floor(a.hi) and a.lo == np.floor(a.lo))


def is_usual(x: float) -> bool:
    return 2.0**-300 <= abs(x) <= 2.0**300


def where(condition: Any, a: Pair, b: Pair) -> Pair:
    return Pair(np.where(condition, a.hi, b.hi), np.where(condition, a.lo, b.lo))


def take(a: Pair, index: Any) -> Pair:
    """The elements at an index."""
    return Pair(a.hi[index], a.lo[index])


def table(header: str, name: str) -> list[Pair]:
    """The table of coefficients cf_NAME_table, from the header that has it."""
    text = Path(__file__).parents[1].joinpath("include", f"cosine_fast_{header}.h").read_text(encoding="ascii")
    rows = text.split(f"cf_pair cf_{name}_table[")[1].split("\n};")[0]
    return [Pair(np.float64(hi), np.float64(lo)) for hi, lo in re.findall(r"{(\S+), (\S+)}", rows)]
