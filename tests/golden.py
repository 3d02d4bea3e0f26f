"""golden.csv: rates that never change, at every hard place. `python tests/golden.py` checks and rewrites it.

One line is one value: the parameters and the step, exactly (integers in decimal, floats in hexadecimal), and the rate
as float64 and as float32; at its end `end_learning_rate`, where that is given. The package makes the rates; mpmath has
to agree with each to 2 ULP before the file is written.
The cases come from nothing that a platform or a version of Python rounds in its own way.
"""

from __future__ import annotations

import csv
import functools
import io
import math
import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from bits import INT64

FILE = Path(__file__).with_name("golden.csv")
HUGE = (2**27, 2**27 + 1, 2**31 - 1, 2**31, 2**44 - 1, 2**44, 2**44 + 1, 2**51, 2**53 - 1, 2**53 + 1, 2**63 - 1)


class Parameters(NamedTuple):
    initial_learning_rate: float
    decay_steps: int | float
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: int | float = 0
    end_learning_rate: float | None = None


HEAD = [*Parameters._fields[:5], "step", "float64", "float32"]


class Value(NamedTuple):
    parameters: Parameters
    step: int | float
    float64: float
    float32: float


def text(x: int | float | None) -> str:
    """A number as it stands in the file; zeros that say nothing are left out."""
    if x is None:
        return ""
    if isinstance(x, int) or not math.isfinite(x):
        return str(x)
    digits, exponent = x.hex().split("p")
    return digits.rstrip("0").rstrip(".") + "p" + exponent if "." in digits else x.hex()


def number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdecimal() else float.fromhex(text)


# ---- The cases ----


def power_of_ten(draw: random.Random, least: int, greatest: int) -> float:
    """About log-uniform."""
    return float(f"{1 + 9 * draw.random():.6f}e{draw.randint(least, greatest - 1)}")


def drawn(draw: random.Random) -> Parameters:
    """Parameters of any kind."""
    peak = draw.choice([draw.random(), power_of_ten(draw, -8, 2), power_of_ten(draw, -300, 300)])
    D = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**31), draw.randint(1, INT64[1]), 1e5 * draw.random()])
    alpha = draw.choice([0.0, 0.1, draw.random(), power_of_ten(draw, -12, 0), 3 * draw.random() - 1])
    if draw.random() < 0.5:
        return Parameters(peak, D, alpha)
    W = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**40), 1e5 * draw.random()])
    return Parameters(peak * draw.choice([0.0, draw.random(), 3.0, -1.0]), D, alpha, peak, W)


def schedules() -> Iterator[Parameters]:
    draw = random.Random("golden")
    third = 1e9 + 1 / 3
    # Short and long decays, to zero and to a floor.
    for D in (1, 2, 3, 5, 7, 97, 997, 7919, 10**6, 999_983, 2**60 + 12345, *HUGE):
        yield Parameters(0.1, D)
        yield Parameters(3e-4, D, 0.1)
    for D in (2.0**-64, 1e-9, 0.1, 0.7, 2.5, 1000.1, 4999.99, 2**27 - 0.1, third, 2**44 - 0.25, 2**51 + 0.5):
        yield Parameters(0.3, D, 0.0 if D > 1 else 0.1)
    # Floors.
    for alpha in (1.0, 1 - 2**-53, 1 + 2**-52, 1 - 1e-9, 1.5, 3.7, 1e3, 1e-3, 1e-12, 1e-310, 5e-324):
        yield Parameters(0.7, 1009, alpha)
    for alpha in (-0.1, -1.0, -1e-9, -37.5):
        yield Parameters(0.7, 1009, alpha)
        yield Parameters(0.0, 10.5, alpha, 0.7, 3.25)
    # Peaks, down to subnormal ones.
    for peak in (1e300, 1e150, 1e-150, 1e-300, 1e-307, 1e-310, 5e-324, -0.1, -1e-320, 0.0):
        yield Parameters(peak, 1009)
        yield Parameters(peak, 1000.1, 0.1)
    yield Parameters(1e300, 997, 3.0)
    yield Parameters(1e-300, 97, 1e-15)
    yield Parameters(5e-324, 97, 0.75)
    # Warmups: short and long, so long that sums leave int64, and fractional.
    for W in (1, 2, 3, 100, 7919, 2**52, 2**62, *HUGE[2:]):
        yield Parameters(1e-6, 1000, 0.1, 1e-3, W)
    for D, W in ((1, 1), (2, 1), (2**44 - 5, 5), (2**44 - 4, 5), (2**62, 2**62), (2**63 - 1, 2**63 - 1)):
        yield Parameters(0.0, D, 0.0, 1.0, W)
    for D, W in ((999, 10.3), (1000.1, 3), (77.7, 1000.9), (0.5, 0.25), (2**31, third), (third, 2**43), (10, 2.0**-60)):
        yield Parameters(1e-6, D, 0.0, 1e-3, W)
    # Their ends: falling, level, through zero, of the most different sizes; no steps at all.
    for L0, T in ((2.0, 1.0), (1.0, 1.0), (1.0, 0.0), (-1.0, 2.0), (1.0, -3.0), (-1.0, 1.0), (1.0, 1 + 2**-52)):
        yield Parameters(L0, 1009, 0.1, T, 101)
    for L0, T in ((0.0, 1e-310), (0.0, 5e-324), (1e-300, 1e300), (1e300, 1e-300), (1e-310, 1.0)):
        yield Parameters(L0, 1009, 0.1, T, 101)
    yield Parameters(2.0, 2**63 - 1, 0.5, 1.0, 2**63 - 1)
    yield Parameters(0.1, 10, 0.0, 0.2, 0)
    for _ in range(30):
        yield drawn(draw)


def steps_of(p: Parameters, draw: random.Random) -> list[int | float]:
    """The joints and their neighbours, the last steps, the middle, anywhere, int64's ends and beyond."""
    D = Fraction(p.decay_steps)
    W = Fraction(0 if p.warmup_target is None else p.warmup_steps)
    start, middle, end = math.floor(W), math.floor(W + D / 2), math.ceil(W + D)
    whole = [0, -1, start - 1, start, start + 1, middle, middle + 1, end, *INT64]
    whole += [end - draw.choice([4, 10, 100, 1000]), end - 3, end - 2, end - 1]
    whole += [start + draw.randint(0, math.ceil(D)) for _ in range(2)]
    whole.append(-draw.randint(1, 3 * math.ceil(D)))
    if start:
        whole += [1, start // 2, draw.randint(0, start)]
    fractional = [float(W) + draw.random() * float(D), math.nextafter(float(W + D), 0.0)]
    if W:
        fractional += [draw.random() * float(W), math.nextafter(float(W), 0.0)]
    if p.alpha < 0:  # where the decay crosses zero; rounded, for libms differ
        part = Fraction(round(math.acos((p.alpha + 1) / (p.alpha - 1)) / math.pi * 2**20), 2**20)
        whole += [math.floor(W + D * part) + i for i in (-1, 0, 1, 2)]
    far = draw.choice([math.inf, -math.inf, 1e300, -1e300, float(draw.randint(1, 2**62)), -0.0])
    kept = sorted({step for step in whole if INT64[0] <= step <= INT64[1]})
    return [*kept, *sorted(set(fractional)), far]


def ordinary() -> Iterator[Parameters]:
    """One of each kind of schedule, for steps anywhere in the decay, where a change of the arithmetic shows first."""
    for D in (1_000_003, 2**27 + 29, 2**31 + 11, 2**43 + 7, 2**60 + 33, 1e5 + 0.3, 1e12 + 0.25):
        yield Parameters(1e-3, D)
    yield Parameters(0.0, 2**33 + 17, 0.1, 7e-4, 2000)


def to_a_floor() -> Iterator[Parameters]:
    """To absolute floors: above the peak, through zero, next to it, of other sizes; from 0; after a warmup."""
    for peak, end in ((0.1, 0.03), (0.0, 0.1), (-0.5, 0.3), (0.1, 0.1 + 2**-56), (1e-310, 3e-310)):
        yield Parameters(peak, 997, 0.0, None, 0, end)
    yield Parameters(1e-6, 2**60 + 33, 0.0, 0.3, 7, 0.03)
    yield Parameters(1e-6, 1000.1, 0.0, 0.3, 10.7, -0.1)


def cases() -> Iterator[tuple[Parameters, list[int | float]]]:
    draw = random.Random("steps")
    for p in dict.fromkeys(schedules()):
        yield p, steps_of(p, draw)
    for p in ordinary():
        yield p, sorted(draw.randint(0, math.floor(p.warmup_steps + p.decay_steps)) for _ in range(40))
    for p in to_a_floor():
        yield p, steps_of(p, draw)


# ---- The file ----


@functools.cache
def read() -> list[tuple[Parameters, list[Value]]]:
    """The file's values by their parameters."""
    with FILE.open(newline="") as file:
        rows = csv.reader(file)
        assert next(rows) == HEAD
        values = []
        for row in rows:
            L0, D, alpha, T, W, step, rate, single, *end = (number(cell) if cell else None for cell in row)
            values.append(Value(Parameters(L0, D, alpha, T, W, *end), step, rate, single))
    return [(p, list(group)) for p, group in groupby(values, lambda value: value.parameters)]


def error_of(value: Value) -> float:
    """The rate's error in parts of what is promised; infinite where it must have one value and has another."""
    import numpy as np
    import oracle
    from mpmath import mpf

    p, step, rate, single = value
    with np.errstate(over="ignore", under="ignore"):
        rounded_once = float(np.float32(rate))
    if not (single == rounded_once or (math.isnan(single) and math.isnan(rate))):
        return math.inf
    if p.warmup_target is not None and p.warmup_steps == 0:  # as without a warmup
        p = Parameters(p.warmup_target, p.decay_steps, p.alpha)
    if math.isinf(step):
        peak = p.initial_learning_rate if p.warmup_target is None else p.warmup_target
        if step > 0:
            right = rate == (peak * p.alpha if p.end_learning_rate is None else p.end_learning_rate)
        else:  # where the line goes to, if anywhere
            slope = peak - p.initial_learning_rate
            right = rate == math.copysign(math.inf, -slope) if slope else math.isnan(rate)
        return 0.0 if right else math.inf
    exact = oracle.rate(step, *p)
    plain, error = oracle.ulps(rate, exact), oracle.error("CosineDecay", rate, step, p._asdict(), exact)
    # Where rates cross zero and float64 has its grant, float32 has no more digits than it.
    if plain <= 2 and math.isfinite(single) and not oracle.ulps(single, exact, dtype=np.float32) <= 0.5001:
        return math.inf
    if math.isinf(single) and abs(exact) < mpf(2) ** 128 * (1 - mpf(2) ** -25):
        return math.inf
    return error


def kinds(values: list[Value]) -> Iterator[tuple]:
    """A schedule's integer steps and its floats, with their rates as float64 and as float32."""
    import numpy as np

    for kind, group in groupby(values, lambda value: type(value.step)):
        _, steps, rates, singles = zip(*group, strict=True)
        yield np.array(steps, {int: np.int64, float: np.float64}[kind]), np.array(rates), np.array(singles, np.float32)


def main() -> None:
    import numpy as np

    import cosine_fast

    values = []
    for p, steps in cases():
        schedule = cosine_fast.CosineDecay(**p._asdict())
        values += [Value(p, step, schedule(step), float(schedule(step, dtype=np.float32))) for step in steps]
    errors = [error_of(value) for value in values]
    for error, value in zip(errors, values, strict=True):
        assert error <= 1, f"{error} times what is promised: {value}"
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(HEAD)
    for p, step, rate, single in values:
        end = () if p.end_learning_rate is None else (p.end_learning_rate,)
        writer.writerow(map(text, (*p[:5], step, rate, single, *end)))
    FILE.write_text(lines.getvalue(), newline="")
    size = FILE.stat().st_size
    print(f"{FILE.name}: {len(values)} values, {size} bytes, at most {max(errors):.3f} of the error that is promised")


if __name__ == "__main__":
    main()
