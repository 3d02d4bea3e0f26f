"""How many times as fast: `python benchmarks/compare.py` (needs the extra `bench`).

One process; the contenders take turns, so that a machine that slows down slows them all; a ratio is taken within each
turn, and the median of the ratios is given with the quartiles. Prints the table that README shows.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable

import numpy as np
import peers

import cosine_fast
from cosine_fast import CosineDecay

Contender = Callable[[], object]


def interleaved(contenders: dict[str, Contender], repeats: int, loops: int = 1) -> dict[str, list[float]]:
    """Seconds per call, `repeats` of each, turn by turn, after one turn that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, call in contenders.items():
            began = time.perf_counter()
            for _ in range(loops):
                call()
            if turn:
                seconds[name].append((time.perf_counter() - began) / loops)
    return seconds


def ratio(numerator: list[float], denominator: list[float]) -> str:
    low, middle, high = statistics.quantiles((a / b for a, b in zip(numerator, denominator, strict=True)), n=4)
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def schedule_for(n: int) -> CosineDecay:
    warmup, decay = peers.parameters(n)
    return CosineDecay(peers.L0, decay, peers.ALPHA, warmup_target=peers.PEAK, warmup_steps=warmup)


def arrays(n: int, repeats: int) -> None:
    schedule, steps, out = schedule_for(n), np.arange(n), np.zeros(n)
    contenders: dict[str, Contender] = {
        "cosine_fast, array": lambda: schedule(steps, out=out),
        "cosine_fast, precompute": lambda: schedule.precompute(n, out=out),
    }
    for name, build in peers.PEERS.items():
        try:
            evaluate = build(*peers.parameters(n))
        except ImportError as error:
            print(f"(without {name}: {error})")
            continue
        contenders[name] = lambda evaluate=evaluate: evaluate(steps, out)  # type: ignore[misc]
        evaluate(steps, out)
        assert np.allclose(out, schedule(steps), rtol=1e-9, atol=1e-15), name
    seconds = interleaved(contenders, repeats)
    ours = seconds["cosine_fast, array"]
    print(f"\n{n:,} int64 steps to float64, warm out=, all threads\n")
    print("| | ns per step | its time / cosine_fast's |")
    print("| --- | --- | --- |")
    for name, times in seconds.items():
        print(f"| {name} | {statistics.median(times) / n * 1e9:.2f} | {ratio(times, ours)} |")


def small(repeats: int) -> None:
    schedule, one, hundred, x, y = schedule_for(1000), np.array([500]), np.arange(100), np.array([0.5]), np.ones(100)
    number = np.int64(500)
    pairs: dict[str, tuple[Contender, Contender]] = {
        "schedule(int) / math.cos(float)": (lambda: schedule(500), lambda: math.cos(0.5)),
        "schedule(np.int64) / math.cos(float)": (lambda: schedule(number), lambda: math.cos(0.5)),
        "schedule(array of 1) / np.cos": (lambda: schedule(one), lambda: np.cos(x)),
        "schedule(array of 100) / np.cos": (lambda: schedule(hundred), lambda: np.cos(y)),
    }
    print("\nsmall calls\n\n| | ns | ratio |\n| --- | --- | --- |")
    for name, (ours, theirs) in pairs.items():
        nothing: Contender = lambda: None  # noqa: E731 (the lambda's own time is taken off)
        seconds = interleaved({"ours": ours, "theirs": theirs, "nothing": nothing}, repeats, loops=20_000)
        a, b = ([t - z for t, z in zip(seconds[k], seconds["nothing"], strict=True)] for k in ("ours", "theirs"))
        print(f"| {name} | {statistics.median(a) * 1e9:.0f} | {ratio(a, b)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2**25)
    parser.add_argument("--repeats", type=int, default=11)
    arguments = parser.parse_args()
    print(", ".join(f"{key} {value}" for key, value in cosine_fast.build_info().items()))
    arrays(arguments.size, arguments.repeats)
    small(arguments.repeats)


if __name__ == "__main__":
    main()
