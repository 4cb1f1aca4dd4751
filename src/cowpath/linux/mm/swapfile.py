# SPDX-License-Identifier: MIT
"""mm/swapfile.c and include/linux/swap.h: swap slots, the counts that keep them in use, and swapoff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Crash
from cowpath.history import changes, mutants, swap_bits
from cowpath.litmus.program import DISCARDED

from ..include.pgtable import (
    PteValue,
    make_poisoned_swp_entry,
    mk_pte,
    pte_offset_map_lock,
    pte_swp_exclusive,
    pte_unmap_unlock,
    ptep_get,
    set_pte,
    swp_entry_to_pte,
)
from ..state import Folio, Kernel, Mm, Pte, Slot, SwapDevice, still
from . import rmap, swap_state, zswap
from .swap import folio_add_lru, folio_get, folio_lock, folio_put, folio_unlock, folio_wait_writeback

if TYPE_CHECKING:
    from cowpath.arch.layout import PteLayout

# -- slots -----------------------------------------------------------------------------------------


def get_swap_page(k: Kernel, pages: int = 1) -> Slot | None:
    """Reserve a free slot for the swap cache, on a device that accepts new pages (folio_alloc_swap).

    A large folio needs a slot for each of its pages, side by side and aligned to its size; the first of them
    is returned.  Returns None if there is none.  Swap is full only in a watched kernel; elsewhere the search
    is repeated with one more slot.
    """
    usable = False
    for slot in k.slots[::pages]:
        if slot.device.write_ok:
            usable = True
            if all(each.count == 0 and not each.has_cache for each in slot.run(pages)):
                for each in slot.run(pages):
                    each.has_cache = True
                return slot
    if usable and not k.watched:
        raise k.exhausted("Slot")
    return None


def swap_duplicate(slot: Slot) -> None:
    """Count one more swap pte that refers to the slot."""
    slot.count = slot.count + 1


def swap_free(k: Kernel, slot: Slot) -> None:
    """Count one swap pte less that refers to the slot, which is free if nothing else uses it.

    Crashes if no swap pte was counted.
    """
    if slot.count == 0:
        raise Crash(f"swap_free: {slot} is freed twice")
    slot.count = slot.count - 1
    _discard_if_unused(k, slot)


def put_swap_folio(k: Kernel, slot: Slot) -> None:
    """Record that the swap cache does not use the slot any more, which is free if no swap pte does."""
    slot.has_cache = False
    _discard_if_unused(k, slot)


def _discard_if_unused(k: Kernel, slot: Slot) -> None:
    """Discard the content of a slot that is free, as it may be reused at once (swap_slot_free_notify)."""
    if slot.count == 0 and not slot.has_cache:
        slot.data.fill(k.content(DISCARDED))
        zswap.zswap_invalidate(slot)
        slot.zero = False


def folio_free_swap(k: Kernel, folio: Folio) -> bool:
    """Remove a locked folio from the swap cache if no swap pte needs its slot; True if it was removed.

    A large folio stays while any of its slots is needed.  The slot and its content on the device go, so the
    folio is dirty from now on.  The kernel's name was try_to_free_swap before v6.1.
    """
    if not folio.swapcache or not still(k, mutants.NO_WRITEBACK_CHECK_IN_FREE_SWAP, not folio.writeback):
        return False
    slots = folio.slots
    unused = bool(slots) and all(slot.count == 0 for slot in slots)
    if not slots or not still(k, mutants.NO_SWAP_COUNT_IN_FREE_SWAP, unused):
        return False
    swap_state.delete_from_swap_cache(k, folio)
    folio.dirty = True
    return True


def reuse_swap_page(k: Kernel, folio: Folio) -> bool:
    """Tell whether a write may go to this page, by counting ptes and slots only (v5.17 and before).

    References of any other kind are ignored.  A page that is reused leaves the swap cache unless it is under
    writeback; under writeback to a device with stable writes it is not reused.  Replaced by 53a05ad9f21d and
    c145e0b47c77 (v5.18).
    """
    if folio.ksm:
        return False
    slot = folio.entry
    users = max(page.mapcount for page in folio.pages) + (slot.count if slot is not None else 0)
    if users > 1:
        k.say(f"{users} ptes refer to {folio} or its slot, so it is shared")
        return False
    if folio.swapcache and users == 1 and slot is not None:
        if folio.writeback:
            return not k.stable_writes(slot.device)
        swap_state.delete_from_swap_cache(k, folio)
        folio.dirty = True
    k.say(f"one pte or slot refers to {folio}, so it is reused, whoever else holds a reference")
    return True


def free_swap_and_cache(k: Kernel, slot: Slot) -> Code:
    """Count one swap pte less, and drop the cached page of the slot if nobody maps or needs it any more.

    Since 82b1c07a0af6 (v6.9) a reference to the device is held; without it swapoff may free the device
    between the two steps.
    """
    held = k.swapoff_runs and k.has(changes.FREE_SWAP_HOLDS_DEVICE)
    if held:
        slot.device.users = slot.device.users + 1
    swap_free(k, slot)
    if k.swapoff_runs and slot.count == 0 and slot.has_cache:
        yield
        if slot.device.off:
            raise Crash(f"use after free: {slot} is freed on a device that swapoff has freed")
    folio = slot.folio
    if slot.count == 0 and folio is not None:
        folio_get(k, folio)
        swap_state.free_swap_cache(k, folio)
        folio_put(k, folio)
    if held:
        slot.device.users = slot.device.users - 1


def get_swap_device(k: Kernel, slot: Slot) -> bool:
    """Take a reference to a slot's device, so that swapoff cannot free it; False if it is freed already.

    Page faults do so since 2799e77529c2 (v5.14).  Before, lookup_swap_cache, __swap_count and
    __read_swap_cache_async each took one for themselves, and a read past the swap cache, from a synchronous
    device, took none.
    """
    if not k.has(changes.GET_SWAP_DEVICE):
        return True
    if slot.device.off:
        return False
    slot.device.users = slot.device.users + 1
    return True


def put_swap_device(k: Kernel, slot: Slot) -> None:
    """Drop a reference to a slot's device, which swapoff waits for (2799e77529c2, v5.14)."""
    if k.has(changes.GET_SWAP_DEVICE):
        slot.device.users = slot.device.users - 1


# -- swapoff ---------------------------------------------------------------------------------------


def swapoff(k: Kernel, cpu: int) -> Code:
    """Run swapoff and then swapon on each device of the test.

    Each slot of a device is freed before the device goes: its content is read back into memory.
    """
    number = 0
    while number < len(k.devices):
        k.devices[number].write_ok = False
        yield from try_to_unuse(k, cpu, k.devices[number])
        yield
        _device_off(k, k.devices[number])
        yield
        _device_on(k.devices[number])
        number += 1


def _device_off(k: Kernel, device: SwapDevice) -> None:
    """Free the device's data, after the last user has left (percpu_ref_kill, 63d8620ecf93, v5.14).

    With 2799e77529c2 (v5.14) page faults are among the users.
    """
    if k.has(changes.GET_SWAP_DEVICE) and device.users:
        raise Blocked(f"users of {device}")
    device.off = True


def _device_on(device: SwapDevice) -> None:
    """Let a device take pages again, as swapon does."""
    device.off = False
    device.write_ok = True


def _in_use(k: Kernel, device: SwapDevice) -> bool:
    """True while any slot of a device is in use (si->inuse_pages != 0)."""
    return any(slot.count or slot.has_cache for slot in k.slots if slot.device is device)


def try_to_unuse(k: Kernel, cpu: int, device: SwapDevice) -> Code:
    """Free every slot of a device: first through the ptes of every process, then those only the cache holds.

    It repeats until no slot is in use, however long that takes.
    """
    while _in_use(k, device):
        number = 0
        while number < len(k.family):  # fork adds a child to mmlist after its parent
            if k.family[number].on_mmlist:
                yield from unuse_mm(k, cpu, k.family[number], device)
            number += 1
        number = 0
        while number < len(k.slots):
            if k.slots[number].device is device and k.slots[number].folio is not None:
                yield from _unuse_cached(k, k.slots[number])
            number += 1
        yield


def unuse_mm(k: Kernel, cpu: int, mm: Mm, device: SwapDevice) -> Code:
    """Replace each swap pte of one process that refers to the device (unuse_mm, unuse_pte_range).

    It holds mmap_lock for reading.  Since 1367da7eb875 (v6.18) it leaves out a process that fork has given up
    half way, if that is marked (64c37e134b12, v6.14); in v6.8 (d24062914837) and later its list of mappings
    has an end that is no mapping.
    """
    if mm.mmap_writer:
        raise Blocked(f"the mmap_lock of {mm}")
    if mm.half_forked and k.has(changes.FORK_DUPLICATES_TREE):
        if k.has(changes.SWAPOFF_CHECKS_STABLE) and k.has(changes.HALF_FORK_IS_UNSTABLE):
            return
        raise Crash(f"NULL pointer dereference: swapoff walks the mappings of {mm}, which fork has given up")
    mm.mmap_readers = mm.mmap_readers + 1
    page = 0
    while page < len(k.program.pages):
        pte = k.pte(mm, page)
        value = ptep_get(pte)
        slot = value.slot
        if pte.vma.mapped and value.kind == "swap" and slot is not None and slot.device is device:
            yield from unuse_pte_range(k, cpu, pte, slot)
        page += 1
    mm.mmap_readers = mm.mmap_readers - 1


def unuse_pte_range(k: Kernel, cpu: int, pte: Pte, slot: Slot) -> Code:
    """Replace one swap pte by its page, from the swap cache or read from the device.

    The folio is locked and not under writeback when it is mapped; since ae38eb210590 (v6.18) it is compared
    with the slot again once it is locked.
    """
    folio = swap_state.lookup_swap_cache(k, slot)
    if folio is None:
        folio = yield from swap_state.swapin_readahead(k, cpu, slot)
    if folio is None:
        return
    yield
    folio_lock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPOFF))
    yield
    folio_wait_writeback(folio, unless=k.has(mutants.NO_WRITEBACK_WAIT_IN_SWAPOFF))
    if not k.has(changes.SWAPOFF_RECHECKS_FOLIO) or swap_state.folio_matches_swap_entry(folio, slot):
        unuse_pte(k, cpu, pte, slot, folio)
    folio_free_swap(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPOFF))
    folio_put(k, folio)


def pte_same_as_swp(k: Kernel, pte: Pte, entry: PteValue) -> bool:
    """True if a pte is this swap entry, whatever flags it has.

    The flags that pte_swp_clear_flags strips before comparing include the exclusive marker (H2 of
    1493a1913e34, v5.19) and uffd-wp (099dd6878b9b, v5.13).
    """
    exclusive, uffd_wp = k.has(changes.SWP_EXCLUSIVE_IS_A_FLAG), k.has(changes.UFFD_WP_IS_A_FLAG)
    layout = k.ask(swap_bits.swap_layout)
    return _same_as_swp(layout, ptep_get(pte), entry, strips_exclusive=exclusive, strips_uffd_wp=uffd_wp)


def _same_as_swp(
    layout: PteLayout, value: PteValue, entry: PteValue, *, strips_exclusive: bool, strips_uffd_wp: bool
) -> bool:
    """True if two swap ptes have equal bits once flags are stripped from the first (H2, pte_same_as_swp)."""
    from cowpath.arch import swp_pte

    one, other = value.bits(layout), entry.bits(layout)
    if one is None or other is None:
        return False
    stripped = {"strips_exclusive": strips_exclusive, "strips_uffd_wp": strips_uffd_wp}
    return swp_pte.pte_same_as_swp(layout, one, other, **stripped)


def unuse_pte(k: Kernel, cpu: int, pte: Pte, slot: Slot, folio: Folio) -> None:
    """Map the folio read-only in place of the swap pte, unless the pte has changed.

    The comparison must ignore the exclusive marker (H2), and a marked pte makes the page exclusive again
    (H6); both are parts of 1493a1913e34, v5.19.  Where the content could not be read, an entry that says so
    takes its place since 9f186f9e5fa9 (v5.19).
    """
    pte_offset_map_lock(pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_SWAPOFF, pte_same_as_swp(k, pte, swp_entry_to_pte(slot))):
        _explain_mismatch(k, pte, slot)
        pte_unmap_unlock(pte.mm)
        return
    if not folio.uptodate and k.has(changes.SWAPOFF_POISONS):
        k.say(f"{folio} was not read: whoever accesses {pte} will get SIGBUS")
        set_pte(pte, make_poisoned_swp_entry())
        swap_free(k, slot)
        pte_unmap_unlock(pte.mm)
        return
    value = ptep_get(pte)
    exclusive = pte_swp_exclusive(value) and k.has(changes.SWAPOFF_TRUSTS_MARKER)
    exclusive = exclusive or k.has(changes.SWAPOFF_ALWAYS_EXCLUSIVE)
    if value.exclusive and not exclusive:
        k.say("the swap pte was marked exclusive, and swapoff drops the marker")
    mapped = swap_state.ksm_might_need_to_copy(k, pte, folio)
    if mapped is folio:
        folio_get(k, folio)
        rmap.folio_add_anon_rmap_pte(k, folio, folio.subpage_of(slot), pte, exclusive and not folio.ksm)
    else:
        rmap.folio_add_new_anon_rmap(k, mapped, pte)
        folio_add_lru(k, mapped, cpu)
        folio_unlock(mapped)
    set_pte(pte, _unused_pte(k, mk_pte(mapped, mapped.subpage_of(slot)), value))
    swap_free(k, slot)
    pte_unmap_unlock(pte.mm)


def _unused_pte(k: Kernel, new: PteValue, value: PteValue) -> PteValue:
    """Return the present entry for a swap pte, with its soft-dirty and uffd-wp bits (14a762dd1977, v5.19)."""
    if k.has(changes.SWAPOFF_KEEPS_TRACKING):
        return new.tracking(value)
    if value.soft_dirty or value.uffd_wp:
        k.say("swapoff forgets what the swap pte knew of writes")
    return new


def _explain_mismatch(k: Kernel, pte: Pte, slot: Slot) -> None:
    """Note for the trace if swapoff fails to recognise a pte only because of its flags."""
    value = ptep_get(pte)
    if value.slot is slot and value.exclusive:
        k.say("the exclusive marker is compared too, so swapoff never recognises this pte")
    if value.slot is slot and value.uffd_wp:
        k.say("the mark of userfaultfd is compared too, so swapoff never recognises this pte")


def _unuse_cached(k: Kernel, slot: Slot) -> Code:
    """Remove the folio of a slot from the swap cache, once it is locked and written."""
    folio = swap_state.lookup_swap_cache(k, slot)
    if folio is None:
        return
    yield
    folio_lock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_UNUSE_CACHED))
    yield
    folio_wait_writeback(folio)
    folio_free_swap(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_UNUSE_CACHED))
    folio_put(k, folio)
