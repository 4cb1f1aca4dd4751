# SPDX-License-Identifier: MIT
"""A path on a terminal: aligned columns, old -> new, each actor in a colour of its own."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cowpath.explore.trace import PathStep
from cowpath.judge.goal import Goal
from cowpath.judge.result import Outcome, Result
from cowpath.report.trace import AGAIN, TraceBlock, blocks, circle, last_line, promised_words, subtitle, title
from cowpath.report.words import Words, value_words

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "bright_red")
"""Of actors, in order; `NO_COLOR` and terminals without colours are rich's business."""


def print_trace(
    console: Console,
    result: Result,
    steps: Sequence[PathStep],
    goal: Goal,
    everything: bool = False,
    words: Words = value_words,
) -> None:
    """Print the whole path; `everything` and `words` as in `trace_text`."""
    good = isinstance(goal, Outcome) and goal.promised
    verdict = "bold green" if good else "bold red"
    console.print(Text(title(goal), verdict))
    console.print(Text(subtitle(result, steps), "dim"))
    console.print()
    shown = list(blocks(result, steps, everything))
    again = list(blocks(result, circle(result, goal), everything=True))
    names = max((len(change.name) for block in shown + again for change in block.changes), default=0)
    old = [words(change.before) for block in shown + again for change in block.changes]
    widths = (names, max(map(len, old), default=0))
    for block in shown:
        print_block(console, block, widths, words)
    if again:
        console.print(f"\n{AGAIN}\n")
        for block in again:
            print_block(console, block, widths, words)
    console.print()
    for line in promised_words(result, goal):
        console.print(Text(line))
    console.print(Text(last_line(result, goal), verdict))


def print_block(console: Console, block: TraceBlock, widths: tuple[int, int], words: Words) -> None:
    """Print a heading, the changes below it, and the reasons."""
    console.print(heading_line(block, console.width))
    if block.changes:
        console.print(Padding(changes_table(block, widths, words), (0, 0, 0, 4), expand=False))
    for note in block.notes:
        console.print(Padding(Text(note, "italic"), (0, 0, 0, 4), expand=False))


def heading_line(block: TraceBlock, width: int) -> Text:
    """Actor, statement and function to the left; to the right, where the kernel keeps it."""
    left = Text.assemble(
        (block.name, f"bold {COLOURS[block.actor % len(COLOURS)]}"),
        "  ",
        (block.statement, "bold"),
        ": " if block.statement and block.function else "",
        block.function,
    )
    gap = width - len(left) - len(block.file)
    return left.append(" " * gap + block.file, "dim") if block.file and gap > 1 else left


def changes_table(block: TraceBlock, widths: tuple[int, int], words: Words) -> Table:
    """The changes of a block, one a line; names and old values are as wide in every block of the path."""
    table = Table.grid(padding=(0, 1))
    for width in (*widths, 2, 1):
        table.add_column(min_width=width)
    for change in block.changes:
        style = "dim" if change.quiet else ""
        table.add_row(
            Text(change.name, style),
            Text(words(change.before), "dim"),
            Text("->", "dim"),
            Text(words(change.after), "bold"),
        )
    return table
