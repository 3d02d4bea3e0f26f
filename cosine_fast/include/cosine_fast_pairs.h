/* cosine_fast_pairs.h: pairs of doubles, which all other headers build on. Header only, C99 or C++11.
 *
 * A pair is the unevaluated sum hi + lo of two doubles, |lo| being at most half a unit in the last place of hi. Steps are
 * pairs, so that every int64 is exact.
 */
#ifndef COSINE_FAST_PAIRS_H
#define COSINE_FAST_PAIRS_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Flags that change results, where the compiler tells of them; cf_self_check (cosine_fast_self_check.h) finds others. */
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(_M_FP_FAST) \
    || defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "cosine_fast.h: compile without -ffast-math, its parts, -Ofast and /fp:fast: they change the results"
#endif
#if defined(FLT_EVAL_METHOD) && (FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 2) /* 16 is about _Float16 */
#error "cosine_fast.h: compile with -msse2 -mfpmath=sse: this code computes with more digits than a double has"
#endif
/* No contraction of a product and a sum to one rounding, from here to the end of the file. GCC knows no such pragma. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#endif

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

/* A loop over coefficients must be unrolled before the compiler can vectorise the loop over steps around it. */
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

/** A step or a number of steps: the unevaluated sum of two doubles. `cf_from_int64` and `cf_from_double` make one. */
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

/* The leading 26 bits of x: the product of two such numbers is exact. */
CF_INLINE double cf_leading_bits(double x)
{
    return cf_double(cf_bits(x) & UINT64_C(0xFFFFFFFFF8000000));
}

/* x rounded to 26 bits: x less this has 26 bits too. */
CF_INLINE double cf_rounded_bits(double x)
{
    return cf_double((cf_bits(x) + UINT64_C(0x4000000)) & UINT64_C(0xFFFFFFFFF8000000));
}

/* a * b + c where a * b is exact: FMA and two operations give the same bits. (In cf_whole_stairs a later rounding gives the
 * same bits.) FMA is used here and in the rests below only, and affects nothing but speed. */
CF_INLINE double cf_exact_plus(double a, double b, double c)
{
#if CF_FMA
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

/* The same as a pair, exactly (Knuth). */
CF_INLINE cf_pair cf_exact_sum(double a, double b, double c)
{
    const double s = cf_exact_plus(a, b, c), z = s - c;
    return cf_make_pair(s, (c - (s - z)) + cf_exact_plus(a, b, -z));
}

/* x * x - square exactly, `square` being x * x rounded (Dekker). */
CF_INLINE double cf_square_rest(double x, double square)
{
#if CF_FMA
    return fma(x, x, -square);
#else
    const double xh = cf_rounded_bits(x), xl = x - xh;
    return ((xh * xh - square) + (xh + xh) * xl) + xl * xl;
#endif
}

/* a * b - product exactly, `product` being a * b rounded (Dekker). FMA changes no bit, but below 2^-960. */
CF_INLINE double cf_product_rest(double a, double b, double product)
{
#if CF_FMA
    return fma(a, b, -product);
#else
    const double ah = cf_rounded_bits(a), al = a - ah, bh = cf_rounded_bits(b), bl = b - bh;
    return (((ah * bh - product) + ah * bl) + al * bh) + al * bl;
#endif
}

/* c - a * b, rounded once. The product must be 0, or between c / 2 and 2 * c: then c less the rounded product is exact. */
CF_INLINE double cf_minus_product(double c, double a, double b)
{
#if CF_FMA
    return fma(-a, b, c);
#else
    const double product = a * b;
    return (c - product) - cf_product_rest(a, b, product);
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

/* a * b to a relative 2^-105 (Dekker). Its last bits are not exact, so FMA would change them. */
CF_INLINE cf_pair cf_two_prod(double a, double b)
{
    const double p = a * b, ah = cf_leading_bits(a), al = a - ah, bh = cf_leading_bits(b), bl = b - bh;
    return cf_make_pair(p, (((ah * bh - p) + ah * bl) + al * bh) + al * bl);
}

/* a + b to a relative 2^-104, even where they cancel (Joldes, Muller, Popescu 2017, AccurateDWPlusDW). */
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

/* a * b and a / b where no intermediate result comes near underflow, so that the leading product is exact with FMA and
 * without. The result is not normalised: relative to hi, its lo is at most 2^-53 larger than those of a and b together. */
CF_INLINE cf_pair cf_product(cf_pair a, cf_pair b)
{
    const double p = a.hi * b.hi;
    return cf_make_pair(p, cf_product_rest(a.hi, b.hi, p) + (a.hi * b.lo + a.lo * b.hi));
}

/* cf_multiply's bits, under the same conditions. */
CF_INLINE cf_pair cf_normalised_product(cf_pair a, cf_pair b)
{
    const cf_pair p = cf_product(a, b);
    return cf_fast_two_sum(p.hi, p.lo);
}

CF_INLINE cf_pair cf_quotient(cf_pair a, double b)
{
    const double q = a.hi / b;
    return cf_make_pair(q, (cf_minus_product(a.hi, q, b) + a.lo) / b);
}

/* 1 / b, under the same conditions. */
CF_INLINE cf_pair cf_reciprocal(double b)
{
    const double q = 1.0 / b;
    return cf_make_pair(q, cf_minus_product(1.0, q, b) * q);
}

CF_INLINE cf_pair cf_divide(cf_pair a, cf_pair b)
{
    const double q = a.hi / b.hi;
    const cf_pair r = cf_add(a, cf_negate(cf_multiply(cf_make_pair(q, 0.0), b)));
    const double q2 = r.hi / b.hi;
    const cf_pair r2 = cf_add(r, cf_negate(cf_multiply(cf_make_pair(q2, 0.0), b)));
    return cf_add(cf_fast_two_sum(q, q2), cf_make_pair(r2.hi / b.hi, 0.0));
}

/* 1 - a, not normalised, for 0 <= a <= 1. */
CF_INLINE cf_pair cf_rest_of_one(cf_pair a)
{
    const cf_pair rest = cf_fast_two_sum(1.0, -a.hi);
    return cf_make_pair(rest.hi, rest.lo - a.lo);
}

CF_INLINE int cf_less(cf_pair a, cf_pair b)
{
    return (a.hi < b.hi) | ((a.hi == b.hi) & (a.lo < b.lo));
}

/* How many of `count` rising pairs are below x, or with `equal` not above it; any number for NaN. */
CF_INLINE int64_t cf_count_below(const cf_pair *rising, int64_t count, cf_pair x, int equal)
{
    int64_t below = 0;
    while (count > 0) {
        const int64_t half = count / 2;
        const cf_pair middle = rising[below + half];
        const int past = equal ? !cf_less(x, middle) : cf_less(middle, x);
        below = past ? below + half + 1 : below;
        count = past ? count - half - 1 : half;
    }
    return below;
}

CF_INLINE int cf_is_whole(cf_pair a)
{
    return (a.hi == floor(a.hi)) & (a.lo == floor(a.lo));
}

/* c[0] + c[1] x + ...: the first `pairs` of the `terms` in pairs, the small rest in doubles. */
CF_INLINE cf_pair cf_horner_by(cf_pair (*multiply)(cf_pair, cf_pair), const cf_pair *c, int terms, int pairs, cf_pair x)
{
    cf_pair sum = cf_make_pair(c[terms - 1].hi, 0.0);
    int k;
    CF_UNROLL
    for (k = terms - 2; k >= pairs; k--) sum.hi = c[k].hi + x.hi * sum.hi;
    CF_UNROLL
    for (k = pairs - 1; k >= 0; k--) sum = cf_add(c[k], multiply(x, sum));
    return sum;
}

CF_INLINE cf_pair cf_horner(const cf_pair *c, int terms, int pairs, cf_pair x)
{
    return cf_horner_by(cf_multiply, c, terms, pairs, x);
}

/* c[0] + x c[1] + ... + x^(terms - 1) * (c[terms - 1] + tail), each term being larger than all after it. Faster than
 * cf_horner, and not normalised: the error is about 2^-53 of the lower half. */
CF_INLINE cf_pair cf_short_horner(const cf_pair *c, int terms, cf_pair x, double tail)
{
    cf_pair sum = cf_fast_two_sum(c[terms - 1].hi, tail);
    int k;
    sum.lo += c[terms - 1].lo;
    CF_UNROLL
    for (k = terms - 2; k >= 0; k--) {
        const cf_pair p = cf_product(x, sum);
        sum.hi = c[k].hi + p.hi;
        sum.lo = (p.hi - (sum.hi - c[k].hi)) + (c[k].lo + p.lo);
    }
    return sum;
}

/** Any int64, exactly. */
CF_INLINE cf_pair cf_from_int64(int64_t i)
{
    return cf_fast_two_sum((double)(i >> 32) * 4294967296.0, (double)(i & INT64_C(0xFFFFFFFF)));
}

/** A double as a pair: a step, or a number of steps, with or without a fraction. */
CF_INLINE cf_pair cf_from_double(double x)
{
    return cf_make_pair(x, 0.0);
}

/* cf_from_int64, faster for the usual steps. */
CF_INLINE cf_pair cf_from_step(int64_t step)
{
    return step == (int32_t)step ? cf_from_double((double)(int32_t)step) : cf_from_int64(step);
}

/* (double)i for |i| < 2^51. On x86 only AVX-512 converts vectors of int64; this vectorises everywhere. */
CF_INLINE double cf_from_small_int64(int64_t i)
{
#if defined(__x86_64__) && !defined(__AVX512DQ__)
    return cf_double((uint64_t)i + UINT64_C(0x4338000000000000)) - 6755399441055744.0; /* the digits of 3 * 2^51 + i */
#else
    return (double)i;
#endif
}

/* The integer nearest to x, |x| < 2^51. */
CF_INLINE double cf_round(double x)
{
    const double magic = 6755399441055744.0; /* 3 * 2^51: a sum with it has no fraction */
    return (x + magic) - magic;
}

/* x / *unit, in [1, 2) in size, or 0; *unit is a power of 2. */
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

CF_INLINE cf_pair cf_choose(int condition, cf_pair a, cf_pair b)
{
    return cf_make_pair(condition ? a.hi : b.hi, condition ? a.lo : b.lo);
}

/* a times a power of 2. */
CF_INLINE cf_pair cf_scale(cf_pair a, double factor)
{
    return cf_make_pair(a.hi * factor, a.lo * factor);
}

#define CF_SMALL_STEP 1125899906842624.0         /* 2^50: all arithmetic with whole steps up to this size is exact */
#define CF_BEYOND_INT64 36893488147419103232.0   /* 2^65 */

/* What is known of the steps that a loop evaluates, a constant there. It selects a faster path; results are identical. */
enum cf_steps {
    CF_ANY_STEPS,    /* pairs */
    CF_DOUBLE_STEPS, /* single doubles, with or without a fraction */
    CF_WHOLE_STEPS,  /* whole numbers up to CF_SMALL_STEP in size */
    CF_ONE_STAIR     /* the same, and all have one rate */
};

/* Define the rate at one step, as cf_NAME_at or under another name. It comes from cf_NAME_rate, a branch-free
 * expression of the step, the schedule's variant (0 or 1) and an enum cf_steps. cf_NAME_steps says what can be assumed
 * of the steps in an interval. */
#define CF_DEFINE_AT_AS(at, name)                                                                            \
    static inline double at(const cf_##name *p, cf_pair step)                                                \
    {                                                                                                        \
        const int small = step.lo == 0.0 && fabs(step.hi) <= CF_SMALL_STEP;                                  \
        const int whole = small && step.hi == (double)(int64_t)step.hi                                       \
                          && cf_##name##_steps(p, step.hi, step.hi, 1) >= CF_WHOLE_STEPS;                    \
        if (p->variant == 1) {                                                                               \
            if (whole) return cf_##name##_rate(p, step, 1, CF_WHOLE_STEPS);                                  \
            return cf_##name##_rate(p, step, 1, CF_ANY_STEPS);                                               \
        }                                                                                                    \
        if (whole) return cf_##name##_rate(p, step, 0, CF_WHOLE_STEPS);                                      \
        return cf_##name##_rate(p, step, 0, CF_ANY_STEPS);                                                   \
    }
#define CF_DEFINE_AT(name) CF_DEFINE_AT_AS(cf_##name##_at, name)

#endif
