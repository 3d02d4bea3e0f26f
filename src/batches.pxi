"""Batches: CosineDecay and WarmupStableDecay with arrays for their parameters, and the check of these.

A part of _kernel.pyx.
"""

# The rates of a batch are computed along the steps, one schedule after another, if each has at least this many steps:
# setting up each schedule by itself takes time, but loops for one schedule know more about its steps.
cdef int64_t ROW = 24


def cosine_decays(cnp.ndarray rates not None, cnp.ndarray steps not None, list parameters not None, int num_threads,
                  bint absolute, bint plain=False):
    """CosineDecay's rates, into `rates`; all else broadcasts to its shape.

    parameters: initial_learning_rate, decay_steps, alpha (if `absolute`, end_learning_rate), warmup_target (NaN: none),
    warmup_steps; checked already. With `plain` they need not be: it evaluates only plain schedules of one step each,
    which are right, and returns whether there were no others. If there were, the rates are undefined.
    """
    cdef cf_batch batch
    cdef atomic_int others = 0
    batch.absolute = absolute
    batch.plain = plain
    batch.others = &others
    _evaluate_batch(_isas[_isa].cosine_decays, &batch, rates, steps, parameters, num_threads)
    return others == 0


def stable_decays(cnp.ndarray rates not None, cnp.ndarray steps not None, list parameters not None, int num_threads,
                  int shape, make):
    """WarmupStableDecay's rates, into `rates`; all else broadcasts to its shape.

    parameters: initial_learning_rate, decay_steps, end_learning_rate, peak_learning_rate, warmup_steps, stable_steps;
    checked already. shape: the number of the decay, from 1. `make` is of use to the pure-Python kernel.
    """
    cdef cf_batch batch
    batch.absolute = True
    batch.plain = False
    batch.shape = shape
    _evaluate_batch(_isas[_isa].stable_decays, &batch, rates, steps, parameters, num_threads)


cdef int _evaluate_batch(cf_run run, cf_batch *batch, cnp.ndarray rates, cnp.ndarray steps, list parameters,
                         int num_threads) except -1:
    """Describe the arrays in the batch, and run it."""
    cdef list arrays = [rates, steps, *parameters]
    cdef cf_operand *of_schedules[8]
    cdef cf_operand *of_row[2]
    cdef _Axis axes[64]
    cdef int count, k
    if cnp.PyArray_SIZE(rates) == 0:
        return 0
    of_schedules[:] = [&batch.schedules.rates, &batch.schedules.steps, &batch.initial, &batch.decay_steps, &batch.alpha,
                       &batch.target, &batch.warmup_steps, &batch.stable_steps]
    of_row[:] = [&batch.row.rates, &batch.row.steps]
    for k in range(len(arrays)):
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
    batch.row.shift = 0
    batch.streamed = cnp.PyArray_NBYTES(rates) > CF_STREAMED
    return _work(run, batch, &batch.row.rates, batch.streamed, cnp.PyArray_SIZE(rates), num_threads)


def within(cnp.ndarray numbers not None, double least, double most, double allowed, bint nan, int num_threads):
    """Whether each of the numbers is from `least` to `most`, or is `allowed`, or NaN if `nan` is true."""
    cdef cf_check check
    cdef atomic_int failed = 0
    if cnp.PyArray_SIZE(numbers) == 0:
        return True
    check.least = least
    check.most = most
    check.allowed = allowed
    check.nan = nan
    check.failed = &failed
    _operand(&check.numbers.steps, numbers)
    _layout(&check.numbers, numbers, numbers)
    _work(_isas[_isa].check, &check, &check.numbers.steps, False, cnp.PyArray_SIZE(numbers), num_threads)
    return failed == 0
