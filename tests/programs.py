"""C programs of the tests: built with each compiler that is here, fed with numbers by their bits."""

from __future__ import annotations

import functools
import importlib.resources
import os
import platform
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from family import made

PATHS = Path(__file__).parent / "numbers" / "paths.c"
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
# What zig compiles for; and what runs the program on Linux on x86-64, where something can.
TARGETS: dict[str, list[str] | None] = {
    "x86_64-linux-musl": [],  # the only one with musl, which zig compiles for each target anew
    "aarch64-linux-gnu": ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"],
    "riscv64-linux-gnu": ["qemu-riscv64-static", "-L", "/usr/riscv64-linux-gnu"],
    "x86_64-windows-gnu": ["wine"],
    **dict.fromkeys(("aarch64-macos", "x86_64-macos", "x86_64-freebsd")),
}


def each_build(quick: str) -> pytest.MarkDecorator:
    """Run a test with each build; without -m slow, with this one."""
    cases = [pytest.param(each, marks=[pytest.mark.slow] * (each != quick)) for each in BUILDS]
    return pytest.mark.parametrize("build", cases)


def emulator(build: str) -> list[str]:
    """The words in front of a program for another machine; none where that is what runs here, or nothing can run it."""
    if build == platform.machine():
        return []
    return [path for name in EMULATORS.get(build, ()) if (path := shutil.which(name))][:1]


def compiles(command: list[str], source: Path, output: Path) -> bool:
    result = subprocess.run([*command, source, "-o", output, "-lm"], capture_output=True, text=True, timeout=120)
    sys.stderr.write(result.stderr)
    return result.returncode == 0


@functools.cache
def command_of(build: str, folder: Path) -> tuple[list[str], str]:
    """The compiler's command for a build, and why there is none."""
    variable, usual, flags = BUILDS[build]
    named = [os.environ.get(variable), sysconfig.get_config_var(variable), usual] if variable else [usual]
    compilers = [words for name in named if name and shutil.which((words := shlex.split(name))[0])]
    if not compilers:
        return [], f"there is no compiler: no {variable or usual}, no {usual}"
    if build in EMULATORS and build != platform.machine() and not emulator(build):
        return [], f"there is no emulator: no {EMULATORS[build][0]}"
    command = [*compilers[0], *flags, "-ffp-contract=off", *WARNINGS]
    empty = folder / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    if not compiles(command, empty, folder / "empty"):
        return [], f"{compilers[0][0]} does not compile with {' '.join(flags)}"
    return command, ""


@functools.cache
def built(build: str, source: Path, include: Path, folder: Path) -> tuple[Path | None, str]:
    """A program, and why there is none; no reason where the compiler refused the source."""
    command, reason = command_of(build, folder)
    if reason:
        return None, reason
    if not (include / "cosine_fast.h").is_file():
        return None, "cosine_fast.h is not in the installed package"
    output = folder / "".join(c for c in source.stem + build if c.isalnum())
    return (output, "") if compiles([*command, f"-I{include}"], source, output) else (None, "")


def program(build: str, package: ModuleType, folders: pytest.TempPathFactory, source: Path = PATHS) -> list[str | Path]:
    """The command of a C source, compiled once a session against the headers that lie in this package."""
    include = Path(str(importlib.resources.files(package))) / "include"
    output, reason = built(build, source, include, folders.getbasetemp())
    if reason:
        pytest.skip(reason)
    assert output is not None, f"{source.name} does not compile without a warning: see the captured stderr"
    return [*emulator(build), output]


def hexadecimal(x: float) -> str:
    return struct.pack(">d", x).hex()


def typed(x: float) -> str:
    return f"i{x % 2**64:x}" if isinstance(x, int) else f"f{hexadecimal(x)}"


def line_of(name: str, numbers: Sequence[float], counts: Sequence[float]) -> str:
    """What paths.c reads to fold a schedule."""
    words = [*map(hexadecimal, map(float, numbers)), len(counts), *map(typed, counts)]
    return " ".join(map(str, ["p", name, len(numbers), *words]))


def lines_of(schedule: Any) -> list[str]:
    """The same for a schedule of Python: first, if it is joined, the schedules that it consists of."""
    numbers, counts, *_ = schedule._key
    lines = []
    for segment in schedule._segments if schedule._name == "joined_schedule" else ():
        lines += [*lines_of(segment.schedule), "c"]
    return [*lines, line_of(schedule._name, numbers, counts)]


def through_the_headers(
    program: list[str | Path], package: ModuleType, cases: list[tuple[str, dict, list]]
) -> tuple[np.ndarray, np.ndarray]:
    """What paths.c makes of schedules and their steps: the rates as float64 and as float32, one after another."""
    lines = []
    for name, p, steps in cases:
        lines += lines_of(made(package, name, p))
        lines += [f"s {typed(step)}" for step in steps]
    with tempfile.TemporaryFile("w+") as output:  # no pipe, which Wine's server would keep open
        result = subprocess.run(program, input="\n".join(lines), stdout=output, text=True, timeout=120)
        assert result.returncode == 0, "see the captured stderr"
        output.seek(0)
        rates = [[int(word, 16) for word in line.split()] for line in output]
    wide, single = np.array(rates, np.uint64).reshape(-1, 2).T
    return np.ascontiguousarray(wide).view(np.float64), single.astype(np.uint32).view(np.float32)
