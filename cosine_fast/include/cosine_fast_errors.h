/* cosine_fast_errors.h: what is wrong with parameters that have not been checked, and the checks that schedules share. */
#ifndef COSINE_FAST_ERRORS_H
#define COSINE_FAST_ERRORS_H

#include "cosine_fast_pairs.h"

/** What is wrong with a parameter. The numbers do not change; new ones are added at the end. */
enum cf_error {
    /** No error. */
    CF_OK = 0,
    /** `initial_learning_rate` is not finite. */
    CF_BAD_INITIAL_LEARNING_RATE = 1,
    /** `decay_steps` is not > 0, at least 2^-64 and below 2^63. */
    CF_BAD_DECAY_STEPS = 2,
    /** `alpha` is not finite. */
    CF_BAD_ALPHA = 3,
    /** `warmup_target` is not finite. */
    CF_BAD_WARMUP_TARGET = 4,
    /** `warmup_steps` is neither 0 nor at least 2^-64 and below 2^63, or below 2 for a logarithmic warmup. */
    CF_BAD_WARMUP_STEPS = 5,
    /** A rate, the difference of two, a product with `alpha` or with 1 - alpha, or the warmup's slope is larger than 2^1000
     * in size.
     */
    CF_BAD_SIZE = 6,
    /** `end_learning_rate` is not finite. */
    CF_BAD_END_LEARNING_RATE = 7,
    /** The function is none of those in `CF_SCHEDULES`. */
    CF_BAD_FUNCTION = 8,
    /** The schedule takes more or fewer numbers, or numbers of steps, than there are. */
    CF_BAD_LENGTH = 9,
    /** The schedule needs `memory`, which is NULL. */
    CF_BAD_MEMORY = 10,
    /** `staircase`, `cycle` or `absolute` is neither 0 nor 1. */
    CF_BAD_FLAG = 11,
    /** `peak_learning_rate` is not finite. */
    CF_BAD_PEAK_LEARNING_RATE = 12,
    /** `first_decay_steps` is not at least 2^-32 and below 2^63. */
    CF_BAD_FIRST_DECAY_STEPS = 13,
    /** `t_mul` is not from 2^-64 to 2^64. */
    CF_BAD_T_MUL = 14,
    /** `m_mul` is not finite. */
    CF_BAD_M_MUL = 15,
    /** `decay_rate` is not finite, or that of an exponential decay without a staircase is negative. */
    CF_BAD_DECAY_RATE = 16,
    /** `timescale` is not > 0, at least 2^-64 and below 2^63. */
    CF_BAD_TIMESCALE = 17,
    /** `shift` is not below 2^63 in size. */
    CF_BAD_SHIFT = 18,
    /** `power` is neither 0 nor from 2^-64 to 2^64 in size. */
    CF_BAD_POWER = 19,
    /** `exponent` is not from 1/1024 to 1024. */
    CF_BAD_EXPONENT = 20,
    /** `k_decay` is not from 1/1024 to 1024. */
    CF_BAD_K_DECAY = 21,
    /** One of the `values` is not finite. */
    CF_BAD_VALUES = 22,
    /** One of the `boundaries` is not finite, or they do not rise; in a joined schedule one is not whole and within int64,
     * or they fall.
     */
    CF_BAD_BOUNDARIES = 23,
    /** One of the `offsets` is not whole and within int64. */
    CF_BAD_OFFSETS = 24,
    /** One of the `signs` is neither 1 nor -1. */
    CF_BAD_SIGNS = 25
};

/** The error as a text, which lives as long as the program. */
static inline const char *cf_error_text(int error)
{
    switch (error) {
    case CF_OK: return "no error";
    case CF_BAD_INITIAL_LEARNING_RATE: return "initial_learning_rate must be finite";
    case CF_BAD_DECAY_STEPS: return "decay_steps must be > 0, at least 2^-64 and below 2^63";
    case CF_BAD_ALPHA: return "alpha must be finite";
    case CF_BAD_WARMUP_TARGET: return "warmup_target must be finite";
    case CF_BAD_WARMUP_STEPS:
        return "warmup_steps must be 0, or at least 2^-64 (2 for a logarithmic warmup) and below 2^63";
    case CF_BAD_SIZE:
        return "the rates, their differences, their products with alpha and 1 - alpha, and the warmup's slope must be at "
               "most 2^1000 in size";
    case CF_BAD_END_LEARNING_RATE: return "end_learning_rate must be finite";
    case CF_BAD_FUNCTION: return "function must be that of a schedule";
    case CF_BAD_LENGTH: return "there must be as many numbers, and as many numbers of steps, as the schedule takes";
    case CF_BAD_MEMORY: return "memory must not be NULL: the schedule needs some";
    case CF_BAD_FLAG: return "staircase, cycle and absolute must be 0 or 1";
    case CF_BAD_PEAK_LEARNING_RATE: return "peak_learning_rate must be finite";
    case CF_BAD_FIRST_DECAY_STEPS: return "first_decay_steps must be at least 2^-32 and below 2^63";
    case CF_BAD_T_MUL: return "t_mul must be from 2^-64 to 2^64";
    case CF_BAD_M_MUL: return "m_mul must be finite";
    case CF_BAD_DECAY_RATE: return "decay_rate must be finite, and >= 0 for an exponential decay without staircase";
    case CF_BAD_TIMESCALE: return "timescale must be > 0, at least 2^-64 and below 2^63";
    case CF_BAD_SHIFT: return "shift must be below 2^63 in size";
    case CF_BAD_POWER: return "power must be 0, or from 2^-64 to 2^64 in size";
    case CF_BAD_EXPONENT: return "exponent must be from 1/1024 to 1024";
    case CF_BAD_K_DECAY: return "k_decay must be from 1/1024 to 1024";
    case CF_BAD_VALUES: return "values must be finite";
    case CF_BAD_BOUNDARIES:
        return "boundaries must be finite and rise; in a joined schedule, be whole, within int64 and not fall";
    case CF_BAD_OFFSETS: return "offsets must be whole and within int64";
    case CF_BAD_SIGNS: return "signs must be 1 or -1";
    default: return "unknown error";
    }
}

/* ---- The checks, which are those of Python ---- */

static inline int cf_is_finite(double x)
{
    return x - x == 0.0;
}

static inline int cf_is_flag(double x)
{
    return x == 0.0 || x == 1.0;
}

/* Whether a rate is so small that no intermediate result overflows. */
static inline int cf_is_rate(double x)
{
    return fabs(x) <= ldexp(1.0, 1000);
}

/* Whether rates may be the ends of a schedule. */
static inline int cf_are_ends(double first, double last)
{
    return cf_is_rate(first) && cf_is_rate(last) && cf_is_rate(first - last);
}

/* Whether x is an int64, as cf_from_int64 makes it. */
static inline int cf_is_int64(cf_pair x)
{
    return cf_is_whole(x) && x.hi + x.lo == x.hi && !cf_less(x, cf_from_int64(INT64_MIN))
           && !cf_less(cf_from_int64(INT64_MAX), x);
}

/* Whether x is a finite double, or an int64. */
static inline int cf_is_step(cf_pair x)
{
    return x.lo == 0.0 ? cf_is_finite(x.hi) : cf_is_int64(x);
}

/* Whether n is a number of steps: 0, or at least 2^-64 and below 2^63. */
static inline int cf_is_count(cf_pair n)
{
    return cf_is_step(n) && (n.hi == 0.0 || n.hi >= ldexp(1.0, -64)) && !cf_less(cf_from_int64(INT64_MAX), n);
}

/* Whether n is a number of steps, and > 0. */
static inline int cf_is_length(cf_pair n)
{
    return cf_is_count(n) && n.hi > 0.0;
}

#endif
