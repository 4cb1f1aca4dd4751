# SPDX-License-Identifier: MIT
"""Find the states from which no end can be reached: there a run is caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cowpath.explore.found import Exploration, Hang, Search
from cowpath.explore.record.recorder import Recorder


def find_hang(found: Exploration) -> Hang | None:
    """The first state in which a run is caught: a deadlock if there is one, else a loop that never ends.

    Ends are followed backwards; what they do not reach is stuck.  A stuck run may still go on for a while; it
    is caught where all that it can do leads back.
    """
    return first_hang(found, stuck_states(found), _successors(found))


def caught_states(found: Exploration) -> list[int]:
    """Every state in which a run is caught."""
    return _caught(stuck_states(found), _successors(found))


def stuck_states(found: Exploration) -> list[int]:
    """Every state that reaches no end."""
    count = len(found.states)
    reaches = bytearray(count)
    for number in found.ends:
        reaches[number] = 1
    if len(found.ends) < count:
        _mark_backwards(found, reaches)
    return [number for number in range(count) if not reaches[number]]


def _successors(found: Exploration) -> Callable[[int], Sequence[int]]:
    """The successors of each state of a search that has finished."""
    first = [*found.first_edge, len(found.targets)]
    return lambda number: found.targets[first[number] : first[number + 1]]


def first_hang(
    found: Search, stuck: Sequence[int], successors: Callable[[int], Sequence[int]]
) -> Hang | None:
    """The first state in which a run is caught, given the states that reach no end."""
    caught = _caught(stuck, successors)
    if not caught:
        return None
    dead = next((number for number in caught if not len(successors(number))), None)
    number = caught[0] if dead is None else dead
    return Hang(number, dead is not None, tuple(waiting(found.recorder, found.states[number])))


def _mark_backwards(found: Exploration, reaches: bytearray) -> None:
    """Mark every state that has a path to an end, by repeated sweeps from the last state to the first.

    Most transitions lead to a later state, so few sweeps are needed and no reverse graph is kept.
    """
    targets, first = found.targets, [*found.first_edge, len(found.targets)]
    changed = True
    while changed:
        changed = False
        for number in range(len(found.states) - 1, -1, -1):
            if not reaches[number] and any(
                map(reaches.__getitem__, targets[first[number] : first[number + 1]])
            ):
                reaches[number] = 1
                changed = True


def _caught(stuck: Sequence[int], successors: Callable[[int], Sequence[int]]) -> list[int]:
    """The stuck states that every run from them can return to (Tarjan's components without a way out)."""
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    part: dict[int, int] = {}  # state -> the root of its component, once that is complete
    open_states: list[int] = []
    for root in stuck:
        calls = [] if root in order else [(root, iter(successors(root)))]
        while calls:
            number, edges = calls[-1]
            if number not in order:
                order[number] = lowest[number] = len(order)
                open_states.append(number)
            fresh = None
            for target in edges:
                if target not in order:
                    fresh = target
                    break
                if target not in part:
                    lowest[number] = min(lowest[number], order[target])
            if fresh is not None:
                calls.append((fresh, iter(successors(fresh))))
                continue
            calls.pop()
            if calls:
                above = calls[-1][0]
                lowest[above] = min(lowest[above], lowest[number])
            while lowest[number] == order[number] and number not in part:
                part[open_states.pop()] = number
    leaving = {
        part[number] for number in part for target in successors(number) if part[target] != part[number]
    }
    return sorted(number for number in part if part[number] not in leaving)


def waiting(recorder: Recorder, state: bytes) -> Iterator[str]:
    """A line for each actor that has not finished: where it stands, and what it waits for."""
    for actor, description in enumerate(recorder.model.actors):
        frame = recorder.frame(state, actor)
        if frame.finished or frame.idle:
            continue
        where = " > ".join(place.function for place in frame.where) or "its start"
        blocked = [leaf.blocked for leaf in recorder.leaves(state, actor) if leaf.blocked is not None]
        yield f"{description.name} in {where}" + (f", waits for {blocked[0]}" if blocked else "")
