"""Sums of CosineDecay's rates over ranges of steps, and the first step at which a rate or a sum reaches a value.

`exact_sum` uses Python's integers, so that cancellation loses nothing; it does not depend on the backend. The kernel
evaluates the sums up to each step of an array; `CumulativeSum` makes them callable like a schedule. The first steps are
found by bisection in the kernel's own values, within ranges of steps in which these are monotonic.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from .._backend import kernel
from ._base import FLOAT64, INT64_MAX, Evaluation

# pi * 2**1024, rounded down: hex(int(mpmath.pi * 2**1024)) with mpmath.mp.prec = 1100. `_sine` takes at most 848 bits.
_PI = int(
    "3243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89452821e638d01377be546"
    "6cf34e90c6cc0ac29b7c97c50dd3f84d5b5b54709179216d5d98979fb1bd1310ba698dfb5ac2ffd72dbd01"
    "adfb7b8e1afed6a267e96ba7c9045f12c7f9924a19947b3916cf70801f2e2858efc16636920d871574e69",
    16,
)

_CHUNK = 1 << 16  # values searched for at a time, so that memory is bounded


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


def _sine(n: int, d: int, bits: int) -> int:
    """Return sin(pi * n / d) * 2**bits with an error of at most 2**8 (Taylor)."""
    n %= 2 * d
    sign, n = (1, n) if n <= d else (-1, n - d)
    term = total = (_PI >> (1024 - bits)) * min(n, d - n) // d
    square = term * term >> bits
    k = 1
    while term:
        term = (term * square >> bits) // (-(k + 1) * (k + 2))
        k += 2
        total += term
    return sign * total


def _sum_of_squares(n: int, first: int, stride: int, D: int) -> Fraction:
    """Return the sum of sin(pi/2D * (first + k * stride))**2 over 0 <= k < n (Dirichlet's kernel).

    It is exact where it is rational; else its relative error is below 2**-100.
    """
    # A sine of a multiple of pi/2D is 0 or at least 1/D, so the sum is 0 or at least 1/D**2. Its absolute error is less
    # than D**2 times the error of the sines, which therefore get 4 log2(D) extra bits.
    bits = 4 * D.bit_length() + 128
    if n > 1 and stride % (2 * D) == 0:
        return n * _sum_of_squares(1, first, stride, D)
    if n == 1:
        total = Fraction(_sine(first, 2 * D, bits) ** 2, 1 << (2 * bits))
    else:
        wave = _sine(n * stride, 2 * D, bits) * _sine(2 * first + (n - 1) * stride + D, 2 * D, bits)
        total = Fraction((n << bits) - wave // _sine(stride, 2 * D, bits), 1 << (bits + 1))
    # Four times the sum is 2n less a sum of roots of unity: an algebraic integer, so an integer if it is rational.
    nearest = Fraction(round(4 * total), 4)
    return nearest if abs(total - nearest) < Fraction(1, 1 << (bits - 2 * D.bit_length() - 30)) else total


def exact_sum(p: Parameters, steps: range) -> float:
    """Return the sum of the exact rates, rounded once; infinity if it is beyond all doubles."""
    left = max(0, -((steps.start - steps.stop) // steps.step))
    step, stride = steps.start, steps.step
    if stride < 0:
        step, stride = step + (left - 1) * stride, -stride
    peak, start, floor = Fraction(p.peak), Fraction(p.start), p.floor
    # Steps are counted in a unit that makes both lengths integers.
    D, D_unit = p.decay_steps.as_integer_ratio()
    W, W_unit = p.warmup_steps.as_integer_ratio()
    unit = max(D_unit, W_unit)
    D, W = D * (unit // D_unit), W * (unit // W_unit)
    step, stride = step * unit, stride * unit
    total = Fraction(0)

    def count_below(bound: int) -> int:
        return min(left, max(0, -((step - bound) // stride)))

    if W:
        n = count_below(W)
        total = n * start + (peak - start) * Fraction(n * step + n * (n - 1) // 2 * stride, W)
        step, left = step + n * stride, left - n
    if n := count_below(W + D):
        total += (peak - floor) * _sum_of_squares(n, W + D - step, -stride, D)
    total += left * floor
    try:
        return float(total)
    except OverflowError:
        return math.inf if total > 0 else -math.inf


class CumulativeSum(kernel.Function, Evaluation):
    """The sum of the rates of the steps 0 .. s-1, as a function of s that is called like a schedule."""

    __slots__ = ("_dtype", "_parameters")

    def __init__(self, parameters: Parameters, dtype: np.dtype[Any] = FLOAT64) -> None:
        self._parameters = parameters
        self._dtype = dtype
        self._fold("cosine_sums", parameters[:4], parameters[4:], dtype != FLOAT64)

    # Without a warmup the cosine goes on before step 0. The kernel does not have these sums, which are rarely used.

    def _before(self, step: int) -> float:
        return -exact_sum(self._parameters, range(step, 0))

    def __reduce__(self) -> tuple[Any, ...]:
        return CumulativeSum, (self._parameters, self._dtype)

    def _at(self, step: float) -> float:
        if isinstance(step, float):
            raise TypeError("Argument `steps` must be integers. Received: float")
        if step < 0 and not self._parameters.warmup_steps:
            return self._before(step)
        return super()._at(step)

    def _evaluate_any(self, array: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], threads: int) -> None:
        if array.dtype.kind == "f" and array.size:
            raise TypeError(f"Argument `steps` must be integers. Received: {array.dtype}")
        super()._evaluate_any(array, rates, threads)

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
def _sums_of(p: Parameters, dtype: np.dtype[Any]) -> CumulativeSum:
    return CumulativeSum(p, dtype)


def cumulative(p: Parameters, own_dtype: np.dtype[Any], steps: Any, out: Any, dtype: Any, num_threads: Any) -> Any:
    """Return the sum of the rates of the steps 0 .. s-1 for each s of `steps`."""
    return _sums_of(p, own_dtype)._call(steps, out, dtype, num_threads)


def step_at(p: Parameters, schedule: kernel.Function, rates: Any) -> Any:
    """Return the first step of the decay whose rate is at most as large."""
    wanted, shape = _numbers("learning_rate", rates)
    first, last = _decay(p)
    falls = p.peak >= p.floor
    return _answer(_search(schedule, operator.le, wanted, first, last if falls else first), shape)  # else they rise


def step_at_sum(p: Parameters, schedule: kernel.Function, totals: Any) -> Any:
    """Return the first step from 0 on at which the cumulative sum is at least as large."""
    wanted, shape = _numbers("total", totals)
    sums = _sums_of(p, FLOAT64)
    found = np.where(wanted <= 0.0, 0, -1)  # reached at once, even if the rates below 0 are rounded to 0
    for first, last in itertools.pairwise(_turns(p, schedule)):
        rises = schedule._at(first) >= 0.0 and schedule._at(last - 1) >= 0.0  # else the first sum is the largest
        steps = _search(sums, operator.ge, wanted, first, last if rises else first)
        found = np.where(found < 0, steps, found)
    return _answer(found, shape)


def _turns(p: Parameters, schedule: kernel.Function) -> list[int]:
    """Return steps, from 0 to the largest, between which the rates have one sign, so that the sums are monotonic."""
    turns = [0, INT64_MAX]
    if p.start < 0.0 or p.peak < 0.0 or p.floor < 0:
        turns = sorted({*turns, *_decay(p)})
        for first, last in itertools.pairwise(tuple(turns)):  # in each of these ranges the rates are monotonic
            other = operator.lt if schedule._at(first) >= 0.0 else operator.ge
            turns += [int(step) for step in _search(schedule, other, np.zeros(1), first, last - 1) if step > first]
    return sorted(turns)


def _decay(p: Parameters) -> tuple[int, int]:
    """Return the first step of the decay and the first step after it, at most the largest int64."""
    return math.ceil(p.warmup_steps), min(math.ceil(Fraction(p.warmup_steps) + Fraction(p.decay_steps)), INT64_MAX)


def _search(
    function: kernel.Function, reaches: Callable[[Any, Any], Any], wanted: np.ndarray[Any, Any], first: int, last: int
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
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        expected = f"Argument `{name}` must be a number or an array of numbers."
        raise TypeError(f"{expected} Received: {array.dtype} ({type(values).__name__})")
    with np.errstate(over="ignore"):
        return array.astype(np.float64).reshape(-1), array.shape


def _answer(steps: np.ndarray[Any, Any], shape: tuple[int, ...]) -> Any:
    """Return the steps in this shape; for one number an int, or None if there is no such step."""
    return steps.reshape(shape) if shape else None if steps[0] < 0 else int(steps[0])
