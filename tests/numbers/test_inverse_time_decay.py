"""InverseTimeDecay: against exact values, its exact points, its pole, and its class."""

from __future__ import annotations

import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

from bits import INT64, assert_same, outcome, within
from draws import one_by_one
from family import INVERSE_TIME_DECAY, inverse_time_decay
from mpmath import isfinite
from oracle import error, exactly, inverse_time, ulps


def steps_of(draw, D, r, count):
    """Steps of every size, at multiples of decay_steps, and about the pole."""
    pole = -Fraction(D) / Fraction(r) if r else Fraction(0)
    for _ in range(count):
        kind = draw.randrange(8)
        if kind == 0:
            step = draw.randint(*INT64)
        elif kind == 1:
            step = draw.choice([-1, 1]) * int(2 ** draw.uniform(0, 63))
        elif kind in (2, 3):
            multiple = draw.randint(0, draw.choice([10, 10**6, INT64[1]])) * Fraction(D)
            step = math.floor(multiple) + draw.randint(-2, 2)
            if kind == 3 and abs(multiple) < 2**1000:
                step = math.nextafter(float(multiple), draw.choice([-math.inf, math.inf]))
        elif kind == 4 and abs(pole) < 2**63:
            step = math.floor(pole) + draw.randint(-2, 2)
        elif kind == 5 and 2**-1000 < abs(pole) < 2**1000:
            step = float(pole)
            for _ in range(draw.randint(0, 2)):
                step = math.nextafter(step, draw.choice([-math.inf, math.inf]))
        elif kind == 6:
            step = draw.choice([-1, 1]) * 10 ** draw.uniform(-320, 308)
        else:
            step = draw.randint(0, 2 * math.ceil(D))
        yield step if isinstance(step, float) else within(step)


@pytest.mark.parametrize("seed", range(4))
def test_random_steps(best, share, seed):
    """100,000 and more values are within 2 ULP, next to the pole too."""
    draw = random.Random(seed)
    worst = (0.0,)
    hard = INVERSE_TIME_DECAY.hard if seed == 0 else []
    for p in hard + [INVERSE_TIME_DECAY.draw(draw) for _ in range(int(900 * share))]:
        schedule = best.InverseTimeDecay(**p)
        for step in steps_of(draw, p["decay_steps"], p["decay_rate"], 32):
            worst = max(worst, (error("InverseTimeDecay", schedule(step), step, p), step, str(p)))
    assert worst[0] <= 1, worst


@pytest.mark.parametrize("staircase", [False, True])
def test_next_to_the_pole_with_all_digits_of_an_int64(best, share, staircase):
    """Steps of 63 digits, whose products with decay_rate cancel all but the last of these."""
    draw = random.Random(3)
    worst = (0.0,)
    for _ in range(int(3000 * share)):
        step = draw.choice([-1, 1]) * draw.randint(2**53, INT64[1])
        D = draw.choice([1, 3, draw.randint(1, 2**20), draw.randint(1, INT64[1]), draw.uniform(0.5, 1e6)])
        p = Fraction(step) / Fraction(D)
        p = math.floor(p) if staircase else p
        if p == 0:
            continue
        parameters = (0.1, D, float(-1 / Fraction(p)), staircase)
        schedule = best.InverseTimeDecay(*parameters)
        for near in range(-3, 4):
            exact = inverse_time(within(step + near), *parameters)
            off = ulps(schedule(within(step + near)), exact) if isfinite(exact) else 0.0
            worst = max(worst, (off, step + near, parameters))
    assert worst[0] <= 0.51, worst


@pytest.mark.parametrize("seed", range(2))
def test_random_parameters(compiled, python, seed):
    """Both backends have the same bits whatever fraction stands for decay_steps / decay_rate."""
    draw = random.Random(seed)
    for _ in range(250):
        L0, D, r, staircase = INVERSE_TIME_DECAY.draw(draw).values()
        if draw.random() < 0.7:
            D = draw.choice([draw.randint(1, 10**9), draw.uniform(0.5, 1e6), int(2 ** draw.uniform(1, 62))])
            r = draw.choice([-1, 1]) * draw.choice([draw.randint(1, 200) / 100, 10 ** draw.uniform(-18, 18)])
        p = inverse_time_decay(L0, D, r, staircase)
        schedule, reference = compiled.InverseTimeDecay(**p), python.InverseTimeDecay(**p)
        steps = list(steps_of(draw, D, r, 150))
        steps += [within(int(draw.uniform(-2, 2) * D / abs(r))) for _ in range(20) if abs(D / r) < 2**63]
        whole = np.array([step for step in steps if not isinstance(step, float)], np.int64)
        fractions = np.array([step for step in steps if isinstance(step, float)])
        for chosen in (whole, np.sort(whole), fractions, np.arange(-20, 600)):
            want = reference(chosen)
            assert_same(schedule(chosen), want, p)
            assert_same(one_by_one(schedule, chosen[::9]), want[::9], p)


def hard_quotients(draw, count):
    """H and d of at most 53 and 50 bits whose quotient is next to the middle between two doubles: with M odd and of 54
    bits, H * 2**k - M * d is 1 or -1, or little more."""
    found = 0
    while found < count:
        d = draw.getrandbits(draw.randint(40, 50)) | 1
        k, c = d.bit_length() + draw.randint(0, 1), draw.choice([-3, -1, 1, 3])
        H = c * pow(2, -k, d) % d + draw.randrange(2**52 // d, 2**53 // d) * d
        M = (H * 2**k - c) // d
        if 2**52 <= H < 2**53 <= M < 2**54 and M % 2 == 1:
            found += 1
            yield H, d


def test_next_to_where_rounding_turns(compiled, isa):
    """L0 / (1 + step) has no error but the quotient's, whatever way it is computed."""
    draw = random.Random(0)
    for H, d in hard_quotients(draw, 2000):
        L0 = math.ldexp(H, draw.randint(-300, 200))
        steps = np.full(200, d - 1)
        assert_same(compiled.InverseTimeDecay(L0, 1, 1.0)(steps), np.full(200, L0 / d), (H, d))


@pytest.mark.parametrize("staircase", [False, True])
def test_the_pole(cf, staircase):
    """Infinite, by the sign of the initial rate; the other sign beyond."""
    schedule = cf.InverseTimeDecay(0.1, 1000, 0.5, staircase)
    assert schedule(-2000) == math.inf
    assert cf.InverseTimeDecay(-0.1, 1000, 0.5, staircase)(-2000) == -math.inf
    assert math.isnan(cf.InverseTimeDecay(0.0, 1000, 0.5, staircase)(-2000))
    assert schedule(-3000) == -0.2
    assert cf.InverseTimeDecay(1.0, 10, -0.25, staircase)(40) == math.inf
    rates = schedule(np.array([-2001, -2000, -1999, -1000]))
    assert rates.tolist() == [schedule(step) for step in (-2001, -2000, -1999, -1000)]
    assert schedule(-1999) == (math.inf if staircase else 200.0)


def test_limits(cf):
    for staircase in (False, True):
        schedule = cf.InverseTimeDecay(0.1, 1000, 0.5, staircase)
        assert (schedule(math.inf), schedule(-math.inf)) == (0.0, 0.0)
        assert math.isnan(schedule(math.nan))
        still = cf.InverseTimeDecay(0.1, 1000, 0.0, staircase)
        assert {still(step) for step in (0, -5, 2**63 - 1, math.inf, -math.inf, 1e308)} == {0.1}
        assert math.isnan(still(math.nan))
        zero = cf.InverseTimeDecay(-0.0, 1000, 0.5, staircase)
        assert [str(zero(step)) for step in (0, -5000, 5000, math.inf)] == ["0.0"] * 4


@pytest.mark.parametrize("rate", [0.5, -0.5, 0.123456789])
@pytest.mark.parametrize("staircase", [False, True])
def test_one_unusual_step_among_usual_ones(compiled, isa, staircase, rate):
    """Blocks whose first and last steps do not tell what lies between them, also in place and behind a boundary."""
    schedule = compiled.InverseTimeDecay(0.1, 1000, rate, staircase)
    joined = compiled.join_schedules([compiled.ConstantSchedule(1.0), schedule], [2**40])
    for rare in (-1, -2000, 1999, 2000, 2001, 2**24, 2**49, 2**50, 2**51, 2**62, INT64[0], INT64[1]):
        for at in (1, 63, 64, 300, 510):
            steps = np.arange(512) * 3
            steps[at] = rare
            want = np.array([schedule(step) for step in steps.tolist()])
            assert_same(schedule(steps), want, (rare, at))
            assert_same(schedule(steps, dtype=np.float32), want.astype(np.float32), (rare, at))
            in_place = steps.copy()
            assert_same(schedule(in_place, out=in_place.view(np.float64)), want, (rare, at))
            if abs(rare) < 2**31:
                narrow = steps.astype(np.int32)
                assert_same(schedule(narrow, out=narrow.view(np.float32)), want.astype(np.float32), (rare, at))
            if -(2**40) <= rare < 2**62:
                later = steps + 2**40
                assert_same(joined(later), np.array([joined(step) for step in later.tolist()]), (rare, at))


@pytest.mark.parametrize("D", [1, 3, 1000, 2.5, 2**50 - 27, 0.1, 1 / 3, 2**53 + 1, 2**62 + 1, 2**63 - 1, 2.0**-40 * 3])
def test_a_stair_begins_at_its_multiple(cf, D):
    """The first whole step at or past k * decay_steps is on the k-th stair, the one before is not."""
    schedule = cf.InverseTimeDecay(1.0, D, 2.0**-10, staircase=True)
    last = int(2**50 / D)  # the last stair for which there is a shorter way
    for k in (1, 2, 3, 7, 1000, 10**9 + 7, last, 1 - last, int(INT64[1] / D) - 1, int(-(2**62) / D)):
        step = math.ceil(k * Fraction(D))
        for s in (step - 1, step):
            if INT64[0] <= s <= INT64[1]:
                stair = math.floor(s / Fraction(D))
                assert ulps(schedule(s), exactly(1 / (1 + Fraction(stair) / 1024))) <= 1.04, (s, k)


# ---- The class ----


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((0.1, 0, 0.5), ValueError, "Argument `decay_steps` must be > 0. Received: decay_steps=0"),
        ((0.1, -5, 0.5), ValueError, "Argument `decay_steps` must be > 0. Received: decay_steps=-5"),
        ((0.1, "5", 0.5), TypeError, "Argument `decay_steps` must be a number. Received: decay_steps='5' (str)"),
        ((0.1, 2**63, 0.5), ValueError, "Argument `decay_steps` must be < 2**63. Received: decay_steps=" + str(2**63)),
        ((math.nan, 5, 0.5), ValueError, "Argument `initial_learning_rate` must be finite. Received: initial_learn"),
        ((1e302, 5, 0.5), ValueError, "Argument `initial_learning_rate` must be at most 2**1000 (1e301) in size."),
        ((0.1, 5, math.inf), ValueError, "Argument `decay_rate` must be finite. Received: decay_rate=inf"),
        ((0.1, 5, None), TypeError, "Argument `decay_rate` must be a number. Received: decay_rate=None (NoneType)"),
        (
            (0.1, 5, 0.5, "yes"),
            TypeError,
            "Argument `staircase` must be True or False. Received: staircase='yes' (str)",
        ),
        ((0.1, 5, 0.5, True, 7), TypeError, "Argument `name` must be a string. Received: name=7"),
        ((np.float16(0.1), 5, 0.5), TypeError, "Argument `initial_learning_rate` must be a Python number or a NumPy"),
    ],
)
def test_errors(cf, arguments, error, text):
    kind, message = outcome(lambda: cf.InverseTimeDecay(*arguments))
    assert kind is error
    assert message.startswith(text)


@pytest.mark.parametrize("arguments", [(0.1, 1000, 0.5), (np.float32(0.1), 0.5, -3, True, "a name")], ids=str)
def test_config(cf, importable, arguments):
    """Configs and pickles give an equal schedule."""
    schedule = cf.InverseTimeDecay(*arguments)
    assert schedule.dtype == (np.float32 if isinstance(arguments[0], np.float32) else np.float64)
    steps = np.arange(-10, 5000)
    for same in (pickle.loads(pickle.dumps(schedule)), cf.InverseTimeDecay.from_config(schedule.get_config())):
        assert same == schedule
        assert hash(same) == hash(schedule)
        assert_same(same(steps), schedule(steps))
        assert repr(same) == repr(schedule)
    assert list(schedule.get_config()) == ["initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name"]
