"""Steps in arrays of other libraries: the rates are arrays of the same library, with the bits of NumPy's."""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest
from family import ordinary

STEPS = np.array([-3, 0, 4, 9, 2**62])
REASON = "its arrays are what this test is about"
library = functools.partial(pytest.importorskip, reason=REASON)
DTYPES = [None, np.float64, np.float32]
bad_dtype = functools.partial(pytest.raises, TypeError, match="must be integers or floats. Received: ")


@pytest.fixture
def schedule(cf):
    return cf.CosineDecay(0.0, 8, 0.1, warmup_target=0.5, warmup_steps=3)


def same(have, want):
    """The same bits and dtype."""
    np.testing.assert_array_equal(np.asarray(have), want, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pandas(cf, dtype):
    pandas = library("pandas")
    index = pandas.Index(list("abcde"), name="run")
    for schedule in ordinary(cf):
        want = schedule(STEPS, dtype=dtype)
        steps = pandas.Series(STEPS, index, name="step")
        steps.attrs = {"unit": "step"}
        rates = schedule(steps, dtype=dtype, num_threads=2)
        pandas.testing.assert_series_equal(rates, pandas.Series(want, index, name="step"))
        assert rates.attrs == steps.attrs
        rates = schedule(pandas.Index(STEPS, name="step"), dtype=dtype)
        pandas.testing.assert_index_equal(rates, pandas.Index(want, name="step"))


def test_kinds_of_pandas(cf, schedule):
    pandas = library("pandas")
    floats = pandas.Series([0.5, None])
    pandas.testing.assert_series_equal(schedule(floats), pandas.Series(schedule(floats.to_numpy())))
    whole = pandas.Series([5, None], dtype="Int64")
    pandas.testing.assert_series_equal(schedule(whole), pandas.Series([schedule(5), None], dtype="Float64"))
    assert schedule(pandas.Index(whole), dtype=np.float32).dtype == "Float32"
    long = cf.PiecewiseConstantDecay([2**60], [0.5, 0.25])
    rates = long(pandas.Index([2**60, None, 2**60 + 1], "Int64"))  # whole steps stay exact beside nulls
    assert rates.tolist() == [0.5, pandas.NA, 0.25]
    assert schedule(pandas.Series([], dtype=int)).dtype == schedule(pandas.Series([], dtype=object)).dtype == np.float64

    class Own(pandas.Series):
        _metadata = ("unit",)
        _constructor = property(lambda self: Own)

    own = Own([1, 2])
    own.unit = "step"
    assert (type(schedule(own)), schedule(own).unit) == (Own, "step")
    same(schedule(pandas.RangeIndex(5)), schedule.precompute(5))
    frame = pandas.DataFrame([[1, 2], [3, 4]], ["x", "y"], ["a", "a"])
    for rates in (frame.apply(schedule), schedule(frame)):
        pandas.testing.assert_frame_equal(rates, pandas.DataFrame(schedule(frame.to_numpy()), ["x", "y"], ["a", "a"]))
    assert schedule(frame[:0]).dtypes.tolist() == [np.float64] * 2
    pandas.testing.assert_extension_array_equal(schedule(whole.array), schedule(whole).array)
    for bad in (pandas.Series(["a"]), pandas.Series([True]), pandas.to_datetime(["2026-01-01"])):
        with bad_dtype():
            schedule(bad)


@pytest.mark.parametrize("dtype", DTYPES)
def test_polars(cf, dtype):
    polars = library("polars")
    for schedule in ordinary(cf):
        rates = schedule(polars.Series("step", STEPS), dtype=dtype)
        assert isinstance(rates, polars.Series)
        assert rates.name == "step"
        same(rates, schedule(STEPS, dtype=dtype))


def test_broadcasting_functions(cf):
    """The rates have the type of the steps if these are the only array, as docs/how-to/arrays.md says."""
    pandas = library("pandas")
    steps, start = pandas.Series([1, 2]), pandas.Series([0.1, 0.2])
    assert type(cf.cosine_decay(steps, 0.1, 100)) is type(cf.warmup_stable_decay(steps, 0.1, 1, 2, 3)) is pandas.Series
    assert type(cf.cosine_decay(steps, start, 100)) is type(cf.cosine_decay(5, start, 100)) is np.ndarray


def test_kinds_of_polars(cf, schedule):
    polars = library("polars")
    long = cf.PiecewiseConstantDecay([2**60], [0.5, 0.25])
    rates = long(polars.Series("n", [2**60, None, 2**60 + 1]))
    assert rates.to_list() == [0.5, None, 0.25]
    rates = schedule(polars.Series([0.5, None, float("nan")], dtype=polars.Float32), dtype=np.float32)
    assert rates.dtype == polars.Float32
    assert rates.null_count() == rates.is_nan().sum() == 1
    assert schedule(polars.Series("n", [], dtype=polars.UInt8)).dtype == polars.Float64
    assert schedule(polars.Series("n", [None, None])).to_list() == [None, None]
    frame = polars.DataFrame({"step": [1, 2]}).with_columns(rate=polars.col("step").map_batches(schedule))
    assert frame["rate"].to_list() == [schedule(1), schedule(2)]
    for bad in (["a", None], [True, None], [True]):
        with bad_dtype():
            schedule(polars.Series(bad))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("chunks", [None, 2])
def test_xarray(cf, dtype, chunks, importable):
    """Dimensions, coordinates, name and attributes by xarray's rules; steps in a Dask array stay lazy."""
    xarray = library("xarray")
    data = np.arange(12).reshape(3, 4)
    if chunks:
        data = library("dask.array").from_array(data, chunks=chunks)
    steps = xarray.DataArray(data, {"run": [5, 6, 7]}, ("run", "step"), "n", {"unit": "step"})
    for schedule in ordinary(cf):
        rates = schedule(steps, dtype=dtype)
        assert rates.chunks == steps.chunks
        want = steps.copy(data=schedule(np.arange(12).reshape(3, 4), dtype=dtype))
        with xarray.set_options(keep_attrs=True):
            xarray.testing.assert_identical(schedule(steps, dtype=dtype).compute(), want)
        with xarray.set_options(keep_attrs=False):
            assert schedule(steps).attrs == {}
        assert rates.dtype == want.dtype
        same(schedule(steps[0, 1], dtype=dtype), want[0, 1].to_numpy())
    assert schedule(steps[:0]).shape == (0, 4)
    xarray.testing.assert_identical(schedule(steps.variable), schedule(steps).variable)
    xarray.testing.assert_identical(schedule(steps.to_dataset()), schedule(steps).to_dataset())
    for bad in (steps.astype(str), steps > 3):
        with bad_dtype():
            schedule(bad)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dask(cf, dtype, importable):
    array, dask = library("dask.array"), library("dask")
    steps = array.arange(40, chunks=(16, 20, 4))
    for schedule in ordinary(cf):
        rates = schedule(steps, dtype=dtype)
        want = schedule(np.arange(40), dtype=dtype)
        assert type(rates) is array.Array
        assert rates.chunks == steps.chunks
        assert rates.dtype == rates._meta.dtype == want.dtype
        assert rates.name == schedule(steps, dtype=dtype).name
        assert rates.name.startswith(f"{type(schedule).__name__}-")
        same(rates.compute(), want)
        graph = dask.optimize(rates * 2)[0].dask.values()
        tasks = [pickle.dumps(task) for task in graph if type(task).__name__ != "Alias"]  # another name of a task
        assert len(tasks) == 3  # one a chunk
        assert max(map(len, tasks)) < 2000
    with dask.config.set({"tokenize.ensure-deterministic": True}):
        assert schedule(steps).name != type(schedule).from_config(schedule.get_config() | {"name": "x"})(steps).name


def test_kinds_of_dask(schedule, importable):
    array = library("dask.array")
    cube = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    same(schedule(array.from_array(cube, chunks=(1, 2, 3))), schedule(cube))
    assert schedule(array.from_array(np.array(5))).compute() == schedule(5)
    assert schedule(array.zeros(0, int)).compute().shape == (0,)
    unknown = array.arange(9, chunks=4)
    assert schedule(unknown[unknown > 5]).compute().tolist() == schedule([6, 7, 8]).tolist()
    masked = schedule(array.ma.masked_greater(array.arange(4, chunks=2), 2))
    assert type(masked._meta) is np.ma.MaskedArray
    assert masked.compute().tolist() == [*schedule([0, 1, 2]), None]
    for bad in (array.from_array(np.array(["a"])), unknown > 5):
        with bad_dtype():
            schedule(bad)
    never = array.from_delayed(library("dask").delayed(pytest.fail)("computed"), (3,), int)
    assert schedule(never).shape == (3,)


def test_frames_of_dask(schedule, importable):
    pandas, frames = library("pandas"), library("dask.dataframe")
    frame = pandas.DataFrame({"a": [1, 2, 3]}, [5, 6, 7])
    lazy = frames.from_pandas(frame, npartitions=2)
    for steps, want in ((lazy, frame), (lazy["a"], frame["a"]), (lazy.index, frame.index)):
        assert type(schedule(steps)) is type(steps)
        frames.utils.assert_eq(schedule(steps), schedule(want))


def test_threads_in_dask(schedule, importable, monkeypatch):
    """Dask's threads and ours do not multiply, unless a caller says so."""
    array, asked = library("dask.array"), []
    call = type(schedule)._call.__globals__
    check = call["check_threads"]
    monkeypatch.setitem(call, "check_threads", lambda n: asked.append(n) or check(n))
    steps = array.arange(40, chunks=20)
    schedule(steps).compute()
    assert asked[1:] == [1] * 3
    schedule(steps, num_threads=2).compute()
    assert asked[4:] == [2] * 4


def test_processes_of_dask(process):
    """Rates and sums, in processes that get the schedule as a pickle."""
    library("dask.array")
    process(
        "import dask.array, cosine_fast\n"
        "schedule, steps = cosine_fast.CosineDecay(0.1, 30), dask.array.arange(40, chunks=20)\n"
        "for function in (schedule, schedule.cumulative):\n"
        "    have = function(steps).compute(scheduler='processes', num_workers=2)\n"
        "    assert have.tobytes() == function(steps.compute()).tobytes()"
    )


def test_sums(schedule, importable):
    pandas, array, dask = library("pandas"), library("dask.array"), library("dask")
    want = schedule.cumulative([1, 2])
    pandas.testing.assert_series_equal(schedule.cumulative(pandas.Series([1, 2])), pandas.Series(want))
    never = array.from_delayed(dask.delayed(pytest.fail)("computed"), (3,), int)
    assert schedule.cumulative(never).dtype == np.float64
    with pytest.raises(TypeError, match="`steps` must be integers"):
        schedule.cumulative(pandas.Series([0.5]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_torch(cf, dtype):
    torch = library("torch")
    for schedule in ordinary(cf):
        rates = schedule(torch.tensor(STEPS), dtype=dtype, num_threads=2)
        assert type(rates) is torch.Tensor
        same(rates, schedule(STEPS, dtype=dtype))


def test_kinds_of_torch(cf, schedule):
    torch = library("torch")
    for kind in (torch.uint8, torch.int16, torch.float16, torch.bfloat16, torch.float32):
        steps = torch.tensor([[0, 4], [9, 128]]).to(kind)
        same(schedule(steps), schedule([[0, 4], [9, 128]]))
    assert schedule(torch.nn.Parameter(torch.ones(2))).requires_grad is False
    assert schedule(torch.tensor(4)).shape == ()
    assert schedule(torch.empty(0, 2)).shape == (0, 2)
    assert cf.CosineDecay(np.float32(0.1), 10)(torch.arange(3)).dtype == torch.float32
    assert schedule(torch.arange(3), out=np.empty(3)).dtype == np.float64
    for bad in (torch.ones(2, dtype=torch.bool), torch.ones(2, dtype=torch.complex64)):
        with bad_dtype():
            schedule(bad)


def test_jax(cf):
    """In JAX's own dtype: float32, or float64 where jax_enable_x64 is set."""
    jax = library("jax")
    from x64 import enable_x64

    steps = STEPS[:-1]
    for schedule in ordinary(cf):
        for dtype in DTYPES:
            rates = schedule(jax.numpy.array(steps), dtype=dtype)
            assert isinstance(rates, jax.Array)
            same(rates, schedule(steps, dtype=np.float32))
        with enable_x64(True):
            same(schedule(jax.numpy.array(STEPS)), schedule(STEPS))
            same(schedule(jax.numpy.array(STEPS), dtype=np.float32), schedule(STEPS, dtype=np.float32))


def test_kinds_of_jax(schedule):
    jax = library("jax")
    jnp = jax.numpy
    for kind in (jnp.uint8, jnp.int16, jnp.int4, jnp.float16, jnp.bfloat16, jnp.float32):
        same(schedule(jnp.array([[0, 4], [5, 7]], kind)), schedule([[0, 4], [5, 7]], dtype=np.float32))
    assert schedule(jnp.int32(4)).shape == ()
    assert schedule(jnp.empty((0, 2))).shape == (0, 2)
    there = jax.device_put(jnp.arange(3), jax.devices()[-1])
    assert (schedule(there).sharding, schedule(there).committed) == (there.sharding, True)
    assert schedule(jnp.arange(3)).committed is False
    for bad in (jnp.ones(2, bool), jnp.ones(2, jnp.complex64)):
        with bad_dtype():
            schedule(bad)
    for transformed in (jax.jit(schedule), jax.vmap(schedule), jax.grad(lambda step: schedule(step).sum())):
        with pytest.raises(TypeError, match=r"cosine_fast.integrations.jax.table`. Received: a traced step"):
            transformed(jnp.ones(()) if transformed.__name__ == "<lambda>" else jnp.ones(2))


class Named(np.ndarray):
    """A subclass as NumPy's documentation has one."""

    def __array_finalize__(self, other):
        self.name = getattr(other, "name", None)


class Wrapping:
    """No array of NumPy, but one that follows its protocol."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return Wrapping(array)


class Refusing(Wrapping):
    __array_ufunc__ = None


class Ruling(Wrapping):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return self.__array_wrap__(getattr(ufunc, method)(*map(np.asarray, inputs), **kwargs))


class WithUnit(Named):
    """A subclass whose ufuncs do more than to keep the type."""

    __array_ufunc__ = Ruling.__array_ufunc__


def test_array_wrap(schedule):
    """What NumPy's ufuncs give, where `__array_wrap__` may decide that; np.matrix and others give plain arrays."""
    for shape in ((5,), (), (0, 3)):
        steps = np.full(shape, 4).view(Named)
        steps.name = "step"
        rates = schedule(steps)
        assert (type(rates), rates.name, rates.shape) == (type(np.cos(steps)), "step", shape)
        same(rates, np.full(shape, schedule(4)))
        assert schedule(Wrapping(steps)).array.shape == schedule(Ruling(steps)).array.shape == shape
        for plain in (Refusing(steps), steps.view(WithUnit)):
            assert type(schedule(plain)) is (np.ndarray if shape else np.float64)
    out = np.empty(2)
    assert schedule(Wrapping(np.arange(2)), out=out) is out


def test_schedules_of_your_own(cf):
    """They get what they are called with, or with options a NumPy array's elements."""
    pandas = library("pandas")

    class Halves(cf.LearningRateSchedule):
        def __call__(self, step):
            return 0.5**step

    steps = pandas.Series([1, 2], name="n")
    for options in ({}, {"dtype": np.float64}):
        pandas.testing.assert_series_equal(Halves()(steps, **options), pandas.Series([0.5, 0.25], name="n"))


def test_nothing_is_imported(process):
    process(
        "import sys, cosine_fast, decimal\n"
        "names = {'pandas', 'polars', 'xarray', 'dask', 'torch', 'jax', 'numpy.ma', 'cosine_fast.integrations'}\n"
        "class Steps:\n"
        "    def __array__(self, dtype=None, copy=None): return cosine_fast.CosineDecay(0.1, 10)([1, 2])\n"
        "schedule = cosine_fast.CosineDecay(0.1, 10)\n"
        "schedule(Steps()), schedule([1, 2]), schedule(5, dtype='f4')\n"
        "assert not names & set(sys.modules)"
    )
