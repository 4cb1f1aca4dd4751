# SPDX-License-Identifier: MIT
"""The reliability table as one HTML file: no network, light and dark, wide and narrow screens."""

from __future__ import annotations

from html import escape
from importlib import resources

from cowpath.corpus.situations import ReferenceKind, Situation
from cowpath.history.eras import Column
from cowpath.litmus.print import to_text
from cowpath.report.reliability import BRACKETS, Shown, anchors, introduction, meanings, shown_traces, title
from cowpath.survey.reliability import Table, TableCell

Links = dict[tuple[ReferenceKind, Situation, Column], str]

OPEN_TARGET = """
const open = () => { const e = document.getElementById(location.hash.slice(1)); if (e) e.open = true; };
addEventListener("hashchange", open); open();
"""
"""A link into a folded trace unfolds it; without scripts the reader does that."""


def document(table: Table, pages: Links | None = None) -> str:
    """The whole page; its cells lead to `pages` beside it, else to the traces below the table."""
    style = resources.files(__package__).joinpath("style.css").read_text("utf-8")
    links = {cell: f"#{place}" for cell, place in anchors(table).items()} if pages is None else pages
    kinds = "".join(section(table, kind, links) for kind in table.kinds)
    shown = "".join(trace(one) for one in shown_traces(table))
    traces = f"<h2>Traces</h2>\n{shown}" if shown else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title(table))}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title(table))}</h1>\n<p>{escape(introduction(table))}</p>\n{legend(table)}{kinds}{traces}"
        f"</main>\n<script>{OPEN_TARGET}</script>\n</body>\n</html>\n"
    )


def legend(table: Table) -> str:
    """The words in their colours."""
    rows = "".join(
        f'<div><dt><span class="cell {css(word)}">{word}</span></dt><dd>{escape(meaning)}</dd></div>\n'
        for word, meaning in meanings(table).items()
    )
    brackets = any(cell.words.startswith("(") for cell in table.cells.values())
    note = f"<p>{escape(BRACKETS)}</p>\n" if brackets else ""
    return f"<dl>\n{rows}</dl>\n{note}"


def section(table: Table, kind: ReferenceKind, links: Links) -> str:
    """The table of one kind of reference."""
    heads = "".join(f'<th scope="col">{escape(column.title)}</th>' for column in table.columns)
    rows = "".join(row(table, kind, situation, links) for situation in table.situations)
    return (
        f'<section>\n<h2 id="{kind.name}"><code>{escape(kind.title)}</code></h2>\n'
        f'<table>\n<thead><tr><th scope="col">what happens</th>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table>\n</section>\n"
    )


def row(table: Table, kind: ReferenceKind, situation: Situation, links: Links) -> str:
    """The table row of a situation; each cell also names its column, for screens too narrow for a table."""
    cells = zip(table.columns, table.row(kind, situation), strict=True)
    shown = "".join(
        f'<td data-kernel="{escape(column.title)}">{mark(cell, links.get((kind, situation, column)))}</td>'
        for column, cell in cells
    )
    title = escape(situation.question)
    return f'<tr><th scope="row" title="{title}">{escape(situation.title)}</th>{shown}</tr>\n'


def mark(cell: TableCell, link: str | None) -> str:
    """The words of a cell, linked to its trace if it has one."""
    classes = f"cell {css(cell.verdict)}" + (" excluded" if cell.words.startswith("(") else "")
    if link:
        return f'<a class="{classes}" href="{escape(link)}">{cell.words}</a>'
    return f'<span class="{classes}">{cell.words}</span>'


def css(word: str) -> str:
    """A verdict as a class."""
    return word.replace(" ", "-")


def trace(shown: Shown) -> str:
    """A trace with its test, folded."""
    kernels = ", ".join(column.title for column in shown.columns)
    test = to_text(shown.situation.test(shown.kind))
    return (
        f'<details id="{shown.anchor}">\n<summary><span class="cell {css(shown.cell.verdict)}">'
        f"{shown.cell.words}</span> {escape(shown.kind.title)}: {escape(shown.situation.title)} "
        f"<small>{escape(kernels)}</small></summary>\n"
        f'<pre tabindex="0">{escape(test)}</pre>\n'
        f'<pre tabindex="0">{escape(shown.text)}</pre>\n</details>\n'
    )
