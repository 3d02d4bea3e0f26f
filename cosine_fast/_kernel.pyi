from typing import Any, Final, SupportsIndex, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import disjoint_base

_Out = TypeVar("_Out", bound=NDArray[np.float64] | NDArray[np.float32])

OPENMP: Final[bool]
ISAS: Final[tuple[str, ...]]
ADDRESSES: Final[dict[str, int]]
C_API: Final[Any]

def use_isa(name: str) -> None: ...
def set_quota(threads: int) -> None: ...
def set_num_threads(wanted: int) -> None: ...
def get_num_threads() -> int: ...
def cosine_decays(
    rates: NDArray[Any],
    steps: NDArray[Any],
    parameters: list[NDArray[Any]],
    num_threads: int,
    limits: list[tuple[float, float, float, bool]] | None = None,
) -> bool: ...
def within(numbers: NDArray[Any], least: float, most: float, also: float, nan: bool, num_threads: int) -> bool: ...

@disjoint_base
class Schedule:
    @property
    def _ready(self) -> bool: ...
    def _fold_cosine_decay(
        self,
        peak: float,
        decay_steps: float,
        alpha: float,
        has_warmup: bool,
        start: float,
        warmup_steps: float,
        single: bool,
    ) -> None: ...
    def _fold_cosine_sums(
        self,
        peak: float,
        decay_steps: float,
        alpha: float,
        has_warmup: bool,
        start: float,
        warmup_steps: float,
        single: bool,
    ) -> None: ...
    def _fold_inverse_time_decay(
        self, initial: float, decay_steps: float, rate: float, staircase: bool, single: bool
    ) -> None: ...
    def _fold_piecewise_constant(
        self, boundaries: tuple[float, ...], values: tuple[float, ...], single: bool
    ) -> None: ...
    def _fold_exponential_decay(
        self, start: float, decay_steps: float, decay_rate: float, staircase: bool, single: bool
    ) -> None: ...
    def _fold_polynomial_decay(
        self, start: float, decay_steps: float, end: float, power: float, cycle: bool, single: bool
    ) -> None: ...
    def _fold_cosine_decay_restarts(
        self, initial: float, decay_steps: float, t_mul: float, m_mul: float, alpha: float, single: bool
    ) -> None: ...
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
    def _at(self, step: float) -> float: ...
    def _address(self) -> int: ...
    def _integrand(self) -> tuple[Any, Any]: ...
    def _evaluate(self, steps: NDArray[Any], rates: NDArray[Any], num_threads: int) -> None: ...
    def _fill(self, start: int, step: int, rates: NDArray[Any], num_threads: int) -> None: ...
