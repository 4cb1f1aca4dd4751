# SPDX-License-Identifier: MIT
"""litmus/cve and litmus/fixes: each bug is fixed by exactly the change that the README names."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from cowpath.history.change import Change
from cowpath.history.eras import all_versions
from cowpath.history.release import Release
from cowpath.history.version import DEFAULT_ARCHITECTURE, OLDEST, Version, find, version
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import load_program

LITMUS = Path(__file__).parents[2] / "litmus"
NO_PROMISE = {"faeb2831b517", "6cce3314b928", "8e80af52db65"}
"""What it mended is asked for by the condition of its test."""

BORN_WITH_IT = {"76aefad628aa"}
"""The bug came in the same release, so that no release had it."""

NEEDS_COMPANY = {"1493a1913e34", "a7f226604170", "29a951dfb3c3", "678e54d4bb9a", "04fc7816089c"}
"""Added alone to the kernel before its release it does not mend it: another change has to come with it."""

WORKED_AROUND = {"09854ba94c6a": Release(5, 8)}
"""The release before the fix was well for a reason of its own (17839856fd58)."""


@dataclass(frozen=True)
class Row:
    """A row of the table: `last` is the last release on which dropping the fix brings the bug back."""

    test: Path
    fix: str
    last: Release | None

    @property
    def changes(self) -> tuple[Change, ...]:
        return find(self.fix)

    @property
    def architecture(self) -> str:
        """The one whose flaw the fix mends, where it is not everybody's."""
        return next((name for change in self.changes for name in change.architectures), DEFAULT_ARCHITECTURE)

    @property
    def release(self) -> Release:
        return max(change.release for change in self.changes if change.release is not None)

    @property
    def newest(self) -> Version:
        """The newest kernel on which the fix decides."""
        able = [
            one
            for one in all_versions([self.architecture])
            if all(one.has(change) for change in self.changes)
        ]
        return able[-1] if self.last is None else version(self.last, self.architecture)


def rows() -> list[Row]:
    """Every row of both READMEs that names a test."""
    found = []
    for theme in ("cve", "fixes"):
        table = (LITMUS / theme / "README.md").read_text("utf-8").split("Left out:")[0]
        for line in table.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            test = LITMUS / theme / f"{cells[0]}.litmus"
            if test.exists():
                fix = cells[2] if theme == "cve" else cells[0]
                last = re.fullmatch(r"v(\d+\.\d+)", cells[-1]) if theme == "fixes" else None
                found.append(Row(test, fix, Release.parse(last[1]) if last else None))
    return found


@functools.cache
def result(test: Path, kernel: Version) -> Result:
    return judge(load_program(test), kernel)


def broken(row: Row, kernel: Version) -> bool:
    """Whether the kernel has the bug."""
    found = result(row.test, kernel)
    return found.verdict == "broken" or (row.fix in NO_PROMISE and found.condition is False)


every_row = pytest.mark.parametrize("row", rows(), ids=lambda row: row.test.stem)


def test_every_test_has_a_row() -> None:
    tests = {test for theme in ("cve", "fixes") for test in (LITMUS / theme).glob("*.litmus")}
    assert {row.test for row in rows()} == tests


@every_row
def test_dropping_the_fix_brings_the_bug_back(row: Row) -> None:
    """On the newest kernel, or the last one on which nothing else stands in its place."""
    assert not broken(row, row.newest)
    assert broken(row, version(row.newest.release, row.architecture, dropped=[row.fix]))


@pytest.mark.parametrize("row", [row for row in rows() if row.last], ids=lambda row: row.test.stem)
def test_after_the_last_kernel_that_a_row_names_the_fix_is_gone_or_redundant(row: Row) -> None:
    after = next(one for one in all_versions() if row.last is not None and one.release > row.last)
    gone = not any(after.has(change) for change in row.changes)
    assert gone or not broken(row, version(after.release, dropped=[row.fix]))


@every_row
def test_the_kernel_before_has_the_bug_and_the_fix_alone_mends_it(row: Row) -> None:
    """`--with` is as good as the release: nothing else in it is needed."""
    before = [one.release for one in all_versions() if one.release < WORKED_AROUND.get(row.fix, row.release)]
    if row.release > OLDEST and row.fix not in BORN_WITH_IT:
        assert broken(row, version(before[-1], row.architecture))
        assert row.fix in NEEDS_COMPANY or not broken(
            row, version(before[-1], row.architecture, added=[row.fix])
        )


@every_row
def test_the_releases_of_the_readme_are_those_of_the_changes(row: Row) -> None:
    text = (row.test.parent / "README.md").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"| {row.test.stem} |"))
    assert re.search(rf"\| v{row.release}(\.\d+)? \|", line)
