# SPDX-License-Identifier: MIT
"""include/linux/mmap_lock.h and mm/mmap_lock.c: the locks of an address space and its VMAs."""

from __future__ import annotations

from cowpath.explore.record.step import Blocked
from cowpath.history import changes

from ..state import Kernel, Mm, Pte, Vma


def mmap_read_lock(mm: Mm, unless: bool = False) -> None:
    """Take mmap_lock for reading, beside other readers; `unless`: do without it (see mutants.py).

    Writers are mmap, munmap and fork, among others.
    """
    if unless:
        return
    if mm.mmap_writer:
        raise Blocked(f"the mmap_lock of {mm}")
    mm.mmap_readers = mm.mmap_readers + 1


def mmap_read_unlock(mm: Mm, unless: bool = False) -> None:
    """Release what `mmap_read_lock` took."""
    if not unless:
        mm.mmap_readers = mm.mmap_readers - 1


def mmap_write_lock(mm: Mm, unless: bool = False) -> None:
    """Take mmap_lock for writing, with no reader or other writer; `unless`: do without it."""
    if unless:
        return
    if mm.mmap_writer or mm.mmap_readers:
        raise Blocked(f"the mmap_lock of {mm}")
    mm.mmap_writer = True


def mmap_write_unlock(mm: Mm, unless: bool = False) -> None:
    """Release what `mmap_write_lock` took."""
    if not unless:
        mm.mmap_writer = False


def mmap_write_downgrade(mm: Mm) -> None:
    """Turn a writer of mmap_lock into a reader, with nobody else in between."""
    mmap_write_unlock(mm)
    mmap_read_lock(mm)


def vma_start_read(k: Kernel, pte: Pte) -> bool:
    """Take only the lock of its VMA for a fault; False if the fault needs mmap_lock.

    Faults do so since 0bff0aaea03e (v6.4), for swap and migration entries since 1235ccd05b6d (v6.6).  It
    makes a difference only for a CPU that has not flushed its TLB, hence only with `option = tlb`.  It is not
    done where a userfaultfd listens; since 29a22b9e08d7 (v6.7) the kernel does, which releases the lock, like
    mmap_lock, while it waits.
    """
    if not k.has_tlb or not k.has(changes.PER_VMA_LOCKS) or pte.vma.locked or pte.vma.uffd_wp:
        return False
    if pte.kind in ("swap", "migration") and not k.has(changes.SWAP_FAULTS_LOCK_VMA):
        return False
    pte.vma.lock_readers = pte.vma.lock_readers + 1
    return True


def vma_end_read(vma: Vma) -> None:
    """Release what `vma_start_read` took."""
    vma.lock_readers = vma.lock_readers - 1


def vma_start_write(vma: Vma, unless: bool = False) -> None:
    """Keep faults out of this VMA until `vma_end_write_all`; the caller holds mmap_lock for writing."""
    if unless:
        return
    if vma.lock_readers:
        raise Blocked(f"the lock of {vma}")
    if "tlb" in vma.layout.features:
        vma.locked = True


def vma_end_write_all(k: Kernel, mm: Mm) -> None:
    """Release the locks of all VMAs of a process, which happens when mmap_lock is released."""
    if k.has_tlb:
        for page in range(len(k.program.pages)):
            k.pte(mm, page).vma.locked = False
