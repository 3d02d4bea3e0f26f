"""Reproducibility: whichever way a rate is asked for, its bits are the same."""

from __future__ import annotations

import functools
import importlib.resources
import itertools
import os
import platform
import random
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from bits import INT64, bits, within
from test_parity import HARD, drawn, joints, one_by_one, steps_of

PARAMETERS = HARD + [drawn(seed) for seed in range(1000, 1020)]
BLOCK = 512  # elements: the kernel's own seams; the promise holds whatever they are
FEW = 73  # steps: repeated until each has stood at each place of a block, they are enough for a team of threads

# ---- C through the header ----

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
BUILDS = {
    "C, -O0": ("CC", "cc", ["-x", "c", "-std=c99", "-O0"]),
    "C, -O3": ("CC", "cc", ["-x", "c", "-std=c99", "-O3", "-march=native"]),
    "C++, -O0": ("CXX", "c++", ["-x", "c++", "-std=c++17", "-O0"]),
    "C++, -O3": ("CXX", "c++", ["-x", "c++", "-std=c++17", "-O3", "-march=native"]),
    "clang": ("", "clang", ["-x", "c", "-std=c99", "-O3", "-march=native"]),
    "aarch64": ("", "aarch64-linux-gnu-gcc", ["-x", "c", "-std=c99", "-O3", "-static"]),
}
EMULATORS = {"aarch64": ["qemu-aarch64-static", "qemu-aarch64"]}  # where the machine is none


def _emulator(build: str) -> list[str]:
    """The words in front of a program for another machine; none where that is what runs here, or nothing can run it."""
    if build == platform.machine():
        return []
    return [path for name in EMULATORS.get(build, ()) if (path := shutil.which(name))][:1]


@functools.cache
def _compiled(build: str, source: str, include: Path, folder: Path) -> tuple[Path | None, str]:
    """A file of tests/ as a program, and why there is none; no reason is where the compiler refused the source."""
    variable, usual, flags = BUILDS[build]
    named = [os.environ.get(variable), sysconfig.get_config_var(variable), usual] if variable else [usual]
    compilers = [command for name in named if name and shutil.which((command := shlex.split(name))[0])]
    if not compilers:
        return None, f"there is no compiler: no {variable or usual}, no {usual}"
    if build in EMULATORS and not _emulator(build):
        return None, f"there is no emulator: no {EMULATORS[build][0]}"
    if not (include / "cosine_fast.h").is_file():
        return None, "cosine_fast.h is not in the installed package"

    def compiles(source: Path, output: Path) -> bool:
        command = [*compilers[0], *flags, "-ffp-contract=off", *WARNINGS, f"-I{include}", source, "-o", output, "-lm"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
        sys.stderr.write(result.stderr)
        return result.returncode == 0

    name = "".join(c for c in source + build if c.isalnum())
    empty = folder / f"{name}.c"
    empty.write_text("int main(void) { return 0; }\n")
    if not compiles(empty, folder / f"{name}.empty"):
        return None, f"{compilers[0][0]} does not compile with {' '.join(flags)}"
    output = folder / name
    return (output, "") if compiles(Path(__file__).with_name(source), output) else (None, "")


def program(
    build: str, package: ModuleType, folders: pytest.TempPathFactory, source: str = "paths.c"
) -> list[str | Path]:
    """The command of a file of tests/, compiled against the header that lies in this package."""
    include = Path(str(importlib.resources.files(package))) / "include"
    compiled, reason = _compiled(build, source, include, folders.getbasetemp())
    if reason:
        pytest.skip(reason)
    assert compiled is not None, f"{source} does not compile without a warning: see the captured stderr"
    return [*_emulator(build), compiled]


def _hex(x: float) -> str:
    return struct.pack(">d", x).hex()


def _typed(x: float) -> str:
    return f"i{x % 2**64:x}" if isinstance(x, int) else f"f{_hex(x)}"


def _count(x: float) -> float:
    return int(x) if x == int(x) else float(x)


def through_the_header(program: list[str | Path], cases: list[tuple[dict, list]]) -> tuple[np.ndarray, np.ndarray]:
    """The rates, as float64 and as float32, of each schedule's steps, one after another."""
    lines = []
    for p, steps in cases:
        start, peak, W = float(p["initial_learning_rate"]), p["warmup_target"], _count(p["warmup_steps"])
        has_warmup = peak is not None and W > 0
        peak = start if peak is None else peak
        counts = f"{_typed(W)} {_typed(_count(p['decay_steps']))}"
        lines.append(f"p {has_warmup:d} {_hex(peak)} {_hex(start)} {_hex(p['alpha'])} {counts}")
        lines += [f"s {_typed(step)}" for step in steps]
    result = subprocess.run(program, input="\n".join(lines), capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    rates = [[int(word, 16) for word in line.split()] for line in result.stdout.splitlines()]
    wide, single = np.array(rates, np.uint64).reshape(-1, 2).T
    return np.ascontiguousarray(wide).view(np.float64), single.astype(np.uint32).view(np.float32)


# ---- What is asked ----


def floats_of(p: dict) -> np.ndarray:
    """Fractional steps beside the joints, between them and of every size; NaN and the infinities."""
    draw = random.Random(4)
    ends = [float(joint) for joint in joints(p)]
    steps = [np.nextafter(end, toward) for end in ends for toward in (-np.inf, np.inf)]
    steps += [end + draw.uniform(-1, 1) * 10 ** draw.uniform(-9, 3) for end in ends for _ in range(15)]
    steps += [draw.uniform(0.0, max(ends[1:4])) for _ in range(200)]
    steps += [draw.choice([-1, 1]) * 10 ** draw.uniform(-320, 308) for _ in range(150)]
    steps += [0.0, -0.0, 5e-324, -5e-324, np.nan, np.inf, -np.inf, 1.7976931348623157e308, -1.7976931348623157e308]
    draw.shuffle(steps)
    return np.array(steps)


def ranges_of(p: dict) -> Iterator[range]:
    """Ranges over every joint and from end to end, by short and by long strides, forwards and backwards."""
    W, end = (min(int(x), INT64[1]) for x in joints(p)[1:4:2])
    strides = (1, -1, 2, 7, -61)
    for i, joint in enumerate([*joints(p)[:8], *INT64]):
        for stride in (1, strides[i % 5]):
            middle = within(int(joint))
            inside = [i for i in range(-350, 350) if INT64[0] <= middle + i * stride <= INT64[1]]
            yield range(middle + inside[0] * stride, middle + (inside[-1] + 1) * stride, stride)
    long = max(1, end // 700)
    yield range(0, end, long)
    yield range(min(end, W + 300 * long), W - 300 * long, -long)
    yield range(INT64[0], INT64[1], 2**55 - 1)
    yield range(INT64[1], INT64[0], -(2**54) - 1)
    yield range(INT64[0], INT64[1], 2**64 - 2**20)


def shifted(array: np.ndarray, offset: int) -> np.ndarray:
    """A copy that begins so many bytes after an aligned address."""
    memory = np.zeros(array.nbytes + 16, np.uint8)
    offset += -memory.ctypes.data % 8
    copy = memory[offset : offset + array.nbytes].view(array.dtype)
    copy[...] = array
    return copy


# ---- The ways to ask; each gives a name, the rates that it had, and those that it has to have ----


def calls(schedule, steps, want, thorough):
    """Every way to ask for the rates of an array of int64 or float64."""
    n = len(steps)
    few = slice(None, None, 1 if thorough else 29)
    yield "a number", [schedule(step) for step in steps[few].tolist()], want[few]
    yield "a NumPy scalar", [schedule(step) for step in steps[few]], want[few]
    few = slice(None, None, 29)
    yield "a 0-d array", [schedule(np.array(step)) for step in steps[few]], want[few]
    yield "a list", schedule(steps.tolist()), want
    yield "an array", schedule(steps), want
    yield "an array of one", [schedule(steps[i : i + 1])[0] for i in range(0, n, 29)], want[few]
    order = np.argsort(steps, kind="stable")
    yield "sorted", schedule(steps[order]), want[order]
    yield "reversed", schedule(steps[::-1]), want[::-1]
    yield "sorted, reversed", schedule(steps[order][::-1]), want[order][::-1]
    for offset in range(8) if thorough else (0, 3):
        odd = shifted(steps, offset)
        yield f"{offset} bytes off", schedule(odd), want
        out = shifted(np.empty(n), 7 - offset)
        yield f"from {offset} to {7 - offset} bytes off", schedule(odd, out=out), want
        yield f"reversed, {offset} bytes off", schedule(odd[::-1]), want[::-1]
        memory = shifted(steps, offset)
        yield f"{offset} bytes off, in place", schedule(memory, out=memory.view(np.float64)), want
    for offset in (1, 2, 3, 5, 7, 8, 15, BLOCK - 1):
        yield f"from element {offset} on", schedule(steps[offset:]), want[offset:]
    for size in range(20) if thorough else (0, 1, 2, 19):
        yield f"the first {size}", schedule(steps[:size]), want[:size]
    for count in range(1, 10) if thorough else (1, 9):
        edges = [n * i // count for i in range(count + 1)]
        parts = [schedule(steps[a:b]) for a, b in itertools.pairwise(edges)]
        yield f"the parts of {count} threads", np.concatenate(parts), want
    if thorough and steps.dtype.kind == "i":
        yield "each step at each place in a block", schedule(everywhere(steps)), everywhere(want)
    even = n // 12 * 12
    block, wanted = steps[:even].reshape(12, -1), want[:even].reshape(12, -1)
    yield "strided", schedule(np.repeat(steps, 3)[1::3]), want
    yield "every second, backwards", schedule(steps[::-2]), want[::-2]
    yield "2-d", schedule(block), wanted
    yield "Fortran's order", schedule(np.asfortranarray(block)), wanted
    yield "transposed", schedule(block.T), wanted.T
    yield "a window", schedule(block[1:11:3, 5:-3:2]), wanted[1:11:3, 5:-3:2]
    yield "broadcast", schedule(np.broadcast_to(steps, (2, n))), np.broadcast_to(want, (2, n))
    yield "the other byte order", schedule(steps.astype(steps.dtype.newbyteorder())), want
    memory = np.concatenate([steps, steps])
    yield "in place, one ahead", schedule(memory[:n], out=memory.view(np.float64)[1 : n + 1]), want
    memory = steps.copy()
    yield "in place, reversed", schedule(memory, out=memory.view(np.float64)[::-1]), want
    out = np.full(3 * n, 7.0)
    yield "strided out", schedule(steps, out=out[2::3]), want
    yield "beside strided out", out[1::3], np.full(n, 7.0)
    with np.errstate(over="ignore", under="ignore"):
        single = want.astype(np.float32)
    yield "float32", schedule(steps, dtype=np.float32), single
    memory = steps.copy()
    yield "float32, in place", schedule(memory, out=memory.view(np.float32)[:n]), single
    yield "float32, a number", [schedule(step, dtype=np.float32) for step in steps[few].tolist()], single[few]


def everywhere(array: np.ndarray) -> np.ndarray:
    return np.resize(array[:FEW], BLOCK * FEW)


def teams(schedule, steps, want):
    """1 to 9 threads, as far as the machine has them."""
    start = -BLOCK * FEW // 2
    run = np.arange(start, -start)
    rates = schedule(run)
    for n in range(1, 10):
        yield f"{n} threads", schedule(everywhere(steps), num_threads=n), everywhere(want)
        yield f"precompute, {n} threads", schedule.precompute(start, -start, num_threads=n), rates


def precomputed(schedule, wanted):
    """Ranges, from every offset, by further strides, in parts, into memory of all kinds."""
    for i, (steps, want) in enumerate(wanted):
        n = len(steps)
        yield f"precompute {steps}", schedule.precompute(*_ends(steps)), want
        offset = (1, 2, 3, 5, 7, BLOCK - 1, BLOCK)[i % 7]
        yield f"precompute {steps} from {offset} on", schedule.precompute(*_ends(steps[offset:])), want[offset:]
        stride = (2, 3, 13, -1, -5)[i % 5]
        yield f"precompute {steps} by {stride}", schedule.precompute(*_ends(steps[::stride])), want[::stride]
        if i % 4:
            continue
        yield f"called with {steps}", schedule(steps), want
        memory = np.full(2 * n, 7.0)
        yield f"precompute {steps}, strided out", schedule.precompute(*_ends(steps), out=memory[::2]), want
        yield f"precompute {steps}, odd out", schedule.precompute(*_ends(steps), out=shifted(np.empty(n), 3)), want
        edges = [n * i // 9 for i in range(10)]
        parts = [schedule.precompute(*_ends(steps[a:b])) for a, b in itertools.pairwise(edges)]
        yield f"precompute {steps}, 9 parts", np.concatenate(parts), want


def _ends(steps: range) -> tuple[int, int, int]:
    return steps.start, steps.stop, steps.step


@functools.cache
def asked(package: ModuleType, number: int):
    """The steps that are asked for, and their rates, one after another as plain numbers."""
    schedule = package.CosineDecay(**PARAMETERS[number])
    slow = package.build_info()["backend"] == "python"  # its numbers are arrays of one
    rates_of = schedule if slow else functools.partial(one_by_one, schedule)
    integers = steps_of(PARAMETERS[number], seed=3)
    want = rates_of(integers)
    whole = (integers >= -(2**53)) & (integers <= 2**53)
    floats = floats_of(PARAMETERS[number])
    arrays = [
        ("int64", integers, want),
        ("whole floats", integers[whole].astype(np.float64), want[whole]),
        ("floats", floats, rates_of(floats)),
    ]
    ranges = [(steps, rates_of(np.array(steps, np.int64))) for steps in ranges_of(PARAMETERS[number])]
    return arrays, ranges


def same(have, want) -> bool:
    have = np.asarray(have)
    if have.dtype != want.dtype or have.shape != want.shape:
        return False
    return have.tobytes() == want.tobytes() or np.array_equal(bits(have), bits(want))  # NaNs have more than one


@pytest.mark.parametrize("number", range(len(PARAMETERS)), ids=["-".join(map(str, p.values())) for p in PARAMETERS])
@pytest.mark.parametrize("way", ["compiled", "python", *BUILDS])
def test_every_path(best, request, tmp_path_factory, way, number):
    """A step's rate has the same bits alone and in every array, range, thread, instruction set, backend and in C."""
    arrays, ranges = asked(best, number)
    if way in BUILDS:
        steps = [step for _, array, _ in arrays for step in array.tolist()]
        want = np.concatenate([rates for _, _, rates in arrays])
        with np.errstate(over="ignore", under="ignore"):
            single = want.astype(np.float32)
        cases = [(PARAMETERS[number], steps)]
        rates, singles = through_the_header(program(way, best, tmp_path_factory), cases)
        assert same(rates, want)
        assert same(singles, single)
        return
    package = request.getfixturevalue(way)
    info = package.build_info()
    kernel = sys.modules["cosine_fast._kernel" if way == "compiled" else "cosine_fast._reference"]
    schedule = package.CosineDecay(**PARAMETERS[number])
    try:
        for isa in info["isas"]:
            kernel.use_isa(isa)
            paths = [precomputed(schedule, ranges)]
            paths += [calls(schedule, steps, want, thorough=way == "compiled") for _, steps, want in arrays]
            if isa == info["isa"] and way == "compiled":
                paths.append(teams(schedule, *arrays[0][1:]))
            for name, have, want in itertools.chain.from_iterable(paths):
                assert same(have, want), f"{isa}: {name}"
    finally:
        kernel.use_isa(info["isa"])
