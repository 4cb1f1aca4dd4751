# SPDX-License-Identifier: MIT
"""mm/userfaultfd.c: a process changes its own memory through a userfaultfd.

UFFDIO_WRITEPROTECT holds writes up until they are allowed; UFFDIO_MOVE moves a page from one address to
another without a copy.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants

from ..arch.tlb import flush_tlb_page
from ..fs.userfaultfd import wake_userfault
from ..include.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
    vma_end_write_all,
    vma_start_write,
)
from ..include.pgtable import (
    PTE_NONE,
    PteValue,
    pte_mkuffd_wp,
    pte_mkwrite,
    pte_offset_map_lock,
    pte_same,
    pte_unmap_unlock,
    ptep_get,
    set_pte,
)
from ..state import Folio, Kernel, Pte, Slot, Vma, still
from . import swap_state
from .mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from .mprotect import can_change_pte_writable, pte_modify
from .rmap import anon_vma_prepare, folio_maybe_dma_pinned
from .swap import folio_get, folio_lock, folio_put, folio_unlock
from .swapfile import get_swap_device, put_swap_device

# -- write protection ------------------------------------------------------------------------------


def userfaultfd_writeprotect(k: Kernel, pte: Pte, protect: bool) -> Code:
    """Do UFFDIO_WRITEPROTECT of one page, whose mapping is registered first if it is not yet.

    Taking the protection away wakes the threads that wait to write.
    """
    if protect and not pte.vma.uffd_wp:
        userfaultfd_register(k, pte)
        yield
    yield from mwriteprotect_range(k, pte, protect)
    if not protect:
        yield
        wake_userfault(k, pte)


def userfaultfd_register(k: Kernel, pte: Pte, wp_async: bool = False) -> None:
    """Do UFFDIO_REGISTER with UFFDIO_REGISTER_MODE_WP, of a mapping that is there.

    With `wp_async` (UFFD_FEATURE_WP_ASYNC, d61ea1cb0095, v6.7) writes only take the protection away.
    """
    mmap_write_lock(pte.mm)
    vma_start_write(pte.vma)
    pte.vma.uffd_wp = pte.vma.mapped
    if wp_async:
        pte.vma.wp_async = pte.vma.mapped
    vma_end_write_all(k, pte.mm)
    mmap_write_unlock(pte.mm)


def mwriteprotect_range(k: Kernel, pte: Pte, protect: bool) -> Code:
    """Change the entry as a reader of mmap_lock, so that faults go on meanwhile, and then flush the TLB."""
    mmap_read_lock(pte.mm)
    if not (pte.vma.mapped and pte.vma.uffd_wp):
        mmap_read_unlock(pte.mm)
        return
    tlb_gather_mmu(k, pte.mm)
    uffd_wp_range(k, pte, protect)
    if k.has_tlb:
        yield
    tlb_finish_mmu(k, pte.mm, pte)
    mmap_read_unlock(pte.mm)


def uffd_wp_range(k: Kernel, pte: Pte, protect: bool) -> None:
    """Make writes through an entry wait, or let them go again (MM_CP_UFFD_WP, MM_CP_UFFD_WP_RESOLVE).

    Where nothing is mapped nothing is remembered.  In both cases the entry becomes read-only; since
    931298e103c2 (v6.3) letting writes go makes it writable at once if the page need not be copied.  A
    migration entry stays exclusive (6c287605fd56, v5.19).
    """
    pte_offset_map_lock(pte.mm)
    value = ptep_get(pte)
    if value.present:
        value = pte_modify(value)
    if value.access == "write":
        value = value._replace(access="exclusive" if k.has(changes.ANON_EXCLUSIVE) else "read")
    if protect:
        value = pte_mkuffd_wp(value)
    else:
        value = value._replace(uffd_wp=False)
        upgrade = value.present and pte.vma.write and k.has(changes.UFFD_WP_RESOLVE_MAPS_WRITABLE)
        if upgrade and can_change_pte_writable(k, pte.vma, value):
            value = value._replace(write=True)
    if value.kind != "none" and not value.marker:
        set_pte(pte, value)
    pte_unmap_unlock(pte.mm)


# -- moving ----------------------------------------------------------------------------------------


def userfaultfd_move(k: Kernel, target: Pte, source: Pte) -> Code:
    """Do UFFDIO_MOVE (adef440691ba, v6.8): move an exclusive page to an address where nothing is.

    It may always fail (EBUSY, EAGAIN, EEXIST), and then nothing has happened.  It does fail where one of the
    addresses is not mapped (ENOENT) or not writable (EINVAL).
    """
    if not k.has(changes.UFFDIO_MOVE):
        k.say("this kernel has no UFFDIO_MOVE")
        return
    mmap_read_lock(source.mm)
    if source.mm.ptl:
        raise Blocked(f"the page-table lock of {source.mm}")
    value = ptep_get(source)
    if target.vma.mapped and source.vma.mapped:
        anon_vma_prepare(target.vma)
    if validate_move_areas(k, target.vma, source.vma):
        if value.present:
            yield from move_present_pte(k, target, source, value)
        elif value.kind == "swap":
            yield from move_swap_pte(k, target, source, value)
    mmap_read_unlock(source.mm)


def validate_move_areas(k: Kernel, target: Vma, source: Vma) -> bool:
    """True where both mappings are there and writable.

    munmap takes the mapping away before it zaps the entries, and lets readers of mmap_lock in between.
    """
    there = still(k, mutants.NO_VMA_CHECK_IN_MOVE, target.mapped)
    return there and target.write and source.mapped and source.write


def move_present_pte(k: Kernel, target: Pte, source: Pte, value: PteValue) -> Code:
    """Move a mapped page, under its lock, if it is exclusive and not pinned, also after its pte is cleared.

    It was dirty afterwards, written or not, until 75cb1cca2c88 (v6.15).  Since v6.18 (move-flushes-late) TLBs
    are flushed last, so that many pages need one flush: a CPU may write to the page through its old address
    until then.
    """
    folio = value.folio
    if folio is None or not folio.anon_exclusive:
        k.say("not exclusive: UFFDIO_MOVE refuses (EBUSY)")
        return
    folio_get(k, folio)
    yield
    folio_lock(folio)
    yield
    pte_offset_map_lock(source.mm)
    exclusive = folio.anon_exclusive and not folio_maybe_dma_pinned(folio)
    if exclusive and _may_move(k, target, source, value):
        set_pte(source, PTE_NONE)
        late = k.has(changes.MOVE_FLUSHES_LATE)
        if not late:
            flush_tlb_page(k, source)
        if k.lockless:
            yield
        if folio_maybe_dma_pinned(folio):
            set_pte(source, value)
        else:
            folio.index = target.page + 1
            set_pte(target, _moved_pte(k, value))
            k.move_references(target, source)
        if late and k.has_tlb:
            yield
            flush_tlb_page(k, source)
    pte_unmap_unlock(source.mm)
    folio_unlock(folio)
    folio_put(k, folio)


def _moved_pte(k: Kernel, value: PteValue) -> PteValue:
    """Return the entry at the target: writable and, since 75cb1cca2c88 (v6.15), soft-dirty.

    User space learns from soft-dirty that there is new content at the target.
    """
    value = value._replace(protnone=False)
    if value.uffd_wp and not k.has(changes.MOVE_KEEPS_PROTECTION):
        k.say("UFFDIO_MOVE maps the page writable, whether or not it was write-protected")
        value = value._replace(uffd_wp=False)
    if k.has(changes.MOVE_MARKS_SOFT_DIRTY):
        return _mark_moved(k, value)._replace(write=not value.uffd_wp)
    return pte_mkwrite(k, value)._replace(write=not value.uffd_wp)


def _mark_moved(k: Kernel, value: PteValue) -> PteValue:
    """Return a moved entry with soft-dirty set, because its content is new at this address."""
    return value._replace(soft_dirty=k.soft_dirty)


def move_swap_pte(k: Kernel, target: Pte, source: Pte, value: PteValue) -> Code:
    """Move a swap pte that is marked exclusive, by the founding patch's marker.

    A folio in the swap cache has to follow (c50f8e6053b0, v6.14).
    """
    slot = value.slot
    if slot is None or not value.exclusive:
        k.say("the swap pte is not marked exclusive: UFFDIO_MOVE refuses (EBUSY)")
        return
    if not k.has(changes.MOVE_TAKES_CACHED):
        yield
        pte_offset_map_lock(source.mm)
        _move_entry(k, target, source, value, None)
        pte_unmap_unlock(source.mm)
        return
    if not get_swap_device(k, slot):
        return
    folio = swap_state.lookup_swap_cache(k, slot)
    yield
    if folio is not None:
        folio_lock(folio)
        yield
    pte_offset_map_lock(source.mm)
    if _still_right(k, slot, folio):
        _move_entry(k, target, source, value, folio)
    pte_unmap_unlock(source.mm)
    if folio is not None:
        folio_unlock(folio)
        folio_put(k, folio)
    put_swap_device(k, slot)


def _still_right(k: Kernel, slot: Slot, folio: Folio | None) -> bool:
    """True where the swap cache has for the slot what was looked up before (0ea148a79919, v6.16)."""
    if not k.has(changes.MOVE_RECHECKS_CACHE):
        return True
    if folio is None:
        return not slot.has_cache
    return swap_state.folio_matches_swap_entry(folio, slot)


def _move_entry(k: Kernel, target: Pte, source: Pte, value: PteValue, folio: Folio | None) -> None:
    """Move the swap pte to the target, changing nothing but soft-dirty (75cb1cca2c88, v6.15)."""
    if _may_move(k, target, source, value):
        if folio is not None:
            folio.index = target.page + 1
        set_pte(target, _mark_moved(k, value) if k.has(changes.MOVE_MARKS_SOFT_DIRTY) else value)
        set_pte(source, PTE_NONE)
        k.move_references(target, source)


def _may_move(k: Kernel, target: Pte, source: Pte, value: PteValue) -> bool:
    """True where the source has not changed, and nothing is at the target."""
    empty = still(k, mutants.NO_EMPTY_TARGET_IN_MOVE, target.kind == "none")
    return empty and still(k, mutants.NO_PTE_SAME_IN_MOVE, pte_same(source, value))
