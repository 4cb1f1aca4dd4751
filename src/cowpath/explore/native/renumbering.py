# SPDX-License-Identifier: MIT
"""The data with which the engine brings interchangeable records into one order.

A state stands for all that differ from it by a permutation of interchangeable records (see renaming.py).
Each new state is brought into one order: records are sorted by the first pointer or local that refers to
them, in a fixed order of those; the others by what is in them, by where the actors stand that belong to them,
and last by what refers to them out of other groups.  Should that ever leave two records equal that are not,
their order stays as it is: two states are then kept where one would do, which costs time and no more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

from cowpath.explore.native.core import Core
from cowpath.explore.native.renaming import Exchange, RenamingRecorder
from cowpath.explore.record.cells import Cell, Pointer, Record

HELD = 4
"""References to records of one group that the locals of a frame are searched for, here and in engine.h."""


class Renumbering:
    """The groups of interchangeable records of one search."""

    def __init__(self, recorder: RenamingRecorder) -> None:
        self.recorder, self.model = recorder, recorder.model
        self.groups = recorder.model.interchangeable
        self.exchanges: list[Exchange] = [exchange for group in recorder.exchanges for exchange in group]
        self.positions = [{id(record): at for at, record in enumerate(group)} for group in self.groups]

    def describe(self, engine: Core) -> None:
        """Tell the engine, before it has any frame."""
        engine.names(len(self.groups), len(self.exchanges), list(self.table()))

    def table(self) -> Iterator[int]:
        """For each group eight sizes and its lists (see `struct records` in engine.h), then the exchanges."""
        firsts = itertools.accumulate((len(group) - 1 for group in self.groups), initial=0)
        for group, first in zip(self.groups, firsts, strict=False):
            yield from self.group(group, first)
        for exchange in self.exchanges:
            yield from (exchange.codes.get(value, value) for value in range(256))
        for exchange in self.exchanges:
            yield from exchange.actors
        holders = [number for number, actor in enumerate(self.model.actors) if actor.of is None]
        yield from (len(holders), *holders)

    def group(self, group: Sequence[Record], first: int) -> Iterator[int]:
        """The sizes and lists of one group; `first` is the exchange of its first two records."""
        cells = self.model.layout.cells
        kinds = {type(other[0]).__name__ for other in self.groups}
        inside = {id(record) for other in self.groups for record in other}
        to = [c for c in cells if isinstance(c.field, Pointer) and c.field.kind == type(group[0]).__name__]
        outer = [c for c in to if id(c.record) not in inside]
        inner = [c for c in to if id(c.record) in inside - {id(record) for record in group}]
        own = [[c for c in cells if c.record is record] for record in group]
        content = [[c for c in record if not _points_to(c, kinds)] for record in own]
        belonging = [[a for a, actor in enumerate(self.model.actors) if actor.of is one] for one in group]
        members = [-1] * 256
        for position, record in enumerate(group):
            members[record.number + 1] = position
        yield from (len(group), first, len(outer), len(inner))
        yield from (len(own[0]), len(content[0]), len(to), len(belonging[0]))
        yield from _fields([*outer, *inner])
        yield from members
        yield from _fields(itertools.chain(*own))
        yield from _fields(itertools.chain(*content))
        yield from _fields(to)
        yield from itertools.chain(*belonging)

    def of_frame(self, actor: int, number: int) -> tuple[int, list[int]]:
        """The class of a frame, and which records of each group its locals hold, HELD of each."""
        held = [-1] * (HELD * len(self.groups))
        key, owner = self.recorder.key(actor, number), self.model.actors[actor].of
        if owner is not None:
            known = self.recorder.classes
            kind = (type(owner), _without(key, owner))
            return known.setdefault(kind, len(known)), held
        records = list(_records(key))
        for which, positions in enumerate(self.positions):
            found = [positions[id(record)] for record in records if id(record) in positions]
            for place, position in enumerate(found[:HELD]):
                held[HELD * which + place] = position
        return 0, held

    def exchanged(self, exchange: int, actor: int, number: int) -> int:
        """Return what an exchange makes of a frame: a number of the actor's counterpart."""
        target = self.recorder.exchanged_frame(actor, number, self.exchanges[exchange])
        self.recorder.met[exchange, actor, number] = target
        return target


def _fields(cells: Iterable[Cell]) -> Iterator[int]:
    return (cell.index for cell in cells)


def _records(key: object) -> Iterator[Record]:
    if isinstance(key, tuple):
        for part in key:
            yield from _records(part)
    elif isinstance(key, Record):
        yield key


def _points_to(cell: Cell, kinds: set[str]) -> bool:
    """True if a cell points to a record that has no number of its own."""
    return isinstance(cell.field, Pointer) and cell.field.kind in kinds


def _without(key: object, owner: Record) -> object:
    """A frame's key that does not say to which record its actor belongs."""
    if isinstance(key, tuple):
        return tuple(_without(part, owner) for part in key)
    return "owner" if key is owner else key
