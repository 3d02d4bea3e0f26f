"""The golden values of golden.csv: these bits on every platform, for ever. golden.py makes the file."""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import golden
import numpy as np
import pytest
from bits import assert_same
from family import FAMILY, made
from golden import kinds
from programs import PATHS, TARGETS, through_the_headers

GOLDEN = golden.read()

# Of the rates of each class's ordinary schedules, at STEPS: the first half of SHA-256.
DIGESTS = {
    "ConstantSchedule": "d3f919f935db11a1fc1d463e8fe9e177",
    "CosineDecay": "6f4cfe0236d4eadad23a7411f977b262",
    "CosineDecayRestarts": "283f021189477edf3c98da83770b0c85",
    "ExponentialDecay": "bb5c56030da55e78a0304c9d19da198f",
    "InverseSquareRootDecay": "23b143a9f656c2b9354efb2a2cfd1283",
    "InverseTimeDecay": "5b2e2109df50279ce3ff6240f2abadce",
    "LogarithmicWarmup": "97fdff1c424f5a43ff0013f0f5b77f0d",
    "PiecewiseConstantDecay": "f8e72f463d1ea28a725012e0e9ffbdf1",
    "PolynomialDecay": "72a81cb65be1c570f401b9ae153847a4",
    "PowerCosineDecay": "e190e523097ceb0178394b06f6888102",
    "CosineAnnealing": "170cede13605e3339f766f627064629a",
    "LinearDecay": "b97829ee334199762dd1423dca651cf9",
    "OneCycle": "34cf51606c4902aa1096966991000e05",
    "WarmupStableDecay": "71c84d3051995cb79abfbe68c43816ff",
    "JoinedSchedule": "6f4e6ab04d2132456f673c4918c53a12",
}
STEPS = np.arange(-300, 1500), 2**40 + np.arange(10), np.arange(-70, 700, 0.37)


def test_file():
    """The file has the cases that golden.py makes, a few thousand, as text that one can read."""
    cases = [(p, step) for p, steps in golden.cases() for step in steps]
    values = [value for _, group in GOLDEN for value in group]
    assert 3000 < len(values) < 5000
    assert repr([(value.parameters, value.step) for value in values]) == repr(cases), "run `python tests/golden.py`"
    with golden.FILE.open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            assert row == [cell if cell == "" else golden.text(golden.number(cell)) for cell in row]
    assert golden.FILE.stat().st_size < 400_000


def test_accuracy():
    """Each value is within 2 ULP of the exact one, and its float32 is rounded once."""
    pytest.importorskip("mpmath", reason="the exact values come from mpmath")
    for _, values in GOLDEN:
        for value in values:
            assert golden.error_of(value) <= 2.0, value


@pytest.mark.parametrize("name", FAMILY)
def test_every_schedule(cf, name):
    """Every class's rates have the bits that they had."""
    schedules = [made(cf, name, p) for p in FAMILY[name].ordinary]
    rates = b"".join(schedule(steps).astype("<f8").tobytes() for schedule in schedules for steps in STEPS)
    assert hashlib.sha256(rates).hexdigest()[:32] == DIGESTS.get(name)


def test_numbers(cf):
    """A step's golden bits come out of a call with a number."""
    for p, values in GOLDEN:
        schedule = cf.CosineDecay(**p._asdict())
        for value in values:
            assert_same(schedule(value.step), value.float64, value)
            assert_same(schedule(value.step, dtype=np.float32), np.float32(value.float32), value)


def test_arrays(cf):
    """They come out of an array, among steps of other phases."""
    check_arrays(cf)


def test_instruction_sets(compiled, isa):
    """They come out of every instruction set, in blocks of many phases and in those of one."""
    check_arrays(compiled)
    for p, values in GOLDEN:
        schedule = compiled.CosineDecay(**p._asdict())
        for steps, rates, singles in kinds(values):
            for step, rate, single in zip(steps, rates, singles, strict=True):
                alone = np.full(19, step)
                assert_same(schedule(alone), np.full(19, rate), f"{p}, {step}")
                assert_same(schedule(alone, dtype=np.float32), np.full(19, single), f"{p}, {step}")


def check_arrays(package):
    for p, values in GOLDEN:
        schedule = package.CosineDecay(**p._asdict())
        for steps, rates, singles in kinds(values):
            for n in (len(steps), 3 * len(steps) + 1):
                assert_same(schedule(np.resize(steps, n)), np.resize(rates, n), p)
                assert_same(schedule(np.resize(steps, n), dtype=np.float32), np.resize(singles, n), p)


def test_ranges(cf):
    """They come out of precompute."""
    for p, values in GOLDEN:
        schedule = cf.CosineDecay(**p._asdict())
        for value in values:
            if isinstance(value.step, int) and value.step < 2**63 - 9:
                assert_same(schedule.precompute(value.step, value.step + 9)[0], np.float64(value.float64), value)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_targets(best, tmp_path, target):
    """They and every class's come out of the block loops on other systems, for which zig compiles without a warning."""
    pytest.importorskip("ziglang", reason="it compiles for other systems")
    root = Path(__file__).parents[2]
    if not (root / "src").is_dir():
        pytest.skip("src/ is not beside these tests")
    emulator, output = TARGETS[target], tmp_path / "paths.exe"
    flags = ["-std=gnu11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-DCF_BLOCKS", "-O2"]
    flags += ["-Wall", "-Wextra", "-Werror", "-Wno-pass-failed"]  # the last is of a loop that it does not vectorise
    sources = [PATHS, root / "src" / "blocks.c", root / "src" / "isas.c"]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *flags, "-I", root / "cosine_fast" / "include"]
    subprocess.run([*command, *sources, "-o", output], check=True, timeout=300)
    if emulator is None or not all(word == "-L" or Path(shutil.which(word) or word).exists() for word in emulator):
        print(f"{target}: compiled, not run")
        return
    golden = [value for _, values in GOLDEN for value in values]
    cases = [("CosineDecay", p._asdict(), [value.step for value in values]) for p, values in GOLDEN]
    counts, steps = [len(golden)], [step for some in STEPS for step in some.tolist()]
    for name in FAMILY:
        cases += [(name, p, steps) for p in FAMILY[name].ordinary]
        counts.append(len(FAMILY[name].ordinary) * len(steps))
    rates, singles = through_the_headers([*emulator, output], best, cases)  # at once: it takes long to start Wine
    of_golden, *of_family = np.split(rates, np.cumsum(counts)[:-1])
    assert_same(of_golden, np.array([value.float64 for value in golden]))
    assert_same(singles[: len(golden)], np.array([value.float32 for value in golden], np.float32))
    for name, each in zip(FAMILY, of_family, strict=True):
        assert hashlib.sha256(each.astype("<f8").tobytes()).hexdigest()[:32] == DIGESTS[name]
    print(f"{target}: compiled and run")
