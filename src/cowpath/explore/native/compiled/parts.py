# SPDX-License-Identifier: MIT
"""The parts of states: each distinct one is stored once and has a number (see store.py).

`parts` has a row for each part, with the columns below; a root holds the numbers of all parts of a state,
each in some bits of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from cowpath.explore.native.compiled.jit import HALF, LOW, MIX, MIX2, ONE, ZERO, compiled
from cowpath.explore.native.compiled.trees import flags_of

FIRST, WIDTH, SHIFT, MASK, KNOWN, SLOTS, SLOT_MASK, FLAGS = range(8)
"""First word in a state, and how many; place in a root; where its words, slots and flags start in the arrays
that all parts share."""

UNKNOWN = np.uint64(0xFFFFFFFFFFFFFFFF)
"""The root of a state with a part that has no number yet."""


@compiled
def load(parts: Any, known: Any, root: Any, words: Any) -> None:
    """The words of a state from its root."""
    for part in range(len(parts)):
        width, first = parts[part, WIDTH], parts[part, FIRST]
        base = parts[part, KNOWN] + ((root >> parts[part, SHIFT]) & parts[part, MASK]) * width
        for word in range(width):
            words[first + word] = known[base + word]


@compiled
def find_part(parts: Any, part: Any, known: Any, slots: Any, words: Any) -> Any:
    """The number of a part of some words, or -1 - the slot where it belongs."""
    first, width = parts[part, FIRST], parts[part, WIDTH]
    start, mask, base = parts[part, SLOTS], parts[part, SLOT_MASK], parts[part, KNOWN]
    mixed = hash_words(words, first, width)
    slot = mixed & mask
    while True:
        held = slots[start + slot]
        if held == ZERO:
            return -1 - int64(start + slot)
        if held >> HALF == mixed >> HALF:
            number = (held & LOW) - ONE
            at, same = base + number * width, True
            for word in range(width):
                if known[at + word] != words[first + word]:
                    same = False
                    break
            if same:
                return int64(number)
        slot = (slot + ONE) & mask


@compiled
def hash_words(words: Any, first: Any, count: Any) -> Any:
    """A hash of some words."""
    mixed = MIX2
    for word in range(count):
        mixed = (mixed ^ words[first + word]) * MIX
        mixed ^= mixed >> HALF
    return mixed


@compiled
def changed(parts: Any, part: Any, root: Any, number: Any) -> Any:
    """A root with another number for one part."""
    shift, mask = parts[part, SHIFT], parts[part, MASK]
    return (root & ~(mask << shift)) | (uint64(number) << shift)


@compiled
def find_root(parts: Any, known: Any, slots: Any, words: Any) -> Any:
    """The root of a state, or UNKNOWN if it has a part that no state had before."""
    root = ZERO
    for part in range(len(parts)):
        number = find_part(parts, part, known, slots, words)
        if number < 0:
            return UNKNOWN
        root = changed(parts, part, root, number)
    return root


@compiled
def number_part(trees: Any, store: Any, part: Any, words: Any) -> Any:
    """The number of a part of some words, a new one if it is new; -1 where there is no room for it."""
    parts = store.parts
    number = find_part(parts, part, store.known, store.slots, words)
    if number >= 0:
        return number
    slot, number = -1 - number, store.sizes[part]
    if number >= store.room[part]:
        return -1
    first, width = parts[part, FIRST], parts[part, WIDTH]
    base = parts[part, KNOWN] + uint64(number) * width
    for word in range(width):
        store.known[base + word] = words[first + word]
    store.slots[slot] = (hash_words(words, first, width) >> HALF) << HALF | uint64(number + 1)
    store.flags[parts[part, FLAGS] + uint64(number)] = flags_of(
        trees, words, int64(first), int64(first + width)
    )
    store.sizes[part] = number + 1
    return number


@compiled
def number_root(trees: Any, store: Any, words: Any) -> Any:
    """The root of a state whose parts may be new; UNKNOWN where there is no room for one."""
    root = ZERO
    for part in range(len(store.parts)):
        number = number_part(trees, store, part, words)
        if number < 0:
            return UNKNOWN
        root = changed(store.parts, part, root, number)
    return root


@compiled
def convert(trees: Any, old: Any, new: Any, moves: Any, start: int, count: int) -> int:
    """Give states from `start` on roots in another packing; returns where a part had no room left.

    A move takes a field from its word, shift and mask to another word and shift.
    """
    before = np.empty(int64(old.parts[-1, FIRST] + old.parts[-1, WIDTH]), np.uint64)
    after = np.empty(int64(new.parts[-1, FIRST] + new.parts[-1, WIDTH]), np.uint64)
    for number in range(start, count):
        load(old.parts, old.known, old.roots[number], before)
        after[:] = ZERO
        for move in range(len(moves)):
            value = (before[moves[move, 0]] >> moves[move, 1]) & moves[move, 2]
            after[moves[move, 3]] |= value << moves[move, 4]
        root = number_root(trees, new, after)
        if root == UNKNOWN:
            return number
        new.roots[number] = root
    return count


@compiled
def move_numbers(old: Any, new: Any, roots: Any) -> None:
    """Give the numbers of parts other places in some roots."""
    for index in range(len(roots)):
        root, moved = roots[index], ZERO
        for part in range(len(old)):
            moved |= ((root >> old[part, SHIFT]) & old[part, MASK]) << new[part, SHIFT]
        roots[index] = moved


@compiled
def refill_part(parts: Any, part: int, known: Any, slots: Any, size: int) -> None:
    """Build the table of a part from its words."""
    width, start, mask, base = (
        parts[part, WIDTH],
        parts[part, SLOTS],
        parts[part, SLOT_MASK],
        parts[part, KNOWN],
    )
    for number in range(size):
        mixed = hash_words(known, base + uint64(number) * width, width)
        slot = mixed & mask
        while slots[start + slot] != ZERO:
            slot = (slot + ONE) & mask
        slots[start + slot] = (mixed >> HALF) << HALF | uint64(number + 1)


@compiled
def renew_flags(trees: Any, parts: Any, part: int, known: Any, flags: Any, size: int) -> None:
    """Work out again what each part alone decides: more is recorded than when it was new."""
    first, width = parts[part, FIRST], parts[part, WIDTH]
    words = np.empty(int64(first + width), np.uint64)
    for number in range(size):
        base = parts[part, KNOWN] + uint64(number) * width
        for word in range(width):
            words[first + word] = known[base + word]
        flags[parts[part, FLAGS] + uint64(number)] = flags_of(
            trees, words, int64(first), int64(first + width)
        )
