"""PowerCosineDecay: against exact values, its exact points, and its class."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import INT64, outcome, within
from family import POWER_COSINE_DECAY, POWERS, title


def steps_of(draw, D, count):
    """Steps near both ends, between them and of every size."""
    for _ in range(count):
        near = draw.choice([0, D]) + draw.choice([-1, 1]) * D * 2 ** draw.uniform(-60, 0)
        step = draw.choice([near, near, D * draw.random(), 10 ** draw.uniform(-320, 308)])
        yield within(math.floor(step) + draw.randint(-1, 1)) if draw.random() < 0.6 else float(step)


@pytest.mark.parametrize("seed", range(2))
def test_random_steps(best, share, seed):
    draw, worst = random.Random(seed), (0.0,)
    hard = POWER_COSINE_DECAY.hard if seed == 0 else []
    for p in hard + [POWER_COSINE_DECAY.draw(draw) for _ in range(int(1000 * share))]:
        schedule = best.PowerCosineDecay(**p)
        for step in steps_of(draw, p["decay_steps"], 16):
            worst = max(worst, (oracle.error("PowerCosineDecay", schedule(step), step, p), step, str(p)))
    assert worst[0] <= 1, worst


@pytest.mark.parametrize("p", POWER_COSINE_DECAY.hard, ids=title)
def test_exact_points(cf, p):
    schedule, D = cf.PowerCosineDecay(**p), p["decay_steps"]
    assert {schedule(step) for step in (0, -0.0, -1, -1e300, -math.inf, INT64[0])} == {p["initial_learning_rate"]}
    assert {schedule(step) for step in (D, 1e300, math.inf, INT64[1])} == {p["end_learning_rate"]}
    assert math.isnan(schedule(math.nan))


@pytest.mark.parametrize("k", POWERS)
@pytest.mark.parametrize("exponent", POWERS)
def test_never_turns_back(best, exponent, k):
    for D in (10**6, 1000.1, 2**40):
        for L0, end in ((0.1, 1e-4), (0.0, 0.1), (0.1, 0.0999999)):
            schedule = best.PowerCosineDecay(L0, D, end, exponent, k)
            sign = 1 if end > L0 else -1
            for start in (0, int(D) // 3, int(D) // 2, int(D) - 2000):
                assert (np.diff(sign * schedule.precompute(start, start + 2001)) >= 0).all(), (D, L0, start)


def test_as_cosine_decay(best):
    """With both powers 1 it is CosineDecay."""
    steps = np.arange(1100)
    cosine = best.CosineDecay(0.1, 1000, end_learning_rate=0.01)(steps)
    np.testing.assert_array_max_ulp(best.PowerCosineDecay(0.1, 1000, 0.01)(steps), cosine, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0.1, 0), ValueError, "Argument `decay_steps` must be > 0. Received: decay_steps=0"),
        ((0.1, 5, 0.0, 0.0), ValueError, "Argument `exponent` must be from 1/1024 to 1024. Received: exponent=0.0"),
        ((0.1, 5, 0.0, 1.0, 2000), ValueError, "Argument `k_decay` must be from 1/1024 to 1024. Received: k_decay=2"),
        ((0.1, 5, 0.0, 1.0, math.nan), ValueError, "Argument `k_decay` must be finite. Received: k_decay=nan"),
        ((0.1, 5, 0.0, "2"), TypeError, "Argument `exponent` must be a number. Received: exponent='2' (str)"),
        ((-1e301, 5, 1e301), ValueError, "The rates and their difference must be at most 2**1000 (1e301) in size."),
        ((0.1, 5, 0.0, 1.0, 1.0, 7), TypeError, "Argument `name` must be a string. Received: name=7"),
    ],
)
def test_errors(cf, arguments, error, text):
    kind, message = outcome(lambda: cf.PowerCosineDecay(*arguments))
    assert kind is error
    assert message.startswith(text)


def test_next_to_where_a_distance_is_none(cf):
    """A distance below 2**-400 of the decay counts as 0, to the bit the same in both kernels."""
    schedule = cf.PowerCosineDecay(0.0, 5097737089725463415, -1.0)
    assert (schedule(1.974145543769832e-102), schedule(2e-102)) == (0.0, pytest.approx(-3.8e-241, rel=0.01, abs=0))
