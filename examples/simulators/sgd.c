/* Stochastic gradient descent on a noisy quadratic: many runs in parallel, one schedule per run.
 *
 *     cc $(python -m cosine_fast --cflags) -O3 -fopenmp sgd.c -o sgd -lm && ./sgd 1000 1000
 *
 * It has the bits of sgd_python.py, which describes the simulation. */
#include <cosine_fast.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Noise in [-1, 1): the k-th number of splitmix64. It depends on a counter, so that runs may come in any order. */
static inline double noise(uint64_t k)
{
    uint64_t z = (k + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (double)(int64_t)(z >> 11) * 2.220446049250313e-16 - 1.0; /* 2^-52 */
}

/* Writes the x at which each run ends. Returns 0, or an enum cf_error. */
int simulate(int64_t runs, int64_t steps, double *ends);
int simulate(int64_t runs, int64_t steps, double *ends)
{
    int errors = CF_OK;
    int64_t run;
#pragma omp parallel for reduction(| : errors)
    for (run = 0; run < runs; run++) {
        const int64_t warmup = run % 90 + 10;
        const double peak = 0.01 * (double)(run % 100 + 1);
        double x = 1.0;
        cf_cosine_decay schedule;
        int64_t step;
        const int error = cf_cosine_decay_init_checked(&schedule, 0.0, cf_from_int64(steps - warmup), 0.1, peak,
                                                       cf_from_int64(warmup));
        if (error) {
            errors |= error;
            continue;
        }
        for (step = 0; step < steps; step++) {
            x -= cf_cosine_decay_at_int64(&schedule, step) * (x + noise((uint64_t)(run * steps + step)));
        }
        ends[run] = x;
    }
    return errors;
}

int main(int argc, char **argv)
{
    const int64_t runs = argc > 1 ? atoll(argv[1]) : 1000, steps = argc > 2 ? atoll(argv[2]) : 1000;
    double *ends = (double *)malloc((size_t)runs * sizeof *ends), sum = 0.0;
    uint64_t checksum = 0, bits;
    int64_t run;
    int error;
    if (!ends) return 1;
    if (!cf_self_check()) {
        fprintf(stderr, "cosine_fast: compiler flags or the floating-point state change its rates\n");
        return 1;
    }
    error = simulate(runs, steps, ends);
    if (error) {
        fprintf(stderr, "%s\n", cf_error_text(error));
        return 1;
    }
    for (run = 0; run < runs; run++) {
        memcpy(&bits, &ends[run], sizeof bits);
        checksum += bits * (uint64_t)(2 * run + 1);
        sum += ends[run] * ends[run];
    }
    printf("%" PRId64 " runs of %" PRId64 " steps: mean square %.17g, checksum %016" PRIx64 "\n", runs, steps,
           sum / (double)runs, checksum);
    free(ends);
    return 0;
}
