# SPDX-License-Identifier: MIT
"""Two kernels beside each other: is there a program over an alphabet by which user space can tell them apart?

One kernel takes the place of the promise: it is made deterministic, and whatever the other one shows user
space it must be able to show, too.  Nothing found means that the other does nothing that this one does not:
which is what a patch claims that cleans up.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from cowpath import linux
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method, explore
from cowpath.explore.found import Breach, Ending, Observed, Progress, Search
from cowpath.explore.monitor import Event, Monitor, Number, Specification
from cowpath.explore.record.recorder import Model
from cowpath.explore.record.step import ModelError
from cowpath.explore.search import STOPPED
from cowpath.history.version import Version
from cowpath.judge.judge import judge
from cowpath.judge.tree import WatchableTree
from cowpath.litmus import ast
from cowpath.litmus.events import Begin, End
from cowpath.litmus.print import to_text
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.prove.counterexample import candidates
from cowpath.prove.minimise import minimised
from cowpath.prove.product import FINE, USUAL, Bounds, watched, words
from cowpath.prove.proof import Proof, Verdict
from cowpath.prove.reproduce import METHOD


def tell_apart(
    program: Program,
    known: Version,
    other: Version,
    bounds: Bounds = USUAL,
    method: Method | None = None,
    progress: Progress | None = None,
    limit: float | None = None,
    tree: WatchableTree = linux,
    known_tree: WatchableTree = linux,
) -> Proof:
    """Look for something that the `other` kernel shows and the `known` one cannot.

    The verdict "kept" says that no program over the alphabet can tell; "broken", that one can.  The rules of
    the other kernel come from `tree`, those of the known one from `known_tree`.
    """
    began = time.perf_counter()
    specification = Specification(bare(program, known, bounds, known_tree)[0])
    model, number = bare(program, other, bounds, tree)
    monitor = Monitor(specification, number, partial(refusal, program, known))

    def enough(outcomes: Mapping[Ending, int], violations: Mapping[str, Breach]) -> bool:
        late = limit is not None and time.perf_counter() - began > limit
        return late or any(outcome.crash for outcome in outcomes)

    found = explore(replace(model, monitor=monitor), replace(method or Method(), enough=enough), progress)
    verdict, why, state = verdict_of(found, limit)
    sets, seconds = len(specification.sets), time.perf_counter() - began
    return Proof(program, other, verdict, why, len(found.states), sets, seconds, state, found, tree)


def verdict_of(found: Search, limit: float | None) -> tuple[Verdict, str, int]:
    """(verdict, why, state) of a search; of all that tells, what is nearest to the start."""
    telling = [(state, outcome.crash) for outcome, state in found.outcomes.items() if outcome.crash]
    if telling:
        state, why = min(telling)
        return "broken", why, state
    if found.finished:
        return "kept", "", 0
    return "not decided", f"it stopped after {limit:g} s" if found.reason == STOPPED else found.reason, 0


def bare(program: Program, version: Version, bounds: Bounds, tree: WatchableTree) -> tuple[Model, Number]:
    """A kernel under the clients of a program, where nothing but events counts; its cells for a number."""
    model, number = watched(program, version, bounds, tree)
    return replace(model, observe=lambda: FINE, invariants=()), number


def refusal(program: Program, known: Version, allowed: set[Event], told: Event) -> str:
    """Return what the known kernel would show instead."""
    if isinstance(told, Begin):
        return f"{words(program, told)} can begin, on {known} it cannot"
    assert isinstance(told, End)
    values = sorted(e.value for e in allowed if isinstance(e, End) and e[:2] == told[:2])
    instead = " or ".join(value or "success" for value in values) or "no end yet"
    return f"{words(program, told)} gives {told.value or 'success'}, on {known} {instead}"


# -- as a test -------------------------------------------------------------------------------------


def telling_test(proof: Proof, known: Version, known_tree: WatchableTree = linux) -> tuple[str, int]:
    """A minimal test with an outcome that the known kernel does not have, and how many statements it takes.

    Empty where no way of writing the path down shows it.
    """
    assert proof.found is not None

    def tells(litmus: ast.Litmus) -> bool:
        mine = outcomes(litmus, known, known_tree)
        theirs = outcomes(litmus, proof.version, proof.tree)
        return mine is not None and theirs is not None and not theirs <= mine

    for litmus in candidates("apart", proof.program, proof.found, proof.state):
        if tells(litmus):
            smallest = minimised(litmus, tells)
            return to_text(smallest), sum(len(thread.body) for thread in smallest.threads)
    return "", 0


def outcomes(
    litmus: ast.Litmus, version: Version, tree: WatchableTree = linux
) -> set[tuple[Observed, Observed, bool, bool]] | None:
    """Every way in which a test may end on a kernel; None where it is no test, or too large."""
    try:
        result = judge(resolve(litmus), version, METHOD, tree=tree)
    except (CowpathError, ModelError):
        return None
    if result.verdict == "unfinished":
        return None
    return {
        (tuple(o.registers.values()), tuple(o.memory.values()), bool(o.crash), bool(o.hang))
        for o in result.outcomes
    }
