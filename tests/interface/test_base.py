"""Schedules of one's own, derived from LearningRateSchedule."""

from __future__ import annotations

import copy
import math
import pickle
import sys

import numpy as np
import pytest


def own(cf):
    """A schedule that knows one step at a time, and no arrays."""

    class Own(cf.LearningRateSchedule):
        def __init__(self, initial_learning_rate, decay=0.5):
            self.initial_learning_rate = initial_learning_rate
            self.decay = decay

        def __call__(self, step):
            """The rate at a step."""
            return self.initial_learning_rate * math.exp(-self.decay * step)

        def get_config(self):
            return {"initial_learning_rate": self.initial_learning_rate, "decay": self.decay}

    return Own


@pytest.fixture
def schedule(cf):
    return own(cf)(0.1)


def rate(step):
    return 0.1 * math.exp(-0.5 * step)


def test_one_step(schedule):
    """A number goes to __call__ as it is, and its result comes back as it is."""
    assert schedule(3) == rate(3)
    assert type(schedule(3)) is float
    assert schedule(np.float64(2.5)) == rate(2.5)
    assert schedule.__call__.__doc__ == "The rate at a step."


def test_whatever_is_no_array_goes_through(cf):
    """A framework's tensors reach __call__ untouched."""

    class Echo(cf.LearningRateSchedule):
        def __call__(self, step):
            return step

    token = object()
    assert Echo()(token) is token


@pytest.mark.parametrize(
    "make", [list, tuple, np.array, lambda steps: np.array(steps, ">i2"), lambda s: np.array(s, "f2")]
)
def test_arrays(schedule, make):
    steps = [0, 1, 5, 2]
    rates = schedule(make(steps))
    assert rates.dtype == np.float64
    assert rates.tolist() == [rate(step) for step in steps]


def test_shapes(schedule):
    steps = np.arange(6).reshape(2, 3)
    assert schedule(steps).tolist() == [[rate(step) for step in row] for row in steps.tolist()]
    assert schedule(steps.T).tolist() == schedule(steps).T.tolist()
    assert schedule(np.array(3)) == rate(3)
    assert type(schedule(np.array(3))) is np.float64
    assert schedule(np.empty((0, 2), int)).shape == (0, 2)


def test_options(schedule):
    out = np.empty(3, np.float32)
    assert schedule([0, 1, 2], out=out) is out
    assert out.tolist() == [np.float32(rate(step)) for step in range(3)]
    assert schedule([0, 1], dtype=np.float32).dtype == np.float32
    assert type(schedule(1, dtype=np.float32)) is np.float32
    with pytest.raises(ValueError, match="shape"):
        schedule([0, 1], out=out)
    with pytest.raises(TypeError, match="complex"):
        schedule(np.array([1j]))
    with pytest.raises(OverflowError, match="int64"):
        schedule([2**63])


def test_ranges(schedule):
    assert schedule.precompute(5).tolist() == [rate(step) for step in range(5)]
    assert schedule.precompute(7, -3, -2).tolist() == [rate(step) for step in range(7, -3, -2)]
    assert schedule(range(2, 9, 3)).tolist() == [rate(step) for step in range(2, 9, 3)]
    out = np.empty(4)
    assert schedule.precompute(4, out=out) is out
    with pytest.raises(ValueError, match="shape"):
        schedule.precompute(5, out=out)


def test_ranges_reach_int64s_ends(cf):
    class Echo(cf.LearningRateSchedule):
        def __call__(self, step):
            return step

    assert Echo().precompute(-(2**63), 2**63, 2**63 - 1).tolist() == [-(2.0**63), -1.0, 2.0**63]


def test_it_may_call_what_it_derives_from(cf):
    """super().__call__ of a schedule of one's own gives its rate, alone and in arrays."""

    class Half(own(cf)):
        def __call__(self, step):
            return super().__call__(step) / 2

    assert Half(0.1)(3) == rate(3) / 2
    assert Half(0.1)([3, 4]).tolist() == [rate(3) / 2, rate(4) / 2]
    assert Half(0.1).precompute(2).tolist() == [rate(0) / 2, rate(1) / 2]


def test_arguments_of_its_own(cf):
    """A `__call__` may have more arguments, and may be static."""

    class More(cf.LearningRateSchedule):
        def __call__(self, step, extra=1):
            return step * extra

    class Static(cf.LearningRateSchedule):
        @staticmethod
        def __call__(step):
            return step + 0.5

    assert (More()(3), More()(3, 2), More()(3, extra=4)) == (3, 6, 12)
    assert More()([1, 2], extra=3).tolist() == More()([1, 2], 3).tolist() == [3.0, 6.0]
    assert More().precompute(3).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(TypeError, match="unknown"):
        More()(3, unknown=2)
    assert Static()(3) == 3.5
    assert Static()([1, 2]).tolist() == Static().precompute(1, 3).tolist() == [1.5, 2.5]


def test_a_formula_with_a_call_of_its_own(cf):
    """Its `precompute` has the rates of its `__call__`."""

    class Twice(cf.CosineDecay):
        def __call__(self, step):
            return 2 * super().__call__(step)

    schedule = Twice(0.1, 10)
    assert schedule.precompute(12).tolist() == [schedule(step) for step in range(12)]
    assert schedule.precompute(1).tolist() == [0.2]


def test_config(cf):
    cls = own(cf)
    schedule = cls.from_config(cls(0.3, decay=0.25).get_config())
    assert schedule(4) == 0.3 * math.exp(-1.0)
    assert copy.deepcopy(schedule)(4) == schedule(4)


def test_errors_of_its_own(schedule, cf):
    """An exception in __call__ comes through; what was written before it stays written."""

    class Fails(cf.LearningRateSchedule):
        def __call__(self, step):
            return 1.0 / step

    with pytest.raises(ZeroDivisionError):
        Fails()([1, 0])
    with pytest.raises(OverflowError):
        schedule.precompute(-5000, 0)


def test_what_must_be_overridden(cf):
    """Keras's words."""
    base = cf.LearningRateSchedule()
    with pytest.raises(NotImplementedError, match=r"'LearningRateSchedule' must override `__call__\(self, step\)`"):
        base(1)
    with pytest.raises(NotImplementedError, match=r"must override `get_config\(\)` in order to be serializable"):
        base.get_config()


def test_ours_are_schedules(cf):
    assert issubclass(cf.CosineDecay, cf.LearningRateSchedule)
    assert isinstance(cf.CosineDecay(0.1, 10), cf.LearningRateSchedule)


def test_pickle(cf, importable, monkeypatch):
    cls = own(cf)
    cls.__qualname__ = "Own"  # a name by which it can be found
    monkeypatch.setattr(sys.modules[__name__], "Own", cls, raising=False)
    assert pickle.loads(pickle.dumps(cls(0.2)))(2) == cls(0.2)(2)
