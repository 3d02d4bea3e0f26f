"""Parametrised tests of which only a sample runs without -m slow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest


def one_in(n: int, cases: Sequence[tuple[Any, ...]], ids: Sequence[str] | None = None) -> list[Any]:
    """Cases for pytest.mark.parametrize; without -m slow, one in n of them runs."""
    marks = [[pytest.mark.slow] * bool(i % n) for i in range(len(cases))]
    return [pytest.param(*case, marks=marks[i], id=ids[i] if ids else None) for i, case in enumerate(cases)]
