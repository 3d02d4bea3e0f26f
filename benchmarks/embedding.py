"""Schedules inside simulators, and a cosine by hand there: `python benchmarks/embedding.py` (extras `embed`, `bench`).

Two tables. The first is the simulator of examples/simulators (stochastic gradient descent on a noisy quadratic, many
runs, one schedule per run) in each language, with cosine_fast and with the cosine written by hand. All simulate the
same runs in this process and take turns (timing.py); all that use cosine_fast end at the same bits. The second is a
learning rate alone, by each way to get it. Missing compilers and libraries are skipped and named.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import math
import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from timeit import Timer
from typing import Any

import numpy as np
from timing import PAUSE, interleaved, ratio

import cosine_fast
from cosine_fast import CosineDecay

HERE = Path(__file__).resolve().parent
SIMULATORS = HERE.parent / "examples" / "simulators"
CC = os.environ.get("CC", "cc")
CXX = os.environ.get("CXX", "c++")
# Subprocesses use the package that is measured.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cosine_fast.__file__).resolve().parent.parent)}

Simulator = Callable[[int, int], Any]

# Each way of C: rates of n steps from 0. The scalar ways return their sum, so that no call is optimised away.
RATES_C = """
#include <cosine_fast.h>
double one_by_one(const cf_cosine_decay *p, int64_t n);
double plain(const cf_cosine_decay *p, int64_t n);
void plain_loop(const cf_cosine_decay *p, int64_t n, double *rates);
void range(const cf_cosine_decay *p, int64_t n, double *rates);
void array(const cf_cosine_decay *p, const int64_t *steps, int64_t n, double *rates);
int init(cf_cosine_decay *p, double peak, int64_t warmup, int64_t decay);
int size(void);
int size(void) { return (int)sizeof(cf_cosine_decay); }
int init(cf_cosine_decay *p, double peak, int64_t warmup, int64_t decay)
{
    return cf_cosine_decay_init_checked(p, 0.0, cf_from_int64(decay), 0.1, peak, cf_from_int64(warmup));
}
double one_by_one(const cf_cosine_decay *p, int64_t n)
{
    double sum = 0.0;
    int64_t i;
    for (i = 0; i < n; i++) sum += cf_cosine_decay_at_int64(p, i);
    return sum;
}
double plain(const cf_cosine_decay *p, int64_t n)
{
    const cf_cosine_decay own = *p;
    double sum = 0.0;
    int64_t i;
    for (i = 0; i < n; i++) sum += cf_cosine_decay_plain_int64(&own, i);
    return sum;
}
void plain_loop(const cf_cosine_decay *p, int64_t n, double *rates)
{
    const cf_cosine_decay own = *p;
    int64_t i;
    for (i = 0; i < n; i++) rates[i] = cf_cosine_decay_plain_int64(&own, i);
}
void range(const cf_cosine_decay *p, int64_t n, double *rates) { cf_cosine_decay_of_range(p, 0, 1, rates, n); }
void array(const cf_cosine_decay *p, const int64_t *steps, int64_t n, double *rates)
{
    cf_cosine_decay_of_int64s(p, steps, rates, n);
}
"""


def compiled(source: str, compiler: str, folder: Path, *flags: str) -> ctypes.CDLL:
    """A file of `folder`, compiled as a library for this processor."""
    command = [sys.executable, "-m", "cosine_fast", "--cflags"]
    cflags = shlex.split(subprocess.check_output(command, text=True, env=ENVIRONMENT))
    library = folder / f"{source}.so"
    command = [compiler, *cflags, "-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", *flags]
    subprocess.run([*command, source, "-o", library, "-lm"], cwd=folder, check=True)
    return ctypes.CDLL(str(library))


def from_library(library: ctypes.CDLL) -> Simulator:
    simulate = library.simulate
    simulate.argtypes = [ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]

    def call(runs: int, steps: int) -> np.ndarray:
        ends = np.empty(runs)
        simulate(runs, steps, ends.ctypes.data)
        return ends

    return call


# ---- Cosines by hand ----


def numbers(runs: int, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Peak, warmup and decay of each run, as in sgd_python.py."""
    run = np.arange(runs)
    warmup = run % 90 + 10
    return 0.01 * (run % 100 + 1), warmup, steps - warmup


def by_hand(step: float, peak: float, warmup: float, decay: float) -> float:
    if step < warmup:
        return peak * step / warmup
    x = min((step - warmup) / decay, 1.0)
    return peak * (0.9 * 0.5 * (1.0 + math.cos(math.pi * x)) + 0.1)


def python_by_hand(runs: int, steps: int) -> list[float]:
    from sgd_python import noise

    ends = []
    for run, (peak, warmup, decay) in enumerate(zip(*(x.tolist() for x in numbers(runs, steps)), strict=True)):
        x = 1.0
        for step in range(steps):
            x -= by_hand(step, peak, warmup, decay) * (x + noise(run * steps + step))
        ends.append(x)
    return ends


def numpy_by_hand(runs: int, steps: int) -> np.ndarray:
    from sgd_numpy import noise

    peak, warmup, decay = numbers(runs, steps)
    x = np.ones(runs)
    counters = np.arange(runs, dtype=np.uint64) * np.uint64(steps)
    for step in range(steps):
        wave = 0.5 * (1.0 + np.cos(np.pi * np.minimum((step - warmup) / decay, 1.0)))
        rate = np.where(step < warmup, peak * step / warmup, peak * (0.9 * wave + 0.1))
        x -= rate * (x + noise(counters + np.uint64(step)))
    return x


def numba_by_hand() -> Simulator:
    import numba
    from sgd_numba import noise

    hand = numba.njit(by_hand)

    @numba.njit(parallel=True)
    def descend(steps: Any, peaks: Any, warmups: Any, decays: Any) -> Any:
        ends = np.empty(len(peaks))
        for run in numba.prange(len(peaks)):
            x = 1.0
            for step in range(steps):
                x -= hand(step, peaks[run], warmups[run], decays[run]) * (x + noise(run * steps + step))
            ends[run] = x
        return ends

    return lambda runs, steps: descend(steps, *numbers(runs, steps))


def simulators(folder: Path) -> dict[str, tuple[Simulator, bool]]:
    """By name: the simulator, and whether it uses cosine_fast."""

    def module(name: str) -> Simulator:
        return importlib.import_module(name).simulate

    def cython() -> Simulator:
        command = [sys.executable, "sgd_setup.py", "-q", "build_ext", "--inplace"]
        subprocess.run(command, cwd=folder, check=True, env={**ENVIRONMENT, "CFLAGS": "-march=native"})
        return module("sgd_cython")

    makers: dict[str, tuple[Callable[[], Simulator], bool]] = {
        "C, a step at a time": (lambda: from_library(compiled("sgd.c", CC, folder)), True),
        "C++, a row at a time": (lambda: from_library(compiled("sgd.cpp", CXX, folder, "-std=c++11")), True),
        "Cython": (cython, True),
        "Numba": (lambda: module("sgd_numba"), True),
        "NumPy over the runs, rates by ctypes": (lambda: module("sgd_ctypes"), True),
        "NumPy over the runs, rates by precompute": (lambda: module("sgd_numpy"), True),
        "Python": (lambda: module("sgd_python"), True),
        "Numba, cosine by hand": (numba_by_hand, False),
        "NumPy over the runs, cosine by hand": (lambda: numpy_by_hand, False),
        "Python, cosine by hand": (lambda: python_by_hand, False),
    }
    made = {}
    for name, (make, ours) in makers.items():
        try:
            made[name] = make(), ours
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            print(f"skipped: {name} ({error})")
    return made


def measure_simulators(folder: Path, runs: int, steps: int, repeats: int, least: float) -> None:
    made = simulators(folder)
    want = np.array(made["Python"][0](runs, steps))
    for name, (simulate, ours) in made.items():
        ends = np.array(simulate(runs, steps))
        if ours and ends.tobytes() != want.tobytes():
            raise SystemExit(f"{name}: other bits than Python's")
        np.testing.assert_allclose(ends, want, rtol=1e-9, atol=1e-12, err_msg=name)
    timers = {
        name: Timer("simulate(runs, steps)", globals={"simulate": simulate, "runs": runs, "steps": steps})
        for name, (simulate, _) in made.items()
    }
    seconds = interleaved(timers, repeats, least, PAUSE)
    base = "C, a step at a time" if "C, a step at a time" in seconds else "Numba"
    print(f"\n{runs:,} runs of {steps:,} steps:\n")
    table("simulator", seconds, base, runs * steps, "step")


# ---- A rate alone ----


def rate_timers(folder: Path, n: int) -> dict[str, tuple[Timer, int]]:
    """By name: what to time, and how many rates it computes."""
    warmup, decay, peak = n // 10, n * 8 // 10, 1e-3
    schedule = CosineDecay(0.0, decay, 0.1, warmup_target=peak, warmup_steps=warmup)
    steps, rates = np.arange(n), np.empty(n)
    want = schedule(steps)
    timers: dict[str, tuple[Timer, int]] = {}

    def add(name: str, call: Callable[[], Any], count: int = n) -> None:
        rates[:] = 0.0
        found = call()
        if isinstance(found, float):
            np.testing.assert_allclose(found, want[:count].sum(), rtol=1e-9, err_msg=name)
        else:
            np.testing.assert_allclose(rates, want, rtol=1e-9, atol=1e-18, err_msg=name)
        timers[name] = Timer("call()", globals={"call": call}), count

    try:
        (folder / "rates.c").write_text(RATES_C)
        library = compiled("rates.c", CC, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"skipped: C ({error})")
    else:
        library.one_by_one.restype = library.plain.restype = ctypes.c_double
        its = ctypes.create_string_buffer(library.size())
        if library.init(its, ctypes.c_double(peak), ctypes.c_int64(warmup), ctypes.c_int64(decay)):
            raise SystemExit("the schedule was refused")
        count, to = ctypes.c_int64(n), ctypes.c_void_p(rates.ctypes.data)
        add("C, a step at a time", lambda: library.one_by_one(its, count))
        add("C, a plain step at a time", lambda: library.plain(its, count))
        add("C, a loop of plain steps that vectorises", lambda: library.plain_loop(its, count, to))
        add("C, of_range", lambda: library.range(its, count, to))
        at = ctypes.c_void_p(steps.ctypes.data)
        add("C, of_int64s", lambda: library.array(its, at, count, to))

    try:
        import numba

        import cosine_fast.integrations.numba  # noqa: F401 - registers schedules with Numba
    except ImportError as error:
        print(f"skipped: Numba ({error})")
    else:

        @numba.njit
        def total(schedule: Any, n: Any) -> Any:
            rates = 0.0
            for step in range(n):
                rates += schedule(step)
            return rates

        hand = numba.njit(by_hand)

        @numba.njit
        def total_by_hand(n: Any, peak: Any, warmup: Any, decay: Any) -> Any:
            rates = 0.0
            for step in range(n):
                rates += hand(step, peak, warmup, decay)
            return rates

        add("Numba, a step at a time", lambda: total(schedule, n))
        add("Numba, a step at a time, cosine by hand", lambda: total_by_hand(n, peak, warmup, decay))

    try:
        from cosine_fast.integrations import ctypes as functions
    except ImportError as error:
        print(f"skipped: ctypes ({error})")
    else:
        doubles = np.ctypeslib.as_ctypes(rates)
        add("ctypes, of_range", lambda: functions.of_range(schedule, 0, 1, doubles, n))
    few = n // 50
    add("Python, schedule(step)", lambda: math.fsum(map(schedule, range(few))), few)
    add("Python, by hand", lambda: math.fsum(by_hand(s, peak, warmup, decay) for s in range(few)), few)

    def numpy_expression() -> None:
        x = np.minimum((steps - warmup) / decay, 1.0)
        wave = peak * (0.9 * (0.5 * (1.0 + np.cos(np.pi * x))) + 0.1)
        rates[:] = np.where(steps < warmup, peak * steps / warmup, wave)

    add("NumPy, by hand", numpy_expression)
    try:
        from scipy.integrate import quad

        from cosine_fast.integrations.scipy import low_level_callable
    except ImportError as error:
        print(f"skipped: SciPy ({error})")
    else:
        for name, function in (
            ("SciPy's quad, a value, low_level_callable", low_level_callable(schedule)),
            ("SciPy's quad, a value, schedule", schedule),
        ):
            values = quad(function, warmup, warmup + decay, full_output=True)[2]["neval"]
            statement = Timer("quad(f, a, b)", globals={"quad": quad, "f": function, "a": warmup, "b": warmup + decay})
            timers[name] = statement, values
    return timers


def measure_rates(folder: Path, n: int, repeats: int, least: float) -> None:
    timers = rate_timers(folder, n)
    seconds = interleaved({name: timer for name, (timer, _) in timers.items()}, repeats, least, PAUSE)
    each = {name: [s / timers[name][1] for s in taken] for name, taken in seconds.items()}
    print(f"\nA rate of {n:,} steps, a tenth of them warmup, on one thread:\n")
    table("way", each, next(iter(each)), 1, "rate")
    if "C, a step at a time" in each and "Numba, a step at a time" in each:
        found = ratio(each["Numba, a step at a time"], each["C, a step at a time"])
        print(f"\nNumba's step / C's step: {found} (at most 2)")


def table(first: str, seconds: dict[str, list[float]], base: str, values: int, what: str) -> None:
    print(f"| {first} | ns per {what} | its time / {base}'s |")
    print("| --- | --- | --- |")
    for name, taken in seconds.items():
        print(f"| {name} | {statistics.median(taken) / values * 1e9:.2f} | {ratio(taken, seconds[base])} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds; meaningless figures")
    quick = parser.parse_args().quick
    info = cosine_fast.build_info()
    if info["backend"] != "compiled":
        raise SystemExit("embedding needs the compiled backend")
    print(
        f"cosine_fast {info['version']}, {info['isa']}, {info['num_threads']} threads; {platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}; medians, and quartiles of the ratios"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(SIMULATORS, folder, dirs_exist_ok=True)
        sys.path.insert(0, name)
        repeats, least = (3, 0.0005) if quick else (9, 0.005)
        measure_simulators(folder, *((20, 200) if quick else (512, 4000)), repeats, least)
        measure_rates(folder, 2000 if quick else 100_000, repeats, least)


if __name__ == "__main__":
    main()
