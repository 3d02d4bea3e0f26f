"""CosineDecay's wave in pairs throughout, as in cosine_fast_wide.h: the same operations in the same order.

It serves parameters for which the shorter way of cosine_decay.py is not accurate: rates or a decay so small, large or
negative that products leave the range of normal doubles or values cancel, and steps beyond 2**44.
"""

from __future__ import annotations

from .pairs import Pair, fast_two_sum, horner, multiply, table

# sin(pi*v/2)^2 / v^2 in powers of v^2 for 0 <= v <= 1/2; made by src/coefficients.py.
WIDE = table("wide", "wide")
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
