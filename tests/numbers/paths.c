/* The rates of any schedule that C has through the headers. Every double comes and goes as its bits, in hexadecimal.
 *
 *     p <name> <n> <number> ... <count> <steps> ...     a schedule: its numbers, and its numbers of steps
 *     s <step>                                          prints the rate as a double and a float
 *
 * Steps and numbers of steps have their type in front: i is an int64, f a double.
 * The exit status is 2 where cf_self_check finds that this program would not have the right bits. */

#include <cosine_fast.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t int64_of(uint64_t bits)
{
    int64_t i;
    memcpy(&i, &bits, sizeof i);
    return i;
}

static double read_double(void)
{
    uint64_t bits;
    if (scanf("%" SCNx64, &bits) != 1) exit(1);
    return cf_double(bits);
}

static cf_pair read_steps(void)
{
    char type;
    uint64_t bits;
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
    uint64_t bits;
    uint32_t single_bits;
    memcpy(&bits, &rate, sizeof bits);
    memcpy(&single_bits, &single, sizeof single_bits);
    printf("%016" PRIx64 " %08" PRIx32 "\n", bits, single_bits);
}

int main(void)
{
    cf_schedule schedule;
    double *numbers = NULL;
    cf_pair *counts = NULL;
    void *memory = NULL;
    char what, name[64];

    if (!cf_self_check()) return 2;
    memset(&schedule, 0, sizeof schedule);
    while (scanf(" %c", &what) == 1) {
        if (what == 'p' && scanf("%63s", name) == 1) {
            const int family = cf_family_of(name);
            size_t n, count, i;
            free(numbers);
            free(counts);
            free(memory);
            n = read_size();
            numbers = (double *)allocate(n * sizeof *numbers);
            for (i = 0; i < n; i++) numbers[i] = read_double();
            count = read_size();
            counts = (cf_pair *)allocate(count * sizeof *counts);
            for (i = 0; i < count; i++) counts[i] = read_steps();
            if (family < 0) {
                fprintf(stderr, "there is no schedule %s\n", name);
                return 1;
            }
            memory = allocate(cf_schedule_memory(family, numbers, (int64_t)count));
            cf_schedule_init(&schedule, family, numbers, counts, (int64_t)count, memory);
        } else if (what == 's') {
            print_rate(cf_schedule_at(&schedule, read_steps()));
        } else {
            fprintf(stderr, "not understood: %c\n", what);
            return 1;
        }
    }
    free(numbers);
    free(counts);
    free(memory);
    return 0;
}
