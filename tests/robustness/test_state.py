"""The floating-point state of the caller's thread changes no result, and is the same after a call."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from family import FAMILY, made
from programs import program

x86_linux = pytest.mark.skipif(
    platform.machine() != "x86_64" or sys.platform != "linux", reason="sets the state of x86-64 through glibc"
)
USUAL = 0x1F80  # MXCSR: round to nearest, keep subnormal numbers, no traps
STATES = {
    "down": 0x3F80,
    "up": 0x5F80,
    "towards zero": 0x7F80,
    "flush to zero": 0x9F80,
    "denormals are zero": 0x1FC0,
    "all of these": 0xFFC0,
    "traps": 0x1900,  # of invalid operations, division by zero and overflow
}
WHOLE, FLOATS = np.arange(-35_000, 35_000), np.linspace(-1e4, 1e5, 70_000)  # enough for two threads
NUMBERS = (-123, 77, 2**53 + 1, 0.3, np.int64(-(2**60) - 1), np.float64(1e-310), np.float32(0.7), np.float32(1e-42))


@contextlib.contextmanager
def state(mxcsr):
    """Set MXCSR, which the block must not change but for the record of exceptions; then set the usual state."""
    libm = ctypes.CDLL("libm.so.6")
    environment = (ctypes.c_uint32 * 8)()  # a fenv_t, whose last word is MXCSR
    libm.fegetenv(environment)
    environment[7] = mxcsr
    libm.fesetenv(environment)
    try:
        yield
        libm.fegetenv(environment)
    finally:
        after, environment[7] = environment[7], USUAL
        libm.fesetenv(environment)
    assert after & 0xFFC0 == mxcsr & 0xFFC0


def same(call, mxcsr):
    want = np.copy(call())
    with state(mxcsr):
        got = call()
    return np.asarray(got).tobytes() == want.tobytes()


@x86_linux
@pytest.mark.parametrize("mxcsr", STATES.values(), ids=STATES)
@pytest.mark.parametrize("name", FAMILY)
def test_schedules(compiled, name, mxcsr):
    """Numbers, arrays and ranges, in both dtypes, on one thread and on two; and a schedule made in that state."""
    p = FAMILY[name].ordinary[-1]
    s = made(compiled, name, p)
    outs = [np.empty(WHOLE.size, dtype) for dtype in (np.float64, np.float32)]
    for step in NUMBERS:
        assert same(lambda step=step: s(step), mxcsr)
        assert same(lambda step=step: s(step, dtype=np.float32), mxcsr)
    for threads in (1, 2):
        for steps in (WHOLE, FLOATS, WHOLE[:7], FLOATS[:7]):
            for out in outs:
                assert same(lambda x=steps, y=out[: steps.size], n=threads: s(x, out=y, num_threads=n), mxcsr)
        assert same(lambda n=threads: s.precompute(-(2**60), 2**60, 2**45, num_threads=n), mxcsr)
    assert same(lambda: made(compiled, name, p)(WHOLE[:100]), mxcsr)


@x86_linux
@pytest.mark.parametrize("mxcsr", STATES.values(), ids=STATES)
def test_batches_sums_and_the_c_api(compiled, mxcsr):
    s = compiled.CosineDecay(3e-4, 1000.5, 0.1, warmup_target=1e-3, warmup_steps=77)
    many = np.linspace(1e-3, 1, 5000)
    assert same(lambda: compiled.cosine_decay(np.arange(1, 1000, 100)[:, None], many, 1000, 0.1), mxcsr)
    assert same(lambda: compiled.cosine_decay(7, many, 1000), mxcsr)
    assert same(lambda: s.cumulative(WHOLE), mxcsr)
    assert same(lambda: s.step_at(many * 1e-3), mxcsr)
    assert same(lambda: s.step_at_sum(many), mxcsr)
    addresses = compiled._backend.kernel.ADDRESSES
    at_double = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_double)(addresses["at_double"])
    at_int64 = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_int64)(addresses["at_int64"])
    for step in (1e-310, 0.3, 900.7):
        assert same(lambda step=step: at_double(s._address(), step), mxcsr)
    for step in (77, 2**53 + 1, -(2**60) - 1):
        assert same(lambda step=step: at_int64(s._address(), step), mxcsr)


@x86_linux
def test_flushed_denormals_do_not_hang(compiled):
    """This did not return when subnormal numbers were flushed to zero."""
    s = compiled.CosineDecayRestarts(0.1, 100, 2.0)
    assert same(lambda: s(np.array([-100])), STATES["all of these"])


@x86_linux
@pytest.mark.parametrize("mxcsr", [value for name, value in STATES.items() if name != "traps"])
def test_pure_python(python, mxcsr):
    """It cannot set the state, and says so."""
    s = python.CosineDecay(0.1, 1000)
    for call in (lambda: s(3), lambda: s([3]), lambda: s.precompute(3), lambda: python.CosineDecay(0.1, 1000)):
        with state(mxcsr), pytest.raises(FloatingPointError, match="floating-point state must be the default"):
            call()


@pytest.mark.parametrize(
    "build", ["C, -O3", *(pytest.param(build, marks=pytest.mark.slow) for build in ("C, -O0", "clang", "aarch64"))]
)
def test_compilers(best, build, tmp_path_factory):
    """No compiler moves arithmetic out of the part where the state is the usual one, on x86-64 and on aarch64."""
    source = Path(__file__).with_name("state.c")
    if not (source.parents[2] / "src" / "state.h").is_file():
        pytest.skip("needs src/")
    result = subprocess.run(program(build, best, tmp_path_factory, source), capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout
