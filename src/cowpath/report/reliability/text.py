# SPDX-License-Identifier: MIT
"""The reliability table for a terminal."""

from __future__ import annotations

import textwrap

from cowpath.report.reliability import BACKING, BRACKETS, command, meanings, title
from cowpath.report.style import FAINT, PLAIN, Style, folded
from cowpath.survey.reliability import Table, TableCell

COLOURS = {
    "reliable": "32", "stale": "33", "lost": "31", "leak": "1;31", "hang": "1;31", "crash": "1;31",
}  # fmt: skip

WIDTH = 100


def document(table: Table, style: Style = PLAIN) -> str:
    """The whole table, what its words mean, and how to see why."""
    parts = [title(table) + "\n", blocks(table, style), legend(table), how_to_see(table)]
    return "\n".join(part for part in parts if part)


def blocks(table: Table, style: Style = PLAIN) -> str:
    """The table as blocks of lines, one for each kind of reference."""
    left = 2 + max(len(situation.title) for situation in table.situations)
    widths = [
        max(len(column.title), *(len(cell.words) for key, cell in table.cells.items() if key[2] == column))
        for column in table.columns
    ]
    lines = []
    for kind in table.kinds:
        for block in folded(left, widths, style.width):
            heads = (table.columns[column].title.ljust(widths[column]) for column in block)
            lines.append(f"{kind.title:{left}}  {'  '.join(heads)}".rstrip())
            for situation in table.situations:
                row = table.row(kind, situation)
                cells = "  ".join(painted(row[column], widths[column], style) for column in block)
                lines.append(f"  {situation.title:{left - 2}}  {cells}".rstrip())
            lines.append("")
    return "\n".join(lines)


def painted(cell: TableCell, width: int, style: Style) -> str:
    """The words of a cell, in colour on a terminal; faint where nothing is promised."""
    code = COLOURS.get(cell.verdict, "")
    faint = FAINT if code and cell.words.startswith("(") else ""
    return style.paint(cell.words, faint, code) + " " * (width - len(cell.words))


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
