# SPDX-License-Identifier: MIT
"""arch/*/mm: how the CPU turns an address into a page, with `option = tlb` through a TLB per thread.

A TLB entry may be used until it is flushed, whatever its pte says meanwhile, or be evicted at any moment.  A
write through an entry that is not dirty yet walks the page table, so that it finds out where the pte is gone.
Without the option there is no TLB, as if every flush came at once.
"""

from __future__ import annotations

from ..state import Folio, Kernel, Mm, Pte, Tlb


def translate(k: Kernel, cpu: int, pte: Pte, write: bool) -> Folio | None:
    """The page that an access goes to; None: the CPU raises a page fault."""
    if k.has_tlb:
        entry = k.tlb(cpu, pte)
        cached = entry.folio
        if cached is not None and (not write or entry.dirty):
            same = pte.folio is cached and (pte.write or not entry.write)
            if same or k.choose(2) == 0:
                explain_stale(k, pte, entry, same)
                return cached
    return walk(k, cpu, pte, write)


def walk(k: Kernel, cpu: int, pte: Pte, write: bool) -> Folio | None:
    """Through the page table, which notes that the page is written."""
    folio = pte.folio
    allowed = folio is not None and pte.vma.read and not pte.protnone and (pte.write or not write)
    if allowed and write:
        pte.dirty = True
    if k.has_tlb:
        entry = k.tlb(cpu, pte)
        entry.folio = folio if allowed else None
        entry.write = allowed and pte.write
        entry.dirty = allowed and pte.write and pte.dirty
    return folio if allowed else None


def explain_stale(k: Kernel, pte: Pte, entry: Tlb, same: bool) -> None:
    """Say where an access goes to a page that the page table does not give for it any more."""
    if not same:
        k.say(f"the TLB still leads {pte} to {entry.folio}: it has not been flushed")


def flush_tlb_page(k: Kernel, pte: Pte) -> None:
    """No CPU uses what it remembers of this entry any more."""
    if k.has_tlb:
        for task in k.tasks:
            if k.mm(task) is pte.mm:
                forget(k.tlb(task.number, pte))


def flush_tlb_mm(k: Kernel, mm: Mm) -> None:
    """The same for all entries of a process."""
    for page in range(len(k.program.pages)):
        flush_tlb_page(k, k.pte(mm, page))


def flush_tlb_folio(k: Kernel, folio: Folio) -> None:
    """Reclaim's deferred flush, before a page is written or freed (try_to_unmap_flush)."""
    for entry in k.tlbs:
        if entry.folio is folio:
            forget(entry)


def forget(entry: Tlb) -> None:
    """Drop one entry."""
    entry.folio = None
    entry.write = entry.dirty = False
