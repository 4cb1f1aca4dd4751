# SPDX-License-Identifier: MIT
"""Walking recorded trees and carrying out their leaves (see flat.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from cowpath.explore.native.compiled.jit import BYTE, HALF, ONE, S8, S16, S24, SHORT, ZERO, compiled

RESTS = np.uint64(1 << 63)
"""The flag of a part in which all frames rest; the other bits are actors."""


@compiled
def walk(nodes: Any, kids: Any, words: Any, entry: Any) -> Any:
    """Follow a tree from an entry to a leaf (< 0) or to where nothing is recorded (0)."""
    while entry > 0:
        node = nodes[entry]
        value = (words[node & BYTE] >> ((node >> S8) & BYTE)) & ((node >> S16) & SHORT)
        entry = kids[(node >> HALF) + value]
    return entry


@compiled
def walk_noting(nodes: Any, kids: Any, words: Any, entry: Any, masks: Any, values: Any) -> Any:
    """A walk that notes what it has read: with these values under these masks it always ends there."""
    for word in range(len(masks)):
        masks[word] = values[word] = ZERO
    while entry > 0:
        node = nodes[entry]
        word, shift, mask = node & BYTE, (node >> S8) & BYTE, (node >> S16) & SHORT
        value = (words[word] >> shift) & mask
        masks[word] |= mask << shift
        values[word] |= value << shift
        entry = kids[(node >> HALF) + value]
    return entry


@compiled
def missing(nodes: Any, kids: Any, words: Any, entry: Any) -> Any:
    """Where a walk ends that finds nothing recorded: the index in `kids`, or -1 at the very start."""
    at = -1
    while entry > 0:
        node = nodes[entry]
        value = (words[node & BYTE] >> ((node >> S8) & BYTE)) & ((node >> S16) & SHORT)
        at = int64((node >> HALF) + value)
        entry = kids[at]
    return at


@compiled
def field(words: Any, place: Any) -> Any:
    """The value of a field, given its packed place."""
    return int64((words[place & BYTE] >> ((place >> S8) & BYTE)) & (place >> S16))


@compiled
def put(words: Any, place: Any, value: Any) -> None:
    """Set a field."""
    word, shift = place & BYTE, (place >> S8) & BYTE
    words[word] = (words[word] & ~((place >> S16) << shift)) | (uint64(value) << shift)


@compiled
def apply_part(ops: Any, op: Any, words: Any, after: Any) -> Any:
    """Carry out what a leaf does to one part, given where that starts; returns where the next part starts.

    `after` gets those words of the part that change; moves read from `words`.
    """
    group = ops[op]
    op += ONE
    for _ in range((group >> S8) & BYTE):
        word = ops[op]
        after[word] = (words[word] & ops[op + ONE]) | ops[op + uint64(2)]
        op += uint64(3)
    for _ in range((group >> S16) & BYTE):
        move = ops[op]
        value = (words[move & BYTE] >> ((move >> S8) & BYTE)) & (move >> HALF)
        word, shift = (move >> S16) & BYTE, (move >> S24) & BYTE
        after[word] = (after[word] & ~((move >> HALF) << shift)) | (value << shift)
        op += ONE
    return op


@compiled
def apply(ops: Any, head: int, words: Any, after: Any) -> None:
    """Carry out a leaf: `after` becomes the state that follows `words`."""
    for word in range(len(after)):
        after[word] = words[word]
    op = head >> HALF
    for _ in range(head & BYTE):
        op = apply_part(ops, op, words, after)


@compiled
def flags_of(trees: Any, words: Any, first: int, last: int) -> Any:
    """What a part alone decides: a bit for each of the first 63 actors that it blocks, bit 63 if its frames
    rest.

    Most actors of most states are blocked, and by one flag near their frame: they need not be asked again in
    every state that has this part.
    """
    flags, rest = ZERO, True
    for actor in range(len(trees.root_at)):
        place = trees.frame_places[actor]
        if int64(place & BYTE) < first or int64(place & BYTE) >= last:
            continue
        frame = trees.root_at[actor] + field(words, place)
        rest = rest and trees.resting[frame] != 0
        entry = trees.roots[frame]
        while entry > 0:
            node = trees.nodes[entry]
            word = int64(node & BYTE)
            if word < first or word >= last:
                break
            value = (words[word] >> ((node >> S8) & BYTE)) & ((node >> S16) & SHORT)
            entry = trees.kids[(node >> HALF) + value]
        if entry == -1 and actor < 63:
            flags |= ONE << uint64(actor)
    return flags | (uint64(rest) << uint64(63))
