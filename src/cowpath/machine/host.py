# SPDX-License-Identifier: MIT
"""This very machine.  Swap and KSM belong to all of it, so tests may use them only with leave."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from cowpath import children
from cowpath.machine import agent, answers, scratch
from cowpath.machine.apt import say
from cowpath.machine.errors import StoppedError
from cowpath.machine.job import Answer, Job, RunRequest, cannot, merge
from cowpath.machine.means import CannotRunAnywhereError

AGENT = "import sys; sys.path.append(sys.argv.pop(1)); from agent.__main__ import main; sys.exit(main())"
"""The agent imports Python's own library and itself, in that order, and nothing beside the litmus files."""


class Host:
    """The kernel that cowpath itself runs on."""

    name = "host"

    def __init__(self, allow_global: bool = False) -> None:
        self.allow_global = allow_global

    def prepare(self) -> None:
        """Do nothing: this kernel is running already."""

    process: subprocess.Popen[bytes] | None = None
    stopped = False

    def stop(self) -> None:
        """End the agent now, or as soon as there is one, from another thread; it cleans up first.

        run() raises StoppedError.
        """
        self.stopped = True
        if self.process is not None:
            self.process.terminate()

    def run(self, requests: Sequence[RunRequest], answered: Callable[[int, Answer], None]) -> None:
        """Run each request; `answered(index, answer)` is called as soon as one is done."""
        for index, request in enumerate(requests):
            say(f"host: {request.program.name}")
            try:
                jobs = request.jobs()
            except CannotRunAnywhereError as error:
                answered(index, cannot(error))
                continue
            answered(index, merge([self._run(job) for job in jobs]))

    def _run(self, job: Job) -> answers.Result:
        """Run one job in a process of its own, which cleans up whatever happens to it."""
        with scratch.directory(scratch.DISK) as directory:
            file = directory / "job.json"
            own = {"allow_global": self.allow_global, "directory": str(directory)}
            file.write_text(json.dumps(job | own))
            with children.started(
                agent_command(file), _end, signal.SIGTERM, stdout=subprocess.PIPE, cwd=directory
            ) as process:
                self.process = process
                if self.stopped:  # whoever told us so may have found no process
                    process.terminate()
                output, _ = process.communicate()
        if self.stopped:
            raise StoppedError(f"{self.name}: stopped")
        lines = output.decode(errors="replace").splitlines()
        if not lines:
            return answers.failed(f"the agent ended with status {process.returncode}")
        try:
            return answers.read(lines[-1], job)
        except (answers.GarbledError, answers.BadAnswerError) as error:
            return answers.failed(f"not an answer to this test: {error}")


def agent_command(job: Path) -> list[str]:
    """Return the command that runs one job: the agent by itself, without site-packages, as in a guest."""
    return children.python("-S", "-c", AGENT, str(Path(agent.__path__[0]).parent), str(job))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the agent; after Ctrl-C it gets a moment to clean up."""
    process.terminate()
    process.wait()
