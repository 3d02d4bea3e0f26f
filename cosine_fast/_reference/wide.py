"""CosineDecay's wave in pairs throughout, as in cosine_fast_wide.h: the same operations in the same order.

It serves parameters for which the shorter way of cosine_decay.py is not accurate: rates or a decay so small, large or
negative that products leave the range of normal doubles or values cancel, and steps beyond 2**44.
"""

from __future__ import annotations

from .pairs import Pair, fast_two_sum, horner, multiply, table

# sin(pi*v/2)^2 / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py.
WIDE = table("""
    0x1.3bd3cc9be45dep+1, 0x1.692b71366cc02p-53
    -0x1.03c1f081b5ac4p+1, 0x1.32b33f87fcf2fp-53
    0x1.55d3c7e3cbffap-1, -0x1.d58292695cd53p-60
    -0x1.e1f506891babbp-4, 0x1.736335f28da2dp-61
    0x1.a6d1f2a204a8cp-7, -0x1.596cb20ffff39p-61
    -0x1.f9d38a3763cc3p-11, 0x1.dc1c9197ff164p-65
    0x1.b6e24f44b128ap-15, -0x1.837f659655e21p-71
    -0x1.20c62c2f2d421p-19, 0x1.4901a199bf9b1p-73
    0x1.2a0c591abb4c6p-24, 0x1.da4f9ef7f703bp-78
    -0x1.ef6e303a43b36p-30, -0x1.0eedb34a10e13p-84
    0x1.52ae1ac583382p-35, -0x1.9042ecb1498bap-89
    -0x1.8376b6bb6a232p-41, -0x1.a5400887f610cp-95
    0x1.70acf1dd80dd2p-47, -0x1.a1eb0673a79e5p-102
""")
WIDE_PAIRS = 9  # the terms from here on are below 2**-48 of the sum: doubles suffice


def coefficients(amplitude: Pair, inverse: Pair) -> list[Pair]:
    """amplitude * WIDE[k] * inverse**(2k + 2), `inverse` being 1 / decay_steps."""
    inverse = multiply(inverse, inverse)
    power = multiply(amplitude, inverse)
    c = []
    for g in WIDE:
        c.append(fast_two_sum(*multiply(g, power)))
        power = multiply(power, inverse)
    return c


def distance(c: list[Pair], m: Pair) -> Pair:
    """The distance of the rate from the nearer end of the decay, m steps away."""
    x = multiply(m, m)
    return multiply(x, horner(c, x, WIDE_PAIRS))
