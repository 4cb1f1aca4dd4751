# SPDX-License-Identifier: MIT
"""Since when a test breaks, until when, and the changes that did it.

Every mainline release is judged, and of a series with stable updates each update that changes a rule.
Kernels that are alike on the test share a search.  Where the answer changes from one release to the next, the
smallest part of what is new there is looked for that makes the difference.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.change import Change
from cowpath.history.release import Release
from cowpath.history.selection import releases, within
from cowpath.history.stable import READ, UPDATES
from cowpath.history.version import DEFAULT_ARCHITECTURE, Version, version
from cowpath.judge.answer import short_verdict
from cowpath.judge.goal import choose
from cowpath.judge.result import Result
from cowpath.litmus.ast import Litmus
from cowpath.litmus.program import Program
from cowpath.survey.memo import Memo
from cowpath.survey.sweep import EXHAUSTIVE, NOBODY, Watch

Changes = frozenset[Change]
Part = TypeVar("Part")

SEEN, NOT_SEEN = "seen", "not seen"
"""The answers to a question about one outcome."""

UNFINISHED, CANNOT = "not finished", "cannot run"


class OutcomeError(CowpathError):
    """An outcome that cannot be asked for."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The cause of a changed answer: changes that came, and changes that went.

    It is a smallest set: the release owes its answer to these, and to nothing else that is new in it.  Where
    `enough` is false, it would have the same answer without them, because something else that is new has the
    same effect.
    """

    came: tuple[Change, ...]
    went: tuple[Change, ...]
    enough: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Releases in a row with one answer, and what began it; None for the first."""

    answer: str
    first: Release
    last: Release
    cause: Cause | None

    @property
    def broken(self) -> bool:
        """True if the promise is broken there, or the outcome that was asked for is seen."""
        return self.answer not in ("kept", NOT_SEEN, UNFINISHED) and not self.answer.startswith(CANNOT)


@dataclass(frozen=True, slots=True)
class Bisection:
    """The answers of a test on all kernels of an architecture.

    `mainline` are the spans from the oldest release to the newest.  `stable` has the spans of each series in
    which an update changes the answer; there the first span begins with mainline.
    """

    test: str
    architecture: str
    wanted: str
    mainline: tuple[Span, ...]
    stable: tuple[tuple[Span, ...], ...]

    @property
    def first(self) -> Span | None:
        """The oldest span that is broken."""
        return next((span for span in self.mainline if span.broken), None)

    @property
    def last(self) -> Span | None:
        """The newest span that is broken."""
        return next((span for span in reversed(self.mainline) if span.broken), None)

    @property
    def finished(self) -> bool:
        """True if every search came to its end."""
        return all(span.answer != UNFINISHED for spans in (self.mainline, *self.stable) for span in spans)

    def answer(self, release: Release) -> str:
        """The answer on a release."""
        for spans in (*self.stable, self.mainline):
            for span in spans:
                if span.first <= release <= span.last:
                    return span.answer
        raise KeyError(release)


def bisect(
    program: Program,
    test: Litmus,
    architecture: str = DEFAULT_ARCHITECTURE,
    wanted: str = "",
    method: Method = EXHAUSTIVE,
    watch: Watch = NOBODY,
) -> Bisection:
    """Find the spans of a test, and what began each.

    `wanted` is an outcome as `judge.goal.choose` reads it, `test` the tree of the test that it is read
    against; without it the question is what the test breaks.  Raises CowpathError for an outcome that cannot
    be read.
    """
    ask = question(test, wanted)
    answer = safely(Memo(program, lambda _, result: ask(result), method, watch))

    def kernels(found: Sequence[Release]) -> list[Version]:
        return [version(release, architecture) for release in found]

    mainline = tuple(spans(kernels(releases("all")), answer))
    stable = (tuple(spans(kernels(one), answer)) for one in updated())
    differing = tuple(found for found in stable if len(found) > 1)
    name = version(mainline[0].first, architecture).architecture
    return Bisection(program.name, name, wanted, mainline, differing)


def updated() -> Iterator[list[Release]]:
    """For each series with stable updates: mainline, and every update that changes a rule."""
    for series in sorted({update.series for update in UPDATES}):
        known = [update.until or update.since for update in UPDATES if update.series == series]
        yield within(series, Release(series.major, series.minor, max(*known, READ.get(series, 0))))


def question(test: Litmus, wanted: str) -> Callable[[Result], str]:
    """Return the question for each result: the verdict in a few words, or if an outcome is seen."""

    if wanted.isdigit():
        raise OutcomeError(f"outcome {wanted} is another one on each kernel: write what it is")

    def seen(result: Result) -> str:
        try:
            goal = choose(result, test, wanted)
        except CowpathError as error:
            raise OutcomeError(str(error)) from error
        if goal is not None:
            return SEEN
        return UNFINISHED if result.verdict == "unfinished" else NOT_SEEN

    return seen if wanted else short_verdict


def safely(memo: Memo[str]) -> Callable[[Version], str]:
    """The same where a test that a kernel cannot run is an answer, too."""

    def answer(kernel: Version) -> str:
        try:
            return memo(kernel)
        except CowpathError as error:
            if isinstance(error, OutcomeError):
                raise
            return f"{CANNOT}: {error}"

    return answer


def spans(kernels: Sequence[Version], answer: Callable[[Version], str]) -> Iterator[Span]:
    """Kernels in a row with the same answer."""
    first, cause = kernels[0], None
    for before, after in zip(kernels, [*kernels[1:], None], strict=True):
        if after is None:
            yield Span(answer(first), first.release, before.release, cause)
        elif answer(after) != answer(before):
            yield Span(answer(first), first.release, after.release.previous(), cause)
            first, cause = after, cause_of(before, after, answer)


def cause_of(before: Version, after: Version, answer: Callable[[Version], str]) -> Cause:
    """The smallest part of what is new in a kernel without which it does not have its answer.

    Everything that is new is taken from the kernel, and the least is given back.  (Adding to the older kernel
    would not do: layouts of ptes come with a release.)  Parts of one commit come and go together, as in a
    bisection of commits; of the commits that are left, the parts that matter are found in a second pass.
    """
    wanted = answer(after)
    differing = frozenset(after.changes ^ before.changes)

    def works(parts: Sequence[Changes]) -> bool:
        return answer(toggled(after, differing.difference(*parts))) == wanted

    commits: dict[str, Changes] = {}
    for change in sorted(differing, key=lambda one: (one.commit, one.name)):
        commits[change.commit] = commits.get(change.commit, Changes()) | {change}
    needed = smallest(list(commits.values()), works)
    found = smallest([Changes({change}) for part in needed for change in part], works)
    changes = Changes().union(*found)
    in_order = sorted(changes, key=lambda one: one.name)
    return Cause(
        tuple(change for change in in_order if change in after.changes),
        tuple(change for change in in_order if change not in after.changes),
        answer(toggled(after, changes)) != wanted,
    )


def smallest(parts: Sequence[Part], works: Callable[[Sequence[Part]], bool]) -> list[Part]:
    """Parts none of which can be left out; a single one, if one works alone.  All of them are known to work.

    >>> smallest("abcd", lambda some: {"a", "c"} <= set(some)), smallest("abcd", lambda some: "b" in some)
    (['a', 'c'], ['b'])
    """
    for part in parts:
        if works([part]):
            return [part]
    kept = list(parts)
    for part in parts:
        fewer = [other for other in kept if other != part]
        if works(fewer):
            kept = fewer
    return kept


def toggled(kernel: Version, changes: Changes) -> Version:
    """A kernel with changes added that it lacks, and those dropped that it has."""
    added = tuple(change for change in changes if not kernel.has(change))
    dropped = tuple(change for change in changes if kernel.has(change))
    return dataclasses.replace(kernel, changes=kernel.changes ^ changes, added=added, dropped=dropped)
