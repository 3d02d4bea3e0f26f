"""Arithmetic in pairs and triples, as in cosine_fast.h and cosine_fast_restarts.h: the same operations in the same
order, on NumPy arrays; so the same bits.

`Pair`s are unevaluated sums hi + lo of float64 arrays, or of NumPy scalars while parameters are folded; `Triple`s are
of these scalars alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

_ZERO = np.float64(0.0)
_TOP, _HALF = np.uint64(0xFFFFFFFFF8000000), np.uint64(0x4000000)


class Pair(NamedTuple):
    hi: Any
    lo: Any


def top(x: Any) -> Any:
    """x's leading 26 bits: the product of two such numbers is exact."""
    return (x.view(np.uint64) & _TOP).view(np.float64)


def near(x: Any) -> Any:
    """x to 26 bits, rounded: what is left, x - near(x), has 26 bits too."""
    return ((x.view(np.uint64) + _HALF) & _TOP).view(np.float64)


def square_rest(x: Any, square: Any) -> Any:
    """x * x - square exactly, `square` being x * x rounded (Dekker)."""
    xh = near(x)
    xl = x - xh
    return ((xh * xh - square) + (xh + xh) * xl) + xl * xl


def product_rest(a: Any, b: Any, product: Any) -> Any:
    """a * b - product exactly, `product` being a * b rounded (Dekker)."""
    ah, bh = near(a), near(b)
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
    """a * b to 2**-105 of itself (Dekker)."""
    p, ah, bh = a * b, top(a), top(b)
    al, bl = a - ah, b - bh
    return Pair(p, (((ah * bh - p) + ah * bl) + al * bh) + al * bl)


def add(a: Pair, b: Pair) -> Pair:
    """a + b to 2**-104 of itself, also where they cancel."""
    s, t = two_sum(a.hi, b.hi), two_sum(a.lo, b.lo)
    v = fast_two_sum(s.hi, s.lo + t.hi)
    return fast_two_sum(v.hi, t.lo + v.lo)


def negate(a: Pair) -> Pair:
    return Pair(-a.hi, -a.lo)


def multiply(a: Pair, b: Pair) -> Pair:
    p = two_prod(a.hi, b.hi)
    return fast_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi))


def horner(c: list[Pair], x: Pair, pairs: int) -> Pair:
    """c[0] + c[1] x + ...: so many terms in pairs, and what is small beside them in doubles."""
    tail: Any = c[-1].hi
    for term in c[-2 : pairs - 1 : -1]:
        tail = term.hi + x.hi * tail
    value = Pair(tail, 0.0 * tail)
    for term in c[pairs - 1 :: -1]:
        value = add(term, multiply(x, value))
    return value


def product(a: Pair, b: Pair) -> Pair:
    """a * b, where no intermediate result comes near to underflow: the leading product is exact.

    The result is not normalized: relative to hi, its lo is at most 2**-53 more than those of a and b together.
    """
    p = a.hi * b.hi
    return Pair(p, product_rest(a.hi, b.hi, p) + (a.hi * b.lo + a.lo * b.hi))


def quotient(a: Pair, b: Any) -> Pair:
    """a / b, likewise; b has no lower half."""
    q = a.hi / b
    p = q * b
    return Pair(q, (((a.hi - p) - product_rest(q, b, p)) + a.lo) / b)


def reciprocal(b: Any) -> Pair:
    """1 / b likewise."""
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


def less(a: Pair, b: Pair) -> Any:
    return (a.hi < b.hi) | ((a.hi == b.hi) & (a.lo < b.lo))


def is_whole(a: Pair) -> bool:
    return bool(a.hi == np.floor(a.hi) and a.lo == np.floor(a.lo))


def where(condition: Any, a: Pair, b: Pair) -> Pair:
    return Pair(np.where(condition, a.hi, b.hi), np.where(condition, a.lo, b.lo))


def from_int64(i: Any) -> Pair:
    """Any int64 exactly."""
    return fast_two_sum((i >> 32).astype(np.float64) * 4294967296.0, (i & 0xFFFFFFFF).astype(np.float64))


def from_number(x: int | float) -> Pair:
    if isinstance(x, int):
        return from_int64(np.int64(x))
    return Pair(np.float64(x), np.float64(0.0))


class Triple(NamedTuple):
    """hi + mid + lo, each at most half a unit in the last place of the one before."""

    hi: np.float64
    mid: np.float64
    lo: np.float64

    @classmethod
    def of(cls, hi: Any, mid: Any = _ZERO, lo: Any = _ZERO) -> Triple:
        low = two_sum(mid, lo)
        high = two_sum(hi, low.hi)
        rest = two_sum(high.lo, low.lo)
        leading = fast_two_sum(high.hi, rest.hi)
        return cls(leading.hi, leading.lo, rest.lo)

    def plus(self, b: Triple) -> Triple:
        s, t = two_sum(self.hi, b.hi), two_sum(self.mid, b.mid)
        u = two_sum(s.lo, t.hi)
        return Triple.of(s.hi, u.hi, (self.lo + b.lo) + (t.lo + u.lo))

    def negated(self) -> Triple:
        return Triple(-self.hi, -self.mid, -self.lo)

    def times(self, b: Triple) -> Triple:
        a = self
        p, q, r = exact_product(a.hi, b.hi), exact_product(a.hi, b.mid), exact_product(a.mid, b.hi)
        s = two_sum(q.hi, r.hi)
        t = two_sum(s.hi, p.lo)
        rest = ((a.hi * b.lo + a.lo * b.hi) + a.mid * b.mid) + ((q.lo + r.lo) + (s.lo + t.lo))
        return Triple.of(p.hi, t.hi, rest)

    def over(self, b: Triple) -> Triple:
        q = self.hi / b.hi
        r = self.plus(Triple.of(q).times(b).negated())
        q2 = r.hi / b.hi
        r2 = r.plus(Triple.of(q2).times(b).negated())
        return Triple.of(q, q2, r2.hi / b.hi)

    def pair_from(self) -> Pair:
        """The least pair that is not below it."""
        return Pair(self.hi, np.nextafter(self.mid, np.inf) if self.lo > 0.0 else self.mid)

    def is_whole(self) -> bool:
        return is_whole(Pair(self.hi, self.mid)) and bool(self.lo == np.floor(self.lo))


def table(text: str) -> list[Pair]:
    """Pairs as src/coefficients.py prints them, one a line."""
    return [Pair(*(np.float64(float.fromhex(x)) for x in line.split(","))) for line in text.split("\n") if line.strip()]
