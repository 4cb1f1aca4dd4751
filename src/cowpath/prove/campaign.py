# SPDX-License-Identifier: MIT
"""Many proofs: which combinations of themes, on which kernels, within which bounds; answers that are kept."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.found import Progress
from cowpath.explore.record.step import ModelError
from cowpath.history.version import Version
from cowpath.judge.tree import rules_of
from cowpath.litmus.print import to_text
from cowpath.litmus.program import Program
from cowpath.prove.apart import tell_apart, telling_test
from cowpath.prove.product import USUAL, Bounds
from cowpath.prove.proof import prove
from cowpath.prove.reproduce import counterexample
from cowpath.prove.themes import THEMES, Combination

EXHAUSTIVE = Method()
"""A search without a bound."""

EVERYWHERE = "swap"
"""The theme that stands beside all others in a campaign: without reclaim little happens."""


@dataclass(frozen=True, slots=True)
class Question:
    """A program, what it is called, the kernel it is asked about, and how far the search may go."""

    name: str
    program: Program
    version: Version
    combination: Combination | None = None  # None: the program is a file's
    bounds: Bounds = USUAL
    method: Method = EXHAUSTIVE
    seconds: float | None = None
    against: Version | None = None  # held against the kernel instead of the kernel against the promise
    tree: Path | None = None  # whose rules the kernel has, if they are not cowpath's own
    other_tree: Path | None = None  # the same of the kernel that is held against it

    @property
    def key(self) -> str:
        """The text that tells it apart from other questions whose answers are in the same file."""
        limits = f"{self.bounds.folios} folios, {self.bounds.slots} slots, {self.bounds.overlap} at once"
        beside = f", against {self.against}" if self.against else ""
        search = f"{self.method.max_states} states, {self.seconds} s"
        search += f", walking {self.method.walk:g} s" if self.method.walk else ""
        return f"{self.name} on {self.version}{beside}, {limits}, {search}"


@dataclass(frozen=True, slots=True)
class ProofAnswer:
    """The findings of a proof, in a form that can be kept in a file and sent between processes.

    `kind` is what `check` calls the breakage of the minimal test `litmus`; both are empty where the promise
    is kept, and where no test reproduces what is broken.
    """

    key: str
    name: str
    kernel: str
    verdict: str
    why: str
    states: int
    promised: int
    seconds: float
    kind: str = ""
    statements: int = 0
    litmus: str = ""
    against: str = ""  # the other kernel, where two are held against each other

    @property
    def is_implied(self) -> bool:
        """True where nothing was searched: a smaller combination is broken, so this one is."""
        return self.verdict == "broken" and not self.states


def answer(question: Question, progress: Progress | None = None) -> ProofAnswer:
    """Prove, and write down the counterexample if there is one."""
    began = time.perf_counter()
    kind, statements, litmus = "", 0, ""
    try:
        if question.against is not None:
            return compared(question, question.against, progress)
        with rules_of(question.tree) as tree:
            proof = prove(
                question.program,
                question.version,
                question.bounds,
                question.method,
                progress,
                question.seconds,
                tree,
            )
            if proof.verdict == "broken" and (found := counterexample("found", proof)) is not None:
                kind, statements, litmus = found.breakage, found.statements, to_text(found.litmus)
    except (CowpathError, ModelError) as error:
        spent = round(time.perf_counter() - began, 2)
        return ProofAnswer(
            question.key, question.name, str(question.version), "refused", str(error), 0, 0, spent
        )
    return ProofAnswer(
        question.key,
        question.name,
        str(question.version),
        proof.verdict,
        proof.why,
        proof.states,
        proof.promised,
        round(proof.seconds, 2),
        kind,
        statements,
        litmus,
    )


def compared(question: Question, other: Version, progress: Progress | None = None) -> ProofAnswer:
    """Look for a program that tells the other kernel from the one asked about."""
    litmus, statements = "", 0
    with rules_of(question.tree) as known_tree, rules_of(question.other_tree) as tree:
        proof = tell_apart(
            question.program,
            question.version,
            other,
            question.bounds,
            question.method,
            progress,
            question.seconds,
            tree,
            known_tree,
        )
        if proof.verdict == "broken":
            litmus, statements = telling_test(proof, question.version, known_tree)
    return ProofAnswer(
        question.key,
        question.name,
        str(question.version),
        proof.verdict,
        proof.why,
        proof.states,
        proof.promised,
        round(proof.seconds, 2),
        "told apart" if proof.verdict == "broken" else "",
        statements,
        litmus,
        str(other),
    )


def implied(question: Question, smaller: str) -> ProofAnswer:
    """The answer to a question whose combination contains one that is broken."""
    return ProofAnswer(
        question.key, question.name, str(question.version), "broken", f"as {smaller} is", 0, 0, 0.0
    )


# -- which questions -------------------------------------------------------------------------------


def combinations(names: Sequence[str], size: int, processes: int, threads: int) -> list[Combination]:
    """Every combination of so many themes or fewer, the small ones first, with so many processes and threads.

    With one process and thread, all themes are the parent's, beside swap.  With a child or a second thread
    the first theme of two is the parent's and the other the child's (or that thread's), in both orders.
    """
    others = [name for name in names if name != EVERYWHERE]
    alone = processes == 1 and threads == 1
    found: list[Combination] = []
    for number in range(1, size + 1):
        if alone or number == 1:
            groups: Iterable[tuple[str, ...]] = itertools.combinations(others, number)
            found += [_combination((EVERYWHERE, *group), (), processes, threads) for group in groups]
        else:
            groups = itertools.product(others, repeat=number)
            found += [
                _combination((EVERYWHERE, *group[:-1]), group[-1:], processes, threads) for group in groups
            ]
    return [one for one in found if one.is_possible]


def broken_before(question: Question, answers: Mapping[str, ProofAnswer], asked: Iterable[Question]) -> str:
    """The name of a smaller combination that the same kernel breaks already; empty if there is none."""
    for other in asked:
        found = answers.get(other.key)
        if (
            found is not None
            and found.verdict == "broken"
            and other.version == question.version
            and question.combination is not None
            and other.combination is not None
            and other.combination != question.combination
            and question.combination.contains(other.combination)
        ):
            return other.name
    return ""


def _combination(
    parent: tuple[str, ...], other: tuple[str, ...], processes: int, threads: int
) -> Combination:
    """The other themes are the first child's, or if there is none the second thread's."""
    children = [other if number == 0 else () for number in range(processes - 1)]
    further = [other if number == 0 and processes == 1 else () for number in range(threads - 1)]
    return Combination(parent, tuple(children), tuple(further))


def all_themes() -> list[str]:
    """The names of all themes."""
    return list(THEMES)


# -- answers in a file -----------------------------------------------------------------------------


class Kept:
    """A file of answers, one a line: what is in it need not be asked again."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.answers: dict[str, ProofAnswer] = (
            dict(self._read()) if path is not None and path.exists() else {}
        )

    def _read(self) -> Iterator[tuple[str, ProofAnswer]]:
        assert self.path is not None
        for number, line in enumerate(self.path.read_text("utf-8").splitlines(), 1):
            try:
                found = ProofAnswer(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise CowpathError(f"{self.path}:{number}: this is not an answer of prove") from error
            yield found.key, found

    def add(self, found: ProofAnswer) -> None:
        """Keep an answer, and append it to the file if there is one."""
        self.answers[found.key] = found
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(found)) + "\n")


def document(answers: Iterable[ProofAnswer]) -> Mapping[str, object]:
    """All answers, for --format json."""
    return {"proofs": [asdict(found) for found in answers]}
