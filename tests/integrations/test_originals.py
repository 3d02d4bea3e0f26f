"""The schedules against those of DeepSpeed and timm, and of a paper: at every step, and past the end."""

from __future__ import annotations

import math

import numpy as np
import pytest
from originals import original

from cosine_fast import (
    InverseSquareRootDecay,
    JoinedSchedule,
    LogarithmicWarmup,
    PolynomialDecay,
    PowerCosineDecay,
)

PEAK, W, D = 3e-3, 13, 70
TOTAL = W + D
STEPS = range(TOTAL + 30)


def of_timm(**options):
    """The rates of timm's cosine scheduler, before its end and past it."""
    torch = pytest.importorskip("torch", reason="the originals are in PyTorch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    get = original("timm.scheduler").CosineLRScheduler(optimizer, **options)._get_lr
    return [get(step)[0] for step in STEPS]


CASES = {
    "the Transformer's": (
        JoinedSchedule([PolynomialDecay(0.0, W, PEAK), InverseSquareRootDecay(PEAK, W)], [W], offsets=[0, 0]),
        lambda: [PEAK * W**0.5 * min(max(step, 1) ** -0.5, step * W**-1.5) for step in STEPS],
    ),
    "DeepSpeed's warmup": (  # WarmupLR of its runtime/lr_schedules.py
        LogarithmicWarmup(PEAK, W, 1e-5),
        lambda: [1e-5 + (PEAK - 1e-5) * (1 / math.log(W) * math.log(s + 1) if s < W else 1.0) for s in STEPS],
    ),
    "timm's cosine": (
        PowerCosineDecay(PEAK, D, 1e-5, k_decay=1.5),
        lambda: of_timm(t_initial=D, lr_min=1e-5, k_decay=1.5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_original(name):
    ours, theirs = CASES[name]
    want = np.array(theirs())
    np.testing.assert_allclose(ours(np.arange(len(want))), want, rtol=1e-14, atol=1e-17)
