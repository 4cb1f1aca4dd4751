# SPDX-License-Identifier: MIT
"""Colour and width of text for a terminal.  Text for files and pipes has neither."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

GOOD, BAD, WARN, STRONG, FAINT = "32", "31", "33", "1", "2"

MARKER = re.compile(r"^ *\^~*$")
"""A line under an excerpt, which points at something."""

INDENT = "    "

NARROWEST = 20
"""Columns for text beside other cells; where there are fewer, it goes below them."""


@dataclass(frozen=True, slots=True)
class Style:
    """The style of text: in colour or not, and in how many columns (None: as many as it takes)."""

    colour: bool = False
    width: int | None = None

    def paint(self, text: str, *tones: str) -> str:
        """Return the text in these tones, or as it is where there is no colour.

        >>> Style(colour=True).paint("kept", GOOD), Style().paint("kept", GOOD)
        ('\\x1b[32mkept\\x1b[0m', 'kept')
        """
        tones = tuple(filter(None, tones))
        return f"\x1b[{';'.join(tones)}m{text}\x1b[0m" if self.colour and tones and text else text

    def verdict(self, words: str) -> str:
        """Return a verdict in its colour."""
        return self.paint(words, tone_of(words))

    def complaint(self, text: str) -> str:
        """Return an error message with what it points at in red; the place comes first, in bold."""
        first, *rest = text.split("\n")
        place, colon, message = first.partition(": ")
        lines = [self.paint(place + colon, STRONG) + message if colon else first]
        lines += [self.paint(line, BAD) if MARKER.match(line) else line for line in rest]
        return "\n".join(lines)


PLAIN = Style()
"""Text for files and pipes."""


def tone_of(words: str) -> str:
    """Return the tone of a verdict: kept is good, not finished a warning, anything else that is said is bad.

    >>> [tone_of(words) for words in ("kept", "kept, leak", "not finished", "lost write", "")]
    ['32', '31', '33', '31', '']
    """
    if not words:
        return ""
    if words.startswith("not finished"):
        return WARN
    return GOOD if words == "kept" else BAD


def folded(left: int, widths: Sequence[int], width: int | None) -> list[range]:
    """Return the columns to show at once, each block as many as fit beside a first column of `left`.

    >>> folded(10, [10, 10, 10], 36), folded(10, [10, 10, 10], None)
    ([range(0, 2), range(2, 3)], [range(0, 3)])
    """
    blocks, start, used = [], 0, left
    for column, size in enumerate(widths):
        if width is not None and column > start and used + 2 + size > width:
            blocks.append(range(start, column))
            start, used = column, left
        used += 2 + size
    return [*blocks, range(start, len(widths))]


def align(rows: Sequence[Sequence[str]], style: Style = PLAIN, verdicts: bool = False) -> str:
    """Return rows as columns of equal width; the first row is the head.

    Where they do not fit, the columns after the first are folded into blocks below each other.  Cells that
    are `verdicts` are painted.

    >>> print(align([["", "5.7", "6.1"], ["fork", "kept", "kept"]], Style(width=12)), end="")
          5.7
    fork  kept
    <BLANKLINE>
          6.1
    fork  kept
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    blocks = []
    for block in folded(widths[0], widths[1:], style.width):
        shown = [[row[0], *(row[1 + column] for column in block)] for row in rows]
        sizes = [widths[0], *(widths[1 + column] for column in block)]
        blocks.append("".join(_line(row, sizes, style, verdicts and row is not shown[0]) for row in shown))
    return "\n".join(blocks)


def align_prose(rows: Sequence[Sequence[str]], style: Style = PLAIN) -> str:
    """Return rows as columns of equal width; the last is text, which is wrapped where it does not fit."""
    left = sum(2 + max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1))
    if style.width is None:
        return align(rows)
    room = style.width - left
    if room < NARROWEST:
        return "".join(_stacked(row, style.width) for row in rows)
    wrapped: list[list[str]] = []
    for *cells, text in rows:
        first, *more = _wrap(text, room) or [""]
        wrapped += [[*cells, first], *([""] * len(cells) + [line] for line in more)]
    return align(wrapped)


def fitting(text: str, style: Style) -> str:
    """Return text whose lines fit where it is shown: a longer one goes on below, indented by two more.

    >>> print(fitting("  now: fork shares the page\\n", Style(width=20)), end="")
      now: fork shares
        the page
    """
    if style.width is None:
        return text
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        if len(line) <= style.width:
            lines.append(line)
        else:
            lines += [indent + part for part in _wrap(line.strip(), style.width - len(indent), "  ")]
    return "\n".join(lines)


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)


def _stacked(row: Sequence[str], width: int) -> str:
    """Return a row whose text stands below the other cells, as there is no room beside them."""
    lines = _wrap("  ".join(filter(None, row[:-1])), width, INDENT)
    lines += [INDENT + line for line in _wrap(row[-1], width - len(INDENT))]
    return "\n".join(lines) + "\n"


def _line(row: Sequence[str], widths: Sequence[int], style: Style, verdicts: bool) -> str:
    """Return one line, ended; a painted cell is as wide as it looks."""
    last = max((column for column, cell in enumerate(row) if cell), default=0)
    cells = []
    for column, cell in enumerate(row[: last + 1]):
        painted = style.verdict(cell) if verdicts and column else cell
        cells.append(painted + " " * (widths[column] - len(cell) if column < last else 0))
    return "  ".join(cells).rstrip() + "\n"
