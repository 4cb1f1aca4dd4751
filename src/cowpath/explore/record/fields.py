# SPDX-License-Identifier: MIT
"""The fields of a state: its cells, then a frame number for each actor, then the crash number."""

from __future__ import annotations

from cowpath.explore.record.recorder import FRAME_BYTES, Leaf, Model


def written(model: Model, leaf: Leaf) -> dict[int, int]:
    """Return what a leaf writes, by field: the two bytes of a frame number are one value."""
    cells, actors = len(model.layout.cells), len(model.actors)
    found: dict[int, int] = {}
    for offset, value in leaf.writes:
        actor, byte = divmod(offset - cells, FRAME_BYTES)
        if actor < 0:
            found[offset] = value
        elif actor == actors:
            found[cells + actors] = value
        else:
            found[cells + actor] = found.get(cells + actor, 0) | value << 8 * byte
    return found
