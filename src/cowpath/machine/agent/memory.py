# SPDX-License-Identifier: MIT
"""The pages of a test: mapped apart from each other, filled, loaded, stored, and looked up in pagemap."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import struct
import time
from collections.abc import Iterator
from typing import Any

from . import calls, large
from .board import byte_of
from .setting import UnmetError

PAGEOUT_TRIES = 20
PAGEOUT_PAUSE = 0.01

LONELY = 0x1000000000 if struct.calcsize("P") == 8 else 0x20000000
"""Far below everything else: what munmap takes away here, no allocation of Python fills again."""

READ_WRITE = calls.PROT_READ | calls.PROT_WRITE

SOFT_DIRTY, MAPPED_ONCE, FILE, SWAPPED, PRESENT = 55, 56, 61, 62, 63
"""Bits of /proc/PID/pagemap."""

ZERO_PAGE = 24
"""Bit of /proc/kpageflags."""


class FaultError(Exception):
    """Raised for an access to memory that is not mapped, or not for such an access."""


class Memory:
    """The test's pages, at the same addresses in every process.

    Each is a mapping of its own with a hole on either side, so that mprotect and munmap of one leave the
    others alone; the pages of a large folio (`blocks`) lie side by side.  An access that the test has
    forbidden, or (`racing`) that another thread may forbid at any moment, goes through a pipe: the kernel's
    copy says EFAULT where the CPU's would kill the process.
    """

    def __init__(self, program: dict[str, Any], racing: bool = False) -> None:
        self.pages = program["pages"]
        self.racing = program["taken_away"] if racing else []
        self.allowed = [READ_WRITE] * len(self.pages)
        self.lazyfree: set[int] = set()
        """The pages that have had MADV_FREE in this round."""
        self.mergeable = [
            i for actor in program["background"] if actor["kind"] == "ksmd" for i in actor["pages"]
        ]
        self.blocks: list[int] = program["blocks"]
        self.unit = large.unit() if self.blocks else calls.PAGE
        self.length = (2 * len(self.pages) + 1) * calls.PAGE + 2 * len(self.blocks) * large.PAGES * self.unit
        self.base = calls.map_memory(self.length, 0, calls.MAP_PRIVATE | calls.MAP_ANONYMOUS, LONELY)
        self.addresses = self._lay_out()

    def close(self) -> None:
        """Give the addresses back, in the process that chose them."""
        calls.unmap(self.base, self.length)

    def _lay_out(self) -> list[int]:
        """Return the address of each page; a large folio is aligned to its size."""
        found: list[int] = []
        position = self.base + calls.PAGE
        while len(found) < len(self.pages):
            if len(found) in self.blocks:
                size = large.PAGES * self.unit
                position = (position + size - 1) // size * size
                found += range(position, position + size, self.unit)
                position += size + calls.PAGE
            else:
                found.append(position)
                position += 2 * calls.PAGE
        return found

    def address(self, page: int) -> int:
        """Return the address of a page."""
        return self.addresses[page]

    def is_large(self, page: int) -> bool:
        """Tell whether a page is one of a large folio, at the beginning of a round."""
        return len(self.folio_of(page)) > 1

    def folio_of(self, page: int) -> range:
        """Return the pages that are one folio with this one, at the beginning of a round."""
        folios = (range(first, first + large.PAGES) for first in self.blocks)
        return next((pages for pages in folios if page in pages), range(page, page + 1))

    def spans(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield address and length of each stretch of memory without a hole, from one page to another one."""
        begin = end = self.address(first)
        for page in range(first, last + 1):
            if self.address(page) != end:
                yield begin, end - begin
                begin = self.address(page)
            end = self.address(page) + (self.unit if self.is_large(page) else calls.PAGE)
        yield begin, end - begin

    def place(self, page: int, place: int) -> int:
        """Return the address of a place of a page."""
        return self.address(page) + self.offset(page, place)

    def offset(self, page: int, place: int) -> int:
        """Return how far a place is from the beginning of its page; never 0, see RemoteReadReference."""
        return place * self.stride(page) + self.stride(page) // 2

    def stride(self, page: int) -> int:
        """Return the distance between two places of a page."""
        return int(calls.PAGE // self.pages[page]["places"]) & ~7

    def populate(self) -> None:
        """Map every page and write its content; between the places goes a pattern of this round.

        The pattern keeps KSM from merging these pages with anybody else's; a page of zeros in a large folio
        has none.  Raises UnmetError where the kernel did not make a large folio.
        """
        filling = os.urandom(16) * (calls.PAGE // 16)
        flags = calls.MAP_PRIVATE | calls.MAP_ANONYMOUS | calls.MAP_FIXED
        self.lazyfree.clear()
        for index in range(len(self.pages)):
            address, content = self.address(index), self.pages[index]["content"]
            self.allowed[index] = READ_WRITE
            if index in self.blocks:
                calls.map_memory(large.PAGES * self.unit, READ_WRITE, flags, address)
                large.make(address)
            if not self.is_large(index):
                calls.map_memory(calls.PAGE, READ_WRITE, flags, address)
                _try_advice(address, "MADV_NOHUGEPAGE")
            if index in self.mergeable:
                calls.madvise(address, calls.PAGE, "MADV_MERGEABLE")
            if content is None:
                continue
            if not self._is_zero(index):
                ctypes.memmove(address, filling, calls.PAGE)
            for place in range(self.pages[index]["places"]):
                value = content[place] if place < len(content) else r"\0"
                ctypes.memmove(self.place(index, place), bytes([byte_of(value)]), 1)
        drain_lru()
        for first in self.blocks:
            self._check_large(first)

    def _is_zero(self, page: int) -> bool:
        """Tell whether nothing but zeros belongs into a page of a large folio: a split may look for that."""
        pages = self.folio_of(page)
        named = max(each for each in range(pages[0], page + 1) if self.pages[each]["name"])
        return len(pages) > 1 and set(self.pages[named]["content"]) == {r"\0"}

    def _check_large(self, first: int) -> None:
        """Check that the pages of a block are one folio.  Raises UnmetError."""
        begin, length = next(self.spans(first, first + large.PAGES - 1))
        end = begin + length - calls.PAGE
        if not large.is_one_folio(frame(begin), frame(end), length // calls.PAGE - 1):
            raise UnmetError(f"{self.pages[first]['name']} is not in a large folio")

    def load(self, page: int, place: int) -> int:
        """Load a byte as the CPU does.  Raises FaultError where nothing readable is mapped."""
        address = self.place(page, place)
        if self._may_fault(page, calls.PROT_READ):
            return _load_through_pipe(address)
        byte = ctypes.create_string_buffer(1)
        ctypes.memmove(byte, address, 1)  # a foreign call: another thread of the process runs meanwhile
        return byte.raw[0]

    def store(self, page: int, place: int, value: int) -> None:
        """Store a byte as the CPU does.  Raises FaultError where nothing writable is mapped."""
        address = self.place(page, place)
        if self._may_fault(page, calls.PROT_WRITE):
            _store_through_pipe(address, value)
        else:
            ctypes.memmove(address, bytes([value]), 1)

    def advise(self, first: int, last: int, advice: str) -> None:
        """madvise, of all from one page to another one."""
        for address, length in self.spans(first, last):
            calls.madvise(address, length, advice)

    def protect(self, first: int, last: int, protection: int) -> None:
        """mprotect, of all from one page to another one."""
        for address, length in self.spans(first, last):
            calls.mprotect(address, length, protection)
        for page in range(first, last + 1):
            self.allowed[page] = protection

    def unmap(self, first: int, last: int) -> None:
        """munmap, of all from one page to another one."""
        for address, length in self.spans(first, last):
            calls.unmap(address, length)
        for page in range(first, last + 1):
            self.allowed[page] = 0

    def _may_fault(self, page: int, access: int) -> bool:
        return page in self.racing or not self.allowed[page] & access

    def final(self, page: int, place: int) -> int | None:
        """Return a byte at the end of the test; None where nothing is mapped any more."""
        with contextlib.suppress(OSError):
            calls.mprotect(self.address(page), calls.PAGE, calls.PROT_READ)
        try:
            return _load_through_pipe(self.place(page, place))
        except FaultError:
            return None

    def peek(self, page: int, place: int) -> int | None:
        """Return the byte of a place that is present without an access by the CPU.

        None where the mapping forbids it and the kernel does not let us look all the same (/proc/self/mem).
        """
        fd = os.open("/proc/self/mem", os.O_RDONLY)
        try:
            return os.pread(fd, 1, self.place(page, place))[0]
        except OSError:
            return None
        finally:
            os.close(fd)

    def page_out(self, first: int, last: int, tries: int) -> bool:
        """Call MADV_PAGEOUT until the pages are in swap, at most `tries` times; return whether they are.

        It is tried again only where it should work: not for a page that was never touched, and not for one
        that is mapped more than once, which the kernel leaves alone.
        """
        for _ in range(tries):
            self.advise(first, last, "MADV_PAGEOUT")
            if not any(may_be_paged_out(pagemap(self.address(page))) for page in range(first, last + 1)):
                return True
            time.sleep(PAGEOUT_PAUSE)
        return False


def pagemap(address: int, pid: str = "self") -> int:
    """Return the entry of an address in /proc/PID/pagemap."""
    fd = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY)
    try:
        found: int = struct.unpack("=Q", os.pread(fd, 8, address // calls.PAGE * 8))[0]
    finally:
        os.close(fd)
    return found


def forget_writes() -> None:
    """Write 4 to /proc/self/clear_refs: nothing of this process is soft-dirty until it is written again."""
    fd = os.open("/proc/self/clear_refs", os.O_WRONLY)
    try:
        os.write(fd, b"4")
    finally:
        os.close(fd)


def tracks_writes() -> bool:
    """Find out with a page of our own whether the kernel has soft-dirty (CONFIG_MEM_SOFT_DIRTY)."""
    flags = calls.MAP_PRIVATE | calls.MAP_ANONYMOUS | calls.MAP_POPULATE
    address = calls.map_memory(calls.PAGE, calls.PROT_READ | calls.PROT_WRITE, flags)
    try:
        forget_writes()
        before = pagemap(address) >> SOFT_DIRTY & 1
        ctypes.memset(address, 1, 1)
        return not before and bool(pagemap(address) >> SOFT_DIRTY & 1)
    finally:
        calls.unmap(address, calls.PAGE)


def may_be_paged_out(entry: int) -> bool:
    """Tell whether MADV_PAGEOUT has something left to do: an anonymous page mapped here and nowhere else."""
    return bool(entry >> PRESENT & 1 and entry >> MAPPED_ONCE & 1 and not entry >> FILE & 1)


def frame(address: int) -> int:
    """Return the number of the page frame behind an address; 0 where there is none, or we may not know."""
    entry = pagemap(address)
    return entry & ((1 << 55) - 1) if entry >> PRESENT & 1 else 0


def is_zero_page(address: int) -> bool:
    """Tell whether an address has the zero page; False where the kernel does not let us know."""
    try:
        fd = os.open("/proc/kpageflags", os.O_RDONLY)
    except OSError:
        return False
    try:
        flags = os.pread(fd, 8, frame(address) * 8)
    finally:
        os.close(fd)
    return len(flags) == 8 and bool(struct.unpack("=Q", flags)[0] >> ZERO_PAGE & 1)


def drain_lru() -> None:
    """Drain this CPU's LRU-add batch of pages that were just written, by MADV_COLD of another page."""
    scratch = calls.map_memory(calls.PAGE, 3, calls.MAP_PRIVATE | calls.MAP_ANONYMOUS | calls.MAP_POPULATE)
    _try_advice(scratch, "MADV_COLD")
    calls.unmap(scratch, calls.PAGE)


def _try_advice(address: int, advice: str) -> None:
    try:
        calls.madvise(address, calls.PAGE, advice)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a kernel without huge pages does not know MADV_NOHUGEPAGE
            raise


def _load_through_pipe(address: int) -> int:
    reader, writer = os.pipe()
    try:
        os.writev(writer, [(ctypes.c_char * 1).from_address(address)])
        return os.read(reader, 1)[0]
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise
        raise FaultError from None
    finally:
        os.close(reader)
        os.close(writer)


def _store_through_pipe(address: int, value: int) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, bytes([value]))
        os.readv(reader, [(ctypes.c_char * 1).from_address(address)])
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise
        raise FaultError from None
    finally:
        os.close(reader)
        os.close(writer)
