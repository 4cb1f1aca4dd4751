# SPDX-License-Identifier: MIT
"""mm/mprotect.c: mprotect and NUMA balancing change the protection of entries."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.history import changes, mutants

from ..batch import compare_with_single_step
from ..include.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
    vma_end_write_all,
    vma_start_write,
)
from ..include.pgtable import (
    PteValue,
    pte_needs_soft_dirty_wp,
    pte_offset_map_lock,
    pte_unmap_unlock,
    ptep_get,
    set_pte,
    userfaultfd_pte_wp,
)
from ..state import Folio, Kernel, Pte, Vma
from .mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from .rmap import flush_tlb_batched_pending, folio_maybe_dma_pinned
from .swap import folio_ref_count


def mprotect(k: Kernel, ptes: tuple[Pte, ...], protection: tuple[str, ...]) -> Code:
    """Change the mapping, then its entry, under mmap_lock for writing (mprotect_fixup, change_protection)."""
    mm = ptes[0].mm
    mmap_write_lock(mm)
    if not all(pte.vma.mapped for pte in ptes):
        mmap_write_unlock(mm)
        return
    for pte in ptes:
        vma_start_write(pte.vma)
        pte.vma.write = "PROT_WRITE" in protection
        pte.vma.read = pte.vma.write or "PROT_READ" in protection
    tlb_gather_mmu(k, mm)
    changed = change_pte_range(k, ptes)
    yield
    tlb_finish_mmu(k, mm, ptes[0] if changed else None)
    vma_end_write_all(k, mm)
    mmap_write_unlock(mm)


def change_pte_range(k: Kernel, ptes: tuple[Pte, ...]) -> bool:
    """Write-protect present entries, or make them writable at once if they need no fault for that.

    Returns True if a CPU may remember an entry as it was.  Entries that reclaim has cleared and not flushed
    yet are flushed here (3ea277194daa, v4.13).

    A migration entry of the write kind becomes read-only; since 6c287605fd56 (v5.19) it stays exclusive.
    PROT_NONE is a kind of write protection here: the mapping itself refuses every access.  Since cac1db8c3aad
    (v6.17) entries of a large folio are changed in batches, but each page is checked for exclusivity by
    itself.
    """
    pte_offset_map_lock(ptes[0].mm)
    flush_tlb_batched_pending(k, ptes[0].mm)
    present = False
    for pte in ptes:
        value = ptep_get(pte)
        present = present or value.present
        if value.protnone:
            value = pte_modify(value)
            set_pte(pte, value)
        if value.present and not pte.vma.write:
            set_pte(pte, pte_modify(value))
        elif value.access == "write" and not pte.vma.write:
            set_pte(pte, value._replace(access="exclusive" if k.has(changes.ANON_EXCLUSIVE) else "read"))
        elif value.present and can_change_pte_writable(k, pte.vma, value):
            k.say(f"{value.page} is exclusive: writable again without a fault")
            set_pte(pte, value._replace(write=True))
            if value.folio is not None and value.folio.is_large and value.page is not None:
                compare_with_single_step(pte, value._replace(write=value.page.anon_exclusive))
    pte_unmap_unlock(ptes[0].mm)
    return k.has_tlb and present


def pte_modify(value: PteValue) -> PteValue:
    """Return an entry with the protection of a private mapping: readable at most, never writable.

    arch/x86/include/asm/pgtable.h.
    """
    return value._replace(protnone=False, write=False, hw_dirty=False)


# -- NUMA balancing --------------------------------------------------------------------------------


def change_prot_numa(k: Kernel, pte: Pte) -> Code:
    """Make an entry inaccessible, as if by PROT_NONE, so that the next access to its page faults.

    task_numa_work does this to the pages that it scans (mm/mempolicy.c).  Since 6a56ccbcf6c6 (v6.2) the entry
    does not remember that it was writable.
    """
    mmap_read_lock(pte.mm)
    tlb_gather_mmu(k, pte.mm)
    pte_offset_map_lock(pte.mm)
    flush_tlb_batched_pending(k, pte.mm)
    value, folio = ptep_get(pte), pte.folio
    hinted = pte.vma.mapped and pte.vma.read and folio is not None and _may_hint(k, folio)
    if hinted:
        write = value.write and not k.has(changes.NUMA_RECOMPUTES_WRITE)
        set_pte(pte, value._replace(protnone=True, write=write))
    pte_unmap_unlock(pte.mm)
    if hinted:
        yield
    tlb_finish_mmu(k, pte.mm, pte if hinted else None)
    mmap_read_unlock(pte.mm)


def _may_hint(k: Kernel, folio: Folio) -> bool:
    """True where it is of use to let accesses to a page fault: the page could be moved.

    First a page that is mapped once (even if somebody else refers to it); then one that nothing else refers
    to (80d47f5de5e3, v5.17); then one that is not pinned and mapped once (d2136d749d76, v6.10).
    """
    if folio is k.zero_page or folio.ksm:
        return False
    if k.has(changes.NUMA_SKIPS_PINNED):
        return folio.mapcount == 1 and not folio_maybe_dma_pinned(folio)
    if k.has(changes.NUMA_SKIPS_REFERENCED):
        return folio_ref_count(folio) == 1
    return folio.mapcount == 1


# -- who may write without a fault -----------------------------------------------------------------


def can_change_pte_writable(k: Kernel, vma: Vma, value: PteValue) -> bool:
    """True where an exclusive page may be made writable without a fault (64fe24a3e05e, v6.0).

    It must not be if the first write has to be noted or announced.  Until v6.2 the page had to be dirty, too
    (d84887739d5c).
    """
    if not k.has(changes.MPROTECT_KEEPS_WRITABLE) or _needs_soft_dirty_wp(k, vma, value):
        return False
    if userfaultfd_pte_wp(vma, value):
        return False
    if not value.dirty and not k.has(changes.MPROTECT_IGNORES_DIRTY):
        return False
    folio, page = value.folio, value.page
    if folio is None or page is None:
        return False
    asked = folio.pages[0] if k.has(mutants.BATCH_FROM_HEAD_IN_MPROTECT) else page
    return asked.anon_exclusive


def _needs_soft_dirty_wp(k: Kernel, vma: Vma, value: PteValue) -> bool:
    """True where a write must fault to be noted; not in a VM_SOFTDIRTY mapping (76aefad628aa)."""
    if k.has(changes.MPROTECT_TRACKS_SOFT_DIRTY):
        return pte_needs_soft_dirty_wp(k, vma, value)
    return vma.soft_dirty and not value.soft_dirty
