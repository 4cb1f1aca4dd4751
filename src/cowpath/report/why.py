# SPDX-License-Identifier: MIT
"""`cowpath why`: what keeps an outcome out, what happens without it, and the shortest path there."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cowpath.explore.trace import trace
from cowpath.judge.goal import Goal
from cowpath.judge.result import Result
from cowpath.report.bisect import cause_words
from cowpath.report.mutation import notice_kinds
from cowpath.report.trace import blocks, trace_text
from cowpath.survey.mutation import Mutant
from cowpath.survey.why import LEAST_SET_ROOM, MOST_STATES, SET_ROOM, Keeper, Reasons

WIDTH = 110
"""Columns of the text."""

SIZES = {2: "pairs", 3: "triples"}
"""The name of sets of a size."""


@dataclass(frozen=True, slots=True)
class ShownPath:
    """A path in a line, and in full."""

    short: str
    full: str


def tell(result: Result, goal: Goal) -> ShownPath:
    """The path to a goal: as the functions it goes through, and as `cowpath trace` prints it."""
    steps = trace(result.exploration, goal.state)
    parts: list[str] = []
    for block in blocks(result, steps):
        part = f"{block.name} {block.function or block.statement}"
        if not parts or parts[-1] != part:
            parts.append(part)
    return ShownPath("; ".join(parts), trace_text(result, steps, goal))


def text(name: str, wanted: str | None, found: Reasons[ShownPath], paths: bool = False) -> str:
    """Everything in reading order; `paths` adds the paths in full."""
    asked = f": why not {wanted!r}?" if wanted else f": {found.verdict}"
    lines = [f"{name} on {found.version}{asked}", ""]
    if found.happens:
        return lines[0] + "\nIt happens; `cowpath trace` shows how.\n"
    lines += list(mending(found))
    singles = [one for one in found.keepers if len(one.mutants) == 1]
    sets = [one for one in found.keepers if len(one.mutants) > 1]
    if singles:
        lines += ["Each of these alone keeps something out:", ""]
        lines += keepers_lines(singles, paths)
    for size, words in ((2, "both must fall"), (3, "all three must fall")):
        several = [one for one in sets if len(one.mutants) == size]
        if several:
            lines += ["", f"Of these, {words}:", ""]
            lines += keepers_lines(several, paths)
    if not found.keepers:
        lines += ["Nothing that the model can leave out lets anything else happen."]
    return "\n".join([*lines, "", *(fill(line) for line in bounds(found))]) + "\n"


def mending(found: Reasons[ShownPath]) -> Iterator[str]:
    """Yield what would mend a broken test."""
    if found.menders:
        yield "Each of these alone would mend it:"
        yield ""
        for one in found.menders:
            how = "with" if one.added else "without"
            yield f"  {how} {one.mutant.name}"
            yield indented(rule_of(one.mutant, one.added))
        yield ""
    elif found.together is not None:
        yield fill(
            f"No single change would mend it; the newest kernel owes it to {cause_words(found.together)}."
        )
        yield ""
    elif found.verdict not in ("kept", "not finished"):
        yield "No single change would mend it, and the newest kernel breaks it, too."
        yield ""


def keepers_lines(keepers: Sequence[Keeper[ShownPath]], paths: bool) -> Iterator[str]:
    """Every keeper; a path that several share is shown with the first of them."""
    shown: dict[tuple[str, str], str] = {}
    for one in keepers:
        name = " and ".join(mutant.name for mutant in one.mutants)
        key = (one.fall.outcome, one.fall.path.short if one.fall.path else "")
        first = shown.setdefault(key, name)
        yield from keeper_lines(one, paths, "" if first == name else first)


def keeper_lines(one: Keeper[ShownPath], paths: bool, like: str) -> Iterator[str]:
    """A keeper in lines: its rules, and what happens without them; `like` names one with the same path."""
    names = " and ".join(f"{'with' if m.added else 'without'} {m.name}" for m in one.mutants)
    yield f"  {names}: {notice_kinds(one.fall.why)}"
    for mutant in one.mutants:
        yield indented(rule_of(mutant, mutant.added))
    if one.fall.path is not None and like:
        yield indented(f"the same path as without {like}")
    elif one.fall.path is not None:
        yield indented(f"{one.fall.outcome}  ({one.fall.steps} steps)")
        yield indented(one.fall.path.short)
        if paths:
            yield textwrap.indent(one.fall.path.full.rstrip("\n"), " " * 8)


def rule_of(mutant: Mutant, added: bool) -> str:
    """Return what a kernel does with a change, or what it did before it had it."""
    change = mutant.changes[0]
    if len(mutant.changes) > 1:
        return f"the parts {', '.join(part.name for part in mutant.changes)} ({change.shown_commit})"
    return f"{change.file}: {change.rule if added else change.before}"


def bounds(found: Reasons[ShownPath]) -> Iterator[str]:
    """Yield what was tried, and what was not."""
    idle = f"{found.idle} more that the model asks for change nothing alone"
    yield f"{idle}; {found.unasked} it never asks for."
    if found.sets:
        tried = " and ".join(
            f"{'all' if one.all else 'not all'} {SIZES[one.size]} ({one.count:,})" for one in found.sets
        )
        room = f"{SET_ROOM} times the states of the kernel as it is, at least {LEAST_SET_ROOM:,}"
        yield (
            f"Of those, {tried} were tried, each within {room}, and those of a size within {MOST_STATES:,} "
            "states together; larger sets were not."
        )


def indented(line: str) -> str:
    """A line of details, folded."""
    return textwrap.fill(
        line, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 8, break_on_hyphens=False
    )


def fill(line: str) -> str:
    """A sentence folded to the width of a page."""
    return textwrap.fill(line, WIDTH, break_on_hyphens=False)


def document(name: str, wanted: str | None, found: Reasons[ShownPath]) -> str:
    """The whole answer as one JSON object."""
    together = found.together
    whole = {
        "name": name,
        "kernel": str(found.version),
        "verdict": found.verdict,
        "outcome": wanted,
        "happens": found.happens,
        "keepers": [
            {
                "mutations": [mutant.name for mutant in one.mutants],
                "why": one.fall.why,
                "outcome": one.fall.outcome,
                "steps": one.fall.steps,
                "path": "" if one.fall.path is None else one.fall.path.full,
            }
            for one in found.keepers
        ],
        "idle": found.idle,
        "unasked": found.unasked,
        "sets": [{"size": one.size, "tried": one.count, "all": one.all} for one in found.sets],
        "menders": [{"mutation": one.mutant.name, "added": one.added} for one in found.menders],
        "together": None
        if together is None
        else [change.name for change in (*together.came, *together.went)],
    }
    return json.dumps(whole, indent=2) + "\n"
