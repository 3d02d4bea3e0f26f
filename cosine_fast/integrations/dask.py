"""Rates as lazy Dask arrays: each task computes one chunk.

`cosine_fast.batches` imports this module when an argument is a Dask array.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, SupportsIndex

import dask.array
import numpy as np
from dask.base import tokenize
from dask.blockwise import blockwise
from dask.layers import ArraySliceDep

from .._backend import shown
from ..schedules._base import LearningRateSchedule
from ..schedules._checks import check_schedule
from ..schedules._evaluation import range_of_steps

__all__ = ["precompute"]


def precompute(
    schedule: LearningRateSchedule, start: SupportsIndex, stop: SupportsIndex | None = None, step: SupportsIndex = 1,
    chunks: Any = "auto", *, dtype: Any = None, num_threads: SupportsIndex | None = None,
) -> dask.array.Array:  # fmt: skip
    """Return the rates of a range of steps as a lazy Dask array.

    No array of the steps is made: a task holds the schedule, the range and the place of its chunk. Nothing is computed
    until the array is.

    Parameters
    ----------
    schedule : LearningRateSchedule
        The schedule. To run in Dask's processes, a class of your own must be picklable.
    start, stop, step : int
        The steps, as for ``schedule.precompute``.
    chunks : int, str, tuple or "auto", default "auto"
        The steps in each chunk, or a chunk's size such as "8 MiB", in any form that Dask takes. "auto" is the size in
        Dask's option ``array.chunk-size``, by default 128 MiB. A task needs the memory of one chunk.
    dtype : numpy.dtype, optional
        As in a call of the schedule.
    num_threads : int, optional
        The largest number of threads of each task. The default is 1, because Dask runs a task on each of its threads.

    Returns
    -------
    dask.array.Array
        The rates, with the bits of ``schedule.precompute(start, stop, step)``.

    Raises
    ------
    TypeError, ValueError, OverflowError
        As ``schedule.precompute`` raises them, and if `chunks` is not what Dask takes or has a chunk of 0 steps.

    See Also
    --------
    cosine_fast.LearningRateSchedule.precompute : The same in memory.
    cosine_fast.stores.precompute : The same into a store.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> rates = precompute(CosineDecay(0.1, decay_steps=10**12), 0, 10**12, chunks=10**7)
    >>> rates
    dask.array<CosineDecay, shape=(1000000000000,), dtype=float64, chunksize=(10000000,), chunktype=numpy.ndarray>
    >>> rates[:: 5 * 10**11].compute()
    array([0.1 , 0.05])
    """
    check_schedule(schedule, LearningRateSchedule)
    meta = schedule.precompute(0, dtype=dtype, num_threads=num_threads)  # raises where an option is wrong
    steps = range_of_steps("precompute", start, stop, step)
    try:
        sizes = dask.array.core.normalize_chunks(chunks, (len(steps),), dtype=meta.dtype)
        if steps and min(sizes[0]) < 1:
            raise ValueError("a chunk has no steps")
    except (ArithmeticError, TypeError, ValueError) as error:
        wanted = f"Argument `chunks` must be what Dask takes for {len(steps)} steps, and at least 1 step to a chunk."
        raise ValueError(f"{wanted} Received: chunks={shown(chunks)}") from error
    chunk = functools.partial(_chunk, schedule, steps, meta.dtype, 1 if num_threads is None else num_threads)
    name = f"{type(schedule).__name__}-{tokenize(chunk, sizes)}"
    # `dask.array.blockwise` takes an ArraySliceDep only in recent versions.
    graph = blockwise(chunk, name, "i", ArraySliceDep(sizes), "i", numblocks={})
    return dask.array.Array(graph, name, sizes, meta=meta)


def _chunk(
    schedule: LearningRateSchedule, steps: range, dtype: np.dtype[Any], threads: SupportsIndex, place: tuple[slice]
) -> np.ndarray[Any, Any]:
    part = steps[place[0]]
    return schedule.precompute(part.start, part.stop, part.step, dtype=dtype, num_threads=threads)


def _batch(
    function: Callable[..., Any], *, dtype: Any, num_threads: SupportsIndex | None, **given: Any
) -> dask.array.Array:  # fmt: skip
    """Return what `cosine_decay` or `warmup_stable_decay` gives, lazily; other arrays become data of the graph."""
    arrays = {
        name: value if isinstance(value, dask.array.Array) else dask.array.asanyarray(np.asanyarray(value))
        for name, value in given.items()
        if isinstance(value, dask.array.Array) or np.ndim(value)
    }
    others = {name: value for name, value in given.items() if name not in arrays}
    empty = {name: np.empty_like(array._meta, shape=(0,) * max(1, array.ndim)) for name, array in arrays.items()}
    meta = function(**empty, **others, dtype=dtype, num_threads=num_threads)  # its warnings and errors
    if others.get("warmup_target", 0.0) is None:
        others["warmup_target"] = np.nan  # the same, but without a warning from every task
    others |= {"dtype": meta.dtype, "num_threads": 1 if num_threads is None else num_threads}
    axes = len(dask.array.core.broadcast_shapes(*(array.shape for array in arrays.values())))
    operands = [item for array in arrays.values() for item in (array, tuple(range(array.ndim))[::-1])]
    rates: dask.array.Array = dask.array.blockwise(
        functools.partial(_batch_chunk, function, tuple(arrays), others), tuple(range(axes))[::-1], *operands,
        token=function.__name__, meta=meta,
    )  # fmt: skip
    return rates


def _batch_chunk(function: Callable[..., Any], names: tuple[str, ...], others: dict[str, Any], *chunks: Any) -> Any:
    return function(**dict(zip(names, chunks, strict=True)), **others)
