# SPDX-License-Identifier: MIT
"""Random models: the recorder-based search finds what running the program directly finds."""

import itertools
from collections import deque
from collections.abc import Iterator

from hypothesis import assume, given, settings

from cowpath.explore.found import Exploration
from cowpath.explore.path import path_to
from cowpath.explore.search import explore
from cowpath.explore.trace import trace
from tests.explore.random_models import Naive, Program, model, programs

few = settings(max_examples=150, deadline=None)


def depths(found: Exploration) -> list[int]:
    """The length of a shortest path to every state, by plain breadth-first search."""
    depth = {0: 0}
    queue = deque([0])
    while queue:
        number = queue.popleft()
        for _, target in found.edges(number):
            if target not in depth:
                depth[target] = depth[number] + 1
                queue.append(target)
    return [depth[number] for number in range(len(found.states))]


@few
@given(programs)
def test_states_transitions_and_outcomes(program: Program) -> None:
    found, naive = explore(model(program), verify_every=1), Naive(program)
    assert (len(found.states), found.transitions) == (len(naive.depth), naive.transitions)
    depth = depths(found)
    assert {
        (outcome.observed, outcome.crash): depth[state] for outcome, state in found.outcomes.items()
    } == naive.outcomes()


@few
@given(programs)
def test_invariants_judged_by_what_changed_are_invariants_judged_everywhere(program: Program) -> None:
    found, naive = explore(model(program)), Naive(program)
    depth = depths(found)
    assert {name: depth[broken.state] for name, broken in found.violations.items()} == naive.violations()


@few
@given(programs)
def test_hangs(program: Program) -> None:
    found, naive = explore(model(program)), Naive(program)
    hangs, deadlocks = naive.stuck()
    assert (found.hang is not None) == hangs
    if found.hang is None:
        return
    assert found.hang.deadlock == deadlocks
    caught, queue = {found.hang.state}, [found.hang.state]
    for number in queue:
        fresh = {target for _, target in found.edges(number)} - caught
        caught |= fresh
        queue += fresh
    for number in caught:  # whatever happens, the run can come back to where it is shown
        seen, queue = {number}, [number]
        for at in queue:
            fresh = {target for _, target in found.edges(at)} - seen
            seen |= fresh
            queue += fresh
        assert found.hang.state in seen


@few
@given(programs)
def test_paths_are_shortest_and_of_those_the_simplest(program: Program) -> None:
    found = explore(model(program))
    depth = depths(found)
    targets = sorted(found.outcomes.values())[-2:]
    for target in targets:
        path = path_to(found, target)
        assert len(path) == depth[target]
        numbers = {state: number for number, state in enumerate(found.states)}
        before = [0, *(numbers[state] for _, state in path)]
        assert all(
            (actor, numbers[state]) in found.edges(number)
            for number, (actor, state) in zip(before, path, strict=False)
        )
        assert before[-1] == target
        others = list(itertools.islice(all_paths(found, depth, target), 2000))
        assume(len(others) < 2000)
        assert switches([actor for actor, _ in path]) == min(map(switches, others))


def all_paths(found: Exploration, depth: list[int], target: int) -> Iterator[list[int]]:
    """The actors of every shortest path, forwards, by brute force."""
    waiting: list[tuple[int, list[int]]] = [(0, [])]
    while waiting:
        number, actors = waiting.pop()
        if number == target:
            yield actors
        elif depth[number] < depth[target]:
            for actor, after in found.edges(number):
                if depth[after] == depth[number] + 1:
                    waiting.append((after, [*actors, actor]))


def switches(actors: list[int]) -> int:
    return sum(a != b for a, b in itertools.pairwise(actors))


@few
@given(programs)
def test_a_trace_tells_exactly_what_changed(program: Program) -> None:
    found = explore(model(program))
    names = [cell.name for cell in found.model.layout.cells]
    for target in sorted(found.outcomes.values())[-2:]:
        state = found.states[0]
        for step in trace(found, target):
            assert step.source == state
            assert {change.name for change in step.changes} == {
                name for name, old, new in zip(names, step.source, step.target, strict=False) if old != new
            }
            assert all(change.place.line for change in step.changes)
            state = step.target
        assert state == found.states[target]
