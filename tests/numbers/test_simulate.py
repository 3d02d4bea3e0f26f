"""The drop of the multi-power law and the momentum, against loops of their terms, mpmath and SciPy's filter."""

from __future__ import annotations

import math
import sys
import tracemalloc

import numpy as np
import pytest

from cosine_fast import CosineDecay


def by_loop(rates, B, C, beta, gamma):
    drops = np.zeros(rates.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for t in range(1, rates.size):
            along = np.cumsum(rates[t:0:-1])[::-1]  # backwards, so that small rates are not lost beside large ones
            grown = np.where(along > 0, 1 - (1 + C * rates[1 : t + 1] ** -gamma * along) ** -beta, 0.0)
            drops[t] = B * np.sum(-np.diff(rates[: t + 1]) * grown)
    return drops


def drawn(kind, n, draw):
    if kind == "decays":
        return CosineDecay(10 ** draw.uniform(-6, 0), n, draw.choice([0.0, 0.1]))(np.arange(n + 5))
    if kind == "rises":
        return np.linspace(0, 1, n) ** draw.uniform(0.2, 8)
    if kind == "jumps":  # with constant parts and rates of 0
        return np.repeat(draw.random(n // 50 + 1) * draw.integers(0, 2, n // 50 + 1), 50)
    if kind == "leaps":
        return np.where(np.arange(n) < n // 2, 1e-9, 1.0) + 1e-10 * draw.random(n)
    return 10 ** draw.uniform(-12, 0, n)  # at random


KINDS = ["decays", "rises", "jumps", "leaps", "random"]


@pytest.mark.parametrize("kind", KINDS)
def test_loop(cf, kind):
    draw = np.random.default_rng(1)
    for n in [1, 2, 64, 65, *draw.integers(100, 2000, 5)]:
        rates = drawn(kind, n, draw)
        B, C, beta = draw.uniform(-9, 9), 10 ** draw.uniform(-4, 4), draw.uniform(0.02, 4)
        law = B, C, beta, draw.choice([0.0, 0.5, 0.9, 1.0, 2.0])
        changes, later = np.abs(np.diff(rates)), np.where(rates > 0, rates, np.inf)[1:]
        wanted, allowed = by_loop(rates, *law), 1e-12 * abs(B) * changes.sum()
        rounding = 3e-16 * abs(B) * beta * C * (changes * later ** -law[3]).sum() * rates.sum()
        assert np.abs(cf.simulate.multi_power_loss_drop(rates, *law) - wanted).max() <= allowed + rounding, (n, law)
        assert abs(cf.simulate.multi_power_loss_drop(rates, *law, last=True) - wanted[-1]) <= allowed, (n, law)


def test_many_steps(cf):
    """Of the same rate, whose plain running sum is wrong by 1e-11."""
    rates = np.append(0.2, np.full(10**6, 0.1))
    wanted = -0.1 * math.expm1(-0.5 * math.log1p(1e-6 * math.fsum(rates[1:])))
    assert abs(cf.simulate.multi_power_loss_drop(rates, 1, 1e-6, 0.5, 0)[-1] - wanted) < 1e-14


def test_sums_beyond_float64(cf):
    assert cf.simulate.multi_power_loss_drop([1.5e308, 1e308, 1e308], 1, 1, 1, 0)[-1] == 0.5e308


@pytest.mark.parametrize("kind", KINDS)
def test_same_bits(compiled, isa, kind):
    """Of every number of threads, and with progress, which is of all steps. Instruction sets differ little."""
    rates, law, seen = np.stack([drawn(kind, 10_000, np.random.default_rng(5))] * 2), (2, 3, 0.5, 0.5), []
    drop = compiled.simulate.multi_power_loss_drop
    drops = drop(rates, *law, num_threads=3, progress=lambda done, steps: seen.append((done, steps)))
    np.testing.assert_array_equal(drops[1], drop(rates[0], *law, num_threads=1))
    sys.modules["cosine_fast._kernel"].use_isa(compiled.build_info()["isas"][-1])
    allowed = 1e-13 * np.abs(np.diff(rates[0])).sum()
    np.testing.assert_allclose(drops[1], drop(rates[0], *law), rtol=0, atol=allowed)
    assert seen == sorted(seen)
    assert {steps for _, steps in seen} == {rates.size}
    assert {done for done, _ in seen} >= {rates.size // 2, rates.size}


@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-9, 0.3, 7.0, 1e15, 1e300, math.inf, math.nan])
def test_powers(compiled, isa, x):
    """Of the compiled kernel, at extreme arguments."""
    kernel = sys.modules["cosine_fast._kernel"]
    for beta in 1e-9, 0.02, 0.5, 4.0, 1e3, 1e300:
        totals, start = np.empty((1, 16)), np.arange(16) / 3
        some = [np.array([0]), np.array([1]), np.array([0.0]), np.array([x]), np.array([-3.0])]
        kernel.power_sums(totals, start[None] - 2, *some, beta, 1)
        with np.errstate(all="ignore"):
            wanted = -3 * (1 + np.fmax(x * (start - 2), 0)) ** -beta
        np.testing.assert_allclose(totals[0], wanted, rtol=0, atol=1e-13)


def test_mpmath(cf):
    mp = pytest.importorskip("mpmath", reason="the drop is held against it").mp.clone()
    mp.dps = 30
    rates = CosineDecay(0.3, 250)(np.arange(260))
    r = [mp.mpf(float(rate)) for rate in rates]
    for t in (1, 120, 249, 250, 259):
        terms = [
            (r[k - 1] - r[k]) * (1 - (1 + 2 * r[k] ** mp.mpf(-0.625) * mp.fsum(r[k : t + 1])) ** mp.mpf(-0.375))
            for k in range(1, t + 1)
            if r[k]
        ]
        assert cf.simulate.multi_power_loss_drop(rates, 3.0, 2.0, 0.375, 0.625)[t] == pytest.approx(
            float(3 * mp.fsum(terms)), 1e-12
        )


def test_shapes(cf):
    rates = np.random.default_rng(2).random((2, 3, 150), np.float32)
    rates.setflags(write=False)
    drops = cf.simulate.multi_power_loss_drop(rates, 2, 1, 0.5, 0.5)
    assert drops.dtype == np.float64
    for row in np.ndindex(2, 3):
        np.testing.assert_array_equal(drops[row], cf.simulate.multi_power_loss_drop(list(rates[row]), 2, 1, 0.5, 0.5))
    for shape in (0,), (0, 4), (4, 0):
        assert cf.simulate.multi_power_loss_drop(np.empty(shape), 2, 1, 0.5, 0.5).shape == shape
    np.testing.assert_array_equal(cf.simulate.multi_power_loss_drop([0, 0, 0], 2, 1, 0.5, 0.5), [0, 0, 0])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"rates": [0.1, -0.1]}, ValueError, "`rates` must be finite and >= 0. .*-0.1"),
        ({"rates": [0.1, math.nan]}, ValueError, "`rates` must be finite"),
        ({"rates": 0.1}, TypeError, "`rates` must be an array of numbers"),
        ({"rates": ["a"]}, TypeError, "`rates` must be an array of numbers"),
        ({"B": "1"}, TypeError, "`B` must be a number. .*'1'"),
        ({"C": 0.0}, ValueError, "`C` must be > 0. .*0.0"),
        ({"beta": math.inf}, ValueError, "`beta` must be finite"),
        ({"gamma": -0.5}, ValueError, "`gamma` must be >= 0. .*-0.5"),
        ({"num_threads": 0}, ValueError, "`num_threads` must be an integer >= 1"),
        ({"progress": 3}, TypeError, "`progress` must be a function or None. .*3"),
    ],
)
def test_bad(cf, changed, error, message):
    with pytest.raises(error, match=message):
        cf.simulate.multi_power_loss_drop(**{"rates": [0.1], "B": 1, "C": 1, "beta": 1, "gamma": 0} | changed)


def momentum_by_loop(rates, decay):
    wanted = np.zeros(rates.shape)
    for t in range(1, rates.shape[-1]):
        wanted[..., t] = decay * wanted[..., t - 1] + (rates[..., 0] - rates[..., t])
    return wanted


def test_momentum_of_the_paper(cf):
    rates, decay = np.random.default_rng(3).random((2, 25)), 0.97
    wanted = np.zeros(rates.shape)
    for s in range(1, 25):  # arXiv 2408.11029: S2 at s is the sum over i = 1 .. s and k = 1 .. i
        wanted[:, s] = sum(
            (rates[:, k - 1] - rates[:, k]) * decay ** (i - k) for i in range(1, s + 1) for k in range(1, i + 1)
        )
    np.testing.assert_allclose(cf.simulate.momentum_sum(rates, decay), wanted, rtol=0, atol=1e-12)
    lfilter = pytest.importorskip("scipy.signal", reason="the momentum is a filter of SciPy").lfilter
    np.testing.assert_allclose(lfilter([1], [1, -decay], rates[..., :1] - rates), wanted, rtol=0, atol=1e-12)


def check_momentum(simulate, draw):
    for n in [*range(1, 19), 511, 512, 513, draw.integers(600, 3000)]:
        for rates in draw.uniform(-1, 1, (3, n)), CosineDecay(10 ** draw.uniform(-300, 300), n, 0.1)(np.arange(n)):
            decays = np.array([0.0, 1e-30, 0.5, 0.99, 1 - 1e-7, 1.0, draw.random()])
            sums = simulate.momentum_sum(rates, decays)
            np.testing.assert_array_equal(sums[..., -1], simulate.momentum_sum(rates, decays, last=True))
            for decay, found in zip(decays, sums, strict=True):
                wanted = momentum_by_loop(rates, decay)
                scale = np.abs(momentum_by_loop(-np.abs(rates[..., :1] - rates), decay)).max()
                assert np.abs(found - wanted).max() <= 1e-12 * scale, (n, decay)
                np.testing.assert_array_equal(found, simulate.momentum_sum(rates, float(decay)))


def test_momentum(cf):
    check_momentum(cf.simulate, np.random.default_rng(6))


def test_momentum_of_every_instruction_set(compiled, isa):
    check_momentum(compiled.simulate, np.random.default_rng(7))


def test_momentum_threads(compiled, isa):
    """They change no bit, whether the sums go past the caches or not."""
    rates = np.random.default_rng(8).random((30, 70_001))
    some = [compiled.simulate.momentum_sum(part, [0.9, 0.999], num_threads=1) for part in (rates[:20], rates[20:])]
    np.testing.assert_array_equal(np.hstack(some), compiled.simulate.momentum_sum(rates, [0.9, 0.999], num_threads=3))


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f8", "i4", "f2"])
def test_momentum_layouts(cf, dtype):
    rates = (np.random.default_rng(9).random((6, 40)) * 9).astype(dtype)[::2, ::-1]
    rates.setflags(write=False)
    wanted = momentum_by_loop(rates.astype(float), 0.75)
    np.testing.assert_allclose(cf.simulate.momentum_sum(rates, [[0.75]]), wanted[None, None], rtol=0, atol=1e-12)
    for out in np.empty((3, 40)), np.empty((40, 3)).T, np.empty((3, 40), np.float32), np.empty((3, 40), ">f8"):
        if out.dtype.isnative:
            assert cf.simulate.momentum_sum(rates, 0.75, out=out) is out
            np.testing.assert_allclose(out, wanted, rtol=1e-6 if out.dtype == np.float32 else 1e-12)
        else:
            with pytest.raises(TypeError, match="`out` must be of dtype float64"):
                cf.simulate.momentum_sum(rates, 0.75, out=out)
    memory = np.zeros((4, 40))
    memory[1:] = rates
    cf.simulate.momentum_sum(memory[1:], 0.75, out=memory[:3])
    np.testing.assert_allclose(memory[:3], wanted, rtol=1e-12)
    assert cf.simulate.momentum_sum(np.empty((2, 0)), [0.1, 0.2]).shape == (2, 2, 0)
    assert cf.simulate.momentum_sum(np.empty((0, 2)), 0.1, last=True).shape == (0,)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"rates": 0.1}, TypeError, "`rates` must be an array of numbers. .*0.1"),
        ({"rates": [0.1] * 20 + [math.nan]}, ValueError, "`rates` must be finite"),
        ({"rates": [math.inf] + [0.1] * 20}, ValueError, "`rates` must be finite"),
        ({"rates": [], "last": True}, ValueError, "`rates` must have a last step"),
        ({"decay": 1.1}, ValueError, "`decay` must be from 0 to 1. .*1.1"),
        ({"decay": [0.1, math.nan]}, ValueError, "`decay` must be from 0 to 1. .*nan"),
        ({"decay": "a"}, TypeError, "`decay` must be a number or an array of numbers. .*'a'"),
        ({"decay": [[0.1], [0.1, 0.2]]}, ValueError, "`decay` must be a number or an array of numbers. NumPy says"),
        ({"out": np.empty(1)}, ValueError, r"`out` must have the shape of the result, \(2,\)"),
        ({"num_threads": 1.5}, TypeError, "`num_threads` must be an integer"),
    ],
)
def test_bad_momentum(cf, changed, error, message):
    with pytest.raises(error, match=message):
        cf.simulate.momentum_sum(**{"rates": [0.1, 0.2], "decay": 0.5} | changed)


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
from cosine_fast import simulate
drop = simulate.multi_power_loss_drop
rates = np.random.default_rng(0).random({shape})
def interrupt():
    global sent
    sent = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
threading.Timer(0.3, interrupt).start()
try:
    {call}
except KeyboardInterrupt:
    assert time.monotonic() - sent < 1
else:
    sys.exit("it was not interrupted")
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("shape", "call"),
    [
        (3_000_000, "drop(rates, 1, 1, 0.5, 0.5, num_threads={threads})"),
        (100_000, "simulate.momentum_sum(rates, np.full(10**6, 0.9), last=True, num_threads={threads})"),
    ],
)
def test_ctrl_c(compiled, process, shape, call, threads):
    """It is answered within a second, long before the call would have ended."""
    process(INTERRUPTED.format(shape=shape, call=call.format(threads=threads)), timeout=30)


def test_memory(cf):
    """It does not grow with the schedules, or with the decays."""
    rates = np.random.default_rng(0).random((200, 1000))
    for call in (
        lambda: cf.simulate.multi_power_loss_drop(rates, 1, 1, 0.5, 0.5, last=True),
        lambda: cf.simulate.momentum_sum(rates, np.full(20, 0.5), last=True),
        lambda: cf.simulate.multi_power_loss_drop(rates[:10], 1, 1, 0.5, 0.5),
    ):
        call()  # the first one may import a part of NumPy
        tracemalloc.start()
        try:
            call()
            assert tracemalloc.get_traced_memory()[1] < 800_000
        finally:
            tracemalloc.stop()
