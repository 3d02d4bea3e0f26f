"""CosineDecay: an optional linear warmup, then a cosine."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, SupportsIndex

import numpy as np

from . import _sums
from ._base import LARGEST, Formula, floor_of, number_of, range_of_steps, rate_of, steps_of, warn_ignored


class CosineDecay(Formula):
    """Keras's CosineDecay: an optional linear warmup, then a cosine from the peak down to the floor.

    With s the step, in optimizer steps, and t = s - warmup_steps (t = s without a warmup), the rate is::

        s < warmup_steps:  initial_learning_rate + (warmup_target - initial_learning_rate) * s / warmup_steps
        else:              peak * ((1 - alpha) * (1 + cos(pi * min(t, decay_steps) / decay_steps)) / 2 + alpha)

    With `end_learning_rate` the decay ends at exactly that rate::

        else:              end + (peak - end) * (1 + cos(pi * min(t, decay_steps) / decay_steps)) / 2

    Parameters
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32, the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The length of the decay in steps, without the warmup; > 0. Integers are exact up to 2**63 - 1.
    alpha : float, default 0.0
        The floor as a fraction of the peak: the decay ends at ``peak * alpha``.
    name : str, default "CosineDecay"
        Kept for Keras's configs; it has no effect.
    warmup_target : float, optional
        The peak, at which the warmup ends. None: there is no warmup, and the peak is `initial_learning_rate`. With
        ``warmup_steps=0`` the decay begins at this rate, with a UserWarning.
    warmup_steps : int or float, default 0
        The length of the warmup in steps; >= 0. Ignored without `warmup_target`, with a UserWarning.
    end_learning_rate : float, optional
        The rate at the end of the decay and after it, in place of ``peak * alpha``: of any sign, above the peak too.
        Keras has no such parameter; a config has it only if it is given.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or `alpha` and `end_learning_rate` are both given.
    TypeError
        If a parameter is no number.

    Notes
    -----
    A schedule is called as ``schedule(step, *, out=None, dtype=None, num_threads=None)``, which
    ``help(CosineDecay.__call__)`` describes. Steps may be fractional and negative: the warmup line goes on below step
    0; without a warmup the cosine is even. NaN gives NaN, +inf the floor. Learning rates have no unit.

    A memory-mapped array of steps is read where it lies; its rates are an array in memory, unless `out` is a mapped
    one. Steps of pandas, polars, xarray, Dask, PyTorch and JAX give rates of the same type, without one for nulls.
    Iterators are refused: make a list of them, or an array with ``numpy.fromiter``.

    A step has one result, to the last bit, whatever the call, the machine, the instruction set and the number of
    threads. In float64 it is within 2 ULP of the exact value; where a warmup line crosses zero, within 2 ULP of its
    larger end; where a decay does, 2**-98 of the larger end may be added. With `end_learning_rate` a rate below 1e-300
    is within 3 ULP.

    A schedule is immutable, hashable and picklable, and many threads may call it at once.

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983;
    ``keras.optimizers.schedules.CosineDecay`` of Keras 3.

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
    """

    __slots__ = ()
    _name = "cosine_decay"

    def __init__(
        self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: float = 0, *, end_learning_rate: float | None = None,
    ) -> None:  # fmt: skip
        self._init(initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps, end_learning_rate)
        warn_ignored(warmup_target, warmup_steps)

    def _init(
        self, initial_learning_rate: float, decay_steps: float, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: float = 0, end_learning_rate: float | None = None,
    ) -> None:  # fmt: skip
        """As `__init__`, without a warning: of copies nobody is warned."""
        start, dtype = rate_of("initial_learning_rate", initial_learning_rate)
        decay = steps_of("decay_steps", decay_steps, positive=True)
        fraction, absolute = floor_of(alpha, end_learning_rate)
        warmup = steps_of("warmup_steps", warmup_steps, positive=False)
        peak = start if warmup_target is None else number_of("warmup_target", warmup_target)
        warms = warmup_target is not None and warmup > 0
        rise = peak - start if warms else 0.0
        if not (  # written out, as a loop takes longer
            abs(start) <= LARGEST and abs(peak) <= LARGEST and abs(fraction if absolute else peak * fraction) <= LARGEST
            and abs(peak - fraction if absolute else peak * (1.0 - fraction)) <= LARGEST and abs(rise) <= LARGEST
            and (not rise or abs(rise / warmup) <= LARGEST)
        ):  # fmt: skip
            raise ValueError(
                "The rates, their products with `alpha` and `1 - alpha`, and the warmup's slope must be at most "
                f"2**1000 (1e301) in size. Received: initial_learning_rate={initial_learning_rate}, alpha={alpha}, "
                f"warmup_target={warmup_target}, warmup_steps={warmup_steps}"
                + (f", end_learning_rate={end_learning_rate}" if absolute else "")
            )
        numbers, counts = (peak, fraction, start if warms else peak, absolute), (decay, warmup if warms else 0)
        given = (initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps, end_learning_rate)
        self._take(given, dtype, numbers, counts, name, start, warmup, warmup_target is None)

    @property
    def _end(self) -> int:
        _, counts, *_ = self._key
        return math.ceil(sum(map(Fraction, counts)))  # a sum of floats could be rounded to an earlier step

    @property
    def _exact(self) -> _sums.Parameters:
        numbers, counts, *_ = self._key
        return _sums.Parameters(*numbers, *counts)

    def sum(self, start: SupportsIndex, stop: SupportsIndex | None = None, step: SupportsIndex = 1) -> float:
        """Return the sum of the learning rates of a range of steps.

        It takes some tens of microseconds, however many steps there are.

        Parameters
        ----------
        start, stop, step : int
            The steps ``range(start, stop, step)``; ``sum(n)`` is for ``range(n)``. They must lie within int64.

        Returns
        -------
        float
            The sum of the exact rates, correctly rounded, also if the schedule's own rates are float32. Infinity if it
            is beyond all floats, 0.0 for no steps.

        Raises
        ------
        TypeError, ValueError
            As range() raises them.
        OverflowError
            If a step is beyond int64.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.sum(100), schedule.sum(100, 1000), schedule.sum(10**12)
        (0.0495, 0.4505, 0.5)
        >>> schedule.sum(999, 1000) == schedule(999)
        True
        """
        return _sums.exact_sum(self._exact, range_of_steps("sum", start, stop, step))

    def cumulative(
        self, steps: Any, *, out: np.ndarray[Any, Any] | None = None, dtype: Any = None,
        num_threads: SupportsIndex | None = None,
    ) -> Any:  # fmt: skip
        """Return the sum of the learning rates of the steps 0 .. s-1, for each s of an array.

        It does not go through these steps.

        Parameters
        ----------
        steps : int or array_like of int
            As in a call, but no floats. For s < 0 it is the sum of the steps s .. -1, negated; without a warmup each of
            these takes some tens of microseconds.
        out, dtype, num_threads : optional
            As in a call.

        Returns
        -------
        float or numpy.ndarray
            The sums, as a call returns rates; infinity beyond all floats. If no rate is negative, they are within 1e-14
            of the sums of the exact rates (typically 2e-16), or within 5e-324 for each step, where rates are
            subnormal; and they never fall from one s to the next.

        Raises
        ------
        TypeError, ValueError, OverflowError
            As a call raises them; TypeError also for floats.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.cumulative([0, 1, 2, 100, 550, 1000, 10**12])
        array([0.00000000e+00, 0.00000000e+00, 1.00000000e-05, 4.95000000e-02,
               4.17989303e-01, 5.00000000e-01, 5.00000000e-01])
        """
        return _sums.cumulative(self._exact, self._dtype, steps, out, dtype, num_threads)

    def step_at(self, learning_rate: Any) -> Any:
        """Return the first step after the warmup whose rate is at or below a learning rate.

        Parameters
        ----------
        learning_rate : float or array_like of float
            The learning rate, taken as float64. NaN is never reached.

        Returns
        -------
        int or None, or numpy.ndarray of int64
            For one number the step, or None if the rate is never so low; for an array the steps, -1 for never. It is
            the first of all steps s >= warmup_steps whose ``schedule(s)``, in float64, is ``<= learning_rate``. If the
            floor is subnormal, and not 0, a rate before it may be a unit, 5e-324, lower than it, and be overlooked.

        Raises
        ------
        TypeError
            If `learning_rate` is neither a number nor an array of numbers.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, alpha=0.1, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.step_at(5e-4), schedule.step_at(0.0)
        (582, None)
        >>> schedule.step_at([1e-3, 1e-4, 9e-5])
        array([ 100, 1000,   -1])
        """
        return _sums.step_at(self._exact, self, learning_rate)

    def step_at_sum(self, total: Any) -> Any:
        """Return the first step at which the sum of all rates before it reaches a total.

        Parameters
        ----------
        total : float or array_like of float
            The total, taken as float64. NaN is never reached; 0 and less is reached at step 0.

        Returns
        -------
        int or None, or numpy.ndarray of int64
            For one number the step, or None if the sum never gets so high; for an array the steps, -1 for never. It is
            the first s >= 0 whose ``cumulative(s)``, in float64, is ``>= total``.

        Raises
        ------
        TypeError
            If `total` is neither a number nor an array of numbers.

        Examples
        --------
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.step_at_sum(0.25), schedule.step_at_sum(0.6)
        (310, None)
        >>> bool(schedule.cumulative(309) < 0.25 <= schedule.cumulative(310))
        True
        """
        return _sums.step_at_sum(self._exact, self, total)
