"""Against the exact value of the formula: at most 2 ULP in float64, correctly rounded in float32."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values come from mpmath")

import oracle
from bits import INT64, within
from mpmath import mp, mpf

BOUND = 2.0  # units in the last place


def draw_parameters(draw):
    """(initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps), as people and others give them."""
    peak = draw.choice([1e-3, 3e-4, draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-8, 2)])
    if draw.random() < 0.1:
        peak = 10 ** draw.uniform(-300, 300)
    if draw.random() < 0.02:
        peak = 10 ** draw.uniform(-323, -290)
    D = draw.choice([1, 2, 3, 7, 1000, draw.randint(1, 10**4), draw.randint(1, 2**31), 2**31, draw.randint(1, 2**51)])
    if draw.random() < 0.1:
        D = draw.choice([2**53 - 1, 2**53 + 1, 2**63 - 1, draw.randint(2**51, 2**63 - 1)])
    if draw.random() < 0.15:
        D = draw.uniform(0.5, 10 ** draw.uniform(0, 10))
    alpha = draw.choice([0.0, 0.0, 0.1, draw.random(), 1 - 1e-9, 1 - 2**-53, 1.0, 1.5, 3.7, 10 ** draw.uniform(-12, 0)])
    if draw.random() < 0.1:
        alpha = draw.choice([-0.1, -1.0, -draw.random()])
    if draw.random() < 0.5:
        return peak, D, alpha, None, 0
    start = draw.choice([0.0, 0.0, peak * draw.random(), 1e-6, peak * draw.uniform(0, 3), -peak * draw.random()])
    W = draw.choice([1, 5, 100, draw.randint(1, 10**4), draw.randint(1, 2**40), draw.randint(1, 2**63 - 1)])
    if draw.random() < 0.1:
        W = draw.uniform(0.5, 1e6)
    return start, D, alpha, peak, W


def draw_steps(draw, parameters, count):
    """Steps of every phase, the joints' neighbours and the last 1000 of the decay above all."""
    _, D, alpha, target, W = parameters
    W = 0 if target is None else int(W)
    D = math.ceil(D)
    for _ in range(count):
        step = draw.choice(
            [
                W + draw.randint(0, D),
                W + D - draw.randint(0, min(D, 1000)),
                W + D - draw.randint(0, min(D, 1000)),
                W + draw.randint(0, min(D, 1000)),
                W + D // 2 + draw.randint(-3, 3),
                W + draw.randint(-3, 3),
                draw.randint(0, W),
                draw.randint(0, min(W, 1000)),
                draw.randint(*INT64),
                -draw.randint(0, 3 * D),
                float(W + D * draw.random()),
                float(W * draw.random()),
            ]
        )
        if alpha < 0 and draw.random() < 0.2:  # where the decay crosses zero
            step = W + int(D * math.acos(max(-1.0, (1 + alpha) / (alpha - 1))) / math.pi) + draw.randint(-2, 2)
        yield step if isinstance(step, float) else within(step)


def judge(value, exact, step, parameters):
    """The phase and the error in ULP; what the contract grants where rates cross zero is taken off."""
    start, D, alpha, target, W = parameters
    kind = "fractional" if D % 1 or W % 1 else "whole"
    if target is not None and step < W:
        crosses = start * target < 0 or step < 0
        return f"warmup, {kind}", oracle.ulps(value, exact, oracle.largest(start, target) if crosses else 0.0)
    peak = start if target is None else target
    joints = {"before 0": 0, "first half": W + D / 2, "second half": W + D, "after": math.inf}
    phase = next(name for name, joint in joints.items() if step < joint)
    error = oracle.ulps(value, exact)
    if error > BOUND and alpha < 0:
        with mp.workprec(oracle.PRECISION):
            if abs(mpf(value) - exact) <= mpf(2) ** -98 * oracle.largest(peak, peak * alpha):
                error = BOUND
    return f"{phase}, {kind}", error


def test_oracle():
    """The oracle has the values that everyone can check by hand."""
    with mp.workprec(200):
        known = {0: 1, 2: (2 + mp.sqrt(3)) / 4, 3: (2 + mp.sqrt(2)) / 4, 4: "0.75", 6: "0.5", 8: "0.25", 12: 0, 99: 0}
        for step, wave in known.items():
            for shift in (0, -24, 24) if step < 12 else (0,):
                if step + shift <= 12:
                    assert abs(oracle.rate(step + shift, 8.0, 12) - 8 * mpf(wave)) < mpf(2) ** -190
            assert abs(oracle.rate(step, 8.0, 12, 0.25) - (6 * mpf(wave) + 2)) < mpf(2) ** -190
            assert abs(oracle.rate(step + 4, 0.0, 12, 0.25, 8.0, 4) - (6 * mpf(wave) + 2)) < mpf(2) ** -190
    assert [float(oracle.rate(s, 1.0, 9, 0.5, 3.0, 4)) for s in (-4, 0, 1, 2, 4, 13)] == [-1.0, 1.0, 1.5, 2.0, 3.0, 1.5]
    # The rate one step before the end, from the series of the cosine: (pi*m/2D)^2 (1 - (pi*m/2D)^2 / 3).
    x = Fraction(3141592653589793238462643, 10**24) / 2**41
    assert float(oracle.rate(2**40 - 1, 1.0, 2**40)) == pytest.approx(float(x * x * (1 - x * x / 3)), rel=1e-15)
    assert oracle.ulps(1.0 + 2**-52, mpf(1)) == 1.0
    assert oracle.ulps(1.0, oracle.exactly(1 - Fraction(2) ** -54)) == 0.5
    assert oracle.ulps(0.0, mpf(2) ** -1075) == 0.5
    assert oracle.ulps(1.0, mpf(1) + mpf(2) ** -24, dtype=np.float32) == 0.5


def test_random_steps(best):
    """100,000 values in every phase of 10,000 schedules: 2 ULP in float64, correctly rounded in float32."""
    draw = random.Random(2026)
    worst = defaultdict(lambda: (0.0,))
    for _ in range(10_000):
        parameters = draw_parameters(draw)
        start, D, alpha, target, W = parameters
        schedule = best.CosineDecay(start, D, alpha, warmup_target=target, warmup_steps=W)
        for step in draw_steps(draw, parameters, 10):
            exact = oracle.rate(step, *parameters)
            value = schedule(step)
            if abs(exact) >= mpf(2) ** 1024 * (1 - mpf(2) ** -50):  # a warmup line at far negative steps
                assert abs(value) > 1.79e308
                continue
            assert math.isfinite(value), (parameters, step)
            phase, error = judge(value, exact, step, parameters)
            worst[phase] = max(worst[phase], (error, parameters, step, value, float(exact)), key=lambda w: w[0])
            if 2**-140 < abs(exact) < 2**127 and error < BOUND:
                single = schedule(step, dtype=np.float32)
                assert oracle.ulps(single, exact, dtype=np.float32) <= 0.5001, (parameters, step)
    assert len(worst) == 10, sorted(worst)
    assert not {phase: case for phase, case in worst.items() if case[0] > BOUND}


@pytest.mark.parametrize(
    ("L0", "D", "alpha", "T", "W"),
    [
        (3e-4, 10**6, 0.0, None, 0),
        (1.0, 2**33, 0.1, None, 0),
        (1e-6, 5e5, 1e-9, 4e-4, 2000),
        (0.0, 1e5 + 0.3, 0, 1, 10.5),
    ],
)
def test_the_last_steps(best, L0, D, alpha, T, W):
    """Each of a decay's last 1000 steps, where 1 + cos has no digits left, is as accurate as any."""
    schedule = best.CosineDecay(L0, D, alpha, warmup_target=T, warmup_steps=W)
    end = int(D + W) + 1
    for step, value in zip(range(end - 1000, end + 1), schedule.precompute(end - 1000, end + 1), strict=True):
        assert oracle.ulps(value, oracle.rate(step, L0, D, alpha, T, W)) <= BOUND, step


def test_float32_is_rounded_once(best):
    """A float32 is its float64 rounded, on every path."""
    draw = random.Random(5)
    for _ in range(300):
        start, D, alpha, target, W = draw_parameters(draw)
        schedule = best.CosineDecay(start, D, alpha, warmup_target=target, warmup_steps=W)
        steps = np.array(list(draw_steps(draw, (start, D, alpha, target, W), 50)), np.float64)
        with np.errstate(over="ignore", under="ignore"):
            want = schedule(steps).astype(np.float32)
        np.testing.assert_array_equal(schedule(steps, dtype=np.float32), want)


@pytest.mark.parametrize(
    ("parameters", "step"),
    [
        ((0.0, 10, 0.0, 1e-100, 10), -1e200),
        ((0.0, 10, 0.0, 1e-310, 10), -1e300),
        ((1e-200, 10, 0.0, 1e-250, 3), -1e308),
        ((0.0, 10, 0.0, 1.0, 10), -1e308),
        ((1.0, 10, 0.0, 0.5, 10), -1e308),
        ((1.0, 10.5, 0.0, 0.5, 10.5), -1.7e308),
        ((1.0, 10, 0.0, 1.0, 10), -1e308),
        ((1.998536320735103, 10, 0.0, 0.001, 1), -(2**53) - 5),  # whole, but no double
        ((2.394923007473342e-06, 2**31, 0.4, 9.670111672486404e-07, 6589), -4668006320839242108),
        ((1e-06, 1.6140299522515088e-18, 0.1, 8.717687893018593e87, 248463.47559602585), -53786533827609245),
    ],
    ids=str,
)
def test_far_below_zero(best, parameters, step):
    """The warmup line goes on as far as floats go, whatever its size."""
    start, D, alpha, target, W = parameters
    value = best.CosineDecay(start, D, alpha, warmup_target=target, warmup_steps=W)(step)
    assert oracle.ulps(value, oracle.rate(step, *parameters)) <= BOUND
