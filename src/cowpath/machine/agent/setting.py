# SPDX-License-Identifier: MIT
"""Settings of the whole machine, changed for the time of a test; and why a test cannot run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

UNDO = "undo"
"""The journal of what was changed, in a job's directory: for who clears away after a killed agent."""

journal = ""
"""Its path; empty where nobody would read it."""


class CannotRunError(Exception):
    """Raised where this machine lacks something that the test needs; the text says what."""


class UnmetError(Exception):
    """Raised where the machine did not get into the state that the test is about; the text says which."""


def read(path: str) -> str:
    """Return the content of a setting, stripped; of one that lists all its choices, the one in brackets."""
    with open(path) as file:
        return chosen(file.read().strip())


def chosen(content: str) -> str:
    """Return what a setting is.

    >>> chosen("always [madvise] never"), chosen("60")
    ('madvise', '60')
    """
    return content.partition("[")[2].partition("]")[0] or content


def write(path: str, value: str) -> None:
    """Change a setting."""
    with open(path, "w") as file:
        file.write(value)


def note(**entry: str) -> None:
    """Keep something in the journal: what a setting was, or a device that was made."""
    if journal:
        with open(journal, "a") as file:
            file.write(json.dumps(entry) + "\n")


@contextlib.contextmanager
def changed(path: str, value: str) -> Iterator[None]:
    """Give a setting another value for a while.  Raises CannotRunError where it cannot be set."""
    try:
        before = read(path)
        note(setting=path, value=before)
        write(path, value)
    except OSError as error:
        raise CannotRunError(f"{path} cannot be set: {error.strerror}") from None
    try:
        yield
    finally:
        write(path, before)
