# SPDX-License-Identifier: MIT
"""Every state found, exactly, in about 15 bytes each (needs NumPy and Numba).

A state is stored as its *root*, 8 bytes (see parts.py), in breadth-first order; that array is the frontier,
too.  An open-addressing table of 32-bit slots (some bits of hash, then the state's number) finds a state
again; a tag that agrees is always followed by a comparison of roots.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.native import compiled
from cowpath.explore.native.forest import Arrays, Words
from cowpath.explore.native.packing import Packing
from cowpath.explore.native.parts import Parts

FULLEST = 0.8
"""Of the table of states, before it grows by half."""

SMALLEST = 1 << 14
SLOT_BITS = 32


class StoreArrays(NamedTuple):
    """What compiled code gets."""

    roots: Words
    parts: Words  # from here on see PartArrays
    known: Words
    slots: Words
    flags: Words
    sizes: NDArray[np.int64]
    room: NDArray[np.int64]


class Full(Exception):  # noqa: N818 - a condition: the memory allowed is used up
    """There is no room for more states within the memory allowed."""


class StateStore:
    """States in breadth-first order.  `memory` bounds all of it, in bytes."""

    def __init__(self, packing: Packing, memory: int) -> None:
        self.memory = memory
        self.count = 0
        self.capacity = min(max(1, memory // 13), int(FULLEST * (1 << SLOT_BITS)) - 2)
        self.roots: Words = np.empty(self.capacity, np.uint64)  # untouched pages take no memory
        self.parts = Parts(packing)
        self.table = np.zeros(SMALLEST, np.uint32)

    @property
    def bits(self) -> int:
        """How many bits of a slot are a number: as many as states that fit take."""
        return (len(self.table) + 1).bit_length()

    def arrays(self) -> StoreArrays:
        """The arrays as they are now."""
        return StoreArrays(self.roots, *self.parts.arrays)

    @property
    def used(self) -> int:
        """Bytes taken: roots so far, tables and parts."""
        return 8 * self.count + self.table.nbytes + self.parts.used

    def text(self) -> str:
        """How much memory is used, and how much may be."""
        return f"{self.used >> 20:,} of at most {self.memory >> 20:,} MiB"

    def add_first(self, words: list[int], trees: Arrays) -> None:
        """Enter the initial state."""
        self.roots[0] = compiled.number_root(trees, self.arrays(), np.array(words, np.uint64))
        self.count = 1
        self.refill()

    def load(self, state: int) -> list[int]:
        """The words of a state."""
        return self.parts.words_of(int(self.roots[state]))

    def rows(self, first: int, last: int) -> Words:
        """The words of the states `first` to `last`-1, a row for each."""
        return self.parts.rows(self.roots[first:last])

    # -- growth ------------------------------------------------------------------------------------

    def make_room(self, more: int) -> bool:
        """Make sure that so many states can be entered; True if the table has grown.  Raises Full."""
        wanted = self.count + more
        slots = len(self.table)
        if wanted > self.capacity or self.used + 8 * more > self.memory:
            raise Full
        if wanted <= FULLEST * slots:
            return False
        larger = max(int(1.5 * slots), int(wanted / FULLEST) + 1)
        allowed = (self.memory - self.used - 8 * more) // 4 + slots
        larger = min(larger, allowed)
        if wanted > FULLEST * larger:
            raise Full
        self.table = np.zeros(0, np.uint32)  # give the memory back first
        self.table = np.zeros(larger, np.uint32)
        compiled.refill(self.roots, self.count, self.table, self.bits)
        return True

    def refill(self) -> None:
        """Build the table of states anew."""
        self.table[:] = 0
        compiled.refill(self.roots, self.count, self.table, self.bits)

    def grow_parts(self, *candidates: Words) -> None:
        """Double the tables of parts that are full.  Raises Full or Crowded.

        `candidates` are roots, too, which are not entered yet.
        """
        before = self.parts.arrays
        if self.used + before.slots.nbytes + before.known.nbytes > self.memory:
            raise Full
        if self.parts.grow():
            for roots in (self.roots[: self.count], *candidates):
                compiled.move_numbers(before.parts, self.parts.arrays.parts, roots)
            self.refill()

    def repack(self, old: Packing, new: Packing, trees: Arrays) -> None:
        """Give the fields other places.  Raises Crowded, and then all is as it was."""
        fields = [(old.places[field], new.places[field]) for field in range(len(new.places))]
        moves = np.array([(a.word, a.shift, a.mask, b.word, b.shift) for a, b in fields if a.mask], np.uint64)
        parts, roots, done = Parts(new), np.empty_like(self.roots), 0
        while done < self.count:
            target = StoreArrays(roots, *parts.arrays)
            done = compiled.convert(trees, self.arrays(), target, moves, done, self.count)
            if done < self.count and parts.grow():
                compiled.move_numbers(target.parts, parts.arrays.parts, roots[:done])
        self.parts, self.roots = parts, roots
        self.refill()
