"""The dialects against the code of the systems themselves: random parameters, every step, and past the end."""

from __future__ import annotations

import inspect
import logging
import random
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from originals import original

from cosine_fast.dialects import composer, deepspeed, fairseq, megatron, optax, timm, torch, torchtitan, transformers

DOCS = Path(__file__).parents[2] / "docs"
TABLES = {
    composer: ("reference/dialects.md", "## Composer"),
    deepspeed: ("reference/dialects.md", "## DeepSpeed"),
    fairseq: ("reference/dialects.md", "## fairseq"),
    megatron: ("reference/dialects.md", "## Megatron"),
    optax: ("how-to/jax.md", "### What is equal"),
    timm: ("reference/dialects.md", "## timm"),
    torch: ("how-to/pytorch.md", "### What is equal"),
    torchtitan: ("reference/dialects.md", "## torchtitan"),
    transformers: ("how-to/transformers.md", "## What is equal"),
}
DRAWS = 30
STOP = 200


def optimizer_of(rate):
    torch = pytest.importorskip("torch", reason="the originals are in PyTorch")
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


# ---- The originals: the rates of steps ----


def of_deepspeed(name, rate, **parameters):
    """From step -1 on."""
    module = original("deepspeed.runtime.lr_schedules", **{"deepspeed.utils": {"logger": logging.getLogger("quiet")}})
    optimizer = optimizer_of(rate)
    scheduler = getattr(module, name)(optimizer, **parameters)
    for _ in range(-1, STOP):
        yield optimizer.param_groups[0]["lr"]
        scheduler.step()


def of_megatron(**parameters):
    module = original(
        "megatron.core.optimizer_param_scheduler", **{"megatron.core.utils": {"log_single_rank": lambda *_: None}}
    )
    weight_decay = {"start_wd": 0.0, "end_wd": 0.0, "wd_incr_steps": 1, "wd_incr_style": "constant"}
    optimizer = optimizer_of(1.0)
    scheduler = module.OptimizerParamScheduler(optimizer, **weight_decay, **parameters)
    for _ in range(STOP):
        yield optimizer.param_groups[0]["lr"]
        scheduler.step(1)


def of_torchtitan(rate, training_steps, **parameters):
    config = type("Configurable", (), {"Config": type("Config", (), {})})
    package = "torchtitan.components.optimizer"
    module = original(
        f"{package}.lr_scheduler",
        **{
            "torchtitan.config": {"Configurable": config},
            "torchtitan.tools.logging": {"logger": logging.getLogger("quiet")},
            f"{package}.optimizer": {"OptimizersContainer": None},
        },
    )
    config = module.LRSchedulersContainer.Config(**parameters)
    (scheduler,) = config.build(optimizers=[optimizer_of(rate)], training_steps=training_steps)
    for step in range(STOP):
        try:
            yield rate * scheduler.lr_lambdas[0](step)
        except AssertionError:  # past the end of a run without a decay
            return


class Optimizer:
    """What fairseq's schedulers need of an optimizer."""

    def set_lr(self, rate):
        self.rate = rate

    def get_lr(self):
        return self.rate


def of_fairseq(file, name, config, **parameters):
    package = "fairseq.optim.lr_scheduler"
    stubs = {
        "omegaconf": {"II": str},
        "fairseq.optim": {"FairseqOptimizer": Optimizer},
        "fairseq.dataclass": {"FairseqDataclass": object},
        "fairseq.dataclass.utils": {"gen_parser_from_dataclass": None},
    }
    base = original(f"{package}.fairseq_lr_scheduler", **stubs).FairseqLRScheduler
    stubs[package] = {"FairseqLRScheduler": base, "register_lr_scheduler": lambda *_, **__: lambda cls: cls}
    module = original(f"{package}.{file}", **stubs)
    scheduler = getattr(module, name)(getattr(module, config)(**{**parameters, "lr": [parameters["lr"]]}), Optimizer())
    scheduler.step_begin_epoch(1)
    return [scheduler.step_update(step) for step in range(STOP)]


def of_composer(name, rate, max_duration, **parameters):
    utils = {"StringEnum": original("composer.utils.string_enum").StringEnum}
    time = original("composer.core.time", **{"composer.utils": utils})
    core = {"State": object, "Time": time.Time, "TimeUnit": time.TimeUnit}
    module = original("composer.optim.scheduler", **{"composer.core": core})
    state = types.SimpleNamespace(max_duration=time.Time(max_duration, "ba"), dataloader_len=None)
    scheduler = getattr(module, name)(**parameters)
    for step in range(STOP):
        state.timestamp = time.Timestamp(batch=step)
        yield rate * scheduler(state)


def of_timm(name, rate, **parameters):
    module = original("timm.scheduler")
    scheduler = getattr(module, name)(optimizer_of(rate), **parameters)
    return [scheduler._get_lr(step)[0] for step in range(STOP)]


# ---- The cases: this package's schedule, the original's rates, and steps to which the original rounds a cycle ----


def of_range_test(draw):
    parameters = {
        "lr_range_test_min_lr": draw.uniform(1e-5, 1e-2),
        "lr_range_test_step_size": draw.randint(1, 50),
        "lr_range_test_step_rate": draw.choice([1.0, draw.uniform(-1, 5)]),
    }
    return deepspeed.LRRangeTest(**parameters), of_deepspeed("LRRangeTest", 1.0, **parameters)


def of_one_cycle(draw):
    rise = draw.randint(1, 60)
    parameters = {
        "cycle_min_lr": draw.uniform(1e-5, 1e-3),
        "cycle_max_lr": draw.uniform(1e-3, 1e-1),
        "decay_lr_rate": draw.choice([0.0, draw.uniform(0, 2)]),
        "cycle_first_step_size": rise,
        "cycle_second_step_size": draw.choice([None, 0, draw.randint(1, 60)]),
        "cycle_first_stair_count": draw.choice([0, 0, draw.randint(1, 2 * rise)]),
        "cycle_second_stair_count": draw.choice([None, 0, draw.randint(1, 60)]),
        "decay_step_size": draw.choice([0, draw.randint(1, 30)]),
    }
    return deepspeed.OneCycle(**parameters), of_deepspeed("OneCycle", 1.0, **parameters, cycle_momentum=False)


def of_warmup(draw, name, **parameters):
    """DeepSpeed's three schedules with a warmup."""
    rate, steps = draw.uniform(1e-4, 1e-2), draw.choice([1, 2, draw.randint(1, 100)])
    parameters |= {"warmup_num_steps": steps, "warmup_type": draw.choice(["log", "linear"])}
    return getattr(deepspeed, name)(rate, **parameters), of_deepspeed(name, rate, **parameters)


def rates(draw):
    return {"warmup_min_lr": draw.choice([0.0, 1e-4]), "warmup_max_lr": draw.choice([None, draw.uniform(1e-3, 1e-2)])}


def of_optimizer_param_scheduler(draw):
    end = draw.randint(1, 150)
    parameters = {
        "init_lr": draw.choice([0.0, 1e-5]),
        "max_lr": draw.uniform(1e-3, 1e-2),
        "min_lr": draw.choice([0.0, draw.uniform(0, 1e-3), 8e-4]),
        "lr_warmup_steps": draw.choice([0, draw.randrange(end)]),
        "lr_decay_steps": end,
        "lr_decay_style": draw.choice(["constant", "linear", "cosine", "inverse-square-root", "WSD", "WSD"]),
        "wsd_decay_steps": draw.randint(1, 160),
        "lr_wsd_decay_style": draw.choice(["linear", "cosine", "minus_sqrt"]),
    }
    return megatron.OptimizerParamScheduler(**parameters), of_megatron(**parameters)


def of_schedulers_container(draw):
    total = draw.randint(1, 150)
    run = draw.randint(1, total)
    parameters = {
        "warmup_steps": draw.choice([0, draw.randint(1, 170)]),
        "total_steps": draw.choice([None, total]),
        "decay_ratio": draw.choice([None, draw.uniform(0, 1)]),
        "decay_type": draw.choice(["linear", "sqrt", "cosine"]),
        "min_lr_factor": draw.choice([0.0, draw.uniform(0, 0.5)]),
    }
    want = [*of_torchtitan(2e-3, run, **parameters)]
    if parameters["decay_type"] != "cosine":  # later ones go on, below zero
        del want[(parameters["total_steps"] or run) + 1 :]
    return torchtitan.LRSchedulersContainer(2e-3, run, **parameters), want


def lengths(first, factor):
    """The steps at which cycles begin, each by a factor longer than the one before."""
    begins = [0]
    while begins[-1] < STOP:
        begins.append(begins[-1] + first)
        first *= factor
    return begins


def of_cosine_schedule(draw):
    warmup, period, factor = draw.choice([0, draw.randint(1, 50)]), draw.randint(1, 80), draw.choice([1, 1, 2, 3])
    parameters = {
        "lr": draw.uniform(1e-3, 1e-2),
        "warmup_updates": warmup,
        "warmup_init_lr": draw.choice([-1, 1e-5]),
        "min_lr": draw.choice([0.0, 1e-4]),
        "t_mult": factor,
        "lr_period_updates": draw.choice([-1, period]),
        "lr_shrink": draw.choice([1.0, 0.1, draw.uniform(0.2, 2)]),
        "max_update": STOP,
    }
    if parameters["lr_period_updates"] < 0:
        period = STOP - warmup
    want = of_fairseq("cosine_lr_scheduler", "CosineLRSchedule", "CosineLRScheduleConfig", **parameters)
    rounded = [warmup + begin for begin in lengths(period, factor)[1:]] if factor > 1 else []
    return fairseq.CosineLRSchedule(**parameters), want, rounded


def of_inverse_sqrt(draw):
    parameters = {
        "lr": draw.uniform(1e-3, 1e-2),
        "warmup_updates": draw.randint(1, 100),
        "warmup_init_lr": draw.choice([-1, 1e-5]),
    }
    name, config = "InverseSquareRootSchedule", "InverseSquareRootLRScheduleConfig"
    want = of_fairseq("inverse_square_root_schedule", name, config, **parameters)
    return fairseq.InverseSquareRootSchedule(**parameters), want


def of_polynomial(draw):
    parameters = {
        "lr": draw.uniform(1e-3, 1e-2),
        "warmup_updates": draw.choice([0, draw.randint(1, 100)]),
        "end_learning_rate": draw.choice([0.0, 1e-4]),
        "power": draw.choice([1.0, draw.uniform(0.3, 4)]),
        "total_num_update": draw.randint(1, 150),
    }
    name = "PolynomialDecayLRSchedule"
    want = of_fairseq("polynomial_decay_schedule", name, f"{name}Config", **parameters)
    return fairseq.PolynomialDecayLRSchedule(**parameters), want


def of_fixed(draw):
    parameters = {"lr": draw.uniform(1e-3, 1e-2), "warmup_updates": draw.choice([0, draw.randint(1, 100)])}
    want = of_fairseq("fixed_schedule", "FixedLRSchedule", "FixedLRScheduleConfig", **parameters)
    return fairseq.FixedLRSchedule(**parameters), want


def of_step(draw):
    parameters = {
        "lr": draw.uniform(1e-3, 1e-2),
        "warmup_updates": draw.choice([0, draw.randint(1, 100)]),
        "warmup_init_lr": draw.choice([-1, 1e-5]),
        "min_lr": draw.choice([0.0, draw.uniform(0, 1e-3)]),
        "lr_deacy_period": draw.randint(1, 50),
        "lr_decay": draw.choice([0.0, 0.5, 1.0, draw.random()]),
    }
    want = of_fairseq("step_lr_scheduler", "StepLRSchedule", "StepLRScheduleConfig", **parameters)
    return fairseq.StepLRSchedule(**parameters), want


def of_tri_stage(draw):
    parameters = {
        "lr": draw.uniform(1e-3, 1e-2),
        "warmup_steps": draw.choice([0, draw.randint(1, 60)]),
        "hold_steps": draw.choice([0, draw.randint(1, 60)]),
        "decay_steps": draw.randint(1, 60),
        "phase_ratio": draw.choice([None, (0.1, 0.4, 0.5), (0.25, 0.25, 0.5)]),
        "init_lr_scale": draw.choice([0.01, draw.random()]),
        "final_lr_scale": draw.choice([0.01, draw.uniform(0.001, 1)]),
        "max_update": draw.randint(10, 150),
    }
    want = of_fairseq("tri_stage_lr_scheduler", "TriStageLRSchedule", "TriStageLRScheduleConfig", **parameters)
    return fairseq.TriStageLRSchedule(**parameters), want


def of_scheduler(draw, name, times=(), *, with_warmup=False, **parameters):
    """One of Composer's; `times` are the names of parameters that are one."""
    run, rate = draw.randint(1, 150), draw.uniform(1e-4, 1e-2)
    for time in times:
        parameters[time] = draw.choice([f"{draw.randint(1, 100)}ba", "1dur", f"{draw.uniform(1 / run, 1.3):.3f}dur"])
    if with_warmup:
        parameters["t_warmup"] = draw.choice([f"{draw.randint(1, 170)}ba", "0.06dur", "0.5dur", "2e1ba"])
        if int(float(parameters["t_warmup"][:-3] if "dur" in parameters["t_warmup"] else "1") * run) == 0:
            parameters["t_warmup"] = "1ba"  # Composer warns of none
        parameters["t_max"] = draw.choice(["1dur", f"{run + draw.randint(0, 50)}ba", "1.5dur"])
    ours = getattr(composer, name)(rate, **parameters, max_duration=run)
    return ours, of_composer(name, rate, run, **parameters)


def milestones(draw):
    return [f"{draw.randint(1, 150)}ba" for _ in range(draw.randint(0, 5))]


def warmup_of_timm(draw, rate):
    return {
        "warmup_t": draw.choice([0, draw.randint(1, 50)]),
        "warmup_lr_init": draw.choice([0.0, 1e-5, 2 * rate]),
        "warmup_prefix": draw.choice([False, True]),
    }


def of_cycles(draw, name, **parameters):
    """timm's two schedulers that have cycles."""
    rate, first, factor = draw.uniform(1e-4, 1e-2), draw.randint(1, 60), draw.choice([1, 1, 2, 3])
    parameters |= {
        "t_initial": first,
        "lr_min": draw.choice([0.0, 1e-5]),
        "cycle_mul": factor,
        "cycle_decay": draw.choice([1.0, 0.5, draw.uniform(0.1, 1.5)]),
        "cycle_limit": draw.choice([0, 1, 2, draw.randint(1, 300)]),
        **warmup_of_timm(draw, rate),
    }
    offset = parameters["warmup_t"] if parameters["warmup_prefix"] else 0
    rounded = [offset + begin for begin in lengths(first, factor)[1:]] if factor > 1 else []
    return getattr(timm, name)(rate, **parameters), of_timm(name, rate, **parameters), rounded


def of_poly(draw):
    power, k = draw.choice([(draw.uniform(0.2, 3), 1.0), (1.0, 0.5), (1.0, 2.0)])
    return of_cycles(draw, "PolyLRScheduler", power=power, k_decay=k)


def of_timms_steps(draw, name, decay_t):
    rate = draw.uniform(1e-4, 1e-2)
    parameters = {
        "decay_t": decay_t,
        "decay_rate": draw.choice([1.0, 0.1, draw.random()]),
        **warmup_of_timm(draw, rate),
    }
    return getattr(timm, name)(rate, **parameters), of_timm(name, rate, **parameters)


def of_timms_wsd(draw):
    rate, length = draw.uniform(1e-4, 1e-2), draw.randint(1, 120)
    parameters = {
        "t_initial": length,
        "decay_t": draw.randint(1, length),
        "lr_min": draw.choice([0.0, 1e-5, 2 * rate]),
        "decay_fn": draw.choice(["linear", "1-sqrt", "cosine", "power"]),
        "decay_power": draw.choice([0.5, 1.0, 2.0]),
        "warmup_t": draw.choice([0, draw.randint(1, 50)]),
        "warmup_lr_init": draw.choice([0.0, 1e-5]),
    }
    return timm.WSDLRScheduler(rate, **parameters), of_timm("WSDLRScheduler", rate, **parameters)


CASES = {
    "DeepSpeed's LRRangeTest": of_range_test,
    "DeepSpeed's OneCycle": of_one_cycle,
    "DeepSpeed's WarmupLR": lambda draw: of_warmup(draw, "WarmupLR", **rates(draw)),
    "DeepSpeed's WarmupDecayLR": lambda draw: of_warmup(
        draw, "WarmupDecayLR", total_num_steps=draw.randint(1, 150), **rates(draw)
    ),
    "DeepSpeed's WarmupCosineLR": lambda draw: of_warmup(
        draw, "WarmupCosineLR", total_num_steps=draw.randint(1, 99), warmup_min_ratio=draw.choice([0.0, draw.random()]),
        cos_min_ratio=draw.choice([1e-4, draw.random()]),
    ),
    "Megatron's": of_optimizer_param_scheduler,
    "torchtitan's": of_schedulers_container,
    "fairseq's cosine": of_cosine_schedule,
    "fairseq's inverse_sqrt": of_inverse_sqrt,
    "fairseq's polynomial_decay": of_polynomial,
    "fairseq's fixed": of_fixed,
    "fairseq's step": of_step,
    "fairseq's tri_stage": of_tri_stage,
    "Composer's StepScheduler": lambda draw: of_scheduler(draw, "StepScheduler", ["step_size"], gamma=draw.random()),
    "Composer's MultiStepScheduler": lambda draw: of_scheduler(
        draw, "MultiStepScheduler", milestones=milestones(draw), gamma=draw.random()
    ),
    "Composer's ConstantScheduler": lambda draw: of_scheduler(
        draw, "ConstantScheduler", ["t_max"], alpha=draw.random()
    ),
    "Composer's LinearScheduler": lambda draw: of_scheduler(
        draw, "LinearScheduler", ["t_max"], alpha_i=draw.random(), alpha_f=draw.random()
    ),
    "Composer's ExponentialScheduler": lambda draw: of_scheduler(
        draw, "ExponentialScheduler", ["decay_period"], gamma=draw.random()
    ),
    "Composer's CosineAnnealingScheduler": lambda draw: of_scheduler(
        draw, "CosineAnnealingScheduler", ["t_max"], alpha_f=draw.random()
    ),
    "Composer's CosineAnnealingWarmRestartsScheduler": lambda draw: of_scheduler(
        draw, "CosineAnnealingWarmRestartsScheduler", ["t_0"], alpha_f=draw.random(),
        t_mult=draw.choice([1.0, 2.0, draw.uniform(1, 2)]),
    ),
    "Composer's PolynomialScheduler": lambda draw: of_scheduler(
        draw, "PolynomialScheduler", ["t_max"], power=draw.uniform(0.2, 4), alpha_f=draw.random()
    ),
    "Composer's MultiStepWithWarmupScheduler": lambda draw: of_scheduler(
        draw, "MultiStepWithWarmupScheduler", ["t_warmup"], milestones=milestones(draw), gamma=draw.random()
    ),
    "Composer's ConstantWithWarmupScheduler": lambda draw: of_scheduler(
        draw, "ConstantWithWarmupScheduler", with_warmup=True, alpha=draw.random()
    ),
    "Composer's LinearWithWarmupScheduler": lambda draw: of_scheduler(
        draw, "LinearWithWarmupScheduler", with_warmup=True, alpha_i=draw.random(), alpha_f=draw.random()
    ),
    "Composer's CosineAnnealingWithWarmupScheduler": lambda draw: of_scheduler(
        draw, "CosineAnnealingWithWarmupScheduler", with_warmup=True, alpha_f=draw.random()
    ),
    "Composer's PolynomialWithWarmupScheduler": lambda draw: of_scheduler(
        draw, "PolynomialWithWarmupScheduler", with_warmup=True, power=draw.uniform(0.2, 4), alpha_f=draw.random()
    ),
    "timm's CosineLRScheduler": lambda draw: of_cycles(
        draw, "CosineLRScheduler", k_decay=draw.choice([1.0, draw.uniform(0.5, 3)])
    ),
    "timm's PolyLRScheduler": of_poly,
    "timm's StepLRScheduler": lambda draw: of_timms_steps(
        draw, "StepLRScheduler", draw.choice([draw.randint(1, 50), draw.uniform(1, 30)])
    ),
    "timm's MultiStepLRScheduler": lambda draw: of_timms_steps(
        draw, "MultiStepLRScheduler", sorted(draw.randint(1, 150) for _ in range(draw.randint(0, 5)))
    ),
    "timm's WSDLRScheduler": of_timms_wsd,
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_original(name):
    """Within 1e-13 of the largest rate: the originals' own rounding is up to 7e-15."""
    draw = random.Random(name)
    for _ in range(DRAWS):
        ours, rates_of_original, *rounded = CASES[name](draw)
        want = np.array([*rates_of_original])
        first = -1 if name.startswith("DeepSpeed") else 0
        got = ours(np.arange(first, first + len(want)))
        differs = np.flatnonzero(abs(got - want) > 1e-13 * abs(want).max()) + first
        assert {*differs.tolist()} <= {step for steps in rounded for step in steps}, (ours, got - want)


def test_early_torchtitan():
    """The formula that torchtitan had in 2024, up to the end of the decay."""
    for warmup, decay in [(0, 1), (1, 9), (200, 800)]:
        schedule = torchtitan.linear_warmup_linear_decay(3e-4, warmup, decay)
        steps = range(warmup + decay + 1)
        want = [(s + 1) / (warmup + 1) if s < warmup else 1 - (s - warmup) / decay for s in steps]
        np.testing.assert_allclose(schedule(steps), np.multiply(want, 3e-4), rtol=0, atol=1e-18)


REFUSED = [
    (deepspeed.LRRangeTest, {"lr_range_test_staircase": True}, "`lr_range_test_staircase` must be False"),
    (deepspeed.OneCycle, {"cycle_min_lr": 1e-4, "cycle_max_lr": 1e-3, "cycle_first_step_size": 2.5}, "first_step_size"),
    (deepspeed.WarmupLR, {"learning_rate": 1.0, "warmup_type": "cosine"}, "`warmup_type` must be one of log, linear"),
    (deepspeed.WarmupLR, {"learning_rate": 1.0, "warmup_num_steps": 0}, "`warmup_num_steps` must be > 0"),
    (deepspeed.WarmupCosineLR, {"learning_rate": 1.0, "total_num_steps": 9, "cos_min_ratio": -1.0}, "`cos_min_ratio`"),
    (torchtitan.LRSchedulersContainer, {"learning_rate": 1.0, "training_steps": 9, "total_steps": 8}, "`total_steps`"),
    (torchtitan.LRSchedulersContainer, {"learning_rate": 1.0, "training_steps": 9, "decay_type": "exp"}, "decay_type"),
    (torchtitan.LRSchedulersContainer, {"learning_rate": 1.0, "training_steps": 9, "decay_ratio": -1.0}, "decay_ratio"),
    (fairseq.FixedLRSchedule, {"lr": 1.0, "force_anneal": 5}, "`force_anneal` must be None: an epoch"),
    (fairseq.FixedLRSchedule, {"lr": [1.0, 0.5]}, "`lr` must be one rate"),
    (fairseq.CosineLRSchedule, {"lr": 1.0, "lr_period_updates": 9, "t_mult": 0.5}, "`t_mult` must be >= 1"),
    (fairseq.CosineLRSchedule, {"lr": 1.0}, "`lr_period_updates` must be > 0, or `max_update`"),
    (fairseq.CosineLRSchedule, {"lr": 1.0, "lr_period_updates": 9, "min_lr": 0.1}, "`max_update` must be given"),
    (fairseq.CosineLRSchedule, {"lr": 1.0, "max_update": 99, "lr_period_updates": 9.5, "min_lr": 0.1}, "whole steps"),
    (fairseq.CosineLRSchedule, {"lr": 1.0, "min_lr": 1.0}, "`min_lr` must be below `lr`"),
    (fairseq.PolynomialDecayLRSchedule, {"lr": 1.0, "total_num_update": 9, "power": 0.0}, "`power` must be > 0"),
    (fairseq.StepLRSchedule, {"lr": 1.0, "lr_decay": 2.0}, "`lr_decay` must be from 0 to 1"),
    (fairseq.StepLRSchedule, {"lr": 1.0, "min_lr": 2.0}, "`min_lr` must be >= 0 and below"),
    (fairseq.TriStageLRSchedule, {"lr": 1.0}, "`decay_steps` must be > 0"),
    (fairseq.TriStageLRSchedule, {"lr": 1.0, "decay_steps": 9, "final_lr_scale": 0.0}, "`final_lr_scale` must be > 0"),
    (fairseq.TriStageLRSchedule, {"lr": 1.0, "phase_ratio": (0.5, 0.4, 0.5)}, "`phase_ratio` must be three numbers"),
    (composer.StepScheduler, {"learning_rate": 1.0, "step_size": "1ep"}, "`step_size` must be a number of batches"),
    (composer.StepScheduler, {"learning_rate": 1.0, "step_size": "ba"}, "`step_size` must be a number of batches"),
    (composer.LinearScheduler, {"learning_rate": 1.0}, "`max_duration` must be given"),
    (composer.ExponentialScheduler, {"learning_rate": 1.0, "gamma": 0.5}, "`decay_period` must be a number of batches"),
    (composer.ExponentialScheduler, {"learning_rate": 1.0, "gamma": -0.5}, "`gamma` must be >= 0"),
    (composer.PolynomialScheduler, {"learning_rate": 1.0, "t_max": 9, "power": 0.0}, "`power` must be > 0"),
    (composer.CosineAnnealingWarmRestartsScheduler, {"learning_rate": 1.0, "t_0": 9, "t_mult": 0.5}, "`t_mult`"),
    (composer.ConstantWithWarmupScheduler, {"learning_rate": 1.0, "t_warmup": 9, "scale_warmup": True}, "scale_warmup"),
    (
        composer.LinearWithWarmupScheduler, {"learning_rate": 1.0, "t_warmup": 9, "t_max": 20, "max_duration": 30},
        "`t_max` must not be below `max_duration`",
    ),
    (timm.CosineLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "noise_range_t": 5}, "`noise_range_t` must be"),
    (timm.CosineLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "cycle_mul": 1.5, "cycle_limit": 2}, "whole step"),
    (timm.CosineLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "cycle_mul": 0.0}, "`cycle_mul` must be > 0"),
    (timm.PolyLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "k_decay": 2.0}, "`k_decay` must be 1, or with"),
    (timm.PolyLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "power": 0.0}, "`power` must be > 0"),
    (timm.MultiStepLRScheduler, {"learning_rate": 1.0, "decay_t": [9, 3]}, "`decay_t` must rise"),
    (timm.WSDLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "decay_t": 3, "stable_fn": "rsqrt"}, "`stable_fn`"),
    (
        timm.WSDLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "decay_t": 3, "decay_fn": "exp"},
        "`decay_fn` must be linear, .*: there is no schedule of a power less a constant",
    ),
    (
        timm.WSDLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "decay_t": 3, "decay_ratio": 0.5},
        "`decay_ratio` must be left out: it is for shapes that are refused",
    ),
    (timm.CosineLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "noise_pct": 0.5}, "`noise_pct` must be left out"),
    (timm.TanhLRScheduler, {"t_initial": 9}, "`TanhLRScheduler` has no equivalent: there is no such curve"),
    (torch.CyclicLR, {"base_lr": 0.1, "max_lr": 1.0}, "`CyclicLR` has no equivalent: there is no schedule with tri"),
    (fairseq.ManualSchedule, {}, "`ManualSchedule` has no equivalent: there is no formula"),
    (
        deepspeed.OneCycle, {"cycle_min_lr": 0.1, "cycle_max_lr": 1.0, "cycle_momentum": False},
        "`cycle_momentum` must be left out: a schedule has no momentum and no state. Received: cycle_momentum=False",
    ),
    (deepspeed.WarmupLR, {"learning_rate": 1.0, "last_batch_iteration": -1}, "`last_batch_iteration` must be left"),
    (
        timm.WSDLRScheduler,
        {"learning_rate": 1.0, "t_initial": 9, "decay_t": 3, "decay_fn": "power", "decay_power": 3.0}, "`decay_power`",
    ),
    (timm.WSDLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "decay_t": 10}, "`decay_t` must be <= `t_initial`"),
    (timm.CosineLRScheduler, {"learning_rate": 1.0, "t_initial": 9, "cycle_limit": 2**62}, "`cycle_limit` must be"),
    (torch.MultiStepLR, {"learning_rate": 1.0, "milestones": [5, 9], "gamma": 1e308}, "A rate is too large"),
    (optax.linear_onecycle_schedule, {"transition_steps": 10.5, "peak_value": 1.0}, "`transition_steps` must be whole"),
]  # fmt: skip
MEGATRON = {"init_lr": 0.0, "max_lr": 1.0, "min_lr": 0.1, "lr_warmup_steps": 5, "lr_decay_steps": 9}
REFUSED += [
    (megatron.OptimizerParamScheduler, {**MEGATRON, "lr_decay_style": "linear", **given}, match)
    for given, match in [
        ({"lr_decay_style": "exponential"}, "`lr_decay_style` must be one of constant"),
        ({"lr_decay_style": "WSD"}, "`wsd_decay_steps` must be given"),
        ({"lr_decay_style": "WSD", "wsd_decay_steps": 5}, "`lr_wsd_decay_style` must be one of"),
        (
            {"lr_decay_style": "WSD", "wsd_decay_steps": 5, "lr_wsd_decay_style": "exponential"},
            "`lr_wsd_decay_style` must be linear, cosine or minus_sqrt: there is no",
        ),
        ({"max_lr": 0.05}, "`max_lr` must be the largest"),
        ({"lr_decay_steps": 5}, "`lr_decay_steps` must be larger"),
        ({"start_wd": 0.1}, "`start_wd` must be left out: a schedule has no weight decay"),
    ]
]


@pytest.mark.parametrize(("function", "parameters", "match"), REFUSED)
def test_refused(function, parameters, match):
    with pytest.raises(ValueError, match=match):
        function(**parameters)


FUNCTIONS = [
    getattr(module, name)
    for module in (composer, deepspeed, fairseq, megatron, timm, torchtitan)
    for name in module.__all__
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: f"{function.__module__}.{function.__name__}")
def test_bad_arguments(function):
    """Each parameter: an object that is nothing of use raises by the parameter's name."""
    ordinary = {
        "learning_rate": 0.1, "lr": 0.2, "t_max": 90, "t_warmup": 9, "t_0": 9, "step_size": 9, "decay_period": 9,
        "milestones": [9], "gamma": 0.5, "power": 2.0, "cycle_min_lr": 0.1, "cycle_max_lr": 0.2, "total_num_steps": 90,
        "total_num_update": 90, "init_lr": 0.0, "max_lr": 0.2, "min_lr": 0.1, "lr_warmup_steps": 9, "warmup_steps": 9,
        "lr_decay_steps": 90, "lr_decay_style": "WSD", "wsd_decay_steps": 9, "lr_wsd_decay_style": "linear",
        "training_steps": 90, "t_initial": 90, "lr_period_updates": 90, "max_update": 99, "decay_steps": 90,
        "warmup_type": "linear", "decay_power": 0.5, "decay_fn": "power",
        "decay_t": [9] if function is timm.MultiStepLRScheduler else 9,
    }  # fmt: skip
    names = inspect.signature(function).parameters
    parameters = {name: value for name, value in ordinary.items() if name in names}
    function(**parameters)
    ignored = {"max_duration"}  # for times in "dur"
    if function is not fairseq.CosineLRSchedule:
        ignored |= {"lr_shrink", "max_update"}
    for name in set(names) - ignored:
        with pytest.raises((TypeError, ValueError), match=f"`{name}`"):
            function(**{**parameters, name: object()})


@pytest.mark.skipif(not DOCS.is_dir(), reason="the docs are only in the source tree")
@pytest.mark.parametrize("module", TABLES, ids=lambda module: module.__name__)
def test_tables(module):
    """The table of what is equal names every function and parameter."""
    page, heading = TABLES[module]
    table = re.split("\n##+ ", (DOCS / page).read_text().split(f"\n{heading}")[1])[0]
    functions = [getattr(module, name) for name in module.__all__]
    names = {name for function in functions for name in (function.__name__, *inspect.signature(function).parameters)}
    assert {name for name in names if f"`{name}`" not in table} <= {"learning_rate"}


def test_imports():
    """No dialect imports a framework, and `import cosine_fast` imports no dialect."""
    names = "composer", "deepspeed", "fairseq", "megatron", "timm", "torchtitan"
    program = f"""
import sys, cosine_fast
assert not any("dialects" in name for name in sys.modules)
from cosine_fast.dialects import {", ".join(names)}
assert sys.modules.keys().isdisjoint({{"torch", *{names}}})
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_one_milestone():
    with pytest.raises(TypeError, match=r"`milestones` must be steps. Received: milestones=30"):
        torch.MultiStepLR(1.0, 30)
