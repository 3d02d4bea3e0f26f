/* Which of the compiled variants of blocks.c this processor runs. */
#include "blocks.h"

void cf_run_baseline(const cf_job *, int64_t, int64_t);

#if defined(CF_X86_VARIANTS)

void cf_run_v3(const cf_job *, int64_t, int64_t);
void cf_run_v4(const cf_job *, int64_t, int64_t);

int cf_isas(cf_isa out[4])
{
    int n = 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd")
        && __builtin_cpu_supports("fma")) {
        out[n].name = "x86-64-v4";
        out[n++].run = cf_run_v4;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
        out[n].name = "x86-64-v3";
        out[n++].run = cf_run_v3;
    }
    out[n].name = "x86-64";
    out[n++].run = cf_run_baseline;
    return n;
}

#else

int cf_isas(cf_isa out[4])
{
#if defined(__aarch64__)
    out[0].name = "aarch64";
#else
    out[0].name = "generic";
#endif
    out[0].run = cf_run_baseline;
    return 1;
}

#endif
