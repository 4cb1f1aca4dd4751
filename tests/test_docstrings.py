# SPDX-License-Identifier: MIT
"""Whatever has a public name says in a sentence what it does or is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cowpath"
FILES = sorted(SOURCE.rglob("*.py"))

Documented = ast.Module | ast.ClassDef | ast.FunctionDef

RIDDLE = re.compile(r"(What|One|Whether)\b")
"""A docstring that begins so is half of a sentence: the reader has to find the other half in the code."""


def documented(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    """Yield a module or class with its name, and all in it that others may call; not what is in functions."""
    yield name, node
    for child in node.body if not isinstance(node, ast.FunctionDef) else ():
        if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
            yield from documented(child, f"{name}.{child.name}")


def all_of(file: Path) -> list[tuple[str, Documented]]:
    """Return what a file of the package has to explain."""
    return list(documented(ast.parse(file.read_text("utf-8")), str(file.relative_to(SOURCE))))


@pytest.mark.parametrize("room", sorted({path.relative_to(SOURCE).parts[0] for path in FILES}))
def test_every_public_name_has_a_sentence(room: str) -> None:
    files = [file for file in FILES if file.relative_to(SOURCE).parts[0] == room]
    found = [one for file in files for one in all_of(file)]
    assert [name for name, node in found if not ast.get_docstring(node)] == []
    assert [name for name, node in found if RIDDLE.match(ast.get_docstring(node) or "")] == []
