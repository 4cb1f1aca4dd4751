# SPDX-License-Identifier: MIT
"""A corpus: litmus files, or directories of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cowpath.errors import CowpathError

DEFAULT = "litmus"


def files(names: Iterable[str]) -> list[str]:
    """Every test in these files and directories, sorted within a directory.

    Raises CowpathError for what is not there, and for a directory without tests.
    """
    found: list[str] = []
    for name in names:
        path = Path(name)
        if path.is_dir():
            inside = sorted(str(file) for file in path.rglob("*.litmus"))
            if not inside:
                raise CowpathError(f"{name}: no *.litmus file in this directory")
            found += inside
        elif path.exists():
            found.append(name)
        else:
            hint = "; the corpus is a directory of cowpath's source tree" if name == DEFAULT else ""
            raise CowpathError(f"{name}: no such file or directory{hint}")
    return list(dict.fromkeys(found))
