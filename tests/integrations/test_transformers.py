"""cosine_fast.dialects.transformers and cosine_fast.integrations.transformers, against Transformers itself."""

from __future__ import annotations

import inspect
import random

import numpy as np
import pytest

from cosine_fast.dialects import transformers as dialects

torch = pytest.importorskip("torch", reason="the originals are in PyTorch")
integration = pytest.importorskip("cosine_fast.integrations.transformers")

RATES = 3e-3, 1e-2, 1e-4, 0.0  # the first one is the optimizer's own


@pytest.fixture(scope="module")
def optimization():
    return pytest.importorskip("transformers.optimization", reason="the originals are in Transformers")


def optimizer_of(rates=RATES):
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in rates]
    return torch.optim.SGD(
        [{"params": [each], "lr": rate} for each, rate in zip(parameters, rates, strict=True)], RATES[0]
    )


def warmup(draw):
    return {"num_warmup_steps": draw.choice([0, 1, 2, draw.randint(0, 40)])}


def lengths(draw):
    return {**warmup(draw), "num_training_steps": draw.choice([41, 100, draw.randint(0, 100)])}


def waves(draw):
    return {**lengths(draw), **draw.choice([{}, {"num_cycles": draw.choice([0, 1, 2.5, draw.uniform(0, 4)])}])}


def floored(draw):
    return {**waves(draw), **draw.choice([{"min_lr": draw.uniform(0, 1e-2)}, {"min_lr_rate": draw.uniform(0, 1.2)}])}


def stable(draw):
    start, decay = warmup(draw), draw.randint(0, 40)
    whole = {"num_training_steps": start["num_warmup_steps"] + decay + draw.choice([0, draw.randint(0, 40)])}
    return {
        **start, **draw.choice([whole, {"num_stable_steps": draw.choice([0, 30])}]), "num_decay_steps": decay,
        "warmup_type": draw.choice(["linear", "cosine", "1-sqrt"]), "min_lr_ratio": draw.choice([0, draw.random()]),
        "decay_type": draw.choice(["linear", "cosine", "1-sqrt"]), "num_cycles": draw.choice([0.5, 0, 1.75]),
    }  # fmt: skip


DRAWS = {
    "get_constant_schedule": lambda draw: {},
    "get_constant_schedule_with_warmup": warmup,
    "get_linear_schedule_with_warmup": lengths,
    "get_cosine_schedule_with_warmup": waves,
    "get_cosine_with_hard_restarts_schedule_with_warmup": lambda draw: {
        **lengths(draw), "num_cycles": draw.choice([1, 2, 49, draw.randint(1, 30), draw.uniform(0.1, 9)]),
    },
    "get_polynomial_decay_schedule_with_warmup": lambda draw: {
        "num_warmup_steps": draw.randint(0, 40), "num_training_steps": draw.randint(41, 100),
        "power": draw.choice([1, 2, draw.uniform(0.1, 4)]), **draw.choice([{}, {"lr_end": draw.uniform(0, 2.9e-3)}]),
    },
    "get_inverse_sqrt_schedule": lambda draw: {
        **warmup(draw), **draw.choice([{}, {"timescale": draw.randint(1, 100)}]),
    },
    "get_cosine_with_min_lr_schedule_with_warmup": floored,
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": lambda draw: {
        **floored(draw), "warmup_lr_rate": draw.choice([None, draw.random()]),
    },
    "get_wsd_schedule": stable,
}  # fmt: skip
CASES = [(name, DRAWS[name](random.Random(seed))) for name in DRAWS for seed in range(12 if len(name) > 21 else 1)]
CASES += [
    (
        "get_cosine_with_hard_restarts_schedule_with_warmup",
        {"num_warmup_steps": W, "num_training_steps": W + D, "num_cycles": n},
    )
    for W, D, n in [(0, 21, 9), (5, 98, 42)]
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_rates(optimization, name, options):
    """All rates of all parameter groups are those of Transformers, at every step and past the end."""
    count = 140
    original = getattr(optimization, name)(optimizer_of(), **options)
    scheduler = getattr(integration, name)(optimizer_of(), **options)
    assert scheduler.schedules[0] == getattr(dialects, name)(RATES[0], **options)
    factors = np.array([original.lr_lambdas[0](step) for step in range(count)])
    if "restarts" in name:  # Transformers rounds: one over 49, times 49, is below 1
        begin, length = options["num_warmup_steps"], options["num_training_steps"] - options["num_warmup_steps"]
        for step in range(begin, begin + length):
            if options["num_cycles"] * (step - begin) % length == 0:
                factors[step] = 1.0
    for rate, schedule in zip(RATES, scheduler.schedules, strict=True):
        np.testing.assert_allclose(schedule(np.arange(count)), rate * factors, 0, 1e-12 * rate)
    for _ in range(3):
        scheduler.optimizer.step()
        scheduler.step()
    assert scheduler.get_last_lr() == [schedule(3) for schedule in scheduler.schedules]


def test_signatures(optimization):
    """They are those of Transformers, whose annotations are left out."""
    assert {*dialects.__all__, "get_scheduler"} == set(integration.__all__)
    for name in integration.__all__:
        ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (integration, optimization))
        assert [(key, value.default, value.kind) for key, value in ours.items()] == [
            (key, value.default, value.kind) for key, value in theirs.items()
        ]


def test_names(optimization):
    """Every name of Transformers gives what its function gives, or is refused."""
    for kind, function in optimization.TYPE_TO_SCHEDULER_FUNCTION.items():
        options = {"min_lr": 1e-4} if "min_lr" in kind.value else {}
        if kind.value == "warmup_stable_decay":
            options = {"num_decay_steps": 9}
        if kind.value in ("reduce_lr_on_plateau", "greedy"):
            with pytest.raises(ValueError, match=f"`name` must be of a schedule. The rates of {kind.value} depend"):
                integration.get_scheduler(kind, optimizer_of())
            continue
        scheduler = integration.get_scheduler(kind, optimizer_of(), 5, 50, options)
        original = optimization.get_scheduler(kind, optimizer_of(), 5, 50, options)
        assert function.__name__ in dialects.__all__
        for _ in range(60):
            assert scheduler.get_last_lr() == pytest.approx(original.get_last_lr(), rel=1e-12, abs=1e-16)
            for each in (scheduler, original):
                each.optimizer.step()
                each.step()
        assert integration.get_scheduler(kind.value, optimizer_of(), 5, 50, options).schedules == scheduler.schedules


def test_a_run_that_goes_on():
    """With `last_epoch` the rates are those of the group's first rate, as in PyTorch."""
    optimizer = optimizer_of()
    scheduler = integration.get_linear_schedule_with_warmup(optimizer, 5, 50)
    for _ in range(9):
        optimizer.step()
        scheduler.step()
    assert integration.get_linear_schedule_with_warmup(optimizer, 5, 50, 8).get_last_lr() == scheduler.get_last_lr()


def test_optimizers_without_a_rate_of_their_own():
    class Own(torch.optim.Optimizer):
        def __init__(self, groups):
            super().__init__(groups, {})

        def step(self, closure=None):
            pass

    optimizer = Own([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.5}])
    assert integration.get_scheduler("linear", optimizer, 0, 10).get_last_lr() == [0.5]
    with pytest.raises(TypeError, match="multiple values for keyword argument 'num_warmup_steps'"):
        integration.get_scheduler("linear", optimizer, 0, 10, {"num_warmup_steps": 3})
    with pytest.raises(TypeError, match=r"get_linear_schedule_with_warmup\(\) .*'foo'"):
        integration.get_scheduler("linear", optimizer, 0, 10, {"foo": 3})


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        ("get_constant_schedule", [None], TypeError, "`learning_rate` must be a number"),
        ("get_constant_schedule_with_warmup", [1, -1], ValueError, "`num_warmup_steps` must be >= 0"),
        ("get_linear_schedule_with_warmup", [1, 2.5, 10], ValueError, "`num_warmup_steps` must be a whole number"),
        ("get_linear_schedule_with_warmup", [1, 2, "10"], TypeError, "`num_training_steps` must be a number"),
        ("get_cosine_schedule_with_warmup", [1, 2, 10, -1], ValueError, "`num_cycles` must be >= 0"),
        ("get_cosine_with_hard_restarts_schedule_with_warmup", [1, 2, 9, 0], ValueError, "`num_cycles` must be > 0"),
        ("get_polynomial_decay_schedule_with_warmup", [1, 2, 10, 2], ValueError, "`lr_end` must not be larger than"),
        ("get_polynomial_decay_schedule_with_warmup", [1, 2, 10, 0, 0], ValueError, "`power` must be > 0"),
        ("get_inverse_sqrt_schedule", [1, 2, 0], ValueError, "`timescale` must be > 0"),
        ("get_cosine_with_min_lr_schedule_with_warmup", [1, 2, 9], ValueError, "`min_lr` and `min_lr_rate` must be g"),
        ("get_wsd_schedule", [1, 2, 3], ValueError, "`num_training_steps` or `num_stable_steps` must be given"),
        ("get_wsd_schedule", [1, 2, 3, 4], ValueError, "`num_training_steps` must be at least .* 5. Received: .*=4"),
        ("get_wsd_schedule", [1, 2, 3, 9, None, "x"], ValueError, "`warmup_type` must be one of linear, cosine, 1-"),
        ("get_wsd_schedule", [1, 2, 3, 9, None, "linear", []], ValueError, "`decay_type` must be one of linear, cos"),
        ("get_wsd_schedule", [1, 2, 3, 9, 1, "linear", "linear", -1], ValueError, "`min_lr_ratio` must be >= 0"),
    ],
)
def test_bad_parameters(name, arguments, error, words):
    with pytest.raises(error, match=words):
        getattr(dialects, name)(*arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"name": "lineal"}, ValueError, "`name` must be one of linear, .* Received: name='lineal'"),
        ({"name": []}, ValueError, r"`name` must be one of linear, .* Received: name=\[\]"),
        ({"optimizer": None}, TypeError, "`optimizer` must be a torch.optim.Optimizer"),
        ({"num_warmup_steps": None}, ValueError, "`num_warmup_steps` must be given for linear"),
        ({"num_training_steps": None}, ValueError, "`num_training_steps` must be given for linear"),
        ({"scheduler_specific_kwargs": {"min_lr": 1}}, TypeError, "unexpected keyword argument 'min_lr'"),
    ],
)
def test_bad_names(arguments, error, words):
    with pytest.raises(error, match=words):
        integration.get_scheduler(
            **{"name": "linear", "optimizer": optimizer_of(), "num_warmup_steps": 1, "num_training_steps": 9}
            | arguments
        )


def test_what_is_imported(process):
    """The dialects need no framework, and the integrations none but PyTorch."""
    process("import sys; from cosine_fast.dialects import torch, transformers; assert 'torch' not in sys.modules")
    names = "transformers", "lightning", "timm"
    imports = f"import sys; from cosine_fast.integrations import {', '.join(names)}"
    process(f"{imports}; assert not {{*{names}}} & {{*sys.modules}}")


def test_bad_floors():
    for floor in ({"min_lr": -1}, {"min_lr_rate": -1}):
        with pytest.raises(ValueError, match=r"`min_lr` or learning_rate \* min_lr_rate, must be >= 0"):
            dialects.get_cosine_with_min_lr_schedule_with_warmup(1, 2, 9, **floor)
