"""Batches compared with other ways to compute them: `python benchmarks/batches.py` (needs the extra `bench`).

cosine_decay, one schedule's array path, a NumPy expression, a parallel Numba loop and a Python loop take turns in one
process (timing.py). The rates of each are compared with ours before it is timed. Prints the tables of
docs/explanation/performance-parts.md: nanoseconds per value, and ratios with their quartiles.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from timeit import Timer
from typing import Any, NamedTuple

import numpy as np
from timing import PAUSE, interleaved, ratio

import cosine_fast
from cosine_fast import CosineDecay, WarmupStableDecay, batches, cosine_decay, warmup_stable_decay
from cosine_fast.schedules.warmup_stable_decay import DECAYS

try:
    import numba
except ImportError:
    numba = None

OURS, ONE, NUMPY, NUMBA = "cosine_decay", "one CosineDecay", "NumPy", "Numba, parallel, fastmath"
FRESH = "cosine_decay, a fresh result"
PYTHON, CLASS = "Python loop, math.cos", "Python loop, CosineDecay(...)(step)"


class Shape(NamedTuple):
    """`schedules` x `steps` values, computed `part` schedules at a time into the same memory."""

    schedules: int
    steps: int
    part: int

    def __str__(self) -> str:
        return f"{self.schedules:,} schedules x {self.steps:,} steps"


FULL = {
    "long": Shape(10**4, 10**5, 1000),
    "short": Shape(10**6, 100, 10**6),
    "one": Shape(10**7, 1, 10**7),
    "cached": Shape(16_384, 1, 16_384),  # on one thread
    "few": Shape(4, 10**7, 4),
}
QUICK = {
    "long": Shape(100, 10**4, 100),
    "short": Shape(10**4, 100, 10**4),
    "one": Shape(10**5, 1, 10**5),
    "cached": Shape(10**4, 1, 10**4),
    "few": Shape(4, 10**5, 4),
}

Parameters = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def parameters(many: int, steps: int) -> Parameters:
    """As in a hyper-parameter search: peaks, lengths and floors differ; a tenth of each run is warmup."""
    r = np.random.default_rng(0)
    length = r.integers(max(2, steps // 2), max(3, steps), many)
    peak = 10 ** r.uniform(-4, -2, many)
    return peak * 0.01, length, r.choice([0.0, 0.1], many), peak, np.maximum(length // 10, 1)


def numpys(step: Any, L0: Any, D: Any, alpha: Any, T: Any, W: Any) -> Any:
    """Keras's formula in NumPy."""
    t = step - W
    decay = T * ((1 - alpha) * (0.5 * (1 + np.cos(np.pi * np.minimum(t, D) / D))) + alpha)
    return np.where(step < W, L0 + (T - L0) * step / W, decay)


def pythons(step: int, L0: float, D: int, alpha: float, T: float, W: int) -> float:
    if step < W:
        return L0 + (T - L0) * step / W
    return T * ((1 - alpha) * (0.5 * (1 + math.cos(math.pi * min(step - W, D) / D))) + alpha)


def numbas() -> Callable[..., None] | None:
    """A loop over both axes, parallel over the schedules."""
    if numba is None:
        return None
    rate = numba.njit(fastmath=True, inline="always")(pythons)

    @numba.njit(parallel=True, fastmath=True)
    def loop(steps: Any, L0: Any, D: Any, alpha: Any, T: Any, W: Any, out: Any) -> None:
        for i in numba.prange(L0.size):
            for j in range(steps.shape[1]):
                out[i, j] = rate(steps[i, j], L0[i], D[i], alpha[i], T[i], W[i])

    return loop


class Case:
    """The contenders of one shape: functions without arguments, and how many values each computes."""

    def __init__(self, shape: Shape, threads: int) -> None:
        self.shape, self.threads = shape, threads
        many, steps = shape.schedules, shape.steps
        self.given = parameters(many, steps if steps > 1 else 10**5)
        self.columns = tuple(a[:, None] for a in self.given)
        # If each schedule has one step, any of the run; else all steps of the run, in order.
        r = np.random.default_rng(1)
        self.steps = r.integers(0, 10**5, (many, 1)) if steps == 1 else np.arange(steps)[None, :]
        self.out = np.zeros((shape.part, steps))
        self.calls: dict[str, tuple[Callable[[], Any], int]] = {}

    def part(self, begin: int, count: int) -> tuple[np.ndarray, Parameters]:
        steps = self.steps[begin : begin + count] if len(self.steps) > 1 else self.steps
        return steps, tuple(a[begin : begin + count] for a in self.columns)  # type: ignore[return-value]

    def ours(self, name: str = OURS, threads: int = 0, fresh: bool = False) -> None:
        out, threads = None if fresh else self.out, threads or self.threads
        parts = [self.part(begin, self.shape.part) for begin in range(0, self.shape.schedules, self.shape.part)]

        def call() -> Any:
            for steps, columns in parts:
                rates = cosine_decay(steps, *columns, out=out, num_threads=threads)
            return rates

        self.calls[name] = call, self.shape.schedules * self.shape.steps

    def look(self) -> None:
        """The check of the parameters that every call begins with."""
        names = ("initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps")
        columns = dict(zip(names, self.columns, strict=True))

        def call() -> bool:
            return all(batches._is_safe(name, column, self.threads) for name, column in columns.items())

        assert call()
        self.calls["its look at the parameters"] = call, self.shape.schedules

    def one(self) -> None:
        """One schedule, with as many steps as one batch has values."""
        schedule = CosineDecay(1e-5, 80_000, 0.1, warmup_target=1e-3, warmup_steps=10_000)
        steps = np.resize(np.arange(10**5), self.out.size)
        out = self.out.reshape(-1)
        self.calls[ONE] = (lambda: schedule(steps, out=out, num_threads=self.threads)), self.out.size

    def check(self, name: str, rates: np.ndarray, count: int) -> None:
        steps, columns = self.part(0, count)
        if not np.allclose(rates, cosine_decay(steps, *columns), rtol=1e-9, atol=1e-15):
            raise AssertionError(f"{name}, {self.shape}: other rates")

    def numpy(self, values: int) -> None:
        count = min(self.shape.schedules, max(1, values // self.shape.steps))
        steps, columns = self.part(0, count)
        self.check(NUMPY, numpys(steps, *columns), count)
        self.calls[NUMPY] = (lambda: numpys(steps, *columns)), count * self.shape.steps

    def numba(self, loop: Callable[..., None] | None) -> None:
        if loop is None:
            return
        numba.set_num_threads(min(self.threads, numba.config.NUMBA_NUM_THREADS))
        count = self.shape.part
        steps, given = np.broadcast_to(self.part(0, count)[0], self.out.shape), tuple(a[:count] for a in self.given)
        loop(steps, *given, self.out)
        self.check(NUMBA, self.out, count)
        self.calls[NUMBA] = (lambda: loop(steps, *given, self.out)), self.out.size

    def python(self) -> None:
        count = min(self.shape.schedules, 1000)
        rows = list(zip(*(a[:count].tolist() for a in self.given), strict=True))
        steps = self.part(0, count)[0][:, :100].tolist()
        steps = steps if len(steps) > 1 else steps * count

        def plain() -> list[list[float]]:
            return [[pythons(s, *row) for s in own] for row, own in zip(rows, steps, strict=True)]

        def schedules() -> list[list[float]]:
            result = []
            for (L0, D, alpha, T, W), own in zip(rows, steps, strict=True):
                schedule = CosineDecay(L0, D, alpha, warmup_target=T, warmup_steps=W)
                result.append([schedule(s) for s in own])
            return result

        for name, call in ((PYTHON, plain), (CLASS, schedules)):
            wanted = cosine_decay(np.array(steps), *(a[:count] for a in self.columns))
            assert np.allclose(call(), wanted, rtol=1e-9, atol=1e-15), name
            self.calls[name] = call, count * len(steps[0])

    def time(self, repeats: int) -> dict[str, list[float]]:
        """Nanoseconds per value of each contender, one for each turn."""
        seconds = interleaved({name: Timer(call) for name, (call, _) in self.calls.items()}, repeats, 0.002, PAUSE)
        return {name: [s / self.calls[name][1] * 1e9 for s in times] for name, times in seconds.items()}


def table(shape: Shape, threads: int, times: dict[str, list[float]], beside: str = OURS) -> None:
    print(f"\n| {shape}, {threads} threads | ns per value | its time / {beside}'s |\n| --- | --- | --- |")
    for name, each in times.items():
        print(f"| {name} | {statistics.median(each):.3g} | {ratio(each, times[beside])} |")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="small arrays, few turns: a smoke run")
    parser.add_argument("--only", nargs="+", choices=FULL, default=list(FULL), help="shapes")
    parser.add_argument("--repeats", type=int, help="turns of each comparison")
    given = parser.parse_args()
    shapes, repeats = (QUICK, given.repeats or 3) if given.quick else (FULL, given.repeats or 7)
    threads, loop = cosine_fast.get_num_threads(), numbas()
    print(f"cosine_fast {cosine_fast.build_info()}, NumPy {np.__version__}")
    results: dict[str, dict[str, list[float]]] = {}
    for key in given.only:
        began = time.perf_counter()
        case = Case(shapes[key], 1 if key == "cached" else threads)
        case.ours()
        if key in ("long", "short"):
            case.one()
        if key == "one":
            case.ours(FRESH, fresh=True)
        if key == "cached":
            case.look()
        elif key != "long":
            case.ours("cosine_decay, one thread", threads=1)
        if key != "few":
            case.numpy(10**7)
        if key not in ("few", "cached"):
            case.numba(loop)
            case.python()
        results[key] = case.time(repeats)
        table(case.shape, case.threads, results[key])
        print(f"\n({time.perf_counter() - began:.0f} s)", file=sys.stderr)

    print("\n| what | beside | promised | measured (quartiles) |  |\n| --- | --- | --- | --- | --- |")
    one_thread = "cosine_decay, one thread"
    for key, ours, other, words, most in (
        ("long", OURS, ONE, "its time, at most 1.15", 1.15),
        ("short", OURS, ONE, "its time, at most 2", 2.0),
        ("one", FRESH, NUMPY, "a fresh result: times as fast, at least 10", -10),  # NumPy's result is fresh, too
        ("one", OURS, NUMPY, "into `out=`: times as fast", -math.inf),
        ("one", OURS, NUMBA, "into `out=`: times as fast", -math.inf),
        ("short", OURS, one_thread, "times as fast", -math.inf),
        ("few", OURS, one_thread, "times as fast", -math.inf),
    ):
        if other in results.get(key, {}):
            slower = most is not None and most < 0  # a speedup; its bound is negated
            measured = ratio(*(results[key][name] for name in ((other, ours) if slower else (ours, other))))
            row(shapes[key], other, words, measured, most, -measured.median if slower else measured.median)
    if {"long", "short"} <= set(results):
        # The two shapes never shared a turn, so each is first divided by one schedule's time.
        short, long = (ratio(results[key][OURS], results[key][ONE]).median for key in ("short", "long"))
        row(shapes["short"], shapes["long"], "its time per value, at most 2", f"{short / long:.2f}", 2, short / long)
    if {"one", "long"} <= set(results):
        stables(shapes["one"].schedules, shapes["long"].part, shapes["long"].steps, repeats)


def stable_numpys(step: Any, peak: Any, W: Any, S: Any, D: Any, end: Any, decay: str) -> Any:
    """WarmupStableDecay's formula in NumPy."""
    x = np.minimum(np.maximum(step - W - S, 0) / D, 1)
    if decay == "exponential":
        fallen = peak * (end / peak) ** x
    else:
        shape = {
            "linear": lambda: 1 - x,
            "cosine": lambda: 0.5 * (1 + np.cos(np.pi * x)),
            "1-sqrt": lambda: 1 - np.sqrt(x),
            "1-square": lambda: 1 - x * x,
        }[decay]()
        fallen = end + (peak - end) * shape
    return np.where(step < W, peak * step / W, fallen)


def stables(many: int, rows: int, length: int, repeats: int) -> None:
    """WarmupStableDecays: one step each beside NumPy, both in fresh memory, and many steps beside one schedule."""
    r = np.random.default_rng(2)
    counts = [r.integers(1, 10**5 // part, many) for part in (10, 2, 4)]
    peak, step = 10 ** r.uniform(-4, -2, many), r.integers(0, 10**5, many)
    given, run, out = [peak, *counts, 0.1 * peak], np.arange(length), np.zeros((rows, length))
    columns, steps, flat = [each[:rows, None] for each in given], np.resize(run, out.size), out.reshape(-1)

    def times_of(decay: str) -> dict[str, list[float]]:
        schedule = WarmupStableDecay(1e-3, 5_000, 25_000, 12_500, decay=decay, end_learning_rate=1e-4)

        def ours(step: Any, *given: Any, out: Any = None) -> Any:
            return warmup_stable_decay(step, *given[:-1], end_learning_rate=given[-1], decay=decay, out=out)

        assert np.allclose(ours(step, *given), stable_numpys(step, *given, decay), rtol=1e-9, atol=1e-15), decay
        calls: dict[str, Callable[[], Any]] = {
            "one": lambda: ours(step, *given),
            "NumPy": lambda: stable_numpys(step, *given, decay),
            "rows": lambda: ours(run, *columns, out=out),
            "schedule": lambda: schedule(steps, out=flat),
        }
        return interleaved({name: Timer(call) for name, call in calls.items()}, repeats, 0.002, PAUSE)

    print(
        f"\n| warmup_stable_decay, {many:,} schedules x 1 step | ns per value | times as fast as NumPy "
        f"| {rows:,} x {length:,}: its time / one schedule's |\n| --- | --- | --- | --- |"
    )
    for decay in DECAYS:
        times = times_of(decay)
        each = f"{statistics.median(times['one']) / many * 1e9:.3g} | {ratio(times['NumPy'], times['one'])}"
        print(f"| {decay} | {each} | {ratio(times['rows'], times['schedule'])} |", flush=True)


def row(what: Shape, beside: Any, words: str, measured: Any, most: float | None, value: float) -> None:
    held = "" if most in (None, -math.inf) else "held" if value <= most else "**NOT held**"
    print(f"| {what} | {beside} | {words} | {measured} | {held} |")


if __name__ == "__main__":
    main()
