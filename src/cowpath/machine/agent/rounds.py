# SPDX-License-Identifier: MIT
"""One round after the other: start process 0, let the threads go, look, clear away."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from . import calls, ksm, numa
from .board import DONE, Board
from .fuse import HeldFile
from .memory import Memory
from .process import FREE, OBSERVE, STEP, Channels, Process
from .references import FixedBufferReference, HeldReadReference, PipeReference, Reference
from .statements import ENDED, FAILED, UNMET

TOO_MANY_FAILURES = 3


@dataclass
class Tally:
    """What the rounds of a test came to."""

    outcomes: dict[tuple[str, ...], int] = field(default_factory=dict)
    orders: dict[tuple[str, ...], list[int]] = field(default_factory=dict)  # an order that led there
    unmet: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    hangs: int = 0

    def count(self, table: dict[str, int], reason: str) -> None:
        """One more round that ended like this."""
        table[reason] = table.get(reason, 0) + 1

    @property
    def hopeless(self) -> bool:
        """Whether more rounds are a waste of time."""
        return self.hangs + sum(self.failures.values()) >= TOO_MANY_FAILURES


class RoundFailedError(Exception):
    """A round without an outcome: a status byte of statements.py and its reason."""

    def __init__(self, status: bytes, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def run_rounds(job: dict[str, Any], board: Board, file: HeldFile | None) -> Tally:
    """Every round of a job."""
    tally = Tally()
    orders = job["orders"]
    chance = random.Random(job["seed"])
    fd = file.open() if file else -1
    for number in range(job["rounds"]):
        board.clear()
        order = orders[number % len(orders)] if orders else []
        with contextlib.ExitStack() as stack:
            current = stack.enter_context(contextlib.closing(Round(job, board, file, fd, chance)))
            _one(current, order, tally)
        if tally.hopeless:
            break
    return tally


def _one(current: Round, order: list[int], tally: Tally) -> None:
    try:
        outcome = current.run(order)
    except TimeoutError:
        tally.hangs += 1
    except RoundFailedError as failed:
        tally.count(tally.unmet if failed.status == UNMET else tally.failures, str(failed))
    else:
        tally.outcomes[outcome] = tally.outcomes.get(outcome, 0) + 1
        tally.orders.setdefault(outcome, order)


class Round:
    """The processes of one round, seen from outside."""

    def __init__(
        self, job: dict[str, Any], board: Board, file: HeldFile | None, fd: int, chance: random.Random
    ) -> None:
        self.job, self.board, self.file, self.chance = job, board, file, chance
        self.program = job["program"]
        self.deadline = time.monotonic() + job["round_seconds"]
        self.memory = Memory(self.program)
        self.references = [self._reference(i, fd) for i in range(len(self.program["references"]))]
        self.channels = Channels(len(self.program["threads"]), len(self.program["parents"]))
        process = Process(job, board, self.memory, self.references, self.channels)
        self.pid = process.start(0, self._prepare)
        with contextlib.suppress(OSError):  # as process 0 does itself: whoever comes first
            os.setpgid(self.pid, self.pid)
        for _, writer in self.channels.life:
            os.close(writer)
        self.ended: set[int] = set()

    def _reference(self, index: int, fd: int) -> Reference:
        facts = self.program["references"][index]
        if facts["means"] == "pipe":
            return PipeReference(index, facts, self.board, self.memory)
        if facts["means"] == "fixed-buffer":
            return FixedBufferReference(index, facts, self.board, self.memory)
        assert self.file is not None
        return HeldReadReference(index, facts, self.board, self.memory, self.file, fd)

    def _prepare(self) -> None:
        """In process 0: a process group of its own, so that all of a round can be killed at once."""
        os.setpgid(0, 0)
        self.memory.populate()

    def run(self, order: list[int]) -> tuple[str, ...]:
        """The outcome.  Raises RoundFailedError or TimeoutError."""
        if self.job["mode"] == "free":
            self._free()
        else:
            for actor in order:
                self._step(actor)
        for process in range(len(self.program["parents"])):
            if self.board.pid(process) and not self._gone(process):
                os.write(self.channels.ask[process][1], OBSERVE)
                self._await(self.channels.told[process][0], process)
        return (*self.board.registers(), *self.board.final_memory())

    # -- driven: one statement at a time -----------------------------------------------------------

    def _step(self, actor: int) -> None:
        threads = self.program["threads"]
        if actor >= len(threads):
            self._background(self.program["background"][actor - len(threads)])
            return
        process = threads[actor]["process"]
        if actor in self.ended or not self.board.pid(process) or self._gone(process):
            return  # it met a fault, or nobody was left to fork it
        os.write(self.channels.go[actor][1], STEP)
        self._report(actor, self._await(self.channels.done[actor][0], process))

    def _report(self, thread: int, status: bytes) -> None:
        if status in (UNMET, FAILED):
            raise RoundFailedError(status, self.board.text(thread))
        if status == ENDED:
            self.ended.add(thread)

    def _await(self, fd: int, process: int) -> bytes:
        """A status byte, or ENDED where the process has gone.  Raises TimeoutError."""
        life = self.channels.life[process][0]
        ready, _, _ = select.select([fd, life], [], [], max(self.deadline - time.monotonic(), 0))
        if fd in ready:
            return os.read(fd, 1)
        if life in ready:
            return ENDED
        raise TimeoutError

    def _gone(self, process: int) -> bool:
        ready, _, _ = select.select([self.channels.life[process][0]], [], [], 0)
        return bool(ready)

    # -- free: everybody at once -------------------------------------------------------------------

    def _free(self) -> None:
        for _, writer in self.channels.go:
            os.write(writer, FREE)
        background = self.program["background"]
        while not self._all_done():
            if time.monotonic() > self.deadline:
                raise TimeoutError
            if background:
                self._background(self.chance.choice(background))
            time.sleep(self.chance.random() * 0.001)
        for thread in range(len(self.channels.done)):
            fd = self.channels.done[thread][0]
            while select.select([fd], [], [], 0)[0]:
                self._report(thread, os.read(fd, 1) or ENDED)
                if thread in self.ended:
                    break

    def _all_done(self) -> bool:
        threads, board = self.program["threads"], self.board
        alive = [i for i in range(len(threads)) if board.pid(threads[i]["process"])]
        done = all(board.thread[i] == DONE or self._gone(threads[i]["process"]) for i in alive)
        return done and bool(alive)

    def _background(self, actor: dict[str, Any]) -> None:
        """kswapd, ksmd or a migration, if they can: nobody waits for them and nobody minds."""
        address = self.memory.address(actor["pages"][0])
        with contextlib.suppress(OSError):
            if actor["kind"] == "ksmd":
                ksm.scan()
                return
            for process in range(len(self.program["parents"])):
                if pid := self.board.pid(process):
                    if actor["kind"] == "kswapd":
                        calls.page_out_other(pid, address)
                    else:
                        numa.move_elsewhere(pid, address)

    def close(self) -> None:
        """Kill what is left of the round, and give back what it held."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            os.killpg(self.pid, signal.SIGKILL)
        if self.file:
            self.file.reset()
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-self.pid, 0)
        for reference in self.references:
            reference.close()
        self.channels.close()
        self.memory.close()
