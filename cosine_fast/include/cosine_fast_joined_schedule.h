/* cosine_fast_joined_schedule.h: schedules one after another, one step -> one learning rate.
 *
 * The rate is that of schedules[k] at signs[k] * (step - offsets[k]), where k is the number of boundaries <= step. The
 * comparisons are exact, and the difference is where it is a whole number up to 2^65 in size. Otherwise it is rounded to a
 * double, but with a sign of -1 it is a pair if it has a fraction. NaN gives NaN.
 */
#ifndef COSINE_FAST_JOINED_SCHEDULE_H
#define COSINE_FAST_JOINED_SCHEDULE_H

#include "cosine_fast_errors.h"
#include "cosine_fast_pairs.h"

#ifndef COSINE_FAST_SCHEDULES_H
#error "include cosine_fast_schedules.h, which has the schedules that this header joins"
#endif

struct cf_schedule;
static double cf_schedule_at(const struct cf_schedule *p, cf_pair step);

/* The arrays and the schedules are the caller's and must outlive this one. */
typedef struct cf_joined_schedule {
    int64_t count;             /* of the boundaries; there is one segment more */
    const cf_pair *boundaries; /* whole numbers, rising */
    const cf_pair *offsets;    /* whole numbers */
    const double *signs;       /* 1, or -1 for a schedule that runs backwards */
    const struct cf_schedule *const *schedules;
} cf_joined_schedule;

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_joined_schedule_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    int64_t i;
    if (n < 1 || count != 2 * n - 1) return CF_BAD_LENGTH;
    for (i = 0; i < n - 1; i++)
        if (!cf_is_int64(counts[i]) || (i > 0 && cf_less(counts[i], counts[i - 1]))) return CF_BAD_BOUNDARIES;
    for (; i < count; i++)
        if (!cf_is_int64(counts[i])) return CF_BAD_OFFSETS;
    for (i = 0; i < n; i++)
        if (fabs(numbers[i]) != 1.0) return CF_BAD_SIGNS;
    return CF_OK;
}

/* Fold the parameters, which are trusted; `numbers` are the boundaries, then the offsets. */
static inline void cf_joined_schedule_init(cf_joined_schedule *p, int64_t segments, const cf_pair *numbers,
                                           const double *signs, const struct cf_schedule *const *schedules)
{
    p->count = segments - 1;
    p->boundaries = numbers;
    p->offsets = numbers + p->count;
    p->signs = signs;
    p->schedules = schedules;
}

/* The step at which the schedule of segment k is called. */
CF_INLINE cf_pair cf_segment_step(const cf_joined_schedule *p, int64_t k, cf_pair step)
{
    const cf_pair offset = p->offsets[k];
    const double sign = p->signs[k];
    cf_pair t = cf_make_pair(step.hi - offset.hi, 0.0);
    const int large = fabs(t.hi) >= 9007199254740992.0; /* 2^53 */
    if ((large | (step.lo != 0.0) | (offset.lo != 0.0) | (sign < 0.0)) && fabs(t.hi) <= CF_BEYOND_INT64)
        t = cf_add(step, cf_negate(offset));
    return cf_make_pair(sign * t.hi, sign * t.lo);
}

static CF_NOINLINE double cf_joined_schedule_at(const cf_joined_schedule *p, cf_pair step)
{
    const int64_t k = cf_count_below(p->boundaries, p->count, step, 1);
    return cf_schedule_at(p->schedules[k], cf_segment_step(p, k, step));
}

#endif
