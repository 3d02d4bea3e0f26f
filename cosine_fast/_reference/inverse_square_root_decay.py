"""InverseSquareRootDecay: initial * sqrt(timescale / max(step + shift, timescale)).

The class is cosine_fast_inverse_square_root_decay.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .pairs import Pair, add, as_pair, less, product_rest, square_rest, take_unit, where


class InverseSquareRootDecay:
    """The folded parameters, as cf_inverse_square_root_decay_init makes them, and the rates at steps."""

    def __init__(self, initial: float, timescale: int | float, shift: int | float) -> None:
        self.initial, self.unit = take_unit(initial)
        self.timescale, self.shift = as_pair(timescale), as_pair(shift)
        self.half_inverse = 0.5 / self.timescale.hi

    def __call__(self, step: Pair) -> Any:
        T = self.timescale
        huge = np.abs(step.hi) > 2.0**500
        x = add(step, self.shift)
        before = np.where(huge, step.hi < 0.0, less(x, T))
        x = where(before, T, where(huge, Pair(step.hi * 2.0**-600, 0.0), x))
        factor = np.where(huge & ~before, 2.0**-300, 1.0)
        root = np.sqrt(T.hi / x.hi)
        square = root * root
        product = square * x.hi
        rest = ((T.hi - product) - product_rest(square, x.hi, product)) - square_rest(root, square) * x.hi
        rest = rest + (T.lo - square * x.lo)
        rate = self.initial * root
        rate = rate + (product_rest(self.initial, root, rate) + self.initial * (rest * (root * self.half_inverse)))
        return np.where(step.hi == np.inf, 0.0, rate * factor * self.unit + 0.0)  # -0 becomes +0
