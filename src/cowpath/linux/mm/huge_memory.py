# SPDX-License-Identifier: MIT
"""mm/huge_memory.c and include/linux/huge_mm.h: a large folio that becomes several small ones."""

from __future__ import annotations

from ..include.pgtable import ptep_get, set_pte
from ..state import Folio, Kernel, MappedPage
from .rmap import rmap_walk
from .swap import __folio_put, folio_alloc, folio_ref_count


def split_folio(k: Kernel, folio: Folio) -> bool:
    """Split a large folio, locked by the caller, into folios of one page; False if it cannot be split.

    It cannot where anything but its mappings refers to it: a reference could not tell which page it is for.

    In the kernel every pte is a migration entry meanwhile, and whoever meets one waits; here it is one step.
    The new folios are other records than the old one, with its content.
    """
    if folio_ref_count(folio) != folio.mapcount:
        k.say(f"others refer to {folio}, so it cannot be split")
        return False
    k.say(f"{folio} is split")
    small = tuple(_small_folio(k, folio, page) if page.mapcount else None for page in folio.pages)
    for ptes in rmap_walk(k, folio):
        for pte in ptes:
            value = ptep_get(pte)
            if value.folio is folio:
                set_pte(pte, value._replace(folio=small[value.subpage], subpage=0))
    _forget(k, folio)
    return True


def _small_folio(k: Kernel, folio: Folio, page: MappedPage) -> Folio:
    """Return a new folio of one page in place of a page of a large folio."""
    small = folio_alloc(k)
    small.data = page.data
    small.refcount = small.mapcount = page.mapcount
    small.anon_exclusive = page.anon_exclusive
    small.dirty, small.lru, small.lazyfree = folio.dirty, folio.lru, folio.lazyfree
    small.index = folio.index + folio.pages.index(page)
    return small


def _forget(k: Kernel, folio: Folio) -> None:
    """Free the record of the large folio, of which nothing is left."""
    for page in folio.pages:
        page.mapcount = 0
    folio.owner0 = folio.owner1 = None
    folio.refcount = folio.mapcount = folio.owner0_mapcount = folio.owner1_mapcount = 0
    folio.locked = folio.shared = False
    __folio_put(k, folio)
