# SPDX-License-Identifier: MIT
"""Data flows one way: modules do not import each other in circles, but where mm/ itself does.

Imports for types alone and inside functions count, too: who needs them needs the other module to be read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import cowpath

PACKAGE = Path(cowpath.__file__).parent

ALLOWED = {
    # As in the kernel, where all of these call each other: a slot, its folio and its ptes go together.
    frozenset(f"cowpath.linux.mm.{name}" for name in ("swapfile", "rmap", "page_io", "swap_state", "zswap")),
}


def modules() -> dict[str, Path]:
    """Every module of the package, by name; a package by the name of its directory."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(name: str, file: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports anywhere; a package only where it is named itself."""
    package = name if file.stem == "__init__" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            origin = ".".join(part for part in (base, node.module) if part)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                if inner in known or origin in known:
                    yield inner if inner in known else origin


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The strongly connected components of more than one module (or of one that imports itself)."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            fresh = graph[todo.pop()] - seen
            seen |= fresh
            todo += fresh
        return seen

    reached = {name: reach(name) for name in graph}
    return {
        frozenset({name, *(other for other in reached[name] if name in reached[other])})
        for name in graph
        if name in reached[name]
    }


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}) == {frozenset("bc"), frozenset("d")}


def test_no_module_imports_itself_by_way_of_others() -> None:
    known = modules()
    graph = {name: set(imports(name, file, known)) - {name} for name, file in known.items()}
    assert "cowpath.linux.mm.swap" in graph["cowpath.linux.mm.memory"]  # else nothing was looked at
    assert {circle for circle in circles(graph) if not any(circle <= allowed for allowed in ALLOWED)} == set()
