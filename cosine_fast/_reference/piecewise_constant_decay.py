"""PiecewiseConstantDecay: `plain` is the formula; the class compares pairs, which are exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from .pairs import Pair, as_pair


def plain(step: float, *numbers: float) -> float:
    """The values, then the boundaries: the last steps of all values but the last.

    >>> parameters, steps = (1.0, 0.5, 0.1, 10, 20.5), np.array([9, 10, 11, 20, 21])
    >>> np.array_equal(PiecewiseConstantDecay(*parameters)(as_pair(steps)), [plain(s, *parameters) for s in steps])
    True
    """
    values, boundaries = numbers[: len(numbers) // 2 + 1], numbers[len(numbers) // 2 + 1 :]
    return values[sum(boundary < step for boundary in boundaries)]


class PiecewiseConstantDecay:
    """The values and the boundaries, and the rates at steps."""

    def __init__(self, *numbers: int | float) -> None:
        count = len(numbers) // 2
        self.values = np.array(numbers[: count + 1], np.float64)
        self.boundaries = np.array([_sortable(as_pair(boundary)) for boundary in numbers[count + 1 :]], np.complex128)

    def __call__(self, step: Pair) -> Any:
        rates = self.values[np.searchsorted(self.boundaries, _sortable(step))]
        return np.where(np.isnan(step.hi), step.hi, rates)


def _sortable(x: Pair) -> Any:
    """Pairs as complex numbers, which NumPy sorts by their real parts first."""
    return x.hi + 1j * x.lo
