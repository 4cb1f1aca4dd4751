# SPDX-License-Identifier: MIT
"""A path of the model, cut where another thread goes on: who runs to which place, turn by turn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cowpath.explore.record.frame import Frame
from cowpath.explore.trace import PathStep
from cowpath.litmus import ast
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.litmus.statements import Load, Store, Swapoff
from cowpath.machine.follow import position
from cowpath.machine.replay.helpers import BY_ITSELF, Helper, Role, role_of
from cowpath.machine.replay.places import yield_at

SWAPOFF_DONE = "mm/swapfile.py swapoff 2"
"""The device is off, and not on again: for user space the end of one call, and the beginning of another."""

NOBODY = -1
"""The number of the thread in a turn of the machine itself: all threads wait."""


@dataclass(frozen=True)
class Turn:
    """A run of one thread to a place (a yield of the model) inside a statement or, if empty, to its end.

    `page` is the page that a load or store goes to: its faults are the ones to look at, None for other
    statements.
    """

    thread: int
    place: str
    statement: str
    name: str = ""
    page: int | None = None


@dataclass(frozen=True)
class Route:
    """The turns of a path, and the threads that play background actors; they come after those of the test."""

    turns: list[Turn]
    helpers: list[Helper]


def turns(program: Program, steps: Sequence[PathStep]) -> Route:
    """Return the turns of a path.  Raises CannotReplayError."""
    found: list[Turn] = []
    roles: dict[str, Role] = {}
    for actor, piece in itertools.groupby(steps, key=lambda step: step.actor):
        run = list(piece)
        name = run[0].actor_name
        if actor < len(program.threads):
            found += _of_thread(program, actor, run[0].before, run[-1].after)
        elif name.startswith(BY_ITSELF):
            if not found or found[-1].thread != NOBODY:
                found.append(Turn(NOBODY, "", "", "the device"))
        else:
            role = roles.setdefault(name, role_of(program, actor, name))
            found += _of_helper(len(program.threads) + list(roles).index(name), name, role, run)
    return Route(found, [Helper(name, role, _times(found, name)) for name, role in roles.items()])


def _times(found: Sequence[Turn], name: str) -> int:
    """Return how often an actor acts, the last time perhaps not to its end."""
    own = [turn.place for turn in found if turn.name == name]
    return own.count("") + bool(own[-1])


def _of_helper(thread: int, name: str, role: Role, run: Sequence[PathStep]) -> Iterator[Turn]:
    """Yield a turn for each time that an actor becomes idle, and one more where it stops in between."""
    places = [_place(step.after) for step in run]
    for step, place in zip(run, places, strict=True):
        if step.after.finished or place in role.idle:
            yield Turn(thread, "", role.statement, name)
    if not run[-1].after.finished and places[-1] not in role.idle:
        yield Turn(thread, places[-1], role.statement, name)


def _of_thread(program: Program, thread: int, before: Frame, after: Frame) -> Iterator[Turn]:
    """Yield a turn for each statement that ends, and one more where the thread stops inside the next."""
    body = program.threads[thread].body
    start, end = position(before, program, thread), position(after, program, thread)
    begun = _place(before)
    for number in range(start, end):
        if isinstance(body[number], Swapoff) and not (number == start and begun == SWAPOFF_DONE):
            yield _turn(program, thread, "", body[number])  # off, and in the next turn on again
        yield _turn(program, thread, "", body[number])
    stopped = _place(after)
    if after.finished or stopped.startswith("task.py run_thread"):
        return
    if stopped == SWAPOFF_DONE:
        yield _turn(program, thread, "", body[end])
    elif stopped:
        yield _turn(program, thread, stopped, body[end])


def _turn(program: Program, thread: int, place: str, statement: ast.Statement) -> Turn:
    page = program.page_index[statement.page] if isinstance(statement, Load | Store) else None
    return Turn(thread, place, statement_text(statement), program.threads[thread].name, page)


def _place(frame: Frame) -> str:
    """Return the yield that a thread stands at."""
    return yield_at(frame.where[-1].file, frame.where[-1].line) if frame.where else ""
