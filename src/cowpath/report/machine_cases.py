# SPDX-License-Identifier: MIT
"""From what a machine did to the cases that formats for other tools are written from."""

from __future__ import annotations

from collections.abc import Sequence

from cowpath.judge import condition
from cowpath.judge.result import ORDER, Outcome
from cowpath.litmus import ast
from cowpath.machine.compare import Comparison
from cowpath.report.case import Case, CaseOutcome, FileSpot, Status
from cowpath.report.cases import forbidden_load, seen_outcome
from cowpath.report.machines import histogram, loud

STATUSES: dict[str, Status] = {
    "disagrees": "fail",
    "known": "xfail",
    "failed": "error",
    "timed out": "timeout",
    "not met": "skip",
    "cannot": "skip",
}
"""What an answer's standing means to other tools; for the others it depends on what was seen."""


def of_comparison(comparison: Comparison) -> Case:
    """The case of a test on a machine; its kernel is the machine's name."""
    status = status_of(comparison)
    outcomes = tuple(outcome(comparison, place) for place in range(len(comparison.seen)))
    broken = dict.fromkeys(seen.breakage for seen in comparison.seen if seen.breakage)
    kinds = [kind for kind in ORDER if kind in broken]
    reasons = comparison.reason.splitlines()
    return Case(
        test=comparison.program.name,
        file=comparison.file or comparison.program.name,
        kernel=comparison.machine,
        status=status,
        words=f"{comparison.words}: {reasons[0]}" if reasons and status != "pass" else comparison.words,
        kinds=("not in the model", *kinds) if comparison.standing == "disagrees" else tuple(kinds),
        why=(*loud(comparison), *comparison.answer.complaints, *reasons[1:]),
        outcomes=outcomes,
        spot=where_it_shows(comparison),
        expected_by=f"the model of {comparison.expectation.version}" if status == "xfail" else "",
        output=histogram(comparison),
        program=comparison.program,
        holds=holds(comparison, outcomes),
    )


def status_of(comparison: Comparison) -> Status:
    """Breakage that the model predicts is expected; where nothing is modelled, the promise alone judges."""
    known = STATUSES.get(comparison.standing)
    if known is not None:
        return known
    if not any(seen.breakage for seen in comparison.seen):
        return "pass"
    return "fail" if comparison.expectation.allowed is None else "xfail"


def outcome(comparison: Comparison, place: int) -> CaseOutcome:
    """The outcome of a machine at this place of the list."""
    seen = comparison.seen[place]
    registers, memory = condition.split(comparison.program, seen.observed)
    shown = Outcome(registers, memory, breakage=seen.breakage)
    modelled = comparison.expectation.allowed is not None
    return seen_outcome(comparison.program, shown, seen.count, seen.allowed if modelled else None)


def holds(comparison: Comparison, outcomes: Sequence[CaseOutcome]) -> bool | None:
    """The answer to the test's condition, over what was seen; None if it has none or nothing was seen."""
    condition = comparison.program.condition
    if condition is None or not outcomes:
        return None
    witnesses = [seen.witness for seen in outcomes]
    if condition.quantifier == "forall":
        return all(witnesses)
    return any(witnesses) == (condition.quantifier == "exists")


def where_it_shows(comparison: Comparison) -> FileSpot:
    """The load of a value that is promised nowhere, in the first outcome that is not promised."""
    for seen in comparison.seen:
        if seen.breakage:
            registers, _ = condition.split(comparison.program, seen.observed)
            place = forbidden_load(comparison.program, registers, comparison.expectation.promised)
            return FileSpot(0, 0, "") if place == ast.NOWHERE else FileSpot(place.line, place.column, "")
    return FileSpot(0, 0, "")
