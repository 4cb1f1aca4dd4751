# SPDX-License-Identifier: MIT
"""Which cells belong together, so that each of the two parts of a state takes few values (needs NumPy)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.packing import Packing
from cowpath.explore.recorder import Model

ROUNDS = 3
BITS = 20


def choose_parts(model: Model, sample: NDArray[np.uint16], start: Sequence[int] = ()) -> list[int]:
    """The part of each field (see packing.py), chosen on states seen so far.

    Cells of one record and frames stay whole.  A cut in their natural order comes first (or `start`); then
    whatever lowers the number of distinct parts by changing sides does so.  Any answer is right; a good one
    is small.  The sample, a row of fields per state, should be consecutive: in states far apart, few parts
    repeat.
    """
    groups = _groups(model)
    hashes = _hashes(sample, groups)
    side = [bool(start[fields[0]]) for fields in groups] if start else _best_cut(hashes)
    sums = [hashes[~np.array(side)].sum(axis=0), hashes[np.array(side)].sum(axis=0)]
    best = _distinct(sums[0]) + _distinct(sums[1])
    varying = [group for group in range(len(groups)) if hashes[group].min() != hashes[group].max()]
    for _ in range(ROUNDS):
        before = best
        for group in varying:
            change = hashes[group] if side[group] else -hashes[group]
            cost = _distinct(sums[0] + change) + _distinct(sums[1] - change)
            if cost < best:
                best, side[group] = cost, not side[group]
                sums = [sums[0] + change, sums[1] - change]
        if best == before:
            break
    if all(side) or not any(side):
        side[0] = not side[0]
    part_of = [0] * (len(model.layout.cells) + len(model.actors) + 1)
    for fields, right in zip(groups, side, strict=True):
        for field in fields:
            part_of[field] = int(right)
    return part_of


def fields_of(packing: Packing, words: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """A row of fields for each row of words."""
    found = np.empty((len(words), len(packing.places)), np.uint16)
    for field, place in enumerate(packing.places):
        found[:, field] = (words[:, place.word] >> np.uint64(place.shift)) & np.uint64(place.mask)
    return found


def _groups(model: Model) -> list[list[int]]:
    """The fields of each record, then each frame, then the crash number."""
    records: dict[int, list[int]] = {}
    for cell in model.layout.cells:
        records.setdefault(id(cell.record), []).append(cell.index)
    first = len(model.layout.cells)
    return list(records.values()) + [[first + other] for other in range(len(model.actors) + 1)]


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


def _distinct(hashes: NDArray[np.uint64]) -> float:
    """How many different numbers, estimated by how many places of a bitmap they leave empty."""
    seen = np.zeros(1 << BITS, np.bool_)
    seen[hashes >> np.uint64(64 - BITS)] = True
    return -float(np.log1p(-min(seen.mean(), 0.999)))


def _best_cut(hashes: NDArray[np.uint64]) -> list[bool]:
    groups = len(hashes)
    before, whole = np.cumsum(hashes, axis=0, dtype=np.uint64), hashes.sum(axis=0, dtype=np.uint64)
    costs = [_distinct(before[cut]) + _distinct(whole - before[cut]) for cut in range(groups - 1)]
    cut = int(np.argmin(costs))
    return [group > cut for group in range(groups)]
