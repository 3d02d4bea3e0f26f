"""WarmupStableDecay: against exact values, its exact points, its order, and its class."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import assert_same
from draws import fractional_steps, whole_steps
from family import DECAYS, WARMUP_STABLE_DECAY, made, warmup_stable_decay


@pytest.mark.parametrize("seed", range(80))
def test_random_steps(best, seed):
    p = (WARMUP_STABLE_DECAY.hard + [WARMUP_STABLE_DECAY.draw(random.Random(seed)) for _ in range(80)])[seed]
    schedule = made(best, "WarmupStableDecay", p)
    steps = (
        whole_steps("WarmupStableDecay", p, seed, 20).tolist() + fractional_steps("WarmupStableDecay", p)[::5].tolist()
    )
    for step in filter(math.isfinite, steps):
        assert oracle.error("WarmupStableDecay", schedule(step), step, p) <= 1, step


def test_fractions_of_a_long_decay(cf):
    """The fraction of a step that is rounded counts as little as is said, where the rate rises from a small peak."""
    p = warmup_stable_decay(0.015, 1, 7, 2**57 + 3, "1-sqrt", 0.0, 1.5e4)
    schedule = made(cf, "WarmupStableDecay", p)
    for step in (8 + 2.0**-49, 8 + 3 * 2.0**-49, 8.1, 9.5):
        assert oracle.error("WarmupStableDecay", schedule(step), step, p) <= 1, step


@pytest.mark.parametrize("decay", ["1-sqrt", "1-square"])
def test_tiny_fractions(cf, decay):
    """Right after the constant part the rate rises from a tiny peak as the root or the square of a tiny step."""
    p = warmup_stable_decay(9.7e-209, 0, 0, 2**32 - 2, decay, 0.0, 1.0)
    schedule = made(cf, "WarmupStableDecay", p)
    for step in (1e-300, 1.2222392854743736e-291, 2.0**-700, 2.0**-699, 1e-200, 1e-170, 5e-324):
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
            "An exponential decay needs rates > 0, the end rate from 2**-1022 to 2**1000 times the",
        ),
        ({"warmup_steps": -1}, ValueError, "Argument `warmup_steps` must be >= 0. Received: warmup_steps=-1"),
        (
            {"stable_steps": 0.5},
            ValueError,
            "Argument `stable_steps` must be a whole number of steps. Received: stable_",
        ),
        ({"decay_steps": 0}, ValueError, "Argument `decay_steps` must be > 0. Received: decay_steps=0"),
        ({"end_learning_rate": math.inf}, ValueError, "Argument `end_learning_rate` must be finite. Received: end_le"),
        (
            {"peak_learning_rate": 1e305},
            ValueError,
            "The rates and their difference must be at most 2**1000 (1e301) in size. Received: peak_learning_rate=1e+3",
        ),
        ({"end_learning_rate": 1e305, "decay": "1-sqrt"}, ValueError, "The rates and their difference must be at most"),
        ({"peak_learning_rate": "0.1"}, TypeError, "Argument `peak_learning_rate` must be a number. Received: peak_l"),
    ],
)
def test_errors(cf, change, error, text):
    p = {"peak_learning_rate": 0.1, "warmup_steps": 5, "stable_steps": 5, "decay_steps": 5} | change
    with pytest.raises(error) as info:
        cf.WarmupStableDecay(**p)
    assert str(info.value).startswith(text)


# ---- Batches ----


def drawn_batch(seed, n, decay):
    r = np.random.default_rng(seed)
    rates = {"peak_learning_rate": r.random(n) + 0.01, "initial_learning_rate": r.random(n) * 0.02}
    rates["end_learning_rate"] = rates["peak_learning_rate"] * r.choice(
        [-0.0 if decay != "exponential" else 0.5, 1.0, 1.5, 1e-9], n
    )
    counts = {
        "warmup_steps": r.integers(0, 50, n),
        "stable_steps": r.integers(0, 50, n),
        "decay_steps": r.integers(1, 50, n),
    }
    return rates | counts


def one_by_one(cf, steps, p, decay):
    """By the class, schedule for schedule; steps of two dimensions, or one for each."""
    rows = ({key: value[i].item() for key, value in p.items()} for i in range(len(steps)))
    return np.array([cf.WarmupStableDecay(**row, decay=decay)(step) for row, step in zip(rows, steps, strict=True)])


@pytest.mark.parametrize("decay", DECAYS)
def test_batch(cf, decay):
    """The bits of the class: along the steps, across the schedules, for one step each, and as float32."""
    p = drawn_batch(1, 150, decay)
    steps = np.concatenate([np.arange(-9, 160, 3), [2**53 + 1, 2**62]])
    want = one_by_one(cf, np.tile(steps, (150, 1)), p, decay)
    columns = {key: value[:, None] for key, value in p.items()}
    assert_same(cf.warmup_stable_decay(steps, **columns, decay=decay), want)
    assert_same(cf.warmup_stable_decay(steps[:, None], **p, decay=decay), want.T)
    each = np.random.default_rng(2).integers(0, 160, 150)
    each[140] = -3  # after the first group, all of which one loop evaluates
    want = one_by_one(cf, each, p, decay)
    assert_same(cf.warmup_stable_decay(each, **p, decay=decay), want)
    assert_same(cf.warmup_stable_decay(each, **p, decay=decay, dtype=np.float32), want.astype(np.float32))
    floats = {key: value.astype(float) for key, value in p.items()}
    assert_same(cf.warmup_stable_decay(each + 0.25, **floats, decay=decay), one_by_one(cf, each + 0.25, p, decay))


def test_large_batch(compiled):
    """Many threads, and rates past the caches."""
    p = drawn_batch(3, 60_000, "linear")
    steps = np.random.default_rng(4).integers(0, 160, 60_000)
    have = compiled.warmup_stable_decay(steps, **p)
    assert_same(
        have[::997], one_by_one(compiled, steps[::997], {key: value[::997] for key, value in p.items()}, "linear")
    )
    columns = {key: value[:60, None] for key, value in p.items()}
    run = np.arange(-5, 99_995)
    out = np.empty((60, 100_000))
    assert compiled.warmup_stable_decay(run, **columns, out=out) is out
    assert_same(out[::7], one_by_one(compiled, [run] * 9, {key: value[:60:7] for key, value in p.items()}, "linear"))


def test_batch_of_numbers(cf):
    assert cf.warmup_stable_decay(5, 0.1, 10, 5, 5) == 0.05
    assert cf.warmup_stable_decay(np.zeros((0, 3), int), [0.1, 0.2, 0.3], 10, 5, 5).shape == (0, 3)
    masked = np.ma.array([5, 10], mask=[True, False])
    assert cf.warmup_stable_decay(masked, [0.1, 0.2], 10, 5, 5).tolist() == [None, 0.2]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"warmup_steps": [1, 1.5]}, "Argument `warmup_steps` must be a whole number of steps. .*=1.5 at index 1$"),
        (
            {"warmup_steps": 1.5, "stable_steps": [1, 2]},
            "Argument `warmup_steps` must be a whole number of steps. .*=1.5$",
        ),
        ({"stable_steps": [[1], [1, 2]]}, "Argument `stable_steps` must be integers or floats. NumPy says"),
        ({"stable_steps": [1.0, np.nan]}, "Argument `stable_steps` must be finite. .* at index 1$"),
        ({"decay_steps": [5, 0]}, "Argument `decay_steps` must be > 0. Received: decay_steps=0 at index 1$"),
        ({"warmup_steps": [-1, 5]}, "Argument `warmup_steps` must be >= 0. Received: warmup_steps=-1 at index 0$"),
        ({"end_learning_rate": [0.0, np.inf]}, "Argument `end_learning_rate` must be finite. .* at index 1$"),
        ({"warmup_steps": [5, 2**62], "stable_steps": 2**62}, "must lie within int64. .* at index 1$"),
        (
            {"decay": "exponential", "end_learning_rate": [1.0, 0.0]},
            "An exponential decay needs rates > 0, .* at index 1$",
        ),
        ({"peak_learning_rate": [0.1, 1e305]}, r"2\*\*1000 .* Received: peak_learning_rate=1e\+305, .* at index 1$"),
        ({"decay": "square", "end_learning_rate": [1.0, 0.0]}, "Argument `decay` must be one of linear, cosine"),
    ],
)
def test_batch_errors(cf, change, text):
    given = {"peak_learning_rate": 0.1, "warmup_steps": 5, "stable_steps": 5, "decay_steps": 5} | change
    out = np.full(2, 7.0)
    with pytest.raises(ValueError, match=text):
        cf.warmup_stable_decay([1, 2], **given, out=out)
    assert out.tolist() == [7.0, 7.0]
