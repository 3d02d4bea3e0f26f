/* cosine_fast_schedules.h: all schedules, and any of them under one type. Header only, C99 or C++11, no Python. */
#ifndef COSINE_FAST_SCHEDULES_H
#define COSINE_FAST_SCHEDULES_H

#include "cosine_fast_cosine_decay.h"
#include "cosine_fast_cosine_decay_restarts.h"
#include "cosine_fast_cosine_sums.h"
#include "cosine_fast_exponential_decay.h"
#include "cosine_fast_inverse_square_root_decay.h"
#include "cosine_fast_inverse_time_decay.h"
#include "cosine_fast_joined_schedule.h"
#include "cosine_fast_logarithmic_warmup.h"
#include "cosine_fast_piecewise_constant_decay.h"
#include "cosine_fast_polynomial_decay.h"
#include "cosine_fast_power_cosine_decay.h"

/** The list of schedules: `X(NAME, name, loops, memory, init)`.
 *
 * loops
 *     `own`, or `one` or `two` default block loops: of cf_name_rate with variant 0, or with 0 and 1 (src/loops.h).
 * memory
 *     How many bytes the schedule needs besides its struct.
 * init
 *     Fold the schedule `p` from its `numbers` (doubles), its `count` numbers of steps, `counts` (pairs), and `memory`,
 *     which outlives it; for `cf_joined_schedule`, memory has the pointers to its schedules.
 */
#define CF_SCHEDULES(X)                                                                                             \
    X(CF_COSINE_DECAY, cosine_decay, own, 0,                                                                        \
      cf_cosine_decay_init_to(p, numbers[0], counts[0], numbers[1], numbers[3] != 0.0, counts[1].hi > 0.0,          \
                              numbers[2], counts[1]))                                                               \
    X(CF_COSINE_DECAY_RESTARTS, cosine_decay_restarts, own, numbers[1] == 1.0 ? 0 : CF_CYCLES * sizeof(cf_cycle),   \
      cf_cosine_decay_restarts_init(p, numbers[0], counts[0], numbers[1], numbers[2], numbers[3],                   \
                                    numbers[4] != 0.0, (cf_cycle *)memory))                                         \
    X(CF_EXPONENTIAL_DECAY, exponential_decay, two, 0,                                                              \
      cf_exponential_decay_init(p, numbers[0], counts[0], numbers[1], numbers[2] != 0.0))                           \
    X(CF_INVERSE_SQUARE_ROOT_DECAY, inverse_square_root_decay, one, 0,                                              \
      cf_inverse_square_root_decay_init(p, numbers[0], counts[0], counts[1]))                                       \
    X(CF_INVERSE_TIME_DECAY, inverse_time_decay, own, 0,                                                            \
      cf_inverse_time_decay_init(p, numbers[0], counts[0], numbers[1], numbers[2] != 0.0))                          \
    X(CF_JOINED_SCHEDULE, joined_schedule, own, (size_t)(count / 2 + 1) * sizeof(cf_schedule *),                    \
      cf_joined_schedule_init(p, count / 2 + 1, counts, numbers, (const cf_schedule *const *)memory))               \
    X(CF_LOGARITHMIC_WARMUP, logarithmic_warmup, one, 0,                                                            \
      cf_logarithmic_warmup_init(p, numbers[0], numbers[1], counts[0]))                                             \
    X(CF_PIECEWISE_CONSTANT_DECAY, piecewise_constant_decay, own, (size_t)count * sizeof(double),                   \
      cf_piecewise_constant_decay_init(p, count, counts, numbers, (double *)memory))                                \
    X(CF_POLYNOMIAL_DECAY, polynomial_decay, own, 0,                                                                \
      cf_polynomial_decay_init(p, numbers[0], counts[0], numbers[1], numbers[2], numbers[3] != 0.0))                \
    X(CF_POWER_COSINE_DECAY, power_cosine_decay, two, 0,                                                            \
      cf_power_cosine_decay_init(p, numbers[0], counts[0], numbers[1], numbers[2], numbers[3]))

/** What the kernel evaluates: the schedules, and the sums of CosineDecay. */
#define CF_FUNCTIONS(X)                                                                                             \
    CF_SCHEDULES(X)                                                                                                 \
    X(CF_COSINE_SUMS, cosine_sums, two, 0,                                                                          \
      cf_cosine_sums_init_to(p, numbers[0], counts[0], numbers[1], numbers[3] != 0.0, counts[1].hi > 0.0,           \
                             numbers[2], counts[1]))

#define CF_NUMBER_OF(NAME, name, loops, size, init) NAME,
/** The functions by their names in capitals, such as `CF_COSINE_DECAY`. */
enum cf_function { CF_FUNCTIONS(CF_NUMBER_OF) };
#undef CF_NUMBER_OF

#define CF_MEMBER_OF(NAME, name, loops, size, init) cf_##name name;
/** Any of the schedules. */
typedef struct cf_schedule {
    /** The `enum cf_function`: which of them it is. */
    int function;
    union {
        CF_FUNCTIONS(CF_MEMBER_OF)
    } as;
} cf_schedule;
#undef CF_MEMBER_OF

/** The `enum cf_function` of a schedule's name, such as "cosine_decay"; -1 if there is none. */
static inline int cf_function_of(const char *wanted)
{
#define CF_COMPARE(NAME, name, loops, size, init) \
    if (strcmp(wanted, #name) == 0) return NAME;
    CF_FUNCTIONS(CF_COMPARE)
#undef CF_COMPARE
    return -1;
}

/** The bytes of `memory` that `cf_schedule_init` needs. */
static inline size_t cf_schedule_memory(int function, const double *numbers, int64_t count)
{
    (void)numbers, (void)count;
    switch (function) {
#define CF_MEMORY_OF(NAME, name, loops, size, init) \
    case NAME: return size;
        CF_FUNCTIONS(CF_MEMORY_OF)
#undef CF_MEMORY_OF
    default: return 0;
    }
}

/** Fold the parameters, which are trusted: `numbers` and `counts` as `CF_SCHEDULES` has them. `numbers`, `counts` and
 * `memory` must outlive the schedule.
 */
static inline void cf_schedule_init(cf_schedule *schedule, int function, const double *numbers, const cf_pair *counts,
                                    int64_t count, void *memory)
{
    (void)count, (void)memory;
    schedule->function = function;
    switch (function) {
#define CF_INIT(NAME, name, loops, size, init)                                                   \
    case NAME: {                                                                                 \
        cf_##name *const p = &schedule->as.name;                                                 \
        if ((size) == 0 || memory) { /* else compilers warn of it where all callers give NULL */ \
            init;                                                                                \
        }                                                                                        \
        break;                                                                                   \
    }
        CF_FUNCTIONS(CF_INIT)
#undef CF_INIT
    default: break;
    }
}

/** As `cf_schedule_init`, for parameters that have not been checked. Returns `CF_OK`, or another `enum cf_error` and leaves
 * the schedule unchanged.
 *
 * It refuses what the schedule's class in Python refuses; the errors say what that is. A schedule has `n_numbers` numbers
 * and `count` numbers of steps, which `cf_from_int64` and `cf_from_double` make:
 *
 * ``cosine_decay``
 *     warmup_target, alpha or end_learning_rate, initial_learning_rate, absolute (1 for end_learning_rate, else 0);
 *     decay_steps, warmup_steps. Where warmup_steps is 0 the decay begins at warmup_target.
 * ``cosine_decay_restarts``
 *     initial_learning_rate, t_mul, m_mul, alpha or end_learning_rate, absolute; first_decay_steps.
 * ``exponential_decay``, ``inverse_time_decay``
 *     initial_learning_rate, decay_rate, staircase (1 or 0); decay_steps.
 * ``inverse_square_root_decay``
 *     initial_learning_rate; timescale, shift.
 * ``joined_schedule``
 *     signs, 1 or -1 for a schedule that runs backwards; boundaries, one fewer, and then offsets, one for each sign.
 * ``logarithmic_warmup``
 *     peak_learning_rate, initial_learning_rate; warmup_steps.
 * ``piecewise_constant_decay``
 *     values; boundaries, one fewer.
 * ``polynomial_decay``
 *     initial_learning_rate, end_learning_rate, power, cycle (1 or 0); decay_steps.
 * ``power_cosine_decay``
 *     initial_learning_rate, end_learning_rate, exponent, k_decay; decay_steps.
 *
 * `memory` is checked last: if it is NULL, `CF_BAD_MEMORY` says that the schedule needs `cf_schedule_memory` bytes, and that
 * all else is right. The lengths of the arrays and of `memory` are not checked. The schedules of a joined one must have been
 * made.
 */
static inline int cf_schedule_init_checked(cf_schedule *schedule, int function, const double *numbers, int64_t n_numbers,
                                           const cf_pair *counts, int64_t count, void *memory)
{
    int error = CF_BAD_FUNCTION;
    switch (function) {
#define CF_ERROR_OF(NAME, name, loops, size, init) \
    case NAME: error = cf_##name##_error(numbers, n_numbers, counts, count); break;
        CF_SCHEDULES(CF_ERROR_OF)
#undef CF_ERROR_OF
    default: break;
    }
    if (!error && !memory && cf_schedule_memory(function, numbers, count)) error = CF_BAD_MEMORY;
    if (!error) cf_schedule_init(schedule, function, numbers, counts, count, memory);
    return error;
}

/** The rate at any step. */
static inline double cf_schedule_at(const cf_schedule *p, cf_pair step)
{
    switch (p->function) {
#define CF_AT(NAME, name, loops, size, init) \
    case NAME: return cf_##name##_at(&p->as.name, step);
        CF_FUNCTIONS(CF_AT)
#undef CF_AT
    default: return NAN;
    }
}

#endif
