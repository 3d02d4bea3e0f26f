"""Which implementation is used: forced choices hold or fail loudly, and all of them give the same bits."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

INFO = "import json, cosine_fast; print(json.dumps(cosine_fast.build_info()))"
DIGEST = """
import hashlib
import warnings
import numpy as np
import cosine_fast
warnings.simplefilter("ignore", UserWarning)  # a warmup_target without warmup_steps
steps = np.concatenate([np.arange(-600, 3000), 2**np.arange(63), -2**np.arange(63)])
digest = hashlib.sha256()
for decay in (1000, 2**27 + 1, 1000.1, 2**60 + 1):
    for warmup in (0, 100, 100.5):
        for alpha in (0.0, 0.1, -0.1):
            schedule = cosine_fast.CosineDecay(1e-5, decay, alpha, warmup_target=1e-3, warmup_steps=warmup)
            for part in (steps, steps * 0.37, steps[:1500].astype(np.int32), range(-5, 2 * 1100, 3)):
                digest.update(schedule(part).tobytes())
print(digest.hexdigest())
"""


# Of the schedule in test_known_bits; they change with the polynomial and with nothing else.
KNOWN = ["0x1.4c9bba0549ebep-14", "0x1.c72f91e6fe093p-11", "0x1.a370911ac3545p-14"]
KNOWN_DIGEST = "3dbc8c175fc00d90ad1df84e83db253a973390d7ea8a772d47ca66c04a219715"


@pytest.fixture(scope="session")
def digest(process):
    """The digest that pure Python has."""
    return process(DIGEST, COSINE_FAST_BACKEND="python", COSINE_FAST_ISA=None).stdout


def test_build_info(cf):
    """build_info has these keys, of these types, and can be written as JSON."""
    info = cf.build_info()
    assert sorted(info) == ["backend", "isa", "isas", "num_threads", "openmp", "version"]
    assert info["version"] == cf.__version__
    assert info["backend"] in ("compiled", "python")
    assert info["isa"] in info["isas"]
    assert isinstance(info["openmp"], bool)
    assert info["num_threads"] == cf.get_num_threads()
    assert json.loads(json.dumps(info)) == info
    info["isas"].clear()
    assert cf.build_info()["isas"]


@pytest.mark.parametrize("backend", ["compiled", "python"])
def test_forced_backend(process, request, digest, backend):
    """COSINE_FAST_BACKEND has its way, and both backends have the same bits."""
    request.getfixturevalue(backend)  # skips where there is none
    info = json.loads(process(INFO, COSINE_FAST_BACKEND=backend, COSINE_FAST_ISA=None).stdout)
    assert info["backend"] == backend
    assert (info["isas"] == ["python"]) == (backend == "python")
    assert process(DIGEST, COSINE_FAST_BACKEND=backend, COSINE_FAST_ISA=None).stdout == digest


def test_best_by_default(compiled, process):
    """Unset or empty, the compiled backend with its best instruction set is taken."""
    for value in (None, ""):
        info = json.loads(process(INFO, COSINE_FAST_BACKEND=value, COSINE_FAST_ISA=value).stdout)
        assert info["backend"] == "compiled"
        assert info["isa"] == info["isas"][0]


def test_forced_instruction_sets(compiled, process, digest):
    """Every instruction set that this machine has can be forced, and has the same bits."""
    for isa in compiled.build_info()["isas"]:
        info = json.loads(process(INFO, COSINE_FAST_ISA=isa, COSINE_FAST_BACKEND="compiled").stdout)
        assert info["isa"] == isa
        assert process(DIGEST, COSINE_FAST_ISA=isa, COSINE_FAST_BACKEND="compiled").stdout == digest


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"COSINE_FAST_BACKEND": "fast"}, "COSINE_FAST_BACKEND must be 'compiled' or 'python'. Received: 'fast'"),
        ({"COSINE_FAST_BACKEND": "Compiled"}, "Received: 'Compiled'"),
        ({"COSINE_FAST_ISA": "x86-64-v9"}, "Received: 'x86-64-v9'"),
        ({"COSINE_FAST_ISA": "x86-64-v9", "COSINE_FAST_BACKEND": "python"}, "COSINE_FAST_ISA must be one of python"),
        ({"COSINE_FAST_ISA": " "}, "COSINE_FAST_ISA must be one of"),
    ],
    ids=str,
)
def test_refused_choices(process, environment, words):
    """A choice that cannot be had is an ImportError that says what there is."""
    environment = {"COSINE_FAST_BACKEND": None, "COSINE_FAST_ISA": None, **environment}
    result = process("import cosine_fast", succeeds=False, **environment)
    assert result.returncode == 1
    assert "ImportError" in result.stderr
    assert words in result.stderr


HIDDEN = """
import importlib.abc, sys
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "cosine_fast._kernel":
            raise {error}
sys.meta_path.insert(0, Hide())
"""
ABSENT = 'ModuleNotFoundError("hidden", name=name)'
BROKEN = 'ImportError("undefined symbol")'


def test_without_a_kernel(process, digest):
    """A package without a kernel works on pure Python, unless the kernel is asked for."""
    program = HIDDEN.format(error=ABSENT)
    nothing = {"COSINE_FAST_BACKEND": None, "COSINE_FAST_ISA": None}
    assert json.loads(process(program + INFO, **nothing).stdout)["backend"] == "python"
    assert process(program + DIGEST, **nothing).stdout == digest
    result = process(program + INFO, succeeds=False, COSINE_FAST_BACKEND="compiled", COSINE_FAST_ISA=None)
    assert "ImportError: cosine_fast's compiled kernel does not load" in result.stderr


def test_a_kernel_that_does_not_load(process):
    """A broken kernel is an ImportError that says how to do without it, never a silent fall back."""
    program = HIDDEN.format(error=BROKEN)
    nothing = {"COSINE_FAST_BACKEND": None, "COSINE_FAST_ISA": None}
    result = process(program + INFO, succeeds=False, **nothing)
    assert result.returncode == 1
    assert "COSINE_FAST_BACKEND=python does without it" in result.stderr
    assert "undefined symbol" in result.stderr
    python = {**nothing, "COSINE_FAST_BACKEND": "python"}
    assert json.loads(process(program + INFO, **python).stdout)["backend"] == "python"


def test_import_is_light(process):
    """Importing the package imports NumPy and nothing else that has to be installed."""
    program = "import sys, cosine_fast; print(sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = process(program).stdout
    for library in ("matplotlib", "click", "tqdm", "pyarrow", "scipy", "mpmath", "keras", "torch"):
        assert repr(library) not in loaded


def test_public_names(cf):
    """The package has its public names and says what they are."""
    assert sorted(cf.__all__) == sorted(
        [
            *cf.schedules.SCHEDULES,
            "LearningRateSchedule",
            "__version__",
            "build_info",
            "cosine_decay",
            "deserialize",
            "get_include",
            "get_num_threads",
            "join_schedules",
            "serialize",
            "set_num_threads",
            "warmup_stable_decay",
            "with_warmup",
        ]
    )
    assert all(getattr(cf, name) for name in cf.__all__)
    assert all(getattr(cf, name).__doc__ for name in cf.__all__ if name != "__version__")
    assert cf.CosineDecay.__module__.startswith("cosine_fast")


def test_known_bits(cf):
    """These bits are the same on every machine, in every version."""
    schedule = cf.CosineDecay(1e-5, 1000, 0.1, warmup_target=1e-3, warmup_steps=100)
    assert [rate.hex() for rate in (schedule(7), schedule(350), schedule(1099))] == KNOWN
    rates = schedule(np.arange(-50, 1200)).astype("<f8").tobytes()
    assert hashlib.sha256(rates).hexdigest() == KNOWN_DIGEST
