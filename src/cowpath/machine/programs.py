# SPDX-License-Identifier: MIT
"""Programs run as they are in a guest, what they print and how they end: for what is no litmus test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cowpath.machine.guest import ATTEMPTS, Guest, GuestDiedError
from cowpath.machine.job import Job

PLACE = "programs"
"""The directory of a guest where its programs are."""


@dataclass(frozen=True)
class Command:
    """A statically linked program, its arguments, and the swap device that it needs ("" for none)."""

    program: Path
    arguments: tuple[str, ...] = ()
    swap: str = ""
    seconds: float = 300

    def job(self) -> Job:
        """Return the same for the agent."""
        return {
            "command": [f"/{PLACE}/{self.program.name}", *self.arguments],
            "swap": self.swap,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Ended:
    """The end of a command, and what it printed.

    `code` is its exit code, None where there is none: it did not end in time, or `reason` says why it did not
    run.  `kernel` is the guest's own word for its release and version.
    """

    code: int | None
    output: str
    kernel: str = ""
    reason: str = ""


def run(guest: Guest, commands: Sequence[Command]) -> list[Ended]:
    """Run commands one after the other in one guest; in a new one where a kernel did not survive.

    Raises MachineError where the guest cannot be had.
    """
    guest.files = {f"{PLACE}/{command.program.name}": command.program.read_bytes() for command in commands}
    guest.prepare()
    found: list[Ended] = []
    deaths = 0
    while len(found) < len(commands):
        try:
            for result in guest.boot([command.job() for command in commands[len(found) :]]):
                found.append(_ended(result))
                deaths = 0
        except GuestDiedError as error:
            deaths += 1
            if deaths == ATTEMPTS:
                found.append(Ended(None, "", reason=f"the guest died {ATTEMPTS} times: {error}"))
                deaths = 0
    return found


def _ended(result: Job) -> Ended:
    """Return what became of a command, from the agent's result."""
    facts = result.get("facts", {})
    kernel = f"{facts.get('release', '')} {facts.get('version', '')}".strip()
    if result["status"] != "ran":
        return Ended(None, "", kernel, result["reason"])
    return Ended(
        result["code"], result["output"], kernel, "" if result["code"] is not None else "did not end"
    )
