/* cosine_fast_floors.h: exact floors: the number of whole lengths D in a step s, floor(s / D), and the remainder.
 *
 * Method
 *     The integer nearest to the rounded quotient, then the exact remainder to it, and for large quotients once more with
 *     that remainder.
 */
#ifndef COSINE_FAST_FLOORS_H
#define COSINE_FAST_FLOORS_H

#include "cosine_fast_pairs.h"

#define CF_HUGE_STEP 8.452712498170644e+270 /* 2^900 */

typedef struct cf_stairs {
    cf_pair count, rest; /* 0 <= rest < D */
} cf_stairs;

/* For |s| <= CF_SMALL_STEP and D >= 1, both single doubles. */
CF_INLINE cf_stairs cf_small_stairs(double s, double D, double inverse)
{
    cf_stairs r = {{0.0, 0.0}, {0.0, 0.0}};
    const double count = cf_round(s * inverse), rest = cf_minus_product(s, count, D);
    r.count.hi = rest < 0.0 ? count - 1.0 : count;
    r.rest.hi = rest < 0.0 ? rest + D : rest;
    return r;
}

/* floor(s / D) alone, for whole s and D, both at most CF_SMALL_STEP in size. (s + 0.5) / D - 0.5 lies within 0.5 - 0.5 / D of
 * that integer. Its rounding errors are below 0.5 / D together, with FMA or without, so that it is rounded to that integer. */
CF_INLINE double cf_whole_stairs(double s, double inverse)
{
    return cf_round(cf_exact_plus(s, inverse, 0.5 * inverse - 0.5));
}

/* s - count * D, exact where the result fits a pair. */
CF_INLINE cf_pair cf_less_times(cf_pair s, double count, cf_pair D)
{
    const double hi = count * D.hi, lo = count * D.lo;
    s = cf_add(s, cf_make_pair(-hi, -cf_product_rest(count, D.hi, hi)));
    return cf_add(s, cf_make_pair(-lo, -cf_product_rest(count, D.lo, lo)));
}

/* The multiple of D nearest to s, give or take one, and the remainder, of either sign; for |s| <= CF_HUGE_STEP, and exact
 * for up to 2^98 multiples. */
CF_INLINE cf_stairs cf_nearest_stairs(cf_pair s, cf_pair D, double inverse)
{
    cf_stairs r;
    const double quotient = s.hi * inverse;
    /* From 2^50 on the quotient is an integer once its last three bits are cleared. */
    const double whole = cf_double(cf_bits(quotient) & ~UINT64_C(7));
    r.count.hi = fabs(quotient) < CF_SMALL_STEP ? cf_round(quotient) : whole;
    r.rest = cf_less_times(s, r.count.hi, D);
    r.count.lo = cf_round(r.rest.hi * inverse);
    r.rest = cf_less_times(r.rest, r.count.lo, D);
    return r;
}

/* For |s| <= CF_HUGE_STEP; exact for up to 2^98 multiples. */
CF_INLINE cf_stairs cf_large_stairs(cf_pair s, cf_pair D, double inverse)
{
    const cf_stairs nearest = cf_nearest_stairs(s, D, inverse);
    const int below = nearest.rest.hi < 0.0;
    cf_stairs r;
    r.rest = cf_choose(below, cf_add(nearest.rest, D), nearest.rest);
    r.count = cf_fast_two_sum(nearest.count.hi, below ? nearest.count.lo - 1.0 : nearest.count.lo);
    return r;
}

/* Whether an integer is odd. */
CF_INLINE uint64_t cf_is_odd(double x)
{
    const double size = fabs(x);
    /* From 2^52 to 2^53 the last bit is the unit; beyond, all doubles are even. */
    const uint64_t bits = cf_bits(size < 4503599627370496.0 ? size + 4503599627370496.0 : size);
    return size < 9007199254740992.0 ? bits & 1 : 0;
}

#endif
