/* cosine_fast_inverse_time_decay.h: Keras's InverseTimeDecay, one step -> one learning rate.
 *
 * Method
 *     With s the step, D = decay_steps, r = decay_rate and L0 the initial rate:
 *
 *         smooth     L0 / (1 + r * s / D) = (L0 * D) / (D + r * s)
 *         staircase  L0 / (1 + r * floor(s / D))
 *
 *     The short way, for most steps: with x = s or floor(s / D), and C = D / r or 1 / r, the rate is L0 * C / (x + C).
 *     Folding finds whole numbers a and b such that b / a is C, or within a relative 2^-53 of it (continued fractions).
 *     It multiplies both by a factor with which L0 * b is very close to a double. Then the rate is
 *     (L0 * b) / (a * x + b). For a whole x the sum is
 *     exact (here up to 2^50), so that one operation rounds, the division. The errors of L0 * b and C may be 1.5 * 2^-53
 *     of a rate together, 1.5 ULP at most; they are zero where D / r and L0 * b have few bits. They are corrected where
 *     the sum is not exact, for larger x and those with a fraction: with q the quotient, t the error of the sum, c that of
 *     C in it, and h the relative error of L0 * b, q becomes q + q * (h - (t + c) / (a * x + b)).
 *     The short way is not taken within C / 16 of the pole, nor nearer than the error of C allows, nor beyond 2^50, nor for
 *     rates beyond 2^300.
 *
 *     The long way: top / (base + r * x). r * x is an exact pair; the sum and `top` have a relative error of 2^-103, also
 *     where base and r * x cancel, near the pole. The quotient is corrected likewise.
 *
 * Special cases
 *     At the pole itself the rate is L0 * infinity (NaN for L0 = 0). NaN gives NaN, +inf and -inf the limit: 0, and L0 where
 *     r = 0. floor(s / D) is exact up to 2^98. Beyond, the staircase is evaluated as the smooth curve, which is within a
 *     relative 2^-98: a difference only next to a pole of |r| < 2^-98.
 *
 * Accuracy
 *     At most 2 units in the last place (ULP) the short way, 0.5 of it from the division, and 1.04 where errors are
 *     corrected (1.54 just below a power of 2); 0.51 the long way, and 1 for subnormal rates, which are rounded twice. The
 *     step and the parameters alone decide which way it goes.
 */
#ifndef COSINE_FAST_INVERSE_TIME_DECAY_H
#define COSINE_FAST_INVERSE_TIME_DECAY_H

#include "cosine_fast_errors.h"
#include "cosine_fast_floors.h"

typedef struct cf_inverse_time_decay {
    int variant;         /* 1: a staircase */
    int plain;           /* usual steps go the short way: height / (slope * x + base) */
    double height, slope, base;
    double base_error;   /* slope * D / r - base, or slope / r - base with a staircase */
    double correction;   /* the relative error of the height, plus that of the base */
    double per_height;   /* 1 / height */
    double least, most;  /* the short way serves x in this interval */
    double whole_to;     /* for whole x up to this size the sum is whole, and at most 2^50; -1 if stairs need exact rests */
    double inverse;      /* 1 / decay_steps */
    double initial;      /* initial_learning_rate / initial_unit: 0, or in [1, 2) in size; initial_unit is a power of 2 */
    double rate;         /* decay_rate / rate_unit likewise; the step is multiplied by rate_unit */
    double initial_unit, rate_unit;
    cf_pair decay_steps;
    double smooth_from;  /* beyond these steps a staircase is evaluated as the smooth curve */
    cf_pair top;         /* initial * decay_steps */
} cf_inverse_time_decay;

/* Find whole numbers with above / below = x > 0 to a relative 2^-53, or closer while they are small: convergents of the
 * continued fraction of x. `difference` is below * x - above. Returns whether there are such numbers. */
static inline int cf_find_fraction(cf_pair x, double *above, double *below, double *difference)
{
    const cf_pair one = {1.0, 0.0};
    cf_pair left = x, rest;
    double above_before = 0.0, below_before = 1.0;
    int found = 0, tries;
    *above = 1.0;
    *below = 0.0;
    for (tries = 0; tries < 80; tries++) { /* they grow at least as Fibonacci's numbers do, of which 2^50 is near the 73rd */
        const double whole = floor(left.hi) - (left.hi == floor(left.hi) && left.lo < 0.0 ? 1.0 : 0.0);
        const double next_above = whole * *above + above_before, next_below = whole * *below + below_before;
        /* 2^40 leaves room for factors and steps, 2^50 at least for steps as long as the decay. */
        if (!(next_above <= (found ? 1099511627776.0 : 1125899906842624.0) && next_below <= 1125899906842624.0))
            return found;
        above_before = *above;
        below_before = *below;
        *above = next_above;
        *below = next_below;
        rest = cf_add(cf_exact_product(next_below, x.hi), cf_make_pair(-next_above, 0.0));
        *difference = rest.hi + (rest.lo + next_below * x.lo);
        found = fabs(*difference) <= next_above * 1.1102230246251565e-16;         /* 2^-53 */
        if (fabs(*difference) <= next_above * 6.938893903907228e-18) return found; /* 2^-57 */
        left = cf_add(left, cf_make_pair(-whole, 0.0));
        if (!(left.hi > 0.0)) return found;
        left = cf_divide(one, left);
    }
    return 0;
}

/* Fold the numbers of the short way for a `goal` of D / r or 1 / r. Returns whether there is a short way. */
static inline int cf_fold_short_way(cf_inverse_time_decay *p, double initial, cf_pair goal)
{
    const double sign = goal.hi < 0.0 ? -1.0 : 1.0;
    const cf_pair size = goal.hi < 0.0 ? cf_negate(goal) : goal;
    double above, below, difference, factor, error = INFINITY, room, reach;
    if (!cf_find_fraction(size, &above, &below, &difference)) return 0;
    /* Take the odd multiple of the fraction, up to 2^50, whose height is nearest to a double; 2^-56 is near enough. */
    for (factor = 1.0; factor < 32.0 && fabs(error) > 1.3877787807814457e-17; factor += 2.0) {
        const double base = above * factor, height = initial * base;
        double off;
        if (base > 1125899906842624.0 || below * factor > 1125899906842624.0) break;
        off = cf_product_rest(initial, base, height) / height;
        if (fabs(off) < fabs(error)) {
            error = off;
            p->base = base * sign;
            p->height = height * sign;
            p->slope = below * factor;
            p->base_error = difference * factor * sign;
        }
    }
    difference /= above;
    p->correction = error + difference;
    p->per_height = 1.0 / p->height;
    /* The errors of the height and of C may be 1.5 * 2^-53 of a rate together. The latter grows towards the pole. */
    room = 1.6653345369377348e-16 - fabs(error);
    reach = size.hi * (fabs(difference) * 15.0 <= room ? 0.9375 : room / (room + fabs(difference)));
    p->least = sign < 0.0 ? -INFINITY : -reach;
    p->most = sign < 0.0 ? reach : INFINITY;
    p->whole_to = floor((1125899906842624.0 - fabs(p->base)) / p->slope); /* 2^50 */
    return fabs(difference) <= room;
}

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_inverse_time_decay_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    if (n != 3 || count != 1) return CF_BAD_LENGTH;
    if (!cf_is_finite(numbers[0])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_is_length(counts[0])) return CF_BAD_DECAY_STEPS;
    if (!cf_is_finite(numbers[1])) return CF_BAD_DECAY_RATE;
    if (!cf_is_flag(numbers[2])) return CF_BAD_FLAG;
    if (!cf_is_rate(numbers[0])) return CF_BAD_SIZE;
    return CF_OK;
}

/* Fold the parameters, which are trusted: finite, |initial| <= 2^1000, 2^-64 <= decay_steps < 2^63. */
static inline void cf_inverse_time_decay_init(cf_inverse_time_decay *p, double initial, cf_pair decay_steps,
                                              double rate, int staircase)
{
    memset(p, 0, sizeof *p);
    p->variant = staircase;
    p->initial = cf_take_unit(initial, &p->initial_unit);
    p->rate = cf_take_unit(rate, &p->rate_unit);
    p->decay_steps = decay_steps;
    p->inverse = 1.0 / decay_steps.hi;
    p->smooth_from = ldexp(decay_steps.hi, 98);
    p->top = cf_add(cf_exact_product(p->initial, decay_steps.hi), cf_exact_product(p->initial, decay_steps.lo));
    if (!cf_is_usual(initial) || !cf_is_usual(rate)) return;
    if (staircase && (decay_steps.lo != 0.0 || decay_steps.hi < 1.0)) return;
    p->plain = cf_fold_short_way(
        p, initial, cf_divide(staircase ? cf_make_pair(1.0, 0.0) : decay_steps, cf_make_pair(rate, 0.0)));
    if (staircase && !(decay_steps.hi <= CF_SMALL_STEP && decay_steps.hi == floor(decay_steps.hi))) p->whole_to = -1.0;
}

/* top / below, rounded once, where below.lo is at most 2^-32 of below.hi. */
CF_INLINE double cf_ratio(cf_pair top, cf_pair below)
{
    const double inverse = 1.0 / below.hi, q = top.hi * inverse;
    return q + (cf_minus_product(top.hi, q, below.hi) + (top.lo - q * below.lo)) * inverse;
}

/* The short way, for x from `least` to `most`. `whole`: x is a whole number up to whole_to in size, so that the sum is exact. */
CF_INLINE double cf_inverse_time_near(const cf_inverse_time_decay *p, double x, int whole)
{
    const double ax = p->slope * x, sum = whole ? cf_exact_plus(p->slope, x, p->base) : p->base + ax, q = p->height / sum;
    double t;
    if (whole) return q;
    t = cf_two_sum(p->base, ax).lo + cf_product_rest(p->slope, x, ax);
    return t == 0.0 ? q : q + q * (p->correction - (t + p->base_error) * p->per_height * q);
}

/* The long way, for any step of any schedule. */
CF_INLINE double cf_inverse_time_far(const cf_inverse_time_decay *p, cf_pair step, int staircase)
{
    const cf_pair zero = {0.0, 0.0}, D = p->decay_steps, smooth_top = p->top;
    const double initial = p->initial, initial_unit = p->initial_unit; /* hoisted so that the loop vectorises */
    /* Without a decay_rate every step but NaN is treated as step 0. */
    const int still = p->rate == 0.0 && fabs(step.hi) <= INFINITY;
    const cf_pair s = cf_choose(still, zero, step);
    const int stairs = staircase && fabs(s.hi) < p->smooth_from;
    const cf_pair n = staircase ? cf_large_stairs(s, D, p->inverse).count : zero;
    cf_pair x = cf_choose(stairs, n, s), base, top, product, below;
    /* Where r * x is so large that nothing else counts, x and its unit are divided by 2^600 each, and then the ratio. */
    const int distant = fabs(x.hi * p->rate_unit) > 5.260135901548374e+210; /* 2^700 */
    const double less = distant ? 2.409919865102884e-181 : 1.0; /* 2^-600 */
    const double rate_unit = p->rate_unit * less;
    double rate;
    x = cf_scale(cf_scale(x, less), rate_unit);
    base = cf_choose(distant, zero, cf_choose(stairs, cf_make_pair(1.0, 0.0), D));
    top = cf_choose(stairs, cf_make_pair(initial, 0.0), smooth_top);
    product = cf_exact_product(x.hi, p->rate);
    below = cf_add(cf_add(base, product), cf_exact_product(x.lo, p->rate));
    rate = cf_ratio(top, cf_make_pair(below.hi == 0.0 ? 1.0 : below.hi, below.lo));
    rate = below.hi == 0.0 ? top.hi * INFINITY : rate;
    rate = rate * (initial_unit * less) * less + 0.0; /* -0 becomes +0 */
    return fabs(s.hi) > 1.7976931348623157e308 ? 0.0 : rate;
}

/* What the short way counts in: the step, or its stair. */
CF_INLINE double cf_inverse_time_x(const cf_inverse_time_decay *p, double step, int staircase)
{
    return staircase ? cf_small_stairs(step, p->decay_steps.hi, p->inverse).count.hi : step;
}

/* Either way, without a branch. The short way never sees a step at its pole: NaN raises no floating-point exception. */
CF_INLINE double cf_inverse_time_any(const cf_inverse_time_decay *p, cf_pair step, int staircase)
{
    const double x = cf_inverse_time_x(p, step.hi, staircase);
    const int small = step.lo == 0.0 && fabs(step.hi) <= CF_SMALL_STEP;
    const int is_near = p->plain & small & (x >= p->least) & (x <= p->most);
    const double inner = cf_inverse_time_near(p, is_near ? x : NAN, 0), outer = cf_inverse_time_far(p, step, staircase);
    return is_near ? inner : outer;
}

CF_INLINE int cf_inverse_time_decay_steps(const cf_inverse_time_decay *p, double least, double greatest, int whole)
{
    const double first = cf_inverse_time_x(p, least, p->variant), last = cf_inverse_time_x(p, greatest, p->variant);
    if (!p->plain || least < -CF_SMALL_STEP || greatest > CF_SMALL_STEP || !(first >= p->least && last <= p->most))
        return CF_ANY_STEPS;
    if (!whole || first < -p->whole_to || last > p->whole_to) return CF_DOUBLE_STEPS;
    return p->variant && first == last ? CF_ONE_STAIR : CF_WHOLE_STEPS;
}

CF_INLINE double cf_inverse_time_decay_rate(const cf_inverse_time_decay *p, cf_pair step, int variant, int steps)
{
    if (steps == CF_ANY_STEPS) return cf_inverse_time_any(p, step, variant);
    if (steps == CF_DOUBLE_STEPS) return cf_inverse_time_near(p, cf_inverse_time_x(p, step.hi, variant), 0);
    return cf_inverse_time_near(p, variant ? cf_whole_stairs(step.hi, p->inverse) : step.hi, 1);
}

CF_DEFINE_AT(inverse_time_decay)

#endif
