# SPDX-License-Identifier: MIT
"""mm/swap_state.c: the swap cache links a folio to the slot that has its content."""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked, Crash
from cowpath.history import changes, mutants
from cowpath.litmus.program import LARGE_PAGES

from ..include.pgtable import ptep_get
from ..state import Folio, Kernel, Pte, Slot, SwapDevice, still
from . import page_io, swapfile
from .swap import (
    LARGE_ORDER,
    folio_add_lru,
    folio_alloc,
    folio_get,
    folio_put,
    folio_trylock,
    folio_unlock,
)


def add_to_swap(k: Kernel, folio: Folio) -> bool:
    """Give a folio a swap slot; False where there is none.  It is marked dirty, so it will be written."""
    if k.fails("no swap slot is free"):
        return False
    slot = swapfile.get_swap_page(k, len(folio.pages))
    if slot is None:
        return False
    add_to_swap_cache(k, folio, slot)
    folio.dirty = True
    return True


def add_to_swap_cache(k: Kernel, folio: Folio, slot: Slot) -> None:
    """Link folio and slot; the swap cache holds a reference to the folio, SWAP_HAS_CACHE one to the slot.

    A large folio has a slot for each of its pages, of which this is the first, and gets as many references.
    """
    if slot.folio is not None or folio.swapcache:
        raise Crash(f"VM_BUG_ON_FOLIO: {folio} enters the swap cache twice")
    folio.swapcache = True
    folio.entry = slot
    for each in folio.slots:
        folio_get(k, folio)
        each.has_cache = True
        each.folio = folio


def delete_from_swap_cache(k: Kernel, folio: Folio) -> None:
    """Take a locked folio out of the swap cache; a slot that no pte needs is free now."""
    slots = folio.slots
    if not slots or slots[0].folio is not folio:
        raise Crash(f"VM_BUG_ON_FOLIO: {folio} leaves a swap cache it is not in")
    if folio.writeback:
        raise Crash(f"VM_BUG_ON_FOLIO: {folio} leaves the swap cache under writeback")
    folio.swapcache = False
    folio.entry = None
    for slot in slots:
        slot.folio = None
        swapfile.put_swap_folio(k, slot)
        folio_put(k, folio)


def lookup_swap_cache(k: Kernel, slot: Slot) -> Folio | None:
    """Return the folio that is cached for a slot, with a reference, or None (swap_cache_get_folio).

    No lock is held: until the folio is locked and its entry compared again, the result proves nothing.
    Nothing is found on a device that swapoff has freed; the lookup held the device itself for that until v6.5
    (swap-lookup-left-to-caller).
    """
    if slot.device.off and k.has(changes.SWAP_LOOKUP_LEFT_TO_CALLER):
        raise Crash(f"use after free: {slot} is looked up on a device that swapoff has freed")
    folio = slot.folio
    if folio is not None:
        folio_get(k, folio)
    return folio


def folio_matches_swap_entry(folio: Folio, slot: Slot) -> bool:
    """True where a locked folio is in the swap cache, and for this slot (mm/swap.h)."""
    return folio.swapcache and any(own is slot for own in folio.slots)


def free_swap_cache(k: Kernel, folio: Folio) -> None:
    """Give the slot back if the folio is unmapped and nobody needs it; only if its lock is free."""
    unlocked = k.has(mutants.NO_TRYLOCK_IN_FREE_SWAP_CACHE)
    if not folio.swapcache or folio.mapcount or k.fails(f"somebody else holds the lock of {folio}"):
        return
    if folio_trylock(folio, unless=unlocked):
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
    return (yield from _read_into_swap_cache(k, cpu, folio_alloc(k), slot))


def _read_into_swap_cache(k: Kernel, cpu: int, folio: Folio, slot: Slot) -> Code:
    """Add a new folio to the swap cache, locked, read its slots, and return it."""
    folio.locked = True
    folio.uptodate = False
    add_to_swap_cache(k, folio, slot)
    folio_add_lru(k, folio, cpu)
    yield
    page_io.swap_readpage(k, folio, slot)
    return folio


def swapin_sync(k: Kernel, cpu: int, slot: Slot, large: bool) -> Code:
    """Read a slot through the swap cache, with its neighbours if `large` (f1879e8a0c60, v7.0).

    They are read together, into one large folio, if each of them is in use and none is in the swap cache
    (__swap_cache_add_check); else only this one.  Returns as `swapin_readahead` does.
    """
    group = k.slots[slot.number - slot.number % LARGE_PAGES].run(LARGE_PAGES) if large else ()
    if group and all(each.count and not each.has_cache for each in group):
        k.say(f"{group[0]} and the slots after it are read together, into one large folio")
        return (yield from _read_into_swap_cache(k, cpu, folio_alloc(k, LARGE_ORDER), group[0]))
    return (yield from swapin_readahead(k, cpu, slot))


# -- readahead -------------------------------------------------------------------------------------


def swap_vma_readahead(k: Kernel, cpu: int, page: int) -> Code:
    """Run the background actor readahead(x): at any one moment a fault nearby reads this page in, too.

    The page that faults may be on any device, and the fault holds a reference to that device only
    (2799e77529c2, v5.14).  The pte is read without a lock, so its slot may have been freed, or used again,
    when its turn comes. swap_cluster_readahead goes by the slots of the faulting page's device, MADV_WILLNEED
    by the ptes of a range (swapin_walk_pmd_entry): they do the same to the page.
    """
    yield IDLE
    slot = _pick_slot(k, page)
    device = k.devices[k.choose(len(k.devices))]
    if not _hold_device(k, device):
        raise Blocked(f"a fault on {device}")
    k.say(f"a fault nearby, on {device}, reads {slot} ahead")
    yield
    if _device_is_there(k, slot):
        folio = yield from swapin_readahead(k, cpu, slot)
        if folio is not None:
            yield
            folio_put(k, folio)
    _drop_device(k, device)
    yield IDLE


def _pick_slot(k: Kernel, page: int) -> Slot:
    """Return a slot that some process's swap pte for this page refers to; the search tries each."""
    values = [ptep_get(pte) for pte in k.ptes if pte.page == page]
    slots = [value.slot for value in values if value.kind == "swap" and value.slot is not None]
    if not slots:
        raise Blocked("a page in swap")
    return slots[k.choose(len(slots))]


def _hold_device(k: Kernel, device: SwapDevice) -> bool:
    """Take a reference to the device of the fault nearby (2799e77529c2, v5.14); False if it is gone."""
    if device.off:
        return False
    if k.swapoff_runs and k.has(changes.GET_SWAP_DEVICE):
        device.users = device.users + 1
    return True


def _drop_device(k: Kernel, device: SwapDevice) -> None:
    """Drop the reference of the fault nearby to its device (2799e77529c2, v5.14)."""
    if k.swapoff_runs and k.has(changes.GET_SWAP_DEVICE):
        device.users = device.users - 1


def _device_is_there(k: Kernel, slot: Slot) -> bool:
    """True where the device of a slot can be used; then swapoff waits for what is in the swap cache.

    __read_swap_cache_async takes a reference for the lookup, and skips a device that is gone.  From
    78524b05f1a3 (v6.15) it left that to its callers, and a caller that reads ahead from a second device held
    a reference to the first only, until 1c2a936edd71 (v6.18).
    """
    if not slot.device.off:
        return True
    if k.has(changes.READAHEAD_LEFT_TO_CALLER) and not k.has(changes.READAHEAD_HOLDS_DEVICE):
        raise Crash(f"use after free: {slot} is read ahead, and its device has been freed by swapoff")
    return False


# -- KSM -------------------------------------------------------------------------------------------


def ksm_might_need_to_copy(k: Kernel, pte: Pte, folio: Folio) -> Folio:
    """Return the folio, or a locked copy of it if it was read in for another page (mm/ksm.c).

    KSM had merged the two pages before they were swapped out.  A folio that still is a KSM page can be mapped
    for both.
    """
    if folio.ksm or folio.is_large or folio.index in (0, pte.page + 1):
        return folio
    new = folio_alloc(k)
    new.data = folio.data
    new.locked = new.dirty = True
    k.count_copy()
    k.say(f"{folio} was read in for another page that shared its content: this one gets a copy")
    return new
