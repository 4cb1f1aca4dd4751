# SPDX-License-Identifier: MIT
"""`cowpath trace --raw-ptes`: beside each pte the bits that a kernel of this architecture writes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cowpath.explore.record.cells import Record, kind_of
from cowpath.explore.trace import Change, Step
from cowpath.judge.result import Result
from cowpath.linux import raw_ptes


def with_raw_ptes(result: Result, steps: Sequence[Step]) -> list[Step]:
    """The same path; each pte that changes is shown with its bits, before and after.

    A present pte has none here: they need a page frame number, which the model does not have.
    """
    return [
        dataclasses.replace(step, changes=tuple(_with_bits(result, step, change) for change in step.changes))
        for step in steps
    ]


def _with_bits(result: Result, step: Step, change: Change) -> Change:
    if kind_of(change.record) != "Pte":
        return change
    before, after = (_bits(result, change.record, state) for state in (step.source, step.target))
    return dataclasses.replace(change, before=f"{change.before}{before}", after=f"{change.after}{after}")


def _bits(result: Result, pte: Record, state: bytes) -> str:
    bits = raw_ptes(pte.layout, state, result.version).get(repr(pte))
    return f" [{bits}]" if bits is not None else ""
