"""Make the polynomial coefficients of the kernel, with mpmath: `python src/coefficients.py`.

Both tables approximate F(w) = sin(pi*v/2)^2 / v^2 as a polynomial in w = v^2 on 0 <= v <= 1/2, the smaller half of
the wave, with the least greatest relative error (Remez's exchange algorithm). Each coefficient is printed as the pair
of doubles hi + lo that is nearest to it, and the table's relative error, coefficients taken as these pairs, as a power
of 2.

The output stands in cosine_fast/include/cosine_fast.h and, without the braces, in cosine_fast/_reference.py; a test
makes it again and compares.
"""

from functools import partial
from itertools import pairwise

from mpmath import mp, mpf

PRECISION = 300  # bits: far beyond a pair's 106, so that a coefficient is rounded once
INTERVAL = mpf(1) / 4
TABLES = {"SINGLE": 9, "WIDE": 13}  # relative errors below 2^-65 and 2^-104


def wave(w):
    """F(w), the function to approximate."""
    if w == 0:
        return (mp.pi / 2) ** 2
    v = mp.sqrt(w)
    return (mp.sin(mp.pi * v / 2) / v) ** 2


def relative_error(coefficients, w):
    return mp.polyval(coefficients[::-1], w) / wave(w) - 1


def _peak(error, low, high):
    """Where |error|, unimodal on [low, high], is greatest."""
    for _ in range(80):
        third = (high - low) / 3
        if abs(error(low + third)) < abs(error(high - third)):
            low += third
        else:
            high -= third
    return (low + high) / 2


def minimax(terms):
    """The polynomial's `terms` coefficients, lowest first, and the greatest relative error."""
    grid = [INTERVAL * (1 - mp.cos(mp.pi * i / (60 * terms))) / 2 for i in range(60 * terms + 1)]
    points = [INTERVAL * (1 - mp.cos(mp.pi * i / terms)) / 2 for i in range(terms + 1)]
    while True:
        # Equal errors of alternating sign at the points: sum(c_j w^j) / F(w) + (-1)^i e = 1.
        rows = [[w**j / wave(w) for j in range(terms)] + [mpf(-1) ** i] for i, w in enumerate(points)]
        *coefficients, level = mp.lu_solve(mp.matrix(rows), mp.ones(terms + 1, 1))
        errors = [relative_error(coefficients, w) for w in grid]
        bounds = [0, *(i for i in range(1, len(grid)) if errors[i] * errors[i - 1] < 0), len(grid)]
        points = []
        for first, last in pairwise(bounds):
            best = max(range(first, last), key=lambda i: abs(errors[i]))
            if best in (0, len(grid) - 1):
                points.append(grid[best])
            else:
                points.append(_peak(partial(relative_error, coefficients), grid[best - 1], grid[best + 1]))
        greatest = max(abs(relative_error(coefficients, w)) for w in points)
        if greatest < abs(level) * (1 + mpf(10) ** -6):
            return coefficients, greatest


def pair(x):
    hi = float(x)
    return hi, float(x - mpf(hi))


def main():
    mp.prec = PRECISION
    for name, terms in TABLES.items():
        coefficients, _ = minimax(terms)
        pairs = [pair(c) for c in coefficients]
        rounded = [mpf(hi) + mpf(lo) for hi, lo in pairs]
        greatest = max(abs(relative_error(rounded, INTERVAL * i / 2000)) for i in range(2001))
        print(f"{name}: {terms} terms, relative error 2^{float(mp.log(greatest, 2)):.2f}")
        for hi, lo in pairs:
            print(f"    {{{hi.hex()}, {lo.hex()}}},")


if __name__ == "__main__":
    main()
