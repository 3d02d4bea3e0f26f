"""CosineDecay: an optional linear warmup, then a cosine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from . import _sums
from ._base import Formula
from ._checks import INT64_MIN, LARGEST, floor_of, number_of, rate_of, steps_of, warn_ignored


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

    See Also
    --------
    cosine_decay : Many of these schedules in one call.
    CosineDecayRestarts : Cosine decays one after the other.
    CosineAnnealing : A cosine that goes on past its end.
    PowerCosineDecay : A cosine with two exponents.

    Notes
    -----
    A schedule is called as ``schedule(step, *, out=None, dtype=None, num_threads=None)``, which
    ``help(CosineDecay.__call__)`` describes. Steps may be fractional and negative: the warmup line goes on below step
    0; without a warmup the cosine goes on there, down and up. NaN gives NaN, +inf the floor. Learning rates have no
    unit.

    A memory-mapped array of steps is read where it lies; its rates are an array in memory, unless `out` is a mapped
    one. Steps of pandas, polars, xarray, Dask, PyTorch and JAX give rates of the same type; a null stays a null.
    Iterators are refused: make a list of them, or an array with ``numpy.fromiter``.

    A step has one result, to the last bit, whatever the call, the machine, the instruction set and the number of
    threads. In float64 it is within 2 ULP of the exact value; where a warmup line crosses zero, within 2 ULP of its
    larger end; where a decay does, 2**-98 of the larger end may be added, and next to a peak of 0, 2**-1000 of the end.
    With `end_learning_rate` a rate below 1e-300 is within 3 ULP.

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

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        yield _sums.exact_sum(self._exact, steps, power)

    def _sum_begin(self, step: int) -> int:
        return INT64_MIN

    def _cumulative_sum(self, dtype: np.dtype[Any], most: int | None = None) -> _sums.CosineSum:
        return _sums.cosine_sum(self._exact, dtype)

    @property
    def _warmup(self) -> int:
        return math.ceil(self._exact.warmup_steps)

    @property
    def _joints(self) -> tuple[int, ...]:
        return tuple(sorted({0, self._warmup, min(self._end + 1, 2**63), 2**63}))
