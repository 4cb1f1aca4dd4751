# SPDX-License-Identifier: MIT
"""What keeps an outcome out, and what would mend a broken test."""

import pytest

from cowpath.corpus.files import program, source
from cowpath.errors import CowpathError
from cowpath.history.version import version
from cowpath.judge.goal import Goal
from cowpath.judge.result import Result
from cowpath.litmus.parse import parse_source
from cowpath.survey.mutation import Laboratory, all_mutants, hold
from cowpath.survey.why import Inquiry, Reasons


def untold(result: Result, goal: Goal) -> str:
    """Nothing is told of a path."""
    return ""


def inquiry(test: str, kernel: str, wanted: str | None = None) -> Inquiry[str]:
    return Inquiry(program(test), parse_source(source(test)), version(kernel), wanted, untold)


def reasons(test: str, kernel: str, wanted: str | None = None, most: int = 1) -> Reasons[str]:
    return inquiry(test, kernel, wanted).reasons(most)


def alone(found: Reasons[str]) -> set[str]:
    """What keeps something out alone."""
    return {one.mutants[0].name for one in found.keepers if len(one.mutants) == 1}


@pytest.mark.parametrize(
    ("test", "hunks"),
    [
        ("get-write-read-refault", {"H1", "H4a", "H4d", "H5"}),
        ("get-write-swapoff", {"H1", "H2", "H5", "H6"}),
        ("fork-of-swapped-page", {"H3"}),
        ("unstable-writes", {"H1", "H4a", "H5"}),
    ],
)
def test_the_hunks_of_the_founding_patch_that_keep_a_test(test: str, hunks: set[str]) -> None:
    found = alone(reasons(test, "6.1"))
    assert {name for name in found if name.startswith("H")} >= hunks


@pytest.mark.parametrize("test", ["get-write-read-refault", "fork-of-swapped-page", "pin-write-fork"])
def test_it_agrees_with_mutate(test: str) -> None:
    """What mutate notices by this test on this kernel keeps something out alone, or a part of it does.

    A whole patch may be missed where one of its parts is noticed: what a hunk guards may come with another.
    """
    kernel = version("7.3")
    laboratory = Laboratory({test: program(test)})
    laboratory.run_on([kernel])
    found = alone(reasons(test, "7.3"))
    for mutant in all_mutants():
        finding = hold(laboratory.trial(mutant, kernel, thorough=True))
        if mutant.applies_to(kernel) and finding.noticed:
            assert {one.name for one in all_mutants() if set(one.changes) <= set(mutant.changes)} & found
        else:
            assert mutant.name not in found


def test_an_outcome_that_was_asked_for() -> None:
    found = reasons("get-read-leak", "6.1", "leak")
    assert alone(found) == {"wp-reuse-by-refcount"}
    (one,) = found.keepers
    assert one.fall.outcome == "2:r0=p; 0:x[0]=p;"
    assert one.fall.steps == 13


def test_two_that_stand_in_for_each_other() -> None:
    found = reasons("get-read-leak-swap", "6.1", "leak", most=2)
    assert found.pairs > 0
    for one in found.keepers:
        assert len(one.mutants) == 1 or not {mutant.name for mutant in one.mutants} & alone(found)


def test_a_single_change_that_mends() -> None:
    found = reasons("get-write-write-refault", "5.18")
    assert found.verdict == "lost write"
    assert ("swapin-reuse-by-refcount", False) in [(one.mutant.name, one.added) for one in found.menders]
    found = reasons("13ddaf26be32", "6.1")
    assert [(one.mutant.name, one.added) for one in found.menders] == [
        ("bypass-takes-slot", True),
        ("no-bypass", True),
    ]


def test_what_happens_anyway() -> None:
    assert reasons("get-read-leak", "5.7", "leak").happens


def test_an_outcome_that_cannot_be_read() -> None:
    with pytest.raises(CowpathError, match="no invariant I77"):
        reasons("get-read-leak", "5.7", "I77")
