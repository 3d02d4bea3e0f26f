"""What goes wrong around the package: no memory, no threads, odd moments of Python's life, limits of the machine."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from samples import one_in

posix_only = pytest.mark.skipif(os.name != "posix", reason="POSIX limits")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Linux's limits")
sanitized = "asan" in os.environ.get("LD_PRELOAD", "")
no_sanitizer = pytest.mark.skipif(sanitized, reason="a sanitizer takes terabytes of address space")

# ---- Memory ----

LARGE = 1_500_000
BOUNDED = 2.6e6  # bytes: less than a copy of so many halves, and of a third as many doubles
PATHS = {
    "int64": lambda n: np.arange(n),
    "float64": lambda n: np.arange(n) + 0.5,
    "uint64": lambda n: np.arange(n, dtype=np.uint64),
    "int32": lambda n: np.arange(n, dtype=np.int32),
    "float32": lambda n: np.arange(n, dtype=np.float32),
    "half precision": lambda n: np.zeros(n, np.float16),
    "extended precision": lambda n: np.zeros(n, np.longdouble),
    "the other byte order": lambda n: np.arange(n, dtype=np.dtype(np.int64).newbyteorder()),
    "strided": lambda n: np.arange(3 * n)[::-3],
    "two dimensions": lambda n: np.arange(n).reshape(-1, 1000).T,
    "broadcast": lambda n: np.broadcast_to(np.float64(5), (n,)),
    "read-only memory": lambda n: np.frombuffer(np.arange(n).tobytes(), np.int64),
}


@pytest.mark.parametrize(
    ("path", "dtype"),
    one_in(
        2,
        [
            *[(path, np.float64) for path in (*PATHS, "precompute", "beside", "in place")],
            *[(path, np.float32) for path in ("int64", "half precision", "strided", "precompute", "beside")],
        ],
    ),
)
def test_nothing_is_allocated_but_the_result(cf, path, dtype):
    """Beside the result no memory is taken that grows with the steps, whatever their layout and type."""
    schedule = cf.CosineDecay(0.1, 1000, 0.1, warmup_target=0.3, warmup_steps=10)
    memory = np.zeros(2 * LARGE)
    steps = memory[::2] if path == "beside" else memory[:LARGE] if path == "in place" else None
    if path in PATHS:
        steps = PATHS[path](LARGE)
    shape = (LARGE,) if steps is None else steps.shape
    out = np.empty(shape, dtype)
    if path == "beside":
        out = memory[1::2]
    elif path == "in place":
        out = steps

    def call(**options):
        return schedule.precompute(LARGE, **options) if steps is None else schedule(steps, **options)

    call(out=out)
    tracemalloc.start()
    try:
        call(out=out)
        assert tracemalloc.get_traced_memory()[1] < BOUNDED
        tracemalloc.reset_peak()
        rates = call(dtype=dtype)
        assert tracemalloc.get_traced_memory()[1] < rates.nbytes + BOUNDED
    finally:
        tracemalloc.stop()


def test_impossible_sizes(cf):
    """More rates than there is memory for are a MemoryError at once, also for steps that take no memory."""
    schedule = cf.CosineDecay(0.1, 1000)
    for size in (2**50, 2**59):
        for kind in (np.int64, np.float32, np.float16):
            with pytest.raises((MemoryError, ValueError)):
                schedule(np.broadcast_to(kind(5), (size,)))
    with pytest.raises((MemoryError, ValueError)):
        schedule(np.broadcast_to(np.int64(5), (2**20, 2**20, 2**20)))


@linux_only
@no_sanitizer
@pytest.mark.parametrize("backend", ["compiled", "python"])
def test_address_space_ends(request, process, backend):
    """With any amount of memory left, each call ends with the right bits or a MemoryError, and the process goes on."""
    request.getfixturevalue(backend)
    result = process(
        """
import mmap, resource
import numpy as np
import cosine_fast
schedule = cosine_fast.CosineDecay(0.1, 1000, 0.1)
n = 300_000
steps = np.arange(n)
halves = np.zeros(n, np.float16)
calls = [lambda: schedule(steps), lambda: schedule.precompute(n), lambda: schedule(halves), lambda: schedule([5.5, 7])]
want = [call().tobytes() for call in calls] if os.environ.get("WARM") else None
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * mmap.PAGESIZE
refused = 0
outcomes = []
for spare in [*range(0, 4 << 20, 1 << 18), *range(4 << 20, 64 << 20, 4 << 20)]:
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, resource.RLIM_INFINITY))
    for i, call in enumerate(calls):
        try:
            outcomes.append((i, call().tobytes()))
        except MemoryError:
            refused += 1
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
want = [call().tobytes() for call in calls]
assert all(rates == want[i] for i, rates in outcomes)
print(refused, len(outcomes))
""".replace("import mmap", "import os, mmap"),
        COSINE_FAST_BACKEND=backend,
        COSINE_FAST_ISA=None,
    )
    refused, done = map(int, result.stdout.split())
    assert refused > 0
    assert done > 0


@linux_only
@no_sanitizer
def test_no_thread_can_be_started(compiled, process):
    """Where the limits allow no thread, a large array is evaluated on one, with the same bits."""
    process(
        """
import mmap, resource
import numpy as np
import cosine_fast
schedule = cosine_fast.CosineDecay(0.1, 1000, 0.1)
out = np.ones(300_000)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * mmap.PAGESIZE
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20), resource.RLIM_INFINITY))
schedule.precompute(300_000, out=out)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert out.tobytes() == schedule.precompute(300_000).tobytes()
"""
    )


# ---- Python's life ----

LIVES = {
    "imported twice": """
import cosine_fast as first
for name in [name for name in sys.modules if name.startswith("cosine_fast") and not name.endswith("_kernel")]:
    del sys.modules[name]
import cosine_fast as second
assert first is not second
assert first.CosineDecay(0.1, 10)(np.arange(5)).tobytes() == second.CosineDecay(0.1, 10)(np.arange(5)).tobytes()
""",
    "kernel imported twice": """
import cosine_fast
before = cosine_fast.CosineDecay(0.1, 10)
for name in [name for name in sys.modules if name.startswith("cosine_fast")]:
    del sys.modules[name]
try:
    import cosine_fast
except ImportError:
    pass
assert before(5) == 0.05
""",
    "reloaded": """
import importlib, cosine_fast
before = cosine_fast.CosineDecay(0.1, 10)
for name in ("cosine_fast", "cosine_fast.schedules", "cosine_fast._backend", "cosine_fast"):
    importlib.reload(sys.modules[name])
assert before(5) == cosine_fast.CosineDecay(0.1, 10)(5) == 0.05
assert before(np.arange(100_000)).shape == (100_000,)
""",
    "kernel reloaded": """
import importlib, cosine_fast
before = cosine_fast.CosineDecay(0.1, 10)
kernel = sys.modules.get("cosine_fast._kernel", cosine_fast)
try:
    importlib.reload(kernel)
except ImportError:
    pass
assert before(5) == 0.05
""",
    "at exit": """
import atexit, cosine_fast
schedule = cosine_fast.CosineDecay(0.1, 10)
atexit.register(lambda: print(schedule(5), schedule.precompute(100_000).shape))
""",
    "when modules are torn down": """
import cosine_fast
class Last:
    def __init__(self):
        self.schedule = cosine_fast.CosineDecay(0.1, 10)
        self.steps = np.arange(100_000)
    def __del__(self):
        self.schedule(5)
        self.schedule(self.steps)
        self.schedule.precompute(100_000)
        del self.schedule
sys.last = last = Last()
cycle = [Last()]
cycle.append(cycle)
""",
    "daemon threads at the end": """
import threading, time, cosine_fast
schedule = cosine_fast.CosineDecay(0.1, 1000.5)
steps = np.arange(400_000)
def work():
    while True:
        schedule(steps)
        schedule.precompute(400_000)
        schedule(5)
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
""",
    "imported first in a thread": """
import threading
def work():
    import cosine_fast
    rates.append(cosine_fast.CosineDecay(0.1, 10).precompute(100_000))
rates = []
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(rates) == 8
""",
    "in a subinterpreter": """
import cosine_fast
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
for config in ((), ("legacy",), ("isolated",)):
    try:
        number = interpreters.create(*config)
    except (TypeError, ValueError):
        continue
    try:
        refused = interpreters.run_string(number, f"import sys; sys.path = {sys.path}; import cosine_fast")
    except Exception as error:  # before Python 3.13
        refused = error
    assert refused is None or "ImportError" in str(refused), refused  # NumPy and Cython's modules want one interpreter
    interpreters.destroy(number)
assert cosine_fast.CosineDecay(0.1, 10)(5) == 0.05
assert cosine_fast.CosineDecay(0.1, 10).precompute(100_000).shape == (100_000,)
""",
    "forked at exit": """
import atexit, cosine_fast, warnings
warnings.simplefilter("ignore")
schedule = cosine_fast.CosineDecay(0.1, 10)
schedule.precompute(100_000)
if os.fork():
    assert os.wait()[1] == 0
else:
    atexit.register(lambda: schedule.precompute(100_000))
""",
}


@posix_only
@pytest.mark.parametrize("backend", ["compiled", "python"])
@pytest.mark.parametrize("life", LIVES)
def test_lives(request, process, backend, life):
    """Imported again, reloaded, used while Python ends or starts anew: it works or is refused, and nothing crashes."""
    request.getfixturevalue(backend)
    program = "import os, sys, warnings\nimport numpy as np\n" + LIVES[life]
    # NumPy warns of reloads of its own.
    result = process("import warnings; warnings.simplefilter('ignore')\n" + program, COSINE_FAST_BACKEND=backend,
                     COSINE_FAST_ISA=None, PYTHONFAULTHANDLER="1")  # fmt: skip
    assert "Fatal" not in result.stderr
    assert "Segmentation" not in result.stderr
    if life != "in a subinterpreter":
        assert result.stderr == ""


# ---- The machine's limits on threads ----


class Files:
    """A stand-in for open(): the files of a machine that is not this one."""

    def __init__(self, files):
        self.files = files

    def __call__(self, name, *_rest):
        if name not in self.files:
            raise FileNotFoundError(name)
        return io.StringIO(self.files[name])


V1, V2 = "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"
CGROUPS = {
    "none": ({}, 0),
    "version 2, no limit": ({"/proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "max 100000\n"}, 0),
    "version 2, two": ({"/proc/self/cgroup": "0::/a\n", f"{V2}/a/cpu.max": "200000 100000\n"}, 2),
    "version 2, a half": ({"/proc/self/cgroup": "0::/a\n", f"{V2}/a/cpu.max": "50000 100000\n"}, 1),
    "version 2, two and a half": ({"/proc/self/cgroup": "0::/a\n", f"{V2}/a/cpu.max": "250000 100000\n"}, 2),
    "version 2, the parent's": (
        {
            "/proc/self/cgroup": "0::/a/b/c\n",
            f"{V2}/a/cpu.max": "300000 100000\n",
            f"{V2}/a/b/cpu.max": "max 100000\n",
            f"{V2}/a/b/c/cpu.max": "800000 100000\n",
        },
        3,
    ),
    "version 2, seen from within": ({"/proc/self/cgroup": "0::/\n", f"{V2}/cpu.max": "400000 100000\n"}, 4),
    "version 1": (
        {
            "/proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/a\n0::/a\n",
            f"{V1}/a/cpu.cfs_quota_us": "300000\n",
            f"{V1}/a/cpu.cfs_period_us": "100000\n",
        },
        3,
    ),
    "version 1, no limit": (
        {"/proc/self/cgroup": "4:cpu:/\n", f"{V1}/cpu.cfs_quota_us": "-1\n", f"{V1}/cpu.cfs_period_us": "100000\n"},
        0,
    ),
    "version 1, the parent's": (
        {
            "/proc/self/cgroup": "4:cpu:/a/b\n",
            f"{V1}/a/b/cpu.cfs_quota_us": "-1\n",
            f"{V1}/a/b/cpu.cfs_period_us": "100000\n",
            f"{V1}/a/cpu.cfs_quota_us": "200000\n",
            f"{V1}/a/cpu.cfs_period_us": "100000\n",
        },
        2,
    ),
    "version 1, seen from within": (
        {
            "/proc/self/cgroup": "4:cpu:/of/the/host\n",
            f"{V1}/cpu.cfs_quota_us": "500000\n",
            f"{V1}/cpu.cfs_period_us": "100000\n",
        },
        5,
    ),
    "garbage": ({"/proc/self/cgroup": "0::/a\n", f"{V2}/a/cpu.max": "much of it\n"}, 0),
    "no period": ({"/proc/self/cgroup": "0::/a\n", f"{V2}/a/cpu.max": "100000 0\n"}, 0),
    "garbage lines": ({"/proc/self/cgroup": "what\n"}, 0),
}


@pytest.mark.parametrize("machine", CGROUPS)
def test_cgroup_quotas(best, monkeypatch, machine):
    """A cgroup's quota is the least of its own and its ancestors', in whole processors; what is unclear is none."""
    files, quota = CGROUPS[machine]
    chosen = sys.modules[best.get_num_threads.__module__]
    module = next(m for m in (chosen, sys.modules["cosine_fast._backend"]) if hasattr(m, "_cgroup_quota"))
    monkeypatch.setattr(module, "open", Files(files), raising=False)
    assert module._cgroup_quota() == quota


@linux_only
def test_a_real_cgroup(compiled, process):
    """In a cgroup with a quota of one processor there is one thread."""
    for parent, limit in (("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us"), ("/sys/fs/cgroup", "cpu.max")):
        group = Path(parent, f"cosine_fast_{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text("100000" if limit.endswith("us") else "100000 100000")
        except OSError:
            group.rmdir()
            continue
        try:
            program = f"""
import os
open({str(group / "cgroup.procs")!r}, "w").write(str(os.getpid()))
import cosine_fast
assert cosine_fast.get_num_threads() == 1
cosine_fast.set_num_threads(8)
assert cosine_fast.get_num_threads() == 1
"""
            process(program, OMP_NUM_THREADS="2")
            return
        finally:
            group.rmdir()
    pytest.skip("no cgroup can be made here")


NESTED = """
#include <omp.h>
int within(void (*call)(void));
int within(void (*call)(void))
{
    int team = 0;
    #pragma omp parallel num_threads(2)
    {
        #pragma omp single
        {
            team = omp_get_num_threads();
            call();
        }
    }
    return team;
}
"""


@linux_only
def test_within_the_callers_openmp(compiled, process, tmp_path):
    """Within a caller's own OpenMP region there is one thread; outside there are as many as before."""
    if not compiled.build_info()["openmp"] or not shutil.which("gcc"):
        pytest.skip("needs OpenMP and gcc")
    source, library = tmp_path / "nested.c", tmp_path / "nested.so"
    source.write_text(NESTED)
    built = subprocess.run(["gcc", "-fopenmp", "-shared", "-fPIC", source, "-o", library], capture_output=True)
    if built.returncode:
        pytest.skip("gcc has no OpenMP")
    process(f"""
import ctypes, os
import cosine_fast
schedule = cosine_fast.CosineDecay(0.1, 10**6)
want = schedule.precompute(10**6).tobytes()
before = cosine_fast.get_num_threads()
seen = []
def call():
    seen.append((cosine_fast.get_num_threads(), schedule.precompute(10**6).tobytes() == want))
library = ctypes.CDLL({str(library)!r})
team = library.within(ctypes.CFUNCTYPE(None)(call))
with open("/proc/self/maps") as file:
    runtimes = {{line.split()[-1] for line in file if "libgomp" in line or "libomp" in line}}
# A wheel that brings an OpenMP of its own does not see the caller's.
assert seen == [(1 if team > 1 and len(runtimes) == 1 else before, True)], (team, seen, runtimes)
assert cosine_fast.get_num_threads() == before
""")


ACQUIRED = """
#include <assert.h>
#include <unistd.h>
#include "threads.h"
/* As after a call of this many seconds; its first thread worked for this part of them. */
static void release(int team, double seconds, double part)
{
    const int64_t taken = (int64_t)(seconds * 1e9);
    const cf_work work = {.began = cf_nanoseconds() - taken, .own = (int64_t)(part * seconds * 1e9)};
    cf_release_threads(team, &work);
}
static void wait(const void *job, int64_t begin, int64_t end)
{
    (void)job, (void)begin, (void)end;
    usleep(20000);
}
int main(void)
{
    const int all = cf_team(0, 0);
    int first, second, third;
    cf_work waited = {.run = wait, .task = CF_BLOCK};
    assert(all == 2);
    first = cf_acquire_threads(0, 0, 0);
    assert(first == all);
    second = cf_acquire_threads(0, 0, 0); /* all are at work */
    third = cf_acquire_threads(all, 0, 0);
    assert(second == 1 && third == 1);
    release(second, 1, 1);
    release(third, 1, 1);
    release(first, 1, 1);
    assert(cf_busy == 0);
    first = cf_acquire_threads(1, 0, 0);
    second = cf_acquire_threads(0, 0, 0);
    assert(first == 1 && second == (all > 1 ? all - 1 : 1));
    release(first, 1, 1);
    release(second, 1, 1);
    assert(cf_acquire_threads(0, 0, 1) == 1); /* the cgroup's quota */
    release(1, 1, 1);
    assert(cf_acquire_threads(2, 1, 0) == 2); /* who asks for two has two where one is usual */
    assert(cf_acquire_threads(2, 1, 0) == 1); /* but not beside others */
    release(1, 1, 1);
    release(2, 1, 0.1);
    assert(cf_busy == 0 && cf_acquire_threads(0, 0, 0) == 1); /* a team was late ... */
    release(1, 1, 1);
    usleep(1100000);
    assert(cf_acquire_threads(0, 0, 0) == all); /* ... but that was long ago */
    cf_alone_for = 0;
    release(2, 0.1, 0.1);
    assert(cf_alone_for < 1000000000); /* briefly at first, ... */
    release(2, 0.1, 0.1);
    assert(cf_alone_for == 1000000000); /* ... longer when the next team is late too, ... */
    release(2, 1, 1);
    assert(cf_alone_for == 0); /* ... and briefly again after one in time */
    cf_share_out(&waited, 1, 0, 1);
    cf_take_part(&waited, 0);
    assert(waited.own >= 20000000 && cf_nanoseconds() - waited.began >= waited.own);
    return 0;
}
"""


@linux_only
def test_callers_share_the_threads(compiled, tmp_path):
    """Callers at one time, from joblib's threads or Dask's, have together no more threads than one of them alone."""
    include = Path(__file__).parents[2] / "src"
    if not (include / "threads.h").is_file() or not shutil.which("gcc"):
        pytest.skip("needs src/ and gcc")
    source, program = tmp_path / "acquired.c", tmp_path / "acquired"
    source.write_text(ACQUIRED)
    command = [
        "gcc",
        "-fopenmp",
        "-D_GNU_SOURCE",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{include}",
        f"-I{compiled.get_include()}",
        source,
        "-o",
        program,
        "-lm",
        "-lpthread",
    ]
    built = subprocess.run(command, capture_output=True, text=True)
    if "fopenmp" in built.stderr or len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs OpenMP and two processors")
    assert built.returncode == 0, built.stderr
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "LD_PRELOAD": ""}
    result = subprocess.run([program], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@linux_only
def test_threadpoolctl(compiled, process):
    """threadpoolctl sees OpenMP, limits it, and gives it back."""
    pytest.importorskip("threadpoolctl")
    if not compiled.build_info()["openmp"]:
        pytest.skip("needs OpenMP")
    process("""
import cosine_fast, threadpoolctl
before = cosine_fast.get_num_threads()
assert any(library["user_api"] == "openmp" for library in threadpoolctl.threadpool_info())
with threadpoolctl.threadpool_limits(1):
    assert cosine_fast.get_num_threads() == 1
with threadpoolctl.threadpool_limits(1, user_api="blas"):
    assert cosine_fast.get_num_threads() == before
assert cosine_fast.get_num_threads() == before
""")
