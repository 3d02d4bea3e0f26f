/* The rates that C has through cosine_fast.h. Every number comes and goes as its bits, in hexadecimal.
 *
 *     p <has_warmup> <peak> <start> <alpha> <warmup_steps> <decay_steps>     a schedule; peak, start, alpha: doubles
 *     s <step>                                                               prints the rate as a double and a float
 *
 * Steps and numbers of steps have their type in front: i is an int64, f a double. */

#include <cosine_fast.h>

#include <inttypes.h>
#include <stdio.h>

static int64_t int64_of(uint64_t bits)
{
    int64_t i;
    memcpy(&i, &bits, sizeof i);
    return i;
}

static cf_pair steps_of(char type, uint64_t bits)
{
    return type == 'i' ? cf_from_int64(int64_of(bits)) : cf_make_pair(cf_double(bits), 0.0);
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
    cf_cosine_decay schedule;
    char line[256];

    memset(&schedule, 0, sizeof schedule);
    while (fgets(line, (int)sizeof line, stdin)) {
        uint64_t peak, start, alpha, W, D, step;
        char type_of_W, type_of_D, type;
        int has_warmup;
        if (sscanf(line, "p %d %" SCNx64 " %" SCNx64 " %" SCNx64 " %c%" SCNx64 " %c%" SCNx64, &has_warmup, &peak, &start,
                   &alpha, &type_of_W, &W, &type_of_D, &D) == 8) {
            cf_cosine_decay_init(&schedule, cf_double(peak), steps_of(type_of_D, D), cf_double(alpha), has_warmup,
                                 cf_double(start), steps_of(type_of_W, W));
        } else if (sscanf(line, "s %c%" SCNx64, &type, &step) == 2) {
            print_rate(cf_cosine_decay_at(&schedule, steps_of(type, step)));
        } else {
            fprintf(stderr, "not understood: %s", line);
            return 1;
        }
    }
    return 0;
}
