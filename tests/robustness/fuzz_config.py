"""A fuzz target for atheris: any bytes as a file for --config. It takes libFuzzer's options and a folder of inputs.

The file gives a schedule whose array has the rates of its single steps (finite ones, if it is a CosineDecay), or an
error of one short line.
"""

import json
import os
import random
import sys
import warnings
from pathlib import Path

import atheris
import click

with atheris.instrument_imports(include=["cosine_fast.cli", "cosine_fast.schedules", "cosine_fast.serialization"]):
    from cosine_fast.cli import options, signals

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from family import ORDINARY

from cosine_fast import CosineDecay

PARAMETERS = sorted({key for _, config in ORDINARY for key in config} - {"name"})
KEYS = [*PARAMETERS, *{name for name, _ in ORDINARY}, "name", "class_name", "config", "module", "registered_name"]
TOKENS = [*'{}[],:-.e"', "\\ud800", "\\u0000", "\N{BOM}", "null", "true", "NaN", "1e999", "9" * 60, "[" * 60, *KEYS]
PLAIN = '{"initial_learning_rate": 0.1, "decay_steps": 100, "warmup_target": 1}'
VALUES = [0, -0.0, 1, 5e-324, 2.0**-64, 2.0**1000, 1e308, 2**63 - 1, 2**63, 1e999, None, True, "\ud800", [], {}]


def in_memory(content=b""):
    """A file that leaves nothing behind, for libFuzzer does not return: its descriptor and its path."""
    descriptor = os.memfd_create("fuzz")
    os.write(descriptor, content)
    return descriptor, f"/proc/self/fd/{descriptor}"


CONFIG, PATH = in_memory()


def mutated(content, size, seed):
    """A configuration with another parameter, or once in a while libFuzzer's own; it makes several in a row."""
    draw = random.Random(seed)
    try:
        tree = json.loads(content if draw.random() < 0.7 else PLAIN) if draw.random() < 0.8 else None
        number = draw.choice([-1, 1, 1.0]) * 10 ** draw.randrange(draw.choice([3, 20, 320])) * draw.choice([1, 3, 0.1])
        config = tree.get("config", tree)
        config[draw.choice([*config] if draw.random() < 0.9 else PARAMETERS)] = draw.choice(
            [number, 1 / number, draw.choice(VALUES)]
        )
        return json.dumps(tree).encode()[:size]
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError):  # no configuration
        return atheris.Mutate(content, size)


def one_config(content):
    os.ftruncate(CONFIG, 0)
    os.pwrite(CONFIG, content, 0)
    try:
        schedule = options.read_config(PATH)
        end = 2**40 if schedule._end is None else schedule._end
        steps = options.steps_of(schedule, 0, end + 1, max(1, end // 8))
    except (signals.CommandError, click.UsageError) as problem:
        line = signals.one_line(str(problem))
        if not (getattr(problem, "status", 2) == 2 and 0 < len(line) < 1000):
            raise
        return
    rates = schedule(steps)
    if isinstance(schedule, CosineDecay):
        assert np.isfinite(rates).all(), (schedule, rates)
    assert np.array_equal([schedule(step) for step in steps], rates, equal_nan=True), (schedule, rates)
    assert type(schedule).from_config(schedule.get_config()) == schedule


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", UserWarning)  # warmup_steps without warmup_target
    quoted = ("".join(f"\\x{byte:02x}" for byte in token.encode()) for token in TOKENS)
    _, dictionary = in_memory("".join(f'"{token}"\n' for token in quoted).encode())
    atheris.Setup([*sys.argv, f"-dict={dictionary}"], one_config, custom_mutator=mutated)
    atheris.Fuzz()
