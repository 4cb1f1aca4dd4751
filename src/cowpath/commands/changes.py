# SPDX-License-Identifier: MIT
"""The upstream changes that alter a rule of the model: commit, release, what it was before."""

from __future__ import annotations

import argparse
import sys

from cowpath.history.change import Change
from cowpath.history.changes import CHANGES
from cowpath.history.stable import UPDATES
from cowpath.history.version import find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath changes`."""
    parser.add_argument("change", nargs="*", help="only these, by name (H3), group (H4) or commit")


def run(arguments: argparse.Namespace) -> int:
    """Print each change as a paragraph."""
    chosen = [change for name in arguments.change for change in find(name)] or list(CHANGES)
    sys.stdout.write("\n".join(paragraph(change) for change in chosen))
    return 0


def paragraph(change: Change) -> str:
    """One change in words, and what is not known of it.

    >>> print(paragraph(find("H3")[0]))
    H3  1493a1913e34  v5.19  mm/memory.c
        now:    fork clears the marker in the parent's swap pte and gives the child an unmarked one
        before: fork copies the swap pte as it is
    <BLANKLINE>
    """
    release = "no release" if change.release is None else f"v{change.release}"
    where = f"  only {', '.join(change.architectures)}" if change.architectures else ""
    lines = [f"{change.name}  {change.shown_commit}  {release}  {change.file}{where}"]
    if change.unsettled:
        lines.append(f"subject: {change.commit}")
    lines += [f"now:    {change.rule}", f"before: {change.before}"]
    if change.until is not None:
        lines.append(f"until:  v{change.until} ({change.undone_by})")
    if backports := [str(update) for update in UPDATES if update.change is change]:
        lines.append(f"stable: {', '.join(backports)}")
    if change.unobservable:
        lines.append(f"no test can tell: {change.unobservable}")
    if change.unsettled:
        lines.append(f"unsettled: {change.unsettled}")
    return "\n    ".join(lines) + "\n"
