# SPDX-License-Identifier: MIT
"""The distinct parts of all states found, each stored once under a number (needs NumPy and Numba).

A state is a *root*: 64 bits with the number of each of its parts.  Parts are few (thousands, where states are
millions), so that finding the number of one is a question to a small table in the cache.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.native import compiled
from cowpath.explore.native.compiled.parts import FLAGS, KNOWN
from cowpath.explore.native.forest import Arrays, Words
from cowpath.explore.native.packing import Packing

ROOT_BITS = 64
FULLEST = 0.8
"""Of the table of a part, before it grows to twice its size."""

SMALLEST = 1 << 10


class Crowded(Exception):  # noqa: N818 - a condition, not a mistake
    """The numbers of all parts no longer fit into one root: there must be fewer parts."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__("too many parts of a state")
        self.sizes = sizes


class PartArrays(NamedTuple):
    """What compiled code gets; one array of each kind serves all parts."""

    parts: Words  # a row for each part, see compiled/parts.py
    known: Words  # the words of each
    slots: Words  # open addressing: half a hash, then 1 + the number
    flags: Words  # see compiled.trees.flags_of
    sizes: NDArray[np.int64]  # how many there are of each
    room: NDArray[np.int64]  # how many there may be before its table must grow


class Parts:
    """All parts under one packing."""

    def __init__(self, packing: Packing) -> None:
        self.firsts = packing.part_first[:-1]
        self.widths = [last - first for first, last in zip(self.firsts, packing.part_first[1:], strict=True)]
        count = len(self.widths)
        self.sizes = np.zeros(count, np.int64)
        self.tables = [SMALLEST] * count  # slots
        self.bits = [ROOT_BITS // count] * count
        self.arrays = self._empty()

    def _empty(self) -> PartArrays:
        """Arrays with room for as many parts as `tables` says, and places in the root as `bits` says."""
        rows, shift, known, slots, flags = [], 0, 0, 0, 0
        rooms = [int(FULLEST * table) for table in self.tables]
        for part, (width, table, room) in enumerate(zip(self.widths, self.tables, rooms, strict=True)):
            mask = (1 << self.bits[part]) - 1
            rows.append([self.firsts[part], width, shift, mask, known, slots, table - 1, flags])
            shift, known, slots, flags = (
                shift + self.bits[part],
                known + room * width,
                slots + table,
                flags + room,
            )
        return PartArrays(
            np.array(rows, np.uint64),
            np.zeros(known, np.uint64),
            np.zeros(slots, np.uint64),
            np.zeros(flags, np.uint64),
            self.sizes,
            np.array(rooms, np.int64),
        )

    @property
    def used(self) -> int:
        """Bytes taken."""
        return sum(array.nbytes for array in self.arrays)

    def words_of(self, root: int) -> list[int]:
        """The words of a state."""
        found: list[int] = []
        for _, width, shift, mask, known, *_ in self.arrays.parts.tolist():
            at = known + (root >> shift & mask) * width
            found += self.arrays.known[at : at + width].tolist()
        return found

    def rows(self, roots: Words) -> Words:
        """The words of some states, a row for each."""
        columns = []
        for _, width, shift, mask, known, *_ in self.arrays.parts.tolist():
            at = known + ((roots >> np.uint64(shift)) & np.uint64(mask)).astype(np.int64) * width
            columns += [self.arrays.known[at + word] for word in range(width)]
        return np.array(columns, np.uint64).T

    def grow(self) -> bool:
        """Double the tables that are full; True if numbers have other places in a root now.

        Raises Crowded where the numbers of all parts would not fit into one.
        """
        tables = [
            2 * table if size >= room else table
            for table, size, room in zip(self.tables, self.sizes, self.arrays.room, strict=True)
        ]
        needed = [table.bit_length() - 1 for table in tables]
        moved = any(need > bits for need, bits in zip(needed, self.bits, strict=True))
        if moved:
            spare = ROOT_BITS - sum(needed)
            if spare < 0:
                raise Crowded(self.sizes.tolist())
            self.bits = [need + spare // len(needed) for need in needed]
        before, self.tables = self.arrays, tables
        self.arrays = self._empty()
        for part, (old, new) in enumerate(
            zip(before.parts.tolist(), self.arrays.parts.tolist(), strict=True)
        ):
            size = int(self.sizes[part])
            _copy(before.known, old[KNOWN], self.arrays.known, new[KNOWN], size * self.widths[part])
            _copy(before.flags, old[FLAGS], self.arrays.flags, new[FLAGS], size)
            compiled.refill_part(self.arrays.parts, part, self.arrays.known, self.arrays.slots, size)
        return moved

    def renew_flags(self, trees: Arrays) -> None:
        """Work out again what each part alone decides, now that more is recorded."""
        for part, size in enumerate(self.sizes.tolist()):
            compiled.renew_flags(trees, self.arrays.parts, part, self.arrays.known, self.arrays.flags, size)


def _copy(source: Words, at: int, target: Words, to: int, count: int) -> None:
    target[to : to + count] = source[at : at + count]
