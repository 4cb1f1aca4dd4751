# SPDX-License-Identifier: MIT
"""Fewer states, same answers: tables to renumber interchangeable records with (needs NumPy).

A state stands for all that differ from it by a permutation of interchangeable records (see renaming.py).
Each new state is brought into one order: records are sorted by the first pointer or local that refers to
them, in a fixed order of those, and records that nothing refers to by what is in them.  Where that leaves two
records equal in rank, their order stays as it is: two states are then kept where one would do, which costs
time and no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.cells import Pointer, Record
from cowpath.explore.packing import Packing
from cowpath.explore.recorder import Model, Recorder
from cowpath.explore.renaming import Exchange, RenamingRecorder

HELD = 4
"""References to records of one group that the locals of a frame are searched for."""

Fields = NDArray[np.int64]


class RenamingArrays(NamedTuple):
    """What compiled code gets; a field is a row of word, shift, mask."""

    groups: Fields  # per group: records, first exchange, pointers to rank by, number of own fields
    roots: Fields  # [group, pointer]: pointers to rank by, most important first
    members: Fields  # [group, pointer value]: which record of the group, or -1
    own: Fields  # [group, record, field]
    pointers: Fields  # [group, pointer]: all cells that may point into the group
    pointer_counts: Fields
    codes: Fields  # [exchange, pointer value]: what becomes of it
    actors: Fields  # [exchange, actor]: where it goes
    frames: NDArray[np.int32]  # [exchange, frame of any actor]: what becomes of it, -1: not known yet
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
        self.held = np.full((frames, max(1, len(self.groups)), HELD), -1, np.int8)
        self.arrays = self.tables()

    def tables(self) -> RenamingArrays:
        """All tables; those of frames are filled later."""
        cells = self.model.layout.cells
        groups, roots, members, own, pointers = [], [], [], [], []
        inside = {id(record) for group in self.groups for record in group}
        first = 0
        for group in self.groups:
            kind = type(group[0]).__name__
            to = [c for c in cells if isinstance(c.field, Pointer) and c.field.kind == kind]
            mine = {id(record) for record in group}
            ranked = [c for c in to if id(c.record) not in inside]
            ranked += [c for c in to if id(c.record) in inside - mine]
            own.append([[self.places[c.index] for c in cells if c.record is record] for record in group])
            groups.append([len(group), first, len(ranked), len(own[-1][0])])
            roots.append([self.places[c.index] for c in ranked])
            pointers.append([self.places[c.index] for c in to])
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
            self.frames,
            self.held,
        )

    def add_frame(self, actor: int, number: int) -> None:
        """Note which interchangeable records the locals of a new frame hold."""
        if not self.groups or self.model.actors[actor].of is not None:
            return
        assert isinstance(self.recorder, RenamingRecorder)
        records = list(_records(self.recorder.key(actor, number)))
        for which, group in enumerate(self.groups):
            positions = {id(record): position for position, record in enumerate(group)}
            found = [positions[id(record)] for record in records if id(record) in positions]
            for place, position in enumerate(found[:HELD]):
                self.held[actor * self.room + number, which, place] = position

    def add_exchange(self, exchange: int, actor: int, number: int) -> None:
        """Find out what an exchange makes of a frame."""
        assert isinstance(self.recorder, RenamingRecorder)
        target = self.recorder.exchanged_frame(actor, number, self.exchanges[exchange])
        self.frames[exchange, actor * self.room + number] = target


def _records(key: object) -> list[Record]:
    if isinstance(key, tuple):
        return [record for part in key for record in _records(part)]
    return [key] if isinstance(key, Record) else []


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
