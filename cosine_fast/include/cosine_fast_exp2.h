/* cosine_fast_exp2.h: log2 and powers of 2, for the schedules that are powers.
 *
 * Method
 *     2^E comes from an exponent E that is a pair: all bits of it above 2^-60 count, however large it is. With n the
 *     integer nearest to E and f = E - n, amplitude * (2^f - 1) is a polynomial in f without a constant term. Its
 *     coefficients include the amplitude, once for each schedule, and its leading product is exact. The factor 2^n is
 *     applied last, in two halves, so that it rounds only subnormal results.
 *
 *     log2(b) = k + log2(m), with b = 2^k * m, m from sqrt(1/2) to sqrt(2), and log2(m) = 2/ln(2) * atanh(z), z = (m - 1) /
 *     (m + 1).
 */
#ifndef COSINE_FAST_EXP2_H
#define COSINE_FAST_EXP2_H

#include "cosine_fast_pairs.h"

#define CF_MOST 4000.0 /* 2^CF_MOST is infinite and 2^-CF_MOST is 0, whatever they are multiplied with */

/* What is smaller is enlarged, so that products with it are not subnormal. */
#define CF_TINY 1.90109156629516e-211 /* 2^-700 */
#define CF_ENLARGED 2.5822498780869086e+120 /* 2^400 */
#define CF_ENLARGED_EXPONENT 400.0

#define CF_EXP2_TERMS 12
#define CF_LOG2_TERMS 9
#define CF_WIDE_LOG2_TERMS 15
#define CF_WIDE_LOG2_PAIRS 8 /* below 2^-45 of the sum a coefficient needs only one double */

/* (2^f - 1) / f in powers of f for |f| <= 1/2; made by src/coefficients.py, as the tables below. */
static const cf_pair cf_exp2_table[CF_EXP2_TERMS] = { /* relative error 2^-61.88 */
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
static const cf_pair cf_log2_table[CF_LOG2_TERMS] = { /* relative error 2^-66.84 */
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

static const cf_pair cf_wide_log2_table[CF_WIDE_LOG2_TERMS] = { /* relative error 2^-109.77 */
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
    double exponent;                   /* ... after its factor 2^exponent has been taken out */
    double c1_hi, c1_lo;               /* the leading coefficient, c1_hi being 26 bits long */
    double c[CF_EXP2_TERMS];           /* the others: c[k] goes with f^(k+1); c[0] is not used */
} cf_power_curve;

/* For bits of a normal x = 2^k * m, m from 1 to 2: k + 1023, and 2^-k. */
CF_INLINE cf_pair cf_exponent_of(uint64_t bits)
{
    return cf_make_pair(cf_double((bits >> 52) | UINT64_C(0x4330000000000000)) - 4503599627370496.0, /* 2^52 */
                        cf_double(UINT64_C(0x7FE0000000000000) - (bits & UINT64_C(0x7FF0000000000000))));
}

/* For x = 2^k * m with m from sqrt(1/2) to sqrt(2): k + 1023, and 2^-k. */
CF_INLINE cf_pair cf_binary_exponent(double x)
{
    return cf_exponent_of(cf_bits(x) + UINT64_C(0x95F619980C433)); /* digits from those of sqrt(1/2) on carry into k */
}

/* Without frexp, so that loops over schedules vectorise. */
CF_INLINE void cf_power_curve_init(cf_power_curve *q, cf_pair amplitude)
{
    const int small = fabs(amplitude.hi) < 1.1830521861667747e-271; /* 2^-900 */
    const double up = small ? 1.6069380442589903e+60 : 1.0;        /* 2^200 */
    const cf_pair binary = cf_exponent_of(cf_bits(fabs(amplitude.hi * up)));
    cf_pair c;
    int k;
    amplitude = cf_scale(cf_scale(amplitude, up), binary.lo);
    q->c0_hi = amplitude.hi;
    q->c0_lo = amplitude.lo;
    q->exponent = binary.hi - (small ? 1223.0 : 1023.0);
    CF_UNROLL
    for (k = 0; k < CF_EXP2_TERMS; k++) q->c[k] = cf_normalised_product(cf_exp2_table[k], amplitude).hi;
    c = cf_normalised_product(cf_exp2_table[0], amplitude);
    q->c1_hi = cf_leading_bits(c.hi);
    q->c1_lo = (c.hi - q->c1_hi) + c.lo;
}

/* base + amplitude * (2^(f + rest) - 1) without its exponent; |base| is 0 or at least half the amplitude. */
CF_INLINE cf_pair cf_power_curve_at(const cf_power_curve *q, cf_pair base, double f, double rest)
{
    const double *c = q->c;
    const double head = cf_leading_bits(f), ff = f * f;
    const double sum = cf_exact_plus(head, q->c1_hi, base.hi), lost = cf_exact_plus(head, q->c1_hi, base.hi - sum);
    const double tail = cf_exact_plus(f - head, q->c1_hi, f * q->c1_lo) + rest * q->c1_hi;
    /* Even and odd powers apart: as many additions as in one chain, and half the wait. */
    const double even = c[1] + ff * (c[3] + ff * (c[5] + ff * (c[7] + ff * (c[9] + ff * c[11]))));
    const double odd = c[2] + ff * (c[4] + ff * (c[6] + ff * (c[8] + ff * c[10])));
    return cf_make_pair(sum, (lost + base.lo) + (tail + ff * (even + f * odd)));
}

/* Two numbers whose product is 2^n, n being an integer, but at most 2^2040 and at least 2^-2040. Multiplying by one after
 * the other rounds once. */
CF_INLINE cf_pair cf_two_factors(double n)
{
    const double magic = 6755399441055744.0; /* as in cf_round */
    double half, h;
    n = n > 2040.0 ? 2040.0 : n;
    n = n < -2040.0 ? -2040.0 : n;
    half = n * 0.5 + magic;
    h = (n - (half - magic)) + magic;
    /* The integers are the sums' last digits. */
    return cf_make_pair(cf_double((cf_bits(half) << 52) + UINT64_C(0x3FF0000000000000)),
                        cf_double((cf_bits(h) << 52) + UINT64_C(0x3FF0000000000000)));
}

/* power * log, not normalised. */
CF_INLINE cf_pair cf_power_exponent(double power, cf_pair log)
{
    const double E = power * log.hi;
    return cf_make_pair(E, cf_product_rest(power, log.hi, E) + power * log.lo);
}

/* end + (start - end) * 2^E, the amplitude of the curve being start - end times 2^-up; |E| < 2^51. */
CF_INLINE double cf_power_rate(const cf_power_curve *q, double start, double end, cf_pair E, double up)
{
    const double n = cf_round(E.hi);
    const cf_pair zero = {0.0, 0.0}, c0 = {q->c0_hi, q->c0_lo}, f = cf_fast_two_sum(E.hi - n, E.lo);
    /* From the start while 2^n is 1, else from the end. */
    const double base = n == 0.0 ? start : end;
    const cf_pair factors = cf_two_factors(n + up);
    cf_pair y = cf_power_curve_at(q, cf_choose(n == 0.0, zero, c0), f.hi, f.lo), sum;
    y = cf_scale(cf_scale(y, factors.hi), factors.lo);
    sum = cf_two_sum(base, y.hi);
    return sum.hi - sum.hi == 0.0 ? sum.hi + (sum.lo + y.lo) : sum.hi; /* an infinite sum has no rest to add */
}

/* log2(x) for a positive number, to a relative 2^-98. */
CF_INLINE cf_pair cf_log2(double x)
{
    /* x * 2^100 or x * 2^-100, which is neither subnormal nor too large for cf_binary_exponent */
    const double scaled = x * (x < 1.0 ? 1.2676506002282294e+30 : 7.888609052210118e-31);
    const cf_pair binary = cf_binary_exponent(scaled);
    const double k = binary.hi - (x < 1.0 ? 1123.0 : 923.0), m = scaled * binary.lo;
    cf_pair z = cf_divide(cf_two_sum(m, -1.0), cf_two_sum(m, 1.0));
    z = cf_normalised_product(z, cf_horner_by(cf_normalised_product, cf_wide_log2_table, CF_WIDE_LOG2_TERMS,
                                              CF_WIDE_LOG2_PAIRS, cf_normalised_product(z, z)));
    return cf_add(cf_make_pair(k, 0.0), z);
}

/* k + log2((1 + z) / (1 - z)), z being the quotient. The first two terms of atanh are pairs. */
CF_INLINE cf_pair cf_log2_ratio(double k, cf_pair numerator, cf_pair denominator)
{
    const double c2 = cf_log2_table[2].hi, c3 = cf_log2_table[3].hi, c4 = cf_log2_table[4].hi;
    const double c5 = cf_log2_table[5].hi, c6 = cf_log2_table[6].hi, c7 = cf_log2_table[7].hi;
    const double c8 = cf_log2_table[8].hi, inverse = 1.0 / denominator.hi;
    const double zh = numerator.hi * inverse, rest = cf_minus_product(numerator.hi, zh, denominator.hi);
    const double zl = (rest + (numerator.lo - zh * denominator.lo)) * inverse;

    /* z * (c0 + w * (c1 + w * (...))) with w = z^2, c0 and c1 and their products being pairs */
    const double w = zh * zh, w_rest = cf_square_rest(zh, w) + (zh + zh) * zl, ww = w * w;
    const double tail = w * ((c2 + ww * (c4 + ww * (c6 + ww * c8))) + w * (c3 + ww * (c5 + ww * c7)));
    const cf_pair sum =
        cf_product(cf_make_pair(zh, zl), cf_short_horner(cf_log2_table, 2, cf_make_pair(w, w_rest), tail));
    cf_pair log = cf_fast_two_sum(k, sum.hi);
    log.lo += sum.lo;
    return log;
}

/* log2(r / D), where D - r is the step; inverse is 2^-100 / D. The numerator and the denominator of z are exact, so that the
 * result has a relative error of 2^-62, near r = D too. `single`: all are single doubles. */
CF_INLINE cf_pair cf_log2_quotient(cf_pair step, cf_pair r, cf_pair D, double inverse, int single)
{
    const double up = 1.2676506002282294e+30; /* 2^100: r / D may overflow, r / D / 2^100 does not */
    const int tiny = !single && fabs(r.hi) < CF_TINY;
    const double enlarged = tiny ? CF_ENLARGED : 1.0;
    const cf_pair binary = cf_binary_exponent(r.hi * enlarged * inverse);
    const double k = binary.hi - 923.0 - (tiny ? CF_ENLARGED_EXPONENT : 0.0); /* 1023 - 100 */
    cf_pair numerator, denominator;
    /* z = (r / 2^k - D) / (r / 2^k + D) */
    r = cf_scale(cf_scale(r, enlarged), binary.lo);
    D = cf_scale(D, up);
    if (single) {
        numerator = cf_make_pair(r.hi - D.hi, 0.0);
        denominator = cf_two_sum(r.hi, D.hi);
    } else {
        /* exactly, however near to 0 the step */
        numerator = cf_choose(k == 0.0, cf_scale(cf_negate(step), up), cf_add(r, cf_negate(D)));
        denominator = cf_add(r, D);
    }
    return cf_log2_ratio(k, numerator, denominator);
}

/* log2(r), where 1 - r is the step, which needs fewer operations. */
CF_INLINE cf_pair cf_log2_part(cf_pair step, cf_pair r)
{
    const cf_pair binary = cf_binary_exponent(r.hi);
    const double k = binary.hi - 1023.0;
    cf_pair denominator;
    r = cf_scale(r, binary.lo);
    denominator = cf_fast_two_sum(1.0, r.hi); /* exact for r < 2 */
    denominator.lo += r.lo;
    return cf_log2_ratio(k, cf_choose(k == 0.0, cf_negate(step), cf_make_pair(r.hi - 1.0, r.lo)), denominator);
}

#endif
