"""Make the polynomial coefficients of the kernel, with mpmath: `python src/coefficients.py`.

Each table approximates a function as a polynomial with the least greatest relative error (Remez's exchange algorithm).
Each coefficient is printed as the pair of doubles hi + lo that is nearest to it, and the table's relative error,
coefficients taken as these pairs, as a power of 2.

The output stands in the headers of cosine_fast/include/, which cosine_fast/_reference reads too; a test makes it again
and compares.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from mpmath import mp, mpf

PRECISION = 300  # bits: far beyond a pair's 106, so that a coefficient is rounded once


def wave(w):
    """sin(pi*v/2)^2 / v^2, with w = v^2: for 0 <= v <= 1/2 the smaller half of the wave."""
    if w == 0:
        return (mp.pi / 2) ** 2
    v = mp.sqrt(w)
    return (mp.sin(mp.pi * v / 2) / v) ** 2


def exp2(f):
    """(2^f - 1) / f."""
    return mp.expm1(f * mp.log(2)) / f if f else mp.log(2)


def log2(w):
    """log2(m) / z where z = (m - 1) / (m + 1) and w = z^2."""
    z = mp.sqrt(w)
    return 2 / mp.log(2) * (mp.atanh(z) / z if w else 1)


def mean(w):
    """(1 - sin(pi*v) / (pi*v)) / v^2, with w = v^2: what the wave's mean over [-v, v] lacks of its peak."""
    if w == 0:
        return mp.pi**2 / 6
    v = mp.sqrt(w)
    return (1 - mp.sin(mp.pi * v) / (mp.pi * v)) / w


class Table(NamedTuple):
    function: Callable
    low: mpf
    high: mpf
    terms: int


HALF = mpf(1) / 2 + mpf(2) ** -12  # an exponent's distance from the nearest integer, and a little more
ROOT = (mp.sqrt(2) - 1) ** 4 * (1 + mpf(2) ** -20)  # z^2 where m is the square root of 2, and a little more
TABLES = {
    "SINGLE": Table(wave, mpf(0), mpf(1) / 4, 9),
    "WIDE": Table(wave, mpf(0), mpf(1) / 4, 13),
    "EXP2": Table(exp2, -HALF, HALF, 12),
    "LOG2": Table(log2, mpf(0), ROOT, 9),
    "WIDE_LOG2": Table(log2, mpf(0), ROOT, 15),
    "MEAN": Table(mean, mpf(0), mpf(1) / 4, 13),
}


def relative_error(function, coefficients, w):
    return mp.polyval(coefficients[::-1], w) / function(w) - 1


def _peak(error, low, high):
    """Where |error|, unimodal on [low, high], is greatest."""
    for _ in range(80):
        third = (high - low) / 3
        if abs(error(low + third)) < abs(error(high - third)):
            low += third
        else:
            high -= third
    return (low + high) / 2


def minimax(function, low, high, terms):
    """The polynomial's `terms` coefficients, lowest first, and the greatest relative error."""
    grid = [low + (high - low) * (1 - mp.cos(mp.pi * i / (60 * terms))) / 2 for i in range(60 * terms + 1)]
    points = [low + (high - low) * (1 - mp.cos(mp.pi * i / terms)) / 2 for i in range(terms + 1)]
    while True:
        # Equal errors of alternating sign at the points: sum(c_j w^j) / F(w) + (-1)^i e = 1.
        rows = [[w**j / function(w) for j in range(terms)] + [mpf(-1) ** i] for i, w in enumerate(points)]
        *coefficients, level = mp.lu_solve(mp.matrix(rows), mp.ones(terms + 1, 1))
        error = partial(relative_error, function, coefficients)
        errors = [error(w) for w in grid]
        bounds = [0, *(i for i in range(1, len(grid)) if errors[i] * errors[i - 1] < 0), len(grid)]
        points = []
        for first, last in pairwise(bounds):
            best = max(range(first, last), key=lambda i: abs(errors[i]))
            if best in (0, len(grid) - 1):
                points.append(grid[best])
            else:
                points.append(_peak(error, grid[best - 1], grid[best + 1]))
        greatest = max(abs(error(w)) for w in points)
        if greatest < abs(level) * (1 + mpf(10) ** -6):
            return coefficients, greatest


def pair(x):
    hi = float(x)
    return hi, float(x - mpf(hi))


def main():
    mp.prec = PRECISION
    for name, table in TABLES.items():
        coefficients, _ = minimax(*table)
        pairs = [pair(c) for c in coefficients]
        rounded = [mpf(hi) + mpf(lo) for hi, lo in pairs]
        grid = (table.low + (table.high - table.low) * i / 2000 for i in range(2001))
        greatest = max(abs(relative_error(table.function, rounded, w)) for w in grid)
        print(f"{name}: {table.terms} terms, relative error 2^{float(mp.log(greatest, 2)):.2f}")
        for hi, lo in pairs:
            print(f"    {{{hi.hex()}, {lo.hex()}}},")


if __name__ == "__main__":
    main()
