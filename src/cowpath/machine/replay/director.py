# SPDX-License-Identifier: MIT
"""Drives the threads of a test through a kernel: each runs to a place and waits there for its next turn."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cowpath.machine.errors import MachineError
from cowpath.machine.replay.code import Code, Symbols, plain
from cowpath.machine.replay.gdb import SIGTRAP, Gdb, GdbError
from cowpath.machine.replay.loops import Loops

MARKER = "__x64_sys_sched_get_priority_max"
"""The system call that a test makes between two statements, and nobody else makes with such an argument."""

MAGIC = 0x5EED0000
END = 0xFF
"""A marker's argument is MAGIC, the thread's number in the second byte, the next statement's in the first."""

FATAL = ("oops_begin", "panic", "bad_page", "print_bad_pte")
"""Functions that a kernel enters to complain of itself."""

DI, INTERRUPTS, STACK_BITS = 112, 1 << 9, 14
"""pt_regs->di, the interrupt flag, a kernel stack of 16 KB."""

CALLERS = 14
"""So many functions are told of a thread that sleeps."""


@dataclass(frozen=True)
class WatchedPlaces:
    """Places to stop at, by address, with whether only a nonzero result counts there.

    `page`: only in faults of these addresses.
    """

    places: Mapping[int, bool]
    page: range | None = None
    atomic: bool = False
    """A spinlock is held there: who waits must not sleep."""


NOWHERE = WatchedPlaces({})


class UnreachedError(MachineError):
    """Raised where a thread does not come to its place; the text says what it did instead."""


class CrashedError(MachineError):
    """Raised where the kernel has complained of itself; the text names the function."""


@dataclass
class Driven:
    """A thread of the test: its kernel stack, and where it waits."""

    stack: int
    waits_at: int = 0
    where: str = ""
    skip: int = 0
    """The breakpoint that it has just been let go from, and will meet again."""


class Director:
    """A guest and its threads, by number, for as many rounds as it lives.

    With `sleepy` they sleep while they wait, where the kernel may: another waits for RCU (swapoff does), for
    which a processor that only halts is busy.
    """

    def __init__(self, gdb: Gdb, symbols: Symbols, threads: int, sleepy: bool = False) -> None:
        self.gdb, self.symbols, self.count = gdb, symbols, threads
        self.code = Code(symbols, gdb.read)
        self.marker = symbols[MARKER]
        self.fatal = {symbols[name]: name for name in FATAL if name in symbols}
        self.watch = NOWHERE
        self.threads: dict[int, Driven] = {}
        self.loops: Loops | None = None
        self.sleepy = sleepy
        for address in (self.marker, *self.fatal):
            gdb.insert(address)

    def begin(self, first: Sequence[int], seconds: float) -> None:
        """Wait until the threads of a round stand before their first statements.  Raises UnreachedError."""
        self.threads = {}
        deadline = time.monotonic() + seconds
        while any(number not in self.threads or not self.threads[number].where for number in first):
            if self._next(deadline) is None:
                raise UnreachedError(f"the round does not begin: {self._processors()}")

    def run(self, number: int, watch: WatchedPlaces, seconds: float) -> None:
        """Let one thread go on to a place, to its next statement if there is none; all others wait.

        A thread that is about to be forked is waited for first.  Raises UnreachedError or CrashedError.
        """
        deadline = time.monotonic() + seconds
        while not (number in self.threads and self.threads[number].where):
            if self._next(deadline) is None:
                raise UnreachedError("has not begun: nobody has forked it")
        with self._watching(watch):
            self.release(number)
            while True:
                stopped = self._next(deadline)
                if stopped is None:
                    raise UnreachedError(f"did not come in {seconds:.0f} s: {self._whereabouts(number)}")
                if stopped != number:
                    continue
                if watch.places and self.threads[number].waits_at == self.marker:
                    raise UnreachedError("ended its statement without passing there")
                return

    def rest(self, seconds: float) -> None:
        """Let everybody else go on for a while: devices, and the kernel's own threads."""
        deadline = time.monotonic() + seconds
        while self._next(deadline) is not None:
            pass

    def release(self, number: int) -> None:
        """Let a waiting thread go on."""
        thread = self.threads[number]
        if not thread.where:
            raise UnreachedError(f"P{number} is not waiting for its turn")
        self.gdb.interrupt()
        thread.skip = thread.waits_at if self._is_watched(thread.waits_at) else 0
        thread.where = ""
        assert self.loops is not None
        self.loops.open(number)

    def finish(self, seconds: float) -> None:
        """Let all threads go on to the end of the round, as they like, and out of their last loop.

        Until one has left that loop it is not over: what comes next would take it for a thread of the next
        round that has come to its end.  And not a moment longer: that round may begin at once.
        """
        deadline = time.monotonic() + seconds
        ended: set[int] = set()
        while self._is_on(ended) and time.monotonic() < deadline:
            for number, thread in self.threads.items():
                if thread.where == "end":
                    ended.add(number)
                if thread.where:
                    self.release(number)
            self._stop(time.monotonic() + 0.5)
        if not self.gdb.running:
            self.gdb.resume()

    def _is_on(self, ended: set[int]) -> bool:
        return any(number not in ended or thread.skip for number, thread in self.threads.items())

    # -- stops -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _watching(self, watch: WatchedPlaces) -> Iterator[None]:
        self.gdb.interrupt()
        for address in watch.places:
            self.gdb.insert(address)
        self.watch = watch
        try:
            yield
        finally:
            self.gdb.interrupt()
            self.watch = NOWHERE
            for address in watch.places:
                self.gdb.remove(address)

    def _is_watched(self, address: int) -> bool:
        return address == self.marker or address in self.watch.places or address in self.fatal

    def _next(self, deadline: float) -> int | None:
        """Run until a thread of the test waits for its turn; return which, None where time is up.

        Whoever else passes a place goes on.  Raises CrashedError.
        """
        while True:
            number = self._stop(deadline)
            if number is not None or time.monotonic() >= deadline:
                return number

    def _stop(self, deadline: float) -> int | None:
        """Run until a processor stops, for 0.2 s at most; return the thread that waits now, if it is one."""
        if not self.gdb.running:
            self.gdb.resume()
        stopped = self.gdb.stopped(min(0.2, max(deadline - time.monotonic(), 0)))
        if stopped is None or stopped[1] != SIGTRAP:
            return None
        processor = stopped[0]
        registers = self.gdb.registers(processor)
        number = self._who(registers)
        if number is None:
            self._step_over(processor, registers["rip"])
        else:
            self._park(number, processor, registers)
        return number

    def _who(self, registers: dict[str, int]) -> int | None:
        """Return the thread that has come to a place where it is to wait, None for anybody else."""
        address = registers["rip"]
        if address in self.fatal:
            raise CrashedError(f"the kernel came to {self.fatal[address]}")
        stack = registers["rsp"] >> STACK_BITS
        if address == self.marker:
            word = int.from_bytes(self.gdb.read(registers["rdi"] + DI, 8), "little")
            if word & 0xFFFF0000 != MAGIC or word >> 32:
                return None
            number = word >> 8 & 0xFF
            thread = self.threads.setdefault(number, Driven(stack))
            thread.stack = stack
            where = "end" if word & 0xFF == END else f"statement {word & 0xFF}"
        else:
            found = [number for number, thread in self.threads.items() if thread.stack == stack]
            if not found or not self._counts(registers):
                return None
            number, thread, where = found[0], self.threads[found[0]], self.symbols.at(address)
        if thread.skip == address:
            thread.skip = 0
            return None
        thread.where, thread.waits_at = where, address
        return number

    def _counts(self, registers: dict[str, int]) -> bool:
        """Tell whether a thread that has stopped is at a place that is watched, and there for the right page.

        Where two processors stop at once, QEMU may tell of one that has just left its place.
        """
        address, page = registers["rip"], self.watch.page
        if address not in self.watch.places or (self.watch.places[address] and not registers["rax"]):
            return False
        return page is None or registers["cr2"] in page

    def _park(self, number: int, processor: str, registers: dict[str, int]) -> None:
        """Send a thread's processor into the waiting loop."""
        if self.loops is None:
            self.loops = Loops(self.gdb, self.symbols, self.count)
        self.loops.close(number, registers["rip"])
        kind = "halt" if registers["eflags"] & INTERRUPTS else "spin"
        if kind == "halt" and self.sleepy and (registers["rip"] == self.marker or not self.watch.atomic):
            kind = "sleep"
        self.gdb.jump(processor, self.loops.entries[number][kind])

    def _step_over(self, processor: str, address: int) -> None:
        if self._is_watched(address):
            self.gdb.remove(address)
        self.gdb.step(processor)
        if self._is_watched(address):
            self.gdb.insert(address)

    def _whereabouts(self, number: int) -> str:
        """Say where a thread is, that has not come: on a processor, or asleep, and then called by whom."""
        thread = self.threads[number]
        if thread.where:
            return f"it waits at {thread.where}"
        self.gdb.interrupt()
        for processor in self.gdb.processors():
            registers = self.gdb.registers(processor)
            if registers["rsp"] >> STACK_BITS == thread.stack:
                return f"it runs at {self.symbols.at(registers['rip'])}"
        callers = self._callers(thread.stack)
        return f"it sleeps: {' < '.join(callers)}" if callers else "it runs in user space, or waits to run"

    def _processors(self) -> str:
        """Say what each processor does."""
        self.gdb.interrupt()
        at = [self.symbols.at(self.gdb.registers(one)["rip"]) for one in self.gdb.processors()]
        waiting = ", ".join(f"P{number} at {thread.where}" for number, thread in self.threads.items())
        return f"processors are at {', '.join(at)}; {waiting or 'nobody waits'}"

    def _callers(self, stack: int) -> list[str]:
        """Return the functions that a sleeping thread's stack has return addresses of, from schedule() on."""
        try:
            words = struct.unpack(
                f"<{1 << STACK_BITS >> 3}Q", self.gdb.read(stack << STACK_BITS, 1 << STACK_BITS)
            )
        except GdbError:
            return []
        names = [
            plain(self.symbols.at(word).partition("+")[0]) for word in words if word >> 31 == 0x1FFFFFFFF
        ]
        sleeps = [index for index, name in enumerate(names) if name in ("schedule", "__schedule")]
        return list(dict.fromkeys(names[sleeps[-1] :]))[:CALLERS] if sleeps else []
