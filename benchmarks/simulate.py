"""Sums of cosine_fast.simulate compared with SciPy and NumPy: `python benchmarks/simulate.py [--quick]`.

Both sides of a line take turns in one process (timing.py), and their results are compared before they are timed. A
ratio is the other's time divided by ours: above 1, ours is faster. It needs scipy.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from timeit import Timer
from typing import Any

import numpy as np
from scipy.signal import lfilter
from timing import PAUSE, interleaved, ratio, spread

import cosine_fast
from cosine_fast import cosine_decay
from cosine_fast.simulate import momentum_sum, multi_power_loss_drop

LAW = 3.0, 2.0, 0.5, 0.6  # B, C, beta, gamma


def filtered(rates: np.ndarray, decays: np.ndarray) -> list[np.ndarray]:
    return [lfilter([1.0], [1.0, -decay], rates[..., :1] - rates) for decay in decays.flat]


def drops_by_numpy(rates: np.ndarray, B: float, C: float, beta: float, gamma: float) -> np.ndarray:
    sums, drops = np.concatenate([[0.0], np.cumsum(rates[1:])]), np.zeros(rates.size)
    changes, factors = rates[:-1] - rates[1:], C * rates[1:] ** -gamma
    for t in range(1, rates.size):
        drops[t] = B * np.sum(changes[:t] * (1 - (1 + factors[:t] * (sums[t] - sums[:t])) ** -beta))
    return drops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: small arrays, meaningless figures")
    parser.add_argument("--num-threads", type=int, help="the most threads of ours; all by default")
    options = parser.parse_args()
    repeats, least = (2, 1e-4) if options.quick else (9, 0.05)
    cosine_fast.set_num_threads(options.num_threads)
    info = cosine_fast.build_info()
    print(f"{info['backend']}, {info['isa']}, {info['num_threads']} threads; medians of {repeats} turns\n")
    print("| what | ours, us | other, us | other / ours (quartiles) |\n| --- | ---: | ---: | ---: |")

    def compare(what: str, ours: Callable[[], Any], others: Callable[[], Any]) -> None:
        np.testing.assert_allclose(np.ravel(ours()), np.ravel(others()), rtol=1e-8, atol=1e-12)
        seconds = interleaved({"ours": Timer(ours), "others": Timer(others)}, repeats, least, PAUSE)
        times = [spread(seconds[name]).median * 1e6 for name in ("ours", "others")]
        print(
            f"| {what} | {times[0]:,.1f} | {times[1]:,.1f} | {ratio(seconds['others'], seconds['ours'])} |", flush=True
        )

    for rows, steps in [(2, 1000)] if options.quick else ((1, 1000), (1, 10**4), (1, 10**5), (3, 10**4), (1000, 10**4)):
        rates = cosine_decay(np.arange(steps), np.linspace(0.1, 0.2, rows)[:, None], steps, 0.1)
        for count in (1, 16) if rows < 1000 else (1,):
            decays = np.linspace(0.99, 0.999, count)
            what, out = f"{rows:,} x {steps:,}; {count} decays", np.empty((count, rows, steps))
            compare(
                f"momentum_sum, {what}; `lfilter`",
                lambda rates=rates, decays=decays: momentum_sum(rates, decays),
                lambda rates=rates, decays=decays: filtered(rates, decays),
            )
            compare(
                f"momentum_sum, `out=`, {what}; `lfilter`",
                lambda rates=rates, decays=decays, out=out: momentum_sum(rates, decays, out=out),
                lambda rates=rates, decays=decays: filtered(rates, decays),
            )
    rows = 16 if options.quick else 1000
    rates = cosine_decay(np.arange(10**4), np.linspace(0.1, 0.2, rows)[:, None], 10**4, 0.1)
    compare(
        f"momentum_sum, `last=True`, {rows:,} x 10,000, one decay; NumPy, a product with its powers",
        lambda: momentum_sum(rates, 0.99, last=True),
        lambda: (rates[:, :1] - rates) @ 0.99 ** np.arange(10**4)[::-1],
    )
    for steps in (100,) if options.quick else (1000, 10**4, 10**5):
        rates = cosine_decay(np.arange(steps), 0.1, steps, 0.1)
        repeats = min(repeats, max(2, 10**5 // steps))  # the other takes half a minute for 1e5 steps
        compare(
            f"multi_power_loss_drop, {steps:,} steps; NumPy, in a loop over the steps",
            lambda rates=rates: multi_power_loss_drop(rates, *LAW),
            lambda rates=rates: drops_by_numpy(rates, *LAW),
        )


if __name__ == "__main__":
    main()
