# SPDX-License-Identifier: MIT
"""kernel/fork.c: a child process gets copies of its parent's mappings and page table."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.history import mutants

from ..arch.tlb import flush_tlb_mm
from ..include.mmap_lock import mmap_write_lock, mmap_write_unlock, vma_end_write_all
from ..mm.memory import copy_page_range
from ..state import Kernel, Mm, Vma


def dup_mmap(k: Kernel, cpu: int, parent: Mm, child: Mm) -> Code:
    """Give the child a copy of the parent's page table, entry by entry; the parent cannot fault meanwhile.

    Its threads may go on using entries that are not write-protected yet.
    """
    mmap_write_lock(parent, unless=k.has(mutants.NO_MMAP_LOCK_IN_FORK))
    page = 0
    while page < len(k.program.pages):
        vm_area_dup(k.pte(parent, page).vma, k.pte(child, page).vma)
        yield from copy_page_range(k, cpu, k.pte(parent, page), k.pte(child, page))
        yield
        page += 1
    flush_tlb_mm(k, parent)
    vma_end_write_all(k, parent)
    mmap_write_unlock(parent, unless=k.has(mutants.NO_MMAP_LOCK_IN_FORK))
    child.alive = True


def vm_area_dup(orig: Vma, new: Vma) -> None:
    """The child's mapping is like the parent's."""
    new.mapped, new.read, new.write = orig.mapped, orig.read, orig.write
    new.mergeable, new.soft_dirty = orig.mergeable, orig.soft_dirty
