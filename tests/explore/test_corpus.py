# SPDX-License-Identifier: MIT
"""The engines on the corpus: the native one finds what the reference finds, with and without renaming."""

import itertools
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from cowpath.explore.engine import Method
from cowpath.explore.found import Search
from cowpath.explore.path import path_to
from cowpath.history.version import NEWEST, version
from cowpath.judge.judge import explore_mechanism
from cowpath.litmus.resolve import load_program
from tests.explore.test_partial_order import recorded

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parents[2] / "litmus"
TESTS = sorted(CORPUS.glob("*/*.litmus"))
KERNELS = ("5.18", str(NEWEST))


class Case(NamedTuple):
    """What the other searches are held against."""

    test: Path
    kernel: str
    found: Search

    def again(self, method: Method) -> Search:
        """The same in another way."""
        return search(self.test, self.kernel, method)


CASES = [
    pytest.param((test, kernel), marks=pytest.mark.xdist_group(f"{test.stem}-{kernel}"))
    for test, kernel in itertools.product(TESTS, KERNELS)
]
"""What shares a reference search is run by one process."""


@pytest.fixture(scope="module", params=CASES, ids=lambda p: f"{p[0].stem}-{p[1]}")
def case(request: pytest.FixtureRequest) -> Case:
    """One test on one kernel, as the reference search has it; all that is compared with it comes in turn."""
    test, kernel = request.param
    return Case(test, kernel, search(test, kernel, Method("reference")))


def search(test: Path, kernel: str, method: Method) -> Search:
    """One test on one kernel."""
    return explore_mechanism(load_program(test), version(kernel), method)


def nameless(text: str) -> str:
    """A text without the numbers of records, which mean nothing where records are renamed."""
    return re.sub(r"(folio|slot)\d+", r"\1", text)


def test_the_native_engine_finds_the_same(case: Case) -> None:
    one, other = case.found, case.again(Method("native", rename=False))
    assert (len(one.states), one.transitions) == (len(other.states), other.transitions)
    assert list(one.outcomes.items()) == list(other.outcomes.items())
    assert (one.violations, one.hang) == (other.violations, other.hang)


def test_renaming_changes_no_answer(case: Case) -> None:
    """Nor the length of a shortest path."""
    one, other = case.found, case.again(Method("native"))
    assert len(other.states) <= len(one.states)
    assert answers(one) == answers(other)
    assert deadlocks(one) == deadlocks(other)


def test_partial_order_changes_no_answer(case: Case) -> None:
    """Paths may be longer, and another broken state may be the first."""
    one, other = case.found, case.again(Method(partial_order=True))
    assert len(other.states) <= len(one.states)
    assert one.outcomes.keys() == other.outcomes.keys()
    assert one.violations.keys() == other.violations.keys()
    assert deadlocks(one) == deadlocks(other)
    assert recorded(one) == recorded(other)


def test_dead_locals_change_no_answer(case: Case) -> None:
    one, other = case.found, case.again(Method("reference", live_only=False))
    assert len(other.states) >= len(one.states)
    assert answers(one) == answers(other)
    assert deadlocks(one) == deadlocks(other)


def deadlocks(found: Search) -> bool | None:
    """Whether what hangs cannot move; None where nothing does."""
    return None if found.hang is None else found.hang.deadlock


def answers(found: Search) -> dict[str, int]:
    """Every outcome and broken invariant, with how many steps lead there."""
    seen: dict[str, int] = {}
    for outcome, state in found.outcomes.items():
        seen.setdefault(nameless(str(outcome)), len(path_to(found, state)))
    for violation in found.violations.values():
        seen[violation.name] = len(path_to(found, violation.state))
    return seen
