# SPDX-License-Identifier: MIT
"""include/linux/mmap_lock.h and mm/mmap_lock.c: the locks of an address space and its VMAs."""

from __future__ import annotations

from cowpath.explore.record.step import Blocked
from cowpath.history import changes

from ..state import Kernel, Mm, Pte, Vma


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
