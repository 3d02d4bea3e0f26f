"""cosine_fast.integrations.keras, and Keras's own tests of schedules, on Keras's backends.

Keras chooses its backend once for a process, so each has processes of its own.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import pytest

if importlib.util.find_spec("keras") is None:
    pytest.skip("Keras is what these tests are about", allow_module_level=True)

HERE = Path(__file__).parent


def backend(name):
    absent = importlib.util.find_spec(name) is None
    return pytest.param(name, marks=pytest.mark.skipif(absent, reason=f"Keras's backend {name} is not installed"))


@pytest.fixture
def with_keras(process, tmp_path):
    """Run a program in a process of its own, with Keras on a backend."""

    def run(program, backend, **options):
        path = f"import sys\nsys.path.insert(0, {str(HERE.parent)!r})\n"
        home = str(tmp_path / "home")
        options = {"KERAS_BACKEND": backend, "KERAS_HOME": home, "JAX_PLATFORMS": "cpu", "timeout": 600, **options}
        return process(path + program, **options)

    return run


RUN = """
import pytest
arguments = ["-q", "-rsf", "--tb=short", "--show-capture=no", "-p", "no:cacheprovider", "-c", {ini!r}]
arguments += ["--rootdir", {root!r}, {tests!r}, "-k", {part!r}]
sys.exit(pytest.main(arguments))
"""


TRAINING = "training or saved or optimizers"


# In two processes of about the same length, which may run side by side.
@pytest.mark.parametrize("part", [TRAINING, f"not ({TRAINING})"], ids=["training", "rates"])
@pytest.mark.parametrize("name", [backend("numpy"), backend("jax"), backend("torch")])
def test_integration(with_keras, name, part, request):
    """keras_backend.py on this backend: nothing fails; on those that train, nothing is skipped."""
    config = request.config
    tests = str(HERE / "keras_backend.py")
    program = RUN.format(ini=str(config.inipath), root=str(config.rootpath), tests=tests, part=part)
    result = with_keras(program, name, succeeds=False)
    assert result.returncode == 0, result.stdout[-10_000:]
    assert " passed" in result.stdout
    if name != "numpy":
        assert "SKIPPED" not in result.stdout, result.stdout


def test_nothing_else_imports_it(process):
    process("import sys, cosine_fast; assert not {'keras', 'cosine_fast.integrations'} & set(sys.modules)")


OWN = """
import importlib, json, unittest, warnings
warnings.simplefilter("ignore")  # of Keras's test file and of what it imports
import keras, cosine_fast
package, module, tests = (importlib.import_module(f"keras.src.optimizers.schedules{{name}}") for name in (
    "", ".learning_rate_schedule", ".learning_rate_schedule_test"))
pure, spoilt = {pure!r}, {spoilt!r}
ours = cosine_fast if pure else importlib.import_module("cosine_fast.integrations.keras")
names = [name for name, cls in vars(module).items() if isinstance(cls, type) and cls.__module__ == module.__name__]

def spoil(cls):
    return type(cls.__name__, (cls,), {{"__call__": lambda self, step: 1.01 * cls.__call__(self, step)}})

replaced = []
for name in names:
    if hasattr(ours, name):
        cls = spoil(getattr(ours, name)) if name == spoilt else getattr(ours, name)
        setattr(module, name, cls)
        if name != "LearningRateSchedule":  # which optimizers find in the module
            setattr(package, name, cls)
            assert getattr(tests.schedules, name) is cls
            replaced.append(name)
            if pure or spoilt:
                keras.saving.register_keras_serializable("under_test")(cls)
result = unittest.TextTestRunner(stream=sys.stderr).run(unittest.defaultTestLoader.loadTestsFromModule(tests))
print()
print(json.dumps({{
    "run": result.testsRun, "skipped": len(result.skipped), "expected": len(result.expectedFailures),
    "failed": [test.id().split(".")[-2] for test, _ in result.failures + result.errors],
    "names": names, "replaced": replaced,
}}))
"""


def own_tests(with_keras, pure, backend, spoilt=None):
    # A class that knows nothing of Keras cannot be jitted.
    jit = {"JAX_DISABLE_JIT": "1"} if pure and backend == "jax" else {}
    result = with_keras(OWN.format(pure=pure, spoilt=spoilt), backend, **jit)
    return json.loads(result.stdout.splitlines()[-1])


def written():
    """The tests in Keras's file, by their class."""
    name = "optimizers/schedules/learning_rate_schedule_test.py"
    file = Path(importlib.util.find_spec("keras").submodule_search_locations[0], "src", name)
    classes = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)]
    return [(cls.name, node.name) for cls in classes for node in cls.body if node_is_test(node)]


def node_is_test(node):
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


@pytest.mark.parametrize("backend", [backend("jax"), backend("torch")])
@pytest.mark.parametrize("pure", [True, False], ids=["cosine_fast", "integration"])
def test_kerass_own_tests(with_keras, best, backend, pure):
    """All of them pass, with our classes in the place of Keras's, and in the place of the base that optimizers know."""
    told = own_tests(with_keras, pure, backend)
    assert told["failed"] == []
    assert (told["run"], told["skipped"], told["expected"]) == (len(written()), 0, 0)
    assert told["run"] >= 35
    family = {name for name in told["names"] if hasattr(best, name)} - {"LearningRateSchedule"}
    assert set(told["replaced"]) == family
    assert set(told["names"]) - family == {"LearningRateSchedule"}


def test_kerass_own_tests_can_fail(with_keras, best):
    """With a class whose rates are wrong by a hundredth: so it is that class which they test."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("Keras's backend torch is not installed")
    failed = own_tests(with_keras, True, "torch", "InverseTimeDecay")["failed"]
    assert failed == ["InverseTimeDecayTest"] * 2
