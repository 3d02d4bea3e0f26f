"""Float64 numbers that carry a bound of their rounding error, and the part of `keras.ops` that Keras's schedules use.

Keras's own `__call__`, run over these, gives what it gives in float64 and how far that may be from its formula over the
reals. A comparison that the errors may have turned does not widen a bound without end: `floor` and `ceil` take the
number as it is and mark the result `turned`, for who asks whether a step is on the other side than it should be.
"""

from __future__ import annotations

import contextlib
import functools
import math

import numpy as np

U = 2.0**-53
TINY = 2.0**-1074
FUNCTION = 8 * U  # NumPy's cos, log and power, whose vector forms are within 4 ULP


class Tracked:
    dtype = "float64"
    __array_ufunc__ = None  # NumPy's scalars leave the arithmetic to this class

    def __init__(self, value, error=0.0, turned=False):
        self.value = np.asarray(value, np.float64)
        if not isinstance(value, (float, np.floating)) and np.asarray(value).dtype.kind in "iu":
            error = np.where(np.abs(self.value) < 2.0**53, error, error + U * np.abs(self.value))
        self.error = np.where(np.isnan(error), np.inf, error)
        self.turned = turned

    def __add__(self, other):
        return rounded(self.value + of(other).value, self.error + of(other).error, self, of(other))

    def __sub__(self, other):
        return rounded(self.value - of(other).value, self.error + of(other).error, self, of(other))

    def __mul__(self, other):
        other = of(other)
        error = abs(self.value) * other.error + abs(other.value) * self.error + self.error * other.error
        return rounded(self.value * other.value, error, self, other)

    def __truediv__(self, other):
        other = of(other)
        value = self.value / other.value
        room = abs(other.value) - other.error
        error = np.where(room > 0, (self.error + abs(value) * other.error) / room, np.inf)
        return rounded(value, np.where(other.error + self.error > 0, error, 0.0), self, other)

    def __radd__(self, other):
        return of(other) + self

    def __rsub__(self, other):
        return of(other) - self

    def __rmul__(self, other):
        return of(other) * self

    def __rtruediv__(self, other):
        return of(other) / self

    def __lt__(self, other):
        return Compared(self.value < of(other).value, abs(self.value - of(other).value) <= self.error + of(other).error)

    def __le__(self, other):
        return self.value <= of(other).value


class Compared:
    """Whether it is less, and whether the errors may have turned that."""

    def __init__(self, value, unsure):
        self.value, self.unsure = value, unsure


def of(number):
    return number if isinstance(number, Tracked) else Tracked(number)


def rounded(value, error, *sources, by=U):
    turned = functools.reduce(np.logical_or, [source.turned for source in sources])
    return Tracked(value, error + by * abs(value) + TINY, turned)


class Ops:
    """In the place of `keras.ops` in the module of Keras's schedules."""

    name_scope = staticmethod(lambda name: contextlib.nullcontext())
    convert_to_tensor = staticmethod(of)
    add = staticmethod(lambda x, y: of(x) + y)
    subtract = staticmethod(lambda x, y: of(x) - y)
    multiply = staticmethod(lambda x, y: of(x) * y)
    divide = staticmethod(lambda x, y: of(x) / y)
    equal = staticmethod(lambda x, y: of(x).value == of(y).value)

    @staticmethod
    def array(x, dtype=None):
        return Tracked(x, 1.3e-16) if x == math.pi else of(x)

    @staticmethod
    def cast(x, dtype):
        return of(x)

    @staticmethod
    def cos(x):
        return rounded(np.cos(x.value), x.error, x, by=FUNCTION)

    @staticmethod
    def log(x):
        value = np.log(x.value)
        return rounded(value, reach(value, np.log(x.value + x.error), np.log(x.value - x.error)), x, by=FUNCTION)

    @staticmethod
    def power(x, y):
        x, y = of(x), of(y)
        value = np.power(x.value, y.value)
        bases = [x.value, x.value + x.error, np.where(x.value > 0, np.maximum(x.value - x.error, 0), x.value - x.error)]
        powers = [y.value, y.value + y.error, y.value - y.error]
        return rounded(value, reach(value, *(np.power(b, p) for b in bases for p in powers)), x, y, by=FUNCTION)

    @staticmethod
    def floor(x):
        return Tracked(np.floor(x.value), 0.0, x.turned | (abs(x.value - np.rint(x.value)) <= x.error))

    @staticmethod
    def ceil(x):
        return Tracked(np.ceil(x.value), 0.0, x.turned | (abs(x.value - np.rint(x.value)) <= x.error))

    @staticmethod
    def minimum(x, y):
        x, y = of(x), of(y)
        return Tracked(np.minimum(x.value, y.value), np.maximum(x.error, y.error), x.turned | y.turned)

    @staticmethod
    def where(chosen, x, y):
        x, y = of(x), of(y)
        return Tracked(*(np.where(chosen, *pair) for pair in zip(vars(x).values(), vars(y).values(), strict=True)))

    @staticmethod
    def cond(chosen, if_true, if_false):
        if not isinstance(chosen, Compared):
            return if_true() if chosen else if_false()
        x, y = if_true(), if_false()
        made = Ops.where(chosen.value, x, y)
        made.error = np.where(chosen.unsure, np.maximum(x.error, y.error) + abs(x.value - y.value), made.error)
        return made


def reach(value, *ends):
    """How far the ends are from the value; without end where there is none."""
    far = np.max([abs(end - value) for end in ends], axis=0)
    return np.where(np.isnan(far), np.inf, far)
