# SPDX-License-Identifier: MIT
"""The processes of one round, and the threads in them."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from .board import DONE, RUNNING, SEEN, Board
from .memory import Memory
from .references import Reference
from .statements import OK, execute

STEP, FREE, OBSERVE = b"g", b"f", b"o"
"""What the controller says: one statement, all statements as you like, look at your memory."""

LONGEST_DELAY = 0.0003

Pipe = tuple[int, int]


class Channels:
    """The pipes of a round, made before its first process."""

    def __init__(self, threads: int, processes: int) -> None:
        self.go: list[Pipe] = [os.pipe() for _ in range(threads)]
        self.done: list[Pipe] = [os.pipe() for _ in range(threads)]
        self.ask: list[Pipe] = [os.pipe() for _ in range(processes)]
        self.told: list[Pipe] = [os.pipe() for _ in range(processes)]
        self.life: list[Pipe] = [os.pipe() for _ in range(processes)]

    def close(self) -> None:
        """All that is still open."""
        for pipe in (*self.go, *self.done, *self.ask, *self.told, *self.life):
            for fd in pipe:
                with contextlib.suppress(OSError):
                    os.close(fd)


class Process:
    """One process of the test, seen from inside."""

    def __init__(
        self,
        job: dict[str, Any],
        board: Board,
        memory: Memory,
        references: list[Reference],
        channels: Channels,
    ) -> None:
        self.job = job
        self.program = job["program"]
        self.board = board
        self.memory = memory
        self.references = references
        self.channels = channels
        self.index = 0
        self.demanding: bool = job["mode"] != "free"
        """Whether a statement must have its effect; where threads race, another may undo it at once."""

    def threads(self) -> list[int]:
        """The threads of this process."""
        threads = self.program["threads"]
        return [i for i in range(len(threads)) if threads[i]["process"] == self.index]

    def start(self, index: int, before: Callable[[], None] | None = None) -> int:
        """Fork process `index` off this one; its process id."""
        pid = os.fork()
        if pid:
            self.board.set_pid(index, pid)
            return pid
        try:
            self.index = index
            self._keep_only_own_life()
            if before:
                before()
            self._main()
        finally:
            os._exit(1)

    def fork(self, index: int) -> None:
        """The statement: from now on the child's life hangs on the child alone."""
        self.start(index)
        for other in self._descendants(index):
            os.close(self.channels.life[other][1])

    def _descendants(self, index: int) -> list[int]:
        parents, found = self.program["parents"], [index]
        for child in range(len(parents)):  # a parent has a lower number than its child, or comes round again
            if parents[child] in found and child not in found:
                found.append(child)
        return found

    def _keep_only_own_life(self) -> None:
        """Hold the write ends for this process and those yet to be forked from it: the reader sees us end."""
        kept = self._descendants(self.index)
        for index in range(len(self.channels.life)):
            if index not in kept:
                with contextlib.suppress(OSError):
                    os.close(self.channels.life[index][1])

    def _main(self) -> None:
        self.board.set_pid(self.index, os.getpid())
        for index in self.threads():
            threading.Thread(target=self._run, args=(index,), daemon=True).start()
        while os.read(self.channels.ask[self.index][0], 1) == OBSERVE:
            self._observe()
            os.write(self.channels.told[self.index][1], OK)

    def _run(self, thread: int) -> None:
        """One thread: a statement for each STEP, or all of them after FREE."""
        body = self.program["threads"][thread]["body"]
        board, done = self.board, self.channels.done[thread][1]
        board.thread[thread] = RUNNING if body else DONE
        free = random.Random() if self.job["mode"] == "free" else None
        for position in range(len(body)):
            if position == 0 or free is None:
                os.read(self.channels.go[thread][0], 1)
            if free is not None:
                time.sleep(free.random() * LONGEST_DELAY * free.choice((0, 1, 10)))
            status = execute(self, thread, body[position])
            if status != OK or position == len(body) - 1:
                board.thread[thread] = DONE
            os.write(done, status)
            if status != OK:
                return

    def _observe(self) -> None:
        """What this process reads from its memory, onto the board."""
        for page in range(len(self.program["pages"])):
            for place in range(self.program["pages"][page]["places"]):
                value = self.memory.final(page, place)
                if value is not None:
                    cell = self.board.place(self.index, page, place)
                    self.board.memory_value[cell] = value
                    self.board.memory_seen[cell] = SEEN
