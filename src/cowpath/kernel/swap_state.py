# SPDX-License-Identifier: MIT
"""mm/swap_state.c: the swap cache, where a folio and the slot with its content find each other."""

from __future__ import annotations

from cowpath.explore.recorder import Code
from cowpath.explore.step import Blocked, Crash
from cowpath.kernel import mutants, page_io, swapfile
from cowpath.kernel.mutants import still
from cowpath.kernel.state import Folio, Kernel, Pte, Slot
from cowpath.kernel.swap import (
    alloc_folio,
    count_copy,
    folio_add_lru,
    folio_get,
    folio_put,
    folio_trylock,
    folio_unlock,
)


def add_to_swap(k: Kernel, folio: Folio) -> bool:
    """Give a folio a swap slot; False where there is none.  It is marked dirty, so it will be written."""
    slot = swapfile.get_swap_page(k)
    if slot is None:
        return False
    add_to_swap_cache(k, folio, slot)
    folio.dirty = True
    return True


def add_to_swap_cache(k: Kernel, folio: Folio, slot: Slot) -> None:
    """Link folio and slot; the swap cache holds a reference to the folio, SWAP_HAS_CACHE one to the slot."""
    if slot.folio is not None or folio.swapcache:
        raise Crash(f"VM_BUG_ON_FOLIO: {folio} enters the swap cache twice")
    folio_get(k, folio)
    folio.swapcache = True
    folio.entry = slot
    slot.has_cache = True
    slot.folio = folio


def delete_from_swap_cache(k: Kernel, folio: Folio) -> None:
    """Take a locked folio out of the swap cache; a slot that no pte needs is free now."""
    slot = folio.entry
    if slot is None or slot.folio is not folio:
        raise Crash(f"VM_BUG_ON_FOLIO: {folio} leaves a swap cache it is not in")
    if folio.writeback:
        raise Crash(f"VM_BUG_ON_FOLIO: {folio} leaves the swap cache under writeback")
    folio.swapcache = False
    folio.entry = None
    slot.folio = None
    swapfile.swapcache_free(k, slot)
    folio_put(k, folio)


def lookup_swap_cache(k: Kernel, slot: Slot) -> Folio | None:
    """The folio cached for a slot, with a reference taken (swap_cache_get_folio).

    Found without a lock: until the folio is locked and its entry compared again, this proves nothing.
    """
    folio = slot.folio
    if folio is not None:
        folio_get(k, folio)
    return folio


def free_swap_cache(k: Kernel, folio: Folio) -> None:
    """Give the slot back if the folio is unmapped and nobody needs it; only if its lock is free."""
    unlocked = k.has(mutants.NO_TRYLOCK_IN_FREE_SWAP_CACHE)
    if folio.swapcache and folio.mapcount == 0 and folio_trylock(folio, unless=unlocked):
        swapfile.folio_free_swap(k, folio)
        folio_unlock(folio, unless=unlocked)


def swapin_readahead(k: Kernel, cpu: int, slot: Slot) -> Code:
    """Read a slot through the swap cache; returns the folio with a reference, or None if the slot is free.

    The new folio enters the swap cache locked and is unlocked when its content has arrived
    (read_swap_cache_async, __read_swap_cache_async).
    """
    folio = lookup_swap_cache(k, slot)
    if folio is not None:
        return folio
    if slot.count == 0:
        return None
    if not still(k, mutants.NO_CACHE_WAIT_IN_READAHEAD, not slot.has_cache):
        raise Blocked(f"the swap cache entry of {slot}")
    folio = alloc_folio(k)
    folio.locked = True
    folio.uptodate = False
    add_to_swap_cache(k, folio, slot)
    folio_add_lru(k, folio, cpu)
    yield
    page_io.swap_readpage(k, folio, slot)
    return folio


def ksm_might_need_to_copy(k: Kernel, pte: Pte, folio: Folio) -> Folio:
    """The folio, or a locked copy of it where it was read in for another page (mm/ksm.c).

    KSM had merged the two before they were swapped out.  While it is a KSM page still, it serves everybody.
    """
    if folio.ksm or folio.index in (0, pte.page + 1):
        return folio
    new = alloc_folio(k)
    new.data = folio.data
    new.locked = new.dirty = True
    count_copy(k)
    k.say(f"{folio} was read in for another page that shared its content: this one gets a copy")
    return new
