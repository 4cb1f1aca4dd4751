# SPDX-License-Identifier: MIT
"""mm/mmu_gather.c: TLBs are flushed after the page-table lock has been dropped.

Until the flush other CPUs may use what they remember of the entries. mm->tlb_flush_pending counts the threads
that have changed entries and not flushed yet, so that others know that an entry alone proves nothing.
"""

from __future__ import annotations

from cowpath.history import changes

from ..arch.tlb import flush_tlb_mm, flush_tlb_page
from ..state import Kernel, Mm, Pte


def tlb_gather_mmu(k: Kernel, mm: Mm) -> None:
    """Note in the process that entries are about to be changed and flushed later (inc_tlb_flush_pending)."""
    if k.has_tlb:
        mm.tlb_flush_pending = mm.tlb_flush_pending + 1


def tlb_finish_mmu(k: Kernel, mm: Mm, pte: Pte | None) -> None:
    """Flush the entry that has changed, if any; flush the whole process if others are gathering as well.

    Those may have changed an entry in which nothing was left to change here, and not flushed it yet
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
