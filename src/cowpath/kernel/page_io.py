# SPDX-License-Identifier: MIT
"""mm/page_io.c: moving page content to and from a swap device."""

from __future__ import annotations

from cowpath.explore.recorder import IDLE, Code
from cowpath.explore.step import Blocked, Crash
from cowpath.kernel import swapfile
from cowpath.kernel.state import Folio, Kernel, Slot
from cowpath.kernel.swap import folio_ref_count, folio_unlock


def swap_readpage(folio: Folio, slot: Slot) -> None:
    """The device has read the slot into the locked folio, which is unlocked (swap_read_folio since v6.6)."""
    if slot.device.off:  # nothing but get_swap_device keeps swapoff from it (2799e77529c2, v5.14)
        raise Crash(f"use after free: {slot} is read from a device that swapoff has freed")
    folio.data = slot.data
    folio.uptodate = True
    folio_unlock(folio)


def swap_writepage(k: Kernel, folio: Folio) -> None:
    """Write a locked folio to its slot and unlock it, now or when the device is done.

    A device with SWP_SYNCHRONOUS_IO is written by bdev_write_page, which keeps the folio locked until the
    write has ended; any other one gets a bio after the folio was unlocked, so that a fault may meet the folio
    under writeback.
    """
    if folio.mapcount or folio_ref_count(folio) != 2:
        raise Crash(f"I9: writeback of {folio} starts while somebody else refers to it")
    slot = folio.entry
    if slot is None or swapfile.folio_free_swap(k, folio):
        folio_unlock(folio)
        return
    if k.synchronous(slot.device):
        slot.data = folio.data
    else:
        folio.writeback = True
        folio.bio = "submitted"
        k.say(f"{folio} is unlocked before the device has read it")
    folio_unlock(folio)


def swap_bio(k: Kernel, folio: Folio) -> Code:
    """The device's side of a write: it reads the folio at some moment, later it says so."""
    while True:
        yield IDLE
        device_reads(folio)
        yield
        end_swap_bio_write(folio)


def device_reads(folio: Folio) -> None:
    """The device takes the content of the folio as it is now."""
    slot = folio.entry
    if folio.bio != "submitted" or slot is None:
        raise Blocked("a write to the swap device")
    slot.data = folio.data
    folio.bio = "read"


def end_swap_bio_write(folio: Folio) -> None:
    """The write has ended; nobody's lock is needed for that."""
    folio.bio = "none"
    folio.writeback = False
