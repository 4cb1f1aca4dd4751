# SPDX-License-Identifier: MIT
"""References to pages, by the one way in which user space can hold each kind of them.

A writable FOLL_GET is an O_DIRECT read that is not answered yet, one held read for each device_write; a
read-only one is a page in a pipe; a pin is an io_uring fixed buffer.  Everything here is made before the
processes of a test are forked, so each of them can use any reference.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from typing import Any

from . import calls
from .board import GONE, HELD, NOT_TAKEN, Board
from .fuse import SLOT_BYTES, HeldFile
from .memory import Memory
from .uring import Ring

POLL = 0.0002


class Reference:
    """What all kinds share: a state on the board; device operations wait until the reference is taken."""

    def __init__(self, index: int, facts: dict[str, Any], board: Board, memory: Memory) -> None:
        self.index = index
        self.page: int = facts["page"]
        self.board = board
        self.memory = memory

    def take(self) -> None:
        """Take the reference; where nothing is mapped there is none, and that is no error."""
        try:
            self._take()
        except OSError as error:
            if error.errno != errno.EFAULT:
                raise
            self.board.reference[self.index] = GONE
        else:
            self.board.reference[self.index] = HELD

    def held(self) -> bool:
        """Wait until the reference was taken; False where it was given back since."""
        while self.board.reference[self.index] == NOT_TAKEN:
            time.sleep(POLL)
        return self.board.reference[self.index] == HELD

    def put(self) -> None:
        """Give the reference back."""
        if self.held():
            self.board.reference[self.index] = GONE
            self._put()

    def write(self, slot: int, place: int, value: int) -> None:
        """The device writes."""
        raise NotImplementedError

    def read(self, place: int) -> int:
        """The device reads."""
        raise NotImplementedError

    def held_by(self, file: HeldFile | None, fd: int) -> Reference:
        """Itself, told where held reads read from."""
        return self

    def close(self) -> None:
        """Forget the descriptors of this round."""

    def _take(self) -> None:
        raise NotImplementedError

    def _put(self) -> None:
        raise NotImplementedError


class PipeReference(Reference):
    """vmsplice: FOLL_GET for reading, held until the pipe is read."""

    def __init__(self, index: int, facts: dict[str, Any], board: Board, memory: Memory) -> None:
        super().__init__(index, facts, board, memory)
        self.reader, self.writer = os.pipe()

    def _take(self) -> None:
        calls.vmsplice(self.writer, self.memory.address(self.page), calls.PAGE)

    def read(self, place: int) -> int:
        """Look at the page through a second reference (tee), so that the first stays."""
        reader, writer = os.pipe()
        try:
            length = calls.tee(self.reader, writer, calls.PAGE)
            return os.read(reader, length)[place * self.memory.stride(self.page)]
        finally:
            os.close(reader)
            os.close(writer)

    def _put(self) -> None:
        os.read(self.reader, calls.PAGE)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.reader)
        os.close(self.writer)


class HeldReadReference(Reference):
    """O_DIRECT reads that nobody has answered: FOLL_GET|FOLL_WRITE where the kernel does not pin for them."""

    file: HeldFile
    fd: int

    def __init__(self, index: int, facts: dict[str, Any], board: Board, memory: Memory) -> None:
        super().__init__(index, facts, board, memory)
        self.slots: list[tuple[int, int]] = [(slot, place) for slot, place in facts["slots"]]
        self.companion = PipeReference(index, facts, board, memory) if facts["companion"] else None

    def held_by(self, file: HeldFile | None, fd: int) -> Reference:
        """Reads come from this file, opened as `fd`."""
        assert file is not None
        self.file, self.fd = file, fd
        return self

    def _take(self) -> None:
        for slot, place in self.slots:
            self._hold(slot, place)
        if self.companion:
            self.companion._take()

    def _hold(self, slot: int, place: int) -> None:
        address = self.memory.address(self.page, place)
        length = min(512, self.memory.stride(self.page))
        failure: list[int | None] = [None]

        def read() -> None:
            try:
                calls.pread_into(self.fd, address, length, slot * SLOT_BYTES)
            except OSError as error:
                failure[0] = error.errno
            self.board.over[slot] = 1

        threading.Thread(target=read, daemon=True).start()
        while self.board.slot[slot] == NOT_TAKEN and not self.board.over[slot]:
            time.sleep(POLL)
        if self.board.slot[slot] == NOT_TAKEN:
            raise OSError(failure[0] or 0, "O_DIRECT read of the held file")

    def write(self, slot: int, place: int, value: int) -> None:
        """Answer the held read that was made for this write."""
        self.file.answer(slot, value)
        while self.board.slot[slot] == HELD:
            time.sleep(POLL)

    def read(self, place: int) -> int:
        """Through the reference for reading that was taken with it."""
        assert self.companion is not None
        return self.companion.read(place)

    def _put(self) -> None:
        for slot, _ in self.slots:
            if self.board.slot[slot] == HELD:
                self.file.answer(slot, None)
        while any(self.board.slot[slot] == HELD or not self.board.over[slot] for slot, _ in self.slots):
            time.sleep(POLL)  # for the server and the reader both: neither may speak of it in the next round
        if self.companion:
            self.companion._put()

    def close(self) -> None:
        """Close the companion."""
        if self.companion:
            self.companion.close()


class FixedBufferReference(Reference):
    """An io_uring fixed buffer: FOLL_PIN|FOLL_WRITE|FOLL_LONGTERM until it is unregistered."""

    def __init__(self, index: int, facts: dict[str, Any], board: Board, memory: Memory) -> None:
        super().__init__(index, facts, board, memory)
        self.ring = Ring()
        self.turn = os.pipe()  # holds one byte while nobody uses the ring
        os.write(self.turn[1], b"t")

    def _take(self) -> None:
        self.ring.register(self.memory.address(self.page), calls.PAGE)

    def write(self, slot: int, place: int, value: int) -> None:
        """READ_FIXED."""
        os.read(self.turn[0], 1)
        try:
            self.ring.write_memory(self.memory.address(self.page, place), value)
        finally:
            os.write(self.turn[1], b"t")

    def read(self, place: int) -> int:
        """WRITE_FIXED."""
        os.read(self.turn[0], 1)
        try:
            return self.ring.read_memory(self.memory.address(self.page, place))
        finally:
            os.write(self.turn[1], b"t")

    def _put(self) -> None:
        self.ring.unregister()

    def close(self) -> None:
        """Close the ring; a pin that is still held goes first, because the ring itself goes later."""
        if self.board.reference[self.index] == HELD:
            self.ring.unregister()
        self.ring.close()
        os.close(self.turn[0])
        os.close(self.turn[1])


KINDS: dict[str, type[Reference]] = {
    "pipe": PipeReference,
    "held-read": HeldReadReference,
    "fixed-buffer": FixedBufferReference,
}


def make_reference(index: int, program: dict[str, Any], board: Board, memory: Memory) -> Reference:
    """Reference `index` of a program."""
    facts = program["references"][index]
    return KINDS[facts["means"]](index, facts, board, memory)
