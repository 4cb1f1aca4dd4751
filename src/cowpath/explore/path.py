# SPDX-License-Identifier: MIT
"""A path to a state: shortest first, then simplest, with the fewest switches between actors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cowpath.explore.found import Layer, Search
from cowpath.explore.record.step import ModelError

NOBODY = -1
"""The last actor where nobody has acted yet."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to a state that ends with a given actor: its switches between actors, and the step before."""

    switches: int
    state: int
    actor: int


def path_to(found: Search, target: int) -> list[tuple[int, bytes]]:
    """(actor, state after it) for each step of the simplest shortest path to a state."""
    return walk(found, found.states[0], simplest(found.layers(target), target))


def simplest(layers: Iterable[Layer], target: int) -> list[tuple[int, int]]:
    """(actor, number of the state after it) for each step of the simplest path through these layers."""
    ways: dict[int, dict[int, _Way]] = {0: {NOBODY: _Way(0, 0, NOBODY)}}
    for layer in layers:
        for number, edges in layer.items():
            for actor, successor in edges:
                way = _continue(ways[number], number, actor)
                known = ways.setdefault(successor, {}).get(actor)
                if known is None or way.switches < known.switches:
                    ways[successor][actor] = way
    return _read_back(ways, target)


def _continue(ways: dict[int, _Way], state: int, actor: int) -> _Way:
    """The simplest way here, followed by a step of `actor`."""
    last, best = min(
        ways.items(), key=lambda item: (item[1].switches + (item[0] not in (actor, NOBODY)), item[0] != actor)
    )
    return _Way(best.switches + (last not in (actor, NOBODY)), state, last)


def _read_back(ways: dict[int, dict[int, _Way]], target: int) -> list[tuple[int, int]]:
    path: list[tuple[int, int]] = []
    state = target
    actor = min(ways[target], key=lambda last: ways[target][last].switches)
    while actor != NOBODY:
        path.append((actor, state))
        way = ways[state][actor]
        state, actor = way.state, way.actor
    return path[::-1]


def walk(found: Search, state: bytes, path: Iterable[tuple[int, int]]) -> list[tuple[int, bytes]]:
    """(actor, state) for each step of a path given by numbers, from a state on.

    A search may have kept one state for all that differ in the names of records.  Then a step that leads to a
    state for which the next one was kept is taken; where an actor belongs to a record, it may be another's.
    """
    taken = []
    for actor, number in path:
        actor, state = _step(found, state, actor, found.states[number])
        taken.append((actor, state))
    return taken


def _step(found: Search, source: bytes, wanted: int, target: bytes) -> tuple[int, bytes]:
    for actor in sorted(range(len(found.model.actors)), key=lambda other: other != wanted):
        for leaf in found.recorder.leaves(source, actor):
            if leaf.blocked is None:
                after = leaf.apply(source)
                if target == after or found.canonical(after) == target:
                    return actor, after
    raise ModelError("a path contains a step that the model cannot take")
