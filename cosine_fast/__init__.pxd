# cython: language_level=3
"""For Cython: `from cosine_fast cimport ...`, all of it inlined and, but for the last two, without the GIL.

Compile with `include_dirs=[cosine_fast.get_include()]` and the flags of `python -m cosine_fast --cflags`. What the
functions do is said in cosine_fast_embed.h and cosine_fast_self_check.h.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t

cdef extern from "cosine_fast.h" nogil:
    bint cf_self_check()
    bint cf_environment_is_sound()

    int CF_VERSION, CF_VERSION_MAJOR, CF_VERSION_MINOR
    const double CF_NO_WARMUP
    enum cf_error:
        CF_OK, CF_BAD_INITIAL_LEARNING_RATE, CF_BAD_DECAY_STEPS, CF_BAD_ALPHA, CF_BAD_WARMUP_TARGET,
        CF_BAD_WARMUP_STEPS, CF_BAD_SIZE, CF_BAD_END_LEARNING_RATE, CF_BAD_FUNCTION, CF_BAD_LENGTH, CF_BAD_MEMORY,
        CF_BAD_FLAG, CF_BAD_PEAK_LEARNING_RATE, CF_BAD_FIRST_DECAY_STEPS, CF_BAD_T_MUL, CF_BAD_M_MUL,
        CF_BAD_DECAY_RATE, CF_BAD_TIMESCALE, CF_BAD_SHIFT, CF_BAD_POWER, CF_BAD_EXPONENT, CF_BAD_K_DECAY,
        CF_BAD_VALUES, CF_BAD_BOUNDARIES, CF_BAD_OFFSETS, CF_BAD_SIGNS
    const char *cf_error_text(int error)

    ctypedef struct cf_pair:
        double hi
        double lo
    cf_pair cf_from_int64(int64_t i)
    cf_pair cf_from_double(double x)

    ctypedef struct cf_cosine_decay:
        pass
    int cf_cosine_decay_init_checked(cf_cosine_decay *p, double initial_learning_rate, cf_pair decay_steps,
                                     double alpha, double warmup_target, cf_pair warmup_steps)
    int cf_cosine_decay_to_init_checked(cf_cosine_decay *p, double initial_learning_rate, cf_pair decay_steps,
                                        double end_learning_rate, double warmup_target, cf_pair warmup_steps)
    double cf_cosine_decay_at(const cf_cosine_decay *p, cf_pair step)
    double cf_cosine_decay_at_int64(const cf_cosine_decay *p, int64_t step)
    double cf_cosine_decay_at_double(const cf_cosine_decay *p, double step)
    bint cf_cosine_decay_is_plain(const cf_cosine_decay *p, double least, double greatest)
    double cf_cosine_decay_plain_int64(const cf_cosine_decay *p, int64_t step)
    double cf_cosine_decay_plain_double(const cf_cosine_decay *p, double step)
    void cf_cosine_decay_of_int64s(const cf_cosine_decay *p, const int64_t *steps, double *rates, int64_t n)
    void cf_cosine_decay_of_doubles(const cf_cosine_decay *p, const double *steps, double *rates, int64_t n)
    void cf_cosine_decay_of_range(const cf_cosine_decay *p, int64_t start, int64_t step, double *rates, int64_t n)

    ctypedef struct cf_api:
        int version
        int size
        const void *(*schedule_of)(void *object) except NULL
        double (*at_int64)(const void *schedule, int64_t step) noexcept nogil
        double (*at_double)(const void *schedule, double step) noexcept nogil
        void (*of_int64s)(const void *schedule, const int64_t *steps, double *rates, int64_t n) noexcept nogil
        void (*of_doubles)(const void *schedule, const double *steps, double *rates, int64_t n) noexcept nogil
        void (*of_range)(const void *schedule, int64_t start, int64_t step, double *rates, int64_t n) noexcept nogil
        double (*integrand)(double step, void *schedule) noexcept nogil
    const char *CF_API_NAME
    const char *cf_api_error(const cf_api *api)


cdef inline const cf_api *cf_import() except NULL:
    """What the installed package offers; ImportError where it does not serve what was compiled with this header."""
    from cosine_fast._kernel import C_API
    cdef const cf_api *api = <const cf_api *>PyCapsule_GetPointer(C_API, CF_API_NAME)
    cdef const char *error = cf_api_error(api)
    if error != NULL:
        raise ImportError(
            f"{error.decode()} (installed: {api.version // 1000}.{api.version % 1000}, "
            f"compiled with: {CF_VERSION_MAJOR}.{CF_VERSION_MINOR})"
        )
    return api


cdef inline const void *cf_schedule_of(const cf_api *api, object schedule) except NULL:
    """A Python schedule of any class as cf_api's functions take it, while the object lives; TypeError for others."""
    return api.schedule_of(<void *>schedule)
