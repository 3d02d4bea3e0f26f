"""PolynomialDecay: a power of the fraction of the decay that remains."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from . import _sums
from ._base import Formula
from ._checks import check_fall, flag_of, number_of, rate_of, steps_of

_LEAST_POWER, _LARGEST_POWER = 2.0**-64, 2.0**64
_CLOSED_POWER = 32  # up to which whole powers have sums in closed form


class PolynomialDecay(Formula):
    """Keras's PolynomialDecay: from the initial to the end rate by a power of the fraction of the decay that remains.

    With s the step, in optimizer steps, the rate is::

        (initial_learning_rate - end_learning_rate) * (1 - min(s, decay_steps) / decay_steps) ** power
            + end_learning_rate

    and with `cycle` the decay becomes longer by decay_steps whenever s has reached its end, where the rate jumps up::

        (initial_learning_rate - end_learning_rate) * (1 - s / (decay_steps * m)) ** power + end_learning_rate
        m = max(1, ceil(s / decay_steps))

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32, the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The length of the decay in steps; > 0. Integers are exact up to 2**63 - 1.
    end_learning_rate : float, default 0.0001
        The rate at the end of the decay and, without `cycle`, after it. It may be the larger one.
    power : float, default 1.0
        The power, 0 or from 2**-64 to 2**64 in size. 1, a straight line, is by far the fastest. 0: all rates are
        `initial_learning_rate` (0 ** 0 is 1). Below 0 the rate goes to infinity at the end and stays there.
    cycle : bool, default False
        Whether the decay starts again, from ever lower rates, where it ends.
    name : str, default "PolynomialDecay"
        Kept for Keras's configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range; the rates and their difference are at most 2**1000 (1e301) in
        size.
    TypeError
        If a parameter has another type.

    See Also
    --------
    LinearDecay : A line, after an optional warmup.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Steps may be
    fractional and negative: the curve goes on backwards, with or without cycles. NaN gives NaN; +inf and -inf give the
    limit.

    In float64 a rate is within 1 ULP of the exact value if `initial_learning_rate` is not smaller than
    `end_learning_rate`, and within 2 ULP if it is (all sizes here are without sign). Where the curve can cross zero, it
    is within 1 ULP of the larger end: between ends of different signs, and before step 0 (past it, if `power` is
    negative) if `initial_learning_rate` is the smaller end. A rate below 1e-300, or more than 1e30 times smaller or
    larger than the larger end, is within 3 ULP instead.

    The rates at step 0, at decay_steps and at the end of every cycle are exact. All this holds for 2**98 cycles; past
    them a rate is one of its cycle's, most often that of its end.

    References
    ----------
    ``keras.optimizers.schedules.PolynomialDecay`` of Keras 3.

    Examples
    --------
    >>> schedule = PolynomialDecay(0.5, decay_steps=1000, end_learning_rate=0.0, power=2.0)
    >>> schedule(0), schedule(500), schedule(1000), schedule(2000)
    (0.5, 0.125, 0.0, 0.0)
    >>> PolynomialDecay(0.5, 1000, 0.0, cycle=True).precompute(0, 2001, 500)
    array([0.5  , 0.25 , 0.   , 0.125, 0.   ])
    """

    __slots__ = ()
    _name = "polynomial_decay"

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        initial, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("decay_steps", decay_steps, positive=True)
        end = number_of("end_learning_rate", end_learning_rate)
        exponent = number_of("power", power)
        cycles = flag_of("cycle", cycle)
        check_fall(initial_learning_rate=initial_learning_rate, end_learning_rate=end_learning_rate)
        if exponent and not _LEAST_POWER <= abs(exponent) <= _LARGEST_POWER:
            raise ValueError(f"Argument `power` must be 0, or from 2**-64 to 2**64 in size. Received: power={power}")
        given = (initial_learning_rate, decay_steps, end_learning_rate, power, cycle, name)
        self._take(given, dtype, (initial, end, exponent, cycles), (length,), name)

    @property
    def _end(self) -> int | None:
        (*_, cycles), (length,), *_ = self._key
        return None if cycles else math.ceil(length)

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        (initial, end, exponent, cycles), (length,), *_ = self._key
        if cycles or exponent % 1 or not 0 <= exponent <= _CLOSED_POWER:
            yield from _sums.walk(self, steps, power, most)
            return
        n, D, floor, fall = int(exponent), Fraction(length), Fraction(end), Fraction(initial) - Fraction(end)
        decay, rest = _sums.split(steps, [math.ceil(D)])
        yield _sums.count(rest) * (floor + fall * 0**n) ** power
        if decay:
            yield _sums.curve(decay, D, D, n, floor, fall, power)

    @property
    def _joints(self) -> tuple[int, ...] | None:
        (*_, cycles), (length,), *_ = self._key
        if not cycles:
            return 0, 2**63
        return (0, length + 1) if isinstance(length, int) else None  # the end rate, and then those of shorter curves
