"""What large runs on Dask cost, fitted to measurements here, and what that says of larger ones.

docs/explanation/scale.md shows the output.

    python benchmarks/scale.py [--quick] [--values 1e12] [--workers 100]

Each cost is a line, a time to begin plus a time for each value, byte or task, fitted to the least times of several
sizes: whatever else the machine does only adds to them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable

import dask
import dask.array
import numpy as np
import psutil
from dask.distributed import Client, LocalCluster
from scipy.optimize import nnls

import cosine_fast
from cosine_fast.integrations.dask import precompute

SCHEDULE = cosine_fast.CosineDecay(0.0, decay_steps=10**12, alpha=0.1, warmup_target=1e-3, warmup_steps=10**6)


def fitted(what: str, unit: str, sizes: list[int], run: Callable[[int], object], repeats: int) -> tuple[float, float]:
    """Return the seconds of a line: to begin, and for each unit; of least relative errors. Print it."""
    seconds = []
    run(sizes[0])
    for size in sizes:
        times = []
        for _ in range(repeats):
            began = time.perf_counter()
            taken = run(size)  # its own seconds, or None
            times.append(taken if isinstance(taken, float) else time.perf_counter() - began)
        seconds.append(min(times))
    rows = np.array([[1.0, size] for size in sizes]) / np.array(seconds)[:, None]
    begin, each = nnls(rows, np.ones(len(sizes)))[0]
    worst = np.abs(rows @ [begin, each] - 1).max()
    speed = f"{1 / max(each, 1e-12):,.3g}"
    print(f"| {what} | {begin * 1e6:,.0f} us | {each * 1e9:,.3g} ns a {unit} | {speed} | {worst:.0%} |", flush=True)
    return float(begin), float(each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: small sizes, meaningless figures")
    parser.add_argument("--values", type=float, default=1e12, help="of the run to predict")
    parser.add_argument("--workers", type=int, default=100, help="of the run to predict, each with one thread")
    options = parser.parse_args()
    scale, repeats = (64, 2) if options.quick else (1, 7)
    sizes = [n // scale for n in (2**18, 2**20, 2**22, 2**24)]
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster) as client, tempfile.TemporaryDirectory() as folder:
        one, other = client.scheduler_info(n_workers=-1)["workers"]

        def on_worker(run: Callable[[int], float], size: int) -> float:
            return float(client.submit(run, size, pure=False, workers=one).result())

        def rates(size: int) -> float:
            began = time.perf_counter()
            SCHEDULE.precompute(10**7, 10**7 + size, num_threads=1)
            return time.perf_counter() - began

        def sums(size: int) -> float:
            array = np.ones(size)
            began = time.perf_counter()
            array.sum()
            return time.perf_counter() - began

        def disk(size: int) -> float:
            array = np.ones(size)
            began = time.perf_counter()
            with open(os.path.join(folder, "rates"), "wb") as file:
                file.write(array)
                os.fsync(file.fileno())
            return time.perf_counter() - began

        def network(size: int) -> float:
            array = client.submit(np.ones, size, pure=False, workers=one)
            dask.distributed.wait(array)
            began = time.perf_counter()
            client.submit(np.size, array, pure=False, workers=other).result()
            return time.perf_counter() - began

        def tasks(count: int) -> None:
            client.gather(client.map(int, range(count), pure=False))

        info = cosine_fast.build_info()
        print(f"{info['backend']}, {info['isa']}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before\n")
        print("| cost | to begin | each | a second | worst error of the line |\n| --- | ---: | ---: | ---: | ---: |")
        bytes_of = [8 * n for n in sizes]
        value = fitted("rates, one thread of a worker", "value", sizes, lambda n: on_worker(rates, n), repeats)
        add = fitted("their sum, one thread", "value", sizes, lambda n: on_worker(sums, n), repeats)
        store = fitted("disk, written and synced", "byte", bytes_of, lambda n: on_worker(disk, n // 8), repeats)
        move = fitted("worker to worker, TCP", "byte", bytes_of, lambda n: network(n // 8), repeats)
        task = fitted("tasks", "task", [n // scale for n in (512, 1024, 2048, 4096)], tasks, min(repeats, 3))
        memory = client.run(lambda: psutil.Process().memory_info().rss, workers=[one])[one]
        print(f"\nA worker has {memory / 1e6:.0f} MB before its first chunk.\n")

        # Is the model right here? The sum of a range, whose chunks are reduced on two workers.
        chunk, count = 10**7 // scale, 400 // scale
        total = precompute(SCHEDULE, 0, chunk * count, chunks=chunk).sum(split_every=16)
        (plan,) = dask.optimize(total)
        began = time.perf_counter()
        total.compute()
        measured = time.perf_counter() - began
        in_tasks = len(plan.__dask_graph__()) * task[1]
        in_work = count * (value[0] + add[0] + chunk * (value[1] + add[1])) / min(2, os.cpu_count() or 1)
        print(
            f"The sum of {chunk * count:,} rates by {chunk:,}, 2 workers: predicted {in_work + in_tasks:.2f} s "
            f"(work {in_work:.2f}, tasks {in_tasks:.2f}); measured {measured:.2f} s.\n"
        )  # fmt: skip

    print(f"{options.values:,.0f} values on {options.workers} workers of one thread, by the values of a chunk:\n")
    print("| chunk | memory of a worker | tasks | work | scheduler | sum: in all | ... first limit |", end="")
    print(" kept, a disk each | kept, one disk | fetched by one |\n|" + " ---: |" * 10)
    for chunk in (10**6, 10**7, 10**8):
        chunks = options.values / chunk
        share = chunks / options.workers
        work = share * (value[0] + add[0] + chunk * (value[1] + add[1]))
        count = chunks * 17 / 16  # tasks, of which one in 17 adds 16 sums
        scheduler = count * task[1]
        kept = share * (store[0] + 8 * chunk * store[1])
        cells = [
            f"{chunk:,}", f"{memory / 1e6 + 8e-6 * chunk:,.0f} MB", f"{count:,.0f}", shown(work), shown(scheduler),
            shown(max(work, scheduler)), "scheduler" if scheduler > work else "work",
            shown(max(scheduler, work + kept)), shown(max(scheduler, work, options.workers * kept)),
            shown(chunks * (move[0] + 8 * chunk * move[1])),
        ]  # fmt: skip
        print("| " + " | ".join(cells) + " |")


def shown(seconds: float) -> str:
    return (
        f"{seconds:,.1f} s"
        if seconds < 120
        else f"{seconds / 60:,.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:,.1f} h"
    )


if __name__ == "__main__":
    main()
