/* cosine_fast_exponential_decay.h: Keras's ExponentialDecay, one step -> one learning rate.
 *
 * Method
 *     With s the step, L0 the initial rate and D = decay_steps:
 *
 *         L0 * rate^(s/D)         = L0 * 2^(s * log2(rate)/D)
 *         L0 * rate^floor(s/D)    = L0 * 2^(floor(s/D) * log2(rate))   with a staircase
 *
 *     log2(rate) and its quotient with D are pairs, made when the parameters are folded; cosine_fast_exp2.h does the rest.
 *
 * Special cases
 *     NaN gives NaN. An infinite step gives the limit, or NaN where there is none (an alternating staircase that does not
 *     fall to 0). rate = 0: L0 at s/D = 0, 0 past it, and before it infinity with the sign of L0. rate < 0, with a
 *     staircase: alternating signs. L0 = 0: 0 throughout.
 *
 * Accuracy
 *     At most 1 unit in the last place (ULP); the largest error seen is 0.69, and 0.82 for subnormal rates. Stairs are
 *     exact for up to 2^98 of them. Exact at step 0. Over whole steps a curve never turns back where neighbouring exact
 *     rates differ by a relative 2^-55 or more.
 */
#ifndef COSINE_FAST_EXPONENTIAL_DECAY_H
#define COSINE_FAST_EXPONENTIAL_DECAY_H

#include "cosine_fast_errors.h"
#include "cosine_fast_exp2.h"
#include "cosine_fast_floors.h"

typedef struct cf_exponential_decay {
    int variant;               /* 1: a staircase */
    uint64_t alternates;       /* 1: decay_rate is negative */
    int small_stairs;          /* whole steps up to CF_SMALL_STEP may use cf_small_stairs */
    cf_power_curve curve;
    double slope_hi, slope_lo; /* the exponent for each step, or each stair; slope_hi is 26 bits long */
    double limit, stop;        /* a step, or stair, beyond the limit is replaced by `stop` */
    cf_pair decay_steps;
    double inverse;
} cf_exponential_decay;

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_exponential_decay_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    if (n != 3 || count != 1) return CF_BAD_LENGTH;
    if (!cf_is_finite(numbers[0])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_is_length(counts[0])) return CF_BAD_DECAY_STEPS;
    if (!cf_is_flag(numbers[2])) return CF_BAD_FLAG;
    if (!cf_is_rate(numbers[0])) return CF_BAD_SIZE;
    if (!cf_is_finite(numbers[1]) || (numbers[1] < 0.0 && numbers[2] == 0.0)) return CF_BAD_DECAY_RATE;
    return CF_OK;
}

/* Fold the parameters, which are trusted: rates at most 2^1000 in size, 2^-64 <= D < 2^63; decay_rate not negative
 * without a staircase. */
CF_INLINE void cf_exponential_decay_init(cf_exponential_decay *p, double start, cf_pair decay_steps,
                                             double decay_rate, int staircase)
{
    memset(p, 0, sizeof *p);
    p->variant = staircase;
    p->alternates = decay_rate < 0.0 ? 1 : 0;
    p->small_stairs = decay_steps.lo == 0.0 && decay_steps.hi >= 1.0;
    p->decay_steps = decay_steps;
    p->inverse = 1.0 / decay_steps.hi;
    cf_power_curve_init(&p->curve, cf_make_pair(start + 0.0, 0.0));
    if (decay_rate == 0.0) {
        p->slope_hi = -CF_MOST;
        p->stop = 1.0; /* and the limit is 0 */
    } else {
        cf_pair slope = cf_log2(fabs(decay_rate));
        if (!staircase) slope = cf_divide(slope, decay_steps);
        p->slope_hi = cf_rounded_bits(slope.hi);
        p->slope_lo = (slope.hi - p->slope_hi) + slope.lo;
        p->limit = slope.hi == 0.0 ? CF_HUGE_STEP : CF_MOST / fabs(slope.hi);
        p->stop = p->limit;
    }
}

/* The rate at a step, or a stair, without two factors, which are powers of 2. `single`: x is a single double. */
CF_INLINE cf_pair cf_power(const cf_exponential_decay *p, cf_pair x, int single, cf_pair *factors)
{
    const double limit = p->limit, stop = p->stop; /* hoisted so that the loop vectorises */
    double head, P, R, n, f, sum;
    if (!single) x.lo = fabs(x.hi) > limit ? 0.0 : x.lo;
    x.hi = x.hi > limit ? stop : x.hi;
    x.hi = x.hi < -limit ? -stop : x.hi;
    head = cf_leading_bits(x.hi);
    P = head * p->slope_hi;
    R = cf_exact_plus(x.hi - head, p->slope_hi, x.hi * p->slope_lo);
    if (!single) R += x.lo * p->slope_hi;
    n = cf_round(P);
    f = P - n; /* exact */
    sum = f + R;
    *factors = cf_two_factors(n + p->curve.exponent);
    return cf_power_curve_at(&p->curve, cf_make_pair(p->curve.c0_hi, p->curve.c0_lo), sum, R - (sum - f));
}

/* The rate at a step, or a stair. */
CF_INLINE double cf_exponential(const cf_exponential_decay *p, cf_pair x, int single)
{
    cf_pair factors;
    const cf_pair y = cf_power(p, x, single, &factors);
    return ((y.hi + y.lo) * factors.hi) * factors.lo;
}

/* The rate at a step on a staircase. `small`: the step is whole, at most CF_SMALL_STEP in size, and p->small_stairs. */
CF_INLINE double cf_staircase(const cf_exponential_decay *p, cf_pair step, int small)
{
    double rate;
    uint64_t odd = 0;
    cf_stairs stairs;
    if (small) {
        stairs = cf_small_stairs(step.hi, p->decay_steps.hi, p->inverse);
    } else {
        cf_pair finite; /* infinity has no remainder */
        finite.hi = step.hi > CF_HUGE_STEP ? CF_HUGE_STEP : step.hi < -CF_HUGE_STEP ? -CF_HUGE_STEP : step.hi;
        finite.lo = fabs(step.hi) > CF_HUGE_STEP ? 0.0 : step.lo;
        stairs = cf_large_stairs(finite, p->decay_steps, p->inverse);
    }
    rate = cf_exponential(p, stairs.count, small);
    if (!small) odd = cf_is_odd(stairs.count.lo);
    odd = (odd ^ cf_is_odd(stairs.count.hi)) & p->alternates;
    /* At infinity an alternating staircase has no limit but 0. */
    if (!small) rate = p->alternates && fabs(step.hi) > 1.7976931348623157e308 && rate != 0.0 ? NAN : rate;
    return cf_double(cf_bits(rate) ^ (odd << 63));
}

CF_INLINE int cf_exponential_decay_steps(const cf_exponential_decay *p, double least, double greatest, int whole)
{
    const double D = p->decay_steps.hi, inverse = p->inverse;
    if (!whole) return CF_DOUBLE_STEPS;
    if (least < -CF_SMALL_STEP || greatest > CF_SMALL_STEP || (p->variant && !p->small_stairs)) return CF_ANY_STEPS;
    if (!p->variant || cf_small_stairs(least, D, inverse).count.hi != cf_small_stairs(greatest, D, inverse).count.hi)
        return CF_WHOLE_STEPS;
    return CF_ONE_STAIR;
}

CF_INLINE double cf_exponential_decay_rate(const cf_exponential_decay *p, cf_pair step, int variant, int steps)
{
    return variant ? cf_staircase(p, step, steps == CF_WHOLE_STEPS) : cf_exponential(p, step, steps != CF_ANY_STEPS);
}

CF_DEFINE_AT(exponential_decay)

#endif
