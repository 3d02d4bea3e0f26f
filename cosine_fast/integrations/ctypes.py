"""Schedules as C functions, for ctypes and, by their addresses, for cffi and others that call C.

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

These are function pointers of ctypes. They take a schedule of any class, and keep it alive while they run::

    double at_int64(const void *schedule, int64_t step);
    double at_double(const void *schedule, double step);
    void of_int64s(const void *schedule, const int64_t *steps, double *rates, int64_t n);
    void of_doubles(const void *schedule, const double *steps, double *rates, int64_t n);
    void of_range(const void *schedule, int64_t start, int64_t step, double *rates, int64_t n);
    double integrand(double step, void *schedule);

They need no GIL and have no state: any number of threads may call them, and each call runs on its own thread. They
check nothing: the arrays must have n elements. They compute in float64, with the bits of
``schedule(step, dtype=numpy.float64)``. The rates may overwrite the steps, each rate its own step.

Without ctypes, ``ADDRESSES`` has the addresses of the functions by name, and ``address(schedule)`` is what they take.
"""

from __future__ import annotations

import ctypes
from typing import Any

from .. import _backend
from ..schedules._checks import check_schedule

ADDRESSES = dict(_backend.addresses(__name__))


def address(schedule: _backend.kernel.Schedule) -> int:
    """Return the address that the functions take for a schedule.

    It is valid as long as the schedule lives; the caller must keep it alive.

    Parameters
    ----------
    schedule : CosineDecay or another schedule of this package
        The schedule.

    Returns
    -------
    int
        The address.

    Raises
    ------
    TypeError
        If it is no schedule of this package, or has a ``__call__`` of its own.

    See Also
    --------
    cosine_fast.integrations.scipy.low_level_callable : The same for SciPy.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> schedule = CosineDecay(0.1, decay_steps=1000)
    >>> function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_int64)(ADDRESSES["at_int64"])
    >>> function(address(schedule), 500)
    0.05
    """
    check_schedule(schedule, _backend.kernel.Schedule)
    return schedule._address()


class _Argument:
    """The type of a function's argument that is a pointer to a schedule."""

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
