# SPDX-License-Identifier: MIT
"""The table of states: finding one again, and giving numbers to new ones (see store.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from cowpath.explore.native.compiled.expand import CANDIDATES, ENTERED, EVENT_JUDGE, EVENTS
from cowpath.explore.native.compiled.jit import CHUNK, HALF, LOW, MIX, MIX2, ONE, ZERO, compiled
from cowpath.explore.native.compiled.parts import FIRST, WIDTH, load
from cowpath.explore.native.compiled.trees import missing, walk


@compiled
def hash_root(root: Any) -> Any:
    """A hash of a root: upper half for the slot, lower bits for the tag."""
    mixed = root * MIX
    mixed ^= mixed >> HALF
    mixed *= MIX2
    mixed ^= mixed >> HALF
    return mixed * MIX


@compiled
def enter(
    trees: Any, store: Any, work: Any, table: Any, bits: int, first: int, count: int, broken: Any
) -> int:
    """Number the new states among the successors of a batch, from `count` on; returns the count then.

    `first` is the first state of the batch.  On new states the invariants are evaluated that their steps may
    have changed; where the list of those that need Python is full, it stops, and `counts[ENTERED]` says how
    far it has come.  Marks the parents that have a successor with a higher number than their own.
    """
    size, above, low = uint64(len(table)), uint64(bits), (ONE << uint64(bits)) - ONE
    tag_mask = LOW >> above
    candidates, parents, leaves, forward = work.root, work.parent, work.leaf, work.forward
    nodes, kids, watch, judges = trees.nodes, trees.kids, trees.watch, trees.judges
    roots, parts, known, events = store.roots, store.parts, store.known, work.events
    hashes, numbers = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.uint64)
    found_roots = np.empty(CHUNK, np.uint64)
    words = np.empty(int64(parts[-1, FIRST] + parts[-1, WIDTH]), np.uint64)
    begin, end, reported = work.counts[ENTERED], work.counts[CANDIDATES], 0
    while begin < end and reported + CHUNK * len(judges) <= len(events):
        many = min(CHUNK, end - begin)
        for at in range(many):  # three loops, so that the memory answers many questions at once
            mixed = hash_root(candidates[begin + at])
            hashes[at] = mixed
            numbers[at] = uint64(table[((mixed >> HALF) * size) >> HALF]) & low
        for at in range(many):
            found_roots[at] = roots[numbers[at] - ONE] if numbers[at] != ZERO else ZERO
        for at in range(many):
            index, mixed, number = begin + at, hashes[at], int64(numbers[at]) - 1
            root = candidates[index]
            if number < 0 or found_roots[at] != root:
                tag, slot = (mixed >> ONE) & tag_mask, ((mixed >> HALF) * size) >> HALF
                while True:
                    held = uint64(table[slot])
                    if held == ZERO:
                        number = count
                        break
                    if held >> above == tag:
                        number = int64(held & low) - 1
                        if roots[number] == root:
                            break
                    slot += ONE
                    if slot == size:
                        slot = ZERO
                if number == count:
                    roots[number] = root
                    table[slot] = np.uint32((tag << above) | uint64(number + 1))
                    count += 1
                    watched = watch[leaves[index]]
                    if watched != ZERO:
                        load(parts, known, root, words)
                        for which in range(len(judges)):
                            if broken[which] != 0 or not (watched >> uint64(min(which, 63))) & ONE:
                                continue
                            if walk(nodes, kids, words, judges[which]) != -1:
                                events[reported, 0], events[reported, 1] = EVENT_JUDGE, number
                                events[reported, 2] = which
                                events[reported, 3] = missing(nodes, kids, words, judges[which])
                                reported += 1
            if number > first + parents[index]:
                forward[parents[index]] = 1
        begin += many
    work.counts[ENTERED], work.counts[EVENTS] = begin, reported
    return count


@compiled
def refill(roots: Any, count: int, table: Any, bits: int) -> None:
    """Build the table of states from the roots."""
    size, above, tag_mask = uint64(len(table)), uint64(bits), LOW >> uint64(bits)
    for number in range(count):
        mixed = hash_root(roots[number])
        slot = ((mixed >> HALF) * size) >> HALF
        while table[slot] != 0:
            slot += ONE
            if slot == size:
                slot = ZERO
        table[slot] = np.uint32((((mixed >> ONE) & tag_mask) << above) | uint64(number + 1))


@compiled
def lookup(roots: Any, table: Any, root: Any, bits: int) -> Any:
    """The number of a state, or -1."""
    mixed = hash_root(root)
    low = (ONE << uint64(bits)) - ONE
    size = uint64(len(table))
    slot = ((mixed >> HALF) * size) >> HALF
    while table[slot] != 0:
        number = int64(uint64(table[slot]) & low) - 1
        if roots[number] == root:
            return number
        slot += ONE
        if slot == size:
            slot = ZERO
    return -1
