"""A fuzz target for atheris: any bytes as a file for --config. It takes libFuzzer's options and a folder of inputs.

The file gives a schedule with finite rates, or a CommandError of one short line.
"""

import json
import os
import random
import sys
import warnings

import atheris

with atheris.instrument_imports(include=["cosine_fast.cli", "cosine_fast.schedules"]):
    from cosine_fast import cli

import numpy as np

KEYS = sorted(cli.NUMBERS | {"name", "class_name", "config", "module", "registered_name"})
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
        config[draw.choice(sorted(cli.NUMBERS))] = draw.choice([number, 1 / number, draw.choice(VALUES)])
        return json.dumps(tree).encode()[:size]
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):  # it is none
        return atheris.Mutate(content, size)


def one_config(content):
    os.ftruncate(CONFIG, 0)
    os.pwrite(CONFIG, content, 0)
    try:
        schedule = cli._read_config(PATH)
        end = cli._end(schedule)
        steps = cli._steps(schedule, 0, None, max(1, end // 8))
    except cli.CommandError as problem:
        line = cli._one_line(str(problem))
        if not (problem.status == 2 and 0 < len(line) < 1000):
            raise
        return
    rates = schedule(steps)
    assert np.isfinite(rates).all(), (schedule, rates)
    assert [schedule(step) for step in steps] == rates.tolist(), (schedule, rates)
    assert type(schedule).from_config(schedule.get_config()) == schedule


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.simplefilter("ignore", UserWarning)  # warmup_steps without warmup_target
    quoted = ("".join(f"\\x{byte:02x}" for byte in token.encode()) for token in TOKENS)
    _, dictionary = in_memory("".join(f'"{token}"\n' for token in quoted).encode())
    atheris.Setup([*sys.argv, f"-dict={dictionary}"], one_config, custom_mutator=mutated)
    atheris.Fuzz()
