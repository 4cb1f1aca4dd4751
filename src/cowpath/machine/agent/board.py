# SPDX-License-Identifier: MIT
"""The board: a shared page of bytes on which processes and the controller tell each other what happened.

It outlives every process that writes to it, so what a process saw is known even if it is killed.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

ABSENT, SEEN, FAULTED = 0, 1, 2
"""States of a register or a place of memory: no value, a value, or a fault."""

NOT_TAKEN, HELD, ANSWERED, GONE = 0, 1, 2, 3
"""States of a reference, and of a held read (never GONE: see Board.over).  GONE is given back or refused."""

NOT_STARTED, RUNNING, DONE = 0, 1, 2
"""States of a thread."""

TEXT = 200


OK, ENDED, UNMET, FAILED = b"k", b"e", b"u", b"x"
"""Status of a thread after a statement: done, the thread ended, a precondition does not hold, an error."""


class Cells:
    """A row of bytes in the board."""

    def __init__(self, memory: mmap.mmap, start: int, count: int) -> None:
        self.memory = memory
        self.start = start
        self.count = count

    def __getitem__(self, index: int) -> int:
        return int(self.memory[self.start + index])

    def __setitem__(self, index: int, value: int) -> None:
        self.memory[self.start + index] = value


class Board:
    """Cells for a program as machine/compile.py writes it.

    >>> program = {"pages": [{"places": 2}], "parents": [None], "registers": [[0, "r0"]],
    ...            "threads": [{}], "references": [], "slots": []}
    >>> board = Board(program)
    >>> board.value[0], board.seen[0] = ord("a"), SEEN
    >>> board.registers()
    ['a']
    """

    def __init__(self, program: dict[str, Any]) -> None:
        places = [page["places"] for page in program["pages"]]
        processes, threads = len(program["parents"]), len(program["threads"])
        self.first_place: list[int] = [sum(places[:index]) for index in range(len(places))]
        self.places: int = sum(places)
        registers, memory = len(program["registers"]), processes * self.places
        slots = len(program["slots"])
        counts = (4 * processes, registers, registers, memory, memory, threads, len(program["references"]),
                  slots, slots, slots, processes, threads * TEXT)  # fmt: skip
        self.memory = mmap.mmap(-1, sum(counts) + 1)
        self.pids = (ctypes.c_uint32 * processes).from_buffer(self.memory)
        """Each is written by one store: struct.pack_into would let others see 0, or half a number."""
        starts = [sum(counts[:index]) for index in range(len(counts))]
        cells = [Cells(self.memory, starts[index], counts[index]) for index in range(len(counts))]
        self.seen, self.value, self.memory_seen, self.memory_value = cells[1:5]
        self.thread, self.reference = cells[5:7]
        self.slot = cells[7]
        """Held reads as their server sees them; only it writes here."""
        self.over = cells[8]
        """Held reads that have returned, as their readers see them; only they write here."""
        self.found = cells[9]
        """The bytes that held reads brought, where they read memory and not the file."""
        self.exited = cells[10]
        """Processes that have called exit(); one that ends without it has died."""
        self.texts = cells[11]

    def clear(self) -> None:
        """Set everything as it is before the first statement."""
        self.memory[:] = bytes(len(self.memory))

    def place(self, process: int, page: int, place: int) -> int:
        """Return the index of a place of memory in `memory_seen` and `memory_value`."""
        return process * self.places + self.first_place[page] + place

    def pid(self, process: int) -> int:
        """Return the id of a process; 0 where it was never forked."""
        return self.pids[process]

    def set_pid(self, process: int, pid: int) -> None:
        """Note that a process exists."""
        self.pids[process] = pid

    def say(self, thread: int, text: str) -> None:
        """Leave a sentence that says why the thread stopped."""
        start = self.texts.start + thread * TEXT
        self.memory[start : start + TEXT] = text.encode()[:TEXT].ljust(TEXT, b"\0")

    def text(self, thread: int) -> str:
        """Return the sentence that a thread left."""
        start = self.texts.start + thread * TEXT
        text: bytes = self.memory[start : start + TEXT]
        return text.rstrip(b"\0").decode(errors="replace")

    def registers(self) -> list[str]:
        """Return every register: its value, `-` if never assigned, SEGV after a fault."""
        words = {ABSENT: "-", FAULTED: "SEGV"}
        return [words.get(self.seen[i]) or text_of(self.value[i]) for i in range(self.seen.count)]

    def final_memory(self) -> list[str]:
        """Return every place of every process; empty where nothing is mapped or the process is gone."""
        cells = range(self.memory_seen.count)
        return [text_of(self.memory_value[i]) if self.memory_seen[i] == SEEN else "" for i in cells]


def text_of(byte: int) -> str:
    r"""Return a byte of memory as the litmus language spells it; `\xNN` for one that no test can store.

    >>> text_of(0), text_of(97), text_of(200)
    ('\\0', 'a', '\\xc8')
    """
    if byte == 0:
        return r"\0"
    return chr(byte) if 0x20 < byte < 0x7F else f"\\x{byte:02x}"


def byte_of(value: str) -> int:
    r"""Return the byte for a value of the litmus language.

    >>> byte_of("a"), byte_of(r"\0")
    (97, 0)
    """
    return 0 if value == r"\0" else ord(value)
