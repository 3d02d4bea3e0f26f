"""Keras 3's schedule classes with cosine_fast's kernel, for whatever takes Keras's own: optimizers, saved models.

Each class derives from Keras's class of the same name and differs from it in one respect: if the step is one number
that is known when the schedule is called, the kernel computes the rate. Keras's operations still compute it if the step
is not known (in jitted, traced or compiled code) or cosine_fast refuses the parameters. docs/keras.md says where the
two differ.

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
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
from keras.optimizers import schedules

from ..schedules import SCHEDULES
from ..schedules._base import Formula, restore

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


def _with_kernel(name: str, cls: type[Formula]) -> type[_Fast]:
    doc = f"Keras's {name}, with `cosine_fast.{name}` for known steps."
    members = {"__module__": __name__, "__doc__": doc, "_class": cls}
    made: type[_Fast] = type(name, (_Fast, getattr(schedules, name)), members)
    return keras.saving.register_keras_serializable("cosine_fast")(made)  # type: ignore[no-any-return]


__all__ = [name for name, cls in SCHEDULES.items() if cls._keras]
globals().update({name: _with_kernel(name, SCHEDULES[name]) for name in __all__})

if TYPE_CHECKING:

    def __getattr__(name: str) -> type[_Fast]: ...
