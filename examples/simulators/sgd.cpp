// Stochastic gradient descent on a noisy quadratic: many runs in parallel, one schedule per run.
//
//     c++ -std=c++11 $(python -m cosine_fast --cflags) -O3 -fopenmp sgd.cpp -o sgd && ./sgd 1000 1000
//
// It has the bits of sgd_python.py, which describes the simulation. sgd.c asks for one rate at a time; this program
// asks for a row of them, which vectorises whatever the rest of the loop does.
#include <cosine_fast.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

// Noise in [-1, 1): the k-th number of splitmix64. It depends on a counter, so that runs may come in any order.
static inline double noise(uint64_t k)
{
    uint64_t z = (k + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return static_cast<double>(static_cast<int64_t>(z >> 11)) * 2.220446049250313e-16 - 1.0;  // 2^-52
}

static cf_cosine_decay cosine_decay(double initial, cf_pair decay_steps, double alpha, double target, cf_pair warmup)
{
    cf_cosine_decay schedule;
    if (const int error = cf_cosine_decay_init_checked(&schedule, initial, decay_steps, alpha, target, warmup))
        throw std::invalid_argument(cf_error_text(error));
    return schedule;
}

extern "C" void simulate(int64_t runs, int64_t steps, double *ends);
extern "C" void simulate(int64_t runs, int64_t steps, double *ends)
{
    std::vector<cf_cosine_decay> schedules;  // made outside the parallel loop, because no exception may leave that
    for (int64_t run = 0; run < runs; run++) {
        const int64_t warmup = run % 90 + 10;
        const double peak = 0.01 * static_cast<double>(run % 100 + 1);
        schedules.push_back(cosine_decay(0.0, cf_from_int64(steps - warmup), 0.1, peak, cf_from_int64(warmup)));
    }
#pragma omp parallel for
    for (int64_t run = 0; run < runs; run++) {
        double x = 1.0, rates[CF_ROW];
        for (int64_t step = 0; step < steps; step++) {
            const int64_t i = step % CF_ROW, left = steps - step;
            if (i == 0) cf_cosine_decay_of_range(&schedules[run], step, 1, rates, left < CF_ROW ? left : CF_ROW);
            x -= rates[i] * (x + noise(static_cast<uint64_t>(run * steps + step)));
        }
        ends[run] = x;
    }
}

int main(int argc, char **argv)
{
    const int64_t runs = argc > 1 ? std::atoll(argv[1]) : 1000, steps = argc > 2 ? std::atoll(argv[2]) : 1000;
    std::vector<double> ends(static_cast<size_t>(runs));
    if (!cf_self_check()) {
        std::fprintf(stderr, "cosine_fast: compiler flags or the floating-point state change its rates\n");
        return 1;
    }
    try {
        simulate(runs, steps, ends.data());
    } catch (const std::invalid_argument &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    double sum = 0.0;
    uint64_t checksum = 0, bits, odd = 1;
    for (const double x : ends) {
        std::memcpy(&bits, &x, sizeof bits);
        checksum += bits * odd;
        odd += 2;
        sum += x * x;
    }
    std::printf("%" PRId64 " runs of %" PRId64 " steps: mean square %.17g, checksum %016" PRIx64 "\n", runs, steps,
                sum / static_cast<double>(runs), checksum);
}
