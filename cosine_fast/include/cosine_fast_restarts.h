/* cosine_fast_restarts.h: Keras's CosineDecayRestarts (SGDR), one step -> one learning rate, the same bits everywhere.
 * Header only, C99 or C++11, no Python; compile it as cosine_fast.h says.
 *
 * Method
 *     With s the step, D = first_decay_steps, t = t_mul, m = m_mul and i the cycle that s lies in:
 *
 *         S(i) <= s < S(i + 1),  S(i) = D * (1 + t + ... + t^(i - 1)) = D * (t^i - 1) / (t - 1),  D(i) = D * t^i
 *         L0 * ((1 - alpha) * m^i * (1 + cos(pi * (s - S(i)) / D(i))) / 2 + alpha)
 *
 *     A cycle is a CosineDecay in another place: cosine_fast.h's wave, in which s - S(i) and S(i + 1) - s take the places
 *     of t and D - t. Where m = 1 its rates are CosineDecay's. Else its wave is from 1 down to 0; it is multiplied by
 *     L0 * (1 - alpha) * m^i, which ExponentialDecay's powers make, and the floor is added: in pairs, rounded once.
 *
 *     t = 1: i = floor(s / D) and s - i * D are exact (cosine_fast_powers.h), and all cycles are one wave.
 *     Else S(i) is a triple of doubles, with 2^-150 of itself: t^i and the sum of the powers by squaring, nothing of which
 *     cancels. Integers and all S(i) that one double or an int64 holds are exact. So a step that starts a cycle is in
 *     that cycle. The first cycles are folded once, into memory of the caller's; any other is, when it is asked for. The
 *     logarithms that find it are only a guess, which is put right by comparison.
 *
 * Special cases
 *     Negative steps are steps: cycles before the first are i = -1, -2, ...
 *     t < 1: cycles end at D / (1 - t), t > 1: they begin at -D / (t - 1). Beyond, the rate is the floor.
 *     m = 0: 0^0 = 1, and the waves are infinite before the first cycle. m < 0: every second wave points down.
 *     Within 2^-300 before step 0 the rate is the floor. NaN gives NaN, and so do, where the cycles go on, floats beyond 2^65: none lies in a cycle rather than another.
 *
 * Accuracy
 *     As CosineDecay: at most 2 ULP; where m is not 1 and a wave goes from the floor towards zero, of the larger of the
 *     cycle's ends. The start of a cycle with m = 1 and the floor are rounded once.
 */
#ifndef COSINE_FAST_RESTARTS_H
#define COSINE_FAST_RESTARTS_H

#include "cosine_fast.h"
#include "cosine_fast_powers.h"

/* ---- Triples: hi + mid + lo, each at most half a unit in the last place of the one before ---- */

typedef struct cf_triple {
    double hi, mid, lo;
} cf_triple;

static inline cf_triple cf_make_triple(double hi, double mid, double lo)
{
    const cf_pair low = cf_two_sum(mid, lo), high = cf_two_sum(hi, low.hi), rest = cf_two_sum(high.lo, low.lo);
    const cf_pair top = cf_fast_two_sum(high.hi, rest.hi);
    cf_triple r;
    r.hi = top.hi;
    r.mid = top.lo;
    r.lo = rest.lo;
    return r;
}

static inline cf_triple cf_triple_add(cf_triple a, cf_triple b)
{
    const cf_pair s = cf_two_sum(a.hi, b.hi), t = cf_two_sum(a.mid, b.mid), u = cf_two_sum(s.lo, t.hi);
    return cf_make_triple(s.hi, u.hi, (a.lo + b.lo) + (t.lo + u.lo));
}

static inline cf_triple cf_triple_negate(cf_triple a)
{
    a.hi = -a.hi;
    a.mid = -a.mid;
    a.lo = -a.lo;
    return a;
}

static inline cf_triple cf_triple_multiply(cf_triple a, cf_triple b)
{
    const cf_pair p = cf_exact_product(a.hi, b.hi), q = cf_exact_product(a.hi, b.mid);
    const cf_pair r = cf_exact_product(a.mid, b.hi), s = cf_two_sum(q.hi, r.hi), t = cf_two_sum(s.hi, p.lo);
    const double rest = ((a.hi * b.lo + a.lo * b.hi) + a.mid * b.mid) + ((q.lo + r.lo) + (s.lo + t.lo));
    return cf_make_triple(p.hi, t.hi, rest);
}

static inline cf_triple cf_triple_divide(cf_triple a, cf_triple b)
{
    const double q = a.hi / b.hi;
    const cf_triple r = cf_triple_add(a, cf_triple_negate(cf_triple_multiply(cf_make_triple(q, 0.0, 0.0), b)));
    const double q2 = r.hi / b.hi;
    const cf_triple r2 = cf_triple_add(r, cf_triple_negate(cf_triple_multiply(cf_make_triple(q2, 0.0, 0.0), b)));
    return cf_make_triple(q, q2, r2.hi / b.hi);
}

/* The least pair that is not below a, as steps are pairs. */
static inline cf_pair cf_pair_from(cf_triple a)
{
    return cf_make_pair(a.hi, a.lo > 0.0 ? nextafter(a.mid, INFINITY) : a.mid);
}

/* The greatest double that is below a. */
static inline double cf_double_before(cf_pair a)
{
    return a.lo > 0.0 ? a.hi : nextafter(a.hi, -INFINITY);
}

/* ---- The schedule ---- */

#define CF_CYCLES 64 /* that are folded at most: more than a training run has, and with t_mul = 2 all there are */
#define CF_NO_STEP 4.909093465297727e-91 /* 2^-300 */

/* One cycle, in its own place. */
typedef struct cf_cycle {
    cf_pair first, next;     /* its steps are first <= s < next */
    cf_cosine_decay wave;    /* its rates, or, where m_mul is not 1, the wave from 1 to 0 alone, ... */
    cf_pair height, factors; /* ... which is multiplied with height and these two powers of 2, ... */
    cf_pair floor;           /* ... and this is added */
} cf_cycle;

typedef struct cf_cosine_decay_restarts {
    int equal;  /* t_mul is 1: all cycles are as long as the first */
    int scaled; /* m_mul is not 1 */
    int few;    /* equal: whole steps up to 2^50, and others from 0 up to there, may take cf_few_stairs */
    double initial, alpha, t_mul;
    cf_pair decay_steps;
    double inverse;              /* 1 / decay_steps */
    double end;                  /* the floor, rounded once */
    cf_pair floor;
    cf_pair limit;               /* not equal: all cycles are below it (t_mul < 1), or from it on (t_mul > 1) */
    cf_cosine_decay wave, back;  /* equal: as in a cycle, that from 0 to D, and that from -D to 0 */
    cf_exponential_decay height; /* scaled: the height of a cycle */
    int64_t count;               /* not equal: cycles 0 to count - 1 are folded */
    const cf_cycle *cycles;
    double befores[CF_CYCLES];   /* of each of these the last double that is before it */
} cf_cosine_decay_restarts;

/* The height of a cycle's wave, and the two factors that belong to it. `single`: n is a single double. */
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
    return sum.hi - sum.hi == 0.0 ? sum.hi + (sum.lo + (floor.lo + y.lo)) : sum.hi; /* infinity has no rest */
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

static inline cf_place cf_place_of(const cf_cosine_decay_restarts *p, int64_t i)
{
    cf_place place;
    cf_triple next_length;
    place.begin = cf_begin_of(p, i, &place.length);
    place.end = cf_begin_of(p, i + 1, &next_length);
    return place;
}

static inline int cf_triple_is_whole(cf_triple a)
{
    return cf_is_whole(cf_make_pair(a.hi, a.mid)) && a.lo == floor(a.lo);
}

static inline void cf_cycle_fold(const cf_cosine_decay_restarts *p, int64_t i, const cf_place *place, cf_cycle *c)
{
    const cf_pair length = {place->length.hi, place->length.mid}, zero = {0.0, 0.0};
    double reach = fmax(fabs(place->begin.hi), fabs(place->end.hi));
    /* A cycle that is so short beside its steps needs all their digits: CF_WIDE. */
    if (reach > ldexp(length.hi, 40)) reach = INFINITY;
    cf_cosine_decay_fold(&c->wave, p->scaled ? 1.0 : p->initial, length, p->scaled ? 0.0 : p->alpha, 0,
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

/* Whether a step lies in a cycle; one so little before step 0 that its square may be no normal number does not. */
CF_INLINE int cf_in_cycles(const cf_cosine_decay_restarts *p, cf_pair step)
{
    const int below = cf_less(step, p->limit), nothing = (step.hi < 0.0) & (step.hi > -CF_NO_STEP);
    return (fabs(step.hi) <= CF_FAR) & !nothing & (p->equal | (p->t_mul < 1.0 ? below : !below));
}

/* The rate at a step that lies in none. */
static inline double cf_outside(const cf_cosine_decay_restarts *p, cf_pair step)
{
    if (fabs(step.hi) < CF_NO_STEP) return p->end;
    if (p->equal || step.hi != step.hi) return NAN;
    return (p->t_mul < 1.0) == (step.hi > 0.0) ? p->end : NAN;
}

static inline int64_t cf_clamped(double n)
{
    const double most = 1152921504606846976.0; /* 2^60 */
    return (int64_t)(n > most ? most : n < -most ? -most : n);
}

/* The cycle of a step that lies in one and in none that is folded already: into *own. */
static CF_NOINLINE const cf_cycle *cf_other_cycle(const cf_cosine_decay_restarts *p, cf_pair step, cf_cycle *own)
{
    /* t^i is what is left of the way from the limit to the first cycle, or beyond it. */
    const double limit = p->limit.hi, way = step.hi / limit;
    const double left = fabs(way) < 0.5 ? log1p(-way) : log(cf_add(p->limit, cf_negate(step)).hi / limit);
    const double growth = fabs(p->t_mul - 1.0) < 0.5 ? log1p(p->t_mul - 1.0) : log(p->t_mul);
    int64_t i = cf_clamped(floor(left / growth));
    cf_place place;
    int tries;
    for (tries = 0; tries < 64; tries++) {
        double missed;
        place = cf_place_of(p, i);
        if (cf_less(step, cf_pair_from(place.begin))) {
            missed = -(1.0 + floor((place.begin.hi - step.hi) / place.length.hi));
        } else if (!cf_less(step, cf_pair_from(place.end))) {
            missed = 1.0 + floor((step.hi - place.end.hi) / (place.length.hi * p->t_mul));
        } else {
            break;
        }
        i += cf_clamped(missed);
    }
    cf_cycle_fold(p, i, &place, own);
    return own;
}

/* The cycle of a step that lies in one; *own is memory for it. */
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

/* Fold the parameters, which are trusted: rates as for CosineDecay, 2^-32 <= D < 2^63, 2^-64 <= t_mul <= 2^64, m_mul
 * finite. cycles: memory for `capacity` of them, CF_CYCLES being enough, that has to live as long as this; it changes the
 * time that a rate takes, and no bit. t_mul = 1 needs none. */
static inline void cf_cosine_decay_restarts_init(cf_cosine_decay_restarts *p, double initial, cf_pair decay_steps,
                                                 double t_mul, double m_mul, double alpha, cf_cycle *cycles,
                                                 int64_t capacity)
{
    const cf_pair one = {1.0, 0.0}, zero = {0.0, 0.0};
    int exponent;
    double mantissa;
    memset(p, 0, sizeof *p);
    p->equal = t_mul == 1.0;
    p->scaled = m_mul != 1.0;
    p->few = decay_steps.lo == 0.0 && decay_steps.hi >= 1.0;
    p->initial = initial;
    p->alpha = alpha;
    p->t_mul = t_mul;
    p->decay_steps = decay_steps;
    p->inverse = 1.0 / decay_steps.hi;
    p->end = initial * alpha + 0.0; /* -0 is +0 */
    p->floor = cf_two_prod(initial, alpha);
    p->floor.hi += 0.0;
    if (fabs(p->floor.hi) < ldexp(1.0, -900)) p->floor.lo = 0.0; /* it has no digits there */
    if (p->scaled) {
        /* Initial rates may be subnormal, heights are not. */
        mantissa = frexp(initial, &exponent);
        cf_exponential_decay_init(&p->height, 1.0, one, m_mul, 1);
        cf_power_curve_init(&p->height.curve,
                            cf_multiply(cf_two_sum(1.0, -alpha), cf_make_pair(mantissa + 0.0, 0.0)));
        p->height.curve.exponent += exponent;
    }
    if (p->equal) {
        cf_cosine_decay_init(&p->wave, p->scaled ? 1.0 : initial, decay_steps, p->scaled ? 0.0 : alpha, 0, 0.0, zero);
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
        /* It lies in no cycle itself: the least step above it does. */
        if (t_mul > 1.0 && limit.lo == 0.0) p->limit.lo = nextafter(p->limit.lo, INFINITY);
        place.begin = cf_begin_of(p, 0, &place.length);
        while (p->count < capacity && p->count < CF_CYCLES && place.begin.hi < 9223372036854775808.0) { /* 2^63 */
            place.end = cf_begin_of(p, p->count + 1, &next_length);
            if (!cf_less(cf_pair_from(place.begin), cf_pair_from(place.end))) break; /* too short for a step */
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
    if (!scaled) {
        switch (c->wave.kind) {
        case CF_SINGLE: return cf_rate(&c->wave, step, CF_SINGLE, CF_DECAY);
        case CF_PAIR: return cf_rate(&c->wave, step, CF_PAIR, CF_DECAY);
        default: return cf_rate(&c->wave, step, CF_WIDE, CF_DECAY);
        }
    }
    switch (c->wave.kind) {
    case CF_SINGLE: return cf_cycle_scaled(c, step, CF_SINGLE, CF_DECAY);
    case CF_PAIR: return cf_cycle_scaled(c, step, CF_PAIR, CF_DECAY);
    default: return cf_cycle_scaled(c, step, CF_WIDE, CF_DECAY);
    }
}

/* The rate of a `scaled` schedule in equal cycles, `rest` lying in `wave`. `few`: the cycle's number and the rest are
 * single doubles. */
CF_INLINE double cf_equal_scaled(const cf_cosine_decay_restarts *p, const cf_cosine_decay *wave, cf_pair count,
                                 cf_pair rest, int kind, int few)
{
    cf_pair factors;
    const cf_pair height = cf_height(p, count, few, &factors);
    return cf_scaled(p->floor, height, factors, cf_unit_wave(wave, rest, kind, CF_DECAY));
}

static inline double cf_equal_at(const cf_cosine_decay_restarts *p, cf_pair step)
{
    const cf_cosine_decay *wave = &p->wave;
    cf_stairs s;
    int kind = wave->kind;
    if (p->few && step.lo == 0.0 && fabs(step.hi) <= CF_FEW && (step.hi >= 0.0 || step.hi == floor(step.hi))) {
        s = cf_few_stairs(step.hi, p->decay_steps.hi, p->inverse);
    } else {
        /* The second half from its end: a small fraction before a restart is lost in the way from the last one. */
        s = cf_nearest_stairs(step, p->decay_steps, p->inverse);
        if (s.rest.hi < 0.0) {
            s.count.lo -= 1.0;
            wave = &p->back;
        }
        s.count = cf_fast_two_sum(s.count.hi, s.count.lo);
        if (kind == CF_SINGLE) kind = CF_PAIR; /* the same formula, of two doubles */
    }
    if (p->scaled) {
        switch (kind) {
        case CF_SINGLE: return cf_equal_scaled(p, wave, s.count, s.rest, CF_SINGLE, 0);
        case CF_PAIR: return cf_equal_scaled(p, wave, s.count, s.rest, CF_PAIR, 0);
        default: return cf_equal_scaled(p, wave, s.count, s.rest, CF_WIDE, 0);
        }
    }
    switch (kind) {
    case CF_SINGLE: return cf_rate(wave, s.rest, CF_SINGLE, CF_DECAY);
    case CF_PAIR: return cf_rate(wave, s.rest, CF_PAIR, CF_DECAY);
    default: return cf_rate(wave, s.rest, CF_WIDE, CF_DECAY);
    }
}

static inline double cf_cosine_decay_restarts_at(const cf_cosine_decay_restarts *p, cf_pair step)
{
    if (!cf_in_cycles(p, step)) return cf_outside(p, step);
    if (p->equal) {
        return cf_equal_at(p, step);
    } else {
        cf_cycle own;
        const cf_cycle *const c = cf_cycle_of(p, step, &own);
        return p->scaled ? cf_cycle_at(c, step, 1) : cf_cycle_at(c, step, 0);
    }
}

#endif
