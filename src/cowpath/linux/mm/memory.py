# SPDX-License-Identifier: MIT
"""mm/memory.c: page faults.  Who may write to an anonymous page, and who gets a copy, is decided here."""

from __future__ import annotations

from typing import NamedTuple

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Crash
from cowpath.history import changes, mutants

from ..arch.tlb import flush_tlb_page
from ..fs.userfaultfd import handle_userfault
from ..include.mm import Fault
from ..include.pgtable import (
    PteValue,
    keep_tracking,
    maybe_mkwrite,
    mk_pte,
    pte_lock,
    pte_mkwrite,
    pte_needs_soft_dirty_wp,
    pte_same,
    pte_swp_exclusive,
    pte_unlock,
    ptep_get,
    set_pte,
    userfaultfd_pte_wp,
)
from ..state import Folio, Kernel, Pte, Slot, still
from . import swapfile
from .migrate import migrate_isolated
from .mprotect import make_accessible
from .page_io import swap_readpage
from .rmap import (
    folio_add_anon_rmap,
    folio_add_new_anon_rmap,
    folio_move_anon_rmap,
    folio_remove_rmap,
)
from .swap import (
    alloc_folio,
    count_copy,
    folio_add_lru,
    folio_get,
    folio_isolate_lru,
    folio_lock,
    folio_put,
    folio_ref_count,
    folio_trylock,
    folio_unlock,
    lru_add_drain,
)
from .swap_state import (
    free_swap_cache,
    ksm_might_need_to_copy,
    lookup_swap_cache,
    swapin_readahead,
)


def handle_pte_fault(k: Kernel, vmf: Fault) -> Code:
    """Resolve one fault; the caller holds mmap_lock.  What it cannot resolve is simply tried again.

    Returns True (VM_FAULT_WRITE) where a write got a page that it may go to, "sigbus" where it would have to
    wait and must not.

    The entry is read without the page-table lock and compared again under it.
    """
    vmf = vmf._replace(orig=ptep_get(vmf.pte))
    if vmf.orig.kind == "none":
        return (yield from do_anonymous_page(k, vmf))
    if vmf.orig.kind == "swap":
        return (yield from do_swap_page(k, vmf))
    if vmf.orig.kind == "migration":
        return (yield from migration_entry_wait(vmf))
    if vmf.orig.protnone and vmf.pte.vma.read:
        return (yield from do_numa_page(k, vmf))
    yield
    pte_lock(vmf.pte.mm)
    same = still(k, mutants.NO_PTE_SAME_IN_FAULT, pte_same(vmf.pte, vmf.orig))
    if same and (vmf.write or vmf.unshare) and not vmf.orig.write:
        return (yield from do_wp_page(k, vmf))
    pte_unlock(vmf.pte.mm)
    return False


def migration_entry_wait(vmf: Fault) -> Code:
    """The page is being moved: wait until it is there, and fault again (mm/migrate.c)."""
    yield
    if pte_same(vmf.pte, vmf.orig):
        raise Blocked(f"the migration of {vmf.orig.migrating}")
    return False


def do_numa_page(k: Kernel, vmf: Fault) -> Code:
    """An access that NUMA balancing wanted to know of: the page moves to that CPU's node, or stays.

    Either way its entry is as before.  A page that moves is unmapped on the way, and mapped by
    remove_migration_pte.
    """
    yield
    pte_lock(vmf.pte.mm)
    folio = vmf.orig.folio
    same = still(k, mutants.NO_PTE_SAME_IN_NUMA, pte_same(vmf.pte, vmf.orig))
    if same and folio is not None and k.choose(2) and folio_isolate_lru(k, folio):
        k.say(f"{folio} is on another node than this CPU: it is to move")
        pte_unlock(vmf.pte.mm)
        yield
        yield from migrate_isolated(k, vmf.cpu, folio)
        yield
        pte_lock(vmf.pte.mm)
        same = pte_same(vmf.pte, vmf.orig)
    if same:
        set_pte(vmf.pte, make_accessible(k, vmf.pte.vma, vmf.orig))
    pte_unlock(vmf.pte.mm)
    return False


def do_anonymous_page(k: Kernel, vmf: Fault) -> Code:
    """The first touch: reads share the zero page, a write gets a page of its own, exclusive at once."""
    yield
    pte_lock(vmf.pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_ANONYMOUS, pte_same(vmf.pte, vmf.orig)):
        pte_unlock(vmf.pte.mm)
        return False
    if vmf.write:
        folio = alloc_folio(k)
        folio_add_new_anon_rmap(k, folio, vmf.pte)
        folio_add_lru(k, folio, vmf.cpu)
        set_pte(vmf.pte, pte_mkwrite(k, mk_pte(folio)) if vmf.pte.vma.write else mk_pte(folio))
    else:
        set_pte(vmf.pte, mk_pte(k.zero_page))
    pte_unlock(vmf.pte.mm)
    return False


# -- write-protect faults --------------------------------------------------------------------------


def do_wp_page(k: Kernel, vmf: Fault) -> Code:
    """A write (or an unshare request) meets a read-only page; the page-table lock is held on entry.

    A write that userfaultfd wants to know of waits.  A page that is exclusive is reused in place.  Otherwise
    it may become so if nobody else refers to it (09854ba94c6a, v5.9), or it is copied.  The zero page is
    unshared since 84209e87c696 (v6.2).
    """
    if vmf.write and userfaultfd_pte_wp(vmf.pte.vma, vmf.orig):
        pte_unlock(vmf.pte.mm)
        return (yield from handle_userfault(k, vmf))
    if vmf.write:
        flush_write_protection(k, vmf.pte)
    folio = vmf.orig.folio
    if folio is None:
        raise Crash("BUG: write-protect fault on an entry without a page")
    if folio is k.zero_page:
        if vmf.unshare and not k.has(changes.LONGTERM_UNSHARES_ALL):
            pte_unlock(vmf.pte.mm)
            return False
        return (yield from wp_page_copy(k, vmf))
    if folio.anon_exclusive:
        k.say(f"{folio} is exclusive (PG_anon_exclusive), so it is reused")
        wp_page_reuse(k, vmf)
        return vmf.write
    if not k.has(changes.WP_REUSE_BY_REFCOUNT):
        return (yield from wp_by_mapcount(k, vmf, folio))
    if wp_can_reuse(k, vmf, folio):
        wp_page_reuse(k, vmf)
        return vmf.write
    return (yield from wp_page_copy(k, vmf))


def flush_write_protection(k: Kernel, pte: Pte) -> None:
    """userfaultfd changes entries as a reader of mmap_lock, and flushes later (6ce64428d620, v5.12).

    Until then another CPU may still write to the page, so nobody may copy it.
    """
    if pte.vma.uffd_wp and pte.mm.tlb_flush_pending and k.has(changes.UFFD_WP_FLUSHES):
        flush_tlb_page(k, pte)


def wp_by_mapcount(k: Kernel, vmf: Fault, folio: Folio) -> Code:
    """v5.7: reuse a page that only one pte or slot refers to; it may sleep for the folio lock."""
    if folio.ksm and (folio.swapcache or folio_ref_count(folio) != 1):
        return (yield from wp_page_copy(k, vmf))
    if not folio_trylock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_WP_BY_MAPCOUNT)):
        folio_get(k, folio)
        pte_unlock(vmf.pte.mm)
        yield
        folio_lock(folio)
        pte_lock(vmf.pte.mm)
        if not still(k, mutants.NO_PTE_SAME_IN_WP_SLEEP, pte_same(vmf.pte, vmf.orig)):
            folio_unlock(folio)
            pte_unlock(vmf.pte.mm)
            folio_put(k, folio)
            return False
        folio_put(k, folio)
    reuse = reuse_ksm_page(vmf, folio) if folio.ksm else swapfile.reuse_swap_page(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_WP_BY_MAPCOUNT))
    if reuse:
        wp_page_reuse(k, vmf)
        return vmf.write
    return (yield from wp_page_copy(k, vmf))


def reuse_ksm_page(vmf: Fault, folio: Folio) -> bool:
    """v5.7: the last user of a KSM page takes it over (mm/ksm.c)."""
    if folio.swapcache or folio_ref_count(folio) != 1:
        return False
    folio.ksm = False
    folio.index = vmf.pte.page + 1
    return True


def wp_can_reuse(k: Kernel, vmf: Fault, folio: Folio) -> bool:
    """Whether a page that is not known to be exclusive may become so, judged by its references.

    v5.9: exactly one reference (09854ba94c6a).  v5.18: references of the swap cache and of this CPU's LRU-add
    batch are dropped first (53a05ad9f21d, d4c470970d45).  v7.3: that batch is drained only where it can help
    (wp-drains-if-useful).
    Never waits: the page-table lock is held.
    """
    if folio.ksm:
        k.say(f"{folio} is a KSM page, so it is copied")
        return False
    if k.has(changes.WP_REUSE_FROM_SWAP_CACHE):
        most = 1 + (not folio.lru) + folio.swapcache if k.has(changes.WP_DRAINS_IF_USEFUL) else 3
        if folio_ref_count(folio) > most:
            return explain_copy(k, folio)
        if k.has(changes.WP_DRAINS_LRU) and not folio.lru:
            lru_add_drain(k, vmf.cpu)
        if folio_ref_count(folio) > 1 + folio.swapcache:
            return explain_copy(k, folio)
    elif folio_ref_count(folio) != 1:
        return explain_copy(k, folio)
    if not folio_trylock(folio, unless=k.has(mutants.NO_TRYLOCK_IN_WP_REUSE)):
        k.say(f"{folio} is locked by somebody else, so it is copied")
        return False
    if k.has(changes.WP_REUSE_FROM_SWAP_CACHE) and folio.swapcache:
        swapfile.folio_free_swap(k, folio)
    alone = folio_ref_count(folio) == 1 and folio.mapcount == 1
    reuse = still(k, mutants.NO_RECOUNT_IN_WP_REUSE, alone)
    if reuse:
        folio_move_anon_rmap(k, folio)
        k.say(f"this pte holds the only reference to {folio}, so it is reused")
    else:
        explain_copy(k, folio)
    folio_unlock(folio, unless=k.has(mutants.NO_TRYLOCK_IN_WP_REUSE))
    return reuse


def explain_copy(k: Kernel, folio: Folio) -> bool:
    """Say why a page is copied; always False."""
    cached = " (one is the swap cache)" if folio.swapcache else ""
    k.say(f"{folio} is not known to be exclusive and has {folio_ref_count(folio)} references{cached}: copied")
    return False


def wp_page_reuse(k: Kernel, vmf: Fault) -> None:
    """Let the page be written in place; an unshare request leaves it read-only.  Drops the lock."""
    if vmf.write:
        set_pte(vmf.pte, maybe_mkwrite(k, vmf.orig, vmf.pte.vma))
    pte_unlock(vmf.pte.mm)


def wp_page_copy(k: Kernel, vmf: Fault) -> Code:
    """Give the faulting process a copy of its own; the old page is only held by a reference meanwhile.

    The copy is made without a lock, so whoever writes to the old page through another reference writes
    before it or after it, and after it goes unnoticed here.  The slot of the old page is given back since
    f4c4a3f48480 (v5.14).
    """
    old = vmf.orig.folio
    if old is None:
        raise Crash("BUG: a page is copied that is not there")
    folio_get(k, old)
    pte_unlock(vmf.pte.mm)
    new = alloc_folio(k)
    new.data = old.data
    yield
    pte_lock(vmf.pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_WP_COPY, pte_same(vmf.pte, vmf.orig)):
        pte_unlock(vmf.pte.mm)
        folio_put(k, new)
        folio_put(k, old)
        return False
    install_copy(k, vmf, old, new)
    pte_unlock(vmf.pte.mm)
    if k.has(changes.FREE_SWAP_CACHE_AFTER_COPY) and old is not k.zero_page:
        free_swap_cache(k, old)
    folio_put(k, old)
    return vmf.write


def install_copy(k: Kernel, vmf: Fault, old: Folio, new: Folio) -> None:
    """Replace the old page by its copy in the page table (flush, map the new, unmap the old)."""
    flush_tlb_page(k, vmf.pte)
    folio_add_new_anon_rmap(k, new, vmf.pte)
    folio_add_lru(k, new, vmf.cpu)
    value = mk_pte(new)
    unshared = keep_tracking(value, vmf.orig)
    set_pte(vmf.pte, maybe_mkwrite(k, value, vmf.pte.vma) if vmf.write else unshared)
    if old is not k.zero_page:
        folio_remove_rmap(old)
        count_copy(k)
    folio_put(k, old)


# -- swap-in ---------------------------------------------------------------------------------------


class SwapIn(NamedTuple):
    """What a swap-in has in hand: the page to map, its slot, and the page that the swap cache had for it."""

    folio: Folio
    slot: Slot
    swapcache: Folio | None  # None: the slot was read past the swap cache

    @property
    def cached(self) -> bool:
        """Whether the page came through the swap cache itself, and is not a fresh copy."""
        return self.swapcache is self.folio


def do_swap_page(k: Kernel, vmf: Fault) -> Code:
    """Bring a swapped-out page back in, and decide whether this process may write to it.

    Exclusivity: 1493a1913e34 (v5.19); by refcount: c145e0b47c77 (v5.18); by counting ptes: before.  What the
    swap cache had is compared again under its lock (4969c1192d15, v2.6.36), and this CPU's LRU-add batch is
    drained before references are counted (d4c470970d45, v5.18).
    """
    slot = vmf.orig.slot
    if slot is None:
        raise Crash("BUG: a swap pte without a slot")
    if k.swapoff_runs:
        yield  # the entry was read without a lock
    if not swapfile.get_swap_device(k, slot):
        return False
    got = yield from swapin_folio(k, vmf, slot)
    if got is None:
        swapfile.put_swap_device(k, slot)
        return False
    yield
    folio_lock(got.folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPIN))
    if got.cached and k.has(changes.SWAPIN_RECHECKS_ENTRY) and not still_cached(got):
        return back_out(k, got)
    got = got._replace(folio=ksm_might_need_to_copy(k, vmf.pte, got.folio))
    if counts_references(k) and vmf.write and got.cached and not (got.folio.ksm or got.folio.lru):
        lru_add_drain(k, vmf.cpu)
    yield
    pte_lock(vmf.pte.mm)
    if not still(k, mutants.NO_PTE_SAME_IN_SWAPIN, pte_same(vmf.pte, vmf.orig)):
        pte_unlock(vmf.pte.mm)
        return back_out(k, got)
    mapped = map_swapped_in(k, vmf, got)
    folio_unlock(got.folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPIN))
    drop_swap_cache_page(k, got)
    wrote = vmf.write
    if vmf.write and not mapped.dirty:
        yield  # the page-table lock stays held, the folio lock does not
        wrote = yield from do_wp_page(k, vmf._replace(orig=mapped))
    else:
        pte_unlock(vmf.pte.mm)
    finish_swapin(k, got)
    return wrote


def counts_references(k: Kernel) -> bool:
    """Whether do_swap_page drains this CPU's LRU-add batch and counts: v5.18 (d4c470970d45) to v7.2.

    No longer since swapin-without-drain.
    """
    return k.has(changes.WP_DRAINS_LRU) and not k.has(changes.SWAPIN_WITHOUT_DRAIN)


def still_cached(got: SwapIn) -> bool:
    """Whether the folio still is in the swap cache for this slot (4969c1192d15, v2.6.36)."""
    return got.folio.swapcache and got.folio.entry is got.slot


def drop_swap_cache_page(k: Kernel, got: SwapIn) -> None:
    """Where a copy was mapped, the page in the swap cache was held locked until now."""
    if got.swapcache is not None and not got.cached:
        folio_unlock(got.swapcache)
        folio_put(k, got.swapcache)


def back_out(k: Kernel, got: SwapIn) -> bool:
    """Somebody else resolved the fault, or the page is not what was looked up: drop everything.

    Since f1879e8a0c60 (v7.0) a slot that no pte needs any more goes at once.
    """
    if k.has(changes.BACK_OUT_FREES_SWAP):
        swapfile.folio_free_swap(k, got.folio)
    folio_unlock(got.folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_SWAPIN))
    folio_put(k, got.folio)
    drop_swap_cache_page(k, got)
    finish_swapin(k, got)
    return False


def finish_swapin(k: Kernel, got: SwapIn) -> None:
    """Let go of the slot that a read past the swap cache marked (13ddaf26be32, v6.8), and of the device."""
    if got.swapcache is None and k.has(changes.BYPASS_TAKES_SLOT):
        swapfile.swapcache_free(k, got.slot)
    swapfile.put_swap_device(k, got.slot)


def swapin_folio(k: Kernel, vmf: Fault, slot: Slot) -> Code:
    """The page for a slot with a reference, from the swap cache or from the device; None: fault again.

    A synchronous device is read past the swap cache where this pte is the slot's only user
    (0bcac06f27d7, v4.15, until f1879e8a0c60, v7.0); the page is private then.
    """
    folio = lookup_swap_cache(k, slot)
    if folio is None and may_bypass(k, slot):
        folio = yield from swapin_bypass(k, vmf, slot)
        return SwapIn(folio, slot, swapcache=None)
    if folio is None:
        folio = yield from swapin_readahead(k, vmf.cpu, slot)
    return None if folio is None else SwapIn(folio, slot, swapcache=folio)


def may_bypass(k: Kernel, slot: Slot) -> bool:
    """Whether the slot may be read past the swap cache; not since f1879e8a0c60 (v7.0).

    SWAP_HAS_CACHE does not count as a user.
    """
    return k.synchronous(slot.device) and slot.count == 1 and not k.has(changes.NO_BYPASS)


def swapin_bypass(k: Kernel, vmf: Fault, slot: Slot) -> Code:
    """Read a slot into a page that no one else can find.

    Since v6.8 the slot is marked meanwhile (swapcache_prepare, 13ddaf26be32), so that it can be neither read
    nor freed and reused by others.
    """
    if k.has(changes.BYPASS_TAKES_SLOT):
        if slot.has_cache:
            raise Blocked(f"the swap cache entry of {slot}")
        slot.has_cache = True
    folio = alloc_folio(k)
    folio_lock(folio)
    folio_add_lru(k, folio, vmf.cpu)
    yield
    swap_readpage(k, folio, slot)
    return folio


def map_swapped_in(k: Kernel, vmf: Fault, got: SwapIn) -> PteValue:
    """Map the page in place of the swap pte; returns the new entry.  Locks held: folio, page table.

    The slot is given back first from c145e0b47c77 (v5.18) until 4b34f1d82c65 (v7.0).
    """
    if not k.has(changes.SWAPIN_REUSE_BY_REFCOUNT):
        return map_by_mapcount(k, vmf, got)
    folio = got.folio
    if folio.anon_exclusive:
        raise Crash(f"BUG_ON: {folio} is reached through a swap pte and PG_anon_exclusive")
    exclusive = swapin_exclusive(k, vmf, got)
    if k.has(changes.MAP_THEN_FREE_SWAP):
        return map_then_free_swap(k, vmf, got, exclusive)
    swapfile.swap_free(k, got.slot)
    if should_try_to_free_swap(k, vmf, got, exclusive):
        swapfile.folio_free_swap(k, folio)
    exclusive = map_exclusive(k, got, exclusive)
    value = swapped_in_pte(k, vmf, folio, exclusive)
    add_rmap_of_swapped_in(k, vmf, got, exclusive)
    set_pte(vmf.pte, value)
    return value


def add_rmap_of_swapped_in(k: Kernel, vmf: Fault, got: SwapIn, exclusive: bool) -> None:
    """A copy that KSM asked for is a new page, with a place in this CPU's LRU-add batch."""
    if got.swapcache is not None and not got.cached:
        folio_add_new_anon_rmap(k, got.folio, vmf.pte)
        folio_add_lru(k, got.folio, vmf.cpu)
    else:
        folio_add_anon_rmap(k, got.folio, vmf.pte, exclusive)


def map_then_free_swap(k: Kernel, vmf: Fault, got: SwapIn, exclusive: bool) -> PteValue:
    """v7.0: only the marker makes a page exclusive, and its slot is given back after it is mapped.

    Until v7.3 the code still asks for a single reference, too, which a page in the swap cache never has here.
    """
    value = swapped_in_pte(k, vmf, got.folio, exclusive)
    add_rmap_of_swapped_in(k, vmf, got, exclusive)
    swapfile.swap_free(k, got.slot)
    set_pte(vmf.pte, value)
    if should_try_to_free_swap(k, vmf, got, exclusive):
        swapfile.folio_free_swap(k, got.folio)
    return value


def swapped_in_pte(k: Kernel, vmf: Fault, folio: Folio, exclusive: bool) -> PteValue:
    """The new entry; an exclusive page is writable for a write.

    Since v6.11 for a read too (c18160dba5ff), where the first write need not be noted (108f15002862).
    """
    value, vma = keep_tracking(mk_pte(folio), vmf.orig), vmf.pte.vma
    if not exclusive:
        return value
    written = keep_tracking(maybe_mkwrite(k, value, vma), vmf.orig)
    if not k.has(changes.READ_MAPS_WRITABLE):
        return written if vmf.write else value
    if pte_needs_soft_dirty_wp(k, vma, value) or userfaultfd_pte_wp(vma, value):
        return value
    return written if vmf.write else value._replace(write=vma.write)


def swapin_exclusive(k: Kernel, vmf: Fault, got: SwapIn) -> bool:
    """The founding patch's decision, H4 of 1493a1913e34 (v5.19): does the page belong to this process only?

    A marked swap pte says so, and so does a page that was read past the swap cache.  A page under writeback
    to a device with stable writes must not be written to, so it is not taken for exclusive.  (The posted
    patch had that test inverted.)
    """
    if got.folio.ksm:
        k.say(f"{got.folio} is a KSM page: shared")
        return False
    exclusive = k.has(changes.SWAPIN_TRUSTS_MARKER) and pte_swp_exclusive(vmf.orig)
    if not got.cached:
        return k.has(changes.SWAPIN_FRESH_IS_EXCLUSIVE) or exclusive
    if exclusive and got.folio.writeback and k.has(changes.STABLE_WRITES_DROP_EXCLUSIVE):
        stable = k.stable_writes(got.slot.device)
        if stable != k.has(changes.AS_POSTED):
            k.say("under writeback, and the device wants stable pages: not taken for exclusive")
            return False
        if stable:
            k.say("as posted, the test is inverted: the page stays exclusive although the device reads it")
    return exclusive


def map_exclusive(k: Kernel, got: SwapIn, exclusive: bool) -> bool:
    """Whether to map the page as this process's own: it is marked so, or nobody else has a reference.

    By the marker: H4 of 1493a1913e34 (v5.19).
    """
    if got.folio.ksm:
        return False
    if not k.has(changes.MAP_BY_EXCLUSIVE):
        exclusive = not got.cached
    if exclusive:
        k.say(f"{got.folio} is exclusive to this process")
    elif folio_ref_count(got.folio) == 1:
        k.say(f"nobody else has a reference to {got.folio}: it is exclusive")
    else:
        k.say(f"{got.folio} has {folio_ref_count(got.folio)} references and no marker: mapped as shared")
    return exclusive or folio_ref_count(got.folio) == 1


def should_try_to_free_swap(k: Kernel, vmf: Fault, got: SwapIn, exclusive: bool) -> bool:
    """Whether to give the slot back now, if no pte needs it.

    For a write, because that may let it reuse the page: if there are no references but ours and the swap
    cache's, since v7.3 if the page is exclusive (exclusive-frees-swap).  On a synchronous device always
    (ab08be8dc96a, v7.0).
    """
    if not got.cached or not got.folio.swapcache:
        return False
    if k.synchronous(got.slot.device) and k.has(changes.SYNC_FREES_SWAP):
        return True
    if k.has(changes.EXCLUSIVE_FREES_SWAP):
        return vmf.write and exclusive
    return vmf.write and not got.folio.ksm and folio_ref_count(got.folio) == 2


def map_by_mapcount(k: Kernel, vmf: Fault, got: SwapIn) -> PteValue:
    """v5.17 and before: a write may reuse the page if one pte or slot refers to it (reuse_swap_page)."""
    value = mk_pte(got.folio)
    if vmf.write and swapfile.reuse_swap_page(k, got.folio):
        value = maybe_mkwrite(k, value, vmf.pte.vma)
    value = keep_tracking(value, vmf.orig)
    add_rmap_of_swapped_in(k, vmf, got, exclusive=False)
    set_pte(vmf.pte, value)
    swapfile.swap_free(k, got.slot)
    return value
