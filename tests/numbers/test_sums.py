"""Sums of the rates of every schedule, and their inverses: against mpmath, and against a look at each step.

What only CosineDecay has is in test_cosine_sums.py.
"""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from bits import INT64, assert_same
from draws import whole_steps
from family import (
    FAMILY,
    NAMES,
    cosine_decay,
    cosine_decay_restarts,
    drawn,
    exponential_decay,
    inverse_square_root_decay,
    inverse_time_decay,
    joined,
    logarithmic_warmup,
    made,
    piecewise_constant_decay,
    polynomial_decay,
    title,
    warmup_stable_decay,
)  # fmt: skip

mpmath = pytest.importorskip("mpmath", reason="sums are held against it")
import oracle  # noqa: E402

WARMUP = ("CosineDecay", cosine_decay(0.0, 300, 0.1, 0.05, 40))
CYCLES = ("PolynomialDecay", polynomial_decay(0.1, 9, 0.0, 2.0, True))
# Short ones, for which all steps can be looked at, of every kind: rates that rise, fall, jump and change their sign.
SHORT = [
    (name, make(*values))
    for name, make, parameters in [
        ("PolynomialDecay", polynomial_decay, [
            (0.1, 700, 0.01, 1.0, False), (0.1, 700, 0.01, 0.5, False), (0.1, 700, 0.01, 3.0, False),
            (0.1, 700, -0.1, 2.0, False), (-0.1, 700, 0.3, 1.0, False), (0.1, 700, 0.2, 1.0, False),
            (0.1, 100, 0.01, 1.0, True), (0.1, 70.3, 0.01, 2.0, True), (0.1, 100, -0.05, 1.0, True),
        ]),
        ("ExponentialDecay", exponential_decay, [
            (0.1, 100, 0.5, False), (0.1, 100, 0.5, True), (0.1, 7.5, 0.9, True), (0.1, 100, 1.0, True),
            (0.1, 100, 0.0, False), (0.1, 100, -0.8, True), (-0.1, 100, 0.9, False), (1e-3, 300, 1.7, True),
        ]),
        ("InverseTimeDecay", inverse_time_decay, [
            (0.1, 100, 0.5, False), (0.1, 100, 0.5, True), (0.1, 100, -0.31, False), (-0.1, 100, -0.5, True),
            (0.1, 100, -0.5, False),
        ]),
        ("InverseSquareRootDecay", inverse_square_root_decay, [(0.1, 50, -20)]),
        ("LogarithmicWarmup", logarithmic_warmup, [(0.1, 300, 0.01), (0.02, 300.5, 0.1), (-0.1, 300, 0.1)]),
        ("PiecewiseConstantDecay", piecewise_constant_decay, [([-3, 10, 20.5, 400], [0.3, 0.1, -0.2, 0.05, 0.01])]),
        ("CosineDecayRestarts", cosine_decay_restarts, [
            (0.1, 100, 2.0, 1.0, 0.0), (0.1, 100, 1.0, 1.0, 0.1), (0.1, 100, 1.0, 0.8, -0.1),
            (0.1, 50.5, 1.0, 1.0, 0.1), (0.1, 100, 1.5, 0.9, -0.2), (0.1, 300, 0.5, 1.0, 0.1), (0.1, 60, 1.1, 1.2, 0.0),
        ]),
        ("WarmupStableDecay", warmup_stable_decay, [
            (0.1, W, 200, 400, decay, 0.02, 0.01)
            for W in (0, 1, 100) for decay in ("linear", "1-sqrt", "exponential", "1-square")
        ]),
    ]
    for values in parameters
] + [
    ("ConstantSchedule", {"learning_rate": 0.1}),
    ("OneCycle", {"peak_learning_rate": 0.1, "total_steps": 500, "dialect": "torch"}),
    *[("CosineAnnealing", {"initial_learning_rate": 0.1, "decay_steps": D}) for D in (60, 70.5)],
    ("JoinedSchedule", joined(WARMUP, WARMUP, CYCLES, ends=(350, 700))),
]  # fmt: skip
LONG = [
    ("CosineDecay", cosine_decay(0.0, 10**7, 0.1, 1e-3, 10**5)),
    ("PolynomialDecay", polynomial_decay(1.0, 10**7, 0.1, 3.0, False)),
    ("ExponentialDecay", exponential_decay(0.1, 1000, 0.99, True)),
    ("ExponentialDecay", exponential_decay(0.1, 1e9, 1 - 2**-53, False)),
    ("ExponentialDecay", exponential_decay(0.1, 10**5, 1.3, False)),
    ("CosineDecayRestarts", cosine_decay_restarts(0.1, 1000, 2.0, 0.9, 0.1)),
    ("CosineDecayRestarts", cosine_decay_restarts(0.1, 1000, 1.0, 1.0, 0.0)),
    ("CosineDecayRestarts", cosine_decay_restarts(0.1, 30_000, 1.0, 0.9, 0.1)),
    ("CosineDecayRestarts", cosine_decay_restarts(0.1, 20_000.3, 1.5, 0.9, 0.1)),
    ("CosineAnnealing", {"initial_learning_rate": 0.1, "decay_steps": 777, "end_learning_rate": 0.01}),
    ("WarmupStableDecay", warmup_stable_decay(0.1, 1000, 2**20, 2**19, "linear", 0.0, 0.01)),
]


def called(value):
    return value if isinstance(value, str) else title(value)


def some_ranges(draw, name, p, count):
    """Of at most 25 steps, about the joints and anywhere."""
    steps = whole_steps(name, p, draw.randrange(10**9), 5)
    for _ in range(count):
        start, n = int(draw.choice(steps)), draw.randint(0, 25)
        stride = draw.choice(
            [
                1,
                1,
                -1,
                2,
                -7,
                draw.choice([-1, 1]) * int(2 ** draw.uniform(0, 60)),
                2 ** draw.randint(0, 40),
            ]
        )
        yield range(start, min(max(start + n * stride, INT64[0] - 1), INT64[1] + 1), stride)


def check_sum(schedule, name, p, steps, power):
    assert oracle.sum_error(schedule, name, steps, power, p) <= 1, (name, p, steps, power)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_sums(best, name, power, share):
    draw = random.Random(power)
    hard = FAMILY[name].hard
    with np.errstate(over="ignore", under="ignore"):
        for p in hard[:: 1 if share == 1 else 3] + [drawn(name, 500 + seed) for seed in range(int(400 * share))]:
            schedule = made(best, name, p)
            for steps in some_ranges(draw, name, p, 1 if len(hard) > 50 else 3):
                check_sum(schedule, name, p, steps, power)


def test_sums_of_the_schedules_own_rates(cf):
    """Without a closed form: of any size, in any number, correctly rounded; infinities and NaN where they belong."""
    schedule = cf.PolynomialDecay(1.0, 150_000, 0.0, 7.3)
    rates = schedule(range(150_000))
    assert schedule.sum(150_000) == schedule.sum(10**15) == math.fsum(rates)
    assert schedule.sum(149_999, -1, -1) == schedule.sum(150_000)
    assert schedule.sum_of_squares(10**15) == math.fsum(rates * rates)
    assert cf.ExponentialDecay(1.0, 3, -1e-9, staircase=True).sum(200) == pytest.approx(3 / (1 + 1e-9), rel=1e-15)
    poles = cf.InverseTimeDecay(0.1, 10, -0.5)
    assert poles.sum(21) == poles.sum_of_squares(100) == math.inf
    assert math.isnan(cf.InverseTimeDecay(0.0, 10, -0.5).sum(21))
    assert cf.CosineDecayRestarts(1.0, 10, 1.0, 2.0).sum(10**5) == math.inf
    assert cf.PolynomialDecay(0.1, 100, power=0.5).sum(0, 2**63) == pytest.approx(1e-4 * 2**63)


@pytest.mark.parametrize(("name", "p"), LONG, ids=called)
def test_long_sums(best, name, p):
    """Closed forms against a sum of all rates; a range is the sum of its parts, whatever their strides."""
    schedule = made(best, name, p)
    rates = schedule(range(1_000_000))
    for start, stop, step in (
        (0, 10**6, 1),
        (1234, 999_999, 1),
        (5, 10**6, 5),
        (0, 10**6, 1000),
        (0, 10**6, 3000),
        (7, 10**6, 333),
    ):
        some = rates[start:stop:step]
        assert schedule.sum(start, stop, step) == pytest.approx(math.fsum(some), rel=5e-16)
        assert schedule.sum_of_squares(start, stop, step) == pytest.approx(math.fsum(some * some), rel=1e-15)
    for total in (schedule.sum, schedule.sum_of_squares):
        far = 10**12 if name != "CosineDecayRestarts" or p["t_mul"] == 2 else 10**6
        whole = total(far)
        assert whole == pytest.approx(total(1000) + total(1000, far), rel=1e-15)
        assert whole == pytest.approx(math.fsum(total(start, far, 50) for start in range(50)), rel=1e-15)


@pytest.mark.parametrize(("name", "p"), SHORT, ids=called)
def test_cumulative(compiled, python, name, p):
    """The sums of all steps before each, with the same bits on both backends, whatever the call."""
    schedule, other = made(compiled, name, p), made(python, name, p)
    steps = np.array([5, 0, 900, -1, 5, -70, 1, 333, 7000])
    have = schedule.cumulative(steps)
    assert_same(have, other.cumulative(steps))
    assert_same(
        have, np.array([schedule.sum(step) if step >= 0 else -schedule.sum(step, 0) for step in steps.tolist()])
    )
    assert_same(have, np.array([schedule.cumulative(step) for step in steps.tolist()]))
    assert_same(
        schedule.cumulative(steps.reshape(3, 3).T, dtype=np.float32, num_threads=2), have.astype("f").reshape(3, 3).T
    )
    assert_same(schedule.cumulative(range(900, -71, -97)), schedule.cumulative(np.arange(900, -71, -97)))
    memory = steps.view(np.float64)
    assert schedule.cumulative(steps, out=memory) is memory
    assert_same(memory, have)


@pytest.mark.parametrize(("name", "p"), SHORT, ids=called)
def test_inverses(best, name, p):
    """The first step of all, by looking at each; with the same answer for one number and for an array."""
    draw = random.Random(3)
    schedule = made(best, name, p)
    rates, sums = schedule(range(1000)), schedule.cumulative(range(1000))
    for inverse, values, first, reaches in (
        (schedule.step_at, rates, schedule._warmup, np.less_equal), (schedule.step_at_sum, sums, 0, np.greater_equal),
    ):  # fmt: skip
        seen = values[np.isfinite(values)]
        wanted = [draw.choice(seen), draw.choice(seen), values[-1], seen.mean()]
        wanted += [math.nextafter(draw.choice(seen), toward) for toward in (-1, 1)]
        wanted = [x for x in wanted if reaches(values[first:], x).any()]
        want = [first + int(np.argmax(reaches(values[first:], x))) for x in wanted]
        assert inverse(np.array(wanted)).tolist() == want
        assert [inverse(x) for x in wanted[::4]] == want[::4]
        assert inverse([wanted[0], math.nan]).tolist() == [want[0], -1]
    assert schedule.step_at_sum(0.0) == 0


def test_what_is_never_reached(cf, monkeypatch):
    """None, or an error where nobody knows after many steps."""
    for schedule in (
        cf.ExponentialDecay(0.1, 10, 0.5), cf.PolynomialDecay(0.1, 10, 0.0, 0.5), cf.PolynomialDecay(0.1, 10, 0.0),
        cf.PiecewiseConstantDecay([5], [1.0, 0.0]), cf.WarmupStableDecay(0.1, 5, 10, 20, decay="1-sqrt"),
    ):  # fmt: skip
        assert schedule.step_at(-1.0) is schedule.step_at_sum(10.0**9) is schedule.step_at_sum(math.nan) is None
    assert cf.CosineDecayRestarts(0.1, 10).step_at(-1.0) is None
    assert cf.CosineDecayRestarts(0.1, 10, 1.0).step_at(0.0) is cf.InverseTimeDecay(0.1, 10, 0.5).step_at(0.0) is None
    monkeypatch.setitem(cf.CosineDecay.sum.__globals__, "_MOST_SEARCHED", 1 << 17)
    for schedule, call in (
        (cf.InverseTimeDecay(0.1, 10, 0.5), "step_at_sum"),
        (cf.CosineDecayRestarts(0.1, 10, 1.0, 0.999999), "step_at"),
        (cf.PolynomialDecay(0.1, 2**40, power=0.5), "step_at_sum"),
        (cf.ExponentialDecay(0.1, 10, -0.5, staircase=True), "step_at"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"not reached within 131072 steps.*{type(schedule).__name__}"):
            getattr(schedule, call)(1e9 if call == "step_at_sum" else -1.0)


def test_ctrl_c(process):
    """Ctrl-C ends a sum that goes through all steps."""
    assert process("""
import os, signal, threading, cosine_fast
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    cosine_fast.InverseTimeDecay(0.1, 10, 0.5).sum(10**15)
except KeyboardInterrupt:
    print("interrupted", cosine_fast.InverseTimeDecay(0.1, 10, 0.5).sum(1))
""").stdout == "interrupted 0.1\n"  # fmt: skip


def test_joined_offsets(cf):
    """A segment's sum is that of its schedule at other steps, backwards too, and beyond int64."""
    decay = cf.ExponentialDecay(0.1, 100, 0.5)
    schedule = cf.JoinedSchedule([decay, decay], [1000], [5, -(2**62)])
    assert schedule.sum(1000) == decay.sum(-5, 995)
    assert schedule.sum(1000, 2000) == decay.sum(1000 + 2**62, 2000 + 2**62)
    assert schedule.sum(2**63 - 5, 2**63) == 0.0
    wsd = cf.WarmupStableDecay(0.1, 0, 0, 1000, decay="1-square", end_learning_rate=0.02)
    assert wsd.sum(1000) == cf.PolynomialDecay(0.02, 1000, 0.1, 2.0).sum(1, 1001)
    assert cf.with_warmup(decay, 10).step_at(0.05) == 110


def test_sums_of_stairs(cf, monkeypatch):
    """One step of each stair is evaluated, and counted as often as the stair has steps."""
    schedule = cf.InverseTimeDecay(0.1, 10**12, 0.5, staircase=True)
    monkeypatch.setitem(cf.CosineDecay.sum.__globals__, "_MOST_SEARCHED", 1 << 17)
    assert schedule.step_at_sum(1e11) == 10**12
    stairs = cf.InverseTimeDecay(0.1, 1, 0.5)(range(-1, 11)).tolist()
    counts = [5, *[10**12] * 10, 7]
    for total, power in ((schedule.sum, 1), (schedule.sum_of_squares, 2)):
        want = sum(n * Fraction(rate**power) for n, rate in zip(counts, stairs, strict=True))
        assert total(-5, 10**13 + 7) == float(want)
        assert total(3, 10) == float(7 * Fraction(stairs[1] ** power))
    short = cf.InverseTimeDecay(0.1, 7, -0.5, staircase=True)
    for start, stop in ((-9, 13), (-7, 7), (1, 5), (6, 8), (30, 5000)):
        assert short.sum(start, stop) == math.fsum(short(range(start, stop)))


def test_sums_of_many_segments(cf, monkeypatch):
    """Only the segments that have some of the steps are summed."""
    summed = []
    own_parts = cf.PolynomialDecay._sum_parts
    monkeypatch.setattr(
        cf.PolynomialDecay, "_sum_parts", lambda self, *arguments: summed.append(self) or own_parts(self, *arguments)
    )
    schedule = cf.join_schedules([cf.PolynomialDecay(0.1, 50, 0.0)] * 1000, list(range(50, 50_000, 50)))
    monkeypatch.delattr(cf.JoinedSchedule._sum_parts.__globals__["_sums"], "walk")
    assert (schedule.sum(10), len(summed)) == (0.91, 1)
    assert (schedule.sum(0, 50_000, 10_000), len(summed)) == (0.5, 6)
    assert (schedule.cumulative(range(0, 50_001, 50))[-1], len(summed)) == (2550.0, 1006)


@pytest.mark.parametrize(
    ("name", "p", "ends"),
    [
        ("CosineAnnealing", {"initial_learning_rate": 0.3, "decay_steps": 5}, [2, 5]),  # 3 * 0.3: a tie
        ("CosineAnnealing", {"initial_learning_rate": 1.0, "decay_steps": 5, "end_learning_rate": -1.0}, [2, 3, 10]),
        ("WarmupStableDecay", warmup_stable_decay(0.001, 11, 14, 249, "cosine", 0.0, 0.0), [-7, 100, 537, 668]),
        ("CosineDecayRestarts", cosine_decay_restarts(0.3, 5, 2.0, 1.0, 0.0), [-7, 2, 5, 7, 15, 17]),
        ("CosineDecayRestarts", cosine_decay_restarts(0.3, 5, 1.0, 1.0, 0.0), [-7, 2, 5, 7, 10, 12]),
        ("ExponentialDecay", exponential_decay(0.1, 7, 0.5, False), [-7, 3, 7, 70]),
        (
            "JoinedSchedule",
            joined(("ConstantSchedule", {"learning_rate": 1.0}), WARMUP, CYCLES, ends=[-20, 90]),
            [-30, -9, 5, 99],
        ),
        (  # whose cosine begins before its own step 0
            "JoinedSchedule",
            joined(CYCLES, ("CosineDecay", cosine_decay(0.3, 5, 0.0, None, 0)), ends=[7], offsets=[0, 30]),
            [9, 12, 30, 32, 35, 99],
        ),
    ],
)
def test_cumulative_sums_are_sums(best, name, p, ends):
    """The other steps of an array change no bit, and no sum that is 0."""
    schedule = made(best, name, p)
    expected = [schedule.sum(end) if end > 0 else -schedule.sum(end, 0) for end in ends]
    assert schedule.cumulative(ends).tolist() == expected
    assert schedule.cumulative(range(-40, 100)).tolist()[40:] == [schedule.sum(end) for end in range(100)]
