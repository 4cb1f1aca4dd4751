# SPDX-License-Identifier: MIT
"""Places of boxes in swim lanes: on a slide if they fit, else in two columns or on several slides."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cowpath.report.trace import TraceBlock, change_words
from cowpath.report.waits import LaneWait

WIDTH, HEIGHT = 1280, 720
"""Pixels of a slide.  A long path takes several, never smaller letters."""

MARGIN, GUTTER, PAD, LINE = 24, 16, 8, 17
"""Pixels around the picture, between lanes, between a box and its text, and of a line."""
HEAD = 78
"""Pixels of a slide above the first box: title, subtitle, names of the lanes."""

LETTER = 7.5
"""Pixels of a letter at most: 12 pixels high, and of one width."""

ARROW = "\N{RIGHTWARDS ARROW}"


@dataclass(frozen=True, slots=True)
class Spacing:
    """The size of boxes: lines of changes in each; pixels around its text, between boxes, of a line."""

    most: int
    pad: int
    gap: int
    line: int


SPACINGS = tuple(
    Spacing(most, *pixels) for pixels in ((7, 12, 17), (4, 10, 17), (3, 7, 15)) for most in (6, 4, 3, 2, 1)
)
"""From airy to dense; the first that fits onto one slide is taken."""

LONG = tuple(spacing for spacing in SPACINGS if spacing.most >= 4)
"""For a path that takes several: the first of those that take fewest."""


@dataclass(frozen=True, slots=True)
class Box:
    """A block with its place.

    `slide` and `column` count from 0; `left`, `top`, `bottom` are pixels from the corner of the first slide.
    """

    block: TraceBlock
    lane: int
    left: float
    top: float
    bottom: float
    first: float  # the baseline of the first line
    line: int  # the distance of two
    lines: tuple[tuple[str, str], ...]  # (class, text)
    slide: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class LaneLayout:
    """Boxes, first to last, on `slides` slides; every column of a slide has all lanes."""

    boxes: tuple[Box, ...]
    lanes: tuple[int, ...]
    width: float  # of a lane, with the space between it and the next
    columns: int
    slides: int

    def left(self, lane: int, column: int) -> float:
        """Where a lane begins."""
        return MARGIN + (column * len(self.lanes) + lane) * self.width

    def below(self, slide: int, column: int) -> float:
        """The bottom of the last box in a column of a slide; where boxes would begin if there is none."""
        there = [box.bottom for box in self.boxes if (box.slide, box.column) == (slide, column)]
        return max(there, default=slide * HEIGHT + HEAD)


def laid_out(found: Sequence[TraceBlock], waiting: Sequence[LaneWait], footer: int) -> LaneLayout:
    """Return the places of all blocks, with room for a footer of so many lines below the last one.

    A path of a single actor that does not fit onto a slide gets two columns there before it gets a second
    slide.
    """
    lanes = tuple(sorted({block.actor for block in found}))
    room = HEIGHT - LINE * (footer + 1) - MARGIN
    for columns in (1, 2) if len(lanes) < 2 else (1,):
        width = (WIDTH - 2 * MARGIN + GUTTER) / (max(1, len(lanes)) * columns)
        empty = LaneLayout((), lanes, width, columns, 1)
        for spacing in SPACINGS:
            layout = flowed_over(empty, placed(found, waiting, empty, spacing), room)
            if layout.slides == 1:
                return layout
    long = [flowed_over(empty, placed(found, waiting, empty, spacing), room) for spacing in LONG]
    return min(long, key=lambda layout: layout.slides)


def flowed_over(layout: LaneLayout, boxes: Iterable[Box], room: float) -> LaneLayout:
    """Return the layout with these boxes, which stand one below the other, cut into columns."""
    column, shift = 0, 0.0
    moved: list[Box] = []
    for box in boxes:
        if box.bottom - shift > room and box.top - shift > HEAD:
            column, shift = column + 1, box.top - HEAD
        slide, inside = divmod(column, layout.columns)
        down = slide * HEIGHT - shift
        moved.append(
            replace(
                box,
                left=layout.left(box.lane, inside),
                top=box.top + down,
                bottom=box.bottom + down,
                first=box.first + down,
                slide=slide,
                column=inside,
            )
        )
    return replace(layout, boxes=tuple(moved), slides=column // layout.columns + 1)


def placed(
    found: Sequence[TraceBlock], waiting: Sequence[LaneWait], layout: LaneLayout, spacing: Spacing
) -> Iterator[Box]:
    """Yield the boxes one below the other, as if a slide had no end."""
    top: float = HEAD
    letters = letters_in(layout.width)
    for number, block in enumerate(found):
        waited = [wait.what for wait in waiting if wait.later == number]
        lines = tuple(lines_of(block, waited, letters, spacing.most))
        bottom = top + 2 * spacing.pad + spacing.line * len(lines)
        first = top + spacing.pad + spacing.line - 5
        lane = layout.lanes.index(block.actor)
        yield Box(block, lane, MARGIN, top, bottom, first, spacing.line, lines)
        top = bottom + spacing.gap


def lines_of(block: TraceBlock, waited: Sequence[str], letters: int, most: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of a box: statement and function, what it had waited for, what changed, and why."""
    for words in textwrap.wrap(block.title or block.name, letters, break_on_hyphens=False):
        yield "statement", words
    yield from (("wait", f"had to wait for {what}") for what in waited)
    changes = [f"{change.name} {change_words(change)}".replace("->", ARROW) for change in block.changes]
    yield from (("change", line) for line in listed(changes, letters, most))
    for note in block.notes:
        for words in textwrap.wrap(note, max(letters, 20)):
            yield "note", words


def listed(parts: Sequence[str], letters: int, most: int) -> list[str]:
    """Return the parts in at most so many lines; where they need more, the last says how many are left out.

    >>> listed(["aa 1", "bb 2", "cc 3"], 14, 1), listed(["aa 1", "bb 2", "cc 3"], 22, 1)
    (['and 3 more'], ['aa 1   bb 2   cc 3'])
    """
    lines = flowed(parts, letters)
    if len(lines) > most:
        lines = lines[:most]
        more = ""
        while lines[-1] and (not more or len("   ".join([*lines[-1], more])) > letters):
            if more:
                lines[-1].pop()
            more = f"and {len(parts) - sum(map(len, lines))} more"
        lines[-1].append(more)
    return [shortened("   ".join(line), letters) for line in lines]


def flowed(parts: Sequence[str], letters: int) -> list[list[str]]:
    """Return the parts in lines, as many in each as fit.

    >>> flowed(["aa", "bb", "cccc"], 7)
    [['aa', 'bb'], ['cccc']]
    """
    lines: list[list[str]] = []
    for part in parts:
        if lines and len("   ".join([*lines[-1], part])) <= letters:
            lines[-1].append(part)
        else:
            lines.append([part])
    return lines


def letters_in(width: float) -> int:
    """Return how many letters fit into a box of a lane so wide."""
    return int((width - GUTTER - 2 * PAD) / LETTER)


def shortened(text: str, letters: int) -> str:
    """Return the text, cut where it is longer than so many letters."""
    return text if len(text) <= letters else text[: max(1, letters - 1)] + "\N{HORIZONTAL ELLIPSIS}"
