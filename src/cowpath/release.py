# SPDX-License-Identifier: MIT
"""Kernel releases that can be compared: 5.9 is older than 5.10."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cowpath.errors import CowpathError


class ReleaseError(CowpathError):
    """A release that cannot be read."""


@dataclass(frozen=True, order=True, slots=True)
class Release:
    """A mainline release, `major.minor`.

    >>> Release.parse("5.9") < Release.parse("v5.10")
    True
    >>> str(Release(6, 1))
    '6.1'
    """

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @classmethod
    def parse(cls, text: str) -> Release:
        """Read "6.1", "v6.1" or a longer name such as "6.1.176-1" (what follows the minor is left out).

        >>> Release.parse("6.1.0-50-amd64")
        Release(major=6, minor=1)
        >>> Release.parse("sid")
        Traceback (most recent call last):
            ...
        cowpath.release.ReleaseError: 'sid' is not a kernel release: write it as 5.10 or 6.1
        """
        match = re.match(r"v?(\d+)\.(\d+)(?![\d])", text.strip())
        if match is None:
            raise ReleaseError(f"{text!r} is not a kernel release: write it as 5.10 or 6.1")
        return cls(int(match[1]), int(match[2]))
