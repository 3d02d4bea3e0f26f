"""schedule(step), by every way to call an object: the same results and the same exceptions, and none of them slow.

The compiled Schedule offers Python a vectorcall (PEP 590), which must never win over a __call__ that someone wrote.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import operator
import sys
import weakref

import numpy as np
import pytest
from bits import bits

HAVE_VECTORCALL = 1 << 11  # Py_TPFLAGS_HAVE_VECTORCALL
SINGLE = {"initial_learning_rate": np.float32(1e-6), "warmup_target": 1e-3}
DOUBLE = {"initial_learning_rate": 1e-6, "warmup_target": 1e-3}
STEPS = [
    *[-5, 0, 50, 100, 101, 550, 1099, 1100, 2**30 - 1, 2**30, 2**31, 2**53 + 1, 2**63 - 1, -(2**30), -(2**63)],
    *[-5.5, -0.0, 99.5, 100.5, 1099.5, 1e300, float("inf"), float("-inf"), float("nan")],
    *[kind(step) for kind in (np.int64, np.int32, np.float64, np.float32) for step in (-5, 50, 550, 5000)],
    *[np.int64(2**63 - 1), np.float64("nan"), np.float32("inf"), np.float32(100.7), np.int8(100), np.uint64(550)],
    *[np.arange(5), np.arange(5.0), np.array(5), np.empty(0, np.int64), [5, 6], range(5)],
]
ROUTES = {
    "call": lambda s, *args, **options: s(*args, **options),
    "__call__": lambda s, *args, **options: s.__call__(*args, **options),
    "type": lambda s, *args, **options: type(s).__call__(s, *args, **options),
    "partial": lambda s, *args, **options: functools.partial(s)(*args, **options),
    "full partial": lambda s, *args, **options: functools.partial(s, *args, **options)(),
    "map": lambda s, *args, **options: next(map(functools.partial(s, **options), *[[x] for x in args])),
    "bare map": lambda s, *args: next(map(s, *[[x] for x in args])),
    "operator.call": lambda s, *args, **options: operator.call(s, *args, **options),
    "keyword": lambda s, step: s(step=step),
    "splat": lambda s, *args: s(*args, **{}),
}


def make(cls, parameters=DOUBLE):
    return cls(**parameters, decay_steps=1000, alpha=0.1, warmup_steps=100)


def outcome(route, schedule, *args, **options):
    """A result with its type, or an exception with its words."""
    try:
        rate = route(schedule, *args, **options)
    except Exception as error:
        return type(error), str(error)
    array = np.asarray(rate)
    return type(rate), array.dtype, array.shape, bits(array).tobytes()


def offers_vectorcall(cls):
    return bool(cls.__flags__ & HAVE_VECTORCALL)


def vectorcall_of(schedule):
    """The pointer that Python would call, as PyVectorcall_Function finds it; None without one."""
    function = ctypes.pythonapi.PyVectorcall_Function
    function.restype, function.argtypes = ctypes.c_void_p, [ctypes.py_object]
    return function(schedule)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
@pytest.mark.parametrize("parameters", [DOUBLE, SINGLE], ids=["float64", "float32"])
def test_routes(cf, route, parameters):
    """Every route gives what an array of that one step gives, in the number's own type."""
    schedule = make(cf.CosineDecay, parameters)
    for step in STEPS:
        kind, dtype, shape, its_bits = outcome(route, schedule, step)
        assert dtype == schedule.dtype
        assert shape == np.shape(step)
        rates = np.asarray(schedule(np.atleast_1d(np.asarray(step))))
        assert its_bits == bits(rates).tobytes(), step
        if type(step) in (int, float):
            assert kind is (float if dtype == np.float64 else np.float32)
        else:
            assert kind is (dtype.type if shape == () else np.ndarray)


REFUSED = {
    "nothing": ((), {}),
    "two": ((5, None), {}),
    "three": ((5, None, None), {}),
    "unknown option": ((5,), {"nonsense": 1}),
    "step twice": ((5,), {"step": 5}),
    "beyond int64": ((2**63,), {}),
    "far beyond": ((-(10**30),), {}),
    "bool": ((True,), {}),
    "NumPy's bool": ((np.True_,), {}),
    "none": ((None,), {}),
    "text": (("5",), {}),
    "complex": ((5j,), {}),
    "uint64": ((np.uint64(2**63),), {}),
    "dtype": ((5,), {"dtype": "f2"}),
    "out": ((5,), {"out": 5}),
    "threads": ((5,), {"num_threads": 0}),
}


@pytest.mark.parametrize(("args", "options"), REFUSED.values(), ids=REFUSED)
def test_refusals(cf, args, options):
    """What is refused is refused in the same words by every route that can say it."""
    schedule = make(cf.CosineDecay)
    error, words = outcome(ROUTES["__call__"], schedule, *args, **options)
    assert issubclass(error, (TypeError, ValueError, OverflowError))
    for name in ("call", "type", "partial", "full partial", "operator.call"):
        assert outcome(ROUTES[name], schedule, *args, **options) == (error, words), name


def test_options(cf):
    """Options reach the call by every route that takes them."""
    schedule = make(cf.CosineDecay)
    steps = np.arange(1200)
    for name in ("call", "__call__", "type", "partial", "full partial", "map", "operator.call"):
        out = np.empty(1200)
        assert ROUTES[name](schedule, steps, out=out, num_threads=1) is out
        assert out.tobytes() == schedule(steps).tobytes()
        assert type(ROUTES[name](schedule, 5, dtype=np.float32)) is np.float32
        assert ROUTES[name](schedule, 5, out=None, dtype=None, num_threads=None) == schedule(5)


# ---- The compiled backend's vectorcall ----


def test_vectorcall(compiled):
    """The compiled schedules have it, so do subclasses, before and after the first of their instances is made."""

    class Plain(compiled.CosineDecay):
        pass

    class Slotted(Plain):
        __slots__ = ("more",)

    class Mixin:
        pass

    class Mixed(Mixin, Slotted):
        pass

    for cls in (compiled.CosineDecay, Plain, Slotted, Mixed):
        schedule = make(cls)
        assert offers_vectorcall(cls)
        assert vectorcall_of(schedule)
        assert schedule(550) == make(compiled.CosineDecay)(550)


def test_no_vectorcall_without_parameters(compiled):
    """A schedule without parameters has no pointer to call, so Python takes __call__, which says what is missing."""
    make(compiled.CosineDecay)
    assert not vectorcall_of(compiled.CosineDecay.__new__(compiled.CosineDecay))


class Says:
    def __call__(self, *args, **options):
        return "its own", args, options


def test_own_call(cf):
    """A class's own __call__ is called by every route, wherever in its bases it stands and whatever kind it is."""

    class Own(cf.CosineDecay):
        __call__ = Says.__call__

    class Inherits(Own):
        pass

    class Mixed(Says, cf.CosineDecay):
        pass

    class Static(cf.CosineDecay):
        __call__ = staticmethod(lambda *args, **options: ("its own", args, options))

    class ByObject(cf.CosineDecay):
        __call__ = Says()

    for cls in (Own, Inherits, Mixed, Static, ByObject):
        make(cls)
        assert not offers_vectorcall(cls)
        for name, route in ROUTES.items():
            if name != "type":
                expected = ("its own", (), {"step": 5}) if name == "keyword" else ("its own", (5,), {})
                assert route(make(cls), 5) == expected, (cls, name)

    class Returns(Own):
        __call__ = cf.CosineDecay.__call__

    assert make(Returns)(5) == make(cf.CosineDecay)(5)

    class Uncallable(cf.CosineDecay):
        __call__ = None

    with pytest.raises(TypeError, match="not callable"):
        make(Uncallable)(5)


@pytest.mark.parametrize("made_before", [True, False])
@pytest.mark.parametrize("where", ["class", "base", "mixin"])
def test_call_assigned_later(cf, where, made_before):
    """A __call__ assigned to a class, or to one of its bases, is called from then on, and no more once deleted."""

    class Mixin:
        pass

    class Base(cf.CosineDecay):
        pass

    class Own(Mixin, Base):
        pass

    plain = make(cf.CosineDecay)(5)
    schedule = make(Own)
    assert schedule(5) == plain
    target = {"class": Own, "base": Base, "mixin": Mixin}[where]
    target.__call__ = lambda self, *args, **options: ("later", args, options)
    if not made_before:
        schedule = make(Own)
    for name, route in ROUTES.items():
        expected = ("later", (), {"step": 5}) if name == "keyword" else ("later", (5,), {})
        assert route(schedule, 5) == expected, name
    assert schedule(5, 6, out=7) == ("later", (5, 6), {"out": 7})
    del target.__call__
    for route in ROUTES.values():
        assert route(schedule, 5) == plain
    assert make(Own)(5) == plain


def test_patched_call(cf, monkeypatch):
    """A schedule's __call__ itself can be patched and restored, as tests and profilers do."""
    cls = cf.ExponentialDecay  # from Python 3.12 on it then has no vectorcall; other tests ask CosineDecay for its own
    schedule, array = cls(0.1, 100, 0.5), np.arange(5)
    plain = schedule(5)
    calls = []
    original = cls.__call__

    def spy(self, *args, **options):
        calls.append((args, options))
        return original(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(cls, "__call__", spy)
        assert schedule(5) == plain
        assert schedule(array, num_threads=1).tobytes() == original(schedule, array).tobytes()
        assert cls(0.1, 100, 0.5)(5) == plain
        assert calls == [((5,), {}), ((array,), {"num_threads": 1}), ((5,), {})]
    assert schedule(5) == plain
    assert len(calls) == 3


def test_class_changed(cf):
    """An instance whose __class__ is changed is called as the new class says, and back."""

    class One(cf.CosineDecay):
        pass

    class Other(cf.CosineDecay):
        __call__ = Says.__call__

    schedule = make(One)
    plain = schedule(5)
    schedule.__class__ = Other
    assert schedule(5) == ("its own", (5,), {})
    schedule.__class__ = One
    assert schedule(5) == plain


def test_endless_calls(cf):
    """A class called through its own instances ends in RecursionError, not in a crash."""

    class Endless(cf.CosineDecay):
        pass

    schedule = make(Endless)
    assert schedule(5) == make(cf.CosineDecay)(5)
    Endless.__call__ = schedule
    with pytest.raises(RecursionError):
        schedule(5)


def test_errors_in_ones_own_call(cf):
    """An exception from a class's own __call__ comes out as it is, with its cause."""

    class Failing(cf.CosineDecay):
        pass

    schedule = make(Failing)
    schedule(5)

    def fail(self, step):
        raise KeyError(step) from ValueError("cause")

    Failing.__call__ = fail
    with pytest.raises(KeyError, match="5") as error:
        schedule(5)
    assert isinstance(error.value.__cause__, ValueError)
    with pytest.raises(TypeError, match="positional argument"):
        schedule(5, 6)


@pytest.mark.parametrize("route", ROUTES.values(), ids=ROUTES)
def test_references(cf, route):
    """Calls keep no reference: neither to the step nor to the schedule, and what they return is only the caller's."""
    for schedule in (make(cf.CosineDecay), make(cf.CosineDecay, SINGLE)):
        for step in (10**6, 550.5, np.int64(10**6), np.float64(550.5), np.arange(10), [5], 2**63, "text"):
            outcome(route, schedule, step)
            before = sys.getrefcount(step), sys.getrefcount(schedule), sys.getrefcount(cf.CosineDecay)
            for _ in range(50):
                outcome(route, schedule, step)
            assert (sys.getrefcount(step), sys.getrefcount(schedule), sys.getrefcount(cf.CosineDecay)) == before
        rate, fresh = route(schedule, 10**6 + 1), object()
        assert sys.getrefcount(rate) == sys.getrefcount(fresh)


def test_schedules_and_their_classes_are_freed(cf):
    """A schedule goes with its last reference; its class and what it refers to, with the next collection."""

    class Own(cf.CosineDecay):
        pass

    schedule = make(Own)
    schedule.itself = schedule
    schedule(5)
    Own.__call__ = lambda self, step: step
    schedule(5)
    gone = [weakref.ref(schedule), weakref.ref(Own)]
    del schedule, Own
    gc.collect()
    assert [ref() for ref in gone] == [None, None]


def test_ints_of_every_length(cf):
    """Ints of one digit, of more, and beyond int64, of both signs, are told apart at every length."""
    line = cf.CosineDecay(0.0, 10, warmup_target=2.0**62, warmup_steps=2**62)
    digit = sys.int_info.bits_per_digit
    for size in (*range(1, 8), digit - 1, digit, digit + 1, 2 * digit - 1, 2 * digit, 2 * digit + 1, 61, 62):
        for step in (2**size - 1, 2**size, 1 - 2**size, -(2**size)):
            if step < 2**62:
                assert line(step) == float(step), step
    assert line(0) == 0.0
    for step in (2**63, -(2**63) - 1, 2**64, -(2**64), 2**64 + 5, 2**90):
        with pytest.raises(OverflowError):
            line(step)
