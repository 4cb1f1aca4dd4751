# SPDX-License-Identifier: MIT
"""A kernel that remembers what the model has asked of it, and so for which other kernels the answers hold.

The model learns nothing of its kernel but by asking, and all else that decides about a search is the same on
every kernel.  So two kernels that give the same answers to all that was asked on one of them are searched in
the same way, step by step: the first question that could tell them apart would have to come after questions
that do not, and is none of those that were asked.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, cast

from cowpath.errors import CowpathError
from cowpath.history.change import Change
from cowpath.history.release import Release
from cowpath.history.version import Version

Answer = TypeVar("Answer")

_RELEASE, _ARCHITECTURE = attrgetter("release"), attrgetter("architecture")


class Asked:
    """A kernel that records what it is asked.  The model holds this in place of the kernel itself.

    `changes` are those that it was asked for, with the answers; `answers` has everything else, by question (a
    function of a `Version`) and operands.
    """

    def __init__(self, version: Version) -> None:
        self.version = version
        self.changes: dict[Change, bool] = {}
        self.answers: dict[tuple[Any, ...], object] = {}
        self.alone = False  # not all is known of what may be asked: no other kernel counts as alike

    @classmethod
    def of(cls, kernel: Version | Asked) -> Asked:
        """Return the kernel itself if it records questions already, else a new record without any."""
        return kernel if isinstance(kernel, Asked) else cls(kernel)

    def has(self, change: Change) -> bool:
        """Tell whether this kernel has a change, and record the answer.

        >>> from cowpath.history.version import find, version
        >>> asked = Asked(version("5.19"))
        >>> asked.has(find("H5")[0])
        True
        >>> asked.alike(version("6.1")), asked.alike(version("6.1", dropped=["H5"]))
        (True, False)
        """
        answer = self.changes.get(change)
        if answer is None:
            answer = self.changes[change] = self.version.has(change)
        return answer

    def ask(self, question: Callable[..., Answer], *operands: object) -> Answer:
        """Return `question(version, *operands)` and record it; the less it says, the more kernels are alike.

        The question must have no side effects, and its answers must be comparable.  Raises what the question
        raises.
        """
        key = (question, *operands)
        if key not in self.answers:
            try:
                self.answers[key] = question(self.version, *operands)
            except CowpathError:
                self.alone = True
                raise
        return cast(Answer, self.answers[key])

    @property
    def release(self) -> Release:
        """The release; no other is alike once this was asked."""
        return cast(Release, self.ask(_RELEASE))

    @property
    def architecture(self) -> str:
        """The architecture; no other is alike once this was asked."""
        return cast(str, self.ask(_ARCHITECTURE))

    def alike(self, other: Version) -> bool:
        """True where another kernel gives the same answers to all that was asked so far."""
        if other == self.version:
            return True
        if self.alone or any(other.has(change) is not has for change, has in self.changes.items()):
            return False
        try:
            return all(
                question(other, *operands) == answer for (question, *operands), answer in self.answers.items()
            )
        except CowpathError:
            return False
