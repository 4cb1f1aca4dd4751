# SPDX-License-Identifier: MIT
"""A guest: booted with its jobs inside, read line by line, and believed only if its last line comes."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cowpath.children import started
from cowpath.machine import answers, scratch
from cowpath.machine.answers import Result
from cowpath.machine.apt import say
from cowpath.machine.console import Console, FloodError
from cowpath.machine.errors import StoppedError
from cowpath.machine.initramfs import jobs_archive
from cowpath.machine.job import Answer, Job, RunRequest, cannot, merge
from cowpath.machine.means import CannotRunAnywhereError

BEGIN, RESULT, DONE = "COWPATH-BEGIN", "COWPATH-RESULT", "COWPATH-DONE"
ATTEMPTS = 3
SWAP_BYTES = 32 << 20
KEPT_LINES, LONGEST_KEPT = 12, 500
"""What is told of a guest that died: its last lines, the beginning of each."""

BOOT_SILENCES = 2
"""How many times `silence_seconds` a guest may take until its first job."""

MOST_DISK, MOST_FILE = 1 << 30, 4 << 30
"""Bytes that a guest may fill of its directory, and the size of one file; some of these are sparse."""

PANIC = "Kernel panic - not syncing"

Answered = Callable[[int, Answer], None]


class GuestDiedError(Exception):
    """Raised where a guest ended, fell silent or raved before its last line; all one can do is to try again.

    `unborn` tells that it never came as far as a job.
    """

    def __init__(self, what: str, last: Sequence[str] = (), unborn: bool = False) -> None:
        super().__init__("\n".join([what, *last]))
        self.unborn = unborn


@dataclass(frozen=True)
class Launch:
    """The way to start a guest: a command, its surroundings, and the pipe end on which its console comes."""

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
        """End the guest now, or as soon as there is one, from another thread; run() raises StoppedError."""
        self.stopped = True
        if self.process is not None:
            kill_session(self.process, patience=0)

    def _go_on(self) -> None:
        """Raise StoppedError if we were told to stop."""
        if self.stopped:
            raise StoppedError(f"{self.name}: stopped")

    @abstractmethod
    def base(self) -> Path:
        """Return the part of the initramfs that is the same for every run."""

    def takes_byte_code(self) -> bool:
        """Tell whether the guest's Python reads the byte code that ours makes."""
        return False

    @abstractmethod
    def launch(self, directory: Path, console: int) -> Launch:
        """Return the command for a guest whose files (initrd, swap0, swap1) are in `directory`."""

    def prepare(self) -> None:
        """Get everything ready that may take long or fail.  Raises MachineError."""
        self.base()

    def run(self, requests: Sequence[RunRequest], answered: Answered) -> None:
        """Run each request; `answered(index, answer)` is called as soon as one is done."""
        pending: list[tuple[int, Job]] = []
        results: dict[int, list[Result]] = {}
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
            self._go_on()
            say(f"{self.name}: booting, {len(pending)} job{'s' * (len(pending) > 1)}")
            before = len(pending)
            try:
                for result in self.boot([job for _, job in pending]):
                    index, _ = pending.pop(0)
                    results[index].append(result)
                    if all(other != index for other, _ in pending):
                        answered(index, merge(results[index]))
            except GuestDiedError as error:
                self._go_on()
                deaths = 1 if len(pending) < before else deaths + 1
                say(f"{self.name}: {str(error).splitlines()[0]} (attempt {deaths} of {ATTEMPTS})")
                if deaths == ATTEMPTS:
                    index, _ = pending[0]
                    lost = {other for other, _ in pending} if error.unborn else {index}
                    pending = [entry for entry in pending if entry[0] not in lost]
                    for each in sorted(lost):
                        answered(each, Answer("failed", f"the guest died {ATTEMPTS} times: {error}"))
                    deaths = 0

    def boot(self, jobs: list[Job]) -> Iterator[Result]:
        """Boot once and yield the result of each job as it comes.  Raises GuestDiedError."""
        with scratch.directory() as directory, contextlib.ExitStack() as stack:
            (directory / "initrd").write_bytes(self.base().read_bytes() + self._jobs(jobs))
            for name in ("swap0", "swap1"):
                with (directory / name).open("wb") as file:
                    file.truncate(SWAP_BYTES)
            console = stack.enter_context(self._console(directory))
            yield from self._results(console, directory, jobs)

    def _jobs(self, jobs: list[Job]) -> bytes:
        return jobs_archive(jobs, self.files, self.takes_byte_code())

    @contextlib.contextmanager
    def _console(self, directory: Path) -> Iterator[Console]:
        """Yield the guest's console.  The guest is killed when nobody listens any more."""
        reader, writer = os.pipe()
        launch = self.launch(directory, writer)
        if launch.user is not None:
            for path in (directory, *directory.rglob("*")):
                os.chown(path, launch.user, launch.user)
        options: dict[str, Any] = {"user": launch.user, "group": launch.user, "extra_groups": []}
        with (directory / "host.log").open("wb") as log, started(
            launch.command, self._end, before_exec=lambda: _limit(launch.before_exec), env=launch.environment,
            cwd=directory, stdout=log, stderr=log, pass_fds=(writer,), start_new_session=True,
            **(options if launch.user is not None else {}),
        ) as self.process:  # fmt: skip
            os.close(writer)
            console = Console(reader)
            self.patience = 0.0
            try:
                self._go_on()  # whoever told us to stop may have found no process
                yield console
            finally:
                console.close()
            self.patience = 2.0  # it has said its last line and switches itself off

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        kill_session(process, self.patience)
        self.process = None

    def _results(self, console: Console, directory: Path, jobs: list[Job]) -> Iterator[Result]:
        """Yield a result for each job, in their order.  Only what an honest guest says prolongs its life."""
        last: list[str] = []
        answered, begun = 0, False
        patience = BOOT_SILENCES * self.silence_seconds
        deadline = time.monotonic() + patience
        while True:
            try:
                line = console.next(deadline - time.monotonic(), lambda: self._lives(directory))
            except TimeoutError:
                raise GuestDiedError(
                    f"silent for {patience:.0f} s", last, not answered and not begun
                ) from None
            except FloodError as flood:
                raise GuestDiedError(f"floods us: {flood}", last) from None
            if line is None:
                raise GuestDiedError("ended without its last line", last, not answered and not begun)
            word, _, rest = line.partition(" ")
            name, _, said = rest.partition(" ")
            if word == DONE:
                if answered < len(jobs):
                    raise GuestDiedError(f"done after {answered} of {len(jobs)} jobs", last)
                return
            if word in (BEGIN, RESULT):
                if answered == len(jobs) or number_of(name) != answered:
                    raise GuestDiedError(f"speaks of job {name[:20]}, and not of {answered}", last)
                if word == BEGIN and begun:
                    continue
                begun = word == BEGIN
                if word == RESULT:
                    yield self._believed(said, jobs[answered], last)
                    answered += 1
                patience = self.silence_seconds + (jobs[answered]["seconds"] if begun else 0)
                deadline = time.monotonic() + patience
            else:
                last = [*last, line[:LONGEST_KEPT]][-KEPT_LINES:]
                if PANIC in line:  # some guests hang afterwards instead of ending
                    raise GuestDiedError("panicked", last)

    def _believed(self, said: str, job: Job, last: list[str]) -> Result:
        """The result in what a guest says of a job; a bad one is a failure of this job alone."""
        try:
            return answers.read(said, job)
        except answers.GarbledError as error:
            raise GuestDiedError(f"garbled: {error}", last) from None
        except answers.BadAnswerError as error:
            return answers.failed(f"not an answer to this test: {error}")

    def _lives(self, directory: Path) -> bool:
        """True if the guest's process runs.  Raises FloodError where it fills the disk."""
        used = 0
        for file in directory.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                used += file.lstat().st_blocks * 512
        if used > MOST_DISK:
            raise FloodError(f"{used >> 20} MiB of files")
        return self.process is not None and self.process.poll() is None


def number_of(name: str) -> int:
    """The number of a job by the name of its file; -1 for what is no such name.

    >>> number_of("00012.json"), number_of("0"), number_of("-1"), number_of("9" * 5000)
    (12, 0, -1, -1)
    """
    digits = name.removesuffix(".json")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1


def _limit(before_exec: Callable[[], None] | None) -> None:
    """In the child, before it becomes the guest: no file may grow beyond bounds, and no core is dumped."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if before_exec is not None:
        before_exec()


def kill_session(process: subprocess.Popen[bytes], patience: float) -> None:
    """End the guest and all its helper processes, which are one session, until there is none.

    One pass would miss a helper that is forked behind its back.
    """
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    deadline = time.monotonic() + scratch.PATIENCE
    while (found := living(process.pid)) and time.monotonic() < deadline:
        for one in found:
            with contextlib.suppress(OSError):
                os.kill(one, signal.SIGKILL)
        time.sleep(0.01)
    process.wait()


def living(session: int) -> list[int]:
    """The processes of a session, but for those that wait to be buried.

    >>> os.getpid() in living(os.getsid(0))
    True
    """
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            state, *numbers = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            if int(numbers[2]) == session and state != "Z":
                found.append(int(name))
    return found
