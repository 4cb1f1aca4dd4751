# SPDX-License-Identifier: MIT
"""The shortest programs by which user space can tell two kernels apart, as litmus tests.

Each comes with a `forall` that lists all that one of the kernels can show, so it holds on that kernel alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.version import Version
from cowpath.judge.condition import evaluate
from cowpath.judge.goal import equation
from cowpath.judge.judge import judge
from cowpath.judge.result import Outcome
from cowpath.judge.tree import rules_of
from cowpath.litmus.resolve import program_from_text
from cowpath.prove.campaign import ProofAnswer, Question, answer
from cowpath.prove.themes import Combination
from cowpath.survey.parallel import ALONE, Workers, each
from cowpath.survey.sweep import NOBODY, Watch


@dataclass(frozen=True, slots=True)
class Effort:
    """The limits of one search for a program: states, and seconds."""

    max_states: int
    seconds: float


def programs(
    old: Version,
    new: Version,
    themes: Sequence[Combination],
    effort: Effort,
    workers: Workers = ALONE,
    watch: Watch = NOBODY,
    tree: Path | None = None,
) -> list[ProofAnswer]:
    """The answers of themes in both directions; those that tell the kernels apart come first, shortest first.

    `tree` is the directory with the rules of the new kernel, if they are not cowpath's own.
    """
    asked = list(questions(old, new, themes, effort, tree))
    found = []
    for question, one in zip(asked, each(told_apart, asked, workers), strict=True):
        watch.done(question.name)
        found.append(one)
    return sorted(found, key=lambda one: (one.verdict != "broken", one.statements, one.name))


def questions(
    old: Version, new: Version, themes: Sequence[Combination], effort: Effort, tree: Path | None = None
) -> Iterator[Question]:
    """For each theme: what does the new kernel show that the old one cannot, and the other way round?"""
    method = Method(max_states=effort.max_states)
    for combination in themes:
        program = combination.program()
        for one, other, of_one, of_other in ((old, new, None, tree), (new, old, tree, None)):
            yield Question(
                combination.name,
                program,
                one,
                combination,
                method=method,
                seconds=effort.seconds,
                against=other,
                tree=of_one,
                other_tree=of_other,
            )


def told_apart(question: Question) -> ProofAnswer:
    """The answer to a question, with a condition for its program."""
    found = answer(question)
    return replace(found, litmus=with_forall(found.litmus, question))


def with_forall(litmus: str, question: Question) -> str:
    """A program with a condition that holds on the kernel asked about, and not on the other.

    It stays as it is where no condition can say so: a register that is never set has no value to name.
    """
    if not litmus or question.against is None:
        return litmus
    bare = litmus.rstrip("\n")
    try:
        with rules_of(question.tree) as tree, rules_of(question.other_tree) as other_tree:
            shown = judge(program_from_text(litmus), question.version, tree=tree).outcomes
            told = f"{bare}\n\nforall ({everything(shown)})\n"
            program = program_from_text(told)
            mine = judge(program, question.version, tree=tree).outcomes
            other = judge(program, question.against, tree=other_tree).outcomes
        return told if evaluate(program, mine) and not evaluate(program, other) else litmus
    except CowpathError:
        return litmus


def everything(outcomes: Sequence[Outcome]) -> str:
    r"""A condition that any of these outcomes meets, as the language writes it.

    >>> everything([Outcome({"0:r0": "a"}, {"0:x[0]": "b"}), Outcome({}, {}, crash="BUG")])
    "0:r0='a' /\\ 0:x[0]='b' \\/ crash"
    """
    return r" \/ ".join(one_of(outcome) for outcome in outcomes)


def one_of(outcome: Outcome) -> str:
    """A condition for one outcome."""
    if outcome.crash or outcome.hang:
        return "crash" if outcome.crash else "hang"
    values = {**outcome.registers, **outcome.memory}
    return r" /\ ".join(equation(name, value) for name, value in values.items())
