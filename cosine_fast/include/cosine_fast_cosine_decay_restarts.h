/* cosine_fast_cosine_decay_restarts.h: Keras's CosineDecayRestarts (SGDR), one step -> one learning rate.
 *
 * Method
 *     With s the step, D = first_decay_steps, t = t_mul, m = m_mul and i the cycle that s lies in:
 *
 *         S(i) <= s < S(i + 1),  S(i) = D * (1 + t + ... + t^(i - 1)) = D * (t^i - 1) / (t - 1),  D(i) = D * t^i
 *         L0 * ((1 - alpha) * m^i * (1 + cos(pi * (s - S(i)) / D(i))) / 2 + alpha)
 *         or with an absolute floor: floor + (L0 - floor) * m^i * (1 + cos(pi * (s - S(i)) / D(i))) / 2
 *
 *     A cycle is a CosineDecay that begins at S(i): its wave, in which s - S(i) and S(i + 1) - s replace t and D - t. With
 *     m = 1 its rates are those of CosineDecay. Otherwise the wave falls from 1 to 0; it is multiplied by
 *     L0 * (1 - alpha) * m^i, which ExponentialDecay computes, and the floor is added: in pairs, rounded once.
 *
 *     t = 1: i = floor(s / D) and s - i * D are exact (cosine_fast_floors.h), and all cycles share one wave.
 *     Otherwise S(i) is a triple of doubles, to a relative 2^-150 * max(|i|, 1): t^i and the sum of the powers come from
 *     squaring, where nothing cancels. Integers, and all S(i) that a double or an int64 can hold, are exact, so that a
 *     step that starts a cycle belongs to that cycle. The first cycles are folded once, into memory of the caller; others
 *     are folded when they are needed. The logarithms that find a cycle only give a guess, which comparisons correct.
 *
 * Special cases
 *     Negative steps lie in the cycles i = -1, -2, ...
 *     t < 1: cycles end at D / (1 - t). t > 1: they begin at -D / (t - 1). Beyond, the rate is the floor.
 *     m = 0: 0^0 = 1, and the waves before the first cycle are infinite. m < 0: every second wave points down.
 *     Within 2^-300 before step 0 the rate is the floor. NaN gives NaN. Floats beyond 2^65 give NaN where the cycles
 *     continue, because they cannot tell cycles apart.
 *
 * Accuracy
 *     As CosineDecay: at most 2 ULP; where m is not 1 and a wave goes from the floor towards zero, of the larger of the
 *     cycle's ends. The start of a cycle with m = 1 and the floor are rounded once. S(i) has a relative error below
 *     2^-150 * max(1, |i|): more than 2 ULP of the rate in very short cycles, where t is next to 1 or s to D / (1 - t).
 */
#ifndef COSINE_FAST_COSINE_DECAY_RESTARTS_H
#define COSINE_FAST_COSINE_DECAY_RESTARTS_H

#include "cosine_fast_cosine_decay.h"
#include "cosine_fast_exponential_decay.h"
#include "cosine_fast_triples.h"

/* ---- The schedule ---- */

#define CF_CYCLES 64 /* the most that are folded in advance: more than a training run has, and all of them for t_mul = 2 */
#define CF_TRIES 64  /* more than finding a cycle takes */
#define CF_LEAST_STEP 4.909093465297727e-91 /* 2^-300: the square of a smaller step may be subnormal */

typedef struct cf_cycle {
    cf_pair first, next;     /* its steps are first <= s < next */
    cf_cosine_decay wave;    /* the rates; or, where m_mul is not 1, a wave from 1 to 0, ... */
    cf_pair height, factors; /* ... which is multiplied by the height and two powers of 2, ... */
    cf_pair floor;           /* ... and added to the floor */
} cf_cycle;

typedef struct cf_cosine_decay_restarts {
    int equal;  /* t_mul is 1: all cycles are as long as the first */
    int scaled; /* m_mul is not 1 */
    int small_stairs; /* equal: whole steps up to CF_SMALL_STEP, and others from 0 to there, may use cf_small_stairs */
    double initial, alpha, t_mul;
    int absolute;            /* the floor is alpha, not initial * alpha */
    cf_pair decay_steps;
    double inverse;              /* 1 / decay_steps */
    double end;                  /* the floor, rounded once */
    cf_pair floor;
    cf_pair limit;               /* not equal: where the cycles end (t_mul < 1) or begin (t_mul > 1) */
    cf_cosine_decay wave, back;  /* equal: the wave of the cycle from 0 to D, and of that from -D to 0 */
    cf_exponential_decay height; /* scaled: the heights of the cycles */
    int64_t count;               /* not equal: cycles 0 to count - 1 are folded */
    const cf_cycle *cycles;
    double befores[CF_CYCLES];   /* the last double before each of them */
} cf_cosine_decay_restarts;

/* The height of the wave in cycle n, without two factors. `single`: n is a single double. */
CF_INLINE cf_pair cf_height(const cf_cosine_decay_restarts *p, cf_pair n, int single, cf_pair *factors)
{
    const cf_pair y = cf_power(&p->height, n, single, factors);
    cf_pair height = cf_fast_two_sum(y.hi, y.lo);
    const uint64_t sign = ((cf_is_odd(n.hi) ^ (single ? 0 : cf_is_odd(n.lo))) & p->height.alternates) << 63;
    height.hi = cf_double(cf_bits(height.hi) ^ sign);
    height.lo = cf_double(cf_bits(height.lo) ^ sign);
    return height;
}

/* The wave from 1 down to 0; `phase` is CF_UPPER, CF_LOWER_TO_ZERO or CF_DECAY. */
CF_INLINE cf_pair cf_unit_wave(const cf_cosine_decay *p, cf_pair step, int kind, int phase)
{
    const cf_wave w = cf_wave_at(p, step, kind, phase);
    const double P = kind == CF_WIDE ? w.P : w.head * p->c0_hi; /* exact */
    const cf_pair upper = cf_fast_two_sum(1.0, -P);
    return cf_fast_two_sum(w.upper ? upper.hi : P, w.upper ? upper.lo - w.R : w.R);
}

CF_INLINE double cf_scaled(cf_pair floor, cf_pair height, cf_pair factors, cf_pair wave)
{
    const cf_pair product = cf_exact_product(height.hi, wave.hi);
    cf_pair y = cf_fast_two_sum(product.hi, product.lo + (height.hi * wave.lo + height.lo * wave.hi)), sum;
    y.hi = (y.hi * factors.hi) * factors.lo;
    y.lo = (y.lo * factors.hi) * factors.lo;
    sum = cf_two_sum(floor.hi, y.hi);
    return sum.hi - sum.hi == 0.0 ? sum.hi + (sum.lo + (floor.lo + y.lo)) : sum.hi; /* nothing can be added to infinity */
}

/* ---- Cycles of different lengths ---- */

/* A cycle's ends and its length. */
typedef struct cf_place {
    cf_triple begin, end, length;
} cf_place;

/* t^n and 1 + t + ... + t^(n - 1) */
static inline void cf_geometric(double t, uint64_t n, cf_triple *power, cf_triple *sum)
{
    const cf_triple base = {t, 0.0, 0.0}, one = {1.0, 0.0, 0.0}, zero = {0.0, 0.0, 0.0};
    int digit = 0;
    *power = one;
    *sum = zero;
    while (n >> digit > 1) digit++;
    for (; digit >= 0; digit--) {
        *sum = cf_triple_add(*sum, cf_triple_multiply(*sum, *power));
        *power = cf_triple_multiply(*power, *power);
        if (n >> digit & 1) {
            *sum = cf_triple_add(*sum, *power);
            *power = cf_triple_multiply(*power, base);
        }
    }
}

/* The step where cycle i begins, and how long it is. */
static inline cf_triple cf_begin_of(const cf_cosine_decay_restarts *p, int64_t i, cf_triple *length)
{
    const cf_triple D = cf_make_triple(p->decay_steps.hi, p->decay_steps.lo, 0.0);
    cf_triple power, sum;
    cf_geometric(p->t_mul, i < 0 ? -(uint64_t)i : (uint64_t)i, &power, &sum);
    sum = cf_triple_multiply(D, sum);
    *length = i < 0 ? cf_triple_divide(D, power) : cf_triple_multiply(D, power);
    return i < 0 ? cf_triple_negate(cf_triple_divide(sum, power)) : sum;
}

static inline void cf_cycle_fold(const cf_cosine_decay_restarts *p, int64_t i, const cf_place *place, cf_cycle *c)
{
    const cf_pair length = {place->length.hi, place->length.mid}, zero = {0.0, 0.0};
    double reach = fmax(fabs(place->begin.hi), fabs(place->end.hi));
    /* A cycle much shorter than its steps are large needs all their digits: CF_WIDE. */
    if (reach > ldexp(length.hi, 40)) reach = INFINITY;
    cf_cosine_decay_fold(&c->wave, p->scaled ? 1.0 : p->initial, length, p->scaled ? 0.0 : p->alpha, p->absolute, 0,
                         p->scaled ? 1.0 : p->initial, zero,
                         cf_triple_is_whole(place->begin) && cf_triple_is_whole(place->end), reach);
    c->wave.warmup_steps = cf_make_pair(place->begin.hi, place->begin.mid);
    c->wave.begin_rest = place->begin.lo;
    c->wave.longer = cf_make_pair(place->end.hi, place->end.mid);
    c->wave.shorter = cf_make_pair(place->end.lo, 0.0);
    c->wave.end_step = place->end.hi;
    c->first = cf_pair_from(place->begin);
    c->next = cf_pair_from(place->end);
    c->height = c->factors = zero;
    if (p->scaled) c->height = cf_height(p, cf_from_int64(i), 0, &c->factors);
    c->floor = p->floor;
}

/* Whether a step lies in a cycle. */
CF_INLINE int cf_in_cycles(const cf_cosine_decay_restarts *p, cf_pair step)
{
    const int below = cf_less(step, p->limit), just_before_zero = (step.hi < 0.0) & (step.hi > -CF_LEAST_STEP);
    return (fabs(step.hi) <= CF_BEYOND_INT64) & !just_before_zero & (p->equal | (p->t_mul < 1.0 ? below : !below));
}

/* The rate at a step that lies in no cycle. */
static inline double cf_outside(const cf_cosine_decay_restarts *p, cf_pair step)
{
    if (fabs(step.hi) < CF_LEAST_STEP) return p->end;
    if (p->equal || step.hi != step.hi) return NAN;
    return cf_less(step, p->limit) == (p->t_mul < 1.0) ? NAN : p->end;
}

/* i + n, or the bound that it exceeds: 2^60 in size. */
static inline int64_t cf_bounded_sum(int64_t i, double n)
{
    const int64_t most = INT64_C(1) << 60;
    i += n < (double)most ? (n > -(double)most ? (int64_t)n : -most) : most;
    return i > most ? most : i < -most ? -most : i;
}

/* Find and fold, into *own, the cycle of a step that lies in one that is not folded in advance. */
static CF_NOINLINE const cf_cycle *cf_other_cycle(const cf_cosine_decay_restarts *p, cf_pair step, cf_cycle *own)
{
    /* t^i is the fraction of the way from step 0 to the limit that is left at the beginning of cycle i. */
    const double limit = p->limit.hi, way = step.hi / limit;
    const double left = fabs(way) < 0.5 ? log1p(-way) : log(cf_add(p->limit, cf_negate(step)).hi / limit);
    const double growth = fabs(p->t_mul - 1.0) < 0.5 ? log1p(p->t_mul - 1.0) : log(p->t_mul);
    int64_t i = cf_bounded_sum(0, floor(left / growth));
    cf_place place;
    cf_triple next_length;
    int tries;
    /* Next to the limit a cycle may be shorter than the spacing of pairs. The last try is then used. */
    for (tries = 0; tries < CF_TRIES; tries++) {
        cf_pair before, past;
        double missed;
        place.begin = cf_begin_of(p, i, &place.length);
        place.end = cf_begin_of(p, i + 1, &next_length);
        before = cf_add(cf_pair_from(place.begin), cf_negate(step));
        past = cf_add(step, cf_negate(cf_pair_from(place.end)));
        if (before.hi > 0.0) {
            missed = -(1.0 + floor(before.hi / place.length.hi));
        } else if (past.hi >= 0.0) {
            missed = 1.0 + floor(past.hi / (place.length.hi * p->t_mul));
        } else {
            break;
        }
        i = cf_bounded_sum(i, missed);
    }
    cf_cycle_fold(p, i, &place, own);
    return own;
}

/* The cycle of a step that lies in one; *own is memory that it may use. */
static inline const cf_cycle *cf_cycle_of(const cf_cosine_decay_restarts *p, cf_pair step, cf_cycle *own)
{
    int64_t low = 0, high = p->count;
    if (high == 0 || cf_less(step, p->cycles[0].first) || !cf_less(step, p->cycles[high - 1].next))
        return cf_other_cycle(p, step, own);
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (cf_less(step, p->cycles[middle].first)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return &p->cycles[low];
}

/* ---- Folding ---- */

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_cosine_decay_restarts_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    if (n != 5 || count != 1) return CF_BAD_LENGTH;
    if (!cf_is_finite(numbers[0])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_is_length(counts[0]) || counts[0].hi < ldexp(1.0, -32)) return CF_BAD_FIRST_DECAY_STEPS;
    if (!(numbers[1] >= ldexp(1.0, -64) && numbers[1] <= ldexp(1.0, 64))) return CF_BAD_T_MUL;
    if (!cf_is_finite(numbers[2])) return CF_BAD_M_MUL;
    if (!cf_is_flag(numbers[4])) return CF_BAD_FLAG;
    if (!cf_is_finite(numbers[3])) return numbers[4] != 0.0 ? CF_BAD_END_LEARNING_RATE : CF_BAD_ALPHA;
    if (!cf_is_wave(numbers[0], numbers[3], numbers[4] != 0.0)) return CF_BAD_SIZE;
    return CF_OK;
}

/* Fold the parameters, which are trusted: rates as for CosineDecay, 2^-32 <= D < 2^63, 2^-64 <= t_mul <= 2^64, m_mul
 * finite. cycles: memory for CF_CYCLES, which must outlive the schedule; t_mul = 1 needs none. */
static inline void cf_cosine_decay_restarts_init(cf_cosine_decay_restarts *p, double initial, cf_pair decay_steps,
                                                 double t_mul, double m_mul, double alpha, int absolute,
                                                 cf_cycle *cycles)
{
    const cf_pair one = {1.0, 0.0}, zero = {0.0, 0.0};
    int exponent;
    memset(p, 0, sizeof *p);
    p->equal = t_mul == 1.0;
    p->scaled = m_mul != 1.0;
    /* Up to 2^53, a whole negative remainder plus D is exact. */
    p->small_stairs = decay_steps.lo == 0.0 && decay_steps.hi >= 1.0 && decay_steps.hi <= 9007199254740992.0;
    p->initial = initial;
    p->alpha = alpha;
    p->absolute = absolute;
    p->t_mul = t_mul;
    p->decay_steps = decay_steps;
    p->inverse = 1.0 / decay_steps.hi;
    p->end = (absolute ? alpha : initial * alpha) + 0.0; /* -0 becomes +0 */
    p->floor = cf_floor_of(initial, alpha, absolute);
    if (p->scaled) {
        /* Rates may be subnormal; a height has an exponent of its own. */
        const cf_pair fall = cf_two_sum(initial, -alpha);
        const double mantissa = frexp(absolute ? fall.hi : initial, &exponent) + 0.0;
        cf_exponential_decay_init(&p->height, 1.0, one, m_mul, 1);
        cf_power_curve_init(&p->height.curve, absolute ? cf_make_pair(mantissa, ldexp(fall.lo, -exponent))
                                                       : cf_wide_amplitude(mantissa, alpha, 0));
        p->height.curve.exponent += exponent;
    }
    if (p->equal) {
        cf_cosine_decay_init_to(&p->wave, p->scaled ? 1.0 : initial, decay_steps, p->scaled ? 0.0 : alpha, absolute, 0, 0.0,
                                zero);
        p->back = p->wave;
        p->back.warmup_steps = cf_negate(decay_steps);
        p->back.longer = p->back.shorter = zero;
        p->back.end_step = 0.0;
    } else {
        const cf_triple D = cf_make_triple(decay_steps.hi, decay_steps.lo, 0.0);
        const cf_pair beyond = cf_two_sum(1.0, -t_mul);
        const cf_triple limit = cf_triple_divide(D, cf_make_triple(beyond.hi, beyond.lo, 0.0));
        cf_place place;
        cf_triple next_length;
        p->limit = cf_pair_from(limit);
        /* The limit itself lies in no cycle; the least step above it does. */
        if (t_mul > 1.0 && limit.lo == 0.0) p->limit.lo = nextafter(p->limit.lo, INFINITY);
        place.begin = cf_begin_of(p, 0, &place.length);
        while (p->count < CF_CYCLES && place.begin.hi < 9223372036854775808.0) { /* 2^63 */
            place.end = cf_begin_of(p, p->count + 1, &next_length);
            if (!cf_less(cf_pair_from(place.begin), cf_pair_from(place.end))) break; /* it holds no step */
            cf_cycle_fold(p, p->count, &place, &cycles[p->count]);
            p->befores[p->count] = cf_double_before(cycles[p->count].first);
            p->count++;
            place.begin = place.end;
            place.length = next_length;
        }
        p->cycles = cycles;
    }
}

/* ---- The rate at a step ---- */

CF_INLINE double cf_cycle_scaled(const cf_cycle *c, cf_pair step, int kind, int phase)
{
    return cf_scaled(c->floor, c->height, c->factors, cf_unit_wave(&c->wave, step, kind, phase));
}

CF_INLINE double cf_cycle_at(const cf_cycle *c, cf_pair step, int scaled)
{
    const int kind = c->wave.kind;
    return scaled ? cf_cycle_scaled(c, step, kind, CF_DECAY) : cf_rate(&c->wave, step, kind, CF_DECAY);
}

/* The rate of a `scaled` schedule with equal cycles at `rest`, a step of `wave`. `single`: both pairs are single doubles. */
CF_INLINE double cf_equal_scaled(const cf_cosine_decay_restarts *p, const cf_cosine_decay *wave, cf_pair count,
                                 cf_pair rest, int kind, int single)
{
    cf_pair factors;
    const cf_pair height = cf_height(p, count, single, &factors);
    return cf_scaled(p->floor, height, factors, cf_unit_wave(wave, rest, kind, CF_DECAY));
}

static inline double cf_equal_at(const cf_cosine_decay_restarts *p, cf_pair step)
{
    const cf_cosine_decay *wave = &p->wave;
    cf_stairs s;
    int kind = wave->kind;
    if (p->small_stairs && step.lo == 0.0 && fabs(step.hi) <= CF_SMALL_STEP && (step.hi >= 0.0 || step.hi == floor(step.hi))) {
        s = cf_small_stairs(step.hi, p->decay_steps.hi, p->inverse);
    } else {
        /* Count the second half of a cycle from its end: the distance from its beginning could lose a small fraction. */
        s = cf_nearest_stairs(step, p->decay_steps, p->inverse);
        if (s.rest.hi < 0.0) {
            s.count.lo -= 1.0;
            wave = &p->back;
        }
        s.count = cf_fast_two_sum(s.count.hi, s.count.lo);
        if (kind == CF_SINGLE) kind = CF_PAIR; /* the same formula, of two doubles */
    }
    return p->scaled ? cf_equal_scaled(p, wave, s.count, s.rest, kind, 0) : cf_rate(wave, s.rest, kind, CF_DECAY);
}

static inline double cf_cosine_decay_restarts_at(const cf_cosine_decay_restarts *p, cf_pair step)
{
    if (!cf_in_cycles(p, step)) return cf_outside(p, step);
    if (p->equal) {
        return cf_equal_at(p, step);
    } else {
        cf_cycle own;
        const cf_cycle *const c = cf_cycle_of(p, step, &own);
        return cf_cycle_at(c, step, p->scaled);
    }
}

#endif
