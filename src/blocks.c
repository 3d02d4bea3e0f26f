/* One block at a time, all in the first cache.
 *
 * The steps of a block are used in place if they are int64s or a range; otherwise they are loaded as int64s if they are all
 * whole, as doubles, or as pairs of doubles (steps.h). Then one loop (loops.h) computes the rates. */

#include "batches.h"
#include "cosine_decay.h"
#include "cosine_decay_restarts.h"
#include "inverse_time_decay.h"
#include "joined_schedule.h"
#include "piecewise_constant_decay.h"
#include "polynomial_decay.h"
#include "simulate.h"
#include "warmup_stable_decay.h"

#define DEFAULT_OF(NAME, name, loops, memory, init) DEFAULT_##loops(name)
CF_FUNCTIONS(DEFAULT_OF)

static void evaluate_block(const cf_job *job, const rows *r, int64_t begin, int n, sink out)
{
    switch (job->schedule->function) {
#define EVALUATE(NAME, name, loops, memory, init) \
    case NAME: evaluate_##name(job, &job->schedule->as.name, r, begin, n, out); break;
        CF_FUNCTIONS(EVALUATE)
    default: break;
    }
}

static void evaluate(const void *work, int64_t begin, int64_t end)
{
    const cf_job *job = work;
    const cf_operand *out = &job->rates;
    const int size = is_float32(job) ? (int)sizeof(float) : (int)sizeof(double);
    const int contiguous = out->strides[job->dimensions - 1] == size;
    double rates[CF_BLOCK];
    rows r;
    rows_seek(&r, job, begin);
    while (begin < end) {
        char *data = rows_at(&r, out);
        /* Blocks end where a cache line ends, because a vector that crosses lines is stored twice. */
        const int64_t longest = CF_BLOCK - (int)((uintptr_t)data % 64) / size;
        const int n = (int)(end - begin < longest ? end - begin : longest);
        const int direct = contiguous && rows_left(&r, n) == n && ((uintptr_t)data & (uintptr_t)(size - 1)) == 0;
        const int how = (is_float32(job) ? AS_FLOAT32 : 0) | (direct && job->streamed ? STREAMED : 0);
        const sink to = {direct ? data : (char *)rates, how};
        evaluate_block(job, &r, begin, n, to);
        if (!direct) store(&r, out, n, (const char *)rates, (size_t)size);
        begin += n;
        if (rows_left(&r, n) == n) {
            rows_advance(&r, n);
        } else {
            rows_seek(&r, job, begin);
        }
    }
    if (job->streamed) end_stream();
}

static void check(const void *work, int64_t begin, int64_t end)
{
    const cf_check *c = work;
    const cf_job *numbers = &c->numbers;
    double buffer[CF_BLOCK];
    rows r;
    for (; begin < end; begin += CF_BLOCK) {
        const int n = (int)(end - begin < CF_BLOCK ? end - begin : CF_BLOCK);
        const double *x;
        uint32_t wrong = 0;
        int i;
        rows_seek(&r, numbers, begin);
        if (numbers->steps.strides[numbers->dimensions - 1] == (int64_t)sizeof *buffer) {
            prefetch(rows_at(&r, &numbers->steps) + 2 * sizeof buffer, n); /* two blocks: one takes less than a cache miss */
        }
        x = doubles_at(&r, &numbers->steps, n, buffer);
        for (i = 0; i < n; i++) {
            const int right = ((x[i] >= c->least) & (x[i] <= c->most)) | (x[i] == c->allowed) | (c->nan & (x[i] != x[i]));
            wrong |= right ? UINT32_C(0) : UINT32_C(1);
        }
        if (wrong) atomic_store_explicit(c->failed, 1, memory_order_relaxed);
    }
}

#ifndef CF_VARIANT
#define CF_VARIANT cf_isa_baseline
#endif

const cf_isa CF_VARIANT = {
    "", evaluate, cosine_decays, stable_decays, check, power_sums, momentum_sums};
