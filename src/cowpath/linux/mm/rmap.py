# SPDX-License-Identifier: MIT
"""mm/rmap.c: who maps a folio, whether it is exclusive, and taking its ptes away for reclaim."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Crash
from cowpath.history import changes, mutants
from cowpath.history.tlb import defers_unmap_flush
from cowpath.history.version import Version
from cowpath.litmus.program import LARGE_PAGES

from ..arch.tlb import arch_tlbbatch_flush, flush_tlb_mm, flush_tlb_page
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
from ..state import Folio, Kernel, MappedPage, Mm, Pte, still
from . import swapfile
from .swap import folio_put, folio_ref_count


def folio_add_new_anon_rmap(k: Kernel, folio: Folio, pte: Pte) -> None:
    """The first mapping of a new page.  It is exclusive by construction (6c287605fd56, v5.19)."""
    folio.mapcount = 1
    folio.index = pte.page + 1
    folio.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_add_return_large_mapcount(k: Kernel, folio: Folio, page: MappedPage, mm: Mm) -> None:
    """One more pte of a process maps a page; in a large folio, all of its pages are counted together, too.

    Since 6af8cb80d3a9 (v6.15) two processes own a slot each, with how many pages they map.  A third one has
    none, and as long as it maps anything the folio counts as shared.
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
    """Count one pte of a process less that maps a page, with its slot (6af8cb80d3a9, v6.15).

    Only a process that loses its last mapping can end the sharing: if the slot that is left has all of them.
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


def folio_add_anon_rmap_pte(k: Kernel, folio: Folio, pte: Pte, exclusive: bool) -> None:
    """One more mapping of an anonymous page; RMAP_EXCLUSIVE sets PG_anon_exclusive (6c287605fd56, v5.19)."""
    folio.mapcount = folio.mapcount + 1
    if folio.index == 0:
        folio.index = pte.page + 1
    if exclusive and k.has(changes.ANON_EXCLUSIVE):
        if folio.mapcount > 1 and k.debug_vm:
            raise Crash(f"VM_BUG_ON_PAGE: {folio} becomes exclusive with {folio.mapcount} mappings")
        folio.anon_exclusive = True


def folio_move_anon_rmap(k: Kernel, page: MappedPage) -> None:
    """A write fault found the page to be its own; remember it (6c287605fd56, v5.19)."""
    page.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_remove_rmap_pte(k: Kernel, folio: Folio, page: MappedPage, mm: Mm) -> None:
    """Take away one mapping of a page in a process."""
    if page.mapcount == 0:
        raise Crash(f"VM_BUG_ON_FOLIO: a mapping of {page} is removed twice")
    folio_sub_return_large_mapcount(k, folio, page, mm)


def folio_maybe_dma_pinned(folio: Folio) -> bool:
    """Whether somebody may hold a FOLL_PIN (include/linux/mm.h).  FOLL_GET does not show here."""
    return folio.pincount > 0


def folio_needs_cow_for_dma(k: Kernel, folio: Folio, page: MappedPage, src_mm: Mm) -> bool:
    """Whether fork must copy a page because it may be pinned (include/linux/mm.h; 70e806e4e645, v5.9).

    Since 6c287605fd56 (v5.19) it is asked of exclusive pages only.  Of a large folio one pinned page is
    enough: pins are counted for all of it.
    """
    if not k.has(changes.FORK_COPIES_PINNED) or not src_mm.has_pinned:
        return False
    if k.has(changes.ANON_EXCLUSIVE) and not page.anon_exclusive:
        return False
    return folio_maybe_dma_pinned(folio) and not k.has(mutants.NO_PIN_CHECK_IN_FORK)


def folio_try_dup_anon_rmap_pte(k: Kernel, folio: Folio, page: MappedPage, src_mm: Mm, dst_mm: Mm) -> Code:
    """Share a page with a child: one mapping more, and not exclusive; False where it may be pinned.

    Since v5.19 only an exclusive page can be one that is pinned for good (page_try_dup_anon_rmap,
    6c287605fd56).
    """
    if folio_needs_cow_for_dma(k, folio, page, src_mm):
        return False
    if k.lockless:
        yield
    folio_add_return_large_mapcount(k, folio, page, dst_mm)
    page.anon_exclusive = False
    return True


def folio_try_share_anon_rmap_pte(k: Kernel, folio: Folio) -> bool:
    """Give up exclusivity for reclaim, migration or KSM; False where the page may be pinned.

    page_try_share_anon_rmap, 6c287605fd56 (v5.19).
    """
    if folio_maybe_dma_pinned(folio) and not k.has(mutants.NO_PIN_CHECK_IN_UNMAP):
        k.say(f"{folio} may be pinned (FOLL_PIN), so it stays mapped")
        return False
    folio.anon_exclusive = False
    return True


def rmap_walk(k: Kernel, folio: Folio) -> tuple[tuple[Pte, ...], ...]:
    """Where the reverse map looks, mapping by mapping: one page of every process, for KSM every page.

    Of a large folio all entries that one process may have for it come together.

    A child comes after its parent (anon_vma_clone inserts it so): an entry that fork copies during the walk
    is met at one of the two.
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

    Returns whether a CPU may still write to it through its TLB: some pte was dirty (tlb_ubc->writable).
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
    """An entry was cleared: the flush is left to the caller, where the architecture batches (x86).

    arm64 does since 43b3dfdd0455 (v6.6); riscv's batches (v6.9) are left out.
    """
    if k.ask(defers_unmap_flush):
        pte.mm.tlb_flush_batched = True
    else:
        flush_tlb_page(k, pte)


def try_to_unmap_flush(k: Kernel, folio: Folio) -> None:
    """Reclaim's deferred flush of the TLBs: before a folio is written, if a pte was dirty, else before it is
    freed.
    """
    arch_tlbbatch_flush(k, folio)


def flush_tlb_batched_pending(k: Kernel, mm: Mm) -> None:
    """Flush where reclaim may have cleared entries of this process and not flushed yet.

    3ea277194daa (v4.13): who changes entries and finds nothing to do must not believe that CPUs know.  On
    arm64 until 4b634918384c (v6.16) it waited for the flushes of its own CPU only.
    """
    if k.has_tlb and mm.tlb_flush_batched and k.has(changes.FLUSH_BATCHED_PENDING):
        if not k.ask(Version.lacks, changes.ARM64_FLUSHES_BATCHED):
            flush_tlb_mm(k, mm)
        mm.tlb_flush_batched = False


def try_to_unmap_one(k: Kernel, folio: Folio, ptes: tuple[Pte, ...]) -> Code:
    """Replace the present ptes of a folio in one process by swap ptes, or by nothing after MADV_FREE.

    Returns False where one of them must stay.  It is one step, as the page-table lock covers it, but for
    walkers without a lock, who may see entries cleared.  FOLL_GET references do not stop it.  The TLB flush
    is left to the caller (TTU_BATCH_FLUSH), but for an exclusive page before 088b8aa537c2 (v6.1).
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
    """How many of the ptes are unmapped together; 0 where the first maps another page by now.

    Only those of a large folio after MADV_FREE are, since 354dffd29575 (v6.15): as long as each maps the page
    after the one before.  Since 29f40594a281 (v7.0) they must be alike in being writable and soft-dirty, too,
    because all of them get the value of the first where they have to stay.
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
    """Unmap these ptes together; where that may not be, all of them get the value that the first one had."""
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
    return not entry.present


def _explain_restored(k: Kernel, values: tuple[PteValue, ...]) -> None:
    """Say where ptes that were unlike are put back alike."""
    if any(value.write != values[0].write for value in values):
        k.say(f"all {len(values)} ptes are put back as the first one was, writable or not (29f40594a281)")


def _leave_entry(k: Kernel, folio: Folio, pte: Pte, old: PteValue, entry: PteValue) -> None:
    """Fill a cleared entry; unless it is a present one again, the page is unmapped."""
    if entry.present:
        set_pte(pte, entry._replace(subpage=old.subpage))
        return
    set_pte(pte, entry)
    page = old.page
    if page is not None:
        folio_remove_rmap_pte(k, folio, page, pte.mm)
    folio_put(k, folio)


def ttu_anon_swapbacked_folio(k: Kernel, folio: Folio, pte: Pte, value: PteValue) -> PteValue:
    """The swap pte for a folio in the swap cache, or the old value where the pte must stay.

    H5 of the founding patch is here: the swap pte remembers that the page was exclusive (1493a1913e34).
    """
    slot = folio.entry
    if slot is None:
        raise Crash(f"BUG_ON: {folio} is unmapped for reclaim outside the swap cache")
    swapfile.swap_duplicate(slot)
    was_exclusive = folio.anon_exclusive
    if was_exclusive and not folio_try_share_anon_rmap_pte(k, folio):
        swapfile.swap_free(k, slot)
        return value
    pte.mm.on_mmlist = True
    entry = swp_entry_to_pte(slot).tracking(value)
    if (was_exclusive and k.has(changes.UNMAP_SETS_MARKER)) or k.has(changes.UNMAP_ALWAYS_MARKS):
        entry = pte_swp_mkexclusive(k, entry)
    _explain_unmap(k, folio, was_exclusive, entry.exclusive)
    return entry


def ttu_anon_lazyfree_folio(k: Kernel, folio: Folio, value: PteValue) -> PteValue:
    """Nothing, where the content may be discarded after MADV_FREE, or the old value where the pte must stay.

    A page that was written again is swapbacked again.  References are counted since 6c8e2a256915 (v5.18), and
    alone they do not end lazyfree since faeb2831b517 (v6.15).
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
    """Say what the unmap keeps and what it forgets."""
    others = folio_ref_count(folio) - 3  # besides the mapping, the swap cache and whoever isolated it
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
    """Replace one pte.  The kind of the entry remembers that the page was exclusive (6c287605fd56, v5.19).

    The TLB flush is left to the caller since 7e12beb8ca2a (v6.3), where it tries without waiting, which it
    always does first.
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
    """The migration entry for a pte, or the old value where the page may be pinned."""
    was_exclusive = folio.anon_exclusive
    if was_exclusive and not folio_try_share_anon_rmap_pte(k, folio):
        return value
    access = "write" if value.write else "exclusive" if was_exclusive else "read"
    entry = make_migration_entry(folio, access).tracking(value)
    return entry._replace(dirty=value.dirty and _migration_keeps_dirty(k))


def _migration_keeps_dirty(k: Kernel) -> bool:
    """Whether a page that moves is as dirty at its new place (2e3468778dbe, v6.1).

    Nothing but soft-dirty can tell, so that without it no state is spent on this.
    """
    return k.soft_dirty and k.has(changes.MIGRATION_KEEPS_DIRTY)
