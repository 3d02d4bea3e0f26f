"""What schedules share that consist of others: their segments, and checks of whole numbers of steps."""

from __future__ import annotations

import bisect
import operator
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from .._backend import shown
from . import _sums
from ._base import Formula
from ._checks import INT64_MAX, INT64_MIN, exact_of, number_of, received, steps_of


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
        self._take(given, dtype, signs, (*begins[1:], *offsets), name, tuple(flat), *distinct, children=schedules)

    @property
    def _segments(self) -> tuple[Segment, ...]:
        segments: tuple[Segment, ...] = self._key[3][0]
        return segments

    @property
    def _end(self) -> int | None:
        last = self._segments[-1]
        if last.sign < 0.0 or last.schedule._end is None:
            return None
        return max(0, last.begin, last.schedule._end + last.offset)

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        if not steps:
            return
        begin = operator.attrgetter("begin")
        first, after = (bisect.bisect(self._segments, step, key=begin) for step in (steps[0], steps[-1]))
        segments = self._segments[first - 1 : after]
        parts = _sums.split(steps, [segment.begin for segment in segments[1:]])
        for (schedule, _, offset, sign), part in zip(segments, parts, strict=True):
            if not part:  # a long stride passes over the segment
                continue
            own = range(part.start - offset, part.stop - offset, part.step)
            if sign < 0.0:
                own = range(-own.start, -own.stop, -own.step)[::-1]
            if INT64_MIN <= own[0] <= own[-1] <= INT64_MAX:
                yield from schedule._sum_parts(own, power, most)
            else:
                yield from _sums.walk(self, part, power, most)

    def _sum_begin(self, step: int) -> int:
        last = step - 1 if step > 0 else step  # the one that is farthest from 0
        after = bisect.bisect(self._segments, last, key=operator.attrgetter("begin"))
        schedule, first, offset, sign = self._segments[after - 1]
        own = schedule._sum_begin(step - offset)
        if own == step - offset:
            return step
        if step <= 0:
            return min(0, self._segments[after].begin) if after < len(self._segments) else 0
        return max(first, own + offset) if sign > 0.0 else first

    @property
    def _spans(self) -> list[tuple[Segment, int, int]]:
        """The segments from step 0 on, each with the step at which it begins and the one after its last."""
        segments = self._segments
        ends = [*(segment.begin for segment in segments[1:]), 2**63]
        return [(each, max(each.begin, 0), end) for each, end in zip(segments, ends, strict=True) if end > 0]

    @property
    def _warmup(self) -> int:
        """The end of the first segment's warmup, or of all of the first segment if it is one."""
        first, _, end = self._spans[0]
        if first.sign > 0.0 and first.schedule._warmup:
            return min(max(0, first.schedule._warmup + first.offset), end)
        return end if end < 2**63 and self._at(0) < self._at(max(end - 1, 1)) else 0

    @property
    def _joints(self) -> tuple[int, ...] | None:
        joints = {2**63}
        for (schedule, _, offset, sign), begin, end in self._spans:
            own, back = schedule._joints, sign < 0.0
            reached = (offset - end + 1, offset - begin) if back else (begin - offset, end - 1 - offset)
            if own is None or reached[0] < 0 or reached[1] >= own[-1]:
                return None
            shifted = (offset - joint + 1 if back else offset + joint for joint in own)
            joints |= {begin, *(joint for joint in shifted if begin < joint < end)}
        return tuple(sorted(joints))


def _flat(segment: Segment) -> list[Segment]:
    """Return the segment as a list; if its schedule is joined, that one's segments."""
    if not isinstance(segment.schedule, Joined):
        return [segment]
    return [
        own._replace(begin=max(segment.begin, own.begin + segment.offset), offset=own.offset + segment.offset)
        for own in segment.schedule._segments
    ]


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
