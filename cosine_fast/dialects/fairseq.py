"""fairseq's schedules, by the names of their classes and the parameters of their configs; fairseq is not needed.

A step is the number of updates so far. Compared with fairseq 0.12.2. `lr` is a number, or a list of one as in fairseq's
configs: lists of rates for the first epochs are refused, because no epoch is known here. "triangular" is refused,
because no schedule here repeats lines for ever; so are "manual", "pass_through" and "reduce_lr_on_plateau".

>>> schedule = InverseSquareRootSchedule(lr=[5e-4], warmup_updates=4000, warmup_init_lr=1e-7)
>>> schedule([0, 4000, 16000])
array([1.0e-07, 5.0e-04, 2.5e-04])
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ..schedules import (
    ConstantSchedule,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseSquareRootDecay,
    JoinedSchedule,
    PolynomialDecay,
    WarmupStableDecay,
)
from ..schedules._base import Formula
from ..schedules._checks import items_of, number_of, steps_of
from ..schedules._joined import whole_length
from ..schedules.joined_schedule import join_schedules
from ._parts import floored, one_of, power_of, refused, warmed

__all__ = [
    "CosineLRSchedule", "FixedLRSchedule", "InverseSquareRootSchedule", "PolynomialDecayLRSchedule", "StepLRSchedule",
    "TriStageLRSchedule",
]  # fmt: skip

TriangularLRSchedule = refused("TriangularLRSchedule", "there is no schedule with triangles without end")
ManualSchedule = refused("ManualSchedule", "there is no formula of the step")
PassThroughScheduleSchedule = refused("PassThroughScheduleSchedule", "there is no formula of the step")
ReduceLROnPlateauLRSchedule = refused("ReduceLROnPlateauLRSchedule", "there is no formula of the step")


def CosineLRSchedule(
    *, lr: float | Sequence[float], warmup_updates: int = 0, warmup_init_lr: float = -1, min_lr: float = 0.0,
    t_mult: float = 1.0, lr_period_updates: float = -1, lr_shrink: float = 0.1, max_update: int = 0,
) -> Formula:  # fmt: skip
    """Return fairseq's "cosine": cosines one after the other, after a linear warmup.

    Parameters
    ----------
    lr : float, or sequence of one
        The first rate of the first cosine.
    warmup_updates : int, default 0
        The length of the warmup in steps.
    warmup_init_lr : float, default -1
        The first rate of the warmup; below 0 it is `min_lr`.
    min_lr : float, default 0.0
        The last rate of the first cosine; below `lr`.
    t_mult : float, default 1.0
        The length of each cosine as a multiple of that of the one before; >= 1.
    lr_period_updates : float, default -1
        The length of the first cosine in steps. If it is not > 0: what `max_update` leaves after the warmup.
    lr_shrink : float, default 0.1
        Both ends of each cosine as a multiple of those of the one before. Where it is not 1 and `min_lr` not 0, cosines
        must begin at whole steps, and `max_update` is needed.
    max_update : int, default 0
        The length of the run. Where `lr_shrink` is not 1 and `min_lr` not 0, the rates stay after the cosine in which
        it lies.

    Returns
    -------
    schedule
        The schedule. Wherever a cosine begins it has its first rate; with a `t_mult` other than 1 fairseq rounds a
        logarithm, and has the last rate of the cosine before at some of these steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable, or has no exact equivalent.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> CosineLRSchedule(lr=1e-3, warmup_updates=10, lr_period_updates=100, lr_shrink=0.5)([0, 5, 10, 60, 110, 160])
    array([0.     , 0.0005 , 0.001  , 0.0005 , 0.0005 , 0.00025])
    """
    peak, floor, warmup = _rate(lr), number_of("min_lr", min_lr), whole_length("warmup_updates", warmup_updates)
    if not peak > floor:
        raise ValueError(f"Argument `min_lr` must be below `lr`. Received: min_lr={min_lr}, lr={lr}")
    first, shrink = number_of("warmup_init_lr", warmup_init_lr), number_of("lr_shrink", lr_shrink)
    lengthening, end = number_of("t_mult", t_mult), whole_length("max_update", max_update)
    if not lengthening >= 1.0:
        raise ValueError(f"Argument `t_mult` must be >= 1: else the cosines end. Received: t_mult={t_mult}")
    if number_of("lr_period_updates", lr_period_updates) > 0:
        length = steps_of("lr_period_updates", lr_period_updates, positive=True)
    elif end > warmup:
        length = end - warmup
    else:
        raise ValueError(
            "Argument `lr_period_updates` must be > 0, or `max_update` larger than `warmup_updates`. "
            f"Received: lr_period_updates={lr_period_updates}, max_update={max_update}, warmup_updates={warmup_updates}"
        )
    after: Formula
    if shrink == 1.0 or floor == 0.0:
        after = CosineDecayRestarts(peak, length, lengthening, shrink, end_learning_rate=floor)
    elif not end:
        raise ValueError(
            "Argument `max_update` must be given where `lr_shrink` is not 1 and `min_lr` not 0: each cosine is then a "
            f"schedule of its own. Received: lr_shrink={lr_shrink}, min_lr={min_lr}"
        )
    else:
        parts: list[Formula] = []
        begin, cycle = [0], Fraction(length)
        while begin[-1] <= end - warmup:
            if cycle.denominator != 1:
                raise ValueError(
                    "Arguments `t_mult` and `lr_period_updates` must let cosines begin at whole steps where "
                    "`lr_shrink` is not 1 and `min_lr` not 0. "
                    f"Received: t_mult={t_mult}, lr_period_updates={lr_period_updates}"
                )
            scale = shrink ** len(parts)
            parts.append(CosineDecay(peak * scale, int(cycle), end_learning_rate=floor * scale))
            begin.append(begin[-1] + int(cycle))
            cycle *= Fraction(lengthening)
        after = join_schedules(parts, begin[1:-1])
    return warmed(floor if first < 0.0 else first, peak, warmup, after, warmup)


def InverseSquareRootSchedule(
    *, lr: float | Sequence[float], warmup_updates: int = 4000, warmup_init_lr: float = -1
) -> Formula:
    """Return fairseq's "inverse_sqrt": one over the square root of the step, after a linear warmup.

    Parameters
    ----------
    lr : float, or sequence of one
        The rate after the warmup.
    warmup_updates : int, default 4000
        The length of the warmup in steps; > 0, as fairseq divides by it.
    warmup_init_lr : float, default -1
        The first rate of the warmup; below 0 it is 0.

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
    >>> InverseSquareRootSchedule(lr=1e-3, warmup_updates=100)([0, 50, 100, 400])
    array([0.    , 0.0005, 0.001 , 0.0005])
    """
    peak, warmup = _rate(lr), whole_length("warmup_updates", warmup_updates, positive=True)
    first = max(0.0, number_of("warmup_init_lr", warmup_init_lr))
    return warmed(first, peak, warmup, InverseSquareRootDecay(peak, warmup), 0)


def PolynomialDecayLRSchedule(
    *, lr: float | Sequence[float], warmup_updates: int = 0, force_anneal: None = None, end_learning_rate: float = 0.0,
    power: float = 1.0, total_num_update: int,
) -> Formula:  # fmt: skip
    """Return fairseq's "polynomial_decay": a power of what remains, after a linear warmup.

    Parameters
    ----------
    lr : float, or sequence of one
        The rate after the warmup.
    warmup_updates : int, default 0
        The length of the warmup in steps.
    force_anneal : None
        An epoch is not known here.
    end_learning_rate : float, default 0.0
        The rate at the end, and past it.
    power : float, default 1.0
        The power; > 0.
    total_num_update : int
        The step at which the decay ends; > 0.

    Returns
    -------
    schedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable, or has no exact equivalent.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> PolynomialDecayLRSchedule(lr=1e-3, warmup_updates=10, total_num_update=110, power=2.0)([0, 5, 10, 60, 110])
    array([0.     , 0.0005 , 0.001  , 0.00025, 0.     ])
    """
    peak, warmup = _rate(lr), whole_length("warmup_updates", warmup_updates)
    end, exponent = number_of("end_learning_rate", end_learning_rate), power_of(power)
    length = whole_length("total_num_update", total_num_update, positive=True) - warmup
    one_of("force_anneal", force_anneal, None, "an epoch is not known here")
    if length > 0:
        return warmed(0.0, peak, warmup, PolynomialDecay(peak, length, end, exponent), warmup)
    # The step at which the warmup ends has the peak, where the decay would end before it too.
    return JoinedSchedule([PolynomialDecay(0.0, warmup, peak), ConstantSchedule(end)], [warmup + 1])


def FixedLRSchedule(
    *, lr: float | Sequence[float], force_anneal: None = None, lr_shrink: float = 0.1, warmup_updates: int = 0
) -> Formula:
    """Return fairseq's "fixed": one rate after a linear warmup, whose step 0 has the rate of one step.

    Parameters
    ----------
    lr : float, or sequence of one
        The rate.
    force_anneal : None
        An epoch is not known here.
    lr_shrink : float, default 0.1
        It has no effect without `force_anneal`.
    warmup_updates : int, default 0
        The length of the warmup in steps.

    Returns
    -------
    schedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable, or has no exact equivalent.

    See Also
    --------
    cosine_fast.integrations.torch.ScheduledLR : Trains with it in PyTorch.

    Examples
    --------
    >>> FixedLRSchedule(lr=1e-3, warmup_updates=10)([0, 4, 9, 100])
    array([0.0001, 0.0005, 0.001 , 0.001 ])
    """
    peak, warmup = _rate(lr), whole_length("warmup_updates", warmup_updates)
    one_of("force_anneal", force_anneal, None, "an epoch is not known here")
    return JoinedSchedule([PolynomialDecay(0.0, warmup, peak) if warmup else ConstantSchedule(peak)], [], offsets=[-1])


def StepLRSchedule(
    *, lr: float | Sequence[float], warmup_updates: int = 0, warmup_init_lr: float = -1, min_lr: float = 0.0,
    lr_deacy_period: int = 25000, lr_decay: float = 0.5,
) -> Formula:  # fmt: skip
    """Return fairseq's "step": a rate that falls by a factor at regular intervals, to a floor, after a linear warmup.

    Parameters
    ----------
    lr : float, or sequence of one
        The rate after the warmup.
    warmup_updates : int, default 0
        The length of the warmup in steps.
    warmup_init_lr : float, default -1
        The first rate of the warmup; below 0 it is `min_lr`.
    min_lr : float, default 0.0
        The floor; >= 0, and below `lr`.
    lr_deacy_period : int, default 25000
        The number of steps between two changes; > 0. Its name is fairseq's.
    lr_decay : float, default 0.5
        The factor; from 0 to 1.

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
    >>> StepLRSchedule(lr=1e-3, min_lr=3e-4, lr_deacy_period=100)([0, 99, 100, 200])
    array([0.001 , 0.001 , 0.0005, 0.0003])
    """
    peak, floor, warmup = _rate(lr), number_of("min_lr", min_lr), whole_length("warmup_updates", warmup_updates)
    first, factor = number_of("warmup_init_lr", warmup_init_lr), number_of("lr_decay", lr_decay)
    if not 0.0 <= floor < peak:
        raise ValueError(f"Argument `min_lr` must be >= 0 and below `lr`. Received: min_lr={min_lr}, lr={lr}")
    if not 0.0 <= factor <= 1.0:
        raise ValueError(f"Argument `lr_decay` must be from 0 to 1. Received: lr_decay={lr_decay}")
    period = whole_length("lr_deacy_period", lr_deacy_period, positive=True)
    after = floored(ExponentialDecay(peak, period, factor, staircase=True), floor)
    return warmed(floor if first < 0.0 else first, peak, warmup, after, warmup)


def TriStageLRSchedule(
    *, lr: float | Sequence[float], warmup_steps: int = 0, hold_steps: int = 0, decay_steps: int = 0,
    phase_ratio: Sequence[float] | None = None, init_lr_scale: float = 0.01, final_lr_scale: float = 0.01,
    max_update: float = 0,
) -> Formula:  # fmt: skip
    """Return fairseq's "tri_stage": a linear warmup, a constant rate, and an exponential decay.

    Parameters
    ----------
    lr : float, or sequence of one
        The rate after the warmup.
    warmup_steps, hold_steps, decay_steps : int, default 0
        The lengths of the parts in steps; that of the decay > 0.
    phase_ratio : sequence of three floats, optional
        The lengths of the parts as fractions of `max_update`, instead; they add up to 1.
    init_lr_scale, final_lr_scale : float, default 0.01
        The first and the last rate as fractions of `lr`; the last > 0.
    max_update : float, default 0
        The length of the run, which `phase_ratio` needs.

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
    >>> TriStageLRSchedule(lr=1e-3, phase_ratio=(0.1, 0.4, 0.5), max_update=1000)([0, 100, 500, 750, 1000])
    array([1.e-05, 1.e-03, 1.e-03, 1.e-04, 1.e-05])
    """
    peak, last = _rate(lr), number_of("final_lr_scale", final_lr_scale)
    parts = {"warmup_steps": warmup_steps, "hold_steps": hold_steps, "decay_steps": decay_steps}
    if phase_ratio is not None:
        ratios = [number_of("phase_ratio", ratio) for ratio in items_of("phase_ratio", phase_ratio)]
        if len(ratios) != 3 or sum(ratios) != 1.0:
            raise ValueError(f"Argument `phase_ratio` must be three numbers that add up to 1. Received: {phase_ratio}")
        run = steps_of("max_update", max_update, positive=True)
        parts = {name: int(run * ratio) for name, ratio in zip(parts, ratios, strict=True)}
    lengths = [whole_length(name, steps, positive=name == "decay_steps") for name, steps in parts.items()]
    if not (peak > 0.0 and last > 0.0):
        raise ValueError(f"Arguments `lr` and `final_lr_scale` must be > 0. Received: {lr} and {final_lr_scale}")
    return WarmupStableDecay(
        peak, *lengths, decay="exponential", initial_learning_rate=peak * number_of("init_lr_scale", init_lr_scale),
        end_learning_rate=peak * last,
    )  # fmt: skip


def _rate(lr: Any) -> float:
    """Return the one rate."""
    if isinstance(lr, Sequence) and not isinstance(lr, str):
        if len(lr) != 1:
            raise ValueError(f"Argument `lr` must be one rate: rates of single epochs are refused. Received: lr={lr}")
        lr = lr[0]
    return number_of("lr", lr)
