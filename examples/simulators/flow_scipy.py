"""The same descent in the limit of small steps and without noise: gradient flow, x' = -schedule(t) * x.

    python flow_scipy.py [RUNS [STEPS]]

A run that starts at x = 1 ends at exp(-integral of its schedule). SciPy's quad computes the integral and calls
the schedule as a C function. With Python's `schedule` instead, the bits are the same and the calls slower.
"""

from __future__ import annotations

import math

from scipy.integrate import quad
from sgd_python import main, schedules

from cosine_fast.integrations.scipy import low_level_callable


def simulate(runs: int, steps: int, wrap=low_level_callable) -> list[float]:
    ends = []
    for schedule in schedules(runs, steps):
        joint = [schedule.warmup_steps]  # where the warmup meets the decay
        ends.append(math.exp(-quad(wrap(schedule), 0, steps, points=joint)[0]))
    return ends


if __name__ == "__main__":
    main(simulate)
