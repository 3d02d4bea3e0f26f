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
