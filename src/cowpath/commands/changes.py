# SPDX-License-Identifier: MIT
"""The upstream changes that alter a rule of the model: commit, release, what it was before."""

from __future__ import annotations

import argparse
import sys

from cowpath.kernel.changes import CHANGES, Change, find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath changes`."""
    parser.add_argument("change", nargs="*", help="only these, by name (H3), group (H4) or commit")


def run(arguments: argparse.Namespace) -> int:
    """Print each change as a paragraph."""
    chosen = [change for name in arguments.change for change in find(name)] or list(CHANGES)
    sys.stdout.write("\n".join(paragraph(change) for change in chosen))
    return 0


def paragraph(change: Change) -> str:
    """One change in words.

    >>> print(paragraph(find("H3")[0]))
    H3  1493a1913e34  v5.19  mm/memory.c
        now:    fork clears the marker in the parent's swap pte and gives the child an unmarked one
        before: fork copies the swap pte as it is
    <BLANKLINE>
    """
    release = "no release" if change.release is None else f"v{change.release}"
    where = f"  only {', '.join(change.architectures)}" if change.architectures else ""
    head = f"{change.name}  {change.commit}  {release}  {change.file}{where}"
    words = f"{head}\n    now:    {change.rule}\n    before: {change.before}\n"
    return words + (f"    no test can tell: {change.unobservable}\n" if change.unobservable else "")
