"""LinearDecay: against exact values, its exact points, and its class."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import assert_same
from draws import fractional_steps, whole_steps
from family import LINEAR_DECAY, made


@pytest.mark.parametrize("seed", range(40))
def test_random_steps(best, seed):
    p = (LINEAR_DECAY.hard + [LINEAR_DECAY.draw(random.Random(seed)) for _ in range(40)])[seed]
    schedule = made(best, "LinearDecay", p)
    steps = whole_steps("LinearDecay", p, seed, 40).tolist() + fractional_steps("LinearDecay", p)[::5].tolist()
    for step in filter(math.isfinite, steps):
        assert oracle.error("LinearDecay", schedule(step), step, p) <= 1, step


def test_exact_points(cf):
    schedule = cf.LinearDecay(0.1, 900, 0.007, warmup_target=0.3, warmup_steps=100)
    assert [schedule(step) for step in (0, 100, 1000, 1001, 10**18, math.inf)] == [0.1, 0.3, *[0.007] * 4]
    assert np.all(np.diff(schedule.precompute(100, 1001)) < 0)
    assert np.all(np.diff(schedule.precompute(-50, 101)) > 0)
    assert math.isnan(schedule(math.nan))


def test_without_a_warmup(cf):
    """It is Keras's PolynomialDecay with a power of 1, to the bit."""
    steps = np.arange(-50, 300)
    assert_same(cf.LinearDecay(0.1, 200)(steps), cf.PolynomialDecay(0.1, 200, 0.0)(steps))


def test_warnings(cf):
    with pytest.warns(UserWarning, match=r"Argument `warmup_steps` is ignored without `warmup_target`"):
        cf.LinearDecay(0.1, 200, warmup_steps=5)
    with pytest.warns(UserWarning, match=r"Argument `initial_learning_rate` is ignored: without `warmup_steps`"):
        cf.LinearDecay(0.1, 200, warmup_target=0.3)


def test_errors(cf):
    with pytest.raises(ValueError, match=r"Argument `decay_steps` must be a whole number of steps. .*decay_steps=2.5"):
        cf.LinearDecay(0.1, 2.5)
    with pytest.raises(ValueError, match=r"Argument `decay_steps` must be > 0. Received: decay_steps=0"):
        cf.LinearDecay(0.1, 0)
    with pytest.raises(ValueError, match=r"All boundaries and offsets must lie within int64"):
        cf.WarmupStableDecay(0.1, 2**62, 2**62, 1)
