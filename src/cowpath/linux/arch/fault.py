# SPDX-License-Identifier: MIT
"""What the CPU does for a load or a store, and the exception handler: arch/*/mm/fault.c."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Content
from cowpath.history import mutants
from cowpath.litmus.program import SEGV

from ..include.mm import Fault
from ..mm.memory import handle_pte_fault
from ..mm.mmap import mmap_read_lock, mmap_read_unlock, vma_end_read, vma_start_read
from ..state import Kernel, Pte, Register, Vma
from .tlb import translate

KILLED = "killed"
"""What an access returns where the process got SIGSEGV; the thread ends there."""


def load(k: Kernel, cpu: int, pte: Pte, place: int, register: Register) -> Code:
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


def store(k: Kernel, cpu: int, pte: Pte, place: int, source: Register | None, constant: str) -> Code:
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


def stored(k: Kernel, register: Register | None, constant: str) -> Content:
    """The content that a store or a device writes, at this moment."""
    return k.content(constant) if register is None else register.value[0]


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
