# SPDX-License-Identifier: MIT
"""Which rooms may know of which: text is made in report/, and nothing that computes knows of it."""

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
