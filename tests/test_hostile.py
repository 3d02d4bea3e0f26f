"""Every public function with every kind of argument: the documented value or the documented error, and no crash.

What is refused leaves `out` and the memory around it as they were. Each kind of argument is made anew for each call.
"""

from __future__ import annotations

import array
import ctypes
import decimal
import fractions
import numbers
import operator
import pickle
import re
import warnings

import numpy as np
import pytest

BIG = 2**63
DIMENSIONS = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32
CODES = np.typecodes["All"] + np.typecodes["Datetime"]
REFUSED = (TypeError, ValueError, OverflowError)


# ---- Objects that promise what they do not keep ----


class OwnError(Exception):
    """Raised by an object's own code."""


def constant(value):
    return lambda *_arguments, **_options: value


def liar(bases=(object,), **members):
    """An object with these methods; a plain value in the place of a method is what it answers."""
    given = {name: x if callable(x) or isinstance(x, property) else constant(x) for name, x in members.items()}
    return type("Liar", bases, given)


def raising(*_arguments, **_options):
    raise OwnError("its own code")


class LyingArray(np.ndarray):
    """An array of bytes that says it is one of doubles, and writeable."""

    dtype = property(lambda self: np.dtype(np.float64))
    itemsize = property(lambda self: 8)
    flags = property(lambda self: np.zeros(3).flags)


class RaisingArray(np.ndarray):
    __array_ufunc__ = __array_function__ = __array_wrap__ = __array_prepare__ = raising
    __len__ = __getitem__ = __iter__ = raising


class PlainSubclass(np.ndarray):
    __array_priority__ = 1e9


def unaligned(dtype):
    return np.zeros(3 * np.dtype(dtype).itemsize + 1, np.uint8)[1:].view(dtype)


def read_only(dtype):
    zeros = np.zeros(3, dtype)
    zeros.flags.writeable = False
    return zeros


def cyclic():
    cycle = []
    cycle.append(cycle)
    return cycle


def deep(depth):
    nested = 5
    for _ in range(depth):
        nested = [nested]
    return nested


def exported(text, items):
    """Python's own buffers."""
    return memoryview(array.array(text, items))


# ---- The kinds of argument ----

ARRAYS = {
    **{f"zeros {c}": lambda c=c: np.zeros(3, c) for c in CODES},
    **{f"swapped {c}": lambda c=c: np.zeros(3, np.dtype(c).newbyteorder()) for c in CODES},
    **{f"0-d {c}": lambda c=c: np.zeros((), c) for c in CODES},
    **{f"empty {c}": lambda c=c: np.zeros((2, 0, 3), c) for c in CODES},
    **{f"strided {c}": lambda c=c: np.zeros((4, 6), c)[::-2, 4:0:-3] for c in CODES},
    **{f"broadcast {c}": lambda c=c: np.broadcast_to(np.zeros((), c), (2, 3)) for c in "bBhHlLqQefdgO"},
    **{f"unaligned {c}": lambda c=c: unaligned(c) for c in "hHlLqQefdg"},
    **{f"read-only {c}": lambda c=c: read_only(c) for c in "lLefd"},
    **{f"{DIMENSIONS} dimensions {c}": lambda c=c: np.zeros((1,) * DIMENSIONS, c) for c in "lLefd"},
    "structured": lambda: np.zeros(3, "i4,f8"),
    "one field": lambda: np.zeros(3, [("x", "f8")]),
    "nested structure": lambda: np.zeros(3, [("x", "i4,f8", (2, 2))]),
    "record array": lambda: np.rec.array([(1, 2.0)], dtype="i8,f8"),
    "strings": lambda: np.array(["1", "2"]),
    "bytes": lambda: np.array([b"1", b"2"]),
    "character array": lambda: np.char.array(["1", "2"]),
    "void": lambda: np.zeros(3, "V5"),
    "objects": lambda: np.array([1, 2.5, None], object),
    "objects that are ints": lambda: np.array([1, 2], object),
    "objects that are large": lambda: np.array([1, BIG], object),
    "matrix": lambda: np.zeros((2, 2)).view(np.matrix),
    "subclass": lambda: np.zeros(3).view(PlainSubclass),
    "lying bytes": lambda: np.zeros(24, np.int8).view(LyingArray),
    "lying read-only": lambda: read_only(float).view(LyingArray),
    "raising subclass": lambda: np.zeros(3).view(RaisingArray),
    "masked": lambda: np.ma.array([0.0, 5.0], mask=[1, 0]),
    "masked ints": lambda: np.ma.array([0, 5], mask=[1, 0]),
    "masked objects": lambda: np.ma.array([None, 5], mask=[1, 0]),
    "NaN and infinities": lambda: np.array([np.nan, np.inf, -np.inf, -0.0]),
    "uint64 beyond int64": lambda: np.array([1, BIG], np.uint64),
    "uint64 the other way round": lambda: np.array([1, BIG], np.uint64).astype(">u8")[::-1],
    "longdouble beyond float64": lambda: np.array([np.longdouble("1e4000")]),
    "flat iterator": lambda: np.zeros((2, 2)).flat,
    "huge and empty": lambda: np.lib.stride_tricks.as_strided(np.zeros(1), (0, 2**40), (2**40, -(2**50))),
}
NUMBERS = {
    **{f"scalar {c}": lambda c=c: np.zeros((), c)[()] for c in CODES},
    **{f"int {n:.6g}": lambda n=n: n for n in (0, 1, -1, BIG - 1, -BIG, BIG, -BIG - 1, 2**64, 10**300)},
    "int of 5000 digits": lambda: 10**5000,
    **{f"float {x}": lambda x=x: x for x in (0.0, 2.5, 7.0, -3.0, 1e308, 5e-324, float("inf"), float("nan"))},
    "True": lambda: True,
    "complex": lambda: 1j,
    "Decimal": lambda: decimal.Decimal(5),
    "Fraction": lambda: fractions.Fraction(1, 2),
    "whole Fraction": lambda: fractions.Fraction(5),
    "masked constant": lambda: np.ma.masked,
}
OTHERS = {
    "None": lambda: None,
    "Ellipsis": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "text": lambda: "5",
    "lone surrogate": lambda: "\ud800",
    "bytes object": lambda: b"12345678",
    "bytearray": lambda: bytearray(16),
    "memoryview of doubles": lambda: exported("d", [0.0, 5.0]),
    "memoryview of shorts": lambda: exported("h", [0, 5]),
    "memoryview of characters": lambda: memoryview(b"12345678"),
    "ctypes": lambda: (ctypes.c_double * 3)(),
    "type": lambda: float,
    "function": lambda: len,
    "module": lambda: pickle,
    "generator": lambda: (i for i in range(3)),
    "set": lambda: {1, 2},
    "dict": lambda: {"dtype": "f8"},
    "list": lambda: [1, 2],
    "list of floats": lambda: [1, 2.5],
    "list of lists": lambda: [[1, 2], [3, 4]],
    "list of arrays": lambda: [np.zeros(2), np.zeros(2, int)],
    "list of mixed types": lambda: [1, "2", None, 3.5],
    "list of halves": lambda: [np.float16(0.5), np.float16(7)],
    "list of text": lambda: ["1", "2"],
    "list with a bool": lambda: [True, 2],
    "list of bools": lambda: [True, False],
    "list with None": lambda: [1.5, None],
    "list beyond int64": lambda: [-1, BIG],
    "list of both": lambda: [0.5, 2**64],
    "ragged list": lambda: [[1], [2, 3]],
    "ragged arrays": lambda: [np.zeros(2), np.zeros(3)],
    "empty list": lambda: [],
    "cyclic list": cyclic,
    "deep list": lambda: deep(100),
    "list of allowed depth": lambda: deep(20),
    "range": lambda: range(5),
    "range beyond int64": lambda: range(BIG - 1, BIG + 2),
    "endless range": lambda: range(-BIG, BIG),
    "plain object": object,
    "__array__ gives text": lambda: liar(__array__="text")(),
    "__array__ gives itself": lambda: liar(__array__=lambda self, *a, **k: self)(),
    "__array__ gives strings": lambda: liar(__array__=np.array(["x"]))(),
    "__array__ gives steps": lambda: liar(__array__=np.array([1, 2]))(),
    "__array__ is no method": lambda: liar(__array__=property(lambda self: 5))(),
    "__array__ raises": lambda: liar(__array__=raising)(),
    "__array_interface__ is nothing": lambda: liar(__array_interface__=property(lambda self: {}))(),
    "__array_interface__ is huge": lambda: liar(
        __array_interface__=property(lambda self: {"shape": (2**61,), "typestr": "<i8", "version": 3, "data": b"1"})
    )(),
    "__array_struct__ is nothing": lambda: liar(__array_struct__=property(lambda self: 5))(),
    "__buffer__ raises": lambda: liar(__buffer__=raising)(),
    "__len__ is negative": lambda: liar(__len__=-1, __getitem__=5)(),
    "__len__ is huge": lambda: liar(__len__=2**62, __getitem__=5)(),
    "__len__ is text": lambda: liar(__len__="5", __getitem__=5)(),
    "__len__ is short": lambda: liar(__len__=3, __getitem__=lambda self, i: [5, 6][i])(),
    "__index__ is 5": lambda: liar(__index__=5)(),
    "__index__ is text": lambda: liar(__index__="5")(),
    "__index__ is huge": lambda: liar(__index__=2**70)(),
    "__index__ raises": lambda: liar(__index__=raising)(),
    "__float__ is 5": lambda: liar(__float__=5.0)(),
    "__float__ is text": lambda: liar(__float__="5")(),
    "__float__ raises": lambda: liar(__float__=raising)(),
    "__class__ is an array": lambda: liar(__class__=property(lambda self: np.ndarray))(),
    "__class__ is a float": lambda: liar(__class__=property(lambda self: float))(),
    "__getattr__ raises": lambda: liar(__getattr__=raising)(),
    "__getattr__ gives itself": lambda: liar(__getattr__=lambda self, name: self, __call__=5)(),
    "__eq__ and __ne__ raise": lambda: liar(__eq__=raising, __ne__=raising)(),
    "int of its own": lambda: liar((int,), __int__=10**30, __float__=-5.0, __index__=-5)(5),
    "int that raises": lambda: liar((int,), __int__=raising, __float__=raising, __index__=raising)(5),
    "float of its own": lambda: liar((float,), __float__=lambda self: "text", __int__=5)(5.0),
    "number of its own": lambda: liar((numbers.Integral,), **dict.fromkeys(numbers.Integral.__abstractmethods__, 5))(),
    "dtype that lies": lambda: liar(dtype=property(lambda self: np.dtype("f8")))(),
    "dtype that raises": lambda: liar(dtype=property(raising))(),
}
KINDS = {**ARRAYS, **NUMBERS, **OTHERS}
assert len(KINDS) == len(ARRAYS) + len(NUMBERS) + len(OTHERS)


@pytest.fixture
def schedule(cf):
    return cf.CosineDecay(1e-6, 1000, 0.1, warmup_target=1e-3, warmup_steps=100)


class Guarded:
    """Memory for rates between two fences; as_it_was tells whether all of it still is."""

    def __init__(self, shape, dtype=np.float64):
        size = int(np.prod(shape, dtype=np.int64))
        self.memory = np.full((size + 16) * np.dtype(dtype).itemsize, 7, np.uint8)
        self.rates = self.memory.view(dtype)[8 : 8 + size].reshape(shape)

    def as_it_was(self):
        return bool(np.all(self.memory == 7))

    def fences_stand(self):
        edge = 8 * self.rates.itemsize
        return bool(np.all(self.memory[:edge] == 7) and np.all(self.memory[-edge:] == 7))


def outcome(call):
    """What a call gave, or the exception that it raised; no warning may come with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 1's of its own bools
        try:
            return call()
        except (*REFUSED, MemoryError, RecursionError, OwnError) as error:
            return error


def plain(made):
    """The steps in an argument as plain numbers of float64 and int64, as NumPy reads it; None where it reads none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = np.asarray(list(made) if isinstance(made, range) else made)
    except Exception:
        return None
    if read.dtype.kind not in "iuf" or (read.dtype.kind == "u" and read.size and int(read.max()) >= BIG):
        return None
    if (
        read.dtype.kind == "f"
        and not isinstance(made, (np.ndarray, np.generic))
        and np.any(np.abs(read.astype("f8")) >= 2.0**53)
    ):
        return None  # NumPy made floats of ints, or of floats: other tests say which
    with np.errstate(over="ignore"):
        return read.astype(np.float64 if read.dtype.kind == "f" else np.int64)


LARGE_FLOATS = {"float 1e+308", "float inf", "float nan", "float 5e-324"}


@pytest.mark.parametrize("kind", KINDS)
def test_steps(schedule, kind):
    """As a step: the rates of the numbers that NumPy reads there, in their shape, or a documented error."""
    make = KINDS[kind]
    steps = None if kind == "endless range" else plain(make())
    have = outcome(lambda: schedule(make()))
    if isinstance(have, OwnError):
        assert "raises" in kind or "raising" in kind
    elif isinstance(have, Exception):
        assert steps is None or kind in LARGE_FLOATS, (have, steps)
        assert str(have) or isinstance(have, MemoryError)
    elif kind in LARGE_FLOATS | {"int of its own"}:
        assert type(have) is float
    else:
        assert steps is not None, have
        want = np.array([schedule(step) for step in steps.ravel().tolist()], np.float64).reshape(steps.shape)
        if have is np.ma.masked:
            want = 0.0  # what NumPy holds there
        if isinstance(have, np.ma.MaskedArray):
            assert np.array_equal(np.ma.getmaskarray(have), np.ma.getmaskarray(make()))
        np.testing.assert_array_equal(np.asarray(have), want, strict=have is not np.ma.masked)
    # Beside memory for the result, the same; or nothing of it is touched.
    for dtype in (np.float64, np.float32):
        guarded = Guarded(np.shape(have) if not isinstance(have, Exception) else (3,), dtype)
        into = outcome(lambda guarded=guarded: schedule(make(), out=guarded.rates))
        if isinstance(into, Exception):
            assert isinstance(have, Exception)
            assert guarded.as_it_was()
        else:
            assert into is guarded.rates
            assert guarded.fences_stand()
            with np.errstate(over="ignore", under="ignore"):
                want = np.ma.getdata(have).astype(dtype) if have is not np.ma.masked else dtype(schedule(0))
                np.testing.assert_array_equal(into, want)


@pytest.mark.parametrize("kind", KINDS)
def test_out(schedule, kind):
    """As `out`: a writeable float64 or float32 array of the right shape, whatever its layout, or None; else refused."""
    made = KINDS[kind]()
    real = np.asarray(made) if issubclass(type(made), np.ndarray) else None
    before = None if real is None else real.tobytes()
    good = real is not None and real.dtype in (np.dtype("f8"), np.dtype("f4")) and real.flags.writeable
    shape = (3,) if real is None else real.shape
    steps = np.zeros(shape, np.int64)
    for fits, call in (
        (good, lambda: schedule(steps, out=made)),
        (good and real.shape == (3,), lambda: schedule.precompute(3, out=made)),
    ):
        have = outcome(call)
        if fits:
            assert have is made
        elif made is None:
            assert have.shape == (3,)
        else:
            assert type(have) in (TypeError, ValueError), have
            assert "`out`" in str(have)
            assert real is None or good or real.tobytes() == before


GOOD_DTYPES = {"None", "type", "dtype that lies"}


@pytest.mark.parametrize("kind", KINDS)
def test_dtype(schedule, kind):
    """As `dtype`: what NumPy makes float64 or float32 of; all else is a TypeError that names the argument."""
    make = KINDS[kind]
    for call in (
        lambda: schedule([5], dtype=make()),
        lambda: schedule(5, dtype=make()),
        lambda: schedule.precompute(5, dtype=make()),
    ):
        have = outcome(call)
        if isinstance(have, Exception):
            assert kind not in GOOD_DTYPES, have
            assert isinstance(have, OwnError) or (isinstance(have, TypeError) and "dtype" in str(have)), have
        else:
            assert isinstance(have, float) or have.dtype in (np.dtype("f8"), np.dtype("f4"))
            assert np.dtype(getattr(make(), "dtype", make())) in (np.dtype("f8"), np.dtype("f4"))


def index_of(made):
    """The int that Python makes of an argument, or None."""
    if isinstance(made, (bool, np.bool_)):
        return None
    try:
        return operator.index(made)
    except Exception:
        return None


@pytest.mark.parametrize("kind", KINDS)
def test_num_threads(cf, schedule, kind):
    """As `num_threads`: None or an integer >= 1; else a TypeError or ValueError that names the argument."""
    make = KINDS[kind]
    n = index_of(make())
    try:
        for call in (
            lambda: schedule([5], num_threads=make()),
            lambda: schedule(5, num_threads=make()),
            lambda: schedule.precompute(5, num_threads=make()),
            lambda: cf.set_num_threads(make()),
        ):
            have = outcome(call)
            if make() is None or (n is not None and n >= 1):
                assert not isinstance(have, Exception), have
            else:
                assert isinstance(have, OwnError) or type(have) in (TypeError, ValueError), have
                assert isinstance(have, OwnError) or "num_threads" in str(have)
    finally:
        cf.set_num_threads(None)


@pytest.mark.parametrize("kind", KINDS)
def test_range(schedule, kind):
    """As precompute's start, stop and step: what range() takes, and its errors; else MemoryError or OverflowError."""
    make = KINDS[kind]
    for arguments in (lambda m: (m,), lambda m: (0, m), lambda m: (m, 7), lambda m: (0, 7, m)):
        have = outcome(lambda arguments=arguments: schedule.precompute(*arguments(make())))
        want = outcome(lambda arguments=arguments: range(*arguments(make())))
        if make() is None and arguments(5) == (0, 5):
            assert have.shape == (0,)  # precompute(0, None) is precompute(0)
        elif isinstance(want, Exception):
            assert type(have) is type(want), (have, want)
        elif isinstance(have, Exception):
            assert isinstance(have, (MemoryError, OverflowError)), have
            assert len(arguments(5)) != 2 or abs(operator.index(make())) > 10**9
        else:
            assert have.shape == (len(want),)


PARAMETERS = {"initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.1, "warmup_target": 1.0, "warmup_steps": 5}


@pytest.mark.parametrize("kind", KINDS)
def test_parameters(cf, kind):
    """As a parameter: a number in its range, or an error that names the parameter; a schedule made has finite rates."""
    make = KINDS[kind]
    for name in PARAMETERS:
        if name == "warmup_target" and make() is None:
            continue  # there is no warmup then; the warning of it has its own test
        have = outcome(lambda name=name: cf.CosineDecay(**{**PARAMETERS, name: make()}))
        config = outcome(lambda name=name: cf.CosineDecay.from_config({**PARAMETERS, name: make()}))
        assert type(have) is type(config)
        if isinstance(have, (OwnError, RecursionError)):
            continue
        if isinstance(have, Exception):
            assert type(have) in (TypeError, ValueError), have
            assert name in str(have), have
        else:
            assert isinstance(make(), numbers.Real) or make() is None or "__class__" in kind
            assert np.all(np.isfinite(have(np.array([0, 3, 7, 12, 2**62]))))


@pytest.mark.parametrize("kind", KINDS)
def test_name(cf, kind):
    """As `name`: a string or None, or a TypeError."""
    made = KINDS[kind]()
    have = outcome(lambda: cf.CosineDecay(0.1, 10, name=made))
    if made is None or isinstance(made, str):
        assert have.name == made
    else:
        assert isinstance(have, (TypeError, OwnError)), have


@pytest.mark.parametrize("kind", KINDS)
def test_configs(cf, kind):
    """As a whole config: a TypeError."""
    assert isinstance(outcome(lambda: cf.CosineDecay.from_config(KINDS[kind]())), (TypeError, OwnError))
    with pytest.raises(TypeError):
        cf.CosineDecay.from_config({1: 2})


@pytest.mark.parametrize("kind", KINDS)
def test_functions_without_arguments(cf, schedule, kind):
    """What takes no argument refuses one."""
    for function in (cf.build_info, cf.get_num_threads, schedule.get_config):
        with pytest.raises(TypeError):
            function(KINDS[kind]())


# ---- Those that need a test of their own ----


def test_an_out_that_changes_while_it_is_checked(schedule):
    """A dtype whose own code changes `out` gets what is then there, or an error; nothing beside it is written."""
    guarded = Guarded((16,), np.int8)
    out = guarded.rates[:].view(np.float64)

    class Evil:
        @property
        def dtype(self):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                out.dtype = np.int8
            return np.dtype(np.float64)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises((TypeError, ValueError)):
            schedule(np.zeros(16, np.int64), out=out, dtype=Evil())
    assert guarded.as_it_was()


def test_masked_steps(schedule):
    """A mask goes with its steps, as through NumPy's own functions; its number is not evaluated by the way."""
    steps = np.ma.array([[0, 50], [100, 1100]], mask=[[0, 1], [0, 0]])
    rates = schedule(steps)
    assert type(rates) is np.ma.MaskedArray
    assert rates.tolist() == [[schedule(0), None], [schedule(100), schedule(1100)]]
    assert not np.shares_memory(rates.mask, steps.mask)
    assert schedule(steps, dtype=np.float32).dtype == np.float32
    assert schedule(np.ma.masked) is np.ma.masked
    assert type(schedule(np.ma.array(5))) is np.float64
    out = np.ma.array(np.zeros((2, 2)), mask=True)
    assert schedule(steps, out=out) is out
    assert out.tolist() == rates.tolist()
    assert schedule.precompute(4, out=out.ravel()).mask.sum() == 0
    memory = np.zeros((2, 2))
    assert schedule(steps, out=memory) is memory  # it has no mask: all its numbers are rates
    assert memory[0, 1] == schedule(50)


HOSTILE_PICKLES = [
    ({}, TypeError),
    ({"decay_steps": 0}, ValueError),
    ({"decay_steps": -5}, ValueError),
    ({"decay_steps": float("nan")}, ValueError),
    ({"decay_steps": "10"}, TypeError),
    ({"decay_steps": 2**64}, ValueError),
    ({"initial_learning_rate": float("inf")}, ValueError),
    ({"initial_learning_rate": None}, TypeError),
    ({"warmup_target": [1]}, TypeError),
    ({"warmup_steps": -1}, ValueError),
    ({"name": 5}, TypeError),
    ({"nonsense": 5}, TypeError),
]


@pytest.mark.parametrize(("changes", "error"), HOSTILE_PICKLES, ids=repr)
def test_hostile_pickles(cf, importable, changes, error):
    """Unpickling checks the parameters as the constructor does."""
    schedule = cf.CosineDecay(0.5, 10, 0.25, "n", 1.0, 5)
    restore, (kind, config), state = schedule.__reduce__()
    hostile = {**config, **changes} if changes else changes

    class Forged:
        def __reduce__(self):
            return restore, (kind, hostile), state

    with pytest.raises(error):
        pickle.loads(pickle.dumps(Forged()))
    for junk in (b"", pickle.dumps(schedule)[:-10], re.sub(b"decay_steps", b"decay_stepz", pickle.dumps(schedule))):
        with pytest.raises((TypeError, EOFError, pickle.UnpicklingError)):
            pickle.loads(junk)
    with pytest.raises((TypeError, AttributeError)):
        schedule.__setstate__({"_config": {}})


@pytest.mark.parametrize("state", [{"_key": 5}, (None, {"_config": {}, "_key": ()}), {"_folded": b"x"}], ids=repr)
def test_pickled_state_changes_no_parameter(cf, importable, state):
    """State that a forged pickle brings cannot replace what was checked."""
    schedule = cf.CosineDecay(0.5, 10)

    class Forged:
        def __reduce__(self):
            return (*schedule.__reduce__()[:2], state)

    with pytest.raises((TypeError, AttributeError)):
        pickle.loads(pickle.dumps(Forged()))
