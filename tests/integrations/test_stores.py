"""Stores of rates: by the command as a process and by Dask's workers, killed and resumed, and as xarray reads them."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from family import FAMILY, made

import cosine_fast
from cosine_fast import CosineDecay, LearningRateSchedule, cli, deserialize, serialize
from cosine_fast.schedules import SCHEDULES

zarr = pytest.importorskip("zarr", reason="stores need zarr")
xarray = pytest.importorskip("xarray", reason="xarray reads the stores")
pytest.importorskip("click", reason="the command line needs click")
pytest.importorskip("tqdm", reason="the command line needs tqdm")

from cosine_fast import stores  # noqa: E402
from cosine_fast.cli import storing  # noqa: E402

CLI = [sys.executable, "-m", "cosine_fast"]
LONG = CosineDecay(0.0, 10**8, 0.1, warmup_target=1e-3, warmup_steps=1000)  # 96 files of 2**20 rates
SWEEP = {
    "schedule": {"initial_learning_rate": 0, "warmup_steps": 10},
    "grid": {"warmup_target": [1e-3, 2e-3, 5e-3], "alpha": [0, 0.1], "decay_steps": [50, 100]},
    "steps": {"start": -3, "step": 7},
}
posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and limits")


def run(*arguments, **options):
    """Run the command to its end: in a process of its own if there are options for one, or workers."""
    command = [*map(str, arguments)]
    if options or "--workers" in command:
        return subprocess.run([*CLI, *command], capture_output=True, text=True, timeout=120, **options)
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = cli.run(command)
    return SimpleNamespace(returncode=status, stdout=out.getvalue(), stderr=error.getvalue())


def assert_error(result, status, *words):
    assert result.returncode == status, (result.returncode, result.stderr)
    error, *hints = result.stderr.splitlines()
    assert error.startswith("cosine-fast: error: ")
    assert not hints or (len(hints) == 1 and hints[0].startswith("Try 'cosine-fast ")), result.stderr
    for word in words:
        assert word in result.stderr


def assert_bits(file, schedule, steps):
    store = zarr.open_group(file, mode="r")
    assert store.attrs["complete"] is True
    np.testing.assert_array_equal(store["rate"][:], schedule(np.asarray(steps)), strict=True)


@pytest.fixture
def config(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(serialize(LONG)))
    return tmp_path / "run.json"


# ---- The command ----


@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["one process", "workers"])
def test_precompute_has_the_bits_of_a_call(tmp_path, config, more):
    pytest.importorskip("distributed", reason="workers need distributed")
    steps = range(2000, -3001, -3)
    ends = ["--start", steps.start, "--stop", steps.stop, "--step", steps.step, "--chunks", 100]
    result = run("precompute", "--config", config, *ends, "-o", tmp_path / "lr.zarr", *more)
    assert (result.returncode, result.stderr) == (0, "")
    assert "MiB in " in result.stdout
    assert_bits(tmp_path / "lr.zarr", LONG, steps)
    with xarray.open_zarr(tmp_path / "lr.zarr") as store:
        np.testing.assert_array_equal(store["step"], steps)
        assert deserialize(store.attrs["schedule"]).get_config() == LONG.get_config()


def begun(arguments, folder, files=1, **options):
    """Start the command, and return when the store has some files of rates."""
    process = subprocess.Popen([*CLI, *map(str, arguments)], stderr=subprocess.PIPE, text=True, **options)
    while len(list(folder.glob("rate/c/?*"))) < files:
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    return process


@posix_only
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "status", "workers"),
    [("SIGKILL", -9, 0), ("SIGINT", 130, 0), ("SIGKILL", -9, 2), ("SIGTERM", 143, 2)],
)
def test_stopped_and_resumed(tmp_path, config, name, status, workers):
    """What is there when it stops is right and stays, is read meanwhile, and the rest follows."""
    pytest.importorskip("distributed", reason="workers need distributed")
    number, file = getattr(signal, name), tmp_path / "lr.zarr"
    arguments = ["precompute", "--config", config, "-o", file, "--chunks", 1 << 20, "--quiet"]
    arguments += ["--workers", workers] if workers else []
    process = begun(arguments, file, 3, start_new_session=True)
    os.killpg(process.pid, signal.SIGSTOP)  # or it might be done before the store is read
    with xarray.open_zarr(file) as store:
        assert store.attrs["complete"] is False
        some = store["rate"][:: 1 << 16].values
    os.killpg(process.pid, number)  # as Ctrl-C on a terminal does
    if number != signal.SIGKILL:
        os.killpg(process.pid, signal.SIGCONT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == status
    assert error == ("" if number == signal.SIGKILL else "cosine-fast: error: stopped; --resume goes on\n")
    steps = np.arange(0, LONG._end + 1, 1 << 16)
    written = ~np.isnan(some)
    assert 0 < written.sum() < len(some)
    np.testing.assert_array_equal(some[written], LONG(steps[written]))
    times = {part: part.stat().st_mtime_ns for part in file.glob("rate/c/*") if not part.suffix}
    result = run(*arguments, "--resume")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(part.stat().st_mtime_ns == at for part, at in times.items())
    assert not list(file.rglob("*.partial"))
    rates = zarr.open_array(file, path="rate", mode="r")
    for at in range(0, rates.size, 1 << 24):
        np.testing.assert_array_equal(rates[at : at + (1 << 24)], LONG.precompute(at, min(at + (1 << 24), rates.size)))


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--workers", "2"]], ids=["one process", "workers"])
@pytest.mark.parametrize("chunks", [stores.CHUNK, 9000], ids=["a chunk a file", "several"])
def test_memory(tmp_path, config, more, chunks):
    """The command says how much a process took: some files, not the 800 MB of all."""
    pytest.importorskip("distributed", reason="workers need distributed")
    arguments = ["--config", config, "-o", tmp_path / "lr.zarr", "--chunks", chunks]
    result = run("precompute", *arguments, *more, env=os.environ)
    assert (result.returncode, result.stderr) == (0, "")
    assert 50 < int(re.search(r"at most (\d+) MiB in", result.stdout)[1]) < 260


@pytest.mark.slow
def test_a_scheduler_and_a_worker_that_dies(tmp_path, config):
    """Over TCP, from another process: the command goes on with the workers that are left."""
    distributed = pytest.importorskip("distributed", reason="a scheduler needs distributed")
    steps = range(0, 100_000)
    ends = ["--stop", steps.stop, "--chunks", 500, "-o", tmp_path / "lr.zarr"]
    with warnings.catch_warnings(), distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=60
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        file, pid = tmp_path / "lr.zarr", next(iter(client.run(os.getpid).values()))
        process = subprocess.Popen(
            [*CLI, "precompute", "--config", config, *map(str, ends), "--scheduler", cluster.scheduler_address],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while not file.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.002)
        os.kill(pid, signal.SIGKILL)
        out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    assert "workers" in out
    assert_bits(tmp_path / "lr.zarr", LONG, steps)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost", "words"), [("workers", "Dask has no workers"), ("scheduler", "connection to Dask's scheduler is lost")]
)
def test_a_cluster_that_is_lost(tmp_path, config, monkeypatch, lost, words):
    distributed = pytest.importorskip("distributed", reason="a scheduler needs distributed")
    monkeypatch.setattr(stores, "WORKER_TIMEOUT", 1)
    calls = itertools.count()

    def lose():
        if next(calls) == 3:
            cluster.scale(0) if lost == "workers" else cluster.close()

    monkeypatch.setattr(storing.signals, "check", lose)
    with distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None, silence_logs=60) as cluster:
        arguments = ["--stop", 10**6, "--chunks", 1000, "-o", tmp_path / "lr.zarr"]
        result = run("precompute", "--config", config, *arguments, "--scheduler", cluster.scheduler_address)
    assert_error(result, 1, words, "; --resume goes on")


# ---- Sweeps ----


@posix_only
@pytest.mark.slow
def test_a_sweep_whose_worker_and_then_command_are_killed(tmp_path):
    """The bits are those of one process."""
    distributed = pytest.importorskip("distributed", reason="workers need distributed")
    config = SWEEP | {"steps": {"stop": 100_000}}
    (tmp_path / "sweep.json").write_text(json.dumps(config))
    expected = stores.sweep(config, tmp_path / "one.zarr", chunks=4000)["rate"][:]
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=60
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        alive = list(client.run(os.getpid).values())

        def kill(stored, total):
            if len(alive) == 2 and stored > total // 3:
                os.kill(alive.pop(), signal.SIGKILL)

        store = stores.sweep(config, tmp_path / "two.zarr", chunks=4000, client=client, progress=kill)
    assert len(alive) == 1
    assert store.attrs["complete"] is True
    np.testing.assert_array_equal(store["rate"][:], expected, strict=True)
    file = tmp_path / "three.zarr"
    arguments = ["sweep", "--config", tmp_path / "sweep.json", "-o", file, "--chunks", 4000, "--workers", 2]
    process = begun(arguments, file, start_new_session=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    store = zarr.open_group(file, mode="r")
    assert np.isnan(store["rate"][:]).any()
    result = run(*arguments, "--resume")
    assert (result.returncode, result.stderr) == (0, "")
    np.testing.assert_array_equal(store["rate"][:], expected, strict=True)


def test_a_grid_as_xarray_reads_it(tmp_path):
    (tmp_path / "sweep.json").write_text(json.dumps(SWEEP))
    result = run("sweep", "--config", tmp_path / "sweep.json", "-o", tmp_path / "rates.zarr", "--chunks", 20)
    assert (result.returncode, result.stderr) == (0, "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = xarray.open_zarr(tmp_path / "rates.zarr").load()
    assert store["rate"].dims == ("warmup_target", "alpha", "decay_steps", "step")
    assert store["rate"].attrs == {"long_name": "learning rate", "units": "1"}
    assert store["decay_steps"].attrs == store["step"].attrs == {"units": "step"}
    np.testing.assert_array_equal(store["step"], np.arange(-3, 111, 7))
    for target, alpha, decay in itertools.product(*SWEEP["grid"].values()):
        schedule = CosineDecay(0, decay, alpha, warmup_target=target, warmup_steps=10)
        rates = store["rate"].sel(warmup_target=target, alpha=alpha, decay_steps=decay)
        np.testing.assert_array_equal(rates, schedule(np.arange(-3, 111, 7)))


def test_the_name_of_a_sweep(tmp_path):
    (tmp_path / "sweep.json").write_text(json.dumps(SWEEP))
    result = run("sweep", "--config", tmp_path / "sweep.json", "-o", tmp_path / "rates.npy")
    assert_error(result, 2, "--output: expected a name that ends in .zarr, received", "rates.npy")
    assert os.listdir(tmp_path) == ["sweep.json"]


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_a_list_of_any_schedule(tmp_path, name):
    """Of random parameters; those that are not numbers are text in the store."""
    draw = random.Random(name)
    sets = []
    while len(sets) < 5:
        with contextlib.suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = serialize(made(cosine_fast, name, FAMILY[name].draw(draw)))
            sets += [tree["config"]] if not sets or tree["config"].keys() == sets[0].keys() else []
    config = {"schedule": tree, "list": sets, "steps": {"stop": 3000, "step": 13}}
    store = stores.sweep(config, tmp_path / "rates.zarr", chunks=100)
    for row, parameters in zip(store["rate"][:], sets, strict=True):
        schedule = deserialize(tree | {"config": parameters})
        np.testing.assert_array_equal(row, schedule(np.arange(0, 3000, 13)), strict=True)
    with xarray.open_zarr(tmp_path / "rates.zarr") as data:
        assert set(config["list"][0]) <= set(data.coords)
        assert data["rate"].dims == ("schedule", "step")


def test_a_random_sweep(tmp_path):
    parameters = {
        "initial_learning_rate": {"low": 1e-5, "high": 1e-1, "log": True},
        "decay_steps": {"low": 10, "high": 1000, "whole": True},
        "alpha": [0, 0.1],
    }
    config = {"schedule": {}, "random": {"count": 200, "seed": 3, "parameters": parameters}}
    store = stores.sweep(config, tmp_path / "rates.zarr", dtype="float32")
    peaks, lengths, alphas = (store[name][:] for name in parameters)
    assert ((peaks >= 1e-5) & (peaks <= 1e-1)).all()
    assert 50 < (peaks < 1e-3).sum() < 150  # uniform in the logarithm
    assert lengths.dtype == np.int64
    assert set(alphas) == {0, 0.1}
    for row, peak, length, alpha in zip(store["rate"][:], peaks, lengths, alphas, strict=True):
        expected = CosineDecay(peak, int(length), alpha)(np.arange(len(row)), dtype=np.float32)
        np.testing.assert_array_equal(row, expected, strict=True)
    again = stores.sweep(config, tmp_path / "again.zarr")
    np.testing.assert_array_equal(again["initial_learning_rate"][:], peaks)


def test_random_whole_numbers_that_floats_do_not_have():
    for low, high in ((2**53 + 1, 2**53 + 3), (2**63 - 1, 2**63 - 1)):
        parameters = {"decay_steps": {"low": low, "high": high, "whole": True, "log": True}}
        plan = stores.plan_of(
            {"schedule": {"initial_learning_rate": 1}, "random": {"count": 9, "parameters": parameters}}
        )
        assert all(low <= value <= high for value in plan.columns["decay_steps"].tolist())


SWEPT = {
    "CosineDecay": {
        "initial_learning_rate": [0, 0.1, 1e-310], "decay_steps": [7, 20.5, 30], "alpha": [0.0, 1, 0.5],
    },
    "WarmupStableDecay": {
        "peak_learning_rate": [0.1, 1, 3], "warmup_steps": [0, 5, 10], "decay_steps": [20, 15.0, 9],
    },
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["grid", "list"])
@pytest.mark.parametrize("name", SWEPT)
def test_schedules_evaluated_at_once(tmp_path, monkeypatch, name, kind, dtype):
    """They have the bits and the end of those made one by one, and only the first warns."""
    cls, swept, calls = SCHEDULES[name], SWEPT[name], []
    fixed = {"warmup_steps": 3} if name == "CosineDecay" else {"stable_steps": 3, "decay": "1-sqrt"}
    function = stores.BATCHES[cls]
    monkeypatch.setitem(stores.BATCHES, cls, lambda *args, **more: calls.append(function(*args, **more)))
    combined = (zip if kind == "list" else itertools.product)(*swept.values())
    sets = [dict(zip(swept, values, strict=True)) for values in combined]
    config = {"schedule": {"class_name": name, "config": fixed}, kind: sets if kind == "list" else swept}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        store = stores.sweep(config, tmp_path / "rates.zarr", dtype=dtype, chunks=200)
        assert len(caught) == (name == "CosineDecay")
        schedules = [cls(**fixed | each) for each in sets]
    steps = np.arange(max(schedule._end for schedule in schedules) + 1)
    expected = np.array([schedule(steps, dtype=dtype) for schedule in schedules])
    np.testing.assert_array_equal(store["rate"][:].reshape(expected.shape), expected, strict=True)
    assert len(calls) == 1 + store["rate"].nchunks < len(sets)


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "<i8", ">i4", "<u8", "O"])
def test_arrays_of_values(dtype):
    """An array means what a list of the same numbers does, and its owner may change it afterwards."""
    values = np.array([1, 2, 40], dtype)
    plans = [
        stores.plan_of({"schedule": {"initial_learning_rate": 0.1}, "grid": {"decay_steps": each}})
        for each in (values, values.tolist())
    ]
    values[:] = 1
    for plan in plans:
        assert plan.columns["decay_steps"].dtype == (np.float64 if "f" in dtype else np.int64)
        assert plan.columns["decay_steps"].tolist() == [1, 2, 40]
        assert plan.steps == range(41)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1.0, np.nan]), "Schedule 1 of the sweep, {'decay_steps': nan}: Argument `decay_steps` must"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "Schedule 1 of the sweep, {'decay_steps': None}"),
        (np.array(1.0), "A grid must have a list of values for each parameter"),
        (np.array([]), "A grid must have a list of values for each parameter"),
        (
            np.array([0.1], np.longdouble),
            "Expected numbers, strings, lists and dicts in the config of a sweep. Received: ",
        ),
        (range(3), "Expected numbers, strings, lists and dicts in the config of a sweep. Received: range(0, 3)"),
    ],
)
def test_arrays_that_are_refused(values, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        stores.plan_of({"schedule": {"initial_learning_rate": 0.1}, "grid": {"decay_steps": values}})


@pytest.mark.parametrize(
    ("sets", "end"),
    [
        ([{"decay_steps": 2**53 + 1}, {"decay_steps": 2**53}], 2**53 + 21),  # as floats they are equal
        ([{"decay_steps": 0.5, "warmup_steps": 0.5}, {"decay_steps": 1, "warmup_steps": 2**-60}], 2),
        ([{"warmup_target": 1}, {"warmup_target": 2}], 70),
    ],
)
def test_the_end_of_a_sweep(tmp_path, sets, end):
    schedule = {"initial_learning_rate": 0, "decay_steps": 50, "warmup_target": 1, "warmup_steps": 20}
    config = {"schedule": schedule | sets[0], "list": sets, "steps": {"start": end - 1}}
    assert stores.sweep(config, tmp_path / "rates.zarr").attrs["steps"][1] == end + 1


def test_warnings_of_others_stay(tmp_path):
    """Filters of warnings belong to the process, and the threads of a sweep may not change them."""
    interval, before = sys.getswitchinterval(), list(warnings.filters)
    config = {"schedule": {"class_name": "ExponentialDecay", "config": {"decay_steps": 9, "decay_rate": 0.5}}}
    config |= {"grid": {"initial_learning_rate": np.linspace(0.1, 1, 2000)}, "steps": {"stop": 2}}
    sys.setswitchinterval(1e-6)
    try:
        stores.sweep(config, tmp_path / "rates.zarr", chunks=1000)
    finally:
        sys.setswitchinterval(interval)
    assert warnings.filters == before


def test_rates_of_a_custom_schedule(tmp_path):
    class Halved(LearningRateSchedule):
        def __call__(self, step, **_):
            return 1.0 / (2 + step)

        def get_config(self):
            return {}

    store = stores.precompute(Halved(), tmp_path / "lr.zarr", 3)
    np.testing.assert_array_equal(store["rate"][:], [1 / 2, 1 / 3, 1 / 4])


def test_files_of_several_chunks(tmp_path, monkeypatch):
    """Of stores that would have too many files; a file that is missing is written again."""
    monkeypatch.setattr(stores, "MAX_FILES", 10)
    monkeypatch.setattr(stores, "SHARDED_FILE", 500)
    rates = stores.sweep(SWEEP, tmp_path / "few.zarr", chunks=20)["rate"]
    store = stores.sweep(SWEEP | {"steps": {"stop": 1000}}, tmp_path / "many.zarr", chunks=20)
    assert (rates.chunks, rates.shards) == ((1, 1, 1, 17), (3, 2, 2, 17))
    assert (store["rate"].chunks, store["rate"].shards) == ((1, 1, 1, 20), (1, 1, 1, 500))
    before = store["rate"][:]
    (tmp_path / "many.zarr" / "rate" / "c" / "1" / "0" / "1" / "1").unlink()
    assert np.isnan(store["rate"][1, 0, 1, 500:]).all()
    again = stores.sweep(SWEEP | {"steps": {"stop": 1000}}, tmp_path / "many.zarr", chunks=20, resume=True)
    np.testing.assert_array_equal(again["rate"][:], before)
    assert not np.isnan(before).any()


def test_constant_rates_are_written(tmp_path):
    """Zarr leaves out a chunk that is its fill value; a rate of NaN is one too, and the store is complete."""
    store = stores.sweep({"schedule": {"class_name": "ConstantSchedule", "config": {}},
                          "grid": {"learning_rate": [0.0, 1.0]}, "steps": {"stop": 100}},
                         tmp_path / "lr.zarr", chunks=50)  # fmt: skip
    np.testing.assert_array_equal(store["rate"][:], np.repeat([[0.0], [1.0]], 100, axis=1))


def test_a_store_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    stores.sweep(SWEEP, tmp_path / "rates.zarr")
    stores.precompute(LONG, tmp_path / "lr.zarr", 3000, -10, -1)
    names = {"rates": ["8 of 12 schedules", "warmup_target=0.001, alpha=0, decay_steps=50"], "lr": ["lr"]}
    for name, words in names.items():
        file = tmp_path / f"{name}.svg"
        result = run("plot", "--store", tmp_path / f"{name}.zarr", "-o", file)
        assert (result.returncode, result.stderr) == (0, "")
        assert all(word in file.read_text() for word in words)
    curves, first, last, count = storing.curves(str(tmp_path / "lr.zarr"), -5, 2000)
    assert (first, last, count) == (-5, 2000, 1)
    np.testing.assert_array_equal(curves[0][1](curves[0][1].steps), LONG(curves[0][1].steps))


# ---- What is refused, and what is lost: nothing ----


def test_an_existing_store(tmp_path, config):
    file = tmp_path / "lr.zarr"
    arguments = ["precompute", "--config", config, "--stop", 1000, "-o", file]
    stores.precompute(LONG, file, 1000)
    before = {part: part.read_bytes() for part in file.rglob("*") if part.is_file()}
    assert_error(run(*arguments), 2, "exists already", "--force", "--resume")
    assert_error(run(*arguments, "--resume", "--force"), 2, "--resume", "--force")
    assert_error(run(*arguments, "--resume", "--step", 2), 2, "holds other rates: its steps is [0, 1000, 1]")
    assert_error(run(*arguments, "--resume", "--dtype", "float32"), 2, "its dtype is")
    assert_error(run(*arguments, "--resume", "--chunks", 10), 2, "its chunks is [1000], not [10]")
    assert_error(run(*arguments, "--force", "--chunks", 0), 2, "--chunks", "at least 1", "0")
    (tmp_path / "run.json").write_text(json.dumps(serialize(CosineDecay(1.0, 100))))
    assert_error(run(*arguments, "--resume"), 2, "holds other rates: its initial_learning_rate is 0.0, not 1.0")
    assert before == {part: part.read_bytes() for part in file.rglob("*") if part.is_file()}
    assert run(*arguments, "--force").returncode == 0
    assert_bits(file, CosineDecay(1.0, 100), range(1000))


def test_force_keeps_the_old_store(tmp_path, config, monkeypatch):
    """Until the new one is complete: on a full disk, after a kill, and after one between the renames."""
    file, aside = tmp_path / "lr.zarr", tmp_path / ".cosine-fast-lr.zarr.old"
    old = CosineDecay(1.0, 100)
    stores.precompute(old, file, 1000)
    with monkeypatch.context() as full:
        full.setattr(stores.shutil, "disk_usage", lambda _: SimpleNamespace(free=7999))
        arguments = ["precompute", "--config", config, "-o", file, "--force"]
        assert_error(run(*arguments, "--stop", 1000), 1, "cannot write", "needs 8,000 bytes, 7,999 are free")
    assert_bits(file, old, range(1000))
    process = begun([*arguments, "--chunks", 1 << 20], tmp_path / ".cosine-fast-lr.zarr.new")
    process.kill()
    process.communicate()
    assert_bits(file, old, range(1000))
    os.rename(file, aside)
    stores.precompute(old, file, 1000, resume=True)
    assert_bits(file, old, range(1000))
    assert run(*arguments, "--stop", 1000).returncode == 0
    assert_bits(file, LONG, range(1000))
    assert sorted(os.listdir(tmp_path)) == ["lr.zarr", "run.json"]


def test_a_wrong_client(tmp_path):
    with pytest.raises(TypeError, match=re.escape("`client` must be a distributed.Client. Received: client=3")):
        stores.sweep(SWEEP, tmp_path / "rates.zarr", client=3)
    assert not list(tmp_path.iterdir())


def test_another_class(tmp_path):
    """Of the same parameters."""
    tree = {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "name": "run"}
    one, other = (
        deserialize({"class_name": name, "config": tree}) for name in ("ExponentialDecay", "InverseTimeDecay")
    )
    stores.precompute(one, tmp_path / "lr.zarr", 50)
    with pytest.raises(ValueError, match="holds other rates: its class is"):
        stores.precompute(other, tmp_path / "lr.zarr", 50, resume=True)


def test_files_that_are_lost(tmp_path):
    """A file that is cut or missing is written again; meanwhile the store is not complete."""
    said = []
    store = stores.precompute(LONG, tmp_path / "lr.zarr", 1000, chunks=100)
    (tmp_path / "lr.zarr" / "rate" / "c" / "3").unlink()
    (tmp_path / "lr.zarr" / "rate" / "c" / "9").write_bytes(bytes(799))

    def progress(stored, total):
        said.append((stored, total, zarr.open_group(tmp_path / "lr.zarr", mode="r").attrs["complete"]))

    stores.precompute(LONG, tmp_path / "lr.zarr", 1000, chunks=100, resume=True, progress=progress)
    assert said == [(800, 1000, False), (900, 1000, False), (1000, 1000, False)]
    np.testing.assert_array_equal(store["rate"][:], LONG.precompute(1000))
    assert_bits(tmp_path / "lr.zarr", LONG, range(1000))


@pytest.mark.parametrize("kind", ["sharded", "compressed", "both"])
def test_a_cut_file_of_unknown_size(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(stores, "MAX_FILES", 10_000 if kind == "compressed" else 10)
    monkeypatch.setattr(stores, "SHARDED_FILE", 500)
    options = {"chunks": 50, "compressors": None if kind == "sharded" else "auto"}
    stores.precompute(LONG, tmp_path / "lr.zarr", 1000, **options)
    file = tmp_path / "lr.zarr" / "rate" / "c" / "1"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    stores.precompute(LONG, tmp_path / "lr.zarr", 1000, resume=True, **options)
    assert_bits(tmp_path / "lr.zarr", LONG, range(1000))


def test_a_store_that_is_replaced_meanwhile(tmp_path):
    def replace(stored, _total):
        if stored == 300:
            stores.precompute(CosineDecay(1.0, 100), tmp_path / "lr.zarr", 1000, chunks=100, overwrite=True)

    with pytest.raises(ValueError, match="another process has replaced the store"):
        stores.precompute(LONG, tmp_path / "lr.zarr", 1000, chunks=100, progress=replace)


def test_units_of_boundaries(tmp_path):
    grid = {"boundaries": [[3], [5]], "values": [[1.0, 0.5]]}
    config = {"schedule": {"class_name": "PiecewiseConstantDecay", "config": {}}, "grid": grid}
    store = stores.sweep(config, tmp_path / "rates.zarr")
    assert [store[name].attrs["units"] for name in grid] == ["step", "1"]


def test_values_of_numpy(tmp_path):
    grid = {"initial_learning_rate": np.linspace(0.1, 0.3, 3), "decay_steps": (np.int64(5), 6)}
    store = stores.sweep({"schedule": {}, "grid": grid, "steps": {"stop": np.int64(4)}}, tmp_path / "rates.zarr")
    np.testing.assert_array_equal(store["rate"][2, 1], CosineDecay(0.3, 6)(np.arange(4)))


def test_whole_random_numbers(tmp_path):
    """Each number has its share."""
    parameters = {"decay_steps": {"low": 1, "high": 3, "whole": True}}
    config = {"schedule": {"initial_learning_rate": 1}, "random": {"count": 3000, "parameters": parameters}}
    counts = np.bincount(stores.sweep(config | {"steps": {"stop": 1}}, tmp_path / "a.zarr")["decay_steps"][:])
    assert (np.abs(counts[1:] - 1000) < 150).all()


@pytest.mark.parametrize("text", ["[]", "5", '{"zarr_format": 3, "node_type": "group", "attributes": 5}'])
def test_a_folder_with_other_metadata(tmp_path, config, text):
    (tmp_path / "lr.zarr").mkdir()
    (tmp_path / "lr.zarr" / "zarr.json").write_text(text)
    arguments = ["precompute", "--config", config, "--stop", 9, "-o", tmp_path / "lr.zarr", "--force"]
    assert_error(run(*arguments), 2, "not a store of cosine_fast")
    assert_error(
        run("plot", "--store", tmp_path / "lr.zarr", "-o", tmp_path / "a.svg"), 2, "not a store of cosine_fast"
    )
    assert_error(run("precompute", "--config", config, "--format", "zarr", "-o", "-"), 2, "a .zarr store is a folder")


def test_other_values_of_a_sweep(tmp_path):
    file = tmp_path / "rates.zarr"
    stores.sweep(SWEEP, file)
    other = SWEEP | {"grid": SWEEP["grid"] | {"alpha": [0, 0.2]}}
    with pytest.raises(ValueError, match="holds other rates: its values of 'alpha' are others"):
        stores.sweep(other, file, resume=True)
    grids = [{"decay_steps": [2**53, 2**53 + 1]}, {"decay_steps": [2.0**53, 2.0**53]}]  # equal as float64
    configs = [{"schedule": {"initial_learning_rate": 1}, "grid": grid, "steps": {"stop": 2}} for grid in grids]
    stores.sweep(configs[0], tmp_path / "long.zarr", num_threads=None)
    with pytest.raises(ValueError, match="holds other rates: its values of 'decay_steps' are others"):
        stores.sweep(configs[1], tmp_path / "long.zarr", resume=True)


@pytest.mark.parametrize("kind", ["folder", "file", "other store"])
def test_only_a_store_is_overwritten(tmp_path, config, kind):
    target = tmp_path / "lr.zarr"
    if kind == "file":
        target.write_text("mine")
    elif kind == "folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    else:
        zarr.create_group(target)
    for option in ("--force", "--resume"):
        result = run("precompute", "--config", config, "--stop", 9, "-o", target, option)
        assert_error(result, 2, "lr.zarr: not a store of cosine_fast")
    assert target.exists()
    assert not list(tmp_path.glob(".cosine-fast*"))


@pytest.mark.slow
def test_a_scheduler_that_nobody_reaches(tmp_path, config):
    pytest.importorskip("distributed", reason="a scheduler needs distributed")
    arguments = ["precompute", "--config", config, "--stop", 9, "-o", tmp_path / "lr.zarr"]
    assert_error(run(*arguments, "--scheduler", "tcp://127.0.0.1:9"), 1, "--scheduler tcp://127.0.0.1:9", "connect")
    for address in ("nonsense://x", "tls://127.0.0.1:9", ""):  # an empty one too: a variable that is not set
        assert_error(run(*arguments, "--scheduler", address), 1, f"--scheduler {address}: cannot be used")
    assert_error(run(*arguments, "--scheduler", "tcp://127.0.0.1:9", "--workers", 2), 2, "--workers", "--scheduler")
    assert not (tmp_path / "lr.zarr").exists()


def test_workers_that_do_not_start(tmp_path, config, monkeypatch):
    """Too many of them are not tried."""
    distributed = pytest.importorskip("distributed", reason="workers need distributed")

    def fail(**_):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", fail)
    arguments = ["precompute", "--config", config, "--stop", 9, "-o", tmp_path / "lr.zarr"]
    assert_error(run(*arguments, "--workers=2"), 1, "--workers 2: cannot be used: Nanny failed to start.")
    for count in (0, 10**20):
        assert_error(run(*arguments, f"--workers={count}"), 2, "'--workers'", f"{count} is not in the range")
    assert not (tmp_path / "lr.zarr").exists()


@posix_only
@pytest.mark.parametrize("more", [[], pytest.param(["--workers", "1"], marks=pytest.mark.slow)])
def test_a_full_disk(tmp_path, config, more):
    """As a limit of the size of files, which all writes reach."""
    pytest.importorskip("distributed", reason="workers need distributed")
    limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)); "
    limited += "os.execv(sys.executable, [sys.executable, '-m', 'cosine_fast', *sys.argv[1:]])"
    arguments = ["precompute", "--config", config, "--stop", 200_000, "-o", tmp_path / "lr.zarr", "--quiet"]
    arguments += ["--chunks", 100_000]
    command = [sys.executable, "-c", limited, *map(str, arguments), *more]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert_error(result, 1, "cannot write", "lr.zarr", os.strerror(errno.EFBIG))
    assert not list(tmp_path.rglob("*.partial"))
    store = zarr.open_group(tmp_path / "lr.zarr", mode="r")
    assert store.attrs["complete"] is False
    assert run(*arguments, "--resume").returncode == 0
    np.testing.assert_array_equal(store["rate"][:], LONG.precompute(200_000))


@posix_only
@pytest.mark.slow
def test_a_disk_that_becomes_full(tmp_path, config):
    """What is written stays, and another run goes on."""
    disk, file = tmp_path / "disk", tmp_path / "disk" / "lr.zarr"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mount is not allowed here")
    try:
        arguments = ["precompute", "--config", config, "--stop", 10**7, "--chunks", 2000, "-o", file, "--quiet"]
        process = begun(arguments, file, 20)
        with contextlib.suppress(OSError), open(disk / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(1 << 16))
        error = process.communicate(timeout=60)[1]
        assert process.returncode == 1
        assert error == f"cosine-fast: error: cannot write {file}: {os.strerror(errno.ENOSPC)}\n"
        kept = {part: part.stat().st_mtime_ns for part in file.glob("rate/c/*")}
        assert len(kept) >= 20
        (disk / "filler").unlink()
        assert run(*arguments, "--resume").returncode == 0
        assert kept == {part: part.stat().st_mtime_ns for part in kept}
        assert_bits(file, LONG, range(10**7))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_too_small(tmp_path, config):
    result = run("precompute", "--config", config, "--stop", "1e15", "-o", tmp_path / "lr.zarr")
    assert_error(result, 1, "cannot write", os.strerror(errno.ENOSPC), "needs 8,000,000,000,000,000 bytes")
    assert os.listdir(tmp_path) == ["run.json"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grid": {}}, "A grid must have a list of values for each parameter"),
        ({"grid": {"alpha": []}}, "A grid must have a list of values for each parameter"),
        ({"grid": {"alpha": 0.1}}, "A grid must have a list of values for each parameter"),
        (
            {"grid": {"warmup_target": [1], "decay_steps": [1, 0]}},
            "Schedule 1 of the sweep, {'warmup_target': 1, 'decay_steps': 0}",
        ),
        (
            {"grid": {"warmup_target": [1, 2], "decay_steps": [1, 0]}, "steps": {"stop": 9}},
            "Schedule 1 of the sweep, {'warmup_target': 1, 'decay_steps': 0}: Argument `decay_steps` must be > 0.",
        ),
        ({"grid": None, "list": [{"decay_steps": n, "warmup_target": 1} for n in (1, 0)]}, "Schedule 1 of the sweep"),
        ({"grid": {"decay_steps": [1], "beta": [2]}}, "beta"),
        ({"list": [{"alpha": 1}]}, "one of grid, list and random. Received: grid, list"),
        ({"grid": None, "list": [{"alpha": 1}, {"name": "x"}]}, "the same parameters throughout"),
        ({"grid": None, "random": {"parameters": {}}}, "Key 'count' is missing in random"),
        ({"grid": None, "random": {"count": 0, "parameters": {"alpha": [1]}}}, "`count` must be a whole number > 0"),
        ({"grid": None, "random": {"count": 9, "parameters": {"alpha": {"low": 1, "high": 0}}}}, "low <= high"),
        ({"grid": None, "random": {"count": 9, "parameters": {"alpha": {"low": 0, "high": 1, "log": True}}}}, "> 0"),
        ({"grid": None, "random": {"count": 9, "parameters": {"alpha": {"low": 0, "high": 1, "whole": 1}}}}, "true or"),
        (
            {"grid": None, "random": {"count": 9, "parameters": {"alpha": {"low": 0.5, "high": 1, "whole": True}}}},
            "low and",
        ),
        ({"grid": None, "random": {"count": 10**13, "parameters": {"alpha": [1]}}}, "at most 10,000,000"),
        (
            {"grid": {name: list(range(1000)) for name in ("alpha", "warmup_target", "decay_steps")}},
            "at most 10,000,000",
        ),
        ({"grid": {"alpha": {0.1}}}, "Received: {0.1}"),
        ({"grid": None}, "one of grid, list and random. Received: none"),
        ({"schedule": {"class_name": "os.system", "config": {}}}, "Unknown schedule 'os.system'"),
        ({"schedule": 5}, "must be a dict"),
        ({"steps": {"stop": 1.5}}, "must be whole numbers"),
        ({"steps": {"step": 0}}, "`step` not 0"),
        ({"steps": {"stop": -3}}, "no steps"),
        ({"steps": {"end": 3}}, "Key 'end' is unknown in steps"),
        ({"surplus": 1}, "Key 'surplus' is unknown in the config of a sweep"),
    ],
)
def test_wrong_sweeps(tmp_path, change, words):
    tree = {key: value for key, value in (SWEEP | change).items() if value is not None}
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        stores.sweep(tree, tmp_path / "rates.zarr")
    assert not list(tmp_path.iterdir())
