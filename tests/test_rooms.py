# SPDX-License-Identifier: MIT
"""The rooms of the house: which may know of which, and that a name is one thing in all of them.

Text is made in report/, and nothing that computes knows of it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cowpath"

COMPUTING = (
    "arch", "corpus", "explore", "history", "judge", "linux", "litmus", "machine", "promise", "survey",
)  # fmt: skip
"""Rooms that compute: what they find are values."""

SHOWING = ("cowpath.report", "cowpath.viewer", "cowpath.commands", "cowpath.api", "cowpath.cli")


def imported(file: Path) -> Iterator[str]:
    """The modules that a file names in an import, at its top or anywhere inside."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("room", COMPUTING)
def test_a_room_that_computes_imports_no_text(room: str) -> None:
    files = list((SOURCE / room).rglob("*.py"))
    assert files
    wrong = [
        f"{file.relative_to(SOURCE)}: {module}"
        for file in files
        for module in imported(file)
        if module.startswith(SHOWING)
    ]
    assert wrong == []


APART = {
    "machine/agent/": "a program of its own, which runs inside guests and imports nothing of cowpath",
}
"""Where names do not count."""

MIRRORED = {
    "Reference": ("linux/state.py", "promise/state.py"),
    "Register": ("linux/state.py", "promise/state.py", "litmus/ast.py"),
    "Task": ("linux/state.py", "promise/state.py"),
}
"""The mechanism and the promise run the same test, and each has a record of its own for the same part of it.

What the litmus language calls a register, both have a cell for.
"""


def test_a_name_is_one_class() -> None:
    found: dict[str, list[str]] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        path = file.relative_to(SOURCE).as_posix()
        if not path.startswith(tuple(APART)):
            for node in ast.parse(file.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(path)
    twice = {name: paths for name, paths in found.items() if len(paths) > 1}
    assert twice.keys() == MIRRORED.keys()
    assert all(set(paths) == set(MIRRORED[name]) for name, paths in twice.items())
