"""Schedules for JAX and optax, as tables of rates that code under ``jit``, ``vmap`` and ``scan`` can read.

>>> import optax
>>> from cosine_fast import CosineDecay
>>> from cosine_fast.integrations.jax import table
>>> rates = table(CosineDecay(0.5, decay_steps=1000))
>>> optimizer = optax.adamw(learning_rate=rates)
>>> float(jax.jit(rates)(500)), float(jax.jit(rates)(10**6))
(0.25, 0.0)
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np

from .._backend import shown
from ..schedules._base import LearningRateSchedule, range_of_steps, rate_dtype

_MOST = 2**31 - 1  # counts are int32 in JAX


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["rates"], meta_fields=["start"], drop_fields=["schedule"]
)
@dataclass(frozen=True, eq=False)
class Table:
    """The rates of consecutive steps, as a function of the step that JAX can trace.

    It is a pytree with one leaf. Passed to a compiled function as an argument, another table of the same length does
    not compile it again; ``jax.vmap`` goes over tables whose `rates` have one more axis.

    Attributes
    ----------
    rates : jax.Array
        The rates of the steps start, start + 1, ..., of one dimension.
    start : int, default 0
        The first step.
    schedule : LearningRateSchedule, optional
        What the rates are of. It is no part of the pytree: inside a compiled function it is None.

    Examples
    --------
    >>> rates = Table(jnp.array([0.25, 0.5, 1.0]), start=10)
    >>> rates(jnp.array([0, 11, 12, 1000])).tolist()
    [0.25, 0.5, 1.0, 1.0]
    """

    rates: jax.Array
    start: int = 0
    schedule: LearningRateSchedule | None = None

    def __call__(self, count: Any) -> jax.Array:
        """Return the rates at these steps: integers of any shape, or traced ones.

        Before the table's first step it is the first rate, after its last step the last.
        """
        steps = jnp.asarray(count)
        if not jnp.issubdtype(steps.dtype, jnp.integer):
            raise TypeError(f"Argument `count` must be integers, which a table is of. Received: {steps.dtype}")
        last = self.start + self.rates.shape[-1] - 1
        index = jnp.clip(steps.astype(int), self.start, last) - self.start
        return self.rates.at[index].get(mode="promise_in_bounds")


def table(
    schedule: LearningRateSchedule, stop: SupportsIndex | None = None, *, start: SupportsIndex = 0, dtype: Any = None
) -> Table:
    """Return the rates of a schedule as a function that code under JAX's transformations can call.

    Parameters
    ----------
    schedule : CosineDecay or another schedule
        The schedule.
    stop : int, optional
        The step after the table's last, below 2**31. By default the table ends where the schedule does, so that it is
        right at all later steps.
    start : int, default 0
        The table's first step.
    dtype : numpy.float32 or numpy.float64, optional
        By default JAX's own: float32, or float64 if ``jax_enable_x64`` is set, which float64 needs.

    Returns
    -------
    Table
        A function of the step. Its rates are those of ``schedule.precompute(start, stop)``. It takes 4 or 8 bytes for
        each step, on JAX's default device.

    Raises
    ------
    TypeError
        If `schedule` is no schedule, or another argument has an unsuitable type.
    ValueError
        If the table would be empty, or go beyond JAX's counts, if `stop` is missing for a schedule without an end, or
        if JAX has no float64.

    Examples
    --------
    >>> from cosine_fast import ExponentialDecay
    >>> table(ExponentialDecay(0.1, 100, 0.5), 1001)(jnp.arange(0, 300, 100)).tolist()
    [0.10000000149011612, 0.05000000074505806, 0.02500000037252903]
    """
    if not isinstance(schedule, LearningRateSchedule):
        raise TypeError(f"Argument `schedule` must be a schedule of cosine_fast. Received: {type(schedule).__name__}")
    if stop is None:
        end = getattr(schedule, "_end", None)
        if end is None:
            raise ValueError(f"Argument `stop` is needed: this {type(schedule).__name__} has no end")
        stop = end + 1
    steps = range_of_steps("table", start, stop, 1)
    if not steps or not -_MOST <= steps.start < steps.stop <= _MOST:
        raise ValueError(
            "A table must have at least one step, and steps below 2**31 in size. "
            f"Received: start={shown(start)}, stop={shown(stop)}"
        )
    own = jax.dtypes.canonicalize_dtype(np.float64)
    wanted = own if dtype is None else rate_dtype(dtype)
    if wanted == np.float64 != own:
        raise ValueError("Argument `dtype` may be float64 only if jax_enable_x64 is set. Received: dtype=float64")
    return Table(jnp.asarray(schedule.precompute(steps.start, steps.stop, dtype=wanted)), steps.start, schedule)
