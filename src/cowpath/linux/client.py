# SPDX-License-Identifier: MIT
"""A thread that reports what user space sees: when each statement begins, and its value at the end.

It runs like the thread of task.py, for searches over every program (prove/), and it knows `any`.  A statement
begins with its first step and ends with its last: of all moments at which a process could note that it calls
and that the call is over, these promise most.  A register is forgotten when its statement has ended.

In an `any` a thread goes on after SIGSEGV, as a program does that handles the signal.  A process that has
exited may be forked again there, and a reference that was put may be taken again.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked
from cowpath.litmus import events
from cowpath.litmus.ast import Statement
from cowpath.litmus.program import SEGV, UNASSIGNED, Thread
from cowpath.litmus.statements import DeviceRead, DeviceWrite, Exit, Fork, GetUserPage, PutPage

from .arch.fault import KILLED
from .state import Kernel, Mm, Task
from .task import execute, reference_of, register_of


def run_client(k: Kernel, task: Task) -> Code:
    """Run the statements of the body in order, and those of an `any` as often as the search chooses."""
    position = 0
    while True:
        if events.may_stay(thread_of(k, task), position):
            yield IDLE
        else:
            yield
        number = begin(k, task, position)
        call = execute(k, task, thread_of(k, task).statements[number])
        fate = None
        if call is not None:
            fate = yield from call
        position = end(k, task, number, killed=fate == KILLED)


def begin(k: Kernel, task: Task, position: int) -> int:
    """Choose a statement that can begin here, report that it begins, and return its number."""
    thread = thread_of(k, task)
    numbers = events.following(thread, position)
    if not numbers or not k.mm(task).alive:
        raise Blocked(f"the fork of {task}")
    if k.overlap and sum(not other.done for other in k.tasks if other is not task) >= k.overlap:
        raise Blocked("the end of another statement")
    number = numbers[k.choose(len(numbers))]
    statement = thread.statements[number]
    if events.repeats(thread, number):
        require_possible(k, statement)
    task.done = False
    k.layout.step.tell(events.Begin(task.number, number))
    return number


def require_possible(k: Kernel, statement: Statement) -> None:
    """Block a statement that is not possible yet, in an `any`.

    A reference is taken only if it is not held, used only while it is held, and a child is forked only if it
    does not run.
    """
    if isinstance(statement, GetUserPage) and reference_of(k, statement.reference).state != "none":
        raise Blocked(f"the end of reference {statement.reference}")
    if (
        isinstance(statement, DeviceWrite | DeviceRead | PutPage)
        and reference_of(k, statement.reference).state != "held"
    ):
        raise Blocked(f"reference {statement.reference}")
    if isinstance(statement, Fork):
        child = k.program.threads[k.program.thread_index[statement.thread]]
        if k.mms[child.process].alive:
            raise Blocked(f"the end of {child.name}")


def end(k: Kernel, task: Task, number: int, killed: bool) -> int:
    """Report the value with which a statement ends, tidy up, and return the position that follows."""
    thread = thread_of(k, task)
    statement = thread.statements[number]
    if k.layout.step.replay is not None:
        return events.position_after(thread, number, killed)  # only that is live afterwards
    k.layout.step.tell(events.End(task.number, number, value_of(k, task, statement, killed)))
    if statement.assigns:
        register_of(k, task, statement.assigns).value[0] = k.content(UNASSIGNED)
    elif isinstance(statement, Exit):
        forget(k, k.mm(task))
    elif isinstance(statement, GetUserPage | PutPage) and events.repeats(thread, number):
        reference = reference_of(k, statement.reference)
        if reference.state == "put":
            reference.state = "none"
    position = events.position_after(thread, number, killed)
    task.done = events.may_stay(thread, position)
    return position


def value_of(k: Kernel, task: Task, statement: Statement, killed: bool) -> str:
    """Return what user space sees at the end of a statement: a register's value, EFAULT, SEGV or ""."""
    if statement.assigns:
        return k.layout.values[k.layout.step.look(register_of(k, task, statement.assigns).value[0])]
    if isinstance(statement, GetUserPage):
        return events.EFAULT if reference_of(k, statement.reference).state == "put" else ""
    return SEGV if killed and not isinstance(statement, Exit) else ""


def forget(k: Kernel, mm: Mm) -> None:
    """Reset what a process leaves behind that has ended, so that the next child is like the first."""
    mm.has_pinned = mm.on_mmlist = False
    for page in range(len(k.program.pages)):
        vma = k.pte(mm, page).vma
        for name, cell in vma.cells.items():
            setattr(vma, name, cell.values[0])


def thread_of(k: Kernel, task: Task) -> Thread:
    """Return the thread of the test that a task runs."""
    return k.program.threads[task.number]
