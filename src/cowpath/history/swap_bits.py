# SPDX-License-Identifier: MIT
"""Swap ptes as the bits that a kernel of this architecture writes (see cowpath.arch).

The model keeps ptes as values with names.  Where the founding patch turns on what the bits are, it asks here:
whether there is a bit for the marker (H1), and whether comparing entries sees it (H2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cowpath.history.changes import SWP_EXCLUSIVE_BIT
from cowpath.history.version import Version

if TYPE_CHECKING:
    from cowpath.arch.layout import PteLayout


def swap_layout(version: Version) -> PteLayout:
    """Return the layout of a kernel's swap ptes, without the marker's bit if the kernel does not use it."""
    from cowpath.arch import architecture

    layout = architecture(version.architecture).layout(version.release)
    if version.has(SWP_EXCLUSIVE_BIT) and version.has_swp_exclusive_bit:
        return layout
    return layout.without_exclusive()


def has_soft_dirty(version: Version) -> bool:
    """True where ptes of this architecture have a soft-dirty bit (CONFIG_MEM_SOFT_DIRTY)."""
    return swap_layout(version).soft_dirty is not None


def soft_dirty_is_pte_write(version: Version) -> bool:
    """True where a swap pte's soft-dirty bit is a present pte's writable bit (_PAGE_RW on x86)."""
    return version.architecture == "x86_64"


def present_uffd_wp(version: Version) -> int:
    """Return the mask of the bit that write-protects a present pte for userfaultfd (_PAGE_UFFD_WP on x86)."""
    return 1 << 10 if version.architecture == "x86_64" else 0


def has_uffd_wp(version: Version) -> bool:
    """True where ptes of this kernel have a bit for userfaultfd's write protection."""
    return swap_layout(version).uffd_wp is not None


def can_mark(version: Version) -> bool:
    """True where setting the marker in a swap pte of this kernel leaves a trace (H1, pte_swp_mkexclusive)."""
    from cowpath.arch import swp_pte

    layout = swap_layout(version)
    return swp_pte.pte_swp_exclusive(layout, swp_pte.pte_swp_mkexclusive(layout, layout.ones_mask))
