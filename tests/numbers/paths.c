/* The rates of any schedule that C has through the headers. Every double comes and goes as its bits, in hexadecimal.
 *
 *     p <name> <n> <number> ... <count> <steps> ...     a schedule: its numbers, and its numbers of steps
 *     e                                                 prints its enum cf_error, and what that means
 *     c                                                 the schedule is one of those of the joined one that follows
 *     s <step>                                          prints the rate as a double and a float
 *
 * Steps and numbers of steps have their type in front: i is an int64, f a double.
 * The exit status is 2 where cf_self_check finds that this program would not have the right bits. With CF_BLOCKS each rate is
 * also computed by the block loops, as the driver calls them: 3 if one has other bits; and 4 if no thread starts. It is 5 where
 * parameters were refused and then used, or have left something behind. */

#ifdef CF_BLOCKS
#include "../../src/threads.h"
#endif
#include <cosine_fast.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t int64_of(uint64_t word)
{
    int64_t i;
    memcpy(&i, &word, sizeof i);
    return i;
}

static double read_double(void)
{
    uint64_t word;
    if (scanf("%" SCNx64, &word) != 1) exit(1);
    return cf_double(word);
}

static char type;     /* of the steps that were read last, ... */
static uint64_t bits; /* ... and they themselves */

static cf_pair read_steps(void)
{
    if (scanf(" %c%" SCNx64, &type, &bits) != 2) exit(1);
    return type == 'i' ? cf_from_int64(int64_of(bits)) : cf_make_pair(cf_double(bits), 0.0);
}

static size_t read_size(void)
{
    size_t n;
    if (scanf("%zu", &n) != 1) exit(1);
    return n;
}

static void *allocate(size_t size)
{
    void *memory = malloc(size + 1);
    if (!memory) exit(1);
    return memory;
}

static void print_rate(double rate)
{
    const float single = (float)rate;
    uint32_t single_bits;
    memcpy(&single_bits, &single, sizeof single_bits);
    printf("%016" PRIx64 " %08" PRIx32 "\n", cf_bits(rate), single_bits);
}

/* Schedules, and what they point to. The last one is asked for rates; a joined one consists of all before it. */
static struct made {
    cf_schedule schedule;
    int function, error;
    double *numbers;
    cf_pair *counts;
    void *memory;
} made[64];
static size_t last;

static void release(struct made *m)
{
    free(m->numbers);
    free(m->counts);
    free(m->memory);
    memset(m, 0, sizeof *m);
}

#ifdef CF_BLOCKS
enum { SAME = 19 };

/* Compare the rate of the step that was read last with those that the block loops give for many of it. */
static void check_blocks(const cf_schedule *schedule, double rate)
{
    const float single = (float)rate;
    uint64_t steps[SAME];
    double rates[SAME];
    float singles[SAME];
    static cf_job job; /* zeros */
    static cf_work work;
    cf_isa isas[4];
    const int team = cf_acquire_threads(0, 0, 0);
    int i, k;
    cf_isas(isas);
    for (i = 0; i < SAME; i++) steps[i] = bits;
    for (k = 0; k < 2; k++) {
        const int wide = k == 0;
        job.schedule = schedule;
        job.dimensions = 1;
        job.shape[0] = SAME;
        job.steps.data = (char *)steps;
        job.steps.type = type == 'i' ? CF_INT64 : CF_FLOAT64;
        job.steps.strides[0] = sizeof *steps;
        job.rates.data = wide ? (char *)rates : (char *)singles;
        job.rates.type = wide ? CF_FLOAT64 : CF_FLOAT32;
        job.rates.strides[0] = wide ? sizeof *rates : sizeof *singles;
        work.run = isas[0].evaluate;
        work.job = &job;
        work.task = CF_BLOCK;
        cf_share_out(&work, team, 0, SAME);
        cf_take_part(&work, 0);
        for (i = 0; i < SAME; i++) {
            const int other = wide ? memcmp(&rates[i], &rate, sizeof rate) : memcmp(&singles[i], &single, sizeof single);
            if (other && rate == rate) exit(3); /* NaNs have more than one form */
        }
    }
    cf_release_threads(team, &work);
}
#endif

static void make(const char *name)
{
    static cf_schedule nothing; /* zeros */
    const int function = cf_function_of(name);
    struct made *m;
    int joined;
    size_t n, count, i;
    if (function < 0) {
        fprintf(stderr, "there is no schedule %s\n", name);
        exit(1);
    }
    joined = made[last].function == CF_JOINED_SCHEDULE;
    release(&made[last]);
    while (joined && last > 0) release(&made[--last]);
    m = &made[last];
    n = read_size();
    m->numbers = (double *)allocate(n * sizeof *m->numbers);
    for (i = 0; i < n; i++) m->numbers[i] = read_double();
    count = read_size();
    m->counts = (cf_pair *)allocate(count * sizeof *m->counts);
    for (i = 0; i < count; i++) m->counts[i] = read_steps();
    m->memory = allocate(cf_schedule_memory(function, m->numbers, (int64_t)count));
    if (function == CF_JOINED_SCHEDULE) {
        for (i = 0; i < last && i <= count / 2; i++) ((const cf_schedule **)m->memory)[i] = &made[i].schedule;
    }
    m->function = function;
    m->error = cf_schedule_init_checked(&m->schedule, function, m->numbers, (int64_t)n, m->counts, (int64_t)count, m->memory);
    if (m->error && memcmp(&m->schedule, &nothing, sizeof nothing)) exit(5);
}

int main(void)
{
    char what, name[64];

    if (!cf_self_check()) return 2;
#ifdef CF_BLOCKS
    if (cf_watch_forks() || cf_try_threads(4) < 4) return 4;
#endif
    while (scanf(" %c", &what) == 1) {
        if (made[last].error && what != 'p' && what != 'e') {
            fprintf(stderr, "%s\n", cf_error_text(made[last].error));
            return 5;
        }
        if (what == 'p' && scanf("%63s", name) == 1) {
            make(name);
        } else if (what == 'c' && last < sizeof made / sizeof *made - 1) {
            last++;
        } else if (what == 'e') {
            printf("%d %s\n", made[last].error, cf_error_text(made[last].error));
        } else if (what == 's') {
            const double rate = cf_schedule_at(&made[last].schedule, read_steps());
#ifdef CF_BLOCKS
            check_blocks(&made[last].schedule, rate);
#endif
            print_rate(rate);
        } else {
            fprintf(stderr, "not understood: %c\n", what);
            return 1;
        }
    }
    for (; last > 0; last--) release(&made[last]);
    release(&made[0]);
    return 0;
}
