/* The sums of cosine_fast/simulate.py. Only blocks.c includes this.
 *
 * They are accurate to some 1e-15, in plain doubles. The threads change no bits, but the instruction set does: unlike the
 * rates, these sums use FMA wherever there is one, which saves a quarter of the time. The thread that has the first element of
 * an item does the whole item. */
#ifndef COSINE_FAST_SIMULATE_H
#define COSINE_FAST_SIMULATE_H

#include "loops.h"

/* The items whose first elements are among begin <= e < end, each of this many elements. */
#define EACH_ITEM(item, elements) item = (begin + (elements) - 1) / (elements); item * (elements) < end; item++

/* a * b + c; FMAS is of a number a and fours of neighbours b and c. */
#if defined(__FMA__)
#define FMA(a, b, c) __builtin_fma(a, b, c)
#define FMAS(a, b, c) _mm256_fmadd_pd(_mm256_set1_pd(a), b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#define FMAS FMA
#endif

/* log2(x) for a finite x from 1 on. */
static inline double log2_of(double x)
{
    const double small = x * 0x1p-100; /* below 2^1022, as cf_binary_exponent asks */
    const cf_pair binary = cf_binary_exponent(small);
    const double m = small * binary.lo, z = (m - 1.0) / (m + 1.0), w = z * z, ww = w * w;
#define C(k) cf_log2_table[k].hi
    const double even = FMA(ww, FMA(ww, FMA(ww, FMA(ww, C(8), C(6)), C(4)), C(2)), C(0));
    const double odd = FMA(ww, FMA(ww, FMA(ww, C(7), C(5)), C(3)), C(1));
#undef C
    return FMA(z, FMA(w, odd, even), binary.hi - (1023.0 - 100.0));
}

/* 2^E for E <= 0; at least 2^-1022. */
static inline double exp2_of(double E)
{
    const double magic = 6755399441055744.0; /* as in cf_round */
    const double e = E > -1022.0 ? E : -1022.0, shifted = e + magic;
    const double f = e - (shifted - magic), ff = f * f;
#define C(k) cf_exp2_table[k].hi
    const double even = FMA(ff, FMA(ff, FMA(ff, FMA(ff, FMA(ff, C(10), C(8)), C(6)), C(4)), C(2)), C(0));
    const double odd = FMA(ff, FMA(ff, FMA(ff, FMA(ff, FMA(ff, C(11), C(9)), C(7)), C(5)), C(3)), C(1));
#undef C
    return FMA(f, FMA(f, odd, even), 1.0) * cf_double((cf_bits(shifted) << 52) + UINT64_C(0x3FF0000000000000));
}

static void power_sums(const void *work, int64_t begin, int64_t end)
{
    const cf_power_sums *p = work;
    int64_t item, k;
    for (EACH_ITEM(item, CF_ITEM)) {
        const double *restrict const at = p->at + item * CF_NODES;
        double totals[CF_NODES] = {0};
        int i;
        for (k = p->first[item]; k < p->end[item]; k++) {
            const double start = p->starts[k], factor = p->factors[k], change = p->changes[k];
            double exponents[CF_NODES];
            /* (1 + x)^-beta, x below 0 and NaN counting as 0. In one loop, a term would have so many operations that the
             * processor could not begin the next term before this one has ended. */
            INDEPENDENT
            for (i = 0; i < CF_NODES; i++) {
                const double x = factor * (at[i] - start), y = x > 0.0 ? x : 0.0, exponent = -p->beta * log2_of(1.0 + y);
                exponents[i] = y < (double)INFINITY ? exponent : -(double)INFINITY;
            }
            INDEPENDENT
            for (i = 0; i < CF_NODES; i++) totals[i] += change * exp2_of(exponents[i]);
        }
        memcpy(p->totals + item * CF_NODES, totals, sizeof totals);
    }
}

/* ---- S[t] = decay * S[t - 1] + x[t] ---- */

#if !defined(__GNUC__) /* MSVC */
typedef struct scan {
    double first, decay, sum;
} scan;

static void scan_init(scan *s, double decay, double first)
{
    s->first = first;
    s->decay = decay;
    s->sum = 0.0;
}

static void scan_on(scan *s, const double *rates, double *sums, int n)
{
    int t;
    for (t = 0; t < n; t++) sums[t] = s->sum = s->decay * s->sum + (s->first - rates[t]);
}
#else
/* In fours of neighbours, from sums of 2 and 4 terms. Then S[t] is a sum of 8 terms and decay^8 * S[t - 8], so that two
 * chains of dependent operations run side by side, each of an eighth of the length. */
typedef double fours __attribute__((vector_size(32)));

#if defined(__clang__)
#define SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int64_t four_places __attribute__((vector_size(32)));
#define SHUFFLED(a, b, ...) __builtin_shuffle(a, b, (four_places){__VA_ARGS__})
#endif

/* The four numbers that end 2 places, or 1, before the end of b, which follow those of a. */
#define BACK_2(a, b) SHUFFLED(a, b, 2, 3, 4, 5)
#define BACK_1(a, b) SHUFFLED(BACK_2(a, b), b, 1, 4, 3, 6)

typedef struct scan {
    double first, power[4];       /* decay to the powers 1, 2, 4, 8 */
    fours x, two, four, even, odd; /* the last terms, and sums of 2 and 4 terms; the last sums of all */
} scan;

static void scan_init(scan *s, double decay, double first)
{
    int i;
    memset(s, 0, sizeof *s);
    s->first = first;
    s->power[0] = decay;
    for (i = 1; i < 4; i++) s->power[i] = s->power[i - 1] * s->power[i - 1];
}

/* The next n sums S of x = first - rates. Only the last n may be no multiple of 8. */
static void scan_on(scan *s, const double *rates, double *sums, int n)
{
    const double first = s->first, d1 = s->power[0], d2 = s->power[1], d4 = s->power[2], d8 = s->power[3];
    fours x = s->x, two = s->two, four = s->four, even = s->even, odd = s->odd;
    for (; n >= 8; n -= 8, rates += 8, sums += 8) {
        fours x_even, x_odd, two_even, two_odd, four_even, four_odd;
        memcpy(&x_even, rates, sizeof x);
        memcpy(&x_odd, rates + 4, sizeof x);
        x_even = first - x_even;
        x_odd = first - x_odd;
        two_even = FMAS(d1, BACK_1(x, x_even), x_even);
        two_odd = FMAS(d1, BACK_1(x_even, x_odd), x_odd);
        four_even = FMAS(d2, BACK_2(two, two_even), two_even);
        four_odd = FMAS(d2, BACK_2(two_even, two_odd), two_odd);
        even = FMAS(d8, even, FMAS(d4, four, four_even));
        odd = FMAS(d8, odd, FMAS(d4, four_even, four_odd));
        x = x_odd;
        two = two_odd;
        four = four_odd;
        memcpy(sums, &even, sizeof even);
        memcpy(sums + 4, &odd, sizeof odd);
    }
    s->x = x;
    s->two = two;
    s->four = four;
    s->even = even;
    s->odd = odd;
    if (n > 0) {
        double rest[8] = {0};
        memcpy(rest, rates, (size_t)n * sizeof *rest);
        scan_on(s, rest, rest, 8);
        memcpy(sums, rest, (size_t)n * sizeof *rest);
    }
}
#endif

static void momentum_sums(const void *work, int64_t begin, int64_t end)
{
    const cf_momentum_sums *p = work;
    int64_t item;
    for (EACH_ITEM(item, p->steps)) {
        const double *const rates = p->rates + item % p->rows * p->steps;
        double *const sums = p->sums + (p->last ? item : item * p->steps);
        double buffer[CF_BLOCK], final = 0.0;
        int64_t t;
        scan s;
        scan_init(&s, p->decays[item / p->rows], rates[0]);
        for (t = 0; t < p->steps; t += CF_BLOCK) {
            const int n = (int)(p->steps - t < CF_BLOCK ? p->steps - t : CF_BLOCK);
            double *const to = p->last || p->streamed ? buffer : sums + t;
            scan_on(&s, rates + t, to, n);
            final = to[n - 1];
            if (p->streamed) stream_out((char *)(sums + t), (const char *)buffer, (size_t)n * sizeof *buffer);
        }
        if (p->last) sums[0] = final;
        if (!(fabs(final) < (double)INFINITY)) atomic_store_explicit(p->failed, 1, memory_order_relaxed);
    }
    if (p->streamed) end_stream();
}

#endif
