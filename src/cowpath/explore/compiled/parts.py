# SPDX-License-Identifier: MIT
"""The parts of states: each distinct one is stored once and has a number (see store.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from cowpath.explore.compiled.jit import CHUNK, HALF, LOW, MIX, MIX2, ONE, ZERO, compiled
from cowpath.explore.compiled.trees import flags_of

UNKNOWN = np.uint64(0xFFFFFFFFFFFFFFFF)
"""The root of a state with a part that has no number yet."""


@compiled
def load_part(known: Any, number: Any, words: Any, first: int, last: int) -> None:
    """The words of a part from its number."""
    base = number * uint64(last - first)
    for word in range(last - first):
        words[first + word] = known[base + uint64(word)]


@compiled
def hash_part(words: Any, first: int, last: int) -> Any:
    """A hash of some words."""
    mixed = MIX2
    for word in range(first, last):
        mixed = (mixed ^ words[word]) * MIX
        mixed ^= mixed >> HALF
    return mixed


@compiled
def find_part(words: Any, first: int, last: int, table: Any, known: Any, mixed: Any) -> Any:
    """The number of a part, or -1 - the slot where it belongs."""
    mask = uint64(len(table) - 1)
    slot = mixed & mask
    width = uint64(last - first)
    tag = mixed >> HALF
    while True:
        held = table[slot]
        if held == ZERO:
            return -1 - int64(slot)
        if held >> HALF == tag:
            number = (held & LOW) - ONE
            base = number * width
            same = True
            for word in range(first, last):
                if known[base + uint64(word - first)] != words[word]:
                    same = False
                    break
            if same:
                return int64(number)
        slot = (slot + ONE) & mask


@compiled
def resolve(
    store: Any, split: int, ring: Any, many: int, first: int, to_root: Any, pending: Any, pendings: int
) -> Any:
    """The roots of some candidates; notes those with a new part, with their words, and returns how many
    there are.

    Three loops, so that the memory answers many questions at once.  A row of `ring` holds the words of a
    state, then the root it comes from and which parts have changed.
    """
    count = ring.shape[1] - 2
    hashes, slots = np.empty((2, CHUNK), np.uint64), np.empty((2, CHUNK), np.uint64)
    words = np.empty((2, CHUNK), np.uint64)
    left_table, left_words = store.left_table, store.left_words
    right_table, right_words = store.right_table, store.right_words
    left_mask, right_mask = uint64(len(left_table) - 1), uint64(len(right_table) - 1)
    left_width, right_width = uint64(split), uint64(count - split)
    for at in range(many):
        hashes[0, at] = mixed = hash_part(ring[at], 0, split)
        slots[0, at] = left_table[mixed & left_mask]
        hashes[1, at] = mixed = hash_part(ring[at], split, count)
        slots[1, at] = right_table[mixed & right_mask]
    for at in range(many):
        held = slots[0, at] & LOW
        words[0, at] = left_words[(held - ONE) * left_width] if held else ZERO
        held = slots[1, at] & LOW
        words[1, at] = right_words[(held - ONE) * right_width] if held else ZERO
    for at in range(many):
        row = ring[at]
        left, right = int64(row[count] >> HALF), int64(row[count] & LOW)
        if row[count + 1] & ONE:
            left = check_part(
                row, 0, split, left_table, left_words, hashes[0, at], slots[0, at], words[0, at]
            )
        if row[count + 1] & uint64(2):
            right = check_part(
                row, split, count, right_table, right_words, hashes[1, at], slots[1, at], words[1, at]
            )
        if left < 0 or right < 0:
            pending[pendings, count] = uint64(first + at)
            for word in range(count):
                pending[pendings, word] = row[word]
            pendings += 1
            to_root[first + at] = UNKNOWN
        else:
            to_root[first + at] = (uint64(left) << HALF) | uint64(right)
    return pendings


@compiled
def check_part(
    words: Any, first: int, last: int, table: Any, known: Any, mixed: Any, held: Any, start: Any
) -> Any:
    """What `find_part` says, given what its first slot holds and the first word there."""
    if held != ZERO and held >> HALF == mixed >> HALF and start == words[first]:
        number = (held & LOW) - ONE
        base = number * uint64(last - first)
        same = True
        for word in range(first + 1, last):
            if known[base + uint64(word - first)] != words[word]:
                same = False
                break
        if same:
            return int64(number)
    return find_part(words, first, last, table, known, mixed)


@compiled
def settle(trees: Any, store: Any, work: Any, region: int, sizes: Any, room: Any) -> bool:
    """Number the new parts.  `sizes` counts the parts; False where one of the tables has no room left."""
    count, split = trees.part_first[2], trees.part_first[1]
    for pending in range(work.pending_count[region]):
        words = work.pending[region, pending]
        if sizes[0] >= room[0] or sizes[1] >= room[1]:
            return False
        lefts, rights = sizes[0], sizes[1]
        left = number_part(words, 0, split, store.left_table, store.left_words, sizes, 0)
        right = number_part(words, split, count, store.right_table, store.right_words, sizes, 1)
        if left == lefts:
            store.left_flags[left] = flags_of(trees, words, 0, split)
        if right == rights:
            store.right_flags[right] = flags_of(trees, words, split, count)
        work.root[work.region_size * region + int64(words[count])] = (uint64(left) << HALF) | uint64(right)
    return True


@compiled
def number_part(words: Any, first: int, last: int, table: Any, known: Any, sizes: Any, which: int) -> Any:
    """The number of a part, a new one if it has none."""
    mixed = hash_part(words, first, last)
    found = find_part(words, first, last, table, known, mixed)
    if found >= 0:
        return found
    number = sizes[which]
    for word in range(first, last):
        known[number * (last - first) + word - first] = words[word]
    table[-1 - found] = (mixed >> HALF) << HALF | uint64(number + 1)
    sizes[which] = number + 1
    return number


@compiled
def refill_part(table: Any, known: Any, size: int, width: int) -> None:
    """Build the table of a part from its words."""
    mask = uint64(len(table) - 1)
    for number in range(size):
        mixed = hash_part(known[number * width : (number + 1) * width], 0, width)
        slot = mixed & mask
        while table[slot] != ZERO:
            slot = (slot + ONE) & mask
        table[slot] = (mixed >> HALF) << HALF | uint64(number + 1)
