"""How inputs are read, and how outputs are written, staged and published.

Rates arrive in chunks, each in the memory of the one before, so memory is bounded at any length. A run writes all its
outputs to temporary files beside their targets and renames them together at the end: a target is complete or absent.
Needs click.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import math
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import numpy as np

from cosine_fast import LearningRateSchedule, __version__, serialize
from cosine_fast.schedules._evaluation import array_of_range

from . import signals
from .signals import CommandError, shortened

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLES = (".npy", ".csv", ".parquet", ".jsonl")
STDOUT = Path("-")  # as a target; the paths of files are absolute
PICTURES = (".png", ".svg", ".pdf")

# The errors of link() on a filesystem without hard links.
NO_LINKS = {errno.EACCES, errno.EINVAL, errno.EMLINK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}

Write = Callable[[Any, "NDArray[Any]"], Any]  # steps (an array or a range) and their rates


def _read_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and dtype of a .npy file, checked before anything is read or allocated by them."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    elif version in ((2, 0), (3, 0)):  # 3.0 differs only in the names of fields, which are refused below
        header = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"unknown version {version}")
    shape, fortran_order, dtype = header
    if dtype.kind not in "iuf" or dtype.subdtype:
        raise ValueError(f"expected integers or floats, received {shortened(str(dtype), 60)}")
    if not all(0 <= length <= np.iinfo(np.intp).max for length in shape):
        raise ValueError(f"impossible shape {shortened(str(shape), 60)}")
    declared = math.prod(shape) * dtype.itemsize
    if stream.seekable() and declared > (held := os.fstat(stream.fileno()).st_size - stream.tell()):
        raise ValueError(f"its header declares {declared} bytes of steps, it holds {held}")
    return shape, fortran_order, dtype


@contextlib.contextmanager
def npy_input(
    file: str, read_text: Callable[[bytes], NDArray[Any]]
) -> Iterator[tuple[BinaryIO, tuple[int, ...], bool, np.dtype[Any]]]:
    """A .npy file of steps, open behind its header, with its shape, order and dtype; "-" is standard input.

    Standard input may also have the steps as text, which `read_text` reads.
    """
    try:
        if file != "-" and not stat.S_ISREG(os.stat(file).st_mode):  # checked first: open() waits for ever on a pipe
            raise CommandError(f"{file}: not a regular file")
        stream = open(0 if file == "-" else file, "rb", closefd=file != "-")  # noqa: SIM115
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    with stream:
        if file == "-" and stream.peek(1)[:1] != np.lib.format.MAGIC_PREFIX[:1]:
            steps = read_text(stream.read())
            yield io.BytesIO(steps.tobytes()), steps.shape, False, steps.dtype
            return
        try:
            header = _read_header(stream)
        except Exception as error:  # NumPy's parser also raises what Python's parser does
            reason = shortened(str(error).partition("\n")[0] or type(error).__name__, 200)
            raise CommandError(f"{file}: not a .npy file of steps: {reason}") from error
        yield stream, *header


def chunks(file: str, stream: BinaryIO, dtype: np.dtype[Any], total: int, length: int) -> Iterator[NDArray[Any]]:
    """The steps in a file, in the order in which it holds them."""
    for at in range(0, total, length):
        part = stream.read(size := min(length, total - at) * dtype.itemsize)
        if len(part) < size:
            raise CommandError(f"{file}: ended before its last step", status=1)
        yield np.frombuffer(part, dtype)


def table_of(output: str, kind: str | None, force: bool, sources: Sequence[str | None]) -> tuple[Path, str]:
    """The path of a table, or STDOUT, and its format: `kind`, or what the name says."""
    if output != "-":
        target = target_of("--output", output, () if kind else TABLES, force, sources)
        return target, kind or target.suffix.lower()[1:]
    if kind in ("npy", "parquet") and sys.stdout.isatty():
        raise click.UsageError(f"--format {kind}: is binary, and standard output is a terminal")
    return STDOUT, kind or "csv"


def target_of(option: str, file: str, suffixes: Sequence[str], force: bool, sources: Sequence[str | None]) -> Path:
    """The path of an output: links are followed, and an existing file needs --force."""
    target = Path(os.path.realpath(file))
    if target.is_dir() or file.endswith(("/", os.sep)):
        raise CommandError(f"{file}: is a directory")
    if suffixes and target.suffix.lower() not in suffixes:
        raise click.UsageError(f"{option}: expected a name that ends in {', '.join(suffixes)}, received {file!r}")
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
    """Give a finished file its name; without --force never over another file, however new."""
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


@contextlib.contextmanager
def published(targets: Sequence[Path], force: bool) -> Iterator[list[BinaryIO]]:
    """Files for the block to write: named together if it succeeds, removed if it fails."""
    temporaries: list[Path] = []
    files: list[BinaryIO] = []
    named: list[Path] = []
    try:
        for target in targets:
            if target == STDOUT:
                files.append(open(sys.stdout.fileno(), "wb", closefd=False))  # noqa: SIM115
                continue
            # Not with tempfile, which lets only the owner read: these files get the permissions that umask gives.
            temporaries.append(target.with_name(f".cosine-fast-{secrets.token_hex(8)}.tmp"))
            files.append(open(temporaries[-1], "xb"))  # noqa: SIM115
        yield files
        for file, target in zip(files, targets, strict=True):
            file.flush()
            if target != STDOUT:
                # Space is reserved, so that without fsync() a power cut could leave zeros under the final name.
                os.fsync(file.fileno())
            file.close()
        signals.check()
        for temporary, target in zip(temporaries, [each for each in targets if each != STDOUT], strict=True):
            _publish(temporary, target, force)
            named.append(target)
    except BaseException as error:
        if not force and len(named) < len(targets):
            for target in named:
                target.unlink()
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise CommandError(f"cannot write {targets[0]}: {error.strerror}", status=1) from error
        raise
    finally:
        for file in files:
            with contextlib.suppress(OSError):  # a full disk has been reported
                file.close()
        for temporary in temporaries:
            with contextlib.suppress(OSError):  # a filesystem that became read-only has been reported
                temporary.unlink()


@contextlib.contextmanager
def rates_output(
    file: BinaryIO, kind: str, schedule: LearningRateSchedule, step_dtype: np.dtype[Any] | str, rate_dtype: str,
    shape: tuple[int, ...], fortran_order: bool = False,
) -> Iterator[Write]:  # fmt: skip
    """Writes chunks of steps and rates of these dtypes, in one of the formats of TABLES."""
    steps, rates = np.dtype(step_dtype), np.dtype(rate_dtype)
    if kind == "npy":
        _start_npy(file, rates, shape, fortran_order)
        yield lambda _, chunk: file.write(chunk.data)
        return
    # Tables have no half and extended precision: such steps become float64, in which the rates are computed.
    steps = np.dtype(np.float64) if steps.kind == "f" else steps.newbyteorder("=")

    def columns(at: Any, chunk: NDArray[Any]) -> dict[str, NDArray[Any]]:
        array = array_of_range(at) if isinstance(at, range) else at
        return {"step": array.astype(steps, copy=False), "learning_rate": chunk}

    if kind == "parquet":
        import pyarrow
        import pyarrow.parquet

        schema = pyarrow.schema(
            [("step", pyarrow.from_numpy_dtype(steps)), ("learning_rate", pyarrow.from_numpy_dtype(rates))],
            metadata={"cosine_fast.schedule": json.dumps(serialize(schedule)), "cosine_fast.version": __version__},
        )
        # Evenly spaced steps take almost no space as differences; rates hardly ever repeat.
        encoding = None if steps.kind == "f" else {"step": "DELTA_BINARY_PACKED"}
        with pyarrow.parquet.ParquetWriter(file, schema, use_dictionary=False, column_encoding=encoding) as writer:
            yield lambda *part: writer.write_batch(pyarrow.record_batch(columns(*part), schema=schema))
        return
    import polars

    def text_of(frame: polars.DataFrame) -> memoryview:
        text = io.BytesIO()
        if kind == "csv":
            frame.write_csv(text, include_header=False)
        else:
            frame.write_ndjson(text)
        return text.getbuffer()

    if kind == "csv":
        file.write(b"step,learning_rate\n")
    # Signals interrupt only the main thread. If one interrupted polars, polars could print messages of its own.
    with ThreadPoolExecutor(1) as thread:
        yield lambda *part: file.write(thread.submit(text_of, polars.DataFrame(columns(*part))).result())


def _start_npy(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...], fortran_order: bool) -> None:
    """Write the header that np.save would write, and reserve the space: a full disk fails now, not at the end."""
    header = {"descr": dtype.str, "fortran_order": fortran_order, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    size = math.prod(shape) * dtype.itemsize
    if hasattr(os, "posix_fallocate") and size > 0 and not isinstance(file.name, int):  # not standard output
        file.flush()
        try:
            os.posix_fallocate(file.fileno(), file.tell(), size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
