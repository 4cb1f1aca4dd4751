# SPDX-License-Identifier: MIT
"""mm/swap.c: references, allocation, the folio lock, LRU lists and their batches.

References are kept by include/linux/page_ref.h and include/linux/mm.h, the lock and writeback by
include/linux/pagemap.h, mm/filemap.c and mm/page-writeback.c, allocation by include/linux/gfp.h; folios are
taken off LRU lists in mm/vmscan.c.
"""

from __future__ import annotations

from cowpath.explore.record.step import Blocked, Crash
from cowpath.history import changes
from cowpath.litmus.ast import ZERO

from ..state import Folio, Kernel

GUP_PIN_COUNTING_BIAS = 1024
"""The number that a FOLL_PIN adds to the reference count."""


def folio_ref_count(folio: Folio) -> int:
    """Return the reference count as the kernel's rules see it."""
    return folio.refcount + GUP_PIN_COUNTING_BIAS * folio.pincount


LARGE_ORDER = 2
"""The order of a large folio: it has 1 << LARGE_ORDER pages."""


def folio_alloc(k: Kernel, order: int = 0) -> Folio:
    """Return a new folio of zeros with one reference (alloc_zeroed_user_highpage, alloc_page_vma)."""
    for folio in k.large_folios if order else k.folios:
        if folio_ref_count(folio) == 0:
            folio.refcount = 1
            folio.uptodate = True
            for page in folio.pages:
                page.data.fill(k.content(ZERO))
            return folio
    raise k.exhausted("Folio")


def folio_get(k: Kernel, folio: Folio) -> None:
    """Take a reference.  The zero page is never freed, so its references are not counted."""
    if folio is k.zero_page:
        return
    if folio_ref_count(folio) == 0:
        raise Crash(f"VM_BUG_ON_FOLIO: a reference to free {folio} is taken")
    folio.refcount = folio.refcount + 1


def folio_put(k: Kernel, folio: Folio) -> None:
    """Drop a reference; the last one frees the folio."""
    if folio is k.zero_page:
        return
    if folio.refcount == 0:
        raise Crash(f"VM_BUG_ON_FOLIO: a reference to {folio} is dropped twice")
    folio.refcount = folio.refcount - 1
    __folio_put(k, folio)


def __folio_put(k: Kernel, folio: Folio) -> None:
    """Free a folio without references (free_unref_folio); a bad state crashes as "Bad page state"."""
    if folio_ref_count(folio):
        return
    if folio.mapcount or folio.locked or folio.swapcache or folio.writeback:
        raise Crash(f"Bad page state: {folio} is freed while it is in use")
    for page in folio.pages:
        page.data.fill(k.content(ZERO))
        page.anon_exclusive = False
    folio.index = 0
    folio.dirty = folio.uptodate = folio.lru = False
    folio.lazyfree = folio.ksm = folio.partially_mapped = False


# -- the folio lock --------------------------------------------------------------------------------


def folio_trylock(folio: Folio, unless: bool = False) -> bool:
    """Take the folio lock if it is free; tell whether it was.  `unless`: do without it (see mutants.py)."""
    if unless:
        return True
    if folio.locked:
        return False
    folio.locked = True
    return True


def folio_lock(folio: Folio, unless: bool = False) -> None:
    """Take the folio lock, waiting for it."""
    if not folio_trylock(folio, unless):
        raise Blocked(f"the lock of {folio}")


def folio_unlock(folio: Folio, unless: bool = False) -> None:
    """Release the folio lock."""
    if unless:
        return
    if not folio.locked:
        raise Crash(f"VM_BUG_ON_FOLIO: {folio} is unlocked twice")
    folio.locked = False


def folio_wait_writeback(folio: Folio, unless: bool = False) -> None:
    """Wait until the folio has been written."""
    if folio.writeback and not unless:
        raise Blocked(f"writeback of {folio}")


# -- LRU-add batches -------------------------------------------------------------------------------


def folio_add_lru(k: Kernel, folio: Folio, cpu: int) -> None:
    """Put a folio into this CPU's batch, which holds a reference; PG_lru comes when the batch is drained.

    A large folio drains the batch that it enters, and so stays in none.
    """
    if folio.is_large:
        lru_add_drain(k, cpu)
        folio.lru = True
        return
    folio_get(k, folio)
    folio.batch = cpu + 1


def lru_add_drain(k: Kernel, cpu: int) -> None:
    """Move this CPU's batch to the LRU lists.  Batches of other CPUs stay."""
    for folio in k.folios:
        if folio.batch == cpu + 1:
            lru_add(k, folio)
        if folio.lazyfree_batch == cpu + 1:
            lru_lazyfree(k, folio)


def lru_add_drain_all(k: Kernel) -> None:
    """Move the batches of every CPU to the LRU lists."""
    for cpu in range(len(k.tasks) + 1):
        lru_add_drain(k, cpu)


def lru_add(k: Kernel, folio: Folio) -> None:
    """Move one folio from its batch to an LRU list, and drop the batch's reference."""
    folio.batch = 0
    folio.lru = True
    folio_put(k, folio)


def mark_page_lazyfree(k: Kernel, folio: Folio, cpu: int) -> None:
    """Put a page from an LRU list into this CPU's lazyfree batch, which holds a reference (MADV_FREE).

    It stays on its list meanwhile, except from 33dfe9204f29 (v6.11) until afb99e9f5004 (v6.17).  A large
    folio drains the batch that it enters, and so stays in none.
    """
    if folio.is_large:
        _drain_lazyfree(k, cpu)
        folio.lazyfree = folio.lazyfree or (folio.lru and not folio.swapcache)
    elif folio.lru and not folio.lazyfree and not folio.swapcache and not folio.lazyfree_batch:
        folio_get(k, folio)
        folio.lazyfree_batch = cpu + 1
        if k.has(changes.BATCH_CLEARS_LRU):
            folio.lru = False


def _drain_lazyfree(k: Kernel, cpu: int) -> None:
    """Mark the folios in this CPU's lazyfree batch, and empty the batch."""
    for folio in k.folios:
        if folio.lazyfree_batch == cpu + 1:
            lru_lazyfree(k, folio)


def lru_lazyfree(k: Kernel, folio: Folio) -> None:
    """Mark a folio that leaves the lazyfree batch, so that reclaim may discard it (lru_lazyfree_fn).

    It returns to its LRU list, if 33dfe9204f29 had taken it off.  The function is in mm/swap.c.
    """
    folio.lazyfree_batch = 0
    if k.has(changes.BATCH_CLEARS_LRU):
        folio.lru = True
    if folio.lru and not folio.swapcache:
        folio.lazyfree = True
    folio_put(k, folio)


def folio_isolate_lru(k: Kernel, folio: Folio) -> bool:
    """Take a folio off its LRU list, with a reference; fails while it is in a batch or isolated."""
    if not folio.lru:
        return False
    folio.lru = False
    folio_get(k, folio)
    return True


def folio_putback_lru(k: Kernel, folio: Folio, cpu: int) -> None:
    """Return an isolated folio; it enters a batch again, and the isolation's reference goes."""
    folio_add_lru(k, folio, cpu)
    folio_put(k, folio)
