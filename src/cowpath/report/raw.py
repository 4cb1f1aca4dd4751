# SPDX-License-Identifier: MIT
"""`cowpath trace --raw-ptes`: beside each pte the bits that a kernel of this architecture writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cowpath.explore.trace import PathStep
from cowpath.judge.result import Result
from cowpath.linux import raw_ptes
from cowpath.report.words import Words, value_words


def raw_words(result: Result, steps: Sequence[PathStep]) -> Words:
    """Shows the values of a path so that each empty pte and each swap pte has its bits behind it.

    A present pte or a migration entry has none here: they hold a page frame number, which the model does not
    have.
    """
    bits = {}
    for step in steps:
        for state in (step.source, step.target):
            raw = raw_ptes(result.exploration.model.layout, state, result.version)
            for record in {change.record for change in step.changes if repr(change.record) in raw}:
                bits[frozenset(record.fields_in(state).items())] = raw[repr(record)]

    def words(value: object) -> str:
        shown = value_words(value)
        found = bits.get(frozenset(value.items())) if isinstance(value, Mapping) else None
        return shown if found is None else f"{shown} [{found}]"

    return words
