"""Threads of Dask and of OpenMP: `python benchmarks/clusters.py [--quick]` (extra `arrays`).

The largest of many rates, reduced where they are computed: by a loop in one process, by Dask's threads, and by workers
over TCP; each with one of our threads a task, the default, and with as many as there are processors. All take turns.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from timeit import Timer

import peers
from distributed import Client, LocalCluster
from timing import interleaved, ratio, spread

from cosine_fast import CosineDecay
from cosine_fast.integrations.dask import precompute


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: few steps, meaningless figures")
    n, size, repeats = (10**6, 10**5, 2) if parser.parse_args().quick else (2**28, 2**21, 9)
    warmup, decay = peers.parameters(n)
    schedule = CosineDecay(peers.L0, decay, peers.ALPHA, warmup_target=peers.PEAK, warmup_steps=warmup)
    threads = peers.all_threads()

    def loop(team: int) -> Callable[[], object]:
        return lambda: max(schedule.precompute(i, min(i + size, n), num_threads=team).max() for i in range(0, n, size))

    def dask(team: int, scheduler: str | Client) -> Callable[[], object]:
        largest = precompute(schedule, 0, n, 1, size, num_threads=team).max()
        return lambda: largest.compute(scheduler=scheduler, num_workers=threads)

    with contextlib.ExitStack() as stack:
        contenders = {("a loop in one process", team): loop(team) for team in (1, threads)}
        for team in (1, threads):
            contenders[f"{threads} threads of Dask", team] = dask(team, "threads")
        for workers, each in ((1, threads), (threads, 1)):
            cluster = LocalCluster(workers, threads_per_worker=each, dashboard_address=":0", protocol="tcp://")
            client = stack.enter_context(Client(stack.enter_context(cluster), set_as_default=False))
            for team in (1, threads):
                contenders[f"workers over TCP: {workers}, of {each} threads", team] = dask(team, client)
        timers = {str(key): Timer(call) for key, call in contenders.items()}
        seconds = interleaved(timers, repeats, least=0.0)
    print(f"{n:,} steps in chunks of {size:,}; {threads} processors\n")
    print(f"| | ns per step | its time / a loop's | with {threads} of our threads a task: its time / with one |")
    print("| --- | ---: | ---: | ---: |")
    for name in dict.fromkeys(name for name, _ in contenders):
        one, team, least = (seconds[str(key)] for key in ((name, 1), (name, threads), ("a loop in one process", 1)))
        print(f"| {name} | {spread(one).median / n * 1e9:.2f} | {ratio(one, least)} | {ratio(team, one)} |")


if __name__ == "__main__":
    main()
