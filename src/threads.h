/* How many threads there may be; all of the project's OpenMP, fork and affinity calls stand here. */
#ifndef COSINE_FAST_THREADS_H
#define COSINE_FAST_THREADS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#define CF_OPENMP 1
#else
#define CF_OPENMP 0
static inline int omp_get_max_threads(void) { return 1; }
static inline int omp_in_parallel(void) { return 0; }
#endif

/* libgomp's threads do not live on in a forked child, where its first parallel region would wait for them for ever,
 * whoever started them. There is no way to ask it, so a forked child works on one thread. */
static int cf_forked = 0;

static void cf_in_child(void)
{
    cf_forked = 1;
}

static inline int cf_watch_forks(void)
{
    return pthread_atfork(0, 0, cf_in_child);
}

/* The processors that this thread may run on. */
static inline int cf_processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    {
        const long n = sysconf(_SC_NPROCESSORS_ONLN);
        return n > 0 && n < INT_MAX ? (int)n : 1;
    }
}

/* The threads to use where `wanted` are asked for (0: no one said) and the cgroup grants `quota` (0: no limit). */
static inline int cf_team(int wanted, int quota)
{
    int n = wanted > 0 ? wanted : omp_get_max_threads();
    const int processors = cf_processors();
    if (!CF_OPENMP || cf_forked || omp_in_parallel()) return 1;
    if (n > processors) n = processors;
    if (quota > 0 && n > quota) n = quota;
    return n > 1 ? n : 1;
}

#endif
