# SPDX-License-Identifier: MIT
"""The director, against a stub whose processors stop where they are told to."""

from __future__ import annotations

import struct
from typing import Any, cast

import pytest

from cowpath.machine.replay.code import Symbols
from cowpath.machine.replay.director import DI, MAGIC, Director, UnreachedError, WatchedPlaces
from cowpath.machine.replay.gdb import SIGTRAP, Gdb

MARKER, PLACE, ELSEWHERE, ROOM = (
    0xFFFFFFFF81000000,
    0xFFFFFFFF81001000,
    0xFFFFFFFF81002000,
    0xFFFFFFFF81010000,
)
SYMBOLS = f"""{MARKER:x} T __x64_sys_sched_get_priority_max
{PLACE:x} T do_swap_page
{ELSEWHERE:x} T somewhere_else
{ROOM:x} T hibernate
{ROOM + 0x1000:x} T schedule_timeout_uninterruptible
{ROOM + 0x2000:x} T end
"""
END = 0xFF
SOON = 0.01


class Stub:
    """Processors that stop in a given order; each has a thread of its own, with a kernel stack of its own."""

    def __init__(self) -> None:
        self.running = False
        self.stops: list[tuple[int, int, int, int]] = []
        self.jumps: list[int] = []
        self.steps: list[int] = []
        self.now: tuple[int, int, int, int] = (0, 0, 0, 0)

    def mark(self, thread: int, statement: int) -> None:
        """A thread comes to a mark."""
        self.stops.append((thread, MARKER, statement, 0))

    def at(self, thread: int, address: int, cr2: int = 0) -> None:
        """A thread's processor stops at an address."""
        self.stops.append((thread, address, 0, cr2))

    def stopped(self, seconds: float) -> tuple[str, int] | None:
        if not self.stops:
            return None
        self.running = False
        self.now = self.stops.pop(0)
        return str(self.now[0]), SIGTRAP

    def registers(self, processor: str) -> dict[str, int]:
        thread, address, _, cr2 = self.now
        return {"rip": address, "rsp": thread + 1 << 14, "rdi": 0, "rax": 1, "eflags": 0x200, "cr2": cr2}

    def read(self, address: int, length: int) -> bytes:
        assert (address, length) == (DI, 8)
        return struct.pack("<Q", MAGIC | self.now[0] << 8 | self.now[2])

    def resume(self) -> None:
        self.running = True

    def interrupt(self) -> None:
        self.running = False

    def insert(self, address: int) -> None:
        pass

    def remove(self, address: int) -> None:
        pass

    def write(self, address: int, content: bytes) -> None:
        pass

    def jump(self, processor: str, address: int) -> None:
        self.jumps.append(int(processor))

    def step(self, processor: str) -> None:
        self.steps.append(int(processor))

    def processors(self) -> list[str]:
        return []


@pytest.fixture
def stub() -> Stub:
    pytest.importorskip("capstone")
    return Stub()


def directed(stub: Stub) -> Director:
    return Director(cast(Gdb, cast(Any, stub)), Symbols(SYMBOLS), 2)


def begun(stub: Stub) -> Director:
    """A round whose two threads wait before their first statements."""
    director = directed(stub)
    stub.mark(0, 0)
    stub.mark(1, 0)
    director.begin([0, 1], SOON)
    return director


def test_a_round_that_is_over_does_not_take_the_next_ones_threads(stub: Stub) -> None:
    director = begun(stub)
    for thread in (0, 1):
        stub.at(thread, MARKER)  # it leaves the loop, and meets its mark again
        stub.mark(thread, END)
        stub.at(thread, MARKER)
    stub.mark(1, 0)  # of the next round, as soon as the last has left
    director.finish(SOON * 100)
    assert stub.stops == [(1, MARKER, 0, 0)]
    stub.mark(0, 0)
    director.begin([0, 1], SOON)


def test_a_processor_that_stops_nowhere_has_not_arrived(stub: Stub) -> None:
    director = begun(stub)
    stub.at(0, MARKER)
    stub.at(0, ELSEWHERE)
    stub.at(0, PLACE)
    director.run(0, WatchedPlaces({PLACE: False}), SOON)
    assert director.threads[0].waits_at == PLACE
    assert stub.steps == [0, 0]


def test_a_fault_of_another_page_does_not_count(stub: Stub) -> None:
    director = begun(stub)
    stub.at(0, MARKER)
    stub.at(0, PLACE, cr2=0x7FFF0000)
    stub.at(0, PLACE, cr2=0x10000000)
    director.run(0, WatchedPlaces({PLACE: False}, range(0x10000000, 0x10001000)), SOON)
    assert stub.stops == []


def test_a_statement_that_ends_without_the_place_is_told(stub: Stub) -> None:
    director = begun(stub)
    stub.at(0, MARKER)
    stub.mark(0, 1)
    with pytest.raises(UnreachedError, match="ended its statement without passing there"):
        director.run(0, WatchedPlaces({PLACE: False}), SOON)


def test_a_child_that_nobody_forks_is_told(stub: Stub) -> None:
    with pytest.raises(UnreachedError, match="has not begun: nobody has forked it"):
        begun(stub).run(2, WatchedPlaces({}), SOON)
