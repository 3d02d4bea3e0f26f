"""The exact value of the formula, by mpmath, and the distance of a float from it: no code of the package's."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from mpmath import mp, mpf

COSINE_DECAY_BOUND = 2.0  # ULP; what is promised of CosineDecay's rates
PRECISION = 400  # bits; a rate of 1e-300 that is the rest of two of 1e300 is another matter, and not asked for


def exactly(x: float | Fraction) -> mpf:
    fraction = Fraction(x)
    with mp.workprec(PRECISION):
        return mpf(fraction.numerator) / fraction.denominator


def rate(step, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0) -> mpf:
    """CosineDecay's formula, as its docstring has it; every argument is taken as exactly the number that it is."""
    s, L0, D, a = (Fraction(x) for x in (step, initial_learning_rate, decay_steps, alpha))
    peak, t = L0, s
    if warmup_target is not None:
        peak, W = Fraction(warmup_target), Fraction(warmup_steps)
        if s < W and W > 0:
            return exactly(L0 + (peak - L0) * s / W)
        if W > 0:  # without warmup steps the cosine goes on to negative steps
            t = s - W
    with mp.workprec(PRECISION):
        angle = exactly(min(t, D) / D % 2)
        return exactly(peak * (1 - a)) * mp.cospi(angle / 2) ** 2 + exactly(peak * a)


def ulp(x: mpf, dtype: type = np.float64) -> mpf:
    """A unit in the last place at |x|, in its own binade however it would be rounded."""
    digits, least = (53, -1074) if dtype is np.float64 else (24, -149)
    exponent = mp.frexp(x)[1] - digits if x else least
    return mp.ldexp(mpf(1), max(exponent, least))


def ulps(value: float, exact: mpf, at: float = 0.0, dtype: type = np.float64) -> float:
    """|value - exact| in units in the last place of `exact`, or of `at` where that is larger."""
    with mp.workprec(PRECISION):
        return float(abs(mpf(float(value)) - exact) / ulp(max(abs(exact), abs(mpf(at))), dtype))


def largest(*rates: float) -> float:
    return max(math.fabs(rate) for rate in rates)


def judge_cosine_decay(value, exact, step, parameters):
    """The phase of a step, and the error of its rate in ULP, or the bound where less is promised."""
    start, D, alpha, target, W = parameters
    kind = "fractional" if D % 1 or W % 1 else "whole"
    if target is not None and step < W:
        crosses = start * target < 0 or step < 0
        return f"warmup, {kind}", ulps(value, exact, largest(start, target) if crosses else 0.0)
    peak = start if target is None else target
    joints = {"before 0": 0, "first half": W + D / 2, "second half": W + D, "after": math.inf}
    phase = next(name for name, joint in joints.items() if step < joint)
    error = ulps(value, exact)
    if error > COSINE_DECAY_BOUND and alpha < 0:
        with mp.workprec(PRECISION):
            if abs(mpf(value) - exact) <= mpf(2) ** -98 * largest(peak, peak * alpha):
                error = COSINE_DECAY_BOUND
    return f"{phase}, {kind}", error


def exponential(step, initial_learning_rate, decay_steps, decay_rate, staircase=False) -> mpf:
    """Keras's ExponentialDecay."""
    p, rate = Fraction(step) / Fraction(decay_steps), Fraction(decay_rate)
    if staircase:
        p = Fraction(math.floor(p))
    if rate == 0:
        return exactly(initial_learning_rate) * (1 if p == 0 else 0 if p > 0 else mp.inf)
    with mp.workprec(PRECISION):
        power = mp.power(exactly(abs(rate)), exactly(p))
        return exactly(initial_learning_rate) * (-power if rate < 0 and p % 2 else power)


def polynomial(step, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False) -> mpf:
    """Keras's PolynomialDecay; before step 0 the cycle is the first."""
    s, D, L0, end = (Fraction(x) for x in (step, decay_steps, initial_learning_rate, end_learning_rate))
    # So many digits that a rate of 1e-300 counts beside one of 1e300, and a step beside D.
    digits = PRECISION + _apart(L0, end) + _apart(s, D)
    D = D * max(1, math.ceil(s / D)) if cycle else D
    left, fall = 1 - min(s, D) / D, L0 - end
    with mp.workprec(digits):
        left, fall, end = (mpf(x.numerator) / x.denominator for x in (left, fall, end))
        b_power = mp.power(left, mpf(power)) if left or power >= 0 else mp.inf
        return fall * b_power + end if fall else end


def cycle(step, first_decay_steps, t_mul) -> tuple[int, mpf] | None:
    """Which cycle of Keras's CosineDecayRestarts a step lies in, and at which fraction of it; None: in none."""
    passed, t = Fraction(step) / Fraction(first_decay_steps), Fraction(t_mul)
    if t == 1:
        i = math.floor(passed)
        return i, exactly(passed - i)
    power = 1 + passed * (t - 1)  # t^i at a restart
    if power <= 0:
        return None
    with mp.workprec(1000):
        power, t, passed = (mpf(x.numerator) / x.denominator for x in (power, t, passed))
        i = mp.log(power) / mp.log(t)
        nearest = mp.nint(i)
        i = int(nearest if abs(i - nearest) < mpf(2) ** -800 else mp.floor(i))
        fraction = (power / t**i - 1) / (t - 1)
        return i, mpf(0) if abs(fraction) < mpf(2) ** -800 else fraction


def restarts(step, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, peak=False) -> mpf:
    """Keras's CosineDecayRestarts, in the cycles before the first too; the floor beyond all. Or its cycle's peak."""
    L0, a, place = Fraction(initial_learning_rate), Fraction(alpha), cycle(step, first_decay_steps, t_mul)
    floor = exactly(L0 * a)
    if place is None:
        return floor
    i, fraction = place
    with mp.workprec(PRECISION + _apart(L0 * a, L0 * (1 - a))):
        zeroth = mpf(1) if i == 0 else mpf(0) if i > 0 else mp.inf
        height = mpf(m_mul) ** i if m_mul else zeroth
        wave = mpf(1) if peak else mp.cospi(fraction / 2) ** 2
        amplitude = exactly(L0 * (1 - a))
        return (amplitude * height * wave if amplitude else amplitude) + floor


def _apart(a: Fraction, b: Fraction) -> int:
    """Binary digits between two numbers, at least."""
    sizes = [x.numerator.bit_length() - x.denominator.bit_length() for x in (a, b) if x]
    return max(sizes) - min(sizes) if sizes else 0


def rate_sum(steps: range, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0) -> mpf:
    """The sum of rate() over a range, in closed form; tests compare it with the sum itself."""
    L0, D, a = (Fraction(x) for x in (initial_learning_rate, decay_steps, alpha))
    peak, W = L0, Fraction(0)
    if warmup_target is not None:
        peak, W = Fraction(warmup_target), Fraction(warmup_steps)
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
    total += (left - n) * peak * a + n * peak * (1 + a) / 2
    x, h = (step - W) / D, stride / D
    # All cancels but for the last step before the end, which is at least a unit of both fractions away from it.
    with mp.workprec(300 + 4 * (x.denominator * h.denominator).bit_length() if n else PRECISION):
        cosines = mpf(0)
        if n and h % 2 == 0:
            cosines = n * mp.cospi(_mpf(x % 2))
        elif n:
            sines = mp.sinpi(_mpf(n * h / 2 % 2)) / mp.sinpi(_mpf(h / 2 % 2))
            cosines = sines * mp.cospi(_mpf((x + (n - 1) * h / 2) % 2))
        return _mpf(total) + _mpf(peak * (1 - a) / 2) * cosines


def _mpf(x: Fraction) -> mpf:
    return mpf(x.numerator) / x.denominator


def inverse_time(step, initial_learning_rate, decay_steps, decay_rate, staircase=False) -> Fraction | float:
    """Keras's InverseTimeDecay, as a fraction; a float at the pole."""
    p = Fraction(step) / Fraction(decay_steps)
    stairs = staircase and abs(p) < 2**100  # farther out they are taken for a smooth curve
    below = 1 + Fraction(decay_rate) * (math.floor(p) if stairs else p)
    return Fraction(float(initial_learning_rate)) / below if below else float(initial_learning_rate) * math.inf


def fraction_ulps(rate: float, exact: Fraction | float) -> float:
    """|rate - exact| in units in the last place of `exact`; 0 for the same infinity, or an overflow."""
    if isinstance(exact, float):
        return 0.0 if rate == exact or (math.isnan(rate) and math.isnan(exact)) else math.inf
    if exact == 0:
        return 0.0 if rate == 0 else math.inf
    if abs(exact) >= 2**1024 - 2**970:
        return 0.0 if rate == (math.inf if exact > 0 else -math.inf) else math.inf
    if not math.isfinite(rate):
        return math.inf
    size = abs(exact)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - 52, -1074)
    return float(abs(Fraction(rate) - exact) / unit)
