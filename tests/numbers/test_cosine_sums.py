"""Sums of rates and their inverses: against mpmath, against a search, and one sum the same bits from every path."""

from __future__ import annotations

import importlib
import math
import random
import shutil
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from arguments import KINDS, each_kind, outcome
from bits import INT64, assert_same, within
from draws import bounds_of, draw_range, whole_steps
from family import COSINE_DECAY, cosine_decay, drawn, title
from samples import one_in

mpmath = pytest.importorskip("mpmath", reason="sums are held against it")
import oracle  # noqa: E402
from mpmath import mp, mpf  # noqa: E402

MORE = [
    *[cosine_decay(0.1, D) for D in (1, 2, 3, 7, 10**12, 2**31, 2**53 - 1, 2**53 + 1, 2**62, 2**63 - 1)],
    *[cosine_decay(peak, D, 0.1) for peak in (1e-300, 1e300) for D in (2, 10**6, 2**63 - 1)],
    *[
        cosine_decay(0.0, D, 0.0, 1.0, W)
        for D, W in ((0.3, 0.8), (1.0, 2.0**-60), (1.2, 0.9), (2.5, 7.1), (1e5 + 0.1, 0.7))
    ],
    *[cosine_decay(L0, 10**6, 0.0, 1.0, 10**6) for L0 in (0.0, 0.5, 2.0, 1e-300)],
    *[
        cosine_decay(0.0, D, 1e6, 1.0, W)
        for D, W in ((1.2, 0.9), (1.01, 0.995), (1000.5, 10 - 2.0**-30), (2, 3), (5, 1))
    ],
    cosine_decay(1.0, 10**6, 0.0, 0.0, 10**12 + 1),
]
SCHEDULES = COSINE_DECAY.hard + MORE + [drawn("CosineDecay", seed) for seed in range(20)]


def each_of(schedules):
    return pytest.mark.parametrize("p", one_in(3, [(p,) for p in schedules], list(map(title, schedules))))


def has_warmup(p):
    return p["warmup_target"] is not None and p["warmup_steps"] > 0


# ---- sum ----


@each_of(SCHEDULES)
def test_sum(best, p):
    """A sum is correctly rounded, whatever cancels: 50 ranges for each schedule."""
    draw = random.Random(title(p))
    schedule = best.CosineDecay(**p)
    for _ in range(50):
        steps = draw_range(draw, p)
        have = schedule.sum(steps.start, steps.stop, steps.step)
        assert have == oracle.rounded(oracle.rate_sum(steps, **p)), (p, steps)


def test_sums_of_random_schedules(best, share):
    """The same for 20,000 schedules."""
    draw = random.Random(0)
    for seed in range(int(20_000 * share)):
        p = drawn("CosineDecay", 1000 + seed)
        steps = draw_range(draw, p)
        have = best.CosineDecay(**p).sum(steps.start, steps.stop, steps.step)
        assert have == oracle.rounded(oracle.rate_sum(steps, **p)), (p, steps)


@each_of(SCHEDULES)
def test_the_oracle(p):
    """Its closed form is the sum of its rates."""
    draw = random.Random(title(p))
    for _ in range(10):
        steps = draw_range(draw, p)
        steps = steps[: draw.randint(1, 30)] if steps[:1] else range(0)
        with mp.workprec(1000):
            rates = [oracle.rate(step, **p) for step in steps]
            direct = mp.fsum(rates)
            assert abs(oracle.rate_sum(steps, **p) - direct) <= mpf(2) ** -250 * mp.fsum(map(abs, rates)), steps


def test_the_first_sum_is_the_first_rate(cf):
    """However small it is beside the floor."""
    for W in (0.5, 1, 2):
        schedule = cf.CosineDecay(9.825685506960575e-255, 2.0**-46, 1e231, warmup_target=1.0, warmup_steps=W)
        assert schedule.cumulative(1) == schedule.cumulative([1, 0])[0] == schedule(0)


def test_last_steps(best):
    """Where a difference of two sums would have lost all digits, the exact formula's have none to lose."""
    for D in (10**12, 2**53 + 1, 2**63 - 1):
        schedule = best.CosineDecay(0.1, D)
        for n in (1, 2, 3, 100):
            have = schedule.sum(D - n, D)
            with mp.workprec(200):
                exact = mpf(0.1) * mp.fsum(mp.sin(mp.pi / 2 / D * r) ** 2 for r in range(1, n + 1))
            assert have == oracle.rounded(exact), (D, n)
            assert have == schedule.sum(D - 1, D - n - 1, -1)
            assert have == schedule.sum(D - n, INT64[1])


def test_ties_and_cancellation(best):
    """A sum that is rational is exact before it is rounded: halves of a unit, and rates that cancel out."""
    assert best.CosineDecay(0.1, 2).sum(2) == 0.15000000000000002
    assert best.CosineDecay(0.1, 1000, -1.0).sum(1001) == 0.0
    assert best.CosineDecay(0.3, 1, 0.25).sum(0, 2**60, 2) == float(Fraction(0.3) * (2**59 + 3) / 4)
    draw = random.Random(17)
    for _ in range(500):
        peak, D = draw.uniform(0, 1), draw.randint(1, 10 ** draw.randint(1, 15))
        assert best.CosineDecay(peak, D).sum(D + 1) == float(Fraction(peak) * (D + 1) / 2), (peak, D)
        third = Fraction(peak) * (1 + Fraction(3, 4) + Fraction(1, 4))
        assert best.CosineDecay(peak, 3 * D).sum(0, 3 * D + 1, D) == float(third), (peak, D)


def test_no_total_is_reached_at_the_start(cf):
    """Also where negative rates are so small that they are rounded to 0."""
    schedule = cf.CosineDecay(3.26e-322, 996, -1e-05)
    assert schedule.step_at_sum(0.0) == schedule.step_at_sum(-1.0) == 0
    assert schedule.step_at_sum([0.0, -1.0, 1.0]).tolist() == [0, 0, -1]


def test_sum_is_ranges(best):
    """range()'s signature, and its errors; sums add up."""
    schedule = best.CosineDecay(0.0, 900, 0.1, warmup_target=1e-3, warmup_steps=100)
    assert schedule.sum(7) == schedule.sum(0, 7) == schedule.sum(0, 7, 1) == schedule.sum(6, -1, -1)
    assert type(schedule.sum(7)) is float
    assert schedule.sum(0) == schedule.sum(5, 5) == schedule.sum(5, 0) == schedule.sum(0, 5, -1) == 0.0
    assert schedule.sum(np.int32(3), np.uint8(50), np.int64(2)) == schedule.sum(3, 50, 2)
    assert schedule.sum(INT64[0], INT64[1] + 1) == pytest.approx(schedule.sum(INT64[0], 0) + schedule.sum(2**63))
    assert best.CosineDecay(np.float32(0.1), 10).sum(10) == best.CosineDecay(float(np.float32(0.1)), 10).sum(10)
    for arguments, error in {
        (0, 5, 0): ValueError, (1.5,): TypeError, ("a",): TypeError, (0, 2.0): TypeError, (None,): TypeError,
        (2**63 + 1,): OverflowError, (-(2**63) - 1, 5): OverflowError,
    }.items():  # fmt: skip
        with pytest.raises(error):
            schedule.sum(*arguments)
    with pytest.raises(TypeError, match=r"`step` needs `start` and `stop`. Received: sum\(5, step=2\)"):
        schedule.sum(5, step=2)
    with pytest.raises(TypeError, match=r"Received: sum_of_squares\(5, step=2\)"):
        schedule.sum_of_squares(5, step=2)


# ---- cumulative ----


def cumulative_steps(p, count, seed=0):
    """Integer steps; without a warmup few before 0, for which the kernel has no formula."""
    steps = whole_steps("CosineDecay", p, seed, count)
    return steps if has_warmup(p) else np.concatenate([steps[steps >= 0], steps[steps < 0][:6]])


def assert_cumulative(schedule, p, steps):
    for step, total in zip(steps.tolist(), schedule.cumulative(steps).tolist(), strict=True):
        assert oracle.cumulative_error(total, step, p) <= 1, (p, step, total)


@each_of(SCHEDULES)
def test_cumulative(best, p):
    assert_cumulative(best.CosineDecay(**p), p, cumulative_steps(p, 10))


def test_cumulative_sums_of_random_schedules(best, share):
    """25 sums of each of 1,600 schedules."""
    draw = random.Random(1)
    for seed in range(int(1600 * share)):
        p = drawn("CosineDecay", 10**6 + seed)
        begin, end = bounds_of(p)
        steps = [draw.randint(0, begin), draw.randint(begin, end), draw.randint(0, INT64[1])]
        steps = [step + draw.randint(-4, 4) for _ in range(5) for step in (*steps, begin, end)]
        steps = [within(max(step, 0 if draw.random() < 0.9 else -10)) for step in steps]
        assert_cumulative(best.CosineDecay(**p), p, np.array(steps))


@each_of(SCHEDULES)
def test_one_cumulative_sum(compiled, python, p):
    """A step has one sum, to the last bit: as an array, a range, a number, of any layout, and in pure Python."""
    with np.errstate(over="ignore"):
        c, q = compiled.CosineDecay(**p), python.CosineDecay(**p)
        steps = cumulative_steps(p, 60)
        want = q.cumulative(steps)
        assert_same(c.cumulative(steps), want)
        assert_same(c.cumulative(steps, dtype=np.float32), q.cumulative(steps, dtype=np.float32))
        assert_same(c.cumulative(steps, num_threads=2), want)
        assert_same(c.cumulative(np.repeat(steps, 2)[::2]), want)
        assert_same(c.cumulative(steps[::-1])[::-1], want)
        assert_same(c.cumulative(steps.astype(">i8")), want)
        n = steps.size // 2
        assert_same(c.cumulative(np.asfortranarray(steps[: 2 * n].reshape(2, n))).reshape(-1), want[: 2 * n])
        some = steps[::13].tolist()
        assert_same(np.array([float(c.cumulative(step)) for step in some]), np.asarray(want[::13], np.float64))
        assert_same(np.array([float(q.cumulative(step)) for step in some[:9]]), np.asarray(want[::13], np.float64)[:9])
        out = np.empty(steps.size)
        assert c.cumulative(steps, out=out) is out
        np.testing.assert_array_equal(out.astype(want.dtype), want)
        begin, end = bounds_of(p)
        for middle in (begin, end, (begin + end) // 2):
            start = min(max(middle - 700, -3 if not has_warmup(p) else INT64[0]), INT64[1] - 1400)
            run = range(start, start + 1400)
            assert_same(c.cumulative(run), q.cumulative(np.arange(run.start, run.stop)))
            assert_same(q.cumulative(run), q.cumulative(np.arange(run.start, run.stop)))


@each_of(SCHEDULES)
def test_cumulative_by_instruction_set(python, compiled, isa, p):
    with np.errstate(over="ignore"):
        steps = cumulative_steps(p, 30, seed=1)
        small = np.arange(0, 127, dtype=np.uint8)
        c, q = compiled.CosineDecay(**p), python.CosineDecay(**p)
        assert_same(c.cumulative(steps), q.cumulative(steps))
        assert_same(c.cumulative(small), q.cumulative(small))
        assert_same(c.cumulative(range(0, 3000)), q.cumulative(range(0, 3000)))


@each_of([p for p in SCHEDULES if min(p["alpha"], p.get("end_learning_rate", 0.0)) >= 0])
def test_cumulative_never_falls(best, p):
    """Where no rate is negative."""
    if p["initial_learning_rate"] < 0 or (p["warmup_target"] or 0.0) < 0:
        pytest.skip("a rate is negative")
    begin, end = bounds_of(p)
    schedule = best.CosineDecay(**p)
    for middle in (0, begin // 2, begin, (begin + end) // 2, end, 2**50, 2**53, 2**62, INT64[1]):
        for apart in (1, 997):
            start = min(max(middle - 5000 * apart, 0), INT64[1] - 10_000 * apart)
            sums = schedule.cumulative(range(start, start + 10_000 * apart, apart), dtype=np.float64)
            assert np.all(sums[1:] >= sums[:-1]), (middle, apart)


def test_subnormal_rates(cf):
    """A sum may be off by 5e-324 for each step; a rate next to a subnormal floor may be lower, and be overlooked."""
    p, step = cosine_decay(-2e-323, 2834.98, 0.97), 4577461780763145442
    value = cf.CosineDecay(**p).cumulative(step)
    assert oracle.cumulative_error(value, step, p) <= 1 < oracle.ulps(value, oracle.cumulative(step, **p))
    schedule = cf.CosineDecay(0.0, 6833183515562620129, 0.1, warmup_target=2.5e-323, warmup_steps=171524071813)
    assert schedule(6833183687086691939) == 0.0 < schedule(2**63 - 1)
    assert schedule.step_at(0.0) is None


def test_cumulative_is_called_as_a_schedule_is(cf):
    schedule = cf.CosineDecay(0.0, 900, 0.1, warmup_target=1e-3, warmup_steps=100)
    assert type(schedule.cumulative(5)) is float
    assert type(schedule.cumulative(np.int32(5))) is np.float64
    assert type(cf.CosineDecay(np.float32(0.1), 10).cumulative(5)) is np.float32
    assert schedule.cumulative([[1, 2], [3, 4]]).shape == (2, 2)
    assert schedule.cumulative([]).shape == (0,)
    assert schedule.cumulative(range(5, 0, -2)).tolist() == schedule.cumulative([5, 3, 1]).tolist()
    assert np.ma.getmaskarray(schedule.cumulative(np.ma.array([1, 2], mask=[True, False]))).tolist() == [True, False]
    steps = np.arange(5)
    memory = steps.view(np.float64)
    want = schedule.cumulative(steps)
    assert schedule.cumulative(steps, out=memory) is memory
    np.testing.assert_array_equal(memory, want)
    even = cf.CosineDecay(0.1, 1000)
    steps = np.array([[-5, 3], [7, -1]])
    want = even.cumulative(steps)
    assert want[1, 1] == -even(1)
    assert want[0, 0] == -even.sum(-5, 0) == even.cumulative(np.array(-5)) == even.cumulative(-5)
    memory = steps.view(np.float64)
    assert even.cumulative(steps, out=memory) is memory
    np.testing.assert_array_equal(memory, want)
    assert cf.CosineDecay(1e300, 10).cumulative(-5, dtype=np.float32) == -np.inf
    for steps, error in (
        ([1.0], TypeError),
        (2.0, TypeError),
        (True, TypeError),
        ("a", TypeError),
        (2**63, OverflowError),
    ):
        with pytest.raises(error):
            schedule.cumulative(steps)
    with pytest.raises(ValueError, match="shape of the result"):
        schedule.cumulative([1, 2], out=np.empty(3))
    with pytest.raises(TypeError, match="has not been called"):
        cf.CosineDecay.__new__(cf.CosineDecay).cumulative(3)


# ---- The inverses ----


def first_of(reached):
    """By looking at every step."""
    return int(np.argmax(reached)) if reached.any() else -1


def short(draw):
    """A schedule so short that all its steps can be looked at."""
    peak = draw.choice([draw.random(), 1.0, 10 ** draw.uniform(-300, 300), -draw.random()])
    D = draw.choice([1, 2, 3, draw.randint(1, 3000), draw.uniform(0.1, 3000)])
    alpha = draw.choice([0.0, 0.1, draw.random(), draw.uniform(-1, 2)])
    W = draw.choice([0, 1, draw.randint(1, 500), draw.uniform(0.1, 500)])
    return draw.choice(
        [cosine_decay(peak, D, alpha), cosine_decay(peak * draw.choice([0, 0.5, 2, -1]), D, alpha, peak, W)]
    )


def test_inverses_are_searches(cf, share):
    """Of 700 schedules (20 in pure Python) 100 values each: rates and sums, what is between them, and beyond."""
    draw = random.Random(2)
    for _ in range(int((700 if cf.build_info()["backend"] == "compiled" else 20) * share)):
        p = short(draw)
        schedule = cf.CosineDecay(**p)
        begin, end = bounds_of(p)
        steps = np.arange(end + 50)
        for values, inverse, first, reaches in (
            (schedule(steps), schedule.step_at, begin, np.less_equal),
            (schedule.cumulative(steps), schedule.step_at_sum, 0, np.greater_equal),
        ):
            wanted = np.array([draw.choice(values) for _ in range(30)])
            wanted = np.concatenate([wanted, np.nextafter(wanted[:10], np.inf), np.nextafter(wanted[:7], -np.inf)])
            wanted = np.append(wanted, [values.min() - 1e-9, values[-1], 0.5 * (values[0] + values[-1])])
            have = inverse(wanted)
            assert have.dtype == np.int64
            # Sums past the end go on to grow, further than is looked at here.
            for value, step in zip(wanted, have.tolist(), strict=True):
                found = first_of(reaches(values[first:], value))
                if found >= 0 or step < len(values):
                    assert step == (found + first if found >= 0 else -1), (p, inverse, value)
                    one = inverse(float(value))
                    assert one == (None if step < 0 else step)


@each_of(SCHEDULES)
def test_inverses_of_long_schedules(best, p):
    """The step found has come there, and the one before has not; where none is found, none of those looked at has."""
    draw = random.Random(title(p))
    schedule = best.CosineDecay(**{**p, "initial_learning_rate": float(p["initial_learning_rate"])})
    begin, end = bounds_of(p)
    steps = [within(draw.randint(begin, end)) for _ in range(40)] + [begin, within(end), within(end - 1), INT64[1]]
    rates = np.array([schedule(max(step, begin)) for step in steps])
    for rate, step in zip(rates, schedule.step_at(rates).tolist(), strict=True):
        assert begin <= step <= max(end, begin)
        assert schedule(step) <= rate
        assert step == begin or schedule(step - 1) > rate
    assert schedule.step_at(-math.inf) is None
    assert schedule.step_at(math.inf) == begin
    if min(schedule(0), schedule(begin), schedule(within(end))) < 0:
        return
    totals = schedule.cumulative(np.array(steps))
    for total, step in zip(totals, schedule.step_at_sum(totals).tolist(), strict=True):
        assert schedule.cumulative(step) >= total
        assert step == 0 or schedule.cumulative(step - 1) < total
    if math.isfinite(totals[-1]):
        assert schedule.step_at_sum(totals.max() * 1.001 + 1e-300) is None


def test_shapes_of_the_inverses(cf):
    schedule = cf.CosineDecay(0.1, 1000)
    for inverse, never in (schedule.step_at, -0.1), (schedule.step_at_sum, 1e9):
        assert type(inverse(0.05)) is int
        assert type(inverse(np.float64(0.05))) is int
        assert inverse(np.array(0.05)) == inverse(0.05)
        assert inverse(never) is inverse(math.nan) is None
        have = inverse([[0.05, never], [math.nan, 0.01]])
        assert have.dtype == np.int64
        assert have.tolist() == [[inverse(0.05), -1], [-1, inverse(0.01)]]
        assert inverse([]).shape == (0,)
        assert inverse(0) == inverse(0.0)
        many = np.linspace(0.0, 0.1, 150_001)
        np.testing.assert_array_equal(inverse(many)[::1000], inverse(many[::1000]))
        for wrong in (True, "0.1", None, 1j, [None]):
            with pytest.raises(TypeError, match="must be a number or an array of numbers"):
                inverse(wrong)
        with pytest.raises(ValueError, match=r"must be a number or an array of numbers. NumPy says"):
            inverse([[0.1], [0.1, 0.2]])
    assert schedule.step_at(0.1) == schedule.step_at_sum(-1.0) == 0
    single = cf.CosineDecay(np.float32(0.1), 1000)
    assert single.step_at(0.05) == cf.CosineDecay(float(np.float32(0.1)), 1000).step_at(0.05)


# ---- The rest ----


@each_kind
def test_hostile_arguments(cf, kind):
    """Each kind of argument in each place: a value or an error that is documented, and no crash."""
    schedule = cf.CosineDecay(0.1, 1000, warmup_target=0.2, warmup_steps=5)
    make = KINDS[kind]
    for call in (
        lambda: schedule.sum(make()), lambda: schedule.sum(0, make()), lambda: schedule.sum(0, 7, make()),
        lambda: schedule.cumulative(make()), lambda: schedule.cumulative([1, 2, 3], out=make()),
        lambda: schedule.cumulative([1, 2, 3], dtype=make()), lambda: schedule.cumulative([1], num_threads=make()),
        lambda: schedule.step_at(make()), lambda: schedule.step_at_sum(make()), lambda: schedule.sum_of_squares(make()),
    ):  # fmt: skip
        outcome(call)


def test_pi(best):
    """The digits that all sines come from, and the schedule that takes most of them."""
    pi = importlib.import_module("cosine_fast.schedules._sums")._PI
    with mp.workprec(2000):
        assert pi == int(mp.floor(mp.ldexp(mp.pi, 1344)))
    schedule = best.CosineDecay(0.1, 2.0**63 - 2**10, warmup_target=1.0, warmup_steps=2.0**-64 * (1 + 2.0**-52))
    assert schedule.sum(10) == 9.1


def test_header(best, tmp_path):
    """The header alone, in C: the same bits."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    chosen = [p for p in SCHEDULES if not isinstance(p["initial_learning_rate"], np.floating)][::4]
    pair = "cf_from_int64(INT64_C({0}))".format
    lines, want = [], []
    for p in chosen:
        D, W = (
            pair(x) if isinstance(x, int) else f"cf_make_pair({x!r}, 0.0)"
            for x in (p["decay_steps"], p["warmup_steps"])
        )
        T = p["initial_learning_rate"] if p["warmup_target"] is None else p["warmup_target"]
        end = p.get("end_learning_rate")
        to, floor = ("", repr(p["alpha"])) if end is None else ("_to", f"{end!r}, 1")
        lines.append(
            f"cf_cosine_sums_init{to}(&p, {T!r}, {D}, {floor}, {int(has_warmup(p))}, "
            f"{p['initial_learning_rate']!r}, {W});"
        )
        for step in [0, 1, *(within(x + 1) for x in bounds_of(p)), 2**40]:
            lines.append(f"show(cf_cosine_sums_at(&p, {pair(step)}));")
            want.append(best.CosineDecay(**p).cumulative(step))
    source = tmp_path / "sums.c"
    source.write_text(
        "#include <cosine_fast_cosine_sums.h>\n#include <stdio.h>\n"
        "static void show(double x)\n{\n    fwrite(&x, sizeof x, 1, stdout);\n}\n"
        "int main(void)\n{\n    cf_cosine_sums p;\n    " + "\n    ".join(lines) + "\n    return 0;\n}\n"
    )
    program = tmp_path / "sums"
    include = f"-I{Path(best.__file__).parent / 'include'}"
    subprocess.run(
        [compiler, "-O1", "-std=c99", "-ffp-contract=off", include, source, "-o", program, "-lm"], check=True
    )
    output = subprocess.run([program], capture_output=True, check=True).stdout
    assert_same(np.array(struct.unpack(f"{len(want)}d", output)), np.array(want))
