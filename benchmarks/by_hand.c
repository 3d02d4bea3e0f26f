/* The schedule as a C programmer would write it, for -Ofast -march=native: the compiler vectorises it and calls the C
 * library's vector cosine (libmvec). Without a branch: it computes both rates and selects one. */

#include <math.h>
#include <stdint.h>

void by_hand(const int64_t *steps, double *rates, int64_t n, int64_t threads, double start, double peak, double alpha,
             double warmup, double decay)
{
    int64_t i;
#pragma omp parallel for simd num_threads((int)threads) schedule(static)
    for (i = 0; i < n; i++) {
        const double s = (double)steps[i], t = s - warmup, x = (t < decay ? t : decay) / decay;
        const double wave = peak * ((1 - alpha) * (0.5 * (1 + cos(M_PI * x))) + alpha);
        const double line = start + (peak - start) * (s / warmup);
        rates[i] = s < warmup ? line : wave;
    }
}
