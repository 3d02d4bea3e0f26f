/* Which of the compiled variants of blocks.c this processor runs. */
#include "blocks.h"

extern const cf_isa cf_isa_baseline;

#if defined(CF_X86_VARIANTS)
extern const cf_isa cf_isa_v3, cf_isa_v4;
#define BASELINE "x86-64"
#elif defined(__aarch64__)
#define BASELINE "aarch64"
#else
#define BASELINE "generic"
#endif

int cf_isas(cf_isa out[4])
{
    int n = 0;
#if defined(CF_X86_VARIANTS)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("fma")) {
        out[n] = cf_isa_v4;
        out[n++].name = "x86-64-v4";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
        out[n] = cf_isa_v3;
        out[n++].name = "x86-64-v3";
    }
#endif
    out[n] = cf_isa_baseline;
    out[n++].name = BASELINE;
    return n;
}
