"""Steps in the arrays of other libraries, whose rates are arrays of the same library.

A function here takes a `call` such as `Evaluation._call`, and steps in an array of one library. It imports that
library, which has been imported before: the steps are of it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np


def way_of(steps: Any) -> Callable[..., Any] | None:
    """Return the function for steps of this type. None: NumPy reads them."""
    # A library that nobody has imported has made no arrays.
    for (module, name), way in _WAYS.items():
        if isinstance(steps, getattr(sys.modules.get(module), name, ())):
            return way
    return None


def wraps(steps: Any) -> bool:
    """Return whether `__array_wrap__` turns any rates into an array like the steps; np.matrix's does not."""
    cls, own = type(steps), np.ndarray.__array_ufunc__
    ufunc = getattr(cls, "__array_ufunc__", own)
    # An `__array_ufunc__` of None refuses ufuncs. A subclass of ndarray may have its own because of units.
    allowed = ufunc is own or not (ufunc is None or isinstance(steps, np.ndarray))
    return hasattr(cls, "__array_wrap__") and allowed and cls is not np.matrix


def _pandas(call: Callable[..., Any], steps: Any, **options: Any) -> Any:
    import pandas

    if steps.empty and steps.dtype == object:  # as pandas makes them without a dtype
        steps = steps.astype(float)
    nulls = steps.dtype.kind in "iuf" and steps.hasnans
    rates = call(np.asarray(steps.fillna(0) if nulls else steps), **options)  # integers stay integers
    dtype = rates.dtype if isinstance(steps.dtype, np.dtype) else rates.dtype.name.capitalize()  # Float64 may have <NA>
    if isinstance(steps, pandas.Index):
        made = pandas.Index(rates, dtype, copy=False, name=steps.name)
    else:
        made = steps._constructor(rates, steps.index, dtype=dtype, copy=False).__finalize__(steps)  # its name and attrs
    return made.where(steps.notna()) if nulls else made


def _pandas_frame(call: Callable[..., Any], steps: Any, **options: Any) -> Any:
    rates = steps.copy(deep=False)
    for place, (_, column) in enumerate(steps.items()):
        rates.isetitem(place, _pandas(call, column, **options))
    return rates


def _pandas_array(call: Callable[..., Any], steps: Any, **options: Any) -> Any:
    import pandas

    return _pandas(call, pandas.Series(steps), **options).array


def _polars(call: Callable[..., Any], steps: Any, **options: Any) -> Any:
    import polars

    if steps.dtype == polars.Null:
        steps = steps.cast(polars.Int64)
    whole = steps.fill_null(strategy="zero") if steps.null_count() else steps  # integers stay integers
    return polars.Series(steps.name, call(whole.to_numpy(), **options)).set(steps.is_null(), None)


def _xarray(call: Callable[..., Any], steps: Any, **options: Any) -> Any:
    import xarray

    return xarray.apply_ufunc(call, steps, kwargs=options, dask="allowed")  # the data may be another library's


def _dask(call: Callable[..., Any], steps: Any, **options: Any) -> Any:
    import dask.array

    chunk, task = _task_of(call, steps, **options)
    axes = tuple(range(steps.ndim))  # not map_blocks, which in some versions warns about `token`
    return dask.array.blockwise(chunk, axes, steps, axes, **task)


def _dask_frame(call: Callable[..., Any], steps: Any, **options: Any) -> Any:
    import dask.dataframe

    # The divisions are values of the index, and so of these steps, but not of their rates.
    cleared = isinstance(steps, dask.dataframe.Index)
    chunk, task = _task_of(call, steps, **options)
    return steps.map_partitions(chunk, **task, clear_divisions=cleared)


def _task_of(call: Callable[..., Any], steps: Any, *, num_threads: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    # Dask runs a task on each of its threads.
    chunk = functools.partial(call, num_threads=1 if num_threads is None else num_threads, **options)
    name = type(call.__self__).__name__  # type: ignore[attr-defined]  # a method's
    return chunk, {"token": name, "meta": chunk(steps._meta)}


def _torch(call: Callable[..., Any], steps: Any, *, dtype: np.dtype[Any], **options: Any) -> Any:
    import torch

    from ..integrations.torch import learning_rates

    return learning_rates(functools.partial(call, **options), steps, getattr(torch, dtype.name))


def _jax(call: Callable[..., Any], steps: Any, *, dtype: np.dtype[Any], **options: Any) -> Any:
    import jax

    if isinstance(steps, jax.core.Tracer):
        wanted = "Under JAX's transformations (jit, vmap, grad, scan) use `cosine_fast.integrations.jax.table`."
        raise TypeError(f"{wanted} Received: a traced step, {steps.aval}")
    array = np.asarray(steps)
    if array.dtype.kind == "V":  # bfloat16 and others that NumPy does not know
        array = array.astype(np.float32)
    rates = call(array, dtype=jax.dtypes.canonicalize_dtype(dtype), **options)
    return jax.device_put(rates, steps.sharding if steps.committed else None)


_WAYS: dict[tuple[str, str], Callable[..., Any]] = {
    ("pandas", "Series"): _pandas,
    ("pandas", "Index"): _pandas,
    ("pandas", "DataFrame"): _pandas_frame,
    ("pandas.api.extensions", "ExtensionArray"): _pandas_array,
    ("polars", "Series"): _polars,
    ("xarray", "DataArray"): _xarray,
    ("xarray", "Dataset"): _xarray,
    ("xarray", "Variable"): _xarray,
    ("dask.array", "Array"): _dask,
    ("dask.dataframe", "Series"): _dask_frame,
    ("dask.dataframe", "DataFrame"): _dask_frame,
    ("torch", "Tensor"): _torch,
    ("jax", "Array"): _jax,
}
