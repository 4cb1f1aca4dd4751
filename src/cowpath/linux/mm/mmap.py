# SPDX-License-Identifier: MIT
"""mm/mmap.c and include/linux/mmap_lock.h: the lock of an address space, munmap, exit."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants

from ..arch.tlb import flush_tlb_page
from ..include.pgtable import PTE_NONE, pte_lock, pte_unlock, ptep_get, set_pte
from ..state import Kernel, Mm, Pte, Vma
from .rmap import folio_remove_rmap
from .swap import folio_put, lru_add_drain
from .swap_state import free_swap_cache
from .swapfile import free_swap_and_cache


def mmap_read_lock(mm: Mm, unless: bool = False) -> None:
    """Readers exclude writers (mmap, munmap, fork), not each other; `unless`: do without (see mutants.py)."""
    if unless:
        return
    if mm.mmap_writer:
        raise Blocked(f"the mmap_lock of {mm}")
    mm.mmap_readers = mm.mmap_readers + 1


def mmap_read_unlock(mm: Mm, unless: bool = False) -> None:
    """The inverse of `mmap_read_lock`."""
    if not unless:
        mm.mmap_readers = mm.mmap_readers - 1


def mmap_write_lock(mm: Mm, unless: bool = False) -> None:
    """Excludes readers and writers."""
    if unless:
        return
    if mm.mmap_writer or mm.mmap_readers:
        raise Blocked(f"the mmap_lock of {mm}")
    mm.mmap_writer = True


def mmap_write_unlock(mm: Mm, unless: bool = False) -> None:
    """The inverse of `mmap_write_lock`."""
    if not unless:
        mm.mmap_writer = False


def mmap_write_downgrade(mm: Mm) -> None:
    """From writer to reader, with nobody else in between."""
    mmap_write_unlock(mm)
    mmap_read_lock(mm)


def vma_start_read(k: Kernel, pte: Pte) -> bool:
    """A fault takes only the lock of its VMA if it can (0bff0aaea03e, v6.4; on swap 1235ccd05b6d, v6.6).

    Only a CPU that has not flushed its TLB can tell, hence only with `option = tlb`.  Not where a userfaultfd
    listens; it may since 29a22b9e08d7 (v6.7), which lets go of the lock as of mmap_lock while it waits.
    """
    if not k.has_tlb or not k.has(changes.PER_VMA_LOCKS) or pte.vma.locked or pte.vma.uffd_wp:
        return False
    if pte.kind in ("swap", "migration") and not k.has(changes.SWAP_FAULTS_LOCK_VMA):
        return False
    pte.vma.lock_readers = pte.vma.lock_readers + 1
    return True


def vma_end_read(vma: Vma) -> None:
    """The inverse of `vma_start_read`."""
    vma.lock_readers = vma.lock_readers - 1


def vma_start_write(vma: Vma, unless: bool = False) -> None:
    """No fault runs in this VMA until `vma_end_write`; the caller holds mmap_lock for writing."""
    if unless:
        return
    if vma.lock_readers:
        raise Blocked(f"the lock of {vma}")
    if "tlb" in vma.layout.features:
        vma.locked = True


def vma_end_write_all(k: Kernel, mm: Mm) -> None:
    """With mmap_lock all VMA locks go."""
    if k.has_tlb:
        for page in range(len(k.program.pages)):
            k.pte(mm, page).vma.locked = False


def zap_pte(k: Kernel, pte: Pte) -> Code:
    """Remove one entry and what it refers to (zap_pte_range, mm/memory.c).

    The page's reference is dropped after the TLB flush, and an unmapped page in the swap cache gives its slot
    back on that occasion (free_pages_and_swap_cache).
    """
    detach_references(k, pte)
    pte_lock(pte.mm)
    value = ptep_get(pte)
    folio = value.folio
    set_pte(pte, PTE_NONE)
    flush_tlb_page(k, pte)
    if value.slot is not None:
        yield from free_swap_and_cache(k, value.slot)
    elif folio is not None and folio is not k.zero_page:
        folio_remove_rmap(folio)
        free_swap_cache(k, folio)
        folio_put(k, folio)
    pte_unlock(pte.mm)


def detach_references(k: Kernel, pte: Pte) -> None:
    """References taken at this address have nothing to be coherent with any more (invariant I5)."""
    for reference in k.references:
        if reference.coherent and reference.pte is pte:
            reference.coherent = False


def munmap(k: Kernel, cpu: int, pte: Pte) -> Code:
    """The mapping goes, then its entry; only the first part excludes other threads."""
    mmap_write_lock(pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_MUNMAP))
    vma_start_write(pte.vma, unless=k.has(mutants.NO_VMA_LOCK_IN_MUNMAP))
    pte.vma.mapped = False
    lru_add_drain(k, cpu)
    vma_end_write_all(k, pte.mm)
    mmap_write_unlock(pte.mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_MUNMAP))
    mmap_read_lock(pte.mm)
    yield
    yield from zap_pte(k, pte)
    mmap_read_unlock(pte.mm)


def exit_mmap(k: Kernel, cpu: int, mm: Mm) -> Code:
    """A process ends: all of its entries go, one by one."""
    lru_add_drain(k, cpu)
    page = 0
    while page < len(k.program.pages):
        yield from zap_pte(k, k.pte(mm, page))
        yield
        page += 1
    mm.alive = False
