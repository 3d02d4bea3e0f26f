"""Composer's schedulers (MosaicML), by their own names and parameters; Composer is not needed.

A step is a batch. A time is a number of batches, as a whole number or as "100ba"; or a fraction of the run, such as
"0.1dur", where `max_duration`, which Composer's Trainer has, says how many batches that is. Other units are refused: it
is not known here how many epochs, samples or tokens a step has. Composer's schedulers are factors of the optimizer's
rate; here that rate is the first parameter. Compared with Composer 0.32.1, without its Trainer's
``scale_schedule_ratio``.

>>> schedule = CosineAnnealingWithWarmupScheduler(1e-3, "100ba", alpha_f=0.1, max_duration="1100ba")
>>> schedule([0, 50, 100, 600, 1100])
array([0.     , 0.0005 , 0.001  , 0.00055, 0.0001 ])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..schedules import (
    ConstantSchedule,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    PolynomialDecay,
)
from ..schedules._base import Formula
from ..schedules._checks import items_of, number_of
from ..schedules._joined import whole_length
from ..schedules.joined_schedule import join_schedules
from ._parts import one_of, power_of, stairs, warmed

__all__ = [
    "ConstantScheduler", "ConstantWithWarmupScheduler", "CosineAnnealingScheduler",
    "CosineAnnealingWarmRestartsScheduler", "CosineAnnealingWithWarmupScheduler", "ExponentialScheduler",
    "LinearScheduler", "LinearWithWarmupScheduler", "MultiStepScheduler", "MultiStepWithWarmupScheduler",
    "PolynomialScheduler", "PolynomialWithWarmupScheduler", "StepScheduler",
]  # fmt: skip

Time = int | str


def StepScheduler(
    learning_rate: float, step_size: Time, gamma: float = 0.1, *, max_duration: Time | None = None
) -> Formula:
    """Return a rate that is multiplied by a factor at regular intervals.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    step_size : int or str
        The time between two changes.
    gamma : float, default 0.1
        The factor.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> StepScheduler(1e-3, "30ba")([29, 30, 60])
    array([1.e-03, 1.e-04, 1.e-05])
    """
    length = _batches("step_size", step_size, max_duration, positive=True)
    return ExponentialDecay(_rate(learning_rate), length, number_of("gamma", gamma), staircase=True)


def MultiStepScheduler(
    learning_rate: float, milestones: Sequence[Time], gamma: float = 0.1, *, max_duration: Time | None = None
) -> Formula:
    """Return a rate that is multiplied by a factor at each milestone.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    milestones : sequence of int or str
        The times of the changes.
    gamma : float, default 0.1
        The factor.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> MultiStepScheduler(1e-3, ["30ba", "60ba"])([29, 30, 60])
    array([1.e-03, 1.e-04, 1.e-05])
    """
    times = items_of("milestones", milestones, "times")
    begins = [_batches("milestones", each, max_duration) for each in times]
    return stairs(_rate(learning_rate), number_of("gamma", gamma), begins)


def ConstantScheduler(
    learning_rate: float, alpha: float = 1.0, t_max: Time = "1dur", *, max_duration: Time | None = None
) -> Formula:
    """Return a multiple of the rate up to a time, and then the rate.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    alpha : float, default 1.0
        The factor.
    t_max : int or str, default "1dur"
        The time up to which it counts.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> ConstantScheduler(1e-3, 0.5, "10ba")([9, 10])
    array([0.0005, 0.001 ])
    """
    rate, end = _rate(learning_rate), _batches("t_max", t_max, max_duration)
    return join_schedules([ConstantSchedule(rate * number_of("alpha", alpha)), ConstantSchedule(rate)], [end])


def LinearScheduler(
    learning_rate: float, alpha_i: float = 1.0, alpha_f: float = 0.0, t_max: Time = "1dur", *,
    max_duration: Time | None = None,
) -> Formula:  # fmt: skip
    """Return a line.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    alpha_i, alpha_f : float, default 1.0 and 0.0
        The first and the last factor of the rate.
    t_max : int or str, default "1dur"
        The time at which the line ends; > 0.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> LinearScheduler(1e-3, max_duration=100)([0, 50, 100])
    array([0.001 , 0.0005, 0.    ])
    """
    rate, first, last = _rate(learning_rate), number_of("alpha_i", alpha_i), number_of("alpha_f", alpha_f)
    return PolynomialDecay(rate * first, _batches("t_max", t_max, max_duration, positive=True), rate * last)


def ExponentialScheduler(
    learning_rate: float, gamma: float, decay_period: Time = "1ep", *, max_duration: Time | None = None
) -> Formula:
    """Return a rate that falls by a factor over every interval of a fixed length.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    gamma : float
        The factor; >= 0.
    decay_period : int or str
        The time over which it falls so; Composer's default, "1ep", is refused.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> ExponentialScheduler(1e-3, 0.25, "100ba")([0, 50, 100])
    array([0.001  , 0.0005 , 0.00025])
    """
    factor = number_of("gamma", gamma)
    if factor < 0.0:
        raise ValueError(f"Argument `gamma` must be >= 0. Received: gamma={gamma}")
    return ExponentialDecay(
        _rate(learning_rate), _batches("decay_period", decay_period, max_duration, positive=True), factor
    )


def CosineAnnealingScheduler(
    learning_rate: float, t_max: Time = "1dur", alpha_f: float = 0.0, *, max_duration: Time | None = None
) -> Formula:
    """Return a cosine.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    t_max : int or str, default "1dur"
        The time at which it ends; > 0.
    alpha_f : float, default 0.0
        The last factor of the rate.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> CosineAnnealingScheduler(1e-3, alpha_f=0.1, max_duration=100)([0, 50, 100])
    array([0.001  , 0.00055, 0.0001 ])
    """
    length = _batches("t_max", t_max, max_duration, positive=True)
    return CosineDecay(_rate(learning_rate), length, number_of("alpha_f", alpha_f))


def CosineAnnealingWarmRestartsScheduler(
    learning_rate: float, t_0: Time, t_mult: float = 1.0, alpha_f: float = 0.0, *, max_duration: Time | None = None
) -> Formula:
    """Return cosines one after the other.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    t_0 : int or str
        The length of the first cosine; > 0.
    t_mult : float, default 1.0
        The length of each cosine as a multiple of the one before, rounded down to whole steps; >= 1.
    alpha_f : float, default 0.0
        The last factor of the rate in each cosine.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> CosineAnnealingWarmRestartsScheduler(1e-3, "10ba", t_mult=2.0)([0, 5, 10, 20, 30])
    array([0.001 , 0.0005, 0.001 , 0.0005, 0.001 ])
    """
    rate, factor, last = _rate(learning_rate), number_of("t_mult", t_mult), number_of("alpha_f", alpha_f)
    if not factor >= 1.0:
        raise ValueError(f"Argument `t_mult` must be >= 1: else the cosines end. Received: t_mult={t_mult}")
    lengths, begins = [_batches("t_0", t_0, max_duration, positive=True)], [0]
    while begins[-1] + lengths[-1] < 2**62 and int(factor * lengths[-1]) > lengths[-1]:
        begins.append(begins[-1] + lengths[-1])
        lengths.append(int(factor * lengths[-1]))
    # Rounded down, a length may stay: the last schedule goes on for ever.
    return join_schedules([CosineDecayRestarts(rate, length, 1.0, alpha=last) for length in lengths], begins[1:])


def PolynomialScheduler(
    learning_rate: float, power: float, t_max: Time = "1dur", alpha_f: float = 0.0, *, max_duration: Time | None = None
) -> Formula:
    """Return a rate that falls as a power of the fraction of the steps that remains.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    power : float
        The power; > 0.
    t_max : int or str, default "1dur"
        The time at which it ends; > 0.
    alpha_f : float, default 0.0
        The last factor of the rate.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> PolynomialScheduler(1e-3, 2.0, max_duration=100)([0, 50, 100])
    array([0.001  , 0.00025, 0.     ])
    """
    rate, end = _rate(learning_rate), _batches("t_max", t_max, max_duration, positive=True)
    return PolynomialDecay(rate, end, rate * number_of("alpha_f", alpha_f), power_of(power))


def MultiStepWithWarmupScheduler(
    learning_rate: float, t_warmup: Time, milestones: Sequence[Time], gamma: float = 0.1, scale_warmup: bool = False, *,
    max_duration: Time | None = None,
) -> Formula:  # fmt: skip
    """Return a linear warmup, and then a rate that has been multiplied by a factor at each milestone.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    t_warmup : int or str
        The length of the warmup.
    milestones : sequence of int or str
        The times of the changes, from step 0 on.
    gamma : float, default 0.1
        The factor.
    scale_warmup : bool, default False
        False: there is no ``scale_schedule_ratio``.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> MultiStepWithWarmupScheduler(1e-3, "10ba", ["30ba"])([0, 5, 10, 30])
    array([0.    , 0.0005, 0.001 , 0.0001])
    """
    _check_scale(scale_warmup)
    warmup = _batches("t_warmup", t_warmup, max_duration)
    after = MultiStepScheduler(learning_rate, milestones, gamma, max_duration=max_duration)
    return warmed(0.0, _rate(learning_rate), warmup, after, 0)


def ConstantWithWarmupScheduler(
    learning_rate: float, t_warmup: Time, alpha: float = 1.0, t_max: Time = "1dur", scale_warmup: bool = False, *,
    max_duration: Time | None = None,
) -> Formula:  # fmt: skip
    """Return a linear warmup, and then one rate.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    t_warmup : int or str
        The length of the warmup.
    alpha : float, default 1.0
        The factor of the rate, which goes on after `t_max`, as in Composer.
    t_max : int or str, default "1dur"
        It has no effect, but must not be below `max_duration`.
    scale_warmup : bool, default False
        False: there is no ``scale_schedule_ratio``.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> ConstantWithWarmupScheduler(1e-3, "0.1dur", max_duration=100)([0, 5, 10, 100])
    array([0.    , 0.0005, 0.001 , 0.001 ])
    """
    factor = number_of("alpha", alpha)
    return LinearWithWarmupScheduler(
        learning_rate, t_warmup, factor, factor, t_max, scale_warmup, max_duration=max_duration
    )


def LinearWithWarmupScheduler(
    learning_rate: float, t_warmup: Time, alpha_i: float = 1.0, alpha_f: float = 0.0, t_max: Time = "1dur",
    scale_warmup: bool = False, *, max_duration: Time | None = None,
) -> Formula:  # fmt: skip
    """Return a linear warmup, and then a line.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    t_warmup : int or str
        The length of the warmup.
    alpha_i, alpha_f : float, default 1.0 and 0.0
        The factors of the rate at the beginning and the end of the line.
    t_max : int or str, default "1dur"
        The time at which the line ends, from step 0 on; not below `max_duration`.
    scale_warmup : bool, default False
        False: there is no ``scale_schedule_ratio``.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> LinearWithWarmupScheduler(1e-3, "10ba", t_max="110ba")([0, 5, 10, 60, 110])
    array([0.    , 0.0005, 0.001 , 0.0005, 0.    ])
    """
    rate, first, last = _rate(learning_rate), number_of("alpha_i", alpha_i), number_of("alpha_f", alpha_f)
    return _with_warmup(
        rate * first, t_warmup, t_max, scale_warmup, max_duration,
        lambda length: PolynomialDecay(rate * first, length, rate * last),
    )  # fmt: skip


def CosineAnnealingWithWarmupScheduler(
    learning_rate: float, t_warmup: Time, t_max: Time = "1dur", alpha_f: float = 0.0, scale_warmup: bool = False, *,
    max_duration: Time | None = None,
) -> Formula:  # fmt: skip
    """Return a linear warmup, and then a cosine.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    t_warmup : int or str
        The length of the warmup.
    t_max : int or str, default "1dur"
        The time at which the cosine ends, from step 0 on; not below `max_duration`.
    alpha_f : float, default 0.0
        The last factor of the rate.
    scale_warmup : bool, default False
        False: there is no ``scale_schedule_ratio``.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> CosineAnnealingWithWarmupScheduler(1e-3, "10ba", "110ba", 0.1)([0, 5, 10, 60, 110])
    array([0.     , 0.0005 , 0.001  , 0.00055, 0.0001 ])
    """
    rate, last = _rate(learning_rate), number_of("alpha_f", alpha_f)
    return _with_warmup(
        rate, t_warmup, t_max, scale_warmup, max_duration, lambda length: CosineDecay(rate, length, last)
    )


def PolynomialWithWarmupScheduler(
    learning_rate: float, t_warmup: Time, power: float = 2.0, t_max: Time = "1dur", alpha_f: float = 0.0,
    scale_warmup: bool = False, *, max_duration: Time | None = None,
) -> Formula:  # fmt: skip
    """Return a linear warmup, and then a power of what remains.

    Parameters
    ----------
    learning_rate : float
        The optimizer's rate.
    t_warmup : int or str
        The length of the warmup.
    power : float, default 2.0
        The power; > 0.
    t_max : int or str, default "1dur"
        The time at which the decay ends, from step 0 on; not below `max_duration`.
    alpha_f : float, default 0.0
        The last factor of the rate.
    scale_warmup : bool, default False
        False: there is no ``scale_schedule_ratio``.
    max_duration : int or str, optional
        The length of the run, for times in "dur".

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> PolynomialWithWarmupScheduler(1e-3, "10ba", t_max="110ba")([0, 5, 10, 60, 110])
    array([0.     , 0.0005 , 0.001  , 0.00025, 0.     ])
    """
    rate, last, exponent = _rate(learning_rate), number_of("alpha_f", alpha_f), power_of(power)
    return _with_warmup(
        rate, t_warmup, t_max, scale_warmup, max_duration,
        lambda length: PolynomialDecay(rate, length, rate * last, exponent),
    )  # fmt: skip


def _with_warmup(
    peak: float, t_warmup: Time, t_max: Time, scale_warmup: bool, max_duration: Time | None,
    make: Callable[[int], Formula],
) -> Formula:  # fmt: skip
    """Return a linear warmup, and then what `make` makes of the number of steps that remain."""
    _check_scale(scale_warmup)
    warmup, end = _batches("t_warmup", t_warmup, max_duration), _batches("t_max", t_max, max_duration)
    if max_duration is not None and end < _batches("max_duration", max_duration):
        raise ValueError(
            "Argument `t_max` must not be below `max_duration`, as in Composer. "
            f"Received: t_max={t_max!r}, max_duration={max_duration!r}"
        )
    # At `t_max` or after it a warmup ends at the peak.
    return warmed(0.0, peak, warmup, make(end - warmup) if end > warmup else ConstantSchedule(peak), warmup)


def _batches(name: str, time: Any, max_duration: Any = None, *, positive: bool = False) -> int:
    """Return a time as a number of batches."""
    if isinstance(time, str):
        try:
            number, unit = float(time.removesuffix("ba").removesuffix("dur")), time[-2:]
            if unit not in ("ba", "ur"):
                raise ValueError
        except ValueError:
            raise ValueError(
                f'Argument `{name}` must be a number of batches, as 100 or "100ba", or a fraction of the run, as '
                f'"0.1dur": a step is a batch. Received: {name}={time!r}'
            ) from None
        time = number
        if unit == "ur":
            if max_duration is None:
                raise ValueError(f"Argument `max_duration` must be given. Received: {name}={number:g}dur")
            time = int(number * _batches("max_duration", max_duration))
    return whole_length(name, time, positive=positive)


def _rate(learning_rate: float) -> float:
    return number_of("learning_rate", learning_rate)


def _check_scale(scale_warmup: bool) -> None:
    one_of("scale_warmup", scale_warmup, False, "it has an effect only with a scale_schedule_ratio, which is not here")
