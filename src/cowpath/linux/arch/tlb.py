# SPDX-License-Identifier: MIT
"""arch/x86/mm/tlb.c and arch/x86/include/asm/tlbflush.h, as an example: TLB flushes.

Only with `option = tlb` is there anything to flush: without it each flush comes at once, as if there were no
TLB.  How a CPU uses its TLB is in hardware.py.
"""

from __future__ import annotations

from ..state import Folio, Kernel, Mm, Pte, Tlb


def flush_tlb_page(k: Kernel, pte: Pte) -> None:
    """Make every CPU forget what it remembers of this entry."""
    if k.has_tlb:
        for task in k.tasks:
            if k.mm(task) is pte.mm:
                _forget(k.tlb(task.number, pte))


def flush_tlb_mm(k: Kernel, mm: Mm) -> None:
    """Make every CPU forget what it remembers of any entry of a process."""
    for page in range(len(k.program.pages)):
        flush_tlb_page(k, k.pte(mm, page))


def arch_tlbbatch_flush(k: Kernel, folio: Folio) -> None:
    """Make every CPU forget any entry that leads to a folio."""
    for entry in k.tlbs:
        if entry.folio is folio:
            _forget(entry)


def _forget(entry: Tlb) -> None:
    """Empty one TLB entry."""
    entry.folio = None
    entry.write = entry.dirty = False
