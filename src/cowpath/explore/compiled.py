# SPDX-License-Identifier: MIT
"""The loops of the native engine, compiled by Numba once and cached on disk.

They know words, entries and leaves (see flat.py) and parts, roots and tables (see store.py), nothing else.
Arithmetic is on uint64 throughout: Numba would turn a mixture with int64 into floating point.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import int64, uint64

F = TypeVar("F", bound=Callable[..., Any])

EVENT_STEP, EVENT_OUTCOME, EVENT_JUDGE, EVENT_BROKEN = 0, 1, 2, 3
STACK = 4096
MIX, MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
HALF, LOW, BYTE, SHORT = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0xFF), np.uint64(0xFFFF)
S8, S16, S24, ONE, ZERO = np.uint64(8), np.uint64(16), np.uint64(24), np.uint64(1), np.uint64(0)


def _cache_directory() -> str:
    """Where compiled code is kept: the user's cache, so that a read-only installation works too."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(base) / "cowpath" / "numba")


def compiled(function: F) -> F:
    """Compile with Numba; typed, because Numba has no type information."""
    before = numba.config.CACHE_DIR
    if not os.environ.get("NUMBA_CACHE_DIR"):
        numba.config.CACHE_DIR = _cache_directory()
    try:
        return cast("F", numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function))
    except RuntimeError:  # nowhere to write: compile in every process
        return cast("F", numba.njit(nogil=True, boundscheck=False, error_model="numpy")(function))
    finally:
        numba.config.CACHE_DIR = before


@compiled
def walk(nodes: Any, kids: Any, words: Any, entry: int) -> int:
    """Follow a tree from an entry to a leaf (< 0) or to where nothing is recorded (0)."""
    while entry > 0:
        node = nodes[entry]
        value = (words[node & BYTE] >> ((node >> S8) & BYTE)) & ((node >> S16) & SHORT)
        entry = kids[(node >> HALF) + value]
    return entry


@compiled
def load(store: Any, words: Any, root: int, split: int, count: int) -> None:
    """The words of a state from its root."""
    first, second = (root >> HALF) * uint64(split), (root & LOW) * uint64(count - split)
    for word in range(split):
        words[word] = store.left_words[first + uint64(word)]
    for word in range(count - split):
        words[split + word] = store.right_words[second + uint64(word)]


@compiled
def hash_part(words: Any, first: int, last: int) -> int:
    """A hash of some words."""
    mixed = MIX2
    for word in range(first, last):
        mixed = (mixed ^ words[word]) * MIX
        mixed ^= mixed >> HALF
    return mixed


@compiled
def find_part(words: Any, first: int, last: int, table: Any, known: Any, mixed: int) -> int:
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
def apply(ops: Any, head: int, words: Any, after: Any, count: int) -> None:
    """Carry out a leaf: `after` becomes the state that follows `words`."""
    for word in range(count):
        after[word] = words[word]
    op = head >> HALF
    for _ in range(head & BYTE):
        word = ops[op]
        after[word] = (after[word] & ops[op + ONE]) | ops[op + uint64(2)]
        op += uint64(3)
    for _ in range((head >> S8) & BYTE):
        move = ops[op]
        value = (words[move & BYTE] >> ((move >> S8) & BYTE)) & (move >> HALF)
        word, shift = (move >> S16) & BYTE, (move >> S24) & BYTE
        after[word] = (after[word] & ~((move >> HALF) << shift)) | (value << shift)
        op += ONE


@compiled
def frame_of(trees: Any, words: Any, actor: int) -> int:
    """The frame number of an actor; after the last actor, the crash number."""
    place = trees.frame_places[actor]
    return int64((words[place[0]] >> uint64(place[1])) & uint64(place[2]))


@compiled
def at_rest(trees: Any, words: Any) -> bool:
    """Whether every actor has finished or idles."""
    for actor in range(len(trees.root_at)):
        if trees.resting[trees.root_at[actor] + frame_of(trees, words, actor)] == 0:
            return False
    return True


@compiled
def report(work: Any, region: int, kind: int, number: int, which: int) -> None:
    """Leave something for Python to do."""
    event = work.event_count[region]
    work.events[region, event, 0] = kind
    work.events[region, event, 1] = number
    work.events[region, event, 2] = which
    work.event_count[region] = event + 1


@compiled
def add_candidate(
    trees: Any, store: Any, work: Any, region: int, words: Any, after: Any, leaf: int, root: int
) -> None:
    """Carry out a leaf and note the root of the state it leads to, or that a part of it is new."""
    count, split = len(words), trees.part_first[1]
    head = trees.leaves[leaf]
    apply(trees.ops, head, words, after, count)
    left, right = int64(root >> HALF), int64(root & LOW)
    if (head >> S16) & ONE:
        mixed = hash_part(after, 0, split)
        left = find_part(after, 0, split, store.left_table, store.left_words, mixed)
    if (head >> S16) & uint64(2):
        mixed = hash_part(after, split, count)
        right = find_part(after, split, count, store.right_table, store.right_words, mixed)
    index = work.region_size * region + work.candidate_count[region]
    work.leaf[index] = leaf
    if left < 0 or right < 0:
        pending = work.pending_count[region]
        work.pending[region, pending] = index
        for word in range(count):
            work.pending_words[region, pending * count + word] = after[word]
        work.pending_count[region] = pending + 1
    else:
        work.root[index] = (uint64(left) << HALF) | uint64(right)
    work.candidate_count[region] += 1


@compiled
def take_steps(
    trees: Any, store: Any, work: Any, region: int, words: Any, after: Any, stack: Any, actor: int, number: int
) -> bool:
    """Every step of one actor in one state.  False where the buffers are full."""
    root = store.roots[number]
    stack[0] = trees.roots[trees.root_at[actor] + frame_of(trees, words, actor)]
    top = 1
    while top > 0:
        top -= 1
        entry = walk(trees.nodes, trees.kids, words, stack[top])
        if entry == 0:
            report(work, region, EVENT_STEP, number, actor)
            return True
        if entry == -1:
            continue
        head = trees.leaves[-entry]
        if (head >> S24) & BYTE == ONE:
            options = int64(head & BYTE)
            if top + options > len(stack):
                return False
            for option in range(options):
                stack[top] = trees.kids[int64(head >> HALF) + options - 1 - option]
                top += 1
            continue
        if work.candidate_count[region] == work.region_size or work.pending_count[region] == len(work.pending[0]):
            return False
        work.parent[work.region_size * region + work.candidate_count[region]] = number
        add_candidate(trees, store, work, region, words, after, -entry, root)
    return True


@compiled
def expand(trees: Any, store: Any, work: Any, region: int, first: int, last: int, base: int) -> int:
    """Every step from the states `first` to `last`-1; returns the first one not done (the buffers are full).

    `work.forward[n - base]` becomes 1 for a state where the run may end.
    """
    count, split = trees.part_first[2], trees.part_first[1]
    words, after = np.empty(count, np.uint64), np.empty(count, np.uint64)
    stack = np.empty(STACK, np.int64)
    actors = len(trees.root_at)
    work.candidate_count[region] = work.pending_count[region] = work.event_count[region] = 0
    for number in range(first, last):
        candidates, pendings = work.candidate_count[region], work.pending_count[region]
        if work.event_count[region] + actors + 1 > work.events.shape[1]:
            return number
        load(store, words, store.roots[number], split, count)
        work.forward[number - base] = 0
        crashed = frame_of(trees, words, actors) != 0
        if crashed or at_rest(trees, words):
            work.forward[number - base] = 1
            if walk(trees.nodes, trees.kids, words, trees.observer[1 if crashed else 0]) == 0:
                report(work, region, EVENT_OUTCOME, number, 0)
        if crashed:
            continue
        for actor in range(actors):
            if not take_steps(trees, store, work, region, words, after, stack, actor, number):
                work.candidate_count[region], work.pending_count[region] = candidates, pendings
                return number
    return last


@compiled
def settle(trees: Any, store: Any, work: Any, region: int, sizes: Any, room: Any) -> bool:
    """Number the new parts.  `sizes` counts the parts; False where one of the tables has no room left."""
    count, split = trees.part_first[2], trees.part_first[1]
    for pending in range(work.pending_count[region]):
        words = work.pending_words[region, pending * count : (pending + 1) * count]
        if sizes[0] >= room[0] or sizes[1] >= room[1]:
            return False
        left = number_part(words, 0, split, store.left_table, store.left_words, sizes, 0)
        right = number_part(words, split, count, store.right_table, store.right_words, sizes, 1)
        work.root[work.pending[region, pending]] = (uint64(left) << HALF) | uint64(right)
    return True


@compiled
def number_part(words: Any, first: int, last: int, table: Any, known: Any, sizes: Any, which: int) -> int:
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


@compiled
def hash_root(root: int) -> int:
    """A hash of a root: upper half for the slot, lower bits for shard and tag."""
    mixed = root * MIX
    mixed ^= mixed >> HALF
    mixed *= MIX2
    mixed ^= mixed >> HALF
    return mixed * MIX


@compiled
def insert(store: Any, work: Any, table: Any, region: int, shard: int, shards: int, count: int, bits: int) -> int:
    """Look every candidate of a region up in one shard; returns how many are new.

    A slot holds a tag above `bits` and 1 + a state number.  A new state has no number yet: it is entered as
    `count` + its candidate index, and `number` replaces that.
    """
    size, low = uint64(len(table)), (ONE << uint64(bits)) - ONE
    start = work.region_size * region
    new = 0
    for index in range(start, start + work.candidate_count[region]):
        root = work.root[index]
        mixed = hash_root(root)
        if int64(mixed & ONE) % shards != shard:
            continue
        tag = (mixed >> ONE) & (LOW >> uint64(bits))
        slot = ((mixed >> HALF) * size) >> HALF
        while True:
            held = uint64(table[slot])
            if held == ZERO:
                table[slot] = np.uint32((tag << uint64(bits)) | uint64(count + index + 1))
                work.slot[index] = int64(slot)
                work.shard[index] = shard
                new += 1
                break
            if held >> uint64(bits) == tag:
                number = int64(held & low) - 1
                known = store.roots[number] if number < count else work.root[number - count]
                if known == root:
                    work.slot[index] = -1
                    if number > work.parent[index]:
                        work.slot[index] = -2
                    break
            slot += ONE
            if slot == size:
                slot = ZERO
    return new


@compiled
def number_states(store: Any, work: Any, tables: Any, region: int, first: int, base: int, bits: int) -> int:
    """Give the new states of a region their numbers from `first` on; returns the number after the last.

    Marks the parents that have a successor with a higher number than their own.
    """
    start = work.region_size * region
    tag_mask = ~((ONE << uint64(bits)) - ONE) & LOW
    for index in range(start, start + work.candidate_count[region]):
        slot = work.slot[index]
        if slot == -1:
            continue
        work.forward[work.parent[index] - base] = 1
        if slot >= 0:
            store.roots[first] = work.root[index]
            table = tables[work.shard[index]]
            table[slot] = np.uint32((uint64(table[slot]) & tag_mask) | uint64(first + 1))
            work.number[index] = first
            first += 1
    return first


@compiled
def judge(trees: Any, store: Any, work: Any, region: int, begin: int, broken: Any) -> int:
    """Evaluate on new states the invariants that their steps may have changed; returns where to go on."""
    count, split = trees.part_first[2], trees.part_first[1]
    words = np.empty(count, np.uint64)
    start = work.region_size * region
    work.event_count[region] = 0
    for index in range(begin, work.candidate_count[region]):
        if work.slot[start + index] < 0:
            continue
        leaf = work.leaf[start + index]
        watch, end = trees.watch_at[leaf], trees.watch_at[leaf + 1]
        if watch == end:
            continue
        if work.event_count[region] + end - watch > work.events.shape[1]:
            return index
        load(store, words, work.root[start + index], split, count)
        for at in range(watch, end):
            which = trees.watchers[at]
            if broken[which]:
                continue
            entry = walk(trees.nodes, trees.kids, words, trees.judges[which])
            if entry != -1:
                kind = EVENT_JUDGE if entry == 0 else EVENT_BROKEN
                report(work, region, kind, work.number[start + index], which)
    return work.candidate_count[region]


@compiled
def refill(roots: Any, count: int, table: Any, shard: int, shards: int, bits: int) -> None:
    """Build one shard of the table of states from the roots."""
    size = uint64(len(table))
    for number in range(count):
        mixed = hash_root(roots[number])
        if int64(mixed & ONE) % shards != shard:
            continue
        slot = ((mixed >> HALF) * size) >> HALF
        while table[slot] != 0:
            slot += ONE
            if slot == size:
                slot = ZERO
        tag = (mixed >> ONE) & (LOW >> uint64(bits))
        table[slot] = np.uint32((tag << uint64(bits)) | uint64(number + 1))


@compiled
def lookup(roots: Any, tables: Any, root: int, bits: int) -> int:
    """The number of a state, or -1."""
    shards = len(tables)
    mixed = hash_root(root)
    table = tables[int64(mixed & ONE) % shards]
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


@compiled
def escape(trees: Any, store: Any, work: Any, tables: Any, number: int, bits: int, path: Any) -> int:
    """Whether an end or a later state can be reached from a state by way of earlier ones.

    1: yes.  0: no.  -1: `path`, the states met, is full.
    """
    found, taken = 1, 0
    path[0] = number
    while taken < found:
        here = path[taken]
        taken += 1
        expand(trees, store, work, 0, here, here + 1, here)
        if work.forward[0]:
            return 1
        for index in range(work.candidate_count[0]):
            successor = lookup(store.roots, tables, work.root[index], bits)
            if successor > number:
                return 1
            known = False
            for at in range(found):
                if path[at] == successor:
                    known = True
                    break
            if not known:
                if found == len(path):
                    return -1
                path[found] = successor
                found += 1
    return 0


@compiled
def sweep(trees: Any, store: Any, work: Any, tables: Any, bits: int, reaches: Any) -> int:
    """Mark states that end or lead to a marked one, from the last to the first; returns how many were marked.

    `reaches` is 1 for a marked state, 2 for one without a step.
    """
    marked = 0
    for back in range(len(reaches)):
        number = len(reaches) - 1 - back
        if reaches[number] == 1:
            continue
        expand(trees, store, work, 0, number, number + 1, number)
        found = work.forward[0] == 1
        for index in range(work.candidate_count[0]):
            if found:
                break
            found = reaches[lookup(store.roots, tables, work.root[index], bits)] == 1
        if found:
            reaches[number] = 1
            marked += 1
        elif work.candidate_count[0] == 0:
            reaches[number] = 2
    return marked


@compiled
def find_parent(trees: Any, store: Any, work: Any, first: int, last: int, root: int) -> int:
    """The first of some states that has a step to the state with this root, or -1."""
    while first < last:
        done = expand(trees, store, work, 0, first, min(last, first + 256), first)
        for index in range(work.candidate_count[0]):
            if work.root[index] == root:
                return int64(work.parent[index])
        if done == first:
            return -1
        first = done
    return -1
