"""JoinedSchedule: formulas[k](signs[k] * (step - offsets[k])), k being the number of boundaries <= step.

The class is cosine_fast_joined_schedule.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .pairs import Pair, add, as_pair, negate, sortable, where


class JoinedSchedule:
    """The formulas and their segments, and the rates at steps."""

    def __init__(self, *parameters: Any) -> None:
        n = (len(parameters) + 1) // 4
        self.signs, self.formulas = parameters[:n], parameters[3 * n - 1 :]
        self.boundaries = np.array([sortable(as_pair(boundary)) for boundary in parameters[n : 2 * n - 1]], complex)
        self.offsets = [as_pair(offset) for offset in parameters[2 * n - 1 : 3 * n - 1]]

    def __call__(self, step: Pair) -> Any:
        segments = np.searchsorted(self.boundaries, sortable(step), side="right")
        rates = np.empty(step.hi.shape)
        for k in np.unique(segments):
            own = segments == k
            rates[own] = self.formulas[k](self.own_step(k, Pair(step.hi[own], step.lo[own])))
        return rates

    def own_step(self, k: int, step: Pair) -> Pair:
        """The steps at which the formula of segment k is called."""
        offset, sign = self.offsets[k], self.signs[k]
        distance = step.hi - offset.hi
        short = (np.abs(distance) < 2.0**53) & (step.lo == 0.0) & (offset.lo == 0.0) & (sign > 0.0)
        short = short | ~(np.abs(distance) <= 2.0**65)
        t = where(short, Pair(distance, 0.0), add(step, negate(offset)))
        return Pair(sign * t.hi, sign * t.lo)
