"""Fast, bit-reproducible learning-rate schedules: Keras's, other usual ones, and joins of any.

>>> from cosine_fast import CosineDecay
>>> schedule = CosineDecay(0.0, decay_steps=900, warmup_target=1e-3, warmup_steps=100)
>>> schedule(50)
0.0005
>>> schedule.precompute(0, 1001, 250)
array([0.        , 0.00093301, 0.00058682, 0.00017861, 0.        ])
"""

from . import schedules, simulate  # noqa: F401
from ._backend import build_info, get_include, get_num_threads, set_num_threads
from .batches import cosine_decay, warmup_stable_decay
from .schedules import *  # noqa: F403
from .schedules._base import LearningRateSchedule
from .schedules.joined_schedule import join_schedules, with_warmup
from .serialization import deserialize, serialize

__version__ = "0.1.0"

__all__ = [
    "LearningRateSchedule", "__version__", "build_info", "cosine_decay", "deserialize", "get_include",
    "get_num_threads", "join_schedules", "serialize", "set_num_threads",
    "warmup_stable_decay", "with_warmup",
]  # fmt: skip
__all__ += schedules.__all__
