/* The header, the block loops and the driver's C without Python: many threads evaluate jobs of every layout at once, and each
 * rate is compared with cf_schedule_at's. For sanitizers and valgrind, which do better without an interpreter.
 *
 *     harness [THREADS [ROUNDS]]      exit status 0 if all bits are right
 *
 * With CF_FUZZ it is a target for libFuzzer instead, and without libFuzzer one that reads inputs from files. */

#include "threads.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 2300, DIMENSIONS = 3, THREADS_MOST = 64 };

static uint64_t bits_of(double x)
{
    return x != x ? 0 : cf_bits(x); /* NaNs have more than one */
}

static uint32_t single_bits_of(float x)
{
    uint32_t bits;
    if (x != x) return 0;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* A generator of numbers, the same on every machine (Vigna's splitmix64). */
static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* An int64 of any size. */
static int64_t integer_of(uint64_t *state)
{
    const int shift = (int)(next(state) % 64);
    return (int64_t)next(state) >> shift;
}

static void swap(unsigned char *value, size_t size)
{
    size_t i;
    for (i = 0; i < size / 2; i++) {
        const unsigned char byte = value[i];
        value[i] = value[size - 1 - i];
        value[size - 1 - i] = byte;
    }
}

#define READ(ctype, pair)                                        \
    do {                                                         \
        ctype v;                                                 \
        memcpy(&v, element, sizeof v);                           \
        if (steps->swapped) swap((unsigned char *)&v, sizeof v); \
        return pair;                                             \
    } while (0)

/* The step that the job's element has, read in the simplest way. */
static cf_pair step_at(const cf_job *job, int64_t element_number)
{
    const cf_operand *steps = &job->steps;
    const char *element = steps->data;
    int64_t rest = element_number;
    int d;
    if (steps->type == CF_RANGE) {
        return cf_from_int64((int64_t)((uint64_t)job->first + (uint64_t)element_number * (uint64_t)job->stride));
    }
    for (d = job->dimensions - 1; d >= 0; d--) {
        element += rest % job->shape[d] * steps->strides[d];
        rest /= job->shape[d];
    }
    switch (steps->type) {
    case CF_INT8: READ(int8_t, cf_from_int64(v));
    case CF_INT16: READ(int16_t, cf_from_int64(v));
    case CF_INT32: READ(int32_t, cf_from_int64(v));
    case CF_INT64: READ(int64_t, cf_from_int64(v));
    case CF_UINT8: READ(uint8_t, cf_from_int64(v));
    case CF_UINT16: READ(uint16_t, cf_from_int64(v));
    case CF_UINT32: READ(uint32_t, cf_from_int64(v));
    case CF_UINT64: READ(uint64_t, cf_from_int64((int64_t)v));
    case CF_FLOAT32: READ(float, cf_make_pair((double)v, 0.0));
    default: READ(double, cf_make_pair(v, 0.0));
    }
}

static const size_t SIZES[] = {1, 2, 4, 8, 1, 2, 4, 8, 4, 8};

/* A job of some layout: shape, strides, type and byte order are drawn, memory is exactly as large as they need. */
typedef struct {
    cf_job job;
    int64_t count;
    char *steps, *rates;
} layout;

static char *operand(cf_operand *o, int type, int swapped, const cf_job *job, uint64_t *state)
{
    const int64_t size = (int64_t)SIZES[type];
    int64_t length = size, back = 0;
    char *memory;
    int d;
    o->type = type;
    o->swapped = swapped;
    for (d = job->dimensions - 1; d >= 0; d--) {
        const int64_t gap = (int64_t)(next(state) % 3), sign = next(state) % 2 ? 1 : -1;
        o->strides[d] = sign * (length + gap);
        if (sign < 0) back += (job->shape[d] - 1) * (length + gap);
        length = (length + gap) * (job->shape[d] - 1) + length;
    }
    memory = malloc((size_t)length);
    if (!memory) abort();
    for (d = 0; d < length; d++) memory[d] = (char)next(state);
    o->data = memory + back;
    return memory;
}

static layout draw_layout(const cf_schedule *schedule, uint64_t seed)
{
    layout l;
    uint64_t state = seed;
    const int range = seed % 4 == 0, type = (int)(next(&state) % 10);
    int64_t i;
    int d;
    memset(&l, 0, sizeof l);
    l.job.schedule = schedule;
    l.job.dimensions = range ? 1 : 1 + (int)(next(&state) % DIMENSIONS);
    l.count = 1;
    for (d = 0; d < l.job.dimensions; d++) {
        const int64_t most = l.job.dimensions == 1 ? COUNT : l.job.dimensions == 2 ? 48 : 13;
        l.job.shape[d] = 1 + (int64_t)(next(&state) % (uint64_t)most);
        l.count *= l.job.shape[d];
    }
    l.rates = operand(&l.job.rates, next(&state) % 2 ? CF_FLOAT64 : CF_FLOAT32, 0, &l.job, &state);
    if (range) { /* from one int64 to, nearly, another: the steps of a range are within int64 */
        const int64_t first = integer_of(&state), last = integer_of(&state);
        const uint64_t apart = last > first ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last;
        const uint64_t stride = l.count > 1 ? apart / (uint64_t)(l.count - 1) : next(&state);
        l.job.steps.type = CF_RANGE;
        l.job.first = first;
        l.job.stride = (int64_t)(last > first ? stride : -stride);
        return l;
    }
    l.steps = operand(&l.job.steps, type, (int)(next(&state) % 2), &l.job, &state);
    for (i = 0; i < l.count; i++) { /* instead of random bytes, steps of every size */
        char *element = l.job.steps.data;
        int64_t rest = i, integer = integer_of(&state);
        double real = ldexp((double)(integer % 100000), (int)(next(&state) % 80) - 40);
        float single = (float)real;
        const size_t size = SIZES[type];
        for (d = l.job.dimensions - 1; d >= 0; d--) {
            element += rest % l.job.shape[d] * l.job.steps.strides[d];
            rest /= l.job.shape[d];
        }
        if (type == CF_UINT64) integer &= INT64_MAX;
        if (next(&state) % 64 == 0) {
            const double special[3] = {NAN, INFINITY, -INFINITY};
            real = special[next(&state) % 3];
            single = (float)real;
        }
        /* the lowest bytes of a little-endian integer are the integer modulo 2^8, 2^16, 2^32 */
        memcpy(element, type == CF_FLOAT64 ? (void *)&real : type == CF_FLOAT32 ? (void *)&single : (void *)&integer,
               size);
        if (l.job.steps.swapped) swap((unsigned char *)element, size);
    }
    return l;
}

static void free_layout(layout *l)
{
    free(l->steps);
    free(l->rates);
}

/* How many of the job's rates are not those of cf_schedule_at. */
static int64_t wrong(const layout *l, const char *what)
{
    int64_t i, bad = 0;
    for (i = 0; i < l->count; i++) {
        const double want = cf_schedule_at(l->job.schedule, step_at(&l->job, i));
        const char *element = l->job.rates.data;
        int64_t rest = i;
        int d, good;
        for (d = l->job.dimensions - 1; d >= 0; d--) {
            element += rest % l->job.shape[d] * l->job.rates.strides[d];
            rest /= l->job.shape[d];
        }
        if (l->job.rates.type == CF_FLOAT64) {
            double have;
            memcpy(&have, element, sizeof have);
            good = bits_of(have) == bits_of(want);
        } else {
            float have;
            memcpy(&have, element, sizeof have);
            good = single_bits_of(have) == single_bits_of((float)want);
        }
        bad += !good;
    }
    if (bad) fprintf(stderr, "%s: %" PRId64 " of %" PRId64 " rates are wrong\n", what, bad, l->count);
    return bad;
}

#ifdef CF_FUZZ

static cf_pair whole(int64_t n)
{
    return cf_from_int64(n);
}

static cf_pair real(double x)
{
    return cf_make_pair(x, 0.0);
}

/* The bytes of an input are a schedule's parameters and then steps. What CosineDecay would refuse is not tried. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct {
        double peak, start, alpha, D, W;
        int64_t D_whole, W_whole, first, stride;
        uint64_t seed;
        uint8_t choice[8];
    } in;
    const double most = ldexp(1.0, 1000);
    cf_schedule schedule = {0};
    cf_isa isas[4];
    cf_pair D, W;
    layout l;
    int i, n;
    if (size < sizeof in) return 0;
    memcpy(&in, data, sizeof in);
    if (in.choice[0] % 2) {
        if (in.D_whole < 1) return 0;
        D = whole(in.D_whole);
    } else {
        if (!(in.D >= 0x1p-64 && in.D < 0x1p63)) return 0;
        D = real(in.D);
    }
    if (in.choice[1] % 2) {
        if (in.W_whole < 0) return 0;
        W = whole(in.W_whole);
    } else {
        if (!(in.W == 0.0 || (in.W >= 0x1p-64 && in.W < 0x1p63))) return 0;
        W = real(in.W);
    }
    if (!(fabs(in.peak) <= most && fabs(in.start) <= most && fabs(in.peak * in.alpha) <= most
          && fabs(in.peak * (1.0 - in.alpha)) <= most && fabs(in.peak - in.start) <= most
          && (W.hi == 0.0 || fabs((in.peak - in.start) / W.hi) <= most))) {
        return 0;
    }
    cf_cosine_decay_init(&schedule.as.cosine_decay, in.peak, D, in.alpha, W.hi > 0.0 && in.choice[2] % 2, in.start, W);
    n = cf_isas(isas);
    l = draw_layout(&schedule, in.seed);
    if (l.job.steps.type == CF_RANGE) {
        const long double last = (long double)in.first + (long double)in.stride * (long double)(l.count - 1);
        if (fabsl(last) < 9.2e18L) {
            l.job.first = in.first;
            l.job.stride = in.stride;
        }
    } else if (size > sizeof in) { /* the input's own bytes as steps, above all those that are no likely numbers */
        for (i = 0; i < (int)(size - sizeof in) && i < l.count && l.job.dimensions == 1; i++) {
            l.steps[i] = (char)data[sizeof in + (size_t)i];
        }
        if (l.job.steps.type == CF_UINT64) l.job.steps.type = CF_INT64;
    }
    for (i = 0; i < n; i++) {
        isas[i].evaluate(&l.job, 0, l.count);
        if (wrong(&l, isas[i].name)) abort();
    }
    free_layout(&l);
    return 0;
}

#ifdef CF_FUZZ_FILES
int main(int argc, char **argv)
{
    static uint8_t data[4096];
    int i;
    for (i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) return 2;
        LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file));
        fclose(file);
    }
    return 0;
}
#endif

#else

enum { SCHEDULES = 18 };

/* The parameters of a schedule, as cf_schedule_init has them. */
typedef struct {
    int function;
    double numbers[5];
    int64_t count;
    cf_pair counts[7];
} parameters;

static const parameters CASES[SCHEDULES] = {
    {CF_COSINE_DECAY, {1e-3, 0.1, 1e-6}, 2, {{1000.0, 0.0}, {100.0, 0.0}}},
    {CF_COSINE_DECAY, {1e-3, 0.0, 1e-3}, 2, {{1000000.0, 0.0}, {0.0, 0.0}}},
    {CF_COSINE_DECAY, {1e-3, 0.1, 1e-6}, 2, {{1000.1, 0.0}, {10.7, 0.0}}},
    {CF_COSINE_DECAY, {0.1, 0.1, 0.1}, 2, {{0x1p60, 1.0}, {0.0, 0.0}}},
    {CF_COSINE_DECAY, {0.1, -0.5, 3.0}, 2, {{0x1p63, -1.0}, {0x1p63, -1.0}}},
    {CF_COSINE_DECAY, {1e-310, 0.5, 1e-310}, 2, {{0x1p-64, 0.0}, {0.0, 0.0}}},
    {CF_COSINE_DECAY, {1e300, 1.5, -1e300}, 2, {{1.0, 0.0}, {1.0, 0.0}}},
    {CF_COSINE_DECAY, {0.1, 0.1, 0.1}, 2, {{0x1p40 + 3.0, 0.0}, {0.0, 0.0}}},
    {CF_COSINE_DECAY_RESTARTS, {0.1, 1.0, 0.9, 0.1}, 1, {{1000.0, 0.0}}},
    {CF_COSINE_DECAY_RESTARTS, {0.1, 1.5, 1.0, 0.0}, 1, {{77.5, 0.0}}},
    {CF_EXPONENTIAL_DECAY, {0.1, 0.96, 0.0}, 1, {{1000.0, 0.0}}},
    {CF_INVERSE_TIME_DECAY, {0.1, 0.5, 0.0}, 1, {{1000.0, 0.0}}},
    {CF_INVERSE_TIME_DECAY, {0.1, -7.3, 1.0}, 1, {{1000.1, 0.0}}},
    {CF_PIECEWISE_CONSTANT_DECAY, {0.1, 0.05, 0.01, 0.001}, 3, {{10.0, 0.0}, {30.5, 0.0}, {0x1p60, 1.0}}},
    {CF_POLYNOMIAL_DECAY, {0.1, 1e-4, 2.0, 0.0}, 1, {{1000.0, 0.0}}},
    {CF_POLYNOMIAL_DECAY, {0.1, 0.3, 0.5, 1.0}, 1, {{1000.1, 0.0}}},
    /* Of the schedules above, from the first one on. */
    {CF_JOINED_SCHEDULE, {1.0, 1.0}, 3, {{700.0, 0.0}, {0.0, 0.0}, {700.0, 0.0}}},
    {CF_JOINED_SCHEDULE, {1.0, -1.0, 1.0, 1.0}, 7,
     {{-5.0, 0.0}, {300.0, 0.0}, {0x1p60, 1.0}, {7.0, 0.0}, {900.0, 0.0}, {0.0, 0.0}, {0x1p60, -1.0}}},
};

enum { MEMORY = CF_CYCLES * sizeof(cf_cycle) };

static void make_schedules(cf_schedule s[SCHEDULES], char *memory)
{
    int i;
    memset(s, 0, SCHEDULES * sizeof *s);
    for (i = 0; i < SCHEDULES; i++) {
        const parameters *p = &CASES[i];
        const cf_schedule **const joined = (const cf_schedule **)(void *)(memory + i * MEMORY);
        int k;
        if (cf_schedule_memory(p->function, p->numbers, p->count) > MEMORY) abort();
        for (k = 0; p->function == CF_JOINED_SCHEDULE && k <= p->count / 2; k++) joined[k] = &s[k];
        cf_schedule_init(&s[i], p->function, p->numbers, p->counts, p->count, memory + i * MEMORY);
    }
}

enum { LAYOUTS = 40 };

static cf_schedule schedules[SCHEDULES];
static layout layouts[SCHEDULES * LAYOUTS];
static cf_isa isas[4];
static int isa_count, threads, rounds;
static pthread_barrier_t barrier;

static cf_work shared[SCHEDULES * LAYOUTS];

static int go_on(void)
{
    return 0;
}

static void share_out(cf_work *to, cf_run run, const layout *of, int team)
{
    to->run = run;
    to->job = &of->job;
    to->task = CF_BLOCK;
    to->interrupted = go_on;
    cf_share_out(to, team, 0, of->count);
}

/* All threads are the team of every job. Then each has a job that is its own, with a schedule that it folds itself, and acquires
 * threads as the driver does, but works for them. */
static void *work(void *argument)
{
    const int number = (int)(intptr_t)argument;
    intptr_t bad = 0;
    int round, isa, i;
    for (round = 0; round < rounds; round++) {
        for (isa = 0; isa < isa_count; isa++) {
            cf_schedule own[SCHEDULES];
            char *const memory = malloc(SCHEDULES * MEMORY);
            cf_work work;
            layout mine;
            int team;
            if (!memory) abort();
            for (i = 0; number == 0 && i < SCHEDULES * LAYOUTS; i++) {
                share_out(&shared[i], isas[isa].evaluate, &layouts[i], threads);
            }
            pthread_barrier_wait(&barrier);
            for (i = 0; i < SCHEDULES * LAYOUTS; i++) cf_take_part(&shared[i], number);
            make_schedules(own, memory);
            mine = draw_layout(&own[(number + round) % SCHEDULES], (uint64_t)(round * THREADS_MOST + number));
            team = cf_acquire_threads(number % 3, 0, 0);
            share_out(&work, isas[isa].evaluate, &mine, team);
            for (i = 0; i < team; i++) cf_take_part(&work, i);
            cf_release_threads(team, &work);
            bad += wrong(&mine, isas[isa].name) != 0;
            free_layout(&mine);
            free(memory);
            pthread_barrier_wait(&barrier);
            if (number == 0) {
                for (i = 0; i < SCHEDULES * LAYOUTS; i++) bad += wrong(&layouts[i], isas[isa].name) != 0;
            }
        }
    }
    return (void *)bad;
}

int main(int argc, char **argv)
{
    pthread_t team[THREADS_MOST];
    intptr_t bad = 0;
    int64_t values = 0;
    char *memory;
    int i;
    threads = argc > 1 ? atoi(argv[1]) : 4;
    rounds = argc > 2 ? atoi(argv[2]) : 1;
    if (threads < 1 || threads > THREADS_MOST || rounds < 1 || cf_watch_forks()) return 2;
    isa_count = cf_isas(isas);
    memory = malloc(SCHEDULES * MEMORY);
    if (!memory) return 2;
    make_schedules(schedules, memory);
    for (i = 0; i < SCHEDULES * LAYOUTS; i++) {
        layouts[i] = draw_layout(&schedules[i % SCHEDULES], (uint64_t)i / SCHEDULES);
        values += layouts[i].count;
    }
    pthread_barrier_init(&barrier, NULL, (unsigned)threads);
    for (i = 0; i < threads; i++) {
        if (pthread_create(&team[i], NULL, work, (void *)(intptr_t)i)) return 2;
    }
    for (i = 0; i < threads; i++) {
        void *result;
        pthread_join(team[i], &result);
        bad += (intptr_t)result;
    }
    for (i = 0; i < SCHEDULES * LAYOUTS; i++) free_layout(&layouts[i]);
    free(memory);
    pthread_barrier_destroy(&barrier);
    printf("%d threads, %d rounds, %d instruction sets: %" PRId64 " values\n", threads, rounds, isa_count,
           values * rounds * isa_count);
    return bad != 0 || cf_busy != 0;
}

#endif
