# SPDX-License-Identifier: MIT
"""`cowpath trace --story`: a path in sentences that a mail can quote."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence

from cowpath.explore.trace import Change, Step
from cowpath.goal import Goal
from cowpath.report.trace import AGAIN, Block, blocks, circle, count, last_line, promised_words
from cowpath.verdict import Outcome, Result

WIDTH = 72
"""Columns, as mails to kernel lists keep them."""

NOTHING = ("-", "none", r"\0", "?")
"""What a register, a pointer, a page or a slot shows before there is anything in it."""


def story_text(result: Result, steps: Sequence[Step], goal: Goal) -> str:
    """The whole story: where it ends, how it gets there, what that breaks."""
    paragraphs = [textwrap.fill(opening(result, steps, goal), WIDTH), ""]
    by_statement = itertools.groupby(blocks(result, steps), key=lambda block: (block.name, block.statement))
    told = [sentences for (_, _), group in by_statement if (sentences := statement_story(list(group)))]
    for number, text in enumerate(told, 1):
        lead = f"{number:2}. "
        paragraphs.append(textwrap.fill(text, WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead)))
    again = [block_story(block) for block in blocks(result, circle(result, goal), everything=True)]
    if again:
        paragraphs += ["", textwrap.fill(f"{AGAIN} {' '.join(filter(None, again))}", WIDTH)]
    ending = ". ".join([*promised_words(result, goal), last_line(result, goal)])
    return "\n".join([*paragraphs, "", textwrap.fill(ending.rstrip(".") + ".", WIDTH)]) + "\n"


def opening(result: Result, steps: Sequence[Step], goal: Goal) -> str:
    """What happens, where, and in how many steps."""
    what = f"end with {goal.text()}" if isinstance(goal, Outcome) else f"break {goal}"
    return (
        f"On {result.version}, the test {result.program.name} can {what.rstrip(';')}, "
        f"and no path there is shorter than {count(steps)}."
    )


def statement_story(group: Sequence[Block]) -> str:
    """What one statement does, function by function; empty where there is nothing to tell."""
    parts = [part for block in group if (part := block_story(block))]
    if group[0].statement in ("", "end"):
        return f"{group[0].name}: {' '.join(parts)}" if parts else ""
    return " ".join([f"{group[0].name} runs {group[0].statement}.", *parts])


def block_story(block: Block) -> str:
    """What one function changes, and why."""
    told = [change_story(change) for change in block.changes if not counts(change)]
    sentences = []
    if told:
        where = f"In {block.function}() ({block.file}), " if block.function and block.file else ""
        sentences.append(f"{where}{listing(told)}.")
    if block.notes:
        sentences.append(f"Why: {'; '.join(block.notes)}.")
    return " ".join(sentences)


def listing(parts: Sequence[str]) -> str:
    """Parts of a sentence.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]


def counts(change: Change) -> bool:
    """Whether a change is one of a counter or flag: the trace shows them, a story goes without."""
    return "." in change.name and change.before.isdigit() and change.after.isdigit()


def change_story(change: Change) -> str:
    """One change in words.

    >>> from types import SimpleNamespace as Change
    >>> change_story(Change(name="P0.x", before="folio0 rw", after="swap slot0"))
    'P0.x changes from "folio0 rw" to "swap slot0"'
    >>> change_story(Change(name="0:r1", before="-", after="a"))
    '0:r1 becomes "a"'
    """
    if change.before in NOTHING:
        return f'{change.name} becomes "{change.after}"'
    if change.after in NOTHING:
        return f'{change.name} is no longer "{change.before}"'
    return f'{change.name} changes from "{change.before}" to "{change.after}"'
