# SPDX-License-Identifier: MIT
"""mm/pagewalk.c: the kernel looks for the page at an address, without a fault."""

from __future__ import annotations

from cowpath.history import changes

from ..include.pgtable import pte_protnone, ptep_get
from ..state import Folio, Kernel, Pte


def folio_walk_start(k: Kernel, pte: Pte) -> Folio | None:
    """Return the page that an entry maps, whatever the mapping permits; None if it maps none.

    KSM and move_pages(2) find their pages so; until v6.12 the function was follow_page, in mm/gup.c.  From
    474098edac26 (v6.1) to d74943a2f3cd (v6.5) it found nothing where accesses fault, because of PROT_NONE or
    for NUMA balancing.
    """
    value = ptep_get(pte)
    if pte_protnone(pte.vma, value) and k.has(changes.FOLLOW_PAGE_HEEDS_PROTNONE):
        k.say(f"{pte} is inaccessible, so follow_page finds nothing (474098edac26)")
        return None
    return value.folio
