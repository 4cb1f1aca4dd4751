# SPDX-License-Identifier: MIT
"""Exchanging two interchangeable records: what becomes of cells, values, actors and frames.

A model may declare records interchangeable (free pages, swap slots): whatever it can do, it can do with two
of them exchanged, up to which of several equal ones it takes first.  An actor may belong to such a record and
then changes places with it.  The number of a record must not matter otherwise: no local may hold it as an
int.

An exchange of neighbours is enough; others are made of those.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cowpath.explore.record.cells import Pointer, Record
from cowpath.explore.record.frame import Frame
from cowpath.explore.record.recorder import Branch, Leaf, Model, Recorder, Tree


@dataclass(frozen=True, slots=True)
class Exchange:
    """Two neighbours of a group of interchangeable records change places."""

    cells: tuple[int, ...]  # where each cell goes
    pointers: frozenset[int]  # cells that may point to either of them
    codes: dict[int, int]  # what becomes of such a pointer; others stay
    actors: tuple[int, ...]  # where each actor goes
    records: dict[int, Record]  # id -> the other one

    def cell_value(self, cell: int, value: int) -> tuple[int, int]:
        """Return what becomes of a cell and its value."""
        return self.cells[cell], self.codes.get(value, value) if cell in self.pointers else value

    def state(self, cells: Sequence[int]) -> bytes:
        """Return a state after the exchange of its cells."""
        after = bytearray(len(self.cells))
        for cell in range(len(self.cells)):
            target, value = self.cell_value(cell, cells[cell])
            after[target] = value
        return bytes(after)

    def key(self, value: object) -> object:
        """Return a frame's key after the exchange: the records that locals hold are exchanged."""
        if isinstance(value, tuple):
            return tuple(self.key(part) for part in value)
        if isinstance(value, Record):
            return self.records.get(id(value), value)
        return value


def exchanges(model: Model) -> list[list[Exchange]]:
    """For each group of interchangeable records, the exchanges of its neighbours."""
    return [
        [_exchange(model, one, other) for one, other in itertools.pairwise(group)]
        for group in model.interchangeable
    ]


def _exchange(model: Model, one: Record, other: Record) -> Exchange:
    layout = model.layout
    cells = list(range(len(layout.cells)))
    mine, its = _cells(model, one), _cells(model, other)
    for left, right in zip(mine, its, strict=True):
        cells[left], cells[right] = right, left
    kind = type(one).__name__
    pointers = {
        cell.index for cell in layout.cells if isinstance(cell.field, Pointer) and cell.field.kind == kind
    }
    actors = list(range(len(model.actors)))
    bound = [[a for a, actor in enumerate(model.actors) if actor.of is record] for record in (one, other)]
    for left, right in zip(*bound, strict=True):
        actors[left], actors[right] = right, left
    codes = {one.number + 1: other.number + 1, other.number + 1: one.number + 1}
    records = {id(one): other, id(other): one}
    return Exchange(tuple(cells), frozenset(pointers), codes, tuple(actors), records)


def _cells(model: Model, record: Record) -> list[int]:
    return [cell.index for cell in model.layout.cells if cell.record is record]


class RenamingRecorder(Recorder):
    """A recorder that can exchange records in frames.

    The frame that an exchange leads to may never have been reached by a run.  It is then a *renamed* frame:
    its steps are those of the frame it comes from, recorded there in the exchanged state and exchanged back.
    """

    def __init__(self, recorder: Recorder) -> None:
        """Take over what another recorder has recorded; that one must not be used any more."""
        super().__init__(recorder.model, recorder.live_only)
        self.take_over(recorder)
        self.exchanges = exchanges(recorder.model)
        self.renamed: dict[int, tuple[int, int, Exchange]] = {}  # id(frame) -> where it comes from
        self.keys: list[dict[int, object]] = [{} for _ in recorder.frames]
        self.classes: dict[object, int] = {}  # frames of actors that belong to records, but for which record
        self.met: dict[tuple[int, int, int], int] = {}  # (exchange, actor, frame) -> the frame it leads to

    def key(self, actor: int, number: int) -> object:
        """Return what identifies a frame; None for an actor that has not begun."""
        keys, ids = self.keys[actor], self._frame_ids[actor]
        if len(keys) != len(ids):
            keys.update({known: key for key, known in ids.items()})
        return keys.get(number)

    def exchanged_frame(self, actor: int, number: int, exchange: Exchange) -> int:
        """The number of the frame in which the actor's counterpart stands after an exchange."""
        target, key = exchange.actors[actor], self.key(actor, number)
        if key is None:
            return number
        ids, wanted = self._frame_ids[target], exchange.key(key)
        if wanted not in ids:
            before = self.frames[actor][number]
            held: Any = exchange.key(before.held)
            frame = dataclasses.replace(before, actor=target, held=held)
            self.renamed[id(frame)] = (actor, number, exchange)
            ids[wanted] = len(self.frames[target])
            self.add_frame(frame)
        return ids[wanted]

    def _record(self, tree: Tree, frame: Frame, state: bytes, choices: tuple[int, ...]) -> None:
        origin = self.renamed.get(id(frame))
        if origin is None:
            super()._record(tree, frame, state, choices)
            return
        actor, number, exchange = origin
        exchanged = exchange.state(state) + state[len(exchange.cells) :]
        reads, leaf = self._path(actor, number, exchanged, choices)
        here = [exchange.cell_value(cell, value) if cell >= 0 else (cell, value) for cell, value in reads]
        tree.insert(here, self._exchanged_leaf(leaf, actor, exchange))

    def _path(
        self, actor: int, number: int, state: bytes, choices: tuple[int, ...]
    ) -> tuple[list[tuple[int, int]], Leaf]:
        """The recorded run of a frame in a state, with these choices and then first ones."""
        tree, frame = self.trees[actor][number], self.frames[actor][number]
        if self.step.telling:  # what is recorded does not say who wrote what
            tree = Tree()
        while True:
            reads: list[tuple[int, int]] = []
            chosen: list[int] = []
            node = tree.root
            while isinstance(node, Branch):
                value = state[node.cell] if node.cell >= 0 else (*choices, *[0] * 99)[len(chosen)]
                if node.cell < 0:
                    chosen.append(value)
                reads.append((node.cell, value))
                node = node.next.get(value)
            if isinstance(node, Leaf):
                return reads, node
            self._record(tree, frame, state, tuple(chosen))

    def _exchanged_leaf(self, leaf: Leaf, actor: int, exchange: Exchange) -> Leaf:
        if leaf.blocked is not None:
            return leaf
        at, cells = self.frame_at[actor], len(exchange.cells)
        to = self.frame_at[exchange.actors[actor]]
        written = dict(leaf.writes)
        number = self.exchanged_frame(actor, written.pop(at) | written.pop(at + 1) << 8, exchange)
        writes = [exchange.cell_value(cell, value) for cell, value in written.items() if cell < cells]
        writes += [(to, number & 0xFF), (to + 1, number >> 8)]
        writes += [(offset, value) for offset, value in written.items() if offset >= cells]
        moves = tuple((exchange.cells[target], exchange.cells[source]) for target, source in leaf.moves)
        places = {exchange.cells[cell]: place for cell, place in leaf.places.items() if cell < cells}
        return Leaf(tuple(writes), moves, None, leaf.events, leaf.notes, places)
