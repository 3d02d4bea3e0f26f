"""JoinedSchedule: against its schedules, to the bit; what is made of it; and its class."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from bits import INT64, assert_same, within
from draws import fractional_steps, whole_steps
from family import JOINED_SCHEDULE, made
from samples import one_in


def wanted(schedule, step):
    """The rate by the schedule's parameters, or None where its segment's step is beyond int64, or rounded twice."""
    k = sum(boundary <= step for boundary in schedule.boundaries)
    offset = ([0, *schedule.boundaries] if schedule.offsets is None else schedule.offsets)[k]
    inexact = isinstance(step, float) and max(abs(step), abs(offset)) > 2**52
    return None if inexact or within(int(step) - offset) != int(step) - offset else schedule.schedules[k](step - offset)


@pytest.mark.parametrize("seed", one_in(3, [(seed,) for seed in range(30)]))
def test_bits_of_its_schedules(cf, seed):
    draw = random.Random(seed)
    p = (JOINED_SCHEDULE.hard + [JOINED_SCHEDULE.draw(draw) for _ in range(30)])[seed]
    schedule = made(cf, "JoinedSchedule", p)
    steps = whole_steps("JoinedSchedule", p, seed)[:: 1 if seed < 3 else 7].tolist()
    steps += [step for step in fractional_steps("JoinedSchedule", p)[::3].tolist() if abs(step) <= 2**52]
    for step in steps:
        want = wanted(schedule, step)
        assert want is None or np.array_equal(schedule(step), want, equal_nan=True), step


def test_joined_of_joined(cf):
    """Their segments are its own; what lies past the next boundary is never reached."""
    inner = cf.join_schedules([cf.ConstantSchedule(rate) for rate in (1.0, 2.0, 3.0, 4.0)], [10, 20, 30])
    outer = cf.join_schedules([inner, inner, cf.CosineDecay(0.1, 10)], [15, 30])
    assert [segment[1:3] for segment in outer._segments] == [(INT64[0], 0), (10, 10), (15, 15), (25, 25), (30, 30)]
    assert outer([9, 10, 14, 15, 24, 25, 29, 30]).tolist() == [1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0, 0.1]
    assert outer == cf.deserialize(cf.serialize(outer))
    assert outer.schedules == [inner, inner, cf.CosineDecay(0.1, 10)]
    late = cf.join_schedules([inner, inner], [15], offsets=[0, -12])
    assert late([14, 15, 17, 18]).tolist() == [2.0, 3.0, 3.0, 4.0]


def test_fractions_are_rounded(cf):
    """As Python rounds the difference of the step and the offset."""
    line = cf.LinearDecay(1.0, 83)
    schedule = cf.join_schedules([cf.ConstantSchedule(0.5), line], [-83])
    assert schedule([-1e-148, -0.1]).tolist() == [line(-1e-148 + 83), line(-0.1 + 83)]


def test_equal_boundaries(cf):
    """Between them no step is left."""
    schedule = cf.join_schedules([cf.ConstantSchedule(rate) for rate in (1.0, 2.0, 3.0)], [5, 5])
    assert schedule([4, 4.5, 5, 6]).tolist() == [1.0, 1.0, 3.0, 3.0]
    assert schedule.boundaries == [5, 5]
    assert cf.deserialize(cf.serialize(schedule)).get_config() == schedule.get_config()


def test_a_thousand_segments(cf):
    """Found by bisection; in arrays of any order."""
    parts = [cf.PolynomialDecay(1.0 / (k + 1), 50, 0.0) for k in range(1000)]
    schedule = cf.join_schedules(parts, list(range(50, 50_000, 50)))
    steps = np.random.default_rng(0).integers(0, 51_000, 5000)
    k = np.minimum(steps // 50, 999)
    assert_same(schedule(steps), np.array([parts[i](int(s - 50 * i)) for i, s in zip(k, steps, strict=True)]))


@pytest.mark.parametrize(("W", "L0", "peak"), [(7, 0.0, 0.1), (1000, 0.3, 0.1), (10**6, 1e-9, 3e-4), (3, -0.1, 0.1)])
def test_with_warmup_is_cosine_decays(cf, W, L0, peak):
    """The same bits as CosineDecay's own warmup."""
    steps = np.unique(np.linspace(-W, 5 * W, 3000).astype(int))
    assert_same(
        cf.with_warmup(cf.CosineDecay(peak, 3 * W, 0.1), W, L0)(steps),
        cf.CosineDecay(L0, 3 * W, 0.1, warmup_target=peak, warmup_steps=W)(steps),
    )


def test_with_warmup(cf):
    decay = cf.CosineDecay(np.float32(0.1), 100)
    assert cf.with_warmup(decay, 0) is decay
    assert cf.with_warmup(decay, 10).dtype == np.float32
    assert cf.with_warmup(cf.with_warmup(decay, 10, 0.1), 5)([0, 2, 5, 10, 65]) == pytest.approx(
        [0, 0.04, 0.1, 0.1, 0.05]
    )
    with pytest.raises(ValueError, match=r"Argument `warmup_steps` must be >= 0. Received: warmup_steps=-1"):
        cf.with_warmup(decay, -1)
    with pytest.raises(
        ValueError, match=r"Argument `warmup_steps` must be a whole number of steps. Received: warmup_steps=0.5"
    ):
        cf.with_warmup(decay, 0.5)
    with pytest.raises(ValueError, match=r"Argument `initial_learning_rate` must be finite. Received: .*=nan"):
        cf.with_warmup(decay, 0, math.nan)
    with pytest.raises(TypeError, match=r"Argument `schedule` takes schedules of cosine_fast. Received: <function"):
        cf.with_warmup(lambda step: step, 5)


def test_dtype(cf):
    single, double = cf.ConstantSchedule(np.float32(0.1)), cf.ConstantSchedule(0.1)
    assert cf.join_schedules([single, single], [5]).dtype == np.float32
    assert cf.join_schedules([single, double], [5]).dtype == np.float64
    assert cf.join_schedules([single, double], [5])(0) == float(np.float32(0.1))


def test_where_it_stays(cf):
    line, rest = cf.PolynomialDecay(0.0, 10, 0.1), cf.ConstantSchedule(0.1)
    assert cf.join_schedules([line, rest], [25])._end == 25
    assert cf.join_schedules([rest, line], [25])._end == 35
    assert cf.join_schedules([rest, cf.ExponentialDecay(0.1, 10, 0.5)], [25])._end is None


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            (1, [5]),
            ValueError,
            "There must be one schedule more than boundaries. Received: 1 schedules and 1 boundaries",
        ),
        (([], []), ValueError, "There must be one schedule more than boundaries. Received: 0 schedules and 0 bounda"),
        ((3, [5, 4]), ValueError, "Argument `boundaries` must not fall. Received: 5, then 4"),
        ((2, [5.5]), ValueError, "Argument `boundaries` must be whole and within int64. Received: boundaries=5.5"),
        ((2, [2**63]), ValueError, "Argument `boundaries` must be whole and within int64. Received: bound"),
        ((2, ["5"]), TypeError, "Argument `boundaries` must be a number. Received: boundaries='5' (str)"),
        ((2, 5), TypeError, "Argument `boundaries` must be a list, a tuple or an array of numbers. Received: "),
        ((2, [5], [0]), ValueError, "Argument `offsets` must have one number for each schedule. Received: 1 for 2"),
        ((1, [], [0.5]), ValueError, "Argument `offsets` must be whole and within int64. Received: offsets=0.5"),
        (
            ("", []),
            TypeError,
            "Argument `schedules` must be a list, a tuple or an array of schedules. Received: schedul",
        ),
        (([0.1], []), TypeError, "Argument `schedules` takes schedules of cosine_fast. Received: 0.1 (float)"),
        ((1, [], None, 5), TypeError, "Argument `name` must be a string. Received: name=5"),
    ],
)
def test_errors(cf, arguments, error, text):
    """The first argument says how many schedules, or is none."""
    schedules, *others = arguments
    with pytest.raises(error) as info:
        cf.JoinedSchedule([cf.ConstantSchedule(0.1)] * schedules if isinstance(schedules, int) else schedules, *others)
    assert str(info.value).startswith(text)


def test_far_segments(cf):
    """A segment's boundary and offset are within int64, those of joined schedules in it too."""
    inner = cf.join_schedules([cf.ConstantSchedule(0.1)] * 2, [2**62])
    with pytest.raises(
        ValueError, match=r"All boundaries and offsets must lie within int64. Received: 92233720368547758"
    ):
        cf.join_schedules([inner, inner], [2**62])


def test_a_call_of_its_own_is_refused(cf):
    class Own(cf.CosineDecay):
        def __call__(self, step):
            return 1.0

    with pytest.raises(TypeError, match=r"Argument `schedules?` takes no schedule with a __call__ of its own"):
        cf.join_schedules([Own(0.1, 10)], [])


def test_nested_configs(cf):
    schedule = cf.CosineDecay(0.1, 100)
    for _ in range(10):
        schedule = cf.with_warmup(schedule, 5)
    assert cf.deserialize(cf.serialize(schedule)) == schedule
    with pytest.raises(ValueError, match=r"The config of a schedule is nested more than 32 levels deep"):
        cf.serialize(cf.with_warmup(schedule, 5))


def test_a_deep_config(cf):
    config = cf.serialize(cf.join_schedules([cf.ConstantSchedule(0.1)], []))
    for _ in range(1000):
        config = {**config, "config": {"schedules": [config], "boundaries": []}}
    with pytest.raises(ValueError, match=r"The config of a schedule is nested more than 32 levels deep"):
        cf.deserialize(config)
