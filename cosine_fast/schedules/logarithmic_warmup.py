"""LogarithmicWarmup: DeepSpeed's warmup by the logarithm of the step."""

from __future__ import annotations

import math

from ._base import Formula
from ._checks import check_fall, number_of, rate_of, received, steps_of


class LogarithmicWarmup(Formula):
    """DeepSpeed's warmup: from the initial rate to the peak by the logarithm of the step, and then the peak.

    With s the step, in optimizer steps, the rate for 0 <= s <= warmup_steps - 1 is::

        initial_learning_rate + (peak_learning_rate - initial_learning_rate) * log(s + 1) / log(warmup_steps)

    Below step 0 it is `initial_learning_rate`, from step warmup_steps - 1 on `peak_learning_rate`.

    Parameters
    ----------
    peak_learning_rate : float
        The rate after the warmup; it may be the smaller one. If it is a NumPy float32, the results are float32.
    warmup_steps : int or float
        The length of the warmup in steps; >= 2. Integers are exact up to 2**63 - 1.
    initial_learning_rate : float, default 0.0
        The rate at step 0 and before.
    name : str, default "LogarithmicWarmup"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If a parameter is not finite or out of its range; the rates and their difference are at most 2**1000 (1e301) in
        size.
    TypeError
        If a parameter has another type.

    See Also
    --------
    with_warmup : A linear warmup before any schedule.
    join_schedules : Joins a warmup and what follows it.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. Keras has no such
    schedule. NaN gives NaN. `join_schedules` lets any schedule follow it.

    In float64 a rate is within 2 ULP of the exact value; between rates of different signs, in ULP of the larger one. A
    step below 2**-400 counts as 0, which is wrong by 2**-398 of the larger rate at most. The rates at step 0 and from
    warmup_steps - 1 on are exact, and over whole steps no rate turns back for warmup_steps up to 2**52.

    References
    ----------
    ``WarmupLR`` of DeepSpeed, with its default ``warmup_type="log"``; warmup_steps is its ``max(2,
    warmup_num_steps)``.

    Examples
    --------
    >>> schedule = LogarithmicWarmup(0.3, warmup_steps=1000)
    >>> schedule([-1, 0, 9, 99, 999, 1000])
    array([0. , 0. , 0.1, 0.2, 0.3, 0.3])
    >>> from cosine_fast import LinearDecay, join_schedules
    >>> join_schedules([LogarithmicWarmup(0.3, 100), LinearDecay(0.3, 900)], [100])([9, 99, 100, 550])
    array([0.15, 0.3 , 0.3 , 0.15])
    """

    __slots__ = ()
    _name = "logarithmic_warmup"
    _keras = False

    def __init__(
        self, peak_learning_rate: float, warmup_steps: float, initial_learning_rate: float = 0.0,
        name: str = "LogarithmicWarmup",
    ) -> None:  # fmt: skip
        peak, dtype = rate_of("peak_learning_rate", peak_learning_rate)
        length = steps_of("warmup_steps", warmup_steps, positive=True)
        initial = number_of("initial_learning_rate", initial_learning_rate)
        check_fall(initial_learning_rate=initial_learning_rate, peak_learning_rate=peak_learning_rate)
        if not length >= 2:
            raise ValueError(f"Argument `warmup_steps` must be >= 2. {received('warmup_steps', warmup_steps)}")
        given = (peak_learning_rate, warmup_steps, initial_learning_rate, name)
        self._take(given, dtype, (peak, initial), (length,), name)

    @property
    def _end(self) -> int:
        length: float = self._key[1][0]
        return math.ceil(length) - 1

    _warmup = _end
