"""ConstantSchedule: one rate."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from . import _sums
from ._base import Formula
from ._checks import rate_of


class ConstantSchedule(Formula):
    """One learning rate at every step.

    Parameters
    ----------
    learning_rate : float
        The rate. If it is a NumPy float32, the results are float32.
    name : str, default "ConstantSchedule"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If the rate is not finite.
    TypeError
        If the rate is no number.

    See Also
    --------
    PiecewiseConstantDecay : Several rates, one after the other.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. NaN gives NaN.

    References
    ----------
    ``optax.constant_schedule``.

    Examples
    --------
    >>> schedule = ConstantSchedule(0.1)
    >>> schedule(0), schedule([1, 10**18])
    (0.1, array([0.1, 0.1]))
    """

    __slots__ = ()
    _name = "piecewise_constant_decay"  # without boundaries
    _keras = False
    _end = 0

    def __init__(self, learning_rate: float, name: str = "ConstantSchedule") -> None:
        rate, dtype = rate_of("learning_rate", learning_rate)
        self._take((learning_rate, name), dtype, (rate + 0.0,), (), name)  # -0 is +0

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        (rate,), *_ = self._key
        yield _sums.count(steps) * Fraction(rate) ** power
