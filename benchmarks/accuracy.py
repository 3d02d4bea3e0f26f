"""The search for the largest error: `python benchmarks/accuracy.py` (needs mpmath, and matplotlib for the plot).

Random and structured schedules and steps, then hill-climbing from the largest errors, which are measured in units in
the last place (ULP) of the exact rate. Writes accuracy-report.md and accuracy.png in docs/explanation; `--quick` is a
smoke run of seconds that writes only where `--output` says. Exits with 1 if an error exceeds the contract.

The exact rates are computed independently of the package: in long doubles of at least 64 bits, with the C library's
sine, where rounding is below a hundredth of a ULP of float64; in pairs of long doubles, with a Taylor series, where
digits cancel. tests/oracle.py (mpmath, 400 bits) checks both and confirms every largest error.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf

import cosine_fast
from cosine_fast import CosineDecay

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import oracle  # noqa: E402

BOUND, BOUND_FLOAT32, MISROUNDED = 2.0, 0.5001, 1e-6  # the contract
INT64 = (-(2**63), 2**63 - 1)

# ---- Exact rates ----

F = np.longdouble
DIGITS = np.finfo(F).nmant + 1
if DIGITS < 64:
    raise SystemExit("the oracle needs a long double with a mantissa of 64 bits, as on x86-64 and AArch64 Linux")
SPLITTER = F(2 ** ((DIGITS + 1) // 2) + 1)

Pair = tuple[Any, Any]  # the unevaluated sum of two long doubles, or of two arrays of them


def two_sum(a: Any, b: Any) -> Pair:
    s = a + b
    z = s - a
    return s, (a - (s - z)) + (b - z)


def fast_two_sum(a: Any, b: Any) -> Pair:
    s = a + b
    return s, b - (s - a)


def two_product(a: Any, b: Any) -> Pair:
    p, c, d = a * b, SPLITTER * a, SPLITTER * b
    ah, bh = c - (c - a), d - (d - b)
    al, bl = a - ah, b - bh
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


def add(a: Pair, b: Pair) -> Pair:
    s, t = two_sum(a[0], b[0]), two_sum(a[1], b[1])
    v = fast_two_sum(s[0], s[1] + t[0])
    return fast_two_sum(v[0], t[1] + v[1])


def multiply(a: Pair, b: Pair) -> Pair:
    p = two_product(a[0], b[0])
    return fast_two_sum(p[0], p[1] + (a[0] * b[1] + a[1] * b[0]))


def divide(a: Pair, b: Any) -> Pair:
    q = a[0] / b
    p = two_product(q, b)
    return fast_two_sum(q, (((a[0] - p[0]) - p[1]) + a[1]) / b)


def pair(x: Fraction) -> Pair:
    """A fraction, to twice the digits of a long double."""
    total = (F(0), F(0))
    for _ in range(5):  # of 53 bits each
        part = float(x)
        total, x = add(total, (F(part), F(0))), x - Fraction(part)
    return total


with mp.workprec(400):
    PI = Fraction(int(mp.floor(mp.pi * 2**390)), 2**390)
HALF_PI, PI_PAIR = pair(PI / 2)[0], pair(PI)
# sin(z/2)^2 = (1 - cos z)/2 = sum of -(-z^2)^k / (2 (2k)!); for z <= pi/2 the first omitted term is below 2^-130.
SERIES = [pair(Fraction(-((-1) ** k), 2 * math.factorial(2 * k))) for k in range(1, 21)]


class Parameters(NamedTuple):
    """CosineDecay's parameters; T = None, W = 0 is no warmup."""

    L0: float
    D: int | float
    alpha: float = 0.0
    T: float | None = None
    W: int | float = 0

    @property
    def peak(self) -> float:
        return self.L0 if self.T is None else self.T

    def schedule(self) -> CosineDecay:
        return CosineDecay(self.L0, self.D, self.alpha, warmup_target=self.T, warmup_steps=self.W)

    def code(self, step: float | None = None) -> str:
        warmup = "" if self.T is None else f", warmup_target={self.T!r}, warmup_steps={self.W!r}"
        call = "" if step is None else f"({step!r})"
        return f"CosineDecay({self.L0!r}, {self.D!r}, {self.alpha!r}{warmup}){call}"


class Exact(NamedTuple):
    """The exact rates, and how errors are measured."""

    rate: Pair
    scale: np.ndarray  # errors are in ULP of the rate, or of this where it is larger
    granted: float  # an absolute error that the contract allows in addition, where a decay crosses zero
    phase: np.ndarray  # an index into PHASES


PHASES = ("warmup", "upper half", "lower half, floor 0", "lower half, other floors", "at and past the end", "negative")
WARMUP, UPPER, LOWER_TO_ZERO, LOWER, PAST, NEGATIVE = range(len(PHASES))


def time_in_decay(p: Parameters, steps: np.ndarray) -> tuple[np.ndarray, Pair]:
    """Whether each step is in the upper half, and its exact distance from the nearer end of the decay.

    Distances of steps in the warmup are meaningless. Without a warmup, negative steps are first mirrored to 0 ... D.
    """
    if steps.dtype.kind == "i" and isinstance(p.D, int) and isinstance(p.W, int):
        if p.W:
            t = np.maximum(steps, p.W) - p.W
        else:  # |s| and 2D are within uint64
            size = np.where(steps < 0, -(steps + 1), steps).astype(np.uint64) + (steps < 0).astype(np.uint64)
            around = size % np.uint64(2 * p.D)
            size = np.where(steps < 0, np.minimum(around, np.uint64(2 * p.D) - around), size)
            t = np.minimum(size, np.uint64(p.D)).astype(np.int64)
        t = np.minimum(t, p.D)
        left = p.D - t
        return t < left, (np.minimum(t, left).astype(F), F(0))
    s, D, W = steps.astype(F), F(p.D), F(p.W)
    if p.W:
        t2 = two_sum(s, -W)
    else:
        around = np.fmod(np.abs(s), 2 * D)  # fmod is exact, 2 D too
        back = two_sum(2 * D, -around)
        far = around > D
        t2 = np.where(s < 0, np.where(far, back[0], around), s), np.where((s < 0) & far, back[1], 0)
    left2 = add((D, F(0)), (-t2[0], -t2[1]))
    upper = (t2[0] < left2[0]) | ((t2[0] == left2[0]) & (t2[1] < left2[1]))
    high, low = (np.where(upper, a, b) for a, b in zip(t2, left2, strict=True))
    past = high <= 0
    return upper, (np.where(past, 0, high), np.where(past, 0, low))


def decay(p: Parameters, upper: np.ndarray, m: Pair) -> Pair:
    """peak - y in the upper half, peak*alpha + y in the lower, y = peak * (1 - alpha) * sin(pi*m / 2D)^2.

    alpha >= 0: long doubles suffice. Let u = 2^-64, at most half a ULP of theirs. m, the quotient m/D, pi/2 and the
    product are each rounded: 4 u of an angle up to pi/4, which the sine does not amplify; its own error (1 ULP) adds
    2 u. The square has 12 u + u; 1 - alpha and two products make it 16 u of y. |y| <= |peak * (1 - alpha)| / 2 never
    exceeds the result, and the floor is at most twice that. With the roundings of the floor (2 u) and of the sum (u)
    the result is within 19 u = 2^-59.7 of the exact one, below 0.01 ULP of float64. Measured: below 0.003; and mpmath
    confirms every largest error.

    alpha < 0: digits cancel where the rate crosses zero. Pairs are accurate to 2^-120 of the peak, a millionth of what
    the contract allows there.
    """
    if p.alpha >= 0:
        sine = np.sin(HALF_PI * (m[0] / F(p.D)))
        y = (F(p.peak) * (F(1) - F(p.alpha))) * (sine * sine)
        return np.where(upper, F(p.peak) - y, F(p.peak) * F(p.alpha) + y), np.zeros_like(y)
    z = multiply(PI_PAIR, divide(m, F(p.D)))
    x = multiply(z, z)
    total = SERIES[-1]
    for term in reversed(SERIES[:-1]):
        total = add(term, multiply(x, total))
    amplitude = multiply((F(p.peak), F(0)), two_sum(F(1), -F(p.alpha)))
    y = multiply(amplitude, multiply(x, total))
    sign = np.where(upper, F(-1), F(1))
    floor = two_product(F(p.peak), F(p.alpha))
    base = np.where(upper, F(p.peak), floor[0]), np.where(upper, F(0), floor[1])
    return add(base, (sign * y[0], sign * y[1]))


def warmup(p: Parameters, steps: np.ndarray) -> Pair:
    """Between the ends, (L0 * (W - s) + T * s) / W: 5 roundings. Its terms cancel only if the line crosses zero, where
    errors are measured by the larger end. Below step 0 they may cancel, hence the pairs.
    """
    s, L0, T, W = steps.astype(F), F(p.L0), F(p.peak), F(p.W)
    rate = (L0 * (W - s) + T * s) / W
    rest, below = np.zeros_like(rate), steps < 0
    if below.any():
        line = add((L0, F(0)), divide(multiply(two_sum(T, -L0), (s[below], F(0))), W))
        rate[below], rest[below] = line
    return rate, rest


def exact_rates(p: Parameters, steps: np.ndarray) -> Exact:
    upper, m = time_in_decay(p, steps)
    high, low = decay(p, upper, m)
    phase = np.where(upper, UPPER, np.where(m[0] == 0, PAST, LOWER_TO_ZERO if p.alpha == 0 else LOWER))
    scale = np.zeros(steps.shape)
    if p.W and (in_warmup := steps.astype(F) < F(p.W)).any():  # W may be rounded as float64
        line = warmup(p, steps[in_warmup])
        high[in_warmup], low[in_warmup] = line
        phase[in_warmup] = WARMUP
        crosses = np.where(steps[in_warmup] < 0, crosses_zero(p, -1), crosses_zero(p, 0))
        scale[in_warmup] = crosses * max(abs(p.L0), abs(p.peak))
    phase[steps < 0] = NEGATIVE
    granted = 2.0**-98 * max(abs(p.peak), abs(p.peak * p.alpha)) if p.alpha < 0 else 0.0
    return Exact((high, low), scale, granted, phase)


def crosses_zero(p: Parameters, step: float) -> bool:
    """Whether the warmup line crosses zero between its ends or, at a negative step, runs from L0 towards zero."""
    start, end = np.sign(p.L0), np.sign(p.peak)
    return bool(start * end < 0 or (step < 0 and start * np.sign(p.peak - p.L0) > 0))


def units(exact: Exact, digits: int, least: int) -> np.ndarray:
    size = np.maximum(np.abs(exact.rate[0]), exact.scale)
    return np.ldexp(F(1), np.maximum(np.frexp(size)[1] - digits, least))


def errors(rates: np.ndarray, exact: Exact) -> np.ndarray:
    """In ULP of the rates' dtype. Rates beyond its range must be infinite."""
    single = rates.dtype == np.float32
    unit = units(exact, *((24, -149) if single else (53, -1074)))
    with np.errstate(invalid="ignore"):
        off = np.abs((rates.astype(F) - exact.rate[0]) - exact.rate[1])
    if exact.granted:
        off = np.where(exact.phase == WARMUP, off, np.maximum(off - exact.granted, 0))
    off = (off / unit).astype(np.float64)
    largest = float(np.finfo(rates.dtype).max)
    if not np.isfinite(rates).all():
        beyond = np.abs(exact.rate[0]) > largest
        off[beyond] = np.where(np.isinf(rates[beyond]), 0.0, np.inf)
    return np.where(np.isnan(off), np.inf, off)


def confirmed(p: Parameters, step: float, dtype: type = np.float64) -> float:
    """The error according to mpmath."""
    value, rate = p.schedule()(step, dtype=dtype), oracle.rate(step, *p)
    in_warmup = p.T is not None and step < p.W
    at = max(abs(p.L0), abs(p.peak)) if in_warmup and crosses_zero(p, step) else 0.0
    error = oracle.ulps(value, rate, at, dtype)
    if p.alpha < 0 and not in_warmup:
        with mp.workprec(oracle.PRECISION):
            error -= float(mpf(2) ** -98 * max(abs(p.peak), abs(p.peak * p.alpha)) / oracle.ulp(rate, dtype))
    return math.inf if math.isnan(error) else max(error, 0.0)


# ---- Where the search looks: a schedule and its steps are drawn from one row of each table ----

Random = np.random.Generator
PRIMES = (2, 3, 5, 7, 101, 9973, 999983, 2147483647, 67280421310721, 2305843009213693951)
FAR = (2**31, 2**44, 2**51, 2**53 - 1, 2**53 + 1, 2**62, 2**63 - 2, 2**63 - 1)


def log_uniform(rng: Random, low: float, high: float) -> float:
    return float(2.0 ** rng.uniform(math.log2(low), math.log2(high)))


def nudged(rng: Random, x: float) -> float:
    """x times 1 +- 2^-k for a random k."""
    return x * (1.0 + float(rng.choice([-1, 1])) * 2.0 ** -int(rng.integers(1, 54)))


def whole(rng: Random, low: float, high: float) -> int:
    return min(int(log_uniform(rng, low, high)), INT64[1])


Table = dict[str, tuple[float, Callable[..., Any]]]

PEAKS: Table = {
    "peak 1e-8 to 1e2": (60, lambda rng: log_uniform(rng, 1e-8, 1e2)),
    "peak round": (10, lambda rng: float(rng.choice([1e-3, 3e-4, 6e-4, 2e-5, 0.1, 0.5, 1.0]))),
    "peak about a power of 2": (10, lambda rng: nudged(rng, 2.0 ** int(rng.integers(-20, 8)))),
    "peak 1e-300 to 1e300": (8, lambda rng: log_uniform(rng, 1e-300, 1e300)),
    "peak about 1e-300 or 1e300": (4, lambda rng: log_uniform(rng, 1e297, 1e301) ** int(rng.choice([-1, 1]))),
    "peak 1e-323 to 1e-290, subnormal rates": (7, lambda rng: max(10.0 ** rng.uniform(-323, -290), 5e-324)),
    "peak < 0": (3, lambda rng: -log_uniform(rng, 1e-8, 1e2)),
}
DECAYS: Table = {
    "decay_steps 1e2 to 1e8": (40, lambda rng: whole(rng, 1e2, 1e8)),
    "decay_steps 1 to 1e4": (16, lambda rng: int(rng.integers(1, 10**4))),
    "decay_steps to 2^44": (12, lambda rng: whole(rng, 2**26, 2**44)),
    "decay_steps 1, 2, 3 and primes": (8, lambda rng: int(rng.choice((1, 2, 3, *PRIMES)))),
    "decay_steps 2^31, 2^44, 2^53 +- 1, 2^63 - 1": (7, lambda rng: int(rng.choice(FAR))),
    "decay_steps 2^44 to 2^63": (5, lambda rng: whole(rng, 2**44, 2**63)),
    "decay_steps fractional": (12, lambda rng: log_uniform(rng, 0.5, 10.0 ** rng.choice([5, 10, 15]))),
    "decay_steps below 1": (2, lambda rng: log_uniform(rng, 2.0**-64, 1)),
}
ALPHAS: Table = {
    "alpha 0": (45, lambda rng: 0.0),
    "alpha 0 to 1": (20, lambda rng: float(rng.random())),
    "alpha round": (10, lambda rng: float(rng.choice([0.1, 0.01, 0.5, 1e-5, 1.0]))),
    "alpha 1e-300 to 1e-12": (4, lambda rng: log_uniform(rng, 1e-300, 1e-12)),
    "alpha near 1": (8, lambda rng: min(nudged(rng, 1.0), 1.5)),
    "alpha > 1": (6, lambda rng: 1.0 + log_uniform(rng, 1e-3, 1e6)),
    "alpha < 0": (7, lambda rng: -log_uniform(rng, 1e-9, 1e3)),
}
STARTS: Table = {  # of a warmup
    "no warmup": (45, lambda rng, peak: None),
    "warmup from 0": (20, lambda rng, peak: 0.0),
    "warmup from below": (12, lambda rng, peak: peak * float(rng.random())),
    "warmup from above": (8, lambda rng, peak: peak * log_uniform(rng, 1, 1e6)),
    "warmup from near the peak": (7, nudged),
    "warmup that crosses zero": (8, lambda rng, peak: -peak * log_uniform(rng, 1e-6, 1e6)),
}
WARMUPS: Table = {
    "warmup_steps 1 to 1e6": (70, lambda rng: whole(rng, 1, 1e6)),
    "warmup_steps to 2^62": (8, lambda rng: whole(rng, 1e6, 2**62)),
    "warmup_steps near int64's end": (8, lambda rng: INT64[1] - whole(rng, 1, 2**62) + 1),
    "warmup_steps fractional": (14, lambda rng: log_uniform(rng, 0.5, 10.0 ** rng.choice([3, 8, 15]))),
    "warmup_steps below 1": (2, lambda rng: log_uniform(rng, 2.0**-64, 1)),
}


def from_(base: float, offsets: np.ndarray) -> np.ndarray:
    """base + offsets within int64."""
    start = min(max(int(base), INT64[0]), INT64[1])
    low, high = max(INT64[0] - start, INT64[0]), min(INT64[1] - start, INT64[1])
    return start + np.clip(offsets, low, high)


def powers(rng: Random, n: int) -> np.ndarray:
    """Whole numbers of every magnitude, 1 to 2^63."""
    return np.exp2(rng.uniform(0, 62.999, n)).astype(np.int64)


def everywhere(rng: Random, p: Parameters, n: int) -> np.ndarray:
    if p.W and rng.random() < 0.4:
        return rng.integers(0, math.ceil(p.W), n, endpoint=True)
    return rng.integers(int(p.W), min(int(p.W) + math.ceil(p.D), INT64[1]), n, endpoint=True)


def near_middle(rng: Random, p: Parameters, n: int) -> np.ndarray:
    return from_(p.W, (float(p.D) * rng.uniform(0.45, 0.55, n)).astype(np.int64))


def about_middle(rng: Random, p: Parameters, n: int) -> np.ndarray:
    return from_(p.W + p.D // 2, np.arange(n) - n // 2)


def last_steps(rng: Random, p: Parameters, n: int) -> np.ndarray:
    return from_(math.ceil(p.W + p.D), 8 - np.arange(n))


def joint(rng: Random, p: Parameters, n: int) -> np.ndarray:
    return from_(p.W, np.arange(n) - n // 2)


def all_sizes(rng: Random, p: Parameters, n: int) -> np.ndarray:
    base = rng.choice([0, 1, 2])
    return from_((0, p.W, p.W + p.D)[base], powers(rng, n) * rng.choice([-1, 1], n))


def negative(rng: Random, p: Parameters, n: int) -> np.ndarray:
    if rng.random() < 0.5:
        return -powers(rng, n)
    return -rng.integers(1, min(3 * math.ceil(p.W + p.D), INT64[1]), n, endpoint=True)


def int64_ends(rng: Random, p: Parameters, n: int) -> np.ndarray:
    return np.concatenate([INT64[0] + np.arange(n // 2), INT64[1] - np.arange(n // 2)])


def fractions(rng: Random, p: Parameters, n: int) -> np.ndarray:
    x = rng.random(n) * rng.choice([1.0, -1.0, 1e-9], n, p=[0.9, 0.07, 0.03])
    return np.where(rng.random(n) < 0.3, p.W * x, p.W + p.D * (1 - x if rng.random() < 0.5 else x))


def steps_near(rng: Random, p: Parameters, rate: float, n: int) -> np.ndarray:
    """Steps around the one where the warmup or the decay has this rate."""
    if p.W and p.peak != p.L0 and rng.random() < 0.5:
        centre = min(max((rate - p.L0) / (p.peak - p.L0) * p.W, INT64[0]), p.W)
        width = max(1.0, p.W * 1e-3)
    else:
        wave = (rate / p.peak - p.alpha) / (1 - p.alpha) if p.alpha != 1 else 0.0
        centre = p.W + p.D * math.acos(min(max(2 * wave - 1, -1.0), 1.0)) / math.pi
        width = max(1.0, p.D * 1e-3)
    offsets = rng.integers(-n, n, n) if rng.random() < 0.5 else (rng.uniform(-1, 1, n) * width).astype(np.int64)
    return from_(centre, offsets)


def below_a_power_of_2(rng: Random, p: Parameters, n: int) -> np.ndarray:
    """A relative error is most ULPs where the rate is just below a power of 2."""
    high = max(abs(p.peak), 5e-324)
    rate = math.ldexp(1.0 - 2.0**-20, math.frexp(high)[1] - int(rng.choice([-1, 0, 1, 1, 2, 3, 10])))
    return steps_near(rng, p, math.copysign(rate, p.peak if rng.random() < 0.7 else -p.peak), n)


def far_below(rng: Random, p: Parameters, n: int) -> np.ndarray:
    """Where a nearly flat warmup line, beyond -2^53 steps, reaches about minus its ends."""
    if not p.W or p.peak == p.L0 or not math.isfinite(span := p.L0 / (p.peak - p.L0) * p.W):
        return negative(rng, p, n)
    far = -np.minimum(np.abs(span) * np.exp2(rng.uniform(-2, 3, n)), 2.0**63)
    return from_(0, np.where(far <= -(2.0**53), far, -(2.0**53)).astype(np.int64) + rng.integers(0, 1000, n))


def zero_crossings(rng: Random, p: Parameters, n: int) -> np.ndarray:
    return steps_near(rng, p, 0.0, n)


STEPS: Table = {
    "steps anywhere": (20, everywhere),
    "steps 0.45 to 0.55 of the decay": (10, near_middle),
    "steps just below a power of 2": (16, below_a_power_of_2),
    "steps about the middle": (8, about_middle),
    "the last steps": (10, last_steps),
    "steps about the joint": (8, joint),
    "steps at distances of every size": (8, all_sizes),
    "steps beyond 2^53 where the line has turned": (2, far_below),
    "steps fractional": (9, fractions),
    "steps negative": (6, negative),
    "steps at int64's ends": (1, int64_ends),
    "steps where rates cross zero": (4, zero_crossings),
}


def pick(rng: Random, table: Table, labels: list[str]) -> Callable[..., Any]:
    weights = np.array([weight for weight, _ in table.values()], np.float64)
    label = list(table)[rng.choice(len(table), p=weights / weights.sum())]
    labels.append(label)
    return table[label][1]


def draw(rng: Random, n: int) -> tuple[Parameters, np.ndarray, list[str]]:
    labels: list[str] = []
    peak, D, alpha = (pick(rng, table, labels)(rng) for table in (PEAKS, DECAYS, ALPHAS))
    start = pick(rng, STARTS, labels)(rng, peak)
    p = (
        Parameters(peak, D, alpha)
        if start is None
        else Parameters(start, D, alpha, peak, pick(rng, WARMUPS, labels)(rng))
    )
    p = Parameters(*(int(x) if isinstance(x, float) and i in (1, 4) and x.is_integer() else x for i, x in enumerate(p)))
    return p, np.unique(pick(rng, STEPS, labels)(rng, p, n)), labels


# ---- The search ----

KINDS = ("whole", "fractional", "wide")


def kind(p: Parameters, steps: np.ndarray) -> str:
    """fractional: a number of steps, or a step, is a float; wide: the header does not compute it in single doubles."""
    rates = [abs(p.peak), abs(p.peak * p.alpha)] + ([abs(p.L0)] if p.W else [])
    differences = [abs(p.peak * (1 - p.alpha))] + ([abs(p.peak - p.L0)] if p.W else [])
    small = any(0 < x < 2.0**-150 for x in differences)
    if p.alpha < 0 or small or max(rates) > 2.0**300 or p.W + p.D > 2**44 or p.D < 2.0**-20:
        return "wide"
    return "fractional" if steps.dtype.kind == "f" or isinstance(p.D, float) or isinstance(p.W, float) else "whole"


class Case(NamedTuple):
    error: float
    p: Parameters
    step: int | float


@dataclass
class Tally:
    """Errors of one kind and phase, of float32, or of one place."""

    count: int = 0
    drawn: int = 0  # without hill-climbing, which finds larger errors than most
    total: float = 0.0
    right: int = 0
    worst: list[Case] = field(default_factory=list)  # the largest first, without duplicates

    def enter(self, case: Case, keep: int = 24) -> None:
        if any(case.error == other.error for other in self.worst):  # most likely an equivalent schedule
            return
        if len(self.worst) < keep or case.error > self.worst[-1].error:
            self.worst = sorted([*self.worst, case], key=lambda c: -c.error)[:keep]

    def largest(self) -> Case:
        return self.worst[0]


def has_tie(p: Parameters) -> bool:
    """Whether a rate at the start or the end of the schedule is half-way between two float32 values."""
    return any((math.frexp(rate)[0] * 2.0**25) % 2 == 1 for rate in (p.L0, p.peak, p.peak * p.alpha))


def tie(rng: Random, n: int) -> tuple[Parameters, np.ndarray]:
    """A peak half-way between two float32 values, and steps near it, whose rates are just below."""
    peak = math.ldexp(int(rng.integers(2**23, 2**24)) + 0.5, int(rng.integers(-40, -20)))
    alpha = float(rng.choice([0.0, 0.1, rng.random(), 1.0 - 2.0 ** -int(rng.integers(1, 54))]))
    p = Parameters(peak, whole(rng, 1, 2**44), alpha)
    return p, np.unique(np.concatenate([powers(rng, n // 2) % (p.D + 1), np.arange(n // 2)]))


class Search:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.tallies: dict[tuple[str, int], Tally] = {}
        self.places: dict[str, Tally] = {}
        self.single, self.ties = Tally(), Tally()
        self.count = 0

    def measure(self, p: Parameters, steps: np.ndarray, labels: Iterable[str] = ()) -> None:
        schedule, exact = p.schedule(), exact_rates(p, steps)
        rates = schedule(steps, num_threads=1)
        error = errors(rates, exact)
        self.count += steps.size
        worst = int(error.argmax())
        for label in labels:
            place = self.places.setdefault(label, Tally())
            place.count += steps.size
            place.enter(Case(float(error[worst]), p, steps[worst].item()), keep=1)
        counts = np.bincount(exact.phase, minlength=len(PHASES))
        for phase in np.flatnonzero(counts):
            tally = self.tallies.setdefault((kind(p, steps), int(phase)), Tally())
            here = error[exact.phase == phase] if counts[phase] < steps.size else error
            at = np.flatnonzero(exact.phase == phase)[here.argmax()]
            tally.count += here.size
            tally.enter(Case(float(here.max()), p, steps[at].item()))
            if labels:
                tally.drawn += here.size
                tally.total += float(here.sum())
                tally.right += int((here <= 0.5 + 2.0**-11).sum())  # the resolution of long doubles
        self.measure_single(p, steps, exact, self.ties if has_tie(p) else self.single, bool(labels))

    def measure_single(self, p: Parameters, steps: np.ndarray, exact: Exact, tally: Tally, drawn: bool = True) -> None:
        """float32 rates of the same steps, except where they overflow or the contract allows more."""
        fits = np.abs(exact.rate[0]) < float(np.finfo(np.float32).max)
        if exact.granted or not fits.any():
            return
        with np.errstate(over="ignore", under="ignore"):
            rates = p.schedule()(steps, dtype=np.float32, num_threads=1)
            wrong = fits & (rates != exact.rate[0].astype(np.float32)) & (exact.scale == 0)
        tally.count += drawn * int(fits.sum())
        tally.right += drawn * int(fits.sum())
        for at in np.flatnonzero(wrong):
            error = confirmed(p, steps[at].item(), np.float32)
            tally.right -= drawn and error > 0.5
            tally.enter(Case(error, p, steps[at].item()))

    def random(self, until: int, size: int) -> None:
        while self.count < until:
            p, steps, labels = draw(self.rng, size)
            try:
                p.schedule()
            except ValueError:  # rates beyond 2^1000
                continue
            self.measure(p, steps, labels)

    def single_ties(self, schedules: int, size: int) -> None:
        for _ in range(schedules):
            p, steps = tie(self.rng, size)
            self.measure_single(p, steps, exact_rates(p, steps), self.ties)

    def climb(self, until: int, size: int) -> None:
        """Neighbours of the largest errors of each kind and phase, in turns; larger ones replace them."""
        while self.count < until:
            for tally in list(self.tallies.values()):
                case = tally.worst[min(int(self.rng.exponential(4)), len(tally.worst) - 1)]
                p, steps = neighbour(self.rng, case, size)
                try:
                    p.schedule()
                except ValueError:
                    continue
                self.measure(p, np.unique(steps))


def neighbour(rng: Random, case: Case, n: int) -> tuple[Parameters, np.ndarray]:
    """A schedule near that of the case, or with other mantissas, and steps at about the same fraction of it."""
    p = case.p
    old, change = p, rng.random(5) < 0.4
    scale = nudged(rng, 1.0) if rng.random() < 0.7 else 2.0 ** rng.uniform(-1, 1)  # of the rates; keeps their ratio
    if change[0]:
        p = p._replace(L0=p.L0 * scale, T=None if p.T is None else p.T * scale)
    if change[1] and p.alpha:
        p = p._replace(alpha=nudged(rng, p.alpha))
    if change[2]:
        p = p._replace(D=nudged_steps(rng, p.D))
    if change[3] and p.W:
        p = p._replace(W=nudged_steps(rng, p.W))
    if change[4] and p.W and p.L0:
        p = p._replace(L0=nudged(rng, p.L0))
    base = same_place(case.step, old, p)
    if isinstance(case.step, float):
        width = (p.W if case.step < p.W else p.D) * 2.0 ** -rng.uniform(3, 40)
        return p, float(base) + width * rng.uniform(-1, 1, n)
    width = int(
        min(max(n, 2.0 ** rng.uniform(0, 62)), max(n, max(float(p.D if case.step > p.W else p.W), abs(case.step)) / 50))
    )
    return p, from_(base, rng.integers(-width, width, n, endpoint=True))


def nudged_steps(rng: Random, steps: int | float) -> int | float:
    if isinstance(steps, float):
        return nudged(rng, steps)
    change = int(steps * 2.0 ** -rng.uniform(1, 40)) or int(rng.integers(1, 4))
    return min(max(steps + change * int(rng.choice([-1, 1])), 1), INT64[1])


def same_place(step: float, old: Parameters, new: Parameters) -> Fraction:
    if old.W and step < old.W:
        return Fraction(step) * Fraction(new.W) / Fraction(old.W)
    return Fraction(new.W) + (Fraction(step) - Fraction(old.W)) * Fraction(new.D) / Fraction(old.D)


def check_oracle(rng: Random, count: int) -> dict[str, tuple[int, float]]:
    """The largest difference between this script's exact rates and mpmath's, in ULP of float64."""
    found = {"long doubles": (0, 0.0), "pairs of long doubles": (0, 0.0)}
    while sum(n for n, _ in found.values()) < count:
        p, steps, _ = draw(rng, 4096)
        steps = rng.choice(steps, min(8, steps.size), replace=False)
        exact = exact_rates(p, steps)
        for at, step in enumerate(steps.tolist()):
            paired = step < 0 if p.W and step < p.W else p.alpha < 0
            label = "pairs of long doubles" if paired else "long doubles"
            with mp.workprec(oracle.PRECISION):
                ours = oracle.exactly(fraction(exact.rate[0][at]) + fraction(exact.rate[1][at]))
                true = oracle.rate(step, *p)
                off = max(abs(ours - true) - exact.granted / 2**20, 0)
                off = float(off / oracle.ulp(max(abs(true), mpf(float(exact.scale[at])))))
            found[label] = found[label][0] + 1, max(found[label][1], off)
    return found


def fraction(x: Any) -> Fraction:
    """A long double exactly."""
    mantissa, exponent = np.frexp(x)
    high = float(mantissa)
    return (Fraction(high) + Fraction(float(mantissa - F(high)))) * Fraction(2) ** int(exponent)


# ---- Other libraries ----

PEAK = 1e-3
Rates = Callable[[int], np.ndarray]  # of the steps 0 ... decay_steps - 1, alpha = 0


def ours(D: int) -> np.ndarray:
    return CosineDecay(PEAK, D).precompute(D)


def numpy_expression(D: int) -> np.ndarray:
    return PEAK * (0.5 * (1 + np.cos(np.pi * (np.arange(D) / D))))


def keras_numpy(D: int) -> np.ndarray:
    os.environ["KERAS_BACKEND"] = "numpy"  # read at the import
    keras = importlib.import_module("keras")
    return np.asarray(keras.optimizers.schedules.CosineDecay(PEAK, D)(np.arange(D)))


def torch_closed_form(D: int) -> np.ndarray:
    torch = importlib.import_module("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=D)
    rates = np.empty(D)
    for step in range(D):
        schedule.last_epoch = step
        rates[step] = schedule._get_closed_form_lr()[0]
    return rates


def optax_rates(D: int, x64: bool) -> np.ndarray:
    jax, optax = importlib.import_module("jax"), importlib.import_module("optax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", x64)
    try:
        return np.asarray(optax.cosine_decay_schedule(PEAK, D)(jax.numpy.arange(D)))
    finally:
        jax.config.update("jax_enable_x64", before)


PEERS: dict[str, tuple[str, Rates]] = {  # name: package, rates
    "Keras, float32": ("keras", keras_numpy),
    "optax, float32": ("optax", lambda D: optax_rates(D, x64=False)),
    "optax, float64 (x64)": ("optax", lambda D: optax_rates(D, x64=True)),
    "PyTorch, float64": ("torch", torch_closed_form),
    "NumPy, float64": ("numpy", numpy_expression),
    "cosine_fast": ("cosine_fast", ours),
}


def compare(D: int) -> tuple[dict[str, np.ndarray], list[str]]:
    """The error of each library at every step of one decay, in ULP of float64; and lines about missing ones."""
    p = Parameters(PEAK, D)
    exact = exact_rates(p, np.arange(D))
    found, absent = {}, []
    for name, (package, rates) in PEERS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[name] = errors(rates(D).astype(np.float64), exact)
        except ImportError:
            absent.append(f"{name}: skipped, {package} is not installed.")
    return found, absent


STYLES: dict[str, dict[str, Any]] = {
    "Keras, float32": {"color": "#E69F00", "linestyle": "-"},
    "optax, float32": {"color": "#CC79A7", "linestyle": (0, (4, 2))},
    "optax, float64 (x64)": {"color": "#009E73", "linestyle": "-"},
    "PyTorch, float64": {"color": "#56B4E9", "linestyle": (0, (4, 2))},
    "NumPy, float64": {"color": "#D55E00", "linestyle": (0, (1, 1.2))},
    "cosine_fast": {"color": "#0072B2", "linestyle": "-"},
}


def largest_in_bins(x: np.ndarray, y: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest y in each bin that has one; x is ascending."""
    at = np.searchsorted(x, edges)
    used = at[1:] > at[:-1]
    return np.sqrt(edges[1:] * edges[:-1])[used], np.maximum.reduceat(y, at[:-1][used])


def plot(found: dict[str, np.ndarray], D: int, path: Path) -> None:
    import matplotlib
    from matplotlib.figure import Figure

    from cosine_fast.plotting import DPI, STYLE

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9, 5.1), dpi=DPI, layout="constrained")
        draw_errors(figure, found, D)
        figure.savefig(path, metadata={"Software": None})


def draw_errors(figure: Any, found: dict[str, np.ndarray], D: int) -> None:
    whole_axes, last = figure.subplots(1, 2, sharey=True, width_ratios=[1.15, 1])
    x = (np.arange(D) + 0.5) / D
    linear, tail = np.linspace(0, 1, 201), np.geomspace(0.9 / D, 0.1, 41)
    left = np.arange(1, D // 10) / D
    for name, error in found.items():
        style = STYLES[name] | {"linewidth": 1.9 if name == "cosine_fast" else 1.5, "label": name}
        at = np.maximum.reduceat(error, np.searchsorted(x, linear[:-1]))
        whole_axes.plot((linear[1:] + linear[:-1]) / 2, np.maximum(at, 0.1), **style)
        last.plot(*largest_in_bins(left, np.maximum(error[-left.size :][::-1], 0.1), tail), **style)
    finish(whole_axes, last, D)


def finish(whole_axes: Any, last: Any, D: int) -> None:
    for axes in (whole_axes, last):
        axes.set_yscale("log")
        axes.set_ylim(0.04, 1e17)
        axes.grid(True, axis="y", color="#E6E6E6", linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.axhline(BOUND, color="#777777", linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
    whole_axes.set_xlim(0, 1)
    whole_axes.set_xlabel("step / decay_steps")
    whole_axes.set_ylabel("error of the learning rate, ULP of float64")
    last.set_xscale("log")
    last.set_xlim(0.1, 0.9 / D)
    last.set_xlabel("1 \N{MINUS SIGN} step / decay_steps, down to the last step")
    last.annotate(f"{BOUND:g} ULP", (0.1, BOUND), (3, 3), textcoords="offset points", color="#777777", fontsize=8)
    handles, labels = whole_axes.get_legend_handles_labels()
    whole_axes.legend(handles, labels, loc="upper left", frameon=False, fontsize=8, handlelength=2.6)


# ---- The report ----


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def share(part: int, count: int) -> str:
    return f"{100 * part / count:.2f} %" if count else "none drawn"


def place(case: Case) -> str:
    p, step = case.p, case.step
    if p.W and step < p.W:
        return f"s/W = {float(Fraction(step) / Fraction(p.W)):.4g}"
    return f"t/D = {float((Fraction(step) - Fraction(p.W)) / Fraction(p.D)):.4g}"


def phase_table(search: Search) -> tuple[str, list[tuple[str, Case]]]:
    rows, worst = [], []
    for name in KINDS:
        for phase, words in enumerate(PHASES):
            if (tally := search.tallies.get((name, phase))) is None:
                continue
            case = tally.largest()
            case = case._replace(error=confirmed(case.p, case.step))
            mean = f"{tally.total / tally.drawn:.4f}" if tally.drawn else ""
            figures = [f"{tally.count:,}", f"{case.error:.4f}", mean, share(tally.right, tally.drawn)]
            rows.append([name, words, *figures, place(case)])
            worst.append((f"{name}, {words}", case))
    header = ["kind", "phase", "searched", "largest", "mean", "correctly rounded", "where"]
    return table(header, rows), worst


def place_table(search: Search) -> str:
    rows = []
    for labels in (PEAKS, DECAYS, ALPHAS, STARTS, WARMUPS, STEPS):
        for label in labels:
            if label in search.places:
                tally = search.places[label]
                rows.append([label, f"{tally.count:,}", f"{tally.largest().error:.4f}"])
    return table(["place", "searched", "largest"], rows)


def code(cases: list[tuple[str, Case]], dtype: str = "") -> str:
    lines = ["from cosine_fast import CosineDecay"] + (["import numpy as np"] if dtype else [])
    for name, case in cases:
        call = case.p.code(case.step)
        lines.append(f"# {name}: {case.error:{'.10f' if dtype else '.4f'}} ULP")
        lines.append(call[:-1] + f", dtype={dtype})" if dtype else call)
    return "```python\n" + "\n".join(lines) + "\n```\n"


def version(package: str) -> str:
    return f"{package} {importlib.import_module(package).__version__}"


def environment(packages: Iterable[str]) -> str:
    info = cosine_fast.build_info()
    used = ["cosine_fast", "numpy", "mpmath", *sorted(set(packages) - {"cosine_fast", "numpy"})]
    return (
        f"{', '.join(map(version, used))}; Python {platform.python_version()} on {platform.machine()}, "
        f"backend {info['backend']}, {info['isa']}; long doubles of {DIGITS} bits"
    )


def single_table(search: Search) -> str:
    """The table of float32; only errors above 0.5 ULP are recorded."""
    rows, worst = [], []
    for words, tally in (
        ("all others", search.single),
        ("peak, floor or start half-way between two float32", search.ties),
    ):
        wrong = tally.count - tally.right
        rows.append([words, f"{tally.count:,}", f"{wrong:,}", f"{wrong / tally.count:.1e}", "at most 0.5"])
        if tally.worst:
            rows[-1][-1] = f"{tally.largest().error:.10f}"
            worst.append((words, tally.largest()))
    header = ["rates", "drawn", "not correctly rounded", "share", "largest error, ULP of float32"]
    about = "Of the values drawn; the largest error also of those found by hill-climbing."
    return f"\n## float32\n\n{about}\n\n{table(header, rows)}" + (f"\n{code(worst, 'np.float32')}" if worst else "")


INTRODUCTION = """# Accuracy: what the search found

Written by `{command}`; do not edit. With
{environment}.

Errors are distances from the exact value of the formula, in units in the last place (ULP) of it; on a warmup line that
crosses zero, of the line's larger end; where a decay crosses zero (alpha < 0), 2^-98 of the peak is taken off. The
contract is 2 ULP. The search drew {schedules} values at random and from the places listed below, and {climbed} by
hill-climbing from the worst of each row. mpmath confirmed each largest error. The mean and the share of correctly
rounded values (error <= 0.5 ULP) are of the values drawn alone.

## float64
"""


def write_report(search: Search, checked: dict[str, tuple[int, float]], drawn: int, about: dict[str, str]) -> str:
    phases, worst = phase_table(search)
    text = INTRODUCTION.format(schedules=f"{drawn:,}", climbed=f"{search.count - drawn:,}", **about)
    text += "\n" + phases + "\nThe schedule and the step that show each:\n\n" + code(worst) + single_table(search)
    text += "\n## Where it looked\n\nA schedule and its steps take one place of each kind; without hill-climbing.\n\n"
    text += place_table(search)
    text += "\n## The oracle, against mpmath\n\nIn ULP of float64, over random values of all places.\n\n"
    rows = [[by, f"{count:,}", f"{largest:.1e}"] for by, (count, largest) in checked.items()]
    text += table(["exact values by", "checked", "largest distance"], rows)
    return text + about["peers"]


def peers_table(found: dict[str, np.ndarray], absent: list[str], D: int) -> str:
    rows = []
    for name, error in reversed(found.items()):
        parts = [error.max(), error[: D // 2].max(), error[D // 2 : D * 9 // 10].max(), error[-1], np.median(error)]
        rows.append([name, *(f"{x:.3g}" for x in parts)])
    header = ["", "largest", "first half", "0.5 to 0.9", "last step", "median"]
    text = f"\n## The others\n\nULP of float64, at every step of `CosineDecay({PEAK!r}, {D!r})`:\n\n"
    text += table(header, rows) + "".join(f"\n{line}\n" for line in absent)
    text += "\nPyTorch is CosineAnnealingLR's closed form (its recursion adds up more), Keras is on NumPy; alpha = 0.\n"
    return text + "\n![The largest error against step/decay_steps](accuracy.png)\n"


def kept(search: Search) -> bool:
    """Whether the contract is kept."""
    largest = max(confirmed(c.p, c.step) for tally in search.tallies.values() for c in tally.worst[:1])
    single = search.single
    largest_single = max((case.error for tally in (single, search.ties) for case in tally.worst), default=0.0)
    rarely = single.count - single.right <= MISROUNDED * single.count
    return largest <= BOUND and largest_single <= BOUND_FLOAT32 and rarely


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--values", type=float, default=1e8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a smoke run")
    parser.add_argument("--output", type=Path, help="a folder; default: docs/explanation, or nothing with --quick")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    values, checks, D = (10**6, 2000, 10**5) if given.quick else (int(given.values), 10**5, 10**6)
    output = given.output if given.output or given.quick else ROOT / "docs" / "explanation"
    began, search = time.perf_counter(), Search(given.seed)
    checked = check_oracle(np.random.default_rng([given.seed, 1]), checks)
    print(f"oracle checked in {time.perf_counter() - began:.0f} s: {checked}", flush=True)
    search.random(values * 6 // 10, 2048)
    drawn = search.count
    print(f"{drawn:,} drawn in {time.perf_counter() - began:.0f} s", flush=True)
    search.climb(values, 512)
    search.single_ties(values // 50_000, 2048)
    found, absent = compare(D) if output else ({}, [])  # their imports take longer than a quick search
    command = f"python benchmarks/accuracy.py --values {given.values:.0e}".replace("e+0", "e") + f" --seed {given.seed}"
    about = {
        "command": command + (" --quick" if given.quick else ""),
        "environment": environment(PEERS[name][0] for name in found),
        "peers": peers_table(found, absent, D) if output else "",
    }
    report = write_report(search, checked, drawn, about)
    print(report)
    if output:
        (output / "accuracy-report.md").write_text(report)
        plot(found, D, output / "accuracy.png")
    print(f"{search.count:,} values in {time.perf_counter() - began:.0f} s")
    if kept(search):
        return 0
    print("the contract is not kept: see the largest errors", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
