# SPDX-License-Identifier: MIT
"""mm/page_io.c: page content is read from a swap device and written to it."""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked, Crash
from cowpath.history import changes
from cowpath.litmus.ast import ZERO

from ..state import Folio, Kernel, MappedPage, Slot
from . import swapfile, zswap
from .swap import folio_ref_count, folio_unlock


def swap_readpage(k: Kernel, folio: Folio, slot: Slot) -> None:
    """Fill the locked folio with the content of the slot and unlock it (swap_read_folio since v6.6).

    A folio that could not be read is unlocked without being uptodate; it holds what it held before.
    A large folio is filled from this slot and those after it.

    Until v5.17 zram dropped the content of a slot with one user once it had been read; only the cached page
    was left, so it became dirty (swap_slot_free_notify, removed by e914d8f00391).
    """
    if slot.device.off:  # nothing but get_swap_device keeps swapoff from it (2799e77529c2, v5.14)
        raise Crash(f"use after free: {slot} is read from a device that swapoff has freed")
    from_zswap = slot.zswap is not None and not slot.zero
    if not (from_zswap or slot.zero) and k.fails(f"{slot} cannot be read"):
        for page in folio.pages:
            page.data.fill(k.discarded)
        folio.uptodate = False
        folio_unlock(folio)
        return
    for page, each in zip(folio.pages, slot.run(len(folio.pages)), strict=True):
        page.data = each.content
    folio.uptodate = True
    if from_zswap:
        zswap.zswap_load(k, folio, slot)
    drops = not from_zswap and k.notifies_slot_free(slot.device) and not k.has(changes.SLOT_KEPT_AFTER_READ)
    if drops and folio.swapcache and slot.count == 1:
        folio.dirty = True
        slot.data.fill(k.discarded)
    folio_unlock(folio)


def swap_writepage(k: Kernel, folio: Folio) -> None:
    """Write a locked folio to its slot and unlock it, now or when the device is done.

    The folio is unlocked before the device reads it, so that a fault may meet it under writeback.

    A page of zeros is not written since 0ca0c24e3211 (v6.12): its slot is marked in the zeromap.  What zswap
    keeps for the slot from before stays there, as read in the trees of 6.12, 7.2 and 7.3.
    """
    if folio.mapcount or folio_ref_count(folio) != 1 + len(folio.pages):
        raise Crash(f"I9: writeback of {folio} starts while somebody else refers to it")
    slot = folio.entry
    if slot is None or swapfile.folio_free_swap(k, folio):
        folio_unlock(folio)
        return
    zeros = k.has(changes.ZERO_PAGES_NOT_WRITTEN) and is_folio_zero_filled(k, folio)
    slot.zero = zeros and k.zswap(slot.device)
    if zeros and k.has(changes.ZEROS_REPLACE_COPY):
        zswap.zswap_invalidate(slot)
    if zeros:
        _write_to_slots(folio)
        k.say(f"{folio} is all zeros: {slot} is marked so, and nothing is written")
    elif k.zswap(slot.device) and zswap.zswap_store(k, folio, slot):
        pass
    else:
        __swap_writepage(k, folio, slot)
    folio_unlock(folio)


def __swap_writepage(k: Kernel, folio: Folio, slot: Slot) -> None:
    """Begin to write a locked folio to the device; the caller unlocks it.

    Until v6.2 a device with SWP_SYNCHRONOUS_IO was written by bdev_write_page, which kept the folio locked
    until the write had ended (3222d8c2a7f8, v6.3).
    """
    if k.synchronous(slot.device) and not k.has(changes.SYNC_WRITE_UNLOCKS):
        _write_to_slots(folio)
        return
    folio.writeback = True
    folio.bio = "submitted"
    k.say(f"{folio} is unlocked before the device has read it")


def _write_to_slots(folio: Folio) -> None:
    """Copy the content of each page of a folio to the slot of the page."""
    for page, slot in zip(folio.pages, folio.slots, strict=True):
        slot.data = page.data


def is_folio_zero_filled(k: Kernel, folio: Folio) -> bool:
    """True for a folio with nothing but zeros, in all of its pages."""
    return all(_is_zero_filled(k, page) for page in folio.pages)


def _is_zero_filled(k: Kernel, page: MappedPage) -> bool:
    """True for a page with nothing but zeros."""
    zero = k.content(ZERO).code
    return all(k.layout.step.look(page.data[place]) == zero for place in range(page.data.length))


def submit_bio(k: Kernel, folio: Folio) -> Code:
    """Let the device read the folio at some moment, and end the write at a later one (block/blk-core.c)."""
    while True:
        yield IDLE
        _device_reads(folio)
        yield
        end_swap_bio_write(k, folio)


def _device_reads(folio: Folio) -> None:
    """Copy the content of the folio, as it is now, to the device."""
    if folio.bio != "submitted" or folio.entry is None:
        raise Blocked("a write to the swap device")
    _write_to_slots(folio)
    folio.bio = "read"


def end_swap_bio_write(k: Kernel, folio: Folio) -> None:
    """End the writeback of a folio; this needs no lock.

    A folio that could not be written is dirty again: its content must not be dropped.
    """
    slot = folio.entry
    if slot is not None and k.fails(f"{slot} could not be written"):
        slot.data.fill(k.discarded)
        folio.dirty = True
    folio.bio = "none"
    folio.writeback = False
