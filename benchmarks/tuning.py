"""Before and after a change: `python benchmarks/tuning.py BEFORE [AFTER]` (git revisions; AFTER: the working tree).

Builds both in folders of their own and loads both into this process. First it compares bits: every schedule, sums and
batches, with parameters and steps drawn as accuracy.py draws them, on every path, dtype and instruction set. It prints
differences, and then exits with 1. Then it times both by turns (timing.py), after / before, for each kind of schedule,
phase, size, instruction set and number of threads. Needs what building needs, and mpmath.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import inspect
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from timeit import Timer
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import peers
from timing import PAUSE, interleaved, ratio

ROOT = Path(__file__).resolve().parent.parent
WORKING_TREE = "the working tree"

# ---- Two packages in one process ----


def check_out(revision: str, folder: Path) -> None:
    """The files of a revision, or those of the working tree that git does not ignore."""
    if revision != WORKING_TREE:
        archive = folder.with_suffix(".tar")
        subprocess.run(["git", "archive", "-o", str(archive), revision], cwd=ROOT, check=True)
        shutil.unpack_archive(archive, folder)
        return
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def build(revision: str, folder: Path) -> Path:
    check_out(revision, folder)
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=folder, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{revision} does not build:\n{done.stderr[-2000:]}")
    return folder


def load(name: str, folder: Path) -> ModuleType:
    """The package in `folder`, imported with its kernel under another name."""
    package = folder / "cosine_fast"
    spec = importlib.util.spec_from_file_location(
        name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.build_info()["backend"] == "compiled"
    return module


def kernel(package: ModuleType) -> Any:
    return sys.modules[f"{package.__name__}._backend"].kernel


# ---- Bits ----


def outcome(call: Callable[[], Any]) -> Any:
    """The result or the type of the exception, so that refusals are compared, too."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return call()
    except Exception as error:
        return type(error)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, type) or isinstance(b, type):
        return a is b
    a, b = np.asarray(a), np.asarray(b)
    return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())


def layouts(steps: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield str(steps.dtype), steps
    yield f"byte-swapped {steps.dtype}", steps.astype(steps.dtype.newbyteorder())
    yield f"every second {steps.dtype}", np.repeat(steps, 2)[::2]
    for dtype in ("int32", "uint32", "float32", "float64"):
        with np.errstate(all="ignore"):
            yield dtype, steps.astype(dtype)


Way = Callable[..., Any]  # of calling: steps in, rates out, with the option dtype=


def paths(way: Way, steps: np.ndarray) -> Iterator[tuple[str, Any, Callable[[], Any]]]:
    """Every kind of steps that a call accepts, as (words, the steps, call)."""
    for words, array in layouts(steps):
        for dtype in (np.float64, np.float32):
            yield f"{words} to {np.dtype(dtype)}", array, lambda a=array, d=dtype: way(a, dtype=d)
    for step in steps[:: max(1, steps.size // 4)].tolist():
        yield f"step {step!r}", step, lambda s=step: way(s)
    if steps.dtype.kind == "i":
        first, last = int(steps[0]), int(steps[-1])
        some = range(first, last, max(1, (last - first) // steps.size))
        yield repr(some), some, lambda: way(some)


def parameters(p: Any, steps: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    """By name, parameters of any schedule, about as large as those that accuracy.py drew for CosineDecay."""
    boundaries = np.unique(rng.choice(steps, rng.choice([1, 3, 20, 200]))).tolist()
    drawn = {
        "decay_rate": [0.0, 0.1, 0.5, 0.96, 1.0, 1.1, rng.uniform(0, 3)],
        "t_mul": [1.0, 1.5, 2.0, 10.0, rng.uniform(0, 3), 1.0 + rng.choice([-1, 1]) * 2.0 ** -rng.integers(1, 53)],
        "m_mul": [0.5, 0.9, 1.0, 1.1],
        "power": [0.5, 1.0, 2.0, 3.0, 0.9, rng.uniform(0, 5)],
    }
    return {
        "initial_learning_rate": p.L0, "warmup_target": p.T, "end_learning_rate": p.peak * p.alpha, "alpha": p.alpha,
        "decay_steps": p.D, "first_decay_steps": p.D, "timescale": p.D, "warmup_steps": p.W, "shift": p.W,
        "boundaries": boundaries, "values": rng.normal(p.peak, abs(p.peak), len(boundaries) + 1).tolist(),
        "staircase": bool(rng.integers(2)), "cycle": bool(rng.integers(2)),
    } | {name: float(rng.choice(values)) for name, values in drawn.items()}  # fmt: skip


def ways(
    package: ModuleType, names: list[str], numbers: Mapping[str, Any], batch: list[Any]
) -> Iterator[tuple[str, Any]]:
    """Each schedule, its sums and a batch of CosineDecays, as (code, way or the type of the exception)."""
    for name in names:
        cls = getattr(package, name)
        wanted = inspect.signature(cls).parameters.values()
        config = {x.name: numbers.get(x.name, 1.5) for x in wanted if x.name in numbers or x.default is x.empty}
        schedule = outcome(functools.partial(cls, **config))
        code = f"{name}(**{config})"
        yield code, schedule
        if name == "CosineDecay":  # the kernel has only its sums
            yield f"{code}.cumulative", schedule if isinstance(schedule, type) else schedule.cumulative
    columns = [np.array([np.nan if x is None else x for x in column]) for column in zip(*batch, strict=True)]
    for axis, code in enumerate(("cosine_decay(steps[:, None], *columns)", "cosine_decay(steps, *columns[:, None])")):

        def way(steps: Any, axis: int = axis, **options: Any) -> Any:
            steps = steps if axis else np.asarray(steps)[..., None]
            return package.cosine_decay(steps, *(x[:, None] if axis else x for x in columns), **options)

        yield f"{code} of {[column.tolist() for column in columns]}", way


def differences(before: ModuleType, after: ModuleType, isas: list[str], draws: int, seed: int) -> Iterator[str]:
    """Up to three differences of each way, in words that reproduce them."""
    import accuracy

    names = [name for name in sys.modules[f"{after.__name__}.schedules"].SCHEDULES if hasattr(before, name)]
    rng = np.random.default_rng(seed)
    batch: list[Any] = []
    found: Counter[int] = Counter()
    for turn in range(draws):
        p, steps, _ = accuracy.draw(rng, 2048 if turn % 50 else 2**17)  # now and then enough for threads
        if not isinstance(outcome(p.schedule), type):
            batch = [*batch[-15:], p]
        numbers = parameters(p, steps, rng)
        both = (ways(package, names, numbers, batch) for package in (before, after))
        for i, ((code, old), (_, new)) in enumerate(zip(*both, strict=True)):
            if isinstance(old, type) or isinstance(new, type):
                different = [] if old is new else [f"{code}: {old} before, {new} after"]
            else:
                some = steps[::32] if "cosine_decay(" in code or ".cumulative" in code else steps  # these take longer
                different = list(itertools.islice(differences_of((old, new), (before, after), isas, some, code), 1))
            found[i] += len(different)
            yield from different if found[i] <= 3 else []


def differences_of(
    both: tuple[Way, Way], packages: tuple[ModuleType, ModuleType], isas: list[str], steps: np.ndarray, code: str
) -> Iterator[str]:
    for isa in isas:
        for package in packages:
            kernel(package).use_isa(isa)
        for (words, given, before), (_, _, after) in zip(*(paths(way, steps) for way in both), strict=True):
            a, b = outcome(before), outcome(after)
            if not same(a, b):
                yield f"{isa}, {code}, {words}: {where(a, b, given)}"


def where(a: Any, b: Any, steps: Any) -> str:
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype):
        return f"{a!r} before, {b!r} after"
    width = f"u{a.itemsize}"
    at = np.argwhere(a.view(width) != b.view(width))
    i = tuple(at[0].tolist())
    step = f"step {np.asarray(steps)[i]!r}, " if a.shape == np.shape(steps) else ""
    return f"{len(at)} of {a.size}, the first at {i}: {step}{float(a[i]).hex()} before, {float(b[i]).hex()} after"


# ---- Times ----


class Case(NamedTuple):
    """A schedule and a phase of it: its steps are first + i * stride, in a random order if `shuffled`."""

    kind: str
    phase: str
    config: dict[str, Any]
    first: int = 0
    stride: int = 1
    shuffled: bool = False
    name: str = "CosineDecay"

    def schedule(self, package: ModuleType) -> Any:
        return getattr(package, self.name)(**self.config)


KINDS = {"decay <= 2^27": 2**27, "decay > 2^27": 3 * 10**9, "fractional": 2**27 - 0.5}


def config(warmup: int, decay: float, alpha: float) -> dict[str, Any]:
    rates = {"initial_learning_rate": 0.0, "alpha": alpha, "warmup_target": 1e-3}
    return rates | {"decay_steps": decay, "warmup_steps": warmup}


def cases(n: int) -> Iterator[Case]:
    for kind, decay in KINDS.items():
        warmup = 2 * n
        end = warmup + int(decay) + 1
        middle = warmup + int(decay) // 2 + 1
        yield Case(kind, "warmup", config(warmup, decay, 0.1))
        yield Case(kind, "upper half", config(warmup, decay, 0.1), warmup)
        yield Case(kind, "lower half to zero", config(warmup, decay, 0.0), middle)
        yield Case(kind, "lower half, floor", config(warmup, decay, 0.1), middle)
        yield Case(kind, "past the end", config(warmup, decay, 0.1), end)
        mixed = config(int(decay) // 8, decay, 0.1)
        stride = int(decay) * 10 // 8 // n  # a tenth of warmup, a tenth of floor
        yield Case(kind, "mixed", mixed, 0, stride)
        yield Case(kind, "shuffled", mixed, 0, stride, shuffled=True)
    for name, member in peers.FAMILY.items():
        yield Case(name, "whole run", member.parameters(n), shuffled=member.shuffled, name=member.schedule)


STATEMENTS = {
    "array": "schedule(steps, out=out)",
    "float32": "schedule(steps, out=single)",
    "precompute": "schedule.precompute(first, last, stride, out=out)",
    "fresh": "schedule(steps)",
}
CALLS = {
    "schedule(int)": "schedule(500)",
    "schedule(float)": "schedule(0.5)",
    "schedule(np.int64)": "schedule(i64)",
    "array of 1": "schedule(one)",
    "array of 100": "schedule(hundred)",
    "array of 1000": "schedule(thousand)",
    "array of 1000, out=": "schedule(thousand, out=out)",
    "CosineDecay(...)": "package.CosineDecay(0.0, 900, 0.1, warmup_target=1e-3, warmup_steps=100)",
    "batch of 100 x 10": "package.cosine_decay(hundred[:10], 0.1, 1 + hundred[:, None])",
    "batch of 10 x 1000": "package.cosine_decay(thousand, 0.1, 1 + hundred[:10, None])",
    "cumulative of 100": "schedule.cumulative(hundred)",
}


def timer(package: ModuleType, statement: str, threads: int, isa: str, names: dict[str, Any]) -> Timer:
    settings = {"set_num_threads": package.set_num_threads, "use_isa": kernel(package).use_isa}
    return Timer(statement, f"set_num_threads({threads}); use_isa({isa!r})", globals=names | settings)


def show(words: str, n: int, before: list[float], after: list[float]) -> None:
    a, b = (statistics.median(times) / n * 1e9 for times in (before, after))
    r = ratio(after, before)
    verdict = "faster" if r.high < 0.98 else "slower" if r.low > 1.02 else ""
    print(f"| {words} | {a:.3g} | {b:.3g} | {r} | {verdict} |", flush=True)


class Pair(NamedTuple):
    """Both packages, and how to measure them."""

    before: ModuleType
    after: ModuleType
    isas: list[str]
    repeats: int
    least: float

    def compare(
        self, words: str, n: int, statements: dict[str, str], threads: list[int], case: Case, names: dict[str, Any]
    ) -> None:
        """One row for each statement, instruction set and number of threads."""
        timers = {}
        for side, package in (("before", self.before), ("after", self.after)):
            given = names | {"schedule": case.schedule(package), "package": package}
            for what, statement in statements.items():
                for isa in self.isas:
                    for count in threads:
                        timers[what, isa, count, side] = timer(package, statement, count, isa, given)
        pause = PAUSE if max(threads) > 1 else 0.0
        seconds = interleaved(timers, self.repeats, self.least, pause)
        for what, isa, count, side in timers:
            if side == "before":
                row = f"{words}{what} | {isa} | {count}"
                show(row, n, seconds[what, isa, count, "before"], seconds[what, isa, count, "after"])


def measure(pair: Pair, sizes: list[int], only: list[str]) -> None:
    everyone = sorted({1, peers.all_threads()})
    print("\n| kind, phase, n, path | instruction set | threads | before, ns | after, ns | after / before | |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for n in sizes:
        out, single = np.zeros(n), np.zeros(n, np.float32)
        for case in cases(n):
            words = f"{case.kind}, {case.phase}, {n:,}, "
            statements = {
                what: statement
                for what, statement in STATEMENTS.items()
                if (what == "array" or case.phase in ("mixed", "whole run"))
                and all(word in words + what for word in only)
            }
            if not (statements and hasattr(pair.before, case.name)):
                continue
            steps = case.first + case.stride * np.arange(n)
            if case.shuffled:
                np.random.default_rng(0).shuffle(steps)
            names = {"steps": steps, "out": out, "single": single, "first": case.first, "stride": case.stride}
            names["last"] = case.first + case.stride * n
            pair.compare(words, n, statements, everyone, case, names)
    calls = {what: statement for what, statement in CALLS.items() if all(word in f"calls, {what}" for word in only)}
    if calls:
        arrays = {"one": np.array([500]), "hundred": np.arange(100), "thousand": np.arange(1000)}
        arrays |= {"out": np.zeros(1000), "i64": np.int64(500)}
        pair.compare("calls, ", 1, calls, [1], Case("", "", config(100, 900, 0.1)), arrays)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("before", help="a git revision")
    parser.add_argument("after", nargs="?", default=WORKING_TREE, help="a git revision; the working tree")
    parser.add_argument("--quick", action="store_true", help="a smoke run: few draws, short timings")
    parser.add_argument(
        "--bits", choices=("equal", "report"), default="equal", help="report: measure even if they differ"
    )
    parser.add_argument("--draws", type=int, help="how many times parameters are drawn for the comparison of bits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--isa", action="append", help="only these")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--sizes", type=int, nargs="*", help="of the arrays that are timed; none: only compare bits")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="time only rows with all these words")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("COSINE_FAST_")]:
        del os.environ[name]
    draws = given.draws or (100 if given.quick else 1000)
    repeats = given.repeats or (3 if given.quick else 9)
    sizes = given.sizes if given.sizes is not None else [2**15] if given.quick else [2**15, 2**25]
    with tempfile.TemporaryDirectory() as folder:
        trees = [build(revision, Path(folder, name)) for name, revision in (("b", given.before), ("a", given.after))]
        before, after = (load(name, tree) for name, tree in zip(("before", "after"), trees, strict=True))
        sys.modules["cosine_fast"] = after  # for accuracy.py, which imports it
        both = [isa for isa in after.build_info()["isas"] if isa in before.build_info()["isas"]]
        isas = [isa for isa in both if not given.isa or isa in given.isa]
        found = False
        for difference in differences(before, after, isas, draws, given.seed):
            print(f"DIFFERS: {difference}", flush=True)
            found = True
        if not found:
            print(f"bits: equal, {draws:,} draws on {', '.join(isas)}, {given.before} and {given.after}", flush=True)
        if found and given.bits == "equal":
            return 1
        if sizes:
            measure(Pair(before, after, isas, repeats, 0.0005 if given.quick else 0.005), sizes, given.only)
    return int(found and given.bits == "equal")


if __name__ == "__main__":
    sys.exit(main())
