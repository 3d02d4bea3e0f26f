"""serialize and deserialize: Keras's format both ways, and configs that somebody else made up."""

from __future__ import annotations

import copy
import fractions
import importlib.util
import json
import sys
import warnings

import numpy as np
import pytest
from family import FAMILY, KERAS, ORDINARY, made, parameters

MODULE = "keras.optimizers.schedules"
CASES = [(name, config) for name in KERAS for config in FAMILY[name].ordinary]


@pytest.mark.parametrize(("name", "config"), ORDINARY)
def test_there_and_back(cf, name, config):
    """A config is JSON in Keras's format, and the schedule that it makes is equal."""
    schedule = made(cf, name, config)
    serialized = cf.serialize(schedule)
    assert list(serialized) == ["module", "class_name", "config", "registered_name"]
    assert parameters(cf, serialized["config"]) == schedule.get_config()
    assert serialized["class_name"] == name
    if name in KERAS:
        assert (serialized["module"], serialized["registered_name"]) == (MODULE, None)
    again = cf.deserialize(json.loads(json.dumps(serialized, allow_nan=False)))
    assert type(again) is type(schedule)
    assert again == schedule


@pytest.mark.parametrize(("name", "config"), CASES)
def test_forms_of_a_config(cf, name, config):
    """The older form, and the modules that Keras and this package name, mean the same class."""
    schedule = made(cf, name, config)
    inner = cf.serialize(schedule)["config"]
    older = {"class_name": name, "config": inner}
    assert cf.deserialize(older) == schedule
    assert cf.deserialize({**older, "module": MODULE, "registered_name": None, "shared_object_id": 5}) == schedule
    ours = {"module": "cosine_fast", "registered_name": name}
    assert cf.deserialize({**older, **ours}) == schedule
    in_keras = {"module": "cosine_fast.integrations.keras", "registered_name": f"cosine_fast>{name}"}
    assert cf.deserialize({**older, **in_keras}) == schedule


def test_the_config_in_kerass_documentation(cf):
    """What the docstring of Keras's deserialize shows, with no name."""
    inner = {
        "cycle": False, "decay_steps": 10000, "end_learning_rate": 0.01, "initial_learning_rate": 0.1, "name": None,
        "power": 0.5,
    }  # fmt: skip
    schedule = cf.deserialize({"class_name": "PolynomialDecay", "config": inner})
    assert schedule.get_config() == inner
    assert schedule(10000) == 0.01


def test_numpy_scalars(cf):
    """NumPy's numbers become Python's; the rates of a float32 schedule are float64 when it comes back."""
    schedule = cf.CosineDecay(
        np.float32(0.1), np.int64(1000), alpha=np.float64(0.1), warmup_steps=fractions.Fraction(0)
    )
    config = cf.serialize(schedule)["config"]
    assert {key: type(value) for key, value in config.items() if key != "name"} == {
        "initial_learning_rate": float, "decay_steps": int, "alpha": float, "warmup_target": type(None),
        "warmup_steps": float,
    }  # fmt: skip
    assert cf.deserialize(cf.serialize(schedule)) == cf.CosineDecay(float(np.float32(0.1)), 1000, 0.1)
    assert cf.deserialize({"class_name": "CosineDecay", "config": schedule.get_config()}) == schedule


@pytest.mark.parametrize("many", [tuple, np.array], ids=["tuple", "array"])
def test_sequences(cf, many):
    """Tuples and arrays become lists, and a config has them also as Keras writes them."""
    schedule = cf.PiecewiseConstantDecay(many([10, 20]), many([0.1, 0.05, 0.01]))
    config = json.loads(json.dumps(cf.serialize(schedule)))
    assert config["config"] == {"boundaries": [10, 20], "values": [0.1, 0.05, 0.01], "name": "PiecewiseConstant"}
    keras_array = {"class_name": "__numpy__", "config": {"value": [10, 20], "dtype": "int64"}}
    keras_tuple = {"class_name": "__tuple__", "items": [0.1, 0.05, 0.01]}
    for boundaries in ([10, 20], (10, 20), keras_array):
        for values in ([0.1, 0.05, 0.01], keras_tuple):
            config["config"] |= {"boundaries": boundaries, "values": values}
            assert cf.deserialize(config)([10, 20, 21]).tolist() == [0.1, 0.05, 0.01]


@pytest.fixture
def mine(cf):
    class Mine(cf.LearningRateSchedule):
        def __init__(self, **config):
            self.config = config

        def __call__(self, step):
            return self.config["rate"] / (step + 1)

        def get_config(self):
            return self.config

    return Mine


def test_a_class_of_ones_own(cf, mine):
    """It is named as Keras names it, and comes back by custom_objects alone."""
    schedule = mine(rate=0.5)
    config = cf.serialize(schedule)
    assert config == {
        "module": __name__, "class_name": "Mine", "config": {"rate": 0.5}, "registered_name": "Mine",
    }  # fmt: skip
    assert cf.deserialize(config, {"Mine": mine})(1) == 0.25
    assert cf.deserialize({**config, "registered_name": "lab>Mine"}, custom_objects={"lab>Mine": mine})(1) == 0.25
    with pytest.raises(ValueError, match=r"Unknown schedule 'Mine' of 'test_serialization'.*`custom_objects`"):
        cf.deserialize(config)


def test_a_class_of_ones_own_of_a_known_name(cf, mine):
    """Another's class of a name that is here too is not this one; custom_objects come first."""
    config = {"class_name": "CosineDecay", "config": {"rate": 0.5}}
    assert type(cf.deserialize(config, {"CosineDecay": mine})) is mine
    for module in ("lab.schedules", None, "", "keras.optimizers.schedules2"):
        with pytest.raises(ValueError, match="Unknown schedule 'CosineDecay'"):
            cf.deserialize({**config, "module": module, "config": {"initial_learning_rate": 0.1, "decay_steps": 10}})
    with pytest.raises(ValueError, match="Unknown schedule"):
        cf.deserialize({**config, "registered_name": "lab>CosineDecay"})


def test_a_schedule_within_a_schedule(cf, mine):
    """It is serialized in its place; to read it is for from_config, as with Keras."""
    inner = cf.CosineDecay(0.1, 10)
    config = cf.serialize(mine(inner=inner, table={"a": [np.float32(1), (True, None)]}))
    assert config["config"] == {"inner": cf.serialize(inner), "table": {"a": [1.0, [True, None]]}}
    assert cf.deserialize(config, {"Mine": mine}).config == config["config"]


def test_what_cannot_be_serialized(cf, mine):
    """What JSON has no form for is a TypeError or ValueError that says what it is."""
    endless = []
    endless.append(endless)
    for value, words in [
        (1j, "1j"), (object, "class 'object'"), (b"b", "bytes"), ({1: 2}, "keys"), (np.array([1j]), "complex"),
        (lambda step: step, "function"),
    ]:  # fmt: skip
        with pytest.raises(TypeError, match=words):
            cf.serialize(mine(value=value))
    for value, words in [
        (np.inf, "inf"), (float("nan"), "nan"), (np.array([1, np.nan]), "nan"), (10**400, "finite"),
        (10**5000, "finite"), (endless, "32 levels"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=words):
            cf.serialize(mine(value=value))
    for schedule in (None, 0.1, cf.CosineDecay, lambda step: step):
        with pytest.raises(TypeError, match="must be a LearningRateSchedule"):
            cf.serialize(schedule)
    mine.get_config = lambda self: 5
    with pytest.raises(TypeError, match=r"get_config.* must give a dict"):
        cf.serialize(mine())


GOOD = {"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": 1000}}
DEEP = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"class_name": "os.system"}, ValueError, "Unknown schedule 'os.system'"),
        ({"class_name": "LearningRateSchedule"}, ValueError, "Unknown schedule"),
        ({"class_name": "Formula"}, ValueError, "Unknown schedule"),
        ({"class_name": "_CLASSES"}, ValueError, "Unknown schedule"),
        ({"class_name": "warnings", "module": "cosine_fast.schedules"}, ValueError, "Unknown schedule"),
        ({"class_name": "CosineDecay", "module": "os"}, ValueError, "Unknown schedule 'CosineDecay' of 'os'"),
        ({"class_name": None}, TypeError, "'class_name'.* must be a string"),
        ({"class_name": ["CosineDecay"]}, TypeError, "'class_name'.* must be a string"),
        ({"module": 5}, TypeError, "'module'.* must be a string"),
        ({"registered_name": {}}, TypeError, "'registered_name'.* must be a string"),
        ({"config": None}, TypeError, "parameters of CosineDecay must be a dict"),
        ({"config": [0.1, 1000]}, TypeError, "parameters of CosineDecay must be a dict"),
        ({"config": {}}, TypeError, "initial_learning_rate"),
        ({"config": {"class_name": "__numpy__", "config": {"value": {}}}}, TypeError, "class_name"),
        ({"extra": 1}, ValueError, "Unknown key 'extra'"),
        ({"build_config": {}}, ValueError, "Unknown key 'build_config'"),
        ({5: 1}, ValueError, "Unknown key 5"),
        ({"decay_steps": None}, TypeError, "`decay_steps` must be a number"),
        ({"decay_steps": "1000"}, TypeError, "`decay_steps` must be a number"),
        ({"decay_steps": True}, TypeError, "`decay_steps` must be a number"),
        ({"decay_steps": 0}, ValueError, "`decay_steps` must be > 0"),
        ({"decay_steps": [1000]}, TypeError, "`decay_steps` must be a number"),
        ({"decay_steps": 10**19}, ValueError, "`decay_steps`"),
        ({"decay_steps": 10**400}, ValueError, "finite"),
        ({"decay_steps": 10**5000}, ValueError, "finite"),
        ({"decay_steps": float("nan")}, ValueError, "finite"),
        ({"initial_learning_rate": float("inf")}, ValueError, "finite"),
        ({"name": 5}, TypeError, "`name` must be a string"),
        ({"name": ["a"]}, TypeError, "`name` must be a string"),
        (
            {"alpha": {"class_name": "__lambda__", "config": {"value": "AA=="}}},
            ValueError,
            "cannot have a '__lambda__'",
        ),
        ({"alpha": {"class_name": "__numpy__", "config": 5}}, ValueError, "cannot have a '__numpy__'"),
        ({"alpha": {"class_name": "__numpy__", "config": {"value": [0.1], "dtype": "O"}}}, TypeError, "`alpha`"),
        ({"alpha": DEEP}, ValueError, "32 levels"),
        ({"alpha": b"0"}, TypeError, "bytes"),
        ({"alpha": {1: 2}}, TypeError, "keys"),
        ({"beta": 0}, TypeError, "beta"),
    ],
)
def test_configs_that_are_none(cf, change, error, words):
    """What is wrong is told by a ValueError or TypeError, with the name of what it is."""
    config = copy.copy(GOOD)
    if all(key in ("module", "class_name", "config", "registered_name", "extra", "build_config", 5) for key in change):
        config |= change
    else:
        config["config"] = {**config["config"], **change}
    before = set(sys.modules)
    with pytest.raises(error, match=words):
        cf.deserialize(config)
    assert set(sys.modules) == before  # nothing is imported


def test_what_is_no_config(cf, mine):
    """Missing keys, and arguments of another kind."""
    for key in GOOD:
        with pytest.raises(ValueError, match=f"Key '{key}' is missing"):
            cf.deserialize({name: value for name, value in GOOD.items() if name != key})
    for config in (None, "CosineDecay", [GOOD], 5, cf.CosineDecay(0.1, 10)):
        with pytest.raises(TypeError, match="`config` must be a dict"):
            cf.deserialize(config)
    with pytest.raises(TypeError, match="`custom_objects` must be a dict"):
        cf.deserialize(GOOD, [mine])
    for other in ("CosineDecay", int, mine()):
        with pytest.raises(TypeError, match="derived from LearningRateSchedule"):
            cf.deserialize(GOOD, {"CosineDecay": other})


def test_made_up_configs(best, share):
    """Any JSON at all gives a schedule that can be called, or a ValueError or TypeError."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    number = st.integers() | st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0, 1, 2**63, 2**64, 10**400])
    plain = (
        st.none() | st.booleans() | number | st.text(max_size=5) | st.sampled_from(["1", "CosineDecay", "__tuple__"])
    )
    keys = st.sampled_from(["class_name", "config", "value", "items"]) | st.text(max_size=3)
    special = st.builds(
        lambda name, value: {"class_name": name, "config": {"value": value, "dtype": "float64"}, "items": value},
        st.sampled_from(["__numpy__", "__tuple__", "__tensor__", "__slice__", "__lambda__", "CosineDecay"]),
        plain | st.lists(plain, max_size=3),
    )
    anything = st.recursive(
        plain | special,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=8,
    )
    parameters = sorted({key for _, config in ORDINARY for key in config})

    @st.composite
    def configs(draw):
        name, config = draw(st.sampled_from(ORDINARY))
        config = {**config, **draw(st.dictionaries(st.sampled_from([*config, *parameters]), anything, max_size=2))}
        for key in draw(st.lists(st.sampled_from(sorted(config)), max_size=1)):
            del config[key]
        tree = {"class_name": name, "config": config}
        return {
            **tree,
            **draw(st.dictionaries(st.sampled_from([*tree, "module", "registered_name"]), anything, max_size=1)),
        }

    @hypothesis.settings(max_examples=int(1500 * share), suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(configs() | anything)
    def read(config):
        try:
            schedule = best.deserialize(config)
        except (ValueError, TypeError) as error:
            assert len(str(error)) > 10  # noqa: PT017
            return
        assert type(schedule).__name__ == config["class_name"]
        schedule(5)
        again = json.loads(json.dumps(best.serialize(schedule), allow_nan=False))
        assert best.deserialize(again) == schedule

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Argument `warmup_steps` is ignored")
        read()


PROGRAM = """
import json, warnings
warnings.simplefilter("ignore")
import numpy as np
import keras
Keras = keras.optimizers.schedules
cases, ours = json.loads(INPUT)
arrays = Keras.PiecewiseConstantDecay(np.array([10, 30]), np.array([0.1, 0.05, 0.01]))
scalars = Keras.ExponentialDecay(np.float32(0.1), np.int64(10), np.float64(0.9), staircase=np.bool_(True))
read = [Keras.deserialize(config) for config in ours]
assert all(type(schedule) is getattr(Keras, config["class_name"]) for schedule, config in zip(read, ours))
@keras.saving.register_keras_serializable("lab")
class Mine(Keras.LearningRateSchedule):
    def __init__(self, rate): self.rate = rate
    def get_config(self): return {"rate": self.rate}
print(json.dumps({
    "written": [Keras.serialize(getattr(Keras, name)(**config)) for name, config in cases],
    "numpy": [Keras.serialize(arrays), Keras.serialize(scalars)],
    "read": [schedule.get_config() for schedule in read],
    "mine": Keras.serialize(Mine(np.float32(0.5))),
}))
"""


@pytest.fixture(scope="session")
def keras(best, process, tmp_path_factory):
    """What Keras writes for the schedules of CASES, and what it reads of ours."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is what this compares with")
    ours = [best.serialize(made(best, *case)) for case in CASES]
    program = f"INPUT = {json.dumps([CASES, ours])!r}\n{PROGRAM}"
    home = str(tmp_path_factory.mktemp("keras"))
    return json.loads(process(program, KERAS_BACKEND="numpy", KERAS_HOME=home).stdout.splitlines()[-1])


def test_keras_reads_what_we_write(keras):
    """Keras makes its own class of our configs, with the same parameters."""
    for (_, config), read in zip(CASES, keras["read"], strict=True):
        assert config.items() <= read.items()


def test_we_write_what_keras_writes(cf, keras):
    """The two configs are equal, and Keras's makes our schedule."""
    for case, written in zip(CASES, keras["written"], strict=True):
        assert cf.serialize(made(cf, *case)) == written
        assert cf.deserialize(written) == made(cf, *case)


def test_what_keras_writes_of_numpy(cf, mine, keras):
    """Arrays, which Keras writes in a form of its own and cannot read again, scalars, and registered classes."""
    arrays, scalars = keras["numpy"]
    assert arrays["config"]["boundaries"]["class_name"] in ("__numpy__", "__tensor__")
    assert cf.deserialize(arrays) == cf.PiecewiseConstantDecay([10, 30], [0.1, 0.05, 0.01])
    assert cf.deserialize(scalars)(10) == cf.ExponentialDecay(float(np.float32(0.1)), 10, 0.9)(10)
    assert cf.deserialize(keras["mine"], {"lab>Mine": mine})(0) == 0.5
