"""Keras's own CosineDecay as the oracle for what a schedule means."""

from __future__ import annotations

import importlib.util
import inspect
import json

import numpy as np
import pytest

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is what these tests compare with", allow_module_level=True)

CONFIGS = [
    {"initial_learning_rate": 0.1, "decay_steps": 1000},
    {"initial_learning_rate": 0.1, "decay_steps": 1000, "alpha": 0.1, "name": "base"},
    {"initial_learning_rate": 2.0, "decay_steps": 3, "alpha": 1.0},
    {"initial_learning_rate": 2.0, "decay_steps": 100, "alpha": 1.5},
    {"initial_learning_rate": 2.0, "decay_steps": 100, "alpha": -0.5},
    {"initial_learning_rate": 0.1, "decay_steps": 123.75, "alpha": 0.1},
    {"initial_learning_rate": 0.0, "decay_steps": 1000, "warmup_target": 1e-3, "warmup_steps": 100},
    {"initial_learning_rate": 1e-5, "decay_steps": 1000, "alpha": 0.1, "warmup_target": 1e-3, "warmup_steps": 100},
    {"initial_learning_rate": 1.0, "decay_steps": 50, "alpha": 0.1, "warmup_target": 0.25, "warmup_steps": 10.5},
    {"initial_learning_rate": 0.1, "decay_steps": 77, "warmup_target": 0.2, "warmup_steps": 0},
]
PHASES = [0, 0.5, 1, 3, 10, 10.25, 11, 50, 60, 61, 99, 100, 101, 123, 124, 500, 600, 999, 1000, 1050, 1099, 1100, 10**6]
NEGATIVE = [-1, -50, -100, -1000, -2500, -0.5]

PROGRAM = """
import inspect, json, warnings
warnings.simplefilter("ignore")
import keras
Keras = keras.optimizers.schedules.CosineDecay
configs, steps, negative = json.loads(INPUT)
def told(*arguments):
    try:
        Keras(*arguments)
    except ValueError as error:
        return str(error)
schedules = [Keras(**config) for config in configs]
def rates(schedule):
    known = steps + (negative if schedule.warmup_steps or schedule.warmup_target is None else [])
    return [float(schedule(step)) for step in known]
print(json.dumps({
    "rates": [rates(schedule) for schedule in schedules],
    "serialized": [keras.optimizers.schedules.serialize(schedule) for schedule in schedules],
    "errors": [told(1.0, steps) for steps in (0, -1, -2.5)],
    "signature": [(p.name, p.default) for p in inspect.signature(Keras).parameters.values()
                  if p.default is not p.empty],
    "names": list(inspect.signature(Keras).parameters),
}))
"""


@pytest.fixture(scope="session")
def keras(process, tmp_path_factory):
    """What Keras says, in a process of its own: its backend is chosen once for a process."""
    program = f"INPUT = {json.dumps([CONFIGS, PHASES, NEGATIVE])!r}\n{PROGRAM}"
    home = str(tmp_path_factory.mktemp("keras"))
    result = process(program, KERAS_BACKEND="numpy", KERAS_HOME=home, PYTHONWARNINGS="ignore")
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("case", range(len(CONFIGS)))
def test_rates(cf, keras, case):
    """A rate is Keras's, within the float32 that Keras calculates in, in every phase and before step 0."""
    config = CONFIGS[case]
    schedule = cf.CosineDecay(**config)
    peak = max(config["initial_learning_rate"], config.get("warmup_target", 0.0)) * max(1, abs(config.get("alpha", 0)))
    wants = keras["rates"][case]
    for step, want in zip(PHASES + NEGATIVE, wants, strict=False):
        slack = 2e-6 * peak  # 1 + cos is rounded as a number of 2, after an angle of some periods
        assert schedule(step) == pytest.approx(want, rel=1e-6, abs=slack), step


@pytest.mark.parametrize("case", range(len(CONFIGS)))
def test_oracle_agrees_with_keras(keras, case):
    """The formula of the accuracy tests is Keras's."""
    pytest.importorskip("mpmath", reason="the exact values come from mpmath")
    import oracle

    for step, want in zip(PHASES + NEGATIVE, keras["rates"][case], strict=False):
        config = {key: value for key, value in CONFIGS[case].items() if key != "name"}
        assert float(oracle.rate(step, **config)) == pytest.approx(want, rel=1e-6, abs=4e-6), step


@pytest.mark.parametrize("case", range(len(CONFIGS)))
def test_serialized_schedules(cf, keras, case):
    """What Keras serialized makes the same schedule here, and its config comes back key by key."""
    serialized = keras["serialized"][case]
    assert serialized["class_name"] == "CosineDecay"
    schedule = cf.CosineDecay.from_config(serialized["config"])
    assert schedule == cf.CosineDecay(**CONFIGS[case])
    assert list(schedule.get_config().items()) == list(serialized["config"].items())
    assert json.loads(json.dumps(schedule.get_config())) == serialized["config"]


def test_signature(cf, keras):
    """The constructor has Keras's names, order and defaults."""
    parameters = [p for p in inspect.signature(cf.CosineDecay).parameters.values() if p.name != "end_learning_rate"]
    assert [p.name for p in parameters] == keras["names"]
    assert [[p.name, p.default] for p in parameters if p.default is not p.empty] == keras["signature"]
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


def test_errors_in_kerass_words(cf, keras):
    """decay_steps <= 0 is refused in Keras's own words."""
    for steps, words in zip((0, -1, -2.5), keras["errors"], strict=True):
        with pytest.raises(ValueError, match="decay_steps") as error:
            cf.CosineDecay(1.0, steps)
        assert str(error.value) == words


def test_numpy_scalars(cf):
    """The scalar has the type of initial_learning_rate, as Keras's docstring promises."""
    assert type(cf.CosineDecay(np.float32(0.1), 10)(3)) is np.float32
    assert type(cf.CosineDecay(0.1, 10)(3)) is float
