"""Steps and `out` of every type, shape and layout: the bits of single steps, and the same answer from both backends."""

from __future__ import annotations

import numpy as np
import pytest
from bits import INT64, assert_same, bits, outcome
from family import ORDINARY, cosine_decay, inverse_time_decay, made, piecewise_constant_decay
from layouts import read_only, unaligned
from samples import one_in

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
KINDS = {
    "single": ("CosineDecay", cosine_decay(1e-6, 1000, 0.1, 1e-3, 100)),
    "pair": ("CosineDecay", cosine_decay(1e-6, 1000.1, 0.1, 1e-3, 100)),
    "wide": ("CosineDecay", cosine_decay(0.1, 2**60 + 1, 0.1)),
    "float32": ("CosineDecay", cosine_decay(np.float32(1e-6), 1000, 0.1, 1e-3, 100)),
    "even": ("CosineDecay", cosine_decay(0.1, 1000)),
    "InverseTimeDecay, float32": ("InverseTimeDecay", inverse_time_decay(np.float32(0.1), 1000, 0.5, False)),
    "PiecewiseConstantDecay, float32": (
        "PiecewiseConstantDecay", piecewise_constant_decay([3, 5], np.array([0.1, 0.2, 0.3], np.float32)),
    ),
    **{name: (name, p) for name, p in ORDINARY[1::2]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "dtype"),
    one_in(
        2,
        [(kind, None) for kind in KINDS] + [(kind, dtype) for kind in ("single", "float32") for dtype in ("f8", "f4")],
    ),
)
def test_inputs(compiled, python, kind, dtype):
    """Every kind of input gives both backends the bits of its single steps, in the right shape, type and dtype."""
    schedule, reference = made(compiled, *KINDS[kind]), made(python, *KINDS[kind])
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
        want = np.array([schedule(x, dtype=np.float64) for x in numbers.ravel().tolist()], np.float64).astype(
            rate_dtype
        )
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
@pytest.mark.parametrize("kind", one_in(2, [("single",), ("wide",), ("float32",), ("PolynomialDecay",)]))
@pytest.mark.parametrize("layout", OUTS)
def test_out(cf, kind, layout, dtype):
    """Whatever the layout of `out`, it is returned and has the rates, and nothing between its elements is touched."""
    schedule = made(cf, *KINDS[kind])
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
    schedule = made(cf, *KINDS["single"])
    steps, out = overlapping(f"{step} {how}", dtype, n)
    want = schedule(steps.copy(), dtype=out.dtype)
    schedule(steps, out=out)
    np.testing.assert_array_equal(bits(out), bits(want))


def test_memmap(cf, tmp_path):
    """A file of steps is read as it lies, and a file of rates is written."""
    np.save(tmp_path / "steps.npy", CUBE)
    steps = np.load(tmp_path / "steps.npy", mmap_mode="r")
    rates = np.lib.format.open_memmap(tmp_path / "rates.npy", "w+", np.float32, CUBE.shape)
    schedule = made(cf, *KINDS["single"])
    assert schedule(steps, out=rates) is rates
    assert type(schedule(steps)) is np.ndarray
    rates.flush()
    assert_same(np.load(tmp_path / "rates.npy"), schedule(CUBE, dtype=np.float32))


class Lying:
    """An object whose method does not give what it has to."""

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
    have = outcome(lambda: ERRORS[name](made(compiled, *KINDS[kind])))
    want = outcome(lambda: ERRORS[name](made(python, *KINDS[kind])))
    assert isinstance(want, tuple), "it was no error"
    assert have == want
