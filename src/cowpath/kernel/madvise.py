# SPDX-License-Identifier: MIT
"""mm/madvise.c: what user space asks reclaim to do."""

from __future__ import annotations

from cowpath.explore.recorder import Code
from cowpath.kernel.mmap import mmap_read_lock, mmap_read_unlock
from cowpath.kernel.pgtable import pte_lock, pte_unlock, ptep_get
from cowpath.kernel.state import Folio, Kernel, Pte
from cowpath.kernel.swap import folio_isolate_lru, folio_putback_lru, lru_add_drain
from cowpath.kernel.vmscan import shrink_folio_list


def madvise_pageout(k: Kernel, cpu: int, pte: Pte) -> Code:
    """MADV_PAGEOUT: reclaim the page now, in the caller, under its mmap_lock."""
    mmap_read_lock(pte.mm)
    lru_add_drain(k, cpu)
    folio = isolate(k, pte)
    if folio is not None:
        yield
        gone = yield from shrink_folio_list(k, folio)
        if not gone:
            folio_putback_lru(k, folio, cpu)
    mmap_read_unlock(pte.mm)


def isolate(k: Kernel, pte: Pte) -> Folio | None:
    """The page to reclaim: present, mapped once and on an LRU list (madvise_cold_or_pageout_pte_range)."""
    pte_lock(pte.mm)
    folio = ptep_get(pte).folio
    pte_unlock(pte.mm)
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
