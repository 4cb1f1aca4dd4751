# SPDX-License-Identifier: MIT
"""The reliability table: what a reference of each kind can be relied upon, in each situation, on each kernel.

A cell is a small generated test (corpus/situations.py), explored exhaustively and held against two promises:

- the *strict* one, in which every reference stays coherent with the memory it was taken from; a cell is
  "reliable" if the kernel keeps that;
- the real one (promise/rules.py).  What it excludes is marked: breaking only the strict promise is no bug,
  and keeping it where nothing is promised is no guarantee.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Literal

from cowpath import promise
from cowpath.corpus.situations import KINDS, SITUATIONS, ReferenceKind, Situation
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.found import Exploration
from cowpath.explore.search import explore
from cowpath.explore.trace import PathStep, trace
from cowpath.history.eras import Column, each_alone, eras
from cowpath.history.version import Version
from cowpath.judge import judge
from cowpath.judge.alike import Judged
from cowpath.judge.result import ORDER, Outcome, Result
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.survey.parallel import ALONE, Workers
from cowpath.survey.sweep import NOBODY, Assignment, Sweep, Watch

Reliability = Literal["reliable", "stale", "lost", "leak", "hang", "crash", "not modelled", "not finished"]

WORDS: dict[str, Reliability] = {
    "": "reliable", "stale data": "stale", "lost write": "lost", "leak": "leak", "hang": "hang",
    "crash": "crash",
}  # fmt: skip

MEANING: dict[Reliability, str] = {
    "reliable": "whatever happens, the reference and the memory it was taken from are the same bytes",
    "stale": "the device may read what the memory no longer holds",
    "lost": "what the device writes may not reach the memory",
    "leak": "one process may see what another one wrote after fork",
    "hang": "something may never finish",
    "crash": "the kernel may stop at one of its own checks",
    "not modelled": "the model does not have what the test needs yet",
    "not finished": "the search stopped at its bound, so nothing is claimed",
}
"""The meaning of each verdict, mildest first."""

NOTHING_SHOWN: tuple[Reliability, ...] = ("reliable", "not modelled", "not finished")
"""Verdicts without a trace."""


@dataclass(frozen=True, slots=True)
class TableCell:
    """The verdict on one kind of reference, in one situation, on one kernel.

    `promised` is whether the promise covers this test in full: where it does not, "reliable" is luck and
    anything else (in brackets) is no bug.  `broken` is whether the kernel breaks the real promise.
    """

    verdict: Reliability
    promised: bool = True
    broken: bool = False
    outcome: str = ""
    trace: Told | None = field(default=None, repr=False)
    states: int = 0
    message: str = ""

    @property
    def bad(self) -> bool:
        """True if there is something to show."""
        return self.verdict not in NOTHING_SHOWN

    @property
    def words(self) -> str:
        """As a table shows it; what the promise excludes in brackets.

        >>> TableCell("lost", promised=False).words, TableCell("lost", broken=True).words
        ('(lost)', 'lost')
        """
        covered = self.promised or self.broken or self.verdict.startswith("not ")
        return self.verdict if covered else f"({self.verdict})"


@dataclass(frozen=True)
class Table:
    """The whole table; `cells` by (kind, situation, column)."""

    kinds: tuple[ReferenceKind, ...]
    situations: tuple[Situation, ...]
    columns: tuple[Column, ...]
    cells: dict[tuple[ReferenceKind, Situation, Column], TableCell]

    def row(self, kind: ReferenceKind, situation: Situation) -> list[TableCell]:
        """The cells of a line, column by column."""
        return [self.cells[kind, situation, column] for column in self.columns]

    def bad(self) -> Iterator[tuple[ReferenceKind, Situation, Column, TableCell]]:
        """Every cell that has something to show, in reading order."""
        for (kind, situation, column), cell in self.cells.items():
            if cell.bad:
                yield kind, situation, column, cell


# -- the cells of one test -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Witness:
    """An outcome that a coherent reference could not lead to, and the path there.

    `result` is what the kernel does, held against the strict promise.  `broken` says whether the real promise
    forbids the outcome, too.
    """

    result: Result
    goal: Outcome
    steps: tuple[PathStep, ...]
    broken: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A path as text; `path` is the part that does not name the kernel: equal where two paths are equal."""

    text: str
    path: str


Tell = Callable[[Witness], Told]
"""How a path is told; a search cannot leave the process that made it, so the text is written there."""


def cell(one: Assignment, judged: Judged, tell: Tell | None = None) -> TableCell:
    """The cell of one judgement; with `tell`, its path is told.

    >>> from cowpath.history.version import version
    >>> from cowpath.survey.sweep import judge_here
    >>> question = assignment(KINDS[1], SITUATIONS[3], [version("6.1")])
    >>> question.name, [found.words for found in judge_here(question, cell)]
    ('get-write-fork-after', ['(lost)'])
    """
    if isinstance(judged.answer, CowpathError):
        return TableCell("not modelled", message=str(judged.answer).rpartition(": ")[2])
    return cell_of(judged.answer, strict_promise(one.program), tell)


@lru_cache(maxsize=4)
def strict_promise(program: Program) -> Exploration:
    """The outcomes of a test in which every reference stays coherent with the memory it was taken from."""
    return explore(promise.build(program, strict=True))


def assignment(
    kind: ReferenceKind, situation: Situation, versions: Sequence[Version], max_states: int | None = None
) -> Assignment:
    """The test of a row on some kernels."""
    test = situation.test(kind)
    return Assignment(test.name, resolve(test), tuple(versions), Method(max_states=max_states))


def cell_of(result: Result, strict: Exploration, tell: Tell | None) -> TableCell:
    """Hold one result against the strict promise, and say what the real one excludes."""
    allowed = {outcome.observed for outcome in strict.outcomes}
    promised = allowed >= set(result.promised)
    states = len(result.exploration.states)
    if result.verdict == "unfinished":
        return TableCell("not finished", promised, states=states)
    worst = worst_outcome(result, strict)
    if worst is None:
        return TableCell("reliable", promised, states=states)
    goal, broken = worst
    return TableCell(
        WORDS[goal.breakage],
        promised,
        broken,
        goal.text(),
        None if tell is None else tell(witness(result, strict, goal, broken)),
        states,
    )


def worst_outcome(result: Result, strict: Exploration) -> tuple[Outcome, bool] | None:
    """The worst outcome that the strict promise forbids, and whether the real promise forbids it too.

    What breaks the real promise comes first.  A leak is never excluded, so an outcome that the promise
    allows is not called one: there the device's data went to the wrong process, and it is lost.
    """
    found = []
    wished = judge.read_outcomes(result.program, result.exploration, strict, copies=False)
    for real, wish in zip(result.outcomes, wished, strict=True):
        if real.breakage or wish.breakage:
            kind = real.breakage or ("lost write" if wish.breakage == "leak" else wish.breakage)
            found.append((real.promised, ORDER.index(kind), dataclasses.replace(wish, breakage=kind)))
    if not found:
        return None
    excluded, _, outcome = min(found, key=lambda one: one[:2])
    return outcome, not excluded


def witness(result: Result, strict: Exploration, goal: Outcome, broken: bool) -> Witness:
    """The shortest path to an outcome, with what a coherent reference would allow in its place."""
    wished = tuple(outcome.observed for outcome in strict.outcomes)
    steps = tuple(trace(result.exploration, goal.state))
    return Witness(dataclasses.replace(result, promised=wished), goal, steps, broken)


# -- the table -------------------------------------------------------------------------------------


def build(
    versions: Sequence[Version],
    kinds: Sequence[ReferenceKind] = KINDS,
    situations: Sequence[Situation] = SITUATIONS,
    merge: bool = False,
    max_states: int | None = None,
    workers: Workers = ALONE,
    tell: Tell | None = None,
    watch: Watch = NOBODY,
) -> Table:
    """Compute the table; `merge` joins kernels that follow each other and agree, `tell` adds the paths."""
    rows = [(kind, one) for kind in kinds for one in situations]
    assignments = [assignment(kind, one, versions, max_states) for kind, one in rows]
    sweep = Sweep(partial(cell, tell=tell), workers, watch)
    answers = {
        (kind, one.name, version): found
        for (kind, one), cells in zip(rows, sweep.run(assignments), strict=True)
        for version, found in zip(versions, cells, strict=True)
    }

    def signature(version: Version) -> list[str]:
        return [answers[kind, one.name, version].words for kind, one in rows]

    columns = eras(versions, signature) if merge else each_alone(versions)
    cells = {
        (kind, one, column): answers[kind, one.name, column.version]
        for kind, one in rows
        for column in columns
    }
    return Table(tuple(kinds), tuple(situations), columns, cells)
