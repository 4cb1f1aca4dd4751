# SPDX-License-Identifier: MIT
"""Swap ptes as the bits that a kernel of this architecture writes (see cowpath.arch).

The model keeps ptes as values with names.  Where the founding patch turns on what the bits are, it asks here:
whether there is a bit for the marker (H1), and whether comparing entries sees it (H2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowpath.kernel.changes import SWP_EXCLUSIVE_BIT
from cowpath.kernel.version import Version

if TYPE_CHECKING:
    from cowpath.arch.layout import Layout
    from cowpath.kernel.pgtable import PteValue


def swap_layout(version: Version) -> Layout:
    """The layout of a kernel's swap ptes; without the marker's bit where the kernel makes no use of it."""
    from cowpath.arch import architecture

    layout = architecture(version.architecture).layout(version.release)
    if version.has(SWP_EXCLUSIVE_BIT) and version.has_swp_exclusive_bit:
        return layout
    return layout.without_exclusive()


def has_soft_dirty(version: Version) -> bool:
    """Whether ptes of this architecture have a soft-dirty bit (CONFIG_MEM_SOFT_DIRTY)."""
    return swap_layout(version).soft_dirty is not None


def has_uffd_wp(version: Version) -> bool:
    """Whether ptes of this kernel have a bit for userfaultfd's write protection."""
    return swap_layout(version).uffd_wp is not None


def raw_pte(layout: Layout, value: PteValue) -> int | None:
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


def can_mark(version: Version) -> bool:
    """Whether setting the marker in a swap pte of this kernel leaves a trace (H1, pte_swp_mkexclusive)."""
    from cowpath.arch import swp_pte

    layout = swap_layout(version)
    return swp_pte.pte_swp_exclusive(layout, swp_pte.pte_swp_mkexclusive(layout, layout.ones_mask))


def same_as_swp(
    layout: Layout, value: PteValue, entry: PteValue, *, strips_exclusive: bool, strips_uffd_wp: bool
) -> bool:
    """Whether two swap ptes are equal once flags are stripped from the first (H2, pte_same_as_swp)."""
    from cowpath.arch import swp_pte

    one, other = raw_pte(layout, value), raw_pte(layout, entry)
    if one is None or other is None:
        return False
    stripped = {"strips_exclusive": strips_exclusive, "strips_uffd_wp": strips_uffd_wp}
    return swp_pte.pte_same_as_swp(layout, one, other, **stripped)
