# SPDX-License-Identifier: MIT
"""Whether every state of a finished native search can still reach an end (needs NumPy and Numba).

A state that has a successor with a higher number than its own needs no attention: from such states one
climbs, and a climb stops at an end or at a state whose successors were all found before it.  The search
notes those few. Taken from the last to the first, each of them needs a way to an end or to any higher
number: what lies above it has been shown to reach an end.  Only where that fails are all states swept
backwards, as the reference does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cowpath.explore.found import Hang
from cowpath.explore.native import compiled
from cowpath.explore.stuck import first_hang

if TYPE_CHECKING:
    from cowpath.explore.native.exploration import NativeExploration

LONGEST = 1 << 10
"""States looked at before one state's way out is given up on."""


def find_hang(found: NativeExploration) -> Hang | None:
    """The answer of the reference's `find_hang`.

    A step for whose part there is no room looks as if it could not be taken.  So what seems to hang is looked
    at once more when every part that any step leads to has a number.
    """
    hang = _find_hang(found)
    if hang is not None:
        _number_parts(found)
        hang = _find_hang(found)
    return hang


def _number_parts(found: NativeExploration) -> None:
    """Make room for the parts of every state that any step leads to."""
    search, first, count = found.search, 0, found.search.store.count
    while first < count:
        work, part_of = search.works[0], search.part_of
        done = search.expand_states(work, first, search.end_of_batch(first))
        if work.counts[compiled.NO_ROOM]:
            search.grow_parts(work)
            search.refresh()
        elif done <= first:
            search.record_missing(work)
        first = done if search.part_of is part_of else 0


def _find_hang(found: NativeExploration) -> Hang | None:
    search = found.search
    arrays = (search.trees, search.names, search.arrays, search.caches, search.works[0])
    table = (search.store.table, search.store.bits)
    path = np.zeros(LONGEST, np.int64)
    for numbers in reversed(search.retreating):
        for number in numbers[::-1].tolist():
            if compiled.escape(*arrays, *table, number, path) != 1:
                return _sweep(found)
    return None


def _sweep(found: NativeExploration) -> Hang | None:
    search = found.search
    arrays = (search.trees, search.names, search.arrays, search.caches, search.works[0])
    table = (search.store.table, search.store.bits)
    reaches = np.zeros(search.store.count, np.uint8)
    while compiled.sweep(*arrays, *table, reaches):
        pass
    stuck = np.flatnonzero(reaches == 0)
    first, targets = np.zeros(len(stuck) + 1, np.int64), np.zeros(len(stuck) + compiled.MOST, np.int64)
    done = 0
    while (done := compiled.successors(*arrays, *table, stuck, done, first, targets)) < len(stuck):
        targets = np.concatenate([targets, np.zeros_like(targets)])
    at = {number: index for index, number in enumerate(stuck.tolist())}
    return first_hang(found, stuck.tolist(), lambda n: targets[first[at[n]] : first[at[n] + 1]].tolist())
