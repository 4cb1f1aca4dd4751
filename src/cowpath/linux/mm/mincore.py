# SPDX-License-Identifier: MIT
"""mm/mincore.c: mincore(2) tells whether a page is in memory."""

from __future__ import annotations

from cowpath.explore.record.step import Blocked
from cowpath.litmus.ast import NO, YES

from ..include.pgtable import PteValue, ptep_get
from ..state import Kernel, Pte, Register


def mincore(k: Kernel, pte: Pte, register: Register) -> None:
    """Tell whether a page is in memory: YES if an access to it would need no I/O.

    The kernel holds mmap_lock for reading and the page-table lock meanwhile, so this is one step.  Where
    nothing is mapped the call fails (ENOMEM), and the register keeps what it held.
    """
    if pte.mm.mmap_writer or pte.mm.ptl:
        raise Blocked(f"the locks of {pte.mm}")
    if pte.vma.mapped:
        register.value[0] = k.content(YES if mincore_pte_range(k, ptep_get(pte)) else NO)


def mincore_pte_range(k: Kernel, value: PteValue) -> bool:
    """Tell whether the page of one entry is in memory.

    It is if it is mapped or being migrated; it is not if it was never touched.
    """
    if value.kind == "swap":
        return mincore_swap(k, value)
    return value.kind != "none"


def mincore_swap(k: Kernel, value: PteValue) -> bool:
    """Tell whether a swapped-out page is in memory: the swap cache holds it, and it has been read."""
    folio = value.slot.folio if value.slot else None
    if folio is None:
        return False
    k.say(f"{folio} is in the swap cache of {value.slot}")
    return folio.uptodate
