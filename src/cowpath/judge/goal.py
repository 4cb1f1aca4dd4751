# SPDX-License-Identifier: MIT
"""What a path shall lead to: the worst thing that happens, or what somebody asks for."""

from __future__ import annotations

import dataclasses
import re

from cowpath.errors import CowpathError
from cowpath.judge.condition import satisfies
from cowpath.judge.result import Outcome, Result, Violation
from cowpath.litmus.ast import Litmus
from cowpath.litmus.errors import LitmusError
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import program_from_text

Goal = Outcome | Violation


def choose(result: Result, test: Litmus, wanted: str | None) -> Goal | None:
    """What a trace shall lead to: an outcome by its number, an invariant, or a condition; None if it cannot.

    `test` is the tree of the same test, which a condition is read against.  Raises CowpathError for a number
    that there is not and for a condition that cannot be read.
    """
    if wanted is None:
        return default_goal(result)
    if wanted.isdigit():
        number = int(wanted)
        if not 1 <= number <= len(result.outcomes):
            raise CowpathError(f"there is no outcome {number}: this test has {len(result.outcomes)}")
        return result.outcomes[number - 1]
    named = next((violation for violation in result.violations if violation.name == wanted.upper()), None)
    if named is not None or re.fullmatch(r"[iI]\d+", wanted):
        return named
    return by_condition(result, test, wanted)


def default_goal(result: Result) -> Goal | None:
    """The worst thing that happens, or what the test asks for."""
    for kind in result.breakage:
        for outcome in result.outcomes:
            if outcome.breakage == kind:
                return outcome
    if result.violations:
        return result.violations[0]
    condition = result.program.condition
    if condition is not None:
        for outcome in result.outcomes:
            if satisfies(outcome, condition.expression, result.program):
                return outcome
    return result.outcomes[0] if result.outcomes else None


def by_condition(result: Result, test: Litmus, wanted: str) -> Outcome | None:
    """The first outcome that makes a condition true, written as in an exists clause."""
    bare = dataclasses.replace(test, condition=None)
    expression = wanted.removeprefix("exists").strip()
    try:
        condition = program_from_text(f"{to_text(bare)}\nexists ({expression})\n").condition
    except LitmusError as error:  # its line number would mean nothing to the user
        raise LitmusError("--to", error.message, hint=error.hint, excerpt=error.excerpt) from None
    assert condition is not None
    return next((o for o in result.outcomes if satisfies(o, condition.expression, result.program)), None)
