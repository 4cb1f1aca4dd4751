# SPDX-License-Identifier: MIT
"""Every state found, exactly, in about 14 bytes each (needs NumPy and Numba).

A state is stored as its *root*: the numbers of its two parts, 8 bytes, in breadth-first order; that array is
the frontier, too.  Each distinct part is stored once.  An open-addressing table of 32-bit slots (some bits
of hash, then the state's number) finds a state again; a tag that agrees is always followed by a comparison
of roots.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore import compiled
from cowpath.explore.flat import Arrays, Words
from cowpath.explore.packing import Packing

FULLEST = 0.8
"""Of a table, before it grows: that of states by half, those of parts to twice their size."""

SMALLEST = 1 << 14


class StoreArrays(NamedTuple):
    """What compiled code gets."""

    roots: Words
    left_words: Words
    left_table: Words
    right_words: Words
    right_table: Words
    left_flags: Words  # see compiled.flags_of
    right_flags: Words


class Full(Exception):  # noqa: N818 - a condition: the memory allowed is used up
    """There is no room for more states within the memory allowed."""


class Store:
    """States in breadth-first order.  `memory` bounds all of it, in bytes."""

    def __init__(self, packing: Packing, memory: int, shards: int, spare: int) -> None:
        self.memory, self.shards, self.spare = memory, shards, spare
        self.count = 0
        self.capacity = max(1, memory // 13)
        self.bits = max(16, (self.capacity + spare + 1).bit_length())
        if self.bits > 32:
            self.bits, self.capacity = 32, (1 << 32) - spare - 2
        self.roots: Words = np.empty(self.capacity, np.uint64)  # untouched pages take no memory
        self.tables = tuple(np.zeros(SMALLEST, np.uint32) for _ in range(shards))
        self.sizes = np.zeros(2, np.int64)
        self.widths = [packing.part_first[1], packing.words - packing.part_first[1]]
        self.part_tables = [np.zeros(SMALLEST, np.uint64) for _ in self.widths]
        room = int(FULLEST * SMALLEST)
        self.words = [np.zeros(room * width, np.uint64) for width in self.widths]
        self.flags = [np.zeros(room, np.uint64) for _ in self.widths]

    def arrays(self) -> StoreArrays:
        """The arrays as they are now."""
        return StoreArrays(
            self.roots,
            self.words[0],
            self.part_tables[0],
            self.words[1],
            self.part_tables[1],
            self.flags[0],
            self.flags[1],
        )

    @property
    def used(self) -> int:
        """Bytes taken: roots so far, tables and parts."""
        parts = sum(array.nbytes for array in (*self.words, *self.flags, *self.part_tables))
        return 8 * self.count + sum(table.nbytes for table in self.tables) + parts

    def text(self) -> str:
        """How much memory is used, and how much may be."""
        return f"{self.used >> 20:,} of at most {self.memory >> 20:,} MiB"

    def part_room(self) -> NDArray[np.int64]:
        """How many parts fit before a table of parts must grow."""
        return np.array([len(flags) for flags in self.flags], np.int64)

    def add_first(self, words: list[int], trees: Arrays) -> None:
        """Enter the initial state."""
        array = np.array(words, np.uint64)
        split = self.widths[0]
        compiled.number_part(array, 0, split, self.part_tables[0], self.words[0], self.sizes, 0)
        compiled.number_part(array, split, len(array), self.part_tables[1], self.words[1], self.sizes, 1)
        self.flags[0][0] = compiled.flags_of(trees, array, 0, split)
        self.flags[1][0] = compiled.flags_of(trees, array, split, len(array))
        self.roots[0] = 0
        self.count = 1
        self.refill()

    def load(self, state: int) -> list[int]:
        """The words of a state."""
        root = int(self.roots[state])
        left, right = root >> 32, root & 0xFFFFFFFF
        found: list[int] = []
        for which, number in enumerate((left, right)):
            width = self.widths[which]
            found += self.words[which][number * width : (number + 1) * width].tolist()
        return found

    def load_first(self, count: int) -> Words:
        """The words of the first states, a row for each."""
        roots = self.roots[: min(count, self.count)]
        rows = [self.words[which].reshape(-1, self.widths[which]) for which in range(2)]
        left, right = roots >> np.uint64(32), roots & np.uint64(0xFFFFFFFF)
        return np.concatenate([rows[0][left.astype(np.int64)], rows[1][right.astype(np.int64)]], axis=1)

    # -- growth ------------------------------------------------------------------------------------

    def make_room(self, more: int) -> None:
        """Make sure that so many states can be entered.  Raises Full."""
        wanted = self.count + more
        slots = sum(len(table) for table in self.tables)
        if wanted > self.capacity or self.used + 8 * more > self.memory:
            raise Full
        if wanted <= FULLEST * slots:
            return
        larger = max(int(1.5 * slots), int(wanted / FULLEST) + self.shards)
        allowed = (self.memory - self.used - 8 * more) // 4 + slots
        larger = min(larger, allowed)
        if wanted > FULLEST * larger:
            raise Full
        self.tables = ()
        self.tables = tuple(np.zeros(larger // self.shards + 1, np.uint32) for _ in range(self.shards))
        self.refill()

    def refill(self) -> None:
        """Build the table of states anew."""
        for shard, table in enumerate(self.tables):
            compiled.refill(self.roots, self.count, table, shard, self.shards, self.bits)

    def grow_parts(self) -> None:
        """Double the tables of parts that are full.  Raises Full."""
        for which, table in enumerate(self.part_tables):
            if int(self.sizes[which]) < len(self.flags[which]):
                continue
            if self.used + table.nbytes + self.words[which].nbytes > self.memory:
                raise Full
            self.part_tables[which] = np.zeros(2 * len(table), np.uint64)
            room = int(FULLEST * len(self.part_tables[which]))
            self.words[which] = _longer(self.words[which], room * self.widths[which])
            self.flags[which] = _longer(self.flags[which], room)
            self.refill_part(which)

    def refill_part(self, which: int) -> None:
        """Build the table of one part anew."""
        compiled.refill_part(
            self.part_tables[which], self.words[which], int(self.sizes[which]), self.widths[which]
        )

    def repack(self, old: Packing, new: Packing) -> None:
        """Give the fields other places; roots and the table of states stay as they are."""
        widths = [new.part_first[1], new.words - new.part_first[1]]
        for which in range(2):
            size = int(self.sizes[which])
            before = self.words[which].reshape(-1, self.widths[which])[:size]
            after = np.zeros((len(self.flags[which]), widths[which]), np.uint64)
            for field, part in enumerate(new.part_of):
                if part == which:
                    was, now = old.places[field], new.places[field]
                    values = before[:, was.word - old.part_first[which]] >> np.uint64(was.shift)
                    values &= np.uint64(was.mask)
                    after[:size, now.word - new.part_first[which]] |= values << np.uint64(now.shift)
            self.words[which] = after.reshape(-1)
            self.widths[which] = widths[which]
            self.part_tables[which][:] = 0
            self.refill_part(which)


def _longer(array: Words, size: int) -> Words:
    found = np.zeros(size, np.uint64)
    found[: len(array)] = array
    return found
