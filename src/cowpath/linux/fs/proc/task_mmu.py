# SPDX-License-Identifier: MIT
"""fs/proc/task_mmu.c: soft-dirty tells user space (CRIU, for one) which pages a process has written.

/proc/PID/clear_refs write-protects every page and forgets that it was written, so that the next write faults
and is noted; /proc/PID/pagemap tells.  PAGEMAP_SCAN does both at once, by userfaultfd's write
protection.  What devices write through references is not seen.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, swap_bits
from cowpath.litmus.ast import NO, YES

from ...arch.tlb import flush_tlb_mm, flush_tlb_page
from ...include.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_downgrade,
    mmap_write_lock,
    mmap_write_unlock,
    vma_end_write_all,
    vma_start_write,
)
from ...include.pgtable import (
    PteValue,
    make_pte_marker,
    pte_mkuffd_wp,
    pte_offset_map_lock,
    pte_unmap_unlock,
    pte_wrprotect,
    ptep_get,
    set_pte,
)
from ...mm.mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from ...mm.rmap import folio_maybe_dma_pinned
from ...mm.userfaultfd import userfaultfd_register
from ...state import Kernel, Mm, Pte, Register


def clear_refs_write(k: Kernel, mm: Mm) -> Code:
    """Do a write of 4 to clear_refs: clear soft-dirty page by page, then flush the TLB once.

    mmap_lock is held for writing, as in fork (29a951dfb3c3, v5.11).  Before, it was held for reading, and a
    fault could copy a page that another CPU's TLB still led to.  Until 912efa17e512 (v5.12) there was no
    flush.
    """
    _begin_clear_refs(k, mm)
    tlb_gather_mmu(k, mm)
    yield
    page = 0
    while page < len(k.program.pages):
        if k.pte(mm, page).vma.mapped:
            clear_soft_dirty(k, k.pte(mm, page))
        yield
        page += 1
    if k.has(changes.CLEAR_REFS_FLUSHES):
        flush_tlb_mm(k, mm)
    tlb_finish_mmu(k, mm, None)
    if k.has(changes.CLEAR_REFS_EXCLUDES):
        vma_end_write_all(k, mm)
        mmap_write_unlock(mm)
    else:
        mmap_read_unlock(mm)


def _begin_clear_refs(k: Kernel, mm: Mm) -> None:
    """Take the locks (29a951dfb3c3, v5.11), and start tracking in each mapping that is not tracked yet."""
    vmas = [vma for page in range(len(k.program.pages)) if (vma := k.pte(mm, page).vma).mapped]
    if not (k.has(changes.CLEAR_REFS_EXCLUDES) or any(vma.soft_dirty for vma in vmas)):
        mmap_read_lock(mm)
        return
    mmap_write_lock(mm)
    for vma in vmas:
        vma_start_write(vma)
        vma.soft_dirty = False
    if not k.has(changes.CLEAR_REFS_EXCLUDES):
        mmap_write_downgrade(mm)


def clear_soft_dirty(k: Kernel, pte: Pte) -> None:
    """Clear soft-dirty in one entry and write-protect it.

    A migration entry keeps its kind: if it was writable, the page will be writable and not soft-dirty.
    """
    pte_offset_map_lock(pte.mm)
    value = ptep_get(pte)
    if not k.soft_dirty:
        k.say(f"{k.asked.architecture} has no soft-dirty bit: nothing is tracked")
    elif value.present and not pte_is_pinned(k, pte, value):
        set_pte(pte, pte_wrprotect(k, value)._replace(soft_dirty=False))
    elif not value.present:
        set_pte(pte, value._replace(soft_dirty=False))
        if value.access == "write":
            k.say(
                "the migration entry is left of the write kind: the page will be writable, and not soft-dirty"
            )
    pte_unmap_unlock(pte.mm)


def pte_is_pinned(k: Kernel, pte: Pte, value: PteValue) -> bool:
    """True where write-protecting would part a page from its pins (9348b73c2e1b, v5.11).

    Such a page stays writable and soft-dirty.
    """
    if not k.has(changes.CLEAR_REFS_SPARES_PINNED) or not value.write or not pte.mm.has_pinned:
        return False
    pinned = value.folio is not None and folio_maybe_dma_pinned(value.folio)
    if pinned:
        k.say(f"{value.folio} may be pinned: it stays writable, and soft-dirty")
    return pinned


def pagemap_read(k: Kernel, pte: Pte, register: Register) -> None:
    """Read PM_SOFT_DIRTY of one page: YES if its entry or its whole mapping is soft-dirty (pagemap_read)."""
    if pte.mm.mmap_writer or pte.mm.ptl:
        raise Blocked(f"the locks of {pte.mm}")
    written = pte.vma.mapped and (pte.vma.soft_dirty or pte.soft_dirty)
    register.value[0] = k.content(YES if written else NO)


# -- PAGEMAP_SCAN ----------------------------------------------------------------------------------


def do_pagemap_scan(k: Kernel, pte: Pte, register: Register) -> Code:
    """Do PAGEMAP_SCAN of one page: tell whether it was written, and note its next write again.

    52526ca7fdb9 (v6.7), with PM_SCAN_WP_MATCHING.  The mapping is registered first, if it is not yet, with a
    userfaultfd that lets writes go by itself.  Before v6.7 all that a program can do is to take every page
    for written.
    """
    if not k.has(changes.PAGEMAP_SCAN):
        register.value[0] = k.content(YES)
        return
    if not pte.vma.wp_async:
        userfaultfd_register(k, pte, wp_async=True)
        yield
    mmap_read_lock(pte.mm)
    if pte.vma.mapped:
        yield from pagemap_scan_pmd_entry(k, pte, register)
    mmap_read_unlock(pte.mm)


def pagemap_scan_pmd_entry(k: Kernel, pte: Pte, register: Register) -> Code:
    """Tell whether an entry is not write-protected, for then it was written, and write-protect it.

    All of it is done under the page-table lock, with the flush.  Until c70dce4982ce (v6.9) the entry was set
    to what had been read of it, whatever the CPU had noted in it since.
    """
    pte_offset_map_lock(pte.mm)
    value = ptep_get(pte)
    written = not _is_uffd_wp(k, value)
    if written:
        if not k.has(changes.SCAN_KEEPS_DIRTY):
            yield  # no lock keeps the CPU from setting the dirty bit
        make_uffd_wp_pte(k, pte, value)
        flush_tlb_page(k, pte)
    register.value[0] = k.content(YES if written else NO)
    pte_unmap_unlock(pte.mm)


def _is_uffd_wp(k: Kernel, value: PteValue) -> bool:
    """True for an entry that is write-protected.

    Until 2c7ad9a590d1 (v6.9) the bit of a present entry was looked at in swap ptes, too, where it is one of
    the slot's number (on x86, bit 10).
    """
    if value.kind == "swap" and not value.uffd_wp and not k.has(changes.SCAN_ASKS_PRESENT):
        confused = bool((value.bits(k.ask(swap_bits.swap_layout)) or 0) & k.ask(swap_bits.present_uffd_wp))
        if confused:
            k.say("a bit of the slot's number is taken for userfaultfd's mark: as if not written")
        return confused
    return value.uffd_wp


def make_uffd_wp_pte(k: Kernel, pte: Pte, value: PteValue) -> None:
    """Write-protect an entry; where there is none, leave a marker.

    A present entry is read again as it is cleared, since c70dce4982ce (v6.9).
    """
    if value.kind == "none":
        set_pte(pte, make_pte_marker())
        return
    lost = pte.dirty and not value.dirty
    if lost and not k.has(changes.SCAN_KEEPS_DIRTY):
        k.say(f"the CPU has set the dirty bit of {pte} meanwhile, and it is lost")
    set_pte(pte, pte_mkuffd_wp(ptep_get(pte) if k.has(changes.SCAN_KEEPS_DIRTY) else value))
