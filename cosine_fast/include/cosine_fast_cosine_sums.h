/* cosine_fast_cosine_sums.h: the sum of CosineDecay's rates over the steps 0 .. s-1.
 *
 * Method
 *     With W and D the lengths of warmup and decay, w = ceil(W) the first step of the decay and e = ceil(W + D) the
 *     first one past it:
 *
 *         s <= w        0 + s * mean, or from the warmup's end w_sum + (s - w) * mean, mean being the line halfway
 *         w < s < e     w_sum + n * peak - A * (G(X) - G(x)) on the first half, n = s - w, X = n + x, x = w - W - 1/2;
 *                       total - n * floor - A * (G(X) - G(x)) on the second, n = e - s, X = n + x, x = W + D - e + 1/2
 *         e <= s        total + (s - e) * floor
 *
 *     where A = peak * (1 - alpha), and G(X) - G(x) is the sum of sin(h * r)^2 over the distances r = x + 1/2, ..., X -
 *     1/2 from the wave's nearer end, h = pi / 2D: by Dirichlet's kernel
 *
 *         G(X) = X / 2 - sin(2h * X) / (4 sin(h)).
 *
 *     For whole W and D, G(x) = G(1/2) = 0. It is odd, and has these two roots, which are divided out so that nothing
 *     cancels, however small h is: with v = X^2 - 1/4 and M(w) = 1 - sin(pi * sqrt(w)) / (pi * sqrt(w)),
 *
 *         G(X) = X / 2 * (M(1/4D^2 + v/D^2) - M(1/4D^2)) / (1 - M(1/4D^2)),
 *
 *     M being a polynomial, made once for each schedule into one in v without a constant term. X is at most D/2. Like
 *     the rates, the sums start from the nearer end, whose own value is a pair: where no rate is negative they never
 *     fall.
 *
 * Kinds of schedule
 *     In pairs of doubles: those that are CF_WIDE in cosine_fast_cosine_decay.h, and those with alpha > 1. In doubles: all others.
 *
 * Special cases
 *     s < 0: the sum of the steps s .. -1, negated, along the warmup line; NaN without a warmup. Infinity where the sum
 *     is beyond all doubles.
 *
 * Accuracy
 *     Where no rate is negative, and s >= 0: in doubles within 10 * 2^-53 of the exact sum, 3.6 being the largest seen;
 *     in pairs within 1.01 * 2^-53, or 4 where the decay has one step. Else that much of the number of steps times the
 *     largest rate. Subnormal rates add up to 5e-324 for each step. docs/explanation/sums.md has the proof.
 */
#ifndef COSINE_FAST_COSINE_SUMS_H
#define COSINE_FAST_COSINE_SUMS_H

#include "cosine_fast_cosine_decay.h"

#define CF_MEAN_TERMS 13
#define CF_MEAN_PAIRS 9 /* from here on a coefficient is below 2^-45 of the sum, and one double is enough */

/* (1 - sin(pi*v) / (pi*v)) / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py. */
static const cf_pair cf_mean_table[CF_MEAN_TERMS] = { /* relative error 2^-108.12 */
    {1.6449340668482264, 3.0406723503984755e-17}, /* 0x1.a51a6625307d3p+0, 0x1.1873d8912200bp-55 */
    {-0.8117424252833536, -3.561384032140939e-17}, /* -0x1.9f9cb402bc46cp-1, -0x1.487acd8cd2d77p-55 */
    {0.19075182412208422, -4.419585630563313e-18}, /* 0x1.86a8e4720db67p-3, -0x1.461b9cb91fe91p-58 */
    {-0.0261478478176548, -6.311762581622857e-19}, /* -0x1.ac6805cf350a6p-6, -0x1.7494a8ce9a757p-61 */
    {0.0023460810354558235, 1.6959256313521964e-19}, /* 0x1.33816aa4607abp-9, 0x1.90706a08a4d73p-63 */
    {-0.000148428793031071, -7.017133492334403e-21}, /* -0x1.374719fab3915p-13, -0x1.09198d05b83b9p-67 */
    {6.975873661656378e-06, -1.2243506409187067e-22}, /* 0x1.d42498d1ce096p-18, -0x1.2807a24f8575fp-73 */
    {-2.5312174041367447e-07, 7.923395921983738e-24}, /* -0x1.0fc992ff39bfdp-22, 0x1.32858331549a4p-77 */
    {7.3047118219920994e-09, -2.9844057379837525e-25}, /* 0x1.f5f9d97087d26p-28, -0x1.717397d72ba89p-82 */
    {-1.71653846262566e-10, -1.2485732708355324e-26}, /* -0x1.797886568c005p-33, -0x1.ee9c5f5beaaa2p-87 */
    {3.3481289661719036e-12, -1.4661381625370644e-28}, /* 0x1.d7350f15166ccp-39, -0x1.73b5cea443edep-93 */
    {-5.506368409188499e-14, -2.6484667391717605e-30}, /* -0x1.eff83605b90f0p-45, -0x1.adbd0115bbe59p-99 */
    {7.59125853550767e-16, -4.423376055192963e-32}, /* 0x1.b59b33e58e5e6p-51, -0x1.cb59817a12cbcp-105 */
};

typedef struct cf_cosine_sums {
    int variant;                 /* 1: wide, to be evaluated in pairs */
    int has_warmup;
    double sign;                 /* of A; the wave is that of |A| */
    cf_pair peak, floor, start;  /* the rates, in their unit */
    cf_pair slope, gap;          /* of the warmup line; ceil(W) - W */
    double late;                 /* beyond this step the line is counted from its end */
    cf_pair begin, end;          /* w and e */
    cf_pair middle;              /* before this step the wave is counted from the decay's begin, else from its end */
    cf_pair warmup_sum, total;   /* the sums there */
    cf_pair upper_shift, lower_shift; /* x */
    cf_pair upper_rest, lower_rest;   /* |A| * G(x) */
    cf_pair c[CF_MEAN_TERMS];    /* |A| * G(X) = X * (c[0] * v + c[1] * v^2 + ...), v having taken the scale */
    double scale;                /* a power of 2, 1/D^2 or up to 4 times as much */
    double unit;                 /* a power of 2, 1 but for some that are wide */
    double first;                /* the rate at step 0 of a warmup, in no unit */
} cf_cosine_sums;

/* |A| * G(X), |X| <= D/2. */
CF_INLINE cf_pair cf_sums_wave(const cf_cosine_sums *p, cf_pair X)
{
    const cf_pair minus = {-0.25, 0.0};
    const cf_pair v = cf_scale(cf_add(cf_multiply(X, X), minus), p->scale);
    return cf_multiply(X, cf_multiply(v, cf_horner(p->c, CF_MEAN_TERMS, CF_MEAN_PAIRS, v)));
}

/* The least integer that is not below x. */
CF_INLINE cf_pair cf_ceil(cf_pair x)
{
    return floor(x.hi) == x.hi ? cf_fast_two_sum(x.hi, ceil(x.lo)) : cf_make_pair(ceil(x.hi), 0.0);
}

/* M(square) shifted: a[0] = M(square), and M(square + x) - a[0] = a[1] * x + a[2] * x^2 + ... (Horner). */
static inline void cf_shifted_mean(cf_pair a[CF_MEAN_TERMS + 1], cf_pair square)
{
    int i, k;
    a[0] = cf_make_pair(0.0, 0.0);
    for (k = 0; k < CF_MEAN_TERMS; k++) a[k + 1] = cf_mean_table[k];
    for (i = 0; i < CF_MEAN_TERMS; i++) {
        for (k = CF_MEAN_TERMS - 1; k >= i; k--) a[k] = cf_add(a[k], cf_multiply(square, a[k + 1]));
    }
}

/* Fold the parameters, trusted as cf_cosine_decay_init_to trusts them. */
static inline void cf_cosine_sums_init_to(cf_cosine_sums *p, double peak, cf_pair decay_steps, double alpha, int absolute,
                                          int has_warmup, double start, cf_pair warmup_steps)
{
    const cf_pair zero = {0.0, 0.0}, one = {1.0, 0.0}, minus_one = {-1.0, 0.0};
    const cf_pair half = {0.5, 0.0}, minus_half = {-0.5, 0.0};
    const double floor_size = fabs(absolute ? alpha : peak * alpha), largest = fmax(fmax(fabs(peak), floor_size), has_warmup ? fabs(start) : 0.0);
    /* So that what leads to a sum overflows only where it does. */
    const double shrink = largest > ldexp(1.0, 700) ? ldexp(1.0, -200) : 1.0;
    cf_cosine_decay rates;
    cf_pair amplitude, fraction, steps, mean, inverse, power, rest, a[CF_MEAN_TERMS + 1];
    double warmup_fraction, decay_fraction, size;
    int exponent, k;

    memset(p, 0, sizeof *p);
    if (!has_warmup) {
        start = peak;
        warmup_steps = zero;
    }
    p->first = start;
    peak *= shrink;
    start *= shrink;
    if (absolute) alpha *= shrink;
    cf_cosine_decay_init_to(&rates, peak, decay_steps, alpha, absolute, has_warmup, start, warmup_steps);
    p->variant = rates.kind == CF_WIDE || (absolute ? fabs(alpha) > fabs(peak) : alpha > 1.0); /* where rates rise a small sum may be what large ones leave */
    p->has_warmup = has_warmup;
    p->unit = rates.rate_unit / shrink;
    p->peak.hi = rates.peak;
    p->floor = rates.floor;
    p->start.hi = start / rates.rate_unit;
    amplitude = cf_wide_amplitude(p->peak.hi, absolute ? p->floor.hi : alpha, absolute);
    p->sign = amplitude.hi < 0.0 ? -1.0 : 1.0;

    /* The first step of the decay and the first one past it, exactly: a number with a fraction is one double. */
    warmup_fraction = warmup_steps.hi - floor(warmup_steps.hi);
    decay_fraction = decay_steps.hi - floor(decay_steps.hi);
    fraction = cf_two_sum(warmup_fraction, decay_fraction);
    steps = cf_ceil(fraction);
    p->begin = cf_ceil(warmup_steps);
    p->end = cf_add(cf_make_pair(floor(warmup_steps.hi), warmup_steps.lo),
                    cf_make_pair(floor(decay_steps.hi), decay_steps.lo));
    p->end = cf_add(p->end, steps);
    p->gap = warmup_fraction > 0.0 ? cf_two_sum(1.0, -warmup_fraction) : zero;
    p->upper_shift = cf_add(p->gap, minus_half);
    p->lower_shift = cf_add(cf_add(fraction, cf_negate(steps)), half);
    steps = cf_add(p->end, cf_negate(p->begin));

    if (has_warmup) {
        p->slope = cf_fast_two_sum(rates.slope_hi, rates.slope_lo);
        p->late = peak < start ? 0.5 * p->begin.hi : p->begin.hi;
        mean = cf_scale(cf_add(p->begin, minus_one), 0.5);
        p->warmup_sum = cf_multiply(p->begin, cf_add(p->start, cf_multiply(p->slope, mean)));
    }

    p->total = p->warmup_sum;
    frexp(decay_steps.hi, &exponent);
    size = ldexp(1.0, 1 - exponent);
    p->scale = size * size;
    if (steps.hi <= 1.0) { /* a step or none, and no wave between the decay's ends */
        p->upper_shift = minus_half;
        p->lower_shift = half;
        if (steps.hi == 1.0) {
            const double rate = cf_cosine_decay_at(&rates, p->begin);
            p->total = cf_add(p->total, cf_make_pair(rate / rates.rate_unit, 0.0));
        }
    } else {
        inverse = cf_divide(half, decay_steps);
        cf_shifted_mean(a, cf_multiply(inverse, inverse));
        inverse = cf_divide(one, cf_scale(decay_steps, size));
        inverse = cf_multiply(inverse, inverse);
        power = cf_divide(cf_scale(amplitude, 0.5 * p->sign), cf_add(one, cf_negate(a[0])));
        for (k = 0; k < CF_MEAN_TERMS; k++) {
            power = cf_multiply(power, inverse);
            p->c[k] = cf_multiply(a[k + 1], power);
        }
        p->upper_rest = cf_sums_wave(p, p->upper_shift);
        p->lower_rest = cf_sums_wave(p, p->lower_shift);
        /* The sine of an angle is that of its supplement: G(D - X) = D/2 - X + G(X). */
        rest = cf_add(p->upper_rest, cf_negate(p->lower_rest));
        mean = cf_add(cf_scale(decay_steps, 0.5), cf_negate(p->upper_shift));
        mean = cf_add(cf_multiply(amplitude, mean), cf_scale(rest, p->sign));
        p->total = cf_add(p->total, cf_add(cf_multiply(steps, p->floor), mean));
    }
    p->middle = cf_add(cf_add(p->begin, p->end), cf_add(p->lower_shift, cf_negate(p->upper_shift)));
    p->middle = cf_scale(p->middle, 0.5);
}

/* The same, to the floor peak * alpha. */
static inline void cf_cosine_sums_init(cf_cosine_sums *p, double peak, cf_pair decay_steps, double alpha, int has_warmup,
                                       double start, cf_pair warmup_steps)
{
    cf_cosine_sums_init_to(p, peak, decay_steps, alpha, 0, has_warmup, start, warmup_steps);
}

/* The sum up to a whole step, in doubles; for schedules that are not wide. Constants: `nearby`, the step is below 2^51,
 * and its distance from another exact; `warmup`, it may be in there. */
CF_INLINE double cf_sums_single(const cf_cosine_sums *p, cf_pair step, int nearby, int warmup)
{
    const cf_pair *c = p->c, zero = {0.0, 0.0};
    const int upper = step.hi < p->middle.hi;
    const double origin = upper ? p->begin.hi : p->end.hi, rate = upper ? p->peak.hi : p->floor.hi;
    const cf_pair d = cf_two_sum(step.hi, -origin);
    const double from = nearby ? step.hi - origin : d.hi + (d.lo + step.lo); /* the steps from there */
    const double n = upper ? from : -from, X = n + (upper ? p->upper_shift.hi : p->lower_shift.hi);
    const double v = (X - 0.5) * (X + 0.5), x = v * p->scale, xx = x * x;
    const double even = c[1].hi + xx * (c[3].hi + xx * (c[5].hi + xx * (c[7].hi + xx * c[9].hi)));
    const double odd = c[2].hi + xx * (c[4].hi + xx * (c[6].hi + xx * (c[8].hi + xx * c[10].hi)));
    const double rest = upper ? p->upper_rest.hi : p->lower_rest.hi;
    const double wave = X * (x * (c[0].hi + x * (even + x * odd))) - rest;
    /* Past the end and where there is no step yet to sum there is no wave. */
    const double y = n > 0.0 && wave > 0.0 ? p->sign * wave : 0.0;
    double part = from * rate - y;
    cf_pair base = cf_choose(upper, p->warmup_sum, p->total);
    if (warmup) {
        const int line = upper & (n < 0.0), late = step.hi > p->late;
        const double m = late ? from : step.hi, end = late ? p->peak.hi : p->start.hi, gap = late ? p->gap.hi : 0.0;
        const double sum = m * (end + p->slope.hi * ((m - 1.0) * 0.5 + gap));
        base = cf_choose(line & !late, zero, base);
        part = line ? sum : part;
    }
    return base.hi + (base.lo + part);
}

/* The same in pairs, for any schedule. */
CF_INLINE double cf_sums_wide(const cf_cosine_sums *p, cf_pair step)
{
    const cf_pair zero = {0.0, 0.0}, minus_one = {-1.0, 0.0};
    const int upper = cf_less(step, p->middle);
    const cf_pair from = cf_add(step, cf_negate(cf_choose(upper, p->begin, p->end)));
    const cf_pair n = cf_choose(upper, from, cf_negate(from)), flat = cf_choose(upper, p->peak, p->floor);
    /* Powers of X might overflow where there is no wave. */
    const cf_pair X = cf_choose(n.hi > 0.0, cf_add(n, cf_choose(upper, p->upper_shift, p->lower_shift)), zero);
    const cf_pair rest = cf_choose(upper, p->upper_rest, p->lower_rest);
    const cf_pair wave = cf_add(cf_sums_wave(p, X), cf_negate(rest));
    const cf_pair y = cf_choose(n.hi > 0.0 && wave.hi > 0.0, cf_scale(wave, p->sign), zero);
    cf_pair part = cf_add(cf_multiply(from, flat), cf_negate(y)), base = cf_choose(upper, p->warmup_sum, p->total);
    const int line = upper & (n.hi < 0.0), late = step.hi > p->late;
    const cf_pair m = cf_choose(late, from, step);
    cf_pair mean = cf_add(cf_scale(cf_add(m, minus_one), 0.5), cf_choose(late, p->gap, zero));
    mean = cf_add(cf_choose(late, p->peak, p->start), cf_multiply(p->slope, mean));
    base = cf_choose(line & !late, zero, base);
    part = cf_choose(line, cf_multiply(m, mean), part);
    /* The first rate may be too small for the unit. */
    return (p->has_warmup & (step.hi == 1.0)) ? p->first : cf_add(base, part).hi * p->unit;
}

/* Steps are whole, whatever their type. Here CF_DOUBLE_STEPS may lie in the warmup, and CF_WHOLE_STEPS do not. */
CF_INLINE int cf_cosine_sums_steps(const cf_cosine_sums *p, double least, double greatest, int whole)
{
    (void)whole;
    if (p->variant || least < (p->has_warmup ? -CF_SMALL_STEP : 0.0) || greatest > CF_SMALL_STEP) return CF_ANY_STEPS;
    return least < p->begin.hi ? CF_DOUBLE_STEPS : CF_WHOLE_STEPS;
}

CF_INLINE double cf_cosine_sums_rate(const cf_cosine_sums *p, cf_pair step, int variant, int steps)
{
    double sum;
    if (steps != CF_ANY_STEPS) return cf_sums_single(p, step, 1, steps == CF_DOUBLE_STEPS);
    sum = variant ? cf_sums_wide(p, step) : cf_sums_single(p, step, 0, 1);
    return p->has_warmup || step.hi >= 0.0 ? sum : NAN;
}

CF_DEFINE_AT(cosine_sums)

#endif
