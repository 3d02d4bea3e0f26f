/* cosine_fast_triples.h: triples of doubles, hi + mid + lo, each at most half a unit in the last place of the one before.
 * CosineDecayRestarts needs them for the steps at which its cycles begin. */
#ifndef COSINE_FAST_TRIPLES_H
#define COSINE_FAST_TRIPLES_H

#include "cosine_fast_pairs.h"

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

static inline int cf_triple_is_whole(cf_triple a)
{
    return cf_is_whole(cf_make_pair(a.hi, a.mid)) && a.lo == floor(a.lo);
}

#endif
