"""Load: what takes seconds or minutes and needs to be seen once, not on every backend and instruction set.

Not run by default: `pytest -m slow`, as .ci/run does. Each test is a process of its own, for it may kill it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from layouts import one_call

pytestmark = pytest.mark.slow
posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX processes and signals")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the memory in use")
sanitized = "asan" in os.environ.get("LD_PRELOAD", "")
no_sanitizer = pytest.mark.skipif(sanitized, reason="a sanitizer takes terabytes of address space, and time")

SHARED = """
import contextlib, gc, hashlib, os, random, sys, threading, time, warnings
import numpy as np
import cosine_fast
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 and later on forks of processes with threads
N = 200_000
schedules = [
    cosine_fast.CosineDecay(0.0, N, 0.1, warmup_target=1.0, warmup_steps=1000),
    cosine_fast.CosineDecay(0.1, N + 0.5, 0.1),
    cosine_fast.CosineDecay(0.1, 2**60 + 1),
    cosine_fast.CosineDecay(np.float32(0.1), N),
]
schedule = schedules[0]
steps = np.arange(-5, N)
def digest(array):
    return hashlib.sha256(array.tobytes()).digest()
def rss():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
"""


# ---- Forks ----


@posix_only
def test_200_forks_from_a_thread_while_others_evaluate(process):
    """Whenever a process is forked, its child evaluates and ends, and the parent goes on with the right bits."""
    process(
        SHARED
        + """
want, few = digest(schedule(steps)), schedule(7)
stop = threading.Event()
wrong = []
def evaluate(call):
    while not stop.is_set():
        if digest(call()) != want:
            wrong.append("a parent's")
def fork():
    for i in range(200):
        child = os.fork()
        if child == 0:
            good = schedule(7) == few and digest(schedule(steps)) == want and cosine_fast.get_num_threads() == 1
            os._exit(not good)
        ended = time.monotonic() + 60
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > ended:
                os.kill(child, 9)
                wrong.append(f"child {i} hangs")
                break
            time.sleep(0.001)
    stop.set()
calls = [lambda: schedule(steps), lambda: schedule.precompute(-5, N)]
threads = [threading.Thread(target=evaluate, args=(call,)) for call in calls] + [threading.Thread(target=fork)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not wrong, wrong
assert digest(schedule(steps)) == want
""",
        timeout=300,
    )


WORKERS = {
    "ProcessPoolExecutor": """
    from concurrent.futures import ProcessPoolExecutor
    for method in multiprocessing.get_all_start_methods():
        with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
            assert list(pool.map(digest, range(6))) == [want] * 6
""",
    "joblib": """
    import joblib
    for backend in ("loky", "threading", "multiprocessing"):
        found = joblib.Parallel(2, backend=backend)(joblib.delayed(digest)(i) for i in range(6))
        assert found == [want] * 6, backend
""",
    "dask": """
    import dask
    tasks = [dask.delayed(digest, pure=False)(i) for i in range(6)]
    for scheduler in ("threads", "processes"):
        assert dask.compute(*tasks, scheduler=scheduler) == (want,) * 6, scheduler
""",
    "torch": """
    import torch
    torch.ones(1000, 1000).sum()  # its own OpenMP team
    for method in multiprocessing.get_all_start_methods():
        loader = torch.utils.data.DataLoader(Rates(), batch_size=3, num_workers=2, multiprocessing_context=method)
        found = torch.cat(list(loader)).numpy()
        assert found.tobytes() == schedule.precompute(N).reshape(20, -1)[:, 0].tobytes(), method
    assert digest(0) == want
""",
    "numba": """
    import numba
    @numba.njit(parallel=True)
    def total(x):
        t = 0.0
        for i in numba.prange(x.size):
            t += x[i]
        return t
    ones = np.ones(10**6)
    assert total(ones) == 10**6
    assert digest(0) == want
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(digest, range(4)) == [want] * 4
    assert total(ones) == 10**6
""",
}


@posix_only
@pytest.mark.parametrize("library", WORKERS)
def test_workers_of_other_libraries(process, tmp_path, library):
    """After a parallel evaluation in the parent, workers of every kind finish, with its bits."""
    if library != "ProcessPoolExecutor":
        pytest.importorskip(library, reason=f"needs {library}", exc_type=ImportError)
    (tmp_path / "workers.py").write_text(
        SHARED.replace(
            "def digest(array):\n    return hashlib", "def digest(_):\n    array = schedule(steps)\n    return hashlib"
        )
        + """
class Rates:
    def __len__(self):
        return 20
    def __getitem__(self, i):
        return schedule.precompute(N).reshape(20, -1)[i, 0]
"""
    )
    process(
        f"""
import multiprocessing, sys, warnings
sys.path.insert(0, {str(tmp_path)!r})
warnings.simplefilter("ignore")
if __name__ == "__main__":
    from workers import *
    want = digest(0)
{WORKERS[library]}
""",
        timeout=300,
        PYTHONWARNINGS="ignore",
    )


# ---- Threads ----


@linux_only
def test_16_threads_hammer_shared_schedules(process):
    """Numbers, arrays, ranges and set_num_threads from 16 threads for 20 s: right bits, and memory stays flat."""
    process(
        SHARED
        + """
numbers = [[s(i) for i in range(100)] for s in schedules]
arrays = [digest(s(steps)) for s in schedules]
ranges = [digest(s.precompute(N)) for s in schedules]
wrong, counts, sizes = [], [0] * 16, []
seconds = float(os.environ["SECONDS"])
ended = time.monotonic() + seconds
def hammer(number):
    draw = random.Random(number)
    out = np.empty(len(steps))
    while time.monotonic() < ended:
        i = draw.randrange(len(schedules))
        s, kind = schedules[i], draw.randrange(6)
        if kind == 0:
            good = [s(j) for j in range(100)] == numbers[i]
        elif kind == 1:
            good = digest(s(steps, num_threads=draw.choice([None, 1, 2, 5]))) == arrays[i]
        elif kind == 2:
            good = digest(s.precompute(N)) == ranges[i]
        elif kind == 3:
            cosine_fast.set_num_threads(draw.choice([None, 1, 2, 3]))
            good = cosine_fast.get_num_threads() >= 1
        elif kind == 4:
            try:
                s([2**70, -1])
                good = False
            except OverflowError:
                good = True
        else:
            s(steps, out=out)
            good = digest(out.astype(s.dtype)) == arrays[i]
        counts[number] += 1
        if not good:
            wrong.append((number, i, kind))
threads = [threading.Thread(target=hammer, args=(n,)) for n in range(16)]
for thread in threads: thread.start()
while any(thread.is_alive() for thread in threads):
    sizes.append(rss())
    time.sleep(seconds / 100)
for thread in threads: thread.join()
assert not wrong, wrong[:10]
assert min(counts) > 0, counts
half = len(sizes) // 2
growth = max(sizes[half:]) - max(sizes[:half])
print(sum(counts), "calls, growth", growth, file=sys.stderr)
assert growth < 10e6, growth
""",
        timeout=120,
        SECONDS="20",
    )


# ---- Memory ----


@linux_only
@no_sanitizer
@pytest.mark.parametrize(
    ("work", "times"),
    [
        ("schedule(5)", 10_000_000),
        ("schedule(few)", 100_000),
        ("schedule(few, out=out)", 100_000),
        ("schedule.precompute(50)", 100_000),
        ("schedule([1, 2.5])", 100_000),
        ("schedule(halves)", 100_000),
        ("schedule(masked)", 20_000),
        ("with contextlib.suppress(OverflowError): schedule(2**70)", 100_000),
        ("with contextlib.suppress(TypeError): schedule('x')", 100_000),
        ("with contextlib.suppress(ValueError): schedule(few, out=out[1:])", 100_000),
        ("with contextlib.suppress(ValueError): cosine_fast.CosineDecay(0.1, -1)", 100_000),
        ("cosine_fast.CosineDecay(0.1, 10)", 100_000),
        ("schedule.precompute(40_000)", 1_000),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_memory_stays_flat(process, work, times):
    """However often a thing is done or refused, the process is not larger afterwards."""
    if (
        times > 10**6
        and "'python'" in process("import cosine_fast; print([cosine_fast.build_info()['backend']])").stdout
    ):
        times //= 100
    process(
        SHARED
        + f"""
few, out = np.arange(50), np.empty(50)
halves, masked = few.astype(np.float16), np.ma.array(few, mask=few > 7)
def do(times):
    for _ in range(times):
        {work}
do(max(100, {times} // 10))
before = rss()
do({times})
growth = rss() - before
print(growth, file=sys.stderr)
assert growth < 1.5e6, growth
""",
        timeout=300,
    )


# ---- Ctrl-C ----

INTERRUPT = (
    SHARED
    + """
import signal
s = schedules[int(os.environ["SCHEDULE"])]
memory = np.empty(10**6)
out = np.lib.stride_tricks.as_strided(memory, (1000, 10**6), (0, 8))
many = np.broadcast_to(np.arange(10**6), (1000, 10**6))
sent = []
def interrupt():
    time.sleep(0.2)
    sent.append((time.monotonic(), time.process_time()))
    os.kill(os.getpid(), signal.SIGINT)
late, busy = [], []
for _ in range(3):
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        while True:
            WORK
    except KeyboardInterrupt:
        late.append(time.monotonic() - sent[-1][0])
        busy.append((time.process_time() - sent[-1][1]) / cosine_fast.get_num_threads())
    thread.join()
    assert s(7) == s(np.array([7]))[0]
print(late, busy, file=sys.stderr)
assert min(busy) < 0.2, (late, busy)
assert digest(s(steps)) == digest(s.precompute(-5, N))
"""
)


@posix_only
@pytest.mark.parametrize("schedule", range(4))
@pytest.mark.parametrize("work", ["s(many, out=out)", "s.precompute(10**9, dtype=np.float32)", "s(range(10**9))"])
def test_ctrl_c_in_a_billion_steps(process, work, schedule):
    """Ctrl-C is answered within 0.2 s, of processor time, for a machine may be busy with others; and all works on."""
    process(INTERRUPT.replace("WORK", work), timeout=300, SCHEDULE=str(schedule))


@posix_only
@pytest.mark.parametrize("name", ["lr.csv", "lr.parquet"])
def test_ctrl_c_in_the_command(best, tmp_path, name):
    """The command ends within 0.2 s of Ctrl-C (the best of three) and leaves nothing."""
    for library in ("pyarrow", "polars"):
        pytest.importorskip(library, reason="tables need it")
    command = [sys.executable, "-m", "cosine_fast", "precompute", "--initial-learning-rate", "0.1"]
    command += ["--decay-steps", "1e9", "-o", name]
    home = str(Path(best.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([home, os.environ.get("PYTHONPATH", "")])}
    late = []
    for _ in range(3):
        started = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        while not list(tmp_path.glob(".cosine-fast-*.tmp")):
            assert started.poll() is None, started.communicate()
            time.sleep(0.01)
        time.sleep(0.5)
        began = time.monotonic()
        started.send_signal(signal.SIGINT)
        line = started.stderr.readline()  # the temporary is gone by now
        late.append(time.monotonic() - began)
        assert line == "cosine-fast: error: stopped, no file was written\n"
        assert list(tmp_path.iterdir()) == []
        started.communicate(timeout=60)
        assert started.returncode == 130
    sys.stderr.write(f"{late}\n")
    assert min(late) < 0.2 * (5 if sanitized else 1), late


# ---- A long look at random calls ----


def test_random_calls(best):
    """Calls of random layouts, schedules and options have the bits of their single steps."""
    ended = time.monotonic() + float(os.environ.get("COSINE_FAST_FUZZ_SECONDS", "10"))
    draw, count = np.random.default_rng(), 0
    while time.monotonic() < ended:
        seed = int(draw.integers(2**32))
        one_call(best, seed)
        count += 1
    print(f"{count} calls", file=sys.stderr)
    assert count
