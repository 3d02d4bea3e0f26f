"""Keras's schedules with the kernel, on the backend that KERAS_BACKEND names. test_keras_integration.py runs these."""

from __future__ import annotations

import copy
import functools
import inspect
import json
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from family import FAMILY, KERAS, ORDINARY, made
from keras.optimizers import schedules

import cosine_fast
from cosine_fast.integrations import keras as fast

# What frameworks say to each other of what they will change is not for us.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

BACKEND = keras.config.backend()
CASES = [(name, config) for name in KERAS for config in FAMILY[name].ordinary]
STEPS = [0, 1, 5, 7, 9, 10, 11, 29, 30, 31, 45, 1000, 10**6]

if BACKEND == "jax":
    import jax
elif BACKEND == "torch":
    import torch


@pytest.fixture(params=CASES, ids=[f"{name}{i}" for i, (name, _) in enumerate(CASES)])
def pair(request):
    """Keras's schedule, and ours."""
    name, config = request.param
    return getattr(schedules, name)(**config), getattr(fast, name)(**config)


def only_keras(*arguments):
    raise AssertionError("Keras's operations were used")


def by_kernel(schedule, monkeypatch):
    """The schedule, which has looked at Keras's dtype and must not use its operations any more."""
    schedule(0)
    monkeypatch.setattr(getattr(schedules, type(schedule).__name__), "__call__", only_keras)
    return schedule


def variable(step):
    return keras.Variable(step, dtype="int32", trainable=False)


KNOWN = [
    int, float, np.int64, np.uint8, np.float32, np.float64, np.float16, np.array, variable,
    lambda step: keras.ops.convert_to_tensor(step, "int32"),
    lambda step: keras.ops.convert_to_tensor(step, "float32"),
    lambda step: keras.Variable(float(step), trainable=False),
]  # fmt: skip


@pytest.mark.parametrize("known", KNOWN, ids=map(str, range(len(KNOWN))))
@pytest.mark.parametrize("step", [0, 7, 30, 200])
def test_known_steps(pair, known, step, monkeypatch):
    """Keras's type and dtype, without Keras's operations; the kernel's rate, rounded once."""
    theirs, ours = pair
    wanted = theirs(known(step))
    rate = by_kernel(ours, monkeypatch)(known(step))
    if BACKEND == "numpy":
        assert isinstance(rate, np.float32)  # Keras's is an array without dimensions where it is piecewise constant
    else:
        assert type(rate) is type(wanted)
        assert rate.shape == ()
    assert rate.dtype == wanted.dtype
    assert float(rate) == float(np.float32(ours.fast(step)))
    assert float(rate) == pytest.approx(float(wanted), rel=1e-5, abs=1e-8)


def test_an_optimizers_rate(pair, monkeypatch):
    """optimizer.learning_rate follows optimizer.iterations."""
    theirs, ours = pair
    optimizer, reference = (keras.optimizers.SGD(schedule) for schedule in (ours, theirs))
    wanted = []
    for step in STEPS:
        reference.iterations.assign(step)
        wanted.append(float(reference.learning_rate))
    by_kernel(ours, monkeypatch)
    rates = []
    for step in STEPS:
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    assert rates == pytest.approx(wanted, rel=1e-5, abs=1e-8)
    assert rates == [float(np.float32(ours.fast(step))) for step in STEPS]


@pytest.mark.parametrize("floatx", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("name", KERAS)
def test_other_floats(name, floatx):
    """The rates are of the type that Keras works in."""
    before = keras.config.floatx()
    keras.config.set_floatx(floatx)
    try:
        config = FAMILY[name].ordinary[0]
        theirs, ours = getattr(schedules, name)(**config), getattr(fast, name)(**config)
        rate, wanted = ours(5), theirs(5)
        assert keras.backend.standardize_dtype(rate.dtype) == keras.backend.standardize_dtype(wanted.dtype)
        as_float = float(keras.ops.cast(rate, "float32"))
        assert as_float == pytest.approx(ours.fast(5), rel={"float16": 1e-3, "bfloat16": 1e-2, "float64": 1e-7}[floatx])
    finally:
        keras.config.set_floatx(before)


@pytest.mark.parametrize("scalar", [np.float32, np.float64, np.float16])
def test_numpy_rates(scalar):
    """NumPy's scalars as the learning rate: Keras's dtype again."""
    rate, wanted = (module.CosineDecay(scalar(0.5), 10)(5) for module in (fast, schedules))
    assert rate.dtype == wanted.dtype
    assert float(rate) == 0.25


def unknown():
    """Steps that are no known number: how to call a schedule with one, by name."""
    ways = {
        "array": lambda schedule: schedule(np.arange(12)),
        "tensor": lambda schedule: schedule(keras.ops.arange(12)),
        "bool": lambda schedule: schedule(True),
        "symbolic": lambda schedule: keras.Model(*_in_and_out(schedule))(np.array([[3.0]])),
    }
    if BACKEND == "jax":
        step = np.int32(7)
        ways |= {
            "jit": lambda schedule: jax.jit(schedule)(step),
            "jit, a variable": lambda schedule: _stateless(schedule),
            "grad": lambda schedule: jax.grad(schedule)(7.0),
            "vmap": lambda schedule: jax.vmap(schedule)(np.arange(12)),
            "eval_shape": lambda schedule: jax.eval_shape(schedule, step).dtype,
        }
    if BACKEND == "torch":
        ways |= {
            "compile": lambda schedule: _compiled(schedule)(torch.tensor(7)),
            "compile, an int": lambda schedule: _compiled(schedule)(7),
            "gradient": lambda schedule: torch.autograd.grad(*_with_grad(schedule)),
            "meta": lambda schedule: schedule(torch.tensor(7, device="cpu").to("meta")).dtype,
            "fake": _fake,
        }
    return ways


def _in_and_out(schedule):
    step = keras.Input((), batch_size=1)
    return step, keras.ops.multiply(schedule(step), 1.0)


def _stateless(schedule):
    optimizer = keras.optimizers.SGD(schedule)

    def rate(iterations):
        with keras.StatelessScope([(optimizer.iterations, iterations)]):
            return optimizer.learning_rate

    return jax.jit(rate)(np.int32(7))


def _compiled(schedule):
    torch.compiler.reset()  # it compiles no function for more than so many schedules
    return torch.compile(schedule.__call__, fullgraph=True, backend="eager")


def _with_grad(schedule):
    step = torch.tensor(7.0, requires_grad=True)
    return schedule(step), step


def _fake(schedule):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        return schedule(torch.tensor(7)).dtype


def outcome(way, schedule):
    """What comes of it: the numbers, or the kind of error."""
    try:
        result = way(schedule)
        if isinstance(result, tuple):
            result = result[0]
        return np.asarray(result).tolist() if hasattr(result, "shape") else result
    except Exception as error:  # whatever Keras makes of it
        return type(error)


@pytest.mark.parametrize("way", unknown())
def test_unknown_steps(pair, way):
    """Traced, compiled and symbolic steps, arrays and bools are Keras's, to the last bit."""
    theirs, ours = pair
    ours(3)  # an eager call before changes nothing
    wanted = outcome(unknown()[way], theirs)
    assert outcome(unknown()[way], ours) == wanted


def test_unknown_steps_have_a_result():
    """The comparison above is not one of errors."""
    for way, call in unknown().items():
        # Some of Keras's classes take no arrays or symbols; a warmup breaks torch's graph; a constant has no gradient.
        result = outcome(call, fast.ExponentialDecay(**FAMILY["ExponentialDecay"].ordinary[0]))
        assert not isinstance(result, type), (way, result)


REFUSED = {
    "negative warmup_steps": ("CosineDecay", {"warmup_target": 0.2, "warmup_steps": -5}),
    "a power without a root": ("ExponentialDecay", {"decay_rate": -0.5}),
    "an infinite rate": ("InverseTimeDecay", {"initial_learning_rate": float("inf")}),
    "boundaries that fall": ("PiecewiseConstantDecay", {"boundaries": [30, 10]}),
    "a huge rate": ("PolynomialDecay", {"initial_learning_rate": 1e305}),
    "a rate that is an array": ("CosineDecay", {"initial_learning_rate": np.array(0.5)}),
}
LEFT = {
    "a rate that is an int": ("ExponentialDecay", {"initial_learning_rate": 1}),
    "values that are ints": ("PiecewiseConstantDecay", {"values": [3, 2, 1]}),
}


@pytest.mark.parametrize("case", [*REFUSED, *LEFT])
def test_parameters_that_are_left_to_keras(case):
    """What cosine_fast refuses, and what Keras calculates with ints, is as in Keras."""
    name, change = {**REFUSED, **LEFT}[case]
    config = {**FAMILY[name].ordinary[0], **change}
    theirs, ours = getattr(schedules, name)(**config), getattr(fast, name)(**config)
    with np.errstate(all="ignore"):
        for step in (0, 4, 30, variable(12)):
            rate, wanted = ours(step), theirs(step)
            assert rate.dtype == wanted.dtype
            np.testing.assert_array_equal(np.asarray(rate), np.asarray(wanted))
    if case in REFUSED:
        with pytest.raises((TypeError, ValueError), match=r"Argument|rates"):
            ours.fast  # noqa: B018
    else:
        assert ours.fast(4) > 0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(name, (0.1, 0, 0.5)) for name in KERAS if name != "PiecewiseConstantDecay"]
    + [("PiecewiseConstantDecay", ([1, 2], [0.5])), ("CosineDecay", ()), ("CosineDecay", (0.1, "ten"))],
)
def test_errors(name, arguments):
    """Keras's own, in its words."""
    told = []
    for module in (schedules, fast):
        with pytest.raises((TypeError, ValueError)) as error:
            getattr(module, name)(*arguments)
        told.append((error.type, str(error.value)))
    assert told[0] == told[1]


@pytest.mark.parametrize("name", KERAS)
def test_classes(name):
    """isinstance holds, and the signature is Keras's."""
    theirs, ours = getattr(schedules, name), getattr(fast, name)
    assert issubclass(ours, theirs)
    assert issubclass(ours, schedules.LearningRateSchedule)
    assert ours is not theirs
    assert ours.__name__ == theirs.__name__
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.signature(ours.__call__).parameters.keys() == inspect.signature(theirs.__call__).parameters.keys()


def test_every_class_is_here():
    """A schedule of cosine_fast that Keras has is in the integration."""
    both = {
        name for name, cls in vars(cosine_fast).items()
        if isinstance(cls, type) and hasattr(schedules, name) and name != "LearningRateSchedule"
    }  # fmt: skip
    assert both == set(fast.__all__) - {"Schedule"} >= set(KERAS)
    for name in both:
        assert getattr(fast, name)._class is getattr(cosine_fast, name)


def test_an_optimizer_does_not_know_cosine_fasts_own_class():
    """It calls it as any function, without a step: that is what the classes here are for."""
    with pytest.raises(TypeError):
        keras.optimizers.SGD(cosine_fast.CosineDecay(0.5, 10)).learning_rate  # noqa: B018


@pytest.mark.parametrize("name", ["CosineDecay", "CosineDecayRestarts"])
def test_an_absolute_floor_is_not_kerass(name):
    """The error says where it can be had."""
    with pytest.raises(TypeError, match=rf"Keras's {name} has no argument `end_learning_rate`\. `Schedule`"):
        getattr(fast, name)(0.5, 10, end_learning_rate=0.1)
    schedule = fast.Schedule(getattr(cosine_fast, name)(0.5, 10, end_learning_rate=0.1), stop=20)
    assert float(schedule(10)) == float(np.float32(schedule.schedule(10)))


# ------------------------------------------------------------------------- any schedule of cosine_fast


def any_schedule(name, config):
    """It, with an end at 45 where it has none; the last step of its table; and its rates, as the table has them."""
    plain = made(cosine_fast, name, config)
    stop = None if plain._end is not None and plain._end < 10**6 else 45
    last = plain._end if stop is None else stop
    return fast.Schedule(plain, stop), last, plain.precompute(last + 1).astype(np.float32)


@pytest.fixture(params=ORDINARY, ids=[f"{name}{i}" for i, (name, _) in enumerate(ORDINARY)])
def scheduled(request):
    return any_schedule(*request.param)


@pytest.mark.parametrize("known", KNOWN, ids=map(str, range(len(KNOWN))))
def test_known_steps_of_any_schedule(scheduled, known, monkeypatch):
    """A scalar tensor as Keras returns, by the kernel."""
    schedule, last, rates = scheduled
    monkeypatch.setattr(keras.ops, "take", only_keras)
    for step in (0, 7, 30, 200):
        rate = schedule(known(step))
        assert (type(rate), rate.dtype) == (type(rate := fast.CosineDecay(0.5, 10)(known(0))), rate.dtype)
        assert float(schedule(known(step))) == rates[min(step, last)]
    assert float(schedule(-3)) == rates[0]


def test_unknown_steps_of_any_schedule(scheduled):
    """The same bits, from the table: arrays of any integers, traced and compiled steps."""
    schedule, last, rates = scheduled
    for steps in (np.arange(-3, 60), keras.ops.arange(60), np.arange(60, dtype=np.uint8), np.array([2**31 - 1])):
        wanted = rates[np.asarray(steps).clip(0, last)]
        assert np.asarray(schedule(steps)).tolist() == wanted.tolist()
    if BACKEND != "numpy":
        compiled = jax.jit(schedule) if BACKEND == "jax" else _compiled(schedule)
        for step in (0, 7, 10**6):
            assert float(compiled(keras.ops.convert_to_tensor(step, "int32"))) == rates[min(step, last)]
    if BACKEND == "jax":
        assert float(_stateless(schedule)) == rates[min(7, last)]
    for steps in (np.arange(2.0), True, "7"):
        with pytest.raises((TypeError, ValueError), match=r"integers|dtype"):
            schedule(steps)


def test_serialization_of_any_schedule(scheduled):
    """Keras gives it back, through JSON, and copies are alike."""
    schedule, *_ = scheduled
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
    assert config["registered_name"] == "cosine_fast>Schedule"
    assert cosine_fast.deserialize(config["config"]["schedule"]) == schedule.schedule
    for again in (
        schedules.deserialize(config), keras.saving.deserialize_keras_object(config), copy.deepcopy(schedule),
        pickle.loads(pickle.dumps(schedule)),
    ):  # fmt: skip
        assert (again.schedule, again.stop, type(again)) == (schedule.schedule, schedule.stop, fast.Schedule)
        assert np.asarray(again(np.arange(9))).tolist() == np.asarray(schedule(np.arange(9))).tolist()
    config["config"]["schedule"]["class_name"] = "os.system"
    with pytest.raises((TypeError, ValueError), match=r"os\.system"):
        schedules.deserialize(config)


@pytest.mark.parametrize("floatx", ["float16", "bfloat16", "float64"])
def test_other_floats_of_any_schedule(floatx):
    before = keras.config.floatx()
    keras.config.set_floatx(floatx)
    try:
        schedule = fast.Schedule(cosine_fast.LinearDecay(0.5, 10))
        for rate in (schedule(5), schedule(np.array(5)), schedule(np.array([5]))[0]):
            assert keras.backend.standardize_dtype(rate.dtype) == keras.backend.result_type(floatx)
            assert float(keras.ops.cast(rate, "float32")) == 0.25
    finally:
        keras.config.set_floatx(before)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((0.5,), TypeError, "must be a schedule of cosine_fast"),
        ((schedules.CosineDecay(0.5, 10),), TypeError, "must be a schedule of cosine_fast"),
        ((cosine_fast.ExponentialDecay(0.5, 10, 0.5),), ValueError, "has no end.* must be the last step"),
        ((cosine_fast.CosineDecay(0.5, 2**40),), ValueError, "up to step 1099511627776.* must be the last step"),
        ((cosine_fast.CosineDecay(0.5, 10), -1), ValueError, "0 <= stop"),
        ((cosine_fast.CosineDecay(0.5, 10), 2.5), TypeError, "integer"),
    ],
)
def test_errors_of_any_schedule(arguments, error, says):
    with pytest.raises(error, match=says):
        fast.Schedule(*arguments)


def test_any_schedule_is_immutable():
    schedule = fast.Schedule(cosine_fast.LinearDecay(0.5, 10))
    for name in ("schedule", "stop"):
        with pytest.raises(AttributeError):
            setattr(schedule, name, None)


def test_parameters_can_be_changed():
    """As Keras's schedules can; the next step knows."""
    schedule = fast.ExponentialDecay(0.5, 10, 0.5)
    assert float(schedule(10)) == 0.25
    schedule.initial_learning_rate = 1.0
    assert schedule.fast == cosine_fast.ExponentialDecay(1.0, 10, 0.5)
    assert float(schedule(10)) == 0.5
    schedule.decay_rate = -0.5  # without staircase: left to Keras
    assert float(schedule(10)) == -0.5
    with pytest.raises(ValueError, match="staircase"):
        schedule.fast  # noqa: B018


def test_warmup_steps_without_a_target():
    """Keras says nothing of it, and warnings are errors here."""
    assert float(fast.CosineDecay(0.5, 10, warmup_steps=3)(5)) == 0.25


def test_the_schedule_of_cosine_fast(pair):
    """`fast` has the parameters, and so takes arrays and fills memory."""
    _, ours = pair
    assert ours.fast == getattr(cosine_fast, type(ours).__name__)(**ours.get_config())
    assert ours.fast is ours.fast
    rates = ours.precompute(5, 50, 3)
    assert rates.dtype == np.float64
    assert rates.tolist() == ours.fast(range(5, 50, 3)).tolist()
    out = np.empty(7, np.float32)
    assert ours.precompute(7, out=out) is out
    assert out.tolist() == [float(ours(step)) for step in range(7)]


def test_a_class_derived_from_ours(monkeypatch):
    """It may have parameters of its own, and call what it derives from."""

    class Half(fast.CosineDecay):
        def __init__(self, factor, **config):
            super().__init__(**config)
            self.factor = factor

        def __call__(self, step):
            return super().__call__(step) * self.factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    schedule = Half(0.5, initial_learning_rate=0.5, decay_steps=10)
    schedule(0)
    monkeypatch.setattr(schedules.CosineDecay, "__call__", only_keras)
    assert float(schedule(5)) == 0.125
    assert Half.from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_copies(pair):
    _, ours = pair
    ours(3)
    for again in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert type(again) is type(ours)
        assert again.get_config() == ours.get_config()
        assert again.fast == ours.fast
        assert float(again(5)) == float(ours(5))


def test_serialization(pair):
    """Keras's serialize and deserialize give our class back, through JSON; cosine_fast reads it too."""
    theirs, ours = pair
    assert list(ours.get_config().items()) == list(theirs.get_config().items())
    assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()
    name = type(ours).__name__
    for write, read in [
        (schedules.serialize, schedules.deserialize),
        (keras.saving.serialize_keras_object, keras.saving.deserialize_keras_object),
    ]:
        config = json.loads(json.dumps(write(ours)))
        assert config == {
            "module": "cosine_fast.integrations.keras", "class_name": name, "config": ours.get_config(),
            "registered_name": f"cosine_fast>{name}",
        }  # fmt: skip
        again = read(config)
        assert type(again) is type(ours)
        assert again.get_config() == ours.get_config()
        assert cosine_fast.deserialize(config) == ours.fast
        plain = read(config | {"registered_name": None, "module": "keras.optimizers.schedules"})
        assert type(plain) is type(theirs)


def test_serialization_with_cosine_fasts_own_classes(pair):
    """What cosine_fast writes is Keras's class to Keras, and a step from the class here; and the other way round."""
    theirs, ours = pair
    written = json.loads(json.dumps(cosine_fast.serialize(ours.fast)))
    assert written == json.loads(json.dumps(schedules.serialize(theirs)))
    read = schedules.deserialize(written)
    assert type(read) is type(theirs)
    assert type(ours).from_config(read.get_config()).fast == ours.fast
    assert cosine_fast.deserialize(schedules.serialize(theirs)) == ours.fast


DATA = np.random.default_rng(5).normal(size=(60, 3)).astype("float32")
TARGETS = DATA.sum(axis=1, keepdims=True)
trains = pytest.mark.skipif(BACKEND == "numpy", reason="Keras does not train on NumPy")


def model_with(schedule, optimizer="SGD", **how):
    keras.utils.set_random_seed(1)
    layers = [keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(getattr(keras.optimizers, optimizer)(schedule), loss="mse", **how)
    return model


def fitted(model, epochs=3):
    """The losses of 4 steps an epoch."""
    return model.fit(DATA, TARGETS, batch_size=16, epochs=epochs, shuffle=False, verbose=0).history["loss"]


@trains
def test_training_eagerly(pair, monkeypatch):
    """The losses of Keras's schedule, and no operation of Keras's for the rates."""
    theirs, ours = pair
    optimizer = "Adam" if theirs.name == "CosineDecay" else "SGD"
    wanted = fitted(model_with(theirs, optimizer, run_eagerly=True))
    model = model_with(by_kernel(ours, monkeypatch), optimizer, run_eagerly=True)
    assert fitted(model) == pytest.approx(wanted, rel=1e-5)
    assert model.optimizer.iterations == 12
    assert wanted[2] < wanted[0]


@trains
@pytest.mark.parametrize("name", KERAS)
def test_training(name):
    """As Keras trains unless told otherwise: jitted with jax, where all is Keras's; eagerly with torch."""
    theirs, ours = (getattr(module, name)(**FAMILY[name].ordinary[-1]) for module in (schedules, fast))
    wanted = fitted(model_with(theirs))
    losses = fitted(model_with(ours))
    assert losses == (wanted if BACKEND == "jax" else pytest.approx(wanted, rel=1e-5))


@trains
def test_training_compiled(monkeypatch):
    """jit_compile=True: jax.jit, or torch.compile."""
    config = FAMILY["CosineDecay"].ordinary[1]
    wanted = fitted(model_with(schedules.CosineDecay(**config), run_eagerly=True))
    compiled = [fast.Schedule(cosine_fast.CosineDecay(**config))]
    if BACKEND == "jax":
        compiled.append(fast.CosineDecay(**config))
    else:  # only one, and without C++ from its graphs: to trace Keras's training takes half a minute
        monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    for schedule in compiled:
        assert fitted(model_with(schedule, jit_compile=True)) == pytest.approx(wanted, rel=1e-4)


@trains
def test_a_loop_of_ones_own():
    """optimizer.apply, step by step."""
    weights = []
    for module in (schedules, fast):
        weight = keras.Variable(np.ones(3, "float32"))
        optimizer = keras.optimizers.Adam(module.CosineDecay(**FAMILY["CosineDecay"].ordinary[1]))
        for _ in range(20):
            optimizer.apply([keras.ops.convert_to_tensor(weight) * 0.5], [weight])
        weights.append(np.asarray(weight))
    np.testing.assert_allclose(*weights, rtol=1e-5)


@trains
@pytest.mark.parametrize(
    ("name", "eagerly"), [*((name, True) for name in (*KERAS, "Schedule")), ("CosineDecay", False), ("Schedule", False)]
)
def test_saved_models(name, eagerly, tmp_path):
    """A .keras file gives the schedule back, and training goes on at the step where it was."""

    def new():
        if name == "Schedule":
            return fast.Schedule(cosine_fast.join_schedules(
                [cosine_fast.WarmupStableDecay(0.1, 3, 5, 4), cosine_fast.ConstantSchedule(0.01)], [12]
            ))  # fmt: skip
        return getattr(fast, name)(**FAMILY[name].ordinary[0])

    wanted = fitted(model_with(new(), "Adam", run_eagerly=eagerly), epochs=4)
    model = model_with(new(), "Adam", run_eagerly=eagerly)
    assert fitted(model, 2) == wanted[:2]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.optimizer._learning_rate) is getattr(fast, name)
    assert again.optimizer._learning_rate.get_config() == model.optimizer._learning_rate.get_config()
    assert again.optimizer.iterations == 8
    assert float(again.optimizer.learning_rate) == float(model.optimizer.learning_rate)
    again.run_eagerly = eagerly
    assert fitted(again, 2) == pytest.approx(wanted[2:], rel=1e-6)


ELSEWHERE = """
import sys, keras
schedules = keras.optimizers.schedules
assert "cosine_fast" not in sys.modules
try:
    keras.saving.load_model({path!r})
except TypeError as error:
    assert "Could not locate class 'CosineDecay'" in str(error), error
else:
    raise AssertionError("found without having been imported")
assert "cosine_fast" not in sys.modules
named = {{"cosine_fast>CosineDecay": schedules.CosineDecay}}
model = keras.saving.load_model({path!r}, custom_objects=named)
assert type(model.optimizer._learning_rate) is schedules.CosineDecay
assert model.optimizer.iterations == 8
assert abs(float(model.optimizer.learning_rate) - {rate!r}) < 1e-7
keras.saving.load_model({path!r}, compile=False)

import cosine_fast.integrations.keras
model = keras.saving.load_model({path!r})
assert type(model.optimizer._learning_rate) is cosine_fast.integrations.keras.CosineDecay
assert float(model.optimizer.learning_rate) == {rate!r}
print("loaded")
"""


@trains
def test_saved_models_elsewhere(tmp_path):
    """In a process that has not imported this package a model loads as docs/how-to/keras.md says, and not by itself."""
    model = model_with(fast.CosineDecay(**FAMILY["CosineDecay"].ordinary[1]))
    fitted(model, 2)
    path = str(tmp_path / "model.keras")
    model.save(path)
    program = ELSEWHERE.format(path=path, rate=float(model.optimizer.learning_rate))
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert result.stdout.strip() == "loaded", result.stderr
