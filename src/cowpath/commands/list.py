# SPDX-License-Identifier: MIT
"""The tests of the corpus: theme, name and what each is about; every command takes their names."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from cowpath.commands import status, terminal
from cowpath.commands.terminal import style_of
from cowpath.report.style import align_prose

WIDTH = 110
"""Columns of the list."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath list`."""
    parser.add_argument(
        "word", nargs="*", metavar="WORD", help="only tests with all of these words in theme, name or comment"
    )
    parser.add_argument("--files", action="store_true", help="only the paths, one a line")


def run(arguments: argparse.Namespace) -> int:
    """Print the tests; status 4 if there is none with these words."""
    from cowpath.corpus.files import about, corpus

    found = [(file, about(file)) for file in corpus()]
    words = [word.lower() for word in arguments.word]
    found = [
        (file, comment)
        for file, comment in found
        if all(word in f"{file.parent.name} {file.stem} {comment}".lower() for word in words)
    ]
    if arguments.files:
        sys.stdout.write("".join(f"{file}\n" for file, _ in found))
    elif found:
        sys.stdout.write(table(found))
    if not found:
        terminal.complain(f"cowpath list: no test has {' and '.join(arguments.word)}")
    return status.KEPT if found else status.NOTHING_RAN


def table(found: list[tuple[Path, str]]) -> str:
    """The tests, one a row; long comments are cut, the file has the rest."""
    rows = [["theme", "test", "what it is about"]]
    left = max(len(file.parent.name) for file, _ in found) + max(len(file.stem) for file, _ in found) + 4
    for file, comment in found:
        shown = textwrap.shorten(comment, max(20, WIDTH - left), placeholder=" ...")
        rows.append([file.parent.name, file.stem, shown])
    return align_prose(rows, style_of())
