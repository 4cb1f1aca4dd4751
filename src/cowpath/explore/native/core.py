# SPDX-License-Identifier: MIT
"""The C engine as an object: one search, its fields, trees and states.  See c/engine.h."""

from __future__ import annotations

import ctypes
import sys
from array import array
from collections.abc import Iterable, Sequence
from ctypes import c_int8, c_int32, c_uint16, c_uint32, c_uint64
from typing import NamedTuple

from cowpath.explore.native.library import Event, library
from cowpath.explore.record.fields import written
from cowpath.explore.record.recorder import FRAME_BYTES, Leaf, Model
from cowpath.explore.record.step import ModelError

STEP, BLOCKED, HOLDS, BROKEN = range(4)
"""Kinds of leaves: a step; none is possible; an invariant holds, or an outcome is known; it is broken."""

MOVING, RESTING, WAITING = range(3)
"""What a frame means for the end of a run: it must go on; it may end; it may end if nothing lets this actor
begin."""

EVENT_STEP, EVENT_JUDGE, EVENT_OUTCOME, EVENT_EXCHANGE, EVENT_TOLD = range(5)

RUNNING, DONE, EVENTS, BOUND, PAUSED, FULL, NO_MEMORY = range(7)

MOST_ACTORS = 62

NO_MONITOR = (1 << 32) - 1
NO_STATE = (1 << 64) - 1


class Happened(NamedTuple):
    """An event of the engine (see engine.h), copied before the next one overwrites it."""

    kind: int
    which: int
    state: int
    where: int


class Core:
    """A search in the C library.  Fields are the cells, a frame number for each actor, and a crash number.

    `memory` bounds states, tables and parts, in bytes.  Raises MemoryError where there is none, and
    ModelError where a model has more actors than the engine takes.
    """

    def __init__(self, model: Model, memory: int, threads: int) -> None:
        self.library, self.model = library(), model
        self.cells, self.actors = len(model.layout.cells), len(model.actors)
        self.fields = self.cells + self.actors + 1
        if self.actors > MOST_ACTORS:
            raise ModelError(f"the native engine takes {MOST_ACTORS} actors, not {self.actors}")
        sizes = [cell.size for cell in model.layout.cells] + [1] * (self.actors + 1)
        initial = [*model.initial[: self.cells], *[0] * (self.actors + 1)]
        self.pointer = self.library.engine_new(
            self.cells,
            self.actors,
            len(model.invariants),
            (c_uint32 * self.fields)(*sizes),
            (c_uint16 * self.fields)(*initial),
            (c_uint16 * self.fields)(*units(model)),
            NO_MONITOR if model.monitor is None else model.monitor.places[0],
            memory,
            threads,
        )
        if not self.pointer:
            raise MemoryError
        self.buffer = (c_uint16 * self.fields)()
        self.observation = len(model.invariants)
        self.first_frame_tree = len(model.invariants) + 1
        self.blocked, self.holds, self.broken = (self.leaf(kind, (), ()) for kind in (BLOCKED, HOLDS, BROKEN))

    def __del__(self) -> None:
        if getattr(self, "pointer", None):
            self.library.engine_free(self.pointer)

    def small(self, first_bits: int, root_bits: int) -> None:
        """For tests: part tables begin with so few bits, and part numbers take so few; see run.c."""
        if self.library.engine_small(self.pointer, first_bits, root_bits):
            raise MemoryError

    # -- states ------------------------------------------------------------------------------------

    def state(self, number: int) -> bytes:
        """A state as the recorder holds it: a byte for each cell, two for each frame, one for the crash."""
        self.library.engine_state(self.pointer, number, self.buffer)
        return self.as_bytes()

    def as_bytes(self) -> bytes:
        """The state whose fields are in the buffer."""
        values = array("H", bytes(self.buffer))
        if sys.byteorder == "big":
            values.byteswap()
        raw, frames, crash = values.tobytes(), 2 * self.cells, 2 * (self.fields - 1)
        return raw[0:frames:2] + raw[frames:crash] + raw[crash : crash + 1]

    def fill(self, state: bytes) -> None:
        """Put the fields of a state into the buffer."""
        raw = bytearray(2 * self.fields)
        frames, crash = 2 * self.cells, 2 * (self.fields - 1)
        raw[0:frames:2] = state[: self.cells]
        raw[frames:crash] = state[self.cells : self.cells + FRAME_BYTES * self.actors]
        raw[crash] = state[-1]
        values = array("H", bytes(raw))
        if sys.byteorder == "big":
            values.byteswap()
        ctypes.memmove(self.buffer, values.tobytes(), len(raw))

    def find(self, state: bytes) -> int:
        """The number of a state, or -1."""
        self.fill(state)
        return int(self.library.engine_find(self.pointer, self.buffer))

    def canonical(self, state: bytes) -> bytes | tuple[int, int]:
        """The state that stands for this one, or (exchange, frame) where it must be learned first."""
        self.fill(state)
        unknown = c_uint64()
        status = self.library.engine_canonical(self.pointer, self.buffer, ctypes.byref(unknown))
        if status < 0:
            raise MemoryError
        return (unknown.value >> 32, unknown.value & 0xFFFFFFFF) if status else self.as_bytes()

    @property
    def count(self) -> int:
        """The number of states that were found."""
        return int(self.library.engine_count(self.pointer))

    @property
    def expanded(self) -> int:
        """The number of states that were expanded: all before this one."""
        return int(self.library.engine_expanded(self.pointer))

    @property
    def transitions(self) -> int:
        """The number of steps that were taken."""
        return int(self.library.engine_transitions(self.pointer))

    @property
    def used(self) -> int:
        """Bytes taken by states, tables and parts."""
        return int(self.library.engine_bytes(self.pointer))

    @property
    def parts(self) -> list[int]:
        """For each part of a state, how many different ones there are."""
        count = self.library.engine_parts(self.pointer)
        return [int(self.library.engine_part_count(self.pointer, part)) for part in range(count)]

    # -- recordings --------------------------------------------------------------------------------

    def frame(self, actor: int, rest: int, finished: bool) -> int:
        """A new frame; those of an actor come in the order of their numbers.  Returns its id."""
        found = int(self.library.engine_frame(self.pointer, actor, rest, finished))
        if found < 0:
            raise MemoryError
        return found

    def leaf(
        self, kind: int, writes: Iterable[tuple[int, int]], moves: Iterable[tuple[int, int]], told: int = 0
    ) -> int:
        """A new leaf: (field, value) for each write, (target, source) for each move; what it tells a monitor.

        Returns its number.
        """
        pairs, moved = list(writes), list(moves)
        ops = [number for pair in (*pairs, *moved) for number in pair]
        found = self.library.engine_leaf(
            self.pointer, kind, len(pairs), len(moved), (c_uint16 * len(ops))(*ops), told
        )
        if not found:
            raise MemoryError
        return int(found)

    def step_leaf(self, leaf: Leaf, told: int = 0) -> int:
        """The leaf of a recorded step, with what it tells a monitor."""
        if leaf.blocked is not None:
            return self.blocked
        return self.leaf(STEP, written(self.model, leaf).items(), leaf.moves, told)

    def insert(self, tree: int, reads: Sequence[tuple[int, int]], leaf: int) -> None:
        """Insert a run into a tree."""
        flat = [number for pair in reads for number in pair]
        status = self.library.engine_insert(
            self.pointer, tree, len(reads), (c_int32 * len(flat))(*flat), leaf
        )
        if status == -1:
            raise MemoryError
        if status:
            raise ModelError("a step behaved in two ways")

    def set_broken(self, invariant: int) -> None:
        """An invariant need not be judged any more."""
        self.library.engine_broken(self.pointer, invariant)

    def set_crash(self, number: int) -> None:
        """The outcome of a crash is known."""
        self.library.engine_crash(self.pointer, number)

    def next(self, number: int, told: int, after: int) -> None:
        """The monitor's number after something was told."""
        if self.library.engine_next(self.pointer, number, told, after):
            raise MemoryError

    def refused(self, number: int, leaf: int, instead: int) -> None:
        """A leaf tells what is refused at a number of the monitor; another leaf takes its place."""
        if self.library.engine_refused(self.pointer, number, leaf, instead):
            raise MemoryError

    # -- names -------------------------------------------------------------------------------------

    def names(self, groups: int, exchanges: int, table: Sequence[int]) -> None:
        """The tables of interchangeable records, see renumbering.py."""
        numbers = (c_int32 * len(table))(*table)
        if self.library.engine_names(self.pointer, groups, exchanges, numbers, len(table)):
            raise MemoryError

    def frame_names(self, frame: int, group_class: int, held: Sequence[int]) -> None:
        """Tell the library what renaming must know of a frame."""
        self.library.engine_frame_names(self.pointer, frame, group_class, (c_int8 * len(held))(*held))

    def exchange(self, exchange: int, frame: int, number: int) -> None:
        """Tell the library what an exchange makes of a frame."""
        self.library.engine_exchange(self.pointer, exchange, frame, number)

    # -- searching ---------------------------------------------------------------------------------

    def run(self, max_states: int, seconds: float) -> int:
        """Search on; returns how that ended."""
        return int(self.library.engine_run(self.pointer, max_states, seconds))

    def events(self) -> list[Happened]:
        """Return what Python must do before the search goes on."""
        first = ctypes.POINTER(Event)()
        count = self.library.engine_events(self.pointer, ctypes.byref(first))
        return happened(first[:count])

    def judge_rest(self, first: int) -> tuple[list[Happened], int]:
        """Judge states that were not expanded, from one on: what must be asked, and where to go on."""
        events, count = ctypes.POINTER(Event)(), c_uint32()
        after = self.library.engine_judge_rest(self.pointer, first, ctypes.byref(events), ctypes.byref(count))
        if after == NO_STATE:
            raise MemoryError
        return happened(events[: count.value]), int(after)

    def levels(self) -> list[int]:
        """The first state of each distance from the initial one, and of the next."""
        first = ctypes.POINTER(c_uint64)()
        count = self.library.engine_levels(self.pointer, ctypes.byref(first))
        return first[:count]

    def stuck(self) -> list[int]:
        """The states from which no end can be reached."""
        first = ctypes.POINTER(c_uint64)()
        count = self.library.engine_stuck(self.pointer, ctypes.byref(first))
        if count < 0:
            raise MemoryError
        found = first[:count] if count else []
        self.library.engine_release(first)
        return found

    def successors(self, state: int) -> list[int]:
        """Return the states that a state leads to."""
        first = ctypes.POINTER(c_uint64)()
        count = self.library.engine_successors(self.pointer, state, ctypes.byref(first))
        if count < 0:
            raise MemoryError
        return first[:count]

    def parents(self, first: int, last: int, wanted: Sequence[int]) -> list[int]:
        """Return those of the states `first` to `last` - 1 that have a step to one of the wanted ones."""
        found = (c_uint64 * max(0, last - first))()
        numbers = (c_uint64 * len(wanted))(*wanted)
        count = self.library.engine_parents(self.pointer, first, last, numbers, len(wanted), found)
        if count < 0:
            raise MemoryError
        return found[:count]


def happened(events: Iterable[Event]) -> list[Happened]:
    """Copies of the engine's events."""
    return [Happened(e.kind, e.which, e.state, e.where) for e in events]


def units(model: Model) -> list[int]:
    """For each field a number, equal for the cells of a record and the frames of its actors."""
    found: dict[int, int] = {}
    owners = [id(cell.record) for cell in model.layout.cells]
    known = set(owners)
    for number, actor in enumerate(model.actors):
        owners.append(id(actor.of) if id(actor.of) in known else -1 - number)
    owners.append(-1 - len(model.actors))
    return [found.setdefault(owner, len(found)) for owner in owners]
