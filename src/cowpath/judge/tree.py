# SPDX-License-Identifier: MIT
"""The kernel tree that a test is judged by: `cowpath.linux`, or a changed copy of it beside it."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from cowpath import linux
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


class WatchableTree(KernelTree, Protocol):
    """A kernel tree whose kernels can be watched as well: what `prove` needs, and `cowpath.linux` has."""

    def build(
        self,
        version: Asked,
        program: Program,
        more_folios: int,
        more_slots: int,
        count_copies: bool,
        watched: bool = False,
        overlap: int = 0,
        /,
    ) -> tuple[object, Model]:
        """The kernel and the model of a test on it, which tells what user space sees if watched."""


def load_tree(directory: str | Path) -> WatchableTree:
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
    return cast(WatchableTree, tree)


class TreeError(CowpathError):
    """The code of a patched kernel tree went wrong while a test ran."""


loaded = functools.cache(load_tree)
"""The tree of a directory, which is imported once in each process."""


@contextlib.contextmanager
def rules_of(directory: Path | None) -> Iterator[WatchableTree]:
    """The kernel tree to judge by: that of a directory, or without one cowpath's own.

    The code of a patched tree may raise anything; that becomes a TreeError that says where.
    """
    if directory is None:
        yield linux
        return
    try:
        yield loaded(directory)
    except CowpathError:
        raise
    except Exception as error:
        raise TreeError(explained(error, directory)) from error


def explained(error: BaseException, directory: Path) -> str:
    """An error of Python, with the place below the tree that it comes from.

    >>> explained(NameError("name 'pte_mkold' is not defined"), Path("/no/such/tree"))
    "NameError: name 'pte_mkold' is not defined"
    """
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(directory)]
    where = f"{inside[-1].filename}:{inside[-1].lineno}, in {inside[-1].name}: " if inside else ""
    return relative(f"{where}{type(error).__name__}: {error}", directory)


def relative(message: str, directory: Path) -> str:
    """A message with paths below the tree, as "linux/mm/memory.py"."""
    return message.replace(str(directory), "linux")
