"""CosineDecay: against the exact value of its formula, its exact points, and its order at every step."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values come from mpmath")
pytest.importorskip("hypothesis", reason="the properties are tested on hypothesis's examples")

import oracle
from bits import INT64, bits, within
from family import cosine_decay
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

# ---- Accuracy: at most 2 ULP in float64, correctly rounded in float32 ----

BOUND = 2.0  # ULP


def draw_parameters(draw):
    """(initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps), as people and others give them."""
    peak = draw.choice([1e-3, 3e-4, draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-8, 2)])
    if draw.random() < 0.1:
        peak = 10 ** draw.uniform(-300, 300)
    if draw.random() < 0.02:
        peak = 10 ** draw.uniform(-323, -290)
    D = draw.choice([1, 2, 3, 7, 1000, draw.randint(1, 10**4), draw.randint(1, 2**31), 2**31, draw.randint(1, 2**51)])
    if draw.random() < 0.1:
        D = draw.choice([2**53 - 1, 2**53 + 1, 2**63 - 1, draw.randint(2**51, 2**63 - 1)])
    if draw.random() < 0.15:
        D = draw.uniform(0.5, 10 ** draw.uniform(0, 10))
    alpha = draw.choice([0.0, 0.0, 0.1, draw.random(), 1 - 1e-9, 1 - 2**-53, 1.0, 1.5, 3.7, 10 ** draw.uniform(-12, 0)])
    if draw.random() < 0.1:
        alpha = draw.choice([-0.1, -1.0, -draw.random()])
    if draw.random() < 0.5:
        return peak, D, alpha, None, 0
    start = draw.choice([0.0, 0.0, peak * draw.random(), 1e-6, peak * draw.uniform(0, 3), -peak * draw.random()])
    W = draw.choice([1, 5, 100, draw.randint(1, 10**4), draw.randint(1, 2**40), draw.randint(1, 2**63 - 1)])
    if draw.random() < 0.1:
        W = draw.uniform(0.5, 1e6)
    return start, D, alpha, peak, W


def draw_steps(draw, parameters, count):
    """Steps of every phase, the joints' neighbours and the last 1000 of the decay above all."""
    _, D, alpha, target, W = parameters
    W = 0 if target is None else int(W)
    D = math.ceil(D)
    for _ in range(count):
        step = draw.choice(
            [
                W + draw.randint(0, D),
                W + D - draw.randint(0, min(D, 1000)),
                W + D - draw.randint(0, min(D, 1000)),
                W + draw.randint(0, min(D, 1000)),
                W + D // 2 + draw.randint(-3, 3),
                W + draw.randint(-3, 3),
                draw.randint(0, W),
                draw.randint(0, min(W, 1000)),
                draw.randint(*INT64),
                -draw.randint(0, 3 * D),
                float(W + D * draw.random()),
                float(W * draw.random()),
            ]
        )
        if alpha < 0 and draw.random() < 0.2:  # where the decay crosses zero
            step = W + int(D * math.acos(max(-1.0, (1 + alpha) / (alpha - 1))) / math.pi) + draw.randint(-2, 2)
        yield step if isinstance(step, float) else within(step)


def test_oracle():
    """The oracle has the values that everyone can check by hand."""
    with mp.workprec(200):
        known = {0: 1, 2: (2 + mp.sqrt(3)) / 4, 3: (2 + mp.sqrt(2)) / 4, 4: "0.75", 6: "0.5", 8: "0.25", 12: 0, 99: 0}
        for step, wave in known.items():
            for shift in (0, -24, 24) if step < 12 else (0,):
                if step + shift <= 12:
                    assert abs(oracle.rate(step + shift, 8.0, 12) - 8 * mpf(wave)) < mpf(2) ** -190
            assert abs(oracle.rate(step, 8.0, 12, 0.25) - (6 * mpf(wave) + 2)) < mpf(2) ** -190
            assert abs(oracle.rate(step + 4, 0.0, 12, 0.25, 8.0, 4) - (6 * mpf(wave) + 2)) < mpf(2) ** -190
    assert [float(oracle.rate(s, 1.0, 9, 0.5, 3.0, 4)) for s in (-4, 0, 1, 2, 4, 13)] == [-1.0, 1.0, 1.5, 2.0, 3.0, 1.5]
    # The rate one step before the end, from the series of the cosine: (pi*m/2D)^2 (1 - (pi*m/2D)^2 / 3).
    x = Fraction(3141592653589793238462643, 10**24) / 2**41
    assert float(oracle.rate(2**40 - 1, 1.0, 2**40)) == pytest.approx(float(x * x * (1 - x * x / 3)), rel=1e-15)
    assert oracle.ulps(1.0 + 2**-52, mpf(1)) == 1.0
    assert oracle.ulps(1.0, oracle.exactly(1 - Fraction(2) ** -54)) == 0.5
    assert oracle.ulps(0.0, mpf(2) ** -1075) == 0.5
    assert oracle.ulps(1.0, mpf(1) + mpf(2) ** -24, dtype=np.float32) == 0.5


def test_random_steps(best, share):
    """100,000 values of 10,000 schedules: 2 ULP in float64, correctly rounded in float32."""
    draw, worst = random.Random(2026), (0.0,)
    for _ in range(int(10_000 * share)):
        parameters = draw_parameters(draw)
        p = cosine_decay(*parameters)
        schedule = best.CosineDecay(**p)
        for step in draw_steps(draw, parameters, 10):
            exact, value = oracle.rate(step, **p), schedule(step)
            error = oracle.error("CosineDecay", value, step, p, exact)
            worst = max(worst, (error, step, str(p), value, float(exact)))
            if 2**-140 < abs(exact) < 2**127 and oracle.ulps(value, exact) <= BOUND:
                single = schedule(step, dtype=np.float32)
                assert oracle.ulps(single, exact, dtype=np.float32) <= 0.5001, (p, step)
    assert worst[0] <= 1, worst


@pytest.mark.parametrize(
    ("L0", "D", "alpha", "T", "W"),
    [
        (3e-4, 10**6, 0.0, None, 0),
        (1.0, 2**33, 0.1, None, 0),
        (1e-6, 5e5, 1e-9, 4e-4, 2000),
        (0.0, 1e5 + 0.3, 0, 1, 10.5),
    ],
)
def test_the_last_steps(best, L0, D, alpha, T, W):
    """Each of a decay's last 1000 steps, where 1 + cos has no digits left, is as accurate as any."""
    schedule = best.CosineDecay(L0, D, alpha, warmup_target=T, warmup_steps=W)
    end = int(D + W) + 1
    for step, value in zip(range(end - 1000, end + 1), schedule.precompute(end - 1000, end + 1), strict=True):
        assert oracle.ulps(value, oracle.rate(step, L0, D, alpha, T, W)) <= BOUND, step


def test_float32_is_rounded_once(best):
    """A float32 is its float64 rounded, on every path."""
    draw = random.Random(5)
    for _ in range(300):
        start, D, alpha, target, W = draw_parameters(draw)
        schedule = best.CosineDecay(start, D, alpha, warmup_target=target, warmup_steps=W)
        steps = np.array(list(draw_steps(draw, (start, D, alpha, target, W), 50)), np.float64)
        with np.errstate(over="ignore", under="ignore"):
            want = schedule(steps).astype(np.float32)
        np.testing.assert_array_equal(schedule(steps, dtype=np.float32), want)


@pytest.mark.parametrize(
    ("parameters", "step"),
    [
        ((0.0, 10, 0.0, 1e-100, 10), -1e200),
        ((0.0, 10, 0.0, 1e-310, 10), -1e300),
        ((1e-200, 10, 0.0, 1e-250, 3), -1e308),
        ((0.0, 10, 0.0, 1.0, 10), -1e308),
        ((1.0, 10, 0.0, 0.5, 10), -1e308),
        ((1.0, 10.5, 0.0, 0.5, 10.5), -1.7e308),
        ((1.0, 10, 0.0, 1.0, 10), -1e308),
        ((1.998536320735103, 10, 0.0, 0.001, 1), -(2**53) - 5),  # whole, but no double
        ((2.394923007473342e-06, 2**31, 0.4, 9.670111672486404e-07, 6589), -4668006320839242108),
        ((1e-06, 1.6140299522515088e-18, 0.1, 8.717687893018593e87, 248463.47559602585), -53786533827609245),
        ((0.00033148343031845723, 1754, 0.0, 4.59e-321, 2075114492452), -(2.0**65)),  # the distance has two parts
        ((1.0, 10, 0.0, 1e-300, 2**62 + 1), -3e30),
    ],
    ids=str,
)
def test_far_below_zero(cf, parameters, step):
    """The warmup line goes on as far as floats go, whatever its size."""
    start, D, alpha, target, W = parameters
    value = cf.CosineDecay(start, D, alpha, warmup_target=target, warmup_steps=W)(step)
    assert oracle.ulps(value, oracle.rate(step, *parameters)) <= BOUND


# ---- Every step of many schedules ----

BATCHES, SIZE = 20, 50  # 1,000 schedules
PURE = 10  # schedules that are enough for pure Python, which has the same bits and takes its time
AFTER = 100  # steps after the end

# (decay_steps, alpha, warmup_target, warmup_steps, initial_learning_rate), each with something hard about it.
EVERY_STEP = [
    (1, 0.0, 1.0, 0, 1.0),
    (2, 0.1, 3e-4, 1, 0.0),
    (3, 1.0, 0.7, 2, 0.1),
    (0.3, 0.1, 0.7, 0.4, 0.1),
    (999_983, 0.0, 1e-3, 0, 1e-3),
    (10**6, 1e-12, 1e-3, 0, 1e-3),
    (999_999.5, 0.0, 1e-3, 0, 1e-3),
    (10**6, 1 - 2**-53, 0.3, 0, 0.3),
    (10**6, 1 - 1e-9, 0.3, 0, 0.3),
    (10**6, 1 + 2**-52, 0.3, 0, 0.3),
    (10**5, -1.0, 0.3, 100, 0.0),
    (10**5, -1e-9, 0.3, 0.5, 0.0),
    (500_000, 0.1, 1e-3, 500_000, 1e-6),
    (1000, 0.1, 1e-3, 999_000, 0.0),
    (1000, 0.1, 1.0 + 2**-52, 10_000, 1.0),
    (1000, 0.1, 1.0, 10_000, 1.0 + 2**-52),
    (1000, 0.1, 1.0, 1000.5, -1.0),
    (10_000, 0.1, 1e-310, 1000, 0.0),
    (10_000, 0.5, 5e-324, 1000, 0.0),
    (10_000, 0.5, 1e-322, 0, 1e-322),
    (10_000, 1e-15, 1e-300, 1000, 1e-310),
    (10_000, 1e-300, 1e300, 1000, 1e-300),
    (10_000, 0.1, 1e-300, 1000, 1e300),
    (100_000.25, 0.1, 0.0, 1000, 1.0),
    (1000, 2.0, 1e300, 0, 1e300),
]


def size(draw: random.Random, largest: float) -> float:
    """Between 1 and the largest, each order of magnitude as often."""
    return math.exp(draw.uniform(0.0, math.log(largest)))


def draw_short(draw: random.Random, largest: float) -> tuple[float, float, float, float, float]:
    """A schedule of any kind, of at most that many steps; as those in EVERY_STEP."""
    total = size(draw, largest)
    share = draw.choice([0.0, 0.01, draw.random()])
    D, W = max(1.0, total * (1 - share)), total * share
    D = D if draw.random() < 0.3 else math.floor(D)
    W = W if W > 0 and draw.random() < 0.3 else math.floor(W)
    alpha = draw.choice([0.0, 0.0, 0.1, draw.random(), 10 ** draw.uniform(-15, 0), 1 - 10 ** draw.uniform(-16, -1)])
    if draw.random() < 0.2:
        far = 10 ** draw.uniform(-12, 2)
        alpha = draw.choice([-draw.random(), -far, 1 + draw.random(), 1 + far])
    T = draw.choice([1e-3, draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-295, 295)])
    L0 = T * draw.choice([0.0, draw.random(), 1e-6, 1.0, 1 - 2**-53, 1 + draw.random(), 10 ** draw.uniform(0, 3), -1.0])
    return D, alpha, T, W, L0


def check(package, D, alpha, T, W, L0) -> int:
    """All steps of a schedule; how many there are."""
    schedule = package.CosineDecay(L0, D, alpha, warmup_target=T, warmup_steps=W)
    first, end = math.ceil(W), math.ceil(Fraction(W) + Fraction(D))
    rates = schedule.precompute(end + AFTER)
    warmup, decay, floor = rates[:first], rates[first:], T * alpha

    assert rates[0] == (L0 if W else T)
    assert W % 1 or rates[first] == T
    assert schedule(W) == T
    assert np.all(rates[end:] == floor)
    low, high = min(T, floor), max(T, floor)
    assert low <= decay.min()
    assert decay.max() <= high
    later, earlier = decay[1:], decay[:-1]
    assert np.all(later <= earlier if floor <= T else later >= earlier)
    if first:
        assert min(L0, T) <= warmup.min()
        assert warmup.max() <= max(L0, T)
        # On to the first step of the decay, which a fractional warmup leaves below the peak.
        line = rates[: first + 1] if W % 1 == 0 else warmup
        assert np.all(line[1:] >= line[:-1] if T >= L0 else line[1:] <= line[:-1])

    # lr(W + t) + lr(W + D - t) is peak + floor. Where such steps are no integers they are floats, themselves rounded.
    unit = math.ulp(max(abs(T), abs(floor)))
    if D % 1 == 0 and W % 1 == 0:
        wave = decay[: int(D) + 1]
        mirrored, slack = wave[::-1], 4 * unit
    else:
        t = np.arange(math.floor(D) + 1)
        wave = schedule(float(W) + t)
        mirrored = schedule((float(W) + float(D)) - t)
        moved = 2 * math.ulp(float(W) + float(D)) / float(D)  # of the decay; its steepest slope is pi/2
        slack = 4 * unit + 2 * moved * abs(T - floor)
    half = len(wave) // 2 + 1
    with np.errstate(over="ignore"):
        assert np.all(np.abs((wave[:half] - T) + (mirrored[:half] - floor)) <= slack)
    return len(rates)


def batch(number: int, largest: float, count: int) -> list[tuple[float, float, float, float, float]]:
    draw = random.Random(number)
    hard = EVERY_STEP[number::BATCHES]
    return hard + [draw_short(draw, largest) for _ in range(count - len(hard))]


@pytest.mark.parametrize("number", range(BATCHES))
def test_every_step(compiled, number):
    """Exact ends, no step against the order, none out of bounds, one half of the wave like the other."""
    steps = 0
    for case in batch(number, 1e6, SIZE):
        try:
            steps += check(compiled, *case)
        except AssertionError as error:
            raise AssertionError(f"(decay_steps, alpha, target, warmup_steps, initial rate) = {case}") from error
    assert steps > 1e6


def test_every_step_in_pure_python(python):
    """The same of a few schedules in pure Python."""
    for case in batch(BATCHES, 1e5, PURE):
        check(python, *case)


# ---- What holds of any parameters ----

RATE = st.one_of(st.floats(1e-12, 10.0), st.floats(1e-300, 1e300), st.floats(5e-324, 1e-290), st.just(0.0))
WHOLE = st.one_of(st.integers(1, 200), st.integers(1, 2**31), st.integers(1, 2**63 - 1))
COUNT = st.one_of(WHOLE, st.floats(2.0**-60, 2.0**62))
FRACTION = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 1.0, 1 - 2**-53, 5e-324]), st.floats(0.0, 1.0))
STEP = st.one_of(st.integers(-1000, 10**6), st.integers(*INT64))
EXAMPLES = settings(max_examples=150)
SOME = settings(max_examples=50)


def end_of(W, D):
    """The first whole step that is not before the decay's end."""
    return math.ceil(W) + math.ceil(D)


@EXAMPLES
@given(peak=RATE, decay=COUNT, alpha=st.one_of(FRACTION, st.floats(-3.0, 3.0)), after=st.integers(0, 2**62))
def test_exact_points(cf, peak, decay, alpha, after):
    """Step 0 has the peak, every step from the end on has peak * alpha, rounded once."""
    assume(abs(peak * alpha) < 1e300)
    schedule = cf.CosineDecay(peak, decay, alpha)
    assert schedule(0) == peak
    assert schedule(-0.0) == peak
    for step in (decay, end_of(0, decay), min(end_of(0, decay) + after, 2**63 - 1), 1e300, math.inf):
        if step < 2**63 or isinstance(step, float):
            assert schedule(step) == peak * alpha


@EXAMPLES
@given(start=RATE, peak=RATE, decay=COUNT, warmup=COUNT, alpha=FRACTION)
def test_exact_points_of_a_warmup(cf, start, peak, decay, warmup, alpha):
    """Step 0 has the initial rate, the warmup's end the target, the decay's end the floor."""
    assume(abs(peak - start) / warmup < 1e300)
    schedule = cf.CosineDecay(start, decay, alpha, warmup_target=peak, warmup_steps=warmup)
    assert schedule(0) == start
    assert schedule(warmup) == peak
    assert schedule(math.inf) == peak * alpha
    if end_of(warmup, decay) < 2**63:
        assert schedule(end_of(warmup, decay)) == peak * alpha
    if isinstance(warmup, int) and warmup < 2**53:
        assert schedule(float(warmup)) == peak


# floor = peak * alpha: subnormal beside an ordinary peak, and where rounding twice would go the other way.
@pytest.mark.parametrize(
    ("peak", "alpha"),
    [
        (0.1, 1.1e-310),
        (0.23874204647293884, 3.452536123e-315),
        (0.3815080366204824, 1.69886075640597e-310),
        (8.406067342570862e-286, 3.0122128835598766e-36),
        (1e-300, 1e-15),
        (5e-324, 0.5),
        (5e-324, 0.75),
        (1e300, 1e-300),
        (-1e-300, 1e-15),
    ],
)
def test_floor_is_rounded_once(cf, peak, alpha):
    """The floor is peak * alpha as one multiplication rounds it, subnormal or not."""
    assert cf.CosineDecay(peak, 10, alpha)(10) == peak * alpha
    assert cf.CosineDecay(peak, 10, alpha)(np.array([10, 11, 2**62])).tolist() == [peak * alpha] * 3
    assert cf.CosineDecay(peak, 10.5, alpha)(10.5) == peak * alpha


@EXAMPLES
@given(
    peak=RATE, decay=COUNT, alpha=FRACTION, steps=st.lists(STEP, min_size=2, max_size=30), near=st.integers(0, 2**62)
)
def test_decay_never_rises(cf, peak, decay, alpha, steps, near):
    """From one whole step to a later one the decay never rises, and stays between peak and floor."""
    anywhere = [abs(step) for step in steps] + [near]
    inside = [step % math.ceil(decay) for step in anywhere]
    everywhere = [step + beside for step in (*anywhere, *inside) for beside in (0, 1, 2)]
    steps = np.array(sorted(min(step, 2**63 - 1) for step in everywhere), np.int64)
    rates = cf.CosineDecay(peak, decay, alpha)(steps)
    assert np.all(np.diff(rates) <= 0)
    assert np.all((peak * alpha <= rates) & (rates <= peak))


@EXAMPLES
@given(rates=st.tuples(RATE, RATE), decay=COUNT, warmup=COUNT, steps=st.lists(STEP, min_size=2, max_size=30))
def test_warmup_never_falls(cf, rates, decay, warmup, steps):
    """From one whole step to a later one the warmup never falls where it rises, nor rises where it falls."""
    start, peak = rates
    assume(abs(peak - start) / warmup < 1e300)
    schedule = cf.CosineDecay(start, decay, warmup_target=peak, warmup_steps=warmup)
    inside = [step % (math.floor(warmup) + 1) + near for step in steps for near in (0, 1)]
    last = min(math.floor(warmup), 2**63 - 1)
    values = schedule(np.sort(np.array([min(step, last) for step in (*inside, last, last - 1) if step >= 0], np.int64)))
    assert np.all(np.diff(values) >= 0 if peak >= start else np.diff(values) <= 0)
    assert np.all((min(rates) <= values) & (values <= max(rates)))


@EXAMPLES
@given(peak=st.floats(1e-6, 10.0), decay=st.integers(1, 2**31), step=st.integers(0, 2**31))
def test_symmetry(cf, peak, decay, step):
    """Steps at one distance from the middle have rates at one distance from the mean."""
    step %= decay + 1
    schedule = cf.CosineDecay(peak, decay)
    assert schedule(step) + schedule(decay - step) == pytest.approx(peak, rel=1e-15)


@EXAMPLES
@given(peak=RATE, decay=WHOLE, alpha=FRACTION, step=STEP, periods=st.integers(0, 1000))
def test_even_and_periodic_before_step_0(cf, peak, decay, alpha, step, periods):
    """Without a warmup the cosine goes on below step 0: even, and with the period 2 * decay_steps, to the bit."""
    schedule = cf.CosineDecay(peak, decay, alpha)
    inside = abs(step) % (decay + 1)
    assert schedule(-inside) == schedule(inside)
    for before in (-2 * decay * periods - inside, -2 * decay * periods + inside):
        if -(2**63) <= before <= 0:
            assert schedule(before) == schedule(inside)
            assert schedule(np.array([before]))[0] == schedule(inside)


def test_an_absolute_floor_is_exact(cf, share):
    """The decay ends at exactly that rate; with alpha = floor / peak it often ends beside it."""
    draw, beside = random.Random(5), 0
    for _ in range(int(4000 * share)):
        peak, floor, D = 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-8, 2), draw.randint(1, 10**6)
        beside += cf.CosineDecay(peak, D, floor / peak)(D) != floor
        schedule = cf.CosineDecay(peak, D, end_learning_rate=floor)
        assert (schedule(0), schedule(D), schedule(10**12)) == (peak, floor, floor)
        assert cf.CosineDecayRestarts(peak, D, 2.0, 0.5, end_learning_rate=floor).end_learning_rate == floor
    assert beside > 0


@pytest.mark.parametrize(("peak", "end"), [(0.1, 0.003), (0.1, -0.1), (0.1, 0.7), (0.0, 0.1), (-0.1, 0.0), (0.1, 0.1)])
def test_the_way_to_an_absolute_floor(cf, peak, end):
    """It never turns round, and begins and ends exactly."""
    rates = cf.CosineDecay(peak, 5000, end_learning_rate=end).precompute(5001)
    assert (rates[0], rates[-1]) == (peak, end)
    assert np.all(np.diff(rates) * np.sign(end - peak) >= 0)
    restarts = cf.CosineDecayRestarts(peak, 100, 1.0, 0.5, end_learning_rate=end)
    assert restarts(99.999999999999) == pytest.approx(end, abs=1e-12)
    assert restarts(100) == pytest.approx((peak + end) / 2)


@pytest.mark.parametrize("name", ["CosineDecay", "CosineDecayRestarts"])
def test_steps_next_to_a_peak_of_0(cf, name):
    """The rate is the distance from the peak itself, which the oracle takes exactly, too."""
    for D, end in itertools.product((1, 1000.1, 1e-6, 2**62), (1.0, -1e300, 1e-300)):
        p = {"initial_learning_rate": 0.0, "end_learning_rate": end}
        p["decay_steps" if name == "CosineDecay" else "first_decay_steps"] = D
        schedule = getattr(cf, name)(**p)
        for step in (5e-324, 1e-250, 1e-160, 1e-140, 1e-130, 1e-100, 1e-30, 1e-9):
            assert oracle.error(name, schedule(step), step, p) <= 1, (p, step)


def test_an_absolute_floor_in_configs(cf):
    """Its key is there where it was given: Keras does not know it."""
    for cls in (cf.CosineDecay, cf.CosineDecayRestarts):
        assert "end_learning_rate" not in cls(0.1, 10).get_config()
        assert "end_learning_rate" not in repr(cls(0.1, 10))
        assert cls(0.1, 10).end_learning_rate is None
        schedule = cls(0.1, 10, end_learning_rate=0.01)
        assert schedule.get_config()["end_learning_rate"] == 0.01
        assert cf.deserialize(cf.serialize(schedule)) == schedule != cls(0.1, 10)
        with pytest.raises(
            ValueError, match=r"`alpha` and `end_learning_rate` exclude .* alpha=0.1, end_learning_rate=0"
        ):
            cls(0.1, 10, alpha=0.1, end_learning_rate=0)
        with pytest.raises(ValueError, match=r"Argument `end_learning_rate` must be finite. .*=nan"):
            cls(0.1, 10, end_learning_rate=math.nan)
        with pytest.raises(ValueError, match=r"2\*\*1000 \(1e301\) in size. .*end_learning_rate=1e\+302"):
            cls(0.1, 10, end_learning_rate=1e302)
        with pytest.raises(TypeError, match=r"Argument `end_learning_rate` must be a number. .*='0' \(str\)"):
            cls(0.1, 10, end_learning_rate="0")


SHAPES = st.lists(st.integers(0, 7), min_size=0, max_size=5).map(tuple)


@SOME
@given(shape=SHAPES, seed=st.integers(0, 2**32), fractional=st.booleans(), warmup=st.booleans())
def test_shapes(cf, shape, seed, fractional, warmup):
    """The result has the steps' shape, and rearranging steps rearranges rates."""
    draw = np.random.default_rng(seed)
    steps = draw.integers(-100, 1200, shape)
    steps = np.asarray(steps + draw.random(shape)) if fractional else np.asarray(steps)
    schedule = cf.CosineDecay(0.1, 900, 0.1, warmup_target=0.3 if warmup else None, warmup_steps=100 * warmup)
    rates = np.asarray(schedule(steps))
    assert rates.shape == shape
    assert rates.dtype == np.float64
    order = draw.permutation(len(shape))
    flip = tuple(slice(None, None, draw.choice([-2, -1, 1, 3])) for _ in shape)
    for name, change in {
        "ravel": np.ravel,
        "transpose": lambda a: a.transpose(order),
        "slice": lambda a: a[flip],
        "F": lambda a: np.asarray(a, order="F"),
        "broadcast": lambda a: np.broadcast_to(a, (3, *shape)),
        "concatenate": lambda a: np.concatenate([a.ravel(), a.ravel()[::-1]]),
        "reshape": lambda a: a.reshape(-1, 1),
    }.items():
        np.testing.assert_array_equal(bits(schedule(change(steps))), bits(change(rates)), name)


def test_every_step_of_a_large_one(compiled):
    """All 2**24 steps of a schedule, and those around the joints of a huge one, never rise."""
    rates = compiled.CosineDecay(3e-4, 2**24, 0.1).precompute(2**24 + 10)
    assert np.all(np.diff(rates) <= 0)
    for D in (2**40, 2**51, 2**51 + 1, 2**60 + 7, 2**63 - 1):
        schedule = compiled.CosineDecay(3e-4, D, 0.1)
        for middle in (0, D // 3, D // 2, D - 20_000):
            rates = schedule.precompute(max(0, middle - 20_000), middle + 20_000)
            assert np.all(np.diff(rates) <= 0), (D, middle)
