# SPDX-License-Identifier: MIT
"""`cowpath check --format herd`: the log of herd7, which mcompare7 and other tools read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from cowpath.litmus.print import condition_text
from cowpath.verdict import Outcome, Result, satisfies


def log(results: Sequence[Result]) -> str:
    """Every result as one test of a herd7 log; tests on several kernels get the kernel into their name."""
    kernels = {result.version for result in results}
    return "\n".join(one(result, len(kernels) > 1) for result in results)


def one(result: Result, name_kernel: bool) -> str:
    """One test."""
    name = result.program.name
    if name_kernel:
        name += "+" + str(result.version).replace(" ", "-")
    lines = [f"Test {name} {kind(result)}", f"States {len(result.outcomes)}"]
    lines += [outcome.text() for outcome in result.outcomes]
    lines += answer(result, name)
    lines += [f"Time {name} {result.seconds:.2f}", f"Hash={digest(result)}", ""]
    return "\n".join(lines)


def kind(result: Result) -> str:
    """Allowed, Forbidden or Required, as the quantifier says."""
    condition = result.program.condition
    quantifier = "exists" if condition is None else condition.quantifier
    return {"exists": "Allowed", "~exists": "Forbidden", "forall": "Required"}[quantifier]


def answer(result: Result, name: str) -> list[str]:
    """Whether the condition holds, and how many outcomes witness it."""
    condition = result.program.condition
    if condition is None:
        seen = "Undef" if result.verdict == "unfinished" else "Ok"
        return [seen, "Witnesses", f"Positive: {len(result.outcomes)} Negative: 0"]
    positive = sum(witnesses(result, outcome) for outcome in result.outcomes)
    negative = len(result.outcomes) - positive
    holds = "Undef" if result.condition is None else "Ok" if result.condition else "No"
    observed = "Never" if not positive else "Always" if not negative else "Sometimes"
    return [
        holds,
        "Witnesses",
        f"Positive: {positive} Negative: {negative}",
        f"Condition {condition.quantifier} ({condition_text(condition.expression)})",
        f"Observation {name} {observed} {positive} {negative}",
    ]


def witnesses(result: Result, outcome: Outcome) -> bool:
    """Whether an outcome satisfies the expression of the condition."""
    condition = result.program.condition
    return condition is not None and satisfies(outcome, condition.expression, result.program)


def digest(result: Result) -> str:
    """A hash that is equal for equal tests, whatever kernel they ran on."""
    program = result.program
    text = repr((program.pages, program.threads, program.swap, program.background))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
