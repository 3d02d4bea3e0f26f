# cython: language_level=3
"""For Cython: `from cosine_fast.schedules cimport ...`, schedules of every kind, inlined and without the GIL.

Compile as with `cosine_fast/__init__.pxd`. What the functions do is said in cosine_fast_schedules.h.
"""

from libc.stdint cimport int64_t

from cosine_fast cimport cf_pair


cdef extern from "cosine_fast_schedules.h" nogil:
    ctypedef struct cf_schedule:
        pass
    int cf_function_of(const char *name)
    size_t cf_schedule_memory(int function, const double *numbers, int64_t count)
    int cf_schedule_init_checked(cf_schedule *schedule, int function, const double *numbers, int64_t n_numbers,
                                 const cf_pair *counts, int64_t count, void *memory)
    double cf_schedule_at(const cf_schedule *p, cf_pair step)
