# SPDX-License-Identifier: MIT
"""The processes of a test, and the threads in them.

Process 0 lives as long as its rounds go well: a fork costs more than all the rest of a round.  Each round
it maps its pages afresh.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from . import calls
from .board import DONE, FAILED, OK, RUNNING, SEEN, UNMET, Board
from .fuse import HeldFile
from .memory import Memory
from .references import Reference, make_reference
from .setting import UnmetError
from .userfault import NotedWrites, WriteProtection

STEP, ROUND, OBSERVE = b"g", b"r", b"o"
"""The controller's commands: do one statement; begin a round; look at your memory."""

LONGEST_DELAY = 0.0003

Pipe = tuple[int, int]

Execute = Callable[["Process", int, dict[str, Any]], bytes]
"""Does one statement in a thread of a process and returns a status byte: see statements.py."""


class Channels:
    """Pipes to and from each thread and each process, made before process 0."""

    def __init__(self, threads: int, processes: int) -> None:
        self.go: list[Pipe] = [os.pipe() for _ in range(threads)]
        self.done: list[Pipe] = [os.pipe() for _ in range(threads)]
        self.ask: list[Pipe] = [os.pipe() for _ in range(processes)]
        self.told: list[Pipe] = [os.pipe() for _ in range(processes)]

    def obey(self) -> None:
        """Close the controller's ends, in process 0: else a reader would wait for ever after its death."""
        for pipes, end in ((self.go, 1), (self.ask, 1), (self.done, 0), (self.told, 0)):
            for pipe in pipes:
                os.close(pipe[end])

    def close(self) -> None:
        """Close all pipes, in the controller."""
        for pipe in (*self.go, *self.done, *self.ask, *self.told):
            for fd in pipe:
                os.close(fd)


class Process:
    """A process of the test, seen from inside."""

    def __init__(
        self,
        job: dict[str, Any],
        board: Board,
        channels: Channels,
        file: HeldFile | None,
        fd: int,
        execute: Execute,
    ) -> None:
        self.job = job
        self.execute = execute
        self.program = job["program"]
        self.board = board
        self.channels = channels
        self.file = file
        self.fd = fd
        self.index = 0
        self.memory = Memory(self.program, racing=job["mode"] == "free")
        self.references: list[Reference] = []
        self.writes = WriteProtection()
        self.noted = NotedWrites()
        self.demanding: bool = job["mode"] != "free"
        """True where a statement must have its effect; where threads race, another may undo it at once."""

    def threads(self) -> list[int]:
        """Return the threads of this process, by number."""
        threads = self.program["threads"]
        return [i for i in range(len(threads)) if threads[i]["process"] == self.index]

    def be_first(self, controller: int) -> None:
        """Be process 0: lead a process group, so that all of a test can be killed at once, and obey."""
        os.setpgid(0, 0)
        calls.die_with_parent(controller)
        self.channels.obey()
        self._obey()

    def fork(self, index: int) -> None:
        """Start process `index` as our child."""
        pid = os.fork()
        if pid == 0:
            try:
                self.index = index
                self.writes.close()  # the parent's: a userfaultfd is not inherited
                self.noted.close()
                self._start()
                self._obey()
            finally:
                os._exit(1)
        self.board.set_pid(index, pid)

    def _obey(self) -> None:
        """Do what the controller says until it has gone."""
        while command := os.read(self.channels.ask[self.index][0], 1):
            try:
                if command == ROUND:
                    self._clear()
                    self.memory.populate()
                    for index in range(len(self.program["references"])):
                        reference = make_reference(index, self.program, self.board, self.memory)
                        self.references.append(reference.held_by(self.file, self.fd))
                    self._start()
                else:
                    self._observe()
                answer = OK
            except UnmetError as reason:
                self.board.say(self.threads()[0], str(reason))
                answer = UNMET
            except OSError as error:
                self.board.say(self.threads()[0], f"setting up: {error}")
                answer = FAILED
            os.write(self.channels.told[self.index][1], answer)
        os._exit(0)

    def _clear(self) -> None:
        """Clear away dead children and open references of the last round."""
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)
        for reference in self.references:
            reference.close()
        self.references.clear()
        self.writes.close()
        self.noted.close()

    def _start(self) -> None:
        self.board.set_pid(self.index, os.getpid())
        for index in self.threads():
            threading.Thread(target=self._run, args=(index,), daemon=True).start()

    def _run(self, thread: int) -> None:
        """Run a thread: a statement for each STEP, or all of them with random pauses."""
        body = self.program["threads"][thread]["body"]
        board, done = self.board, self.channels.done[thread][1]
        board.thread[thread] = RUNNING if body else DONE
        free = None if self.job["mode"] == "driven" else random.Random()
        for position in range(len(body)):
            if free is None:
                if not os.read(self.channels.go[thread][0], 1):
                    return  # the controller has gone, and so do we
            else:
                time.sleep(free.random() * LONGEST_DELAY * free.choice((0, 1, 10)))
            status = self.execute(self, thread, body[position])
            last = status != OK or position == len(body) - 1
            if last and not free:
                board.thread[thread] = DONE  # before anybody is told that the next may go
            os.write(done, status)
            if last:
                board.thread[thread] = DONE  # after the last word of a thread that nobody waits for
                return

    def _observe(self) -> None:
        """Write onto the board what this process reads from its memory."""
        for page in range(len(self.program["pages"])):
            for place in range(self.program["pages"][page]["places"]):
                value = self.memory.final(page, place)
                if value is not None:
                    cell = self.board.place(self.index, page, place)
                    self.board.memory_value[cell] = value
                    self.board.memory_seen[cell] = SEEN
