# SPDX-License-Identifier: MIT
"""What is worked out again by expanding once more: ways to an end, and parents on shortest paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from cowpath.explore.native.compiled.expand import CANDIDATES, MOST, expand
from cowpath.explore.native.compiled.jit import CHUNK, compiled
from cowpath.explore.native.compiled.table import lookup


@compiled
def escape(
    trees: Any, names: Any, store: Any, caches: Any, work: Any, table: Any, bits: int, number: Any, path: Any
) -> Any:
    """Whether an end or a later state can be reached from a state by way of earlier ones.

    1: yes.  0: no.  -1: `path`, the states met, is full.
    """
    found, taken = 1, 0
    path[0] = number
    while taken < found:
        here = path[taken]
        taken += 1
        expand(trees, names, store, caches, work, here, here + 1)
        if work.forward[0]:
            return 1
        for index in range(work.counts[CANDIDATES]):
            successor = lookup(store.roots, table, work.root[index], bits)
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
def sweep(
    trees: Any, names: Any, store: Any, caches: Any, work: Any, table: Any, bits: int, reaches: Any
) -> Any:
    """Mark states that end or lead to a marked one, from the last to the first; returns how many."""
    marked = 0
    for back in range(len(reaches)):
        number = len(reaches) - 1 - back
        if reaches[number] == 1:
            continue
        expand(trees, names, store, caches, work, number, number + 1)
        found = work.forward[0] == 1
        for index in range(work.counts[CANDIDATES]):
            if found:
                break
            found = reaches[lookup(store.roots, table, work.root[index], bits)] == 1
        if found:
            reaches[number] = 1
            marked += 1
    return marked


@compiled
def successors(
    trees: Any,
    names: Any,
    store: Any,
    caches: Any,
    work: Any,
    table: Any,
    bits: int,
    states: Any,
    begin: int,
    first: Any,
    targets: Any,
) -> int:
    """List what the states from the index `begin` on lead to; returns the index where `targets` is full.

    Those of `states[i]` are `targets[first[i]]` to `targets[first[i + 1] - 1]`.
    """
    filled = first[begin]
    for index in range(begin, len(states)):
        if filled + MOST > len(targets):
            return index
        expand(trees, names, store, caches, work, states[index], states[index] + 1)
        for successor in range(work.counts[CANDIDATES]):
            targets[filled] = lookup(store.roots, table, work.root[successor], bits)
            filled += 1
        first[index + 1] = filled
    return len(states)


@compiled
def find_parents(
    trees: Any,
    names: Any,
    store: Any,
    caches: Any,
    work: Any,
    first: int,
    last: int,
    wanted: Any,
    parents: Any,
) -> int:
    """Which of some states have a step to a state with one of these roots, sorted; returns how many.

    `parents` has room for all of them.  -1: one state alone overflows the buffers.
    """
    found = 0
    while first < last:
        done = expand(trees, names, store, caches, work, first, min(last, first + CHUNK))
        if done <= first:
            return -1
        for index in range(work.counts[CANDIDATES]):
            root, parent = work.root[index], first + work.parent[index]
            at = np.searchsorted(wanted, root)
            if at < len(wanted) and wanted[at] == root and (found == 0 or parents[found - 1] != parent):
                parents[found] = parent
                found += 1
        first = done
    return found
