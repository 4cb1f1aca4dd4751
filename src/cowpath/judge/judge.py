# SPDX-License-Identifier: MIT
"""The judgement of one test on one kernel: what may happen, what of it breaks the promise, how to call it.

The mechanism's outcomes must lie within those of the promise.  Nobody has to write down what is expected for
a test to mean something.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from cowpath import linux, promise
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method, explore
from cowpath.explore.found import Progress, Search
from cowpath.explore.record.step import Exhausted
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.condition import evaluate, mentions_copies, split
from cowpath.judge.naming import name_all, name_breakage
from cowpath.judge.result import Outcome, Result, Violation
from cowpath.judge.tree import KernelTree
from cowpath.litmus.program import Program

LARGEST_MODEL = 40
"""Folios or slots beyond which a test is given up as needing too many."""


class TooLargeError(CowpathError):
    """A test that needs more references to one page, or more pages, than the model has."""

    def __init__(self, lack: Exception) -> None:
        super().__init__(f"this test needs more than the model has: {lack}")


def judge(
    program: Program,
    version: Version | Asked,
    method: Method | None = None,
    progress: Progress | None = None,
    count_copies: bool = False,
    tree: KernelTree = linux,
) -> Result:
    """Explore a test on a kernel and hold what it may do against the promise.

    The kernel's rules come from `tree`, which may be a changed copy of `cowpath.linux` (see `load_tree`).
    A search that ends early (see `explore`) gives the verdict "unfinished", and nothing that it did not see
    is claimed.  Raises CowpathError where a statement is not modelled or the test is too large.
    """
    began = time.perf_counter()
    if program.is_open:
        raise CowpathError(f"{program.name} stands for many programs (any): ask cowpath prove")
    asked = Asked.of(version)
    copies = count_copies or mentions_copies(program)
    exploration = explore_mechanism(program, asked, method, progress, copies, tree)
    promised = explore(promise.build(program))
    outcomes = tuple(read_outcomes(program, exploration, promised, copies))
    violations = tuple(
        Violation(found.name, tree.title(found.name), found.text, found.state)
        for found in exploration.violations.values()
    )
    broken = name_all(outcomes, violations)
    finished = exploration.finished and promised.finished
    return Result(
        program,
        asked.version,
        verdict=("broken" if broken else "kept") if finished else "unfinished",
        breakage=broken,
        outcomes=outcomes,
        violations=violations,
        condition=evaluate(program, outcomes) if finished else None,
        promised=tuple(outcome.observed for outcome in promised.outcomes),
        exploration=exploration,
        reason=exploration.reason or promised.reason,
        seconds=time.perf_counter() - began,
    )


def explore_mechanism(
    program: Program,
    version: Version | Asked,
    method: Method | None = None,
    progress: Progress | None = None,
    count_copies: bool = False,
    tree: KernelTree = linux,
) -> Search:
    """Search with as many folios and slots as the test turns out to need."""
    asked, more = Asked.of(version), {"Folio": 0, "Slot": 0}
    told = progress
    while True:
        mechanism = tree.build(asked, program, more["Folio"], more["Slot"], count_copies)[1]
        try:
            return explore(mechanism, method, told)
        except Exhausted as lack:
            more[lack.kind] += 2
            if more[lack.kind] > LARGEST_MODEL:
                raise TooLargeError(lack) from lack
            told = remarking(progress, f"again, with more {lack.kind.lower()}s")


def remarking(progress: Progress | None, why: str) -> Progress | None:
    """The same progress, which says why the search has begun again."""
    if progress is None:
        return None

    def told(states: int, frontier: int, remark: str) -> None:
        progress(states, frontier, remark or why)

    return told


# -- outcomes --------------------------------------------------------------------------------------


def read_outcomes(program: Program, mechanism: Search, promised: Search, copies: bool) -> Iterator[Outcome]:
    """The outcomes of the mechanism, sorted by what is seen, each with its breakage."""
    allowed = {outcome.observed for outcome in promised.outcomes}
    for outcome, state in sorted(mechanism.outcomes.items(), key=lambda item: item[0].observed):
        if outcome.crash:
            yield Outcome({}, {}, crash=outcome.crash, breakage="crash", state=state)
            continue
        seen = outcome.observed[:-1] if copies else outcome.observed
        breakage = "" if seen in allowed else name_breakage(program, seen, allowed)
        registers, memory = split(program, seen)
        counted = int(outcome.observed[-1]) if copies else None
        yield Outcome(registers, memory, counted, breakage=breakage, state=state)
    if mechanism.hang is not None:
        kind = "deadlock" if mechanism.hang.deadlock else "endless loop"
        text = f"{kind}: {'; '.join(mechanism.hang.waiting)}"
        breakage = "" if promised.hang is not None else "hang"
        yield Outcome({}, {}, hang=text, breakage=breakage, state=mechanism.hang.state)
