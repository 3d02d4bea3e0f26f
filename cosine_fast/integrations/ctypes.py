"""Schedules as C functions, for ctypes and, by their addresses, for cffi or whatever else calls C.

>>> from cosine_fast import CosineDecay
>>> from cosine_fast.integrations import ctypes as functions
>>> schedule = CosineDecay(0.0, decay_steps=900, alpha=0.1, warmup_target=1e-3, warmup_steps=100)
>>> functions.at_int64(schedule, 50)
0.0005
>>> import ctypes
>>> rates = (ctypes.c_double * 3)()
>>> functions.of_range(schedule, 0, 500, rates, 3)
>>> list(rates)
[0.0, 0.0006281416799501187, 0.0001]

Each is a function pointer of ctypes and takes a schedule of any class, which it keeps alive while it runs:

    double at_int64(const void *schedule, int64_t step);
    double at_double(const void *schedule, double step);
    void of_int64s(const void *schedule, const int64_t *steps, double *rates, int64_t n);
    void of_doubles(const void *schedule, const double *steps, double *rates, int64_t n);
    void of_range(const void *schedule, int64_t start, int64_t step, double *rates, int64_t n);
    double integrand(double step, void *schedule);

They work without the GIL and without state, so that any number of threads may call them, each call on its own thread.
They trust what they are given: n elements have to be there. They compute in float64, with the bits of
``schedule(step, dtype=numpy.float64)``; the rates may lie where the steps lie, each on its step.

For others than ctypes ``ADDRESSES`` has where they are, by name, and ``address(schedule)`` what they take.
"""

from __future__ import annotations

import ctypes
from typing import Any

from .._backend import Schedule
from .._backend import addresses as _addresses

ADDRESSES = dict(_addresses(__name__))


def address(schedule: Schedule) -> int:
    """What the functions take for a schedule; it holds while the schedule lives, which the caller has to see to.

    Raises TypeError for what is no schedule of this package, or has a ``__call__`` of its own.

    >>> from cosine_fast import CosineDecay
    >>> schedule = CosineDecay(0.1, decay_steps=1000)
    >>> function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_int64)(ADDRESSES["at_int64"])
    >>> function(address(schedule), 500)
    0.05
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"Argument `schedule` must be a schedule of cosine_fast. Received: {type(schedule).__name__}")
    return schedule._address()


class _Argument:
    """A schedule where a function has a pointer to one."""

    @classmethod
    def from_param(cls, schedule: Any) -> ctypes.c_void_p:
        return ctypes.c_void_p(address(schedule))


def _function(name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.CFUNCTYPE(result, *arguments)(ADDRESSES[name])


_int64, _double = ctypes.c_int64, ctypes.c_double
_int64s, _doubles = ctypes.POINTER(_int64), ctypes.POINTER(_double)

at_int64 = _function("at_int64", _double, _Argument, _int64)
at_double = _function("at_double", _double, _Argument, _double)
of_int64s = _function("of_int64s", None, _Argument, _int64s, _doubles, _int64)
of_doubles = _function("of_doubles", None, _Argument, _doubles, _doubles, _int64)
of_range = _function("of_range", None, _Argument, _int64, _int64, _doubles, _int64)
integrand = _function("integrand", _double, _double, _Argument)
