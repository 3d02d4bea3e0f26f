"""The exact value of the formula, by mpmath, and the distance of a float from it: no code of the package's."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from mpmath import mp, mpf

PRECISION = 400  # bits; a rate of 1e-300 that is the rest of two of 1e300 is another matter, and not asked for


def _exact(x: float) -> mpf:
    fraction = Fraction(x)
    return mpf(fraction.numerator) / fraction.denominator


def rate(step, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0) -> mpf:
    """DESIGN's formula; every argument is taken as exactly the number that it is."""
    with mp.workprec(PRECISION):
        s, L0, D, a = (Fraction(x) for x in (step, initial_learning_rate, decay_steps, alpha))
        peak, t = L0, s
        if warmup_target is not None:
            peak, W = Fraction(warmup_target), Fraction(warmup_steps)
            if s < W:
                return _exact(L0 + (peak - L0) * s / W)
            if W > 0:  # without warmup steps the cosine goes on to negative steps
                t = s - W
        angle = _exact(min(t, D) / D % 2)
        return _exact(peak * (1 - a)) * mp.cospi(angle / 2) ** 2 + _exact(peak * a)


def ulps(value: float, exact: mpf, at: float = 0.0) -> float:
    """|value - exact| in units in the last place of `exact`, or of `at` where that is larger."""
    with mp.workprec(PRECISION):
        size = max(abs(exact), abs(mpf(at)))
        rounded = float(size)
        unit = math.ulp(rounded)
        if rounded > size and rounded == 2.0 ** round(math.log2(rounded)) and rounded > 2.0**-1022:
            unit /= 2  # just below a power of 2
        return float(abs(mpf(float(value)) - exact) / mpf(unit))


def ulps32(value: np.float32, exact: mpf) -> float:
    with mp.workprec(PRECISION):
        unit = float(np.spacing(np.float32(abs(exact))))
        return float(abs(mpf(float(value)) - exact) / mpf(unit))
