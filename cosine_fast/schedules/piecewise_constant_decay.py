"""PiecewiseConstantDecay: a rate for each range of steps."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from .._backend import shown
from . import _sums
from ._base import Formula
from ._checks import FLOAT64, dtype_of, exact_of, items_of, number_of


class PiecewiseConstantDecay(Formula):
    """Keras's PiecewiseConstantDecay: one rate up to each boundary, and one beyond the last.

    With s the step, in optimizer steps, the rate is::

        s <= boundaries[0]:                      values[0]
        boundaries[i - 1] < s <= boundaries[i]:  values[i]
        boundaries[-1] < s:                      values[-1]

    Parameters
    ----------
    boundaries : list, tuple, range or one-dimensional array of int or float
        The last step of each value but the last, strictly increasing; any number of them. Integers are exact within
        int64, and every step is compared with them exactly. Empty: the rate is constant.
    values : list, tuple or one-dimensional array of float
        The rates, one more than boundaries. If all are NumPy float32, the results are float32, as with
        ``dtype=numpy.float32``.
    name : str, default "PiecewiseConstant"
        Kept for Keras's configs; it has no effect.

    Raises
    ------
    ValueError
        If there is not one more value than boundaries, the boundaries do not increase, an integer is beyond int64, a
        number is not finite, or an array is not one-dimensional.
    TypeError
        If `boundaries` or `values` is no such sequence, or an element is no number.

    See Also
    --------
    ConstantSchedule : One rate.
    join_schedules : Joins schedules that are not constant.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. NaN gives NaN, +inf
    the last value and -inf the first. Attributes and config are lists of Python numbers, except for NumPy float32.

    References
    ----------
    ``keras.optimizers.schedules.PiecewiseConstantDecay`` of Keras 3.

    Examples
    --------
    >>> schedule = PiecewiseConstantDecay([100_000, 110_000], [1.0, 0.5, 0.1])
    >>> schedule(100_000), schedule(100_001), schedule(10**18)
    (1.0, 0.5, 0.1)
    >>> schedule.precompute(99_999, 110_002, 5_001)
    array([1. , 0.5, 0.1])
    >>> PiecewiseConstantDecay((10, 20.5), np.array([1, 0.5, 0.1])).get_config()
    {'boundaries': [10, 20.5], 'values': [1.0, 0.5, 0.1], 'name': 'PiecewiseConstant'}
    """

    __slots__ = ()
    _name = "piecewise_constant_decay"

    def __init__(
        self, boundaries: Sequence[float] | np.ndarray[Any, Any], values: Sequence[float] | np.ndarray[Any, Any],
        name: str = "PiecewiseConstant",
    ) -> None:  # fmt: skip
        ends, rates = items_of("boundaries", boundaries), items_of("values", values)
        if len(ends) != len(rates) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of "
                f"values. Received: boundaries={shown(boundaries)} of length "
                f"{len(ends)}, and values={shown(values)} of length {len(rates)}."
            )
        exact = tuple(_boundary(end) for end in ends)
        for before, after in itertools.pairwise(exact):
            if not before < after:
                raise ValueError(f"Argument `boundaries` must rise strictly. Received: {before}, then {after}")
        checked = tuple(number_of("values", rate) + 0.0 for rate in rates)  # -0 is +0
        dtypes = {dtype_of("values", rate) for rate in rates}
        given = tuple(rate if isinstance(rate, np.float32) else _python_number(rate) for rate in rates)
        self._take((exact, given, name), dtypes.pop() if len(dtypes) == 1 else FLOAT64, checked, exact, name)

    @property
    def _end(self) -> int:
        _, boundaries, *_ = self._key
        return max(0, math.floor(boundaries[-1]) + 1) if boundaries else 0

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        values, boundaries, *_ = self._key
        if steps:
            first, last = (bisect.bisect_left(boundaries, step) for step in (steps[0], steps[-1]))
            parts = _sums.split(steps, (math.floor(x) + 1 for x in boundaries[first:last]))
            for value, part in zip(values[first : last + 1], parts, strict=True):
                yield _sums.count(part) * Fraction(value) ** power

    @property
    def _joints(self) -> tuple[int, ...]:
        _, boundaries, *_ = self._key
        return 0, *sorted({step for x in boundaries if 0 < (step := math.floor(x) + 1) < 2**63}), 2**63


def _python_number(value: Any) -> int | float:
    return exact_of(value, float(value))


def _boundary(value: Any) -> int | float:
    number_of("boundaries", value)
    boundary = _python_number(value)
    if isinstance(boundary, int) and not -(2**63) <= boundary < 2**63:
        raise ValueError(f"Argument `boundaries` must lie within int64 where it is whole. Received: {shown(value)}")
    return boundary
