/* cosine_fast_self_check.h: whether a program has the right bits with its compiler flags and floating-point state.
 *
 * The headers refuse flags that the compiler tells of (cosine_fast_pairs.h). Others, such as GCC's contraction of a product
 * and a sum to one rounding, only show in the results. A file's flags are its own: check in a file that computes rates. */
#ifndef COSINE_FAST_SELF_CHECK_H
#define COSINE_FAST_SELF_CHECK_H

#include "cosine_fast_schedules.h"

/** 1 if the calling thread rounds to nearest and has subnormal numbers, as threads do by default, else 0. Code that is
 * linked with -ffast-math may change this.
 */
static inline int cf_environment_is_sound(void)
{
    const volatile double one = 1.0, normal = 2.2250738585072014e-308, subnormal = 5e-324; /* not computed in advance */
    return one + 5.551115123125783e-17 == 1.0     /* 2^-54: not upwards, ... */
           && one + 1.6653345369377348e-16 != 1.0 /* 3 * 2^-54: ... nor downwards, nor towards zero */
           && normal * 0.5 != 0.0 && subnormal * 1e300 != 0.0;
}

/** 1 if this file's flags and the calling thread's state are right for the schedules, else 0. Each flag that is known to
 * change rates changes some rates that it knows. It takes about two microseconds.
 */
static inline int cf_self_check(void)
{
    static const struct {
        int function;
        double numbers[5];
        int64_t counts[2], step;
        uint64_t rate;
    } known[] = {
        {CF_COSINE_DECAY, {0.05, 0.0, 0.0}, {300000, 0}, 195000, UINT64_C(0x3f8bf4a7dd62819a)},
        {CF_COSINE_DECAY, {0.7, 0.01, 0.001}, {10000000000000, 10}, 6700000000000, UINT64_C(0x3fc6abc65635cc16)},
        {CF_COSINE_DECAY_RESTARTS, {0.05, 1.0, 0.7, 0.0}, {7000000000000000, 0}, 38220000000000007,
         UINT64_C(0x3f735e0ddd97fcb4)},
        {CF_EXPONENTIAL_DECAY, {0.05, 0.5, 0.0}, {700000000000, 0}, 231000000000, UINT64_C(0x3fa45da0be0cdb4a)},
        {CF_INVERSE_SQUARE_ROOT_DECAY, {0.7}, {1000, 1000}, 440, UINT64_C(0x3fe2aaaaaaaaaaaa)},
        {CF_INVERSE_TIME_DECAY, {0.7, 3.0, 1.0}, {3000, 0}, 60, UINT64_C(0x3fe6666666666666)},
        {CF_POLYNOMIAL_DECAY, {0.3, 0.01, 0.75, 0.0}, {20000000, 0}, 5235004, UINT64_C(0x3fced8043ce6b702)},
        {CF_POLYNOMIAL_DECAY, {-0.0, -0.0, 2.0, 0.0}, {1000, 0}, 1000, 0},
        {CF_POWER_COSINE_DECAY, {0.3, 0.01, 1.5, 2.5}, {20000000, 0}, 9200000, UINT64_C(0x3fd1d396a3360a81)},
    };
    const volatile size_t first = 0; /* no rate is computed in advance */
    size_t i;
    int right = cf_environment_is_sound();
    for (i = first; i < sizeof known / sizeof *known; i++) {
        const cf_pair counts[2] = {cf_from_int64(known[i].counts[0]), cf_from_int64(known[i].counts[1])};
        double memory[2];
        cf_schedule schedule;
        cf_schedule_init(&schedule, known[i].function, known[i].numbers, counts, 2, memory);
        right &= cf_bits(cf_schedule_at(&schedule, cf_from_int64(known[i].step))) == known[i].rate;
    }
    return right;
}

#endif
