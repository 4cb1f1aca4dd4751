# SPDX-License-Identifier: MIT
"""Renumbering interchangeable records: fewer states, the same answers."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings

from cowpath.explore.found import Exploration, Search
from cowpath.explore.method import Method
from cowpath.explore.native import exploration
from cowpath.explore.search import explore as reference_search
from tests.explore.models import Programs, build, models
from tests.explore.native.test_search import ALL, LARGE, warm


def nameless(names: Iterable[str]) -> set[str]:
    """Names of invariants without the numbers of pages, which mean nothing."""
    return {re.sub(r"\d+", "", name) for name in names}


def assert_same_answers(arguments: tuple[Programs, int], found: Search) -> Exploration:
    reference = reference_search(build(*arguments))
    assert found.finished, found.reason
    assert set(reference.outcomes) == set(found.outcomes)
    assert nameless(reference.violations) == nameless(found.violations)
    assert (reference.hang and reference.hang.deadlock) == (found.hang and found.hang.deadlock)
    assert len(found.states) <= len(reference.states)
    return reference


@settings(max_examples=80, deadline=None)
@given(models())
def test_random_models(arguments: tuple[Programs, int]) -> None:
    assert_same_answers(arguments, exploration.native(warm(*arguments, 20), Method(memory=ALL)))


@pytest.mark.parametrize("threads", [1, 2])
def test_fewer_states(threads: int) -> None:
    found = exploration.native(warm(LARGE, 3, 50), Method(memory=ALL, threads=threads))
    reference = assert_same_answers((LARGE, 3), found)
    assert len(found.states) < 0.6 * len(reference.states)


def test_every_edge_leads_to_a_state_that_stands_for_the_successor() -> None:
    found = exploration.native(warm(LARGE, 3, 50), Method(memory=ALL))
    for number in range(0, len(found.states), 50):
        assert all(successor >= 0 for _, successor in found.edges(number))
