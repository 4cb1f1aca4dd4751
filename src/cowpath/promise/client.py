# SPDX-License-Identifier: MIT
"""A thread of the promise that tells what user space sees of it, as the client of the mechanism does.

A statement begins, then its rule applies, then it ends, in steps of their own: so the promise allows every
value that the rule could give at any moment between the two events (linux/client.py tells them as late and
as early as it can).  What the kernel does by itself is not told, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from cowpath.explore.record.recorder import IDLE, Actor, Code, Model
from cowpath.explore.record.step import Blocked
from cowpath.litmus import events
from cowpath.litmus.ast import Statement
from cowpath.litmus.program import SEGV, UNASSIGNED, Program, Thread
from cowpath.litmus.statements import DeviceRead, DeviceWrite, Exit, Fork, GetUserPage, PutPage, Wait
from cowpath.promise import model, writes
from cowpath.promise.state import Process, Promise, Task
from cowpath.promise.task import (
    ENDED,
    execute,
    process_of,
    reference_of,
    register_of,
    task_of,
    written_by,
)


def build(program: Program) -> Model:
    """The promise under the clients of a program."""
    p = Promise(program)
    threads = tuple(
        Actor(thread.name, partial(run_client, p, task), background=events.may_stay(thread, 0))
        for thread, task in zip(program.threads, p.tasks, strict=True)
    )
    others = model.actors(p)[len(threads) :]
    initial = p.layout.initial(partial(begin_all, p))
    return Model(p.layout, threads + others, initial, partial(model.observe, p))


def begin_all(p: Promise) -> None:
    """As in `model.begin`; a thread that may stay where it is has nothing left to do."""
    model.begin(p)
    for thread, task in zip(p.program.threads, p.tasks, strict=True):
        task.done = events.may_stay(thread, 0)


def run_client(p: Promise, task: Task) -> Code:
    """Every statement of the body in order, those of an `any` as often as the search likes."""
    position = 0
    while True:
        if events.may_stay(thread_of(p, task), position):
            yield IDLE
        else:
            yield
        number = begin(p, task, position)
        fate = None
        if not events.is_silent(thread_of(p, task).statements[number]):
            yield
            fate = yield from run_statement(p, task, number)
            yield
        position = end(p, task, number, killed=fate == ENDED)


def begin(p: Promise, task: Task, position: int) -> int:
    """Choose a statement that can begin here, tell that it does, and return its number."""
    thread = thread_of(p, task)
    numbers = events.following(thread, position)
    if not numbers or not process_of(p, task).alive:
        raise Blocked(f"the fork of {task}")
    number = numbers[p.layout.step.choose(len(numbers))]
    statement = thread.statements[number]
    if events.repeats(thread, number):
        require_possible(p, statement)
    task.done = False
    if isinstance(statement, Wait):
        execute(p, task, statement)  # blocks until it is over
    elif not events.is_silent(statement):
        p.layout.step.tell(events.Begin(task.number, number))
    return number


def require_possible(p: Promise, statement: Statement) -> None:
    """Of a reference at most one is held, nothing goes through one that is not, and a child is born once."""
    if isinstance(statement, GetUserPage) and reference_of(p, statement.reference).state != "none":
        raise Blocked(f"the end of reference {statement.reference}")
    if (
        isinstance(statement, DeviceWrite | DeviceRead | PutPage)
        and reference_of(p, statement.reference).state != "held"
    ):
        raise Blocked(f"reference {statement.reference}")
    if isinstance(statement, Fork) and process_of(p, task_of(p, statement.thread)).alive:
        raise Blocked(f"the end of {statement.thread}")


def run_statement(p: Promise, task: Task, number: int) -> Code:
    """The rule of a statement; returns ENDED where no statement of an ordinary thread would follow."""
    if p.tells("uffd_wp"):
        yield from writes.announce(p, task, written_by(p, task, thread_of(p, task).statements[number]))
    fate = execute(p, task, thread_of(p, task).statements[number])
    if isinstance(fate, Generator):
        fate = yield from fate
    return fate


def end(p: Promise, task: Task, number: int, killed: bool) -> int:
    """Tell with what a statement ends, tidy up after it, and return the position that follows."""
    thread = thread_of(p, task)
    statement = thread.statements[number]
    position = events.position_after(thread, number, killed)
    if p.layout.step.replay is not None:
        return position
    if not events.is_silent(statement):
        p.layout.step.tell(events.End(task.number, number, value_of(p, task, statement, killed)))
    if statement.assigns:
        register_of(p, task, statement.assigns).value[0] = p.content(UNASSIGNED)
    elif isinstance(statement, Exit):
        forget(p, process_of(p, task))
    elif isinstance(statement, GetUserPage | PutPage) and events.repeats(thread, number):
        reference = reference_of(p, statement.reference)
        if reference.state == "put":
            reference.state = "none"
    task.done = events.may_stay(thread, position)
    return position


def value_of(p: Promise, task: Task, statement: Statement, killed: bool) -> str:
    """Return what user space sees at the end of a statement."""
    if statement.assigns:
        return p.layout.values[p.layout.step.look(register_of(p, task, statement.assigns).value[0])]
    if isinstance(statement, GetUserPage):
        return events.EFAULT if reference_of(p, statement.reference).state == "put" else ""
    return SEGV if killed and not isinstance(statement, Exit) else ""


def forget(p: Promise, process: Process) -> None:
    """Reset what a process leaves behind that has ended, so that the next child is like the first."""
    for memory in p.memory_of(process):
        memory.mapped = memory.read = memory.write = False
        if p.tells("uffd_wp"):
            memory.registered = False


def thread_of(p: Promise, task: Task) -> Thread:
    """The thread of the test that a task runs."""
    return p.program.threads[task.number]
