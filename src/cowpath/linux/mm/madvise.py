# SPDX-License-Identifier: MIT
"""mm/madvise.c: memory that user space wants reclaimed, discarded, or left out of fork.

Where nothing is mapped, nothing happens (ENOMEM): munmap takes the mapping away before it zaps the entries,
and lets readers of mmap_lock in between.
"""

from __future__ import annotations

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Code
from cowpath.history import changes, mutants
from cowpath.litmus.program import LARGE_PAGES

from ..include.mmap_lock import mmap_read_lock, mmap_read_unlock, mmap_write_lock, mmap_write_unlock
from ..include.pgtable import PTE_NONE, pte_mkclean, pte_offset_map_lock, pte_unmap_unlock, ptep_get, set_pte
from ..state import Folio, Kernel, Pte
from .huge_memory import split_folio
from .memory import zap_pte_range
from .mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from .rmap import flush_tlb_batched_pending
from .swap import (
    folio_isolate_lru,
    folio_putback_lru,
    folio_trylock,
    folio_unlock,
    lru_add_drain,
    mark_page_lazyfree,
)
from .swapfile import folio_free_swap, free_swap_and_cache
from .vmscan import shrink_folio_list


def madvise_pageout(k: Kernel, cpu: int, pte: Pte) -> Code:
    """Do MADV_PAGEOUT: reclaim the page now, in the caller, under its mmap_lock."""
    mmap_read_lock(pte.mm)
    lru_add_drain(k, cpu)
    folio = madvise_cold_or_pageout_pte_range(k, pte) if pte.vma.mapped else None
    if folio is not None:
        yield
        gone = yield from shrink_folio_list(k, folio)
        if not gone:
            folio_putback_lru(k, folio, cpu)
    mmap_read_unlock(pte.mm)


def madvise_vma_behavior(k: Kernel, cpu: int, ptes: tuple[Pte, ...], dontfork: bool) -> Code:
    """Do MADV_DONTFORK or MADV_DOFORK: set whether fork leaves these pages out (VM_DONTCOPY)."""
    mmap_write_lock(ptes[0].mm)
    for pte in ptes:
        pte.vma.dontfork = dontfork
    yield
    mmap_write_unlock(ptes[0].mm)


def madvise_dontneed_single_vma(k: Kernel, cpu: int, ptes: tuple[Pte, ...]) -> Code:
    """Do MADV_DONTNEED: zap the entries, so that the next access finds zeros."""
    mmap_read_lock(ptes[0].mm)
    lru_add_drain(k, cpu)
    yield
    if any(pte.vma.mapped for pte in ptes):
        yield from zap_pte_range(k, tuple(pte for pte in ptes if pte.vma.mapped))
    mmap_read_unlock(ptes[0].mm)


def madvise_free_single_vma(k: Kernel, cpu: int, ptes: tuple[Pte, ...]) -> Code:
    """Do MADV_FREE: let reclaim discard pages until they are written again, and free swap slots at once."""
    mmap_read_lock(ptes[0].mm)
    lru_add_drain(k, cpu)
    yield
    if not any(pte.vma.mapped for pte in ptes):
        mmap_read_unlock(ptes[0].mm)
        return
    tlb_gather_mmu(k, ptes[0].mm)
    pte_offset_map_lock(ptes[0].mm)
    flush_tlb_batched_pending(k, ptes[0].mm)
    position, cleaned = 0, False
    while position < len(ptes):
        value = ptep_get(ptes[position])
        batch = 1
        if value.poisoned:
            set_pte(ptes[position], PTE_NONE)
        elif value.slot is not None:
            k.detach_references(ptes[position])
            set_pte(ptes[position], PTE_NONE)
            yield from free_swap_and_cache(k, value.slot)
        elif value.folio is not None and value.folio.is_large and _splits(k, ptes[position:], value.folio):
            pte_unmap_unlock(ptes[0].mm)
            yield
            split = _try_to_split(k, value.folio)
            yield
            pte_offset_map_lock(ptes[0].mm)
            batch = 0 if split else len(ptes)
        elif value.folio is not None and value.folio is not k.zero_page:
            batch = madvise_folio_pte_batch(ptes[position:], value.folio)
            if _may_free(k, value.folio):
                cleaned = cleaned or value.dirty
                _free_lazily(k, cpu, ptes[position : position + batch], value.folio)
        position += batch
    pte_unmap_unlock(ptes[0].mm)
    if k.has_tlb:
        yield
    tlb_finish_mmu(k, ptes[0].mm, ptes[0] if cleaned else None)
    mmap_read_unlock(ptes[0].mm)


def _free_lazily(k: Kernel, cpu: int, ptes: tuple[Pte, ...], folio: Folio) -> None:
    """Clean the entries of a folio, so that a write to it will be noticed, and mark the folio lazyfree."""
    for pte in ptes:
        set_pte(pte, pte_mkclean(ptep_get(pte)))
    mark_page_lazyfree(k, folio, cpu)


def madvise_folio_pte_batch(ptes: tuple[Pte, ...], folio: Folio) -> int:
    """Return how many of the entries, from the first on, map pages of one folio."""
    length = 1
    while length < len(ptes) and ptes[length].folio is folio:
        length += 1
    return length


def _splits(k: Kernel, ptes: tuple[Pte, ...], folio: Folio) -> bool:
    """Tell whether MADV_FREE splits a large folio first.

    Since dce7d10be4bb (v6.11) it does only if a part of the folio stays.  That case is not modelled yet, as
    v6.12 may put the zero page in place of pages of zeros.  Raises CowpathError for it.
    """
    if not k.has(changes.LAZYFREE_LARGE_BATCH):
        return True
    if madvise_folio_pte_batch(ptes, folio) < LARGE_PAGES:
        raise CowpathError("MADV_FREE of a part of a large folio is not modelled yet since v6.11")
    return False


def _try_to_split(k: Kernel, folio: Folio) -> bool:
    """Split a folio that its process alone maps; False if it cannot be split or locked.

    If it returns False the caller leaves the rest of the range as it is.
    """
    if not folio.mapcount:
        return True  # somebody else has split it
    if folio.pages[0].mapcount > 1 or not folio_trylock(folio):
        return False
    if split_folio(k, folio):
        return True
    folio_unlock(folio)
    return False


def _may_free(k: Kernel, folio: Folio) -> bool:
    """Tell whether a present page may become lazyfree, and clean it if so (madvise_free_pte_range).

    The mapcount matters only for a page that is in the swap cache or PG_dirty.  Any other becomes lazyfree
    though others may map it, too: a dirty pte of theirs saves its content, and a clean one does not.
    """
    if not folio.swapcache and not folio.dirty:
        return True
    busy = k.fails(f"somebody else holds the lock of {folio} for a moment")
    if busy or not folio_trylock(folio, unless=k.has(mutants.NO_TRYLOCK_IN_MADV_FREE)):
        return False
    spared = folio.ksm and k.has(changes.MADV_FREE_SPARES_KSM)
    if spared:
        k.say(f"{folio} belongs to KSM: others may map it any time, so it stays dirty")
    free = (
        not spared
        and folio.mapcount == len(folio.pages)
        and (not folio.swapcache or folio_free_swap(k, folio))
    )
    if free:
        folio.dirty = False
    folio_unlock(folio, unless=k.has(mutants.NO_TRYLOCK_IN_MADV_FREE))
    return free


def madvise_cold_or_pageout_pte_range(k: Kernel, pte: Pte) -> Folio | None:
    """Return the page to reclaim if it is present, mapped once and on an LRU list; otherwise None."""
    pte_offset_map_lock(pte.mm)
    flush_tlb_batched_pending(k, pte.mm)
    folio = ptep_get(pte).folio
    pte_unmap_unlock(pte.mm)
    if folio is None or folio is k.zero_page:
        k.say("nothing to page out: the page is not present")
        return None
    if folio.mapcount != 1:
        k.say(f"{folio} is shared by {folio.mapcount} mappings: MADV_PAGEOUT leaves it alone")
        return None
    if not folio_isolate_lru(k, folio):
        k.say(f"{folio} is not on an LRU list now: MADV_PAGEOUT leaves it alone")
        return None
    return folio
