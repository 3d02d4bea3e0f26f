"""What goes in, what comes out, and what is refused: the tables of the design, row by row."""

from __future__ import annotations

import contextlib
import gc
import re
import sys
from collections import deque
from fractions import Fraction

import numpy as np
import pytest

BIG = 2**63
LIMIT = "-2**63 <= step < 2**63"


@pytest.fixture
def schedule(cf):
    return cf.CosineDecay(1e-6, 1000, 0.1, warmup_target=1e-3, warmup_steps=100)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (5, float),
        (5.5, float),
        (np.int8(5), np.float64),
        (np.uint64(5), np.float64),
        (np.float16(5.5), np.float64),
        (np.float32(5.5), np.float64),
        (np.float64(5.5), np.float64),
        (np.longdouble(5.5), np.float64),
        (np.array(5), np.float64),
        (np.array(5.5, ">f4"), np.float64),
        ([5], np.ndarray),
        ((5, 6.5), np.ndarray),
        (range(5), np.ndarray),
        (np.arange(5), np.ndarray),
        (np.array([[5, 6]]).view(np.matrix), np.ndarray),
        ([], np.ndarray),
        ([[]], np.ndarray),
    ],
    ids=repr,
)
def test_types(cf, schedule, step, kind):
    """A number gives a number, a NumPy scalar a NumPy scalar, all else an array of its shape."""
    rate = schedule(step)
    assert type(rate) is kind
    assert np.shape(rate) == np.shape(step)
    single = cf.CosineDecay(np.float32(1e-6), 1000, 0.1, warmup_target=1e-3, warmup_steps=100)
    assert type(single(step)) is (np.ndarray if kind is np.ndarray else np.float32)
    assert type(schedule(step, dtype=np.float32)) is (np.ndarray if kind is np.ndarray else np.float32)
    assert type(single(step, dtype=np.float64)) is kind
    assert np.asarray(single(step)).dtype == np.float32


class Whole(int):
    """An int with an opinion of its own of what it is."""

    def __index__(self):
        return 900

    __int__ = __float__ = __index__


class Real(float):
    def __float__(self):
        return 900.0


class ArrayLike:
    def __array__(self, dtype=None, copy=None):
        return np.array([[5, 50]], dtype)


def test_numbers_of_ones_own(schedule):
    """Subclasses of int and float and array-likes are steps like the others; no answer of theirs crashes."""
    assert schedule(Whole(5)) in (schedule(5), schedule(900))
    assert schedule(Real(5.0)) in (schedule(5.0), schedule(900.0))
    assert schedule(ArrayLike()).tolist() == [[schedule(5), schedule(50)]]
    assert schedule(np.ma.array([5, 50], mask=[0, 0])).tolist() == [schedule(5), schedule(50)]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, "float64", "f4", float, "d", np.dtype("f4"), "=f8"])
def test_dtypes(schedule, dtype):
    """dtype= takes whatever NumPy takes for float64 and float32."""
    assert schedule([5], dtype=dtype).dtype == np.dtype(dtype)
    assert schedule.precompute(5, dtype=dtype).dtype == np.dtype(dtype)


def test_special_values(schedule):
    """NaN gives NaN, +inf the floor, -inf the end of the warmup's line."""
    rates = schedule(np.array([np.nan, np.inf, -np.inf]))
    assert np.isnan(rates[0])
    assert rates[1:].tolist() == [1e-3 * 0.1, -np.inf]
    signaling = np.array([0x7FF0000000000001, 0xFFF8000000000123], np.uint64).view(np.float64)
    assert np.isnan(schedule(signaling)).all()
    assert np.isnan(schedule(np.array([0x7F800001], np.uint32).view(np.float32))).all()


@pytest.mark.parametrize("decay", [10, 10.5, 2**53 + 1])
def test_minus_infinity(cf, decay):
    """At -inf the line's end has the line's sign, in every kind of schedule; without a warmup there is no such rate."""
    rising = cf.CosineDecay(1.0, decay, warmup_target=2.0, warmup_steps=5)
    falling = cf.CosineDecay(2.0, decay, warmup_target=1.0, warmup_steps=5)
    assert [rising(-np.inf), falling(-np.inf)] == [-np.inf, np.inf]
    assert rising(np.array([-np.inf] * 9)).tolist() == [-np.inf] * 9
    assert falling(np.array([-np.inf] * 9)).tolist() == [np.inf] * 9
    assert np.isnan(cf.CosineDecay(1.0, decay)(-np.inf))


def test_overflow_is_infinite_and_silent(cf):
    """A rate too large for float32, or a step too large for float64, is infinite everywhere, and no one is warned."""
    large = cf.CosineDecay(1e300, 10)
    for step in (5, 5.0, np.int64(5), np.array(5), [5], range(5, 6)):
        assert np.all(np.asarray(large(step, dtype=np.float32)) == np.inf), step
    assert large(np.array([np.longdouble("1e4000")])).tolist() == [0.0]
    assert large(np.longdouble("1e4000")) == 0.0


# ---- Refused steps ----

BEYOND = [
    BIG,
    -BIG - 1,
    10**400,
    np.uint64(BIG),
    np.array(BIG, np.uint64),
    np.array([[1, BIG]], np.uint64),
    np.array([1, BIG], ">u8")[::-1],
    [1, BIG],
    (1, -BIG - 1),
    [-1, BIG],
    [[1, 2], [-3, BIG]],
    [0.5, BIG],
    [float("nan"), BIG],
    [float("nan"), -1, BIG],
    [-1, 10**400],
    [np.uint64(BIG), np.int64(-1)],
    [np.array([BIG], np.uint64), np.array([-1])],
    deque([-1, BIG]),
    np.array([1, 4 * BIG], object),
    range(BIG, BIG + 3),
    range(5, -BIG - 5, -1),
]


@pytest.mark.parametrize("step", BEYOND, ids=lambda step: f"{type(step).__name__} {str(step)[:40]}")
def test_beyond_int64(schedule, step):
    """An integer step that is no int64 is an OverflowError that names it, and `out` is untouched."""
    with pytest.raises(OverflowError, match=re.escape(LIMIT)) as error:
        schedule(step)
    assert re.search(r"-?\d{19}", str(error.value))
    if not isinstance(step, range):
        out = np.full(np.shape(np.asarray(step, object)), 7.0)
        with pytest.raises(OverflowError, match=re.escape(LIMIT)):
            schedule(step, out=out)
        assert np.all(out == 7.0)


@pytest.mark.parametrize("step", [10**5000, -(10**5000), [10**5000, -1]], ids=["number", "negative", "list"])
def test_beyond_what_python_prints(schedule, step):
    """A step of more digits than Python turns into text is an OverflowError like any other."""
    with pytest.raises(OverflowError):
        schedule(step)


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (True, "bool"),
        (np.True_, "bool"),
        (np.array([True]), "bool"),
        ([True, False], "bool"),
        (1j, "complex128"),
        (np.ones(2, np.complex64), "complex64"),
        ("5", "str"),
        (b"5", "bytes"),
        (["5"], "<U1"),
        (None, "None"),
        ([None, 5], "object"),
        (np.array([1, 2], object), "object"),
        ({5: 6}, "dict"),
        ({5}, "set"),
        (np.datetime64("2020-01-01"), "datetime64"),
        (np.timedelta64(5, "s"), "timedelta64"),
        (np.zeros(2, "i4,f8"), "i4"),
        (np.zeros(2, "V3"), "V3"),
        (Fraction(1, 2), "Fraction"),
        (lambda: 5, "function"),
        (iter([1]), "list_iterator; use list() or numpy.fromiter()"),
        ((step for step in [1]), "generator; use list() or numpy.fromiter()"),
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value)),
)
def test_steps_of_another_kind(schedule, step, named):
    """What is neither integers nor floats is a TypeError that names its type, and `out` is untouched."""
    with pytest.raises(TypeError, match=r"`step` must be integers or floats") as error:
        schedule(step)
    assert named in str(error.value)
    out = np.full(np.shape(step), 7.0)
    with pytest.raises(TypeError, match=r"`step` must be integers or floats"):
        schedule(step, out=out)
    assert np.all(out == 7.0)


class Raising:
    def __array__(self, dtype=None, copy=None):
        raise KeyError("its own")

    def __index__(self):
        raise KeyError("its own")

    __float__ = __index__


class LyingArray:
    def __array__(self, dtype=None, copy=None):
        return "no array"


class LyingInterface:
    __array_interface__ = {"shape": (2**61,), "typestr": "<i8", "version": 3, "data": b""}  # noqa: RUF012


class LyingIndex:
    def __index__(self):
        return 5.0


def test_objects_that_lie(schedule):
    """What an object answers in its own code is raised as it is, or as NumPy words it; nothing crashes."""
    with pytest.raises(KeyError, match="its own"):
        schedule(Raising())
    with pytest.raises(ValueError, match="array"):
        schedule(LyingArray())
    with pytest.raises((ValueError, TypeError)):
        schedule(LyingInterface())
    with pytest.raises(TypeError):
        schedule(LyingIndex())
    with pytest.raises(TypeError):
        schedule.precompute(LyingIndex())
    with pytest.raises(KeyError):
        schedule.precompute(Raising())
    with pytest.raises(TypeError):
        schedule(1, num_threads=LyingIndex())


# ---- Refused out, dtype and num_threads ----


def frozen():
    array = np.zeros(2)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("out", "error", "words"),
    [
        ([0.0, 0.0], TypeError, "NumPy array. Received: list"),
        (0.0, TypeError, "NumPy array. Received: float"),
        (np.float64(0), TypeError, "NumPy array. Received: float64"),
        (np.zeros(2, np.int64), TypeError, "float64 or float32. Received: <i8"),
        (np.zeros(2, np.float16), TypeError, "float64 or float32. Received: <f2"),
        (np.zeros(2, ">f8"), TypeError, "float64 or float32. Received: >f8"),
        (np.zeros(2, bool), TypeError, "float64 or float32. Received: |b1"),
        (np.zeros(2, object), TypeError, "float64 or float32. Received: |O"),
        (np.zeros(2, complex), TypeError, "float64 or float32. Received: <c16"),
        (np.zeros(3), ValueError, "(2,). Received: (3,)"),
        (np.zeros((1, 2)), ValueError, "(2,). Received: (1, 2)"),
        (np.zeros(()), ValueError, "(2,). Received: ()"),
        (np.zeros(0), ValueError, "(2,). Received: (0,)"),
        (frozen(), ValueError, "read-only"),
        (np.broadcast_to(1.0, (2,)), ValueError, "read-only"),
    ],
    ids=lambda x: repr(x) if isinstance(x, np.ndarray) else None,
)
def test_refused_out(schedule, out, error, words):
    """An unfit `out` is refused, with what was expected and what was received, and stays as it was."""
    before = np.array(out, copy=True)
    for call in (lambda: schedule([5, 6], out=out), lambda: schedule.precompute(5, 7, out=out)):
        with pytest.raises(error, match=re.escape(words)) as info:
            call()
        assert "`out`" in str(info.value)
    assert np.array_equal(before, out)


@pytest.mark.parametrize(
    "dtype", [int, "f2", "g", ">f8", complex, object, "garbage", 5, "f4,f8", bool, {"names": ["a"], "formats": []}, ""]
)
def test_refused_dtype(schedule, dtype):
    """Any dtype but float64 and float32 is a TypeError that names it."""
    for call in (
        lambda: schedule(5, dtype=dtype),
        lambda: schedule([5], dtype=dtype),
        lambda: schedule.precompute(5, dtype=dtype),
        lambda: schedule(range(5), dtype=dtype, out=np.zeros(5)),
    ):
        with pytest.raises(TypeError, match="`dtype`") as error:
            call()
        assert repr(dtype) in str(error.value)


def test_out_and_dtype_must_agree(schedule):
    """dtype= beside an `out` of another dtype is a TypeError."""
    out = np.full(2, 7.0)
    with pytest.raises(TypeError, match=r"disagree.*float32.*float64"):
        schedule([5, 6], out=out, dtype=np.float32)
    assert out.tolist() == [7.0, 7.0]


@pytest.mark.parametrize(
    ("threads", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (np.int64(0), ValueError),
        (2.0, TypeError),
        ("2", TypeError),
        (True, TypeError),
    ],
    ids=repr,
)
def test_refused_threads(cf, schedule, threads, error):
    """num_threads is None or an integer >= 1; ValueError for another integer, TypeError for all else."""
    for call in (
        lambda: schedule(5, num_threads=threads),
        lambda: schedule([5], num_threads=threads),
        lambda: schedule(range(5), num_threads=threads),
        lambda: schedule.precompute(5, num_threads=threads),
        lambda: cf.set_num_threads(threads),
    ):
        with pytest.raises(error, match="num_threads"):
            call()


@pytest.mark.parametrize("threads", [None, 1, 2, 10**6, 2**31, 10**30, np.uint8(3)], ids=repr)
def test_any_number_of_threads(schedule, threads):
    """However many threads are allowed, the result is the same."""
    assert schedule([5, 50], num_threads=threads).tolist() == [schedule(5), schedule(50)]


@pytest.mark.parametrize(
    ("arguments", "options"),
    [((), {}), ((1, 2), {}), ((), {"steps": 5}), ((5,), {"out": None, "nonsense": 1}), ((5, None), {})],
)
def test_arguments_of_a_call(schedule, arguments, options):
    """A call takes one step, and out, dtype and num_threads by name alone."""
    with pytest.raises(TypeError):
        schedule(*arguments, **options)


# ---- precompute ----


@pytest.mark.parametrize(
    "arguments",
    [
        (5,),
        (0,),
        (-5,),
        (2, 9),
        (9, 2),
        (0, 10, 3),
        (10, 0, -3),
        (5, 5, -1),
        (-3, 3),
        (np.int32(2), np.uint8(9)),
        (True,),
    ],
    ids=repr,
)
def test_precompute_is_range(schedule, arguments):
    """precompute takes range()'s arguments, positive, negative or empty."""
    steps = range(*arguments)
    rates = schedule.precompute(*arguments)
    assert rates.shape == (len(steps),)
    assert rates.dtype == np.float64
    assert rates.tolist() == [schedule(step) for step in steps]
    out = np.full(2 * len(steps), 7.0, np.float32)[::2]
    assert schedule.precompute(*arguments, out=out) is out
    assert out.tolist() == schedule.precompute(*arguments, dtype=np.float32).tolist()


def test_precompute_by_name(schedule):
    """start, stop and step may be named."""
    want = [schedule(step) for step in range(1, 9, 2)]
    assert schedule.precompute(start=1, stop=9, step=2).tolist() == want
    assert schedule.precompute(1, 9, step=2).tolist() == want


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), TypeError),
        ((5.0,), TypeError),
        (("5",), TypeError),
        ((None,), TypeError),
        ((0, 5.0), TypeError),
        ((0, 5, 1.0), TypeError),
        ((0, 5, None), TypeError),
        ((0, None, 2), TypeError),
        ((0, 5, 0), ValueError),
        ((1, 2, 3, 4), TypeError),
        ((BIG - 2, BIG + 1), OverflowError),
        ((-BIG - 1, 0), OverflowError),
        ((0, -BIG - 5, -1), OverflowError),
        ((2**70, 2**70 + 1), OverflowError),
        ((0, 2**100), OverflowError),
    ],
    ids=repr,
)
def test_refused_ranges(schedule, arguments, error):
    """What range() refuses is refused as range() does, and so are steps beyond int64."""
    with pytest.raises(error):
        schedule.precompute(*arguments)
    if error is OverflowError:
        with pytest.raises(error, match=re.escape(LIMIT)):
            schedule.precompute(*arguments)


def test_precompute_names_its_public_class(schedule):
    with pytest.raises(TypeError, match=r"^LearningRateSchedule\.precompute\(\) missing .*'start'"):
        schedule.precompute()


def test_a_step_without_a_stop_is_not_lost(schedule):
    """precompute(n, step=k) is either range(0, n, k) or refused; never range(n)."""
    try:
        rates = schedule.precompute(100, step=10)
    except TypeError:
        return
    assert rates.shape == (10,)


def test_ends_of_int64(schedule):
    """Ranges reach both ends of int64, and an empty one may lie beyond."""
    assert schedule.precompute(BIG - 3, BIG).tolist() == [1e-3 * 0.1] * 3
    assert schedule.precompute(-BIG + 1, -BIG - 1, -1).tolist() == [schedule(-BIG + 1), schedule(-BIG)]
    assert schedule.precompute(BIG * 4, BIG).shape == (0,)
    assert schedule(range(BIG * 4, BIG)).shape == (0,)
    assert schedule.precompute(BIG - 1, 2**79, 2**80).tolist() == [schedule(BIG - 1)]


@pytest.mark.parametrize("stop", [2**59, 2**60, 2**62, 2**63])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_more_than_memory(schedule, stop, dtype):
    """More rates than any memory holds are a MemoryError at once."""
    with pytest.raises(MemoryError):
        schedule.precompute(stop, dtype=dtype)
    with pytest.raises(MemoryError):
        schedule(range(-stop, stop), dtype=dtype)
    with pytest.raises(ValueError, match=str(stop)):
        schedule.precompute(stop, out=np.zeros(3))


# ---- The constructor ----

NAMES = ["initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps"]
GOOD = {"initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.0, "warmup_target": 1.0, "warmup_steps": 5}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", ["1", b"1", 1j, [1.0], np.ones(1), np.array(1.0), True, np.True_, {}, object], ids=repr
)
def test_parameters_that_are_no_numbers(cf, name, value):
    """A parameter that is no number is a TypeError that names it, its value and its type."""
    with pytest.raises(TypeError, match=f"`{name}` must be a number") as error:
        cf.CosineDecay(**{**GOOD, name: value})
    assert f"{name}={value!r}" in str(error.value)
    assert type(value).__name__ in str(error.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, np.float32("nan"), 10**400, -(10**400)], ids=lambda x: str(x)[:9]
)
def test_parameters_that_are_not_finite(cf, name, value):
    """A parameter that is not a finite float is a ValueError that names it and its value."""
    with pytest.raises(ValueError, match=f"Argument `{name}` must be finite. Received: {name}="):
        cf.CosineDecay(**{**GOOD, name: value})


@pytest.mark.parametrize("name", NAMES)
def test_parameters_beyond_what_python_prints(cf, name):
    """A parameter of more digits than Python turns into text is refused by its name like any other."""
    with pytest.raises(ValueError, match=f"`{name}`"):
        cf.CosineDecay(**{**GOOD, name: 10**5000})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decay_steps": 0}, "Argument `decay_steps` must be > 0. Received: decay_steps=0"),
        ({"decay_steps": -1}, "Argument `decay_steps` must be > 0. Received: decay_steps=-1"),
        ({"decay_steps": -2.5}, "Argument `decay_steps` must be > 0. Received: decay_steps=-2.5"),
        ({"decay_steps": 0.0}, "Argument `decay_steps` must be > 0. Received: decay_steps=0.0"),
        ({"decay_steps": np.int64(0)}, "Argument `decay_steps` must be > 0. Received: decay_steps=0"),
        ({"decay_steps": BIG}, f"`decay_steps` must be < 2**63. Received: decay_steps={BIG}"),
        ({"decay_steps": 2.0**63}, "`decay_steps` must be < 2**63. Received: decay_steps=9.2"),
        ({"decay_steps": 1e-300}, "`decay_steps` must not be smaller than 2**-64 steps. Received: decay_steps=1e-300"),
        ({"warmup_steps": -1}, "Argument `warmup_steps` must be >= 0. Received: warmup_steps=-1"),
        ({"warmup_steps": -0.5}, "Argument `warmup_steps` must be >= 0. Received: warmup_steps=-0.5"),
        ({"warmup_steps": BIG}, f"`warmup_steps` must be < 2**63. Received: warmup_steps={BIG}"),
        ({"warmup_steps": 1e-300}, "`warmup_steps` must not be smaller than 2**-64 steps"),
        (
            {"initial_learning_rate": 1.7e308},
            "at most 2**1000 (1e301) in size. Received: initial_learning_rate=1.7e+308",
        ),
        ({"warmup_target": 1e200, "alpha": 1e200}, "at most 2**1000"),
        ({"warmup_target": 1e300, "warmup_steps": 1e-10}, "at most 2**1000"),
    ],
    ids=str,
)
def test_parameters_out_of_range(cf, changes, words):
    """A parameter out of its range is a ValueError, in Keras's words where Keras has them."""
    with pytest.raises(ValueError, match=re.escape(words)):
        cf.CosineDecay(**{**GOOD, **changes})


@pytest.mark.parametrize("value", [np.float16(0.1), np.longdouble(0.1)], ids=repr)
def test_scalar_types_without_results(cf, value):
    """A NumPy scalar whose type results cannot have is a TypeError."""
    with pytest.raises(TypeError, match=f"initial_learning_rate.*{type(value).__name__}"):
        cf.CosineDecay(value, 10)


def test_names(cf):
    """The name is a string."""
    with pytest.raises(TypeError, match=r"`name` must be a string. Received: name=5"):
        cf.CosineDecay(0.1, 10, name=5)
    assert cf.CosineDecay(0.1, 10, name="größer\n").name == "größer\n"


@pytest.mark.parametrize(
    "count", [1000, 1000.0, np.int16(1000), np.uint64(1000), np.float32(1000), Fraction(1000)], ids=repr
)
def test_whole_numbers_of_any_type(cf, count):
    """A whole number of steps is the same schedule whatever its type."""
    schedule = cf.CosineDecay(0.0, count, warmup_target=1.0, warmup_steps=count)
    assert schedule == cf.CosineDecay(0.0, 1000, warmup_target=1.0, warmup_steps=1000)
    assert schedule(1500) == 0.5


def test_the_largest_counts(cf):
    """Steps up to 2**63 - 1 are exact."""
    schedule = cf.CosineDecay(1.0, BIG - 1)
    assert schedule(BIG - 1) == 0.0
    assert 0.0 < schedule(BIG - 2) < 1e-37
    assert cf.CosineDecay(1.0, np.uint64(BIG - 1))(BIG - 2) == schedule(BIG - 2)


def test_warmup_steps_without_a_target(cf):
    """warmup_steps without warmup_target is ignored, with one UserWarning that points at the caller."""
    with pytest.warns(UserWarning, match=r"`warmup_steps` is ignored.* Received: warmup_steps=5") as seen:
        schedule = cf.CosineDecay(1.0, 10, warmup_steps=5)
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert schedule(5) == 0.5
    assert schedule.get_config()["warmup_steps"] == 5


def test_nothing_leaks(compiled):
    """Calls of every kind, refused ones too, keep no object and no reference."""
    schedule = compiled.CosineDecay(1e-6, 1000, 0.1, warmup_target=1e-3, warmup_steps=100)
    steps, out = np.arange(64).reshape(8, 8), np.empty((8, 8))

    def calls():
        for step in (5, 5.5, steps, steps.T, [1, 2], np.float32(3), range(3)):
            schedule(step)
        schedule(steps, out=out)
        schedule.precompute(10)
        for refused in (True, "x", 2**70, [2**70, -1]):
            with contextlib.suppress(TypeError, OverflowError):
                schedule(refused)
        with contextlib.suppress(ValueError):
            compiled.CosineDecay(1.0, 0)
        compiled.CosineDecay(1.0, 10).get_config()

    def blocks(times):
        for _ in range(times):
            calls()
        gc.collect()
        return sys.getallocatedblocks()

    before, references = blocks(500), [sys.getrefcount(x) for x in (schedule, steps, out)]
    assert blocks(3000) - before < 1500
    assert [sys.getrefcount(x) for x in (schedule, steps, out)] == references


def test_a_step_that_calls_the_schedule(schedule):
    """Code of a step's own may call the schedule that evaluates it."""

    class Nested:
        def __array__(self, dtype=None, copy=None):
            return np.array([schedule(500), schedule.precompute(600)[-1]])

    assert schedule(Nested()).tolist() == [schedule(schedule(500)), schedule(schedule(599))]


def test_odd_strides(schedule):
    """Strides that lead nowhere are not followed where there is nothing to read."""
    strided = np.lib.stride_tricks.as_strided
    assert schedule(strided(np.zeros(1), (0, 5), (2**40, -(2**50)))).shape == (0, 5)
    assert schedule(strided(np.array([5.0]), (1, 1), (2**40, -(2**50)))).tolist() == [[schedule(5)]]
    assert np.all(schedule(strided(np.array([5.0]), (100, 100), (0, 0))) == schedule(5))
    everything = strided(np.zeros(1), (70, 9), (0, 0))
    assert schedule(np.full((70, 9), 5), out=everything) is everything
    assert everything[0, 0] == schedule(5)
