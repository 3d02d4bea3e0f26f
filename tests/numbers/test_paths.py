"""Reproducibility: whichever way a rate is asked for, its bits are the same. Every schedule, every path."""

from __future__ import annotations

import functools
import itertools
import sys

import numpy as np
import pytest
from bits import INT64, assert_same
from draws import fractional_steps, one_by_one, ranges, whole_steps
from family import HARD, JOINED, NAMES, ORDINARY, drawn, made, title
from golden import read
from layouts import BLOCK, brief_calls, same, shifted
from programs import each_build, program, through_the_headers
from samples import one_in

RANDOM = [(name, drawn(name, seed)) for name in NAMES for seed in range(1000, 1004)]
CASES = HARD + RANDOM
IDS = [f"{name}-{title(p)}" for name, p in CASES]
each_case = pytest.mark.parametrize("case", one_in(4, [(case,) for case in range(len(CASES))], IDS))
THOROUGH = 12  # every twelfth case goes through every path; the others through those that differ most
FEW = 73  # steps: repeated until each has stood at each place of a block, they are enough for a team of threads


# ---- The ways to ask; each gives a name, the rates that it had, and those that it has to have ----


def calls(schedule, steps, want):
    """Every way to ask for the rates of an array of int64 or float64."""
    n = len(steps)
    few = slice(None, None, 7)
    yield "a number", [schedule(step) for step in steps[few].tolist()], want[few]
    yield "a NumPy scalar", [schedule(step) for step in steps[few]], want[few]
    few = slice(None, None, 29)
    yield "a 0-d array", [schedule(np.array(step)) for step in steps[few]], want[few]
    yield "a list", schedule(steps.tolist()), want
    yield "an array", schedule(steps), want
    yield "an array of one", [schedule(steps[i : i + 1])[0] for i in range(0, n, 29)], want[few]
    order = np.argsort(steps, kind="stable")
    yield "sorted", schedule(steps[order]), want[order]
    yield "reversed", schedule(steps[::-1]), want[::-1]
    yield "sorted, reversed", schedule(steps[order][::-1]), want[order][::-1]
    for offset in range(8):
        moved = shifted(steps, offset)
        yield f"{offset} bytes off", schedule(moved), want
        out = shifted(np.empty(n), 7 - offset)
        yield f"from {offset} to {7 - offset} bytes off", schedule(moved, out=out), want
        yield f"reversed, {offset} bytes off", schedule(moved[::-1]), want[::-1]
        memory = shifted(steps, offset)
        yield f"{offset} bytes off, in place", schedule(memory, out=memory.view(np.float64)), want
    for offset in (1, 2, 3, 5, 7, 8, 15, BLOCK - 1):
        yield f"from element {offset} on", schedule(steps[offset:]), want[offset:]
    for size in range(20):
        yield f"the first {size}", schedule(steps[:size]), want[:size]
    for count in range(1, 10):
        edges = [n * i // count for i in range(count + 1)]
        parts = [schedule(steps[a:b]) for a, b in itertools.pairwise(edges)]
        yield f"the parts of {count} threads", np.concatenate(parts), want
    if steps.dtype.kind == "i":
        yield "each step at each place in a block", schedule(everywhere(steps)), everywhere(want)
    even = n // 12 * 12
    block, wanted = steps[:even].reshape(12, -1), want[:even].reshape(12, -1)
    yield "strided", schedule(np.repeat(steps, 3)[1::3]), want
    yield "every second, backwards", schedule(steps[::-2]), want[::-2]
    yield "2-d", schedule(block), wanted
    yield "Fortran's order", schedule(np.asfortranarray(block)), wanted
    yield "transposed", schedule(block.T), wanted.T
    yield "a window", schedule(block[1:11:3, 5:-3:2]), wanted[1:11:3, 5:-3:2]
    yield "broadcast", schedule(np.broadcast_to(steps, (2, n))), np.broadcast_to(want, (2, n))
    yield "the other byte order", schedule(steps.astype(steps.dtype.newbyteorder())), want
    memory = np.concatenate([steps, steps])
    yield "in place, one ahead", schedule(memory[:n], out=memory.view(np.float64)[1 : n + 1]), want
    memory = steps.copy()
    yield "in place, reversed", schedule(memory, out=memory.view(np.float64)[::-1]), want
    out = np.full(3 * n, 7.0)
    yield "strided out", schedule(steps, out=out[2::3]), want
    yield "beside strided out", out[1::3], np.full(n, 7.0)
    with np.errstate(over="ignore", under="ignore"):
        single = want.astype(np.float32)
    yield "float32", schedule(steps, dtype=np.float32), single
    memory = steps.copy()
    yield "float32, in place", schedule(memory, out=memory.view(np.float32)[:n]), single
    yield "float32, a number", [schedule(step, dtype=np.float32) for step in steps[few].tolist()], single[few]


def everywhere(array: np.ndarray) -> np.ndarray:
    return np.resize(array[:FEW], BLOCK * FEW)


def teams(schedule, steps, want):
    """1 to 9 threads, as far as the machine has them."""
    start = -BLOCK * FEW // 2
    run = np.arange(start, -start)
    rates = schedule(run)
    for n in range(1, 10):
        yield f"{n} threads", schedule(everywhere(steps), num_threads=n), everywhere(want)
        yield f"precompute, {n} threads", schedule.precompute(start, -start, num_threads=n), rates


def precomputed(schedule, wanted):
    """Ranges, from every offset, by further strides, in parts, into memory of all kinds."""
    for i, (steps, want) in enumerate(wanted):
        n = len(steps)
        yield f"precompute {steps}", schedule.precompute(*_ends(steps)), want
        offset = (1, 2, 3, 5, 7, BLOCK - 1, BLOCK)[i % 7]
        yield f"precompute {steps} from {offset} on", schedule.precompute(*_ends(steps[offset:])), want[offset:]
        stride = (2, 3, 13, -1, -5)[i % 5]
        yield f"precompute {steps} by {stride}", schedule.precompute(*_ends(steps[::stride])), want[::stride]
        if i % 4:
            continue
        yield f"called with {steps}", schedule(steps), want
        memory = np.full(2 * n, 7.0)
        yield f"precompute {steps}, strided out", schedule.precompute(*_ends(steps), out=memory[::2]), want
        yield (
            f"precompute {steps}, unaligned out",
            schedule.precompute(*_ends(steps), out=shifted(np.empty(n), 3)),
            want,
        )
        edges = [n * i // 9 for i in range(10)]
        parts = [schedule.precompute(*_ends(steps[a:b])) for a, b in itertools.pairwise(edges)]
        yield f"precompute {steps}, 9 parts", np.concatenate(parts), want


def _ends(steps: range) -> tuple[int, int, int]:
    return steps.start, steps.stop, steps.step


@functools.cache
def asked(package, case):
    """The steps that are asked for, and their rates, one after another as plain numbers."""
    name, p = CASES[case]
    schedule = made(package, name, p)
    slow = package.build_info()["backend"] == "python"  # its numbers are arrays of one
    rates_of = schedule if slow else functools.partial(one_by_one, schedule)
    integers = whole_steps(name, p, seed=3)
    want = rates_of(integers)
    whole = (integers >= -(2**53)) & (integers <= 2**53)
    floats = fractional_steps(name, p)
    small = np.abs(integers) <= 2**50  # in blocks of such steps the kernels go without tests
    arrays = [
        ("int64", integers, want),
        ("small int64", integers[small], want[small]),
        ("whole floats", integers[whole].astype(np.float64), want[whole]),
        ("floats", floats, rates_of(floats)),
    ]
    some = list(ranges(name, p))[:: 1 if case % THOROUGH == 6 else 3]
    return arrays, [(steps, rates_of(np.array(steps, np.int64))) for steps in some]


def assert_all(paths, what=""):
    for name, have, want in itertools.chain.from_iterable(paths):
        assert same(have, want), f"{what}: {name}"


@each_case
def test_compiled(compiled, case):
    """A step's rate has the same bits alone and in every array, range, thread and instruction set."""
    arrays, ranges = asked(compiled, case)
    info, kernel = compiled.build_info(), sys.modules["cosine_fast._kernel"]
    schedule = made(compiled, *CASES[case])
    thorough = case % THOROUGH == 6
    try:
        for isa in info["isas"]:
            kernel.use_isa(isa)
            paths = [precomputed(schedule, ranges)]
            paths += [(calls if thorough else brief_calls)(schedule, steps, want) for _, steps, want in arrays]
            if thorough and isa == info["isa"]:
                paths.append(teams(schedule, *arrays[0][1:]))
            assert_all(paths, isa)
    finally:
        kernel.use_isa(info["isa"])


@each_case
def test_python(best, python, case):
    """Pure Python has the bits of the compiled kernel."""
    arrays, ranges = asked(best, case)
    schedule = made(python, *CASES[case])
    thorough = case % (3 * THOROUGH) == 6
    few = 400 if thorough else 40
    for kind, steps, want in arrays:
        paths = [[("an array", schedule(steps[:few]), want[:few])]]
        if thorough:
            paths.append((calls if kind == "int64" else brief_calls)(schedule, steps[:80], want[:80]))
        assert_all(paths, kind)
        assert_same(np.array([schedule(step) for step in steps[::197].tolist()], np.float64), want[::197])
    if thorough:
        assert_all([precomputed(schedule, ranges[::5])], "ranges")
    for steps, want in ranges[::3]:
        assert_same(schedule.precompute(*_ends(steps[::23])), want[::23], f"precompute {steps}")


@each_build("C++, -O0")
def test_headers(best, tmp_path_factory, build):
    """C through the headers has the same bits, golden ones too, with each compiler and level, and in C++."""
    golden = read()
    cases = [("CosineDecay", p._asdict(), [value.step for value in values]) for p, values in golden]
    wanted = [np.array([value.float64 for _, values in golden for value in values])]
    for case, (name, p) in enumerate(CASES):
        arrays, _ = asked(best, case)
        kept = [(steps[:200], want[:200]) for kind, steps, want in arrays if kind in ("int64", "floats")]
        cases.append((name, p, [step for steps, _ in kept for step in steps.tolist()]))
        wanted += [want for _, want in kept]
    rates, singles = through_the_headers(program(build, best, tmp_path_factory), best, cases)
    want = np.concatenate(wanted)
    assert same(rates, want)
    with np.errstate(over="ignore", under="ignore"):
        assert same(singles, want.astype(np.float32))


SCHEDULES = [case for case in ORDINARY if case[0] not in JOINED]  # whose loops the others have
SCHEDULES += [("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 2**60 + 1, "alpha": 0.1})]
each_schedule = pytest.mark.parametrize(("name", "p"), SCHEDULES, ids=[f"{name}-{title(p)}" for name, p in SCHEDULES])


@each_schedule
def test_strides_as_far_as_int64_goes(cf, name, p):
    """A range's stride may be anything that leaves its steps within int64."""
    schedule = made(cf, name, p)
    for stride in (1, 3, 2**40, 2**62, 2**63 - 1, 2**63, 2**63 + 5, 2**64 - 1):
        for sign in (1, -1):
            start, stop = INT64[::sign]
            steps = range(start, stop + sign, sign * stride)[: 600 if cf.build_info()["backend"] == "compiled" else 60]
            want = np.array([schedule(step) for step in steps])
            assert_same(schedule.precompute(steps.start, steps.stop, steps.step), want)
            assert_same(schedule(steps), want)


@each_schedule
def test_threads_and_sizes(compiled, name, p):
    """The number of threads and the place of a block's edge change no bit."""
    schedule = made(compiled, name, p)
    steps = (np.arange(140_000) * 61) % 8192 - 4096
    alone = one_by_one(schedule, np.arange(-4096, 4096))
    want = alone[steps + 4096]
    several = range(-(2**16), -(2**16) + 61 * 140_000, 61)
    ranged = schedule(np.array(several))
    for size in (511, 512, 513, 8191, 8192, 8193, 32767, 32768, 32769, 140_000):
        for threads in (None, 1, 2, 3, 1000):
            what = f"{size} steps, {threads} threads"
            rows = size // 4
            transposed = np.ascontiguousarray(steps[: 4 * rows].reshape(4, rows).T).T
            assert_same(schedule(steps[:size], num_threads=threads), want[:size], what)
            assert_same(schedule(transposed, num_threads=threads).ravel(), want[: 4 * rows], f"{what}, transposed")
            assert_same(schedule(several[:size], num_threads=threads), ranged[:size], f"{what}, a range")
        assert_same(schedule(np.repeat(steps[:size], 2)[::2]), want[:size], f"{size} steps, strided")


@each_schedule
def test_one_unusual_step_among_many(compiled, isa, name, p):
    """Loops for usual steps may meet one that is not in the middle of their work; all rates are right all the same."""
    schedule = made(compiled, name, p)
    usual = np.random.default_rng(0).integers(0, 1200, 40_000)
    want = one_by_one(schedule, np.arange(1200))[usual]
    assert_same(schedule(usual, num_threads=1), want, "none")
    for step in (-5, 2**49 + 1, 2**50 + 1, 2**51 + 2**50 + 3, 2**62 + 1, *INT64):
        for place in (0, 1, 63, 511, 512, 700, 16_383, 16_384, 39_999):
            steps, wanted = usual.copy(), want.copy()
            steps[place], wanted[place] = step, schedule(step)
            what = f"{step} at {place}"
            assert_same(schedule(steps, num_threads=1), wanted, what)
            if place < 1498:
                few, wanted_few = steps[:1500], wanted[:1500]
                assert_same(schedule(few[1:]), wanted_few[1:], f"{what}, unaligned")
                assert_same(schedule(few, dtype=np.float32), wanted_few.astype(np.float32), f"{what}, float32")
                assert_same(schedule(few, out=few.view(np.float64)), wanted_few, f"{what}, in place")


@pytest.mark.parametrize("ends", [(0.0, 0.3), (0.3, 0.0), (0.1, 0.3), (0.3, 0.1), (-0.2, 0.3), (-0.0, -0.3)])
@pytest.mark.parametrize("length", [1000, 2**27 - 1, 2**40])
def test_lines(compiled, isa, length, ends):
    """A line has a loop for steps less than 2^26 from its smaller end, and another if the rate there is 0."""
    schedule = compiled.PolynomialDecay(ends[0], length, ends[1])
    for middle in (0, 2**26, length - 2**26, length):
        steps = np.arange(middle - 1500, middle + 1500)
        want = one_by_one(schedule, steps)
        assert_same(schedule(steps), want, f"about {middle}")
        assert_same(schedule.precompute(middle - 1500, middle + 1500), want, f"precompute about {middle}")


@pytest.mark.parametrize(("name", "p"), one_in(3, SCHEDULES))
def test_results_past_the_caches(compiled, name, p):
    """Large results, which are written past the caches, on several threads."""
    schedule = made(compiled, name, p)
    n = 4_400_001  # more than 32 MiB, from which on rates are streamed
    steps = np.arange(n)
    want = np.concatenate([schedule(part) for part in np.array_split(steps, 150)])  # each within the caches
    assert_same(one_by_one(schedule, steps[::6007]), want[::6007])
    assert_same(schedule(steps), want)
    assert_same(schedule.precompute(n), want)
    assert_same(schedule(steps.astype(np.float64)), want)
    assert_same(schedule.precompute(2 * n, dtype=np.float32)[:n], want.astype(np.float32))
