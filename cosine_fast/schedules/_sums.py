"""Sums of a schedule's rates over ranges of steps, and the first step at which a rate or a sum reaches a value.

Sums are fractions, made of whole numbers, so that cancellation loses nothing; they are rounded once. Where a schedule
has a closed form, it is the sum of the exact rates; else it is that of its own float64 rates, step by step. The first
steps are found by bisection, within ranges of steps in which rates or sums are monotonic.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from .._backend import kernel
from ._checks import FLOAT64, INT64_MAX, array_of, nearest
from ._evaluation import Evaluation, range_of_steps

# pi * 2**1344, rounded down: hex(int(mpmath.pi * 2**1344)) with mpmath.mp.prec = 1400. `_sine` takes at most 1336 bits.
_PI = int(
    "3243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89452821e638d01377be546"
    "6cf34e90c6cc0ac29b7c97c50dd3f84d5b5b54709179216d5d98979fb1bd1310ba698dfb5ac2ffd72dbd01"
    "adfb7b8e1afed6a267e96ba7c9045f12c7f9924a19947b3916cf70801f2e2858efc16636920d871574e69a"
    "458fea3f4933d7e0d95748f728eb658718bcd5882154aee7b54a41dc25a59b59c30d5392af26013",
    16,
)

LONGEST = 180  # binary digits of a decay's length that `wave` takes
_CHUNK = 1 << 14  # values made or searched for at a time: they fit the second-level cache
_MOST_SEARCHED = 1 << 32  # steps that are evaluated one by one in search of a value


# ---- Sums of one shape, over rising steps ----


def count(steps: range) -> int:
    """Return the number of steps; len() fails beyond sys.maxsize."""
    return max(0, -((steps.start - steps.stop) // steps.step))


def split(steps: range, bounds: Iterable[int]) -> Iterator[range]:
    """Yield the steps before each of the bounds, which rise as the steps do, and those from the last one on."""
    for bound in bounds:
        n = max(0, -((steps.start - bound) // steps.step))
        yield steps[:n]
        steps = steps[n:]
    yield steps


def affine(n: int, floor: Fraction, amplitude: Fraction, moment: Callable[[int], Fraction], power: int) -> Fraction:
    """Return the sum of (floor + amplitude * w)**power over n values w, of whose powers j `moment(j)` is the sum."""
    if power == 1:
        return n * floor + amplitude * moment(1)
    return n * floor**2 + amplitude * (2 * floor * moment(1) + amplitude * moment(2))


def sum_of_powers(n: int, first: int, stride: int, power: int) -> int:
    """Return the sum of (first + k * stride)**power over 0 <= k < n, by Newton's forward differences."""
    values = [(first + k * stride) ** power for k in range(power + 1)]
    total, choose = 0, n
    for k in range(power + 1):
        total += choose * values[0]
        values = [after - before for before, after in itertools.pairwise(values)]
        choose = choose * (n - k - 1) // (k + 2)
    return total


def curve(
    steps: range, zero: Fraction, length: Fraction, exponent: int, floor: Fraction, amplitude: Fraction, power: int
) -> Fraction:
    """Return the sum of (floor + amplitude * ((zero - s) / length)**exponent)**power."""
    unit = zero.denominator
    n, first, stride = count(steps), int((zero - steps.start) * unit), -steps.step * unit

    def moment(j: int) -> Fraction:
        return sum_of_powers(n, first, stride, exponent * j) / (length * unit) ** (exponent * j)

    return affine(n, floor, amplitude, moment, power)


def _sine(n: int, d: int, bits: int) -> int:
    """Return sin(pi * n / d) * 2**bits with an error of at most 2**8 (Taylor)."""
    n %= 2 * d
    sign, n = (1, n) if n <= d else (-1, n - d)
    term = total = (_PI >> (1344 - bits)) * min(n, d - n) // d
    square = term * term >> bits
    k = 1
    while term:
        term = (term * square >> bits) // (-(k + 1) * (k + 2))
        k += 2
        total += term
    return sign * total


def _sum_of_squares(n: int, first: int, stride: int, D: int, bits: int) -> Fraction:
    """Return the sum of sin(pi/2D * (first + k * stride))**2 over 0 <= k < n (Dirichlet's kernel).

    It is exact where it is rational; else its absolute error is below D**2 * 2**(28 - bits).
    """
    if n > 1 and stride % (2 * D) == 0:
        return n * _sum_of_squares(1, first, stride, D, bits)
    if n == 1:
        total = Fraction(_sine(first, 2 * D, bits) ** 2, 1 << (2 * bits))
    else:
        wave = _sine(n * stride, 2 * D, bits) * _sine(2 * first + (n - 1) * stride + D, 2 * D, bits)
        total = Fraction((n << bits) - wave // _sine(stride, 2 * D, bits), 1 << (bits + 1))
    # Four times the sum is 2n less a sum of roots of unity: an algebraic integer, so an integer if it is rational.
    nearest = Fraction(round(4 * total), 4)
    return nearest if abs(total - nearest) < Fraction(1, 1 << (bits - 2 * D.bit_length() - 30)) else total


def wave(steps: range, end: Fraction, length: Fraction, floor: Fraction, amplitude: Fraction, power: int) -> Fraction:
    """Return the sum of (floor + amplitude * sin(pi / 2 * (end - s) / length)**2)**power.

    The relative error of the sum of the sines' powers is below 2**-100.
    """
    # Steps are counted in a unit that makes both numbers integers.
    unit = math.lcm(end.denominator, length.denominator)
    n, first, stride, D = count(steps), int((end - steps.start) * unit), -steps.step * unit, int(length * unit)
    # A sine of a multiple of pi/2D is 0 or at least 1/D, so the sum of its squares is 0 or at least 1/D**2, that of its
    # fourth powers 1/D**4. The absolute error is D**2 times that of the sines, which therefore get as many extra bits.
    bits = (2 + 2 * power) * D.bit_length() + 128 * power

    def moment(j: int) -> Fraction:
        squares = _sum_of_squares(n, first, stride, D, bits)
        # sin(x)**4 = sin(x)**2 - sin(2x)**2 / 4
        return squares if j == 1 else squares - _sum_of_squares(n, 2 * first, 2 * stride, D, bits) / 4

    return affine(n, floor, amplitude, moment, power)


class Parameters(NamedTuple):
    """The parameters of a CosineDecay, checked; without a warmup start is the peak and warmup_steps is 0."""

    peak: float
    alpha: float
    start: float
    absolute: float  # 1.0: the floor is alpha, not peak * alpha
    decay_steps: int | float
    warmup_steps: int | float

    @property
    def floor(self) -> Fraction:
        """The rate from the end of the decay on, exactly."""
        return Fraction(self.alpha) if self.absolute else Fraction(self.peak) * Fraction(self.alpha)


def exact_sum(p: Parameters, steps: range, power: int = 1) -> Fraction:
    """Return the sum of the exact rates of a CosineDecay, or of their powers."""
    peak, start, D, W = (Fraction(x) for x in (p.peak, p.start, p.decay_steps, p.warmup_steps))
    warmup, decay, rest = split(steps, (math.ceil(W) if W else steps.start, math.ceil(W + D)))
    total = count(rest) * p.floor**power
    if warmup:
        total += curve(warmup, Fraction(0), W, 1, start, start - peak, power)
    if decay:
        total += wave(decay, W + D, D, p.floor, peak - p.floor, power)
    return total


# ---- Sums of a schedule ----


def walk(schedule: Sums, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
    """Yield parts of the sum of the schedule's own float64 rates, or of their squares, each rounded, step by step.

    The steps rise. Those from the end of the schedule on are not gone through.
    """
    if schedule._end is not None:
        steps, rest = split(steps, [schedule._end])
        if rest:
            yield count(rest) * _exact(np.array([schedule._at(rest[0])]), power)
    if most is not None and count(steps) > most:
        raise _not_within_limit(schedule)
    for _, rates in _chunks(schedule, steps):
        yield _exact(rates, power)


def _not_within_limit(schedule: Sums) -> ValueError:
    return ValueError(
        f"The value is not reached within {_MOST_SEARCHED} steps, and those of this schedule are evaluated one by one. "
        f"Received: {schedule!r}"
    )


def _chunks(schedule: Sums, steps: range) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
    """Yield the first steps and the rates of parts of the range, short ones first: a search may end there."""
    done, n = 0, count(steps)
    while done < n:
        some = steps[done : done + min(max(done, 1024), _CHUNK)]
        rates = np.empty(len(some))
        schedule._fill(some.start, (some.step + 2**63) % 2**64 - 2**63, rates, 0)
        yield some.start, rates
        done += len(some)


def _exact(rates: np.ndarray[Any, Any], power: int) -> Fraction | float:
    """Return the sum of at most _CHUNK floats, exactly, or of their powers; if some are not finite, of these."""
    with np.errstate(all="ignore"):
        values = rates**power
        if not (finite := np.isfinite(values)).all():
            return float(values[~finite].sum())
        if values.size <= 32:
            return sum(map(Fraction, values.tolist()), Fraction(0))
        total = Fraction(0)
        while largest := np.abs(values).max():  # for rates of similar size two rounds
            unit = math.frexp(largest)[1] - 48  # so that 2**14 leading parts fit into int64
            leading = np.trunc(_shifted(values, -unit))
            values = values - _shifted(leading, unit)
            total += int(leading.astype(np.int64).sum()) * Fraction(2) ** unit
        return total


def _shifted(values: np.ndarray[Any, Any], digits: int) -> np.ndarray[Any, Any]:
    return values * 2.0**digits if abs(digits) < 1000 else np.ldexp(values, digits)  # the product is quicker


def _added(parts: Iterable[Fraction | float]) -> Fraction | float:
    """Return the sum of fractions, or of the infinities and NaN among them."""
    parts = list(parts)
    return sum(part for part in parts if isinstance(part, float)) or sum(parts, Fraction(0))


class OfWholeSteps(Evaluation):
    """A function of whole steps, which is called like a schedule."""

    __slots__ = ()

    def _call(self, step: Any, *options: Any, **named: Any) -> Any:
        if isinstance(step, float):
            raise TypeError(f"Argument `steps` must be integers. Received: {type(step).__name__}")
        return super()._call(step, *options, **named)

    def _evaluate_any(self, array: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], threads: int) -> None:
        if array.dtype.kind == "f" and array.size:
            raise TypeError(f"Argument `steps` must be integers. Received: {array.dtype}")
        super()._evaluate_any(array, rates, threads)


class CumulativeSum(OfWholeSteps):
    """The sum of the rates of the steps 0 .. s-1, as a function of s.

    A call reuses the sums that it has made at other steps. `most` is how many steps a search may evaluate; with it the
    sums are also kept for the next call, so that only one thread may call. Without it several threads may.
    """

    __slots__ = ("_dtype", "_known", "_most", "_schedule")

    def __init__(self, schedule: Sums, dtype: np.dtype[Any], most: int | None = None) -> None:
        self._schedule = schedule
        self._dtype = dtype
        self._most = most
        self._known: list[tuple[int, Fraction | float]] = [(0, Fraction(0))]

    def _sum(self, known: list[tuple[int, Fraction | float]], step: int) -> float:
        begin = self._schedule._sum_begin(step)
        if not min(step, 0) <= begin <= max(step, 0):
            begin = 0
        total = self._known_sum(known, begin)
        return nearest(total if begin == step else _added([total, *self._parts(begin, step)]))

    def _known_sum(self, known: list[tuple[int, Fraction | float]], step: int) -> Fraction | float:
        i = bisect.bisect_left(known, step, key=operator.itemgetter(0))
        if i == len(known) or known[i][0] != step:
            near, total = known[i - 1 if step > 0 else i]
            known.insert(i, (step, _added([total, *self._parts(near, step)])))
        total = known[i][1]
        if len(known) > 1000:
            known[:] = [each for k, each in enumerate(known) if k % 2 or each[0] == 0]
        return total

    def _parts(self, begin: int, step: int) -> Iterator[Fraction | float]:
        """Yield parts of the sum up to `step` less that up to `begin`, which is not farther from 0."""
        sign = 1 if step > 0 else -1
        for part in self._schedule._sum_parts(range(min(begin, step), max(begin, step)), 1, self._most):
            yield sign * part

    def _at(self, step: float) -> float:
        return self._sum(self._known if self._most else self._known.copy(), int(step))

    def _evaluate(self, steps: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], num_threads: int) -> None:
        values, where = np.unique(steps, return_inverse=True)
        known, totals = self._known if self._most else self._known.copy(), np.empty(values.size)
        zero = int(np.searchsorted(values, 0))
        for k in (*range(zero, values.size), *range(zero - 1, -1, -1)):  # each is the next one to a known one
            totals[k] = self._sum(known, int(values[k]))
        with np.errstate(over="ignore"):
            rates[...] = totals[where].reshape(steps.shape)

    def _fill(self, start: int, step: int, rates: np.ndarray[Any, Any], num_threads: int) -> None:
        for done in range(0, rates.size, _CHUNK):
            some = rates[done : done + _CHUNK]
            first = (start + done * step + 2**63) % 2**64 - 2**63
            self._evaluate(np.int64(first) + np.arange(some.size, dtype=np.int64) * np.int64(step), some, num_threads)


class CosineSum(kernel.Function, OfWholeSteps):
    """The same for a CosineDecay, by the kernel."""

    __slots__ = ("_dtype", "_parameters")

    def __init__(self, parameters: Parameters, dtype: np.dtype[Any] = FLOAT64) -> None:
        self._parameters = parameters
        self._dtype = dtype
        self._fold("cosine_sums", parameters[:4], parameters[4:], dtype != FLOAT64)

    def __reduce__(self) -> tuple[Any, ...]:
        return CosineSum, (self._parameters, self._dtype)

    # Without a warmup the cosine goes on before step 0. The kernel does not have these sums, which are rarely used.

    def _before(self, step: int) -> float:
        return -nearest(exact_sum(self._parameters, range(step, 0)))

    def _at(self, step: float) -> float:
        if step < 0 and not self._parameters.warmup_steps:
            return self._before(int(step))
        return super()._at(step)

    def _evaluate(self, steps: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], num_threads: int) -> None:
        before = []
        if not self._parameters.warmup_steps and steps.dtype.kind == "i":
            before = [(index, self._before(int(steps[index]))) for index in map(tuple, np.argwhere(steps < 0))]
        super()._evaluate(steps, rates, num_threads)
        with np.errstate(over="ignore"):
            for index, total in before:  # computed before `rates` was written, which may be the steps' memory
                rates[index] = total

    def _fill(self, start: int, step: int, rates: np.ndarray[Any, Any], num_threads: int) -> None:
        super()._fill(start, step, rates, num_threads)
        if not self._parameters.warmup_steps:
            with np.errstate(over="ignore"):
                for i in np.flatnonzero(np.isnan(rates)):
                    rates[i] = self._before((start + int(i) * step + 2**63) % 2**64 - 2**63)


@functools.lru_cache(maxsize=64)  # in pure Python one takes longer to make than to evaluate
def cosine_sum(p: Parameters, dtype: np.dtype[Any]) -> CosineSum:
    return CosineSum(p, dtype)


class Sums(Evaluation):
    """The methods of a schedule that are about sums, and what a class has for them."""

    __slots__ = ()

    def _sum_parts(self, steps: range, power: int, most: int | None) -> Iterator[Fraction | float]:
        """Yield parts of the sum of the rates of rising steps, or of their squares: fractions, infinities and NaN.

        Going through more than `most` steps raises ValueError. A class with a closed form has a method of its own.
        """
        return walk(self, steps, power, most)

    def _sum_begin(self, step: int) -> int:
        """The step where `cumulative` begins its last addition for the sum up to `step`; 0 if it lies beyond 0.

        It is `step` itself if sums are exact: `cumulative` may then continue any sum that it knows. A closed form with
        an error must always begin at the same step, or the last bit would depend on the other steps of an array.
        """
        return step

    def _cumulative_sum(self, dtype: np.dtype[Any], most: int | None = None) -> Evaluation:
        return CumulativeSum(self, dtype, most)

    @property
    def _end(self) -> int | None:
        """The first step >= 0 from which on the rate stays the same; None if it never does."""
        return None

    @property
    def _warmup(self) -> int:
        """The end of the warmup, from which on `step_at` searches."""
        return 0

    @property
    def _joints(self) -> tuple[int, ...] | None:
        """Rising steps from 0 on, such that from each to the one before the next the rates are monotonic.

        The last one is 2**63, or else no rate from it on is below all before it. None: no such steps are known.
        """
        return 0, INT64_MAX + 1

    def sum(self, start: SupportsIndex, stop: SupportsIndex | None = None, step: SupportsIndex = 1) -> float:
        """Return the sum of the learning rates of a range of steps.

        With a closed form it takes some tens of microseconds, however many steps there are. Lines, constants, cosines,
        whole powers and exponentials have one; the page on sums lists them. All others are gone through up to the
        step from which on the rate stays the same, at some nanoseconds a step.

        Parameters
        ----------
        start, stop, step : int
            The steps ``range(start, stop, step)``; ``sum(n)`` is for ``range(n)``. They must lie within int64.

        Returns
        -------
        float
            The sum of the exact rates, or without a closed form that of the float64 rates, correctly rounded, also if
            the schedule's own rates are float32. Infinity if it is beyond all floats, 0.0 for no steps.

        Raises
        ------
        TypeError, ValueError
            As range() raises them.
        OverflowError
            If a step is beyond int64.

        See Also
        --------
        sum_of_squares : The same of the squares.
        cumulative : The sums up to each step of an array.
        step_at_sum : The step at which the sum is reached.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.sum(100), schedule.sum(100, 1000), schedule.sum(10**12)
        (0.0495, 0.4505, 0.5)
        >>> schedule.sum(999, 1000) == schedule(999)
        True
        """
        return _sum("sum", self, start, stop, step, 1)

    def sum_of_squares(self, start: SupportsIndex, stop: SupportsIndex | None = None, step: SupportsIndex = 1) -> float:
        """Return the sum of the squares of the learning rates of a range of steps.

        It is computed as `sum` is, and takes as long. Without a closed form each square is rounded to float64.

        Parameters
        ----------
        start, stop, step : int
            As for `sum`.

        Returns
        -------
        float
            The sum, correctly rounded.

        Raises
        ------
        TypeError, ValueError, OverflowError
            As `sum` raises them.

        See Also
        --------
        sum : The same of the rates themselves.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> CosineDecay(1.0, decay_steps=900).sum_of_squares(901)
        338.0
        """
        return _sum("sum_of_squares", self, start, stop, step, 2)

    def cumulative(
        self, steps: Any, *, out: np.ndarray[Any, Any] | None = None, dtype: Any = None,
        num_threads: SupportsIndex | None = None,
    ) -> Any:  # fmt: skip
        """Return the sum of the learning rates of the steps 0 .. s-1, for each s of an array.

        CosineDecay's take some nanoseconds each; without a warmup, those of s < 0 some tens of microseconds. Those of
        other schedules are made one by one as by `sum`, in tens of microseconds each; without a closed form all steps
        are gone through once.

        Parameters
        ----------
        steps : int or array_like of int
            As in a call, but no floats. For s < 0 it is the sum of the steps s .. -1, negated.
        out, dtype, num_threads : optional
            As in a call.

        Returns
        -------
        float or numpy.ndarray
            The sums, as a call returns rates; infinity beyond all floats. They are those of `sum`. CosineDecay's are,
            if no rate is negative, within 1.2e-15 of these (typically 2e-16), or within 5e-324 for each step,
            where rates are subnormal; and they never fall from one s to the next.

        Raises
        ------
        TypeError, ValueError, OverflowError
            As a call raises them; TypeError also for floats.

        See Also
        --------
        sum : The sum of any range.
        step_at_sum : The step at which the sum is reached.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.cumulative([0, 1, 2, 100, 550, 1000, 10**12])
        array([0.00000000e+00, 0.00000000e+00, 1.00000000e-05, 4.95000000e-02,
               4.17989303e-01, 5.00000000e-01, 5.00000000e-01])
        """
        return self._cumulative_sum(self._dtype)._call(steps, out, dtype, num_threads)

    def step_at(self, learning_rate: Any) -> Any:
        """Return the first step after the warmup whose rate is at or below a learning rate.

        Where the rates are monotonic between known steps, it is found by bisection. Where these steps are unknown or
        too many, as for a CosineAnnealing of fractional length, all steps are gone through, at some nanoseconds each.
        The page on sums says which way each schedule takes.

        Parameters
        ----------
        learning_rate : float or array_like of float
            The learning rate, taken as float64. NaN is never reached.

        Returns
        -------
        int or None, or numpy.ndarray of int64
            For one number the step, or None if the rate is never so low; for an array the steps, -1 for never. It is
            the first of all steps s after the warmup, or from 0 on, whose ``schedule(s)``, in float64, is
            ``<= learning_rate``. If the floor is subnormal, and not 0, a rate before it may be a unit, 5e-324, lower
            than it, and be overlooked.

        Raises
        ------
        TypeError
            If `learning_rate` is neither a number nor an array of numbers.
        ValueError
            If the answer is unknown after 2**32 steps have been gone through.

        See Also
        --------
        step_at_sum : The step at which the sum is reached.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> schedule = CosineDecay(0.0, decay_steps=900, alpha=0.1, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.step_at(5e-4), schedule.step_at(0.0)
        (582, None)
        >>> schedule.step_at([1e-3, 1e-4, 9e-5])
        array([ 100, 1000,   -1])
        """
        wanted, shape = _numbers("learning_rate", learning_rate)
        found = np.where(np.isnan(wanted), -1, -2)  # -2: not yet
        warmup, joints = self._warmup, self._joints
        if joints is None:
            for first, rates in _scan(self, warmup):
                lowest = np.fmin.accumulate(rates)
                sought = (found == -2) & (wanted >= lowest[-1])
                found[sought] = first + np.searchsorted(-lowest, -wanted[sought])
                if np.all(found > -2):
                    break
        else:
            for first, after in itertools.pairwise((warmup, *(joint for joint in joints if joint > warmup))):
                begin, end = self._at(first), self._at(after - 1)
                sought = (found == -2) & (wanted >= min(begin, end))
                if np.any(sought):
                    last = after - 1 if end <= begin else first
                    found[sought] = _search(self, operator.le, wanted[sought], first, last)
        return _answer(np.maximum(found, -1), shape)

    def step_at_sum(self, total: Any) -> Any:
        """Return the first step at which the sum of all rates before it reaches a total.

        It is found by bisection of the sums. Without a closed form the steps are gone through as by `sum`, up to twice
        the step that is returned. They are gone through, too, where `step_at` does that, to see where rates change
        their sign.

        Parameters
        ----------
        total : float or array_like of float
            The total, taken as float64. NaN is never reached; 0 and less is reached at step 0.

        Returns
        -------
        int or None, or numpy.ndarray of int64
            For one number the step, or None if the sum never gets so high; for an array the steps, -1 for never. It is
            the first s >= 0 whose ``cumulative(s)``, in float64, is ``>= total``.

        Raises
        ------
        TypeError
            If `total` is neither a number nor an array of numbers.
        ValueError
            If the answer is unknown after 2**32 steps have been gone through.

        See Also
        --------
        sum : The sum of any range.
        step_at : The step at which a rate is reached.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
        >>> schedule.step_at_sum(0.25), schedule.step_at_sum(0.6)
        (310, None)
        >>> bool(schedule.cumulative(309) < 0.25 <= schedule.cumulative(310))
        True
        """
        wanted, shape = _numbers("total", total)
        found = np.where(wanted <= 0.0, 0, -1)  # reached at once, even if the rates below 0 are rounded to 0
        sums = self._cumulative_sum(FLOAT64, _MOST_SEARCHED)
        for first, last in _pieces(self):
            if not np.any((found < 0) & ~np.isnan(wanted)):
                break
            if self._at(first) >= 0.0:  # else the sums fall
                sought = (found < 0) & (wanted <= sums._at(last))
                if np.any(sought):
                    found[sought] = _search(sums, operator.ge, wanted[sought], first, last)
        return _answer(found, shape)


def _sum(function: str, schedule: Sums, start: Any, stop: Any, step: Any, power: int) -> float:
    steps = range_of_steps(function, start, stop, step)
    return nearest(_added(schedule._sum_parts(steps if steps.step > 0 else steps[::-1], power, None)))


# ---- The inverses ----


def _pieces(schedule: Sums) -> Iterator[tuple[int, int]]:
    """Yield ranges from 0 to the largest step in which the rates have one sign, so that the sums are monotonic.

    A range has at most 1024 steps, or as many as come before it. So a search that adds rates step by step ends soon
    after the step that it looks for.
    """
    joints = schedule._joints
    turns = {0, INT64_MAX, *(2**k for k in range(10, 63))}
    mixed = False
    for first, after in itertools.pairwise(joints or ()):
        signs = {schedule._at(first) >= 0.0, schedule._at(after - 1) >= 0.0}
        mixed |= False in signs
        if len(signs) > 1:
            other = operator.lt if schedule._at(first) >= 0.0 else operator.ge
            turns.update(_search(schedule, other, np.zeros(1), first, after - 1).tolist())
    if joints and not (mixed and joints[-1] <= INT64_MAX):
        yield from itertools.pairwise(sorted({*turns, *joints[:-1]} if mixed else turns))
        return
    last = 0
    for first, rates in _scan(schedule, 0):
        for turn in [first, *(first + 1 + np.flatnonzero(np.diff(rates >= 0.0))).tolist()]:
            if turn > last:
                yield last, turn
            last = turn
    yield last, INT64_MAX


def _scan(schedule: Sums, first: int) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
    """Yield steps and as many rates as are computed at a time, from the first step on, up to the schedule's end."""
    end = schedule._end
    last = INT64_MAX if end is None else max(end, first)
    steps = range(first, min(last, INT64_MAX, first + _MOST_SEARCHED - 1) + 1)
    yield from _chunks(schedule, steps)
    if end is None or end >= steps.stop:
        raise _not_within_limit(schedule)


def _search(
    function: Evaluation, reaches: Callable[[Any, Any], Any], wanted: np.ndarray[Any, Any], first: int, last: int
) -> np.ndarray[Any, Any]:
    """Return for each of `wanted` the first step from first to last whose float64 value reaches it; -1 for none."""
    if wanted.size == 1:  # faster without arrays

        def there(step: int) -> bool:
            return bool(reaches(function._at(step), wanted[0]))

        steps = range(first, last + 1)
        return np.array([steps[bisect.bisect_left(steps, True, 0, last - first, key=there)] if there(last) else -1])
    if wanted.size > _CHUNK:
        parts = np.array_split(wanted, -(-wanted.size // _CHUNK))
        return np.concatenate([_search(function, reaches, part, first, last) for part in parts])
    low, high = np.full(wanted.shape, first, np.int64), np.full(wanted.shape, last, np.int64)
    values = np.empty(wanted.shape)
    function._evaluate(high, values, 0)
    never = ~reaches(values, wanted)
    while np.any(apart := low < high):
        middle = low + (high - low) // 2
        function._evaluate(middle, values, 0)
        reached = reaches(values, wanted)
        low, high = np.where(apart & ~reached, middle + 1, low), np.where(apart & reached, middle, high)
    return np.where(never, -1, low)


def _numbers(name: str, values: Any) -> tuple[np.ndarray[Any, Any], tuple[int, ...]]:
    """Return the numbers as a one-dimensional array, and their shape."""
    array = array_of(name, values)
    with np.errstate(over="ignore"):
        return array.astype(np.float64).reshape(-1), array.shape


def _answer(steps: np.ndarray[Any, Any], shape: tuple[int, ...]) -> Any:
    """Return the steps in this shape; for one number an int, or None if there is no such step."""
    return steps.reshape(shape) if shape else None if steps[0] < 0 else int(steps[0])
