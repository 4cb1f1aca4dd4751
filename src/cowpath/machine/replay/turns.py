# SPDX-License-Identifier: MIT
"""A path of the model, cut where another thread goes on: who runs to which place, turn by turn."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cowpath.explore.record.frame import Frame
from cowpath.explore.trace import PathStep
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.litmus.statements import Swapoff
from cowpath.machine.follow import position
from cowpath.machine.replay.places import yield_at
from cowpath.machine.replay.source import CannotReplayError

BY_ITSELF = ("writeback", "lru_batch", "submit_bio", "batch")
"""Background actors that a machine has of its own, and that act when they like."""

SWAPOFF_DONE = "mm/swapfile.py swapoff 2"
"""The device is off, and not on again: for user space the end of one call, and the beginning of another."""


@dataclass(frozen=True)
class Turn:
    """A run of one thread to a place (a yield of the model) inside a statement or, if empty, to its end."""

    thread: int
    place: str
    statement: str


def turns(program: Program, steps: Sequence[PathStep]) -> tuple[list[Turn], list[str]]:
    """Return the turns of a path, and what is left to the machine.  Raises CannotReplayError."""
    found: list[Turn] = []
    left: list[str] = []
    for actor, piece in itertools.groupby(steps, key=lambda step: step.actor):
        run = list(piece)
        if actor < len(program.threads):
            found += _of_thread(program, actor, run[0].before, run[-1].after)
        elif run[0].actor_name.startswith(BY_ITSELF):
            left.append(run[0].actor_name)
        else:
            raise CannotReplayError(
                f"{run[0].actor_name} takes part: it chooses its pages itself, and cannot be driven"
            )
    return found, list(dict.fromkeys(left))


def _of_thread(program: Program, thread: int, before: Frame, after: Frame) -> Iterator[Turn]:
    """Yield a turn for each statement that ends, and one more where the thread stops inside the next."""
    body = program.threads[thread].body
    start, end = position(before, program, thread), position(after, program, thread)
    begun = _place(before)
    for number in range(start, end):
        if isinstance(body[number], Swapoff) and not (number == start and begun == SWAPOFF_DONE):
            yield Turn(thread, "", statement_text(body[number]))  # off, and in the next turn on again
        yield Turn(thread, "", statement_text(body[number]))
    stopped = _place(after)
    if after.finished or stopped.startswith("task.py run_thread"):
        return
    if stopped == SWAPOFF_DONE:
        yield Turn(thread, "", statement_text(body[end]))
    elif stopped:
        yield Turn(thread, stopped, statement_text(body[end]))


def _place(frame: Frame) -> str:
    """Return the yield that a thread stands at."""
    return yield_at(frame.where[-1].file, frame.where[-1].line) if frame.where else ""
