# SPDX-License-Identifier: MIT
"""The loops of the native engine, compiled by Numba once and cached on disk.

They know words, entries and leaves (see flat.py) and parts, roots and tables (see store.py), nothing else.
"""

from cowpath.explore.native.compiled.expand import (
    CANDIDATES,
    ENTERED,
    EVENT_FRAME,
    EVENT_OUTCOME,
    EVENT_STEP,
    EVENTS,
    MOST,
    NO_ROOM,
    expand,
)
from cowpath.explore.native.compiled.jit import CHUNK, kept
from cowpath.explore.native.compiled.parts import (
    UNKNOWN,
    convert,
    find_root,
    move_numbers,
    number_root,
    refill_part,
    renew_flags,
)
from cowpath.explore.native.compiled.paths import escape, find_parents, successors, sweep
from cowpath.explore.native.compiled.renumber import renumber
from cowpath.explore.native.compiled.table import enter, lookup, refill

__all__ = [
    "CANDIDATES",
    "CHUNK",
    "ENTERED",
    "EVENTS",
    "EVENT_FRAME",
    "EVENT_OUTCOME",
    "EVENT_STEP",
    "MOST",
    "NO_ROOM",
    "UNKNOWN",
    "convert",
    "enter",
    "escape",
    "expand",
    "find_parents",
    "find_root",
    "kept",
    "lookup",
    "move_numbers",
    "number_root",
    "refill",
    "refill_part",
    "renew_flags",
    "renumber",
    "successors",
    "sweep",
]
