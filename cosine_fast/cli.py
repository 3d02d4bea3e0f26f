"""The command line: ``cosine-fast precompute | evaluate | plot | info``.

Method. Both commands that write produce chunks of rates into one small buffer and hand each to a
writer (.npy, .csv or .parquet), so memory is bounded whatever the length. All outputs of a run are
staged beside their targets and published together at the end (`_published`): a target is complete
or absent.

Exit status. 0 done; 1 failed on the way (full disk, no permission); 2 refused (bad options, bad
input, a library that is not installed); 128 + n stopped by signal n. Every message is one line on
standard error.

click, tqdm, pyarrow and matplotlib are optional: each is imported by the function that needs it,
and `main` turns a missing one into a line that names the extra to install.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import importlib
import inspect
import io
import json
import logging
import math
import os
import platform
import secrets
import shutil
import signal
import stat
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np

from cosine_fast import CosineDecay, __version__, build_info

if TYPE_CHECKING:
    import click
    from numpy.typing import NDArray

# Steps in a chunk: as many rows as pyarrow puts in a row group of its own accord.
CHUNK = 1 << 20

CONFIG_LIMIT = 1 << 20  # bytes; a configuration has a few hundred
REQUIRED = {"initial_learning_rate", "decay_steps"}
NUMBERS = REQUIRED | {"alpha", "warmup_target", "warmup_steps"}
EXTRAS = {"click": "cli", "tqdm": "cli", "pyarrow": "cli", "matplotlib": "plot"}
TABLES = (".csv", ".parquet")
TABLE_LIBRARIES = ("pyarrow.csv", "pyarrow.parquet")
PLOT_LIBRARIES = ("matplotlib.figure", "cosine_fast.plotting")
PICTURES = (".png", ".svg", ".pdf")

# What link() says on a filesystem that has no hard links.
NO_LINKS = {
    errno.EACCES,
    errno.EINVAL,
    errno.EMLINK,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EPERM,
}

Write = Callable[[Any, "NDArray[Any]"], None]


class CommandError(Exception):
    """What a person is told in one line, and the exit status that goes with it."""

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


class Stopped(BaseException):
    """A signal asked us to stop; not an Exception, so no handler of errors takes it for one."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.status = 128 + signum


# Signals that asked us to stop. The exception that they raise is lost where Python calls back from its own depths (a
# weak reference that dies, say), so whoever goes on for long looks here too.
_received: list[int] = []


def _heed_signals() -> None:
    if _received:
        raise Stopped(_received[0])


# ------------------------------------------------------------------------------------ what comes in


def _exact(text: str) -> Decimal:
    """The number in a text, exactly; of at most 30 digits, so that it can be made an int."""
    try:
        number = Decimal(text)  # takes 1_000_000 and 1e9 too
    except InvalidOperation:
        raise CommandError(f"expected a number, received {text!r}") from None
    if not number.is_finite() or number.adjusted() >= 30:
        raise CommandError(f"expected a finite number of at most 30 digits, received {text!r}")
    return number


def _whole(text: str) -> int:
    """The int in a text: 1000000, 1_000_000 or 1e6."""
    number = _exact(text)
    if number != number.to_integral_value():
        raise CommandError(f"expected a whole number, received {text!r}")
    return int(number)


def _number(text: str) -> int | float:
    """The int in a text if it is whole, however large, else the float."""
    number = _exact(text)
    return int(number) if number == number.to_integral_value() else float(text)


def _real(text: str) -> float:
    """The float in a text; whether it will do is for the schedule to say."""
    try:
        return float(text)
    except ValueError:
        raise CommandError(f"expected a number, received {text!r}") from None


def _parsed(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A click callback that parses an option's text and names the option when it cannot."""

    def callback(_context: click.Context, option: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except CommandError as problem:
            raise CommandError(f"{option.opts[0]}: {problem}") from None

    return callback


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object, in which no key may stand twice (json itself silently keeps the last)."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parameters(tree: Any) -> dict[str, Any]:
    """The parameters in a parsed configuration, checked; nothing is imported by its names."""
    if isinstance(tree, dict) and ("class_name" in tree or "config" in tree):
        if unknown := tree.keys() - {"module", "class_name", "config", "registered_name"}:
            raise ValueError(f"unknown key {min(unknown)!r}")
        if tree.get("class_name") != "CosineDecay":
            raise ValueError(f"expected class_name 'CosineDecay', received {tree.get('class_name')!r}")
        tree = tree.get("config")
    if not isinstance(tree, dict):
        raise ValueError(f"expected an object, received {type(tree).__name__}")
    if unknown := tree.keys() - NUMBERS - {"name"}:
        raise ValueError(f"unknown key {min(unknown)!r}")
    if missing := REQUIRED - tree.keys():
        raise ValueError(f"key {min(missing)!r} is missing")
    for key, value in tree.items():
        if key == "name":
            if not isinstance(value, str):
                raise ValueError(f"expected text as 'name', received {value!r}")
        elif not (key == "warmup_target" and value is None):
            if type(value) not in (int, float):  # not bool, which is an int
                raise ValueError(f"expected a number as {key!r}, received {value!r}")
            if not math.isfinite(value):
                raise ValueError(f"expected a finite number as {key!r}")
    return tree


def _read_config(file: str) -> CosineDecay:
    """The schedule that a JSON file describes."""
    try:
        with open(file, "rb") as stream:
            text = stream.read(CONFIG_LIMIT + 1)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    try:
        if len(text) > CONFIG_LIMIT:
            raise ValueError(f"larger than {CONFIG_LIMIT:,} bytes")
        tree = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant)
        return CosineDecay.from_config(_parameters(tree))
    except RecursionError:
        reason = "nested too deeply"
    except UnicodeDecodeError:
        reason = "not UTF-8"
    except (ValueError, TypeError, OverflowError) as error:
        reason = str(error)
    raise CommandError(
        f"{file}: not a CosineDecay configuration: {_shortened(reason, 200)} "
        "(expected the JSON of keras.optimizers.schedules.serialize, or its config)"
    )


def _schedule(config: str | None, options: dict[str, Any]) -> CosineDecay:
    """The schedule of --config, or of the options: one or the other."""
    given = {key: value for key, value in options.items() if value is not None}
    if config is not None:
        if given:
            raise CommandError(f"--{min(given).replace('_', '-')} cannot be given beside --config")
        return _read_config(config)
    if missing := REQUIRED - given.keys():
        raise CommandError(f"--{max(missing).replace('_', '-')} is missing (or give --config FILE)")
    try:
        return CosineDecay(**given)
    except (ValueError, TypeError, OverflowError) as error:
        raise CommandError(str(error)) from error


def _end(schedule: CosineDecay) -> int:
    """The first step from which on the rate is the floor."""
    warmup = 0 if schedule.warmup_target is None else schedule.warmup_steps
    # As fractions, for their sum as floats can be rounded to a step before the end.
    return math.ceil(Fraction(warmup) + Fraction(schedule.decay_steps))


def _steps(schedule: CosineDecay, start: int, stop: int | None, step: int) -> range:
    """The steps asked for; to the end of the decay, floor included, unless told."""
    if step == 0:
        raise CommandError("--step: expected a whole number other than 0, received 0")
    steps = range(start, _end(schedule) + 1 if stop is None else stop, step)
    if steps and not all(-(2**63) <= at < 2**63 for at in (steps[0], steps[-1])):
        raise CommandError(f"steps must fit in int64, received {steps[0]} to {steps[-1]}")
    if (steps.stop - steps.start) // steps.step >= 2**63 - 1:
        raise CommandError("--start, --stop and --step give more steps than a file can hold")
    return steps


def _read_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of a .npy file, of which nothing is believed before it is checked."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    elif version in ((2, 0), (3, 0)):
        # 3.0 differs from 2.0 in that field names may be UTF-8: where it matters the file is
        # refused anyway.
        header = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"unknown version {version}")
    shape, fortran_order, dtype = header
    if dtype.kind not in "iuf" or dtype.subdtype:
        raise ValueError(f"expected integers or floats, received {_shortened(str(dtype), 60)}")
    if not all(0 <= length <= np.iinfo(np.intp).max for length in shape):
        raise ValueError(f"impossible shape {_shortened(str(shape), 60)}")
    held = os.fstat(stream.fileno()).st_size - stream.tell()
    if (declared := math.prod(shape) * dtype.itemsize) > held:
        raise ValueError(f"its header declares {declared} bytes of steps, it holds {held}")
    return shape, fortran_order, dtype


@contextlib.contextmanager
def _npy_input(file: str) -> Iterator[tuple[BinaryIO, tuple[int, ...], bool, np.dtype[Any]]]:
    """A .npy file of steps, open behind its header."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):  # before open(), which waits for ever on a pipe
            raise CommandError(f"{file}: not a regular file")
        stream = open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    with stream:
        try:
            header = _read_header(stream)
        except Exception as error:  # numpy's parser lets through whatever Python's raises
            reason = _shortened(str(error).partition("\n")[0] or type(error).__name__, 200)
            raise CommandError(f"{file}: not a .npy file of steps: {reason}") from error
        yield stream, *header


# ------------------------------------------------------------------------------------ what goes out


def _target(option: str, file: str, suffixes: Sequence[str], force: bool, sources: Sequence[str | None]) -> Path:
    """Where an output goes: symbolic links are followed, and an existing file needs leave."""
    target = Path(os.path.realpath(file))
    if target.is_dir() or file.endswith(os.sep):
        raise CommandError(f"{file}: is a directory")
    if target.suffix.lower() not in suffixes:
        raise CommandError(f"{option}: expected a name that ends in {', '.join(suffixes)}, received {file!r}")
    if not target.parent.is_dir():
        raise CommandError(f"{file}: there is no directory {str(target.parent)!r}")
    for source in sources:
        if source is not None and os.path.exists(source) and os.path.realpath(source) == str(target):
            raise CommandError(f"{file}: is an input of this command too")
    if os.path.lexists(target):
        if not target.is_file():
            raise CommandError(f"{file}: is not a regular file")
        if not force:
            raise CommandError(f"{file}: exists already (--force overwrites it)")
    return target


def _publish(temporary: Path, target: Path, force: bool) -> None:
    """Give a finished file its name; never over another file unless forced, however new."""
    if force:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)  # unlike rename(), fails if the target exists
    except OSError as error:
        if error.errno in NO_LINKS and not os.path.lexists(target):
            os.rename(temporary, target)
        elif error.errno in NO_LINKS or isinstance(error, FileExistsError):
            raise CommandError(f"{target}: exists already (--force overwrites it)") from None
        else:
            raise


def _load(*libraries: str) -> None:
    """Import now what is needed later: not when files are open already, and not while timed."""
    for library in libraries:
        importlib.import_module(library)


@contextlib.contextmanager
def _published(targets: Sequence[Path], force: bool) -> Iterator[list[BinaryIO]]:
    """Files for the block to write: named together when it succeeds, gone when it does not."""
    temporaries: list[Path] = []
    files: list[BinaryIO] = []
    named: list[Path] = []
    try:
        for target in targets:
            # Not tempfile, whose files are for their owner alone: these get the permissions that
            # umask gives.
            temporaries.append(target.with_name(f".cosine-fast-{secrets.token_hex(8)}.tmp"))
            files.append(open(temporaries[-1], "xb"))  # noqa: SIM115
        yield files
        for file in files:
            file.flush()
            # The space was reserved, so without this a power cut could leave a file of zeros under
            # the final name.
            os.fsync(file.fileno())
            file.close()
        _heed_signals()
        for temporary, target in zip(temporaries, targets, strict=True):
            _publish(temporary, target, force)
            named.append(target)
    except BaseException as error:
        if not force and len(named) < len(targets):
            for target in named:
                target.unlink()
        if isinstance(error, OSError):
            raise CommandError(f"cannot write {targets[0]}: {error.strerror}", status=1) from error
        raise
    finally:
        for file in files:
            with contextlib.suppress(OSError):  # a full disk was reported already
                file.close()
        for temporary in temporaries:
            with contextlib.suppress(OSError):  # a file system that turned read-only was reported already
                temporary.unlink()


def _reserve(file: BinaryIO, size: int) -> None:
    """Take the space now, so that a full disk is seen in the first second and not in the last."""
    if hasattr(os, "posix_fallocate") and size > 0:
        file.flush()
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise


@contextlib.contextmanager
def _npy_output(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...], fortran_order: bool) -> Iterator[Write]:
    """Writes chunks of rates behind the header that np.save would write.

    With write(), not through a memory map: filling 5e8 doubles either way, with one thread or two,
    took the same within the noise (on ext4 2 to 6 ns each and on tmpfs 4 to 7), resident memory
    stays where it is, and where space cannot be reserved a full disk is an error and not a SIGBUS.
    """
    header = {"descr": dtype.str, "fortran_order": fortran_order, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    _reserve(file, file.tell() + math.prod(shape) * dtype.itemsize)

    def write(_steps: Any, rates: NDArray[Any]) -> None:
        file.write(rates.data)

    yield write


@contextlib.contextmanager
def _table_output(
    file: BinaryIO,
    kind: str,
    step_dtype: np.dtype[Any],
    dtype: np.dtype[Any],
    schedule: CosineDecay,
) -> Iterator[Write]:
    """Writes chunks of steps and rates as rows of a .csv, or as row groups of a .parquet file."""
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    # Floats that tables do not know (half and extended precision) become the float64 that they are
    # computed as.
    step_dtype = step_dtype.newbyteorder("=") if step_dtype.kind != "f" else np.dtype(np.float64)
    metadata = {
        "cosine_fast.schedule": json.dumps(schedule.get_config()),
        "cosine_fast.version": __version__,
    }
    schema = pyarrow.schema(
        [
            ("step", pyarrow.from_numpy_dtype(step_dtype)),
            ("learning_rate", pyarrow.from_numpy_dtype(dtype)),
        ],
        metadata=metadata,
    )
    if kind == ".csv":
        file.write(b"step,learning_rate\n")  # pyarrow would quote the names
        options = pyarrow.csv.WriteOptions(include_header=False)
        writer = pyarrow.csv.CSVWriter(file, schema, write_options=options)
    else:
        # Steps in arithmetic progression take next to nothing as differences; rates hardly ever
        # repeat.
        writer = pyarrow.parquet.ParquetWriter(
            file,
            schema,
            use_dictionary=False,
            column_encoding={"step": "DELTA_BINARY_PACKED"} if step_dtype.kind != "f" else None,
        )

    def write(steps: Any, rates: NDArray[Any]) -> None:
        if isinstance(steps, range):
            steps = steps.start + steps.step * np.arange(len(steps), dtype=np.int64)
        columns = [steps.astype(step_dtype, copy=False), rates]
        writer.write_batch(pyarrow.record_batch(columns, schema=schema))

    with writer:
        yield write


def _precomputed(
    schedule: CosineDecay, steps: range, buffer: NDArray[Any], threads: int
) -> Iterator[tuple[Any, NDArray[Any]]]:
    """The steps and their rates, chunk by chunk, each in the memory of the one before."""
    chunk = len(buffer)
    for at in range(0, len(steps), chunk):
        part = steps[at : at + chunk]
        rates = buffer[: len(part)]
        schedule.precompute(part.start, part.stop, part.step, out=rates, dtype=rates.dtype, num_threads=threads)
        yield part, rates


def _evaluated(
    schedule: CosineDecay,
    stream: BinaryIO,
    total: int,
    dtype: np.dtype[Any],
    buffer: NDArray[Any],
    threads: int,
) -> Iterator[tuple[Any, NDArray[Any]]]:
    """The steps in a file and their rates, likewise, in the order in which the file holds them."""
    chunk = len(buffer)
    for at in range(0, total, chunk):
        part = np.fromfile(stream, dtype, min(chunk, total - at))
        if len(part) < min(chunk, total - at):
            raise CommandError(f"{stream.name}: became shorter while it was read", status=1)
        rates = buffer[: len(part)]
        try:
            schedule(part, out=rates, dtype=rates.dtype, num_threads=threads)
        except (ValueError, TypeError, OverflowError) as error:
            raise CommandError(f"{stream.name}: {error}") from error
        yield part, rates


def _write_all(parts: Iterator[tuple[Any, NDArray[Any]]], write: Write, total: int) -> tuple[float, float] | None:
    """Write every chunk, with a progress bar if a person watches; the first and the last rate."""
    from tqdm import tqdm

    ends: tuple[float, float] | None = None
    size = shutil.get_terminal_size()  # tqdm draws nothing where a terminal says 0 by 0
    look: dict[str, Any] = {"ncols": min(size.columns, 100), "nrows": size.lines, "leave": False}
    look |= {"unit": " steps", "unit_scale": True, "disable": not sys.stderr.isatty()}
    with tqdm(total=total, **look) as bar:
        for steps, rates in parts:
            _heed_signals()
            write(steps, rates)
            ends = (rates[0].item() if ends is None else ends[0], rates[-1].item())
            bar.update(len(rates))
    return ends


# ------------------------------------------------------------------------------ what a person reads


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _one_line(text: str) -> str:
    """A text of which a terminal makes one line, whatever was put into a name."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def _size(count: int) -> str:
    power = min(max(count.bit_length() - 1, 0) // 10, 4)
    return f"{count / 1024**power:,.{1 if power else 0}f} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def _print(facts: dict[str, str]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:<{width}}  {_one_line(value)}")
    sys.stdout.flush()  # here, where an error still gets its line


def _described(schedule: CosineDecay) -> str:
    decay = f"cosine decay over {schedule.decay_steps:,} steps"
    if schedule.warmup_target is None:
        return f"{_shortened(schedule.name, 60)}: {decay}"
    return (
        f"{_shortened(schedule.name, 60)}: warmup from {schedule.initial_learning_rate!r} "
        f"over {schedule.warmup_steps:,} steps, {decay}"
    )


def _summary(
    schedule: CosineDecay,
    what: str,
    ends: tuple[float, float] | None,
    total: int,
    seconds: float,
    files: Sequence[Path],
) -> None:
    peak = schedule.initial_learning_rate if schedule.warmup_target is None else schedule.warmup_target
    facts = {"schedule": _described(schedule), "steps": f"{total:,}{what}"}
    facts |= {"peak": repr(float(peak)), "floor": repr(float(schedule(float("inf"))))}
    if ends:
        facts |= {"first": repr(ends[0]), "last": repr(ends[1])}
    facts["time"] = f"{seconds:.3f} s"
    if total:
        facts["speed"] = f"{seconds / total * 1e9:.2f} ns per step, {total / seconds:,.0f} steps/s"
    for file in files:
        facts["file" if file is files[0] else "plot"] = f"{file} ({_size(file.stat().st_size)})"
    _print(facts)


# ------------------------------------------------------------------------------------- the commands


def precompute(
    config: str | None,
    start: int,
    stop: int | None,
    step: int,
    dtype: str,
    threads: int,
    output: str,
    plot: str | None,
    force: bool,
    **options: Any,
) -> None:
    """Write the learning rate of every step to a .npy, .csv or .parquet file.

    The steps are those of range(START, STOP, STEP): from 0 to the end of the decay unless told.
    Memory is bounded at any length. The file is complete or absent, and an existing one is not
    overwritten.
    """
    schedule = _schedule(config, options)
    steps = _steps(schedule, start, stop, step)
    targets = [_target("--output", output, (".npy", *TABLES), force, [config])]
    if plot is not None:
        targets.append(_target("--plot", plot, PICTURES, force, [config]))
    kind = targets[0].suffix.lower()
    table = kind in TABLES
    _load("tqdm", *TABLE_LIBRARIES * table, *PLOT_LIBRARIES * (plot is not None))
    buffer = np.empty(CHUNK, dtype)
    began = time.perf_counter()
    with _published(targets, force) as files, concurrent.futures.ThreadPoolExecutor(1) as worker:
        drawing = None
        if plot is not None:
            from cosine_fast import plotting

            first, last = (steps[0], steps[-1]) if steps else (start, start)
            drawing = worker.submit(
                plotting.draw,
                [(schedule.name, schedule)],
                files[1],
                targets[1].suffix.lower()[1:],
                start=min(first, last),
                stop=max(first, last),
            )
        writer = (
            _table_output(files[0], kind, np.dtype(np.int64), buffer.dtype, schedule)
            if table
            else _npy_output(files[0], buffer.dtype, (len(steps),), False)
        )
        with writer as write:
            ends = _write_all(_precomputed(schedule, steps, buffer, threads), write, len(steps))
        seconds = time.perf_counter() - began  # of the rates: the picture may still be under way
        if drawing is not None:
            drawing.result()
    what = f" ({steps[0]:,} to {steps[-1]:,})" if steps else ""
    _summary(schedule, what, ends, len(steps), seconds, targets)


def evaluate(
    steps: str,
    config: str | None,
    dtype: str,
    threads: int,
    output: str,
    force: bool,
    **options: Any,
) -> None:
    """Write the learning rates of the steps in a .npy file.

    A .npy output has the shape and the order of the input; the rows of a .csv or .parquet output
    are in the order in which the input holds its steps.
    """
    schedule = _schedule(config, options)
    target = _target("--output", output, (".npy", *TABLES), force, [config, steps])
    kind = target.suffix.lower()
    with _npy_input(steps) as (stream, shape, fortran_order, step_dtype):
        total = math.prod(shape)
        table = kind in TABLES
        _load("tqdm", *TABLE_LIBRARIES * table)
        buffer = np.empty(CHUNK, dtype)
        began = time.perf_counter()
        with _published([target], force) as files:
            writer = (
                _table_output(files[0], kind, step_dtype, buffer.dtype, schedule)
                if table
                else _npy_output(files[0], buffer.dtype, shape, fortran_order)
            )
            with writer as write:
                parts = _evaluated(schedule, stream, total, step_dtype, buffer, threads)
                ends = _write_all(parts, write, total)
        seconds = time.perf_counter() - began
    _summary(schedule, f" of {steps}", ends, total, seconds, [target])


def plot(config: Sequence[str], output: str, log: bool, title: str | None, force: bool, **options: Any) -> None:
    """Draw the curve of a schedule, or of several, to a .png, .svg or .pdf file."""
    if len(config) > 1:
        curves = [(file, _schedule(file, options)) for file in config]
    else:
        file = config[0] if config else None
        curves = [(file or "", _schedule(file, options))]
    # A schedule that was never named is called after its file.
    curves = [
        (Path(file).stem if file and schedule.name == "CosineDecay" else schedule.name, schedule)
        for file, schedule in curves
    ]
    target = _target("--output", output, PICTURES, force, config)
    from cosine_fast import plotting

    last = max(_end(schedule) for _, schedule in curves)
    with _published([target], force) as files:
        try:
            plotting.draw(
                curves,
                files[0],
                target.suffix.lower()[1:],
                start=0,
                stop=last + math.ceil(last / 25),  # a little of the floor
                log=log,
                title=title,
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
    print(_one_line(f"{target} ({_size(target.stat().st_size)})"), flush=True)


def info(as_json: bool) -> None:
    """Say what was built and what was chosen: version, backend, instruction set, threads."""
    facts = {**build_info(), "python": platform.python_version(), "numpy": np.__version__}
    if as_json:
        print(json.dumps(facts, default=str), flush=True)
        return
    _print(
        {
            name.replace("_", " "): ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
            for name, value in facts.items()
        }
    )


# --------------------------------------------------------------------------------- the command line


def _command(callback: Callable[..., None], *parameters: click.Parameter) -> click.Command:
    import click

    return click.Command(
        callback.__name__,
        callback=callback,
        params=list(parameters),
        help=inspect.getdoc(callback),
        no_args_is_help=False,
    )


def _commands() -> click.Group:
    """All commands. Built when called, and not by decorators, for click may not be installed."""
    import click

    def option(*names: str, **rest: Any) -> click.Option:
        return click.Option(names, **rest)

    def number(name: str, parse: Callable[[str], Any], text: str, **rest: Any) -> click.Option:
        return option(name, callback=_parsed(parse), metavar="NUMBER", help=text, **rest)

    def schedule() -> list[click.Option]:
        return [
            number(
                "--initial-learning-rate",
                _real,
                "Rate at step 0, whether or not there is a warmup.",
            ),
            number("--decay-steps", _number, "Steps of the cosine decay, after the warmup."),
            number("--alpha", _real, "Floor, as a fraction of the peak.  [default: 0]"),
            number(
                "--warmup-target",
                _real,
                "Peak, at the end of the warmup; without it there is no warmup.",
            ),
            number("--warmup-steps", _number, "Steps of the linear warmup.  [default: 0]"),
            option("--name", help="Name of the schedule."),
        ]

    file_help = "Configuration: the JSON of keras.optimizers.schedules.serialize, or its config."
    config = option("--config", metavar="FILE", help=file_help)
    dtype = option(
        "--dtype",
        type=click.Choice(["float64", "float32"]),
        default="float64",
        show_default=True,
        help="Type of the learning rates.",
    )
    threads = option(
        "--threads",
        type=click.IntRange(min=1),
        # Writing takes several times as long as computing on one thread does; and threads that
        # wait for it spin, which on a busy machine made the whole run four times as slow.
        default=1,
        show_default=True,
        help="Number of threads that compute; it is the file that takes the time.",
    )
    output = option(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help=".npy, .csv or .parquet file to write.",
    )
    force = option("--force", is_flag=True, help="Overwrite existing files.")
    version = click.version_option(__version__, prog_name="cosine-fast")
    group = version(
        click.Group(
            "cosine-fast",
            help="Learning rates of cosine-decay schedules, fast.",
            no_args_is_help=False,
        )
    )
    group.add_command(
        _command(
            precompute,
            *schedule(),
            config,
            number("--start", _whole, "First step.", default="0", show_default=True),
            number(
                "--stop",
                _whole,
                "Step before which to stop.  [default: the end of the decay, with its floor]",
            ),
            number("--step", _whole, "Distance between steps.", default="1", show_default=True),
            dtype,
            threads,
            output,
            option("--plot", metavar="FILE", help=".png, .svg or .pdf file to draw as well."),
            force,
        )
    )
    group.add_command(
        _command(
            evaluate,
            click.Argument(["steps"], metavar="STEPS.npy"),
            *schedule(),
            config,
            dtype,
            threads,
            output,
            force,
        )
    )
    group.add_command(
        _command(
            plot,
            *schedule(),
            option("--config", multiple=True, metavar="FILE", help=f"{file_help} Repeat it to compare."),
            option("--log", is_flag=True, help="Logarithmic learning rates."),
            option("--title", help="Title of the picture."),
            option(
                "-o",
                "--output",
                required=True,
                metavar="FILE",
                help=".png, .svg or .pdf file to write.",
            ),
            force,
        )
    )
    group.add_command(_command(info, option("--json", "as_json", is_flag=True, help="As JSON.")))
    return group


def _stop(signum: int, _frame: Any) -> NoReturn:
    for each in _signals():  # once is enough: a second Ctrl-C must not break the cleaning up
        signal.signal(each, signal.SIG_IGN)
    _received.append(signum)
    raise Stopped(signum)


def _unraisable(problem: Any) -> None:
    """Python's report of an exception that it cannot raise; of a signal's nothing: it is in _received."""
    if not isinstance(problem.exc_value, Stopped):
        sys.__unraisablehook__(problem)


def _signals() -> list[int]:
    return [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _warn(message: Warning | str, *_rest: Any, **_more: Any) -> None:
    print(f"cosine-fast: warning: {_one_line(str(message))}", file=sys.stderr)


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit status, after at most one line of complaint."""
    try:
        import click

        if any("\0" in argument for argument in arguments):
            raise CommandError("arguments cannot have a NUL")
        try:
            status = _commands().main(list(arguments), prog_name="cosine-fast", standalone_mode=False)
            return status if isinstance(status, int) else 0
        except click.ClickException as error:
            raise CommandError(error.format_message()) from error
    except CommandError as problem:
        message, status = str(problem), problem.status
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        message = f"{library} is not installed: pip install 'cosine-fast[{EXTRAS[library]}]'"
        status = 2
    except Warning as warning:  # made an error by python -W error
        message, status = str(warning), 2
    except MemoryError:
        message, status = "out of memory", 1
    except OSError as error:
        message, status = (
            ": ".join(str(part) for part in (error.filename, error.strerror or error) if part),
            1,
        )
    except Stopped as stopped:
        message, status = "stopped, nothing was written", stopped.status
    print(f"cosine-fast: error: {_one_line(message)}", file=sys.stderr)
    return status


def main() -> None:
    """Run the command line in sys.argv and exit."""
    warnings.showwarning = _warn
    sys.unraisablehook = _unraisable
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its font cache
    for each in _signals():
        if signal.getsignal(each) != signal.SIG_IGN:  # nohup, or a shell's background, has said no
            signal.signal(each, _stop)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may have what a terminal has not
    status = run(sys.argv[1:])
    with contextlib.suppress(OSError):
        sys.stdout.close()  # or Python would complain of a closed pipe once more
    sys.exit(status)


if __name__ == "__main__":
    main()
