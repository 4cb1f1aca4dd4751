# SPDX-License-Identifier: MIT
"""userfaultfd: writes that wait until they are allowed, and pages that move to another address."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import struct
from collections.abc import Callable

from . import calls

API, FEATURE_WP, FEATURE_MOVE = 0xAA, 1 << 0, 1 << 16
FEATURE_WP_UNPOPULATED, FEATURE_WP_ASYNC = 1 << 13, 1 << 15
MODE_MISSING, MODE_WP = 1, 2
USER_MODE_ONLY = 1
PROTECT, ALLOW = 1, 0
"""Modes of UFFDIO_WRITEPROTECT; ALLOW wakes who waits."""

MESSAGE = struct.Struct("=B7xQQQ")
"""struct uffd_msg: the event, then flags, address and thread of a fault."""

PATIENCE = 0.01


def _command(number: int, size: int, kind: int = API) -> int:
    """_IOWR(kind, number, size); the direction bits differ on powerpc."""
    direction = 3
    if os.uname().machine.startswith("ppc"):
        return 6 << 29 | size << 16 | kind << 8 | number
    return direction << 30 | size << 16 | kind << 8 | number


UFFDIO_API, UFFDIO_REGISTER = _command(0x3F, 24), _command(0x00, 32)
UFFDIO_MOVE, UFFDIO_WRITEPROTECT = _command(0x05, 40), _command(0x06, 24)

SCAN = struct.Struct("=12Q")
"""struct pm_scan_arg: size, flags, start, end, walk_end, vec, vec_len, max_pages, and four category masks."""

PAGEMAP_SCAN = _command(16, SCAN.size, ord("f"))
SCAN_WP_MATCHING, SCAN_CHECK_WPASYNC = 1 << 0, 1 << 1
PAGE_IS_WRITTEN = 1 << 1


def open_userfaultfd(features: int, flags: int = USER_MODE_ONLY) -> int:
    """Return a userfaultfd with these features.  Raises OSError (EINVAL where the kernel lacks one)."""
    fd = calls.syscall(calls.USERFAULTFD, "userfaultfd", os.O_CLOEXEC | os.O_NONBLOCK | flags)
    try:
        fcntl.ioctl(fd, UFFDIO_API, bytearray(struct.pack("=QQQ", API, features, 0)))
    except OSError:
        os.close(fd)
        raise
    return fd


class WriteProtection:
    """The userfaultfd by which a process holds up its own writes, also those of the kernel on its behalf."""

    def __init__(self) -> None:
        self.fd = -1
        self.registered: set[int] = set()
        self.waiting: list[int] = []
        """Addresses of faults that were read but not asked for yet."""

    def protect(self, address: int) -> None:
        """Let writes to a page wait.  Raises OSError."""
        if self.fd < 0:
            self.fd = _open_for_writes()
        if address not in self.registered:
            retry(self.fd, UFFDIO_REGISTER, struct.pack("=QQQQ", address, calls.PAGE, MODE_WP, 0))
            self.registered.add(address)
        retry(self.fd, UFFDIO_WRITEPROTECT, struct.pack("=QQQ", address, calls.PAGE, PROTECT))

    def allow(self, address: int) -> None:
        """Let writes to a page go on; nothing happens to one that never was protected.  Raises OSError."""
        if address in self.registered:
            retry(self.fd, UFFDIO_WRITEPROTECT, struct.pack("=QQQ", address, calls.PAGE, ALLOW))

    def wait(self, address: int, over: Callable[[], bool]) -> bool:
        """Wait until a write to a page waits; False where `over` says that none can come any more."""
        while True:
            last = over()  # asked first: a message may have come before that was true
            self._read_message()
            if address in self.waiting:
                self.waiting.remove(address)
                return True
            if last:
                return False

    def _read_message(self) -> None:
        """Read one message if there is any, else wait a little."""
        watched = [self.fd] if self.fd >= 0 else []  # another thread may not have opened it yet
        if select.select(watched, [], [], PATIENCE)[0]:
            with contextlib.suppress(BlockingIOError):  # whoever waited has been let go meanwhile
                _, _, address, _ = MESSAGE.unpack(os.read(self.fd, MESSAGE.size))
                self.waiting.append(address // calls.PAGE * calls.PAGE)

    def close(self) -> None:
        """Close the userfaultfd, so that no write waits any more."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1
        self.registered.clear()
        self.waiting.clear()


class NotedWrites:
    """The userfaultfd by which a process has its own writes noted, for PAGEMAP_SCAN to tell."""

    def __init__(self) -> None:
        self.fd = -1

    def scan(self, address: int) -> bool:
        """Tell whether a page was written since the last scan, and begin anew.

        Raises OSError, as the registration fails where nothing is mapped.
        """
        if self.fd < 0:
            self.fd = open_userfaultfd(FEATURE_WP | FEATURE_WP_UNPOPULATED | FEATURE_WP_ASYNC)
        retry(self.fd, UFFDIO_REGISTER, struct.pack("=QQQQ", address, calls.PAGE, MODE_WP, 0))
        region = (ctypes.c_uint64 * 3)()  # struct page_region: start, end, categories
        flags, end = SCAN_WP_MATCHING | SCAN_CHECK_WPASYNC, address + calls.PAGE
        where = (SCAN.size, flags, address, end, 0, ctypes.addressof(region), 1, 0)
        with open("/proc/self/pagemap", "rb") as pagemap:
            request = SCAN.pack(*where, 0, PAGE_IS_WRITTEN, 0, PAGE_IS_WRITTEN)
            regions: int = fcntl.ioctl(pagemap, PAGEMAP_SCAN, bytearray(request))
        return regions > 0

    def close(self) -> None:
        """Close the userfaultfd: nothing is noted any more."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


def attempt_scan() -> None:
    """Scan a page of our own.  Raises OSError where the kernel cannot."""
    flags = calls.MAP_PRIVATE | calls.MAP_ANONYMOUS | calls.MAP_POPULATE
    address = calls.map_memory(calls.PAGE, calls.PROT_READ | calls.PROT_WRITE, flags)
    noted = NotedWrites()
    try:
        noted.scan(address)
    finally:
        noted.close()
        calls.unmap(address, calls.PAGE)


def attempt_write_protection() -> None:
    """Write-protect a page of our own.  Raises OSError where the kernel cannot."""
    flags = calls.MAP_PRIVATE | calls.MAP_ANONYMOUS | calls.MAP_POPULATE
    address = calls.map_memory(calls.PAGE, calls.PROT_READ | calls.PROT_WRITE, flags)
    protection = WriteProtection()
    try:
        protection.protect(address)
        protection.allow(address)
        ctypes.memset(address, 1, 1)
    finally:
        protection.close()
        calls.unmap(address, calls.PAGE)


def _open_for_writes() -> int:
    """Open a userfaultfd for write protection, and for moves within what it covers if the kernel has them."""
    try:
        return open_userfaultfd(FEATURE_WP | FEATURE_MOVE, flags=0)
    except OSError:
        return open_userfaultfd(FEATURE_WP, flags=0)


def move(destination: int, source: int, protection: WriteProtection) -> None:
    """Move a page; do nothing where the kernel refuses, as it is shared or the target is not empty.

    The destination belongs to the userfaultfd that may write-protect it, if there is one.
    """
    ours = destination not in protection.registered
    fd = open_userfaultfd(FEATURE_MOVE) if ours else protection.fd
    try:
        if ours:
            retry(fd, UFFDIO_REGISTER, struct.pack("=QQQQ", destination, calls.PAGE, MODE_MISSING, 0))
        retry(fd, UFFDIO_MOVE, struct.pack("=QQQQq", destination, source, calls.PAGE, 0, 0))
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOENT, errno.EBUSY, errno.EINVAL):
            raise
    finally:
        if ours:
            os.close(fd)  # unregisters


def retry(fd: int, command: int, request: bytes) -> None:
    """Call an ioctl, again where the kernel says so (EAGAIN).  Raises OSError."""
    while True:
        try:
            fcntl.ioctl(fd, command, bytearray(request))
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        else:
            return
