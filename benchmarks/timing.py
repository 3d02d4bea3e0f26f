"""How times are measured and compared: contenders take turns in one process, and each turn gives a ratio.

A machine that slows down slows all contenders of a turn, so a ratio is steadier than either time. We quote the median
of the ratios and their quartiles.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from timeit import Timer
from typing import NamedTuple

PAUSE = 0.01  # s; OpenMP's idle threads spin for some ms and would disturb the next contender


class Ratio(NamedTuple):
    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def spread(values: Sequence[float]) -> Ratio:
    return Ratio(*statistics.quantiles(values, n=4, method="inclusive"))


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> Ratio:
    return spread([a / b for a, b in zip(numerator, denominator, strict=True)])


def loops_for(timer: Timer, least: float) -> int:
    """How many executions take about `least` seconds. Finding out warms up."""
    timer.timeit(1)  # the first execution may import something
    loops = 1
    while timer.timeit(loops) < least / 2:
        loops *= 2
    return loops


def interleaved(
    contenders: Mapping[str, Timer], repeats: int, least: float, pause: float = 0.0
) -> dict[str, list[float]]:
    """Seconds per execution of each contender, `repeats` times, in an order that changes from turn to turn.

    A timing takes about `least` seconds, or one execution. Short ones start with executions that are not timed.
    """
    loops = {name: loops_for(timer, least) for name, timer in contenders.items()}
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    names, order = list(contenders), random.Random(0)
    for _ in range(repeats):
        order.shuffle(names)
        for name in names:
            time.sleep(pause)
            contenders[name].timeit(loops[name] // 4)
            seconds[name].append(contenders[name].timeit(loops[name]) / loops[name])
    return seconds
