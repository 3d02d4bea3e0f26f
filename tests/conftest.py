"""The backend and the instruction set come from fixtures; no test imports an implementation."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

with contextlib.suppress(ImportError):
    import hypothesis

    hypothesis.settings.register_profile("cosine_fast", deadline=None, derandomize=True, database=None)
    hypothesis.settings.load_profile("cosine_fast")

pytest.register_assert_rewrite("bits", "layouts", "programs")

# A runner started in a shell's background ignores Ctrl-C, and so would every process that a test sends it to.
signal.signal(signal.SIGINT, signal.default_int_handler)

# OpenMP's threads sleep while they wait: spinning, they would take the processors from other tests' processes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

KERNELS = ("cosine_fast._kernel", "cosine_fast._reference")
MODULES: dict[str, dict[str, ModuleType]] = {}  # of each backend, by their names


def _taken_out() -> dict[str, ModuleType]:
    """All of the package's modules but the kernels, which the backends share; they are imported no more."""
    names = [name for name in sys.modules if name.split(".")[0] == "cosine_fast" and not name.startswith(KERNELS)]
    return {name: sys.modules.pop(name) for name in names}


def load(backend: str) -> ModuleType:
    """The package as a process with COSINE_FAST_BACKEND=backend has it, beside the one imported already."""
    kept = _taken_out()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSINE_FAST_BACKEND", backend)
        if backend == "python":
            patch.delenv("COSINE_FAST_ISA", raising=False)  # of the compiled one, which a run forced to it keeps
        try:
            return importlib.import_module("cosine_fast")
        finally:
            MODULES[backend] = _taken_out()
            sys.modules.update(kept)


def _available() -> dict[str, ModuleType]:
    packages = {}
    # Where the run is forced to one backend, or has no kernel, there is only that.
    if os.environ.get("COSINE_FAST_BACKEND") != "python":
        try:
            packages["compiled"] = load("compiled")
        except ImportError:
            if os.environ.get("COSINE_FAST_BACKEND") == "compiled":
                raise
    packages["python"] = load("python")
    return packages


PACKAGES = _available()
NO_KERNEL = "no compiled kernel is installed, or COSINE_FAST_BACKEND=python"


@pytest.fixture(scope="session", params=["compiled", "python"])
def cf(request: pytest.FixtureRequest) -> ModuleType:
    """The package on each backend in turn."""
    if request.param not in PACKAGES:
        pytest.skip(NO_KERNEL)
    return PACKAGES[request.param]


@pytest.fixture
def importable(cf: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pickles name the package's modules: let these be the ones of the backend under test."""
    for name, module in MODULES[cf.build_info()["backend"]].items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture(scope="session")
def compiled() -> ModuleType:
    if "compiled" not in PACKAGES:
        pytest.skip(NO_KERNEL)
    return PACKAGES["compiled"]


@pytest.fixture(scope="session")
def python() -> ModuleType:
    return PACKAGES["python"]


@pytest.fixture(scope="session")
def best() -> ModuleType:
    """The package on the fastest backend there is, for tests of many values."""
    return PACKAGES.get("compiled", PACKAGES["python"])


@pytest.fixture(params=[0.1, pytest.param(1.0, marks=pytest.mark.slow)], ids=["some", "all"])
def share(request: pytest.FixtureRequest) -> float:
    """How many of a test's random cases it takes: a tenth, and with -m slow all."""
    return request.param


def _variants() -> list[str]:
    return list(PACKAGES["compiled"].build_info()["isas"]) if "compiled" in PACKAGES else []


@pytest.fixture(params=_variants() or [pytest.param("none", marks=pytest.mark.skip(reason=NO_KERNEL))])
def isa(request: pytest.FixtureRequest, compiled: ModuleType) -> Iterator[str]:
    """Each instruction set that this machine has in turn, in use while the test runs."""
    kernel = sys.modules["cosine_fast._kernel"]
    kernel.use_isa(request.param)
    yield request.param
    kernel.use_isa(compiled.build_info()["isa"])


@pytest.fixture(scope="session")
def process(best: ModuleType) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a process of its own; it imports the package that this process has."""
    home = str(Path(best.__file__).parent.parent)

    def run(
        program: str, *, succeeds: bool = True, timeout: float = 120, **environment: str | None
    ) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
        given = {**os.environ, "PYTHONPATH": path, **environment}
        given = {key: value for key, value in given.items() if value is not None}
        command = [sys.executable, "-W", "error", "-c", program]
        result = subprocess.run(command, env=given, capture_output=True, text=True, timeout=timeout)
        sys.stderr.write(result.stderr)  # for who looks: figures
        if succeeds:
            assert result.returncode == 0, result.stderr
        return result

    return run
