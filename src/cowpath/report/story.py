# SPDX-License-Identifier: MIT
"""`cowpath trace --story`: a path in sentences that a mail can quote."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator, Sequence

from cowpath.explore.trace import PathStep
from cowpath.judge.goal import Goal
from cowpath.judge.result import Outcome, Result
from cowpath.report.facts import facts, listing, reach
from cowpath.report.trace import TraceBlock, blocks, circle, count, last_line, promised_words

WIDTH = 72
"""Columns, as mails to kernel lists keep them."""

DEEDS = {
    "lost write": "can lose a write",
    "leak": "can leak what another process wrote",
    "missed write": "can miss a write that it was asked to report",
    "stale data": "can show stale data",
    "crash": "can crash the kernel",
    "hang": "can hang",
    "": "can end as promised",
}
"""What a test can do on a kernel, by what that breaks."""


def story_text(result: Result, steps: Sequence[PathStep], goal: Goal) -> str:
    """The whole story: where it ends, how it gets there, what that breaks."""
    paragraphs = [fill(opening(result, steps, goal)), ""]
    by_statement = itertools.groupby(blocks(result, steps), key=lambda block: (block.name, block.statement))
    told = [text for _, group in by_statement if (text := statement_story(result, list(group)))]
    for number, text in enumerate(told, 1):
        lead = f"{number:2}. "
        paragraphs.append(fill(text, lead))
    again = list(blocks(result, circle(result, goal), everything=True))
    if again:
        paragraphs += ["", fill(f"From there on, again and again: {'; '.join(turn(again))}.")]
    ending = ". ".join([*promised_words(result, goal), last_line(result, goal)])
    return "\n".join([*paragraphs, "", fill(ending.rstrip(".") + ".")]) + "\n"


def fill(text: str, lead: str = "") -> str:
    """A paragraph; words stay whole, those with hyphens too."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_on_hyphens=False,
        break_long_words=False,
    )


def opening(result: Result, steps: Sequence[PathStep], goal: Goal) -> str:
    """The first paragraph: the test, the kernel, the outcome, and the number of steps."""
    if isinstance(goal, Outcome):
        what = f"{DEEDS[goal.breakage]}: {goal.text().removeprefix(f'{goal.breakage}: ').rstrip(';')}"
    else:
        what = f"can break {goal}: {goal.text}"
    release, _, rest = str(result.version).partition(" ")
    architecture, _, changes = rest.partition(" ")
    length = f"No path there is shorter than this one of {count(steps)}."
    if not result.exploration.shortest:
        length = f"This path there has {count(steps)}; a shorter one may exist."
    return (
        f"On Linux {f'{release} ({architecture}) {changes}'.strip()}, the test {result.program.name} {what}. "
        f"{length}"
    )


def statement_story(result: Result, group: Sequence[TraceBlock]) -> str:
    """Tells a statement function by function; empty where there is nothing to tell."""
    parts = [part for block in group for part in block_story(result, block)]
    if group[0].statement in ("", "end"):
        return f"{group[0].name}: {' '.join(parts)}" if parts else ""
    return " ".join([f"{group[0].name} runs {group[0].statement}.", *parts])


def block_story(result: Result, block: TraceBlock) -> Iterator[str]:
    """Sentences about a function: its changes, the reasons, and who can see them."""
    told, why = facts(block.changes), "; ".join(block.notes)
    where = f"In {block.function}(), {block.file}: " if block.function and block.file else ""
    if told:
        yield f"{where}{listing(told)}."
    if why:
        yield f"Why: {why}." if told else f"{where}{why}." if where else f"{begun(why)}."
    seen_by = reach(result.exploration.model.layout, block.changes, block.target)
    if seen_by:
        yield f"{begun(seen_by)}."


def begun(sentence: str) -> str:
    """A sentence with a capital letter, unless it begins with a name of the model.

    >>> begun("only g leads to folio0"), begun("folio0 stays")
    ('Only g leads to folio0', 'folio0 stays')
    """
    return sentence[:1].upper() + sentence[1:] if sentence.split()[0].isalpha() else sentence


def turn(circle: Sequence[TraceBlock]) -> Iterator[str]:
    """Tells one turn of an endless loop, function by function."""
    for where in dict.fromkeys((block.name, block.function, block.file) for block in circle):
        notes = {note: "" for b in circle if (b.name, b.function, b.file) == where for note in b.notes}
        place = f"{where[0]} in {where[1]}(), {where[2]}" if where[1] else where[0]
        yield f"{place}: {', '.join(notes)}" if notes else place
