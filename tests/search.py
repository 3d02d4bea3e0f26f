"""A search for wrong values, paths that differ, and hangs: `python tests/search.py --seconds 60` (or `--values 3e6`).

It draws schedules, most of them with an edge: 1, powers of 2, subnormals, the largest rates, lengths up to 2^63; and
steps at their joints, between them and of every size. Each value is held against tests/oracle.py, every path against
single steps, to the bit. All that runs in a child process, which notes what it is about to do: a child that takes too
long or dies is a find too. A find is printed as a line of Python that reproduces it; any find makes the exit status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import datetime
import faulthandler
import itertools
import math
import multiprocessing
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import draws
import numpy as np
import oracle
from bits import INT64, bits, within
from conftest import PACKAGES
from family import NAMES, Parameters, made
from layouts import BLOCK, brief_calls, same
from mpmath import mp

STEPS = 110  # whole ones, and as many floats, of each schedule
LIMIT = 60.0  # seconds for one schedule; usually it takes a fiftieth of one
FLOAT32 = 0.5 + 2.0**-28  # ULP; it is rounded from a double that is within 2 ULP
MISROUNDED = 1e-6  # the share of float32 that may not be correctly rounded
SHOWN = 3, 12  # finds of one kind that are printed: of one schedule, of all; the others are counted

# ---- What is drawn ----


class Case(NamedTuple):
    """A schedule and its steps; `note` is told what is about to be done."""

    name: str
    p: Parameters
    whole: list[int]
    floats: list[float]
    draw: random.Random
    packages: dict[str, Any]
    note: Callable[[str], None]
    count: Counter[str]

    def code(self, step: Any = None, call: str = "") -> str:
        """Python that makes the schedule and calls it, or a method of it."""
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.p.items())
        return f"cosine_fast.{self.name}({arguments}){call}" + ("" if step is None else f"({step})")

    def schedule(self, backend: str = "") -> Any:
        """Of this backend, or of the best one."""
        return made(self.packages[backend or next(iter(self.packages))], self.name, self.p)

    def run(self, count: int) -> range:
        start, stride = self.draw.choice(self.whole), self.draw.choice([1, -1, 7, int(2 ** self.draw.uniform(0, 60))])
        return range(start, within(start + count * stride), stride)


def drawn_case(seed: int, number: int, note: Callable[[str], None], packages: dict[str, Any] = PACKAGES) -> Case:
    draw = random.Random(f"{seed} {number}")
    name = draw.choice(NAMES)
    while True:
        p = draws.edgy(draw, name)
        with contextlib.suppress(ValueError):
            made(packages["python"], name, p)
            break
    case = Case(name, p, [], [], draw, packages, note, Counter())
    note(f"search.drawn_case({seed}, {number}, print)  # {case.code()}")
    case.whole.extend(draw.sample(draws.whole_steps(name, p, number).tolist(), STEPS))
    case.floats.extend(draw.sample(draws.fractional_steps(name, p, number).tolist(), STEPS - 16))
    case.floats.extend(draws.edge(draw) for _ in range(8))
    near = list(draws.steps_near_multiples(draw, float(p.get("decay_steps", p.get("first_decay_steps", 1000))), 16))
    schedule = case.schedule()
    for steps, kind in ((case.whole, int), (case.floats, float)):
        steps += [step for step in near if isinstance(step, kind)]
        steps += itertools.islice(draws.crossings(schedule, [step for step in steps if abs(step) < math.inf]), 6)
    return case


# ---- What is looked for; each check yields finds ----


def wrong_rates(case: Case) -> Iterator[str]:
    """Rates of single steps that are not within what is promised, in float64 and in float32."""
    schedule = case.schedule()
    for step in case.whole + case.floats:
        case.note(case.code(step))
        value, single = schedule(step), schedule(step, dtype=np.float32)
        case.count[case.name] += 1
        if not math.isfinite(step):
            if math.isnan(step) and not math.isnan(value):
                yield f"{case.code('math.nan')} == {value!r}"
            continue
        case.note(f"oracle.EXACT[{case.name!r}]({step!r}, **{case.p!r})")
        exact = oracle.EXACT[case.name](step, **case.p)
        error = oracle.error(case.name, value, step, case.p, exact)
        if not error <= 1:
            yield f"{case.code(step)} == {value!r}  # exact: {mp.nstr(exact, 20)}; {error:.4g} times what is promised"
        elif 2**-140 < abs(exact) < 2**127 and oracle.ulps(value, exact) <= 2:
            error = oracle.ulps(single, exact, dtype=np.float32)
            if not any(map(halfway, case.p.values())):
                case.count["float32"] += 1
                case.count["float32, not correctly rounded"] += error > 0.5
            if error > FLOAT32:
                yield f"{case.code(f'{step}, dtype=np.float32')} == {single!r}  # exact: {mp.nstr(exact, 20)}"


def halfway(x: Any) -> bool:
    """Whether a parameter is next to the middle of two float32: rates near it are often rounded to the wrong side."""
    return isinstance(x, float) and abs(np.float64(x).view(np.int64) % 2**29 - 2**28) <= 200


def difference(case: Case, way: str, steps: Any, have: Any, want: np.ndarray, call: str = "") -> Iterator[str]:
    case.count["values of other paths"] += want.size
    if not same(have, want):
        line = f"{case.code(shown(steps), call)}  # {way}: "
        if np.shape(have) == want.shape:
            at = int(np.argmax(bits(np.asarray(have, want.dtype)) != bits(want)))
            yield f"{line}element {at} is {have[at]!r}, as a single step {want[at]!r}"
        else:
            yield f"{line}the shape {np.shape(have)}"


def shown(steps: Any) -> str:
    return repr(steps) if isinstance(steps, range) else f"np.array({steps.tolist()}, np.{steps.dtype})"


def differing_paths(case: Case) -> Iterator[str]:
    """Rates that depend on how they are asked for: arrays, ranges, instruction sets, threads, pure Python, batches."""
    alone = case.schedule()
    run, arrays = case.run(90), []
    for steps in (np.array(case.whole, np.int64), np.array(case.floats), np.array(run, np.int64)):
        case.note(f"{case.code(shown(steps))}  # singly")
        arrays.append((steps, draws.one_by_one(alone, steps)))
    exact = np.abs(arrays[0][0]) <= 2**53
    arrays.append((arrays[0][0][exact].astype(np.float64), arrays[0][1][exact]))
    order = case.draw.sample(range(len(case.whole)), len(case.whole))
    many = case.draw.random() < 0.1
    for way, schedule in each_way(case):
        for steps, want in arrays:
            case.note(f"{case.code(shown(steps))}  # {way}")
            if way == "pure Python":
                yield from difference(case, f"{way}, an array", steps, schedule(steps), want)
                few = slice(None, None, 13)
                yield from difference(
                    case, f"{way}, singly", steps[few], draws.one_by_one(schedule, steps[few]), want[few]
                )
            else:
                for path, have, wanted in brief_calls(schedule, steps, want):
                    yield from difference(case, f"{way}, {path}", steps, have, wanted)
        case.note(f"{case.code(run)}  # {way}")
        yield from difference(case, f"{way}, a range", run, schedule(run), arrays[2][1])
        for size in (2 * BLOCK + 77, *([80 * BLOCK] if many else [])) if way != "pure Python" else ():
            steps, want = (array[order] for array in arrays[0])
            for threads in (1, 2) if size > 10_000 else (None,):
                have = schedule(np.resize(steps, size), num_threads=threads)
                path = f"{way}, np.resize(steps, {size}), {threads} threads"
                yield from difference(case, path, steps, have, np.resize(want, size))
    if case.name == "CosineDecay":
        yield from differing_batches(case, arrays)


def each_way(case: Case) -> Iterator[tuple[str, Any]]:
    """Every instruction set and pure Python, with the schedule there."""
    if "compiled" in case.packages:
        schedule, info = case.schedule("compiled"), case.packages["compiled"].build_info()
        kernel = sys.modules["cosine_fast._kernel"]
        try:
            for isa in info["isas"]:
                kernel.use_isa(isa)
                yield isa, schedule
        finally:
            kernel.use_isa(info["isa"])
    yield "pure Python", case.schedule("python")


def differing_batches(case: Case, arrays: list[tuple[np.ndarray, np.ndarray]]) -> Iterator[str]:
    p = {key: np.nan if value is None else value for key, value in case.p.items()}
    for backend, package in case.packages.items():
        for steps, want in arrays[: 2 if backend == "python" else None]:
            case.note(f"cosine_fast.cosine_decay({shown(steps)}, **{case.p!r})  # as arrays, {backend}")
            rows = {key: np.array([[value], [value]]) for key, value in p.items()}
            each = {key: np.full(steps.shape, value) for key, value in p.items()}
            for way, parameters in ("rows", rows), ("each", each):
                have = package.cosine_decay(steps, **parameters).reshape(-1)[-want.size :]
                yield from difference(case, f"{backend}, a batch, {way}", steps, have, want)


def wrong_sums(case: Case) -> Iterator[str]:
    """Sums of a few steps whose error is above what is promised; CosineDecay's sums have further checks."""
    for _ in range(3):
        steps = case.run(case.draw.randint(0, 25))
        for power, call in (1, ".sum"), (2, ".sum_of_squares"):
            line = case.code(f"{steps.start}, {steps.stop}, {steps.step}", call)
            case.note(line)
            case.count["sums of a few steps"] += 1
            error = oracle.sum_error(case.schedule(), case.name, steps, power, case.p)
            if not error <= 1:
                yield f"{line}  # {error:.4g} times what is promised"
    if case.name == "CosineDecay":
        yield from wrong_cosine_sums(case)


def wrong_cosine_sums(case: Case) -> Iterator[str]:
    """Sums over ranges that are not correctly rounded; sums up to a step that are beyond their bound or differ."""
    schedules = {backend: case.schedule(backend) for backend in case.packages}
    for _ in range(12):
        steps = draws.draw_range(case.draw, case.p)
        if case.draw.random() < 0.5:  # those about a change of sign are among these
            step = case.draw.choice(case.whole)
            steps = range(step, within(step + case.draw.randint(0, 4)))
        arguments = f"{steps.start}, {steps.stop}, {steps.step}"
        case.note(case.code(arguments, ".sum"))
        want = oracle.rounded(oracle.rate_sum(steps, **case.p))
        case.count["sums"] += 1
        for schedule in schedules.values():
            have = schedule.sum(steps.start, steps.stop, steps.step)
            if have != want:
                yield f"{case.code(arguments, '.sum')} == {have!r}  # exact: {want!r}"
    steps = np.array(case.draw.sample(case.whole, 12))
    case.note(case.code(shown(steps), ".cumulative"))
    function = case.schedule().cumulative
    want = draws.one_by_one(function, steps)
    for step, value in zip(steps.tolist(), want.tolist(), strict=True):
        case.note(case.code(step, ".cumulative"))
        case.count["cumulative sums"] += 1
        error = oracle.cumulative_error(value, step, case.p)
        if not error <= 1:
            yield f"{case.code(step, '.cumulative')} == {value!r}  # {error:.4g} times what is promised"
    run = case.run(40)
    run_want = draws.one_by_one(function, np.array(run, np.int64))
    for way, schedule in each_way(case):
        case.note(f"{case.code(shown(steps), '.cumulative')}  # {way}, and {run}")
        for path, have in (
            ("an array", schedule.cumulative(steps)),
            ("singly", draws.one_by_one(schedule.cumulative, steps)),
            ("reversed", schedule.cumulative(steps[::-1])[::-1]),
        ):
            yield from difference(case, f"{way}, {path}", steps, have, want, ".cumulative")
        yield from difference(case, f"{way}, a range", run, schedule.cumulative(run), run_want, ".cumulative")


def wrong_inverses(case: Case) -> Iterator[str]:
    """First steps that do not reach a value, or before which another does: by the schedule's own values."""
    if case.name != "CosineDecay":
        return
    best, draw = case.schedule(), case.draw
    if 0 < abs(best(math.inf)) < 2.3e-308:
        return  # a subnormal floor, which may lie above the rates before it
    begin, end = draws.bounds_of(case.p)
    end = min(end, INT64[1])
    for method, function, first, reaches in (
        ("step_at", best, begin, lambda x, wanted: x <= wanted),
        ("step_at_sum", best.cumulative, 0, lambda x, wanted: x >= wanted),
    ):
        for _ in range(6):
            step = draw.choice([draw.randint(first, end), begin, end, draw.randint(0, INT64[1])])
            wanted = math.nextafter(function(step), draw.choice([-math.inf, math.inf, function(step)]))
            wanted = draw.choice([wanted, wanted, draws.edge(draw), 0.0])
            case.note(case.code(repr(wanted), f".{method}"))
            found = {getattr(case.schedule(backend), method)(wanted) for backend in case.packages}
            case.count["inverses"] += 1
            line = f"{case.code(repr(wanted), f'.{method}')} == "
            if len(found) > 1:
                yield f"{line}{found}"
            have = found.pop()
            # The next steps on both sides, all those of a short schedule, and some of a long one.
            last = end if method == "step_at" else INT64[1]
            limit = last + 1 if have is None else have
            tried = {*range(first, min(limit, first + 200)), *range(max(first, limit - 4), limit)}
            if limit > first:
                tried |= {draw.randrange(first, limit) for _ in range(20)}
            earlier = [step for step in sorted(tried) if reaches(function(step), wanted)]
            if earlier:
                yield f"{line}{have}  # not the first: {earlier[0]}"
            elif have is not None and (have < first or not reaches(function(have), wanted)):
                yield f"{line}{have}  # not reached: {function(have)!r}"


def finds_of(case: Case) -> dict[str, list[str]]:
    """The finds of each kind, as lines of Python."""
    checks = (wrong_rates, differing_paths, wrong_sums, wrong_inverses)
    finds = {f"{check.__name__}, {case.name}": list(check(case)) for check in checks}
    return {kind: lines for kind, lines in finds.items() if lines}


# ---- The child and its parent ----


def work(seed: int, first: int, results: Any, noted: Any) -> None:
    """Search from this case on, for ever; tell what is found after each case, and note what is done."""
    faulthandler.enable()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")

    def note(line: str) -> None:
        noted.value = line.encode()[: len(noted) - 1]

    for number in itertools.count(first):
        case = drawn_case(seed, number, note)
        results.send((number, finds_of(case), case.count))


def watch(
    seed: int, ends: Callable[[Counter[str]], bool], worker: Callable[..., None] = work, limit: float = LIMIT
) -> tuple[Counter[str], Counter[str]]:
    """Run workers until `ends`; return how many finds there are of each kind, and what was done."""
    context = multiprocessing.get_context("spawn")
    first, found, done = 0, Counter(), Counter()

    def report(kind: str, line: str) -> None:
        found[kind] += 1
        if found[kind] <= SHOWN[1]:
            print(line, flush=True)

    while not ends(done):
        ours, theirs = context.Pipe(duplex=False)
        noted = context.RawArray(ctypes.c_char, 1 << 16)
        child = context.Process(target=worker, args=(seed, first, theirs, noted), daemon=True)
        child.start()
        theirs.close()
        begun = first
        try:
            while not ends(done):
                if not ours.poll(limit + 60 * (first == begun)):  # it takes some time to start
                    report("hangs", f"{noted.value.decode()}  # no end after {limit:g} s")
                    break
                number, finds, count = ours.recv()
                first, done = number + 1, done + count + Counter(schedules=1)
                for kind, lines in finds.items():
                    for line in lines[: SHOWN[0]]:
                        report(kind, line)
                    found[kind] += len(lines[SHOWN[0] :])
        except EOFError:
            child.join()
            report("deaths", f"{noted.value.decode()}  # the process ended with {child.exitcode}")
        first += 1  # past the case that ended it, if one did
        child.kill()
        child.join()
    return found, done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=int(datetime.date.today().strftime("%Y%m%d")))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--values", type=float, help="rates held against the oracle, whatever time they take")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    began = time.monotonic()

    def ends(done: Counter[str]) -> bool:
        if given.values is None:
            return time.monotonic() - began > given.seconds
        return sum(done[name] for name in NAMES) >= given.values

    found, done = watch(given.seed, ends)
    if done["float32, not correctly rounded"] > 10 + MISROUNDED * done["float32"]:
        found["float32 that are not correctly rounded"] += 1
    for what, count in sorted(done.items()):
        print(f"{count:12,}  {what}")
    print(f"{time.monotonic() - began:12.0f}  seconds")
    for kind, count in found.items():
        print(f"{count:12,}  finds: {kind}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
