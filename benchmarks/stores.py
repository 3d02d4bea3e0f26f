"""Stores and CSV beside plain ways, and workers beside one: `python benchmarks/stores.py [--folder FOLDER] [--quick]`.

A sweep into an uncompressed store takes turns with a plain write of as many bytes, as `dd conv=fsync` does it: above 1,
the sweep is faster. So does one of many short schedules, which take time to check. The command's CSV takes turns with
pyarrow's, which do not wait for the disk. Then two workers of Dask sum rates beside one, which writes nothing:
arithmetic is the limit there. It needs the extras `stores` and `cli`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import dask.config
import numpy as np
import pyarrow
import pyarrow.csv
from distributed import Client, LocalCluster
from timing import ratio, spread

from cosine_fast import CosineDecay, stores
from cosine_fast.cli.commands import CHUNK
from cosine_fast.cli.files import rates_output
from cosine_fast.cli.storing import peak_memory
from cosine_fast.integrations.dask import precompute

BLOCK = 1 << 23  # bytes that a plain write gives the disk at once


def plain_write(path: Path, size: int) -> None:
    block = np.random.default_rng(0).bytes(BLOCK)
    with open(path, "wb", buffering=0) as file:
        for at in range(0, size, BLOCK):
            file.write(block[: size - at])
        os.fsync(file.fileno())


def csv_of_command(path: Path, schedule: CosineDecay, steps: range) -> None:
    with (
        open(path, "wb") as file,
        rates_output(file, "csv", schedule, "int64", "float64", (len(steps),)) as write,
    ):
        for at in range(0, len(steps), CHUNK):
            write(part := steps[at : at + CHUNK], schedule(part))


def csv_of_pyarrow(path: Path, schedule: CosineDecay, steps: range) -> None:
    schema = pyarrow.schema([("step", pyarrow.int64()), ("learning_rate", pyarrow.float64())])
    with open(path, "wb") as file, pyarrow.csv.CSVWriter(file, schema) as writer:
        for at in range(0, len(steps), CHUNK):
            part = np.arange(steps.start + at, min(steps.start + at + CHUNK, steps.stop))
            writer.write_batch(pyarrow.record_batch([part, schedule(part)], schema=schema))


def sum_of_task(start: int, schedule: CosineDecay, length: int) -> float:
    """The sum of some rates in blocks that stay in the cache."""
    block, total = np.empty(min(1 << 15, length)), 0.0
    for at in range(start, start + length, block.size):
        end = min(at + block.size, start + length)
        total += schedule.precompute(at, end, out=block[: end - at], num_threads=1).sum()
    return total


def timed(
    contenders: dict[str, Callable[[], object]], after: Callable[[], object], repeats: int
) -> dict[str, list[float]]:
    """Seconds of each contender, in turns; `after` each, what it left is removed."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):  # the first warms up
        for name, contender in random.sample(
            [*contenders.items()], len(contenders)
        ):  # in random order: what one wrote may still slow the next
            began = time.perf_counter()
            contender()
            if turn:
                seconds[name].append(time.perf_counter() - began)
            after()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="a folder on the disk to measure")
    parser.add_argument("--quick", action="store_true", help="a smoke run: small, meaningless figures")
    given = parser.parse_args()
    sweeps, repeats = ([(8, 10**5), (1000, 100)], 2) if given.quick else ([(512, 10**6), (10**6, 100)], 7)
    # Dask's processes give freed memory back at once, and new memory takes longer than the rates in it.
    kept = {f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": 2**28 for name in ("TRIM", "MMAP")}
    with dask.config.set(kept), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        one, two = (
            stack.enter_context(
                Client(
                    stack.enter_context(
                        LocalCluster(
                            n_workers=count, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=60
                        )
                    )
                )
            )
            for count in (1, 2)
        )

        def clear() -> None:
            shutil.rmtree(folder / "rates.zarr", ignore_errors=True)
            for name in ("plain", "rates.csv"):
                (folder / name).unlink(missing_ok=True)
            os.sync()  # each begins with a disk that has nothing to do

        for schedules, steps in sweeps:
            size = schedules * steps * 8
            config = {
                "schedule": {"initial_learning_rate": 0.0, "decay_steps": steps, "warmup_steps": steps // 100},
                "grid": {"warmup_target": np.geomspace(1e-5, 1e-2, schedules)},
                "steps": {"stop": steps},
            }
            seconds = timed(
                {
                    "plain write": partial(plain_write, folder / "plain", size),
                    "sweep in one process": partial(stores.sweep, config, folder / "rates.zarr"),
                    "sweep on 2 workers": partial(stores.sweep, config, folder / "rates.zarr", client=two),
                },
                clear,
                repeats,
            )
            print(f"| {schedules:,} schedules of {steps:,} steps | MB/s | as fast as the plain write |")
            print("| --- | ---: | ---: |")
            for name, each in seconds.items():
                print(f"| {name} | {size / 1e6 / spread(each).median:,.0f} | {ratio(seconds['plain write'], each)} |")
            print()
        memory = [peak / 2**20 for peak in two.run(peak_memory).values()]
        print(f"most memory of a worker: {', '.join(f'{each:,.0f} MiB' for each in memory)}\n")
        rows = range(4 * 10**5 if given.quick else 4 * 10**6)
        run = CosineDecay(0.0, len(rows), 0.1, warmup_target=1e-3, warmup_steps=len(rows) // 100)
        seconds = timed(
            {
                "pyarrow": lambda: csv_of_pyarrow(folder / "rates.csv", run, rows),
                "the command": lambda: csv_of_command(folder / "rates.csv", run, rows),
            },
            clear,
            2 * repeats,
        )
        print(f"| CSV of {len(rows):,} steps | ns a row | as fast as pyarrow |\n| --- | ---: | ---: |")
        for name, each in seconds.items():
            print(f"| {name} | {spread(each).median / len(rows) * 1e9:.0f} | {ratio(seconds['pyarrow'], each)} |")
        print()
        schedule, count, task = CosineDecay(0.1, 10**10), *((10**6, 10**5) if given.quick else (4 * 10**9, 10**7))
        rates = precompute(schedule, count, chunks=task)
        starts = range(0, count, task)
        ways = {
            "a Dask array": lambda client: client.compute(rates.sum()).result(),
            "tasks that reuse a buffer": lambda client: sum(
                client.gather(client.map(sum_of_task, starts, schedule=schedule, length=task, pure=False))
            ),
        }
        print(f"| sum of {count:,} rates | 1 worker, s | 2 workers, s | ratio |\n| --- | ---: | ---: | ---: |")
        for name, way in ways.items():
            seconds = timed({"1": partial(way, one), "2": partial(way, two)}, lambda: None, repeats)
            middles = " | ".join(f"{spread(each).median:.2f}" for each in seconds.values())
            print(f"| {name} | {middles} | {ratio(seconds['1'], seconds['2'])} |")


if __name__ == "__main__":
    main()
