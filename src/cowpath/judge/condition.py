# SPDX-License-Identifier: MIT
"""Names the values that a test observes, and evaluates its condition over the outcomes."""

from __future__ import annotations

from collections.abc import Iterable

from cowpath.explore.found import Observed
from cowpath.judge.result import Outcome
from cowpath.litmus import ast
from cowpath.litmus.program import UNASSIGNED, Program


def mentions_copies(program: Program) -> bool:
    """True if the condition asks how many pages were copied; only then are they counted."""
    if program.condition is None:
        return False
    return any(
        isinstance(a, ast.CountIs) and a.name == "copies" for a in ast.atoms(program.condition.expression)
    )


def names(program: Program) -> list[str]:
    """The names of the observed values in order, registers first: "0:r1", then "0:x[0]"."""
    found = [f"{thread}:{register}" for thread, register in program.registers]
    for process in range(len(program.parents)):
        leader = leader_of(program, process)
        found += [f"{leader}:{page.name}[{place}]" for page in program.pages for place in range(page.places)]
    return found


def leader_of(program: Program, process: int) -> int:
    """The first thread of a process; its number names the process's memory."""
    return next(thread.index for thread in program.threads if thread.process == process)


def split(program: Program, seen: Observed) -> tuple[dict[str, str], dict[str, str]]:
    """Observed values by name: registers that were assigned, memory that is still there."""
    named = list(zip(names(program), seen, strict=True))
    count = len(program.registers)
    registers = {name: value for name, value in named[:count] if value != UNASSIGNED}
    memory = {name: value for name, value in named[count:] if value}
    return registers, memory


def evaluate(program: Program, outcomes: Iterable[Outcome]) -> bool | None:
    """True if the condition of the test holds over all outcomes; None if it has none."""
    condition = program.condition
    if condition is None:
        return None
    truths = [satisfies(outcome, condition.expression, program) for outcome in outcomes]
    if condition.quantifier == "forall":
        return all(truths)
    return any(truths) == (condition.quantifier == "exists")


def satisfies(outcome: Outcome, expression: ast.Expression, program: Program) -> bool:
    """True if one outcome makes an expression true."""
    match expression:
        case ast.And(operands=operands):
            return all(satisfies(outcome, operand, program) for operand in operands)
        case ast.Or(operands=operands):
            return any(satisfies(outcome, operand, program) for operand in operands)
        case ast.Not(operand=operand):
            return not satisfies(outcome, operand, program)
        case ast.RegisterIs(thread=thread, register=register, value=value):
            stopped = outcome.crash or outcome.hang  # then nobody knows what a register holds
            return outcome.registers.get(f"{thread}:{register}", "" if stopped else UNASSIGNED) == value
        case ast.MemoryIs(thread=thread, page=page, place=place, value=value):
            leader = leader_of(program, program.threads[thread].process)
            return outcome.memory.get(f"{leader}:{page}[{place}]") == value
        case ast.CountIs(name="copies", value=value):
            return outcome.copies == value
        case ast.CountIs(name=name, value=value):
            return bool(getattr(outcome, name)) == bool(value)
