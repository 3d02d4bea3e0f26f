"""setup.py with compilers that it does not know: scripts that refuse flags."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPILER = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
# It makes empty files of the kernel, for which it notes the flags; what setup.py tries out, it lets the compiler do.
SCRIPT = """#!/bin/sh
for flag in "$@"; do case "$flag" in {refused}) echo "unknown option: $flag" >&2; exit 1;; esac; done
case "$*" in
*probe*) exec {compiler} "$@";;
*) echo "$*" >>{log}; while [ $# -gt 1 ]; do [ "$1" = -o ] && : >"$2"; shift; done;;
esac
"""
COMPILERS = {  # the flags that they refuse; whether the build then has OpenMP, variants, and flags for the right bits
    "one that knows all flags": ("-nothing", True, True, True),
    "Apple's clang": ("-fopenmp", False, True, True),
    "for another processor": ("-m*", True, False, True),
    "unknown": ("-std*|-ff*|-fno*|-fopenmp|-m*|-g0", False, False, False),
}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or not shutil.which(COMPILER), reason="a POSIX shell and a compiler")
@pytest.mark.parametrize("kind", COMPILERS)
def test_compilers(tmp_path, kind):
    """Whatever a compiler refuses, the kernel is built: without OpenMP, or without further instruction sets."""
    pytest.importorskip("Cython", reason="setup.py needs Cython")
    pytest.importorskip("setuptools", minversion="77", reason="setup.py needs setuptools 77")
    if not (ROOT / "setup.py").is_file():
        pytest.skip("setup.py is not beside these tests")
    refused, *has = COMPILERS[kind]
    script, log = tmp_path / "cc", tmp_path / "log"
    script.write_text(SCRIPT.format(refused=refused, compiler=COMPILER, log=log))
    script.chmod(0o755)
    command = ["setup.py", "-q", "build_ext", "-b", tmp_path / "lib", "-t", tmp_path / "temp"]
    environment = {**os.environ, "CC": str(script), "LDSHARED": f"{script} -shared", "LD_PRELOAD": ""}
    subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True, timeout=300)
    loops = [line for line in log.read_text().splitlines() if "blocks.c" in line]
    run = functools.partial(subprocess.run, capture_output=True, text=True)
    openmp = run([COMPILER, "-fopenmp", "-E", "-"], input="#include <omp.h>").returncode == 0
    x86 = "__x86_64__" in run([COMPILER, "-dM", "-E", "-"], input="").stdout
    assert ("-fopenmp" in log.read_text()) == (has[0] and openmp)
    assert len(loops) == (3 if has[1] and x86 else 1)
    assert all(("-ffp-contract=off" in line) == has[2] for line in loops)
    assert list((tmp_path / "lib").rglob("_kernel*"))
