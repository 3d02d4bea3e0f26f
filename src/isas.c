/* Which of the compiled variants of blocks.c this processor runs. */
#include "portable.h"

#include "blocks.h"

extern const cf_isa cf_isa_baseline;

#if defined(CF_X86_VARIANTS)
extern const cf_isa cf_isa_v3, cf_isa_v4;
#endif
#if defined(__x86_64__) || defined(_M_X64)
#define BASELINE "x86-64"
#elif defined(__aarch64__) || defined(_M_ARM64)
#define BASELINE "aarch64"
#else
#define BASELINE "generic"
#endif

int cf_isas(cf_isa out[4])
{
    int n = 0;
#if defined(CF_X86_VARIANTS)
    if (cf_runs_v4()) {
        out[n] = cf_isa_v4;
        out[n++].name = "x86-64-v4";
    }
    if (cf_runs_v3()) {
        out[n] = cf_isa_v3;
        out[n++].name = "x86-64-v3";
    }
#endif
    out[n] = cf_isa_baseline;
    out[n++].name = BASELINE;
    return n;
}
