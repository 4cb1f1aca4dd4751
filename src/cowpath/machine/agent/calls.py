# SPDX-License-Identifier: MIT
"""System calls that Python's `os` does not have, as functions that raise OSError."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import struct
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
]  # fmt: skip
for _name in ("munmap", "madvise", "mprotect"):
    getattr(_libc, _name).argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * (_name != "munmap")
_libc.syscall.restype = _libc.process_vm_readv.restype = ctypes.c_long

PAGE = os.sysconf("SC_PAGESIZE")

PROT_READ, PROT_WRITE = 1, 2
MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_POPULATE = 0x01, 0x02, 0x10, 0x20, 0x8000

MADV = {
    "MADV_RANDOM": 1, "MADV_WILLNEED": 3, "MADV_DONTNEED": 4, "MADV_FREE": 8, "MADV_DONTFORK": 10,
    "MADV_DOFORK": 11, "MADV_MERGEABLE": 12,
    "MADV_UNMERGEABLE": 13, "MADV_HUGEPAGE": 14, "MADV_NOHUGEPAGE": 15, "MADV_COLD": 20, "MADV_PAGEOUT": 21,
}  # fmt: skip

SWAP_FLAG_PREFER, SWAP_HIGHEST = 0x8000, 0x7FFF
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SPLICE_F_NONBLOCK = 2

IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER = 425, 426, 427
PIDFD_OPEN, PROCESS_MADVISE = 434, 440
_BY_MACHINE = {  # calls older than the common numbers: init_module, move_pages, userfaultfd
    "x86_64": (175, 279, 323), "aarch64": (105, 239, 282), "s390x": (128, 310, 355),
    "ppc64le": (128, 301, 364), "armv7l": (128, 344, 388), "armv8l": (128, 344, 388),
}  # fmt: skip
INIT_MODULE, MOVE_PAGES, USERFAULTFD = _BY_MACHINE.get(os.uname().machine, (-1, -1, -1))


def check(result: int, what: str) -> int:
    """Return the result of a call.  Raises OSError where the call failed."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def syscall(number: int, what: str, *arguments: Any) -> int:
    """Make a system call by number.  Raises OSError (ENOSYS where this machine has no number for it)."""
    if number < 0:
        raise OSError(38, f"{what}: {os.strerror(38)}")
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return check(_libc.syscall(ctypes.c_long(number), *words), what)


def map_memory(
    length: int, protection: int, flags: int, address: int = 0, fd: int = -1, offset: int = 0
) -> int:
    """mmap: map memory and return its address."""
    found = _libc.mmap(address or None, length, protection, flags, fd, offset)
    if found in (None, ctypes.c_void_p(-1).value):
        check(-1, "mmap")
    return int(found)


def unmap(address: int, length: int) -> None:
    """munmap."""
    check(_libc.munmap(address, length), "munmap")


def madvise(address: int, length: int, advice: str) -> None:
    """madvise, by the name of the advice."""
    check(_libc.madvise(address, length, MADV[advice]), advice)


def mprotect(address: int, length: int, protection: int) -> None:
    """mprotect."""
    check(_libc.mprotect(address, length, protection), "mprotect")


def mincore(address: int) -> bool:
    """mincore of one page: return whether it is in memory."""
    found = ctypes.create_string_buffer(1)
    check(_libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(PAGE), found), "mincore")
    return bool(found.raw[0] & 1)


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """mount."""
    names = [ctypes.c_char_p(text.encode()) for text in (source, target, kind)]
    check(_libc.mount(*names, ctypes.c_ulong(flags), ctypes.c_char_p(data.encode())), f"mount {kind}")


def unmount(target: str) -> None:
    """umount2 with MNT_DETACH."""
    check(_libc.umount2(ctypes.c_char_p(target.encode()), 2), f"umount {target}")


def swapon(path: str) -> None:
    """swapon at the highest priority, so that what is swapped out goes there."""
    flags = SWAP_FLAG_PREFER | SWAP_HIGHEST
    check(_libc.swapon(ctypes.c_char_p(path.encode()), flags), f"swapon {path}")


def swapoff(path: str) -> None:
    """swapoff."""
    check(_libc.swapoff(ctypes.c_char_p(path.encode())), f"swapoff {path}")


def vmsplice(pipe: int, address: int, length: int) -> int:
    """vmsplice of one piece of memory into a pipe."""
    vector = struct.pack("PN", address, length)
    buffer = ctypes.create_string_buffer(vector, len(vector))
    return check(_libc.vmsplice(pipe, buffer, ctypes.c_size_t(1), 0), "vmsplice")


def tee(source: int, target: int, length: int) -> int:
    """tee: the target pipe gets references to the pages in the source pipe.  EAGAIN where that is empty."""
    return check(_libc.tee(source, target, ctypes.c_size_t(length), SPLICE_F_NONBLOCK), "tee")


def has_ended(pid: int) -> bool:
    """Tell whether a process has ended: its memory is gone, whether or not anybody has waited for it."""
    try:
        watch = syscall(PIDFD_OPEN, "pidfd_open", pid, 0)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watch], [], [], 0)[0])
    finally:
        os.close(watch)


def pread_into(fd: int, address: int, length: int, offset: int) -> int:
    """pread into memory by its address."""
    window = (ctypes.c_char * length).from_address(address)
    return os.preadv(fd, [window], offset)


def read_through_pin(address: int, length: int, target: int) -> None:
    """process_vm_readv of this process itself: the source is pinned for as long as the copy takes."""
    words = struct.pack("PNPN", target, length, address, length)
    buffer = ctypes.create_string_buffer(words, len(words))
    local = ctypes.addressof(buffer)
    one, pid = ctypes.c_ulong(1), ctypes.c_int(os.getpid())
    remote = ctypes.c_void_p(local + len(words) // 2)
    arguments = pid, ctypes.c_void_p(local), one, remote, one, ctypes.c_ulong(0)
    check(_libc.process_vm_readv(*arguments), "process_vm_readv")


def unshare(flags: int) -> None:
    """unshare."""
    check(_libc.unshare(flags), "unshare")


def reap_orphans() -> None:
    """Let children whose parent dies become children of this process."""
    check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process as soon as its parent, that many in number, has ended."""
    check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(1)


def power_off() -> None:
    """Switch a guest off.  Raises PermissionError in anybody but its first process."""
    if os.getpid() != 1:
        raise PermissionError("only the first process of a guest may switch it off")
    os.sync()
    _libc.reboot(0x4321FEDC)


def advise_other(pid: int, address: int, advice: str) -> None:
    """process_madvise: give advice about a page of another process.  Raises OSError."""
    pidfd = syscall(PIDFD_OPEN, "pidfd_open", pid, 0)
    try:
        vector = struct.pack("PN", address, PAGE)
        syscall(PROCESS_MADVISE, "process_madvise", pidfd, vector, 1, MADV[advice], 0)
    finally:
        os.close(pidfd)
