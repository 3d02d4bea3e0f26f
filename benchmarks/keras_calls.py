"""What a known step costs in Keras: its own schedules beside cosine_fast.integrations.keras, in one process.

    KERAS_BACKEND=jax python benchmarks/keras_calls.py

Microseconds a call with a Keras variable, as an optimizer calls in eager mode; medians of turns taken in alternation.
"""

from __future__ import annotations

import functools
import statistics
import timeit

import keras

from cosine_fast.integrations import keras as fast

PARAMETERS = {
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 1000, "warmup_target": 0.2, "warmup_steps": 100},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 100},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.9},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.5},
    "PiecewiseConstantDecay": {"boundaries": [100, 200], "values": [0.1, 0.05, 0.01]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 1000},
}
CALLS, TURNS = 100, 9


def main() -> None:
    step = keras.Variable(500, dtype="int32", trainable=False)
    print(f"| {keras.config.backend()}, us a call | Keras | cosine_fast |\n| --- | --- | --- |")
    for name, parameters in PARAMETERS.items():
        schedules = [getattr(module, name)(**parameters) for module in (keras.optimizers.schedules, fast)]
        calls = [functools.partial(schedule, step) for schedule in schedules]
        times: list[list[float]] = [[], []]
        for turn in range(TURNS + 1):
            for call, seconds in zip(calls, times, strict=True):
                took = timeit.timeit(call, number=CALLS) / CALLS
                if turn:  # the first one compiles
                    seconds.append(took)
        theirs, ours = (f"{statistics.median(seconds) * 1e6:.1f}" for seconds in times)
        print(f"| `{name}` | {theirs} | {ours} |", flush=True)


if __name__ == "__main__":
    main()
