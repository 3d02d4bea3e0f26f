"""Steps for a schedule: at the joints of its formula, between them, and anywhere in int64 or the doubles."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from bits import INT64, within
from family import FAMILY, LARGEST_DOUBLE, Parameters

# Where the kernels go over to other code, whatever the schedule: limits of int64, of exact doubles and of exact sums.
LIMITS = [Fraction(x) for x in (0, 2**27, 2**50, 2**51, 2**53, -(2**50), -(2**53), *INT64)]
SPECIAL = [
    0.0,
    -0.0,
    math.nan,
    math.inf,
    -math.inf,
    LARGEST_DOUBLE,
    -LARGEST_DOUBLE,
    5e-324,
    -5e-324,
    1e-300,
    1e300,
    -1e300,
]


def joints_of(name: str, p: Parameters, least: float = -(2**1000), most: float = 2**1000) -> list[Fraction]:
    """The steps at which the schedule's formula changes, within these limits."""
    return [joint for joint in dict.fromkeys(FAMILY[name].joints(p)) if least <= joint <= most]


def whole_steps(name: str, p: Parameters, seed: int = 0, count: int = 160) -> np.ndarray:
    """Integer steps around every joint and anywhere in int64, in no order; more than a block of them."""
    draw = random.Random(seed)
    joints = joints_of(name, p, *INT64)
    steps = [math.floor(joint) + offset for joint in joints for offset in (-513, *range(-8, 9), 513)]
    steps += [int(limit) + offset for limit in LIMITS for offset in range(-3, 4)]
    least, most = (int(choose([*joints, Fraction(0)])) for choose in (min, max))
    steps += [draw.randint(least, most) for _ in range(2 * count)]
    steps += [draw.randint(*INT64) for _ in range(count)]
    steps += [draw.choice([-1, 1]) * int(2 ** draw.uniform(0, 63)) for _ in range(count)]
    draw.shuffle(steps)
    return np.array([within(step) for step in steps], np.int64)


def fractional_steps(name: str, p: Parameters, seed: int = 4) -> np.ndarray:
    """Floats next to the joints, between them and of every size; NaN and the infinities."""
    draw = random.Random(seed)
    ends = [float(joint) for joint in joints_of(name, p)]
    steps = [math.nextafter(end, toward) for end in ends for toward in (-math.inf, end, math.inf)]
    steps += [end + draw.uniform(-1, 1) * 10 ** draw.uniform(-9, 3) for end in ends for _ in range(12)]
    least, most = min([*ends, 0.0]), max([*ends, 0.0])
    steps += [draw.uniform(least, most) for _ in range(200)]
    steps += [draw.choice([-1, 1]) * 10 ** draw.uniform(-320, 308) for _ in range(150)]
    steps += SPECIAL
    draw.shuffle(steps)
    return np.array(steps)


def ranges(name: str, p: Parameters) -> Iterator[range]:
    """Ranges over every joint and from end to end, by short and by long strides, forwards and backwards."""
    joints = list(dict.fromkeys(math.floor(joint) for joint in joints_of(name, p, *INT64)))
    middles = [*joints[:8], *INT64]
    strides = (1, -1, 2, 7, -61)
    for i, middle in enumerate(middles):
        for stride in (1, strides[i % 5]):
            inside = [j for j in range(-350, 350) if INT64[0] <= middle + j * stride <= INT64[1]]
            yield range(middle + inside[0] * stride, middle + (inside[-1] + 1) * stride, stride)
    start, end = min([*joints, 0]), max([*joints, 1000])
    long = max(1, (end - start) // 700)
    yield range(start, end, long)
    yield range(end, start, -long)
    yield range(INT64[0], INT64[1], 2**55 - 1)
    yield range(INT64[1], INT64[0], -(2**54) - 1)
    yield range(INT64[0], INT64[1], 2**64 - 2**20)


def steps_near_multiples(draw, D, count):
    """Whole and fractional steps, near 0, near multiples of D and anywhere; up to 2**98 times D."""
    exact = Fraction(D)
    for _ in range(count):
        step = draw.choice(
            [
                draw.randint(0, int(2 * D) + 1),
                draw.randint(0, 1000),
                int(D) - draw.randint(-3, 1000),
                -draw.randint(0, int(3 * D) + 1),
                draw.randint(*INT64),
                math.ceil(exact * draw.randint(0, 100)) + draw.randint(-2, 2),
                math.ceil(exact * int(2**63 / exact * Fraction(draw.random()))) + draw.randint(-1, 1),
                D * draw.random() * draw.choice([1, 3, 50, -1]),
                10 ** draw.uniform(-60, 10),
            ]
        )
        if abs(step) <= 2**98 * exact:
            yield step if isinstance(step, float) else within(step)


def one_by_one(schedule, steps: np.ndarray) -> np.ndarray:
    """The rate of each step, by a call with a number."""
    return np.array([schedule(step) for step in steps.tolist()], np.float64)
