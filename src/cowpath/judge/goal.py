# SPDX-License-Identifier: MIT
"""Finds the outcome or the broken invariant that a path shall lead to."""

from __future__ import annotations

import dataclasses
import re

from cowpath.errors import CowpathError
from cowpath.judge.condition import satisfies
from cowpath.judge.result import ORDER, Outcome, Result, Violation
from cowpath.linux.invariants import INVARIANTS
from cowpath.litmus.ast import Litmus
from cowpath.litmus.errors import LitmusError
from cowpath.litmus.print import to_text
from cowpath.litmus.program import SEGV
from cowpath.litmus.resolve import program_from_text

Goal = Outcome | Violation

CONDITIONS = ("crash", "hang")
"""Kinds of breakage that are conditions as well: an outcome may be such though it is promised."""


def choose(result: Result, test: Litmus, wanted: str | None) -> Goal | None:
    """The outcome or broken invariant that a trace shall lead to; None where it cannot happen.

    `wanted` is what `cowpath check` prints (a kind of breakage, or `1:r0=S; 0:x[0]=a;`), the number of an
    outcome, an invariant, or a condition as in an exists clause; `test` is the tree of the same test, which a
    condition is read against.  None means the worst that happens.  Raises CowpathError for a number or an
    invariant that there is not and for a condition that cannot be read.
    """
    if wanted is None:
        return default_goal(result)
    if re.fullmatch(r"[0-9]{1,9}", wanted):
        number = int(wanted)
        if not 1 <= number <= len(result.outcomes):
            raise CowpathError(f"there is no outcome {number}: this test has {len(result.outcomes)}")
        return result.outcomes[number - 1]
    if re.fullmatch(r"[iI]\d+", wanted.split()[0] if wanted.split() else ""):
        return by_invariant(result, wanted.split()[0].upper())
    if wanted.lower() in ORDER:
        named = next((one for one in result.outcomes if one.breakage == wanted.lower()), None)
        if named is not None or wanted.lower() not in CONDITIONS:
            return named
    return by_condition(result, test, as_condition(wanted))


def by_invariant(result: Result, name: str) -> Violation | None:
    """The violation of an invariant; None where it holds.  Raises CowpathError where no kernel has it."""
    known = dict.fromkeys(invariant.name for invariant in INVARIANTS)  # some are held by several functions
    if name not in known:
        raise CowpathError(f"there is no invariant {name}: they are {', '.join(known)}")
    return next((violation for violation in result.violations if violation.name == name), None)


def as_condition(wanted: str) -> str:
    r"""An outcome as `cowpath check` prints it, as a condition; anything else stays as it is.

    >>> as_condition("1:r0=S; 0:x[0]=a;")
    "1:r0='S' /\\ 0:x[0]='a'"
    >>> as_condition("~ 1:r0='S'")
    "~ 1:r0='S'"
    """
    if stopped := re.match(r"(crash|hang): ", wanted):
        return stopped[1]
    found = [PRINTED.fullmatch(part.strip()) for part in wanted.strip().rstrip(";").split(";")]
    if not all(found):
        return wanted
    return r" /\ ".join(equation(one[1], one[2]) for one in found if one)


PRINTED = re.compile(r"([\w:]+(?:\[\d+\])?)=([^\s']{1,4})")
"""A name and a value without quotes."""


def equation(name: str, value: str) -> str:
    """A name and its value as conditions write them; numbers of copies and SEGV have no quotes.

    >>> equation("0:r0", "S"), equation("copies", "1"), equation("0:r0", "SEGV")
    ("0:r0='S'", 'copies=1', '0:r0=SEGV')
    """
    return f"{name}={value}" if name == "copies" or value == SEGV else f"{name}='{value}'"


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
