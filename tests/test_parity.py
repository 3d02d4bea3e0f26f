"""One step, one learning rate: the same bits however it is asked for, and the same answer from both backends."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from bits import INT64, assert_same, bits, within


def parameters(L0, D, alpha=0.0, T=None, W=0):
    return {
        "initial_learning_rate": L0,
        "decay_steps": D,
        "alpha": alpha,
        "warmup_target": T,
        "warmup_steps": W,
    }


# What is hard: short, long and fractional decays, every joint between the kinds of schedule, and rates of every size.
HARD = [
    *[parameters(0.1, D) for D in (1, 2, 3, 97, 1000, 2**27, 2**27 + 1, 2**31, 2**51, 2**51 + 1)],
    *[parameters(3e-4, D, 0.1) for D in (999_983, 2**53 - 1, 2**53 + 1, 2**60 + 12345, 2**63 - 1)],
    *[parameters(0.3, D, 0.1) for D in (1e-9, 0.1, 0.7, 1000.1, 4999.99, 2**27 - 0.1, 1e9 + 1 / 3, 2**51 + 0.5)],
    *[parameters(0.7, 1009, alpha) for alpha in (0.1, 1.0, 1.5, 3.7, -0.1, -1.0, 1 - 2**-53, 1e-12, 1e-310)],
    *[parameters(peak, 1009, 0.1) for peak in (1e-300, 1e300, 1e-150, 1e-310, 5e-324, -0.1, -1e-320, 0.0)],
    *[parameters(0.0, 1000, alpha, 1e-3, 100) for alpha in (0.0, 0.1, 1.0, -0.5)],
    *[parameters(1e-6, D, 0.1, 1e-3, 3) for D in (1, 2, 1000, 2**27, 2**31, 2**51 - 3, 2**51, 2**62)],
    *[parameters(1e-6, 1000, 0.1, 1e-3, W) for W in (1, 2**31 - 1, 2**52, 2**53 + 1, 2**63 - 1)],
    *[parameters(1e-6, D, 0.1, 1e-3, W) for D, W in ((999, 10.3), (1000.1, 3), (77.7, 1000.9), (0.5, 0.25))],
    *[parameters(L0, 1009, 0.1, T, 101) for L0, T in ((2.0, 1.0), (1.0, 1.0), (-1.0, 2.0), (1.0, -3.0), (1.0, 0.0))],
    *[parameters(L0, 1009, 0.1, T, 101) for L0, T in ((0.0, 1e-310), (1e-300, 1e300), (1e300, 1e-300), (0.0, 5e-324))],
    parameters(2.0, 2**63 - 1, 0.5, 1.0, 2**63 - 1),
    parameters(2.0, 1000.1, 0.5, 1.0, 10.7),
    parameters(0.1, 10, 0.0, 0.2, 0),
]
EASY = {
    "single": parameters(1e-6, 1000, 0.1, 1e-3, 100),
    "pair": parameters(1e-6, 1000.1, 0.1, 1e-3, 100),
    "wide": parameters(0.1, 2**60 + 1, 0.1),
    "float32": parameters(np.float32(1e-6), 1000, 0.1, 1e-3, 100),
    "even": parameters(0.1, 1000),
}


def drawn(seed):
    """Parameters drawn at random, of any kind."""
    draw = random.Random(seed)
    peak = draw.choice([draw.random(), 10 ** draw.uniform(-8, 2), 10 ** draw.uniform(-300, 300)])
    D = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**31), draw.randint(1, INT64[1]), draw.uniform(0.5, 1e5)])
    alpha = draw.choice([0.0, 0.1, draw.random(), 10 ** draw.uniform(-12, 0), draw.uniform(-1, 2)])
    if draw.random() < 0.5:
        return parameters(peak, D, alpha)
    W = draw.choice([draw.randint(1, 10**4), draw.randint(1, 2**40), draw.uniform(0.5, 1e5)])
    return parameters(peak * draw.choice([0.0, draw.random(), 3.0, -1.0]), D, alpha, peak, W)


RANDOM = [drawn(seed) for seed in range(40)]


def joints(p):
    """The steps at which something changes."""
    W = 0 if p["warmup_target"] is None else Fraction(p["warmup_steps"])
    D = Fraction(p["decay_steps"])
    return [0, W, W + D / 2, W + D, W / 2, -D, -2 * D, W + D / 3, 2**27, -(2**53), 2**53, 2**51, *INT64]


def steps_of(p, seed=0, count=160):
    """Integer steps around every joint and anywhere in int64, in no order; more than a block of them."""
    draw = random.Random(seed)
    W, D = (int(x) for x in joints(p)[1:4:2])
    steps = [int(joint) + offset for joint in joints(p) for offset in (-513, *range(-8, 9), 513)]
    steps += [draw.randint(*INT64) for _ in range(count)]
    steps += [draw.randint(min(0, W), max(W, D)) for _ in range(2 * count)]
    steps += [draw.choice([-1, 1]) * int(2 ** draw.uniform(0, 63)) for _ in range(count)]
    draw.shuffle(steps)
    return np.array([within(step) for step in steps], np.int64)


def runs_of(p):
    """Sorted runs of steps over every joint, of whole blocks in one phase and of blocks across two."""
    for joint in joints(p):
        start = min(max(int(joint) - 1300, INT64[0]), INT64[1] - 2600)
        yield start, np.arange(start, start + 2600, dtype=np.int64)


def one_by_one(schedule, steps):
    return np.array([schedule(step) for step in steps.tolist()], np.float64)


@pytest.mark.parametrize("p", HARD + RANDOM, ids=lambda p: "-".join(map(str, p.values())))
def test_one_step_has_one_rate(compiled, python, p):
    """A number, an array in any order and at any offset, a range and the other backend give a step the same bits."""
    schedule, reference = compiled.CosineDecay(**p), python.CosineDecay(**p)
    steps = steps_of(p)
    want = one_by_one(schedule, steps)
    assert_same(schedule(steps), want, "an array")
    assert_same(reference(steps), want, "pure Python")
    order = np.argsort(steps, kind="stable")
    assert_same(schedule(steps[order]), want[order], "sorted")
    assert_same(schedule(steps[::-1]), want[::-1], "reversed")
    for offset in (1, 2, 3, 5, 7, 511, 512, 513):
        assert_same(schedule(steps[offset:]), want[offset:], f"from {offset} on")
    for n in range(20):
        assert_same(schedule(steps[:n]), want[:n], f"the first {n}")
    some = range(0, len(steps), 37)
    for i in some:
        assert_same(schedule(steps[i]), np.float64(want[i]), "a NumPy scalar")
        assert_same(reference(int(steps[i])), float(want[i]), "pure Python, a number")
        assert_same(schedule.precompute(int(steps[i]), int(steps[i]) + 1)[0], np.float64(want[i]), "a range of one")
    whole = np.abs(steps) <= 2**53
    floats = steps[whole].astype(np.float64)
    assert_same(schedule(floats), want[whole], "floats")
    assert_same(reference(floats), want[whole], "floats, pure Python")
    assert_same(one_by_one(schedule, floats), want[whole], "a float")


@pytest.mark.parametrize("p", HARD + RANDOM[:10], ids=lambda p: "-".join(map(str, p.values())))
def test_sorted_runs(compiled, python, p):
    """Whole blocks within one phase have the bits of single steps."""
    schedule, reference = compiled.CosineDecay(**p), python.CosineDecay(**p)
    for start, steps in runs_of(p):
        want = one_by_one(schedule, steps)
        stop = start + len(steps)
        assert_same(schedule(steps), want, f"{start}: an array")
        assert_same(schedule(steps + 0.0), one_by_one(schedule, steps + 0.0), f"{start}: floats")
        assert_same(reference(steps), want, f"{start}: pure Python")
        assert_same(schedule.precompute(start, stop), want, f"{start}: a range")
        assert_same(reference.precompute(start, stop), want, f"{start}: a range, pure Python")
        assert_same(schedule.precompute(start + 2599, start - 1, -1)[::-1], want, f"{start}: backwards")
        assert_same(schedule.precompute(start + 5, stop, 7), want[5::7], f"{start}: every seventh")
        assert_same(schedule(range(start + 5, stop, 7)), want[5::7], f"{start}: range()")


@pytest.mark.parametrize("p", HARD, ids=lambda p: "-".join(map(str, p.values())))
def test_fractional_steps(compiled, python, p):
    """A fractional step has the same bits alone, in an array and in pure Python."""
    draw = random.Random(1)
    schedule, reference = compiled.CosineDecay(**p), python.CosineDecay(**p)
    ends = [float(joint) for joint in joints(p)]
    steps = [np.nextafter(end, toward) for end in ends for toward in (-np.inf, np.inf)]
    steps += [end + draw.uniform(-1, 1) * 10 ** draw.uniform(-9, 3) for end in ends for _ in range(20)]
    steps += [draw.choice([-1, 1]) * 10 ** draw.uniform(-320, 308) for _ in range(300)]
    steps += [0.0, -0.0, np.nan, np.inf, -np.inf, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -5e-324]
    steps = np.array(steps)
    want = one_by_one(schedule, steps)
    assert_same(schedule(steps), want)
    assert_same(schedule(np.sort(steps)), want[np.argsort(steps)])
    assert_same(reference(steps), want)
    singles = steps[np.abs(steps) < 1e38].astype(np.float32)
    assert_same(schedule(singles), schedule(singles.astype(np.float64)))


@pytest.mark.parametrize("stride", [1, 3, 2**40, 2**62, 2**63 - 1, 2**63, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_strides_as_far_as_int64_goes(cf, stride, sign):
    """A range's stride may be anything that leaves its steps within int64."""
    schedule = cf.CosineDecay(**EASY["wide"])
    start, stop = INT64 if sign * stride > 0 else INT64[::-1]
    steps = range(start, stop + (1 if sign * stride > 0 else -1), sign * stride)[:2000]
    want = np.array([schedule(step) for step in steps])
    assert_same(schedule.precompute(steps.start, steps.stop, steps.step), want)
    assert_same(schedule(steps), want)


@pytest.mark.parametrize("p", HARD[::2], ids=lambda p: "-".join(map(str, p.values())))
def test_instruction_sets(compiled, isa, p):
    """Every instruction set gives the bits of single steps."""
    schedule = compiled.CosineDecay(**p)
    steps = steps_of(p, seed=2)
    assert_same(schedule(steps), one_by_one(schedule, steps))
    floats = steps * 0.999
    assert_same(schedule(floats), one_by_one(schedule, floats))
    for start, run in runs_of(p):
        assert_same(schedule.precompute(start, start + len(run)), one_by_one(schedule, run))


@pytest.mark.parametrize("kind", EASY)
@pytest.mark.parametrize("layout", ["whole", "strided", "transposed", "range"])
def test_threads_and_sizes(compiled, kind, layout):
    """The number of threads and the place of a block's edge change no bit."""
    schedule = compiled.CosineDecay(**EASY[kind])
    period = np.arange(-(2**16), 2**16, 61)
    rates = {int(step): schedule(int(step)) for step in period}
    for size in (511, 512, 513, 8191, 8192, 8193, 32767, 32768, 32769, 140_000):
        if layout == "range":
            steps = range(-(2**16), -(2**16) + 61 * size, 61)[: len(period)]
            steps = np.array(steps)
        else:
            steps = np.resize(period, size)
        want = np.array([rates[int(step)] for step in steps]).astype(schedule.dtype)
        for threads in (1, 2, 3, 64):
            if layout == "range":
                have = schedule.precompute(int(steps[0]), int(steps[-1]) + 1, 61, num_threads=threads)
            elif layout == "strided":
                have = schedule(np.repeat(steps, 3)[::3], num_threads=threads)
            elif layout == "transposed":
                rows = size // 4
                have = schedule(np.ascontiguousarray(steps[: 4 * rows].reshape(4, rows).T).T, num_threads=threads)
                have = have.ravel()
            else:
                have = schedule(steps, num_threads=threads)
            assert_same(have, want[: len(have)], f"{size} steps, {threads} threads")


# ---- Every kind of input ----


def unaligned(array):
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    copy = memory.view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert not copy.flags.aligned or array.itemsize == 1 or array.size == 0
    return copy


def read_only(array):
    array.flags.writeable = False
    return array


BASE = np.arange(-100, 1340, dtype=np.int64)
INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2", ">i4", ">i8", ">u2", ">u4", ">u8", "q", "Q", "l"]
FLOATS = ["f2", "f4", "f8", ">f2", ">f4", ">f8", "g"]
CUBE = BASE.reshape(12, 10, 12)
INPUTS = {
    **{f"int {n}": n for n in (0, 1, -1, 50, 100, 1100, 10**9, *INT64)},
    **{f"float {x}": x for x in (0.0, -0.0, 0.5, -3.25, 99.999, 1e9, 1e300, -1e30, np.inf, -np.inf, np.nan)},
    **{f"scalar {c}": np.array(77).astype(c)[()] for c in INTEGERS + FLOATS},
    **{f"0-d {c}": np.array(77).astype(c) for c in INTEGERS + FLOATS},
    **{f"1-d {c}": (BASE % 120 if c in ("i1", "u1") else np.abs(BASE)).astype(c) for c in INTEGERS + FLOATS},
    **{f"strided {c}": np.abs(BASE)[:1200].astype(c).reshape(30, 40)[::-2, 1::3] for c in INTEGERS[1:3] + FLOATS},
    "n-d": CUBE,
    "f8 n-d": CUBE / 7,
    "F": np.asfortranarray(CUBE),
    "transposed": CUBE.transpose(2, 0, 1),
    "negative strides": CUBE[::-1, :, ::-1],
    "sliced": CUBE[1:11:2, ::3, 2:],
    "diagonal": CUBE[:, :, :12].diagonal(),
    "broadcast": np.broadcast_to(BASE[:40, None], (40, 35)),
    "broadcast number": np.broadcast_to(np.int64(77), (20, 70)),
    "unaligned i8": unaligned(CUBE),
    "unaligned f4": unaligned(CUBE.astype("f4")),
    "unaligned >f8": unaligned((CUBE / 3).astype(">f8"))[::2, ::-1],
    "read-only": read_only(BASE.copy()),
    "field": np.zeros(700, [("a", "i1"), ("step", "i8")])["step"],
    "empty": np.array([]),
    "empty i4": np.array([], "i4"),
    "(0, 3)": np.zeros((0, 3), np.int64),
    "(3, 0, 2) strided": np.zeros((3, 5, 4))[:, 5:, ::2],
    "10 dimensions": np.arange(1024).reshape((2,) * 10).T,
    "32 dimensions": np.arange(1024).reshape((2,) * 10 + (1,) * 22).T,
    "size 1": np.array([[[7]]])[::-1],
    "list": [1, 2, 3],
    "list of floats": [1, 2.5, np.nan],
    "nested list": [[1, 2], [3, 4]],
    "list of scalars": [np.int8(5), np.float32(0.5)],
    "empty list": [],
    "tuple": (1.5, 2),
    "range": range(-5, 1300, 7),
    "range backwards": range(1300, -5, -7),
    "empty range": range(5, 5),
    "matrix": np.arange(12).reshape(3, 4).view(np.matrix),
    "buffer": memoryview(BASE),
}
KINDS = ["single", "pair", "wide", "float32", "even"]


def outcome(call):
    """What a call gave: its value, or its exception's type and message."""
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def assert_same_outcome(have, want, what=""):
    if isinstance(want, tuple):
        assert have == want, what
    else:
        assert_same(have, want, what)


@pytest.mark.parametrize("dtype", [None, np.float64, np.float32], ids=["no-dtype", "float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_inputs(compiled, python, kind, dtype):
    """Every kind of input gives both backends the bits of its single steps, in the right shape, type and dtype."""
    schedule, reference = compiled.CosineDecay(**EASY[kind]), python.CosineDecay(**EASY[kind])
    plain = compiled.CosineDecay(**{**EASY[kind], "initial_learning_rate": float(EASY[kind]["initial_learning_rate"])})
    rate_dtype = np.dtype(dtype or schedule.dtype)
    for name, steps in INPUTS.items():
        have = schedule(steps, dtype=dtype)
        assert_same(reference(steps, dtype=dtype), have, name)
        if isinstance(steps, (int, float)) and not isinstance(steps, np.generic):
            assert type(have) is (float if rate_dtype == np.float64 else np.float32), name
        elif np.ndim(steps) == 0:
            assert type(have) is rate_dtype.type, name
        else:
            assert type(have) is np.ndarray, name
        array = np.asarray(steps)
        assert np.shape(have) == array.shape, name
        numbers = array.astype(np.float64) if array.dtype.kind == "f" else array
        want = np.array([plain(x) for x in numbers.ravel().tolist()], np.float64).astype(rate_dtype)
        assert_same(np.asarray(have).ravel(), want, name)


def strided_out(shape, dtype):
    return np.full((*shape[:-1], 3 * shape[-1]), 9, dtype)[..., ::3] if shape else np.full(shape, 9, dtype)


OUTS = {
    "C": lambda shape, dtype: np.full(shape, 9, dtype),
    "F": lambda shape, dtype: np.full(shape, 9, dtype, order="F"),
    "strided": strided_out,
    "reversed": lambda shape, dtype: np.full(shape, 9, dtype)[(..., *[slice(None, None, -1)] * len(shape))],
    "unaligned": lambda shape, dtype: unaligned(np.full(shape, 9, dtype)),
    "field": lambda shape, dtype: np.zeros(shape, [("a", "i1"), ("rate", dtype)])["rate"],
    "masked array": lambda shape, dtype: np.full(shape, 9, dtype).view(np.ma.MaskedArray),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", OUTS)
def test_out(cf, kind, layout, dtype):
    """Whatever the layout of `out`, it is returned and has the rates, and nothing between its elements is touched."""
    schedule = cf.CosineDecay(**EASY[kind])
    for name, steps in INPUTS.items():
        want = np.asarray(schedule(np.asarray(steps), dtype=dtype))
        out = OUTS[layout](want.shape, dtype)
        between = out.base.copy() if layout == "strided" and want.ndim else None
        assert schedule(steps, out=out) is out, name
        np.testing.assert_array_equal(bits(np.asarray(out)), bits(want), name)
        assert schedule(steps, out=out, dtype=dtype) is out, name
        if between is not None and out.base is not None:
            between[..., ::3] = want
            np.testing.assert_array_equal(out.base, between, name)


def overlapping(name, dtype, n):
    """Steps and an `out` in one memory."""
    memory = np.zeros(2 * n + 8, np.float64)
    steps = {"i8": memory.view(np.int64), "f8": memory, "i4": memory.view(np.int32), "f4": memory.view(np.float32)}
    out = memory if dtype == "f8" else memory.view(np.float32)
    source = steps[name[:2]]
    reach = {
        "same": (source[:n], out[:n]),
        "out one ahead": (source[:n], out[1 : n + 1]),
        "out one behind": (source[1 : n + 1], out[:n]),
        "reversed": (source[:n], out[:n][::-1]),
        "both reversed": (source[:n][::-1], out[:n][::-1]),
        "every second": (source[:n], out[: 2 * n : 2]),
        "into every second": (source[: 2 * n : 2], out[:n]),
        "square": (source[: (n // 16) * 16].reshape(n // 16, 16), out[: (n // 16) * 16].reshape(16, n // 16).T),
        "broadcast": (np.broadcast_to(source[3], (n,)), out[:n]),
    }[name[3:]]
    source[: 2 * n] = np.arange(2 * n) % 1500 - 100
    return reach


@pytest.mark.parametrize("n", [7, 3000, 50_000])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("step", ["i8", "f8", "i4", "f4"])
@pytest.mark.parametrize(
    "how",
    [
        "same", "out one ahead", "out one behind", "reversed", "both reversed", "every second", "into every second",
        "square", "broadcast",
    ],
)  # fmt: skip
def test_out_in_the_steps_memory(cf, how, step, dtype, n):
    """`out` may overlap the steps in any way: the rates are those of the steps as they were."""
    if n > 3000 and cf.build_info()["backend"] == "python":
        pytest.skip("pure Python has no threads to confuse")
    schedule = cf.CosineDecay(**EASY["single"])
    steps, out = overlapping(f"{step} {how}", dtype, n)
    want = schedule(steps.copy(), dtype=out.dtype)
    schedule(steps, out=out)
    np.testing.assert_array_equal(bits(out), bits(want))


def test_memmap(cf, tmp_path):
    """A file of steps is read as it lies, and a file of rates is written."""
    np.save(tmp_path / "steps.npy", CUBE)
    steps = np.load(tmp_path / "steps.npy", mmap_mode="r")
    rates = np.lib.format.open_memmap(tmp_path / "rates.npy", "w+", np.float32, CUBE.shape)
    schedule = cf.CosineDecay(**EASY["single"])
    assert schedule(steps, out=rates) is rates
    assert type(schedule(steps)) is np.ndarray
    rates.flush()
    assert_same(np.load(tmp_path / "rates.npy"), schedule(CUBE, dtype=np.float32))


class Lying:
    """It promises what it does not keep."""

    def __init__(self, method, answer):
        self.answer = answer
        self.__class__ = type("Lying", (Lying,), {method: lambda self, *a, **k: self.say()})

    def say(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def __repr__(self):
        return "Lying()"


BIG = 2**63
ERRORS = {
    "int": lambda s: s(BIG),
    "int below": lambda s: s(-BIG - 1),
    "int far": lambda s: s(10**400),
    "uint64": lambda s: s(np.uint64(BIG)),
    "uint64 array": lambda s: s(np.array([[1, BIG]], np.uint64)),
    ">u8": lambda s: s(np.array([1, BIG], ">u8")),
    "list": lambda s: s([1, BIG]),
    "list of both signs": lambda s: s([-1, BIG]),
    "tuple": lambda s: s((1, -BIG - 1)),
    "nested list": lambda s: s([[1, 2], [-3, BIG]]),
    "list with a float": lambda s: s([0.5, BIG]),
    "object array": lambda s: s(np.array([1, BIG * 4], object)),
    "object array of small ones": lambda s: s(np.array([1, 2], object)),
    "range": lambda s: s(range(BIG - 1, BIG + 2)),
    "precompute": lambda s: s.precompute(BIG - 1, BIG + 1),
    "precompute below": lambda s: s.precompute(5, -BIG - 2, -1),
    "True": lambda s: s(True),
    "np.True_": lambda s: s(np.True_),
    "bools": lambda s: s(np.array([True, False])),
    "list of bools": lambda s: s([True]),
    "complex": lambda s: s(1j),
    "complex array": lambda s: s(np.ones(3, np.complex64)),
    "string": lambda s: s("5"),
    "bytes": lambda s: s(b"5"),
    "strings": lambda s: s(["5", "6"]),
    "None": lambda s: s(None),
    "dict": lambda s: s({}),
    "object": lambda s: s([None, 1]),
    "datetime": lambda s: s(np.array(["2020-01-01"], "M8[D]")),
    "timedelta": lambda s: s(np.timedelta64(5, "s")),
    "structured": lambda s: s(np.zeros(3, "i4,f8")),
    "ragged": lambda s: s([[1], [2, 3]]),
    "__array__ lies": lambda s: s(Lying("__array__", "no array")),
    "__array__ raises": lambda s: s(Lying("__array__", KeyError("own"))),
    "__index__ only": lambda s: s(Lying("__index__", 5)),
    "__float__ only": lambda s: s(Lying("__float__", 5.0)),
    "__len__ lies": lambda s: s(Lying("__len__", -1)),
    "out: list": lambda s: s([1], out=[0.0]),
    "out: dtype": lambda s: s([1], out=np.zeros(1, np.int64)),
    "out: order": lambda s: s([1], out=np.zeros(1, ">f8")),
    "out: float16": lambda s: s([1], out=np.zeros(1, np.float16)),
    "out: bool": lambda s: s([1], out=np.zeros(1, bool)),
    "out: shape": lambda s: s([1], out=np.zeros(2)),
    "out: broadcast": lambda s: s([1], out=np.zeros((1, 1))),
    "out: number": lambda s: s(1, out=np.zeros(1)),
    "out: read-only": lambda s: s([1], out=read_only(np.zeros(1))),
    "out: dtype differs": lambda s: s([1], out=np.zeros(1), dtype=np.float32),
    "dtype: int": lambda s: s([1], dtype=int),
    "dtype: order": lambda s: s([1], dtype=">f8"),
    "dtype: garbage": lambda s: s([1], dtype="garbage"),
    "dtype: structure": lambda s: s([1], dtype={"names": ["a"], "formats": []}),
    "dtype: number": lambda s: s(1, dtype=5),
    "num_threads: 0": lambda s: s([1], num_threads=0),
    "num_threads: -1": lambda s: s(1, num_threads=-1),
    "num_threads: float": lambda s: s([1], num_threads=2.0),
    "num_threads: bool": lambda s: s([1], num_threads=True),
    "num_threads: string": lambda s: s([1], num_threads="2"),
    "precompute: float": lambda s: s.precompute(5.0),
    "precompute: zero": lambda s: s.precompute(0, 5, 0),
    "precompute: string": lambda s: s.precompute("5"),
    "precompute: None": lambda s: s.precompute(None),
    "precompute: out": lambda s: s.precompute(5, out=np.zeros(6)),
    "precompute: impossible": lambda s: s.precompute(2**62),
    "precompute: more than range": lambda s: s.precompute(-BIG, BIG),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("kind", ["single", "wide", "float32"])
def test_errors(compiled, python, kind, name):
    """Both backends refuse the same calls, with the same exception and the same message."""
    have = outcome(lambda: ERRORS[name](compiled.CosineDecay(**EASY[kind])))
    want = outcome(lambda: ERRORS[name](python.CosineDecay(**EASY[kind])))
    assert isinstance(want, tuple), "it was no error"
    assert have == want
