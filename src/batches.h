/* Batches: CosineDecay with arrays for its parameters. Only blocks.c includes this.
 *
 * The dimensions of the result are of two sorts. Those along which a parameter changes count the schedules; the others count
 * the steps of each schedule. One vectorised loop folds a group of schedules, each parameter of which is a row of doubles;
 * a group is all the memory that a batch needs. The rates of a group are computed in the order of their memory: along the
 * steps, one schedule after another, by the loops for single schedules; or across the schedules, one step after another, by
 * loops in which each lane has a schedule of its own.
 *
 * If each schedule has one step, and all are plain, one loop folds and evaluates.
 *
 * The loops for groups serve ordinary schedules (CF_SINGLE, CF_PAIR); others are folded one by one. */
#ifndef COSINE_FAST_BATCHES_H
#define COSINE_FAST_BATCHES_H

#include "cosine_decay.h"

enum { LANES = 128 }; /* the schedules of a group, which fits the first cache when folded */

/* Evaluates a cf_job; in blocks.c. */
static void evaluate(const void *work, int64_t begin, int64_t end);

/* What the formula reads of an ordinary schedule, X(name in a group, member of cf_cosine_decay). */
#define LANE(X)                                                                                                        \
    X(peak, peak) X(warmup_steps, warmup_steps.hi) X(origin, origin) X(anchor, anchor.hi) X(floor_hi, floor.hi)        \
    X(floor_lo, floor.lo) X(slope_hi, slope_hi) X(slope_lo, slope_lo) X(c0_hi, c0_hi) X(c0_lo, c0_lo) X(c1, c[1])      \
    X(c2, c[2]) X(c3, c[3]) X(c4, c[4]) X(c5, c[5]) X(c6, c[6]) X(c7, c[7]) X(c8, c[8])

typedef struct group {
    int n;       /* how many schedules */
    int unusual; /* one of them is not ordinary */
    int warm;    /* one of them has a warmup */
    int pairs;   /* an ordinary one of them is CF_PAIR, not CF_SINGLE */
    double start[LANES]; /* without a warmup the peak */
    double decay_steps[LANES], alpha[LANES];
    double ordinary[LANES]; /* 0 or 1 */
    double least[LANES];    /* an earlier step needs all its digits, or has to be reflected */
#define MEMBER(name, member) double name[LANES];
    LANE(MEMBER)
} group;

/* Fold a schedule as if it were ordinary. A NaN as `target` means no warmup. Returns where the schedule starts. */
static inline double fold_lane(cf_cosine_decay *p, double given, double D, double alpha, int absolute, double target,
                               double warmup)
{
    const double peak = target == target ? target : given, W = target == target ? warmup : 0.0;
    const double start = W > 0.0 ? given : peak;
    p->warmup_steps = cf_make_pair(W, 0.0);
    cf_fold_ordinary(p, peak, cf_reciprocal(D), alpha, absolute, start, W);
    return start;
}

/* Fold the lanes from their start, decay_steps, alpha, peak (NaN: no warmup) and warmup_steps. `absolute` is a constant. */
CF_INLINE void fold_lanes_to(group *restrict g, int absolute)
{
    int i;
    INDEPENDENT
    for (i = 0; i < g->n; i++) {
        const double D = g->decay_steps[i], alpha = g->alpha[i];
        cf_cosine_decay p;
        const double start = fold_lane(&p, g->start[i], D, alpha, absolute, g->peak[i], g->warmup_steps[i]);
        const double W = p.warmup_steps.hi;
        const double ordinary = cf_is_ordinary(p.peak, D, alpha, absolute, start, W + D) ? 1.0 : 0.0;
        g->start[i] = start;
        g->ordinary[i] = ordinary;
        g->least[i] = W > 0.0 ? -0x1.fffffffffffffp51 : 0.0;
#define KEEP(name, member) g->name[i] = p.member;
        LANE(KEEP)
    }
    for (i = 0; i < g->n; i++) {
        g->unusual |= g->ordinary[i] == 0.0;
        g->warm |= g->warmup_steps[i] > 0.0;
        g->pairs |= (g->ordinary[i] != 0.0) & !(is_whole(g->decay_steps[i]) & is_whole(g->warmup_steps[i]));
    }
}

static CF_NOINLINE void fold_lanes(group *restrict g)
{
    fold_lanes_to(g, 0);
}

static CF_NOINLINE void fold_lanes_absolute(group *restrict g)
{
    fold_lanes_to(g, 1);
}

/* The members that the formula reads of an ordinary schedule. */
static inline void take_lane(const group *g, int i, cf_cosine_decay *p)
{
    const double D = g->decay_steps[i], W = g->warmup_steps[i];
#define TAKE(name, member) p->member = g->name[i];
    LANE(TAKE)
    p->bend = 1.75 * p->c[1];
    p->anchor.lo = p->warmup_steps.lo = 0.0;
    p->end = p->floor.hi;
    p->rate_unit = 1.0;
    p->longer = cf_make_pair(W < D ? D : W, 0.0);
    p->shorter = cf_make_pair(W < D ? W : D, 0.0);
    p->end_step = W + D;
}

/* One schedule of the group, which stands at r, as a struct of its own. */
static void take_schedule(const cf_batch *b, const group *g, const rows *r, int i, cf_cosine_decay *p)
{
    const double D = g->decay_steps[i], W = g->warmup_steps[i], alpha = g->alpha[i];
    if (g->ordinary[i] != 0.0) {
        const int whole = is_whole(D) && is_whole(W);
        take_lane(g, i, p);
        p->kind = whole ? CF_SINGLE : CF_PAIR;
        p->exact = whole && D <= 134217728.0; /* 2^27 */
        p->falls = cf_falls(p->peak, alpha, b->absolute);
        p->has_warmup = W > 0.0;
        p->decay_steps = cf_make_pair(D, 0.0);
        p->step_scale = 1.0;
    } else {
        double hi, lo_D, lo_W;
        load(r, &b->decay_steps, 1, &hi, &lo_D);
        load(r, &b->warmup_steps, 1, &hi, &lo_W);
        cf_cosine_decay_init_to(p, g->peak[i], cf_make_pair(D, lo_D), alpha, b->absolute, W > 0.0, g->start[i],
                                cf_make_pair(W, lo_W));
    }
}

#define LANES_LOOP(kind, phase)                                                                       \
    static CF_NOINLINE void across_##kind##_##phase(const group *restrict g,                          \
                                                    const double *restrict steps,                     \
                                                    double *restrict rates)                           \
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

/* Store n rates, one of each lane, as `rates` wants them; past the caches if they are `streamed`. */
static void store_lanes(const rows *r, const cf_operand *rates, int n, const double *out, int streamed)
{
    const int is_float = rates->type == CF_FLOAT32;
    const size_t size = is_float ? sizeof(float) : sizeof(double);
    const char *from = (const char *)out;
    float floats[LANES];
    int i;
    if (is_float) {
        for (i = 0; i < n; i++) floats[i] = (float)out[i];
        from = (const char *)floats;
    }
    if (streamed && rates->strides[r->job->dimensions - 1] == (int64_t)size && rows_left(r, n) == n) {
        stream_out(rows_at(r, rates), from, (size_t)n * size);
    } else {
        store(r, rates, n, from, size);
    }
}

/* The rates of the group's schedules, each at one step, which `steps` and `rates` describe. */
static void evaluate_across(const cf_batch *b, const group *g, const rows *r, const cf_operand *steps,
                            const cf_operand *rates)
{
    double hi[LANES], out[LANES];
    int i, left = g->unusual;
    load(r, steps, g->n, hi, NULL);
    if (g->pairs) {
        (g->warm ? across_PAIR_ANY : across_PAIR_DECAY)(g, hi, out);
    } else {
        (g->warm ? across_SINGLE_ANY : across_SINGLE_DECAY)(g, hi, out);
    }
    for (i = 0; i < g->n; i++) left |= hi[i] < g->least[i];
    if (left) {
        rows at = *r;
        for (i = 0; i < g->n; i++) {
            if (g->ordinary[i] == 0.0 || hi[i] < g->least[i]) {
                cf_cosine_decay p;
                cf_pair step;
                load(&at, steps, 1, &step.hi, &step.lo);
                take_schedule(b, g, &at, i, &p);
                out[i] = cf_cosine_decay_at(&p, step);
            }
            rows_advance(&at, 1);
        }
    }
    store_lanes(r, rates, g->n, out, 0);
}

/* ---- One step each: fold and evaluate in one loop, without the group between ---- */

/* Parameters and a step for each lane. */
typedef struct lanes {
    const double *start, *decay_steps, *alpha, *target, *warmup_steps, *step;
} lanes;

/* The rates of n lanes, whose steps and counts of steps are all whole; in phase CF_WARMUP the floor takes the place of the
 * decay. Returns 0 if all lanes are plain: the parameters are right, the schedule is ordinary and exact, and CF_EXACT serves
 * its step. Otherwise the rates are undefined.
 *
 * Each check of a range is a subtraction, of two numbers or of their bits; a number out of range sets the sign bit of
 * the difference. (The bits of positive doubles have the order of the doubles, with NaN last.) Comparisons would be
 * slower, because processors have fewer units for them. The upper halves are collected because a loop with a type of
 * half the width processes two vectors at a time; one vector alone is latency-bound. */
CF_INLINE uint32_t rate_lanes_to(const lanes *restrict of, int absolute, int phase, double *restrict rates, int n)
{
    uint32_t beyond = 0;
    int i;
    INDEPENDENT
    for (i = 0; i < n; i++) {
        const double s = of->step[i], D = of->decay_steps[i], W = of->warmup_steps[i];
        const uint64_t floor = cf_bits(of->alpha[i]), large = cf_bits(0x1p300);
        cf_cosine_decay p;
        uint64_t peak;
        fold_lane(&p, of->start[i], D, of->alpha[i], absolute, of->target[i], W);
        /* A negative peak has bits that are too large: to a floor from 0 on, its decay crosses zero. */
        peak = cf_bits(absolute ? p.peak : fabs(p.peak));
        beyond |= (uint32_t)((floor | ((absolute ? large : cf_bits(1.0)) - floor) | (peak - cf_bits(0x1p-90)) | (large - peak)
                              | (large - cf_bits(fabs(of->start[i]))) | cf_bits(D - 1.0) | cf_bits(0x1p27 - D) | cf_bits(W)
                              | cf_bits(0x1p43 - W) | cf_bits(s) | cf_bits(0x1p50 - s))
                             >> 32);
        p.end = p.floor.hi;
        p.rate_unit = 1.0;
        p.end_step = p.warmup_steps.hi + D;
        rates[i] = cf_rate(&p, cf_make_pair(s, 0.0), CF_EXACT, phase);
        if (phase == CF_WARMUP) rates[i] = s < W ? rates[i] : p.end;
    }
    return beyond >> 31;
}

static CF_NOINLINE uint32_t rate_lanes(const lanes *of, double *rates, int n)
{
    return rate_lanes_to(of, 0, CF_ANY, rates, n);
}

static CF_NOINLINE uint32_t rate_lanes_absolute(const lanes *of, double *rates, int n)
{
    return rate_lanes_to(of, 1, CF_ANY, rates, n);
}

static CF_NOINLINE uint32_t rate_lines(const lanes *of, double *rates, int n)
{
    return rate_lanes_to(of, 1, CF_WARMUP, rates, n);
}

/* Whether the numbers x of an operand are all whole. */
static int are_whole(const cf_operand *operand, const double *x, int n)
{
    int i, whole = 1;
    for (i = 0; i < n && operand->type >= CF_FLOAT32; i++) whole &= is_whole(x[i]);
    return whole;
}

/* One step of each of n schedules, the first of which stands at r. Returns 0, and does nothing, if they are not all plain. */
static int evaluate_singles(const cf_batch *b, const rows *r, int n)
{
    double buffer[6][LANES];
    _Alignas(64) double out[LANES];
    const lanes of = {
        doubles_at(r, &b->initial, n, buffer[0]), doubles_at(r, &b->decay_steps, n, buffer[1]),
        doubles_at(r, &b->alpha, n, buffer[2]), doubles_at(r, &b->target, n, buffer[3]),
        doubles_at(r, &b->warmup_steps, n, buffer[4]), doubles_at(r, &b->schedules.steps, n, buffer[5])
    };
    if (!are_whole(&b->decay_steps, of.decay_steps, n) || !are_whole(&b->warmup_steps, of.warmup_steps, n)
        || !are_whole(&b->schedules.steps, of.step, n) || (b->absolute ? rate_lanes_absolute : rate_lanes)(&of, out, n)) {
        return 0;
    }
    store_lanes(r, &b->schedules.rates, n, out, b->streamed);
    return 1;
}

/* ---- Rows: one schedule after another, along the steps ---- */

enum {
    FEW_ROWS = 8,             /* for fewer rows it does not pay to examine the steps that they share ... */
    LONG_ROW = 16 * CF_BLOCK, /* ... nor for more steps, whose blocks nearly all lie in one phase */
    STREAMED_ROW = 2048       /* shorter rows are not streamed: they would end within cache lines */
};

/* Whether the steps rise; CONSECUTIVE: by 1 each time. */
enum { RISING = 1, CONSECUTIVE };
static int do_rise(const char *steps, int n)
{
    int i, falls = 0, jumps = 0;
    for (i = 1; i < n; i++) {
        falls |= int64_at(steps, i) < int64_at(steps, i - 1);
        jumps |= int64_at(steps, i) != int64_at(steps, i - 1) + 1;
    }
    return falls ? 0 : jumps ? RISING : CONSECUTIVE;
}

/* The steps from <= s < to of a group whose first schedule stands at r. */
static void evaluate_along(const cf_batch *b, const group *g, rows r, int64_t from, int64_t to)
{
    cf_job row = b->row;
    const int size = is_float32(&row) ? (int)sizeof(float) : (int)sizeof(double);
    const int n = to - from <= LONG_ROW ? (int)(to - from) : 0;
    cf_schedule schedule;
    cf_cosine_decay *const p = &schedule.as.cosine_decay;
    int i, rising = 0;
    source s = {0};
    range in = {0};
    rows at;
    schedule.function = CF_COSINE_DECAY;
    row.schedule = &schedule;
    row.streamed = b->streamed && b->steps >= STREAMED_ROW;
    rows_seek(&at, &row, from);
    if (b->alike && n > 0 && g->n >= FEW_ROWS && row.rates.strides[row.dimensions - 1] == size
        && integers_of(&row, &at, from, n, NULL, &s, &in) == INT64S) {
        rising = in.least >= -0x1p50 && in.greatest <= 0x1p50 ? do_rise(s.data, n) : 0;
    }
    for (i = 0; i < g->n; i++) {
        char *data;
        take_schedule(b, g, &r, i, p);
        row.steps.data = rows_at(&r, &b->schedules.steps);
        row.rates.data = rows_at(&r, &b->schedules.rates);
        data = rows_at(&at, &row.rates);
        if (!rising || p->kind == CF_WIDE || (!p->has_warmup && in.least < 0.0) || (uintptr_t)data % (uintptr_t)size) {
            evaluate(&row, from, to);
        } else {
            const sink out = {data, is_float32(&row) ? AS_FLOAT32 : 0};
            evaluate_rising(p, s.data, rising == CONSECUTIVE, n, out);
        }
        rows_advance(&r, 1);
    }
}

/* The steps from <= s < to of n <= LANES schedules, the first of which has the number `first`. */
static void evaluate_group(const cf_batch *b, int64_t first, int n, int64_t from, int64_t to)
{
    group g;
    rows r;
    if (b->plain && atomic_load_explicit(b->others, memory_order_relaxed)) return;
    g.n = n;
    rows_seek(&r, &b->schedules, first);
    if (b->steps == 1 && evaluate_singles(b, &r, n)) return;
    if (b->plain) {
        atomic_store_explicit(b->others, 1, memory_order_relaxed);
        return;
    }
    load(&r, &b->initial, n, g.start, NULL);
    load(&r, &b->decay_steps, n, g.decay_steps, NULL);
    load(&r, &b->alpha, n, g.alpha, NULL);
    load(&r, &b->target, n, g.peak, NULL);
    load(&r, &b->warmup_steps, n, g.warmup_steps, NULL);
    g.unusual = g.warm = g.pairs = 0;
    (b->absolute ? fold_lanes_absolute : fold_lanes)(&g);
    /* Across the schedules, an unusual one would be folded again for each step. */
    if (b->along || (g.unusual && to - from > 1)) {
        evaluate_along(b, &g, r, from, to);
    } else {
        cf_operand steps = b->schedules.steps, rates = b->schedules.rates;
        rows at;
        rows_seek(&at, &b->row, from);
        for (; from < to; from++) {
            steps.data = rows_at(&at, &b->row.steps);
            rates.data = rows_at(&at, &b->row.rates);
            evaluate_across(b, &g, &r, &steps, &rates);
            rows_advance(&at, 1);
        }
    }
}

/* The elements begin <= e < end, counted group by group, and within a group along the steps or across the schedules. */
static void cosine_decays(const void *work, int64_t begin, int64_t end)
{
    const cf_batch *const b = work;
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
            evaluate_group(b, first + line, (int)lines, from, to);
        } else {
            evaluate_group(b, first + from, (int)(to - from), line, line + lines);
        }
        begin += lines * (to - from);
    }
    if (b->streamed) end_stream();
}

#endif
