"""Keras 3's schedule classes with cosine_fast's kernel, for whatever takes Keras's own: optimizers, saved models.

Each class derives from Keras's class of its name, and differs from it in one thing: where the step is one number that
is known when the schedule is called, the kernel calculates the rate. Keras's operations do so as ever where it is not
(in what is jitted, traced or compiled), and for what cosine_fast refuses. docs/keras.md says where the two differ.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import keras
import numpy as np
from keras.optimizers import schedules

import cosine_fast
from cosine_fast._base import Formula, _restore

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay",
    "PolynomialDecay",
]  # fmt: skip

# What depends on the backend that Keras runs on:
# _compiling(): whether what runs now is being compiled, known steps and all;
# _untouched: keeps a compiler out of a function;
# _readable(step): whether it is a tensor that can be read without waiting for a device, or hiding it from a gradient;
# _tensor(rate, dtype): the rate as Keras's operations give it.
if keras.config.backend() == "jax":
    import jax

    _same = jax.jit(lambda rate: rate)  # the shortest way to an array of jax's, a third of jnp.asarray's

    def _compiling() -> bool:
        return False  # a step that is known within jit has a known rate

    def _untouched(function: Any) -> Any:
        return function

    def _readable(step: Any) -> bool:
        if not isinstance(step, jax.Array) or isinstance(step, jax.core.Tracer):
            return False
        return bool(next(iter(step.devices())).platform == "cpu")

    def _tensor(rate: float, dtype: str) -> Any:
        return _same(np.asarray(rate, dtype))

elif keras.config.backend() == "torch":
    import torch

    _compiling = torch.compiler.is_compiling
    _untouched = torch.compiler.disable  # else it looks into what runs between two graphs, and compiles each rate anew

    def _readable(step: Any) -> bool:
        if type(step) not in (torch.Tensor, torch.nn.Parameter) or step.device.type != "cpu":
            return False  # fake tensors are of other types, and meta tensors on no device
        return not (step.requires_grad and torch.is_grad_enabled())

    def _tensor(rate: float, dtype: str) -> Any:
        return keras.ops.convert_to_tensor(rate, dtype)

else:

    def _compiling() -> bool:
        return bool(keras.config.backend() != "numpy")  # others have not been tried: Keras's operations do all

    def _untouched(function: Any) -> Any:
        return function

    def _readable(step: Any) -> bool:
        return isinstance(step, np.ndarray)

    def _tensor(rate: float, dtype: str) -> Any:
        return np.dtype(dtype).type(rate)


def _number(step: Any) -> int | float | None:
    """The step as a Python number, if it is one number that is known here and now."""
    if isinstance(step, keras.Variable):
        step = step.value
    if type(step) in (int, float):
        return step  # type: ignore[no-any-return]
    if (isinstance(step, (np.generic, np.ndarray)) or _readable(step)) and step.ndim == 0:
        step = step.item()
    return step if type(step) in (int, float) else None  # not what is bool, or of NumPy's longdouble


class _Fast(schedules.LearningRateSchedule):
    """What the classes here add to Keras's, which come after it in their order of bases."""

    _class: ClassVar[type[Formula]]  # of cosine_fast

    def __call__(self, step: Any) -> Any:
        """The rate at a step: a scalar tensor, of the dtype that Keras's class returns."""
        rate = None if _compiling() else self._by_kernel(step)
        return super().__call__(step) if rate is None else rate

    @_untouched
    def _by_kernel(self, step: Any) -> Any:
        number = _number(step)
        return None if number is None or self._dtype is None else _tensor(self.fast(number), self._dtype)

    @functools.cached_property
    def fast(self) -> Formula:
        """The schedule of cosine_fast with these parameters, for arrays of steps, `out`, `dtype` and `num_threads`.

        Raises TypeError or ValueError for parameters that Keras takes and cosine_fast does not.
        """
        return _restore(self._class, super().get_config())  # which warns of nothing, as Keras does not

    def precompute(self, *arguments: Any, **options: Any) -> np.ndarray[Any, Any]:
        """The rates of a range of steps, as ``fast.precompute`` gives them: a NumPy array of float64."""
        return self.fast.precompute(*arguments, **options)

    @functools.cached_property
    def _dtype(self) -> str | None:
        """The dtype of Keras's rates; None where the kernel cannot take the place of Keras's operations."""
        if not isinstance(getattr(self, "initial_learning_rate", 0.0), (float, np.floating)):
            return None  # with an int Keras calculates in int32, and a step must not train otherwise when it is jitted
        try:
            self.fast  # noqa: B018
        except (TypeError, ValueError):
            return None
        with np.errstate(all="ignore"):
            dtype: str = keras.backend.standardize_dtype(super().__call__(0).dtype)
        return dtype if keras.backend.is_float_dtype(dtype) else None

    def __setattr__(self, name: str, value: Any) -> None:
        """Keras's schedules can be changed: what follows from the parameters is then made anew."""
        super().__setattr__(name, value)
        self.__dict__.pop("fast", None)
        self.__dict__.pop("_dtype", None)


@keras.saving.register_keras_serializable("cosine_fast")
class CosineDecay(_Fast, schedules.CosineDecay):
    """Keras's CosineDecay, with `cosine_fast.CosineDecay` for known steps.

    >>> schedule = CosineDecay(0.5, decay_steps=1000)
    >>> optimizer = keras.optimizers.SGD(schedule)
    >>> float(optimizer.learning_rate), float(schedule(500))
    (0.5, 0.25)
    >>> schedule.precompute(0, 1001, 500)
    array([0.5 , 0.25, 0.  ])
    """

    _class = cosine_fast.CosineDecay


@keras.saving.register_keras_serializable("cosine_fast")
class CosineDecayRestarts(_Fast, schedules.CosineDecayRestarts):
    """Keras's CosineDecayRestarts, with `cosine_fast.CosineDecayRestarts` for known steps."""

    _class = cosine_fast.CosineDecayRestarts


@keras.saving.register_keras_serializable("cosine_fast")
class ExponentialDecay(_Fast, schedules.ExponentialDecay):
    """Keras's ExponentialDecay, with `cosine_fast.ExponentialDecay` for known steps."""

    _class = cosine_fast.ExponentialDecay


@keras.saving.register_keras_serializable("cosine_fast")
class InverseTimeDecay(_Fast, schedules.InverseTimeDecay):
    """Keras's InverseTimeDecay, with `cosine_fast.InverseTimeDecay` for known steps."""

    _class = cosine_fast.InverseTimeDecay


@keras.saving.register_keras_serializable("cosine_fast")
class PiecewiseConstantDecay(_Fast, schedules.PiecewiseConstantDecay):
    """Keras's PiecewiseConstantDecay, with `cosine_fast.PiecewiseConstantDecay` for known steps."""

    _class = cosine_fast.PiecewiseConstantDecay


@keras.saving.register_keras_serializable("cosine_fast")
class PolynomialDecay(_Fast, schedules.PolynomialDecay):
    """Keras's PolynomialDecay, with `cosine_fast.PolynomialDecay` for known steps."""

    _class = cosine_fast.PolynomialDecay
