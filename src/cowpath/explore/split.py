# SPDX-License-Identifier: MIT
"""Which cells belong together, so that each of the two parts of a state takes few values (needs NumPy)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.recorder import FRAME_BYTES, Model

ROUNDS = 3


def choose_parts(model: Model, sample: Sequence[bytes]) -> list[int]:
    """The part of each field (see packing.py), chosen on states seen so far.

    Cells of one record and frames stay whole.  The best cut in their natural order comes first; then whatever
    lowers the number of distinct parts by changing sides does so.  Any answer is right; a good one is small.
    """
    groups = _groups(model)
    hashes = _hashes(sample, [columns for _, columns in groups])
    side = _best_cut(hashes)
    best = _cost(hashes, side)
    for _ in range(ROUNDS):
        before = best
        for group in range(len(groups)):
            side[group] = not side[group]
            cost = _cost(hashes, side) if 0 < sum(side) < len(side) else best + 1
            if cost < best:
                best = cost
            else:
                side[group] = not side[group]
        if best == before:
            break
    part_of = [0] * (len(model.layout.cells) + len(model.actors) + 1)
    for (fields, _), right in zip(groups, side, strict=True):
        for field in fields:
            part_of[field] = int(right)
    return part_of


def _groups(model: Model) -> list[tuple[list[int], list[int]]]:
    """(fields, columns of a state) for each record with cells, each frame, and the crash number."""
    records: dict[int, list[int]] = {}
    for cell in model.layout.cells:
        records.setdefault(id(cell.record), []).append(cell.index)
    groups = [(cells, cells) for cells in records.values()]
    first = len(model.layout.cells)
    for actor in range(len(model.actors)):
        at = first + FRAME_BYTES * actor
        groups.append(([first + actor], [at, at + 1]))
    groups.append(([first + len(model.actors)], [first + FRAME_BYTES * len(model.actors)]))
    return groups


def _hashes(sample: Sequence[bytes], columns: list[list[int]]) -> NDArray[np.uint64]:
    """One random-looking number per group and state."""
    states = np.frombuffer(b"".join(sample), np.uint8).reshape(len(sample), -1).astype(np.uint64)
    random = np.random.default_rng(1)
    weights = random.integers(1, 1 << 63, states.shape[1], np.uint64)
    found = []
    for group in columns:
        mixed = (states[:, group] * weights[group]).sum(axis=1, dtype=np.uint64)
        mixed ^= mixed >> np.uint64(29)
        found.append(mixed * random.integers(1, 1 << 63, dtype=np.uint64))
    return np.array(found)


def _distinct(hashes: NDArray[np.uint64]) -> int:
    return len(np.unique(hashes.sum(axis=0, dtype=np.uint64))) if len(hashes) else 1


def _cost(hashes: NDArray[np.uint64], side: Sequence[bool]) -> int:
    right = np.array(side)
    return _distinct(hashes[right]) + _distinct(hashes[~right])


def _best_cut(hashes: NDArray[np.uint64]) -> list[bool]:
    groups = len(hashes)
    sides = [[group >= cut for group in range(groups)] for cut in range(1, groups)]
    return min(sides, key=lambda side: _cost(hashes, side))
