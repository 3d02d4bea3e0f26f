from typing import Any, Final, SupportsIndex, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

_Out = TypeVar("_Out", bound=NDArray[np.float64] | NDArray[np.float32])

OPENMP: Final[bool]
ISAS: Final[tuple[str, ...]]
ADDRESSES: Final[dict[str, int]]
C_API: Final[Any]
EVALUATE: Final[int]

def use_isa(name: str) -> None: ...
def set_quota(threads: int) -> None: ...
def set_num_threads(wanted: int) -> None: ...
def get_num_threads() -> int: ...
def cosine_decays(
    rates: NDArray[Any],
    steps: NDArray[Any],
    parameters: list[NDArray[Any]],
    num_threads: int,
    absolute: bool,
    plain: bool = False,
) -> bool: ...
def stable_decays(
    rates: NDArray[Any],
    steps: NDArray[Any],
    parameters: list[NDArray[Any]],
    num_threads: int,
    shape: int,
    make: Any,
) -> None: ...
def within(numbers: NDArray[Any], least: float, most: float, allowed: float, nan: bool, num_threads: int) -> bool: ...
def power_sums(
    totals: NDArray[np.float64],
    at: NDArray[np.float64],
    first: NDArray[np.int64],
    end: NDArray[np.int64],
    starts: NDArray[np.float64],
    factors: NDArray[np.float64],
    changes: NDArray[np.float64],
    beta: float,
    num_threads: int,
) -> None: ...
def momentum_sums(
    sums: NDArray[np.float64], rates: NDArray[np.float64], decays: NDArray[np.float64], last: bool, num_threads: int
) -> bool: ...

@disjoint_base
class Function:
    @property
    def _ready(self) -> bool: ...
    def _fold(
        self,
        name: str,
        numbers: tuple[float, ...],
        counts: tuple[float, ...],
        single: bool,
        children: tuple[Function, ...] = (),
    ) -> None: ...
    def _at(self, step: float) -> float: ...
    def _evaluate(self, steps: NDArray[Any], rates: NDArray[Any], num_threads: int) -> None: ...
    def _fill(self, start: int, step: int, rates: NDArray[Any], num_threads: int) -> None: ...

@disjoint_base
class Schedule(Function):
    @overload
    def __call__(
        self, step: float, *, out: None = None, dtype: Any = None, num_threads: SupportsIndex | None = None
    ) -> float: ...
    @overload
    def __call__(
        self, step: ArrayLike, *, out: _Out, dtype: Any = None, num_threads: SupportsIndex | None = None
    ) -> _Out: ...
    @overload
    def __call__(
        self, step: ArrayLike, *, out: None = None, dtype: Any = None, num_threads: SupportsIndex | None = None
    ) -> Any: ...
    def _address(self) -> int: ...
    def _integrand(self) -> tuple[Any, Any]: ...
