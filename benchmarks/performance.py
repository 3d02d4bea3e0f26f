"""Speed compared with other tools: `python benchmarks/performance.py` (extras `bench` and, for all peers, `peers`).

In one process all contenders (peers.py) and the memory limit (limits.c) take turns (timing.py). The rates of each are
compared with cosine_fast's before it is timed. Prints the tables and the promises of speed, each ratio with its
quartiles, and writes all times to a JSON file, from which report.py updates docs/explanation/performance.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from timeit import Timer
from typing import Any, NamedTuple

import numpy as np
import peers
import report
from peers import AbsentError, all_threads
from timing import PAUSE, Ratio, interleaved, ratio, spread

import cosine_fast
from cosine_fast import ConstantSchedule, CosineDecay, PolynomialDecay, join_schedules, with_warmup
from cosine_fast._backend import kernel
from cosine_fast.schedules import SCHEDULES

ISA = cosine_fast.build_info()["isa"]
ISAS = [isa for isa in kernel.ISAS if cosine_fast.build_info()["backend"] == "compiled"]
CONVERTED = ("float16", "longdouble")  # dtypes that the kernel has no loop for
C, NUMBA = "C, -Ofast, libmvec", "Numba, parallel, fastmath"


class Scale(NamedTuple):
    """Sizes and repeats: `memory` values exceed the caches, `cache` values fit into L2."""

    sizes: tuple[int, ...]
    one_thread: tuple[int, ...]
    cache: int
    memory: int
    largest: int
    repeats: int
    least: float  # seconds per timing
    peers_skipped: tuple[str, ...] = ()


FULL = Scale(
    sizes=(1, 10, 100, 1000, 10**4, 2**16, 2**18, 2**20, 2**22, 2**25, 2**27),
    one_thread=(1000, 2**16, 2**20, 2**25),
    cache=2**16,
    memory=2**25,
    largest=2**27,
    repeats=9,
    least=0.005,
)
QUICK = Scale(
    sizes=(1, 1000, 2**16, 2**20),
    one_thread=(2**16,),
    cache=2**14,
    memory=2**20,
    largest=2**21,
    repeats=3,
    least=0.0005,
    peers_skipped=("PyTorch, torch.compile",),  # compiles for a quarter of a minute
)


@dataclass
class Comparison:
    """Seconds of each contender, one for each turn."""

    group: str
    n: int
    threads: int
    seconds: dict[str, list[float]]
    note: str = ""

    def ratio(self, numerator: str, denominator: str) -> Ratio:
        return ratio(self.seconds[numerator], self.seconds[denominator])

    def quickest(self, *names: str) -> str:
        return min((name for name in names if name in self.seconds), key=lambda x: statistics.median(self.seconds[x]))


def schedule_for(n: int) -> CosineDecay:
    warmup, decay = peers.parameters(n)
    return CosineDecay(peers.L0, decay, peers.ALPHA, warmup_target=peers.PEAK, warmup_steps=warmup)


def ours(statement: str, threads: int, isa: str = ISA, **names: Any) -> Timer:
    """A statement that uses cosine_fast; threads and instruction set are set before the clock starts."""
    names |= {"set_num_threads": cosine_fast.set_num_threads, "use_isa": kernel.use_isa}
    return Timer(statement, f"set_num_threads({threads}); use_isa({isa!r})", globals=names)


def peak_memory(timer: Timer) -> int:
    """The bytes by which the process grows during one execution; 0 where the system does not tell."""

    def status(key: str) -> int:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))
        return int(line.split()[1]) * 1024

    try:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        before = status("VmHWM")
        timer.timeit(1)
        return status("VmHWM") - before
    except OSError:
        return 0


def check(name: str, result: Any, expected: np.ndarray, tolerance: float, others: float = 0.0) -> None:
    """Compare about a million values spread over the array; a share of `others` may differ."""
    every = max(1, expected.size // 2**20)
    wanted, given = expected[::every], np.asarray(result)[::every]
    near = np.isclose(given, wanted, rtol=tolerance, atol=peers.PEAK * tolerance * 1e-3)
    if np.mean(~near) > others:
        worst = np.abs(given - wanted).max()
        raise AssertionError(f"{name}, {expected.size} steps: off by {worst}")


@dataclass
class Benchmark:
    scale: Scale
    comparisons: list[Comparison] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    scratch: dict[str, int] = field(default_factory=dict)  # bytes that a call needs for itself

    def compare(
        self, group: str, n: int, threads: int, contenders: Mapping[str, Timer], note: str = "", more: int = 1
    ) -> Comparison:
        pause = PAUSE if threads > 1 else 0.0
        seconds = interleaved(contenders, self.scale.repeats * more, self.scale.least, pause)
        self.comparisons.append(Comparison(group, n, threads, seconds, note))
        return self.comparisons[-1]

    def find(self, group: str, n: int | None = None, threads: int | None = None, note: str = "") -> Comparison | None:
        for c in self.comparisons:
            if c.group == group and n in (None, c.n) and threads in (None, c.threads) and note in ("", c.note):
                return c
        return None

    # ---- Contenders ----

    def limits(self, steps: np.ndarray, out: np.ndarray, threads: int) -> dict[str, Timer]:
        try:
            library = peers.limits()
        except AbsentError as error:
            self.absent["memory limit"] = str(error)
            return {}
        timers = {}
        for streaming in (True, False) if library.functions.has_streaming() else (False,):
            how = "streaming" if streaming else "plain"
            convert, fill = peers.convert(steps, out, threads, streaming), peers.fill(out, threads, streaming)
            convert()
            check(f"limit, {how}", out, steps, 0.0)
            fill()
            check(f"write limit, {how}", out, np.ones(1).repeat(out.size), 0.0)
            timers |= {f"limit, {how}": Timer(convert), f"write limit, {how}": Timer(fill)}
        return timers

    def peers(self, names: Iterable[str], steps: np.ndarray, out: np.ndarray, threads: int) -> dict[str, Timer]:
        expected, timers = schedule_for(steps.size)(steps), {}
        for name in names:
            peer = peers.PEERS[name]
            if name in self.scale.peers_skipped:
                self.absent[name] = "skipped by --quick"
            elif steps.size > FULL.memory and not peer.frugal:
                self.absent[f"{name}, beyond {FULL.memory:,}"] = "its temporary arrays need several GB"
            else:
                try:
                    call = peer.build(steps, out, threads)
                    check(name, call(), expected, peer.tolerance)
                except AbsentError as error:
                    self.absent[f"{name}, {threads} of {all_threads()} threads"] = str(error)
                else:
                    timers[name] = Timer(call)
        return timers

    # ---- Groups ----

    def arrays(self) -> None:
        """All contenders at all sizes, with all threads."""
        for n in self.scale.sizes:
            self.array(n, all_threads())

    def one_thread(self) -> None:
        """The same on one thread."""
        for n in self.scale.one_thread:
            if all_threads() > 1:
                self.array(n, 1)

    def array(self, n: int, threads: int) -> None:
        steps, out, single = np.arange(n), np.zeros(n), np.zeros(n, np.float32)
        schedule = schedule_for(n)
        names = {"schedule": schedule, "n": n, "steps": steps, "out": out, "single": single, "np": np}
        others = self.peers(peers.PEERS, steps, out, threads) | self.limits(steps, out, threads)
        expected = schedule(steps)
        check("out=", schedule(steps, out=out), expected, 0.0)
        check("precompute", schedule.precompute(n, out=out), expected, 0.0)
        check("float32", schedule(steps, out=single), expected.astype(np.float32), 0.0)
        del expected
        statements = {
            "cosine_fast": "schedule(steps, out=out)",
            "cosine_fast, float32": "schedule(steps, out=single)",
            "cosine_fast, fresh": "schedule(steps)",
            "cosine_fast, precompute": "schedule.precompute(n, out=out)",
            "cosine_fast, precompute, float32": "schedule.precompute(n, out=single)",
            "cosine_fast, precompute, fresh": "schedule.precompute(n)",
            "np.empty(n).fill(1.0)": "np.empty(n).fill(1.0)",
        }
        mine = {name: ours(statement, threads, **names) for name, statement in statements.items()}
        self.compare("array", n, threads, mine | others)

    def scaling(self) -> None:
        """1, 2, 4 ... threads."""
        counts = [2**i for i in range(all_threads().bit_length()) if 2**i < all_threads()] + [all_threads()]
        for n in (self.scale.memory // 32, self.scale.memory):
            names = {"schedule": schedule_for(n), "n": n, "steps": np.arange(n), "out": np.zeros(n)}
            for threads in counts:
                mine = {
                    "cosine_fast": ours("schedule(steps, out=out)", threads, **names),
                    "cosine_fast, precompute": ours("schedule.precompute(n, out=out)", threads, **names),
                }
                others = self.limits(names["steps"], names["out"], threads)
                others |= self.peers([C], names["steps"], names["out"], threads)
                self.compare("threads", n, threads, mine | others)

    def isas(self) -> None:
        """Every instruction set, compared with Numba, C and the memory limit."""
        for n in (self.scale.cache, self.scale.memory):
            for threads in sorted({1, all_threads()}):
                steps, out, single = np.arange(n), np.zeros(n), np.zeros(n, np.float32)
                names = {"schedule": schedule_for(n), "n": n, "steps": steps, "out": out, "single": single}
                timers = self.peers([C, NUMBA], steps, out, threads) | self.limits(steps, out, threads)
                for isa in ISAS:
                    timers[isa] = ours("schedule(steps, out=out)", threads, isa, **names)
                    timers[f"{isa}, float32"] = ours("schedule(steps, out=single)", threads, isa, **names)
                    timers[f"{isa}, precompute"] = ours("schedule.precompute(n, out=out)", threads, isa, **names)
                self.compare("isa", n, threads, timers)
        kernel.use_isa(ISA)

    def layouts(self) -> None:
        """Steps of every dtype and layout, and a strided result."""
        for n in (self.scale.cache, self.scale.memory // 2):
            schedule, steps, out = schedule_for(n), np.arange(n), np.zeros(n)
            rows = 2 ** (n.bit_length() // 2)
            layouts = {"int64": steps}
            kinds = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64", "float32", "float64"]
            with np.errstate(over="ignore"):  # to float16
                layouts |= {kind: steps.astype(kind) for kind in [*kinds, *CONVERTED]}
            layouts |= {
                "every second": np.repeat(steps, 2)[::2],
                "reversed": steps[::-1],
                "byte-swapped": steps.astype(steps.dtype.newbyteorder()),
                "byte-swapped float64": steps.astype(np.dtype(np.float64).newbyteorder()),
                "misaligned": np.frombuffer(b"\0" + steps.tobytes(), np.int64, offset=1),
                "transposed": steps.reshape(rows, -1).T,
            }
            timers = {}
            for name, array in layouts.items():
                to = out.reshape(array.shape)
                check(name, schedule(array, out=to).ravel(), schedule(array.astype(array.dtype.type).ravel()), 0.0)
                timers[name] = ours("schedule(array, out=out)", all_threads(), schedule=schedule, array=array, out=to)
                if n > self.scale.cache:
                    self.scratch[name] = peak_memory(timers[name])
            every_second = np.zeros(2 * n)[::2]
            timers["result: every second"] = ours(
                "schedule(steps, out=out)", all_threads(), schedule=schedule, steps=steps, out=every_second
            )
            self.compare("layout", n, all_threads(), timers)

    def small(self) -> None:
        """One step, small arrays and the constructor; the time of an empty loop is subtracted."""
        from math import cos

        warmup, decay = peers.parameters(1000)
        names: dict[str, Any] = {"schedule": schedule_for(1000), "i": 500, "i64": np.int64(500), "x": 0.5, "cos": cos}
        names |= {"np": np, "CosineDecay": CosineDecay, "D": decay, "W": warmup}
        statements = {
            "nothing": "pass",
            "math.cos(float)": "cos(x)",
            "schedule(int)": "schedule(i)",
            "schedule(float)": "schedule(x)",
            "schedule(np.int64)": "schedule(i64)",
            "CosineDecay(...)": "CosineDecay(0.0, D, 0.1, warmup_target=1e-3, warmup_steps=W)",
        }
        for n in (1, 10, 100, 1000):
            names |= {f"steps{n}": np.linspace(0, 999, n).astype(int), f"out{n}": np.zeros(n), f"x{n}": np.full(n, 0.5)}
            statements |= {
                f"np.cos(array of {n})": f"np.cos(x{n})",
                f"schedule(array of {n})": f"schedule(steps{n})",
                f"schedule(array of {n}, out=)": f"schedule(steps{n}, out=out{n})",
            }
        timers = {name: ours(statement, all_threads(), **names) for name, statement in statements.items()}
        try:
            timers["Keras, jax.jit: schedule(int)"] = Timer(peers.keras_step(500))
        except AbsentError as error:
            self.absent["Keras, jax.jit: schedule(int)"] = str(error)
        seconds = self.compare("small", 1, 1, timers, more=2).seconds
        nothing = seconds.pop("nothing")
        for name, times in seconds.items():
            seconds[name] = [t - z for t, z in zip(times, nothing, strict=True)]

    def imports(self) -> None:
        """`import` in new processes, timed inside them: the interpreter's start would hide the difference."""
        path = [str(Path(cosine_fast.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
        # An installation has byte code; this variable would keep the first turn from writing it.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def seconds(name: str) -> float:
            program = f"from time import perf_counter as now; t = now(); import {name}; print(now() - t)"
            command = [sys.executable, "-c", program]
            return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)

        repeats = self.scale.repeats * 4
        times: dict[str, list[float]] = {"numpy": [], "cosine_fast": []}
        for turn in range(repeats + 1):
            for name, taken in times.items():
                taken += [seconds(name)][turn == 0 :]  # the first of each warms the file cache
        self.comparisons.append(Comparison("import", 1, 1, times))

    def growth(self) -> None:
        """The same number of values in calls of n: each once from memory, or the same n repeatedly from the cache."""
        total, smallest = self.scale.largest, self.scale.cache
        steps, out = np.arange(total), np.zeros(total)
        timers = {}
        for n in (smallest * 2**i for i in range((total // smallest).bit_length())):
            pieces = [(steps[i : i + n], out[i : i + n]) for i in range(0, total, n)]
            statement = "for steps, out in pieces: schedule(steps, out=out)"
            timers[str(n)] = ours(statement, all_threads(), schedule=schedule_for(total), pieces=pieces)
        self.compare("growth", total, all_threads(), timers, "memory")
        timers = {}
        for n in (smallest * 2**i for i in range(4)):
            names = {"schedule": schedule_for(n), "steps": np.arange(n), "out": np.zeros(n)}
            statement = f"for _ in range({smallest * 8 // n}): schedule(steps, out=out)"
            timers[str(n)] = ours(statement, all_threads(), **names)
        self.compare("growth", smallest * 8, all_threads(), timers, "cache")

    def family(self) -> None:
        """The other schedules, compared with their formulas in Numba, and one step of each with Keras."""
        for name in set(SCHEDULES) - {"CosineDecay"} - {member.schedule for member in peers.FAMILY.values()}:
            self.absent[name] = "peers.py has no loop for it"
        for name, member in peers.FAMILY.items():
            for group, n in (("family", self.scale.memory), ("family, in the caches", self.scale.memory // 32)):
                self.member(group, name, member, n)
            n = self.scale.memory
            schedule = SCHEDULES[member.schedule](**member.parameters(n))
            timers = {"cosine_fast": ours("schedule(step)", all_threads(), schedule=schedule, step=n // 2)}
            try:
                timers["Keras"] = Timer(peers.family_step(member, n, n // 2))
            except AbsentError as error:
                self.absent[f"Keras, a step at a time: {name}"] = str(error)
            self.compare("family, one step", 1, 1, timers, name)

    def member(self, group: str, name: str, member: peers.Member, n: int) -> None:
        """One row, an array of n steps."""
        steps = np.random.default_rng(0).permutation(n) if member.shuffled else np.arange(n)
        out, expected = np.zeros(n), np.zeros(n)
        schedule = SCHEDULES[member.schedule](**member.parameters(n))
        timers = {"cosine_fast": ours("schedule(steps, out=out)", all_threads(), **locals())}
        schedule(steps, out=expected)
        try:
            call = peers.family_parallel(member, steps, out, all_threads())
            # Rounded quotients put some steps on the wrong side of a restart or on the wrong stair, and a root next to
            # the end loses half its digits.
            check(name, call(), expected, 1e-6, others=1e-4)
            timers[NUMBA] = Timer(call)
        except AbsentError as error:
            self.absent[f"{NUMBA}: {name}"] = str(error)
        self.compare(group, n, all_threads(), timers, name)

    def joins(self) -> None:
        """A warmup, a constant and a cosine, joined, beside the cosine over the same number of steps; and one step."""
        n, warmup = self.scale.memory, self.scale.memory // 10
        decay = CosineDecay(peers.PEAK, n - 2 * warmup, peers.ALPHA)
        joined = with_warmup(join_schedules([ConstantSchedule(peers.PEAK), decay], [warmup]), warmup)
        thousand = join_schedules(
            [PolynomialDecay(peers.PEAK, n // 1000, 0.0)] * 1000, [n // 1000 * k for k in range(1, 1000)]
        )
        alone, line = CosineDecay(peers.PEAK, n, peers.ALPHA), PolynomialDecay(peers.PEAK, n, 0.0)
        steps, out = np.arange(n), np.zeros(n)
        schedules = {"cosine": alone, "joined": joined, "line": line, "1000 lines": thousand}
        for call, note in (("(steps, out=out)", "array"), (".precompute(n, out=out)", "precompute")):
            names = {"steps": steps, "out": out, "n": n}
            timers = {
                name: ours(f"schedule{call}", all_threads(), schedule=schedule, **names)
                for name, schedule in schedules.items()
            }
            self.compare("joins", n, all_threads(), timers, note)
        calls = {name: ours("schedule(step)", 1, schedule=s, step=n // 2) for name, s in schedules.items()}
        self.compare("joins", 1, 1, calls, "one step")


GROUPS: dict[str, Callable[[Benchmark], None]] = {
    "arrays": Benchmark.arrays,
    "one_thread": Benchmark.one_thread,
    "scaling": Benchmark.scaling,
    "isas": Benchmark.isas,
    "layouts": Benchmark.layouts,
    "small": Benchmark.small,
    "imports": Benchmark.imports,
    "growth": Benchmark.growth,
    "family": Benchmark.family,
    "joins": Benchmark.joins,
}


# ---- The contract ----


class Claim(NamedTuple):
    """A promised ratio (or a time, where `unit` says so): `bound` is its largest value, or its least."""

    what: str
    reference: str
    bound: float | None  # None: an aim, not a promise
    at_least: bool
    measured: Ratio
    unit: str = ""

    @property
    def held(self) -> bool | None:
        if self.bound is None:
            return None
        return self.measured.median >= self.bound if self.at_least else self.measured.median <= self.bound


def contract(benchmark: Benchmark) -> list[Claim]:
    """Every promised ratio that was measured."""
    claims: list[Claim] = []
    scale, everyone = benchmark.scale, all_threads()

    def at_most(bound: float | None, what: str, reference: str, measured: Ratio, unit: str = "") -> None:
        claims.append(Claim(what, reference, bound, False, measured, unit))

    def at_least(bound: float | None, what: str, reference: str, measured: Ratio) -> None:
        claims.append(Claim(what, reference, bound, True, measured))

    if c := benchmark.find("array", scale.memory, everyone):
        array, precompute = f"array of {c.n:,} into `out=`", f"`precompute` of {c.n:,} into `out=`"
        limits, write_limits = (tuple(f"{x}limit, {how}" for how in ("streaming", "plain")) for x in ("", "write "))
        if set(limits) & set(c.seconds):
            limit = c.quickest(*limits)
            at_most(1.4, array, f"memory {limit} stores, its time", c.ratio("cosine_fast", limit))
        bounds = {C: 1.3, NUMBA: 10, "optax, jax.jit": 10, "numexpr": 12, "NumPy": 50}
        for peer in (name for name in peers.PEERS if name in c.seconds):
            at_least(bounds.get(peer), array, f"{peer}, times as fast", c.ratio(peer, "cosine_fast"))
        at_most(1.0, precompute, "array path, its time", c.ratio("cosine_fast, precompute", "cosine_fast"))
        if set(write_limits) & set(c.seconds):
            limit = c.quickest(*write_limits)
            at_most(1.5, precompute, f"{limit} stores, its time", c.ratio("cosine_fast, precompute", limit))
        fill = "np.empty(n).fill(1.0)"
        at_most(1.3, f"fresh `schedule(steps)` of {c.n:,}", f"`{fill}`, its time", c.ratio("cosine_fast, fresh", fill))
    if (c := benchmark.find("isa", scale.memory, everyone)) and NUMBA in c.seconds:
        for isa in ISAS:
            bound = 4 if isa == "x86-64-v3" else None
            measured = c.ratio(NUMBA, isa)
            at_least(bound, f"{isa}, array of {c.n:,}", f"{NUMBA}, times as fast", measured)
    for c in (c for c in benchmark.comparisons if c.note in peers.FAMILY and NUMBA in c.seconds):
        bound = peers.FAMILY[c.note].times_as_fast if c.group == "family" else peers.FAMILY[c.note].in_caches
        if bound is not None:
            at_least(bound, f"{c.note}, array of {c.n:,}", f"{NUMBA}, times as fast", c.ratio(NUMBA, "cosine_fast"))
    for c in (c for c in benchmark.comparisons if c.group == "joins"):
        bound = 2.0 if c.n == 1 else 1.1
        at_most(bound, f"a join, {c.note}, {c.n:,}", "its cosine alone, its time", c.ratio("joined", "cosine"))
    if c := benchmark.find("small"):
        for call, reference, bound in (
            ("schedule(int)", "math.cos(float)", 1.6),
            ("schedule(np.int64)", "math.cos(float)", 3),
            ("schedule(array of 1)", "np.cos(array of 1)", 2),
            ("schedule(array of 100)", "np.cos(array of 100)", 1),
            ("schedule(array of 1000)", "np.cos(array of 1000)", 0.5),
        ):
            at_most(bound, f"`{call}`", f"`{reference}`, its time", c.ratio(call, reference))
        construction = spread([t * 1e6 for t in c.seconds["CosineDecay(...)"]])
        at_most(3, "construction of a schedule", "3 us", construction, "us")
    if c := benchmark.find("import"):
        at_most(1.15, "`import cosine_fast`", "`import numpy`, its time", c.ratio("cosine_fast", "numpy"))
    for c in (c for c in benchmark.comparisons if c.group == "layout"):
        read = [name for name in c.seconds if name not in ("int64", *CONVERTED)]
        for what, names in (("steps of any dtype and layout", read), (" and ".join(CONVERTED), CONVERTED)):
            worst = max(names, key=lambda name: statistics.median(c.seconds[name]))
            at_most(2, f"{what}, {c.n:,}; the worst: {worst}", "contiguous int64, its time", c.ratio(worst, "int64"))
    if benchmark.scratch:
        worst = max(benchmark.scratch, key=lambda name: benchmark.scratch[name])
        what = f"scratch memory for {scale.memory // 2:,} steps; the worst: {worst}"
        at_most(1, what, "1 MB", spread([benchmark.scratch[worst] / 1e6] * 2), "MB")
    for c in (c for c in benchmark.comparisons if c.group == "growth"):
        slowest, quickest = max(c.seconds, key=lambda n: statistics.median(c.seconds[n])), c.quickest(*c.seconds)
        sizes = f"{int(min(c.seconds, key=int)):,} to {int(max(c.seconds, key=int)):,}"
        reference = f"n = {int(slowest):,} to n = {int(quickest):,}"
        at_most(1.15, f"ns per value, {sizes}, in {c.note}", reference, c.ratio(slowest, quickest))
    return claims


# ---- The machine ----


def first_line(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


def machine() -> dict[str, Any]:
    """What the figures depend on: hardware, system and versions."""
    about = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in about.splitlines() if line.startswith("model name")]
    caches = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            caches.append(f"L{(index / 'level').read_text().strip()} {(index / 'size').read_text().strip()}")
    huge = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    versions = {}
    for package in ("numpy", "numba", "numexpr", "jax", "optax", "keras", "torch"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "cpu": models[0] if models else platform.processor() or platform.machine(),
        "cores": all_threads(),
        "caches": caches,
        "huge_pages": huge.read_text().partition("[")[2].partition("]")[0] if huge.exists() else "unknown",
        "system": f"{platform.system()} {platform.release()}",
        "compiler": first_line(peers.CC, "--version"),
        "python": platform.python_version(),
        "versions": versions,
        "cosine_fast": cosine_fast.build_info(),
    }


def vector_cosines() -> dict[str, str]:
    """Whether the compiled peers use vector cosines."""
    found = {}
    try:
        library = peers.by_hand()
        found["by_hand.c"] = f"`{' '.join(library.command)}`, calls {', '.join(library.vector_cosines)}"
    except AbsentError as error:
        found["by_hand.c"] = str(error)
    with contextlib.suppress(ImportError):
        import numba

        found["Numba"] = f"{'with' if numba.config.USING_SVML else 'without'} Intel's SVML"
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="small arrays, few turns: a smoke run")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--repeats", type=int, help="turns of each comparison")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_name("performance.json"))
    parser.add_argument("--check", action="store_true", help="exit with 1 if a ratio of the contract is not held")
    given = parser.parse_args()
    scale = QUICK if given.quick else FULL
    benchmark = Benchmark(scale._replace(repeats=given.repeats) if given.repeats else scale)
    print(f"cosine_fast of {Path(cosine_fast.__file__).parent}", flush=True)
    for name in given.only:
        began = time.perf_counter()
        GROUPS[name](benchmark)
        cosine_fast.set_num_threads(None)
        print(f"{name}: {time.perf_counter() - began:.1f} s", flush=True)
    claims = contract(benchmark)
    results = {
        "machine": machine() | {"vector_cosines": vector_cosines()},
        "quick": given.quick,
        "whole": {*given.only} == GROUPS.keys(),
        "absent": benchmark.absent,
        "scratch": benchmark.scratch,
        "contract": [claim._asdict() | {"held": claim.held} for claim in claims],
        "comparisons": [asdict(comparison) for comparison in benchmark.comparisons],
    }
    given.json.write_text(json.dumps(results, indent=1) + "\n")
    print(report.text(results))
    return int(given.check and any(claim.held is False for claim in claims))


if __name__ == "__main__":
    sys.exit(main())
