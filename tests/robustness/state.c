/* Rates in each rounding mode, and where subnormal numbers are flushed to zero; prints those that are not the usual ones. */
#include <fenv.h>
#include <stdio.h>

#include "../../src/state.h"

int main(void)
{
    const double numbers[] = {0.2, 0.1, 1e-300, 0.0};
    const cf_pair counts[] = {cf_make_pair(1000.5, 0.0), cf_make_pair(77.0, 0.0)};
    const int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
#if defined(__x86_64__)
    const cf_state flushing = 0x9fc0;
#else
    const cf_state flushing = 1 << 24;
#endif
    cf_schedule schedule;
    int i, k, wrong = 0;
    cf_schedule_init(&schedule, cf_function_of("cosine_decay"), numbers, counts, 2, NULL);
    for (i = -100; i < 2000; i++) {
        const int64_t step = i * INT64_C(0x7fffffffffff);
        const double fraction = i * 0.7 + 2e-310;
        const double want[] = {cf_at_int64(&schedule, step), cf_at_double(&schedule, fraction)};
        for (k = 0; k < 5; k++) {
            double got[2];
            cf_state before, after;
            if (k < 4) fesetround(modes[k]); else CF_WRITE(flushing);
            CF_READ(before);
            got[0] = cf_at_int64(&schedule, step);
            got[1] = cf_at_double(&schedule, fraction);
            CF_READ(after);
            cf_enter();
            if (memcmp(got, want, sizeof got) || ((before ^ after) & (cf_state)CF_STATE_BITS)) {
                printf("step %d, mode %d: %a %a %lx, not %a %a %lx\n", i, k, got[0], got[1], (unsigned long)after, want[0],
                       want[1], (unsigned long)before);
                wrong = 1;
            }
        }
    }
    return wrong;
}
