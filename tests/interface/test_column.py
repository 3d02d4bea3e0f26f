"""Each registered schedule has all its places, under its own name; what is missing is named. No imports go in a circle.

CONTRIBUTING's "Add a schedule" lists the places. From an installed package only those in it are checked.
"""

from __future__ import annotations

import ast
import graphlib
import importlib.util
import re
from pathlib import Path

import pytest
from family import FAMILY

from cosine_fast import _reference, schedules

TESTS = Path(__file__).parents[1]
PACKAGE = Path(schedules.__file__).parents[1]
SOURCE = TESTS.parent / "src"  # only in the source tree


def listed_in_c() -> dict[str, str]:
    """The schedules in CF_SCHEDULES, and whose block loops they have."""
    header = (PACKAGE / "include" / "cosine_fast_schedules.h").read_text()
    schedules, _ = header.split("#define CF_FUNCTIONS")
    return dict(re.findall(r"^    X\(CF_[A-Z_]+, (\w+), (\w+),", schedules, re.MULTILINE))


def entries(file: str, name: str) -> int:
    """In how many tables of a file a schedule has a line."""
    return (TESTS / file).read_text().count(f'    "{name}": ')


def places(name: str, cls: type) -> dict[str, bool]:
    """What a schedule needs, and whether it is there. Some have the formula of another one."""
    column, own = cls._name, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    in_c = listed_in_c()
    found = {
        f"cosine_fast/include/cosine_fast_{column}.h": (PACKAGE / "include" / f"cosine_fast_{column}.h").is_file(),
        f"{column} in CF_SCHEDULES of cosine_fast_schedules.h": column in in_c,
        f"cosine_fast/_reference/{column}.py": importlib.util.find_spec(f"{_reference.__name__}.{column}") is not None,
        f"{column} in FORMULAS of cosine_fast/_reference": column in _reference.FORMULAS,
        f"cosine_fast/schedules/{own}.py": cls.__module__ == f"{schedules.__name__}.{own}",
        f"tests/numbers/test_{own}.py": (TESTS / "numbers" / f"test_{own}.py").is_file(),
        f"{name} in FAMILY of tests/family.py": name in FAMILY,
        f"{name} in EXACT and PROMISES of tests/oracle.py": entries("oracle.py", name) == 2,
        f"{name} in DIGESTS of tests/numbers/test_golden.py": entries("numbers/test_golden.py", name) == 1,
    }
    if column != "joined_schedule":
        formulas = PACKAGE / "integrations" / "_jax_formulas.py"
        found[f"{column} in FORMULAS of {formulas.name}"] = f'    "{column}": ' in formulas.read_text()
    if SOURCE.is_dir():
        root = SOURCE.parent
        found[f"{name} in CHANGELOG.md"] = name in (root / "CHANGELOG.md").read_text()
        page = (root / "docs" / "reference" / "schedules.md").read_text()
        for table in ("Formulas", "Negative steps"):
            section = page.split(f"\n## {table}\n")[1].split("\n## ")[0]
            found[f"{name} in the table of {table.lower()}"] = f"\n| `{name}` |" in section
        found[f"docs/gallery/{own}.md"] = (root / "docs" / "gallery" / f"{own}.md").is_file()
    if SOURCE.is_dir() and in_c.get(column) == "own":
        found[f"src/{column}.h"] = (SOURCE / f"{column}.h").is_file()
    return found


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_places(name):
    """Every place is there."""
    missing = [place for place, there in places(name, schedules.SCHEDULES[name]).items() if not there]
    assert missing == [], f"{name} lacks {', '.join(missing)}"


def test_nothing_is_left_over():
    """No place is of a schedule that is not registered."""
    columns = {cls._name for cls in schedules.SCHEDULES.values()}
    assert set(listed_in_c()) == columns
    assert set(_reference.FORMULAS) - {"cosine_sums"} == columns
    assert set(FAMILY) == set(schedules.SCHEDULES)


def imported(path: Path) -> set[Path]:
    """The package's files that a module imports while it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for name in [alias.name for alias in node.names]:
                places = folder / f"{name}.py", folder.with_suffix(".py"), folder / "__init__.py"
                found |= {next(place for place in places if place.is_file())} - {path}
    return found


def included(path: Path) -> set[Path]:
    """The headers that a header includes, of those beside it and in the package."""
    names = re.findall(r'^#include ["<]([\w.]+)[">]', path.read_text(), re.MULTILINE)
    places = [folder / name for folder in (path.parent, PACKAGE / "include") for name in names]
    return {place for place in places if place.is_file()}


def test_no_circles():
    """Neither Python's imports nor C's includes go in a circle; an error shows the one that is found."""
    headers = [*(PACKAGE / "include").glob("*.h"), *SOURCE.glob("*.h")]
    modules = PACKAGE.rglob("*.py")
    for graph in ({path: imported(path) for path in modules}, {path: included(path) for path in headers}):
        assert any(graph.values())
        graphlib.TopologicalSorter(graph).prepare()
