# SPDX-License-Identifier: MIT
"""A thread of the litmus test: each statement as the rule of the promise that it calls for."""

from __future__ import annotations

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Content
from cowpath.litmus import ast
from cowpath.promise import rules, writes
from cowpath.promise.state import Memory, Process, Promise, Reference, Register, Task


def run_thread(p: Promise, task: Task, position: int = 0) -> Code:
    """Every statement in order from `position` on; the first, from when the process exists."""
    if position == 0 and not process_of(p, task).alive:
        raise Blocked(f"the fork of {task}")
    while position < len(p.program.threads[task.number].body):
        if p.tells("uffd_wp"):
            yield from writes.announce(p, task, written_by(p, task, position))
        statement = p.program.threads[task.number].body[position]
        if isinstance(statement, ast.Fork):
            yield from rules.fork(p, process_of(p, task), process_of(p, task_of(p, statement.thread)))
        elif isinstance(statement, ast.ClearRefs):
            yield from writes.clear_refs(p, process_of(p, task))
        elif isinstance(statement, ast.Exit):
            others_are_done(p, task)
            yield from rules.exit_process(p, process_of(p, task))
            break
        elif not execute(p, task, statement):
            break
        position += 1
        yield
    task.done = True


def execute(p: Promise, task: Task, statement: ast.Statement) -> bool:
    """A statement that takes one instant; False where the process is killed by SIGSEGV."""
    match statement:
        case ast.Load(register=register, page=page, place=place):
            return rules.load(p, memory_of(p, task, page), place, register_of(p, task, register))
        case ast.Store(page=page, place=place, value=value):
            return rules.store(p, memory_of(p, task, page), place, content_of(p, task, value))
        case ast.GetUserPage(reference=reference, page=page, flags=flags, pin=pin):
            rules.take(p, reference_of(p, reference), memory_of(p, task, page), flags, pin)
        case ast.DeviceWrite(reference=reference, place=place, value=value):
            rules.device_write(p, taken(p, reference), place, content_of(p, task, value))
        case ast.DeviceRead(register=register, reference=reference, place=place):
            rules.device_read(taken(p, reference), place, register_of(p, task, register))
        case ast.PutPage(reference=reference):
            rules.put(p, taken(p, reference))
        case ast.Mprotect(page=page, protection=protection):
            rules.mprotect(memory_of(p, task, page), protection)
        case ast.Munmap(page=page):
            rules.munmap(p, memory_of(p, task, page))
        case ast.Madvise(page=page, advice="MADV_DONTNEED"):
            rules.give_up(p, memory_of(p, task, page))
        case ast.Madvise(page=page, advice="MADV_FREE"):
            rules.madvise_free(p, memory_of(p, task, page))
        case ast.UserfaultfdMove(destination=destination, source=source):
            rules.userfaultfd_move(p, memory_of(p, task, destination), memory_of(p, task, source))
        case ast.SoftDirty(register=register, page=page):
            writes.soft_dirty(p, memory_of(p, task, page), register_of(p, task, register))
        case ast.UserfaultfdWp(page=page, mode=mode):
            (writes.allow if mode else writes.protect)(p, memory_of(p, task, page))
        case ast.UserfaultfdRead(register=register, page=page):
            memory, others = memory_of(p, task, page), others_of(p, task)
            writes.listen(p, memory, others, register_of(p, task, register))
        case ast.Wait(thread=thread):
            if not task_of(p, thread).done:
                raise Blocked(f"the end of {thread}")
        case ast.Madvise() | ast.Swapoff() | ast.Migrate() | ast.KsmMerge() | ast.NumaHint():
            pass  # what the kernel does by itself changes nothing
        case _:
            line, column = statement.position.line, statement.position.column
            raise CowpathError(f"line {line}, column {column}: nothing is promised about this statement yet")
    return True


def written_by(p: Promise, task: Task, position: int) -> Memory | None:
    """The memory that a statement writes to through its process, where it may."""
    match p.program.threads[task.number].body[position]:
        case ast.Store(page=page):
            memory, force = memory_of(p, task, page), False
        case ast.GetUserPage(page=page, flags=flags) if "FOLL_WRITE" in flags:
            memory, force = memory_of(p, task, page), "FOLL_FORCE" in flags
        case _:
            return None
    return memory if (memory.mapped if force else memory.writable) else None


def others_of(p: Promise, task: Task) -> list[Task]:
    """The other threads of the process."""
    process = process_of(p, task)
    return [other for other in p.tasks if other is not task and process_of(p, other) is process]


def others_are_done(p: Promise, task: Task) -> None:
    """exit waits for the other threads of the process."""
    for other in others_of(p, task):
        if not other.done:
            raise Blocked(f"the end of {other}")


def taken(p: Promise, name: str) -> Reference:
    """A reference by its name, once somebody has taken it."""
    reference = reference_of(p, name)
    if reference.state == "none":
        raise Blocked(f"reference {name}")
    return reference


# -- what names stand for --------------------------------------------------------------------------


def task_of(p: Promise, name: str) -> Task:
    """A thread."""
    return p.tasks[p.program.thread_index[name]]


def process_of(p: Promise, task: Task) -> Process:
    """The process of a thread."""
    return p.processes[p.program.threads[task.number].process]


def memory_of(p: Promise, task: Task, page: str) -> Memory:
    """A page, as the process of a thread has it."""
    return p.memory_of(process_of(p, task))[p.program.page_index[page]]


def reference_of(p: Promise, name: str) -> Reference:
    """A reference."""
    return p.references[p.program.reference_index[name]]


def register_of(p: Promise, task: Task, name: str) -> Register:
    """A register of a thread."""
    return p.registers[p.program.registers.index((task.number, name))]


def content_of(p: Promise, task: Task, value: ast.Value) -> Content:
    """A constant, or what a register holds."""
    if isinstance(value, ast.Register):
        return register_of(p, task, value.name).value[0]
    return p.content(value)
