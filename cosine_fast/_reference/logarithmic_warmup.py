"""LogarithmicWarmup: initial + (peak - initial) * log(step + 1) / log(warmup_steps), and then the peak.

The class is cosine_fast_logarithmic_warmup.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .exp2 import LOG2, WIDE_LOG2, log2
from .pairs import ONE, Pair, add, as_pair, divide, fast_two_sum, negate, product_rest, scale, take_unit, two_sum


class LogarithmicWarmup:
    """The folded parameters, as cf_logarithmic_warmup_init makes them, and the rates at steps."""

    def __init__(self, peak: float, initial: float, warmup_steps: int | float) -> None:
        self.initial, self.peak = np.float64(initial) + 0.0, np.float64(peak) + 0.0  # -0 becomes +0
        W, rise, rises = as_pair(warmup_steps), two_sum(self.peak, -self.initial), abs(initial) <= abs(peak)
        log = add(log2(W.hi), Pair(W.lo / W.hi * 1.4426950408889634, np.float64(0.0)))  # 1 / ln(2)
        _, self.unit = take_unit(peak if rises else initial)
        self.base = (self.initial if rises else self.peak) / self.unit
        self.slope = divide(Pair(rise.hi / self.unit, rise.lo / self.unit), log)
        self.last = add(W, negate(ONE))
        D = ONE if rises else W
        hi, unit = take_unit(D.hi)
        self.D = Pair(hi, D.lo / unit)
        self.inverse = divide(scale(WIDE_LOG2[0], 0.5), self.D)
        self.offset = ONE.hi.view(np.uint64) - (hi * 0.7071067811865476).view(np.uint64)
        self.exponent = np.float64(unit.view(np.uint64) >> np.uint64(52))

    def __call__(self, step: Pair) -> Any:
        slope, D, inverse = self.slope, self.D, self.inverse
        r = add(step, ONE)
        bits = r.hi.view(np.uint64) + self.offset
        k = ((bits >> np.uint64(52)) | np.uint64(0x4330000000000000)).view(np.float64) - 2.0**52 - self.exponent
        down = (np.uint64(0x7FE0000000000000) - (bits & np.uint64(0x7FF0000000000000))).view(np.float64)
        m = scale(r, down)
        n = add(m, negate(D))
        f = n.hi * inverse.hi
        low = (n.hi * inverse.lo + n.lo * inverse.hi) + product_rest(n.hi, inverse.hi, f)
        z = n.hi / (m.hi + D.hi)
        w = z * z
        ww = w * w
        c1, c2, c3, c4, c5, c6, c7, c8 = (c.hi for c in LOG2[1:])
        tail = ((c1 + w * c2) + ww * (c3 + w * c4)) + ww * ww * ((c5 + w * c6) + ww * (c7 + w * c8))
        log = fast_two_sum(k, f)
        log = Pair(log.hi, ((log.lo + low) - z * f) + z * w * tail)
        y = slope.hi * log.hi
        total = two_sum(self.base, y)
        lo = total.lo + (product_rest(slope.hi, log.hi, y) + slope.lo * log.hi)
        rates = (total.hi + (lo + slope.hi * log.lo)) * self.unit
        rates = np.where(step.hi < 2.0**-400, self.initial, rates)
        late = (step.hi > self.last.hi) | ((step.hi == self.last.hi) & (step.lo >= self.last.lo))
        return np.where(late, self.peak, rates)
