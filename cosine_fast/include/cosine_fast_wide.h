/* cosine_fast_wide.h: the polynomial of CosineDecay's wave in pairs of doubles, for parameters of unusual size (CF_WIDE in
 * cosine_fast_cosine_decay.h). */
#ifndef COSINE_FAST_WIDE_H
#define COSINE_FAST_WIDE_H

#include "cosine_fast_pairs.h"

#define CF_WIDE_TERMS 13
#define CF_WIDE_PAIRS 9 /* from here on a coefficient is below 2^-48 of the sum, and one double is enough */

/* sin(pi*v/2)^2 / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py. */
static const cf_pair cf_wide_table[CF_WIDE_TERMS] = { /* relative error 2^-104.67 */
    {2.4674011002723395, 1.5663238771849273e-16}, /* 0x1.3bd3cc9be45dep+1, 0x1.692b71366cc02p-53 */
    {-2.0293560632083842, 1.3301000412158104e-16}, /* -0x1.03c1f081b5ac4p+1, 0x1.32b33f87fcf2fp-53 */
    {0.6676313844272947, -1.5907619140240806e-18}, /* 0x1.55d3c7e3cbffap-1, -0x1.d58292695cd53p-60 */
    {-0.1176653151794466, 6.291549684173433e-19}, /* -0x1.e1f506891babbp-4, 0x1.736335f28da2dp-61 */
    {0.01290344569500703, -5.851720204624383e-19}, /* 0x1.a6d1f2a204a8cp-7, -0x1.596cb20ffff39p-61 */
    {-0.0009647871547019616, 5.041027610957338e-20}, /* -0x1.f9d38a3763cc3p-11, 0x1.dc1c9197ff164p-65 */
    {5.231905246242282e-05, -6.410610768027295e-22}, /* 0x1.b6e24f44b128ap-15, -0x1.837f659655e21p-71 */
    {-2.1515347935160586e-06, 1.3607384619514503e-22}, /* -0x1.20c62c2f2d421p-19, 0x1.4901a199bf9b1p-73 */
    {6.939476230776778e-08, 6.130326243488625e-24}, /* 0x1.2a0c591abb4c6p-24, 0x1.da4f9ef7f703bp-78 */
    {-1.8023653806984191e-09, -5.471357828128606e-26}, /* -0x1.ef6e303a43b36p-30, -0x1.0eedb34a10e13p-84 */
    {3.8503469113627774e-11, -2.5260047149856652e-27}, /* 0x1.52ae1ac583382p-35, -0x1.9042ecb1498bap-89 */
    {-6.882738392917353e-13, -4.153846987671413e-29}, /* -0x1.8376b6bb6a232p-41, -0x1.a5400887f610cp-95 */
    {1.0232802537834928e-14, -3.219523679655128e-31}, /* 0x1.70acf1dd80dd2p-47, -0x1.a1eb0673a79e5p-102 */
};

/* The coefficients of amplitude * sin(pi*m / 2D)^2 in powers of m^2; `inverse` is 1 / D. */
static inline void cf_wide_init(cf_pair c[CF_WIDE_TERMS], cf_pair amplitude, cf_pair inverse)
{
    const cf_pair square = cf_multiply(inverse, inverse);
    cf_pair power = cf_multiply(amplitude, square);
    int k;
    for (k = 0; k < CF_WIDE_TERMS; k++) {
        c[k] = cf_multiply(cf_wide_table[k], power);
        power = cf_multiply(power, square);
    }
}

CF_INLINE cf_pair cf_wide_at(const cf_pair c[CF_WIDE_TERMS], cf_pair m)
{
    const cf_pair x = cf_multiply(m, m);
    return cf_multiply(x, cf_horner(c, CF_WIDE_TERMS, CF_WIDE_PAIRS, x));
}

#endif
