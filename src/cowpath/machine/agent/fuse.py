# SPDX-License-Identifier: MIT
"""A FUSE file whose reads wait until we answer them; an O_DIRECT read holds its page all that time.

The kernel takes the reference when it sends READ to the server and writes through it when the server
answers.  A read's offset says which of the test's held reads (slots) it is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import struct

from . import calls
from .board import ANSWERED, HELD, Board

LOOKUP, FORGET, GETATTR, OPEN, READ, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 26, 36, 42
RELEASE, FLUSH, OPENDIR, RELEASEDIR = 18, 25, 27, 29
IN_HEADER, OUT_HEADER = 40, 16

SLOT_BYTES = 1 << 20
REQUEST_BYTES = 1 << 18  # the kernel wants room for the largest write there could be
WRITE, DROP, RESET = b"w", b"d", b"r"


class HeldFile:
    """The mounted file and its server process.  Make it before the pages of a test exist."""

    def __init__(self, directory: str, board: Board) -> None:
        self.directory = directory
        self.path = os.path.join(directory, "file")
        os.makedirs(directory, exist_ok=True)
        fd = os.open("/dev/fuse", os.O_RDWR)
        data = f"fd={fd},rootmode=40000,user_id=0,group_id=0"
        calls.mount("cowpath", directory, "fuse", 0, data)
        reader, self.commands = os.pipe()
        self.acknowledged, acknowledge = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.commands)
            os.close(self.acknowledged)
            try:
                Server(fd, reader, acknowledge, board).serve()
            finally:
                os._exit(0)
        os.close(reader)
        os.close(acknowledge)
        os.close(fd)  # so that a dead server is an error to its readers, never a hang

    def open(self) -> int:
        """Return a descriptor to read from, past the page cache."""
        return os.open(self.path, os.O_RDONLY | os.O_DIRECT)

    def answer(self, slot: int, value: int | None) -> None:
        """Let a held read end with this byte in its buffer; with an error and nothing written for None."""
        action = DROP if value is None else WRITE
        os.write(self.commands, action + bytes([slot, value or 0]))

    def reset(self) -> None:
        """End every read that is still held.  When this returns, no later read can be hit by it."""
        os.write(self.commands, RESET + bytes(2))
        os.read(self.acknowledged, 1)

    def close(self) -> None:
        """Unmount, which ends the server."""
        with contextlib.suppress(OSError):
            os.close(self.commands)
            os.close(self.acknowledged)
        calls.unmount(self.directory)
        os.waitpid(self.pid, 0)


class Server:
    """The few FUSE requests that opening and reading one file takes."""

    def __init__(self, fd: int, commands: int, acknowledge: int, board: Board) -> None:
        self.fd = fd
        self.commands = commands
        self.acknowledge = acknowledge
        self.board = board
        self.held: dict[int, tuple[int, int]] = {}  # slot -> (request, size)

    def serve(self) -> None:
        """Answer requests until the file is unmounted or its owner is gone."""
        while True:
            ready, _, _ = select.select([self.fd, self.commands], [], [])
            if self.commands in ready:
                command = os.read(self.commands, 3)
                if not command:
                    return
                self._command(command[:1], command[1], command[2])
            if self.fd in ready and not self._request():
                return

    def _command(self, action: bytes, slot: int, value: int) -> None:
        if action == RESET:
            for held, (request, size) in self.held.items():
                self._reply(request, bytes(size))  # after an error a page fault would come again
                self.board.slot[held] = ANSWERED
            self.held.clear()
            os.write(self.acknowledge, RESET)
        elif slot in self.held:
            request, size = self.held.pop(slot)
            if action == WRITE:
                self._reply(request, bytes([value]) * size)
            else:
                self._reply(request, error=errno.EIO)
            self.board.slot[slot] = ANSWERED

    def _request(self) -> bool:
        try:
            message = os.read(self.fd, REQUEST_BYTES)
        except OSError as error:
            return error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT)
        _, operation, request, node = struct.unpack_from("=IIQQ", message)
        body = message[IN_HEADER:]
        if operation == READ:
            offset, size = struct.unpack_from("=8xQI", body)
            self.held[offset // SLOT_BYTES] = (request, size)
            self.board.slot[offset // SLOT_BYTES] = HELD
        elif operation not in (FORGET, BATCH_FORGET, INTERRUPT):
            answer = self._answer(operation, node, body)
            self._reply(request, answer or b"", 0 if answer is not None else errno.ENOSYS)
        return True

    def _answer(self, operation: int, node: int, body: bytes) -> bytes | None:
        if operation == INIT:
            minor, readahead = struct.unpack_from("=4xII", body)
            head = struct.pack("=IIIIHHII", 7, min(minor, 31), readahead, 1, 16, 12, 1 << 17, 1)
            return head.ljust(64, b"\0")  # any other length is refused
        if operation == LOOKUP:
            return struct.pack("=QQQQII", 2, 1, 0, 0, 0, 0) + _attributes(2)
        if operation == GETATTR:
            return struct.pack("=QII", 0, 0, 0) + _attributes(node)
        if operation in (OPEN, OPENDIR):
            return struct.pack("=QII", 1, 1, 0)  # FOPEN_DIRECT_IO
        return b"" if operation in (RELEASE, FLUSH, RELEASEDIR) else None

    def _reply(self, request: int, data: bytes = b"", error: int = 0) -> None:
        try:
            os.write(self.fd, struct.pack("=IiQ", OUT_HEADER + len(data), -error, request) + data)
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # the reader was killed meanwhile
                raise


def _attributes(node: int) -> bytes:
    mode = 0o40700 if node == 1 else 0o100600
    return struct.pack("=6Q10I", node, 1 << 40, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
