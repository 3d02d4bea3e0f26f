"""optax's schedules by optax's names and parameters, as schedules of this package, without optax.

>>> from cosine_fast.dialects import optax
>>> optax.warmup_cosine_decay_schedule(0.0, 1e-3, warmup_steps=100, decay_steps=1000)([50, 100, 550, 1000])
array([0.0005, 0.001 , 0.0005, 0.    ])

At whole steps from 0 on they are equal to those of optax 0.2.8 but for optax's own rounding, past their ends too.
`cosine_fast.integrations.optax` makes them callable in code that JAX compiles.
"""

from __future__ import annotations

import bisect
import inspect
import itertools
import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from .. import (
    ConstantSchedule,
    CosineDecay,
    ExponentialDecay,
    JoinedSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
    PowerCosineDecay,
    join_schedules,
)
from ..schedules._base import Formula
from ..schedules._checks import INT64_MAX, nearest, number_of, received
from ..schedules._joined import whole_steps

__all__ = [
    "constant_schedule", "cosine_decay_schedule", "cosine_onecycle_schedule", "exponential_decay", "join_schedules",
    "linear_onecycle_schedule", "linear_schedule", "piecewise_constant_schedule", "piecewise_interpolate_schedule",
    "polynomial_schedule", "sgdr_schedule", "warmup_constant_schedule", "warmup_cosine_decay_schedule",
    "warmup_exponential_decay_schedule",
]  # fmt: skip


def _check(**parameters: Any) -> None:
    """Raise for what is no finite number, by the parameter's name in optax."""
    for name, value in parameters.items():
        number_of(name, value)


def constant_schedule(value: float) -> ConstantSchedule:
    """Return ``optax.constant_schedule``: one rate.

    Parameters
    ----------
    value : float
        The rate.

    Returns
    -------
    ConstantSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If it is no finite number.

    See Also
    --------
    cosine_fast.integrations.optax.constant_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> constant_schedule(0.5)(100)
    0.5
    """
    _check(value=value)
    return ConstantSchedule(value)


def polynomial_schedule(
    init_value: float, end_value: float, power: float, transition_steps: float, transition_begin: int = 0
) -> Formula:
    """Return ``optax.polynomial_schedule``: a power of the fraction of the transition that remains.

    Parameters
    ----------
    init_value, end_value : float
        The rates before and after the transition.
    power : float
        The power.
    transition_steps : int or float
        The length of the transition; if it is <= 0 the rate stays at `init_value`, as in optax.
    transition_begin : int, default 0
        The step at which the transition begins; if it is negative it is 0, as in optax.

    Returns
    -------
    PolynomialDecay, JoinedSchedule or ConstantSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or `transition_begin` is not whole.

    See Also
    --------
    cosine_fast.integrations.optax.polynomial_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> polynomial_schedule(0.5, 0.1, 2, 100, transition_begin=10)([0, 10, 60, 110])
    array([0.5, 0.5, 0.2, 0.1])
    """
    _check(init_value=init_value, end_value=end_value, power=power, transition_steps=transition_steps)
    if transition_steps <= 0:
        return ConstantSchedule(init_value)
    return _begun(init_value, PolynomialDecay(init_value, transition_steps, end_value, power), transition_begin)


def _begun(init_value: float, schedule: Formula, transition_begin: int) -> Formula:
    """Return a constant rate up to a step, and then the schedule."""
    begin = whole_steps("transition_begin", transition_begin)
    return join_schedules([ConstantSchedule(init_value), schedule], [begin]) if begin > 0 else schedule


def linear_schedule(init_value: float, end_value: float, transition_steps: float, transition_begin: int = 0) -> Formula:
    """Return ``optax.linear_schedule``: a line.

    Parameters
    ----------
    init_value, end_value : float
        The rates before and after the line.
    transition_steps : int or float
        The length of the line; if it is <= 0 the rate stays at `init_value`, as in optax.
    transition_begin : int, default 0
        The step at which the line begins; if it is negative it is 0, as in optax.

    Returns
    -------
    PolynomialDecay, JoinedSchedule or ConstantSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or `transition_begin` is not whole.

    See Also
    --------
    cosine_fast.integrations.optax.linear_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> linear_schedule(0.5, 0.25, 100)([0, 50, 100, 200])
    array([0.5  , 0.375, 0.25 , 0.25 ])
    """
    return polynomial_schedule(init_value, end_value, 1, transition_steps, transition_begin)


def warmup_constant_schedule(init_value: float, peak_value: float, warmup_steps: int) -> Formula:
    """Return ``optax.warmup_constant_schedule``: a linear warmup.

    Parameters
    ----------
    init_value, peak_value : float
        The rates before and after the warmup.
    warmup_steps : int
        The length of the warmup; if it is <= 0 the rate stays at `init_value`, as in optax.

    Returns
    -------
    PolynomialDecay or ConstantSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number.

    See Also
    --------
    cosine_fast.integrations.optax.warmup_constant_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> warmup_constant_schedule(0.0, 0.5, 100)([0, 50, 100, 200])
    array([0.  , 0.25, 0.5 , 0.5 ])
    """
    _check(peak_value=peak_value, warmup_steps=warmup_steps)
    return linear_schedule(init_value, peak_value, warmup_steps)


def cosine_decay_schedule(
    init_value: float, decay_steps: float, alpha: float = 0.0, exponent: float = 1.0
) -> CosineDecay | PowerCosineDecay:
    """Return ``optax.cosine_decay_schedule``: a cosine, to a power.

    Parameters
    ----------
    init_value : float
        The rate at step 0.
    decay_steps : int or float
        The length of the decay; > 0.
    alpha : float, default 0.0
        The rate at the end of the decay, as a fraction of `init_value`.
    exponent : float, default 1.0
        The power of the cosine, from 1/1024 to 1024.

    Returns
    -------
    CosineDecay or PowerCosineDecay
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or out of its range.

    See Also
    --------
    cosine_fast.integrations.optax.cosine_decay_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> cosine_decay_schedule(0.5, 1000, alpha=0.1)([0, 500, 1000])
    array([0.5  , 0.275, 0.05 ])
    """
    _check(init_value=init_value, alpha=alpha, exponent=exponent)
    if exponent == 1.0:
        return CosineDecay(init_value, decay_steps, alpha)
    return PowerCosineDecay(init_value, decay_steps, alpha * init_value, exponent)


def warmup_cosine_decay_schedule(
    init_value: float, peak_value: float, warmup_steps: int, decay_steps: int, end_value: float = 0.0,
    exponent: float = 1.0,
) -> Formula:  # fmt: skip
    """Return ``optax.warmup_cosine_decay_schedule``: a linear warmup, then a cosine, to a power.

    Parameters
    ----------
    init_value, peak_value : float
        The rates at the beginning and at the end of the warmup.
    warmup_steps : int
        The length of the warmup.
    decay_steps : int
        The length of the warmup and the decay together; > warmup_steps.
    end_value : float, default 0.0
        The rate at the end of the decay; if `peak_value` is 0 that is 0, as in optax.
    exponent : float, default 1.0
        The power of the cosine, from 1/1024 to 1024.

    Returns
    -------
    CosineDecay or JoinedSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or out of its range.

    See Also
    --------
    cosine_fast.integrations.optax.warmup_cosine_decay_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> warmup_cosine_decay_schedule(0.0, 0.5, 100, 1100, 0.1)([0, 50, 100, 600, 1100])
    array([0.  , 0.25, 0.5 , 0.3 , 0.1 ])
    """
    _check(
        init_value=init_value, peak_value=peak_value, warmup_steps=warmup_steps, decay_steps=decay_steps,
        end_value=end_value, exponent=exponent,
    )  # fmt: skip
    end, length = end_value if peak_value else 0.0, decay_steps - warmup_steps
    if not length > 0:
        raise ValueError(
            "Argument `decay_steps` must be > `warmup_steps`. "
            f"Received: decay_steps={decay_steps}, warmup_steps={warmup_steps}"
        )
    if exponent == 1.0 and warmup_steps > 0:
        return CosineDecay(
            init_value, length, warmup_target=peak_value, warmup_steps=warmup_steps, end_learning_rate=end
        )
    line = linear_schedule(init_value, peak_value, warmup_steps)
    return join_schedules(
        [line, PowerCosineDecay(peak_value, length, end, exponent)], [whole_steps("warmup_steps", warmup_steps)]
    )


def sgdr_schedule(cosine_kwargs: Iterable[Mapping[str, Any]]) -> JoinedSchedule:
    """Return ``optax.sgdr_schedule``: cosine decays with warmups, one after another.

    Parameters
    ----------
    cosine_kwargs : iterable of mappings
        The arguments of `warmup_cosine_decay_schedule` for each cycle, which lasts `decay_steps`.

    Returns
    -------
    JoinedSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        As `warmup_cosine_decay_schedule` raises them, or if there is no cycle.

    See Also
    --------
    cosine_fast.integrations.optax.sgdr_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> cycle = {"init_value": 0.0, "peak_value": 0.5, "warmup_steps": 100, "decay_steps": 1100}
    >>> sgdr_schedule([cycle, {**cycle, "peak_value": 0.25}])([100, 600, 1100, 1200, 2200])
    array([0.5 , 0.25, 0.  , 0.25, 0.  ])
    """
    try:
        cycles = list(cosine_kwargs)
        for cycle in cycles:
            inspect.signature(warmup_cosine_decay_schedule).bind(**cycle)
    except TypeError as error:
        wanted = "Argument `cosine_kwargs` must have mappings of the arguments of `warmup_cosine_decay_schedule`."
        raise TypeError(f"{wanted} {received('cosine_kwargs', cosine_kwargs)}") from error
    if not cycles:
        raise ValueError("Argument `cosine_kwargs` must have at least one cycle. Received: none")
    ends = list(itertools.accumulate(whole_steps("decay_steps", cycle["decay_steps"]) for cycle in cycles))
    return join_schedules([warmup_cosine_decay_schedule(**cycle) for cycle in cycles], ends[:-1])


def exponential_decay(
    init_value: float, transition_steps: float, decay_rate: float, transition_begin: int = 0, staircase: bool = False,
    end_value: float | None = None,
) -> Formula:  # fmt: skip
    """Return ``optax.exponential_decay``: the rate changes by a factor over every interval of a fixed length.

    Parameters
    ----------
    init_value : float
        The rate up to `transition_begin`.
    transition_steps : int or float
        The number of steps over which the rate is multiplied by `decay_rate`; if it is <= 0 the rate stays at
        `init_value`, as in optax.
    decay_rate : float
        The factor; if it is 0 the rate stays at `init_value`, as in optax.
    transition_begin : int, default 0
        The step at which the decay begins; if it is negative it is 0, as in optax.
    staircase : bool, default False
        Whether the rate changes every `transition_steps` only.
    end_value : float, optional
        The least rate if `decay_rate` is below 1, else the largest.

    Returns
    -------
    ExponentialDecay, JoinedSchedule or ConstantSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or `decay_rate` is negative without `staircase` or with `end_value`.

    See Also
    --------
    cosine_fast.integrations.optax.exponential_decay : The same, as a table for JAX.

    Examples
    --------
    >>> exponential_decay(0.5, 100, 0.25, end_value=0.1)([0, 50, 100, 200])
    array([0.5  , 0.25 , 0.125, 0.1  ])
    """
    _check(init_value=init_value, transition_steps=transition_steps, decay_rate=decay_rate)
    if transition_steps <= 0 or decay_rate == 0:
        return ConstantSchedule(init_value)
    decay = ExponentialDecay(init_value, transition_steps, decay_rate, staircase)
    schedule = _begun(init_value, decay, transition_begin)
    if end_value is None:
        return schedule
    _check(end_value=end_value)
    if decay_rate < 0:
        raise ValueError(
            "Argument `end_value` needs a positive `decay_rate`: with others the stairs cross it again and again. "
            f"Received: end_value={end_value}, decay_rate={decay_rate}"
        )
    # The rates rise or fall throughout, so that they cross the bound once, if at all.
    end = ConstantSchedule(end_value)
    clip = max if decay_rate < 1 else min

    def _is_clipped(step: int) -> bool:
        return clip(schedule(step), end_value) == end_value

    parts = [end, schedule] if _is_clipped(0) else [schedule, end]
    crossing = bisect.bisect_left(range(INT64_MAX), True, key=lambda step: _is_clipped(step) != _is_clipped(0))
    return parts[0] if crossing == INT64_MAX else JoinedSchedule(parts, [crossing], offsets=[0, 0])


def warmup_exponential_decay_schedule(
    init_value: float, peak_value: float, warmup_steps: int, transition_steps: float, decay_rate: float,
    transition_begin: int = 0, staircase: bool = False, end_value: float | None = None,
) -> JoinedSchedule:  # fmt: skip
    """Return ``optax.warmup_exponential_decay_schedule``: a linear warmup, then an exponential decay.

    Parameters
    ----------
    init_value, peak_value : float
        The rates at the beginning and at the end of the warmup.
    warmup_steps : int
        The length of the warmup.
    transition_steps, decay_rate, transition_begin, staircase, end_value : optional
        As in `exponential_decay`, with steps counted from the end of the warmup.

    Returns
    -------
    JoinedSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        As `exponential_decay` raises them, or if `warmup_steps` is not whole.

    See Also
    --------
    cosine_fast.integrations.optax.warmup_exponential_decay_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> warmup_exponential_decay_schedule(0.0, 0.5, 100, 100, 0.25)([0, 50, 100, 200])
    array([0.   , 0.25 , 0.5  , 0.125])
    """
    line = warmup_constant_schedule(init_value, peak_value, warmup_steps)
    decay = exponential_decay(peak_value, transition_steps, decay_rate, transition_begin, staircase, end_value)
    return join_schedules([line, decay], [whole_steps("warmup_steps", warmup_steps)])


def _exact(name: str, value: Any) -> Fraction:
    """Return a number without rounding, so that products and quotients of several are rounded once."""
    return value if isinstance(value, Fraction) else Fraction(number_of(name, value))


def _scaled(init_value: Any, boundaries_and_scales: Mapping[int, Any] | None) -> tuple[list[int], list[float]]:
    """Return the boundaries in order, and the rates: the first one, and those from each boundary on."""
    if not isinstance(boundaries_and_scales, Mapping | None):
        wanted = "Argument `boundaries_and_scales` must be a mapping of steps to factors, or None."
        raise TypeError(f"{wanted} {received('boundaries_and_scales', boundaries_and_scales)}")
    pairs = sorted((boundaries_and_scales or {}).items())
    scales = [_exact("boundaries_and_scales", scale) for _, scale in pairs]
    if scales and min(scales) < 0:
        raise ValueError(f"Argument `boundaries_and_scales` must have scales >= 0. Received: {float(min(scales))}")
    rates = itertools.accumulate(scales, operator.mul, initial=_exact("init_value", init_value))
    return [boundary for boundary, _ in pairs], [nearest(rate) for rate in rates]


def piecewise_constant_schedule(
    init_value: float, boundaries_and_scales: Mapping[int, float] | None = None
) -> PiecewiseConstantDecay:
    """Return ``optax.piecewise_constant_schedule``: the rate is multiplied by a factor at each boundary.

    Parameters
    ----------
    init_value : float
        The first rate.
    boundaries_and_scales : mapping of int to float, optional
        The factors, >= 0, by the steps from which on they count.

    Returns
    -------
    PiecewiseConstantDecay
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or a factor is negative.

    See Also
    --------
    cosine_fast.integrations.optax.piecewise_constant_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> piecewise_constant_schedule(0.5, {100: 0.5, 200: 0.1})([99, 100, 199, 200])
    array([0.5  , 0.25 , 0.25 , 0.025])
    """
    boundaries, rates = _scaled(init_value, boundaries_and_scales)
    return PiecewiseConstantDecay([math.ceil(boundary) - 1 for boundary in boundaries], rates)


def piecewise_interpolate_schedule(
    interpolate_type: str, init_value: Any, boundaries_and_scales: Mapping[int, Any] | None = None
) -> JoinedSchedule:
    """Return ``optax.piecewise_interpolate_schedule``: lines or cosines between the rates at the boundaries.

    Parameters
    ----------
    interpolate_type : {"linear", "cosine"}
        What leads from one rate to the next.
    init_value : float
        The rate at step 0.
    boundaries_and_scales : mapping of int to float, optional
        For each boundary, the factor (>= 0) from the rate at the boundary before it to the rate at it.

    Returns
    -------
    JoinedSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, a factor is negative, a boundary not whole, or the type another one.

    See Also
    --------
    cosine_fast.integrations.optax.piecewise_interpolate_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> piecewise_interpolate_schedule("linear", 0.5, {100: 0.5, 200: 0.1})([0, 50, 100, 150, 200, 300])
    array([0.5   , 0.375 , 0.25  , 0.1375, 0.025 , 0.025 ])
    """
    if interpolate_type not in ("linear", "cosine"):
        raise ValueError(f"Argument `interpolate_type` must be 'linear' or 'cosine'. Received: {interpolate_type!r}")
    boundaries, rates = _scaled(init_value, boundaries_and_scales)
    line = interpolate_type == "linear"
    knots = list(zip([0, *(whole_steps("boundaries_and_scales", b) for b in boundaries)], rates, strict=True))
    parts: list[tuple[int, Formula]] = [
        (begin, PolynomialDecay(x, end - begin, y) if line else CosineDecay(x, end - begin, end_learning_rate=y))
        for (begin, x), (end, y) in itertools.pairwise(knots)
        if begin < end
    ]
    begins, schedules = zip(*parts, (knots[-1][0], ConstantSchedule(rates[-1])), strict=True)
    return JoinedSchedule(schedules, begins[1:], offsets=begins)


def _one_cycle(transition_steps: float, **values: float) -> Iterator[Fraction]:
    """Return the peak and the factors of a 1cycle policy, checked."""
    for name, value in {"transition_steps": transition_steps, **values}.items():
        if not _exact(name, value) > 0 and name != "peak_value":
            raise ValueError(f"Argument `{name}` must be > 0. Received: {name}={value}")
    return (_exact(name, value) for name, value in values.items())


def linear_onecycle_schedule(
    transition_steps: int, peak_value: float, pct_start: float = 0.3, pct_final: float = 0.85,
    div_factor: float = 25.0, final_div_factor: float = 1e4,
) -> JoinedSchedule:  # fmt: skip
    """Return ``optax.linear_onecycle_schedule``: a line up, one down, and one further down.

    Parameters
    ----------
    transition_steps : int
        The number of steps; > 0.
    peak_value : float
        The largest rate.
    pct_start, pct_final : float, default 0.3, 0.85
        The fractions of the steps at which the first and the second line end.
    div_factor : float, default 25.0
        The peak over the rates at step 0 and at the end of the second line; > 0.
    final_div_factor : float, default 1e4
        The latter over the last rate; > 0.

    Returns
    -------
    JoinedSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or out of its range.

    See Also
    --------
    cosine_fast.integrations.optax.linear_onecycle_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> linear_onecycle_schedule(100, 0.5, div_factor=10.0, final_div_factor=5.0)([0, 15, 30, 85, 100])
    array([0.05 , 0.275, 0.5  , 0.05 , 0.01 ])
    """
    _check(pct_start=pct_start, pct_final=pct_final)
    whole_steps("transition_steps", transition_steps)
    peak, factor, final = _one_cycle(
        transition_steps, peak_value=peak_value, div_factor=div_factor, final_div_factor=final_div_factor
    )
    first, second = int(pct_start * transition_steps), int(pct_final * transition_steps)
    scales = {first: factor, second: 1 / factor, transition_steps: 1 / final}
    return piecewise_interpolate_schedule("linear", peak / factor, scales)


def cosine_onecycle_schedule(
    transition_steps: int, peak_value: float, pct_start: float = 0.3, div_factor: float = 25.0,
    final_div_factor: float = 1e4,
) -> JoinedSchedule:  # fmt: skip
    """Return ``optax.cosine_onecycle_schedule``: a cosine up, and a cosine down.

    Parameters
    ----------
    transition_steps : int
        The number of steps; > 0.
    peak_value : float
        The largest rate.
    pct_start : float, default 0.3
        The fraction of the steps in which the rate rises.
    div_factor : float, default 25.0
        The peak over the rate at step 0; > 0.
    final_div_factor : float, default 1e4
        The rate at step 0 over the last one; > 0.

    Returns
    -------
    JoinedSchedule
        The schedule.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no finite number, or out of its range.

    See Also
    --------
    cosine_fast.integrations.optax.cosine_onecycle_schedule : The same, as a table for JAX.

    Examples
    --------
    >>> cosine_onecycle_schedule(1000, 0.1, div_factor=10.0, final_div_factor=100.0)([0, 150, 300, 650, 1000])
    array([0.01   , 0.055  , 0.1    , 0.05005, 0.0001 ])
    """
    _check(pct_start=pct_start)
    peak, factor, final = _one_cycle(
        transition_steps, peak_value=peak_value, div_factor=div_factor, final_div_factor=final_div_factor
    )
    scales = {int(pct_start * transition_steps): factor, int(transition_steps): 1 / (factor * final)}
    return piecewise_interpolate_schedule("cosine", peak / factor, scales)
