"""Keras 3's schedule classes with cosine_fast's kernel, for whatever takes Keras's own: optimizers, saved models.

Each class derives from Keras's class of its name. It differs in one thing: where the step is one number that is known
when the schedule is called, the kernel calculates the rate, and Keras's operations only where it is not (in what is
jitted, traced or compiled), or where Keras does not calculate in floats. docs/keras.md says where the two differ.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import keras
import numpy as np
from keras.optimizers import schedules

import cosine_fast
from cosine_fast._base import Formula, _restore

__all__ = ["CosineDecay", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay"]

# Of the backend that Keras runs on: whether a tensor may be read here and now, without waiting for a device and without
# hiding it from who traces or differentiates; whether what runs now is being compiled; and a rate as Keras's tensor.
if keras.config.backend() == "jax":
    import jax

    _same = jax.jit(lambda rate: rate)  # jax's shortest way to an array, a fifth of jnp.asarray

    def _readable(step: Any) -> bool:
        if not isinstance(step, jax.Array) or isinstance(step, jax.core.Tracer):
            return False
        return next(iter(step.devices())).platform == "cpu"

    def _compiling() -> bool:
        return False  # within jit a known step has a known rate

    def _tensor(rate: float, dtype: str) -> Any:
        return _same(np.asarray(rate, dtype))

elif keras.config.backend() == "torch":
    import torch

    def _readable(step: Any) -> bool:
        if type(step) not in (torch.Tensor, torch.nn.Parameter) or step.device.type != "cpu":
            return False  # fake tensors are of other types, meta tensors on no device
        return not (step.requires_grad and torch.is_grad_enabled())

    _compiling = torch.compiler.is_compiling

    def _tensor(rate: float, dtype: str) -> Any:
        return keras.ops.convert_to_tensor(rate, dtype)

else:

    def _readable(step: Any) -> bool:
        return False  # arrays are read below

    def _compiling() -> bool:
        return keras.config.backend() != "numpy"  # nobody has tried another one: Keras's operations do it all

    def _tensor(rate: float, dtype: str) -> Any:
        return np.dtype(dtype).type(rate)


def _number(step: Any) -> int | float | None:
    """The step as a Python number, if it is one number that is known here and now."""
    if isinstance(step, keras.Variable):
        step = step.value
    if type(step) in (int, float):
        return step  # type: ignore[no-any-return]
    if (isinstance(step, (np.ndarray, np.generic)) or _readable(step)) and step.ndim == 0:
        step = step.item()
    return step if type(step) in (int, float) else None


class _ByKernel(schedules.LearningRateSchedule):
    """What the classes here have in common; the class after it in their order is Keras's."""

    _class: ClassVar[type[Formula]]

    def __call__(self, step: Any) -> Any:
        """The rate at a step: what Keras's class returns, a scalar tensor of the same dtype."""
        number = None if _compiling() else _number(step)
        if number is None or self._dtype is None:
            return super().__call__(step)
        return _tensor(self.fast(number), self._dtype)

    @functools.cached_property
    def fast(self) -> Formula:
        """The schedule of `cosine_fast` with these parameters: for arrays of steps, `out`, `dtype` and `num_threads`.

        Raises TypeError or ValueError for parameters that Keras takes and cosine_fast does not.
        """
        return _restore(self._class, super().get_config())  # Keras does not warn of what is ignored, and so this does not

    def precompute(self, *arguments: Any, **options: Any) -> np.ndarray[Any, Any]:
        """The rates of a range of steps, as ``cosine_fast``'s ``precompute`` gives them: a NumPy array, in float64."""
        return self.fast.precompute(*arguments, **options)

    @functools.cached_property
    def _dtype(self) -> str | None:
        """The dtype of Keras's rates; None where the kernel cannot stand in for Keras's operations."""
        if not isinstance(getattr(self, "initial_learning_rate", 0.0), (float, np.floating)):
            return None  # with an int Keras calculates in int32: what is eager must not differ from what is jitted
        try:
            self.fast  # noqa: B018
        except (TypeError, ValueError):
            return None
        with np.errstate(all="ignore"):
            dtype: str = keras.backend.standardize_dtype(super().__call__(0).dtype)
        return dtype if keras.backend.is_float_dtype(dtype) else None

    def __setattr__(self, name: str, value: Any) -> None:
        """Keras's schedules may be changed: what was made of the parameters is made anew."""
        super().__setattr__(name, value)
        self.__dict__.pop("fast", None)
        self.__dict__.pop("_dtype", None)


@keras.saving.register_keras_serializable("cosine_fast")
class CosineDecay(_ByKernel, schedules.CosineDecay):
    """Keras's CosineDecay, calculated by `cosine_fast.CosineDecay`.

    >>> schedule = CosineDecay(0.1, decay_steps=1000)
    >>> optimizer = keras.optimizers.SGD(schedule)
    >>> float(optimizer.learning_rate) == np.float32(0.1)
    True
    >>> schedule.precompute(0, 1001, 500)
    array([0.1 , 0.05, 0.  ])
    """

    _class = cosine_fast.CosineDecay


@keras.saving.register_keras_serializable("cosine_fast")
class ExponentialDecay(_ByKernel, schedules.ExponentialDecay):
    """Keras's ExponentialDecay, calculated by `cosine_fast.ExponentialDecay`."""

    _class = cosine_fast.ExponentialDecay


@keras.saving.register_keras_serializable("cosine_fast")
class InverseTimeDecay(_ByKernel, schedules.InverseTimeDecay):
    """Keras's InverseTimeDecay, calculated by `cosine_fast.InverseTimeDecay`."""

    _class = cosine_fast.InverseTimeDecay


@keras.saving.register_keras_serializable("cosine_fast")
class PiecewiseConstantDecay(_ByKernel, schedules.PiecewiseConstantDecay):
    """Keras's PiecewiseConstantDecay, calculated by `cosine_fast.PiecewiseConstantDecay`."""

    _class = cosine_fast.PiecewiseConstantDecay


@keras.saving.register_keras_serializable("cosine_fast")
class PolynomialDecay(_ByKernel, schedules.PolynomialDecay):
    """Keras's PolynomialDecay, calculated by `cosine_fast.PolynomialDecay`."""

    _class = cosine_fast.PolynomialDecay
