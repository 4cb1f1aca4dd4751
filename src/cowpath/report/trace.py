# SPDX-License-Identifier: MIT
"""`cowpath trace`: the path to an outcome as a diff of kernel state, step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cowpath.explore.trace import CellChange, PathStep, cycle
from cowpath.judge.condition import names
from cowpath.judge.goal import Goal
from cowpath.judge.result import Outcome, Result, Violation
from cowpath.report.words import Words, function_of, kernel_file, model_file, statement_of, value_words

WIDTH = 60
"""The column where the kernel's names begin."""


@dataclass(frozen=True, slots=True)
class TraceBlock:
    """Steps that an actor takes in a row, in one function for one statement: a reader sees them as one."""

    actor: int
    name: str
    statement: str
    function: str
    file: str  # of the kernel tree
    model_file: str
    changes: tuple[CellChange, ...]
    notes: tuple[str, ...]
    target: bytes  # the state afterwards

    @property
    def title(self) -> str:
        """The statement and the function, or the one there is."""
        return ": ".join(part for part in (self.statement, self.function) if part)


def blocks(result: Result, steps: Sequence[PathStep], everything: bool = False) -> Iterator[TraceBlock]:
    """The path as blocks; steps that change nothing a reader cares for are left out unless `everything`."""
    for group in grouped(result, steps):
        changes = [change for change in net_changes(group) if everything or not change.quiet]
        notes = list(dict.fromkeys(note.text for step in group for note in step.notes))
        crash = result.exploration.recorder.crash(group[-1].target)
        notes += [f"the kernel stops: {crash}"] if crash else []
        if not changes and not notes:
            continue
        actor, statement, function = heading(result, group[0])
        place = next((found for step in group if (found := function_of(step)) is not None), None)
        file, model = ("", "") if place is None else (kernel_file(place), model_file(place))
        number = group[0].actor
        target = group[-1].target
        yield TraceBlock(
            number, actor, statement, function, file, model, tuple(changes), tuple(notes), target
        )


def trace_text(
    result: Result,
    steps: Sequence[PathStep],
    goal: Goal,
    everything: bool = False,
    words: Words = value_words,
) -> str:
    """The whole trace as plain text; `everything` adds what only matters to locking, `words` show values."""
    path = path_lines(result, steps, goal, everything, words)
    ending = [*promised_words(result, goal), last_line(result, goal)]
    return "\n".join([title(goal), subtitle(result, steps), "", *path, "", *ending]) + "\n"


def path_lines(
    result: Result,
    steps: Sequence[PathStep],
    goal: Goal,
    everything: bool = False,
    words: Words = value_words,
) -> list[str]:
    """The path itself, block by block; an endless loop is followed once around."""
    lines = [line for block in blocks(result, steps, everything) for line in block_lines(block, words)]
    again = circle(result, goal)
    if again:
        lines += ["", AGAIN, ""]
        for block in blocks(result, again, everything=True):
            lines += block_lines(block, words)
    return lines


AGAIN = "and then, again and again:"


def circle(result: Result, goal: Goal) -> list[PathStep]:
    """The steps that lead back to where they began, where the goal is an endless loop."""
    hangs = isinstance(goal, Outcome) and goal.hang
    return cycle(result.exploration, goal.state) if hangs else []


def title(goal: Goal) -> str:
    """The first line of a trace: what goes wrong there, and the outcome."""
    if isinstance(goal, Violation):
        return f"breaks {goal}: {goal.text}"
    if goal.breakage and (goal.crash or goal.hang):  # they name themselves
        return goal.text()
    return f"{goal.breakage or 'as promised'}: {goal.text()}"


def subtitle(result: Result, steps: Sequence[PathStep]) -> str:
    """Which test and kernel, how many steps; a search in partial order does not know the fewest."""
    shortest = "no shorter path exists" if result.exploration.shortest else "a shorter path may exist"
    return f"{result.program.name}, {result.version}: {count(steps)}, {shortest}"


def last_line(result: Result, goal: Goal) -> str:
    """The promise that is broken, by name."""
    if isinstance(goal, Violation):
        return f"Broken on {result.version}: {goal}"
    if goal.promised:
        return "As promised: private memory may end like this."
    return f"Promise broken on {result.version}: {goal.breakage}"


def count(steps: Sequence[PathStep]) -> str:
    """The length of a path in words: "18 steps"."""
    return "1 step" if len(steps) == 1 else f"{len(steps)} steps"


def grouped(result: Result, steps: Sequence[PathStep]) -> Iterator[list[PathStep]]:
    """Steps in a row that one actor takes in one function for one statement."""
    group: list[PathStep] = []
    for step in steps:
        if group and heading(result, step) != heading(result, group[-1]):
            yield group
            group = []
        group.append(step)
    if group:
        yield group


def heading(result: Result, step: PathStep) -> tuple[str, str, str]:
    """The head of a step: its actor, its statement, and its function of the kernel, empty where none runs."""
    place = function_of(step)
    statement = statement_of(result.program, step)
    return step.actor_name, statement, "" if place is None else place.function


def block_lines(block: TraceBlock, words: Words = value_words) -> list[str]:
    """The lines of a block: its heading, the changes, the reasons."""
    where = f"{block.file}  {block.model_file}" if block.file else ""
    lines = [f"{f'{block.name}  {block.title}':{WIDTH}}  {where}".rstrip()]
    width = max((len(change.name) for change in block.changes), default=0)
    lines += [f"        {change.name:{width}}  {change_words(change, words)}" for change in block.changes]
    return lines + [f"        {note}" for note in block.notes]


def change_words(change: CellChange, words: Words = value_words) -> str:
    """Old value and new one: "1 -> 2"."""
    return f"{words(change.before)} -> {words(change.after)}"


def net_changes(group: Sequence[PathStep]) -> list[CellChange]:
    """The differences after a group of steps; what was taken and given back in between is left out."""
    found: dict[str, CellChange] = {}
    for step in group:
        for change in step.changes:
            first = found.setdefault(change.name, change)
            found[change.name] = dataclasses.replace(change, before=first.before)
    return [change for change in found.values() if change.before != change.after]


def promised_words(result: Result, goal: Goal, who: str = "the promise") -> list[str]:
    """Says where an outcome leaves the promise: "0:r1 is 'a'; the promise allows only 'D'"."""
    if isinstance(goal, Violation) or goal.promised or goal.crash or goal.hang:
        return []
    seen = {**goal.registers, **goal.memory}
    lines = []
    for name, values in forbidden_values(result, goal).items():
        choice = " or ".join(repr(value) for value in values)
        lines.append(f"{name} is {seen[name]!r}; {who} allows only {choice}")
    return lines or [f"No single value is wrong, but {who} does not allow them together."]


def forbidden_values(result: Result, goal: Outcome) -> dict[str, list[str]]:
    """Each name whose value the promise never allows, with the values that it does."""
    seen = {**goal.registers, **goal.memory}
    found = {}
    for position, name in enumerate(names(result.program)):
        values = sorted({observed[position] for observed in result.promised})
        if name in seen and seen[name] not in values:
            found[name] = values
    return found
