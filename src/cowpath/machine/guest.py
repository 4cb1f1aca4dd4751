# SPDX-License-Identifier: MIT
"""A guest: booted with its jobs inside, read line by line, and believed only if its last line comes."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from cowpath.children import started
from cowpath.machine.apt import say
from cowpath.machine.errors import MachineError
from cowpath.machine.initramfs import jobs_archive
from cowpath.machine.job import Answer, Job, RunRequest, cannot, merge
from cowpath.machine.means import CannotRunAnywhereError

BEGIN, RESULT, DONE = "COWPATH-BEGIN", "COWPATH-RESULT", "COWPATH-DONE"
ATTEMPTS = 3
SWAP_BYTES = 32 << 20
KEPT_LINES = 12
LOOK_SECONDS = 0.5
"""Seconds between two looks at whether a silent guest still lives."""
PANIC = "Kernel panic - not syncing"

Answered = Callable[[int, Answer], None]


class StoppedError(MachineError):
    """Raised in run() once stop() was called."""


class GuestDiedError(Exception):
    """Raised where the guest ended or fell silent before its last line; all one can do is to try again."""


@dataclass(frozen=True)
class Launch:
    """How to start a guest: a command, its surroundings, and the pipe end on which its console comes."""

    command: list[str]
    environment: dict[str, str]
    user: int | None = None
    before_exec: Callable[[], None] | None = None
    """Called in the child between fork and exec: it may do system calls and nothing else."""


class Guest(ABC):
    """The base of all guests.  A subclass says how to start one."""

    name: str
    round_seconds: float
    silence_seconds: float
    """How long a healthy guest may say nothing, beyond what its jobs take."""

    process: subprocess.Popen[bytes] | None = None
    stopped = False
    patience = 0.0
    """How long the process may take to end by itself."""

    files: Mapping[str, bytes] = MappingProxyType({})
    """Programs that go into the guest, by the path that they have there."""

    def stop(self) -> None:
        """End the guest now, from another thread; run() raises StoppedError."""
        self.stopped = True
        if self.process is not None:
            kill_session(self.process, patience=0)

    @abstractmethod
    def base(self) -> Path:
        """Return the part of the initramfs that is the same for every run."""

    @abstractmethod
    def launch(self, directory: Path, console: int) -> Launch:
        """Return the command for a guest whose files (initrd, swap0, swap1) are in `directory`."""

    def prepare(self) -> None:
        """Get everything ready that may take long or fail.  Raises MachineError."""
        self.base()

    def run(self, requests: Sequence[RunRequest], answered: Answered) -> None:
        """Run each request; `answered(index, answer)` is called as soon as one is done."""
        pending: list[tuple[int, Job]] = []
        results: dict[int, list[dict[str, Any]]] = {}
        for index, request in enumerate(requests):
            try:
                jobs = request.jobs(self.round_seconds)
            except CannotRunAnywhereError as error:
                answered(index, cannot(error))
                continue
            pending += [(index, job) for job in jobs]
            results[index] = []
        deaths = 0
        while pending:
            say(f"{self.name}: booting, {len(pending)} job{'s' * (len(pending) > 1)}")
            before = len(pending)
            try:
                for result in self.boot([job for _, job in pending]):
                    index, _ = pending.pop(0)
                    results[index].append(result)
                    if all(other != index for other, _ in pending):
                        answered(index, merge(results[index]))
            except GuestDiedError as error:
                if self.stopped:
                    raise StoppedError(f"{self.name}: stopped") from None
                deaths = 1 if len(pending) < before else deaths + 1
                say(f"{self.name}: {str(error).splitlines()[0]} (attempt {deaths} of {ATTEMPTS})")
                if deaths == ATTEMPTS:
                    index, _ = pending.pop(0)
                    pending = [entry for entry in pending if entry[0] != index]
                    answered(index, Answer("failed", f"the guest died {ATTEMPTS} times: {error}"))
                    deaths = 0

    def boot(self, jobs: list[Job]) -> Iterator[Job]:
        """Boot once and yield the result of each job as it comes.  Raises GuestDiedError."""
        with scratch_directory() as directory, contextlib.ExitStack() as stack:
            (directory / "initrd").write_bytes(self.base().read_bytes() + jobs_archive(jobs, self.files))
            for name in ("swap0", "swap1"):
                with (directory / name).open("wb") as file:
                    file.truncate(SWAP_BYTES)
            console = stack.enter_context(self._console(directory))
            yield from self._results(console, jobs)

    @contextlib.contextmanager
    def _console(self, directory: Path) -> Iterator[queue.Queue[str | None]]:
        """Yield the guest's lines, then None.  The guest is killed when nobody listens any more."""
        reader, writer = os.pipe()
        launch = self.launch(directory, writer)
        if launch.user is not None:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, launch.user, launch.user)
        options: dict[str, Any] = {"user": launch.user, "group": launch.user, "extra_groups": []}
        with (directory / "host.log").open("wb") as log, started(
            launch.command, self._end, env=launch.environment, cwd=directory, stdout=log, stderr=log,
            pass_fds=(writer,), start_new_session=True, before_exec=launch.before_exec,
            **(options if launch.user is not None else {}),
        ) as self.process:  # fmt: skip
            os.close(writer)
            lines: queue.Queue[str | None] = queue.Queue()
            console = os.fdopen(reader, "rb")
            threading.Thread(target=_listen, args=(console, lines), daemon=True).start()
            self.patience = 0.0
            yield lines
            self.patience = 2.0  # it has said its last line and switches itself off

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        kill_session(process, self.patience)
        self.process = None

    def _results(self, lines: queue.Queue[str | None], jobs: list[Job]) -> Iterator[dict[str, Any]]:
        last: list[str] = []
        answered = 0
        patience = self.silence_seconds
        while True:
            try:
                line = self._next(lines, patience)
            except queue.Empty:
                raise GuestDiedError(f"silent for {patience:.0f} s\n" + "\n".join(last)) from None
            if line is None:
                raise GuestDiedError("ended without its last line\n" + "\n".join(last))
            word, _, rest = line.partition(" ")
            if word == DONE:
                if answered < len(jobs):
                    raise GuestDiedError(f"done after {answered} of {len(jobs)} jobs\n" + "\n".join(last))
                return
            if word == BEGIN:
                patience = jobs[int(rest.partition(".")[0])]["seconds"] + self.silence_seconds
            elif word == RESULT:
                try:
                    yield json.loads(rest.partition(" ")[2])
                except json.JSONDecodeError:
                    raise GuestDiedError(f"garbled: {line[:200]}") from None
                answered += 1
                patience = self.silence_seconds
            else:
                last = [*last, line][-KEPT_LINES:]
                if PANIC in line:  # some guests hang afterwards instead of ending
                    raise GuestDiedError("panicked\n" + "\n".join(last))

    def _next(self, lines: queue.Queue[str | None], patience: float) -> str | None:
        """Return the next line, None where none can come any more.  Raises queue.Empty.

        The end of the console does not tell all: helper processes of a guest that was killed hold it open.
        """
        deadline = time.monotonic() + patience
        while True:
            ended = self.process is None or self.process.poll() is not None
            try:
                return lines.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if ended:
                    return None
                if time.monotonic() > deadline:
                    raise


@contextlib.contextmanager
def scratch_directory() -> Iterator[Path]:
    """Make a directory, in memory if possible: its short name fits into a program header (see uml.py)."""
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="cp", dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def kill_session(process: subprocess.Popen[bytes], patience: float) -> None:
    """End the guest and all its helper processes, which are one session."""
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getsid(int(name)) == process.pid:
                os.kill(int(name), 9)
    process.wait()


def _listen(console: IO[bytes], lines: queue.Queue[str | None]) -> None:
    with console:
        for line in console:
            lines.put(line.decode(errors="replace").strip())
    lines.put(None)
