/* A block of PiecewiseConstantDecay. Only blocks.c includes this. */
#ifndef COSINE_FAST_PIECEWISE_CONSTANT_DECAY_BLOCKS_H
#define COSINE_FAST_PIECEWISE_CONSTANT_DECAY_BLOCKS_H

#include "loops.h"

/* Up to this many boundaries are compared with all steps of a block; more are searched by bisection. */
enum { FEW_BOUNDARIES = 32 };

/* How many of the `count` doubles of the table are below each step; any number for NaN. All steps do one level of the
 * bisection before the next: each level is a loop that vectorises, where there are gathers. */
static void search(const double *table, int64_t count, const double *restrict steps, int64_t *restrict below, int n)
{
    int i;
    for (i = 0; i < n; i++) below[i] = 0;
    while (count > 0) {
        /* The number is from `below` to below + count. */
        const int64_t half = (count + 1) / 2;
        INDEPENDENT
        for (i = 0; i < n; i++) below[i] += table[below[i] + half - 1] < steps[i] ? half : 0;
        count -= half;
    }
}

/* The rates of n elements, the first of which stands at r and is number `begin` of the job. */
static void evaluate_piecewise_constant_decay(const cf_job *job, const cf_piecewise_constant_decay *p, const rows *r,
                                              int64_t begin, int n, sink out)
{
    double hi[CF_BLOCK], lo[CF_BLOCK], rates[CF_BLOCK];
    int64_t first, last, below[CF_BLOCK];
    source s = {0};
    range in;
    int i, j;
    const enum origin origin = origin_of(job, r, begin, n, hi, lo, &s, &in);
    const int whole = are_known_whole(job, origin);

    if (whole && (in.least <= -0x1p53 || in.greatest >= 0x1p53)) { /* 2^53 + 1 has been rounded to 2^53 */
        load_block(job, r, begin, n, hi, lo);
        for (i = 0; i < n; i++) rates[i] = cf_piecewise_constant_decay_at(p, cf_make_pair(hi[i], lo[i]));
    } else {
        first = cf_count_below(p->boundaries, p->count, cf_make_pair(in.least, 0.0), 0);
        last = cf_count_below(p->boundaries, p->count, cf_make_pair(in.greatest, 0.0), 0);
        if (first == last && whole) {
            fill(&p->values[first], &s, out, n);
            return;
        }
        load_integers(job, r, begin, n, hi);
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
    copy_block(rates, out, n);
}

#endif
