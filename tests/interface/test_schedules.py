"""What the base makes of a schedule's class: its parameters from its signature, its call's signature, its config."""

from __future__ import annotations

import contextlib
import copy
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
from family import ORDINARY, made, parameters

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"


def test_the_registry(cf):
    """It has the public classes, and no others."""
    schedules = cf.schedules.SCHEDULES
    assert list(schedules) == cf.schedules.__all__
    assert all(getattr(cf, name) is getattr(cf.schedules, name) is cls for name, cls in schedules.items())
    assert all(cls.__name__ == name for name, cls in schedules.items())
    assert set(schedules) < set(cf.__all__)


@pytest.mark.skipif(not GALLERY.exists(), reason="docs/ is not beside these tests")
def test_the_gallery(cf):
    """Each class has a page with a picture and all of its parameters, and is in the overview and the comparison."""
    overview, comparison = ((GALLERY / f"{page}.md").read_text() for page in ("index", "comparison"))
    for name, cls in cf.schedules.SCHEDULES.items():
        file = cls.__module__.rpartition(".")[2]
        page = (GALLERY / f"{file}.md").read_text()
        assert page.startswith(f"# {name}\n")
        assert "\n```{plot}\n:alt: " in page
        assert f"{name}(" in page or file == "joined_schedule"  # that is drawn from the file of a published run
        assert {key for key in inspect.signature(cls).parameters if f"\n| `{key}` |" not in page} == {"name"}
        assert f"[{name}]({file}.md)" in overview
        assert f"s.{name}(" in overview
        assert f"s.{name}(" in comparison


@pytest.mark.parametrize(("name", "config"), ORDINARY)
def test_parameters(cf, importable, name, config):
    """Config, attributes and repr have the parameters of the signature, in its order and with its defaults.

    Equality, hashing and pickling depend on each of them.
    """
    cls = getattr(cf, name)
    config = parameters(cf, config)
    schedule = cls(**config)
    wanted = {key: parameter.default for key, parameter in inspect.signature(cls).parameters.items()} | config
    if wanted.get("end_learning_rate", 0.0) is None:  # Keras does not know it: a config has it where it was given
        del wanted["end_learning_rate"]
    assert list(schedule.get_config().items()) == list(wanted.items())
    for key, value in schedule.get_config().items():
        assert getattr(schedule, key) == value
        assert f"{key}=" in repr(schedule)
        with pytest.raises(AttributeError):
            setattr(schedule, key, value)
        if isinstance(value, (bool, int, float)):
            changed = not value if isinstance(value, bool) else value * 2 + 1
            with contextlib.suppress(ValueError, UserWarning):
                assert cls(**{**config, key: changed}) != schedule, key
    for same in cls(**schedule.get_config()), copy.copy(schedule), pickle.loads(pickle.dumps(schedule)):
        assert same == schedule
        assert hash(same) == hash(schedule)
        assert same(777) == schedule(777)
    with pytest.raises(AttributeError, match="immutable"):
        schedule.__init__(**config)
    rate = next(iter(wanted))  # but for schedules of segments
    if isinstance(wanted[rate], float):
        assert cls(**{**config, rate: np.float32(wanted[rate])})(3).dtype == np.float32


def test_what_a_caller_gets_is_a_copy(cf):
    schedule = cf.PiecewiseConstantDecay([1, 2], [0.5, 0.25, 0.125])
    schedule.boundaries.append(3)
    schedule.get_config()["values"].clear()
    assert schedule == cf.PiecewiseConstantDecay([1, 2], [0.5, 0.25, 0.125])


@pytest.mark.parametrize(("name", "config"), ORDINARY)
def test_signatures(cf, name, config):
    """inspect.signature knows the class, and how a schedule is called."""
    cls = getattr(cf, name)
    assert set(inspect.signature(cls).parameters) >= set(made(cf, name, config).get_config())
    assert str(inspect.signature(made(cf, name, config))) == "(step, *, out=None, dtype=None, num_threads=None)"


def test_signature_of_an_overridden_call(cf):
    class Own(cf.CosineDecay):
        def __call__(self, step, scale=1.0):
            return scale * super().__call__(step)

    assert str(inspect.signature(Own(0.1, 10))) == "(step, scale=1.0)"
    assert str(inspect.signature(Own)) == str(inspect.signature(cf.CosineDecay))


def test_a_class_that_keras_does_not_have(cf, monkeypatch):
    """It is written as a custom object of Keras's, and read back; a config of Keras's cannot mean it."""
    schedule = cf.ExponentialDecay(0.1, 10, 0.5)
    monkeypatch.setattr(cf.ExponentialDecay, "_keras", False)
    config = cf.serialize(schedule)
    names = {key: value for key, value in config.items() if key != "config"}
    assert names == {
        "module": "cosine_fast", "class_name": "ExponentialDecay", "registered_name": "cosine_fast>ExponentialDecay",
    }  # fmt: skip
    assert cf.deserialize(config) == schedule
    assert cf.deserialize({"class_name": "ExponentialDecay", "config": config["config"]}) == schedule
    with pytest.raises(ValueError, match=r"Unknown schedule 'ExponentialDecay' of 'keras.optimizers.schedules'"):
        cf.deserialize({**config, "module": "keras.optimizers.schedules", "registered_name": None})
