"""The schedules against those of DeepSpeed, optax and timm, and of a paper: at every step, and past the end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cosine_fast import (
    CosineDecay,
    ExponentialDecay,
    InverseSquareRootDecay,
    JoinedSchedule,
    LogarithmicWarmup,
    OneCycle,
    PolynomialDecay,
    PowerCosineDecay,
    join_schedules,
    with_warmup,
)

PEAK, W, D = 3e-3, 13, 70
TOTAL = W + D
STEPS = range(TOTAL + 30)


def of_optax(name, *arguments, **options):
    """The rates of one of optax's schedules, in float64."""
    jax = pytest.importorskip("jax", reason="the originals are in JAX")
    optax = pytest.importorskip("optax", reason="the originals are in optax")
    with jax.enable_x64(True):
        schedule = getattr(optax, name)(*arguments, **options)
        return [float(schedule(jax.numpy.asarray(step))) for step in STEPS]


def of_timm(**options):
    """The rates of timm's cosine scheduler, before its end and past it."""
    torch = pytest.importorskip("torch", reason="the originals are in PyTorch")
    scheduler = pytest.importorskip("timm.scheduler", reason="the originals are in timm")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    get = scheduler.CosineLRScheduler(optimizer, **options)._get_lr
    return [get(step)[0] for step in STEPS]


def joined_of_optax():
    optax = pytest.importorskip("optax", reason="the originals are in optax")

    parts = [optax.linear_schedule(0.0, PEAK, W), optax.cosine_decay_schedule(PEAK, D, 0.1)]
    return of_optax("join_schedules", [*parts, optax.exponential_decay(PEAK, 10, 0.5)], [W, 60])


CASES = {
    "the Transformer's": (
        JoinedSchedule([PolynomialDecay(0.0, W, PEAK), InverseSquareRootDecay(PEAK, W)], [W], offsets=[0, 0]),
        lambda: [PEAK * W**0.5 * min(max(step, 1) ** -0.5, step * W**-1.5) for step in STEPS],
    ),
    "DeepSpeed's warmup": (  # WarmupLR of its runtime/lr_schedules.py
        LogarithmicWarmup(PEAK, W, 1e-5),
        lambda: [1e-5 + (PEAK - 1e-5) * (1 / math.log(W) * math.log(s + 1) if s < W else 1.0) for s in STEPS],
    ),
    "optax's 1cycle": (OneCycle(PEAK, 101), lambda: of_optax("cosine_onecycle_schedule", 101, PEAK)),
    "optax's cosine": (
        CosineDecay(1e-5, D, warmup_target=PEAK, warmup_steps=W, end_learning_rate=1e-4),
        lambda: of_optax("warmup_cosine_decay_schedule", 1e-5, PEAK, W, TOTAL, 1e-4),
    ),
    "optax's cosine to a power": (
        PowerCosineDecay(PEAK, D, 0.1 * PEAK, exponent=1.7),
        lambda: of_optax("cosine_decay_schedule", PEAK, D, 0.1, 1.7),
    ),
    "timm's cosine": (
        PowerCosineDecay(PEAK, D, 1e-5, k_decay=1.5),
        lambda: of_timm(t_initial=D, lr_min=1e-5, k_decay=1.5),
    ),
    "optax's exponential": (
        with_warmup(ExponentialDecay(PEAK, 10, 0.5), W, 1e-5),
        lambda: of_optax("warmup_exponential_decay_schedule", 1e-5, PEAK, W, 10, 0.5),
    ),
    "optax's join": (
        join_schedules(
            [PolynomialDecay(0.0, W, PEAK), CosineDecay(PEAK, D, 0.1), ExponentialDecay(PEAK, 10, 0.5)], [W, 60]
        ),
        joined_of_optax,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_original(name):
    ours, original = CASES[name]
    want = np.array(original())
    np.testing.assert_allclose(ours(np.arange(len(want))), want, rtol=1e-14, atol=1e-17)
