/* cosine_fast_ratios.h: Keras's InverseTimeDecay and PiecewiseConstantDecay, one step -> one learning rate, the same
 * bits everywhere. As cosine_fast.h: header only, C99 or C++11, -ffp-contract=off, no -ffast-math.
 *
 * InverseTimeDecay
 *     With s the step, D = decay_steps, r = decay_rate and L0 the initial rate:
 *
 *         smooth     L0 / (1 + r * s / D) = (L0 * D) / (D + r * s)
 *         staircase  L0 / (1 + r * floor(s / D))
 *
 *     The short way, for most steps: with x = s or floor(s / D), and C = D / r or 1 / r, it is L0 * C / (x + C). When the
 *     parameters are folded, a fraction b / a of whole numbers is found that is C, or within 2^-53 of it (continued
 *     fractions), as one of its multiples whose L0 * b is next to a double. Then it is (L0 * b) / (a * x + b): for a
 *     whole x the sum is exact (here up to 2^50), and there is one rounded operation, the division. What L0 * b and C
 *     lack may be 1.5 * 2^-53 of a rate together, 1.5 ULP at most, and is nothing where D / r and L0 * b have few bits.
 *     It is made good where the sum is not exact, for larger x and those with a fraction: with q the quotient, t what
 *     the sum lacks, c what C lacks of it, and h what L0 * b lacks over itself, q becomes
 *     q + q * (h - (t + c) / (a * x + b)).
 *     Not within C / 16 of the pole, nor nearer than what C lacks allows, nor beyond 2^50 or for rates beyond 2^300.
 *
 *     The long way: top / (base + r * x). r * x is exact, a pair; the sum and `top` have 2^-103 of themselves, also
 *     where base and r * x cancel, near the pole. The quotient is corrected likewise.
 *
 *     At most 2 ULP the short way, half a one of it the division's, and 1.04 where something is made good, as the
 *     quotient is rounded before (1.54 where that leads below a power of 2); 0.51 the long way, and 1 for subnormal
 *     rates, which are rounded twice. Which way a step goes depends on it and the parameters alone. At the pole itself
 *     the rate is L0 * infinity (NaN for L0 = 0).
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

/* c - a * b, rounded once, where c less the rounded product is exact. FMA changes no bit. */
CF_INLINE double cf_rest(double c, double a, double b)
{
#if CF_FMA
    return fma(-a, b, c);
#else
    const double product = a * b;
    return (c - product) - cf_product_rest(a, b, product);
#endif
}

/* The same for |step| <= 2^50 and length >= 1, both of one double; inverse = 1 / length. */
CF_INLINE double cf_floor_quotient_near(double step, double length, double inverse)
{
    /* 3 * 2^51 leaves no fraction: n is within 3/4 of the quotient, so that the floor is n or n - 1. Only the sign of
     * the rest is looked at, which is right though for n = 0 and 1 more is rounded than cf_rest wants. */
    const double n = (step * inverse + 6755399441055744.0) - 6755399441055744.0;
    return cf_rest(step, n, length) < 0.0 ? n - 1.0 : n;
}

/* The same for a whole step and a whole length up to 2^49; shift = inverse / 2 - 1/2. */
CF_INLINE double cf_floor_quotient_whole(double step, double inverse, double shift)
{
    /* (step + 1/2) / length is 1 / (2 * length) or more from a whole number, and all errors here are less together:
     * FMA, which leaves one out, changes no bit. */
#if CF_FMA
    return rint(fma(step, inverse, shift));
#else
    return ((step * inverse + shift) + 6755399441055744.0) - 6755399441055744.0;
#endif
}

/* ---- InverseTimeDecay ---- */

typedef struct cf_inverse_time_decay {
    int staircase;
    int plain;           /* usual steps go the short way: height / (slope * x + base), ... */
    double height, slope, base;
    double lacking;      /* ... base being less than slope * D / r, or of a staircase slope / r, by this, */
    double more;         /* and the height than initial times that by this, over the height; */
    double per_height;   /* 1 over it */
    double least, most;  /* between these x */
    double whole_to;     /* for whole x up to this size the sum is whole, and at most 2^50; 0 for none */
    double inverse;      /* 1 / decay_steps */
    double shift;        /* inverse / 2 - 1/2 */
    double initial;      /* initial_learning_rate over `unit`, a power of 2: 0, or in [1, 2) in size ... */
    double rate;         /* ... and so decay_rate, over `scale`, which the step takes */
    double unit, scale;
    cf_pair decay_steps;
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

/* Whether x is from 2^-300 to 2^300 in size. */
static inline int cf_is_usual(double x)
{
    return fabs(x) >= 4.909093465297727e-91 && fabs(x) <= 2.037035976334486e+90;
}

/* Whole numbers whose quotient above / below is x > 0, or within 2^-53 of it, or nearer while they are small: the
 * convergents of its continued fraction. `lacking` is below * x - above. Whether there are such. */
static inline int cf_find_fraction(cf_pair x, double *above, double *below, double *lacking)
{
    const cf_pair one = {1.0, 0.0};
    cf_pair left = x, rest;
    double above_before = 0.0, below_before = 1.0;
    int found = 0;
    *above = 1.0;
    *below = 0.0;
    for (;;) {
        const double whole = floor(left.hi) - (left.hi == floor(left.hi) && left.lo < 0.0 ? 1.0 : 0.0);
        const double next_above = whole * *above + above_before, next_below = whole * *below + below_before;
        /* 2^40 leaves room for more factors and for steps; 2^50 for steps as long as the decay at least. */
        if (!(next_above <= (found ? 1099511627776.0 : 1125899906842624.0) && next_below <= 1125899906842624.0))
            return found;
        above_before = *above;
        below_before = *below;
        *above = next_above;
        *below = next_below;
        rest = cf_add(cf_exact_product(next_below, x.hi), cf_make_pair(-next_above, 0.0));
        *lacking = rest.hi + (rest.lo + next_below * x.lo);
        found = fabs(*lacking) <= next_above * 1.1102230246251565e-16;         /* 2^-53 */
        if (fabs(*lacking) <= next_above * 6.938893903907228e-18) return found; /* 2^-57 */
        left = cf_add(left, cf_make_pair(-whole, 0.0));
        if (!(left.hi > 0.0)) return found;
        left = cf_divide(one, left);
    }
}

/* The short way's numbers, for a `goal` of D / r or 1 / r. Whether there is one. */
static inline int cf_fold_short_way(cf_inverse_time_decay *p, double initial, cf_pair goal)
{
    const double sign = goal.hi < 0.0 ? -1.0 : 1.0;
    const cf_pair size = goal.hi < 0.0 ? cf_negate(goal) : goal;
    double above, below, lacking, factor, error = INFINITY, room, reach;
    if (!cf_find_fraction(size, &above, &below, &lacking)) return 0;
    /* Of the fraction's first odd multiples, to 2^50, that whose height is nearest to a double; 2^-56 is near enough. */
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
            p->lacking = lacking * factor * sign;
        }
    }
    lacking /= above;
    p->more = error + lacking;
    p->per_height = 1.0 / p->height;
    /* What the height and C lack may be 1.5 * 2^-53 of a rate together. The latter grows towards the pole. */
    room = 1.6653345369377348e-16 - fabs(error);
    reach = size.hi * (fabs(lacking) * 15.0 <= room ? 0.9375 : room / (room + fabs(lacking)));
    p->least = sign < 0.0 ? -INFINITY : -reach;
    p->most = sign < 0.0 ? reach : INFINITY;
    p->whole_to = floor((1125899906842624.0 - fabs(p->base)) / p->slope); /* 2^50 */
    return fabs(lacking) <= room;
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
    p->shift = p->inverse / 2.0 - 0.5;
    p->smooth_from = ldexp(decay_steps.hi, 100);
    p->top = cf_add(cf_exact_product(p->initial, decay_steps.hi), cf_exact_product(p->initial, decay_steps.lo));
    if (!cf_is_usual(initial) || !cf_is_usual(rate)) return;
    if (staircase && (decay_steps.lo != 0.0 || decay_steps.hi < 1.0)) return;
    p->plain = cf_fold_short_way(
        p, initial, cf_divide(staircase ? cf_make_pair(1.0, 0.0) : decay_steps, cf_make_pair(rate, 0.0)));
    /* 2^49, for cf_floor_quotient_whole. */
    if (staircase && !(decay_steps.hi <= 562949953421312.0 && decay_steps.hi == floor(decay_steps.hi))) p->whole_to = 0.0;
}

/* top / below, rounded once, where below.lo is at most 2^-32 of below.hi. */
CF_INLINE double cf_ratio(cf_pair top, cf_pair below)
{
    const double inverse = 1.0 / below.hi, q = top.hi * inverse;
    const double rest = cf_rest(top.hi, q, below.hi) + (top.lo - q * below.lo);
    return q + rest * inverse;
}

/* The quotient of top, of a usual size, and a whole number up to 2^50: by FMA alone, the bits of top / below. Processors
 * divide one vector in the time of many products, and both at once.
 *
 * The first guess, of the exponent and the digits in one, has a twentieth of itself too much or too little, the others
 * the 3rd power of that, its 3rd, and its square; so y is within (1 + 2^-24) 2^-53 of 1 / below, and q within twice that
 * of top / below, which is near enough for the rest to be exact. What is rounded last is off by less than 2^-104 of
 * itself. No quotient is that near to where rounding turns: if M, odd and of 54 digits, stands there, top - M * below is
 * a whole number of its last digits and not 0, at least 2^-54 / below. */
CF_INLINE double cf_whole_ratio(double top, double below)
{
#if CF_FMA
    double y = cf_double(UINT64_C(0x7FDE623822FC16E6) - cf_bits(below)), e, q; /* modulo 2^64: the sign stays */
    e = fma(-below, y, 1.0);
    y = fma(fma(e, e, e), y, y);
    e = fma(-below, y, 1.0);
    y = fma(fma(e, e, e), y, y);
    y = fma(fma(-below, y, 1.0), y, y);
    q = top * y;
    return fma(fma(-below, q, top), y, q);
#else
    return top / below;
#endif
}

/* Whether all steps are whole, and x up to whole_to; then there are two ways to the same bits. A constant, which changes
 * what is computed, never what comes out. */
enum { CF_ANY_X, CF_WHOLE_X, CF_WHOLE_X_BY_PRODUCTS };

/* What the short way counts in: the step, or the stair it is on. `staircase` is a constant too. */
CF_INLINE double cf_inverse_time_x(const cf_inverse_time_decay *p, double step, int staircase, int kind)
{
    if (!staircase) return step;
    return kind == CF_ANY_X ? cf_floor_quotient_near(step, p->decay_steps.hi, p->inverse)
                            : cf_floor_quotient_whole(step, p->inverse, p->shift);
}

/* The short way, for steps up to 2^50 with x from `least` to `most`. */
CF_INLINE double cf_inverse_time_near(const cf_inverse_time_decay *p, double x, int kind)
{
    const double ax = p->slope * x;
    const double below = kind == CF_ANY_X ? p->base + ax : cf_exact_plus(p->slope, x, p->base);
    const double q = kind == CF_WHOLE_X_BY_PRODUCTS ? cf_whole_ratio(p->height, below) : p->height / below;
    double t;
    if (kind != CF_ANY_X) return q;
    t = cf_two_sum(p->base, ax).lo + cf_product_rest(p->slope, x, ax);
    return t == 0.0 ? q : q + q * (p->more - (t + p->lacking) * p->per_height * q);
}

/* The long way, for any step of any schedule. */
CF_INLINE double cf_inverse_time_far(const cf_inverse_time_decay *p, cf_pair step, int staircase)
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
    rate = cf_ratio(top, cf_make_pair(below.hi == 0.0 ? 1.0 : below.hi, below.lo));
    rate = below.hi == 0.0 ? top.hi * INFINITY : rate;
    rate = rate * (unit * less) * less + 0.0; /* -0 is +0 */
    return fabs(s.hi) > 1.7976931348623157e308 ? 0.0 : rate;
}

/* Whether the short way is for a step, x being what it counts in. */
CF_INLINE int cf_inverse_time_is_near(const cf_inverse_time_decay *p, cf_pair step, double x)
{
    const int few = step.lo == 0.0 && fabs(step.hi) <= 1125899906842624.0; /* 2^50 */
    return p->plain & few & (x >= p->least) & (x <= p->most);
}

/* Either way, without a branch. */
CF_INLINE double cf_inverse_time_any(const cf_inverse_time_decay *p, cf_pair step, int staircase)
{
    const double x = cf_inverse_time_x(p, step.hi, staircase, CF_ANY_X);
    const double near = cf_inverse_time_near(p, x, CF_ANY_X), far = cf_inverse_time_far(p, step, staircase);
    return cf_inverse_time_is_near(p, step, x) ? near : far;
}

static inline double cf_inverse_time_decay_at(const cf_inverse_time_decay *p, cf_pair step)
{
    const double x = p->staircase ? cf_inverse_time_x(p, step.hi, 1, CF_ANY_X) : step.hi;
    if (cf_inverse_time_is_near(p, step, x)) return cf_inverse_time_near(p, x, CF_ANY_X);
    return p->staircase ? cf_inverse_time_far(p, step, 1) : cf_inverse_time_far(p, step, 0);
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
