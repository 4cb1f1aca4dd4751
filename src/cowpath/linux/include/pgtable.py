# SPDX-License-Identifier: MIT
"""Page-table entries as values: include/linux/pgtable.h, include/linux/swapops.h and include/linux/mm.h.

What each architecture has of its own is here as in arch/x86/include/asm/pgtable.h.

A `PteValue` is compared bit for bit by `pte_same`; the exclusive marker is part of it, while decoding a swap
entry must not see the marker.  Both facts matter, see H2 of the founding patch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cowpath.explore.record.step import Blocked
from cowpath.history import changes, swap_bits
from cowpath.history.version import Version

from ..state import Folio, Kernel, MappedPage, Mm, Pte, Slot, Vma

if TYPE_CHECKING:
    from cowpath.arch.layout import PteLayout


class PteValue(NamedTuple):
    """The value of a pte: what kind of entry it is, where it leads, and its flags.

    >>> PTE_NONE.present, PTE_NONE.kind
    (False, 'none')
    """

    kind: str = "none"
    folio: Folio | None = None
    write: bool = False
    dirty: bool = False
    slot: Slot | None = None
    exclusive: bool = False
    migrating: Folio | None = None
    access: str = "none"
    soft_dirty: bool = False
    uffd_wp: bool = False
    protnone: bool = False
    hw_dirty: bool = False
    subpage: int = 0
    poisoned: bool = False

    @property
    def page(self) -> MappedPage | None:
        """The page of the folio that a present entry maps; None for other entries."""
        return None if self.folio is None else self.folio.page(self.subpage)

    @property
    def marker(self) -> bool:
        """True for an entry that stands for no page and no slot (PTE_MARKER): it has nothing but flags."""
        return self.kind == "swap" and self.slot is None

    @property
    def present(self) -> bool:
        """True for an entry that maps a page."""
        return self.kind == "present"

    def tracking(self, old: PteValue) -> PteValue:
        """Return this entry with what `old`, whose place it takes, records about writes.

        That is soft-dirty (the page was written) and uffd-wp (the next write must wait, so the entry is
        read-only).
        """
        write, soft_dirty = self.write and not old.uffd_wp, self.soft_dirty or old.soft_dirty
        return self._replace(soft_dirty=soft_dirty, uffd_wp=old.uffd_wp, write=write)

    def bits(self, layout: PteLayout) -> int | None:
        """Return the bits of a swap pte or of an empty one; None for others, whose bits are not modelled.

        The type in a swap entry is the number of its device, the offset is the slot's place on the device.
        """
        from cowpath.arch import swp_pte

        if self.kind == "none":
            return layout.none
        if self.slot is None:
            return None
        flags = {"exclusive": self.exclusive, "soft_dirty": self.soft_dirty, "uffd_wp": self.uffd_wp}
        return swp_pte.make(layout, self.slot.device.number, self.slot.offset, **flags)


PTE_NONE = PteValue()


def ptep_get(pte: Pte) -> PteValue:
    """Read an entry in one go, with or without the page-table lock."""
    kind = pte.kind
    if kind == "none":
        return PTE_NONE
    if kind == "present":
        value = PteValue("present", pte.folio, pte.write, pte.dirty)
        value = value._replace(protnone=pte.protnone, hw_dirty=pte.hw_dirty, subpage=pte.subpage)
    elif kind == "swap":
        value = PteValue("swap", slot=pte.slot, exclusive=pte.exclusive, poisoned=pte.poisoned)
    else:
        value = PteValue("migration", migrating=pte.migrating, access=pte.access, dirty=pte.dirty)
    return value._replace(soft_dirty=pte.soft_dirty, uffd_wp=pte.uffd_wp)


def set_pte(pte: Pte, value: PteValue) -> None:
    """Write an entry (set_pte_at); the caller holds the page-table lock."""
    pte.kind, pte.folio, pte.write, pte.dirty = value.kind, value.folio, value.write, value.dirty
    pte.slot, pte.exclusive, pte.poisoned = value.slot, value.exclusive, value.poisoned
    pte.migrating, pte.access = value.migrating, value.access
    pte.soft_dirty, pte.uffd_wp, pte.protnone = value.soft_dirty, value.uffd_wp, value.protnone
    pte.hw_dirty, pte.subpage, pte.excess = value.hw_dirty, value.subpage, False


def pte_same(pte: Pte, value: PteValue) -> bool:
    """True where the entry still is what was read before; checked after every wait."""
    return ptep_get(pte) == value


def pte_protnone(vma: Vma, value: PteValue) -> bool:
    """True where accesses through a present entry fault: NUMA balancing's entries, and those of PROT_NONE."""
    return value.present and (value.protnone or not vma.read)


def mk_pte(folio: Folio, subpage: int = 0) -> PteValue:
    """Return a present, read-only, clean entry; `subpage` says which page of a large folio it maps."""
    return PteValue("present", folio=folio, subpage=subpage)


def pte_mkdirty(k: Kernel, value: PteValue) -> PteValue:
    """Return the entry as dirty and soft-dirty, as the kernel makes it.

    The CPU sets only the dirty bit: it knows nothing of soft-dirty.
    """
    return value._replace(dirty=True, hw_dirty=False, soft_dirty=k.soft_dirty)


def pte_mkwrite(k: Kernel, value: PteValue) -> PteValue:
    """Return the entry as writable and dirty, as a write fault sets it (pte_mkdirty, then maybe_mkwrite)."""
    return pte_mkdirty(k, value)._replace(write=True)


def maybe_mkwrite(k: Kernel, value: PteValue, vma: Vma) -> PteValue:
    """Return the entry as dirty, and as writable if the mapping is.

    For FOLL_FORCE and KSM the kernel writes where the mapping does not let the CPU write.
    """
    return pte_mkdirty(k, value)._replace(write=vma.write)


def pte_wrprotect(k: Kernel, value: PteValue) -> PteValue:
    """Return the entry as read-only, still dirty if it was.

    On arm64 until ff1712f953e2 (v5.10) it stays dirty only if the kernel knew of the write: that the CPU has
    written is said by a writable entry that is not read-only (PTE_DBM and not PTE_RDONLY).
    """
    lost = value.hw_dirty and k.ask(Version.lacks, changes.WRPROTECT_KEEPS_DIRTY)
    return value._replace(write=False, dirty=value.dirty and not lost, hw_dirty=False)


def ptep_set_wrprotect(pte: Pte) -> None:
    """Make an entry read-only in place; it stays dirty if it was, on every architecture."""
    set_pte(pte, ptep_get(pte)._replace(write=False, hw_dirty=False))


def pte_mkclean(value: PteValue) -> PteValue:
    """Return the entry as not written."""
    return value._replace(dirty=False, hw_dirty=False)


def pte_needs_soft_dirty_wp(k: Kernel, vma: Vma, value: PteValue) -> bool:
    """True where the next write must fault so that soft-dirty notes it (mm/internal.h).

    That is where writes are tracked and none has been noted yet.
    """
    return k.soft_dirty and not vma.soft_dirty and not value.soft_dirty


def pte_mkuffd_wp(value: PteValue) -> PteValue:
    """Return the entry as read-only and marked, so that the next write waits for the userfaultfd."""
    return value._replace(uffd_wp=True, write=False)


def userfaultfd_pte_wp(vma: Vma, value: PteValue) -> bool:
    """True where a write through this entry has to wait (include/linux/userfaultfd_k.h)."""
    return vma.uffd_wp and value.uffd_wp


def swp_entry_to_pte(slot: Slot) -> PteValue:
    """Return a swap pte for the slot, without flags."""
    return PteValue("swap", slot=slot)


def make_pte_marker() -> PteValue:
    """Return the entry that write-protects for userfaultfd where there is no page (PTE_MARKER_UFFD_WP)."""
    return PteValue("swap", uffd_wp=True)


def make_poisoned_swp_entry() -> PteValue:
    """Return the entry that stands where content could not be read: who accesses it gets SIGBUS.

    Until v6.5 it was a kind of its own, make_swapin_error_entry.
    """
    return PteValue("swap", poisoned=True)


def make_migration_entry(folio: Folio, access: str) -> PteValue:
    """Return a migration entry of one of the three kinds: "read", "exclusive" (read-only) or "write"."""
    return PteValue("migration", migrating=folio, access=access)


# -- the marker of the founding patch --------------------------------------------------------------


def pte_swp_mkexclusive(k: Kernel, value: PteValue) -> PteValue:
    """Return a swap pte marked exclusive, or unmarked if the kernel has no bit for the marker.

    H1 of the founding patch: the stubs and the bit (1493a1913e34, v5.19).
    """
    return value._replace(exclusive=k.ask(swap_bits.can_mark))


def pte_swp_exclusive(value: PteValue) -> bool:
    """True for a swap pte that is marked exclusive."""
    return value.exclusive


def pte_swp_clear_exclusive(value: PteValue) -> PteValue:
    """Return a swap pte without the exclusive marker."""
    return value._replace(exclusive=False)


# -- the page-table lock ---------------------------------------------------------------------------


def pte_offset_map_lock(mm: Mm) -> None:
    """Take the page-table lock; one lock for all ptes of a process, as they fit one page table."""
    if mm.ptl:
        raise Blocked(f"the page-table lock of {mm}")
    mm.ptl = True


def pte_unmap_unlock(mm: Mm) -> None:
    """Release the page-table lock."""
    mm.ptl = False
