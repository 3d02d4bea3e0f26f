/* cosine_fast_inverse_square_root_decay.h: InverseSquareRootDecay, one step -> one learning rate.
 *
 * Method
 *     With s the step, L0 the initial rate, T = timescale and x = max(s + shift, T), the rate is L0 * sqrt(T / x). x is a
 *     pair. The rounded root r is corrected by the exact remainder of T - r^2 * x, over 2 * r * x = 2 * T / r, and the
 *     product with L0 is a pair until it is rounded.
 *
 * Special cases
 *     NaN gives NaN, +inf 0, -inf L0. Floats beyond 2^500 are divided by 2^600, which the rate makes good.
 *
 * Accuracy
 *     At most 0.51 units in the last place (ULP), and 1 for subnormal rates, which are rounded twice. Exactly L0 where
 *     s + shift <= T.
 */
#ifndef COSINE_FAST_INVERSE_SQUARE_ROOT_DECAY_H
#define COSINE_FAST_INVERSE_SQUARE_ROOT_DECAY_H

#include "cosine_fast_errors.h"
#include "cosine_fast_pairs.h"

typedef struct cf_inverse_square_root_decay {
    int variant;         /* 0: there is one formula */
    int whole;           /* timescale and shift are whole numbers up to CF_SMALL_STEP in size */
    double initial;      /* initial_learning_rate / unit: 0, or in [1, 2) in size; unit is a power of 2 */
    double unit;
    cf_pair timescale, shift;
    double half_inverse; /* 1 / (2 * timescale) */
} cf_inverse_square_root_decay;

/* What is wrong with the parameters, in the order of CF_SCHEDULES: an enum cf_error. */
static inline int cf_inverse_square_root_decay_error(const double *numbers, int64_t n, const cf_pair *counts, int64_t count)
{
    if (n != 1 || count != 2) return CF_BAD_LENGTH;
    if (!cf_is_finite(numbers[0])) return CF_BAD_INITIAL_LEARNING_RATE;
    if (!cf_is_length(counts[0])) return CF_BAD_TIMESCALE;
    if (!cf_is_step(counts[1]) || cf_less(cf_from_int64(INT64_MAX), counts[1])
        || cf_less(counts[1], cf_from_int64(-INT64_MAX)))
        return CF_BAD_SHIFT;
    if (!cf_is_rate(numbers[0])) return CF_BAD_SIZE;
    return CF_OK;
}

/* Fold the parameters, which are trusted: |initial| <= 2^1000, 2^-64 <= timescale < 2^63, |shift| < 2^63. */
static inline void cf_inverse_square_root_decay_init(cf_inverse_square_root_decay *p, double initial, cf_pair timescale,
                                                     cf_pair shift)
{
    p->variant = 0;
    p->whole = cf_is_whole(timescale) && cf_is_whole(shift) && timescale.hi <= CF_SMALL_STEP
               && fabs(shift.hi) <= CF_SMALL_STEP;
    p->initial = cf_take_unit(initial, &p->unit);
    p->timescale = timescale;
    p->shift = shift;
    p->half_inverse = 0.5 / timescale.hi;
}

CF_INLINE int cf_inverse_square_root_decay_steps(const cf_inverse_square_root_decay *p, double least, double greatest,
                                                 int whole)
{
    if (!whole) return CF_DOUBLE_STEPS;
    return p->whole && least >= -CF_SMALL_STEP && greatest <= CF_SMALL_STEP ? CF_WHOLE_STEPS : CF_ANY_STEPS;
}

CF_INLINE double cf_inverse_square_root_decay_rate(const cf_inverse_square_root_decay *p, cf_pair step, int variant,
                                                   int steps)
{
    const double initial = p->initial, unit = p->unit, half_inverse = p->half_inverse; /* hoisted so that it vectorises */
    const cf_pair T = p->timescale, shift = p->shift;
    const int whole = steps == CF_WHOLE_STEPS; /* then T, shift and x have no lower halves */
    const int huge = !whole && fabs(step.hi) > 3.273390607896142e+150; /* 2^500 */
    const double smaller = 2.409919865102884e-181, half_as_small = 4.909093465297727e-91; /* 2^-600 and 2^-300 */
    cf_pair x = whole ? cf_make_pair(step.hi + shift.hi, 0.0) : cf_add(step, shift);
    const int before = whole ? x.hi < T.hi : huge ? step.hi < 0.0 : cf_less(x, T);
    double factor = huge ? half_as_small : 1.0, root, square, rest, rate;
    (void)variant;
    x = cf_choose(huge, cf_make_pair(step.hi * smaller, 0.0), x);
    x = cf_choose(before, T, x);
    factor = before ? 1.0 : factor;
    root = sqrt(T.hi / x.hi);
    square = root * root;
    rest = cf_minus_product(T.hi, square, x.hi) - cf_square_rest(root, square) * x.hi;
    if (!whole) rest += T.lo - square * x.lo;
    rate = initial * root;
    rate += cf_product_rest(initial, root, rate) + initial * (rest * (root * half_inverse));
    rate = rate * factor * unit + 0.0; /* -0 becomes +0 */
    return !whole && step.hi > 1.7976931348623157e308 ? 0.0 : rate;
}

CF_DEFINE_AT(inverse_square_root_decay)

#endif
