"""Checks and conversions of parameters, so that the kernels can trust what they are given."""

from __future__ import annotations

import contextlib
import math
import numbers
import operator
import warnings
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any, SupportsIndex

import numpy as np

from .._backend import shown

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
LARGEST = 2.0**1000  # the largest size of a rate: no intermediate result overflows
_SMALLEST_COUNT = 2.0**-64
FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
RATE_DTYPES = (FLOAT64, FLOAT32)


def received(name: str, value: object) -> str:
    return f"Received: {name}={shown(value)}" + ("" if type(value) in (int, float) else f" ({type(value).__name__})")


def integer_of(name: str, value: SupportsIndex) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"Argument `{name}` must be an integer. {received(name, value)}") from None


def numpy_array(name: str, value: Any, wanted: str) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(value)
    except ValueError as error:  # lists of different lengths
        raise ValueError(f"Argument `{name}` must be {wanted}. NumPy says: {error}") from error


def array_of(name: str, value: Any, wanted: str = "a number or an array of numbers") -> np.ndarray[Any, Any]:
    """Return an array of integers or floats."""
    array = numpy_array(name, value, wanted)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"Argument `{name}` must be {wanted}. {received(name, value)}")
    return array


def check_function(name: str, value: Any) -> None:
    if not (value is None or callable(value)):
        raise TypeError(f"Argument `{name}` must be a function or None. {received(name, value)}")


def number_of(name: str, value: Any) -> float:
    """Return a finite real number as a float."""
    if type(value) is float:  # the usual case, kept short: simulators make millions of schedules
        number = value
    elif isinstance(value, bool) or not isinstance(value, (float, int, numbers.Real)):
        raise TypeError(f"Argument `{name}` must be a number. {received(name, value)}")
    else:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        except TypeError:  # its class claims to be a number, but it does not convert
            raise TypeError(f"Argument `{name}` must be a number. {received(name, value)}") from None
    if not math.isfinite(number):
        raise ValueError(f"Argument `{name}` must be finite. {received(name, value)}")
    return number


def exact_of(value: Any, number: float) -> int | float:
    """Return a number, of any type, exactly if it is whole, else as the float that it converts to."""
    return int(value.numerator) if isinstance(value, numbers.Rational) and value.denominator == 1 else number


def nearest(exact: Fraction | float) -> float:
    """Return the float nearest to a number, whatever the rounding mode; infinity beyond all floats."""
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def steps_of(name: str, value: Any, *, positive: bool) -> int | float:
    """Return a number of steps: an int if it is whole, whatever its type, else a float."""
    if type(value) is int and positive <= value <= INT64_MAX:
        return value
    number = number_of(name, value)
    # Converted once and then checked: a user's own class may convert differently the next time.
    exact = exact_of(value, number)
    if not (exact > 0 if positive else exact >= 0):
        raise ValueError(f"Argument `{name}` must be {'> 0' if positive else '>= 0'}. Received: {name}={shown(value)}")
    if not exact <= INT64_MAX:
        raise ValueError(f"Argument `{name}` must be < 2**63. Received: {name}={shown(value)}")
    if 0 < exact < _SMALLEST_COUNT:
        raise ValueError(f"Argument `{name}` must not be smaller than 2**-64 steps. Received: {name}={shown(value)}")
    return int(exact) if isinstance(exact, float) and exact.is_integer() else exact


def items_of(name: str, given: Any, what: str = "numbers") -> list[Any]:
    """Return the elements of a parameter that is a sequence."""
    if issubclass(type(given), np.ndarray):
        if given.ndim != 1:
            raise ValueError(f"Argument `{name}` must have one dimension. Received: an array of shape {given.shape}")
    elif not isinstance(given, Sequence) or isinstance(given, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"Argument `{name}` must be a list, a tuple or an array of {what}. {received(name, given)}")
    try:
        return list(given)
    except OverflowError:  # a range
        raise ValueError(f"Argument `{name}` has too many of them. {received(name, given)}") from None


def check_schedule(schedule: Any, wanted: type) -> None:
    if not isinstance(schedule, wanted):
        raise TypeError(f"Argument `schedule` must be a schedule of cosine_fast. Received: {type(schedule).__name__}")


def choice_of(name: str, given: Any, choices: Collection[str]) -> str:
    """Return a parameter that is one of some words."""
    if not (isinstance(given, str) and given in choices):
        raise ValueError(f"Argument `{name}` must be one of {', '.join(choices)}. {received(name, given)}")
    return given


def flag_of(name: str, value: Any) -> float:
    """Return a flag as the kernels take it: 1.0 or 0.0."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"Argument `{name}` must be True or False. {received(name, value)}")
    return float(value)


def rate_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype that a caller asks for: float64 or float32."""
    result: np.dtype[Any] | None = None
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        result = None if dtype is None else np.dtype(dtype)
    if result is None or result not in RATE_DTYPES:
        raise TypeError(f"Argument `dtype` must be float64 or float32. Received: dtype={shown(dtype)}")
    return result


def dtype_of(name: str, value: Any) -> np.dtype[Any]:
    """Return the dtype that a rate gives to the results: its own if it is a NumPy scalar, else float64."""
    if not isinstance(value, np.floating):
        return FLOAT64
    if value.dtype not in RATE_DTYPES:
        raise TypeError(
            f"Argument `{name}` must be a Python number or a NumPy float64 or float32, whose type the results have. "
            f"{received(name, value)}"
        )
    return value.dtype


def rate_of(name: str, value: Any) -> tuple[float, np.dtype[Any]]:
    """Return a learning rate as a float, and the dtype that it gives to the results."""
    if type(value) is float and math.isfinite(value):  # the usual case, kept short as in number_of
        return value, FLOAT64
    return number_of(name, value), dtype_of(name, value)


def check_size(initial: float, given: Any) -> None:
    if not abs(initial) <= LARGEST:
        wanted = "Argument `initial_learning_rate` must be at most 2**1000 (1e301) in size."
        raise ValueError(f"{wanted} Received: initial_learning_rate={given}")


def check_fall(**rates: Any) -> None:
    """Check the size of two rates, given by their names, and of their difference."""
    first, last = map(float, rates.values())
    if not (abs(first) <= LARGEST and abs(last) <= LARGEST and abs(first - last) <= LARGEST):
        raise ValueError(
            "The rates and their difference must be at most 2**1000 (1e301) in size. Received: "
            + ", ".join(f"{name}={rate}" for name, rate in rates.items())
        )


def check_one_floor(alpha: Any, end_learning_rate: Any) -> None:
    if end_learning_rate is not None and np.any(alpha):
        raise ValueError(
            "Arguments `alpha` and `end_learning_rate` exclude each other. "
            f"Received: alpha={shown(alpha)}, end_learning_rate={shown(end_learning_rate)}"
        )


def floor_of(alpha: Any, end_learning_rate: Any) -> tuple[float, float]:
    """Return alpha and 0.0, or the end rate and 1.0, as the kernels take the floor of a cosine."""
    if end_learning_rate is None:
        return number_of("alpha", alpha), 0.0
    check_one_floor(number_of("alpha", alpha), end_learning_rate)
    return number_of("end_learning_rate", end_learning_rate), 1.0


def warn_ignored(warmup_target: Any, warmup_steps: Any) -> None:
    """Warn the caller of the caller if one of these is given without the other."""
    if warmup_target is None and warmup_steps:
        text = "Argument `warmup_steps` is ignored without `warmup_target`."
        warnings.warn(f"{text} Received: warmup_steps={warmup_steps}", UserWarning, stacklevel=3)
    elif warmup_target is not None and not warmup_steps:
        text = (
            "Argument `initial_learning_rate` is ignored: without `warmup_steps` the decay begins at `warmup_target`."
        )
        warnings.warn(f"{text} Received: warmup_target={warmup_target}", UserWarning, stacklevel=3)
