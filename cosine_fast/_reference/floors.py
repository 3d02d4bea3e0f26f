"""Exact floors of quotients, as in cosine_fast_floors.h: the same operations in the same order, or the same result.

A step s lies on stair floor(s / D). Where the header has a shorter way for small whole steps, all are computed here in
pairs: both are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .pairs import Pair, add, fast_two_sum, product_rest, where

SHIFT = 1.5 * 2.0**52  # a sum of it and a number below 2**51 in size is rounded to an integer
HUGE_STEP = 2.0**900


def nearest_integer(x: Any) -> Any:
    """For |x| < 2**51."""
    return (x + SHIFT) - SHIFT


def _minus_multiple(s: Pair, count: Any, D: Pair) -> Pair:
    """s - count * D, exact if it is a pair."""
    hi, lo = count * D.hi, count * D.lo
    s = add(s, Pair(-hi, -product_rest(count, D.hi, hi)))
    return add(s, Pair(-lo, -product_rest(count, D.lo, lo)))


def nearest_stairs(s: Pair, D: Pair, inverse: Any) -> tuple[Pair, Pair]:
    """The integer nearest to s / D, give or take one, and the rest, of either sign; inverse = 1 / D.hi.

    For |s| <= HUGE_STEP; exact up to 2**98 stairs.
    """
    quotient = s.hi * inverse
    whole = (quotient.view(np.uint64) & ~np.uint64(7)).view(np.float64)
    first = np.where(np.abs(quotient) < 2.0**50, nearest_integer(quotient), whole)
    rest = _minus_multiple(s, first, D)
    second = nearest_integer(rest.hi * inverse)
    return Pair(first, second), _minus_multiple(rest, second, D)


def stairs(s: Pair, D: Pair, inverse: Any) -> tuple[Pair, Pair]:
    """floor(s / D) and the rest, which is not negative, under the same conditions."""
    count, rest = nearest_stairs(s, D, inverse)
    below = rest.hi < 0.0
    return fast_two_sum(count.hi, np.where(below, count.lo - 1.0, count.lo)), where(below, add(rest, D), rest)


def is_odd(count: Pair) -> Any:
    """Whether an integer is odd."""
    return (np.abs(np.fmod(count.hi, 2.0)) == 1.0) ^ (np.abs(np.fmod(count.lo, 2.0)) == 1.0)
