/* A block of InverseTimeDecay: nearly all need one loop and nothing else. Only blocks.c includes this. */
#ifndef COSINE_FAST_INVERSE_TIME_DECAY_BLOCKS_H
#define COSINE_FAST_INVERSE_TIME_DECAY_BLOCKS_H

#include "loops.h"

/* The checked loops also find which bits their steps have. This takes no time, because they wait for divisions. The rates of
 * steps beyond 2^51 are wrong, and the bits show that there are such steps. */
#define INVERSE_TIME_LOOPS(variant)                                          \
    DEFAULT_LOOPS(inverse_time_decay, variant)                               \
    LOOP(inverse_time_checked_##variant, cf_inverse_time_decay, from_int64s, \
         (bits |= (uint64_t)int64_at(s.data, i) - (uint64_t)s.shift,         \
          cf_inverse_time_decay_rate(p, step, variant, CF_WHOLE_STEPS)))
INVERSE_TIME_LOOPS(0)
INVERSE_TIME_LOOPS(1)
DEFAULT_BLOCK(inverse_time_decay, evaluate_any_inverse_time, DEFAULT_ROW(inverse_time_decay, 0),
              DEFAULT_ROW(inverse_time_decay, 1))

/* The checked loops are right for whole steps from 0 to this one; it is negative if they never are. */
static inline double checked_to(const cf_inverse_time_decay *p)
{
    const double x = p->most < p->whole_to ? p->most : p->whole_to, last = p->variant ? x * p->decay_steps.hi : x;
    return !p->plain ? -1.0 : last < CF_SMALL_STEP ? last : CF_SMALL_STEP;
}

/* Finding the least and the greatest of a block's steps would take a fifth of the time. So where the first and the last step
 * suggest that a checked loop is right for all, it computes the rates first, and the bits are compared afterwards. */
static void evaluate_inverse_time_decay(const cf_job *job, const cf_inverse_time_decay *p, const rows *r, int64_t begin,
                                        int n, sink out)
{
    loop *const checked = p->variant ? inverse_time_checked_1 : inverse_time_checked_0;
    const double most = checked_to(p);
    int64_t memory[CF_BLOCK];
    source s = {0};
    /* Rates must not overwrite steps that may be needed again. */
    if (int64s_of(job, r, n, (char *)memory, &s) && out.to != rows_at(r, &job->steps)) {
        const uint64_t shift = (uint64_t)s.shift;
        const uint64_t first = (uint64_t)int64_at(s.data, 0) - shift, last = (uint64_t)int64_at(s.data, n - 1) - shift;
        const int same_stair =
            p->variant && cf_whole_stairs((double)first, p->inverse) == cf_whole_stairs((double)last, p->inverse);
        /* Steps that rise from `first` to `last` have no bits beyond twice `last`. */
        if (!same_stair && 2.0 * (double)(first | last) <= most && (double)checked(p, &s, out, n) <= most) return;
    }
    evaluate_any_inverse_time(job, p, r, begin, n, out);
}

#endif
