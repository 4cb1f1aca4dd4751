# SPDX-License-Identifier: MIT
"""The twins of cow.c's cases on large folios: what is promised there is promised here."""

from pathlib import Path

import pytest

from cowpath.corpus.files import corpus, program
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.litmus.program import Program

SELFTESTS = [file for file in corpus() if file.parent.name == "selftests"]
RACES = ("CVE-2020-29374", "13ddaf26be32", "get-write-read-refault", "pin-write-kswapd")


def kept(test: Program, kernel: str) -> bool:
    """Whether a kernel keeps the promise, with all its invariants."""
    result = judge(test, version(kernel))
    return result.verdict == "kept" and not result.violations


def test_there_are_twins() -> None:
    assert len(SELFTESTS) > 30
    assert sum(bool(program(str(file), large=True).blocks) for file in SELFTESTS) >= 31


def rows() -> dict[str, list[str]]:
    """The table of twins in the README of the selftests: a test, and its verdict on each kernel."""
    lines = (SELFTESTS[0].parent / "README.md").read_text("utf-8").splitlines()
    cells = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")
    )
    return {row[0].strip("`"): row[1:] for row in cells if row[0].endswith("-large`")}


def test_every_selftest_has_a_row() -> None:
    assert set(rows()) == {f"{file.stem}-large" for file in SELFTESTS}


@pytest.mark.slow
@pytest.mark.parametrize("file", SELFTESTS, ids=lambda file: file.stem)
def test_the_table_of_twins_is_right(file: Path) -> None:
    test = program(str(file), large=True)
    found = [judge(test, version(kernel)) for kernel in ("5.10", "6.1", "7.3")]
    assert [", ".join(one.breakage) or one.verdict for one in found] == rows()[test.name][:3]
    assert not found[-1].violations


@pytest.mark.parametrize("name", RACES)
def test_what_a_fix_mends_it_mends_on_large_folios(name: str) -> None:
    assert kept(program(name, large=True), "7.3")


def test_before_the_founding_patch_a_device_loses_its_write_there_too() -> None:
    assert not kept(program("pin-write-kswapd", large=True), "5.10")
