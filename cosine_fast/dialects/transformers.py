"""The schedules of Hugging Face's Transformers, by their own names and parameters; Transformers is not needed.

Where a function of ``transformers.optimization`` takes an optimizer, the one here takes `learning_rate`, the base rate
of a parameter group. Steps past ``num_training_steps`` have the original's rates too. Bad arguments are a TypeError or
a ValueError that names the parameter. `cosine_fast.integrations.transformers` has functions of these names that take
an optimizer.

>>> schedule = get_cosine_schedule_with_warmup(1e-3, num_warmup_steps=100, num_training_steps=1100)
>>> schedule([50, 100, 600, 1100])
array([0.0005, 0.001 , 0.0005, 0.    ])
"""

from __future__ import annotations

from fractions import Fraction

from ..schedules import (
    ConstantSchedule,
    CosineAnnealing,
    CosineDecay,
    CosineDecayRestarts,
    InverseSquareRootDecay,
    JoinedSchedule,
    PolynomialDecay,
    WarmupStableDecay,
)
from ..schedules._base import Formula
from ..schedules._checks import choice_of, nearest, number_of, steps_of
from ..schedules._joined import whole_length
from ..schedules.joined_schedule import join_schedules
from ._parts import power_of, warmed

__all__ = [
    "get_constant_schedule", "get_constant_schedule_with_warmup", "get_cosine_schedule_with_warmup",
    "get_cosine_with_hard_restarts_schedule_with_warmup", "get_cosine_with_min_lr_schedule_with_warmup",
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate", "get_inverse_sqrt_schedule",
    "get_linear_schedule_with_warmup", "get_polynomial_decay_schedule_with_warmup", "get_wsd_schedule",
]  # fmt: skip


def get_constant_schedule(learning_rate: float) -> Formula:
    """Return one rate.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.

    Returns
    -------
    ConstantSchedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_constant_schedule : The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_constant_schedule(1e-3)(5)
    0.001
    """
    return ConstantSchedule(number_of("learning_rate", learning_rate))


def get_constant_schedule_with_warmup(learning_rate: float, num_warmup_steps: int) -> Formula:
    """Return one rate after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps : int
        The length of the warmup in steps.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_constant_schedule_with_warmup : The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_constant_schedule_with_warmup(1e-3, 10)([0, 5, 10, 20])
    array([0.    , 0.0005, 0.001 , 0.001 ])
    """
    rate, warmup, _ = _lengths(learning_rate, num_warmup_steps, num_warmup_steps)
    return warmed(0.0, rate, warmup, ConstantSchedule(rate), warmup)


def get_linear_schedule_with_warmup(learning_rate: float, num_warmup_steps: int, num_training_steps: int) -> Formula:
    """Return a line to 0 after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps, num_training_steps : int
        The length of the warmup, and of the whole run, in steps.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_linear_schedule_with_warmup : The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_linear_schedule_with_warmup(1e-3, 10, 20)([0, 5, 10, 15, 20])
    array([0.    , 0.0005, 0.001 , 0.0005, 0.    ])
    """
    rate, warmup, length = _lengths(learning_rate, num_warmup_steps, num_training_steps)
    if length <= 0:
        return warmed(0.0, rate, warmup, ConstantSchedule(0.0), warmup)
    return warmed(0.0, rate, warmup, PolynomialDecay(rate, length, 0.0), warmup)


def get_cosine_schedule_with_warmup(
    learning_rate: float, num_warmup_steps: int, num_training_steps: int, num_cycles: float = 0.5
) -> Formula:
    """Return a cosine to 0 after a linear warmup; past the end it goes on, up again.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps, num_training_steps : int
        The length of the warmup, and of the whole run, in steps.
    num_cycles : float, default 0.5
        The number of waves of the cosine; >= 0.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_cosine_schedule_with_warmup : The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_cosine_schedule_with_warmup(1e-3, 10, 20)([0, 5, 10, 15, 20, 25])
    array([0.    , 0.0005, 0.001 , 0.0005, 0.    , 0.0005])
    """
    rate, warmup, length = _lengths(learning_rate, num_warmup_steps, num_training_steps)
    return warmed(0.0, rate, warmup, _waves(rate, length, num_cycles, 0.0), warmup)


def get_cosine_with_hard_restarts_schedule_with_warmup(
    learning_rate: float, num_warmup_steps: int, num_training_steps: int, num_cycles: int = 1
) -> Formula:
    """Return cosines to 0, each from the full rate, after a linear warmup, and 0 past the end.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps, num_training_steps : int
        The length of the warmup, and of the whole run, in steps.
    num_cycles : int, default 1
        The number of cosines; > 0.

    Returns
    -------
    schedule
        The schedule. Wherever a cosine begins it has the full rate. Transformers rounds a step's place among the
        cosines, and has about 0 at some of these steps, such as that of the 2nd of 49 cosines.

    See Also
    --------
    cosine_fast.integrations.transformers.get_cosine_with_hard_restarts_schedule_with_warmup :
        The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_cosine_with_hard_restarts_schedule_with_warmup(1e-3, 10, 30, 2)([5, 10, 15, 20, 25, 30])
    array([0.0005, 0.001 , 0.0005, 0.001 , 0.0005, 0.    ])
    """
    rate, warmup, length = _lengths(learning_rate, num_warmup_steps, num_training_steps)
    end = max(1, length)
    cycle = end / Fraction(steps_of("num_cycles", num_cycles, positive=True))
    # A length with a fraction may be rounded: a schedule begins anew wherever a cosine begins at a whole step.
    begins = [*range(0, end, end if cycle.denominator == 1 else cycle.numerator)]
    parts = [CosineDecayRestarts(rate, nearest(cycle), 1.0) for _ in begins]
    return warmed(0.0, rate, warmup, join_schedules([*parts, ConstantSchedule(0.0)], [*begins[1:], end]), warmup)


def get_polynomial_decay_schedule_with_warmup(
    learning_rate: float, num_warmup_steps: int, num_training_steps: int, lr_end: float = 1e-7, power: float = 1.0
) -> Formula:
    """Return a power of the fraction of the steps that remains, after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps, num_training_steps : int
        The length of the warmup, and of the whole run, in steps.
    lr_end : float, default 1e-7
        The rate at the end; not larger than `learning_rate`.
    power : float, default 1.0
        The power; > 0.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_polynomial_decay_schedule_with_warmup :
        The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_polynomial_decay_schedule_with_warmup(1e-3, 10, 20, lr_end=0.0, power=2.0)([5, 10, 15, 20])
    array([0.0005 , 0.001  , 0.00025, 0.     ])
    """
    rate, warmup, length = _lengths(learning_rate, num_warmup_steps, num_training_steps)
    end, exponent = number_of("lr_end", lr_end), power_of(power)
    if end > rate:
        raise ValueError(f"Argument `lr_end` must not be larger than the rate, {rate}. Received: lr_end={lr_end}")
    after = PolynomialDecay(rate, length, end, exponent) if length > 0 else ConstantSchedule(end)
    return warmed(0.0, rate, warmup, after, warmup)


def get_inverse_sqrt_schedule(learning_rate: float, num_warmup_steps: int, timescale: int | None = None) -> Formula:
    """Return a rate that falls as one over the square root of the step, after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps : int
        The length of the warmup in steps.
    timescale : int, optional
        The curve would be infinite this many steps before the end of the warmup; > 0. By default
        `num_warmup_steps`, or 10,000 without a warmup.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_inverse_sqrt_schedule : The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_inverse_sqrt_schedule(1e-3, 100)([50, 100, 400])
    array([0.0005, 0.001 , 0.0005])
    """
    rate, warmup, _ = _lengths(learning_rate, num_warmup_steps, num_warmup_steps)
    scale = steps_of("timescale", (warmup or 10_000) if timescale is None else timescale, positive=True)
    return warmed(0.0, rate, warmup, InverseSquareRootDecay(rate, scale, shift=scale), warmup)


def get_cosine_with_min_lr_schedule_with_warmup(
    learning_rate: float, num_warmup_steps: int, num_training_steps: int, num_cycles: float = 0.5, *,
    min_lr: float | None = None, min_lr_rate: float | None = None,
) -> Formula:  # fmt: skip
    """Return a cosine to a floor after a linear warmup; past the end it goes on, up again.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps, num_training_steps : int
        The length of the warmup, and of the whole run, in steps.
    num_cycles : float, default 0.5
        The number of waves of the cosine; >= 0.
    min_lr, min_lr_rate : float, optional
        The floor, or the floor as a fraction of `learning_rate`; >= 0. One of them is needed.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_cosine_with_min_lr_schedule_with_warmup :
        The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_cosine_with_min_lr_schedule_with_warmup(1e-3, 10, 20, min_lr_rate=0.1)([5, 10, 15, 20])
    array([0.0005 , 0.001  , 0.00055, 0.0001 ])
    """
    rate, warmup, length = _lengths(learning_rate, num_warmup_steps, num_training_steps)
    return warmed(0.0, rate, warmup, _waves(rate, length, num_cycles, _floor(rate, min_lr, min_lr_rate)), warmup)


def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    learning_rate: float, num_warmup_steps: int, num_training_steps: int, num_cycles: float = 0.5, *,
    min_lr: float | None = None, min_lr_rate: float | None = None, warmup_lr_rate: float | None = None,
) -> Formula:  # fmt: skip
    """Return a cosine to a floor after a linear warmup, one step ahead: the last step before the end has the floor.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps, num_training_steps : int
        The length of the warmup, and of the whole run, in steps.
    num_cycles : float, default 0.5
        The number of waves of the cosine; >= 0.
    min_lr, min_lr_rate : float, optional
        The floor, or the floor as a fraction of `learning_rate`; >= 0. One of them is needed.
    warmup_lr_rate : float, optional
        The first rate of the warmup as a fraction of `learning_rate`. By default ``1 / num_warmup_steps``. In both
        cases the warmup ends one step before the cosine begins, whose first rate is that of its step 1.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_cosine_with_min_lr_schedule_with_warmup_lr_rate :
        The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_cosine_with_min_lr_schedule_with_warmup_lr_rate(1e-3, 10, 20, min_lr=0.0)([0, 4, 9, 14, 19])
    array([0.0001, 0.0005, 0.001 , 0.0005, 0.    ])
    """
    rate, warmup, length = _lengths(learning_rate, num_warmup_steps, num_training_steps)
    after = _waves(rate, length, num_cycles, _floor(rate, min_lr, min_lr_rate))
    if not warmup:
        return JoinedSchedule([after], [], offsets=[-1])
    if warmup_lr_rate is None:
        return JoinedSchedule([PolynomialDecay(0.0, warmup, rate), after], [warmup], offsets=[-1, warmup - 1])
    first = rate * number_of("warmup_lr_rate", warmup_lr_rate)
    return JoinedSchedule([PolynomialDecay(first, max(1, warmup - 1), rate), after], [warmup], offsets=[0, warmup - 1])


def get_wsd_schedule(
    learning_rate: float, num_warmup_steps: int, num_decay_steps: int, num_training_steps: int | None = None,
    num_stable_steps: int | None = None, warmup_type: str = "linear", decay_type: str = "cosine",
    min_lr_ratio: float = 0, num_cycles: float = 0.5,
) -> Formula:  # fmt: skip
    """Return a warmup, a constant rate, and a decay.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    num_warmup_steps, num_decay_steps : int
        The lengths of the warmup and of the decay in steps.
    num_training_steps, num_stable_steps : int, optional
        The length of the whole run, or of the constant rate, in steps. The latter counts where both are given.
    warmup_type, decay_type : {"linear", "cosine", "1-sqrt"}, default "linear" and "cosine"
        The shapes of the warmup and of the decay.
    min_lr_ratio : float, default 0
        The first rate, and the rate past the end, as a fraction of `learning_rate`; >= 0.
    num_cycles : float, default 0.5
        The number of waves of the decay, if it is a cosine; >= 0.

    Returns
    -------
    schedule
        The schedule.

    See Also
    --------
    cosine_fast.integrations.transformers.get_wsd_schedule : The same, as a scheduler for an optimizer.

    Examples
    --------
    >>> get_wsd_schedule(1e-3, 10, 10, num_stable_steps=80, decay_type="linear")([5, 10, 89, 95, 100])
    array([0.0005, 0.001 , 0.001 , 0.0005, 0.    ])
    """
    rate, warmup, _ = _lengths(learning_rate, num_warmup_steps, num_warmup_steps)
    decay = whole_length("num_decay_steps", num_decay_steps)
    if num_stable_steps is not None:
        stable = whole_length("num_stable_steps", num_stable_steps)
    elif num_training_steps is None:
        raise ValueError("Argument `num_training_steps` or `num_stable_steps` must be given.")
    else:
        stable = whole_length("num_training_steps", num_training_steps) - warmup - decay
        if stable < 0:
            raise ValueError(
                "Argument `num_training_steps` must be at least num_warmup_steps + num_decay_steps, which is "
                f"{warmup + decay}. Received: num_training_steps={num_training_steps}"
            )
    ratio = number_of("min_lr_ratio", min_lr_ratio)
    if ratio < 0.0:
        raise ValueError(f"Argument `min_lr_ratio` must be >= 0. Received: min_lr_ratio={min_lr_ratio}")
    for key, shape in (("warmup_type", warmup_type), ("decay_type", decay_type)):
        choice_of(key, shape, ("linear", "cosine", "1-sqrt"))
    floor, up, down = rate * ratio, max(1, warmup), max(1, decay)
    rise: Formula = PolynomialDecay(floor, up, rate, 0.5 if warmup_type == "1-sqrt" else 1.0)
    if warmup_type == "cosine":
        rise = CosineDecay(floor, up, end_learning_rate=rate)
    fall: Formula = _waves(rate, down, num_cycles, floor)
    if decay_type != "cosine":
        fall = WarmupStableDecay(rate, 0, 0, down, decay=decay_type, end_learning_rate=floor)
    fall = _then(fall, decay, ConstantSchedule(floor))
    return _then(rise, warmup, _then(ConstantSchedule(rate), stable, fall))


def _lengths(learning_rate: float, num_warmup_steps: int, num_training_steps: int) -> tuple[float, int, int]:
    """Return the rate, the length of the warmup, and that of the rest, which may be negative."""
    warmup = whole_length("num_warmup_steps", num_warmup_steps)
    total = whole_length("num_training_steps", num_training_steps)
    return number_of("learning_rate", learning_rate), warmup, total - warmup


def _floor(rate: float, min_lr: float | None, min_lr_rate: float | None) -> float:
    if (min_lr is None) == (min_lr_rate is None):
        received = f"min_lr={min_lr}, min_lr_rate={min_lr_rate}"
        raise ValueError(f"One of the arguments `min_lr` and `min_lr_rate` must be given. Received: {received}")
    if min_lr is None:
        floor, given = rate * number_of("min_lr_rate", min_lr_rate), f"min_lr_rate={min_lr_rate}, learning_rate={rate}"
    else:
        floor, given = number_of("min_lr", min_lr), f"min_lr={min_lr}"
    if floor < 0.0:
        raise ValueError(f"The lowest rate, `min_lr` or learning_rate * min_lr_rate, must be >= 0. Received: {given}")
    return floor


def _waves(rate: float, length: int, num_cycles: float, floor: float) -> Formula:
    """Return so many waves of a cosine in a number of steps, and on."""
    if (waves := steps_of("num_cycles", num_cycles, positive=False)) == 0:
        return ConstantSchedule(rate)
    return CosineAnnealing(rate, nearest(max(1, length) / (2 * Fraction(waves))), floor)


def _then(first: Formula, steps: int, after: Formula) -> Formula:
    return join_schedules([first, after], [steps]) if steps else after
