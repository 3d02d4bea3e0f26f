"""Schedules where SciPy takes a C function, such as the integrators of ``scipy.integrate``."""

from __future__ import annotations

from scipy import LowLevelCallable

from .._backend import addresses, kernel
from ..schedules._checks import check_schedule

addresses(__name__)  # raises without the compiled backend


def low_level_callable(schedule: kernel.Schedule) -> LowLevelCallable:
    """Return a schedule as ``scipy.LowLevelCallable`` with the signature ``double (double, void *)``.

    Parameters
    ----------
    schedule : CosineDecay or another schedule of this package
        The schedule, which the result keeps alive.

    Returns
    -------
    scipy.LowLevelCallable
        It has the bits of ``schedule(float(step), dtype=numpy.float64)`` and is called without the GIL.

    Raises
    ------
    TypeError
        If it is no schedule of this package, or has a ``__call__`` of its own.

    See Also
    --------
    cosine_fast.integrations.ctypes : The functions for ctypes and cffi.

    Examples
    --------
    >>> from scipy.integrate import quad
    >>> from cosine_fast import CosineDecay
    >>> area, error = quad(low_level_callable(CosineDecay(0.5, decay_steps=1000)), 0, 1000)
    >>> round(area, 9)
    250.0
    """
    check_schedule(schedule, kernel.Schedule)
    return LowLevelCallable(*schedule._integrand())
