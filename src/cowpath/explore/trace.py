# SPDX-License-Identifier: MIT
"""The path to a state: shortest first, then simplest, as what each step changed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from cowpath.explore.found import Search
from cowpath.explore.path import path_to, walk
from cowpath.explore.record.cells import Cell, Contents, Record
from cowpath.explore.record.frame import Frame
from cowpath.explore.record.recorder import Leaf, Recorder
from cowpath.explore.record.step import ModelError, Note, Place


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell or record that a step changed; the code at `place` wrote it.

    `before` and `after` are values of the model: a number, a flag, a name, a record or None, a character of
    content.  Where the record is one value as a whole (`Record.whole`), they are its fields by name.
    """

    name: str
    record: Record
    before: object
    after: object
    place: Place
    quiet: bool


@dataclass(frozen=True, slots=True)
class PathStep:
    """A step of a path, from `source` to `target`; the actor stood at `before` and stands at `after`."""

    actor: int
    actor_name: str
    before: Frame
    after: Frame
    changes: tuple[CellChange, ...]
    notes: tuple[Note, ...]
    events: tuple[Hashable, ...]
    source: bytes
    target: bytes


def trace(found: Search, target: int) -> list[PathStep]:
    """Each step of the simplest shortest path to a state."""
    return _explain_all(found, found.states[0], path_to(found, target))


def cycle(found: Search, start: int) -> list[PathStep]:
    """Each step of a shortest way from a state back to itself; empty if there is none."""
    came_from: dict[int, tuple[int, int]] = {}
    ahead = [start]
    for number in ahead:
        for actor, successor in found.edges(number):
            if successor not in came_from:
                came_from[successor] = (actor, number)
                ahead.append(successor)
    if start not in came_from:
        return []
    path: list[tuple[int, int]] = []
    state = start
    while not path or state != start:
        actor, before = came_from[state]
        path.append((actor, state))
        state = before
    return _explain_all(found, found.states[start], walk(found, found.states[start], path[::-1]))


def _explain_all(found: Search, state: bytes, path: list[tuple[int, bytes]]) -> list[PathStep]:
    steps = []
    for actor, following in path:
        steps.append(explain(found.recorder, actor, state, following))
        state = following
    return steps


def explain(recorder: Recorder, actor: int, source: bytes, target: bytes) -> PathStep:
    """Return who took a step, where, what it changed and why.  Raises ModelError for an unknown step."""
    leaf = next(
        (
            leaf
            for leaf in recorder.told(source, actor)
            if leaf.blocked is None and leaf.apply(source) == target
        ),
        None,
    )
    if leaf is None:
        raise ModelError("a path contains a step that the model cannot take")
    return PathStep(
        actor,
        recorder.model.actors[actor].name,
        recorder.frame(source, actor),
        recorder.frame(target, actor),
        tuple(_changes(recorder, leaf, source, target)),
        leaf.notes,
        leaf.events,
        source,
        target,
    )


def _changes(recorder: Recorder, leaf: Leaf, source: bytes, target: bytes) -> list[CellChange]:
    """The cells that differ; those of a record that is one value are taken together."""
    found: list[CellChange] = []
    taken: set[Record] = set()
    for cell in recorder.model.layout.cells:
        if source[cell.index] == target[cell.index]:
            continue
        place = leaf.places.get(cell.index, Place("", "", 0))
        if not shown_whole(cell):
            before, after = (cell.values[state[cell.index]] for state in (source, target))
            found.append(CellChange(cell.name, cell.record, before, after, place, cell.field.quiet))
        elif cell.record not in taken:
            taken.add(cell.record)
            whole = (cell.record.fields_in(source), cell.record.fields_in(target))
            found.append(CellChange(repr(cell.record), cell.record, *whole, place, quiet=False))
    return found


def shown_whole(cell: Cell) -> bool:
    """True if a reader is shown the whole record in place of this cell; contents always stand alone."""
    return cell.record.whole and not isinstance(cell.field, Contents)
