/* A block of CosineDecayRestarts: the steps of a cycle go through CosineDecay's loops. Only blocks.c includes this. */
#ifndef COSINE_FAST_COSINE_DECAY_RESTARTS_BLOCKS_H
#define COSINE_FAST_COSINE_DECAY_RESTARTS_BLOCKS_H

#include "cosine_decay.h"
#include "piecewise_constant_decay.h" /* search */

/* ---- Waves that are multiplied ---- */

#define SCALED_LOOP(from, kind, phase) \
    LOOP(scaled_##from##_##kind##_##phase, cf_cycle, from, cf_cycle_scaled(p, step, CF_##kind, CF_##phase))

#define SCALED_LOOPS(from, kind)             \
    SCALED_LOOP(from, kind, UPPER)           \
    SCALED_LOOP(from, kind, LOWER_TO_ZERO)   \
    SCALED_LOOP(from, kind, DECAY)

SCALED_LOOPS(from_int64s, SINGLE)
SCALED_LOOPS(from_int64s, PAIR)
SCALED_LOOPS(from_range, SINGLE)
SCALED_LOOPS(from_range, PAIR)
SCALED_LOOPS(from_doubles, SINGLE)
SCALED_LOOPS(from_doubles, PAIR)
SCALED_LOOP(from_pairs, WIDE, DECAY)

#define SCALED(from, kind, phase) \
    [CF_##phase] = scaled_##from##_##kind##_##phase
#define SCALED_ROW(from, kind) \
    [CF_##kind] = {SCALED(from, kind, UPPER), SCALED(from, kind, LOWER_TO_ZERO), SCALED(from, kind, DECAY)}

/* By origin, kind and phase. */
static loop *const scaled_loops[ORIGINS][CF_WIDE + 1][CF_ANY + 1] = {
    [INT64S] = {SCALED_ROW(from_int64s, SINGLE), SCALED_ROW(from_int64s, PAIR)},
    [RANGE] = {SCALED_ROW(from_range, SINGLE), SCALED_ROW(from_range, PAIR)},
    [DOUBLES] = {SCALED_ROW(from_doubles, SINGLE), SCALED_ROW(from_doubles, PAIR)},
    [PAIRS] = {[CF_WIDE] = {SCALED(from_pairs, WIDE, DECAY)}},
};

/* Equal cycles: a pair holds the place of a step in its cycle, and the number of the cycle. */
#define EQUAL_LOOPS(kind)                                                                                          \
    LOOP(equal_scaled_##kind, cf_cosine_decay_restarts, from_pairs,                                          \
               cf_equal_scaled(p, &p->wave, cf_make_pair(step.lo, 0.0), cf_make_pair(step.hi, 0.0), CF_##kind, 1))

EQUAL_LOOPS(SINGLE)
EQUAL_LOOPS(PAIR)

/* ---- Blocks ---- */

/* The rates of n steps of one cycle, which lie within `in` and are `whole` or not. */
static void evaluate_cycle(const cf_cycle *c, int scaled, enum origin origin, int whole, range in, const source *s,
                           sink out, int n)
{
    const int kind = c->wave.kind, phase = origin == PAIRS ? CF_DECAY : phase_of(&c->wave, in);
    if (scaled) {
        scaled_loops[origin][kind][phase](c, s, out, n);
    } else {
        loops[origin][whole && c->wave.exact ? CF_EXACT : kind][phase](&c->wave, s, out, n);
    }
}

/* Equal cycles. */
static void evaluate_equal_cycles(const cf_job *job, const cf_cosine_decay_restarts *p, const rows *r, int64_t begin,
                                  int n, sink out)
{
    const int kind = p->wave.kind;
    const double D = p->decay_steps.hi, inverse = p->inverse;
    double hi[CF_BLOCK], lo[CF_BLOCK], rates[CF_BLOCK];
    source s = {0};
    range in;
    int i;
    const enum origin origin = origin_of(job, r, begin, n, hi, lo, &s, &in);
    const int whole = are_known_whole(job, origin);

    if (p->small_stairs && kind < CF_WIDE && in.least >= (whole ? -CF_SMALL_STEP : 0.0) && in.greatest <= CF_SMALL_STEP) {
        if (origin != DOUBLES && kind == CF_SINGLE) {
            const double first = cf_small_stairs(in.least, D, inverse).count.hi;
            if (first == cf_small_stairs(in.greatest, D, inverse).count.hi) {
                /* Often all steps lie in one cycle. */
                cf_cycle c;
                c.wave = p->wave;
                c.wave.warmup_steps.hi = first * D;
                c.wave.end_step = first * D + D;
                c.floor = p->floor;
                if (p->scaled) c.height = cf_height(p, cf_make_pair(first, 0.0), 1, &c.factors);
                evaluate_cycle(&c, p->scaled, origin, 1, in, &s, out, n);
                return;
            }
        }
        load_integers(job, r, begin, n, hi);
        INDEPENDENT
        for (i = 0; i < n; i++) {
            const cf_stairs stairs = cf_small_stairs(hi[i], D, inverse);
            hi[i] = stairs.rest.hi;
            lo[i] = stairs.count.hi;
        }
        s = (source){.data = (const char *)hi, .lo = p->scaled ? lo : NULL};
        if (!p->scaled) {
            const int phase = kind == CF_PAIR ? phase_of(&p->wave, range_of(hi, n)) : CF_DECAY; /* for the others it saves nothing */
            loops[DOUBLES][whole && p->wave.exact ? CF_EXACT : kind][phase](&p->wave, &s, out, n);
        } else if (kind == CF_PAIR) {
            equal_scaled_PAIR(p, &s, out, n);
        } else {
            equal_scaled_SINGLE(p, &s, out, n);
        }
        return;
    }
    load_block(job, r, begin, n, hi, lo);
    for (i = 0; i < n; i++) rates[i] = cf_cosine_decay_restarts_at(p, cf_make_pair(hi[i], lo[i]));
    copy_block(rates, out, n);
}

/* The rates of n steps in cycles that are not folded in advance, or in no cycle. Neighbours often have one cycle. */
static void evaluate_others(const cf_cosine_decay_restarts *p, const double *hi, const double *lo, int n, double *rates)
{
    cf_cycle own;
    const cf_cycle *c = NULL;
    int i;
    for (i = 0; i < n; i++) {
        const cf_pair step = cf_make_pair(hi[i], lo[i]);
        if (!cf_in_cycles(p, step)) {
            rates[i] = cf_outside(p, step);
        } else {
            if (!c || cf_less(step, c->first) || !cf_less(step, c->next)) c = cf_cycle_of(p, step, &own);
            rates[i] = cf_cycle_at(c, step, p->scaled);
        }
    }
}

/* Cycles of different lengths. */
static void evaluate_growing_cycles(const cf_job *job, const cf_cosine_decay_restarts *p, const rows *r, int64_t begin,
                                    int n, sink out)
{
    double hi[CF_BLOCK], lo[CF_BLOCK], rates[CF_BLOCK];
    double sorted_hi[CF_BLOCK], sorted_lo[CF_BLOCK], sorted_rates[CF_BLOCK];
    int64_t cycle[CF_BLOCK];
    int place[CF_BLOCK], ends[CF_CYCLES + 1] = {0}, i, first;
    double beyond;
    cf_cycle own;
    source s = {0};
    range in;
    const enum origin origin = origin_of(job, r, begin, n, hi, lo, &s, &in);
    const int whole = are_known_whole(job, origin);

    if (origin != DOUBLES && in.least >= -CF_SMALL_STEP && in.greatest <= CF_SMALL_STEP) {
        const cf_pair least = cf_make_pair(in.least, 0.0), greatest = cf_make_pair(in.greatest, 0.0);
        if (cf_in_cycles(p, least) && cf_in_cycles(p, greatest)) {
            const cf_cycle *const c = cf_cycle_of(p, least, &own);
            if (cf_less(greatest, c->next) && c->wave.kind < CF_WIDE) {
                evaluate_cycle(c, p->scaled, origin, 1, in, &s, out, n);
                return;
            }
        } else if (!cf_in_cycles(p, p->t_mul < 1.0 ? least : greatest)) {
            fill(&p->end, &s, out, n);
            return;
        }
    }

    /* Sort the steps by cycle. First come those that are in no folded cycle, or are not single doubles. */
    load_block(job, r, begin, n, hi, lo);
    search(p->befores, p->count, hi, cycle, n);
    beyond = p->count ? fmin(cf_double_before(p->cycles[p->count - 1].next), CF_BEYOND_INT64) : 0.0;
    for (i = 0; i < n; i++) {
        cycle[i] = ((hi[i] <= beyond) & (lo[i] == 0.0)) ? cycle[i] : 0;
        ends[cycle[i]]++;
    }
    for (i = 1; i <= p->count; i++) ends[i] += ends[i - 1];
    for (i = n - 1; i >= 0; i--) {
        const int to = --ends[cycle[i]];
        place[i] = to;
        sorted_hi[to] = hi[i];
        sorted_lo[to] = lo[i];
    }
    /* Now ends[i] is where the steps of cycle i - 1 begin. */
    first = p->count ? ends[1] : n;
    if (first > 0) evaluate_others(p, sorted_hi, sorted_lo, first, sorted_rates);
    for (i = 1; first < n; i++) {
        const int end = i < p->count ? ends[i + 1] : n;
        if (end > first) {
            const cf_cycle *const c = &p->cycles[i - 1];
            const int wide = c->wave.kind == CF_WIDE;
            const sink to = {(char *)(sorted_rates + first), 0};
            s = (source){.data = (const char *)(sorted_hi + first), .lo = wide ? sorted_lo + first : NULL};
            evaluate_cycle(c, p->scaled, wide ? PAIRS : DOUBLES, whole, range_of(sorted_hi + first, end - first), &s, to,
                           end - first);
        }
        first = end;
    }
    for (i = 0; i < n; i++) rates[i] = sorted_rates[place[i]];
    copy_block(rates, out, n);
}

/* The rates of n elements, the first of which stands at r and is number `begin` of the job. */
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
