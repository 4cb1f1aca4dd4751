# SPDX-License-Identifier: MIT
"""Which test notices what: runs that are skipped, kernels that are tried, and every mutation has a test."""

import dataclasses
import re
from pathlib import Path

import pytest

from cowpath.corpus.expected import Expected
from cowpath.history.asked import Asked
from cowpath.history.change import Change
from cowpath.history.changes import CHANGES, FOUNDING
from cowpath.history.mutants import MUTANTS
from cowpath.history.version import find, version
from cowpath.litmus.resolve import load_program
from cowpath.survey.mutation import (
    Finding,
    Laboratory,
    Mutant,
    Run,
    all_mutants,
    kernels_for,
    measure,
    run,
    why_noticed,
)

CORPUS = Path(__file__).parents[2] / "litmus"
FRESH = str(CORPUS / "founding" / "fresh-page.litmus")
READ_REFAULT = str(CORPUS / "founding" / "get-write-read-refault.litmus")
WRITE_REFAULT = str(CORPUS / "founding" / "get-write-write-refault.litmus")
UNSTABLE = str(CORPUS / "founding" / "unstable-writes.litmus")
STALE = str(CORPUS / "founding" / "get-read-stale.litmus")

QUIET = Run(Asked(version("6.1")), "kept")


def mutant(name: str) -> Mutant:
    return next(one for one in all_mutants() if one.name == name)


def laboratory(*files: str) -> Laboratory:
    """These tests, none of them run yet."""
    return Laboratory({file: load_program(file) for file in files})


def tried(name: str, *files: str) -> Finding:
    return measure([mutant(name)], laboratory(*files))[0]


# -- the list --------------------------------------------------------------------------------------


def test_every_change_hunk_and_mutant_is_on_it_once() -> None:
    names = [one.name for one in all_mutants()]
    assert len(names) == len(set(names))
    assert {change.name for change in (*CHANGES, *MUTANTS)} | {"H4", "1493a1913e34"} <= set(names)


def test_the_newest_kernel_comes_first() -> None:
    newest, oldest = kernels_for(mutant("H3"))[:2]
    assert newest.release > oldest.release
    assert str(oldest) == "5.19 x86_64"
    between = kernels_for(mutant("H3"), ["x86_64"])[2:]
    assert [kernel.release for kernel in between] == sorted(
        (kernel.release for kernel in between), reverse=True
    )
    assert newest.release > between[0].release > between[-1].release > oldest.release


def test_an_architecture_of_its_own_is_the_one_to_try() -> None:
    assert {kernel.architecture for kernel in kernels_for(mutant("swp-exclusive-s390"))} == {"s390"}


@pytest.mark.parametrize("record", MUTANTS, ids=lambda record: record.name)
def test_a_mutant_can_be_built_by_hand_and_is_asked_for_in_the_model(record: Change) -> None:
    assert record in version("6.1", added=[record.name]).changes
    constant = record.name.upper().replace("-", "_")
    sources = (Path(__file__).parents[2] / "src" / "cowpath" / "linux").rglob("*.py")
    assert any(f"mutants.{constant}" in file.read_text("utf-8") for file in sources)


# -- noticing --------------------------------------------------------------------------------------


def test_a_condition_is_enough() -> None:
    found = tried("H4b", FRESH)
    assert (found.fate, found.noticed[0].why) == ("noticed", "condition holds")


def test_a_test_that_asks_nothing_of_it_does_not_notice() -> None:
    assert tried("H2", FRESH).fate == "missed"


def test_the_cheapest_test_comes_first_and_may_be_the_last() -> None:
    found, thorough = (
        measure([mutant("H5")], laboratory(WRITE_REFAULT, READ_REFAULT, FRESH), all_of_them)[0]
        for all_of_them in (False, True)
    )
    assert [notice.test for notice in found.noticed] == [WRITE_REFAULT]
    assert [notice.test for notice in thorough.noticed] == [WRITE_REFAULT, READ_REFAULT]


def test_where_the_newest_kernel_no_longer_needs_it_an_older_one_is_tried() -> None:
    found = tried("H4b", FRESH)
    assert found.version is not None
    assert found.version.has(find("H4b")[0])


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (QUIET, ""),
        (dataclasses.replace(QUIET, outcomes=frozenset({"0:r0=a;"})), ""),
        (dataclasses.replace(QUIET, breakage=("leak", "I6 written by one")), "leak, I6 written by one"),
        (dataclasses.replace(QUIET, condition=True), "condition holds"),
        (dataclasses.replace(QUIET, condition=False), "condition does not hold"),
        (dataclasses.replace(QUIET, verdict="unfinished", condition=None), ""),
        (dataclasses.replace(QUIET, verdict="unfinished", breakage=("hang",)), "hang"),
    ],
)
def test_what_counts_as_noticing(after: Run, why: str) -> None:
    assert why_noticed(QUIET, after) == why


def test_what_a_search_that_was_cut_short_did_not_see_does_not_count() -> None:
    broken = dataclasses.replace(QUIET, verdict="broken", breakage=("leak",))
    assert why_noticed(broken, dataclasses.replace(QUIET, verdict="unfinished")) == ""
    assert why_noticed(broken, QUIET) == "no leak"


def test_a_record_that_says_it_cannot_be_observed_is_held_to_it() -> None:
    shy = dataclasses.replace(find("H4b")[0], unobservable="nobody looks")
    blamed = dataclasses.replace(tried("H4b", FRESH), mutant=Mutant("H4b", "change", (shy,)))
    assert blamed.fate == "contradiction"
    assert dataclasses.replace(blamed, noticed=()).fate == "unobservable"


# -- runs that are skipped -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("file", [FRESH, UNSTABLE, STALE])
def test_a_mutant_that_is_alike_makes_no_difference(file: str) -> None:
    kernel = version("6.1")
    before = run(load_program(file), kernel)
    for one in all_mutants():
        if one.applies_to(kernel) and before.asked.alike(one.apply(kernel)):
            after = run(load_program(file), one.apply(kernel))
            assert (after.verdict, after.outcomes) == (before.verdict, before.outcomes), one.name


def test_kernels_that_are_alike_are_run_once() -> None:
    known = laboratory(STALE)
    known.run_on([version("6.1"), version("6.2")])
    known.run_on([version("6.2"), version("6.3"), version("5.7")])
    assert len(known.runs[STALE]) == 2
    assert known.known(STALE, version("6.3")) is known.known(STALE, version("6.1"))
    assert known.known(STALE, version("5.18")) is None


# -- the corpus ------------------------------------------------------------------------------------


def expectations() -> set[str]:
    """Mutations that some test expects to notice: "with X" or "without X", and another verdict than plain."""
    found = set()
    for file in CORPUS.glob("*/expected.toml"):
        for verdicts in Expected.read(file).verdicts.values():
            for key, verdict in verdicts.items():
                plain, *changed = re.split(" (?=with)", key, maxsplit=1)
                if changed and verdicts.get(plain) != verdict:
                    found.add(changed[0])
    return found


def ours(one: Mutant) -> bool:
    """Wrong kernels, and the founding patch: what this corpus is for.  The rest is for `cowpath mutate`."""
    return one.added or one.changes[0].part_of == FOUNDING


@pytest.mark.parametrize("one", [one for one in all_mutants() if ours(one)], ids=lambda one: one.name)
def test_every_mutation_is_expected_to_be_noticed_or_says_why_not(one: Mutant) -> None:
    """The quick form of `cowpath mutate`; test_corpus.py shows that the expectations are true."""
    assert one.unobservable or f"{'with' if one.added else 'without'} {one.name}" in expectations()
