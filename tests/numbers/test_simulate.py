"""The drop of the multi-power law, against a loop of its terms and mpmath; and the momentum by SciPy's filter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cosine_fast import CosineDecay
from cosine_fast.simulate import multi_power_loss_drop


def by_loop(rates, B, C, beta, gamma):
    sums, drops = np.concatenate([[0.0], np.cumsum(rates[1:])]), np.zeros(rates.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for t in range(1, rates.size):
            along = sums[t] - sums[:t]
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
    return 10 ** draw.uniform(-6, 0, n)  # at random


@pytest.mark.parametrize("kind", ["decays", "rises", "jumps", "leaps", "random"])
def test_loop(kind):
    draw = np.random.default_rng(1)
    for n in [1, 2, 96, 97, *draw.integers(100, 2000, 5)]:
        rates = drawn(kind, n, draw)
        B, C, beta = draw.uniform(-9, 9), 10 ** draw.uniform(-4, 4), draw.uniform(0.02, 4)
        law = B, C, beta, draw.choice([0.0, 0.5, 0.9, 1.0, 2.0])
        error = np.abs(multi_power_loss_drop(rates, *law) - by_loop(rates, *law))
        assert error.max() <= 1e-12 * abs(B) * np.abs(np.diff(rates)).sum(), (n, law)


def test_mpmath():
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
        assert multi_power_loss_drop(rates, 3.0, 2.0, 0.375, 0.625)[t] == pytest.approx(
            float(3 * mp.fsum(terms)), 1e-12
        )


def test_shapes():
    rates = np.random.default_rng(2).random((2, 3, 150), np.float32)
    drops = multi_power_loss_drop(rates, 2, 1, 0.5, 0.5)
    assert drops.dtype == np.float64
    for row in np.ndindex(2, 3):
        np.testing.assert_array_equal(drops[row], multi_power_loss_drop(list(rates[row]), 2, 1, 0.5, 0.5))
    for shape in (0,), (0, 4), (4, 0):
        assert multi_power_loss_drop(np.empty(shape), 2, 1, 0.5, 0.5).shape == shape
    np.testing.assert_array_equal(multi_power_loss_drop([0, 0, 0], 2, 1, 0.5, 0.5), [0, 0, 0])


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
    ],
)
def test_bad(changed, error, message):
    with pytest.raises(error, match=message):
        multi_power_loss_drop(**{"rates": [0.1], "B": 1, "C": 1, "beta": 1, "gamma": 0} | changed)


def test_momentum():
    lfilter = pytest.importorskip("scipy.signal", reason="the momentum is a filter of SciPy").lfilter
    rates, decay = np.random.default_rng(3).random((2, 25)), 0.97
    wanted = np.zeros(rates.shape)
    for s in range(1, 25):  # arXiv 2408.11029: S2 at s is the sum over i = 1 .. s and k = 1 .. i
        wanted[:, s] = sum(
            (rates[:, k - 1] - rates[:, k]) * decay ** (i - k) for i in range(1, s + 1) for k in range(1, i + 1)
        )
    np.testing.assert_allclose(lfilter([1], [1, -decay], rates[..., :1] - rates), wanted, rtol=0, atol=1e-12)
