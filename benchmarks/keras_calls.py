"""The cost of one step in Keras: its own schedules compared with cosine_fast.integrations.keras, in one process.

    KERAS_BACKEND=jax python benchmarks/keras_calls.py

Microseconds per call with a Keras variable, as an optimizer calls in eager mode; medians of alternating turns.
"""

from __future__ import annotations

import functools
import statistics
import timeit

import keras
import peers

from cosine_fast.integrations import keras as fast
from cosine_fast.schedules import SCHEDULES

PARAMETERS = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 1000, "warmup_target": 0.2, "warmup_steps": 100}
} | {member.schedule: member.parameters(1000) for member in reversed(peers.FAMILY.values())}
CALLS, TURNS = 100, 9


def main() -> None:
    step = keras.Variable(500, dtype="int32", trainable=False)
    print(f"| {keras.config.backend()}, us per call | Keras | cosine_fast |\n| --- | --- | --- |")
    for name in (name for name, cls in SCHEDULES.items() if cls._keras):
        parameters = PARAMETERS[name]
        schedules = [getattr(module, name)(**parameters) for module in (keras.optimizers.schedules, fast)]
        calls = [functools.partial(schedule, step) for schedule in schedules]
        times: list[list[float]] = [[], []]
        for turn in range(TURNS + 1):
            for call, seconds in zip(calls, times, strict=True):
                took = timeit.timeit(call, number=CALLS) / CALLS
                if turn:  # the first turn compiles
                    seconds.append(took)
        theirs, ours = (f"{statistics.median(seconds) * 1e6:.1f}" for seconds in times)
        print(f"| `{name}` | {theirs} | {ours} |", flush=True)


if __name__ == "__main__":
    main()
