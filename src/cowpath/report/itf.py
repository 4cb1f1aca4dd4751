# SPDX-License-Identifier: MIT
"""`--format itf`: a path as an ITF trace, the JSON that Apalache's and Quint's viewers read.

One variable per kind of record, a map from the record's name to its fields; `step` tells what led to a state.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cowpath.explore.record.cells import Contents, Count, Flag, Layout, Pointer, Record
from cowpath.explore.trace import PathStep
from cowpath.judge.result import Result
from cowpath.report.trace import heading

DESCRIPTION = "https://apalache-mc.org/docs/adr/015adr-trace.html"
START = {"actor": "", "statement": "", "function": ""}


def document(result: Result, steps: Sequence[PathStep]) -> str:
    """The trace as one JSON object."""
    layout = result.exploration.model.layout
    kinds = [kind for kind, records in layout.records.items() if records]
    states = [result.exploration.states[0], *(step.target for step in steps)]
    said = [START, *(dict(zip(START, heading(result, step), strict=True)) for step in steps)]
    trace = {
        "#meta": {
            "format": "ITF",
            "format-description": DESCRIPTION,
            "description": f"{result.program.name} on {result.version}, by cowpath",
        },
        "params": [],
        "vars": ["step", *(variable(kind) for kind in kinds)],
        "states": [
            {"#meta": {"index": index}, "step": told}
            | {variable(k): records(layout, k, state) for k in kinds}
            for index, (state, told) in enumerate(zip(states, said, strict=True))
        ],
    }
    return json.dumps(trace, indent=1) + "\n"


def variable(kind: type[Record]) -> str:
    """The name of the variable for a kind of record: "folio", "swapdevice"."""
    return kind.__name__.lower()


def records(layout: Layout, kind: type[Record], state: bytes) -> dict[str, Any]:
    """Every record of a kind as an ITF map from its name to its fields."""
    return {"#map": [[repr(one), fields(layout, one, state)] for one in layout.records[kind]]}


def fields(layout: Layout, record: Record, state: bytes) -> dict[str, Any]:
    """The fields of one record; numbers as ITF writes them."""
    found: dict[str, Any] = {}
    for name, field in record.fields().items():
        if name not in record.cell_of:  # this test does without it
            continue
        first = record.cell_of[name]
        cells = layout.cells[first : first + field.length(layout)]
        if isinstance(field, Flag):
            found[name] = bool(state[first])
        elif isinstance(field, Count):
            found[name] = {"#bigint": str(state[first])}
        elif isinstance(field, Contents):
            found[name] = {"#tup": [cell.values[state[cell.index]] for cell in cells]}
        elif isinstance(field, Pointer):
            found[name] = repr(cells[0].values[state[first]]) if state[first] else ""
        else:
            found[name] = cells[0].values[state[first]]
    return found
