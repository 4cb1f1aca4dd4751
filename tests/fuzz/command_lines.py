# SPDX-License-Identifier: MIT
"""Command lines that nobody would write: every command, its options, and values that fit none of them."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path
from random import Random

from cowpath.cli import COMMANDS, build_parser
from tests.founding import FOUNDING
from tests.fuzz.outcome import run

EVIL = (
    "",
    " ",
    "-",
    "--",
    "0",
    "-1",
    "1",
    "007",
    "-5",
    "1e9",
    "10" * 6,
    "9" * 5000,
    "6." + "1" * 5000,
    "²",
    "٣",
    "½",
    "nan",
    "inf",
    "0x",
    "0x" + "f" * 400,
    "\x1b[31mred",
    "\x07",
    "\u202egnp.exe",
    "\udcff",
    "a\nb",
    "\0",
    "x" * 300,
    "x" * 5000,
    "/",
    "/dev/null",
    "/proc/self/mem",
    "/no/such/file",
    "..",
    "~",
    "{}",
    "[",
    "'",
    '"',
    "%s",
    "%n",
    "$(id)",
    ";",
    "0:r0='a'",
    "0:r0=",
    "I1",
    "I99",
    "lost write",
    "6.1",
    "5.7",
    "v6.1",
    "6.1.176-1",
    "6.1.",
    "6.1.999999999",
    "7.99",
    "host",
    "uml:",
    "uml:6.1:x",
    "qemu:9.9",
    "qemu:6.1:vax",
    "arm64",
    "um",
    "all",
    "P0 P1",
    "model",
    "H5",
    "json",
    "text",
    "1,2",
    "4G",
    "1K",
    "999999T",
    "0G",
)
"""Values that are too large, too small, of another kind, or meant to be something else."""

CHEAP = {"check", "trace", "run", "graph", "kernels", "changes", "pte", "export", "list"}
"""Of other commands, which take minutes, at least one argument cannot be."""

NEVER = {
    "--cluster",
    "--html",
    "--open",
    "--results",
    "--resume",
    "--serve",
    "--skeleton",
    "--tests",
    "--write",
}
"""Options that write where they are told to, open a browser, or look for other machines."""


def attempt(chance: Random, directory: Path) -> None:
    """One command line."""
    files = some_files(chance, directory)
    command = chance.choice(COMMANDS)
    options = [option for option in options_of(command) if option.option_strings]
    words = [command]
    if command == "pte":
        words.append(chance.choice(["decode", "encode", "layout", "pagemap", *EVIL[:8]]))
    for _ in range(chance.choice([0, 1, 1, 2])):
        words.append(chance.choice([*map(str, files), "founding", "get-write-fork", *EVIL]))
    for option in chance.sample(options, min(len(options), chance.choice([0, 1, 1, 2, 3]))):
        name = option.option_strings[-1]
        if name in NEVER or name in ("--help", "-h"):
            continue
        words.append(name)
        if option.nargs != 0:
            choices = [str(choice) for choice in option.choices or ()]
            words.append(chance.choice([*choices, *EVIL, *map(str, files)]))
    if command in ("check", "trace", "export", "graph"):
        words += ["--max-states", "300"]
    elif command in ("run", "replay"):
        words += [
            "--on",
            chance.choice(["/no/such/kernel", "uml:1.0", "qemu:6.1:vax", "\x1b[2J", "x" * 5000]),
        ]
    elif command not in CHEAP:
        words.append(chance.choice(["--kernel", "--format", "--jobs"]))
        words.append("\x1b[31mnone")
    try:
        with contextlib.chdir(directory):
            run(words)
    except BaseException as error:
        error.add_note(f"command line: {words!r}"[:3000])
        raise


def options_of(command: str) -> list[argparse.Action]:
    """The options of a command and of what is below it."""
    found: list[argparse.Action] = []
    waiting: list[argparse.ArgumentParser] = [build_parser(command)]
    while waiting:
        for action in waiting.pop()._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
            else:
                found.append(action)
    return found


def some_files(chance: Random, directory: Path) -> list[Path]:
    """Litmus files, and files that are something else."""
    good = directory / "good.litmus"
    good.write_bytes(FOUNDING.read_bytes())
    evil = directory / "\x1b]0;owned\x07.litmus"
    evil.write_bytes(FOUNDING.read_bytes() if chance.random() < 0.5 else b"C \x1b[2J { }")
    binary = directory / "binary.litmus"
    binary.write_bytes(chance.randbytes(200))
    json = directory / "other.json"
    json.write_text(
        chance.choice(['{"format": 1}', "[]", "7", "[" * 5000, '{"format": 1, "results": 7}', "", "{"])
    )
    pipe = directory / "empty"
    pipe.mkdir(exist_ok=True)
    missing = directory / os.fsdecode(b"\xff\xfe")
    return [good, good, evil, binary, json, pipe, missing]
