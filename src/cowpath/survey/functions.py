# SPDX-License-Identifier: MIT
"""The functions of the kernel tree, and the changes that each asks for.

They are read from the source; nothing of it runs.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cowpath.history import changes, mutants
from cowpath.history.change import Change

LINUX = Path(__file__).parents[1] / "linux"
"""cowpath's own tree."""


@dataclass(frozen=True, slots=True)
class TreeFunction:
    """A function at the top of a file of the tree.

    `path` is the file below the tree; `first` and `last` are its lines, decorators included.  `changes` are
    those that it asks its kernel for, mutants too, in the order in which it first does.
    """

    name: str
    path: str
    first: int
    last: int
    changes: tuple[Change, ...]

    @property
    def ours(self) -> bool:
        """True if the name is the model's own, not the kernel's."""
        return self.name.startswith("_")


@functools.cache
def functions(tree: Path = LINUX) -> tuple[TreeFunction, ...]:
    """Every function of a tree, file by file.

    >>> found = {function.name: function for function in functions()}
    >>> found["do_swap_page"].path
    'mm/memory.py'
    >>> "swapin-rechecks-entry" in [change.name for change in found["do_swap_page"].changes]
    True
    """
    return tuple(
        TreeFunction(
            node.name,
            file.relative_to(tree).as_posix(),
            min([node.lineno, *(one.lineno for one in node.decorator_list)]),
            node.end_lineno or node.lineno,
            tuple(dict.fromkeys(asked_in(node))),
        )
        for file in sorted(tree.rglob("*.py"))
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    )


def asked_in(node: ast.AST) -> Iterator[Change]:
    """The changes that code names, in order."""
    for part in ast.walk(node):
        name = part.attr if isinstance(part, ast.Attribute) else part.id if isinstance(part, ast.Name) else ""
        if name in records():
            yield records()[name]


@functools.cache
def records() -> dict[str, Change]:
    """The constants that hold changes and mutants, by name."""
    named = {**vars(changes), **vars(mutants)}
    return {name: value for name, value in named.items() if isinstance(value, Change)}
