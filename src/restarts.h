/* A block of CosineDecayRestarts: a cycle's steps go through CosineDecay's loops, in the cycle's place. blocks.c alone
 * includes this. */
#ifndef COSINE_FAST_RESTARTS_BLOCKS_H
#define COSINE_FAST_RESTARTS_BLOCKS_H

#include "cosine_decay.h"
#include "ratios.h"

/* ---- Waves that are multiplied ---- */

#define SCALED_LOOPS(from, kind)                                                                             \
    BOTH_TYPES(scaled_##from##_##kind, cf_cycle, from,                                                       \
               cf_scaled(p->floor, p->height, p->factors, cf_unit_wave(&p->wave, step, CF_##kind)))

SCALED_LOOPS(from_int64s, SINGLE)
SCALED_LOOPS(from_int64s, PAIR)
SCALED_LOOPS(from_range, SINGLE)
SCALED_LOOPS(from_range, PAIR)
SCALED_LOOPS(from_doubles, SINGLE)
SCALED_LOOPS(from_doubles, PAIR)
SCALED_LOOPS(from_pairs, WIDE)

#define SCALED(from, kind) [CF_##kind] = {scaled_##from##_##kind, scaled_##from##_##kind##_float}

/* By origin, kind and whether floats are wanted. */
static loop *const scaled_loops[ORIGINS][CF_WIDE + 1][2] = {
    [INT64S] = {SCALED(from_int64s, SINGLE), SCALED(from_int64s, PAIR)},
    [RANGE] = {SCALED(from_range, SINGLE), SCALED(from_range, PAIR)},
    [DOUBLES] = {SCALED(from_doubles, SINGLE), SCALED(from_doubles, PAIR)},
    [PAIRS] = {SCALED(from_pairs, WIDE)},
};

/* Equal cycles: of each step its place in its cycle, and that one's number, come as a pair. */
#define EQUAL_LOOPS(kind)                                                                                          \
    BOTH_TYPES(equal_scaled_##kind, cf_cosine_decay_restarts, from_pairs,                                          \
               cf_equal_scaled(p, &p->wave, cf_make_pair(step.lo, 0.0), cf_make_pair(step.hi, 0.0), CF_##kind, 1))

EQUAL_LOOPS(SINGLE)
EQUAL_LOOPS(PAIR)

/* ---- Blocks ---- */

/* The rates of n steps in one cycle, which lie within `in`; whole ones, or of the origin DOUBLES or PAIRS any. */
static void evaluate_cycle(const cf_cycle *c, int scaled, enum origin origin, int whole, range in, int floats,
                           source s, sink out, int n)
{
    const int kind = c->wave.kind;
    if (scaled) {
        scaled_loops[origin][kind][floats](c, s, out, n);
    } else {
        loops[origin][whole && c->wave.exact ? CF_EXACT : kind][origin == PAIRS ? CF_DECAY : phase_of(&c->wave, in)]
             [floats](&c->wave, s, out, n);
    }
}

/* Equal cycles. */
static void evaluate_equal_cycles(const cf_job *job, const cf_cosine_decay_restarts *p, const rows *r, int64_t begin,
                                  int n, sink out)
{
    const int whole = !job->steps.data || job->steps.type < CF_FLOAT32, floats = job->rates.type == CF_FLOAT32;
    const int kind = p->wave.kind;
    const double D = p->decay_steps.hi, inverse = p->inverse;
    double hi[CF_BLOCK], lo[CF_BLOCK], rates[CF_BLOCK];
    source s = {0};
    range in;
    int i;
    enum origin origin = as_it_lies(job, r, begin, n, &s, &in);

    if (origin == DOUBLES) {
        load_block(job, r, begin, n, hi, NULL);
        in = range_of(hi, n);
    }
    if (p->few && kind < CF_WIDE && in.least >= (whole ? -CF_FEW : 0.0) && in.greatest <= CF_FEW) {
        if (origin != DOUBLES && kind == CF_SINGLE) {
            const double first = cf_few_stairs(in.least, D, inverse).count.hi;
            if (first == cf_few_stairs(in.greatest, D, inverse).count.hi) {
                /* Often the block is in one cycle. */
                cf_cycle c;
                c.wave = p->wave;
                c.wave.warmup_steps.hi = first * D;
                c.wave.end_step = first * D + D;
                c.floor = p->floor;
                if (p->scaled) c.height = cf_height(p, cf_make_pair(first, 0.0), 1, &c.factors);
                evaluate_cycle(&c, p->scaled, origin, 1, in, floats, s, out, n);
                return;
            }
        }
        if (origin != DOUBLES) load_block(job, r, begin, n, hi, NULL);
        INDEPENDENT
        for (i = 0; i < n; i++) {
            const cf_stairs stairs = cf_few_stairs(hi[i], D, inverse);
            hi[i] = stairs.rest.hi;
            lo[i] = stairs.count.hi;
        }
        s = (source){.data = (const char *)hi, .lo = p->scaled ? lo : NULL};
        if (!p->scaled) {
            loops[DOUBLES][whole && p->wave.exact ? CF_EXACT : kind][CF_DECAY][floats](&p->wave, s, out, n);
        } else if (kind == CF_PAIR) {
            (floats ? equal_scaled_PAIR_float : equal_scaled_PAIR)(p, s, out, n);
        } else {
            (floats ? equal_scaled_SINGLE_float : equal_scaled_SINGLE)(p, s, out, n);
        }
        return;
    }
    load_block(job, r, begin, n, hi, lo);
    for (i = 0; i < n; i++) rates[i] = cf_cosine_decay_restarts_at(p, cf_make_pair(hi[i], lo[i]));
    s = (source){.data = (const char *)rates};
    (floats ? copy_float : copy)(p, s, out, n);
}

/* Cycles of different lengths. */
static void evaluate_growing_cycles(const cf_job *job, const cf_cosine_decay_restarts *p, const rows *r, int64_t begin,
                                    int n, sink out)
{
    const int whole = !job->steps.data || job->steps.type < CF_FLOAT32, floats = job->rates.type == CF_FLOAT32;
    double hi[CF_BLOCK], lo[CF_BLOCK], rates[CF_BLOCK];
    double some_hi[CF_BLOCK], some_lo[CF_BLOCK], some_rates[CF_BLOCK];
    int left[CF_BLOCK], some[CF_BLOCK], count = 0, i;
    cf_cycle own;
    source s = {0};
    range in;
    const enum origin origin = as_it_lies(job, r, begin, n, &s, &in);

    if (origin != DOUBLES && in.least >= -CF_FEW && in.greatest <= CF_FEW) {
        const cf_pair least = cf_make_pair(in.least, 0.0), greatest = cf_make_pair(in.greatest, 0.0);
        if (cf_in_cycles(p, least) && cf_in_cycles(p, greatest)) {
            const cf_cycle *const c = cf_cycle_of(p, least, &own);
            if (cf_less(greatest, c->next) && c->wave.kind < CF_WIDE) {
                evaluate_cycle(c, p->scaled, origin, 1, in, floats, s, out, n);
                return;
            }
        } else if (!cf_in_cycles(p, p->t_mul < 1.0 ? least : greatest)) {
            fill_block(p->end, floats, s, out, n);
            return;
        }
    }

    /* A cycle at a time: of all steps that are left those in the cycle of the first. */
    load_block(job, r, begin, n, hi, lo);
    for (i = 0; i < n; i++) {
        const cf_pair step = cf_make_pair(hi[i], lo[i]);
        if (cf_in_cycles(p, step)) {
            left[count++] = i;
        } else {
            rates[i] = cf_outside(p, step);
        }
    }
    while (count > 0) {
        const cf_cycle *const c = cf_cycle_of(p, cf_make_pair(hi[left[0]], lo[left[0]]), &own);
        const int wide = c->wave.kind == CF_WIDE;
        sink to = {(char *)some_rates, NULL};
        int taken = 0, kept = 0;
        for (i = 0; i < count; i++) {
            const cf_pair step = cf_make_pair(hi[left[i]], lo[left[i]]);
            const int inside = (!cf_less(step, c->first)) & cf_less(step, c->next);
            some[taken] = left[i];
            some_hi[taken] = step.hi;
            some_lo[taken] = step.lo;
            taken += inside;
            left[kept] = left[i];
            kept += !inside;
        }
        s = (source){.data = (const char *)some_hi, .lo = wide ? some_lo : NULL};
        evaluate_cycle(c, p->scaled, wide ? PAIRS : DOUBLES, whole, range_of(some_hi, taken), 0, s, to, taken);
        for (i = 0; i < taken; i++) rates[some[i]] = some_rates[i];
        count = kept;
    }
    s = (source){.data = (const char *)rates};
    (floats ? copy_float : copy)(p, s, out, n);
}

/* The rates of n elements, the first of which stands at r and is the job's number `begin`. */
static void evaluate_cosine_decay_restarts(const cf_job *job, const cf_cosine_decay_restarts *p, const rows *r,
                                           int64_t begin, int n, sink out)
{
    if (p->equal) {
        evaluate_equal_cycles(job, p, r, begin, n, out);
    } else {
        evaluate_growing_cycles(job, p, r, begin, n, out);
    }
}

#endif
