# SPDX-License-Identifier: MIT
"""Runs a test round after round: tell process 0 to begin, let the threads go, look, clear away."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import time
from typing import Any

from . import calls, cgroup
from .actors import ACTORS
from .board import DONE, ENDED, FAILED, HELD, UNMET, Board
from .fuse import HeldFile
from .process import OBSERVE, ROUND, STEP, Channels, Process
from .references import POLL
from .setting import write
from .statements import execute
from .swap import ZSWAP

TOO_MANY_FAILURES = 3
LET_GO_SECONDS = 1.0

Outcome = tuple[str, ...]


class Tally:
    """Counts what the rounds of a test came to."""

    def __init__(self) -> None:
        self.outcomes: dict[Outcome, int] = {}
        self.orders: dict[Outcome, list[int]] = {}  # an order that led there
        self.unmet: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.hangs = 0

    @property
    def hopeless(self) -> bool:
        """True where more rounds would be a waste of time."""
        return self.hangs + sum(self.failures.values()) >= TOO_MANY_FAILURES


class RoundFailedError(Exception):
    """Raised for a round without an outcome, with a status byte (board.py) and the reason."""

    def __init__(self, status: bytes, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def run_rounds(job: dict[str, Any], board: Board, file: HeldFile | None) -> Tally:
    """Run every round of a job and count the outcomes."""
    tally = Tally()
    orders: list[list[int]] = job["orders"]
    with contextlib.ExitStack() as stack:
        controller: Controller | None = None
        for number in range(job["rounds"]):
            if controller is None:
                controller = Controller(job, board, file, number)
                stack.callback(controller.close)
            healthy = _count(controller, orders[number % len(orders)] if orders else [], tally)
            if not healthy:
                stack.pop_all().close()
                controller = None
            if tally.hopeless:
                break
    return tally


def _count(controller: Controller, order: list[int], tally: Tally) -> bool:
    """Run one round; return whether process 0 is as good as new afterwards."""
    try:
        outcome = controller.run(order)
    except TimeoutError:
        tally.hangs += 1
        return False
    except RoundFailedError as failed:
        table = tally.unmet if failed.status == UNMET else tally.failures
        table[str(failed)] = table.get(str(failed), 0) + 1
        return False
    tally.outcomes[outcome] = tally.outcomes.get(outcome, 0) + 1
    tally.orders.setdefault(outcome, order)
    return controller.clear()


class Controller:
    """Drives process 0 and its children from outside."""

    def __init__(self, job: dict[str, Any], board: Board, file: HeldFile | None, seed: int) -> None:
        self.job, self.board, self.file = job, board, file
        self.program = job["program"]
        self.chance = random.Random(job["seed"] + seed)
        self.channels = Channels(len(self.program["threads"]), len(self.program["parents"]))
        self.fd = file.open() if file else -1
        process = Process(job, board, self.channels, file, self.fd, execute)
        self.memory = process.memory
        ourselves = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                process.be_first(ourselves)
            finally:
                os._exit(1)
        with contextlib.suppress(OSError):  # as process 0 does itself: whoever comes first
            os.setpgid(self.pid, self.pid)
        self.watches: dict[int, int] = {}  # process -> a descriptor that tells when it ends
        self.ended: set[int] = set()
        self.deadline = 0.0

    def run(self, order: list[int]) -> Outcome:
        """Run one round and return its outcome.  Raises RoundFailedError or TimeoutError."""
        self.deadline = time.monotonic() + self.job["round_seconds"]
        self.board.clear()
        self.board.set_pid(0, self.pid)
        if self.program["switches_zswap"]:
            write(ZSWAP, "Y")
        self._ask(0, ROUND)
        if self.job["mode"] == "free":
            self._free()
        else:
            for actor in order:
                self._step(actor)
        for process in range(len(self.program["parents"])):
            if self.board.exited[process]:
                self._await_end(process)
            elif self.board.pid(process):
                self._ask(process, OBSERVE)
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

    def _ask(self, process: int, command: bytes) -> None:
        os.write(self.channels.ask[process][1], command)
        answer = self._await(self.channels.told[process][0], process)
        threads = self.program["threads"]
        first = next(i for i in range(len(threads)) if threads[i]["process"] == process)
        if answer == ENDED:
            raise RoundFailedError(FAILED, f"process {process} died")
        self._report(first, answer)

    def _await(self, fd: int, process: int) -> bytes:
        """Wait for a status byte; return ENDED where the process has gone.  Raises TimeoutError."""
        watch = self._watch(process)
        watched = [fd] if watch is None else [fd, watch]
        patience = 0 if watch is None else max(self.deadline - time.monotonic(), 0)
        ready, _, _ = select.select(watched, [], [], patience)
        if fd in ready:
            return os.read(fd, 1)
        if watch is None or watch in ready:
            return ENDED
        raise TimeoutError

    def _await_end(self, process: int) -> None:
        """Wait until a process that has called exit() is gone, memory and all.  Raises TimeoutError."""
        watch = self._watch(process)
        patience = max(self.deadline - time.monotonic(), 0)
        if watch is not None and not select.select([watch], [], [], patience)[0]:
            raise TimeoutError

    def _watch(self, process: int) -> int | None:
        """Return a descriptor that is readable once the process has ended; None where it is gone already."""
        if process not in self.watches:
            try:
                pid = self.board.pid(process)
                self.watches[process] = calls.syscall(calls.PIDFD_OPEN, "pidfd_open", pid, 0)
            except ProcessLookupError:
                return None
        return self.watches[process]

    def _gone(self, process: int) -> bool:
        watch = self._watch(process)
        return watch is None or bool(select.select([watch], [], [], 0)[0])

    # -- free: everybody at once -------------------------------------------------------------------

    def _free(self) -> None:
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
                self._report(thread, os.read(fd, 1))

    def _all_done(self) -> bool:
        """Tell whether all threads of all processes are done, of those that were forked just now, too.

        A fork may come between two looks.  Its process is known before the thread that forked is done.
        """
        threads, board = self.program["threads"], self.board
        while True:
            pids = [board.pid(thread["process"]) for thread in threads]
            there = [i for i in range(len(threads)) if pids[i]]
            if not all(board.thread[i] == DONE or self._gone(threads[i]["process"]) for i in there):
                return False
            if pids == [board.pid(thread["process"]) for thread in threads]:
                return True

    def _background(self, actor: dict[str, Any]) -> None:
        """Let a background actor act; it is no error if it cannot.

        A job with a control group has no other actor than kswapd.
        """
        pids = [self.board.pid(process) for process in range(len(self.program["parents"]))]
        with contextlib.suppress(OSError):
            if self.job.get("cgroup"):
                cgroup.reclaim(self.job["cgroup"])
                return
            ACTORS[actor["kind"]](self.memory.address(actor["pages"][0]), [pid for pid in pids if pid])

    # -- afterwards --------------------------------------------------------------------------------

    def clear(self) -> bool:
        """Clear away all of the round but process 0; return whether that was possible."""
        self.ended.clear()
        for process, watch in list(self.watches.items()):
            if process:
                pid = self.board.pid(process)
                assert pid, "0 would be ourselves"
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                os.close(watch)
                del self.watches[process]
        self._reap()
        if self._gone(0) or not self._let_go():
            return False
        threads = self.program["threads"]
        return all(self.board.thread[i] == DONE for i in range(len(threads)) if threads[i]["process"] == 0)

    def _let_go(self) -> bool:
        """End what process 0 still holds; return whether all of it came to an end soon."""
        if not any(self.board.slot[i] == HELD for i in range(self.board.slot.count)):
            return True
        assert self.file is not None
        self.file.reset()
        own = [i for r in self.program["references"] if not r.get("process") for i, _ in r.get("slots", [])]
        deadline = time.monotonic() + LET_GO_SECONDS
        while any(self.board.slot[i] and not self.board.over[i] for i in own):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self.pid, os.WNOHANG)[0]:
                pass

    def close(self) -> None:
        """Kill what is left, and give back what it held."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            os.killpg(self.pid, signal.SIGKILL)
        if self.file:
            self.file.reset()
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-self.pid, 0)
        for watch in self.watches.values():
            os.close(watch)
        self.channels.close()
        self.memory.close()
        if self.fd >= 0:
            os.close(self.fd)
