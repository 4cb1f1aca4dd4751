# SPDX-License-Identifier: MIT
"""A kept run is judged again, by the model of today; only where the test still does the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cowpath.cli import main
from cowpath.errors import CowpathError
from cowpath.machine import results
from cowpath.machine.again import digest, judge_again
from tests.machine.test_compare import LOST, comparison

TEST = "founding/get-write-read-refault"


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    """A run in which a write was lost on User-Mode Linux 6.1."""
    record = results.RunRecord({}, tmp_path / "elsewhere")
    record.add(comparison("6.1", "um", {LOST: 100}))
    return results.load(record.finish())


def test_what_was_seen_is_held_against_the_model_again(run: dict[str, Any]) -> None:
    program = comparison("6.1", "um", {}).program
    run["results"][0]["facts"] = {"release": "6.1.176", "machine": "x86_64"}
    (again,) = judge_again(run, [("a file", program)])
    assert (again.standing, again.words) == ("agrees", "lost write 100/100")
    run["results"][0]["model"]["kernel"] = "6.1.176 x86_64"  # which has the marker
    (again,) = judge_again(run, [("a file", program)])
    assert again.standing == "disagrees"


def test_a_test_that_does_something_else_now_is_refused(run: dict[str, Any]) -> None:
    program = comparison("6.1", "um", {}).program
    assert run["results"][0]["digest"] == digest(program)
    run["results"][0]["digest"] = "0" * 16
    with pytest.raises(CowpathError, match="has changed since this result was kept"):
        judge_again(run, [("a file", program)])


@pytest.mark.parametrize(
    "change", [{"outcomes": [{"text": "", "observed": ["a"], "count": 1}]}, {"facts": 7}]
)
def test_what_is_no_result_is_refused(run: dict[str, Any], change: dict[str, Any]) -> None:
    program = comparison("6.1", "um", {}).program
    run["results"][0] |= change
    with pytest.raises(CowpathError, match="is none that `cowpath run` has kept"):
        judge_again(run, [("a file", program)])


def test_nothing_is_run(run: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run["results"][0]["facts"] = {"release": "6.1.176", "machine": "x86_64"}
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert main(["run", "get-write-read-refault", "--judge", str(tmp_path / "run.json")]) == 0
    assert "lost write" in capsys.readouterr().out
    assert main(["run", "fresh-page", "--judge", str(tmp_path / "run.json")]) == 2
