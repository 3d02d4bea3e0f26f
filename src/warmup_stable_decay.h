/* Batches of WarmupStableDecays: each is joined of its parts as the class joins them. Only blocks.c includes this. */
#ifndef COSINE_FAST_WARMUP_STABLE_DECAY_BLOCKS_H
#define COSINE_FAST_WARMUP_STABLE_DECAY_BLOCKS_H

#include "batches.h"

typedef struct stable {
    int shape; /* enum cf_shape */
    double initial, peak, end;
    cf_pair warmup_steps, decay_steps;
    cf_pair numbers[7]; /* boundaries, then offsets */
    double signs[4];
} stable;

/* A number of steps. */
static int64_t count_at(const rows *r, const cf_operand *operand)
{
    double hi, lo;
    load(r, operand, 1, &hi, &lo);
    return (int64_t)((uint64_t)hi + (uint64_t)(int64_t)lo);
}

static stable stable_at(const cf_batch *b, const rows *r)
{
    const int64_t warmup = count_at(r, &b->warmup_steps), falls = warmup + count_at(r, &b->stable_steps);
    const int64_t decay = count_at(r, &b->decay_steps), ends = falls + decay;
    const int backwards = b->shape == CF_ROOT || b->shape == CF_SQUARE;
    stable s = {.shape = b->shape, .signs = {1.0, 1.0, backwards ? -1.0 : 1.0, 1.0}};
    load(r, &b->initial, 1, &s.initial, NULL);
    load(r, &b->target, 1, &s.peak, NULL);
    load(r, &b->alpha, 1, &s.end, NULL);
    s.initial += 0.0; /* -0 becomes +0 */
    s.peak += 0.0;
    s.end += 0.0;
    s.warmup_steps = s.numbers[0] = cf_from_int64(warmup);
    s.decay_steps = cf_from_int64(decay);
    s.numbers[1] = cf_from_int64(falls);
    s.numbers[2] = cf_from_int64(ends);
    s.numbers[5] = s.numbers[backwards ? 2 : 1];
    return s;
}

/* Part k: the warmup, the constant, the decay, or what comes after it. */
static void fold_part(const stable *s, int k, cf_schedule *part)
{
    const double from[] = {s->peak, s->end, 1.0, 0.0}, to[] = {s->end, s->peak, s->shape == CF_ROOT ? 0.5 : 2.0, 0.0};
    const double up[] = {s->initial, s->peak, 1.0, 0.0}, rates[] = {s->peak, s->end / s->peak, 0.0};
    const cf_pair zero = {0.0, 0.0};
    if (k == 0 && s->warmup_steps.hi > 0.0) {
        cf_schedule_init(part, CF_POLYNOMIAL_DECAY, up, &s->warmup_steps, 1, NULL);
    } else if (k != 2) {
        cf_schedule_init(part, CF_PIECEWISE_CONSTANT_DECAY, k == 3 ? &s->end : &s->peak, NULL, 0, NULL);
    } else if (s->shape == CF_COSINE) {
        part->function = CF_COSINE_DECAY;
        cf_cosine_decay_init_to(&part->as.cosine_decay, s->peak, s->decay_steps, s->end, 1, 0, 0.0, zero);
    } else if (s->shape == CF_EXPONENTIAL) {
        cf_schedule_init(part, CF_EXPONENTIAL_DECAY, rates, &s->decay_steps, 1, NULL);
    } else {
        cf_schedule_init(part, CF_POLYNOMIAL_DECAY, s->shape == CF_LINEAR ? from : to, &s->decay_steps, 1, NULL);
    }
}

/* The lanes at `places` are in a decay by powers, and `passed` are the steps of it that are over. */
typedef struct decays {
    const double *peak, *end, *decay_steps, *passed;
    const int32_t *places;
} decays;

/* Indices of half the width of a double make the compiler take two vectors at a time, as in rate_lanes_to. */
#define DECAY_LOOP(name, type, init, rate)                                                              \
    static CF_NOINLINE void name(const decays *restrict of, double *restrict rates, int n)              \
    {                                                                                                   \
        int i;                                                                                          \
        INDEPENDENT                                                                                     \
        for (i = 0; i < n; i++) {                                                                       \
            const int32_t k = of->places[i];                                                            \
            const double peak = of->peak[k], end = of->end[k], passed = of->passed[k];                  \
            const cf_pair D = cf_make_pair(of->decay_steps[k], 0.0);                                    \
            type p;                                                                                     \
            init;                                                                                       \
            rates[i] = rate;                                                                            \
        }                                                                                               \
    }

DECAY_LOOP(decay_by_root, cf_polynomial_decay, cf_polynomial_decay_init(&p, end, D, peak, 0.5, 0),
           cf_polynomial_short(&p, D.hi - passed, CF_POWER_HALF))
DECAY_LOOP(decay_by_square, cf_polynomial_decay, cf_polynomial_decay_init(&p, end, D, peak, 2.0, 0),
           cf_polynomial_short(&p, D.hi - passed, CF_POWER_TWO))
DECAY_LOOP(decay_by_exponential, cf_exponential_decay, cf_exponential_decay_init(&p, peak, D, end / peak, 0),
           cf_exponential(&p, cf_make_pair(passed, 0.0), 1))

/* One step each of n <= LANES schedules, the first of which stands at r. The loops for CosineDecays compute
 * the rising line. For a linear decay they also compute the falling line, backwards. For a cosine they compute all
 * parts, at the step less the constant steps. Returns 0, and does nothing, if the schedules are not all plain. */
static int evaluate_stable_singles(const cf_batch *b, const rows *r, int n)
{
    static void (*const loops[])(const decays *, double *, int) = {
        [CF_EXPONENTIAL] = decay_by_exponential, [CF_ROOT] = decay_by_root, [CF_SQUARE] = decay_by_square};
    double buffer[7][LANES], start[LANES], lengths[LANES], floor[LANES], rises[LANES], step[LANES], passed[LANES];
    double fallen[LANES];
    int32_t places[LANES];
    _Alignas(64) double out[LANES];
    const double *const initial = doubles_at(r, &b->initial, n, buffer[0]);
    const double *const D = doubles_at(r, &b->decay_steps, n, buffer[1]);
    const double *const S = doubles_at(r, &b->stable_steps, n, buffer[2]);
    const double *const peak = doubles_at(r, &b->target, n, buffer[3]);
    const double *const W = doubles_at(r, &b->warmup_steps, n, buffer[4]);
    const double *const s = doubles_at(r, &b->schedules.steps, n, buffer[5]);
    const double *const end = doubles_at(r, &b->alpha, n, buffer[6]);
    const uint32_t linear = b->shape == CF_LINEAR, cosine = b->shape == CF_COSINE, power = b->shape > CF_COSINE;
    const lanes lines = {start, lengths, floor, peak, rises, step};
    const decays falling = {peak, end, D, passed, places};
    uint32_t large = 0;
    int i, k = 0;
    if (!are_whole(&b->schedules.steps, s, n)) return 0;
    INDEPENDENT
    for (i = 0; i < n; i++) {
        const double t = s[i] - W[i] - S[i], left = t < D[i] ? D[i] - t : 0.0, flat = s[i] < W[i] ? s[i] : W[i];
        const uint32_t begun = t >= 0.0, falls = linear & begun;
        large |= (s[i] > 0x1p50) | (W[i] > 0x1p43) | (S[i] > 0x1p50) | (D[i] > 0x1p43);
        start[i] = falls ? end[i] : initial[i];
        rises[i] = falls ? D[i] : W[i];
        step[i] = falls ? left : begun ? W[i] + t : flat;
        floor[i] = cosine | (power & (t >= D[i])) ? end[i] : peak[i];
        lengths[i] = cosine ? D[i] : 1.0;
        passed[i] = t;
    }
    if (large || (cosine ? rate_lanes_absolute : rate_lines)(&lines, out, n)) return 0;
    if (power) {
        for (i = 0; i < n; i++) {
            places[k] = i;
            k += (passed[i] >= 0.0) & (passed[i] < D[i]);
        }
        loops[b->shape](&falling, fallen, k);
        for (i = 0; i < k; i++) out[places[i]] = fallen[i];
    }
    store_lanes(r, &b->schedules.rates, n, out, b->streamed);
    return 1;
}

/* The elements begin <= e < end, counted along the steps of one schedule after another. */
static void stable_decays(const void *work, int64_t begin, int64_t end)
{
    const cf_batch *const b = work;
    cf_schedule parts[4], schedule;
    const cf_schedule *const schedules[] = {&parts[0], &parts[1], &parts[2], &parts[3]};
    cf_joined_schedule *const p = &schedule.as.joined_schedule;
    cf_job row = b->row;
    rows r;
    schedule.function = CF_JOINED_SCHEDULE;
    row.schedule = &schedule;
    row.streamed = b->streamed && b->steps >= STREAMED_ROW;
    rows_seek(&r, &b->schedules, begin / b->steps);
    while (begin < end) {
        const int64_t count = end - begin < LANES ? end - begin : LANES;
        if (b->steps == 1 && evaluate_stable_singles(b, &r, (int)count)) {
            begin += count;
            if (begin < end) rows_seek(&r, &b->schedules, begin);
            continue;
        }
        const int64_t from = begin % b->steps, left = b->steps - from, n = left < end - begin ? left : end - begin;
        const stable s = stable_at(b, &r);
        int k;
        cf_joined_schedule_init(p, 4, s.numbers, s.signs, schedules);
        if (b->steps == 1) {
            double hi, lo, rate;
            load(&r, &b->schedules.steps, 1, &hi, &lo);
            k = (int)cf_count_below(p->boundaries, p->count, cf_make_pair(hi, lo), 1);
            fold_part(&s, k, &parts[k]);
            rate = cf_joined_schedule_at(p, cf_make_pair(hi, lo));
            store_lanes(&r, &b->schedules.rates, 1, &rate, 0);
        } else {
            for (k = 0; k < 4; k++) fold_part(&s, k, &parts[k]);
            row.steps.data = rows_at(&r, &b->schedules.steps);
            row.rates.data = rows_at(&r, &b->schedules.rates);
            evaluate(&row, from, from + n);
        }
        begin += n;
        if (from + n == b->steps && begin < end) rows_advance(&r, 1);
    }
    if (b->streamed) end_stream();
}

#endif
