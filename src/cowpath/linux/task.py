# SPDX-License-Identifier: MIT
"""A thread of the litmus test: each statement as the CPU access or system call that it is.

Each thread has a CPU of its own.
"""

from __future__ import annotations

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Content
from cowpath.history import mutants
from cowpath.litmus import ast
from cowpath.litmus.program import SEGV

from .arch.tlb import translate
from .fs.proc.task_mmu import clear_refs_write, pagemap_soft_dirty
from .fs.userfaultfd import userfaultfd_read
from .include.mm import Fault
from .kernel.fork import dup_mmap
from .mm import gup, ksm
from .mm.madvise import madvise_dontneed, madvise_free, madvise_pageout
from .mm.memory import handle_pte_fault
from .mm.migrate import move_pages
from .mm.mmap import (
    exit_mmap,
    mmap_read_lock,
    mmap_read_unlock,
    munmap,
    vma_end_read,
    vma_start_read,
)
from .mm.mprotect import change_prot_numa, mprotect
from .mm.swapfile import swapoff
from .mm.userfaultfd import userfaultfd_move, userfaultfd_writeprotect
from .state import Kernel, Pte, Reference, Task, Vma
from .state import Register as RegisterRecord

KILLED = "killed"
"""What an access returns where the process got SIGSEGV; the thread ends there."""


def run_thread(k: Kernel, task: Task, position: int = 0) -> Code:
    """Every statement in order from `position` on; the first, from when the process exists."""
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
    """Do a statement that takes one step, and return None; else return the kernel code to run."""
    match statement:
        case ast.DeviceWrite(reference=reference, place=place, value=value):
            gup.device_write(reference_of(k, reference), place, stored(k, *value_of(k, task, value)))
        case ast.DeviceRead(register=register, reference=reference, place=place):
            gup.device_read(reference_of(k, reference), place, register_of(k, task, register))
        case ast.PutPage(reference=reference):
            gup.put_reference(k, reference_of(k, reference))
        case ast.SoftDirty(register=register, page=page):
            pte = k.pte(k.mm(task), k.program.page_index[page])
            pagemap_soft_dirty(k, pte, register_of(k, task, register))
        case ast.UserfaultfdRead(register=register, page=page):
            pte = k.pte(k.mm(task), k.program.page_index[page])
            userfaultfd_read(k, task, pte, register_of(k, task, register))
        case ast.Wait(thread=thread):
            wait(k.tasks[k.program.thread_index[thread]])
        case _:
            return system_call(k, task, statement)
    return None


def system_call(k: Kernel, task: Task, statement: ast.Statement) -> Code:
    """The kernel code for a statement that takes more than one step."""
    mm, cpu, program = k.mm(task), task.number, k.program
    match statement:
        case ast.Load(register=register, page=page, place=place):
            pte = k.pte(mm, program.page_index[page])
            return load(k, cpu, pte, place, register_of(k, task, register))
        case ast.Store(page=page, place=place, value=value):
            return store(k, cpu, k.pte(mm, program.page_index[page]), place, *value_of(k, task, value))
        case ast.GetUserPage(reference=reference, page=page, flags=flags, pin=pin, fast=fast):
            pte = k.pte(mm, program.page_index[page])
            want = gup.Want("FOLL_WRITE" in flags, pin, "FOLL_LONGTERM" in flags, "FOLL_FORCE" in flags)
            take = gup.get_user_pages_fast if fast else gup.get_user_pages
            return take(k, cpu, reference_of(k, reference), pte, want)
        case ast.Fork(thread=thread):
            child = program.threads[program.thread_index[thread]].process
            return dup_mmap(k, cpu, mm, k.mms[child])
        case ast.Exit():
            return exit_process(k, task)
        case ast.Madvise(page=page, advice="MADV_PAGEOUT"):
            return madvise_pageout(k, cpu, k.pte(mm, program.page_index[page]))
        case ast.Madvise(page=page, advice="MADV_DONTNEED"):
            return madvise_dontneed(k, cpu, k.pte(mm, program.page_index[page]))
        case ast.Madvise(page=page, advice="MADV_FREE"):
            return madvise_free(k, cpu, k.pte(mm, program.page_index[page]))
        case ast.Madvise(page=page, advice=("MADV_MERGEABLE" | "MADV_UNMERGEABLE") as advice):
            pte = k.pte(mm, program.page_index[page])
            return ksm.madvise_mergeable(k, cpu, pte, advice == "MADV_MERGEABLE")
        case ast.KsmMerge(page=page, other=other):
            ptes = k.pte(mm, program.page_index[page]), k.pte(mm, program.page_index[other])
            return ksm.ksm_merge(k, len(k.tasks), *ptes)
        case ast.Migrate(page=page):
            return move_pages(k, cpu, k.pte(mm, program.page_index[page]))
        case ast.UserfaultfdMove(destination=destination, source=source):
            ptes = k.pte(mm, program.page_index[destination]), k.pte(mm, program.page_index[source])
            return userfaultfd_move(k, *ptes)
        case ast.Mprotect(page=page, protection=protection):
            return mprotect(k, k.pte(mm, program.page_index[page]), protection)
        case ast.NumaHint(page=page):
            return change_prot_numa(k, k.pte(mm, program.page_index[page]))
        case ast.ClearRefs():
            return clear_refs_write(k, mm)
        case ast.UserfaultfdWp(page=page, mode=mode):
            return userfaultfd_writeprotect(k, k.pte(mm, program.page_index[page]), protect=not mode)
        case ast.Munmap(page=page):
            return munmap(k, cpu, k.pte(mm, program.page_index[page]))
        case ast.Swapoff():
            return swapoff(k, cpu)
    position = statement.position
    raise CowpathError(f"line {position.line}, column {position.column}: this statement is not modelled yet")


def register_of(k: Kernel, task: Task, name: str) -> RegisterRecord:
    """A register of a thread."""
    return k.registers[k.program.registers.index((task.number, name))]


def reference_of(k: Kernel, name: str) -> Reference:
    """A reference by its name."""
    return k.references[k.program.reference_index[name]]


def value_of(k: Kernel, task: Task, value: ast.Value) -> tuple[RegisterRecord | None, str]:
    """A register or a constant to be stored; content itself may not be held across a yield."""
    if isinstance(value, ast.Register):
        return register_of(k, task, value.name), ""
    return None, value


def stored(k: Kernel, register: RegisterRecord | None, constant: str) -> Content:
    """The content that `value_of` stands for, at this moment."""
    return k.content(constant) if register is None else register.value[0]


# -- what the CPU does -----------------------------------------------------------------------------


def load(k: Kernel, cpu: int, pte: Pte, place: int, register: RegisterRecord) -> Code:
    """A load: where the CPU finds the page, else after a read fault."""
    folio = translate(k, cpu, pte, write=False)
    while folio is None:
        fate = yield from page_fault(k, cpu, pte, write=False)
        if fate == KILLED:
            register.value[0] = k.content(SEGV)
            return KILLED
        yield
        folio = translate(k, cpu, pte, write=False)
    register.value[0] = folio.data[place]
    return None


def store(k: Kernel, cpu: int, pte: Pte, place: int, source: RegisterRecord | None, constant: str) -> Code:
    """A store: where the CPU finds the page and may write to it, else after a write fault."""
    folio = translate(k, cpu, pte, write=True)
    while folio is None:
        fate = yield from page_fault(k, cpu, pte, write=True)
        if fate == KILLED:
            return KILLED
        yield
        folio = translate(k, cpu, pte, write=True)
    folio.data[place] = stored(k, source, constant)
    return None


def access_allowed(vma: Vma, write: bool) -> bool:
    """Whether the mapping permits the access (access_error, vma_permits_fault)."""
    return vma.mapped and (vma.write if write else vma.read)


def page_fault(k: Kernel, cpu: int, pte: Pte, write: bool) -> Code:
    """The exception handler: a lock for reading around the fault (arch/*/mm/fault.c)."""
    if access_allowed(pte.vma, write) and vma_start_read(k, pte):
        yield from handle_pte_fault(k, Fault(pte, cpu, write=write))
        vma_end_read(pte.vma)
        return None
    mmap_read_lock(pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_FAULT))
    allowed = access_allowed(pte.vma, write)
    if allowed:
        yield from handle_pte_fault(k, Fault(pte, cpu, write=write))
    mmap_read_unlock(pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_FAULT))
    return None if allowed else KILLED


def wait(other: Task) -> None:
    """Until another thread has done its last statement."""
    if not other.done:
        raise Blocked(f"the end of {other}")


def exit_process(k: Kernel, task: Task) -> Code:
    """The process ends when its other threads have; then its memory goes."""
    process = k.program.threads[task.number].process
    for other in k.tasks:
        if other is not task and k.program.threads[other.number].process == process and not other.done:
            raise Blocked(f"the end of {other}")
    yield from exit_mmap(k, task.number, k.mm(task))
    return KILLED
