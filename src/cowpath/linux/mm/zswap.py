# SPDX-License-Identifier: MIT
"""mm/zswap.c: a compressed cache in front of a swap device (`swap = zswap`).

A page that is swapped out is kept in memory at once, so no I/O is needed; a shrinker moves entries to the
device behind.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants

from ..state import Folio, Kernel, Slot, Zswap, ZswapEntry, still
from . import page_io, swap_state
from .swap import folio_add_lru, folio_alloc, folio_put, folio_unlock, folio_wait_writeback


def zswap_enabled_param_set(k: Kernel, enabled: bool) -> None:
    """Switch zswap on or off: what it holds stays, and it takes new pages or none."""
    for settings in k.layout.all(Zswap):
        settings.enabled = enabled


def zswap_store(k: Kernel, folio: Folio, slot: Slot) -> bool:
    """Keep a compressed copy of the folio; False if zswap refuses it (zswap_frontswap_store before v6.6).

    An older copy for the same slot goes first, so that the old copy is not read later if the page is refused:
    by __frontswap_store until v6.5, since then by ca56489c2fa6 (v6.6-rc4); where zswap is switched off, by
    678e54d4bb9a (v6.8).
    """
    refused = k.zswap_enabled and k.fails(f"zswap refuses {folio}: its pool is full, or it does not compress")
    if not (refused and k.has(mutants.NO_INVALIDATE_IN_ZSWAP)) and not _off_and_keeps(k, slot):
        zswap_invalidate(slot)
    if refused or not k.zswap_enabled:
        return False
    entry = next((entry for entry in k.zswap_entries if entry.refcount == 0), None)
    if entry is None:
        raise k.exhausted("Slot")
    entry.data, entry.refcount, entry.slot = folio.data, 1, slot
    slot.zswap = entry
    k.say(f"{folio} is compressed into {entry}: no I/O")
    return True


def _off_and_keeps(k: Kernel, slot: Slot) -> bool:
    """True where zswap is switched off, and the older copy of a slot stays (42c06a0e8ebe, v6.6)."""
    if k.zswap_enabled or not k.has(changes.NO_FRONTSWAP) or k.has(changes.ZSWAP_OFF_INVALIDATES):
        return False
    if slot.zswap is not None:
        k.say(f"zswap is off, and so {slot.zswap} stays: it is older than what is written now")
    return True


def zswap_invalidate(slot: Slot) -> None:
    """Drop the compressed copy of a slot, if there is one."""
    entry = slot.zswap
    if entry is not None:
        slot.zswap = None
        zswap_entry_put(entry)


def zswap_entry_put(entry: ZswapEntry) -> None:
    """Drop a reference to an entry; the last one frees it."""
    entry.refcount = entry.refcount - 1
    if entry.refcount == 0:
        entry.slot = None


def zswap_load(k: Kernel, folio: Folio, slot: Slot) -> None:
    """Finish reading a compressed copy; the copy goes since c2e2ba770200 (v6.9).

    From b9c91c43412f (v6.5) on it goes on demand (exclusive_loads).  Then the content is nowhere else, so the
    folio is dirty.  A fault that reads past the swap cache may yet drop what it has read, so the copy stays
    for it (25cd241408a2, v6.9).
    """
    demanded = k.exclusive_loads and k.has(changes.ZSWAP_CAN_LOAD_EXCLUSIVELY)
    if not (demanded or k.has(changes.ZSWAP_LOADS_EXCLUSIVELY)):
        return
    if k.synchronous(slot.device) and not folio.swapcache and k.has(changes.ZSWAP_KEEPS_BYPASSED):
        return
    folio.dirty = True
    zswap_invalidate(slot)


def shrink_worker(k: Kernel) -> Code:
    """Run zswap's shrinker: at any one moment it writes one entry to the device behind."""
    yield IDLE
    entries = [slot.zswap for slot in k.slots if slot.zswap is not None]
    if not entries:
        raise Blocked("a compressed page")
    entry = entries[k.choose(len(entries))]
    slot = entry.slot
    entry.refcount = entry.refcount + 1
    yield
    if slot is not None:
        yield from zswap_writeback_entry(k, entry, slot)
    zswap_entry_put(entry)
    yield IDLE


def zswap_writeback_entry(k: Kernel, entry: ZswapEntry, slot: Slot) -> Code:
    """Decompress an entry into a new page of the swap cache and write that page to the device.

    A reference to the entry does not keep the slot from being freed and used again.  With the new page in the
    swap cache nobody can do that, so the entry is compared again only then (04fc7816089c, v6.4).  The page
    that is not needed then was left locked until e3b63e966cac (v6.8).
    """
    if not still(k, mutants.NO_SLOT_CHECK_IN_ZSWAP, slot.count > 0 and not slot.has_cache):
        return
    folio = folio_alloc(k)
    folio.locked = True
    folio.uptodate = False
    swap_state.add_to_swap_cache(k, folio, slot)
    folio_add_lru(k, folio, len(k.tasks))
    yield
    if k.has(changes.ZSWAP_RECHECKS_ENTRY) and slot.zswap is not entry:
        k.say(f"{slot} was freed and used again meanwhile: {entry} is not written")
        swap_state.delete_from_swap_cache(k, folio)
        if k.has(changes.ZSWAP_CLEANS_UP):
            folio_unlock(folio)
            folio_put(k, folio)
        return
    folio.data = entry.data
    folio.uptodate = True
    page_io.__swap_writepage(k, folio, slot)
    folio_unlock(folio)
    if k.synchronous(slot.device):
        yield
        folio_wait_writeback(folio)  # __swap_writepage returns when all is written
    folio_put(k, folio)
    if slot.zswap is entry:
        zswap_invalidate(slot)
