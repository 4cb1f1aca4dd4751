# SPDX-License-Identifier: MIT
"""A thread of the litmus test: it does each statement as a CPU access or a system call.

Each thread has a CPU of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked
from cowpath.litmus import ast, statements

from .arch.fault import KILLED
from .fs.proc import task_mmu
from .fs.proc.task_mmu import clear_refs_write, pagemap_read
from .fs.userfaultfd import userfaultfd_read
from .hardware import device_read, device_write, load, put_reference, store, stored
from .kernel.fork import dup_mmap
from .mm import gup, ksm
from .mm.madvise import (
    madvise_dontneed_single_vma,
    madvise_free_single_vma,
    madvise_pageout,
    madvise_vma_behavior,
)
from .mm.migrate import move_pages
from .mm.mincore import mincore
from .mm.mmap import exit_mmap, munmap
from .mm.mprotect import change_prot_numa, mprotect
from .mm.swapfile import swapoff
from .mm.userfaultfd import userfaultfd_move, userfaultfd_writeprotect
from .mm.zswap import zswap_enabled_param_set
from .state import Kernel, Pte, Reference, Register, Task


def run_thread(k: Kernel, task: Task, position: int = 0) -> Code:
    """Run the statements in order from `position` on, the first one once the process exists."""
    if position == 0 and not k.mm(task).alive:
        raise Blocked(f"the fork of {task}")
    while position < len(k.program.threads[task.number].body):
        call = execute(k, task, k.program.threads[task.number].body[position])
        if call is not None:
            fate = yield from call
            if fate == KILLED:
                break
        position += 1
        yield
    task.done = True


def execute(k: Kernel, task: Task, statement: ast.Statement) -> Code | None:
    """Do a statement that takes one step, and return None; else return the kernel code to run.

    Raises CowpathError for a statement that is not modelled.
    """
    if type(statement) not in STATEMENTS:
        line, column = statement.position.line, statement.position.column
        raise CowpathError(f"line {line}, column {column}: this statement is not modelled yet")
    return STATEMENTS[type(statement)](k, task, statement)


# -- what the names in a statement stand for -------------------------------------------------------


def pte_of(k: Kernel, task: Task, page: str) -> Pte:
    """Return the page-table entry of a page, in the process of a thread."""
    return k.pte(k.mm(task), k.program.page_index[page])


def ptes_of(k: Kernel, task: Task, page: str, last: str = "") -> tuple[Pte, ...]:
    """Return the page-table entries of a range of pages, both ends and all between included.

    In a large folio each page is followed by a silent one, which no statement names; its entry is included,
    too.
    """
    mm, program = k.mm(task), k.program
    return tuple(k.pte(mm, number) for number in program.range(page, last))


def register_of(k: Kernel, task: Task, name: str) -> Register:
    """Return a register of a thread."""
    return k.registers[k.program.registers.index((task.number, name))]


def reference_of(k: Kernel, name: str) -> Reference:
    """Return the reference with this name."""
    return k.references[k.program.reference_index[name]]


def value_of(k: Kernel, task: Task, value: ast.Value) -> tuple[Register | None, str]:
    """Return the register or the constant to be stored.

    Content itself may not be held across a yield.
    """
    if isinstance(value, ast.Register):
        return register_of(k, task, value.name), ""
    return None, value


def wait(other: Task) -> None:
    """Wait until another thread has done its last statement."""
    if not other.done:
        raise Blocked(f"the end of {other}")


def fork(k: Kernel, task: Task, child: int) -> Code:
    """Start a child process; if that fails, its threads, and those of its children, have nothing to do."""
    forked = yield from dup_mmap(k, task.number, k.mm(task), k.mms[child])
    if not forked:
        for thread in k.program.born_of(child):
            k.tasks[thread].done = True


def exit_process(k: Kernel, task: Task) -> Code:
    """Wait until the other threads of the process have ended, then free its memory; return KILLED."""
    process = k.program.threads[task.number].process
    for other in k.tasks:
        if other is not task and k.program.threads[other.number].process == process and not other.done:
            raise Blocked(f"the end of {other}")
    yield from exit_mmap(k, task.number, k.mm(task))
    return KILLED


# -- one row a statement ---------------------------------------------------------------------------


def do_load(k: Kernel, task: Task, s: statements.Load) -> Code:
    """`r = x[i]`"""
    return load(k, task.number, pte_of(k, task, s.page), s.place, register_of(k, task, s.register))


def do_store(k: Kernel, task: Task, s: statements.Store) -> Code:
    """`x[i] = v`"""
    return store(k, task.number, pte_of(k, task, s.page), s.place, *value_of(k, task, s.value))


def do_get_user_page(k: Kernel, task: Task, s: statements.GetUserPage) -> Code:
    """`g = get_user_page(x)`, `pin_user_page(x)`, and their `_fast` forms."""
    flags = s.flags
    want = gup.Want("FOLL_WRITE" in flags, s.pin, "FOLL_LONGTERM" in flags, "FOLL_FORCE" in flags, not s.pin)
    take = gup.get_user_pages_fast if s.fast else gup.get_user_pages
    return take(k, task.number, reference_of(k, s.reference), pte_of(k, task, s.page), want)


def do_device_write(k: Kernel, task: Task, s: statements.DeviceWrite) -> None:
    """`device_write(g, i, v)`"""
    device_write(reference_of(k, s.reference), s.place, stored(k, *value_of(k, task, s.value)))


def do_device_read(k: Kernel, task: Task, s: statements.DeviceRead) -> None:
    """`r = device_read(g, i)`"""
    device_read(reference_of(k, s.reference), s.place, register_of(k, task, s.register))


def do_put_page(k: Kernel, task: Task, s: statements.PutPage) -> None:
    """`put_page(g)`, `unpin_user_page(g)`, `unpin_user_pages_dirty_lock(g)`"""
    put_reference(k, reference_of(k, s.reference), s.dirty)


def do_fork(k: Kernel, task: Task, s: statements.Fork) -> Code:
    """`fork(P1)`"""
    return fork(k, task, k.program.threads[k.program.thread_index[s.thread]].process)


def do_exit(k: Kernel, task: Task, s: statements.Exit) -> Code:
    """`exit()`"""
    return exit_process(k, task)


def do_wait(k: Kernel, task: Task, s: statements.Wait) -> None:
    """`wait(P1)`"""
    wait(k.tasks[k.program.thread_index[s.thread]])


def do_madvise(k: Kernel, task: Task, s: statements.Madvise) -> Code:
    """`madvise(x, MADV_...)`"""
    return ADVICE[s.advice](k, task.number, ptes_of(k, task, s.page, s.last))


ADVICE: Mapping[str, Callable[[Kernel, int, tuple[Pte, ...]], Code]] = {
    "MADV_PAGEOUT": madvise_pageout,
    "MADV_DONTNEED": madvise_dontneed_single_vma,
    "MADV_FREE": madvise_free_single_vma,
    "MADV_MERGEABLE": lambda k, cpu, ptes: ksm.ksm_madvise(k, cpu, ptes[0], mergeable=True),
    "MADV_UNMERGEABLE": lambda k, cpu, ptes: ksm.ksm_madvise(k, cpu, ptes[0], mergeable=False),
    "MADV_DONTFORK": partial(madvise_vma_behavior, dontfork=True),
    "MADV_DOFORK": partial(madvise_vma_behavior, dontfork=False),
}
"""The kernel code of each advice, with the CPU and the entries of the range."""


def do_mprotect(k: Kernel, task: Task, s: statements.Mprotect) -> Code:
    """`mprotect(x, PROT_...)`"""
    return mprotect(k, ptes_of(k, task, s.page, s.last), s.protection)


def do_munmap(k: Kernel, task: Task, s: statements.Munmap) -> Code:
    """`munmap(x)`"""
    return munmap(k, task.number, ptes_of(k, task, s.page, s.last))


def do_swapoff(k: Kernel, task: Task, s: statements.Swapoff) -> Code:
    """`swapoff()`"""
    return swapoff(k, task.number)


def do_migrate(k: Kernel, task: Task, s: statements.Migrate) -> Code:
    """`migrate(x)`"""
    return move_pages(k, task.number, pte_of(k, task, s.page))


def do_ksm_merge(k: Kernel, task: Task, s: statements.KsmMerge) -> Code:
    """`ksm_merge(x, y)`: ksmd has a CPU of its own."""
    return ksm.ksm_do_scan(k, len(k.tasks), pte_of(k, task, s.page), pte_of(k, task, s.other))


def do_numa_hint(k: Kernel, task: Task, s: statements.NumaHint) -> Code:
    """`numa_hint(x)`"""
    return change_prot_numa(k, pte_of(k, task, s.page))


def do_mincore(k: Kernel, task: Task, s: statements.Mincore) -> None:
    """`r = mincore(x)`"""
    mincore(k, pte_of(k, task, s.page), register_of(k, task, s.register))


def do_clear_refs(k: Kernel, task: Task, s: statements.ClearRefs) -> Code:
    """`clear_refs()`"""
    return clear_refs_write(k, k.mm(task))


def do_soft_dirty(k: Kernel, task: Task, s: statements.SoftDirty) -> None:
    """`r = soft_dirty(x)`"""
    pagemap_read(k, pte_of(k, task, s.page), register_of(k, task, s.register))


def do_userfaultfd_wp(k: Kernel, task: Task, s: statements.UserfaultfdWp) -> Code:
    """`userfaultfd_wp(x)`, `userfaultfd_wp(x, 0)`"""
    return userfaultfd_writeprotect(k, pte_of(k, task, s.page), protect=not s.mode)


def do_userfaultfd_read(k: Kernel, task: Task, s: statements.UserfaultfdRead) -> None:
    """`r = userfaultfd_read(x)`"""
    userfaultfd_read(k, task, pte_of(k, task, s.page), register_of(k, task, s.register))


def do_userfaultfd_move(k: Kernel, task: Task, s: statements.UserfaultfdMove) -> Code:
    """`userfaultfd_move(x, y)`"""
    return userfaultfd_move(k, pte_of(k, task, s.destination), pte_of(k, task, s.source))


def do_pagemap_scan(k: Kernel, task: Task, s: statements.PagemapScan) -> Code:
    """`r = pagemap_scan(x)`"""
    return task_mmu.do_pagemap_scan(k, pte_of(k, task, s.page), register_of(k, task, s.register))


def do_zswap_enabled(k: Kernel, task: Task, s: statements.ZswapEnabled) -> None:
    """`zswap_enabled()`, `zswap_enabled(0)`"""
    zswap_enabled_param_set(k, not s.mode)


STATEMENTS: Mapping[type[ast.Statement], Callable[[Kernel, Task, Any], Code | None]] = {
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
    statements.Migrate: do_migrate,
    statements.KsmMerge: do_ksm_merge,
    statements.NumaHint: do_numa_hint,
    statements.Mincore: do_mincore,
    statements.ClearRefs: do_clear_refs,
    statements.SoftDirty: do_soft_dirty,
    statements.UserfaultfdWp: do_userfaultfd_wp,
    statements.UserfaultfdRead: do_userfaultfd_read,
    statements.UserfaultfdMove: do_userfaultfd_move,
    statements.PagemapScan: do_pagemap_scan,
    statements.ZswapEnabled: do_zswap_enabled,
}
"""The kernel code for each statement; tests/test_statements.py holds that none is missing."""
