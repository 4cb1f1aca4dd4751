# SPDX-License-Identifier: MIT
"""Kernel releases: which one a text names, and which of two came first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cowpath.errors import CowpathError

LAST_MINOR = {2: 6, 3: 19, 4: 20, 5: 19, 6: 19}
"""The last minor number of each finished series; 6.19 was followed by 7.0."""

_WRITTEN = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6})(?P<local>[-+~]\S*)?)?", re.ASCII)
_REPORTED = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:[-+~.]\S*)?", re.ASCII)


class ReleaseError(CowpathError):
    """A text that names no kernel release."""


@dataclass(frozen=True, order=True, slots=True)
class Release:
    """A release by its numbers: 6.1 of mainline, or 6.1.176, its 176th stable update.

    `patch` is 0 for mainline.  Updates sort between their release and the next one, which says in what
    order the numbers go, not what is in them: a fix may be in 6.1.176 and not in 6.2.

    >>> Release(6, 1) < Release(6, 1, 176) < Release(6, 2) < Release(6, 10)
    True
    """

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Release:
        """Return the release that a text names: "6.1", "v6.1", "6.1.176", "6.1.176-1" as a package has it.

        Raises ReleaseError if the text names none, saying what was probably meant.

        >>> print(Release.parse("v6.1.176"))
        6.1.176
        >>> Release.parse("5.99")
        Traceback (most recent call last):
        ...
        cowpath.history.release.ReleaseError: there is no kernel 5.99: the 5.x series ended with 5.19
        """
        match = _WRITTEN.fullmatch(text.strip())
        if not match or _is_candidate(match["local"]):
            raise ReleaseError(f"{text[:60]!r} is not a kernel release{_guess(text.strip().lower()[:60])}")
        release = cls(int(match[1]), int(match[2]), int(match[3] or 0))
        if match["local"] and not release.patch:
            raise ReleaseError(
                f"{text!r} does not say which stable update it is: `uname -v` may, or the version of its "
                f"package; write {release.mainline}.176, or {release.mainline} for mainline"
            )
        last = LAST_MINOR.get(release.major, None if release.major > 2 else 0)
        if last is not None and release.minor > last:
            raise ReleaseError(
                f"there is no kernel {release.mainline}: "
                f"the {release.major}.x series ended with {release.major}.{last}"
            )
        return release

    @classmethod
    def reported(cls, text: str) -> Release:
        """Return the release that a machine reports of itself (`uname -r`), as exactly as it says.

        Debian and Ubuntu name 6.1.0 whatever the update is.  Raises ReleaseError.

        >>> [str(Release.reported(text)) for text in ("6.1.0-50-amd64", "6.12.107+deb13-amd64", "6.9.0-rc3+")]
        ['6.1', '6.12.107', '6.9']
        """
        match = _REPORTED.fullmatch(text.strip())
        if not match:
            raise ReleaseError(f"{text!r} is not what a Linux kernel calls itself")
        return cls(int(match[1]), int(match[2]), int(match[3] or 0))

    @property
    def mainline(self) -> Release:
        """The mainline release that a stable update belongs to.

        >>> str(Release(6, 1, 176).mainline)
        '6.1'
        """
        return Release(self.major, self.minor)

    def previous(self) -> Release:
        """The release, or the update, before this one.

        >>> [str(Release(*three).previous()) for three in ((6, 0), (5, 18), (6, 1, 80), (6, 1, 1))]
        ['5.19', '5.17', '6.1.79', '6.1']
        """
        if self.patch:
            return Release(self.major, self.minor, self.patch - 1)
        if self.minor:
            return Release(self.major, self.minor - 1)
        return Release(self.major - 1, LAST_MINOR[self.major - 1])

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}" + (f".{self.patch}" if self.patch else "")


def _is_candidate(local: str | None) -> bool:
    """True for the suffix of a release candidate."""
    return local is not None and "-rc" in local


def _guess(text: str) -> str:
    """Return the end of an error message about a text that is no release: a hint at what was meant."""
    if text == "all" or ".." in text:
        return " but names several: one is needed here"
    if match := re.fullmatch(r"v?(\d+\.\d+(?:\.\d+)?)\s*[-:]\s*v?(\d+\.\d+(?:\.\d+)?)", text):
        return f"; did you mean {match[1]}..{match[2]}?"
    if match := re.fullmatch(r"v?(\d+)\.(\d+)(?:\.\d+)?-rc\d*\S*", text):
        release = Release(int(match[1]), int(match[2]))
        before = f"{release.previous()} or " if release.minor or release.major - 1 in LAST_MINOR else ""
        return f": a release candidate is neither of the two beside it; did you mean {before}{release}?"
    if match := re.fullmatch(r"v?(\d+\.\d+)[.+](?:[x*+].*)?", text):
        return f": name one, {match[1]} or an update of it such as {match[1]}.5"
    if match := re.fullmatch(r"v?(\d+)(\.[x*]?)?", text):
        digits = match[1]
        if len(digits) > 1 and not match[2]:
            return f"; did you mean {digits[0]}.{digits[1:]}?"
        return f": a minor number is missing, as in {digits[0]}.{min(LAST_MINOR.get(int(digits[0]), 3), 1)}"
    if re.fullmatch(r"v?\d+\.\d+\S*(?:[,;\s]\s*v?\d+\.\d+\S*)+", text):
        return ": give each one an option of its own"
    return ": write its numbers, as in 5.10, 6.1 or 6.1.176"
