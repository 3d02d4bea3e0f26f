"""Keras 3's schedule classes with cosine_fast's kernel, for whatever takes Keras's own: optimizers, saved models.

Each class derives from Keras's class of the same name and differs from it in one respect: if the step is one number
that is known when the schedule is called, the kernel computes the rate. Keras's operations still compute it if the step
is not known (in jitted, traced or compiled code) or cosine_fast refuses the parameters. The page on Keras says where
the two differ. The attribute `fast` is cosine_fast's schedule with the same parameters, for arrays of steps; the method
`precompute` is that of `fast`. `Schedule` turns any other schedule of cosine_fast into one of Keras.

>>> from cosine_fast.integrations.keras import CosineDecay
>>> schedule = CosineDecay(0.5, decay_steps=1000)
>>> optimizer = keras.optimizers.SGD(schedule)
>>> float(optimizer.learning_rate), float(schedule(500))
(0.5, 0.25)
>>> schedule.precompute(0, 1001, 500)
array([0.5 , 0.25, 0.  ])
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar, Self, SupportsIndex

import keras
import numpy as np
from keras.optimizers import schedules

from .._backend import shown
from ..schedules import SCHEDULES
from ..schedules._base import Formula, restore
from ..schedules._base import LearningRateSchedule as _Base  # the name is that of Keras's class
from ..schedules._checks import check_schedule, integer_of
from ..serialization import deserialize, serialize

_BACKEND = keras.config.backend()
if _BACKEND == "jax":
    import jax

    _same = jax.jit(lambda rate: rate)  # makes an array of jax in a third of the time of jnp.asarray
elif _BACKEND == "torch":
    import torch


def _compiling() -> bool:
    """Return whether the running code is being compiled, and known steps with it."""
    if _BACKEND == "torch":
        return bool(torch.compiler.is_compiling())
    # Within jax's jit too, a known step has a known rate. Other backends are untested: all is left to Keras.
    return _BACKEND not in ("jax", "numpy")


def _untouched(function: Any) -> Any:
    """Keep torch's compiler, which would compile the code between two graphs again for each rate, out of a function."""
    return torch.compiler.disable(function) if _BACKEND == "torch" else function


def _readable(step: Any) -> bool:
    """Return whether this is a tensor that can be read without waiting for a device and without losing a gradient."""
    if _BACKEND == "jax":
        known = isinstance(step, jax.Array) and not isinstance(step, jax.core.Tracer)
        return known and bool(next(iter(step.devices())).platform == "cpu")
    if _BACKEND == "torch":
        # Fake tensors have other types, and meta tensors are on no device.
        known = type(step) in (torch.Tensor, torch.nn.Parameter) and step.device.type == "cpu"
        return known and not (step.requires_grad and torch.is_grad_enabled())
    return isinstance(step, np.ndarray)


def _tensor(rate: float, dtype: str) -> Any:
    """Return the rate as Keras's operations return it."""
    if _BACKEND == "jax":
        return _same(np.asarray(rate, dtype))
    if _BACKEND == "torch":
        return keras.ops.convert_to_tensor(rate, dtype)
    return np.dtype(dtype).type(rate)


def _number(step: Any) -> int | float | None:
    """Return the step as a Python number if it is one number that is known now, else None."""
    if isinstance(step, keras.Variable):
        step = step.value
    if type(step) in (int, float):
        return step  # type: ignore[no-any-return]
    if (isinstance(step, (np.generic, np.ndarray)) or _readable(step)) and step.ndim == 0:
        step = step.item()
    return step if type(step) in (int, float) else None  # no bool, no longdouble


class _Fast(schedules.LearningRateSchedule):
    """What the classes here add to Keras's, which follow it in their bases."""

    _class: ClassVar[type[Formula]]

    def __call__(self, step: Any) -> Any:
        """Return the rate at a step: a scalar tensor, of the dtype that Keras's class returns."""
        rate = None if _compiling() else self._by_kernel(step)
        return super().__call__(step) if rate is None else rate

    @_untouched
    def _by_kernel(self, step: Any) -> Any:
        number = _number(step)
        return None if number is None or self._dtype is None else _tensor(self.fast(number), self._dtype)

    @functools.cached_property
    def fast(self) -> Formula:
        """The schedule of cosine_fast with these parameters, for arrays of steps, `out`, `dtype` and `num_threads`.

        Raises
        ------
        TypeError, ValueError
            If Keras accepts the parameters and cosine_fast does not.
        """
        return restore(self._class, super().get_config())  # without warnings, as Keras gives none

    def precompute(self, *arguments: Any, **options: Any) -> np.ndarray[Any, Any]:
        """Return the rates of a range of steps as ``fast.precompute`` does: a NumPy array of float64."""
        return self.fast.precompute(*arguments, **options)

    @functools.cached_property
    def _dtype(self) -> str | None:
        """The dtype of Keras's rates; None if the kernel cannot replace Keras's operations."""
        if not isinstance(getattr(self, "initial_learning_rate", 0.0), (float, np.floating)):
            return None  # with an int Keras computes in int32, jitted or not
        try:
            self.fast  # noqa: B018
        except (TypeError, ValueError):
            return None
        with np.errstate(all="ignore"):
            dtype: str = keras.backend.standardize_dtype(super().__call__(0).dtype)
        return dtype if keras.backend.is_float_dtype(dtype) else None

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; Keras's schedules can be changed, and what depends on the parameters is computed again."""
        super().__setattr__(name, value)
        self.__dict__.pop("fast", None)
        self.__dict__.pop("_dtype", None)


_LONGEST = 2**28  # steps in a table: 1 GiB of float32


@keras.saving.register_keras_serializable("cosine_fast")
class Schedule(schedules.LearningRateSchedule):
    """Any schedule of cosine_fast as a schedule of Keras: for optimizers, and in saved models.

    If the step is one number that is known when the schedule is called, the kernel computes the rate. Otherwise (in
    jitted, traced or compiled code) it is read from a table of the rates of the steps 0, 1, ..., `stop`, which is made
    once. Both give the same bits at whole steps; the table takes no others. Before step 0 the rate is that of step 0,
    after `stop` that of `stop`.

    Parameters
    ----------
    schedule : CosineDecay, JoinedSchedule or another schedule of cosine_fast
        The schedule.
    stop : int, optional
        The last step of the table, below 2**28. By default the step from which on the rate stays the same.

    Raises
    ------
    TypeError
        If `schedule` is no schedule, `stop` no integer, or a step that is not known does not consist of integers.
    ValueError
        If `stop` is missing for a schedule without an end or with a later one, or is out of its range.

    See Also
    --------
    cosine_fast.deserialize : Reads a schedule from its config.

    Examples
    --------
    >>> from cosine_fast import WarmupStableDecay
    >>> schedule = Schedule(WarmupStableDecay(0.5, 100, 800, 100))
    >>> optimizer = keras.optimizers.SGD(schedule)
    >>> float(optimizer.learning_rate), float(schedule(500)), float(schedule(950))
    (0.0, 0.5, 0.25)
    """

    def __init__(self, schedule: _Base, stop: SupportsIndex | None = None) -> None:
        check_schedule(schedule, _Base)
        self._given = schedule, None if stop is None else integer_of("stop", stop)
        last = getattr(schedule, "_end", None) if stop is None else self._given[1]
        if last is None or not 0 <= last < _LONGEST:
            why = "has no end" if last is None else f"would have a table up to step {shown(last)}"
            raise ValueError(
                f"This {type(schedule).__name__} {why}. Argument `stop` must be the last step of the training run: "
                f"0 <= stop < 2**28. Received: stop={shown(stop)}"
            )
        self._last: int = last
        self._dtype: str = keras.backend.result_type(keras.config.floatx())  # jax may have no float64
        self._rates = keras.ops.convert_to_tensor(schedule.precompute(last + 1), self._dtype)

    schedule = property(lambda self: self._given[0], doc="The schedule of cosine_fast.")
    stop = property(lambda self: self._given[1], doc="The parameter as it was given.")

    def __call__(self, step: Any) -> Any:
        """Return the rate at a step, a scalar tensor; or at a tensor of integers."""
        rate = None if _compiling() else self._by_kernel(step)
        if rate is not None:
            return rate
        dtype = getattr(step, "dtype", type(step).__name__)
        try:
            whole = keras.backend.is_int_dtype(dtype)
        except ValueError:  # Keras does not know it
            whole = False
        if not whole:
            raise TypeError(f"A step must be a number, or a tensor of integers. Received: {dtype}")
        dtype = keras.backend.standardize_dtype(dtype)
        step = keras.ops.cast(step, keras.backend.result_type(dtype, "int32"))  # a smaller dtype may not have `stop`
        return keras.ops.take(self._rates, keras.ops.clip(step, 0, self._last))

    @_untouched
    def _by_kernel(self, step: Any) -> Any:
        number = _number(step)
        return None if number is None else _tensor(self.schedule(min(max(number, 0), self._last)), self._dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the schedule as `cosine_fast.serialize` writes it, and `stop`."""
        return {"schedule": serialize(self.schedule), "stop": self.stop}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a schedule from what `get_config` returns; `cosine_fast.deserialize` checks it."""
        return cls(**{**config, "schedule": deserialize(config["schedule"])})


def _with_kernel(name: str, cls: type[Formula]) -> type[_Fast]:
    theirs = getattr(schedules, name)

    @functools.wraps(theirs.__init__)
    def __init__(self: Any, *arguments: Any, **parameters: Any) -> None:  # noqa: N807
        if "end_learning_rate" in parameters and "alpha" in cls._parameters:
            raise TypeError(
                f"Keras's {name} has no argument `end_learning_rate`. `Schedule` takes that of cosine_fast: "
                f"cosine_fast.integrations.keras.Schedule(cosine_fast.{name}(..., end_learning_rate=...))"
            )
        theirs.__init__(self, *arguments, **parameters)

    doc = (
        f"Keras's {name}, with `cosine_fast.{name}` for known steps.\n\n"
        f"See Also\n--------\ncosine_fast.{name} : The schedule and its parameters.\n"
    )
    members = {"__module__": __name__, "__doc__": doc, "_class": cls, "__init__": __init__}
    made: type[_Fast] = type(name, (_Fast, theirs), members)
    return keras.saving.register_keras_serializable("cosine_fast")(made)  # type: ignore[no-any-return]


_MADE = {name: _with_kernel(name, cls) for name, cls in SCHEDULES.items() if cls._keras}
__all__ = ["Schedule", *_MADE]
globals().update(_MADE)

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[_Fast]: ...
