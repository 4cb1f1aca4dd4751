# SPDX-License-Identifier: MIT
"""A layout as the viewer reads it: kinds of records, their fields, and in which column each kind stands."""

from __future__ import annotations

import inspect
from typing import Any

from cowpath.explore.record.cells import Choice, Contents, Count, Field, Flag, Layout, Pointer, Record

Kind = type[Record]


def picture(layout: Layout) -> dict[str, Any]:
    """Everything that stays the same along a path."""
    kinds = [kind for kind, records in layout.records.items() if records]
    places = columns(kinds)
    return {
        "kinds": [describe_kind(layout, kind, places[kind]) for kind in kinds],
        "records": [
            {"kind": number, "name": repr(record), "at": first_cell(record)}
            for number, kind in enumerate(kinds)
            for record in layout.records[kind]
        ],
        "values": list(layout.values),
    }


def first_cell(record: Record) -> int:
    """The first cell of a record; its cells stand in a row."""
    return min(record.cell_of.values(), default=0)


def describe_kind(layout: Layout, kind: Kind, column: int) -> dict[str, Any]:
    """A kind with its fields; the first line of its docstring tells what it is."""
    doc = (inspect.getdoc(kind) or kind.__name__).splitlines()[0]
    there = layout.records[kind][0].cell_of  # a test does without the fields of features it does not use
    fields = [describe_field(layout, field) for name, field in kind.fields().items() if name in there]
    return {"name": kind.__name__, "doc": doc, "column": column, "fields": fields}


def describe_field(layout: Layout, field: Field[Any]) -> dict[str, Any]:
    """A field: what it is called, what it means, how its cells read."""
    found: dict[str, Any] = {"name": field.name, "meaning": field.meaning, "type": type_of(field)}
    if field.quiet:
        found["quiet"] = True
    if isinstance(field, Choice):
        found["names"] = list(field.names)
    if isinstance(field, Pointer):
        found["target"] = field.kind
    if isinstance(field, Contents):
        found["length"] = field.length(layout)
    return found


def type_of(field: Field[Any]) -> str:
    """The name under which a viewer knows a field's type; a type that it does not know is a number."""
    known = {Flag: "flag", Count: "count", Choice: "choice", Pointer: "pointer", Contents: "contents"}
    return next((name for kind, name in known.items() if isinstance(field, kind)), "count")


def columns(kinds: list[Kind]) -> dict[Kind, int]:
    """In which column each kind stands, so that most arrows lead to the right.

    What only points stands first, what is pointed at stands to the right of what points at it; a pointer to a
    kind declared earlier leads back and does not count.  A kind without pointers stands with the one declared
    before it.
    """
    by_name = {kind.__name__: number for number, kind in enumerate(kinds)}
    arrows = [
        (source, by_name[field.kind])
        for source, kind in enumerate(kinds)
        for field in kind.fields().values()
        if isinstance(field, Pointer) and not field.quiet and field.kind in by_name
    ]
    targets = {target for _, target in arrows}
    found: dict[int, int] = {source: 0 for source, _ in arrows if source not in targets}
    for number in range(len(kinds)):
        if number in targets:
            before = [found[s] for s, t in arrows if t == number and s in found and (s < t or found[s] == 0)]
            found[number] = 1 + max(before, default=-1)
        elif number not in found:
            found[number] = found.get(number - 1, 0)
    return {kind: found[number] for number, kind in enumerate(kinds)}
