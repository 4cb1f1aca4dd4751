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
from functools import cache
from typing import Literal

from cowpath import promise
from cowpath.corpus.situations import KINDS, SITUATIONS, Kind, Situation
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.found import Exploration
from cowpath.explore.search import explore
from cowpath.explore.trace import trace
from cowpath.history.eras import Column, each_alone, eras
from cowpath.history.version import Version
from cowpath.judge import judge
from cowpath.judge.alike import judge_each
from cowpath.judge.result import ORDER, Outcome, Result
from cowpath.litmus.resolve import resolve
from cowpath.report.trace import trace_text
from cowpath.survey.parallel import each

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
"""What each verdict says, mildest first."""

NOTHING_SHOWN: tuple[Reliability, ...] = ("reliable", "not modelled", "not finished")
"""Verdicts without a trace."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of reference in one situation on one kernel.

    `promised` is whether the promise covers this test in full: where it does not, "reliable" is luck and
    anything else (in brackets) is no bug.  `broken` is whether the kernel breaks the real promise.
    """

    verdict: Reliability
    promised: bool = True
    broken: bool = False
    outcome: str = ""
    trace: str = field(default="", repr=False)
    states: int = 0
    message: str = ""

    @property
    def bad(self) -> bool:
        """Whether there is something to show."""
        return self.verdict not in NOTHING_SHOWN

    @property
    def words(self) -> str:
        """As a table shows it; what the promise excludes in brackets.

        >>> Cell("lost", promised=False).words, Cell("lost", broken=True).words
        ('(lost)', 'lost')
        """
        covered = self.promised or self.broken or self.verdict.startswith("not ")
        return self.verdict if covered else f"({self.verdict})"


@dataclass(frozen=True)
class Table:
    """The whole table; `cells` by (kind, situation, column)."""

    kinds: tuple[Kind, ...]
    situations: tuple[Situation, ...]
    columns: tuple[Column, ...]
    cells: dict[tuple[Kind, Situation, Column], Cell]

    def row(self, kind: Kind, situation: Situation) -> list[Cell]:
        """One line of it."""
        return [self.cells[kind, situation, column] for column in self.columns]

    def bad(self) -> Iterator[tuple[Kind, Situation, Column, Cell]]:
        """Every cell that has something to show, in reading order."""
        for (kind, situation, column), cell in self.cells.items():
            if cell.bad:
                yield kind, situation, column, cell


# -- the cells of one test -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """A test and the kernels to compute its cells for."""

    kind: Kind
    situation_name: str
    versions: tuple[Version, ...]
    max_states: int | None
    with_trace: bool

    @property
    def situation(self) -> Situation:
        """Situations hold functions, which do not travel to another process; their names do."""
        return next(one for one in SITUATIONS if one.name == self.situation_name)


def compute(task: Task) -> list[Cell]:
    """Explore one test on its kernels, those that are alike once; its cells in order.

    >>> from cowpath.history.version import version
    >>> [cell.words for cell in compute(Task(KINDS[1], "fork-after", (version("6.1"),), None, False))]
    ['(lost)']
    """
    program = resolve(task.situation.test(task.kind))
    method = Method(max_states=task.max_states)

    @cache
    def strict() -> Exploration:
        return explore(promise.build(program, strict=True))

    cells = {}
    for version, result in judge_each(task.versions, lambda asked: judge.judge(program, asked, method)):
        if isinstance(result, CowpathError):
            cells[version] = Cell("not modelled", message=str(result).rpartition(": ")[2])
        else:
            cells[version] = cell_of(result, strict(), task.with_trace)
    return [cells[version] for version in task.versions]


def cell_of(result: Result, strict: Exploration, with_trace: bool) -> Cell:
    """Hold one result against the strict promise, and say what the real one excludes."""
    allowed = {outcome.observed for outcome in strict.outcomes}
    promised = allowed >= set(result.promised)
    states = len(result.exploration.states)
    if result.verdict == "unfinished":
        return Cell("not finished", promised, states=states)
    worst = worst_outcome(result, strict)
    if worst is None:
        return Cell("reliable", promised, states=states)
    goal, broken = worst
    return Cell(
        WORDS[goal.breakage],
        promised,
        broken,
        goal.text(),
        trace_of(result, strict, goal, broken) if with_trace else "",
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


def trace_of(result: Result, strict: Exploration, goal: Outcome, broken: bool) -> str:
    """The path to the worst outcome; its last lines say what a coherent reference would allow.

    Where the real promise excludes the outcome, nothing here may call it broken.
    """
    wished = tuple(outcome.observed for outcome in strict.outcomes)
    text = trace_text(
        dataclasses.replace(result, promised=wished), trace(result.exploration, goal.state), goal
    )
    if broken:
        return text
    path = text.rstrip("\n").rpartition("\n")[0]
    path = path.replace("; the promise allows only", "; a coherent reference allows only")
    return f"{path}\nNot promised: {goal.breakage}, and no bug of {result.version}\n"


# -- the table -------------------------------------------------------------------------------------


def build(
    versions: Sequence[Version],
    kinds: Sequence[Kind] = KINDS,
    situations: Sequence[Situation] = SITUATIONS,
    merge: bool = False,
    max_states: int | None = None,
    jobs: int = 1,
    with_traces: bool = False,
    done: Callable[[Task], None] = lambda task: None,
) -> Table:
    """Compute the table; `merge` joins kernels that follow each other and agree."""
    tasks = [
        Task(kind, one.name, tuple(versions), max_states, with_traces) for kind in kinds for one in situations
    ]
    answers = {
        (task.kind, task.situation_name, version): cell
        for task, cells in zip(tasks, each(compute, tasks, jobs, done), strict=True)
        for version, cell in zip(versions, cells, strict=True)
    }

    def cell(kind: Kind, one: Situation, version: Version) -> Cell:
        return answers[kind, one.name, version]

    def signature(version: Version) -> list[str]:
        return [cell(kind, one, version).words for kind in kinds for one in situations]

    columns = eras(versions, signature) if merge else each_alone(versions)
    cells = {
        (kind, one, column): cell(kind, one, column.version)
        for kind in kinds
        for one in situations
        for column in columns
    }
    return Table(tuple(kinds), tuple(situations), columns, cells)
