/* How many threads work on a call, and which part of the work each does. All calls of OpenMP are here.
 *
 * What threads share is atomic: callers need no GIL. */
#ifndef COSINE_FAST_THREADS_H
#define COSINE_FAST_THREADS_H

#include "portable.h"
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
static atomic_int cf_forked;

static void cf_in_child(void)
{
    cf_forked = 1;
}

static inline int cf_watch_forks(void)
{
    return cf_at_fork(cf_in_child);
}

/* The processors that threads may run on: those of OpenMP's places where it binds threads, for then the affinity mask of this
 * thread is a single place; otherwise those of the mask, which may change at any time. */
static inline int cf_processors(void)
{
    const int processors = omp_get_num_procs(), mask = omp_get_proc_bind() ? 0 : cf_affinity();
    int n = 0, place;
    if (mask > 0) return mask;
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

/* ---- Acquiring threads ---- */

static atomic_int cf_busy;                        /* threads that work on calls now */
static _Atomic int64_t cf_alone_until;            /* a time; calls that begin before it use one thread */
static _Atomic int64_t cf_alone_for;              /* how long the last such time was, less what teams in time took off */
static atomic_int cf_proven_threads = 1;          /* this many threads have run at once */
static atomic_int cf_thread_limit = CF_MOST_THREADS; /* more than this cannot be started */
static atomic_int cf_probing;                     /* a caller finds out how many can be */

/* How many of n threads, this one included, can run at once. libgomp aborts the process if it cannot start a thread, for
 * example under a limit on memory (RLIMIT_AS) or on processes. So the first call of a process that needs this many starts
 * them here, and the work is done by as many as there can be. */
static inline int cf_probe_threads(int n)
{
    int most = cf_thread_limit, proven = cf_proven_threads;
    if (n > most) n = most;
    if (n <= proven) return n;
    if (atomic_exchange(&cf_probing, 1)) return proven;
    proven = cf_try_threads(n);
    if (proven < n) cf_thread_limit = proven;
    cf_proven_threads = proven;
    cf_probing = 0;
    return proven;
}

/* The threads for one call: those of cf_team, less those that work on other calls, so that all calls together use no more
 * than `usual` allows. cf_release_threads gives them back. */
static inline int cf_acquire_threads(int wanted, int usual, int quota)
{
    int team = cf_team(wanted, quota), busy = cf_busy, n, proven;
    if (team > 1 && cf_nanoseconds() < cf_alone_until) team = 1;
    do {
        n = team;
        if (n > 1 && busy > 0) {
            int most = cf_team(usual, quota);
            if (most < n) most = n;
            if (n > most - busy) n = most - busy > 1 ? most - busy : 1;
        }
    } while (!atomic_compare_exchange_weak(&cf_busy, &busy, busy + n));
    proven = n > 1 ? cf_probe_threads(n) : 1;
    cf_busy -= n - proven;
    return proven;
}

/* ---- The work of a team: each thread has a share, and helps the others when that is done ---- */

/* The elements of a share that no thread has begun. */
typedef struct cf_share {
    _Alignas(64) _Atomic int64_t next; /* a cache line of its own: mostly one thread takes from it */
    int64_t end;
} cf_share;

enum {
    CF_SHARES = 64,                   /* in a larger team several threads have one share */
    CF_CLOCK_ELEMENTS = 1 << 15,      /* the first thread reads the clock once in this many elements ... */
    CF_CHECK_NANOSECONDS = 50000000,  /* ... and calls `interrupted` once in this many nanoseconds */
    CF_LATE_NANOSECONDS = 1000000,    /* a team that ends sooner is never late */
    CF_ALONE_LEAST = 3,               /* after a late team, calls use one thread for this many times its time, ... */
    CF_ALONE_GROWTH = 4,              /* ... or for this many times cf_alone_for if that is longer, ... */
    CF_ALONE_MOST = 50,               /* ... but at most for this many times its time ... */
    CF_ALONE_NANOSECONDS = 1000000000 /* ... and at most this long */
};

typedef struct cf_work {
    cf_run run;
    const void *job;
    int64_t task; /* elements that a thread takes at a time */
    int count;    /* of the shares */
    atomic_int stopped;
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
        while (!atomic_load_explicit(&work->stopped, memory_order_relaxed)
               && (begin = atomic_fetch_add_explicit(&share->next, work->task, memory_order_relaxed)) < share->end) {
            const int64_t end = begin + work->task < share->end ? begin + work->task : share->end;
            cf_run_part(work->run, work->job, begin < 0 ? 0 : begin, end);
            done += work->task;
            if (thread == 0 && done >= CF_CLOCK_ELEMENTS) {
                const int64_t now = cf_nanoseconds();
                done = 0;
                if (now - checked < CF_CHECK_NANOSECONDS) continue;
                checked = now;
                if (work->interrupted()) work->stopped = 1;
            }
        }
    }
    if (thread == 0) work->own = cf_nanoseconds() - began;
}

/* Give the threads back. On a busy machine a worker may lose its processor, and the team waits for it at its end. A team is
 * late if it has taken longer than the first thread would have alone. The next calls then use one thread: briefly, because
 * it may not happen again, but longer each time if few teams were in time meanwhile. A team in time takes CF_ALONE_GROWTH
 * times its own time off cf_alone_for. */
static inline void cf_release_threads(int team, const cf_work *work)
{
    const int64_t now = cf_nanoseconds(), taken = now - work->began;
    int64_t alone = cf_alone_for;
    cf_busy -= team;
    if (team == 1) return;
    if (taken > CF_LATE_NANOSECONDS && taken > team * work->own) {
        alone *= CF_ALONE_GROWTH;
        if (alone < CF_ALONE_LEAST * taken) alone = CF_ALONE_LEAST * taken;
        if (alone > CF_ALONE_MOST * taken) alone = CF_ALONE_MOST * taken;
        if (alone > CF_ALONE_NANOSECONDS) alone = CF_ALONE_NANOSECONDS;
        cf_alone_until = now + alone;
    } else {
        alone = alone > CF_ALONE_GROWTH * taken ? alone - CF_ALONE_GROWTH * taken : 0;
    }
    cf_alone_for = alone;
}

#endif
