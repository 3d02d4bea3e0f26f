/* cosine_fast_powers.h: Keras's ExponentialDecay and PolynomialDecay, one step -> one learning rate, the same bits
 * everywhere. Header only, C99 or C++11, no Python; compile it as cosine_fast.h says.
 *
 * Method
 *     With s the step and D = decay_steps:
 *
 *         ExponentialDecay  L0 * rate^(s/D)                        = L0 * 2^(s * log2(rate)/D)
 *             staircase     L0 * rate^floor(s/D)                   = L0 * 2^(floor(s/D) * log2(rate))
 *         PolynomialDecay   end + (L0 - end) * b^power, b = 1 - min(s, D)/D, b^power = 2^(power * log2(b))
 *             cycle         the same, with b = 1 - s/(D*m), m = max(1, ceil(s/D))
 *             power 1       CosineDecay's warmup line, from L0 to end
 *
 *     The exponent E comes as a pair: all digits of it that lie above 2^-60 count, however large it is. n is the
 *     integer nearest to it, f = E - n, and amplitude * (2^f - 1) a polynomial in f without a constant term, whose
 *     coefficients take in the amplitude (L0, or L0 - end) once for each schedule, and whose leading product is carried
 *     exactly. The factor 2^n is applied last, in two halves, so that it rounds only what becomes subnormal.
 *
 *     log2(rate) and its quotient with D are folded once, in pairs throughout. log2(b) is made for each step: b = 2^k*m
 *     with m from sqrt(1/2) to sqrt(2), and log2(m) = 2/ln(2) * atanh(z), z = (m-1)/(m+1), whose numerator and
 *     denominator are r - D*2^k and r + D*2^k with r = D - s. So they are exact, and log2(b) has an error of 2^-64 of
 *     itself, near b = 1 too. The first two terms of atanh are pairs.
 *
 *     While n = 0 a polynomial decay is L0 + (L0 - end) * (2^f - 1), else end + (L0 - end) * 2^E: nothing cancels,
 *     whichever end is the larger.
 *
 *     floor(s/D) and s - D*floor(s/D) are exact: the integer nearest to the rounded quotient, the exact remainder to it,
 *     and far out once more with what remains.
 *
 * Special cases
 *     Negative steps: exponents go on below 0; b is larger than 1 and m is 1. NaN gives NaN. An infinite step gives the
 *     limit, or NaN where there is none (an alternating staircase that does not fall to 0).
 *     rate = 0: L0 at s/D = 0, 0 past it, the infinity that L0 says before it. rate < 0 with a staircase: alternating.
 *     L0 = 0: 0 throughout. power = 0: L0 throughout. power < 0: the infinity that L0 - end says at D and past it.
 *
 * Accuracy
 *     At most 1 unit in the last place (ULP), 0.69 being the largest seen, 0.82 for subnormal rates; where a polynomial
 *     decay crosses zero, of its larger end. Stairs and cycles are exact for up to 2^98 of them. Exact at step 0, and
 *     at whole cycles' ends (power > 0). Over whole steps a curve never turns back where neighbouring exact rates differ
 *     by 2^-55 of themselves or more.
 */
#ifndef COSINE_FAST_POWERS_H
#define COSINE_FAST_POWERS_H

#include "cosine_fast.h"

#define CF_MAGIC 6755399441055744.0 /* 1.5 * 2^52: what is added to it, below 2^51 in size, is rounded to an integer */
#define CF_FEW 1125899906842624.0 /* 2^50 */
#define CF_HUGE_STEP 8.452712498170644e+270 /* 2^900 */
#define CF_MOST 4000.0 /* an exponent whose power is 0 or infinity, whatever it is multiplied with */
#define CF_TINY 1.90109156629516e-211 /* 2^-700 */
#define CF_LARGE 2.5822498780869086e+120 /* 2^400 */
#define CF_LARGE_EXPONENT 400.0

/* The integer nearest to x, |x| < 2^51. */
CF_INLINE double cf_round(double x)
{
    return (x + CF_MAGIC) - CF_MAGIC;
}

/* ---- Powers of 2 ---- */

#define CF_EXP2_TERMS 12
#define CF_LOG2_TERMS 9
#define CF_WIDE_LOG2_TERMS 15
#define CF_WIDE_LOG2_PAIRS 8 /* below 2^-45 of the sum a coefficient needs only one double */

/* (2^f - 1) / f in powers of f for |f| <= 1/2; made by src/coefficients.py, as the tables below. */
static const double cf_exp2_table[CF_EXP2_TERMS][2] = { /* relative error 2^-61.88 */
    {0.6931471805599453, 2.3028507663268023e-17}, /* 0x1.62e42fefa39efp-1, 0x1.a8cd0d8056617p-56 */
    {0.24022650695910072, -8.968192646408562e-18}, /* 0x1.ebfbdff82c58fp-3, -0x1.4ade2f4a81c6ap-57 */
    {0.055504108664821625, 2.018235751259955e-18}, /* 0x1.c6b08d704a0c6p-5, 0x1.29d6ca7a67607p-59 */
    {0.009618129107628437, -2.297446153293073e-19}, /* 0x1.3b2ab6fba4e60p-7, -0x1.0f3c0ca20599bp-62 */
    {0.0013333558146406545, -7.011208664527925e-21}, /* 0x1.5d87fe78a3fbep-10, -0x1.08e03fdbf5041p-67 */
    {0.00015403530393466502, 4.370856036343808e-21}, /* 0x1.430912f8741dfp-13, 0x1.4a40a6c5fb7f1p-68 */
    {1.5252733841487877e-05, -7.80764900484633e-22}, /* 0x1.ffcbfc6d9cff4p-17, -0x1.d7f18435e44f0p-71 */
    {1.3215486721153031e-06, 5.593245568312758e-23}, /* 0x1.62c0221b4a5b2p-20, 0x1.0e7906c136913p-74 */
    {1.017805711293016e-07, 1.8323779455757503e-24}, /* 0x1.b524ebe36237cp-24, 0x1.1b8bf8053b117p-79 */
    {7.054932313836156e-09, -3.8251957426654024e-25}, /* 0x1.e4cfae8a2addbp-28, -0x1.d9894abf2b401p-82 */
    {4.4558148853294426e-10, 9.015623631590787e-27}, /* 0x1.e9ec0a02f3242p-32, 0x1.652549214907bp-87 */
    {2.567842594528401e-11, 1.2076455345775275e-27}, /* 0x1.c3bd597a0dc08p-36, 0x1.7eb7d8762e2c2p-90 */
};

/* log2(m) / z in powers of z^2, z = (m - 1) / (m + 1), for m from sqrt(1/2) to sqrt(2). */
static const double cf_log2_table[CF_LOG2_TERMS][2] = { /* relative error 2^-66.84 */
    {2.8853900817779268, 4.0732443064435995e-17}, /* 0x1.71547652b82fep+1, 0x1.77b0c30eec13cp-55 */
    {0.9617966939259754, 4.133798680755349e-17}, /* 0x1.ec709dc3a03fcp-1, 0x1.7d468fca90ae8p-55 */
    {0.5770780163556941, -5.27454985278329e-17}, /* 0x1.2776c50ef9fd2p-1, -0x1.e67dc984f5848p-55 */
    {0.41219858307332774, 1.3305536525633666e-17}, /* 0x1.a61762a707a95p-2, 0x1.eae33d4ca0c4bp-57 */
    {0.3205989045565121, -2.4872718257869582e-17}, /* 0x1.484b1448d0884p-2, -0x1.cad2174e52004p-56 */
    {0.26230754653037214, 1.0732700425010254e-17}, /* 0x1.0c9a59775e274p-2, 0x1.8bf77d50e340bp-57 */
    {0.2219898692250894, -1.0404883037858375e-17}, /* 0x1.c6a29fe2ebacep-3, -0x1.7fdf578252b62p-57 */
    {0.19113795930344535, 7.733159292557628e-18}, /* 0x1.877356a1dc1ccp-3, 0x1.1d4d9fdf36e60p-57 */
    {0.19134266183417273, 4.306716333625832e-18}, /* 0x1.87dea95742459p-3, 0x1.3dc7924b3d606p-58 */
};

static const double cf_wide_log2_table[CF_WIDE_LOG2_TERMS][2] = { /* relative error 2^-109.77 */
    {2.8853900817779268, 4.0710547481862066e-17}, /* 0x1.71547652b82fep+1, 0x1.777d0ffda0d24p-55 */
    {0.9617966939259756, 5.057761664809032e-17}, /* 0x1.ec709dc3a03fdp-1, 0x1.d27f05548987ep-55 */
    {0.5770780163555853, 5.255103057151196e-17}, /* 0x1.2776c50ef9bfep-1, 0x1.e4b29cda45e96p-55 */
    {0.4121985831111324, 1.3745866867946764e-17}, /* 0x1.a61762a7aded9p-2, 0x1.fb220abd42418p-57 */
    {0.3205988979753252, -1.5973712775382859e-18}, /* 0x1.484b13d7c02a9p-2, -0x1.d775f61846bdep-60 */
    {0.2623081892525388, -6.099372080211613e-18}, /* 0x1.0c9a84994022dp-2, -0x1.c20de19097e39p-58 */
    {0.22195308321368973, -9.843958019194702e-20}, /* 0x1.c68f568d317cep-3, -0x1.d0de26714895cp-64 */
    {0.1923593387847659, -3.3867250115617865e-18}, /* 0x1.89f3b16949396p-3, -0x1.f3cada7bb920cp-59 */
    {0.16972882838250736, -3.8739521601326916e-18}, /* 0x1.5b9ac9b8bae98p-3, -0x1.1dd8e3294de9cp-58 */
    {0.1518626328480447, 4.0896489913539775e-18}, /* 0x1.3703c18c88d24p-3, 0x1.2dc3490905292p-58 */
    {0.13739968312285541, 9.351592871853243e-18}, /* 0x1.1965014bf289fp-3, 0x1.59034c2794d97p-57 */
    {0.12544607234080943, -4.0917981399843655e-18}, /* 0x1.00e9ded0ec64dp-3, -0x1.2debe1ae28fbcp-58 */
    {0.11555912359202913, 5.9564136139586974e-18}, /* 0x1.d954860950a38p-4, 0x1.b78178d74395cp-58 */
    {0.10448159973942374, 5.385947987219762e-18}, /* 0x1.abf4e5dea2261p-4, 0x1.8d69ae56e349fp-58 */
    {0.12260724366223176, 1.2044769363801584e-18}, /* 0x1.f633035c83069p-4, 0x1.637fb447c35dep-60 */
};

/* amplitude * (2^f - 1) */
typedef struct cf_power_curve {
    double c0_hi, c0_lo;               /* the amplitude, c0_hi from 1 to 2 in size or 0 ... */
    double exponent;                   /* ... when it has left its factor 2^exponent */
    double c1_hi, c1_lo;               /* the leading coefficient, c1_hi being 26 bits long */
    double c[CF_EXP2_TERMS];           /* the others: c[k] goes with f^(k+1); c[0] is not used */
} cf_power_curve;

static inline void cf_power_curve_init(cf_power_curve *q, cf_pair amplitude)
{
    int exponent, k;
    frexp(amplitude.hi, &exponent);
    amplitude.hi = ldexp(amplitude.hi, 1 - exponent);
    amplitude.lo = ldexp(amplitude.lo, 1 - exponent);
    q->c0_hi = amplitude.hi;
    q->c0_lo = amplitude.lo;
    q->exponent = exponent - 1;
    for (k = 0; k < CF_EXP2_TERMS; k++) {
        const cf_pair c = cf_multiply(cf_make_pair(cf_exp2_table[k][0], cf_exp2_table[k][1]), amplitude);
        q->c[k] = c.hi;
        if (k == 0) {
            q->c1_hi = cf_top(c.hi);
            q->c1_lo = (c.hi - q->c1_hi) + c.lo;
        }
    }
}

/* base + amplitude * (2^(f + rest) - 1) without its exponent; |base| is 0 or at least half the amplitude. */
CF_INLINE cf_pair cf_power_curve_at(const cf_power_curve *q, cf_pair base, double f, double rest)
{
    const double *c = q->c;
    const double head = cf_top(f), ff = f * f;
    const double sum = cf_exact_plus(head, q->c1_hi, base.hi), lost = cf_exact_plus(head, q->c1_hi, base.hi - sum);
    const double tail = cf_exact_plus(f - head, q->c1_hi, f * q->c1_lo) + rest * q->c1_hi;
    /* Even and odd powers apart: as many additions as in one chain, and half the wait. */
    const double even = c[1] + ff * (c[3] + ff * (c[5] + ff * (c[7] + ff * (c[9] + ff * c[11]))));
    const double odd = c[2] + ff * (c[4] + ff * (c[6] + ff * (c[8] + ff * c[10])));
    return cf_make_pair(sum, (lost + base.lo) + (tail + ff * (even + f * odd)));
}

/* Two numbers whose product is 2^n, n being an integer; past 2^2040 and 2^-2040 these. To multiply with one after the
 * other rounds once. */
CF_INLINE cf_pair cf_two_factors(double n)
{
    double half, h;
    n = n > 2040.0 ? 2040.0 : n;
    n = n < -2040.0 ? -2040.0 : n;
    half = n * 0.5 + CF_MAGIC;
    h = (n - (half - CF_MAGIC)) + CF_MAGIC;
    /* The integers are the sums' last digits. */
    return cf_make_pair(cf_double((cf_bits(half) << 52) + UINT64_C(0x3FF0000000000000)),
                        cf_double((cf_bits(h) << 52) + UINT64_C(0x3FF0000000000000)));
}

/* log2(x) for a positive number, to 2^-98 of itself. */
static inline cf_pair cf_log2(double x)
{
    int exponent, k;
    double m = frexp(x, &exponent);
    cf_pair z, w, q = {0.0, 0.0};
    if (m < 0.7071067811865476) { /* sqrt(1/2) */
        m += m;
        exponent--;
    }
    z = cf_divide(cf_two_sum(m, -1.0), cf_two_sum(m, 1.0));
    w = cf_multiply(z, z);
    for (k = CF_WIDE_LOG2_TERMS - 1; k >= CF_WIDE_LOG2_PAIRS; k--) q.hi = cf_wide_log2_table[k][0] + w.hi * q.hi;
    for (; k >= 0; k--) {
        q = cf_add(cf_make_pair(cf_wide_log2_table[k][0], cf_wide_log2_table[k][1]), cf_multiply(w, q));
    }
    return cf_add(cf_make_pair(exponent, 0.0), cf_multiply(z, q));
}

/* ---- Stairs: how many times D goes into s, rounded down, and what remains ---- */

typedef struct cf_stairs {
    cf_pair count, rest; /* 0 <= rest < D */
} cf_stairs;

/* For |s| <= 2^50 and D >= 1, a single double. */
CF_INLINE cf_stairs cf_few_stairs(double s, double D, double inverse)
{
    cf_stairs r = {{0.0, 0.0}, {0.0, 0.0}};
    double count = cf_round(s * inverse), product = count * D;
    double rest = (s - product) - cf_product_rest(count, D, product);
    r.count.hi = rest < 0.0 ? count - 1.0 : count;
    r.rest.hi = rest < 0.0 ? rest + D : rest;
    return r;
}

/* s - count * D, exact if it is a pair. */
CF_INLINE cf_pair cf_less_times(cf_pair s, double count, cf_pair D)
{
    const double hi = count * D.hi, lo = count * D.lo;
    s = cf_add(s, cf_make_pair(-hi, -cf_product_rest(count, D.hi, hi)));
    return cf_add(s, cf_make_pair(-lo, -cf_product_rest(count, D.lo, lo)));
}

/* The nearest multiple of D, a unit more or less, and what remains, of either sign; for |s| <= CF_HUGE_STEP, and exact up
 * to 2^98 times. */
CF_INLINE cf_stairs cf_nearest_stairs(cf_pair s, cf_pair D, double inverse)
{
    cf_stairs r;
    const double quotient = s.hi * inverse;
    /* From 2^50 on it is an integer without its last three digits. */
    const double whole = cf_double(cf_bits(quotient) & ~UINT64_C(7));
    r.count.hi = fabs(quotient) < CF_FEW ? cf_round(quotient) : whole;
    r.rest = cf_less_times(s, r.count.hi, D);
    r.count.lo = cf_round(r.rest.hi * inverse);
    r.rest = cf_less_times(r.rest, r.count.lo, D);
    return r;
}

/* For |s| <= CF_HUGE_STEP; exact up to 2^98 times. */
CF_INLINE cf_stairs cf_many_stairs(cf_pair s, cf_pair D, double inverse)
{
    const cf_stairs nearest = cf_nearest_stairs(s, D, inverse);
    const cf_pair up = cf_add(nearest.rest, D);
    const double second = nearest.rest.hi < 0.0 ? nearest.count.lo - 1.0 : nearest.count.lo;
    cf_stairs r;
    r.rest.hi = nearest.rest.hi < 0.0 ? up.hi : nearest.rest.hi;
    r.rest.lo = nearest.rest.hi < 0.0 ? up.lo : nearest.rest.lo;
    r.count = cf_fast_two_sum(nearest.count.hi, second);
    return r;
}

/* Whether an integer is odd. */
CF_INLINE uint64_t cf_is_odd(double x)
{
    const double size = fabs(x);
    /* From 2^52 to 2^53 the last digit is the unit; from there on all are even. */
    const uint64_t bits = cf_bits(size < 4503599627370496.0 ? size + 4503599627370496.0 : size);
    return size < 9007199254740992.0 ? bits & 1 : 0;
}

/* ---- ExponentialDecay ---- */

typedef struct cf_exponential_decay {
    int staircase;
    uint64_t alternates;       /* 1: decay_rate is negative */
    int few;                   /* whole steps up to 2^50 may take cf_few_stairs */
    cf_power_curve curve;
    double slope_hi, slope_lo; /* the exponent for each step, or each stair; slope_hi is 26 bits long */
    double limit, stop;        /* from farther out than the limit a step, or stair, is taken as `stop` */
    cf_pair decay_steps;
    double inverse;
} cf_exponential_decay;

/* Fold the parameters, which are trusted: rates at most 2^1000 in size, 2^-64 <= D < 2^63; decay_rate not negative
 * without a staircase. */
static inline void cf_exponential_decay_init(cf_exponential_decay *p, double start, cf_pair decay_steps,
                                             double decay_rate, int staircase)
{
    memset(p, 0, sizeof *p);
    p->staircase = staircase;
    p->alternates = decay_rate < 0.0 ? 1 : 0;
    p->few = decay_steps.lo == 0.0 && decay_steps.hi >= 1.0;
    p->decay_steps = decay_steps;
    p->inverse = 1.0 / decay_steps.hi;
    cf_power_curve_init(&p->curve, cf_make_pair(start + 0.0, 0.0));
    if (decay_rate == 0.0) {
        p->slope_hi = -CF_MOST;
        p->stop = 1.0; /* and the limit is 0 */
    } else {
        cf_pair slope = cf_log2(fabs(decay_rate));
        if (!staircase) slope = cf_divide(slope, decay_steps);
        p->slope_hi = cf_near(slope.hi);
        p->slope_lo = (slope.hi - p->slope_hi) + slope.lo;
        p->limit = slope.hi == 0.0 ? CF_HUGE_STEP : CF_MOST / fabs(slope.hi);
        p->stop = p->limit;
    }
}

/* The rate at a step, or a stair, but for two factors, powers of 2. `single`: it is a single double. */
CF_INLINE cf_pair cf_power(const cf_exponential_decay *p, cf_pair x, int single, cf_pair *factors)
{
    const double limit = p->limit, stop = p->stop; /* loaded anyhow: a loop with a load in a branch stays scalar */
    double head, P, R, n, f, sum;
    if (!single) x.lo = fabs(x.hi) > limit ? 0.0 : x.lo;
    x.hi = x.hi > limit ? stop : x.hi;
    x.hi = x.hi < -limit ? -stop : x.hi;
    head = cf_top(x.hi);
    P = head * p->slope_hi;
    R = cf_exact_plus(x.hi - head, p->slope_hi, x.hi * p->slope_lo);
    if (!single) R += x.lo * p->slope_hi;
    n = cf_round(P);
    f = P - n; /* exact */
    sum = f + R;
    *factors = cf_two_factors(n + p->curve.exponent);
    return cf_power_curve_at(&p->curve, cf_make_pair(p->curve.c0_hi, p->curve.c0_lo), sum, R - (sum - f));
}

/* The rate at a step, or a stair. */
CF_INLINE double cf_exponential(const cf_exponential_decay *p, cf_pair x, int single)
{
    cf_pair factors;
    const cf_pair y = cf_power(p, x, single, &factors);
    return ((y.hi + y.lo) * factors.hi) * factors.lo;
}

/* The rate at a step on a staircase. `few`: it is whole, at most 2^50 in size, and p->few. */
CF_INLINE double cf_staircase(const cf_exponential_decay *p, cf_pair step, int few)
{
    double rate;
    uint64_t odd = 0;
    cf_stairs stairs;
    if (few) {
        stairs = cf_few_stairs(step.hi, p->decay_steps.hi, p->inverse);
    } else {
        cf_pair near_step; /* infinity has no remainder */
        near_step.hi = step.hi > CF_HUGE_STEP ? CF_HUGE_STEP : step.hi < -CF_HUGE_STEP ? -CF_HUGE_STEP : step.hi;
        near_step.lo = fabs(step.hi) > CF_HUGE_STEP ? 0.0 : step.lo;
        stairs = cf_many_stairs(near_step, p->decay_steps, p->inverse);
    }
    rate = cf_exponential(p, stairs.count, few);
    if (!few) odd = cf_is_odd(stairs.count.lo);
    odd = (odd ^ cf_is_odd(stairs.count.hi)) & p->alternates;
    /* At infinity an alternating staircase has no limit but 0. */
    if (!few) rate = p->alternates && fabs(step.hi) > 1.7976931348623157e308 && rate != 0.0 ? NAN : rate;
    return cf_double(cf_bits(rate) ^ (odd << 63));
}

static inline double cf_exponential_decay_at(const cf_exponential_decay *p, cf_pair step)
{
    if (!p->staircase) return cf_exponential(p, step, 0);
    if (p->few && step.lo == 0.0 && fabs(step.hi) <= CF_FEW) return cf_staircase(p, step, 1);
    return cf_staircase(p, step, 0);
}

/* ---- PolynomialDecay ---- */

typedef struct cf_polynomial_decay {
    int straight;          /* the power is 1, without cycles: `line` has it all */
    int cycle;
    int single;            /* D is whole and at most 2^50: whole steps up to 2^50 are exact in single doubles */
    cf_cosine_decay line;
    cf_power_curve curve;  /* its amplitude is start - end */
    double start, end, power;
    double at_end;         /* the rate where b is 0 */
    double farthest;       /* the exponent where b is infinite */
    cf_pair decay_steps;
    double inverse;        /* 2^-100 / D */
} cf_polynomial_decay;

/* Fold the parameters, which are trusted: start, end and their difference at most 2^1000 in size, 2^-64 <= D < 2^63. */
static inline void cf_polynomial_decay_init(cf_polynomial_decay *p, double start, cf_pair decay_steps, double end,
                                            double power, int cycle)
{
    const cf_pair one = {1.0, 0.0};
    cf_pair fall;
    memset(p, 0, sizeof *p);
    p->start = start + 0.0;
    p->end = end + 0.0;
    p->power = power;
    p->cycle = cycle;
    p->decay_steps = decay_steps;
    p->inverse = 7.888609052210118e-31 / decay_steps.hi; /* 2^-100 */
    p->single = decay_steps.hi <= CF_FEW && decay_steps.hi == floor(decay_steps.hi);
    fall = cf_two_sum(p->start, -p->end);
    cf_power_curve_init(&p->curve, fall);
    p->at_end = power > 0.0 || fall.hi == 0.0 ? p->end : power == 0.0 ? p->start : fall.hi * INFINITY;
    p->farthest = power > 0.0 ? CF_MOST : power < 0.0 ? -CF_MOST : 0.0;
    p->straight = power == 1.0 && !cycle && fall.hi != 0.0 && fabs(fall.hi / decay_steps.hi) <= ldexp(1.0, 1000);
    if (p->straight) cf_cosine_decay_init(&p->line, p->end, one, 1.0, 1, p->start, decay_steps);
}

/* log2(r / D), where D - r is the step; inverse is 2^-100 / D. `single`: all are single doubles. */
CF_INLINE cf_pair cf_log2_quotient(cf_pair step, cf_pair r, cf_pair D, double inverse, int single)
{
    const double up = 1.2676506002282294e+30; /* 2^100: r / D may overflow, r / D / 2^100 does not */
    /* b's digits over those of sqrt(1/2): k is in the exponent. */
    const uint64_t bits = cf_bits(r.hi * inverse) + UINT64_C(0x95F619980C433);
    const double down = cf_double(UINT64_C(0x7FE0000000000000) - (bits & UINT64_C(0x7FF0000000000000)));
    const double k = cf_double((bits >> 52) | UINT64_C(0x4330000000000000)) - 4503599627371419.0; /* 2^52 + 923 */
    const double c2 = cf_log2_table[2][0], c3 = cf_log2_table[3][0], c4 = cf_log2_table[4][0];
    const double c5 = cf_log2_table[5][0], c6 = cf_log2_table[6][0], c7 = cf_log2_table[7][0];
    const double c8 = cf_log2_table[8][0];
    double zh, zl, w, w_rest, ww, tail, product, rest, c1, g;
    cf_pair numerator, denominator, log;

    /* z = (r / 2^k - D) / (r / 2^k + D) */
    r.hi *= down;
    r.lo *= down;
    D.hi *= up;
    D.lo *= up;
    if (single) {
        numerator = cf_make_pair(r.hi - D.hi, 0.0);
        denominator = cf_two_sum(r.hi, D.hi);
    } else {
        numerator = cf_add(r, cf_negate(D));
        /* exactly, however near to 0 the step */
        numerator.hi = k == 0.0 ? -step.hi * up : numerator.hi;
        numerator.lo = k == 0.0 ? -step.lo * up : numerator.lo;
        denominator = cf_add(r, D);
    }
    inverse = 1.0 / denominator.hi;
    zh = numerator.hi * inverse;
    product = zh * denominator.hi;
    rest = (numerator.hi - product) - cf_product_rest(zh, denominator.hi, product);
    zl = (rest + (numerator.lo - zh * denominator.lo)) * inverse;

    /* z * (c0 + w * (c1 + w * (...))) with w = z^2, c0 and c1 and their products being pairs */
    w = zh * zh;
    w_rest = cf_square_rest(zh, w) + (zh + zh) * zl;
    ww = w * w;
    tail = (c2 + ww * (c4 + ww * (c6 + ww * c8))) + w * (c3 + ww * (c5 + ww * c7));
    tail = w * tail;
    c1 = cf_log2_table[1][0] + tail;
    tail = (tail - (c1 - cf_log2_table[1][0])) + cf_log2_table[1][1];
    product = w * c1;
    tail = cf_product_rest(w, c1, product) + (w * tail + w_rest * c1);
    g = cf_log2_table[0][0] + product;
    tail = (product - (g - cf_log2_table[0][0])) + (cf_log2_table[0][1] + tail);
    product = zh * g;
    tail = cf_product_rest(zh, g, product) + (zh * tail + zl * g);
    log = cf_fast_two_sum(k, product);
    log.lo += tail;
    return log;
}

/* The rate at a step, where the power is not 1 or there are cycles. `single`: it is whole, at most 2^50 in size, and
 * p->single. */
CF_INLINE double cf_power_decay(const cf_polynomial_decay *p, cf_pair step, int cycle, int single)
{
    /* Loaded anyhow: a loop with a load in a branch stays scalar. */
    const double start = p->start, end = p->end, at_end = p->at_end, farthest = p->farthest;
    const double c0_hi = p->curve.c0_hi, c0_lo = p->curve.c0_lo;
    const int lowest = step.hi < -1.7976931348623157e308;
    double inverse = p->inverse, exponent = p->curve.exponent, E, rest, n, f, base, rate;
    cf_pair D = p->decay_steps, r, log, y, factors, sum;

    if (!single) {
        /* So near to 0 the rate is a line, and a product's rest may be too small for a double. */
        const int tiny = fabs(step.hi) < CF_TINY;
        step.hi = tiny ? step.hi * CF_LARGE : step.hi;
        exponent = tiny ? exponent - CF_LARGE_EXPONENT : exponent;
        /* Infinity has no pair. */
        step.lo = fabs(step.hi) > CF_HUGE_STEP ? 0.0 : step.lo;
        if (cycle) step.hi = step.hi > CF_HUGE_STEP ? CF_HUGE_STEP : step.hi;
        step.hi = step.hi > 1.7976931348623157e308 ? CF_HUGE_STEP : lowest ? -CF_HUGE_STEP : step.hi;
    }
    if (single) {
        r = cf_make_pair(D.hi - step.hi, 0.0);
    } else {
        r = cf_add(D, cf_negate(step));
    }
    if (cycle) {
        /* D * ceil(step / D) is the step and what is left to the cycle's end. */
        const int later = step.hi > 0.0;
        cf_stairs stairs;
        cf_pair left, whole;
        if (single) {
            stairs = cf_few_stairs(step.hi, D.hi, 1.0 / D.hi);
            left = cf_make_pair(stairs.rest.hi > 0.0 ? D.hi - stairs.rest.hi : 0.0, 0.0);
            whole = cf_make_pair(step.hi + left.hi, 0.0);
        } else {
            cf_pair known;
            known.hi = later ? step.hi : 0.0;
            known.lo = later ? step.lo : 0.0;
            stairs = cf_many_stairs(known, D, 1.0 / D.hi);
            left = cf_add(D, cf_negate(stairs.rest));
            left.hi = stairs.rest.hi > 0.0 ? left.hi : 0.0;
            left.lo = stairs.rest.hi > 0.0 ? left.lo : 0.0;
            whole = cf_add(step, left);
        }
        r.hi = later ? left.hi : r.hi;
        r.lo = later ? left.lo : r.lo;
        D.hi = later ? whole.hi : D.hi;
        D.lo = later ? whole.lo : D.lo;
        inverse = 7.888609052210118e-31 / D.hi; /* 2^-100 */
    }

    log = cf_log2_quotient(step, r, D, inverse, single);
    E = p->power * log.hi;
    rest = cf_product_rest(p->power, log.hi, E) + p->power * log.lo;
    rest = fabs(E) > CF_MOST ? 0.0 : rest;
    E = E > CF_MOST ? CF_MOST : E;
    E = E < -CF_MOST ? -CF_MOST : E;
    if (!single) E = lowest ? farthest : E;
    n = cf_round(E);
    f = E - n;
    E = f + rest;
    rest -= E - f;

    /* From the start while 2^n is 1, else from the end. */
    base = n == 0.0 ? start : end;
    y = cf_make_pair(n == 0.0 ? 0.0 : c0_hi, n == 0.0 ? 0.0 : c0_lo);
    y = cf_power_curve_at(&p->curve, y, E, rest);
    factors = cf_two_factors(n + exponent);
    y.hi = (y.hi * factors.hi) * factors.lo;
    y.lo = (y.lo * factors.hi) * factors.lo;
    sum = cf_two_sum(base, y.hi);
    rate = sum.hi - sum.hi == 0.0 ? sum.hi + (sum.lo + y.lo) : sum.hi; /* an infinite sum has no rest to add */
    return r.hi <= 0.0 ? at_end : rate;
}

static inline double cf_polynomial_decay_at(const cf_polynomial_decay *p, cf_pair step)
{
    if (p->straight) return cf_cosine_decay_at(&p->line, step);
    if (p->single && fabs(step.hi) <= CF_FEW && step.hi == (double)(int64_t)step.hi) {
        return p->cycle ? cf_power_decay(p, step, 1, 1) : cf_power_decay(p, step, 0, 1);
    }
    return p->cycle ? cf_power_decay(p, step, 1, 0) : cf_power_decay(p, step, 0, 0);
}

#endif
