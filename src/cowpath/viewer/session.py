# SPDX-License-Identifier: MIT
"""A test on several kernels, as documents for the viewer.  Every answer is a plain JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.found import Search
from cowpath.explore.record.step import Exhausted
from cowpath.explore.trace import explain
from cowpath.history.version import Version
from cowpath.judge.condition import split
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import explore_mechanism, judge
from cowpath.judge.result import Outcome, Result
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.litmus.source import Source
from cowpath.report import text
from cowpath.report.trace import forbidden_values, last_line, promised_words
from cowpath.viewer.compare import beside
from cowpath.viewer.picture import picture
from cowpath.viewer.walk import Move, Walk, read_path, step_of, write_path

Document = dict[str, Any]


SEARCHING = "searching"
"""The verdict on a kernel that is still being searched; the page knows it by this name."""

SMALL = 20_000
"""States of a search that is kept although nobody has looked at more than its verdict yet."""


class Session:
    """A test that is being looked at.  Kernels are judged when they are first asked for."""

    def __init__(
        self, source: Source, program: Program, versions: Sequence[Version], max_states: int | None = None
    ) -> None:
        self.source, self.program, self.max_states = source, program, max_states
        self.versions = {str(version): version for version in versions}
        self.walks: dict[str, Walk] = {}
        self.sketches: dict[str, Walk] = {}
        self.verdicts: dict[str, Document] = {}
        self.far: dict[str, Document] = {}  # how far each search has come

    def walk(self, kernel: str) -> Walk:
        """The walk on a kernel; raises CowpathError for one that is not offered or cannot run the test."""
        if kernel not in self.walks:
            self.walks[kernel] = Walk(self.judged(kernel))
        return self.walks[kernel]

    def first_look(self, kernel: str) -> Walk:
        """A walk on a kernel that is still being searched: all its states, and no outcome yet.

        It has a recorder of its own, so the search is not disturbed.
        """
        if kernel not in self.sketches:
            method = Method(engine="reference", max_states=1)
            found = explore_mechanism(self.program, self.version(kernel), method)
            self.sketches[kernel] = Walk(unjudged(self.program, self.version(kernel), found))
        return self.sketches[kernel]

    def version(self, kernel: str) -> Version:
        """The kernel of a name.  Raises CowpathError for one that is not offered."""
        if kernel not in self.versions:
            raise CowpathError(f"kernel {kernel[:60]!r} is not offered here")
        return self.versions[kernel]

    def judged(self, kernel: str) -> Result:
        """The test on a kernel, explored anew; `progress` tells how far that is."""
        version = self.version(kernel)

        def seen(states: int, ahead: int, more: str) -> None:
            self.far[kernel] = {"states": states, "more": more}

        return judge(self.program, version, Method(max_states=self.max_states), seen)

    def progress(self, kernel: str) -> Document:
        """The states that a search has seen so far, and its remark."""
        return self.far.get(kernel, {"states": 0, "more": ""})

    def overview(self) -> Document:
        """The test itself, and the kernels on offer."""
        return {
            "name": self.program.name,
            "comment": self.program.comment,
            "file": self.source.filename,
            "source": self.source.text,
            "threads": threads(self.program),
            "kernels": list(self.versions),
        }

    def verdict(self, kernel: str) -> Document:
        """The verdict on a kernel, in a few words."""
        if kernel not in self.verdicts:
            result = self.walks[kernel].result if kernel in self.walks else self.judged(kernel)
            said = {"kernel": kernel, "verdict": result.verdict, "words": text.verdict_words(result)}
            self.verdicts[kernel] = said
            if len(result.exploration.states) <= SMALL:
                self.walks.setdefault(kernel, Walk(result))
        return self.verdicts[kernel]

    def test(self, kernel: str) -> Document:
        """Everything about the test on one kernel that stays the same along a path."""
        return result_document(self.walk(kernel))

    def sketch(self, kernel: str) -> Document:
        """The same before the search is done: no outcome, and nothing is claimed."""
        return result_document(self.first_look(kernel)) | {
            "verdict": SEARCHING,
            "headline": "every interleaving is being explored; walk meanwhile",
            "words": "",
        }

    def jump(self, kernel: str, goal: str) -> Document:
        """The shortest path to an outcome (`outcome-2`) or a broken invariant (`I8`)."""
        walk = self.walk(kernel)
        return {"path": write_path(walk.path_to(state_of(walk.result, goal)))}

    def follow_sketch(self, kernel: str, path: str) -> Document:
        """The frames along a path while the search goes on.  Raises CowpathError where it leads too far."""
        try:
            return along(self.first_look(kernel), read_path(path))
        except Exhausted as lack:
            raise CowpathError(f"{lack}: this step can be taken when the search is done") from lack

    def follow(self, kernel: str, path: str, other: str = "") -> Document:
        """The frames along a path; with `other`, also those of the same path on another kernel."""
        walk, moves = self.walk(kernel), read_path(path)
        if not other:
            return along(walk, moves)
        states, problem = walk.follow(moves)
        moves = moves[: len(states) - 1]
        found = path_document(walk, moves, states) | {"problem": problem}
        return found | {"other": self.compare(walk, self.walk(other), moves, states)}

    def compare(self, walk: Walk, second: Walk, moves: Sequence[Move], states: Sequence[bytes]) -> Document:
        """The same path on another kernel, frame by frame beside those of the first."""
        found = beside(walk, second, moves, states)
        return path_document(second, found.moves, found.states) | {
            "at": found.at,
            "differs": found.differing,
            "first": found.first,
        }


def unjudged(program: Program, version: Version, found: Search) -> Result:
    """Return what is known of a test while it is searched: where it begins."""
    return Result(
        program,
        version,
        verdict="unfinished",
        breakage=(),
        outcomes=(),
        violations=(),
        condition=None,
        promised=(),
        exploration=found,
        reason=found.reason,
        seconds=0.0,
    )


def along(walk: Walk, moves: Sequence[Move]) -> Document:
    """The frames along a path, as far as it can be walked, and why it ends early if so."""
    states, problem = walk.follow(moves)
    return path_document(walk, moves[: len(states) - 1], states) | {"problem": problem}


def threads(program: Program) -> list[Document]:
    """The program as it is listed."""
    return [
        {
            "name": thread.name,
            "statements": [statement_text(statement) for statement in thread.body],
            "lines": [statement.position.line for statement in thread.body],
            "forked": thread.forked_by is not None,
        }
        for thread in program.threads
    ]


def result_document(walk: Walk) -> Document:
    """A result: the verdict, the outcomes, and what the picture is drawn from."""
    result = walk.result
    goal = default_goal(result) if result.breakage else None
    return {
        "kernel": str(result.version),
        "verdict": result.verdict,
        "headline": text.headline(result),
        "words": text.verdict_words(result),
        "worst": None if goal is None else goal_name(result, goal),
        "outcomes": [outcome_document(result, outcome) for outcome in result.outcomes],
        "missing": missing(result),
        "violations": [{"name": one.name, "title": str(one), "text": one.text} for one in result.violations],
        "states": len(result.exploration.states),
        "shortest": result.exploration.shortest,
        "actors": [actor.name for actor in result.exploration.model.actors],
        "picture": picture(walk.layout),
    }


FEW = 3
"""Promised outcomes that a reader is shown although they do not happen."""


def missing(result: Result) -> Document:
    """The promised outcomes that cannot happen on this kernel: a few of them, and their number.

    Nothing is claimed where the search did not finish.
    """
    if result.verdict == "unfinished":
        return {"few": [], "count": 0}
    here = {(tuple(one.registers.items()), tuple(one.memory.items())) for one in result.outcomes}
    found = [
        Outcome(registers, memory).text()
        for registers, memory in (split(result.program, seen) for seen in result.promised)
        if (tuple(registers.items()), tuple(memory.items())) not in here
    ]
    return {"few": found[:FEW], "count": len(found)}


def outcome_document(result: Result, outcome: Outcome) -> Document:
    """An outcome, what it breaks, and how it leaves the promise."""
    return {
        "text": outcome.text(),
        "breakage": outcome.breakage,
        "why": promised_words(result, outcome) or stopped_words(outcome),
        "wrong": list(forbidden_values(result, outcome)),
        "last": last_line(result, outcome),
    }


def stopped_words(outcome: Outcome) -> list[str]:
    """Return why a kernel stopped, where it did."""
    return [outcome.crash or outcome.hang] if outcome.crash or outcome.hang else []


def goal_name(result: Result, goal: object) -> str:
    """The name by which `jump` knows a goal."""
    if isinstance(goal, Outcome):
        return f"outcome-{result.outcomes.index(goal)}"
    return str(getattr(goal, "name", ""))


def state_of(result: Result, goal: str) -> int:
    """The state in which a goal is reached.  Raises CowpathError for one that there is not."""
    for number, outcome in enumerate(result.outcomes):
        if goal == f"outcome-{number}":
            return outcome.state
    for violation in result.violations:
        if goal == violation.name:
            return violation.state
    raise CowpathError(f"there is no {goal[:40]!r} on this kernel")


def path_document(walk: Walk, moves: Sequence[Move], states: Sequence[bytes]) -> Document:
    """The steps of a path and the frames between them."""
    steps = [
        step_of(walk.result, explain(walk.recorder, move.actor, states[number], states[number + 1]))
        for number, move in enumerate(moves)
    ]
    return {"path": write_path(moves), "steps": steps, "frames": [walk.frame_of(state) for state in states]}
