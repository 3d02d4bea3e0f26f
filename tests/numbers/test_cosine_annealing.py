"""CosineAnnealing: against exact values, its exact points, and CosineDecay."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import assert_same
from draws import fractional_steps, whole_steps
from family import COSINE_ANNEALING, made


@pytest.mark.parametrize("seed", range(40))
def test_random_steps(best, seed):
    p = (COSINE_ANNEALING.hard + [COSINE_ANNEALING.draw(random.Random(seed)) for _ in range(40)])[seed]
    schedule = made(best, "CosineAnnealing", p)
    steps = whole_steps("CosineAnnealing", p, seed, 40).tolist() + fractional_steps("CosineAnnealing", p)[::5].tolist()
    for step in filter(math.isfinite, steps):
        assert oracle.error("CosineAnnealing", schedule(step), step, p) <= 1, step


def test_it_is_even_and_periodic(cf):
    schedule = cf.CosineAnnealing(0.1, 37, 0.007)
    assert [schedule(step) for step in (0, 37, 74, 111, 74 * 10**15, -37)] == [0.1, 0.007, 0.1, 0.007, 0.1, 0.007]
    rates = cf.CosineDecay(0.1, 37, end_learning_rate=0.007)(np.arange(38))
    assert_same(schedule(np.arange(38)), rates)
    assert_same(schedule.precompute(37 + 740, 75 + 740), rates[::-1])
    assert_same(schedule(np.arange(-500, 1)), schedule(np.arange(501))[::-1])
    assert all(math.isnan(schedule(step)) for step in (math.nan, math.inf, -math.inf))


@pytest.mark.parametrize("D", [37, 511, 1000, 2**20 + 1, 2**40, 12.5])
@pytest.mark.parametrize("half", [0, 1, 2, 7, 1000, 2**17])
def test_blocks_at_the_ends_of_half_periods(compiled, isa, D, half):
    """Arrays and ranges of rising and falling steps have the bits of one call a step."""
    schedule, decay = compiled.CosineAnnealing(0.1, D, 0.007), compiled.CosineDecay(0.1, D, end_learning_rate=0.007)
    first = int(half * D) - 650
    steps = np.arange(first, first + 1200)
    rates = np.array([schedule(step) for step in steps.tolist()])
    assert_same(schedule(steps), rates)
    assert_same(schedule(steps[::-1].copy()), rates[::-1])
    assert_same(schedule(steps.astype(float)), rates)
    assert_same(schedule.precompute(first, first + 1200), rates)
    assert_same(schedule.precompute(first + 1199, first - 1, -3), rates[::-3])
    np.random.default_rng(half).shuffle(steps)
    assert_same(decay(-np.abs(steps)), schedule(steps))
