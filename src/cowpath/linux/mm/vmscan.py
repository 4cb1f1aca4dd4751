# SPDX-License-Identifier: MIT
"""mm/vmscan.c: reclaim isolates, unmaps, writes and frees an anonymous folio."""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants
from cowpath.litmus.program import LARGE_PAGES

from ..state import Folio, Kernel, still
from .huge_memory import can_split_folio, split_folio
from .page_io import swap_writepage
from .rmap import folio_maybe_dma_pinned, try_to_unmap, try_to_unmap_flush
from .swap import (
    folio_isolate_lru,
    folio_put,
    folio_putback_lru,
    folio_ref_count,
    folio_trylock,
    folio_unlock,
    folio_wait_writeback,
)
from .swap_state import add_to_swap, delete_from_swap_cache

KSWAPD = -1
"""For a CPU: the folio returns to its LRU list, and not to a batch of the CPU that has isolated it."""


def shrink_folio_list(k: Kernel, folio: Folio, cpu: int) -> Code:
    """Try to free one isolated folio, and put it back if it stays (shrink_page_list before v5.19).

    It is freed after TLBs are flushed, when it may have left the swap cache already.  Where a large folio is
    split first, each of its pages has its own turn.  Returns True if all of it is gone.
    """
    pages = (folio,)
    if folio.is_large:
        pages = yield from _split_before_swap(k, folio)
    position, gone = 0, True
    while position < len(pages):
        unused = yield from _unmap_and_write(k, pages[position])
        gone = gone and unused
        if k.has_tlb:
            yield
            try_to_unmap_flush(k, pages[position])
        if unused:
            folio_put(k, pages[position])
        else:
            _put_back(k, pages[position], cpu)
        position += 1
    return gone


def _put_back(k: Kernel, folio: Folio, cpu: int) -> None:
    """Return a folio to the LRU after reclaim, by way of a batch if it was isolated by a CPU."""
    if cpu == KSWAPD:
        move_folios_to_lru(k, folio)
    else:
        folio_putback_lru(k, folio, cpu)


def _split_before_swap(k: Kernel, folio: Folio) -> Code:
    """Split an isolated large folio if it cannot be swapped out whole; return what takes its place.

    Before 5ed890ce5147 (v6.10) each one that is mapped by ptes is split, since then one that is partially
    mapped.  After MADV_FREE it was split until 735ecdfaf4e8 (v6.11), and needs no swap since.  One that
    cannot be split is returned as it is.
    """
    if folio.swapcache or not _splits(k, folio) or not folio_trylock(folio):
        return (folio,)
    yield
    pages = split_folio(k, folio, isolated=True)
    if not pages:
        folio_unlock(folio)
        return (folio,)
    yield
    return pages


def _splits(k: Kernel, folio: Folio) -> bool:
    """Tell whether reclaim splits a large folio that is not in the swap cache before anything else."""
    if folio.lazyfree:
        return False
    return folio.partially_mapped or not k.has(changes.LARGE_SWAPOUT_WHOLE)


def _unmap_and_write(k: Kernel, folio: Folio) -> Code:
    """Unmap and write a folio until only its isolation refers to it; True if that is so, and it is unlocked.

    Reference bits are ignored, as MADV_PAGEOUT does and as kswapd does sooner or later.  Pins are looked for
    again after the unmap since d824ec2a1546 (v6.4).  If a CPU may still write to the folio, TLBs are flushed
    before it is written (try_to_unmap_flush_dirty).
    """
    if not still(k, mutants.NO_TRYLOCK_IN_RECLAIM, folio_trylock(folio)):
        return False
    yield
    if not _prepare(k, folio):
        folio_unlock(folio)
        return False
    yield
    writable = yield from try_to_unmap(k, folio)
    unmapped = still(k, mutants.NO_MAPCOUNT_AFTER_UNMAP, folio.mapcount == 0)
    if not unmapped or (folio_maybe_dma_pinned(folio) and k.has(changes.PINNED_AFTER_UNMAP)):
        folio_unlock(folio)
        return False
    if folio.lazyfree:
        return _discard(k, folio)
    if folio.dirty:
        if not is_page_cache_freeable(k, folio):
            folio_unlock(folio)
            return False
        if writable and not k.has(mutants.NO_FLUSH_BEFORE_PAGEOUT):
            try_to_unmap_flush(k, folio)
        pageout(k, folio)
        yield
        _wait_if_synchronous(k, folio)
        if folio.writeback or folio.dirty:
            return False
        if not still(k, mutants.NO_TRYLOCK_AFTER_PAGEOUT, folio_trylock(folio)):
            return False
    return __remove_mapping(k, folio)


def _prepare(k: Kernel, folio: Folio) -> bool:
    """Add a folio to the swap cache unless it is pinned (feb889fb40fa, v5.11); False if reclaim must stop."""
    if not still(k, mutants.NO_WRITEBACK_CHECK_IN_RECLAIM, not folio.writeback):
        return False
    if folio.swapcache or folio.lazyfree:
        return True
    if folio_maybe_dma_pinned(folio) and k.has(changes.PINNED_NOT_SWAPPED):
        k.say(f"{folio} may be pinned, so it gets no swap slot (feb889fb40fa)")
        return False
    if folio.is_large and not (can_split_folio(k, folio) and k.has(changes.LARGE_SWAPOUT_WHOLE)):
        return False
    return add_to_swap(k, folio)


def _discard(k: Kernel, folio: Folio) -> bool:
    """Free an unmapped page after MADV_FREE, unless somebody else refers to it or it was written."""
    if folio.dirty or folio_ref_count(folio) != 1:
        folio_unlock(folio)
        return False
    folio_unlock(folio)
    return True


def is_page_cache_freeable(k: Kernel, folio: Folio) -> bool:
    """True where only the swap cache and the isolation hold references; else writeback does not start."""
    expected = 1 + len(folio.pages)
    if still(k, mutants.NO_REFCOUNT_IN_PAGEOUT, folio_ref_count(folio) == expected):
        return True
    k.say(f"other references to {folio} ({folio_ref_count(folio) - expected}): it is not written out yet")
    return False


def pageout(k: Kernel, folio: Folio) -> None:
    """Write a dirty folio to swap and return with it unlocked."""
    folio.dirty = False
    swap_writepage(k, folio)


def _wait_if_synchronous(k: Kernel, folio: Folio) -> None:
    """Wait for the write if the device is synchronous (swap_writepage_bdev_sync, v6.3)."""
    slot = folio.entry
    if slot is not None and k.synchronous(slot.device):
        folio_wait_writeback(folio)


def __remove_mapping(k: Kernel, folio: Folio) -> bool:
    """Take a clean folio, whose content is in swap, out of the swap cache; unlock it in any case."""
    alone = folio.swapcache and folio_ref_count(folio) == 1 + len(folio.pages)
    frozen = folio.swapcache and still(k, mutants.NO_FREEZE_IN_REMOVE_MAPPING, alone)
    if not frozen or folio.dirty or folio.writeback:
        folio_unlock(folio)
        return False
    delete_from_swap_cache(k, folio)
    folio_unlock(folio)
    return True


KSWAPD_PASSES = 2
"""The number of times that one kswapd acts: once to unmap a folio and write it, once to free it.

Without a bound every pass could make the faulting thread copy the page once more while the older copies still
wait for their writeback, and no number of folios would do.  A test that needs more declares kswapd again.
In a watched kernel, where allocations wait, it acts for ever.
"""


def kswapd(k: Kernel, page: int) -> Code:
    """Run background reclaim: at any moment, reclaim any folio that was first mapped as this page."""
    passes = 0
    while k.watched or passes < KSWAPD_PASSES:
        yield IDLE
        folio = isolate_lru_folios(k, page)
        yield from shrink_folio_list(k, folio, KSWAPD)
        passes += not k.watched


def isolate_lru_folios(k: Kernel, page: int) -> Folio:
    """Isolate a folio that was first mapped as this page; the search tries each that is on an LRU list."""
    candidates = [folio for folio in k.folios if folio.lru and folio.index == page + 1]
    candidates += [folio for folio in k.large_folios if _may_reclaim_large(k, folio, page)]
    if not candidates:
        raise Blocked("a folio on the LRU list")
    folio = candidates[k.choose(len(candidates))]
    folio_isolate_lru(k, folio)
    return folio


def _may_reclaim_large(k: Kernel, folio: Folio, page: int) -> bool:
    """True where reclaim finds the large folio that a page belongs to.

    Without swap it finds it only after MADV_FREE, on the list of file folios: no other list is looked at.
    """
    first = folio.index - 1
    found = folio.lru and (folio.lazyfree or bool(k.devices))
    return found and 0 <= first <= page < first + LARGE_PAGES


def move_folios_to_lru(k: Kernel, folio: Folio) -> None:
    """Return a folio from kswapd to its LRU list directly, not through a batch."""
    folio.lru = folio_ref_count(folio) > 1
    folio_put(k, folio)
