# SPDX-License-Identifier: MIT
"""The reliability table in Markdown; bad cells link to their traces where those were asked for."""

from __future__ import annotations

from cowpath.litmus.print import to_text
from cowpath.report.reliability import BRACKETS, Shown, anchors, introduction, meanings, shown_traces, title
from cowpath.survey.reliability import Table, TableCell


def document(table: Table) -> str:
    """The reliability table as a Markdown page: introduction, legend, tables, traces."""
    return f"# {title(table)}\n\n{introduction(table)}\n\n{legend(table)}\n{tables(table)}{traces(table)}"


def legend(table: Table) -> str:
    """The words as a list."""
    lines = [f"- **{word}**: {meaning}" for word, meaning in meanings(table).items()]
    if any(cell.words.startswith("(") for cell in table.cells.values()):
        lines += ["", BRACKETS]
    return "\n".join(lines) + "\n"


def tables(table: Table) -> str:
    """The tables, one for each kind of reference."""
    links = anchors(table)
    text = ""
    for kind in table.kinds:
        text += f"\n## {kind.title.replace('|', chr(92) + '|')}\n\n"
        text += line(["", *(column.title for column in table.columns)])
        text += line(["---"] * (len(table.columns) + 1))
        for situation in table.situations:
            cells = zip(table.columns, table.row(kind, situation), strict=True)
            shown = [words(cell, links.get((kind, situation, column))) for column, cell in cells]
            text += line([situation.title, *shown])
    return text


def line(cells: list[str]) -> str:
    """The cells as a row of a Markdown table."""
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |")


def words(cell: TableCell, anchor: str | None) -> str:
    """The words of a cell, bold where the promise is broken, linked where there is a trace."""
    text = f"**{cell.words}**" if cell.broken else cell.words
    return f"[{text}](#{anchor})" if anchor else text


def traces(table: Table) -> str:
    """Every trace, folded, with the test it belongs to."""
    shown = shown_traces(table)
    return "\n## Traces\n" + "".join(one_trace(one) for one in shown) if shown else ""


def one_trace(shown: Shown) -> str:
    """A trace with its test, folded."""
    kernels = ", ".join(column.title for column in shown.columns)
    test = to_text(shown.situation.test(shown.kind))
    title = f"{shown.kind.name}-{shown.situation.name}: {shown.cell.words} ({kernels})"
    return (
        f'\n<a id="{shown.anchor}"></a>\n<details><summary>{title}</summary>\n\n'
        f"```c\n{test}```\n\n```text\n{shown.text}```\n\n</details>\n"
    )
