# SPDX-License-Identifier: MIT
"""Settings of the whole machine, changed for the time of a test; and why a test cannot run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class CannotRunError(Exception):
    """Raised where this machine lacks something that the test needs; the text says what."""


def read(path: str) -> str:
    """Return the content of a setting, stripped."""
    with open(path) as file:
        return file.read().strip()


def write(path: str, value: str) -> None:
    """Change a setting."""
    with open(path, "w") as file:
        file.write(value)


@contextlib.contextmanager
def changed(path: str, value: str) -> Iterator[None]:
    """Give a setting another value for a while.  Raises CannotRunError where it cannot be set."""
    try:
        before = read(path)
        write(path, value)
    except OSError as error:
        raise CannotRunError(f"{path} cannot be set: {error.strerror}") from None
    try:
        yield
    finally:
        write(path, before)
