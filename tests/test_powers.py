"""ExponentialDecay and PolynomialDecay: accuracy, the exact points, and one step, one rate on every path."""

from __future__ import annotations

import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import oracle
from bits import INT64, assert_same, within
from mpmath import mp, mpf

BOUND = 1.0  # ULP; 2 is what is asked for


def exponential(L0, D, rate, staircase=False):
    return "ExponentialDecay", (L0, D, rate, staircase)


def polynomial(L0, D, end=0.0001, power=1.0, cycle=False):
    return "PolynomialDecay", (L0, D, end, power, cycle)


ORACLES = {"ExponentialDecay": oracle.exponential, "PolynomialDecay": oracle.polynomial}

LENGTHS = (1, 3, 1000, 2**31 - 1, 2**50, 2**50 + 1, 2**53 + 1, 2**63 - 1, 0.7, 1000.1, 2**40 + 1 / 3, 2.0**-64, 1e-9)
HARD = [
    *[exponential(0.1, D, 0.96, stairs) for D in LENGTHS for stairs in (False, True)],
    *[exponential(L0, 1009, 0.5) for L0 in (0.0, -0.1, 5e-324, 1e-310, 1e-300, 1e300, 2.0**1000)],
    *[
        exponential(0.3, 97, rate, stairs)
        for rate in (0.0, 1.0, 5e-324, 1e-310, 1e-3, 1 - 2**-53, 1 + 2**-52, 3.0, 1.7976931348623157e308)
        for stairs in (False, True)
    ],
    *[exponential(0.3, D, rate, True) for D in (7, 2.5, 2**53 + 1) for rate in (-1.0, -0.9, -1.1, -1e-300)],
    *[polynomial(0.1, D, 1e-4, power, cycle) for D in LENGTHS for power in (1.0, 2.5) for cycle in (False, True)],
    *[
        polynomial(0.1, 1009, end, power, cycle)
        for end in (0.0, 0.3)
        for power in (0.0, 2.0**-64, 0.5, 1.0, 2, 100.0, 2.0**64, -0.5, -3.0)
        for cycle in (False, True)
    ],
    *[
        polynomial(L0, 1009, end, power)
        for L0, end in ((0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (-1.0, 2.0), (1.0, -2.0), (1e300, 1e-300), (1e-300, 1e300))
        for power in (1.0, 0.9)
    ],
    *[polynomial(L0, 1000.1, end, 2.0) for L0, end in ((5e-324, 0.0), (1e-310, 3e-310), (1e-320, 1.0), (1.0, 1e-320))],
]
NAMES = [f"{name}{parameters}" for name, parameters in HARD]


def drawn(draw):
    """Parameters drawn at random, of either class."""
    L0 = draw.choice([1.0, draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-300, 300)])
    D = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**31), draw.randint(1, INT64[1])])
    if draw.random() < 0.3:
        D = draw.choice([draw.uniform(0.5, 1e5), 10 ** draw.uniform(-12, 15)])
    if draw.random() < 0.5:
        rate = draw.choice([0.96, draw.random(), 1 - 10 ** draw.uniform(-16, 0), 1 + 10 ** draw.uniform(-15, 1)])
        rate = draw.choice([rate, rate, 10 ** draw.uniform(-300, 300)])
        stairs = draw.random() < 0.5
        return exponential(L0, D, -rate if stairs and draw.random() < 0.2 else rate, stairs)
    L0 = draw.choice([L0] * 9 + [0.0])
    end = draw.choice([0.0, 1e-4, L0 * draw.random(), L0 * draw.uniform(0, 3), L0 * 1e-12, 10 ** draw.uniform(-8, 2)])
    power = draw.choice(
        [1.0, 2.0, 0.5, 0.9, 3.0, draw.uniform(0, 5), draw.uniform(0, 100), 10 ** draw.uniform(-19, 19)]
    )
    return polynomial(L0, D, end, power, draw.random() < 0.4)


def steps_of(draw, D, count):
    """Whole and fractional steps, near 0, near multiples of D and anywhere; up to 2**98 times D."""
    exact = Fraction(D)
    for _ in range(count):
        step = draw.choice(
            [
                draw.randint(0, int(2 * D) + 1),
                draw.randint(0, 1000),
                int(D) - draw.randint(-3, 1000),
                -draw.randint(0, int(3 * D) + 1),
                draw.randint(*INT64),
                math.ceil(exact * draw.randint(0, 100)) + draw.randint(-2, 2),
                math.ceil(exact * int(2**63 / exact * Fraction(draw.random()))) + draw.randint(-1, 1),
                D * draw.random() * draw.choice([1, 3, 50, -1]),
                10 ** draw.uniform(-60, 10),
            ]
        )
        if abs(step) <= 2**98 * exact:
            yield step if isinstance(step, float) else within(step)


def error(name, parameters, step, value):
    """In ULP; of the larger end where a polynomial decay crosses zero. The exact value may overflow."""
    exact = ORACLES[name](step, *parameters)
    if mp.isinf(exact) or abs(exact) >= mpf(2) ** 1024 * (1 - mpf(2) ** -54):
        return 0.0 if math.isinf(value) and (value > 0) == (exact > 0) else math.inf
    L0, _, end, power = parameters[:4]
    crosses = name == "PolynomialDecay" and (L0 * end < 0 or (abs(L0) < abs(end) and (step < 0) != (power < 0)))
    return oracle.ulps(value, exact, oracle.largest(L0, end) if crosses else 0.0)


def test_random_steps(best):
    """100,000 values of 10,000 schedules are within the bound."""
    draw, worst, count = random.Random(2026), {}, 0
    for _ in range(10_000):
        name, parameters = drawn(draw)
        schedule = getattr(best, name)(*parameters)
        for step in steps_of(draw, parameters[1], 11):
            found = error(name, parameters, step, schedule(step))
            worst[name] = max(worst.get(name, (0.0,)), (found, parameters, step), key=lambda case: case[0])
            count += 1
    assert count > 100_000
    assert {name: case for name, case in worst.items() if case[0] > BOUND} == {}


@pytest.mark.parametrize(("name", "parameters"), HARD, ids=NAMES)
def test_hard_parameters(best, name, parameters):
    """Extreme lengths, rates and powers are within the bound."""
    draw = random.Random(1)
    schedule = getattr(best, name)(*parameters)
    for step in steps_of(draw, parameters[1], 60):
        if name == "PolynomialDecay" and parameters[3] < 0:
            D = Fraction(parameters[1])
            if Fraction(step) % D == 0 if parameters[4] and step > 0 else step >= D:
                continue  # infinite; see test_powers_that_are_not_positive
        if abs(step) * abs(math.log2(abs(parameters[2]) or 1.0)) / parameters[1] > 1e20 and name == "ExponentialDecay":
            continue  # mpmath has no such exponents
        assert error(name, parameters, step, schedule(step)) <= BOUND, step


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 2.0**64])
@pytest.mark.parametrize("cycle", [False, True])
@pytest.mark.parametrize("L0", [0.0, 1e-5])
def test_steps_as_small_as_can_be(cf, L0, power, cycle):
    """A curve that rises from zero has its relative accuracy at any distance from step 0."""
    for D in (1000, 0.7, 2**60 + 1):
        schedule = cf.PolynomialDecay(L0, D, 1.0, power, cycle)
        for step in (5e-324, 3e-310, 1e-250, 2.0**-700, 2.0**-701, 1e-100, -1e-200, -3e-300):
            exact = oracle.polynomial(step, L0, D, 1.0, power, cycle)
            assert oracle.ulps(schedule(step), exact) <= BOUND, (D, step)


# ---- Exact points ----


@pytest.mark.parametrize(("name", "parameters"), HARD, ids=NAMES)
def test_exact_points(cf, name, parameters):
    """Step 0 has the initial rate, the end and every cycle's end the end rate."""
    schedule, L0, D = getattr(cf, name)(*parameters), parameters[0], Fraction(parameters[1])
    assert schedule(0) == schedule(0.0) == schedule(-0.0) == L0
    assert math.isnan(schedule(math.nan))
    if name == "PolynomialDecay" and parameters[3] > 0:
        end, cycle = parameters[2], parameters[4]
        assert schedule(math.inf) == end
        ends = [D * m for m in (1, 2, 3, 10, 2**20, 2**40 + 1, int(2**63 / D) - 1)]
        for step in (e for e in ends if e.denominator == 1 and 0 < e <= INT64[1]):
            assert schedule(int(step)) == end, step
        if not cycle:
            assert all(schedule(step) == end for step in (INT64[1], 1e300, 1.7976931348623157e308) if step >= D)


@pytest.mark.parametrize("rate", [0.7, -0.7, 1.5])
@pytest.mark.parametrize("D", [1, 3, 1000, 4687.5, 0.1, 2**40, 2**53 + 1, 2**60 + 7, 2.0**-30])
def test_stairs_begin_at_multiples(cf, D, rate):
    """A step at a multiple of decay_steps is on the next stair, the step before it is not."""
    schedule = cf.ExponentialDecay(1.0, D, rate, staircase=True)
    stairs = cf.ExponentialDecay(1.0, 1, rate, staircase=True)
    for count in (*range(-20, 21), 100, 101, 1000, -1001):
        at = Fraction(D) * count
        for step in (math.ceil(at) - 1, math.ceil(at), math.ceil(at) + 1):
            if INT64[0] <= step <= INT64[1]:
                want = math.floor(Fraction(step) / Fraction(D))
                assert schedule(step) == stairs(want) if abs(want) < 2**63 else True, (count, step)
    floats = [float(D * count) for count in range(-8, 9)] if D < 2**40 else []
    for step in (x for f in floats for x in (np.nextafter(f, -np.inf), f, np.nextafter(f, np.inf))):
        assert schedule(float(step)) == stairs(math.floor(Fraction(float(step)) / Fraction(D))), step


def test_stairs_are_whole_to_the_ends_of_int64(cf):
    """The sign of an alternating staircase tells an even stair from an odd one, however many there are."""
    draw = random.Random(3)
    for _ in range(400):
        D = draw.choice([1, 2, 3, draw.randint(1, 10**6), draw.randint(1, INT64[1]), draw.uniform(1e-9, 1e9), 2.0**-64])
        schedule = cf.ExponentialDecay(1.0, D, -1.0, staircase=True)
        for step in (*INT64, INT64[0] + 1, draw.randint(*INT64), 2**53 + 1, -(2**53) - 1, 2**52 + 1, 2**50 + 1):
            stair = math.floor(Fraction(step) / Fraction(D))
            if abs(stair) < 2**98:
                assert schedule(step) == (-1.0 if stair % 2 else 1.0), (D, step)


@pytest.mark.parametrize("D", [1, 7, 1000, 2.5, 0.1, 1000 / 3, 2**40 + 1, 2**60 + 7])
def test_cycles(best, D):
    """Each cycle ends at a multiple of decay_steps, and the step past it has leapt up."""
    schedule = best.PolynomialDecay(1.0, D, 0.25, 2.0, cycle=True)
    for m in (1, 2, 3, 7, 1000, int(2**62 / D)):
        end = Fraction(D) * m
        for step in (math.ceil(end) - 1, math.ceil(end), math.floor(end) + 1):
            if 0 <= step <= INT64[1]:
                exact = oracle.polynomial(step, 1.0, D, 0.25, 2.0, True)
                assert oracle.ulps(schedule(step), exact) <= BOUND, (m, step)


def test_rate_0(cf):
    """As 0 ** p."""
    for L0 in (0.3, -0.3, 0.0):
        schedule = cf.ExponentialDecay(L0, 10, 0.0)
        stairs = cf.ExponentialDecay(L0, 10, 0.0, staircase=True)
        for step in (5e-324, 1, INT64[1], 1e308, math.inf):
            assert schedule(step) == 0.0
            assert schedule(-step if step != INT64[1] else INT64[0]) == (L0 * math.inf if L0 else 0.0)
        assert [stairs(step) for step in (0, 9, 9.99, 10, 1e300, math.inf)] == [L0, L0, L0, 0.0, 0.0, 0.0]
        assert stairs(-1e-300) == stairs(-1) == (L0 * math.inf if L0 else 0.0)


def test_limits(cf):
    """Infinite steps give the limit, NaN where there is none."""
    inf, nan = math.inf, math.nan
    for rate, ends in ((0.5, (0.0, inf)), (2.0, (inf, 0.0)), (1.0, (3.0, 3.0)), (1 - 2**-53, (0.0, inf))):
        for stairs in (False, True):
            schedule = cf.ExponentialDecay(3.0, 2**63 - 1, rate, stairs)
            assert (schedule(inf), schedule(-inf)) == ends
    for rate, ends in ((-0.5, (0.0, nan)), (-2.0, (nan, 0.0)), (-1.0, (nan, nan))):
        schedule = cf.ExponentialDecay(3.0, 10, rate, True)
        np.testing.assert_equal((schedule(inf), schedule(-inf)), ends)
    for cycle in (False, True):
        for power, ends in ((0.5, (1.0, inf)), (2.0**-64, (1.0, inf)), (0.0, (3.0, 3.0)), (1.0, (1.0, inf))):
            schedule = cf.PolynomialDecay(3.0, 10, 1.0, power, cycle)
            assert (schedule(inf), schedule(-inf)) == ends
            assert cf.PolynomialDecay(1.0, 10, 1.0, power, cycle)(-inf) == 1.0
        assert cf.PolynomialDecay(1.0, 10, 3.0, 2.0, cycle)(-inf) == -inf
        assert cf.PolynomialDecay(3.0, 10, 1.0, -0.5, cycle)(-inf) == 1.0


def test_powers_that_are_not_positive(cf):
    """As b ** power: 0 ** 0 is 1, and 0 to a negative power infinite."""
    for cycle in (False, True):
        schedule = cf.PolynomialDecay(0.5, 10, 0.1, 0.0, cycle)
        assert all(schedule(step) == 0.5 for step in (0, 5, 10, 20, *INT64))
        for L0, end in ((0.5, 0.1), (0.1, 0.5)):
            schedule = cf.PolynomialDecay(L0, 10, end, -1.0, cycle)
            assert schedule(10) == schedule(20) == math.copysign(math.inf, L0 - end)
            assert schedule(5) == pytest.approx((L0 - end) * 2 + end, rel=1e-15)
        assert cf.PolynomialDecay(0.5, 10, 0.5, -1.0, cycle)(10) == 0.5


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        exponential(0.1, 100_000, 0.96),
        exponential(0.1, 1000.1, 0.1),
        exponential(1e-3, 2**40, 0.999),
        exponential(1.0, 10**6, 1.5),
        exponential(0.1, 7, 1 - 2**-50, True),
        polynomial(0.1, 10**6, 1e-4, 0.5),
        polynomial(0.1, 10**6, 1e-4, 2.0),
        polynomial(0.1, 2**40, 0.0999999, 3.0),
        polynomial(0.0, 1000.1, 0.1, 0.9),
        polynomial(0.1, 10**6, 1e-4, 1.0),
    ],
)
def test_never_turns_back(best, name, parameters):
    """Over whole steps a decay never rises, and a growth never falls."""
    schedule, D = getattr(best, name)(*parameters), int(parameters[1])
    rising = schedule(D) > schedule(0)
    for start in (0, D // 3, D // 2, D - 5000, 5 * D):
        rates = schedule.precompute(start, start + 10_000)
        assert (np.diff(rates if rising else -rates) >= 0).all(), start
    rates = schedule(np.linspace(0, 2 * D, 100_000).astype(np.int64))
    assert (np.diff(rates if rising else -rates) >= 0).all()


# ---- One step, one rate ----


def whole_steps(parameters):
    draw, D = random.Random(5), parameters[1]
    joints = (0, D, 2 * D, 1000 * D, -D, 2**50, -(2**50), 2**53, *INT64)
    steps = [int(joint) + offset for joint in joints for offset in (-513, *range(-4, 5), 513)]
    steps += [draw.randint(*INT64) for _ in range(60)] + [draw.randint(0, int(2 * D) + 1000) for _ in range(300)]
    steps += [draw.choice([-1, 1]) * int(2 ** draw.uniform(0, 63)) for _ in range(60)]
    draw.shuffle(steps)
    return np.array([within(step) for step in steps], np.int64)


def fractional_steps(parameters):
    draw, D = random.Random(6), parameters[1]
    ends = [float(D * count) for count in (-1, 0, 1, 2, 3, 1000)]
    steps = [np.nextafter(end, toward) for end in ends for toward in (-np.inf, np.inf)] + ends
    steps += [D * draw.random() * draw.choice([1, 2, -1, 1e-3]) for _ in range(100)]
    steps += [draw.choice([-1, 1]) * 10 ** draw.uniform(-323, 308) for _ in range(200)]
    steps += [0.0, -0.0, np.nan, np.inf, -np.inf, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -5e-324]
    return np.array(steps)


@pytest.mark.parametrize(("name", "parameters"), HARD, ids=NAMES)
def test_one_step_has_one_rate(compiled, python, isa, name, parameters):
    """A number, an array in any order, a range, floats, another instruction set and pure Python have the same bits."""
    schedule, reference = getattr(compiled, name)(*parameters), getattr(python, name)(*parameters)
    for steps in (whole_steps(parameters), fractional_steps(parameters)):
        want = np.array([schedule(step) for step in steps.tolist()])
        assert_same(schedule(steps), want, "an array")
        assert_same(reference(steps), want, "pure Python")
        assert_same(schedule(steps[1::3]), want[1::3], "strided")
        order = np.argsort(steps, kind="stable")
        assert_same(schedule(steps[order]), want[order], "sorted")
        with np.errstate(over="ignore", under="ignore"):
            assert_same(schedule(steps, dtype=np.float32), want.astype(np.float32), "float32")
        if steps.dtype == np.int64:
            small = np.abs(steps) <= 2**50
            assert_same(schedule(steps[small]), want[small], "as they lie")
            assert_same(schedule(steps[small].astype(float)), want[small], "floats")
            assert_same(schedule.precompute(-700, 1500, 3), schedule(np.arange(-700, 1500, 3)), "a range")
            assert_same(reference.precompute(-700, 1500, 3), schedule.precompute(-700, 1500, 3), "a range, pure Python")


@pytest.mark.parametrize(("name", "parameters"), HARD[::7], ids=NAMES[::7])
def test_threads(compiled, name, parameters):
    """The number of threads changes no bit."""
    schedule = getattr(compiled, name)(*parameters)
    steps = np.arange(-1000, 100_000)
    want = np.concatenate([schedule(part) for part in np.array_split(steps, 1000)])
    for threads in (1, 2, 3):
        assert_same(schedule(steps, num_threads=threads), want)
        assert_same(schedule.precompute(-1000, 100_000, num_threads=threads), want)


# ---- The classes ----


@pytest.mark.parametrize(
    ("name", "parameters"), [exponential(0.1, 1000, 0.96, True), polynomial(0.1, 1000, 0.0, 2.0, True)]
)
def test_configs(cf, importable, name, parameters):
    """Keras's keys, equality, hashing and pickling."""
    cls = getattr(cf, name)
    schedule = cls(*parameters)
    config = schedule.get_config()
    assert list(config.values()) == [*parameters, name]
    assert all(getattr(schedule, key) == value for key, value in config.items())
    for copy in (cls.from_config(config), pickle.loads(pickle.dumps(schedule))):
        assert copy == schedule
        assert hash(copy) == hash(schedule)
        assert copy(777) == schedule(777)
    for key, other in {k: v for k, v in config.items() if k != "name"}.items():
        changed = cls(**{**config, key: not other if isinstance(other, bool) else other * 2 + 1})
        assert changed != schedule, key
    assert cls(np.float32(0.1), *parameters[1:])(3).dtype == np.float32
    with pytest.raises(AttributeError, match="immutable"):
        schedule.__init__(*parameters)


@pytest.mark.parametrize(
    ("name", "changes", "exception", "message"),
    [
        ("ExponentialDecay", {"decay_steps": 0}, ValueError, "`decay_steps` must be > 0. Received: decay_steps=0"),
        ("PolynomialDecay", {"decay_steps": -3}, ValueError, "`decay_steps` must be > 0. Received: decay_steps=-3"),
        ("ExponentialDecay", {"decay_rate": math.nan}, ValueError, "`decay_rate` must be finite"),
        ("ExponentialDecay", {"decay_rate": "0.9"}, TypeError, "`decay_rate` must be a number"),
        ("ExponentialDecay", {"decay_rate": -0.5}, ValueError, "`decay_rate` must be >= 0 without `staircase`"),
        ("ExponentialDecay", {"initial_learning_rate": 1e302}, ValueError, "at most 2"),
        ("ExponentialDecay", {"initial_learning_rate": math.inf}, ValueError, "must be finite"),
        ("ExponentialDecay", {"staircase": 1}, TypeError, "`staircase` must be True or False"),
        ("ExponentialDecay", {"name": 5}, TypeError, "`name` must be a string"),
        ("PolynomialDecay", {"power": math.inf}, ValueError, "`power` must be finite"),
        ("PolynomialDecay", {"power": 1e20}, ValueError, "`power` must be 0, or from"),
        ("PolynomialDecay", {"power": -1e-20}, ValueError, "`power` must be 0, or from"),
        ("PolynomialDecay", {"cycle": "no"}, TypeError, "`cycle` must be True or False"),
        ("PolynomialDecay", {"end_learning_rate": None}, TypeError, "`end_learning_rate` must be a number"),
        ("PolynomialDecay", {"end_learning_rate": 1e301, "initial_learning_rate": -1e301}, ValueError, "difference"),
    ],
)  # fmt: skip
def test_errors(cf, name, changes, exception, message):
    """Keras's words, and the same style where it has none."""
    cls = getattr(cf, name)
    config = cls(*((0.1, 1000, 0.96) if name == "ExponentialDecay" else (0.1, 1000))).get_config()
    with pytest.raises(exception, match=message):
        cls(**{**config, **changes})
