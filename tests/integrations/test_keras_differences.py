"""Every schedule beside Keras's in float64: how-to/keras.md lists the ways in which they differ, and no other is found.

The names of ways are the first column of its tables. Whatever differs otherwise fails.
"""

from __future__ import annotations

import collections
import importlib.util
import json
import math
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from family import KERAS

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is what these tests compare with", allow_module_level=True)

U = 2.0**-53
ONE_BY_ONE = 600  # sets of parameters with which Keras takes no arrays of steps
MANY = 2_000  # with which it does
STEPS = 50

NAN = ("0 times infinity", "no cycle")  # where Keras gives NaN

PROGRAM = """
import importlib, pickle, warnings
import numpy as np
import keras
warnings.simplefilter("ignore")
keras.config.set_floatx("float64")
# Off TensorFlow, Keras makes 32 bits of 64. This is the table in it that says so, as it is on TensorFlow.
importlib.import_module("keras.src.backend.common.dtypes").BIT64_TO_BIT32_DTYPE.update(int64="int64", float64="float64")
np.seterr(all="ignore")
with open({path!r}, "rb") as file:
    cases = pickle.load(file)
def rates(name, config, steps):
    try:
        schedule = getattr(keras.optimizers.schedules, name)(**config)
        if name == "PiecewiseConstantDecay" or config.get("warmup_target") is not None:
            found = [schedule(step) for step in steps.tolist()]
        else:
            found = schedule(steps)
        assert all(rate.dtype == np.float64 for rate in found), (name, config)
        return np.array(found)
    except (ValueError, TypeError, IndexError) as error:
        return type(error).__name__
with open({path!r} + ".rates", "wb") as file:
    pickle.dump([rates(*case) for case in cases], file)
"""


def rate_drawn(rng):
    return rng.choice([0.0, 1.0, rng.uniform(-1, 1), 10 ** rng.uniform(-6, 2), 10 ** rng.uniform(-300, 300)],
                      p=[0.03, 0.1, 0.17, 0.6, 0.1])  # fmt: skip


def length_drawn(rng):
    whole = int(10 ** rng.uniform(0, 7))
    return [whole, whole, float(whole), rng.uniform(0.01, 1000), whole / 10, 2**40 + whole][rng.integers(6)]


def parameters_drawn(rng, name):
    """Parameters, now and then such as cosine_fast refuses."""
    if name == "PiecewiseConstantDecay":
        many = rng.integers(1, 6)
        ends = np.unique(rng.integers(-100, 1000, many) if rng.random() < 0.5 else rng.uniform(-100, 1000, many))
        ends = ends * 2.0**40 if rng.random() < 0.1 else ends
        if rng.random() < 0.02:
            ends = np.append(ends, ends[0])
        whole = ends.dtype.kind == "i" or rng.random() < 0.1
        boundaries = [int(end) if whole else float(end) for end in ends]
        if whole:
            boundaries = boundaries if rng.random() < 0.02 else sorted(set(boundaries))
        return {"boundaries": boundaries, "values": [np.float64(rate_drawn(rng)) for _ in range(len(boundaries) + 1)]}
    config = {"initial_learning_rate": np.float64(rate_drawn(rng)), "decay_steps": length_drawn(rng)}
    share = rng.choice([0.0, 0.1, 1.0, rng.uniform(-1, 2)])
    if name == "CosineDecay":
        config["alpha"] = np.float64(share)
        if rng.random() < ONE_BY_ONE / (MANY + ONE_BY_ONE):
            warmup = [0, 10, length_drawn(rng), -5][rng.choice(4, p=[0.1, 0.3, 0.57, 0.03])]
            config |= {"warmup_target": np.float64(rate_drawn(rng)), "warmup_steps": warmup}
    elif name == "CosineDecayRestarts":
        config["first_decay_steps"] = config.pop("decay_steps")
        lengthening = rng.choice(
            [1.0, 2.0, 3.0, 10.0, 0.5, rng.uniform(0.3, 4), -1.0], p=[0.2, 0.2, 0.2, 0.1, 0.1, 0.19, 0.01]
        )
        config |= {"t_mul": np.float64(lengthening), "m_mul": np.float64(rng.choice([1.0, 0.5, rng.uniform(0, 2)]))}
        config["alpha"] = np.float64(share)
    elif name == "PolynomialDecay":
        power = rng.choice([1.0, 2.0, 0.5, 0.0, rng.uniform(0, 4), -0.5], p=[0.3, 0.2, 0.2, 0.05, 0.2, 0.05])
        end = rng.choice([config["initial_learning_rate"], rate_drawn(rng)], p=[0.05, 0.95])
        config |= {"end_learning_rate": np.float64(end), "power": np.float64(power), "cycle": bool(rng.integers(2))}
    else:
        decay = rng.choice(
            [0.0, 0.5, 0.96, 1.0, rng.uniform(0, 3), rng.uniform(-2, 0), -0.1], p=[0.05, 0.2, 0.3, 0.05, 0.2, 0.1, 0.1]
        )
        config |= {"decay_rate": np.float64(decay), "staircase": bool(rng.integers(2))}
    return config


def steps_drawn(rng, name, config):
    """Integers or floats, mostly where something happens: round the ends, at multiples, far out."""
    if name == "PiecewiseConstantDecay":
        around = np.array(config["boundaries"], np.float64)
        offsets = rng.integers(-2, 3, STEPS)
        steps = rng.choice(around, STEPS) + offsets
        length = 1000.0
    else:
        length = float(config.get("decay_steps", config.get("first_decay_steps")))
        start = max(config.get("warmup_steps", 0), 0)
        steps = start + length * np.where(
            rng.random(STEPS) < 0.3, rng.integers(-2, 30, STEPS), rng.uniform(-1, 3, STEPS)
        )
        if "t_mul" in config and config["t_mul"] > 1:  # at restarts
            at = rng.integers(0, 15, STEPS)
            restarts = length * (config["t_mul"] ** at - 1) / (config["t_mul"] - 1)
            steps = np.where(rng.random(STEPS) < 0.3, restarts, steps)
    steps = np.where(rng.random(STEPS) < 0.05, rng.choice([0, -1, 1, 2**52, 2**54 + 2, 10**6], STEPS), steps)
    if rng.random() < 0.5:
        return np.rint(np.clip(steps, -(2.0**62), 2.0**62)).astype(np.int64)
    return np.where(rng.random(STEPS) < 0.02, rng.choice([np.nan, np.inf, -np.inf], STEPS), steps)


def refusal(name, config):
    """Why cosine_fast refuses parameters that Keras takes, or None."""
    if name == "PiecewiseConstantDecay" and any(np.diff(config["boundaries"]) <= 0):
        return "boundaries that do not rise"
    if name == "ExponentialDecay" and config["decay_rate"] < 0 and not config["staircase"]:
        return "a negative decay_rate without staircase"
    if config.get("warmup_steps", 0) < 0:
        return "negative warmup_steps"
    if config.get("t_mul", 1) <= 0:
        return "t_mul <= 0"
    return None


def near_whole(quotient, slack):
    return np.abs(quotient - np.rint(quotient)) <= slack


def kinds(name, config, steps):
    """The ways in which Keras may differ at these steps, each a mask; and how far Keras's own rounding goes."""
    s = steps.astype(np.float64)
    ways = {
        "a step that is NaN": np.isnan(s),
        "a step that is infinite": np.isinf(s),
        "steps beyond 2**53": np.abs(s) > 2.0**53,
    }
    if name == "PiecewiseConstantDecay":
        ends = config["boundaries"]
        fraction = any(end % 1 and end < 0 for end in ends) and steps.dtype.kind == "i"
        ways["a fractional boundary below 0, and whole steps"] = np.full(s.shape, fraction)
        return ways, np.zeros(s.shape)
    initial = abs(config["initial_learning_rate"])
    length = float(config.get("decay_steps", config.get("first_decay_steps")))
    q = s / length
    if name == "CosineDecay":
        alpha, target = config["alpha"], config.get("warmup_target")
        warmup = float(config.get("warmup_steps", 0))
        peak = initial if target is None else abs(target)
        with_warmup = target is not None
        slack_steps = U * (np.abs(s) + 2 * warmup + length) * with_warmup
        angle = np.pi * (4 * U * np.abs(np.minimum((s - warmup) / length, 1)) + 2 * slack_steps / length)
        slack = peak * (abs(1 - alpha) * (0.5 * angle + 8 * U) + 8 * U * abs(alpha))
        if with_warmup:
            ways["warmup_steps = 0 with a target, before step 0"] = (warmup == 0) & (s < 0)
            rise = 8 * U * (initial + peak) * (1 + np.abs(s) / warmup if warmup else 0)
            slack = np.where(s < warmup, rise, slack)
        return ways, slack
    if name == "PolynomialDecay":
        end, power = config["end_learning_rate"], config["power"]
        if config["cycle"]:
            ways["cycles before step 0"] = s < 0
            ways["the edge of a stair or a cycle"] = near_whole(q, 4 * U * np.abs(q))
            fraction = q / np.maximum(1, np.ceil(q))
        else:
            fraction = np.minimum(q, 1)
        rise = initial + abs(end)
        ways["0 times infinity"] = np.full(s.shape, power < 0 and config["initial_learning_rate"] == end)
        left, d = 1 - fraction, 4 * U * (1 + np.abs(fraction))
        ends = [np.maximum(left + side, 0) ** power for side in (-d, d)]
        near = np.abs(ends[1] - ends[0])
        slack = rise * np.where(np.isnan(near), np.inf, near) + 8 * U * (rise * (1 + np.maximum(*ends)))
        return ways, slack
    if name == "CosineDecayRestarts":
        alpha, t, m = config["alpha"], config["t_mul"], config["m_mul"]
        if t == 1:
            i = np.floor(q)
            off_cycle = 8 * U * np.abs(q)
            edge = near_whole(q, off_cycle)
        else:
            argument = 1 - q * (1 - t)
            ways["no cycle"] = argument <= 16 * U * (1 + np.abs(q * (1 - t)))
            x = np.log(argument) / np.log(t)
            off_argument = 8 * U * (1 + np.abs(q * (1 - t))) / np.abs(argument)
            edge = near_whole(x, (off_argument + 8 * U * np.abs(np.log(argument))) / abs(np.log(t)) + 8 * U * np.abs(x))
            i = np.floor(x)
            before = (1 - t**i) / (1 - t)
            off_before = U * (4 + 4 * np.abs(i) * t**i + 4 * t**i) / abs(1 - t) + 8 * U * np.abs(before)
            off_cycle = (off_before + 8 * U * np.abs(q)) / t**i + 8 * U * (1 + np.abs(i))
        ways["a restart"] = edge
        height = np.abs(m) ** i
        ways["0 times infinity"] = np.isinf(height) & ((initial == 0) | (alpha == 1))
        ways["beyond the range of floats"] = (height > 1e300) | (t**i > 1e300) | (t**i < 1e-300)
        slack = initial * (
            abs(1 - alpha) * height * (0.5 * np.pi * off_cycle + 8 * U * (1 + np.abs(i))) + 8 * U * abs(alpha)
        )
        return ways, slack
    rate = config["decay_rate"]
    if config["staircase"]:
        ways["the edge of a stair or a cycle"] = near_whole(q, 4 * U * np.abs(q))
        q = np.floor(q)
    if name == "InverseTimeDecay":
        divisor, off = 1 + rate * q, 8 * U * (1 + np.abs(rate * q))
        ways["the pole"] = np.abs(divisor) <= off
        slack = initial / np.abs(divisor) * (8 * U + off / np.maximum(np.abs(divisor) - off, 1e-300))
        return ways, slack
    size = np.log2(abs(rate)) * q
    ways["0 times infinity"] = (initial == 0) & (size > 1020)
    ways["beyond the range of floats"] = np.abs(size) > 1020
    slack = initial * np.abs(rate) ** q * U * (8 + 8 * np.abs(size))
    return ways, slack


@pytest.fixture(scope="session")
def drawn(process, tmp_path_factory):
    """Random schedules and steps, with Keras's rates, or the error that it raised."""
    rng = np.random.default_rng(20240601)
    cases = []
    for name in KERAS:
        for _ in range(ONE_BY_ONE if name == "PiecewiseConstantDecay" else MANY + ONE_BY_ONE * (name == "CosineDecay")):
            config = parameters_drawn(rng, name)
            cases.append((name, config, steps_drawn(rng, name, config)))
    path = tmp_path_factory.mktemp("keras") / "cases"
    path.write_bytes(pickle.dumps(cases))
    home = str(path.parent)
    process(PROGRAM.format(path=str(path)), KERAS_BACKEND="numpy", KERAS_HOME=home, timeout=600)
    return list(zip(cases, pickle.loads(Path(f"{path}.rates").read_bytes()), strict=True))


def rows(section):
    """The first column of the table under this heading of docs/how-to/keras.md."""
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "keras.md").read_text()
    table = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[2:]
    return [cell.replace("`", "").removesuffix(" *") for cell in cells]


@np.errstate(all="ignore")
def found(best, drawn):
    """How often Keras differs in each way; and what is in none of them."""
    seen, unknown, compared = collections.Counter(), [], collections.Counter()
    for (name, config, steps), theirs in drawn:
        try:
            ours = getattr(best, name)(**config)(steps)
        except (ValueError, TypeError) as error:
            why = refusal(name, config)
            seen[why] += 1
            if why is None:
                unknown.append((name, config, str(error)))
            continue
        compared[name] += steps.size
        if isinstance(theirs, str):
            unknown.append((name, config, theirs))
            continue
        differ = (theirs != ours) & ~(np.isnan(theirs) & np.isnan(ours))
        if not differ.any():
            continue
        ways, slack = kinds(name, config, steps)
        ways["the last digits"] = np.abs(theirs - ours) <= slack + 2e-323
        for way, where in sorted(ways.items(), key=lambda item: item[0] != "the last digits"):
            where = where & np.isnan(theirs) if way in NAN else where
            seen[way] += int(np.count_nonzero(differ & where))
            differ = differ & ~where
        for i in np.flatnonzero(differ):
            unknown.append((name, config, steps[i], theirs[i], ours[i], slack[i]))
    return seen, unknown, compared


def test_differences(best, drawn):
    """A rate is Keras's, or differs in a way that docs/how-to/keras.md lists; each of these ways is seen."""
    seen, unknown, compared = found(best, drawn)
    print(json.dumps({"compared": compared, "differ": {way: n for way, n in seen.most_common() if n}}, indent=1))
    assert not unknown, (len(unknown), unknown[:10])
    assert sum(compared.values()) > 400_000
    assert set(compared) == set(KERAS)
    assert min(compared.values()) > 20_000
    ways = {way for way, n in seen.items() if n}
    assert ways == set(rows("Where the rates differ"))


# What random rates do not show, by the rows of the second table: a call, and what Keras and cosine_fast make of it.
ODD = {
    "32 bits": ("PolynomialDecay", (1.0, 2**25, 0.0), 2**24 + 1, 0.5, 0.5 - 2.0**-25),
    "a whole initial_learning_rate": ("ExponentialDecay", (1, 10, 0.25), 5, 0.0, 0.5),
    "whole numbers beyond int32": ("PiecewiseConstantDecay", ([2**40], [0.5, 0.25]), 2**41, "OverflowError", 0.25),
    "a step beyond int64": ("CosineDecay", (0.5, 10, 0.5), 2**70, 0.25, "OverflowError"),
    "a step that is a bool": ("PolynomialDecay", (0.5, 2, 0.0), True, 0.25, "TypeError"),
    "an array of steps": ("CosineDecay", (0.0, 2, 0.0, "", 0.5, 2), [1, 3], "ValueError", [0.25, 0.25]),
    "no boundaries": ("PiecewiseConstantDecay", ([], [0.5]), 3, "IndexError", 0.5),
    "numbers that are not finite": ("InverseTimeDecay", (0.5, math.inf, 0.5), 3, 0.5, "ValueError"),
    "very large or small numbers": ("CosineDecay", (0.5, 2.0**-70), 3, 0.0, "ValueError"),
    "parameters that are arrays": ("CosineDecay", (np.array(0.5), 10), 5, 0.25, "TypeError"),
    "a name with a slash": ("CosineDecay", (0.5, 10, 0.0, "a/b"), 5, "ValueError", 0.25),
}

ODD_PROGRAM = """
import json, pickle, warnings
import numpy as np
import keras
warnings.simplefilter("ignore")
with open({path!r}, "rb") as file:
    cases = pickle.load(file)
def told(name, parameters, step):
    try:
        schedule = getattr(keras.optimizers.schedules, name)(*parameters)
        return np.asarray(schedule(np.array(step) if isinstance(step, list) else step)).tolist()
    except Exception as error:
        return type(error).__name__
print(json.dumps({{row: told(*case[:3]) for row, case in cases.items()}}))
"""


@pytest.fixture(scope="session")
def odd(process, tmp_path_factory):
    """What Keras makes of ODD, as it is without being told to use float64."""
    path = tmp_path_factory.mktemp("keras") / "odd"
    path.write_bytes(pickle.dumps(ODD))
    program = ODD_PROGRAM.format(path=str(path))
    return json.loads(process(program, KERAS_BACKEND="numpy", KERAS_HOME=str(path.parent)).stdout.splitlines()[-1])


@pytest.mark.parametrize("row", ODD)
def test_odd_arguments(cf, odd, row):
    name, parameters, step, theirs, ours = ODD[row]
    close = theirs if isinstance(theirs, str) else pytest.approx(theirs, abs=1e-7)
    assert odd[row] == close
    try:
        made = getattr(cf, name)(*parameters)(step)
        rate = np.asarray(made).tolist()
    except Exception as error:  # whichever it is
        rate = type(error).__name__
    assert rate == (ours if isinstance(ours, str) else pytest.approx(ours, rel=1e-8)), row


def test_odd_arguments_are_documented():
    """The rows above, and those on types, warnings and changes, which other tests know."""
    others = {"the result", "warmup_steps without warmup_target", "attributes", "an optimizer's learning rate"}
    assert set(rows("Where arguments and results differ")) == set(ODD) | others
