# SPDX-License-Identifier: MIT
"""The kernel tree that a test is judged by: `cowpath.linux`, or a changed copy of it beside it."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from typing import Protocol, cast

from cowpath.errors import CowpathError
from cowpath.explore.record.recorder import Model
from cowpath.history.asked import Asked
from cowpath.litmus.program import Program

_numbers = itertools.count(1)


class KernelTree(Protocol):
    """The two functions that the judge needs of a kernel tree; the module `cowpath.linux` has them."""

    def build(
        self,
        version: Asked,
        program: Program,
        more_folios: int,
        more_slots: int,
        count_copies: bool,
        /,
    ) -> tuple[object, Model]:
        """The kernel and the model of a test on it."""

    def title(self, name: str, /) -> str:
        """The title of an invariant, by its name."""


def load_tree(directory: str | Path) -> KernelTree:
    """Import a copy of `src/cowpath/linux/` from a directory of any name, as a package of its own.

    Each call makes a new package, so that a copy may be changed and loaded again.  Raises CowpathError where
    the directory holds no such tree; errors of Python in the copy are raised as they are.
    """
    door = Path(directory).resolve() / "__init__.py"
    name = f"cowpath_tree_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, door, submodule_search_locations=[str(door.parent)])
    if spec is None or spec.loader is None or not door.exists():
        raise CowpathError(f"{directory} is no kernel tree: it has no __init__.py")
    tree = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(tree)
    except BaseException:
        del sys.modules[name]
        raise
    missing = [wanted for wanted in ("build", "title") if not hasattr(tree, wanted)]
    if missing:
        raise CowpathError(f"{directory} is no kernel tree: its __init__.py lacks {' and '.join(missing)}")
    return cast(KernelTree, tree)
