/* cosine_fast_piecewise_constant_decay.h: Keras's PiecewiseConstantDecay, one step -> one learning rate.
 *
 * values[number of boundaries < step]. All comparisons are exact. NaN gives NaN.
 */
#ifndef COSINE_FAST_PIECEWISE_CONSTANT_DECAY_H
#define COSINE_FAST_PIECEWISE_CONSTANT_DECAY_H

#include "cosine_fast_errors.h"
#include "cosine_fast_pairs.h"

/* The arrays are the caller's and must outlive the schedule. */
typedef struct cf_piecewise_constant_decay {
    int64_t count;             /* of the boundaries */
    const cf_pair *boundaries; /* rising */
    const double *values;      /* one more than boundaries */
    const double *lasts;       /* the last step of each piece but the last, among those that are single doubles */
} cf_piecewise_constant_decay;

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_piecewise_constant_decay_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    int64_t i;
    if (n < 1 || count != n - 1) return CF_BAD_LENGTH;
    for (i = 0; i < count; i++)
        if (!cf_is_step(counts[i]) || (i > 0 && !cf_less(counts[i - 1], counts[i]))) return CF_BAD_BOUNDARIES;
    for (i = 0; i < n; i++)
        if (!cf_is_finite(numbers[i])) return CF_BAD_VALUES;
    return CF_OK;
}

/* Fold the parameters, which are trusted. lasts: memory for as many doubles as there are boundaries. */
static inline void cf_piecewise_constant_decay_init(cf_piecewise_constant_decay *p, int64_t count, const cf_pair *boundaries,
                                              const double *values, double *lasts)
{
    int64_t i;
    /* A boundary between two doubles is a large int64. */
    for (i = 0; i < count; i++)
        lasts[i] = boundaries[i].lo < 0.0 ? nextafter(boundaries[i].hi, -INFINITY) : boundaries[i].hi;
    p->count = count;
    p->boundaries = boundaries;
    p->values = values;
    p->lasts = lasts;
}

static inline double cf_piecewise_constant_decay_at(const cf_piecewise_constant_decay *p, cf_pair step)
{
    if (step.hi != step.hi) return step.hi;
    return p->values[cf_count_below(p->boundaries, p->count, step, 0)] + 0.0; /* -0 becomes +0 */
}

#endif
