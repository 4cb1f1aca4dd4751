# SPDX-License-Identifier: MIT
"""Many tests on many kernels: the one way that `check`, `copies`, `table` and `mutate` run them.

A test is judged on all of its kernels in one go, because those that are alike on it share a search.  What is
kept of each judgement is up to the caller: searches themselves are large and cannot go from one process to
another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from cowpath.explore.engine import Method
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.alike import Judged, judge_each
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.judge.tree import rules_of
from cowpath.litmus.program import Program
from cowpath.survey.parallel import ALONE, Workers, each

Kept = TypeVar("Kept")

EXHAUSTIVE = Method()
"""A search without a bound."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A test and the kernels to judge it on; `name` is the file it came from, or what else it goes by.

    `tree` is the directory of the kernel tree to judge by, if it is not cowpath's own (survey/patch.py).
    """

    name: str
    program: Program
    versions: tuple[Version, ...]
    method: Method = EXHAUSTIVE
    count_copies: bool = False
    tree: Path | None = None

    def title(self, version: Version) -> str:
        """The test on one of its kernels, as progress shows it."""
        return f"{self.program.name} on {version}"


class Watch(Protocol):
    """Told how far a sweep is."""

    def begin(self, title: str) -> None:
        """A search begins in this process."""

    def update(self, states: int, frontier: int, remark: str = "") -> None:
        """The search has found so many states; so many of them are not expanded yet."""

    def done(self, title: str) -> None:
        """The test on the kernel that `title` names has been judged, in whatever process."""


class Nobody:
    """Nobody wants to know how far a sweep is: nothing happens."""

    def begin(self, title: str) -> None:
        """Do nothing."""

    def update(self, states: int, frontier: int, remark: str = "") -> None:
        """Do nothing."""

    def done(self, title: str) -> None:
        """Do nothing."""


NOBODY = Nobody()


@dataclass(frozen=True)
class Sweep(Generic[Kept]):
    """The way in which tests are judged: `keep` chooses what is kept of each judgement.

    With workers beyond this process, `keep` and what it returns must be of a kind that can be pickled, and
    kernels of a test are searched on one core each.
    """

    keep: Callable[[Assignment, Judged], Kept]
    workers: Workers = ALONE
    watch: Watch = NOBODY

    def run(self, assignments: Sequence[Assignment]) -> Iterator[list[Kept]]:
        """For each assignment, in order and as they come, what is kept of each of its kernels in order."""
        count = sum(len(one.versions) for one in assignments)
        if self.workers.here(len(assignments), count):
            for one in assignments:
                yield judge_here(one, self.keep, self.watch)
            return
        single = [replace(one, method=one.method.on_one_core()) for one in assignments]
        answers = each(partial(judge_here, keep=self.keep), single, self.workers)
        for one, kept in zip(assignments, answers, strict=True):
            for version in one.versions:
                self.watch.done(one.title(version))
            yield kept


def judge_here(
    one: Assignment, keep: Callable[[Assignment, Judged], Kept], watch: Watch = NOBODY
) -> list[Kept]:
    """Judge one test on its kernels in this process; what is kept of each, in their order."""

    def search(asked: Asked) -> Result:
        watch.begin(one.title(asked.version))
        with rules_of(one.tree) as tree:
            return judge(one.program, asked, one.method, watch.update, one.count_copies, tree)

    kept = {}
    for judged in judge_each(one.versions, search):
        kept[judged.version] = keep(one, judged)
        watch.done(one.title(judged.version))
    return [kept[version] for version in one.versions]
