"""The pure-Python kernel: the same operations as the C headers, in the same order, on NumPy arrays; so the same bits.

It is for people to read and serves where nothing can be compiled. Each schedule has a file of its own, which says
its formula; cosine_decay.py is the one to begin with. The other files are the arithmetic below the formulas (pairs,
triples, floors, exp2, wide), the driver above them, and sums: those of CosineDecay, and those of cosine_fast.simulate.
"""

from .cosine_decay import CosineDecay  # noqa: I001
from .cosine_decay_restarts import CosineDecayRestarts
from .cosine_sums import CosineSums
from .driver import (
    FORMULAS, ISAS, OPENMP, Function, Schedule, cosine_decays, get_num_threads, set_num_threads, set_quota,
    stable_decays, use_isa, within,
)  # fmt: skip
from .exponential_decay import ExponentialDecay
from .inverse_square_root_decay import InverseSquareRootDecay
from .inverse_time_decay import InverseTimeDecay
from .joined_schedule import JoinedSchedule
from .logarithmic_warmup import LogarithmicWarmup
from .piecewise_constant_decay import PiecewiseConstantDecay
from .polynomial_decay import PolynomialDecay
from .power_cosine_decay import PowerCosineDecay
from .simulate import momentum_sums, power_sums

__all__ = [
    "ISAS", "OPENMP", "Function", "Schedule", "cosine_decays", "get_num_threads", "momentum_sums", "power_sums",
    "set_num_threads", "set_quota", "stable_decays", "use_isa", "within",
]  # fmt: skip

FORMULAS.update(
    cosine_decay=CosineDecay, cosine_decay_restarts=CosineDecayRestarts, cosine_sums=CosineSums,
    exponential_decay=ExponentialDecay, inverse_square_root_decay=InverseSquareRootDecay,
    inverse_time_decay=InverseTimeDecay, joined_schedule=JoinedSchedule,
    logarithmic_warmup=LogarithmicWarmup, piecewise_constant_decay=PiecewiseConstantDecay,
    polynomial_decay=PolynomialDecay, power_cosine_decay=PowerCosineDecay,
)  # fmt: skip
