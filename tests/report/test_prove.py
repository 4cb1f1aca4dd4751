# SPDX-License-Identifier: MIT
"""Proofs as text, as Markdown, and as cases."""

from cowpath.prove.campaign import ProofAnswer
from cowpath.prove.fixes import FoundAgain
from cowpath.prove.product import Bounds
from cowpath.report import prove as report

KEPT = ProofAnswer("1", "swap+gup", "6.1 x86_64", "kept", "", 1072, 26, 0.1)
BROKEN = ProofAnswer(
    "2", "swap+gup", "5.18 x86_64", "broken", "...", 554, 26, 0.1, "lost write", 4, "C found"
)
IMPLIED = ProofAnswer("3", "swap+gup+pin", "5.18 x86_64", "broken", "as swap+gup is", 0, 0, 0.0)
LATE = ProofAnswer("4", "swap+ksm", "6.1 x86_64", "not decided", "it stopped after 9 states", 9, 1, 0.1)
STRANGE = ProofAnswer("5", "swap+pin", "6.1 x86_64", "broken", "I7: ...", 9, 1, 0.1)


def test_a_table_has_a_line_for_each_answer_by_kernel() -> None:
    assert report.table([BROKEN, IMPLIED, KEPT, LATE], {"2": "found.litmus"}).splitlines() == [
        "5.18 x86_64",
        "  swap+gup      broken: lost write, in 4 statements (found.litmus)",
        "  swap+gup+pin  broken, as swap+gup is",
        "",
        "6.1 x86_64",
        "  swap+gup      kept for every program (1,072 states, 0.1 s)",
        "  swap+ksm      not decided: it stopped after 9 states",
    ]


def test_what_no_test_reproduces_is_called_our_bug() -> None:
    assert "a bug of cowpath" in report.verdict_words(STRANGE)


def test_bounds_are_printed() -> None:
    assert "3 folios and 1 slots" in report.assumptions(Bounds(3, 1, 2))
    assert "2 threads at most" in report.assumptions(Bounds(3, 1, 2))


def test_markdown_counts_and_names_what_is_not_kept() -> None:
    lines = report.markdown([BROKEN, IMPLIED, KEPT, LATE], {"2": "found.litmus"}).splitlines()
    assert "| 5.18 | 2 | 0 | 2 | 0 | 554 | 0 |" in lines
    assert "| 5.18 | swap+gup | [lost write](found.litmus) | 4 | 554 |" in lines
    assert not any("swap+gup+pin |" in line for line in lines)
    assert lines[-1] == "Not decided within the bounds (1): 6.1 swap+ksm."


def test_fixes_that_were_found_again_come_first_and_are_counted() -> None:
    again = FoundAgain("b", "7.3 x86_64 without b", 1.0, 2, "swap+gup", 554, "lost write", 4, "C found")
    lines = report.fixes_table([FoundAgain("a", "7.3 x86_64 without a", 9.0, 48), again], {}).splitlines()
    assert lines[2] == "| b | 7.3 without b | swap+gup | lost write, 4 statements | 554 | 1.0 |"
    assert lines[3] == "| a | 7.3 without a |  | not found |  | 9.0 |"
    assert lines[-1] == "1 of 2 fixes were found again."


def test_cases_have_the_status_of_the_verdict() -> None:
    statuses = [case.status for case in report.cases([KEPT, BROKEN, LATE])]
    assert statuses == ["pass", "fail", "timeout"]
