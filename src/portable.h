/* What differs between systems: processors, threads, forks, clocks. No other file tests for the system. Atomics are C11's.
 *
 * POSIX systems (Linux with glibc or musl, macOS, FreeBSD) and Windows (MinGW, MSVC). To be included before other headers. */
#ifndef COSINE_FAST_PORTABLE_H
#define COSINE_FAST_PORTABLE_H

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <pthread.h>
#include <sched.h>
#include <time.h>
#endif
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

/* ---- The processor: whether it has what setup.py compiles a variant of blocks.c for ---- */

#if defined(CF_X86_VARIANTS)
static inline int cf_runs_v3(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

static inline int cf_runs_v4(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("fma");
}
#endif

/* ---- The process ---- */

/* The processors in this thread's affinity mask; 0 where the system does not tell. */
static inline int cf_affinity(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    return 0;
}

/* Call a function in each forked child; not 0 is an error. */
static inline int cf_at_fork(void (*in_child)(void))
{
#if defined(_WIN32)
    return (void)in_child, 0;
#else
    return pthread_atfork(NULL, NULL, in_child);
#endif
}

static inline int64_t cf_nanoseconds(void)
{
#if defined(_WIN32)
    LARGE_INTEGER now, second;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&second);
    return (int64_t)((double)now.QuadPart * 1e9 / (double)second.QuadPart);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

/* ---- Threads ---- */

/* Let others run. */
static inline void cf_yield(void)
{
#if defined(_WIN32)
    SwitchToThread();
#else
    sched_yield();
#endif
}

enum { CF_MOST_THREADS = 1024 };

#if !defined(_WIN32)
static inline void *cf_wait(void *gate)
{
    pthread_mutex_lock((pthread_mutex_t *)gate);
    pthread_mutex_unlock((pthread_mutex_t *)gate);
    return NULL;
}
#endif

/* How many of n threads, this one included, can run at once: they are started, and end at once. Windows limits none. */
static inline int cf_try_threads(int n)
{
#if !defined(_WIN32)
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[CF_MOST_THREADS];
    void *const spare = malloc(65536); /* libgomp itself needs some memory for a team */
    int i = 0;
    pthread_mutex_lock(&gate);
    while (spare && i < n - 1 && pthread_create(&threads[i], NULL, cf_wait, &gate) == 0) i++;
    pthread_mutex_unlock(&gate);
    n = i + 1;
    while (i > 0) pthread_join(threads[--i], NULL);
    free(spare);
#endif
    return n;
}

#endif
