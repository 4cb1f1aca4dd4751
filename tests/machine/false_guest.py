# SPDX-License-Identifier: MIT
"""A false guest: a shell that says on its console what a test wants it to say."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cowpath.machine.guest import Guest, Launch
from cowpath.machine.job import Answer, RunRequest
from cowpath.machine.schedule import schedule
from tests.machine.conftest import program


class Dying(Guest):
    """A guest that prints some lines and ends."""

    name = "dying"
    round_seconds = 1
    silence_seconds = 1

    def __init__(self, directory: Path, *scripts: str) -> None:
        self.directory = directory
        self.scripts: Iterator[str] = iter(scripts)
        self.boots = 0

    def base(self) -> Path:
        file = self.directory / "base"
        file.write_bytes(b"")
        return file

    def launch(self, directory: Path, console: int) -> Launch:
        self.boots += 1
        return Launch(
            ["sh", "-c", next(self.scripts).replace("OUT", f">/dev/fd/{console}")], dict(os.environ)
        )


RESULT = '{"status": "ran", "outcomes": [], "unmet": {}, "failures": {}, "hangs": 0}'
BEGIN = "echo COWPATH-BEGIN 00000.json OUT;"
ONE = f"echo COWPATH-RESULT 0 '{RESULT}' OUT;"
DONE = "echo COWPATH-DONE OUT"


def answers(chosen: Guest, tests: int = 2) -> list[Answer | None]:
    """What the guest says of some tests."""
    test = program("C t { char x[1]; } P0(char *x) { r0 = x[0]; }")
    found: list[Answer | None] = [None] * tests

    def answered(index: int, answer: Answer) -> None:
        found[index] = answer

    chosen.run([RunRequest(test, schedule(test), 1)] * tests, answered)
    return found


def statuses(found: list[Answer | None]) -> list[Any]:
    """In one word each."""
    return [answer.status if answer else None for answer in found]


def say(answer: object, number: int = 0) -> str:
    """A command that gives an answer to a job; text is said as it is."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return f"printf '%s\\n' {shlex.quote(f'COWPATH-RESULT {number:05}.json {text}')} OUT;"
