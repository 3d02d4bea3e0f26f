"""PolynomialDecay: against exact values, its exact points, and its class."""

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
from family import POLYNOMIAL_DECAY, polynomial_decay, title

BOUND = 1.0  # ULP, for the usual curves


def test_random_steps(best, share):
    """50,000 values of 5,000 schedules are within the bound."""
    draw, worst, count = random.Random(2026), (0.0,), 0
    for _ in range(int(5000 * share)):
        p = POLYNOMIAL_DECAY.draw(draw)
        schedule = best.PolynomialDecay(**p)
        for step in steps_near_multiples(draw, p["decay_steps"], 11):
            worst = max(worst, (oracle.error("PolynomialDecay", schedule(step), step, p), step, str(p)))
            count += 1
    assert count > 50_000 * share
    assert worst[0] <= 1, worst


def test_random_edges(best, share):
    """Rates of every size and sign, powers of either sign, steps at the zeros and of every size: 20,000 values."""
    draw, worst = random.Random(17), (0.0,)
    for _ in range(int(4000 * share)):
        L0, D = 10 ** draw.uniform(-323, 300), draw.choice([2 ** draw.uniform(-64, 62), draw.randint(1, 2**63 - 1)])
        end = draw.choice([1, -1]) * draw.choice([L0 * draw.uniform(0, 3), 10 ** draw.uniform(-323, 300)])
        power = draw.choice([1, -1]) * 2 ** draw.uniform(*draw.choice([(-64, 64), (-4, 4)]))
        cycle = draw.random() < 0.5
        p = polynomial_decay(L0, D, end, power, cycle)
        schedule = best.PolynomialDecay(**p)
        with np.errstate(all="ignore"):
            zero = np.nan_to_num(D * (1 - abs(np.float64(end) / (end - L0)) ** (1 / power)))
        steps = [float(zero), D * 2 ** draw.uniform(-60, 98), draw.choice([1, -1]) * 2 ** draw.uniform(-1070, 1000)]
        for step in (*steps, *steps_near_multiples(draw, D, 2)):
            if abs(step) <= 2**98 * D or not cycle:
                worst = max(worst, (oracle.error("PolynomialDecay", schedule(step), step, p), step, str(p)))
    assert worst[0] <= 1, worst


@pytest.mark.parametrize(
    ("step", "parameters"),
    [
        (292.893, (0.1, 1000, -0.1, 2.0)),  # 71 ULP of the rate
        (443218717210294, (0.18499873243613058, 504402133334978, 0.283781363893958, -0.5)),
        (4718981.135285639, (0.0, 30264681, 1.5868159057625935, 2.0)),  # 1.27
        (2.324875773371308e18, (7.830999702794829e300, 7893616841547795778, 0.0, 3986.5272623271853)),  # 2.13
        (546832.2411436776, (2.2250738585072014e-308, 611006, -2.2250739504715244e-308, 0.46683988452242847)),
        (-3.551837481791923e26, (3e-310, 9931641002419.293, 2.99999999999994e-310, 1.0)),
    ],
)
def test_where_less_is_promised(cf, step, parameters):
    """A zero within the decay, a rise from zero, a rate far below the start, tiny rates: more than 1 ULP."""
    p = polynomial_decay(*parameters, False)
    value = cf.PolynomialDecay(**p)(step)
    assert oracle.ulps(value, oracle.polynomial(step, **p)) > 1
    assert oracle.error("PolynomialDecay", value, step, p) <= 1


@pytest.mark.parametrize("D", [1.74e-18, 0.3, 1000, 2**60 + 7])
def test_past_the_last_cycle(cf, D):
    """Past 2**98 cycles a rate is one of its cycle's."""
    schedule = cf.PolynomialDecay(0.0207, D, 0.5488508023622364, 0.000176, cycle=True)
    steps = np.array([2**63 - 1, *2.0 ** np.linspace(99 + math.log2(D), 1000, 2000)])
    steps = steps[steps > 2**98 * D]
    first = 0.5488508023622364 - 0.5281508023622364 * (D / steps) ** 0.000176
    rates = schedule(steps)
    assert ((rates >= first * (1 - 1e-15)) & (rates <= 0.5488508023622364)).all()


@pytest.mark.parametrize("p", POLYNOMIAL_DECAY.hard, ids=title)
def test_hard_parameters(best, p):
    """Extreme lengths, rates and powers are within the bound."""
    draw, schedule = random.Random(1), best.PolynomialDecay(**p)
    for step in steps_near_multiples(draw, p["decay_steps"], 60):
        assert oracle.error("PolynomialDecay", schedule(step), step, p) <= 1, step


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 2.0**64])
@pytest.mark.parametrize("cycle", [False, True])
@pytest.mark.parametrize("L0", [0.0, 1e-5])
def test_steps_as_small_as_can_be(cf, L0, power, cycle):
    """A curve that rises from zero has its relative accuracy at any distance from step 0."""
    for D in (1000, 0.7, 2**60 + 1):
        schedule = cf.PolynomialDecay(L0, D, 1.0, power, cycle)
        for step in (5e-324, 3e-310, 1e-250, 2.0**-700, 2.0**-701, 1e-100, -1e-200, -3e-300):
            exact = oracle.polynomial(step, L0, D, 1.0, power, cycle)
            assert oracle.ulps(schedule(step), exact) <= BOUND, (D, step)


# ---- Exact points ----


def test_tiny_rates_far_below_zero(cf):
    """A line goes on as far as floats go."""
    value = cf.PolynomialDecay(1.7338109677663085e-127, 214, 0.0)(-1e22)
    assert oracle.ulps(value, oracle.polynomial(-1e22, 1.7338109677663085e-127, 214, 0.0)) <= BOUND


@pytest.mark.parametrize("p", POLYNOMIAL_DECAY.hard, ids=title)
def test_exact_points(cf, p):
    """Step 0 has the initial rate, the end and every cycle's end the end rate."""
    schedule, D, end = cf.PolynomialDecay(**p), Fraction(p["decay_steps"]), p["end_learning_rate"]
    assert schedule(0) == schedule(0.0) == schedule(-0.0) == p["initial_learning_rate"]
    assert math.isnan(schedule(math.nan))
    if p["power"] <= 0:
        return
    assert schedule(math.inf) == end
    ends = [D * m for m in (1, 2, 3, 10, 2**20, 2**40 + 1, int(2**63 / D) - 1)]
    for step in (e for e in ends if e.denominator == 1 and 0 < e <= INT64[1]):
        assert schedule(int(step)) == end, step
    if not p["cycle"]:
        assert all(schedule(step) == end for step in (INT64[1], 1e300, 1.7976931348623157e308) if step >= D)


@pytest.mark.parametrize("D", [1, 7, 1000, 2.5, 0.1, 1000 / 3, 2**40 + 1, 2**60 + 7])
def test_cycles(best, D):
    """Each cycle ends at a multiple of decay_steps, and the step past it has leapt up."""
    schedule = best.PolynomialDecay(1.0, D, 0.25, 2.0, cycle=True)
    for m in (1, 2, 3, 7, 1000, int(2**62 / D)):
        end = Fraction(D) * m
        for step in (math.ceil(end) - 1, math.ceil(end), math.floor(end) + 1):
            if 0 <= step <= INT64[1]:
                exact = oracle.polynomial(step, 1.0, D, 0.25, 2.0, True)
                assert oracle.ulps(schedule(step), exact) <= BOUND, (m, step)


def test_limits(cf):
    """Infinite steps give the limit, NaN where there is none."""
    inf = math.inf
    for cycle in (False, True):
        for power, ends in ((0.5, (1.0, inf)), (2.0**-64, (1.0, inf)), (0.0, (3.0, 3.0)), (1.0, (1.0, inf))):
            schedule = cf.PolynomialDecay(3.0, 10, 1.0, power, cycle)
            assert (schedule(inf), schedule(-inf)) == ends
            assert cf.PolynomialDecay(1.0, 10, 1.0, power, cycle)(-inf) == 1.0
        assert cf.PolynomialDecay(1.0, 10, 3.0, 2.0, cycle)(-inf) == -inf
        assert cf.PolynomialDecay(3.0, 10, 1.0, -0.5, cycle)(-inf) == 1.0


def test_powers_that_are_not_positive(cf):
    """As b ** power: 0 ** 0 is 1, and 0 to a negative power infinite."""
    for cycle in (False, True):
        schedule = cf.PolynomialDecay(0.5, 10, 0.1, 0.0, cycle)
        assert all(schedule(step) == 0.5 for step in (0, 5, 10, 20, *INT64))
        for L0, end in ((0.5, 0.1), (0.1, 0.5)):
            schedule = cf.PolynomialDecay(L0, 10, end, -1.0, cycle)
            assert schedule(10) == schedule(20) == math.copysign(math.inf, L0 - end)
            assert schedule(5) == pytest.approx((L0 - end) * 2 + end, rel=1e-15)
        assert cf.PolynomialDecay(0.5, 10, 0.5, -1.0, cycle)(10) == 0.5


@pytest.mark.parametrize(
    "parameters",
    [
        (0.1, 10**6, 1e-4, 0.5),
        (0.1, 10**6, 1e-4, 2.0),
        (0.1, 2**40, 0.0999999, 3.0),
        (0.0, 1000.1, 0.1, 0.9),
        (0.1, 10**6, 1e-4, 1.0),
    ],
)
def test_never_turns_back(best, parameters):
    assert_never_turns_back(best.PolynomialDecay(*parameters), int(parameters[1]))


# ---- The class ----


@pytest.mark.parametrize(
    ("changes", "exception", "message"),
    [
        ({"decay_steps": -3}, ValueError, "`decay_steps` must be > 0. Received: decay_steps=-3"),
        ({"power": math.inf}, ValueError, "`power` must be finite"),
        ({"power": 1e20}, ValueError, "`power` must be 0, or from"),
        ({"power": -1e-20}, ValueError, "`power` must be 0, or from"),
        ({"cycle": "no"}, TypeError, "`cycle` must be True or False"),
        ({"end_learning_rate": None}, TypeError, "`end_learning_rate` must be a number"),
        ({"end_learning_rate": 1e301, "initial_learning_rate": -1e301}, ValueError, "difference"),
    ],
)
def test_errors(cf, changes, exception, message):
    """Keras's words, and the same style where it has none."""
    with pytest.raises(exception, match=message):
        cf.PolynomialDecay(**{"initial_learning_rate": 0.1, "decay_steps": 1000, **changes})
