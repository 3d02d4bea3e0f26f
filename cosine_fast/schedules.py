"""The schedule classes: what their parameters mean, and what is checked of them."""

from __future__ import annotations

import itertools
import numbers
import warnings
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np

from . import _sums
from ._backend import shown
from ._base import (
    LARGEST,
    Formula,
    check_name,
    dtype_of,
    flag_of,
    number_of,
    parameter,
    range_of_steps,
    received,
    steps_of,
)  # fmt: skip

_LEAST_POWER = 2.0**-64
_LEAST_CYCLE = 2.0**-32


class CosineDecay(Formula):
    """Keras's CosineDecay: an optional linear warmup, then a cosine from the peak down to the floor.

    With s the step, in optimizer steps, and t = s - warmup_steps (t = s without a warmup)::

        s < warmup_steps:  initial_learning_rate + (warmup_target - initial_learning_rate) * s / warmup_steps
        else:              peak * ((1 - alpha) * (1 + cos(pi * min(t, decay_steps) / decay_steps)) / 2 + alpha)

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32 the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The length of the decay in steps, without the warmup; > 0. Whole numbers are exact up to 2**63 - 1.
    alpha : float
        The floor, as a fraction of the peak: the decay ends at ``peak * alpha``.
    name : str
        Kept for Keras's configs; means nothing here.
    warmup_target : float, optional
        The peak, which the warmup ends at. None: there is no warmup, and the peak is initial_learning_rate.
    warmup_steps : int or float
        The length of the warmup in steps; >= 0. Without warmup_target it is ignored, with a UserWarning.

    ``schedule(step, *, out=None, dtype=None, num_threads=None)``
    ----------
    step : int, float, array or anything that ``numpy.asarray`` makes one of
        Integers within int64 or floats, of any shape, strides and byte order. Fractional and negative steps are steps:
        the warmup line goes on below step 0; without a warmup the cosine is even. NaN gives NaN, +inf the floor.
    out : numpy.ndarray, optional
        float64 or float32 of the steps' shape; may be the steps' own memory. It is returned. (Where it overlaps the
        steps other than element upon element they are copied first, as NumPy does.)
    dtype : numpy.float64 or numpy.float32, optional
        Of the result; float64 unless initial_learning_rate says float32, or `out` does.
    num_threads : int, optional
        At most so many threads, for large arrays; else see ``set_num_threads``.

    It returns an array of the steps' shape (a masked one for masked steps), a NumPy scalar for a NumPy scalar or a 0-d
    array, and for a Python int or float a Python float (a numpy.float32 where the dtype is float32). A step has one
    result to the last bit, whatever the call, the machine, the instruction set and the number of threads; in float64 it
    is within 2 ULP of the exact value.

    Raises
    ------
    ValueError
        A parameter out of its range, or `out` of another shape or read-only.
    TypeError
        A parameter that is no number, steps that are neither integers nor floats, an unfit `out` or `dtype`.
    OverflowError
        A step beyond int64.

    A schedule is immutable, hashable and picklable, and may be called from many threads at once.

    Examples
    --------
    >>> import numpy as np
    >>> schedule = CosineDecay(0.0, decay_steps=900, alpha=0.1, warmup_target=1e-3, warmup_steps=100)
    >>> schedule(0), schedule(50), schedule(100), schedule(1000)
    (0.0, 0.0005, 0.001, 0.0001)
    >>> schedule(np.array([[100, 550], [999, 2**62]]))
    array([[0.001  , 0.00055],
           [0.0001 , 0.0001 ]])
    >>> steps = np.arange(3, dtype=np.int32)
    >>> schedule(steps, dtype=np.float32)
    array([0.e+00, 1.e-05, 2.e-05], dtype=float32)

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983;
    ``keras.optimizers.schedules.CosineDecay`` of Keras 3.
    """

    __slots__ = ()

    initial_learning_rate = parameter("initial_learning_rate", "The rate at step 0, as it was given.")
    decay_steps = parameter("decay_steps", "The length of the decay in steps, as it was given.")
    alpha = parameter("alpha", "The floor as a fraction of the peak, as it was given.")
    name = parameter("name", "The name, as it was given.")
    warmup_target = parameter("warmup_target", "The peak, as it was given; None without a warmup.")
    warmup_steps = parameter("warmup_steps", "The length of the warmup in steps, as it was given.")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        if self._set(initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps):
            warnings.warn(
                f"Argument `warmup_steps` is ignored without `warmup_target`. Received: warmup_steps={warmup_steps}",
                UserWarning,
                stacklevel=2,
            )

    def _set(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float,
        name: str,
        warmup_target: float | None,
        warmup_steps: float,
    ) -> bool:
        """Check the parameters and take them; whether warmup_steps is ignored."""
        start = number_of("initial_learning_rate", initial_learning_rate)
        dtype = dtype_of("initial_learning_rate", initial_learning_rate)
        decay = steps_of("decay_steps", decay_steps, positive=True)
        fraction = number_of("alpha", alpha)
        check_name(name)
        warmup = steps_of("warmup_steps", warmup_steps, positive=False)
        peak = start if warmup_target is None else number_of("warmup_target", warmup_target)
        has_warmup = warmup_target is not None and warmup > 0
        rise = peak - start if has_warmup else 0.0
        if not (
            abs(start) <= LARGEST
            and abs(peak) <= LARGEST
            and abs(peak * fraction) <= LARGEST
            and abs(peak * (1.0 - fraction)) <= LARGEST
            and abs(rise) <= LARGEST
            and (not rise or abs(rise / warmup) <= LARGEST)
        ):
            raise ValueError(
                "The rates, their products with `alpha` and `1 - alpha`, and the warmup's slope must be at most "
                f"2**1000 (1e301) in size. Received: initial_learning_rate={initial_learning_rate}, alpha={alpha}, "
                f"warmup_target={warmup_target}, warmup_steps={warmup_steps}"
            )
        config = {
            "initial_learning_rate": initial_learning_rate,
            "decay_steps": decay_steps,
            "alpha": alpha,
            "name": name,
            "warmup_target": warmup_target,
            "warmup_steps": warmup_steps,
        }
        key = (start, decay, fraction, name, None if warmup_target is None else peak, warmup)
        single = self._take(config, key, dtype)
        self._fold_cosine_decay(peak, decay, fraction, has_warmup, start, warmup, single)  # last: now it is ready
        return warmup_target is None and warmup > 0

    @property
    def _parameters(self) -> _sums.Parameters:
        start, decay, alpha, _, target, warmup, _ = self._key
        peak = start if target is None else target
        has_warmup = target is not None and warmup > 0
        return _sums.Parameters(
            peak, decay, alpha, has_warmup, start if has_warmup else peak, warmup if has_warmup else 0
        )

    def sum(self, start: SupportsIndex, stop: SupportsIndex | None = None, step: SupportsIndex = 1) -> float:
        """The sum of the learning rates of the steps ``range(stop)`` or ``range(start, stop, step)``.

        It takes the same time however many steps there are: some tens of microseconds.

        Parameters
        ----------
        start, stop, step : int
            As range() takes them: ``sum(n)`` starts at 0. The steps must lie within int64.

        Returns
        -------
        float
            The sum of the exact rates, correctly rounded (also where the schedule's own rates are float32); infinity
            where it is beyond all floats, 0.0 for no steps.

        Raises
        ------
        TypeError, ValueError
            As range() raises them.
        OverflowError
            A step beyond int64.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.sum(100), schedule.sum(100, 1000), schedule.sum(10**12)
        (0.0495, 0.4505, 0.5)
        >>> schedule.sum(999, 1000) == schedule(999)
        True
        """
        return _sums.exact_sum(self._parameters, range_of_steps("sum", start, stop, step))

    def cumulative(
        self, steps: Any, *, out: np.ndarray[Any, Any] | None = None, dtype: Any = None,
        num_threads: SupportsIndex | None = None,
    ) -> Any:  # fmt: skip
        """The sum of the learning rates of the steps 0 .. s-1, for each s of an array, without going through them.

        Parameters
        ----------
        steps : int or array of ints
            As a call takes them, but no floats. For s < 0 it is the sum of the steps s .. -1, negated. (Without a
            warmup these take some tens of microseconds each.)
        out, dtype, num_threads
            As in a call.

        Returns
        -------
        float or numpy.ndarray
            As a call returns the rates. Where no rate is negative it is within 1e-14 of the sum of the exact rates
            (typically 2e-16), and never falls from one s to the next; infinity where it is beyond all floats.

        Raises
        ------
        TypeError, ValueError, OverflowError
            As a call raises them; TypeError for floats.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.cumulative([0, 1, 2, 100, 550, 1000, 10**12])
        array([0.00000000e+00, 0.00000000e+00, 1.00000000e-05, 4.95000000e-02,
               4.17989303e-01, 5.00000000e-01, 5.00000000e-01])
        """
        return _sums.cumulative(self._parameters, self._dtype, steps, out, dtype, num_threads)

    def step_at(self, learning_rate: Any) -> Any:
        """The first step after the warmup, i.e. >= warmup_steps, at which the rate is at or below a learning rate.

        Parameters
        ----------
        learning_rate : float or array of floats
            No unit, as float64. NaN is never reached.

        Returns
        -------
        int or None, or numpy.ndarray of int64
            For one number the step, or None where the rate is never so low; for an array the steps, -1 for never. It is
            exact: the first of all these steps s whose ``schedule(s)``, in float64, is ``<= learning_rate``.

        Raises
        ------
        TypeError
            What is no number.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, alpha=0.1, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.step_at(5e-4), schedule.step_at(0.0)
        (582, None)
        >>> schedule.step_at([1e-3, 1e-4, 9e-5])
        array([ 100, 1000,   -1])
        """
        return _sums.step_at(self._parameters, self, learning_rate)

    def step_at_sum(self, total: Any) -> Any:
        """The first step at which the sum of all rates before it reaches a total: s with ``cumulative(s) >= total``.

        Parameters
        ----------
        total : float or array of floats
            No unit, as float64. NaN is never reached; 0 and less is at step 0.

        Returns
        -------
        int or None, or numpy.ndarray of int64
            For one number the step, or None where the sum never comes so high; for an array the steps, -1 for never.
            It is exact: the first s >= 0 whose ``cumulative(s)``, in float64, is ``>= total``.

        Raises
        ------
        TypeError
            What is no number.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.step_at_sum(0.25), schedule.step_at_sum(0.6)
        (310, None)
        >>> bool(schedule.cumulative(309) < 0.25 <= schedule.cumulative(310))
        True
        """
        return _sums.step_at_sum(self._parameters, self, total)


class CosineDecayRestarts(Formula):
    """Keras's CosineDecayRestarts (SGDR): cosine decays one after the other, each longer than the one before.

    With s the step, in optimizer steps, and i the cycle that it lies in, counted from 0::

        S(i) <= s < S(i + 1),  S(i) = first_decay_steps * (1 + t_mul + ... + t_mul ** (i - 1))
        f = (s - S(i)) / (first_decay_steps * t_mul ** i)
        initial_learning_rate * ((1 - alpha) * m_mul ** i * (1 + cos(pi * f)) / 2 + alpha)

    A step that starts a cycle has that cycle's peak. (Keras finds i with rounded logarithms, and at many restarts, such
    as the 5th with t_mul = 3, gives the floor.)

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32 the results are float32, as with ``dtype=numpy.float32``.
    first_decay_steps : int or float
        The length of the first cycle in steps; > 0. Whole numbers are exact up to 2**63 - 1.
    t_mul : float
        How many times as long each cycle is as the one before; from 2**-64 to 2**64. Below 1 the cycles end at
        ``first_decay_steps / (1 - t_mul)``, and the floor holds from there on.
    m_mul : float
        How many times as high above the floor each cycle starts. Above 1 the rates grow, as far as infinity.
    alpha : float
        The floor, as a fraction of initial_learning_rate: every cycle goes down to ``initial_learning_rate * alpha``.
    name : str
        Kept for Keras's configs; means nothing here.

    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Fractional and
    negative steps are steps: the cycles go on backwards, i = -1, -2, ...; with t_mul above 1 they begin at
    ``-first_decay_steps / (t_mul - 1)``, and before that the floor holds. NaN gives NaN. Floats beyond 2**65 in size,
    infinities among them, give NaN where cycles go on, and the floor where they do not.

    In float64 a rate is within 2 ULP of the exact value; where a wave goes from the floor towards zero and m_mul is not
    1, of the larger of the cycle's ends. Less than 2**-300 (5e-91) before step 0 the rate is taken as the floor. The
    restarts are exact: S(i) is known to 2**-150 of itself.

    Raises
    ------
    ValueError
        A parameter that is not finite or out of its range; initial_learning_rate and its products with `alpha` and
        `1 - alpha` are at most 2**1000 (1e301) in size, first_decay_steps is at least 2**-32.
    TypeError
        A parameter of another type.

    Examples
    --------
    >>> schedule = CosineDecayRestarts(0.5, first_decay_steps=1000, t_mul=2.0, m_mul=0.5)
    >>> schedule(0), schedule(500), schedule(1000), schedule(2000), schedule(3000)
    (0.5, 0.25, 0.25, 0.125, 0.125)
    >>> CosineDecayRestarts(0.5, 1000, t_mul=1.0, alpha=0.1).precompute(0, 2001, 500)
    array([0.5  , 0.275, 0.5  , 0.275, 0.5  ])

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983;
    ``keras.optimizers.schedules.CosineDecayRestarts`` of Keras 3.
    """

    __slots__ = ()

    initial_learning_rate = parameter("initial_learning_rate", "The rate at step 0, as it was given.")
    first_decay_steps = parameter("first_decay_steps", "The length of the first cycle in steps, as it was given.")
    t_mul = parameter("t_mul", "How many times as long each cycle is as the one before, as it was given.")
    m_mul = parameter("m_mul", "How many times as high above the floor each cycle starts, as it was given.")
    alpha = parameter("alpha", "The floor as a fraction of initial_learning_rate, as it was given.")
    name = parameter("name", "The name, as it was given.")

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        initial = number_of("initial_learning_rate", initial_learning_rate)
        dtype = dtype_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("first_decay_steps", first_decay_steps, positive=True)
        lengthening = number_of("t_mul", t_mul)
        heightening = number_of("m_mul", m_mul)
        fraction = number_of("alpha", alpha)
        check_name(name)
        if length < _LEAST_CYCLE:
            raise ValueError(
                "Argument `first_decay_steps` must not be smaller than 2**-32 steps. "
                f"Received: first_decay_steps={shown(first_decay_steps)}"
            )
        if not lengthening > 0:
            raise ValueError(f"Argument `t_mul` must be > 0. Received: t_mul={shown(t_mul)}")
        if not _LEAST_POWER <= lengthening <= 1 / _LEAST_POWER:
            raise ValueError(f"Argument `t_mul` must be from 2**-64 to 2**64. Received: t_mul={shown(t_mul)}")
        if not (
            abs(initial) <= LARGEST
            and abs(initial * fraction) <= LARGEST
            and abs(initial * (1.0 - fraction)) <= LARGEST
        ):
            raise ValueError(
                "The initial_learning_rate and its products with `alpha` and `1 - alpha` must be at most 2**1000 "
                f"(1e301) in size. Received: initial_learning_rate={initial_learning_rate}, alpha={alpha}"
            )
        config = {
            "initial_learning_rate": initial_learning_rate,
            "first_decay_steps": first_decay_steps,
            "t_mul": t_mul,
            "m_mul": m_mul,
            "alpha": alpha,
            "name": name,
        }
        single = self._take(config, (initial, length, lengthening, heightening, fraction, name), dtype)
        self._fold_cosine_decay_restarts(initial, length, lengthening, heightening, fraction, single)

    _set = __init__


class ExponentialDecay(Formula):
    """Keras's ExponentialDecay: the rate is multiplied by decay_rate over every decay_steps.

    With s the step, in optimizer steps, and p = s / decay_steps, or p = floor(s / decay_steps) with `staircase`::

        initial_learning_rate * decay_rate ** p

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32 the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        How many steps it takes p to grow by 1; > 0. Whole numbers are exact up to 2**63 - 1.
    decay_rate : float
        What the rate is multiplied by as p grows by 1. Above 1 the rate grows, as far as infinity. 0: the rate is 0
        where p > 0, and infinite where p < 0. Below 0, which needs `staircase`, every second stair has the other sign.
    staircase : bool
        Whether the rate falls once every decay_steps, at their multiples, and not with every step.
    name : str
        Kept for Keras's configs; means nothing here.

    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Fractional and
    negative steps are steps. NaN gives NaN; +inf and -inf give the limit (NaN for a negative decay_rate where there is
    none). Where initial_learning_rate is 0 the rate is 0 throughout.

    In float64 a rate is within 1 ULP of the exact value. The stairs are at exact multiples of decay_steps, up to the
    2**98th.

    Raises
    ------
    ValueError
        A parameter that is not finite or out of its range; initial_learning_rate is at most 2**1000 (1e301) in size,
        and decay_rate is not negative without `staircase`.
    TypeError
        A parameter of another type.

    Examples
    --------
    >>> schedule = ExponentialDecay(0.5, decay_steps=1000, decay_rate=0.25)
    >>> schedule(0), schedule(500), schedule(1000), schedule(-1000)
    (0.5, 0.25, 0.125, 2.0)
    >>> ExponentialDecay(0.5, 1000, 0.25, staircase=True).precompute(0, 2001, 500)
    array([0.5    , 0.5    , 0.125  , 0.125  , 0.03125])

    References
    ----------
    ``keras.optimizers.schedules.ExponentialDecay`` of Keras 3.
    """

    __slots__ = ()

    initial_learning_rate = parameter("initial_learning_rate", "The rate at step 0, as it was given.")
    decay_steps = parameter("decay_steps", "How many steps it takes p to grow by 1, as it was given.")
    decay_rate = parameter("decay_rate", "What the rate is multiplied by as p grows by 1, as it was given.")
    staircase = parameter("staircase", "Whether the rate falls at multiples of decay_steps alone.")
    name = parameter("name", "The name, as it was given.")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        initial = number_of("initial_learning_rate", initial_learning_rate)
        dtype = dtype_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("decay_steps", decay_steps, positive=True)
        rate = number_of("decay_rate", decay_rate)
        stairs = flag_of("staircase", staircase)
        check_name(name)
        if not abs(initial) <= LARGEST:
            raise ValueError(
                "Argument `initial_learning_rate` must be at most 2**1000 (1e301) in size. "
                f"Received: initial_learning_rate={initial_learning_rate}"
            )
        if rate < 0.0 and not stairs:
            raise ValueError(
                f"Argument `decay_rate` must be >= 0 without `staircase`. Received: decay_rate={decay_rate}"
            )
        config = {
            "initial_learning_rate": initial_learning_rate,
            "decay_steps": decay_steps,
            "decay_rate": decay_rate,
            "staircase": staircase,
            "name": name,
        }
        single = self._take(config, (initial, length, rate, stairs, name), dtype)
        self._fold_exponential_decay(initial, length, rate, stairs, single)

    _set = __init__


class PolynomialDecay(Formula):
    """Keras's PolynomialDecay: from the initial to the end rate as a power of what is left of the decay.

    With s the step, in optimizer steps::

        (initial_learning_rate - end_learning_rate) * (1 - min(s, decay_steps) / decay_steps) ** power
            + end_learning_rate

    and with `cycle` the decay gets longer by decay_steps whenever s has come to its end, so that the rate leaps up::

        (initial_learning_rate - end_learning_rate) * (1 - s / (decay_steps * m)) ** power + end_learning_rate
        m = max(1, ceil(s / decay_steps))

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32 the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The length of the decay in steps; > 0. Whole numbers are exact up to 2**63 - 1.
    end_learning_rate : float
        The rate at its end and, without `cycle`, past it. It may be the larger one.
    power : float
        The power, 0 or from 2**-64 to 2**64 in size. 1, a straight line, is by far the fastest. 0: the rate is
        initial_learning_rate throughout (0 ** 0 is 1). Below 0 the rate goes to infinity at the end, and stays there.
    cycle : bool
        Whether the decay starts again, from ever lower rates, where it ends.
    name : str
        Kept for Keras's configs; means nothing here.

    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Fractional and
    negative steps are steps: the curve goes on backwards, with or without cycles. NaN gives NaN; +inf and -inf give the
    limit.

    In float64 a rate is within 1 ULP of the exact value; before step 0, where a curve that rises crosses zero, within
    1 ULP of the larger end. The rates at step 0, at decay_steps and at every cycle's end are exact, up to the 2**98th.

    Raises
    ------
    ValueError
        A parameter that is not finite or out of its range; the rates and their difference are at most 2**1000 (1e301)
        in size.
    TypeError
        A parameter of another type.

    Examples
    --------
    >>> schedule = PolynomialDecay(0.5, decay_steps=1000, end_learning_rate=0.0, power=2.0)
    >>> schedule(0), schedule(500), schedule(1000), schedule(2000)
    (0.5, 0.125, 0.0, 0.0)
    >>> PolynomialDecay(0.5, 1000, 0.0, cycle=True).precompute(0, 2001, 500)
    array([0.5  , 0.25 , 0.   , 0.125, 0.   ])

    References
    ----------
    ``keras.optimizers.schedules.PolynomialDecay`` of Keras 3.
    """

    __slots__ = ()

    initial_learning_rate = parameter("initial_learning_rate", "The rate at step 0, as it was given.")
    decay_steps = parameter("decay_steps", "The length of the decay in steps, as it was given.")
    end_learning_rate = parameter("end_learning_rate", "The rate at the decay's end, as it was given.")
    power = parameter("power", "The power, as it was given.")
    cycle = parameter("cycle", "Whether the decay starts again where it ends.")
    name = parameter("name", "The name, as it was given.")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        initial = number_of("initial_learning_rate", initial_learning_rate)
        dtype = dtype_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("decay_steps", decay_steps, positive=True)
        end = number_of("end_learning_rate", end_learning_rate)
        exponent = number_of("power", power)
        cycles = flag_of("cycle", cycle)
        check_name(name)
        if not (abs(initial) <= LARGEST and abs(end) <= LARGEST and abs(initial - end) <= LARGEST):
            raise ValueError(
                "The rates and their difference must be at most 2**1000 (1e301) in size. Received: "
                f"initial_learning_rate={initial_learning_rate}, end_learning_rate={end_learning_rate}"
            )
        if exponent and not _LEAST_POWER <= abs(exponent) <= 1 / _LEAST_POWER:
            raise ValueError(f"Argument `power` must be 0, or from 2**-64 to 2**64 in size. Received: power={power}")
        config = {
            "initial_learning_rate": initial_learning_rate,
            "decay_steps": decay_steps,
            "end_learning_rate": end_learning_rate,
            "power": power,
            "cycle": cycle,
            "name": name,
        }
        single = self._take(config, (initial, length, end, exponent, cycles, name), dtype)
        self._fold_polynomial_decay(initial, length, end, exponent, cycles, single)

    _set = __init__


class InverseTimeDecay(Formula):
    """Keras's InverseTimeDecay: the rate falls as 1 / time.

    With s the step, in optimizer steps, and p = s / decay_steps, or p = floor(s / decay_steps) with `staircase`::

        initial_learning_rate / (1 + decay_rate * p)

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32 the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        How many steps it takes p to grow by 1; > 0. Whole numbers are exact up to 2**63 - 1.
    decay_rate : float
        What the divisor grows by as p grows by 1; any finite number. Below 0 the rate rises to a pole.
    staircase : bool
        Whether the rate falls once every decay_steps, at their multiples, and not with every step.
    name : str
        Kept for Keras's configs; means nothing here.

    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Fractional and
    negative steps are steps. NaN gives NaN; +inf and -inf give 0, or initial_learning_rate where decay_rate is 0.

    At the pole, where ``1 + decay_rate * p`` is 0, the rate is infinite, with the sign of initial_learning_rate (NaN
    where that is 0). It is at a negative step, or with a negative decay_rate at a positive one; beyond it the rate has
    the other sign.

    In float64 a rate is within 2 ULP of the exact value, also next to the pole.
    (With `staircase` and a pole beyond p = 2**100 the divisor has an error of 2**-100 there.)

    Raises
    ------
    ValueError
        A parameter that is not finite or out of its range; initial_learning_rate is at most 2**1000 (1e301) in size.
    TypeError
        A parameter of another type.

    Examples
    --------
    >>> schedule = InverseTimeDecay(0.1, decay_steps=1000, decay_rate=0.5)
    >>> schedule(0), schedule(1000), schedule(2000), schedule(-2000)
    (0.1, 0.06666666666666667, 0.05, inf)
    >>> InverseTimeDecay(0.1, 1000, 0.5, staircase=True).precompute(0, 3001, 750)
    array([0.1       , 0.1       , 0.06666667, 0.05      , 0.04      ])

    References
    ----------
    ``keras.optimizers.schedules.InverseTimeDecay`` of Keras 3.
    """

    __slots__ = ()

    initial_learning_rate = parameter("initial_learning_rate", "The rate at step 0, as it was given.")
    decay_steps = parameter("decay_steps", "How many steps it takes p to grow by 1, as it was given.")
    decay_rate = parameter("decay_rate", "What the divisor grows by as p grows by 1, as it was given.")
    staircase = parameter("staircase", "Whether the rate falls at multiples of decay_steps alone.")
    name = parameter("name", "The name, as it was given.")

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        initial = number_of("initial_learning_rate", initial_learning_rate)
        dtype = dtype_of("initial_learning_rate", initial_learning_rate)
        length = steps_of("decay_steps", decay_steps, positive=True)
        rate = number_of("decay_rate", decay_rate)
        stairs = flag_of("staircase", staircase)
        check_name(name)
        if not abs(initial) <= LARGEST:
            raise ValueError(
                "Argument `initial_learning_rate` must be at most 2**1000 (1e301) in size. "
                f"Received: initial_learning_rate={initial_learning_rate}"
            )
        config = {
            "initial_learning_rate": initial_learning_rate,
            "decay_steps": decay_steps,
            "decay_rate": decay_rate,
            "staircase": staircase,
            "name": name,
        }
        single = self._take(config, (initial, length, rate, stairs, name), dtype)
        self._fold_inverse_time_decay(initial, length, rate, stairs, single)

    _set = __init__


class PiecewiseConstantDecay(Formula):
    """Keras's PiecewiseConstantDecay: one rate up to each boundary, and one beyond.

    With s the step, in optimizer steps::

        s <= boundaries[0]:                      values[0]
        boundaries[i - 1] < s <= boundaries[i]:  values[i]
        boundaries[-1] < s:                      values[-1]

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    boundaries : list, tuple, range or one-dimensional array of int or float
        The last step of each value but the last, rising strictly; any number of them. Integers are exact within int64,
        and are compared exactly with every step; none is rounded to the steps' type. Empty: the one value holds always.
    values : list, tuple, or one-dimensional array of float
        The rates, one more than boundaries. If all are NumPy float32 the results are float32, as with
        ``dtype=numpy.float32``.
    name : str
        Kept for Keras's configs; means nothing here.

    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. NaN gives NaN, +inf
    the last value and -inf the first.

    Raises
    ------
    ValueError
        Not one more value than boundaries; boundaries that do not rise or an integer beyond int64; a number that is not
        finite; an array that is not of one dimension.
    TypeError
        `boundaries` or `values` that are no such sequence, or an element that is no number.

    Examples
    --------
    >>> schedule = PiecewiseConstantDecay([100_000, 110_000], [1.0, 0.5, 0.1])
    >>> schedule(100_000), schedule(100_001), schedule(10**18)
    (1.0, 0.5, 0.1)
    >>> schedule.precompute(99_999, 110_002, 5_001)
    array([1. , 0.5, 0.1])

    References
    ----------
    ``keras.optimizers.schedules.PiecewiseConstantDecay`` of Keras 3.
    """

    __slots__ = ()

    name = parameter("name", "The name, as it was given.")

    def __init__(
        self,
        boundaries: Sequence[float] | np.ndarray[Any, Any],
        values: Sequence[float] | np.ndarray[Any, Any],
        name: str = "PiecewiseConstant",
    ) -> None:
        ends, given = _items("boundaries", boundaries), _items("values", values)
        if len(ends) != len(given) - 1:
            raise ValueError(
                "The length of boundaries should be 1 less than the length of "
                f"values. Received: boundaries={shown(boundaries)} of length "
                f"{len(ends)}, and values={shown(values)} of length {len(given)}."
            )
        exact = tuple(_boundary(end) for end in ends)
        for before, after in itertools.pairwise(exact):
            if not before < after:
                raise ValueError(f"Argument `boundaries` must rise strictly. Received: {before}, then {after}")
        rates = tuple(number_of("values", value) for value in given)
        dtypes = {dtype_of("values", value) for value in given}
        check_name(name)
        config = {
            "boundaries": exact,
            "values": tuple(value if isinstance(value, np.float32) else _python_number(value) for value in given),
            "name": name,
        }
        single = self._take(config, (exact, rates, name), dtypes.pop() if len(dtypes) == 1 else np.dtype(np.float64))
        self._fold_piecewise_constant(exact, rates, single)

    _set = __init__

    @property
    def boundaries(self) -> list[float]:
        """The last step of each value but the last, as Python numbers."""
        return list(self._config["boundaries"])

    @property
    def values(self) -> list[float]:
        """The rates, as Python numbers, but for NumPy float32."""
        return list(self._config["values"])

    def get_config(self) -> dict[str, Any]:
        """The parameters, by Keras's keys; lists of Python numbers, but for NumPy float32.

        >>> PiecewiseConstantDecay((10, 20.5), np.array([1, 0.5, 0.1])).get_config()
        {'boundaries': [10, 20.5], 'values': [1.0, 0.5, 0.1], 'name': 'PiecewiseConstant'}
        """
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


def _items(name: str, given: Any) -> list[Any]:
    """The numbers of a parameter that is a sequence."""
    if isinstance(given, np.ndarray):
        if given.ndim != 1:
            raise ValueError(f"Argument `{name}` must have one dimension. Received: an array of shape {given.shape}")
    elif not isinstance(given, Sequence) or isinstance(given, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"Argument `{name}` must be a list, a tuple or an array of numbers. {received(name, given)}")
    return list(given)


def _python_number(value: Any) -> int | float:
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _boundary(value: Any) -> int | float:
    number_of("boundaries", value)
    boundary = _python_number(value)
    if isinstance(boundary, int) and not -(2**63) <= boundary < 2**63:
        raise ValueError(f"Argument `boundaries` must lie within int64 where it is whole. Received: {shown(value)}")
    return boundary
