# SPDX-License-Identifier: MIT
"""Large folios: whether this machine has them, and how the pages of an `mthp { ... }` become one.

Since v6.8 a fault makes a folio of four pages (19eaf44954df) where that size is enabled.  Before, a
transparent huge page stands for it, whose PMD is split: each page of the test is a quarter of it then.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterator

from . import calls
from .setting import CannotRunError, changed, read

PAGES = 4
"""The pages of an `mthp { ... }`."""

SETTINGS = "/sys/kernel/mm/transparent_hugepage"
SIZE = f"{SETTINGS}/hugepages-{PAGES * calls.PAGE // 1024}kB/enabled"
"""Which mappings get folios of four pages at a fault, v6.8 and later."""

SCAN_PAUSE = f"{SETTINGS}/khugepaged/scan_sleep_millisecs"
HOUR = "3600000"

COMPOUND_HEAD, COMPOUND_TAIL = 15, 16
"""Bits of /proc/kpageflags: the first page of a folio of several, and any other of them."""


def has_small_sizes() -> bool:
    """Tell whether this kernel has folios of four anonymous pages (v6.8)."""
    return os.path.exists(SIZE)


def unit() -> int:
    """Return the bytes that one page of the test has in a large folio here: a page, or a quarter of a THP."""
    if has_small_sizes():
        return calls.PAGE
    try:
        return int(read(f"{SETTINGS}/hpage_pmd_size")) // PAGES
    except OSError:
        return calls.PAGE


@contextlib.contextmanager
def enabled() -> Iterator[None]:
    """Let mappings have large folios that ask for them, and keep khugepaged from making more of them.

    Raises CannotRunError where the kernel has none.
    """
    if not os.path.isdir(SETTINGS):
        raise CannotRunError("this kernel has no transparent huge pages (CONFIG_TRANSPARENT_HUGEPAGE)")
    with changed(SIZE if has_small_sizes() else f"{SETTINGS}/enabled", "madvise"), changed(SCAN_PAUSE, HOUR):
        yield


def make(address: int) -> None:
    """Fill the freshly mapped pages at `address` with one large folio, mapped by ptes.

    Its entries stay writable: before v5.19 a page of it that is read-only once is copied at the next write.
    """
    length = PAGES * unit()
    calls.madvise(address, length, "MADV_HUGEPAGE")
    ctypes.memset(address, 0, 1)  # the first store makes it
    if not has_small_sizes():
        calls.madvise(address, calls.PAGE, "MADV_DONTFORK")  # a mapping ends inside: that splits the PMD
        calls.madvise(address, calls.PAGE, "MADV_DOFORK")
        calls.madvise(address, length, "MADV_NOHUGEPAGE")


def is_one_folio(first: int, last: int, distance: int) -> bool:
    """Tell whether two page frames, that many pages apart in memory, are the ends of one large folio."""
    flags = [_flags(first), _flags(last)]
    return last - first == distance and bool(flags[0] >> COMPOUND_HEAD & 1 and flags[1] >> COMPOUND_TAIL & 1)


def _flags(frame: int) -> int:
    """Return what /proc/kpageflags says of a page frame; 0 where the kernel does not let us know."""
    try:
        fd = os.open("/proc/kpageflags", os.O_RDONLY)
    except OSError:
        return 0
    try:
        found = os.pread(fd, 8, frame * 8)
    finally:
        os.close(fd)
    return int(struct.unpack("=Q", found)[0]) if len(found) == 8 else 0
