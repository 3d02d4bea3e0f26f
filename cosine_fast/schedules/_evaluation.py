"""Every way to evaluate a function of the step: a number, an array, a range, into new memory or given one."""

from __future__ import annotations

import numbers
import sys
from collections.abc import Callable, Iterator
from typing import Any, SupportsIndex, TypeGuard

import numpy as np

from .._backend import check_threads, shown
from . import _arrays
from ._checks import FLOAT64, INT64_MAX, INT64_MIN, RATE_DTYPES, integer_of, numpy_array, rate_dtype

_PLAIN = (np.ndarray, list, tuple)  # types of steps that give NumPy's arrays


def as_array(step: Any) -> np.ndarray[Any, Any]:
    """Return the steps as an array of integers within int64 or of floats."""
    if isinstance(step, range):
        return array_of_range(range_of_steps("as_array", step.start, step.stop, step.step))
    try:
        array = numpy_array("step", step, "integers or floats")
    except TypeError as error:
        if type(step).__module__.partition(".")[0] != "torch":
            raise
        wanted = "Tensors that NumPy cannot read are for `cosine_fast.integrations.torch.learning_rates`."
        raise TypeError(f"{wanted} Received: step of dtype {step.dtype} on {step.device}") from error
    kind = array.dtype.kind
    if kind == "O" or (kind == "f" and not isinstance(step, (np.ndarray, np.generic, float)) and _loses_digits(array)):
        # NumPy makes objects of a list with an int beyond uint64, and floats of ints of int64 and uint64 together.
        for item in np.asarray(step, dtype=object).flat:
            if isinstance(item, numbers.Integral) and not INT64_MIN <= int(item) <= INT64_MAX:
                raise _beyond_int64(int(item))
    if kind not in "iuf":
        hint = "; use list() or numpy.fromiter()" if isinstance(step, Iterator) else ""
        what = f"{array.dtype} ({type(step).__name__}{hint})"
        raise TypeError(f"Argument `step` must be integers or floats. Received: {what}")
    if kind == "u" and array.dtype.itemsize == 8 and array.size and (largest := int(array.max())) > INT64_MAX:
        raise _beyond_int64(largest)
    return array


def _beyond_int64(step: int) -> OverflowError:
    return OverflowError(f"step {shown(step)} is beyond int64 (-2**63 <= step < 2**63)")


def range_of_steps(function: str, start: SupportsIndex, stop: SupportsIndex | None, step: SupportsIndex) -> range:
    """Return range(start, stop, step) for a method with this name; raise where a step is beyond int64."""
    if stop is None and step != 1:
        raise TypeError(f"Argument `step` needs `start` and `stop`. Received: {function}({start!r}, step={step!r})")
    start, step = integer_of("start", start), integer_of("step", step)
    if step == 0:
        raise ValueError("Argument `step` must not be 0. Received: step=0")
    steps = range(start) if stop is None else range(start, integer_of("stop", stop), step)
    for end in (steps[0], steps[-1]) if steps else ():
        if not INT64_MIN <= end <= INT64_MAX:
            raise _beyond_int64(end)
    return steps


def array_of_range(steps: range) -> np.ndarray[Any, Any]:
    """Return the steps of a range within int64 as an array."""
    # Modulo 2**64: a stride may be beyond int64, its steps are not.
    stride = (steps.step + 2**63) % 2**64 - 2**63
    return steps.start + stride * np.arange(len(steps), dtype=np.int64)


def _loses_digits(array: np.ndarray[Any, Any]) -> bool:
    """Return whether ints may have been rounded to these floats."""
    return array.dtype.itemsize > 2 and not bool(np.all(np.abs(array) < 2.0**53))  # NaN counts as large


def is_masked(array: Any) -> TypeGuard[np.ma.MaskedArray[Any, Any]]:
    """Return whether this is a masked array."""
    ma = sys.modules.get("numpy.ma")  # until somebody imports it there are no masked arrays
    return isinstance(array, getattr(ma, "MaskedArray", ()))


def check_out(out: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Return the memory of `out` as a plain array: a subclass may misreport its dtype or shape."""
    wanted = None if dtype is None else rate_dtype(dtype)  # first: it may run the caller's code
    if not isinstance(out, np.ndarray):
        raise TypeError(f"Argument `out` must be a NumPy array. Received: {type(out).__name__}")
    rates = np.asarray(out)
    if rates.dtype not in RATE_DTYPES:
        raise TypeError(f"Argument `out` must be of dtype float64 or float32. Received: {rates.dtype.str}")
    if wanted is not None and wanted != rates.dtype:
        raise TypeError(f"Arguments `dtype` and `out` disagree. Received: dtype={wanted}, out of dtype {rates.dtype}")
    if rates.shape != shape:
        raise ValueError(f"Argument `out` must have the shape of the result, {shape}. Received: {rates.shape}")
    if not rates.flags.writeable:
        raise ValueError("Argument `out` must be writeable. Received: a read-only array")
    return rates


def apart(array: np.ndarray[Any, Any], rates: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the array, copied if `rates` overlaps it in any way but element upon element."""
    # max_work=1 as in NumPy's own functions: exact where that is easy, else "may" is enough to copy.
    if not np.may_share_memory(array, rates, max_work=1):  # type: ignore[arg-type]
        return array
    same = array.ctypes.data == rates.ctypes.data and array.shape == rates.shape and array.strides == rates.strides
    return array if same and array.itemsize == rates.itemsize else array.copy()


def is_readable(array: np.ndarray[Any, Any]) -> bool:
    """Return whether the kernels can read the array: they cannot read half and extended precision."""
    return array.dtype.kind != "f" or array.dtype.itemsize in (4, 8)


class Evaluation:
    """Every way to call a function of the step, made of three methods that a subclass has.

    `_at(step)` returns the value at an int within int64 or a float; `_evaluate(steps, rates, threads)` and
    `_fill(start, step, rates, threads)` write the values at an array of steps, or at a range, into `rates`.
    """

    __slots__ = ()

    _dtype: np.dtype[Any]

    _at: Callable[[float], float]
    _evaluate: Callable[[np.ndarray[Any, Any], np.ndarray[Any, Any], int], None]
    _fill: Callable[[int, int, np.ndarray[Any, Any], int], None]

    def _call(self, step: Any, out: Any, dtype: Any, num_threads: SupportsIndex | None) -> Any:
        """Call with any step and any options; the kernels handle only the simplest calls themselves."""
        threads = check_threads(num_threads)
        if isinstance(step, range):
            return self._precompute(step.start, step.stop, step.step, out, dtype, num_threads)
        if out is None:
            wanted = self._dtype if dtype is None else rate_dtype(dtype)
            if wanted == FLOAT64 and isinstance(step, (int, float)) and not isinstance(step, (bool, np.floating)):
                step = float(step) if isinstance(step, float) else int(step)
                if isinstance(step, int) and not INT64_MIN <= step <= INT64_MAX:
                    raise _beyond_int64(step)
                return self._at(step)
            plain = type(step) in _PLAIN or isinstance(step, np.generic)
            if not plain and (way := _arrays.way_of(step)):
                return way(self._call, step, out=None, dtype=wanted, num_threads=num_threads)
        array = as_array(step)
        if out is None:
            rates = np.empty_like(array, wanted, subok=False)  # in the steps' memory order, so that both are read in it
            self._evaluate_any(array, rates, threads)
            if not plain:
                if is_masked(step):
                    return np.ma.array(rates, mask=np.ma.getmaskarray(step).copy())[()]
                if _arrays.wraps(step):
                    return step.__array_wrap__(rates)
            return rates if array.ndim else rates[()]
        rates = check_out(out, array.shape, dtype)
        self._evaluate_any(apart(array, rates), rates, threads)
        if is_masked(out):
            out.mask = np.ma.getmask(step)
        return out

    def _evaluate_any(self, array: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], threads: int) -> None:
        """Evaluate as `_evaluate` does, also steps that the kernels cannot read."""
        if is_readable(array):
            self._evaluate(array, rates, threads)
            return
        # In buffers of bounded size: converting all steps at once would take memory as large as they are.
        with np.errstate(over="ignore"):
            pieces = np.nditer(
                [array, rates], ["external_loop", "buffered", "zerosize_ok"], [["readonly"], ["writeonly"]],
                op_dtypes=[FLOAT64, rates.dtype], casting="unsafe", buffersize=1 << 16,
            )  # fmt: skip
            with pieces:
                for piece, into in pieces:
                    self._evaluate(piece, into, threads)

    def _precompute(
        self, start: SupportsIndex, stop: SupportsIndex | None, step: SupportsIndex,
        out: np.ndarray[Any, Any] | None, dtype: Any, num_threads: SupportsIndex | None,
    ) -> np.ndarray[Any, Any]:  # fmt: skip
        threads = check_threads(num_threads)
        steps = range_of_steps("precompute", start, stop, step)
        count = max(0, -((steps.start - steps.stop) // steps.step))  # len() fails beyond sys.maxsize
        if out is None:
            if count > INT64_MAX // 8:
                raise MemoryError(f"Unable to allocate the rates of {count} steps")
            rates = np.empty(count, self._dtype if dtype is None else rate_dtype(dtype))
        else:
            rates = check_out(out, (count,), dtype)
            if is_masked(out):
                out.mask = np.ma.nomask
        if count:
            # Modulo 2**64: the stride may be beyond int64, the steps are within it.
            self._fill(steps.start, (steps.step + 2**63) % 2**64 - 2**63, rates, threads)
        return rates if out is None else out


class OneByOne(Evaluation):
    """A function of one step as a schedule, which evaluates arrays and ranges element by element."""

    __slots__ = ("_at",)

    _dtype = FLOAT64

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._at = function

    def _evaluate(self, steps: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], num_threads: int) -> None:
        for index in np.ndindex(steps.shape):
            rates[index] = self._at(steps[index].item())

    def _fill(self, start: int, step: int, rates: np.ndarray[Any, Any], num_threads: int) -> None:
        for i in range(rates.size):
            rates[i] = self._at((start + i * step + 2**63) % 2**64 - 2**63)
