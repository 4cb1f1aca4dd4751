# SPDX-License-Identifier: MIT
"""Litmus files with something wrong in them, through `check` and `trace`."""

from __future__ import annotations

from pathlib import Path
from random import Random

from cowpath.corpus.files import CORPUS
from tests.fuzz.outcome import run

PIECES = (
    *"{}()[];,=*|:~'\"0a\n\t\\\x1b\x00",
    "\u6f22",
    "\u202e",
    "\x9b",
    "(*",
    "*)",
    "//",
    "/\\",
    "\\/",
    "char",
    "exists",
    "forall",
    "P0",
    "P99",
    "x[0]",
    "x[9999999999]",
    "any {",
    "fork(P1);",
    "swap = ssd;",
    "9" * 5000,
    "x" * 70_000,
    "(" * 3000,
)


def attempt(chance: Random, directory: Path) -> None:
    """One file, mutated some times, judged on one kernel."""
    text = chance.choice(sorted(CORPUS.glob("*/*.litmus"))).read_text("utf-8")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice([0, 0, 1, 3, 40]))
        text = text[:at] + chance.choice(PIECES) + text[end:]
    file = directory / "test.litmus"
    content = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.1:
        content = content[: chance.randrange(len(content) + 1)] + chance.randbytes(3)
    file.write_bytes(content)
    command = chance.choice([["check"], ["check", "--format", "json"], ["trace"], ["check", "--expected"]])
    run([*command, str(file), "--kernel", chance.choice(["5.10", "6.1", "7.3"]), "--max-states", "500"])
