# SPDX-License-Identifier: MIT
"""What a test uses beside faults, fork, GUP and swap.

A cell (of `linux/state.py`, of `promise/state.py`) that names a feature exists only in tests that use it,
and so does a `yield` inside a section that only such a test can look into: who does not use it does not pay
for it.
"""

from __future__ import annotations

from cowpath.litmus import ast
from cowpath.litmus.program import Program


def features(program: Program) -> frozenset[str]:
    """The features that a test needs."""
    statements = [statement for thread in program.threads for statement in thread.body]
    found = {feature for statement in statements if (feature := _of(statement))}
    if "tlb" in program.options:
        found.add("tlb")
    if "numa" in found:
        found.add("migration")  # to where the accesses come from
    if "zswap" in program.swap:
        found.add("zswap")
    return frozenset(found | {_BACKGROUND.get(actor.kind, "") for actor in program.background} - {""})


_BACKGROUND = {"ksmd": "ksm", "migrated": "migration"}


def _of(statement: ast.Statement) -> str:
    match statement:
        case ast.Madvise(advice="MADV_FREE"):
            return "lazyfree"
        case ast.KsmMerge() | ast.Madvise(advice="MADV_MERGEABLE"):
            return "ksm"
        case ast.Migrate():
            return "migration"
        case ast.UserfaultfdMove():
            return "move"
        case ast.GetUserPage(fast=True):
            return "gup_fast"
        case ast.Swapoff():
            return "swapoff"
        case ast.ClearRefs() | ast.SoftDirty():
            return "soft_dirty"
        case ast.UserfaultfdWp() | ast.UserfaultfdRead():
            return "uffd_wp"
        case ast.NumaHint():
            return "numa"
    return ""
