/* Batches: CosineDecay with arrays for its parameters. blocks.c alone includes this.
 *
 * The result's dimensions are of two sorts: along some a parameter changes, and together they count the schedules; along
 * the others none does, and they count each schedule's steps. A group of schedules is folded at once, each of its
 * parameters a row of doubles, in one loop that is vectorised; scratch memory is that group. Then its rates are computed
 * along the steps, one schedule after another by the loops that evaluate single schedules, or across the schedules,
 * one step after another by loops in which each lane has a schedule of its own: whichever way the rates lie in memory.
 *
 * The group's loops are for ordinary schedules (CF_SINGLE, CF_PAIR); the others are folded one by one. */
#ifndef COSINE_FAST_BATCHES_H
#define COSINE_FAST_BATCHES_H

#include "cosine_decay.h"

/* Schedules in a group: all that is folded fits the first cache. Before each part of it is folded, as much of the next
 * group is asked for: all at once would fill the queues to memory. */
enum { LANES = 128, PART = 32 };

typedef struct group {
    int n;             /* schedules; and whether among them there is ... */
    int unusual, warm; /* one that is not ordinary; one with a warmup; */
    int pairs;         /* an ordinary one that is CF_PAIR, not CF_SINGLE */
    /* As they are given, and what warmup_target and warmup_steps mean. Without a warmup start is the peak. */
    double start[LANES], decay_steps[LANES], alpha[LANES], peak[LANES], warmup_steps[LANES];
    double ordinary[LANES]; /* 0 or 1 */
    double least[LANES];    /* a step before it needs all its digits, or is to be reflected */
    /* As in cf_cosine_decay. */
    double origin[LANES], anchor[LANES], floor_hi[LANES], floor_lo[LANES], slope_hi[LANES], slope_lo[LANES];
    double c0_hi[LANES], c0_lo[LANES], c[CF_TERMS][LANES];
} group;

/* A whole number, |x| < 2^51. */
static inline int is_whole(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52 == x;
}

/* Fold the lanes begin <= i < end, whose parameters stand in start, decay_steps, alpha, peak (NaN: there is no warmup)
 * and warmup_steps. */
static __attribute__((noinline)) void fold_lanes(group *restrict g, int begin, int end)
{
    int i;
    INDEPENDENT
    for (i = begin; i < end; i++) {
        const double given = g->start[i], target = g->peak[i], D = g->decay_steps[i], alpha = g->alpha[i];
        const double peak = target == target ? target : given;
        const double W = target == target ? g->warmup_steps[i] : 0.0, start = W > 0.0 ? given : peak;
        const double ordinary = cf_is_ordinary(peak, D, alpha, start, W + D) ? 1.0 : 0.0;
        cf_cosine_decay p;
        cf_fold_ordinary(&p, peak, cf_quotient(cf_make_pair(1.0, 0.0), D), alpha, start, W);
        g->start[i] = start;
        g->peak[i] = peak;
        g->warmup_steps[i] = W;
        g->ordinary[i] = ordinary;
        g->least[i] = W > 0.0 ? -0x1.fffffffffffffp51 : 0.0;
        g->origin[i] = p.origin;
        g->anchor[i] = p.anchor.hi;
        g->floor_hi[i] = p.floor.hi;
        g->floor_lo[i] = p.floor.lo;
        g->slope_hi[i] = p.slope_hi;
        g->slope_lo[i] = p.slope_lo;
        g->c0_hi[i] = p.c0_hi;
        g->c0_lo[i] = p.c0_lo;
        g->c[1][i] = p.c[1];
        g->c[2][i] = p.c[2];
        g->c[3][i] = p.c[3];
        g->c[4][i] = p.c[4];
        g->c[5][i] = p.c[5];
        g->c[6][i] = p.c[6];
        g->c[7][i] = p.c[7];
        g->c[8][i] = p.c[8];
    }
    for (i = begin; i < end; i++) {
        g->unusual |= g->ordinary[i] == 0.0;
        g->warm |= g->warmup_steps[i] > 0.0;
        g->pairs |= (g->ordinary[i] != 0.0) & !(is_whole(g->decay_steps[i]) & is_whole(g->warmup_steps[i]));
    }
}

/* What the formula reads of an ordinary schedule. */
static inline void take_lane(const group *g, int i, cf_cosine_decay *p)
{
    const double D = g->decay_steps[i], W = g->warmup_steps[i];
    p->peak = g->peak[i];
    p->origin = g->origin[i];
    p->anchor = cf_make_pair(g->anchor[i], 0.0);
    p->floor = cf_make_pair(g->floor_hi[i], g->floor_lo[i]);
    p->end = p->floor.hi;
    p->unit = 1.0;
    p->warmup_steps = cf_make_pair(W, 0.0);
    p->longer = cf_make_pair(W < D ? D : W, 0.0);
    p->shorter = cf_make_pair(W < D ? W : D, 0.0);
    p->end_step = W + D;
    p->slope_hi = g->slope_hi[i];
    p->slope_lo = g->slope_lo[i];
    p->c0_hi = g->c0_hi[i];
    p->c0_lo = g->c0_lo[i];
    p->c[1] = g->c[1][i];
    p->c[2] = g->c[2][i];
    p->c[3] = g->c[3][i];
    p->c[4] = g->c[4][i];
    p->c[5] = g->c[5][i];
    p->c[6] = g->c[6][i];
    p->c[7] = g->c[7][i];
    p->c[8] = g->c[8][i];
    p->bend = 1.75 * p->c[1];
}

/* One schedule of the group by itself. r: where it stands. */
static void take_schedule(const cf_batch *b, const group *g, const rows *r, int i, cf_cosine_decay *p)
{
    const double D = g->decay_steps[i], W = g->warmup_steps[i], alpha = g->alpha[i];
    if (g->ordinary[i] != 0.0) {
        const int whole = is_whole(D) && is_whole(W);
        take_lane(g, i, p);
        p->kind = whole ? CF_SINGLE : CF_PAIR;
        p->exact = whole && D <= 134217728.0; /* 2^27 */
        p->tame = alpha >= 0.0 && alpha <= 1.0 && p->peak > 0.0;
        p->has_warmup = W > 0.0;
        p->decay_steps = cf_make_pair(D, 0.0);
        p->scale = 1.0;
    } else {
        double hi, lo_D, lo_W;
        load(*r, &b->decay_steps, 1, &hi, &lo_D);
        load(*r, &b->warmup_steps, 1, &hi, &lo_W);
        cf_cosine_decay_init(p, g->peak[i], cf_make_pair(D, lo_D), alpha, W > 0.0, g->start[i], cf_make_pair(W, lo_W));
    }
}

#define LANES_LOOP(kind, phase)                                                                       \
    static __attribute__((noinline)) void across_##kind##_##phase(const group *restrict g,            \
                                                                  const double *restrict steps,       \
                                                                  double *restrict rates)             \
    {                                                                                                 \
        int i;                                                                                        \
        INDEPENDENT                                                                                   \
        for (i = 0; i < g->n; i++) {                                                                  \
            cf_cosine_decay p;                                                                        \
            take_lane(g, i, &p);                                                                      \
            rates[i] = cf_rate(&p, cf_make_pair(steps[i], 0.0), CF_##kind, CF_##phase);               \
        }                                                                                             \
    }

LANES_LOOP(SINGLE, ANY)
LANES_LOOP(SINGLE, DECAY)
LANES_LOOP(PAIR, ANY)
LANES_LOOP(PAIR, DECAY)

/* The group's rates, each schedule's of one step: `steps` and `rates` are where that one stands. */
static void evaluate_across(const cf_batch *b, const group *g, rows r, const cf_operand *steps, const cf_operand *rates)
{
    double hi[LANES], out[LANES];
    float floats[LANES];
    int i, odd = g->unusual;
    load(r, steps, g->n, hi, NULL);
    if (g->pairs) {
        (g->warm ? across_PAIR_ANY : across_PAIR_DECAY)(g, hi, out);
    } else {
        (g->warm ? across_SINGLE_ANY : across_SINGLE_DECAY)(g, hi, out);
    }
    for (i = 0; i < g->n; i++) odd |= hi[i] < g->least[i];
    if (odd) {
        rows at = r;
        for (i = 0; i < g->n; i++) {
            if (g->ordinary[i] == 0.0 || hi[i] < g->least[i]) {
                cf_cosine_decay p;
                cf_pair step;
                load(at, steps, 1, &step.hi, &step.lo);
                take_schedule(b, g, &at, i, &p);
                out[i] = cf_cosine_decay_at(&p, step);
            }
            rows_advance(&at, 1);
        }
    }
    if (rates->type == CF_FLOAT32) {
        for (i = 0; i < g->n; i++) floats[i] = (float)out[i];
        store(r, rates, g->n, (const char *)floats, sizeof *floats);
    } else {
        store(r, rates, g->n, (const char *)out, sizeof *out);
    }
}

/* The steps from <= s < to of n <= LANES schedules, of which the first is number `first`. */
static void evaluate_group(const cf_batch *b, cf_run run, int64_t first, int n, int64_t from, int64_t to)
{
    const cf_operand *const read[] = {&b->schedules.steps, &b->initial, &b->decay_steps,
                                      &b->alpha,           &b->target,  &b->warmup_steps};
    const char *next[6];
    group g;
    rows r;
    int i, k, ahead = 0;
    g.n = n;
    rows_seek(&r, &b->schedules, first);
    for (k = 0; k < 6; k++) { /* the next group, where it can be known */
        if (read[k]->strides[b->schedules.dimensions - 1] == (int64_t)sizeof(double)) {
            next[ahead++] = rows_at(&r, read[k]) + (size_t)n * sizeof(double);
        }
    }
    load(r, &b->initial, n, g.start, NULL);
    load(r, &b->decay_steps, n, g.decay_steps, NULL);
    load(r, &b->alpha, n, g.alpha, NULL);
    load(r, &b->target, n, g.peak, NULL);
    load(r, &b->warmup_steps, n, g.warmup_steps, NULL);
    g.unusual = g.warm = g.pairs = 0;
    for (i = 0; i < n; i += PART) {
        for (k = 0; k < ahead; k++) prefetch(next[k] + (size_t)i * sizeof(double), PART);
        fold_lanes(&g, i, n - i < PART ? n : i + PART);
    }
    /* Across the schedules an unusual one is folded again for each step. */
    if (b->along || (g.unusual && to - from > 1)) {
        cf_job row = b->row;
        cf_schedule schedule;
        double between[2];
        schedule.family = CF_COSINE_DECAY;
        row.schedule = &schedule;
        if (b->alike && to - from <= CF_BLOCK) {
            /* The same few steps for all: look once between which ones they lie. */
            rows at;
            source s;
            range in;
            rows_seek(&at, &row, from);
            if (as_it_lies(&row, &at, from, (int)(to - from), &s, &in) == INT64S) {
                between[0] = in.least;
                between[1] = in.greatest;
                row.between = between;
            }
        }
        for (i = 0; i < n; i++) {
            take_schedule(b, &g, &r, i, &schedule.as.cosine_decay);
            row.steps.data = rows_at(&r, &b->schedules.steps);
            row.rates.data = rows_at(&r, &b->schedules.rates);
            run(&row, from, to);
            rows_advance(&r, 1);
        }
    } else {
        cf_operand steps = b->schedules.steps, rates = b->schedules.rates;
        rows at;
        rows_seek(&at, &b->row, from);
        for (; from < to; from++) {
            steps.data = rows_at(&at, &b->row.steps);
            rates.data = rows_at(&at, &b->row.rates);
            evaluate_across(b, &g, r, &steps, &rates);
            rows_advance(&at, 1);
        }
    }
}

/* The elements begin <= e < end, counted group by group, and in a group along the steps or across the schedules. */
static void evaluate_batch(const cf_batch *b, cf_run run, int64_t begin, int64_t end)
{
    while (begin < end) {
        const int64_t first = begin / LANES / b->steps * LANES, offset = begin - first * b->steps;
        const int64_t many = b->many - first < LANES ? b->many - first : LANES;
        const int64_t all = many * b->steps - offset, left = all < end - begin ? all : end - begin;
        /* The group's lines: schedules along the steps, or steps across the schedules. */
        const int64_t length = b->along ? b->steps : many, line = offset / length, from = offset % length;
        const int whole = from == 0 && left >= length;
        const int64_t lines = whole ? left / length : 1;
        const int64_t to = whole ? length : from + left < length ? from + left : length;
        if (b->along) {
            evaluate_group(b, run, first + line, (int)lines, from, to);
        } else {
            evaluate_group(b, run, first + from, (int)(to - from), line, line + lines);
        }
        begin += lines * (to - from);
    }
}

/* Look whether all elements lie within the limits. */
static void check_limits(const cf_job *job, int64_t begin, int64_t end)
{
    const cf_limits limits = *job->limits;
    double x[CF_BLOCK];
    rows r;
    for (; begin < end; begin += CF_BLOCK) {
        const int n = (int)(end - begin < CF_BLOCK ? end - begin : CF_BLOCK);
        int i, odd = 0;
        rows_seek(&r, job, begin);
        load(r, &job->steps, n, x, NULL);
        for (i = 0; i < n; i++) {
            odd |= !((x[i] >= limits.least) & (x[i] <= limits.most)) & (x[i] != limits.also)
                   & ((x[i] == x[i]) | !limits.nan);
        }
        if (odd) __atomic_store_n(limits.odd, 1, __ATOMIC_RELAXED);
    }
}

#endif
