# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: auto_pickle=False, autotestdict=False
"""The compiled backend: the driver between Python's arrays and the block loops.

A call comes in as an array (or a range) of steps and an array for the rates, both checked by _base.py. The driver
describes them in a cf_job, cuts it into blocks, and runs these without the GIL on a team of threads. All arithmetic is
in the C headers and in blocks.c.
"""

from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, Py_TPFLAGS_HAVE_VECTORCALL
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from cython.parallel cimport prange
from libc.stdint cimport int64_t

cimport numpy as cnp

from time import perf_counter

cnp.import_array()

cdef extern from "Python.h":
    ctypedef object (*ternaryfunc)(object, object, object)
    ctypedef object (*vectorcallfunc)(object, PyObject *const *, size_t, PyObject *)
    ctypedef struct PyTypeObject:
        ternaryfunc tp_call
        Py_ssize_t tp_vectorcall_offset
        unsigned long tp_flags
    PyTypeObject *Py_TYPE(object)
    Py_ssize_t PyVectorcall_NARGS(size_t)
    int Py_EnterRecursiveCall(const char *) except *  # not 0 is an error, whichever number it is
    void Py_LeaveRecursiveCall()

cdef extern from "cosine_fast_schedules.h" nogil:
    ctypedef struct cf_pair:
        pass
    ctypedef struct cf_cosine_decay:
        pass
    ctypedef struct cf_exponential_decay:
        pass
    ctypedef struct cf_polynomial_decay:
        pass
    ctypedef struct cf_inverse_time_decay:
        pass
    ctypedef struct cf_piecewise_constant:
        pass
    ctypedef struct cf_cosine_decay_restarts:
        pass
    ctypedef struct cf_cycle:
        pass
    ctypedef struct cf_cosine_sums:
        pass
    ctypedef union cf_any_schedule:
        cf_cosine_decay cosine_decay
        cf_inverse_time_decay inverse_time_decay
        cf_piecewise_constant piecewise_constant
        cf_exponential_decay exponential_decay
        cf_polynomial_decay polynomial_decay
        cf_cosine_decay_restarts cosine_decay_restarts
        cf_cosine_sums cosine_sums
    ctypedef struct cf_schedule:
        int family
        cf_any_schedule as_ "as"
    enum:
        CF_COSINE_DECAY, CF_EXPONENTIAL_DECAY, CF_INVERSE_TIME_DECAY, CF_POLYNOMIAL_DECAY, CF_PIECEWISE_CONSTANT
        CF_COSINE_DECAY_RESTARTS
        CF_CYCLES
        CF_COSINE_SUMS
    cf_pair cf_make_pair(double hi, double lo)
    cf_pair cf_from_int64(int64_t i)
    cf_pair cf_from_step(int64_t step)
    void cf_cosine_decay_init(cf_cosine_decay *p, double peak, cf_pair decay_steps, double alpha, int has_warmup,
                              double start, cf_pair warmup_steps)
    void cf_inverse_time_decay_init(cf_inverse_time_decay *p, double initial, cf_pair decay_steps, double rate,
                                    int staircase)
    void cf_piecewise_constant_init(cf_piecewise_constant *p, int64_t count, const cf_pair *boundaries,
                                    const double *values, double *lasts)
    void cf_exponential_decay_init(cf_exponential_decay *p, double start, cf_pair decay_steps, double decay_rate,
                                   int staircase)
    void cf_polynomial_decay_init(cf_polynomial_decay *p, double start, cf_pair decay_steps, double end, double power,
                                  int cycle)
    void cf_cosine_decay_restarts_init(cf_cosine_decay_restarts *p, double initial, cf_pair decay_steps, double t_mul,
                                       double m_mul, double alpha, cf_cycle *cycles, int64_t capacity)
    void cf_cosine_sums_init(cf_cosine_sums *p, double peak, cf_pair decay_steps, double alpha, int has_warmup,
                             double start, cf_pair warmup_steps)
    double cf_schedule_at(const cf_schedule *p, cf_pair step)
    int CF_VERSION
    const char *CF_API_NAME
    ctypedef struct cf_api:
        int version
        int size
        const void *(*schedule_of)(void *object) except NULL
        double (*at_int64)(const void *schedule, int64_t step) noexcept
        double (*at_double)(const void *schedule, double step) noexcept
        void (*of_int64s)(const void *schedule, const int64_t *steps, double *rates, int64_t n) noexcept
        void (*of_doubles)(const void *schedule, const double *steps, double *rates, int64_t n) noexcept
        void (*of_range)(const void *schedule, int64_t start, int64_t step, double *rates, int64_t n) noexcept
        double (*integrand)(double step, void *schedule) noexcept

cdef extern from "blocks.h" nogil:
    enum:
        CF_BLOCK
        CF_INT8, CF_INT16, CF_INT32, CF_INT64, CF_UINT8, CF_UINT16, CF_UINT32, CF_UINT64, CF_FLOAT32, CF_FLOAT64
    ctypedef struct cf_operand:
        char *data
        int type
        int swapped
        int64_t *strides
    ctypedef struct cf_limits:
        double least, most, also
        int nan
        int *odd
    ctypedef struct cf_job:
        const cf_schedule *schedule
        int64_t first, stride
        int streamed
        int dimensions
        int64_t *shape
        cf_operand steps, rates
        const void *batch
        const cf_limits *limits
    ctypedef struct cf_batch:
        cf_job schedules, row
        int64_t many, steps
        int alike, streamed, along
        cf_operand initial, decay_steps, alpha, target, warmup_steps
        const cf_limits *limits
    int cf_aside(const cf_job *job, const char *data)
    ctypedef void (*cf_run)(const cf_job *job, int64_t begin, int64_t end) noexcept
    ctypedef struct cf_isa:
        const char *name
        cf_run run
    int cf_isas(cf_isa *out)

cdef extern from "numbers.h":
    enum:
        CF_ELSEWHERE, CF_PYTHON, CF_NUMPY
    int cf_read_step(object x, cf_pair *step)
    object cf_numpy_scalar(double rate, bint single)

cdef extern from "threads.h" nogil:
    int CF_OPENMP
    int cf_watch_forks()
    int cf_team(int wanted, int quota)
    int cf_hire(int wanted, int usual, int quota)
    void cf_dismiss(int team)
    enum:
        CF_SHARES
    ctypedef struct cf_share:
        pass
    void cf_cut(cf_share *shares, int count, int64_t begin, int64_t end)
    void cf_take_part(cf_share *shares, int count, int own, int64_t task, cf_run run, const cf_job *job)

OPENMP = bool(CF_OPENMP)

# Below this many elements a team of threads costs more than it brings (waking one takes about 5 us).
cdef int64_t THREADED = 32768
# A thread does its share of a slice in tasks, so that the last come out even: 32 of them, but none of fewer blocks than
# hide what it costs to begin one. Past the caches that is more: there a task waits until memory has all of its rates.
cdef int64_t SHORTEST_TASK = 8 * CF_BLOCK
cdef int64_t STREAMED_TASK = 128 * CF_BLOCK
# Rates of more bytes than this go past the caches, which most would have left before anyone read them. (How large the
# last cache is, glibc and the kernel do not agree on in a virtual machine; this is a common size.)
cdef int64_t STREAMED = 32 * 1024 * 1024
# A batch goes along the steps, one schedule after another, where each has so many: a row has its cost, but its loops
# know more of its steps.
cdef int64_t ROW = 24
# Ctrl-C is looked for between slices of the work. Up to so many elements for each thread are one slice, 50 us to 0.2 s,
# by the kind of steps. Of more a TRIAL is done first, on one thread, which says how many take SLICE seconds, and each
# slice then says so for the next. None is longer than 4M elements in all: memory that comes fresh from the system may
# cost 20 ns an element all of a sudden, when the process has used up what it had, or a virtual machine what its host
# had given it.
cdef int64_t TRIAL = 16 * CF_BLOCK
cdef int64_t FIRST_SLICE = 128 * 1024
cdef int64_t LONGEST_SLICE = 4 * 1024 * 1024
cdef double SLICE = 0.01

cdef cf_isa _isas[4]
cdef int _isa_count = cf_isas(_isas)
cdef cf_run _run = _isas[0].run
cdef int _quota = 0
cdef int _wanted = 0

ISAS = tuple(_isas[i].name.decode() for i in range(_isa_count))

if cf_watch_forks():
    raise MemoryError("pthread_atfork failed")


def use_isa(str name):
    """Evaluate with this instruction set, one of ISAS, from now on."""
    global _run
    _run = _isas[ISAS.index(name)].run


def set_quota(int threads):
    """The threads that the process's cgroup pays for; 0 where it sets no limit."""
    global _quota
    _quota = threads


def set_num_threads(int wanted):
    """0 leaves it to OpenMP."""
    global _wanted
    _wanted = wanted


def get_num_threads():
    return cf_team(_wanted, _quota)


cdef inline int _type(cnp.ndarray a) except -1:
    cdef char kind = a.descr.kind
    cdef int size = <int>cnp.PyArray_ITEMSIZE(a)
    if kind == b"i":
        return CF_INT8 if size == 1 else CF_INT16 if size == 2 else CF_INT32 if size == 4 else CF_INT64
    if kind == b"u":
        return CF_UINT8 if size == 1 else CF_UINT16 if size == 2 else CF_UINT32 if size == 4 else CF_UINT64
    if kind == b"f" and size in (4, 8):
        return CF_FLOAT32 if size == 4 else CF_FLOAT64
    raise TypeError(f"no loop for {a.dtype}")


cdef int _operand(cf_operand *operand, cnp.ndarray a) except -1:
    operand.data = cnp.PyArray_BYTES(a)
    operand.type = _type(a)
    operand.swapped = not cnp.PyArray_ISNOTSWAPPED(a)
    return 0


cdef inline cnp.npy_intp _size(cnp.npy_intp stride) noexcept:
    return -stride if stride < 0 else stride


cdef void _layout(cf_job *job, cnp.ndarray steps, cnp.ndarray rates) noexcept:
    """The job's dimensions, as few as can be: by rates' strides, neighbours merged where both arrays allow."""
    cdef int order[64]
    cdef int n = 0, d, i, k
    cdef cnp.npy_intp *to = cnp.PyArray_STRIDES(rates)
    cdef cnp.npy_intp *shape = cnp.PyArray_DIMS(rates)
    cdef cnp.npy_intp *source = NULL if steps is None else cnp.PyArray_STRIDES(steps)
    for d in range(cnp.PyArray_NDIM(rates)):
        if shape[d] == 1:
            continue
        i = n
        while i > 0 and _size(to[order[i - 1]]) < _size(to[d]):
            order[i] = order[i - 1]
            i -= 1
        order[i] = d
        n += 1
    k = -1
    for i in range(n):
        d = order[i]
        if (k >= 0 and job.rates.strides[k] == to[d] * shape[d]
                and (source == NULL or job.steps.strides[k] == source[d] * shape[d])):
            job.shape[k] *= shape[d]
        else:
            k += 1
            job.shape[k] = shape[d]
        job.rates.strides[k] = to[d]
        job.steps.strides[k] = 0 if source == NULL else source[d]
    if k < 0:  # one element
        k = 0
        job.shape[0] = 1
        job.rates.strides[0] = cnp.PyArray_ITEMSIZE(rates)
        job.steps.strides[0] = 0
    job.dimensions = k + 1


cdef int64_t _next_slice(int64_t length, double began) except -1:
    """How many elements of each thread take SLICE seconds, where `length` have taken the time since `began`."""
    cdef double seconds = max(perf_counter() - began, 1e-6)
    length = min(<int64_t>(length * (SLICE / seconds)), LONGEST_SLICE)
    return max(length // CF_BLOCK * CF_BLOCK, TRIAL)


cdef int _work(const cf_job *job, int64_t n, int wanted) except -1:
    """Run the job's n elements, on a team where it pays, and look for Ctrl-C now and then."""
    cdef cf_run run = _run
    cdef int64_t begin, end, task, length = FIRST_SLICE
    cdef cf_share shares[CF_SHARES]
    cdef double began
    cdef int team, count, i
    if n < THREADED:
        run(job, 0, n)
        return 0
    begin = -cf_aside(job, job.rates.data)  # and so all slices, shares and tasks begin with a cache line
    if n > 2 * FIRST_SLICE:
        began = perf_counter()
        with nogil:
            run(job, 0, begin + TRIAL)
        begin += TRIAL
        length = _next_slice(TRIAL, began)
    while begin < n:
        team = cf_hire(wanted if wanted > 0 else _wanted, _wanted, _quota)
        end = min(begin + min(team * length, LONGEST_SLICE), n)
        began = perf_counter()
        with nogil:
            if team > 1:
                count = min(team, CF_SHARES)
                cf_cut(shares, count, begin, end)
                task = max(STREAMED_TASK if job.streamed else SHORTEST_TASK,
                           (end - begin) // (32 * team) // CF_BLOCK * CF_BLOCK)
                for i in prange(team, num_threads=team, schedule="static"):
                    cf_take_part(shares, count, i % count, task, run, job)
            else:
                run(job, max(begin, 0), end)
        cf_dismiss(team)
        PyErr_CheckSignals()
        begin = end
        length = _next_slice(length, began)
    return 0


cdef inline cf_pair _count(count) except *:
    """A number of steps, as schedules.py gives it: an int where it is whole, else a float."""
    return cf_from_int64(count) if isinstance(count, int) else cf_make_pair(count, 0.0)


cdef inline object _plain(Schedule self, step):
    """What schedule(step) gives, without options, once the schedule is ready."""
    cdef cf_pair pair
    cdef double rate
    cdef int origin = cf_read_step(step, &pair)
    if origin == CF_ELSEWHERE:
        return _plain_array(self, step)
    rate = cf_schedule_at(&self.folded, pair)
    if origin == CF_PYTHON and not self.single:
        return rate
    return cf_numpy_scalar(rate, self.single)


cdef inline bint _lies_plain(cnp.ndarray steps) noexcept:
    """Whether the kernel can read these steps as they lie."""
    return cnp.PyArray_ISCARRAY_RO(steps) and cnp.PyArray_TYPE(steps) in (cnp.NPY_INT64, cnp.NPY_DOUBLE)


cdef object _plain_array(Schedule self, step):
    """The same for whatever is not a number of the usual kinds."""
    cdef cnp.ndarray steps, rates
    if cnp.PyArray_CheckExact(step):
        steps = <cnp.ndarray>step
        if cnp.PyArray_NDIM(steps) > 0 and _lies_plain(steps):
            rates = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(steps), cnp.PyArray_DIMS(steps),
                                      cnp.NPY_FLOAT if self.single else cnp.NPY_DOUBLE, 0)
            self._evaluate(steps, rates, 0)
            return rates
    return self._call(step, None, None, None)


cdef bint _apart(cnp.ndarray steps, cnp.ndarray rates) noexcept:
    """Whether no rate of these contiguous arrays lies on another's step."""
    cdef char *s = cnp.PyArray_BYTES(steps)
    cdef char *r = cnp.PyArray_BYTES(rates)
    if s == r:
        return cnp.PyArray_ITEMSIZE(steps) == cnp.PyArray_ITEMSIZE(rates)
    return s + cnp.PyArray_NBYTES(steps) <= r or r + cnp.PyArray_NBYTES(rates) <= s


cdef object _plain_into(Schedule self, step, out):
    """What schedule(step, out=out) gives."""
    cdef cnp.ndarray steps, rates
    if cnp.PyArray_CheckExact(step) and cnp.PyArray_CheckExact(out):
        steps = <cnp.ndarray>step
        rates = <cnp.ndarray>out
        if (_lies_plain(steps) and cnp.PyArray_ISCARRAY(rates)
                and cnp.PyArray_TYPE(rates) in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE)
                and cnp.PyArray_SAMESHAPE(steps, rates) and _apart(steps, rates)):
            self._evaluate(steps, rates, 0)
            return out
    return self._call(step, out, None, None)


# Python reaches __call__ of a cdef class with a tuple of the arguments, which costs more than the rate itself. So a
# schedule has a pointer to _vectorcall (PEP 590), and its class says where. Cython has no words for this.

cdef object _vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *names):
    cdef Py_ssize_t count = PyVectorcall_NARGS(nargsf)
    if names != NULL or count != 1:
        return _call_with_tuple(self, args, count, names)
    # The class may have got a __call__ of its own since: before Python 3.12 that does not take back the offer below.
    if Py_TYPE(self).tp_call != _tp_call:
        return _call_with_tuple(self, args, count, names)
    return _plain(<Schedule>self, <object>args[0])


cdef object _call_with_tuple(object self, PyObject *const *args, Py_ssize_t count, PyObject *names):
    """The class's __call__, whichever it is; as Python calls it for a type without vectorcall."""
    cdef Py_ssize_t i
    positional = tuple([<object>args[i] for i in range(count)])
    named = {} if names == NULL else {name: <object>args[count + i] for i, name in enumerate(<tuple>names)}
    Py_EnterRecursiveCall(" while calling a schedule")
    try:
        return Py_TYPE(self).tp_call(self, positional, named)
    finally:
        Py_LeaveRecursiveCall()


cdef void _offer_vectorcall(PyTypeObject *cls) noexcept:
    """For Schedule, and for each subclass, which before Python 3.12 would not inherit it."""
    if cls.tp_call == _tp_call:
        cls.tp_vectorcall_offset = _vectorcall_offset
        cls.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL


cdef class Schedule:
    """What schedules.py's classes are made of: the folded parameters and the ways to evaluate them.

    A subclass calls one `_fold_...` once, and has a method `_call(step, out, dtype, num_threads)` for whatever is not
    the plain call of a number or of an array that can be read as it lies.
    """

    cdef cf_schedule folded
    cdef void *memory  # what `folded` points into, if anything; from PyMem_Malloc
    cdef readonly bint _ready
    cdef bint single
    cdef vectorcallfunc vectorcall  # NULL until it is ready: then Python takes __call__

    def __dealloc__(self):
        PyMem_Free(self.memory)

    cdef int _folded(self, int family, bint single) except -1:
        """The last that a `_fold_...` does: now the schedule is ready. single: the rates are float32."""
        self.folded.family = family
        self.single = single
        self._ready = True
        self.vectorcall = _vectorcall
        _offer_vectorcall(Py_TYPE(self))
        return 0

    def _fold_cosine_decay(self, double peak, decay_steps, double alpha, bint has_warmup, double start, warmup_steps,
                           bint single):
        cf_cosine_decay_init(&self.folded.as_.cosine_decay, peak, _count(decay_steps), alpha, has_warmup, start,
                             _count(warmup_steps))
        self._folded(CF_COSINE_DECAY, single)

    def _fold_cosine_sums(self, double peak, decay_steps, double alpha, bint has_warmup, double start, warmup_steps,
                          bint single):
        cf_cosine_sums_init(&self.folded.as_.cosine_sums, peak, _count(decay_steps), alpha, has_warmup, start,
                            _count(warmup_steps))
        self._folded(CF_COSINE_SUMS, single)

    def _fold_inverse_time_decay(self, double initial, decay_steps, double rate, bint staircase, bint single):
        cf_inverse_time_decay_init(&self.folded.as_.inverse_time_decay, initial, _count(decay_steps), rate, staircase)
        self._folded(CF_INVERSE_TIME_DECAY, single)

    def _fold_piecewise_constant(self, tuple boundaries, tuple values, bint single):
        cdef Py_ssize_t count = len(boundaries), i
        cdef cf_pair *pairs
        cdef double *numbers
        self.memory = PyMem_Malloc(count * sizeof(cf_pair) + (2 * count + 1) * sizeof(double))
        if self.memory == NULL:
            raise MemoryError
        pairs = <cf_pair *>self.memory
        numbers = <double *>(pairs + count)
        for i in range(count):
            pairs[i] = _count(boundaries[i])
        for i in range(count + 1):
            numbers[i] = values[i]
        cf_piecewise_constant_init(&self.folded.as_.piecewise_constant, count, pairs, numbers, numbers + count + 1)
        self._folded(CF_PIECEWISE_CONSTANT, single)

    def _fold_exponential_decay(self, double start, decay_steps, double decay_rate, bint staircase, bint single):
        cf_exponential_decay_init(&self.folded.as_.exponential_decay, start, _count(decay_steps), decay_rate, staircase)
        self._folded(CF_EXPONENTIAL_DECAY, single)

    def _fold_polynomial_decay(self, double start, decay_steps, double end, double power, bint cycle, bint single):
        cf_polynomial_decay_init(&self.folded.as_.polynomial_decay, start, _count(decay_steps), end, power, cycle)
        self._folded(CF_POLYNOMIAL_DECAY, single)

    def _fold_cosine_decay_restarts(self, double initial, decay_steps, double t_mul, double m_mul, double alpha,
                                    bint single):
        cdef int64_t capacity = 0 if t_mul == 1.0 else CF_CYCLES
        self.memory = PyMem_Malloc(capacity * sizeof(cf_cycle))
        if self.memory == NULL:
            raise MemoryError
        cf_cosine_decay_restarts_init(&self.folded.as_.cosine_decay_restarts, initial, _count(decay_steps), t_mul,
                                      m_mul, alpha, <cf_cycle *>self.memory, capacity)
        self._folded(CF_COSINE_DECAY_RESTARTS, single)

    def __call__(self, step, *, out=None, dtype=None, num_threads=None):
        if self._ready and dtype is None and num_threads is None:
            return _plain(self, step) if out is None else _plain_into(self, step, out)
        return self._call(step, out, dtype, num_threads)

    def _at(self, step):
        """The rate, as a Python float, at an int within int64 or a float."""
        if not self._ready:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called")
        if isinstance(step, float):
            return cf_schedule_at(&self.folded, cf_make_pair(step, 0.0))
        return cf_schedule_at(&self.folded, cf_from_int64(step))

    def _address(self):
        """Where the folded parameters lie: what C_API's functions take, while this object lives."""
        return <size_t>_schedule_of(<void *>self)

    def _integrand(self):
        """For SciPy: capsules of C_API's `integrand` and of its user_data, which keeps this object alive."""
        cdef const void *schedule = _schedule_of(<void *>self)
        user_data = PyCapsule_New(<void *>schedule, NULL, _release)
        Py_INCREF(self)  # before the context says that there is something to release
        PyCapsule_SetContext(user_data, <void *>self)
        return PyCapsule_New(<void *>_integrand_at, "double (double, void *)", NULL), user_data

    def _evaluate(self, cnp.ndarray steps not None, cnp.ndarray rates not None, int num_threads):
        """The rates of an array of steps, into `rates`, an array of the same shape. num_threads 0: no one said."""
        cdef cf_job job
        if not self._ready:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called")
        if cnp.PyArray_SIZE(rates) == 0:
            return
        job.schedule = &self.folded
        job.batch = NULL
        job.limits = NULL
        _operand(&job.steps, steps)
        _operand(&job.rates, rates)
        _layout(&job, steps, rates)
        job.streamed = cnp.PyArray_NBYTES(rates) > STREAMED
        _work(&job, cnp.PyArray_SIZE(rates), num_threads)

    def _fill(self, int64_t start, int64_t step, cnp.ndarray rates not None, int num_threads):
        """The rates of the steps start, start + step, ... into `rates`, of one dimension."""
        cdef cf_job job
        if not self._ready:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called")
        if cnp.PyArray_SIZE(rates) == 0:
            return
        job.schedule = &self.folded
        job.batch = NULL
        job.limits = NULL
        job.first = start
        job.stride = step
        job.steps.data = NULL
        _operand(&job.rates, rates)
        _layout(&job, None, rates)
        job.streamed = cnp.PyArray_NBYTES(rates) > STREAMED
        _work(&job, cnp.PyArray_SIZE(rates), num_threads)


cdef struct _Axis:
    cnp.npy_intp length
    cnp.npy_intp strides[7]  # of the rates, the steps and the five parameters


cdef int _axes(list arrays, _Axis *axes) except -1:
    """The axes of arrays that broadcast to the first's shape, those of length 1 left out, by their strides there."""
    cdef cnp.ndarray rates = arrays[0], a
    cdef int count = 0, d, i, k, own
    cdef _Axis axis
    for d in range(cnp.PyArray_NDIM(rates)):
        axis.length = cnp.PyArray_DIM(rates, d)
        if axis.length == 1:
            continue
        for k in range(7):
            a = arrays[k]
            own = d - cnp.PyArray_NDIM(rates) + cnp.PyArray_NDIM(a)
            axis.strides[k] = 0 if own < 0 or cnp.PyArray_DIM(a, own) == 1 else cnp.PyArray_STRIDE(a, own)
        i = count
        while i > 0 and _size(axes[i - 1].strides[0]) < _size(axis.strides[0]):
            axes[i] = axes[i - 1]
            i -= 1
        axes[i] = axis
        count += 1
    return count


cdef int64_t _take_axes(cf_job *job, cf_operand **operands, const _Axis *axes, int count, bint parameters) noexcept:
    """Describe in the job the axes along which a parameter changes, or the others, merged where all arrays allow.

    How many elements these are.
    """
    cdef int i, k, n = 0
    cdef int64_t elements = 1
    cdef bint changes, merges
    for i in range(count):
        changes = False
        for k in range(2, 7):
            changes |= axes[i].strides[k] != 0
        if changes != parameters:
            continue
        elements *= axes[i].length
        merges = n > 0
        for k in range(7 if parameters else 2):
            merges = merges and operands[k].strides[n - 1] == axes[i].strides[k] * axes[i].length
        if merges:
            n -= 1
            job.shape[n] *= axes[i].length
        else:
            job.shape[n] = axes[i].length
        for k in range(7 if parameters else 2):
            operands[k].strides[n] = axes[i].strides[k]
        n += 1
    if n == 0:  # one element
        job.shape[0] = 1
        for k in range(7 if parameters else 2):
            operands[k].strides[0] = 0
        n = 1
    job.dimensions = n
    return elements


cdef cf_limits _limits(double least, double most, double also, bint nan, int *odd) noexcept:
    cdef cf_limits limits
    limits.least = least
    limits.most = most
    limits.also = also
    limits.nan = nan
    limits.odd = odd
    return limits


def cosine_decays(cnp.ndarray rates not None, cnp.ndarray steps not None, list parameters not None, int num_threads,
                  list limits=None):
    """CosineDecay's rates, into `rates`; all else broadcasts to its shape.

    parameters: initial_learning_rate, decay_steps, alpha, warmup_target (NaN: none), warmup_steps.
    limits: of each of them, as `within` has them; None: they are known to be right.

    Returns whether all lie within these limits. If not, the rates are anything.
    """
    cdef list arrays = [rates, steps, *parameters]
    cdef cf_batch batch
    cdef cf_job job
    cdef cf_limits of_parameters[5]
    cdef int odd = 0
    cdef cf_operand *of_schedules[7]
    cdef cf_operand *of_row[2]
    cdef _Axis axes[64]
    cdef int count, k
    if cnp.PyArray_SIZE(rates) == 0:
        return True
    batch.limits = NULL
    if limits is not None:
        for k in range(5):
            least, most, also, nan = limits[k]
            of_parameters[k] = _limits(least, most, also, nan, &odd)
        batch.limits = of_parameters
    of_schedules[:] = [&batch.schedules.rates, &batch.schedules.steps, &batch.initial, &batch.decay_steps, &batch.alpha,
                       &batch.target, &batch.warmup_steps]
    of_row[:] = [&batch.row.rates, &batch.row.steps]
    for k in range(7):
        _operand(of_schedules[k], arrays[k])
    _operand(of_row[0], rates)
    _operand(of_row[1], steps)
    count = _axes(arrays, axes)
    batch.many = _take_axes(&batch.schedules, of_schedules, axes, count, True)
    batch.steps = _take_axes(&batch.row, of_row, axes, count, False)
    # Along the steps, where the smallest stride is one of theirs.
    batch.along = batch.steps >= ROW and (
        batch.many == 1
        or _size(batch.row.rates.strides[batch.row.dimensions - 1])
        < _size(batch.schedules.rates.strides[batch.schedules.dimensions - 1])
    )
    batch.alike = True
    for k in range(batch.schedules.dimensions):
        batch.alike = batch.alike and batch.schedules.steps.strides[k] == 0
    batch.row.batch = NULL
    batch.row.limits = NULL
    batch.streamed = cnp.PyArray_NBYTES(rates) > STREAMED
    job.batch = &batch
    job.limits = NULL
    job.streamed = batch.streamed
    _operand(&job.rates, rates)
    _work(&job, cnp.PyArray_SIZE(rates), num_threads)
    return odd == 0


def within(cnp.ndarray numbers not None, double least, double most, double also, bint nan, int num_threads):
    """Whether each of the numbers lies from `least` to `most`, or is `also`, or NaN if `nan`."""
    cdef cf_job job
    cdef int odd = 0
    cdef cf_limits limits = _limits(least, most, also, nan, &odd)
    if cnp.PyArray_SIZE(numbers) == 0:
        return True
    _operand(&job.steps, numbers)
    _layout(&job, numbers, numbers)
    job.batch = NULL
    job.limits = &limits
    job.streamed = False
    _operand(&job.rates, numbers)
    _work(&job, cnp.PyArray_SIZE(numbers), num_threads)
    return odd == 0


cdef ternaryfunc _tp_call = (<PyTypeObject *>Schedule).tp_call
cdef Schedule _unfolded = Schedule.__new__(Schedule)
cdef Py_ssize_t _vectorcall_offset = <char *>&_unfolded.vectorcall - <char *><PyObject *>_unfolded

_offer_vectorcall(<PyTypeObject *>Schedule)


# ---- For code that is compiled elsewhere: cf_api of cosine_fast_embed.h ----

cdef void _release(object capsule) noexcept:
    cdef void *owner = PyCapsule_GetContext(capsule)
    if owner != NULL:
        Py_DECREF(<object>owner)


cdef const void *_schedule_of(void *thing) except NULL:
    schedule = <object>thing
    if not isinstance(schedule, Schedule):
        raise TypeError(f"a schedule of cosine_fast's compiled backend is needed. Received: {type(schedule).__name__}")
    if not (<Schedule>schedule)._ready:
        raise TypeError(f"{type(schedule).__name__}.__init__ has not been called")
    if Py_TYPE(schedule).tp_call != _tp_call:
        raise TypeError(f"{type(schedule).__name__} has a __call__ of its own, which only Python can call")
    return &(<Schedule>schedule).folded


cdef double _at_int64(const void *schedule, int64_t step) noexcept nogil:
    return cf_schedule_at(<const cf_schedule *>schedule, cf_from_step(step))


cdef double _at_double(const void *schedule, double step) noexcept nogil:
    return cf_schedule_at(<const cf_schedule *>schedule, cf_make_pair(step, 0.0))


cdef double _integrand_at(double step, void *schedule) noexcept nogil:
    return cf_schedule_at(<const cf_schedule *>schedule, cf_make_pair(step, 0.0))


cdef void _of_row(cf_job *job, const void *schedule, int type, double *rates, int64_t n) noexcept nogil:
    """A job of one dimension; its steps' data, or its range, is set."""
    if n < 1:
        return
    job.schedule = <const cf_schedule *>schedule
    job.batch = NULL
    job.limits = NULL
    job.dimensions = 1
    job.shape[0] = n
    job.steps.type = type
    job.steps.swapped = 0
    job.steps.strides[0] = 8
    job.rates.data = <char *>rates
    job.rates.type = CF_FLOAT64
    job.rates.swapped = 0
    job.rates.strides[0] = 8
    job.streamed = n > STREAMED // 8
    _run(job, 0, n)


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
    job.steps.data = NULL
    job.first = start
    job.stride = step
    _of_row(&job, schedule, CF_INT64, rates, n)


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

# The same addresses, for whom a capsule is of no use: ctypes, cffi, Numba.
ADDRESSES = {
    "at_int64": <size_t>_at_int64,
    "at_double": <size_t>_at_double,
    "of_int64s": <size_t>_of_int64s,
    "of_doubles": <size_t>_of_doubles,
    "of_range": <size_t>_of_range,
    "integrand": <size_t>_integrand_at,
}
