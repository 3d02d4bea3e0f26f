"""Schedules in other people's programs: C, C++, Cython, Numba, SciPy, ctypes and cffi, with the golden bits.

Everything is built in an empty folder from what is installed, and skipped where that lacks what it needs.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import itertools
import math
import os
import platform
import random
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import threading
import warnings
import weakref
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from bits import INT64, assert_same
from draws import fractional_steps, whole_steps
from family import COSINE_DECAY, HARD, ORDINARY, made, ordinary, title
from golden import kinds, read
from programs import PATHS, each_build, emulator, hexadecimal, line_of, program, through_the_headers, typed
from samples import one_in

from cosine_fast.schedules import SCHEDULES

GOLDEN = read()
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SIMULATORS = ROOT / "examples" / "simulators"
DOCUMENT = ROOT / "docs" / "how-to" / "simulators.md"
RUNS, STEPS = "60", "400"


class Workshop:
    """An empty folder, and the installed package for whatever runs there."""

    flags: ClassVar[list[str]] = []

    def __init__(self, folder: Path, package) -> None:
        self.folder = folder
        path = os.pathsep.join(filter(None, [str(Path(package.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
        self.environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "2"}

    def run(self, *command, succeeds=True, **environment):
        result = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder, env={**self.environment, **environment}, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        sys.stderr.write(result.stderr)
        if succeeds:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    def python(self, *command, **options):
        return self.run(sys.executable, *command, **options)

    def cflags(self) -> list[str]:
        if not Workshop.flags:
            Workshop.flags += shlex.split(self.python("-m", "cosine_fast", "--cflags").stdout)
        return Workshop.flags

    def compile(self, command: str, *arguments) -> subprocess.CompletedProcess[str]:
        """With a compiler that is here."""
        if not shutil.which(command):
            pytest.skip(f"there is no {command}")
        return self.run(command, *arguments, *self.cflags(), "-lm")


@pytest.fixture
def workshop(tmp_path, compiled):
    return Workshop(tmp_path, compiled)


def integration(name):
    pytest.importorskip(name, reason=f"there is no {name}")
    return importlib.import_module(f"cosine_fast.integrations.{name}")


each_schedule = pytest.mark.parametrize(("name", "p"), ORDINARY, ids=[f"{name}-{title(p)}" for name, p in ORDINARY])


# ---- C and C++ ----


def test_include(workshop, compiled):
    """get_include is the folder of the header, and --cflags names it with the flags that the bits need."""
    assert Path(compiled.get_include(), "cosine_fast.h").is_file()
    flags = workshop.cflags()
    assert flags[0] == f"-I{compiled.get_include()}"
    assert "-ffp-contract=off" in flags


def test_the_command(workshop):
    """Without --cflags, `python -m cosine_fast` is the command cosine-fast."""
    for module in ("click", "tqdm"):
        pytest.importorskip(module, reason="the command line needs it")
    assert "backend" in workshop.python("-m", "cosine_fast", "info").stdout


def test_version(compiled):
    """The header's version is the package's."""
    header = Path(compiled.get_include(), "cosine_fast_embed.h").read_text()
    numbers = [re.search(rf"#define CF_VERSION_{part} (\d+)", header)[1] for part in ("MAJOR", "MINOR")]
    assert compiled.__version__.split(".")[:2] == numbers


# Each row of flags in the document: a compiler, its flags and what becomes of the program.
TABLE = "| compiler | flags | result |\n| --- | --- | --- |\n"
FLAGS = [
    (compiler.strip("`"), flags, result)
    for row in (DOCUMENT.read_text().split(TABLE)[1].split("\n\n")[0].splitlines() if DOCUMENT.is_file() else [])
    for compiler, cell, result in [row.strip("| ").split(" | ")]
    for flags in cell.strip("`").split("`, `")
]
PROBE = """
    #include <math.h>
    #include <stdlib.h>
    #if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 12
    #error
    #endif
    int main(void) { volatile double x = 1.0; return fma(x, x, -1.0) != 0.0; }
"""


@pytest.fixture(scope="module")
def some_rates(compiled):
    """Schedules of all classes with some steps, and their rates."""
    cases = [(name, p, whole_steps(name, p, count=4)[:40].tolist()) for name, p in HARD]
    return cases, np.array([rate for name, p, steps in cases for rate in map(made(compiled, name, p), steps)])


def some_slow(number, row):
    """By default, every third of those that are refused, and of the others g++'s that finds that it has other bits."""
    slow = number % 3 if row[2] == "refused" else (row[0], row[2]) != ("g++", "found")
    return pytest.param(*row, id=f"{row[0]} {row[1]}", marks=[pytest.mark.slow] * bool(slow))


@pytest.mark.parametrize(("compiler", "flags", "result"), [some_slow(*row) for row in enumerate(FLAGS)])
def test_flags(workshop, compiled, some_rates, compiler, flags, result):
    """A program with these flags has the same bits, or does not compile, or finds that it has others."""
    elsewhere = compiler.startswith("aarch64") and platform.machine() != "aarch64"
    machine = emulator("aarch64") if elsewhere else []
    (workshop.folder / "probe.c").write_text(textwrap.dedent(PROBE))
    command = [compiler, *flags.split(), f"-I{compiled.get_include()}"]
    if not shutil.which(compiler) or workshop.run(*command, "probe.c", "-o", "probe", "-lm", succeeds=False).returncode:
        pytest.skip(f"there is no {compiler} with {flags}")
    if result == "refused":
        refused = workshop.run(*command, "-c", PATHS, succeeds=False)
        assert refused.returncode
        assert '"cosine_fast.h: compile with' in refused.stderr
        return
    if (elsewhere and not machine) or workshop.run(*machine, "./probe", succeeds=False).returncode:
        pytest.skip(f"this machine does not run a program of {compiler} {flags}")
    workshop.run(*command, PATHS, "-o", "paths", "-lm")
    paths = [*machine, workshop.folder / "paths"]
    if result == "found":
        assert workshop.run(*paths, succeeds=False).returncode == 2
    else:
        assert result == "same bits"
        assert_same(through_the_headers(paths, compiled, some_rates[0])[0], some_rates[1])


STATES = """
    #include <cosine_fast.h>
    #include <fenv.h>
    #ifdef __SSE2__
    #include <xmmintrin.h>
    #endif
    int main(void)
    {
        const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
        int i, wrong = 0;
        for (i = 0; i < 4; i++) {
            if (fesetround(modes[i])) return 1;
            wrong |= cf_environment_is_sound() != (i == 0) || cf_self_check() != (i == 0);
        }
        fesetround(FE_TONEAREST);
    #ifdef __SSE2__
        for (i = 0; i < 3; i++) { /* flush to zero, denormals are zero, the default */
            _mm_setcsr(i == 0 ? 0x9f80 : i == 1 ? 0x1fc0 : 0x1f80);
            wrong |= cf_environment_is_sound() != (i == 2) || cf_self_check() != (i == 2);
        }
    #endif
        return wrong;
    }
"""


@pytest.mark.parametrize("level", [pytest.param("-O0", marks=pytest.mark.slow), "-O3"])
@pytest.mark.parametrize("compiler", ["gcc", pytest.param("clang", marks=pytest.mark.slow)])
def test_environment(workshop, compiler, level):
    """Another rounding mode, or subnormal numbers taken for zeros, is found."""
    (workshop.folder / "states.c").write_text(textwrap.dedent(STATES))
    workshop.compile(compiler, level, "-std=c99", "-Wall", "-Wextra", "-Werror", "states.c", "-o", "states")
    workshop.run("./states")


def through_c(command, cases, **environment):
    """What tests/embed.c makes of parameters and their steps: its errors, and its rates."""
    lines = []
    for p, steps in cases:
        target = math.nan if p["warmup_target"] is None else p["warmup_target"]
        counts = [typed(p[name]) for name in ("decay_steps", "warmup_steps")]
        end = p.get("end_learning_rate")
        rates = [hexadecimal(x) for x in (p["initial_learning_rate"], p["alpha"] if end is None else end, target)]
        lines.append(f"{'p' if end is None else 'e'} {rates[0]} {counts[0]} {rates[1]} {rates[2]} {counts[1]}")
        lines += [f"s {typed(step)}" for step in steps]
    environment = {**os.environ, **environment}
    text = "\n".join(lines)
    result = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    said = [line for line in result.stdout.splitlines() if " " in line]
    rates = [int(line, 16) for line in result.stdout.splitlines() if " " not in line]
    return said, np.array(rates, np.uint64).view(np.float64)


@each_build("C, -O3")
def test_golden_c(compiled, tmp_path_factory, build):
    """A step, a step of a plain loop, an array and a range have the golden bits in C and C++, and Python's bits at
    whole and fractional steps about every joint of many schedules."""
    cases = [(p._asdict(), [value.step for value in values]) for p, values in GOLDEN]
    wanted = [value.float64 for _, values in GOLDEN for value in values]
    slow = build.endswith("-O0") or build == "aarch64"  # it takes 10 times as long
    for p in COSINE_DECAY.hard[:: 8 if slow else 1]:
        steps = whole_steps("CosineDecay", p, count=20).tolist()
        steps += fractional_steps("CosineDecay", p)[:300].tolist()
        schedule = compiled.CosineDecay(**p)
        cases.append((p, steps))
        wanted += [schedule(step) for step in steps]
    errors, rates = through_c(program(build, compiled, tmp_path_factory, HERE / "embed.c"), cases)
    assert set(errors) == {"0 no error"}
    assert_same(rates, np.array(wanted))


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_sanitizers(workshop, compiler):
    """Nothing beside its memory, and nothing undefined, in any of these ways."""
    flags = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    (workshop.folder / "empty.c").write_text("int main(void) { return 0; }\n")
    if (
        not shutil.which(compiler)
        or workshop.run(compiler, *flags, "empty.c", succeeds=False, LD_PRELOAD="").returncode
    ):
        pytest.skip(f"there is no {compiler} with sanitizers")
    workshop.compile(compiler, *flags, HERE / "embed.c", "-o", "embed")
    cases = [(p._asdict(), [value.step for value in values]) for p, values in GOLDEN]
    rates = through_c([workshop.folder / "embed"], cases, LD_PRELOAD="")[1]
    assert_same(rates, np.array([value.float64 for _, values in GOLDEN for value in values]))


RATES = [0.0, 1.0, -0.5, 1e301, 1.1e301, -1e301, math.inf, math.nan]
COUNTS = [0, -0.0, 1, 2**-64, 2**-65, 2.5, -1, 2**63 - 1, 2.0**63, 2.0**62, math.inf, math.nan]


def test_errors_c(compiled, tmp_path_factory):
    """C refuses the parameters that Python refuses, names the same one, and takes all others."""
    cases, wanted = [], []
    names = ("initial_learning_rate", "decay_steps", "alpha", "warmup_target", "warmup_steps")
    some = [0.0, 1.0, -0.5, 1e301, math.inf]
    for values in [
        *itertools.product(RATES, [100], some, [None, *some], [0, 10]),
        *itertools.product([0.1], COUNTS, [0.0], [None, 1.0], COUNTS),
        *itertools.product([0.1, -1e301], [100], RATES, [1.0, 1e301], [1e-3, 10]),
    ]:
        p = dict(zip(names, values, strict=True))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of warmup_steps without warmup_target
                compiled.CosineDecay(**p)
            wanted.append("")
        except ValueError as error:
            wanted.append(str(error))
        cases.append((p, [3, 0.5]))
    errors, _ = through_c(program("C, -O3", compiled, tmp_path_factory, HERE / "embed.c"), cases)
    assert len(set(errors)) == 7  # each of them is among these
    for error, message, (p, _) in zip(errors, wanted, cases, strict=True):
        code, text = error.split(" ", 1)
        assert (code == "0") == (message == ""), (p, error, message)
        argument = re.match(r"Argument `(\w+)`", message)
        if argument:
            assert text.startswith(argument[1]), (p, error, message)


# The parameters that C takes as numbers and as numbers of steps; `absolute` says that alpha is end_learning_rate.
TAKEN = {
    "CosineDecay": ("warmup_target alpha initial_learning_rate absolute", "decay_steps warmup_steps"),
    "CosineDecayRestarts": ("initial_learning_rate t_mul m_mul alpha absolute", "first_decay_steps"),
    "ExponentialDecay": ("initial_learning_rate decay_rate staircase", "decay_steps"),
    "InverseSquareRootDecay": ("initial_learning_rate", "timescale shift"),
    "InverseTimeDecay": ("initial_learning_rate decay_rate staircase", "decay_steps"),
    "JoinedSchedule": ("signs", "boundaries offsets"),
    "LogarithmicWarmup": ("peak_learning_rate initial_learning_rate", "warmup_steps"),
    "PiecewiseConstantDecay": ("values", "boundaries"),
    "PolynomialDecay": ("initial_learning_rate end_learning_rate power cycle", "decay_steps"),
    "PowerCosineDecay": ("initial_learning_rate end_learning_rate exponent k_decay", "decay_steps"),
}
LISTS = ("signs", "values", "boundaries", "offsets")
FLAGS = ("absolute", "staircase", "cycle")
HOSTILE = [*RATES, -0.0, 2.0, -1.0, 1e-300, 2.0**1000, 1.5e308, -1.5e308]
HOSTILE += [edge * (1 + by) for edge in (2.0**-64, 2.0**64, 2.0**-10, 2.0**10) for by in (0, 2**-52, -(2**-53))]
HOSTILE_COUNTS = [*COUNTS, 2**-32, 2**-33, 2 - 2**-52, 2.0, 1e-300, 2**53 + 1, 1e19, -1e19]
HOSTILE_COUNTS += [-(2**63), -(2**63) + 1, -(2.0**63), -math.inf]


def drawn_row(draw, name):
    """Parameters, each as a list, and how many numbers in them are hostile."""
    numbers, counts = (keys.split() for keys in TAKEN[name])
    n = draw.randint(1, 5) if name in ("JoinedSchedule", "PiecewiseConstantDecay") else 1
    p = {key: [draw.choice([0.5, 1.0, draw.uniform(0.01, 2.0)]) for _ in range(n)] for key in numbers}
    p |= {key: [draw.choice([2, 1000, draw.randint(2, 10**6)]) for _ in range(n)] for key in counts}
    p |= {key: [float(draw.random() < 0.5)] for key in FLAGS if key in p}
    if "signs" in p:
        p["signs"] = [1.0] * n
    if "boundaries" in p:
        p["boundaries"] = list(itertools.accumulate(p["boundaries"][1:]))
    places = [(items, i, key in numbers) for key, items in p.items() for i in range(len(items)) if key != "signs"]
    hostile = draw.sample(places, min(len(places), draw.choice([0, 1, 1, 1, 2, 3])))
    for items, i, is_number in hostile:
        items[i] = draw.choice(HOSTILE if is_number else HOSTILE_COUNTS)
    return p, len(hostile)


def made_of(package, name, p):
    """The schedule of these parameters in Python."""
    p = {key: items if key in LISTS else items[0] for key, items in p.items()}
    p |= {key: bool(p[key]) for key in FLAGS if p.get(key) in (0.0, 1.0)}
    if (absolute := p.pop("absolute", False)) is True:
        p["end_learning_rate"] = p.pop("alpha")
    elif absolute:
        raise TypeError("Argument `absolute` must be True or False.")  # Python has no such parameter
    if signs := p.pop("signs", []):
        p["schedules"] = [package.ExponentialDecay(0.1, k, 0.5) for k in range(1, len(signs) + 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of warmup_steps 0
        return getattr(package, name)(**p)


def text_of(message):
    """How C's text begins where Python has this message."""
    if "2**1000" in message:
        return "the rates"
    return "staircase" if "True or False" in message else re.match(r"Argument `(\w+)`", message)[1]


def test_errors_of_all_schedules(compiled, tmp_path_factory):
    """C refuses the numbers that Python refuses, names the same parameter, and has Python's bits of all others."""
    assert {getattr(compiled, name)._name for name in TAKEN} == {cls._name for cls in SCHEDULES.values()}
    draw = random.Random(0)
    steps = [0, 1, 7, -3, 10**5, 2**40 + 1, *INT64, 0.5, 1234.75, 1e-300, 1e18]
    lines, wanted, rates = [], [], []

    def ask(name, numbers, counts, text):
        for k in range(len(numbers) if name == "JoinedSchedule" else 0):
            lines.extend([line_of("exponential_decay", [0.1, 0.5, 0.0], [k + 1]), "c"])
        lines.extend([line_of(getattr(compiled, name)._name, numbers, counts), "e"])
        wanted.append((text, name, numbers, counts))
        if text == "no error":
            lines.extend(f"s {typed(step)}" for step in steps)

    for name in [*TAKEN] * 1000:
        p, hostile = drawn_row(draw, name)
        row = [[x for key in keys.split() for x in p[key]] for keys in TAKEN[name]]
        try:
            schedule = made_of(compiled, name, p)
        except (TypeError, ValueError) as error:
            ask(name, *row, text_of(str(error)) if hostile == 1 else "")
        else:
            ask(name, *row, "no error")
            rates += [schedule(step) for step in steps]
            ask(name, row[0][:-1], row[1], "there must be")
            ask(name, row[0], [*row[1], 1], "there must be")
    for sign in (0.0, 2.0, math.nan):
        ask("JoinedSchedule", [1.0, sign], [5, 0, 5], "signs")

    command = program("C, -O3", compiled, tmp_path_factory)
    result = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, timeout=300)
    said, errors, found = iter(result.stdout.splitlines()), set(), []
    for text, *row in wanted:
        error, words = next(said).split(" ", 1)
        errors.add(int(error))
        assert (error == "0") == (text == "no error"), (row, words, text)
        assert words.startswith(text), (row, words, text)
        found += [int(next(said).split()[0], 16) for _ in steps] if text == "no error" else []
    assert result.returncode == 0, result.stderr
    assert errors == {*range(26)} - {8, 10}  # those two are in embed.c: no schedule, and no memory
    assert_same(np.array(found, np.uint64).view(np.float64), np.array(rates))


LOOP = """
    #include <cosine_fast.h>
    void descend(const cf_cosine_decay *schedule, int64_t first, int64_t n, double *x, const double *slopes);
    void descend(const cf_cosine_decay *schedule, int64_t first, int64_t n, double *x, const double *slopes)
    {
        const cf_cosine_decay own = *schedule;
        int64_t i;
        if (!cf_cosine_decay_is_plain(&own, (double)first, (double)(first + n))) return;
        for (i = 0; i < n; i++) x[i] -= cf_cosine_decay_plain_int64(&own, first + i) * slopes[i]; /* here */
    }
"""


@pytest.mark.parametrize(
    ("compiler", "report"), [("gcc", "-fopt-info-vec-optimized"), ("clang", "-Rpass=loop-vectorize")]
)
def test_loops_vectorise(workshop, compiler, report):
    """A caller's own loop around the plain step becomes one of vectors, with the flags that --cflags prints."""
    source = textwrap.dedent(LOOP)
    here = next(i for i, line in enumerate(source.splitlines(), 1) if "/* here */" in line)
    (workshop.folder / "loop.c").write_text(source)
    result = workshop.compile(compiler, "-O3", report, "-c", "loop.c")
    assert re.search(rf"loop\.c:{here}:\d+: .*vectorized", result.stderr), result.stderr


# ---- Versions ----


def older_or_newer(workshop, compiled, major, minor):
    """The include folder of another version of the package."""
    folder = workshop.folder / f"include-{major}-{minor}"
    shutil.copytree(compiled.get_include(), folder)
    header = folder / "cosine_fast_embed.h"
    text = header.read_text()
    for part, number in (("MAJOR", major), ("MINOR", minor)):
        text = re.sub(rf"(#define CF_VERSION_{part}) \d+", rf"\1 {number}", text)
    header.write_text(text)
    return folder


def test_versions(workshop, compiled):
    """Code compiled with an older minor version is served; with a newer one, or another major one, it is told why."""
    kernel = sys.modules["cosine_fast._kernel"]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    api = pointer(kernel.C_API, b"cosine_fast._kernel.C_API")
    (workshop.folder / "check.c").write_text(
        "#include <cosine_fast.h>\nconst char *check(const cf_api *api) { return cf_api_error(api); }\n"
    )
    major, minor = map(int, compiled.__version__.split(".")[:2])
    for its, said in [
        ((major, minor), None),
        ((major, minor - 1), None),
        ((major, minor + 1), "older than the one this was compiled with"),
        ((major + 1, 0), "another major version"),
    ]:
        library = workshop.folder / f"check-{its[0]}-{its[1]}.so"
        folder = older_or_newer(workshop, compiled, *its)
        workshop.compile("cc", "-O1", f"-I{folder}", "-shared", "-fPIC", "check.c", "-o", library)
        check = ctypes.CDLL(str(library)).check
        check.restype, check.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
        error = check(api)
        assert (error is None) == (said is None)
        assert said is None or said in error.decode()


# ---- Cython ----

CYTHON = """
    # cython: language_level=3
    from libc.stdint cimport int64_t
    from cosine_fast cimport (
        CF_NO_WARMUP, CF_OK, cf_api, cf_cosine_decay, cf_cosine_decay_at_double, cf_cosine_decay_at_int64,
        cf_cosine_decay_init_checked, cf_cosine_decay_of_doubles, cf_cosine_decay_of_int64s, cf_cosine_decay_of_range,
        cf_cosine_decay_to_init_checked, cf_error_text, cf_from_double, cf_from_int64, cf_import, cf_pair,
        cf_schedule_of,
    )

    cdef cf_pair count(x) except *:
        return cf_from_int64(x) if isinstance(x, int) else cf_from_double(x)

    def rates(p, int64_t[::1] int64s, double[::1] doubles, double[:, ::1] of_int64s, double[:, ::1] of_doubles):
        cdef cf_cosine_decay schedule
        cdef int64_t i
        cdef double target = CF_NO_WARMUP if p["warmup_target"] is None else p["warmup_target"]
        cdef double start = p["initial_learning_rate"]
        cdef cf_pair decay_steps = count(p["decay_steps"]), warmup_steps = count(p["warmup_steps"])
        cdef int error
        if p.get("end_learning_rate") is None:
            error = cf_cosine_decay_init_checked(&schedule, start, decay_steps, p["alpha"], target, warmup_steps)
        else:
            error = cf_cosine_decay_to_init_checked(
                &schedule, start, decay_steps, p["end_learning_rate"], target, warmup_steps
            )
        if error != CF_OK:
            raise ValueError(cf_error_text(error).decode())
        with nogil:
            for i in range(int64s.shape[0]):
                of_int64s[0, i] = cf_cosine_decay_at_int64(&schedule, int64s[i])
                cf_cosine_decay_of_range(&schedule, int64s[i], 1, &of_int64s[1, i], 1)
            for i in range(doubles.shape[0]):
                of_doubles[0, i] = cf_cosine_decay_at_double(&schedule, doubles[i])
            if int64s.shape[0]:
                cf_cosine_decay_of_int64s(&schedule, &int64s[0], &of_int64s[2, 0], int64s.shape[0])
            if doubles.shape[0]:
                cf_cosine_decay_of_doubles(&schedule, &doubles[0], &of_doubles[1, 0], doubles.shape[0])

    def any_rates(schedule, int64_t[::1] steps, double[::1] into):
        cdef const cf_api *api = cf_import()
        cdef const void *its = cf_schedule_of(api, schedule)
        with nogil:
            api.of_int64s(its, &steps[0], &into[0], steps.shape[0])
        return api.at_double(its, 1.5)
"""

SETUP = """
    import shlex, sys
    from Cython.Build import cythonize
    from setuptools import Extension, setup
    flags = shlex.split(open("flags").read())
    setup(ext_modules=cythonize([Extension(sys.argv.pop(), ["embedded.pyx"], extra_compile_args=flags)]))
"""

CYTHON_CHECK = """
    import sys
    sys.path[:0] = {path!r}
    import numpy as np
    import cosine_fast, embedded
    from bits import assert_same
    from family import ordinary
    from golden import read

    for p, values in read():
        int64s = [value for value in values if isinstance(value.step, int)]
        doubles = [value for value in values if isinstance(value.step, float)]
        a, b = np.empty((3, len(int64s))), np.empty((2, len(doubles)))
        steps = np.array([v.step for v in int64s], np.int64), np.array([v.step for v in doubles])
        embedded.rates(p._asdict(), *steps, a, b)
        assert_same(a, np.tile(np.array([v.float64 for v in int64s]), (3, 1)), p)
        assert_same(b, np.tile(np.array([v.float64 for v in doubles]), (2, 1)), p)
    steps = np.arange(-50, 1200)
    for schedule in ordinary(cosine_fast):
        into = np.empty(steps.size)
        assert embedded.any_rates(schedule, steps, into) == schedule(1.5)
        assert_same(into, schedule(steps), schedule)
    for bad, error in [(dict(decay_steps=0), ValueError), (dict(decay_steps=-1.5), ValueError)]:
        p = dict(initial_learning_rate=0.1, decay_steps=10, alpha=0.0, warmup_target=None, warmup_steps=0) | bad
        try:
            embedded.rates(p, steps, steps * 1.0, a, b)
        except error as problem:
            assert "decay_steps must be > 0" in str(problem)
        else:
            raise AssertionError(bad)
    unmade = cosine_fast.CosineDecay.__new__(cosine_fast.CosineDecay)
    for wrong in (3, None, cosine_fast.LearningRateSchedule(), unmade):
        try:
            embedded.any_rates(wrong, steps, into)
        except TypeError as problem:
            print(problem)
        else:
            raise AssertionError(wrong)
"""


def build_cython(workshop, *flags, source=CYTHON):
    for module in ("Cython", "setuptools"):
        pytest.importorskip(module, reason=f"there is no {module}")
    if not shutil.which("cc"):
        pytest.skip("there is no compiler")
    (workshop.folder / "embedded.pyx").write_text(textwrap.dedent(source))
    (workshop.folder / "setup.py").write_text(textwrap.dedent(SETUP))
    (workshop.folder / "flags").write_text(shlex.join([*flags, *workshop.cflags(), "-O1"]))
    workshop.python("setup.py", "-q", "build_ext", "--inplace", "--force", "embedded")


def test_cython(workshop):
    """cimported functions have the golden bits, without the GIL; Python's schedules of every class can be handed in."""
    build_cython(workshop)
    check = textwrap.dedent(CYTHON_CHECK).format(path=[str(workshop.folder), str(HERE.parent)])
    assert "int" in workshop.python("-c", check).stdout


SCHEDULES_IN_CYTHON = """
    # cython: language_level=3
    from libc.stdlib cimport free, malloc
    from cosine_fast cimport cf_error_text, cf_from_double, cf_pair
    from cosine_fast.schedules cimport (
        cf_function_of, cf_schedule, cf_schedule_at, cf_schedule_init_checked, cf_schedule_memory,
    )

    def set_rates(bytes name, double[::1] numbers, double[::1] counts, double[::1] steps, double[::1] rates):
        cdef cf_schedule schedule
        cdef cf_pair pairs[100]
        cdef int function = cf_function_of(name), i, error
        cdef void *memory = malloc(1 + cf_schedule_memory(function, &numbers[0], counts.shape[0]))
        for i in range(counts.shape[0]):
            pairs[i] = cf_from_double(counts[i])
        error = cf_schedule_init_checked(
            &schedule, function, &numbers[0], numbers.shape[0], pairs, counts.shape[0], memory
        )
        with nogil:
            for i in range(0 if error else steps.shape[0]):
                rates[i] = cf_schedule_at(&schedule, cf_from_double(steps[i]))
            free(memory)
        if error:
            raise ValueError(cf_error_text(error).decode())
"""

SCHEDULES_CHECK = """
    import sys
    sys.path[:0] = {path!r}
    import numpy as np
    import cosine_fast, embedded
    from bits import assert_same
    from family import ordinary

    steps, rates, names = np.linspace(-50, 1200, 501), np.empty(501), set()
    for schedule in ordinary(cosine_fast):
        numbers, counts = (np.array(part, float) for part in schedule._key[:2])
        if schedule._name != "joined_schedule":
            names.add(schedule._name)
            embedded.set_rates(schedule._name.encode(), numbers, counts, steps, rates)
            assert_same(rates, schedule(steps), schedule)
    try:
        embedded.set_rates(b"exponential_decay", np.array([0.1, -0.5, 0.0]), np.array([10.0]), steps, rates)
    except ValueError as problem:
        print(len(names), problem)
"""


def test_every_schedule_in_cython(workshop):
    """Made of numbers and evaluated without the GIL; `test_errors_of_all_schedules` makes the joined ones, in C."""
    build_cython(workshop, source=SCHEDULES_IN_CYTHON)
    check = textwrap.dedent(SCHEDULES_CHECK).format(path=[str(workshop.folder), str(HERE.parent)])
    said = workshop.python("-c", check).stdout
    kinds = {cls._name for cls in SCHEDULES.values()} - {"joined_schedule"}
    assert said.startswith(f"{len(kinds)} decay_rate must be finite, and >= 0"), said


def test_cython_of_a_newer_version(workshop, compiled):
    """A module compiled with a newer header says so when it asks for the package's functions."""
    major, minor = map(int, compiled.__version__.split(".")[:2])
    build_cython(workshop, f"-I{older_or_newer(workshop, compiled, major, minor + 7)}")
    program = "import numpy as np, embedded; embedded.any_rates(None, np.arange(3), np.empty(3))"
    result = workshop.python("-c", program, succeeds=False)
    assert f"compiled with: {major}.{minor + 7}" in result.stderr.splitlines()[-1]
    assert "ImportError: the installed cosine_fast is older" in result.stderr


# ---- Numba ----


@pytest.fixture(scope="module")
def numba_integration(compiled):
    return integration("numba")


@pytest.fixture(scope="module")
def evaluate(numba_integration):
    """Steps to rates by a compiled parallel loop."""
    numba = pytest.importorskip("numba")

    @numba.njit(parallel=True)
    def evaluate(schedule, steps, rates):
        for i in numba.prange(len(steps)):
            rates[i] = schedule(steps[i])

    def call(schedule, steps, dtype=np.float64):
        rates = np.empty(len(steps), dtype)
        evaluate(schedule, steps, rates)
        return rates

    return call


def test_numba_golden(compiled, evaluate):
    """The golden bits, of int64 and float64 steps, and as float32 where that is the schedule's dtype."""
    for p, values in GOLDEN:
        schedule = compiled.CosineDecay(**p._asdict())
        for steps, rates, _ in kinds(values):
            assert_same(evaluate(schedule, steps), rates, p)
    schedule = compiled.CosineDecay(np.float32(0.1), 1000)
    assert_same(evaluate(schedule, np.arange(1100), np.float32), schedule(np.arange(1100)))
    precompute = pytest.importorskip("numba").njit(lambda schedule, stop: schedule.precompute(stop))
    assert_same(precompute(schedule, 1100), schedule.precompute(1100))


@each_schedule
def test_numba_family(compiled, evaluate, name, p):
    """Every class, with the same compiled function; precompute too."""
    numba = pytest.importorskip("numba")
    schedule = made(compiled, name, p)
    for steps in (np.arange(-20, 1200), np.arange(-20, 1200) * 0.9, np.arange(300, dtype=np.int32)):
        assert_same(evaluate(schedule, steps), schedule(steps))
    precompute = numba.njit(lambda schedule, start, stop, step: schedule.precompute(start, stop, step))
    for start, stop, step in ((0, 1200, 1), (1000, -5, -7), (5, 5, 1), (5, 0, 1), (-(2**63), -(2**63) + 9, 4)):
        assert_same(precompute(schedule, start, stop, step), schedule.precompute(start, stop, step))
    assert_same(numba.njit(lambda schedule, stop: schedule.precompute(stop))(schedule, 9), schedule.precompute(9))
    with pytest.raises(ValueError, match="must not be 0"):
        precompute(schedule, 0, 1, 0)


def test_numba_one_compilation(compiled, numba_integration):
    """Another schedule, of whatever class, needs no new compilation."""
    numba = pytest.importorskip("numba")
    rate = numba.njit(lambda schedule, step: schedule(step))
    assert [rate(schedule, 15) for schedule in ordinary(compiled)] == [schedule(15) for schedule in ordinary(compiled)]
    assert len(rate.signatures) == 1


def test_numba_scalars(compiled, numba_integration):
    """Steps of every type of number; what is no number does not compile."""
    numba = pytest.importorskip("numba")
    schedule = compiled.CosineDecay(0.1, 1000)
    rate = numba.njit(lambda schedule, step: schedule(step))
    for step in (7, -7, 7.5, np.int8(7), np.uint16(7), np.float32(7.5), np.uint64(7)):
        assert rate(schedule, step) == schedule(step)
    for step in (True, "7", 7j, None, np.arange(3)):
        with pytest.raises(numba.core.errors.TypingError, match=r"int64,\) -> float64"):
            rate(schedule, step)
    precompute = numba.njit(lambda schedule, start, stop: schedule.precompute(start, stop))
    for start, stop in ((0.5, 3), (0, 3.0), (True, 3), ("0", 3)):
        with pytest.raises(numba.core.errors.TypingError):
            precompute(schedule, start, stop)


def test_numba_constants_live(compiled, numba_integration):
    """A schedule that compiled code holds as a global lives as long, whatever becomes of the global."""
    numba = pytest.importorskip("numba")

    def make():
        schedule = compiled.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
        return numba.njit(lambda step: schedule(step)), weakref.ref(schedule)

    rate, schedule = make()
    assert rate(5) == 1.0
    rate.py_func.__closure__[0].cell_contents = None
    gc.collect()
    assert schedule() is not None
    assert [rate(step) for step in (5, 15, 25)] == [1.0, 0.5, 0.25]


def test_numba_arguments_are_let_go(compiled, numba_integration):
    """What was only an argument is freed after the call, and no reference is lost."""
    numba = pytest.importorskip("numba")
    rate = numba.njit(lambda schedule, step: schedule(step))
    many = numba.njit(lambda schedules, step: schedules[0](step) + schedules[-1](step))
    schedule = compiled.CosineDecay(0.1, 1000)
    before = sys.getrefcount(schedule)
    schedules = numba_integration.Schedules([schedule, schedule])
    held = sys.getrefcount(schedules._addresses)
    for step in range(100):
        rate(schedule, step)
        many(schedules, step)
    held -= sys.getrefcount(schedules._addresses)  # not in the assertion, which would hold one more
    assert held == 0
    del schedules
    before -= sys.getrefcount(schedule)
    assert before == 0
    ref = weakref.ref(schedule)
    del schedule
    assert ref() is None


def test_numba_schedules(compiled, numba_integration):
    """Schedules: many in one argument, each by its index, checked in Python and in compiled code."""
    numba = pytest.importorskip("numba")
    made = [*ordinary(compiled), *(compiled.CosineDecay(0.01 * i, 100 + i) for i in range(1, 300))]
    schedules = numba_integration.Schedules(made)

    @numba.njit(parallel=True)
    def rates(schedules, step):
        result = np.empty(len(schedules))
        for i in numba.prange(len(schedules)):
            result[i] = schedules[i](step)
        return result

    assert_same(rates(schedules, 15), np.array([schedule(15) for schedule in made]))
    assert len(schedules) == len(made)
    assert schedules[-1] is made[-1]
    assert list(schedules) == made
    at = numba.njit(lambda schedules, i: schedules[i](15))
    assert at(schedules, -1) == made[-1](15)
    for index in (len(made), -len(made) - 1, 2**62):
        with pytest.raises(IndexError, match="schedule index out of range"):
            at(schedules, index)
    empty = numba_integration.Schedules([])
    assert rates(empty, 15).size == 0
    with pytest.raises(IndexError):
        at(empty, 0)
    with pytest.raises(TypeError, match=r"must be schedules of cosine_fast. Received one of type: int"):
        numba_integration.Schedules([3])
    with pytest.raises(ValueError, match="of one dtype"):
        numba_integration.Schedules([*made, compiled.CosineDecay(np.float32(0.1), 10)])
    single = numba_integration.Schedules([compiled.CosineDecay(np.float32(0.1), 10)])
    assert numba.typeof(at(single, 0)) == numba.float64  # Python has no other; the rounding shows
    assert at(single, 0) == float(single[0](15))


def test_numba_own_call(compiled, numba_integration):
    """A subclass with a __call__ of its own is refused, not taken for its base."""
    numba = pytest.importorskip("numba")

    class Halved(compiled.CosineDecay):
        def __call__(self, step):
            return super().__call__(step) / 2

    with pytest.raises(TypeError, match="Halved has a __call__ of its own"):
        numba.njit(lambda schedule: schedule(3))(Halved(0.1, 10))


NUMBA_CACHED = """
    import numba
    from cosine_fast import CosineDecay
    import cosine_fast.integrations.numba

    @numba.njit(cache=True)
    def rate(schedule, step):
        return schedule(step)

    if __name__ == "__main__":
        schedule = CosineDecay(0.1, 1000)
        assert rate(schedule, 333) == schedule(333)
        print(sum(rate.stats.cache_hits.values()))
"""


def test_numba_cache(workshop, numba_integration):
    """Compiled code comes from the cache in another process, where everything lies elsewhere."""
    (workshop.folder / "cached.py").write_text(textwrap.dedent(NUMBA_CACHED))
    assert [workshop.python("cached.py").stdout for _ in range(2)] == ["0\n", "1\n"]


# ---- SciPy, ctypes, cffi ----


@pytest.mark.filterwarnings("ignore:The maximum number of subdivisions")  # of steep restarts
def test_scipy(compiled):
    """quad of a LowLevelCallable has the bits of quad of the schedule, and the function those of a step."""
    scipy_integrate = pytest.importorskip("scipy.integrate", reason="there is no scipy")
    low_level_callable = integration("scipy").low_level_callable
    for schedule in ordinary(compiled):
        found = low_level_callable(schedule)
        assert found.signature == "double (double, void *)"
        for options in ({}, {"points": [10, 20]}):
            assert scipy_integrate.quad(found, 0, 1500, **options) == scipy_integrate.quad(schedule, 0, 1500, **options)
    # Only the callable is left of the schedule.
    schedule = compiled.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
    ref = weakref.ref(schedule)
    found = low_level_callable(schedule)
    del schedule
    gc.collect()
    assert ref() is not None
    assert scipy_integrate.quad(found, 20, 24)[0] == 1.0
    del found
    gc.collect()
    assert ref() is None


def test_scipy_golden(compiled):
    """The golden bits come out of the pointers that SciPy is given."""
    low_level_callable = integration("scipy").low_level_callable
    pointer, name = ctypes.pythonapi.PyCapsule_GetPointer, ctypes.pythonapi.PyCapsule_GetName
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    for p, values in GOLDEN:
        found = low_level_callable(compiled.CosineDecay(**p._asdict()))
        capsule, user_data = found.function, found.user_data
        function = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_void_p)(pointer(capsule, name(capsule)))
        for value in values:
            if isinstance(value.step, float):
                assert_same(function(value.step, pointer(user_data, None)), value.float64, value)


def test_ctypes_golden(compiled):
    """The golden bits, step by step and from arrays."""
    functions = integration("ctypes")
    for p, values in GOLDEN:
        schedule = compiled.CosineDecay(**p._asdict())
        for value in values:
            at = functions.at_int64 if isinstance(value.step, int) else functions.at_double
            assert_same(at(schedule, value.step), value.float64, value)
            if isinstance(value.step, float):
                assert_same(functions.integrand(value.step, schedule), value.float64, value)
        for steps, rates, _ in kinds(values):
            for n in (1, len(steps), 700):
                many, want = np.resize(steps, n), np.resize(rates, n)
                into = np.empty(n)
                of = functions.of_int64s if steps.dtype == np.int64 else functions.of_doubles
                of(schedule, np.ctypeslib.as_ctypes(many), np.ctypeslib.as_ctypes(into), n)
                assert_same(into, want, p)


@each_schedule
def test_ctypes_family(compiled, isa, name, p):
    """Every class, on every instruction set; ranges, in place, from many threads at once, and nothing beside."""
    functions = integration("ctypes")
    schedule = made(compiled, name, p)
    want = schedule.precompute(-7, 4000)
    assert functions.at_double(schedule, 15.5) == schedule(15.5)
    wrong = []

    def work():
        rates = np.full(want.size + 2, -1.0)
        for start, step, expected in ((-7, 1, want), (3999, -1, want[::-1])):
            functions.of_range(schedule, start, step, np.ctypeslib.as_ctypes(rates[1:-1]), want.size)
            wrong.append(not np.array_equal(rates[1:-1], expected) or rates[0] != -1.0 or rates[-1] != -1.0)
        steps = np.arange(-7, 4000)
        functions.of_int64s(
            schedule, np.ctypeslib.as_ctypes(steps), np.ctypeslib.as_ctypes(steps.view(np.float64)), steps.size
        )
        wrong.append(not np.array_equal(steps.view(np.float64), want))
        functions.of_range(schedule, 0, 1, None, 0)
        functions.of_range(schedule, 0, 1, None, -5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [False] * 12


def test_ctypes_errors(compiled):
    """What is no schedule never reaches C."""
    functions = integration("ctypes")
    unmade = compiled.CosineDecay.__new__(compiled.CosineDecay)
    for bad in (3, None, compiled.LearningRateSchedule()):
        with pytest.raises(TypeError, match="must be a schedule of cosine_fast"):
            functions.address(bad)
        with pytest.raises(ctypes.ArgumentError, match="must be a schedule of cosine_fast"):
            functions.at_int64(bad, 3)
    with pytest.raises(TypeError, match="__init__ has not been called"):
        functions.address(unmade)
    with pytest.raises(ctypes.ArgumentError):
        functions.of_int64s(compiled.CosineDecay(0.1, 10), (ctypes.c_int32 * 3)(), (ctypes.c_double * 3)(), 3)


def test_cffi_golden(compiled):
    """The golden bits, through the addresses."""
    cffi = pytest.importorskip("cffi", reason="there is no cffi")
    functions = integration("ctypes")
    ffi = cffi.FFI()
    of_int64s = ffi.cast("void (*)(const void *, const int64_t *, double *, int64_t)", functions.ADDRESSES["of_int64s"])
    at_double = ffi.cast("double (*)(const void *, double)", functions.ADDRESSES["at_double"])
    for p, values in GOLDEN:
        schedule = compiled.CosineDecay(**p._asdict())
        its = ffi.cast("const void *", functions.address(schedule))
        for steps, rates, _ in kinds(values):
            into = np.empty(len(steps))
            if steps.dtype == np.int64:
                pointers = ffi.from_buffer("int64_t[]", steps), ffi.from_buffer("double[]", into)
                of_int64s(its, *pointers, len(steps))
            else:
                into[:] = [at_double(its, step) for step in steps]
            assert_same(into, rates, p)


@pytest.mark.parametrize("name", ["ctypes", "scipy", "numba"])
def test_pure_python(process, name):
    """The pure-Python backend has no addresses, and says so."""
    pytest.importorskip(name, reason=f"there is no {name}")
    result = process(
        f"import cosine_fast.integrations.{name}", succeeds=False, COSINE_FAST_BACKEND="python", COSINE_FAST_ISA=None
    )
    assert f"ImportError: cosine_fast.integrations.{name} needs cosine_fast's compiled backend" in result.stderr


# ---- The simulators ----


@pytest.fixture(scope="module")
def simulated(compiled, tmp_path_factory):
    """What sgd_python.py prints."""
    if not SIMULATORS.is_dir():
        pytest.skip("examples/ is not beside these tests")
    workshop = Workshop(tmp_path_factory.mktemp("simulators"), compiled)
    return workshop.python(SIMULATORS / "sgd_python.py", RUNS, STEPS).stdout


@pytest.fixture
def simulators(workshop, simulated):
    """Copies of them, where nothing else is."""
    for source in SIMULATORS.iterdir():
        if source.is_file():
            shutil.copy(source, workshop.folder)
    return workshop


NATIVE = {"C": ("cc", "sgd.c", ["-std=c99"]), "C++": ("c++", "sgd.cpp", ["-std=c++11"])}


@pytest.mark.parametrize(("language", "march"), one_in(2, [("C", ["-march=native"]), ("C++", [])]))
def test_simulators_of_c(simulators, simulated, language, march):
    """The simulator compiles without a warning and ends at the bits of the one in Python."""
    compiler, source, flags = NATIVE[language]
    flags = [*flags, *march, "-O3", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    openmp = ["-fopenmp"]
    (simulators.folder / "empty.c").write_text("int main(void) { return 0; }\n")
    if shutil.which("cc") and simulators.run("cc", "-fopenmp", "empty.c", succeeds=False).returncode:
        openmp = ["-Wno-unknown-pragmas"]
    simulators.compile(compiler, *flags, *openmp, source, "-o", "sgd")
    assert simulators.run("./sgd", RUNS, STEPS).stdout == simulated
    assert simulators.run("./sgd", RUNS, "20", succeeds=False).stderr.startswith("decay_steps must be > 0")


@pytest.mark.slow
def test_simulator_of_cython(simulators, simulated):
    for module in ("Cython", "setuptools"):
        pytest.importorskip(module, reason=f"there is no {module}")
    if not shutil.which("cc"):
        pytest.skip("there is no compiler")
    simulators.python("sgd_setup.py", "-q", "build_ext", "--inplace")
    for simulate in (
        "sgd_cython.simulate",
        "lambda runs, steps: sgd_cython.simulate_any(sgd_python.schedules(runs, steps), steps)",
    ):
        program = f"import sgd_cython, sgd_python; sgd_python.main({simulate})"
        assert simulators.python("-c", program, RUNS, STEPS).stdout == simulated


@pytest.mark.parametrize("name", ["numpy", "numba", "ctypes"])
def test_simulators_of_python(simulators, simulated, name):
    pytest.importorskip(name, reason=f"there is no {name}")
    assert simulators.python(f"sgd_{name}.py", RUNS, STEPS).stdout == simulated


def test_simulator_of_scipy(simulators):
    """It ends where it ends with Python's call of the schedule."""
    pytest.importorskip("scipy", reason="there is no scipy")
    simulate = "lambda *size: flow_scipy.simulate(*size, lambda schedule: schedule)"
    program = f"import flow_scipy, sgd_python; sgd_python.main({simulate})"
    want = simulators.python("-c", program, RUNS, STEPS).stdout
    assert simulators.python("flow_scipy.py", RUNS, STEPS).stdout == want


# ---- The document ----


def snippets(language):
    """The blocks of how-to/simulators.md in this language, each with the block of text that follows it, if any does."""
    if not DOCUMENT.is_file():
        pytest.skip("docs/ is not beside these tests")
    pattern = rf"```{language}\n(.*?)```(?:\n\nThe program prints\n\n```text\n(.*?)```)?"
    return re.findall(pattern, DOCUMENT.read_text(), re.DOTALL)


@pytest.mark.parametrize("language", one_in(2, [("C",), ("C++",)]))
def test_document_c(workshop, language):
    """What stands there in C is a program that prints what stands below it, and C++ too."""
    compiler, _, flags = NATIVE[language]
    suffix = {"C": "c", "C++": "cpp"}[language]
    found = snippets("c")
    assert len(found) == 3
    for source, output in found:
        (workshop.folder / f"snippet.{suffix}").write_text(source)
        workshop.compile(compiler, *flags, "-Wall", "-Wextra", "-Werror", "-O3", f"snippet.{suffix}", "-o", "snippet")
        assert workshop.run("./snippet").stdout == output


def test_document_cython(workshop, compiled):
    """What stands there in Cython compiles, and its two functions have Python's sum."""
    [(source, _)] = snippets("cython")
    build_cython(workshop, source=source)
    totals = "embedded.total(0.1, 99), embedded.total_of(cosine_fast.CosineDecay(0.1, 99), 99)"
    program = f"import embedded, cosine_fast; print({totals})"
    want = sum(compiled.CosineDecay(0.1, 99).precompute(99).tolist())
    assert workshop.python("-c", program).stdout == f"{want} {want}\n"


def test_document_python(workshop):
    """What stands there in Python gives what stands there."""
    for module in ("numba", "scipy"):
        pytest.importorskip(module, reason=f"there is no {module}")
    snippets("python")
    workshop.python("-m", "doctest", DOCUMENT)
