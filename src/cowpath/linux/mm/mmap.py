# SPDX-License-Identifier: MIT
"""mm/mmap.c: memory is unmapped by munmap or at the end of its process."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.history import mutants

from ..include.mmap_lock import (
    mmap_read_lock,
    mmap_read_unlock,
    mmap_write_lock,
    mmap_write_unlock,
    vma_end_write_all,
    vma_start_write,
)
from ..state import Kernel, Mm, Pte
from .memory import zap_pte_range
from .swap import lru_add_drain


def munmap(k: Kernel, cpu: int, ptes: tuple[Pte, ...]) -> Code:
    """Remove a mapping and then zap its entries; other threads are kept away only from the first part."""
    mm = ptes[0].mm
    mmap_write_lock(mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_MUNMAP))
    for pte in ptes:
        vma_start_write(pte.vma, unless=k.has(mutants.NO_VMA_LOCK_IN_MUNMAP))
        pte.vma.mapped = False
    lru_add_drain(k, cpu)
    vma_end_write_all(k, mm)
    mmap_write_unlock(mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_MUNMAP))
    mmap_read_lock(mm)
    yield
    yield from zap_pte_range(k, ptes)
    mmap_read_unlock(mm)


def exit_mmap(k: Kernel, cpu: int, mm: Mm) -> Code:
    """Zap all entries of a process that ends, one by one."""
    lru_add_drain(k, cpu)
    area = 0
    while area < len(k.program.areas):
        yield from zap_pte_range(k, k.area(mm, area))
        yield
        area += 1
    mm.alive = False
