"""For LeakSanitizer: every kind of call with every kind of argument, in a process of few other allocations.

python tests/robustness/leaks.py
"""

import contextlib
import gc
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from arguments import KINDS, PARAMETERS, Guarded, outcome

import cosine_fast


def calls(schedule, make):
    """Every place that an argument can have."""
    yield lambda: schedule(make())
    yield lambda: schedule(make(), out=Guarded(np.shape(make())).rates)
    yield lambda: schedule([1, 2, 3], out=make())
    yield lambda: schedule([1, 2, 3], dtype=make())
    yield lambda: schedule([1, 2, 3], num_threads=make())
    yield lambda: schedule.precompute(0, make(), 10**17)
    yield lambda: schedule.precompute(3, out=make())
    for name in PARAMETERS:
        yield lambda name=name: cosine_fast.CosineDecay(**{**PARAMETERS, name: make()})


def main():
    schedule = cosine_fast.CosineDecay(1e-6, 1000, 0.1, warmup_target=1e-3, warmup_steps=100)
    steps = np.arange(100_000)
    for make in KINDS.values():
        for call in calls(schedule, make):
            with contextlib.suppress(UserWarning):  # of a warmup without a target
                outcome(call)
    for _ in range(100):
        schedule(steps)
        schedule.precompute(100_000)
        schedule(steps[::2], dtype=np.float32)
        repr(cosine_fast.CosineDecay.from_config(schedule.get_config()))
    gc.collect()


main()
