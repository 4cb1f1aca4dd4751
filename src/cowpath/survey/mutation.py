# SPDX-License-Identifier: MIT
"""The strength of a corpus: take each change away, and each recheck and lock, and see which tests notice.

A test notices a mutant if its verdict, the invariants it breaks or the answer to its condition differ from
those on the kernel without the mutation.  What it does not ask for does not count.

A kernel with the mutation that is alike on a test (history/asked.py) gives it nothing to notice: such runs
are skipped, and nothing is lost.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.record.step import Exhausted, ModelError
from cowpath.history.asked import Asked
from cowpath.history.change import Change
from cowpath.history.changes import CHANGES
from cowpath.history.eras import all_versions
from cowpath.history.mutants import MUTANTS
from cowpath.history.version import Version
from cowpath.judge.alike import Judged
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.program import Program
from cowpath.survey.parallel import ALONE, Workers, each
from cowpath.survey.sweep import NOBODY, Assignment, Sweep, Watch

MAX_STATES = 300_000
"""A mutant may run wild; what it shows within this many states counts, or within `ROOM`, if that is less."""

ROOM = 20
"""How many times the states of the kernel without the mutation a mutant may take."""

LEAST_ROOM = 20_000
"""A number of states that every mutant may take."""

Sort = Literal["change", "variant", "recheck"]

SORTS: dict[Sort, str] = {
    "change": "upstream changes", "variant": "wrong variants", "recheck": "rechecks and locks",
}  # fmt: skip
"""Each sort of mutation, and what several of it are called."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutation: changes that are dropped, or one that no release has and that is added."""

    name: str
    sort: Sort
    changes: tuple[Change, ...]

    @property
    def added(self) -> bool:
        """True if it adds to a kernel, not takes from it."""
        return self.sort != "change"

    @property
    def unobservable(self) -> str:
        """The reason why no test can notice it, if its record says so."""
        return self.changes[0].unobservable if len(self.changes) == 1 else ""

    def applies_to(self, version: Version) -> bool:
        """True if a kernel can be mutated in this way."""
        return self.added or any(version.has(change) for change in self.changes)

    def apply(self, version: Version) -> Version:
        """The kernel with the mutation."""
        if self.added:
            return dataclasses.replace(
                version, changes=version.changes | set(self.changes), added=self.changes
            )
        return dataclasses.replace(version, changes=version.changes - set(self.changes), dropped=self.changes)


@dataclass(frozen=True, slots=True)
class Run:
    """The answer of a test on a kernel, and on all others that are alike; `asked` tells which."""

    asked: Asked
    verdict: str
    breakage: tuple[str, ...] = ()
    condition: bool | None = None
    outcomes: frozenset[str] = frozenset()
    error: str = ""
    states: int = 0

    @property
    def usable(self) -> bool:
        """True if there is an answer that another run can differ from."""
        return self.verdict in ("kept", "broken")

    @property
    def room(self) -> int:
        """The number of states that a mutant of this kernel may take in the same test."""
        return min(MAX_STATES, max(LEAST_ROOM, ROOM * self.states))


@dataclass(frozen=True, slots=True)
class Notice:
    """A test that notices a mutant, and by what."""

    test: str
    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """The fate of a mutant.

    `version` is the kernel that was mutated: the first on which a test noticed; None if there is none to
    mutate.  `silent` are tests whose outcomes differ though nothing that they ask for does.
    """

    mutant: Mutant
    version: Version | None
    noticed: tuple[Notice, ...] = ()
    silent: tuple[str, ...] = ()

    @property
    def fate(self) -> Literal["noticed", "missed", "unobservable", "contradiction", "none"]:
        """The result in a word; a contradiction is noticed though its record says it cannot be."""
        if self.version is None:
            return "none"
        if self.noticed:
            return "contradiction" if self.mutant.unobservable else "noticed"
        return "unobservable" if self.mutant.unobservable else "missed"


# -- what can be mutated ---------------------------------------------------------------------------


def all_mutants() -> list[Mutant]:
    """Every change by itself, every hunk and every patch that is in several parts, every mutant record.

    >>> [mutant.name for mutant in all_mutants() if mutant.name.startswith("H4")]
    ['H4', 'H4a', 'H4b', 'H4c', 'H4d']
    """
    found: list[Mutant] = []
    for change in CHANGES:
        if change.release is None:
            found.append(Mutant(change.name, "variant", (change,)))
            continue
        for name, parts in groups_with(change):
            if all(name != other.name for other in found):
                found.append(Mutant(name, "change", parts))
        found.append(Mutant(change.name, "change", (change,)))
    return found + [Mutant(change.name, "recheck", (change,)) for change in MUTANTS]


def groups_with(change: Change) -> list[tuple[str, tuple[Change, ...]]]:
    """The patch and the hunk that a change is a part of, where they have more parts than it."""
    groups = []
    for name, key in ((change.part_of, "part_of"), (change.hunk, "hunk")):
        parts = tuple(c for c in CHANGES if name and c.release is not None and getattr(c, key) == name)
        if len(parts) > 1:
            groups.append((name, parts))
    return groups


def kernels_for(mutant: Mutant, architectures: Sequence[str] = ("x86_64", "arm")) -> list[Version]:
    """The kernels to mutate, best first: the newest and the oldest that can be, then those between.

    A change may have become redundant since, or matter on an architecture only that has no newer one.
    """
    own = tuple(architecture for change in mutant.changes for architecture in change.architectures)
    ends: list[Version] = []
    between: list[Version] = []
    for architecture in own or architectures:
        able = [version for version in all_versions([architecture]) if mutant.applies_to(version)]
        ends += [*able[-1:], *able[:1]]
        between += able[-2:0:-1]
    return list(dict.fromkeys(ends + between))


# -- running ---------------------------------------------------------------------------------------


def recorded(one: Assignment, judged: Judged) -> Run:
    """The run of a judgement: what a sweep keeps of it."""
    return run_of(judged.asked, judged.answer)


def run(program: Program, kernel: Version | Asked, max_states: int = MAX_STATES) -> Run:
    """Explore one test on one kernel, which may be so wrong that the model itself stops."""
    asked = Asked.of(kernel)
    try:
        return run_of(asked, judge(program, asked, Method(max_states=max_states)))
    except CowpathError as error:
        return run_of(asked, error)
    except (ModelError, Exhausted) as error:
        return Run(asked, "model", (f"the model stops: {error}",))


def run_of(asked: Asked, answer: Result | CowpathError) -> Run:
    """The run of a result, or of the reason why there is none."""
    if isinstance(answer, CowpathError):
        return Run(asked, "error", error=str(answer))
    return Run(
        asked,
        answer.verdict,
        answer.breakage,
        answer.condition,
        frozenset(outcome.text() for outcome in answer.outcomes),
        states=len(answer.exploration.states),
    )


def why_noticed(before: Run, after: Run) -> str:
    """The first difference between two answers of a test, worst first; empty if there is none.

    Of a search that did not finish only what it has found counts, not what it has not.
    """
    fresh = [kind for kind in after.breakage if kind not in before.breakage]
    if fresh:
        return ", ".join(fresh)
    if after.verdict in ("unfinished", "model"):
        return ""
    gone = [kind for kind in before.breakage if kind not in after.breakage]
    if gone:
        return "no " + ", no ".join(gone)
    if before.condition != after.condition:
        return "condition holds" if after.condition else "condition does not hold"
    return ""


@dataclass
class Laboratory:
    """Tests, by file, on kernels as they are: searched once for all kernels that are alike."""

    tests: Mapping[str, Program]
    workers: Workers = ALONE
    watch: Watch = NOBODY
    runs: dict[str, list[Run]] = dataclasses.field(default_factory=lambda: defaultdict(list))

    def known(self, file: str, version: Version) -> Run | None:
        """The answer of a test on a kernel, if it has been run on that or on one that is alike."""
        return next((run for run in self.runs[file] if run.asked.alike(version)), None)

    def run_on(self, versions: Iterable[Version]) -> None:
        """Run what is not known yet, on several cores."""
        wanted = list(dict.fromkeys(versions))
        missing = {file: tuple(v for v in wanted if self.known(file, v) is None) for file in self.tests}
        assignments = [
            Assignment(file, self.tests[file], lacking, Method(max_states=MAX_STATES))
            for file, lacking in missing.items()
            if lacking
        ]
        sweep = Sweep(recorded, self.workers, self.watch)
        for one, runs in zip(assignments, sweep.run(assignments), strict=True):
            self.runs[one.name] += {id(run.asked): run for run in runs}.values()

    def unusable(self) -> dict[str, str]:
        """Tests that cannot run, with the reason."""
        return {file: run.error for file, runs in self.runs.items() for run in runs if run.error}

    def trial(self, mutant: Mutant, version: Version, thorough: bool) -> Trial:
        """A mutant with the tests to which the mutated kernel is not the same, cheapest first."""
        mutated = mutant.apply(version)
        affected = [
            Trial.Test(file, program, run)
            for file, program in self.tests.items()
            if (run := self.known(file, version)) and run.usable and not run.asked.alike(mutated)
        ]
        return Trial(mutant, version, tuple(sorted(affected, key=lambda one: one.before.states)), thorough)


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant to be tried on one kernel, with the tests that it may change and their answers without it.

    The first test that notices ends it, unless it is to be thorough.
    """

    class Test(NamedTuple):
        """A test, and what it says on the kernel without the mutation."""

        file: str
        program: Program
        before: Run

    mutant: Mutant
    version: Version
    tests: tuple[Test, ...]
    thorough: bool

    @property
    def title(self) -> str:
        """The trial as progress shows it."""
        return f"{self.mutant.name} on {self.version}"


def hold(trial: Trial) -> Finding:
    """Mutate one kernel and see what the tests say."""
    mutated = trial.mutant.apply(trial.version)
    noticed, silent = [], []
    for file, program, before in trial.tests:
        after = run(program, mutated, before.room)
        why = why_noticed(before, after)
        if why:
            noticed.append(Notice(file, why))
            if not trial.thorough:
                break
        elif before.outcomes != after.outcomes:
            silent.append(file)
    return Finding(trial.mutant, trial.version, tuple(noticed), tuple(silent))


def measure(mutants: Sequence[Mutant], laboratory: Laboratory, thorough: bool = False) -> list[Finding]:
    """Try every mutant on its kernels until a test notices it.

    It goes in rounds, one kernel of each mutant in each, so that many run at once.  One that cannot be
    observed is held to that on the newest kernel only, unless `thorough`; then every test is asked, too.
    """
    best: dict[Mutant, Finding] = {mutant: Finding(mutant, None) for mutant in mutants}
    kernels = {
        mutant: kernels_for(mutant)[: 1 if mutant.unobservable and not thorough else None]
        for mutant in mutants
    }
    for turn in range(max((len(found) for found in kernels.values()), default=0)):
        open_ones = [m for m in mutants if not best[m].noticed and turn < len(kernels[m])]
        laboratory.run_on(kernels[mutant][turn] for mutant in open_ones)
        trials = [laboratory.trial(mutant, kernels[mutant][turn], thorough) for mutant in open_ones]
        for trial, finding in zip(trials, each(hold, trials, laboratory.workers), strict=True):
            laboratory.watch.done(trial.title)
            if best[finding.mutant].version is None or finding.noticed:
                best[finding.mutant] = finding
    return [best[mutant] for mutant in mutants]
