"""Speed beside other processes: `python benchmarks/busy.py [--quick]` (extra `bench` and a C compiler).

While so many other processes compute without end, int64 steps are evaluated into a warm array, on one thread and on
all. A turn is many calls in a row. Contenders take turns in one process; each cell has the medians of the nanoseconds
per value, and the ratio of all threads' time to one thread's, with its quartiles.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from timeit import Timer

import numpy as np
import peers
from peers import Call
from timing import ratio, spread

import cosine_fast


def ours(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    warmup, decay = peers.parameters(steps.size)
    schedule = cosine_fast.CosineDecay(peers.L0, decay, peers.ALPHA, warmup_target=peers.PEAK, warmup_steps=warmup)
    return lambda: schedule(steps, out=out, num_threads=threads)


CONTENDERS = {"cosine_fast": ours, "C, -Ofast, libmvec": peers.c_libmvec, "Numba, parallel": peers.numba_parallel}


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that compute without end."""
    with contextlib.ExitStack() as stack:
        for _ in range(processes):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(process.kill)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: small arrays, meaningless figures")
    n, turns, calls = (2**16, 2, 2) if parser.parse_args().quick else (2**20, 15, 100)
    steps, out, threads = np.arange(n), np.empty(n), peers.all_threads()
    isa = cosine_fast.build_info()["isa"]
    print(f"{isa}; {n:,} steps, {calls} calls a turn, {turns} turns, 1 and {threads} threads\n")
    contenders = {}
    for name, build in CONTENDERS.items():
        try:
            build(steps, out, 1)
            contenders[name] = build
        except peers.AbsentError as error:
            print(f"without {name}: {error}\n")
    print("| busy processes |", " | ".join(contenders), "|\n| ---: |" + " --- |" * len(contenders))
    for processes in range(threads + 1):
        seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in contenders}
        with busy(processes):
            for _ in range(turns):
                for name, build in contenders.items():
                    for times, team in zip(seconds[name], (1, threads), strict=True):
                        call = build(steps, out, team)
                        call()
                        times.append(Timer(call).timeit(calls) / calls)
        cells = []
        for one, team in seconds.values():
            medians = " / ".join(f"{spread(times).median / n * 1e9:.2f}" for times in (one, team))
            cells.append(f"{medians}: {ratio(team, one)}")
        print(f"| {processes} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
