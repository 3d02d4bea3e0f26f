"""The polynomials' tables are what src/coefficients.py makes."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mpmath", reason="the coefficients are made with mpmath")

ROOT = Path(__file__).parents[2]
SCRIPT, HEADERS = ROOT / "src" / "coefficients.py", ROOT / "cosine_fast" / "include"
if not all(path.exists() for path in (SCRIPT, HEADERS)):
    pytest.skip("src/coefficients.py is only in the source tree", allow_module_level=True)

HEX = re.compile(r"-?0x[01]\.[0-9a-f]+p[+-]\d+")
DECIMALS = re.compile(r"\{(-?[\d.e-]+), (-?[\d.e-]+)\}")  # what the compiler reads; the header's hex is a comment
TERMS = {"SINGLE": 9, "WIDE": 13, "EXP2": 12, "LOG2": 9, "WIDE_LOG2": 15, "MEAN": 13}
FILES = {  # the column of each table
    "SINGLE": "cosine_decay", "WIDE": "wide", "EXP2": "exp2", "LOG2": "exp2", "WIDE_LOG2": "exp2",
    "MEAN": "cosine_sums",
}  # fmt: skip


def floats(text):
    return [float.fromhex(number) for number in HEX.findall(text)]


pytestmark = pytest.mark.slow  # the script takes seconds, and the tables hardly ever change


@pytest.fixture(scope="session")
def made():
    """What the script prints: for each table its relative error and its pairs."""
    output = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    tables = {}
    for name in TERMS:
        table = re.search(rf"^{name}: (\d+) terms, relative error 2\^(-[\d.]+)\n((?: .*\n)+)", output, re.MULTILINE)
        assert int(table[1]) == TERMS[name]
        tables[name] = table[2], floats(table[3])
    return tables


@pytest.mark.parametrize("name", TERMS)
def test_header(made, name):
    """The header's tables and the errors beside them are the script's."""
    header = (HEADERS / f"cosine_fast_{FILES[name]}.h").read_text()
    table = re.search(rf" cf_{name.lower()}_table\[.*?\n}};", header, re.DOTALL)[0]
    assert floats(table) == made[name][1]
    assert [float(number) for row in DECIMALS.findall(table) for number in row] == made[name][1]
    assert len(floats(table)) == 2 * TERMS[name]
    assert f"relative error 2^{made[name][0]} " in table


@pytest.mark.parametrize("name", TERMS)
def test_reference(made, name):
    """The pure-Python backend reads the same tables."""
    table = getattr(importlib.import_module(f"cosine_fast._reference.{FILES[name]}"), name)
    assert [number for pair in table for number in pair] == made[name][1]


def test_relative_error(made):
    """The errors are small enough for the kinds of schedule that use the tables."""
    assert float(made["SINGLE"][0]) < -55
    assert float(made["WIDE"][0]) < -104
    assert float(made["EXP2"][0]) < -60
    assert float(made["LOG2"][0]) < -66
    assert float(made["WIDE_LOG2"][0]) < -104
    assert float(made["MEAN"][0]) < -104
