# SPDX-License-Identifier: MIT
"""arch/x86/mm/fault.c, as an example: the exception handler of page faults."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.history import mutants

from ..include.mm import SIGBUS, Fault
from ..include.mmap_lock import mmap_read_lock, mmap_read_unlock, vma_end_read, vma_start_read
from ..mm.memory import handle_pte_fault
from ..state import Kernel, Pte, Vma

KILLED = "killed"
"""The result of an access for which the process got SIGSEGV or SIGBUS; the thread ends there."""


def _access_allowed(vma: Vma, write: bool) -> bool:
    """True where the mapping permits the access (access_error, vma_permits_fault)."""
    return vma.mapped and (vma.write if write else vma.read)


def do_user_addr_fault(k: Kernel, cpu: int, pte: Pte, write: bool) -> Code:
    """Resolve a fault, holding the lock of its VMA or mmap_lock.

    Returns KILLED if the access is not permitted (SIGSEGV), or cannot be resolved (SIGBUS).
    """
    if _access_allowed(pte.vma, write) and vma_start_read(k, pte):
        fate = yield from handle_pte_fault(k, Fault(pte, cpu, write=write))
        vma_end_read(pte.vma)
        return KILLED if fate == SIGBUS else None
    mmap_read_lock(pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_FAULT))
    fate = SIGBUS
    if _access_allowed(pte.vma, write):
        fate = yield from handle_pte_fault(k, Fault(pte, cpu, write=write))
    mmap_read_unlock(pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_FAULT))
    return KILLED if fate == SIGBUS else None
