"""Arithmetic in triples of doubles, as in cosine_fast_triples.h: the same operations in the same order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .pairs import Pair, exact_product, fast_two_sum, is_whole, two_sum

_ZERO = np.float64(0.0)


class Triple(NamedTuple):
    """hi + mid + lo, NumPy scalars, each at most half a unit in the last place of the one before."""

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

    def rounded_up(self) -> Pair:
        """The least pair that is not below it."""
        return Pair(self.hi, np.nextafter(self.mid, np.inf) if self.lo > 0.0 else self.mid)

    def is_whole(self) -> bool:
        return is_whole(Pair(self.hi, self.mid)) and bool(self.lo == np.floor(self.lo))
