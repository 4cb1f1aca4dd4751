# SPDX-License-Identifier: MIT
"""Changes in words."""

import pytest

from cowpath.explore.trace import PathStep, trace
from cowpath.history.version import version
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import load_program
from cowpath.report.facts import facts, pte_change, reach
from cowpath.report.words import PTE_FLAGS
from tests.founding import FOUNDING, judged


def entry(described: str) -> dict[str, object]:
    """The fields of a page-table entry that is described so."""
    kind, *rest = described.split()
    target = {"present": "folio", "swap": "slot", "migration": "migrating"}
    fields: dict[str, object] = {"kind": kind, "write": "rw" in rest}
    if kind != "none":
        fields[target[kind]] = rest[0]
    flags = dict.fromkeys((word.replace("-", "_") for word in rest[1:] if word not in ("rw", "ro")), True)
    return dict.fromkeys(PTE_FLAGS, False) | fields | flags


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("none", "present folio1 rw", "maps folio1 read-write"),
        ("present folio0 rw", "present folio0 ro dirty", "becomes read-only"),
        ("present folio0 rw dirty", "present folio0 rw", "becomes clean"),
        ("present folio0 rw", "present folio0 rw dirty", "becomes dirty"),
        ("present folio0 rw", "none", "becomes empty"),
        ("swap slot0 exclusive", "swap slot0", "loses the exclusive marker"),
        ("present folio0 ro", "swap slot0 exclusive", "becomes the swap pte of slot0, marked exclusive"),
        ("present folio0 ro", "migration folio0", "becomes the migration entry of folio0"),
        ("migration folio0 soft-dirty", "migration folio0", "is not soft-dirty any more"),
        ("swap slot0 exclusive uffd-wp", "present folio0 ro uffd-wp", "maps folio0 read-only"),
        (
            "present folio0 rw",
            "present folio0 ro uffd-wp",
            "becomes read-only and is write-protected by userfaultfd",
        ),
        ("present folio0 rw protnone", "present folio0 rw", "is accessible again"),
        ("none", "present folio0 rw dirty soft-dirty", "maps folio0 read-write and becomes soft-dirty"),
    ],
)
def test_every_kind_of_entry_has_its_words(before: str, after: str, words: str) -> None:
    assert pte_change(entry(before), entry(after)) == words


def steps_of(kernel: str, test: str) -> tuple[Result, list[PathStep]]:
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
