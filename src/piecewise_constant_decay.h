/* A block of InverseTimeDecay or PiecewiseConstantDecay. blocks.c alone includes this. */
#ifndef COSINE_FAST_RATIOS_BLOCKS_H
#define COSINE_FAST_RATIOS_BLOCKS_H

#include "loops.h"

#define BOTH_TYPES(name, struct_type, from, rate)  \
    LOOP(name, struct_type, from, rate, double)    \
    LOOP(name##_float, struct_type, from, rate, float)

/* One rate for all of a block. */
BOTH_TYPES(fill, double, from_range, ((void)step, *p))

static void fill_block(double rate, int floats, const source *s, sink out, int n)
{
    (floats ? fill_float : fill)(&rate, s, out, n);
}

/* ---- InverseTimeDecay ---- */

#define NEAR(staircase, kind) cf_inverse_time_near(p, cf_inverse_time_x(p, step.hi, staircase, kind), kind)
#define WHOLE(name, staircase, from, bits, type)                                                 \
    LOOP_OF_TWO(name, cf_inverse_time_decay, from, bits, NEAR(staircase, CF_WHOLE_X),            \
                NEAR(staircase, CF_WHOLE_X_BY_PRODUCTS), type)
#define RATIO_LOOPS(name, staircase)                                                           \
    WHOLE(name##_int64s, staircase, from_int64s, int64_at(s.data, i), double)                  \
    WHOLE(name##_int64s_float, staircase, from_int64s, int64_at(s.data, i), float)             \
    WHOLE(name##_range, staircase, from_range, 0, double)                                      \
    WHOLE(name##_range_float, staircase, from_range, 0, float)                                 \
    BOTH_TYPES(name##_doubles, cf_inverse_time_decay, from_doubles, NEAR(staircase, CF_ANY_X)) \
    BOTH_TYPES(name##_pairs, cf_inverse_time_decay, from_pairs, cf_inverse_time_any(p, step, staircase))

RATIO_LOOPS(smooth, 0)
RATIO_LOOPS(stairs, 1)

#define RATIO_ROW(name)                                                                                        \
    {                                                                                                          \
        [INT64S] = {name##_int64s, name##_int64s_float}, [RANGE] = {name##_range, name##_range_float},         \
        [DOUBLES] = {name##_doubles, name##_doubles_float}, [PAIRS] = {name##_pairs, name##_pairs_float}       \
    }

/* By staircase, origin and whether floats are wanted. */
static loop *const ratio_loops[2][ORIGINS][2] = {RATIO_ROW(smooth), RATIO_ROW(stairs)};

/* Whole steps from 0 to this go the short way for certain, if any step does. */
static uint64_t certain_to(const cf_inverse_time_decay *p)
{
    const double x = p->whole_to < p->most ? p->whole_to : p->most;
    const double most = p->staircase ? x * p->decay_steps.hi : x;
    return (uint64_t)(most < 0x1p50 ? most : 0x1p50);
}

/* Most steps need no look before they are gone over: the loop for steps of the short way sees itself whether these all
 * were such. If not, its rates are written over, so it does not go over the steps themselves. */
static int try_inverse_time_decay(const cf_inverse_time_decay *p, const source *s, int n, sink out, int floats)
{
    const uint64_t most = certain_to(p), first = (uint64_t)int64_at(s->data, 0);
    const uint64_t last = (uint64_t)int64_at(s->data, n - 1);
    if (!p->plain || first > most || last > most || s->data == (out.past ? out.past : out.to)) return 0;
    return ratio_loops[p->staircase][INT64S][floats](p, s, out, n) <= most;
}

/* The rates of n elements, the first of which stands at r and is the job's number `begin`. */
static void evaluate_inverse_time_decay(const cf_job *job, const cf_inverse_time_decay *p, const rows *r, int64_t begin,
                                        int n, sink out)
{
    const int floats = job->rates.type == CF_FLOAT32;
    double hi[CF_BLOCK], lo[CF_BLOCK];
    source s = {0};
    range in, x;
    enum origin origin = as_it_lies(job, r, begin, n, &s, &in);
    if (origin == DOUBLES) {
        load_block(job, r, begin, n, hi, NULL);
        in = range_of(hi, n);
    }
    x.least = p->staircase ? cf_inverse_time_x(p, in.least, 1, CF_ANY_X) : in.least;
    x.greatest = p->staircase ? cf_inverse_time_x(p, in.greatest, 1, CF_ANY_X) : in.greatest;
    if (!p->plain || in.least < -0x1p50 || in.greatest > 0x1p50
        || !(x.least >= p->least && x.greatest <= p->most)) {
        origin = PAIRS;
        load_block(job, r, begin, n, hi, lo);
        s = (source){.data = (const char *)hi, .lo = lo};
    } else if (origin == DOUBLES || x.least < -p->whole_to || x.greatest > p->whole_to) {
        if (origin != DOUBLES) load_block(job, r, begin, n, hi, NULL);
        origin = DOUBLES;
        s = (source){.data = (const char *)hi};
    } else if (p->staircase && x.least == x.greatest) {
        fill_block(cf_inverse_time_near(p, x.least, CF_WHOLE_X), floats, &s, out, n);
        return;
    }
    ratio_loops[p->staircase][origin][floats](p, &s, out, n);
}

/* ---- PiecewiseConstantDecay ---- */

BOTH_TYPES(copy, void, from_doubles, ((void)p, step.hi))

/* Up to so many boundaries each is held against all steps of a block; more are searched. */
enum { FEW_BOUNDARIES = 32 };

/* The number of table's `count` doubles below each step, NaN having any of them. All steps take one level of the
 * search before the next: each is a loop that vectorises, with gathers where there are some. */
static void search(const double *table, int64_t count, const double *restrict steps, int64_t *restrict below, int n)
{
    int i;
    for (i = 0; i < n; i++) below[i] = 0;
    while (count > 0) {
        /* It is from `below` to below + count. */
        const int64_t half = (count + 1) / 2;
        INDEPENDENT
        for (i = 0; i < n; i++) below[i] += table[below[i] + half - 1] < steps[i] ? half : 0;
        count -= half;
    }
}

/* The rates of n elements, likewise. */
static void evaluate_piecewise_constant(const cf_job *job, const cf_piecewise_constant *p, const rows *r, int64_t begin,
                                        int n, sink out)
{
    const int whole = !job->steps.data || job->steps.type < CF_FLOAT32, floats = job->rates.type == CF_FLOAT32;
    double hi[CF_BLOCK], lo[CF_BLOCK], rates[CF_BLOCK];
    int64_t first, last, below[CF_BLOCK];
    source s = {0};
    range in;
    int i, j;
    const int lies = as_it_lies(job, r, begin, n, &s, &in) != DOUBLES;

    if (!lies) {
        load_block(job, r, begin, n, hi, NULL);
        in = range_of(hi, n);
    }
    if (whole && (in.least < -0x1p53 || in.greatest > 0x1p53)) {
        load_block(job, r, begin, n, hi, lo);
        for (i = 0; i < n; i++) rates[i] = cf_piecewise_constant_at(p, cf_make_pair(hi[i], lo[i]));
    } else {
        first = cf_piece_of(p, cf_make_pair(in.least, 0.0));
        last = cf_piece_of(p, cf_make_pair(in.greatest, 0.0));
        if (first == last && whole) {
            fill_block(p->values[first], floats, &s, out, n);
            return;
        }
        if (lies) load_block(job, r, begin, n, hi, NULL);
        if (last - first <= FEW_BOUNDARIES) {
            for (i = 0; i < n; i++) rates[i] = p->values[first];
            for (j = 0; j < last - first; j++) {
                const double bound = p->lasts[first + j], value = p->values[first + j + 1];
                for (i = 0; i < n; i++) rates[i] = bound < hi[i] ? value : rates[i];
            }
        } else {
            search(p->lasts + first, last - first, hi, below, n);
            for (i = 0; i < n; i++) rates[i] = p->values[first + below[i]];
        }
        if (!whole) {
            for (i = 0; i < n; i++) rates[i] = hi[i] == hi[i] ? rates[i] : hi[i];
        }
    }
    s = (source){.data = (const char *)rates};
    (floats ? copy_float : copy)(p, &s, out, n);
}

#endif
