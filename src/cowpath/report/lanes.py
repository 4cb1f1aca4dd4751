# SPDX-License-Identifier: MIT
"""`cowpath trace --svg`: a path as swim lanes, one for each actor, time going down; for slides and papers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from cowpath.explore.trace import PathStep
from cowpath.judge.goal import Goal
from cowpath.judge.result import Outcome, Result
from cowpath.report.dot import COLOURS
from cowpath.report.trace import TraceBlock, blocks, change_words, last_line, promised_words, subtitle, title

WIDTH, HEIGHT = 1280, 720
"""Pixels of a slide.  A long path makes a longer picture, never smaller letters."""

MARGIN, GUTTER, PAD, LINE = 24, 16, 8, 17
"""Pixels around the picture, between lanes, between a box and its text, and of a line."""
HEAD = 78
"""Pixels above the first box: title, subtitle, names of the lanes."""

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
"""From airy to dense; the first that fits into a slide is taken."""

LONG = Spacing(4, 7, 12, 17)
"""For a path that does not fit anyhow."""

FONT = "'DejaVu Sans Mono', 'Liberation Mono', Menlo, Consolas, monospace"


@dataclass(frozen=True, slots=True)
class LaneWait:
    """The block `later` could begin only after the block `earlier`; before, it waited for `what`."""

    earlier: int
    later: int
    what: str


@dataclass(frozen=True, slots=True)
class Box:
    """A block with its place in the picture."""

    block: TraceBlock
    lane: int
    top: float
    bottom: float
    first: float  # the baseline of the first line
    line: int  # the distance of two
    lines: tuple[tuple[str, str], ...]  # (class, text)


def document(result: Result, steps: Sequence[PathStep], goal: Goal) -> str:
    """Return the path as an SVG document."""
    found = list(blocks(result, steps))
    waiting = waits(result, steps, found)
    lanes = sorted({block.actor for block in found})
    width = (WIDTH - 2 * MARGIN + GUTTER) / max(1, len(lanes))
    ending = [*promised_words(result, goal), last_line(result, goal)]
    room = HEIGHT - LINE * (len(ending) + 1) - MARGIN
    tried = (list(placed(found, waiting, lanes, width, spacing)) for spacing in SPACINGS)
    fitting = (boxes for boxes in tried if not boxes or boxes[-1].bottom <= room)
    boxes = next(fitting, None) or list(placed(found, waiting, lanes, width, LONG))
    bottom = boxes[-1].bottom if boxes else HEAD
    height = max(HEIGHT, bottom + LINE * (len(ending) + 1) + MARGIN)
    good = isinstance(goal, Outcome) and goal.promised
    parts = [
        opening(result, height),
        *heading(title(goal), subtitle(result, steps), good),
        *lifelines(result, lanes, width, bottom),
        *(line for box in boxes for line in drawn(box, width)),
        *(arrow(wait, boxes, width) for wait in waiting),
        *closing(ending, bottom, good),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


# -- who waits for whom ----------------------------------------------------------------------------


def waits(result: Result, steps: Sequence[PathStep], found: Sequence[TraceBlock]) -> list[LaneWait]:
    """Return every wait on the path that ends with the step of another actor, between two blocks."""
    ends = [next(n for n, step in enumerate(steps) if step.target == block.target) for block in found]
    arrows: dict[tuple[int, int], LaneWait] = {}
    for number, step in enumerate(steps):
        released = release(result, steps, number)
        if released is None:
            continue
        actor = steps[released[0]].actor
        earlier = [index for index, end in enumerate(ends) if found[index].actor == actor]
        # the block with the step, or the last before it where that step is not shown
        earlier = [index for index in earlier if index == 0 or ends[index - 1] < released[0]]
        later = [i for i, end in enumerate(ends) if found[i].actor == step.actor and end >= number]
        if earlier and later:
            arrows.setdefault((earlier[-1], later[0]), LaneWait(earlier[-1], later[0], released[1]))
    return list(arrows.values())


def release(result: Result, steps: Sequence[PathStep], number: int) -> tuple[int, str] | None:
    """Return the step that ended the wait of the actor of step `number`, and what it had waited for.

    None where it was never made to wait since its last step; what idles in the background does not wait.
    """
    recorder, actor = result.exploration.recorder, steps[number].actor
    for earlier in range(number - 1, -1, -1):
        if steps[earlier].actor == actor:
            return None
        source = steps[earlier].source
        leaves = recorder.leaves(source, actor)
        blocked = [leaf.blocked for leaf in leaves if leaf.blocked is not None]
        idle = actor >= len(result.program.threads) and recorder.frame(source, actor).idle
        if blocked and len(blocked) == len(leaves) and not idle:
            return earlier, blocked[0]
    return None


# -- the picture -----------------------------------------------------------------------------------


def placed(
    found: Sequence[TraceBlock],
    waiting: Sequence[LaneWait],
    lanes: Sequence[int],
    width: float,
    spacing: Spacing,
) -> Iterator[Box]:
    """Yield the boxes one below the other."""
    top: float = HEAD
    for number, block in enumerate(found):
        lines = list(lines_of(block, letters_in(width), spacing.most))
        lines[1:1] = [("wait", f"had to wait for {wait.what}") for wait in waiting if wait.later == number]
        bottom = top + 2 * spacing.pad + spacing.line * len(lines)
        first = top + spacing.pad + spacing.line - 5
        yield Box(block, lanes.index(block.actor), top, bottom, first, spacing.line, tuple(lines))
        top = bottom + spacing.gap


def lines_of(block: TraceBlock, letters: int, most: int) -> Iterator[tuple[str, str]]:
    """Yield the lines of a box: the statement and the function, what changed, and why."""
    yield "statement", shortened(block.title or block.name, letters)
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


def opening(result: Result, height: float) -> str:
    """Return the head of the document with its styles."""
    name = escape(f"{result.program.name} on {result.version}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" role="img" font-family="{FONT}" font-size="12">\n'
        f"<title>{name}</title>\n"
        "<style>text{fill:#1c1c1c}.title{font-size:18px;font-weight:bold}.lane{font-size:14px;"
        "font-weight:bold}.statement{font-weight:bold}.function,.sub{fill:#5c5c5c}.note{font-style:italic}"
        ".good{fill:#1d6b2f}.bad{fill:#a3211b}.wait{fill:#a8431f;font-size:11px}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0 8 4 0 8z" fill="#a8431f"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{height:g}" fill="#fff"/>'
    )


def heading(first: str, second: str, good: bool) -> Iterator[str]:
    """Yield the title in two lines."""
    letters = int((WIDTH - 2 * MARGIN) / (LETTER * 1.5))
    yield text(MARGIN, 28, shortened(first, letters), "title " + ("good" if good else "bad"))
    yield text(MARGIN, 47, second, "sub")


def lifelines(result: Result, lanes: Sequence[int], width: float, bottom: float) -> Iterator[str]:
    """Yield the name of each lane and the line below it."""
    names = [actor.name for actor in result.exploration.model.actors]
    for lane, actor in enumerate(lanes):
        x, colour = MARGIN + lane * width, COLOURS[actor % len(COLOURS)]
        yield text(x, HEAD - 10, names[actor], "lane", f'style="fill:{colour}"')
        middle = x + (width - GUTTER) / 2
        yield (
            f'<path d="M{middle:g} {HEAD}V{bottom:g}" stroke="{colour}" stroke-dasharray="2 4" opacity=".5"/>'
        )


def drawn(box: Box, width: float) -> Iterator[str]:
    """Yield a box with its text."""
    x, colour = MARGIN + box.lane * width, COLOURS[box.block.actor % len(COLOURS)]
    yield (
        f'<rect class="box" x="{x:g}" y="{box.top:g}" width="{width - GUTTER:g}" '
        f'height="{box.bottom - box.top:g}" rx="5" fill="#fcfcfa" stroke="{colour}"/>'
    )
    if box.block.file and len(box.lines[0][1]) + len(box.block.file) + 3 <= letters_in(width):
        more = 'text-anchor="end"'
        yield text(x + width - GUTTER - PAD, box.first, box.block.file, "function", more)
    for number, (kind, line) in enumerate(box.lines):
        yield text(x + PAD, box.first + box.line * number, line, kind)


def arrow(wait: LaneWait, boxes: Sequence[Box], width: float) -> str:
    """Return an arrow from the end of one box to the beginning of another, between the boxes and lanes."""
    start, end = boxes[wait.earlier], boxes[wait.later]
    forward = end.lane > start.lane
    x = MARGIN + start.lane * width + (width - GUTTER) * (0.9 if forward else 0.1)
    target = MARGIN + end.lane * width + (0 if forward else width - GUTTER)
    gutter = target + (-GUTTER if forward else GUTTER) / 2
    between = start.bottom + 5
    path = f"M{x:g} {start.bottom:g}V{between:g}H{gutter:g}V{end.first - 4:g}H{target:g}"
    return f'<path d="{path}" fill="none" stroke="#a8431f" stroke-width="1.5" marker-end="url(#tip)"/>'


def closing(lines: Sequence[str], bottom: float, good: bool) -> Iterator[str]:
    """Yield the last lines of the picture: the outcome, and the verdict in its colour."""
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        tone = ("good" if good else "bad") if last else ""
        yield text(MARGIN, bottom + LINE * (number + 1.5), line, f"statement {tone}" if last else "sub")


def text(x: float, y: float, words: str, kind: str, more: str = "") -> str:
    """Return one line of text."""
    return (
        f'<text x="{x:g}" y="{y:g}" class="{kind.strip()}" xml:space="preserve" {more}>{escape(words)}</text>'
    )
