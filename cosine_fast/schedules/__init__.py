"""The schedules, one file for each. This is the only list of them in Python: everything else reads SCHEDULES."""

from __future__ import annotations

from ._base import Formula
from .constant_schedule import ConstantSchedule
from .cosine_annealing import CosineAnnealing
from .cosine_decay import CosineDecay
from .cosine_decay_restarts import CosineDecayRestarts
from .exponential_decay import ExponentialDecay
from .inverse_square_root_decay import InverseSquareRootDecay
from .inverse_time_decay import InverseTimeDecay
from .joined_schedule import JoinedSchedule
from .linear_decay import LinearDecay
from .logarithmic_warmup import LogarithmicWarmup
from .one_cycle import OneCycle
from .piecewise_constant_decay import PiecewiseConstantDecay
from .polynomial_decay import PolynomialDecay
from .power_cosine_decay import PowerCosineDecay
from .warmup_stable_decay import WarmupStableDecay

__all__ = [
    "ConstantSchedule", "CosineAnnealing", "CosineDecay", "CosineDecayRestarts", "ExponentialDecay",
    "InverseSquareRootDecay", "InverseTimeDecay", "JoinedSchedule", "LinearDecay", "LogarithmicWarmup", "OneCycle",
    "PiecewiseConstantDecay", "PolynomialDecay", "PowerCosineDecay", "WarmupStableDecay",
]  # fmt: skip

SCHEDULES: dict[str, type[Formula]] = {name: globals()[name] for name in __all__}
