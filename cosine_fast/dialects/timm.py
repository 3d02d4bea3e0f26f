"""timm's schedulers, by their own names and parameters; timm is not needed.

A step is what the original is called with: an epoch (``step``) with ``t_in_epochs=True``, else an update
(``step_update``). Compared with timm 1.0.31. TanhLRScheduler and PlateauLRScheduler, of which this package
has no curve, are refused, and so are the parameters of the noise; `noise_range_t` must be None.
`cosine_fast.integrations.timm` has a scheduler that timm's training script calls.

>>> schedule = CosineLRScheduler(1e-3, t_initial=100, lr_min=1e-5, warmup_t=10, warmup_prefix=True)
>>> schedule([0, 5, 10, 60, 110])
array([0.00e+00, 5.00e-04, 1.00e-03, 5.05e-04, 1.00e-05])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from ..schedules import (
    ConstantSchedule,
    ExponentialDecay,
    LinearDecay,
    PolynomialDecay,
    PowerCosineDecay,
    WarmupStableDecay,
)
from ..schedules._base import Formula
from ..schedules._checks import choice_of, flag_of, items_of, number_of, steps_of
from ..schedules._joined import whole_length, whole_steps
from ..schedules.joined_schedule import join_schedules
from ._parts import one_of, power_of, refused, stairs, warmed, without

__all__ = ["CosineLRScheduler", "MultiStepLRScheduler", "PolyLRScheduler", "StepLRScheduler", "WSDLRScheduler"]

TanhLRScheduler = refused("TanhLRScheduler", "there is no such curve")
PlateauLRScheduler = refused("PlateauLRScheduler", "there is no formula of the step")

_MOST_CYCLES = 10_000
_SHAPES = {0.5: "1-sqrt", 1.0: "linear", 2.0: "1-square"}  # 1 - x**power

_rates_only = without("a schedule has no noise and no optimizer", "noise_pct", "noise_std", "noise_seed", "initialize")


@_rates_only
def CosineLRScheduler(
    learning_rate: float, t_initial: int, lr_min: float = 0.0, cycle_mul: float = 1.0, cycle_decay: float = 1.0,
    cycle_limit: int = 1, warmup_t: int = 0, warmup_lr_init: float = 0.0, warmup_prefix: bool = False,
    t_in_epochs: bool = True, noise_range_t: None = None, *, k_decay: float = 1.0,
) -> Formula:  # fmt: skip
    """Return cosines one after the other, down to a floor, after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    t_initial : int
        The length of the first cosine in steps; > 0.
    lr_min : float, default 0.0
        The rate at the end of each cosine, and past the last.
    cycle_mul, cycle_decay : float, default 1.0
        The length and the first rate of each cosine as multiples of those of the one before. Cosines must begin at
        whole steps.
    cycle_limit : int, default 1
        The number of cosines, at most 10,000.
    warmup_t : int, default 0
        The length of the warmup in steps.
    warmup_lr_init : float, default 0.0
        The first rate of the warmup.
    warmup_prefix : bool, default False
        Whether the cosine begins after the warmup, and not at step 0.
    t_in_epochs : bool, default True
        It says what a step is, and has no effect here.
    noise_range_t : None
        There is no noise.
    k_decay : float, default 1.0
        The power of a cosine's steps.

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
    cosine_fast.integrations.timm.ScheduledLR : Trains with it, called as timm's schedulers are.

    Examples
    --------
    >>> CosineLRScheduler(1e-3, 10, cycle_mul=2, cycle_decay=0.5, cycle_limit=2)([0, 5, 10, 20, 30])
    array([0.001  , 0.0005 , 0.0005 , 0.00025, 0.     ])
    """
    floor, power = number_of("lr_min", lr_min), number_of("k_decay", k_decay)
    after = _cycles(
        learning_rate, t_initial, floor, cycle_mul, cycle_decay, cycle_limit,
        lambda peak, length: PowerCosineDecay(peak, length, floor, k_decay=power),
    )  # fmt: skip
    return _after_warmup(learning_rate, warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, noise_range_t, after)


@_rates_only
def PolyLRScheduler(
    learning_rate: float, t_initial: int, power: float = 0.5, lr_min: float = 0.0, cycle_mul: float = 1.0,
    cycle_decay: float = 1.0, cycle_limit: int = 1, warmup_t: int = 0, warmup_lr_init: float = 0.0,
    warmup_prefix: bool = False, t_in_epochs: bool = True, noise_range_t: None = None, *, k_decay: float = 1.0,
) -> Formula:  # fmt: skip
    """Return polynomial decays one after the other, down to a floor, after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    t_initial : int
        The length of the first decay in steps; > 0.
    power : float, default 0.5
        The power; > 0.
    lr_min : float, default 0.0
        The rate at the end of each decay, and past the last.
    cycle_mul, cycle_decay : float, default 1.0
        The length and the first rate of each decay as multiples of those of the one before. Decays must begin at whole
        steps.
    cycle_limit : int, default 1
        The number of decays, at most 10,000.
    warmup_t : int, default 0
        The length of the warmup in steps.
    warmup_lr_init : float, default 0.0
        The first rate of the warmup.
    warmup_prefix : bool, default False
        Whether the decay begins after the warmup, and not at step 0.
    t_in_epochs : bool, default True
        It says what a step is, and has no effect here.
    noise_range_t : None
        There is no noise.
    k_decay : float, default 1.0
        The power of a decay's steps; 1, or with ``power=1`` also 0.5 or 2.

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
    cosine_fast.integrations.timm.ScheduledLR : Trains with it, called as timm's schedulers are.

    Examples
    --------
    >>> PolyLRScheduler(1e-3, 100, power=2.0)([0, 50, 100])
    array([0.001  , 0.00025, 0.     ])
    """
    floor, exponent, k = number_of("lr_min", lr_min), power_of(power), number_of("k_decay", k_decay)
    if k != 1.0 and not (exponent == 1.0 and k in _SHAPES):
        raise ValueError(
            "Argument `k_decay` must be 1, or with power=1 also 0.5 or 2: there is no power of a power of the step. "
            f"Received: power={power}, k_decay={k_decay}"
        )
    after = _cycles(
        learning_rate, t_initial, floor, cycle_mul, cycle_decay, cycle_limit,
        lambda peak, length: PolynomialDecay(peak, length, floor, exponent) if k == 1.0
        else WarmupStableDecay(peak, 0, 0, length, decay=_SHAPES[k], end_learning_rate=floor),
    )  # fmt: skip
    return _after_warmup(learning_rate, warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, noise_range_t, after)


@_rates_only
def StepLRScheduler(
    learning_rate: float, decay_t: float, decay_rate: float = 1.0, warmup_t: int = 0, warmup_lr_init: float = 0.0,
    warmup_prefix: bool = True, t_in_epochs: bool = True, noise_range_t: None = None,
) -> Formula:  # fmt: skip
    """Return a rate that is multiplied by a factor at regular intervals, after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    decay_t : float
        The number of steps between two changes; > 0.
    decay_rate : float, default 1.0
        The factor.
    warmup_t : int, default 0
        The length of the warmup in steps.
    warmup_lr_init : float, default 0.0
        The first rate of the warmup.
    warmup_prefix : bool, default True
        Whether steps count from the end of the warmup, and not from step 0.
    t_in_epochs : bool, default True
        It says what a step is, and has no effect here.
    noise_range_t : None
        There is no noise.

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
    cosine_fast.integrations.timm.ScheduledLR : Trains with it, called as timm's schedulers are.

    Examples
    --------
    >>> StepLRScheduler(1e-3, decay_t=30, decay_rate=0.1, warmup_t=5)([0, 5, 34, 35, 65])
    array([0.e+00, 1.e-03, 1.e-03, 1.e-04, 1.e-05])
    """
    length, factor = steps_of("decay_t", decay_t, positive=True), number_of("decay_rate", decay_rate)
    after = ExponentialDecay(number_of("learning_rate", learning_rate), length, factor, staircase=True)
    return _after_warmup(learning_rate, warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, noise_range_t, after)


@_rates_only
def MultiStepLRScheduler(
    learning_rate: float, decay_t: Sequence[int], decay_rate: float = 1.0, warmup_t: int = 0,
    warmup_lr_init: float = 0.0, warmup_prefix: bool = True, t_in_epochs: bool = True, noise_range_t: None = None,
) -> Formula:  # fmt: skip
    """Return a rate that is multiplied by a factor one step before each milestone, after a linear warmup.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    decay_t : sequence of int
        The milestones, in rising order. The rate changes at ``milestone - 1``, as in timm.
    decay_rate : float, default 1.0
        The factor.
    warmup_t : int, default 0
        The length of the warmup in steps.
    warmup_lr_init : float, default 0.0
        The first rate of the warmup.
    warmup_prefix : bool, default True
        Whether steps count from the end of the warmup, and not from step 0.
    t_in_epochs : bool, default True
        It says what a step is, and has no effect here.
    noise_range_t : None
        There is no noise.

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
    cosine_fast.integrations.timm.ScheduledLR : Trains with it, called as timm's schedulers are.

    Examples
    --------
    >>> MultiStepLRScheduler(1e-3, [30, 60], decay_rate=0.1)([28, 29, 58, 59])
    array([1.e-03, 1.e-04, 1.e-04, 1.e-05])
    """
    milestones = [whole_steps("decay_t", each) for each in items_of("decay_t", decay_t)]
    if milestones != sorted(milestones):
        raise ValueError(f"Argument `decay_t` must rise. Received: decay_t={decay_t!r}")
    rate, factor = number_of("learning_rate", learning_rate), number_of("decay_rate", decay_rate)
    after = stairs(rate, factor, [milestone - 1 for milestone in milestones])
    return _after_warmup(learning_rate, warmup_t, warmup_lr_init, warmup_prefix, t_in_epochs, noise_range_t, after)


@_rates_only
@without("it is for shapes that are refused", "stable_timescale", "stable_power", "decay_ratio")
def WSDLRScheduler(
    learning_rate: float, t_initial: int, decay_t: int, lr_min: float = 0.0, stable_fn: str = "constant", *,
    decay_fn: str = "1-sqrt", decay_power: float = 0.5, warmup_t: int = 0, warmup_lr_init: float = 0.0,
    t_in_epochs: bool = True, noise_range_t: None = None,
) -> Formula:  # fmt: skip
    """Return a linear warmup, a constant rate, and a decay.

    Parameters
    ----------
    learning_rate : float
        The base rate of a parameter group.
    t_initial, decay_t : int
        The length of the constant rate and the decay together, and that of the decay, in steps.
    lr_min : float, default 0.0
        The rate at the end and past it.
    stable_fn : {"constant"}
        What there is before the decay; timm's "rsqrt" and "power" are refused.
    decay_fn : {"linear", "1-sqrt", "cosine", "power"}, default "1-sqrt"
        The shape of the decay; timm's "exp" and functions are refused.
    decay_power : float, default 0.5
        With ``decay_fn="power"`` the power: 0.5, 1 or 2.
    warmup_t : int, default 0
        The length of the warmup in steps; it comes before `t_initial`.
    warmup_lr_init : float, default 0.0
        The first rate of the warmup.
    t_in_epochs : bool, default True
        It says what a step is, and has no effect here.
    noise_range_t : None
        There is no noise.

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
    cosine_fast.integrations.timm.ScheduledLR : Trains with it, called as timm's schedulers are.

    Examples
    --------
    >>> WSDLRScheduler(1e-3, 100, 20, warmup_t=10)([5, 10, 90, 95, 110])
    array([0.0005, 0.001 , 0.001 , 0.0005, 0.    ])
    """
    one_of("stable_fn", stable_fn, "constant", "in the others the decay multiplies a curve")
    flag_of("t_in_epochs", t_in_epochs)
    one_of("noise_range_t", noise_range_t, None, "there is no noise here")
    length, decay = whole_length("t_initial", t_initial), whole_length("decay_t", decay_t, positive=True)
    if decay > length:
        raise ValueError(f"Argument `decay_t` must be <= `t_initial`. Received: {decay_t} and {t_initial}")
    if decay_fn == "exp":
        raise ValueError(
            "Argument `decay_fn` must be linear, 1-sqrt, cosine or power: there is no schedule of a power less a "
            "constant. Received: decay_fn='exp'"
        )
    shape = choice_of("decay_fn", decay_fn, ("linear", "1-sqrt", "cosine", "power"))
    if shape == "power":
        power = number_of("decay_power", decay_power)
        if power not in _SHAPES:
            raise ValueError(f"Argument `decay_power` must be 0.5, 1 or 2. Received: decay_power={decay_power}")
        shape = _SHAPES[power]
    rate, floor = number_of("learning_rate", learning_rate), number_of("lr_min", lr_min)
    warmup, initial = whole_length("warmup_t", warmup_t), number_of("warmup_lr_init", warmup_lr_init)
    if rate < floor:  # then timm's rate is `lr_min` from the end of the warmup on
        flat = ConstantSchedule(floor)
        return join_schedules([LinearDecay(initial, warmup, rate), flat], [warmup]) if warmup else flat
    return WarmupStableDecay(
        rate, warmup, length - decay, decay, decay=shape, initial_learning_rate=initial, end_learning_rate=floor
    )


def _cycles(
    learning_rate: float, t_initial: int, floor: float, cycle_mul: float, cycle_decay: float, cycle_limit: int,
    make: Callable[[float, int], Formula],
) -> Formula:  # fmt: skip
    """Return decays one after the other, each of which ends at the floor; `make` makes one."""
    rate, factor = number_of("learning_rate", learning_rate), number_of("cycle_decay", cycle_decay)
    lengthening = Fraction(number_of("cycle_mul", cycle_mul))
    if not lengthening > 0:
        raise ValueError(f"Argument `cycle_mul` must be > 0. Received: cycle_mul={cycle_mul}")
    length = Fraction(whole_length("t_initial", t_initial, positive=True))
    parts: list[Formula] = []
    begins = [0]
    if (cycles := whole_length("cycle_limit", cycle_limit)) > _MOST_CYCLES:
        most = f"at most {_MOST_CYCLES:,}: each cycle is a schedule of its own"
        raise ValueError(f"Argument `cycle_limit` must be {most}. Received: cycle_limit={cycle_limit}")
    for cycle in range(cycles):
        if parts and begins[-1] + length >= 2**62:  # none that is so late is ever reached
            break
        if length.denominator != 1:
            raise ValueError(
                "Argument `cycle_mul` must let every cycle begin at a whole step and be whole steps long. "
                f"Received: cycle_mul={cycle_mul}, with t_initial={t_initial} and cycle_limit={cycle_limit}"
            )
        parts.append(make(rate * factor**cycle, int(length)))
        begins.append(begins[-1] + int(length))
        length *= lengthening
    return join_schedules(parts, begins[1 : len(parts)]) if parts else ConstantSchedule(floor)


def _after_warmup(
    learning_rate: float, warmup_t: int, warmup_lr_init: float, warmup_prefix: bool, t_in_epochs: bool,
    noise_range_t: None, schedule: Formula,
) -> Formula:  # fmt: skip
    flag_of("t_in_epochs", t_in_epochs)
    one_of("noise_range_t", noise_range_t, None, "there is no noise here")
    steps, initial = whole_length("warmup_t", warmup_t), number_of("warmup_lr_init", warmup_lr_init)
    offset = steps if flag_of("warmup_prefix", warmup_prefix) else 0
    return warmed(initial, number_of("learning_rate", learning_rate), steps, schedule, offset)
