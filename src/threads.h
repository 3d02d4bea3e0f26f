/* How many threads work on a call, and which part of the work each does. All OpenMP, fork and affinity calls are here. */
#ifndef COSINE_FAST_THREADS_H
#define COSINE_FAST_THREADS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "state.h"

#ifdef _OPENMP
#include <omp.h>
#define CF_OPENMP 1
#else
#define CF_OPENMP 0
static inline int omp_get_max_threads(void) { return 1; }
static inline int omp_get_num_procs(void) { return 1; }
static inline int omp_get_proc_bind(void) { return 0; }
static inline int omp_get_num_places(void) { return 0; }
static inline int omp_get_place_num_procs(int place) { return (void)place, 1; }
static inline int omp_in_parallel(void) { return 0; }
#endif

/* libgomp's threads do not exist in a forked child, where its first parallel region would wait for them for ever. There is no
 * way to ask libgomp whether it has any, so a forked child uses one thread. */
static int cf_forked = 0;

static void cf_in_child(void)
{
    cf_forked = 1;
}

static inline int cf_watch_forks(void)
{
    return pthread_atfork(0, 0, cf_in_child);
}

/* The processors that threads may run on: those of OpenMP's places where it binds threads, for then the affinity mask of this
 * thread is a single place; otherwise those of the mask, which may change at any time. */
static inline int cf_processors(void)
{
    const int processors = omp_get_num_procs();
    int n = 0, place;
#ifdef __linux__
    cpu_set_t set;
    if (!omp_get_proc_bind() && sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    for (place = 0; place < omp_get_num_places(); place++) n += omp_get_place_num_procs(place);
    return n > 0 && n < processors ? n : processors;
}

/* How many threads a call uses that asks for `wanted` (0: the default), where the cgroup grants `quota` (0: no limit). */
static inline int cf_team(int wanted, int quota)
{
    const int processors = cf_processors();
    int n = wanted > 0 ? wanted : omp_get_max_threads();
    if (!CF_OPENMP || cf_forked || omp_in_parallel()) return 1;
    if (n > processors) n = processors;
    if (quota > 0 && n > quota) n = quota;
    return n > 1 ? n : 1;
}

/* ---- Acquiring threads, with the GIL held ---- */

enum { CF_MOST_THREADS = 1024 };

static int cf_busy = 0;               /* threads that work on calls now */
static int64_t cf_alone_until = 0;    /* a time; calls that begin before it use one thread */
static int cf_startable = 1;          /* so many threads were started before */
static int cf_most = CF_MOST_THREADS; /* no more can be started */

static void *cf_wait(void *gate)
{
    pthread_mutex_lock((pthread_mutex_t *)gate);
    pthread_mutex_unlock((pthread_mutex_t *)gate);
    return NULL;
}

/* How many of n threads, this one included, can run at once. libgomp aborts the process if it cannot start a thread, for
 * example under a limit on memory (RLIMIT_AS) or on processes. So the first call of a process that needs so many starts
 * them here, and the work is done by as many as there can be. */
static inline int cf_probe_threads(int n)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t threads[CF_MOST_THREADS];
    void *spare;
    int i = 0;
    if (n > cf_most) n = cf_most;
    if (n <= cf_startable) return n;
    spare = malloc(65536); /* libgomp itself needs some memory for a team */
    pthread_mutex_lock(&gate);
    while (spare && i < n - 1 && pthread_create(&threads[i], NULL, cf_wait, &gate) == 0) i++;
    pthread_mutex_unlock(&gate);
    if (i < n - 1) cf_most = i + 1;
    cf_startable = n = i + 1;
    while (i > 0) pthread_join(threads[--i], NULL);
    free(spare);
    return n;
}

static inline int64_t cf_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The threads for one call: those of cf_team, less those that work on other calls, so that all calls together use no more
 * than `usual` allows. cf_release_threads gives them back. */
static inline int cf_acquire_threads(int wanted, int usual, int quota)
{
    int n = cf_team(wanted, quota);
    if (n > 1 && cf_nanoseconds() < cf_alone_until) n = 1;
    if (n > 1 && cf_busy > 0) {
        int most = cf_team(usual, quota);
        if (most < n) most = n;
        if (n > most - cf_busy) n = most - cf_busy;
    }
    n = n > 1 ? cf_probe_threads(n) : 1;
    cf_busy += n;
    return n;
}

/* ---- The work of a team: each thread has a share, and helps the others when that is done ---- */

/* The elements of a share that no thread has begun. */
typedef struct cf_share {
    _Alignas(64) int64_t next; /* a cache line of its own: mostly one thread takes from it */
    int64_t end;
} cf_share;

enum {
    CF_SHARES = 64,                   /* in a larger team several threads have one share */
    CF_CLOCK_ELEMENTS = 1 << 15,      /* the first thread reads the clock once in so many elements ... */
    CF_CHECK_NANOSECONDS = 50000000,  /* ... and calls `interrupted` once in so many nanoseconds */
    CF_LATE_NANOSECONDS = 1000000,    /* a team that ends sooner is never too slow */
    CF_ALONE = 50,                    /* after a team that was too slow, one thread works for so many times its time ... */
    CF_ALONE_NANOSECONDS = 1000000000 /* ... but at most so long */
};

typedef struct cf_work {
    cf_run run;
    const void *job;
    int64_t task; /* elements that a thread takes at a time */
    int count;    /* of the shares */
    int stopped;
    int (*interrupted)(void); /* whether to stop; called by the first thread */
    int64_t began, own;       /* when the team began, and how long the first thread worked; in nanoseconds */
    cf_share shares[CF_SHARES];
} cf_work;

/* Divide begin <= i < end, at least one element, among a team: shares of whole blocks, except the end of the last. */
static inline void cf_share_out(cf_work *work, int team, int64_t begin, int64_t end)
{
    int64_t length;
    int i;
    work->count = team < CF_SHARES ? team : CF_SHARES;
    work->stopped = 0;
    work->began = cf_nanoseconds();
    length = ((end - begin - 1) / work->count / CF_BLOCK + 1) * CF_BLOCK;
    for (i = 0; i < work->count; i++, begin += length) {
        work->shares[i].next = begin < end ? begin : end;
        work->shares[i].end = begin + length < end ? begin + length : end;
    }
}

/* What one thread of the team does. It begins with its own share: the same part of an array call after call, which is in its
 * cache. Then it takes what is left of the others. There are no elements before 0. */
static inline void cf_take_part(cf_work *work, int thread)
{
    const int64_t began = thread == 0 ? cf_nanoseconds() : 0;
    int64_t checked = began, done = 0;
    int i;
    for (i = 0; i < work->count; i++) {
        cf_share *const share = &work->shares[(thread + i) % work->count];
        int64_t begin;
        while (!__atomic_load_n(&work->stopped, __ATOMIC_RELAXED)
               && (begin = __atomic_fetch_add(&share->next, work->task, __ATOMIC_RELAXED)) < share->end) {
            const int64_t end = begin + work->task < share->end ? begin + work->task : share->end;
            cf_run_part(work->run, work->job, begin < 0 ? 0 : begin, end);
            done += work->task;
            if (thread == 0 && done >= CF_CLOCK_ELEMENTS) {
                const int64_t now = cf_nanoseconds();
                done = 0;
                if (now - checked < CF_CHECK_NANOSECONDS) continue;
                checked = now;
                if (work->interrupted()) __atomic_store_n(&work->stopped, 1, __ATOMIC_RELAXED);
            }
        }
    }
    if (thread == 0) work->own = cf_nanoseconds() - began;
}

/* Give the threads back. On a busy machine a worker may lose its processor, and the team waits for it at its end. If the team
 * has taken longer than the first thread would have alone, the next calls are made alone. */
static inline void cf_release_threads(int team, const cf_work *work)
{
    const int64_t now = cf_nanoseconds(), taken = now - work->began, most = CF_ALONE_NANOSECONDS / CF_ALONE;
    cf_busy -= team;
    if (team > 1 && taken > CF_LATE_NANOSECONDS && taken > team * work->own) {
        cf_alone_until = now + CF_ALONE * (taken < most ? taken : most);
    }
}

#endif
