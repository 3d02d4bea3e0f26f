/* cosine_fast_polynomial_decay.h: Keras's PolynomialDecay, one step -> one learning rate.
 *
 * Method
 *     With s the step, L0 the initial rate, `end` the end rate and D = decay_steps:
 *
 *         end + (L0 - end) * b^power, b = 1 - min(s, D)/D, b^power = 2^(power * log2(b))
 *         cycle                       b = 1 - s/(D*m), m = max(1, ceil(s/D))
 *         power 1                     CosineDecay's warmup line, from L0 to end
 *
 *     log2(b) is made for each step (cosine_fast_exp2.h), from r - D * 2^k and r + D * 2^k with r = D - s, which are exact.
 *     With n the integer nearest to the exponent E, the rate is L0 + (L0 - end) * (2^E - 1) while n = 0, else end +
 *     (L0 - end) * 2^E: nothing cancels, whichever end is the larger.
 *
 *     For powers of 1/2 and 2 whole steps go a short way, in pairs: L0 - (L0 - end) * (1 - b^power), with 1 - sqrt(b) =
 *     (s/D) / (1 + sqrt(b)) and 1 - b^2 = (s/D) * (1 + b), or where b < 1/2, end + (L0 - end) * b^2. It is taken
 *     only without cycles, for D up to 2^50, and where L0 - end is 0 or of a usual size. The error of 1 - sqrt(b),
 *     about 2^-100, is at most 2^-75 of sqrt(b).
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

enum cf_polynomial_variant { CF_ANY_POWER, CF_CYCLIC, CF_POWER_HALF, CF_POWER_TWO };

typedef struct cf_polynomial_decay {
    int straight;          /* the power is 1, without cycles: `line` gives all rates */
    int variant;           /* enum cf_polynomial_variant; the last two have the short way */
    int single;            /* D is whole and at most CF_SMALL_STEP: whole steps up to that are exact in single doubles */
    cf_cosine_decay line;
    cf_power_curve curve;  /* its amplitude is start - end */
    double start, end, power;
    cf_pair fall;          /* start - end */
    double at_end;         /* the rate where b is 0 */
    cf_pair decay_steps;
    cf_pair inverse;       /* 1 / D */
} cf_polynomial_decay;

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_polynomial_decay_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    const double least = ldexp(1.0, -64), most = ldexp(1.0, 64);
    if (n != 4 || count != 1) return CF_BAD_LENGTH;
    if (!cf_is_finite(numbers[0])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_is_length(counts[0])) return CF_BAD_DECAY_STEPS;
    if (!cf_is_finite(numbers[1])) return CF_BAD_END_LEARNING_RATE;
    if (!(numbers[2] == 0.0 || (fabs(numbers[2]) >= least && fabs(numbers[2]) <= most))) return CF_BAD_POWER;
    if (!cf_is_flag(numbers[3])) return CF_BAD_FLAG;
    if (!cf_are_ends(numbers[0], numbers[1])) return CF_BAD_SIZE;
    return CF_OK;
}

/* Fold the parameters, which are trusted: start, end and their difference at most 2^1000 in size, 2^-64 <= D < 2^63. */
CF_INLINE void cf_polynomial_decay_init(cf_polynomial_decay *p, double start, cf_pair decay_steps, double end,
                                            double power, int cycle)
{
    const cf_pair one = {1.0, 0.0}, fall = cf_two_sum(start + 0.0, -(end + 0.0)); /* -0 becomes +0 */
    memset(p, 0, sizeof *p);
    p->start = start + 0.0;
    p->end = end + 0.0;
    p->power = power;
    p->fall = fall;
    p->decay_steps = decay_steps;
    p->inverse = cf_reciprocal(decay_steps.hi);
    p->single = decay_steps.hi <= CF_SMALL_STEP && decay_steps.hi == floor(decay_steps.hi);
    p->variant = cycle ? CF_CYCLIC : CF_ANY_POWER;
    if (!cycle && p->single && (fall.hi == 0.0 || cf_is_usual(fall.hi)))
        p->variant = power == 0.5 ? CF_POWER_HALF : power == 2.0 ? CF_POWER_TWO : CF_ANY_POWER;
    cf_power_curve_init(&p->curve, fall);
    p->at_end = power > 0.0 || fall.hi == 0.0 ? p->end : power == 0.0 ? p->start : fall.hi * INFINITY;
    p->straight = power == 1.0 && !cycle && fall.hi != 0.0 && fabs(fall.hi / decay_steps.hi) <= ldexp(1.0, 1000);
    if (p->straight) cf_cosine_decay_init(&p->line, p->end, one, 1.0, 1, p->start, decay_steps);
}

/* The rate at a whole step up to CF_SMALL_STEP in size by the short way of CF_POWER_HALF or CF_POWER_TWO. */
CF_INLINE double cf_polynomial_short(const cf_polynomial_decay *p, double step, int variant)
{
    /* Hoisted so that the loop vectorises. */
    const double start = p->start, end = p->end, at_end = p->at_end, D = p->decay_steps.hi;
    const cf_pair inverse = p->inverse, fall = p->fall;
    const double left = D - step, r = left > 0.0 ? left : D;
    const cf_pair b = cf_product(cf_make_pair(r, 0.0), inverse), x = cf_product(cf_make_pair(step, 0.0), inverse);
    const int later = variant == CF_POWER_TWO && b.hi < 0.5;
    cf_pair sum, change;
    double rate;
    if (variant == CF_POWER_HALF) {
        const double root = sqrt(b.hi);
        double both, rest, per_sum, w;
        sum = cf_fast_two_sum(1.0, root); /* exact for roots up to 2^52 */
        both = 1.0 / (root * sum.hi); /* one division for two quotients */
        rest = 0.5 * (cf_minus_product(b.hi, root, root) + b.lo) * (both * sum.hi); /* of the root */
        per_sum = both * root;
        w = x.hi * per_sum;
        rest = (cf_minus_product(x.hi, w, sum.hi) + (x.lo - w * (sum.lo + rest))) * per_sum;
        change = cf_make_pair(-w, -rest);
    } else {
        sum = cf_two_sum(1.0, b.hi);
        sum.lo += b.lo;
        change = cf_choose(later, cf_product(b, b), cf_negate(cf_product(x, sum)));
    }
    change = cf_product(fall, change);
    sum = cf_two_sum(later ? end : start, change.hi);
    rate = sum.hi + (sum.lo + change.lo);
    return step >= D ? at_end : rate; /* with `left` in this condition GCC would not vectorise the loop */
}

/* The rate at a step, where the power is not 1 or there are cycles. `single`: the step is whole, and p->single. */
CF_INLINE double cf_polynomial_curve(const cf_polynomial_decay *p, cf_pair step, int cycle, int single)
{
    /* Hoisted so that the loop vectorises. */
    const double start = p->start, end = p->end, at_end = p->at_end;
    const cf_pair zero = {0.0, 0.0};
    const int lowest = step.hi < -1.7976931348623157e308;
    double inverse = 7.888609052210118e-31 * p->inverse.hi, exponent = p->curve.exponent, rate; /* 2^-100 */
    cf_pair D = p->decay_steps, r, log, E;

    if (!single) {
        /* So near step 0 the rate is a line, and the rest of a product may be too small for a double. */
        const int tiny = fabs(step.hi) < CF_TINY;
        step.hi = tiny ? step.hi * CF_ENLARGED : step.hi;
        exponent = tiny ? exponent - CF_ENLARGED_EXPONENT : exponent;
        /* Infinity has no pair. */
        step.lo = fabs(step.hi) > CF_HUGE_STEP ? 0.0 : step.lo;
        if (cycle) step.hi = step.hi > CF_HUGE_STEP ? CF_HUGE_STEP : step.hi;
        step.hi = step.hi > 1.7976931348623157e308 ? CF_HUGE_STEP : lowest ? -CF_HUGE_STEP : step.hi;
    }
    r = single ? cf_make_pair(D.hi - step.hi, 0.0) : cf_add(D, cf_negate(step));
    if (cycle) {
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

/* CF_WHOLE_STEPS need p->single. */
CF_INLINE double cf_polynomial_decay_rate(const cf_polynomial_decay *p, cf_pair step, int variant, int steps)
{
    const int whole = (step.lo == 0.0) & (fabs(step.hi) <= CF_SMALL_STEP) & (cf_round(step.hi) == step.hi);
    double at_whole, at_any;
    if (variant <= CF_CYCLIC) return cf_polynomial_curve(p, step, variant == CF_CYCLIC, steps == CF_WHOLE_STEPS);
    if (steps == CF_WHOLE_STEPS) return cf_polynomial_short(p, step.hi, variant);
    at_whole = cf_polynomial_short(p, whole ? step.hi : 0.0, variant);
    at_any = cf_polynomial_curve(p, step, 0, 0);
    return whole ? at_whole : at_any;
}

CF_INLINE int cf_polynomial_decay_steps(const cf_polynomial_decay *p, double least, double greatest, int whole)
{
    if (!whole) return CF_DOUBLE_STEPS;
    return p->single && least >= -CF_SMALL_STEP && greatest <= CF_SMALL_STEP ? CF_WHOLE_STEPS : CF_ANY_STEPS;
}

CF_DEFINE_AT_AS(cf_polynomial_decay_curve_at, polynomial_decay)

static inline double cf_polynomial_decay_at(const cf_polynomial_decay *p, cf_pair step)
{
    const int whole = step.lo == 0.0 && fabs(step.hi) <= CF_SMALL_STEP && step.hi == floor(step.hi);
    if (p->straight) return cf_cosine_decay_at(&p->line, step);
    if (whole && p->variant > CF_CYCLIC) return cf_polynomial_short(p, step.hi, p->variant);
    return cf_polynomial_decay_curve_at(p, step);
}

#endif
