"""The schedule classes: what their parameters mean, what is checked, and every way to call them.

Python validates here; the backend's kernel trusts what it is given.
"""

from __future__ import annotations

import contextlib
import math
import numbers
import operator
import sys
import warnings
from typing import Any, Self, SupportsIndex, TypeGuard

import numpy as np

from ._backend import Schedule, check_threads, shown

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_LARGEST = 2.0**1000  # so that no intermediate result overflows
_SMALLEST_COUNT = 2.0**-64
_FLOAT64, _FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
_RATE_DTYPES = (_FLOAT64, _FLOAT32)


def _received(name: str, value: object) -> str:
    return f"Received: {name}={shown(value)}" + ("" if type(value) in (int, float) else f" ({type(value).__name__})")


def _number(name: str, value: Any) -> float:
    """A finite real number, as a float."""
    if type(value) is float:  # a short way for the usual: schedules are made by the million
        number = value
    elif isinstance(value, bool) or not isinstance(value, (float, int, numbers.Real)):
        raise TypeError(f"Argument `{name}` must be a number. {_received(name, value)}")
    else:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        except TypeError:  # it is none, whatever it says of itself
            raise TypeError(f"Argument `{name}` must be a number. {_received(name, value)}") from None
    if not math.isfinite(number):
        raise ValueError(f"Argument `{name}` must be finite. {_received(name, value)}")
    return number


def _steps(name: str, value: Any, *, positive: bool) -> int | float:
    """A number of steps: an int if it is whole, whatever type it came in, else a float."""
    if type(value) is int and positive <= value <= _INT64_MAX:
        return value
    number = _number(name, value)
    # Asked once and then checked: a number of one's own may answer differently the next time.
    exact: int | float = int(value) if isinstance(value, numbers.Integral) else number
    if not (exact > 0 if positive else exact >= 0):
        raise ValueError(f"Argument `{name}` must be {'> 0' if positive else '>= 0'}. Received: {name}={shown(value)}")
    if not exact <= _INT64_MAX:
        raise ValueError(f"Argument `{name}` must be < 2**63. Received: {name}={shown(value)}")
    if 0 < exact < _SMALLEST_COUNT:
        raise ValueError(f"Argument `{name}` must not be smaller than 2**-64 steps. Received: {name}={shown(value)}")
    return int(exact) if isinstance(exact, float) and exact.is_integer() else exact


def _rate_dtype(dtype: Any) -> np.dtype[Any]:
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


def _loses_digits(array: np.ndarray[Any, Any]) -> bool:
    """Whether floats may have been made of ints that are not theirs; NaN does not hide them."""
    return array.dtype.itemsize > 2 and not bool(np.all(np.abs(array) < 2.0**53))


def _is_masked(array: Any) -> TypeGuard[np.ma.MaskedArray[Any, Any]]:
    """Whether it is a masked array. numpy.ma is not imported for this: where no one has, there is none."""
    ma = sys.modules.get("numpy.ma")
    return isinstance(array, getattr(ma, "MaskedArray", ()))


def _check_out(out: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """The memory of `out`, as a plain array: what a subclass says of itself need not be so."""
    wanted = None if dtype is None else _rate_dtype(dtype)  # first, for it may run code of the caller's
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


class CosineDecay(Schedule):
    """Keras's CosineDecay: an optional linear warmup, then a cosine from the peak down to the floor.

    With s the step, in optimizer steps, and t = s - warmup_steps (t = s without a warmup)::

        s < warmup_steps:  initial_learning_rate + (warmup_target - initial_learning_rate) * s / warmup_steps
        else:              peak * ((1 - alpha) * (1 + cos(pi * min(t, decay_steps) / decay_steps)) / 2 + alpha)

    Parameters (Keras's names and order; learning rates have no unit)
    ----------
    initial_learning_rate : float
        The rate at step 0. If it is a NumPy float32 the results are float32, as with ``dtype=numpy.float32``.
    decay_steps : int or float
        The length of the decay in steps, without the warmup; > 0. Whole numbers are exact up to 2**63 - 1.
    alpha : float
        The floor, as a fraction of the peak: the decay ends at ``peak * alpha``.
    name : str
        Kept for Keras's configs; means nothing here.
    warmup_target : float, optional
        The peak, which the warmup ends at. None: there is no warmup, and the peak is initial_learning_rate.
    warmup_steps : int or float
        The length of the warmup in steps; >= 0. Without warmup_target it is ignored, with a UserWarning.

    ``schedule(step, *, out=None, dtype=None, num_threads=None)``
    ----------
    step : int, float, array or anything that ``numpy.asarray`` makes one of
        Integers within int64 or floats, of any shape, strides and byte order. Fractional and negative steps are steps:
        the warmup line goes on below step 0; without a warmup the cosine is even. NaN gives NaN, +inf the floor.
    out : numpy.ndarray, optional
        float64 or float32 of the steps' shape; may be the steps' own memory. It is returned. (Where it overlaps the
        steps other than element upon element they are copied first, as NumPy does.)
    dtype : numpy.float64 or numpy.float32, optional
        Of the result; float64 unless initial_learning_rate says float32, or `out` does.
    num_threads : int, optional
        At most so many threads, for large arrays; else see ``set_num_threads``.

    It returns an array of the steps' shape (a masked one for masked steps), a NumPy scalar for a NumPy scalar or a 0-d
    array, and for a Python int or float a Python float (a numpy.float32 where the dtype is float32). A step has one
    result to the last bit, whatever the call, the machine, the instruction set and the number of threads; in float64 it
    is within 2 ULP of the exact value.

    Raises
    ------
    ValueError
        A parameter out of its range, or `out` of another shape or read-only.
    TypeError
        A parameter that is no number, steps that are neither integers nor floats, an unfit `out` or `dtype`.
    OverflowError
        A step beyond int64.

    A schedule is immutable, hashable and picklable, and may be called from many threads at once.

    Examples
    --------
    >>> import numpy as np
    >>> schedule = CosineDecay(0.0, decay_steps=900, alpha=0.1, warmup_target=1e-3, warmup_steps=100)
    >>> schedule(0), schedule(50), schedule(100), schedule(1000)
    (0.0, 0.0005, 0.001, 0.0001)
    >>> schedule(np.array([[100, 550], [999, 2**62]]))
    array([[0.001  , 0.00055],
           [0.0001 , 0.0001 ]])
    >>> steps = np.arange(3, dtype=np.int32)
    >>> schedule(steps, dtype=np.float32)
    array([0.e+00, 1.e-05, 2.e-05], dtype=float32)

    References
    ----------
    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, arXiv:1608.03983;
    ``keras.optimizers.schedules.CosineDecay`` of Keras 3.
    """

    __slots__ = ("__weakref__", "_config", "_dtype", "_key")

    _config: dict[str, Any]
    _dtype: np.dtype[Any]
    _key: tuple[Any, ...]

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        if self._set(initial_learning_rate, decay_steps, alpha, name, warmup_target, warmup_steps):
            warnings.warn(
                f"Argument `warmup_steps` is ignored without `warmup_target`. Received: warmup_steps={warmup_steps}",
                UserWarning,
                stacklevel=2,
            )

    def _set(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float,
        name: str,
        warmup_target: float | None,
        warmup_steps: float,
    ) -> bool:
        """Check the parameters and take them; whether warmup_steps is ignored."""
        if self._ready:
            raise AttributeError("a schedule is immutable: make another one")
        start = _number("initial_learning_rate", initial_learning_rate)
        dtype = _FLOAT64
        if isinstance(initial_learning_rate, np.floating):
            dtype = initial_learning_rate.dtype
            if dtype not in _RATE_DTYPES:
                raise TypeError(
                    "Argument `initial_learning_rate` must be a Python number or a NumPy float64 or float32, whose "
                    f"type the results have. {_received('initial_learning_rate', initial_learning_rate)}"
                )
        decay = _steps("decay_steps", decay_steps, positive=True)
        fraction = _number("alpha", alpha)
        if not isinstance(name, str):
            raise TypeError(f"Argument `name` must be a string. {_received('name', name)}")
        warmup = _steps("warmup_steps", warmup_steps, positive=False)
        peak = start if warmup_target is None else _number("warmup_target", warmup_target)
        has_warmup = warmup_target is not None and warmup > 0
        rise = peak - start if has_warmup else 0.0
        if not (
            abs(start) <= _LARGEST
            and abs(peak) <= _LARGEST
            and abs(peak * fraction) <= _LARGEST
            and abs(peak * (1.0 - fraction)) <= _LARGEST
            and abs(rise) <= _LARGEST
            and (not rise or abs(rise / warmup) <= _LARGEST)
        ):
            raise ValueError(
                "The rates, their products with `alpha` and `1 - alpha`, and the warmup's slope must be at most "
                f"2**1000 (1e301) in size. Received: initial_learning_rate={initial_learning_rate}, alpha={alpha}, "
                f"warmup_target={warmup_target}, warmup_steps={warmup_steps}"
            )
        self._dtype = dtype
        self._config = {
            "initial_learning_rate": initial_learning_rate,
            "decay_steps": decay_steps,
            "alpha": alpha,
            "name": name,
            "warmup_target": warmup_target,
            "warmup_steps": warmup_steps,
        }
        self._key = (start, dtype.char, decay, fraction, name, None if warmup_target is None else peak, warmup)
        self._fold(peak, decay, fraction, has_warmup, start, warmup, dtype == _FLOAT32)  # last: now it is ready
        return warmup_target is None and warmup > 0

    def __getattr__(self, name: str) -> Any:
        if name in CosineDecay.__slots__:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    @property
    def initial_learning_rate(self) -> float:
        """The rate at step 0, as it was given."""
        return self._config["initial_learning_rate"]  # type: ignore[no-any-return]

    @property
    def decay_steps(self) -> float:
        """The length of the decay in steps, as it was given."""
        return self._config["decay_steps"]  # type: ignore[no-any-return]

    @property
    def alpha(self) -> float:
        """The floor as a fraction of the peak, as it was given."""
        return self._config["alpha"]  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        """The name, as it was given."""
        return self._config["name"]  # type: ignore[no-any-return]

    @property
    def warmup_target(self) -> float | None:
        """The peak, as it was given; None without a warmup."""
        return self._config["warmup_target"]  # type: ignore[no-any-return]

    @property
    def warmup_steps(self) -> float:
        """The length of the warmup in steps, as it was given."""
        return self._config["warmup_steps"]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the results, unless a call says otherwise."""
        return self._dtype

    def _call(self, step: Any, out: Any, dtype: Any, num_threads: SupportsIndex | None) -> Any:
        """Everything that a call can be; the backend itself does only the plain ones."""
        threads = check_threads(num_threads)
        if isinstance(step, range):
            return self.precompute(step.start, step.stop, step.step, out=out, dtype=dtype, num_threads=num_threads)
        if out is None:
            wanted = self._dtype if dtype is None else _rate_dtype(dtype)
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
        >>> schedule = CosineDecay(0.1, decay_steps=1000)
        >>> schedule.precompute(0, 1001, 500)
        array([0.1 , 0.05, 0.  ])
        >>> schedule.precompute(1000).shape
        (1000,)
        """
        threads = check_threads(num_threads)
        if stop is None and step != 1:
            raise TypeError(f"Argument `step` needs `start` and `stop`. Received: precompute({start!r}, step={step!r})")
        steps = range(operator.index(start)) if stop is None else range(start, stop, step)
        for end in (steps[0], steps[-1]) if steps else ():
            if not _INT64_MIN <= end <= _INT64_MAX:
                raise _beyond_int64(end)
        count = max(0, -((steps.start - steps.stop) // steps.step))  # len() stops at sys.maxsize
        if out is None:
            if count > _INT64_MAX // 8:
                raise MemoryError(f"Unable to allocate the rates of {count} steps")
            rates = np.empty(count, self._dtype if dtype is None else _rate_dtype(dtype))
        else:
            rates = _check_out(out, (count,), dtype)
            if _is_masked(out):
                out.mask = np.ma.nomask
        if count:
            # Modulo 2**64: a stride may be longer than int64 is, the steps are not.
            self._fill(steps.start, (steps.step + 2**63) % 2**64 - 2**63, rates, threads)
        return rates if out is None else out

    def get_config(self) -> dict[str, Any]:
        """The parameters as they were given, by Keras's keys.

        >>> CosineDecay(0.1, 1000).get_config()  # doctest: +NORMALIZE_WHITESPACE
        {'initial_learning_rate': 0.1, 'decay_steps': 1000, 'alpha': 0.0, 'name': 'CosineDecay',
         'warmup_target': None, 'warmup_steps': 0}
        """
        return dict(self._config)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The schedule with these parameters, as get_config() gives them.

        >>> CosineDecay.from_config({"initial_learning_rate": 0.1, "decay_steps": 10}) == CosineDecay(0.1, 10)
        True
        """
        return cls(**config)

    def __repr__(self) -> str:
        parameters = ", ".join(f"{key}={value!r}" for key, value in self._config.items())
        return f"{type(self).__name__}({parameters})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return isinstance(other, CosineDecay) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._config), getattr(self, "__dict__", None) or None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)  # what a subclass adds, and nothing else


def _restore(cls: type[CosineDecay], config: dict[str, Any]) -> CosineDecay:
    """Unpickle: the parameters are checked again."""
    schedule = cls.__new__(cls)
    schedule._set(**config)
    return schedule
