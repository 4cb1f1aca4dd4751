# SPDX-License-Identifier: MIT
"""The table of states: finding one again, and giving numbers to new ones (see store.py)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from cowpath.explore.compiled.jit import CHUNK, HALF, LOW, MIX, MIX2, ONE, ZERO, compiled


@compiled
def hash_root(root: Any) -> Any:
    """A hash of a root: upper half for the slot, lower bits for shard and tag."""
    mixed = root * MIX
    mixed ^= mixed >> HALF
    mixed *= MIX2
    mixed ^= mixed >> HALF
    return mixed * MIX


@compiled
def insert(
    store: Any, work: Any, table: Any, region: int, shard: int, shards: int, count: int, bits: int
) -> Any:
    """Look every candidate of a region up in one shard; returns how many are new.

    A slot holds a tag above `bits` and 1 + a state number.  A new state has no number yet: it is entered as
    `count` + its candidate index, and `number` replaces that.
    """
    size, low = uint64(len(table)), (ONE << uint64(bits)) - ONE
    start, end = work.region_size * region, work.region_size * region + work.candidate_count[region]
    candidates, slots, shard_of, parents, roots = work.root, work.slot, work.shard, work.parent, store.roots
    hashes, held_of, root_of = (
        np.empty(CHUNK, np.uint64),
        np.empty(CHUNK, np.uint64),
        np.empty(CHUNK, np.uint64),
    )
    new = 0
    for begin in range(start, end, CHUNK):
        many = min(CHUNK, end - begin)
        for at in range(many):  # three loops, so that the memory answers many questions at once
            mixed = hash_root(candidates[begin + at])
            hashes[at] = mixed
            held_of[at] = uint64(table[((mixed >> HALF) * size) >> HALF])
        for at in range(many):
            number = int64(held_of[at] & low) - 1
            root_of[at] = roots[number] if 0 <= number < count else ZERO
        for at in range(many):
            index, mixed = begin + at, hashes[at]
            if mixed & uint64(shards - 1) != uint64(shard):
                continue
            root, number = candidates[index], int64(held_of[at] & low) - 1
            if 0 <= number < count and root_of[at] == root:
                slots[index] = -2 if number > parents[index] else -1
                continue
            tag = (mixed >> ONE) & (LOW >> uint64(bits))
            slot = ((mixed >> HALF) * size) >> HALF
            while True:
                held = uint64(table[slot])
                if held == ZERO:
                    table[slot] = np.uint32((tag << uint64(bits)) | uint64(count + index + 1))
                    slots[index], shard_of[index] = int64(slot), shard
                    new += 1
                    break
                if held >> uint64(bits) == tag:
                    number = int64(held & low) - 1
                    known = roots[number] if number < count else candidates[number - count]
                    if known == root:
                        slots[index] = -2 if number > parents[index] else -1
                        break
                slot += ONE
                if slot == size:
                    slot = ZERO
    return new


@compiled
def number_states(store: Any, work: Any, tables: Any, region: int, first: int, base: int, bits: int) -> Any:
    """Give the new states of a region their numbers from `first` on; returns the number after the last.

    Marks the parents that have a successor with a higher number than their own.
    """
    start = work.region_size * region
    tag_mask = ~((ONE << uint64(bits)) - ONE) & LOW
    roots, slots, parents, shards, numbers = store.roots, work.slot, work.parent, work.shard, work.number
    forward, candidates = work.forward, work.root
    for index in range(start, start + work.candidate_count[region]):
        slot = slots[index]
        if slot == -1:
            continue
        forward[parents[index] - base] = 1
        if slot >= 0:
            roots[first] = candidates[index]
            table = tables[shards[index]]
            table[slot] = np.uint32((uint64(table[slot]) & tag_mask) | uint64(first + 1))
            numbers[index] = first
            first += 1
    return first


@compiled
def refill(roots: Any, count: int, table: Any, shard: int, shards: int, bits: int) -> None:
    """Build one shard of the table of states from the roots."""
    size = uint64(len(table))
    for number in range(count):
        mixed = hash_root(roots[number])
        if mixed & uint64(shards - 1) != uint64(shard):
            continue
        slot = ((mixed >> HALF) * size) >> HALF
        while table[slot] != 0:
            slot += ONE
            if slot == size:
                slot = ZERO
        tag = (mixed >> ONE) & (LOW >> uint64(bits))
        table[slot] = np.uint32((tag << uint64(bits)) | uint64(number + 1))


@compiled
def lookup(roots: Any, tables: Any, root: Any, bits: int) -> Any:
    """The number of a state, or -1."""
    shards = len(tables)
    mixed = hash_root(root)
    table = tables[int64(mixed & uint64(shards - 1))]
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
