# SPDX-License-Identifier: MIT
"""Unnecessary copies: how many pages each kernel copies in each test, and which of them nobody needed.

The number of a test on a kernel is a range, over all of its outcomes.  What is *needed* is defined by
example, so that nothing is claimed that no kernel does: the smallest worst case among the kernels of the
table that keep the promise on that test.  What a kernel's own worst case has beyond that is avoidable, as
another kernel avoids it and still keeps the promise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.changes import FOUNDING
from cowpath.history.eras import Column, Signature, all_versions, each_alone, eras
from cowpath.history.version import NEWEST, Version, version
from cowpath.judge.alike import Judged
from cowpath.judge.result import Result
from cowpath.litmus.program import Program
from cowpath.survey.parallel import ALONE, Workers
from cowpath.survey.sweep import NOBODY, Assignment, Sweep, Watch


@dataclass(frozen=True, slots=True)
class CopyCount:
    """Fewest and most pages copied; None where there is no number, and then `why` says so."""

    test: str
    fewest: int | None = None
    most: int | None = None
    kept: bool = True
    why: str = ""

    @property
    def words(self) -> str:
        """As a table shows it: "1", "0-2", "0 !" where the kernel breaks the promise.

        >>> CopyCount("t", 0, 2).words, CopyCount("t", 0, 0, kept=False).words
        ('0-2', '0 !')
        """
        if self.most is None:
            return "-"
        span = str(self.most) if self.fewest == self.most else f"{self.fewest}-{self.most}"
        return span if self.kept else f"{span} !"


def count(one: Assignment, judged: Judged) -> CopyCount:
    """The copies of one judgement."""
    return count_of(one.program.name, judged.answer)


def count_of(test: str, result: Result | CowpathError) -> CopyCount:
    """The copies of one result."""
    if isinstance(result, CowpathError):
        return CopyCount(test, why=str(result))
    if result.verdict == "unfinished":
        return CopyCount(test, why=f"not finished: {result.reason}")
    numbers = [outcome.copies for outcome in result.outcomes if outcome.copies is not None]
    if not numbers:
        return CopyCount(test, kept=False, why="no run ends")
    return CopyCount(test, min(numbers), max(numbers), result.verdict == "kept")


@dataclass(frozen=True)
class CopiesRow:
    """A test on every kernel of the table; `pair` is the newest one with and without the founding patch."""

    test: str
    counts: tuple[CopyCount, ...]
    pair: tuple[CopyCount, CopyCount] | None = None

    @property
    def needed(self) -> int | None:
        """The smallest worst case of a kernel that keeps the promise; None if there is none."""
        return min((one.most for one in self.counts if one.kept and one.most is not None), default=None)

    def avoidable(self, one: CopyCount) -> int:
        """The copies of a worst case that another kernel does without; 0 where the promise is broken."""
        if self.needed is None or one.most is None or not one.kept:
            return 0
        return one.most - self.needed

    @property
    def spared(self) -> int | None:
        """The copies that the marker spares in the worst case; None where either side breaks the promise.

        >>> CopiesRow("t", (), (CopyCount("t", 0, 0), CopyCount("t", 0, 2))).spared
        2
        """
        if self.pair is None:
            return None
        with_it, without = self.pair
        if not (with_it.kept and without.kept) or with_it.most is None or without.most is None:
            return None
        return without.most - with_it.most

    @property
    def tells(self) -> bool:
        """True if some kernel makes a copy here that nobody needs."""
        return bool(self.spared) or any(self.avoidable(one) for one in self.counts)


@dataclass(frozen=True)
class Copies:
    """The whole table; `rows` in the order of the corpus.

    A column holds for all of its kernels in the rows that tell something, in the others for the first.
    """

    columns: tuple[Column, ...]
    rows: tuple[CopiesRow, ...]

    def total(self, index: int) -> int:
        """Avoidable copies of a kernel, over all tests."""
        return sum(row.avoidable(row.counts[index]) for row in self.rows)

    @property
    def paired(self) -> bool:
        """True if two of the kernels differ by the founding patch alone."""
        return any(row.pair is not None for row in self.rows)


def default_versions() -> list[Version]:
    """Every release that changes a rule, and the newest one without the founding patch."""
    return [*all_versions(), version(NEWEST, dropped=[FOUNDING])]


def build(
    tests: Mapping[str, Program],
    versions: Sequence[Version],
    merge: bool = False,
    max_states: int | None = None,
    workers: Workers = ALONE,
    watch: Watch = NOBODY,
) -> Copies:
    """Count every test, by file, on every kernel; `merge` joins releases that follow each other and agree."""
    method = Method(max_states=max_states)
    files = list(tests)
    assignments = [
        Assignment(file, program, tuple(versions), method, count_copies=True)
        for file, program in tests.items()
    ]
    counts = {
        file: dict(zip(versions, found, strict=True))
        for file, found in zip(files, Sweep(count, workers, watch).run(assignments), strict=True)
    }
    pair = marker_pair(versions)

    def row(file: str, kernels: Sequence[Version]) -> CopiesRow:
        found = counts[file]
        both = (found[pair[0]], found[pair[1]]) if pair else None
        return CopiesRow(found[versions[0]].test, tuple(found[version] for version in kernels), both)

    telling = [file for file in files if row(file, versions).tells]
    columns = each_alone(versions)
    if merge:
        columns = joined(versions, lambda version: [counts[file][version].words for file in telling])
    kernels = [column.version for column in columns]
    return Copies(columns, tuple(row(file, kernels) for file in files))


def joined(versions: Sequence[Version], signature: Signature) -> tuple[Column, ...]:
    """Releases that agree as one column; what was changed by hand stays alone."""
    plain = [version for version in versions if not version.added and not version.dropped]
    rest = [column for column in each_alone(versions) if column.version not in plain]
    return (*(eras(plain, signature) if plain else ()), *rest)


def marker_pair(versions: Sequence[Version]) -> tuple[Version, Version] | None:
    """Two kernels that differ by the founding patch alone: with it, without it."""
    for bare in versions:
        if bare.dropped and all(change.part_of == FOUNDING for change in bare.dropped):
            whole = bare.changes | set(bare.dropped)
            for other in versions:
                if other.changes == whole:
                    return other, bare
    return None
