"""InverseTimeDecay: the rate falls as 1 / time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from . import _sums
from ._base import Formula
from ._checks import check_size, flag_of, number_of, rate_of, steps_of


class InverseTimeDecay(Formula):
    """Keras's InverseTimeDecay: the rate falls as 1 / time.

    With s the step, in optimizer steps, and p = s / decay_steps, or p = floor(s / decay_steps) with `staircase`, the
    rate is::

        initial_learning_rate / (1 + decay_rate * p)

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32, the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The number of steps over which p grows by 1; > 0. Integers are exact up to 2**63 - 1.
    decay_rate : float
        The amount by which the divisor grows as p grows by 1; any finite number. Below 0 the rate rises to a pole.
    staircase : bool, default False
        Whether the rate changes at multiples of `decay_steps` only, not with every step.
    name : str, default "InverseTimeDecay"
        Kept for Keras's configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range; `initial_learning_rate` is at most 2**1000 (1e301) in size.
    TypeError
        If a parameter has another type.

    See Also
    --------
    InverseSquareRootDecay : A slower fall.
    ExponentialDecay : A faster fall.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Steps may be
    fractional and negative. NaN gives NaN; +inf and -inf give 0, or `initial_learning_rate` if `decay_rate` is 0.

    The pole is where ``1 + decay_rate * p`` is 0: at a negative step, or with a negative `decay_rate` at a positive
    one. There the rate is infinite, with the sign of `initial_learning_rate` (NaN if that is 0); beyond it the rate has
    the other sign.

    In float64 a rate is within 2 ULP of the exact value, also next to the pole.
    (With `staircase` and a pole beyond p = 2**100 the divisor has an error of 2**-100 there.)

    References
    ----------
    ``keras.optimizers.schedules.InverseTimeDecay`` of Keras 3.

    Examples
    --------
    >>> schedule = InverseTimeDecay(0.1, decay_steps=1000, decay_rate=0.5)
    >>> schedule(0), schedule(1000), schedule(2000), schedule(-2000)
    (0.1, 0.06666666666666667, 0.05, inf)
    >>> InverseTimeDecay(0.1, 1000, 0.5, staircase=True).precompute(0, 3001, 750)
    array([0.1       , 0.1       , 0.06666667, 0.05      , 0.04      ])
    """

    __slots__ = ()
    _name = "inverse_time_decay"

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:  # fmt: skip
        initial, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("decay_steps", decay_steps, positive=True)
        rate = number_of("decay_rate", decay_rate)
        stairs = flag_of("staircase", staircase)
        check_size(initial, initial_learning_rate)
        given = (initial_learning_rate, decay_steps, decay_rate, staircase, name)
        self._take(given, dtype, (initial, rate, stairs), (length,), name)

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        (*_, stairs), (length,), *_ = self._key
        if not (stairs and isinstance(length, int) and steps.step == 1):
            yield from _sums.walk(self, steps, power, most)
            return
        # What is left of the first stair, whole stairs, and what there is of the last one.
        for part in _sums.split(steps, [-(-steps.start // length) * length, steps.stop // length * length]):
            if part:
                firsts = part[::length]
                each = _sums.count(part) // _sums.count(firsts)
                yield from (each * rate for rate in _sums.walk(self, firsts, power, most))

    @property
    def _joints(self) -> tuple[int, ...]:
        (_, rate, stairs), (length,), *_ = self._key
        joints = {0, 2**63}
        if rate < 0.0:  # about the pole
            unit = Fraction(length) if stairs else 1
            pole = math.floor(-Fraction(length) / Fraction(rate) / unit)
            joints |= {math.ceil(unit * pole), math.ceil(unit * (pole + 1))}
        return tuple(sorted(joint for joint in joints if joint <= 2**63))
