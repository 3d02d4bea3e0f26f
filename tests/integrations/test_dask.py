"""Dask: lazy rates of ranges and of batches, and clusters: the same bits, even if a worker is killed."""

from __future__ import annotations

import itertools
import pickle
import random
import re
import textwrap

import numpy as np
import pytest
from bits import assert_same
from draws import whole_steps
from family import drawn, ordinary

import cosine_fast

dask = pytest.importorskip("dask", reason="its arrays are what these tests are about")
array = pytest.importorskip("dask.array", reason="its arrays are what these tests are about")
lazy = pytest.importorskip("cosine_fast.integrations.dask", reason="it needs dask.array")

SCHEDULE = cosine_fast.CosineDecay(0.0, 900, 0.1, warmup_target=1e-3, warmup_steps=100)


def tasks(*arrays):
    """The tasks that are left when Dask has merged what it can."""
    graphs = [dict(a.dask) for a in dask.optimize(*arrays)]
    return [task for graph in graphs for task in graph.values() if type(task).__name__ not in ("Alias", "DataNode")]


def check_lazy(rates, want, name, again):
    assert type(rates) is array.Array
    assert rates.name.startswith(f"{name}-")
    assert rates.name == again.name
    assert rates.dtype == rates._meta.dtype == want.dtype
    assert_same(rates.compute(scheduler="threads", num_workers=2), want)


@pytest.mark.parametrize("dtype", [None, np.float32])
def test_precompute(dtype):
    ranges = [
        (0, 40, 1),
        (-5, 40, 1),
        (40, -9, -7),
        (2**63 - 19, 2**63, 1),
        (-(2**63), 2**63 - 1, 2**60 + 7),
        (3, 3, 1),
    ]
    chunks = itertools.cycle(["auto", 16, "64 B", -1, {0: 7}])
    for schedule, steps in itertools.product(ordinary(cosine_fast), ranges):
        size = next(chunks)
        rates, again = (lazy.precompute(schedule, *steps, size, dtype=dtype) for _ in range(2))
        assert rates.chunks == array.zeros(rates.shape, dtype=rates.dtype, chunks=size).chunks
        check_lazy(rates, schedule.precompute(*steps, dtype=dtype), type(schedule).__name__, again)
    assert rates.name != lazy.precompute(schedule, 3, 4, dtype=dtype).name


class Halves(cosine_fast.LearningRateSchedule):
    def __call__(self, step):
        return 0.5**step


def test_schedules_of_your_own():
    assert_same(lazy.precompute(Halves(), 5, chunks=((2, 3),)).compute(), Halves().precompute(5))


def test_graphs():
    """One task a chunk, together with what follows; the size of a task does not grow with the steps."""
    rates = lazy.precompute(SCHEDULE, 0, 10**12, 7, chunks=10**10)
    assert len(tasks(rates * 2)) == rates.npartitions == 15
    assert max(len(pickle.dumps(task)) for task in tasks(rates * 2)) < 2000
    assert len(pickle.dumps(rates)) < 3000
    steps = array.arange(40, chunks=(16, 20, 4))
    peaks, lengths = (array.full(40, value, chunks=steps.chunks) for value in (0.1, 20))
    rates = cosine_fast.cosine_decay(steps, peaks, lengths + 10)
    assert rates.chunks == steps.chunks
    assert len(tasks(rates * 2)) == 3
    grid = cosine_fast.cosine_decay(steps, array.linspace(0.1, 1.0, 6, chunks=2)[:, None], 30)
    assert grid.chunks == ((2, 2, 2), *steps.chunks)
    assert len(tasks(grid * 2)) == 9 + 3 + 3  # each chunk of steps and of peaks is made once


def laid(draw, column):
    """A parameter as a number, an array or a Dask array of some chunks, and as NumPy has it."""
    kind, values = draw.choice(["number", "NumPy", "Dask", "Dask"]), np.array(column)[:, None]
    if kind == "number":
        return column[0], column[0]
    return array.from_array(values, chunks=(draw.randint(1, 6), 1)) if kind == "Dask" else values, values


@pytest.mark.parametrize("name", ["CosineDecay", "WarmupStableDecay"])
def test_batches(name):
    """Random parameters, each in whatever holds it; the bits of NumPy's batch, whose tests have the class's."""
    function = {"CosineDecay": cosine_fast.cosine_decay, "WarmupStableDecay": cosine_fast.warmup_stable_decay}[name]
    for seed in range(40):
        draw = random.Random(seed)
        some, seeds = [], iter(range(1000 * seed, 10**6))
        while len(some) < 6:
            p = {k: np.nan if v is None else v for k, v in drawn(name, next(seeds)).items()}
            if set(p) == set((some or [p])[0]) and p.get("decay") == (some or [p])[0].get("decay"):
                some.append(p)
        fixed = {"decay": some[0].pop("decay")} if "decay" in some[0] else {}
        if "end_learning_rate" in some[0]:
            some[0].pop("alpha", None)
        pairs = {key: laid(draw, [p[key] for p in some]) for key in some[0]}
        steps = whole_steps(name, drawn(name, 1000 * seed), seed, 5)[:50]
        given = {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items()}
        dtype = draw.choice([None, np.float32])
        made = [function(array.from_array(steps, chunks=20), **given[0], **fixed, dtype=dtype) for _ in range(2)]
        check_lazy(made[0], function(steps, **given[1], **fixed, dtype=dtype), function.__name__, made[1])
        assert made[0].chunks[-1] == (20, 20, 10)


def test_kinds_of_arguments():
    steps, peaks = array.arange(9, chunks=4), np.ma.masked_greater(np.linspace(0.1, 0.9, 9), 0.5)
    batch = cosine_fast.cosine_decay
    masked = batch(steps, peaks, 5)
    assert type(masked._meta) is np.ma.MaskedArray
    assert masked.compute().tolist() == batch(np.arange(9), peaks, 5).tolist()
    few = steps[steps > 5]  # chunks of unknown sizes
    assert_same(batch(few, few * 0.1, 30).compute(), batch(np.arange(6, 9), np.arange(6, 9) * 0.1, 30))
    for peak in (np.float32(0.1), np.array(0.1)):  # of no dimension
        rates = batch(7, array.from_array(np.array(peak)), 10)
        assert (rates.shape, rates.dtype) == ((), batch(np.arange(1), peak, 10).dtype)
        assert rates.compute() == batch(7, peak, 10)
    out = np.empty(9)
    assert batch(steps, peaks, 5, out=out) is out
    never = array.from_delayed(dask.delayed(pytest.fail)("computed"), (3,), float)
    assert batch(never, never, never, never, never, never).shape == (3,)
    assert cosine_fast.warmup_stable_decay(never, never, never, never, never).shape == (3,)
    with pytest.warns(UserWarning, match="`warmup_steps` is ignored") as caught:
        batch(steps, array.from_array(peaks), 5, warmup_steps=3).compute()
    assert len(caught) == 1


def test_bad_arguments():
    steps = array.arange(9, chunks=4)
    for chunks in (0, (0,), (9, 0), ((0, 9),), (-1, 10), -2, (), 2.5, None, "x", object()):
        with pytest.raises(ValueError, match=r"`chunks` must be what Dask takes for 9 steps, .*Received: chunks="):
            lazy.precompute(SCHEDULE, 9, chunks=chunks)
    for call, error in (
        (lambda: lazy.precompute(0.1, 9), "`schedule` must be a schedule"),
        (lambda: lazy.precompute(SCHEDULE, 0, 2**63 + 1), "beyond int64"),
        (lambda: lazy.precompute(SCHEDULE, 9, dtype=int), "`dtype` must be"),
        (lambda: lazy.precompute(SCHEDULE, 9, num_threads=0), "`num_threads` must be"),
        (lambda: cosine_fast.cosine_decay(steps, 0.1, -5), "`decay_steps` must be > 0"),
        (lambda: cosine_fast.cosine_decay(steps > 3, 0.1, 5), "`step` must be integers or floats"),
        (lambda: cosine_fast.cosine_decay(steps, array.ones(2), 5), re.escape("shapes (9,) (2,)")),
        (lambda: cosine_fast.warmup_stable_decay(steps, 0.1, 1, 1, 1, decay="x"), "`decay` must be one of"),
    ):
        with pytest.raises((TypeError, ValueError, OverflowError), match=error):
            call()
    rates = cosine_fast.cosine_decay(steps, 0.1, array.arange(9, chunks=4)[::-1])  # found when it is computed
    with pytest.raises(ValueError, match=r"`decay_steps` must be > 0\. Received: decay_steps=0 at index 0"):
        rates.compute()


def test_pickles():
    """A schedule's pickle is small; that its parameters are checked is tested with those of hostile schedules."""
    assert max(len(pickle.dumps(schedule)) for schedule in ordinary(cosine_fast)) < 1000


def test_threads(process):
    """A task starts no OpenMP threads unless the caller allows it."""
    process(
        "import os, dask, dask.array, cosine_fast\n"
        "from cosine_fast.integrations.dask import precompute\n"
        "schedule, steps = cosine_fast.CosineDecay(0.1, 10**6), dask.array.arange(2 * 10**6, chunks=10**6)\n"
        "threads = lambda: len(os.listdir('/proc/self/task'))\n"
        "dask.config.set(scheduler='threads', num_workers=2)\n"
        "(steps + 1).compute()  # starts Dask's\n"
        "before = threads()\n"
        "def rates(**options):\n"
        "    precompute(schedule, 0, 2 * 10**6, chunks=10**6, **options).compute()\n"
        "    cosine_fast.cosine_decay(steps, 0.1, steps + 1, **options).compute()\n"
        "    schedule(steps, **options).compute()\n"
        "rates()\n"
        "assert threads() == before, (threads(), before)\n"
        "rates(num_threads=2)\n"
        "assert threads() > before or cosine_fast.get_num_threads() == 1"
    )


# ---- Clusters: processes on this machine that talk over TCP ----

CLUSTER = """
import os, resource, signal, sys, time
import numpy as np, dask.array as da
from distributed import Client, LocalCluster, futures_of
import cosine_fast
from cosine_fast.integrations.dask import precompute

schedule = cosine_fast.CosineDecay(0.0, 9 * 10**8, 0.1, warmup_target=1e-3, warmup_steps=10**8)
options = {{"protocol": "tcp://", "dashboard_address": ":0", "n_workers": {workers}, "memory_limit": {memory!r}}}
with LocalCluster(threads_per_worker=1, **options) as cluster, Client(cluster) as client:
    processes = client.run(os.getpid)
    assert len({{*processes.values(), os.getpid()}}) == {workers} + 1
    assert all(address.startswith("tcp://127.0.0.1:") for address in processes)
{body}
"""


def on_cluster(process, workers, body, memory="auto"):
    pytest.importorskip("distributed", reason="its clusters are what this test is about")
    process(CLUSTER.format(workers=workers, memory=memory, body=textwrap.indent(textwrap.dedent(body), "    ")))


@pytest.mark.parametrize("workers", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_cluster(process, workers):
    """The bits of one process; and a forged pickle is refused by the worker that loads it."""
    on_cluster(
        process,
        workers,
        """
        used = set()

        def same(rates, want):
            rates = rates.persist()
            assert rates.compute().tobytes() == want.tobytes()
            used.update(place for places in client.who_has(rates).values() for place in places)

        steps = np.arange(10**6) * 1100
        lazy = da.arange(10**6, chunks=10**5) * 1100
        same(schedule(lazy), schedule(steps))
        same(schedule.cumulative(lazy), schedule.cumulative(steps))
        same(precompute(schedule, 0, 1100 * 10**6, 1100, 10**5), schedule(steps))
        peaks, lengths = np.linspace(1e-4, 1e-2, 20), np.arange(1, 21) * 10**7
        lazy, axis = da.arange(10**4, chunks=2500) * 10**5, da.from_array(peaks, chunks=8)[:, None]
        grid = cosine_fast.cosine_decay(lazy, axis, lengths[:, None], 0.1)
        same(grid, cosine_fast.cosine_decay(np.arange(10**4) * 10**5, peaks[:, None], lengths[:, None], 0.1))
        wsd, more = cosine_fast.warmup_stable_decay, (10**6, lengths[:, None], 10**7)
        same(wsd(lazy, axis, *more, decay="1-sqrt"), wsd(lazy.compute(), peaks[:, None], *more, decay="1-sqrt"))
        assert used == set(processes)

        class Forged:
            def __reduce__(self):
                restore, (kind, config), state = schedule.__reduce__()
                return restore, (kind, config | {"decay_steps": -1})

        try:
            client.submit(type, Forged()).result()
        except Exception as error:
            assert "`decay_steps` must be > 0. Received: decay_steps=-1" in f"{error} {error.__cause__}", error
        else:
            raise AssertionError("a forged pickle was taken")
        """,
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 4])
def test_killed_worker(process, workers):
    """Other workers compute again what a killed one had computed or begun; a new process replaces it."""
    on_cluster(
        process,
        workers,
        """
        def slowly(rates):
            time.sleep(0.1)
            return rates

        rates = precompute(schedule, 0, 10**9, 1000, 10_000).map_blocks(slowly).persist()
        while not (done := [worker for worker, keys in client.has_what().items() if len(keys) > 1]):
            time.sleep(0.01)
        assert sum(not future.done() for future in futures_of(rates)) > 0
        os.kill(processes[done[0]], signal.SIGKILL)
        assert rates.compute().tobytes() == schedule.precompute(0, 10**9, 1000).tobytes()
        client.wait_for_workers(len(processes), timeout=60)
        survivors = set(client.run(os.getpid).values())
        assert len(survivors & set(processes.values())) == len(processes) - 1
        """,
    )


@pytest.mark.slow
def test_little_memory(process):
    """A billion steps, 8 GB, by a process that may use 256 MB and is never restarted."""
    on_cluster(
        process,
        1,
        """
        def digest(rates):  # of bits and order, modulo 2**64
            bits = rates.view(np.uint64)
            return np.array([bits @ np.arange(1, 2 * bits.size, 2, dtype=np.uint64)])

        n, size = 10**9, 2**20
        have = precompute(schedule, 0, n, chunks="8 MiB").map_blocks(digest, chunks=(1,), dtype=np.uint64).compute()
        want = [digest(schedule.precompute(i, min(i + size, n))) for i in range(0, n, size)]
        assert have.tobytes() == np.concatenate(want).tobytes()
        assert client.run(os.getpid) == processes
        peak = client.run(lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        print(f"peak: {max(peak.values()) / 1000:.0f} MB", file=sys.stderr)
        assert max(peak.values()) * 1024 < 256e6
        """,
        memory="256 MB",
    )
