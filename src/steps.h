/* Reading steps from memory of any layout, and writing rates to it. Only blocks.c includes this. */
#ifndef COSINE_FAST_STEPS_H
#define COSINE_FAST_STEPS_H

#include "blocks.h"

/* ---- Load ---- */

/* (double)i, rounded once. On x86 only AVX-512 converts vectors of int64; elsewhere put the halves into the digits of 2^84
 * and 2^52, and subtract these, so that the loop vectorises. */
static inline double double_from_int64(int64_t i)
{
#if defined(__x86_64__) && !defined(__AVX512DQ__)
    const uint64_t biased = (uint64_t)i ^ UINT64_C(0x8000000000000000);
    const uint64_t high = (biased >> 32) | UINT64_C(0x4530000000000000);
    const uint64_t low = (biased & UINT64_C(0xFFFFFFFF)) | UINT64_C(0x4330000000000000);
    return (cf_double(high) - 0x1.00000801p+84) + cf_double(low); /* 2^84 + 2^63 + 2^52 */
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

/* Reverse the byte order of a value of 1, 2, 4 or 8 bytes. */
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

/* Load n steps of one row into hi and, unless it is NULL, lo. */
static void load_row(const cf_operand *steps, const char *data, int64_t stride, int n, double *restrict hi,
                     double *restrict lo)
{
    const int swapped = steps->swapped;
    switch (steps->type) {
    case CF_INT8: LOAD(int8_t, (double), 0.0);
    case CF_INT16: LOAD(int16_t, (double), 0.0);
    case CF_INT32: LOAD(int32_t, (double), 0.0);
    case CF_INT64:
    case CF_UINT64: LOAD(int64_t, double_from_int64, cf_from_int64(v).lo);
    case CF_UINT8: LOAD(uint8_t, (double), 0.0);
    case CF_UINT16: LOAD(uint16_t, (double), 0.0);
    case CF_UINT32: LOAD(uint32_t, (double), 0.0);
    case CF_FLOAT32: LOAD(float, (double), 0.0);
    default: LOAD(double, , 0.0);
    }
}

/* first + i * stride modulo 2^64, as the product may overflow where the sum does not. */
static inline int64_t range_at(int64_t first, int64_t stride, int64_t i)
{
    return (int64_t)((uint64_t)first + (uint64_t)i * (uint64_t)stride);
}

static void load_range(int64_t first, int64_t stride, int n, double *restrict hi, double *restrict lo)
{
    int i;
    for (i = 0; i < n; i++) hi[i] = double_from_int64(range_at(first, stride, i));
    if (lo) {
        for (i = 0; i < n; i++) lo[i] = cf_from_int64(range_at(first, stride, i)).lo;
    }
}

/* ---- Rows: a block of a job of many dimensions consists of pieces of rows ---- */

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

/* How many elements, at most n, are left in the row. */
static int rows_left(const rows *r, int n)
{
    const int last = r->job->dimensions - 1;
    const int64_t left = r->job->shape[last] - r->index[last];
    return left < n ? (int)left : n;
}

/* Advance by n, not beyond the end of the row. */
static void rows_advance(rows *r, int n)
{
    int d = r->job->dimensions - 1;
    r->index[d] += n;
    for (; d > 0 && r->index[d] == r->job->shape[d]; d--) {
        r->index[d] = 0;
        r->index[d - 1]++;
    }
}

/* Negate n int64s; `from` and `to` may be the same memory. */
static void negate_int64s(const char *from, int n, char *to)
{
    int i;
    for (i = 0; i < n; i++) {
        const int64_t v = -int64_at(from, i);
        memcpy(to + (size_t)i * sizeof v, &v, sizeof v);
    }
}

/* Load n elements of `steps` from r on, all in one row. */
static void load_piece(const rows *r, const cf_operand *steps, int n, double *hi, double *lo)
{
    const int64_t stride = steps->strides[r->job->dimensions - 1];
    int i;
    if (stride == 0) {
        load_row(steps, rows_at(r, steps), stride, 1, hi, lo);
        for (i = 1; i < n; i++) hi[i] = hi[0];
        for (i = 1; i < n && lo; i++) lo[i] = lo[0];
    } else {
        load_row(steps, rows_at(r, steps), stride, n, hi, lo);
    }
}

static void store_piece(const rows *r, const cf_operand *out, int n, const char *from, size_t size)
{
    const int64_t stride = out->strides[r->job->dimensions - 1];
    char *to = rows_at(r, out);
    int i;
    if (stride == (int64_t)size) {
        memcpy(to, from, (size_t)n * size);
    } else {
        for (i = 0; i < n; i++) memcpy(to + i * stride, from + (size_t)i * size, size);
    }
}

/* r advanced by n, in `next`. `rows` is large, so that it is copied only where elements lie in more than one row. */
static const rows *rows_from(const rows *r, rows *next, int n)
{
    if (r != next) *next = *r;
    rows_advance(next, n);
    return next;
}

static void load(const rows *r, const cf_operand *steps, int n, double *hi, double *lo)
{
    rows next;
    int done = 0;
    for (;;) {
        const int length = rows_left(r, n - done);
        load_piece(r, steps, length, hi + done, lo ? lo + done : NULL);
        done += length;
        if (done >= n) return;
        r = rows_from(r, &next, length);
    }
}

/* n numbers from r on, as doubles: in place if they are contiguous doubles, otherwise converted into `buffer`. */
static const double *doubles_at(const rows *r, const cf_operand *operand, int n, double *buffer)
{
    const char *data = rows_at(r, operand);
    if (operand->type == CF_FLOAT64 && !operand->swapped && rows_left(r, n) == n && (uintptr_t)data % sizeof(double) == 0
        && operand->strides[r->job->dimensions - 1] == (int64_t)sizeof(double)) {
        return (const double *)(const void *)data;
    }
    load(r, operand, n, buffer, NULL);
    return buffer;
}

static void store(const rows *r, const cf_operand *out, int n, const char *from, size_t size)
{
    rows next;
    int done = 0;
    for (;;) {
        const int length = rows_left(r, n - done);
        store_piece(r, out, length, from + (size_t)done * size, size);
        done += length;
        if (done >= n) return;
        r = rows_from(r, &next, length);
    }
}

/* Load the steps of the n elements from r on, the first of which is number `begin` of the job. noinline: all schedules share
 * one copy. */
static CF_NOINLINE void load_block(const cf_job *job, const rows *r, int64_t begin, int n, double *hi,
                                   double *lo)
{
    if (job->steps.type != CF_RANGE) {
        int i;
        load(r, &job->steps, n, hi, lo);
        for (i = 0; i < n && job->shift; i++) hi[i] -= (double)job->shift;
    } else {
        load_range(range_at(job->first, job->stride, begin), job->stride, n, hi, lo);
    }
}

#define WIDEN(ctype)                                              \
    for (i = 0; i < n; i++) {                                     \
        int64_t wide;                                             \
        ctype v;                                                  \
        memcpy(&v, data + (size_t)i * sizeof v, sizeof v);        \
        wide = v;                                                 \
        memcpy(to + (size_t)i * sizeof wide, &wide, sizeof wide); \
    }                                                             \
    break

/* Copy n neighbouring integers of less than 64 bits as int64s. */
static void widen(int type, const char *restrict data, int n, char *restrict to)
{
    int i;
    switch (type) {
    case CF_INT8: WIDEN(int8_t);
    case CF_INT16: WIDEN(int16_t);
    case CF_INT32: WIDEN(int32_t);
    case CF_UINT8: WIDEN(uint8_t);
    case CF_UINT16: WIDEN(uint16_t);
    default: WIDEN(uint32_t);
    }
}

/* A whole number, |x| < 2^51. */
static inline int is_whole(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52 == x;
}

/* Convert n steps to int64s. Returns whether all are whole. A step beyond 2^51 in size becomes another number beyond 2^50. */
static int to_int64s(const double *restrict x, int n, char *restrict to)
{
    const double magic = 0x1.8p52; /* the last digit of a sum with it counts ones: the sum is rounded to a whole number */
    uint64_t rest = 0;
    int i;
    if (!is_whole(x[n - 1])) return 0; /* most fractions are found at once */
    for (i = 0; i < n; i++) {
        const double sum = x[i] + magic;
        const uint64_t whole = cf_bits(sum) - cf_bits(magic);
        rest |= cf_bits((sum - magic) - x[i]);
        memcpy(to + (size_t)i * sizeof whole, &whole, sizeof whole);
    }
    return rest == 0;
}

/* ---- The interval that the steps of a block lie in ---- */

typedef struct range {
    double least, greatest;
} range;

/* The least and the greatest number in a block; NaN is skipped. Eight lanes, so that the loop vectorises. */
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

/* Likewise for int64s. Two steps are compared with each other first, because the chain of minima is latency-bound. */
static range range_of_int64s(const char *data, int n)
{
    const int half = n / 2;
    int64_t least = int64_at(data, n - 1), greatest = least;
    range r;
    int i;
    for (i = 0; i < half; i++) {
        const int64_t v = int64_at(data, i), w = int64_at(data, i + half);
        const int64_t lower = v < w ? v : w, higher = v < w ? w : v;
        least = lower < least ? lower : least;
        greatest = higher > greatest ? higher : greatest;
    }
    r.least = (double)least;
    r.greatest = (double)greatest;
    return r;
}

#endif
