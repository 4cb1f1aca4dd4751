# SPDX-License-Identifier: MIT
"""mm/mmu_gather.c: TLB flushes that come after the page-table lock is given up, and who knows of them.

Until the flush other CPUs may use what they remember of the entries.  mm->tlb_flush_pending counts those who
have changed entries and not flushed yet, for those who rely on what an entry says.
"""

from __future__ import annotations

from cowpath.history import changes

from ..arch.tlb import flush_tlb_mm, flush_tlb_page
from ..state import Kernel, Mm, Pte


def tlb_gather_mmu(k: Kernel, mm: Mm) -> None:
    """Entries are about to change (inc_tlb_flush_pending)."""
    if k.has_tlb:
        mm.tlb_flush_pending = mm.tlb_flush_pending + 1


def tlb_finish_mmu(k: Kernel, mm: Mm, pte: Pte | None) -> None:
    """Flush the entry that has changed, if any has; all of the process where others gather as well.

    They may have changed an entry that nothing was left to do about here, and not flushed it yet
    (99baac21e458, v4.13).
    """
    if not k.has_tlb:
        return
    if mm.tlb_flush_pending > 1 and k.has(changes.GATHERERS_FLUSH_ALL):
        k.say("others have changed entries and not flushed yet: all TLB entries of the process go")
        flush_tlb_mm(k, mm)
    elif pte is not None:
        flush_tlb_page(k, pte)
    mm.tlb_flush_pending = mm.tlb_flush_pending - 1
