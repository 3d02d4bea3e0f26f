"""The schedules of other systems from their own files, without the packages around them, which need much more."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import types
from importlib.machinery import PathFinder
from pathlib import Path

import pytest


def original(module, **stubs):
    """Import a module from its own file, within bare packages; skip the test where its system is not.

    `stubs` are the names in other modules, or in these packages, that it imports. $COSINE_FAST_ORIGINALS is a folder of
    packages, which nothing else finds there: Accelerate, for one, would import DeepSpeed.
    """
    *packages, _ = itertools.accumulate(module.split("."), "{}.{}".format)
    found = PathFinder.find_spec(packages[0], [*filter(None, [os.environ.get("COSINE_FAST_ORIGINALS")]), *sys.path])
    if found is None:
        pytest.skip(f"{packages[0]} is neither installed nor in $COSINE_FAST_ORIGINALS")
    made = {name: types.ModuleType(name) for name in (*packages, *stubs)}
    for name in packages:
        path = name.split(".")[1:]
        made[name].__path__ = [str(Path(root, *path)) for root in found.submodule_search_locations]
    for name, names in stubs.items():
        vars(made[name]).update(names)
    with pytest.MonkeyPatch.context() as patch:
        for name in made:
            patch.setitem(sys.modules, name, made[name])
        return importlib.import_module(module)
