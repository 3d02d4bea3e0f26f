/* A block of PolynomialDecay: a straight one is CosineDecay's warmup line; the others use the default loops. Only blocks.c
 * includes this. */
#ifndef COSINE_FAST_POLYNOMIAL_DECAY_BLOCKS_H
#define COSINE_FAST_POLYNOMIAL_DECAY_BLOCKS_H

#include "cosine_decay.h"

DEFAULT_LOOPS(polynomial_decay, CF_ANY_POWER)
DEFAULT_LOOPS(polynomial_decay, CF_CYCLIC)
DEFAULT_LOOPS(polynomial_decay, CF_POWER_HALF)
DEFAULT_LOOPS(polynomial_decay, CF_POWER_TWO)
DEFAULT_BLOCK(polynomial_decay, evaluate_curve, DEFAULT_ROW(polynomial_decay, CF_ANY_POWER),
              DEFAULT_ROW(polynomial_decay, CF_CYCLIC), DEFAULT_ROW(polynomial_decay, CF_POWER_HALF),
              DEFAULT_ROW(polynomial_decay, CF_POWER_TWO))

static void evaluate_polynomial_decay(const cf_job *job, const cf_polynomial_decay *p, const rows *r, int64_t begin,
                                      int n, sink out)
{
    if (p->straight) {
        evaluate_cosine_decay(job, &p->line, r, begin, n, out);
    } else {
        evaluate_curve(job, p, r, begin, n, out);
    }
}

#endif
