# SPDX-License-Identifier: MIT
"""The smallest test that still shows a breakage.

Parts of a test are left out as long as what is left breaks the promise in the same way: threads, pages,
background actors, settings, statements alone and by twos, places of pages.  In the end nothing can be left
out alone, and no two statements together; a smaller test of another shape may exist.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.version import Version
from cowpath.judge.goal import Goal, choose, default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Outcome, Result
from cowpath.litmus.ast import Any, Litmus, PageDeclaration, Statement, ThreadDeclaration
from cowpath.litmus.parse import parse_source
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import resolve
from cowpath.litmus.source import Source
from cowpath.survey.sweep import NOBODY, Watch

ROOM = 2
"""How many times the states of the whole test a smaller one may take."""

LEAST_ROOM = 5_000
"""A number of states that every smaller test may take."""


@dataclass(frozen=True, slots=True)
class Minimal:
    """A smallest test, its result, where its path leads, and how many candidates were looked at."""

    test: Litmus
    result: Result
    goal: Goal
    tried: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A test that was judged, with its result and the goal that it still has."""

    test: Litmus
    result: Result
    goal: Goal


class Minimiser:
    """The search for a smaller test that shows the same on one kernel."""

    def __init__(self, test: Litmus, kernel: Version, wanted: str | None, watch: Watch = NOBODY) -> None:
        """`wanted` is an outcome as `choose` reads it; None means the worst breakage of the test."""
        self.kernel, self.wanted, self.watch = kernel, wanted, watch
        self.method = Method()
        self.tried: set[str] = set()
        self.kind = ""
        self.whole = self.judged(test)
        if self.whole is not None:
            self.kind = kind_of(self.whole.goal)
            states = len(self.whole.result.exploration.states)
            self.method = Method(max_states=max(LEAST_ROOM, ROOM * states))

    def minimal(self) -> Minimal | None:
        """A smallest test; None where the whole one does not show what was asked for."""
        best = self.whole
        if best is None:
            return None
        while (smaller := self.first(smaller_tests(best.test))) is not None:
            best = smaller
        return Minimal(best.test, best.result, best.goal, len(self.tried))

    def first(self, tests: Iterable[Litmus]) -> Candidate | None:
        """The first of some tests that still shows it."""
        return next((found for test in tests if (found := self.judged(test)) is not None), None)

    def judged(self, test: Litmus) -> Candidate | None:
        """A test with its result, if it is one and shows it; every test is judged once."""
        text = to_text(test)
        if text in self.tried:
            return None
        self.tried.add(text)
        source = Source(f"<smaller {test.name}>", text)
        self.watch.begin(f"{test.name}, {sum(len(thread.body) for thread in test.threads)} statements")
        try:
            tree = parse_source(source)
            program = resolve(tree, source)
            result = judge(program, self.kernel, self.method, self.watch.update)
            goal = self.goal_of(result, tree)
        except CowpathError:
            if not self.kind:
                raise
            return None
        self.watch.done(test.name)
        return None if goal is None else Candidate(tree, result, goal)

    def goal_of(self, result: Result, test: Litmus) -> Goal | None:
        """Return what a test still shows: the outcome asked for, or breakage of the same kind."""
        if self.wanted is not None:
            return choose(result, test, self.wanted)
        if not self.kind:
            return default_goal(result) if result.breakage else None
        goals: tuple[Goal, ...] = (*result.outcomes, *result.violations)
        return next((goal for goal in goals if kind_of(goal) == self.kind), None)


def kind_of(goal: Goal) -> str:
    """Return what a goal breaks; of an outcome that is promised, that it is."""
    return (goal.breakage or "promised") if isinstance(goal, Outcome) else goal.name


# -- smaller tests ---------------------------------------------------------------------------------


def smaller_tests(test: Litmus) -> Iterator[Litmus]:
    """Tests with something left out, the largest parts first; some of them make no sense."""
    if test.condition is not None:
        yield replace(test, condition=None)
    for number in reversed(range(len(test.threads))):
        yield without_thread(test, number)
    for page in reversed(test.pages):
        yield without_page(test, page)
    for actor in test.background:
        yield replace(test, background=tuple(other for other in test.background if other is not actor))
    for setting in test.settings:
        yield replace(test, settings=tuple(other for other in test.settings if other is not setting))
    places = [(t, s) for t, thread in enumerate(test.threads) for s in range(len(thread.body))]
    for place in reversed(places):
        yield without_statements(test, {place})
    for two in itertools.combinations(places, 2):
        yield without_statements(test, set(two))
    for page in test.pages:
        if page.places > 1:
            content = page.content and page.content[: page.places - 1]
            shorter = replace(page, places=page.places - 1, content=content)
            yield replace(test, pages=tuple(shorter if other is page else other for other in test.pages))


def without_statements(test: Litmus, places: set[tuple[int, int]]) -> Litmus:
    """A test without the statements at these places: (thread, position)."""
    threads = tuple(
        replace(thread, body=tuple(one for s, one in enumerate(thread.body) if (t, s) not in places))
        for t, thread in enumerate(test.threads)
    )
    return replace(test, threads=threads)


def without_page(test: Litmus, page: PageDeclaration) -> Litmus:
    """A test without a page, and without all that is said of it."""
    threads = tuple(
        replace(
            thread,
            parameters=tuple(name for name in thread.parameters if name != page.name),
            body=kept(thread.body, lambda one: page.name not in words_of(one)),
        )
        for thread in test.threads
    )
    background = tuple(one for one in test.background if page.name not in one.pages)
    pages = tuple(other for other in test.pages if other is not page)
    return replace(test, pages=pages, threads=threads, background=background, condition=None)


def without_thread(test: Litmus, number: int) -> Litmus:
    """A test without a thread, and those of its process or forked by it; later ones move up."""
    gone = {test.threads[number].name}
    while (
        more := {one.name for one in test.threads if one.of in gone or forked_by(one.name, test, gone)} - gone
    ):
        gone |= more
    left = [thread for thread in test.threads if thread.name not in gone]
    names = {thread.name: f"P{place}" for place, thread in enumerate(left)}
    threads = tuple(
        ThreadDeclaration(
            names[thread.name],
            thread.parameters,
            None if thread.of is None else names.get(thread.of),
            tuple(renamed(one, names) for one in kept(thread.body, lambda one: not gone & words_of(one))),
        )
        for thread in left
    )
    return replace(test, threads=threads, condition=None)


def forked_by(name: str, test: Litmus, gone: set[str]) -> bool:
    """True if a thread is started by one that is gone."""
    return any(
        getattr(one, "thread", "") == name and type(one).__name__ == "Fork"
        for thread in test.threads
        if thread.name in gone
        for one in thread.body
    )


def kept(body: tuple[Statement, ...], wanted: Callable[[Statement], bool]) -> tuple[Statement, ...]:
    """The statements that are wanted; of `any { ... }` the choices that are."""
    found: list[Statement] = []
    for one in body:
        if isinstance(one, Any):
            choices = tuple(choice for choice in one.choices if wanted(choice))
            found += [replace(one, choices=choices)] if choices else []
        elif wanted(one):
            found.append(one)
    return tuple(found)


def words_of(statement: Statement) -> set[str]:
    """The names in a statement: pages, references, threads, registers."""
    return {value for value in fields_of(statement).values() if isinstance(value, str)}


def renamed(statement: Statement, names: dict[str, str]) -> Statement:
    """A statement with the new names of threads."""
    thread = fields_of(statement).get("thread")
    return replace(statement, thread=names[thread]) if thread in names else statement  # type: ignore[call-arg]


def fields_of(statement: Statement) -> dict[str, object]:
    """The fields of a statement by name."""
    return {one.name: getattr(statement, one.name) for one in dataclasses.fields(statement)}
