# SPDX-License-Identifier: MIT
"""mm/huge_memory.c and include/linux/huge_mm.h: a large folio that becomes several small ones."""

from __future__ import annotations

from cowpath.history import changes

from ..include.pgtable import mk_pte, ptep_get, set_pte
from ..state import Folio, Kernel
from .page_io import is_folio_zero_filled
from .rmap import rmap_walk
from .swap import __folio_put, folio_alloc, folio_get, folio_put, folio_ref_count
from .swap_state import free_swap_cache


def can_split_folio(k: Kernel, folio: Folio) -> bool:
    """True where only mappings, the swap cache and the caller refer to a large folio.

    Any other reference could not tell which page it is for.
    """
    expected = 1 + folio.mapcount + (len(folio.pages) if folio.swapcache else 0)
    if folio_ref_count(folio) == expected:
        return True
    k.say(
        f"others refer to {folio} ({folio_ref_count(folio) - expected}), so it can be neither split nor moved"
    )
    return False


def split_folio(k: Kernel, folio: Folio, isolated: bool = False) -> tuple[Folio, ...]:
    """Split a large folio, locked and referred to by the caller, into folios of one page; return those.

    The tuple is empty if it cannot be split, as while it is being written to swap.  The caller's lock and
    reference go with the large folio; if it was `isolated` from its LRU list, so is each of the new ones,
    with a reference.  A page that is not mapped is freed, unless a swap pte needs it.

    In the kernel every pte is a migration entry meanwhile, and whoever meets one waits; here it is one step.
    The new folios are other records than the old one, with its content.
    """
    if folio.writeback or not can_split_folio(k, folio):
        return ()
    k.say(f"{folio} is split")
    wanted = [page.mapcount > 0 or _in_swap(folio, number) for number, page in enumerate(folio.pages)]
    small = tuple(_small_folio(k, folio, number) if wanted[number] else None for number in range(len(wanted)))
    for ptes in rmap_walk(k, folio):
        for pte in ptes:
            value = ptep_get(pte)
            new = small[value.subpage]
            if value.folio is folio and new is not None:
                set_pte(pte, value._replace(folio=new, subpage=0))
    _forget(k, folio)
    for new in small:
        if new is not None:
            try_to_map_unused_to_zeropage(k, new)
            free_swap_cache(k, new)
            _keep(k, new, isolated)
    return tuple(new for new in small if new is not None)


def _in_swap(folio: Folio, number: int) -> bool:
    """True where a swap pte needs a page of a folio that is in the swap cache."""
    return folio.swapcache and folio.slots[number].count > 0


def _small_folio(k: Kernel, folio: Folio, number: int) -> Folio:
    """Return a new folio in place of a page of a large folio, with one reference of the caller's more."""
    page, small = folio.pages[number], folio_alloc(k)
    small.data = page.data
    small.refcount = page.mapcount + 1
    small.mapcount = page.mapcount
    small.anon_exclusive = page.anon_exclusive
    small.dirty, small.lazyfree, small.uptodate = folio.dirty, folio.lazyfree, folio.uptodate
    small.index = folio.index + number
    if folio.swapcache:
        slot = folio.slots[number]
        small.swapcache, small.entry, slot.folio = True, slot, small
        folio_get(k, small)
    return small


def _keep(k: Kernel, small: Folio, isolated: bool) -> None:
    """Leave a new folio on the LRU list, or isolated from it with the reference that it has for that."""
    small.lru = not isolated
    if not isolated:
        folio_put(k, small)


def try_to_map_unused_to_zeropage(k: Kernel, small: Folio) -> None:
    """Map the zero page in place of a page of zeros that a split has made (b1f202060afe, v6.12).

    It saves the page, and the next write allocates a new one (mm/migrate.c).  What the entry says of writes
    stays since 9658d698a8a8 (v6.18): before, it was neither soft-dirty nor marked by userfaultfd.
    """
    if not k.has(changes.SPLIT_MAPS_ZEROPAGE) or not is_folio_zero_filled(k, small):
        return
    k.say(f"{small} is all zeros: the zero page is mapped in its place")
    for ptes in rmap_walk(k, small):
        for pte in ptes:
            if pte.folio is small:
                zero = mk_pte(k.zero_page)
                set_pte(pte, zero.tracking(ptep_get(pte)) if k.has(changes.ZEROPAGE_KEEPS_BITS) else zero)
                small.mapcount = small.mapcount - 1
                folio_put(k, small)
    small.anon_exclusive = False


def _forget(k: Kernel, folio: Folio) -> None:
    """Free the record of the large folio, of which nothing is left."""
    for page in folio.pages:
        page.mapcount = 0
    for slot in folio.slots:
        if slot.folio is folio:  # of a page that is freed with the folio
            slot.folio, slot.has_cache = None, False
    folio.swapcache, folio.entry = False, None
    folio.owner0 = folio.owner1 = None
    folio.refcount = folio.mapcount = folio.owner0_mapcount = folio.owner1_mapcount = 0
    folio.locked = folio.shared = False
    __folio_put(k, folio)
