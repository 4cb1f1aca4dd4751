# SPDX-License-Identifier: MIT
"""Programs and packages that some tests need: a test without them is skipped, under CI=true it fails."""

import importlib.util
import os
import shutil
from typing import NoReturn

import pytest

from cowpath.explore import engine
from cowpath.explore.native.compiler import compiler


def missing(what: str) -> NoReturn:
    """Skip the running test, or fixture, and say what it lacks; under CI=true fail instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed in CI: {what}")
    pytest.skip(what)


def need(*programs: str) -> list[str]:
    """Return the paths of these programs, if all of them are installed."""
    found = {program: shutil.which(program) for program in programs}
    lacking = [program for program, path in found.items() if path is None]
    if lacking:
        missing(f"{', '.join(lacking)} not installed: `make tools`")
    return [path for path in found.values() if path is not None]


def need_compiler() -> None:
    """Go on if there is a C compiler.  Whoever says CC=none, as `make plain` does, wants to do without."""
    if compiler() is None and os.environ.get("CC") == "none":
        pytest.skip("CC=none: no C compiler")
    if compiler() is None:
        missing("a C compiler: `make tools`")


def need_engine() -> None:
    """Go on if the native engine's library is there or can be made."""
    if not engine.available():
        need_compiler()


def need_module(name: str) -> None:
    """Go on if a package of Python is there that cowpath itself can do without."""
    if importlib.util.find_spec(name) is None:
        missing(f"{name} is not installed: it is in the dependency group dev")
