"""Sums of rates compared with np.cumsum: `python benchmarks/sums.py [--quick]`.

Both sides of a line take turns in one process (timing.py), and their results are compared before they are timed. A
ratio is the other's time divided by ours: above 1, ours is faster.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from timeit import Timer
from typing import Any

import numpy as np
from timing import PAUSE, interleaved, ratio, spread

import cosine_fast
from cosine_fast import CosineDecay

Call = Callable[[], Any]


def schedules(n: int) -> dict[str, CosineDecay]:
    """Decays that end at step n, one for each path of the kernel."""
    return {
        "decay": CosineDecay(1e-3, n, 0.1),
        "warmup and decay": CosineDecay(0.0, n - n // 10, 0.1, warmup_target=1e-3, warmup_steps=n // 10),
        "of fractional length": CosineDecay(0.0, n - n / 10, 0.1, warmup_target=1e-3, warmup_steps=n / 10 + 0.5),
        "in pairs of doubles": CosineDecay(1e-3, n, -0.1),
    }


def every_way_to_sum(n: int) -> list[cosine_fast.LearningRateSchedule]:
    """A schedule for each row of the table in docs/how-to/sums.md, without those that have the length of others."""
    return [
        cosine_fast.ConstantSchedule(0.1),
        cosine_fast.PiecewiseConstantDecay([n // 4, n // 2], [0.1, 0.03, 0.01]),
        CosineDecay(0.1, n, 0.1),
        cosine_fast.CosineAnnealing(0.1, n),
        cosine_fast.PolynomialDecay(0.1, n, 0.001, power=2.0),
        cosine_fast.PolynomialDecay(0.1, n, 0.001, power=1.5),
        cosine_fast.ExponentialDecay(0.1, n, 0.5),
        cosine_fast.ExponentialDecay(0.1, n // 8, 0.5, staircase=True),
        cosine_fast.InverseTimeDecay(0.1, n, 0.5),
        cosine_fast.CosineDecayRestarts(0.1, n // 8, t_mul=1.5),
        cosine_fast.CosineDecayRestarts(0.1, n // 8, t_mul=1.0),
        cosine_fast.WarmupStableDecay(0.1, n // 10, n // 2, n // 4),
    ]


def compare(what: str, ours: Call, others: Call, repeats: int, least: float) -> None:
    np.testing.assert_allclose(ours(), others(), rtol=1e-9)
    seconds = interleaved({"ours": Timer(ours), "others": Timer(others)}, repeats, least, PAUSE)
    times = [spread(seconds[name]).median * 1e6 for name in ("ours", "others")]
    print(f"| {what} | {times[0]:,.2f} | {times[1]:,.2f} | {ratio(seconds['others'], seconds['ours'])} |", flush=True)


def first_at_or_below(rates: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return rates.size - np.searchsorted(rates[::-1], wanted, side="right")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: small arrays, meaningless figures")
    quick = parser.parse_args().quick
    n, repeats, least = (10**4, 2, 1e-4) if quick else (2**22, 9, 0.02)
    info = cosine_fast.build_info()
    print(f"{info['backend']}, {info['isa']}; {n:,} steps; medians of {repeats} turns, ratios with quartiles\n")
    print("| what | ours, us | other, us | other / ours |\n| --- | ---: | ---: | ---: |")
    draw = np.random.default_rng(0)
    mine, theirs = np.empty(n), np.empty(n)
    for kind, s in schedules(n).items():
        for few, steps in ("64 of them", draw.integers(0, n, 64)), ("all of them", np.arange(n)):
            after = steps + 1  # cumsum includes the rate at the step itself
            compare(
                f"cumulative, {few}, {kind}; `np.cumsum(precompute(n))[steps]`",
                lambda s=s, after=after: s.cumulative(after),
                lambda s=s, steps=steps: np.cumsum(s.precompute(n))[steps],
                repeats, least,
            )  # fmt: skip
        compare(
            f"cumulative, a range of all, `out=`, {kind}; `np.cumsum(precompute(n, out=), out=)`",
            lambda s=s: s.cumulative(range(1, n + 1), out=mine),
            lambda s=s: np.cumsum(s.precompute(n, out=theirs), out=theirs),
            repeats, least,
        )  # fmt: skip
    for each in every_way_to_sum(n):
        compare(
            f"sum(n), `{each}`; `precompute(n).sum()`",
            lambda each=each: each.sum(n),
            lambda each=each: each.precompute(n).sum(),
            repeats, least,
        )  # fmt: skip
    s = schedules(n)["decay"]
    compare(
        "sum(1000); `precompute(1000).sum()`", lambda: s.sum(1000), lambda: s.precompute(1000).sum(), repeats, least
    )
    rates, sums = s.precompute(n + 1), np.append(0.0, np.cumsum(s.precompute(n)))
    for count in (1, 1000):
        lr, total = draw.uniform(1e-4, 1e-3, count), draw.uniform(0, sums[-1], count)
        compare(
            f"step_at, {count:,}; `np.searchsorted` in `precompute(n)`",
            lambda lr=lr: s.step_at(lr),
            lambda lr=lr: first_at_or_below(s.precompute(n + 1), lr),
            repeats, least,
        )  # fmt: skip
        assert np.array_equal(s.step_at(lr), first_at_or_below(rates, lr))
        compare(
            f"step_at_sum, {count:,}; `np.searchsorted` in `np.cumsum(precompute(n))`",
            lambda total=total: s.step_at_sum(total),
            lambda total=total: np.searchsorted(np.append(0.0, np.cumsum(s.precompute(n))), total),
            repeats, least,
        )  # fmt: skip


if __name__ == "__main__":
    main()
