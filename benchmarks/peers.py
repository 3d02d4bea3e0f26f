"""What cosine_fast is compared with: the same schedules written with other tools, and the memory limit (limits.c).

Each peer takes int64 steps, memory for float64 rates and a number of threads, and returns a function without arguments
that computes the rates and returns them. The peers have every advantage: compiled, warmed up, arrays converted before
the clock starts, constants folded, fast-math where it exists, and warm output memory where they accept it. A peer that
is not available raises AbsentError. None is as accurate as cosine_fast.
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
L0, PEAK, ALPHA = 0.0, 1e-3, 0.1
HALF, FLOOR = PEAK * (1 - ALPHA) / 2, PEAK * ALPHA
CC = os.environ.get("CC", "cc")

Call = Callable[[], Any]


class AbsentError(Exception):
    """Why a peer is not available."""


class Peer(NamedTuple):
    build: Callable[[np.ndarray, np.ndarray, int], Call]
    tolerance: float = 1e-9  # relative difference from our rates that its precision explains
    frugal: bool = False  # makes no temporary arrays, so it can run at any size


def all_threads() -> int:
    return len(os.sched_getaffinity(0))


def parameters(n: int) -> tuple[int, int]:
    """warmup_steps and decay_steps of a run of n steps: a tenth each of warmup and of floor."""
    return max(1, n // 10), max(1, n * 8 // 10)


# ---- C: libraries compiled on the spot ----


class Library:
    """A C file of this folder, compiled and loaded; `vector_cosines` are the functions of libmvec that it calls."""

    def __init__(self, source: str, *flags: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            compiled, library = Path(folder, "library.o"), Path(folder, "library.so")
            self.command = [CC, *flags, "-fopenmp"]
            try:
                self._run(*self.command, "-fPIC", "-c", str(HERE / source), "-o", str(compiled))
                # Linked separately: -Ofast at link time would disable subnormal numbers in the whole process.
                self._run(CC, "-shared", "-fopenmp", str(compiled), "-o", str(library), "-lm")
            except (OSError, subprocess.CalledProcessError) as error:
                raise AbsentError(f"{source}: {getattr(error, 'stderr', None) or error}") from error
            self.vector_cosines = sorted({m.decode() for m in re.findall(rb"_ZGV\w+_cos\b", library.read_bytes())})
            self.functions = ctypes.CDLL(str(library))

    @staticmethod
    def _run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, text=True)

    def call(self, name: str, *arguments: np.ndarray | int | float) -> Call:
        """The function with these arguments: arrays as pointers, ints as int64_t."""
        function = getattr(self.functions, name)
        function.restype = None
        return functools.partial(function, *map(self._as_c, arguments))

    @staticmethod
    def _as_c(argument: Any) -> Any:
        if isinstance(argument, np.ndarray):
            return argument.ctypes.data_as(ctypes.c_void_p)  # it keeps the array alive
        if isinstance(argument, float):
            return ctypes.c_double(argument)
        return ctypes.c_int64(argument)


@functools.cache
def limits() -> Library:
    return Library("limits.c", "-O3")


@functools.cache
def by_hand() -> Library:
    library = Library("by_hand.c", "-Ofast", "-march=native")
    if not library.vector_cosines:
        raise AbsentError(f"{' '.join(library.command)} made no vector cosine of libmvec of by_hand.c")
    return library


def convert(steps: np.ndarray, out: np.ndarray, threads: int, streaming: bool) -> Call:
    """The memory limit of an array of steps."""
    return limits().call("convert", steps, out, steps.size, threads, int(streaming))


def fill(out: np.ndarray, threads: int, streaming: bool) -> Call:
    """The memory limit of a range."""
    return limits().call("fill", out, out.size, threads, int(streaming))


def c_libmvec(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    warmup, decay = map(float, parameters(steps.size))
    call = by_hand().call("by_hand", steps, out, steps.size, threads, L0, PEAK, ALPHA, warmup, decay)

    def evaluate() -> np.ndarray:
        call()
        return out

    return evaluate


# ---- Python ----


def numpy_expression(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    warmup, decay = parameters(steps.size)
    slope, frequency = (PEAK - L0) / warmup, math.pi / decay

    def evaluate() -> np.ndarray:
        wave = HALF * (1 + np.cos(frequency * np.minimum(steps - warmup, decay))) + FLOOR
        return np.where(steps < warmup, L0 + slope * steps, wave)

    return evaluate


@functools.cache
def _numba_loop() -> Callable[..., None]:
    try:
        import numba
    except ImportError as error:
        raise AbsentError(str(error)) from error

    @numba.njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator]
    def evaluate(steps: np.ndarray, out: np.ndarray, warmup: int, decay: int) -> None:
        for i in numba.prange(steps.size):
            s = steps[i]
            if s < warmup:
                out[i] = L0 + (PEAK - L0) * (s / warmup)
            else:
                t = min(s - warmup, decay) / decay
                out[i] = PEAK * ((1 - ALPHA) * 0.5 * (1 + math.cos(math.pi * t)) + ALPHA)

    return evaluate  # type: ignore[no-any-return]


def numba_parallel(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    loop = _numba_loop()
    import numba

    numba.set_num_threads(threads)
    warmup, decay = parameters(steps.size)

    def evaluate() -> np.ndarray:
        loop(steps, out, warmup, decay)
        return out

    return evaluate


def numexpr_where(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    try:
        import numexpr
    except ImportError as error:
        raise AbsentError(str(error)) from error

    numexpr.set_num_threads(threads)
    warmup, decay = parameters(steps.size)
    t = f"(where(s < {warmup + decay}, s, {warmup + decay}) - {warmup})"
    wave = f"{HALF} * (1 + cos({math.pi / decay} * {t})) + {FLOOR}"
    expression = f"where(s < {warmup}, {L0} + {(PEAK - L0) / warmup} * s, {wave})"
    return functools.partial(numexpr.evaluate, expression, local_dict={"s": steps}, global_dict={}, out=out)


def _jax(threads: int) -> Any:
    if threads != all_threads():
        raise AbsentError("XLA's number of threads cannot be changed in a running process")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        import jax
    except ImportError as error:
        raise AbsentError(str(error)) from error
    jax.config.update("jax_enable_x64", True)
    return jax


def _jitted(jax: Any, schedule: Callable[[Any], Any], steps: np.ndarray) -> Call:
    """schedule(steps) under jit, into the memory of the previous call: warm, like `out=`."""
    compiled = jax.jit(lambda s, rates: schedule(s), donate_argnums=1, keep_unused=True)
    count, rates = jax.block_until_ready(jax.numpy.asarray(steps)), jax.numpy.zeros(steps.size)

    def evaluate() -> Any:
        nonlocal rates
        rates = compiled(count, rates).block_until_ready()
        return rates

    return evaluate


def optax_jit(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    jax = _jax(threads)
    try:
        import optax
    except ImportError as error:
        raise AbsentError(str(error)) from error
    warmup, decay = parameters(steps.size)
    return _jitted(jax, optax.warmup_cosine_decay_schedule(L0, PEAK, warmup, warmup + decay, FLOOR), steps)


def _keras() -> Any:
    """Keras on JAX."""
    _jax(all_threads())
    os.environ.setdefault("KERAS_BACKEND", "jax")
    try:
        import keras
    except ImportError as error:
        raise AbsentError(str(error)) from error
    if keras.backend.backend() != "jax":
        raise AbsentError(f"it is on {keras.backend.backend()}, where its code takes one step at a time")
    return keras


def keras_schedule(n: int) -> Callable[[Any], Any]:
    """Keras's own CosineDecay on JAX. It computes cosines in float32 even where JAX has float64 enabled."""
    warmup, decay = parameters(n)
    return _keras().optimizers.schedules.CosineDecay(  # type: ignore[no-any-return]
        L0, decay, ALPHA, warmup_target=PEAK, warmup_steps=warmup
    )


def keras_step(step: int) -> Call:
    """One step under jit, as in a compiled training loop."""
    jax = _jax(all_threads())
    schedule = jax.jit(keras_schedule(1000))
    return lambda: schedule(step).block_until_ready()


def keras_jit(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    jax = _jax(threads)
    return _jitted(jax, jax.vmap(keras_schedule(steps.size)), steps)  # its code branches on the step


def _torch(threads: int) -> Any:
    try:
        import torch
    except ImportError as error:
        raise AbsentError(str(error)) from error
    torch.set_num_threads(threads)
    return torch


def _torch_rates(torch: Any, s: Any, warmup: int, decay: int) -> Any:
    wave = HALF * (1 + torch.cos(math.pi / decay * (s - warmup).clamp(max=decay).double())) + FLOOR
    return torch.where(s < warmup, L0 + (PEAK - L0) / warmup * s.double(), wave)


def torch_eager(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    torch = _torch(threads)
    return functools.partial(_torch_rates, torch, torch.from_numpy(steps), *parameters(steps.size))


@functools.cache
def _torch_fused() -> Callable[..., Any]:
    torch = _torch(all_threads())
    if not shutil.which(os.environ.get("CXX", "g++")):
        raise AbsentError("torch.compile needs a C++ compiler")

    def evaluate(s: Any, out: Any, warmup: int, decay: int) -> Any:
        return out.copy_(_torch_rates(torch, s, warmup, decay))

    return torch.compile(evaluate, dynamic=True)  # type: ignore[no-any-return]


def torch_compiled(steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    torch = _torch(threads)
    if threads != all_threads() or steps.size == 1:
        raise AbsentError("it is compiled once, for all threads and any array but one of a single step")
    return functools.partial(_torch_fused(), torch.from_numpy(steps), torch.from_numpy(out), *parameters(steps.size))


# ---- The other schedules: Keras's formulas in parallel Numba loops ----


class Member(NamedTuple):
    """A row of the table: its name begins with the class; `parameters` are those of a run of n steps."""

    name: str
    parameters: Callable[[int], dict[str, Any]]
    times_as_fast: float = 1.0  # at least, compared with Numba, from memory
    in_caches: float | None = None  # likewise; None: no promise

    @property
    def schedule(self) -> str:
        return self.name.partition(",")[0]

    @property
    def shuffled(self) -> bool:
        """Whether the steps are in random order."""
        return self.name.endswith("shuffled")


def _boundaries(count: int) -> Callable[[int], dict[str, Any]]:
    return lambda n: {
        "boundaries": [n * (i + 1) // (count + 1) for i in range(count)],
        "values": [PEAK * 0.5**i for i in range(count + 1)],
    }


def _decay(parts: float = 10, **more: Any) -> Callable[[int], dict[str, Any]]:
    return lambda n: {"initial_learning_rate": PEAK, "decay_steps": max(1, int(n / parts))} | more


def _restarts(t_mul: float) -> Callable[[int], dict[str, Any]]:
    return lambda n: {
        "initial_learning_rate": PEAK, "first_decay_steps": max(1, n // 10), "t_mul": t_mul, "m_mul": 0.9,
        "alpha": ALPHA,
    }  # fmt: skip


def _stable(decay: str) -> Callable[[int], dict[str, Any]]:
    return lambda n: {
        "peak_learning_rate": PEAK, "warmup_steps": n // 10, "stable_steps": n // 2, "decay_steps": n // 5,
        "decay": decay, "initial_learning_rate": 0.0, "end_learning_rate": PEAK * ALPHA,
    }  # fmt: skip


def _logarithmic(n: int) -> dict[str, Any]:
    return {"peak_learning_rate": PEAK, "warmup_steps": max(2, int(n / 1.25)), "initial_learning_rate": PEAK * ALPHA}


def _one_cycle(n: int) -> dict[str, Any]:
    return {"peak_learning_rate": PEAK, "total_steps": max(10, int(n / 1.25))}


_ROWS = [
    Member("ExponentialDecay", _decay(decay_rate=0.9)),
    Member("ExponentialDecay, staircase", _decay(decay_rate=0.9, staircase=True)),
    Member("ExponentialDecay, staircase, shuffled", _decay(decay_rate=0.9, staircase=True)),
    Member("InverseTimeDecay", _decay(decay_rate=0.5), in_caches=0.8),
    Member("InverseTimeDecay, staircase", _decay(decay_rate=0.5, staircase=True), in_caches=0.8),
    Member("InverseTimeDecay, staircase, shuffled", _decay(decay_rate=0.5, staircase=True), in_caches=0.8),
    Member("PolynomialDecay", _decay(1.25, end_learning_rate=1e-5, power=0.9)),
    Member("PolynomialDecay, linear", _decay(1.25, end_learning_rate=1e-5)),
    Member("PolynomialDecay, cycle", _decay(end_learning_rate=1e-5, power=2.0, cycle=True)),
    Member("PowerCosineDecay", _decay(1.25, exponent=1.5), times_as_fast=2.0),
    Member("PowerCosineDecay, k_decay", _decay(1.25, exponent=1.5, k_decay=2.5), times_as_fast=2.0),
    Member("LogarithmicWarmup", _logarithmic, times_as_fast=2.0),
    Member("PiecewiseConstantDecay, 3 boundaries", _boundaries(3)),
    Member("PiecewiseConstantDecay, 3 boundaries, shuffled", _boundaries(3)),
    Member("PiecewiseConstantDecay, 100 boundaries, shuffled", _boundaries(100)),
    Member("CosineDecayRestarts, t_mul 2", _restarts(2.0), times_as_fast=5.0),
    Member("CosineDecayRestarts, t_mul 1", _restarts(1.0), times_as_fast=5.0),
    Member("WarmupStableDecay, linear", _stable("linear"), times_as_fast=1.0),
    Member("WarmupStableDecay, cosine", _stable("cosine"), times_as_fast=5.0),
    Member("WarmupStableDecay, 1-sqrt", _stable("1-sqrt")),
    Member("WarmupStableDecay, 1-square", _stable("1-square")),
    Member("WarmupStableDecay, exponential", _stable("exponential"), times_as_fast=2.0),
    Member("WarmupStableDecay, cosine, shuffled", _stable("cosine")),
    Member("ConstantSchedule", lambda n: {"learning_rate": PEAK}),
    Member("LinearDecay", _decay(1.25, end_learning_rate=PEAK * ALPHA)),
    Member("InverseSquareRootDecay", lambda n: {"initial_learning_rate": PEAK, "timescale": max(1, n // 10)}),
    Member("OneCycle", _one_cycle, times_as_fast=5.0),
    Member("CosineAnnealing", _decay(10, end_learning_rate=PEAK * ALPHA), times_as_fast=4.0),
]
FAMILY = {member.name: member for member in _ROWS}


@functools.cache
def _family_loops() -> dict[str, Callable[..., None]]:
    try:
        import numba
    except ImportError as error:
        raise AbsentError(str(error)) from error

    # Numba cannot use annotations.
    def exponential(steps, out, initial_learning_rate, decay_steps, decay_rate, staircase=False):  # type: ignore
        for i in numba.prange(steps.size):
            p = steps[i] / decay_steps
            if staircase:
                p = math.floor(p)
            out[i] = initial_learning_rate * decay_rate**p

    def inverse_time(steps, out, initial_learning_rate, decay_steps, decay_rate, staircase=False):  # type: ignore
        for i in numba.prange(steps.size):
            p = steps[i] / decay_steps
            if staircase:
                p = math.floor(p)
            out[i] = initial_learning_rate / (1.0 + decay_rate * p)

    def polynomial(  # type: ignore
        steps, out, initial_learning_rate, decay_steps, end_learning_rate, power=1.0, cycle=False
    ):
        for i in numba.prange(steps.size):
            step, length = float(steps[i]), float(decay_steps)
            if cycle:
                length *= 1.0 if step == 0.0 else math.ceil(step / decay_steps)
            else:
                step = min(step, length)
            left = max(0.0, 1 - step / length)  # fastmath makes it -1e-16 at the end, whose root would be NaN
            out[i] = (initial_learning_rate - end_learning_rate) * left**power + end_learning_rate

    def power_cosine(steps, out, initial_learning_rate, decay_steps, exponent, k_decay=1.0):  # type: ignore
        for i in numba.prange(steps.size):
            x = min(float(steps[i]), float(decay_steps)) / decay_steps
            if k_decay != 1.0:
                x **= k_decay
            out[i] = initial_learning_rate * max(0.0, 0.5 + 0.5 * math.cos(math.pi * x)) ** exponent

    def logarithmic(steps, out, peak_learning_rate, warmup_steps, initial_learning_rate):  # type: ignore
        for i in numba.prange(steps.size):
            gamma = math.log(steps[i] + 1.0) / math.log(warmup_steps) if steps[i] < warmup_steps else 1.0
            out[i] = initial_learning_rate + (peak_learning_rate - initial_learning_rate) * gamma

    def piecewise(steps, out, boundaries, values):  # type: ignore
        for i in numba.prange(steps.size):
            step = steps[i]
            rate = (step <= boundaries[0]) * values[0] + (step > boundaries[-1]) * values[-1]
            for j in range(boundaries.size - 1):
                rate += ((step > boundaries[j]) & (step <= boundaries[j + 1])) * values[j + 1]
            out[i] = rate

    def restarts(steps, out, initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha):  # type: ignore
        for i in numba.prange(steps.size):
            fraction = steps[i] / first_decay_steps
            if t_mul == 1.0:
                restart = math.floor(fraction)
                fraction -= restart
            else:
                restart = math.floor(math.log(1.0 - fraction * (1.0 - t_mul)) / math.log(t_mul))
                fraction = (fraction - (1.0 - t_mul**restart) / (1.0 - t_mul)) / t_mul**restart
            wave = 0.5 * m_mul**restart * (1.0 + math.cos(math.pi * fraction))
            out[i] = initial_learning_rate * ((1.0 - alpha) * wave + alpha)

    def stable(  # type: ignore
        steps, out, peak_learning_rate, warmup_steps, stable_steps, decay_steps, decay, initial_learning_rate,
        end_learning_rate,
    ):  # fmt: skip
        linear, cosine, root, power = decay == "linear", decay == "cosine", decay == "1-sqrt", decay == "exponential"
        fall = math.log(end_learning_rate / peak_learning_rate)
        for i in numba.prange(steps.size):
            t = steps[i] - warmup_steps - stable_steps
            if steps[i] < warmup_steps:
                rise = peak_learning_rate - initial_learning_rate
                out[i] = initial_learning_rate + rise * steps[i] / warmup_steps
            elif t < 0:
                out[i] = peak_learning_rate
            elif t >= decay_steps:
                out[i] = end_learning_rate
            elif power:
                out[i] = peak_learning_rate * math.exp(fall * t / decay_steps)
            else:
                x = t / decay_steps
                if linear:
                    left = 1.0 - x
                elif cosine:
                    left = 0.5 * (1.0 + math.cos(math.pi * x))
                else:
                    left = 1.0 - (math.sqrt(x) if root else x * x)
                out[i] = end_learning_rate + (peak_learning_rate - end_learning_rate) * left

    def constant(steps, out, learning_rate):  # type: ignore
        for i in numba.prange(steps.size):
            out[i] = learning_rate

    def line(steps, out, initial_learning_rate, decay_steps, end_learning_rate):  # type: ignore
        for i in numba.prange(steps.size):
            x = min(float(steps[i]), float(decay_steps)) / decay_steps
            out[i] = initial_learning_rate + (end_learning_rate - initial_learning_rate) * x

    def inverse_root(steps, out, initial_learning_rate, timescale):  # type: ignore
        for i in numba.prange(steps.size):
            out[i] = initial_learning_rate * math.sqrt(timescale / max(float(steps[i]), float(timescale)))

    def one_cycle(steps, out, peak_learning_rate, total_steps):  # type: ignore
        rise, initial, end = int(0.3 * total_steps), peak_learning_rate / 25.0, peak_learning_rate / 25e4
        for i in numba.prange(steps.size):
            x = steps[i] / rise if steps[i] < rise else min((steps[i] - rise) / (total_steps - rise), 1.0)
            wave = 0.5 * (1.0 + math.cos(math.pi * x))
            out[i] = peak_learning_rate + (initial - peak_learning_rate) * wave
            if steps[i] >= rise:
                out[i] = end + (peak_learning_rate - end) * wave

    def annealing(steps, out, initial_learning_rate, decay_steps, end_learning_rate):  # type: ignore
        for i in numba.prange(steps.size):
            wave = 0.5 * (1.0 + math.cos(math.pi * steps[i] / decay_steps))
            out[i] = end_learning_rate + (initial_learning_rate - end_learning_rate) * wave

    loops = {
        "ExponentialDecay": exponential, "InverseTimeDecay": inverse_time, "PolynomialDecay": polynomial,
        "PiecewiseConstantDecay": piecewise, "CosineDecayRestarts": restarts, "WarmupStableDecay": stable,
        "CosineAnnealing": annealing, "PowerCosineDecay": power_cosine, "LogarithmicWarmup": logarithmic,
        "ConstantSchedule": constant, "LinearDecay": line, "InverseSquareRootDecay": inverse_root,
        "OneCycle": one_cycle,
    }  # fmt: skip
    return {name: numba.njit(parallel=True, fastmath=True)(loop) for name, loop in loops.items()}


def family_parallel(member: Member, steps: np.ndarray, out: np.ndarray, threads: int) -> Call:
    """Numba's loop of Keras's formula."""
    loop = _family_loops()[member.schedule]
    import numba

    numba.set_num_threads(threads)
    given = [np.array(x) if isinstance(x, list) else x for x in member.parameters(steps.size).values()]

    def evaluate() -> np.ndarray:
        loop(steps, out, *given)
        return out

    return evaluate


def family_step(member: Member, n: int, step: int) -> Call:
    """One step of Keras's own schedule on JAX, as in a training loop that is not compiled."""
    keras = _keras()
    if not hasattr(keras.optimizers.schedules, member.schedule):
        raise AbsentError("Keras has no such schedule")
    schedule = getattr(keras.optimizers.schedules, member.schedule)(**member.parameters(n))
    return lambda: schedule(step).block_until_ready()


PEERS: dict[str, Peer] = {
    "C, -Ofast, libmvec": Peer(c_libmvec, frugal=True),
    "Numba, parallel, fastmath": Peer(numba_parallel, frugal=True),
    "numexpr": Peer(numexpr_where, frugal=True),
    "optax, jax.jit": Peer(optax_jit),
    "Keras, jax.jit(vmap), partly float32": Peer(keras_jit, tolerance=1e-5),
    "PyTorch, torch.compile": Peer(torch_compiled),
    "PyTorch": Peer(torch_eager),
    "NumPy": Peer(numpy_expression),
}
