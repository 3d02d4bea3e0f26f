"""What each command does. Needs click."""

from __future__ import annotations

import inspect
import math
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np

from cosine_fast import CosineDecay, LearningRateSchedule, __version__

from . import facts, files, options, signals
from .signals import CommandError, one_line, shortened

CHUNK = 1 << 20  # steps; pyarrow makes row groups of this size too


def execute(arguments: Sequence[str]) -> None:
    """Run one command."""
    if any("\0" in argument for argument in arguments):
        raise CommandError("arguments cannot have a NUL")
    try:
        group.main(list(arguments), prog_name="cosine-fast", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"Try '{context.command_path} --help' for help." if context else ""
        raise CommandError(error.format_message(), hint=hint) from error


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cosine-fast")
@click.pass_context
def group(context: click.Context) -> None:
    """Learning rates of schedules, fast.

    \b
    cosine-fast show --initial-learning-rate 0.1 --decay-steps 1000
    cosine-fast precompute --config run.json -o lr.npy --plot lr.png
    cosine-fast precompute --config run.json -o - | head
    cosine-fast sweep --config sweep.json -o rates.zarr
    seq 0 100 1000 | cosine-fast evaluate - --config run.json -o -
    cosine-fast plot --config one.json --config two.json -o curves.svg
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


group.command_class = options.Command


@group.command(short_help="Write the rates of a range of steps.")
@options.parameters
@options.config
@options.number("--start", options.whole, "First step.", default=0, show_default=True)
@options.number("--stop", options.whole, "Step before which to stop.  [default: past the first step of the last rate]")
@options.number("--step", options.whole, "Distance between steps.", default=1, show_default=True)
@options.dtype
@options.threads
@options.table("zarr")
@options.store
@click.option("--plot", **options.FILE, help=".png, .svg or .pdf file to draw as well.")
@options.picture
@options.force
@options.quiet
def precompute(
    config: str | None, start: int, stop: int | None, step: int, dtype: str, threads: int, output: str,
    kind: str | None, store: dict[str, Any], plot: str | None, look: dict[str, Any], force: bool, quiet: bool,
    **parameters: Any,
) -> None:  # fmt: skip
    """Write the learning rate of every step to a file, or to standard output.

    The steps are range(START, STOP, STEP), by default from 0 to the end of the decay, its first step included. A
    schedule without an end needs --stop. Memory is bounded at any length. The file is complete or absent, and an
    existing one is not overwritten. A .zarr store is a folder: it can be read while it is written, it is marked
    complete last, and --resume goes on with it.

    \b
    cosine-fast precompute --config run.json -o lr.npy --plot lr.png
    cosine-fast precompute --initial-learning-rate 0.1 --decay-steps 1e6 -o lr.csv
    cosine-fast precompute --config run.json -o - --format jsonl | head
    cosine-fast precompute --config run.json -o lr.zarr --workers 4 --resume
    """
    schedule = options.schedule_of(config, parameters)
    steps = options.steps_of(schedule, start, stop, step)
    if (kind or Path(output).suffix.lower()[1:]) == "zarr":
        from cosine_fast.stores import Plan

        if plot is not None:
            raise click.UsageError("--plot cannot be given beside a .zarr store: `cosine-fast plot --store` draws it")
        _store(Plan(schedule, {}, False, steps), output, quiet, dtype=dtype, threads=threads, force=force, **store)
        return
    if named := [name for name, value in store.items() if value is not None and value is not False]:
        raise click.UsageError(f"{options.option_of(named[0])} is for .zarr stores, received --output {output}")
    if plot is not None and os.path.realpath(plot) == os.path.realpath(output):
        raise CommandError(f"{plot}: cannot be both --output and --plot")
    table, kind = files.table_of(output, kind, force, [config])
    targets = [table]
    if plot is not None:
        targets.append(files.target_of("--plot", plot, files.PICTURES, force, [config]))
    parts = (steps[at : at + CHUNK] for at in range(0, len(steps), CHUNK))
    with files.published(targets, force) as (file, *pictures):
        for picture in pictures:
            first, last = min(steps[0], steps[-1]), max(steps[0], steps[-1])
            _draw([(_name(schedule), schedule)], picture, targets[1], start=first, stop=last, **look)
        with files.rates_output(file, kind, schedule, "int64", dtype, (len(steps),)) as write:
            said = _write(schedule, parts, "steps", len(steps), dtype, threads, write, quiet or table == files.STDOUT)
    if not quiet:
        _summarize(schedule, len(steps), f"({steps[0]:,} to {steps[-1]:,})", *said, targets)


@group.command(short_help="Write the rates of many schedules.")
@click.option("--config", required=True, **options.FILE, help="Schedule, parameters and steps, as JSON.")
@options.dtype
@options.threads
@options.output(".zarr store to write.")
@options.store
@options.force
@options.quiet
def sweep(
    config: str, dtype: str, threads: int, output: str, store: dict[str, Any], force: bool, quiet: bool
) -> None:  # fmt: skip
    """Write the rates of many schedules, which differ in some parameters, to a .zarr store that xarray opens.

    The config is {"schedule": ..., "grid": {"alpha": [0, 0.1], ...}, "steps": {"start": 0, "stop": 1000, "step": 10}}.
    The schedule is as for --config elsewhere, and may lack what is swept. In place of "grid" there may be
    "list": [{"alpha": 0}, ...] or "random": {"count": 100, "seed": 0, "parameters": {"alpha": {"low": 0.01, "high": 1,
    "log": true}}}.

    \b
    cosine-fast sweep --config sweep.json -o rates.zarr
    cosine-fast sweep --config sweep.json -o rates.zarr --workers 4 --resume
    """
    if Path(output).suffix.lower() != ".zarr":
        raise CommandError(f"--output: expected a name that ends in .zarr, received {output!r}")
    _store(options.read_sweep(config), output, quiet, dtype=dtype, threads=threads, force=force, **store)


@group.command(short_help="Write the rates of the steps in a file.")
@click.argument("steps", metavar="STEPS.npy", type=click.Path())
@options.parameters
@options.config
@options.dtype
@options.threads
@options.table()
@options.force
@options.quiet
def evaluate(
    steps: str, config: str | None, dtype: str, threads: int, output: str, kind: str | None, force: bool, quiet: bool,
    **parameters: Any,
) -> None:  # fmt: skip
    """Write the learning rates of the steps in a .npy file, or in standard input.

    A .npy output has the shape and the order of the input. The rows of other outputs are in the order in which the
    input holds its steps. STEPS.npy may be -: standard input, with a .npy file or with numbers as text.

    \b
    cosine-fast evaluate steps.npy --config run.json -o lr.npy
    echo 0 1000 2000 | cosine-fast evaluate - --config run.json -o -
    """
    schedule = options.schedule_of(config, parameters)
    target, kind = files.table_of(output, kind, force, [config, steps])
    source = "standard input" if steps == "-" else steps
    with files.npy_input(steps, options.steps_in) as (stream, shape, fortran_order, step_dtype):
        total = math.prod(shape)
        parts = files.chunks(source, stream, step_dtype, total, CHUNK)
        with (
            files.published([target], force) as (file,),
            files.rates_output(file, kind, schedule, step_dtype, dtype, shape, fortran_order) as write,
        ):
            said = _write(schedule, parts, source, total, dtype, threads, write, quiet or target == files.STDOUT)
    if not quiet:
        _summarize(schedule, total, f"of {source}", *said, [target])


@group.command(short_help="Print the rates of some steps.")
@click.argument("steps", nargs=-1, metavar="[STEPS]...", type=options.count)
@options.parameters
@options.config
def show(steps: Sequence[float], config: str | None, **parameters: Any) -> None:
    """Print a table of steps and their learning rates.

    Without STEPS they are tenths of the whole run, and the end of the warmup. Negative steps come after --. On a
    terminal the curve follows, in one line.

    \b
    cosine-fast show --config run.json
    cosine-fast show --config run.json 0 2000 1e6
    """
    schedule: Any = options.schedule_of(config, parameters)
    if steps:
        first, last = min(steps), max(steps)
    else:
        first, last = 0, options.end_of(schedule, "STEPS are missing")
        warmup = math.ceil(schedule.warmup_steps) if getattr(schedule, "warmup_target", None) is not None else 0
        steps = sorted({warmup, *(last * tenth // 10 for tenth in range(11))})
    try:
        rates = [schedule(step) for step in steps]
        curve = np.array([schedule(first + (last - first) * i / 59) for i in range(60)])
    except OverflowError as error:
        raise CommandError(str(error)) from error
    width = max(len("step"), *(len(str(step)) for step in steps))
    print(f"{'step':>{width}}  learning_rate")
    for step, rate in zip(steps, rates, strict=True):
        print(f"{step:>{width}}  {rate!r}")
    if sys.stdout.isatty() and np.isfinite(curve).all():
        heights = (curve - curve.min()) * (7.99 / (np.ptp(curve) or 1.0))
        print("".join("▁▂▃▄▅▆▇█"[int(height)] for height in heights))
    sys.stdout.flush()


@group.command(short_help="Draw schedules into a picture.")
@options.parameters
@options.configs
@click.option("--store", **options.FILE, help=".zarr store to draw, of a sweep at most 8 schedules.")
@options.number("--start", options.whole, "First step in the picture.", default=0, show_default=True)
@options.number("--stop", options.whole, "Last step in the picture.  [default: a little past the end of the decay]")
@options.output(".png, .svg or .pdf file to write.")
@options.picture
@options.force
@options.quiet
def plot(
    configs: Sequence[str], store: str | None, start: int, stop: int | None, output: str, look: dict[str, Any],
    force: bool, quiet: bool, **parameters: Any,
) -> None:  # fmt: skip
    """Draw the curve of a schedule, or of several, to a .png, .svg or .pdf file.

    A schedule without an end needs --stop. A store is drawn from --start, or from its first step if that is later,
    to its last step or --stop.

    \b
    cosine-fast plot --config run.json -o lr.png
    cosine-fast plot --store rates.zarr -o sweep.png
    cosine-fast plot --config run.json --stop 5000 -o warmup.png
    cosine-fast plot --config one.json --config two.json --log-x -o curves.svg
    cosine-fast plot --config run.json --style dark_background -o lr.png
    """
    curves: list[tuple[str, Any]]
    if store is not None:
        from . import storing

        if named := [name for name, value in [("config", configs), *parameters.items()] if value not in (None, ())]:
            raise click.UsageError(f"{options.option_of(named[0])} cannot be given beside --store")
        curves, start, stop, count = storing.curves(store, start, stop)
        if look["title"] is None and count > len(curves):
            look["title"] = f"{len(curves)} of {count:,} schedules"
    else:
        schedules = [(options.schedule_of(file, parameters), file) for file in configs or (None,)]
        curves = [(_name(schedule, file), schedule) for schedule, file in schedules]
        if stop is None:
            end = max(options.end_of(schedule, f"{file}: --stop is missing") for schedule, file in schedules)
            stop = min(max(end + math.ceil(end / 25), start + 1), 2**63 - 1)  # with a little of the last rate
    target = files.target_of("--output", output, files.PICTURES, force, configs)
    if not -(2**63) <= start < stop < 2**63:
        raise click.UsageError(f"--stop: expected a step within int64 above --start {start}, received {stop}")
    with files.published([target], force) as (picture,):
        _draw(curves, picture, target, start=start, stop=stop, **look)
    if not quiet:
        print(one_line(_with_size(target)), flush=True)


@group.command(short_help="Say what was built and chosen.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--benchmark", is_flag=True, help="Measure the kernel beside the memory bandwidth, for a second.")
def info(as_json: bool, benchmark: bool) -> None:
    """Say what was built and what was chosen: version, backend, instruction set, threads.

    \b
    cosine-fast info --json
    """
    facts.info(as_json, benchmark)


def _write(
    schedule: Any, parts: Iterable[Any], source: str, total: int, dtype: str, threads: int, write: files.Write,
    quiet: bool,
) -> tuple[dict[str, str], float]:  # fmt: skip
    """Write the rates of all chunks, with a progress bar on a terminal; return the facts to report, and the seconds."""
    said: dict[str, str] = {}
    buffer = np.empty(CHUNK, dtype)
    began = time.perf_counter()
    with _bar(total, " steps", quiet) as bar:
        for steps in parts:
            signals.check()
            rates = buffer[: len(steps)]
            try:
                schedule(steps, out=rates, num_threads=threads)
            except (ValueError, TypeError, OverflowError) as error:
                raise CommandError(f"{source}: {error}") from error
            write(steps, rates)
            said.setdefault("first", repr(rates[0].item()))
            said["last"] = repr(rates[-1].item())
            bar.update(len(rates))
    return said, time.perf_counter() - began


def _bar(total: int, unit: str, quiet: bool) -> Any:
    """A progress bar, on a terminal."""
    from tqdm import tqdm

    size = shutil.get_terminal_size()  # tqdm draws nothing where a terminal says 0 by 0
    look: dict[str, Any] = {"ncols": min(size.columns, 100), "nrows": size.lines, "leave": False}
    look |= {"unit": unit, "unit_scale": True, "disable": quiet or not sys.stderr.isatty()}
    return tqdm(total=total, **look)


def _store(plan: Any, output: str, quiet: bool, **rest: Any) -> None:
    """Write a .zarr store, and say what it has."""
    from . import storing

    total, began = math.prod(plan.shape), time.perf_counter()
    with _bar(total, " rates", quiet) as bar:
        memory = storing.write(plan, output, bar, **rest)
    if quiet:
        return
    count, steps = total // len(plan.steps), plan.steps
    one = f"{shortened(_name(plan.schedule), 60)}: {_described(plan.schedule)}"
    about = {"schedule": one} if count == 1 else {"schedules": f"{count:,}"}
    about |= {"steps": f"{len(steps):,} ({steps[0]:,} to {steps[-1]:,})"}
    about |= {"time": f"{time.perf_counter() - began:.3f} s", "memory": memory}
    facts.show(about | {"store": _with_size(Path(os.path.realpath(output)))})


def _draw(curves: Sequence[tuple[str, LearningRateSchedule]], file: BinaryIO, target: Path, **rest: Any) -> None:
    from cosine_fast import plotting

    try:
        plotting.draw(curves, file, target.suffix.lower()[1:], **rest)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _with_size(file: Path) -> str:
    if file == files.STDOUT:
        return "standard output"
    count = sum(part.stat().st_size for part in ([file] if file.is_file() else file.rglob("*")))
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    return f"{file} ({count / 1024**power:,.{1 if power else 0}f} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]})"


def _name(schedule: LearningRateSchedule, file: str | None = None) -> str:
    """The name that the schedule was given; without one, its file's or its class's."""
    name = schedule.get_config()["name"]
    if file and name in (None, inspect.signature(type(schedule).__init__).parameters["name"].default):
        return Path(file).stem
    return type(schedule).__name__ if name is None else str(name)


def _described(schedule: LearningRateSchedule) -> str:
    if isinstance(schedule, CosineDecay):
        decay = f"cosine decay over {schedule.decay_steps:,} steps"
        if schedule.warmup_target is None:
            return decay
        return f"warmup from {schedule.initial_learning_rate!r} over {schedule.warmup_steps:,} steps, {decay}"
    parameters = ", ".join(f"{key}={value!r}" for key, value in schedule.get_config().items() if key != "name")
    return shortened(f"{type(schedule).__name__}({parameters})", 120)


def _summarize(
    schedule: LearningRateSchedule, count: int, which: str, said: dict[str, str], seconds: float,
    targets: Sequence[Path],
) -> None:  # fmt: skip
    about = {"schedule": f"{shortened(_name(schedule), 60)}: {_described(schedule)}", "steps": f"{count:,} {which}"}
    if isinstance(schedule, CosineDecay):
        peak = schedule.initial_learning_rate if schedule.warmup_target is None else schedule.warmup_target
        about |= {"peak": repr(float(peak)), "floor": repr(float(schedule(math.inf)))}
    about |= said
    about["time"] = f"{seconds:.3f} s, {count / seconds:,.0f} steps/s"
    if targets[0] != files.STDOUT:
        about["time"] += f", {targets[0].stat().st_size / seconds / 1e6:,.0f} MB/s"
    about |= {what: _with_size(each) for what, each in zip(("file", "plot"), targets, strict=False)}
    facts.show(about, sys.stderr if files.STDOUT in targets else None)
