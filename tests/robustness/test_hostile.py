"""Every public function with every kind of argument: the documented value or the documented error, and no crash.

What is refused leaves `out` and the memory around it as they were. Each kind of argument is made anew for each call.
"""

from __future__ import annotations

import itertools
import numbers
import operator
import pickle
import re
import warnings

import numpy as np
import pytest
from arguments import BIG, KINDS, PARAMETERS, Guarded, OwnError, each_kind, outcome
from family import FAMILY, NAMES, parameters


@pytest.fixture
def schedule(cf):
    return cf.CosineDecay(1e-6, 1000, 0.1, warmup_target=1e-3, warmup_steps=100)


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


@each_kind
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


@each_kind
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


@each_kind
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


@each_kind
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


@each_kind
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


@each_kind
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


def makers(cf):
    """What makes schedules, and arguments that are right."""
    cosine = cf.CosineDecay(0.1, 10)
    boundaries = {"schedules": [cosine, cosine], "boundaries": [5]}
    return {name: (getattr(cf, name), parameters(cf, FAMILY[name].ordinary[-1])) for name in NAMES} | {
        "join_schedules": (cf.join_schedules, boundaries),
        "JoinedSchedule": (cf.JoinedSchedule, boundaries | {"offsets": [0, 5]}),
        "with_warmup": (cf.with_warmup, {"schedule": cosine, "warmup_steps": 5, "initial_learning_rate": 0.0}),
    }


@pytest.mark.parametrize("name", [*NAMES, "join_schedules", "with_warmup"])
def test_parameters_of_all(cf, name):
    """As a parameter of anything that makes schedules: an error that names it, or a schedule and its config again."""
    make, right = makers(cf)[name]
    for parameter, (kind, hostile) in itertools.product(right, KINDS.items()):
        have = outcome(lambda parameter=parameter, hostile=hostile: make(**{**right, parameter: hostile()}))
        where = parameter, kind, have
        if not isinstance(have, Exception):
            assert have([0, 3, 7, 12, 2**40]).shape == (5,), where
            if isinstance(have, cf.LearningRateSchedule):
                assert outcome(lambda have=have: type(have).from_config(have.get_config())) == have, where
        elif not isinstance(have, OwnError):
            assert type(have) in (TypeError, ValueError), where
            assert parameter in str(have) or str(have).startswith("The rates"), where  # together they are too large


@each_kind
def test_steps_of_a_join(cf, schedule, kind):
    """A join takes the steps that other schedules take, and gives their errors."""
    join = cf.join_schedules([schedule, cf.LinearDecay(0.1, 10)], [5])
    have, want = (outcome(lambda evaluate=evaluate: evaluate(KINDS[kind]())) for evaluate in (join, schedule))
    assert type(have) is type(want)
    if not isinstance(want, Exception):
        assert np.shape(have) == np.shape(want)


@each_kind
def test_name(cf, kind):
    """As `name`: a string or None, or a TypeError."""
    made = KINDS[kind]()
    have = outcome(lambda: cf.CosineDecay(0.1, 10, name=made))
    if made is None or isinstance(made, str):
        assert have.name == made
    else:
        assert isinstance(have, (TypeError, OwnError)), have


@each_kind
def test_configs(cf, kind):
    """As a whole config: a TypeError."""
    assert isinstance(outcome(lambda: cf.CosineDecay.from_config(KINDS[kind]())), (TypeError, OwnError))
    with pytest.raises(TypeError):
        cf.CosineDecay.from_config({1: 2})


@each_kind
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
