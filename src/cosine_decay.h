/* A block of CosineDecay: which phase its steps lie in, nearly always one, and the loop for it. Only blocks.c includes this. */
#ifndef COSINE_FAST_COSINE_DECAY_BLOCKS_H
#define COSINE_FAST_COSINE_DECAY_BLOCKS_H

#include "loops.h"

#define PHASE_LOOP(from, kind, phase) \
    LOOP(from##_##kind##_##phase, cf_cosine_decay, from, cf_rate(p, step, CF_##kind, CF_##phase))

#define MIXED_LOOPS(from, kind)   \
    PHASE_LOOP(from, kind, DECAY) \
    PHASE_LOOP(from, kind, ANY)

#define ALL_LOOPS(from, kind)             \
    PHASE_LOOP(from, kind, WARMUP)        \
    PHASE_LOOP(from, kind, UPPER)         \
    PHASE_LOOP(from, kind, LOWER)         \
    PHASE_LOOP(from, kind, LOWER_TO_ZERO) \
    MIXED_LOOPS(from, kind)

ALL_LOOPS(from_int64s, EXACT)
ALL_LOOPS(from_int64s, SINGLE)
ALL_LOOPS(from_int64s, PAIR)
ALL_LOOPS(from_range, EXACT)
ALL_LOOPS(from_range, SINGLE)
ALL_LOOPS(from_range, PAIR)
ALL_LOOPS(from_doubles, EXACT)
ALL_LOOPS(from_doubles, SINGLE)
ALL_LOOPS(from_doubles, PAIR)
MIXED_LOOPS(from_pairs, PAIR)
MIXED_LOOPS(from_pairs, WIDE)
PHASE_LOOP(from_range, EXACT, PAST)
PHASE_LOOP(from_int64s, EXACT, LINE)
PHASE_LOOP(from_int64s, EXACT, LINE_FROM_ZERO)
PHASE_LOOP(from_range, EXACT, LINE)
PHASE_LOOP(from_range, EXACT, LINE_FROM_ZERO)

#define MIXED_ROW(from, kind) [CF_DECAY] = from##_##kind##_DECAY, [CF_ANY] = from##_##kind##_ANY
#define ALL_ROW(from, kind, warmup, line, from_zero, past)                                                  \
    [CF_##kind] = {                                                                                         \
        [CF_WARMUP] = from##_##warmup, [CF_LINE] = from##_##line, [CF_LINE_FROM_ZERO] = from##_##from_zero, \
        [CF_UPPER] = from##_##kind##_UPPER, [CF_LOWER] = from##_##kind##_LOWER,                             \
        [CF_LOWER_TO_ZERO] = from##_##kind##_LOWER_TO_ZERO, [CF_PAST] = past, MIXED_ROW(from, kind)}
/* For whole steps, CF_SINGLE and CF_EXACT have the same warmup, and past the end all steps have one rate. Doubles may
 * be NaN, so their rows share neither loop. */
#define WHOLE_ROW(from, kind) \
    ALL_ROW(from, kind, EXACT_WARMUP, EXACT_LINE, EXACT_LINE_FROM_ZERO, from_range_EXACT_PAST)
#define PAIR_ROW(from) ALL_ROW(from, PAIR, PAIR_WARMUP, PAIR_WARMUP, PAIR_WARMUP, from_range_EXACT_PAST)
#define DOUBLE_ROW(from, kind) \
    ALL_ROW(from, kind, kind##_WARMUP, kind##_WARMUP, kind##_WARMUP, from##_##kind##_DECAY)

/* By origin, kind and phase. */
static loop *const loops[][CF_WIDE + 1][CF_ANY + 1] = {
    [INT64S] = {WHOLE_ROW(from_int64s, EXACT), WHOLE_ROW(from_int64s, SINGLE), PAIR_ROW(from_int64s)},
    [RANGE] = {WHOLE_ROW(from_range, EXACT), WHOLE_ROW(from_range, SINGLE), PAIR_ROW(from_range)},
    [DOUBLES] = {DOUBLE_ROW(from_doubles, EXACT), DOUBLE_ROW(from_doubles, SINGLE), DOUBLE_ROW(from_doubles, PAIR)},
    [PAIRS] = {[CF_PAIR] = {MIXED_ROW(from_pairs, PAIR)}, [CF_WIDE] = {MIXED_ROW(from_pairs, WIDE)}},
};

/* The phase of all steps that lie in r; they are single doubles. */
static inline int phase_of(const cf_cosine_decay *p, range r)
{
    const double begin = p->warmup_steps.hi, end = p->end_step;
    /* With fractions the differences below are rounded. */
    const double slack = p->kind == CF_PAIR ? (fabs(begin) + fabs(end)) * 0x1p-50 : 0.0;
    if (r.greatest < begin) {
        const double anchor = p->anchor.hi;
        if (!(r.greatest - anchor < 0x1p26 && anchor - r.least < 0x1p26)) return CF_WARMUP;
        return p->origin == 0.0 ? CF_LINE_FROM_ZERO : CF_LINE;
    }
    if (r.least < begin) return CF_ANY;
    if (r.least - slack >= end) return CF_PAST;
    if (p->falls) {
        const double least = 2.0 * (r.least - begin), greatest = 2.0 * (r.greatest - begin), D = p->decay_steps.hi;
        if (greatest + slack < D) return CF_UPPER;
        if (least - slack >= D && r.greatest + slack <= end)
            return p->floor.hi == 0.0 && p->floor.lo == 0.0 ? CF_LOWER_TO_ZERO : CF_LOWER;
    }
    return CF_DECAY;
}

/* The rates of n rising int64s up to 2^50 in size, not negative without a warmup, for a schedule that is not CF_WIDE: one loop
 * for each phase. Each continues to the end of its last vector, and the next begins at its own first step. */
static void evaluate_rising(const cf_cosine_decay *p, const char *steps, int consecutive, int n, sink out)
{
    enum { VECTOR = 8 };
    const int kind = p->exact ? CF_EXACT : p->kind;
    const double begin = p->warmup_steps.hi, middle = begin + 0.5 * p->decay_steps.hi;
    const int64_t bounds[] = {(int64_t)ceil(begin), (int64_t)ceil(middle), (int64_t)ceil(p->end_step)};
    int ends[] = {0, 0, 0, n}, first = 0, left = n, k;
    if (consecutive) {
        for (k = 0; k < 3; k++) {
            const int64_t end = bounds[k] - int64_at(steps, 0);
            ends[k] = end < 0 ? 0 : end < n ? (int)end : n;
        }
    } else {
        /* Three bisections at once, without a branch that depends on the steps. */
        while (left > 0) {
            const int half = (left + 1) / 2;
            for (k = 0; k < 3; k++) ends[k] += half & -(int64_at(steps, ends[k] + half - 1) < bounds[k]);
            left -= half;
        }
    }
    for (k = 0; k < 4; k++) {
        if (first < ends[k]) {
            const int vectors = first + (ends[k] - first + VECTOR - 1) / VECTOR * VECTOR;
            const int end = vectors < n ? vectors : n;
            const source s = {.data = steps + (size_t)first * sizeof(int64_t)};
            const sink to = {out.to + (size_t)first * rate_size(out), out.how};
            range in;
            in.least = (double)int64_at(steps, first);
            in.greatest = (double)int64_at(steps, ends[k] - 1);
            loops[INT64S][kind][phase_of(p, in)](p, &s, to, end - first);
            first = ends[k];
        }
    }
}

/* As cf_reflect, for negative steps of at most 2^50 in size, where D is whole and at most 2^44. */
static void reflect_small(const cf_cosine_decay *p, double *hi, int n)
{
    const double D = p->decay_steps.hi, period = 2.0 * D, inverse = 1.0 / period;
    int i;
    INDEPENDENT
    for (i = 0; i < n; i++) {
        const double t = -hi[i], count = cf_round(t * inverse), product = count * period;
        const double m = fabs((t - product) - cf_product_rest(count, period, product));
        hi[i] = hi[i] < 0.0 ? (m > D ? period - m : m) : hi[i];
    }
}

/* The rates at n whole steps of a cosine that goes on past its end, as CosineAnnealing has it: those of *p at the negated
 * steps. Returns 0, and does nothing, for a step below 0 or beyond 2^50 and for steps in more than one half of a period. In
 * every other half steps are negated, in `memory`; then they are shifted. */
static int evaluate_onward(const cf_cosine_decay *p, enum origin origin, source s, range in, int n, char *memory, sink out)
{
    const double D = p->decay_steps.hi, half = floor(in.least / D), begin = half * D, end = begin + D;
    const int kind = p->exact ? CF_EXACT : p->kind, falls = fmod(half, 2.0) == 0.0;
    if (kind > CF_SINGLE || p->has_warmup || !(in.least >= 0.0 && in.greatest <= 0x1p50 && in.greatest <= end)) return 0;
    if (falls) { /* step - begin */
        s.shift += (int64_t)begin;
        s.first -= begin;
        in = (range){in.least - begin, in.greatest - begin};
    } else { /* end - step */
        if (s.data) {
            negate_int64s(s.data, n, memory);
            s = (source){.data = memory, .shift = -s.shift - (int64_t)end};
        }
        s.first = end - s.first;
        s.stride = -s.stride;
        in = (range){end - in.greatest, end - in.least};
    }
    loops[origin][kind][phase_of(p, in)](p, &s, out, n);
    return 1;
}

/* The rates of n elements, the first of which stands at r and is number `begin` of the job. */
static void evaluate_cosine_decay(const cf_job *job, const cf_cosine_decay *p, const rows *r, int64_t begin, int n,
                                  sink out)
{
    int kind = p->kind, phase, i;
    double hi[CF_BLOCK], lo[CF_BLOCK];
    enum origin origin = PAIRS;
    source s = {0};
    range in;

    if (kind < CF_WIDE) {
        origin = origin_of(job, r, begin, n, hi, lo, &s, &in);
        if (p->exact && are_known_whole(job, origin)) kind = CF_EXACT;
        /* Beyond, not all arithmetic with a step is exact, or the step has to be reflected first. */
        if (origin != DOUBLES && in.least >= (p->has_warmup ? -0x1p50 : 0.0) && in.greatest <= 0x1p50) {
            loops[origin][kind][phase_of(p, in)](p, &s, out, n);
            return;
        }
    }

    s = (source){.data = (const char *)hi};
    if (origin != DOUBLES) {
        origin = kind == CF_WIDE ? PAIRS : DOUBLES;
        load_block(job, r, begin, n, hi, origin == PAIRS ? lo : NULL);
        in = range_of(hi, n);
    }
    if (kind <= CF_SINGLE && !p->has_warmup && in.least < 0.0 && in.least >= -0x1p50) {
        reflect_small(p, hi, n);
        in = range_of(hi, n);
    } else if (p->has_warmup ? in.least <= -0x1p52 : in.least < 0.0) {
        /* Rare: a warmup's steps far below zero, which need all their digits; without a warmup, negative steps that
         * reflect_small does not take. */
        load_block(job, r, begin, n, hi, lo);
        if (p->has_warmup) {
            if (kind < CF_PAIR) kind = CF_PAIR;
        } else {
            /* Reflect them into [0, D] exactly. */
            for (i = 0; i < n; i++) {
                if (hi[i] < 0.0) {
                    const cf_pair step = cf_reflect(p, cf_make_pair(hi[i], lo[i]));
                    hi[i] = step.hi;
                    lo[i] = step.lo;
                }
            }
            in = range_of(hi, n);
        }
        if (kind >= CF_PAIR) origin = PAIRS;
    }
    if (origin == PAIRS) s.lo = lo;
    phase = origin == DOUBLES ? phase_of(p, in) : p->has_warmup ? CF_ANY : CF_DECAY;
    loops[origin][kind][phase](p, &s, out, n);
}

#endif
