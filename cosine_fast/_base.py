"""What all schedules share: checks of arguments, every way to call one, configs, equality, pickling.

Python validates here; the backend's kernel trusts what it is given.
"""

from __future__ import annotations

import contextlib
import functools
import math
import numbers
import operator
import sys
from collections.abc import Callable
from typing import Any, Self, SupportsIndex, TypeGuard

import numpy as np

from ._backend import Schedule, check_threads, shown

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
LARGEST = 2.0**1000  # a rate's size at most, so that no intermediate result overflows
_SMALLEST_COUNT = 2.0**-64
_FLOAT64, _FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
_RATE_DTYPES = (_FLOAT64, _FLOAT32)


def received(name: str, value: object) -> str:
    return f"Received: {name}={shown(value)}" + ("" if type(value) in (int, float) else f" ({type(value).__name__})")


def number_of(name: str, value: Any) -> float:
    """A finite real number, as a float."""
    if type(value) is float:  # a short way for the usual: schedules are made by the million
        number = value
    elif isinstance(value, bool) or not isinstance(value, (float, int, numbers.Real)):
        raise TypeError(f"Argument `{name}` must be a number. {received(name, value)}")
    else:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        except TypeError:  # it is none, whatever it says of itself
            raise TypeError(f"Argument `{name}` must be a number. {received(name, value)}") from None
    if not math.isfinite(number):
        raise ValueError(f"Argument `{name}` must be finite. {received(name, value)}")
    return number


def steps_of(name: str, value: Any, *, positive: bool) -> int | float:
    """A number of steps: an int if it is whole, whatever type it came in, else a float."""
    if type(value) is int and positive <= value <= _INT64_MAX:
        return value
    number = number_of(name, value)
    # Asked once and then checked: a number of one's own may answer differently the next time.
    exact: int | float = int(value) if isinstance(value, numbers.Integral) else number
    if not (exact > 0 if positive else exact >= 0):
        raise ValueError(f"Argument `{name}` must be {'> 0' if positive else '>= 0'}. Received: {name}={shown(value)}")
    if not exact <= _INT64_MAX:
        raise ValueError(f"Argument `{name}` must be < 2**63. Received: {name}={shown(value)}")
    if 0 < exact < _SMALLEST_COUNT:
        raise ValueError(f"Argument `{name}` must not be smaller than 2**-64 steps. Received: {name}={shown(value)}")
    return int(exact) if isinstance(exact, float) and exact.is_integer() else exact


def flag_of(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"Argument `{name}` must be True or False. {received(name, value)}")
    return bool(value)


def rate_dtype(dtype: Any) -> np.dtype[Any]:
    result: np.dtype[Any] | None = None
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        result = None if dtype is None else np.dtype(dtype)
    if result is None or result not in _RATE_DTYPES:
        raise TypeError(f"Argument `dtype` must be float64 or float32. Received: dtype={shown(dtype)}")
    return result


def _as_array(step: Any) -> np.ndarray[Any, Any]:
    """The steps as an array that the kernel can read: integers within int64, or floats."""
    array = np.asarray(step)
    kind = array.dtype.kind
    if kind == "O" or (kind == "f" and not isinstance(step, (np.ndarray, np.generic, float)) and _loses_digits(array)):
        # A list with an int beyond int64 or uint64 is an object array, or floats when it has both signs.
        for item in np.asarray(step, dtype=object).flat:
            if isinstance(item, numbers.Integral) and not _INT64_MIN <= int(item) <= _INT64_MAX:
                raise _beyond_int64(int(item))
    if kind not in "iuf":
        raise TypeError(f"Argument `step` must be integers or floats. Received: {array.dtype} ({type(step).__name__})")
    if kind == "u" and array.dtype.itemsize == 8 and array.size and (largest := int(array.max())) > _INT64_MAX:
        raise _beyond_int64(largest)
    return array


def _beyond_int64(step: int) -> OverflowError:
    return OverflowError(f"step {shown(step)} is beyond int64 (-2**63 <= step < 2**63)")


def range_of_steps(function: str, start: SupportsIndex, stop: SupportsIndex | None, step: SupportsIndex) -> range:
    """What range()'s arguments mean to the method of this name; all steps within int64."""
    if stop is None and step != 1:
        raise TypeError(f"Argument `step` needs `start` and `stop`. Received: {function}({start!r}, step={step!r})")
    steps = range(operator.index(start)) if stop is None else range(start, stop, step)
    for end in (steps[0], steps[-1]) if steps else ():
        if not _INT64_MIN <= end <= _INT64_MAX:
            raise _beyond_int64(end)
    return steps


def _loses_digits(array: np.ndarray[Any, Any]) -> bool:
    """Whether floats may have been made of ints that are not theirs; NaN does not hide them."""
    return array.dtype.itemsize > 2 and not bool(np.all(np.abs(array) < 2.0**53))


def _is_masked(array: Any) -> TypeGuard[np.ma.MaskedArray[Any, Any]]:
    """Whether it is a masked array. numpy.ma is not imported for this: where no one has, there is none."""
    ma = sys.modules.get("numpy.ma")
    return isinstance(array, getattr(ma, "MaskedArray", ()))


def _check_out(out: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """The memory of `out`, as a plain array: what a subclass says of itself need not be so."""
    wanted = None if dtype is None else rate_dtype(dtype)  # first, for it may run code of the caller's
    if not isinstance(out, np.ndarray):
        raise TypeError(f"Argument `out` must be a NumPy array. Received: {type(out).__name__}")
    rates = np.asarray(out)
    if rates.dtype not in _RATE_DTYPES:
        raise TypeError(f"Argument `out` must be of dtype float64 or float32. Received: {rates.dtype.str}")
    if wanted is not None and wanted != rates.dtype:
        raise TypeError(f"Arguments `dtype` and `out` disagree. Received: dtype={wanted}, out of dtype {rates.dtype}")
    if rates.shape != shape:
        raise ValueError(f"Argument `out` must have the shape of the steps, {shape}. Received: {rates.shape}")
    if not rates.flags.writeable:
        raise ValueError("Argument `out` must be writeable. Received: a read-only array")
    return rates


def _apart(steps: np.ndarray[Any, Any], out: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The steps, copied if `out` overlaps them in any way but element upon element."""
    # As NumPy's own functions look: exactly, where it is easy.
    if not np.may_share_memory(steps, out, max_work=1):  # type: ignore[arg-type]
        return steps
    same = steps.ctypes.data == out.ctypes.data and steps.strides == out.strides
    return steps if same and steps.itemsize == out.itemsize else steps.copy()


def check_name(name: Any) -> None:
    if not (name is None or isinstance(name, str)):  # None stands in the configs of Keras's own documentation
        raise TypeError(f"Argument `name` must be a string. {received('name', name)}")


def dtype_of(name: str, value: Any) -> np.dtype[Any]:
    """The results' dtype that a rate says: float32 or float64 if it is a NumPy scalar of these, else float64."""
    if not isinstance(value, np.floating):
        return _FLOAT64
    if value.dtype not in _RATE_DTYPES:
        raise TypeError(
            f"Argument `{name}` must be a Python number or a NumPy float64 or float32, whose type the results have. "
            f"{received(name, value)}"
        )
    return value.dtype


def parameter(name: str, doc: str) -> property:
    """A read-only attribute: the parameter as it was given."""
    return property(lambda self: self._config[name], doc=doc)


class _Evaluation:
    """Every way to call a schedule, from three of them.

    `_at(step)` gives the rate at an int within int64 or a float; `_evaluate(steps, rates, threads)` and
    `_fill(start, step, rates, threads)` write the rates of an array of steps, or of a range, into an array.
    """

    __slots__ = ()

    _dtype: np.dtype[Any]

    def _at(self, step: float) -> float:
        raise NotImplementedError

    def _evaluate(self, steps: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], num_threads: int) -> None:
        raise NotImplementedError

    def _fill(self, start: int, step: int, rates: np.ndarray[Any, Any], num_threads: int) -> None:
        raise NotImplementedError

    def _call(self, step: Any, out: Any, dtype: Any, num_threads: SupportsIndex | None) -> Any:
        """Everything that a call can be; the backend itself does only the plain ones."""
        threads = check_threads(num_threads)
        if isinstance(step, range):
            return self._precompute(step.start, step.stop, step.step, out, dtype, num_threads)
        if out is None:
            wanted = self._dtype if dtype is None else rate_dtype(dtype)
            if isinstance(step, (int, float)) and not isinstance(step, (bool, np.floating)):
                step = float(step) if isinstance(step, float) else int(step)
                if isinstance(step, int) and not _INT64_MIN <= step <= _INT64_MAX:
                    raise _beyond_int64(step)
                rate = self._at(step)
                with np.errstate(over="ignore"):
                    return rate if wanted == np.float64 else wanted.type(rate)
        array = _as_array(step)
        if out is None:
            rates = np.empty_like(array, wanted, subok=False)  # in the steps' own order: neighbours stay neighbours
            self._evaluate_any(array, rates, threads)
            if _is_masked(step):
                return np.ma.array(rates, mask=np.ma.getmaskarray(step).copy())[()]
            return rates if array.ndim else rates[()]
        rates = _check_out(out, array.shape, dtype)
        self._evaluate_any(_apart(array, rates), rates, threads)
        if _is_masked(out):
            out.mask = np.ma.getmask(step)
        return out

    def _evaluate_any(self, array: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], threads: int) -> None:
        """As the kernel's _evaluate, for the floats too that it does not know, half and extended precision."""
        if array.dtype.kind != "f" or array.dtype.itemsize in (4, 8):
            self._evaluate(array, rates, threads)
            return
        # In pieces: memory does not grow with the array.
        with np.errstate(over="ignore"):
            pieces = np.nditer(
                [array, rates],
                ["external_loop", "buffered", "zerosize_ok"],
                [["readonly"], ["writeonly"]],
                op_dtypes=[np.dtype(np.float64), rates.dtype],
                casting="unsafe",
                buffersize=1 << 16,
            )
            with pieces:
                for piece, into in pieces:
                    self._evaluate(piece, into, threads)

    def _precompute(
        self,
        start: SupportsIndex,
        stop: SupportsIndex | None,
        step: SupportsIndex,
        out: np.ndarray[Any, Any] | None,
        dtype: Any,
        num_threads: SupportsIndex | None,
    ) -> np.ndarray[Any, Any]:
        threads = check_threads(num_threads)
        steps = range_of_steps("precompute", start, stop, step)
        count = max(0, -((steps.start - steps.stop) // steps.step))  # len() stops at sys.maxsize
        if out is None:
            if count > _INT64_MAX // 8:
                raise MemoryError(f"Unable to allocate the rates of {count} steps")
            rates = np.empty(count, self._dtype if dtype is None else rate_dtype(dtype))
        else:
            rates = _check_out(out, (count,), dtype)
            if _is_masked(out):
                out.mask = np.ma.nomask
        if count:
            # Modulo 2**64: a stride may be longer than int64 is, the steps are not.
            self._fill(steps.start, (steps.step + 2**63) % 2**64 - 2**63, rates, threads)
        return rates if out is None else out


class _OneByOne(_Evaluation):
    """A function of one step as a schedule: arrays and ranges element by element."""

    __slots__ = ("_at",)

    _dtype = _FLOAT64

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._at = function  # type: ignore[assignment, method-assign]

    def _evaluate(self, steps: np.ndarray[Any, Any], rates: np.ndarray[Any, Any], num_threads: int) -> None:
        for index in np.ndindex(steps.shape):
            rates[index] = self._at(steps[index].item())

    def _fill(self, start: int, step: int, rates: np.ndarray[Any, Any], num_threads: int) -> None:
        for i in range(rates.size):
            rates[i] = self._at((start + i * step + 2**63) % 2**64 - 2**63)


class LearningRateSchedule:
    """What all schedules are, and the class to derive one's own from, as from Keras's class of this name.

    A schedule of one's own defines ``__call__(self, step)``, the learning rate at one optimizer step, a number; and
    ``get_config`` if it is to be serialized. It then takes arrays too, and has ``precompute``: element by element, at
    the speed of its ``__call__``. Steps that are no number, array, list, tuple or range (a framework's tensors) go to
    ``__call__`` as they are.

    Raises
    ------
    NotImplementedError
        By ``__call__`` and ``get_config`` where the class has none of its own.

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

    References
    ----------
    ``keras.optimizers.schedules.LearningRateSchedule`` of Keras 3.
    """

    __slots__ = ()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "__call__" in vars(cls) and not issubclass(cls, Schedule):  # these take arrays already
            cls.__call__ = _takes_arrays(cls.__call__)  # type: ignore[method-assign]

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `__call__(self, step)`."
        )

    def precompute(
        self,
        start: SupportsIndex,
        stop: SupportsIndex | None = None,
        step: SupportsIndex = 1,
        *,
        out: np.ndarray[Any, Any] | None = None,
        dtype: Any = None,
        num_threads: SupportsIndex | None = None,
    ) -> np.ndarray[Any, Any]:
        """The rates of the steps ``range(stop)`` or ``range(start, stop, step)``, without an array of the steps.

        Parameters
        ----------
        start, stop, step : int
            As range() takes them: ``precompute(n)`` starts at 0. The steps must lie within int64.
        out, dtype, num_threads
            As in a call; `out` has one dimension and as many elements as there are steps.

        Returns
        -------
        numpy.ndarray
            One dimension; the bits of ``schedule(step)`` for each step. It is `out` where that is given.

        Raises
        ------
        TypeError, ValueError
            As range() and a call raise them.
        OverflowError
            A step beyond int64.
        MemoryError
            More steps than memory holds.

        Examples
        --------
        >>> from cosine_fast import CosineDecay
        >>> schedule = CosineDecay(0.1, decay_steps=1000)
        >>> schedule.precompute(0, 1001, 500)
        array([0.1 , 0.05, 0.  ])
        >>> schedule.precompute(1000).shape
        (1000,)
        """
        return _OneByOne(self)._precompute(start, stop, step, out, dtype, num_threads)

    def get_config(self) -> dict[str, Any]:
        """The parameters by their names, for `from_config` and `cosine_fast.serialize`."""
        raise NotImplementedError(
            f"Learning rate schedule '{type(self).__name__}' must override `get_config()` in order to be serializable."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The schedule with these parameters, as get_config() gives them.

        >>> from cosine_fast import CosineDecay
        >>> CosineDecay.from_config({"initial_learning_rate": 0.1, "decay_steps": 10}) == CosineDecay(0.1, 10)
        True
        """
        return cls(**config)


def _takes_arrays(call: Callable[..., Any]) -> Callable[..., Any]:
    """A `__call__(self, step)` that is written for one step, so that it takes arrays as well, and their options."""

    @functools.wraps(call)
    def call_with_options(
        self: LearningRateSchedule,
        step: Any,
        *,
        out: Any = None,
        dtype: Any = None,
        num_threads: SupportsIndex | None = None,
    ) -> Any:
        plain = out is None and dtype is None and num_threads is None
        if plain and not isinstance(step, (np.ndarray, list, tuple, range)):
            return call(self, step)
        return _OneByOne(functools.partial(call, self))._call(step, out, dtype, num_threads)

    return call_with_options


class Formula(Schedule, _Evaluation, LearningRateSchedule):
    """A schedule that the kernel has the formula of.

    A class of this kind has `_set(**config)`, which checks the parameters, calls `_take` and then one of the kernel's
    `_fold_...`. It is the class's `__init__`, by a name that stays where a derived class has another `__init__`.
    """

    __slots__ = ("__weakref__", "_config", "_dtype", "_key")

    _config: dict[str, Any]
    _dtype: np.dtype[Any]
    _key: tuple[Any, ...]

    def _set(self, *parameters: Any, **config: Any) -> Any:
        raise NotImplementedError

    def _take(self, config: dict[str, Any], key: tuple[Any, ...], dtype: np.dtype[Any]) -> bool:
        """The parameters as given; all that makes two schedules equal; the results' dtype. Whether that is float32."""
        if self._ready:
            raise AttributeError("a schedule is immutable: make another one")
        self._config = config
        self._key = (*key, dtype.char)
        self._dtype = dtype
        return dtype == _FLOAT32

    def __getattr__(self, name: str) -> Any:
        if name in Formula.__slots__:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the results, unless a call says otherwise."""
        return self._dtype

    def precompute(
        self,
        start: SupportsIndex,
        stop: SupportsIndex | None = None,
        step: SupportsIndex = 1,
        *,
        out: np.ndarray[Any, Any] | None = None,
        dtype: Any = None,
        num_threads: SupportsIndex | None = None,
    ) -> np.ndarray[Any, Any]:
        return self._precompute(start, stop, step, out, dtype, num_threads)

    precompute.__doc__ = LearningRateSchedule.precompute.__doc__

    def get_config(self) -> dict[str, Any]:
        """The parameters as they were given, by Keras's keys.

        >>> from cosine_fast import CosineDecay
        >>> CosineDecay(0.1, 1000).get_config()  # doctest: +NORMALIZE_WHITESPACE
        {'initial_learning_rate': 0.1, 'decay_steps': 1000, 'alpha': 0.0, 'name': 'CosineDecay',
         'warmup_target': None, 'warmup_steps': 0}
        """
        return dict(self._config)

    def __repr__(self) -> str:
        parameters = ", ".join(f"{key}={value!r}" for key, value in self._config.items())
        return f"{type(self).__name__}({parameters})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return isinstance(other, Formula) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._config), getattr(self, "__dict__", None) or None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)  # what a subclass adds, and nothing else


def _restore(cls: type[Formula], config: dict[str, Any]) -> Formula:
    """Unpickle: the parameters are checked again."""
    schedule = cls.__new__(cls)
    schedule._set(**config)
    return schedule
