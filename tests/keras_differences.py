"""Every schedule beside Keras's own, in float64: run in a process of its own by test_keras.py.

Keras's backend "numpy" calculates in float64 here, which it is kept from otherwise (it takes 64 bits for 32): what
differs then is the formula, not float32. A difference is one that Keras's rounding, bounded step by step (tracked.py),
and 2 ULP for us do not explain. Each must come under a row of the table in docs/keras.md, by a rule of its name below.
"""

import collections
import functools
import json
import math
import sys
import warnings

import numpy as np
from tracked import Ops, Tracked

COUNT = 100_000  # of (parameters, step), over all classes
STEPS = 40  # for each parameters


def main():
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    import keras
    from keras.src.backend.common import dtypes

    import cosine_fast

    dtypes.BIT64_TO_BIT32_DTYPE.clear()
    keras.config.set_floatx("float64")
    module = sys.modules[keras.optimizers.schedules.CosineDecay.__module__]
    keras_ops = module.ops

    print(json.dumps({name: compare(name, module, keras_ops, getattr(cosine_fast, name)) for name in PARAMETERS}))


def compare(name, module, keras_ops, ours):
    """How many were compared; how many came under each rule; the first that came under none."""
    draw = np.random.default_rng(len(name))
    compared, found, unknown = 0, collections.Counter(), []
    theirs = getattr(module, name)
    while compared < COUNT // len(PARAMETERS):
        config = PARAMETERS[name](draw)
        steps = hard_steps(draw, config)
        compared += len(steps)
        try:
            rates = ours(**config)(steps)
        except ValueError as error:
            found[refused(name, config, str(error))] += len(steps)
            continue
        module.ops = keras_ops
        schedule = theirs(**config)
        try:
            wants = np.asarray(schedule(steps))
        except ValueError:  # this one takes no arrays
            wants = np.array([schedule(step) for step in steps])
        assert wants.dtype == np.float64
        module.ops = Ops
        if name == "PiecewiseConstantDecay":
            bound, turned = np.zeros(len(steps)), np.zeros(len(steps), bool)
        else:
            made = theirs(**{key: tracked(value) for key, value in config.items()})(Tracked(steps))
            bound, turned = np.broadcast_to(made.error, steps.shape), np.broadcast_to(made.turned, steps.shape)
            same = np.isclose(made.value, wants, rtol=1e-12, atol=0) | (abs(made.value - wants) <= bound)
            assert np.all(same | np.isnan(wants)), "tracked.Ops is not keras.ops"
        two_ulp = 2 * np.spacing(abs(rates)) * (name != "PiecewiseConstantDecay")
        equal = (rates == wants) | (np.isnan(rates) & np.isnan(wants))
        for i in np.flatnonzero(~(equal | (abs(rates - wants) <= bound + two_ulp))):
            case = Case(config, steps[i].item(), rates[i].item(), wants[i].item(), bool(turned[i]))
            rule = next((rule.__name__ for rule in RULES.get(name, []) if rule(case)), None)
            if rule:
                found[rule] += 1
            elif len(unknown) < 5:
                unknown.append([*case[:4], bound[i].item()])
    return {"compared": compared, "rules": found, "unknown": json.loads(json.dumps(unknown, default=str))}


def tracked(value):
    return Tracked(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def refused(name, config, message):
    raise AssertionError(f"{name}({config}): {message}")


# ---- Parameters and steps, random and hard ----


def some(draw, *choices):
    return choices[draw.integers(len(choices))]


def rate(draw):
    return np.float64(some(draw, 10 ** draw.uniform(-6, 1), 0.1, 0.05, 1.0, draw.uniform(0, 1)))


def count(draw):
    """A number of steps: whole or not, small to huge."""
    return some(
        draw,
        int(draw.integers(1, 30)),
        int(10 ** draw.uniform(0, 7)),
        int(10 ** draw.uniform(0, 18)),
        round(10 ** draw.uniform(-2, 6), 2),
        10 ** draw.uniform(-1, 7),
    )


def cosine_decay(draw):
    config = {
        "initial_learning_rate": rate(draw),
        "decay_steps": count(draw),
        "alpha": some(draw, 0.0, 0.1, draw.uniform(), 1.0, 1.5, -0.5),
    }
    if draw.integers(2):
        config |= {"warmup_target": some(draw, rate(draw), 0.0), "warmup_steps": some(draw, 0, count(draw))}
    return config


def cosine_decay_restarts(draw):
    return {
        "initial_learning_rate": rate(draw),
        "first_decay_steps": count(draw),
        "t_mul": some(draw, 1.0, 2.0, 3.0, 10.0, 1.5, draw.uniform(1, 4), 0.5, draw.uniform(0.1, 1), 1 + 10 ** draw.uniform(-9, -1)),
        "m_mul": some(draw, 1.0, 0.9, 0.5, draw.uniform(), 2.0, 0.0),
        "alpha": some(draw, 0.0, 0.1, draw.uniform(), 1.0),
    }


def exponential_decay(draw):
    return {
        "initial_learning_rate": rate(draw),
        "decay_steps": count(draw),
        "decay_rate": some(draw, 0.96, 0.5, draw.uniform(), 1.0, 1.5, 1 - 10 ** draw.uniform(-9, -1)),
        "staircase": bool(draw.integers(2)),
    }


def inverse_time_decay(draw):
    return exponential_decay(draw) | {"decay_rate": some(draw, 0.5, draw.uniform(), 1.0, 10 ** draw.uniform(-6, 3), 0.0)}


def polynomial_decay(draw):
    return {
        "initial_learning_rate": rate(draw),
        "decay_steps": count(draw),
        "end_learning_rate": some(draw, 1e-4, 0.0, rate(draw)),
        "power": some(draw, 1.0, 0.5, 2.0, 3.0, draw.uniform(0, 4), 0.0),
        "cycle": bool(draw.integers(2)),
    }


def piecewise_constant_decay(draw):
    number = draw.integers(1, 9)
    boundaries = np.unique(draw.integers(-1000, 10**6, number) if draw.integers(2) else draw.normal(0, 1000, number))
    return {"boundaries": boundaries.tolist(), "values": draw.uniform(0, 1, boundaries.size + 1).tolist()}


PARAMETERS = {
    "CosineDecay": cosine_decay,
    "CosineDecayRestarts": cosine_decay_restarts,
    "ExponentialDecay": exponential_decay,
    "InverseTimeDecay": inverse_time_decay,
    "PolynomialDecay": polynomial_decay,
    "PiecewiseConstantDecay": piecewise_constant_decay,
}


def hard_steps(draw, config):
    """Steps within and beyond the schedule's length, at all its boundaries and beside them."""
    length = config.get("decay_steps", config.get("first_decay_steps", 10**6))
    warmup = config.get("warmup_steps", 0)
    near = [0, warmup, warmup + length, *(length * i for i in range(2, 6)), *config.get("boundaries", [])]
    if "t_mul" in config and config["t_mul"] > 1:
        near += [length * (config["t_mul"] ** i - 1) / (config["t_mul"] - 1) for i in range(2, 12)]
    fractions = np.array([some(draw, *near) + some(draw, -1, 0, 0, 1, 0.5) for _ in range(STEPS // 2)])
    wide = np.concatenate([draw.uniform(-1, 6, STEPS // 4) * (length + warmup), 10 ** draw.uniform(0, 18, STEPS // 4)])
    steps = np.concatenate([fractions, wide])
    if draw.integers(2):
        return steps
    return np.clip(np.rint(steps), -(2**62), 2**62).astype(np.int64)


# ---- What the differences are: docs/keras.md has a row of each name ----

Case = collections.namedtuple("Case", "config step ours keras turned")


def stairs_by_rounding(case):
    """At the edge of a stair or a cycle: Keras rounds the quotient to the other side."""
    return case.turned


def restart_by_logarithms(case):
    """At a restart Keras's floor(log / log) is on the other side."""
    return case.turned


RULES = {
    "CosineDecay": [],
    "CosineDecayRestarts": [restart_by_logarithms],
    "ExponentialDecay": [stairs_by_rounding],
    "InverseTimeDecay": [stairs_by_rounding],
    "PolynomialDecay": [stairs_by_rounding],
    "PiecewiseConstantDecay": [],
}
