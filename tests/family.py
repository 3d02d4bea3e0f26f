"""What tests need of each schedule: an entry of FAMILY for each class that cosine_fast registers."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from bits import INT64, within

from cosine_fast import schedules

Parameters = dict[str, Any]
LARGEST_DOUBLE = 1.7976931348623157e308


@dataclass(frozen=True)
class Entry:
    ordinary: list[Parameters]  # for tests of the interface, where any parameters do
    hard: list[Parameters]  # for tests of numbers: extremes, and what lies on the border between two code paths
    draw: Callable[[random.Random], Parameters]  # random parameters of any kind
    joints: Callable[[Parameters], list[Fraction]]  # the exact steps at which the formula changes


def named(*names: str) -> Callable[..., Parameters]:
    """A function that names its positional arguments."""
    return lambda *values: dict(zip(names, values, strict=True))


def multiples(p: Parameters) -> list[Fraction]:
    return [Fraction(p["decay_steps"]) * count for count in (-1, 0, 1, 2, 3, 1000)]


def length(draw: random.Random, least: float) -> float:
    """A number of steps: small, large or fractional."""
    D = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**31), draw.randint(1, INT64[1])])
    return draw.choice([draw.uniform(0.5, 1e5), 10 ** draw.uniform(least, 15)]) if draw.random() < 0.3 else D


# ---- CosineDecay ----


def cosine_decay(L0: float, D: float, alpha: float = 0.0, T: float | None = None, W: float = 0) -> Parameters:
    return {"initial_learning_rate": L0, "decay_steps": D, "alpha": alpha, "warmup_target": T, "warmup_steps": W}


def draw_cosine_decay(draw: random.Random) -> Parameters:
    peak = draw.choice([draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-300, 300)])
    D = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**31), draw.randint(1, INT64[1]), draw.uniform(0.5, 1e5)])
    alpha = draw.choice([0.0, 0.1, draw.random(), 10 ** draw.uniform(-12, 0), draw.uniform(-1, 2)])
    if draw.random() < 0.5:
        return cosine_decay(peak, D, alpha)
    W = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**40), draw.uniform(0.5, 1e5)])
    return cosine_decay(peak * draw.choice([0.0, draw.random(), 3.0, -1.0]), D, alpha, peak, W)


def to_a_floor(draw_any: Callable[[random.Random], Parameters]) -> Callable[[random.Random], Parameters]:
    """Parameters a fourth of which have an absolute floor: of any size and sign, or next to the peak."""

    def drawn(draw: random.Random) -> Parameters:
        p = draw_any(draw)
        if draw.random() < 0.75:
            return p
        peak = p["initial_learning_rate"] if p.get("warmup_target") is None else p["warmup_target"]
        end = draw.choice([0.0, peak, peak * draw.random(), peak * draw.uniform(-2, 3), 10 ** draw.uniform(-300, 300)])
        return p | {"alpha": 0.0, "end_learning_rate": draw.choice([end, math.nextafter(peak, end)])}

    return drawn


def cosine_decay_joints(p: Parameters) -> list[Fraction]:
    W = Fraction(0 if p["warmup_target"] is None else p["warmup_steps"])
    D = Fraction(p["decay_steps"])
    return [Fraction(0), W, W + D / 2, W + D, W / 2, -D, -2 * D, W + D / 3]


COSINE_DECAY = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "decay_steps": 1000},
        {"initial_learning_rate": 0.0, "decay_steps": 40.5, "alpha": 0.1, "warmup_target": 0.05, "warmup_steps": 5},
    ],
    # Short, long and fractional decays, every joint between the kinds of schedule, and rates of every size.
    hard=[
        *[cosine_decay(0.1, D) for D in (1, 2, 3, 97, 1000, 2**27, 2**27 + 1, 2**31, 2**51, 2**51 + 1)],
        *[cosine_decay(3e-4, D, 0.1) for D in (999_983, 2**53 - 1, 2**53 + 1, 2**60 + 12345, 2**63 - 1)],
        *[cosine_decay(0.3, D, 0.1) for D in (1e-9, 0.1, 0.7, 1000.1, 4999.99, 2**27 - 0.1, 1e9 + 1 / 3, 2**51 + 0.5)],
        *[cosine_decay(0.7, 1009, alpha) for alpha in (0.1, 1.0, 1.5, 3.7, -0.1, -1.0, 1 - 2**-53, 1e-12, 1e-310)],
        *[cosine_decay(peak, 1009, 0.1) for peak in (1e-300, 1e300, 1e-150, 1e-310, 5e-324, -0.1, -1e-320, 0.0)],
        *[cosine_decay(0.0, 1000, alpha, 1e-3, 100) for alpha in (0.0, 0.1, 1.0, -0.5)],
        *[cosine_decay(1e-6, D, 0.1, 1e-3, 3) for D in (1, 2, 1000, 2**27, 2**31, 2**51 - 3, 2**51, 2**62)],
        *[cosine_decay(1e-6, 1000, 0.1, 1e-3, W) for W in (1, 2**31 - 1, 2**52, 2**53 + 1, 2**63 - 1)],
        *[cosine_decay(1e-6, D, 0.1, 1e-3, W) for D, W in ((999, 10.3), (1000.1, 3), (77.7, 1000.9), (0.5, 0.25))],
        *[cosine_decay(L0, 1009, 0.1, T, 101) for L0, T in ((2.0, 1.0), (1.0, 1.0), (-1.0, 2.0), (1.0, -3.0))],
        *[cosine_decay(L0, 1009, 0.1, T, 101) for L0, T in ((1.0, 0.0), (0.0, 1e-310), (0.0, 5e-324))],
        *[cosine_decay(L0, 1009, 0.1, T, 101) for L0, T in ((1e-300, 1e300), (1e300, 1e-300))],
        cosine_decay(2.0, 2**63 - 1, 0.5, 1.0, 2**63 - 1),
        cosine_decay(2.0, 1000.1, 0.5, 1.0, 10.7),
        cosine_decay(0.1, 10, 0.0, 0.2, 0),
        *[
            cosine_decay(0.1, D, 0.0, T, W) | {"end_learning_rate": end}
            for D, T, W in ((1009, None, 0), (1000.1, 0.3, 10.7), (2**60, 0.3, 7))
            for end in (0.0, -0.0, 0.03, 0.1, 0.7, -0.1, 1e-310, 1e300)
        ],
        *[
            cosine_decay(peak, 1009) | {"end_learning_rate": end}
            for peak, end in ((0.0, 0.1), (0.0, 0.0), (-0.1, -0.3), (1e-310, 3e-310), (1e-100, 1.0), (1e300, 1e-300))
        ],
    ],
    draw=to_a_floor(draw_cosine_decay),
    joints=cosine_decay_joints,
)

# ---- CosineDecayRestarts ----

cosine_decay_restarts = named("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha")


def begin(D: float, t: float, i: int) -> Fraction:
    """The step at which cycle i begins, exactly."""
    D, t = Fraction(D), Fraction(t)
    return D * i if t == 1 else D * (t**i - 1) / (t - 1)


def draw_cosine_decay_restarts(draw: random.Random) -> Parameters:
    L0 = draw.choice([1.0, draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-300, 300)])
    D = length(draw, -9)
    t = draw.choice([1.0, 1.0, 2.0, 3, 1.5, draw.uniform(1, 3), draw.uniform(0.1, 1), 10 ** draw.uniform(-19, 19)])
    if draw.random() < 0.2:
        t = 1 + draw.choice([-1, 1]) * 10 ** draw.uniform(-15, -0.5)
    m = draw.choice([1.0, 1.0, 0.9, draw.random(), draw.uniform(1, 3), -draw.random(), 1 + 10 ** draw.uniform(-15, -3)])
    m = draw.choice([m] * 9 + [10 ** draw.uniform(-300, 300)])
    a = draw.choice([0.0, 0.0, 0.1, draw.random(), 1.0, 1e-12, draw.uniform(1, 2), -draw.random()])
    return cosine_decay_restarts(L0, D, t, m, a)


def cosine_decay_restarts_joints(p: Parameters) -> list[Fraction]:
    D, t = Fraction(p["first_decay_steps"]), Fraction(p["t_mul"])
    joints = [begin(D, t, i) for i in (0, 1, 2, 3, 5, -1, -2, -4, 10, 31, 32, 33)]
    return joints + ([D / (1 - t)] if t != 1 else [])  # where shrinking cycles end, growing ones have not begun


RESTART_LENGTHS = (1, 2, 3, 1000, 2**27 + 1, 2**31 - 1, 2**44, 2**53 + 1, 2**63 - 1, 0.7, 1000.1, 2**40 + 1 / 3)
GROWTHS = (1.0, 2.0, 3, 10, 1.5, 1.1, 1.0001, 1 + 2**-52, 0.5, 0.9, 1 - 2**-53, 2.0**-64, 2.0**64)
COSINE_DECAY_RESTARTS = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "first_decay_steps": 10},
        {"initial_learning_rate": 0.1, "first_decay_steps": 7.5, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.1, "name": "r"},
    ],
    hard=[
        cosine_decay_restarts(*values)
        for values in [
            *[
                (0.1, D, t, m, 0.0)
                for D in (*RESTART_LENGTHS, 2.0**-32)
                for t, m in ((1.0, 1.0), (1.0, 0.9), (2.0, 1.0), (1.5, 0.7), (0.9, 1.0))
            ],
            *[(0.1, 1000, t, m, 0.1) for t in GROWTHS for m in (1.0, 0.9)],
            *[
                (0.3, 97, t, m, a)
                for t in (1.0, 1.3)
                for m in (0.0, -0.0, -1.0, -0.8, 5e-324, 1e-300, 1 - 2**-53, 1 + 2**-52, 3.0, 1e300)
                for a in (0.0, 0.2)
            ],
            *[
                (L0, 1009, t, m, a)
                for t, m in ((1.0, 1.0), (1.0, 0.5), (2.0, 1.0), (2.0, 1.5))
                for L0, a in (
                    (0.0, 0.1),
                    (-0.1, 0.1),
                    (5e-324, 0.0),
                    (1e-310, 0.5),
                    (1e300, 1e-9),
                    (0.1, 1.0),
                    (0.1, 1.7),
                )
            ],
            *[(0.1, 1009, t, m, -0.5) for t in (1.0, 2.0) for m in (1.0, 0.9)],
        ]
    ]
    + [
        cosine_decay_restarts(L0, 1009, t, m, 0.0) | {"end_learning_rate": end}
        for t, m in ((1.0, 1.0), (1.0, 0.5), (2.0, 1.0), (2.0, 1.5))
        for L0, end in ((0.1, 0.03), (0.1, 0.3), (0.0, 0.1), (0.1, -0.1), (1e-310, 3e-310), (0.1, 0.1))
    ],
    draw=to_a_floor(draw_cosine_decay_restarts),
    joints=cosine_decay_restarts_joints,
)

# ---- ExponentialDecay ----

exponential_decay = named("initial_learning_rate", "decay_steps", "decay_rate", "staircase")
LENGTHS = (1, 3, 1000, 2**31 - 1, 2**50, 2**50 + 1, 2**53 + 1, 2**63 - 1, 0.7, 1000.1, 2**40 + 1 / 3, 2.0**-64, 1e-9)


def draw_rate(draw: random.Random) -> float:
    return draw.choice([1.0, draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-300, 300)])


def draw_exponential_decay(draw: random.Random) -> Parameters:
    rate = draw.choice([0.96, draw.random(), 1 - 10 ** draw.uniform(-16, 0), 1 + 10 ** draw.uniform(-15, 1)])
    rate = draw.choice([rate, rate, 10 ** draw.uniform(-300, 300)])
    stairs = draw.random() < 0.5
    rate = -rate if stairs and draw.random() < 0.2 else rate
    return exponential_decay(draw_rate(draw), length(draw, -12), rate, stairs)


EXPONENTIAL_DECAY = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9},
        {"initial_learning_rate": 0.05, "decay_steps": 7, "decay_rate": 0.5, "staircase": True, "name": "größer"},
    ],
    hard=[
        *[exponential_decay(0.1, D, 0.96, stairs) for D in LENGTHS for stairs in (False, True)],
        *[exponential_decay(L0, 1009, 0.5, False) for L0 in (0.0, -0.1, 5e-324, 1e-310, 1e-300, 1e300, 2.0**1000)],
        *[
            exponential_decay(0.3, 97, rate, stairs)
            for rate in (0.0, 1.0, 5e-324, 1e-310, 1e-3, 1 - 2**-53, 1 + 2**-52, 3.0, LARGEST_DOUBLE)
            for stairs in (False, True)
        ],
        *[exponential_decay(0.3, D, rate, True) for D in (7, 2.5, 2**53 + 1) for rate in (-1.0, -0.9, -1.1, -1e-300)],
    ],
    draw=draw_exponential_decay,
    joints=multiples,
)

# ---- InverseSquareRootDecay ----

inverse_square_root_decay = named("initial_learning_rate", "timescale", "shift")


def draw_inverse_square_root_decay(draw: random.Random) -> Parameters:
    T = length(draw, -12)
    shift = draw.choice([0, T, -T, draw.randint(-(10**4), 10**4), draw.randint(*INT64), draw.uniform(-1e5, 1e5)])
    return inverse_square_root_decay(draw_rate(draw), T, max(shift, -INT64[1]))


INVERSE_SQUARE_ROOT_DECAY = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "timescale": 10},
        {"initial_learning_rate": 0.05, "timescale": 2.5, "shift": -3, "name": "r"},
    ],
    hard=[
        *[inverse_square_root_decay(0.1, T, shift) for T in LENGTHS for shift in (0, 1, -1, 0.1, INT64[1], -INT64[1])],
        *[inverse_square_root_decay(L0, 1009, 7) for L0 in (0.0, -0.1, 5e-324, 1e-310, 1e-300, 1e300, 2.0**1000)],
    ],
    draw=draw_inverse_square_root_decay,
    joints=lambda p: [Fraction(k) * Fraction(p["timescale"]) - Fraction(p["shift"]) for k in (0, 1, 2, 4, 9, 10**6)],
)

# ---- InverseTimeDecay ----

inverse_time_decay = named("initial_learning_rate", "decay_steps", "decay_rate", "staircase")


def draw_inverse_time_decay(draw: random.Random) -> Parameters:
    L0 = draw.choice([0.1, draw.random(), 10 ** draw.uniform(-8, 2), -draw.random(), 10 ** draw.uniform(-320, 301)])
    D = draw.choice(
        [1, 1000, draw.randint(1, 10**4), draw.randint(1, 2**31), draw.randint(1, INT64[1]), 2 ** draw.uniform(-64, 60)]
    )
    r = draw.choice([0.5, 1.0, draw.random(), 10 ** draw.uniform(-8, 3), -draw.random(), 10 ** draw.uniform(-320, 308)])
    return inverse_time_decay(L0, D, r, draw.random() < 0.5)


def inverse_time_decay_joints(p: Parameters) -> list[Fraction]:
    D, r = Fraction(p["decay_steps"]), Fraction(p["decay_rate"])
    pole = [-D / r] if r else []
    return [*multiples(p), *pole, D * 7, D * 10**6]


INVERSE_TIME_DECAY = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5},
        {"initial_learning_rate": 0.05, "decay_steps": 2.5, "decay_rate": 1.5, "staircase": True},
    ],
    hard=[
        inverse_time_decay(L0, D, r, staircase)
        for L0, D, r in [
            (0.1, 1000, 0.5),
            (0.1, 1, 1.0),
            (1e-3, 999_983, 0.9),
            (0.3, 7, -0.01),
            (0.7, 3, 1e-9),
            (0.1, 0.1, 0.5),
            (0.1, 1000.1, 1 / 3),
            (0.1, 2.0**-64, 1e-12),
            (0.1, 1 / 3, 2.0**-50),
            (0.1, 2**51 + 1, 0.5),
            (0.2309209722158776, 380352236, 1.6731918348300996e-06),
            (0.1, 17172544998957.396, 0.5),
            (0.1, 2**53 + 1, 0.5),
            (0.1, 2**63 - 1, 1 / 3),
            (0.1, 2**60 + 12345, -7.3),
            (-0.1, 1000, 0.5),
            (0.0, 1000, 0.5),
            (0.1, 1000, 0.0),
            (2.0**1000, 10, 3.7),
            (2.0**1000, 10, 1e300),
            (1e300, 10, LARGEST_DOUBLE),
            (1e300, 2**62, 5e-324),
            (1e-300, 1000, 1e5),
            (5e-324, 1000, 0.5),
            (1e-310, 1000, 0.5),
            (0.1, 1000, 1e300),
            (0.1, 1000, -1e300),
            (0.1, 1000, 5e-324),
            (0.1, 1000, -(2.0**-62)),
            (0.1, 1000, -1.0000000000000002),
        ]
        for staircase in (False, True)
    ],
    draw=draw_inverse_time_decay,
    joints=inverse_time_decay_joints,
)

# ---- LogarithmicWarmup ----

logarithmic_warmup = named("peak_learning_rate", "warmup_steps", "initial_learning_rate")


def draw_logarithmic_warmup(draw: random.Random) -> Parameters:
    peak = draw.choice([draw_rate(draw)] * 9 + [0.0])
    L0 = draw.choice([0.0, 0.0, peak * draw.random(), peak * draw.uniform(-3, 3), 10 ** draw.uniform(-8, 2)])
    return logarithmic_warmup(peak, max(2, length(draw, 0)), L0)


LOGARITHMIC_WARMUP = Entry(
    ordinary=[
        {"peak_learning_rate": 0.1, "warmup_steps": 40},
        logarithmic_warmup(0.01, 1000.5, 0.1) | {"name": "l"},
    ],
    hard=[
        *[logarithmic_warmup(0.1, max(2, W), L0) for W in LENGTHS for L0 in (0.0, 0.3)],
        *[
            logarithmic_warmup(P, W, L0)
            for P, L0 in ((0.0, 1.0), (1.0, 1.0), (0.0, 0.0), (-1.0, 2.0), (1.0, -2.0), (1e300, 1e-300), (1e-9, 1.0))
            for W in (2, 1009, 1000.1)
        ],
        *[logarithmic_warmup(*rates) for rates in ((5e-324, 9, 0.0), (1e-310, 9, 3e-310), (2.0**1000, 9, 0.0))],
    ],
    draw=draw_logarithmic_warmup,
    joints=lambda p: [Fraction(0), Fraction(p["warmup_steps"]) - 1, Fraction(p["warmup_steps"]) / 2, Fraction(1, 3)],
)

# ---- PiecewiseConstantDecay ----

piecewise_constant_decay = named("boundaries", "values")


def pieces(count: int, kind: type = int) -> tuple[list[float], list[float]]:
    """So many boundaries, or a few less, and a value more."""
    draw = random.Random(0)
    least = -count if kind is int else -count / 3
    boundaries = sorted({kind(draw.uniform(least, 20 * count)) for _ in range(2 * count)})[:count]
    return boundaries, [draw.random() for _ in range(len(boundaries) + 1)]


def draw_piecewise_constant_decay(draw: random.Random) -> Parameters:
    count = draw.choice([0, 1, 2, 3, 10, draw.randint(1, 100)])
    scale = 2 ** draw.uniform(1, 66)
    numbers = [draw.uniform(-1, 1) * scale for _ in range(count)]
    boundaries = sorted({draw.choice([x, within(int(x))]) for x in numbers})
    return piecewise_constant_decay(boundaries, [draw.random() for _ in range(len(boundaries) + 1)])


def piecewise_constant_decay_joints(p: Parameters) -> list[Fraction]:
    boundaries = [Fraction(boundary) for boundary in p["boundaries"]]
    draw = random.Random(0)
    return boundaries if len(boundaries) <= 20 else [*boundaries[:8], *draw.sample(boundaries, 12)]


PIECEWISE_CONSTANT_DECAY = Entry(
    ordinary=[
        {"boundaries": [10, 30], "values": [0.1, 0.05, 0.01]},
        {"boundaries": [5.5], "values": [0.05, 0.1], "name": "p"},
    ],
    hard=[
        piecewise_constant_decay(*values)
        for values in [
            ([100_000, 110_000], [1.0, 0.5, 0.1]),
            ([], [0.1]),
            ([0], [1.0, 2.0]),
            ([-1.5, 10, 10.25, 10.5, 1e300], [1, 2, 3, 4, 5, 6]),
            ([*INT64], [1.0, 2.0, 3.0]),
            ([INT64[0] + 1, 2**62 + 1, INT64[1] - 1], [1.0, 2.0, 3.0, 4.0]),
            ([-1e300, -(2.0**63), 0, 2.0**63, 1e300], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            # Between two doubles.
            ([2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3, 2**60 + 1], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ([-LARGEST_DOUBLE, -5e-324, 0.0, 5e-324, LARGEST_DOUBLE], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ([0, 1, 2, 3], [LARGEST_DOUBLE, -LARGEST_DOUBLE, 0.0, 5e-324, -0.1]),
            # One piece for each step, about the number of boundaries from which they are searched for.
            *[(list(range(n)), [float(i) for i in range(n + 1)]) for n in (31, 32, 33, 34, 600)],
            pieces(37),
            pieces(1000),
            pieces(5000, float),
        ]
    ],
    draw=draw_piecewise_constant_decay,
    joints=piecewise_constant_decay_joints,
)

# ---- PolynomialDecay ----

polynomial_decay = named("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle")


def draw_polynomial_decay(draw: random.Random) -> Parameters:
    L0 = draw.choice([draw_rate(draw)] * 9 + [0.0])
    end = draw.choice([0.0, 1e-4, L0 * draw.random(), L0 * draw.uniform(0, 3), L0 * 1e-12, 10 ** draw.uniform(-8, 2)])
    power = draw.choice(
        [1.0, 2.0, 0.5, 0.9, 3.0, draw.uniform(0, 5), draw.uniform(0, 100), 10 ** draw.uniform(-19, 19)]
    )
    return polynomial_decay(L0, length(draw, -12), end, power, draw.random() < 0.4)


POLYNOMIAL_DECAY = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "decay_steps": 40},
        {"initial_learning_rate": 0.1, "decay_steps": 10, "end_learning_rate": 0.01, "power": 0.5, "cycle": True},
    ],
    hard=[
        polynomial_decay(*values)
        for values in [
            *[(0.1, D, 1e-4, power, cycle) for D in LENGTHS for power in (0.5, 1.0, 2.5) for cycle in (False, True)],
            *[
                (0.1, 1009, end, power, cycle)
                for end in (0.0, 0.3)
                for power in (0.0, 2.0**-64, 0.5, 1.0, 2, 100.0, 2.0**64, -0.5, -3.0)
                for cycle in (False, True)
            ],
            *[
                (L0, 1009, end, power, False)
                for L0, end in (
                    (0.0, 1.0),
                    (1.0, 1.0),
                    (0.0, 0.0),
                    (-1.0, 2.0),
                    (1.0, -2.0),
                    (1e300, 1e-300),
                    (1e-300, 1e300),
                )
                for power in (1.0, 0.9)
            ],
            *[
                (L0, 1000.1, end, 2.0, False)
                for L0, end in ((5e-324, 0.0), (1e-310, 3e-310), (1e-320, 1.0), (1.0, 1e-320))
            ],
        ]
    ],
    draw=draw_polynomial_decay,
    joints=multiples,
)

# ---- PowerCosineDecay ----

POWERS = (1 / 1024, 0.5, 1.0, 3.0, 1024)
power_cosine_decay = named("initial_learning_rate", "decay_steps", "end_learning_rate", "exponent", "k_decay")


def draw_power_cosine_decay(draw: random.Random) -> Parameters:
    L0 = draw.choice([draw_rate(draw)] * 9 + [0.0])
    end = draw.choice([0.0, 1e-4, L0 * draw.random(), L0 * draw.uniform(0, 3), L0 * 1e-12, 10 ** draw.uniform(-8, 2)])
    powers = [draw.choice([1.0, 1.0, 0.5, 2.0, draw.uniform(0.1, 5), 2 ** draw.uniform(-10, 10)]) for _ in range(2)]
    return power_cosine_decay(L0, length(draw, -12), end, *powers)


POWER_COSINE_DECAY = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "decay_steps": 40},
        power_cosine_decay(0.1, 10, 0.01, 1.5, 0.7) | {"name": "p"},
    ],
    hard=[
        *[power_cosine_decay(0.1, D, 1e-4, 1.5, k) for D in LENGTHS for k in (1.0, 2.5)],
        *[power_cosine_decay(0.1, 1009, end, e, k) for end in (0.0, 0.3) for e in POWERS for k in POWERS],
        *[
            power_cosine_decay(L0, 1000.1, end, 2.0, k)
            for L0, end in ((0.0, 1.0), (1.0, 1.0), (-1.0, 2.0), (1e300, 1e-300), (1e-300, 1e300), (1e-310, 3e-310))
            for k in (1.0, 0.9)
        ],
    ],
    draw=draw_power_cosine_decay,
    joints=multiples,
)

# ---- ConstantSchedule and JoinedSchedule ----

CONSTANT_SCHEDULE = Entry(
    ordinary=[{"learning_rate": 0.1}, {"learning_rate": 0.05, "name": "c"}],
    hard=[{"learning_rate": rate} for rate in (0.0, -0.1, 5e-324, LARGEST_DOUBLE)],
    draw=lambda draw: {"learning_rate": draw_rate(draw)},
    joints=lambda p: [Fraction(0)],
)


def config(name: str, p: Parameters) -> Parameters:
    return {"class_name": name, "config": p}


def draw_joined_schedule(draw: random.Random) -> Parameters:
    """Of schedules with boundaries of their own size, at most four of which are drawn freely."""
    names = [draw.choice(list(PARTS)) for _ in range(draw.choice([1, 2, 3, 4, 12]))]
    scale = 2 ** draw.uniform(3, 63)
    boundaries = sorted({within(int(draw.uniform(-0.2, 1) * scale)) for _ in names[1:]})
    offsets = [draw.choice([0, end, end + 1, within(int(draw.uniform(-1, 1) * scale))]) for end in (0, *boundaries)]
    parts = [config(name, PARTS[name].draw(draw)) for name in names[: len(offsets)]]
    return {"schedules": parts, "boundaries": boundaries, "offsets": draw.choice([None, offsets])}


def joined_schedule_joints(p: Parameters) -> list[Fraction]:
    """The boundaries, and of each schedule some joints within its segment."""
    joints = [Fraction(boundary) for boundary in p["boundaries"]]
    offsets = [0, *p["boundaries"]] if p.get("offsets") is None else p["offsets"]
    ends = [-math.inf, *joints, math.inf]
    for i, part in enumerate(p["schedules"]):
        own = [joint + offsets[i] for joint in PARTS[part["class_name"]].joints(part["config"])]
        joints += [joint for joint in own if ends[i] < joint < ends[i + 1]][:3]
    return joints


def joined(*parts: tuple[str, Parameters], ends: Any, offsets: Any = None) -> Parameters:
    return {"schedules": [config(*part) for part in parts], "boundaries": [*ends], "offsets": offsets}


PARTS = {
    "ConstantSchedule": CONSTANT_SCHEDULE,
    "CosineDecay": COSINE_DECAY,
    "CosineDecayRestarts": COSINE_DECAY_RESTARTS,
    "ExponentialDecay": EXPONENTIAL_DECAY,
    "InverseSquareRootDecay": INVERSE_SQUARE_ROOT_DECAY,
    "InverseTimeDecay": INVERSE_TIME_DECAY,
    "LogarithmicWarmup": LOGARITHMIC_WARMUP,
    "PiecewiseConstantDecay": PIECEWISE_CONSTANT_DECAY,
    "PolynomialDecay": POLYNOMIAL_DECAY,
    "PowerCosineDecay": POWER_COSINE_DECAY,
}
LINE = ("PolynomialDecay", polynomial_decay(0.0, 40, 0.1, 1.0, False))
CONSTANT = ("ConstantSchedule", {"learning_rate": 0.1})
COSINE = ("CosineDecay", cosine_decay(0.1, 1000, 0.1))
JOINED_SCHEDULE = Entry(
    ordinary=[
        {"schedules": [config(*LINE), config(*COSINE)], "boundaries": [40]},
        {"schedules": [config(*COSINE)], "boundaries": [], "offsets": [-3], "name": "j"},
        {"schedules": [config(*LINE), config(*CONSTANT), config(*COSINE)], "boundaries": [40, 90]},
    ],
    hard=[
        joined(LINE, CONSTANT, COSINE, ends=(40, 2000)),
        joined(COSINE, LINE, ends=[0], offsets=[-1, 7]),
        joined(COSINE, LINE, ends=[2**53 + 1], offsets=[2**53 + 1, 2**53 - 1]),
        joined(LINE, COSINE, CONSTANT, ends=[2**60 + 1, INT64[1]]),
        joined(LINE, COSINE, LINE, ends=[INT64[0] + 1, -(2**60) - 1], offsets=[INT64[1], INT64[0], *INT64[:1]]),
        joined(LINE, ("CosineDecay", cosine_decay(0.1, INT64[1])), ends=[40]),
        joined(LINE, ("PiecewiseConstantDecay", piecewise_constant_decay([-1.5, 10, 10.25], [1, 2, 3, 4])), ends=[40]),
        # About as many segments as are evaluated at once, and many more, short ones and long ones.
        *[
            joined(*[LINE, COSINE] * count, ends=range(0, (2 * count - 1) * gap, gap))
            for count in (4, 5, 30)
            for gap in (1, 90)
        ],
    ],
    draw=draw_joined_schedule,
    joints=joined_schedule_joints,
)

# ---- Schedules that are joined of others ----


def linear_decay(L0: float, D: int, end: float, T: float | None = None, W: int = 0) -> Parameters:
    p = cosine_decay(L0, D, end, T, W)
    return {"end_learning_rate" if key == "alpha" else key: value for key, value in p.items()}


def draw_linear_decay(draw: random.Random) -> Parameters:
    p = draw_warmup_stable_decay(draw)
    L0, W, peak = p["initial_learning_rate"], p["warmup_steps"], p["peak_learning_rate"]
    target = peak if W else None
    return linear_decay(L0, p["decay_steps"], p["end_learning_rate"], target, W)


def parts_of(p: Parameters) -> list[Fraction]:
    """The steps at which a part ends."""
    warms = p.get("warmup_target", 1.0) is not None
    lengths = [p["warmup_steps"] if warms else 0, p.get("stable_steps", 0), p["decay_steps"]]
    return [Fraction(sum(lengths[:count])) for count in range(4)]


LINEAR_DECAY = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "decay_steps": 40},
        linear_decay(0.01, 40, 0.02, 0.1, 7) | {"name": "l"},
    ],
    hard=[linear_decay(*values) for values in [(0.1, 1, 0.0), (0.0, 900, 1e-9, 0.1, 1), (0.1, 2**62, 0.3, 0.2, 2**62)]],
    draw=draw_linear_decay,
    joints=parts_of,
)

DECAYS = ("linear", "cosine", "1-sqrt", "exponential", "1-square")


def warmup_stable_decay(peak: float, W: int, S: int, D: int, decay: str, L0: float, end: float) -> Parameters:
    p: Parameters = {"peak_learning_rate": peak, "warmup_steps": W, "stable_steps": S, "decay_steps": D}
    return p | {"decay": decay, "initial_learning_rate": L0, "end_learning_rate": end}


def draw_warmup_stable_decay(draw: random.Random) -> Parameters:
    size = draw.choice([10, 1000, 10**6, 2**40, 2**60])
    W, S, D = (draw.choice([0, draw.randint(0, size)]), draw.choice([0, draw.randint(0, size)]), draw.randint(1, size))
    peak, decay = draw.choice([draw.random(), 10 ** draw.uniform(-8, 2)]), draw.choice(DECAYS)
    L0, end = (peak * draw.choice([0.0, draw.random(), 3.0]) for _ in range(2))
    return warmup_stable_decay(peak, W, S, D, decay, L0, end or (1e-6 * peak if decay == "exponential" else 0.0))


WARMUP_STABLE_DECAY = Entry(
    ordinary=[
        {"peak_learning_rate": 0.1, "warmup_steps": 5, "stable_steps": 20, "decay_steps": 15},
        warmup_stable_decay(0.1, 5, 20, 15, "1-sqrt", 0.01, 0.001) | {"name": "w"},
    ],
    hard=[
        warmup_stable_decay(0.1, W, S, D, decay, 1e-6, 1e-5)
        for decay in DECAYS
        for W, S, D in [(100, 800, 100), (0, 0, 1), (0, 3000, 7), (1, 0, 10**9), (2**52 + 1, 3, 2**53 + 1)]
    ],
    draw=draw_warmup_stable_decay,
    joints=parts_of,
)

one_cycle = named("peak_learning_rate", "total_steps", "pct_start", "div_factor", "final_div_factor", "dialect")


def draw_one_cycle(draw: random.Random) -> Parameters:
    total, start = draw.randint(8, 10 ** draw.randint(1, 12) + 8), draw.choice([0.3, 0.5, draw.uniform(0.26, 0.9)])
    return one_cycle(draw.random(), total, start, 25.0, draw.choice([1e4, 10.0, 0.5]), draw.choice(["optax", "torch"]))


def one_cycle_joints(p: Parameters) -> list[Fraction]:
    T, rise = p["total_steps"], p.get("pct_start", 0.3) * p["total_steps"]
    torch = p.get("dialect") == "torch"
    return [Fraction(0), Fraction(rise - 1 if torch else int(rise)), Fraction(T - torch)]


ONE_CYCLE = Entry(
    ordinary=[{"peak_learning_rate": 0.1, "total_steps": 40}, one_cycle(0.1, 41, 0.4, 10.0, 7.0, "torch")],
    hard=[
        one_cycle(0.1, T, start, 25.0, 1e4, d)
        for d, ways in [("optax", ((3, 0.5), (1001, 0.3), (1, 0.3), (1001, 0.0))), ("torch", ((3, 0.5), (1001, 0.3)))]
        for T, start in ways
    ],
    draw=draw_one_cycle,
    joints=one_cycle_joints,
)

COSINE_ANNEALING = Entry(
    ordinary=[
        {"initial_learning_rate": 0.1, "decay_steps": 40},
        {"initial_learning_rate": 0.1, "decay_steps": 7.5, "end_learning_rate": 0.01, "name": "a"},
    ],
    hard=[
        {"initial_learning_rate": 0.1, "decay_steps": D, "end_learning_rate": end}
        for D in (1, 2, 1009, 1000.1, 2**44 + 1, 2**60 + 1)
        for end in (0.0, 0.3, 1e-9)
    ],
    draw=lambda draw: {
        "initial_learning_rate": draw.random(),
        "decay_steps": length(draw, -3),
        "end_learning_rate": draw.choice([0.0, 1e-9, draw.random()]),
    },
    joints=multiples,
)

JOINED = {
    "CosineAnnealing": COSINE_ANNEALING,
    "LinearDecay": LINEAR_DECAY,
    "OneCycle": ONE_CYCLE,
    "WarmupStableDecay": WARMUP_STABLE_DECAY,
}
FAMILY = {**PARTS, **JOINED, "JoinedSchedule": JOINED_SCHEDULE}
# The registered classes; interface/test_column.py names those without an entry here.
NAMES = sorted((name for name in schedules.SCHEDULES if name in FAMILY), key="CosineDecay".__ne__)  # CosineDecay first
KERAS = [name for name in NAMES if schedules.SCHEDULES[name]._keras]  # Keras has a class of that name
ORDINARY = [(name, config) for name in NAMES for config in FAMILY[name].ordinary]
HARD = [(name, p) for name in NAMES for p in FAMILY[name].hard]


def title(p: Parameters) -> str:
    """Parameters as the name of a test."""
    return "-".join(map(str, p.values()))[:70]


def drawn(name: str, seed: int) -> Parameters:
    return FAMILY[name].draw(random.Random(seed))


def parameters(package: Any, p: Parameters) -> Parameters:
    """The parameters as a class takes them: schedules in place of configs."""
    return {key: [package.deserialize(x) for x in value] if key == "schedules" else value for key, value in p.items()}


def made(package: Any, name: str, p: Parameters) -> Any:
    """A schedule of one of the package's classes."""
    return getattr(package, name)(**parameters(package, p))


def ordinary(package: Any) -> list[Any]:
    """Schedules of every class."""
    return [made(package, name, config) for name, config in ORDINARY]
