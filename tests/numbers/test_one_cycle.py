"""OneCycle: against exact values, its exact points, and its class."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from draws import fractional_steps, whole_steps
from family import ONE_CYCLE, made


@pytest.mark.parametrize("seed", range(40))
def test_random_steps(best, seed):
    p = (ONE_CYCLE.hard + [ONE_CYCLE.draw(random.Random(seed)) for _ in range(40)])[seed]
    schedule = made(best, "OneCycle", p)
    steps = whole_steps("OneCycle", p, seed, 40).tolist() + fractional_steps("OneCycle", p)[::5].tolist()
    for step in filter(math.isfinite, steps):
        assert oracle.error("OneCycle", schedule(step), step, p) <= 1, step


@pytest.mark.parametrize(("dialect", "rise", "last"), [("optax", 300, 1000), ("torch", 299, 999)])
def test_exact_points(cf, dialect, rise, last):
    schedule = cf.OneCycle(0.1, 1000, 0.3, 10.0, 7.0, dialect)
    assert [schedule(step) for step in (0, rise, last, 10**18)] == [0.1 / 10, 0.1, 0.1 / 10 / 7, 0.1 / 10 / 7]
    assert np.all(np.diff(schedule.precompute(rise + 1)) > 0)
    assert np.all(np.diff(schedule.precompute(rise, last + 1)) < 0)
    assert schedule._end == last


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0.1, 0), "Argument `total_steps` must be > 0. Received: total_steps=0"),
        (
            (0.1, 9, 0.1, 25.0, 1e4, "torch"),
            "The peak must be at step 0 or later, and before the last step. Received: total_steps=9, pct_start=0.1, di",
        ),
        ((0.1, 9, 1.0), "Argument `pct_start` must be >= 0 and < 1. Received: pct_start=1.0"),
        (
            (0.1, 9, 0.3, 0.0),
            "Arguments `div_factor` and `final_div_factor` must be > 0. Received: div_factor=0.0, final",
        ),
        ((0.1, 9, 0.3, 25.0, 1e4, "keras"), "Argument `dialect` must be one of optax, torch. Received: dialect='k"),
        ((math.nan, 9), "Argument `peak_learning_rate` must be finite. Received: peak_learning_rate=nan"),
    ],
)
def test_errors(cf, arguments, text):
    with pytest.raises(ValueError, match=r".") as info:
        cf.OneCycle(*arguments)
    assert str(info.value).startswith(text)
