"""The schedules against those of PyTorch, Transformers, optax and timm: at every step, and past the end."""

from __future__ import annotations

import numpy as np
import pytest

from cosine_fast import (
    ConstantSchedule,
    CosineAnnealing,
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseSquareRootDecay,
    JoinedSchedule,
    LinearDecay,
    OneCycle,
    PolynomialDecay,
    PowerCosineDecay,
    WarmupStableDecay,
    join_schedules,
    with_warmup,
)

PEAK, W, D = 3e-3, 13, 70
TOTAL = W + D
STEPS = range(TOTAL + 30)


def of_transformers(name, **options):
    """The rates of one of transformers.optimization's schedules."""
    torch = pytest.importorskip("torch", reason="the originals are in PyTorch")
    optimization = pytest.importorskip("transformers.optimization", reason="the originals are in Transformers")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    function = getattr(optimization, name)(optimizer, **options).lr_lambdas[0]
    return [PEAK * function(step) for step in STEPS]


def of_torch(name, last=TOTAL + 29, **options):
    """The rates of one of PyTorch's schedulers, as a training loop has them."""
    torch = pytest.importorskip("torch", reason="the originals are in PyTorch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    rates = []
    for _ in range(last + 1):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        if len(rates) <= last:
            scheduler.step()
    return rates


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


def wsd(decay, ratio):
    ours = WarmupStableDecay(
        PEAK, W, 20, 50, decay=decay, initial_learning_rate=PEAK * ratio, end_learning_rate=PEAK * ratio
    )
    options = {"num_warmup_steps": W, "num_stable_steps": 20, "num_decay_steps": 50, "min_lr_ratio": ratio}
    return ours, lambda: of_transformers("get_wsd_schedule", decay_type=decay, **options)


def joined_of_optax():
    optax = pytest.importorskip("optax", reason="the originals are in optax")

    parts = [optax.linear_schedule(0.0, PEAK, W), optax.cosine_decay_schedule(PEAK, D, 0.1)]
    return of_optax("join_schedules", [*parts, optax.exponential_decay(PEAK, 10, 0.5)], [W, 60])


CASES = {
    "Transformers' constant": (
        with_warmup(ConstantSchedule(PEAK), W),
        lambda: of_transformers("get_constant_schedule_with_warmup", num_warmup_steps=W),
    ),
    "Transformers' linear": (
        LinearDecay(0.0, D, 0.0, PEAK, W),
        lambda: of_transformers("get_linear_schedule_with_warmup", num_warmup_steps=W, num_training_steps=TOTAL),
    ),
    "Transformers' cosine": (
        with_warmup(CosineAnnealing(PEAK, D), W),  # past the end it rises again
        lambda: of_transformers("get_cosine_schedule_with_warmup", num_warmup_steps=W, num_training_steps=TOTAL),
    ),
    "Transformers' cosine of several cycles": (
        with_warmup(CosineAnnealing(PEAK, D / 2.5), W),
        lambda: of_transformers(
            "get_cosine_schedule_with_warmup", num_warmup_steps=W, num_training_steps=TOTAL, num_cycles=1.25
        ),
    ),
    "PyTorch's cosine": (
        CosineAnnealing(PEAK, 21, 1e-4),
        lambda: of_torch("CosineAnnealingLR", T_max=21, eta_min=1e-4),
    ),
    "Transformers' cosine with a floor": (
        with_warmup(CosineAnnealing(PEAK, D, 1e-4), W),
        lambda: of_transformers(
            "get_cosine_with_min_lr_schedule_with_warmup", num_warmup_steps=W, num_training_steps=TOTAL, min_lr=1e-4
        ),
    ),
    "Transformers' hard restarts": (
        join_schedules([with_warmup(CosineDecayRestarts(PEAK, D // 2, 1.0), W), ConstantSchedule(0.0)], [TOTAL]),
        lambda: of_transformers(
            "get_cosine_with_hard_restarts_schedule_with_warmup", num_warmup_steps=W, num_training_steps=TOTAL,
            num_cycles=2,
        ),
    ),
    "Transformers' polynomial": (
        with_warmup(PolynomialDecay(PEAK, D, 1e-7, 2.5), W),
        lambda: of_transformers(
            "get_polynomial_decay_schedule_with_warmup", num_warmup_steps=W, num_training_steps=TOTAL, power=2.5
        ),
    ),
    "Transformers' inverse square root": (
        with_warmup(InverseSquareRootDecay(PEAK, 40, shift=40), W),
        lambda: of_transformers("get_inverse_sqrt_schedule", num_warmup_steps=W, timescale=40),
    ),
    "the Transformer's": (
        JoinedSchedule([PolynomialDecay(0.0, W, PEAK), InverseSquareRootDecay(PEAK, W)], [W], offsets=[0, 0]),
        lambda: [PEAK * W**0.5 * min(max(step, 1) ** -0.5, step * W**-1.5) for step in STEPS],
    ),
    "Transformers' WSD, linear": wsd("linear", 0),
    "Transformers' WSD, cosine": wsd("cosine", 0.1),
    "Transformers' WSD, 1-sqrt": wsd("1-sqrt", 0.1),
    "PyTorch's 1cycle": (
        OneCycle(PEAK, 101, dialect="torch"),
        lambda: of_torch("OneCycleLR", last=100, max_lr=PEAK, total_steps=101),
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
