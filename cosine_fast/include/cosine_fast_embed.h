/* cosine_fast_embed.h: CosineDecay for programs: checked parameters, loops, arrays. <cosine_fast.h> includes it.
 *
 *     cf_cosine_decay schedule;
 *     int error = cf_cosine_decay_init_checked(&schedule, 0.0, cf_from_int64(900), 0.1, 1e-3, cf_from_int64(100));
 *     if (error) fprintf(stderr, "%s\n", cf_error_text(error));
 *     rate = cf_cosine_decay_at_int64(&schedule, step);
 *
 * Nothing here has state: any number of threads may read an initialised schedule.
 *
 * Versions
 *     A program owns what it compiles of these headers; later installations do not change it. cf_api is what a running
 *     program takes from the installed package. It only grows at its end: cf_api_error says whether the package offers all
 *     that the program was compiled for. A schedule from there is an opaque address: its struct may change with any version.
 */
#ifndef COSINE_FAST_EMBED_H
#define COSINE_FAST_EMBED_H

#include "cosine_fast_cosine_decay.h"

/** The first part of the package's version. */
#define CF_VERSION_MAJOR 0
/** The second part. The last one changes nothing here. */
#define CF_VERSION_MINOR 1
/** Both in one number: 1000 times the first, plus the second. */
#define CF_VERSION (1000 * CF_VERSION_MAJOR + CF_VERSION_MINOR)

/* ---- Parameters that have not been checked ---- */

/** As a `warmup_target`: there is no warmup. */
#define CF_NO_WARMUP NAN

/* As cf_cosine_decay_init_checked; if `absolute` is set alpha is the floor itself. */
static inline int cf_cosine_decay_init_any(cf_cosine_decay *p, double initial_learning_rate, cf_pair decay_steps,
                                           double alpha, int absolute, double warmup_target, cf_pair warmup_steps)
{
    const int has_target = warmup_target == warmup_target;
    const double start = initial_learning_rate, peak = has_target ? warmup_target : start;
    const double numbers[] = {peak, alpha, start, absolute ? 1.0 : 0.0};
    const cf_pair counts[] = {decay_steps, warmup_steps};
    const int error = cf_cosine_decay_error(numbers, 4, counts, 2);
    if (!error)
        cf_cosine_decay_init_to(p, peak, decay_steps, alpha, absolute, has_target && warmup_steps.hi > 0.0, start,
                                warmup_steps);
    return error;
}

/** Fold Keras's parameters, in Keras's order, checked as Python's CosineDecay does. The schedule `p` is written. If
 * `warmup_target` is NaN there is no warmup. Returns `CF_OK`, or another `enum cf_error` and leaves the schedule unchanged.
 */
static inline int cf_cosine_decay_init_checked(cf_cosine_decay *p, double initial_learning_rate, cf_pair decay_steps,
                                               double alpha, double warmup_target, cf_pair warmup_steps)
{
    return cf_cosine_decay_init_any(p, initial_learning_rate, decay_steps, alpha, 0, warmup_target, warmup_steps);
}

/** As `cf_cosine_decay_init_checked`, for a decay that ends at `end_learning_rate`. */
static inline int cf_cosine_decay_to_init_checked(cf_cosine_decay *p, double initial_learning_rate, cf_pair decay_steps,
                                                  double end_learning_rate, double warmup_target, cf_pair warmup_steps)
{
    return cf_cosine_decay_init_any(p, initial_learning_rate, decay_steps, end_learning_rate, 1, warmup_target,
                                    warmup_steps);
}

/* ---- One step ---- */

/** The rate at any int64 step. */
static inline double cf_cosine_decay_at_int64(const cf_cosine_decay *p, int64_t step)
{
    return cf_cosine_decay_at(p, cf_from_step(step));
}

/** The rate at any double step, with or without a fraction; NaN for NaN. */
static inline double cf_cosine_decay_at_double(const cf_cosine_decay *p, double step)
{
    return cf_cosine_decay_at(p, cf_from_double(step));
}

/* ---- Steps in a loop of your own, without a branch, so that it vectorises ----
 *
 * Ask once, before the loop, whether all its steps are `plain`; nearly all steps of nearly all schedules are. Use a local
 * copy of the schedule in the loop: otherwise the compiler has to reload it in each iteration.
 *
 *     const cf_cosine_decay own = *schedule;
 *     if (cf_cosine_decay_is_plain(&own, first, last))
 *         for (i = 0; i <= last - first; i++) weights[i] -= cf_cosine_decay_plain_int64(&own, first + i) * slopes[i];
 *
 * GCC needs -O3 and -fno-trapping-math for it; `python -m cosine_fast --cflags` has all but -O3. */

/** Whether `cf_cosine_decay_plain_double` and `cf_cosine_decay_plain_int64` give the rates of all steps, whole or not, from
 * `least` to `greatest`, and of NaN. Ask once, before a loop.
 */
static inline int cf_cosine_decay_is_plain(const cf_cosine_decay *p, double least, double greatest)
{
    return p->kind == CF_SINGLE && least >= (p->has_warmup ? -CF_SMALL_STEP : 0.0) && greatest <= CF_SMALL_STEP;
}

/** The rate at a plain step, without a branch, so that a loop of it vectorises. */
CF_INLINE double cf_cosine_decay_plain_double(const cf_cosine_decay *p, double step)
{
    return cf_rate(p, cf_make_pair(step, 0.0), CF_SINGLE, CF_ANY);
}

/** The rate at a plain step, without a branch, so that a loop of it vectorises. */
CF_INLINE double cf_cosine_decay_plain_int64(const cf_cosine_decay *p, int64_t step)
{
    return cf_cosine_decay_plain_double(p, cf_from_small_int64(step));
}

/* ---- Arrays and ranges ----
 *
 * n contiguous steps to n contiguous rates, which may overwrite the steps, each rate its own step. They use one thread:
 * call them from several. They are fast for blocks whose steps are whole or within 2^50; the rates are those of
 * cf_cosine_decay_at in any case. */

/** The number of steps that the functions of arrays and ranges take at a time. */
#define CF_ROW 256

/* The rates of at most CF_ROW steps by one loop; kind and phase are constants. */
#define CF_ROW_LOOP(kind, phase)                                                                       \
    do {                                                                                               \
        for (i = 0; i < n; i++) rates[i] = cf_rate(&own, cf_make_pair(steps[i], 0.0), (kind), (phase)); \
        return;                                                                                        \
    } while (0)

/* As cf_cosine_decay_at, for steps that are single doubles between least and greatest, or NaN. */
static CF_NOINLINE void cf_cosine_decay_row(const cf_cosine_decay *p, const double *steps, double *rates, int n,
                                            double least, double greatest, int whole)
{
    const cf_cosine_decay own = *p;
    const int decay = least >= own.warmup_steps.hi; /* no step lies in the warmup */
    int i;
    if (own.kind != CF_WIDE && least >= (own.has_warmup ? -CF_SMALL_STEP : 0.0) && greatest <= CF_SMALL_STEP) {
        if (own.kind == CF_PAIR && decay) CF_ROW_LOOP(CF_PAIR, CF_DECAY);
        if (own.kind == CF_PAIR) CF_ROW_LOOP(CF_PAIR, CF_ANY);
        if (own.exact && whole && decay) CF_ROW_LOOP(CF_EXACT, CF_DECAY);
        if (own.exact && whole) CF_ROW_LOOP(CF_EXACT, CF_ANY);
        if (decay) CF_ROW_LOOP(CF_SINGLE, CF_DECAY);
        CF_ROW_LOOP(CF_SINGLE, CF_ANY);
    }
    for (i = 0; i < n; i++) rates[i] = cf_cosine_decay_at_double(p, steps[i]);
}

#undef CF_ROW_LOOP

/** The rates of `n` contiguous steps, at `rates`, which may be the memory of the steps. */
static inline void cf_cosine_decay_of_int64s(const cf_cosine_decay *p, const int64_t *steps, double *rates, int64_t n)
{
    const int64_t most = INT64_C(1) << 50;
    double row[CF_ROW];
    for (; n > 0; n -= CF_ROW, steps += CF_ROW, rates += CF_ROW) {
        const int length = n < CF_ROW ? (int)n : CF_ROW;
        int64_t least = steps[0], greatest = steps[0];
        int i;
        for (i = 0; i < length; i++) {
            least = steps[i] < least ? steps[i] : least;
            greatest = steps[i] > greatest ? steps[i] : greatest;
        }
        if (least >= -most && greatest <= most) {
            for (i = 0; i < length; i++) row[i] = cf_from_small_int64(steps[i]);
            cf_cosine_decay_row(p, row, rates, length, (double)least, (double)greatest, 1);
        } else {
            for (i = 0; i < length; i++) rates[i] = cf_cosine_decay_at_int64(p, steps[i]);
        }
    }
}

/** The rates of `n` contiguous steps, at `rates`, which may be the memory of the steps. */
static inline void cf_cosine_decay_of_doubles(const cf_cosine_decay *p, const double *steps, double *rates, int64_t n)
{
    for (; n > 0; n -= CF_ROW, steps += CF_ROW, rates += CF_ROW) {
        const int length = n < CF_ROW ? (int)n : CF_ROW;
        double least = INFINITY, greatest = -INFINITY;
        int i;
        for (i = 0; i < length; i++) {
            least = steps[i] < least ? steps[i] : least;
            greatest = steps[i] > greatest ? steps[i] : greatest;
        }
        cf_cosine_decay_row(p, steps, rates, length, least, greatest, 0);
    }
}

/** The rates of the steps start, start + step, ..., `n` of them, all within int64, at `rates`. */
static inline void cf_cosine_decay_of_range(const cf_cosine_decay *p, int64_t start, int64_t step, double *rates,
                                            int64_t n)
{
    int64_t steps[CF_ROW], done = 0;
    while (done < n) {
        const int length = n - done < CF_ROW ? (int)(n - done) : CF_ROW;
        int i;
        /* Modulo 2^64: the product may overflow where the sum does not. */
        for (i = 0; i < length; i++)
            steps[i] = (int64_t)((uint64_t)start + ((uint64_t)done + (uint64_t)i) * (uint64_t)step);
        cf_cosine_decay_of_int64s(p, steps, rates + done, length);
        done += length;
    }
}

/* ---- What the installed package offers to programs at run time ---- */

/** What the installed package offers, in the capsule `cosine_fast._kernel.C_API`. All but `schedule_of` may be called
 * without the GIL, from any thread. They serve every schedule of the package and compute in float64, whatever its dtype.
 */
typedef struct cf_api {
    /** `CF_VERSION` of the package. */
    int version;
    /** The size of its `cf_api`, in bytes. */
    int size;
    /** The schedule of a Python object, which must outlive it. For any other object: NULL, and a Python exception. */
    const void *(*schedule_of)(void *object);
    /** The rate at an int64 step. */
    double (*at_int64)(const void *schedule, int64_t step);
    /** The rate at a double step. */
    double (*at_double)(const void *schedule, double step);
    /** The rates of `n` contiguous steps, which they may overwrite. */
    void (*of_int64s)(const void *schedule, const int64_t *steps, double *rates, int64_t n);
    /** The rates of `n` contiguous steps, which they may overwrite. */
    void (*of_doubles)(const void *schedule, const double *steps, double *rates, int64_t n);
    /** The rates of the steps start, start + step, ..., `n` of them, all within int64. */
    void (*of_range)(const void *schedule, int64_t start, int64_t step, double *rates, int64_t n);
    /** `at_double` as SciPy's integrators call it. */
    double (*integrand)(double step, void *schedule);
} cf_api;

/** The name of the capsule. */
#define CF_API_NAME "cosine_fast._kernel.C_API"

/** NULL if the installed package serves a program compiled with this header, else the reason why it does not. */
static inline const char *cf_api_error(const cf_api *api)
{
    if (api->version / 1000 != CF_VERSION_MAJOR)
        return "the installed cosine_fast has another major version than the one this was compiled with: compile again";
    if (api->version < CF_VERSION || api->size < (int)sizeof(cf_api))
        return "the installed cosine_fast is older than the one this was compiled with: upgrade it, or compile again";
    return NULL;
}

#endif
