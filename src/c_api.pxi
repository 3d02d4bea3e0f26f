"""The C API: cf_api of cosine_fast_embed.h, for code that is compiled elsewhere. A part of _kernel.pyx."""


cdef void _release(object capsule) noexcept:
    cdef void *owner = PyCapsule_GetContext(capsule)
    if owner != NULL:
        Py_DECREF(<object>owner)


cdef const void *_schedule_of(void *thing) except NULL:
    schedule = <object>thing
    if not isinstance(schedule, Schedule):
        raise TypeError(f"a schedule of cosine_fast's compiled backend is needed. Received: {type(schedule).__name__}")
    (<Schedule>schedule)._check_ready()
    if Py_TYPE(schedule).tp_call != _tp_call:
        raise TypeError(f"{type(schedule).__name__} has a __call__ of its own, which only Python can call")
    return &(<Schedule>schedule).schedule


cdef double _at_int64(const void *schedule, int64_t step) noexcept nogil:
    return cf_at_int64(<const cf_schedule *>schedule, step)


cdef double _at_double(const void *schedule, double step) noexcept nogil:
    return cf_at_double(<const cf_schedule *>schedule, step)


cdef double _integrand_at(double step, void *schedule) noexcept nogil:
    return cf_at_double(<const cf_schedule *>schedule, step)


cdef void _of_row(cf_job *job, const void *schedule, int type, double *rates, int64_t n) noexcept nogil:
    """A job of one dimension; its steps' data, or its range, is set."""
    if n < 1:
        return
    job.schedule = <const cf_schedule *>schedule
    job.dimensions = 1
    job.shift = 0
    job.shape[0] = n
    job.steps.type = type
    job.steps.swapped = 0
    job.steps.strides[0] = 8
    job.rates.data = <char *>rates
    job.rates.type = CF_FLOAT64
    job.rates.swapped = 0
    job.rates.strides[0] = 8
    job.streamed = n > CF_STREAMED // 8
    cf_run_part(_isas[_isa].evaluate, job, 0, n)


cdef void _of_int64s(const void *schedule, const int64_t *steps, double *rates, int64_t n) noexcept nogil:
    cdef cf_job job
    job.steps.data = <char *>steps
    _of_row(&job, schedule, CF_INT64, rates, n)


cdef void _of_doubles(const void *schedule, const double *steps, double *rates, int64_t n) noexcept nogil:
    cdef cf_job job
    job.steps.data = <char *>steps
    _of_row(&job, schedule, CF_FLOAT64, rates, n)


cdef void _of_range(const void *schedule, int64_t start, int64_t step, double *rates, int64_t n) noexcept nogil:
    cdef cf_job job
    job.first = start
    job.stride = step
    _of_row(&job, schedule, CF_RANGE, rates, n)


cdef cf_api _api
_api.version = CF_VERSION
_api.size = sizeof(cf_api)
_api.schedule_of = _schedule_of
_api.at_int64 = _at_int64
_api.at_double = _at_double
_api.of_int64s = _of_int64s
_api.of_doubles = _of_doubles
_api.of_range = _of_range
_api.integrand = _integrand_at

C_API = PyCapsule_New(&_api, CF_API_NAME, NULL)

# The same addresses for ctypes, cffi and Numba, which cannot use a capsule.
ADDRESSES = {
    "at_int64": <size_t>_at_int64,
    "at_double": <size_t>_at_double,
    "of_int64s": <size_t>_of_int64s,
    "of_doubles": <size_t>_of_doubles,
    "of_range": <size_t>_of_range,
    "integrand": <size_t>_integrand_at,
}


cdef void _evaluate(const void *job, int64_t begin, int64_t end) noexcept nogil:
    cf_run_part(_isas[_isa].evaluate, job, begin, end)


EVALUATE = <size_t>_evaluate  # for src/jax_ffi.c, which is built with this module
