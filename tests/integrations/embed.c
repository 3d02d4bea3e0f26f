/* CosineDecay as a program has it from cosine_fast_embed.h. Every number comes and goes as its bits, in hexadecimal.
 *
 *     p <initial_learning_rate> <decay_steps> <alpha> <warmup_target> <warmup_steps>     prints an enum cf_error
 *     s <step>                                                                           prints the rate
 *
 * Steps and numbers of steps have their type in front: i is an int64, f a double. What one step gives, all other ways
 * have to give too, in a row with others and alone; or else the exit status is 1. */

#include <cosine_fast.h>

#include <inttypes.h>
#include <stdio.h>

enum { MOST = 4096, ALONE = 300 };

static int64_t int64s[MOST];
static double doubles[MOST], of_int64s[MOST], of_doubles[MOST], rates[MOST];
static int int64_count = 0, double_count = 0, wrong = 0;

static int64_t int64_of(uint64_t bits)
{
    int64_t i;
    memcpy(&i, &bits, sizeof i);
    return i;
}

static cf_pair steps_of(char type, uint64_t bits)
{
    return type == 'i' ? cf_from_int64(int64_of(bits)) : cf_from_double(cf_double(bits));
}

static void expect(double rate, double expected, const char *what)
{
    if (rate != rate && expected != expected) return; /* NaNs have more than one */
    if (cf_bits(rate) == cf_bits(expected)) return;
    fprintf(stderr, "%s: %.17g and not %.17g\n", what, rate, expected);
    wrong = 1;
}

static void check_int64(const cf_cosine_decay *schedule, int64_t step, double rate)
{
    int64_t alone[ALONE];
    const cf_cosine_decay own = *schedule;
    const double near = (double)step;
    int i;
    if (cf_cosine_decay_is_plain(&own, near, near)) {
        expect(cf_cosine_decay_plain_int64(&own, step), rate, "plain_int64");
        expect(cf_cosine_decay_plain_double(&own, near), rate, "plain_double");
    }
    for (i = 0; i < ALONE; i++) alone[i] = step;
    cf_cosine_decay_of_int64s(schedule, alone, rates, ALONE);
    for (i = 0; i < ALONE; i++) expect(rates[i], rate, "of_int64s, one step");
    cf_cosine_decay_of_range(schedule, step, 0, rates, 1);
    expect(rates[0], rate, "of_range, one step");
    if (step > INT64_MIN + 600) {
        cf_cosine_decay_of_range(schedule, step - 600, 2, rates, 301);
        expect(rates[300], rate, "of_range, forwards");
    }
    if (step < INT64_MAX - 300) {
        cf_cosine_decay_of_range(schedule, step + 300, -1, rates, 301);
        expect(rates[300], rate, "of_range, backwards");
    }
}

static void check_double(const cf_cosine_decay *schedule, double step, double rate)
{
    double alone[ALONE];
    const cf_cosine_decay own = *schedule;
    int i;
    if (cf_cosine_decay_is_plain(&own, step, step)) {
        expect(cf_cosine_decay_plain_double(&own, step), rate, "plain_double");
    }
    for (i = 0; i < ALONE; i++) alone[i] = step;
    cf_cosine_decay_of_doubles(schedule, alone, alone, ALONE); /* on its steps */
    for (i = 0; i < ALONE; i++) expect(alone[i], rate, "of_doubles, one step");
}

/* All steps of a schedule at once. */
static void check_arrays(const cf_cosine_decay *schedule)
{
    int i;
    cf_cosine_decay_of_int64s(schedule, int64s, rates, int64_count);
    for (i = 0; i < int64_count; i++) expect(rates[i], of_int64s[i], "of_int64s");
    cf_cosine_decay_of_doubles(schedule, doubles, rates, double_count);
    for (i = 0; i < double_count; i++) expect(rates[i], of_doubles[i], "of_doubles");
    int64_count = double_count = 0;
}

int main(void)
{
    cf_cosine_decay schedule;
    char line[256];

    memset(&schedule, 0, sizeof schedule);
    while (fgets(line, (int)sizeof line, stdin)) {
        uint64_t L0, D, alpha, target, W, step;
        char type_of_D, type_of_W, type, what;
        double rate;
        /* p, or e with the end rate in place of alpha. */
        if (*line != 's' && sscanf(line, "%c %" SCNx64 " %c%" SCNx64 " %" SCNx64 " %" SCNx64 " %c%" SCNx64, &what, &L0, &type_of_D, &D,
                   &alpha, &target, &type_of_W, &W) == 8) {
            const cf_cosine_decay before = schedule;
            int error;
            check_arrays(&schedule);
            error = (what == 'p' ? cf_cosine_decay_init_checked : cf_cosine_decay_to_init_checked)(
                &schedule, cf_double(L0), steps_of(type_of_D, D), cf_double(alpha), cf_double(target),
                steps_of(type_of_W, W));
            if (error && memcmp(&before, &schedule, sizeof schedule) != 0) {
                fprintf(stderr, "an error left something behind\n");
                wrong = 1;
            }
            printf("%d %s\n", error, cf_error_text(error));
        } else if (sscanf(line, "s %c%" SCNx64, &type, &step) == 2 && int64_count < MOST && double_count < MOST) {
            if (type == 'i') {
                rate = cf_cosine_decay_at_int64(&schedule, int64_of(step));
                check_int64(&schedule, int64_of(step), rate);
                int64s[int64_count] = int64_of(step);
                of_int64s[int64_count++] = rate;
            } else {
                rate = cf_cosine_decay_at_double(&schedule, cf_double(step));
                check_double(&schedule, cf_double(step), rate);
                doubles[double_count] = cf_double(step);
                of_doubles[double_count++] = rate;
            }
            printf("%016" PRIx64 "\n", cf_bits(rate));
        } else {
            fprintf(stderr, "not understood: %s", line);
            return 1;
        }
    }
    check_arrays(&schedule);
    /* Pairs that are no numbers of steps. */
    {
        const cf_pair no = cf_from_int64(0), bad[] = {{1.0, 0.5}, {1.0, 1.0}, {9223372036854775808.0, 0.0}, {NAN, 0.0},
                                                      {1.0, NAN}, {0.0, 5e-324}, {-1.0, 0.0}, {INFINITY, -INFINITY}};
        size_t i;
        for (i = 0; i < sizeof bad / sizeof *bad; i++) {
            if (cf_cosine_decay_init_checked(&schedule, 1.0, bad[i], 0.0, CF_NO_WARMUP, no) != CF_BAD_DECAY_STEPS
                || cf_cosine_decay_init_checked(&schedule, 1.0, cf_from_int64(1), 0.0, 1.0, bad[i])
                       != CF_BAD_WARMUP_STEPS) {
                fprintf(stderr, "a pair that is no number of steps was taken\n");
                wrong = 1;
            }
        }
    }
    /* Of any schedule: no schedule, and no memory for the values of a boundary. */
    {
        const double numbers[] = {0.1, 0.2};
        const cf_pair boundary = cf_from_int64(10);
        cf_schedule any;
        wrong |= cf_schedule_init_checked(&any, -1, numbers, 2, &boundary, 1, NULL) != CF_BAD_FUNCTION;
        wrong |= cf_schedule_init_checked(&any, CF_COSINE_SUMS, numbers, 2, &boundary, 1, NULL) != CF_BAD_FUNCTION;
        wrong |= cf_schedule_init_checked(&any, CF_PIECEWISE_CONSTANT_DECAY, numbers, 2, &boundary, 1, NULL)
                 != CF_BAD_MEMORY;
    }
    return wrong;
}
