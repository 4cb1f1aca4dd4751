# SPDX-License-Identifier: MIT
"""Every step from some states: the hot loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from cowpath.explore.compiled.jit import BYTE, CHUNK, HALF, LOW, ONE, S16, S24, ZERO, compiled
from cowpath.explore.compiled.parts import load_part, resolve
from cowpath.explore.compiled.renumber import renumber
from cowpath.explore.compiled.trees import apply, field, missing, walk

EVENT_STEP, EVENT_OUTCOME, EVENT_JUDGE, EVENT_FRAME = 0, 1, 2, 3
WAITING = 2  # see flat.py
STACK = 4096

MOST = 4096
"""Successors of one state for which a buffer always has room."""


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
    groups, renaming = names.groups, len(names.groups) > 0
    names_roots, members, own, belonging = names.roots, names.members, names.own, names.belonging
    pointers, pointer_counts, codes, goes_to = names.pointers, names.pointer_counts, names.codes, names.actors
    exchanged, classes, held, holders = names.frames, names.classes, names.held, names.holders
    runs, run_shifts = names.runs, names.run_shifts
    left_flags, right_flags = store.left_flags, store.right_flags
    candidates, pendings, reported, waiting = 0, 0, 0, 0
    number = first
    while number < last and reported + actors + 1 <= len(events) and candidates + MOST <= room:
        root = roots[number]
        load_part(left_words, root >> HALF, words, 0, split)
        load_part(right_words, root & LOW, words, split, count)
        one, other = left_flags[int64(root >> HALF)], right_flags[int64(root & LOW)]
        blocked, rest = one | other, ((one & other) >> uint64(63)) != ZERO
        crashed = field(words, places[actors]) != 0
        for actor in range(0 if crashed else actors):
            if actor < 63 and (blocked >> uint64(actor)) & ONE:
                continue
            at = root_at[actor] + field(words, places[actor])
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
                        next_words,
                        ranks,
                    )
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
