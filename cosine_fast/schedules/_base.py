"""What all schedules share: checks of arguments, every way to call one, configs, equality, pickling.

Arguments are checked here; the kernels trust what they are given.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import numbers
import operator
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Self, SupportsIndex, TypeGuard

import numpy as np

from .._backend import check_threads, kernel, shown
from . import _arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
LARGEST = 2.0**1000  # the largest size of a rate: no intermediate result overflows
_SMALLEST_COUNT = 2.0**-64
FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
_RATE_DTYPES = (FLOAT64, FLOAT32)
_PLAIN = (np.ndarray, list, tuple)  # types of steps that give NumPy's arrays


def received(name: str, value: object) -> str:
    return f"Received: {name}={shown(value)}" + ("" if type(value) in (int, float) else f" ({type(value).__name__})")


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
    """Return the float next to a number, whatever the rounding mode; infinity beyond all floats."""
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
    if result is None or result not in _RATE_DTYPES:
        raise TypeError(f"Argument `dtype` must be float64 or float32. Received: dtype={shown(dtype)}")
    return result


def as_array(step: Any) -> np.ndarray[Any, Any]:
    """Return the steps as an array of integers within int64 or of floats."""
    try:
        array = np.asarray(step)
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
    steps = range(operator.index(start)) if stop is None else range(start, stop, step)
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
    if rates.dtype not in _RATE_DTYPES:
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


def dtype_of(name: str, value: Any) -> np.dtype[Any]:
    """Return the dtype that a rate gives to the results: its own if it is a NumPy scalar, else float64."""
    if not isinstance(value, np.floating):
        return FLOAT64
    if value.dtype not in _RATE_DTYPES:
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


class _OneByOne(Evaluation):
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


class LearningRateSchedule:
    """The base class of all schedules, for schedules of your own as well.

    A subclass defines ``__call__(self, step)``, which returns the learning rate at one step, and ``get_config`` if it
    is to be serialized. It then also takes arrays and has ``precompute``: both go element by element, at the speed of
    its ``__call__``.

    Raises
    ------
    NotImplementedError
        If ``__call__`` or ``get_config`` is used and the subclass does not define it.

    See Also
    --------
    cosine_fast.schedules.Formula : What the schedules of this package have besides.

    Notes
    -----
    Steps that are no number, array, list, tuple or range (the tensors of a framework) reach ``__call__`` as they are.

    References
    ----------
    ``keras.optimizers.schedules.LearningRateSchedule`` of Keras 3.

    Examples
    --------
    >>> class Inverse(LearningRateSchedule):
    ...     def __init__(self, initial_learning_rate):
    ...         self.initial_learning_rate = initial_learning_rate
    ...     def __call__(self, step):
    ...         return self.initial_learning_rate / (step + 1)
    >>> schedule = Inverse(0.1)
    >>> schedule(1)
    0.05
    >>> schedule([0, 1, 3])
    array([0.1  , 0.05 , 0.025])
    >>> schedule.precompute(4, 0, -1)
    array([0.02      , 0.025     , 0.03333333, 0.05      ])
    """

    __slots__ = ()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "__call__" in vars(cls) and not issubclass(cls, kernel.Schedule):  # a Schedule takes arrays already
            cls.__call__ = _takes_arrays(vars(cls)["__call__"])  # type: ignore[method-assign]

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at a step, in optimizer steps."""
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
        )

    def precompute(
        self, start: SupportsIndex, stop: SupportsIndex | None = None, step: SupportsIndex = 1, *,
        out: np.ndarray[Any, Any] | None = None, dtype: Any = None, num_threads: SupportsIndex | None = None,
    ) -> np.ndarray[Any, Any]:  # fmt: skip
        """Return the rates of a range of steps, without making an array of the steps.

        Parameters
        ----------
        start, stop, step : int
            The steps ``range(start, stop, step)``; ``precompute(n)`` is for ``range(n)``. They must lie within int64.
        out, dtype, num_threads : optional
            As in a call; `out` has one dimension, and as many elements as there are steps.

        Returns
        -------
        numpy.ndarray
            The rates, with the bits of ``schedule(step)`` for each step; `out` if that is given.

        Raises
        ------
        TypeError, ValueError
            As range() and a call raise them.
        OverflowError
            If a step is beyond int64.
        MemoryError
            If the rates do not fit into memory.

        See Also
        --------
        cosine_fast.integrations.dask.precompute : The same as a lazy Dask array.
        cosine_fast.stores.precompute : The same into a store.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> schedule = CosineDecay(0.1, decay_steps=1000)
        >>> schedule.precompute(0, 1001, 500)
        array([0.1 , 0.05, 0.  ])
        >>> schedule.precompute(1000).shape
        (1000,)
        """
        call: Any = type(self).__call__  # a formula's class may have one of its own
        function = self if isinstance(self, Evaluation) and call is kernel.Schedule.__call__ else _OneByOne(self)
        return function._precompute(start, stop, step, out, dtype, num_threads)

    def plot(
        self,
        stop: SupportsIndex | None = None,
        ax: Axes | None = None,
        *,
        start: SupportsIndex = 0,
        log: bool = False,
        log_x: bool = False,
        title: str | None = None,
    ) -> Axes:
        """Draw the rates of the steps `start` to `stop`, as the command ``cosine-fast plot`` does.

        Warmup, floor and the segments of a joined schedule are marked. Further calls with the same `ax` add curves,
        and a legend.

        Parameters
        ----------
        stop : int, optional
            The last step. By default a little past the step from which on the rate stays the same.
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default in a new figure of pyplot. Size, dots per inch and style are those of its figure.
        start : int, default 0
            The first step.
        log : bool, default False
            Whether the axis of the rates is logarithmic.
        log_x : bool, default False
            Whether the axis of the steps is logarithmic, which shows a short warmup.
        title : str, optional
            The title. By default the name of a single schedule, unless `ax` has a title.

        Returns
        -------
        matplotlib.axes.Axes
            The axes. The curve has the schedule's name as its label.

        Raises
        ------
        ImportError
            If matplotlib is not installed, which is the extra ``plot``.
        TypeError
            If `start` or `stop` is no integer, or `ax` no Axes.
        ValueError
            If `stop` is out of its range, or missing for a schedule without an end; or if `log` is True and no rate
            is above 0.

        See Also
        --------
        precompute : The rates that are drawn.

        Examples
        --------
        >>> from cosine_fast import CosineDecay, LinearDecay
        >>> axes = CosineDecay(0.1, 1000).plot()
        >>> LinearDecay(0.1, 1000).plot(ax=axes) is axes
        True
        """
        from .. import plotting

        return plotting.plot(self, stop, ax, start, log, log_x, title)

    def get_config(self) -> dict[str, Any]:
        """Return the parameters by their names, for `from_config` and `cosine_fast.serialize`.

        Returns
        -------
        dict
            The parameters as they were given.

        See Also
        --------
        from_config : Makes a schedule from it.
        cosine_fast.serialize : Also names the class.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> CosineDecay(0.1, 1000).get_config()  # doctest: +NORMALIZE_WHITESPACE
        {'initial_learning_rate': 0.1, 'decay_steps': 1000, 'alpha': 0.0, 'name': 'CosineDecay',
         'warmup_target': None, 'warmup_steps': 0}
        """
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in order to be serializable."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a schedule from the dict that `get_config` returns.

        Parameters
        ----------
        config : dict
            The parameters by their names.

        Returns
        -------
        LearningRateSchedule
            The schedule, of this class.

        See Also
        --------
        get_config : Returns such a dict.
        cosine_fast.deserialize : Finds the class by its name.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> CosineDecay.from_config({"initial_learning_rate": 0.1, "decay_steps": 10}) == CosineDecay(0.1, 10)
        True
        """
        return cls(**config)


def _takes_arrays(call: Any) -> Callable[..., Any]:
    """Extend a `__call__(self, step)` that takes one step to arrays and to the options of a call.

    It may be a static method, and may take further arguments.
    """

    @functools.wraps(call)
    def call_with_options(
        self: LearningRateSchedule, step: Any, *more: Any, out: Any = None, dtype: Any = None, num_threads: Any = None,
        **named: Any,
    ) -> Any:  # fmt: skip
        bound = call.__get__(self, type(self))

        def one(step: Any) -> Any:
            return bound(step, *more, **named)

        plain = out is None and dtype is None and num_threads is None
        if plain and not isinstance(step, (np.ndarray, list, tuple, range)):
            return one(step)
        return _OneByOne(one)._call(step, out, dtype, num_threads)

    return call_with_options


_CALL = inspect.signature(lambda step, *, out=None, dtype=None, num_threads=None: None)


from . import _sums  # noqa: E402  # it needs `Evaluation`, and Formula needs it


class Formula(kernel.Schedule, _sums.Sums, LearningRateSchedule):
    """A schedule of this package, whose formula the kernels have: the base of its classes.

    Each parameter is also an attribute, with the value that was given (a sequence as a list). A schedule is immutable
    and picklable. Two are equal, and have the same hash, if they are of one class and have equal parameters and dtypes.
    """

    # A class with a formula has a `_name`, by which the kernels know it, and an `__init__` that checks the parameters
    # and ends with `_take`. The names of the parameters are those of its signature, also for configs and properties.

    __slots__ = ("__weakref__", "_dtype", "_given", "_key")

    _name: ClassVar[str]
    _keras: ClassVar[bool] = True  # whether Keras has a class with the name of this one
    _parameters: ClassVar[tuple[str, ...]]
    _init: ClassVar[Callable[..., Any]]  # the `__init__` of the class with the formula, also of its subclasses

    _dtype: np.dtype[Any]
    _given: tuple[Any, ...]  # the parameters as they were given
    _key: tuple[Any, ...]  # equal for equal schedules

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        own = vars(cls)
        if "_name" in own:
            cls._parameters = tuple(inspect.signature(own["__init__"]).parameters)[1:]
            for position, name in enumerate(cls._parameters):
                setattr(cls, name, _parameter(position))
            if "_init" not in own:
                cls._init = own["__init__"]

    def _take(
        self, given: tuple[Any, ...], dtype: np.dtype[Any], numbers: tuple[float, ...], counts: tuple[float, ...],
        name: Any, *distinct: Any, children: tuple[Formula, ...] = (),
    ) -> None:  # fmt: skip
        """Keep the parameters, as they were given and in the signature's order, and fold them.

        dtype is that of the results; `_fold` takes numbers, counts and children; schedules that differ in name or
        `distinct` are unequal.
        """
        if not (name is None or isinstance(name, str)):  # the configs in Keras's documentation have None
            raise TypeError(f"Argument `name` must be a string. {received('name', name)}")
        if self._ready:
            raise AttributeError("a schedule is immutable: make another one")
        self._given = given
        self._dtype = dtype
        self._key = numbers, counts, name, distinct, dtype.char
        self._fold(type(self)._name, numbers, counts, dtype.char == "f", children)

    def __getattr__(self, name: str) -> Any:
        if name in Formula.__slots__:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called")
        if name == "__signature__" and type(self).__call__ is kernel.Schedule.__call__:
            return _CALL  # for inspect.signature, which finds none in a compiled class
        if name == "__dict__":
            return {}  # a new one each time: torch's LambdaLR saves and updates that of its callable
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the results, unless a call asks for another."""
        return self._dtype

    def get_config(self) -> dict[str, Any]:
        return {name: _handed_out(value) for name, value in _config(self).items()}

    get_config.__doc__ = LearningRateSchedule.get_config.__doc__

    def __repr__(self) -> str:
        parameters = ", ".join(f"{key}={value!r}" for key, value in _config(self).items())
        return f"{type(self).__name__}({parameters})"

    def __eq__(self, other: Any) -> bool:
        return self._key == other._key if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self), _config(self)), self.__dict__ or None

    def __setstate__(self, state: dict[str, Any]) -> None:
        # The attributes that a subclass adds, and nothing else: without any, AttributeError.
        object.__getattribute__(self, "__dict__").update(state)


def _config(schedule: Formula) -> dict[str, Any]:
    config = dict(zip(type(schedule)._parameters, schedule._given, strict=True))
    if config.get("end_learning_rate", 0.0) is None:
        del config["end_learning_rate"]  # Keras does not know it
    return config


def _parameter(position: int) -> property:
    return property(lambda self: _handed_out(self._given[position]), doc="The parameter as it was given.")


def _handed_out(value: Any) -> Any:
    """Return the value of a parameter; a sequence, which is kept as a tuple, as a list, as in Keras."""
    return list(value) if isinstance(value, tuple) else value


def restore(cls: type[Formula], config: dict[str, Any]) -> Formula:
    """Make a schedule from a config; check the parameters as `__init__` does, but without warnings."""
    schedule = cls.__new__(cls)
    schedule._init(**config)
    return schedule
