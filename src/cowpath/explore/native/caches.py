# SPDX-License-Identifier: MIT
"""What is remembered from one state to the next; all of it may be forgotten (needs NumPy and Numba)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.native import compiled
from cowpath.explore.native.compiled.expand import BLOCK
from cowpath.explore.native.forest import Words
from cowpath.explore.native.packing import Packing

ENTRIES = 1 << 15


class Caches(NamedTuple):
    """What compiled code gets.

    Nine times in ten an actor takes the same step as when a state was last met in which it stood in this
    frame: the leaf found then is tried first.  It is right where all fields that led to it are as they were.
    """

    parts: Words  # what ops make of a part: (where the ops start, never 0; number before), number after
    renamed: Words  # what renaming makes of a state: root before, root after
    leaves: NDArray[np.int32]  # per frame of any actor: where the last walk ended, if at a leaf
    masks: Words  # the fields that it has read
    values: Words  # and what was in them


def empty_caches(packing: Packing, frames: int) -> Caches:
    """Nothing is known yet.  `frames` is the size of the table of all frames."""
    words = -(-packing.words // BLOCK) * BLOCK
    return Caches(
        np.zeros((ENTRIES, 2), np.uint64),
        np.full((ENTRIES, 2), compiled.UNKNOWN),
        np.zeros(frames, np.int32),
        np.zeros((frames, words), np.uint64),
        np.zeros((frames, words), np.uint64),
    )
