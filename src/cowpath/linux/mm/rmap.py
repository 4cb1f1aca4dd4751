# SPDX-License-Identifier: MIT
"""mm/rmap.c: counts the mappings of folios, and finds and removes them for reclaim and migration."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Crash
from cowpath.history import changes, mutants
from cowpath.history.tlb import defers_unmap_flush
from cowpath.history.version import Version
from cowpath.litmus.program import LARGE_PAGES

from ..arch.tlb import arch_tlbbatch_flush, flush_tlb_mm, flush_tlb_page
from ..batch import compare_with_single_step
from ..include.pgtable import (
    PTE_NONE,
    PteValue,
    make_migration_entry,
    pte_offset_map_lock,
    pte_swp_mkexclusive,
    pte_unmap_unlock,
    ptep_get,
    set_pte,
    swp_entry_to_pte,
)
from ..state import Folio, Kernel, MappedPage, Mm, Pte, Vma, still
from . import swapfile
from .swap import folio_put, folio_ref_count


def anon_vma_prepare(vma: Vma) -> None:
    """Give a mapping its reverse map (anon_vma) before its first page, if it has none; it keeps it."""
    vma.untouched = False


def folio_add_new_anon_rmap(k: Kernel, folio: Folio, pte: Pte) -> None:
    """Count the first mapping of a new page, which is exclusive by construction (6c287605fd56, v5.19)."""
    folio.mapcount = 1
    folio.index = pte.page + 1
    folio.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_add_return_large_mapcount(k: Kernel, folio: Folio, page: MappedPage, mm: Mm) -> None:
    """Count one more mapping of a page by a process; for a large folio, also in the count of the whole folio.

    Since 6af8cb80d3a9 (v6.15) a large folio has two owner slots, each with a process and the number of its
    mappings.  A third process gets no slot, and the folio counts as shared as long as that process maps any
    of it.
    """
    page.mapcount = page.mapcount + 1
    if page is folio:
        return
    folio.mapcount = folio.mapcount + 1
    if not k.has(changes.MM_OWNER_SLOTS):
        return
    if folio.owner0 is mm:
        folio.owner0_mapcount = folio.owner0_mapcount + 1
    elif folio.owner1 is mm:
        folio.owner1_mapcount = folio.owner1_mapcount + 1
    elif folio.owner0 is None:
        folio.owner0, folio.owner0_mapcount = mm, 1
        folio.shared = folio.shared or folio.mapcount != 1
    elif folio.owner1 is None:
        folio.owner1, folio.owner1_mapcount = mm, 1
        folio.shared = True


def folio_sub_return_large_mapcount(k: Kernel, folio: Folio, page: MappedPage, mm: Mm) -> None:
    """Count one mapping less of a page by a process, also in its owner slot (6af8cb80d3a9, v6.15).

    The folio stops being shared only when a process removes its last mapping and the other slot then accounts
    for all mappings that are left.
    """
    page.mapcount = page.mapcount - 1
    if page is folio:
        return
    folio.mapcount = folio.mapcount - 1
    if not k.has(changes.MM_OWNER_SLOTS):
        return
    if folio.owner0 is mm:
        folio.owner0_mapcount = folio.owner0_mapcount - 1
        if folio.owner0_mapcount:
            return
        folio.owner0 = None
    elif folio.owner1 is mm:
        folio.owner1_mapcount = folio.owner1_mapcount - 1
        if folio.owner1_mapcount:
            return
        folio.owner1 = None
    if folio.mapcount in (folio.owner0_mapcount, folio.owner1_mapcount):
        folio.shared = False


def folio_add_anon_rmap_pte(k: Kernel, folio: Folio, subpage: int, pte: Pte, exclusive: bool) -> None:
    """Count one more mapping of an anonymous page.

    `exclusive` (RMAP_EXCLUSIVE) sets PG_anon_exclusive (6c287605fd56, v5.19).
    """
    page = folio.page(subpage)
    folio_add_return_large_mapcount(k, folio, page, pte.mm)
    if folio.index == 0:
        folio.index = pte.page + 1 - subpage
    if exclusive and k.has(changes.ANON_EXCLUSIVE):
        if page.mapcount > 1 and k.debug_vm:
            raise Crash(f"VM_BUG_ON_PAGE: {page} becomes exclusive with {page.mapcount} mappings")
        page.anon_exclusive = True


def folio_move_anon_rmap(k: Kernel, page: MappedPage) -> None:
    """Mark a page exclusive that a write fault found to be its process's alone (6c287605fd56, v5.19)."""
    page.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_remove_rmap_pte(k: Kernel, folio: Folio, page: MappedPage, mm: Mm) -> None:
    """Count one mapping of a page by a process less.

    Crashes if the page is not mapped at all.
    """
    if page.mapcount == 0:
        raise Crash(f"VM_BUG_ON_FOLIO: a mapping of {page} is removed twice")
    folio_sub_return_large_mapcount(k, folio, page, mm)
    if page is not folio and not page.mapcount and folio.mapcount and not folio.swapcache:
        folio.partially_mapped = True  # deferred_split_folio, which leaves out what is in the swap cache


def folio_maybe_dma_pinned(folio: Folio) -> bool:
    """True where somebody may hold a FOLL_PIN reference (include/linux/mm.h); FOLL_GET does not count."""
    return folio.pincount > 0


def folio_needs_cow_for_dma(k: Kernel, folio: Folio, page: MappedPage, src_mm: Mm) -> bool:
    """Tell whether fork must copy a page because it may be pinned (include/linux/mm.h; 70e806e4e645, v5.9).

    Since 6c287605fd56 (v5.19) only exclusive pages are copied.  Pins are counted for a whole large folio, so
    one pinned page makes fork copy all of its exclusive pages.
    """
    if not k.has(changes.FORK_COPIES_PINNED) or not src_mm.has_pinned:
        return False
    if k.has(changes.ANON_EXCLUSIVE) and not page.anon_exclusive:
        return False
    return folio_maybe_dma_pinned(folio) and not k.has(mutants.NO_PIN_CHECK_IN_FORK)


def folio_try_dup_anon_rmap_pte(k: Kernel, folio: Folio, page: MappedPage, src_mm: Mm, dst_mm: Mm) -> Code:
    """Count a child's mapping of a page, which is not exclusive any more; False if it must be copied instead.

    It must be copied if it may be pinned; since 6c287605fd56 (v5.19) only an exclusive page can be
    (page_try_dup_anon_rmap).
    """
    if folio_needs_cow_for_dma(k, folio, page, src_mm):
        return False
    if k.lockless:
        yield
    folio_add_return_large_mapcount(k, folio, page, dst_mm)
    page.anon_exclusive = False
    return True


def folio_try_share_anon_rmap_pte(k: Kernel, folio: Folio, page: MappedPage) -> bool:
    """Clear PG_anon_exclusive for reclaim, migration or KSM; False, and no change, if the page may be pinned.

    page_try_share_anon_rmap, 6c287605fd56 (v5.19).
    """
    if folio_maybe_dma_pinned(folio) and not k.has(mutants.NO_PIN_CHECK_IN_UNMAP):
        k.say(f"{folio} may be pinned (FOLL_PIN), so it stays mapped")
        return False
    page.anon_exclusive = False
    return True


def rmap_walk(k: Kernel, folio: Folio) -> tuple[tuple[Pte, ...], ...]:
    """Return the entries that may map a folio, one tuple for each mapping, in the order of the reverse map.

    A plain page can be mapped at one address in every process, a KSM page at any.  All entries that one
    process may have for a large folio are in one tuple.

    A child comes after its parent (anon_vma_clone inserts it there), so that an entry which fork copies
    during the walk is found in one of the two.
    """
    family = k.family[::-1] if k.has(mutants.NO_FORK_ORDER_IN_RMAP) else k.family
    if folio.ksm:
        return tuple((k.pte(mm, page.index),) for mm in family for page in k.program.pages)
    index = folio.index
    if not index:
        return ()
    pages = range(index - 1, index - 1 + (LARGE_PAGES if folio.is_large else 1))
    return tuple(tuple(k.pte(mm, page) for page in pages) for mm in family)


def try_to_unmap(k: Kernel, folio: Folio) -> Code:
    """Unmap a folio everywhere, one mapping at a time; a pte that must stay ends the walk.

    Returns True if a CPU may still write to the folio through its TLB because some pte was dirty
    (tlb_ubc->writable).
    """
    position, writable = 0, False
    while folio.mapcount and position < len(rmap_walk(k, folio)):
        ptes = rmap_walk(k, folio)[position]
        if k.has_tlb and ptes[0].folio is folio and ptes[0].dirty:
            writable = True
        gone = yield from try_to_unmap_one(k, folio, ptes)
        if not gone:
            return writable
        position += 1
        yield
    return writable


def set_tlb_ubc_flush_pending(k: Kernel, pte: Pte) -> None:
    """Put off the TLB flush for a cleared entry where the architecture batches, else flush now.

    x86 batches, and arm64 does since 43b3dfdd0455 (v6.6); riscv's batches (v6.9) are left out.
    """
    if k.ask(defers_unmap_flush):
        pte.mm.tlb_flush_batched = True
    else:
        flush_tlb_page(k, pte)


def try_to_unmap_flush(k: Kernel, folio: Folio) -> None:
    """Do the TLB flush that reclaim has put off for a folio.

    It is done before the folio is written if a pte was dirty, otherwise before the folio is freed.
    """
    arch_tlbbatch_flush(k, folio)


def flush_tlb_batched_pending(k: Kernel, mm: Mm) -> None:
    """Flush the TLBs of a process if reclaim may have cleared some of its entries without flushing yet.

    Somebody who changes entries and finds one cleared must not conclude that CPUs have forgotten it
    (3ea277194daa, v4.13).  On arm64 until 4b634918384c (v6.16) it waited for the flushes of its own CPU only.
    """
    if k.has_tlb and mm.tlb_flush_batched and k.has(changes.FLUSH_BATCHED_PENDING):
        if not k.ask(Version.lacks, changes.ARM64_FLUSHES_BATCHED):
            flush_tlb_mm(k, mm)
        mm.tlb_flush_batched = False


def try_to_unmap_one(k: Kernel, folio: Folio, ptes: tuple[Pte, ...]) -> Code:
    """Replace the present ptes of a folio in one process by swap ptes, or clear them after MADV_FREE.

    Returns False if one of them must stay.  The page-table lock makes this one step, except for walkers
    without a lock, who may see entries cleared.  FOLL_GET references do not stop it.  The TLB flush is left
    to the caller (TTU_BATCH_FLUSH), except for an exclusive page before 088b8aa537c2 (v6.1).
    """
    pte_offset_map_lock(ptes[0].mm)
    position, gone = 0, True
    while gone and position < len(ptes):
        batch = folio_unmap_pte_batch(k, folio, ptes[position:])
        if batch:
            gone = yield from _unmap_batch(k, folio, ptes[position : position + batch])
        position += batch or 1
    pte_unmap_unlock(ptes[0].mm)
    return gone


def folio_unmap_pte_batch(k: Kernel, folio: Folio, ptes: tuple[Pte, ...]) -> int:
    """Return how many of the ptes are unmapped together; 0 if the first one maps another page by now.

    More than one only for a large folio after MADV_FREE, since 354dffd29575 (v6.15): as long as each pte maps
    the page after the one before.  If they have to stay, all of them get the value of the first, so since
    29f40594a281 (v7.0) they must also agree in being writable and soft-dirty.
    """
    first = ptep_get(ptes[0])
    if not still(k, mutants.NO_RECHECK_IN_UNMAP, first.folio is folio):
        return 0
    if not (folio.is_large and folio.lazyfree and k.has(changes.LAZYFREE_BATCH)):
        return 1
    length = 1
    for pte in ptes[1:]:
        value = ptep_get(pte)._replace(dirty=first.dirty, hw_dirty=first.hw_dirty)
        if not k.has(changes.LAZYFREE_BATCH_RESPECTS_WRITE):
            value = value._replace(write=first.write, soft_dirty=first.soft_dirty)
        if value != first._replace(subpage=first.subpage + length):
            break
        length += 1
    return length


def _unmap_batch(k: Kernel, folio: Folio, ptes: tuple[Pte, ...]) -> Code:
    """Unmap these ptes together, and return True; False if they must stay.

    If they must stay, all of them are set to the value that the first one had.
    """
    values = tuple(ptep_get(pte) for pte in ptes)
    for pte in ptes:
        set_pte(pte, PTE_NONE)
    page = values[0].page
    exclusive = page is not None and page.anon_exclusive
    if k.has_tlb:
        if exclusive and not k.has(changes.GUP_FAST_BARRIERS):
            flush_tlb_page(k, ptes[0])
        else:
            set_tlb_ubc_flush_pending(k, ptes[0])
    if k.lockless:
        yield
    if any(value.dirty for value in values):
        folio.dirty = True
    if folio.lazyfree:
        entry = ttu_anon_lazyfree_folio(k, folio, values[0])
    else:
        entry = ttu_anon_swapbacked_folio(k, folio, ptes[0], values[0])
    if k.lockless:
        yield
    if entry.present and len(values) > 1:
        entry = entry._replace(dirty=any(value.dirty for value in values))
        _explain_restored(k, values)
    for pte, value in zip(ptes, values, strict=True):
        _leave_entry(k, folio, pte, value, entry)
        if len(values) > 1:
            compare_with_single_step(pte, value)
    return not entry.present


def _explain_restored(k: Kernel, values: tuple[PteValue, ...]) -> None:
    """Note for the trace that ptes with different values were all restored to the same value."""
    if any(value.write != values[0].write for value in values):
        k.say(f"all {len(values)} ptes are put back as the first one was, writable or not (29f40594a281)")


def _leave_entry(k: Kernel, folio: Folio, pte: Pte, old: PteValue, entry: PteValue) -> None:
    """Set a cleared pte to `entry`; unless that is a present one, drop the mapping and its reference."""
    if entry.present:
        set_pte(pte, entry._replace(subpage=old.subpage))
        return
    set_pte(pte, entry)
    page = old.page
    if page is not None:
        folio_remove_rmap_pte(k, folio, page, pte.mm)
    folio_put(k, folio)


def ttu_anon_swapbacked_folio(k: Kernel, folio: Folio, pte: Pte, value: PteValue) -> PteValue:
    """Return the swap pte for a folio in the swap cache, or the old value if the pte must stay.

    The swap pte is marked if the page was exclusive (H5 of the founding patch, 1493a1913e34).
    """
    page = folio.page(value.subpage)
    if folio.entry is None:
        raise Crash(f"BUG_ON: {folio} is unmapped for reclaim outside the swap cache")
    slot = folio.slots[value.subpage]
    swapfile.swap_duplicate(slot)
    was_exclusive = page.anon_exclusive
    if was_exclusive and not folio_try_share_anon_rmap_pte(k, folio, page):
        swapfile.swap_free(k, slot)
        return value
    pte.mm.on_mmlist = True
    entry = swp_entry_to_pte(slot).tracking(value)
    if (was_exclusive and k.has(changes.UNMAP_SETS_MARKER)) or k.has(changes.UNMAP_ALWAYS_MARKS):
        entry = pte_swp_mkexclusive(k, entry)
    _explain_unmap(k, folio, was_exclusive, entry.exclusive)
    return entry


def ttu_anon_lazyfree_folio(k: Kernel, folio: Folio, value: PteValue) -> PteValue:
    """Return an empty entry if MADV_FREE lets the content be discarded, or the old value if it must stay.

    A page that was written since is swapbacked again.  References are counted since 6c8e2a256915 (v5.18);
    since faeb2831b517 (v6.15) a reference alone does not end lazyfree.
    """
    alone = folio_ref_count(folio) == 1 + folio.mapcount
    if not folio.dirty and (alone or not k.has(changes.LAZYFREE_COUNTS_REFERENCES)):
        k.say(f"{folio} is clean since MADV_FREE: its content is discarded")
        return PTE_NONE
    if folio.dirty or not k.has(changes.LAZYFREE_KEEPS_REFERENCED):
        folio.lazyfree = False
    k.say(f"{folio} was written or is referred to since MADV_FREE: it stays")
    return value


def _explain_unmap(k: Kernel, folio: Folio, was_exclusive: bool, marked: bool) -> None:
    """Note for the trace which references did not stop the unmap, and whether exclusivity was kept."""
    others = folio_ref_count(folio) - 3  # besides the mapping, the swap cache and whoever isolated it
    if folio.is_large:
        others = folio_ref_count(folio) - folio.mapcount - len(folio.pages) - 1
    if others > 0:
        k.say(f"other references to {folio} ({others}) do not stop the unmap: only FOLL_PIN does")
    if was_exclusive and marked:
        k.say("the page was exclusive, and the swap pte remembers it (1493a1913e34)")
    elif was_exclusive:
        k.say("the page was exclusive, and the swap pte cannot tell")


# -- migration -------------------------------------------------------------------------------------


def try_to_migrate(k: Kernel, folio: Folio) -> Code:
    """Replace every pte of a locked folio by a migration entry; a pte that must stay ends the walk."""
    position = 0
    while folio.mapcount and position < len(rmap_walk(k, folio)):
        gone = yield from try_to_migrate_one(k, folio, rmap_walk(k, folio)[position][0])
        if not gone:
            return
        yield
        position += 1


def try_to_migrate_one(k: Kernel, folio: Folio, pte: Pte) -> Code:
    """Replace one pte by a migration entry, and return True; False if the pte must stay.

    The kind of the entry tells if the page was exclusive (6c287605fd56, v5.19).  Since 7e12beb8ca2a (v6.3)
    the TLB flush is left to the caller where that one migrates without waiting, which it always tries first.
    """
    pte_offset_map_lock(pte.mm)
    value = ptep_get(pte)
    if not still(k, mutants.NO_RECHECK_IN_MIGRATE, value.folio is folio):
        pte_unmap_unlock(pte.mm)
        return True
    set_pte(pte, PTE_NONE)
    if k.has_tlb:
        if k.has(changes.MIGRATION_DEFERS_FLUSH):
            set_tlb_ubc_flush_pending(k, pte)
        else:
            flush_tlb_page(k, pte)
    if k.lockless:
        yield
    if value.dirty:
        folio.dirty = True
    entry = _migration_entry(k, folio, value)
    if k.lockless:
        yield
    _leave_entry(k, folio, pte, value, entry)
    pte_unmap_unlock(pte.mm)
    return not entry.present


def _migration_entry(k: Kernel, folio: Folio, value: PteValue) -> PteValue:
    """Return the migration entry for a pte, or the old value if the page may be pinned."""
    was_exclusive = folio.anon_exclusive
    if was_exclusive and not folio_try_share_anon_rmap_pte(k, folio, folio):
        return value
    access = "write" if value.write else "exclusive" if was_exclusive else "read"
    entry = make_migration_entry(folio, access).tracking(value)
    return entry._replace(dirty=value.dirty and _migration_keeps_dirty(k))


def _migration_keeps_dirty(k: Kernel) -> bool:
    """True where a page keeps its dirty bit when it is moved (2e3468778dbe, v6.1).

    Only soft-dirty makes a difference visible, so other tests spend no states on this.
    """
    return k.soft_dirty and k.has(changes.MIGRATION_KEEPS_DIRTY)
