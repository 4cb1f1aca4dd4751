# SPDX-License-Identifier: MIT
"""A thread of the litmus test under the promise: for each statement, the rule that it falls under."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Content
from cowpath.litmus import ast, statements
from cowpath.litmus.ast import NO, YES
from cowpath.promise import rules, writes
from cowpath.promise.state import Memory, Process, Promise, Reference, Register, Task

ENDED = "ended"
"""The result of a statement after which its thread does nothing more: SIGSEGV, or exit."""


def run_thread(p: Promise, task: Task, position: int = 0) -> Code:
    """Run every statement in order from `position` on; the first waits until the process exists."""
    if position == 0 and not process_of(p, task).alive:
        raise Blocked(f"the fork of {task}")
    while position < len(p.program.threads[task.number].body):
        if p.tells("uffd_wp"):
            yield from writes.announce(
                p, task, written_by(p, task, p.program.threads[task.number].body[position])
            )
        fate = execute(p, task, p.program.threads[task.number].body[position])
        if isinstance(fate, Generator):
            fate = yield from fate
        if fate == ENDED:
            break
        position += 1
        yield
    task.done = True


def execute(p: Promise, task: Task, statement: ast.Statement) -> Code | str | None:
    """Do a statement that takes one instant, and return ENDED or None; else return the rule to run.

    Raises CowpathError where the promise has no row for it.
    """
    if type(statement) not in STATEMENTS:
        line, column = statement.position.line, statement.position.column
        raise CowpathError(f"line {line}, column {column}: nothing is promised about this statement yet")
    return STATEMENTS[type(statement)](p, task, statement)


def written_by(p: Promise, task: Task, statement: ast.Statement) -> Memory | None:
    """Return the memory that a statement writes to through its process, or None."""
    match statement:
        case statements.Store(page=page):
            memory, force = memory_of(p, task, page), False
        case statements.GetUserPage(page=page, flags=flags) if "FOLL_WRITE" in flags:
            memory, force = memory_of(p, task, page), "FOLL_FORCE" in flags
        case _:
            return None
    return memory if (memory.mapped if force else memory.writable) else None


def others_of(p: Promise, task: Task) -> list[Task]:
    """Return the other threads of the process."""
    process = process_of(p, task)
    return [other for other in p.tasks if other is not task and process_of(p, other) is process]


def others_are_done(p: Promise, task: Task) -> None:
    """Wait for the other threads of the process.  Raises Blocked."""
    for other in others_of(p, task):
        if not other.done:
            raise Blocked(f"the end of {other}")


def taken(p: Promise, name: str) -> Reference:
    """Return a reference by its name, once somebody has taken it.  Raises Blocked before."""
    reference = reference_of(p, name)
    if reference.state == "none":
        raise Blocked(f"reference {name}")
    return reference


# -- what names stand for --------------------------------------------------------------------------


def task_of(p: Promise, name: str) -> Task:
    """Return a thread by its name."""
    return p.tasks[p.program.thread_index[name]]


def process_of(p: Promise, task: Task) -> Process:
    """Return the process of a thread."""
    return p.processes[p.program.threads[task.number].process]


def memory_of(p: Promise, task: Task, page: str) -> Memory:
    """Return a page by its name, as the process of a thread has it."""
    return p.memory_of(process_of(p, task))[p.program.page_index[page]]


def range_of(p: Promise, task: Task, first: str, last: str) -> tuple[Memory, ...]:
    """Return the pages of a range; silent ones come along, and nobody looks at them."""
    memory = p.memory_of(process_of(p, task))
    return tuple(memory[page] for page in p.program.range(first, last))


def reference_of(p: Promise, name: str) -> Reference:
    """Return a reference by its name."""
    return p.references[p.program.reference_index[name]]


def register_of(p: Promise, task: Task, name: str) -> Register:
    """Return a register of a thread by its name."""
    return p.registers[p.program.registers.index((task.number, name))]


def content_of(p: Promise, task: Task, value: ast.Value) -> Content:
    """Return the content to store: a constant, or what a register holds."""
    if isinstance(value, ast.Register):
        return register_of(p, task, value.name).value[0]
    return p.content(value)


# -- one row a statement ---------------------------------------------------------------------------


def do_load(p: Promise, task: Task, s: statements.Load) -> str | None:
    """`r = x[i]`"""
    readable = rules.load(p, memory_of(p, task, s.page), s.place, register_of(p, task, s.register))
    return None if readable else ENDED


def do_store(p: Promise, task: Task, s: statements.Store) -> str | None:
    """`x[i] = v`"""
    writable = rules.store(p, memory_of(p, task, s.page), s.place, content_of(p, task, s.value))
    return None if writable else ENDED


def do_get_user_page(p: Promise, task: Task, s: statements.GetUserPage) -> None:
    """`g = get_user_page(x)`, `pin_user_page(x)`; how fast it is makes no difference."""
    rules.take(p, reference_of(p, s.reference), memory_of(p, task, s.page), s.flags, s.pin)


def do_device_write(p: Promise, task: Task, s: statements.DeviceWrite) -> None:
    """`device_write(g, i, v)`"""
    rules.device_write(p, taken(p, s.reference), s.place, content_of(p, task, s.value))


def do_device_read(p: Promise, task: Task, s: statements.DeviceRead) -> None:
    """`r = device_read(g, i)`"""
    rules.device_read(taken(p, s.reference), s.place, register_of(p, task, s.register))


def do_put_page(p: Promise, task: Task, s: statements.PutPage) -> None:
    """`put_page(g)`, `unpin_user_page(g)`, `unpin_user_pages_dirty_lock(g)`"""
    rules.put(p, taken(p, s.reference))


def do_fork(p: Promise, task: Task, s: statements.Fork) -> Code:
    """`fork(P1)`; where it fails, the threads of the child and its children have nothing to do."""
    child = process_of(p, task_of(p, s.thread))
    forked = yield from rules.fork(p, task.number, process_of(p, task), child)
    if not forked:
        for thread in p.program.born_of(child.number):
            p.tasks[thread].done = True


def do_exit(p: Promise, task: Task, s: statements.Exit) -> Code:
    """`exit()`: when the other threads of the process are done."""
    others_are_done(p, task)
    yield from rules.exit_process(p, process_of(p, task))
    return ENDED


def do_wait(p: Promise, task: Task, s: statements.Wait) -> None:
    """`wait(P1)`"""
    if not task_of(p, s.thread).done:
        raise Blocked(f"the end of {s.thread}")


def do_madvise(p: Promise, task: Task, s: statements.Madvise) -> None:
    """`madvise(x, MADV_...)`: most advice changes nothing that a process can see."""
    for memory in range_of(p, task, s.page, s.last):
        if s.advice == "MADV_DONTNEED":
            rules.give_up(p, memory)
        elif s.advice == "MADV_FREE":
            rules.madvise_free(p, memory)
        elif s.advice in ("MADV_DONTFORK", "MADV_DOFORK"):
            rules.madvise_dontfork(memory, s.advice == "MADV_DONTFORK")


def do_mprotect(p: Promise, task: Task, s: statements.Mprotect) -> None:
    """`mprotect(x, PROT_...)`"""
    for memory in range_of(p, task, s.page, s.last):
        rules.mprotect(memory, s.protection)


def do_munmap(p: Promise, task: Task, s: statements.Munmap) -> None:
    """`munmap(x)`"""
    for memory in range_of(p, task, s.page, s.last):
        rules.munmap(p, memory)


def do_swapoff(p: Promise, task: Task, s: statements.Swapoff) -> None:
    """`swapoff()`"""
    rules.swapoff(p)


def do_nothing(p: Promise, task: Task, s: ast.Statement) -> None:
    """Do nothing: what the kernel does by itself changes nothing that a process can see."""


def do_mincore(p: Promise, task: Task, s: statements.Mincore) -> None:
    """`r = mincore(x)`: any answer, for a page may be anywhere; none where nothing is mapped (ENOMEM)."""
    if memory_of(p, task, s.page).mapped:
        register_of(p, task, s.register).value[0] = p.content(YES if p.choose() else NO)


def do_clear_refs(p: Promise, task: Task, s: statements.ClearRefs) -> Code:
    """`clear_refs()`"""
    return writes.clear_refs(p, process_of(p, task))


def do_soft_dirty(p: Promise, task: Task, s: statements.SoftDirty) -> None:
    """`r = soft_dirty(x)`"""
    writes.soft_dirty(p, memory_of(p, task, s.page), register_of(p, task, s.register))


def do_userfaultfd_wp(p: Promise, task: Task, s: statements.UserfaultfdWp) -> None:
    """`userfaultfd_wp(x)`, `userfaultfd_wp(x, 0)`"""
    (writes.allow if s.mode else writes.protect)(p, memory_of(p, task, s.page))


def do_userfaultfd_read(p: Promise, task: Task, s: statements.UserfaultfdRead) -> None:
    """`r = userfaultfd_read(x)`"""
    writes.listen(p, memory_of(p, task, s.page), others_of(p, task), register_of(p, task, s.register))


def do_userfaultfd_move(p: Promise, task: Task, s: statements.UserfaultfdMove) -> None:
    """`userfaultfd_move(x, y)`"""
    rules.userfaultfd_move(p, memory_of(p, task, s.destination), memory_of(p, task, s.source))


def do_pagemap_scan(p: Promise, task: Task, s: statements.PagemapScan) -> None:
    """`r = pagemap_scan(x)`"""
    writes.pagemap_scan(p, memory_of(p, task, s.page), register_of(p, task, s.register))


STATEMENTS: Mapping[type[ast.Statement], Callable[[Promise, Task, Any], Code | str | None]] = {
    statements.Load: do_load,
    statements.Store: do_store,
    statements.GetUserPage: do_get_user_page,
    statements.DeviceWrite: do_device_write,
    statements.DeviceRead: do_device_read,
    statements.PutPage: do_put_page,
    statements.Fork: do_fork,
    statements.Exit: do_exit,
    statements.Wait: do_wait,
    statements.Madvise: do_madvise,
    statements.Mprotect: do_mprotect,
    statements.Munmap: do_munmap,
    statements.Swapoff: do_swapoff,
    statements.Migrate: do_nothing,
    statements.KsmMerge: do_nothing,
    statements.NumaHint: do_nothing,
    statements.Mincore: do_mincore,
    statements.ClearRefs: do_clear_refs,
    statements.SoftDirty: do_soft_dirty,
    statements.UserfaultfdWp: do_userfaultfd_wp,
    statements.UserfaultfdRead: do_userfaultfd_read,
    statements.UserfaultfdMove: do_userfaultfd_move,
    statements.PagemapScan: do_pagemap_scan,
    statements.ZswapEnabled: do_nothing,
}
"""The rule for each statement; tests/test_statements.py holds that none is missing."""
