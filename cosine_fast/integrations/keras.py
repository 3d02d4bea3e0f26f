"""Keras's schedule classes with cosine_fast's kernel inside: for optimizers, and for saving and loading models.

    from cosine_fast.integrations.keras import CosineDecay      # was: from keras.optimizers.schedules import CosineDecay

Each class is a subclass of Keras's class of its name, with the same parameters, attributes and config. They are
registered with Keras as ``cosine_fast>CosineDecay`` and so on: a model that was saved with one loads where this module
has been imported.

A call with a step whose value is at hand goes to the kernel: a Python or NumPy number, a NumPy array, a tensor or
``keras.Variable`` in the processor's memory. The result is what Keras's class gives, a tensor of the backend. Where
there is no value, in a function that is being traced or compiled and in symbolic calls, and where reading it would
wait for an accelerator, Keras's own operations do it, as ever. docs/keras.md has what differs.

Works with the backends "numpy", "jax" and "torch"; with others everything is left to Keras.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np
from keras.optimizers import schedules

import cosine_fast

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
    "PolynomialDecay",
]  # fmt: skip


def _number_at(step: Any) -> Any:
    """The step as the kernel takes it if it is a number or an array of NumPy, else None."""
    kind = type(step)
    if kind is int or kind is float:
        return step
    return step if isinstance(step, (np.ndarray, np.generic)) and step.dtype.kind in "iuf" else None


def _as_numpy(rate: Any, dtype: str) -> Any:
    return rate.astype(dtype) if isinstance(rate, np.ndarray) else np.dtype(dtype).type(rate)


# For each backend: a tensor's value as the kernel takes it, or None; and rates as a tensor.
_value_at: Callable[[Any], Any]
_tensor: Callable[[Any, str], Any]

if keras.config.backend() == "numpy":
    _value_at, _tensor = _number_at, _as_numpy

elif keras.config.backend() == "jax":
    import jax

    # By way of a compiled function: a third of what jax.numpy.asarray takes, to the same device.
    _placed = jax.jit(lambda rate: rate)
    _first = jax.local_devices()[0]

    def _value_at(step: Any) -> Any:
        if not isinstance(step, jax.Array):
            return _number_at(step)
        if isinstance(step, jax.core.Tracer):
            return None
        # On the device that the result will be on, and it is the processor; or else Keras's result is elsewhere.
        device = step.device
        if device is not (jax.config.jax_default_device or _first) or device.platform != "cpu":
            return None
        return _number_at(np.asarray(step))

    def _tensor(rate: Any, dtype: str) -> Any:
        return _placed(np.asarray(rate, dtype))

elif keras.config.backend() == "torch":
    import torch

    def _value_at(step: Any) -> Any:
        if torch.compiler.is_compiling():
            return None
        kind = type(step)
        if kind is not torch.Tensor and kind is not torch.nn.Parameter:  # not those that have no values, either
            return _number_at(step)
        if not step.is_cpu or step.requires_grad:
            return None
        try:
            return _number_at(step.item() if step.ndim == 0 else step.numpy())
        except (RuntimeError, TypeError):  # in torch.func.vmap; of a type that NumPy has not
            return None

    def _tensor(rate: Any, dtype: str) -> Any:
        return keras.ops.convert_to_tensor(rate, dtype)

else:

    def _value_at(step: Any) -> Any:
        return None


class _Eager:
    """What a class below has beside Keras's: the kernel's schedule of the same parameters, for steps with a value."""

    _keras: Any  # Keras's class
    _pure: Any  # this package's
    _schedule: Any  # of that class; None after a change of an attribute, until the next call

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        self.__dict__["_schedule"] = None

    def _evaluator(self) -> Any:
        schedule = self.__dict__["_schedule"] = self._pure(**self._keras.get_config(self))
        return schedule

    def _dtype(self) -> str:
        """The result's, as Keras has it: never float64, and not that of ints."""
        rate = getattr(self, "initial_learning_rate", None)
        if rate is None:
            rate = self.values[0]  # type: ignore[attr-defined]
        if isinstance(rate, np.floating):
            return keras.backend.result_type(rate.dtype)  # type: ignore[no-any-return]
        return keras.config.floatx()  # type: ignore[no-any-return]

    def __call__(self, step: Any) -> Any:
        value = _value_at(step.value if isinstance(step, keras.Variable) else step)
        if value is None:
            return self._keras.__call__(self, step)
        return _tensor((self._schedule or self._evaluator())(value), self._dtype())


_Class = TypeVar("_Class", bound=type)


def _integrated(cls: _Class) -> _Class:
    """Keras's constructor, and then the kernel's checks; the two classes; a name for Keras to find the class by."""
    base = cls.__mro__[2]

    @functools.wraps(base.__init__)  # type: ignore[misc]
    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        base.__init__(self, *arguments, **named)
        self._evaluator()

    cls._keras, cls._pure = base, getattr(cosine_fast, cls.__name__)  # type: ignore[attr-defined]
    cls.__init__ = __init__  # type: ignore[misc]
    return keras.saving.register_keras_serializable("cosine_fast")(cls)  # type: ignore[no-any-return]


@_integrated
class CosineDecay(_Eager, schedules.CosineDecay):
    """``keras.optimizers.schedules.CosineDecay``, evaluated by `cosine_fast.CosineDecay` where the step has a value."""


@_integrated
class CosineDecayRestarts(_Eager, schedules.CosineDecayRestarts):
    """``keras.optimizers.schedules.CosineDecayRestarts``, evaluated by `cosine_fast.CosineDecayRestarts`."""


@_integrated
class ExponentialDecay(_Eager, schedules.ExponentialDecay):
    """``keras.optimizers.schedules.ExponentialDecay``, evaluated by `cosine_fast.ExponentialDecay`."""


@_integrated
class InverseTimeDecay(_Eager, schedules.InverseTimeDecay):
    """``keras.optimizers.schedules.InverseTimeDecay``, evaluated by `cosine_fast.InverseTimeDecay`."""


@_integrated
class PiecewiseConstantDecay(_Eager, schedules.PiecewiseConstantDecay):
    """``keras.optimizers.schedules.PiecewiseConstantDecay``, evaluated by `cosine_fast.PiecewiseConstantDecay`."""


@_integrated
class PolynomialDecay(_Eager, schedules.PolynomialDecay):
    """``keras.optimizers.schedules.PolynomialDecay``, evaluated by `cosine_fast.PolynomialDecay`."""


