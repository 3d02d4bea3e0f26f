"""How stores are written, by this process or on Dask, and read for pictures. Needs click and zarr."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

from cosine_fast import stores

from . import signals
from .options import option_of, plain
from .signals import CommandError

CURVES = 8  # of a sweep in a picture
POINTS = 2000  # of a curve, more than a printed column has dots


def write(
    plan: stores.Plan, output: str, bar: Any, *, force: bool, workers: int | None, scheduler: str | None,
    chunks: int | None, threads: int, **options: Any,
) -> str:  # fmt: skip
    """Write a store and move the progress bar; what there is to say of the memory."""
    if output == "-":
        raise CommandError("a .zarr store is a folder, which standard output cannot be")
    target = Path(os.path.realpath(output))
    if force and options["resume"]:
        raise click.UsageError("--resume cannot be given beside --force")
    if not target.parent.is_dir():
        raise CommandError(f"{output}: there is no directory {str(target.parent)!r}")
    outcome = "the old store stays" if force and os.path.lexists(target) else "--resume goes on"
    if os.path.lexists(target) and not (force or options["resume"]):
        raise CommandError(f"{output}: exists already (--force overwrites it, --resume goes on with it)")

    def report(stored: int, total: int) -> None:
        signals.check()
        bar.update(stored - bar.n)

    client = None
    try:
        with _client(workers, scheduler) as client:
            options |= {"chunks": stores.CHUNK if chunks is None else chunks, "num_threads": threads}
            stores.write(plan, target, overwrite=force, client=client, progress=report, **options)
            peaks = list(client.run(peak_memory).values()) if client else [peak_memory()]
    except signals.Stopped as stopped:
        stopped.message = f"stopped; {outcome}"
        raise
    except OSError as error:
        hint = "; do all workers see it?" if client is not None and isinstance(error, FileNotFoundError) else ""
        if isinstance(error, (ConnectionError, TimeoutError)):
            hint = f"; {outcome}"
        raise CommandError(f"cannot write {output}: {error.strerror or error}{hint}", status=1) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise CommandError(plain(str(error), option_of)) from error
    except Exception as error:
        if client is None or isinstance(error, (CommandError, MemoryError)):
            raise
        raise CommandError(f"cannot write {output}: {type(error).__name__}: {error}", status=1) from error
    where = f"in each of {len(peaks)} workers" if client else "in one process"
    return f"at most {max(peaks) / 2**20:,.0f} MiB {where}"


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    with contextlib.suppress(OSError):  # getrusage, on Linux, may say what the parent had
        return int(re.findall(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def _client(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """A client of Dask's scheduler at an address, or of worker processes made here; None for neither."""
    if workers and scheduler is not None:
        raise click.UsageError("--workers cannot be given beside --scheduler")
    if workers is None and scheduler is None:
        yield None
        return
    from distributed import Client, LocalCluster

    logging.disable()  # errors come as exceptions
    try:
        with contextlib.ExitStack() as stack:
            try:
                cluster: Any = scheduler
                if workers:
                    quiet = {"silence_logs": logging.CRITICAL, "dashboard_address": "127.0.0.1:0"}
                    cluster = LocalCluster(n_workers=workers, threads_per_worker=1, preload=[__name__], **quiet)
                    stack.enter_context(cluster)
                client = stack.enter_context(Client(cluster, timeout="5s"))
                client.wait_for_workers(1, timeout=30)
            except Exception as error:  # Dask has errors of many types
                given = f"--workers {workers}" if workers else f"--scheduler {scheduler}"
                raise CommandError(f"{given}: cannot be used: {error}", status=1) from error
            yield client
    finally:
        logging.disable(logging.NOTSET)


def dask_setup(_worker: Any) -> None:
    """What Dask calls in each worker that is made here: Ctrl-C on the terminal is for this process alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Curve:
    """The rates of one schedule in a store, with straight lines between its steps."""

    def __init__(self, steps: Any, rates: Any) -> None:
        self.steps, self.rates = steps, rates

    def __call__(self, steps: Any) -> Any:
        return np.interp(steps, self.steps, self.rates, left=math.nan, right=math.nan)


def curves(file: str, start: int, stop: int | None) -> tuple[list[tuple[str, Any]], int, int, int]:
    """Named curves of a store, at most `CURVES`; the first and the last step, and how many schedules it has."""
    try:
        store = stores.opened(Path(os.path.realpath(file)))
    except ValueError as error:
        raise CommandError(str(error)) from error
    array, stored = store["rate"], range(*store.attrs["steps"])
    rising = stored if stored.step > 0 else stored[::-1]
    low = max(0, -((rising.start - start) // rising.step))
    high = len(rising) - 1 if stop is None else min(len(rising) - 1, (stop - rising.start) // rising.step)
    if low >= high:
        raise CommandError(f"{file}: has fewer than two steps within --start and --stop")
    places = np.unique(np.linspace(low, high, POINTS).round().astype(np.int64))
    steps = np.array([rising[place] for place in places.tolist()], np.float64)
    places = places if stored.step > 0 else len(stored) - 1 - places
    values = {name: store[name] for name in store.attrs["swept"]}
    count = math.prod(array.shape[:-1])
    drawn = []
    for number in np.unique(np.linspace(0, count - 1, CURVES).round().astype(np.int64)):
        at = dict(zip(array.metadata.dimension_names, np.unravel_index(number, array.shape[:-1]), strict=False))
        own = {key: each[int(at[each.metadata.dimension_names[0]])] for key, each in values.items()}
        name = ", ".join(f"{key}={_short(value)}" for key, value in own.items())
        rates = array.oindex[(*map(int, at.values()), np.sort(places))]
        drawn.append((name or Path(file).stem, Curve(steps, rates if stored.step > 0 else rates[::-1])))
    return drawn, rising[low], rising[high], count


def _short(value: Any) -> str:
    value = value.item() if isinstance(value, (np.ndarray, np.generic)) else value
    return f"{value:.4g}" if isinstance(value, float) else str(value)
