"""The base classes of schedules: configs, equality, pickling, and arrays for schedules of users' own."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self, SupportsIndex

import numpy as np

from .._backend import kernel
from ._checks import received
from ._evaluation import Evaluation, OneByOne
from ._sums import Sums

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
        function = self if isinstance(self, Evaluation) and call is kernel.Schedule.__call__ else OneByOne(self)
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
        return OneByOne(one)._call(step, out, dtype, num_threads)

    return call_with_options


_CALL = inspect.signature(lambda step, *, out=None, dtype=None, num_threads=None: None)


class Formula(kernel.Schedule, Sums, LearningRateSchedule):
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
        if name == "__dict__" and not ((torch := sys.modules.get("torch")) and torch.compiler.is_compiling()):
            # A new one each time: torch's LambdaLR saves and updates that of its callable. torch.compile looks for it,
            # too, but fails if it is not a real one.
            return {}
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
