# SPDX-License-Identifier: MIT
"""Bringing interchangeable records into one order (see reduce.py)."""

from __future__ import annotations

from typing import Any

from numba import int64

from cowpath.explore.native.compiled.jit import compiled
from cowpath.explore.native.compiled.trees import field, put

FAR, ROUNDS = 1 << 30, 4


@compiled
def renumber(
    groups: Any,
    roots: Any,
    members: Any,
    runs: Any,
    run_shifts: Any,
    own: Any,
    pointers: Any,
    pointer_counts: Any,
    codes: Any,
    goes_to: Any,
    belonging: Any,
    holders: Any,
    frames: Any,
    classes: Any,
    held: Any,
    root_at: Any,
    places: Any,
    words: Any,
    ranks: Any,
) -> Any:
    """Bring interchangeable records into their order (see RenamingArrays); 0 if all is done.

    Otherwise an exchange does not know a frame yet: 1 + that frame + the number of all frames * the exchange.

    Four numbers order the records: a rank by pointers from outside all groups and by locals, FAR where there
    are none; for those, what is in them, and where their actors stand; a rank by pointers out of other
    groups.  Groups refer to each other, so it repeats until nothing moves.  One long function on plain
    arrays: tuples and slices of arrays would cost more than the work.
    """
    actors, moved, rounds = len(root_at), True, 0
    while moved and rounds < ROUNDS:
        moved, rounds = False, rounds + 1
        for group in range(len(groups)):
            count, outside, inside = groups[group, 0], groups[group, 2], groups[group, 3]
            content, stands, last = count, 2 * count, 3 * count
            for record in range(count):
                ranks[record] = ranks[last + record] = FAR
                ranks[content + record] = ranks[stands + record] = 0
            for pointer in range(outside + inside):
                record = members[group, field(words, roots[group, pointer])]
                if record >= 0:
                    record += 0 if pointer < outside else last
                    if ranks[record] == FAR:
                        ranks[record] = pointer
            for actor in holders:
                frame = root_at[actor] + field(words, places[actor])
                for place in range(held.shape[2]):
                    record = held[frame, group, place]
                    if record < 0:
                        break
                    if ranks[record] == FAR:
                        ranks[record] = outside + actor * held.shape[2] + place
            for record in range(count):
                if ranks[record] == FAR:
                    for run in range(groups[group, 4]):
                        value = field(words, runs[group, record, run])
                        ranks[content + record] |= value << int64(run_shifts[group, record, run])
                    for which in range(belonging.shape[2]):
                        actor = belonging[group, record, which]
                        stand = classes[root_at[actor] + field(words, places[actor])]
                        ranks[stands + record] = (ranks[stands + record] << 16) | int64(stand)
            for end in range(count - 1):  # an insertion sort: nearly always they are in order
                for one in range(end, -1, -1):
                    order = ranks[one] - ranks[one + 1]
                    if order == 0:
                        order = ranks[content + one + 1] - ranks[content + one]
                    if order == 0:
                        order = ranks[stands + one + 1] - ranks[stands + one]
                    if order == 0:
                        order = ranks[last + one] - ranks[last + one + 1]
                    if order <= 0:
                        break
                    exchange, swapped = groups[group, 1] + one, 4 * count
                    for actor in range(actors):
                        at = root_at[actor] + field(words, places[actor])
                        ranks[swapped + actor] = frames[exchange, at]
                        if frames[exchange, at] < 0:
                            return 1 + at + frames.shape[1] * exchange
                    for actor in range(actors):
                        put(words, places[goes_to[exchange, actor]], ranks[swapped + actor])
                    for cell in range(groups[group, 5]):
                        left = field(words, own[group, one, cell])
                        right = field(words, own[group, one + 1, cell])
                        put(words, own[group, one, cell], right)
                        put(words, own[group, one + 1, cell], left)
                    for pointer in range(pointer_counts[group]):
                        code = codes[exchange, field(words, pointers[group, pointer])]
                        put(words, pointers[group, pointer], code)
                    moved = True
                    for at in range(one, 4 * count, count):
                        ranks[at], ranks[at + 1] = ranks[at + 1], ranks[at]
    return 0
