# SPDX-License-Identifier: MIT
"""The verdict on a program with `any`: the promise is kept, broken, or the search did not come to its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cowpath import linux
from cowpath.explore.engine import Method, explore
from cowpath.explore.found import Breach, Ending, Exploration, Progress, Search
from cowpath.explore.monitor import Monitor, Situation, Specification
from cowpath.explore.record.recorder import Model
from cowpath.explore.search import STOPPED
from cowpath.explore.search import explore as reference
from cowpath.explore.stuck import caught_states, waiting
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.result import Result, Violation
from cowpath.judge.tree import WatchableTree
from cowpath.litmus.program import Program
from cowpath.prove.product import FINE, USUAL, Bounds, build, is_broken

THRESHOLD = 3_000
"""States after which a proof changes to the native engine: most that take longer are not small."""

FEW = 50_000
"""States of a search that may be repeated for the sake of a better answer."""

Verdict = Literal["kept", "broken", "not decided"]


@dataclass(frozen=True)
class Proof:
    """The verdict, and the numbers behind it.

    `why` says what is broken, or why the search ended early; empty where the promise is kept.  `state` is
    where a shortest path to what is broken ends.  `promised` counts the sets of the promise's states.
    """

    program: Program
    version: Version
    verdict: Verdict
    why: str
    states: int
    promised: int
    seconds: float
    state: int = 0
    found: Search | None = field(default=None, repr=False, compare=False)
    tree: WatchableTree = field(default=linux, repr=False, compare=False)  # whose rules they are


def prove(
    program: Program,
    version: Version | Asked,
    bounds: Bounds = USUAL,
    method: Method | None = None,
    progress: Progress | None = None,
    limit: float | None = None,
    tree: WatchableTree = linux,
) -> Proof:
    """Search the product of a kernel and the promise until something is broken or all of it is seen.

    After `limit` seconds the search ends, and nothing is decided.  The kernel's rules come from `tree`.
    """
    began = time.perf_counter()
    model = build(program, version, bounds, tree=tree)

    def enough(outcomes: Mapping[Ending, int], violations: Mapping[str, Breach]) -> bool:
        late = limit is not None and time.perf_counter() - began > limit
        return late or is_broken(outcomes, violations)

    found = explore(model, replace(method or Method(), enough=enough, threshold=THRESHOLD), progress)
    if found.hang is not None and len(found.states) <= FEW and not isinstance(found, Exploration):
        found = reference(model)  # it shows every state in which a run is caught
    verdict, why, state = judge(found)
    why = f"it stopped after {limit:g} s" if why == STOPPED else why
    sets = len(specification_of(model).sets)
    seconds = time.perf_counter() - began
    version = Asked.of(version).version
    return Proof(program, version, verdict, why, len(found.states), sets, seconds, state, found, tree)


def judge(found: Search) -> tuple[Verdict, str, int]:
    """(verdict, why, state) of a search; of all that is broken, what is nearest to the start."""
    wrong = [
        (state, outcome.crash or outcome.observed[0])
        for outcome, state in found.outcomes.items()
        if outcome.crash or outcome.observed != FINE
    ]
    wrong += [(broken.state, f"{broken.name}: {broken.text}") for broken in found.violations.values()]
    if wrong:
        state, why = min(wrong)
        return "broken", why, state
    if not found.finished:
        return "not decided", found.reason, 0
    caught = hanging(found)
    if caught is None:
        return "kept", "", 0
    why = "; ".join(waiting(found.recorder, found.states[caught]))
    if "waits for a free" in why:
        return "not decided", f"it waits for ever: {why}", 0
    return "broken", f"hang: {why}", caught


def hanging(found: Search) -> int | None:
    """A state in which the kernel is caught and the promise could not be; None where there is none.

    The promise may be caught, too: a write waits that nobody will allow any more.  A large search shows one
    state in which it is caught, and only that is looked at.
    """
    if found.hang is None:
        return None
    states = caught_states(found) if isinstance(found, Exploration) else [found.hang.state]
    return next((state for state in states if not is_promised(found, state)), None)


def is_promised(found: Search, state: int) -> bool:
    """True where the promise may be caught as well."""
    assert isinstance(found.model.monitor, Monitor)
    specification = found.model.monitor.specification
    number = found.model.monitor.of(found.states[state])
    return any(not can_rest(specification, one) for one in specification.sets[number])


def can_rest(specification: Specification, one: Situation) -> bool:
    """True where a run of the promise may come to its end from here."""
    seen, todo = {one}, [one]
    while todo:
        state, left = here = todo.pop()
        if not left and specification.recorder.at_rest(state):
            return True
        for _, following in specification.steps(here):
            if following not in seen:
                seen.add(following)
                todo.append(following)
    return False


def as_result(proof: Proof) -> Result:
    """A proof that is broken, for those who explain results: what is broken is its one violation."""
    assert proof.found is not None
    why = proof.why.removeprefix("the promise: ")
    violation = Violation("the", "promise", why, proof.state)
    return Result(
        proof.program,
        proof.version,
        verdict="broken",
        breakage=(str(violation),),
        outcomes=(),
        violations=(violation,),
        condition=None,
        promised=(),
        exploration=proof.found,
        seconds=proof.seconds,
    )


def specification_of(model: Model) -> Specification:
    """The promise that a product is held against."""
    assert isinstance(model.monitor, Monitor)
    return model.monitor.specification
