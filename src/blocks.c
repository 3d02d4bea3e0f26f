/* One block at a time, all in the first cache: load the steps as doubles, see in which phase they lie, evaluate, store.
 *
 * Every layout and dtype of the steps ends in the same array of doubles, so that the loops over the formula are few:
 * one for each kind of schedule and phase, with both known to the compiler, which vectorises them. Nothing of the
 * result is stored before all of a block is loaded: the result may lie where the steps lie. */

#include "blocks.h"


#ifndef CF_VARIANT
#define CF_VARIANT cf_run_baseline
#endif

/* A block's arithmetic is done in parts of so many elements, and as much of the next block asked for before each. All at
 * once at the block's start they fill the queue of misses, and the arithmetic waits behind them. */
enum { PREFETCH = 128 };

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

static void store(rows r, int n, const double *rates)
{
    const cf_operand *out = &r.job->rates;
    const int64_t stride = out->strides[r.job->dimensions - 1];
    float singles[CF_BLOCK];
    const char *from = (const char *)rates;
    size_t size = sizeof(double);
    int i;
    if (out->type == CF_FLOAT32) {
        for (i = 0; i < n; i++) singles[i] = (float)rates[i];
        from = (const char *)singles;
        size = sizeof(float);
    }
    while (n > 0) {
        const int length = rows_left(&r, n);
        char *to = rows_at(&r, out);
        if (stride != (int64_t)size) {
            for (i = 0; i < length; i++) memcpy(to + i * stride, from + (size_t)i * size, size);
        } else {
            memcpy(to, from, (size_t)length * size);
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

/* noinline: one loop, one function, to be found by name in a profile and in the assembly. */
#define LOOP(kind, phase)                                                                                          \
    static __attribute__((noinline)) void loop_##kind##_##phase(const cf_cosine_decay *restrict p,                 \
                                                                const double *restrict hi,                         \
                                                                const double *restrict lo, double *restrict rates, \
                                                                int n)                                             \
    {                                                                                                              \
        int i;                                                                                                     \
        for (i = 0; i < n; i++) {                                                                                  \
            rates[i] = cf_rate(p, cf_make_pair(hi[i], CF_##kind >= CF_PAIR ? lo[i] : 0.0), CF_##kind, CF_##phase); \
        }                                                                                                          \
    }

#define COMMON_LOOPS(kind) \
    LOOP(kind, WARMUP)     \
    LOOP(kind, DECAY)      \
    LOOP(kind, ANY)

#define SINGLE_LOOPS(kind) \
    COMMON_LOOPS(kind)     \
    LOOP(kind, UPPER)      \
    LOOP(kind, LOWER)      \
    LOOP(kind, LOWER_TO_ZERO)

SINGLE_LOOPS(EXACT)
SINGLE_LOOPS(SINGLE)
COMMON_LOOPS(PAIR)
COMMON_LOOPS(WIDE)

typedef void loop(const cf_cosine_decay *restrict, const double *restrict, const double *restrict, double *restrict,
                  int);

#define COMMON_ROW(kind) \
    [CF_WARMUP] = loop_##kind##_WARMUP, [CF_DECAY] = loop_##kind##_DECAY, [CF_ANY] = loop_##kind##_ANY
#define SINGLE_ROW(kind)                                                                   \
    COMMON_ROW(kind), [CF_UPPER] = loop_##kind##_UPPER, [CF_LOWER] = loop_##kind##_LOWER, \
                      [CF_LOWER_TO_ZERO] = loop_##kind##_LOWER_TO_ZERO

static loop *const loops[][CF_ANY + 1] = {
    [CF_EXACT] = {SINGLE_ROW(EXACT)},
    [CF_SINGLE] = {SINGLE_ROW(SINGLE)},
    [CF_PAIR] = {COMMON_ROW(PAIR)},
    [CF_WIDE] = {COMMON_ROW(WIDE)},
};

/* What is known of all steps of a block of single doubles that lie in r. */
static int phase_of(const cf_cosine_decay *p, range r)
{
    const double begin = p->warmup_steps.hi, end = p->decay_steps.hi;
    if (r.least < begin) return r.greatest < begin ? CF_WARMUP : CF_ANY;
    if (p->tame) {
        if (r.greatest - begin < end - (r.greatest - begin)) return CF_UPPER;
        if (r.least - begin >= end - (r.least - begin)) {
            return p->floor.hi == 0.0 && p->floor.lo == 0.0 ? CF_LOWER_TO_ZERO : CF_LOWER;
        }
    }
    return CF_DECAY;
}

/* Ask for n steps of the next block, the job's numbers begin + CF_BLOCK and on, while this one is evaluated: a block is
 * as long as a page, at whose end the processor's own prefetching stops. */
static void prefetch_next(const cf_job *job, int64_t begin, int n)
{
    const int64_t next = begin + CF_BLOCK, line = 64 / (int64_t)sizeof(int64_t);
    int64_t i;
    if (!job->steps.data || job->dimensions > 1 || job->steps.strides[0] != (int64_t)sizeof(int64_t)) return;
    for (i = next; i < next + n && i < job->shape[0]; i += line) {
        __builtin_prefetch(job->steps.data + i * (int64_t)sizeof(int64_t), 0, 3);
    }
}

/* The steps of n elements, the first of which stands at r and is the job's number `begin`. */
static void load_block(const cf_job *job, const rows *r, int64_t begin, int n, double *hi, double *lo)
{
    if (job->steps.data) {
        load(*r, n, hi, lo);
    } else {
        load_range(range_at(job->first, job->stride, begin), job->stride, n, hi, lo);
    }
}

/* Between which steps a block lies; of a range its ends tell. */
static range block_range(const cf_job *job, const double *hi, int n)
{
    range r;
    if (job->steps.data) return range_of(hi, n);
    r.least = hi[0] < hi[n - 1] ? hi[0] : hi[n - 1];
    r.greatest = hi[0] < hi[n - 1] ? hi[n - 1] : hi[0];
    return r;
}

static void evaluate(const cf_job *job, const rows *r, int64_t begin, int n, double *rates)
{
    const cf_cosine_decay *p = job->schedule;
    const int whole = !job->steps.data || job->steps.type < CF_FLOAT32;
    int kind = p->exact && whole ? CF_EXACT : p->kind, phase, i;
    double hi[CF_BLOCK], lo[CF_BLOCK];
    range steps;

    load_block(job, r, begin, n, hi, kind > CF_SINGLE ? lo : NULL);
    steps = block_range(job, hi, n);
    if (p->has_warmup ? steps.least <= -0x1p53 : steps.least < 0.0) {
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
            steps = range_of(hi, n);
        }
    }
    phase = kind <= CF_SINGLE ? phase_of(p, steps) : p->has_warmup ? CF_ANY : CF_DECAY;
    for (i = 0; i < n; i += PREFETCH) {
        const int part = n - i < PREFETCH ? n - i : PREFETCH;
        prefetch_next(job, begin + i, part);
        loops[kind][phase](p, hi + i, lo + i, rates + i, part);
    }
}

void CF_VARIANT(const cf_job *job, int64_t begin, int64_t end)
{
    const cf_operand *out = &job->rates;
    const int contiguous = out->type == CF_FLOAT64 && out->strides[job->dimensions - 1] == (int64_t)sizeof(double);
    rows r;
    rows_seek(&r, job, begin);
    while (begin < end) {
        const int n = end - begin < CF_BLOCK ? (int)(end - begin) : CF_BLOCK;
        char *data = rows_at(&r, out);
        if (contiguous && rows_left(&r, n) == n && (uintptr_t)data % sizeof(double) == 0) {
            evaluate(job, &r, begin, n, (double *)(void *)data);
        } else {
            double rates[CF_BLOCK];
            evaluate(job, &r, begin, n, rates);
            store(r, n, rates);
        }
        begin += n;
        rows_seek(&r, job, begin);
    }
}
