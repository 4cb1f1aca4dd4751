# SPDX-License-Identifier: MIT
"""Fewer states, same answers: tables to renumber interchangeable records with (needs NumPy).

A state stands for all that differ from it by a permutation of interchangeable records (see renaming.py).
Each new state is brought into one order: records are sorted by the first pointer or local that refers to
them, in a fixed order of those; the others by what is in them, by where the actors stand that belong to them,
and last by what refers to them out of other groups.  Should that ever leave two records equal that are not,
their order stays as it is: two states are then kept where one would do, which costs time and no more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.native.packing import BitPlace, Packing
from cowpath.explore.native.renaming import Exchange, RenamingRecorder
from cowpath.explore.record.cells import Cell, Pointer, Record
from cowpath.explore.record.recorder import Model, Recorder

HELD = 4
"""References to records of one group that the locals of a frame are searched for."""

Numbers: TypeAlias = NDArray[np.int64]
Places: TypeAlias = NDArray[np.uint64]  # packed places, see packing.py


class RenamingArrays(NamedTuple):
    """What compiled code gets.

    For each group: its records, its first exchange, pointers into it from outside all groups and out of other
    groups, the runs of a record, its fields.
    """

    groups: Numbers
    roots: Places  # [group, pointer]: pointers to rank by, most important first, from outside before others
    members: Numbers  # [group, pointer value]: which record of the group, or -1
    runs: Places  # [group, record, run]: neighbouring fields of a record, taken as one
    run_shifts: Places  # [group, record, run]: where it goes in the number that stands for all of them
    own: Places  # [group, record, field]
    pointers: Places  # [group, pointer]: all cells that may point into the group
    pointer_counts: Numbers
    codes: Numbers  # [exchange, pointer value]: what becomes of it
    actors: Numbers  # [exchange, actor]: where it goes
    belonging: Numbers  # [group, record, place]: the actors that belong to it
    holders: Numbers  # actors whose locals may hold records: those that belong to none
    frames: NDArray[np.int32]  # [exchange, frame of any actor]: what becomes of it, -1: not known yet
    classes: NDArray[np.int32]  # [frame of any actor]: equal for frames of such actors that an exchange swaps
    held: NDArray[np.int8]  # [frame of any actor, group, place]: records held in locals, -1: none


class Renaming:
    """The tables under one packing.  With no groups, nothing is ever renumbered."""

    def __init__(self, model: Model, recorder: Recorder, packing: Packing, room: int) -> None:
        self.model, self.recorder, self.packing, self.room = model, recorder, packing, room
        self.groups = model.interchangeable if isinstance(recorder, RenamingRecorder) else ()
        self.exchanges: list[Exchange] = []
        if isinstance(recorder, RenamingRecorder):
            self.exchanges = [exchange for group in recorder.exchanges for exchange in group]
        frames = len(model.actors) * room
        self.frames = np.full((max(1, len(self.exchanges)), frames), -1, np.int32)
        self.classes = np.zeros(frames, np.int32)
        self.held = np.full((frames, max(1, len(self.groups)), HELD), -1, np.int8)
        if isinstance(recorder, RenamingRecorder):  # a state found under an earlier packing needs them again
            for (exchange, actor, number), target in recorder.met.items():
                self.frames[exchange, actor * room + number] = target
        self.arrays = self.tables()

    def tables(self) -> RenamingArrays:
        """All tables; those of frames are filled later."""
        tables = [self.table_of(group) for group in self.groups]
        firsts = itertools.accumulate((len(group) - 1 for group in self.groups), initial=0)
        sizes = [[len(group), first] for group, first in zip(self.groups, firsts, strict=False)]
        actors = enumerate(self.model.actors)
        return RenamingArrays(
            _table([size + table.sizes for size, table in zip(sizes, tables, strict=True)], 2),
            _table([table.roots for table in tables], 2, np.uint64),
            _table([table.members for table in tables], 2),
            _table([[[place for place, _ in runs] for runs in table.runs] for table in tables], 3, np.uint64),
            _table([[[shift for _, shift in runs] for runs in table.runs] for table in tables], 3, np.uint64),
            _table([table.own for table in tables], 3, np.uint64),
            _table([table.pointers for table in tables], 2, np.uint64),
            _table([len(table.pointers) for table in tables], 1),
            _table([[e.codes.get(value, value) for value in range(256)] for e in self.exchanges], 2),
            _table([list(exchange.actors) for exchange in self.exchanges], 2),
            _table([table.belonging for table in tables], 3),
            _table([number for number, actor in actors if actor.of is None], 1),
            self.frames,
            self.classes,
            self.held,
        )

    def table_of(self, group: Sequence[Record]) -> _Table:
        """What concerns one group."""
        cells = self.model.layout.cells
        kinds = {type(other[0]).__name__ for other in self.groups}
        inside = {id(record) for other in self.groups for record in other}
        to = [c for c in cells if isinstance(c.field, Pointer) and c.field.kind == type(group[0]).__name__]
        outer = [c for c in to if id(c.record) not in inside]
        inner = [c for c in to if id(c.record) in inside - {id(record) for record in group}]
        own = [[c for c in cells if c.record is record] for record in group]
        runs = [self.runs([c for c in record if not _points_to(c, kinds)]) for record in own]
        members = [-1] * 256
        for position, record in enumerate(group):
            members[record.number + 1] = position
        return _Table(
            [len(outer), len(inner), max(map(len, runs)), len(own[0])],
            self.places([*outer, *inner]),
            members,
            runs,
            [self.places(record) for record in own],
            self.places(to),
            [[a for a, actor in enumerate(self.model.actors) if actor.of is record] for record in group],
        )

    def places(self, cells: Iterable[Cell]) -> list[int]:
        """The packed places of some cells."""
        return [self.packing.places[cell.index].packed for cell in cells]

    def runs(self, cells: Iterable[Cell]) -> list[tuple[int, int]]:
        """Cells as few pieces of words: (packed place, shift in the number that they make together).

        Cells beyond the 63rd bit are left out: records that differ in them alone keep their order.
        """
        found: list[tuple[BitPlace, int]] = []
        used = 0
        for place in (self.packing.places[cell.index] for cell in cells):
            width = place.mask.bit_length()
            if used + width > 63:
                break
            last, shift = found[-1] if found else (BitPlace(-1, 0, 0), 0)
            joined = last.mask << width | place.mask
            if (
                last.word == place.word
                and last.shift + last.mask.bit_length() == place.shift
                and joined < 1 << 48
            ):
                found[-1] = (BitPlace(last.word, last.shift, joined), shift)
            else:
                found.append((place, used))
            used += width
        return [(place.packed, shift) for place, shift in found]

    def add_frame(self, actor: int, number: int) -> None:
        """Note the class of a new frame, or which interchangeable records its locals hold."""
        if not self.groups:
            return
        assert isinstance(self.recorder, RenamingRecorder)
        key, owner = self.recorder.key(actor, number), self.model.actors[actor].of
        if owner is not None:
            known = self.recorder.classes
            kind = (type(owner), _without(key, owner))
            self.classes[actor * self.room + number] = known.setdefault(kind, len(known))
            return
        records = list(_records(key))
        for which, group in enumerate(self.groups):
            positions = {id(record): position for position, record in enumerate(group)}
            found = [positions[id(record)] for record in records if id(record) in positions]
            for place, position in enumerate(found[:HELD]):
                self.held[actor * self.room + number, which, place] = position

    def add_exchange(self, exchange: int, actor: int, number: int) -> None:
        """Find out what an exchange makes of a frame."""
        assert isinstance(self.recorder, RenamingRecorder)
        target = self.recorder.exchanged_frame(actor, number, self.exchanges[exchange])
        self.recorder.met[exchange, actor, number] = target
        self.frames[exchange, actor * self.room + number] = target


def _records(key: object) -> list[Record]:
    if isinstance(key, tuple):
        return [record for part in key for record in _records(part)]
    return [key] if isinstance(key, Record) else []


class _Table(NamedTuple):
    """A row of most tables: what concerns one group."""

    sizes: list[int]
    roots: list[int]
    members: list[int]
    runs: list[list[tuple[int, int]]]
    own: list[list[int]]
    pointers: list[int]
    belonging: list[list[int]]


def _points_to(cell: Cell, kinds: set[str]) -> bool:
    """Whether a cell points to a record that has no number of its own."""
    return isinstance(cell.field, Pointer) and cell.field.kind in kinds


def _without(key: object, owner: Record) -> object:
    """A frame's key that does not say to which record its actor belongs."""
    if isinstance(key, tuple):
        return tuple(_without(part, owner) for part in key)
    return "owner" if key is owner else key


def _table(rows: object, dimensions: int, dtype: Any = np.int64) -> NDArray[Any]:
    """Nested lists as one array, shorter ones filled with zeros."""

    def shape(value: object) -> list[int]:
        if not isinstance(value, list | tuple):
            return []
        inner = [shape(part) for part in value]
        return [len(value), *(max(sizes) for sizes in zip(*inner, strict=False))]

    def fill(target: NDArray[Any], value: object) -> None:
        assert isinstance(value, list | tuple)
        for index, part in enumerate(value):
            if isinstance(part, list | tuple):
                fill(target[index], part)
            else:
                target[index] = part

    sizes = shape(rows)
    found = np.zeros(sizes + [0] * (dimensions - len(sizes)), dtype)
    fill(found, rows)
    return found
