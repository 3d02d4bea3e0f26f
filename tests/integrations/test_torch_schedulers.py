"""PyTorch's schedulers: cosine_fast.dialects.torch, and the classes in cosine_fast.integrations.torch."""

from __future__ import annotations

import copy
import inspect
import pickle
import random

import numpy as np
import pytest
from test_torch import saved

from cosine_fast import OneCycle
from cosine_fast.dialects import torch as dialects

torch = pytest.importorskip("torch", reason="PyTorch is what these tests are about")
lr_scheduler = torch.optim.lr_scheduler
drop_ins = pytest.importorskip("cosine_fast.integrations.torch")

STEPS = 50
RATES = 0.3, 0.07
pytestmark = pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step")


def one_cycle(draw):
    length = {"total_steps": STEPS} if draw.random() < 0.5 else {"epochs": 5, "steps_per_epoch": 10}
    return {
        **length,
        "max_lr": [10 ** draw.uniform(-4, 1) for _ in RATES],
        "pct_start": draw.choice([0.3, draw.uniform(0.03, 0.48)]),
        "anneal_strategy": draw.choice(["cos", "linear"]),
        "div_factor": draw.uniform(0.5, 30),
        "final_div_factor": 10 ** draw.uniform(0, 5),
        "three_phase": draw.random() < 0.5,
        "base_momentum": [draw.uniform(0, 0.9) for _ in RATES],
        "max_momentum": draw.uniform(0.9, 1),
    }


DRAWS = {
    "ConstantLR": lambda draw: {"factor": draw.random(), "total_iters": draw.randint(1, 60)},
    "LinearLR": lambda draw: {
        "start_factor": 1 - draw.random(), "end_factor": draw.random(), "total_iters": draw.randint(1, 60),
    },
    "ExponentialLR": lambda draw: {"gamma": draw.choice([draw.uniform(0.5, 1.1), -0.9])},
    "StepLR": lambda draw: {"step_size": draw.randint(1, 20), "gamma": draw.uniform(-0.5, 1.1)},
    "MultiStepLR": lambda draw: {"milestones": draw.choices(range(60), k=draw.randint(0, 9)), "gamma": draw.random()},
    "PolynomialLR": lambda draw: {"total_iters": draw.randint(1, 60), "power": draw.choice([0, 1, draw.uniform(0, 4)])},
    "CosineAnnealingLR": lambda draw: {"T_max": draw.randint(2, 60), "eta_min": draw.uniform(-0.1, 0.1)},
    "CosineAnnealingWarmRestarts": lambda draw: {
        "T_0": draw.randint(1, 30), "T_mult": draw.randint(1, 4), "eta_min": draw.uniform(-0.1, 0.1),
    },
    "OneCycleLR": one_cycle,
}  # fmt: skip
CASES = [(name, DRAWS[name](random.Random(seed))) for name in DRAWS for seed in range(6)]


def made(module, name, options, rates=RATES, kind=torch.optim.AdamW):
    optimizer = kind([{"params": [torch.nn.Parameter(torch.ones(1))], "lr": rate} for rate in rates])
    return getattr(module, name)(optimizer, **copy.deepcopy(options))


def values_of(scheduler):
    """The rate of each parameter group, and its momentum."""
    groups = scheduler.optimizer.param_groups
    return [(float(group["lr"]), group.get("betas", [group.get("momentum")])[0]) for group in groups]


def run(scheduler, count, *, closed=False):
    """The values after each of the next steps, in PyTorch's closed form or as a training loop has them."""
    values = []
    for _ in range(count):
        scheduler.optimizer.step()
        scheduler.step(*[scheduler.last_epoch + 1] if closed else [])
        values.append(values_of(scheduler))
    return values


def assert_close(got, want, peak=None):
    peak = np.abs(want).max(0) if peak is None else peak
    assert np.all(np.abs(np.subtract(got, want)) <= 1e-12 * peak)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_values(name, options):
    """The rates are those of PyTorch's closed form at every step, also past the end; the momentum too."""
    one_cycle = name == "OneCycleLR"
    count = STEPS - 1 if one_cycle else 2 * STEPS
    # These two have no recursion, and the closed form of the first one rounds logarithms.
    closed = name not in ("CosineAnnealingWarmRestarts", "OneCycleLR")
    original, scheduler = made(lr_scheduler, name, options), made(drop_ins, name, options)
    want = [values_of(original), *run(original, count, closed=closed)]
    got = [values_of(scheduler), *run(scheduler, count)]
    assert_close(got, want)
    given = inspect.signature(getattr(dialects, name)).parameters
    for group, rate in enumerate(RATES):
        parameters = {"learning_rate": rate, **options}
        if one_cycle:
            parameters["max_lr"] = options["max_lr"][group]
        schedule = getattr(dialects, name)(**{key: parameters[key] for key in parameters if key in given})
        assert_close(schedule(np.arange(count + 1)), [values[group][0] for values in got])
    if one_cycle:
        assert_close(run(scheduler, 1)[0][0][0], got[-1][0][0])
        with pytest.raises(ValueError, match=r"There are only 50 steps \(`total_steps`\). Received: step 51"):
            scheduler.step()
    else:
        for step in (7, count, 0):
            scheduler.step(step)
            assert values_of(scheduler) == got[step]


@pytest.mark.parametrize(("name", "options"), CASES[::6])
@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.SGD])
def test_a_run_resumed_at_every_step(name, options, kind):
    """By PyTorch's own class or ours, of a state of the other or of our own; the state has the same keys."""
    whole = run(made(drop_ins, name, options, kind=kind), STEPS - 1)
    for before, after in [(drop_ins, drop_ins), (drop_ins, lr_scheduler), (lr_scheduler, drop_ins)]:
        scheduler = made(before, name, options, kind=kind)
        for step in range(STEPS):
            resumed = made(after, name, options, kind=kind)
            assert resumed.state_dict().keys() == scheduler.state_dict().keys()
            resumed.optimizer.load_state_dict(copy.deepcopy(scheduler.optimizer.state_dict()))
            resumed.load_state_dict(copy.deepcopy(scheduler.state_dict()))
            assert resumed.get_last_lr() == scheduler.get_last_lr()
            got = run(resumed, STEPS - 1 - step)
            if before is after:
                assert got == whole[step:]
            elif got:  # PyTorch's recursion drifts
                assert_close(got[0], whole[step], np.max(whole, 0))
            run(scheduler, step < STEPS - 1)


@pytest.mark.parametrize(("name", "options"), CASES[::6])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_and_tensors(name, options, copied):
    """A tensor is filled in place with the rate of its own base; copies and what is saved go on."""
    rates = [torch.tensor(rate) for rate in RATES]
    exact = made(drop_ins, name, options, [rate.item() for rate in rates])
    scheduler = made(drop_ins, name, options, rates)
    for _ in range(9):
        run(scheduler, 1)
        assert values_of(scheduler) == [(np.float32(rate), momentum) for rate, momentum in run(exact, 1)[0]]
    assert all(group["lr"] is rate for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True))
    resumed = made(drop_ins, name, options, [torch.tensor(rate) for rate in RATES])
    resumed.optimizer.load_state_dict(saved(scheduler.optimizer.state_dict()))
    resumed.load_state_dict(saved(scheduler.state_dict()))
    assert run(copied(scheduler), 9) == run(resumed, 9) == run(scheduler, 9)


@pytest.mark.parametrize("steps", [5, 100, 1003])
def test_the_class_of_one_cycle(steps):
    """OneCycle's dialect for PyTorch is this with two phases of cosines."""
    ours = OneCycle(0.3, steps, 0.4, 10.0, 100.0, dialect="torch")
    other = dialects.OneCycleLR(0.3, steps, pct_start=0.4, div_factor=10.0, final_div_factor=100.0)
    np.testing.assert_allclose(ours.precompute(steps + 9), other.precompute(steps + 9), 1e-15, 0)


def test_changed_parameters():
    """As in PyTorch, a state that is loaded brings its parameters, and attributes can be set."""
    scheduler = made(drop_ins, "StepLR", {"step_size": 5})
    scheduler.load_state_dict(made(lr_scheduler, "StepLR", {"step_size": 2, "gamma": 0.5}).state_dict())
    assert [values[0][0] for values in run(scheduler, 3)] == [0.3, 0.15, 0.15]
    scheduler.base_lrs = [1.0, 2.0]
    scheduler.gamma = 0.25
    assert [values[0][0] for values in run(scheduler, 1)] == [0.0625]


def test_milestones_changed_in_place():
    scheduler = made(drop_ins, "MultiStepLR", {"milestones": [2], "gamma": 0.5})
    run(scheduler, 1)
    scheduler.milestones[3] = scheduler.milestones.pop(2)
    assert [values[0][0] for values in run(scheduler, 3)] == [0.3, 0.15, 0.15]


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("anneal_strategy", ["cos", "linear"])
@pytest.mark.parametrize(("total_steps", "pct_start"), [(1, 0.3), (2, 0.3), (3, 0.3), (3, 0.6), (9, 0.05)])
def test_short_cycles(total_steps, pct_start, anneal_strategy, three_phase):
    """Where a phase would end before step 0, PyTorch begins within the next one."""
    options = {"max_lr": 1.0, "total_steps": total_steps, "pct_start": pct_start, "anneal_strategy": anneal_strategy}
    ours, original = (
        made(module, "OneCycleLR", {**options, "three_phase": three_phase}) for module in (drop_ins, lr_scheduler)
    )
    got, want = ([values_of(each), *run(each, total_steps - 1)] for each in (ours, original))
    assert_close(got, want, 1.0)


@pytest.mark.parametrize(("name", "options"), CASES[::6])
def test_states_in_any_order(name, options):
    """The optimizer's state may be loaded before the scheduler is made."""
    scheduler = made(drop_ins, name, options)
    run(scheduler, 7)
    early = made(drop_ins, name, options).optimizer
    early.load_state_dict(copy.deepcopy(scheduler.optimizer.state_dict()))
    late = getattr(drop_ins, name)(early, **copy.deepcopy(options))
    late.load_state_dict(scheduler.state_dict())
    assert [values_of(late), *run(late, 9)] == [values_of(scheduler), *run(scheduler, 9)]


@pytest.mark.parametrize(
    "parts",
    [
        [("StepLR", {"step_size": 2}), ("CosineAnnealingWarmRestarts", {"T_0": 4})],
        [("LinearLR", {"start_factor": 0.5}), ("CosineAnnealingLR", {"T_max": 10})],
        [("OneCycleLR", {"max_lr": 0.5, "total_steps": 9}), ("OneCycleLR", {"max_lr": 0.2, "total_steps": 20})],
    ],
)
def test_a_sequence_resumed_at_every_step(parts):
    def sequence():
        optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=0.1)
        return lr_scheduler.SequentialLR(optimizer, [getattr(drop_ins, name)(optimizer, **p) for name, p in parts], [5])

    whole = sequence()
    want = [values_of(whole), *run(whole, 12)]
    for step in range(12):
        stopped, resumed = sequence(), sequence()
        run(stopped, step)
        resumed.optimizer.load_state_dict(copy.deepcopy(stopped.optimizer.state_dict()))
        resumed.load_state_dict(copy.deepcopy(stopped.state_dict()))
        assert [values_of(resumed), *run(resumed, 12 - step)] == want[step:]


def test_fewer_groups():
    scheduler = made(drop_ins, "StepLR", {"step_size": 5})
    scheduler.optimizer.param_groups.pop()
    with pytest.raises(ValueError, match="StepLR has rates for 2 parameter groups"):
        run(scheduler, 1)


def add_group(scheduler):
    scheduler.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.2})
    return scheduler


@pytest.mark.parametrize(("name", "options"), CASES[:-12:6])
def test_new_parameter_groups(name, options):
    """As in PyTorch, a new group's rate is that of the step before; a run with one can be resumed."""
    ours, original = made(drop_ins, name, options), made(lr_scheduler, name, options)
    run(ours, 1)
    run(original, 1)
    got, want = run(add_group(ours), 1), run(add_group(original), 1)
    resumed = add_group(made(drop_ins, name, options))
    resumed.optimizer.load_state_dict(copy.deepcopy(ours.optimizer.state_dict()))
    resumed.load_state_dict(saved(ours.state_dict()))
    rest = run(ours, 9)
    assert_close(got + rest, want + run(original, 9))
    assert run(resumed, 9) == rest


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("PolynomialLR", {"total_iters": 2}, "PolynomialLR cannot take the new parameter group 2 at the step 2, at wh"),
        ("CosineAnnealingWarmRestarts", {"T_0": 9}, "Restarts cannot take the new parameter group 2"),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 9}, "new parameter group 2 must have initial_lr, max_lr, min_lr"),
    ],
)
def test_new_parameter_groups_that_are_refused(name, options, words):
    scheduler = made(drop_ins, name, options)
    run(scheduler, 2)
    with pytest.raises(ValueError, match=words):
        run(add_group(scheduler), 1)


def test_numpys_numbers():
    """They are Python's in the state, which torch.load reads."""
    scheduler = made(drop_ins, "StepLR", {"step_size": np.int64(5), "gamma": np.float64(0.5)})
    scheduler.optimizer.step()
    scheduler.step(np.int64(3))
    state = saved(scheduler.state_dict())
    assert [type(state[name]) for name in ("last_epoch", "step_size", "gamma")] == [int, int, float]
    scheduler = made(drop_ins, "MultiStepLR", {"milestones": np.array([3, 6])})
    scheduler.base_lrs = [np.float64(0.1)]
    state = saved(scheduler.state_dict())
    assert (state["base_lrs"], state["milestones"]) == ([0.1], {3: 1, 6: 1})


def test_epochs_of_warm_restarts():
    """Fractional epochs, and steps after one; a step in a later cycle as `last_epoch`, which PyTorch's class misses."""
    options = {"T_0": 5, "T_mult": 2, "eta_min": 0.01}
    schedule = dialects.CosineAnnealingWarmRestarts(RATES[0], **options)
    ours, original = (made(module, "CosineAnnealingWarmRestarts", options) for module in (drop_ins, lr_scheduler))
    for epoch in (0.25, 4.75, None, None, 33.5, 2, None, 34.0, None):
        ours.step(epoch)
        original.step(epoch)
        assert_close(values_of(ours), values_of(original))
        assert (ours.last_epoch, ours.T_cur, ours.T_i) == (original.last_epoch, original.T_cur, original.T_i)
    for group in ours.optimizer.param_groups:
        group["initial_lr"] = RATES[0]
    ours.optimizer.param_groups[0]["lr"] = 5.0
    with pytest.warns(UserWarning, match="Something else has changed a learning rate"):
        ours.step()
    resumed = drop_ins.CosineAnnealingWarmRestarts(ours.optimizer, **options, last_epoch=99)
    assert [values[1][0] for values in run(resumed, 9)] == [schedule(step) for step in range(101, 110)]


def test_in_sequences_and_chains():
    """A sequence begins at its milestone; a chain with others is refused, later too."""
    optimizer = made(drop_ins, "ExponentialLR", {"gamma": 0.9}).optimizer
    parts = [drop_ins.LinearLR(optimizer, 0.1), drop_ins.CosineAnnealingWarmRestarts(optimizer, 10)]
    parts.append(drop_ins.CosineAnnealingLR(optimizer, 10))
    sequence = lr_scheduler.SequentialLR(optimizer, parts, [5, 20])
    got = [values_of(sequence), *run(sequence, STEPS)]
    warm = [dialects.LinearLR(RATES[0], 0.1)(step) for step in range(5)]
    restarts = [dialects.CosineAnnealingWarmRestarts(RATES[0], 10)(step) for step in range(15)]
    assert [values[0][0] for values in got] == [
        *warm, *restarts, *(dialects.CosineAnnealingLR(RATES[0], 10)(step) for step in range(STEPS - 19)),
    ]  # fmt: skip
    inner = lr_scheduler.SequentialLR(
        optimizer, [drop_ins.LinearLR(optimizer, 0.1), drop_ins.StepLR(optimizer, 9)], [5]
    )
    run(lr_scheduler.SequentialLR(optimizer, [inner, drop_ins.CosineAnnealingLR(optimizer, 10)], [20]), 1)  # no warning
    for part in parts:
        chain = lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(optimizer, 0.5), part])
        with pytest.raises(ValueError, match=f"{type(part).__name__} cannot be with other schedulers in a Chained"):
            run(chain, 2)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        ("ConstantLR", {"factor": "1"}, TypeError, "`factor` must be a number"),
        ("ConstantLR", {"total_iters": 0}, ValueError, "`total_iters` must be > 0"),
        ("LinearLR", {"total_iters": 0.5}, ValueError, "`total_iters` must be a whole number"),
        ("LinearLR", {"learning_rate": None}, TypeError, "`learning_rate` must be a number"),
        ("ExponentialLR", {"gamma": float("nan")}, ValueError, "`gamma` must be finite"),
        ("StepLR", {"step_size": 2.5}, ValueError, "`step_size` must be a whole number"),
        ("MultiStepLR", {"milestones": [2, 2.5]}, ValueError, "`milestones` must be whole"),
        ("PolynomialLR", {"power": -1}, ValueError, "`power` must be >= 0"),
        ("CosineAnnealingLR", {"T_max": 0}, ValueError, "`T_max` must be > 0"),
        ("CosineAnnealingLR", {"T_max": 9, "eta_min": []}, TypeError, "`eta_min` must be a number"),
        ("CosineAnnealingWarmRestarts", {"T_0": 1.5}, ValueError, "`T_0` must be a whole number"),
        ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 0}, ValueError, "`T_mult` must be > 0"),
        ("OneCycleLR", {"epochs": 3}, ValueError, "`total_steps`, or both `epochs` and `steps_per_epoch`"),
        ("OneCycleLR", {"epochs": 3, "steps_per_epoch": 0}, ValueError, "`steps_per_epoch` must be > 0"),
        ("OneCycleLR", {"total_steps": 9, "div_factor": 0}, ValueError, "`div_factor` and `final_div_factor` must be"),
        ("OneCycleLR", {"total_steps": 9, "anneal_strategy": "x"}, ValueError, "`anneal_strategy` must be one of cos,"),
        ("OneCycleLR", {"total_steps": 2, "pct_start": 0.5}, ValueError, "`pct_start` must leave each phase"),
        ("OneCycleLR", {"total_steps": 9, "pct_start": 1.0}, ValueError, "`pct_start` must leave each phase"),
    ],
)
def test_bad_arguments(name, arguments, error, words):
    rate = {"max_lr" if name == "OneCycleLR" else "learning_rate": 0.1}
    with pytest.raises(error, match=words):
        getattr(dialects, name)(**{**rate, **arguments})
