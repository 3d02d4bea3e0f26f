"""The search finds what it looks for: rates, paths, sums and inverses that are wrong, a hang and a death."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("mpmath", reason="the exact values are mpmath's")

import search
from conftest import PACKAGES
from family import NAMES

pytestmark = pytest.mark.filterwarnings("ignore:Argument .* is ignored:UserWarning")


class Changed:
    """A schedule whose `method` gives other values."""

    def __init__(self, schedule, method, change):
        self.schedule, self.method, self.change = schedule, method, change

    def __getattr__(self, name):
        method = getattr(self.schedule, name)
        return (lambda *a, **k: self.change(method(*a, **k))) if name == self.method else method

    def __call__(self, *arguments, **options):
        return self.__getattr__("__call__")(*arguments, **options)


def kinds(name, method="", change=None):
    """The kinds of finds in some schedules of this class, where all backends have the change."""

    def changed(package):
        return lambda **p: Changed(getattr(package, name)(**p), method, change)

    packages = {key: SimpleNamespace(**{**vars(package), name: changed(package)}) for key, package in PACKAGES.items()}
    cases = (search.drawn_case(0, number, lambda line: None, packages) for number in itertools.count())
    some = itertools.islice((case for case in cases if case.name == name), 2)
    with np.errstate(all="ignore"):
        return {kind.split(",")[0] for case in some for kind in search.finds_of(case)}


@pytest.mark.parametrize("name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_wrong_rates(name):
    assert kinds(name) == set()
    assert "wrong_rates" in kinds(name, "__call__", lambda rate: rate * (1 + 2.0**-50))  # some ULP
    assert kinds(name, "__call__", lambda rate: rate if np.size(rate) < 50 else 2 * rate[::-1]) == {"differing_paths"}


@pytest.mark.parametrize(
    ("method", "change", "kind"),
    [
        ("sum", lambda x: np.nextafter(x, np.inf), "wrong_sums"),
        ("cumulative", lambda x: x * (1 + 2.0**-48), "wrong_sums"),
        ("step_at", lambda step: step and step + 1, "wrong_inverses"),
        ("step_at_sum", lambda step: step and step - 1, "wrong_inverses"),
    ],
)
def test_wrong_sums_and_inverses(method, change, kind):
    assert kind in kinds("CosineDecay", method, change)
    if method == "sum":
        assert kind in kinds("ExponentialDecay", "sum_of_squares", change)


def faulty(seed, first, results, noted):
    """A worker whose second schedule never returns; a later one dies."""
    results.send((first, {}, Counter()))
    noted.value = b"f(1)" if first == 0 else b"f(3)"
    time.sleep(60) if first == 0 else os._exit(3)


def test_hangs_and_deaths(capsys):
    found, _ = search.watch(0, lambda done: done["schedules"] > 2, worker=faulty, limit=0.5)
    assert found == {"hangs": 1, "deaths": 1}
    assert capsys.readouterr().out == "f(1)  # no end after 0.5 s\nf(3)  # the process ended with 3\n"
