# SPDX-License-Identifier: MIT
"""Commands that README and docs/ show, with what they print: run, compared, and written anew.

A block of text that begins with `$ cowpath` is a session: commands after a `$`, each with its output.  A line
`...` in the output stands for any lines; times are not compared.  `python -m tests.documents` writes what the
commands print now into the documents, where nothing is left out.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cowpath.cli import main

ROOT = Path(__file__).parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SESSION = re.compile(r"^```text\n(\$ cowpath .*?)^```", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"^```c\n(C ([\w-]+)\n.*?)```", re.DOTALL | re.MULTILINE)
COUNTS = re.compile(r"^    [\d,]+ states, .*\n", re.MULTILINE)
"""A line of numbers that change with the model and that no reader needs."""

SECONDS = re.compile(r"\d+\.\d+ s\b")
KNOWN = re.compile(r"^\d+ more(?= that the model asks for)|\d+(?= it never asks for)", re.MULTILINE)
"""Counts of changes: the model learns more of them."""

ELSEWHERE = ("mutate",)
"""Commands that take minutes: tests/test_readme.py looks at what is shown of them."""


@dataclass(frozen=True)
class Shown:
    """A command in a document, and the output that the document shows."""

    document: Path
    command: str
    output: str

    def __str__(self) -> str:
        return f"{self.document.name}: {self.command}"


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """Every command of a document with its output."""
    for block in SESSION.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def shown() -> list[Shown]:
    """Every command of every document."""
    return [
        Shown(document, command, output)
        for document in DOCUMENTS
        for command, output in sessions(document.read_text("utf-8"))
        if command.split()[1] not in ELSEWHERE
    ]


def printed(command: str) -> str:
    """What a command prints on stdout, run in the root of the repository."""
    out = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        main(shlex.split(command)[1:])
    return out.getvalue()


def agrees(expected: str, found: str) -> bool:
    """Tell whether an output is the one that is shown, with `...` for any lines, and times aside.

    >>> agrees("a\\n...\\nd\\n1.00 s\\n", "a\\nb\\nc\\nd\\n0.01 s\\n"), agrees("a\\n", "a\\nb\\n")
    (True, False)
    """
    expected, found = (KNOWN.sub("N more", SECONDS.sub("T s", text)) for text in (expected, found))
    parts = expected.split("...\n")
    pattern = "(?:.*\n)*".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, found) is not None


def anew(command: str, output: str) -> str:
    """What is shown of a command from now on; where lines are left out and the rest agrees, the same."""
    found = COUNTS.sub("...\n", printed(command))
    return output if "..." in output and agrees(output, found) else found


def rewritten(text: str) -> str:
    """A document with what its commands print now."""

    def session(match: re.Match[str]) -> str:
        commands = list(sessions(match[0]))
        if any(command.split()[1] in ELSEWHERE for command, _ in commands):
            return match[0]
        parts = [f"$ {command}\n{anew(command, output)}" for command, output in commands]
        return "```text\n" + "".join(parts) + "```"

    return SESSION.sub(session, text)


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    for path in DOCUMENTS:
        path.write_text(rewritten(path.read_text("utf-8")), "utf-8")
