/* cosine_fast.h: learning-rate schedules in C and C++, one step -> one learning rate, the same bits everywhere.
 *
 * Header only, C99 or C++11, no Python. Compile with -ffp-contract=off and without -ffast-math and its like: the bits come
 * from IEEE 754 doubles, rounded to nearest, and from this order of operations. With FMA (-mfma) the code is faster: FMA is
 * used only where it changes no bit. cf_self_check (cosine_fast_self_check.h) says whether a program has these bits.
 *
 * This header gives CosineDecay: its formula (cosine_fast_cosine_decay.h), and checked parameters, loops and arrays for
 * programs (cosine_fast_embed.h). The other schedules (cosine_fast_schedules.h) come with the self-check.
 */
#ifndef COSINE_FAST_H
#define COSINE_FAST_H

#include "cosine_fast_cosine_decay.h"
#include "cosine_fast_embed.h"
#include "cosine_fast_self_check.h"

#endif
