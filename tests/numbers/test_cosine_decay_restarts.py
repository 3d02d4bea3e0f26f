"""CosineDecayRestarts: against exact values, exact restarts, and its class."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import INT64, assert_same
from family import COSINE_DECAY_RESTARTS, begin, title
from mpmath import mp, mpf
from samples import one_in


def steps_of(draw, D, t, count):
    """Whole and fractional steps: next to restarts, in cycles of every sort and anywhere."""
    for _ in range(count):
        i = draw.choice([draw.randint(0, 4), draw.randint(0, 40), -draw.randint(0, 5)])
        start, length = begin(D, t, i), Fraction(D) * Fraction(t) ** i
        step = draw.choice(
            [
                math.ceil(start) + draw.randint(-3, 3),
                math.ceil(start + length * Fraction(draw.random())),
                start,
                start + length * Fraction(draw.random()),
                draw.randint(*INT64),
                draw.randint(0, 1000),
                draw.randint(-2 * int(D) - 1, 5 * int(D) + 1),
                draw.choice([-1, 1]) * 10 ** draw.uniform(-30, 18),
            ]
        )
        if INT64[0] <= step <= INT64[1]:
            yield float(step) if isinstance(step, Fraction) else step


def test_random_steps(best, share):
    """Values of random schedules are within the bound."""
    draw, worst, count = random.Random(2026), (0.0,), 0
    for _ in range(int(4000 * share)):
        p = COSINE_DECAY_RESTARTS.draw(draw)
        schedule = best.CosineDecayRestarts(**p)
        for step in steps_of(draw, p["first_decay_steps"], p["t_mul"], 10):
            worst = max(worst, (oracle.error("CosineDecayRestarts", schedule(step), step, p), step, str(p)))
            count += 1
    assert count > 20_000 * share
    assert worst[0] <= 1, worst


@pytest.mark.parametrize("p", COSINE_DECAY_RESTARTS.hard, ids=title)
def test_hard_parameters(best, p):
    """Extreme lengths, growths and rates are within the bound."""
    draw, schedule = random.Random(1), best.CosineDecayRestarts(**p)
    for step in steps_of(draw, p["first_decay_steps"], p["t_mul"], 30):
        assert oracle.error("CosineDecayRestarts", schedule(step), step, p) <= 1, step


@pytest.mark.parametrize(
    ("D", "t", "step"),
    [
        (4, 1 + 2.0**-52, -18014321390475469), (4, 1 + 2.0**-52, -1), (692, 1 - 2.0**-53, 6 * 10**18),
        (7, 1 + 2.0**-40, -3.5e12),
    ],
)  # fmt: skip
def test_t_mul_next_to_1(cf, D, t, step):
    """The number of a cycle may have more digits than a double: the cycle is found all the same."""
    with mp.workprec(500):
        i = mp.floor(mp.log(1 - mpf(step) * (1 - mpf(t)) / D) / mp.log(mpf(t)))
        exact = (1 + mp.cospi((step - D * (mpf(t) ** i - 1) / (mpf(t) - 1)) / (D * mpf(t) ** i))) / 20
    schedule = cf.CosineDecayRestarts(0.1, D, t)
    assert oracle.ulps(schedule(step), exact * (mpf(0.1) * 10)) <= 2
    assert schedule(np.array([step, 0])).tolist() == [schedule(step), 0.1]


def test_a_cycle_that_cannot_be_found(cf):
    """Next to their limit cycles are shorter than the distance of two steps. The call ends, with some rate."""
    schedule = cf.CosineDecayRestarts(0.1, 692, 1 - 2.0**-53)
    step = 692 * 2**53 - 1
    rates = schedule(np.full(300, step))
    assert (rates == schedule(step)).all()
    assert 0.0 <= rates[0] <= 0.1


@pytest.mark.parametrize(
    ("D", "t", "step"),
    [(108706984, 1.0000000003552707, -305983531615978324), (1683613980, 1.0000000002046745, -8225812123783058825)],
)
def test_very_short_cycles(cf, D, t, step):
    """Where the start of a cycle is not known well enough for 2 ULP, the rate is that of a step next to this one."""
    p = {"initial_learning_rate": 1.0, "first_decay_steps": D, "t_mul": t}
    value = cf.CosineDecayRestarts(**p)(step)
    assert oracle.error("CosineDecayRestarts", value, step, p) <= 1 < oracle.ulps(value, oracle.restarts(step, **p))


@pytest.mark.parametrize("m", [1.0, 0.5, 0.0])
@pytest.mark.parametrize(("D", "step"), [(2**54, -1), (10**18, -100), (2**60 + 1, -(2**50)), (2**53, -(2**50) + 1)])
def test_equal_cycles_longer_than_2_to_the_53(cf, D, step, m):
    p = {"initial_learning_rate": 1.0, "first_decay_steps": D, "t_mul": 1.0, "m_mul": m}
    schedule = cf.CosineDecayRestarts(**p)
    assert oracle.error("CosineDecayRestarts", schedule(step), step, p) <= 1
    assert schedule(np.array([step])).tolist() == [schedule(step)]


# ---- Restarts ----


@pytest.mark.parametrize("D", one_in(2, [(D,) for D in (10, 1, 1000, 5, 2**20 + 1, 2.5, 0.375, 1000.1)]))
@pytest.mark.parametrize("t", [1.0, 2.0, 3, 10, 5, 7, 1.5, 1.25, 4.75, 1.1])
@pytest.mark.parametrize("m", [1.0, 0.5])
def test_a_restart_gets_its_peak(cf, D, t, m):
    """The step that starts a cycle has its peak, and the one before it is next to the floor."""
    schedule, exact = cf.CosineDecayRestarts(1.0, D, t, m, 0.25), 0
    for i in (*range(16), 20, 25, 30, 31, 32, 33, 40, 60):
        start, length = begin(D, t, i), Fraction(D) * Fraction(t) ** i
        if start > INT64[1]:
            break
        step = math.ceil(start)
        fraction = float((step - start) / length)
        if fraction < 1:
            peak = 0.75 * m**i
            assert schedule(step) == pytest.approx(peak * (1 + math.cos(math.pi * fraction)) / 2 + 0.25, rel=1e-14)
        if start == step:
            exact += 1
            assert schedule(step) == 0.75 * m**i + 0.25, i
            assert schedule(np.array([step, step]))[1] == schedule(step)
        left = float((start - (step - 1)) / (length / Fraction(t)))
        if i and left < 0.01:
            assert 0.25 <= schedule(step - 1) <= 0.25 + 0.75 * m ** (i - 1) * 2.5 * left**2
    assert exact >= (16 if isinstance(D, int) and isinstance(t, int) and D * t**15 < INT64[1] else 1)


def test_where_keras_is_wrong(cf):
    """t_mul = 3 at restarts 5, 10, 13, and 10 at 3, 6: there Keras gives the minimum for the peak."""
    for t, restarts in ((3.0, (5, 10, 13)), (10.0, (3, 6))):
        schedule = cf.CosineDecayRestarts(0.5, 1000, t)
        for i in restarts:
            assert schedule(int(begin(1000, t, i))) == 0.5


@pytest.mark.parametrize("m", [1.0, 0.5, 1.5])
@pytest.mark.parametrize("t", [0.5, 0.9, 0.75, 0.1, 2.0**-64])
def test_shrinking_cycles_end(cf, t, m):
    """From first_decay_steps / (1 - t_mul) on the floor holds."""
    for D in (1, 3, 1000, 12.5, 2**40 + 1):
        schedule = cf.CosineDecayRestarts(0.5, D, t, m, 0.25)
        end = Fraction(D) / (1 - Fraction(t))
        for step in (math.ceil(end), math.ceil(end) + 1, 2 * math.ceil(end), INT64[1], 1e300, math.inf):
            assert schedule(step) == 0.125, step
        before = np.nextafter(float(end), 0)
        if m <= 1:
            assert 0.125 <= schedule(float(before)) <= 0.5
        assert schedule(0) == 0.5


def test_before_the_first_cycle(cf):
    """With growing cycles those before the first get ever shorter, towards a step where the floor begins."""
    schedule = cf.CosineDecayRestarts(0.5, 1000, 2.0, alpha=0.25)
    assert schedule(-500) == schedule(-750) == schedule(-875) == 0.5
    assert [schedule(step) for step in (-1000, -1001, INT64[0], -1e300, -math.inf)] == [0.125] * 5
    assert schedule(-999.9999) > 0.125
    shrinking = cf.CosineDecayRestarts(0.5, 1000, 0.5)
    assert shrinking(-2000) == shrinking(-6000) == 0.5
    assert math.isnan(shrinking(-math.inf))
    for t in (1.0, 2.0):
        near = cf.CosineDecayRestarts(0.5, 1000, t, alpha=0.25)
        assert [near(step) for step in (0.0, -0.0, -5e-324, -4e-91, -1e-300)] == [0.5, 0.5, 0.125, 0.125, 0.125]


def test_steps_in_no_cycle(cf):
    """NaN where a float is too far for a cycle of its own."""
    for t in (1.0, 2.0):
        schedule = cf.CosineDecayRestarts(0.5, 1000, t)
        assert math.isnan(schedule(math.nan))
        assert math.isnan(schedule(math.inf))
        assert math.isnan(schedule(1e300))
        assert not math.isnan(schedule(2.0**65))
    assert math.isnan(cf.CosineDecayRestarts(0.5, 1000, 1.0)(-math.inf))
    for t, side in ((1 - 2.0**-10, 1), (1 + 2.0**-10, -1)):  # the cycles' limit is at 2^72
        rates = cf.CosineDecayRestarts(0.5, 2**62, t)(np.array([2.0**65, 2.0**66, 2.0**72, math.inf]) * side)
        assert np.isnan(rates).tolist() == [False, True, False, False]


@pytest.mark.parametrize(("m", "heights"), [(0.0, (1.0, 0.0, 0.0)), (-1.0, (1.0, -1.0, 1.0)), (2.0, (1.0, 2.0, 4.0))])
@pytest.mark.parametrize("t", [1.0, 2.0])
def test_heights(cf, t, m, heights):
    """m_mul ** i, with 0 ** 0 = 1; infinite where it overflows, and the floor at no step but the end all the same."""
    schedule = cf.CosineDecayRestarts(1.0, 10, t, m, 0.0)
    assert tuple(schedule(int(begin(10, t, i))) for i in range(3)) == heights
    assert schedule(-5 if t == 2 else -10) == {0.0: math.inf, -1.0: -1.0, 2.0: 0.5}[m]
    assert cf.CosineDecayRestarts(0.0, 10, t, m, 0.0)(-5) == 0.0
    assert cf.CosineDecayRestarts(1.0, 10, 1.0, 2.0)(20_000) == math.inf
    assert cf.CosineDecayRestarts(1.0, 10, 1.0, 0.5, 0.25)(20_000) == 0.25


@pytest.mark.parametrize(
    "parameters", [(0.1, 1000, 1.0, 1.0, 0.1), (0.1, 1000, 1.5, 1.0, 0.0), (0.1, 777, 1.0, 0.9, 0.1)]
)
def test_never_rises_within_a_cycle(best, parameters):
    """Over the whole steps of a cycle the rate never rises."""
    schedule = best.CosineDecayRestarts(*parameters)
    for i in range(12):
        first, last = (math.ceil(begin(*parameters[1:3], j)) for j in (i, i + 1))
        rates = schedule.precompute(first, last)
        assert (np.diff(rates) <= 0).all()
        assert rates[0] > rates[-1] >= 0.1 * parameters[4]


def test_a_cycle_is_a_cosine_decay(cf):
    """Where m_mul is 1 a cycle of whole steps has the bits of CosineDecay."""
    for t in (1.0, 2.0, 3.0):
        schedule = cf.CosineDecayRestarts(0.1, 1000, t, alpha=0.1)
        for i in range(5):
            first, length = int(begin(1000, t, i)), int(1000 * t**i)
            assert_same(schedule(np.arange(first, first + length)), cf.CosineDecay(0.1, length, 0.1).precompute(length))


# ---- The class ----


@pytest.mark.parametrize(
    ("changes", "exception", "message"),
    [
        ({"first_decay_steps": 0}, ValueError, "`first_decay_steps` must be > 0. Received: first_decay_steps=0"),
        ({"first_decay_steps": -3.5}, ValueError, "`first_decay_steps` must be > 0. Received: first_decay_steps=-3.5"),
        ({"first_decay_steps": 1e-11}, ValueError, "`first_decay_steps` must not be smaller than 2..-32 steps"),
        ({"first_decay_steps": 2**63}, ValueError, "`first_decay_steps` must be < 2..63"),
        ({"first_decay_steps": "9"}, TypeError, "`first_decay_steps` must be a number"),
        ({"t_mul": 0}, ValueError, "`t_mul` must be > 0. Received: t_mul=0"),
        ({"t_mul": -2.0}, ValueError, "`t_mul` must be > 0. Received: t_mul=-2.0"),
        ({"t_mul": 1e20}, ValueError, "`t_mul` must be from 2..-64 to 2..64. Received: t_mul=1e[+]20"),
        ({"t_mul": math.nan}, ValueError, "`t_mul` must be finite"),
        ({"m_mul": math.inf}, ValueError, "`m_mul` must be finite"),
        ({"m_mul": None}, TypeError, "`m_mul` must be a number"),
        ({"alpha": 1j}, TypeError, "`alpha` must be a number"),
        ({"alpha": 1e303}, ValueError, "at most 2..1000"),
        ({"initial_learning_rate": 1e302}, ValueError, "at most 2..1000"),
        ({"name": 5}, TypeError, "`name` must be a string"),
    ],
)
def test_errors(cf, changes, exception, message):
    """Keras's words, and the same style where it has none."""
    with pytest.raises(exception, match=message):
        cf.CosineDecayRestarts(**{"initial_learning_rate": 0.1, "first_decay_steps": 1000, **changes})
