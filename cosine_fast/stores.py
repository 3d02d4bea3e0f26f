"""Stores of rates: groups of Zarr that xarray opens, written file by file in this process or on Dask.

First a store gets its coordinates and the config of its schedules. Then the rates follow in files. A file is whole or
absent; absent rates read as NaN. The attribute ``complete`` becomes true last.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import math
import os
import secrets
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from . import __version__
from ._backend import check_threads, shown
from .batches import cosine_decay, warmup_stable_decay
from .schedules import CosineDecay, JoinedSchedule, WarmupStableDecay
from .schedules._base import LearningRateSchedule, restore
from .schedules._checks import check_function, check_schedule, rate_dtype, received
from .schedules._evaluation import array_of_range, range_of_steps
from .serialization import deserialize, serialize, with_class

if TYPE_CHECKING:
    from dask.distributed import Client

__all__ = ["precompute", "sweep"]

CHUNK = 1 << 22  # values of a chunk, the smallest part that can be read; a file has one chunk
MAX_FILES = 10_000  # with more chunks a file has several (it is sharded), which takes twice the time to write
SHARDED_FILE = 1 << 21  # values of a file with several chunks, of which Zarr makes several copies
MAX_SCHEDULES = 10**7  # of a sweep; each is checked before anything is written
COORDINATE = 1 << 24  # steps; xarray reads a coordinate of steps whole when it opens a store
# Functions of many schedules, whose ends depend on their parameters `*_steps` alone.
BATCHES: dict[type, Callable[..., Any]] = {CosineDecay: cosine_decay, WarmupStableDecay: warmup_stable_decay}
BATCH_STEPS = 1 << 15  # beyond this, evaluating one schedule after another is as fast, and needs no array of steps
WORKER_TIMEOUT = 30  # seconds; Dask itself waits for ever
LOST = "the connection to Dask's scheduler is lost"
Progress = Callable[[int, int], Any]

_own = threading.local()


@dataclass(frozen=True)
class Plan:
    """Schedules and steps. Without parameters it is one schedule."""

    schedule: LearningRateSchedule  # the first
    columns: dict[str, Any]  # the values of each swept parameter: an array, or a list of what an array cannot have
    listed: bool  # whether the values belong together one by one; else all combinations
    steps: range

    def schedules(self) -> Iterator[LearningRateSchedule]:
        """Each schedule, in the order of its rates."""
        if not self.columns:
            yield self.schedule
            return
        cls: Any = type(self.schedule)
        parameters = self.schedule.get_config()
        columns = [each.tolist() if isinstance(each, np.ndarray) else each for each in self.columns.values()]
        for number, values in enumerate((zip if self.listed else itertools.product)(*columns)):
            changes = dict(zip(self.columns, values, strict=True))
            parameters |= changes
            try:
                if issubclass(cls, JoinedSchedule) and "schedules" in changes:
                    parameters["schedules"] = [deserialize(part) for part in changes["schedules"]]
                schedule = restore(cls, parameters)  # without a warning; the first has warned
            except (TypeError, ValueError) as error:
                raise type(error)(f"Schedule {number} of the sweep, {shown(changes)}: {error}") from error
            yield schedule

    def of_each_length(self) -> Plan:
        """A plan of some schedules, of each length at least one: for classes whose end depends on lengths alone."""
        lengths = {name: values for name, values in self.columns.items() if name.endswith("_steps")}
        if not self.listed:
            return replace(self, columns={name: values[:1] for name, values in self.columns.items()} | lengths)
        row_of = {each: row for row, each in enumerate(zip(*lengths.values(), strict=True))}
        rows = [*row_of.values()] or [0]
        return replace(self, columns={name: values[rows] for name, values in self.columns.items()})

    @property
    def dims(self) -> tuple[str, ...]:
        return (*(["schedule"] if self.listed else self.columns), "step")

    @property
    def shape(self) -> tuple[int, ...]:
        lengths = [len(values) for values in self.columns.values()]
        return (*(lengths[:1] if self.listed else lengths), len(self.steps))


def precompute(
    schedule: LearningRateSchedule, path: str | os.PathLike[str], start: SupportsIndex,
    stop: SupportsIndex | None = None, step: SupportsIndex = 1, **options: Any,
) -> zarr.Group:  # fmt: skip
    """Write the rates of a range of steps to a Zarr store.

    Parameters
    ----------
    schedule : LearningRateSchedule
        The schedule, whose config the store has as its attribute ``schedule``.
    path : path
        The folder to make.
    start, stop, step : int
        The steps, as for ``schedule.precompute``.
    **options : optional
        As for `sweep`: `chunks`, `dtype`, `compressors`, `num_threads`, `resume`, `overwrite`, `client`, `progress`.

    Returns
    -------
    zarr.Group
        The store, complete: its array ``rate`` has the bits of ``schedule.precompute(start, stop, step, dtype=dtype)``.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As ``schedule.precompute`` and `sweep` raise them.
    OSError
        As `sweep` raises it.

    See Also
    --------
    sweep : The rates of many schedules.
    cosine_fast.LearningRateSchedule.precompute : The same in memory.

    Examples
    --------
    >>> import tempfile
    >>> from cosine_fast import CosineDecay
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = precompute(CosineDecay(0.1, decay_steps=1000), f"{folder}/lr.zarr", 0, 1001, 250)
    ...     store["rate"][:]
    array([0.1       , 0.08535534, 0.05      , 0.01464466, 0.        ])
    """
    check_schedule(schedule, LearningRateSchedule)
    return write(Plan(schedule, {}, False, range_of_steps("precompute", start, stop, step)), path, **options)


def sweep(config: Mapping[str, Any], path: str | os.PathLike[str], **options: Any) -> zarr.Group:
    """Write the rates of many schedules, which differ in some parameters, to a Zarr store.

    Parameters
    ----------
    config : dict
        It has ``schedule``, a config as `cosine_fast.serialize` gives it of any class of this package, or CosineDecay's
        parameters (those that are swept may be left out); one of ``grid``, ``list`` and ``random``; and perhaps
        ``steps``, with ``start``, ``stop`` and ``step`` (0, past the end of the longest schedule, and 1). A grid has a
        list of values for each parameter, and the store an axis. A list has a dict of the same parameters for each
        schedule. ``random`` has ``count``, ``seed`` (0) and ``parameters``: for each a list to choose from, or ``low``
        and ``high``, and perhaps ``log`` (uniform in the logarithm) and ``whole`` (whole numbers, both ends included).
        These two have the one axis ``schedule``. Values of NumPy may stand in place of numbers and lists.
    path : path
        The folder to make.
    **options : optional
        Defaults are in parentheses.
        `chunks`, the number of values in a chunk (2**22), the smallest part that can be read. A file has one chunk.
        With more than 10,000 chunks a store is sharded: a file has 2**21 values, or one chunk if that is more.
        `dtype`, float64 or float32.
        `compressors`, as for ``zarr.create_array`` (none).
        `num_threads`, of each task (1).
        `resume`: go on with a store of the same rates that is not complete.
        `overwrite`: once the new store is complete, it replaces the store at `path`; nothing else is replaced.
        `client`, a ``distributed.Client``: its workers write, and must see the path (this process writes).
        `progress`, a function that is called with the number of values written so far and that of all values.

    Returns
    -------
    zarr.Group
        The store, complete. Its array ``rate`` has a dimension for each axis, the last of them ``step``; a coordinate
        has the values of each swept parameter. If not all are numbers, they are text: strings themselves, others as
        JSON. `step` is a coordinate too, if there are at most 2**24 steps.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If `config` or an option is wrong, or the path is not a store of these rates.
    FileExistsError
        If the path exists, without `resume` or `overwrite`.
    OSError
        If a file cannot be written, or all workers or their scheduler are lost. What is written stays, and `resume`
        goes on; with `overwrite` the old store stays.

    See Also
    --------
    precompute : The rates of one schedule.
    cosine_fast.cosine_decay : Many schedules in memory.

    Examples
    --------
    >>> import tempfile
    >>> schedule = {"class_name": "CosineDecay", "config": {"decay_steps": 1000}}
    >>> config = {"schedule": schedule, "grid": {"initial_learning_rate": [0.1, 0.2], "alpha": [0.0, 0.1, 0.5]}}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = sweep(config | {"steps": {"step": 500}}, f"{folder}/rates.zarr")
    ...     store["rate"][1]
    array([[0.2 , 0.1 , 0.  ],
           [0.2 , 0.11, 0.02],
           [0.2 , 0.15, 0.1 ]])
    """
    return write(plan_of(config), path, **options)


def plan_of(config: Mapping[str, Any]) -> Plan:
    """The plan of a sweep's config. Every schedule is checked, so that a wrong one is found before any writing."""
    _check_keys("the config of a sweep", config, {"schedule"}, {"grid", "list", "random", "steps"})
    kinds = config.keys() & {"grid", "list", "random"}
    if len(kinds) != 1:
        raise ValueError(f"A sweep has one of grid, list and random. Received: {', '.join(sorted(kinds)) or 'none'}")
    (kind,) = kinds
    columns = {"grid": _grid, "list": _list, "random": _random}[kind](config[kind])
    if kind == "grid" and (count := math.prod(map(len, columns.values()))) > MAX_SCHEDULES:
        raise ValueError(f"A sweep has at most {MAX_SCHEDULES:,} schedules. Received: {count:,}")
    tree, steps = (_as_json(config.get(key, {})) for key in ("schedule", "steps"))
    if isinstance(tree, Mapping) and isinstance((tree := with_class(tree)).get("config"), Mapping):
        first = {name: values[0] for name, values in columns.items()}
        tree = {**tree, "config": {**tree["config"], **_as_json(first)}}
    plan = Plan(deserialize(tree), columns, kind != "grid", range(0))
    _check_keys("steps", steps, set(), {"start", "stop", "step"})
    end, checked = 0.0, _checked_at_once(plan)
    if not checked or "stop" not in steps:
        for schedule in (plan.of_each_length() if checked else plan).schedules():
            end = max(end, math.inf if (last := getattr(schedule, "_end", None)) is None else last)
    if end == math.inf and "stop" not in steps:
        raise ValueError(f"The steps of a sweep need `stop`, for {type(plan.schedule).__name__} has no end")
    numbers: dict[str, Any] = {"start": 0, "stop": end if end == math.inf else int(end) + 1, "step": 1} | dict(steps)
    if not all(type(number) is int for number in numbers.values()) or numbers["step"] == 0:
        raise ValueError(f"The steps of a sweep must be whole numbers, `step` not 0. Received: {shown(steps)}")
    return Plan(plan.schedule, columns, plan.listed, range_of_steps("sweep", *numbers.values()))


def write(
    plan: Plan, path: str | os.PathLike[str], *, chunks: SupportsIndex = CHUNK, dtype: Any = np.float64,
    compressors: Any = None, num_threads: SupportsIndex | None = 1, resume: bool = False, overwrite: bool = False,
    client: Client | None = None, progress: Progress | None = None,
) -> zarr.Group:  # fmt: skip
    """Write the rates of a plan, as `sweep` says."""
    if not hasattr(type(chunks), "__index__") or int(chunks) < 1:
        raise ValueError(f"Argument `chunks` must be a whole number of values, at least 1. Received: {shown(chunks)}")
    if resume and overwrite:
        raise ValueError("Arguments `resume` and `overwrite` cannot be given together")
    if not plan.steps:
        raise ValueError(f"There are no steps. Received: {plan.steps}")
    if (plan.steps[-1] - plan.steps[0]) // plan.steps.step >= sys.maxsize:
        raise OverflowError(f"There are more steps than an array can have. Received: {plan.steps}")
    if not (client is None or hasattr(client, "get_executor")):
        raise TypeError(f"Argument `client` must be a distributed.Client. {received('client', client)}")
    check_threads(num_threads)
    check_function("progress", progress)
    dtype, path = rate_dtype(dtype), Path(os.path.realpath(path))
    new, old = (path.with_name(f".cosine-fast-{path.name}.{each}") for each in ("new", "old"))
    if old.exists() and not path.exists():  # a process was killed between the renames below
        os.rename(old, path)
    if overwrite and os.path.lexists(path):
        opened(path)  # nothing else is removed
        for folder in new, old:  # of a process that was killed
            shutil.rmtree(folder, ignore_errors=True)
        try:
            write(
                plan, new, chunks=chunks, dtype=dtype, compressors=compressors, num_threads=num_threads, client=client,
                progress=progress,
            )  # fmt: skip
            os.rename(path, old)
            os.rename(new, path)
            os.rename(old, new)  # so that the name `old` always has a whole store
        finally:
            shutil.rmtree(new, ignore_errors=True)
        return opened(path)
    if not (resume and os.path.lexists(path)):
        _create(plan, path, int(chunks), dtype, compressors)
    store = opened(path)
    partials = list(path.rglob("*.partial"))  # of a process that was killed
    _check_same(store, plan, path, int(chunks), dtype)
    # Zarr would leave out a chunk that is NaN throughout, and so the file.
    array = zarr.open_array(path, path="rate", mode="r+", config={"write_empty_chunks": True})
    complete, missing = [], {}  # files, and those that are not there yet with their slices
    for file, place in _files(path, array):
        if resume and file.exists() and _whole(file, array, place):
            complete.append(file)
        else:
            file.unlink(missing_ok=True)  # Zarr reads the index of a sharded file before it writes
            missing[file] = place
    stored = array.size - sum(map(_count, missing.values()))
    if missing and store.attrs["complete"]:  # somebody has removed files
        store.attrs["complete"] = False
    report = progress or (lambda *_: None)
    report(stored, array.size)
    disk = ThreadPoolExecutor(3)  # its threads wait for the disk while other files are written
    try:
        synced = [disk.submit(_sync, file) for file in complete]
        tasks = ((file, (_part(plan, place), array, place, num_threads)) for file, place in missing.items())
        for file in _filled(client, tasks):
            synced.append(disk.submit(_sync, file))
            stored += _count(missing[file])
            report(stored, array.size)
        for each in synced:
            each.result()
    finally:
        disk.shutdown(cancel_futures=True)
    for partial in partials:
        partial.unlink(missing_ok=True)
    if opened(path).attrs["id"] != store.attrs["id"]:
        raise ValueError(f"{path}: another process has replaced the store meanwhile")
    store.attrs["complete"] = True
    return store


def _as_json(value: Any) -> Any:
    """A value as it would come from a JSON file."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.char not in "gG":  # Python has no long double
        return value.tolist()
    raise TypeError(f"Expected numbers, strings, lists and dicts in the config of a sweep. Received: {shown(value)}")


def _check_keys(what: str, given: Any, needed: set[str], allowed: set[str]) -> None:
    if not isinstance(given, Mapping):
        raise TypeError(f"Expected a dict for {what}. Received: {shown(given)}")
    for key in [*(needed - given.keys()), *(given.keys() - needed - allowed)]:
        raise ValueError(f"Key {shown(key)} is {'missing' if key in needed else 'unknown'} in {what}")


def _grid(grid: Any) -> dict[str, Any]:
    columns = {name: _column(values) for name, values in grid.items()} if isinstance(grid, Mapping) else {}
    if not (columns and all(isinstance(each, (list, np.ndarray)) and len(each) for each in columns.values())):
        raise ValueError(f"A grid must have a list of values for each parameter. Received: {shown(grid)}")
    return columns


def _list(sets: Any) -> dict[str, Any]:
    if not (isinstance(sets, (list, tuple)) and sets and all(isinstance(each, Mapping) and each for each in sets)):
        raise ValueError(f"A list must have a dict of parameters for each schedule. Received: {shown(sets)}")
    for number, each in enumerate(sets):
        if each.keys() != sets[0].keys():
            raise ValueError(f"A list must have the same parameters throughout. Received: {shown(each)} at {number}")
    return {name: _column([each[name] for each in sets]) for name in sets[0]}


def _random(random: Any) -> dict[str, Any]:
    random = _as_json(random)
    _check_keys("random", random, {"count", "parameters"}, {"seed"})
    count, seed = random["count"], random.get("seed", 0)
    if not (type(count) is int and 0 < count <= MAX_SCHEDULES and type(seed) is int and seed >= 0):
        expected = f"`count` must be a whole number > 0, at most {MAX_SCHEDULES:,}, `seed` one >= 0"
        raise ValueError(f"{expected}. Received: {shown(count)}, {shown(seed)}")
    if not (isinstance(random["parameters"], Mapping) and random["parameters"]):
        raise ValueError(f"`parameters` must be a dict. Received: {shown(random['parameters'])}")
    draw, columns = np.random.default_rng(seed), {}
    for name, of in random["parameters"].items():
        if isinstance(of, list) and of:
            columns[name] = _column([of[place] for place in draw.integers(len(of), size=count)])
            continue
        _check_keys(f"random parameter {name!r}", of, {"low", "high"}, {"log", "whole"})
        low, high, log, whole = of["low"], of["high"], of.get("log", False), of.get("whole", False)
        if not (type(log) is type(whole) is bool):
            raise ValueError(f"{name!r} must have true or false for log and whole. Received: {shown(of)}")
        if not all(type(each) in (int, float) and abs(each) <= 1e301 for each in (low, high)) or not (
            low <= high and (low > 0 or not log)
        ):
            raise ValueError(f"{name!r} must have finite low <= high, and > 0 for log. Received: {shown(of)}")
        if whole and not (type(low) is type(high) is int and low >= -(2**63) and high < 2**63):
            raise ValueError(f"{name!r} must have whole low and high for whole. Received: {shown(of)}")
        margin = 0.5 * whole  # so that each whole number has its share
        if log:
            values = np.exp(draw.uniform(math.log(low - margin), math.log(high + margin), count))
            if whole:  # the greatest double below 2**63
                values = np.rint(values).clip(max=2.0**63 - 1024).astype(np.int64)
            values = values.clip(low, high)
        else:
            values = draw.integers(low, high, count, endpoint=True) if whole else draw.uniform(low, high, count)
        columns[name] = values
    return columns


def _column(values: Any) -> Any:
    """The values of a parameter as an array, if that has just these numbers; else as JSON has them."""

    def numbers() -> bool:
        return isinstance(values, list) and set(map(type, values)) <= {int, float}

    plain = type(values) is np.ndarray and values.ndim == 1 and values.dtype in (np.int64, np.float64)
    if plain and not np.isnan(values).any():
        return values.copy()
    if not numbers():
        values = _as_json(values)  # slow: a microsecond for each number
    if numbers():
        array = np.array(values)
        if array.dtype.kind in "if" and array.tolist() == values:  # not beyond int64
            return array
    return values


def _evaluate_at_once(plan: Plan, rates: np.ndarray[Any, Any], threads: SupportsIndex | None) -> bool:
    """Write the rates of all schedules in one call, if there is a function for them; return whether there is."""
    function, columns = BATCHES.get(type(plan.schedule)), [*plan.columns.values()]
    arrays = bool(columns) and all(isinstance(values, np.ndarray) for values in columns)
    if function is None or not arrays or len(plan.steps) > BATCH_STEPS:
        return False
    steps = array_of_range(plan.steps)
    axes = [values[:, None] for values in columns] if plan.listed else np.ix_(*columns, steps)[:-1]
    parameters = plan.schedule.get_config() | dict(zip(plan.columns, axes, strict=True))
    del parameters["name"]
    if parameters.get("warmup_target", 0.0) is None:
        parameters["warmup_target"] = math.nan  # the same, without a warning
    function(steps, **parameters, out=rates, num_threads=threads)
    return True


def _checked_at_once(plan: Plan) -> bool:
    """Whether one call has checked all schedules of a plan without steps, and found none wrong."""
    try:
        return _evaluate_at_once(plan, np.empty(plan.shape), 1)
    except (TypeError, ValueError):
        return False  # made one by one, they give an error that says which it is


def _coordinates(plan: Plan) -> dict[str, tuple[str, Any, str]]:
    """Dimension, values and units of each coordinate."""
    found: dict[str, tuple[str, Any, str]] = {}
    for name, values in plan.columns.items():
        if not isinstance(values, np.ndarray):
            values = np.array([value if isinstance(value, str) else json.dumps(value) for value in values], "T")
        units = "step" if name.endswith(("steps", "timescale", "shift", "boundaries", "offsets")) else "1"
        found[name] = ("schedule" if plan.listed else name, values, units)
    if len(plan.steps) <= COORDINATE:
        found["step"] = ("step", array_of_range(plan.steps), "step")
    return found


def _described(plan: Plan) -> dict[str, Any]:
    return {"schedule": serialize(plan.schedule), "steps": [plan.steps.start, plan.steps.stop, plan.steps.step]}


def _layout(shape: Sequence[int], chunk: int) -> tuple[list[int], list[int]]:
    """The shapes of a chunk and of a file: whole chunks. The last axes are taken first."""

    def taken(lengths: Sequence[int], budget: int) -> list[int]:
        sizes = []
        for length in reversed(lengths):
            sizes.append(min(length, max(budget, 1)))
            budget //= sizes[-1]
        return sizes[::-1]

    sizes = taken(shape, chunk)
    counts = [-(-length // size) for length, size in zip(shape, sizes, strict=True)]
    counts = taken(counts, SHARDED_FILE // math.prod(sizes) if math.prod(counts) > MAX_FILES else 1)
    return sizes, [size * count for size, count in zip(sizes, counts, strict=True)]


def _create(plan: Plan, path: Path, chunk: int, dtype: Any, compressors: Any) -> None:
    """Make a store without rates, under another name until it is whole."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "exists already", str(path))
    size = math.prod(plan.shape) * np.dtype(dtype).itemsize
    if compressors is None and size > (free := shutil.disk_usage(path.parent).free):
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}: needs {size:,} bytes, {free:,} are free", str(path))
    own = secrets.token_hex(8)
    staged = path.with_name(f".cosine-fast-{own}.tmp")
    try:
        chunks, shards = _layout(plan.shape, chunk)
        attributes = {"cosine_fast": __version__, "id": own, "complete": False, "swept": list(plan.columns)}
        store = zarr.create_group(staged, zarr_format=3, attributes=attributes | _described(plan))
        store.create_array(
            "rate", shape=plan.shape, chunks=tuple(chunks), shards=tuple(shards) if shards != chunks else None,
            dtype=dtype, fill_value=math.nan, compressors=compressors, dimension_names=plan.dims,
            attributes={"long_name": "learning rate", "units": "1", "coordinates": " ".join(plan.columns)},
        )  # fmt: skip
        for name, (dim, values, units) in _coordinates(plan).items():
            store.create_array(
                name, data=values, dimension_names=[dim], attributes={"units": units},
                compressors="auto" if values.dtype.kind == "T" else BloscCodec(cname="zstd", shuffle="shuffle"),
            )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Zarr's specification has it not yet, xarray warns where it is missing
            zarr.consolidate_metadata(staged)
        os.rename(staged, path)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def opened(path: Path) -> zarr.Group:
    """Open a store; raise ValueError for anything else."""
    try:
        store = zarr.open_group(path, mode="r+", zarr_format=3)
        if {"cosine_fast", "id", "schedule", "steps", "swept"} <= set(store.attrs) and "rate" in store:
            return store
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ValueError(f"{path}: not a store of cosine_fast")


def _check_same(store: zarr.Group, plan: Plan, path: Path, chunk: int, dtype: Any) -> None:
    """Check that a store is of these rates."""
    array = store["rate"]
    chunks, shards = _layout(plan.shape, chunk)
    had = {key: store.attrs.get(key) for key in ("schedule", "steps")}
    had |= {"axes": list(array.metadata.dimension_names), "shape": list(array.shape), "dtype": str(array.dtype)}
    had |= {"chunks": list(array.chunks), "files": list(array.shards or array.chunks)}
    wanted = _described(plan) | {"axes": list(plan.dims), "shape": list(plan.shape), "dtype": str(dtype)}
    if isinstance(had["schedule"], Mapping):  # parameters one by one, for a message that can be read
        for each in (had, wanted):
            schedule = dict(each.pop("schedule"))
            each |= schedule.pop("config", {}) | {"class": schedule}
    for key, each in (wanted | {"chunks": chunks, "files": shards}).items():
        if had.get(key) != each:
            raise ValueError(f"{path}: holds other rates: its {key} is {shown(had.get(key))}, not {shown(each)}")
    for name, (_, values, _) in _coordinates(plan).items():
        stored = store[name][:] if name in store else np.array(None)
        same = np.array_equal(stored, values)
        if same and stored.dtype.kind != values.dtype.kind:  # NumPy compares int64 and float64 as float64
            same = stored.tolist() == values.tolist()
        if not same:
            raise ValueError(f"{path}: holds other rates: its values of {name!r} are others")


def _files(path: Path, array: zarr.Array) -> Iterator[tuple[Path, tuple[slice, ...]]]:
    """The files that a store's array of rates consists of, and the places of the rates that each has."""
    blocks = [range(0, length, size) for length, size in zip(array.shape, array.shards or array.chunks, strict=True)]
    for number, starts in zip(np.ndindex(*map(len, blocks)), itertools.product(*blocks), strict=True):
        ends = (min(at + each.step, length) for at, each, length in zip(starts, blocks, array.shape, strict=True))
        yield path / "rate" / array.metadata.encode_chunk_key(number), tuple(map(slice, starts, ends))


def _whole(file: Path, array: zarr.Array, place: tuple[slice, ...]) -> bool:
    """Whether a file has not been cut."""
    if not (array.shards or array.compressors):
        size: int = math.prod(array.chunks) * array.dtype.itemsize
        return file.stat().st_size >= size
    try:  # the index of a sharded file is at its end, and codecs notice a cut
        array[tuple(each.start for each in place)]
    except Exception:  # codecs raise errors of many types
        return False
    return True


def _count(place: tuple[slice, ...]) -> int:
    return math.prod(each.stop - each.start for each in place)


def _part(plan: Plan, place: tuple[slice, ...]) -> Plan:
    """The schedules and steps of one file: what a worker needs of a plan."""
    axes = itertools.repeat(place[0]) if plan.listed else iter(place)
    columns = {name: values[axis] for (name, values), axis in zip(plan.columns.items(), axes, strict=False)}
    return Plan(plan.schedule, columns, plan.listed, plan.steps[place[-1]])


def _fill(plan: Plan, array: zarr.Array, place: tuple[slice, ...], threads: SupportsIndex | None) -> None:
    """Write one file of a store."""
    # One buffer for all files of a thread: Dask's processes give freed memory back, and new memory takes longer than
    # the rates in it.
    size = math.prod(plan.shape) * array.dtype.itemsize
    if not hasattr(_own, "buffer") or _own.buffer.nbytes < size:
        _own.buffer = np.empty(size, np.uint8)
    rates = _own.buffer[:size].view(array.dtype).reshape(plan.shape)
    steps = plan.steps
    if not _evaluate_at_once(plan, rates, threads):
        for row, schedule in zip(rates.reshape(-1, len(steps)), plan.schedules(), strict=True):
            schedule.precompute(steps.start, steps.stop, steps.step, out=row, num_threads=threads)
    array[place] = rates  # Zarr writes a file under another name first


@contextlib.contextmanager
def _connected() -> Iterator[None]:
    """Report a lost scheduler, for which Dask has errors of many types."""
    try:
        yield
    except (OSError, RuntimeError, TypeError) as error:
        raise ConnectionError(LOST) from error


def _filled(client: Client | None, tasks: Iterator[tuple[Path, tuple[Any, ...]]]) -> Iterator[Path]:
    """Write files, several at the same time; yield each that is written. At the end wait for those being written."""
    # In this process two threads: one computes while the other writes, and Ctrl-C interrupts neither.
    executor: Executor = ThreadPoolExecutor(2) if client is None else client.get_executor(pure=False)
    ahead = 4 * (2 if client is None else max(1, sum(client.nthreads().values())))
    running: dict[Future[None], Path] = {}
    waits = True
    try:
        while True:
            for file, task in itertools.islice(tasks, ahead - len(running)):
                with _connected():
                    running[executor.submit(_fill, *task)] = file
            if not running:
                return
            done = wait(running, WORKER_TIMEOUT, FIRST_COMPLETED).done
            with _connected():
                workers = done or client is None or client.nthreads()
            if not workers:
                raise TimeoutError(f"Dask has no workers, and no file was written for {WORKER_TIMEOUT} s")
            for future in done:
                if future.cancelled():
                    raise ConnectionError(LOST)
                file = running.pop(future)
                try:
                    future.result()
                except TypeError:  # Dask's own too, of a task that was done when its worker was lost
                    if not file.exists():
                        raise
                yield file
    except Exception:
        waits = client is None  # for workers or a scheduler that are lost it might wait for ever
        raise
    finally:
        for future in running:
            future.cancel()
        executor.shutdown(waits)


def _sync(file: Path) -> None:
    """Wait until a file is on the disk."""
    with open(file, "r+b") as written:  # Windows syncs only what is open for writing
        os.fsync(written.fileno())
