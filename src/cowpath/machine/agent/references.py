# SPDX-License-Identifier: MIT
"""References to pages, by the one way in which user space can hold each kind of them.

A writable FOLL_GET is an O_DIRECT read that is not answered yet, one held read for each device_write; a
read-only one is a page in a pipe.  A writable pin is an io_uring fixed buffer; a read-only one is a
process_vm_readv that waits for the page it copies to, one for each device_read.  Everything here is made
before the processes of a test are forked, so each of them can use any reference.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from . import calls
from .board import GONE, HELD, NOT_TAKEN, Board
from .fuse import SLOT_BYTES, HeldFile
from .memory import Memory
from .uring import Ring

POLL = 0.0002


class Reference:
    """The base of all kinds: a state on the board; device operations wait until the reference is taken."""

    pins = False
    """True for FOLL_PIN."""

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
        """Let the device write a byte to a place."""
        raise NotImplementedError

    def read(self, slot: int, place: int) -> int | None:
        """Let the device read the byte of a place; None where the reference was given back meanwhile."""
        raise NotImplementedError

    def held_by(self, file: HeldFile | None, fd: int) -> Reference:
        """Tell the reference which file's server is to wait; return the reference."""
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

    def read(self, slot: int, place: int) -> int | None:
        """Look at the page through a second reference (tee), so that the first stays."""
        reader, writer = os.pipe()
        try:
            length = calls.tee(self.reader, writer, calls.PAGE)
            return os.read(reader, length)[self.memory.offset(self.page, place)]
        except BlockingIOError:  # put_page has emptied the pipe since we looked
            return None
        finally:
            os.close(reader)
            os.close(writer)

    def _put(self) -> None:
        os.read(self.reader, calls.PAGE)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.reader)
        os.close(self.writer)


class HeldReference(Reference):
    """Held by calls that wait until the server of a FUSE file answers; each is a slot."""

    file: HeldFile
    fd: int
    unused: int | None = None
    """The answer for a call that is not needed any more: a byte, or None for an error."""

    def __init__(self, index: int, facts: dict[str, Any], board: Board, memory: Memory) -> None:
        super().__init__(index, facts, board, memory)
        self.slots: list[tuple[int, int]] = [(slot, place) for slot, place in facts["slots"]]

    def held_by(self, file: HeldFile | None, fd: int) -> Reference:
        """Tell the reference which file's server is to wait, opened as `fd`; return the reference."""
        assert file is not None
        self.file, self.fd = file, fd
        return self

    def _take(self) -> None:
        for slot, place in self.slots:
            self._hold(slot, place)

    def _hold(self, slot: int, place: int) -> None:
        failure: list[int | None] = [None]

        def call() -> None:
            try:
                self._call(slot, place)
            except OSError as error:
                failure[0] = error.errno
            self.board.over[slot] = 1

        threading.Thread(target=call, daemon=True).start()
        while self.board.slot[slot] == NOT_TAKEN and not self.board.over[slot]:
            time.sleep(POLL)
        if self.board.slot[slot] == NOT_TAKEN:
            raise OSError(failure[0] or 0, "what was to hold the page returned at once")

    def _call(self, slot: int, place: int) -> None:
        """The system call that takes the reference and waits."""
        raise NotImplementedError

    def _put(self) -> None:
        for slot, _ in self.slots:
            if self.board.slot[slot] == HELD:
                self.file.answer(slot, self.unused)
        while any(self.board.slot[slot] == HELD or not self.board.over[slot] for slot, _ in self.slots):
            time.sleep(POLL)  # for the server and the caller both: neither may speak of it in the next round


class HeldReadReference(HeldReference):
    """Held by O_DIRECT reads that nobody has answered: FOLL_GET|FOLL_WRITE, where the kernel does not pin."""

    def __init__(self, index: int, facts: dict[str, Any], board: Board, memory: Memory) -> None:
        super().__init__(index, facts, board, memory)
        self.companion = PipeReference(index, facts, board, memory) if facts["companion"] else None

    def _take(self) -> None:
        super()._take()
        if self.companion:
            self.companion._take()

    def _call(self, slot: int, place: int) -> None:
        length = min(512, self.memory.stride(self.page))
        calls.pread_into(self.fd, self.memory.place(self.page, place), length, slot * SLOT_BYTES)

    def write(self, slot: int, place: int, value: int) -> None:
        """Answer the held read that was made for this write."""
        self.file.answer(slot, value)
        while self.board.slot[slot] == HELD:
            time.sleep(POLL)

    def read(self, slot: int, place: int) -> int | None:
        """Read through the reference for reading that was taken with this one."""
        assert self.companion is not None
        return self.companion.read(slot, place)

    def _put(self) -> None:
        super()._put()
        if self.companion:
            self.companion._put()

    def close(self) -> None:
        """Close the companion."""
        if self.companion:
            self.companion.close()


class RemoteReadReference(HeldReference):
    """process_vm_readv to a page of the held file: the source has a read-only FOLL_PIN for all that time.

    The copy starts at the beginning of the source, far before the place, so that nothing of the place is in
    a register already when the copy stops at the page that is not there.
    """

    pins = True
    unused = 0  # after an error the page fault would come again

    def held_by(self, file: HeldFile | None, fd: int) -> Reference:
        """Map the pages to copy to as well, before any of them is waited for."""
        super().held_by(file, fd)
        flags, protection = calls.MAP_PRIVATE, calls.PROT_READ | calls.PROT_WRITE
        self.targets = {}
        for slot, _ in self.slots:
            target = calls.map_memory(calls.PAGE, protection, flags, 0, fd, slot * SLOT_BYTES)
            calls.madvise(target, calls.PAGE, "MADV_RANDOM")  # no readahead: its answer is not waited for
            self.targets[slot] = target
        return self

    def _call(self, slot: int, place: int) -> None:
        target, offset = self.targets[slot], self.memory.offset(self.page, place)
        calls.read_through_pin(self.memory.address(self.page), offset + 1, target)
        self.board.found[slot] = ctypes.string_at(target + offset, 1)[0]

    def read(self, slot: int, place: int) -> int:
        """Let the copy that was made for this go on."""
        self.file.answer(slot, 0)
        while not self.board.over[slot]:
            time.sleep(POLL)
        return self.board.found[slot]

    def close(self) -> None:
        """Unmap the targets."""
        for target in self.targets.values():
            calls.unmap(target, calls.PAGE)


class FixedBufferReference(Reference):
    """An io_uring fixed buffer: FOLL_PIN|FOLL_WRITE|FOLL_LONGTERM until it is unregistered."""

    pins = True

    def __init__(self, index: int, facts: dict[str, Any], board: Board, memory: Memory) -> None:
        super().__init__(index, facts, board, memory)
        self.ring = Ring()
        self.turn = os.pipe()  # holds one byte while nobody uses the ring
        os.write(self.turn[1], b"t")

    def _take(self) -> None:
        self.ring.register(self.memory.address(self.page), calls.PAGE)

    def write(self, slot: int, place: int, value: int) -> None:
        """Write to memory with READ_FIXED."""
        with self._my_turn() as registered:
            if registered:
                self.ring.write_memory(self.memory.place(self.page, place), value)

    def read(self, slot: int, place: int) -> int | None:
        """Read from memory with WRITE_FIXED."""
        with self._my_turn() as registered:
            return self.ring.read_memory(self.memory.place(self.page, place)) if registered else None

    @contextlib.contextmanager
    def _my_turn(self) -> Iterator[bool]:
        """Have the ring to ourselves; False where the buffer was unregistered before it was our turn."""
        os.read(self.turn[0], 1)
        try:
            yield self.board.reference[self.index] == HELD
        finally:
            os.write(self.turn[1], b"t")

    def _put(self) -> None:
        with self._my_turn():
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
    "remote-read": RemoteReadReference,
    "fixed-buffer": FixedBufferReference,
}


def make_reference(index: int, program: dict[str, Any], board: Board, memory: Memory) -> Reference:
    """Make reference `index` of a program, by the means that the compiler chose."""
    facts = program["references"][index]
    return KINDS[facts["means"]](index, facts, board, memory)
