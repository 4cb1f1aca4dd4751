# SPDX-License-Identifier: MIT
"""kernel/fork.c: a child process gets copies of its parent's mappings and page table."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.history import mutants

from ..arch.tlb import flush_tlb_mm
from ..include.mmap_lock import mmap_write_lock, mmap_write_unlock, vma_end_write_all
from ..mm.memory import copy_page_range, vma_needs_copy
from ..mm.mmap import exit_mmap
from ..state import Kernel, Mm, Vma

NO_MEMORY = "there is no memory for a mapping or a page table: fork fails (ENOMEM)"


def dup_mmap(k: Kernel, cpu: int, parent: Mm, child: Mm) -> Code:
    """Copy the parent's mappings and page table to the child, entry by entry.

    mmap_lock keeps faults of the parent's threads out; they may go on using entries that are not
    write-protected yet.  The child's mmap_lock keeps swapoff out.  Mappings with MADV_DONTFORK are left out.

    Returns False if memory for a mapping, a page table or a count of swap entries could not be had: what
    there is of the child goes, and what was done to the parent's entries stays done.
    """
    mmap_write_lock(parent, unless=k.has(mutants.NO_MMAP_LOCK_IN_FORK))
    mmap_write_lock(child)
    area, failed = 0, k.fails(NO_MEMORY)
    while area < len(k.program.areas) and not failed:
        src_ptes = tuple(pte for pte in k.area(parent, area) if not pte.vma.dontfork)
        for pte in src_ptes:
            vm_area_dup(pte.vma, k.pte(child, pte.page).vma)
        if vma_needs_copy(src_ptes):
            dst_ptes = tuple(k.pte(child, pte.page) for pte in src_ptes)
            yield from copy_page_range(k, cpu, src_ptes, dst_ptes)
        yield
        area += 1
        failed = k.fails(NO_MEMORY)
    flush_tlb_mm(k, parent)
    vma_end_write_all(k, parent)
    mmap_write_unlock(child)
    mmap_write_unlock(parent, unless=k.has(mutants.NO_MMAP_LOCK_IN_FORK))
    if failed:
        yield from mmput(k, cpu, child)
        return False
    child.alive = True
    return True


def mmput(k: Kernel, cpu: int, child: Mm) -> Code:
    """Drop the last reference to an address space that was copied half way, and free it.

    Until then swapoff may visit it.  Since d24062914837 (v6.8) its list of mappings has a mark where the copy
    ended (XA_ZERO_ENTRY); since 64c37e134b12 (v6.14) the whole of it is marked unstable.
    """
    child.half_forked = True
    yield
    child.half_forked = child.on_mmlist = False
    yield from exit_mmap(k, cpu, child)


def vm_area_dup(orig: Vma, new: Vma) -> None:
    """Give the child's mapping what its parent's permits, and an anon_vma if that has one (anon_vma_fork)."""
    new.mapped, new.read, new.write = orig.mapped, orig.read, orig.write
    new.mergeable, new.soft_dirty, new.untouched = orig.mergeable, orig.soft_dirty, orig.untouched
