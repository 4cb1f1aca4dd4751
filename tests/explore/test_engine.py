# SPDX-License-Identifier: MIT
"""Which engine searches, and what a small search costs."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from cowpath.explore import engine
from cowpath.explore.found import Exploration
from tests.explore.models import build
from tests.explore.native.test_search import LARGE
from tests.tools import need_engine

TEST = Path(__file__).parents[2] / "litmus" / "founding" / "get-write-read-refault.litmus"


def test_a_small_search_stays_in_python() -> None:
    assert isinstance(engine.explore(build(LARGE, 2)), Exploration)


def test_a_search_that_grows_changes_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    need_engine()
    monkeypatch.setattr(engine, "THRESHOLD", 100)
    found = engine.explore(build(LARGE, 2), engine.Method(rename=False))
    assert not isinstance(found, Exploration)
    assert len(found.states) == len(engine.explore(build(LARGE, 2), engine.Method("reference")).states)


def test_without_its_libraries_the_reference_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "THRESHOLD", 100)
    monkeypatch.setattr(engine, "available", lambda: False)
    assert isinstance(engine.explore(build(LARGE, 2)), Exploration)


def test_partial_order_is_for_the_reference_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "THRESHOLD", 100)
    found = engine.explore(build(LARGE, 2), engine.Method(partial_order=True))
    assert isinstance(found, Exploration)
    assert "partial order" in found.engine
    assert not found.shortest
    with pytest.raises(ValueError, match="partial_order: only the reference search has it"):
        engine.Method("native", partial_order=True)


def test_every_engine_can_keep_dead_locals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "THRESHOLD", 100)
    for method in (engine.Method(), engine.Method("reference"), engine.Method(partial_order=True)):
        kept = dataclasses.replace(method, live_only=False)
        assert not engine.explore(build(LARGE, 1), kept).recorder.live_only
        assert engine.explore(build(LARGE, 1), method).recorder.live_only


def test_threads_are_one_or_two() -> None:
    with pytest.raises(ValueError, match="threads=3: 1 or 2"):
        engine.Method(threads=3)


def test_a_small_check_imports_neither_numpy_nor_numba() -> None:
    code = (
        "import sys\nfrom cowpath.cli import main\n"
        f"main(['check', {str(TEST)!r}, '--kernel', '5.18'])\n"
        "import cowpath.explore.engine\n"
        "assert 'numpy' not in sys.modules and 'numba' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
