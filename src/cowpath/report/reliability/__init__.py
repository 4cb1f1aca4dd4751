# SPDX-License-Identifier: MIT
"""The reliability table as text, Markdown, HTML and JSON."""

from __future__ import annotations

from dataclasses import dataclass

from cowpath.corpus.situations import ReferenceKind, Situation
from cowpath.history.eras import Column
from cowpath.survey.reliability import MEANING, Table, TableCell


def title(table: Table) -> str:
    """The title of a table, which says whether it is about large folios."""
    large = any(situation.large for situation in table.situations)
    kind = "large folios of private anonymous memory" if large else "private anonymous memory"
    return f"What a reference to {kind} can be relied upon for"


BRACKETS = (
    "In brackets: the kernel does not promise this (the note of 1493a1913e34: a FOLL_GET for writing across "
    "fork, a read-only FOLL_GET after its owner's own write). There, (lost) and (stale) are no bugs, and "
    "(reliable) holds on this kernel and need not on the next."
)

BACKING = (
    "Every cell is an exhaustive exploration of a small litmus test: the reference is taken, something "
    "happens to the page, the CPU writes, the device writes or reads."
)


LINKS = "A cell that is not reliable leads to its test and the shortest path that shows why."


@dataclass(frozen=True, slots=True)
class Shown:
    """A trace, and the columns of its row that share it because their paths are the same."""

    anchor: str
    kind: ReferenceKind
    situation: Situation
    columns: tuple[Column, ...]
    cell: TableCell

    @property
    def text(self) -> str:
        """The trace as text; empty where the cell has none."""
        return self.cell.trace.text if self.cell.trace else ""


def introduction(table: Table) -> str:
    """The sentences above a table that has links: where its cells come from, and where they lead."""
    return f"{BACKING} {LINKS}" if any(cell.trace for cell in table.cells.values()) else BACKING


def meanings(table: Table) -> dict[str, str]:
    """The verdicts that occur, with what they mean, mildest first."""
    occurring = {cell.verdict for cell in table.cells.values()}
    return {verdict: meaning for verdict, meaning in MEANING.items() if verdict in occurring}


def shown_traces(table: Table) -> list[Shown]:
    """The traces to print, in reading order, equal ones of a row once."""
    groups: dict[tuple[ReferenceKind, Situation, str], list[tuple[Column, TableCell]]] = {}
    for kind, situation, column, cell in table.bad():
        if cell.trace:
            groups.setdefault((kind, situation, cell.trace.path), []).append((column, cell))
    return [
        Shown(
            anchor(kind, situation, found[0][0]),
            kind,
            situation,
            tuple(column for column, _ in found),
            found[0][1],
        )
        for (kind, situation, _), found in groups.items()
    ]


def anchors(table: Table) -> dict[tuple[ReferenceKind, Situation, Column], str]:
    """The anchor of the trace that each bad cell leads to."""
    return {
        (shown.kind, shown.situation, column): shown.anchor
        for shown in shown_traces(table)
        for column in shown.columns
    }


def anchor(kind: ReferenceKind, situation: Situation, column: Column) -> str:
    """A name for a cell that works in a link.

    >>> from cowpath.history.version import version
    >>> from cowpath.corpus.situations import KINDS, SITUATIONS
    >>> anchor(KINDS[1], SITUATIONS[0], Column("5.9-5.17 arm", (version("5.9", "arm"),)))
    'get-write-plain-5-9-5-17-arm'
    """
    column_name = "".join(letter if letter.isalnum() else "-" for letter in column.title)
    return f"{kind.name}-{situation.name}-{column_name}"


def command(kind: ReferenceKind, situation: Situation, columns: tuple[Column, ...]) -> list[str]:
    """The command lines that show the traces of a row, one per architecture and set of changes by hand."""
    lines: dict[str, list[str]] = {}
    for column in columns:
        version = column.version
        rest = "" if version.architecture == "x86_64" else f" --arch {version.architecture}"
        rest += "".join(f" --with {change.name}" for change in version.added)
        rest += "".join(f" --without {change.name}" for change in version.dropped)
        lines.setdefault(rest, []).append(f"--kernel {version.release}")
    large = " --large" if situation.large else ""
    return [
        f"cowpath table --trace {kind.name}-{situation.name}{large} {' '.join(kernels)}{rest}"
        for rest, kernels in lines.items()
    ]
