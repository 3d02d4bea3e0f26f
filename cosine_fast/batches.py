"""Many schedules at once: CosineDecay as a function whose arguments broadcast.

The parameters are looked at before anything is written that anyone sees; the kernel folds and evaluates.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, SupportsIndex

import numpy as np

from ._backend import check_threads, cosine_decays, within
from ._base import (
    LARGEST,
    _as_array,
    _check_out,
    _is_masked,
    dtype_of,
    number_of,
    rate_dtype,
    steps_of,
)  # fmt: skip
from .schedules import CosineDecay

_Array = np.ndarray[Any, Any]
_Limits = tuple[float, float, float, bool]

_PIECE = 1 << 14  # elements: what is converted, or looked at closely, at a time
_FLOAT64 = np.dtype(np.float64)

# How CosineDecay looks at each. NaN is no target.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "initial_learning_rate": lambda value: number_of("initial_learning_rate", value),
    "decay_steps": lambda value: steps_of("decay_steps", value, positive=True),
    "alpha": lambda value: number_of("alpha", value),
    "warmup_target": lambda value: value if _is_nan(value) else number_of("warmup_target", value),
    "warmup_steps": lambda value: steps_of("warmup_steps", value, positive=False),
}
_COUNTS = ("decay_steps", "warmup_steps")
# Within these limits nothing is wrong with a parameter, whatever the others are: least, most, another number that is as
# good, and whether NaN is. Beyond them it is looked at closely.
_SAFE: dict[str, _Limits] = {
    "initial_learning_rate": (-(2.0**400), 2.0**400, 0.0, False),
    "decay_steps": (2.0**-64, 2.0**62, 1.0, False),
    "alpha": (-(2.0**400), 2.0**400, 0.0, False),
    "warmup_target": (-(2.0**400), 2.0**400, 0.0, True),
    "warmup_steps": (2.0**-64, 2.0**62, 0.0, False),
}


def cosine_decay(
    step: Any,
    initial_learning_rate: Any,
    decay_steps: Any,
    alpha: Any = 0.0,
    warmup_target: Any = None,
    warmup_steps: Any = 0,
    *,
    out: _Array | None = None,
    dtype: Any = None,
    num_threads: SupportsIndex | None = None,
) -> Any:
    """The rates of many `CosineDecay` schedules at once: every argument broadcasts against every other.

    An element of the result has the bits of ``CosineDecay(...)(step)`` with the parameters that stand there. Schedules
    along one axis, steps along another: ``cosine_decay(steps, rates[:, None], lengths[:, None])``. It is quickest where
    the steps are the last axis; memory beyond the result does not grow with it.

    Parameters (learning rates have no unit; all may be arrays of integers or floats, or what makes such arrays)
    ----------
    step : array_like
        In optimizer steps; what a `CosineDecay` is called with: integers within int64, or floats.
    initial_learning_rate : array_like
        The rate at step 0. If it is a NumPy float32, scalar or array, the results are float32.
    decay_steps : array_like
        The length of the decay in steps, without the warmup; > 0. Integers are exact up to 2**63 - 1.
    alpha : array_like
        The floor, as a fraction of the peak.
    warmup_target : array_like, optional
        The peak, which the warmup ends at. None, or NaN at an element: there is no warmup there, and the peak is
        initial_learning_rate.
    warmup_steps : array_like
        The length of the warmup in steps; >= 0. Where warmup_target is NaN it is ignored. Where that is None it is
        ignored with a UserWarning, one for all elements, if any of it is > 0.
    out : numpy.ndarray, optional
        float64 or float32, of the shape that all arguments broadcast to. It may overlap them: the result is as if it
        did not. It is returned.
    dtype : numpy.float64 or numpy.float32, optional
        Of the result; float64 unless initial_learning_rate says float32, or `out` does.
    num_threads : int, optional
        At most so many threads, for large results; else see ``set_num_threads``.

    Returns
    -------
    numpy.ndarray
        In C order, of the shape that all arguments broadcast to; a masked array if one of them is. If all parameters
        are numbers, what ``CosineDecay(...)(step)`` returns: for a Python number a Python float.

    Raises
    ------
    ValueError
        Shapes that do not broadcast, with NumPy's words; an unfit `out`; a parameter that `CosineDecay` would refuse,
        with the same words, and the index at which it stands (in its own array; where parameters are too large
        together, in what they broadcast to). The first such one is named. Nothing has been written then.
    TypeError
        Arguments that are neither integers nor floats (bool, complex, strings, objects); an initial_learning_rate of
        half or extended precision; an unfit `dtype` or `out`.
    OverflowError
        A step beyond int64.

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

    References
    ----------
    The formula is that of `CosineDecay`, after ``keras.optimizers.schedules.CosineDecay`` of Keras 3.
    """
    threads = check_threads(num_threads)
    given = {
        "initial_learning_rate": initial_learning_rate,
        "decay_steps": decay_steps,
        "alpha": alpha,
        "warmup_target": np.nan if warmup_target is None else warmup_target,
        "warmup_steps": warmup_steps,
    }
    read = {name: _read(name, value) for name, value in given.items()}
    if not any(isinstance(value, np.ndarray) for value in read.values()):
        schedule = CosineDecay.__new__(CosineDecay)
        target = None if _is_nan(read["warmup_target"]) else read["warmup_target"]
        ignored = schedule._set(
            read["initial_learning_rate"],
            read["decay_steps"],
            read["alpha"],
            "CosineDecay",
            target,
            read["warmup_steps"],
        )
        if ignored and warmup_target is None:
            _warn(read["warmup_steps"])
        return schedule(step, out=out, dtype=dtype, num_threads=num_threads)

    start = read["initial_learning_rate"]
    if isinstance(start, np.ndarray):
        start = start.flat[0] if start.size else start.dtype.type()
    usual = dtype_of("initial_learning_rate", start)
    parameters = {name: _as_parameter(name, value) for name, value in read.items()}
    if isinstance(step, range):
        step = np.arange(step.start, step.stop, step.step)
    steps = _as_array(step)
    shape = np.broadcast_shapes(steps.shape, *(array.shape for array in parameters.values()))
    wanted = usual if dtype is None else rate_dtype(dtype)
    rates = None if out is None else _check_out(out, shape, dtype)
    # What is repeated by strides of 0 is looked at, and copied, once.
    own = {name: _unrepeated(array) for name, array in parameters.items()}
    arrays = [_unrepeated(steps), *own.values()]
    done = False
    if out is None and max(array.size for array in own.values()) == math.prod(shape):
        # As many parameters as rates: they are looked at as they are read, for if one is wrong no one sees the result.
        rates = np.empty(shape, wanted)
        done = _evaluate(rates, arrays, threads, list(_SAFE.values()))
    if not done:
        unsafe = [name for name, array in own.items() if not _is_safe(name, array, threads)]
        if unsafe:
            _check(own, unsafe)
        if rates is None:
            rates = np.empty(shape, wanted)
        _evaluate(rates, [_apart(array, rates) for array in arrays], threads)
    if warmup_target is None and own["warmup_steps"].any():
        _warn(warmup_steps)
    masks = [np.ma.getmaskarray(value) for value in (step, *given.values()) if _is_masked(value)]
    if out is None:
        return np.ma.array(rates, mask=_union(masks, shape)) if masks else rates
    if _is_masked(out):
        out.mask = _union(masks, shape) if masks else np.ma.nomask
    return out


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and bool(value != value)


def _warn(warmup_steps: Any) -> None:
    warnings.warn(
        f"Argument `warmup_steps` is ignored without `warmup_target`. Received: warmup_steps={warmup_steps}",
        UserWarning,
        stacklevel=3,
    )


def _read(name: str, value: Any) -> Any:
    """An array of integers or floats, of one dimension or more; or whatever else it is, for CosineDecay to look at."""
    if isinstance(value, (np.generic, str, bytes)) or not (isinstance(value, Sequence) or hasattr(value, "__array__")):
        return value
    array = np.asarray(value)
    if array.dtype.kind == "O":
        for index, item in np.ndenumerate(array):
            _check_one(name, item, index)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"Argument `{name}` must be integers or floats. Received: {array.dtype} ({type(value).__name__})"
        )
    if array.dtype == np.uint64 and name not in _COUNTS:
        array = array.astype(np.float64)  # the kernel reads no uint64 beyond int64
    return array if array.ndim else array[()]


def _as_parameter(name: str, value: Any) -> _Array:
    if isinstance(value, np.ndarray):
        return value
    number = _CHECKS[name](value)
    return np.asarray(number, np.int64 if name in _COUNTS and isinstance(number, int) else np.float64)


def _unrepeated(array: _Array) -> _Array:
    view: _Array = array[(..., *(slice(0, 1) if stride == 0 else slice(None) for stride in array.strides))]
    return view


def _apart(array: _Array, rates: _Array) -> _Array:
    """The array, copied if the rates overlap it in any way but element upon element."""
    # As NumPy's own functions look: exactly, where it is easy.
    if not np.may_share_memory(array, rates, max_work=1):  # type: ignore[arg-type]
        return array
    same = array.ctypes.data == rates.ctypes.data and array.shape == rates.shape and array.strides == rates.strides
    return array if same and array.itemsize == rates.itemsize else array.copy()


def _union(masks: list[_Array], shape: tuple[int, ...]) -> _Array:
    union = np.zeros(shape, np.bool_)
    for mask in masks:
        union |= mask
    return union


# ---- What is wrong with parameters ----


def _is_safe(name: str, array: _Array, threads: int) -> bool:
    if _is_readable(array):  # an uint64 beyond int64 looks negative to the kernel, and so is not safe
        return within(array, *_SAFE[name], threads)
    return _first([array], [_FLOAT64], lambda x: np.array(not within(x, *_SAFE[name], 1))) is None


def _check_one(name: str, value: Any, index: tuple[int, ...]) -> None:
    try:
        _CHECKS[name](value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error} at index {_shown(index)}") from None


def _shown(index: tuple[int, ...]) -> str:
    return str(index[0] if len(index) == 1 else index)


def _check(parameters: dict[str, _Array], unsafe: list[str]) -> None:
    """Raise what CosineDecay would for the first parameter that it would refuse, with the index at which it stands."""
    for name in unsafe:
        array = parameters[name]
        kept = array.dtype if array.dtype.kind in "iu" else _FLOAT64
        index = _first([array], [kept], lambda x, name=name: _is_wrong(name, x))
        if index is not None:
            _check_one(name, array[index], index)
    if unsafe == ["decay_steps"]:
        return
    index = _first(list(parameters.values()), [_FLOAT64] * len(parameters), _are_too_large)
    if index is not None:
        L0, D, alpha, target, W = (np.broadcast_arrays(*parameters.values())[i][index] for i in range(5))
        try:
            CosineDecay(L0, D, alpha, warmup_target=None if _is_nan(target) else target, warmup_steps=W)
        except ValueError as error:
            raise ValueError(f"{error} at index {_shown(index)}") from None


def _first(arrays: list[_Array], dtypes: list[Any], wrong: Callable[..., _Array]) -> tuple[int, ...] | None:
    """The first index, of the shape that the arrays broadcast to, at which `wrong` is true; None: there is none."""
    pieces = np.nditer(
        arrays,
        ["external_loop", "buffered", "zerosize_ok"],
        [["readonly"]] * len(arrays),
        op_dtypes=dtypes,
        order="C",
        casting="unsafe",
        buffersize=_PIECE,
    )
    before = 0
    with pieces, np.errstate(all="ignore"):
        for piece in pieces:
            found = wrong(*(piece if len(arrays) > 1 else [piece]))
            if found.any():
                shape = np.broadcast_shapes(*(array.shape for array in arrays))
                return tuple(int(i) for i in np.unravel_index(before + int(found.argmax()), shape))
            before += found.size
    return None


def _is_wrong(name: str, x: _Array) -> _Array:
    """What CosineDecay says of a parameter by itself (number_of, steps_of)."""
    if name not in _COUNTS:
        return np.isinf(x) if name == "warmup_target" else ~np.isfinite(x)
    right = x > 0 if name == "decay_steps" else x >= 0
    if x.dtype.kind == "f":
        right &= (x < 2.0**63) & ((x == 0) | (x >= 2.0**-64))
    elif x.dtype.kind == "u":
        right &= x <= np.uint64(2**63 - 1)
    return ~right


def _are_too_large(start: _Array, decay: _Array, alpha: _Array, target: _Array, warmup: _Array) -> _Array:
    """What CosineDecay says of them together."""
    peak = np.where(np.isnan(target), start, target)
    warms = ~np.isnan(target) & (warmup > 0)
    rise = np.where(warms, peak - start, 0.0)
    slope = rise / np.where(warms, warmup, 1.0)
    right = np.abs(start) <= LARGEST
    for size in (peak, peak * alpha, peak * (1.0 - alpha), rise, slope):
        right &= np.abs(size) <= LARGEST
    return ~right


# ---- Evaluate ----


def _is_readable(array: _Array) -> bool:
    """Whether the kernel can read it as it lies: not half or extended precision."""
    return array.dtype.kind != "f" or array.dtype.itemsize in (4, 8)


def _evaluate(rates: _Array, arrays: list[_Array], threads: int, limits: list[_Limits] | None = None) -> bool:
    """The rates of the steps and the parameters; what the kernel cannot read is converted in pieces.

    False: a parameter does not lie within its limits, if these are given, and the rates are anything.
    """
    odd = [array for array in arrays if not _is_readable(array)]
    largest = max(odd, key=lambda array: array.size, default=rates)
    if odd and largest.size > _PIECE:
        axis = int(np.argmax(largest.shape)) - largest.ndim
        half = largest.shape[axis] // 2
        for part in (slice(None, half), slice(half, None)):
            cut: Any = (..., part, *[slice(None)] * (-1 - axis))
            cuts = [array[cut] if array.ndim >= -axis and array.shape[axis] > 1 else array for array in arrays]
            if not _evaluate(rates[cut], cuts, threads, limits):
                return False
        return True
    with np.errstate(over="ignore"):
        steps, *parameters = (array if _is_readable(array) else array.astype(np.float64) for array in arrays)
    return cosine_decays(rates, steps, parameters, threads, limits)
