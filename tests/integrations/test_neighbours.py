"""In one process with other libraries that have threads: scikit-learn, Numba and PyTorch, imported in 12 orders.

Each two of the four are imported first once in either order, because an OpenMP that is loaded first may serve those
after it. PyTorch and scikit-learn bring a libgomp of their own. Intel's libiomp, loaded before all others, takes its
place.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD, and forks beside threads"),
    *(
        pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"needs {name}")
        for name in ("numba", "sklearn", "threadpoolctl", "torch")
    ),
]

LIBRARIES = ("cosine_fast", "numba", "sklearn", "torch")
LAYERS = ("omp", "tbb")  # of Numba
RUNTIMES = ("libgomp", "libiomp")
FOLDER = Path(sysconfig.get_path("data"), "lib")  # where the packages tbb and intel-openmp put their libraries
# What each library computes in parallel, and how its result is compared.
CALLS = """
import numpy
def prepare(library):
    if library == "cosine_fast":
        import cosine_fast
        schedule = cosine_fast.CosineDecay(0.1, 10**6)
        return lambda: schedule.precompute(10**6).tobytes()
    if library == "numba":
        import numba
        @numba.njit(parallel=True, cache=True)
        def squares(x):
            found = numpy.empty_like(x)
            for i in numba.prange(x.size):
                found[i] = x[i] * x[i]
            return found
        return lambda: squares(numpy.arange(1e6)).tobytes()
    if library == "sklearn":
        from sklearn.metrics import pairwise_distances_argmin
        points = numpy.random.default_rng(0).random((2000, 8))
        return lambda: pairwise_distances_argmin(points, points[::-1]).tobytes()
    import torch
    ones = torch.ones(1000, 1000)
    return lambda: (ones + ones).numpy().tobytes()
"""
PROGRAM = """
import json, os, sys, threading
from calls import prepare
calls = {library: prepare(library) for library in sys.argv[1].split(",")}
want = {library: call() for library, call in calls.items()}
wrong = []
def work(library):
    for _ in range(5):
        if calls[library]() != want[library]:
            wrong.append(library)
def side_by_side():
    threads = [threading.Thread(target=work, args=(library,)) for library in calls]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
side_by_side()
for library in calls:  # one call after the other
    work("cosine_fast")
    work(library)
for _ in range(5):
    child = os.fork()
    if child == 0:  # only ours: a library's own team of libgomp does not outlive a fork
        os._exit(calls["cosine_fast"]() != want["cosine_fast"])
    assert os.waitpid(child, 0)[1] == 0
side_by_side()
import cosine_fast, numba, threadpoolctl
assert numba.threading_layer() == os.environ["NUMBA_THREADING_LAYER"]
before = cosine_fast.get_num_threads()
with threadpoolctl.threadpool_limits(1):
    assert cosine_fast.get_num_threads() == 1 or not cosine_fast.build_info()["openmp"]
assert cosine_fast.get_num_threads() == before
assert not wrong, wrong
print(json.dumps(sorted({library["filepath"] for library in threadpoolctl.threadpool_info()
                         if library["user_api"] == "openmp"})))
"""
KINDS = itertools.cycle(itertools.product(LAYERS, RUNTIMES))
CASES = [
    ((*first, *(other for other in LIBRARIES if other not in first)), next(KINDS))
    for first in itertools.permutations(LIBRARIES, 2)
]


@pytest.mark.parametrize(("order", "kind"), CASES, ids=lambda each: "-".join(each))
def test_libraries_with_threads(tmp_path_factory, order, kind):
    """Parallel calls of all, at once and in turns, and forks: they end, with the results of a call alone."""
    layer, runtime = kind
    for wanted, name in ((layer == "tbb", "libtbb.so.12"), (runtime == "libiomp", "libiomp5.so")):
        if wanted and not (FOLDER / name).exists():
            pytest.skip(f"needs {name}")
    folder = tmp_path_factory.getbasetemp()
    (folder / "calls.py").write_text(CALLS)
    environment = os.environ | {"NUMBA_THREADING_LAYER": layer, "OMP_NUM_THREADS": "2"}
    environment |= {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "LD_LIBRARY_PATH": str(FOLDER)}
    environment |= {"LD_PRELOAD": str(FOLDER / "libiomp5.so") if runtime == "libiomp" else ""}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(order)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    runtimes = json.loads(result.stdout.splitlines()[-1])
    assert any("libiomp" in name for name in runtimes) == (runtime == "libiomp")
    print(runtimes)
