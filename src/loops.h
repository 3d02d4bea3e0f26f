/* The loops from steps to rates, one for each source of steps and formula. Only blocks.c includes this.
 *
 * All loops come from one macro, in which the source and the formula are constants, so that the compiler vectorises the
 * loops. A loop stores a rate only after it has loaded the step there, so each rate may overwrite its own step. */
#ifndef COSINE_FAST_LOOPS_H
#define COSINE_FAST_LOOPS_H

#include "steps.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A loop works in strips of STRIP elements. Before each strip it prefetches as many steps, AHEAD elements further on;
 * after each it streams its rates. Streaming a whole block at once would fill the queues to memory and stall the
 * arithmetic. Prefetching a whole block ahead makes some processors stream at three quarters of their speed where the
 * arithmetic is short. */
enum { STRIP = 64, AHEAD = CF_BLOCK - STRIP };

/* Tells the compiler what it cannot know: the iterations of a loop do not touch each other's memory. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

#define EIGHT(i) i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7
#define SIXTY_FOUR(i) \
    EIGHT(i), EIGHT(i + 8), EIGHT(i + 16), EIGHT(i + 24), EIGHT(i + 32), EIGHT(i + 40), EIGHT(i + 48), EIGHT(i + 56)

/* Reading these is faster than converting an index. */
static const double ramp[STRIP] = {SIXTY_FOUR(0)};

/* Where a loop's steps come from. */
typedef struct source {
    const char *data;     /* from_int64s, each below 2^51 in size; from_doubles; from_pairs, ... */
    const double *lo;     /* ... and their lower halves */
    int64_t shift;        /* subtracted from int64s */
    double first, stride; /* from_range: first, first + stride, ..., all exact */
    int prefetches;       /* data is the caller's, not in the first cache */
} source;

static inline double double_at(const char *data, int i)
{
    double v;
    memcpy(&v, data + (size_t)i * sizeof v, sizeof v);
    return v;
}

static inline cf_pair from_int64s(source s, int i)
{
    return cf_make_pair(cf_from_small_int64((int64_t)((uint64_t)int64_at(s.data, i) - (uint64_t)s.shift)), 0.0);
}

static inline cf_pair from_doubles(source s, int i)
{
    return cf_make_pair(double_at(s.data, i), 0.0);
}

static inline cf_pair from_pairs(source s, int i)
{
    return cf_make_pair(double_at(s.data, i), s.lo[i]);
}

static inline cf_pair from_range(source s, int i)
{
    return cf_make_pair(cf_exact_plus(ramp[i], s.stride, s.first), 0.0);
}

/* Where a loop's rates go: as float64 or as float32, directly to their place or strip by strip past the caches. */
enum { AS_FLOAT32 = 1, STREAMED = 2 };
typedef struct sink {
    char *to;
    int how; /* 0, AS_FLOAT32, STREAMED or both */
} sink;

static inline size_t rate_size(sink out)
{
    return out.how & AS_FLOAT32 ? sizeof(float) : sizeof(double);
}

static inline void prefetch(const char *data, int n)
{
#if defined(__GNUC__) || defined(__clang__)
    int i;
    for (i = 0; i < n; i += 64 / (int)sizeof(int64_t)) __builtin_prefetch(data + (size_t)i * sizeof(int64_t));
#else
    (void)data, (void)n;
#endif
}

/* Copy past the caches: such a store need not read the line that it overwrites, which saves a third of all traffic. */
static inline void stream_out(char *to, const char *from, size_t size)
{
#if defined(__x86_64__)
    size_t head = (64 - (uintptr_t)to % 64) % 64;
    head = head < size ? head : size;
    memcpy(to, from, head);
    to += head;
    from += head;
    size -= head;
#if defined(__AVX512F__)
    for (; size >= 64; size -= 64, to += 64, from += 64) _mm512_stream_si512((void *)to, _mm512_loadu_si512(from));
#elif defined(__AVX__)
    for (; size >= 32; size -= 32, to += 32, from += 32) {
        _mm256_stream_si256((void *)to, _mm256_loadu_si256((const void *)from));
    }
#else
    for (; size >= 16; size -= 16, to += 16, from += 16) {
        _mm_stream_si128((void *)to, _mm_loadu_si128((const void *)from));
    }
#endif
#endif
    memcpy(to, from, size);
}

/* Stream a strip of n rates if they have to be. Returns the place of the next strip. */
static inline char *end_strip(sink out, const double *doubles, const float *floats, int n)
{
    const char *from = out.how & AS_FLOAT32 ? (const char *)floats : (const char *)doubles;
    const size_t size = (size_t)n * rate_size(out);
    if (out.how & STREAMED) stream_out(out.to, from, size);
    return out.to + size;
}

/* Streamed rates are visible to whoever sees that the call has ended. */
static inline void end_stream(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

enum origin { INT64S, RANGE, DOUBLES, PAIRS, ORIGINS };

/* The source is passed by address. If it were passed by value, it would be copied to the stack in vectors, right after
 * its single words have been stored. No processor forwards such stores to a vector load, so each block would have to
 * wait for all stores before it.
 *
 * LOOP defines the loop `name`: `rate` is an expression of the schedule p, a `const struct_type *`, and of `step`, a cf_pair.
 * It may also use the source s and the index i, and collect `bits`, which the loop returns; otherwise a loop returns 0.
 * Every loop stores its rates both as float64 and as float32; the type that is not asked for goes to a buffer. This halves the
 * number of loops. Long formulas also take up to 30 % less time, because in a loop with a type of half the width the compiler
 * processes two vectors at a time; one vector alone is latency-bound. The buffers are aligned, because streaming across cache
 * lines halves the speed of two threads. noinline: each loop is a function of its own, which can be found by name in a
 * profile and in the assembly. unused: not every table has all loops. */
typedef uint64_t loop(const void *restrict schedule, const source *, sink, int n);

#define LOOP(name, struct_type, from, rate)                                                                             \
    static CF_NOINLINE uint64_t name(const void *restrict schedule, const source *given, sink out, int n)               \
    {                                                                                                                   \
        _Alignas(64) double doubles[STRIP];                                                                             \
        _Alignas(64) float floats[STRIP];                                                                               \
        uint64_t bits = 0;                                                                                              \
        source s = *given;                                                                                              \
        const struct_type *restrict const p = schedule;                                                                 \
        for (; n > 0; n -= STRIP) {                                                                                     \
            const int length = n < STRIP ? n : STRIP;                                                                   \
            double *const wide = out.how ? doubles : (double *)(void *)out.to;                                          \
            float *const narrow = out.how == AS_FLOAT32 ? (float *)(void *)out.to : floats;                             \
            int i;                                                                                                      \
            if (s.prefetches) prefetch(s.data + AHEAD * sizeof(int64_t), length);                                       \
            INDEPENDENT                                                                                                 \
            for (i = 0; i < length; i++) {                                                                              \
                const cf_pair step = from(s, i);                                                                        \
                const double full = rate;                                                                               \
                wide[i] = full;                                                                                         \
                narrow[i] = (float)full;                                                                                \
            }                                                                                                           \
            out.to = end_strip(out, doubles, floats, length);                                                           \
            if (s.data) s.data += STRIP * sizeof(double);                                                               \
            if (s.lo) s.lo += STRIP;                                                                                    \
            s.first += STRIP * s.stride;                                                                                \
        }                                                                                                               \
        return bits;                                                                                                    \
    }

/* `fill` stores one rate for all steps of a block, which it only prefetches; `copy` stores rates that are computed already. */
LOOP(fill, double, from_range, ((void)step, *p))
LOOP(copy, double, from_doubles, ((void)p, step.hi))

static void copy_block(const double *rates, sink out, int n)
{
    const source s = {.data = (const char *)rates};
    copy(rates, &s, out, n);
}

static inline int is_float32(const cf_job *job)
{
    return job->rates.type == CF_FLOAT32;
}

/* Find the n steps from r on as int64s. Steps of 64 bits are used in place; shorter ones are copied to `memory`, unless
 * that is NULL. Returns 0, and sets nothing, for other types and layouts. */
static int int64s_of(const cf_job *job, const rows *r, int n, char *memory, source *s)
{
    const cf_operand *steps = &job->steps;
    const int size = 1 << steps->type % 4, in_place = size == (int)sizeof(int64_t); /* if they are integers */
    if (steps->type >= CF_FLOAT32 || steps->swapped || !(in_place || memory) || rows_left(r, n) < n
        || steps->strides[job->dimensions - 1] != size) {
        return 0;
    }
    s->data = rows_at(r, steps);
    s->shift = job->shift;
    s->prefetches = in_place;
    if (!in_place) {
        widen(steps->type, s->data, n, memory);
        s->data = memory;
    }
    return 1;
}

/* Find the steps of a block as INT64S, as int64s_of does, or as a RANGE, with *s as the source and *in as the interval of the
 * steps. Returns DOUBLES for other steps, and then sets neither. */
static enum origin integers_of(const cf_job *job, const rows *r, int64_t begin, int n, char *memory, source *s, range *in)
{
    if (job->steps.type == CF_RANGE) {
        const int64_t first = range_at(job->first, job->stride, begin);
        const double last = (double)range_at(first, job->stride, n - 1);
        s->first = (double)first;
        s->stride = (double)job->stride;
        in->least = last < s->first ? last : s->first;
        in->greatest = last < s->first ? s->first : last;
        return RANGE;
    }
    if (!int64s_of(job, r, n, memory, s)) return DOUBLES;
    *in = range_of_int64s(s->data, n);
    in->least -= (double)s->shift;
    in->greatest -= (double)s->shift;
    return INT64S;
}

/* Where the steps of a block come from. Steps that integers_of does not find are loaded into hi, as DOUBLES. If they are all
 * whole and at most 2^50 in size, they are also stored in lo, as INT64S: the loops for whole steps have less to do. */
static enum origin origin_of(const cf_job *job, const rows *r, int64_t begin, int n, double *hi, double *lo, source *s,
                             range *in)
{
    const enum origin origin = integers_of(job, r, begin, n, (char *)lo, s, in);
    if (origin != DOUBLES) return origin;
    load_block(job, r, begin, n, hi, NULL);
    if (to_int64s(hi, n, (char *)lo)) {
        s->data = (const char *)lo;
        *in = range_of_int64s(s->data, n);
        if (in->least >= -0x1p50 && in->greatest <= 0x1p50) return INT64S;
    }
    s->data = (const char *)hi;
    *in = range_of(hi, n);
    return DOUBLES;
}

/* Whether the steps of a block are known to be whole. */
static inline int are_known_whole(const cf_job *job, enum origin origin)
{
    return origin != DOUBLES || job->steps.type < CF_FLOAT32;
}

/* Load integers into hi, where origin_of has already loaded floats. */
static void load_integers(const cf_job *job, const rows *r, int64_t begin, int n, double *hi)
{
    if (job->steps.type < CF_FLOAT32 || job->steps.type == CF_RANGE) load_block(job, r, begin, n, hi, NULL);
}

/* ---- Default loops: a block of a schedule whose rate is the branch-free expression cf_NAME_rate ---- */

typedef int steps_in(const void *schedule, double least, double greatest, int whole);

/* The rates of n elements, the first of which stands at r and is number `begin` of the job, by the loops of a table. */
static void evaluate_by_default(const cf_job *job, const void *schedule, loop *const table[ORIGINS],
                                steps_in *steps_in, const rows *r, int64_t begin, int n, sink out)
{
    double hi[CF_BLOCK], lo[CF_BLOCK];
    source s = {0};
    range in;
    enum origin origin = origin_of(job, r, begin, n, hi, lo, &s, &in);
    const int steps = steps_in(schedule, in.least, in.greatest, are_known_whole(job, origin));
    if (steps == CF_ONE_STAIR) {
        const double rate = cf_schedule_at(job->schedule, cf_from_double(in.least));
        fill(&rate, &s, out, n);
        return;
    }
    if (steps == CF_ANY_STEPS || (steps == CF_DOUBLE_STEPS && origin != DOUBLES)) {
        origin = steps == CF_ANY_STEPS ? PAIRS : DOUBLES;
        s = (source){.data = (const char *)hi, .lo = origin == PAIRS ? lo : NULL};
        load_block(job, r, begin, n, hi, origin == PAIRS ? lo : NULL);
    }
    table[origin](schedule, &s, out, n);
}

#define DEFAULT_LOOPS(name, variant)                                                                                \
    LOOP(name##_##variant##_int64s, cf_##name, from_int64s, cf_##name##_rate(p, step, variant, CF_WHOLE_STEPS))     \
    LOOP(name##_##variant##_range, cf_##name, from_range, cf_##name##_rate(p, step, variant, CF_WHOLE_STEPS))       \
    LOOP(name##_##variant##_doubles, cf_##name, from_doubles, cf_##name##_rate(p, step, variant, CF_DOUBLE_STEPS))  \
    LOOP(name##_##variant##_pairs, cf_##name, from_pairs, cf_##name##_rate(p, step, variant, CF_ANY_STEPS))

#define DEFAULT_ROW(name, variant)                                                                                      \
    {[INT64S] = name##_##variant##_int64s, [RANGE] = name##_##variant##_range, [DOUBLES] = name##_##variant##_doubles,  \
     [PAIRS] = name##_##variant##_pairs}

#define DEFAULT_BLOCK(name, evaluate, ...)                                                                           \
    static loop *const name##_loops[][ORIGINS] = {__VA_ARGS__};                                                      \
    static int name##_steps_in(const void *p, double least, double greatest, int whole)                              \
    {                                                                                                                \
        return cf_##name##_steps(p, least, greatest, whole);                                                         \
    }                                                                                                                \
    static void evaluate(const cf_job *job, const cf_##name *p, const rows *r, int64_t begin, int n, sink out)       \
    {                                                                                                                \
        evaluate_by_default(job, p, name##_loops[p->variant], name##_steps_in, r, begin, n, out);                    \
    }
/* evaluate_NAME for a function that CF_FUNCTIONS lists with `one` or `two` default loops. */
#define DEFAULT_one(name) DEFAULT_LOOPS(name, 0) DEFAULT_BLOCK(name, evaluate_##name, DEFAULT_ROW(name, 0))
#define DEFAULT_two(name)  \
    DEFAULT_LOOPS(name, 0) \
    DEFAULT_LOOPS(name, 1) \
    DEFAULT_BLOCK(name, evaluate_##name, DEFAULT_ROW(name, 0), DEFAULT_ROW(name, 1))
#define DEFAULT_own(name)

#endif
