"""WarmupStableDecay: against exact values, its exact points, its order, and its class."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from draws import fractional_steps, whole_steps
from family import DECAYS, WARMUP_STABLE_DECAY, made


@pytest.mark.parametrize("seed", range(80))
def test_random_steps(best, seed):
    p = (WARMUP_STABLE_DECAY.hard + [WARMUP_STABLE_DECAY.draw(random.Random(seed)) for _ in range(80)])[seed]
    schedule = made(best, "WarmupStableDecay", p)
    steps = (
        whole_steps("WarmupStableDecay", p, seed, 20).tolist() + fractional_steps("WarmupStableDecay", p)[::5].tolist()
    )
    for step in filter(math.isfinite, steps):
        assert oracle.error("WarmupStableDecay", schedule(step), step, p) <= 1, step


@pytest.mark.parametrize("decay", DECAYS)
def test_exact_points_and_order(cf, decay):
    """The ends of the parts are exact; the warmup never falls, the decay never rises."""
    schedule = cf.WarmupStableDecay(
        0.1, 1000, 2000, 3000, decay=decay, initial_learning_rate=0.03, end_learning_rate=0.007
    )
    points = [schedule(step) for step in (0, 1000, 2500, 2999, 3000, 6000, 10**18, math.inf)]
    assert points == [0.03, *[0.1] * 4, *[0.007] * 3]
    assert np.all(np.diff(schedule.precompute(1001)) > 0)
    assert np.all(np.diff(schedule.precompute(3000, 6001)) < 0)
    assert math.isnan(schedule(math.nan))
    assert schedule._end == 6000


def test_empty_parts(cf):
    """Without a warmup the rates before step 0 are the peak."""
    assert cf.WarmupStableDecay(0.1, 0, 0, 10)([-5, 0, 5, 10]).tolist() == [0.1, 0.1, 0.05, 0.0]
    assert cf.WarmupStableDecay(0.1, 0, 5, 10)([-5, 0, 5, 10, 15]).tolist() == [0.1, 0.1, 0.1, 0.05, 0.0]
    assert cf.WarmupStableDecay(0.1, 5, 0, 10)([0, 5, 10, 15]).tolist() == [0.0, 0.1, 0.05, 0.0]


def test_float32(cf):
    assert cf.WarmupStableDecay(np.float32(0.1), 5, 5, 5)(np.arange(3)).dtype == np.float32


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            {"decay": "square"},
            ValueError,
            "Argument `decay` must be one of linear, cosine, 1-sqrt, exponential, 1-square. Re",
        ),
        ({"decay": ["linear"]}, ValueError, "Argument `decay` must be one of linear, "),
        (
            {"decay": "exponential"},
            ValueError,
            "An exponential decay needs rates > 0. Received: peak_learning_rate=0.1, end_",
        ),
        ({"warmup_steps": -1}, ValueError, "Argument `warmup_steps` must be >= 0. Received: warmup_steps=-1"),
        (
            {"stable_steps": 0.5},
            ValueError,
            "Argument `stable_steps` must be a whole number of steps. Received: stable_",
        ),
        ({"decay_steps": 0}, ValueError, "Argument `decay_steps` must be > 0. Received: decay_steps=0"),
        ({"end_learning_rate": math.inf}, ValueError, "Argument `end_learning_rate` must be finite. Received: end_le"),
        ({"peak_learning_rate": "0.1"}, TypeError, "Argument `peak_learning_rate` must be a number. Received: peak_l"),
    ],
)
def test_errors(cf, change, error, text):
    p = {"peak_learning_rate": 0.1, "warmup_steps": 5, "stable_steps": 5, "decay_steps": 5} | change
    with pytest.raises(error) as info:
        cf.WarmupStableDecay(**p)
    assert str(info.value).startswith(text)
