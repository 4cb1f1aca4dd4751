# SPDX-License-Identifier: MIT
"""mm/memory.c: page tables copied by fork, entries removed, and page faults.

Who may write to an anonymous page, and who gets a copy, is decided here.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Crash
from cowpath.history import changes, mutants
from cowpath.litmus.program import LARGE_PAGES

from ..arch.tlb import flush_tlb_page
from ..batch import compare_with_single_step
from ..fs.userfaultfd import handle_userfault
from ..include.mm import SIGBUS, Fault, is_mergeable_vma
from ..include.mmap_lock import vma_start_write
from ..include.pgtable import (
    PTE_NONE,
    PteValue,
    maybe_mkwrite,
    mk_pte,
    pte_mkuffd_wp,
    pte_mkwrite,
    pte_needs_soft_dirty_wp,
    pte_offset_map_lock,
    pte_same,
    pte_swp_clear_exclusive,
    pte_swp_exclusive,
    pte_unmap_unlock,
    pte_wrprotect,
    ptep_get,
    ptep_set_wrprotect,
    set_pte,
    userfaultfd_pte_wp,
)
from ..state import Folio, Kernel, MappedPage, Pte, Slot, Vma, still
from . import swapfile
from .migrate import migrate_pages, migration_entry_wait
from .mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from .mprotect import can_change_pte_writable
from .page_io import swap_readpage
from .rmap import (
    anon_vma_prepare,
    flush_tlb_batched_pending,
    folio_add_anon_rmap_pte,
    folio_add_new_anon_rmap,
    folio_move_anon_rmap,
    folio_remove_rmap_pte,
    folio_try_dup_anon_rmap_pte,
)
from .swap import (
    LARGE_ORDER,
    folio_add_lru,
    folio_alloc,
    folio_get,
    folio_isolate_lru,
    folio_lock,
    folio_put,
    folio_ref_count,
    folio_trylock,
    folio_unlock,
    lru_add_drain,
)
from .swap_state import (
    delete_from_swap_cache,
    folio_matches_swap_entry,
    free_swap_cache,
    ksm_might_need_to_copy,
    lookup_swap_cache,
    swapin_sync,
)
from .swapfile import free_swap_and_cache, swap_duplicate

# -- fork ------------------------------------------------------------------------------------------


def vma_needs_copy(src_ptes: tuple[Pte, ...]) -> bool:
    """Tell whether fork copies the page table of a mapping: if it ever had a page of its own.

    Of one that had none all that can be there is the zero page, and a fault finds that again
    (d992895ba2b2, v2.6.14; in copy_page_range itself until v5.18).
    """
    return any(not pte.vma.untouched for pte in src_ptes)


def copy_page_range(k: Kernel, cpu: int, src_ptes: tuple[Pte, ...], dst_ptes: tuple[Pte, ...]) -> Code:
    """Copy entries of one page table of the parent into the page table of its child, for fork.

    Pins that are taken without a lock meanwhile notice (57efa1fe5957, v5.11), and faults that take only the
    lock of their VMA have to wait (fb49c455323f, v6.5).
    """
    src_mm = src_ptes[0].mm
    if k.has_tlb and k.has(changes.FORK_LOCKS_VMAS):
        vma_start_write(src_ptes[0].vma)
    if k.lockless:
        src_mm.write_protect_seq = src_mm.write_protect_seq + 1
        yield
    yield from copy_pte_range(k, cpu, src_ptes, dst_ptes)
    if k.lockless:
        yield
        src_mm.write_protect_seq = src_mm.write_protect_seq + 1


def copy_pte_range(k: Kernel, cpu: int, src_ptes: tuple[Pte, ...], dst_ptes: tuple[Pte, ...]) -> Code:
    """Copy entries of the parent to the child, with the page-table locks of both held.

    From here on FOLL_GET promises nothing (I5): only pinned references must still agree with the parent's
    entries.  The entries of a large folio are copied in batches since f8d937761d65 (v6.9), to the same
    effect.
    """
    pte_offset_map_lock(src_ptes[0].mm)
    pte_offset_map_lock(dst_ptes[0].mm)
    position = 0
    while position < len(src_ptes):
        kind = src_ptes[position].kind
        if kind == "present":
            yield from copy_present_pte(k, cpu, src_ptes[position], dst_ptes[position])
        elif kind != "none":
            copy_nonpresent_pte(k, src_ptes[position], dst_ptes[position])
        position += 1
    pte_unmap_unlock(dst_ptes[0].mm)
    pte_unmap_unlock(src_ptes[0].mm)
    for src_pte in src_ptes:
        k.detach_references(src_pte, but_pins=True)


def copy_present_pte(k: Kernel, cpu: int, src_pte: Pte, dst_pte: Pte) -> Code:
    """Map a present page in the child as well, read-only in both processes.

    A page that may be pinned is not shared: the child gets a copy of it (70e806e4e645, v5.9).
    """
    pteval = ptep_get(src_pte)
    folio, page = pteval.folio, pteval.page
    if folio is None or page is None:
        return
    if folio is k.zero_page:
        set_pte(dst_pte, _for_child(k, src_pte, pteval))
        return
    shared = yield from folio_try_dup_anon_rmap_pte(k, folio, page, src_pte.mm, dst_pte.mm)
    if not shared:
        yield from copy_present_page(k, cpu, page, src_pte, dst_pte)
        return
    folio_get(k, folio)
    if k.lockless:
        yield
    pteval = ptep_get(src_pte)
    ptep_set_wrprotect(src_pte)
    set_pte(dst_pte, _for_child(k, src_pte, pte_wrprotect(k, pteval)))


def copy_user_highpage(k: Kernel, new: Folio, old: MappedPage, torn: bool) -> Code:
    """Copy the content of a page to a new folio (include/linux/highmem.h).

    Where `torn`, others may write to the page meanwhile: it is copied one place at a time, and they may run
    between two places.
    """
    if not torn:
        new.data = old.data
        return
    place = 0
    while place < new.data.length:
        new.data[place] = old.data[place]
        place += 1
        if place < new.data.length:
            yield


def copy_present_page(k: Kernel, cpu: int, page: MappedPage, src_pte: Pte, dst_pte: Pte) -> Code:
    """Give the child a new page with the content of its parent's page, writable if the mapping is.

    The parent's threads and whoever has pinned the page go on writing to it, so the copy may be torn.
    """
    k.say(f"{page} may be pinned, so the child gets a copy and the parent keeps it")
    new_folio = folio_alloc(k)
    torn = k.program.written_beside(cpu, src_pte.mm.number)
    yield from copy_user_highpage(k, new_folio, page, torn)
    k.count_copy()
    folio_add_new_anon_rmap(k, new_folio, dst_pte)
    folio_add_lru(k, new_folio, cpu)
    pteval = maybe_mkwrite(k, mk_pte(new_folio), dst_pte.vma)
    set_pte(dst_pte, pteval._replace(write=True) if k.has(mutants.NO_VM_WRITE_IN_FORK) else pteval)


def copy_nonpresent_pte(k: Kernel, src_pte: Pte, dst_pte: Pte) -> None:
    """Copy a swap pte or a migration entry to the child; afterwards neither copy counts as exclusive.

    The marker of a swap pte is cleared in the parent as well (H3 of 1493a1913e34, v5.19).  A migration entry
    becomes one of the read kind.  A mark of the parent's userfaultfd stays behind (copy_pte_marker).
    """
    pteval = ptep_get(src_pte)
    if pteval.marker and not pteval.poisoned:
        return
    slot = pteval.slot
    if slot is not None:
        swap_duplicate(slot)
        dst_pte.mm.on_mmlist = True
        if pte_swp_exclusive(pteval):
            if k.has(changes.FORK_CLEARS_SWP_EXCLUSIVE):
                pteval = pte_swp_clear_exclusive(pteval)
                set_pte(src_pte, pteval)
                k.say("parent and child share the slot now: the marker is cleared")
            else:
                k.say("the marker is copied: parent and child both take the page for theirs alone")
    elif pteval.kind == "migration" and not k.has(changes.FORK_KEEPS_MIGRATION_KIND):
        pteval = pteval._replace(access="read")
        set_pte(src_pte, pteval)
    set_pte(dst_pte, _for_child(k, src_pte, pteval))


def _for_child(k: Kernel, src_pte: Pte, pteval: PteValue) -> PteValue:
    """Return an entry as the child gets it: without the mark of its parent's userfaultfd.

    The child is not registered with that userfaultfd, as the model has no UFFD_FEATURE_EVENT_FORK.  Until
    8f34f1eac382 (v5.14) the mark was kept where the parent's mapping was registered.
    """
    stays = src_pte.vma.uffd_wp and not k.has(changes.FORK_CLEARS_UFFD_WP)
    return pteval._replace(uffd_wp=pteval.uffd_wp and stays)


# -- unmapping -------------------------------------------------------------------------------------


def zap_pte_range(k: Kernel, ptes: tuple[Pte, ...]) -> Code:
    """Clear some entries of one process and give up the pages and slots that they refer to.

    Entries and mappings are removed under the page-table lock.  The TLB is flushed after that, and only then
    the references to the pages are dropped; a page in the swap cache that nobody maps any more gives its slot
    back on that occasion (free_pages_and_swap_cache).
    """
    for pte in ptes:
        k.detach_references(pte)
    mm = ptes[0].mm
    tlb_gather_mmu(k, mm)
    pte_offset_map_lock(mm)
    flush_tlb_batched_pending(k, mm)
    position, present = 0, False
    freed: tuple[Folio, ...] = ()
    while position < len(ptes):
        value = ptep_get(ptes[position])
        folio, page = value.folio, value.page
        present = present or value.present
        set_pte(ptes[position], PTE_NONE)
        if value.slot is not None:
            yield from free_swap_and_cache(k, value.slot)
        elif folio is not None and page is not None and folio is not k.zero_page:
            folio_remove_rmap_pte(k, folio, page, mm)
            freed = (*freed, folio)
        position += 1
    pte_unmap_unlock(mm)
    if k.has_tlb:
        yield
    tlb_finish_mmu(k, mm, ptes[0] if present else None)
    for unmapped in freed:
        free_swap_cache(k, unmapped)
        folio_put(k, unmapped)


# -- faults ----------------------------------------------------------------------------------------


def handle_pte_fault(k: Kernel, vmf: Fault) -> Code:
    """Resolve one page fault; the caller holds mmap_lock.

    The entry is read without the page-table lock and compared again under it.  If it has changed, nothing is
    done, and the access faults again.

    Returns True (VM_FAULT_WRITE) if a write got a page that it may go to, SIGBUS if the fault would have to
    wait and must not or finds content that could not be read, otherwise False.
    """
    vmf = vmf._replace(orig=ptep_get(vmf.pte))
    if vmf.orig.kind == "none":
        return (yield from do_anonymous_page(k, vmf))
    if vmf.orig.kind == "swap":
        return (yield from do_swap_page(k, vmf))
    if vmf.orig.kind == "migration":
        return (yield from migration_entry_wait(vmf))
    if vmf.orig.protnone and vmf.pte.vma.read:
        return (yield from do_numa_page(k, vmf))
    yield
    pte_offset_map_lock(vmf.pte.mm)
    same = still(k, mutants.NO_PTE_SAME_IN_FAULT, pte_same(vmf.pte, vmf.orig))
    if same and (vmf.write or vmf.unshare) and not vmf.orig.write:
        return (yield from do_wp_page(k, vmf))
    pte_unmap_unlock(vmf.pte.mm)
    return False


def do_numa_page(k: Kernel, vmf: Fault) -> Code:
    """Resolve a NUMA hinting fault: move the page to the node of the CPU, or leave it, and restore its entry.

    A page that moves is unmapped first and mapped again by remove_migration_pte.  Returns False: an access
    that needs more than this faults again.
    """
    yield
    pte_offset_map_lock(vmf.pte.mm)
    folio = vmf.orig.folio
    same = still(k, mutants.NO_PTE_SAME_IN_NUMA, pte_same(vmf.pte, vmf.orig))
    if same and folio is not None and k.choose(2) and folio_isolate_lru(k, folio):
        k.say(f"{folio} is on another node than this CPU: it is to move")
        pte_unmap_unlock(vmf.pte.mm)
        yield
        yield from migrate_pages(k, vmf.cpu, folio)
        yield
        pte_offset_map_lock(vmf.pte.mm)
        same = pte_same(vmf.pte, vmf.orig)
    if same:
        set_pte(vmf.pte, numa_rebuild_single_mapping(k, vmf.pte.vma, vmf.orig))
    pte_unmap_unlock(vmf.pte.mm)
    return False


def numa_rebuild_single_mapping(k: Kernel, vma: Vma, value: PteValue) -> PteValue:
    """Return the entry to install after a hinting fault: accessible again, and as writable as before.

    The entry itself said whether it had been writable (pte_savedwrite); since 6a56ccbcf6c6 (v6.2) that is
    computed from the mapping and the page.
    """
    value = value._replace(protnone=False)
    if k.has(changes.NUMA_RECOMPUTES_WRITE):
        return value._replace(write=vma.write and can_change_pte_writable(k, vma, value))
    return value


def do_anonymous_page(k: Kernel, vmf: Fault) -> Code:
    """Map a page at the first access: the shared zero page for a read, a new exclusive page for a write.

    Returns False: this is no write-protect fault.
    """
    if vmf.write:
        anon_vma_prepare(vmf.pte.vma)
    yield
    pte_offset_map_lock(vmf.pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_ANONYMOUS, pte_same(vmf.pte, vmf.orig)):
        pte_unmap_unlock(vmf.pte.mm)
        return False
    if vmf.write:
        folio = folio_alloc(k)
        folio_add_new_anon_rmap(k, folio, vmf.pte)
        folio_add_lru(k, folio, vmf.cpu)
        value = pte_mkwrite(k, mk_pte(folio)) if vmf.pte.vma.write else mk_pte(folio)
    else:
        value = mk_pte(k.zero_page)
    set_pte(vmf.pte, pte_mkuffd_wp(value) if vmf.orig.uffd_wp else value)
    pte_unmap_unlock(vmf.pte.mm)
    return False


# -- write-protect faults --------------------------------------------------------------------------


def do_wp_page(k: Kernel, vmf: Fault) -> Code:
    """Resolve a write, or an unshare request, to a page whose entry is read-only.

    The caller holds the page-table lock, which is dropped here.  A write that userfaultfd wants to know of
    waits, or only takes the mark away (d61ea1cb0095, v6.7).  A page that is exclusive is reused in place.
    Any other page is reused if nobody else refers to it (09854ba94c6a, v5.9), or else copied.  An unshare
    request copies the zero page since 84209e87c696 (v6.2).
    Returns as `handle_pte_fault` does.
    """
    if vmf.write and userfaultfd_pte_wp(vmf.pte.vma, vmf.orig):
        if not vmf.pte.vma.wp_async:
            pte_unmap_unlock(vmf.pte.mm)
            return (yield from handle_userfault(k, vmf))
        vmf = vmf._replace(orig=vmf.orig._replace(uffd_wp=False))
        set_pte(vmf.pte, vmf.orig)
        k.say("the write is noted: the page is not write-protected any more (d61ea1cb0095)")
    if vmf.write:
        _flush_write_protection(k, vmf.pte)
    folio, page = vmf.orig.folio, vmf.orig.page
    if folio is None or page is None:
        raise Crash("BUG: write-protect fault on an entry without a page")
    if folio is k.zero_page:
        if vmf.unshare and not k.has(changes.LONGTERM_UNSHARES_ALL):
            pte_unmap_unlock(vmf.pte.mm)
            return False
        return (yield from wp_page_copy(k, vmf))
    if page.anon_exclusive:
        k.say(f"{page} is exclusive (PG_anon_exclusive), so it is reused")
        wp_page_reuse(k, vmf)
        return vmf.write
    if not k.has(changes.WP_REUSE_BY_REFCOUNT):
        return (yield from _wp_by_mapcount(k, vmf, folio))
    if wp_can_reuse_anon_folio(k, vmf, folio, page):
        wp_page_reuse(k, vmf)
        return vmf.write
    return (yield from wp_page_copy(k, vmf))


def _flush_write_protection(k: Kernel, pte: Pte) -> None:
    """Flush the TLBs if userfaultfd has write-protected the entry and not flushed yet (6ce64428d620, v5.12).

    userfaultfd changes entries as a reader of mmap_lock and flushes later.  Until then another CPU may still
    write to the page, so it must not be copied.
    """
    if pte.vma.uffd_wp and pte.mm.tlb_flush_pending and k.has(changes.UFFD_WP_FLUSHES):
        flush_tlb_page(k, pte)


def _wp_by_mapcount(k: Kernel, vmf: Fault, folio: Folio) -> Code:
    """Resolve a write-protect fault as v5.7 does: reuse a page that only one pte or slot refers to.

    Other references are not counted, except those to a KSM page.  Where the folio lock is not free, the fault
    drops the page-table lock and sleeps.
    """
    if folio.ksm and (folio.swapcache or folio_ref_count(folio) != 1):
        return (yield from wp_page_copy(k, vmf))
    if not folio_trylock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_WP_BY_MAPCOUNT)):
        folio_get(k, folio)
        pte_unmap_unlock(vmf.pte.mm)
        yield
        folio_lock(folio)
        pte_offset_map_lock(vmf.pte.mm)
        if not still(k, mutants.NO_PTE_SAME_IN_WP_SLEEP, pte_same(vmf.pte, vmf.orig)):
            folio_unlock(folio)
            pte_unmap_unlock(vmf.pte.mm)
            folio_put(k, folio)
            return False
        folio_put(k, folio)
    reuse = reuse_ksm_page(vmf, folio) if folio.ksm else swapfile.reuse_swap_page(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_WP_BY_MAPCOUNT))
    if reuse:
        wp_page_reuse(k, vmf)
        return vmf.write
    return (yield from wp_page_copy(k, vmf))


def reuse_ksm_page(vmf: Fault, folio: Folio) -> bool:
    """Turn a KSM page with a single reference into a plain page of this process (mm/ksm.c, v5.7).

    Returns False, and changes nothing, if anybody else refers to the page.
    """
    if folio.swapcache or folio_ref_count(folio) != 1:
        return False
    folio.ksm = False
    folio.index = vmf.pte.page + 1
    return True


def wp_can_reuse_anon_folio(k: Kernel, vmf: Fault, folio: Folio, page: MappedPage) -> bool:
    """Tell whether a page not known to be exclusive is this process's alone; if so, make it exclusive.

    The references to the folio decide. v5.9: there must be exactly one (09854ba94c6a). v5.18: references of
    the swap cache and of this CPU's LRU-add batch are dropped first (53a05ad9f21d, d4c470970d45). v7.3: that
    batch is drained only where it can help (wp-drains-if-useful).  A page of a large folio is never reused
    since 069686255c16 (v6.7), unless all of the folio is this process's alone since 1da190f4d0a6 (v6.15).

    Never waits, because the page-table lock is held.
    """
    if folio.is_large and k.has(changes.LARGE_REUSE_BY_MAPCOUNT):
        return __wp_can_reuse_large_anon_folio(k, folio, page)
    if folio.is_large and k.has(changes.LARGE_NEVER_REUSED):
        k.say(f"{page} belongs to a large folio and is not known to be exclusive: copied")
        return False
    if folio.ksm:
        k.say(f"{folio} is a KSM page, so it is copied")
        return False
    if k.has(changes.WP_REUSE_FROM_SWAP_CACHE):
        most = 1 + (not folio.lru) + folio.swapcache if k.has(changes.WP_DRAINS_IF_USEFUL) else 3
        if folio_ref_count(folio) > most:
            return _explain_copy(k, folio)
        if k.has(changes.WP_DRAINS_LRU) and not folio.lru:
            lru_add_drain(k, vmf.cpu)
        if folio_ref_count(folio) > 1 + folio.swapcache:
            return _explain_copy(k, folio)
    elif folio_ref_count(folio) != 1:
        return _explain_copy(k, folio)
    busy = k.fails(f"somebody else holds the lock of {folio} for a moment")
    if busy or not folio_trylock(folio, unless=k.has(mutants.NO_TRYLOCK_IN_WP_REUSE)):
        k.say(f"{folio} is locked by somebody else, so it is copied")
        return False
    if k.has(changes.WP_REUSE_FROM_SWAP_CACHE) and folio.swapcache:
        swapfile.folio_free_swap(k, folio)
    alone = folio_ref_count(folio) == 1 and page.mapcount == 1
    reuse = still(k, mutants.NO_RECOUNT_IN_WP_REUSE, alone)
    if reuse:
        folio_move_anon_rmap(k, page)
        k.say(f"this pte holds the only reference to {folio}, so it is reused")
    else:
        _explain_copy(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_TRYLOCK_IN_WP_REUSE))
    return reuse


def __wp_can_reuse_large_anon_folio(k: Kernel, folio: Folio, page: MappedPage) -> bool:
    """Tell whether only this process maps and refers to a large folio; if so, make the page exclusive.

    A folio of which only one page is still mapped is not reused, so that the rest of it can be freed; one in
    the swap cache leaves it first, if no swap pte needs it (1da190f4d0a6, v6.15).
    """
    mappings = folio.mapcount
    if mappings <= 1 or not still(k, mutants.NO_SHARED_BIT_IN_LARGE_REUSE, not folio.shared):
        k.say(f"{folio} is mapped once or by others too, so this page of it is copied")
        return False
    if folio.swapcache:
        if not folio_trylock(folio):
            k.say(f"{folio} is locked by somebody else, so this page of it is copied")
            return False
        swapfile.folio_free_swap(k, folio)
        folio_unlock(folio)
    references = folio_ref_count(folio)
    if not still(k, mutants.NO_REFCOUNT_IN_LARGE_REUSE, mappings == references):
        k.say(f"{folio} has {references} references and {mappings} mappings, so this page of it is copied")
        return False
    k.say(f"all references to {folio} are mappings of this process, so {page} is reused")
    page.anon_exclusive = True
    return True


def _explain_copy(k: Kernel, folio: Folio) -> bool:
    """Note for the trace why a page is copied, and return False."""
    cached = " (one is the swap cache)" if folio.swapcache else ""
    k.say(f"{folio} is not known to be exclusive and has {folio_ref_count(folio)} references{cached}: copied")
    return False


def wp_page_reuse(k: Kernel, vmf: Fault) -> None:
    """Make the entry writable for a write, and drop the page-table lock.

    An unshare request leaves the entry read-only.
    """
    if vmf.write:
        set_pte(vmf.pte, maybe_mkwrite(k, vmf.orig, vmf.pte.vma))
    pte_unmap_unlock(vmf.pte.mm)


def wp_page_copy(k: Kernel, vmf: Fault) -> Code:
    """Map a copy of the page in place of the page itself, which a reference keeps alive meanwhile.

    The copy is made without a lock: of what others write to the old page through their references, each place
    may be in the copy or not.  The slot of the old page is given back since f4c4a3f48480 (v5.14).

    Returns True if a write may go to the copy; False for an unshare request, or if the entry has changed.
    """
    old, old_page = vmf.orig.folio, vmf.orig.page
    if old is None or old_page is None:
        raise Crash("BUG: a page is copied that is not there")
    anon_vma_prepare(vmf.pte.vma)
    folio_get(k, old)
    pte_unmap_unlock(vmf.pte.mm)
    new = folio_alloc(k)
    torn = old is not k.zero_page and k.program.written_beside(vmf.cpu)
    yield from copy_user_highpage(k, new, old_page, torn)
    yield
    pte_offset_map_lock(vmf.pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_WP_COPY, pte_same(vmf.pte, vmf.orig)):
        pte_unmap_unlock(vmf.pte.mm)
        folio_put(k, new)
        folio_put(k, old)
        return False
    _install_copy(k, vmf, old, new)
    pte_unmap_unlock(vmf.pte.mm)
    if k.has(changes.FREE_SWAP_CACHE_AFTER_COPY) and old is not k.zero_page:
        free_swap_cache(k, old)
    folio_put(k, old)
    return vmf.write


def _install_copy(k: Kernel, vmf: Fault, old: Folio, new: Folio) -> None:
    """Replace a page by its copy in the page table: flush the TLB, map the copy, unmap the old page."""
    flush_tlb_page(k, vmf.pte)
    folio_add_new_anon_rmap(k, new, vmf.pte)
    folio_add_lru(k, new, vmf.cpu)
    value = mk_pte(new)
    unshared = value.tracking(vmf.orig)
    set_pte(vmf.pte, maybe_mkwrite(k, value, vmf.pte.vma) if vmf.write else unshared)
    old_page = vmf.orig.page
    if old_page is not None and old is not k.zero_page:
        folio_remove_rmap_pte(k, old, old_page, vmf.pte.mm)
        k.count_copy()
    folio_put(k, old)


# -- swap-in ---------------------------------------------------------------------------------------


def do_swap_page(k: Kernel, vmf: Fault) -> Code:
    """Read a swapped-out page back in, map it, and decide whether this process may write to it.

    `swapcache` is the folio that the swap cache has for the slot, None if the slot was read past the cache.
    `folio` is the folio to be mapped: the same one, or a copy of it that KSM asks for.

    Where a large folio is in the swap cache, or is read from a synchronous device (242d12c98174, v6.12), all
    of its pages are mapped if their entries are alike.

    The page is exclusive if its swap pte is marked since 1493a1913e34 (v5.19); if nobody else has a reference
    since c145e0b47c77 (v5.18); before that ptes were counted.  The folio is compared again once it is locked
    (4969c1192d15, v2.6.36).  Until 4b34f1d82c65 (v7.0) the slot is given back before the folio is mapped;
    from then on only the marker counts.

    Returns as `handle_pte_fault` does.
    """
    if vmf.orig.marker:
        return (yield from handle_pte_marker(k, vmf))
    slot = vmf.orig.slot
    if slot is None:
        raise Crash("BUG: a swap pte without a slot")
    if k.swapoff_runs:
        yield  # the entry was read without a lock
    if not swapfile.get_swap_device(k, slot):
        return False
    swapcache = lookup_swap_cache(k, slot)
    folio = swapcache
    if folio is None and _may_bypass(k, slot):
        folio = yield from alloc_swap_folio(k, vmf, slot)
    elif folio is None:
        large = k.synchronous(slot.device) and k.has(changes.LARGE_SWAPIN_SYNC) and can_swapin_thp(k, vmf)
        folio = yield from swapin_sync(k, vmf.cpu, slot, large)
        swapcache = folio
    if folio is None:
        swapfile.put_swap_device(k, slot)
        return False
    yield
    folio_lock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPIN))
    if swapcache is not None:
        if k.has(changes.SWAPIN_RECHECKS_ENTRY) and not folio_matches_swap_entry(folio, slot):
            return _out_page(k, slot, folio, swapcache)
        folio = ksm_might_need_to_copy(k, vmf.pte, folio)
        if _drains_before_counting(k) and vmf.write and folio is swapcache and not (folio.ksm or folio.lru):
            lru_add_drain(k, vmf.cpu)
    yield
    pte_offset_map_lock(vmf.pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_SWAPIN, pte_same(vmf.pte, vmf.orig)):
        return _out_nomap(k, vmf, slot, folio, swapcache)
    if not still(k, mutants.NO_UPTODATE_IN_SWAPIN, folio.uptodate):
        k.say(f"{folio} could not be read: SIGBUS")
        _out_nomap(k, vmf, slot, folio, swapcache)
        return SIGBUS
    ptes = _swapin_pte_batch(k, vmf, folio)
    if folio.is_large and not folio.index and len(ptes) == 1:
        k.say(f"the entries of {folio} have changed, so it is not mapped at all")
        if swapcache is not None:
            delete_from_swap_cache(k, folio)
        return _out_nomap(k, vmf, slot, folio, swapcache)
    if k.has(changes.SWAPIN_REUSE_BY_REFCOUNT):
        page = folio.page(folio.subpage_of(slot))
        if page.anon_exclusive:
            raise Crash(f"BUG_ON: {page} is reached through a swap pte and PG_anon_exclusive")
        exclusive = _exclusive_by_marker(k, vmf, folio, swapcache)
        map_first = k.has(changes.MAP_THEN_FREE_SWAP)
        if not map_first:
            _swap_free_nr(k, ptes)
            if should_try_to_free_swap(k, vmf, folio, swapcache, exclusive):
                swapfile.folio_free_swap(k, folio)
            exclusive = _exclusive_by_count(k, folio, swapcache, exclusive)
        pteval = mk_pte(folio, folio.subpage_of(slot)).tracking(vmf.orig)
        if exclusive:
            pteval = _mkwrite_exclusive(k, vmf, pteval)
        _add_rmaps(k, vmf, ptes, folio, swapcache, exclusive)
        if map_first:
            _swap_free_nr(k, ptes)
        own = tuple(ptep_get(pte) for pte in ptes)
        _set_ptes(ptes, pteval)
        if len(ptes) > 1 and swapcache is not None:
            _compare_swapin(k, vmf, ptes, own, pteval)
        if map_first and should_try_to_free_swap(k, vmf, folio, swapcache, exclusive):
            swapfile.folio_free_swap(k, folio)
    else:
        pteval = _map_by_mapcount(k, vmf, folio, swapcache)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPIN))
    _drop_swapcache(k, folio, swapcache)
    wrote = vmf.write
    if vmf.write and not pteval.dirty:
        yield  # the page-table lock stays held, the folio lock does not
        wrote = yield from do_wp_page(k, vmf._replace(orig=pteval))
    else:
        pte_unmap_unlock(vmf.pte.mm)
    _out(k, slot, folio, swapcache)
    return wrote


def handle_pte_marker(k: Kernel, vmf: Fault) -> Code:
    """Resolve a fault at an entry that stands for no page.

    Content that could not be read when swapoff wanted it gives SIGBUS (9f186f9e5fa9, v5.19).  Where the next
    write is to be noted and nothing is mapped yet, a page is mapped so (pte_marker_handle_uffd_wp).
    """
    if vmf.orig.poisoned:
        k.say(f"{vmf.pte} stands for content that could not be read: SIGBUS")
        return SIGBUS
    return (yield from do_anonymous_page(k, vmf))


def can_swapin_thp(k: Kernel, vmf: Fault) -> bool:
    """Tell whether a fault may read all pages around it back from swap, into one large folio.

    Their entries must be swap ptes with slots side by side and the same flags, and of no interest to a
    userfaultfd.  None of the slots may be in the swap cache: whoever reads them looks for that once more.
    """
    slot = vmf.orig.slot
    if slot is None or not k.program.blocks or vmf.pte.vma.uffd_wp:
        return False
    pte_offset_map_lock(vmf.pte.mm)
    ptes = swap_pte_batch(k, vmf, slot)
    pte_unmap_unlock(vmf.pte.mm)
    first = k.slots[slot.number - slot.number % LARGE_PAGES]
    return len(ptes) > 1 and all(not each.has_cache for each in first.run(LARGE_PAGES))


def _swapin_pte_batch(k: Kernel, vmf: Fault, folio: Folio) -> tuple[Pte, ...]:
    """Return the entries that a swap fault maps together; the faulting one among them.

    They are all entries of a large folio if none of them is mapped yet and their flags are equal, since
    508758960b8d (v6.11) for one in the swap cache; otherwise the faulting one alone.
    """
    slot = vmf.orig.slot
    if not folio.is_large or slot is None or (folio.index and not k.has(changes.LARGE_SWAPIN_CACHED)):
        return (vmf.pte,)
    ptes = swap_pte_batch(k, vmf, slot)
    if len(ptes) == 1:
        k.say(f"the entries of {folio} are not alike: one page of it is mapped")
    return ptes


def swap_pte_batch(k: Kernel, vmf: Fault, slot: Slot) -> tuple[Pte, ...]:
    """Return all entries for a large folio around a swap pte if they are alike; else its own alone.

    They are alike if their slots are those side by side, and their flags the same: one that is marked
    exclusive must not be mapped with one that is not (mm/internal.h).
    """
    mm, subpage = vmf.pte.mm, slot.number % LARGE_PAGES
    first = vmf.pte.page - subpage
    if first < 0 or first + LARGE_PAGES > len(k.program.pages):
        return (vmf.pte,)
    ptes = tuple(k.pte(mm, first + number) for number in range(LARGE_PAGES))
    slots = k.slots[slot.number - subpage].run(LARGE_PAGES)
    if k.program.block_of(first) is None or k.program.block_of(first) != k.program.block_of(vmf.pte.page):
        return (vmf.pte,)
    for pte, each in zip(ptes, slots, strict=True):
        value = ptep_get(pte)
        if k.has(mutants.NO_EXCLUSIVE_IN_SWAP_PTE_BATCH):
            value = value._replace(exclusive=vmf.orig.exclusive)
        if value != vmf.orig._replace(slot=each) or not is_mergeable_vma(pte.vma, vmf.pte.vma):
            return (vmf.pte,)
    return ptes


def _compare_swapin(
    k: Kernel, vmf: Fault, ptes: tuple[Pte, ...], own: tuple[PteValue, ...], pteval: PteValue
) -> None:
    """Hold each entry that a swap fault has mapped against what its own swap pte would have given it (J8).

    If the fault trusted the marker of its swap pte, each of the others must have it, too.
    """
    trusted = pte_swp_exclusive(vmf.orig) and k.has(changes.SWAPIN_TRUSTS_MARKER)
    for pte, entry in zip(ptes, own, strict=True):
        more = trusted and not entry.exclusive
        alone = pteval._replace(write=pteval.write and not more).tracking(entry)
        compare_with_single_step(pte, alone, exclusive=more)


def _swap_free_nr(k: Kernel, ptes: tuple[Pte, ...]) -> None:
    """Count a swap pte less for the slot of each of these entries (swap_free_nr, folio_put_swap)."""
    for pte in ptes:
        slot = pte.slot
        if slot is not None:
            swapfile.swap_free(k, slot)


def _set_ptes(ptes: tuple[Pte, ...], value: PteValue) -> None:
    """Set entries that map the pages of one folio in order, or one entry (set_ptes)."""
    for number, pte in enumerate(ptes):
        set_pte(pte, value._replace(subpage=number) if len(ptes) > 1 else value)


def _out_nomap(k: Kernel, vmf: Fault, slot: Slot, folio: Folio, swapcache: Folio | None) -> bool:
    """Give up because the entry has changed: drop the page-table lock and go on at `_out_page`."""
    pte_unmap_unlock(vmf.pte.mm)
    return _out_page(k, slot, folio, swapcache)


def _out_page(k: Kernel, slot: Slot, folio: Folio, swapcache: Folio | None) -> bool:
    """Give up with the folio locked and nothing mapped: unlock it and go on at `_out_release`.

    Since f1879e8a0c60 (v7.0) a slot that no pte needs any more is given back at once.
    """
    if k.has(changes.BACK_OUT_FREES_SWAP):
        swapfile.folio_free_swap(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPIN))
    return _out_release(k, slot, folio, swapcache)


def _out_release(k: Kernel, slot: Slot, folio: Folio, swapcache: Folio | None) -> bool:
    """Drop the reference to the folio that was not mapped, and all else that is held; return False."""
    folio_put(k, folio)
    _drop_swapcache(k, folio, swapcache)
    _out(k, slot, folio, swapcache)
    return False


def _out(k: Kernel, slot: Slot, folio: Folio, swapcache: Folio | None) -> None:
    """Release the slots that a read past the swap cache has marked (13ddaf26be32, v6.8), and the device."""
    if swapcache is None and k.has(changes.BYPASS_TAKES_SLOT):
        for each in _slots_for(k, slot, folio.is_large):
            swapfile.put_swap_folio(k, each)
    swapfile.put_swap_device(k, slot)


def _slots_for(k: Kernel, slot: Slot, large: bool) -> tuple[Slot, ...]:
    """Return the slot to be read, or all those that a large folio is read from."""
    return k.slots[slot.number - slot.number % LARGE_PAGES].run(LARGE_PAGES) if large else (slot,)


def _drop_swapcache(k: Kernel, folio: Folio, swapcache: Folio | None) -> None:
    """Unlock and release the folio in the swap cache, if a copy of it was mapped instead."""
    if swapcache is not None and swapcache is not folio:
        folio_unlock(swapcache)
        folio_put(k, swapcache)


def _may_bypass(k: Kernel, slot: Slot) -> bool:
    """True where a slot may be read past the swap cache: its device is synchronous, and one pte refers to it.

    0bcac06f27d7 (v4.15) to f1879e8a0c60 (v7.0).  SWAP_HAS_CACHE does not count as a user.
    """
    return k.synchronous(slot.device) and slot.count == 1 and not k.has(changes.NO_BYPASS)


def alloc_swap_folio(k: Kernel, vmf: Fault, slot: Slot) -> Code:
    """Read a slot into a new folio that nobody else can find, and return it locked.

    Since 242d12c98174 (v6.12) that is a large folio, with the slots around it, where all entries are alike.
    Since 13ddaf26be32 (v6.8) the slot is marked meanwhile (swapcache_prepare), so that others can neither
    read it nor free and reuse it.
    """
    large = k.has(changes.LARGE_SWAPIN_SYNC) and can_swapin_thp(k, vmf)
    slots = _slots_for(k, slot, large)
    if k.has(changes.BYPASS_TAKES_SLOT):
        for each in slots:
            if each.has_cache:
                raise Blocked(f"the swap cache entry of {each}")
            each.has_cache = True
    if large:
        k.say(f"{slots[0]} and the slots after it are read together, into one large folio")
    folio = folio_alloc(k, LARGE_ORDER if large else 0)
    folio_lock(folio)
    folio_add_lru(k, folio, vmf.cpu)
    yield
    swap_readpage(k, folio, slots[0])
    return folio


def _drains_before_counting(k: Kernel) -> bool:
    """True where do_swap_page drains this CPU's LRU-add batch before it counts references.

    That is from d4c470970d45 (v5.18) to v7.2; swapin-without-drain ends it.
    """
    return k.has(changes.WP_DRAINS_LRU) and not k.has(changes.SWAPIN_WITHOUT_DRAIN)


def _exclusive_by_marker(k: Kernel, vmf: Fault, folio: Folio, swapcache: Folio | None) -> bool:
    """Tell whether a page read back from swap belongs to this process alone (H4 of 1493a1913e34, v5.19).

    It does if its swap pte is marked, and if it was read past the swap cache.  A page under writeback to a
    device with stable writes must not be written to, so it is not taken for exclusive.  (The posted patch had
    that test inverted.)
    """
    if folio.ksm:
        k.say(f"{folio} is a KSM page: shared")
        return False
    exclusive = k.has(changes.SWAPIN_TRUSTS_MARKER) and pte_swp_exclusive(vmf.orig)
    if folio is not swapcache:
        return k.has(changes.SWAPIN_FRESH_IS_EXCLUSIVE) or exclusive
    slot = vmf.orig.slot
    if exclusive and slot and folio.writeback and k.has(changes.STABLE_WRITES_DROP_EXCLUSIVE):
        stable = k.stable_writes(slot.device)
        if stable != k.has(changes.AS_POSTED):
            k.say("under writeback, and the device wants stable pages: not taken for exclusive")
            return False
        if stable:
            k.say("as posted, the test is inverted: the page stays exclusive although the device reads it")
    return exclusive


def _exclusive_by_count(k: Kernel, folio: Folio, swapcache: Folio | None, exclusive: bool) -> bool:
    """Tell whether to map a page as exclusive: the marker says so, or nobody else has a reference.

    The marker counts since 1493a1913e34 (H4, v5.19).  From v7.0 to v7.3 the code still accepts a single
    reference, too, but a page in the swap cache always has more than one here.
    """
    if folio.ksm:
        return False
    if not k.has(changes.MAP_BY_EXCLUSIVE):
        exclusive = folio is not swapcache
    if exclusive:
        k.say(f"{folio} is exclusive to this process")
    elif folio_ref_count(folio) == 1:
        k.say(f"nobody else has a reference to {folio}: it is exclusive")
    else:
        k.say(f"{folio} has {folio_ref_count(folio)} references and no marker: mapped as shared")
    return exclusive or folio_ref_count(folio) == 1


def should_try_to_free_swap(
    k: Kernel, vmf: Fault, folio: Folio, swapcache: Folio | None, exclusive: bool
) -> bool:
    """Tell whether do_swap_page should give the slot back, provided that no pte needs it.

    For a write it should, because the page may then be reused: if the only references are the fault's and the
    swap cache's; since v7.3 if the page is exclusive (exclusive-frees-swap).  On a synchronous device it
    always should (ab08be8dc96a, v7.0).
    """
    slot = vmf.orig.slot
    if folio is not swapcache or not folio.swapcache or slot is None:
        return False
    if k.synchronous(slot.device) and k.has(changes.SYNC_FREES_SWAP):
        return True
    if k.has(changes.EXCLUSIVE_FREES_SWAP):
        return vmf.write and exclusive
    return vmf.write and not folio.ksm and folio_ref_count(folio) == 1 + len(folio.pages)


def _mkwrite_exclusive(k: Kernel, vmf: Fault, pteval: PteValue) -> PteValue:
    """Return the entry for an exclusive page: dirty and, if the mapping is, writable for a write.

    Since v6.11 it is writable for a read, too (c18160dba5ff), unless the first write must be noted
    (108f15002862).
    """
    vma = vmf.pte.vma
    written = maybe_mkwrite(k, pteval, vma).tracking(vmf.orig)
    if not k.has(changes.READ_MAPS_WRITABLE):
        return written if vmf.write else pteval
    if pte_needs_soft_dirty_wp(k, vma, pteval) or userfaultfd_pte_wp(vma, pteval):
        return pteval
    return written if vmf.write else pteval._replace(write=vma.write)


def _add_rmaps(
    k: Kernel, vmf: Fault, ptes: tuple[Pte, ...], folio: Folio, swapcache: Folio | None, exclusive: bool
) -> None:
    """Count the mappings of the folio, with a reference for each but the one that the fault holds.

    A copy that KSM asked for is new and enters the LRU-add batch.
    """
    if swapcache is not None and folio is not swapcache:
        folio_add_new_anon_rmap(k, folio, vmf.pte)
        folio_add_lru(k, folio, vmf.cpu)
        return
    for pte in ptes:
        slot = vmf.orig.slot if pte is vmf.pte else pte.slot
        if pte is not vmf.pte:
            folio_get(k, folio)
        if slot is not None:
            folio_add_anon_rmap_pte(k, folio, folio.subpage_of(slot), pte, exclusive)


def _map_by_mapcount(k: Kernel, vmf: Fault, folio: Folio, swapcache: Folio | None) -> PteValue:
    """Map a page read back from swap as v5.17 and before do, and return its new entry.

    A write may reuse the page if only one pte or slot refers to it (reuse_swap_page).
    """
    pteval, slot = mk_pte(folio), vmf.orig.slot
    if slot is None:
        raise Crash("BUG: a swap pte without a slot")
    if vmf.write and swapfile.reuse_swap_page(k, folio):
        pteval = maybe_mkwrite(k, pteval, vmf.pte.vma)
    pteval = pteval.tracking(vmf.orig)
    _add_rmaps(k, vmf, (vmf.pte,), folio, swapcache, exclusive=False)
    set_pte(vmf.pte, pteval)
    swapfile.swap_free(k, slot)
    return pteval
