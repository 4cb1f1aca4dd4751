# SPDX-License-Identifier: MIT
"""An io_uring with one fixed buffer: a long-term pin that can be read and written through."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct

from . import calls

REGISTER_BUFFERS, UNREGISTER_BUFFERS = 0, 1
READ_FIXED, WRITE_FIXED = 4, 5
GETEVENTS = 1
CQ_RING, ENTRIES_ARRAY = 0x8000000, 0x10000000  # offsets to map; the submission ring is at 0
PARAMETERS = 120
NO_OFFSET = (1 << 64) - 1


class Ring:
    """A ring for all processes of a test; each maps it anew, because fork does not copy the mappings."""

    def __init__(self) -> None:
        buffer = ctypes.create_string_buffer(PARAMETERS)
        self.fd = calls.syscall(calls.IO_URING_SETUP, "io_uring_setup", 1, buffer)
        self.submission = struct.unpack_from("=7I", buffer, 40)
        self.completion = struct.unpack_from("=6I", buffer, 80)
        self.owner = 0

    def register(self, address: int, length: int) -> None:
        """Pin this memory of the calling process.  Raises OSError (EFAULT where nothing is mapped)."""
        vector = struct.pack("PN", address, length)
        calls.syscall(calls.IO_URING_REGISTER, "io_uring_register", self.fd, REGISTER_BUFFERS, vector, 1)

    def unregister(self) -> None:
        """Give the pin back."""
        calls.syscall(calls.IO_URING_REGISTER, "io_uring_register", self.fd, UNREGISTER_BUFFERS, None, 0)

    def write_memory(self, address: int, value: int) -> None:
        """Write one byte to the pinned page, by reading it from a pipe."""
        reader, writer = os.pipe()
        try:
            os.write(writer, bytes([value]))
            self._submit(READ_FIXED, reader, address)
        finally:
            os.close(reader)
            os.close(writer)

    def read_memory(self, address: int) -> int:
        """Read one byte of the pinned page, by writing it to a pipe."""
        reader, writer = os.pipe()
        try:
            self._submit(WRITE_FIXED, writer, address)
            return os.read(reader, 1)[0]
        finally:
            os.close(reader)
            os.close(writer)

    def _submit(self, operation: int, fd: int, address: int) -> None:
        if self.owner != os.getpid():
            self._map()
        _, tail, mask, _, _, _, array = self.submission
        entry = struct.pack(
            "=BBHiQQIIQHHi2Q", operation, 0, 0, fd, NO_OFFSET, address, 1, 0, 0, 0, 0, 0, 0, 0
        )
        self.entries[0 : len(entry)] = entry
        at = _word(self.ring, tail)
        struct.pack_into("=I", self.ring, array + 4 * (at & _word(self.ring, mask)), 0)
        struct.pack_into("=I", self.ring, tail, (at + 1) & 0xFFFFFFFF)
        calls.syscall(calls.IO_URING_ENTER, "io_uring_enter", self.fd, 1, 1, GETEVENTS, None, 0)
        self._complete()

    def _complete(self) -> None:
        head, _, mask, _, _, entries = self.completion
        at = _word(self.answers, head)
        where = entries + 16 * (at & _word(self.answers, mask))
        result = struct.unpack_from("=8xi", self.answers, where)[0]
        struct.pack_into("=I", self.answers, head, (at + 1) & 0xFFFFFFFF)
        if result != 1:
            raise OSError(
                max(-result, 0), f"fixed-buffer I/O: {os.strerror(-result) if result < 0 else result}"
            )

    def _map(self) -> None:
        self.ring = mmap.mmap(self.fd, mmap.PAGESIZE, offset=0)
        self.answers = mmap.mmap(self.fd, mmap.PAGESIZE, offset=CQ_RING)
        self.entries = mmap.mmap(self.fd, mmap.PAGESIZE, offset=ENTRIES_ARRAY)
        self.owner = os.getpid()

    def close(self) -> None:
        """Unmap and close the ring in this process."""
        os.close(self.fd)


def _word(memory: mmap.mmap, offset: int) -> int:
    found: int = struct.unpack_from("=I", memory, offset)[0]
    return found
