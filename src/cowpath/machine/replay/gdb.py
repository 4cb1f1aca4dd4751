# SPDX-License-Identifier: MIT
"""A client of the gdb remote protocol: as much of it as driving QEMU's stub takes."""

from __future__ import annotations

import select
import socket
import struct
import time

from cowpath.machine.errors import MachineError

RIP = 16
"""The number of the instruction pointer among the registers of x86-64."""

SIGTRAP = 5
ANSWER_SECONDS = 60.0
"""Patience for one answer: the guest's processors compete with whatever else this machine does."""

REGISTERS = (
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15", "rip",
)  # fmt: skip


CR2 = 17 * 8 + 4 + 6 * 4 + 3 * 8 + 8
"""Where cr2 is in QEMU's answer: after the flags come six segments, three bases and cr0."""


class GdbError(MachineError):
    """Raised where the stub does not answer, refuses, or has gone."""


class Gdb:
    """A connection to a guest; the guest stands still from the moment it is made."""

    def __init__(self, path: str) -> None:
        self.channel = socket.socket(socket.AF_UNIX)
        self.channel.connect(path)
        self.buffer = b""
        self.running = False
        self._greet("qSupported", "PacketSize")
        self._greet(
            "qXfer:features:read:target.xml:0,ffb", "l"
        )  # it takes `P` only from those who have asked

    def close(self) -> None:
        """Leave the guest to itself."""
        self.channel.close()

    # -- while the guest stands still --------------------------------------------------------------

    def registers(self, processor: str) -> dict[str, int]:
        """Return the general registers of a processor, its flags, and the address of its last fault (cr2)."""
        self._expect(f"Hg{processor}")
        raw = bytes.fromhex(self._ask("g")[: 2 * (CR2 + 8)])
        found = dict(zip([*REGISTERS, "eflags"], struct.unpack_from("<17QI", raw), strict=True))
        return found | {"cr2": struct.unpack_from("<Q", raw, CR2)[0]}

    def processors(self) -> list[str]:
        """Return the processors by their names; the stub may tell them one by one."""
        found: list[str] = []
        answer = self._ask("qfThreadInfo")
        while answer.startswith("m"):
            found += answer[1:].split(",")
            answer = self._ask("qsThreadInfo")
        return found

    def jump(self, processor: str, address: int) -> None:
        """Let a processor go on elsewhere."""
        self._expect(f"Hg{processor}")
        self._expect(f"P{RIP:x}={struct.pack('<Q', address).hex()}")

    def read(self, address: int, length: int) -> bytes:
        """Return kernel memory."""
        found = b""
        while len(found) < length:
            size = min(1024, length - len(found))
            answer = self._ask(f"m{address + len(found):x},{size:x}")
            if answer.startswith("E"):
                raise GdbError(f"{address:#x} cannot be read: {answer}")
            found += bytes.fromhex(answer)
        return found

    def write(self, address: int, content: bytes) -> None:
        """Change kernel memory."""
        self._expect(f"M{address:x},{len(content):x}:{content.hex()}")

    def insert(self, address: int) -> None:
        """Set a breakpoint."""
        self._expect(f"Z0,{address:x},1")

    def remove(self, address: int) -> None:
        """Take a breakpoint away."""
        self._expect(f"z0,{address:x},1")

    def step(self, processor: str) -> None:
        """Do one instruction on one processor; the others stand still."""
        self._send(f"vCont;s:{processor}")
        if self._receive(ANSWER_SECONDS) is None:
            raise GdbError("a single step does not end")

    # -- running -----------------------------------------------------------------------------------

    def resume(self) -> None:
        """Let all processors run."""
        self._send("vCont;c")
        self.running = True

    def interrupt(self) -> None:
        """Let all processors stand still, if they run."""
        if self.running:
            self.channel.sendall(b"\x03")
            if self.stopped(ANSWER_SECONDS) is None:
                raise GdbError("the guest does not stop")

    def stopped(self, seconds: float) -> tuple[str, int] | None:
        """Wait for a stop; return the processor and the signal, None where none comes in time."""
        answer = self._receive(seconds)
        if answer is None:
            return None
        if answer.startswith(("W", "X")):
            raise GdbError("the guest has ended")
        self.running = False
        return answer.partition("thread:")[2].partition(";")[0], int(answer[1:3], 16)

    # -- packets -----------------------------------------------------------------------------------

    def _send(self, text: str) -> None:
        data = text.encode()
        self.channel.sendall(b"$" + data + b"#%02x" % (sum(data) & 255))

    def _receive(self, seconds: float) -> str | None:
        deadline = time.monotonic() + seconds
        while True:
            start = self.buffer.find(b"$")
            end = self.buffer.find(b"#", start)
            if start >= 0 and end >= 0 and len(self.buffer) >= end + 3:
                body, self.buffer = self.buffer[start + 1 : end], self.buffer[end + 3 :]
                self.channel.sendall(b"+")
                return body.decode("latin-1")
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.channel], [], [], left)[0]:
                return None
            more = self.channel.recv(1 << 16)
            if not more:
                raise GdbError("QEMU has closed the connection")
            self.buffer += more

    def _ask(self, text: str) -> str:
        self._send(text)
        answer = self._receive(ANSWER_SECONDS)
        if answer is None:
            raise GdbError(f"no answer to {text[:20]!r}")
        return answer

    def _greet(self, text: str, begins: str) -> None:
        """Ask something whose answer is known by its beginning: when QEMU tells of its stop is not known."""
        self._send(text)
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            answer = self._receive(deadline - time.monotonic())
            if answer is not None and answer.startswith(begins):
                return
        raise GdbError(f"no answer to {text[:20]!r}")

    def _expect(self, text: str) -> None:
        if (answer := self._ask(text)) != "OK":
            raise GdbError(f"{text[:20]!r}: {answer!r}")
