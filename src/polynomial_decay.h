/* A block of ExponentialDecay or PolynomialDecay. blocks.c alone includes this. */
#ifndef COSINE_FAST_POWERS_BLOCKS_H
#define COSINE_FAST_POWERS_BLOCKS_H

#include "cosine_decay.h"

#define POWER_LOOP(name, struct_type, from, rate)       \
    LOOP(name##_##from, struct_type, from, rate, double) \
    LOOP(name##_##from##_float, struct_type, from, rate, float)

/* A formula's loops, as a table by origin and whether floats are wanted: `few` for int64s that one double holds, ... */
#define POWER_LOOPS(name, struct_type, few, doubles, pairs)                 \
    POWER_LOOP(name, struct_type, from_int64s, few)                         \
    POWER_LOOP(name, struct_type, from_range, few)                          \
    POWER_LOOP(name, struct_type, from_doubles, doubles)                    \
    POWER_LOOP(name, struct_type, from_pairs, pairs)                        \
    static loop *const name[ORIGINS][2] = {                                 \
        [INT64S] = {name##_from_int64s, name##_from_int64s_float},          \
        [RANGE] = {name##_from_range, name##_from_range_float},             \
        [DOUBLES] = {name##_from_doubles, name##_from_doubles_float},       \
        [PAIRS] = {name##_from_pairs, name##_from_pairs_float},             \
    };

POWER_LOOPS(exponential, cf_exponential_decay, cf_exponential(p, step, 1), cf_exponential(p, step, 1),
            cf_exponential(p, step, 0))
POWER_LOOPS(staircase, cf_exponential_decay, cf_staircase(p, step, 1), cf_staircase(p, step, 0),
            cf_staircase(p, step, 0))
POWER_LOOPS(power, cf_polynomial_decay, cf_power_decay(p, step, 0, 1), cf_power_decay(p, step, 0, 0),
            cf_power_decay(p, step, 0, 0))
POWER_LOOPS(cycle, cf_polynomial_decay, cf_power_decay(p, step, 1, 1), cf_power_decay(p, step, 1, 0),
            cf_power_decay(p, step, 1, 0))

/* One rate for all of a block. */
POWER_LOOP(stair, double, from_range, ((void)step, *p))

/* The rates of n elements, the first of which stands at r and is the job's number `begin`. The table's loops for int64s
 * serve `few` schedules. */
static void evaluate_powers(const cf_job *job, const void *schedule, loop *const table[ORIGINS][2], int few,
                            const rows *r, int64_t begin, int n, sink out)
{
    const int whole = !job->steps.data || job->steps.type < CF_FLOAT32, floats = job->rates.type == CF_FLOAT32;
    double hi[CF_BLOCK], lo[CF_BLOCK];
    source s = {0};
    range in;
    enum origin origin = as_it_lies(job, r, begin, n, &s, &in);
    if (origin == DOUBLES || !few || in.least < -CF_FEW || in.greatest > CF_FEW) {
        origin = whole ? PAIRS : DOUBLES;
        load_block(job, r, begin, n, hi, whole ? lo : NULL);
        s = (source){.data = (const char *)hi, .lo = whole ? lo : NULL};
    } else if (table == staircase) {
        /* Often the block is one stair. */
        const cf_exponential_decay *p = schedule;
        const double first = cf_few_stairs(in.least, p->decay_steps.hi, p->inverse).count.hi;
        if (first == cf_few_stairs(in.greatest, p->decay_steps.hi, p->inverse).count.hi) {
            const double rate = cf_staircase(p, cf_make_pair(in.least, 0.0), 1);
            (floats ? stair_from_range_float : stair_from_range)(&rate, &s, out, n);
            return;
        }
    }
    table[origin][floats](schedule, &s, out, n);
}

static void evaluate_exponential_decay(const cf_job *job, const cf_exponential_decay *p, const rows *r, int64_t begin,
                                       int n, sink out)
{
    if (p->staircase) {
        evaluate_powers(job, p, staircase, p->few, r, begin, n, out);
    } else {
        evaluate_powers(job, p, exponential, 1, r, begin, n, out);
    }
}

static void evaluate_polynomial_decay(const cf_job *job, const cf_polynomial_decay *p, const rows *r, int64_t begin,
                                      int n, sink out)
{
    if (p->straight) {
        evaluate_cosine_decay(job, &p->line, r, begin, n, out);
    } else {
        evaluate_powers(job, p, p->cycle ? cycle : power, p->single, r, begin, n, out);
    }
}

#endif
