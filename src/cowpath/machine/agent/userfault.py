# SPDX-License-Identifier: MIT
"""UFFDIO_MOVE: a page of this process moves to another address."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from . import calls

API, FEATURE_MOVE = 0xAA, 1 << 16
MODE_MISSING = 1


def _command(number: int, size: int) -> int:
    """_IOWR(0xAA, number, size); the direction bits differ on powerpc."""
    direction = 3
    if os.uname().machine.startswith("ppc"):
        return 6 << 29 | size << 16 | API << 8 | number
    return direction << 30 | size << 16 | API << 8 | number


UFFDIO_API, UFFDIO_REGISTER = _command(0x3F, 24), _command(0x00, 32)
UFFDIO_MOVE = _command(0x05, 40)


def open_userfaultfd() -> int:
    """A descriptor that can move pages.  Raises OSError (EINVAL before v6.8)."""
    fd = calls.syscall(calls.USERFAULTFD, "userfaultfd", os.O_CLOEXEC | 1)  # 1: faults of user mode only
    try:
        fcntl.ioctl(fd, UFFDIO_API, bytearray(struct.pack("=QQQ", API, FEATURE_MOVE, 0)))
    except OSError:
        os.close(fd)
        raise
    return fd


def move(destination: int, source: int) -> None:
    """Move the page; where the kernel refuses (it is shared, or the hole is none) nothing happens."""
    fd = open_userfaultfd()
    try:
        range_and_mode = struct.pack("=QQQQ", destination, calls.PAGE, MODE_MISSING, 0)
        fcntl.ioctl(fd, UFFDIO_REGISTER, bytearray(range_and_mode))
        _retry(fd, struct.pack("=QQQQq", destination, source, calls.PAGE, 0, 0))
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOENT, errno.EBUSY, errno.EINVAL):
            raise
    finally:
        os.close(fd)  # unregisters


def _retry(fd: int, request: bytes) -> None:
    while True:
        try:
            fcntl.ioctl(fd, UFFDIO_MOVE, bytearray(request))
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
        else:
            return
