# SPDX-License-Identifier: MIT
"""The reasons why an outcome cannot happen on a kernel: the changes, rechecks and locks that keep it out.

Each of them is taken from the kernel alone, as `mutate` does for a whole corpus; then, of those that keep
nothing out alone, two and three at a time.  What the model never asks for in this test cannot matter to it
(history/asked.py) and is not tried; kernels that give the same answers to all that is asked share a search.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cowpath.explore.engine import Method
from cowpath.explore.record.step import Exhausted, ModelError
from cowpath.explore.trace import trace
from cowpath.history.asked import Asked
from cowpath.history.version import NEWEST, Version, version
from cowpath.judge.answer import short_verdict
from cowpath.judge.condition import satisfies
from cowpath.judge.goal import Goal, choose
from cowpath.judge.result import Outcome, Result
from cowpath.litmus.ast import Litmus
from cowpath.litmus.program import Program
from cowpath.survey.bisect import Cause, cause_of
from cowpath.survey.memo import Memo
from cowpath.survey.mutation import MAX_STATES, Mutant, Run, all_mutants, run_of, why_noticed
from cowpath.survey.sweep import NOBODY, Watch

Told = TypeVar("Told")

Tell = Callable[[Result, Goal], Told]
"""Makes of a path what is shown of it, while the search that found it is there."""

MOST_STATES = 200_000
"""States in all searches of sets of a size, after which no more of them are tried."""

MOST_SETS = 1_000
"""Sets of a size that are tried; most of them are alike to one that was searched."""

SET_ROOM = 4
"""How many times the states of the kernel as it is a set may take."""

LEAST_SET_ROOM = 2_000
"""A number of states that every set may take."""


@dataclass(frozen=True, slots=True)
class Fall(Generic[Told]):
    """The behaviour of a kernel from which something was taken.

    `why` is what `mutate` would notice ("lost write"), or the outcome that was asked for; empty if neither
    happens.  `outcome` is the outcome itself, `steps` the length of the shortest path there and `path` what
    was told of it.
    """

    why: str
    outcome: str = ""
    steps: int = 0
    path: Told | None = None

    @property
    def lets_happen(self) -> bool:
        """True if something happens that did not; what does not happen any more is for `menders`."""
        return bool(self.why) and not self.why.startswith("no ")


@dataclass(frozen=True, slots=True)
class Keeper(Generic[Told]):
    """Mutations that let something happen together, none of which can be left out; mostly a single one."""

    mutants: tuple[Mutant, ...]
    fall: Fall[Told]


@dataclass(frozen=True, slots=True)
class Mender:
    """A change that would mend a broken test: added where the kernel lacks it, else taken away."""

    mutant: Mutant
    added: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Tried:
    """The number of sets of a size that were tried, and whether that was all of them."""

    size: int
    count: int
    all: bool


@dataclass(frozen=True, slots=True)
class Reasons(Generic[Told]):
    """The reasons why a test answers as it does on a kernel.

    `happens` says that what was asked for happens anyway.  `idle` mutations let nothing happen; `unasked`
    ones were not tried because the model never asks for them in this test.  `sets` says how many pairs and
    triples were tried.  Of a broken test `menders` are the single changes that would mend it; where there is
    none, `together` is what the newest kernel has for it.
    """

    version: Version
    verdict: str
    happens: bool
    keepers: tuple[Keeper[Told], ...]
    idle: int
    unasked: int
    sets: tuple[Tried, ...]
    menders: tuple[Mender, ...]
    together: Cause | None


class Inquiry(Generic[Told]):
    """The search for reasons: one test, one kernel, one question."""

    def __init__(
        self,
        program: Program,
        test: Litmus,
        kernel: Version,
        wanted: str | None,
        tell: Tell[Told],
        watch: Watch = NOBODY,
    ) -> None:
        """`wanted` is an outcome as `choose` reads it; None asks for whatever `mutate` would notice.

        Raises CowpathError for an outcome that cannot be read, and where the kernel cannot run the test.
        """
        self.test, self.kernel, self.wanted, self.tell, self.watch = test, kernel, wanted, tell, watch
        first = Memo(program, lambda asked, result: (asked, result), Method(max_states=MAX_STATES), watch)
        self.asked, self.result = first(kernel)
        self.before = run_of(self.asked, self.result)
        self.states = 0  # of all searches for falls
        room = Method(max_states=self.before.room)
        self.falls = Memo(program, self.fall_of, room, watch)
        self.verdicts = Memo(program, lambda _, result: short_verdict(result), room, watch)

    @property
    def happens(self) -> bool:
        """True if what was asked for happens on the kernel as it is."""
        return self.wanted is not None and choose(self.result, self.test, self.wanted) is not None

    def reasons(self, most: int = 3) -> Reasons[Told]:
        """All of them, with sets of up to `most` mutations."""
        keepers, idle, unasked = self.singles()
        self.falls.method = Method(max_states=max(LEAST_SET_ROOM, SET_ROOM * self.before.states))
        sets: list[Tried] = []
        for size in range(2, most + 1):
            if self.happens or (sets and not sets[-1].all):
                break
            several, tried = self.together(idle, size, keepers)
            keepers += several
            sets.append(tried)
        menders, together = ((), None) if self.result.verdict != "broken" else self.menders()
        return Reasons(
            self.kernel,
            short_verdict(self.result),
            self.happens,
            tuple(keepers),
            len(idle),
            unasked,
            tuple(sets),
            menders,
            together,
        )

    # -- what keeps it out ------------------------------------------------------------------------

    def singles(self) -> tuple[list[Keeper[Told]], list[Mutant], int]:
        """The mutations that let something happen alone, those that do not, and how many were not tried."""
        keepers: list[Keeper[Told]] = []
        idle: list[Mutant] = []
        unasked = 0
        for mutant in all_mutants():
            mutated = mutant.apply(self.kernel)
            if not mutant.applies_to(self.kernel) or self.asked.alike(mutated):
                unasked += 1
            elif (fall := self.fall(mutated)).lets_happen:
                keepers.append(Keeper((mutant,), fall))
            else:
                idle.append(mutant)
        named = {mutant for keeper in keepers for mutant in keeper.mutants}
        whole = [one for one in keepers if not part_of(one.mutants[0], named)]
        return whole, [one for one in idle if len(one.changes) == 1], unasked

    def together(
        self, idle: list[Mutant], size: int, smaller: Sequence[Keeper[Told]]
    ) -> tuple[list[Keeper[Told]], Tried]:
        """Sets of so many mutations that let something happen, where none of the `smaller` ones is a part.

        A set that is alike to something that was tried before needs no search.
        """
        found: list[Keeper[Told]] = []
        tried, most = 0, self.states + MOST_STATES
        for mutants in itertools.combinations(idle, size):
            if any(set(one.mutants) <= set(mutants) for one in smaller):
                continue
            if self.states >= most or tried >= MOST_SETS:
                return found, Tried(size, tried, False)
            kernel = self.kernel
            for mutant in mutants:
                kernel = mutant.apply(kernel)
            tried += 1
            if (fall := self.fall(kernel)).lets_happen:
                found.append(Keeper(mutants, fall))
        return found, Tried(size, tried, True)

    def fall(self, kernel: Version) -> Fall[Told]:
        """Return what happens on a kernel that is so wrong that the model itself may stop."""
        try:
            return self.falls(kernel)
        except (ModelError, Exhausted) as error:
            return Fall("" if self.wanted else f"the model stops: {error}")

    def fall_of(self, asked: Asked, result: Result) -> Fall[Told]:
        """Return what is kept of a search."""
        run = run_of(asked, result)
        self.states += run.states
        goal = self.goal_of(run, result)
        why = why_noticed(self.before, run) if self.wanted is None else self.wanted * (goal is not None)
        if not why or goal is None:
            return Fall(why)
        steps = len(trace(result.exploration, goal.state))
        shown = goal.text() if isinstance(goal, Outcome) else f"{goal}: {goal.text}"
        return Fall(why, shown, steps, self.tell(result, goal))

    def goal_of(self, run: Run, result: Result) -> Goal | None:
        """The outcome to show: the one asked for, else the worst that is new, else one that is new."""
        if self.wanted is not None:
            return choose(result, self.test, self.wanted)
        fresh = [kind for kind in run.breakage if kind not in self.before.breakage]
        for kind in fresh:
            for outcome in result.outcomes:
                if outcome.breakage == kind:
                    return outcome
            for violation in result.violations:
                if str(violation) == kind:
                    return violation
        condition = result.program.condition
        changed = [one for one in result.outcomes if one.text() not in self.before.outcomes]
        met = [one for one in changed if condition and satisfies(one, condition.expression, result.program)]
        return next(iter(met or changed), None)

    # -- what would mend it -----------------------------------------------------------------------

    def menders(self) -> tuple[tuple[Mender, ...], Cause | None]:
        """The single changes that would mend the test, or what the newest kernel needs to keep it."""
        found = [one for one in self.candidates() if one.verdict == "kept"]
        named = {one.mutant for one in found}
        whole = tuple(one for one in found if not part_of(one.mutant, named))
        newest = version(NEWEST, self.kernel.architecture)
        if whole or self.verdicts(newest) != "kept":
            return whole, None
        return (), cause_of(self.kernel, newest, self.verdicts)

    def candidates(self) -> Iterator[Mender]:
        """Every change or patch that the kernel has and could lack, or lacks and could have."""
        for mutant in all_mutants():
            if mutant.sort != "change" or not all(
                one.fits(self.kernel.architecture) for one in mutant.changes
            ):
                continue
            has = [self.kernel.has(change) for change in mutant.changes]
            added = not all(has)
            changes = frozenset(one for one in mutant.changes if self.kernel.has(one) is not added)
            mended = Version(
                self.kernel.release, self.kernel.architecture, self.kernel.changes ^ changes,
                tuple(changes) if added else (), () if added else tuple(changes),
            )  # fmt: skip
            if not self.asked.alike(mended):
                try:
                    yield Mender(mutant, added, self.verdicts(mended))
                except (ModelError, Exhausted):
                    continue


def part_of(mutant: Mutant, others: set[Mutant]) -> bool:
    """True if a smaller one of the others is contained in a mutation: then it has nothing to add.

    >>> whole, hunk = (next(one for one in all_mutants() if one.name == name) for name in ("H4", "H4a"))
    >>> part_of(whole, {whole, hunk}), part_of(hunk, {whole, hunk})
    (True, False)
    """
    return any(set(other.changes) < set(mutant.changes) for other in others)
