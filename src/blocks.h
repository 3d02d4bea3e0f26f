/* The block loops: blocks.c is compiled once for each instruction set, and the driver (_kernel.pyx) chooses one. */
#ifndef COSINE_FAST_BLOCKS_H
#define COSINE_FAST_BLOCKS_H

#include <stdatomic.h>

#include <cosine_fast_schedules.h>

enum {
    CF_BLOCK = 512,
    CF_MAX_DIMENSIONS = 64,
    /* Rates of more bytes are streamed past the caches: most would have left these before anyone reads them. (In a
     * virtual machine glibc and Linux disagree on the size of the last cache; this is a common one.) */
    CF_STREAMED = 32 * 1024 * 1024
};

enum cf_type {
    /* the integers in the order of their sizes: 1, 2, 4 and 8 bytes, twice */
    CF_INT8, CF_INT16, CF_INT32, CF_INT64,
    CF_UINT8, CF_UINT16, CF_UINT32, CF_UINT64, /* CF_UINT64 holds only values below 2^63 */
    CF_FLOAT32, CF_FLOAT64,
    CF_RANGE /* steps that are no array: a job's first, first + stride, ... modulo 2^64 */
};

/* An array of any layout: one stride in bytes for each dimension of the job. */
typedef struct cf_operand {
    char *data;
    int type;    /* enum cf_type */
    int swapped; /* not in the machine's byte order */
    int64_t strides[CF_MAX_DIMENSIONS];
} cf_operand;

/* Evaluate a schedule at `steps` into `rates`. */
typedef struct cf_job {
    const cf_schedule *schedule;
    int64_t first, stride; /* of CF_RANGE */
    int64_t shift; /* subtracted from steps that are int64s and at most 2^52 in size */
    int streamed; /* the rates are stored past the caches, because they are too many for them */
    int dimensions;
    int64_t shape[CF_MAX_DIMENSIONS];
    cf_operand steps, rates; /* rates: CF_FLOAT32 or CF_FLOAT64, not swapped */
} cf_job;

/* The decay of a WarmupStableDecay; the order is that of cosine_fast/schedules/warmup_stable_decay.py. */
enum cf_shape { CF_LINEAR = 1, CF_COSINE, CF_ROOT, CF_EXPONENTIAL, CF_SQUARE };

/* Evaluate CosineDecays, or WarmupStableDecays, with parameters of their own. */
typedef struct cf_batch {
    cf_job schedules;    /* an element for each schedule: its first step and its first rate */
    cf_job row;          /* the other steps and rates of each schedule */
    int64_t many, steps; /* how many schedules, and how many steps of each */
    int alike;           /* all schedules have the same steps */
    int streamed;        /* as in cf_job */
    int absolute;        /* alpha has the floors themselves, not their fractions of the peaks */
    int along;           /* the rates of a schedule are neighbours in memory, not the schedules of a step */
    int shape;           /* of WarmupStableDecays: their enum cf_shape; alpha has the end rates */
    cf_operand initial, decay_steps, alpha, target, warmup_steps, stable_steps; /* strides as in `schedules`; NaN is no target */
    int plain;           /* evaluate only plain schedules of one step each */
    atomic_int *others; /* set to 1 if `plain` is set and there are others */
} cf_batch;

/* Check that each number is from `least` to `most`, or is `allowed`, or NaN if `nan` is set. */
typedef struct cf_check {
    cf_job numbers; /* as its steps */
    double least, most, allowed;
    int nan;
    atomic_int *failed; /* set to 1 if one is not */
} cf_check;

/* For each item, the CF_NODES sums over first <= k < end of changes[k] * (1 + factors[k] * (at - starts[k]))^-beta. An item
 * takes as long as CF_ITEM elements of the other kinds of work, or longer. */
enum { CF_NODES = 16, CF_ITEM = 8 * CF_BLOCK };
typedef struct cf_power_sums {
    const double *at; /* CF_NODES for each item */
    const double *starts, *factors, *changes;
    const int64_t *first, *end;
    double beta;
    double *totals; /* CF_NODES for each item */
} cf_power_sums;

/* For each decay and each row of rates, an item of `steps` steps: sums[t] = decay * sums[t - 1] + rates[0] - rates[t]. */
typedef struct cf_momentum_sums {
    const double *rates, *decays;
    int64_t rows, steps;
    int last;     /* only the last sums are stored */
    int streamed; /* as in cf_job */
    double *sums;
    atomic_int *failed; /* set to 1 if a last sum is not finite */
} cf_momentum_sums;

/* Do the elements begin <= i < end of a cf_job, a cf_batch, a cf_check or one of the sums, counted in C order. */
typedef void (*cf_run)(const void *work, int64_t begin, int64_t end);

/* A compiled variant of blocks.c. */
typedef struct cf_isa {
    const char *name;
    cf_run evaluate, cosine_decays, stable_decays, check, power_sums, momentum_sums;
} cf_isa;

/* List the variants that this build has and this processor runs, the best first; returns how many there are. */
int cf_isas(cf_isa out[4]);

#endif
