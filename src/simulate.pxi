"""The sums of cosine_fast/simulate.py. All arrays are C-contiguous, of float64 and int64. A part of _kernel.pyx."""


cdef int _sum(cf_run run, const void *sums, int64_t elements, int num_threads) except -1:
    cdef cf_operand unaligned
    unaligned.data = NULL
    unaligned.type = CF_FLOAT64
    return _work(run, sums, &unaligned, False, elements, num_threads)


def power_sums(cnp.ndarray totals, cnp.ndarray at, cnp.ndarray first, cnp.ndarray end, cnp.ndarray starts,
               cnp.ndarray factors, cnp.ndarray changes, double beta, int num_threads):
    """Set totals[i, j] to the sum over first[i] <= k < end[i] of changes[k] * (1 + products[k])**-beta.

    The products are factors[k] * (at[i, j] - starts[k]). Negative ones count as 0, and so does 0 times infinity. There
    are 16 places for each i.
    """
    cdef cf_power_sums sums
    sums.at = <double *>cnp.PyArray_DATA(at)
    sums.starts = <double *>cnp.PyArray_DATA(starts)
    sums.factors = <double *>cnp.PyArray_DATA(factors)
    sums.changes = <double *>cnp.PyArray_DATA(changes)
    sums.first = <int64_t *>cnp.PyArray_DATA(first)
    sums.end = <int64_t *>cnp.PyArray_DATA(end)
    sums.beta = beta
    sums.totals = <double *>cnp.PyArray_DATA(totals)
    _sum(_isas[_isa].power_sums, &sums, CF_ITEM * cnp.PyArray_DIM(totals, 0), num_threads)


def momentum_sums(cnp.ndarray sums, cnp.ndarray rates, cnp.ndarray decays, bint last, int num_threads):
    """Set sums[i, j, t] to decays[i] * sums[i, j, t - 1] + rates[j, 0] - rates[j, t]; with `last`, sums[i, j] to these.

    i and j may be any number of axes.

    Returns whether the last sums are finite.
    """
    cdef cf_momentum_sums work
    cdef atomic_int failed = 0
    work.rates = <double *>cnp.PyArray_DATA(rates)
    work.decays = <double *>cnp.PyArray_DATA(decays)
    work.steps = cnp.PyArray_DIM(rates, cnp.PyArray_NDIM(rates) - 1)
    work.rows = cnp.PyArray_SIZE(rates) // work.steps
    work.last = last
    work.streamed = not last and cnp.PyArray_NBYTES(sums) > CF_STREAMED
    work.sums = <double *>cnp.PyArray_DATA(sums)
    work.failed = &failed
    _sum(_isas[_isa].momentum_sums, &work, cnp.PyArray_SIZE(decays) * cnp.PyArray_SIZE(rates), num_threads)
    return failed == 0
