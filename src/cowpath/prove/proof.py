# SPDX-License-Identifier: MIT
"""The verdict on a program with `any`: the promise is kept, broken, or the search did not come to its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cowpath.explore.engine import Method, explore
from cowpath.explore.found import Breach, Ending, Hang, Progress, Search
from cowpath.explore.monitor import Monitor, Specification
from cowpath.explore.record.recorder import Model
from cowpath.explore.search import STOPPED
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.result import Result, Violation
from cowpath.litmus.program import Program
from cowpath.promise import client
from cowpath.prove.product import FINE, USUAL, Bounds, build, is_broken

THRESHOLD = 3_000
"""States after which a proof changes to the native engine: most that take longer are not small."""

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


def prove(
    program: Program,
    version: Version | Asked,
    bounds: Bounds = USUAL,
    method: Method | None = None,
    progress: Progress | None = None,
    limit: float | None = None,
) -> Proof:
    """Search the product of a kernel and the promise until something is broken or all of it is seen.

    After `limit` seconds the search ends, and nothing is decided.
    """
    began = time.perf_counter()
    model = build(program, version, bounds)

    def enough(outcomes: Mapping[Ending, int], violations: Mapping[str, Breach]) -> bool:
        late = limit is not None and time.perf_counter() - began > limit
        return late or is_broken(outcomes, violations)

    found = explore(model, replace(method or Method(), enough=enough, threshold=THRESHOLD), progress)
    verdict, why, state = judge(program, found)
    why = f"it stopped after {limit:g} s" if why == STOPPED else why
    sets = len(specification_of(model).sets)
    seconds = time.perf_counter() - began
    version = Asked.of(version).version
    return Proof(program, version, verdict, why, len(found.states), sets, seconds, state, found)


def judge(program: Program, found: Search) -> tuple[Verdict, str, int]:
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
    if found.hang is None or explore(client.build(program)).hang is not None:
        return "kept", "", 0
    if waits_for_memory(found.hang):
        return "not decided", f"it waits for ever: {'; '.join(found.hang.waiting)}", 0
    return "broken", f"hang: {'; '.join(found.hang.waiting)}", found.hang.state


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


def waits_for_memory(hang: Hang) -> bool:
    """True where somebody waits for a folio: with more of them it might go on."""
    return any("waits for a free" in line for line in hang.waiting)


def specification_of(model: Model) -> Specification:
    """The promise that a product is held against."""
    assert isinstance(model.monitor, Monitor)
    return model.monitor.specification
