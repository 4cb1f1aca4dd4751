# SPDX-License-Identifier: MIT
"""Kernel releases: what "5.10" and "6.1.176-1" have in common, and which of two came first."""

import re
from dataclasses import dataclass
from typing import Self

from cowpath.errors import CowpathError

LAST_MINOR = {2: 6, 3: 19, 4: 20, 5: 19, 6: 19}
"""Where each finished series ended; 6.19 was followed by 7.0."""

_RELEASE = re.compile(r"v?(\d+)\.(\d+)([.+~-].*)?", re.ASCII)


class ReleaseError(CowpathError):
    """A text that names no kernel release."""


@dataclass(frozen=True, order=True, slots=True)
class Release:
    """A mainline release, by major and minor number; stable updates belong to the release they update.

    >>> Release.parse("6.1") < Release.parse("6.10")
    True
    >>> print(Release.parse("v6.12.107+deb13-amd64"))
    6.12
    """

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The release that `text` names: "6.1", "v6.1", or all that `uname -r` prints.

        Raises ReleaseError if it names none, saying what was probably meant.

        >>> Release.parse("5.99")
        Traceback (most recent call last):
        ...
        cowpath.history.release.ReleaseError: there is no kernel 5.99: the 5.x series ended with 5.19
        """
        match = _RELEASE.fullmatch(text.strip())
        if not match:
            raise ReleaseError(f"{text!r} is not a kernel release{_guess(text)}")
        major, minor = int(match[1]), int(match[2])
        last = LAST_MINOR.get(major, None if major > 2 else 0)
        if last is not None and minor > last:
            raise ReleaseError(
                f"there is no kernel {major}.{minor}: the {major}.x series ended with {major}.{last}"
            )
        return cls(major, minor)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


def _guess(text: str) -> str:
    """What the user probably meant by a text that is no release."""
    text = text.strip().lower()
    if match := re.fullmatch(r"v?(\d+)(\.[x*]?)?", text):
        digits = match[1]
        if len(digits) > 1 and not match[2]:
            return f"; did you mean {digits[0]}.{digits[1:]}?"
        return f": a minor number is missing, as in {digits[0]}.{min(LAST_MINOR.get(int(digits[0]), 3), 1)}"
    return ": write its major and minor number, as in 5.10 or 6.1"
