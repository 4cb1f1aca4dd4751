# SPDX-License-Identifier: MIT
"""The upstream changes that alter a rule of the model: commit, release, what it was before."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable

from cowpath.commands.terminal import style_of
from cowpath.history.change import Change
from cowpath.history.changes import CHANGES
from cowpath.history.stable import UPDATES
from cowpath.history.version import UnknownChangeError, find
from cowpath.report.style import fitting
from cowpath.survey.functions import functions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath changes`."""
    parser.add_argument(
        "change",
        nargs="*",
        help="only these: by name (H3) or its beginning, group (H4), commit, file (mm/gup.c) or function "
        "(do_swap_page)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print each change as a paragraph."""
    chosen = [change for name in arguments.change for change in matching(name)] or list(CHANGES)
    text = "\n".join(paragraph(change) for change in dict.fromkeys(chosen))
    sys.stdout.write(fitting(text, style_of()))
    return 0


def matching(name: str) -> tuple[Change, ...]:
    """The changes that a name, commit, file, function or the beginning of a name stands for.

    Raises UnknownChangeError where it stands for none.

    >>> [change.name for change in matching("mm/swap_state.c")] == [
    ...     change.name for change in CHANGES if change.file == "mm/swap_state.c"]
    True
    >>> "swapin-rechecks-entry" in [change.name for change in matching("do_swap_page()")]
    True
    >>> [change.name for change in matching("swp-exclusive-ar")]
    ['swp-exclusive-arm64']
    """
    try:
        return find(name)
    except UnknownChangeError:
        wanted = name.lower().removesuffix("()")
        word = re.compile(rf"\b{re.escape(wanted)}\b", re.IGNORECASE)
        asked = {change for one in functions() if one.name.lower() == wanted for change in one.changes}
        tests: tuple[Callable[[Change], object], ...] = (
            lambda change: change.file == wanted or change.file.endswith(f"/{wanted}"),
            lambda change: change.name.lower().startswith(wanted),
            lambda change: change in asked or word.search(f"{change.rule} {change.before}"),
        )
        for test in tests:
            if found := tuple(change for change in CHANGES if test(change)):
                return found
        raise


def paragraph(change: Change) -> str:
    """A change in words, with what is not known of it.

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
