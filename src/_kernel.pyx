# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: auto_pickle=False, autotestdict=False, freethreading_compatible=True, subinterpreters_compatible=no
"""The compiled backend: the driver between Python's arrays and the block loops.

A call brings an array or a range of steps, and an array for the rates; schedules/_evaluation.py has checked both. The
driver describes them in a cf_job and divides it among a team of threads, which run the block loops without the GIL. All
arithmetic is in the C headers and in blocks.c. batches.pxi, simulate.pxi and c_api.pxi are parts of this module.
"""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, Py_TPFLAGS_HAVE_VECTORCALL
from cpython.pycapsule cimport PyCapsule_GetContext, PyCapsule_New, PyCapsule_SetContext
from cpython.ref cimport Py_DECREF, Py_INCREF
from cython.parallel cimport prange
from libc.stdint cimport int64_t

cimport numpy as cnp
from numpy import may_share_memory

cnp.import_array()

cdef extern from "Python.h":
    int PY_VERSION_HEX
    int PyErr_CheckSignals()  # unlike Cython's own declaration, without a check for an exception
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

cdef extern from "blocks.h" nogil:
    ctypedef int atomic_int
    ctypedef struct cf_pair:
        pass
    cf_pair cf_make_pair(double hi, double lo)
    cf_pair cf_from_int64(int64_t i)
    ctypedef struct cf_schedule:
        pass
    int cf_function_of(const char *name)
    size_t cf_schedule_memory(int function, const double *numbers, int64_t count)
    void cf_schedule_init(cf_schedule *schedule, int function, const double *numbers, const cf_pair *counts,
                          int64_t count, void *memory)
    double cf_schedule_at(const cf_schedule *p, cf_pair step)
    enum:
        CF_BLOCK, CF_STREAMED
        CF_INT8, CF_INT16, CF_INT32, CF_INT64, CF_UINT8, CF_UINT16, CF_UINT32, CF_UINT64, CF_FLOAT32, CF_FLOAT64
        CF_RANGE
    ctypedef struct cf_operand:
        char *data
        int type
        int swapped
        int64_t *strides
    ctypedef struct cf_job:
        const cf_schedule *schedule
        int64_t first, stride, shift
        int streamed
        int dimensions
        int64_t *shape
        cf_operand steps, rates
    ctypedef struct cf_batch:
        cf_job schedules, row
        int64_t many, steps
        int alike, streamed, absolute, along, shape, plain
        cf_operand initial, decay_steps, alpha, target, warmup_steps, stable_steps
        atomic_int *others
    ctypedef struct cf_check:
        cf_job numbers
        double least, most, allowed
        int nan
        atomic_int *failed
    enum:
        CF_NODES, CF_ITEM
    ctypedef struct cf_power_sums:
        const double *at
        const double *starts
        const double *factors
        const double *changes
        const int64_t *first
        const int64_t *end
        double beta
        double *totals
    ctypedef struct cf_momentum_sums:
        const double *rates
        const double *decays
        int64_t rows, steps
        int last, streamed
        double *sums
        atomic_int *failed
    ctypedef void (*cf_run)(const void *work, int64_t begin, int64_t end) noexcept
    ctypedef struct cf_isa:
        const char *name
        cf_run evaluate, cosine_decays, stable_decays, check, power_sums, momentum_sums
    int cf_isas(cf_isa *out)

cdef extern from "cosine_fast_embed.h" nogil:
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

cdef extern from "cosine_fast_self_check.h" nogil:
    int cf_self_check()

cdef extern from "numbers.h":
    enum:
        CF_ELSEWHERE, CF_PYTHON, CF_NUMPY
    int cf_read_step(object x, cf_pair *step)
    object cf_numpy_scalar(double rate, bint single)

cdef extern from "state.h" nogil:
    ctypedef unsigned long cf_state  # of another size in C
    cf_state cf_enter()
    void cf_leave(cf_state state)
    double cf_here(double x)
    double cf_at_int64(const cf_schedule *p, int64_t step)
    double cf_at_double(const cf_schedule *p, double step)
    void cf_run_part(cf_run run, const void *work, int64_t begin, int64_t end)

cdef extern from "threads.h" nogil:
    int CF_OPENMP
    int cf_watch_forks()
    int cf_team(int wanted, int quota)
    int cf_acquire_threads(int wanted, int usual, int quota)
    ctypedef struct cf_work:
        cf_run run
        const void *job
        int64_t task
        int count
        atomic_int stopped
        int (*interrupted)() noexcept
    void cf_share_out(cf_work *work, int team, int64_t begin, int64_t end)
    void cf_take_part(cf_work *work, int thread)
    void cf_release_threads(int team, const cf_work *work)

OPENMP = bool(CF_OPENMP)

# Fewer elements are evaluated on one thread: waking a team takes about 5 us.
cdef int64_t THREADED = 32768
# That thread looks for Ctrl-C once in this many elements, which take 0.1 s at most.
cdef int64_t UNINTERRUPTED = 8192
# A thread takes a share in 32 tasks, so that the last ones end together, but within limits: a shorter task would cost
# more to begin than it saves. Rates that are streamed need the longest: a task waits at its end until memory has them.
cdef int64_t SHORTEST_TASK = 8 * CF_BLOCK
cdef int64_t LONGEST_TASK = 128 * CF_BLOCK

cdef cf_isa _isas[4]
cdef int _isa_count = cf_isas(_isas)
# Settings, which any thread may read or change.
cdef atomic_int _isa = 0  # the index of the one in use
cdef atomic_int _quota = 0
cdef atomic_int _wanted = 0

ISAS = tuple(_isas[i].name.decode() for i in range(_isa_count))

cdef cf_state _state = cf_enter()
cdef bint _is_sound = cf_self_check()
cf_leave(_state)
if not _is_sound:
    raise ImportError("it was compiled with options that change rates")
if cf_watch_forks():
    raise MemoryError("pthread_atfork failed")


def use_isa(str name):
    """Evaluate with this instruction set, one of ISAS, from now on."""
    global _isa
    _isa = <int>ISAS.index(name)


def set_quota(int threads):
    """The processors that the process's cgroup grants; 0: no limit."""
    global _quota
    _quota = threads


def set_num_threads(int wanted):
    """0: use OpenMP's default."""
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


cdef struct _Axis:
    cnp.npy_intp length
    cnp.npy_intp strides[8]  # of the rates, the steps and, in a batch, the parameters


cdef int _axes(list arrays, _Axis *axes) except -1:
    """The axes of arrays that broadcast to the shape of the first, without those of length 1, sorted by its strides."""
    cdef cnp.ndarray rates = arrays[0], a
    cdef int count = 0, d, i, k, own
    cdef _Axis axis
    for k in range(8):
        axis.strides[k] = 0
    for d in range(cnp.PyArray_NDIM(rates)):
        axis.length = cnp.PyArray_DIM(rates, d)
        if axis.length == 1:
            continue
        for k in range(len(arrays)):
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
    """Describe in the job the axes along which one of the parameters changes, or the others, merged where possible.

    Returns how many elements these have.
    """
    cdef int i, k, n = 0
    cdef int64_t elements = 1
    cdef bint changes, merges
    for i in range(count):
        changes = False
        for k in range(2, 8):
            changes |= axes[i].strides[k] != 0
        if changes != parameters:
            continue
        elements *= axes[i].length
        merges = n > 0
        for k in range(8 if parameters else 2):
            merges = merges and operands[k].strides[n - 1] == axes[i].strides[k] * axes[i].length
        if merges:
            n -= 1
            job.shape[n] *= axes[i].length
        else:
            job.shape[n] = axes[i].length
        for k in range(8 if parameters else 2):
            operands[k].strides[n] = axes[i].strides[k]
        n += 1
    if n == 0:  # one element
        job.shape[0] = 1
        for k in range(8 if parameters else 2):
            operands[k].strides[0] = 0
        n = 1
    job.dimensions = n
    return elements


cdef int _layout(cf_job *job, cnp.ndarray steps, cnp.ndarray rates) except -1:
    """Describe the dimensions of the steps (None: a range) and the rates in the job."""
    cdef _Axis axes[64]
    cdef cf_operand *operands[2]
    if cnp.PyArray_IS_C_CONTIGUOUS(rates) and (steps is None or cnp.PyArray_IS_C_CONTIGUOUS(steps)):
        job.dimensions = 1
        job.shape[0] = cnp.PyArray_SIZE(rates)
        job.rates.strides[0] = cnp.PyArray_ITEMSIZE(rates)
        job.steps.strides[0] = 0 if steps is None else cnp.PyArray_ITEMSIZE(steps)
        return 0
    operands[:] = [&job.rates, &job.steps]
    _take_axes(job, operands, axes, _axes([rates, rates if steps is None else steps], axes), False)
    return 0


cdef int _interrupted() noexcept nogil:
    """Whether a signal's handler has raised; the exception is set then."""
    with gil:
        return PyErr_CheckSignals()


cdef int _work(cf_run run, const void *job, const cf_operand *rates, bint streamed, int64_t n, int wanted) except -1:
    """Run the n elements of a job, on a team if it pays, and handle Ctrl-C meanwhile."""
    cdef cf_work work
    cdef int64_t begin
    cdef int team, i
    if n < THREADED:
        begin = 0
        while True:
            cf_run_part(run, job, begin, min(n, begin + UNINTERRUPTED))
            begin += UNINTERRUPTED
            if begin >= n:
                return 0
            if PyErr_CheckSignals():
                return -1
    # So that shares and tasks begin with a cache line.
    begin = -((<int64_t>rates.data % 64) // (4 if rates.type == CF_FLOAT32 else 8))
    work.run = run
    work.job = job
    work.interrupted = _interrupted
    team = cf_acquire_threads(wanted if wanted > 0 else _wanted, _wanted, _quota)
    work.task = LONGEST_TASK
    if not streamed:
        work.task = max(SHORTEST_TASK, min(LONGEST_TASK, n // (32 * team) // CF_BLOCK * CF_BLOCK))
    cf_share_out(&work, team, begin, n)
    with nogil:
        if team > 1:
            for i in prange(team, num_threads=team, schedule="static"):
                cf_take_part(&work, i)
        else:
            cf_take_part(&work, 0)
    cf_release_threads(team, &work)
    return -1 if work.stopped else 0


cdef inline cf_pair _count(count) except *:
    """A number of steps as steps_of() gives it: an int if it is whole, else a float."""
    return cf_from_int64(count) if isinstance(count, int) else cf_make_pair(count, 0.0)


cdef inline object _call_with_number(Schedule self, step):
    """schedule(step), of a schedule that is ready."""
    cdef cf_pair pair
    cdef double rate
    cdef cf_state state = cf_enter()
    cdef int origin = cf_read_step(step, &pair)
    rate = 0.0 if origin == CF_ELSEWHERE else cf_here(cf_schedule_at(&self.schedule, pair))
    cf_leave(state)
    if origin == CF_ELSEWHERE:
        return _call_with_array(self, step)
    if origin == CF_PYTHON and not self.single:
        return rate
    return cf_numpy_scalar(rate, self.single)


cdef inline bint _is_plain(cnp.ndarray steps) noexcept:
    """Whether the steps are aligned and contiguous, native int64 or float64."""
    return cnp.PyArray_ISCARRAY_RO(steps) and cnp.PyArray_TYPE(steps) in (cnp.NPY_INT64, cnp.NPY_DOUBLE)


cdef object _call_with_array(Schedule self, step):
    """schedule(step) for anything but the usual kinds of numbers."""
    cdef cnp.ndarray steps, rates
    if cnp.PyArray_CheckExact(step):
        steps = <cnp.ndarray>step
        if cnp.PyArray_NDIM(steps) > 0 and _is_plain(steps):
            rates = cnp.PyArray_EMPTY(cnp.PyArray_NDIM(steps), cnp.PyArray_DIMS(steps),
                                      cnp.NPY_FLOAT if self.single else cnp.NPY_DOUBLE, 0)
            self._evaluate(steps, rates, 0)
            return rates
    return self._call(step, None, None, None)


cdef inline bint _owns(cnp.ndarray array) noexcept:
    """Whether the array owns its memory. Two such arrays share none, which NumPy's function takes 0.3 us to find."""
    return cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_OWNDATA)


cdef object _call_into(Schedule self, step, out):
    """schedule(step, out=out)."""
    cdef cnp.ndarray steps, rates
    if cnp.PyArray_CheckExact(step) and cnp.PyArray_CheckExact(out):
        steps = <cnp.ndarray>step
        rates = <cnp.ndarray>out
        if (_is_plain(steps) and cnp.PyArray_ISCARRAY(rates)
                and cnp.PyArray_TYPE(rates) in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE)
                and cnp.PyArray_SAMESHAPE(steps, rates)
                and (_owns(steps) and _owns(rates) or not may_share_memory(steps, rates))):
            self._evaluate(steps, rates, 0)
            return out
    return self._call(step, out, None, None)


# Python calls __call__ of a cdef class with a tuple of the arguments, which takes longer than the rate itself. So a
# schedule has a pointer to _vectorcall (PEP 590), and its class says where. Cython does not support this directly.

cdef object _vectorcall(object self, PyObject *const *args, size_t nargsf, PyObject *names):
    cdef Py_ssize_t count = PyVectorcall_NARGS(nargsf)
    if names != NULL or count != 1:
        return _call_as_python(self, args, count, names)
    # The class may have received a __call__ of its own since then; before Python 3.12 that does not disable vectorcall.
    if Py_TYPE(self).tp_call != _tp_call:
        return _call_as_python(self, args, count, names)
    return _call_with_number(<Schedule>self, <object>args[0])


cdef object _call_as_python(object self, PyObject *const *args, Py_ssize_t count, PyObject *names):
    """Call the class's __call__ as Python does for a type without vectorcall."""
    cdef Py_ssize_t i
    positional = tuple([<object>args[i] for i in range(count)])
    named = {} if names == NULL else {name: <object>args[count + i] for i, name in enumerate(<tuple>names)}
    Py_EnterRecursiveCall(" while calling a schedule")
    try:
        return Py_TYPE(self).tp_call(self, positional, named)
    finally:
        Py_LeaveRecursiveCall()


cdef void _offer_vectorcall(PyTypeObject *cls) noexcept:
    """Enable vectorcall for Schedule, or a subclass, which does not inherit it before Python 3.12.

    This changes a type that is in use, which needs the GIL; a Python without it is newer.
    """
    if cls.tp_call == _tp_call:
        cls.tp_vectorcall_offset = _vectorcall_offset
        cls.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL


cdef class Function:
    """A function of the step that the kernel evaluates: a schedule, or the sums of one. `_fold` is called once."""

    cdef cf_schedule schedule
    cdef tuple children  # whose schedules this one points to
    cdef void *memory  # what `schedule` points to; from PyMem_Malloc
    cdef readonly bint _ready
    cdef bint single  # the results are float32

    def __dealloc__(self):
        PyMem_Free(self.memory)

    @cython.critical_section  # of threads that initialise one object, one does
    def _fold(self, str name, tuple numbers, tuple counts, bint single, tuple children=()):
        """Fold the function `name` from its numbers and its numbers of steps, in the order of CF_SCHEDULES.

        children: the schedules that a joined one consists of.
        """
        cdef Function child
        cdef bytes key = name.encode()
        cdef int function = cf_function_of(key)
        cdef Py_ssize_t n = len(numbers), count = len(counts), i
        cdef double values[4]
        cdef size_t extra
        cdef cf_state state
        cdef cf_pair *pairs
        cdef double *doubles
        if function < 0:
            raise ValueError(f"there is no function {name!r}")
        if self._ready:
            raise AttributeError("a schedule is immutable: make another one")
        for i in range(min(n, 4)):
            values[i] = numbers[i]
        extra = cf_schedule_memory(function, values, count)
        PyMem_Free(self.memory)  # of a call that failed
        self.memory = PyMem_Malloc(extra + count * sizeof(cf_pair) + n * sizeof(double))
        if self.memory == NULL:
            raise MemoryError
        pairs = <cf_pair *>(<char *>self.memory + extra)
        doubles = <double *>(pairs + count)
        self.children = children
        for i, child in enumerate(children):
            child._check_ready()
            (<const cf_schedule **>self.memory)[i] = &child.schedule
        for i in range(n):
            doubles[i] = numbers[i]
        state = cf_enter()
        try:
            for i in range(count):
                pairs[i] = _count(counts[i])
            cf_schedule_init(&self.schedule, function, doubles, pairs, count, self.memory)
        finally:
            cf_leave(state)
        self.single = single
        self._ready = True

    def _at(self, step):
        """The value, as a Python float, at an int within int64 or a float."""
        self._check_ready()
        if isinstance(step, float):
            return cf_at_double(&self.schedule, step)
        return cf_at_int64(&self.schedule, step)

    cdef int _check_ready(self) except -1:
        if not self._ready:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called")
        return 0

    def _evaluate(self, cnp.ndarray steps not None, cnp.ndarray rates not None, int num_threads):
        """Evaluate an array of steps into `rates`, of the same shape. num_threads 0: the default."""
        cdef cf_job job
        _operand(&job.steps, steps)
        self._run(&job, steps, rates, num_threads)

    def _fill(self, int64_t start, int64_t step, cnp.ndarray rates not None, int num_threads):
        """Evaluate the steps start, start + step, ... into `rates`, of one dimension."""
        cdef cf_job job
        job.first = start
        job.stride = step
        job.steps.type = CF_RANGE
        self._run(&job, None, rates, num_threads)

    cdef int _run(self, cf_job *job, cnp.ndarray steps, cnp.ndarray rates, int num_threads) except -1:
        self._check_ready()
        if cnp.PyArray_SIZE(rates) == 0:
            return 0
        job.schedule = &self.schedule
        job.shift = 0
        _operand(&job.rates, rates)
        _layout(job, steps, rates)
        job.streamed = cnp.PyArray_NBYTES(rates) > CF_STREAMED
        return _work(_isas[_isa].evaluate, job, &job.rates, job.streamed, cnp.PyArray_SIZE(rates), num_threads)


cdef class Schedule(Function):
    """The base of all schedule classes.

    A subclass has a method `_call(step, out, dtype, num_threads)`, for calls with more than a number or a plain array.
    """

    cdef vectorcallfunc vectorcall  # NULL until the schedule is ready; until then Python calls __call__

    def _fold(self, str name, tuple numbers, tuple counts, bint single, tuple children=()):
        Function._fold(self, name, numbers, counts, single, children)
        self.vectorcall = _vectorcall
        if PY_VERSION_HEX < 0x030C0000:
            _offer_vectorcall(Py_TYPE(self))

    def __call__(self, step, *, out=None, dtype=None, num_threads=None):
        """The learning rates at the given optimizer steps.

        Parameters
        ----------
        step : int, float, or array_like of integers or floats
            Optimizer steps, of any shape. Integers must lie within int64. Negative and fractional steps are allowed.
        out : numpy.ndarray, optional
            An array of float64 or float32, of the shape of the steps, that receives the rates. It may be the steps' own
            memory.
        dtype : numpy.float64 or numpy.float32, optional
            The type of the rates; by default that of the schedule, or of `out`.
        num_threads : int, optional
            The most threads to use for a large array; by default see ``set_num_threads``.

        Returns
        -------
        float, numpy.floating or numpy.ndarray
            An array of the shape of the steps (masked for masked steps), or `out`. For a Python number a Python float
            (a numpy.float32 where the dtype is float32), for a NumPy scalar or a 0-d array a NumPy scalar. For an array
            of pandas, polars, xarray, Dask, PyTorch or JAX one of the same library.

        Raises
        ------
        TypeError
            Steps that are neither integers nor floats, or an unsuitable `out`, `dtype` or `num_threads`.
        ValueError
            An `out` of another shape, or read-only; a `num_threads` below 1.
        OverflowError
            A step beyond int64.
        """
        if self._ready and dtype is None and num_threads is None:
            return _call_with_number(self, step) if out is None else _call_into(self, step, out)
        return self._call(step, out, dtype, num_threads)

    def _address(self):
        """The address of the folded parameters, which C_API's functions take while this object lives."""
        return <size_t>_schedule_of(<void *>self)

    def _integrand(self):
        """For SciPy: capsules of C_API's `integrand` and of its user_data, which keeps this object alive."""
        cdef const void *schedule = _schedule_of(<void *>self)
        user_data = PyCapsule_New(<void *>schedule, NULL, _release)
        Py_INCREF(self)  # before the context, which tells _release to undo it
        PyCapsule_SetContext(user_data, <void *>self)
        return PyCapsule_New(<void *>_integrand_at, "double (double, void *)", NULL), user_data


cdef ternaryfunc _tp_call = (<PyTypeObject *>Schedule).tp_call
cdef Schedule _unfolded = Schedule.__new__(Schedule)
cdef Py_ssize_t _vectorcall_offset = <char *>&_unfolded.vectorcall - <char *><PyObject *>_unfolded

_offer_vectorcall(<PyTypeObject *>Schedule)


include "batches.pxi"
include "simulate.pxi"
include "c_api.pxi"
