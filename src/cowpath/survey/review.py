# SPDX-License-Identifier: MIT
"""The effect of a change to the kernel: every test on every kernel, as it is and changed, side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.record.step import Exhausted, ModelError
from cowpath.history.asked import Asked
from cowpath.history.change import Change
from cowpath.history.version import Version
from cowpath.judge.alike import Judged
from cowpath.judge.judge import judge
from cowpath.judge.result import ORDER, Result
from cowpath.litmus.program import Program
from cowpath.survey.mutation import Mutant, all_mutants
from cowpath.survey.parallel import ALONE, Workers
from cowpath.survey.sweep import NOBODY, Assignment, Sweep, Watch

NO_ANSWER = "gives no answer"
"""The kind of difference where a changed kernel cannot run the test, or not within the bound."""


@dataclass(frozen=True, slots=True)
class Side:
    """The answer of a test on one side of a comparison; `error` says why there is none.

    `asked` says for which other kernels it holds.
    """

    verdict: str = ""
    breakage: tuple[str, ...] = ()
    condition: bool | None = None
    outcomes: frozenset[str] = frozenset()
    copies: tuple[int, int] | None = None
    states: int = 0
    error: str = ""
    asked: Asked | None = None

    @property
    def answer(self) -> tuple[object, ...]:
        """All that a reader would call the answer."""
        return self.verdict, self.breakage, self.condition, self.outcomes, self.error


def side(one: Assignment, judged: Judged) -> Side:
    """Return what is kept of a judgement."""
    if isinstance(judged.answer, CowpathError):
        return Side(error=str(judged.answer))
    return dataclasses.replace(side_of(judged.answer), asked=judged.asked)


def side_of(result: Result) -> Side:
    """Return what is kept of a result; outcomes without the number of copies, which stands apart."""
    counts = [one.copies for one in result.outcomes if one.copies is not None]
    bare = (dataclasses.replace(one, copies=None).text() for one in result.outcomes)
    return Side(
        result.verdict,
        result.breakage,
        result.condition,
        frozenset(bare),
        (min(counts), max(counts)) if counts else None,
        len(result.exploration.states),
        result.reason if result.verdict == "unfinished" else "",
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """A test on a kernel as it is, and on the same kernel changed."""

    file: str
    test: str
    kernel: Version
    changed: Version
    before: Side
    after: Side

    @property
    def same(self) -> bool:
        """True if nothing that a reader cares for differs."""
        return self.before.answer == self.after.answer and self.before.copies == self.after.copies


@dataclass(frozen=True, slots=True)
class Difference:
    """A kind of difference, and the pairs that show it."""

    kind: str
    pairs: tuple[Pair, ...]


def compare(
    tests: Mapping[str, Program],
    kernels: Sequence[Version],
    change: Callable[[Version], Version],
    tree: Path | None = None,
    method: Method | None = None,
    workers: Workers = ALONE,
    watch: Watch = NOBODY,
) -> list[Pair]:
    """Judge every test on every kernel twice: as it is, and changed.

    `change` makes the changed kernel of each; `tree` is the directory of the changed tree, if its rules are
    not cowpath's own.
    """
    method = method or Method()
    changed = tuple(map(change, kernels))
    assignments = []
    for file, program in tests.items():
        assignments.append(Assignment(file, program, tuple(kernels), method, count_copies=True))
        assignments.append(Assignment(file, program, changed, method, count_copies=True, tree=tree))
    found = list(Sweep(side, workers, watch).run(assignments))
    return [
        Pair(file, tests[file].name, kernel, other, before, after)
        for file, befores, afters in zip(tests, found[::2], found[1::2], strict=True)
        for kernel, other, before, after in zip(kernels, changed, befores, afters, strict=True)
    ]


# -- what differs ----------------------------------------------------------------------------------


def differences(pairs: Sequence[Pair]) -> list[Difference]:
    """Every kind of difference, worst first."""
    found: dict[tuple[int, str], list[Pair]] = {}
    for pair in pairs:
        for key in kinds(pair):
            found.setdefault(key, []).append(pair)
    return [Difference(kind, tuple(found[rank, kind])) for rank, kind in sorted(found)]


def kinds(pair: Pair) -> Iterator[tuple[int, str]]:
    """The kinds of difference of one pair, each with its rank: 0 is the worst."""
    before, after = pair.before, pair.after
    if after.error and not before.error:
        yield 0, NO_ANSWER
        return
    if before.error:
        return
    for kind in after.breakage:
        if kind not in before.breakage:
            yield (1 + ORDER.index(kind) if kind in ORDER else 1 + len(ORDER)), f"{kind}: new"
    for kind in before.breakage:
        if kind not in after.breakage:
            yield 20, f"{kind}: gone"
    if before.condition != after.condition:
        yield 21, "condition holds" if after.condition else "condition does not hold any more"
    if before.outcomes - after.outcomes:
        yield 23, "outcomes: some do not happen any more"
    if after.outcomes - before.outcomes:
        yield 22, "outcomes: new ones"
    if before.copies and after.copies and before.copies != after.copies:
        worse = after.copies[1] - before.copies[1] or after.copies[0] - before.copies[0]
        yield (24, "copies: more") if worse > 0 else (25, "copies: fewer")


def copies_changed(pairs: Sequence[Pair]) -> int:
    """By how many the worst cases differ, summed over tests and kernels."""
    return sum(
        pair.after.copies[1] - pair.before.copies[1]
        for pair in pairs
        if pair.before.copies and pair.after.copies
    )


# -- is it known? ----------------------------------------------------------------------------------


def likeness(tests: Mapping[str, Program], pairs: Sequence[Pair], watch: Watch = NOBODY) -> list[Mutant]:
    """The known changes, variants and mutants that have the same effect on every test and kernel.

    A patch to the model that answers like a kernel without a hunk, or with a known variant, is that.
    """
    judged = [pair for pair in pairs if not pair.before.error and not pair.after.error]
    telling = sorted((pair for pair in judged if not pair.same), key=lambda pair: pair.after.states)
    quiet = [pair for pair in judged if pair.same]
    found = []
    for mutant in all_mutants() if telling else ():
        watch.begin(f"is it {mutant.name}?")
        if all(same_effect(mutant, tests[pair.file], pair) for pair in (*telling, *quiet)):
            found.append(mutant)
    return found


def same_effect(mutant: Mutant, program: Program, pair: Pair) -> bool:
    """True if the kernel with a mutation answers as the changed one does."""
    if not mutant.applies_to(pair.kernel):
        return False
    mutated = mutant.apply(pair.kernel)
    if pair.before.asked is not None and pair.before.asked.alike(mutated):
        return pair.same
    try:
        method = Method(max_states=2 * pair.after.states + 1000)
        found = side_of(judge(program, mutated, method, count_copies=True))
    except (CowpathError, ModelError, Exhausted):
        return False
    return found.answer == pair.after.answer and found.copies == pair.after.copies


def labelled(kernel: Version, name: str) -> Version:
    """A kernel that is called after a patch: "6.1 x86_64 with fix.py"; it has the same changes."""
    label = Change(name, "a patch under review", None, "", "", "")
    return dataclasses.replace(kernel, added=(*kernel.added, label))
