"""cosine_fast.integrations.timm beside timm's own schedulers."""

from __future__ import annotations

import numpy as np
import pytest
from originals import original

from cosine_fast import CosineDecay, ExponentialDecay

torch = pytest.importorskip("torch", reason="timm's schedulers are for PyTorch")
ScheduledLR = pytest.importorskip("cosine_fast.integrations.timm").ScheduledLR

COSINE = CosineDecay(0.1, 40)


@pytest.fixture
def timm():
    """The schedulers of timm, without the package itself, which would import torchvision and all models."""
    return original("timm.scheduler")


def optimizer_of():
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))], **scale} for scale in ({}, {"lr_scale": 0.25})]
    return torch.optim.SGD(groups, lr=0.1)


def rates_of(scheduler):
    return [group["lr"] for group in scheduler.optimizer.param_groups]


@pytest.mark.parametrize("method", ["step", "step_update"])
def test_as_timms_own(timm, method):
    """Rates and scales of parameter groups; the other one of `step` and `step_update` changes nothing."""
    schedulers = [
        ScheduledLR(optimizer_of(), COSINE, method == "step"),
        timm.CosineLRScheduler(optimizer_of(), 40, t_in_epochs=method == "step"),
    ]
    for step in range(60):
        for scheduler in schedulers:
            getattr(scheduler, method)(step, metric=0.5)
            getattr(scheduler, "step_update" if method == "step" else "step")(7)
        ours, theirs = map(rates_of, schedulers)
        assert ours == [COSINE(step), 0.25 * COSINE(step)]
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-17)


def test_states():
    """The first rates are those of step 0; a run resumed from a state goes on, and other schedules are refused."""
    schedules = [COSINE, ExponentialDecay(0.1, 10, 0.5)]
    scheduler = ScheduledLR(optimizer_of(), schedules)
    assert rates_of(scheduler) == [0.1, 0.025]
    scheduler.step(9)
    resumed = ScheduledLR(optimizer_of(), schedules)
    resumed.load_state_dict(scheduler.state_dict())
    assert resumed.get_last_lr() == rates_of(scheduler) == [COSINE(9), 0.25 * schedules[1](9)]
    resumed.step(10)
    assert rates_of(resumed) == [COSINE(10), 0.25 * schedules[1](10)]
    tensors = [ScheduledLR(optimizer_of(), COSINE) for _ in range(2)]
    for each in tensors:
        for group in each.optimizer.param_groups:
            group["lr"] = torch.tensor(group["lr"])
    tensors[0].step(9)
    tensors[1].step(3)
    tensors[1].load_state_dict(tensors[0].state_dict())
    assert rates_of(tensors[1]) == rates_of(tensors[0]) == [np.float32(COSINE(9)), np.float32(0.25 * COSINE(9))]
    with pytest.raises(ValueError, match="a ScheduledLR with the same schedules"):
        ScheduledLR(optimizer_of(), COSINE).load_state_dict(scheduler.state_dict())


def test_scales_that_change():
    """They are read at each step, as timm reads them, and those of groups that are added later too."""
    scheduler = ScheduledLR(optimizer_of(), COSINE)
    scheduler.optimizer.param_groups[1]["lr_scale"] = 0.5
    scheduler.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr_scale": 0.125})
    scheduler.step(0)
    assert rates_of(scheduler) == [0.1, 0.05, 0.0125]
    saved = scheduler.optimizer.state_dict(), scheduler.state_dict()
    optimizer = torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(1))]} for _ in range(3)], lr=0.1)
    again = ScheduledLR(optimizer, COSINE)
    optimizer.load_state_dict(saved[0])
    again.load_state_dict(saved[1])
    for each in (scheduler, again):
        each.step(20)
    assert rates_of(again) == rates_of(scheduler) == [0.05, 0.025, 0.00625]
