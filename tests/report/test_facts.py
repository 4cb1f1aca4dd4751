# SPDX-License-Identifier: MIT
"""Changes in words."""

import pytest

from cowpath.explore.trace import Step, trace
from cowpath.history.version import version
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import load_program
from cowpath.report.facts import facts, pte_words, reach
from tests.founding import FOUNDING, judged


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("none", "folio1 rw", "x maps folio1 read-write"),
        ("folio0 rw", "folio0 ro dirty", "x becomes read-only"),
        ("folio0 rw dirty", "folio0 rw", "x becomes clean"),
        ("folio0 rw", "folio0 rw dirty", "x becomes dirty"),
        ("folio0 rw", "none", "x becomes empty"),
        ("swap slot0 exclusive", "swap slot0", "x loses the exclusive marker"),
        ("folio0 ro", "swap slot0 exclusive", "x becomes the swap pte of slot0, marked exclusive"),
        ("folio0 ro", "migration write folio0", "x becomes the migration entry of folio0"),
        ("migration write folio0 soft-dirty", "migration write folio0", "x is not soft-dirty any more"),
        ("swap slot0 exclusive uffd-wp", "folio0 ro uffd-wp", "x maps folio0 read-only"),
        ("folio0 rw", "folio0 ro uffd-wp", "x becomes read-only and is write-protected by userfaultfd"),
        ("folio0 rw protnone", "folio0 rw", "x is accessible again"),
        ("none", "folio0 rw dirty soft-dirty", "x maps folio0 read-write and becomes soft-dirty"),
    ],
)
def test_every_kind_of_entry_has_its_words(before: str, after: str, words: str) -> None:
    assert pte_words("x", before, after) == words


def steps_of(kernel: str, test: str) -> tuple[Result, list[Step]]:
    result = judged(kernel, test)
    goal = default_goal(result)
    assert goal is not None
    return result, trace(result.exploration, goal.state)


def test_the_swap_cache_is_entered_and_left_once() -> None:
    _, steps = steps_of("5.18", "get-write-read-refault")
    told = [phrase for step in steps for phrase in facts(step.changes) if "swap cache" in phrase]
    assert told == ["folio0 enters the swap cache (slot0)", "folio0 leaves the swap cache (slot0)"]


def test_who_can_see_a_write_is_told_for_writes_alone() -> None:
    result, steps = steps_of("5.18", "get-write-read-refault")
    layout = result.exploration.model.layout
    told = [reach(layout, step.changes, step.target) for step in steps]
    assert [words for words in told if words] == [
        "only P0.x leads to folio1",
        "only g leads to folio0",
    ]
    result, steps = steps_of("5.18", "pin-write-fork")
    words = [reach(result.exploration.model.layout, step.changes, step.target) for step in steps]
    assert "P0.x and g lead to folio0" in words


def test_a_page_without_references_is_freed_not_zeroed() -> None:
    result = judge(load_program(FOUNDING.parents[1] / "operations" / "ksm-write.litmus"), version("6.1"))
    goal = default_goal(result)
    assert goal is not None
    told = [phrase for step in trace(result.exploration, goal.state) for phrase in facts(step.changes)]
    assert told[-1] == "folio0 is freed"
