"""InverseTimeDecay and PiecewiseConstantDecay: against exact values, and a step's bits the same from every path."""

from __future__ import annotations

import bisect
import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest
from bits import INT64, assert_same, within
from test_parity import FLOATS, INTEGERS, one_by_one, outcome

LARGEST_DOUBLE = 1.7976931348623157e308
FAR = [0.0, -0.0, np.nan, np.inf, -np.inf, LARGEST_DOUBLE, -LARGEST_DOUBLE, 5e-324, -5e-324, 1e-300, 1e300, -1e300]


# ---- InverseTimeDecay ----

# (initial_learning_rate, decay_steps, decay_rate, staircase)
HARD = [
    (L0, D, r, staircase)
    for L0, D, r in [
        (0.1, 1000, 0.5),
        (0.1, 1, 1.0),
        (1e-3, 999_983, 0.9),
        (0.3, 7, -0.01),
        (0.7, 3, 1e-9),
        (0.1, 0.1, 0.5),
        (0.1, 1000.1, 1 / 3),
        (0.1, 2.0**-64, 1e-12),
        (0.1, 1 / 3, 2.0**-50),
        (0.1, 2**51 + 1, 0.5),
        (0.2309209722158776, 380352236, 1.6731918348300996e-06),
        (0.1, 17172544998957.396, 0.5),
        (0.1, 2**53 + 1, 0.5),
        (0.1, 2**63 - 1, 1 / 3),
        (0.1, 2**60 + 12345, -7.3),
        (-0.1, 1000, 0.5),
        (0.0, 1000, 0.5),
        (0.1, 1000, 0.0),
        (2.0**1000, 10, 3.7),
        (2.0**1000, 10, 1e300),
        (1e300, 10, LARGEST_DOUBLE),
        (1e300, 2**62, 5e-324),
        (1e-300, 1000, 1e5),
        (5e-324, 1000, 0.5),
        (1e-310, 1000, 0.5),
        (0.1, 1000, 1e300),
        (0.1, 1000, -1e300),
        (0.1, 1000, 5e-324),
        (0.1, 1000, -(2.0**-62)),
        (0.1, 1000, -1.0000000000000002),
        (np.float32(0.1), 1000, 0.5),
    ]
    for staircase in (False, True)
]


def exact_rate(step, L0, D, r, staircase):
    """The rate as a fraction, a float where it is infinite."""
    p = Fraction(step) / Fraction(D)
    stairs = staircase and abs(p) < 2**100  # further out they are taken for a smooth curve
    below = 1 + Fraction(r) * (math.floor(p) if stairs else p)
    if below == 0:
        return float(L0) * math.inf
    return Fraction(float(L0)) / below


def ulps(rate, exact):
    """|rate - exact| in units in the last place of `exact`; 0 for the same infinity, or an overflow."""
    if isinstance(exact, float):
        return 0.0 if rate == exact or (math.isnan(rate) and math.isnan(exact)) else math.inf
    if exact == 0:
        return 0.0 if rate == 0 else math.inf
    if abs(exact) >= 2**1024 - 2**970:
        return 0.0 if rate == (math.inf if exact > 0 else -math.inf) else math.inf
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - 52, -1074)
    return float(abs(Fraction(rate) - exact) / unit)


def draw_inverse(draw):
    L0 = draw.choice([0.1, draw.random(), 10 ** draw.uniform(-8, 2), -draw.random(), 10 ** draw.uniform(-320, 301)])
    D = draw.choice(
        [1, 1000, draw.randint(1, 10**4), draw.randint(1, 2**31), draw.randint(1, INT64[1]), 2 ** draw.uniform(-64, 60)]
    )
    r = draw.choice([0.5, 1.0, draw.random(), 10 ** draw.uniform(-8, 3), -draw.random(), 10 ** draw.uniform(-320, 308)])
    return L0, D, r, draw.random() < 0.5


def hard_steps(draw, D, r, count):
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


@pytest.mark.parametrize("seed", range(8))
def test_inverse_time_decay_is_exact(best, seed):
    """The contract's 2 ULP, next to the pole too. 1e5 and more (parameters, step) in all."""
    draw = random.Random(seed)
    worst = (0.0,)
    hard = [(float(L0), D, r, staircase) for L0, D, r, staircase in HARD] if seed == 0 else []
    for parameters in hard + [draw_inverse(draw) for _ in range(450)]:
        schedule = best.InverseTimeDecay(*parameters)
        for step in hard_steps(draw, parameters[1], parameters[2], 32):
            exact = exact_rate(step, *parameters)
            error = ulps(schedule(step), exact)
            worst = max(worst, (error, step, parameters))
    assert worst[0] <= 2.0, worst


@pytest.mark.parametrize("staircase", [False, True])
def test_next_to_the_pole_with_all_digits_of_an_int64(best, staircase):
    """Steps of 63 digits, whose products with decay_rate cancel all but the last of these."""
    draw = random.Random(3)
    worst = (0.0,)
    for _ in range(3000):
        step = draw.choice([-1, 1]) * draw.randint(2**53, INT64[1])
        D = draw.choice([1, 3, draw.randint(1, 2**20), draw.randint(1, INT64[1]), draw.uniform(0.5, 1e6)])
        p = Fraction(step) / Fraction(D)
        p = math.floor(p) if staircase else p
        if p == 0:
            continue
        parameters = (0.1, D, float(-1 / Fraction(p)), staircase)
        schedule = best.InverseTimeDecay(*parameters)
        for near in range(-3, 4):
            error = ulps(schedule(within(step + near)), exact_rate(within(step + near), *parameters))
            worst = max(worst, (error, step + near, parameters))
    assert worst[0] <= 0.51, worst


def inverse_steps(D, r, seed=0):
    draw = random.Random(seed)
    steps = [step for step in hard_steps(draw, D, r, 900) if not isinstance(step, float)]
    steps += [within(joint + offset) for joint in (0, *INT64, 2**50, -(2**50), 2**53) for offset in range(-3, 4)]
    steps += [within(math.floor(k * Fraction(D)) + offset) for k in range(-3, 9) for offset in range(-2, 3)]
    draw.shuffle(steps)
    return np.array(steps, np.int64)


def check_paths(schedule, reference, steps, floats):
    """A number, an array in any order, a range, floats and the other backend give a step the same bits."""
    single = schedule.dtype == np.float32
    want = one_by_one(schedule, steps).astype(schedule.dtype)
    assert_same(schedule(steps), want, "an array")
    assert_same(reference(steps), want, "pure Python")
    order = np.argsort(steps, kind="stable")
    assert_same(schedule(steps[order]), want[order], "sorted")
    for offset in (1, 3, 7, 511, 513):
        assert_same(schedule(steps[offset:]), want[offset:], f"from {offset} on")
    with np.errstate(over="ignore"):
        rounded = want.astype(np.float32)
    assert_same(schedule(steps, dtype=np.float32), rounded, "float32")
    assert_same(schedule(np.repeat(steps, 2)[::2]), want, "strided")
    for i in range(0, len(steps), 41):
        assert_same(reference(int(steps[i])), want[i] if single else float(want[i]), "pure Python, a number")
        assert_same(schedule.precompute(int(steps[i]), int(steps[i]) + 1)[0], want[i], "a range of one")
    for first in (0, -700, int(steps.max()) - 1300, int(steps[0])):
        run = range(max(first, INT64[0]), min(max(first, INT64[0]) + 1300, INT64[1]))
        alone = one_by_one(schedule, np.array(run)).astype(schedule.dtype)
        assert_same(schedule.precompute(run.start, run.stop), alone, "a range")
        assert_same(schedule(np.array(run)), alone, "in a row")
        assert_same(reference.precompute(run.start, run.stop), alone, "a range, pure Python")
        assert_same(schedule(range(run.stop - 1, run.start, -7)), alone[:0:-1][::7], "backwards")
    for step in (0, int(steps[0])):
        alone = one_by_one(schedule, np.array([step])).astype(schedule.dtype)
        assert_same(schedule(np.full(700, step)), np.repeat(alone, 700), "one step over and over")
    whole = np.abs(steps) <= 2**53
    assert_same(schedule(steps[whole].astype(np.float64)), want[whole], "floats")
    assert_same(reference(steps[whole].astype(np.float64)), want[whole], "floats, pure Python")
    want = one_by_one(schedule, floats).astype(schedule.dtype)
    for chosen in (slice(None), np.abs(floats) <= 2**50, np.isnan(floats) | (np.abs(floats) <= 2**50)):
        assert_same(schedule(floats[chosen]), want[chosen], "fractions")
    assert_same(reference(floats), want, "fractions, pure Python")


@pytest.mark.parametrize("p", HARD, ids=lambda p: "-".join(map(str, p)))
def test_inverse_time_decay_paths(compiled, python, p):
    draw = random.Random(1)
    floats = [float(step) for step in hard_steps(draw, p[1], p[2], 700)]
    check_paths(
        compiled.InverseTimeDecay(*p),
        python.InverseTimeDecay(*p),
        inverse_steps(p[1], p[2]),
        np.array(floats + FAR + [k * float(p[1]) for k in range(-9, 9)]),
    )


@pytest.mark.parametrize("seed", range(4))
def test_inverse_time_decay_of_random_parameters(compiled, python, seed):
    """The fraction for decay_steps / decay_rate is found anew for each schedule: its limits are joints too."""
    draw = random.Random(seed)
    for _ in range(250):
        L0, D, r, staircase = draw_inverse(draw)
        if draw.random() < 0.7:
            D = draw.choice([draw.randint(1, 10**9), draw.uniform(0.5, 1e6), int(2 ** draw.uniform(1, 62))])
            r = draw.choice([-1, 1]) * draw.choice([draw.randint(1, 200) / 100, 10 ** draw.uniform(-18, 18)])
        schedule, reference = (
            compiled.InverseTimeDecay(L0, D, r, staircase),
            python.InverseTimeDecay(L0, D, r, staircase),
        )
        steps = list(hard_steps(draw, D, r, 150))
        steps += [within(int(draw.uniform(-2, 2) * D / abs(r))) for _ in range(20) if abs(D / r) < 2**63]
        whole = np.array([step for step in steps if not isinstance(step, float)], np.int64)
        fractions = np.array([step for step in steps if isinstance(step, float)])
        for chosen in (whole, np.sort(whole), fractions, np.arange(-20, 600)):
            want = reference(chosen)
            assert_same(schedule(chosen), want, (L0, D, r, staircase))
            assert_same(one_by_one(schedule, chosen[::9]), want[::9], (L0, D, r, staircase))


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


def test_inverse_time_decay_next_to_where_rounding_turns(compiled, isa):
    """L0 / (1 + step) has no error but the quotient's, which half of the steps get without a division."""
    draw = random.Random(0)
    for H, d in hard_quotients(draw, 2000):
        L0 = math.ldexp(H, draw.randint(-300, 200))
        steps = np.full(200, d - 1)
        assert_same(compiled.InverseTimeDecay(L0, 1, 1.0)(steps), np.full(200, L0 / d), (H, d))


@pytest.mark.parametrize("p", [(0.1, 1000, 0.3, False), (0.1, 7, 0.5, True), (0.1, 10**5, -0.01, False)])
@pytest.mark.parametrize("odd", [-5, 2**49 + 1, 2**51, 2**62 + 1, INT64[0]])
def test_one_odd_step_among_many(compiled, isa, p, odd):
    """Long runs of usual steps are gone through at once, and an odd one among them changes no other's rate."""
    schedule = compiled.InverseTimeDecay(*p)
    steps = np.arange(50_000) * 3 % 49_999
    want = np.concatenate([schedule(steps[i : i + 100]) for i in range(0, 50_000, 100)])  # a block at most
    assert_same(schedule(steps, num_threads=1), want, "none")
    for place in (0, 1, 511, 16_383, 16_384, 30_000, 49_999):
        mixed, wanted = steps.copy(), want.copy()
        mixed[place], wanted[place] = odd, schedule(odd)
        assert_same(schedule(mixed), wanted, f"at {place}")
        assert_same(schedule(mixed[1:], out=np.empty(49_999), num_threads=1), wanted[1:], f"at {place}, askew")
        assert_same(schedule(mixed.reshape(2, 25_000)[:, 3:]), wanted.reshape(2, 25_000)[:, 3:], f"at {place}, rows")
        assert_same(schedule(mixed, out=mixed.view(np.float64)), wanted, f"at {place}, in place")


@pytest.mark.parametrize("p", HARD, ids=lambda p: "-".join(map(str, p)))
def test_inverse_time_decay_instruction_sets(compiled, isa, p):
    schedule = compiled.InverseTimeDecay(*p)
    steps = inverse_steps(p[1], p[2], seed=5)
    assert_same(schedule(steps), one_by_one(schedule, steps).astype(schedule.dtype))
    small = steps[np.abs(steps) < 2**50]
    assert_same(schedule(small), one_by_one(schedule, small).astype(schedule.dtype))
    for floats in (steps * 0.999, small * 0.999, np.array(FAR)):
        assert_same(schedule(floats), one_by_one(schedule, floats).astype(schedule.dtype))
    assert_same(schedule.precompute(-600, 2000), one_by_one(schedule, np.arange(-600, 2000)).astype(schedule.dtype))


@pytest.mark.parametrize("D", [1, 7, 1000.5, 10**12])
@pytest.mark.parametrize("staircase", [False, True])
def test_a_step_unlike_all_others_of_its_block(compiled, isa, staircase, D):
    """The loop for usual steps sees it in the middle of its work; the block's rates are right all the same."""
    schedule = compiled.InverseTimeDecay(0.1, D, 0.5, staircase)
    usual = np.random.default_rng(0).integers(0, 20 * math.ceil(D), 1500)
    want = one_by_one(schedule, usual)
    for odd in (-1, int(-2 * D), int(-2 * D) - 1, 2**50, 2**50 + 1, 2**51 + 2**50 + 3, 2**62 + 1, *INT64):
        for place in (1, 63, 64, 700, 1498):
            steps = usual.copy()
            steps[place] = odd
            want_here = want.copy()
            want_here[place] = schedule(odd)
            assert_same(schedule(steps), want_here, (odd, place))
            singles = schedule(steps, dtype=np.float32)
            assert_same(singles, want_here.astype(np.float32), (odd, place))
            out = steps.view(np.float64)  # over the steps themselves
            assert_same(schedule(steps, out=out), want_here, (odd, place, "in place"))
    many = np.resize(usual, 5_000_000)  # past the caches
    many[4_000_000] = -1
    rates = schedule(many)
    assert rates[4_000_000] == schedule(-1)
    rates[4_000_000] = want[4_000_000 % 1500]
    assert_same(rates, np.resize(want, 5_000_000))


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


@pytest.mark.parametrize("D", [1, 3, 1000, 0.1, 1 / 3, 2**53 + 1, 2**62 + 1, 2**63 - 1, 2.0**-40 * 3])
def test_a_stair_begins_at_its_multiple(cf, D):
    """The first whole step at or past k * decay_steps is on the k-th stair, the one before is not."""
    schedule = cf.InverseTimeDecay(1.0, D, 2.0**-10, staircase=True)
    for k in (1, 2, 3, 7, 1000, 10**9 + 7, int(INT64[1] / D) - 1, int(-(2**62) / D)):
        step = math.ceil(k * Fraction(D))
        for s in (step - 1, step):
            if INT64[0] <= s <= INT64[1]:
                stair = math.floor(s / Fraction(D))
                assert ulps(schedule(s), 1 / (1 + Fraction(stair) / 1024)) <= 1.04, (s, k)


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
def test_inverse_time_decay_errors(cf, arguments, error, text):
    kind, message = outcome(lambda: cf.InverseTimeDecay(*arguments))
    assert kind is error
    assert message.startswith(text)


# ---- PiecewiseConstantDecay ----


def many(count, seed=0, kind=int):
    """Boundaries that rise, and as many values and one."""
    draw = random.Random(seed)
    least = -count if kind is int else -count / 3
    boundaries = sorted({kind(draw.uniform(least, 20 * count)) for _ in range(2 * count)})[:count]
    return boundaries, [draw.random() for _ in range(len(boundaries) + 1)]


PIECES = {
    "usual": ([100_000, 110_000], [1.0, 0.5, 0.1]),
    "constant": ([], [0.1]),
    "one": ([0], [1.0, 2.0]),
    "fractions": ([-1.5, 10, 10.25, 10.5, 1e300], [1, 2, 3, 4, 5, 6]),
    "int64's ends": ([*INT64], [1.0, 2.0, 3.0]),
    "near int64's ends": ([INT64[0] + 1, 2**62 + 1, INT64[1] - 1], [1.0, 2.0, 3.0, 4.0]),
    "beyond int64": ([-1e300, -(2.0**63), 0, 2.0**63, 1e300], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    "between doubles": ([2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3, 2**60 + 1], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    "doubles' ends": ([-LARGEST_DOUBLE, -5e-324, 0.0, 5e-324, LARGEST_DOUBLE], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
    "hard values": ([0, 1, 2, 3], [LARGEST_DOUBLE, -LARGEST_DOUBLE, 0.0, 5e-324, -0.1]),
    "float32": (np.array([3, 5]), np.array([0.1, 0.2, 0.3], np.float32)),
    **{f"every step, {n}": (range(n), [float(i) for i in range(n + 1)]) for n in (31, 32, 33, 34, 600)},
    "37": many(37),
    "1000": many(1000),
    "5000 fractions": many(5000, kind=float),
}


def exact_value(step, boundaries, values):
    return values[bisect.bisect_left(boundaries, Fraction(step))]


def piecewise_steps(boundaries, seed=0):
    draw = random.Random(seed)
    chosen = list(boundaries)
    chosen = [draw.choice(chosen) for _ in range(60)] + chosen[:40] if chosen else [0]
    steps = [math.floor(b) + offset for b in chosen if abs(b) < 1e19 for offset in (-1, 0, 1, 2)]
    steps += [draw.randint(*INT64) for _ in range(100)]
    steps += [draw.choice([-1, 1]) * int(2 ** draw.uniform(0, 63)) for _ in range(100)]
    steps += [draw.randint(-100, 40 + 2 * math.floor(min(max(chosen), 1e18))) for _ in range(900) if max(chosen) >= 0]
    steps += [within(joint + offset) for joint in (0, *INT64, 2**50, 2**53, -(2**53)) for offset in (-1, 0, 1)]
    draw.shuffle(steps)
    floats = [float(b) for b in chosen]
    floats = [math.nextafter(x, way) for x in floats for way in (-math.inf, x, math.inf)]
    floats += [draw.uniform(-2, 1.1) * max(abs(x) for x in chosen if abs(x) < 1e300) for _ in range(300)]
    return np.array([within(step) for step in steps], np.int64), np.array(floats + FAR)


@pytest.mark.parametrize("kind", PIECES)
def test_piecewise_constant_is_exact(cf, kind):
    """Every value is the one of its piece: step > boundary compared as the numbers that they are."""
    boundaries, values = PIECES[kind]
    schedule = cf.PiecewiseConstantDecay(boundaries, values)
    boundaries, values = [Fraction(b) for b in np.asarray(boundaries, object).tolist()], list(values)
    steps, floats = piecewise_steps(PIECES[kind][0])
    for some in (steps, floats[np.isfinite(floats)]):
        want = [float(exact_value(step, boundaries, values)) for step in some.tolist()]
        assert schedule(some).tolist() == want
        assert [float(schedule(step)) for step in some[::10].tolist()] == want[::10]
    assert (schedule(math.inf), schedule(-math.inf)) == (values[-1], values[0])
    assert np.isnan(schedule(math.nan))
    assert np.isnan(schedule(np.full(100, np.nan))).all()


@pytest.mark.parametrize("kind", PIECES)
def test_piecewise_constant_paths(compiled, python, kind):
    steps, floats = piecewise_steps(PIECES[kind][0], seed=1)
    check_paths(
        compiled.PiecewiseConstantDecay(*PIECES[kind]), python.PiecewiseConstantDecay(*PIECES[kind]), steps, floats
    )


@pytest.mark.parametrize("kind", PIECES)
def test_piecewise_constant_instruction_sets(compiled, isa, kind):
    schedule = compiled.PiecewiseConstantDecay(*PIECES[kind])
    steps, floats = piecewise_steps(PIECES[kind][0], seed=2)
    near = steps[np.abs(steps) < 2**50]
    for some in (steps, np.sort(near), near, floats, np.sort(floats), np.arange(-700, 7000)):
        assert_same(schedule(some), one_by_one(schedule, some).astype(schedule.dtype))


@pytest.mark.parametrize("seed", range(4))
def test_random_pieces(best, seed):
    """1e5 and more (parameters, step) in all."""
    draw = random.Random(seed)
    for _ in range(150):
        count = draw.choice([0, 1, 2, 3, 10, draw.randint(1, 100)])
        scale = 2 ** draw.uniform(1, 66)
        numbers = [draw.uniform(-1, 1) * scale for _ in range(count)]
        boundaries = sorted({draw.choice([x, within(int(x))]) for x in numbers})
        values = [draw.random() for _ in range(len(boundaries) + 1)]
        schedule = best.PiecewiseConstantDecay(boundaries, values)
        near = [draw.choice(boundaries or [0]) for _ in range(120)]
        steps = [within(math.floor(b) + draw.randint(-1, 1)) for b in near] + [
            within(int(draw.uniform(-1, 1) * scale)) for _ in range(60)
        ]
        floats = [math.nextafter(float(b), draw.choice([-math.inf, math.inf])) for b in near]
        for some in (np.array(steps, np.int64), np.array(floats)):
            assert schedule(some).tolist() == [exact_value(step, boundaries, values) for step in some.tolist()]


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_steps_of_every_dtype(cf, dtype):
    steps = np.arange(0, 100).astype(dtype)
    for schedule in (
        cf.PiecewiseConstantDecay([10, 20.5, 77], [1.0, 2.0, 3.0, 4.0]),
        cf.InverseTimeDecay(0.1, 7, 0.5),
        cf.InverseTimeDecay(0.1, 7, 0.5, staircase=True),
    ):
        assert_same(schedule(steps), one_by_one(schedule, np.arange(100)))


def test_a_large_result(compiled):
    """Past the caches, on several threads."""
    steps = np.arange(5_000_001)
    boundaries = [1000, 1_234_567, 1_234_600, 4_999_999]
    schedule = compiled.PiecewiseConstantDecay(boundaries, [1.0, 0.5, 0.25, 0.125, 0.0625])
    want = 0.5 ** np.searchsorted(boundaries, steps)
    assert_same(schedule(steps), want)
    assert_same(schedule.precompute(len(steps)), want)
    assert_same(schedule(steps.astype(np.float64)), want)
    for staircase in (False, True):
        schedule = compiled.InverseTimeDecay(0.1, 1000, 0.5, staircase)
        some = np.random.default_rng(0).integers(0, len(steps), 1000)
        want = one_by_one(schedule, some)
        assert_same(schedule(steps)[some], want)
        assert_same(schedule.precompute(len(steps))[some], want)


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
def test_piecewise_constant_errors(cf, arguments, error, text):
    kind, message = outcome(lambda: cf.PiecewiseConstantDecay(*arguments))
    assert kind is error
    assert message.startswith(text)


def test_piecewise_constant_takes_sequences(cf):
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
    assert cf.InverseTimeDecay(single, 10, 0.5).dtype == np.float32


def test_the_schedule_owns_its_numbers(cf):
    schedules = [cf.PiecewiseConstantDecay(*many(1000, seed)) for seed in range(50)]
    want = [schedule(np.arange(2000)) for schedule in schedules]
    for schedule, rates in zip(schedules, want, strict=True):
        assert_same(schedule(np.arange(2000)), rates)
    with pytest.raises(AttributeError, match="immutable"):
        schedules[0].__init__([1], [1.0, 2.0])
    assert_same(schedules[0](np.arange(2000)), want[0])


@pytest.mark.parametrize(
    "make",
    [
        lambda cf: cf.InverseTimeDecay(0.1, 1000, 0.5),
        lambda cf: cf.InverseTimeDecay(np.float32(0.1), 0.5, -3, True, "a name"),
        lambda cf: cf.PiecewiseConstantDecay([1, 2.5], [1.0, 2, 3.0], name="pieces"),
        lambda cf: cf.PiecewiseConstantDecay([], [np.float32(1.0)]),
    ],
)
def test_pickles_and_configs(cf, importable, make):
    schedule = make(cf)
    steps = np.arange(-10, 5000)
    for same in (pickle.loads(pickle.dumps(schedule)), type(schedule).from_config(schedule.get_config())):
        assert same == schedule
        assert hash(same) == hash(schedule)
        assert_same(same(steps), schedule(steps))
        assert repr(same) == repr(schedule)
    assert list(schedule.get_config()) == list(type(schedule).__init__.__annotations__)[:-1]
