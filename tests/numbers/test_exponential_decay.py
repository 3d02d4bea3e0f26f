"""ExponentialDecay: against exact values, its exact points, and its class."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import INT64, assert_never_turns_back
from draws import steps_near_multiples
from family import EXPONENTIAL_DECAY, title


def test_random_steps(best, share):
    """50,000 values of 5,000 schedules are within the bound."""
    draw, worst, count = random.Random(2026), (0.0,), 0
    for _ in range(int(5000 * share)):
        p = EXPONENTIAL_DECAY.draw(draw)
        schedule = best.ExponentialDecay(**p)
        for step in steps_near_multiples(draw, p["decay_steps"], 11):
            worst = max(worst, (oracle.error("ExponentialDecay", schedule(step), step, p), step, str(p)))
            count += 1
    assert count > 50_000 * share
    assert worst[0] <= 1, worst


@pytest.mark.parametrize("p", EXPONENTIAL_DECAY.hard, ids=title)
def test_hard_parameters(best, p):
    """Extreme lengths and rates are within the bound."""
    draw, schedule = random.Random(1), best.ExponentialDecay(**p)
    for step in steps_near_multiples(draw, p["decay_steps"], 60):
        assert oracle.error("ExponentialDecay", schedule(step), step, p) <= 1, step


# ---- Exact points ----


@pytest.mark.parametrize("p", EXPONENTIAL_DECAY.hard, ids=title)
def test_exact_points(cf, p):
    """Step 0 has the initial rate."""
    schedule = cf.ExponentialDecay(**p)
    assert schedule(0) == schedule(0.0) == schedule(-0.0) == p["initial_learning_rate"]
    assert math.isnan(schedule(math.nan))


@pytest.mark.parametrize("rate", [0.7, -0.7, 1.5])
@pytest.mark.parametrize("D", [1, 3, 1000, 4687.5, 0.1, 2**40, 2**53 + 1, 2**60 + 7, 2.0**-30])
def test_stairs_begin_at_multiples(cf, D, rate):
    """A step at a multiple of decay_steps is on the next stair, the step before it is not."""
    schedule = cf.ExponentialDecay(1.0, D, rate, staircase=True)
    stairs = cf.ExponentialDecay(1.0, 1, rate, staircase=True)
    for count in (*range(-20, 21), 100, 101, 1000, -1001):
        at = Fraction(D) * count
        for step in (math.ceil(at) - 1, math.ceil(at), math.ceil(at) + 1):
            if INT64[0] <= step <= INT64[1]:
                want = math.floor(Fraction(step) / Fraction(D))
                assert schedule(step) == stairs(want) if abs(want) < 2**63 else True, (count, step)
    floats = [float(D * count) for count in range(-8, 9)] if D < 2**40 else []
    for step in (x for f in floats for x in (np.nextafter(f, -np.inf), f, np.nextafter(f, np.inf))):
        assert schedule(float(step)) == stairs(math.floor(Fraction(float(step)) / Fraction(D))), step


def test_stairs_are_whole_to_the_ends_of_int64(cf):
    """The sign of an alternating staircase tells an even stair from an odd one, however many there are."""
    draw = random.Random(3)
    for _ in range(400):
        D = draw.choice([1, 2, 3, draw.randint(1, 10**6), draw.randint(1, INT64[1]), draw.uniform(1e-9, 1e9), 2.0**-64])
        schedule = cf.ExponentialDecay(1.0, D, -1.0, staircase=True)
        for step in (*INT64, INT64[0] + 1, draw.randint(*INT64), 2**53 + 1, -(2**53) - 1, 2**52 + 1, 2**50 + 1):
            stair = math.floor(Fraction(step) / Fraction(D))
            if abs(stair) < 2**98:
                assert schedule(step) == (-1.0 if stair % 2 else 1.0), (D, step)


def test_rate_0(cf):
    """As 0 ** p."""
    for L0 in (0.3, -0.3, 0.0):
        schedule = cf.ExponentialDecay(L0, 10, 0.0)
        stairs = cf.ExponentialDecay(L0, 10, 0.0, staircase=True)
        for step in (5e-324, 1, INT64[1], 1e308, math.inf):
            assert schedule(step) == 0.0
            assert schedule(-step if step != INT64[1] else INT64[0]) == (L0 * math.inf if L0 else 0.0)
        assert [stairs(step) for step in (0, 9, 9.99, 10, 1e300, math.inf)] == [L0, L0, L0, 0.0, 0.0, 0.0]
        assert stairs(-1e-300) == stairs(-1) == (L0 * math.inf if L0 else 0.0)


def test_limits(cf):
    """Infinite steps give the limit, NaN where there is none."""
    inf, nan = math.inf, math.nan
    for rate, ends in ((0.5, (0.0, inf)), (2.0, (inf, 0.0)), (1.0, (3.0, 3.0)), (1 - 2**-53, (0.0, inf))):
        for stairs in (False, True):
            schedule = cf.ExponentialDecay(3.0, 2**63 - 1, rate, stairs)
            assert (schedule(inf), schedule(-inf)) == ends
    for rate, ends in ((-0.5, (0.0, nan)), (-2.0, (nan, 0.0)), (-1.0, (nan, nan))):
        schedule = cf.ExponentialDecay(3.0, 10, rate, True)
        np.testing.assert_equal((schedule(inf), schedule(-inf)), ends)


@pytest.mark.parametrize(
    "parameters",
    [
        (0.1, 100_000, 0.96),
        (0.1, 1000.1, 0.1),
        (1e-3, 2**40, 0.999),
        (1.0, 10**6, 1.5),
        (0.1, 7, 1 - 2**-50, True),
    ],
)
def test_never_turns_back(best, parameters):
    assert_never_turns_back(best.ExponentialDecay(*parameters), int(parameters[1]))


# ---- The class ----


@pytest.mark.parametrize(
    ("changes", "exception", "message"),
    [
        ({"decay_steps": 0}, ValueError, "`decay_steps` must be > 0. Received: decay_steps=0"),
        ({"decay_rate": math.nan}, ValueError, "`decay_rate` must be finite"),
        ({"decay_rate": "0.9"}, TypeError, "`decay_rate` must be a number"),
        ({"decay_rate": -0.5}, ValueError, "`decay_rate` must be >= 0 without `staircase`"),
        ({"initial_learning_rate": 1e302}, ValueError, "at most 2"),
        ({"initial_learning_rate": math.inf}, ValueError, "must be finite"),
        ({"staircase": 1}, TypeError, "`staircase` must be True or False"),
        ({"name": 5}, TypeError, "`name` must be a string"),
    ],
)
def test_errors(cf, changes, exception, message):
    """Keras's words, and the same style where it has none."""
    with pytest.raises(exception, match=message):
        cf.ExponentialDecay(**{"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.96, **changes})
