# SPDX-License-Identifier: MIT
"""The answers of one test on kernels that are asked for one after the other.

A kernel that is alike to one that was searched (history/asked.py) is not searched again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cowpath.explore.engine import Method
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.program import Program
from cowpath.survey.sweep import EXHAUSTIVE, NOBODY, Watch

Kept = TypeVar("Kept")


@dataclass
class Memo(Generic[Kept]):
    """A test, and what `keep` has made of its result on each kernel so far.

    `keep` is given what the model asked of the kernel, too, which says for which others the result holds.

    >>> from cowpath.corpus.files import program
    >>> from cowpath.history.version import version
    >>> memo = Memo(program("get-read-leak"), lambda asked, result: result.verdict)
    >>> [memo(version(release)) for release in ("5.7", "6.1", "6.2")], memo.searches
    (['broken', 'kept', 'kept'], 2)
    """

    program: Program
    keep: Callable[[Asked, Result], Kept]
    method: Method = EXHAUSTIVE
    watch: Watch = NOBODY
    searches: int = 0
    known: list[tuple[Asked, Kept]] = field(default_factory=list)

    def __call__(self, version: Version) -> Kept:
        """Return what is kept of the test on a kernel.  Raises CowpathError if the test cannot run there."""
        for asked, kept in self.known:
            if asked.alike(version):
                return kept
        return self.search(version)

    def asked(self, version: Version) -> Asked:
        """Return what the model asked of a kernel, or of one that is alike, in this test."""
        self(version)
        return next(asked for asked, _ in self.known if asked.alike(version))

    def search(self, version: Version) -> Kept:
        """Search on a kernel that is like none so far."""
        asked = Asked(version)
        self.watch.begin(f"{self.program.name} on {version}")
        result = judge(self.program, asked, self.method, self.watch.update)
        self.searches += 1
        kept = self.keep(asked, result)
        self.known.append((asked, kept))
        self.watch.done(f"{self.program.name} on {version}")
        return kept
