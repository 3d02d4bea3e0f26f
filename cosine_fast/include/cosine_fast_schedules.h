/* cosine_fast_schedules.h: any of the schedules, by one name. Header only, C99 or C++11, no Python.
 *
 * To add one: its own header, and a line in each of the three lists below.
 */
#ifndef COSINE_FAST_SCHEDULES_H
#define COSINE_FAST_SCHEDULES_H

#include "cosine_fast.h"
#include "cosine_fast_powers.h"
#include "cosine_fast_ratios.h"
#include "cosine_fast_restarts.h"
#include "cosine_fast_sums.h"

enum cf_family {
    CF_COSINE_DECAY,
    CF_EXPONENTIAL_DECAY,
    CF_INVERSE_TIME_DECAY,
    CF_POLYNOMIAL_DECAY,
    CF_PIECEWISE_CONSTANT,
    CF_COSINE_DECAY_RESTARTS,
    CF_COSINE_SUMS
};

typedef struct cf_schedule {
    int family; /* enum cf_family: which of these it is */
    union {
        cf_cosine_decay cosine_decay;
        cf_inverse_time_decay inverse_time_decay;
        cf_piecewise_constant piecewise_constant;
        cf_exponential_decay exponential_decay;
        cf_polynomial_decay polynomial_decay;
        cf_cosine_decay_restarts cosine_decay_restarts;
        cf_cosine_sums cosine_sums;
    } as;
} cf_schedule;

static inline double cf_schedule_at(const cf_schedule *p, cf_pair step)
{
    switch (p->family) {
    case CF_COSINE_DECAY: return cf_cosine_decay_at(&p->as.cosine_decay, step);
    case CF_INVERSE_TIME_DECAY: return cf_inverse_time_decay_at(&p->as.inverse_time_decay, step);
    case CF_PIECEWISE_CONSTANT: return cf_piecewise_constant_at(&p->as.piecewise_constant, step);
    case CF_EXPONENTIAL_DECAY: return cf_exponential_decay_at(&p->as.exponential_decay, step);
    case CF_POLYNOMIAL_DECAY: return cf_polynomial_decay_at(&p->as.polynomial_decay, step);
    case CF_COSINE_DECAY_RESTARTS: return cf_cosine_decay_restarts_at(&p->as.cosine_decay_restarts, step);
    case CF_COSINE_SUMS: return cf_cosine_sums_at(&p->as.cosine_sums, step);
    default: return NAN;
    }
}

#endif
