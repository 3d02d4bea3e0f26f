"""Schedules for JAX and optax: tables of rates that code under ``jit``, ``vmap`` and ``scan`` can read, and kernels.

>>> import optax
>>> from cosine_fast import CosineDecay
>>> from cosine_fast.integrations.jax import table
>>> rates = table(CosineDecay(0.5, decay_steps=1000))
>>> optimizer = optax.adamw(learning_rate=rates)
>>> float(jax.jit(rates)(500)), float(jax.jit(rates)(10**6))
(0.25, 0.0)

A table serves every device and as many steps as it holds. `kernel` computes the rates of any steps, on the CPU.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import struct
from dataclasses import dataclass
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np

from .. import _backend
from ..schedules._base import Formula, LearningRateSchedule
from ..schedules._checks import check_schedule, rate_dtype
from ..schedules._evaluation import is_masked, range_of_steps
from ..schedules._joined import Joined
from ..schedules.cosine_decay_restarts import CosineDecayRestarts
from . import _jax_formulas

_MOST = 2**31 - 1  # counts are int32 in JAX


def _steps(count: Any, *, floats: bool = True) -> jax.Array:
    """Return steps as an array of JAX, which without jax_enable_x64 would wrap NumPy's wide integers."""
    wanted = f"Argument `count` must be {'integers or floats' if floats else 'integers, which a table is of'}."
    of_jax = any(isinstance(each, jax.Array) or hasattr(each, "__jax_array__") for each in jax.tree.leaves(count))
    if not of_jax and not isinstance(count, float):
        if is_masked(count):
            raise TypeError("Argument `count` must not be a masked array: JAX has no masks. Call the schedule itself.")
        count = np.asarray(count)  # all of NumPy, and the arrays of other libraries
        if count.dtype.kind in "OUSmM":  # neither NumPy's numbers nor others', such as bfloat16
            raise TypeError(f"{wanted} Received: {count.dtype}")
        count = count.astype(count.dtype.newbyteorder("="), copy=False)  # JAX reads no other byte order
    steps = jnp.asarray(count)
    if not (jnp.issubdtype(steps.dtype, jnp.integer) or (floats and jnp.issubdtype(steps.dtype, jnp.floating))):
        raise TypeError(f"{wanted} Received: {steps.dtype}")
    wide = isinstance(count, np.ndarray) and count.dtype.kind in "iu"
    if wide and not np.array_equal(count, count.astype(steps.dtype)):
        raise OverflowError(f"Argument `count` must be within {steps.dtype} without jax_enable_x64. Received: {count}")
    return steps


def _check_single(leaf: str, array: Any) -> None:
    """Raise unless an array of one schedule has one dimension."""
    if np.ndim(array) != 1:
        raise TypeError(
            f"`{leaf}` must have one dimension; with more axes, `jax.vmap` goes over them. "
            f"Received: the shape {np.shape(array)}"
        )


@dataclass(frozen=True, eq=False)
class Table:
    """The rates of consecutive steps, as a function of the step that JAX can trace.

    It is a pytree with one leaf. Passed to a compiled function as an argument, another table of the same length does
    not compile it again; ``jax.vmap`` goes over tables whose `rates` have one more axis.

    Attributes
    ----------
    rates : jax.Array
        The rates of the steps start, start + 1, ..., of one dimension.
    start : int, default 0
        The first step.
    schedule : LearningRateSchedule, optional
        What the rates are of. It is no part of the pytree: inside a compiled function it is None.

    See Also
    --------
    table : Makes one.

    Examples
    --------
    >>> rates = Table(jnp.array([0.25, 0.5, 1.0]), start=10)
    >>> rates(jnp.array([0, 11, 12, 1000])).tolist()
    [0.25, 0.5, 1.0, 1.0]
    """

    rates: jax.Array
    start: int = 0
    schedule: LearningRateSchedule | None = None

    def __call__(self, count: Any) -> jax.Array:
        """Return the rates at these steps: integers of any shape, or traced ones.

        Before the table's first step the rate is the first one, after its last step the last one.
        """
        _check_single("rates", self.rates)
        steps = _steps(count, floats=False)
        steps = jnp.minimum(steps, min(_MOST, jnp.iinfo(steps.dtype).max))  # a large uint32 would be a negative int32
        last = self.start + self.rates.shape[-1] - 1
        index = jnp.clip(steps.astype(int), self.start, last) - self.start
        # The leaf may be an array of NumPy; the steps may be divided among devices, and the rates are likewise.
        rates = jnp.asarray(self.rates).at[index]
        return rates.get(mode="promise_in_bounds", out_sharding=jax.typeof(index).sharding)


# As register_dataclass would do, if JAX before 0.10 did not misread its `drop_fields`.
jax.tree_util.register_pytree_with_keys(
    Table,
    lambda table: ([(jax.tree_util.GetAttrKey("rates"), table.rates)], table.start),
    lambda start, leaves: Table(next(iter(leaves)), start),
)


def table(
    schedule: LearningRateSchedule, stop: SupportsIndex | None = None, *, start: SupportsIndex = 0, dtype: Any = None
) -> Table:
    """Return the rates of a schedule as a function that code under JAX's transformations can call.

    Parameters
    ----------
    schedule : CosineDecay or another schedule
        The schedule.
    stop : int, optional
        The step after the table's last, below 2**31. By default the table ends where the schedule does, so that it is
        right at all later steps.
    start : int, default 0
        The table's first step.
    dtype : numpy.float32 or numpy.float64, optional
        By default JAX's own: float32, or float64 if ``jax_enable_x64`` is set, which float64 needs.

    Returns
    -------
    Table
        A function of the step. Its rates are those of ``schedule.precompute(start, stop)``. It takes 4 or 8 bytes for
        each step, on JAX's default device.

    Raises
    ------
    TypeError
        If `schedule` is no schedule, or another argument has an unsuitable type.
    ValueError
        If the table would be empty, or go beyond JAX's counts, if `stop` is missing for a schedule without an end, or
        if JAX has no float64.

    See Also
    --------
    kernel : The rates of any step, computed on the CPU.
    formula : The formula in JAX's operations, which has derivatives.

    Examples
    --------
    >>> from cosine_fast import ExponentialDecay
    >>> table(ExponentialDecay(0.1, 100, 0.5), 1001)(jnp.arange(0, 300, 100)).tolist()
    [0.10000000149011612, 0.05000000074505806, 0.02500000037252903]
    """
    check_schedule(schedule, LearningRateSchedule)
    if stop is None:
        end = getattr(schedule, "_end", None)
        if end is None:
            raise ValueError(f"Argument `stop` is needed: this {type(schedule).__name__} has no end")
        stop = end + 1
    steps = range_of_steps("table", start, stop, 1)
    if not steps or not -_MOST <= steps.start < steps.stop <= _MOST:
        raise ValueError(
            "A table must have at least one step, and steps below 2**31 in size. "
            f"Received: start={_backend.shown(start)}, stop={_backend.shown(stop)}"
        )
    return Table(jnp.asarray(schedule.precompute(steps.start, steps.stop, dtype=_dtype(dtype))), steps.start, schedule)


def _dtype(dtype: Any) -> np.dtype[Any]:
    """Return the dtype of rates that a caller asks for, by default JAX's own."""
    own = jax.dtypes.canonicalize_dtype(np.float64)
    wanted = own if dtype is None else rate_dtype(dtype)
    if wanted == np.float64 != own:
        raise ValueError("Argument `dtype` may be float64 only if jax_enable_x64 is set. Received: dtype=float64")
    return wanted


# ---- The kernel itself, on the CPU ----

_TARGET = "cosine_fast_learning_rates"


@functools.cache
def _register() -> None:
    """Register the kernel with JAX."""
    _backend.addresses(__name__)  # raises without the compiled backend
    found = importlib.util.find_spec("cosine_fast._jax_ffi")
    if found is None or found.origin is None:
        raise ImportError(
            "This cosine_fast was built without jaxlib's headers, which `kernel` needs: use `table` or `formula`, or "
            "build it again with COSINE_FAST_JAX_INCLUDE set to what jax.ffi.include_dir() returns"
        )
    library = ctypes.CDLL(found.origin)
    ctypes.c_void_p.in_dll(library, "cf_jax_evaluate").value = _backend.kernel.EVALUATE
    jax.local_devices()  # makes JAX's backends: with a handler that does not fit they could not be made later
    try:
        jax.ffi.register_ffi_target(_TARGET, jax.ffi.pycapsule(library.cf_jax_handler), platform="cpu")
    except RuntimeError as error:  # JAX's own is a subclass
        raise ImportError(
            "This cosine_fast was built with the headers of another jaxlib: use `table` or `formula`, or build it again"
        ) from error


def _parameters(schedule: Any) -> tuple[Any, Any, list[Formula]]:
    """Return what the kernel folds of a schedule: its numbers, its counts of steps, and its segments' schedules."""
    numbers, counts, *_ = schedule._key
    return numbers, counts, [segment.schedule for segment in schedule._segments] if isinstance(schedule, Joined) else []


def _text(schedule: Any) -> bytes:
    """Return what the kernel folds of a schedule, as src/jax_ffi.c reads it."""
    numbers, counts, children = _parameters(schedule)
    head = struct.pack("32s3q", schedule._name.encode(), len(numbers), len(counts), len(children))
    pairs = [(float(n), float(n - int(float(n))) if isinstance(n, int) else 0.0) for n in counts]
    return head + np.array([*numbers, *sum(pairs, ())]).tobytes() + b"".join(map(_text, children))


@functools.partial(jax.tree_util.register_dataclass, data_fields=["parameters"], meta_fields=["dtype"])
@dataclass(frozen=True, eq=False)
class Kernel:
    """A schedule as a function of the step that JAX can trace, and that the compiled kernel computes on the CPU.

    It is a pytree with one leaf. Passed to a compiled function as an argument, another schedule of the same structure
    does not compile it again; ``jax.vmap`` goes over kernels whose `parameters` have more axes.

    Attributes
    ----------
    parameters : jax.Array
        The schedule's parameters, as `kernel` writes them for the compiled code: uint32, of one dimension.
    dtype : str
        That of the rates, "float32" or "float64".

    See Also
    --------
    kernel : Makes one.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> schedules = [kernel(CosineDecay(peak, 1000)) for peak in (0.25, 0.5)]
    >>> several = jax.tree.map(lambda *leaves: jnp.stack(leaves), *schedules)
    >>> jax.vmap(Kernel.__call__, (0, None))(several, jnp.array([0, 500])).tolist()
    [[0.25, 0.125], [0.5, 0.25]]
    """

    parameters: jax.Array
    dtype: str = "float32"

    def __call__(self, count: Any) -> jax.Array:
        """Return the rates at these steps: integers or floats of any shape, or traced ones.

        They have the bits of ``schedule(count, dtype=dtype)``, also far beyond what a table could hold.
        """
        steps = _steps(count)
        if jnp.issubdtype(steps.dtype, jnp.floating):
            steps = steps if steps.dtype.itemsize >= 4 else steps.astype(jnp.float32)
        elif jnp.iinfo(steps.dtype).bits < 8:
            steps = steps.astype(jnp.int8)
        elif steps.dtype == np.uint64:
            steps = jnp.minimum(steps, np.uint64(2**63 - 1))
        _check_single("parameters", self.parameters)
        if self.parameters.dtype != np.uint32:  # which the C code relies on
            raise TypeError(f"`parameters` must be as `kernel` makes them. Received: {self.parameters.dtype}")
        _register()
        rates = jax.ShapeDtypeStruct(steps.shape, self.dtype)
        call = jax.ffi.ffi_call(_TARGET, rates, vmap_method="expand_dims")
        return call(self.parameters, steps)


def kernel(schedule: Formula, *, dtype: Any = None) -> Kernel:
    """Return a schedule as a function that code under JAX's transformations can call on the CPU, for every step.

    Parameters
    ----------
    schedule : CosineDecay or another schedule
        The schedule.
    dtype : numpy.float32 or numpy.float64, optional
        By default JAX's own: float32, or float64 if ``jax_enable_x64`` is set, which float64 needs.

    Returns
    -------
    Kernel
        A function of the step.

    Raises
    ------
    ImportError
        If this package was built without jaxlib's headers, or has no compiled backend.
    TypeError
        If `schedule` is no schedule of this package, or has a ``__call__`` of its own.
    ValueError
        If JAX has no float64.

    See Also
    --------
    table : Rates from a table, on every device.
    formula : The formula in JAX's operations, which has derivatives.

    Examples
    --------
    >>> from cosine_fast import ExponentialDecay
    >>> rates = kernel(ExponentialDecay(0.5, 2**40, 0.25))
    >>> jax.jit(rates)(jnp.array([0.0, 2.0**39, 2.0**40])).tolist()
    [0.5, 0.25, 0.125]
    """
    check_schedule(schedule, Formula)
    _register()
    schedule._address()  # raises if the kernel does not have all of it
    text = _text(schedule)
    checksum = 0xCBF29CE484222325  # FNV-1a
    for word in np.frombuffer(text, np.uint64).tolist():
        checksum = (checksum ^ word) * 0x100000001B3 % 2**64
    words = np.frombuffer(struct.pack("Q", checksum) + text, np.uint32)
    return Kernel(jnp.asarray(words), _dtype(dtype).name)


# ---- Operations of jax.numpy, on every device ----


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["numbers", "counts", "children"], meta_fields=["name"]
)
@dataclass(frozen=True, eq=False)
class Operations:
    """A schedule as a function of the step that is made of operations of jax.numpy.

    It is a pytree. Passed to a compiled function as an argument, another schedule of the same structure does not
    compile it again.

    Attributes
    ----------
    numbers, counts : jax.Array
        The schedule's rates and factors, and its numbers of steps or cycles, in the dtype of the result.
    children : tuple of Operations
        The segments' schedules, if it is joined.
    name : str
        That of its formula.

    See Also
    --------
    formula : Makes one.

    Examples
    --------
    >>> from cosine_fast import ConstantSchedule
    >>> formula(ConstantSchedule(0.5)).numbers.tolist()
    [0.5]
    """

    numbers: jax.Array
    counts: jax.Array
    children: tuple[Operations, ...] = ()
    name: str = ""

    def __call__(self, count: Any) -> jax.Array:
        """Return the rates at these steps: integers or floats of any shape, or traced ones."""
        _check_single("numbers", self.numbers)
        steps = _steps(count).astype(self.numbers.dtype)
        return _jax_formulas.rates(self.name, self.numbers, self.counts, self.children, steps)


def formula(schedule: Formula, *, dtype: Any = None) -> Operations:
    """Return a schedule as operations of jax.numpy: for every device and every step, and with their rounding errors.

    Parameters
    ----------
    schedule : CosineDecay or another schedule
        The schedule.
    dtype : numpy.float32 or numpy.float64, optional
        By default JAX's own: float32, or float64 if ``jax_enable_x64`` is set, which float64 needs.

    Returns
    -------
    Operations
        A function of the step. In float64 its rates are within 1e-12 of the largest rate among the parameters, in
        float32 within 1e-5. Steps and parameters are rounded to the dtype besides, and the phase of a wave to 2**-53 or
        2**-24 of all waves up to it. In `CosineDecayRestarts` this holds for the first 256 cycles, as long as they are
        not shorter than the spacing of rounded steps; elsewhere a step may count to another cycle.

    Raises
    ------
    TypeError
        If `schedule` is no schedule of this package, or has a ``__call__`` of its own.
    ValueError
        If JAX has no float64.

    See Also
    --------
    table : Rates from a table, with the bits of this package.
    kernel : The rates of any step, computed on the CPU.

    Examples
    --------
    >>> from cosine_fast import CosineDecay
    >>> rates = formula(CosineDecay(0.5, 1000))
    >>> [round(float(rate), 6) for rate in jax.jit(rates)(jnp.array([0, 500, 1000]))]
    [0.5, 0.25, 0.0]
    """
    check_schedule(schedule, Formula)
    schedule._address()  # raises if the kernel does not have all of it
    numbers, counts, children = _parameters(schedule)
    own = _dtype(dtype)
    parts = tuple(formula(child, dtype=own) for child in children)
    if isinstance(schedule, CosineDecayRestarts):
        counts = _jax_formulas.cycles(numbers, counts, own)
    return Operations(jnp.asarray(numbers, own), jnp.asarray(counts, own), parts, schedule._name)
