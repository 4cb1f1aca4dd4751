# SPDX-License-Identifier: MIT
"""Every step from some states: the hot loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from cowpath.explore.native.compiled.jit import BYTE, HALF, MIX, ONE, S8, S16, S24, ZERO, compiled, lowest_bit
from cowpath.explore.native.compiled.parts import (
    FIRST,
    FLAGS,
    KNOWN,
    MASK,
    SHIFT,
    UNKNOWN,
    WIDTH,
    changed,
    find_part,
    find_root,
    number_part,
    number_root,
)
from cowpath.explore.native.compiled.renumber import renumber
from cowpath.explore.native.compiled.trees import RESTS, apply, apply_part, field, missing, walk, walk_noting

EVENT_STEP, EVENT_OUTCOME, EVENT_JUDGE, EVENT_FRAME = 0, 1, 2, 3
CANDIDATES, EVENTS, NO_ROOM, ENTERED = 0, 1, 2, 3
"""What `counts` of a batch holds: successors found, things for Python to do, whether a part has no room left,
and how many of the successors have been entered."""

WAITING = 2  # see flat.py
STACK = 4096
FLAGGED = 63  # actors for whom parts have flags

BLOCK = 8
"""Words that are compared at once."""

MOST = 4096
"""Successors of one state for which a buffer always has room."""

AHEAD = 256
"""States that are looked at for more to record, once something is missing."""


@compiled
def expand(trees: Any, names: Any, store: Any, caches: Any, work: Any, first: int, last: int) -> Any:
    """Every step from the states `first` to `last`-1; returns the first one not done.

    It stops early where the buffers or a part are full, or where something must be recorded first: then what
    is missing in the next few states is listed, too.  Returns -1 where one state alone overflows the buffers.

    `work.forward[n - first]` becomes 1 for a state where the run may end.  One long function on local names:
    this is the hot loop, and Numba counts references to whatever it must pass on or take out of a tuple.
    """
    nodes, kids, leaves, ops = trees.nodes, trees.kids, trees.leaves, trees.ops
    entries, root_at, places = trees.roots, trees.root_at, trees.frame_places
    resting = trees.resting
    roots, parts, known, slots, flags = store.roots, store.parts, store.known, store.slots, store.flags
    memo, memo_mask = caches.parts, uint64(len(caches.parts) - 1)
    renamed, renamed_mask = caches.renamed, uint64(len(caches.renamed) - 1)
    guesses, masks, values = caches.leaves, caches.masks, caches.values
    count, actors = int64(parts[-1, FIRST] + parts[-1, WIDTH]), len(trees.root_at)
    room, events, forward = len(work.root), work.events, work.forward
    to_root, to_leaf, to_parent = work.root, work.leaf, work.parent
    words, after = np.zeros(masks.shape[1], np.uint64), np.empty(count, np.uint64)
    stack, ranks = np.empty(STACK, np.int64), np.empty(512, np.int64)
    groups, renaming = names.groups, len(names.groups) > 0
    names_roots, members, own, belonging = names.roots, names.members, names.own, names.belonging
    pointers, pointer_counts, codes, goes_to = names.pointers, names.pointer_counts, names.codes, names.actors
    exchanged, classes, held, holders = names.frames, names.classes, names.held, names.holders
    runs, run_shifts = names.runs, names.run_shifts
    everyone = (ONE << uint64(min(actors, FLAGGED))) - ONE
    candidates, kept, reported, missed = 0, 0, 0, -1
    work.counts[NO_ROOM] = 0
    number = first
    while number < last and reported + actors + 1 <= len(events) and candidates + MOST <= room:
        if missed >= 0 and number - missed >= AHEAD:
            break
        root = roots[number]
        blocked, resting_parts = ZERO, RESTS
        for part in range(len(parts)):
            which = (root >> parts[part, SHIFT]) & parts[part, MASK]
            width, to = parts[part, WIDTH], parts[part, FIRST]
            of = parts[part, KNOWN] + which * width
            for word in range(width):
                words[to + word] = known[of + word]
            alone = flags[parts[part, FLAGS] + which]
            blocked |= alone
            resting_parts &= alone
        rest, lacking, full = resting_parts != ZERO, False, False
        crashed = field(words, places[actors]) != 0
        free, beyond = everyone & ~blocked, FLAGGED
        while not crashed:  # for each actor that is not flagged as blocked
            if free != ZERO:
                actor = int64(lowest_bit(free))
                free &= free - ONE
            elif beyond < actors:
                actor, beyond = beyond, beyond + 1
            else:
                break
            at = root_at[actor] + field(words, places[actor])
            differs = ZERO  # from when an actor last took a step from this frame?
            for block in range(0, len(words), BLOCK):
                for word in range(block, block + BLOCK):
                    differs |= (words[word] & masks[at, word]) ^ values[at, word]
            if differs != ZERO or guesses[at] >= 0:
                guesses[at] = walk_noting(nodes, kids, words, entries[at], masks[at], values[at])
            stack[0], top = guesses[at] if guesses[at] < 0 else entries[at], 1
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
                    lacking = True
                    break
                head = leaves[-entry]
                if (head >> S24) & BYTE == ONE:
                    options = int64(head & BYTE)
                    if top + options > STACK:
                        return -1
                    for option in range(options):
                        stack[top] = kids[int64(head >> HALF) + options - 1 - option]
                        top += 1
                    continue
                if candidates == room:
                    return -1
                next_root, op = root, head >> HALF
                for _ in range(head & BYTE):
                    group = ops[op]
                    part = group & BYTE
                    which = (root >> parts[part, SHIFT]) & parts[part, MASK]
                    key = op << HALF | which
                    slot = ((key * MIX) >> HALF) & memo_mask
                    if memo[slot, 0] == key:
                        next_root = changed(parts, part, next_root, memo[slot, 1])
                        op += ONE + uint64(3) * ((group >> S8) & BYTE) + ((group >> S16) & BYTE)
                        continue
                    to = parts[part, FIRST]
                    for word in range(to, to + parts[part, WIDTH]):
                        after[word] = words[word]
                    op = apply_part(ops, op, words, after)
                    found = find_part(parts, part, known, slots, after)
                    if found < 0:
                        found = number_part(trees, store, part, after)
                        if found < 0:
                            full = True
                            break
                    next_root = changed(parts, part, next_root, uint64(found))
                    if (group >> S24) & ONE == ZERO:  # what it makes of this part depends on no other
                        memo[slot, 0], memo[slot, 1] = key, uint64(found)
                if full:
                    break
                if renaming:
                    slot = ((next_root * MIX) >> HALF) & renamed_mask
                    if renamed[slot, 0] != next_root:
                        apply(ops, head, words, after)
                        unknown = renumber(
                            groups,
                            names_roots,
                            members,
                            runs,
                            run_shifts,
                            own,
                            pointers,
                            pointer_counts,
                            codes,
                            goes_to,
                            belonging,
                            holders,
                            exchanged,
                            classes,
                            held,
                            root_at,
                            places,
                            after,
                            ranks,
                        )
                        if unknown:
                            if reported + actors + 1 < len(events):
                                events[reported, 0], events[reported, 1] = EVENT_FRAME, number
                                events[reported, 3] = unknown - 1
                                reported += 1
                            lacking = True
                            continue
                        canonical = find_root(parts, known, slots, after)
                        if canonical == UNKNOWN:
                            canonical = number_root(trees, store, after)
                            if canonical == UNKNOWN:
                                full = True
                                break
                        renamed[slot, 0], renamed[slot, 1] = next_root, canonical
                    next_root = renamed[slot, 1]
                to_root[candidates] = next_root
                to_leaf[candidates], to_parent[candidates] = -entry, number - first
                candidates += 1
            if full:
                break
        if full:
            work.counts[NO_ROOM] = 1
            break
        forward[number - first] = crashed or rest
        if (crashed or rest) and not lacking and missed < 0:  # outcomes come in order of states
            entry = trees.observer[1 if crashed else 0]
            if walk(nodes, kids, words, entry) == 0:
                events[reported, 0], events[reported, 1], events[reported, 2] = EVENT_OUTCOME, number, 0
                events[reported, 3] = missing(nodes, kids, words, entry)
                reported += 1
        if lacking and missed < 0:
            missed = number
        number += 1
        if missed < 0:
            kept = candidates
    work.counts[CANDIDATES], work.counts[EVENTS] = kept, reported
    return number if missed < 0 else missed
