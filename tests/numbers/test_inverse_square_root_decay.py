"""InverseSquareRootDecay: against exact values, its exact points, and its class."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import INT64, assert_same, outcome, within
from draws import joints_of
from family import INVERSE_SQUARE_ROOT_DECAY


def steps_of(draw, p, count):
    """Steps of every size, whole and fractional, and next to where the rate begins to fall."""
    joints = joints_of("InverseSquareRootDecay", p)
    for _ in range(count):
        sizes = [draw.randint(*INT64), int(2 ** draw.uniform(0, 63)), 10 ** draw.uniform(-300, 308)]
        step = draw.choice([*joints, *sizes])
        yield within(math.floor(step) + draw.randint(-2, 2)) if draw.random() < 0.7 else float(step)


@pytest.mark.parametrize("seed", range(2))
def test_random_steps(best, share, seed):
    draw = random.Random(seed)
    worst = (0.0,)
    hard = INVERSE_SQUARE_ROOT_DECAY.hard if seed == 0 else []
    for p in hard + [INVERSE_SQUARE_ROOT_DECAY.draw(draw) for _ in range(int(500 * share))]:
        schedule = best.InverseSquareRootDecay(**p)
        for step in steps_of(draw, p, 32):
            worst = max(worst, (oracle.error("InverseSquareRootDecay", schedule(step), step, p), step, str(p)))
    assert worst[0] <= 1, worst


def test_before_it_falls(cf):
    """Exactly the initial rate."""
    schedule = cf.InverseSquareRootDecay(0.3, 1000.5, -7)
    assert {schedule(step) for step in (INT64[0], -5, 0, 1007, 1007.5, -math.inf)} == {0.3}
    assert schedule(1008) < 0.3


def test_limits(cf):
    schedule = cf.InverseSquareRootDecay(0.1, 1000)
    assert schedule(math.inf) == 0.0
    assert math.isnan(schedule(math.nan))
    zero = cf.InverseSquareRootDecay(-0.0, 1000)
    assert [str(zero(step)) for step in (0, 5000, math.inf)] == ["0.0"] * 3


def test_it_never_rises(best):
    steps = np.concatenate([np.arange(10**5), 2**40 + np.arange(1000), 2**52 + np.arange(1000)])
    for T, shift in ((1, 0), (1000, 0), (777.7, 0.3), (10_000, -5000)):
        rates = best.InverseSquareRootDecay(0.7, T, shift)(steps)
        assert np.all(np.diff(rates) <= 0)


def test_as_transformers_has_it(cf):
    """get_inverse_sqrt_schedule after its warmup: 1 / sqrt((step + timescale - warmup) / timescale)."""
    timescale, warmup = 400, 100
    steps = np.arange(warmup, 5000)
    rates = cf.InverseSquareRootDecay(1e-3, timescale, timescale - warmup)(steps)
    np.testing.assert_allclose(rates, 1e-3 / np.sqrt((steps + timescale - warmup) / timescale), rtol=5e-16)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0.1, 0), ValueError, "Argument `timescale` must be > 0. Received: timescale=0"),
        ((0.1, "5"), TypeError, "Argument `timescale` must be a number. Received: timescale='5' (str)"),
        ((math.nan, 5), ValueError, "Argument `initial_learning_rate` must be finite. Received: initial_learn"),
        ((1e302, 5), ValueError, "Argument `initial_learning_rate` must be at most 2**1000 (1e301) in size."),
        ((0.1, 5, math.inf), ValueError, "Argument `shift` must be finite. Received: shift=inf"),
        ((0.1, 5, True), TypeError, "Argument `shift` must be a number. Received: shift=True (bool)"),
        ((0.1, 5, -(2**63)), ValueError, "Argument `shift` must be > -2**63 and < 2**63. Received: shift=-92233720"),
        ((0.1, 5, 0, 7), TypeError, "Argument `name` must be a string. Received: name=7"),
    ],
)
def test_errors(cf, arguments, error, text):
    kind, message = outcome(lambda: cf.InverseSquareRootDecay(*arguments))
    assert kind is error
    assert message.startswith(text)


def test_whole_numbers_are_exact_whatever_their_type(cf):
    schedule = cf.InverseSquareRootDecay(0.1, 2**60 + 1, -(2**60))
    assert schedule == cf.InverseSquareRootDecay(0.1, np.int64(2**60 + 1), Fraction(-(2**60)))
    steps = np.arange(2**61, 2**61 + 100)
    assert_same(schedule(steps), np.array([schedule(int(step)) for step in steps]))


def test_the_transformers(cf):
    """The schedule of "Attention Is All You Need", 5.3, for models of 64 and a warmup of 13 steps."""
    peak = (64 * 13) ** -0.5
    parts = [cf.PolynomialDecay(0.0, 13, peak), cf.InverseSquareRootDecay(peak, 13)]
    want = [64**-0.5 * min(step**-0.5, step * 13**-1.5) for step in range(1, 200)]
    np.testing.assert_allclose(cf.JoinedSchedule(parts, [13], offsets=[0, 0])(range(1, 200)), want, rtol=1e-14)
