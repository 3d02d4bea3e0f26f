/* cosine_fast_power_cosine_decay.h: PowerCosineDecay, one step -> one learning rate.
 *
 * Method
 *     With s the step, L0 the initial rate, `end` the end rate, D = decay_steps and x = s / D:
 *
 *         end + (L0 - end) * c^exponent, c = cos(pi/2 * u)^2, u = x^k_decay
 *
 *     The nearer of 0 and 1 to u gives the distance v = u or 1 - u, and sin(pi/2 * v)^2 is a polynomial in v^2 without a
 *     constant term. It is c or 1 - c, so that both are known to all their digits, and the rest is PolynomialDecay's, with
 *     c in place of 1 - s/D. u = 2^(k_decay * log2(x)), and 1 - u = -(2^f - 1) where this is at most about 0.3.
 *
 * Special cases
 *     L0 at step 0 and before, `end` at D and past it. NaN gives NaN. A v below 2^-400 is taken for 0.
 *
 * Accuracy
 *     At most 1 unit in the last place (ULP) if |L0| >= |end|, else 2; between ends of different signs 1 ULP of the larger
 *     one. 3 instead for rates below 1e-300 in size, or more than 1e30 times smaller than the larger end, and 2^-700 of that
 *     end besides. Exact at step 0 and at D.
 */
#ifndef COSINE_FAST_POWER_COSINE_DECAY_H
#define COSINE_FAST_POWER_COSINE_DECAY_H

#include "cosine_fast_polynomial_decay.h"

typedef struct cf_power_cosine_decay {
    int variant;           /* 1: k_decay is not 1 */
    int single;            /* D is whole and at most CF_SMALL_STEP: whole steps up to that are exact in single doubles */
    cf_power_curve curve;  /* its amplitude is start - end */
    double start, end, exponent, k_decay;
    cf_pair decay_steps, inverse; /* D, 1 / D */
} cf_power_cosine_decay;

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_power_cosine_decay_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    if (n != 4 || count != 1) return CF_BAD_LENGTH;
    if (!cf_is_finite(numbers[0])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_is_length(counts[0])) return CF_BAD_DECAY_STEPS;
    if (!cf_is_finite(numbers[1])) return CF_BAD_END_LEARNING_RATE;
    if (!(numbers[2] >= 1.0 / 1024.0 && numbers[2] <= 1024.0)) return CF_BAD_EXPONENT;
    if (!(numbers[3] >= 1.0 / 1024.0 && numbers[3] <= 1024.0)) return CF_BAD_K_DECAY;
    if (!cf_are_ends(numbers[0], numbers[1])) return CF_BAD_SIZE;
    return CF_OK;
}

/* Fold the parameters, which are trusted: start, end and their difference at most 2^1000 in size, 2^-64 <= D < 2^63, exponent
 * and k_decay from 2^-10 to 2^10. */
static inline void cf_power_cosine_decay_init(cf_power_cosine_decay *p, double start, cf_pair decay_steps, double end,
                                              double exponent, double k_decay)
{
    const cf_pair one = {1.0, 0.0};
    p->variant = k_decay != 1.0;
    p->single = decay_steps.hi <= CF_SMALL_STEP && decay_steps.hi == floor(decay_steps.hi);
    p->start = start + 0.0; /* -0 becomes +0 */
    p->end = end + 0.0;
    p->exponent = exponent;
    p->k_decay = k_decay;
    p->decay_steps = decay_steps;
    p->inverse = cf_divide(one, decay_steps);
    cf_power_curve_init(&p->curve, cf_two_sum(p->start, -p->end));
}

/* 2^f - 1 for |f| <= 1/2, to a relative 2^-61. The tails here are sums of pairs of terms, which wait least for each other. */
CF_INLINE cf_pair cf_exp2_less_one(cf_pair f)
{
    const cf_pair *c = cf_exp2_table;
    const double x = f.hi, xx = x * x, x4 = xx * xx;
    const double last = (c[7].hi + x * c[8].hi) + xx * (c[9].hi + x * c[10].hi) + x4 * c[11].hi;
    const double tail = ((c[3].hi + x * c[4].hi) + xx * (c[5].hi + x * c[6].hi)) + x4 * last;
    return cf_product(f, cf_short_horner(c, 3, f, x * tail));
}

/* sin(pi/2 * v)^2 for 0 <= v <= 1/2, to a relative 2^-61. */
CF_INLINE cf_pair cf_sine_squared(cf_pair v)
{
    const cf_pair *c = cf_single_table, square = cf_product(v, v);
    const double x = square.hi, xx = x * x;
    const double tail =
        ((c[3].hi + x * c[4].hi) + xx * (c[5].hi + x * c[6].hi)) + xx * xx * (c[7].hi + x * c[8].hi);
    return cf_product(square, cf_short_horner(c, 3, square, x * tail));
}

/* The rate at a step. CF_WHOLE_STEPS need p->single. */
CF_INLINE double cf_power_cosine_decay_rate(const cf_power_cosine_decay *p, cf_pair step, int variant, int steps)
{
    /* Hoisted so that the loop vectorises. */
    const double start = p->start, end = p->end, exponent = p->exponent, k_decay = p->k_decay;
    const cf_pair zero = {0.0, 0.0}, D = p->decay_steps, inverse = p->inverse;
    const int single = steps == CF_WHOLE_STEPS, early = step.hi <= 0.0;
    int lower;
    double rate;
    cf_pair r, v, wave, rest, log;

    if (!single) { /* infinity is not a pair */
        const int past = step.hi > CF_BEYOND_INT64;
        step.hi = past ? CF_BEYOND_INT64 : step.hi;
        step.lo = past ? 0.0 : step.lo;
    }
    r = single ? cf_make_pair(D.hi - step.hi, 0.0) : cf_add(D, cf_negate(step));
    if (variant) {
        double n, factor, base;
        cf_pair y;
        log = cf_log2_quotient(r, step, D, inverse.hi * 7.888609052210118e-31 /* 2^-100 */, single);
        log = cf_power_exponent(k_decay, log);
        n = cf_round(log.hi);
        y = cf_exp2_less_one(cf_fast_two_sum(log.hi - n, log.lo));
        factor = n < -1000.0 ? -1000.0 : n; /* 2^n, as in cf_two_factors: */
        factor = cf_double((cf_bits(factor + 6755399441055744.0) << 52) + UINT64_C(0x3FF0000000000000));
        /* u = factor + factor * y, or 1 less that, where factor is 1 or 1/2 */
        lower = log.hi >= -1.0;
        base = lower ? 1.0 - factor : factor;
        factor = lower ? -factor : factor;
        v = cf_fast_two_sum(base, factor * y.hi);
        v.lo += factor * y.lo;
    } else {
        lower = !cf_less(step, r);
        v = cf_product(cf_choose(lower, r, step), inverse);
    }
    v = cf_choose(v.hi < 3.8725919148493183e-121, zero, v); /* 2^-400: products are exact with FMA and without */

    wave = cf_sine_squared(v);
    rest = cf_rest_of_one(wave);
    log = cf_log2_part(cf_choose(lower, rest, wave), cf_choose(lower, wave, rest));
    rate = cf_power_rate(&p->curve, start, end, cf_power_exponent(exponent, log), p->curve.exponent);
    rate = early ? start : rate;
    return r.hi <= 0.0 ? end : rate;
}

CF_INLINE int cf_power_cosine_decay_steps(const cf_power_cosine_decay *p, double least, double greatest, int whole)
{
    if (!whole) return CF_DOUBLE_STEPS;
    return p->single && least >= -CF_SMALL_STEP && greatest <= CF_SMALL_STEP ? CF_WHOLE_STEPS : CF_ANY_STEPS;
}

CF_DEFINE_AT(power_cosine_decay)

#endif
