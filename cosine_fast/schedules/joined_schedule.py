"""JoinedSchedule: schedules one after another; and what is made of joined schedules in one line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._backend import kernel, shown
from ._base import FLOAT32, FLOAT64, INT64_MAX, INT64_MIN, Formula, exact_of, items_of, number_of, received, steps_of
from .polynomial_decay import PolynomialDecay


class Segment(NamedTuple):
    """A schedule from a step on, called with ``step - offset``, or ``offset - step`` where `sign` is -1."""

    schedule: Formula
    begin: int  # of the first segment INT64_MIN
    offset: int
    sign: float = 1.0


class Joined(Formula):
    """The base of schedules that consist of segments."""

    __slots__ = ()
    _keras = False

    def _join(
        self, given: tuple[Any, ...], dtype: np.dtype[Any], segments: Iterable[Segment], name: Any, *distinct: Any
    ) -> None:
        """Keep the parameters, as `_take` does, and fold the segments, joined schedules as their own segments."""
        flat: list[Segment] = []
        for segment in segments:
            flat += _flat(segment)
        for after in range(len(flat) - 2, -1, -1):  # what begins where the next one has begun is never reached
            if flat[after].begin >= flat[after + 1].begin:
                del flat[after]
        schedules, begins, offsets, signs = zip(*flat, strict=True)
        for number in (*begins, *offsets):
            if not INT64_MIN <= number <= INT64_MAX:
                raise ValueError(f"All boundaries and offsets must lie within int64. Received: {shown(number)}")
        self._take(given, dtype, signs, (*begins[1:], *offsets), name, schedules, *distinct, children=schedules)

    @property
    def _segments(self) -> list[Segment]:
        signs, counts, _, (schedules, *_), _ = self._key
        begins, offsets = (INT64_MIN, *counts[: len(signs) - 1]), counts[len(signs) - 1 :]
        return [Segment(*each) for each in zip(schedules, begins, offsets, signs, strict=True)]

    @property
    def _end(self) -> int | None:
        last = self._segments[-1]
        if last.sign < 0.0 or last.schedule._end is None:
            return None
        return max(0, last.begin, last.schedule._end + last.offset)


def _flat(segment: Segment) -> list[Segment]:
    """Return the segment as a list; if its schedule is joined, that one's segments."""
    if not isinstance(segment.schedule, Joined):
        return [segment]
    return [
        own._replace(begin=max(segment.begin, own.begin + segment.offset), offset=own.offset + segment.offset)
        for own in segment.schedule._segments
    ]


class JoinedSchedule(Joined):
    """Schedules one after another.

    With s the step, in optimizer steps, and k the number of boundaries <= s, the rate is::

        schedules[k](s - offsets[k])

    Parameters
    ----------
    schedules : sequence of schedules
        Schedules of this package, joined ones too.
    boundaries : sequence of int
        The steps from which on the second, third, ... schedule counts; rising, one fewer than schedules.
    offsets : sequence of int, optional
        What is subtracted from the step before a schedule is called, one for each. By default 0 for the first schedule,
        and its boundary for each later one, which so begins at its step 0.
    name : str, default "JoinedSchedule"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If the lengths do not match, the boundaries do not rise, or a number is not whole or not within int64.
    TypeError
        If there is no such sequence, or an element is no schedule of this package or no number.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. A rate has the bits
    of ``schedules[k](s - offsets[k])``. The results are float32 if those of all schedules are. Keras has no such
    schedule.

    Arrays are evaluated in blocks of some hundred steps, each at the speed of its own schedule. Steps beyond 2**51 are
    evaluated one by one.

    References
    ----------
    ``optax.join_schedules``.

    Examples
    --------
    >>> from cosine_fast import ConstantSchedule, CosineDecay
    >>> schedule = JoinedSchedule([ConstantSchedule(0.1), CosineDecay(0.1, 1000)], [5000])
    >>> schedule(4999), schedule(5500), schedule(6000)
    (0.1, 0.05, 0.0)
    >>> schedule.boundaries, schedule.offsets
    ([5000], None)
    """

    __slots__ = ()
    _name = "joined_schedule"

    def __init__(
        self, schedules: Sequence[Formula], boundaries: Sequence[int], offsets: Sequence[int] | None = None,
        name: str = "JoinedSchedule",
    ) -> None:  # fmt: skip
        parts = tuple(_schedule(part) for part in items_of("schedules", schedules, "schedules"))
        begins = tuple(whole_steps("boundaries", begin) for begin in items_of("boundaries", boundaries))
        if len(begins) != len(parts) - 1:
            raise ValueError(
                "There must be one schedule more than boundaries. "
                f"Received: {len(parts)} schedules and {len(begins)} boundaries"
            )
        for before, after in itertools.pairwise(begins):
            if not before < after:
                raise ValueError(f"Argument `boundaries` must rise strictly. Received: {before}, then {after}")
        shifts = (0, *begins)
        if offsets is not None:
            offsets = shifts = tuple(whole_steps("offsets", offset) for offset in items_of("offsets", offsets))
        if len(shifts) != len(parts):
            raise ValueError(
                f"Argument `offsets` must have one number for each schedule. Received: {len(shifts)} for {len(parts)}"
            )
        dtype = FLOAT32 if all(part.dtype == FLOAT32 for part in parts) else FLOAT64
        self._join((parts, begins, offsets, name), dtype, map(Segment, parts, (INT64_MIN, *begins), shifts), name)


def _schedule(given: Any) -> Formula:
    if not isinstance(given, Formula):
        raise TypeError(f"A schedule of cosine_fast is needed. Received: {shown(given)} ({type(given).__name__})")
    if type(given).__call__ is not kernel.Schedule.__call__:
        raise TypeError(f"A schedule with a __call__ of its own cannot be joined. Received: {shown(given)}")
    return given


def whole_steps(name: str, given: Any) -> int:
    """Return a whole number of steps within int64."""
    number = number_of(name, given)
    exact = exact_of(given, number)
    if exact % 1 or not INT64_MIN <= exact <= INT64_MAX:
        raise ValueError(f"Argument `{name}` must be whole and within int64. {received(name, given)}")
    return int(exact)


def whole_length(name: str, given: Any, *, positive: bool = False) -> int:
    """Return a length in whole steps, as `steps_of` does."""
    steps = steps_of(name, given, positive=positive)
    if not isinstance(steps, int):
        raise ValueError(f"Argument `{name}` must be a whole number of steps. Received: {name}={shown(given)}")
    return steps


def join_schedules(schedules: Sequence[Formula], boundaries: Sequence[int]) -> JoinedSchedule:
    """Return schedules joined one after another, as ``optax.join_schedules`` does.

    From boundary k on schedule k + 1 counts; it is called with ``step - boundary``.

    Parameters
    ----------
    schedules : sequence of schedules
        Schedules of this package.
    boundaries : sequence of int
        Steps, rising, one fewer than schedules.

    Returns
    -------
    JoinedSchedule
        The schedule; its class says more, and also takes offsets.

    Raises
    ------
    TypeError, ValueError
        As `JoinedSchedule` raises them.

    Examples
    --------
    >>> from cosine_fast import ConstantSchedule, PolynomialDecay
    >>> schedule = join_schedules([PolynomialDecay(0.0, 10, 0.1), ConstantSchedule(0.1)], [10])
    >>> schedule([0, 5, 10, 20])
    array([0.  , 0.05, 0.1 , 0.1 ])
    """
    return JoinedSchedule(schedules, boundaries)


def with_warmup(schedule: Formula, warmup_steps: int, initial_learning_rate: float = 0.0) -> Formula:
    """Return a schedule with a linear warmup before it.

    With s the step, in optimizer steps, the rate is::

        s < warmup_steps:  initial_learning_rate + (schedule(0) - initial_learning_rate) * s / warmup_steps
        else:              schedule(s - warmup_steps)

    Parameters
    ----------
    schedule : schedule
        A schedule of this package.
    warmup_steps : int
        The length of the warmup in steps; >= 0.
    initial_learning_rate : float, default 0.0
        The rate at step 0; of the schedule's own dtype.

    Returns
    -------
    JoinedSchedule
        The line and the schedule, joined; with ``warmup_steps=0`` the schedule itself.

    Raises
    ------
    TypeError, ValueError
        If an argument is unsuitable.

    Examples
    --------
    >>> from cosine_fast import InverseSquareRootDecay
    >>> schedule = with_warmup(InverseSquareRootDecay(0.1, timescale=100, shift=100), 100)
    >>> schedule([0, 50, 100, 400])
    array([0.  , 0.05, 0.1 , 0.05])
    """
    steps = whole_length("warmup_steps", warmup_steps)
    first = _schedule(schedule)._at(0)
    if steps == 0:
        return schedule
    start = number_of("initial_learning_rate", initial_learning_rate)
    line = PolynomialDecay(schedule.dtype.type(start), steps, first)
    return JoinedSchedule([line, schedule], [steps])
