"""DeepSpeed's schedules, by their own names and parameters; DeepSpeed is not needed.

A step is ``last_batch_iteration``, which the first ``step()`` of the original sets to 0; step -1 is the rate before it.
As DeepSpeed calls ``step()`` after each update, update n of a run, counted from 0, has the rate of step n - 1;
``JoinedSchedule([schedule], [], offsets=[1])`` counts updates. Compared with DeepSpeed 0.19.8. Momentum, where the
original cycles it, is left out.

A DeepSpeed config names a schedule and its parameters:

>>> from cosine_fast.dialects import deepspeed
>>> config = {"type": "WarmupLR", "params": {"warmup_num_steps": 100, "warmup_type": "linear"}}
>>> schedule = getattr(deepspeed, config["type"])(1e-3, **config["params"])
>>> schedule([-1, 0, 50, 100, 1000])
array([0.    , 0.    , 0.0005, 0.001 , 0.001 ])
"""

from __future__ import annotations

from collections.abc import Iterator

from ..schedules import (
    ConstantSchedule,
    CosineDecay,
    InverseTimeDecay,
    JoinedSchedule,
    LogarithmicWarmup,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from ..schedules._base import Formula
from ..schedules._checks import choice_of, number_of, steps_of
from ..schedules._joined import whole_length
from ._parts import one_of, without

__all__ = ["LRRangeTest", "OneCycle", "WarmupCosineLR", "WarmupDecayLR", "WarmupLR"]

_rates_only = without(
    "a schedule has no momentum and no state",
    "cycle_momentum", "cycle_min_mom", "cycle_max_mom", "decay_mom_rate", "last_batch_iteration",
)  # fmt: skip


@_rates_only
def LRRangeTest(
    lr_range_test_min_lr: float = 1e-3, lr_range_test_step_size: int = 2000, lr_range_test_step_rate: float = 1.0,
    lr_range_test_staircase: bool = False,
) -> Formula:  # fmt: skip
    """Return a line that rises for ever.

    Parameters
    ----------
    lr_range_test_min_lr : float, default 1e-3
        The rate at step -1.
    lr_range_test_step_size : int, default 2000
        The number of steps in which the rate rises by `lr_range_test_step_rate` times its first value; > 0.
    lr_range_test_step_rate : float, default 1.0
        How much it rises, as a multiple of the first value.
    lr_range_test_staircase : bool, default False
        False: there is no schedule with stairs without end.

    Returns
    -------
    schedule
        The schedule. After 2**32 times `lr_range_test_step_size` steps it rises no more.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable, or has no exact equivalent.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> LRRangeTest(1e-3, lr_range_test_step_size=100)([-1, 49, 99, 899])
    array([0.001 , 0.0015, 0.002 , 0.01  ])
    """
    first = number_of("lr_range_test_min_lr", lr_range_test_min_lr)
    rate = number_of("lr_range_test_step_rate", lr_range_test_step_rate)
    length = whole_length("lr_range_test_step_size", lr_range_test_step_size, positive=True)
    one_of("lr_range_test_staircase", lr_range_test_staircase, False, "there is no schedule with stairs without end")
    times = min(2**32, max(1, 2**62 // length))
    return JoinedSchedule([PolynomialDecay(first, length * times, first + first * rate * times)], [], offsets=[-1])


@_rates_only
def OneCycle(
    cycle_min_lr: float, cycle_max_lr: float, decay_lr_rate: float = 0.0, cycle_first_step_size: int = 2000,
    cycle_second_step_size: int | None = None, cycle_first_stair_count: int = 0,
    cycle_second_stair_count: int | None = None, decay_step_size: float = 0,
) -> Formula:  # fmt: skip
    """Return a line up and a line down, or stairs, and then a decay as 1 / time.

    Parameters
    ----------
    cycle_min_lr, cycle_max_lr : float
        The rates at which the cycle begins and ends, and between the lines.
    decay_lr_rate : float, default 0.0
        How much the divisor grows in `decay_step_size` steps after the cycle.
    cycle_first_step_size : int, default 2000
        The length of the first line in steps; > 0.
    cycle_second_step_size : int, optional
        The length of the second line in steps. By default that of the first.
    cycle_first_stair_count : int, default 0
        The number of stairs instead of the first line; 0 is the line.
    cycle_second_stair_count : int, optional
        The number of stairs instead of the second line. By default that of the first.
    decay_step_size : float, default 0
        The number of steps in which the divisor grows by `decay_lr_rate`; 0: the rate stays.

    Returns
    -------
    schedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> schedule = OneCycle(1e-4, 1e-3, cycle_first_step_size=10, decay_lr_rate=0.5, decay_step_size=10)
    >>> schedule([-1, 4, 9, 14, 19, 39])
    array([1.0e-04, 5.5e-04, 1.0e-03, 5.5e-04, 1.0e-04, 5.0e-05])
    """
    low, high = number_of("cycle_min_lr", cycle_min_lr), number_of("cycle_max_lr", cycle_max_lr)
    rise = whole_length("cycle_first_step_size", cycle_first_step_size, positive=True)
    fall = rise if cycle_second_step_size is None else whole_length("cycle_second_step_size", cycle_second_step_size)
    up = whole_length("cycle_first_stair_count", cycle_first_stair_count)
    down = (
        up if cycle_second_stair_count is None else whole_length("cycle_second_stair_count", cycle_second_stair_count)
    )
    decay = steps_of("decay_step_size", decay_step_size, positive=False)
    rate = number_of("decay_lr_rate", decay_lr_rate)
    # All parts count updates: one more than the step.
    first: Formula = PolynomialDecay(low, rise, high)
    second: Formula = PolynomialDecay(high, fall or 1, low)
    if up:
        begins, values = zip(*_stairs(low, high, rise, up), strict=True)
        first = PiecewiseConstantDecay([begin - 1 for begin in begins[1:]], values)
    if down and fall:  # those of a rise, backwards
        begins, values = zip(*reversed([*_stairs(low, high, fall, down)]), strict=True)
        second = PiecewiseConstantDecay([fall - begin for begin in begins[:-1]], values)
    last = InverseTimeDecay(low, decay, rate) if decay else ConstantSchedule(low)
    parts, ends = ([first, second, last], [rise, rise + fall]) if fall else ([first, last], [rise])
    return JoinedSchedule(parts, [end - 1 for end in ends], offsets=[-1, *(end - 1 for end in ends)])


def _stairs(low: float, high: float, length: int, count: int) -> Iterator[tuple[int, float]]:
    """Yield the first step of each stair, and its rate."""
    begin = 0
    while begin <= length:
        stair = begin * count // length
        yield begin, low + (high - low) * (stair / count)
        begin = -(-(stair + 1) * length // count)


@_rates_only
def WarmupLR(
    learning_rate: float, warmup_min_lr: float = 0.0, warmup_max_lr: float | None = None,
    warmup_num_steps: int = 1000, warmup_type: str = "log",
) -> Formula:  # fmt: skip
    """Return a warmup, and then one rate.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group, which counts where `warmup_max_lr` is None.
    warmup_min_lr : float, default 0.0
        The first rate.
    warmup_max_lr : float, optional
        The rate after the warmup. By default `learning_rate`.
    warmup_num_steps : int, default 1000
        The length of the warmup in steps; > 0, where 1 counts as 2.
    warmup_type : {"log", "linear"}, default "log"
        The shape of the warmup. (DeepSpeed treats any other value as "log".)

    Returns
    -------
    schedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> WarmupLR(1e-3, warmup_num_steps=100, warmup_type="linear")([-1, 0, 50, 100])
    array([0.    , 0.    , 0.0005, 0.001 ])
    """
    top = _top(learning_rate, warmup_max_lr)
    low, warmup = number_of("warmup_min_lr", warmup_min_lr), _warmup_steps(warmup_num_steps)
    return _warmed(low, top, warmup, warmup_type, ConstantSchedule(top), 0, low)


@_rates_only
def WarmupDecayLR(
    learning_rate: float, total_num_steps: int, warmup_min_lr: float = 0.0, warmup_max_lr: float | None = 0.001,
    warmup_num_steps: int = 1000, warmup_type: str = "log",
) -> Formula:  # fmt: skip
    """Return a warmup, and then a line down to the first rate.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group, which counts where `warmup_max_lr` is None.
    total_num_steps : int
        The step at which the line ends.
    warmup_min_lr : float, default 0.0
        The first and the last rate.
    warmup_max_lr : float, optional
        The rate after the warmup. None: `learning_rate`.
    warmup_num_steps : int, default 1000
        The length of the warmup in steps; > 0, where 1 counts as 2.
    warmup_type : {"log", "linear"}, default "log"
        The shape of the warmup. (DeepSpeed treats any other value as "log".)

    Returns
    -------
    schedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> WarmupDecayLR(1e-3, 1100, warmup_num_steps=100, warmup_type="linear")([0, 50, 100, 600, 1100])
    array([0.    , 0.0005, 0.001 , 0.0005, 0.    ])
    """
    top = _top(learning_rate, warmup_max_lr)
    low, warmup = number_of("warmup_min_lr", warmup_min_lr), _warmup_steps(warmup_num_steps)
    length = whole_length("total_num_steps", total_num_steps) - warmup
    after = PolynomialDecay(top, length, low) if length > 0 else ConstantSchedule(low)
    return _warmed(low, top, warmup, warmup_type, after, warmup, low)


@_rates_only
def WarmupCosineLR(
    learning_rate: float, total_num_steps: int, warmup_min_ratio: float = 0.0, warmup_num_steps: int = 1000,
    cos_min_ratio: float = 0.0001, warmup_type: str = "log",
) -> Formula:  # fmt: skip
    """Return a warmup, and then a cosine that begins at its step 1, as in DeepSpeed.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    total_num_steps : int
        The step after that at which the cosine ends.
    warmup_min_ratio : float, default 0.0
        The rate at step 0 as a fraction of `learning_rate`; at step -1 it is 0.
    warmup_num_steps : int, default 1000
        The length of the warmup in steps; > 0, where 1 counts as 2.
    cos_min_ratio : float, default 0.0001
        The rate at the end of the cosine, and past it, as a fraction of `learning_rate`; >= 0.
    warmup_type : {"log", "linear"}, default "log"
        The shape of the warmup. (DeepSpeed treats any other value as "log".)

    Returns
    -------
    schedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> WarmupCosineLR(1e-3, 1100, warmup_num_steps=100, warmup_type="linear")([0, 50, 99, 1099, 1100])
    array([0.0e+00, 5.0e-04, 9.9e-04, 1.0e-07, 1.0e-07])
    """
    peak, first = number_of("learning_rate", learning_rate), number_of("warmup_min_ratio", warmup_min_ratio)
    warmup, last = _warmup_steps(warmup_num_steps), number_of("cos_min_ratio", cos_min_ratio)
    if last < 0.0:
        raise ValueError(f"Argument `cos_min_ratio` must be >= 0. Received: cos_min_ratio={cos_min_ratio}")
    length = max(1, whole_length("total_num_steps", total_num_steps) - warmup)
    after = CosineDecay(peak, length, end_learning_rate=peak * last)
    return _warmed(peak * first, peak, warmup, warmup_type, after, warmup - 1, 0.0)


def _top(learning_rate: float, warmup_max_lr: float | None) -> float:
    rate = number_of("learning_rate", learning_rate)
    return rate if warmup_max_lr is None else number_of("warmup_max_lr", warmup_max_lr)


def _warmup_steps(given: int) -> int:
    return max(2, whole_length("warmup_num_steps", given, positive=True))


def _warmed(
    low: float, top: float, steps: int, warmup_type: str, after: Formula, offset: int, before: float
) -> Formula:  # fmt: skip
    """Return a rate before step 0, the warmup, and a schedule that is called with ``step - offset``."""
    if choice_of("warmup_type", warmup_type, ("log", "linear")) == "log":
        rise: Formula = LogarithmicWarmup(top, steps, low)
    else:
        rise = PolynomialDecay(low, steps, top)
    return JoinedSchedule([ConstantSchedule(before), rise, after], [0, steps], offsets=[0, 0, offset])
