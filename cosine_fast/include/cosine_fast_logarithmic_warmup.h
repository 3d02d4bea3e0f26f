/* cosine_fast_logarithmic_warmup.h: LogarithmicWarmup, one step -> one learning rate.
 *
 * Method
 *     With s the step, L0 the initial rate, P the peak and W = warmup_steps, the rate for 0 < s < W - 1 is
 *
 *         L0 + (P - L0) * log2(s + 1) / log2(W) = P + (P - L0) * log2((s + 1) / W) / log2(W)
 *
 *     It is counted from the smaller of L0 and P, so that nothing cancels between rates of one sign: with D = 1 or D = W it
 *     is base + slope * log2((s + 1) / D). With (s + 1) / D = 2^k * (1 + f) and z = f / (2 + f),
 *
 *         log2(1 + f) = f / ln(2) - z * f / ln(2) + z * T(z^2)
 *
 *     where f / ln(2) is a pair, and the rest, a fifth of it, is in doubles. T are the terms after the first of
 *     cf_log2_table.
 *
 * Special cases
 *     L0 at step 0 and before, P at W - 1 and past it. NaN gives NaN. A step below 2^-400 is taken for 0.
 *
 * Accuracy
 *     At most 2 units in the last place (ULP), between rates of different signs in ULP of the larger one; 2^-398 of the
 *     larger one besides, for the steps below 2^-400. Exact at step 0 and from W - 1 on. Over whole steps the rates never
 *     turn back for W up to 2^52. docs/explanation/accuracy.md has the reasons.
 */
#ifndef COSINE_FAST_LOGARITHMIC_WARMUP_H
#define COSINE_FAST_LOGARITHMIC_WARMUP_H

#include "cosine_fast_errors.h"
#include "cosine_fast_exp2.h"

typedef struct cf_logarithmic_warmup {
    int variant;         /* 0: there is one formula */
    int single;          /* D is whole and at most CF_SMALL_STEP: whole steps up to that are exact in single doubles */
    double initial, peak;
    double base, unit;   /* the smaller of the two over unit, a power of 2 by which the larger one is in [1, 2) in size */
    cf_pair slope;       /* (peak - initial) / log2(W) / unit */
    cf_pair last;        /* W - 1 */
    cf_pair D, inverse;  /* D over a power of 2, in [1, 2); 1 / D / ln(2) */
    uint64_t offset;     /* the digits of 1.0 less those of D * sqrt(1/2) */
    double exponent;     /* of that power, and 1023 */
} cf_logarithmic_warmup;

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_logarithmic_warmup_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    if (n != 2 || count != 1) return CF_BAD_LENGTH;
    if (!cf_is_finite(numbers[0])) return CF_BAD_PEAK_LEARNING_RATE;
    if (!cf_is_length(counts[0]) || counts[0].hi < 2.0) return CF_BAD_WARMUP_STEPS;
    if (!cf_is_finite(numbers[1])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_are_ends(numbers[0], numbers[1])) return CF_BAD_SIZE;
    return CF_OK;
}

/* Fold the parameters, which are trusted: the rates and their difference at most 2^1000 in size, 2 <= W < 2^63. */
static inline void cf_logarithmic_warmup_init(cf_logarithmic_warmup *p, double peak, double initial, cf_pair warmup_steps)
{
    const cf_pair one = {1.0, 0.0}, W = warmup_steps, rise = cf_two_sum(peak, -initial);
    const cf_pair more = {W.lo / W.hi * 1.4426950408889634 /* 1 / ln(2) */, 0.0}, log = cf_add(cf_log2(W.hi), more);
    const int rises = fabs(initial) <= fabs(peak);
    const cf_pair D = rises ? one : W;
    double scale;
    int up;
    p->variant = 0;
    p->single = D.hi <= CF_SMALL_STEP && D.hi == floor(D.hi);
    p->initial = initial + 0.0; /* -0 becomes +0 */
    p->peak = peak + 0.0;
    cf_take_unit(rises ? peak : initial, &p->unit);
    frexp(p->unit, &up); /* 1 / unit may be infinite */
    p->base = ldexp(rises ? p->initial : p->peak, 1 - up);
    p->slope = cf_divide(cf_make_pair(ldexp(rise.hi, 1 - up), ldexp(rise.lo, 1 - up)), log);
    p->last = cf_add(W, cf_negate(one));
    p->D.hi = cf_take_unit(D.hi, &scale);
    p->D.lo = D.lo / scale;
    p->inverse = cf_divide(cf_scale(cf_wide_log2_table[0], 0.5), p->D);
    p->offset = cf_bits(1.0) - cf_bits(p->D.hi * 0.7071067811865476);
    p->exponent = (double)(cf_bits(scale) >> 52);
}

CF_INLINE int cf_logarithmic_warmup_steps(const cf_logarithmic_warmup *p, double least, double greatest, int whole)
{
    if (!whole) return CF_DOUBLE_STEPS;
    if (!p->single || least < -CF_SMALL_STEP || greatest > CF_SMALL_STEP) return CF_ANY_STEPS;
    return greatest <= 0.0 || least >= p->last.hi ? CF_ONE_STAIR : CF_WHOLE_STEPS;
}

CF_INLINE double cf_logarithmic_warmup_rate(const cf_logarithmic_warmup *p, cf_pair step, int variant, int steps)
{
    /* Hoisted so that the loop vectorises. */
    const double initial = p->initial, peak = p->peak, base = p->base, unit = p->unit, exponent = p->exponent;
    const cf_pair one = {1.0, 0.0}, slope = p->slope, last = p->last, D = p->D, inverse = p->inverse;
    const uint64_t offset = p->offset;
    const int single = steps == CF_WHOLE_STEPS;
    const cf_pair r = single ? cf_make_pair(step.hi + 1.0, 0.0) : cf_add(step, one);
    const cf_pair binary = cf_exponent_of(cf_bits(r.hi) + offset); /* as in cf_binary_exponent */
    const double k = binary.hi - exponent;
    const cf_pair *c = cf_log2_table;
    double f, low, z, w, ww, tail, y, rate;
    const cf_pair m = cf_scale(r, binary.lo);
    cf_pair n, log, sum;
    int late;
    (void)variant;
    if (single) {
        n = cf_make_pair(m.hi - D.hi, 0.0); /* exact */
        late = step.hi >= last.hi;
    } else {
        n = cf_add(m, cf_negate(D));
        late = (step.hi > last.hi) | ((step.hi == last.hi) & (step.lo >= last.lo));
    }
    f = n.hi * inverse.hi;
    low = n.hi * inverse.lo;
    if (!single) low += n.lo * inverse.hi;
    low += cf_product_rest(n.hi, inverse.hi, f);
    z = n.hi / (m.hi + D.hi);
    w = z * z;
    ww = w * w;
    /* The sums here and below wait for each other as little as they can: what is known first is added first. */
    tail = ((c[1].hi + w * c[2].hi) + ww * (c[3].hi + w * c[4].hi))
           + ww * ww * ((c[5].hi + w * c[6].hi) + ww * (c[7].hi + w * c[8].hi));
    log = cf_fast_two_sum(k, f);
    log.lo = ((log.lo + low) - z * f) + z * w * tail;
    y = slope.hi * log.hi;
    sum = cf_two_sum(base, y);
    sum.lo += cf_product_rest(slope.hi, log.hi, y) + slope.lo * log.hi;
    rate = (sum.hi + (sum.lo + slope.hi * log.lo)) * unit;
    rate = step.hi < 3.8725919148493183e-121 ? initial : rate; /* 2^-400: products are exact with FMA and without */
    return late ? peak : rate;
}

CF_DEFINE_AT(logarithmic_warmup)

#endif
