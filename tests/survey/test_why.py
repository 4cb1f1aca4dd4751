# SPDX-License-Identifier: MIT
"""What keeps an outcome out, and what would mend a broken test."""

from functools import partial

import pytest

from cowpath.corpus.files import files, program, source
from cowpath.errors import CowpathError
from cowpath.history.version import version
from cowpath.judge.goal import Goal
from cowpath.judge.result import Result
from cowpath.litmus.parse import parse_source
from cowpath.survey.mutation import Laboratory, all_mutants, hold
from cowpath.survey.parallel import Processes, default_jobs, each
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


def disagreements(test: str, kernel: str) -> list[str]:
    """Mutations of which `why` and `mutate` say different things by this test on this kernel.

    A whole patch may be missed where one of its parts is noticed: what a hunk guards may come with another.
    """
    mutated = version(kernel)
    laboratory = Laboratory({test: program(test)})
    laboratory.run_on([mutated])
    found = alone(reasons(test, kernel))
    wrong = []
    for mutant in all_mutants():
        noticed = hold(laboratory.trial(mutant, mutated, thorough=True)).noticed
        parts = {one.name for one in all_mutants() if set(one.changes) <= set(mutant.changes)}
        lets_happen = any(not notice.why.startswith("no ") for notice in noticed)
        agree = parts & found if lets_happen and mutant.applies_to(mutated) else mutant.name not in found
        if not agree:
            wrong.append(f"{test}: {mutant.name}")
    return wrong


@pytest.mark.parametrize("test", ["get-write-read-refault", "fork-of-swapped-page", "pin-write-fork"])
def test_it_agrees_with_mutate(test: str) -> None:
    assert disagreements(test, "7.3") == []


@pytest.mark.slow
def test_it_agrees_with_mutate_on_the_founding_corpus() -> None:
    tests = files(["founding"])
    assert len(tests) > 20
    found = each(partial(disagreements, kernel="6.1"), tests, Processes(default_jobs()))
    assert [wrong for one in found for wrong in one] == []


def test_all_pairs_and_triples_of_a_small_test() -> None:
    found = reasons("get-read-leak", "6.1", "leak", most=3)
    count = found.idle
    assert [(one.size, one.all) for one in found.sets] == [(2, True), (3, True)]
    assert found.sets[0].count <= count * (count - 1) // 2


@pytest.mark.slow
def test_a_set_has_no_part_that_does_it_alone() -> None:
    found = reasons("fork-of-swapped-page", "6.1", "leak", most=2)
    (pair,) = [one.mutants for one in found.keepers if len(one.mutants) == 2][:1]
    asked = inquiry("fork-of-swapped-page", "6.1", "leak")
    for mutant in pair:
        assert not asked.fall(mutant.apply(version("6.1"))).lets_happen


def test_an_outcome_that_was_asked_for() -> None:
    found = reasons("get-read-leak", "6.1", "leak")
    assert alone(found) == {"wp-reuse-by-refcount"}
    (one,) = found.keepers
    assert one.fall.outcome == "2:r0=p; 0:x[0]=p;"
    assert one.fall.steps == 13


@pytest.mark.slow
def test_two_that_stand_in_for_each_other() -> None:
    found = reasons("get-read-leak-swap", "6.1", "leak", most=2)
    assert [(one.size, one.count > 0) for one in found.sets] == [(2, True)]
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
