# SPDX-License-Identifier: MIT
"""Upstream changes that alter a rule of the model, and the releases that have them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cowpath.history.release import Release


@dataclass(frozen=True, slots=True)
class Change:
    """An upstream change that alters a rule of the model.

    `commit` is the mainline id (or the subject, where it was folded into another commit or no id is known);
    `release` the first mainline release with it, None for a variant that no release has; `until` the release
    that took it back or did without it, by the commit `undone_by`.
    """

    name: str
    commit: str
    release: Release | None
    file: str
    rule: str
    before: str
    part_of: str = ""
    architectures: tuple[str, ...] = ()
    until: Release | None = None
    undone_by: str = ""
    unobservable: str = ""  # why no test can tell a kernel with it from one without, if that is so
    unsettled: str = ""  # what of this record could not be looked up, and what it rests on instead

    def __hash__(self) -> int:
        """By name alone: every rule of the model asks for changes, and a hash of all fields takes longer."""
        return hash(self.name)

    @property
    def shown_commit(self) -> str:
        """The commit as tables name it; a dash where no id is known."""
        return "-" if self.unsettled else self.commit

    @property
    def hunk(self) -> str:
        """The hunk that the change is a part of ("H4" for "H4a"), or its own name if it is whole."""
        return self.name[:-1] if re.fullmatch(r"H\d[a-z]", self.name) else self.name

    def in_release(self, release: Release, architecture: str) -> bool:
        """True where mainline of this release has the change on this architecture."""
        if self.release is None or release < self.release:
            return False
        if self.until is not None and release >= self.until:
            return False
        return self.fits(architecture)

    def fits(self, architecture: str) -> bool:
        """True where kernels of this architecture can have the change at all."""
        return not self.architectures or architecture in self.architectures
