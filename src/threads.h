/* How many threads there may be, and which part of the work each does; all of the project's OpenMP, fork and affinity
 * calls stand here. */
#ifndef COSINE_FAST_THREADS_H
#define COSINE_FAST_THREADS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "blocks.h"

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

/* Threads at work for callers now. It changes under the GIL alone. */
static int cf_busy = 0;
/* How many threads this one has had for its last team; libgomp keeps them. */
static __thread int cf_proven = 1;

static void *cf_wait(void *gate)
{
    pthread_mutex_lock((pthread_mutex_t *)gate);
    pthread_mutex_unlock((pthread_mutex_t *)gate);
    return NULL;
}

/* How many of n threads, this one among them, can be at once. libgomp ends the process when it cannot start one, as
 * under a limit on memory (RLIMIT_AS) or on processes; so they are started here first, and the work is done with those
 * that there may be. */
static inline int cf_prove(int n)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[1024];
    void *spare;
    int i = 0, more = n - 1;
    if (n <= cf_proven) return cf_proven = n; /* of a smaller team it keeps no more */
    if (more > 1024) more = 1024;
    spare = malloc(65536); /* what libgomp itself keeps of a team */
    pthread_mutex_lock(&gate);
    while (spare && i < more && pthread_create(&threads[i], NULL, cf_wait, &gate) == 0) i++;
    pthread_mutex_unlock(&gate);
    n = i + 1;
    while (i > 0) pthread_join(threads[--i], NULL);
    free(spare);
    return cf_proven = n;
}

/* A team for one slice of work: cf_team's, less those who work for other callers, or together these would be more than
 * there may be (`usual` being what is wanted by those who do not say). To be given back with cf_dismiss. */
static inline int cf_hire(int wanted, int usual, int quota)
{
    int n = cf_team(wanted, quota);
    if (n > 1 && cf_busy > 0) {
        int most = cf_team(usual, quota);
        if (most < n) most = n;
        if (n > most - cf_busy) n = most - cf_busy;
    }
    n = n > 1 ? cf_prove(n) : 1;
    cf_busy += n;
    return n;
}

static inline void cf_dismiss(int team)
{
    cf_busy -= team;
}

/* ---- The work of a team: each has a share, and helps the others when it is done ---- */

/* The elements of a share that no one has begun. */
typedef struct cf_share {
    _Alignas(64) int64_t next; /* one share, one cache line: most of the time one thread takes from it */
    int64_t end;
} cf_share;

enum { CF_SHARES = 64 }; /* of a larger team several threads have one */

/* Cut begin <= i < end, at least one element, into `count` shares of whole blocks, but for the last's end. */
static inline void cf_cut(cf_share *shares, int count, int64_t begin, int64_t end)
{
    const int64_t length = ((end - begin - 1) / count / CF_BLOCK + 1) * CF_BLOCK;
    int i;
    for (i = 0; i < count; i++, begin += length) {
        shares[i].next = begin < end ? begin : end;
        shares[i].end = begin + length < end ? begin + length : end;
    }
}

/* What one thread does, a task of so many elements at a time: first the share that is its own, the same part of an array
 * call after call, which it finds in its cache; then what is left of the others'. Nothing is before element 0. */
static inline void cf_take_part(cf_share *shares, int count, int own, int64_t task, cf_run run, const cf_job *job)
{
    int i;
    for (i = 0; i < count; i++) {
        cf_share *const share = &shares[(own + i) % count];
        int64_t begin;
        while ((begin = __atomic_fetch_add(&share->next, task, __ATOMIC_RELAXED)) < share->end) {
            run(job, begin < 0 ? 0 : begin, begin + task < share->end ? begin + task : share->end);
        }
    }
}

#endif
