/* One block at a time, all in the first cache.
 *
 * See where the steps come from: int64s or a range are taken as they lie, all else is loaded as doubles, or as pairs of
 * doubles. See in which phase they are, nearly always all in one. Then one loop goes from the steps to the rates.
 *
 * All loops come from one macro, with the source of the steps, the kind of schedule and the phase known to the
 * compiler, which vectorises them. Nothing is stored before all that lies there is loaded: the result may
 * lie where the steps lie, each rate on its step. */

#include "blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef CF_VARIANT
#define CF_VARIANT cf_run_baseline
#endif

/* A loop goes in strips of so many elements. Before each it asks for as many of the next block's steps, after each it
 * streams out as many rates: all at once they would fill the queues to memory, and the arithmetic wait. */
enum { STRIP = 128 };

/* The iterations of a loop do not touch each other's memory, but for this the compiler cannot know it. */
#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

/* ---- Load ---- */

/* (double)i, rounded once. Without AVX-512 x86 has no such instruction and compilers would go one by one: put the
 * halves into the digits of 2^84 and 2^52 and subtract these. */
static inline double from_int64(int64_t i)
{
#if defined(__x86_64__) && !defined(__AVX512DQ__)
    const uint64_t biased = (uint64_t)i ^ UINT64_C(0x8000000000000000);
    const uint64_t high = (biased >> 32) | UINT64_C(0x4530000000000000);
    const uint64_t low = (biased & UINT64_C(0xFFFFFFFF)) | UINT64_C(0x4330000000000000);
    double h, l;
    memcpy(&h, &high, sizeof h);
    memcpy(&l, &low, sizeof l);
    return (h - 0x1.00000801p+84) + l; /* 2^84 + 2^63 + 2^52 */
#else
    return (double)i;
#endif
}

/* The same for |i| < 2^51, in two instructions where there is none for it. */
static inline double from_small_int64(int64_t i)
{
#if defined(__x86_64__) && !defined(__AVX512DQ__)
    const uint64_t biased = (uint64_t)i + UINT64_C(0x4338000000000000); /* the digits of 3 * 2^51 + i */
    double d;
    memcpy(&d, &biased, sizeof d);
    return d - 0x1.8p52;
#else
    return (double)i;
#endif
}

static inline int64_t int64_at(const char *data, int i)
{
    int64_t v;
    memcpy(&v, data + (size_t)i * sizeof v, sizeof v);
    return v;
}

/* The other byte order of a value of 1, 2, 4 or 8 bytes. */
static inline void swap_bytes(unsigned char *value, size_t size)
{
    size_t i;
    for (i = 0; i < size / 2; i++) {
        const unsigned char byte = value[i];
        value[i] = value[size - 1 - i];
        value[size - 1 - i] = byte;
    }
}

#define LOAD(ctype, convert, pair)                                                        \
    do {                                                                                  \
        int i;                                                                            \
        if (!swapped && stride == (int64_t)sizeof(ctype) && !lo) {                        \
            for (i = 0; i < n; i++) {                                                     \
                ctype v;                                                                  \
                memcpy(&v, data + (size_t)i * sizeof v, sizeof v);                        \
                hi[i] = convert(v);                                                       \
            }                                                                             \
            return;                                                                       \
        }                                                                                 \
        for (i = 0; i < n; i++, data += stride) {                                         \
            ctype v;                                                                      \
            memcpy(&v, data, sizeof v);                                                   \
            if (swapped) swap_bytes((unsigned char *)&v, sizeof v);                       \
            hi[i] = convert(v);                                                           \
            if (lo) lo[i] = pair;                                                         \
        }                                                                                 \
        return;                                                                           \
    } while (0)

/* n steps in a row to hi and, if it is wanted, lo. */
static void load_row(const cf_operand *steps, const char *data, int64_t stride, int n, double *restrict hi,
                     double *restrict lo)
{
    const int swapped = steps->swapped;
    switch (steps->type) {
    case CF_INT8: LOAD(int8_t, (double), 0.0);
    case CF_INT16: LOAD(int16_t, (double), 0.0);
    case CF_INT32: LOAD(int32_t, (double), 0.0);
    case CF_INT64:
    case CF_UINT64: LOAD(int64_t, from_int64, cf_from_int64(v).lo);
    case CF_UINT8: LOAD(uint8_t, (double), 0.0);
    case CF_UINT16: LOAD(uint16_t, (double), 0.0);
    case CF_UINT32: LOAD(uint32_t, (double), 0.0);
    case CF_FLOAT32: LOAD(float, (double), 0.0);
    default: LOAD(double, , 0.0);
    }
}

/* first + i * stride modulo 2^64: the product may overflow where the sum does not. */
static inline int64_t range_at(int64_t first, int64_t stride, int64_t i)
{
    return (int64_t)((uint64_t)first + (uint64_t)i * (uint64_t)stride);
}

static void load_range(int64_t first, int64_t stride, int n, double *restrict hi, double *restrict lo)
{
    int i;
    for (i = 0; i < n; i++) hi[i] = from_int64(range_at(first, stride, i));
    if (lo) {
        for (i = 0; i < n; i++) lo[i] = cf_from_int64(range_at(first, stride, i)).lo;
    }
}

/* ---- Rows: a block of a job of many dimensions is a few pieces of rows ---- */

typedef struct rows {
    const cf_job *job;
    int64_t index[CF_MAX_DIMENSIONS];
} rows;

static void rows_seek(rows *r, const cf_job *job, int64_t element)
{
    int d;
    r->job = job;
    for (d = job->dimensions - 1; d >= 0; d--) {
        r->index[d] = element % job->shape[d];
        element /= job->shape[d];
    }
}

static char *rows_at(const rows *r, const cf_operand *operand)
{
    char *data = operand->data;
    int d;
    for (d = 0; d < r->job->dimensions; d++) data += r->index[d] * operand->strides[d];
    return data;
}

/* How many elements, at most n, lie in the row from here. */
static int rows_left(const rows *r, int n)
{
    const int last = r->job->dimensions - 1;
    const int64_t left = r->job->shape[last] - r->index[last];
    return left < n ? (int)left : n;
}

/* On by n, not beyond the row's end. */
static void rows_advance(rows *r, int n)
{
    int d = r->job->dimensions - 1;
    r->index[d] += n;
    for (; d > 0 && r->index[d] == r->job->shape[d]; d--) {
        r->index[d] = 0;
        r->index[d - 1]++;
    }
}

static void load(rows r, int n, double *hi, double *lo)
{
    const cf_operand *steps = &r.job->steps;
    const int64_t stride = steps->strides[r.job->dimensions - 1];
    while (n > 0) {
        const int length = rows_left(&r, n);
        load_row(steps, rows_at(&r, steps), stride, length, hi, lo);
        rows_advance(&r, length);
        hi += length;
        if (lo) lo += length;
        n -= length;
    }
}

static void store(rows r, int n, const char *from, size_t size)
{
    const cf_operand *out = &r.job->rates;
    const int64_t stride = out->strides[r.job->dimensions - 1];
    int i;
    while (n > 0) {
        const int length = rows_left(&r, n);
        char *to = rows_at(&r, out);
        if (stride == (int64_t)size) {
            memcpy(to, from, (size_t)length * size);
        } else {
            for (i = 0; i < length; i++) memcpy(to + i * stride, from + (size_t)i * size, size);
        }
        rows_advance(&r, length);
        from += (size_t)length * size;
        n -= length;
    }
}

/* ---- Evaluate ---- */

typedef struct range {
    double least, greatest;
} range;

/* The least and the greatest number in a block; NaN is passed over. Eight lanes, so that they make vectors. */
static range range_of(const double *restrict x, int n)
{
    range r = {INFINITY, -INFINITY};
    int i = 0, j;
    if (n >= 8) {
        double least[8], greatest[8];
        for (j = 0; j < 8; j++) {
            least[j] = INFINITY;
            greatest[j] = -INFINITY;
        }
        for (; i + 8 <= n; i += 8) {
            for (j = 0; j < 8; j++) {
                least[j] = x[i + j] < least[j] ? x[i + j] : least[j];
                greatest[j] = x[i + j] > greatest[j] ? x[i + j] : greatest[j];
            }
        }
        for (j = 0; j < 8; j++) {
            r.least = least[j] < r.least ? least[j] : r.least;
            r.greatest = greatest[j] > r.greatest ? greatest[j] : r.greatest;
        }
    }
    for (; i < n; i++) {
        r.least = x[i] < r.least ? x[i] : r.least;
        r.greatest = x[i] > r.greatest ? x[i] : r.greatest;
    }
    return r;
}

static range range_of_int64s(const char *data, int n)
{
    int64_t least = int64_at(data, 0), greatest = least;
    range r;
    int i;
    for (i = 0; i < n; i++) {
        const int64_t v = int64_at(data, i);
        least = v < least ? v : least;
        greatest = v > greatest ? v : greatest;
    }
    r.least = (double)least;
    r.greatest = (double)greatest;
    return r;
}

#define EIGHT(i) i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7
#define SIXTY_FOUR(i) \
    EIGHT(i), EIGHT(i + 8), EIGHT(i + 16), EIGHT(i + 24), EIGHT(i + 32), EIGHT(i + 40), EIGHT(i + 48), EIGHT(i + 56)

/* Read in less time than an index is converted. */
static const double ramp[STRIP] = {SIXTY_FOUR(0), SIXTY_FOUR(64)};

/* Where a loop's steps come from. */
typedef struct source {
    const char *data;     /* from_int64s, each below 2^51 in size; from_doubles; from_pairs, ... */
    const double *lo;     /* ... and their lower halves */
    double first, stride; /* from_range: first, first + stride, ..., all exact */
    int ahead;            /* data is the caller's: ask for the next block */
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

enum origin { INT64S, RANGE, DOUBLES, PAIRS };

typedef void loop(const cf_cosine_decay *restrict, source, sink, int);

/* noinline: one loop, one function, to be found by name in a profile and in the assembly. */
#define LOOP(from, kind, phase, type)                                                                    \
    static __attribute__((noinline)) void from##_##kind##_##phase##_##type(                              \
        const cf_cosine_decay *restrict p, source s, sink out, int n)                                    \
    {                                                                                                    \
        for (; n > 0; n -= STRIP) {                                                                      \
            const int length = n < STRIP ? n : STRIP;                                                    \
            type *const to = (type *)(void *)out.to;                                                     \
            int i;                                                                                       \
            if (s.ahead) prefetch(s.data + CF_BLOCK * sizeof(int64_t), length);                          \
            INDEPENDENT                                                                                  \
            for (i = 0; i < length; i++) to[i] = (type)cf_rate(p, from(s, i), CF_##kind, CF_##phase);    \
            if (out.past) {                                                                              \
                stream(out.past, out.to, (size_t)length * sizeof(type));                                 \
                out.past += STRIP * sizeof(type);                                                        \
            } else {                                                                                     \
                out.to += STRIP * sizeof(type);                                                          \
            }                                                                                            \
            if (s.data) s.data += STRIP * sizeof(double);                                                \
            if (s.lo) s.lo += STRIP;                                                                     \
            s.first += STRIP * s.stride;                                                                 \
        }                                                                                                \
    }

#define LOOPS(from, kind, phase)    \
    LOOP(from, kind, phase, double) \
    LOOP(from, kind, phase, float)

#define MIXED_LOOPS(from, kind) \
    LOOPS(from, kind, DECAY)    \
    LOOPS(from, kind, ANY)

#define ALL_LOOPS(from, kind)        \
    LOOPS(from, kind, UPPER)         \
    LOOPS(from, kind, LOWER_WAVE)    \
    LOOPS(from, kind, LOWER_FLOOR)   \
    LOOPS(from, kind, LOWER_TO_ZERO) \
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

/* Of whole steps CF_SINGLE and CF_EXACT have the same warmup, and all kinds the same end. */
LOOPS(from_int64s, EXACT, WARMUP)
LOOPS(from_int64s, PAIR, WARMUP)
LOOPS(from_range, EXACT, WARMUP)
LOOPS(from_range, PAIR, WARMUP)
LOOPS(from_range, EXACT, PAST)
LOOPS(from_doubles, EXACT, WARMUP)
LOOPS(from_doubles, SINGLE, WARMUP)
LOOPS(from_doubles, PAIR, WARMUP)

#define BOTH(from, kind, phase) {from##_##kind##_##phase##_double, from##_##kind##_##phase##_float}
#define MIXED_ROW(from, kind) [CF_DECAY] = BOTH(from, kind, DECAY), [CF_ANY] = BOTH(from, kind, ANY)
#define ALL_ROW(from, kind)                                                                                 \
    [CF_UPPER] = BOTH(from, kind, UPPER), [CF_LOWER_WAVE] = BOTH(from, kind, LOWER_WAVE),                   \
    [CF_LOWER_FLOOR] = BOTH(from, kind, LOWER_FLOOR), [CF_LOWER_TO_ZERO] = BOTH(from, kind, LOWER_TO_ZERO), \
    MIXED_ROW(from, kind)
#define WHOLE_ROW(from, kind, line) \
    [CF_##kind] = {                 \
        ALL_ROW(from, kind), [CF_WARMUP] = BOTH(from, line, WARMUP), [CF_PAST] = BOTH(from_range, EXACT, PAST)}
/* Doubles may be NaN: past the end they have no short cut. */
#define DOUBLE_ROW(from, kind) \
    [CF_##kind] = {ALL_ROW(from, kind), [CF_WARMUP] = BOTH(from, kind, WARMUP), [CF_PAST] = BOTH(from, kind, DECAY)}

/* By origin, kind, phase and whether floats are wanted. */
static loop *const loops[][CF_WIDE + 1][CF_ANY + 1][2] = {
    [INT64S] = {
        WHOLE_ROW(from_int64s, EXACT, EXACT), WHOLE_ROW(from_int64s, SINGLE, EXACT), WHOLE_ROW(from_int64s, PAIR, PAIR)
    },
    [RANGE] = {
        WHOLE_ROW(from_range, EXACT, EXACT), WHOLE_ROW(from_range, SINGLE, EXACT), WHOLE_ROW(from_range, PAIR, PAIR)
    },
    [DOUBLES] = {DOUBLE_ROW(from_doubles, EXACT), DOUBLE_ROW(from_doubles, SINGLE), DOUBLE_ROW(from_doubles, PAIR)},
    [PAIRS] = {[CF_PAIR] = {MIXED_ROW(from_pairs, PAIR)}, [CF_WIDE] = {MIXED_ROW(from_pairs, WIDE)}},
};

/* What is known of all steps of a block, each one double, that lie in r. */
static int phase_of(const cf_cosine_decay *p, range r)
{
    const double begin = p->warmup_steps.hi, end = p->end_step;
    /* With fractions the differences below are rounded. */
    const double slack = p->kind == CF_PAIR ? end * 0x1p-50 : 0.0;
    if (r.least < begin) return r.greatest < begin ? CF_WARMUP : CF_ANY;
    if (r.least - slack >= end) return CF_PAST;
    if (p->tame) {
        const double least = 2.0 * (r.least - begin), greatest = 2.0 * (r.greatest - begin), D = p->decay_steps.hi;
        if (greatest + slack < D) return CF_UPPER;
        if (least - slack >= D && r.greatest + slack <= end) {
            const double nearest = end - r.greatest - slack, farthest = end - r.least + slack, floor = p->floor.hi;
            /* The wave's leading part is m * m * c0_hi, but for some 2^-25 of it. */
            if (floor == 0.0 && p->floor.lo == 0.0) return CF_LOWER_TO_ZERO;
            if (nearest * nearest * p->c0_hi > floor * (1.0 + 0x1p-20)) return CF_LOWER_WAVE;
            if (farthest * farthest * p->c0_hi < floor * (1.0 - 0x1p-20)) return CF_LOWER_FLOOR;
        }
    }
    return CF_DECAY;
}

/* ---- A block ---- */

/* The steps of n elements, the first of which stands at r and is the job's number `begin`. */
static void load_block(const cf_job *job, const rows *r, int64_t begin, int n, double *hi, double *lo)
{
    if (job->steps.data) {
        load(*r, n, hi, lo);
    } else {
        load_range(range_at(job->first, job->stride, begin), job->stride, n, hi, lo);
    }
}

static range range_of_range(int64_t first, int64_t last)
{
    range r;
    r.least = (double)(first < last ? first : last);
    r.greatest = (double)(first < last ? last : first);
    return r;
}

/* What a loop can read as it lies, and between which steps that is; or else DOUBLES, which are to be loaded. */
static enum origin as_it_lies(const cf_job *job, const rows *r, int64_t begin, int n, source *s, range *in)
{
    const cf_operand *steps = &job->steps;
    if (!steps->data) {
        const int64_t first = range_at(job->first, job->stride, begin);
        s->first = (double)first;
        s->stride = (double)job->stride;
        *in = range_of_range(first, range_at(first, job->stride, n - 1));
        return RANGE;
    }
    if ((steps->type != CF_INT64 && steps->type != CF_UINT64) || steps->swapped || rows_left(r, n) < n
        || steps->strides[job->dimensions - 1] != (int64_t)sizeof(int64_t)) {
        return DOUBLES;
    }
    s->data = rows_at(r, steps);
    s->ahead = 1;
    *in = range_of_int64s(s->data, n);
    return INT64S;
}

/* The rates of n elements, likewise. */
static void evaluate(const cf_job *job, const rows *r, int64_t begin, int n, sink out)
{
    const cf_cosine_decay *p = job->schedule;
    const int whole = !job->steps.data || job->steps.type < CF_FLOAT32, floats = job->rates.type == CF_FLOAT32;
    int kind = p->exact && whole ? CF_EXACT : p->kind, phase, i;
    double hi[CF_BLOCK], lo[CF_BLOCK];
    enum origin origin = DOUBLES;
    source s = {0};
    range in;

    if (kind < CF_WIDE) {
        origin = as_it_lies(job, r, begin, n, &s, &in);
        /* Further out a step is not exact in all that is done with it, or has to be folded first. */
        if (origin != DOUBLES && in.least >= (p->has_warmup ? -0x1p50 : 0.0) && in.greatest <= 0x1p50) {
            loops[origin][kind][phase_of(p, in)][floats](p, s, out, n);
            return;
        }
    }

    s = (source){.data = (const char *)hi};
    origin = kind == CF_WIDE ? PAIRS : DOUBLES;
    load_block(job, r, begin, n, hi, origin == PAIRS ? lo : NULL);
    in = range_of(hi, n);
    if (p->has_warmup ? in.least <= -0x1p52 : in.least < 0.0) {
        /* Rare: steps so far below zero that they need all their digits, ... */
        load_block(job, r, begin, n, hi, lo);
        if (p->has_warmup) {
            if (kind < CF_PAIR) kind = CF_PAIR;
        } else {
            /* ... or without a warmup, to be folded into [0, D] exactly. */
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
    loops[origin][kind][phase][floats](p, s, out, n);
}

void CF_VARIANT(const cf_job *job, int64_t begin, int64_t end)
{
    const cf_operand *out = &job->rates;
    const int size = out->type == CF_FLOAT32 ? (int)sizeof(float) : (int)sizeof(double);
    _Alignas(64) double rates[CF_BLOCK]; /* a strip across lines halves the speed of two threads that stream */
    rows r;
    rows_seek(&r, job, begin);
    while (begin < end) {
        char *data = rows_at(&r, out);
        /* Blocks end with a cache line where rates are in a row: a vector that lies in two lines is stored twice. */
        const int64_t length = CF_BLOCK - (int64_t)((uintptr_t)data % 64) / size;
        const int n = (int)(end - begin < length ? end - begin : length);
        sink to = {(char *)rates, NULL};
        if (out->strides[job->dimensions - 1] != size || rows_left(&r, n) < n || (uintptr_t)data % (uintptr_t)size) {
            evaluate(job, &r, begin, n, to);
            store(r, n, (const char *)rates, (size_t)size);
        } else {
            if (job->streamed) {
                to.past = data;
            } else {
                to.to = data;
            }
            evaluate(job, &r, begin, n, to);
        }
        begin += n;
        rows_seek(&r, job, begin);
    }
#if defined(__x86_64__)
    if (job->streamed) _mm_sfence(); /* whoever sees this call's end sees its rates */
#endif
}
