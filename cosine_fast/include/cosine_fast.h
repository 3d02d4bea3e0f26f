/* cosine_fast.h: Keras's CosineDecay, one step -> one learning rate, the same bits everywhere.
 *
 * Header only, C99 or C++11, no Python. Compile with -ffp-contract=off and without -ffast-math (or
 * their like): the bits come from IEEE 754 doubles, round to nearest, and from this order of operations. With FMA
 * (-mfma) it is faster: FMA stands where it rounds nothing that would not be rounded without it.
 *
 * Method
 *     With s the step, W = warmup_steps, D = decay_steps, t = s - W and the floor peak*alpha:
 *
 *         warmup  s < W    L0 + s * slope, or from its other end peak + (s - W) * slope, slope = (peak - L0) / W
 *         decay   s >= W   peak - y(t) on the first half, t < D - t;  floor + y(D - t) on the second;  y(0) past it
 *
 *     where y(m) = peak * (1 - alpha) * sin(pi*m / 2D)^2 is what the wave is away from its nearer end, m <= D/2. It
 *     is a polynomial in x = m^2, without a constant term, so that nothing cancels. Its coefficients take in the
 *     amplitude and the powers of 1/D^2 once for each schedule, the first two in pairs of doubles.
 *     The leading product is carried exactly, in two parts: P = x' * c0', x' and c0' being 26 bits long, and R, all
 *     the rest. The last addition is then the only one that rounds by half a unit in the last place of the result.
 *     The warmup does the same with its slope; it starts from the smaller of its ends, so that nothing cancels either.
 *
 * Kinds of schedule
 *     CF_SINGLE  W and D whole, W + D <= 2^44, rates of ordinary size: m is exact in one double.
 *     CF_PAIR    W or D has a fraction: m is a pair of doubles, the polynomial the same.
 *     CF_WIDE    all others (W + D up to 2^64, rates that cross zero, subnormal rates): pairs throughout.
 *     CF_EXACT is CF_SINGLE for whole steps below 2^52 where m*m fits one double; it has the same bits and is cheaper.
 *
 * Special cases
 *     Negative steps: the warmup line goes on below L0; without a warmup the cosine is even and has the period 2D.
 *     NaN gives NaN; +inf the floor; -inf the infinity that the line goes to, or NaN where there is none (no warmup, or
 *     one without a slope).
 *
 * Accuracy
 *     At most 1.81 units in the last place (ULP), 1.43 being the largest seen; 0.51 on the warmup line (where it
 *     crosses zero, of its larger end) and for CF_WIDE, but 1 for subnormal rates, which are rounded twice, and where a
 *     decay crosses zero 2^-98 of the peak besides. docs/accuracy.md has the proof.
 *     Exact at step 0, at the peak and at the floor. Over whole steps the decay never rises and the warmup never
 *     falls (the other way round where peak < floor, peak < L0).
 */
#ifndef COSINE_FAST_H
#define COSINE_FAST_H

#ifdef __FAST_MATH__
#error "cosine_fast.h: -ffast-math changes its results; compile without it"
#endif

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Whether fma() is an instruction. */
#if defined(__FP_FAST_FMA) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define CF_FMA 1
#else
#define CF_FMA 0
#endif

#if defined(__GNUC__)
#define CF_INLINE static inline __attribute__((always_inline, unused))
#define CF_NOINLINE __attribute__((noinline, unused))
#elif defined(_MSC_VER)
#define CF_INLINE static __forceinline
#define CF_NOINLINE __declspec(noinline)
#else
#define CF_INLINE static inline
#define CF_NOINLINE
#endif

/* A loop over coefficients has to be gone before the compiler looks whether it can vectorise the loop over steps. */
#if defined(__clang__)
#define CF_UNROLL _Pragma("unroll")
#elif defined(__GNUC__) && __GNUC__ >= 8
#define CF_UNROLL _Pragma("GCC unroll 16")
#else
#define CF_UNROLL
#endif

CF_INLINE uint64_t cf_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

CF_INLINE double cf_double(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---- Pairs: the unevaluated sum hi + lo of two doubles, |lo| <= half a unit in the last place of hi ---- */

typedef struct cf_pair {
    double hi, lo;
} cf_pair;

CF_INLINE cf_pair cf_make_pair(double hi, double lo)
{
    cf_pair r;
    r.hi = hi;
    r.lo = lo;
    return r;
}

/* x's leading 26 bits: the product of two such numbers is exact. */
CF_INLINE double cf_top(double x)
{
    return cf_double(cf_bits(x) & UINT64_C(0xFFFFFFFFF8000000));
}

/* x to 26 bits, rounded: what is left, x - cf_near(x), has 26 bits too. */
CF_INLINE double cf_near(double x)
{
    return cf_double((cf_bits(x) + UINT64_C(0x4000000)) & UINT64_C(0xFFFFFFFFF8000000));
}

/* a * b + c, where a * b is exact: rounded once with FMA or without. This and the two rests below are FMA's only
 * places here; it makes no difference to a result but its time. */
CF_INLINE double cf_exact_plus(double a, double b, double c)
{
#if CF_FMA
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

/* x * x - square exactly, `square` being x * x rounded (Dekker). */
CF_INLINE double cf_square_rest(double x, double square)
{
#if CF_FMA
    return fma(x, x, -square);
#else
    const double xh = cf_near(x), xl = x - xh;
    return ((xh * xh - square) + (xh + xh) * xl) + xl * xl;
#endif
}

/* a * b - product exactly, `product` being a * b rounded (Dekker). FMA changes no bit, but below 2^-960. */
CF_INLINE double cf_product_rest(double a, double b, double product)
{
#if CF_FMA
    return fma(a, b, -product);
#else
    const double ah = cf_near(a), al = a - ah, bh = cf_near(b), bl = b - bh;
    return (((ah * bh - product) + ah * bl) + al * bh) + al * bl;
#endif
}

/* a * b exactly. */
CF_INLINE cf_pair cf_exact_product(double a, double b)
{
    const double product = a * b;
    return cf_make_pair(product, cf_product_rest(a, b, product));
}

/* a + b exactly (Knuth). */
CF_INLINE cf_pair cf_two_sum(double a, double b)
{
    const double s = a + b, z = s - a;
    return cf_make_pair(s, (a - (s - z)) + (b - z));
}

/* a + b exactly, where |a| >= |b| or a == 0 (Dekker). */
CF_INLINE cf_pair cf_fast_two_sum(double a, double b)
{
    const double s = a + b;
    return cf_make_pair(s, b - (s - a));
}

/* a * b to 2^-105 of itself (Dekker; its last digits are not exact, so FMA would make others). */
CF_INLINE cf_pair cf_two_prod(double a, double b)
{
    const double p = a * b, ah = cf_top(a), al = a - ah, bh = cf_top(b), bl = b - bh;
    return cf_make_pair(p, (((ah * bh - p) + ah * bl) + al * bh) + al * bl);
}

/* a + b to 2^-104 of itself, also where they cancel (Joldes, Muller, Popescu 2017, AccurateDWPlusDW). */
CF_INLINE cf_pair cf_add(cf_pair a, cf_pair b)
{
    const cf_pair s = cf_two_sum(a.hi, b.hi), t = cf_two_sum(a.lo, b.lo);
    const cf_pair v = cf_fast_two_sum(s.hi, s.lo + t.hi);
    return cf_fast_two_sum(v.hi, t.lo + v.lo);
}

CF_INLINE cf_pair cf_negate(cf_pair a)
{
    return cf_make_pair(-a.hi, -a.lo);
}

CF_INLINE cf_pair cf_multiply(cf_pair a, cf_pair b)
{
    const cf_pair p = cf_two_prod(a.hi, b.hi);
    return cf_fast_two_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

/* a * b and a / b, where no intermediate result comes near to underflow: the leading product is exact, with FMA or
 * without. The result is not normalized: relative to hi, its lo is at most 2^-53 more than those of a and b together, and
 * what is left out is their product. */
CF_INLINE cf_pair cf_product(cf_pair a, cf_pair b)
{
    const double p = a.hi * b.hi;
    return cf_make_pair(p, cf_product_rest(a.hi, b.hi, p) + (a.hi * b.lo + a.lo * b.hi));
}

CF_INLINE cf_pair cf_quotient(cf_pair a, double b)
{
    const double q = a.hi / b, p = q * b;
    return cf_make_pair(q, (((a.hi - p) - cf_product_rest(q, b, p)) + a.lo) / b);
}

/* 1 / b likewise. */
CF_INLINE cf_pair cf_reciprocal(double b)
{
    const double q = 1.0 / b, p = q * b;
    return cf_make_pair(q, ((1.0 - p) - cf_product_rest(q, b, p)) * q);
}

CF_INLINE cf_pair cf_divide(cf_pair a, cf_pair b)
{
    const double q = a.hi / b.hi;
    const cf_pair r = cf_add(a, cf_negate(cf_multiply(cf_make_pair(q, 0.0), b)));
    const double q2 = r.hi / b.hi;
    const cf_pair r2 = cf_add(r, cf_negate(cf_multiply(cf_make_pair(q2, 0.0), b)));
    return cf_add(cf_fast_two_sum(q, q2), cf_make_pair(r2.hi / b.hi, 0.0));
}

CF_INLINE int cf_less(cf_pair a, cf_pair b)
{
    return (a.hi < b.hi) | ((a.hi == b.hi) & (a.lo < b.lo));
}

CF_INLINE int cf_is_whole(cf_pair a)
{
    return (a.hi == floor(a.hi)) & (a.lo == floor(a.lo));
}

/* Any int64 exactly. */
CF_INLINE cf_pair cf_from_int64(int64_t i)
{
    return cf_fast_two_sum((double)(i >> 32) * 4294967296.0, (double)(i & INT64_C(0xFFFFFFFF)));
}

/* ---- The schedule ---- */

enum cf_kind { CF_EXACT, CF_SINGLE, CF_PAIR, CF_WIDE };

/* What is known of the steps that a loop goes over. It changes what is computed, never what comes out. */
enum cf_phase {
    CF_WARMUP,
    CF_UPPER,         /* all in the first half of the decay; from here to CF_LOWER_TO_ZERO for `tame` schedules alone */
    CF_LOWER_WAVE,    /* all in its second half, what the wave adds to the floor being at least the floor ... */
    CF_LOWER_FLOOR,   /* ... or at most */
    CF_LOWER_TO_ZERO, /* or the floor being 0 */
    CF_PAST,          /* all at its end or past it, none NaN */
    CF_DECAY,         /* none in the warmup */
    CF_ANY
};

#define CF_FAR 36893488147419103232.0 /* 2^65: a step beyond all int64s */
#define CF_TERMS 9
#define CF_WIDE_TERMS 13
#define CF_WIDE_PAIRS 9 /* below 2^-48 of the sum a coefficient needs only one double */

typedef struct cf_cosine_decay {
    int kind;          /* CF_SINGLE, CF_PAIR or CF_WIDE */
    int exact;         /* whole steps may take CF_EXACT */
    int tame;          /* 0 <= alpha <= 1, peak > 0: the decay falls from peak to floor >= 0 */
    int has_warmup;    /* else warmup_steps is 0 */
    double peak;
    double origin;     /* the smaller of the warmup line's two ends, from which it is counted, ... */
    cf_pair anchor;    /* ... and the step where it stands, 0 or W */
    double end;        /* peak * alpha, rounded once; `floor` but for CF_WIDE's unit */
    cf_pair floor;
    cf_pair warmup_steps, decay_steps;
    cf_pair longer, shorter; /* of the two */
    double end_step;         /* their sum, exact for CF_SINGLE */
    double begin_rest;       /* what warmup_steps lacks of the step where the decay begins; 0 but for CF_WIDE */
    double slope_hi, slope_lo;      /* of the warmup line, slope_hi being 26 bits long */
    double c0_hi, c0_lo;            /* the leading coefficient, c0_hi being 26 bits long */
    double c[CF_TERMS];             /* the others; c[0] is not used */
    double bend;                    /* 1.75 * c[1]: how the rest of the polynomial goes with x, over x, near m = D/2 */
    cf_pair wide[CF_WIDE_TERMS];    /* CF_WIDE's own */
    double scale;                   /* CF_WIDE: brings D into [1, 2) */
    double unit;                    /* CF_WIDE: the rates above are in this unit, a power of 2 */
} cf_cosine_decay;

/* sin(pi*v/2)^2 / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py. In decimal because C++ has
 * hexadecimal floats since C++17 only; a compiler rounds these to the same doubles. */
static const double cf_single_table[CF_TERMS][2] = { /* relative error 2^-65.24 */
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

static const double cf_wide_table[CF_WIDE_TERMS][2] = { /* relative error 2^-104.67 */
    {2.4674011002723395, 1.5663238771849273e-16}, /* 0x1.3bd3cc9be45dep+1, 0x1.692b71366cc02p-53 */
    {-2.0293560632083842, 1.3301000412158104e-16}, /* -0x1.03c1f081b5ac4p+1, 0x1.32b33f87fcf2fp-53 */
    {0.6676313844272947, -1.5907619140240806e-18}, /* 0x1.55d3c7e3cbffap-1, -0x1.d58292695cd53p-60 */
    {-0.1176653151794466, 6.291549684173433e-19}, /* -0x1.e1f506891babbp-4, 0x1.736335f28da2dp-61 */
    {0.01290344569500703, -5.851720204624383e-19}, /* 0x1.a6d1f2a204a8cp-7, -0x1.596cb20ffff39p-61 */
    {-0.0009647871547019616, 5.041027610957338e-20}, /* -0x1.f9d38a3763cc3p-11, 0x1.dc1c9197ff164p-65 */
    {5.231905246242282e-05, -6.410610768027295e-22}, /* 0x1.b6e24f44b128ap-15, -0x1.837f659655e21p-71 */
    {-2.1515347935160586e-06, 1.3607384619514503e-22}, /* -0x1.20c62c2f2d421p-19, 0x1.4901a199bf9b1p-73 */
    {6.939476230776778e-08, 6.130326243488625e-24}, /* 0x1.2a0c591abb4c6p-24, 0x1.da4f9ef7f703bp-78 */
    {-1.8023653806984191e-09, -5.471357828128606e-26}, /* -0x1.ef6e303a43b36p-30, -0x1.0eedb34a10e13p-84 */
    {3.8503469113627774e-11, -2.5260047149856652e-27}, /* 0x1.52ae1ac583382p-35, -0x1.9042ecb1498bap-89 */
    {-6.882738392917353e-13, -4.153846987671413e-29}, /* -0x1.8376b6bb6a232p-41, -0x1.a5400887f610cp-95 */
    {1.0232802537834928e-14, -3.219523679655128e-31}, /* 0x1.70acf1dd80dd2p-47, -0x1.a1eb0673a79e5p-102 */
};

/* Whether a schedule is CF_SINGLE or CF_PAIR, and not CF_WIDE, where its decay begins and ends at steps up to `reach` in
 * size. Without a warmup start is peak. */
CF_INLINE int cf_is_ordinary(double peak, double decay_steps, double alpha, double start, double reach)
{
    const double least = 7.006492321624085e-46, small = 4.909093465297727e-91, large = 2.037035976334486e+90;
    /* 2^-150, 2^-300 and 2^300 */
    const double amplitude = (1.0 - alpha) * peak, rise = peak - start;
    return ((amplitude == 0.0) | (fabs(amplitude) >= least)) & ((rise == 0.0) | (fabs(rise) >= least))
           & ((peak == 0.0) | ((fabs(peak) >= small) & (alpha >= 0.0))) & (fabs(peak) <= large)
           & (fabs(peak * alpha) <= large) & (fabs(start) <= large) & (decay_steps >= 0.00000095367431640625) /* 2^-20 */
           & (reach <= 17592186044416.0); /* 2^44 */
}

/* What is left of the powers that the first two coefficients were made from, in pairs. */
typedef struct cf_powers {
    double last;    /* amplitude / D^4, of c[1] */
    double inverse; /* 1 / D^2 */
} cf_powers;

/* What the curve and the warmup line of such a schedule are computed from, but for the coefficients from c[2] on, which
 * are made from what this returns; `inverse` is 1 / decay_steps. Without a branch: a loop over schedules is vectorised. */
CF_INLINE cf_powers cf_fold_leading(cf_cosine_decay *p, double peak, cf_pair inverse, double alpha, double start,
                                   double warmup_steps)
{
    const cf_pair amplitude = cf_product(cf_two_sum(1.0, -alpha), cf_make_pair(peak, 0.0));
    /* Without a warmup there is nothing to rise. */
    cf_pair line = cf_quotient(cf_two_sum(peak, -start), warmup_steps > 0.0 ? warmup_steps : 1.0);
    const int downwards = fabs(peak) < fabs(start);
    const double low = peak * alpha, low_rest = cf_product_rest(peak, alpha, low);
    cf_pair power, c;
    cf_powers r;

    p->peak = peak;
    p->floor.hi = low + 0.0; /* -0 is +0 */
    p->floor.lo = fabs(low) < 1.1830521861667747e-271 ? 0.0 : low_rest; /* 2^-900: it has no digits there */
    p->origin = downwards ? peak : start;
    p->anchor.hi = downwards ? warmup_steps : 0.0;
    p->anchor.lo = 0.0;
    line = cf_fast_two_sum(line.hi, line.lo);
    p->slope_hi = cf_top(line.hi);
    p->slope_lo = (line.hi - p->slope_hi) + line.lo;

    /* c_k = amplitude * g_k / D^(2k + 2) */
    inverse = cf_product(inverse, inverse);
    power = cf_product(amplitude, inverse);
    c = cf_product(cf_make_pair(cf_single_table[0][0], cf_single_table[0][1]), power);
    c = cf_fast_two_sum(c.hi, c.lo);
    p->c0_hi = cf_top(c.hi);
    p->c0_lo = (c.hi - p->c0_hi) + c.lo;
    power = cf_product(power, inverse);
    c = cf_product(cf_make_pair(cf_single_table[1][0], cf_single_table[1][1]), power);
    p->c[1] = c.hi + c.lo;
    p->bend = 1.75 * p->c[1];
    r.last = power.hi + power.lo;
    r.inverse = inverse.hi + inverse.lo;
    return r;
}

/* The coefficients from c[2] on: what they make is 2^-5.5 of the sum and less, so that doubles do. */
CF_INLINE void cf_fold_others(cf_cosine_decay *p, cf_powers r)
{
    const double square = r.inverse * r.inverse;
    double even = r.last * r.inverse, odd = r.last * square;
    int k;
    CF_UNROLL
    for (k = 2; k < CF_TERMS; k += 2) {
        p->c[k] = cf_single_table[k][0] * even;
        even *= square;
    }
    CF_UNROLL
    for (k = 3; k < CF_TERMS; k += 2) {
        p->c[k] = cf_single_table[k][0] * odd;
        odd *= square;
    }
}

CF_INLINE void cf_fold_ordinary(cf_cosine_decay *p, double peak, cf_pair inverse, double alpha, double start,
                                double warmup_steps)
{
    cf_fold_others(p, cf_fold_leading(p, peak, inverse, alpha, start, warmup_steps));
}

static inline void cf_fold_wide(cf_cosine_decay *p, double peak, double alpha, double start)
{
    const cf_pair one = {1.0, 0.0};
    const double least = 7.006492321624085e-46, most = 1.4272476927059599e+45; /* 2^-150 and 2^150 */
    cf_pair amplitude = cf_multiply(cf_two_sum(1.0, -alpha), cf_make_pair(peak, 0.0)), rise = cf_two_sum(peak, -start);
    cf_pair line, inverse, power;
    int exponent, k;

    if (((amplitude.hi != 0.0 && fabs(amplitude.hi) < least) || (rise.hi != 0.0 && fabs(rise.hi) < least))
        && fmax(fmax(fabs(peak), fabs(start)), fmax(fabs(amplitude.hi), fabs(p->end))) < most) {
        /* In a unit in which the digits below theirs are normal numbers. */
        const double up = ldexp(1.0, 700);
        p->unit = ldexp(1.0, -700);
        peak *= up;
        start *= up;
        amplitude = cf_multiply(cf_two_sum(1.0, -alpha), cf_make_pair(peak, 0.0));
        rise = cf_two_sum(peak, -start);
    }
    frexp(p->decay_steps.hi, &exponent);
    p->scale = ldexp(1.0, 1 - exponent);

    p->peak = peak;
    p->floor = cf_two_prod(peak, alpha);
    p->floor.hi += 0.0;
    if (fabs(p->floor.hi) < ldexp(1.0, -900)) p->floor.lo = 0.0;

    if (p->has_warmup) {
        if (fabs(peak) < fabs(start)) {
            p->origin = peak;
            p->anchor = p->warmup_steps;
        } else {
            p->origin = start;
        }
        line = cf_divide(rise, p->warmup_steps);
        p->slope_hi = cf_top(line.hi);
        p->slope_lo = (line.hi - p->slope_hi) + line.lo;
    }

    inverse = cf_divide(one, cf_make_pair(p->decay_steps.hi * p->scale, p->decay_steps.lo * p->scale));
    inverse = cf_multiply(inverse, inverse);
    power = cf_multiply(amplitude, inverse);
    for (k = 0; k < CF_WIDE_TERMS; k++) {
        p->wide[k] = cf_multiply(cf_make_pair(cf_wide_table[k][0], cf_wide_table[k][1]), power);
        power = cf_multiply(power, inverse);
    }
}

/* As cf_cosine_decay_init does, where the decay begins and ends at steps up to `reach` in size, all `whole` or not. */
static inline void cf_cosine_decay_fold(cf_cosine_decay *p, double peak, cf_pair decay_steps, double alpha,
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
    p->tame = alpha >= 0.0 && alpha <= 1.0 && peak > 0.0;
    p->scale = p->unit = 1.0;
    p->end = peak * alpha + 0.0; /* -0 is +0 */

    if (cf_is_ordinary(peak, decay_steps.hi, alpha, start, reach)) {
        p->kind = whole ? CF_SINGLE : CF_PAIR;
        p->exact = whole && decay_steps.hi <= 134217728.0; /* 2^27 */
        cf_fold_ordinary(p, peak,
                         decay_steps.lo == 0.0 ? cf_reciprocal(decay_steps.hi) : cf_divide(one, decay_steps), alpha,
                         start, warmup_steps.hi);
    } else {
        p->kind = CF_WIDE;
        cf_fold_wide(p, peak, alpha, start);
    }
}

/* Fold the parameters, which are trusted: 2^-64 <= D < 2^63, W likewise, and peak, start, peak * alpha,
 * peak * (1 - alpha), peak - start and (peak - start) / W all at most 2^1000 in size.
 * Without a warmup (has_warmup = 0) start and warmup_steps are ignored. */
static inline void cf_cosine_decay_init(cf_cosine_decay *p, double peak, cf_pair decay_steps, double alpha,
                                        int has_warmup, double start, cf_pair warmup_steps)
{
    const cf_pair zero = {0.0, 0.0};
    if (!has_warmup) {
        start = peak;
        warmup_steps = zero;
    }
    cf_cosine_decay_fold(p, peak, decay_steps, alpha, has_warmup, start, warmup_steps,
                         cf_is_whole(decay_steps) && cf_is_whole(warmup_steps), warmup_steps.hi + decay_steps.hi);
}

/* The step in [0, D] at which an even cosine of period 2D has the value that it has at the negative `step`; exact. */
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

CF_INLINE double cf_warmup_line(const cf_cosine_decay *p, cf_pair step, int kind)
{
    const double distance = step.hi - p->anchor.hi;
    double top, P, R, origin = p->origin, unit = p->unit;
    cf_pair s;
    if (kind == CF_EXACT) { /* so it is exact; below, infinity has no pair */
        step.hi = distance;
    } else {
        const cf_pair back =
            kind == CF_SINGLE ? cf_two_sum(step.hi, -p->anchor.hi) : cf_add(step, cf_negate(p->anchor));
        step.hi = distance - distance == 0.0 ? back.hi : distance;
        step.lo = distance - distance == 0.0 ? back.lo : 0.0;
    }
    if (kind == CF_WIDE) {
        /* A step beyond all int64s takes the unit, which its product with the slope might overflow. */
        const int far = fabs(step.hi) > CF_FAR;
        step.hi = far ? step.hi * unit : step.hi;
        origin = far ? origin * unit : origin;
        unit = far ? 1.0 : unit;
    }
    top = cf_top(step.hi);
    P = top * p->slope_hi;
    R = (step.hi - top) * p->slope_hi + step.hi * p->slope_lo;
    if (kind != CF_EXACT) R += step.lo * p->slope_hi;
    s = cf_two_sum(origin, P);
    if (kind == CF_EXACT) return s.hi + (s.lo + R);
    /* An infinite sum has no rest to add. */
    P = s.hi - s.hi == 0.0 ? s.hi + (s.lo + R) : s.hi;
    return kind == CF_WIDE ? P * unit : P;
}

/* How far the wave is from its nearer end, peak or floor: head * c0_hi + R, but for CF_WIDE P + R, in its unit. */
typedef struct cf_wave {
    int upper; /* nearer to the peak than to the floor */
    double m;  /* the distance in steps */
    double head, P, R;
} cf_wave;

/* The wave at a step that is not before the warmup's end, nor negative. */
CF_INLINE cf_wave cf_wave_at(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    cf_wave w;
    double m, x, c0_hi = p->c0_hi;
    cf_pair mm = {0.0, 0.0};

    if (kind <= CF_SINGLE) {
        const double t = step.hi - p->warmup_steps.hi, r = p->end_step - step.hi;
        w.upper = phase == CF_UPPER ? 1 : phase < CF_DECAY ? 0 : t < r;
        m = w.upper ? t : r;
        if (phase >= CF_DECAY) m = m < 0.0 ? 0.0 : m;
    } else {
        const int mixed = phase >= CF_DECAY, past = mixed && step.hi > CF_FAR; /* infinity too */
        cf_pair t = mm, r = mm;
        step.hi = past ? CF_FAR : step.hi; /* which has no pair */
        step.lo = past ? 0.0 : step.lo;
        if (mixed || phase == CF_UPPER) t = cf_add(step, cf_negate(p->warmup_steps));
        if (kind == CF_WIDE) t = cf_add(t, cf_make_pair(-p->begin_rest, 0.0));
        /* Not D - t: near the end the longer part cancels first, or the fraction of a short W would be lost. */
        if (phase != CF_UPPER) r = cf_add(cf_add(p->longer, cf_negate(step)), p->shorter);
        w.upper = phase == CF_UPPER || (mixed && cf_less(t, r));
        mm.hi = w.upper ? t.hi : r.hi;
        mm.lo = w.upper ? t.lo : r.lo;
        if (mixed) {
            mm.lo = mm.hi < 0.0 ? 0.0 : mm.lo;
            mm.hi = mm.hi < 0.0 ? 0.0 : mm.hi;
        }
        m = mm.hi;
    }
    w.m = m;

    if (kind == CF_WIDE) {
        cf_pair q, y;
        int k;
        mm.hi = mm.hi * p->scale;
        mm.lo = mm.lo * p->scale;
        mm = cf_multiply(mm, mm);
        x = p->wide[CF_WIDE_TERMS - 1].hi;
        CF_UNROLL
        for (k = CF_WIDE_TERMS - 2; k >= CF_WIDE_PAIRS; k--) x = p->wide[k].hi + mm.hi * x;
        q = cf_make_pair(x, 0.0);
        CF_UNROLL
        for (k = CF_WIDE_PAIRS - 1; k >= 0; k--) q = cf_add(p->wide[k], cf_multiply(mm, q));
        y = cf_multiply(mm, q);
        w.head = 0.0;
        w.P = y.hi;
        w.R = y.lo;
    } else {
        const double *c = p->c;
        double q, xx, tail, xl, c0_lo = p->c0_lo;
        x = m * m;
        w.head = cf_top(x);
        xl = x - w.head;
        if (kind == CF_EXACT) {
            tail = cf_exact_plus(xl, c0_hi, x * c0_lo);
        } else {
            double e = cf_square_rest(m, x);
            if (kind == CF_PAIR) e += (m + m) * mm.lo;
            /* m^2 - x = e, and this is what it makes of c[1] x^2 + ... */
            c0_lo += p->bend * e;
            tail = (xl + e) * c0_hi + x * c0_lo;
        }
        /* Even and odd powers apart, but for the first, whose rounding counts: as many additions as in one chain, and
         * half the wait. */
        xx = x * x;
        q = c[1] + x * ((c[2] + xx * (c[4] + xx * (c[6] + xx * c[8]))) + x * (c[3] + xx * (c[5] + xx * c[7])));
        w.P = 0.0;
        w.R = tail + xx * q;
    }
    return w;
}

/* The rate at a step that is not before the warmup's end, nor negative. */
CF_INLINE double cf_decay_curve(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    const double end = p->end, unit = p->unit; /* loaded anyhow: a loop with a load in a branch stays scalar */
    const double c0_hi = p->c0_hi;
    const cf_wave w = cf_wave_at(p, step, kind, phase);
    const int upper = w.upper;
    double head = w.head, P = w.P, R = w.R, base, rest, sum, z;

    if (phase == CF_LOWER_TO_ZERO) return cf_exact_plus(head, c0_hi, R);
    if (phase == CF_UPPER) {
        sum = cf_exact_plus(-head, c0_hi, p->peak);
        return sum + (cf_exact_plus(-head, c0_hi, p->peak - sum) - R);
    }
    if (phase < CF_DECAY) {
        base = p->floor.hi;
        sum = cf_exact_plus(head, c0_hi, base);
        z = phase == CF_LOWER_FLOOR ? cf_exact_plus(head, c0_hi, base - sum) : cf_exact_plus(head, c0_hi, -sum) + base;
        return sum + ((z + p->floor.lo) + R);
    }
    base = upper ? p->peak : p->floor.hi;
    rest = upper ? 0.0 : p->floor.lo;
    R = upper ? -R : R;
    if (kind < CF_WIDE) {
        head = upper ? -head : head;
        sum = cf_exact_plus(head, c0_hi, base);
        z = sum - base;
        return sum + ((((base - (sum - z)) + cf_exact_plus(head, c0_hi, -z)) + rest) + R);
    }
    P = upper ? -P : P;
    sum = base + P;
    z = sum - base;
    sum += (((base - (sum - z)) + (P - z)) + rest) + R;
    z = upper ? sum * unit : end;
    return w.m == 0.0 ? z : sum * unit;
}

/* One value, for block loops: `kind` and `phase` are constants there, so that the compiler drops what is not needed. */
CF_INLINE double cf_rate(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    double rate;
    if (phase == CF_WARMUP) return cf_warmup_line(p, step, kind);
    if (phase == CF_PAST) return p->end;
    rate = cf_decay_curve(p, step, kind, phase);
    if (phase == CF_ANY) {
        const double line = cf_warmup_line(p, step, kind);
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
    /* A step below -2^53 has a lower half; of all others CF_SINGLE and CF_PAIR make the same. */
    case CF_SINGLE: return warmup ? cf_rate(p, step, CF_PAIR, CF_WARMUP) : cf_rate(p, step, CF_SINGLE, CF_DECAY);
    case CF_PAIR: return warmup ? cf_rate(p, step, CF_PAIR, CF_WARMUP) : cf_rate(p, step, CF_PAIR, CF_DECAY);
    default: return warmup ? cf_rate(p, step, CF_WIDE, CF_WARMUP) : cf_rate(p, step, CF_WIDE, CF_DECAY);
    }
}

static inline double cf_cosine_decay_at(const cf_cosine_decay *p, cf_pair step)
{
    /* The usual steps of the usual schedules go a shorter way to the same bits. */
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

#include "cosine_fast_embed.h" /* for programs: checked parameters, loops, arrays */

#endif
