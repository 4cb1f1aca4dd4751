# SPDX-License-Identifier: MIT
"""mm/rmap.c: who maps a folio, whether it is exclusive, and taking its ptes away for reclaim."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Crash
from cowpath.history import changes, mutants
from cowpath.history.tlb import defers_unmap_flush
from cowpath.history.version import Version

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
from ..state import Folio, Kernel, Mm, Pte, still
from . import swapfile
from .swap import folio_put, folio_ref_count


def folio_add_new_anon_rmap(k: Kernel, folio: Folio, pte: Pte) -> None:
    """The first mapping of a new page.  It is exclusive by construction (6c287605fd56, v5.19)."""
    folio.mapcount = 1
    folio.index = pte.page + 1
    folio.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_add_anon_rmap_pte(k: Kernel, folio: Folio, pte: Pte, exclusive: bool) -> None:
    """One more mapping of an anonymous page; RMAP_EXCLUSIVE sets PG_anon_exclusive (6c287605fd56, v5.19)."""
    folio.mapcount = folio.mapcount + 1
    if folio.index == 0:
        folio.index = pte.page + 1
    if exclusive and k.has(changes.ANON_EXCLUSIVE):
        if folio.mapcount > 1 and k.debug_vm:
            raise Crash(f"VM_BUG_ON_PAGE: {folio} becomes exclusive with {folio.mapcount} mappings")
        folio.anon_exclusive = True


def folio_move_anon_rmap(k: Kernel, folio: Folio) -> None:
    """A write fault found the page to be its own; remember it (6c287605fd56, v5.19)."""
    folio.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_remove_rmap_pte(folio: Folio) -> None:
    """One mapping less."""
    if folio.mapcount == 0:
        raise Crash(f"VM_BUG_ON_FOLIO: a mapping of {folio} is removed twice")
    folio.mapcount = folio.mapcount - 1


def folio_maybe_dma_pinned(folio: Folio) -> bool:
    """Whether somebody may hold a FOLL_PIN (include/linux/mm.h).  FOLL_GET does not show here."""
    return folio.pincount > 0


def folio_needs_cow_for_dma(k: Kernel, folio: Folio, src_mm: Mm) -> bool:
    """Whether fork must copy a page because it may be pinned (include/linux/mm.h; 70e806e4e645, v5.9).

    Since 6c287605fd56 (v5.19) it is asked of exclusive pages only.
    """
    if not k.has(changes.FORK_COPIES_PINNED) or not src_mm.has_pinned:
        return False
    if k.has(changes.ANON_EXCLUSIVE) and not folio.anon_exclusive:
        return False
    return folio_maybe_dma_pinned(folio) and not k.has(mutants.NO_PIN_CHECK_IN_FORK)


def folio_try_dup_anon_rmap_pte(k: Kernel, folio: Folio, src_mm: Mm) -> Code:
    """Share a page with a child: one mapping more, and not exclusive; False where it may be pinned.

    Since v5.19 only an exclusive page can be one that is pinned for good (page_try_dup_anon_rmap,
    6c287605fd56).
    """
    if folio_needs_cow_for_dma(k, folio, src_mm):
        return False
    if k.lockless:
        yield
    folio.mapcount = folio.mapcount + 1
    folio.anon_exclusive = False
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


def rmap_walk(k: Kernel, folio: Folio) -> tuple[Pte, ...]:
    """Where the reverse map looks: the same page of every process, for a KSM page everywhere.

    A child comes after its parent (anon_vma_clone inserts it so): an entry that fork copies during the walk
    is met at one of the two.
    """
    family = k.family[::-1] if k.has(mutants.NO_FORK_ORDER_IN_RMAP) else k.family
    if folio.ksm:
        return tuple(k.pte(mm, page.index) for mm in family for page in k.program.pages)
    index = folio.index
    return tuple(k.pte(mm, index - 1) for mm in family) if index else ()


def try_to_unmap(k: Kernel, folio: Folio) -> Code:
    """Unmap a folio everywhere, one pte at a time; a pte that must stay ends the walk.

    Returns whether a CPU may still write to it through its TLB: some pte was dirty (tlb_ubc->writable).
    """
    position, writable = 0, False
    while folio.mapcount and position < len(rmap_walk(k, folio)):
        pte = rmap_walk(k, folio)[position]
        if k.has_tlb and pte.folio is folio and pte.dirty:
            writable = True
        gone = yield from try_to_unmap_one(k, folio, pte)
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


def try_to_unmap_one(k: Kernel, folio: Folio, pte: Pte) -> Code:
    """Replace one present pte of a folio by a swap pte, or by nothing after MADV_FREE; False: it must stay.

    One step, as the page-table lock covers it, but for walkers without a lock, who may see the entry cleared.
    FOLL_GET references do not stop it.  The TLB flush is left to the caller (TTU_BATCH_FLUSH), but for an
    exclusive page before 088b8aa537c2 (v6.1).
    """
    pte_offset_map_lock(pte.mm)
    value = ptep_get(pte)
    if not still(k, mutants.NO_RECHECK_IN_UNMAP, value.folio is folio):
        pte_unmap_unlock(pte.mm)
        return True
    set_pte(pte, PTE_NONE)
    if k.has_tlb:
        if folio.anon_exclusive and not k.has(changes.GUP_FAST_BARRIERS):
            flush_tlb_page(k, pte)
        else:
            set_tlb_ubc_flush_pending(k, pte)
    if k.lockless:
        yield
    if value.dirty:
        folio.dirty = True
    if folio.lazyfree:
        entry = ttu_anon_lazyfree_folio(k, folio, value)
    else:
        entry = ttu_anon_swapbacked_folio(k, folio, pte, value)
    if k.lockless:
        yield
    _leave_entry(k, folio, pte, entry)
    return not entry.present


def _leave_entry(k: Kernel, folio: Folio, pte: Pte, entry: PteValue) -> None:
    """Fill a cleared entry and unlock; unless it is the old one again, the folio is unmapped."""
    set_pte(pte, entry)
    if not entry.present:
        folio_remove_rmap_pte(folio)
        folio_put(k, folio)
    pte_unmap_unlock(pte.mm)


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
        gone = yield from try_to_migrate_one(k, folio, rmap_walk(k, folio)[position])
        if not gone:
            return
        yield
        position += 1


def try_to_migrate_one(k: Kernel, folio: Folio, pte: Pte) -> Code:
    """One pte.  The kind of the entry remembers that the page was exclusive (6c287605fd56, v5.19).

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
    _leave_entry(k, folio, pte, entry)
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
