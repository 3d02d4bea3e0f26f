"""cosine_decay: each value has the bits of a CosineDecay of its own, whatever broadcasts against what."""

from __future__ import annotations

import itertools
import math
import random
import warnings

import numpy as np
import pytest
from bits import assert_same
from draws import whole_steps
from family import COSINE_DECAY, drawn

NAMES = ("initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps")
ORDINARY = COSINE_DECAY.hard + [drawn("CosineDecay", seed) for seed in range(40)]


def joints(p):
    """The steps where something changes, for the kinds of schedule that fold alike and apart."""
    return [*COSINE_DECAY.joints(p), 2**27, -(2**53), 2**53, 2**51, -(2**63), 2**63 - 1]


def steps_of(p, seed, count):
    return whole_steps("CosineDecay", p, seed, count)


def arrays_of(some):
    """Parameters one after another as arrays; numbers of steps as int64 where all are whole."""
    columns = {name: [p[name] for p in some] for name in NAMES}
    columns["warmup_target"] = [np.nan if T is None else T for T in columns["warmup_target"]]
    return {name: np.array(column) for name, column in columns.items()}


def schedule_of(cf, L0, D, alpha, T, W, **options):
    """The class's schedule; a warmup that is ignored is no matter for a warning here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return cf.CosineDecay(L0, D, alpha, warmup_target=None if np.isnan(T) else T, warmup_steps=W, **options)


def one_by_one(cf, step, parameters, dtype=np.float64):
    """What cosine_decay is to give: a call of a schedule for each element."""
    operands = np.broadcast_arrays(step, *(parameters[name] for name in NAMES))
    result = np.empty(operands[0].shape, dtype)
    for index in np.ndindex(result.shape):
        s, L0, D, alpha, T, W = (operand[index] for operand in operands)
        result[index] = schedule_of(cf, L0, D, alpha, T, W)(s, dtype=dtype)
    return result


def by_wholeness(some):
    """Those whose numbers of steps are whole, and the others: int64 holds the first exactly, float64 the others."""
    whole = [p for p in some if all(float(p[name]).is_integer() for name in ("decay_steps", "warmup_steps"))]
    return whole, [p for p in some if p not in whole]


# ---- Values ----


@pytest.mark.parametrize("kind", ["whole", "fractions"])
def test_hard_parameters_along_and_across(compiled, isa, kind):
    """Every kind of schedule and of step, in either order of the axes, on each instruction set."""
    some = by_wholeness(ORDINARY)[kind == "fractions"]
    parameters = arrays_of(some)
    random.Random(1).shuffle(some)
    for seed, p in enumerate(some[:5]):
        steps = steps_of(p, seed, 20)
        want = np.array(
            [schedule_of(compiled, *(parameters[name][i] for name in NAMES))(steps) for i in range(len(some))]
        )
        rows = compiled.cosine_decay(steps, **{name: a[:, None] for name, a in parameters.items()})
        assert_same(rows, want, "along the steps")
        assert_same(compiled.cosine_decay(steps[:, None], **parameters), want.T.copy(), "across the schedules")
        for few in (1, 2, 23, 24):
            rows = compiled.cosine_decay(steps[:few], **{name: a[:, None] for name, a in parameters.items()})
            assert_same(rows, want[:, :few].copy(), f"{few} steps")


def test_kinds_side_by_side(compiled, isa):
    """Whole numbers of steps beside fractions, and beside schedules that are folded one by one, in one group."""
    some = [p for p in ORDINARY if max(p["decay_steps"], p["warmup_steps"]) < 2**53]
    random.Random(2).shuffle(some)
    parameters = {name: a.astype(np.float64) for name, a in arrays_of(some).items()}
    steps = np.concatenate([steps_of(p, 3, 5) for p in some[:4]])[:300]
    want = one_by_one(compiled, steps, {name: a[:, None] for name, a in parameters.items()})
    for count in (1, 5, len(some)):
        few = {name: a[:count] for name, a in parameters.items()}
        have = compiled.cosine_decay(steps, **{name: a[:, None] for name, a in few.items()})
        assert_same(have, want[:count], "along the steps")
        assert_same(compiled.cosine_decay(steps[:, None], **few), want[:count].T.copy(), "across the schedules")
    for i in range(20):
        assert_same(compiled.cosine_decay(steps[i], **parameters), want[:, i].copy(), "one step")


def test_one_step_each(compiled, isa):
    """The usual sort, which is folded and evaluated in one loop, and whatever is not of it, alone in its group."""
    draw = np.random.default_rng(3)
    count = 500
    D = draw.integers(1, 2**27, count, endpoint=True)
    usual = {
        "initial_learning_rate": draw.uniform(-1e-3, 1e-2, count),
        "decay_steps": D,
        "alpha": draw.choice([0.0, 0.1, 1.0], count),
        "warmup_target": np.where(draw.random(count) < 0.3, np.nan, draw.uniform(0.0, 1e-2, count)),
        "warmup_steps": np.where(draw.random(count) < 0.3, 0, draw.integers(0, 10**6, count)),
    }
    end = D + usual["warmup_steps"]
    steps = (end * draw.uniform(0.0, 1.2, count)).astype(np.int64)
    near = draw.random(count) < 0.3
    steps[near] = (end - draw.integers(-3, 4, count))[near].clip(0)
    steps[:3] = 0, 2**50, 1
    want = one_by_one(compiled, steps, usual)
    assert_same(compiled.cosine_decay(steps, **usual), want)
    assert_same(compiled.cosine_decay(steps, **usual, dtype=np.float32), want.astype(np.float32))
    floats = {name: a.astype(np.float64) for name, a in usual.items()}
    assert_same(compiled.cosine_decay(steps.astype(np.float64), **floats), want)
    spread = {name: np.repeat(a, 2)[::2] for name, a in usual.items()}
    assert_same(compiled.cosine_decay(steps, **spread), want)
    for name in floats:  # over an argument itself
        given = floats | {name: floats[name].copy()}
        assert_same(compiled.cosine_decay(steps, **given, out=given[name]), want)
    odd = {
        "step": (-1, 2**50 + 1, 2**63 - 1, -(2**63), 0.5, np.nan, np.inf),
        "initial_learning_rate": (2.0**310, -(2.0**310), 2.0**410, 1e-300, 5e-324, 0.0),
        "decay_steps": (2**27 + 1, 2**44, 2**50, 0.25, 1000.5),
        "alpha": (-0.5, 1.5, 1e-300, 0.3, -0.0, 2.0**410),
        "warmup_target": (2.0**310, 2.0**410, 1e-300, 0.0, -1e-3),
        "warmup_steps": (2**43 + 1, 2**60, 0.5, 1e-10, 0.0, -0.0),
    }
    for name, values in odd.items():
        for value in values:
            for place in (0, 131, 499):
                given = {"step": steps, **usual}
                kind = np.float64 if isinstance(value, float) else given[name].dtype
                given[name] = given[name].astype(kind)
                given[name][place] = value
                if name == "decay_steps":  # far into a decay of so many
                    given["step"] = steps.copy()
                    given["step"][place] = int(0.37 * value)
                here = want.copy()
                (here[place],) = one_by_one(
                    compiled,
                    given["step"][place : place + 1],
                    {name: a[place : place + 1] for name, a in given.items() if name != "step"},
                )
                assert_same(compiled.cosine_decay(**given), here, f"{name}={value} at {place}")


def short(count, whole, seed):
    """Schedules of so few steps that a short row has all their phases."""
    draw = np.random.default_rng(seed)
    D = draw.integers(1, 300, count) if whole else draw.uniform(0.5, 300.0, count)
    W = draw.integers(0, 60, count) if whole else draw.uniform(0.0, 60.0, count)
    T = np.where(draw.random(count) < 0.3, np.nan, draw.uniform(0.0, 1e-2, count))
    alpha = draw.choice([0.0, 0.1, 0.9, 1.0, 1.5], count)
    return dict(zip(NAMES, (draw.uniform(-1e-3, 1e-3, count), D, alpha, T, W), strict=True))


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "fractions"])
def test_rows_of_rising_steps(compiled, isa, whole):
    """Shared steps that rise, by 1 or with gaps and repeats: a loop for each phase, wherever the rows lie."""
    parameters = short(37, whole, 6)
    parameters["decay_steps"][[5, 11]] = 2**50 if whole else 1e-10  # folded one by one
    columns = {name: a[:, None] for name, a in parameters.items()}
    draw = np.random.default_rng(7)
    for length in (24, 31, 100, 512, 513, 1201, 8193):
        for first in (-70, 0, 3, 200):
            gaps = np.sort(draw.integers(first, first + 500, length))
            for steps in (np.arange(first, first + length), gaps, gaps[::-1].copy(), np.full(length, first)):
                rows = zip(*parameters.values(), strict=True)
                want = np.array([schedule_of(compiled, *row)(steps) for row in rows])
                assert_same(compiled.cosine_decay(steps, **columns), want, str(steps))
                for dtype, gap in ((np.float64, 3), (np.float32, 5)):
                    out = np.full((37, length + gap), 7.0, dtype)
                    compiled.cosine_decay(steps, **columns, out=out[:, 1 : length + 1])
                    assert_same(out[:, 1 : length + 1].copy(), want.astype(dtype), str(steps))
                    assert (out[:, 0] == 7.0).all()
                    assert (out[:, length + 1 :] == 7.0).all()
    odd = np.zeros(37 * 100 * 8 + 1, np.uint8)[1:].view(np.float64).reshape(37, 100)
    assert_same(
        compiled.cosine_decay(np.arange(100), **columns, out=odd).copy(),
        compiled.cosine_decay(np.arange(100), **columns),
    )


@pytest.mark.parametrize(("length", "dtype"), [(100, np.float64), (100, np.float32), (1001, np.float64)])
def test_rows_past_the_caches(compiled, isa, length, dtype):
    check_rows_past_the_caches(compiled, length, dtype)


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
def test_single_rates_past_the_caches(compiled, dtype):
    check_rows_past_the_caches(compiled, 1, dtype)


def check_rows_past_the_caches(compiled, length, dtype):
    """So many rates that they go past the caches: in lines that two rows share, and up to gaps between rows."""
    count = 36 * 2**20 // np.dtype(dtype).itemsize // length
    columns = {name: a[:, None] for name, a in short(count, True, 8).items()}
    columns["decay_steps"][count // 2] = 2**50
    steps = np.arange(5, 5 + length)
    parts = [{name: a[i : i + 1000] for name, a in columns.items()} for i in range(0, count, 1000)]
    want = np.concatenate([compiled.cosine_decay(steps, **part, dtype=dtype) for part in parts])
    assert_same(compiled.cosine_decay(steps, **columns, dtype=dtype), want)
    out = np.full(count * length + 3, 7.0, dtype)
    assert_same(compiled.cosine_decay(steps, **columns, out=out[1:-2].reshape(count, length)), want)
    assert out[0] == 7.0
    assert (out[-2:] == 7.0).all()
    out = np.full((count, length + 3), 7.0, dtype)
    assert_same(compiled.cosine_decay(steps, **columns, out=out[:, 1:-2]).copy(), want)
    assert (out[:, 0] == 7.0).all()
    assert (out[:, -2:] == 7.0).all()


def test_each_schedule_alone(compiled, isa):
    """Groups in which all schedules are of one kind, and take its loops alone; int and float steps, at every joint."""
    for p in ORDINARY:
        steps = np.array([min(max(int(s) + o, -(2**63)), 2**63 - 1) for s in joints(p) for o in (-1, 0, 1)], np.int64)
        alone = schedule_of(compiled, *arrays_of_one(p))
        parameters = {name: [value, value] for name, value in zip(NAMES, arrays_of_one(p), strict=True)}
        for given in (steps, steps / 2.0):
            want = np.repeat(alone(given)[:, None], 2, axis=1)
            assert_same(compiled.cosine_decay(given[:, None], **parameters), want, str(p))
            odd = np.stack([given, given], 1).copy()
            assert_same(compiled.cosine_decay(odd, **parameters), want, str(p))


def arrays_of_one(p):
    return [np.nan if p[name] is None else p[name] for name in NAMES]


def test_random_batches(cf):
    """One step each, more schedules than a group has, against the class; both backends."""
    some = by_wholeness([drawn("CosineDecay", seed) for seed in range(5000, 5400)])[0]
    parameters = arrays_of(some)
    draw = random.Random(5)
    steps = np.array([draw.choice([0, int(W), int(W + D / 3), draw.randint(-(2**63), 2**63 - 1)]) for p in some
                      for W, D in [joints(p)[1:3]]])  # fmt: skip
    assert_same(cf.cosine_decay(steps, **parameters), one_by_one(cf, steps, parameters))
    single = one_by_one(cf, steps, parameters, np.float32)
    assert_same(cf.cosine_decay(steps, **parameters, dtype=np.float32), single)


def test_special_steps(cf):
    """NaN, infinities and steps far below zero, beside usual ones in the same group."""
    steps = np.array([np.nan, np.inf, -np.inf, -1e300, -(2.0**52), -(2.0**52) + 0.5, -0.0, 0.3, 1e300, 150.7])
    some = [p for p in ORDINARY if p["decay_steps"] < 2**51][::3]
    parameters = {name: a[:, None] for name, a in arrays_of(some).items()}
    with np.errstate(all="ignore"):
        assert_same(cf.cosine_decay(steps, **parameters), one_by_one(cf, steps, parameters))


def test_broadcasting(cf):
    """Each argument alone in each place, and shapes of every kind, empty ones too, by NumPy's rules."""
    values = {"step": [0, 3, 7, 40], "initial_learning_rate": [0.1, 0.2, 1e-3, 0.0], "decay_steps": [10, 20.5, 7, 1],
              "alpha": [0.0, 0.1, 1.5, 0.5], "warmup_target": [0.3, np.nan, 0.1, 0.2],
              "warmup_steps": [5, 2, 0, 3.5]}  # fmt: skip
    for changing in itertools.chain.from_iterable(itertools.combinations(values, n) for n in (1, 2, 6)):
        for axes in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
            given = {}
            for i, (name, numbers) in enumerate(values.items()):
                shape = [1, 1, 1]
                shape[axes[i % 3]] = 4
                given[name] = np.reshape(numbers, shape) if name in changing else numbers[0]
            step = given.pop("step")
            have = cf.cosine_decay(step, **given)
            want = one_by_one(cf, step, given)
            assert_same(np.asarray(have), want, str((changing, axes)))
    for shape in ((0,), (3, 0), (2, 1, 0)):
        assert cf.cosine_decay(np.zeros(shape), [[[0.1]], [[0.1]]], 10).shape == np.broadcast_shapes(shape, (2, 1, 1))
    assert cf.cosine_decay([], 0.1, [10]).shape == (0,)
    with pytest.raises(ValueError, match="shape mismatch"):
        cf.cosine_decay([1, 2, 3], [0.1, 0.2], 10)


def test_layouts(cf):
    """Strides of every sort, byte orders and dtypes of every argument."""
    n = 300
    r = np.random.default_rng(3)
    plain = {"initial_learning_rate": r.random(n), "decay_steps": r.integers(1, 120, n), "alpha": r.random(n) / 4,
             "warmup_target": np.where(r.random(n) < 0.3, np.nan, r.random(n)),
             "warmup_steps": r.integers(0, 100, n)}  # fmt: skip
    steps = r.integers(0, 120, n)
    want = one_by_one(cf, steps, plain)
    for change in (
        lambda a: a[::-1].copy()[::-1],
        lambda a: np.repeat(a, 3)[::3],
        lambda a: a.astype(a.dtype.newbyteorder()),
        lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(a.dtype),
        lambda a: a.tolist(),
        lambda a: a.astype(np.longdouble) if a.dtype.kind == "f" else a.astype(np.int8),
        lambda a: a if a.dtype.kind == "f" else a.astype(np.uint64),
        lambda a: a if a.dtype.kind == "f" else a.astype(np.float16),
        lambda a: a if a.dtype.kind == "f" else a.astype(">f4"),
    ):
        changed = {name: change(a) for name, a in plain.items()}
        if getattr(changed["initial_learning_rate"], "dtype", None) == np.longdouble:
            changed["initial_learning_rate"] = plain["initial_learning_rate"]
        assert_same(cf.cosine_decay(change(steps), **changed), want)
    out = np.full((n, 4), 7.0)
    assert cf.cosine_decay(steps, **plain, out=out[::-1, 2]) is not out
    assert_same(out[::-1, 2].copy(), want)
    assert np.all(out[:, [0, 1, 3]] == 7.0)
    cube = {name: a.reshape(5, 10, 6) for name, a in plain.items()}
    for order in itertools.permutations(range(3)):
        turned = {name: a.transpose(order) for name, a in cube.items()}
        have = cf.cosine_decay(steps.reshape(5, 10, 6).transpose(order), **turned)
        assert_same(have, want.reshape(5, 10, 6).transpose(order).copy(), str(order))
        assert have.flags.c_contiguous
        out = np.empty((6, 5, 10)).transpose(np.argsort(np.argsort((1, 2, 0)))).transpose(order)
        assert_same(cf.cosine_decay(steps.reshape(5, 10, 6).transpose(order), **turned, out=out), out)
        assert_same(out.copy(), want.reshape(5, 10, 6).transpose(order).copy(), f"out, {order}")
    short = {name: a.astype(np.float16) for name, a in plain.items() if name in ("alpha", "warmup_target")}
    exact = {name: a.astype(np.float64) for name, a in short.items()}
    assert_same(cf.cosine_decay(steps, **plain | short), one_by_one(cf, steps, plain | exact), "half precision")


def test_half_precision_in_pieces(best, monkeypatch):
    """What the kernel cannot read is converted in pieces, whichever axis it lies along."""
    batches = best.cosine_decay.__globals__
    monkeypatch.setitem(batches, "_PIECE", 7)
    r = np.random.default_rng(4)
    alpha = r.random((9, 1, 5)).astype(np.float16)
    L0, steps = r.random((3, 1)), r.integers(0, 60, 5).astype(np.longdouble)
    wide = best.cosine_decay(steps.astype(np.int64), L0, [50], alpha.astype(np.float64))
    assert_same(best.cosine_decay(steps, L0, [50], alpha), wide)


def test_exact_numbers_of_steps(cf):
    """Integers are exact to 2**63 - 1 whatever the dtype of the rest."""
    D = np.array([2**53 + 1, 2**63 - 1, 2**62 + 3])
    steps = D - 1
    parameters = {"initial_learning_rate": np.float32([0.1, 0.2, 0.3]), "decay_steps": D, "alpha": 0.0,
                  "warmup_target": np.float32([0.5, np.nan, np.nan]), "warmup_steps": [2**53 - 1, 0, 0]}  # fmt: skip
    for given in (D, D.astype(np.uint64), D.tolist()):
        have = cf.cosine_decay(steps, **parameters | {"decay_steps": given}, dtype=np.float64)
        assert_same(have, one_by_one(cf, steps, parameters))
        assert len(set(have)) == 3
        assert np.all(have > 0)


# ---- What comes out ----


def test_all_numbers(cf):
    """Without an array among the parameters it is a call of the class, with its types."""
    given = {
        "initial_learning_rate": 1e-6,
        "decay_steps": 1000,
        "alpha": 0.1,
        "warmup_target": 1e-3,
        "warmup_steps": 10,
    }
    schedule = cf.CosineDecay(**given)
    for step in (5, 500.5, np.int32(7), np.float32(3), np.array(4), [1, 2], range(5), np.arange(6).reshape(2, 3)):
        assert_same(cf.cosine_decay(step, **given), schedule(step))
    as_arrays = {name: np.array(value) for name, value in given.items()}
    assert_same(cf.cosine_decay(5, **as_arrays), schedule(5))
    assert_same(cf.cosine_decay(5, **given | {"initial_learning_rate": np.float32(0.5)}),
                cf.CosineDecay(**given | {"initial_learning_rate": np.float32(0.5)})(5))  # fmt: skip
    assert_same(cf.cosine_decay(0, 0.5, 10, warmup_target=np.nan), 0.5)
    out = np.empty(2)
    assert cf.cosine_decay([1, 2], **given, out=out) is out
    assert_same(out, schedule([1, 2]))


def test_range(cf):
    """A range of steps has the rates of a call with it, at the ends of int64 too, where NumPy makes it floats."""
    stable = cf.WarmupStableDecay(0.1, 0, 10, 2**62)
    for steps in (range(2**63 - 4096, 2**63), range(-2, 2**63, 2**61), range(9, -(2**63) - 1, -(2**62)), range(3, 3)):
        assert_same(cf.cosine_decay(steps, [[0.1]], 2**62)[0], cf.CosineDecay(0.1, 2**62)(steps))
        assert_same(cf.warmup_stable_decay(steps, [[0.1]], 0, 10, 2**62)[0], stable(steps))
    with pytest.raises(OverflowError, match=f"step {2**63} is beyond int64"):
        cf.cosine_decay(range(2**63 - 1, 2**63 + 1), [[0.1]], 10)


def test_dtype(cf):
    """float64, unless initial_learning_rate, dtype or out say float32."""
    for L0, want in (([0.1], "f8"), (np.float32([0.1]), "f4"), (np.array([1]), "f8"), (np.array([0.1], ">f4"), "f4")):
        assert cf.cosine_decay([1, 2], L0, 10).dtype == want
        assert cf.cosine_decay([1, 2], L0, 10, dtype=np.float64).dtype == np.float64
        assert cf.cosine_decay([1, 2], L0, 10, out=np.empty(2, np.float32)).dtype == np.float32
    assert cf.cosine_decay([1], np.float32(0.1), [10]).dtype == np.float32
    assert cf.cosine_decay([1], [0.1], 10, warmup_target=np.float32([1])).dtype == np.float64
    assert_same(cf.cosine_decay(5, np.float32([0.1]), [7.5]), cf.CosineDecay(np.float32(0.1), 7.5)(np.array([5])))


def test_masked(cf):
    """The union of the masks, as NumPy's functions have it."""
    steps = np.ma.array([1, 2, 3], mask=[True, False, False])
    alpha = np.ma.array([[0.0], [0.1]], mask=[[False], [True]])
    have = cf.cosine_decay(steps, 0.1, 10, alpha)
    np.testing.assert_array_equal(np.ma.getmaskarray(have), [[True, False, False], [True, True, True]])
    np.testing.assert_array_equal(have.data, cf.cosine_decay([1, 2, 3], 0.1, 10, [[0.0], [0.1]]))
    out = np.ma.zeros((2, 3))
    assert cf.cosine_decay(steps, 0.1, 10, alpha, out=out) is out
    np.testing.assert_array_equal(np.ma.getmaskarray(out), np.ma.getmaskarray(have))


def test_out_may_overlap(cf):
    """As if it did not, whichever argument it overlaps and however."""
    n = 700 if cf.build_info()["backend"] == "compiled" else 70
    r = np.random.default_rng(7)
    fresh = {"step": r.integers(0, 100, n) * 1.0, "initial_learning_rate": r.random(n), "decay_steps": r.random(n) * 90,
             "alpha": r.random(n), "warmup_target": r.random(n), "warmup_steps": r.random(n) * 9}  # fmt: skip
    want = cf.cosine_decay(**fresh)
    for name in fresh:
        for view in (slice(0, n), slice(1, n + 1), slice(n, 0, -1), slice(0, 2 * n, 2)):
            memory = np.empty(2 * n)
            memory[view] = fresh[name]
            assert_same(cf.cosine_decay(**fresh | {name: memory[view]}, out=memory[:n]), want, f"{name}, {view}")
    memory = np.full((2, n), 0.5)  # one schedule's rate, in the memory of the results
    want = cf.cosine_decay(fresh["step"], np.full((2, 1), 0.5), fresh["decay_steps"])
    assert_same(cf.cosine_decay(fresh["step"], memory[:, 3:4], fresh["decay_steps"], out=memory), want)
    ints = np.arange(1, n + 1)
    want = cf.cosine_decay(5, 0.1, ints.copy(), 0.1)
    assert_same(cf.cosine_decay(5, 0.1, ints, 0.1, out=ints.view(np.float64)), want, "another type in the same memory")


def test_threads(compiled):
    """Work is shared over both axes, with the same bits: few schedules of many steps, and many of few."""
    r = np.random.default_rng(8)
    for many, steps in ((3, 70_001), (70_001, 3), (1000, 301), (131_073, 1)):
        L0, D, T = r.random(many), r.integers(1, 10**5, many), r.random(many)
        s = r.integers(0, 10**5, steps)
        for shape, other in (((-1, 1), (1, -1)), ((1, -1), (-1, 1))):
            columns = [a.reshape(shape) for a in (L0, D, T)]
            one, two, many_threads = (
                compiled.cosine_decay(s.reshape(other), columns[0], columns[1], 0.1, columns[2], 99, num_threads=t)
                for t in (1, 2, 64)
            )
            assert_same(two, one)
            assert_same(many_threads, one)
            some = r.integers(0, many, 20)
            for i in some:
                want = compiled.CosineDecay(L0[i], int(D[i]), 0.1, warmup_target=T[i], warmup_steps=99)(s)
                assert_same(np.take(one, i, axis=shape.index(-1)).copy(), want)


# ---- What is refused ----

BAD = {
    "decay_steps": [0, -1, 0.0, -2.5, np.nan, np.inf, 2.0**63, 1e-30, np.uint64(2**63)],
    "warmup_steps": [-1, -0.5, np.nan, np.inf, 1e300, np.uint64(2**64 - 1)],
    "initial_learning_rate": [np.nan, np.inf, -np.inf, 1e305],
    "alpha": [np.nan, np.inf],
    "warmup_target": [np.inf, -np.inf, -1e305],
}
GOOD = {"initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 3}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_parameter_is_named(cf, name, value):
    """CosineDecay's words, the index and the value; nothing has been written."""
    with pytest.raises(ValueError, match=r"Argument|rates") as refused:
        cf.CosineDecay(**GOOD | {name: value})
    words = str(refused.value)
    for shape, index in (((7,), 4), ((500, 2), (321, 1)), ((3, 1, 2), (2, 0, 1))):
        array = np.full(shape, GOOD[name], np.asarray(value).dtype)
        array[index] = value
        out = np.full((*shape[:-2], 500, 2) if len(shape) == 2 else np.broadcast_shapes(shape, (7,))
                      if len(shape) == 1 else shape, 7.0)  # fmt: skip
        with pytest.raises(ValueError, match=r"Argument|rates") as error:
            cf.cosine_decay(1, **GOOD | {name: array}, out=out)
        assert str(error.value).startswith(words.split("Received")[0])
        assert str(error.value).endswith(f" at index {index}")
        assert repr(value).split("(")[-1].rstrip(")") in str(error.value)
        assert np.all(out == 7.0)
        # Where there are as many parameters as rates, these are computed as they are looked at.
        with pytest.raises(ValueError, match=r"Argument|rates") as fresh:
            cf.cosine_decay(1, **GOOD | {name: array})
        assert str(fresh.value) == str(error.value)
    with pytest.raises(ValueError, match=r"Argument|rates") as error:
        cf.cosine_decay([1], **GOOD | {name: value if name == "alpha" else [value]}, out=np.empty(1))
    assert str(error.value).startswith(words.split("Received")[0])


def test_the_first_one_is_named(cf):
    """Far into a large array, and the first of many; in a view that repeats itself, where it stands first."""
    D = np.full(300_000, 10)
    D[[200_123, 299_999, 250_000]] = -3
    with pytest.raises(ValueError, match=r"decay_steps=-3 at index 200123$"):
        cf.cosine_decay(1, 0.1, D)
    with pytest.raises(ValueError, match=r"decay_steps=0 at index \(0, 0\)$"):
        cf.cosine_decay(1, 0.1, np.broadcast_to(np.array([[0]]), (10**6, 10**6)))
    with pytest.raises(ValueError, match=r"2\*\*1000 .*alpha=1e\+200.* at index \(1, 2\)$"):
        cf.cosine_decay(1, [[1e10], [1e200]], 10, [0.0, 0.1, 1e200])
    with pytest.raises(ValueError, match=r"2\*\*1000 .* at index 1$"):
        cf.cosine_decay(1, 0.0, 10, 0.0, [1.0, 1e300], [1.0, 1e-15])


def test_large_but_right(cf):
    """Beyond what is known to be safe at once, and still right."""
    given = {"initial_learning_rate": [1e200, 1e-300], "decay_steps": [2**63 - 1, 5], "alpha": [0.5, 1e300],
             "warmup_target": [1e250, np.nan], "warmup_steps": [2**62 + 2, 0]}  # fmt: skip
    given = {name: np.array(value) for name, value in given.items()}
    assert_same(cf.cosine_decay([3, 4], **given), one_by_one(cf, np.array([3, 4]), given))


def test_wrong_types(cf):
    for value in (True, 1j, "x", None, object(), b"1"):
        for name in NAMES:
            if value is None and name == "warmup_target":
                continue
            with pytest.raises(TypeError, match=f"Argument `{name}` must be a number"):
                cf.cosine_decay([1, 2], **GOOD | {name: value, "alpha": [0.1] if name != "alpha" else value})
    for value in (np.array([True]), np.array([1j]), np.array(["x"]), np.array(["2020"], "M8[Y]"), np.zeros(1, "i4,i4")):
        for name in NAMES:
            with pytest.raises(TypeError, match=f"Argument `{name}` must be integers or floats"):
                cf.cosine_decay([1, 2], **GOOD | {name: value})
        with pytest.raises(TypeError, match="Argument `step` must be integers or floats"):
            cf.cosine_decay(value, **GOOD | {"alpha": [0.1]})
    with pytest.raises(TypeError, match=r"Argument `decay_steps` must be a number.* at index 1"):
        cf.cosine_decay(1, 0.1, [10, None])
    with pytest.raises(ValueError, match=r"`decay_steps` must be < 2\*\*63.* at index 1"):
        cf.cosine_decay(1, 0.1, [10, 2**64])
    with pytest.raises(TypeError, match="initial_learning_rate` must be a Python number or a NumPy float64 or float32"):
        cf.cosine_decay(1, np.float16([0.1]), 10)
    for beyond in (2**63, -(2**63) - 1, [1, 2**64], np.array([2**63], np.uint64)):
        with pytest.raises(OverflowError, match="beyond int64"):
            cf.cosine_decay(beyond, [0.1], 10)
    for threads, error in ((0, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="num_threads"):
            cf.cosine_decay(1, [0.1], 10, num_threads=threads)


def test_unfit_out(cf):
    read_only = np.zeros(2)
    read_only.flags.writeable = False
    for out, options, error, match in (
        ([0.0, 0.0], {}, TypeError, "must be a NumPy array"),
        (np.zeros(2, int), {}, TypeError, "float64 or float32"),
        (np.zeros((2, 1)), {}, ValueError, "must have the shape"),
        (np.zeros(2), {"dtype": np.float32}, TypeError, "disagree"),
        (read_only, {}, ValueError, "writeable"),
    ):
        before = np.array(out)
        with pytest.raises(error, match=match):
            cf.cosine_decay([1, 2], [0.1], 10, out=out, **options)
        np.testing.assert_array_equal(before, out)
    with pytest.raises(TypeError, match="dtype"):
        cf.cosine_decay([1, 2], [0.1], 10, dtype=np.int32)


def test_an_ignored_warmup_warns_once(cf):
    """As the class does where warmup_target is None; NaN says that it is meant."""
    for target, warmup, warns in ((None, [5, 5], True), (None, [0, 5], True), (None, 5, True), (None, [0, 0], False),
                                  (np.nan, [5, 5], False), ([np.nan, 0.1], 5, False)):  # fmt: skip
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            cf.cosine_decay([1, 2], [0.1, 0.2], 10, warmup_target=target, warmup_steps=warmup)
        assert [(w.category, w.filename) for w in caught] == [(UserWarning, __file__)] * warns
    with pytest.warns(UserWarning, match="is ignored without") as caught:
        cf.cosine_decay(1, 0.1, 10, warmup_steps=5)
    assert [w.filename for w in caught] == [__file__]


# ---- Memory and signals ----


def test_memory_does_not_grow_with_the_result(process):
    """Parameters are read where they lie: 10**8 bytes of result, and scratch of a few pieces."""
    process(
        """
import tracemalloc
import numpy as np
import cosine_fast
n = 10**6
L0, D, alpha = np.full((n, 1), 0.1), np.full((n, 1), 50), np.full(13, 0.1)
out, steps = np.empty((n, 13)), np.arange(13)
half = alpha.astype(np.float16)
def peak_of(function):
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
assert peak_of(lambda: cosine_fast.cosine_decay(steps, L0, D, alpha, out=out)) < 3e6
assert peak_of(lambda: cosine_fast.cosine_decay(steps, L0, D, half, out=out)) < 3e6
assert peak_of(lambda: cosine_fast.cosine_decay(np.broadcast_to(steps[:1], (n, 13)), L0, D, out=out)) < 3e6
full = np.full(13 * n, 0.1, np.float16)
assert peak_of(lambda: cosine_fast.cosine_decay(1, 0.1, 50, full, out=out.ravel())) < 3e6
# A view of one number, and the result's own memory at that: not copied to its shape.
one = np.broadcast_to(out[:1, :1], out.shape)
out[0, 0] = 0.1
assert peak_of(lambda: cosine_fast.cosine_decay(steps, one, D, alpha, out=out)) < 3e6
""",
        COSINE_FAST_BACKEND=None,
    )


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import cosine_fast
memory, steps = np.empty({shape}), np.arange(1000).reshape({steps})
D = np.full({schedules}, 10**5)
began = time.monotonic()
cosine_fast.cosine_decay(steps, {rate}, D, out=memory, num_threads=1)
one = time.monotonic() - began
many = np.lib.stride_tricks.as_strided(memory, (60, *memory.shape), (0, *memory.strides))
threading.Timer(5 * one, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    cosine_fast.cosine_decay(steps, {rate}, np.broadcast_to(D, (60, *D.shape)) , out=many, num_threads=1)
except KeyboardInterrupt:
    assert time.monotonic() - began < 50 * one
else:
    sys.exit("it was not interrupted")
"""


@pytest.mark.parametrize("rate", [0.1, 1e-300])
@pytest.mark.parametrize(("schedules", "steps"), [((3000, 1), (1, 1000)), ((1, 3000), (1000, 1))])
def test_ctrl_c(compiled, process, rate, schedules, steps):
    """It is answered within a call, along the steps and across the schedules, of the slow kind too."""
    shape = (3000, 1000) if schedules[1] == 1 else (1000, 3000)
    process(INTERRUPTED.format(rate=rate, schedules=schedules, steps=steps, shape=shape))


# ---- An absolute floor ----


def test_absolute_floors(cf):
    """The bits of the class: along the steps, across the schedules, and for one step each."""
    r = np.random.default_rng(8)
    n = 300
    p = {"initial_learning_rate": r.random(n) * 0.1, "decay_steps": r.integers(1, 99, n)}
    p |= {"warmup_target": np.where(r.random(n) < 0.5, np.nan, r.random(n)), "warmup_steps": r.integers(0, 30, n)}
    end = r.choice([0.0, 0.02, 0.7, -0.1, 1e-310, 1e300], n)
    steps = np.concatenate([np.arange(-3, 140, 7), [2**60]])

    def of(i):
        schedule = cf.CosineDecay.__new__(cf.CosineDecay)
        row = {key: value[i].item() for key, value in p.items()}
        target = None if math.isnan(row["warmup_target"]) else row["warmup_target"]
        schedule._init(**row | {"warmup_target": target, "end_learning_rate": end[i].item()})
        return schedule

    want = np.array([of(i)(steps) for i in range(n)])
    columns = {key: value[:, None] for key, value in p.items()}
    assert_same(cf.cosine_decay(steps, **columns, end_learning_rate=end[:, None]), want)
    assert_same(cf.cosine_decay(steps[:, None], **p, end_learning_rate=end), want.T)
    each = r.integers(0, steps.size, n)
    assert_same(cf.cosine_decay(steps[each], **p, end_learning_rate=end), want[np.arange(n), each])
    usual = (end == 0.02) | (end == 0.0)
    few = {key: value[usual] for key, value in p.items()}
    assert_same(
        cf.cosine_decay(steps[each][usual], **few, end_learning_rate=end[usual]), want[np.arange(n), each][usual]
    )
    assert cf.cosine_decay(10, 0.1, 10, end_learning_rate=0.03) == 0.03
    steps = np.arange(1002)
    ones = np.ones(steps.size)
    up = cf.CosineDecay(-0.5, 1000, end_learning_rate=0.3)(steps)  # through zero
    assert_same(cf.cosine_decay(steps, -0.5 * ones, 1000, end_learning_rate=0.3 * ones), up)


def test_errors_of_absolute_floors(cf):
    with pytest.raises(ValueError, match=r"Arguments `alpha` and `end_learning_rate` exclude each other. .*\[0, 0.1\]"):
        cf.cosine_decay(10, 0.1, 10, [0, 0.1], end_learning_rate=0.03)
    for alpha in (None, "", False, [False], [""]):
        with pytest.raises(TypeError, match="Argument `alpha` must be"):
            cf.cosine_decay(10, [0.1], 10, alpha, end_learning_rate=0.03)
    assert_same(cf.cosine_decay([5, 10], 0.1, 10, [[0], [0]], end_learning_rate=0.3), np.array([[0.2, 0.3]] * 2))
    with pytest.raises(ValueError, match=r"Argument `end_learning_rate` must be finite. .* at index 1$"):
        cf.cosine_decay(10, 0.1, 10, end_learning_rate=[0.03, np.inf])
