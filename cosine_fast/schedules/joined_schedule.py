"""JoinedSchedule: schedules one after another; and functions that join schedules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from .._backend import kernel, shown
from ._base import Formula
from ._checks import FLOAT32, FLOAT64, INT64_MIN, items_of, number_of
from ._joined import Joined, Segment, whole_length, whole_steps
from .polynomial_decay import PolynomialDecay


class JoinedSchedule(Joined):
    """Schedules one after another.

    With s the step, in optimizer steps, and k the number of boundaries <= s, the rate is::

        schedules[k](s - offsets[k])

    Parameters
    ----------
    schedules : sequence of schedules
        Schedules of this package, joined ones too.
    boundaries : sequence of int
        The steps from which on the second, third, ... schedule counts; one fewer than schedules. They must not fall.
        Between two equal ones a schedule is never called.
    offsets : sequence of int, optional
        What is subtracted from the step before a schedule is called, one for each. By default 0 for the first schedule,
        and its boundary for each later one, which so begins at its step 0.
    name : str, default "JoinedSchedule"
        Kept for configs; it has no effect.

    Raises
    ------
    ValueError
        If the lengths do not match, the boundaries fall, or a number is not whole or not within int64.
    TypeError
        If there is no such sequence, or an element is no schedule of this package or no number.

    See Also
    --------
    join_schedules : Makes one with optax's meaning of the steps.
    with_warmup : Puts a warmup before a schedule.

    Notes
    -----
    It is called as `CosineDecay` is, with the same kinds of steps and results, and the same errors. A rate has the bits
    of ``schedules[k](s - offsets[k])``; where s is a fraction, the difference is rounded to float64. The results are
    float32 if those of all schedules are. Keras has no such schedule.

    Arrays are evaluated in blocks of a few hundred steps, each at the speed of its own schedule. Steps beyond 2**51 are
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
        parts = tuple(_schedule("schedules", part) for part in items_of("schedules", schedules, "schedules"))
        begins = tuple(whole_steps("boundaries", begin) for begin in items_of("boundaries", boundaries))
        if len(begins) != len(parts) - 1:
            raise ValueError(
                "There must be one schedule more than boundaries. "
                f"Received: {len(parts)} schedules and {len(begins)} boundaries"
            )
        for before, after in itertools.pairwise(begins):
            if before > after:
                raise ValueError(f"Argument `boundaries` must not fall. Received: {before}, then {after}")
        shifts = (0, *begins)
        if offsets is not None:
            offsets = shifts = tuple(whole_steps("offsets", offset) for offset in items_of("offsets", offsets))
        if len(shifts) != len(parts):
            raise ValueError(
                f"Argument `offsets` must have one number for each schedule. Received: {len(shifts)} for {len(parts)}"
            )
        dtype = FLOAT32 if all(part.dtype == FLOAT32 for part in parts) else FLOAT64
        self._join((parts, begins, offsets, name), dtype, map(Segment, parts, (INT64_MIN, *begins), shifts), name)


def _schedule(name: str, given: Any) -> Formula:
    if not isinstance(given, Formula):
        wanted = f"Argument `{name}` takes schedules of cosine_fast."
        raise TypeError(f"{wanted} Received: {shown(given)} ({type(given).__name__})")
    if type(given).__call__ is not kernel.Schedule.__call__:
        raise TypeError(f"Argument `{name}` takes no schedule with a __call__ of its own. Received: {shown(given)}")
    return given


def join_schedules(
    schedules: Sequence[Formula], boundaries: Sequence[int], offsets: Sequence[int] | None = None
) -> JoinedSchedule:
    """Return schedules joined one after another, as ``optax.join_schedules`` does.

    From boundary k on schedule k + 1 counts; it is called with ``step - boundary``, unless there are `offsets`.

    Parameters
    ----------
    schedules : sequence of schedules
        Schedules of this package.
    boundaries : sequence of int
        Steps that do not fall, one fewer than schedules.
    offsets : sequence of int, optional
        What is subtracted from the step before a schedule is called, one for each, instead of its boundary.

    Returns
    -------
    JoinedSchedule
        The schedule; its class says more.

    Raises
    ------
    TypeError, ValueError
        As `JoinedSchedule` raises them.

    See Also
    --------
    cosine_fast.JoinedSchedule : What it returns.
    cosine_fast.with_warmup : Puts a warmup before a schedule.

    Examples
    --------
    >>> from cosine_fast import ConstantSchedule, PolynomialDecay
    >>> schedule = join_schedules([PolynomialDecay(0.0, 10, 0.1), ConstantSchedule(0.1)], [10])
    >>> schedule([0, 5, 10, 20])
    array([0.  , 0.05, 0.1 , 0.1 ])
    """
    return JoinedSchedule(schedules, boundaries, offsets)


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

    See Also
    --------
    join_schedules : Joins any schedules.
    CosineDecay : A cosine that has a warmup of its own.

    Examples
    --------
    >>> from cosine_fast import InverseSquareRootDecay
    >>> schedule = with_warmup(InverseSquareRootDecay(0.1, timescale=100, shift=100), 100)
    >>> schedule([0, 50, 100, 400])
    array([0.  , 0.05, 0.1 , 0.05])
    """
    steps = whole_length("warmup_steps", warmup_steps)
    first = _schedule("schedule", schedule)._at(0)
    start = number_of("initial_learning_rate", initial_learning_rate)
    if steps == 0:
        return schedule
    line = PolynomialDecay(schedule.dtype.type(start), steps, first)
    return JoinedSchedule([line, schedule], [steps])
