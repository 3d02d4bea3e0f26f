"""What several dialects are made of; all arguments have been checked."""

from __future__ import annotations

import bisect
import functools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NoReturn, ParamSpec

from ..schedules import ConstantSchedule, JoinedSchedule, PiecewiseConstantDecay, PolynomialDecay
from ..schedules._base import Formula
from ..schedules._checks import number_of

P = ParamSpec("P")


def warmed(initial: float, peak: float, warmup_steps: int, schedule: Formula, offset: int) -> Formula:
    """Return a line for some steps, then a schedule that is called with ``step - offset``."""
    if warmup_steps == 0:
        return schedule
    return JoinedSchedule([PolynomialDecay(initial, warmup_steps, peak), schedule], [warmup_steps], offsets=[0, offset])


def stairs(rate: float, factor: float, begins: Iterable[int]) -> Formula:
    """Return a rate that is multiplied by a factor at each of some steps; at a step given twice, twice."""
    boundaries, values, power = [], [rate], 0
    for begin, times in sorted(Counter(begins).items()):
        power += times
        boundaries.append(begin - 1)
        try:
            values.append(rate * factor**power)
        except OverflowError:
            raise ValueError(f"A rate is too large: {rate} times {factor}**{power}") from None
    return PiecewiseConstantDecay(boundaries, values)


def floored(schedule: Formula, floor: float) -> Formula:
    """Return a falling schedule that ends where it would fall below a rate, and then that rate."""
    end = bisect.bisect_left(range(2**62), True, key=lambda step: schedule(step) < floor)
    return JoinedSchedule([schedule, ConstantSchedule(floor)], [end]) if end < 2**62 else schedule


def power_of(power: float) -> float:
    """Return the power of a decay."""
    exponent = number_of("power", power)
    if not exponent > 0.0:
        raise ValueError(f"Argument `power` must be > 0: else the decay does not end. Received: power={power}")
    return exponent


def one_of(name: str, given: object, equal: object, why: str) -> None:
    """Refuse all but one value of a parameter."""
    if given != equal:
        raise ValueError(f"Argument `{name}` must be {equal}: {why}. Received: {name}={given!r}")


def without(why: str, *names: str) -> Callable[[Callable[P, Formula]], Callable[P, Formula]]:
    """Let a function refuse parameters that only the original has."""

    def decorated(function: Callable[P, Formula]) -> Callable[P, Formula]:
        @functools.wraps(function)
        def checked(*args: P.args, **given: P.kwargs) -> Formula:
            for name in names:
                if name in given:
                    raise ValueError(f"Argument `{name}` must be left out: {why}. Received: {name}={given[name]!r}")
            return function(*args, **given)

        return checked

    return decorated


def refused(name: str, why: str) -> Callable[..., NoReturn]:
    """Return a function in place of one of the original that has no equivalent."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise ValueError(f"`{name}` has no equivalent: {why}.")

    return refuse
