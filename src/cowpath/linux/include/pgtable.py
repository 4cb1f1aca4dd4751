# SPDX-License-Identifier: MIT
"""Page-table entries as values, and the helpers of include/linux/pgtable.h and swapops.h.

A `PteValue` is compared bit for bit by `pte_same`; the exclusive marker is part of it, while decoding a swap
entry must not see the marker.  Both facts matter, see H2 of the founding patch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cowpath.explore.record import cells
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, swap_bits
from cowpath.history.swap_bits import swap_layout
from cowpath.history.version import Version

from ..state import Folio, Kernel, Mm, Pte, Slot, Vma

if TYPE_CHECKING:
    from cowpath.arch.layout import PteLayout


class PteValue(NamedTuple):
    """What a pte holds.

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

    @property
    def present(self) -> bool:
        """Whether the CPU can use it."""
        return self.kind == "present"


PTE_NONE = PteValue()


def ptep_get(pte: Pte) -> PteValue:
    """Read an entry in one go, with or without the page-table lock."""
    kind = pte.kind
    if kind == "none":
        return PTE_NONE
    if kind == "present":
        value = PteValue("present", pte.folio, pte.write, pte.dirty, protnone=pte.protnone)
    elif kind == "swap":
        value = PteValue("swap", slot=pte.slot, exclusive=pte.exclusive)
    else:
        value = PteValue("migration", migrating=pte.migrating, access=pte.access, dirty=pte.dirty)
    return value._replace(soft_dirty=pte.soft_dirty, uffd_wp=pte.uffd_wp)


def set_pte(pte: Pte, value: PteValue) -> None:
    """Write an entry (set_pte_at); the caller holds the page-table lock."""
    pte.kind, pte.folio, pte.write, pte.dirty = value.kind, value.folio, value.write, value.dirty
    pte.slot, pte.exclusive = value.slot, value.exclusive
    pte.migrating, pte.access = value.migrating, value.access
    pte.soft_dirty, pte.uffd_wp, pte.protnone = value.soft_dirty, value.uffd_wp, value.protnone


def pte_same(pte: Pte, value: PteValue) -> bool:
    """Whether the entry still is what was read before: the recheck after every wait."""
    return ptep_get(pte) == value


def mk_pte(folio: Folio) -> PteValue:
    """A present, read-only, clean entry."""
    return PteValue("present", folio=folio)


def pte_mkdirty(k: Kernel, value: PteValue) -> PteValue:
    """Written to.  The kernel sets both bits, the CPU only the first: it knows nothing of soft-dirty."""
    return value._replace(dirty=True, soft_dirty=k.soft_dirty)


def pte_mkwrite(k: Kernel, value: PteValue) -> PteValue:
    """Writable and dirty, as a write fault installs it (pte_mkdirty, then maybe_mkwrite)."""
    return pte_mkdirty(k, value)._replace(write=True)


def maybe_mkwrite(k: Kernel, value: PteValue, vma: Vma) -> PteValue:
    """Dirty, and writable if the mapping is: FOLL_FORCE and KSM write where the CPU may not."""
    return pte_mkdirty(k, value)._replace(write=vma.write)


def pte_wrprotect(value: PteValue) -> PteValue:
    """Read-only; dirtiness stays."""
    return value._replace(write=False)


def pte_mkclean(value: PteValue) -> PteValue:
    """Not written since."""
    return value._replace(dirty=False)


def keep_tracking(value: PteValue, old: PteValue) -> PteValue:
    """What an entry knows of writes goes to the one that takes its place.

    That is whether there was one (soft-dirty), and whether the next must wait (uffd-wp: read-only, then).
    """
    write = value.write and not old.uffd_wp
    return value._replace(soft_dirty=value.soft_dirty or old.soft_dirty, uffd_wp=old.uffd_wp, write=write)


def pte_needs_soft_dirty_wp(k: Kernel, vma: Vma, value: PteValue) -> bool:
    """Whether the next write must fault to be noted (mm/internal.h): it is tracked, and none was yet."""
    return k.soft_dirty and not vma.soft_dirty and not value.soft_dirty


def pte_mkuffd_wp(value: PteValue) -> PteValue:
    """The next write waits."""
    return value._replace(uffd_wp=True, write=False)


def userfaultfd_pte_wp(vma: Vma, value: PteValue) -> bool:
    """Whether a write through this entry has to wait (include/linux/userfaultfd_k.h)."""
    return vma.uffd_wp and value.uffd_wp


def swp_entry_to_pte(slot: Slot) -> PteValue:
    """A swap entry without flags."""
    return PteValue("swap", slot=slot)


def make_migration_entry(folio: Folio, access: str) -> PteValue:
    """A migration entry of one of its three kinds: read, exclusive (read-only) or write."""
    return PteValue("migration", migrating=folio, access=access)


# -- the marker of the founding patch --------------------------------------------------------------


def pte_swp_mkexclusive(k: Kernel, value: PteValue) -> PteValue:
    """Mark a swap pte exclusive; where the architecture has no bit for it, nothing happens.

    H1: the stubs and the bit (1493a1913e34, v5.19).
    """
    return value._replace(exclusive=k.ask(swap_bits.can_mark))


def pte_swp_exclusive(value: PteValue) -> bool:
    """Whether a swap pte is marked."""
    return value.exclusive


def pte_swp_clear_exclusive(value: PteValue) -> PteValue:
    """A swap pte without the mark."""
    return value._replace(exclusive=False)


def pte_same_as_swp(k: Kernel, pte: Pte, entry: PteValue) -> bool:
    """Whether an entry is this swap entry, whatever its flags (mm/swapfile.c).

    H2: the marker is one of the flags that pte_swp_clear_flags strips (1493a1913e34, v5.19); so is uffd-wp
    (099dd6878b9b, v5.13).
    """
    exclusive, uffd_wp = k.has(changes.SWP_EXCLUSIVE_IS_A_FLAG), k.has(changes.UFFD_WP_IS_A_FLAG)
    layout = k.ask(swap_bits.swap_layout)
    return same_as_swp(layout, ptep_get(pte), entry, strips_exclusive=exclusive, strips_uffd_wp=uffd_wp)


# -- the page-table lock ---------------------------------------------------------------------------


def pte_lock(mm: Mm) -> None:
    """spin_lock(ptl); one lock for all ptes of a process, as they fit one page table."""
    if mm.ptl:
        raise Blocked(f"the page-table lock of {mm}")
    mm.ptl = True


def pte_unlock(mm: Mm) -> None:
    """spin_unlock(ptl)."""
    mm.ptl = False


def raw_pte(layout: PteLayout, value: PteValue) -> int | None:
    """The bits of a swap pte or of an empty one; None for a present one, whose bits the model does not have.

    The type of an entry is the number of its device, the offset the slot's place there.
    """
    from cowpath.arch import swp_pte

    if value.kind == "none":
        return layout.none
    if value.slot is None:
        return None
    flags = {"exclusive": value.exclusive, "soft_dirty": value.soft_dirty, "uffd_wp": value.uffd_wp}
    return swp_pte.make(layout, value.slot.device.number, value.slot.offset, **flags)


def raw_text(version: Version, value: PteValue) -> str:
    """The bits in hexadecimal, in full width; "present" for what has none here."""
    from cowpath.arch.swp_pte import hex_text

    layout = swap_layout(version)
    bits = raw_pte(layout, value)
    return value.kind if bits is None else hex_text(layout, bits)


def raw_ptes(layout: cells.Layout, state: bytes, version: Version) -> dict[str, str]:
    """Each entry of a state that is empty or a swap pte, by its name, as the kernel's bits in hexadecimal.

    The others are left out: they hold a page frame number, which the model has no use for.  Raises
    LayoutError for an architecture whose swap ptes are not known.
    """
    layout.step.begin(state)
    values = {repr(pte): ptep_get(cast(Pte, pte)) for pte in layout.by_name("Pte")}
    return {
        name: raw_text(version, value) for name, value in values.items() if value.kind in ("none", "swap")
    }


def same_as_swp(
    layout: PteLayout, value: PteValue, entry: PteValue, *, strips_exclusive: bool, strips_uffd_wp: bool
) -> bool:
    """Whether two swap ptes are equal once flags are stripped from the first (H2, pte_same_as_swp)."""
    from cowpath.arch import swp_pte

    one, other = raw_pte(layout, value), raw_pte(layout, entry)
    if one is None or other is None:
        return False
    stripped = {"strips_exclusive": strips_exclusive, "strips_uffd_wp": strips_uffd_wp}
    return swp_pte.pte_same_as_swp(layout, one, other, **stripped)
