# SPDX-License-Identifier: MIT
"""Reads an address of a live process through /proc/PID/pagemap: what the kernel tells of it.

The bits are those of Documentation/admin-guide/mm/pagemap.rst and fs/proc/task_mmu.c (PM_*).  pagemap
does not show ptes: it reports type and offset of a swap pte, but not the exclusive marker.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from cowpath.errors import CowpathError

PM_SOFT_DIRTY = 1 << 55
PM_MMAP_EXCLUSIVE = 1 << 56
PM_UFFD_WP = 1 << 57  # 5.14 and later
PM_GUARD_REGION = 1 << 58  # 6.15 and later
PM_FILE = 1 << 61
PM_SWAP = 1 << 62
PM_PRESENT = 1 << 63
FRAME = (1 << 55) - 1
TYPE_BITS = 5


class PagemapError(CowpathError):
    """The pagemap of a process cannot be read, or has nothing at that address."""


@dataclass(frozen=True, slots=True)
class PagemapEntry:
    """The 64-bit word that pagemap has for one page."""

    word: int

    @property
    def present(self) -> bool:
        """True if the page is in memory and mapped (PM_PRESENT)."""
        return bool(self.word & PM_PRESENT)

    @property
    def swapped(self) -> bool:
        """True if the pte holds a swap entry, of a swap device or special (PM_SWAP)."""
        return bool(self.word & PM_SWAP)

    @property
    def pfn(self) -> int:
        """The page frame number of a present page; 0 if the kernel hides it."""
        return self.word & FRAME if self.present else 0

    @property
    def type(self) -> int:
        """The swap type of a page that is not present.

        >>> PagemapEntry(PM_SWAP | 7 << 5 | 2).type
        2
        """
        return self.word & ((1 << TYPE_BITS) - 1) if self.swapped else 0

    @property
    def offset(self) -> int:
        """The swap offset of a page that is not present; the upper bits may be cut off."""
        return (self.word & FRAME) >> TYPE_BITS if self.swapped else 0

    @property
    def hidden(self) -> bool:
        """Was the page frame, or the swap slot, withheld?  Without CAP_SYS_ADMIN it reads as 0."""
        return (self.present or self.swapped) and not self.word & FRAME

    def flag(self, mask: int) -> bool:
        """True if a bit of `mask` is set, such as PM_SOFT_DIRTY."""
        return bool(self.word & mask)


def read_pagemap(pid: int, address: int) -> PagemapEntry:
    """The pagemap entry of the page at `address` in process `pid`.

    Raises PagemapError if there is no such process, no permission, or nothing is mapped there.

    >>> import os
    >>> read_pagemap(os.getpid(), id(os)).present
    True
    """
    process = Path(f"/proc/{pid}")
    try:
        if not _mapped(process, address):
            raise PagemapError(f"process {pid} has nothing mapped at {address:#x}; see {process}/maps")
        with open(process / "pagemap", "rb", buffering=0) as pagemap:
            data = os.pread(pagemap.fileno(), 8, address // os.sysconf("SC_PAGE_SIZE") * 8)
    except (FileNotFoundError, ProcessLookupError):
        raise PagemapError(f"there is no process {pid}") from None
    except PermissionError:
        raise PagemapError(
            f"process {pid} is not yours to look into: this needs ptrace rights (or root)"
        ) from None
    except (OSError, OverflowError) as error:
        raise PagemapError(f"{process}/pagemap cannot be read at {address:#x}: {error}") from None
    if len(data) < 8:
        raise PagemapError(
            f"{process}/pagemap ends before {address:#x}: a kernel thread, or a process that ended"
        )
    (word,) = struct.unpack("=Q", data)
    return PagemapEntry(word)


def _mapped(process: Path, address: int) -> bool:
    """Is the address in a mapping of the process?"""
    for line in (process / "maps").read_text().splitlines():
        start, end = (int(bound, 16) for bound in line.split(maxsplit=1)[0].split("-"))
        if start <= address < end:
            return True
    return False
