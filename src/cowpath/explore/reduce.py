# SPDX-License-Identifier: MIT
"""Fewer states, same answers: tables to renumber interchangeable records with (needs NumPy).

A state stands for all that differ from it by a permutation of interchangeable records (see renaming.py).
Each new state is brought into one order: records are sorted by the first pointer or local that refers to
them, in a fixed order of those; the others by what is in them, by where the actors stand that belong to them,
and last by what refers to them out of other groups.  Should that ever leave two records equal that are not,
their order stays as it is: two states are then kept where one would do, which costs time and no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.cells import Cell, Pointer, Record
from cowpath.explore.packing import Packing
from cowpath.explore.recorder import Model, Recorder
from cowpath.explore.renaming import Exchange, RenamingRecorder

HELD = 4
"""References to records of one group that the locals of a frame are searched for."""

Fields = NDArray[np.int64]


class RenamingArrays(NamedTuple):
    """What compiled code gets; a field is a row of word, shift, mask."""

    groups: Fields  # per group: records, first exchange, roots outside and inside groups, own fields to
    # compare, all own fields
    roots: Fields  # [group, pointer]: pointers to rank by, most important first, those outside groups before
    members: Fields  # [group, pointer value]: which record of the group, or -1
    own: Fields  # [group, record, field]
    pointers: Fields  # [group, pointer]: all cells that may point into the group
    pointer_counts: Fields
    codes: Fields  # [exchange, pointer value]: what becomes of it
    actors: Fields  # [exchange, actor]: where it goes
    belonging: Fields  # [group, record, place]: the actors that belong to it
    frames: NDArray[np.int32]  # [exchange, frame of any actor]: what becomes of it, -1: not known yet
    classes: NDArray[np.int32]  # [frame of any actor]: equal for frames of such actors that an exchange swaps
    held: NDArray[np.int8]  # [frame of any actor, group, place]: records held in locals, -1: none


class Renaming:
    """The tables under one packing.  With no groups, nothing is ever renumbered."""

    def __init__(self, model: Model, recorder: Recorder, packing: Packing, room: int) -> None:
        self.model, self.recorder, self.room = model, recorder, room
        self.groups = model.interchangeable if isinstance(recorder, RenamingRecorder) else ()
        self.places = [(place.word, place.shift, place.mask) for place in packing.places]
        self.exchanges: list[Exchange] = []
        if isinstance(recorder, RenamingRecorder):
            self.exchanges = [exchange for group in recorder.exchanges for exchange in group]
        frames = len(model.actors) * room
        self.frames = np.full((max(1, len(self.exchanges)), frames), -1, np.int32)
        self.classes = np.zeros(frames, np.int32)
        self.known_classes: dict[object, int] = {}
        self.held = np.full((frames, max(1, len(self.groups)), HELD), -1, np.int8)
        if isinstance(recorder, RenamingRecorder):  # a state found under an earlier packing needs them again
            for (exchange, actor, number), target in recorder.met.items():
                self.frames[exchange, actor * room + number] = target
        self.arrays = self.tables()

    def tables(self) -> RenamingArrays:
        """All tables; those of frames are filled later."""
        cells = self.model.layout.cells
        groups, roots, members, own, pointers, belonging = [], [], [], [], [], []
        inside = {id(record) for group in self.groups for record in group}
        kinds = {type(group[0]).__name__ for group in self.groups}
        first = 0
        for group in self.groups:
            kind = type(group[0]).__name__
            to = [c for c in cells if isinstance(c.field, Pointer) and c.field.kind == kind]
            mine = {id(record) for record in group}
            outer = [c for c in to if id(c.record) not in inside]
            inner = [c for c in to if id(c.record) in inside - mine]
            values = [[c for c in cells if c.record is r and not _points_to(c, kinds)] for r in group]
            others = [[c for c in cells if c.record is r and _points_to(c, kinds)] for r in group]
            own.append(
                [[self.places[c.index] for c in (*v, *o)] for v, o in zip(values, others, strict=True)]
            )
            count, compared = len(own[-1][0]), len(values[0])
            groups.append([len(group), first, len(outer), len(inner), compared, count])
            roots.append([self.places[c.index] for c in (*outer, *inner)])
            pointers.append([self.places[c.index] for c in to])
            actors_of = [[a for a, actor in enumerate(self.model.actors) if actor.of is r] for r in group]
            belonging.append(actors_of)
            members.append([-1] * 256)
            for position, record in enumerate(group):
                members[-1][record.number + 1] = position
            first += len(group) - 1
        codes = [[e.codes.get(value, value) for value in range(256)] for e in self.exchanges]
        actors = [list(exchange.actors) for exchange in self.exchanges]
        counts = [len(group) for group in pointers]
        return RenamingArrays(
            _table(groups, 2),
            _table(roots, 3),
            _table(members, 2),
            _table(own, 4),
            _table(pointers, 3),
            _table(counts, 1),
            _table(codes, 2),
            _table(actors, 2),
            _table(belonging, 3),
            self.frames,
            self.classes,
            self.held,
        )

    def add_frame(self, actor: int, number: int) -> None:
        """Note the class of a new frame, or which interchangeable records its locals hold."""
        if not self.groups:
            return
        assert isinstance(self.recorder, RenamingRecorder)
        key, owner = self.recorder.key(actor, number), self.model.actors[actor].of
        if owner is not None:
            kind = (type(owner), _without(key, owner))
            self.classes[actor * self.room + number] = self.known_classes.setdefault(
                kind, len(self.known_classes)
            )
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


def _points_to(cell: Cell, kinds: set[str]) -> bool:
    """Whether a cell points to a record that has no number of its own."""
    return isinstance(cell.field, Pointer) and cell.field.kind in kinds


def _without(key: object, owner: Record) -> object:
    """A frame's key that does not say to which record its actor belongs."""
    if isinstance(key, tuple):
        return tuple(_without(part, owner) for part in key)
    return "owner" if key is owner else key


def _table(rows: object, dimensions: int) -> Fields:
    """Nested lists as one array, shorter ones filled with zeros."""

    def shape(value: object) -> list[int]:
        if not isinstance(value, list | tuple):
            return []
        inner = [shape(part) for part in value]
        return [len(value), *(max(sizes) for sizes in zip(*inner, strict=False))]

    def fill(target: Fields, value: object) -> None:
        assert isinstance(value, list | tuple)
        for index, part in enumerate(value):
            if isinstance(part, list | tuple):
                fill(target[index], part)
            else:
                target[index] = part

    sizes = shape(rows)
    found = np.zeros(sizes + [0] * (dimensions - len(sizes)), np.int64)
    fill(found, rows)
    return found
