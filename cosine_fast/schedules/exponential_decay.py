"""ExponentialDecay: the rate falls by a factor over every `decay_steps` steps."""

from __future__ import annotations

import decimal
import math
from collections.abc import Iterator
from fractions import Fraction

from . import _sums
from ._base import Formula
from ._checks import INT64_MIN, check_size, flag_of, number_of, rate_of, steps_of

# The powers in sums. A ratio may be 2**-116 beside 1: 1 less it has 55 digits then.
_WIDE = decimal.Context(prec=90, Emin=-2000, Emax=2000, traps=[])


class ExponentialDecay(Formula):
    """Keras's ExponentialDecay: the rate is multiplied by decay_rate over every decay_steps.

    With s the step, in optimizer steps, and p = s / decay_steps, or p = floor(s / decay_steps) with `staircase`, the
    rate is::

        initial_learning_rate * decay_rate ** p

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32, the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The number of steps over which p grows by 1; > 0. Integers are exact up to 2**63 - 1.
    decay_rate : float
        The factor by which the rate changes as p grows by 1. Above 1 the rate grows, in the end to infinity. 0: the
        rate is 0 for p > 0 and infinite for p < 0. A negative one needs `staircase`: the stairs alternate in sign.
    staircase : bool, default False
        Whether the rate changes at multiples of `decay_steps` only, not with every step.
    name : str, default "ExponentialDecay"
        Kept for Keras's configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range; `initial_learning_rate` is at most 2**1000 (1e301) in size,
        and `decay_rate` is not negative without `staircase`.
    TypeError
        If a parameter has another type.

    See Also
    --------
    InverseTimeDecay : A slower fall.
    PiecewiseConstantDecay : Stairs of any height.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Steps may be
    fractional and negative. NaN gives NaN; +inf and -inf give the limit (NaN if a negative `decay_rate` has none). If
    `initial_learning_rate` is 0, all rates are 0.

    In float64 a rate is within 1 ULP of the exact value. The stairs begin at exact multiples of `decay_steps`, up to
    the 2**98th.

    References
    ----------
    ``keras.optimizers.schedules.ExponentialDecay`` of Keras 3.

    Examples
    --------
    >>> schedule = ExponentialDecay(0.5, decay_steps=1000, decay_rate=0.25)
    >>> schedule(0), schedule(500), schedule(1000), schedule(-1000)
    (0.5, 0.25, 0.125, 2.0)
    >>> ExponentialDecay(0.5, 1000, 0.25, staircase=True).precompute(0, 2001, 500)
    array([0.5    , 0.5    , 0.125  , 0.125  , 0.03125])
    """

    __slots__ = ()
    _name = "exponential_decay"

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:  # fmt: skip
        initial, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("decay_steps", decay_steps, positive=True)
        rate = number_of("decay_rate", decay_rate)
        stairs = flag_of("staircase", staircase)
        check_size(initial, initial_learning_rate)
        if rate < 0.0 and not stairs:
            raise ValueError(
                f"Argument `decay_rate` must be >= 0 without `staircase`. Received: decay_rate={decay_rate}"
            )
        given = (initial_learning_rate, decay_steps, decay_rate, staircase, name)
        self._take(given, dtype, (initial, rate, stairs), (length,), name)

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        (initial, rate, _), *_ = self._key
        n = _sums.count(steps)
        if not self._is_geometric(steps.step):
            yield from _sums.walk(self, steps, power, most)
        elif rate == 1.0:
            yield n * Fraction(initial) ** power
        elif n and initial:
            with decimal.localcontext(_WIDE):
                total = self._geometric_sum(steps, power)
            infinite = math.inf if power == 2 else math.copysign(math.inf, initial)
            yield Fraction(initial) ** power * Fraction(total) if total.is_finite() else infinite

    def _is_geometric(self, stride: int) -> bool:
        """Whether the sum of every stride-th rate has a closed form."""
        (_, rate, stairs), (length,), *_ = self._key
        return rate >= 0.0 and not (stairs and Fraction(length) % stride and stride % Fraction(length))

    def _sum_begin(self, step: int) -> int:
        return INT64_MIN if self._is_geometric(1) else step

    def _geometric_sum(self, steps: range, power: int) -> decimal.Decimal:
        """Return the sum of decay_rate**(power * p); it is not finite if it is beyond 10**2000."""
        (_, rate, stairs), (length,), *_ = self._key
        log, D = decimal.Decimal(rate).ln() * power, Fraction(length)

        def at(p: Fraction | int) -> decimal.Decimal:
            return (log * p.numerator / p.denominator).exp() if p else decimal.Decimal(1)

        def series(first: Fraction | int, last: Fraction | int, n: int) -> decimal.Decimal:
            if n == 1:
                return at(first)
            if rate > 1.0:  # from the largest power on
                first, last = last, first
            ratio = (last - first) / Fraction(n - 1)
            return (at(last + ratio) - at(first)) / (at(ratio) - 1)

        if not stairs:
            return series(steps[0] / D, steps[-1] / D, _sums.count(steps))
        first, last = steps[0] // D, steps[-1] // D
        if D % steps.step:
            return series(first, last, _sums.count(steps))
        each = int(D) // steps.step  # steps on a stair; less those missing on the first and on the last one
        before, after = int(steps[0] % D) // steps.step, each - 1 - int(steps[-1] % D) // steps.step
        return each * series(first, last, last - first + 1) - before * at(first) - after * at(last)

    @property
    def _joints(self) -> tuple[int, ...] | None:
        (_, rate, _), *_ = self._key
        return (0, 2**63) if rate >= 0.0 else None
