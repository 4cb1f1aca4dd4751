# SPDX-License-Identifier: MIT
"""The forms of a result, on results made by hand."""

import dataclasses
from typing import Any

from cowpath.history.version import Version, version
from cowpath.judge.answer import short_verdict
from cowpath.judge.judge import judge
from cowpath.judge.result import ORDER, Outcome, Result, Violation
from cowpath.litmus.resolve import program_from_text
from cowpath.report import sarif, story, text
from cowpath.report.style import align

TEST = program_from_text("C t { char x[1] = \"a\"; } P0(char *x) { r0 = x[0]; } exists (0:r0='a')")


def result(kernel: Version | None = None, **changes: Any) -> Result:
    return dataclasses.replace(judge(TEST, kernel or version("6.1")), **changes)


def test_columns_align() -> None:
    assert align([["", "b"], ["long", "c"], ["x", ""]]) == "      b\nlong  c\nx\n"


def test_a_short_verdict_prefers_words_to_invariants() -> None:
    for breakage, short in (
        ((), "kept"),
        (("lost write", "I1 writable is exclusive"), "lost write"),
        (("crash", "leak"), "crash, leak"),
        (("I1 writable is exclusive", "I8 stable writes"), "I1, I8"),
    ):
        assert short_verdict(result(breakage=breakage)) == short


def test_every_breakage_has_its_words_in_every_report() -> None:
    assert short_verdict(result(breakage=ORDER)) == ", ".join(ORDER)
    assert {*ORDER, ""} == set(story.DEEDS)
    assert set(ORDER) <= set(sarif.RULES)


def test_what_is_broken_is_starred() -> None:
    broken = result(
        verdict="broken",
        breakage=("lost write", "I8 stable writes"),
        outcomes=(Outcome({"0:r0": "a"}, {}), Outcome({"0:r0": "bb"}, {}, copies=2, breakage="lost write")),
        violations=(Violation("I8", "stable writes", "P0.x can write folio0", 0),),
    )
    assert text.result_text(broken).splitlines()[1:5] == [
        "    broken: lost write, I8 stable writes",
        "      0:r0=a;",
        "    * 0:r0=bb; copies=2;  lost write",
        "    * I8 stable writes: P0.x can write folio0",
    ]


def test_what_is_not_finished_claims_nothing() -> None:
    shown = text.result_text(result(verdict="unfinished", breakage=("lost write",), condition=None))
    assert "not finished" in shown
    assert "broken" not in shown
    assert "exists" not in shown
    assert text.verdict_words(result(verdict="unfinished", breakage=("lost write",))) == "not finished"


def test_a_column_says_no_more_than_it_must() -> None:
    plain, arm, dropped = version("6.1"), version("6.1", "arm"), version("6.1", dropped=["H3"])
    assert text.column_head(plain, [plain, dropped]) == "6.1"
    assert text.column_head(plain, [plain, arm]) == "6.1 x86_64"
    assert text.column_head(dropped, [plain, dropped]) == "6.1 -H3"
    assert text.column_head(version("6.1", added=["as-posted"]), [plain]) == "6.1 +as-posted"


def test_a_test_that_was_not_run_on_a_kernel_leaves_a_gap() -> None:
    old, new = version("5.18"), version("6.1")
    rows = [text.row("a", result(old)), text.row("a", result(new)), text.row("b", result(new))]
    shown = text.table(rows)
    assert shown.splitlines() == ["       5.18  6.1", "t (a)  kept  kept", "t (b)        kept"]
