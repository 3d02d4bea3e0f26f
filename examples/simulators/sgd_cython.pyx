# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Stochastic gradient descent on a noisy quadratic, in Cython without the GIL: see sgd_python.py.

    python sgd_setup.py build_ext --inplace
    python -c "import sgd_python, sgd_cython; sgd_python.main(sgd_cython.simulate)"

`simulate` makes a C schedule for each run in the parallel loop. `simulate_any` takes Python schedules of any class.
"""

from cython.parallel cimport prange
from libc.stdint cimport int64_t, uint64_t

import numpy as np

from cosine_fast cimport (
    cf_api,
    cf_cosine_decay,
    cf_cosine_decay_at_int64,
    cf_cosine_decay_init_checked,
    cf_error_text,
    cf_from_int64,
    cf_import,
    cf_schedule_of,
    cf_self_check,
)

if not cf_self_check():
    raise ImportError("cosine_fast: compiler flags or the floating-point state change its rates")


cdef inline double noise(uint64_t k) noexcept nogil:
    """The k-th number of splitmix64, in [-1, 1)."""
    cdef uint64_t z = (k + 1) * 0x9E3779B97F4A7C15ULL
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL
    z ^= z >> 31
    return <double><int64_t>(z >> 11) * 2.220446049250313e-16 - 1.0


cdef int descend(int64_t run, int64_t steps, double *end) noexcept nogil:
    cdef cf_cosine_decay schedule
    cdef int64_t warmup = run % 90 + 10, step
    cdef double x = 1.0
    cdef int error = cf_cosine_decay_init_checked(
        &schedule, 0.0, cf_from_int64(steps - warmup), 0.1, 0.01 * (run % 100 + 1), cf_from_int64(warmup)
    )
    if error:
        return error
    for step in range(steps):
        x -= cf_cosine_decay_at_int64(&schedule, step) * (x + noise(run * steps + step))
    end[0] = x
    return 0


def simulate(int64_t runs, int64_t steps):
    cdef double[::1] ends = np.empty(runs)
    cdef int64_t run
    cdef int errors = 0
    for run in prange(runs, nogil=True):
        errors |= descend(run, steps, &ends[run])
    if errors:
        raise ValueError(cf_error_text(errors).decode())
    return np.asarray(ends)


cdef double descend_any(const cf_api *api, const void *schedule, int64_t run, int64_t steps) noexcept nogil:
    cdef double x = 1.0
    cdef int64_t step
    for step in range(steps):
        x -= api.at_int64(schedule, step) * (x + noise(run * steps + step))
    return x


def simulate_any(list schedules, int64_t steps):
    """The same with Python schedules, which the list keeps alive."""
    cdef const cf_api *api = cf_import()
    cdef int64_t runs = len(schedules), run
    cdef size_t[::1] addresses = np.array([<size_t>cf_schedule_of(api, each) for each in schedules], np.uintp)
    cdef double[::1] ends = np.empty(runs)
    for run in prange(runs, nogil=True):
        ends[run] = descend_any(api, <const void *>addresses[run], run, steps)
    return np.asarray(ends)
