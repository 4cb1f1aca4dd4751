# SPDX-License-Identifier: MIT
"""Reference pages, made from the code: nothing in them is written by hand."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from cowpath import cli
from cowpath.commands import status
from cowpath.commands.changes import paragraph
from cowpath.history.changes import CHANGES
from cowpath.linux.invariants import INVARIANTS
from cowpath.litmus.initial import BACKGROUND, OPTIONS, SWAP_DEVICES
from cowpath.litmus.statements import CALLS

INTRODUCTION = """\
Every upstream change that alters a rule of the model.  `--without NAME` and `--with NAME` take their names.
"""

COLUMNS = "100"
"""The width of what commands say of themselves."""


def pages() -> dict[str, str]:
    """Return every reference page, by its name in the site."""
    return {
        "reference/statements.md": statements(),
        "reference/commands.md": commands(),
        "reference/invariants.md": invariants(),
        "reference/changes.md": changes(),
        "reference/exit-status.md": exit_status(),
    }


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table; a bar in a cell is no border."""
    lines = [head, ("---",) * len(head), *rows]
    return (
        "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        + "\n"
    )


def statements() -> str:
    """Return the page of everything that a litmus test can say."""
    parts = ["# Statements\n", "How they behave is told in [the language](../litmus.md).\n"]
    rows = [(f"`{form.usage()}`", form.meaning) for form in CALLS.values()]
    parts += [table(("statement", "meaning"), [("`r = x[0]`, `x[0] = 'a'`", "a load, a store"), *rows])]
    parts += [
        "## Swap devices\n",
        table(
            ("written", "meaning"), [(f"`swap = {one.name};`", one.meaning) for one in SWAP_DEVICES.values()]
        ),
    ]
    parts += [
        "## Options\n",
        table(("written", "meaning"), [(f"`option = {one.name};`", one.meaning) for one in OPTIONS.values()]),
    ]
    actors = [(f"`{one.name}({', '.join('xy'[: one.pages])});`", one.meaning) for one in BACKGROUND.values()]
    parts += ["## Background actors\n", table(("written", "at any moment it"), actors)]
    return "\n".join(parts)


def commands() -> str:
    """Return the page of all commands with their options."""
    parts = ["# Commands\n"]
    with wide():
        for name in cli.COMMANDS:
            text = cli.command_parser(name).format_help().partition("\nexit status:")[0]
            parts.append(f"## cowpath {name}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(parts)


@contextlib.contextmanager
def wide() -> Iterator[None]:
    """Let argparse write lines of COLUMNS, which it takes from the environment."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = COLUMNS
    try:
        yield
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before


def invariants() -> str:
    """Return the page of what is checked in every state."""
    rows = [
        (invariant.name, invariant.title, " ".join((invariant.check.__doc__ or "").split()))
        for invariant in INVARIANTS
    ]
    head = "# Invariants\n\nThey are checked in every state of every test.\n\n"
    return head + table(("name", "title", "meaning"), rows)


def changes() -> str:
    """Return the page of every upstream change that the model knows."""
    parts = [
        "# Changes\n",
        INTRODUCTION,
    ]
    parts += [f"## {change.name}\n\n```text\n{paragraph(change).rstrip()}\n```\n" for change in CHANGES]
    return "\n".join(parts)


def exit_status() -> str:
    """Return the page of exit statuses."""
    return "# Exit status\n\n" + table(
        ("status", "means"), [(str(one), text) for one, text in status.MEANING.items()]
    )
