# SPDX-License-Identifier: MIT
"""Results are kept as they come, and read back only if they are results."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cowpath.cli import main
from cowpath.errors import CowpathError
from cowpath.machine import results
from cowpath.machine.compare import Comparison
from tests.machine.test_compare import KEPT, LOST, comparison


def record(directory: Path, *comparisons: Comparison) -> results.RunRecord:
    """A run that has come as far as these results."""
    found = results.RunRecord({}, directory)
    for one in comparisons:
        found.add(one)
    return found


def test_an_earlier_run_can_be_compared_with(tmp_path: Path) -> None:
    earlier = record(tmp_path, comparison("6.1", "um", {LOST: 100}))
    later = record(tmp_path, comparison("6.1", "um", {KEPT: 100}))
    first, second = earlier.finish(), later.finish()
    assert first != second, "no run overwrites another"
    assert sorted(tmp_path.iterdir()) == sorted([first, second]), "nothing else is left"
    kept = results.load(first)
    assert results.differences(kept, earlier.document()) == []
    assert results.differences(kept, later.document()) == [
        "get-write-read-refault on uml:6.1: was agrees, is disagrees",
        "get-write-read-refault on uml:6.1: new outcome 0:r0=b; 0:r1=D; 0:x[0]=D; 0:x[1]=c;",
        "get-write-read-refault on uml:6.1: no longer seen: 0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c;",
    ]


def test_what_came_before_the_end_is_in_the_file(tmp_path: Path) -> None:
    """Whatever the end was: nothing is held back."""
    run = record(tmp_path, comparison("6.1", "um", {LOST: 100}), comparison("6.1", "um", {KEPT: 100}))
    lines = run.file.read_text().splitlines()
    assert [json.loads(line)["standing"] for line in lines] == ["agrees", "disagrees"]


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "7", "null", "[" * 100_000,
        '{"format": 2, "results": []}', '{"format": 1}', '{"format": 1, "results": 7}',
        '{"format": 1, "results": [7]}', '{"format": 1, "results": [{"test": "t"}]}',
        '{"format": 1, "results": [{"test": "t", "machine": "m", "standing": "", "outcomes": [7]}]}',
    ],
)  # fmt: skip
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(CowpathError):
        results.load(file)


def test_a_directory_that_cannot_be_written_is_said_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["run", "fresh-page", "--on", "host", "--results", str(tmp_path / "file" / "below")]
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert "results cannot be kept" in shown.err
    assert "--results names another directory" in shown.err
    assert "host: fresh-page" not in shown.err, "nothing has run"


def test_results_that_cannot_be_kept_are_printed_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    assert main(["run", "fresh-page", "--on", "host", "--rounds", "1", "--results", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert "Test fresh-page on host" in shown.out
    assert "No space left on device" in shown.err
    (lines,) = [file for file in os.listdir(tmp_path) if file.endswith(".jsonl")]
    assert lines in shown.err, "where it is nevertheless"
