# SPDX-License-Identifier: MIT
"""mm/memory.c: page tables copied by fork, entries removed, and page faults.

Who may write to an anonymous page, and who gets a copy, is decided here.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Crash
from cowpath.history import changes, mutants

from ..arch.tlb import flush_tlb_page
from ..fs.userfaultfd import handle_userfault
from ..include.mm import Fault
from ..include.mmap_lock import vma_start_write
from ..include.pgtable import (
    PTE_NONE,
    PteValue,
    maybe_mkwrite,
    mk_pte,
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
    flush_tlb_batched_pending,
    folio_add_anon_rmap_pte,
    folio_add_new_anon_rmap,
    folio_move_anon_rmap,
    folio_remove_rmap_pte,
    folio_try_dup_anon_rmap_pte,
)
from .swap import (
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
    folio_matches_swap_entry,
    free_swap_cache,
    ksm_might_need_to_copy,
    lookup_swap_cache,
    swapin_readahead,
)
from .swapfile import free_swap_and_cache, swap_duplicate

# -- fork ------------------------------------------------------------------------------------------


def copy_page_range(k: Kernel, cpu: int, src_ptes: tuple[Pte, ...], dst_ptes: tuple[Pte, ...]) -> Code:
    """Give the child copies of some entries of its parent, which share a page table.

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
    """Copy the entries under both page-table locks.  From here on FOLL_GET promises nothing (I5).

    Those of a large folio are copied in batches since f8d937761d65 (v6.9), to the same effect.
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
    """Share the page read-only, unless it may be pinned: then the child gets a copy (70e806e4e645, v5.9)."""
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
    """Copy a page place by place, where others may write to it meanwhile (include/linux/highmem.h)."""
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
    """Give the child a new page with the content of its parent's: writable if the mapping is.

    The parent's threads and whoever has pinned the page go on writing to it: the copy may be torn.
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
    """Share what a swap pte or a migration entry leads to; neither is exclusive any more.

    H3 (1493a1913e34, v5.19): the marker of the swap pte is cleared.  A migration entry becomes the read kind.
    """
    pteval = ptep_get(src_pte)
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
    elif not k.has(changes.FORK_KEEPS_MIGRATION_KIND):
        pteval = pteval._replace(access="read")
        set_pte(src_pte, pteval)
    set_pte(dst_pte, _for_child(k, src_pte, pteval))


def _for_child(k: Kernel, src_pte: Pte, pteval: PteValue) -> PteValue:
    """The entry for the child, which is not registered with its parent's userfaultfd.

    (There is no UFFD_FEATURE_EVENT_FORK.)  Until 8f34f1eac382 (v5.14) the parent's mapping decided whether
    the mark stays.
    """
    stays = src_pte.vma.uffd_wp and not k.has(changes.FORK_CLEARS_UFFD_WP)
    return pteval._replace(uffd_wp=pteval.uffd_wp and stays)


# -- unmapping -------------------------------------------------------------------------------------


def zap_pte_range(k: Kernel, ptes: tuple[Pte, ...]) -> Code:
    """Remove some entries of one process, and what they refer to, under its page-table lock.

    The mapping goes under the page-table lock.  The TLB is flushed later, and only then the page's reference
    is dropped; an unmapped page in the swap cache gives its slot back on that occasion
    (free_pages_and_swap_cache).
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
    """Resolve one fault; the caller holds mmap_lock.  What it cannot resolve is simply tried again.

    Returns True (VM_FAULT_WRITE) where a write got a page that it may go to, "sigbus" where it would have to
    wait and must not.

    The entry is read without the page-table lock and compared again under it.
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
    """An access that NUMA balancing wanted to know of: the page moves to that CPU's node, or stays.

    Either way its entry is as before.  A page that moves is unmapped on the way, and mapped by
    remove_migration_pte.
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
    """The entry after a hinting fault: as writable as before.

    That was kept in the entry (pte_savedwrite); since 6a56ccbcf6c6 (v6.2) it is found out anew.
    """
    value = value._replace(protnone=False)
    if k.has(changes.NUMA_RECOMPUTES_WRITE):
        return value._replace(write=vma.write and can_change_pte_writable(k, vma, value))
    return value


def do_anonymous_page(k: Kernel, vmf: Fault) -> Code:
    """The first touch: reads share the zero page, a write gets a page of its own, exclusive at once."""
    yield
    pte_offset_map_lock(vmf.pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_ANONYMOUS, pte_same(vmf.pte, vmf.orig)):
        pte_unmap_unlock(vmf.pte.mm)
        return False
    if vmf.write:
        folio = folio_alloc(k)
        folio_add_new_anon_rmap(k, folio, vmf.pte)
        folio_add_lru(k, folio, vmf.cpu)
        set_pte(vmf.pte, pte_mkwrite(k, mk_pte(folio)) if vmf.pte.vma.write else mk_pte(folio))
    else:
        set_pte(vmf.pte, mk_pte(k.zero_page))
    pte_unmap_unlock(vmf.pte.mm)
    return False


# -- write-protect faults --------------------------------------------------------------------------


def do_wp_page(k: Kernel, vmf: Fault) -> Code:
    """A write (or an unshare request) meets a read-only page; the page-table lock is held on entry.

    A write that userfaultfd wants to know of waits.  A page that is exclusive is reused in place.  Otherwise
    it may become so if nobody else refers to it (09854ba94c6a, v5.9), or it is copied.  The zero page is
    unshared since 84209e87c696 (v6.2).
    """
    if vmf.write and userfaultfd_pte_wp(vmf.pte.vma, vmf.orig):
        pte_unmap_unlock(vmf.pte.mm)
        return (yield from handle_userfault(k, vmf))
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
    """userfaultfd changes entries as a reader of mmap_lock, and flushes later (6ce64428d620, v5.12).

    Until then another CPU may still write to the page, so nobody may copy it.
    """
    if pte.vma.uffd_wp and pte.mm.tlb_flush_pending and k.has(changes.UFFD_WP_FLUSHES):
        flush_tlb_page(k, pte)


def _wp_by_mapcount(k: Kernel, vmf: Fault, folio: Folio) -> Code:
    """v5.7: reuse a page that only one pte or slot refers to; it may sleep for the folio lock."""
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
    """v5.7: the last user of a KSM page takes it over (mm/ksm.c)."""
    if folio.swapcache or folio_ref_count(folio) != 1:
        return False
    folio.ksm = False
    folio.index = vmf.pte.page + 1
    return True


def wp_can_reuse_anon_folio(k: Kernel, vmf: Fault, folio: Folio, page: MappedPage) -> bool:
    """Whether a page that is not known to be exclusive may become so, judged by its references.

    v5.9: exactly one reference (09854ba94c6a).  v5.18: references of the swap cache and of this CPU's LRU-add
    batch are dropped first (53a05ad9f21d, d4c470970d45).  v7.3: that batch is drained only where it can help
    (wp-drains-if-useful).  A page of a large folio is never reused since 069686255c16 (v6.7), unless all of
    the folio is this process's alone since 1da190f4d0a6 (v6.15).
    Never waits: the page-table lock is held.
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
    if not folio_trylock(folio, unless=k.has(mutants.NO_TRYLOCK_IN_WP_REUSE)):
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
    """Whether only this process maps or refers to a large folio; then this page is exclusive from now on.

    Not where only one page is mapped: then the rest of the folio is better freed.  1da190f4d0a6, v6.15.
    """
    references, mappings = folio_ref_count(folio), folio.mapcount
    if mappings <= 1 or not still(k, mutants.NO_SHARED_BIT_IN_LARGE_REUSE, not folio.shared):
        k.say(f"{folio} is mapped once or by others too, so this page of it is copied")
        return False
    if not still(k, mutants.NO_REFCOUNT_IN_LARGE_REUSE, mappings == references):
        k.say(f"{folio} has {references} references and {mappings} mappings, so this page of it is copied")
        return False
    k.say(f"all references to {folio} are mappings of this process, so {page} is reused")
    page.anon_exclusive = True
    return True


def _explain_copy(k: Kernel, folio: Folio) -> bool:
    """Say why a page is copied; always False."""
    cached = " (one is the swap cache)" if folio.swapcache else ""
    k.say(f"{folio} is not known to be exclusive and has {folio_ref_count(folio)} references{cached}: copied")
    return False


def wp_page_reuse(k: Kernel, vmf: Fault) -> None:
    """Let the page be written in place; an unshare request leaves it read-only.  Drops the lock."""
    if vmf.write:
        set_pte(vmf.pte, maybe_mkwrite(k, vmf.orig, vmf.pte.vma))
    pte_unmap_unlock(vmf.pte.mm)


def wp_page_copy(k: Kernel, vmf: Fault) -> Code:
    """Give the faulting process a copy of its own; the old page is only held by a reference meanwhile.

    The copy is made without a lock, so what others write to the old page through their references may be in
    it or not, place by place, and goes unnoticed here.  The slot of the old page is given back since
    f4c4a3f48480 (v5.14).
    """
    old, old_page = vmf.orig.folio, vmf.orig.page
    if old is None or old_page is None:
        raise Crash("BUG: a page is copied that is not there")
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
    """Replace the old page by its copy in the page table (flush, map the new, unmap the old)."""
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
    """Bring a swapped-out page back in, and decide whether this process may write to it.

    `swapcache` is the folio that the swap cache has for the slot, None where the slot was read past it.
    `folio` is the one to be mapped: that one, or a copy of it that KSM asks for.

    Exclusivity: by the marker since 1493a1913e34 (v5.19); by refcount since c145e0b47c77 (v5.18); by counting
    ptes before.  The folio is compared again under its lock (4969c1192d15, v2.6.36).  The slot is given back
    before the folio is mapped until 4b34f1d82c65 (v7.0); from then on only the marker counts.
    """
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
        folio = yield from swapin_readahead(k, vmf.cpu, slot)
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
    if k.has(changes.SWAPIN_REUSE_BY_REFCOUNT):
        if folio.anon_exclusive:
            raise Crash(f"BUG_ON: {folio} is reached through a swap pte and PG_anon_exclusive")
        exclusive = _exclusive_by_marker(k, vmf, folio, swapcache)
        map_first = k.has(changes.MAP_THEN_FREE_SWAP)
        if not map_first:
            swapfile.swap_free(k, slot)
            if should_try_to_free_swap(k, vmf, folio, swapcache, exclusive):
                swapfile.folio_free_swap(k, folio)
            exclusive = _exclusive_by_count(k, folio, swapcache, exclusive)
        pteval = mk_pte(folio).tracking(vmf.orig)
        if exclusive:
            pteval = _mkwrite_exclusive(k, vmf, pteval)
        _add_rmap(k, vmf, folio, swapcache, exclusive)
        if map_first:
            swapfile.swap_free(k, slot)
        set_pte(vmf.pte, pteval)
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
    _out(k, slot, swapcache)
    return wrote


def _out_nomap(k: Kernel, vmf: Fault, slot: Slot, folio: Folio, swapcache: Folio | None) -> bool:
    """Somebody else has resolved the fault: go on at `_out_page`, without the page-table lock."""
    pte_unmap_unlock(vmf.pte.mm)
    return _out_page(k, slot, folio, swapcache)


def _out_page(k: Kernel, slot: Slot, folio: Folio, swapcache: Folio | None) -> bool:
    """Nothing is mapped: go on at `_out_release`, without the folio lock.

    Since f1879e8a0c60 (v7.0) a slot that no pte needs any more is given back at once.
    """
    if k.has(changes.BACK_OUT_FREES_SWAP):
        swapfile.folio_free_swap(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPIN))
    return _out_release(k, slot, folio, swapcache)


def _out_release(k: Kernel, slot: Slot, folio: Folio, swapcache: Folio | None) -> bool:
    """Drop the reference to the folio that is not mapped, and all else; always False."""
    folio_put(k, folio)
    _drop_swapcache(k, folio, swapcache)
    _out(k, slot, swapcache)
    return False


def _out(k: Kernel, slot: Slot, swapcache: Folio | None) -> None:
    """Let go of the slot that a read past the swap cache marked (13ddaf26be32, v6.8), and of the device."""
    if swapcache is None and k.has(changes.BYPASS_TAKES_SLOT):
        swapfile.put_swap_folio(k, slot)
    swapfile.put_swap_device(k, slot)


def _drop_swapcache(k: Kernel, folio: Folio, swapcache: Folio | None) -> None:
    """Let go of the folio in the swap cache, which was held locked while its copy was mapped."""
    if swapcache is not None and swapcache is not folio:
        folio_unlock(swapcache)
        folio_put(k, swapcache)


def _may_bypass(k: Kernel, slot: Slot) -> bool:
    """Whether the slot may be read past the swap cache: from a synchronous device, by its only user.

    0bcac06f27d7 (v4.15) to f1879e8a0c60 (v7.0).  SWAP_HAS_CACHE does not count as a user.
    """
    return k.synchronous(slot.device) and slot.count == 1 and not k.has(changes.NO_BYPASS)


def alloc_swap_folio(k: Kernel, vmf: Fault, slot: Slot) -> Code:
    """Read a slot into a page that no one else can find.

    Since v6.8 the slot is marked meanwhile (swapcache_prepare, 13ddaf26be32), so that it can be neither read
    nor freed and reused by others.
    """
    if k.has(changes.BYPASS_TAKES_SLOT):
        if slot.has_cache:
            raise Blocked(f"the swap cache entry of {slot}")
        slot.has_cache = True
    folio = folio_alloc(k)
    folio_lock(folio)
    folio_add_lru(k, folio, vmf.cpu)
    yield
    swap_readpage(k, folio, slot)
    return folio


def _drains_before_counting(k: Kernel) -> bool:
    """Whether do_swap_page drains this CPU's LRU-add batch before it counts references.

    From d4c470970d45 (v5.18) to v7.2; no longer since swapin-without-drain.
    """
    return k.has(changes.WP_DRAINS_LRU) and not k.has(changes.SWAPIN_WITHOUT_DRAIN)


def _exclusive_by_marker(k: Kernel, vmf: Fault, folio: Folio, swapcache: Folio | None) -> bool:
    """The founding patch's decision, H4 of 1493a1913e34 (v5.19): does the page belong to this process only?

    A marked swap pte says so, and so does a page that was read past the swap cache.  A page under writeback
    to a device with stable writes must not be written to, so it is not taken for exclusive.  (The posted
    patch had that test inverted.)
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
    """Whether to map the page as this process's own: it is marked so, or nobody else has a reference.

    By the marker: H4 of 1493a1913e34 (v5.19).  From v7.0 to v7.3 the code still asks for a single reference,
    too, which a page in the swap cache never has here.
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
    """Whether to give the slot back now, if no pte needs it.

    For a write, because that may let it reuse the page: if there are no references but ours and the swap
    cache's, since v7.3 if the page is exclusive (exclusive-frees-swap).  On a synchronous device always
    (ab08be8dc96a, v7.0).
    """
    slot = vmf.orig.slot
    if folio is not swapcache or not folio.swapcache or slot is None:
        return False
    if k.synchronous(slot.device) and k.has(changes.SYNC_FREES_SWAP):
        return True
    if k.has(changes.EXCLUSIVE_FREES_SWAP):
        return vmf.write and exclusive
    return vmf.write and not folio.ksm and folio_ref_count(folio) == 2


def _mkwrite_exclusive(k: Kernel, vmf: Fault, pteval: PteValue) -> PteValue:
    """The entry of an exclusive page: dirty and writable for a write, if the mapping is.

    Since v6.11 writable for a read, too (c18160dba5ff), where the first write need not be noted
    (108f15002862).
    """
    vma = vmf.pte.vma
    written = maybe_mkwrite(k, pteval, vma).tracking(vmf.orig)
    if not k.has(changes.READ_MAPS_WRITABLE):
        return written if vmf.write else pteval
    if pte_needs_soft_dirty_wp(k, vma, pteval) or userfaultfd_pte_wp(vma, pteval):
        return pteval
    return written if vmf.write else pteval._replace(write=vma.write)


def _add_rmap(k: Kernel, vmf: Fault, folio: Folio, swapcache: Folio | None, exclusive: bool) -> None:
    """A copy that KSM asked for is a new page, with a place in this CPU's LRU-add batch."""
    if swapcache is not None and folio is not swapcache:
        folio_add_new_anon_rmap(k, folio, vmf.pte)
        folio_add_lru(k, folio, vmf.cpu)
    else:
        folio_add_anon_rmap_pte(k, folio, vmf.pte, exclusive)


def _map_by_mapcount(k: Kernel, vmf: Fault, folio: Folio, swapcache: Folio | None) -> PteValue:
    """v5.17 and before: a write may reuse the page if one pte or slot refers to it (reuse_swap_page)."""
    pteval, slot = mk_pte(folio), vmf.orig.slot
    if slot is None:
        raise Crash("BUG: a swap pte without a slot")
    if vmf.write and swapfile.reuse_swap_page(k, folio):
        pteval = maybe_mkwrite(k, pteval, vmf.pte.vma)
    pteval = pteval.tracking(vmf.orig)
    _add_rmap(k, vmf, folio, swapcache, exclusive=False)
    set_pte(vmf.pte, pteval)
    swapfile.swap_free(k, slot)
    return pteval
