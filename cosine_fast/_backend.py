"""The one place that chooses the backend, compiled or pure Python, and the instruction set.

COSINE_FAST_BACKEND=compiled|python and COSINE_FAST_ISA=<one of build_info()["isas"]> force a choice; if it is not
available, the import fails. If they are unset, the best available one is used.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import numbers
import operator
import os
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

if TYPE_CHECKING:
    from . import _kernel

    kernel = _kernel
    backend = "compiled"


def _choose() -> tuple[str, Any]:
    wanted = os.environ.get("COSINE_FAST_BACKEND", "")
    if wanted not in ("", "compiled", "python"):
        raise ImportError(f"COSINE_FAST_BACKEND must be 'compiled' or 'python'. Received: {wanted!r}")
    if wanted != "python":
        name = f"{__package__}._kernel"
        try:
            return "compiled", importlib.import_module(name)  # names the missing module, unlike `from . import`
        except ImportError as error:
            # Only a package without a kernel falls back: a kernel that does not load is a broken installation.
            absent = isinstance(error, ModuleNotFoundError) and error.name == name
            if wanted or not absent:
                raise ImportError(
                    "cosine_fast's compiled kernel does not load. COSINE_FAST_BACKEND=python does without it, slower. "
                    f"({error})"
                ) from error
    from . import _reference

    return "python", _reference


def _words(name: str) -> list[str]:
    """Return the words in a file."""
    with open(name) as file:
        return file.read().split()


def _cgroup_quota() -> int:
    """Return the number of whole processors of this process's cgroup quota, at least 1; 0 if there is no quota."""
    quotas = []
    with contextlib.suppress(OSError), open("/proc/self/cgroup") as file:
        for line in file:
            _, controllers, path = [*line.rstrip("\n").split(":", 2), "", ""][:3]
            if controllers and "cpu" not in controllers.split(","):
                continue
            # The quotas of all ancestors apply. A container may see its own group as the root.
            for folder in [path[:i] for i, c in enumerate(path + "/") if c == "/"]:
                with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
                    if controllers:  # version 1
                        names = [f"/sys/fs/cgroup/cpu{folder}/cpu.cfs_{part}_us" for part in ("quota", "period")]
                    else:
                        names = [f"/sys/fs/cgroup{folder}/cpu.max"]
                    limit, period = itertools.chain(*map(_words, names))
                    if limit not in ("max", "-1"):
                        quotas.append(int(limit) / int(period))
    return max(1, int(min(quotas))) if quotas else 0


def shown(value: object) -> str:
    """Return a value as text for an error message, even if it cannot be printed, such as an int of 5000 digits."""
    try:
        return str(value) if isinstance(value, numbers.Number) else repr(value)
    except Exception:  # its own code may raise anything
        return f"an int of {value.bit_length()} bits" if type(value) is int else "what cannot be printed"


def check_threads(num_threads: SupportsIndex | None) -> int:
    """Return a number of threads as the kernel takes it; 0: use the default."""
    if num_threads is None:
        return 0
    wanted = "Argument `num_threads` must be an integer >= 1 or None. Received: num_threads="
    try:
        n = None if isinstance(num_threads, (bool, np.bool_)) else operator.index(num_threads)
    except TypeError:
        n = None
    if n is None:
        raise TypeError(f"{wanted}{shown(num_threads)}")
    if n < 1:
        raise ValueError(f"{wanted}{shown(num_threads)}")
    return min(n, 2**20)


def get_num_threads() -> int:
    """Return the number of threads that evaluate a large array.

    It is the number given to `set_num_threads`, or else OpenMP's own (OMP_NUM_THREADS, threadpoolctl), but at most the
    number of processors that this process may run on (affinity or OMP_PLACES, cgroup quota). It is 1 without OpenMP, in
    a forked child process, and inside another OpenMP region.

    Returns
    -------
    int
        The number of threads.

    See Also
    --------
    set_num_threads : Sets the largest number of threads.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    return kernel.get_num_threads()


def set_num_threads(num_threads: SupportsIndex | None) -> None:
    """Set the largest number of threads for all later calls in this process.

    Parameters
    ----------
    num_threads : int or None
        At least 1, or None to use OpenMP's own number, as at the start.

    Raises
    ------
    TypeError
        If `num_threads` is neither an integer nor None.
    ValueError
        If `num_threads` is less than 1.

    See Also
    --------
    get_num_threads : Returns the number of threads in use.

    Examples
    --------
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(None)
    """
    kernel.set_num_threads(check_threads(num_threads))


def get_include() -> str:
    """Return the folder of cosine_fast.h, for C, C++ and Cython: ``cc -I...``.

    ``python -m cosine_fast --cflags`` prints it as a compiler option, with the flags that the header needs for its
    speed and for the same bits. The page on embedding says how to use the header.

    Returns
    -------
    str
        The absolute path.

    See Also
    --------
    cosine_fast.integrations.ctypes : The functions of the installed package.

    Examples
    --------
    >>> import os
    >>> os.path.isfile(os.path.join(get_include(), "cosine_fast.h"))
    True
    """
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "include")


def addresses(module: str) -> dict[str, int]:
    """Return the addresses of the functions of cf_api (cosine_fast_embed.h), for a module that needs them."""
    if backend != "compiled":
        raise ImportError(
            f"{module} needs cosine_fast's compiled backend: the pure-Python one has no functions that C could call"
        )
    return kernel.ADDRESSES


def build_info() -> dict[str, Any]:
    """Return facts about this installation, for bug reports.

    Returns
    -------
    dict
        ``version``; ``backend``, "compiled" or "python"; ``isa``, the instruction set in use; ``isas``, those that
        COSINE_FAST_ISA can force here, the best first; ``openmp``, whether it was built with OpenMP; ``num_threads``,
        as `get_num_threads` returns it.

    See Also
    --------
    get_num_threads : Returns the number of threads alone.

    Examples
    --------
    >>> sorted(build_info())
    ['backend', 'isa', 'isas', 'num_threads', 'openmp', 'version']
    """
    from . import __version__

    return {
        "version": __version__, "backend": backend, "isa": isa, "isas": list(kernel.ISAS), "openmp": kernel.OPENMP,
        "num_threads": get_num_threads(),
    }  # fmt: skip


if not TYPE_CHECKING:
    backend, kernel = _choose()

isa = os.environ.get("COSINE_FAST_ISA") or kernel.ISAS[0]
if isa not in kernel.ISAS:
    raise ImportError(
        f"COSINE_FAST_ISA must be one of {', '.join(kernel.ISAS)}, which the {backend} backend has on this machine. "
        f"Received: {isa!r}"
    )
kernel.use_isa(isa)
kernel.set_quota(_cgroup_quota())
