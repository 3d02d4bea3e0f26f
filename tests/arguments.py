"""Arguments of every kind for hostile calls: arrays, numbers, and objects that promise what they do not keep.

Each kind is a function that makes its argument anew.
"""

from __future__ import annotations

import array
import ctypes
import decimal
import fractions
import inspect
import numbers
import pickle
import warnings

import numpy as np
import pytest
from layouts import read_only, unaligned

BIG = 2**63
DIMENSIONS = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32
CODES = np.typecodes["All"] + np.typecodes["Datetime"]
REFUSED = (TypeError, ValueError, OverflowError)
PARAMETERS = {"initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.1, "warmup_target": 1.0, "warmup_steps": 5}


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
    **{f"unaligned {c}": lambda c=c: unaligned(np.zeros(3, c)) for c in "hHlLqQefdg"},
    **{f"read-only {c}": lambda c=c: read_only(np.zeros(3, c)) for c in "lLefd"},
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
    "lying read-only": lambda: read_only(np.zeros(3)).view(LyingArray),
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
# Of the layouts and scalars of every dtype a fifth, such that all dtypes are in; with -m slow the others.
OF_DTYPES = [kind for kind in KINDS if kind.rpartition(" ")[2] in CODES]
REST = [kind for i, kind in enumerate(KINDS) if kind in OF_DTYPES and i % 5 > 0]
USUAL = [kind for kind in KINDS if kind not in REST]


def each_kind(test):
    """Call a test with every kind; a failure has a note that names it. A test for each would take longer to set up."""

    def of_kinds(kinds, **fixtures):
        for kind in kinds:
            try:
                test(kind=kind, **fixtures)
            except Exception as error:
                error.add_note(f"The kind of argument: {kind}")
                raise

    own = [parameter for name, parameter in inspect.signature(test).parameters.items() if name != "kind"]
    of_kinds.__signature__ = inspect.Signature([*own, inspect.Parameter("kinds", inspect.Parameter.KEYWORD_ONLY)])
    of_kinds.__name__, of_kinds.__doc__ = test.__name__, test.__doc__
    each = [pytest.param(USUAL, id="usual"), pytest.param(REST, id="rest", marks=pytest.mark.slow)]
    return pytest.mark.parametrize("kinds", each)(of_kinds)


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
        # These have tests of their own.
        warnings.filterwarnings("ignore", "Argument `(initial_learning_rate|warmup_steps)` is ignored")
        try:
            return call()
        except (*REFUSED, MemoryError, RecursionError, OwnError) as error:
            return error
