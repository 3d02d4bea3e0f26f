"""Threads, forks and signals: as many threads as allowed, the same bits, and no hang."""

from __future__ import annotations

import os
import sys
import threading

import numpy as np
import pytest

MANY = 300_000  # elements: far above what a team of threads pays for
posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX processes and signals")
linux_only = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux has affinity masks")


@pytest.fixture
def unset(cf):
    """Whatever a test sets, OpenMP decides afterwards."""
    yield
    cf.set_num_threads(None)


def test_set_num_threads(cf, unset):
    """set_num_threads limits from then on, None takes the limit away, and no bit changes."""
    schedule = cf.CosineDecay(0.1, MANY, 0.1)
    default = cf.get_num_threads()
    want = schedule.precompute(MANY).tobytes()
    assert default >= 1
    for threads in (1, 2, 10**9):
        cf.set_num_threads(threads)
        assert 1 <= cf.get_num_threads() <= min(threads, os.cpu_count())
        assert schedule.precompute(MANY).tobytes() == want
    cf.set_num_threads(None)
    assert cf.get_num_threads() == default
    assert cf.build_info()["num_threads"] == default


def test_openmp_is_used_where_it_is(compiled, process):
    """Built with OpenMP there are as many threads as processors unless someone says less, without it one."""
    program = "import cosine_fast; print(cosine_fast.get_num_threads())"
    threads = int(process(program, OMP_NUM_THREADS=None).stdout)
    if not compiled.build_info()["openmp"]:
        assert threads == 1
    else:
        assert threads <= len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else threads >= 1
    assert int(process(program, OMP_NUM_THREADS="1").stdout) == 1
    assert int(process(program, OMP_NUM_THREADS="2").stdout) == min(threads, 2)


@linux_only
def test_affinity(process):
    """No more threads than the processors that the process may run on, also when that changes later."""
    process("""
import os
cpu = min(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cpu})
import cosine_fast
assert cosine_fast.get_num_threads() == 1
cosine_fast.set_num_threads(8)
assert cosine_fast.get_num_threads() == 1
""")
    process("""
import os, cosine_fast
schedule = cosine_fast.CosineDecay(0.1, 10**6)
before = schedule.precompute(10**6).tobytes()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
assert cosine_fast.get_num_threads() == 1
assert schedule.precompute(10**6).tobytes() == before
""")


@linux_only
@pytest.mark.parametrize("masked", [False, True], ids=["all processors", "one processor"])
@pytest.mark.parametrize(
    "settings",
    [
        {}, {"OMP_PROC_BIND": "true"}, {"OMP_PROC_BIND": "close"}, {"OMP_PROC_BIND": "spread"},
        {"OMP_PLACES": "cores"}, {"OMP_PLACES": "threads"}, {"OMP_PLACES": "sockets"}, {"OMP_PLACES": "{0}"},
        {"OMP_PROC_BIND": "true", "OMP_PLACES": "threads", "OMP_NUM_THREADS": "2"},
        {"OMP_DYNAMIC": "true"}, {"OMP_WAIT_POLICY": "passive"}, {"OMP_NUM_THREADS": "1"},
    ],
    ids=str,
)  # fmt: skip
def test_bound_threads(compiled, process, settings, masked):
    """OpenMP binds the main thread to one place, and all of its places count. A mask and a quota still limit them."""
    if not compiled.build_info()["openmp"]:
        pytest.skip("built without OpenMP")
    processors = os.sched_getaffinity(0)
    if settings.get("OMP_PLACES") == "{0}" and 0 not in processors:
        pytest.skip("processor 0 is not this process's")
    program = f"""
import os
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}} if {masked} else os.sched_getaffinity(0))
import cosine_fast
print(cosine_fast.get_num_threads())
cosine_fast._backend.kernel.set_quota(1)
assert cosine_fast.get_num_threads() == 1
"""
    one = masked or settings.get("OMP_PLACES") == "{0}" or settings.get("OMP_NUM_THREADS") == "1"
    wanted = 1 if one else min(len(processors), int(settings.get("OMP_NUM_THREADS", len(processors))))
    unset = dict.fromkeys(("OMP_PROC_BIND", "OMP_PLACES", "OMP_NUM_THREADS", "OMP_DYNAMIC"))
    threads = int(process(program, **unset | settings).stdout)
    if wanted > 1 and compiled._backend._cgroup_quota():
        wanted = min(wanted, compiled._backend._cgroup_quota())
    assert threads == wanted


PARALLEL = f"""
import hashlib, os, sys, warnings
import cosine_fast
schedule = cosine_fast.CosineDecay(0.0, {MANY}, 0.1, warmup_target=1.0, warmup_steps=1000)
def digest(_=None):
    return hashlib.sha256(schedule.precompute({MANY} + 2000).tobytes()).hexdigest()
"""


@posix_only
def test_fork(process):
    """A forked child of a process that has evaluated in parallel evaluates too, with the same bits, and so does its."""
    process(
        PARALLEL
        + """
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on forks of processes with threads
want = digest()
child = os.fork()
if child == 0:
    good = digest() == want and cosine_fast.get_num_threads() == 1
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(digest() != want)
    os._exit(not good or os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert digest() == want
"""
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(process, tmp_path, method):
    """Worker processes of every start method give the bits of their parent."""
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    module = tmp_path / "parallel_worker.py"
    module.write_text(PARALLEL)
    process(
        f"""
import multiprocessing, sys, warnings
sys.path.insert(0, {str(tmp_path)!r})
warnings.simplefilter("ignore", DeprecationWarning)
if __name__ == "__main__":
    from parallel_worker import digest
    want = digest()
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        assert pool.map(digest, range(4)) == [want] * 4
""",
    )


def test_many_python_threads_on_one_schedule(cf):
    """One schedule may be called from many threads at once, numbers and arrays alike."""
    schedule = cf.CosineDecay(0.1, 2 * MANY, 0.1)
    pure = cf.build_info()["backend"] == "python"
    size = 20_000 if pure else MANY
    steps = np.arange(size)
    want, wants = schedule(steps).tobytes(), [schedule(i) for i in range(0, 300)]
    wrong = []
    barrier = threading.Barrier(8)

    def work(number):
        barrier.wait()
        for _ in range(5):
            if number % 2:
                good = [schedule(i) for i in range(0, 300)] == wants
            elif number % 4:
                good = schedule.precompute(size, num_threads=number).tobytes() == want
            else:
                good = schedule(steps).tobytes() == want
            if not good:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_gil_is_released(compiled):
    """Other Python threads go on while an array is evaluated."""
    schedule = compiled.CosineDecay(0.1, 1000.5)
    steps = np.zeros(2_000_000)
    out = np.empty_like(steps)
    running, seen = threading.Event(), []

    def work():
        running.set()
        for _ in range(5):
            schedule(steps, out=out, num_threads=1)
        running.clear()

    before = sys.getswitchinterval()
    sys.setswitchinterval(10)  # no thread is made to give the GIL up: it has to be released
    try:
        thread = threading.Thread(target=work)
        thread.start()
        running.wait()
        while running.is_set():
            seen.append(len(seen))
            threading.Event().wait(0.0005)
        thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(seen) > 5


INTERRUPT = """
import os, signal, sys, threading, time
import numpy as np
import cosine_fast
schedule = cosine_fast.CosineDecay(0.1, {decay}, 0.1)
out = np.zeros(2**22)
want = schedule.precompute(5000).tobytes()
threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
ended = time.monotonic() + 60
try:
    while time.monotonic() < ended:
        {work}
except KeyboardInterrupt:
    pass
else:
    sys.exit("it was not interrupted")
assert schedule.precompute(5000).tobytes() == want
assert schedule(out[:50000]).shape == (50000,)
"""


@posix_only
@pytest.mark.parametrize("decay", ["10**6", "2**60 + 1"])
@pytest.mark.parametrize(
    "work", ["schedule.precompute(2**22, out=out)", "schedule(np.broadcast_to(5.0, 2**22), out=out)"]
)
def test_interrupt(process, decay, work):
    """Ctrl-C ends a long evaluation with KeyboardInterrupt, and all works on afterwards."""
    process(INTERRUPT.format(decay=decay, work=work))


ONE_CALL = """
import os, signal, sys, threading, time
import numpy as np
import cosine_fast
schedule = cosine_fast.CosineDecay(0.1, 2**60 + 1)
few, many = np.broadcast_to(5.0, (2**20,)), np.broadcast_to(5.0, (40, 2**20))
memory = np.empty(2**20)
out = np.lib.stride_tricks.as_strided(memory, many.shape, (0, 8))
began = time.monotonic()
schedule(few, out=memory, num_threads=1)
one = time.monotonic() - began
threading.Timer(5 * one, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    schedule(many, out=out, num_threads=1)
except KeyboardInterrupt:
    assert time.monotonic() - began < 30 * one
else:
    sys.exit("it was not interrupted")
"""


@posix_only
def test_interrupt_within_one_call(compiled, process):
    """Ctrl-C is answered within a call, long before the call would have ended."""
    process(ONE_CALL)


SMALL = """
import signal
import numpy as np
import cosine_fast
schedule = cosine_fast.CosineDecayRestarts(0.1, 4, 1.0000000000000002)  # a cycle is found in some 5 us
steps, out = np.linspace(-2e16, 2e16, 30_000), np.full(30_000, np.nan)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.01)
try:
    schedule(steps, out=out)
except KeyboardInterrupt:
    assert np.isnan(out[-1])
else:
    raise SystemExit("it was not interrupted")
"""


@posix_only
def test_interrupt_within_a_small_array(compiled, process):
    """Ctrl-C is answered before the end of an array that is too small for threads but slow."""
    process(SMALL)
