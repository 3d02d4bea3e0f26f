/* A block of sums of CosineDecay's rates. Only blocks.c includes this. */
#ifndef COSINE_FAST_COSINE_SUMS_BLOCKS_H
#define COSINE_FAST_COSINE_SUMS_BLOCKS_H

#include "loops.h"

#define SUM_LOOP(name, from, sum) BOTH_TYPES(name, cf_cosine_sums, from, sum)
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

#define SUM_ROW(decay, any) {BOTH_NAMES(decay), BOTH_NAMES(any)}

/* By origin, whether steps may lie in the warmup, and whether the sums are float32; for pairs, by `wide` instead of origin. */
static loop *const sum_loops[][2][2] = {
    [INT64S] = SUM_ROW(sums_decay_from_int64s, sums_any_from_int64s),
    [RANGE] = SUM_ROW(sums_decay_from_range, sums_any_from_range),
    [DOUBLES] = SUM_ROW(sums_decay_from_doubles, sums_any_from_doubles),
};
static loop *const far_sum_loops[2][2][2] = {
    SUM_ROW(sums_far_decay, sums_far_any), SUM_ROW(sums_wide_decay, sums_wide_any)
};

/* The sums of n elements, the first of which stands at r and is number `begin` of the job. */
static void evaluate_cosine_sums(const cf_job *job, const cf_cosine_sums *p, const rows *r, int64_t begin, int n,
                                 sink out)
{
    const int floats = is_float32(job);
    double hi[CF_BLOCK], lo[CF_BLOCK];
    source s = {0};
    range in;

    if (!p->wide) {
        const enum origin origin = origin_of(job, r, begin, n, &s, &in);
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
