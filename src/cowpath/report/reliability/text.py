# SPDX-License-Identifier: MIT
"""The reliability table for a terminal."""

from __future__ import annotations

import textwrap

from cowpath.report.reliability import BACKING, BRACKETS, TITLE, command, meanings
from cowpath.survey.reliability import Table, TableCell

COLOURS = {
    "reliable": "32", "stale": "33", "lost": "31", "leak": "1;31", "hang": "1;31", "crash": "1;31",
}  # fmt: skip

WIDTH = 100


def document(table: Table, colour: bool = False) -> str:
    """The whole table, what its words mean, and how to see why."""
    parts = [TITLE + "\n", blocks(table, colour), legend(table), how_to_see(table)]
    return "\n".join(part for part in parts if part)


def blocks(table: Table, colour: bool = False) -> str:
    """The table as blocks of lines, one for each kind of reference."""
    left = 2 + max(len(situation.title) for situation in table.situations)
    widths = [
        max(len(column.title), *(len(cell.words) for key, cell in table.cells.items() if key[2] == column))
        for column in table.columns
    ]
    lines = []
    for kind in table.kinds:
        heads = (column.title.ljust(width) for column, width in zip(table.columns, widths, strict=True))
        lines.append(f"{kind.title:{left}}  {'  '.join(heads)}".rstrip())
        for situation in table.situations:
            row = zip(table.row(kind, situation), widths, strict=True)
            cells = "  ".join(painted(cell, width, colour) for cell, width in row)
            lines.append(f"  {situation.title:{left - 2}}  {cells}".rstrip())
        lines.append("")
    return "\n".join(lines)


def painted(cell: TableCell, width: int, colour: bool) -> str:
    """The words of a cell, in colour on a terminal; faint where nothing is promised."""
    code = COLOURS.get(cell.verdict) if colour else None
    if code is None:
        return cell.words.ljust(width)
    faint = "2;" if cell.words.startswith("(") else ""
    return f"\x1b[{faint}{code}m{cell.words}\x1b[0m" + " " * (width - len(cell.words))


def legend(table: Table) -> str:
    """The words, and the brackets where there are any."""
    words = meanings(table)
    width = max(len(word) for word in words)
    text = "".join(f"{word:{width}}  {meaning}\n" for word, meaning in words.items())
    if any(cell.words.startswith("(") for cell in table.cells.values()):
        text += "\n" + textwrap.fill(BRACKETS, WIDTH) + "\n"
    return text + "\n" + textwrap.fill(BACKING, WIDTH) + "\n"


def how_to_see(table: Table) -> str:
    """The command lines behind the cells that break the promise, a row at a time, and how to make others."""
    rows: dict[str, None] = {}
    for kind in table.kinds:
        for situation in table.situations:
            cells = zip(table.columns, table.row(kind, situation), strict=True)
            columns = tuple(column for column, cell in cells if cell.broken)
            rows.update(dict.fromkeys(command(kind, situation, columns)))
    excluded = next(((k, s, c) for k, s, c, cell in table.bad() if not cell.broken), None)
    text = "Why, step by step:\n" + "".join(f"  {line}\n" for line in rows) if rows else ""
    if excluded is not None:
        kind, situation, column = excluded
        text += "\nand in the same way for what is in brackets:\n"
        text += f"  {command(kind, situation, (column,))[0]}\n"
    return text.lstrip("\n")
