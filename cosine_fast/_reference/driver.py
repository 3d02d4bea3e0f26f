"""The driver of the pure-Python kernel: it evaluates formulas over arrays and ranges, as the compiled one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .pairs import Pair, as_pair

Formula = Callable[[Pair], Any]  # folded parameters, called with steps

OPENMP = False
ISAS = ("python",)
FORMULAS: dict[str, Callable[..., Formula]] = {}  # by name; the package's __init__ fills it
CHUNK = 8192  # elements at a time: NumPy's temporaries stay in the second-level cache, and memory is bounded


def check_state() -> None:
    """Raise an error unless this thread rounds to nearest and keeps subnormal numbers, on which the bits depend."""
    one, ulp, least = 1.0, 2.0**-53, 5e-324  # variables, so that these are not computed beforehand
    if not (one + ulp == one - ulp / 2 == one and least * one > 0.0 < ulp * 2.0**-1000):
        raise FloatingPointError(
            "This thread's floating-point state must be the default: round to nearest, keep subnormal numbers. "
            "Something in this process has changed it, and only cosine_fast's compiled backend can set it"
        )


class Function:
    """A function of the step that the kernel evaluates: a schedule, or the sums of one."""

    __slots__ = ("_formula",)

    _formula: Formula

    def _fold(
        self, name: str, numbers: tuple[float, ...], counts: tuple[int | float, ...], single: bool,
        children: tuple[Function, ...] = (),
    ) -> None:  # fmt: skip
        """Take the formula of this name, with its parameters (`single`, of use to the compiled kernel, is ignored)."""
        check_state()
        formulas = [child._ready_formula() for child in children]
        with np.errstate(all="ignore"):
            self._formula = FORMULAS[name](*numbers, *counts, *formulas)

    @property
    def _ready(self) -> bool:
        return hasattr(self, "_formula")

    def _ready_formula(self) -> Formula:
        check_state()
        try:
            return self._formula
        except AttributeError:
            raise TypeError(f"{type(self).__name__}.__init__ has not been called") from None

    def _at(self, step: int | float) -> float:
        steps = np.array([step], np.float64 if isinstance(step, float) else np.int64)
        with np.errstate(all="ignore"):
            return float(self._ready_formula()(as_pair(steps))[0])

    def _evaluate(self, steps: np.ndarray, rates: np.ndarray, num_threads: int) -> None:
        formula = self._ready_formula()
        if steps.size == 0:
            return
        # NumPy's iterator walks any layout; it hands out native, contiguous chunks and puts the rates back.
        chunks = np.nditer(
            [steps, rates], ["external_loop", "buffered", "delay_bufalloc"], [["readonly"], ["writeonly"]],
            op_dtypes=[np.float64 if steps.dtype.kind == "f" else np.int64, np.float64],
            casting="unsafe", buffersize=CHUNK,
        )  # fmt: skip
        with chunks, np.errstate(all="ignore"):
            chunks.reset()
            for chunk, into in chunks:
                into[...] = formula(as_pair(chunk))

    def _fill(self, start: int, step: int, rates: np.ndarray, num_threads: int) -> None:
        formula = self._ready_formula()
        with np.errstate(all="ignore"):
            for begin in range(0, rates.size, CHUNK):
                chunk = rates[begin : begin + CHUNK]
                # Modulo 2**64, as in the compiled kernel: the product may overflow where its sum with start does not.
                numbers = np.arange(begin, begin + chunk.size, dtype=np.uint64)
                steps = numbers * np.uint64(step % 2**64) + np.uint64(start % 2**64)
                chunk[...] = formula(as_pair(steps.view(np.int64)))


class Schedule(Function):
    """What the classes of schedules are derived from."""

    __slots__ = ()

    def __call__(self, step: Any, *, out: Any = None, dtype: Any = None, num_threads: int | None = None) -> Any:
        """The learning rates at the given optimizer steps.

        step: an int within int64, a float, or what numpy.asarray makes an array of; negative and fractional steps too.
        out: an array of float64 or float32, of the steps' shape, that receives the rates; maybe the steps' own memory.
        dtype: float64 or float32; by default that of the schedule, or of `out`.
        num_threads: the most threads to use for a large array; by default see `set_num_threads`.

        Returns an array of the steps' shape (masked for masked steps), or `out`; for a Python number a Python float (a
        numpy.float32 where the dtype is float32), for a NumPy scalar or a 0-d array a NumPy scalar; for an
        array of pandas, polars, xarray, Dask, PyTorch or JAX one of the same library. Raises TypeError for steps or
        options of unsuitable types, ValueError for an `out` of another shape or read-only and a `num_threads` below 1,
        OverflowError for a step beyond int64.
        """
        return self._call(step, out, dtype, num_threads)  # type: ignore[attr-defined]


def cosine_decays(
    rates: np.ndarray,
    steps: np.ndarray,
    parameters: list[np.ndarray],
    num_threads: int,
    absolute: bool,
    plain: bool = False,
) -> bool:
    """Write CosineDecay's rates into `rates`; all other arrays broadcast to its shape.

    parameters: initial_learning_rate, decay_steps, alpha (if `absolute`, end_learning_rate), warmup_target (NaN: none),
    warmup_steps. Returns False, and does nothing, with `plain`, a short way that only the compiled kernel has.
    """
    if plain:
        return False

    def make(L0: float, D: float, a: float, T: float, W: float) -> Function:
        if T != T:  # NaN: no warmup
            T, W = L0, 0
        schedule = Function()
        schedule._fold("cosine_decay", (T, a, L0 if W > 0 else T, float(absolute)), (D, W), False)
        return schedule

    _batch(rates, steps, parameters, num_threads, make)
    return True


def stable_decays(
    rates: np.ndarray,
    steps: np.ndarray,
    parameters: list[np.ndarray],
    num_threads: int,
    shape: int,
    make: Callable[..., Function],
) -> None:
    """Write WarmupStableDecay's rates into `rates`; all other arrays broadcast to its shape.

    `make` makes a schedule of its parameters; `shape` is of use to the compiled kernel.
    """
    _batch(rates, steps, parameters, num_threads, make)


def _batch(
    rates: np.ndarray, steps: np.ndarray, parameters: list[np.ndarray], num_threads: int, make: Callable[..., Function]
) -> None:
    """Write the rates of the schedules that `make` makes of the parameters."""
    steps = np.broadcast_to(steps, rates.shape)
    parameters = [np.broadcast_to(parameter, rates.shape) for parameter in parameters]
    changes = [n > 1 and any(p.strides[d] for p in parameters) for d, n in enumerate(rates.shape)]
    for index in np.ndindex(*(n if changing else min(n, 1) for n, changing in zip(rates.shape, changes, strict=True))):
        here = (*(i if changing else slice(None) for i, changing in zip(index, changes, strict=True)), ...)
        make(*(p[index].item() for p in parameters))._evaluate(steps[here], rates[here], num_threads)


def within(numbers: np.ndarray, least: float, most: float, allowed: float, nan: bool, num_threads: int) -> bool:
    """Whether each of the numbers lies from `least` to `most`, or is `allowed`, or NaN if `nan`."""
    flat = numbers.flat  # in pieces: memory does not grow with the array
    for begin in range(0, numbers.size, CHUNK):
        x = np.asarray(flat[begin : begin + CHUNK], np.float64)
        if not np.all(((x >= least) & (x <= most)) | (x == allowed) | (nan & (x != x))):
            return False
    return True


def use_isa(name: str) -> None:
    ISAS.index(name)


def set_num_threads(wanted: int) -> None:
    pass


set_quota = set_num_threads


def get_num_threads() -> int:
    return 1
