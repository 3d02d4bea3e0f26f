/* The floating-point state of a thread: the rounding mode, whether subnormal numbers are flushed to zero, and traps. Libraries
 * change it (PyTorch's set_flush_denormal, whatever is linked with -ffast-math), in some threads and not in others. So every
 * way into the kernel computes between cf_enter, which sets the default state, and cf_leave, which restores the
 * caller's. */
#ifndef COSINE_FAST_STATE_H
#define COSINE_FAST_STATE_H

#include "blocks.h"

/* CF_READ and CF_WRITE access the register of the state, in which CF_STATE_BITS are all but the record of past exceptions.
 * CF_REGISTER is the constraint of a register that holds a double. */
#if defined(__x86_64__)
typedef uint32_t cf_state;
enum { CF_STATE_BITS = 0xffc0, CF_DEFAULT_STATE = 0x1f80 };
#define CF_READ(state) __asm__ volatile("stmxcsr %0" : "=m"(state))
#define CF_WRITE(state) __asm__ volatile("ldmxcsr %0" : : "m"(state) : "memory")
#define CF_REGISTER "x"
#elif defined(__aarch64__)
typedef uint64_t cf_state;
enum { CF_STATE_BITS = -1, CF_DEFAULT_STATE = 0 };
#define CF_READ(state) __asm__ volatile("mrs %0, fpcr" : "=r"(state))
#define CF_WRITE(state) __asm__ volatile("msr fpcr, %0" : : "r"(state) : "memory")
#define CF_REGISTER "w"
#elif defined(_M_X64) /* MSVC, which has no such assembly */
#include <immintrin.h>
typedef uint32_t cf_state;
enum { CF_STATE_BITS = 0xffc0, CF_DEFAULT_STATE = 0x1f80 };
#define CF_READ(state) ((state) = _mm_getcsr())
#define CF_WRITE(state) _mm_setcsr(state)
#else
#include <fenv.h>
typedef int cf_state; /* the rounding mode alone */
enum { CF_STATE_BITS = -1, CF_DEFAULT_STATE = FE_TONEAREST };
#define CF_READ(state) ((state) = fegetround())
#define CF_WRITE(state) ((void)fesetround(state))
#define CF_REGISTER "m"
#endif

static inline cf_state cf_enter(void)
{
    const cf_state usual = CF_DEFAULT_STATE;
    cf_state state;
    CF_READ(state);
    if ((state & (cf_state)CF_STATE_BITS) != usual) CF_WRITE(usual);
    return state;
}

static inline void cf_leave(cf_state state)
{
    if ((state & (cf_state)CF_STATE_BITS) != CF_DEFAULT_STATE) CF_WRITE(state);
}

/* The compiler does not know that arithmetic depends on the state: this keeps it from computing with the variable x before
 * cf_enter, or x after cf_leave. */
#if defined(__GNUC__) || defined(__clang__)
#define CF_HERE(type, x, constraint) __asm__ volatile("" : "+" constraint(x))
#else
#define CF_HERE(type, x, constraint) \
    do {                             \
        volatile type here = x;      \
        x = here;                    \
    } while (0)
#endif

static inline double cf_here(double x)
{
    CF_HERE(double, x, CF_REGISTER);
    return x;
}

static inline double cf_at_int64(const cf_schedule *p, int64_t step)
{
    const cf_state state = cf_enter();
    double rate;
    CF_HERE(int64_t, step, "r");
    rate = cf_here(cf_schedule_at(p, cf_from_step(step)));
    cf_leave(state);
    return rate;
}

static inline double cf_at_double(const cf_schedule *p, double step)
{
    const cf_state state = cf_enter();
    const double rate = cf_here(cf_schedule_at(p, cf_make_pair(cf_here(step), 0.0)));
    cf_leave(state);
    return rate;
}

static inline void cf_run_part(cf_run run, const void *work, int64_t begin, int64_t end)
{
    const cf_state state = cf_enter();
    run(work, begin, end);
    cf_leave(state);
}

#endif
