# SPDX-License-Identifier: MIT
"""The test's own swap device, and what kinds of it this machine can provide."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Callable, Iterator

from . import calls
from .setting import CannotRunError, changed, note, read, write

BYTES = 32 << 20
LABEL, LABEL_AT = b"cowpath", 1052
"""The volume name in the header of a swap device, by which a leftover is known, and its place there."""
ZRAM_CONTROL = "/sys/class/zram-control"
ZSWAP = "/sys/module/zswap/parameters/enabled"
RAM_DISK = "/dev/ram0"
LOOP_SET_FD, LOOP_CLR_FD, LOOP_CTL_GET_FREE = 0x4C00, 0x4C01, 0x4C82


@contextlib.contextmanager
def swap_on(kind: str, device: str, directory: str, pages: int = 0) -> Iterator[str]:
    """Provide a swap device of a kind: on `device` if the machine lent one, else on a file in `directory`.

    Raises CannotRunError where the machine has nothing of the kind.  The device is off again afterwards.
    """
    with contextlib.ExitStack() as stack:
        path = stack.enter_context(KINDS[kind](device, directory))
        write_header(path, pages)
        try:
            calls.swapon(path)
        except OSError as error:
            hint = ": no disk to swap to, and no swap files here" if os.path.isfile(path) else ""
            raise CannotRunError(f"no swap device: {error}{hint}") from None
        try:
            yield path
        finally:
            turn_off(path)


@contextlib.contextmanager
def _ssd(device: str, directory: str) -> Iterator[str]:
    """`swap = ssd`: I/O takes time."""
    if device:
        yield device
        return
    with _file(os.path.join(directory, "swap")) as path:
        yield path


@contextlib.contextmanager
def _ssd_stable(device: str, directory: str) -> Iterator[str]:
    """`swap = ssd_stable`: a page under writeback may not change."""
    with contextlib.ExitStack() as stack:
        path = device or stack.enter_context(_loop(os.path.join(directory, "stable")))
        stack.enter_context(_stable_writes(path))
        yield path


@contextlib.contextmanager
def _zswap(device: str, directory: str) -> Iterator[str]:
    """`swap = zswap`: a compressed cache in front of a disk."""
    with _ssd(device, directory) as path, _zswap_on():
        yield path


@contextlib.contextmanager
def _zswap_zram(device: str, directory: str) -> Iterator[str]:
    """`swap = zswap_zram`: the same in front of a synchronous device."""
    with _zram(device, directory) as path, _zswap_on():
        yield path


@contextlib.contextmanager
def _zswap_on() -> Iterator[None]:
    """Let zswap take pages.  Raises CannotRunError where there is none."""
    if not os.path.exists(ZSWAP):
        raise CannotRunError("this kernel has no zswap")
    with changed(ZSWAP, "Y"):
        yield


def turn_off(path: str) -> None:
    """swapoff, also if it is off already."""
    try:
        calls.swapoff(path)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):
            raise


def write_header(path: str, most: int = 0) -> None:
    """Write what mkswap writes: a version 1 header in the first page."""
    fd = os.open(path, os.O_RDWR)
    try:
        pages = os.lseek(fd, 0, os.SEEK_END) // calls.PAGE
        pages = min(pages, most + 1) if most else pages
        header = bytearray(calls.PAGE)
        struct.pack_into("=III", header, 1024, 1, pages - 1, 0)
        header[LABEL_AT : LABEL_AT + len(LABEL)] = LABEL
        header[-10:] = b"SWAPSPACE2"
        os.pwrite(fd, bytes(header), 0)
        os.fsync(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _file(path: str) -> Iterator[str]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        for _ in range(BYTES >> 20):
            os.write(fd, bytes(1 << 20))  # swap files may have no holes
        os.fsync(fd)
    finally:
        os.close(fd)
    try:
        yield path
    finally:
        os.unlink(path)


@contextlib.contextmanager
def _zram(device: str, directory: str) -> Iterator[str]:
    """`swap = zram`: a device of our own."""
    if not os.path.isdir(ZRAM_CONTROL):
        raise CannotRunError("this kernel has no zram")
    number = read(f"{ZRAM_CONTROL}/hot_add")
    note(zram=number)
    try:
        write(f"/sys/block/zram{number}/disksize", str(BYTES))
        yield f"/dev/zram{number}"
    finally:
        remove_zram(number)


def remove_zram(number: str) -> None:
    """Take a zram device away, with what it holds.  Raises OSError where somebody uses it."""
    write(f"/sys/block/zram{number}/reset", "1")
    write(f"{ZRAM_CONTROL}/hot_remove", number)


@contextlib.contextmanager
def _brd(device: str, directory: str) -> Iterator[str]:
    """`swap = brd`: the first RAM disk, where the machine has one."""
    if not os.path.exists(RAM_DISK):
        raise CannotRunError("this kernel has no RAM disk (brd)")
    yield RAM_DISK


@contextlib.contextmanager
def _loop(path: str) -> Iterator[str]:
    """A loop device over a file: the host has no block device to spare."""
    with _file(path), contextlib.ExitStack() as stack:
        try:
            control = os.open("/dev/loop-control", os.O_RDWR)
            stack.callback(os.close, control)
            device = f"/dev/loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
            loop, backing = os.open(device, os.O_RDWR), os.open(path, os.O_RDWR)
            stack.callback(os.close, loop)
            stack.callback(os.close, backing)
            fcntl.ioctl(loop, LOOP_SET_FD, backing)
        except OSError as error:
            raise CannotRunError(f"no loop device: {error}") from None
        try:
            yield device
        finally:
            fcntl.ioctl(loop, LOOP_CLR_FD, 0)


@contextlib.contextmanager
def _stable_writes(path: str) -> Iterator[None]:
    """Ask the device for stable writes: pages under writeback may not change."""
    if not stat.S_ISBLK(os.stat(path).st_mode):
        raise CannotRunError(f"{path} is no block device")
    setting = f"/sys/block/{os.path.basename(path)}/queue/stable_writes"
    if not os.path.exists(setting):
        raise CannotRunError("this kernel cannot ask a device for stable writes")
    with changed(setting, "1"):
        yield


KINDS: dict[str, Callable[[str, str], contextlib.AbstractContextManager[str]]] = {
    "ssd": _ssd,
    "zram": _zram,
    "brd": _brd,
    "ssd_stable": _ssd_stable,
    "zswap": _zswap,
    "zswap_zram": _zswap_zram,
}
"""By their names in cowpath.litmus.initial, given a device that the machine lends (or "") and a directory."""
