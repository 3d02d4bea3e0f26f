"""Schedules where SciPy takes a function of C: the integrators of ``scipy.integrate`` and their like.

>>> from scipy.integrate import quad
>>> from cosine_fast import CosineDecay
>>> from cosine_fast.integrations.scipy import low_level_callable
>>> schedule = CosineDecay(0.5, decay_steps=1000)
>>> area, error = quad(low_level_callable(schedule), 0, 1000)
>>> round(area, 9)
250.0
"""

from __future__ import annotations

from scipy import LowLevelCallable

from .._backend import Schedule, addresses

addresses(__name__)  # there are some


def low_level_callable(schedule: Schedule) -> LowLevelCallable:
    """A schedule as ``scipy.LowLevelCallable``, of the signature ``double (double, void *)``.

    It has the bits of ``schedule(float(step), dtype=numpy.float64)``, is called without the GIL, and keeps the schedule
    alive.

    Raises TypeError for what is no schedule of this package, or has a ``__call__`` of its own.
    """
    if not isinstance(schedule, Schedule):
        raise TypeError(f"Argument `schedule` must be a schedule of cosine_fast. Received: {type(schedule).__name__}")
    return LowLevelCallable(*schedule._integrand())
