/* One block at a time, all in the first cache.
 *
 * See where the steps come from (steps.h): int64s or a range are taken as they lie, all else is loaded as doubles, or
 * as pairs of doubles. Then one loop (loops.h) goes from the steps to the rates. */

#include "batches.h"
#include "cosine_decay.h"
#include "powers.h"
#include "ratios.h"
#include "restarts.h"
#include "sums.h"

#ifndef CF_VARIANT
#define CF_VARIANT cf_run_baseline
#endif

static void evaluate_block(const cf_job *job, const rows *r, int64_t begin, int n, sink out)
{
    const cf_schedule *schedule = job->schedule;
    switch (schedule->family) {
    case CF_COSINE_DECAY: evaluate_cosine_decay(job, &schedule->as.cosine_decay, r, begin, n, out); break;
    case CF_INVERSE_TIME_DECAY:
        evaluate_inverse_time_decay(job, &schedule->as.inverse_time_decay, r, begin, n, out);
        break;
    case CF_PIECEWISE_CONSTANT:
        evaluate_piecewise_constant(job, &schedule->as.piecewise_constant, r, begin, n, out);
        break;
    case CF_EXPONENTIAL_DECAY:
        evaluate_exponential_decay(job, &schedule->as.exponential_decay, r, begin, n, out);
        break;
    case CF_POLYNOMIAL_DECAY:
        evaluate_polynomial_decay(job, &schedule->as.polynomial_decay, r, begin, n, out);
        break;
    case CF_COSINE_DECAY_RESTARTS:
        evaluate_cosine_decay_restarts(job, &schedule->as.cosine_decay_restarts, r, begin, n, out);
        break;
    case CF_COSINE_SUMS: evaluate_cosine_sums(job, &schedule->as.cosine_sums, r, begin, n, out); break;
    default: break;
    }
}

/* Schedules of a single loop without a block's own memory take more than a block at once, if all of it is of the usual
 * sort. Whether they did. */
static int evaluate_stretch(const cf_job *job, const rows *r, int64_t begin, int n, sink out)
{
    const cf_schedule *schedule = job->schedule;
    source s = {0};
    return schedule->family == CF_INVERSE_TIME_DECAY && as_it_lies(job, r, begin, n, &s, NULL) == INT64S
           && try_inverse_time_decay(&schedule->as.inverse_time_decay, &s, n, out, job->rates.type == CF_FLOAT32);
}

void CF_VARIANT(const cf_job *job, int64_t begin, int64_t end)
{
    const cf_operand *out = &job->rates;
    const int size = out->type == CF_FLOAT32 ? (int)sizeof(float) : (int)sizeof(double);
    int64_t in_blocks = begin; /* up to here */
    int in_a_row;
    _Alignas(64) double rates[CF_BLOCK]; /* a strip across lines halves the speed of two threads that stream */
    rows r;
    if (job->limits) {
        check_limits(job, begin, end);
        return;
    }
    if (job->batch) {
        evaluate_batch(job->batch, CF_VARIANT, begin, end);
        return;
    }
    in_a_row = out->strides[job->dimensions - 1] == size;
    rows_seek(&r, job, begin);
    while (begin < end) {
        char *data = rows_at(&r, out);
        /* Blocks end with a cache line where rates are in a row: a vector that lies in two lines is stored twice. */
        const int aside = cf_aside(job, data);
        const int64_t longest = (aside || begin < in_blocks || !in_a_row ? CF_BLOCK : STRETCH) - aside;
        const int n = (int)(end - begin < longest ? end - begin : longest);
        const int straight = in_a_row && rows_left(&r, n) == n && ((uintptr_t)data & (uintptr_t)(size - 1)) == 0;
        sink to = {(char *)rates, NULL};
        if (straight) *(job->streamed ? &to.past : &to.to) = data;
        if (begin < in_blocks || !(straight || n <= CF_BLOCK) || !evaluate_stretch(job, &r, begin, n, to)) {
            if (n > CF_BLOCK) {
                in_blocks = begin + n;
                continue;
            }
            evaluate_block(job, &r, begin, n, to);
        }
        if (!straight) store(&r, out, n, (const char *)rates, (size_t)size);
        begin += n;
        if (rows_left(&r, n) == n) {
            rows_advance(&r, n);
        } else {
            rows_seek(&r, job, begin);
        }
    }
    if (job->streamed) end_stream();
}
