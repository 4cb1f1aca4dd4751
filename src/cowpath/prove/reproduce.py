# SPDX-License-Identifier: MIT
"""A counterexample that `check` finds broken, too: written down, made minimal, and asked about in the end.

One that no way of writing it down reproduces is a bug of ours: the product and check do not agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cowpath import linux
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.record.step import ModelError
from cowpath.history.version import Version
from cowpath.judge.condition import split
from cowpath.judge.judge import judge
from cowpath.judge.result import Outcome, Result
from cowpath.judge.tree import WatchableTree
from cowpath.litmus import ast
from cowpath.litmus.resolve import resolve
from cowpath.prove.counterexample import candidates
from cowpath.prove.minimise import minimised
from cowpath.prove.proof import Proof

INVARIANT = "invariant"

METHOD = Method(max_states=200_000)
"""The way in which a test is checked that was made of a counterexample."""


@dataclass(frozen=True)
class Counterexample:
    """A minimal test, with the judgement of `check` on it."""

    litmus: ast.Litmus
    result: Result

    @property
    def breakage(self) -> str:
        """The kind of breakage, in a word or two."""
        return self.result.breakage[0]

    @property
    def statements(self) -> int:
        """The number of statements that it takes."""
        return sum(len(thread.body) for thread in self.litmus.threads)


def counterexample(name: str, proof: Proof, visible: bool = False) -> Counterexample | None:
    """The minimal test for what a proof has found broken; None where no test reproduces it.

    With `visible`, a broken invariant of the kernel is not enough: user space must see it.
    """
    if proof.found is None:
        return None
    for litmus in candidates(name, proof.program, proof.found, proof.state):
        result = broken(litmus, proof.version, proof.tree)
        if result is not None and not (visible and kind(result) == INVARIANT):
            return smallest(litmus, result, proof.version, proof.tree)
    return None


def smallest(
    litmus: ast.Litmus, result: Result, version: Version, tree: WatchableTree = linux
) -> Counterexample:
    """Leave out what is not needed, then ask for what is broken."""
    wanted = kind(result)

    def still_broken(smaller: ast.Litmus) -> bool:
        found = broken(smaller, version, tree)
        return found is not None and kind(found) == wanted

    litmus = minimised(litmus, still_broken)
    found = broken(litmus, version, tree)
    assert found is not None
    return Counterexample(replace(litmus, condition=question(found)), found)


def broken(litmus: ast.Litmus, version: Version, tree: WatchableTree = linux) -> Result | None:
    """The judgement of a test that is broken; None of one that is not, or is no test."""
    try:
        result = judge(resolve(litmus), version, METHOD, tree=tree)
    except (CowpathError, ModelError):
        return None
    return result if result.verdict == "broken" else None


def kind(result: Result) -> str:
    """Return what is broken, worst first; all invariants count as one kind."""
    first = result.breakage[0]
    return INVARIANT if first in {str(violation) for violation in result.violations} else first


# -- the condition ---------------------------------------------------------------------------------


def question(result: Result) -> ast.Condition | None:
    """`exists` of what must not be: one observation that only broken outcomes have, or all of one outcome."""
    wrong = next((outcome for outcome in result.outcomes if outcome.breakage), None)
    if wrong is None:
        return None
    if wrong.crash or wrong.hang:
        return ast.Condition("exists", ast.CountIs("crash" if wrong.crash else "hang", 1))
    promised = [dict(seen_in(*split(result.program, observed))) for observed in result.promised]
    telling = [(name, value) for name, value in seen(wrong) if all(p.get(name) != value for p in promised)]
    wanted = telling[-1:] or seen(wrong)
    atoms = tuple(atom(name, value) for name, value in wanted)
    return ast.Condition("exists", atoms[0] if len(atoms) == 1 else ast.And(atoms))


def seen(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what is observed, by name: "0:r1", "0:x[0]"."""
    return seen_in(outcome.registers, outcome.memory)


def seen_in(registers: Mapping[str, str], memory: Mapping[str, str]) -> list[tuple[str, str]]:
    """Memory first: what is read earlier tells more."""
    return [*memory.items(), *registers.items()]


def atom(name: str, value: str) -> ast.Expression:
    """Return one observation as an expression of a condition."""
    thread, _, rest = name.partition(":")
    page, bracket, place = rest.partition("[")
    if bracket:
        return ast.MemoryIs(int(thread), page, int(place.rstrip("]")), value)
    return ast.RegisterIs(int(thread), rest, value)
