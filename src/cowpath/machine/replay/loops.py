# SPDX-License-Identifier: MIT
"""Where a thread waits for its turn: loops of our own, written over kernel code that never runs (x86-64).

A processor that stands still would hold up the others: TLB shootdowns, RCU, ticks.  So one that must wait is
sent into a loop, and its thread goes on where it stood once a byte is set.  It halts with interrupts on,
spins where they are off, and sleeps tick by tick where somebody waits for RCU and the kernel may sleep.
"""

from __future__ import annotations

import struct

from cowpath.machine.replay.code import NoSuchPlaceError, Symbols
from cowpath.machine.replay.gdb import Gdb

DEAD = (
    "__do_sys_kexec_load", "__x64_sys_kexec_load", "do_kexec_load", "kernel_kexec", "hibernate",
    "__do_sys_pivot_root", "__x64_sys_pivot_root", "__x64_sys_acct",
)  # fmt: skip
"""Functions that no test calls."""

SLEEP = "schedule_timeout_uninterruptible"

CELL_BYTES = 16
PUSHF, POPF, HALT, PAUSE = b"\x9c", b"\x9d", b"\xf4", b"\xf3\x90"
SAVE = bytes.fromhex("50 51 52 56 57 4150 4151 4152 4153 55 4889e5 4883e4f0".replace(" ", ""))
"""push what a call may change; mov rbp, rsp; and rsp, -16"""
RESTORE = bytes.fromhex("4889ec 5d 415b 415a 4159 4158 5f 5e 5a 59 58".replace(" ", ""))
ONE_TICK = b"\xbf\x01\x00\x00\x00"
"""mov edi, 1"""


class Loops:
    """A loop of each kind for each thread: `sleep`, `halt` and `spin`."""

    def __init__(self, gdb: Gdb, symbols: Symbols, threads: int) -> None:
        self.gdb = gdb
        self.sleep = symbols[SLEEP]
        self.room = [part for name in DEAD for part in symbols.parts(name)]
        self.cells: list[int] = []
        self.entries: list[dict[str, int]] = []
        for _ in range(threads):
            cell = self._take(CELL_BYTES)
            self.cells.append(cell)
            self.entries.append({kind: self._loop(cell, kind) for kind in ("sleep", "halt", "spin")})

    def close(self, thread: int, target: int) -> None:
        """Let the thread's loops wait; after them it goes on at `target`."""
        self.gdb.write(self.cells[thread], struct.pack("<QQ", 0, target))

    def open(self, thread: int) -> None:
        """End the wait."""
        self.gdb.write(self.cells[thread], b"\x01")

    def _take(self, length: int) -> int:
        """Return the address of so many bytes that never run."""
        for index, (start, size) in enumerate(self.room):
            if size >= length:
                self.room[index] = (start + length, size - length)
                return start
        raise NoSuchPlaceError("this kernel has not enough code that never runs for the waiting loops")

    def _loop(self, cell: int, kind: str) -> int:
        at = self._take(len(loop(kind, 0, 0, 0)))
        self.gdb.write(at, loop(kind, at, cell, self.sleep))
        return at


def loop(kind: str, at: int, cell: int, sleep: int) -> bytes:
    """Return the code of a loop at an address: wait until the cell's first byte is set, then jump.

    >>> [len(loop(kind, 0x1000, 0x2000, 0x3000)) for kind in ("sleep", "halt", "spin")]
    [65, 18, 19]
    """
    code = PUSHF + (SAVE if kind == "sleep" else b"")
    again = len(code)
    if kind == "sleep":
        code += ONE_TICK
        code += b"\xe8" + struct.pack("<i", (sleep - (at + len(code) + 5)) if at else 0)  # call
    else:
        code += HALT if kind == "halt" else PAUSE
    code += (
        b"\x80\x3d" + struct.pack("<i", (cell - (at + len(code) + 7)) if at else 0) + b"\x00"
    )  # cmpb $0, cell
    code += b"\x74" + struct.pack("<b", again - (len(code) + 2))  # je again
    code += (RESTORE if kind == "sleep" else b"") + POPF
    return (
        code + b"\xff\x25" + struct.pack("<i", (cell + 8 - (at + len(code) + 6)) if at else 0)
    )  # jmp *cell+8
