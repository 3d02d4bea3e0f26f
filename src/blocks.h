/* The block loops: blocks.c is compiled once for each instruction set, and the driver (_kernel.pyx) chooses one. */
#ifndef COSINE_FAST_BLOCKS_H
#define COSINE_FAST_BLOCKS_H

#include <cosine_fast_schedules.h>

enum { CF_BLOCK = 512, CF_MAX_DIMENSIONS = 64 };

enum cf_type {
    CF_INT8, CF_INT16, CF_INT32, CF_INT64,
    CF_UINT8, CF_UINT16, CF_UINT32, CF_UINT64, /* CF_UINT64 with values below 2^63 alone */
    CF_FLOAT32, CF_FLOAT64
};

/* An array of any layout: one stride in bytes for each dimension of the job. */
typedef struct cf_operand {
    char *data;
    int type;    /* enum cf_type */
    int swapped; /* the other byte order than the machine's */
    int64_t strides[CF_MAX_DIMENSIONS];
} cf_operand;

struct cf_batch;

/* What is certainly well within a parameter's range: least to most, `also`, and NaN if `nan`. */
typedef struct cf_limits {
    double least, most, also;
    int nan;
    int *odd; /* set to 1 where an element is something else */
} cf_limits;

/* Evaluate `schedule` at `steps`, or, where steps.data is NULL, at first, first + stride, ... (modulo 2^64) into
 * `rates`. */
typedef struct cf_job {
    const cf_schedule *schedule;
    int64_t first, stride;
    int streamed; /* the rates are so many that they had better go past the caches */
    int dimensions;
    int64_t shape[CF_MAX_DIMENSIONS];
    cf_operand steps, rates; /* rates: CF_FLOAT32 or CF_FLOAT64, not swapped */
    /* If not NULL, this instead: evaluate a batch, and of the above `streamed` and `rates` count alone, for the driver's
     * cuts; or only look at the steps. */
    const struct cf_batch *batch;
    const cf_limits *limits;
} cf_job;

/* Schedules with parameters of their own. */
typedef struct cf_batch {
    cf_job schedules;    /* an element for each schedule: where its first step and its first rate stand */
    cf_job row;          /* the other steps and rates of each */
    int64_t many, steps; /* how many schedules, and how many steps of each */
    int alike;           /* all schedules have the same steps */
    int streamed;        /* the rates are so many that they had better go past the caches */
    int along;           /* a schedule's rates are neighbours in memory, not the schedules of a step */
    cf_operand initial, decay_steps, alpha, target, warmup_steps; /* with the strides of `schedules`; a NaN is no target */
    const cf_limits *limits; /* of each of these five, with one `odd`: once it is set nothing is evaluated; NULL: all are
                              * known to be right */
} cf_batch;

/* How many rates of the job begin in a cache line before the one at `data`. */
static inline int cf_aside(const cf_job *job, const char *data)
{
    return (int)((uintptr_t)data % 64) / (job->rates.type == CF_FLOAT32 ? (int)sizeof(float) : (int)sizeof(double));
}

/* Do the elements begin <= i < end of the job, counted in C order. */
typedef void (*cf_run)(const cf_job *job, int64_t begin, int64_t end);

typedef struct cf_isa {
    const char *name;
    cf_run run;
} cf_isa;

/* The instruction sets that this build has and this processor runs, the best first, and how many they are. */
int cf_isas(cf_isa out[4]);

#endif
