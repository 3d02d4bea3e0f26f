"""Schedules inside Numba's compiled functions, also with ``@njit(parallel=True)``, without calls into Python.

>>> import numpy as np
>>> from numba import njit, prange
>>> from cosine_fast import CosineDecay
>>> from cosine_fast.integrations.numba import Schedules
>>> @njit
... def total(schedule, steps):
...     rates = 0.0
...     for step in range(steps):
...         rates += schedule(step)
...     return rates
>>> round(total(CosineDecay(0.5, decay_steps=1000), 1000), 9)
250.25
>>> @njit(parallel=True)
... def middles(schedules, step):
...     rates = np.empty(len(schedules))
...     for i in prange(len(schedules)):
...         rates[i] = schedules[i](step)
...     return rates
>>> middles(Schedules([CosineDecay(0.1, 1000), CosineDecay(0.5, 1000)]), 500)
array([0.05, 0.25])

Importing this module is enough: compiled functions then take schedules of any class as arguments, globals or closure
variables. ``schedule(step)`` takes an int or a float, and ``schedule.precompute(start, stop, step)`` returns an array,
computed on the calling thread. Both have the bits and the dtype that they have in Python; ints are int64, as always in
Numba. Many schedules are passed as a `Schedules`.

All schedules share one type for each dtype: another schedule needs no new compilation. A function with a schedule as a
global keeps it alive until the process ends, and cannot be cached on disk (``cache=True``); one that takes it as an
argument can.
"""

from __future__ import annotations  # noqa: I001

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_constant
from numba.core.typing import signature
from numba.extending import (
    NativeValue, intrinsic, lower_builtin, make_attribute_wrapper, models, overload, overload_method, register_model,
    typeof_impl, unbox,
)  # fmt: skip

from .._backend import addresses, kernel

__all__ = ["Schedules"]

# Compiled code refers to these by name, not by address, for it may come from a cache.
for _name, _address in addresses(__name__).items():
    llvmlite.binding.add_symbol(f"cosine_fast_{_name}", _address)

_POINTER = ir.IntType(8).as_pointer()
_constants: list[kernel.Schedule] = []  # compiled code has their addresses, so they are kept alive


# ---- A schedule: in compiled code, its address. It cannot be returned, so the caller keeps the schedule alive ----


class ScheduleType(types.Callable):
    """The type of a schedule of any class; `rate` is the type of its results."""

    def __init__(self, single: bool) -> None:
        self.rate = types.float32 if single else types.float64
        super().__init__(name=f"cosine_fast.Schedule({self.rate})")

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        if len(args) == 1 and not kws:
            for kind, step in ((types.Integer, types.int64), (types.Float, types.float64)):
                if isinstance(args[0], kind):
                    return signature(self.rate, step, recvr=self)
        return None

    def get_call_signatures(self) -> Any:
        return [signature(self.rate, step, recvr=self) for step in (types.int64, types.float64)], False

    def get_impl_key(self, sig: Any) -> Any:
        return ScheduleType


_TYPES = (ScheduleType(False), ScheduleType(True))


@typeof_impl.register(kernel.Schedule)
def _type_of(schedule: Any, context: Any) -> ScheduleType:
    schedule._address()  # raises if it has none
    return _TYPES[schedule.dtype == np.float32]


@register_model(ScheduleType)
class _ScheduleModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: ScheduleType) -> None:
        super().__init__(manager, kind, _POINTER)


@unbox(ScheduleType)
def _unbox(kind: ScheduleType, schedule: Any, c: Any) -> NativeValue:
    method = c.pyapi.object_getattr_string(schedule, "_address")
    number = c.pyapi.call_function_objargs(method, ())
    address = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    c.pyapi.decref(method)
    return NativeValue(address, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


@lower_constant(ScheduleType)
def _constant(context: Any, builder: Any, kind: ScheduleType, schedule: Any) -> Any:
    _constants.append(schedule)
    return context.add_dynamic_addr(builder, schedule._address(), info="a schedule of cosine_fast")


@lower_builtin(ScheduleType, ScheduleType, types.int64)
@lower_builtin(ScheduleType, ScheduleType, types.float64)
def _at(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    name = f"cosine_fast_at_{'int64' if sig.args[1] == types.int64 else 'double'}"
    kind = ir.FunctionType(ir.DoubleType(), [context.get_value_type(argument) for argument in sig.args])
    rate = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)
    return context.cast(builder, rate, types.float64, sig.return_type)


def _precompute(schedule: Any, start: Any, stop: Any = None, step: Any = 1) -> Any:
    alone = stop is None or isinstance(stop, (types.NoneType, types.Omitted))
    numbers = [start, *[stop] * (not alone), *[step] * (not isinstance(step, (int, types.Omitted)))]
    if not all(isinstance(number, types.Integer) for number in numbers):
        return None
    single = schedule.rate == types.float32
    kind = types.void(schedule, types.int64, types.int64, types.voidptr, types.int64)
    of_range = types.ExternalFunction("cosine_fast_of_range", kind)

    def precompute(schedule: Any, start: Any, stop: Any = None, step: Any = 1) -> Any:
        first = np.int64(0 if alone else start)
        last = np.int64(start if alone else stop)
        stride = np.int64(step)
        if stride == 0:
            raise ValueError("Argument `step` must not be 0. Received: step=0")
        n = len(range(first, last, stride))
        rates = np.empty(n)
        of_range(schedule, first, stride, rates.ctypes, n)
        return rates.astype(np.float32) if single else rates

    return precompute


for _kind in _TYPES:  # methods of a Callable are registered for each instance of the type
    overload_method(_kind, "precompute")(_precompute)


# ---- Many schedules ----


class Schedules(Sequence[Any]):
    """A sequence of schedules for compiled functions, which can take its ``len`` and index it.

    It keeps its schedules alive.

    Parameters
    ----------
    schedules : iterable of schedules of this package
        The schedules, of any classes and of one dtype.

    Raises
    ------
    TypeError
        If an element is no schedule of this package, or has a ``__call__`` of its own.
    ValueError
        If the schedules are of both dtypes.
    IndexError
        If an index is beyond the schedules, also in compiled functions; negative ones count from the end.

    See Also
    --------
    cosine_fast.cosine_decay : Many schedules in one call, without Numba.

    Examples
    --------
    >>> from numba import njit
    >>> from cosine_fast import CosineDecay, PolynomialDecay
    >>> schedules = Schedules([CosineDecay(0.5, 100), PolynomialDecay(0.5, 100, 0.0)])
    >>> rate = njit(lambda schedules, i, step: schedules[i](step))
    >>> rate(schedules, 0, 50), rate(schedules, -1, 75)
    (0.25, 0.125)
    """

    __slots__ = ("_addresses", "_schedules", "_single")

    def __init__(self, schedules: Iterable[kernel.Schedule]) -> None:
        self._schedules: tuple[Any, ...] = tuple(schedules)
        for schedule in self._schedules:
            if not isinstance(schedule, kernel.Schedule):
                raise TypeError(
                    "Argument `schedules` must be schedules of cosine_fast. "
                    f"Received one of type: {type(schedule).__name__}"
                )
        self._addresses = np.array([schedule._address() for schedule in self._schedules], np.uintp)
        dtypes = {schedule.dtype for schedule in self._schedules}
        if len(dtypes) > 1:
            raise ValueError("Argument `schedules` must be schedules of one dtype. Received: float32 and float64")
        self._single = dtypes == {np.dtype(np.float32)}

    def __len__(self) -> int:
        return len(self._schedules)

    def __getitem__(self, index: Any) -> Any:
        return self._schedules[index]


class SchedulesType(types.Type):
    def __init__(self, single: bool) -> None:
        self.schedule = _TYPES[single]
        super().__init__(name=f"cosine_fast.Schedules({self.schedule.rate})")


_TYPES_OF_MANY = (SchedulesType(False), SchedulesType(True))


@typeof_impl.register(Schedules)
def _type_of_many(schedules: Schedules, context: Any) -> SchedulesType:
    return _TYPES_OF_MANY[schedules._single]


_ADDRESSES = types.Array(types.uintp, 1, "C")


@register_model(SchedulesType)
class _SchedulesModel(models.StructModel):
    def __init__(self, manager: Any, kind: SchedulesType) -> None:
        super().__init__(manager, kind, [("addresses", _ADDRESSES)])


make_attribute_wrapper(SchedulesType, "addresses", "_addresses")


@unbox(SchedulesType)
def _unbox_many(kind: SchedulesType, schedules: Any, c: Any) -> NativeValue:
    array = c.pyapi.object_getattr_string(schedules, "_addresses")
    native = c.unbox(_ADDRESSES, array)
    c.pyapi.decref(array)
    value = cgutils.create_struct_proxy(kind)(c.context, c.builder)
    value.addresses = native.value
    return NativeValue(value._getvalue(), is_error=native.is_error, cleanup=native.cleanup)


@intrinsic
def _schedule_at(typing: Any, schedules: Any, address: Any) -> Any:
    sig = schedules.schedule(schedules, types.uintp)
    return sig, lambda context, builder, sig, args: builder.inttoptr(args[1], _POINTER)


@overload(len)
def _len(schedules: Any) -> Any:
    if not isinstance(schedules, SchedulesType):
        return None

    def length(schedules: Any) -> Any:
        return len(schedules._addresses)

    return length


@overload(operator.getitem)
def _item(schedules: Any, index: Any) -> Any:
    if not (isinstance(schedules, SchedulesType) and isinstance(index, types.Integer)):
        return None

    def item(schedules: Any, index: Any) -> Any:
        addresses = schedules._addresses
        i = np.int64(index)
        if i < 0:
            i += len(addresses)
        if not 0 <= i < len(addresses):
            raise IndexError("schedule index out of range")
        return _schedule_at(schedules, addresses[i])

    return item
