"""optax's schedules by optax's names and parameters, as tables of this package's rates.

>>> import optax
>>> from cosine_fast.integrations.optax import warmup_cosine_decay_schedule
>>> rates = warmup_cosine_decay_schedule(init_value=0.0, peak_value=0.5, warmup_steps=100, decay_steps=1100)
>>> optimizer = optax.adamw(learning_rate=rates)
>>> float(jax.jit(rates)(600))
0.25

Each function takes the parameters of the one in `cosine_fast.dialects.optax`, which documents them, and `stop` and
`dtype` as `cosine_fast.integrations.jax.table` does. Without `stop` a table ends where its schedule does, and is right
at all later steps. A schedule that goes on for ever needs a `stop`, after which the rate stays:

>>> from cosine_fast.integrations.optax import exponential_decay
>>> rates = exponential_decay(init_value=0.5, transition_steps=100, decay_rate=0.5, stop=10_001)

`join_schedules` and `sgdr_schedule` make one table. Tables are joined as the schedules that they were made from.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, SupportsIndex

import jax

from ..dialects import optax as _optax
from .jax import Table, table


def _is_iterator(value: Any) -> bool:
    return isinstance(value, Iterator)


def _number(value: Any) -> Any:
    """Return the number in an array of JAX without dimensions, and other values as they are."""
    if isinstance(value, jax.core.Tracer):
        raise TypeError(
            "A parameter must have a value, which a compiled function does not know. Make the table outside of it, and "
            f"pass the table to it as an argument. Received: {value}"
        )
    if _is_iterator(value):
        return jax.tree.map(_number, [*value])
    return value.item() if isinstance(value, jax.Array) and value.ndim == 0 else value


def _tabled(make: Callable[..., Any]) -> Callable[..., Table]:
    def function(*arguments: Any, stop: SupportsIndex | None = None, dtype: Any = None, **named: Any) -> Table:
        arguments, named = jax.tree.map(_number, (arguments, named), is_leaf=_is_iterator)
        return table(make(*arguments, **named), stop, dtype=dtype)

    options = list(inspect.signature(function).parameters.values())[1:3]
    function.__signature__ = inspect.Signature([*inspect.signature(make).parameters.values(), *options])  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = make.__name__
    function.__doc__ = (
        "Return a table of the rates of optax's schedule.\n\n"
        f"See Also\n--------\ncosine_fast.dialects.optax.{make.__name__} : The schedule and its parameters.\n"
    )
    return function


constant_schedule = _tabled(_optax.constant_schedule)
cosine_decay_schedule = _tabled(_optax.cosine_decay_schedule)
cosine_onecycle_schedule = _tabled(_optax.cosine_onecycle_schedule)
exponential_decay = _tabled(_optax.exponential_decay)
linear_onecycle_schedule = _tabled(_optax.linear_onecycle_schedule)
linear_schedule = _tabled(_optax.linear_schedule)
piecewise_constant_schedule = _tabled(_optax.piecewise_constant_schedule)
piecewise_interpolate_schedule = _tabled(_optax.piecewise_interpolate_schedule)
polynomial_schedule = _tabled(_optax.polynomial_schedule)
sgdr_schedule = _tabled(_optax.sgdr_schedule)
warmup_constant_schedule = _tabled(_optax.warmup_constant_schedule)
warmup_cosine_decay_schedule = _tabled(_optax.warmup_cosine_decay_schedule)
warmup_exponential_decay_schedule = _tabled(_optax.warmup_exponential_decay_schedule)


def join_schedules(
    schedules: Sequence[Any], boundaries: Iterable[int], *, stop: SupportsIndex | None = None, dtype: Any = None
) -> Table:
    """Return a table of schedules joined one after another, as ``optax.join_schedules`` joins them.

    Parameters
    ----------
    schedules : sequence of Table or schedules
        Tables that `table` or the functions of this module have made, or schedules of this package.
    boundaries : iterable of int
        The steps from which on the second, third, ... schedule counts; they must not fall.
    stop, dtype : optional
        As in `cosine_fast.integrations.jax.table`.

    Returns
    -------
    Table
        The rates, as a function of the step.

    Raises
    ------
    TypeError, ValueError
        As `cosine_fast.join_schedules` and `cosine_fast.integrations.jax.table` raise them.

    See Also
    --------
    cosine_fast.join_schedules : The same without JAX.

    Examples
    --------
    >>> rates = join_schedules([linear_schedule(0.0, 0.5, 10), cosine_decay_schedule(0.5, 100)], [10])
    >>> rates(jax.numpy.array([0, 5, 10, 60, 1000])).tolist()
    [0.0, 0.25, 0.5, 0.25, 0.0]
    """
    parts: list[Any] = [part.schedule if isinstance(part, Table) else part for part in schedules]
    if any(part is None for part in parts):
        raise TypeError("A table has lost its schedule in an operation on pytrees: give `join_schedules` the schedule.")
    return table(_optax.join_schedules(parts, [_number(each) for each in boundaries]), stop, dtype=dtype)
