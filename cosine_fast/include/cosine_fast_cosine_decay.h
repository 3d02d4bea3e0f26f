/* cosine_fast_cosine_decay.h: Keras's CosineDecay, one step -> one learning rate.
 *
 *     s < W    L0 + (peak - L0) * s / W
 *     s >= W   peak * ((1 - alpha) * (1 + cos(pi * min(s - W, D) / D)) / 2 + alpha)
 *              or with an absolute floor: floor + (peak - floor) * (1 + cos(pi * min(s - W, D) / D)) / 2
 *
 * Method
 *     With s the step, W = warmup_steps, D = decay_steps, t = s - W, and the floor, such as peak * alpha:
 *
 *         warmup  s < W    L0 + s * slope, or from its other end peak + (s - W) * slope, slope = (peak - L0) / W
 *         decay   s >= W   peak - y(t) on the first half, t < D - t;  floor + y(D - t) on the second;  y(0) past it
 *
 *     where y(m) = (peak - floor) * sin(pi*m / 2D)^2 is the distance of the rate from the peak or the floor,
 *     whichever is nearer, m <= D/2. It is a polynomial in x = m^2 without a constant term, so that nothing cancels.
 *     Folding a schedule puts the amplitude and the powers of 1/D^2 into its coefficients; the first two are pairs.
 *     The leading product is exact, in two parts: P = x' * c0', where x' and c0' have 26 bits, and R, all the rest. So
 *     only the last addition rounds by half a unit in the last place of the result. The warmup does the same with its
 *     slope; it is counted from the smaller of its ends, so that nothing cancels either.
 *
 * Kinds of schedule
 *     CF_SINGLE  W and D whole, W + D <= 2^44, rates of ordinary size: m is exact in one double.
 *     CF_PAIR    W or D has a fraction: m is a pair of doubles, the polynomial the same.
 *     CF_WIDE    all others (W + D up to 2^64, rates that cross zero, subnormal rates): pairs throughout.
 *     CF_EXACT   CF_SINGLE for whole steps where m*m fits one double: the same bits, in less time.
 *
 * Special cases
 *     Negative steps: the warmup line continues below L0; without a warmup the cosine is even and has the period 2D.
 *     NaN gives NaN; +inf the floor; -inf the infinity that the line tends to, or NaN where there is none (no
 *     warmup, or one without a slope).
 *
 * Accuracy
 *     At most 1.81 units in the last place (ULP); the largest error seen is 1.43. On the warmup line and for CF_WIDE at
 *     most 0.51, with these exceptions. Where the warmup line crosses zero, the ULP are those of its larger end.
 *     Subnormal rates, which are rounded twice, are within 1 ULP (2 at steps beyond 2^65). Where a decay crosses zero,
 *     2^-98 of its larger end is added to the bound; next to a peak of 0, 2^-1000 of the floor is added.
 *     docs/explanation/accuracy.md has the proof.
 *     Exact at step 0, at the peak and at the floor. Over whole steps the decay never rises and the warmup never
 *     falls (the other way round where peak < floor, peak < L0); but a subnormal floor, which is rounded once, may be a
 *     unit above a rate before it, which is rounded twice.
 */
#ifndef COSINE_FAST_COSINE_DECAY_H
#define COSINE_FAST_COSINE_DECAY_H

#include "cosine_fast_errors.h"
#include "cosine_fast_pairs.h"
#include "cosine_fast_wide.h"

enum cf_kind { CF_EXACT, CF_SINGLE, CF_PAIR, CF_WIDE };

/* Where all steps of a loop lie. It selects a faster path; results are identical. */
enum cf_phase {
    CF_WARMUP,
    CF_LINE,           /* in the warmup, whole steps less than 2^26 from the smaller of its ends ... */
    CF_LINE_FROM_ZERO, /* ... where the rate is 0 */
    CF_UPPER,          /* the first half of the decay, of a schedule that falls */
    CF_LOWER,          /* its second half ... */
    CF_LOWER_TO_ZERO,  /* ... where the floor is 0 */
    CF_PAST,           /* at the end or past it; no step is NaN */
    CF_DECAY,          /* anywhere after the warmup */
    CF_ANY
};

#define CF_TERMS 9

/** A schedule with its parameters folded. Its members may change with any version. */
typedef struct cf_cosine_decay {
    int kind;          /* CF_SINGLE, CF_PAIR or CF_WIDE */
    int exact;         /* whole steps may use CF_EXACT */
    int falls;         /* peak > 0 and 0 <= floor <= peak */
    int has_warmup;    /* else warmup_steps is 0 */
    double peak;
    double origin;     /* the smaller end of the warmup line, from which the line is counted ... */
    cf_pair anchor;    /* ... and its step, 0 or W */
    double end;        /* the floor, rounded once; equals floor.hi * rate_unit */
    cf_pair floor;
    cf_pair warmup_steps, decay_steps;
    cf_pair longer, shorter;     /* the longer and the shorter of these two */
    double end_step;             /* their sum, exact for CF_SINGLE */
    double begin_rest;           /* the step where the decay begins, less warmup_steps; 0 except for CF_WIDE */
    double slope_hi, slope_lo;   /* of the warmup line; slope_hi has 26 bits */
    double c0_hi, c0_lo;         /* the leading coefficient; c0_hi has 26 bits */
    double c[CF_TERMS];          /* the other coefficients; c[0] is not used */
    double bend;                 /* 1.75 * c[1]: the derivative of the other terms, over x, near m = D/2 */
    cf_pair wide[CF_WIDE_TERMS]; /* CF_WIDE: the coefficients */
    double step_scale;           /* CF_WIDE: a power of 2 that brings D into [1, 2) */
    double rate_unit;            /* CF_WIDE: the unit of the rates above, a power of 2 */
} cf_cosine_decay;

/* sin(pi*v/2)^2 / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py. In decimal because C++ has
 * hexadecimal floats since C++17 only; a compiler rounds these to the same doubles. */
static const cf_pair cf_single_table[CF_TERMS] = { /* relative error 2^-65.24 */
    {2.4674011002723395, 1.565756996706545e-16}, /* 0x1.3bd3cc9be45dep+1, 0x1.6909fac1cb685p-53 */
    {-2.0293560632083842, 1.6896886961738732e-16}, /* -0x1.03c1f081b5ac4p+1, 0x1.859d9da6213cfp-53 */
    {0.667631384427291, 1.8348265987317792e-18}, /* 0x1.55d3c7e3cbfd8p-1, 0x1.0ec5c9ff6e87cp-59 */
    {-0.11766531517929382, -2.288407395641091e-18}, /* -0x1.e1f5068918fbap-4, -0x1.51b5964a85930p-59 */
    {0.012903445691898923, 3.156498083526433e-19}, /* 0x1.a6d1f2a04f3b6p-7, 0x1.74a74d02709d9p-62 */
    {-0.0009647871191091894, -3.795581302115553e-20}, /* -0x1.f9d388fe4ffffp-11, -0x1.667b8654cd625p-65 */
    {5.231881258243358e-05, -6.465177844229604e-22}, /* 0x1.b6e1cb6495b7bp-15, -0x1.86cbc80bdb1e0p-71 */
    {-2.1505906052411256e-06, -1.3394516507163134e-22}, /* -0x1.20a5bb0431f96p-19, -0x1.43dc0a9cd2b88p-73 */
    {6.738405196482135e-08, 1.3605887447592044e-24}, /* 0x1.21698c751c9adp-24, 0x1.a514f2392bcabp-80 */
};

/* In what follows the floor is `alpha` if `absolute` is set, else peak * alpha. */

CF_INLINE int cf_falls(double peak, double alpha, int absolute)
{
    return peak > 0.0 && alpha >= 0.0 && alpha <= (absolute ? peak : 1.0);
}

/* Whether a schedule is CF_SINGLE or CF_PAIR, not CF_WIDE. Its decay begins and ends at steps up to `reach` in size. Without
 * a warmup start is peak. */
CF_INLINE int cf_is_ordinary(double peak, double decay_steps, double alpha, int absolute, double start, double reach)
{
    const double least = 7.006492321624085e-46, small = 4.909093465297727e-91, large = 2.037035976334486e+90;
    /* 2^-150, 2^-300 and 2^300 */
    const double amplitude = absolute ? peak - alpha : (1.0 - alpha) * peak, rise = peak - start;
    const double floor = absolute ? alpha : peak * alpha;
    const int one_sign = absolute ? (alpha == 0.0) | ((alpha > 0.0) == (peak > 0.0)) : alpha >= 0.0;
    return ((amplitude == 0.0) | (fabs(amplitude) >= least)) & ((rise == 0.0) | (fabs(rise) >= least))
           & ((peak == 0.0) | ((fabs(peak) >= small) & one_sign)) & (fabs(peak) <= large)
           & (fabs(floor) <= large) & (fabs(start) <= large) & (decay_steps >= 0.00000095367431640625) /* 2^-20 */
           & (reach <= 17592186044416.0); /* 2^44 */
}

/* The warmup line with a slope of `line`, counted from the smaller of its ends. */
CF_INLINE void cf_fold_line(cf_cosine_decay *p, double peak, double start, cf_pair warmup_steps, cf_pair line)
{
    const cf_pair zero = {0.0, 0.0};
    const int downwards = fabs(peak) < fabs(start);
    p->origin = downwards ? peak : start;
    p->anchor = cf_choose(downwards, warmup_steps, zero);
    line = cf_fast_two_sum(line.hi, line.lo);
    p->slope_hi = cf_leading_bits(line.hi);
    p->slope_lo = (line.hi - p->slope_hi) + line.lo;
}

/* Fold such a schedule; `inverse` is 1 / decay_steps. It has no branch, so that a loop over schedules vectorises. */
CF_INLINE void cf_fold_ordinary(cf_cosine_decay *p, double peak, cf_pair inverse, double alpha, int absolute, double start,
                                double warmup_steps)
{
    const cf_pair amplitude =
        absolute ? cf_two_sum(peak, -alpha) : cf_product(cf_two_sum(1.0, -alpha), cf_make_pair(peak, 0.0));
    /* Without a warmup the line is flat. */
    const cf_pair line = cf_quotient(cf_two_sum(peak, -start), warmup_steps > 0.0 ? warmup_steps : 1.0);
    const double low = absolute ? alpha : peak * alpha, low_rest = absolute ? 0.0 : cf_product_rest(peak, alpha, low);
    double ratio, square, even, odd;
    cf_pair power, c;
    int k;

    p->peak = peak;
    p->floor.hi = low + 0.0; /* -0 becomes +0 */
    p->floor.lo = fabs(low) < 1.1830521861667747e-271 ? 0.0 : low_rest; /* 2^-900: the rest is subnormal */
    cf_fold_line(p, peak, start, cf_make_pair(warmup_steps, 0.0), line);

    /* c_k = amplitude * g_k / D^(2k + 2) */
    inverse = cf_product(inverse, inverse);
    power = cf_product(amplitude, inverse);
    c = cf_product(cf_single_table[0], power);
    c = cf_fast_two_sum(c.hi, c.lo);
    p->c0_hi = cf_leading_bits(c.hi);
    p->c0_lo = (c.hi - p->c0_hi) + c.lo;
    power = cf_product(power, inverse);
    c = cf_product(cf_single_table[1], power);
    p->c[1] = c.hi + c.lo;
    p->bend = 1.75 * p->c[1];
    /* The terms of the others are at most 2^-5.5 of the sum, so that doubles are accurate enough. */
    ratio = inverse.hi + inverse.lo;
    square = ratio * ratio;
    even = (power.hi + power.lo) * ratio;
    odd = (power.hi + power.lo) * square;
    CF_UNROLL
    for (k = 2; k < CF_TERMS; k += 2) {
        p->c[k] = cf_single_table[k].hi * even;
        even *= square;
    }
    CF_UNROLL
    for (k = 3; k < CF_TERMS; k += 2) {
        p->c[k] = cf_single_table[k].hi * odd;
        odd *= square;
    }
}

CF_INLINE cf_pair cf_wide_amplitude(double peak, double alpha, int absolute)
{
    return absolute ? cf_two_sum(peak, -alpha) : cf_multiply(cf_two_sum(1.0, -alpha), cf_make_pair(peak, 0.0));
}

/* The floor, not rounded. */
static inline cf_pair cf_floor_of(double peak, double alpha, int absolute)
{
    cf_pair floor = absolute ? cf_make_pair(alpha, 0.0) : cf_two_prod(peak, alpha);
    floor.hi += 0.0; /* -0 becomes +0 */
    if (fabs(floor.hi) < ldexp(1.0, -900)) floor.lo = 0.0; /* the rest is subnormal */
    return floor;
}

static inline void cf_fold_wide(cf_cosine_decay *p, double peak, double alpha, int absolute, double start)
{
    const cf_pair one = {1.0, 0.0};
    const double least = 7.006492321624085e-46, most = 1.4272476927059599e+45; /* 2^-150 and 2^150 */
    cf_pair amplitude = cf_wide_amplitude(peak, alpha, absolute), rise = cf_two_sum(peak, -start);
    int exponent;

    if (((amplitude.hi != 0.0 && fabs(amplitude.hi) < least) || (rise.hi != 0.0 && fabs(rise.hi) < least))
        && fmax(fmax(fabs(peak), fabs(start)), fmax(fabs(amplitude.hi), fabs(p->end))) < most) {
        /* In this unit the lower halves of these numbers are normal. */
        const double up = ldexp(1.0, 700);
        p->rate_unit = ldexp(1.0, -700);
        peak *= up;
        start *= up;
        if (absolute) alpha *= up;
        amplitude = cf_wide_amplitude(peak, alpha, absolute);
        rise = cf_two_sum(peak, -start);
    }
    frexp(p->decay_steps.hi, &exponent);
    p->step_scale = ldexp(1.0, 1 - exponent);

    p->peak = peak;
    p->floor = cf_floor_of(peak, alpha, absolute);

    if (p->has_warmup) cf_fold_line(p, peak, start, p->warmup_steps, cf_divide(rise, p->warmup_steps));
    cf_wide_init(p->wide, amplitude, cf_divide(one, cf_scale(p->decay_steps, p->step_scale)));
}

/* As cf_cosine_decay_init, for a decay that begins and ends at steps up to `reach` in size, which are `whole` or not. */
static inline void cf_cosine_decay_fold(cf_cosine_decay *p, double peak, cf_pair decay_steps, double alpha, int absolute,
                                        int has_warmup, double start, cf_pair warmup_steps, int whole, double reach)
{
    const cf_pair one = {1.0, 0.0};

    memset(p, 0, sizeof *p);
    p->has_warmup = has_warmup;
    p->warmup_steps = warmup_steps;
    p->decay_steps = decay_steps;
    p->longer = cf_less(warmup_steps, decay_steps) ? decay_steps : warmup_steps;
    p->shorter = cf_less(warmup_steps, decay_steps) ? warmup_steps : decay_steps;
    p->end_step = warmup_steps.hi + decay_steps.hi;
    p->falls = cf_falls(peak, alpha, absolute);
    p->step_scale = p->rate_unit = 1.0;
    p->end = (absolute ? alpha : peak * alpha) + 0.0; /* -0 becomes +0 */

    if (cf_is_ordinary(peak, decay_steps.hi, alpha, absolute, start, reach)) {
        p->kind = whole ? CF_SINGLE : CF_PAIR;
        p->exact = whole && decay_steps.hi <= 134217728.0; /* 2^27 */
        cf_fold_ordinary(p, peak,
                         decay_steps.lo == 0.0 ? cf_reciprocal(decay_steps.hi) : cf_divide(one, decay_steps), alpha,
                         absolute, start, warmup_steps.hi);
    } else {
        p->kind = CF_WIDE;
        cf_fold_wide(p, peak, alpha, absolute, start);
    }
}

/* Whether a decay from peak to its floor has rates and differences of a size that a schedule may have. */
static inline int cf_is_wave(double peak, double alpha, int absolute)
{
    return absolute ? cf_are_ends(peak, alpha)
                    : cf_is_rate(peak) && cf_is_rate(peak * alpha) && cf_is_rate(peak * (1.0 - alpha));
}

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_cosine_decay_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    double rise;
    if (n != 4 || count != 2) return CF_BAD_LENGTH;
    rise = counts[1].hi > 0.0 ? numbers[0] - numbers[2] : 0.0; /* peak - start */
    if (!cf_is_finite(numbers[2])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_is_length(counts[0])) return CF_BAD_DECAY_STEPS;
    if (!cf_is_flag(numbers[3])) return CF_BAD_FLAG;
    if (!cf_is_finite(numbers[1])) return numbers[3] != 0.0 ? CF_BAD_END_LEARNING_RATE : CF_BAD_ALPHA;
    if (!cf_is_count(counts[1])) return CF_BAD_WARMUP_STEPS;
    if (!cf_is_finite(numbers[0])) return CF_BAD_WARMUP_TARGET;
    if (!cf_is_wave(numbers[0], numbers[1], numbers[3] != 0.0) || !cf_is_rate(numbers[2]) || !cf_is_rate(rise)
        || (rise != 0.0 && !cf_is_rate(rise / counts[1].hi)))
        return CF_BAD_SIZE;
    return CF_OK;
}

/** Fold the parameters, which are trusted: 2^-64 <= D < 2^63, W likewise, and `peak`, `start`, the floor, peak - floor,
 * peak - start and (peak - start) / W at most 2^1000 in size. D is `decay_steps` and W `warmup_steps`. The floor is
 * `alpha` if `absolute` is set, else peak * alpha. Without a warmup (`has_warmup` is 0) `start`, the rate at step 0, and
 * `warmup_steps` are ignored.
 */
static inline void cf_cosine_decay_init_to(cf_cosine_decay *p, double peak, cf_pair decay_steps, double alpha, int absolute,
                                           int has_warmup, double start, cf_pair warmup_steps)
{
    const cf_pair zero = {0.0, 0.0};
    if (!has_warmup) {
        start = peak;
        warmup_steps = zero;
    }
    cf_cosine_decay_fold(p, peak, decay_steps, alpha, absolute, has_warmup, start, warmup_steps,
                         cf_is_whole(decay_steps) && cf_is_whole(warmup_steps), warmup_steps.hi + decay_steps.hi);
}

/** As `cf_cosine_decay_init_to`, to the floor peak * alpha. */
static inline void cf_cosine_decay_init(cf_cosine_decay *p, double peak, cf_pair decay_steps, double alpha,
                                        int has_warmup, double start, cf_pair warmup_steps)
{
    cf_cosine_decay_init_to(p, peak, decay_steps, alpha, 0, has_warmup, start, warmup_steps);
}

/* The step in [0, D] where an even cosine of period 2D has its value at the negative `step`; exact. */
static inline cf_pair cf_reflect(const cf_cosine_decay *p, cf_pair step)
{
    const cf_pair zero = {0.0, 0.0};
    const cf_pair half = p->decay_steps, period = {2.0 * half.hi, 2.0 * half.lo};
    cf_pair t = cf_negate(step);
    if (half.lo == 0.0) {
        t = cf_two_sum(fmod(t.hi, period.hi), fmod(t.lo, period.hi));
        if (cf_less(t, zero)) t = cf_add(t, period);
        if (!cf_less(t, period)) t = cf_add(t, cf_negate(period));
    } else if (t.hi >= 9007199254740992.0 && t.hi <= 1.7976931348623157e308) {
        /* 2^53, and not infinity; D, an int64, has more digits than a double. */
        const uint64_t n = ((uint64_t)half.hi + (uint64_t)(int64_t)half.lo) * 2;
        uint64_t r;
        int exponent;
        if (t.hi < 18446744073709551616.0) { /* 2^64 */
            r = ((uint64_t)t.hi + (uint64_t)(int64_t)t.lo) % n;
        } else {
            r = (uint64_t)ldexp(frexp(t.hi, &exponent), 53) % n;
            for (exponent -= 53; exponent > 0; exponent--) r = r >= n - r ? r - (n - r) : r + r;
        }
        if (r > n / 2) r = n - r;
        return cf_from_int64((int64_t)r);
    }
    return cf_less(half, t) ? cf_add(period, cf_negate(t)) : t;
}

/* The phases CF_LINE and CF_LINE_FROM_ZERO are for CF_EXACT. In them a distance has at most 26 bits, and is its own head. */
CF_INLINE double cf_warmup_line(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    const double distance = step.hi - p->anchor.hi;
    double head, P, R, origin = p->origin, unit = p->rate_unit;
    cf_pair s;
    if (kind == CF_EXACT) { /* the distance is exact; below, an infinite one is not a pair */
        step.hi = distance;
    } else {
        const cf_pair back =
            kind == CF_SINGLE ? cf_two_sum(step.hi, -p->anchor.hi) : cf_add(step, cf_negate(p->anchor));
        step = cf_choose(distance - distance == 0.0, back, cf_make_pair(distance, 0.0));
    }
    if (kind == CF_WIDE) {
        /* A step beyond int64 takes the unit first: its product with the slope might overflow. */
        const int distant = fabs(step.hi) > CF_BEYOND_INT64;
        step = cf_choose(distant, cf_scale(step, unit), step);
        origin = distant ? origin * unit : origin;
        unit = distant ? 1.0 : unit;
    }
    head = phase == CF_WARMUP ? cf_leading_bits(step.hi) : step.hi;
    R = step.hi * p->slope_lo;
    if (phase == CF_WARMUP) R = (step.hi - head) * p->slope_hi + R;
    if (phase == CF_LINE_FROM_ZERO) return cf_exact_plus(head, p->slope_hi, R + 0.0); /* +0 at 0 */
    if (kind == CF_EXACT) {
        s = cf_exact_sum(head, p->slope_hi, origin);
        return s.hi + (s.lo + R);
    }
    R += step.lo * p->slope_hi;
    s = cf_two_sum(origin, head * p->slope_hi);
    /* Nothing can be added to an infinite sum. */
    P = s.hi - s.hi == 0.0 ? s.hi + (s.lo + R) : s.hi;
    return kind == CF_WIDE ? P * unit : P;
}

/* The distance of the rate from the peak or the floor, whichever is nearer: head * c0_hi + R, or P + R for CF_WIDE, in
 * p->rate_unit. */
typedef struct cf_wave {
    int upper; /* nearer to the peak than to the floor */
    double m;  /* the distance in steps */
    double head, P, R;
} cf_wave;

/* The wave at a step that is neither in the warmup nor negative. */
CF_INLINE cf_wave cf_wave_at(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    cf_wave w;
    double m, x, c0_hi = p->c0_hi;
    const cf_pair zero = {0.0, 0.0};
    cf_pair mm = zero;

    if (kind <= CF_SINGLE) {
        const double t = step.hi - p->warmup_steps.hi, r = p->end_step - step.hi;
        w.upper = phase == CF_UPPER ? 1 : phase < CF_DECAY ? 0 : t < r;
        m = w.upper ? t : r;
        if (phase >= CF_DECAY) m = m < 0.0 ? 0.0 : m;
    } else {
        const int mixed = phase >= CF_DECAY, past = mixed && step.hi > CF_BEYOND_INT64;
        cf_pair t = mm, r = mm;
        step.hi = past ? CF_BEYOND_INT64 : step.hi; /* infinity is not a pair */
        step.lo = past ? 0.0 : step.lo;
        if (mixed || phase == CF_UPPER) t = cf_add(step, cf_negate(p->warmup_steps));
        if (kind == CF_WIDE) t = cf_add(t, cf_make_pair(-p->begin_rest, 0.0));
        /* Not D - t: the longer part has to cancel first, or the fraction of a short W would be lost near the end. */
        if (phase != CF_UPPER) r = cf_add(cf_add(p->longer, cf_negate(step)), p->shorter);
        w.upper = phase == CF_UPPER || (mixed && cf_less(t, r));
        mm = cf_choose(w.upper, t, r);
        if (mixed) mm = cf_choose(mm.hi < 0.0, zero, mm);
        m = mm.hi;
    }
    w.m = m;

    if (kind == CF_WIDE) {
        const cf_pair y = cf_wide_at(p->wide, cf_scale(mm, p->step_scale));
        w.head = 0.0;
        w.P = y.hi;
        w.R = y.lo;
    } else {
        const double *c = p->c;
        double q, xx, tail, xl, c0_lo = p->c0_lo;
        x = m * m;
        w.head = cf_leading_bits(x);
        xl = x - w.head;
        if (kind == CF_EXACT) {
            tail = cf_exact_plus(xl, c0_hi, x * c0_lo);
        } else {
            double e = cf_square_rest(m, x);
            if (kind == CF_PAIR) e += (m + m) * mm.lo;
            /* m^2 - x = e: its effect on c[1] x^2 + ... goes with x, as c0_lo does. */
            c0_lo += p->bend * e;
            tail = (xl + e) * c0_hi + x * c0_lo;
        }
        /* Even and odd powers are summed apart, which halves the latency of the chain. c[1] is not, for its rounding
         * counts. */
        xx = x * x;
        q = c[1] + x * ((c[2] + xx * (c[4] + xx * (c[6] + xx * c[8]))) + x * (c[3] + xx * (c[5] + xx * c[7])));
        w.P = 0.0;
        w.R = tail + xx * q;
    }
    return w;
}

/* The rate at a step that is neither in the warmup nor negative. */
CF_INLINE double cf_decay_curve(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    const double end = p->end, unit = p->rate_unit; /* hoisted so that the loop vectorises */
    const double c0_hi = p->c0_hi;
    const cf_wave w = cf_wave_at(p, step, kind, phase);
    const int upper = w.upper;
    double base, rest, head = w.head, P = w.P, R = w.R, sum, at_end;
    cf_pair both;

    if (phase == CF_LOWER_TO_ZERO) return cf_exact_plus(head, c0_hi, R);
    if (phase == CF_UPPER) {
        sum = cf_exact_plus(-head, c0_hi, p->peak);
        return sum + (cf_exact_plus(-head, c0_hi, p->peak - sum) - R);
    }
    base = upper ? p->peak : p->floor.hi;
    rest = upper ? 0.0 : p->floor.lo;
    head = upper ? -head : head;
    P = upper ? -P : P;
    R = upper ? -R : R;
    both = kind < CF_WIDE ? cf_exact_sum(head, c0_hi, base) : cf_two_sum(base, P);
    sum = both.hi + ((both.lo + rest) + R);
    if (kind < CF_WIDE) return sum;
    at_end = upper ? sum * unit : end; /* in two choices, so that the loop vectorises */
    return w.m == 0.0 ? at_end : sum * unit;
}

/* One rate. `kind` and `phase` are constants in block loops, so that the compiler drops what they do not need. */
CF_INLINE double cf_rate(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    double rate;
    if (phase <= CF_LINE_FROM_ZERO) return cf_warmup_line(p, step, kind, phase);
    if (phase == CF_PAST) return p->end;
    rate = cf_decay_curve(p, step, kind, phase);
    if (phase == CF_ANY) {
        const double line = cf_warmup_line(p, step, kind, CF_WARMUP);
        rate = (kind <= CF_SINGLE ? step.hi < p->warmup_steps.hi : cf_less(step, p->warmup_steps)) ? line : rate;
    }
    return rate;
}

/* Any step of any schedule. */
static CF_NOINLINE double cf_cosine_decay_at_any(const cf_cosine_decay *p, cf_pair step)
{
    int warmup = cf_less(step, p->warmup_steps);
    if (warmup && !p->has_warmup) {
        step = cf_reflect(p, step);
        warmup = 0;
    }
    switch (p->kind) {
    /* A step below -2^53 has a lower half; for all others CF_SINGLE and CF_PAIR give the same bits. */
    case CF_SINGLE: return warmup ? cf_rate(p, step, CF_PAIR, CF_WARMUP) : cf_rate(p, step, CF_SINGLE, CF_DECAY);
    case CF_PAIR: return warmup ? cf_rate(p, step, CF_PAIR, CF_WARMUP) : cf_rate(p, step, CF_PAIR, CF_DECAY);
    default: return warmup ? cf_rate(p, step, CF_WIDE, CF_WARMUP) : cf_rate(p, step, CF_WIDE, CF_DECAY);
    }
}

/** The rate at any step. */
static inline double cf_cosine_decay_at(const cf_cosine_decay *p, cf_pair step)
{
    /* A shorter way to the same bits, for the usual steps of the usual schedules. */
    if (p->kind == CF_SINGLE && step.lo == 0.0) {
        if (step.hi >= p->warmup_steps.hi) {
            if (p->exact && step.hi < 2147483648.0 && step.hi == (double)(int32_t)step.hi)
                return cf_rate(p, step, CF_EXACT, CF_DECAY);
            return cf_rate(p, step, CF_SINGLE, CF_DECAY);
        }
        if (p->has_warmup && step.hi < p->warmup_steps.hi) return cf_rate(p, step, CF_SINGLE, CF_WARMUP);
    }
    return cf_cosine_decay_at_any(p, step);
}

#endif
