# SPDX-License-Identifier: MIT
"""The functions of a running kernel: their symbols, and the calls inside them, by disassembly (x86-64)."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable
from dataclasses import dataclass

from cowpath.machine.errors import MachineError

SUFFIX = re.compile(r"\.(isra|constprop|part|cold|llvm)\b.*")
"""The suffixes that compilers append to a function's name."""


class NoSuchPlaceError(MachineError):
    """Raised where a kernel has no such place: inlined, of another name, or not built in."""


def plain(name: str) -> str:
    """Return a function's name as the source has it.

    >>> plain("try_to_unmap_one.isra.0")
    'try_to_unmap_one'
    """
    return SUFFIX.sub("", name)


class Symbols:
    """/proc/kallsyms.

    >>> symbols = Symbols("ffffffff81000000 T one\\nffffffff81000040 t two\\nffffffff81000050 T end\\n")
    >>> symbols.at(0xffffffff81000044), symbols.parts("one")
    ('two+0x4', [(18446744071578845184, 64)])
    """

    def __init__(self, text: str) -> None:
        self.addresses: dict[str, int] = {}
        self.by_plain: dict[str, list[int]] = {}
        code: list[tuple[int, str]] = []
        everything: set[int] = set()
        for line in text.splitlines():
            address, kind, name = line.split()[:3]
            value = int(address, 16)
            everything.add(value)
            self.addresses.setdefault(name, value)
            if kind in "tTwW":
                code.append((value, name))
                self.by_plain.setdefault(plain(name), []).append(value)
        self.code = sorted(code)
        self.starts = [value for value, _ in self.code]
        self.ends = sorted(everything)

    def __getitem__(self, name: str) -> int:
        if name not in self.addresses:
            raise NoSuchPlaceError(f"this kernel has no symbol {name}")
        return self.addresses[name]

    def __contains__(self, name: str) -> bool:
        return name in self.addresses

    def parts(self, function: str) -> list[tuple[int, int]]:
        """Return where a function is, and how long: itself, and what the compiler has split off."""
        found = []
        for value in sorted(set(self.by_plain.get(function, []))):
            index = bisect.bisect_right(self.ends, value)
            if index < len(self.ends):
                found.append((value, self.ends[index] - value))
        return found

    def at(self, address: int) -> str:
        """Return an address as the kernel prints it."""
        index = bisect.bisect_right(self.starts, address) - 1
        if index < 0:
            return hex(address)
        value, name = self.code[index]
        return f"{name}+{address - value:#x}"


@dataclass(frozen=True)
class Call:
    """A call inside a function, or a jump to another one (a tail call)."""

    address: int
    after: int
    callee: str
    is_jump: bool


class Code:
    """Kernel functions, disassembled when somebody asks; `read(address, length)` is the kernel's memory."""

    def __init__(self, symbols: Symbols, read: Callable[[int, int], bytes]) -> None:
        try:
            import capstone
        except ImportError:
            message = 'replay needs capstone, which disassembles: pip install "cowpath[replay]"'
            raise MachineError(message) from None
        self.symbols = symbols
        self.read = read
        self.disassembler = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self.known: dict[str, list[Call]] = {}

    def calls(self, function: str) -> list[Call]:
        """Return every direct call that leaves a function.  Raises NoSuchPlaceError where there is none."""
        if function not in self.known:
            parts = self.symbols.parts(function)
            if not parts:
                raise NoSuchPlaceError(f"no function {function}: inlined, or of another name")
            inside = [(start, start + size) for start, size in parts]
            self.known[function] = [
                call for start, size in parts for call in self._calls(start, size, inside)
            ]
        return self.known[function]

    def _calls(self, start: int, size: int, inside: list[tuple[int, int]]) -> list[Call]:
        found = []
        code = self.read(start, size)
        for address, length, mnemonic, operands in self.disassembler.disasm_lite(code, start):
            if mnemonic not in ("call", "jmp") or not operands.startswith("0x"):
                continue
            target = int(operands, 16)
            if mnemonic == "jmp" and any(low <= target < high for low, high in inside):
                continue
            name = plain(self.symbols.at(target).removesuffix("+0x0"))
            found.append(Call(address, address + length, name, mnemonic == "jmp"))
        return found

    def before(self, function: str, callee: str) -> list[int]:
        """Return the addresses of a function's calls of another.  Raises NoSuchPlaceError."""
        return [call.address for call in self._of(function, callee)]

    def after(self, function: str, callee: str) -> list[int]:
        """Return where those calls come back.  Raises NoSuchPlaceError, for a tail call too."""
        there = self._of(function, callee)
        if any(call.is_jump for call in there):
            raise NoSuchPlaceError(f"{function} ends with {callee} (a tail call): nothing comes after it")
        return [call.after for call in there]

    def _of(self, function: str, callee: str) -> list[Call]:
        there = [call for call in self.calls(function) if call.callee == callee]
        if not there:
            raise NoSuchPlaceError(f"{function} does not call {callee} here")
        return there
