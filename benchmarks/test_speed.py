"""`pytest benchmarks`: times of arrays, ranges, single steps and small arrays; NumPy and Numba too (pytest-benchmark).

For ratios to quote, run benchmarks/performance.py, where contenders take turns.
"""

from __future__ import annotations

import math

import numpy as np
import peers
import pytest
from performance import schedule_for

pytest.importorskip("pytest_benchmark", reason="pip install pytest-benchmark (or the extra bench)")

SIZES = [100, 10_000, 2**20, 2**25]


@pytest.mark.parametrize("n", SIZES)
class TestArray:
    @pytest.fixture(autouse=True)
    def group(self, benchmark, n):
        benchmark.group = f"array of {n} steps into out="

    def test_cosine_fast(self, benchmark, n):
        benchmark(schedule_for(n), np.arange(n), out=np.zeros(n))

    def test_cosine_fast_one_thread(self, benchmark, n):
        benchmark(schedule_for(n), np.arange(n), out=np.zeros(n), num_threads=1)

    def test_cosine_fast_float32(self, benchmark, n):
        benchmark(schedule_for(n), np.arange(n), out=np.zeros(n, np.float32))

    def test_precompute(self, benchmark, n):
        benchmark(schedule_for(n).precompute, n, out=np.zeros(n))

    def test_fresh_result(self, benchmark, n):
        benchmark(schedule_for(n), np.arange(n))

    @pytest.mark.parametrize("peer", ["C, -Ofast, libmvec", "Numba, parallel, fastmath", "NumPy"])
    def test_peer(self, benchmark, n, peer):
        try:
            benchmark(peers.PEERS[peer].build(np.arange(n), np.zeros(n), peers.all_threads()))
        except peers.AbsentError as reason:
            pytest.skip(str(reason))


class TestScalar:
    @pytest.fixture(autouse=True)
    def group(self, benchmark):
        benchmark.group = "one step"

    def test_int(self, benchmark):
        benchmark(schedule_for(1000), 500)

    def test_numpy_int64(self, benchmark):
        benchmark(schedule_for(1000), np.int64(500))

    def test_array_of_one(self, benchmark):
        benchmark(schedule_for(1000), np.array([500]))

    def test_math_cos(self, benchmark):
        benchmark(math.cos, 0.5)

    def test_numpy_cos_of_one(self, benchmark):
        benchmark(np.cos, np.array([0.5]))

    def test_construction(self, benchmark):
        benchmark(schedule_for, 1000)
