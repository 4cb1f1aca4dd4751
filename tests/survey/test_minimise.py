# SPDX-License-Identifier: MIT
"""Tests made as small as they go."""

from collections.abc import Sequence

import pytest

from cowpath.corpus.files import source
from cowpath.errors import CowpathError
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.litmus.ast import Litmus
from cowpath.litmus.parse import parse_source
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import program_from_text
from cowpath.survey.minimise import Minimal, Minimiser, smaller_tests, without_thread


def tree(text: str) -> Litmus:
    """The tree of a corpus test."""
    return parse_source(source(text))


def minimal(test: str, kernel: str, wanted: str | None = None, added: Sequence[str] = ()) -> Minimal:
    found = Minimiser(tree(test), version(kernel, added=added), wanted).minimal()
    assert found is not None
    return found


def statements(test: Litmus) -> int:
    return sum(len(thread.body) for thread in test.threads)


@pytest.mark.parametrize(
    ("test", "kernel", "left", "kind"),
    [
        ("get-write-read-refault", "5.18", 4, "lost write"),
        ("pin-write-fork", "5.7", 4, "leak"),
        ("CVE-2020-29374", "5.7", 6, "leak"),
    ],
)
def test_what_is_left_still_shows_it_and_nothing_can_go(test: str, kernel: str, left: int, kind: str) -> None:
    found = minimal(test, kernel)
    assert statements(found.test) <= left
    again = judge(program_from_text(to_text(found.test)), version(kernel))
    assert kind in again.breakage
    for smaller in smaller_tests(found.test):
        try:
            program = program_from_text(to_text(smaller))
        except CowpathError:
            continue
        assert kind not in judge(program, version(kernel)).breakage, to_text(smaller)


def test_an_invariant_is_kept_as_well() -> None:
    found = minimal("stable-writes", "6.1", added=["as-posted"])
    assert found.result.violations[0].name == "I8"
    assert statements(found.test) < statements(tree("stable-writes"))


def test_an_outcome_that_was_asked_for() -> None:
    found = minimal("get-write-read-refault", "6.1", "0:r1='D'")
    assert statements(found.test) < 7
    assert "r1" in to_text(found.test)


def test_what_is_not_broken_cannot_be_made_smaller() -> None:
    assert Minimiser(tree("fresh-page"), version("6.1"), None).minimal() is None
    with pytest.raises(CowpathError, match="no invariant I77"):
        Minimiser(tree("fresh-page"), version("6.1"), "I77")


def test_a_thread_goes_with_its_children_and_the_others_move_up() -> None:
    test = tree("get-read-leak")
    assert [thread.name for thread in test.threads] == ["P0", "P1", "P2"]
    assert [thread.name for thread in without_thread(test, 1).threads] == ["P0"]
    assert "P1" not in to_text(without_thread(test, 1))
