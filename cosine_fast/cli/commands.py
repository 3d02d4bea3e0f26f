"""What each command does. Needs click."""

from __future__ import annotations

import inspect
import json
import math
import platform
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np

from cosine_fast import CosineDecay, LearningRateSchedule, __version__, build_info

from . import files, options, signals
from .signals import CommandError, one_line, shortened

CHUNK = 1 << 20  # steps; pyarrow makes row groups of this size too


def execute(arguments: Sequence[str]) -> None:
    """Run one command."""
    if any("\0" in argument for argument in arguments):
        raise CommandError("arguments cannot have a NUL")
    try:
        group.main(list(arguments), prog_name="cosine-fast", standalone_mode=False)
    except click.ClickException as error:
        raise CommandError(error.format_message()) from error


@click.group(no_args_is_help=False)
@click.version_option(__version__, prog_name="cosine-fast")
def group() -> None:
    """Learning rates of schedules, fast."""


@group.command()
@options.parameters
@options.config
@options.number("--start", options.whole, "First step.", default=0, show_default=True)
@options.number("--stop", options.whole, "Step before which to stop.  [default: past the first step of the last rate]")
@options.number("--step", options.whole, "Distance between steps.", default=1, show_default=True)
@options.dtype
@options.threads
@options.output(".npy, .csv or .parquet")
@click.option("--plot", metavar="FILE", help=".png, .svg or .pdf file to draw as well.")
@options.force
def precompute(
    config: str | None, start: int, stop: int | None, step: int, dtype: str, threads: int, output: str,
    plot: str | None, force: bool, **parameters: Any,
) -> None:  # fmt: skip
    """Write the learning rate of every step to a .npy, .csv or .parquet file.

    The steps are range(START, STOP, STEP), by default from 0 to the end of the decay, its first step included. A
    schedule without an end needs --stop. Memory is bounded at any length. The file is complete or absent, and an
    existing one is not overwritten.
    """
    schedule = options.schedule_of(config, parameters)
    steps = options.steps_of(schedule, start, stop, step)
    targets = [files.target_of("--output", output, files.TABLES, force, [config])]
    if plot is not None:
        targets.append(files.target_of("--plot", plot, files.PICTURES, force, [config]))
    parts = (steps[at : at + CHUNK] for at in range(0, len(steps), CHUNK))
    with files.published(targets, force) as (file, *pictures):
        for picture in pictures:
            ends = (steps[0], steps[-1]) if steps else (start, start)
            _draw([(_name(schedule), schedule)], picture, targets[1], start=min(ends), stop=max(ends))
        with files.rates_output(file, targets[0], schedule, "int64", dtype, (len(steps),)) as write:
            facts = _write(schedule, parts, "steps", len(steps), dtype, threads, write)
    _summarize(schedule, f"{len(steps):,}" + (f" ({steps[0]:,} to {steps[-1]:,})" if steps else ""), facts, targets)


@group.command()
@click.argument("steps", metavar="STEPS.npy")
@options.parameters
@options.config
@options.dtype
@options.threads
@options.output(".npy, .csv or .parquet")
@options.force
def evaluate(
    steps: str, config: str | None, dtype: str, threads: int, output: str, force: bool, **parameters: Any
) -> None:
    """Write the learning rates of the steps in a .npy file.

    A .npy output has the shape and the order of the input. The rows of a .csv or .parquet output are in the order in
    which the input holds its steps.
    """
    schedule = options.schedule_of(config, parameters)
    target = files.target_of("--output", output, files.TABLES, force, [config, steps])
    with files.npy_input(steps) as (stream, shape, fortran_order, step_dtype):
        total = math.prod(shape)
        parts = files.chunks(stream, step_dtype, total, CHUNK)
        with (
            files.published([target], force) as (file,),
            files.rates_output(file, target, schedule, step_dtype, dtype, shape, fortran_order) as write,
        ):
            facts = _write(schedule, parts, steps, total, dtype, threads, write)
    _summarize(schedule, f"{total:,} of {steps}", facts, [target])


@group.command()
@options.parameters
@options.configs
@options.number("--stop", options.whole, "Last step in the picture.  [default: a little past the end of the decay]")
@click.option("--log", is_flag=True, help="Logarithmic learning rates.")
@click.option("--title", help="Title of the picture.")
@options.output(".png, .svg or .pdf")
@options.force
def plot(
    configs: Sequence[str], stop: int | None, log: bool, title: str | None, output: str, force: bool, **parameters: Any
) -> None:
    """Draw the curve of a schedule, or of several, to a .png, .svg or .pdf file.

    A schedule without an end needs --stop.
    """
    curves = []
    for file in configs or (None,):
        schedule = options.schedule_of(file, parameters)
        curves.append((_name(schedule, file), schedule))
    target = files.target_of("--output", output, files.PICTURES, force, configs)
    if stop is None:
        end = max(options.end_of(schedule) for _, schedule in curves)
        stop = min(end + math.ceil(end / 25), 2**63 - 1)  # with a little of the last rate
    elif not 0 < stop < 2**63:
        raise CommandError(f"--stop: expected a step above 0 within int64, received {stop}")
    with files.published([target], force) as (picture,):
        _draw(curves, picture, target, start=0, stop=stop, log=log, title=title)
    print(one_line(f"{target} ({_size(target)})"), flush=True)


@group.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def info(as_json: bool) -> None:
    """Say what was built and what was chosen: version, backend, instruction set, threads."""
    facts = {**build_info(), "python": platform.python_version(), "numpy": np.__version__}
    if as_json:
        print(json.dumps(facts, default=str), flush=True)
        return
    facts["isas"] = ", ".join(facts["isas"])
    _print({name.replace("_", " "): str(value) for name, value in facts.items()})


def _write(
    schedule: Any, parts: Iterable[Any], source: str, total: int, dtype: str, threads: int, write: files.Write
) -> dict[str, str]:
    """Write the rates of every chunk of steps, with a progress bar on a terminal; what there is to say of it."""
    from tqdm import tqdm

    facts: dict[str, str] = {}
    buffer = np.empty(CHUNK, dtype)
    began = time.perf_counter()
    size = shutil.get_terminal_size()  # tqdm draws nothing where a terminal says 0 by 0
    look: dict[str, Any] = {"ncols": min(size.columns, 100), "nrows": size.lines, "leave": False}
    look |= {"unit": " steps", "unit_scale": True, "disable": not sys.stderr.isatty()}
    with tqdm(total=total, **look) as bar:
        for steps in parts:
            signals.check()
            rates = buffer[: len(steps)]
            try:
                schedule(steps, out=rates, num_threads=threads)
            except (ValueError, TypeError, OverflowError) as error:
                raise CommandError(f"{source}: {error}") from error
            write(steps, rates)
            facts.setdefault("first", repr(rates[0].item()))
            facts["last"] = repr(rates[-1].item())
            bar.update(len(rates))
    seconds = time.perf_counter() - began
    facts["time"] = f"{seconds:.3f} s"
    if total:
        facts["speed"] = f"{seconds / total * 1e9:.2f} ns per step, {total / seconds:,.0f} steps/s"
    return facts


def _draw(curves: Sequence[tuple[str, LearningRateSchedule]], file: BinaryIO, target: Path, **rest: Any) -> None:
    from cosine_fast import plotting

    try:
        plotting.draw(curves, file, target.suffix.lower()[1:], **rest)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _size(file: Path) -> str:
    count = file.stat().st_size
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    return f"{count / 1024**power:,.{1 if power else 0}f} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def _print(facts: dict[str, str]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {one_line(value)}")
    sys.stdout.flush()  # now, while an error still gets its line


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


def _summarize(schedule: LearningRateSchedule, steps: str, written: dict[str, str], targets: Sequence[Path]) -> None:
    facts = {"schedule": f"{shortened(_name(schedule), 60)}: {_described(schedule)}", "steps": steps}
    if isinstance(schedule, CosineDecay):
        peak = schedule.initial_learning_rate if schedule.warmup_target is None else schedule.warmup_target
        facts |= {"peak": repr(float(peak)), "floor": repr(float(schedule(math.inf)))}
    facts |= written
    for what, target in zip(("file", "plot"), targets, strict=False):
        facts[what] = f"{target} ({_size(target)})"
    _print(facts)
