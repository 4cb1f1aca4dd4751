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

EVENT_STEP, EVENT_OUTCOME, EVENT_JUDGE, EVENT_FRAME = 0, 1, 2, 3
WAITING = 2  # see flat.py
STACK, CHUNK, FAR, ROUNDS = 4096, 256, 1 << 30, 4

MOST = 4096
"""Successors of one state for which a buffer always has room."""

MIX, MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
HALF, LOW, BYTE, SHORT = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0xFF), np.uint64(0xFFFF)
UNKNOWN = np.uint64(0xFFFFFFFFFFFFFFFF)  # the root of a state with a part that has no number yet
S8, S16, S24, ONE, ZERO = np.uint64(8), np.uint64(16), np.uint64(24), np.uint64(1), np.uint64(0)


def _cache_directory() -> str:
    """Where compiled code is kept: the user's cache, so that a read-only installation works too."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(base) / "cowpath" / "numba")


def compiled(function: F) -> F:
    """Compile with Numba; typed, because Numba has no type information."""
    config: Any = numba.config
    before = config.CACHE_DIR
    if not os.environ.get("NUMBA_CACHE_DIR"):
        config.CACHE_DIR = _cache_directory()
    try:
        return cast("F", numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function))
    except RuntimeError:  # nowhere to write: compile in every process
        return cast("F", numba.njit(nogil=True, boundscheck=False, error_model="numpy")(function))
    finally:
        config.CACHE_DIR = before


@compiled
def walk(nodes: Any, kids: Any, words: Any, entry: Any) -> Any:
    """Follow a tree from an entry to a leaf (< 0) or to where nothing is recorded (0)."""
    while entry > 0:
        node = nodes[entry]
        value = (words[node & BYTE] >> ((node >> S8) & BYTE)) & ((node >> S16) & SHORT)
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
def field(words: Any, place: Any) -> Any:
    """The value of a field."""
    return int64((words[place[0]] >> uint64(place[1])) & uint64(place[2]))


@compiled
def put(words: Any, place: Any, value: Any) -> None:
    """Set a field."""
    mask = uint64(place[2]) << uint64(place[1])
    words[place[0]] = (words[place[0]] & ~mask) | (uint64(value) << uint64(place[1]))


@compiled
def comes_after(
    words: Any, own: Any, belonging: Any, fields: int, root_at: Any, places: Any, classes: Any
) -> int:
    """How two records compare, by what is in them and by where their actors stand: 1, 0 or -1."""
    for cell in range(fields):
        left, right = field(words, own[0, cell]), field(words, own[1, cell])
        if left != right:
            return 1 if left < right else -1
    for which in range(belonging.shape[1]):
        one, other = belonging[0, which], belonging[1, which]
        left = classes[root_at[one] + field(words, places[one])]
        right = classes[root_at[other] + field(words, places[other])]
        if left != right:
            return 1 if left < right else -1
    return 0


@compiled
def rank(names: Any, group: int, words: Any, root_at: Any, places: Any, ranks: Any) -> None:
    """Two ranks for each record of a group, FAR where nothing refers to it.

    The first by pointers from outside all groups and by locals, the second by pointers out of other groups.
    """
    count, outside, inside = names.groups[group, 0], names.groups[group, 2], names.groups[group, 3]
    for record in range(2 * count):
        ranks[record] = FAR
    for pointer in range(outside + inside):
        record = names.members[group, field(words, names.roots[group, pointer])]
        if record >= 0:
            record += 0 if pointer < outside else count
            if ranks[record] == FAR:
                ranks[record] = pointer
    for actor in range(len(root_at)):
        frame = root_at[actor] + field(words, places[actor])
        for place in range(names.held.shape[2]):
            record = names.held[frame, group, place]
            if record < 0:
                break
            if ranks[record] == FAR:
                ranks[record] = outside + actor * names.held.shape[2] + place


@compiled
def exchange(names: Any, group: int, one: int, words: Any, root_at: Any, places: Any, swapped: Any) -> Any:
    """Let two neighbours of a group change places; 0, or 1 + the place in `frames` of a frame not known."""
    which, frames = names.groups[group, 1] + one, names.frames
    for actor in range(len(root_at)):
        at = root_at[actor] + field(words, places[actor])
        swapped[actor] = frames[which, at]
        if frames[which, at] < 0:
            return 1 + at + frames.shape[1] * which
    for actor in range(len(root_at)):
        put(words, places[names.actors[which, actor]], swapped[actor])
    for cell in range(names.groups[group, 5]):
        left, right = names.own[group, one, cell], names.own[group, one + 1, cell]
        held = field(words, left)
        put(words, left, field(words, right))
        put(words, right, held)
    for pointer in range(names.pointer_counts[group]):
        place = names.pointers[group, pointer]
        put(words, place, names.codes[which, field(words, place)])
    return 0


@compiled
def renumber(names: Any, root_at: Any, places: Any, words: Any, ranks: Any) -> Any:
    """Bring interchangeable records into their order (see reduce.py); 0 if all is done.

    Groups refer to each other, so it repeats until nothing moves.  Otherwise an exchange does not know a
    frame yet: see `exchange`.
    """
    groups, moved, rounds = names.groups, True, 0
    while moved and rounds < ROUNDS:
        moved, rounds = False, rounds + 1
        for group in range(len(groups)):
            count = groups[group, 0]
            rank(names, group, words, root_at, places, ranks)
            for end in range(count - 1, 0, -1):
                for one in range(end):
                    order = ranks[one] - ranks[one + 1]
                    if order == 0:
                        order = comes_after(
                            words,
                            names.own[group, one : one + 2],
                            names.belonging[group, one : one + 2],
                            groups[group, 4],
                            root_at,
                            places,
                            names.classes,
                        )
                    if order == 0:
                        order = ranks[count + one] - ranks[count + one + 1]
                    if order <= 0:
                        continue
                    unknown = exchange(names, group, one, words, root_at, places, ranks[2 * count :])
                    if unknown:
                        return unknown
                    moved = True
                    ranks[one], ranks[one + 1] = ranks[one + 1], ranks[one]
                    at = count + one
                    ranks[at], ranks[at + 1] = ranks[at + 1], ranks[at]
    return 0


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
        if place[0] < first or place[0] >= last:
            continue
        frame = trees.root_at[actor] + int64((words[place[0]] >> uint64(place[1])) & uint64(place[2]))
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


@compiled
def expand(
    trees: Any, names: Any, store: Any, work: Any, region: int, first: int, last: int, base: int
) -> Any:
    """Every step from the states `first` to `last`-1; returns the first one not done (the buffers are full).

    Returns `first` - 1 where one state alone overflows them.

    `work.forward[n - base]` becomes 1 for a state where the run may end.  One long function on local names:
    this is the hot loop, and Numba counts references to whatever it must pass on or take out of a tuple.
    """
    nodes, kids, leaves, ops = trees.nodes, trees.kids, trees.leaves, trees.ops
    entries, root_at, places = trees.roots, trees.root_at, trees.frame_places
    resting = trees.resting
    split, count, actors = trees.part_first[1], trees.part_first[2], len(trees.root_at)
    roots, left_words, right_words = store.roots, store.left_words, store.right_words
    start, room = work.region_size * region, work.region_size
    to_root, to_leaf, to_parent = work.root[start:], work.leaf[start:], work.parent[start:]
    pending, events = work.pending[region], work.events[region]
    forward = work.forward
    words, ring = np.empty(count, np.uint64), np.empty((CHUNK, count + 2), np.uint64)
    stack, ranks = np.empty(STACK, np.int64), np.empty(512, np.int64)
    renaming = len(names.groups) > 0
    left_flags, right_flags = store.left_flags, store.right_flags
    crash_word, crash_shift = places[actors, 0], uint64(places[actors, 1])
    crash_mask = uint64(places[actors, 2])
    candidates, pendings, reported, waiting = 0, 0, 0, 0
    number = first
    while number < last and reported + actors + 1 <= len(events) and candidates + MOST <= room:
        root = roots[number]
        load_part(left_words, root >> HALF, words, 0, split)
        load_part(right_words, root & LOW, words, split, count)
        one, other = left_flags[int64(root >> HALF)], right_flags[int64(root & LOW)]
        blocked, rest = one | other, ((one & other) >> uint64(63)) != ZERO
        crashed = (words[crash_word] >> crash_shift) & crash_mask != ZERO
        for actor in range(0 if crashed else actors):
            if actor < 63 and (blocked >> uint64(actor)) & ONE:
                continue
            frame = (words[places[actor, 0]] >> uint64(places[actor, 1])) & uint64(places[actor, 2])
            at = root_at[actor] + int64(frame)
            stack[0] = entries[at]
            top = 1
            while top > 0:
                top -= 1
                entry = walk(nodes, kids, words, stack[top])
                if entry == -1:
                    continue
                rest = rest and resting[at] != WAITING
                if entry == 0:
                    events[reported, 0], events[reported, 1], events[reported, 2] = EVENT_STEP, number, actor
                    events[reported, 3] = missing(nodes, kids, words, stack[top])
                    if stack[top] == 0:
                        events[reported, 3] = -1 - at
                    reported += 1
                    break
                head = leaves[-entry]
                if (head >> S24) & BYTE == ONE:
                    options = int64(head & BYTE)
                    if top + options > STACK:
                        return first - 1
                    for option in range(options):
                        stack[top] = kids[int64(head >> HALF) + options - 1 - option]
                        top += 1
                    continue
                if candidates == room:
                    return first - 1
                if waiting == CHUNK:
                    pendings = resolve(
                        store, split, ring, waiting, candidates - waiting, to_root, pending, pendings
                    )
                    waiting = 0
                next_words = ring[waiting]
                next_words[count], next_words[count + 1] = root, (head >> S16) & BYTE
                apply(ops, head, words, next_words, count)
                if renaming:
                    next_words[count + 1] = uint64(3)
                    unknown = renumber(names, root_at, places, next_words, ranks)
                    if unknown and reported + actors + 1 < len(events):
                        events[reported, 0], events[reported, 1] = EVENT_FRAME, number
                        events[reported, 3] = unknown - 1
                        reported += 1
                to_leaf[candidates], to_parent[candidates] = -entry, number
                candidates += 1
                waiting += 1
        forward[number - base] = crashed or rest
        if crashed or rest:
            entry = trees.observer[1 if crashed else 0]
            if walk(nodes, kids, words, entry) == 0:
                events[reported, 0], events[reported, 1], events[reported, 2] = EVENT_OUTCOME, number, 0
                events[reported, 3] = missing(nodes, kids, words, entry)
                reported += 1
        number += 1
    pendings = resolve(store, split, ring, waiting, candidates - waiting, to_root, pending, pendings)
    work.candidate_count[region], work.pending_count[region] = candidates, pendings
    work.event_count[region] = reported
    return number


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
def judge(trees: Any, store: Any, work: Any, region: int, begin: int, broken: Any) -> Any:
    """Evaluate on new states the invariants that their steps may have changed; returns where to go on."""
    nodes, kids, watch_at, watchers, judges = (
        trees.nodes,
        trees.kids,
        trees.watch_at,
        trees.watchers,
        trees.judges,
    )
    count, split = trees.part_first[2], trees.part_first[1]
    left_words, right_words = store.left_words, store.right_words
    words = np.empty(count, np.uint64)
    start, events, reported = work.region_size * region, work.events[region], 0
    slots, leaf_of, root_of, number_of = (
        work.slot[start:],
        work.leaf[start:],
        work.root[start:],
        work.number[start:],
    )
    index, end = begin, work.candidate_count[region]
    while index < end:
        leaf = leaf_of[index]
        watch, watch_end = watch_at[leaf], watch_at[leaf + 1]
        if slots[index] >= 0 and watch < watch_end:
            if reported + watch_end - watch > len(events):
                break
            load_part(left_words, root_of[index] >> HALF, words, 0, split)
            load_part(right_words, root_of[index] & LOW, words, split, count)
            for at in range(watch, watch_end):
                which = watchers[at]
                if broken[which] == 0 and walk(nodes, kids, words, judges[which]) != -1:
                    events[reported, 0], events[reported, 1] = EVENT_JUDGE, number_of[index]
                    events[reported, 2] = which
                    events[reported, 3] = missing(nodes, kids, words, judges[which])
                    reported += 1
        index += 1
    work.event_count[region] = reported
    return index


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


@compiled
def escape(
    trees: Any, names: Any, store: Any, work: Any, tables: Any, number: Any, bits: int, path: Any
) -> Any:
    """Whether an end or a later state can be reached from a state by way of earlier ones.

    1: yes.  0: no.  -1: `path`, the states met, is full.
    """
    found, taken = 1, 0
    path[0] = number
    while taken < found:
        here = path[taken]
        taken += 1
        expand(trees, names, store, work, 0, here, here + 1, here)
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
def sweep(trees: Any, names: Any, store: Any, work: Any, tables: Any, bits: int, reaches: Any) -> Any:
    """Mark states that end or lead to a marked one, from the last to the first; returns how many."""
    marked = 0
    for back in range(len(reaches)):
        number = len(reaches) - 1 - back
        if reaches[number] == 1:
            continue
        expand(trees, names, store, work, 0, number, number + 1, number)
        found = work.forward[0] == 1
        for index in range(work.candidate_count[0]):
            if found:
                break
            found = reaches[lookup(store.roots, tables, work.root[index], bits)] == 1
        if found:
            reaches[number] = 1
            marked += 1
    return marked


@compiled
def find_parents(
    trees: Any, names: Any, store: Any, work: Any, first: int, last: int, wanted: Any, parents: Any
) -> int:
    """Which of some states have a step to a state with one of these roots, sorted; returns how many.

    `parents` has room for all of them.  -1: one state alone overflows the buffers.
    """
    found = 0
    while first < last:
        done = expand(trees, names, store, work, 0, first, min(last, first + CHUNK), first)
        if done <= first:
            return -1
        for index in range(work.candidate_count[0]):
            root, parent = work.root[index], work.parent[index]
            at = np.searchsorted(wanted, root)
            if at < len(wanted) and wanted[at] == root and (found == 0 or parents[found - 1] != parent):
                parents[found] = parent
                found += 1
        first = done
    return found
