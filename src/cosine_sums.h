/* A block of sums of CosineDecay's rates. blocks.c alone includes this. */
#ifndef COSINE_FAST_SUMS_BLOCKS_H
#define COSINE_FAST_SUMS_BLOCKS_H

#include "loops.h"

#define SUM_LOOP(name, from, sum)                   \
    LOOP(name, cf_cosine_sums, from, sum, double)   \
    LOOP(name##_float, cf_cosine_sums, from, sum, float)
#define NEAR_LOOPS(from)                                                  \
    SUM_LOOP(sums_decay_##from, from, cf_sums_single(p, step, 1, 0))      \
    SUM_LOOP(sums_any_##from, from, cf_sums_single(p, step, 1, 1))

NEAR_LOOPS(from_int64s)
NEAR_LOOPS(from_range)
NEAR_LOOPS(from_doubles)
SUM_LOOP(sums_far_decay, from_pairs, cf_sums_any(p, step, 0, 0))
SUM_LOOP(sums_far_any, from_pairs, cf_sums_any(p, step, 0, 1))
SUM_LOOP(sums_wide_decay, from_pairs, cf_sums_any(p, step, 1, 0))
SUM_LOOP(sums_wide_any, from_pairs, cf_sums_any(p, step, 1, 1))

#define SUM_ROW(decay, any) {{decay, decay##_float}, {any, any##_float}}

/* By origin, whether the warmup is in there, and whether floats are wanted; then for pairs, first by whether wide. */
static loop *const sum_loops[][2][2] = {
    [INT64S] = SUM_ROW(sums_decay_from_int64s, sums_any_from_int64s),
    [RANGE] = SUM_ROW(sums_decay_from_range, sums_any_from_range),
    [DOUBLES] = SUM_ROW(sums_decay_from_doubles, sums_any_from_doubles),
};
static loop *const far_sum_loops[2][2][2] = {
    SUM_ROW(sums_far_decay, sums_far_any), SUM_ROW(sums_wide_decay, sums_wide_any)
};

/* The sums of n elements, the first of which stands at r and is the job's number `begin`. */
static void evaluate_cosine_sums(const cf_job *job, const cf_cosine_sums *p, const rows *r, int64_t begin, int n,
                                 sink out)
{
    const int floats = job->rates.type == CF_FLOAT32;
    double hi[CF_BLOCK], lo[CF_BLOCK];
    source s = {0};
    range in;

    if (!p->wide) {
        const enum origin origin = as_it_lies(job, r, begin, n, &s, &in);
        if (origin == DOUBLES) {
            load_block(job, r, begin, n, hi, NULL);
            s.data = (const char *)hi;
            in = range_of(hi, n);
        }
        if (in.least >= (p->has_warmup ? -0x1p50 : 0.0) && in.greatest <= 0x1p50) {
            sum_loops[origin][in.least < p->begin.hi][floats](p, &s, out, n);
            return;
        }
    }
    load_block(job, r, begin, n, hi, lo);
    s = (source){.data = (const char *)hi, .lo = lo};
    far_sum_loops[p->wide][p->has_warmup][floats](p, &s, out, n);
}

#endif
