"""What holds of every schedule: exact points, monotony, symmetry, and the laws of shapes."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="the properties are tested on hypothesis's examples")

from bits import INT64, bits
from hypothesis import assume, given, settings
from hypothesis import strategies as st

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


def test_every_step_of_many_schedules(best):
    """All steps of 100 schedules: exact ends, never rising, never falling, between floor and peak."""
    draw = random.Random(7)
    for number in range(100):
        D = draw.choice([draw.randint(1, 50), draw.randint(1, 100_000), draw.uniform(0.5, 60_000.0)])
        W = draw.choice([0, draw.randint(1, 40_000), draw.uniform(0.5, 1000.0)])
        alpha = draw.choice([0.0, 0.1, draw.random(), 10 ** draw.uniform(-15, 0), 1 - 10 ** draw.uniform(-16, -1)])
        peak = draw.choice([1e-3, draw.random(), 10 ** draw.uniform(-300, 300)])
        start = draw.choice([0.0, peak * draw.random(), peak * (1 + draw.random()), peak])
        if number % 10 == 0:
            D, alpha = D + 2**52, 0.0  # the wide kind; only its first steps are looked at
        schedule = best.CosineDecay(start, D, alpha, warmup_target=peak, warmup_steps=W)
        stop = min(math.ceil(W + D) + 2, math.ceil(W) + 100_000)
        rates = schedule.precompute(stop)
        top = math.ceil(W)
        rise, fall = np.diff(rates[: top + 1]), np.diff(rates[top:])
        case = (start, D, alpha, peak, W)
        assert rates[0] == (start if W else peak), case
        assert rates[top] == peak or W % 1, case
        assert np.all(rise[:-1] >= 0 if peak >= start else rise[:-1] <= 0), case
        assert np.all(fall <= 0), case
        assert np.all(rates[top:] >= peak * alpha), case
        if D < 2**52:
            assert rates[-1] == peak * alpha, case


def test_every_step_of_a_large_one(compiled):
    """All 2**24 steps of a schedule, and those around the joints of a huge one, never rise."""
    rates = compiled.CosineDecay(3e-4, 2**24, 0.1).precompute(2**24 + 10)
    assert np.all(np.diff(rates) <= 0)
    for D in (2**40, 2**51, 2**51 + 1, 2**60 + 7, 2**63 - 1):
        schedule = compiled.CosineDecay(3e-4, D, 0.1)
        for middle in (0, D // 3, D // 2, D - 20_000):
            rates = schedule.precompute(max(0, middle - 20_000), middle + 20_000)
            assert np.all(np.diff(rates) <= 0), (D, middle)
