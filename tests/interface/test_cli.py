"""The command line, as a person runs it."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pickle
import platform
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from family import ORDINARY, made
from samples import one_in

import cosine_fast
from cosine_fast import CosineDecay, cli, deserialize, serialize

pytest.importorskip("click", reason="the command line needs click")
pytest.importorskip("tqdm", reason="the command line needs tqdm")

from cosine_fast.cli import commands, options

POSIX = os.name == "posix"
posix_only = pytest.mark.skipif(not POSIX, reason="POSIX signals, links and limits")

CLI = [sys.executable, "-m", "cosine_fast"]
OPTIONS = {
    "--initial-learning-rate": "1e-5",
    "--decay-steps": "1000",
    "--alpha": "0.1",
    "--warmup-target": "1e-3",
    "--warmup-steps": "100",
}
SCHEDULE = [text for pair in OPTIONS.items() for text in pair]
CONFIG = {
    "initial_learning_rate": 1e-5,
    "decay_steps": 1000,
    "alpha": 0.1,
    "name": "CosineDecay",
    "warmup_target": 1e-3,
    "warmup_steps": 100,
}
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.json"))


def schedule() -> CosineDecay:
    return CosineDecay.from_config(CONFIG)


def run_alone(*arguments, **options):
    """Run the command line to its end in a process of its own."""
    command = [*CLI, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, text=True, timeout=120, **(pipes | options))


def run(*arguments, **options):
    """Run the command line to its end: alone if there are options for a process, else here, which takes a tenth."""
    if options:
        return run_alone(*arguments, **options)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.run([str(argument) for argument in arguments])
    return SimpleNamespace(returncode=status, stdout=out.getvalue(), stderr=err.getvalue())


def given(*arguments):
    """The arguments, and the schedule's options that are not among them: twice they would be refused."""
    names = [str(argument).partition("=")[0] for argument in arguments]
    return [*(text for name, value in OPTIONS.items() if name not in names for text in (name, value)), *arguments]


def precompute(*arguments, **options):
    return run("precompute", *given(*arguments), **options)


def assert_done(result):
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def assert_one_line(result, status, *words):
    """It failed with one line on standard error, which has these words, and at most a line that says what to try."""
    assert result.returncode == status, (result.returncode, result.stderr)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("Try 'cosine-fast")), result.stderr
    assert lines[0].startswith("cosine-fast: error: ")
    for word in words:
        assert word in lines[0]


def assert_refused(result, *words):
    assert_one_line(result, 2, *words)


def cells(file, column):
    return np.array([line.split(",")[column] for line in file.read_text().splitlines()[1:]], "U40")


def read(file):
    """The rates in an output, as an array."""
    if file.suffix == ".npy":
        return np.load(file)
    if file.suffix == ".csv":
        return cells(file, 1).astype(float)
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet files need pyarrow")
    return parquet.read_table(file)["learning_rate"].to_numpy()


def read_steps(file, dtype=np.int64):
    if file.suffix == ".csv":
        return cells(file, 0).astype(dtype)
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet files need pyarrow")
    return parquet.read_table(file)["step"].to_numpy()


@pytest.fixture(params=[".npy", ".csv", ".parquet"])
def suffix(request):
    if request.param != ".npy":
        pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
        pytest.importorskip("polars", reason="text needs polars")
    return request.param


def start(*arguments, **options):
    """Start the command line and return when it has begun to write."""
    folder = options["cwd"]
    process = subprocess.Popen(
        [*CLI, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    while not list(folder.glob(".cosine-fast-*.tmp")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    return process


# ------------------------------------------------------------------------------------- precompute


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("start", "stop", "step"), [(0, 1101, 1), (-20, 2000, 7), (50, -50, -3), (2**60, 2**60 + 5, 1)]
)
def test_precompute_has_the_bits_of_a_call(tmp_path, suffix, dtype, start, stop, step):
    file = tmp_path / f"lr{suffix}"
    assert_done(precompute(f"--start={start}", "--stop", stop, "--step", step, "--dtype", dtype, "-o", file))
    steps = np.arange(start, stop, step)
    np.testing.assert_array_equal(read(file).astype(dtype), schedule()(steps, dtype=dtype), strict=True)
    if suffix != ".npy":
        np.testing.assert_array_equal(read_steps(file), steps)


def test_precompute_over_several_chunks(tmp_path, suffix):
    count = (1 << 20) + 12345
    file = tmp_path / f"lr{suffix}"
    assert_done(precompute("--decay-steps", count - 200, "--stop", count, "-o", file))
    expected = CosineDecay.from_config({**CONFIG, "decay_steps": count - 200})(np.arange(count))
    np.testing.assert_array_equal(read(file), expected)


def test_npy_is_what_numpy_saves(tmp_path):
    assert_done(precompute("-o", tmp_path / "lr.npy"))
    np.save(tmp_path / "numpy.npy", schedule()(np.arange(1101)))
    assert (tmp_path / "lr.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def notation(rate, plain):
    """The shortest digits that read back, with an exponent if it is below `plain`."""
    digits, _, exponent = rate.partition("e")
    if exponent and int(exponent) >= plain:
        return f"0.{'0' * (-int(exponent) - 1)}{digits.replace('.', '')}"
    return f"{digits}e{int(exponent)}" if exponent else digits


@pytest.mark.parametrize(("dtype", "plain"), [("float64", -5), ("float32", -6)])
def test_csv_is_text_that_anyone_reads(tmp_path, dtype, plain):
    """Every rate is in one notation, with the digits of Python's repr."""
    pytest.importorskip("polars", reason="text needs polars")
    ends = ["--initial-learning-rate", 0, "--warmup-target", 2, "--alpha", 1e-8, "--dtype", dtype]
    assert_done(precompute(*ends, "-o", tmp_path / "lr.csv"))
    lines = (tmp_path / "lr.csv").read_text().splitlines()
    assert lines[0] == "step,learning_rate"
    assert [line.split(",")[0] for line in lines[1:]] == [str(step) for step in range(1101)]
    rates = [line.split(",")[1] for line in lines[1:]]
    expected = CosineDecay(0.0, 1000, 1e-8, warmup_target=2, warmup_steps=100)(range(1101), dtype=dtype)
    assert [np.dtype(dtype).type(rate) for rate in rates] == list(expected)
    assert rates == [notation(str(rate), plain) for rate in expected]
    assert "2e-8" in rates


def test_json_lines(tmp_path):
    pytest.importorskip("polars", reason="text needs polars")
    assert_done(precompute("-o", tmp_path / "lr.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "lr.jsonl").read_text().splitlines()]
    assert rows == [{"step": step, "learning_rate": schedule()(step)} for step in range(1101)]


def test_parquet_has_types_row_groups_and_the_configuration(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet files need pyarrow")
    assert_done(precompute("--stop", (1 << 20) + 1, "--dtype", "float32", "-o", tmp_path / "lr.parquet"))
    file = parquet.ParquetFile(tmp_path / "lr.parquet")
    assert [(field.name, str(field.type)) for field in file.schema_arrow] == [
        ("step", "int64"),
        ("learning_rate", "float"),
    ]
    assert file.num_row_groups == 2
    metadata = file.schema_arrow.metadata
    assert json.loads(metadata[b"cosine_fast.schedule"]) == SERIALIZED
    assert metadata[b"cosine_fast.version"].decode() == cosine_fast.__version__


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--decay-steps", "10"], 11),
        (["--decay-steps", "10.25"], 12),
        (["--decay-steps", "10", "--warmup-steps", "5", "--warmup-target", "2"], 16),
        (["--decay-steps", "10.5", "--warmup-steps", "5.5", "--warmup-target", "2"], 17),
    ],
)
def test_precompute_goes_to_the_floor_unless_told(tmp_path, options, count):
    file = tmp_path / "lr.npy"
    assert_done(run("precompute", "--initial-learning-rate", 1, "--alpha", 0.5, *options, "-o", file))
    rates = np.load(file)
    assert len(rates) == count
    assert rates[-1] == (1.0 if "--warmup-target" in options else 0.5)
    assert rates[-2] > rates[-1]


@pytest.mark.parametrize("stop", ["1e3", "1_000", "1000.0", "+1000"])
def test_whole_numbers_may_be_written_as_people_write_them(tmp_path, stop):
    assert_done(precompute("--stop", stop, "-o", tmp_path / "lr.npy"))
    assert len(np.load(tmp_path / "lr.npy")) == 1000


def test_steps_beyond_two_to_the_53_are_exact(tmp_path):
    decay, file = 2**60 + 1, tmp_path / "lr.npy"
    start, stop = 2**59 + 1, 2**59 + 4
    assert_done(
        run(
            "precompute", "--initial-learning-rate", 1, "--decay-steps", decay,
            "--start", start, "--stop", stop, "-o", file,
        )
    )  # fmt: skip
    np.testing.assert_array_equal(np.load(file), CosineDecay(1.0, decay)(np.arange(start, stop)))


def test_fractional_steps_are_meant(tmp_path):
    assert_done(
        run(
            "precompute",
            "--initial-learning-rate",
            1,
            "--decay-steps",
            "450410.27",
            "-o",
            tmp_path / "lr.npy",
        )
    )
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), CosineDecay(1.0, 450410.27)(np.arange(450412)))


@pytest.mark.parametrize("ends", [["--stop", 0], ["--step=-1"], ["--start", 10, "--stop", 5], ["--start", 2000]])
def test_no_steps_are_refused(tmp_path, ends):
    result = run("precompute", *SCHEDULE, *ends, "-o", tmp_path / "lr.npy")
    assert_refused(result, "there are no steps from --start", "--stop", "--step")
    assert list(tmp_path.iterdir()) == []


def test_summary_says_what_a_person_wants(tmp_path):
    file = tmp_path / "lr.npy"
    facts = dict(line.split(maxsplit=1) for line in assert_done(precompute("-o", file)).splitlines())
    assert facts["schedule"].startswith("CosineDecay: warmup")
    assert facts["steps"] == "1,101 (0 to 1,100)"
    assert float(facts["peak"]) == 1e-3
    assert float(facts["floor"]) == schedule()(1100)
    assert float(facts["first"]) == 1e-5
    assert float(facts["last"]) == schedule()(1100)
    assert re.fullmatch(r"\d+\.\d{3} s, [\d,]+ steps/s, [\d,]+ MB/s", facts["time"])
    assert facts["file"] == f"{file} (8.7 KiB)"


def test_threads_do_not_change_a_bit(tmp_path):
    for threads in (1, 2):
        assert_done(precompute("--stop", "1e6", "--threads", threads, "-o", tmp_path / f"{threads}.npy"))
    assert (tmp_path / "1.npy").read_bytes() == (tmp_path / "2.npy").read_bytes()


# ------------------------------------------------------------------------------ complete or absent


def test_existing_file_needs_force(tmp_path, suffix):
    file = tmp_path / f"lr{suffix}"
    file.write_text("mine")
    assert_refused(precompute("-o", file), "exists", "--force")
    assert file.read_text() == "mine"
    assert_done(precompute("-o", file, "--force"))
    np.testing.assert_array_equal(read(file), schedule()(np.arange(1101)))
    assert os.listdir(tmp_path) == [file.name]


@posix_only
def test_permissions_are_those_of_umask(tmp_path):
    assert_done(precompute("-o", tmp_path / "lr.npy", umask=0o027))
    assert stat.S_IMODE((tmp_path / "lr.npy").stat().st_mode) == 0o640


@posix_only
def test_symbolic_link_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "lr.npy").symlink_to(Path("far", "lr.npy"))
    assert_done(precompute("-o", tmp_path / "lr.npy"))  # dangling: what it points to is made
    assert_refused(precompute("-o", tmp_path / "lr.npy"), "exists")
    assert_done(precompute("-o", tmp_path / "lr.npy", "--force"))
    assert (tmp_path / "lr.npy").is_symlink()
    assert len(np.load(tmp_path / "far" / "lr.npy")) == 1101
    assert os.listdir(tmp_path / "far") == ["lr.npy"]


def test_targets_that_cannot_be(tmp_path):
    (tmp_path / "lr.npy").mkdir()
    assert_refused(precompute("-o", tmp_path / "lr.npy"), "is a directory")
    assert_refused(precompute("-o", tmp_path / "lr.npy", "--force"), "is a directory")
    assert_refused(precompute("-o", tmp_path / "no" / "lr.npy"), "no directory")
    assert_refused(precompute("-o", tmp_path / "lr.txt"), ".npy, .csv, .parquet")
    assert_refused(precompute("-o", tmp_path / "lr"), ".npy, .csv, .parquet")
    assert_refused(precompute("-o", ""), "")
    assert list(tmp_path.iterdir()) == [tmp_path / "lr.npy"]


@posix_only
def test_special_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "lr.npy")
    assert_refused(precompute("-o", tmp_path / "lr.npy", "--force"), "not a regular file")
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    assert_refused(precompute("-o", tmp_path / "loop.npy", "--force"), "not a regular file")


@posix_only
@pytest.mark.skipif(POSIX and os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert_one_line(precompute("-o", tmp_path / "lr.npy"), 1, "Permission denied")
    finally:
        tmp_path.chmod(0o700)


@posix_only
def test_read_only_filesystem(tmp_path):
    """Also root may not write there."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mount is not allowed here")
    try:
        assert_one_line(precompute("-o", disk / "lr.npy"), 1, "cannot write", os.strerror(errno.EROFS))
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


PATH_TRICKS = {
    "nothing": "",
    "NUL": "lr\0.npy",
    "too long": "x" * 300 + ".npy",
    "far too long": "x/" * 5000 + "lr.npy",
    "a line of its own": "lr\ncosine-fast: done\n.txt",
    "a command to the terminal": "\x1b[2Jlr.txt",
    "lone surrogate": "\udc80lr.txt",
    "no such home": "~nobody/lr.npy",
    "a folder": ".",
    "the folder above": "..",
    "the root": "/",
    "a suffix alone": ".npy",
    "a slash at the end": "lr.npy/",
    "below a file": "file.npy/lr.npy",
    "a device": "/dev/null",
    "a process": "/proc/self/mem.npy",
    "a link to itself": "loop.npy",
    "a link to a folder": "folder.npy",
    "a link to a device": "null.npy",
}


@posix_only
@pytest.mark.parametrize("option", ["--output", "--config", "--plot", "steps"])
@pytest.mark.parametrize("trick", PATH_TRICKS)
def test_path_tricks(tmp_path, monkeypatch, trick, option):
    """A path that cannot be, or that leads elsewhere, is refused in one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    Path("file.npy").write_text("mine")
    Path("loop.npy").symlink_to("loop.npy")
    Path("folder.npy").symlink_to("/")
    Path("null.npy").symlink_to("/dev/null")
    before = sorted(os.listdir())
    name = PATH_TRICKS[trick]
    if option == "steps":
        result = evaluate(name, "-o", "out.npy", "--force")
    elif option == "--config":
        result = run("precompute", option, name, "-o", "out.npy", "--force")
    else:
        name = name.replace(".npy", ".png") if option == "--plot" else name
        more = ["-o", "out.npy"] if option == "--plot" else []
        for link in ("loop", "folder", "null"):
            Path(f"{link}.png").symlink_to(os.readlink(f"{link}.npy").replace(".npy", ".png"))
        before = sorted(os.listdir())
        result = run("precompute", *SCHEDULE, option, name, *more, "--force")
    assert result.returncode in (1, 2), result.stderr
    assert_one_line(result, result.returncode)
    assert all(line.isprintable() for line in result.stderr.split("\n"))
    assert sorted(os.listdir()) == before
    assert Path("file.npy").read_text() == "mine"


def test_two_with_leave_to_overwrite(tmp_path):
    """Of two that may overwrite both succeed, and the file is whole: that of the last."""
    command = [*CLI, "precompute", *SCHEDULE, "--stop", "3e6", "--force", "-o", str(tmp_path / "lr.npy")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for racer in racers:
        _, err = racer.communicate(timeout=120)
        assert racer.returncode == 0, err
    assert os.listdir(tmp_path) == ["lr.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule()(np.arange(3_000_000)))


def test_of_two_that_race_one_wins(tmp_path):
    command = [*CLI, "precompute", *SCHEDULE, "--stop", "3e6", "-o", str(tmp_path / "lr.npy")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    results = [(racer.communicate(timeout=120), racer.returncode) for racer in racers]
    assert sorted(status for _, status in results) == [0, 2], results
    lost = next(err for (_, err), status in results if status == 2)
    assert "exists already" in lost
    assert len(lost.splitlines()) == 1
    assert os.listdir(tmp_path) == ["lr.npy"]
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule()(np.arange(3_000_000)))


@pytest.mark.parametrize("force", [False, True])
def test_a_target_that_appears_meanwhile(tmp_path, force):
    """It is overwritten with --force only."""
    from cosine_fast.cli import files, signals

    target = tmp_path / "lr.npy"
    refused = contextlib.nullcontext() if force else pytest.raises(signals.CommandError, match="exists already")
    with refused, files.published([target], force) as (file,):
        file.write(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == (b"ours" if force else b"theirs")
    assert os.listdir(tmp_path) == ["lr.npy"]


LONG = ["--stop", "1e9"]  # as text, minutes; no test waits for the end of it


@posix_only
@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_signal_leaves_nothing(tmp_path, suffix, name, status):
    pytest.importorskip("polars", reason="text needs polars")
    number = getattr(signal, name)  # ignored, if the tests themselves run under nohup
    process = start(
        "precompute", *SCHEDULE, *LONG, "-o", f"lr{suffix}",
        cwd=tmp_path, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_ignored_signal_stays_ignored(tmp_path):
    """As under nohup."""
    pytest.importorskip("polars", reason="text needs polars")
    process = start(
        "precompute", *SCHEDULE, *LONG, "-o", "lr.csv",
        cwd=tmp_path, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )  # fmt: skip
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143


@posix_only
@pytest.mark.parametrize("forced", [False, True])
def test_killed_half_way_leaves_no_target(tmp_path, forced):
    pytest.importorskip("polars", reason="text needs polars")
    target = tmp_path / "lr.csv"
    if forced:
        target.write_text("mine")
    process = start("precompute", *SCHEDULE, *LONG, "-o", target, *["--force"] * forced, cwd=tmp_path)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    if forced:
        assert target.read_text() == "mine"
    else:
        assert not target.exists()


def limit_files(size):
    """A stand-in for a full disk: a write beyond the limit fails (Python ignores SIGXFSZ)."""
    import resource

    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@posix_only
def test_full_disk_leaves_nothing(tmp_path, suffix):
    result = precompute("--stop", "3e6", "-o", tmp_path / f"lr{suffix}", preexec_fn=limit_files(100_000))
    assert_one_line(result, 1, "cannot write", f"lr{suffix}", os.strerror(errno.EFBIG))
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_full_disk_is_seen_before_anything_is_computed(tmp_path):
    """1e15 steps are eight petabytes; to compute them first would take a month."""
    if not hasattr(os, "posix_fallocate"):
        pytest.skip("no posix_fallocate")
    result = precompute("--stop", "1e15", "-o", tmp_path / "lr.npy")
    assert_one_line(result, 1, "cannot write")
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_small_filesystem(tmp_path, suffix):
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mount is not allowed here")
    try:
        result = precompute("--stop", "3e6", "-o", disk / f"lr{suffix}")
        assert_one_line(result, 1, "cannot write", os.strerror(errno.ENOSPC))
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@posix_only
@pytest.mark.parametrize(("name", "steps"), one_in(3, [("lr.csv", "5e6"), ("lr.npy", "5e7"), ("lr.parquet", "2e7")]))
def test_memory_is_bounded(tmp_path, name, steps):
    """Of a process of its own, for a child's peak begins with its parent's when it forked."""
    pytest.importorskip("polars", reason="text needs polars")
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    if name == "lr.npy" and cosine_fast.build_info()["backend"] != "compiled":
        steps = "2e7"
    program = (
        "import resource, subprocess, sys\n"
        "status = subprocess.call(sys.argv[1:])\n"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
        "sys.exit(status)"
    )
    files = ["-o", str(tmp_path / name), "--plot", str(tmp_path / "lr.png")]
    result = subprocess.run(
        [sys.executable, "-c", program, *CLI, "precompute", *SCHEDULE, "--stop", steps, *files],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    peak = int(result.stderr.split()[-1]) * (1 if sys.platform == "darwin" else 1024)
    assert peak < 300e6
    (tmp_path / name).unlink()


def test_plot_beside_the_rates(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    out = assert_done(precompute("-o", tmp_path / "lr.npy", "--plot", tmp_path / "lr.svg"))
    assert f"plot      {tmp_path / 'lr.svg'}" in out
    assert len(np.load(tmp_path / "lr.npy")) == 1101
    assert b"<svg" in (tmp_path / "lr.svg").read_bytes()[:1000]
    assert_done(precompute("--stop", 1, "-o", tmp_path / "1.npy", "--plot", tmp_path / "1.pdf"))


def test_rates_and_plot_appear_together_or_not_at_all(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    (tmp_path / "lr.png").write_text("mine")
    rates, plot = tmp_path / "lr.npy", tmp_path / "lr.png"
    assert_refused(precompute("-o", rates, "--plot", plot), "lr.png", "exists")
    assert_refused(precompute("-o", rates, "--plot", tmp_path / "lr.gif"), ".png, .svg, .pdf")
    for force in ([], ["--force"]):
        assert_refused(
            precompute("-o", plot, "--format", "npy", "--plot", plot, *force), "lr.png", "--output", "--plot"
        )
    assert plot.read_text() == "mine"
    assert os.listdir(tmp_path) == ["lr.png"]
    plot.unlink()
    if POSIX:  # room for 1101 rates, not for the picture
        result = precompute("-o", rates, "--plot", plot, preexec_fn=limit_files(10_000))
        assert_one_line(result, 1, os.strerror(errno.EFBIG))
        assert os.listdir(tmp_path) == []


# ---------------------------------------------------------------------------------------- evaluate


def evaluate(*arguments):
    return run("evaluate", *arguments, *SCHEDULE)


@pytest.mark.parametrize(
    "dtype",
    ["<i8", ">i8", "<i4", ">i4", "i2", "i1", "u1", ">u2", "u8", "<f8", ">f8", "<f4", ">f4", "f2"],
)
def test_evaluate_every_type_of_step(tmp_path, suffix, dtype):
    steps = np.array([0, 1, 50, 99, 100, 101, 126, 3], dtype)
    np.save(tmp_path / "steps.npy", steps)
    assert_done(evaluate(tmp_path / "steps.npy", "-o", tmp_path / f"lr{suffix}"))
    np.testing.assert_array_equal(read(tmp_path / f"lr{suffix}"), schedule()(steps))
    if suffix != ".npy":
        np.testing.assert_array_equal(read_steps(tmp_path / f"lr{suffix}", float), steps)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (5,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_evaluate_keeps_shape_and_order(tmp_path, shape, order):
    steps = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) * 37, order=order)
    np.save(tmp_path / "steps.npy", steps)
    assert_done(evaluate(tmp_path / "steps.npy", "-o", tmp_path / "lr.npy"))
    rates = np.load(tmp_path / "lr.npy")
    np.testing.assert_array_equal(rates, schedule()(steps), strict=True)
    assert rates.flags.f_contiguous == steps.flags.f_contiguous
    if shape:
        pytest.importorskip("polars", reason="text needs polars")
        assert_done(evaluate(tmp_path / "steps.npy", "-o", tmp_path / "lr.csv"))
        flat = steps.ravel(order="K")
        np.testing.assert_array_equal(read_steps(tmp_path / "lr.csv"), flat)
        np.testing.assert_array_equal(read(tmp_path / "lr.csv"), schedule()(flat))


def test_evaluate_over_several_chunks(tmp_path, suffix):
    steps = np.random.default_rng(0).integers(-10, 2000, (1 << 20) + 77)
    np.save(tmp_path / "steps.npy", steps)
    file = tmp_path / f"lr{suffix}"
    assert_done(evaluate(tmp_path / "steps.npy", "--dtype", "float32", "-o", file))
    np.testing.assert_array_equal(read(file).astype("f4"), schedule()(steps, dtype="float32"))


def test_evaluate_fractions_nan_and_infinity(tmp_path, suffix):
    steps = np.array([0.25, 100.5, np.nan, np.inf, -np.inf, 1e300])
    np.save(tmp_path / "steps.npy", steps)
    with np.errstate(all="ignore"):
        expected = schedule()(steps)
    file = tmp_path / f"lr{suffix}"
    assert evaluate(tmp_path / "steps.npy", "-o", file).returncode == 0
    np.testing.assert_array_equal(read(file), expected)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_evaluate_every_version_of_the_format(tmp_path, version):
    steps = np.arange(300)
    with open(tmp_path / "steps.npy", "wb") as file:
        np.lib.format.write_array(file, steps, version=version)
    assert_done(evaluate(tmp_path / "steps.npy", "-o", tmp_path / "lr.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule()(steps))


def npy(header, data=b""):
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


class Payload:
    """What a pickle would run."""

    def __reduce__(self):
        return print, ("oops",)


def pickled():
    file = io.BytesIO()
    np.save(file, np.array([Payload(), 5], object), allow_pickle=True)
    return file.getvalue()


HOSTILE_NPY = {
    "pickle": pickled(),
    "pickle alone": pickle.dumps(Payload()),
    "archive": b"PK\x03\x04" + pickled(),
    "empty": b"",
    "other magic": b"PK\x03\x04" + bytes(200),
    "no header": b"\x93NUMPY\x01\x00",
    "unknown version": b"\x93NUMPY\x09\x00" + bytes(200),
    "header cut": npy("{'descr': '<i8'")[:-8],
    "not a dict": npy("[1, 2]"),
    "code": npy("__import__('os').system('echo oops')"),
    "deep": npy("(" * 9000),
    "missing keys": npy("{'descr': '<i8', 'shape': (2,)}", bytes(16)),
    "long header": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}" + " " * 60000, bytes(16)),
    "truncated": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}", bytes(16)),
    "absurd": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000000000000,)}", bytes(16)),
    "absurd and empty": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (0, 1000000000000000000000)}"),
    "overflowing": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", bytes(16)),
    "negative": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}", bytes(16)),
    "object": npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", bytes(16)),
    "structured": npy("{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (2,)}", bytes(16)),
    "bool": npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", bytes(2)),
    "complex": npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}", bytes(16)),
    "text": npy("{'descr': '<U2', 'fortran_order': False, 'shape': (2,)}", bytes(16)),
    "dates": npy("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (2,)}", bytes(16)),
    "unknown type": npy("{'descr': '<q99', 'fortran_order': False, 'shape': (2,)}", bytes(16)),
}


@pytest.mark.parametrize("kind", HOSTILE_NPY)
def test_evaluate_refuses_what_is_not_steps(tmp_path, kind):
    (tmp_path / "steps.npy").write_bytes(HOSTILE_NPY[kind])
    result = evaluate(tmp_path / "steps.npy", "-o", tmp_path / "lr.npy")
    assert_refused(result, "steps.npy", "not a .npy file of steps")
    assert "oops" not in result.stdout
    assert os.listdir(tmp_path) == ["steps.npy"]


def test_evaluate_refuses_other_inputs(tmp_path):
    assert_refused(evaluate(tmp_path / "no.npy", "-o", tmp_path / "lr.npy"), "no.npy", "No such file")
    assert_refused(evaluate(tmp_path, "-o", tmp_path / "lr.npy"), "not a regular file")
    if POSIX:
        os.mkfifo(tmp_path / "pipe.npy")
        assert_refused(evaluate(tmp_path / "pipe.npy", "-o", tmp_path / "lr.npy"), "not a regular file")
    assert not (tmp_path / "lr.npy").exists()


def test_evaluate_refuses_steps_beyond_int64(tmp_path, suffix):
    np.save(tmp_path / "steps.npy", np.array([1, 2**63 + 5], np.uint64))
    result = evaluate(tmp_path / "steps.npy", "-o", tmp_path / f"lr{suffix}")
    assert_refused(result, "steps.npy", str(2**63 + 5))
    assert os.listdir(tmp_path) == ["steps.npy"]


def test_inputs_are_never_overwritten(tmp_path):
    np.save(tmp_path / "steps.npy", np.arange(10))
    before = (tmp_path / "steps.npy").read_bytes()
    result = evaluate(tmp_path / "steps.npy", "-o", tmp_path / "." / "steps.npy", "--force")
    assert_refused(result, "input")
    if POSIX:
        (tmp_path / "link.npy").symlink_to("steps.npy")
        assert_refused(evaluate(tmp_path / "link.npy", "-o", tmp_path / "steps.npy", "--force"), "input")
    assert (tmp_path / "steps.npy").read_bytes() == before


# -------------------------------------------------------------------------------- standard streams


@pytest.mark.parametrize(
    ("kind", "pipe"), [("npy", False), ("npy", True), ("csv", True), ("parquet", True), ("jsonl", False)]
)
def test_standard_output_has_the_bytes_of_a_file(tmp_path, kind, pipe):
    pytest.importorskip("polars", reason="text needs polars")
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
    assert_done(precompute("-o", tmp_path / f"lr.{kind}"))
    command = [*CLI, "precompute", *SCHEDULE, "-o", "-", "--format", kind]
    with open(tmp_path / "out", "wb") as file:
        result = subprocess.run(command, stdout=subprocess.PIPE if pipe else file, stderr=subprocess.PIPE, timeout=60)
    assert (result.stdout if pipe else (tmp_path / "out").read_bytes()) == (tmp_path / f"lr.{kind}").read_bytes()
    assert result.stderr.endswith(b"file      standard output\n")  # the summary
    if kind == "csv":  # by default
        assert run_alone(*command[3:-2], "--quiet").stdout == (tmp_path / "lr.csv").read_text()


def test_format_beats_the_name(tmp_path):
    assert_done(precompute("-o", tmp_path / "lr.dat", "--format", "npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "lr.dat"), schedule()(range(1101)))


def test_quiet(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    np.save(tmp_path / "steps.npy", np.arange(3))
    assert assert_done(precompute("-q", "-o", tmp_path / "1.npy")) == ""
    assert assert_done(evaluate(tmp_path / "steps.npy", "--quiet", "-o", tmp_path / "2.npy")) == ""
    assert assert_done(run("plot", *SCHEDULE, "-q", "-o", tmp_path / "3.png")) == ""


@posix_only
def test_binary_is_not_written_to_a_terminal(tmp_path):
    for kind in ("npy", "parquet"):
        command = [*CLI, "precompute", *SCHEDULE, "-o", "-", "--format", kind]
        seen = on_a_terminal(command, tmp_path, status=2, stdout=True)
        text = f"cosine-fast: error: --format {kind}: is binary, and standard output is a terminal"
        assert seen.splitlines() == [text, "Try 'cosine-fast precompute --help' for help."]
    pytest.importorskip("polars", reason="text needs polars")
    command = [*CLI, "precompute", *SCHEDULE, "--stop", "1", "-q", "-o", "-"]
    assert on_a_terminal(command, tmp_path, stdout=True) == "step,learning_rate\r\n0,0.00001\r\n"


@posix_only
@pytest.mark.parametrize("kind", ["npy", "csv", "parquet"])
def test_a_reader_that_stops_is_no_error(kind):
    """As head does: it is quiet."""
    pytest.importorskip("polars", reason="text needs polars")
    pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
    command = [*CLI, "precompute", *given("--decay-steps", "1e9"), "-o", "-", "--format", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert len(process.stdout.read(100)) == 100
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_full_standard_output(tmp_path):
    with open("/dev/full", "wb") as full:
        command = [*CLI, "precompute", *SCHEDULE, "-o", "-", "--format", "npy", "--plot", str(tmp_path / "lr.svg")]
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr == f"cosine-fast: error: cannot write -: {os.strerror(errno.ENOSPC)}\n"
    assert list(tmp_path.iterdir()) == []


@posix_only
@pytest.mark.parametrize("stream", [0, 1, 2])
def test_closed_streams(tmp_path, stream):
    """No file of ours gets the number of the stream."""
    command = f"{shlex.join(CLI)} precompute {shlex.join(SCHEDULE)} -o lr.npy {stream}>&-"
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert ("file" in result.stdout) == (stream != 1)
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule()(range(1101)))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (b"0 50\n1000", [0, 50, 1000]),
        (b"0,1e3,1_000,-5\r\n", [0, 1000, 1000, -5]),
        (b"0.5 9007199254740993", [0.5, 9007199254740993.0]),
        (b"9007199254740993", [9007199254740993]),
        ("\ufeff0 NaN inf\n-Infinity".encode(), [0, np.nan, np.inf, -np.inf]),
    ],
)
def test_evaluate_reads_text(tmp_path, text, steps):
    command = [*CLI, "evaluate", "-", *SCHEDULE, "-o", "lr.npy"]
    result = subprocess.run(command, input=text, capture_output=True, cwd=tmp_path, timeout=60)
    assert (result.returncode, result.stderr) == (0, b"")
    assert f"{len(steps)} of standard input".encode() in result.stdout
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule()(steps))


@pytest.mark.parametrize("steps", [np.arange(1 << 20).reshape(4, -1).T, np.float32([0.5]), np.zeros((0, 3), ">i2")])
def test_evaluate_reads_npy(tmp_path, steps):
    np.save(tmp_path / "steps.npy", steps)
    for name in ("pipe", "file"):
        command = [*CLI, "evaluate", "-", *SCHEDULE, "-q", "-o", f"{name}.npy"]
        with open(tmp_path / "steps.npy", "rb") as file:
            source = {"input": file.read()} if name == "pipe" else {"stdin": file}
            result = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=60, **source)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), schedule()(steps), strict=True)


@pytest.mark.parametrize(
    ("text", "status", "word"),
    [
        (b"", 2, "has no steps"),
        (b" \n", 2, "has no steps"),
        (b"1 x", 2, "expected a number, received 'x'"),
        (b"1 1e999", 2, "expected a finite number"),
        (b"1 +-nan", 2, "'+-nan'"),
        (b"1 9223372036854775808", 2, "step 9223372036854775808 is beyond int64"),
        (b"1 \xff", 2, "utf-8"),
        (b"x" * 10**6, 2, "expected a number"),
        (b"\x93NUMPY", 2, "not a .npy file of steps"),
        (npy("{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}", bytes(16)), 1, "ended before its last step"),
        (npy("{'descr': '<i8', 'fortran_order': False, 'shape': (10**18,)}", bytes(16)), 2, "not a .npy file"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", bytes(16)), 2, "expected integers or floats"),
    ],
    ids=range(12),
)
def test_evaluate_refuses_other_streams(tmp_path, text, status, word):
    command = [*CLI, "evaluate", "-", *SCHEDULE, "-o", str(tmp_path / "lr.npy")]
    done = subprocess.run(command, input=text, capture_output=True, timeout=60)
    result = SimpleNamespace(returncode=done.returncode, stdout=done.stdout.decode(), stderr=done.stderr.decode())
    assert_one_line(result, status, word)
    assert len(result.stderr) < 1000
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------------------- show


def test_show(described):
    """A table of steps and rates, by default of tenths of the decay."""
    config, schedule = described
    steps = [0, 3, 2.5, 2**62]
    rows = [line.split() for line in assert_done(run("show", "--config", config, *steps)).splitlines()]
    assert rows == [["step", "learning_rate"], *([str(step), repr(schedule(step))] for step in steps)]
    result = run("show", "--config", config)
    if schedule._end is None:
        assert_refused(result, f"STEPS are missing: {type(schedule).__name__} has no end")
    else:
        rows = [line.split() for line in assert_done(result).splitlines()[1:]]
        assert {"0", str(schedule._end)} <= {step for step, _ in rows}
        assert all(repr(schedule(int(step))) == rate for step, rate in rows)


def test_show_has_the_end_of_the_warmup():
    assert "\n 100  0.001\n" in assert_done(run("show", *SCHEDULE))
    assert "\n  -5  " in assert_done(run("show", *SCHEDULE, "--", -5, 1000))
    assert_refused(run("show", *SCHEDULE, "x"), "'x'")
    assert_refused(run("show", *SCHEDULE, 2**63), "beyond int64")


@posix_only
def test_show_draws_on_a_terminal(tmp_path):
    curve = on_a_terminal([*CLI, "show", *SCHEDULE], tmp_path, stdout=True).splitlines()[-1]
    assert len(curve) == 60
    assert curve[0] == "▁"
    assert max(curve) == curve[6] == "█"
    assert curve[20:] == "".join(sorted(curve[20:], reverse=True))


# ------------------------------------------------------------------------------ shells' completion

WORDS = {
    "cosine-fast e": {"evaluate"},
    "cosine-fast precompute --format p": {"parquet"},
    "cosine-fast plot --log": {"--log", "--log-x"},
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell):
    """What click's scripts, as docs/reference/command.md has them installed, ask of the command for each shell."""
    if shell != "bash" or shutil.which("bash"):  # whose version click looks at
        script = run(env={**os.environ, "_COSINE_FAST_COMPLETE": f"{shell}_source"})
        assert "_COSINE_FAST_COMPLETE=" + f"{shell}_complete" in assert_done(script)
    for line in [*WORDS][0 if shell == "bash" else -1 :]:
        words = line.split()
        asked = {"COMP_WORDS": line, "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1)}
        out = assert_done(run(env={**os.environ, "_COSINE_FAST_COMPLETE": f"{shell}_complete", **asked}))
        values = out.splitlines()[1::3] if shell == "zsh" else [each.split(",")[1] for each in out.splitlines()]
        assert {value.split("\t")[0] for value in values} == WORDS[line]


@posix_only
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_in_a_shell(tmp_path, shell):
    """With the lines that the page has for it, a shell completes a command on a terminal."""
    if not (shutil.which(shell) and PAGES[0].exists()):
        pytest.skip(f"no {shell}, or no docs/ beside these tests")
    import fcntl
    import termios

    for name, lines in re.findall(r"^# ~/(\S+)\n((?:\w.*\n)+)", PAGES[0].read_text(), re.MULTILINE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(lines)
    program = tmp_path / "cosine-fast"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(CLI)} "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    env |= {"ZDOTDIR": str(tmp_path), "XDG_CONFIG_HOME": f"{tmp_path}/.config"}  # where the shells look first
    own = {"start_new_session": True, "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY)}
    seen = on_a_terminal([shell, "-i"], tmp_path, typed=b"cosine-fast sho\t --help; exit\n", env=env, **own)
    assert "Usage: cosine-fast show" in seen


# ------------------------------------------------------------------------------------ docs/reference/command.md

PAGES = [
    Path(__file__).parents[2] / "docs" / name
    for name in ("reference/command.md", "how-to/stores.md", "how-to/precompute.md", "how-to/backend.md")
]


@posix_only
@pytest.mark.skipif(
    not (PAGES[0].exists() and EXAMPLES and shutil.which("bash")), reason="docs/ is not beside these tests"
)
@pytest.mark.slow
def test_page(tmp_path):
    """Every command on the pages gives the output that the page shows, but for figures of time and of the machine."""
    for library in ("pyarrow", "polars", "matplotlib", "zarr", "distributed"):
        pytest.importorskip(library, reason="the pages have all formats")
    (tmp_path / "cosine-fast").write_text(f'#!/bin/sh\nexec {shlex.join(CLI)} "$@"\n')
    (tmp_path / "cosine-fast").chmod(0o755)
    (tmp_path / "examples").symlink_to(EXAMPLES[0].parent)
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}
    shown = re.findall(r"^\$ (.*)\n((?:(?!\$ |```).*\n)*)", "".join(page.read_text() for page in PAGES), re.MULTILINE)
    assert {name for line, _ in shown for name in re.findall(r"cosine-fast (\w+)", line)} == {*commands.group.commands}
    for line, text in shown:
        result = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120,
        )  # fmt: skip
        assert shape(result.stdout) == shape(text), line


def shape(text):
    """Without what differs between machines and runs: figures after some words, and where lines are wrapped."""
    varying = r"^(time|memory|version|backend|isas?|openmp|num threads|python|numpy|ns per .*|ratio .*?)  .*"
    text = re.sub(varying, r"\1", text, flags=re.MULTILINE)
    return re.sub(r"\S*/(?=[\w.]+(?: \(|:))|\(\d+\.\d KiB\)", "", text).split()  # folders; sizes of pictures


# ---------------------------------------------------------------------------------- configurations

SERIALIZED = {
    "module": "keras.optimizers.schedules",
    "class_name": "CosineDecay",
    "config": CONFIG,
    "registered_name": None,
}


@pytest.mark.parametrize("tree", [SERIALIZED, CONFIG, {"class_name": "CosineDecay", "config": CONFIG}])
def test_config_is_what_keras_serializes(tmp_path, tree):
    (tmp_path / "run.json").write_text(json.dumps(tree))
    assert_done(run("precompute", "--config", tmp_path / "run.json", "-o", tmp_path / "lr.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule()(np.arange(1101)))


def test_config_may_leave_out_what_has_a_default(tmp_path):
    (tmp_path / "run.json").write_text('{"initial_learning_rate": 1, "decay_steps": 4}')
    assert_done(run("precompute", "--config", tmp_path / "run.json", "-o", tmp_path / "lr.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), CosineDecay(1, 4)(np.arange(5)))


POLYNOMIAL = {"initial_learning_rate": 1, "decay_steps": 4}
STEPS = {"boundaries": [3], "values": [1, 2]}


def changed(**changes):
    return json.dumps({**CONFIG, **changes})


HOSTILE_CONFIG = {
    "empty": ("", "Expecting value"),
    "not JSON": ("initial_learning_rate: 1", "Expecting value"),
    "list": ("[]", "expected an object"),
    "number": ("1", "expected an object"),
    "null": ("null", "expected an object"),
    "other class": (json.dumps({**SERIALIZED, "class_name": "os.system"}), "run.json: Unknown schedule 'os.system'\n"),
    "parameters of another class": (json.dumps({**SERIALIZED, "class_name": "ExponentialDecay"}), "'alpha'"),
    "list as number": (json.dumps({"class_name": "PolynomialDecay", "config": {**POLYNOMIAL, "power": [1]}}), "power"),
    "number as list": (
        json.dumps({"class_name": "PiecewiseConstantDecay", "config": {**STEPS, "values": 1}}),
        "values",
    ),
    "bool in a list": (
        json.dumps({"class_name": "PiecewiseConstantDecay", "config": {**STEPS, "values": [1, True]}}),
        "values",
    ),
    "number as bool": (json.dumps({"class_name": "PolynomialDecay", "config": {**POLYNOMIAL, "cycle": 1}}), "cycle"),
    "deep inside": (
        json.dumps({"class_name": "PolynomialDecay", "config": {**POLYNOMIAL, "power": "DEEP"}}).replace(
            '"DEEP"', "[" * 99 + "]" * 99
        ),
        "deep",
    ),
    "no class": (json.dumps({"config": CONFIG}), "class_name"),
    "no config": (json.dumps({"class_name": "CosineDecay"}), "'config' is missing"),
    "config is text": (json.dumps({**SERIALIZED, "config": "x"}), "must be a dict"),
    "unknown key outside": (json.dumps({**SERIALIZED, "extra": 1}), "'extra'"),
    "unknown key": (changed(extra=1), "run.json: CosineDecay has no parameter 'extra'"),
    "missing key": ('{"decay_steps": 3}', "CosineDecay lacks 'initial_learning_rate'"),
    "text as number": (changed(decay_steps="10"), "run.json: decay_steps must be a number, got '10' (str)\n"),
    "bool as number": (changed(alpha=True), " alpha must be a "),
    "null as number": (changed(alpha=None), " alpha must be a "),
    "object as number": (changed(warmup_target={"a": 1}), " warmup_target must be a "),
    "number as name": (changed(name=1), " name must be a "),
    "NaN": (changed(alpha=float("nan")), "NaN"),
    "Infinity": (changed(decay_steps=float("inf")), "Infinity"),
    "beyond floats": (changed().replace("1000", "1e999"), "finite"),
    "endless digits": (changed().replace("1000", "9" * 10000), ""),
    "too large": (changed().replace("1000", "9" * 400), ""),
    "duplicate": ('{"initial_learning_rate": 1, "decay_steps": 3, "decay_steps": 4}', "twice"),
    "refused by the schedule": (changed(decay_steps=0), "run.json: decay_steps must be > 0, got 0\n"),
    "deep": ("[" * 100_000, "deep"),
    "large": (" " * 2_000_000, "larger"),
    "control characters": (changed(extra1="x").replace("extra1", "\\u001b[2J\\n"), "has no parameter"),
}


@pytest.mark.parametrize("kind", HOSTILE_CONFIG)
def test_hostile_config_gets_one_line(tmp_path, kind):
    text, word = HOSTILE_CONFIG[kind]
    (tmp_path / "run.json").write_text(text)
    result = run("precompute", "--config", tmp_path / "run.json", "-o", tmp_path / "lr.npy")
    assert_refused(result, "run.json: ")
    assert word in result.stderr
    assert len(result.stderr) < 1000
    assert os.listdir(tmp_path) == ["run.json"]


def test_config_that_cannot_be_read(tmp_path):
    (tmp_path / "run.json").write_bytes(b'{"name": "\xff"}')
    output = ["-o", tmp_path / "lr.npy"]
    assert_refused(run("precompute", "--config", tmp_path / "run.json", *output), "not UTF-8")
    assert_refused(run("precompute", "--config", tmp_path / "no.json", *output), "No such file")
    assert run("precompute", "--config", tmp_path, *output).returncode == 2
    if POSIX:
        assert_refused(run("precompute", "--config", "/dev/zero", *output), "larger")


def test_config_and_options_do_not_mix(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(CONFIG))
    result = run("precompute", "--config", tmp_path / "run.json", "--alpha", "0", "-o", tmp_path / "lr.npy")
    assert_refused(result, "--alpha", "--config")


def test_name_cannot_command_the_terminal(tmp_path):
    (tmp_path / "run.json").write_text(changed(name="\x1b[2Jred\nalert" + "x" * 1000))
    out = assert_done(run("precompute", "--config", tmp_path / "run.json", "-o", tmp_path / "lr.npy"))
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) < 200


@pytest.mark.skipif(not EXAMPLES, reason="examples/ is not beside these tests")
def test_examples_are_configurations(tmp_path):
    schedules = set()
    for file in EXAMPLES:
        tree = json.loads(file.read_text())
        assert list(tree) == list(SERIALIZED)
        schedule = deserialize(tree)
        schedules.add(type(schedule).__name__)
        assert serialize(schedule) == tree
        assert schedule.name == file.stem
        output = tmp_path / f"{file.stem}.npy"
        assert_done(run("precompute", "--config", file, "--stop", 1000, "-o", output))
        np.testing.assert_array_equal(np.load(output), schedule(np.arange(1000)))
    assert schedules >= {"CosineDecay", "JoinedSchedule", "WarmupStableDecay"}


# ---------------------------------------------------------------------------------- every schedule


@pytest.fixture(params=ORDINARY, ids=lambda case: case[0])
def described(request, tmp_path):
    """A config of the family in a file, and its schedule."""
    tree = dict(zip(("class_name", "config"), request.param, strict=True))
    (tmp_path / "run.json").write_text(json.dumps(tree))
    return tmp_path / "run.json", deserialize(tree)


def test_precompute_takes_every_schedule(described, tmp_path):
    config, schedule = described
    output = ["-o", tmp_path / "lr.npy"]
    out = assert_done(run("precompute", "--config", config, "--start=-5", "--stop", 100, *output))
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule(np.arange(-5, 100)))
    assert f"schedule  {schedule.name}: " in out
    if not isinstance(schedule, CosineDecay):
        assert f": {type(schedule).__name__}(" in out
        assert "floor" not in out
    result = run("precompute", "--config", config, "--force", *output)
    if schedule._end is None:
        assert_refused(result, f"--stop is missing: {type(schedule).__name__} has no end")
    else:
        assert_done(result)
        rates = np.load(tmp_path / "lr.npy")
        assert len(rates) == schedule._end + 1
        assert rates[-1] == schedule(2**60)
        assert schedule._end == 0 or rates[-1] != rates[-2]


def test_evaluate_takes_every_schedule(described, tmp_path):
    config, schedule = described
    np.save(tmp_path / "steps.npy", np.arange(50))
    assert_done(run("evaluate", tmp_path / "steps.npy", "--config", config, "-o", tmp_path / "lr.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), schedule(np.arange(50)))


def test_tables_say_which_schedule(described, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet files need pyarrow")
    config, schedule = described
    assert_done(run("precompute", "--config", config, "--stop", 9, "-o", tmp_path / "lr.parquet"))
    metadata = parquet.read_schema(tmp_path / "lr.parquet").metadata
    assert deserialize(json.loads(metadata[b"cosine_fast.schedule"])) == schedule


@pytest.mark.parametrize("described", one_in(3, [(each,) for each in dict(ORDINARY).items()]), indirect=True)
def test_plot_takes_every_schedule(described, tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    config, schedule = described
    both = ["plot", "--config", config, "--config", config, "--log", "-o", tmp_path / "both.svg"]
    if schedule._end is None:
        assert_refused(run(*both), f"run.json: --stop is missing: {type(schedule).__name__} has no end")
        both += ["--stop", 100]
    assert_done(run(*both))
    own = schedule.name if "name" in json.loads(config.read_text())["config"] else "run"
    for number in (1, 2):
        assert f">{own} ({number})</text>" in (tmp_path / "both.svg").read_text()


@pytest.mark.parametrize(
    ("name", "config", "end"),
    [
        ("PolynomialDecay", {"initial_learning_rate": 1, "decay_steps": 40}, 40),
        ("PolynomialDecay", {"initial_learning_rate": 1, "decay_steps": 7.25}, 8),
        ("PiecewiseConstantDecay", {"boundaries": [10, 30], "values": [3, 2, 1]}, 31),
        ("PiecewiseConstantDecay", {"boundaries": [5.5], "values": [2, 1]}, 6),
        ("PiecewiseConstantDecay", {"boundaries": [-3], "values": [2, 1]}, 0),
        ("PiecewiseConstantDecay", {"boundaries": [], "values": [1]}, 0),
    ],
)
def test_precompute_goes_to_the_end(tmp_path, name, config, end):
    (tmp_path / "run.json").write_text(json.dumps({"class_name": name, "config": config}))
    assert_done(run("precompute", "--config", tmp_path / "run.json", "-o", tmp_path / "lr.npy"))
    np.testing.assert_array_equal(np.load(tmp_path / "lr.npy"), made(cosine_fast, name, config)(range(end + 1)))


def test_end_beyond_all_steps(tmp_path):
    config = {"boundaries": [1e300], "values": [2, 1]}
    (tmp_path / "run.json").write_text(json.dumps({"class_name": "PiecewiseConstantDecay", "config": config}))
    for suffix in (".npy", ".csv"):
        result = run("precompute", "--config", tmp_path / "run.json", "-o", tmp_path / f"lr{suffix}")
        assert_refused(result, "int64")
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    assert_done(run("plot", "--config", tmp_path / "run.json", "-o", tmp_path / "lr.png"))
    config["values"], config["boundaries"] = [1], []
    (tmp_path / "run.json").write_text(json.dumps({"class_name": "PiecewiseConstantDecay", "config": config}))
    assert_done(run("plot", "--config", tmp_path / "run.json", "-o", tmp_path / "2.png"))


def test_config_whose_name_is_null(tmp_path):
    """As in Keras's documentation."""
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    config = {"class_name": "ExponentialDecay", "config": {**POLYNOMIAL, "decay_rate": 0.5, "name": None}}
    (tmp_path / "run.json").write_text(json.dumps(config))
    given = ["--config", tmp_path / "run.json", "--stop", 9]
    out = assert_done(run("precompute", *given, "-o", tmp_path / "lr.npy", "--plot", tmp_path / "lr.svg"))
    parameters = "initial_learning_rate=1, decay_steps=4, decay_rate=0.5, staircase=False"
    assert f"schedule  ExponentialDecay: ExponentialDecay({parameters})\n" in out
    assert_done(run("plot", *given, "-o", tmp_path / "2.svg"))


def test_stride_beyond_int64(tmp_path, suffix):
    file = tmp_path / f"lr{suffix}"
    ends = [f"--start={-(2**63)}", "--stop", 2**63, "--step", 2**64 - 1]
    assert_done(run("precompute", *SCHEDULE, *ends, "-o", file))
    np.testing.assert_array_equal(read(file), schedule()([-(2**63), 2**63 - 1]))
    assert_done(run("precompute", *SCHEDULE, "--stop", 9, "--step", "1e25", "-o", file, "--force"))
    np.testing.assert_array_equal(read(file), schedule()([0]))


# ------------------------------------------------------------------------------------ plot and info


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_plot(tmp_path, suffix, magic):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    file = tmp_path / f"lr{suffix}"
    assert_done(run("plot", *SCHEDULE, "--log", "--title", "A run", "-o", file))
    assert file.read_bytes().startswith(magic)
    assert_refused(run("plot", *SCHEDULE, "-o", file), "exists")
    assert os.listdir(tmp_path) == [file.name]


def test_plot_of_several_names_each(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    (tmp_path / "unnamed.json").write_text(json.dumps(CONFIG))
    (tmp_path / "file.json").write_text(changed(name="second-run"))
    files = ["--config", tmp_path / "unnamed.json", "--config", tmp_path / "file.json"]
    assert_done(run("plot", *files, "-o", tmp_path / "lr.svg"))
    text = (tmp_path / "lr.svg").read_text()
    for label in (
        "unnamed",
        "second-run",
        "end of warmup",
        "floor",
        "optimizer step",
        "learning rate",
    ):
        assert f">{label}</text>" in text
    assert_refused(run("plot", *files, "--alpha", 0, "-o", tmp_path / "a.svg"), "--alpha", "--config")


def test_options_of_a_picture(tmp_path):
    """`plot` and `precompute --plot` have the same."""
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    look = ["--width", 4, "--height", 2, "--dpi", 50, "--style", "dark_background", "--log", "--log-x", "--title", "T"]
    assert_done(run("plot", *SCHEDULE, "--stop", 1100, *look, "-o", tmp_path / "1.png"))
    both = ["-o", tmp_path / "lr.npy", "--plot", tmp_path / "2.png"]
    assert_done(run("precompute", *SCHEDULE, *look, *both))
    data = (tmp_path / "1.png").read_bytes()
    assert data == (tmp_path / "2.png").read_bytes()
    assert data[16:24] == (200).to_bytes(4, "big") + (100).to_bytes(4, "big")
    sizes = (["--width", 1e9], ["--width", 1], ["--height", "x"], ["--height", 1], ["--height", "nan"])
    for bad in (["--style", "no"], ["--style", "http://localhost/"], ["--dpi", 0], *sizes):
        assert_refused(run("plot", *SCHEDULE, *bad, "-o", tmp_path / "3.png"), bad[0])


def test_plot_of_a_window(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    assert_done(run("plot", *SCHEDULE, "--start", 40, "--stop", 80, "-o", tmp_path / "lr.svg"))
    assert ">60</text>" in (tmp_path / "lr.svg").read_text()
    assert_refused(run("plot", *SCHEDULE, "--start", 9, "--stop", 9, "-o", tmp_path / "2.svg"), "--stop")


def test_plot_refusals(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    assert_refused(run("plot", *SCHEDULE, "-o", tmp_path / "lr.jpg"), ".png, .svg, .pdf")
    assert_refused(run("plot", "-o", tmp_path / "lr.png"), "--initial-learning-rate is missing")
    for stop in ("0", "-5", str(2**63), "x"):
        assert_refused(run("plot", *SCHEDULE, f"--stop={stop}", "-o", tmp_path / "lr.png"), "--stop")
    zero = ["--initial-learning-rate", 0, "--decay-steps", 10]
    assert_refused(run("plot", *zero, "--log", "-o", tmp_path / "lr.png"), "logarithmic")
    assert list(tmp_path.iterdir()) == []


def test_info():
    built = cosine_fast.build_info()
    facts = json.loads(assert_done(run("info", "--json")))
    for key in ("version", "backend", "isa", "openmp"):
        assert facts[key] == built[key]
    assert facts["isas"] == list(built["isas"])
    assert facts["num_threads"] >= 1
    assert facts["python"] == platform.python_version()
    assert facts["numpy"] == np.__version__
    facts = json.loads(assert_done(run("info", "--benchmark", "--json")))
    kernel, limit = facts["ns_per_step_on_1_thread"], facts["ns_per_step_of_numpys_int64_to_float64"]
    assert facts["ratio_on_1_thread"] == pytest.approx(kernel / limit, rel=0.02, abs=0.02)
    assert facts["ns_per_step"] > 0
    text = assert_done(run("info"))
    for word in (
        cosine_fast.__version__,
        built["backend"],
        built["isa"],
        "openmp",
        "threads",
        np.__version__,
    ):
        assert str(word) in text


# ---------------------------------------------------------------------------- what a person is told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], ["nonsense"]),
        (["--nonsense"], ["--nonsense"]),
        (["precompute"], ["--output"]),
        (["precompute", "--nonsense"], ["--nonsense"]),
        (["precompute", "-o"], ["-o"]),
        (["precompute", "-o", "lr.npy"], ["--initial-learning-rate is missing"]),
        (["precompute", *SCHEDULE[2:], "-o", "lr.npy"], ["--initial-learning-rate is missing"]),
        (["precompute", *SCHEDULE[:2], "-o", "lr.npy"], ["--decay-steps is missing"]),
        (["evaluate", "-o", "lr.npy"], ["STEPS.npy"]),
        (["info", "surplus"], ["surplus"]),
        *[
            (["precompute", *given(*more), "-o", "lr.npy"], [more[0], *words])
            for more, words in [
                (["--alpha", "x"], ["'x'"]),
                (["--decay-steps", "x"], ["'x'"]),
                (["--decay-steps", "nan"], ["'nan'"]),
                (["--decay-steps", "1e999999999"], ["1e999999999"]),
                (["--start", "1.5"], ["whole", "'1.5'"]),
                (["--stop", "x"], ["'x'"]),
                (["--stop", "inf"], ["'inf'"]),
                (["--step", "0"], ["other than 0"]),
                (["--dtype", "float16"], ["float16"]),
                (["--threads", "0"], ["0"]),
                (["--threads", "x"], ["x"]),
            ]
        ],
        *[
            (["precompute", *given(option), "-o", "lr.npy"], [f"error: {words}"])
            for option, words in [
                ("--decay-steps=0", "--decay-steps must be > 0, got 0"),
                ("--decay-steps=-5", "--decay-steps must be > 0, got -5"),
                ("--alpha=nan", "--alpha must be finite, got nan"),
                ("--initial-learning-rate=inf", "--initial-learning-rate must be finite, got inf"),
                ("--warmup-steps=-1", "--warmup-steps must be >= 0, got -1"),
                ("--alpha=1e305", "The rates, their products with --alpha and 1 - alpha, and the warmup's slope"),
                ("--end-learning-rate=0", "--alpha and --end-learning-rate exclude each other, got --alpha=0.1, "),
                *[
                    (f"{wrong}=1", f"No such option '{wrong}'. Did you mean '{meant}'?")
                    for wrong, meant in [
                        *options.HABITS.items(),
                        ("--LR", "--initial-learning-rate"),
                        ("--min_lr", "--end-learning-rate"),
                        ("--T_max", "--decay-steps"),
                        ("--decay_steps", "--decay-steps"),
                    ]
                ],
            ]
        ],
        (["precompute", *SCHEDULE, "--stop", str(2**63 + 1), "-o", "lr.npy"], ["int64"]),
        (["precompute", *SCHEDULE, f"--start={-(2**63) - 1}", "-o", "lr.npy"], ["int64"]),
        (
            ["precompute", *SCHEDULE, f"--start={-(2**63)}", "--stop", str(2**63), "-o", "lr.npy"],
            ["steps"],
        ),
    ],
)
def test_bad_options_get_one_line(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert_refused(run(*arguments), *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", commands.group.commands)
def test_options_given_twice(name):
    """click would take the last."""
    for option in commands.group.commands[name].params:
        if option.param_type_name == "option" and not option.multiple:
            text = option.opts[-1]
            values = [] if option.is_flag else ["1"]
            assert_refused(run(name, text, *values, text, *values), f"Option '{text}' is given twice.")


@pytest.mark.parametrize("name", ["", *commands.group.commands])
def test_help(name):
    """It has examples, and no line that is cut."""
    text = assert_done(run(*name.split(), "--help"))
    assert text == assert_done(run(*name.split(), "-h"))
    assert f"Usage: cosine-fast {name}".rstrip() in text
    assert re.search(rf"^  (.*[|] )?cosine-fast {name or 'show'} .*(-o|--)", text, re.MULTILINE)
    assert not re.search(r"\.\.\.$", text.partition("Options:")[2], re.MULTILINE)
    if not name:
        assert assert_done(run()) == text


def test_usage_errors_say_what_to_try(tmp_path):
    for wrong in (["--nonsense"], [], [*SCHEDULE, "--step", 0], [*SCHEDULE, "--stop", 0], given("--alpha", "nan")):
        result = run("precompute", "-o", tmp_path / "lr.npy", *wrong)
        assert result.stderr.splitlines()[1:] == ["Try 'cosine-fast precompute --help' for help."]


def test_refusals_of_a_process_of_its_own(tmp_path):
    """Of each kind one, for the cases above are run within this process."""
    (tmp_path / "deep.json").write_text(HOSTILE_CONFIG["deep"][0])
    (tmp_path / "deep.npy").write_bytes(HOSTILE_NPY["deep"])
    assert_done(run())
    assert_refused(precompute("--stop", "x", "-o", tmp_path / "lr.npy"), "--stop")
    config = ["--config", tmp_path / "deep.json"]
    assert_refused(run("precompute", *config, "-o", tmp_path / "lr.npy"), "deep.json")
    assert_refused(evaluate(tmp_path / "deep.npy", "-o", tmp_path / "lr.npy"), "deep.npy")


def test_version():
    assert cosine_fast.__version__ in assert_done(run("--version"))


def test_warning_is_one_line(tmp_path):
    command = ["precompute", "--initial-learning-rate", 1, "--decay-steps", 9, "--warmup-steps", 3]
    result = run_alone(*command, "-o", tmp_path / "lr.npy")
    assert result.returncode == 0
    assert result.stderr.startswith("cosine-fast: warning: ")
    assert len(result.stderr.splitlines()) == 1
    env = {**os.environ, "PYTHONWARNINGS": "error::UserWarning"}
    assert_refused(run(*command, "-o", tmp_path / "2.npy", env=env), "--warmup-steps is ignored")
    result = run_alone(*command[:5], "--warmup-target", 3, "-o", tmp_path / "3.npy")
    text = "--initial-learning-rate is ignored: without --warmup-steps the decay begins at --warmup-target."
    assert result.stderr == f"cosine-fast: warning: {text}\n"
    (tmp_path / "run.json").write_text('{"initial_learning_rate": 1, "decay_steps": 9, "warmup_steps": 3}')
    result = run_alone("show", "--config", "run.json", cwd=tmp_path)
    assert result.stderr == "cosine-fast: warning: run.json: warmup_steps is ignored without warmup_target.\n"


@pytest.mark.parametrize(
    ("library", "extra", "command"),
    [
        ("click", "cli", ["show", *SCHEDULE]),
        ("tqdm", "cli", ["precompute", *SCHEDULE, "-o", "lr.npy"]),
        ("polars", "cli", ["precompute", *SCHEDULE, "-o", "lr.csv"]),
        ("pyarrow", "cli", ["evaluate", "steps.npy", *SCHEDULE, "-o", "lr.parquet"]),
        ("matplotlib", "plot", ["precompute", *SCHEDULE, "-o", "lr.npy", "--plot", "lr.png"]),
        ("matplotlib", "plot", ["plot", *SCHEDULE, "-o", "lr.png"]),
        ("zarr", "stores", ["precompute", *SCHEDULE, "-o", "lr.zarr"]),
    ],
)
def test_missing_library_names_its_extra(tmp_path, library, extra, command):
    work = tmp_path / "work"
    work.mkdir()
    np.save(work / "steps.npy", np.arange(3))
    result = run_without(library, tmp_path, *command, cwd=work)
    assert_refused(result, f"{library} is not installed: pip install {library} (or the extra {extra})")
    assert os.listdir(work) == ["steps.npy"]


def run_without(library, tmp_path, *arguments, **options):
    folder = tmp_path / "absent"
    folder.mkdir()
    (folder / f"{library}.py").write_text(
        f"raise ModuleNotFoundError(\"No module named '{library}'\", name={library!r})"
    )
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return run(*arguments, env={**os.environ, "PYTHONPATH": path}, **options)


@pytest.mark.parametrize(
    "arguments",
    [[], ["-h"], ["--help"], ["plot", "--help"], ["--version"], ["info"], ["info", "--json"]],
    ids=" ".join,
)
def test_bare_install(tmp_path, arguments):
    """Without click there are help, version and info."""
    out = assert_done(run_without("click", tmp_path, *arguments))
    if "info" in arguments or "--version" in arguments:
        assert out == assert_done(run(*arguments))
    else:
        assert "Usage: cosine-fast" in out
        assert "pip install '.[cli,plot]'" in out


def test_bare_install_prints_nothing_for_a_shell_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("_COSINE_FAST_COMPLETE", "bash_source")
    assert_refused(run_without("click", tmp_path), "click is not installed")


def test_no_heavy_import_without_need():
    program = (
        "import sys, cosine_fast.cli\n"
        "print(sorted({'click', 'tqdm', 'pyarrow', 'polars', 'matplotlib', 'zarr', 'distributed'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert result.stdout == "[]\n", result.stderr


def on_a_terminal(command, folder, status=0, stdout=False, typed=b"", **options):
    """Run a command whose standard error, and perhaps its input and output, is a terminal; what appeared there."""
    import pty

    here, there = pty.openpty()
    streams = {"stdin": there if typed else None, "stdout": there if stdout or typed else subprocess.PIPE}
    process = subprocess.Popen(command, stderr=there, cwd=folder, **streams, **options)
    os.write(here, typed)
    os.close(there)
    seen = b""
    while True:
        try:
            part = os.read(here, 4096)
        except OSError:  # how Linux says that the other side is closed
            part = b""
        if not part:
            break
        seen += part
    process.communicate(timeout=60)
    os.close(here)
    assert process.returncode == status
    return seen.decode()


@posix_only
def test_progress_bar_on_a_terminal_only(tmp_path):
    command = ["precompute", *SCHEDULE, "--stop", "2e6", "-o"]
    assert_done(run(*command, tmp_path / "quiet.npy"))  # nothing on standard error
    seen = on_a_terminal([*CLI, *command, "bar.npy"], tmp_path)
    assert "%|" in seen
    assert "steps/s" in seen
    assert on_a_terminal([*CLI, *command, "no-bar.npy", "--quiet"], tmp_path) == ""
    pytest.importorskip("polars", reason="text needs polars")
    seen = on_a_terminal([*CLI, "precompute", *SCHEDULE, "-o", "-"], tmp_path, stdout=True)
    assert "%|" not in seen  # it would run into the rates


@posix_only
def test_nobody_reads_standard_output(tmp_path):
    here, there = os.pipe()
    os.close(here)
    command = [*CLI, "precompute", *SCHEDULE, "-o", "lr.npy"]
    result = subprocess.run(command, stdout=there, stderr=subprocess.PIPE, text=True, cwd=tmp_path, timeout=60)
    os.close(there)
    assert result.returncode == 1
    assert result.stderr == ""
    assert len(np.load(tmp_path / "lr.npy")) == 1101


@posix_only
def test_nobody_reads_what_a_bare_install_says(tmp_path):
    here, there = os.pipe()
    os.close(here)
    result = run_without("click", tmp_path, "info", stdout=there)
    os.close(there)
    assert (result.returncode, result.stderr) == (1, "")


def test_standard_output_that_knows_no_unicode(tmp_path):
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    assert_done(precompute("--name", "größer", "-o", tmp_path / "lr.npy", env=env))


def test_signal_in_a_callback_is_not_reported():
    """What Python cannot raise from its own callbacks is heeded all the same; other exceptions are still reported."""
    program = """if True:
        import sys, weakref
        from cosine_fast.cli import signals
        class Thing: pass
        sys.unraisablehook = signals._unraisable
        for callback in (lambda _: signals._stop(15, None), lambda _: 1 / 0):
            thing = Thing()
            watched = weakref.ref(thing, callback)
            del thing
        print(signals.received)
    """
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert process.stdout == "[15]\n"
    assert "ZeroDivisionError" in process.stderr
    assert "Stopped" not in process.stderr
