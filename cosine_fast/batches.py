"""Many schedules at once: CosineDecay and WarmupStableDecay as functions whose arguments broadcast.

The parameters are checked here before anybody sees a rate; the kernel trusts them.
"""

from __future__ import annotations  # noqa: I001

import contextlib
import functools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, SupportsIndex

import numpy as np

from ._backend import check_threads, kernel
from .schedules import CosineDecay, WarmupStableDecay
from .schedules._base import restore
from .schedules._checks import (
    FLOAT64, LARGEST, check_one_floor, dtype_of, number_of, numpy_array, rate_dtype, steps_of, warn_ignored,
)  # fmt: skip
from .schedules._evaluation import apart, as_array, check_out, is_masked, is_readable
from .schedules._joined import whole_length
from .schedules.warmup_stable_decay import DECAYS, LEAST_RATIO

_Array = np.ndarray[Any, Any]

_PIECE = 1 << 14  # elements converted or examined at a time, so that memory is bounded

# The classes' own checks of each parameter. NaN stands for no target.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "initial_learning_rate": lambda value: number_of("initial_learning_rate", value),
    "decay_steps": lambda value: steps_of("decay_steps", value, positive=True),
    "alpha": lambda value: number_of("alpha", value),
    "end_learning_rate": lambda value: number_of("end_learning_rate", value),
    "peak_learning_rate": lambda value: number_of("peak_learning_rate", value),
    "warmup_target": lambda value: value if _is_nan(value) else number_of("warmup_target", value),
    "warmup_steps": lambda value: steps_of("warmup_steps", value, positive=False),
    "stable_steps": lambda value: steps_of("stable_steps", value, positive=False),
}
_COUNTS = ("decay_steps", "warmup_steps", "stable_steps")
# A parameter within these limits is valid, whatever the others are; one beyond them is examined closely. The limits are
# the least and the largest number, one more that is valid, and whether NaN is: what the kernel's `within` takes.
_SAFE: dict[str, tuple[float, float, float, bool]] = {
    "initial_learning_rate": (-(2.0**400), 2.0**400, 0.0, False),
    "decay_steps": (2.0**-64, 2.0**61, 1.0, False),
    "alpha": (-(2.0**400), 2.0**400, 0.0, False),
    "end_learning_rate": (-(2.0**400), 2.0**400, 0.0, False),
    "peak_learning_rate": (-(2.0**400), 2.0**400, 0.0, False),
    "warmup_target": (-(2.0**400), 2.0**400, 0.0, True),
    "warmup_steps": (2.0**-64, 2.0**61, 0.0, False),
    "stable_steps": (2.0**-64, 2.0**61, 0.0, False),
}


def cosine_decay(
    step: Any, initial_learning_rate: Any, decay_steps: Any, alpha: Any = 0.0, warmup_target: Any = None,
    warmup_steps: Any = 0, *, end_learning_rate: Any = None, out: _Array | None = None, dtype: Any = None,
    num_threads: SupportsIndex | None = None,
) -> Any:  # fmt: skip
    """Return the rates of many `CosineDecay` schedules at once: all arguments broadcast against each other.

    An element of the result has the bits of ``CosineDecay(...)(step)`` with the parameters at its place. With schedules
    along one axis and steps along another: ``cosine_decay(steps, rates[:, None], lengths[:, None])``. It is fastest
    with the steps on the last axis; it needs no memory that grows with the result, other than the result.

    Parameters
    ----------
    step : array_like
        The optimizer steps, as a `CosineDecay` is called with them: integers within int64, or floats.
    initial_learning_rate : array_like
        The rate at step 0. If it is a NumPy float32, scalar or array, the results are float32.
    decay_steps : array_like
        The length of the decay in steps, without the warmup; > 0. Integers are exact up to 2**63 - 1.
    alpha : array_like, default 0.0
        The floor as a fraction of the peak.
    warmup_target : array_like, optional
        The peak, at which the warmup ends. None, or NaN at an element: there is no warmup there, and the peak is
        `initial_learning_rate`.
    warmup_steps : array_like, default 0
        The length of the warmup in steps; >= 0. It is ignored where `warmup_target` is NaN, and everywhere if that is
        None, with one UserWarning if any element is > 0.
    end_learning_rate : array_like, optional
        The rate at the end of the decay, in place of ``peak * alpha``; only without `alpha`.
    out : numpy.ndarray, optional
        Where the rates are written: float64 or float32, of the shape that all arguments broadcast to. It may overlap
        the arguments; the result is as if it did not. It is returned.
    dtype : numpy.dtype, optional
        The dtype of the result, float64 or float32. The default is float64, unless `initial_learning_rate` or `out` is
        float32.
    num_threads : int, optional
        The largest number of threads, which only large results use; see `set_num_threads`.

    Returns
    -------
    numpy.ndarray
        The rates, in C order, of the shape that all arguments broadcast to; a masked array if an argument is one. If
        all parameters are numbers, what ``CosineDecay(...)(step)`` returns: for a Python number a Python float. If an
        argument is a Dask array and `out` is None, a lazy Dask array. Each of its tasks uses one thread unless
        `num_threads` is given, and checks the elements of its chunk: the index in an error is that within the chunk.

    Raises
    ------
    ValueError
        If shapes do not broadcast (NumPy's message), `out` is unfit, or `CosineDecay` would refuse a parameter (its
        message, and the index in the parameter's own array; for parameters that are too large together, the index in
        the shape that they broadcast to). It names the first such element. Nothing has been written then.
    TypeError
        If arguments are neither integers nor floats (bool, complex, strings, objects), `initial_learning_rate` is of
        half or extended precision, or `dtype` or `out` is unfit.
    OverflowError
        If a step is beyond int64.

    See Also
    --------
    CosineDecay : One such schedule, with the same bits.
    warmup_stable_decay : The same for `WarmupStableDecay`.

    Examples
    --------
    >>> import numpy as np
    >>> cosine_decay([0, 500, 1000], [[0.1], [0.2]], 1000)
    array([[0.1 , 0.05, 0.  ],
           [0.2 , 0.1 , 0.  ]])
    >>> cosine_decay(50, 0.0, 900, warmup_target=[1e-3, np.nan], warmup_steps=100)
    array([0.0005, 0.    ])
    >>> cosine_decay(50, 0.0, 900, warmup_target=1e-3, warmup_steps=100)
    0.0005
    >>> cosine_decay(0, 0.1, [100, 0, 10])
    Traceback (most recent call last):
        ...
    ValueError: Argument `decay_steps` must be > 0. Received: decay_steps=0 at index 1
    """
    if "dask.array" in sys.modules and (lazy := _lazily(cosine_decay, locals())) is not None:
        return lazy
    threads = check_threads(num_threads)
    given = {
        "initial_learning_rate": initial_learning_rate,
        "decay_steps": decay_steps,
        "alpha": alpha,
        "warmup_target": np.nan if warmup_target is None else warmup_target,
        "warmup_steps": warmup_steps,
    }
    absolute = end_learning_rate is not None
    if absolute:
        zeros = _as_parameter("alpha", _read("alpha", alpha))
        check_one_floor(alpha, end_learning_rate)
        if zeros.ndim:  # they broadcast like the others
            end_learning_rate = np.broadcast_arrays(end_learning_rate, zeros, subok=True)[0]
        given = {("end_learning_rate" if key == "alpha" else key): value for key, value in given.items()}
        given["end_learning_rate"] = end_learning_rate
    read = {name: _read(name, value) for name, value in given.items()}

    def of(*values: Any) -> Any:  # without a warning
        parameters = dict(zip(given, values, strict=True))
        target = None if _is_nan(parameters["warmup_target"]) else parameters["warmup_target"]
        return restore(CosineDecay, parameters | {"warmup_target": target})

    if not any(isinstance(value, np.ndarray) for value in read.values()):
        schedule = of(*read.values())
        if warmup_target is None or schedule.warmup_target is not None:
            warn_ignored(schedule.warmup_target, read["warmup_steps"])
        return schedule(step, out=out, dtype=dtype, num_threads=num_threads)

    def evaluate(rates: _Array, arrays: list[_Array], plain: bool = False) -> bool:
        return kernel.cosine_decays(rates, arrays[0], arrays[1:], threads, absolute, plain)

    result = _batch(step, given, read, of, functools.partial(evaluate, plain=True), evaluate, out, dtype, threads)
    warmup = read["warmup_steps"]
    if warmup_target is None and (warmup.any() if isinstance(warmup, np.ndarray) else warmup):
        warn_ignored(None, str(warmup_steps))  # as text, for an array is neither true nor false
    return result


def warmup_stable_decay(
    step: Any, peak_learning_rate: Any, warmup_steps: Any, stable_steps: Any, decay_steps: Any, *,
    decay: str = "linear", initial_learning_rate: Any = 0.0, end_learning_rate: Any = 0.0, out: _Array | None = None,
    dtype: Any = None, num_threads: SupportsIndex | None = None,
) -> Any:  # fmt: skip
    """Return the rates of many `WarmupStableDecay` schedules at once: all arguments broadcast against each other.

    An element of the result has the bits of ``WarmupStableDecay(...)(step)`` with the parameters at its place.

    Parameters
    ----------
    step : array_like
        The optimizer steps: integers within int64, or floats.
    peak_learning_rate : array_like
        The rate after the warmup. If it is a NumPy float32, scalar or array, the results are float32.
    warmup_steps, stable_steps, decay_steps : array_like
        The lengths of the parts in whole steps; >= 0, and the decay's > 0.
    decay : {"linear", "cosine", "1-sqrt", "exponential", "1-square"}, default "linear"
        The shape of the decay, of all schedules.
    initial_learning_rate, end_learning_rate : array_like, default 0.0
        The rates at step 0 and from the end of the decay on.
    out, dtype, num_threads : optional
        As in `cosine_decay`.

    Returns
    -------
    numpy.ndarray
        As `cosine_decay` returns them.

    Raises
    ------
    ValueError, TypeError, OverflowError
        As `cosine_decay` raises them, where `WarmupStableDecay` would refuse a parameter.

    See Also
    --------
    WarmupStableDecay : One such schedule, with the same bits.
    cosine_decay : The same for `CosineDecay`.

    Notes
    -----
    Where each schedule has one step, and that has a fraction, the schedules are folded one by one. That takes many
    times as long as at a whole step, and longer than the expression in NumPy.

    Examples
    --------
    >>> warmup_stable_decay([50, 500, 950], [[0.1], [0.2]], 100, 800, 100)
    array([[0.05, 0.1 , 0.05],
           [0.1 , 0.2 , 0.1 ]])
    >>> warmup_stable_decay(950, 0.1, 100, [0, 800], [900, 100], decay="1-sqrt")
    array([0.00281747, 0.02928932])
    """
    if "dask.array" in sys.modules and (lazy := _lazily(warmup_stable_decay, locals())) is not None:
        return lazy
    threads = check_threads(num_threads)
    given = {
        "initial_learning_rate": initial_learning_rate,
        "decay_steps": decay_steps,
        "end_learning_rate": end_learning_rate,
        "peak_learning_rate": peak_learning_rate,
        "warmup_steps": warmup_steps,
        "stable_steps": stable_steps,
    }
    read = {name: _read(name, value) for name, value in given.items()}
    make = functools.partial(WarmupStableDecay, decay=decay)
    if not any(isinstance(value, np.ndarray) for value in read.values()):
        return make(**read)(step, out=out, dtype=dtype, num_threads=num_threads)
    make(1.0, 0, 0, 1, end_learning_rate=1.0)  # checks `decay`

    def of(*values: Any) -> WarmupStableDecay:
        return make(**dict(zip(given, values, strict=True)))

    def evaluate(rates: _Array, arrays: list[_Array]) -> None:
        kernel.stable_decays(rates, arrays[0], arrays[1:], threads, 1 + list(DECAYS).index(decay), of)

    for name in _COUNTS:
        if not isinstance(read[name], np.ndarray):
            whole_length(name, read[name])
        elif read[name].dtype.kind == "f":
            for index in np.argwhere(read[name] % 1 != 0)[:1].tolist():  # NaN and the infinities too
                with _named(tuple(index)):
                    whole_length(name, read[name][tuple(index)])
    if decay == "exponential":
        peaks, ends = np.broadcast_arrays(read["peak_learning_rate"], read["end_learning_rate"])
        with np.errstate(all="ignore"):
            ratios = np.where((peaks > 0) & (ends > 0), ends / peaks, 0.0)
        for index in np.argwhere(~((ratios >= LEAST_RATIO) & (ratios <= LARGEST)))[:1].tolist():
            with _named(tuple(index)):
                make(peaks[tuple(index)], 0, 0, 1, end_learning_rate=ends[tuple(index)])
    return _batch(step, given, read, of, None, evaluate, out, dtype, threads)


def _lazily(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    """Return what the function gives as a lazy array, if an argument is a Dask array and `out` is None; else None."""
    array = getattr(sys.modules["dask.array"], "Array", ())  # () while it is being imported
    if given.pop("out") is not None or not any(isinstance(value, array) for value in given.values()):
        return None
    from .integrations.dask import _batch

    return _batch(function, **given)


def _batch(
    step: Any, given: dict[str, Any], read: dict[str, Any], check: Callable[..., Any],
    plain: Callable[[_Array, list[_Array]], bool] | None, evaluate: Callable[[_Array, list[_Array]], object],
    out: _Array | None, dtype: Any, threads: int,
) -> Any:  # fmt: skip
    """Check the parameters of a batch, and evaluate it.

    check: of one schedule's parameters together; plain, evaluate: into rates, from steps and parameters. `plain`
    returns whether all parameters were right and simple; otherwise the rates are undefined.
    """
    name = "peak_learning_rate" if "peak_learning_rate" in read else "initial_learning_rate"
    rate = read[name]
    if isinstance(rate, np.ndarray):
        rate = rate.flat[0] if rate.size else rate.dtype.type()
    usual = dtype_of(name, rate)
    parameters = {name: _as_parameter(name, value) for name, value in read.items()}
    steps = as_array(step)
    shape = np.broadcast_shapes(steps.shape, *(array.shape for array in parameters.values()))
    wanted = usual if dtype is None else rate_dtype(dtype)
    rates = None if out is None else check_out(out, shape, dtype)
    # Elements that a stride of 0 repeats are checked, and copied, once.
    own = {name: _unrepeated(array) for name, array in parameters.items()}
    arrays = [_unrepeated(steps), *own.values()]
    done = False
    if (
        plain
        and out is None
        and max(a.size for a in own.values()) == math.prod(shape)
        and all(map(is_readable, arrays))
    ):
        # One step each: the kernel checks plain schedules while it reads them. If one is wrong, nobody sees the rates.
        rates = np.empty(shape, wanted)
        done = plain(rates, arrays)
    if not done:
        unsafe = {name: array for name, array in own.items() if not _is_safe(name, array, threads)}
        found = [_examine({name: array}, _CHECKS[name]) for name, array in unsafe.items()]  # errors of one come first
        if any(found):
            _examine(own, check)
        if rates is None:
            rates = np.empty(shape, wanted)
        _evaluate(rates, [apart(array, rates) for array in arrays], evaluate)
    masks = [np.ma.getmaskarray(value) for value in (step, *given.values()) if is_masked(value)]
    if not masks and not is_masked(out):  # np.ma takes some ms to import
        return rates if out is None else out
    mask = functools.reduce(np.logical_or, masks, np.zeros(shape, np.bool_)) if masks else np.ma.nomask
    if out is None:
        return np.ma.array(rates, mask=mask)
    if is_masked(out):
        out.mask = mask
    return out


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and bool(value != value)


def _read(name: str, value: Any) -> Any:
    """Return an array of integers or floats, of one dimension or more; anything else as it is, for the class."""
    if isinstance(value, (np.generic, str, bytes)) or not (isinstance(value, Sequence) or hasattr(value, "__array__")):
        return value
    array = numpy_array(name, value, "integers or floats")
    if array.dtype.kind == "O":
        for index, item in np.ndenumerate(array):
            with _named(index):
                _CHECKS[name](item)
    if array.dtype.kind not in "iuf":
        wanted = f"Argument `{name}` must be integers or floats."
        raise TypeError(f"{wanted} Received: {array.dtype} ({type(value).__name__})")
    if array.dtype == np.uint64 and name not in _COUNTS:
        array = array.astype(np.float64)  # the kernel cannot read uint64 beyond int64
    return array if array.ndim else array[()]


def _as_parameter(name: str, value: Any) -> _Array:
    if isinstance(value, np.ndarray):
        return value
    number = _CHECKS[name](value)
    return np.asarray(number, np.int64 if name in _COUNTS and isinstance(number, int) else np.float64)


def _unrepeated(array: _Array) -> _Array:
    view: _Array = array[(..., *(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides))]
    return view


def _is_safe(name: str, array: _Array, threads: int) -> bool:
    # A uint64 beyond int64 is negative to the kernel, and so not safe.
    return is_readable(array) and kernel.within(array, *_SAFE[name], threads)


def _examine(parameters: dict[str, _Array], check: Callable[..., Any]) -> bool:
    """Call `check` with the parameters at every index where one is beyond its limits; return whether there is any."""
    arrays = list(parameters.values())
    exact = np.broadcast_arrays(*arrays)
    pieces = np.nditer(
        arrays, ["external_loop", "buffered", "zerosize_ok"], [["readonly"]] * len(arrays),
        op_dtypes=[FLOAT64] * len(arrays), order="C", casting="unsafe", buffersize=_PIECE,
    )  # fmt: skip
    before, found = 0, False
    with pieces, np.errstate(all="ignore"):
        for piece in pieces:
            columns: Any = piece if len(arrays) > 1 else [piece]
            beyond = functools.reduce(np.logical_or, map(_is_beyond, parameters, columns))
            for at in np.flatnonzero(beyond):
                found = True
                index = tuple(int(i) for i in np.unravel_index(before + at, exact[0].shape))
                with _named(index):
                    check(*(array[index] for array in exact))
            before += beyond.size
    return found


def _is_beyond(name: str, x: _Array) -> _Array:
    least, most, also, nan = _SAFE[name]
    return np.asarray(~((least <= x) & (x <= most) | (x == also) | (np.isnan(x) & nan)))


@contextlib.contextmanager
def _named(index: tuple[int, ...]) -> Iterator[None]:
    """Add the index to a class's errors."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error} at index {index[0] if len(index) == 1 else index}") from None


def _evaluate(rates: _Array, arrays: list[_Array], evaluate: Callable[[_Array, list[_Array]], object]) -> None:
    """Evaluate the steps and parameters into `rates`; convert in pieces what the kernel cannot read."""
    converted = [array for array in arrays if not is_readable(array)]
    largest = max(converted, key=lambda array: array.size, default=rates)
    if converted and largest.size > _PIECE:
        axis = int(np.argmax(largest.shape)) - largest.ndim
        half = largest.shape[axis] // 2
        for part in (slice(None, half), slice(half, None)):
            cut: Any = (..., part, *[slice(None)] * (-1 - axis))
            cuts = [array[cut] if array.ndim >= -axis and array.shape[axis] > 1 else array for array in arrays]
            _evaluate(rates[cut], cuts, evaluate)
        return
    with np.errstate(over="ignore"):
        arrays = [array if is_readable(array) else array.astype(np.float64) for array in arrays]
    evaluate(rates, arrays)
