/* One loop from steps to rates, for every source of steps, formula and type of result. blocks.c alone includes this.
 *
 * All loops come from one macro, with all of these known to the compiler, which vectorises them. Nothing is stored
 * before all that lies there is loaded: the result may lie where the steps lie, each rate on its step. */
#ifndef COSINE_FAST_LOOPS_H
#define COSINE_FAST_LOOPS_H

#include "steps.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A loop goes in strips of so many elements. Before each it asks for as many of the steps that come AHEAD, after each it
 * streams out as many rates: all at once they would fill the queues to memory, and the arithmetic wait. From a whole
 * block ahead some processors stream at three quarters of their speed where the arithmetic is short. */
enum { STRIP = 64, AHEAD = CF_BLOCK - STRIP };

/* A loop that needs no memory of a block's own is given up to so many elements at once. */
enum { STRETCH = 32 * CF_BLOCK };

/* The iterations of a loop do not touch each other's memory, but for this the compiler cannot know it. */
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

/* Read in less time than an index is converted. */
static const double ramp[STRIP] = {SIXTY_FOUR(0)};

/* Where a loop's steps come from. */
typedef struct source {
    const char *data;     /* from_int64s, each below 2^51 in size; from_doubles; from_pairs, ... */
    const double *lo;     /* ... and their lower halves */
    double first, stride; /* from_range: first, first + stride, ..., all exact */
    int ahead;            /* data is the caller's: ask for what comes */
} source;

static inline double double_at(const char *data, int i)
{
    double v;
    memcpy(&v, data + (size_t)i * sizeof v, sizeof v);
    return v;
}

static inline cf_pair from_int64s(source s, int i)
{
    return cf_make_pair(from_small_int64(int64_at(s.data, i)), 0.0);
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

/* Where a loop's rates go: straight into a row of memory, or strip by strip past the caches. */
typedef struct sink {
    char *to;   /* the next rates, or the strip */
    char *past; /* where the strip's rates belong; NULL: there is none */
} sink;

static inline void prefetch(const char *data, int n)
{
    int i;
    for (i = 0; i < n; i += 64 / (int)sizeof(int64_t)) __builtin_prefetch(data + (size_t)i * sizeof(int64_t));
}

/* Past the caches: a store need not read the line first that it is going to overwrite, a third of all traffic. */
static inline void stream(char *to, const char *from, size_t size)
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

/* Whoever sees a call's end sees its rates. */
static inline void end_stream(void)
{
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

enum origin { INT64S, RANGE, DOUBLES, PAIRS, ORIGINS };

/* It returns what it has `seen`: 0, or, where a loop watches its steps, all their bits together. */
typedef uint64_t loop(const void *restrict schedule, const source *, sink, int n);

/* The source is handed over by its address. As a value it would be copied to the stack in vectors, from stores of
 * single words just before: no processor forwards these, and each block waits until all before it is done.
 *
 * The loop `name`: `rate` is an expression of the schedule p, a `const struct_type *`, and of `step`, a cf_pair.
 * noinline: one loop, one function, to be found by name in a profile and in the assembly. */
#define LOOP(name, struct_type, from, rate, type) STRIPS(name, struct_type, type, PASS(length, from, 0, rate, type))

/* A loop with two ways to a rate, which a processor goes at the same time: each takes half of a strip. `bits` are what it
 * sees of a step. */
#define LOOP_OF_TWO(name, struct_type, from, bits, rate, other, type) \
    STRIPS(name, struct_type, type, PASS(length / 2, from, bits, rate, type) PASS(length, from, bits, other, type))

#define PASS(until, from, bits, rate, type)     \
    INDEPENDENT                                 \
    for (; i < (until); i++) {                  \
        const cf_pair step = from(s, i);        \
        seen |= (uint64_t)(bits);               \
        to[i] = (type)(rate);                   \
    }

#define STRIPS(name, struct_type, type, passes)                                                                         \
    static __attribute__((noinline)) uint64_t name(const void *restrict schedule, const source *given, sink out, int n) \
    {                                                                                                                   \
        source s = *given;                                                                                              \
        const struct_type *restrict const p = schedule;                                                                 \
        uint64_t seen = 0;                                                                                              \
        for (; n > 0; n -= STRIP) {                                                                                     \
            const int length = n < STRIP ? n : STRIP;                                                                   \
            type *const to = (type *)(void *)out.to;                                                                    \
            int i = 0;                                                                                                  \
            if (s.ahead) prefetch(s.data + AHEAD * sizeof(int64_t), length);                                            \
            passes                                                                                                      \
            if (out.past) {                                                                                             \
                stream(out.past, out.to, (size_t)length * sizeof(type));                                                \
                out.past += STRIP * sizeof(type);                                                                       \
            } else {                                                                                                    \
                out.to += STRIP * sizeof(type);                                                                         \
            }                                                                                                           \
            if (s.data) s.data += STRIP * sizeof(double);                                                               \
            if (s.lo) s.lo += STRIP;                                                                                    \
            s.first += STRIP * s.stride;                                                                                \
        }                                                                                                               \
        return seen;                                                                                                    \
    }

/* What a loop can read as it lies, and, if `in` is wanted, between which steps that is; or else DOUBLES, which are to be
 * loaded. */
static enum origin as_it_lies(const cf_job *job, const rows *r, int64_t begin, int n, source *s, range *in)
{
    const cf_operand *steps = &job->steps;
    if (!steps->data) {
        const int64_t first = range_at(job->first, job->stride, begin);
        s->first = (double)first;
        s->stride = (double)job->stride;
        if (in) *in = range_of_range(first, range_at(first, job->stride, n - 1));
        return RANGE;
    }
    if ((steps->type != CF_INT64 && steps->type != CF_UINT64) || steps->swapped || rows_left(r, n) < n
        || steps->strides[job->dimensions - 1] != (int64_t)sizeof(int64_t)) {
        return DOUBLES;
    }
    s->data = rows_at(r, steps);
    s->ahead = 1;
    if (in) *in = range_of_int64s(s->data, n);
    return INT64S;
}

#endif
