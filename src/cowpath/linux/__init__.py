# SPDX-License-Identifier: MIT
"""An executable mirror of what Linux does with private anonymous memory; docs/model.md is its map.

Whoever uses the tree from outside needs three names: `build` makes the model of a test on a kernel, `title`
says what an invariant is called, and `raw_ptes` shows the page-table entries of a state as bits.  All imports
within the tree are relative, so that a copy of this directory with a rule changed is a tree of its own, which
can be loaded beside this one and judged by: see cowpath/judge/tree.py.
"""

from .invariants import title
from .model import build, raw_ptes

__all__ = ["build", "raw_ptes", "title"]
