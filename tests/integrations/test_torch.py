"""cosine_fast.integrations.torch, and schedules as the callables of PyTorch's own schedulers."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest
from family import ORDINARY, made, ordinary

import cosine_fast

torch = pytest.importorskip("torch", reason="PyTorch is what these tests are about")
lr_scheduler = torch.optim.lr_scheduler
integration = pytest.importorskip("cosine_fast.integrations.torch")
ScheduledLR, learning_rates = integration.ScheduledLR, integration.learning_rates

STEPS = 50
COSINE = cosine_fast.CosineDecay(0.0, 30, 0.1, warmup_target=0.05, warmup_steps=7)
DECAY = cosine_fast.ExponentialDecay(0.02, 10, 0.5)


def saved(value):
    """The value after torch.save, and torch.load with weights_only=True, its default."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file)


def optimizer_of(groups=1, *, rate=1.0, kind=torch.optim.AdamW):
    generator = torch.Generator().manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(3, generator=generator)) for _ in range(groups)]
    # Each group has a tensor of its own where the rate is one.
    return kind([{"params": [weight], "lr": copy.deepcopy(rate)} for weight in weights])


def rates_of(optimizer):
    return [float(group["lr"]) for group in optimizer.param_groups]


def train(optimizer, scheduler, steps):
    """The rates with which each of the steps is taken."""
    rates = []
    for step in steps:
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad = torch.sin(weight.detach() * 3 + step)
        rates.append(rates_of(optimizer))
        optimizer.step()
        scheduler.step()
    return rates


def weights_of(optimizer):
    return [weight.tolist() for group in optimizer.param_groups for weight in group["params"]]


@pytest.mark.parametrize("kind", [lr_scheduler.LambdaLR, lr_scheduler.MultiplicativeLR])
def test_callables_of_torchs_schedulers(cf, kind):
    """With LambdaLR and a rate of 1.0 the rate is the schedule's own; the state is plain and can be loaded."""
    schedules = ordinary(cf)
    optimizer = optimizer_of(len(schedules), kind=torch.optim.SGD)
    scheduler = kind(optimizer, schedules)
    first = train(optimizer, scheduler, range(25))
    state = saved(scheduler.state_dict())
    again = optimizer_of(len(schedules), kind=torch.optim.SGD)
    resumed = kind(again, schedules)
    again.load_state_dict(saved(optimizer.state_dict()))
    resumed.load_state_dict(state)
    rates = train(again, resumed, range(25, STEPS))
    assert rates == train(optimizer, scheduler, range(25, STEPS))
    if kind is lr_scheduler.LambdaLR:
        assert first + rates == [[schedule(step) for schedule in schedules] for step in range(STEPS)]
    assert state["lr_lambdas"] == [{}] * len(schedules)
    assert schedules == ordinary(cf)


def test_callables_of_ones_own(cf):
    """The attributes of a class of one's own are in LambdaLR's state, as those of any callable."""

    class Inverse(cf.LearningRateSchedule):
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, step):
            return self.rate / (step + 1)

    class Named(cf.CosineDecay):
        pass

    schedules = [Inverse(0.5), Named(0.1, 10)]
    schedules[1].label = "mine"
    scheduler = lr_scheduler.LambdaLR(optimizer_of(2), schedules)
    state = saved(scheduler.state_dict())
    assert state["lr_lambdas"] == [{"rate": 0.5}, {"label": "mine"}]
    others = [Inverse(0.0), Named(0.1, 10)]
    lr_scheduler.LambdaLR(optimizer_of(2), others).load_state_dict(state)
    assert (others[0].rate, others[1].label) == (0.5, "mine")


@pytest.mark.parametrize(("name", "config"), ORDINARY)
def test_rates(name, config):
    """The rate before each step, and far beyond, is the schedule's own, to the bit."""
    schedule = made(cosine_fast, name, config)
    optimizer = optimizer_of(2, rate=0.3)
    scheduler = ScheduledLR(optimizer, schedule)
    assert train(optimizer, scheduler, range(STEPS)) == [[schedule(step)] * 2 for step in range(STEPS)]
    assert scheduler.get_last_lr() == scheduler.get_lr() == [schedule(STEPS)] * 2
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(10**9)
    assert rates_of(optimizer) == [schedule(10**9)] * 2
    optimizer = optimizer_of(2, rate=torch.tensor(0.3))
    rates = [group["lr"] for group in optimizer.param_groups]
    scheduler = ScheduledLR(optimizer, schedule)
    expected = [[float(np.float32(schedule(step)))] * 2 for step in range(STEPS)]
    assert train(optimizer, scheduler, range(STEPS)) == expected
    assert all(group["lr"] is rate for group, rate in zip(optimizer.param_groups, rates, strict=True))


MAKERS = {
    "one schedule": lambda optimizer: ScheduledLR(optimizer, COSINE),
    "a schedule for each group": lambda optimizer: ScheduledLR(optimizer, (COSINE, DECAY)),
    "ratios": lambda optimizer: ScheduledLR(optimizer, COSINE, ratios=[1, 0.3]),
    "LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, COSINE),
    "after another": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer, 0.1, total_iters=9), ScheduledLR(optimizer, COSINE)], [9]
    ),
    "before another": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer, [ScheduledLR(optimizer, COSINE), lr_scheduler.ExponentialLR(optimizer, 0.9)], [29]
    ),
    "chained": lambda optimizer: lr_scheduler.ChainedScheduler([ScheduledLR(optimizer, COSINE)]),
}


@pytest.mark.parametrize("rate", [1.0, torch.tensor(1.0)], ids=["float", "tensor"])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_run_resumed_at_every_step(make, rate):
    """Parameters, rates and states are those of the run that was not stopped, to the bit."""
    whole = optimizer_of(2, rate=rate)
    scheduler = make(whole)
    rates = train(whole, scheduler, range(STEPS))
    begun = optimizer_of(2, rate=rate)
    stopped = make(begun)
    for step in range(STEPS):
        resumed = optimizer_of(2, rate=rate)
        continued = make(resumed)
        for old, new in zip(weights_of(begun), resumed.param_groups, strict=True):
            new["params"][0].data = torch.tensor(old)
        resumed.load_state_dict(saved(begun.state_dict()))
        continued.load_state_dict(saved(stopped.state_dict()))
        assert continued.get_last_lr() == stopped.get_last_lr()
        assert train(resumed, continued, range(step, STEPS)) == rates[step:]
        assert weights_of(resumed) == weights_of(whole)
        assert continued.state_dict() == scheduler.state_dict()
        train(begun, stopped, [step])


def test_the_state_is_plain():
    state = ScheduledLR(optimizer_of(2), [COSINE, DECAY], ratios=(np.float32(0.5), 1)).state_dict()
    assert state["ratios"] == [0.5, 1.0]
    assert [cosine_fast.deserialize(config) for config in state["schedules"]] == [COSINE, DECAY]

    def plain(value):
        inner = [*value, *value.values()] if type(value) is dict else value if type(value) is list else ()
        return type(value) in (dict, list, str, int, float, bool, type(None)) and all(map(plain, inner))

    assert plain(state)


def test_groups_and_sequences():
    """Ratios multiply; a sequence begins the schedule at its milestone; groups may be added where there is one."""
    optimizer = optimizer_of(2)
    scheduler = ScheduledLR(optimizer, [COSINE, DECAY], ratios=[0.3, 1])
    assert train(optimizer, scheduler, range(9)) == [[0.3 * COSINE(step), DECAY(step)] for step in range(9)]
    assert ScheduledLR(optimizer, DECAY, last_epoch=4).get_last_lr() == [DECAY(5)] * 2
    optimizer = optimizer_of()
    scheduler = MAKERS["after another"](optimizer)
    assert train(optimizer, scheduler, range(STEPS))[9:] == [[COSINE(step)] for step in range(STEPS - 9)]
    optimizer = optimizer_of()
    scheduler = ScheduledLR(optimizer, COSINE)
    train(optimizer, scheduler, range(5))
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
    assert train(optimizer, scheduler, range(5, 7))[1] == [COSINE(6)] * 2


@pytest.mark.parametrize("other", [(lr_scheduler.ConstantLR, 0.5, 100), (lr_scheduler.ExponentialLR, 0.9)])
@pytest.mark.parametrize("rate", [1.0, torch.tensor(1.0)], ids=["float", "tensor"])
def test_chains(other, rate):
    """A chain with other schedulers is refused, whether or not they change the rate at the step."""
    for place in (0, 1):
        optimizer = optimizer_of(rate=rate)
        schedulers = [other[0](optimizer, *other[1:])]
        schedulers.insert(place, ScheduledLR(optimizer, COSINE))
        with pytest.raises(ValueError, match="ScheduledLR cannot be with other schedulers in a ChainedScheduler"):
            train(optimizer, lr_scheduler.ChainedScheduler(schedulers), range(1))


def test_what_else_changes_the_rates():
    """It is warned of: rates that are set by hand, and a state of the optimizer that is loaded alone."""
    optimizer = optimizer_of()
    scheduler = ScheduledLR(optimizer, COSINE)
    train(optimizer, scheduler, range(3))
    alone = optimizer_of()
    late = ScheduledLR(alone, COSINE)
    train(alone, late, range(1))
    alone.load_state_dict(optimizer.state_dict())
    with pytest.warns(UserWarning, match="was loaded without the scheduler's"):
        train(alone, late, range(2))
    assert rates_of(alone) == [COSINE(3)]
    optimizer.param_groups[0]["lr"] = 5.0
    with pytest.warns(UserWarning, match="Another scheduler steps this optimizer"):
        train(optimizer, scheduler, range(1))


@pytest.mark.parametrize("rate", [1.0, torch.tensor(1.0, dtype=torch.float64)])
def test_states_in_any_order(rate):
    """The optimizer's state may be loaded before the scheduler is made."""
    optimizer = optimizer_of(rate=rate)
    scheduler = ScheduledLR(optimizer, COSINE)
    train(optimizer, scheduler, range(9))
    early = optimizer_of(rate=rate)
    early.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    late = ScheduledLR(early, COSINE)
    late.load_state_dict(scheduler.state_dict())
    assert train(early, late, range(9, 20)) == train(optimizer, scheduler, range(9, 20))


def test_groups():
    """A tensor of the optimizer's own is copied for each group; a list is for as many groups as it has schedules."""
    groups = [{"params": [torch.nn.Parameter(torch.ones(2))]} for _ in range(2)]
    optimizer = torch.optim.AdamW(groups, lr=torch.tensor(1e-3, dtype=torch.float64))
    assert ScheduledLR(optimizer, COSINE, ratios=[1.0, 0.5]).get_last_lr() == [0.0, 0.0]
    assert ScheduledLR(optimizer, [COSINE, DECAY]).get_last_lr() == [0.0, 0.02]
    assert rates_of(optimizer) == [0.0, 0.02]
    optimizer = optimizer_of()
    scheduler = ScheduledLR(optimizer, [COSINE])
    scheduler.load_state_dict(ScheduledLR(optimizer_of(), COSINE).state_dict())
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))]})
    optimizer.step()
    with pytest.raises(ValueError, match="one for each of the 2 parameter groups, or be one for all"):
        scheduler.step()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies(copied):
    """A copy has an optimizer of its own and goes on from the same step."""
    optimizer = optimizer_of()
    scheduler = ScheduledLR(optimizer, COSINE)
    train(optimizer, scheduler, range(5))
    other = copied(scheduler)
    assert other.optimizer is not optimizer
    assert train(other.optimizer, other, range(5, STEPS)) == [[COSINE(step)] for step in range(5, STEPS)]
    assert scheduler.last_epoch == 5


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated")
def test_a_compiled_step():
    """It is compiled once for all rates, where they are tensors."""
    counter = pytest.importorskip("torch._dynamo.testing").CompileCounter()
    optimizer = optimizer_of(kind=torch.optim.SGD, rate=torch.tensor(1.0))
    scheduler = ScheduledLR(optimizer, COSINE)
    step = torch.compile(optimizer.step, backend=counter)
    plain = optimizer_of(kind=torch.optim.SGD, rate=torch.tensor(1.0))
    beside = ScheduledLR(plain, COSINE)
    counts = []
    for number in range(STEPS):
        for weight in (optimizer.param_groups[0]["params"][0], plain.param_groups[0]["params"][0]):
            weight.grad = torch.sin(weight.detach() * 3 + number)
        step()
        scheduler.step()
        plain.step()
        beside.step()
        counts.append(counter.frame_count)
    assert counts[0] == counts[-1] > 0
    assert rates_of(optimizer) == rates_of(plain)
    assert weights_of(optimizer)[0] == pytest.approx(weights_of(plain)[0], rel=1e-5)  # its code rounds otherwise


def test_torch_save():
    """torch.load has weights_only=True unless it is told otherwise."""
    assert saved(ordinary(cosine_fast)) == ordinary(cosine_fast)
    file = io.BytesIO()
    torch.save({"call": print}, file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file)


INTEGERS = [torch.int8, torch.uint8, torch.int16, torch.uint16, torch.int32, torch.uint32, torch.int64, torch.uint64]
FLOATS = [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS, ids=str)
@pytest.mark.parametrize("wanted", [torch.float64, torch.float32])
def test_tensors_of_steps(dtype, wanted):
    """The rates of the steps as they are, in the steps' shape and memory order."""
    steps = torch.arange(STEPS).reshape(5, 10).to(dtype).T
    rates = learning_rates(COSINE, steps, wanted)
    expected = COSINE(steps.double().numpy(), dtype=str(wanted)[6:])
    assert rates.dtype == wanted
    assert rates.stride() == steps.stride()
    assert rates.numpy().tobytes() == expected.tobytes()
    assert learning_rates(COSINE, steps[2, 3], wanted).item() == rates[2, 3]
    assert learning_rates(COSINE, steps[:0], wanted).shape == (0, 5)


def test_tensors_of_other_kinds():
    """Of classes of one's own, with gradients, expanded, negated as a view, and without data."""

    class Inverse(cosine_fast.LearningRateSchedule):
        def __call__(self, step):
            return 1 / (step + 1)

    assert learning_rates(Inverse(), torch.arange(3)).tolist() == [1.0, 0.5, 1 / 3]
    rates = learning_rates(COSINE, torch.ones(3, requires_grad=True))
    assert not rates.requires_grad
    assert rates.tolist() == [COSINE(1)] * 3
    assert learning_rates(COSINE, torch.tensor(3).expand(2, 2)).tolist() == [[COSINE(3)] * 2] * 2
    assert learning_rates(COSINE, torch.tensor([1 + 3j]).conj().imag).tolist() == [COSINE(-3)]
    assert COSINE(torch.ones(2, device="meta")).is_meta


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_tensors_on_a_device():
    steps = torch.arange(STEPS, device="cuda")
    rates = learning_rates(COSINE, steps)
    assert rates.device == steps.device
    assert rates.tolist() == COSINE.precompute(STEPS).tolist()
    optimizer = torch.optim.AdamW([torch.ones(3, device="cuda")], lr=torch.tensor(1.0, device="cuda"), capturable=True)
    assert train(optimizer, ScheduledLR(optimizer, COSINE), range(9))[8] == [np.float32(COSINE(8))]


@pytest.mark.parametrize(
    ("call", "reason"),
    [(lambda steps: learning_rates(COSINE, steps), "learning_rates"), (COSINE, "of class `CosineDecay`")],
    ids=["learning_rates", "schedule"],
)
def test_a_compiled_call(call, reason):
    """The graph breaks there, and not silently."""

    def rates(steps):
        return call(steps * 2) + 1

    with pytest.raises(Exception, match=reason):
        torch.compile(rates, backend="eager", fullgraph=True)(torch.arange(3))
    assert torch.compile(rates, backend="eager")(torch.arange(3)).tolist() == [1 + COSINE(s) for s in (0, 2, 4)]


class Nameless(cosine_fast.LearningRateSchedule):
    def __call__(self, step):
        return 0.1


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"optimizer": None}, TypeError, "`optimizer` must be a torch.optim.Optimizer. Received: None"),
        ({"schedule": lambda step: 0.1}, TypeError, "`schedule` must be a LearningRateSchedule. Received: <function"),
        ({"schedule": 0.1}, TypeError, "`schedule` must be a LearningRateSchedule. Received: 0.1"),
        ({"schedule": [COSINE, None]}, TypeError, "`schedule` must be a LearningRateSchedule. Received: None"),
        ({"schedule": Nameless()}, NotImplementedError, r"'Nameless' must override `get_config\(\)`"),
        ({"schedule": [COSINE] * 3}, ValueError, "`schedule` must have one for each of the 2 parameter groups"),
        ({"schedule": []}, ValueError, "`schedule` must have .* Received: 0"),
        ({"ratios": [1, 2, 3]}, ValueError, "`ratios` must have .* one for all. Received: 3"),
        ({"ratios": [1, "2"]}, TypeError, "`ratios` must be a number. Received: ratios='2'"),
        ({"ratios": [1, float("nan")]}, ValueError, "`ratios` must be finite"),
        ({"ratios": 3}, TypeError, "`ratios` must be a list or tuple of numbers. Received: 3"),
        ({"last_epoch": "x"}, TypeError, "`last_epoch` must be an integer. Received: last_epoch='x'"),
        ({"last_epoch": float("nan")}, TypeError, "`last_epoch` must be an integer. Received: last_epoch=nan"),
        ({"last_epoch": 3}, KeyError, "initial_lr"),  # PyTorch's own
    ],
)
def test_bad_arguments(arguments, error, words):
    with pytest.raises(error, match=words):
        ScheduledLR(**{"optimizer": optimizer_of(2), "schedule": COSINE, **arguments})


def test_states_of_others():
    """What the state is of, and what it should be of, is told, and nothing is changed."""
    scheduler = ScheduledLR(optimizer_of(), COSINE)
    before = scheduler.state_dict()
    for other, words in [
        (ScheduledLR(optimizer_of(), DECAY), "same schedules, .*CosineDecay.* Received: .*ExponentialDecay"),
        (ScheduledLR(optimizer_of(), COSINE, ratios=[0.5]), r"same ratios, \[1.0\]. Received: \[0.5\]"),
        (lr_scheduler.ExponentialLR(optimizer_of(), 0.5), "that of another scheduler. To go on from it"),
    ]:
        with pytest.raises(ValueError, match=words):
            scheduler.load_state_dict(other.state_dict())
    with pytest.raises(TypeError, match=r"`state_dict` must be a dict. Received: None"):
        scheduler.load_state_dict(None)
    assert scheduler.state_dict() == before


def test_the_state_of_another_version():
    """A parameter that had no name then has its default; other values are refused."""
    scheduler = ScheduledLR(optimizer_of(), cosine_fast.CosineDecay(0.1, 30))
    state = scheduler.state_dict()
    del state["schedules"][0]["config"]["alpha"]
    scheduler.load_state_dict(state)
    state["schedules"][0]["config"]["decay_steps"] = 31
    with pytest.raises(ValueError, match="same schedules"):
        scheduler.load_state_dict(state)
    for broken in (None, 5, [None], [{}], ["CosineDecay"]):
        with pytest.raises(ValueError, match="same schedules"):
            scheduler.load_state_dict({**state, "schedules": broken})


def test_under_transforms():
    with pytest.raises(RuntimeError, match=r"outside of torch.func's transforms"):
        torch.vmap(COSINE)(torch.arange(3))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_other_layouts():
    nested = torch.nested.nested_tensor([torch.arange(3.0), torch.arange(2.0)])
    for steps in (torch.eye(3).to_sparse(), nested):
        with pytest.raises(TypeError, match="Argument `steps` must be a dense tensor"):
            learning_rates(COSINE, steps)


@pytest.mark.parametrize(
    ("steps", "dtype", "error", "words"),
    [
        ([1, 2], torch.float64, TypeError, r"`steps` must be a torch.Tensor. Received: \[1, 2\]"),
        (torch.ones(2), torch.float16, TypeError, "must be torch.float64 or torch.float32. Received: torch.float16"),
        (torch.ones(2), "float64", TypeError, "must be torch.float64 or torch.float32. Received: 'float64'"),
        (torch.ones(2, dtype=torch.bool), torch.float64, TypeError, "must be integers or floats. Received: bool"),
        (torch.ones(2, dtype=torch.complex64), torch.float64, TypeError, "must be integers or floats"),
        (torch.tensor([2**63], dtype=torch.uint64), torch.float64, OverflowError, "beyond int64"),
    ],
)
def test_bad_tensors(steps, dtype, error, words):
    with pytest.raises(error, match=words):
        learning_rates(COSINE, steps, dtype)


def test_a_schedule_that_is_none():
    with pytest.raises(TypeError, match=r"`schedule` must be a LearningRateSchedule. Received: 5"):
        learning_rates(5, torch.arange(3))


def test_out_for_tensors_that_numpy_cannot_read(cf):
    """The error of a schedule names the function that takes them."""
    with pytest.raises(TypeError, match=r"integrations.torch.learning_rates`. Received: step of dtype torch.bfloat16"):
        cf.CosineDecay(0.1, 10)(torch.ones(2, dtype=torch.bfloat16), out=np.empty(2))


def test_nothing_else_imports_it(process):
    process("import sys, cosine_fast; assert not {'torch', 'cosine_fast.integrations'} & set(sys.modules)")
