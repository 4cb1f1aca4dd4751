# SPDX-License-Identifier: MIT
"""Phrases for what steps changed: ptes, the swap cache, references, contents.

Counters and flags have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cowpath.explore.record.cells import Layout, Pointer, Record, kind_of
from cowpath.explore.trace import CellChange
from cowpath.litmus.program import DISCARDED
from cowpath.litmus.values import string_text, value_text
from cowpath.report.words import value_words

Fields = Mapping[str, object]
"""A page-table entry: its fields by name."""

CACHE = "swap cache"


def facts(changes: Sequence[CellChange]) -> list[str]:
    """Phrases for the changes that a reader of `mm/` would mention, in order."""
    return [phrase for name in dict.fromkeys(map(subject, changes)) for phrase in told(changes, name)]


def subject(change: CellChange) -> tuple[Record, str]:
    """Names what shares a phrase: the places of a page, both ends of the swap cache, else a single field."""
    field = change.name.rpartition(".")[2]
    if kind_of(change.record) == "Slot" and field == "folio":
        return change.record, CACHE
    if is_content(change):
        return change.record, "content"
    return change.record, field


def told(changes: Sequence[CellChange], about: tuple[Record, str]) -> Iterator[str]:
    """The phrase about one subject; none for counters and flags."""
    record, field = about
    mine = [change for change in changes if subject(change) == about]
    before, after = mine[0].before, mine[-1].after
    if field == "content":
        yield f"{record!r} is freed" if is_freed(record, changes) else content_words(record, mine)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        yield f"{record!r} {pte_change(before, after)}"
    elif field == CACHE:
        enters = f"{after} enters the swap cache ({record!r})"
        yield enters if after is not None else f"{before} leaves the swap cache ({record!r})"
    elif kind_of(record) == "Reference" and field == "folio":
        yield f"{record!r} refers to {after}" if after is not None else f"{record!r} is given back"
    elif kind_of(record) == "Folio" and field == "entry" and any(subject(c)[1] == CACHE for c in changes):
        return  # the slot's end of it is told
    elif not (isinstance(before, int) and isinstance(after, int)):
        yield f"{mine[0].name} changes from {value_words(before)} to {value_words(after)}"


def is_freed(record: Record, changes: Sequence[CellChange]) -> bool:
    """True if a page loses its last reference; the model forgets the content of free pages."""
    return any(
        change.record is record and change.name == f"{record!r}.refcount" and change.after == 0
        for change in changes
    )


def content_words(record: Record, changes: Sequence[CellChange]) -> str:
    """Says what a page, a slot or a register contains now."""
    values = [str(change.after) for change in changes]
    if kind_of(record) == "Register":
        return f"{record!r} is {value_text(values[0])}"
    if all(value == DISCARDED for value in values):
        return f"the content of {record!r} is discarded"
    if len(values) == 1:
        return f"{changes[0].name} becomes {value_text(values[0])}"
    return f"{record!r} gets the content {string_text(tuple(values))}"


def pte_change(old: Fields, new: Fields) -> str:
    """Says how a page-table entry has changed.

    >>> mapped = {"kind": "present", "folio": "folio0", "write": True}
    >>> pte_change(mapped, {"kind": "swap", "slot": "slot0", "exclusive": True})
    'becomes the swap pte of slot0, marked exclusive'
    >>> pte_change({"kind": "none"}, mapped), pte_change(mapped, mapped | {"write": False})
    ('maps folio0 read-write', 'becomes read-only')
    """
    parts = [mapping_words(old, new)]
    if new["kind"] != "none":
        parts += [words[bool(new.get(flag))] for flag, words in TOLD.items() if differ(old, new, flag)]
    return listing([part for part in parts if part] or ["changes"])


def differ(old: Fields, new: Fields, field: str) -> bool:
    """True if a field of an entry is not what it was; one that is left out counts as not set."""
    return (old.get(field) or False) != (new.get(field) or False)


TOLD = {
    "soft_dirty": ("is not soft-dirty any more", "becomes soft-dirty"),
    "uffd_wp": ("is not write-protected by userfaultfd any more", "is write-protected by userfaultfd"),
    "protnone": ("is accessible again", "becomes inaccessible"),
}
"""What is said where a flag has gone, and where it has come."""


TARGETS = {"present": "folio", "swap": "slot", "migration": "migrating"}
"""The field that says where an entry of each kind leads."""


def mapping_words(old: Fields, new: Fields) -> str:
    """Says where an entry leads now, or how it may be used; empty if neither has changed."""
    kind = str(new["kind"])
    if kind == "none":
        return "becomes empty"
    target = new[TARGETS[kind]]
    same = old["kind"] == kind and old[TARGETS[kind]] == target
    if kind == "present":
        access = "read-write" if new["write"] else "read-only"
        if not same:
            return f"maps {target} {access}"
        if differ(old, new, "write"):
            return f"becomes {access}"
        return "" if not differ(old, new, "dirty") else "becomes dirty" if new["dirty"] else "becomes clean"
    if kind == "migration":
        return "" if same else f"becomes the migration entry of {target}"
    if same:
        return "loses the exclusive marker" if old.get("exclusive") and not new.get("exclusive") else ""
    return f"becomes the swap pte of {target}" + ", marked exclusive" * bool(new.get("exclusive"))


def listing(parts: Sequence[str]) -> str:
    """Parts of a sentence.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


# -- who can see it --------------------------------------------------------------------------------


def reach(layout: Layout, changes: Sequence[CellChange], state: bytes) -> str:
    """Names everything that leads to a page that was written to: "only g leads to folio0".

    Empty if anything else a reader sees has changed; `state` is the one afterwards.
    """
    shown = [change for change in changes if not change.quiet]
    records = list(dict.fromkeys(change.record for change in shown))
    if len(records) != 1 or not all(map(is_content, shown)) or kind_of(records[0]) == "Register":
        return ""
    leading = [repr(other) for other in pointing_at(layout, records[0], state)]
    if len(leading) == 1:
        return f"only {leading[0]} leads to {records[0]!r}"
    return f"{listing(leading)} lead to {records[0]!r}" if leading else f"nothing leads to {records[0]!r}"


def pointing_at(layout: Layout, record: Record, state: bytes) -> Iterator[Record]:
    """The records with a pointer to this one that a reader sees."""
    for kind, others in layout.records.items():
        for name, field in kind.fields().items():
            if isinstance(field, Pointer) and not field.quiet and field.kind == type(record).__name__:
                for other in others:
                    if name in other.cell_of and state[other.cell_of[name]] == record.number + 1:
                        yield other


def is_content(change: CellChange) -> bool:
    """True if a change is one of what is in a page, a slot or a register."""
    return kind_of(change.record) == "Register" or change.name.startswith(f"{change.record!r}[")
