"""A schedule as a value: config, repr, equality, pickles and copies, and that nothing changes it."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
import weakref
from fractions import Fraction

import numpy as np
import pytest

KEYS = ["initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps"]
CASES = [
    {"initial_learning_rate": 0.1, "decay_steps": 1000},
    {"initial_learning_rate": 1, "decay_steps": 1000.5, "alpha": 0.1, "name": "größer"},
    {"initial_learning_rate": 0.0, "decay_steps": 2**63 - 1, "warmup_target": 1e-3, "warmup_steps": 100},
    {"initial_learning_rate": np.float32(0.1), "decay_steps": np.int64(10), "warmup_target": 1, "warmup_steps": 2.5},
    {"initial_learning_rate": np.float64(0.1), "decay_steps": 10, "alpha": -0.5},
]
STEPS = np.arange(-10, 2000)


@pytest.fixture(params=range(len(CASES)))
def config(request):
    return CASES[request.param]


@pytest.fixture
def schedule(cf, config):
    return cf.CosineDecay(**config)


def assert_equal(one, other):
    assert one == other
    assert (one != other) is False
    assert hash(one) == hash(other)
    assert type(one) is type(other)
    assert one.dtype == other.dtype
    assert one(STEPS).tobytes() == other(STEPS).tobytes()


def test_config(cf, schedule, config):
    """get_config has the parameters as they were given, in Keras's order, and from_config makes the same schedule."""
    defaults = {"alpha": 0.0, "name": "CosineDecay", "warmup_target": None, "warmup_steps": 0}
    assert list(schedule.get_config()) == KEYS
    assert schedule.get_config() == {**defaults, **config}
    assert all(type(schedule.get_config()[key]) is type(value) for key, value in config.items())
    assert_equal(cf.CosineDecay.from_config(schedule.get_config()), schedule)
    assert_equal(cf.CosineDecay.from_config(config), schedule)
    for key in KEYS:
        assert getattr(schedule, key) == schedule.get_config()[key]
    with pytest.raises(TypeError, match="nonsense"):
        cf.CosineDecay.from_config({**config, "nonsense": 5})


def test_a_config_is_a_copy(schedule):
    """Changing what get_config gave changes no schedule."""
    before = schedule.get_config()
    schedule.get_config()["alpha"] = 5
    schedule.get_config().clear()
    assert schedule.get_config() == before


def test_json(cf):
    """A config of Python numbers survives JSON to the bit."""
    schedule = cf.CosineDecay(0.1 + 0.2, 2**63 - 1, 1 / 3, warmup_target=5e-324, warmup_steps=1e9 / 7)
    assert_equal(cf.CosineDecay.from_config(json.loads(json.dumps(schedule.get_config()))), schedule)


def test_repr(cf, schedule):
    """repr is an expression that makes the same schedule."""
    if isinstance(schedule.initial_learning_rate, np.generic) and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("NumPy 1 prints its scalars as Python's")
    assert repr(schedule).startswith("CosineDecay(initial_learning_rate=")
    assert_equal(eval(repr(schedule), {"CosineDecay": cf.CosineDecay, "np": np}), schedule)


def test_equality(cf):
    """Schedules are equal if type, parameters and dtype are, whatever types the parameters came in."""
    base = cf.CosineDecay(0.5, 1000, 0.25)
    assert_equal(base, cf.CosineDecay(np.float64(0.5), 1000.0, np.float32(0.25)))
    others = [
        cf.CosineDecay(0.25, 1000, 0.25),
        cf.CosineDecay(0.5, 1001, 0.25),
        cf.CosineDecay(0.5, 1000, 0.5),
        cf.CosineDecay(0.5, 1000, 0.25, "other"),
        cf.CosineDecay(0.5, 1000, 0.25, warmup_target=0.5),
        cf.CosineDecay(0.5, 1000, 0.25, warmup_target=0.5, warmup_steps=1),
        cf.CosineDecay(np.float32(0.5), 1000, 0.25),
        type("Other", (cf.CosineDecay,), {})(0.5, 1000, 0.25),
        base.get_config(),
        None,
    ]
    assert all(base != other and other != base for other in others)
    assert len({base, copy.copy(base), *others[:8]}) == 9
    assert cf.CosineDecay(1, 2**53) != cf.CosineDecay(1, 2**53 + 1)
    assert cf.CosineDecay(1, Fraction(2**62 + 1)) == cf.CosineDecay(1, 2**62 + 1) != cf.CosineDecay(1, 2**62)
    pieces = [cf.PiecewiseConstantDecay([Fraction(2**62 + 1)], [zero, 1.0]) for zero in (0.0, -0.0)]
    assert_equal(*pieces)
    assert [math.copysign(1.0, each(0)) for each in pieces] == [1.0, 1.0]
    assert pieces[0](2**62 + 1) == 0.0


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(schedule, importable, protocol):
    """A pickle of any protocol comes back with the same parameters, types and bits."""
    back = pickle.loads(pickle.dumps(schedule, protocol))
    assert_equal(back, schedule)
    assert repr(back) == repr(schedule)


def test_copies(schedule):
    """Copies are equal and work."""
    assert_equal(copy.copy(schedule), schedule)
    assert_equal(copy.deepcopy(schedule), schedule)
    assert_equal(copy.deepcopy([schedule, schedule])[1], schedule)


def test_pickles_between_backends(process, compiled):
    """A pickle made with one backend is read by the other."""
    made = process(
        "import cosine_fast, pickle; s = cosine_fast.CosineDecay(0.1, 1000, 0.1)\n"
        "print(pickle.dumps((s, s(range(1100)).tobytes())).hex())",
        COSINE_FAST_BACKEND="python",
        COSINE_FAST_ISA=None,
    ).stdout
    process(
        "import pickle, sys\n"
        f"s, rates = pickle.loads(bytes.fromhex({made.strip()!r}))\n"
        "assert s(range(1100)).tobytes() == rates\n"
        "import cosine_fast; assert cosine_fast.build_info()['backend'] == 'compiled'",
        COSINE_FAST_BACKEND="compiled",
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"warmup_steps": 5}, "`warmup_steps` is ignored without `warmup_target`. Received: warmup_steps=5"),
        (
            {"warmup_target": 0.5},
            "`initial_learning_rate` is ignored: without `warmup_steps` the decay begins at `warmup_target`. "
            "Received: warmup_target=0.5",
        ),
    ],
)
def test_copies_do_not_warn_again(cf, importable, given, text):
    """That one of two is missing is the constructor's warning; a copy or an unpickled schedule gives none."""
    with pytest.warns(UserWarning, match=re.escape(text)):
        schedule = cf.CosineDecay(0.1, 10, **given)
    with pytest.warns(UserWarning, match=re.escape(text)):
        assert cf.cosine_decay(3, 0.1, 10, **given) == schedule(3)
    assert_equal(copy.copy(schedule), schedule)
    assert_equal(copy.deepcopy(schedule), schedule)
    assert_equal(pickle.loads(pickle.dumps(schedule)), schedule)


@pytest.mark.parametrize("name", [*KEYS, "dtype", "new", "__call__", "__class__", "__dict__"])
def test_no_attribute_can_be_set(schedule, name):
    """Attributes can be neither set nor deleted, and none added."""
    before = schedule(STEPS).tobytes()
    with pytest.raises((AttributeError, TypeError)):
        setattr(schedule, name, 5)
    with pytest.raises((AttributeError, TypeError)):
        delattr(schedule, name)
    assert schedule(STEPS).tobytes() == before


def test_attributes_as_a_dict(schedule):
    """It has none to save; a change to the dict that one gets changes nothing."""
    vars(schedule).update(_given=(), new=5)
    assert vars(schedule) == {}
    assert_equal(schedule, copy.copy(schedule))


def test_no_second_init(schedule):
    """__init__ of a made schedule is refused and changes nothing."""
    before, rates = repr(schedule), schedule(STEPS).tobytes()
    with pytest.raises(AttributeError, match="immutable"):
        schedule.__init__(5.0, 7)
    assert repr(schedule) == before
    assert schedule(STEPS).tobytes() == rates


def test_weak_references(cf):
    """A schedule can be referred to weakly."""
    schedule = cf.CosineDecay(0.1, 10)
    assert weakref.ref(schedule)() is schedule


def test_dtype_of_the_initial_rate(cf):
    """A NumPy float32 as initial rate makes float32 results, rounded from the float64 ones; others make float64."""
    single = cf.CosineDecay(np.float32(0.5), 1000, 0.1)
    double = cf.CosineDecay(0.5, 1000, 0.1)
    assert single.dtype == np.float32
    assert single(STEPS).tobytes() == double(STEPS).astype(np.float32).tobytes() == double(STEPS, dtype="f4").tobytes()
    assert single.precompute(5).dtype == np.float32
    assert single(STEPS, dtype=np.float64).tobytes() == double(STEPS).tobytes()
    assert single(STEPS, out=np.empty(len(STEPS))).tobytes() == double(STEPS).tobytes()
    for other in (1, np.int32(1), np.float64(1.0), True + 0):
        assert cf.CosineDecay(other, 10).dtype == np.float64
    assert cf.CosineDecay(1.0, 10, np.float32(0.1), warmup_target=np.float32(2)).dtype == np.float64


class WithOptions:
    """A mixin whose __init__ is its own."""

    def __init__(self, epochs, *, per_epoch=100):
        super().__init__(0.1, epochs * per_epoch, warmup_target=0.5, warmup_steps=10)
        self.epochs = epochs


def test_subclasses(cf):
    """A subclass may have an __init__ and attributes of its own; it is called, compared and copied like its parent."""
    Own = type("Own", (WithOptions, cf.CosineDecay), {})
    own = Own(3)
    assert own(STEPS).tobytes() == cf.CosineDecay(0.1, 300, warmup_target=0.5, warmup_steps=10)(STEPS).tobytes()
    assert repr(own).startswith("Own(")
    back = copy.copy(own)
    assert_equal(back, own)
    assert back.epochs == 3
    assert own.get_config()["decay_steps"] == 300
    assert issubclass(Own, cf.CosineDecay)


def test_overridden_call(cf):
    """A subclass may override __call__ and still reach its parent's."""

    class Doubled(cf.CosineDecay):
        def __call__(self, step, **options):
            return 2 * super().__call__(step, **options)

    assert Doubled(0.1, 10)(3) == 2 * cf.CosineDecay(0.1, 10)(3)
    assert Doubled(0.1, 10)(np.arange(3), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    "use",
    [
        lambda s: s(5),
        lambda s: s(5.0),
        lambda s: s(STEPS),
        lambda s: s([5]),
        lambda s: s(5, dtype=np.float32),
        lambda s: s(STEPS, out=np.zeros(STEPS.shape)),
        lambda s: s(range(5)),
        lambda s: s.precompute(5),
        lambda s: s.precompute(5, out=np.zeros(5)),
        lambda s: s.get_config(),
        lambda s: s.alpha,
        lambda s: s.dtype,
        lambda s: hash(s),
        lambda s: pickle.dumps(s),
    ],
    ids=range(14),
)
def test_forgotten_init(cf, use):
    """A subclass that does not call super().__init__ gets a TypeError that says so, whatever it is used for."""

    class Forgetful(cf.CosineDecay):
        def __init__(self):
            pass

    with pytest.raises(TypeError, match=r"Forgetful.__init__ has not been called|super\(\).__init__"):
        use(Forgetful())
    with pytest.raises(TypeError, match=r"__init__"):
        use(cf.CosineDecay.__new__(cf.CosineDecay))


def test_a_failed_init_leaves_nothing(cf):
    """A schedule whose parameters were refused cannot be used."""
    schedule = cf.CosineDecay.__new__(cf.CosineDecay)
    with pytest.raises(ValueError, match="decay_steps"):
        schedule.__init__(0.1, 0)
    with pytest.raises(TypeError):
        schedule(5)
    schedule.__init__(0.1, 10)
    assert schedule(5) == 0.05
