# SPDX-License-Identifier: MIT
"""Which cells belong together, so that each part of a state takes few values (needs NumPy)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.native.packing import Packing
from cowpath.explore.record.recorder import Model

HALVINGS = 2
"""Four parts: more would be smaller still, but a step would change more of them."""

ROUNDS = 3


def choose_parts(model: Model, sample: NDArray[np.uint16]) -> list[int]:
    """The part of each field (see packing.py), chosen on states seen so far.

    Cells of one record stay whole, together with the frames of its actors: what these wait for is there.  All
    is cut in two, and each half again: in the natural order first, then whatever lowers the number of
    distinct halves by changing sides does so.  Any answer is right; a good one is small.  The sample, a row
    of fields per state, should be consecutive: in states far apart, few parts repeat.
    """
    fields = _groups(model)
    hashes = _hashes(sample, fields)
    parts = [list(range(len(fields)))]
    for _ in range(HALVINGS):
        parts = [half for part in parts for half in _halves(part, hashes)]
    part_of = [0] * (len(model.layout.cells) + len(model.actors) + 1)
    for number, part in enumerate(parts):
        for group in part:
            for field in fields[group]:
                part_of[field] = number
    return part_of


def merge_smallest(part_of: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """One part less: the two that take the fewest values become one.

    >>> merge_smallest([0, 1, 2, 1], [7, 100, 5])
    [0, 1, 0, 1]
    """
    gone, kept = sorted(sorted(range(len(sizes)), key=lambda part: sizes[part])[:2], reverse=True)
    return [kept if part == gone else part - (part > gone) for part in part_of]


def fields_of(packing: Packing, words: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """A row of fields for each row of words."""
    found = np.empty((len(words), len(packing.places)), np.uint16)
    for field, place in enumerate(packing.places):
        found[:, field] = (words[:, place.word] >> np.uint64(place.shift)) & np.uint64(place.mask)
    return found


def _groups(model: Model) -> list[list[int]]:
    """The fields of each record and its actors, then each other frame, then the crash number."""
    records: dict[int, list[int]] = {}
    for cell in model.layout.cells:
        records.setdefault(id(cell.record), []).append(cell.index)
    first, others = len(model.layout.cells), list[list[int]]()
    for number, actor in enumerate(model.actors):
        if id(actor.of) in records:
            records[id(actor.of)].append(first + number)
        else:
            others.append([first + number])
    return [*records.values(), *others, [first + len(model.actors)]]


def _hashes(sample: NDArray[np.uint16], groups: list[list[int]]) -> NDArray[np.uint64]:
    """One random-looking number per group and state."""
    random = np.random.default_rng(1)
    weights = random.integers(1, 1 << 63, sample.shape[1], np.uint64)
    found = []
    for group in groups:
        mixed = (sample[:, group].astype(np.uint64) * weights[group]).sum(axis=1, dtype=np.uint64)
        mixed ^= mixed >> np.uint64(29)
        found.append(mixed * random.integers(1, 1 << 63, dtype=np.uint64))
    return np.array(found)


def _halves(part: list[int], hashes: NDArray[np.uint64]) -> list[list[int]]:
    """A part cut in two; a part of one group stays as it is."""
    if len(part) < 2:
        return [part]
    own = hashes[part]
    side = np.arange(len(part)) > _best_cut(own)
    left, right = own[~side].sum(axis=0), own[side].sum(axis=0)
    best = _distinct(left) + _distinct(right)
    varying = [group for group in range(len(part)) if own[group].min() != own[group].max()]
    for _ in range(ROUNDS):
        before = best
        for group in varying:
            change = own[group] if side[group] else -own[group]
            cost = _distinct(left + change) + _distinct(right - change)
            if cost < best:
                best, side[group], left, right = cost, not side[group], left + change, right - change
        if best == before:
            break
    if side.all() or not side.any():
        side[0] = not side[0]
    return [
        [group for group, right in zip(part, side, strict=True) if right == half] for half in (False, True)
    ]


def _best_cut(hashes: NDArray[np.uint64]) -> int:
    """After which group a cut leaves the fewest distinct halves."""
    before, whole = np.cumsum(hashes, axis=0, dtype=np.uint64), hashes.sum(axis=0, dtype=np.uint64)
    costs = [_distinct(before[cut]) + _distinct(whole - before[cut]) for cut in range(len(hashes) - 1)]
    return int(np.argmin(costs))


def _distinct(hashes: NDArray[np.uint64]) -> float:
    """How many different numbers, estimated by how many places of a bitmap they leave empty."""
    bits = max(10, len(hashes).bit_length() + 2)
    seen = np.zeros(1 << bits, np.bool_)
    seen[hashes >> np.uint64(64 - bits)] = True
    return -float(np.log1p(-min(seen.mean(), 0.999)))
