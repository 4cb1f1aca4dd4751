# SPDX-License-Identifier: MIT
"""The archive of what real kernels have shown, and the tables that are made of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cowpath.machine import results
from tests.machine.test_compare import LOST, comparison

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "archive.py"


@pytest.fixture
def archive() -> Any:
    """The script, which is in no package."""
    spec = importlib.util.spec_from_file_location("archive", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_tables_are_what_the_archive_says(archive: Any) -> None:
    page = archive.PAGE.read_text()
    assert archive.with_tables(page, archive.read()) == page, "python benchmarks/archive.py tables"


def test_a_later_result_takes_the_place_of_an_earlier_one(
    archive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ARCHIVE", tmp_path / "kernels")
    for count in (50, 100):
        record = results.RunRecord({}, tmp_path / "runs")
        record.add(comparison("6.1", "um", {LOST: count}))
        archive.keep(record.document())
    (entry,) = archive.read()
    assert (entry["machine"], entry["words"]) == ("uml:6.1", "lost write 100/100")
    assert len(entry["digest"]) == 16
