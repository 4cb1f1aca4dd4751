# SPDX-License-Identifier: MIT
"""Invariants on new states."""

from __future__ import annotations

from typing import Any

import numpy as np

from cowpath.explore.compiled.expand import EVENT_JUDGE
from cowpath.explore.compiled.jit import HALF, LOW, compiled
from cowpath.explore.compiled.parts import load_part
from cowpath.explore.compiled.trees import missing, walk


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
