# SPDX-License-Identifier: MIT
"""The kernel's operations on swap ptes, under the kernel's names, for any layout.

A pte is an int of `layout.pte_bits` bits.  Where a layout has no bit for a flag, the generic stub acts:
setting and clearing change nothing, the test is False (include/linux/pgtable.h).
"""

from typing import NamedTuple

from cowpath.arch import architecture
from cowpath.arch.layout import PteLayout, mask_of
from cowpath.errors import CowpathError
from cowpath.history.release import Release


class EntryError(CowpathError):
    """A swap entry that this architecture cannot keep in a pte."""


class SwpEntry(NamedTuple):
    """A swp_entry_t: what a swap pte says once its flags are stripped."""

    type: int
    offset: int


def _set(pte: int, bit: int | None) -> int:
    return pte if bit is None else pte | 1 << bit


def _clear(pte: int, bit: int | None) -> int:
    return pte if bit is None else pte & ~(1 << bit)


def _test(pte: int, bit: int | None) -> bool:
    return bit is not None and bool(pte >> bit & 1)


def pte_present(layout: PteLayout, pte: int) -> bool:
    """Does the pte map a page?  True of PROT_NONE mappings too."""
    return any(pattern.matches(pte) for pattern in layout.present)


def pte_none(layout: PteLayout, pte: int) -> bool:
    """Is the pte empty?"""
    return pte & ~mask_of(layout.none_ignores) == layout.none


def is_swap_pte(layout: PteLayout, pte: int) -> bool:
    """Neither none nor present: a swap pte, of a swap device or special (include/linux/swapops.h)."""
    return not pte_none(layout, pte) and not pte_present(layout, pte)


def swp_entry_to_pte(layout: PteLayout, entry: SwpEntry) -> int:
    """The pte of `entry`, without flags, as it stands in the page table.

    What is out of range is cut off and never reaches another field.

    >>> hex(swp_entry_to_pte(architecture("arm64").layout(Release(6, 1)), SwpEntry(1, 2)))
    '0x208'
    """
    # generic swp_entry() keeps five bits of type and what a long has left for the offset
    kind = entry.type & layout.max_type
    offset = entry.offset & layout.max_offset
    return layout.type.place(kind) | layout.offset.place(offset) | layout.ones_mask


def pte_to_swp_entry(layout: PteLayout, pte: int) -> SwpEntry:
    """The entry that a pte holds: flags are stripped first, then type and offset are read.

    >>> pte_to_swp_entry(architecture("arm64").layout(Release(6, 1)), 0x20c)
    SwpEntry(type=1, offset=2)
    """
    pte = pte_swp_clear_flags(layout, pte)
    return SwpEntry(layout.type.extract(pte), layout.offset.extract(pte))


def pte_swp_mkexclusive(layout: PteLayout, pte: int) -> int:
    """Remember PG_anon_exclusive (1493a1913e34, v5.19)."""
    return _set(pte, layout.exclusive)


def pte_swp_exclusive(layout: PteLayout, pte: int) -> bool:
    """Was the page exclusive when it was unmapped?"""
    return _test(pte, layout.exclusive)


def pte_swp_clear_exclusive(layout: PteLayout, pte: int) -> int:
    """Forget PG_anon_exclusive, as fork does to the parent's pte."""
    return _clear(pte, layout.exclusive)


def pte_swp_mksoft_dirty(layout: PteLayout, pte: int) -> int:
    """Set the soft-dirty bit of a swap pte; without such a bit the pte stays as it is."""
    return _set(pte, layout.soft_dirty)


def pte_swp_soft_dirty(layout: PteLayout, pte: int) -> bool:
    """True if the swap pte has its soft-dirty bit set."""
    return _test(pte, layout.soft_dirty)


def pte_swp_clear_soft_dirty(layout: PteLayout, pte: int) -> int:
    """Clear the soft-dirty bit of a swap pte, as clear_refs does."""
    return _clear(pte, layout.soft_dirty)


def pte_swp_mkuffd_wp(layout: PteLayout, pte: int) -> int:
    """Remember userfaultfd write protection (7.x: pte_swp_mkuffd)."""
    return _set(pte, layout.uffd_wp)


def pte_swp_uffd_wp(layout: PteLayout, pte: int) -> bool:
    """True if the page was write-protected by userfaultfd when it was unmapped."""
    return _test(pte, layout.uffd_wp)


def pte_swp_clear_uffd_wp(layout: PteLayout, pte: int) -> int:
    """Forget userfaultfd write protection."""
    return _clear(pte, layout.uffd_wp)


def pte_swp_clear_flags(
    layout: PteLayout, pte: int, *, strips_exclusive: bool = True, strips_uffd_wp: bool = True
) -> int:
    """All flags off: what is left identifies the swap slot (include/linux/swapops.h).

    `strips_exclusive=False` is the kernel without that hunk of 1493a1913e34: the marker stays on, and
    swapoff never finds such a pte.  `strips_uffd_wp=False` is the same without 099dd6878b9b (v5.13).
    """
    if strips_exclusive:
        pte = pte_swp_clear_exclusive(layout, pte)
    if strips_uffd_wp:
        pte = pte_swp_clear_uffd_wp(layout, pte)
    return pte_swp_clear_soft_dirty(layout, pte)


def pte_same(layout: PteLayout, one: int, other: int) -> bool:
    """Are the ptes equal, bit for bit?  The exclusive marker counts; on User-Mode Linux bit 1 does not."""
    return (one ^ other) & ~mask_of(layout.same_ignores) == 0


def pte_same_as_swp(
    layout: PteLayout, pte: int, swp_pte: int, *, strips_exclusive: bool = True, strips_uffd_wp: bool = True
) -> bool:
    """Is `pte` the swap pte `swp_pte`, whatever its flags?  This is how swapoff looks (mm/swapfile.c)."""
    bare = pte_swp_clear_flags(layout, pte, strips_exclusive=strips_exclusive, strips_uffd_wp=strips_uffd_wp)
    return pte_same(layout, bare, swp_pte)


class RawPte(NamedTuple):
    """A pte as a number and as text, with all the digits that a pte of its architecture has."""

    value: int
    text: str


def hex_text(layout: PteLayout, pte: int) -> str:
    """`pte` in hexadecimal, in full width."""
    return f"{pte:#0{layout.pte_bits // 4 + 2}x}"


def make(
    layout: PteLayout,
    swp_type: int,
    offset: int,
    *,
    exclusive: bool = False,
    soft_dirty: bool = False,
    uffd_wp: bool = False,
) -> int:
    """A swap pte with flags.  Raises EntryError if the type or the offset does not fit.

    A flag for which there is no bit is lost, as in the kernel.
    """
    if not 0 <= swp_type <= layout.max_type:
        raise EntryError(f"type {swp_type} does not fit: 0 to {layout.max_type} do")
    if not 0 <= offset <= layout.max_offset:
        raise EntryError(
            f"offset {offset:#x} does not fit: there are {layout.offset_bits} bits for it, "
            f"at most {layout.max_offset:#x}"
        )
    pte = swp_entry_to_pte(layout, SwpEntry(swp_type, offset))
    if exclusive:
        pte = pte_swp_mkexclusive(layout, pte)
    if soft_dirty:
        pte = pte_swp_mksoft_dirty(layout, pte)
    return pte_swp_mkuffd_wp(layout, pte) if uffd_wp else pte


def raw_swap_pte(
    arch: str,
    release: Release,
    swp_type: int,
    offset: int,
    *,
    exclusive: bool = False,
    soft_dirty: bool = False,
    uffd_wp: bool = False,
) -> RawPte:
    """The swap pte that a kernel of this architecture and release would write.

    Raises LayoutError or EntryError.

    >>> raw_swap_pte("x86_64", Release(6, 1), 0, 1, exclusive=True).text
    '0x07fffffffffffc08'
    """
    layout = architecture(arch).layout(release)
    pte = make(layout, swp_type, offset, exclusive=exclusive, soft_dirty=soft_dirty, uffd_wp=uffd_wp)
    return RawPte(pte, hex_text(layout, pte))
