# SPDX-License-Identifier: MIT
"""`cowpath trace --svg`: a path as swim lanes, one for each actor, time going down; for slides and papers.

A path that one slide cannot hold goes on below it, slide by slide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from cowpath.errors import CowpathError
from cowpath.explore.trace import PathStep
from cowpath.judge.goal import Goal
from cowpath.judge.result import Outcome, Result
from cowpath.report.dot import COLOURS
from cowpath.report.lane_layout import (
    GUTTER,
    HEAD,
    HEIGHT,
    LETTER,
    LINE,
    MARGIN,
    PAD,
    WIDTH,
    Box,
    LaneLayout,
    laid_out,
    letters_in,
    shortened,
)
from cowpath.report.trace import blocks, last_line, promised_words, subtitle, title
from cowpath.report.waits import LaneWait, waits

FONT = "'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"


def document(result: Result, steps: Sequence[PathStep], goal: Goal, slide: int | None = None) -> str:
    """Return the path as an SVG document; if asked for, only one of its slides, counted from 1.

    Raises CowpathError where there is no such slide.
    """
    found = list(blocks(result, steps))
    waiting = waits(result, steps, found)
    ending = [*promised_words(result, goal), last_line(result, goal)]
    layout = laid_out(found, waiting, len(ending))
    if slide is not None and not 1 <= slide <= layout.slides:
        raise CowpathError(f"there is no slide {slide}: this path takes {layout.slides}")
    good = isinstance(goal, Outcome) and goal.promised
    shown = range(layout.slides) if slide is None else range(slide - 1, slide)
    parts = [
        opening(result, shown),
        *(line for number in range(layout.slides) for line in heading(result, steps, goal, layout, number)),
        *lifelines(result, layout),
        *(line for box in layout.boxes for line in drawn(box, layout.width)),
        *(line for wait in waiting for line in arrow(wait, layout)),
        *closing(ending, layout, good),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def opening(result: Result, shown: range) -> str:
    """Return the head of the document, with its styles and the edges between the slides that are shown."""
    name = escape(f"{result.program.name} on {result.version}")
    top, height = shown.start * HEIGHT, len(shown) * HEIGHT
    edges = "".join(f'\n<path d="M0 {n * HEIGHT}H{WIDTH}" stroke="#c9c7c1"/>' for n in shown[1:])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {top} {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" font-family="{FONT}" font-size="12">\n'
        f"<title>{name}</title>\n"
        "<style>text{fill:#1c1c1c}.title{font-size:18px;font-weight:bold}.lane{font-size:14px;"
        "font-weight:bold}.statement{font-weight:bold}.function,.sub{fill:#5c5c5c}.note{font-style:italic}"
        ".good{fill:#1d6b2f}.bad{fill:#a3211b}.wait{fill:#a8431f;font-size:11px}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#a8431f"/></marker></defs>\n'
        f'<rect y="{top}" width="{WIDTH}" height="{height}" fill="#fff"/>{edges}'
    )


def heading(
    result: Result, steps: Sequence[PathStep], goal: Goal, layout: LaneLayout, slide: int
) -> Iterator[str]:
    """Yield the title of a slide in two lines."""
    letters = int((WIDTH - 2 * MARGIN) / (LETTER * 1.5))
    good = isinstance(goal, Outcome) and goal.promised
    tone = "title " + ("good" if good else "bad")
    second = subtitle(result, steps)
    if layout.slides > 1:
        second += f"; slide {slide + 1} of {layout.slides}"
    yield text(MARGIN, slide * HEIGHT + 28, shortened(title(goal), letters), tone)
    yield text(MARGIN, slide * HEIGHT + 47, second, "sub")


def lifelines(result: Result, layout: LaneLayout) -> Iterator[str]:
    """Yield the name of each lane and the line below it, on every slide."""
    names = [actor.name for actor in result.exploration.model.actors]
    columns = dict.fromkeys((box.slide, box.column) for box in layout.boxes)
    for slide, column in columns:
        top = slide * HEIGHT + HEAD
        for lane, actor in enumerate(layout.lanes):
            x, colour = layout.left(lane, column), COLOURS[actor % len(COLOURS)]
            yield text(x, top - 10, names[actor], "lane", f'style="fill:{colour}"')
            path = f"M{x + (layout.width - GUTTER) / 2:g} {top}V{layout.below(slide, column):g}"
            yield f'<path d="{path}" stroke="{colour}" stroke-dasharray="2 4" opacity=".5"/>'


def drawn(box: Box, width: float) -> Iterator[str]:
    """Yield a box with its text."""
    x, colour = box.left, COLOURS[box.block.actor % len(COLOURS)]
    yield (
        f'<rect class="box" x="{x:g}" y="{box.top:g}" width="{width - GUTTER:g}" '
        f'height="{box.bottom - box.top:g}" rx="5" fill="#fcfcfa" stroke="{colour}"/>'
    )
    if box.block.file and len(box.lines[0][1]) + len(box.block.file) + 3 <= letters_in(width):
        more = 'text-anchor="end"'
        yield text(x + width - GUTTER - PAD, box.first, box.block.file, "function", more)
    for number, (kind, line) in enumerate(box.lines):
        yield text(x + PAD, box.first + box.line * number, line, kind)


def arrow(wait: LaneWait, layout: LaneLayout) -> Iterator[str]:
    """Yield an arrow from the end of one box to the beginning of another, between boxes and between lanes.

    There is none from one slide to another; the words in the box tell of the wait.
    """
    start, end = layout.boxes[wait.earlier], layout.boxes[wait.later]
    if start.slide != end.slide:
        return
    width = layout.width
    forward = end.lane > start.lane
    x = start.left + (width - GUTTER) * (0.9 if forward else 0.1)
    target = end.left + (0 if forward else width - GUTTER)
    gutter = target + (-GUTTER if forward else GUTTER) / 2
    between = start.bottom + 5
    path = f"M{x:g} {start.bottom:g}V{between:g}H{gutter:g}V{end.first - 4:g}H{target:g}"
    yield f'<path d="{path}" fill="none" stroke="#a8431f" stroke-width="1.5" marker-end="url(#tip)"/>'


def closing(lines: Sequence[str], layout: LaneLayout, good: bool) -> Iterator[str]:
    """Yield the outcome and the verdict below the last box, and on other slides where to go on."""
    for slide in range(1, layout.slides):
        yield text(MARGIN, slide * HEIGHT - MARGIN, f"goes on on slide {slide + 1}", "sub")
    last = layout.slides - 1
    bottom = max(layout.below(last, column) for column in range(layout.columns))
    for number, line in enumerate(lines):
        verdict = number == len(lines) - 1
        tone = ("good" if good else "bad") if verdict else ""
        yield text(MARGIN, bottom + LINE * (number + 1.5), line, f"statement {tone}" if verdict else "sub")


def text(x: float, y: float, words: str, kind: str, more: str = "") -> str:
    """Return one line of text."""
    return (
        f'<text x="{x:g}" y="{y:g}" class="{kind.strip()}" xml:space="preserve" {more}>{escape(words)}</text>'
    )
