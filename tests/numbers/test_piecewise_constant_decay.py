"""PiecewiseConstantDecay: against exact values, and its class."""

from __future__ import annotations

import bisect
import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest
from bits import assert_same, outcome, within
from draws import fractional_steps, whole_steps
from family import PIECEWISE_CONSTANT_DECAY, pieces, title


def exact_value(step, boundaries, values):
    return values[bisect.bisect_left(boundaries, Fraction(step))]


@pytest.mark.parametrize("boundary", [2**53, -(2**53), -(2**53) - 1, 2**53 + 1])
def test_steps_that_are_no_doubles(cf, boundary):
    """A step is compared exactly, whatever steps are beside it."""
    schedule = cf.PiecewiseConstantDecay([boundary], [0.0, 1.0])
    for step in range(boundary - 2, boundary + 3):
        want = float(step > boundary)
        for steps in ([step], [step, 0], [step, 2**54], [step, -(2**54)]):
            assert schedule(np.array(steps))[0] == schedule(step) == want, steps


@pytest.mark.parametrize("p", PIECEWISE_CONSTANT_DECAY.hard, ids=title)
def test_hard_parameters(cf, p):
    """Every value is the one of its piece: step > boundary compared as the numbers that they are."""
    schedule = cf.PiecewiseConstantDecay(**p)
    boundaries, values = [Fraction(b) for b in p["boundaries"]], p["values"]
    floats = fractional_steps("PiecewiseConstantDecay", p)
    for some in (whole_steps("PiecewiseConstantDecay", p), floats[np.isfinite(floats)]):
        want = [float(exact_value(step, boundaries, values)) for step in some.tolist()]
        assert schedule(some).tolist() == want
        assert [float(schedule(step)) for step in some[::10].tolist()] == want[::10]
    assert (schedule(math.inf), schedule(-math.inf)) == (values[-1], values[0])
    assert np.isnan(schedule(math.nan))
    assert np.isnan(schedule(np.full(100, np.nan))).all()


@pytest.mark.parametrize("seed", range(4))
def test_random_pieces(best, share, seed):
    """100,000 and more values of 600 schedules."""
    draw = random.Random(seed)
    for _ in range(int(150 * share)):
        p = PIECEWISE_CONSTANT_DECAY.draw(draw)
        schedule = best.PiecewiseConstantDecay(**p)
        boundaries, values = p.values()
        scale = max([abs(b) for b in boundaries], default=100)
        near = [draw.choice(boundaries or [0]) for _ in range(120)]
        steps = [within(math.floor(b) + draw.randint(-1, 1)) for b in near]
        steps += [within(int(draw.uniform(-1, 1) * scale)) for _ in range(60)]
        floats = [math.nextafter(float(b), draw.choice([-math.inf, math.inf])) for b in near]
        for some in (np.array(steps, np.int64), np.array(floats)):
            assert schedule(some).tolist() == [exact_value(step, boundaries, values) for step in some.tolist()]


# ---- The class ----


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            ([1, 2], [0.1, 0.2]),
            ValueError,
            "The length of boundaries should be 1 less than the length of values. Received: boundaries=[1, 2] of "
            "length 2, and values=[0.1, 0.2] of length 2.",
        ),
        (([], []), ValueError, "The length of boundaries should be 1 less than the length of values."),
        (([2, 1], [1, 2, 3]), ValueError, "Argument `boundaries` must rise strictly. Received: 2, then 1"),
        (([1, 1.0], [1, 2, 3]), ValueError, "Argument `boundaries` must rise strictly. Received: 1, then 1.0"),
        (([2**53 + 1, 2.0**53], [1, 2, 3]), ValueError, "Argument `boundaries` must rise strictly."),
        (([math.nan], [1, 2]), ValueError, "Argument `boundaries` must be finite. Received: boundaries=nan"),
        (([math.inf], [1, 2]), ValueError, "Argument `boundaries` must be finite. Received: boundaries=inf"),
        (([2**63], [1, 2]), ValueError, "Argument `boundaries` must lie within int64 where it is whole."),
        (([10**400], [1, 2]), ValueError, "Argument `boundaries` must be finite."),
        ((["1"], [1, 2]), TypeError, "Argument `boundaries` must be a number. Received: boundaries='1' (str)"),
        (([True], [1, 2]), TypeError, "Argument `boundaries` must be a number."),
        (("1", [1, 2]), TypeError, "Argument `boundaries` must be a list, a tuple or an array of numbers."),
        ((5, [1, 2]), TypeError, "Argument `boundaries` must be a list, a tuple or an array of numbers."),
        (({5}, [1, 2]), TypeError, "Argument `boundaries` must be a list, a tuple or an array of numbers."),
        ((np.zeros((1, 1)), [1, 2]), ValueError, "Argument `boundaries` must have one dimension."),
        (([1], [1, math.inf]), ValueError, "Argument `values` must be finite. Received: values=inf"),
        (([1], [1, None]), TypeError, "Argument `values` must be a number. Received: values=None (NoneType)"),
        (([1], None), TypeError, "Argument `values` must be a list, a tuple or an array of numbers."),
        (([1], np.zeros(2, np.float16)), TypeError, "Argument `values` must be a Python number or a NumPy float64"),
        (([1], [1, 2], 5), TypeError, "Argument `name` must be a string."),
    ],
)
def test_errors(cf, arguments, error, text):
    kind, message = outcome(lambda: cf.PiecewiseConstantDecay(*arguments))
    assert kind is error
    assert message.startswith(text)


def test_sequences(cf):
    """Lists, tuples, ranges and arrays; what it gives back is plain numbers, and its own."""
    want = cf.PiecewiseConstantDecay([0, 10, 20], [1.0, 2.0, 3.0, 4.0])
    values = [1.0, 2.0, 3.0, 4.0]
    boundaries = [0, 10, 20]
    for given in (tuple(boundaries), range(0, 30, 10), np.array(boundaries), np.array(boundaries, np.int8)):
        schedule = cf.PiecewiseConstantDecay(given, values)
        assert schedule == want
        assert hash(schedule) == hash(want)
        assert schedule.get_config() == {"boundaries": boundaries, "values": values, "name": "PiecewiseConstant"}
        assert {type(b) for b in schedule.boundaries} == {int}
    schedule = cf.PiecewiseConstantDecay(boundaries, values)
    boundaries.append(30)
    values[0] = 9.0
    schedule.boundaries.append(30)
    schedule.get_config()["values"].clear()
    assert schedule == want
    assert schedule.values == [1.0, 2.0, 3.0, 4.0]
    assert schedule != cf.PiecewiseConstantDecay([0, 10, 20], [1.0, 2.0, 3.0, 5.0])


def test_the_dtype_is_the_values(cf):
    single, double = np.float32(0.5), np.float64(0.5)
    for values, dtype in (
        ([single, single], np.float32),
        ([single, double], np.float64),
        ([single, 0.5], np.float64),
        ([1, 2], np.float64),
        (np.array([1, 2]), np.float64),
        (np.array([1, 2], np.float32), np.float32),
    ):
        schedule = cf.PiecewiseConstantDecay([1], values)
        assert schedule.dtype == dtype
        assert schedule(np.arange(3)).dtype == dtype
        assert cf.PiecewiseConstantDecay.from_config(schedule.get_config()) == schedule


def test_the_schedule_owns_its_numbers(cf):
    """Many schedules at once keep their boundaries and values apart."""
    schedules = [cf.PiecewiseConstantDecay(*pieces(100 + count)) for count in range(50)]
    want = [schedule(np.arange(2000)) for schedule in schedules]
    for schedule, rates in zip(schedules, want, strict=True):
        assert_same(schedule(np.arange(2000)), rates)
    with pytest.raises(AttributeError, match="immutable"):
        schedules[0].__init__([1], [1.0, 2.0])
    assert_same(schedules[0](np.arange(2000)), want[0])


@pytest.mark.parametrize("arguments", [([1, 2.5], [1.0, 2, 3.0], "pieces"), ([], [np.float32(1.0)])], ids=str)
def test_config(cf, importable, arguments):
    """Configs and pickles give an equal schedule."""
    schedule = cf.PiecewiseConstantDecay(*arguments)
    steps = np.arange(-10, 5000)
    for same in (pickle.loads(pickle.dumps(schedule)), cf.PiecewiseConstantDecay.from_config(schedule.get_config())):
        assert same == schedule
        assert hash(same) == hash(schedule)
        assert_same(same(steps), schedule(steps))
        assert repr(same) == repr(schedule)
    assert list(schedule.get_config()) == ["boundaries", "values", "name"]
