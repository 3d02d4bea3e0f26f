"""LogarithmicWarmup: against exact values, its exact points, and its class."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import INT64, outcome, within
from family import LOGARITHMIC_WARMUP, title


def steps_of(draw, W, count):
    """Steps near both ends, between them and of every size."""
    for _ in range(count):
        near = draw.choice([0, W - 1]) + draw.choice([-1, 1]) * W * 2 ** draw.uniform(-60, 0)
        step = draw.choice([near, near, W ** draw.random(), 10 ** draw.uniform(-320, 308)])
        yield within(math.floor(step) + draw.randint(-1, 1)) if draw.random() < 0.6 else float(step)


@pytest.mark.parametrize("seed", range(2))
def test_random_steps(best, share, seed):
    draw, worst = random.Random(seed), (0.0,)
    hard = LOGARITHMIC_WARMUP.hard if seed == 0 else []
    for p in hard + [LOGARITHMIC_WARMUP.draw(draw) for _ in range(int(1000 * share))]:
        schedule = best.LogarithmicWarmup(**p)
        for step in steps_of(draw, p["warmup_steps"], 16):
            worst = max(worst, (oracle.error("LogarithmicWarmup", schedule(step), step, p), step, str(p)))
    assert worst[0] <= 1, worst


@pytest.mark.parametrize("p", LOGARITHMIC_WARMUP.hard, ids=title)
def test_exact_points(cf, p):
    schedule, W = cf.LogarithmicWarmup(**p), p["warmup_steps"]
    assert {schedule(step) for step in (0, -0.0, -1, -1.5, -1e300, -math.inf, INT64[0])} == {p["initial_learning_rate"]}
    assert {schedule(step) for step in (W - 1, W, W + 0.5, 1e300, math.inf, INT64[1])} == {p["peak_learning_rate"]}
    assert math.isnan(schedule(math.nan))


def test_never_turns_back(best):
    """Nor goes beyond one of its ends."""
    for W in (2, 1000, 10**6 + 0.5, 2**40 + 1, 2**52):
        for L0, P in ((0.0, 0.3), (0.3, 0.0), (0.1, 0.1000001), (0.3, 1e-9), (-0.1, 0.3), (0.2, -0.3)):
            schedule = best.LogarithmicWarmup(P, W, L0)
            for start in (-1, int(W) // 3, int(W) - 2000):
                rates = schedule.precompute(start, start + 2002)
                assert (np.diff(rates if P > L0 else -rates) >= 0).all(), (W, L0, P, start)
                assert min(L0, P) <= rates.min() <= rates.max() <= max(L0, P)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0.1, 1), ValueError, "Argument `warmup_steps` must be >= 2. Received: warmup_steps=1"),
        ((0.1, 1.5), ValueError, "Argument `warmup_steps` must be >= 2. Received: warmup_steps=1.5"),
        ((0.1, 2**63), ValueError, "Argument `warmup_steps` must be < 2**63. Received: warmup_steps=92233720"),
        ((0.1, "5"), TypeError, "Argument `warmup_steps` must be a number. Received: warmup_steps='5' (str)"),
        ((math.nan, 5), ValueError, "Argument `peak_learning_rate` must be finite. Received: peak_learning_rate=nan"),
        ((0.1, 5, None), TypeError, "Argument `initial_learning_rate` must be a number. Received: initial_learning_r"),
        (
            (1e301, 5, -1e301), ValueError,
            "The rates and their difference must be at most 2**1000 (1e301) in size. Received: "
            "initial_learning_rate=-1e+301, peak_learning_rate=1e+301",
        ),
        ((0.1, 5, 0.0, 7), TypeError, "Argument `name` must be a string. Received: name=7"),
    ],
)  # fmt: skip
def test_errors(cf, arguments, error, text):
    kind, message = outcome(lambda: cf.LogarithmicWarmup(*arguments))
    assert kind is error
    assert message.startswith(text)
