# SPDX-License-Identifier: MIT
"""Copies counted, and which of them nobody needed."""

from pathlib import Path

from cowpath.explore.engine import Method
from cowpath.history.version import version
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import load_program
from cowpath.report import copies as report
from cowpath.survey.copies import Copies, CopiesRow, CopyCount, build, count, default_versions, marker_pair
from cowpath.survey.sweep import Assignment, judge_here

FOUNDING = Path(__file__).parents[2] / "litmus" / "founding"


def programs(*names: str) -> dict[str, Program]:
    """Tests of the founding corpus, by name."""
    return {name: load_program(FOUNDING / f"{name}.litmus") for name in names}


def table(name: str, *kernels: str) -> Copies:
    versions = [version("6.1", dropped=["1493a1913e34"]) if k == "bare" else version(k) for k in kernels]
    return build(programs(name), versions)


def test_the_marker_spares_a_copy() -> None:
    found = table("unstable-writes", "5.18", "6.1", "bare")
    assert [one.words for one in found.rows[0].counts] == ["0-1", "0", "0-1"]
    assert (found.rows[0].needed, found.rows[0].spared) == (0, 1)
    assert [found.total(index) for index in range(3)] == [1, 0, 1]


def test_a_copy_that_every_kernel_makes_is_needed() -> None:
    found = table("get-read-stale", "5.10", "5.18", "6.1")
    assert found.rows[0].needed == 1
    assert found.total(0) == 0


def test_a_kernel_that_breaks_the_promise_sets_no_example() -> None:
    row = CopiesRow("t", (CopyCount("t", 0, 0, kept=False), CopyCount("t", 1, 1), CopyCount("t", 1, 2)))
    assert row.needed == 1
    assert [row.avoidable(one) for one in row.counts] == [0, 0, 1]


def test_nothing_is_spared_where_a_kernel_breaks_the_promise() -> None:
    assert table("get-write-read-refault", "6.1", "bare").rows[0].spared is None


def test_the_newest_kernel_makes_no_avoidable_copy_in_the_founding_corpus() -> None:
    names = ("fresh-page", "fork-then-swapoff", "get-read-leak", "unstable-writes", "stable-writes")
    found = build(programs(*names), [version("5.18"), version("5.19")])
    assert found.total(0) > 0
    assert found.total(1) == 0


def test_a_bounded_search_gives_no_number() -> None:
    (program,) = programs("get-read-leak").values()
    question = Assignment("", program, (version("6.1"),), Method(max_states=5), count_copies=True)
    (found,) = judge_here(question, count)
    assert (found.most, found.words) == (None, "-")
    assert "not finished" in found.why


def test_the_pair_differs_by_the_founding_patch_alone() -> None:
    pair = marker_pair(default_versions())
    assert pair is not None
    assert {change.part_of for change in pair[0].changes - pair[1].changes} == {"1493a1913e34"}
    assert marker_pair([version("5.18"), version("5.19")]) is None


def test_the_report_says_what_its_words_mean() -> None:
    text = report.text(table("unstable-writes", "5.18", "6.1", "bare"))
    assert text.splitlines()[1].split() == ["unstable-writes", "0-1", "+1", "0", "0-1", "+1", "0", "-1"]
    assert "needed: the smallest worst case" in text
