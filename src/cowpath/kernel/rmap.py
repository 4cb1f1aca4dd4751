# SPDX-License-Identifier: MIT
"""mm/rmap.c: who maps a folio, whether it is exclusive, and taking its ptes away for reclaim."""

from __future__ import annotations

from cowpath.explore.step import Crash
from cowpath.kernel import changes, mutants, swapfile
from cowpath.kernel.mutants import still
from cowpath.kernel.pgtable import (
    PTE_NONE,
    pte_lock,
    pte_swp_mkexclusive,
    pte_unlock,
    ptep_get,
    set_pte,
    swp_entry_to_pte,
)
from cowpath.kernel.state import Folio, Kernel, Pte
from cowpath.kernel.swap import folio_put, folio_ref_count


def folio_add_new_anon_rmap(k: Kernel, folio: Folio, pte: Pte) -> None:
    """The first mapping of a new page.  It is exclusive by construction (6c287605fd56, v5.19)."""
    folio.mapcount = 1
    folio.index = pte.page + 1
    folio.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_add_anon_rmap(k: Kernel, folio: Folio, pte: Pte, exclusive: bool) -> None:
    """One more mapping of an anonymous page; RMAP_EXCLUSIVE sets PG_anon_exclusive (6c287605fd56, v5.19)."""
    folio.mapcount = folio.mapcount + 1
    if folio.index == 0:
        folio.index = pte.page + 1
    if exclusive and k.has(changes.ANON_EXCLUSIVE):
        if folio.mapcount > 1 and k.debug_vm:
            raise Crash(f"VM_BUG_ON_PAGE: {folio} becomes exclusive with {folio.mapcount} mappings")
        folio.anon_exclusive = True


def folio_move_anon_rmap(k: Kernel, folio: Folio) -> None:
    """A write fault found the page to be its own; remember it (6c287605fd56, v5.19)."""
    folio.anon_exclusive = k.has(changes.ANON_EXCLUSIVE)


def folio_remove_rmap(folio: Folio) -> None:
    """One mapping less."""
    if folio.mapcount == 0:
        raise Crash(f"VM_BUG_ON_FOLIO: a mapping of {folio} is removed twice")
    folio.mapcount = folio.mapcount - 1


def folio_maybe_dma_pinned(folio: Folio) -> bool:
    """Whether somebody may hold a FOLL_PIN (include/linux/mm.h).  FOLL_GET does not show here."""
    return folio.pincount > 0


def folio_try_share_anon_rmap(k: Kernel, folio: Folio) -> bool:
    """Give up exclusivity, unless the page may be pinned (page_try_share_anon_rmap, 6c287605fd56, v5.19)."""
    if folio_maybe_dma_pinned(folio) and not k.has(mutants.NO_PIN_CHECK_IN_UNMAP):
        k.say(f"{folio} may be pinned (FOLL_PIN), so it stays mapped")
        return False
    folio.anon_exclusive = False
    return True


def ptes_mapping(k: Kernel, folio: Folio) -> tuple[Pte, ...]:
    """Where the reverse map looks: the same page of every process."""
    index = folio.index
    return tuple(k.pte(mm, index - 1) for mm in k.mms) if index else ()


def try_to_unmap_one(k: Kernel, folio: Folio, pte: Pte) -> bool:
    """Replace one present pte of a folio in the swap cache by a swap pte; False where it must stay.

    One step, as the page-table lock covers it.  FOLL_GET references do not stop it.  H5 of the founding
    patch is here: the swap pte remembers that the page was exclusive (1493a1913e34, v5.19).
    """
    pte_lock(pte.mm)
    value = ptep_get(pte)
    if not value.present or not still(k, mutants.NO_RECHECK_IN_UNMAP, value.folio is folio):
        pte_unlock(pte.mm)
        return True
    slot = folio.entry
    if slot is None:
        raise Crash(f"BUG_ON: {folio} is unmapped for reclaim outside the swap cache")
    set_pte(pte, PTE_NONE)
    if value.dirty:
        folio.dirty = True
    swapfile.swap_duplicate(slot)
    was_exclusive = folio.anon_exclusive
    if was_exclusive and not folio_try_share_anon_rmap(k, folio):
        swapfile.swap_free(k, slot)
        set_pte(pte, value)
        pte_unlock(pte.mm)
        return False
    pte.mm.on_mmlist = True
    entry = swp_entry_to_pte(slot)
    if (was_exclusive and k.has(changes.UNMAP_SETS_MARKER)) or k.has(changes.UNMAP_ALWAYS_MARKS):
        entry = pte_swp_mkexclusive(k, entry)
    explain_unmap(k, folio, was_exclusive, entry.exclusive)
    set_pte(pte, entry)
    folio_remove_rmap(folio)
    folio_put(k, folio)
    pte_unlock(pte.mm)
    return True


def explain_unmap(k: Kernel, folio: Folio, was_exclusive: bool, marked: bool) -> None:
    """Say what the unmap keeps and what it forgets."""
    others = folio_ref_count(folio) - 3  # besides the mapping, the swap cache and whoever isolated it
    if others > 0:
        k.say(f"{others} other reference(s) to {folio} do not stop the unmap: only FOLL_PIN does")
    if was_exclusive and marked:
        k.say("the page was exclusive, and the swap pte remembers it (1493a1913e34)")
    elif was_exclusive:
        k.say("the page was exclusive, and the swap pte cannot tell")
