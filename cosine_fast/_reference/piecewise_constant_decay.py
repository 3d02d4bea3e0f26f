"""PiecewiseConstantDecay: values[number of boundaries < step]. The class compares pairs, which are exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from .pairs import Pair, as_pair, sortable


class PiecewiseConstantDecay:
    """The values and the boundaries, and the rates at steps."""

    def __init__(self, *numbers: int | float) -> None:
        count = len(numbers) // 2
        self.values = np.array(numbers[: count + 1], np.float64)
        self.boundaries = np.array([sortable(as_pair(boundary)) for boundary in numbers[count + 1 :]], np.complex128)

    def __call__(self, step: Pair) -> Any:
        rates = self.values[np.searchsorted(self.boundaries, sortable(step))]
        return np.where(np.isnan(step.hi), step.hi, rates)
