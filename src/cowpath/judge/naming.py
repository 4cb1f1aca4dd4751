# SPDX-License-Identifier: MIT
"""Names the breakage of an outcome that the promise forbids: a leak, a lost write, stale data."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cowpath.explore.found import Observed
from cowpath.judge.result import ORDER, Outcome, Violation
from cowpath.litmus.program import Program
from cowpath.litmus.statements import DeviceRead, DeviceWrite, Store


def name_all(outcomes: Iterable[Outcome], violations: Iterable[Violation]) -> tuple[str, ...]:
    """Every kind of breakage, worst first, broken invariants last."""
    found = {outcome.breakage for outcome in outcomes if outcome.breakage}
    return (*(kind for kind in ORDER if kind in found), *sorted(str(violation) for violation in violations))


def name_breakage(program: Program, seen: Observed, allowed: Collection[Observed]) -> str:
    """The worst thing wrong with an outcome that the promise forbids.

    It is compared with the promised outcome nearest to it.  Where they differ: a value that only other
    processes wrote is a leak; a register read through a reference is stale; else a write was lost.  Where the
    kernel was asked for writes it missed one, and what else differs follows from that.  Where the promise has
    no outcome at all, a write went on that had to wait for ever.
    """
    if not allowed:
        return "missed write"
    nearest = min(sorted(allowed), key=lambda other: sum(a != b for a, b in zip(seen, other, strict=True)))
    kinds = {
        name_difference(program, position, seen[position], allowed)
        for position in range(len(seen))
        if seen[position] != nearest[position]
    }
    if "missed write" in kinds:
        kinds -= {"lost write", "stale data"}
    return next(kind for kind in ORDER if kind in kinds)


def name_difference(program: Program, position: int, value: str, allowed: Iterable[Observed]) -> str:
    """The breakage that a single observed value shows."""
    if asks_for_writes(program, position):
        return "missed write"
    process, through_reference = observer(program, position)
    writers = writers_of(program, value)
    never_promised = all(other[position] != value for other in allowed)
    if never_promised and writers and process not in writers:
        return "leak"
    return "stale data" if through_reference else "lost write"


def asks_for_writes(program: Program, position: int) -> bool:
    """True if an observed value is what the kernel says of writes: soft_dirty(), userfaultfd_read()."""
    if position >= len(program.registers):
        return False
    thread, register = program.registers[position]
    body = program.threads[thread].body
    return any(s.form.told and s.assigns == register for s in body)


def observer(program: Program, position: int) -> tuple[int, bool]:
    """Return the process that sees an observed value, and whether it does through a reference."""
    if position < len(program.registers):
        thread, register = program.registers[position]
        body = program.threads[thread].body
        through = any(isinstance(s, DeviceRead) and s.register == register for s in body)
        return program.threads[thread].process, through
    places = sum(page.places for page in program.pages)
    return (position - len(program.registers)) // places, False


def writers_of(program: Program, value: str) -> set[int]:
    """The processes that write this value."""
    return {
        thread.process
        for thread in program.threads
        for statement in thread.body
        if isinstance(statement, Store | DeviceWrite) and statement.value == value
    }
