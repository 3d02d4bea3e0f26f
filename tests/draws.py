"""Steps for a schedule: at the joints of its formula, between them, and anywhere in int64 or the doubles. Parameters
that are edges."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from bits import INT64, within
from family import FAMILY, LARGEST_DOUBLE, Parameters, piecewise_constant_decay

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


def crossings(schedule, steps: list[float]) -> Iterator[float]:
    """Steps next to a change of sign, between two neighbours among these."""
    for a, b in itertools.pairwise(sorted(steps)):
        before = schedule(a) < 0
        if (schedule(b) < 0) != before:
            while (middle := (a + b) // 2 if isinstance(a, int) else a / 2 + b / 2) not in (a, b):
                a, b = (middle, b) if (schedule(middle) < 0) == before else (a, middle)
            yield from (a, b)


def one_by_one(schedule, steps: np.ndarray) -> np.ndarray:
    """The rate of each step, by a call with a number."""
    return np.array([schedule(step) for step in steps.tolist()], np.float64)


# ---- Edges ----

COUNTS = ("decay_steps", "first_decay_steps", "timescale", "shift", "warmup_steps")


def edge(draw: random.Random) -> float:
    """A number beside which arithmetic changes: 1, a power, a subnormal, the largest rate, half-way between float32."""
    x = draw.choice(
        [
            1.0,
            1.0,
            2.0 ** draw.randint(-1074, 999),
            2.0 ** draw.randint(-70, 70),
            10.0 ** draw.randint(-300, 300),
            5e-324 * draw.randint(0, 20),
            2.0**1000,
            (2**23 + draw.getrandbits(23) + 0.5) * 2.0 ** draw.randint(-60, -20),
        ]
    )
    return draw.choice([1, 1, -1]) * (x + draw.choice([0, 0, 0, 1, -1, 2, 100]) * math.ulp(x))


def edge_count(draw: random.Random) -> float:
    """A number of steps beside which arithmetic changes."""
    whole = within(2 ** draw.randint(0, 63) + draw.randint(-2, 2))
    fraction = 2.0 ** draw.randint(-64, 62) * (1 + draw.randint(-3, 3) * 2.0**-52)
    return draw.choice([draw.randint(1, 4), whole, 10 ** draw.randint(0, 18), float(whole), fraction])


def edgy(draw: random.Random, name: str) -> Parameters:
    """Random parameters, some of which are edges, or minus another one; the schedule may refuse them."""
    p = FAMILY[name].draw(draw)
    if name == "PiecewiseConstantDecay":
        steps = [draw.choice([edge(draw), edge_count(draw), -edge_count(draw)]) for _ in range(draw.randint(0, 40))]
        ends = draw.choice([p["boundaries"], sorted(set(steps))])
        return piecewise_constant_decay(ends, [edge(draw) for _ in range(len(ends) + 1)])
    share = draw.choice([0.0, 0.2, 0.6])
    for key, value in p.items():
        if draw.random() < share and isinstance(value, (int, float)) and not isinstance(value, bool):
            p[key] = edge_count(draw) if key in COUNTS else edge(draw)
    if draw.random() < 0.1 and p.get("end_learning_rate", p.get("warmup_target")) is not None:
        other = "end_learning_rate" if "end_learning_rate" in p else "warmup_target"
        p[other] = p["initial_learning_rate"] * draw.choice([-1.0, -draw.random(), 1 + 2.0**-52])
    return p


# ---- Of CosineDecay ----


def bounds_of(p):
    """The first step of the decay, and the first one past it."""
    W = 0 if p["warmup_target"] is None else Fraction(p["warmup_steps"])
    return math.ceil(W), math.ceil(W + Fraction(p["decay_steps"]))


def draw_range(draw, p):
    """Start, stop and step, of any size, about the joints, and in the last steps of the decay."""
    begin, end = bounds_of(p)
    at = [0, begin, end, (begin + end) // 2, -end, INT64[0], INT64[1], draw.randint(*INT64), draw.randint(begin, end)]
    start = within(draw.choice(at) + draw.randint(-20, 20))
    kind = draw.randrange(4)
    if kind == 0:
        stop, step = within(draw.choice(at) + draw.randint(-20, 20)), draw.choice([1, -1, 2, 3, draw.randint(1, 10**6)])
    elif kind == 1:  # a few steps, far apart
        step = draw.choice([1, -1]) * int(2 ** draw.uniform(0, 63))
        stop = start + step * draw.randint(0, 5)
    elif kind == 2:  # a few steps in a row
        step = draw.choice([1, -1, 2, -5])
        stop = start + step * draw.randint(0, 30)
    else:  # whole and half periods
        step = draw.choice([1, -1, 2]) * max(1, int(p["decay_steps"]) + draw.choice([0, 0, 1, -1]))
        stop = start + step * draw.randint(0, 1000)
    if stop < start:
        step = -abs(step)
    stop = min(max(stop, INT64[0] - 1), INT64[1] + 1)
    return range(start, stop, step)
