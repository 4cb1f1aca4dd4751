# SPDX-License-Identifier: MIT
"""The features of a test: the mechanisms that it uses beside faults, fork, GUP and swap.

A cell (of `linux/state.py`, of `promise/state.py`) that names a feature exists only in tests that use it,
and so does a `yield` inside a section that only such a test can look into: who does not use it does not pay
for it.  Which statement, device, option or actor brings which feature stands in its row (statements.py,
initial.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from cowpath.litmus.ast import Statement
from cowpath.litmus.initial import BACKGROUND, OPTIONS, SWAP_DEVICES
from cowpath.litmus.program import Program

IMPLIED = {
    "wp_async": "uffd_wp",  # whose bit in the ptes it uses
    "swapoff": "poison",  # in place of what it cannot read
    "numa": "migration",  # to where the accesses come from
    "move": "occupied",  # nothing is moved to where there is a page
}
"""Features that bring another one."""


def features(program: Program) -> frozenset[str]:
    """Return the features that a test needs.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> sorted(features(program_from_text("C t { char x[1]; } P0(char *x) { numa_hint(x); }")))
    ['migration', 'numa']
    """
    found = {feature for thread in program.threads for s in thread.statements for feature in _of(s)}
    found |= {SWAP_DEVICES[device].feature for device in program.swap}
    found |= {OPTIONS[option].feature for option in program.options}
    found |= {BACKGROUND[actor.kind].feature for actor in program.background}
    if program.blocks:
        found.add("large")
    if len(program.parents) > 1 and any(page.content is None for page in program.pages):
        found.add("untouched")  # which fork tells from others
    found |= {IMPLIED.get(feature, "") for feature in found}
    return frozenset(found - {""})


def _of(statement: Statement) -> Iterator[str]:
    """Yield the features of one statement: that of its row, and those of the words in it."""
    form = statement.form
    yield form.feature
    for operand in form.operands:
        if operand.features:
            yield operand.features.get(getattr(statement, operand.field), "")
