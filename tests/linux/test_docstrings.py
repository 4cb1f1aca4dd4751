# SPDX-License-Identifier: MIT
"""Every function of the model says where in the kernel it comes from, as far as that can be checked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cowpath import linux
from cowpath.history import changes
from cowpath.history.change import Change

KERNEL = Path(linux.__file__).parent
OURS = {"__init__", "batch", "client", "hardware", "invariants", "model", "state", "task"}
"""Files that mirror no file of the kernel tree; docs/model.md says what they are."""

MODULES = sorted(KERNEL.rglob("*.py"))
A_KERNEL_FILE = re.compile(r"\b(mm|fs|kernel|include|drivers|arch)/[\w*./-]+")
A_CHANGE = re.compile(r"(?:changes\.|k\.has\()([A-Z][A-Z0-9_]+)")


def functions(file: Path) -> Iterator[ast.FunctionDef]:
    """Those that are not private to their module."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def asked(function: ast.FunctionDef, file: Path) -> set[Change]:
    """The upstream changes that decide something in a function."""
    source = ast.get_source_segment(file.read_text("utf-8"), function) or ""
    known = {name: getattr(changes, name, None) for name in A_CHANGE.findall(source)}
    return {change for change in known.values() if isinstance(change, Change) and change.release is not None}


every_module = pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)


@every_module
def test_it_names_the_kernel_file_that_it_mirrors(file: Path) -> None:
    words = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    assert file.stem in OURS or A_KERNEL_FILE.search(words)


@every_module
def test_every_function_says_what_it_is(file: Path) -> None:
    assert [function.name for function in functions(file) if not ast.get_docstring(function)] == []


@every_module
def test_every_function_names_the_commits_that_it_asks_about(file: Path) -> None:
    missing = [
        (function.name, change.name, change.commit)
        for function in functions(file)
        for change in asked(function, file)
        if (change.name if change.unsettled else change.commit) not in (ast.get_docstring(function) or "")
    ]
    assert missing == []


def test_the_questions_are_found() -> None:
    """Else the test above could not fail."""
    found = {change for file in MODULES for function in functions(file) for change in asked(function, file)}
    assert len(found) > 30
