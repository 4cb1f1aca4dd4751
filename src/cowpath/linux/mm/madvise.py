# SPDX-License-Identifier: MIT
"""mm/madvise.c: memory that user space wants reclaimed, discarded, or left out of fork.

Where nothing is mapped, nothing happens (ENOMEM): munmap takes the mapping away before it zaps the entries,
and lets readers of mmap_lock in between.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.history import changes, mutants
from cowpath.history.change import Change
from cowpath.litmus.program import LARGE_PAGES

from ..include.mmap_lock import mmap_read_lock, mmap_read_unlock, mmap_write_lock, mmap_write_unlock
from ..include.pgtable import PTE_NONE, pte_mkclean, pte_offset_map_lock, pte_unmap_unlock, ptep_get, set_pte
from ..state import Folio, Kernel, Pte
from .huge_memory import split_folio
from .memory import zap_pte_range
from .mmu_gather import tlb_finish_mmu, tlb_gather_mmu
from .rmap import flush_tlb_batched_pending
from .swap import (
    folio_get,
    folio_isolate_lru,
    folio_put,
    folio_trylock,
    folio_unlock,
    lru_add_drain,
    mark_page_lazyfree,
)
from .swapfile import folio_free_swap, free_swap_and_cache
from .vmscan import shrink_folio_list


def madvise_pageout(k: Kernel, cpu: int, ptes: tuple[Pte, ...]) -> Code:
    """Do MADV_PAGEOUT: reclaim the pages now, in the caller, under its mmap_lock."""
    mmap_read_lock(ptes[0].mm)
    lru_add_drain(k, cpu)
    folios = yield from madvise_cold_or_pageout_pte_range(k, tuple(pte for pte in ptes if pte.vma.mapped))
    position = 0
    while position < len(folios):
        yield
        yield from shrink_folio_list(k, folios[position], cpu)
        position += 1
    mmap_read_unlock(ptes[0].mm)


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
    """Do MADV_FREE: let reclaim discard pages until they are written again, and free swap slots at once.

    A large folio stays large if all of it lies in the range (dce7d10be4bb, v6.11); else it is split first.
    """
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
        elif value.folio is not None and _splits(
            k, ptes[position:], value.folio, changes.LAZYFREE_LARGE_BATCH
        ):
            pte_unmap_unlock(ptes[0].mm)
            yield
            split = _try_to_split(k, value.folio)
            yield
            pte_offset_map_lock(ptes[0].mm)
            batch = _after_split(k, ptes[position:], value.folio, split, changes.LAZYFREE_LARGE_BATCH)
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


def _splits(k: Kernel, ptes: tuple[Pte, ...], folio: Folio, keeps_large: Change) -> bool:
    """Tell whether MADV_FREE or MADV_PAGEOUT splits a folio first.

    Since a change of each (`keeps_large`) it does only if a part of the folio lies outside the range.
    """
    if not folio.is_large:
        return False
    return not k.has(keeps_large) or madvise_folio_pte_batch(ptes, folio) < LARGE_PAGES


def _try_to_split(k: Kernel, folio: Folio) -> bool:
    """Split a folio that its process alone maps; False if it cannot be split or locked.

    One that other processes map is left alone, too.
    """
    if not folio.mapcount:
        return True  # somebody else has split it
    if folio_maybe_mapped_shared(k, folio) or not folio_trylock(folio):
        return False
    folio_get(k, folio)
    if split_folio(k, folio):
        return True
    folio_unlock(folio)
    folio_put(k, folio)
    return False


def folio_maybe_mapped_shared(k: Kernel, folio: Folio) -> bool:
    """Tell whether a large folio seems to be mapped by more than one process (include/linux/mm.h).

    It is known of two processes since 6af8cb80d3a9 (v6.15).  Before, it was guessed by the first page, and
    since 05c5323b2a34 (v6.10) by there being more mappings than pages.
    """
    if k.has(changes.MM_OWNER_SLOTS):
        return folio.mapcount > 1 and folio.shared
    if k.has(changes.LARGE_MAPCOUNT) and folio.mapcount > len(folio.pages):
        return True
    return folio.pages[0].mapcount > 1


def _after_split(k: Kernel, ptes: tuple[Pte, ...], folio: Folio, split: bool, keeps_large: Change) -> int:
    """Return how many entries to leave out after a split was tried: none if it was done.

    If not, they are those of the folio, and before the change `keeps_large` the rest of the range.
    """
    if split:
        return 0
    return madvise_folio_pte_batch(ptes, folio) if k.has(keeps_large) else len(ptes)


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


def madvise_cold_or_pageout_pte_range(k: Kernel, ptes: tuple[Pte, ...]) -> Code:
    """Return the folios to reclaim, isolated: present, mapped by this process alone, and on an LRU list.

    A large folio is taken whole, if all of it lies in the range since 3931b871c494 (v6.10); else it is split
    first, and its pages are taken one by one.
    """
    found: tuple[Folio, ...] = ()
    if not ptes:
        return found
    pte_offset_map_lock(ptes[0].mm)
    flush_tlb_batched_pending(k, ptes[0].mm)
    position = 0
    while position < len(ptes):
        folio = ptep_get(ptes[position]).folio
        batch = 1
        if folio is not None and _splits(k, ptes[position:], folio, changes.PAGEOUT_KEEPS_LARGE):
            pte_unmap_unlock(ptes[0].mm)
            yield
            split = _try_to_split(k, folio)
            yield
            pte_offset_map_lock(ptes[0].mm)
            batch = _after_split(k, ptes[position:], folio, split, changes.PAGEOUT_KEEPS_LARGE)
        elif folio is not None and folio.is_large:
            batch = madvise_folio_pte_batch(ptes[position:], folio)
            found = (*found, *_isolate(k, folio))
        else:
            found = (*found, *_isolate(k, folio))
        position += batch
    pte_unmap_unlock(ptes[0].mm)
    return found


def _isolate(k: Kernel, folio: Folio | None) -> tuple[Folio, ...]:
    """Return a folio that MADV_PAGEOUT may reclaim, isolated from its LRU list; an empty tuple otherwise."""
    if folio is None or folio is k.zero_page:
        k.say("nothing to page out: the page is not present")
    elif folio.mapcount != len(folio.pages):
        k.say(f"{folio} is shared by {folio.mapcount} mappings: MADV_PAGEOUT leaves it alone")
    elif not folio_isolate_lru(k, folio):
        k.say(f"{folio} is not on an LRU list now: MADV_PAGEOUT leaves it alone")
    else:
        return (folio,)
    return ()
