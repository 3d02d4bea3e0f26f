/* cosine_fast_polynomial_decay.h: Keras's PolynomialDecay, one step -> one learning rate.
 *
 * Method
 *     With s the step, L0 the initial rate, `end` the end rate and D = decay_steps:
 *
 *         end + (L0 - end) * b^power, b = 1 - min(s, D)/D, b^power = 2^(power * log2(b))
 *         cycle                       b = 1 - s/(D*m), m = max(1, ceil(s/D))
 *         power 1                     CosineDecay's warmup line, from L0 to end
 *         power 1/2                   b^power = sqrt(b)
 *
 *     log2(b) is made for each step (cosine_fast_exp2.h), from r - D * 2^k and r + D * 2^k with r = D - s, which are exact.
 *     With n the integer nearest to the exponent E, the rate is L0 + (L0 - end) * (2^E - 1) while n = 0, else end +
 *     (L0 - end) * 2^E: nothing cancels, whichever end is the larger.
 *
 *     A square root, without cycles, needs no logarithm: the rate is L0 - (L0 - end) * w with w = 1 - sqrt(b) =
 *     (s/D) / (1 + sqrt(b)), all in pairs. Near step 0 nothing cancels. Towards the end w keeps an error of about 2^-100,
 *     relative to sqrt(b) 2^-74 at most; where b is below 2^-52 the rate is end + (L0 - end) * sqrt(b).
 *
 * Special cases
 *     Negative steps: b is larger than 1 and m is 1. NaN gives NaN. An infinite step gives the limit. power = 0: L0
 *     throughout. power < 0: at D and past it, infinity with the sign of L0 - end.
 *
 * Accuracy
 *     At most 1 unit in the last place (ULP) if |L0| >= |end|, else 2. Where the rate can cross zero, 1 ULP of the larger
 *     end: between ends of different signs, and for E > 0 if |L0| < |end|. For rates below 1e-300 in size, or more than
 *     1e30 times smaller or larger than the larger end, 3 instead of 1 or 2. docs/explanation/accuracy.md has the reasons.
 *     Cycles are exact for up to 2^98 of them; past these a rate is one of its cycle's, most often that of its end. Exact
 *     at step 0, and at the ends of whole cycles (power > 0).
 */
#ifndef COSINE_FAST_POLYNOMIAL_DECAY_H
#define COSINE_FAST_POLYNOMIAL_DECAY_H

#include "cosine_fast_cosine_decay.h"
#include "cosine_fast_exp2.h"
#include "cosine_fast_floors.h"

enum cf_polynomial_variant { CF_ANY_POWER, CF_CYCLIC, CF_SQUARE_ROOT };

typedef struct cf_polynomial_decay {
    int straight;          /* the power is 1, without cycles: `line` gives all rates */
    int variant;           /* enum cf_polynomial_variant */
    int single;            /* D is whole and at most CF_SMALL_STEP: whole steps up to that are exact in single doubles */
    cf_cosine_decay line;
    cf_power_curve curve;  /* its amplitude is start - end */
    double start, end, power;
    cf_pair fall;          /* start - end */
    double at_end;         /* the rate where b is 0 */
    cf_pair decay_steps;
    cf_pair inverse;       /* 1 / D */
} cf_polynomial_decay;

/* Fold the parameters, which are trusted: start, end and their difference at most 2^1000 in size, 2^-64 <= D < 2^63. */
CF_INLINE void cf_polynomial_decay_init(cf_polynomial_decay *p, double start, cf_pair decay_steps, double end,
                                            double power, int cycle)
{
    const cf_pair one = {1.0, 0.0}, fall = cf_two_sum(start + 0.0, -(end + 0.0)); /* -0 is +0 */
    memset(p, 0, sizeof *p);
    p->start = start + 0.0;
    p->end = end + 0.0;
    p->power = power;
    p->fall = fall;
    p->variant = cycle ? CF_CYCLIC : power == 0.5 ? CF_SQUARE_ROOT : CF_ANY_POWER;
    p->decay_steps = decay_steps;
    p->inverse = cf_reciprocal(decay_steps.hi);
    p->inverse.lo -= p->inverse.hi * (p->inverse.hi * decay_steps.lo);
    p->single = decay_steps.hi <= CF_SMALL_STEP && decay_steps.hi == floor(decay_steps.hi);
    /* For whole steps a square root needs no scaling, unless the rates are near the ends of a double's range. */
    if (p->variant == CF_SQUARE_ROOT && fall.hi != 0.0)
        p->single &= fabs(fall.hi) >= 1.1830521861667747e-271 && fabs(fall.hi) <= 8.452712498170644e+270; /* 2^-900, 2^900 */
    cf_power_curve_init(&p->curve, fall);
    p->at_end = power > 0.0 || fall.hi == 0.0 ? p->end : power == 0.0 ? p->start : fall.hi * INFINITY;
    p->straight = power == 1.0 && !cycle && fall.hi != 0.0 && fabs(fall.hi / decay_steps.hi) <= ldexp(1.0, 1000);
    if (p->straight) cf_cosine_decay_init(&p->line, p->end, one, 1.0, 1, p->start, decay_steps);
}

/* A step that pairs can be made of: infinity becomes a huge step, and a tiny step is enlarged, and *exponent lowered instead:
 * so near step 0 the rate is a line, and the rest of a product may be too small for a double. */
CF_INLINE cf_pair cf_polynomial_step(cf_pair step, int cycle, double *exponent)
{
    const int tiny = fabs(step.hi) < CF_TINY;
    *exponent = tiny ? *exponent - CF_ENLARGED_EXPONENT : *exponent;
    step.lo = fabs(step.hi) > CF_HUGE_STEP ? 0.0 : step.lo;
    step.hi = tiny ? step.hi * CF_ENLARGED : step.hi;
    if (cycle) step.hi = step.hi > CF_HUGE_STEP ? CF_HUGE_STEP : step.hi;
    step.hi = step.hi < -1.7976931348623157e308 ? -CF_HUGE_STEP : step.hi;
    step.hi = step.hi > 1.7976931348623157e308 ? CF_HUGE_STEP : step.hi;
    return step;
}

/* The rate where the power is 1/2, without cycles. */
CF_INLINE double cf_polynomial_root(const cf_polynomial_decay *p, cf_pair step, int single)
{
    /* Hoisted so that the loop vectorises. */
    const double start = p->start, end = p->end, at_end = p->at_end;
    const cf_pair D = p->decay_steps, inverse = p->inverse, amplitude = {p->curve.c0_hi, p->curve.c0_lo};
    const int lowest = step.hi < -1.7976931348623157e308;
    /* Said in other words than r.hi <= 0.0, or GCC would make two loops. */
    const int past = single ? step.hi >= D.hi : (step.hi > D.hi) | ((step.hi == D.hi) & (step.lo >= D.lo));
    double one = 1.0, exponent = p->curve.exponent, root, root_rest, both, per_sum, w, w_rest, rate;
    cf_pair r, b, x, sum, change;
    int tiny;
    if (single) {
        r = cf_make_pair(D.hi - step.hi, 0.0);
    } else {
        int huge;
        step = cf_polynomial_step(step, 0, &exponent);
        /* So far out only the step counts, of which a 2^-600th serves. */
        huge = fabs(step.hi) > 3.273390607896142e+150; /* 2^500 */
        step = cf_scale(step, huge ? 2.409919865102884e-181 : 1.0);
        one = huge ? 4.909093465297727e-91 : 1.0; /* 2^-300 */
        exponent = lowest ? CF_MOST : huge ? exponent + 300.0 : exponent; /* as good as infinity, and 0 times it is 0 */
        r = cf_add(cf_scale(D, huge ? 0.0 : 1.0), cf_negate(step));
    }
    r = cf_choose(r.hi > 0.0, r, D);
    tiny = !single && r.hi < CF_TINY;
    b = cf_product(tiny ? cf_scale(r, CF_ENLARGED) : r, inverse);
    x = cf_product(step, inverse);
    root = sqrt(b.hi);
    sum = single ? cf_fast_two_sum(one, root) : cf_two_sum(one, root); /* the former is exact for roots up to 2^52 */
    both = 1.0 / (root * sum.hi); /* one division for two quotients */
    root_rest = 0.5 * (cf_minus_product(b.hi, root, root) + b.lo) * (both * sum.hi);
    per_sum = both * root;
    w = x.hi * per_sum;
    w_rest = (cf_minus_product(x.hi, w, sum.hi) + (x.lo - w * (sum.lo + root_rest))) * per_sum;
    change = cf_make_pair(-w, -w_rest);
    if (single) {
        change = cf_product(p->fall, change);
        sum = cf_two_sum(start, change.hi);
        rate = sum.hi + (sum.lo + change.lo);
    } else {
        const int ends = b.hi < 2.220446049250313e-16; /* 2^-52 */
        exponent = tiny ? exponent - 0.5 * CF_ENLARGED_EXPONENT : exponent;
        change = cf_product(amplitude, cf_choose(ends, cf_make_pair(root, root_rest), change));
        rate = cf_base_plus(ends ? end : start, change, exponent);
    }
    return past ? at_end : rate;
}

/* The rate at a step, where the power is not 1 or there are cycles. CF_WHOLE_STEPS need p->single. */
CF_INLINE double cf_polynomial_decay_rate(const cf_polynomial_decay *p, cf_pair step, int variant, int steps)
{
    /* Hoisted so that the loop vectorises. */
    const double start = p->start, end = p->end, at_end = p->at_end;
    const cf_pair zero = {0.0, 0.0};
    const int single = steps == CF_WHOLE_STEPS, lowest = step.hi < -1.7976931348623157e308;
    double inverse = 7.888609052210118e-31 * p->inverse.hi, exponent = p->curve.exponent, rate; /* 2^-100 */
    cf_pair D = p->decay_steps, r, log, E;

    if (variant == CF_SQUARE_ROOT) return cf_polynomial_root(p, step, single);
    if (!single) step = cf_polynomial_step(step, variant == CF_CYCLIC, &exponent);
    if (single) {
        r = cf_make_pair(D.hi - step.hi, 0.0);
    } else {
        r = cf_add(D, cf_negate(step));
    }
    if (variant == CF_CYCLIC) {
        /* D * ceil(step / D) is the step plus what is left to the end of its cycle. */
        const int later = step.hi > 0.0;
        cf_stairs stairs;
        cf_pair left, whole;
        if (single) {
            stairs = cf_small_stairs(step.hi, D.hi, 1.0 / D.hi);
            left = cf_make_pair(stairs.rest.hi > 0.0 ? D.hi - stairs.rest.hi : 0.0, 0.0);
            whole = cf_make_pair(step.hi + left.hi, 0.0);
        } else {
            stairs = cf_large_stairs(cf_choose(later, step, zero), D, 1.0 / D.hi);
            left = cf_choose(stairs.rest.hi > 0.0, cf_add(D, cf_negate(stairs.rest)), zero);
            whole = cf_add(step, left);
        }
        r = cf_choose(later, left, r);
        D = cf_choose(later, whole, D);
        inverse = 7.888609052210118e-31 / D.hi; /* 2^-100 */
    }

    log = cf_log2_quotient(step, r, D, inverse, single);
    if (!single) log.hi = lowest ? 1e300 : log.hi; /* as good as infinity, and 0 times it is 0 */
    E = cf_power_exponent(p->power, log);
    E.lo = fabs(E.hi) > CF_MOST ? 0.0 : E.lo;
    E.hi = E.hi > CF_MOST ? CF_MOST : E.hi;
    E.hi = E.hi < -CF_MOST ? -CF_MOST : E.hi;
    rate = cf_power_rate(&p->curve, start, end, E, exponent);
    return r.hi <= 0.0 ? at_end : rate;
}

CF_INLINE int cf_polynomial_decay_steps(const cf_polynomial_decay *p, double least, double greatest, int whole)
{
    if (!whole) return CF_DOUBLE_STEPS;
    return p->single && least >= -CF_SMALL_STEP && greatest <= CF_SMALL_STEP ? CF_WHOLE_STEPS : CF_ANY_STEPS;
}

CF_DEFINE_AT_AS(cf_polynomial_decay_curve_at, polynomial_decay)

static inline double cf_polynomial_decay_at(const cf_polynomial_decay *p, cf_pair step)
{
    if (p->straight) return cf_cosine_decay_at(&p->line, step);
    return p->variant == CF_SQUARE_ROOT ? cf_polynomial_root(p, step, 0) : cf_polynomial_decay_curve_at(p, step);
}

#endif
