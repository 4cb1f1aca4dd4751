# SPDX-License-Identifier: MIT
"""The verdicts that a corpus expects, in an `expected.toml` beside its tests.

A table per test; a key per kernel, written as `cowpath` names it but for x86_64, which is left out ("5.18",
"6.1 arm", "6.1 without H5"); a value as `cowpath check` prints it in a table ("kept", "lost write"), followed
by the answer to the test's condition where that matters ("kept; holds", "kept; does not hold").

Where a test is broken on the newest kernel, `open = "..."` in its table says which upstream bug that is.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from cowpath.errors import CowpathError
from cowpath.history.version import DEFAULT_ARCHITECTURE, Version, version

FILE_NAME = "expected.toml"

OPEN = "open"
"""The key beside the kernels: an upstream bug."""


@dataclass(frozen=True)
class Expected:
    """The content of one such file."""

    verdicts: Mapping[str, Mapping[str, str]]

    @classmethod
    def beside(cls, test: str | PathLike[str]) -> Expected:
        """The file beside a test; empty if there is none.  Raises CowpathError if it cannot be read."""
        return cls.read(Path(test).parent / FILE_NAME)

    @staticmethod
    @functools.cache
    def read(path: Path) -> Expected:
        """The verdicts in a file."""
        if not path.exists():
            return Expected({})
        try:
            verdicts = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise CowpathError(f"{path}: {error}") from error
        for test, table in verdicts.items():
            if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
                raise CowpathError(
                    f'{path}: {test!r} must be a table of verdicts by kernel, such as "5.18" = "kept"'
                )
        return Expected(verdicts)

    def verdict(self, test: str, version: Version) -> str | None:
        """The expected verdict of a test on a kernel; None if there is none."""
        return self.verdicts.get(test, {}).get(key(version))

    def kernels(self, test: str) -> dict[str, str]:
        """The expected verdicts of a test, by kernel as it is written."""
        return {kernel: words for kernel, words in self.verdicts.get(test, {}).items() if kernel != OPEN}

    def open_bug(self, test: str) -> str:
        """The upstream bug that a test still finds in the newest kernel; empty if there is none."""
        return self.verdicts.get(test, {}).get(OPEN, "")


def key(version: Version) -> str:
    """The name of a kernel as the file has it.

    >>> from cowpath.history.version import version
    >>> key(version("6.1", dropped=["H5"])), key(version("6.1", "arm"))
    ('6.1 without H5', '6.1 arm')
    """
    return str(version).replace(f" {DEFAULT_ARCHITECTURE}", "", 1)


def named(written: str) -> Version:
    """The kernel that is written so: the inverse of `key`.  Raises CowpathError.

    >>> str(named("6.1 without H5")), str(named("6.1 arm with as-posted"))
    ('6.1 x86_64 without H5', '6.1 arm with as-posted')
    >>> named("6.1 sans H5")
    Traceback (most recent call last):
    cowpath.errors.CowpathError: '6.1 sans H5' is not a kernel: write it as 6.1, 6.1 arm or 6.1 without H5
    """
    release, *rest = written.split() or [""]
    architecture = rest.pop(0) if len(rest) % 2 else DEFAULT_ARCHITECTURE
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    if any(word not in ("with", "without") for word, _ in pairs):
        raise CowpathError(f"{written!r} is not a kernel: write it as 6.1, 6.1 arm or 6.1 without H5")
    added, dropped = ([name for word, name in pairs if word == wanted] for wanted in ("with", "without"))
    return version(release, architecture, added, dropped)
