/* cosine_fast_ratios.h: Keras's InverseTimeDecay and PiecewiseConstantDecay, one step -> one learning rate, the same
 * bits everywhere. As cosine_fast.h: header only, C99 or C++11, -ffp-contract=off, no -ffast-math.
 *
 * InverseTimeDecay
 *     With s the step, D = decay_steps, r = decay_rate and L0 the initial rate:
 *
 *         smooth     L0 / (1 + r * s / D) = (L0 * D) / (D + r * s)
 *         staircase  L0 / (1 + r * floor(s / D))
 *
 *     Either is top / (base + r * x). r * x is exact, a pair; the sum and `top` have 2^-103 of themselves, also where
 *     base and r * x cancel, near the pole. The quotient is rounded by half a unit in the last place, when it is
 *     corrected by its exact remainder: at most 0.51 ULP in all, and 1 for subnormal rates, which are rounded twice.
 *     At the pole itself the rate is L0 * infinity (NaN for L0 = 0).
 *
 *     floor(s / D) is exact up to 2^100. Beyond (an int64 s goes there for D < 2^-37) the staircase is taken for the
 *     smooth curve, which is within 2^-100 of its larger part: a difference only next to a pole of |r| < 2^-100.
 *
 *     NaN gives NaN, +inf and -inf the limit: 0, and L0 where r = 0.
 *
 * PiecewiseConstantDecay
 *     values[number of boundaries < step]. All comparisons are exact. NaN gives NaN.
 */
#ifndef COSINE_FAST_RATIOS_H
#define COSINE_FAST_RATIOS_H

#include "cosine_fast.h"

/* ---- Exact floors ---- */

/* a - n * b, exactly where that has no more digits than a pair. */
CF_INLINE cf_pair cf_minus_multiple(cf_pair a, double n, cf_pair b)
{
    return cf_add(cf_add(a, cf_exact_product(-n, b.hi)), cf_exact_product(-n, b.lo));
}

/* floor(step / length) exactly, |step| <= 2^100 * length and 2^-64 <= length < 2^63. */
CF_INLINE cf_pair cf_floor_quotient(cf_pair step, cf_pair length)
{
    const cf_pair zero = {0.0, 0.0};
    double first, second;
    cf_pair rest;
    /* A length of two doubles is whole, and takes no notice of a fraction, for which the rest would have no digits. */
    step.hi = length.lo != 0.0 ? floor(step.hi) : step.hi;
    first = floor(step.hi / length.hi);
    rest = cf_minus_multiple(step, first, length);
    second = floor(rest.hi / length.hi);
    rest = cf_minus_multiple(rest, second, length);
    second -= cf_less(rest, zero) ? 1.0 : 0.0;
    second += cf_less(rest, length) ? 0.0 : 1.0;
    return cf_two_sum(first, second);
}

/* The same for |step| <= 2^50 and length >= 1, both of one double; inverse = 1 / length. */
CF_INLINE double cf_floor_quotient_near(double step, double length, double inverse)
{
    /* 3 * 2^51 leaves no fraction: n is within 3/4 of the quotient, so that the floor is n or n - 1. */
    const double n = (step * inverse + 6755399441055744.0) - 6755399441055744.0;
    const cf_pair multiple = cf_exact_product(n, length);
    return (step - multiple.hi) - multiple.lo < 0.0 ? n - 1.0 : n;
}

/* ---- InverseTimeDecay ---- */

typedef struct cf_inverse_time_decay {
    int staircase;
    int plain;           /* steps of one double up to 2^50 may go the short way */
    double initial;      /* initial_learning_rate over `unit`, a power of 2: 0, or in [1, 2) in size ... */
    double rate;         /* ... and so decay_rate, over `scale`, which the step takes */
    double unit, scale;
    cf_pair decay_steps;
    double inverse;      /* 1 / decay_steps */
    double smooth_from;  /* beyond these steps a staircase is a smooth curve */
    cf_pair top;         /* initial * decay_steps */
} cf_inverse_time_decay;

/* x over the power of 2 that goes to `unit`: in [1, 2) in size, or 0. */
static inline double cf_take_unit(double x, double *unit)
{
    int exponent = 1;
    x = 2.0 * frexp(x, &exponent);
    *unit = x == 0.0 ? 1.0 : ldexp(1.0, exponent - 1);
    return x;
}

/* Fold the parameters, which are trusted: finite, |initial| <= 2^1000, 2^-64 <= decay_steps < 2^63. */
static inline void cf_inverse_time_decay_init(cf_inverse_time_decay *p, double initial, cf_pair decay_steps,
                                              double rate, int staircase)
{
    memset(p, 0, sizeof *p);
    p->staircase = staircase;
    p->initial = cf_take_unit(initial, &p->unit);
    p->rate = cf_take_unit(rate, &p->scale);
    p->decay_steps = decay_steps;
    p->inverse = 1.0 / decay_steps.hi;
    p->smooth_from = ldexp(decay_steps.hi, 100);
    p->top = cf_add(cf_exact_product(p->initial, decay_steps.hi), cf_exact_product(p->initial, decay_steps.lo));
    p->plain = decay_steps.lo == 0.0 && p->scale <= ldexp(1.0, 600) && (!staircase || decay_steps.hi >= 1.0);
}

/* top / below, rounded once. */
CF_INLINE double cf_ratio(cf_pair top, cf_pair below)
{
    const int pole = below.hi == 0.0;
    const double inverse = 1.0 / (pole ? 1.0 : below.hi), q = top.hi * inverse;
    const cf_pair back = cf_exact_product(q, below.hi);
    const double rest = ((top.hi - back.hi) - back.lo) + (top.lo - q * below.lo);
    return pole ? top.hi * INFINITY : q + rest * inverse;
}

/* The rate at a step up to 2^50 of a `plain` schedule; `staircase` is a constant. */
CF_INLINE double cf_inverse_time_near(const cf_inverse_time_decay *p, double step, int staircase)
{
    const double x = staircase ? cf_floor_quotient_near(step, p->decay_steps.hi, p->inverse) : step;
    const double base = staircase ? 1.0 : p->decay_steps.hi;
    const cf_pair top = staircase ? cf_make_pair(p->initial, 0.0) : p->top;
    const cf_pair product = cf_exact_product(x * p->scale, p->rate), sum = cf_two_sum(base, product.hi);
    return cf_ratio(top, cf_fast_two_sum(sum.hi, sum.lo + product.lo)) * p->unit + 0.0; /* -0 is +0 */
}

/* The rate at any step of any schedule. */
CF_INLINE double cf_inverse_time_any(const cf_inverse_time_decay *p, cf_pair step, int staircase)
{
    const cf_pair zero = {0.0, 0.0}, D = p->decay_steps, smooth_top = p->top;
    const double initial = p->initial, unit = p->unit; /* loaded anyhow: a loop with a load in a branch stays scalar */
    /* Without a decay_rate every step is step 0, but NaN. */
    const int still = p->rate == 0.0 && fabs(step.hi) <= INFINITY;
    const cf_pair s = cf_make_pair(still ? 0.0 : step.hi, still ? 0.0 : step.lo);
    const int stairs = staircase && fabs(s.hi) < p->smooth_from;
    const cf_pair n = staircase ? cf_floor_quotient(s, D) : zero;
    cf_pair x = cf_make_pair(stairs ? n.hi : s.hi, stairs ? n.lo : s.lo), base, top, product, below;
    /* Where r * x is so large that nothing else counts, x and its scale lose 2^600 each, and the ratio after them. */
    const int far = fabs(x.hi * p->scale) > 5.260135901548374e+210; /* 2^700 */
    const double less = far ? 2.409919865102884e-181 : 1.0; /* 2^-600 */
    const double scale = p->scale * less;
    double rate;
    x = cf_make_pair(x.hi * less * scale, x.lo * less * scale);
    base = cf_make_pair(stairs ? 1.0 : D.hi, stairs ? 0.0 : D.lo);
    base = cf_make_pair(far ? 0.0 : base.hi, far ? 0.0 : base.lo);
    top = cf_make_pair(stairs ? initial : smooth_top.hi, stairs ? 0.0 : smooth_top.lo);
    product = cf_exact_product(x.hi, p->rate);
    below = cf_add(cf_add(base, product), cf_exact_product(x.lo, p->rate));
    rate = cf_ratio(top, below) * (unit * less) * less + 0.0;
    return fabs(s.hi) > 1.7976931348623157e308 ? 0.0 : rate;
}

static inline double cf_inverse_time_decay_at(const cf_inverse_time_decay *p, cf_pair step)
{
    if (p->plain && step.lo == 0.0 && fabs(step.hi) <= 1125899906842624.0) /* 2^50 */
        return p->staircase ? cf_inverse_time_near(p, step.hi, 1) : cf_inverse_time_near(p, step.hi, 0);
    return p->staircase ? cf_inverse_time_any(p, step, 1) : cf_inverse_time_any(p, step, 0);
}

/* ---- PiecewiseConstantDecay ---- */

/* The arrays are the caller's, and have to live as long as this. */
typedef struct cf_piecewise_constant {
    int64_t count;             /* of the boundaries */
    const cf_pair *boundaries; /* rising */
    const double *values;      /* one more than boundaries */
    const double *lasts;       /* of each piece but the last its last step that is one double */
} cf_piecewise_constant;

/* Fold the parameters, which are trusted. lasts: memory for as many doubles as there are boundaries. */
static inline void cf_piecewise_constant_init(cf_piecewise_constant *p, int64_t count, const cf_pair *boundaries,
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

/* The number of boundaries below a step that is not NaN: of the piece it lies in. */
static inline int64_t cf_piece_of(const cf_piecewise_constant *p, cf_pair step)
{
    int64_t below = 0, left = p->count;
    while (left > 0) {
        const int64_t half = left / 2;
        const int past = cf_less(p->boundaries[below + half], step);
        below = past ? below + half + 1 : below;
        left = past ? left - half - 1 : half;
    }
    return below;
}

static inline double cf_piecewise_constant_at(const cf_piecewise_constant *p, cf_pair step)
{
    return step.hi == step.hi ? p->values[cf_piece_of(p, step)] : step.hi;
}

#endif
