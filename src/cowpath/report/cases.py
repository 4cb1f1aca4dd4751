# SPDX-License-Identifier: MIT
"""From what a search found to the cases that formats for other tools are written from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from cowpath.explore.found import Observed
from cowpath.explore.trace import PathStep, trace
from cowpath.judge.answer import answer, as_asked, as_expected
from cowpath.judge.condition import names, satisfies
from cowpath.judge.goal import Goal, default_goal
from cowpath.judge.result import Outcome, Result
from cowpath.litmus import ast
from cowpath.litmus.program import Program
from cowpath.report import text
from cowpath.report.case import Case, CaseOutcome, FileSpot, Status
from cowpath.report.json import Failure
from cowpath.report.trace import change_words, grouped, heading, promised_words
from cowpath.report.words import statement_number

PATH_LIMIT = 200_000
"""In larger explorations no path is looked for: a report for a machine has no patience."""


def of_result(file: str, result: Result, expected: str | None = None, explain: bool = True) -> Case:
    """The case of a result; `expected` is the verdict written down for it, None if there is none.

    Without `explain` no path is looked for.
    """
    status = status_of(result, expected)
    goal = default_goal(result) if explain and status != "pass" else None
    steps = path(result, goal)
    return Case(
        test=result.program.name,
        file=file,
        kernel=str(result.version),
        status=status,
        words=words(result, status, expected),
        kinds=result.breakage,
        why=tuple(promised_words(result, goal)) if isinstance(goal, Outcome) else (),
        outcomes=tuple(seen_outcome(result.program, outcome) for outcome in result.outcomes),
        path=tuple(spots(result, steps)),
        spot=where_it_shows(result, goal, steps),
        seconds=result.seconds,
        expected_by="expected.toml beside the test" if status == "xfail" else "",
        program=result.program,
        holds=result.condition,
    )


def seen_outcome(
    program: Program, outcome: Outcome, count: int = 0, allowed: bool | None = None
) -> CaseOutcome:
    """An outcome of a search (`count` 0), or one that a machine has shown `count` times."""
    condition = program.condition
    counts = {"copies": "" if outcome.copies is None else str(outcome.copies)}
    counts |= {name: "1" if getattr(outcome, name) else "" for name in ("crash", "hang")}
    return CaseOutcome(
        outcome.text(),
        outcome.breakage,
        count,
        allowed,
        {**outcome.registers, **outcome.memory} | {name: value for name, value in counts.items() if value},
        condition is not None and satisfies(outcome, condition.expression, program),
    )


def of_failure(failure: Failure) -> Case:
    """A file that could not be judged."""
    return Case(failure.file, failure.file, "any kernel", "error", failure.message.splitlines()[0])


def status_of(result: Result, expected: str | None) -> Status:
    """Pass, fail, or an expected failure; a search that hit its bound is an error, never a pass."""
    if result.verdict == "unfinished":
        return "error"
    if expected is not None and not as_expected(result, expected):
        return "fail"
    if result.verdict == "broken" or not as_asked(result):
        return "fail" if expected is None else "xfail"
    return "pass"


def words(result: Result, status: Status, expected: str | None) -> str:
    """The verdict, and what was expected where that is something else."""
    found = text.verdict_words(result)
    if result.verdict == "kept" and not as_asked(result):
        found = f"{text.condition_line(result)} does not hold"
    if status == "fail" and expected is not None:
        return f"expected {expected}, found {answer(result)}"
    return found


def path(result: Result, goal: Goal | None) -> Sequence[PathStep]:
    """The steps to what went wrong; none where nothing did."""
    if goal is None or len(result.exploration.states) > PATH_LIMIT:
        return ()
    return trace(result.exploration, goal.state)


def spots(result: Result, steps: Sequence[PathStep]) -> Iterator[FileSpot]:
    """The path as places in the litmus file, with what happens there."""
    for group in grouped(result, steps):
        actor, statement, function = heading(result, group[0])
        shown = [f"{c.name} {change_words(c)}" for s in group for c in s.changes if not c.quiet]
        said = f"{actor}: {': '.join(part for part in (statement, function) if part)}"
        place = position(result, group[0])
        yield FileSpot(place.line, place.column, f"{said} ({', '.join(shown)})" if shown else said)


def position(result: Result, step: PathStep) -> ast.Position:
    """The position in the file of the statement that a step belongs to."""
    number = statement_number(result.program, step.actor, step.before)
    if number is None:
        return ast.NOWHERE
    body = result.program.threads[step.actor].body
    return body[min(number, len(body) - 1)].position if body else ast.NOWHERE


def where_it_shows(result: Result, goal: Goal | None, steps: Sequence[PathStep]) -> FileSpot:
    """The statement that shows the breakage: a load of a forbidden value, else the last one of the path."""
    if isinstance(goal, Outcome):
        load = forbidden_load(result.program, goal.registers, result.promised)
        if load != ast.NOWHERE:
            return FileSpot(load.line, load.column, "")
    told = [place for step in steps if (place := position(result, step)) != ast.NOWHERE]
    return FileSpot(told[-1].line, told[-1].column, "") if told else FileSpot(0, 0, "")


def forbidden_load(
    program: Program, registers: Mapping[str, str], promised: Collection[Observed]
) -> ast.Position:
    """The statement that put a value into its register which the promise allows there in no outcome."""
    allowed = {name: {one[place] for one in promised} for place, name in enumerate(names(program))}
    for thread in program.threads:
        for statement in thread.body:
            name = f"{thread.index}:{getattr(statement, 'register', '')}"
            if name in registers and registers[name] not in allowed[name]:
                return statement.position
    return ast.NOWHERE
