"""Exact points and order at every step of many schedules: none is left out."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

BATCHES, SIZE = 20, 50  # 1000 schedules
PURE = 10  # schedules that are enough for pure Python, which has the same bits and takes its time
AFTER = 100  # steps after the end

# (decay_steps, alpha, warmup_target, warmup_steps, initial_learning_rate), each with something hard about it.
HARD = [
    (1, 0.0, 1.0, 0, 1.0),
    (2, 0.1, 3e-4, 1, 0.0),
    (3, 1.0, 0.7, 2, 0.1),
    (0.3, 0.1, 0.7, 0.4, 0.1),
    (999_983, 0.0, 1e-3, 0, 1e-3),
    (10**6, 1e-12, 1e-3, 0, 1e-3),
    (999_999.5, 0.0, 1e-3, 0, 1e-3),
    (10**6, 1 - 2**-53, 0.3, 0, 0.3),
    (10**6, 1 - 1e-9, 0.3, 0, 0.3),
    (10**6, 1 + 2**-52, 0.3, 0, 0.3),
    (10**5, -1.0, 0.3, 100, 0.0),
    (10**5, -1e-9, 0.3, 0.5, 0.0),
    (500_000, 0.1, 1e-3, 500_000, 1e-6),
    (1000, 0.1, 1e-3, 999_000, 0.0),
    (1000, 0.1, 1.0 + 2**-52, 10_000, 1.0),
    (1000, 0.1, 1.0, 10_000, 1.0 + 2**-52),
    (1000, 0.1, 1.0, 1000.5, -1.0),
    (10_000, 0.1, 1e-310, 1000, 0.0),
    (10_000, 0.5, 5e-324, 1000, 0.0),
    (10_000, 0.5, 1e-322, 0, 1e-322),
    (10_000, 1e-15, 1e-300, 1000, 1e-310),
    (10_000, 1e-300, 1e300, 1000, 1e-300),
    (10_000, 0.1, 1e-300, 1000, 1e300),
    (100_000.25, 0.1, 0.0, 1000, 1.0),
    (1000, 2.0, 1e300, 0, 1e300),
]


def size(draw: random.Random, largest: float) -> float:
    """Between 1 and the largest, each order of magnitude as often."""
    return math.exp(draw.uniform(0.0, math.log(largest)))


def drawn(draw: random.Random, largest: float) -> tuple[float, float, float, float, float]:
    """A schedule of any kind, of at most that many steps; as those in HARD."""
    total = size(draw, largest)
    share = draw.choice([0.0, 0.01, draw.random()])
    D, W = max(1.0, total * (1 - share)), total * share
    D = D if draw.random() < 0.3 else math.floor(D)
    W = W if W > 0 and draw.random() < 0.3 else math.floor(W)
    alpha = draw.choice([0.0, 0.0, 0.1, draw.random(), 10 ** draw.uniform(-15, 0), 1 - 10 ** draw.uniform(-16, -1)])
    if draw.random() < 0.2:
        far = 10 ** draw.uniform(-12, 2)
        alpha = draw.choice([-draw.random(), -far, 1 + draw.random(), 1 + far])
    T = draw.choice([1e-3, draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-295, 295)])
    L0 = T * draw.choice([0.0, draw.random(), 1e-6, 1.0, 1 - 2**-53, 1 + draw.random(), 10 ** draw.uniform(0, 3), -1.0])
    return D, alpha, T, W, L0


def check(package, D, alpha, T, W, L0) -> int:
    """All steps of a schedule; how many there are."""
    schedule = package.CosineDecay(L0, D, alpha, warmup_target=T, warmup_steps=W)
    first, end = math.ceil(W), math.ceil(Fraction(W) + Fraction(D))
    rates = schedule.precompute(end + AFTER)
    warmup, decay, floor = rates[:first], rates[first:], T * alpha

    assert rates[0] == (L0 if W else T)
    assert W % 1 or rates[first] == T
    assert schedule(W) == T
    assert np.all(rates[end:] == floor)
    low, high = min(T, floor), max(T, floor)
    assert low <= decay.min()
    assert decay.max() <= high
    later, earlier = decay[1:], decay[:-1]
    assert np.all(later <= earlier if floor <= T else later >= earlier)
    if first:
        assert min(L0, T) <= warmup.min()
        assert warmup.max() <= max(L0, T)
        # On to the first step of the decay, which a fractional warmup leaves below the peak.
        line = rates[: first + 1] if W % 1 == 0 else warmup
        assert np.all(line[1:] >= line[:-1] if T >= L0 else line[1:] <= line[:-1])

    # lr(W + t) + lr(W + D - t) is peak + floor. Where such steps are no integers they are floats, themselves rounded.
    unit = math.ulp(max(abs(T), abs(floor)))
    if D % 1 == 0 and W % 1 == 0:
        wave = decay[: int(D) + 1]
        mirrored, slack = wave[::-1], 4 * unit
    else:
        t = np.arange(math.floor(D) + 1)
        wave = schedule(float(W) + t)
        mirrored = schedule((float(W) + float(D)) - t)
        moved = 2 * math.ulp(float(W) + float(D)) / float(D)  # of the decay; its steepest slope is pi/2
        slack = 4 * unit + 2 * moved * abs(T - floor)
    half = len(wave) // 2 + 1
    with np.errstate(over="ignore"):
        assert np.all(np.abs((wave[:half] - T) + (mirrored[:half] - floor)) <= slack)
    return len(rates)


def batch(number: int, largest: float, count: int) -> list[tuple[float, float, float, float, float]]:
    draw = random.Random(number)
    hard = HARD[number::BATCHES]
    return hard + [drawn(draw, largest) for _ in range(count - len(hard))]


@pytest.mark.parametrize("number", range(BATCHES))
def test_every_step(compiled, number):
    """Exact ends, no step against the order, none out of bounds, one half of the wave like the other."""
    steps = 0
    for case in batch(number, 1e6, SIZE):
        try:
            steps += check(compiled, *case)
        except AssertionError as error:
            raise AssertionError(f"(decay_steps, alpha, target, warmup_steps, initial rate) = {case}") from error
    assert steps > 1e6


def test_every_step_in_pure_python(python):
    """The same of a few schedules in pure Python."""
    for case in batch(BATCHES, 1e5, PURE):
        check(python, *case)
