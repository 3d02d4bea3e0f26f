"""Inputs that no one thought of: random layouts, configurations and files. None may crash, all have a known answer."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from bits import bits
from family import ORDINARY
from layouts import one_call

pytest.importorskip("hypothesis", reason="the inputs are hypothesis's")

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cosine_fast import deserialize

# ---- Random calls ----


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_layouts(cf, seed):
    """Whatever the layouts of steps and `out`, their dtypes and overlap: the bits of single steps, nothing beside."""
    one_call(cf, seed)


@settings(max_examples=80)
@given(data=st.data())
def test_arrays_of_any_dtype(cf, data):
    """An array of any dtype, indexed in any way: its steps' rates, or a documented error."""
    schedule = cf.CosineDecay(1e-6, 1000, 0.1, warmup_target=1e-3, warmup_steps=100)
    anything = st.one_of(hnp.scalar_dtypes(), hnp.array_dtypes(max_size=3))
    shapes = hnp.array_shapes(min_dims=0, min_side=0, max_side=6)
    array = data.draw(hnp.arrays(anything, shapes))
    view = array[data.draw(hnp.basic_indices(array.shape, allow_newaxis=True))]
    if data.draw(st.booleans()):
        view = np.asarray(view).T
    out = np.full(np.shape(view), 7.0)
    try:
        have = schedule(view)
    except (TypeError, OverflowError) as error:
        assert np.asarray(view).dtype.kind not in "if"
        assert isinstance(error, TypeError) or np.asarray(view).dtype.kind == "u"  # noqa: PT017
        with pytest.raises(type(error)):
            schedule(view, out=out)
        assert np.all(out == 7.0)
        return
    assert np.array_equal(bits(schedule(view, out=out)), bits(np.asarray(have)))
    read = np.asarray(view)
    with np.errstate(all="ignore"):
        flat = read.astype(np.float64 if read.dtype.kind == "f" else np.int64).ravel().tolist()
    assert np.array_equal(bits(np.ravel(have)), bits([schedule(step) for step in flat]))


numbers = st.one_of(
    st.integers(), st.integers(-10, 10**6), st.floats(), st.floats(0, 10), st.booleans(), st.none(), st.text(max_size=5)
)


@settings(max_examples=300)
@given(st.tuples(numbers, numbers, numbers, st.just("n"), numbers, numbers), st.lists(numbers, max_size=4))
def test_parameters_and_steps(cf, parameters, steps):
    """Any parameters and steps: finite rates at finite steps, or a documented error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            schedule = cf.CosineDecay(*parameters)
        except (TypeError, ValueError) as error:
            assert str(error)  # noqa: PT017
            return
    for step in steps:
        try:
            rate = schedule(step)
        except (TypeError, OverflowError):
            assert isinstance(step, (bool, str, type(None))) or not -(2**63) <= step < 2**63
        else:
            assert isinstance(rate, float)
            line = step < 0 and schedule.warmup_target is not None
            assert np.isfinite(rate) or not np.isfinite(step) or (line and abs(step) > 2**63)


# ---- Configurations and files ----

CONFIG = {
    "module": "keras.optimizers.schedules",
    "class_name": "CosineDecay",
    "config": {
        "initial_learning_rate": 1e-5,
        "decay_steps": 1000,
        "alpha": 0.1,
        "name": "CosineDecay",
        "warmup_target": 1e-3,
        "warmup_steps": 100,
    },
    "registered_name": None,
}
CONFIGS = [CONFIG, *({"class_name": name, "config": config} for name, config in ORDINARY)]
PIECES = [
    *"{}[]:,\"'\\",
    "NaN",
    "Infinity",
    "-",
    "1e999",
    "1e-999",
    "null",
    "true",
    "0",
    "9" * 30,
    "\x00",
    "\ud800",
    "{",
]
TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*CONFIG, *CONFIG["config"], "x"]), inner, max_size=8),
    ),
    max_leaves=20,
)


def mangled(text, seed):
    """A text with a few pieces put in, cut out, doubled or moved."""
    draw = random.Random(seed)
    for _ in range(draw.randrange(1, 5)):
        i, j = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
        change = draw.randrange(4)
        middle = (
            draw.choice(PIECES) if change == 0 else text[i:j] * 2 if change == 1 else "" if change == 2 else text[:j]
        )
        text = text[:i] + middle + text[i if change == 0 else j :]
    return text[: 1 << 20]


@settings(max_examples=300)
@given(
    text=st.one_of(
        st.binary(max_size=200),
        TREES.map(lambda tree: json.dumps(tree).encode()),
        st.tuples(st.sampled_from(CONFIGS), st.integers(0, 2**32)).map(
            lambda drawn: mangled(json.dumps(drawn[0]), drawn[1]).encode("utf-8", "surrogatepass")
        ),
        st.dictionaries(st.sampled_from(list(CONFIG["config"])), numbers).map(
            lambda changes: json.dumps({**CONFIG["config"], **changes}).encode()
        ),
    )
)
def test_configurations(tmp_path_factory, text):
    """A configuration is read as JSON reads it, or refused in one printable line."""
    pytest.importorskip("click", reason="the command line needs click")
    from cosine_fast.cli import options, signals

    file = tmp_path_factory.getbasetemp() / "fuzzed.json"
    file.write_bytes(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            schedule = options.read_config(str(file))
        except signals.CommandError as problem:
            line = signals.one_line(str(problem))
            assert str(file) in line
            assert line.isprintable()
            assert len(line) < 1000
        else:
            tree = json.loads(text.decode("utf-8-sig"))
            assert schedule == deserialize(tree if "config" in tree else {"class_name": "CosineDecay", "config": tree})


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="no atheris")
def test_configurations_under_atheris(tmp_path):
    """As fuzz_config.py has it: whatever atheris makes of the examples is a schedule, or refused."""
    seconds = os.environ.get("COSINE_FAST_FUZZ_SECONDS", "15")
    here = Path(__file__).parent
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, config in enumerate(CONFIGS):
        (corpus / str(number)).write_text(json.dumps(config))
    (corpus / "deep").write_text("[" * 4096)
    (corpus / "long").write_text(json.dumps({"k" * 4000: 0}))
    for example in (here.parents[1] / "examples").glob("*.json"):
        shutil.copy(example, corpus)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-print_final_stats=1", f"-artifact_prefix={tmp_path}/"]
    options += ["-rss_limit_mb=0", "-malloc_limit_mb=2048"]  # as in test_native.py
    result = subprocess.run(
        [sys.executable, here / "fuzz_config.py", *options, corpus],
        capture_output=True, text=True, errors="replace", timeout=float(seconds) + 300,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-5000:]
    executed = int(re.search(r"number_of_executed_units: (\d+)", result.stderr)[1])
    sys.stderr.write("\n".join(line for line in result.stderr.splitlines() if line.startswith("stat::")) + "\n")
    assert executed > 1000


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_step_files(tmp_path_factory, seed):
    """A mangled .npy file of steps is evaluated as NumPy reads it, or refused."""
    from cosine_fast.cli import files, signals

    draw = random.Random(seed)
    file = tmp_path_factory.getbasetemp() / "fuzzed.npy"
    dtype = draw.choice(["<i8", ">i4", "<f8", "<u8", "<f2"])
    np.save(file, np.arange(draw.randrange(50)).astype(dtype))
    data = bytearray(file.read_bytes())
    for _ in range(draw.randrange(1, 4)):
        i = draw.randrange(min(len(data), 128))
        data[i] = draw.choice([draw.randrange(256), ord(draw.choice("0123456789(),'<>fiuOV{}"))])
    file.write_bytes(data[: draw.choice([len(data), draw.randrange(len(data) + 1)])])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the Python that NumPy's header is
            with files.npy_input(str(file), bytes) as (stream, shape, fortran_order, read):
                steps = np.fromfile(stream, read, int(np.prod(shape, dtype=object)))
    except signals.CommandError as problem:
        assert "not a .npy file of steps" in str(problem)  # noqa: PT017
        return
    want = np.load(file, allow_pickle=False)
    assert want.shape == shape
    assert np.array_equal(want.ravel("F" if fortran_order else "C"), steps, equal_nan=True)
