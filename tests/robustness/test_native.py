"""The header and the block loops alone, in C: under sanitizers, valgrind and a fuzzer.

They need the source tree (src/) and are skipped elsewhere, as where a tool is missing.
"""

from __future__ import annotations

import functools
import os
import platform
import random
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FLAGS = [
    "-std=gnu11",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-g1",
    "-Wall",
    "-Wextra",
    "-Werror",
]
FLAGS += ["-Wno-pass-failed"]  # clang's, of a loop that it does not vectorise
INCLUDE = [f"-I{ROOT / 'cosine_fast' / 'include'}", f"-I{ROOT / 'src'}"]
X86 = platform.machine() in ("x86_64", "AMD64")
# As in setup.py.
VARIANTS = {"baseline": []}
if X86:
    VARIANTS["v3"] = ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mlzcnt"]
    VARIANTS["v4"] = [f"-mavx512{part}" for part in ("f", "dq", "bw", "vl", "cd")]
    VARIANTS["v4"] += ["-mfma", "-mprefer-vector-width=512"]
SANITIZED = ["-O1", "-fsanitize=address,undefined,float-cast-overflow,float-divide-by-zero"]  # by clang
SANITIZED += ["-fno-sanitize-recover=all", "-fsanitize=fuzzer-no-link"]


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)


@functools.cache
def sanitizes(compiler, flags):
    """Whether a compiler has what these flags need."""
    if not shutil.which(compiler):
        return False
    source = "int main(void) { return 0; }"
    if "-fsanitize=fuzzer" in flags:
        source = "int LLVMFuzzerTestOneInput(const char *d, long n); int LLVMFuzzerTestOneInput(const char *d, long n) "
        source += "{ (void)d; (void)n; return 0; }"
    return run(compiler, *flags, "-x", "c", "-", "-o", os.devnull, input=source).returncode == 0


@functools.cache
def blocks(folder, *command):
    """The block loops of every instruction set, compiled once: with sanitizers that takes a minute."""
    objects = []
    for variant, more in VARIANTS.items():
        objects.append(tempfile.mkstemp(f"{variant}.o", dir=folder)[1])
        source = [f"-DCF_VARIANT=cf_isa_{variant}", "-c", ROOT / "src" / "blocks.c"]
        result = run(*command, *more, *source, "-o", objects[-1])
        assert result.returncode == 0, result.stderr
    return objects


def build(folder, compiler, *flags, fuzzer=()):
    """harness.c, with the block loops."""
    if not (ROOT / "src" / "blocks.c").is_file():
        pytest.skip("src/ is not beside these tests")
    if not sanitizes(compiler, tuple(flag for flag in (*flags, *fuzzer) if flag.startswith("-fsanitize"))):
        pytest.skip(f"no {compiler} with {' '.join(flags)}")
    command = [compiler, *FLAGS, *INCLUDE, *["-DCF_X86_VARIANTS"] * X86, *flags]
    sources = [ROOT / "src" / "isas.c", HERE / "harness.c", *blocks(folder.parent, *command)]
    result = run(*command, *fuzzer, *sources, "-o", folder / "harness", "-lm", "-lpthread")
    assert result.returncode == 0, result.stderr
    return folder / "harness"


COMPILER = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
HARNESSES = {
    "threads, -O0": (COMPILER, ["-O0", "-fsanitize=thread", "-fopenmp"], ["16", "2"]),  # runs no team of OpenMP's
    "memory and undefined behaviour": ("clang", SANITIZED, ["2", "1"]),
}


@pytest.mark.parametrize("kind", HARNESSES)
def test_harness(tmp_path, kind):
    """Every layout, kind of schedule and instruction set from many threads: right bits, and nothing to report."""
    compiler, flags, arguments = HARNESSES[kind]
    program = build(tmp_path, compiler, *flags)
    preload = {"LD_PRELOAD": "", "ASAN_OPTIONS": "detect_leaks=1", "TSAN_OPTIONS": "halt_on_error=1"}
    result = run(program, *arguments, env={**os.environ, **preload})
    sys.stderr.write(result.stdout + result.stderr)
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr


def test_fuzzer(tmp_path):
    """libFuzzer finds no parameters and steps with which a block's rates differ from a step's, or a sanitizer stops."""
    seconds = os.environ.get("COSINE_FAST_FUZZ_SECONDS", "15")
    program = build(tmp_path, "clang", *SANITIZED, fuzzer=("-fsanitize=fuzzer", "-DCF_FUZZ"))
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for seed in range(64):  # to begin with, likely parameters; harness.c has the structure
        draw = random.Random(seed)
        counts = [draw.choice([1, 100, 2**31, 2**44, 2**60 + 1, 2**63 - 1]) for _ in "DW"]
        rates = [draw.uniform(0, 1), draw.uniform(0, 1e-3), draw.choice([0.0, 0.1, -0.5])]
        rest = [draw.randrange(-(2**62), 2**62), draw.randrange(-(2**40), 2**40), seed, *draw.randbytes(8)]
        steps = draw.randbytes(draw.randrange(300))
        file = struct.pack("<5d4qQ8B", *rates, draw.uniform(0.5, 1e6), draw.uniform(0, 1e6), *counts, *rest) + steps
        (corpus / str(seed)).write_bytes(file)
    options = [f"-max_total_time={seconds}", "-max_len=512", "-print_final_stats=1", f"-artifact_prefix={tmp_path}/"]
    # The peak of a program's memory begins with that of the process which starts it: limit single allocations instead.
    options += ["-rss_limit_mb=0", "-malloc_limit_mb=2048"]
    result = subprocess.run(
        [program, *options, corpus],
        capture_output=True, text=True, timeout=float(seconds) + 300, env={**os.environ, "LD_PRELOAD": ""},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-5000:]
    executed = int(re.search(r"number_of_executed_units: (\d+)", result.stderr)[1])
    sys.stderr.write("\n".join(line for line in result.stderr.splitlines() if line.startswith("stat::")) + "\n")
    assert executed > 1000


def test_valgrind(tmp_path):
    """Nothing is read that was not written, nothing beside its memory, and nothing is lost."""
    if not shutil.which("valgrind"):
        pytest.skip("no valgrind")
    program = build(tmp_path, COMPILER, "-O2")
    result = run("valgrind", "-q", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=all", program, 2)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


DIALECTS = {
    "C99": ["-x", "c", "-std=c99", "-pedantic"],
    "C17": ["-x", "c", "-std=c17", "-pedantic"],
    "C++11": ["-x", "c++", "-std=c++11", "-pedantic"],
    "C++17": ["-x", "c++", "-std=c++17", "-pedantic"],
}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_header_without_warnings(best, tmp_path, compiler, dialect, level):
    """The header compiles in its dialects without a warning."""
    if not shutil.which(compiler):
        pytest.skip(f"no {compiler}")
    include = Path(best.__file__).parent / "include"
    source = tmp_path / "user.c"
    source.write_text(
        "#include <cosine_fast.h>\n#include <cosine_fast_cosine_sums.h>\n"
        "double rate(int64_t step);\n"
        "double rate(int64_t step)\n{\n    cf_cosine_decay schedule;\n"
        "    cf_cosine_decay_init(&schedule, 1.0, cf_from_int64(9), 0.1, 0, 0.0, cf_from_int64(0));\n"
        "    return cf_cosine_decay_at(&schedule, cf_from_int64(step));\n}\n"
        "double sum(int64_t step);\n"
        "double sum(int64_t step)\n{\n    cf_cosine_sums sums;\n"
        "    cf_cosine_sums_init(&sums, 1.0, cf_from_int64(9), 0.1, 0, 0.0, cf_from_int64(0));\n"
        "    return cf_cosine_sums_at(&sums, cf_from_int64(step));\n}\n"
    )
    warnings = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
    result = run(compiler, *DIALECTS[dialect], level, "-ffp-contract=off", *warnings, f"-I{include}", "-c", source,
                 "-o", tmp_path / "user.o")  # fmt: skip
    assert result.returncode == 0, result.stderr
