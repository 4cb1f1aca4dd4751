# SPDX-License-Identifier: MIT
"""The loops of the native engine, compiled by Numba once and cached on disk.

They know words, entries and leaves (see flat.py) and parts, roots and tables (see store.py), nothing else.
"""

from cowpath.explore.compiled.expand import EVENT_FRAME, EVENT_OUTCOME, EVENT_STEP, MOST, expand
from cowpath.explore.compiled.judge import judge
from cowpath.explore.compiled.parts import find_part, hash_part, number_part, refill_part, settle
from cowpath.explore.compiled.paths import escape, find_parents, sweep
from cowpath.explore.compiled.renumber import renumber
from cowpath.explore.compiled.table import insert, lookup, number_states, refill
from cowpath.explore.compiled.trees import flags_of

__all__ = [
    "EVENT_FRAME",
    "EVENT_OUTCOME",
    "EVENT_STEP",
    "MOST",
    "escape",
    "expand",
    "find_parents",
    "find_part",
    "flags_of",
    "hash_part",
    "insert",
    "judge",
    "lookup",
    "number_part",
    "number_states",
    "refill",
    "refill_part",
    "renumber",
    "settle",
    "sweep",
]
