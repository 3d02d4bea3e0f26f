"""What `info` says. It needs no click, so that a bare install can say it, beside its version and a help."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cosine_fast import CosineDecay, __version__, build_info

from .signals import one_line

HELP = """Usage: cosine-fast [OPTIONS] COMMAND [ARGS]...

  Learning rates of schedules, fast: precompute, sweep, evaluate, show, plot, info.

This is a bare install: --help, --version and `info` work; the other commands need the extra "cli", and pictures the
extra "plot". In a clone of the source: pip install '.[cli,plot]'
"""


def bare(arguments: Sequence[str]) -> bool:
    """Answer arguments that need no click. Return whether these were such arguments."""
    if os.environ.get("_COSINE_FAST_COMPLETE"):  # a shell would run what is printed
        return False
    if not arguments or set(arguments) & {"-h", "--help"}:
        print(HELP, end="", flush=True)
    elif list(arguments) == ["--version"]:
        print(f"cosine-fast, version {__version__}", flush=True)
    elif arguments[0] == "info" and set(arguments[1:]) <= {"--json", "--benchmark"}:
        info("--json" in arguments, "--benchmark" in arguments)
    else:
        return False
    return True


def info(as_json: bool, with_benchmark: bool) -> None:
    facts = {**build_info(), "python": platform.python_version(), "numpy": np.__version__}
    if with_benchmark:
        facts |= benchmark()
    if as_json:
        print(json.dumps(facts), flush=True)
        return
    show({name: ", ".join(x) if isinstance(x, list) else str(x) for name, x in facts.items()})


def show(facts: dict[str, str], file: Any = None) -> None:
    """Print names and values in two columns."""
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<{width}}  {one_line(value)}", file=file)
    (file or sys.stdout).flush()  # now, while an error still gets its line


def benchmark(seconds: float = 1.0) -> dict[str, float]:
    """The kernel's nanoseconds per step beside those of NumPy's conversion of the steps, which memory limits."""
    steps = np.arange(2**23 if build_info()["backend"] == "compiled" else 2**18)  # 64 MiB are beyond most caches
    rates = np.empty(len(steps))
    schedule = CosineDecay(1e-3, len(steps))
    timed: dict[str, Callable[[], Any]] = {
        "ns_per_step": lambda: schedule(steps, out=rates),
        "ns_per_step_on_1_thread": lambda: schedule(steps, out=rates, num_threads=1),
        "ns_per_step_of_numpys_int64_to_float64": lambda: np.copyto(rates, steps),
    }
    best = dict.fromkeys(timed, float("inf"))
    end = time.perf_counter() + seconds
    while True:
        for name, run in timed.items():
            began = time.perf_counter()
            run()
            best[name] = min(best[name], (time.perf_counter() - began) / len(steps) * 1e9)
        if time.perf_counter() > end:
            break
    *_, kernel, limit = best.values()
    return {name: round(each, 3) for name, each in best.items()} | {"ratio_on_1_thread": round(kernel / limit, 2)}
