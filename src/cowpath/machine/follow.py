# SPDX-License-Identifier: MIT
"""From paths of the model to orders of statements that a machine can be driven in."""

from __future__ import annotations

from cowpath.errors import CowpathError
from cowpath.explore.record.frame import Frame
from cowpath.explore.trace import PathStep, trace
from cowpath.history.version import NEWEST, version
from cowpath.judge.judge import judge
from cowpath.litmus.program import Program
from cowpath.machine.schedule import Order, Schedule, follow


def orders_of_model(program: Program, architecture: str) -> Schedule:
    """Return in which order statements end on a shortest path to each outcome of the newest kernel."""
    result = judge(program, version(NEWEST, architecture))
    found: dict[tuple[int, ...], None] = {}
    for outcome in result.outcomes:
        if outcome.crash or outcome.hang:
            continue
        order = order_of(program, trace(result.exploration, outcome.state))
        try:
            found[follow(program, " ".join(names(program)[actor] for actor in order)).orders[0]] = None
        except CowpathError:
            continue  # statements overlap on this path: no order of whole statements is like it
    return Schedule(tuple(found), sampled=False)


def names(program: Program) -> list[str]:
    """Return the names of threads and background actors, by number."""
    actors = [f"{a.kind}({','.join(program.pages[p].name for p in a.pages)})" for a in program.background]
    return [thread.name for thread in program.threads] + actors


def order_of(program: Program, steps: list[PathStep]) -> Order:
    """Return who acts in turn: a thread where a statement of it ends, an actor where it begins to act."""
    order: Order = []
    started: set[int] = set()
    for step in steps:
        if step.actor < len(program.threads):
            ended = position(step.after, program, step.actor) - position(step.before, program, step.actor)
            order += [step.actor] * max(ended, 0)
        elif step.actor < len(names(program)) and step.actor not in started:
            started.add(step.actor)  # an order has each of them once
            order.append(step.actor)
    return order


def position(frame: Frame, program: Program, thread: int) -> int:
    """Return how many statements a thread has done."""
    if frame.finished:
        return len(program.threads[thread].body)
    found = dict(frame.held).get("position", 0)
    assert isinstance(found, int)
    return found
