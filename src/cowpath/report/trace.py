# SPDX-License-Identifier: MIT
"""`cowpath trace`: the path to an outcome as a diff of kernel state, step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from cowpath.explore.trace import Change, Step, cycle
from cowpath.kernel.words import function_of, kernel_file, model_line, statement_of
from cowpath.verdict import Outcome, Result, Violation, names

WIDTH = 60
"""Where the column with the kernel's names begins."""


def trace_text(
    result: Result, steps: Sequence[Step], goal: Outcome | Violation, everything: bool = False
) -> str:
    """The whole trace; `everything` adds what only matters to locking."""
    lines = [
        title(goal),
        f"{result.program.name}, {result.version}: {count(steps)}, no shorter path exists",
        "",
    ]
    for group in grouped(result, steps):
        lines += step_lines(result, group, everything)
    again = cycle(result.exploration, goal.state) if isinstance(goal, Outcome) and goal.hang else []
    if again:
        lines += ["", "and then, again and again:", ""]
        for group in grouped(result, again):
            lines += step_lines(result, group, everything=True)
    return "\n".join([*lines, "", *promised_words(result, goal)]).rstrip() + "\n"


def title(goal: Outcome | Violation) -> str:
    """The verdict in words."""
    if isinstance(goal, Violation):
        return f"breaks {goal}: {goal.text}"
    if goal.breakage and (goal.crash or goal.hang):  # they name themselves
        return goal.text()
    return f"{goal.breakage or 'as promised'}: {goal.text()}"


def count(steps: Sequence[Step]) -> str:
    """How long the path is."""
    return "1 step" if len(steps) == 1 else f"{len(steps)} steps"


def grouped(result: Result, steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Steps in a row that one actor takes in one function for one statement."""
    group: list[Step] = []
    for step in steps:
        if group and heading(result, step) != heading(result, group[-1]):
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def heading(result: Result, step: Step) -> tuple[str, str, str]:
    """Actor, statement, function."""
    place = function_of(step)
    statement = statement_of(result.program, step.actor, step.before)
    return step.actor_name, statement, "" if place is None else place.function


def step_lines(result: Result, group: Sequence[Step], everything: bool) -> list[str]:
    """One heading, then what changed, then why; nothing where nothing a reader cares for changed."""
    changes = [change for change in net_changes(group) if everything or not change.quiet]
    notes = list(dict.fromkeys(note.text for step in group for note in step.notes))
    if not changes and not notes:
        return []
    actor, statement, function = heading(result, group[0])
    place = next((found for step in group if (found := function_of(step)) is not None), None)
    left = (
        f"{actor}  {statement}: {function}" if statement and function else f"{actor}  {statement or function}"
    )
    where = f"{kernel_file(place)}  {model_line(place)}" if place is not None else ""
    lines = [f"{left:{WIDTH}}  {where}".rstrip()]
    width = max((len(change.name) for change in changes), default=0)
    lines += [f"        {change.name:{width}}  {change.before} -> {change.after}" for change in changes]
    return lines + [f"        {note}" for note in notes]


def net_changes(group: Sequence[Step]) -> list[Change]:
    """What is different after a group of steps; what was taken and given back in between is left out."""
    found: dict[str, Change] = {}
    for step in group:
        for change in step.changes:
            first = found.setdefault(change.name, change)
            found[change.name] = dataclasses.replace(change, before=first.before)
    return [change for change in found.values() if change.before != change.after]


def promised_words(result: Result, goal: Outcome | Violation) -> list[str]:
    """Where an outcome leaves the promise: "0:r1 is 'a'; the promise allows only 'D'"."""
    if isinstance(goal, Violation) or goal.promised or goal.crash or goal.hang:
        return []
    lines = []
    seen = {**goal.registers, **goal.memory}
    for position, name in enumerate(names(result.program)):
        values = sorted({observed[position] for observed in result.promised})
        if name in seen and seen[name] not in values:
            choice = " or ".join(repr(value) for value in values)
            lines.append(f"{name} is {seen[name]!r}; the promise allows only {choice}")
    return lines or ["No single value is wrong, but the promise does not allow them together."]
