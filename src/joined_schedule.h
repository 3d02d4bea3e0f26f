/* A block of JoinedSchedule: the block of the schedule whose segment its steps lie in. Only blocks.c includes this. */
#ifndef COSINE_FAST_JOINED_SCHEDULE_BLOCKS_H
#define COSINE_FAST_JOINED_SCHEDULE_BLOCKS_H

#include "cosine_decay.h"

/* A block with steps in more segments, or with larger steps or offsets, is evaluated step by step; so is one with fractions
 * in a segment that runs backwards, for which steps are pairs. */
enum { FEW_SEGMENTS = 8 };
#define LARGEST_STEP 0x1p51

static void evaluate_block(const cf_job *job, const rows *r, int64_t begin, int n, sink out);

/* The rates of segment k at n steps of its own schedule. The steps are a range from job->first on, doubles, or
 * int64s from which job->shift is subtracted. */
static void evaluate_segment(const cf_joined_schedule *p, int64_t k, cf_job *job, int n, sink out)
{
    rows r;
    job->schedule = p->schedules[k];
    job->dimensions = 1;
    job->shape[0] = n;
    job->steps.swapped = 0;
    job->steps.strides[0] = sizeof(double);
    r.job = job;
    r.index[0] = 0;
    evaluate_block(job, &r, 0, n, out);
}

/* The rates of n steps that lie in the segments first .. last: each segment takes its own out of the block. */
static void evaluate_segments(const cf_joined_schedule *p, int64_t first, int64_t last, const double *steps, int n,
                              double *rates)
{
    double own[CF_BLOCK], values[CF_BLOCK];
    const sink to = {(char *)values, 0};
    int where[CF_BLOCK], count, i;
    cf_job job;
    int64_t k;
    job.steps.data = (char *)own;
    job.steps.type = CF_FLOAT64;
    job.shift = 0;
    for (k = first; k <= last; k++) {
        const double begin = k > first ? p->boundaries[k - 1].hi : -INFINITY;
        const double end = k < last ? p->boundaries[k].hi : INFINITY;
        for (i = count = 0; i < n; i++) {
            own[count] = p->signs[k] * (steps[i] - p->offsets[k].hi);
            where[count] = i;
            count += !(steps[i] < begin) & !(steps[i] >= end); /* NaN is NaN in all of them */
        }
        if (count) evaluate_segment(p, k, &job, count, to);
        for (i = 0; i < count; i++) rates[where[i]] = values[i];
    }
}

/* The rates of n elements, the first of which stands at r and is number `begin` of the job. */
static void evaluate_joined_schedule(const cf_job *job, const cf_joined_schedule *p, const rows *r, int64_t begin, int n,
                                     sink out)
{
    double hi[CF_BLOCK], lo[CF_BLOCK], rates[CF_BLOCK];
    int64_t first, last, k, offset, sign;
    source s = {0};
    range in;
    int small, i;
    const enum origin origin = origin_of(job, r, begin, n, hi, lo, &s, &in);
    const int whole = are_known_whole(job, origin);
    cf_job own;

    first = cf_count_below(p->boundaries, p->count, cf_make_pair(in.least, 0.0), 1);
    last = cf_count_below(p->boundaries, p->count, cf_make_pair(in.greatest, 0.0), 1);
    small = in.least >= -LARGEST_STEP && in.greatest <= LARGEST_STEP && last - first < FEW_SEGMENTS;
    for (k = first; small && k <= last; k++)
        small = fabs(p->offsets[k].hi) <= LARGEST_STEP && (p->signs[k] > 0.0 || whole);
    if (!small) {
        load_block(job, r, begin, n, hi, lo);
        for (i = 0; i < n; i++) rates[i] = cf_joined_schedule_at(p, cf_make_pair(hi[i], lo[i]));
        copy_block(rates, out, n);
        return;
    }
    if (first < last) {
        load_integers(job, r, begin, n, hi);
        evaluate_segments(p, first, last, hi, n, rates);
        copy_block(rates, out, n);
        return;
    }
    offset = (int64_t)p->offsets[first].hi;
    sign = (int64_t)p->signs[first];
    if (sign == -1 && origin != DOUBLES && p->schedules[first]->function == CF_COSINE_DECAY) {
        source from = s;
        from.shift += offset;
        from.first -= (double)offset;
        in = (range){in.least - (double)offset, in.greatest - (double)offset};
        if (evaluate_onward(&p->schedules[first]->as.cosine_decay, origin, from, in, n, (char *)lo, out)) return;
    }
    own.steps.type = CF_INT64;
    own.shift = 0;
    if (origin == RANGE) {
        own.steps.type = CF_RANGE;
        own.first = sign * (range_at(job->first, job->stride, begin) - offset);
        own.stride = (int64_t)((uint64_t)sign * (uint64_t)job->stride);
    } else if (origin == INT64S) {
        own.steps.data = sign == 1 ? (char *)s.data : (char *)lo;
        own.shift = sign * (s.shift + offset);
        if (sign == -1) negate_int64s(s.data, n, own.steps.data);
    } else {
        for (i = 0; i < n; i++) hi[i] = p->signs[first] * (hi[i] - p->offsets[first].hi);
        own.steps.data = (char *)hi;
        own.steps.type = CF_FLOAT64;
    }
    evaluate_segment(p, first, &own, n, out);
}

#endif
