# SPDX-License-Identifier: MIT
"""What steps changed, in words: ptes, the swap cache, references, contents; counters and flags go without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cowpath.explore.record.cells import Layout, Pointer, Record, kind_of
from cowpath.explore.trace import Change
from cowpath.litmus.program import DISCARDED
from cowpath.litmus.values import string_text, value_text

ACCESS = {"rw": "read-write", "ro": "read-only"}
CACHE = "swap cache"


def facts(changes: Sequence[Change]) -> list[str]:
    """One phrase for each thing that a reader of `mm/` would mention, in order."""
    return [phrase for name in dict.fromkeys(map(subject, changes)) for phrase in told(changes, name)]


def subject(change: Change) -> tuple[Record, str]:
    """What belongs into one phrase: the places of a page, the two ends of the swap cache, else one field."""
    field = change.name.rpartition(".")[2]
    if kind_of(change.record) == "Slot" and field == "folio":
        return change.record, CACHE
    if is_content(change):
        return change.record, "content"
    return change.record, field


def told(changes: Sequence[Change], about: tuple[Record, str]) -> Iterator[str]:
    """The phrase about one subject; none for counters and flags."""
    record, field = about
    mine = [change for change in changes if subject(change) == about]
    before, after = mine[0].before, mine[-1].after
    if field == "content":
        yield f"{record!r} is freed" if is_freed(record, changes) else content_words(record, mine)
    elif kind_of(record) == "Pte" and mine[0].name == repr(record):
        yield pte_words(repr(record), before, after)
    elif field == CACHE:
        enters = f"{after} enters the swap cache ({record!r})"
        yield enters if after != "none" else f"{before} leaves the swap cache ({record!r})"
    elif kind_of(record) == "Reference" and field == "folio":
        yield f"{record!r} refers to {after}" if after != "none" else f"{record!r} is given back"
    elif kind_of(record) == "Folio" and field == "entry" and any(subject(c)[1] == CACHE for c in changes):
        return  # the slot's end of it is told
    elif not (before.isdigit() and after.isdigit()):
        yield f"{mine[0].name} changes from {before} to {after}"


def is_freed(record: Record, changes: Sequence[Change]) -> bool:
    """Whether a page loses its last reference; the model forgets the content of free pages."""
    return any(
        change.record is record and change.name == f"{record!r}.refcount" and change.after == "0"
        for change in changes
    )


def content_words(record: Record, changes: Sequence[Change]) -> str:
    """What is in a page, a slot or a register now."""
    values = [change.after for change in changes]
    if kind_of(record) == "Register":
        return f"{record!r} is {value_text(values[0])}"
    if all(value == DISCARDED for value in values):
        return f"the content of {record!r} is discarded"
    if len(values) == 1:
        return f"{changes[0].name} becomes {value_text(values[0])}"
    return f"{record!r} gets the content {string_text(tuple(values))}"


def pte_words(name: str, before: str, after: str) -> str:
    """What became of a page-table entry, from its two descriptions.

    >>> pte_words("P0.x", "folio0 rw dirty", "swap slot0 exclusive")
    'P0.x becomes the swap pte of slot0, marked exclusive'
    >>> pte_words("P0.x", "swap slot0", "folio0 ro"), pte_words("P0.x", "folio0 rw", "folio0 ro")
    ('P0.x maps folio0 read-only', 'P0.x becomes read-only')
    """
    old, new = Described.read(before), Described.read(after)
    parts = [mapping_words(old, new)]
    if new.kind != "none":
        parts += [words[flag in new.flags] for flag, words in TOLD.items() if flag in old.flags ^ new.flags]
    return f"{name} {listing([part for part in parts if part] or ['changes'])}"


class Described(NamedTuple):
    """What a page-table entry is described as (Pte.describe), taken apart."""

    kind: str  # "none", "present", "swap" or "migration"
    target: str = ""
    access: str = ""  # present: "rw" or "ro"; migration: its kind
    flags: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> Described:
        """The parts of a description.

        >>> Described.read("migration write folio0").target
        'folio0'
        """
        match text.split():
            case ["swap", target, *flags]:
                return cls("swap", target, "", frozenset(flags))
            case ["migration", access, target, *flags]:
                return cls("migration", target, access, frozenset(flags))
            case [target, ("rw" | "ro") as access, *flags]:
                return cls("present", target, access, frozenset(flags))
        return cls("none")


TOLD = {
    "soft-dirty": ("is not soft-dirty any more", "becomes soft-dirty"),
    "uffd-wp": ("is not write-protected by userfaultfd any more", "is write-protected by userfaultfd"),
    "protnone": ("is accessible again", "becomes inaccessible"),
}
"""What is said where a flag has gone, and where it has come."""


def mapping_words(old: Described, new: Described) -> str:
    """Where an entry leads to now, or how it may be used; empty if neither has changed."""
    same = (old.kind, old.target) == (new.kind, new.target)
    if new.kind == "present":
        if not same:
            return f"maps {new.target} {ACCESS[new.access]}"
        if old.access != new.access:
            return f"becomes {ACCESS[new.access]}"
        changed = "dirty" in old.flags ^ new.flags
        return "" if not changed else "becomes dirty" if "dirty" in new.flags else "becomes clean"
    if new.kind == "migration":
        return "" if same else f"becomes the migration entry of {new.target}"
    if new.kind == "none":
        return "becomes empty"
    if same:
        return "loses the exclusive marker" if "exclusive" in old.flags - new.flags else ""
    marked = ", marked exclusive" if "exclusive" in new.flags else ""
    return f"becomes the swap pte of {new.target}{marked}"


def listing(parts: Sequence[str]) -> str:
    """Parts of a sentence.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


# -- who can see it --------------------------------------------------------------------------------


def reach(layout: Layout, changes: Sequence[Change], state: bytes) -> str:
    """Who leads to a page that was written to: "only g leads to folio0".

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


def is_content(change: Change) -> bool:
    """Whether a change is one of what is in a page, a slot or a register."""
    return kind_of(change.record) == "Register" or change.name.startswith(f"{change.record!r}[")
