"""The exact value of every schedule and sum, by fractions and mpmath, written from the docstrings: no code of the
package's. And what is promised of the package's own values: `error` is 1 at the edge of the promise."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from mpmath import mp, mpf
from mpmath.libmp import to_rational

PRECISION = 400  # bits; a rate of 1e-300 that is the rest of two of 1e300 is another matter, and not asked for
INFINITE = mpf(2) ** 1024 * (1 - mpf(2) ** -50)  # from here on a rate within some ULP may be infinite


def exactly(x: float | Fraction) -> mpf:
    fraction = Fraction(x)
    with mp.workprec(PRECISION):
        return _mpf(fraction)


def _mpf(x: Fraction) -> mpf:
    return mpf(x.numerator) / x.denominator


def _apart(a: Fraction, b: Fraction) -> int:
    """Binary digits between two numbers, at least."""
    sizes = [x.numerator.bit_length() - x.denominator.bit_length() for x in (a, b) if x]
    return max(sizes) - min(sizes) if sizes else 0


def largest(*rates: float | Fraction) -> float:
    return max(math.fabs(rate) for rate in rates)


# ---- Rates ----


def floor_of(peak, alpha, end_learning_rate) -> Fraction:
    return Fraction(peak) * Fraction(alpha) if end_learning_rate is None else Fraction(end_learning_rate)


def rate(
    step, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0, end_learning_rate=None
) -> mpf:
    """CosineDecay's formula, as its docstring has it; every argument is taken as exactly the number that it is."""
    s, L0, D = (Fraction(x) for x in (step, initial_learning_rate, decay_steps))
    peak, t = L0, s
    if warmup_target is not None:
        peak, W = Fraction(warmup_target), Fraction(warmup_steps)
        if s < W and W > 0:
            return exactly(L0 + (peak - L0) * s / W)
        if W > 0:  # without warmup steps the cosine goes on to negative steps
            t = s - W
    floor = floor_of(peak, alpha, end_learning_rate)
    with mp.workprec(PRECISION + _apart(peak, floor)):
        half = _mpf(abs(min(t, D)) / D % 2) / 2
        if half < 0.1:  # from the peak: near one of 0 the rate is the rest of two equal ones
            return _mpf(peak) - _mpf(peak - floor) * mp.sinpi(half) ** 2
        return _mpf(peak - floor) * mp.cospi(half) ** 2 + _mpf(floor)


@functools.lru_cache(maxsize=16)
def cycle(step, first_decay_steps, t_mul) -> tuple[int, mpf] | None:
    """Which cycle of CosineDecayRestarts a step lies in, and at which fraction of it; None: in none."""
    passed, t = Fraction(step) / Fraction(first_decay_steps), Fraction(t_mul)
    if t == 1 or 0 <= passed < 1:
        i = math.floor(passed)
        with mp.workprec(1000):
            return i, _mpf(passed - i)
    power = 1 + passed * (t - 1)  # t^i at a restart
    if power <= 0:
        return None
    with mp.workprec(1000):
        power, t, passed = (_mpf(x) for x in (power, t, passed))
        i = mp.log(power) / mp.log(t)
        nearest = mp.nint(i)
        i = int(nearest if abs(i - nearest) < mpf(2) ** -800 else mp.floor(i))
        fraction = (power / t**i - 1) / (t - 1)
        return i, mpf(0) if abs(fraction) < mpf(2) ** -800 else fraction


def restarts(
    step, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, end_learning_rate=None, peak=False
) -> mpf:
    """CosineDecayRestarts, in the cycles before the first too; the floor beyond all. Or its cycle's peak."""
    L0, floor = Fraction(initial_learning_rate), floor_of(initial_learning_rate, alpha, end_learning_rate)
    place = cycle(step, first_decay_steps, t_mul)
    if place is None or -(2.0**-300) < step < 0:
        return exactly(floor)
    if isinstance(step, float) and abs(step) > 2.0**65:
        return mp.nan
    i, fraction = place
    # A step may be 2^-300 before the end of a cycle of 2^95.
    with mp.workprec(2 * PRECISION + _apart(floor, L0 - floor) + _apart(L0, floor)):
        zeroth = mpf(1) if i == 0 else mpf(0) if i > 0 else mp.inf
        height = mpf(m_mul) ** i if m_mul else zeroth
        amplitude = _mpf(L0 - floor)
        height = amplitude * height if amplitude else amplitude
        if peak or (fraction < 0.2 and mp.isfinite(height)):  # from the peak, as in rate()
            return height + _mpf(floor) - (0 if peak else height * mp.sinpi(fraction / 2) ** 2)
        return height * mp.cospi(fraction / 2) ** 2 + _mpf(floor)


def exponential(step, initial_learning_rate, decay_steps, decay_rate, staircase=False) -> mpf:
    """ExponentialDecay."""
    p, rate = Fraction(step) / Fraction(decay_steps), Fraction(decay_rate)
    if staircase:
        p = Fraction(math.floor(p))
    if initial_learning_rate == 0:
        return mpf(0)
    if rate == 0:
        return exactly(initial_learning_rate) * (1 if p == 0 else 0 if p > 0 else mp.inf)
    with mp.workprec(PRECISION):
        exponent = mp.log(exactly(abs(rate))) * exactly(p)
        power = mp.exp(exponent) if abs(exponent) < 1e6 else mpf(0) if exponent < 0 else mp.inf
        return exactly(initial_learning_rate) * (-power if rate < 0 and p % 2 else power)


def inverse_square_root(step, initial_learning_rate, timescale, shift=0) -> mpf:
    """InverseSquareRootDecay."""
    T = Fraction(timescale)
    with mp.workprec(PRECISION):
        return exactly(initial_learning_rate) * mp.sqrt(exactly(T / max(Fraction(step) + Fraction(shift), T)))


def inverse_time(step, initial_learning_rate, decay_steps, decay_rate, staircase=False) -> mpf:
    """InverseTimeDecay."""
    p = Fraction(step) / Fraction(decay_steps)
    stairs = staircase and abs(p) < 2**100  # farther out they are taken for a smooth curve
    below = 1 + Fraction(decay_rate) * (math.floor(p) if stairs else p)
    L0 = float(initial_learning_rate)
    return exactly(Fraction(L0) / below) if below else mpf(L0 * math.inf)


def piecewise(step, boundaries, values) -> mpf:
    """PiecewiseConstantDecay."""
    return mpf(float(values[sum(Fraction(boundary) < Fraction(step) for boundary in boundaries)]))


def polynomial(step, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False) -> mpf:
    """PolynomialDecay; before step 0 the cycle is the first."""
    s, D, L0, end = (Fraction(x) for x in (step, decay_steps, initial_learning_rate, end_learning_rate))
    # So many digits that a rate of 1e-300 counts beside one of 1e300, and a step beside D.
    digits = PRECISION + _apart(L0, end) + _apart(s, D)
    D = D * max(1, math.ceil(s / D)) if cycle else D
    left, fall = 1 - min(s, D) / D, L0 - end
    with mp.workprec(digits):
        left, fall, end = (_mpf(x) for x in (left, fall, end))
        b_power = mp.power(left, mpf(power)) if left or power >= 0 else mp.inf
        return fall * b_power + end if fall else end


def logarithmic_warmup(step, peak_learning_rate, warmup_steps, initial_learning_rate=0.0) -> mpf:
    """LogarithmicWarmup."""
    s, W, P, L0 = (Fraction(x) for x in (step, warmup_steps, peak_learning_rate, initial_learning_rate))
    if not 0 < s < W - 1:
        return exactly(L0 if s <= 0 else P)
    with mp.workprec(PRECISION + _apart(P, L0)):
        return _mpf(L0) + _mpf(P - L0) * mp.log1p(_mpf(s)) / mp.log(_mpf(W))


def power_cosine(step, initial_learning_rate, decay_steps, end_learning_rate=0.0, exponent=1.0, k_decay=1.0) -> mpf:
    """PowerCosineDecay."""
    L0, end, x = Fraction(initial_learning_rate), Fraction(end_learning_rate), Fraction(step) / Fraction(decay_steps)
    if not 0 < x < 1:
        return exactly(L0 if x <= 0 else end)
    with mp.workprec(PRECISION + _apart(L0, end)):
        half = mp.power(_mpf(x), mpf(k_decay)) / 2
        if half < 0.1:  # from the start: the rate of a step near 0 may be the rest of two equal ones
            return _mpf(L0) + _mpf(L0 - end) * mp.expm1(mpf(exponent) * mp.log1p(-(mp.sinpi(half) ** 2)))
        return _mpf(end) + _mpf(L0 - end) * mp.power(mp.cospi(half), 2 * mpf(exponent))


def segment(step, schedules, boundaries, offsets=None) -> tuple[str, dict, float]:
    """The class and the parameters of the schedule that a joined one has at a step, and that schedule's step."""
    k = sum(boundary <= step for boundary in boundaries)
    own = Fraction(step) - ([0, *boundaries] if offsets is None else offsets)[k]
    rounded = abs(own) < 2**53 or abs(own) > 2**65 or float(own) == own
    own = float(own) if isinstance(step, float) and rounded else int(own)
    return schedules[k]["class_name"], schedules[k]["config"], own


def line(step, start, length, end) -> Fraction:
    return Fraction(start) + (Fraction(end) - Fraction(start)) * Fraction(step) / Fraction(length)


def linear(step, initial_learning_rate, decay_steps, end_learning_rate=0.0, warmup_target=None, warmup_steps=0) -> mpf:
    L0, D, s, W = initial_learning_rate, Fraction(decay_steps), Fraction(step), Fraction(warmup_steps)
    if warmup_target is None or W == 0:
        return exactly(line(min(s, D), L0 if warmup_target is None else warmup_target, D, end_learning_rate))
    if s < W:
        return exactly(line(s, L0, W, warmup_target))
    return exactly(line(min(s - W, D), warmup_target, D, end_learning_rate))


def warmup_stable(
    step, peak_learning_rate, warmup_steps, stable_steps, decay_steps, decay="linear", initial_learning_rate=0.0,
    end_learning_rate=0.0,
) -> mpf:  # fmt: skip
    if warmup_steps and step < warmup_steps:
        return exactly(line(step, initial_learning_rate, warmup_steps, peak_learning_rate))
    t = Fraction(step) - Fraction(warmup_steps) - Fraction(stable_steps)
    x = min(Fraction(1), max(Fraction(0), t / Fraction(decay_steps)))
    with mp.workprec(PRECISION + _apart(Fraction(peak_learning_rate), Fraction(end_learning_rate))):
        peak, end = mpf(peak_learning_rate), mpf(end_learning_rate)
        if decay == "exponential":
            return peak * (end / peak) ** _mpf(x)
        left = {
            "linear": lambda x: 1 - x, "cosine": lambda x: mp.cospi(x / 2) ** 2, "1-sqrt": lambda x: 1 - mp.sqrt(x),
            "1-square": lambda x: 1 - x * x,
        }[decay](_mpf(x))  # fmt: skip
        return end + (peak - end) * left


def annealing(step, initial_learning_rate, decay_steps, end_learning_rate=0.0) -> mpf:
    x = Fraction(step) / Fraction(decay_steps) % 2
    x, ends = min(x, 2 - x), (initial_learning_rate, end_learning_rate)
    near, far = map(mpf, ends if x < Fraction(1, 2) else ends[::-1])
    with mp.workprec(PRECISION + _apart(*map(Fraction, ends))):
        return near + (far - near) * mp.sinpi(_mpf(min(x, 1 - x)) / 2) ** 2


def one_cycle(
    step, peak_learning_rate, total_steps, pct_start=0.3, div_factor=25.0, final_div_factor=1e4, dialect="optax"
) -> mpf:
    rise, last = (int(pct_start * total_steps), total_steps)
    if dialect == "torch":
        rise, last = pct_start * total_steps - 1, total_steps - 1
    initial = peak_learning_rate / div_factor
    begin, length, rates = 0, rise, (initial, peak_learning_rate)
    if falls := rise == 0 or step >= math.ceil(rise):
        begin, length, rates = rise, last - rise, (peak_learning_rate, initial / final_div_factor)
    x = (Fraction(step) - Fraction(begin)) / Fraction(length)
    x = max(x, Fraction(0)) if falls else x
    with mp.workprec(PRECISION + _apart(*map(Fraction, rates))):
        return mpf(rates[1]) + (mpf(rates[0]) - mpf(rates[1])) * mp.cospi(_mpf(min(x, Fraction(1)) % 2) / 2) ** 2


def joined(step, **p) -> mpf:
    name, config, own = segment(step, **p)
    return EXACT[name](own, **config)


EXACT: dict[str, Callable[..., mpf]] = {
    "CosineDecay": rate,
    "CosineDecayRestarts": restarts,
    "ExponentialDecay": exponential,
    "InverseSquareRootDecay": inverse_square_root,
    "InverseTimeDecay": inverse_time,
    "PiecewiseConstantDecay": piecewise,
    "CosineAnnealing": annealing,
    "JoinedSchedule": joined,
    "LinearDecay": linear,
    "LogarithmicWarmup": logarithmic_warmup,
    "OneCycle": one_cycle,
    "WarmupStableDecay": warmup_stable,
    "ConstantSchedule": lambda step, learning_rate: mpf(learning_rate),
    "PolynomialDecay": polynomial,
    "PowerCosineDecay": power_cosine,
}


# ---- What is promised of rates ----


def ulp(x: mpf, dtype: type = np.float64) -> mpf:
    """A unit in the last place at |x|, in its own binade however it would be rounded."""
    digits, least = (53, -1074) if dtype is np.float64 else (24, -149)
    exponent = mp.frexp(x)[1] - digits if x else least
    return mp.ldexp(mpf(1), max(exponent, least))


def ulps(value: float, exact: mpf, at: float = 0.0, dtype: type = np.float64) -> float:
    """|value - exact| in units in the last place of `exact`, or of `at` where that is larger."""
    with mp.workprec(PRECISION):
        return float(abs(mpf(float(value)) - exact) / ulp(max(abs(exact), abs(mpf(at))), dtype))


# Of each schedule, given its exact rate at a step: how many ULP are promised, of which larger number instead of the
# rate, and how much is granted besides. Infinitely much where nothing is promised.
Promise = tuple[float, float, float | mpf]


def _cosine_decay(
    exact, step, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0,
    end_learning_rate=None,
):  # fmt: skip
    L0, target = initial_learning_rate, warmup_target
    if target is not None and step < warmup_steps:  # a line that crosses zero is measured by its larger end
        crosses = min(L0, target) < 0 < max(L0, target) or (step < 0 and abs(target) > abs(L0) > 0)
        return 2.0, largest(L0, target) if crosses else 0.0, 0.0
    peak = L0 if target is None else target
    floor = floor_of(peak, alpha, end_learning_rate)
    promised = 3.0 if end_learning_rate is not None and abs(exact) < 1e-300 else 2.0
    digits = 98 if min(peak, floor) < 0 < max(peak, floor) else 1000
    return promised, 0.0, mpf(2) ** -digits * largest(peak, floor)


def _restarts(
    exact, step, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, end_learning_rate=None
):
    peak = restarts(step, initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha, end_learning_rate, peak=True)
    floor = exactly(floor_of(initial_learning_rate, alpha, end_learning_rate))
    size = max(abs(peak), abs(floor))
    granted = size * mpf(2) ** -1000
    if t_mul != 1 and (place := cycle(step, first_decay_steps, t_mul)):  # the rate of a step that is somewhat beside
        i, fraction = place
        moved = mpf(2) ** -150 * max(1, abs(i)) * abs(mpf(step)) / (mpf(first_decay_steps) * mpf(t_mul) ** i)
        wave = 1.6 * moved * mp.sinpi(fraction) + 2.5 * moved**2 if moved < 0.1 else mp.inf
        granted = wave * abs(peak - floor) if peak != floor else granted
    if (peak - floor) * floor < 0 and m_mul == 1:
        granted += size * mpf(2) ** -98
    return 2.0, size if (peak - floor) * floor < 0 and m_mul != 1 else 0.0, granted


def _exponential(exact, step, initial_learning_rate, decay_steps, decay_rate, staircase=False):
    return 1.0, 0.0, mp.inf if staircase and abs(step) >= 2**98 * Fraction(decay_steps) else 0.0


def _inverse_time(exact, step, initial_learning_rate, decay_steps, decay_rate, staircase=False):
    if staircase and abs(step) >= 2**100 * Fraction(decay_steps) and exact:  # the divisor has an error of 2^-100
        return 2.0, 0.0, abs(exact * exact / initial_learning_rate) * mpf(2) ** -100
    return 2.0, 0.0, 0.0


def _polynomial(exact, step, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False):
    L0, end = initial_learning_rate, end_learning_rate
    size, rises = largest(L0, end), abs(L0) < abs(end)
    crosses = rises if (step < 0) == (power > 0) else min(L0, end) < 0 < max(L0, end)
    usual = max(size * 1e-30, 1e-300) <= abs(exact) <= size * 1e30
    promised = 3.0 if not usual else 2.0 if rises and not crosses else 1.0
    return promised, size if crosses else 0.0, mp.inf if cycle and step > 2**98 * Fraction(decay_steps) else 0.0


def _logarithmic_warmup(exact, step, peak_learning_rate, warmup_steps, initial_learning_rate=0.0):
    size = largest(peak_learning_rate, initial_learning_rate)
    crosses = min(peak_learning_rate, initial_learning_rate) < 0 < max(peak_learning_rate, initial_learning_rate)
    return 2.0, size if crosses else 0.0, mpf(size) * mpf(2) ** -398


def _power_cosine(exact, step, initial_learning_rate, decay_steps, end_learning_rate=0.0, exponent=1.0, k_decay=1.0):
    promised, at, _ = _polynomial(exact, 0, initial_learning_rate, decay_steps, end_learning_rate)
    return promised, at, mpf(largest(initial_learning_rate, end_learning_rate)) * mpf(2) ** -700


RATES = ("initial_learning_rate", "peak_learning_rate", "end_learning_rate")


def _lines(exact, step, **p):
    """Of lines and decays, which may cross zero between rates of two signs, and before step 0."""
    rates = [value for key, value in p.items() if key in ("warmup_target", *RATES) and value is not None]
    usual = max(largest(*rates) * 1e-30, 1e-300) <= abs(exact)
    crosses = step < 0 or min(rates) < 0 < max(rates)
    return 2.0 if usual else 3.0, largest(*rates) if crosses else 0.0, 0.0


def _warmup_stable(exact, step, peak_learning_rate, end_learning_rate=0.0, **p):
    promised, at, _ = _lines(
        exact, step, peak_learning_rate=peak_learning_rate, end_learning_rate=end_learning_rate, **p
    )
    rounded = p.get("decay") == "1-sqrt" and p["decay_steps"] > 2**53 and step % 1
    return promised, at, abs(mpf(peak_learning_rate) - end_learning_rate) * mpf(2) ** -53 if rounded else 0.0


def _joined(exact, step, **p):
    name, config, own = segment(step, **p)
    return PROMISES[name](exact, own, **config)


PROMISES: dict[str, Callable[..., Promise]] = {
    "ConstantSchedule": lambda exact, step, **p: (1e-9, 0.0, 0.0),
    "CosineDecay": _cosine_decay,
    "CosineDecayRestarts": _restarts,
    "ExponentialDecay": _exponential,
    "InverseSquareRootDecay": lambda exact, step, **p: (0.51 if abs(exact) >= 2.0**-1022 else 1.0, 0.0, 0.0),
    "InverseTimeDecay": _inverse_time,
    "JoinedSchedule": _joined,
    "LinearDecay": _lines,
    "LogarithmicWarmup": _logarithmic_warmup,
    "CosineAnnealing": lambda exact, step, **p: _cosine_decay(exact, 0, **p),
    "OneCycle": lambda exact, step, **p: (2.0, 0.0, 0.0),
    "WarmupStableDecay": _warmup_stable,
    "PiecewiseConstantDecay": lambda exact, step, **p: (1e-9, 0.0, 0.0),
    "PolynomialDecay": _polynomial,
    "PowerCosineDecay": _power_cosine,
}


def error(name: str, value: float, step: float, p: dict, exact: mpf | None = None) -> float:
    """The error of a schedule's rate, in parts of what is promised."""
    exact = EXACT[name](step, **p) if exact is None else exact
    if mp.isnan(exact) or math.isnan(value):
        return 0.0 if mp.isnan(exact) and math.isnan(value) else math.inf
    promised, at, granted = PROMISES[name](exact, step, **p)
    if mp.isinf(granted):
        return 0.0
    if abs(exact) >= INFINITE:
        return 0.0 if abs(value) > 1.79e308 and (value > 0) == (exact > 0) else math.inf
    with mp.workprec(PRECISION):
        off = max(abs(mpf(value) - exact) - granted, 0)
        return float(off / ulp(max(abs(exact), abs(mpf(at)))) / promised)


# ---- Sums ----

CLOSED = ("ConstantSchedule", "CosineAnnealing", "CosineDecay", "LinearDecay", "OneCycle", "PiecewiseConstantDecay")


def has_closed_sum(name: str, p: dict) -> bool:
    """Whether the sums of all steps have a closed form."""
    if name == "PolynomialDecay":
        return not p["cycle"] and p["power"] in range(33)
    if name == "ExponentialDecay":
        return p["decay_rate"] >= 0 and not p["staircase"]
    if name == "WarmupStableDecay":
        return p["decay"] in ("linear", "cosine", "1-square")
    return name in CLOSED


def sum_error(schedule: Any, name: str, steps: range, power: int, p: dict) -> float:
    """The error of `sum`, or of `sum_of_squares` for the power 2, over a few steps, in parts of what is promised.

    A sum in closed form is correctly rounded; another one is the sum of the schedule's own rates.
    """
    have = (schedule.sum if power == 1 else schedule.sum_of_squares)(steps.start, steps.stop, steps.step)
    rates = np.asarray(schedule.precompute(steps.start, steps.stop, steps.step, dtype=np.float64))
    if not np.isfinite(rates).all() or np.abs(rates).max(initial=0.0) > 1e307:
        return 0.0
    exact = {step: EXACT[name](step, **p) for step in steps}
    with mp.workprec(3000):
        want, granted = mp.fsum(rate**power for rate in exact.values()), mpf(0)
        if not has_closed_sum(name, p):
            for step, rate in exact.items():
                promised, at, more = PROMISES[name](rate, step, **p)
                off = promised * ulp(max(abs(rate), abs(mpf(at)))) + more
                granted += off if power == 1 else 2 * abs(rate) * off + off**2 + ulp(rate**2)
        if abs(want) >= INFINITE or not mp.isfinite(granted):  # NaN: infinity times a rate of 0
            return 0.0
        off = max(abs(mpf(have) - want) - ulp(want) / 2, 0)
        return float(off / (ulp(want) * mpf(2) ** -40 + granted))


def rounded(exact: mpf) -> float:
    """The float next to a number, the even one of two."""
    numerator, denominator = to_rational(exact._mpf_)
    try:
        return float(Fraction(int(numerator), int(denominator)))
    except OverflowError:
        return math.copysign(math.inf, exact)


def rate_sum(
    steps: range, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0,
    end_learning_rate=None,
) -> mpf:  # fmt: skip
    """The sum of rate() over a range, in closed form; tests compare it with the sum itself."""
    L0, D = (Fraction(x) for x in (initial_learning_rate, decay_steps))
    peak, W = L0, Fraction(0)
    if warmup_target is not None:
        peak, W = Fraction(warmup_target), Fraction(warmup_steps)
    floor = floor_of(peak, alpha, end_learning_rate)
    left = max(0, -((steps.start - steps.stop) // steps.step))  # len() stops at sys.maxsize
    step, stride = steps.start, steps.step
    if stride < 0:
        step, stride = step + (left - 1) * stride, -stride
    total = Fraction(0)
    if W > 0:
        n = min(left, max(0, math.ceil((W - step) / stride)))
        total = n * L0 + (peak - L0) / W * (n * (2 * step + (n - 1) * stride)) / 2
        step, left = step + n * stride, left - n
    n = min(left, max(0, math.ceil((W + D - step) / stride)))
    total += (left - n) * floor + n * (peak + floor) / 2
    x, h = (step - W) / D, stride / D
    # All cancels but for the last step before the end, which is at least a unit of both fractions away from it.
    precision = 300 + _apart(peak, floor) + _apart(peak, L0)
    precision += 4 * (x.denominator * h.denominator).bit_length() if n else 0
    with mp.workprec(precision):
        cosines = mpf(0)
        if n and h % 2 == 0:
            cosines = n * mp.cospi(_mpf(x % 2))
        elif n:
            sines = mp.sinpi(_mpf(n * h / 2 % 2)) / mp.sinpi(_mpf(h / 2 % 2))
            cosines = sines * mp.cospi(_mpf((x + (n - 1) * h / 2) % 2))
        waves = _mpf((peak - floor) / 2) * cosines
        # Without the last digits, which are wrong, so that a rational sum is exact.
        unit = mp.ldexp(1, mp.frexp(waves)[1] + 50 - precision)
        return mp.nint((_mpf(total) + waves) / unit) * unit if waves else _mpf(total)


def cumulative(step, **p) -> mpf:
    return rate_sum(range(step), **p) if step >= 0 else -rate_sum(range(step, 0), **p)


def cumulative_error(value: float, step: int, p: dict) -> float:
    """In parts of what is promised: 10 * 2^-53 of the sum, or of the steps times the largest rate where a sign changes;
    and a subnormal unit for each step."""
    exact = cumulative(step, **p)
    if abs(exact) >= mpf(2) ** 1024 * (1 - mpf(10) * 2**-53):
        return 0.0 if abs(value) > 1.79e308 and (value > 0) == (exact > 0) else math.inf
    target, warms = p["warmup_target"], p["warmup_target"] is not None and p["warmup_steps"] > 0
    peak = p["initial_learning_rate"] if target is None else target
    ends = [mpf(peak), exactly(floor_of(peak, p["alpha"], p.get("end_learning_rate")))]
    first, last = (0, step - 1) if step > 0 else (step, -1)
    if warms:
        ends += [rate(s, **p) for s in (first, last) if s < p["warmup_steps"]]
    of = abs(exact)
    if step < 0 and warms:
        of = max(of, abs(mpf(p["initial_learning_rate"]) * step))
    if step and min(ends) < 0 < max(ends):
        of = max(of, abs(step) * max(map(abs, ends)))
    with mp.workprec(PRECISION):
        return float(abs(mpf(value) - exact) / (10 * mpf(2) ** -53 * of + (abs(step) + 2) * mpf(2) ** -1074))
