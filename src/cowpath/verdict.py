# SPDX-License-Identifier: MIT
"""The judgement of one test on one kernel: what may happen, what of it breaks the promise, how to call it.

The mechanism's outcomes must lie within those of the promise.  Nobody has to write down what is expected for
a test to mean something.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cowpath import promise
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method, explore
from cowpath.explore.search import Observed, Progress, Search
from cowpath.explore.step import Exhausted
from cowpath.kernel import invariants, model
from cowpath.kernel.asked import Asked
from cowpath.kernel.version import Version
from cowpath.litmus import ast
from cowpath.program import Program

LARGEST_MODEL = 40
"""Folios or slots beyond which a test is given up as needing too many."""


class TooLargeError(CowpathError):
    """A test that needs more references to one page, or more pages, than the model has."""

    def __init__(self, lack: Exception) -> None:
        super().__init__(f"this test needs more than the model has: {lack}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way a run can end.

    `registers` and `memory` are keyed as in conditions ("0:r1", "0:x[0]"); a register that was never assigned
    and the memory of a process that has ended are left out.  `breakage` is empty where the promise allows it.
    """

    registers: Mapping[str, str]
    memory: Mapping[str, str]
    copies: int | None = None
    crash: str = ""
    hang: str = ""
    breakage: str = ""
    state: int = 0  # where the path to it ends

    @property
    def promised(self) -> bool:
        """Whether the promise allows it."""
        return not self.breakage

    def text(self) -> str:
        """As herd7 prints a state: `0:r1=a; 0:x[0]=a;`"""
        if self.crash:
            return f"crash: {self.crash};"
        if self.hang:
            return f"hang: {self.hang};"
        parts = [f"{name}={value};" for name, value in (*self.registers.items(), *self.memory.items())]
        if self.copies is not None:
            parts.append(f"copies={self.copies};")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant of the kernel that does not hold somewhere."""

    name: str
    title: str
    text: str
    state: int

    def __str__(self) -> str:
        return f"{self.name} {self.title}"


@dataclass(frozen=True)
class Result:
    """What `check` found.  `breakage` names what is broken, worst first; empty if the promise is kept."""

    program: Program
    version: Version
    verdict: Literal["kept", "broken", "unfinished"]
    breakage: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    violations: tuple[Violation, ...]
    condition: bool | None
    promised: tuple[Observed, ...] = field(repr=False)  # what the promise allows, as in `names`
    exploration: Search = field(repr=False)
    reason: str = ""  # why the verdict is "unfinished"
    seconds: float = 0.0

    def on(self, version: Version) -> Result:
        """The same on a kernel that is alike (see `Asked`); its own search takes no time."""
        return self if version == self.version else replace(self, version=version, seconds=0.0)


ORDER = ("crash", "hang", "leak", "lost write", "missed write", "stale data")


def judge(
    program: Program,
    version: Version | Asked,
    method: Method | None = None,
    progress: Progress | None = None,
    count_copies: bool = False,
) -> Result:
    """Explore a test on a kernel and hold what it may do against the promise.

    A search that ends early (see `explore`) gives the verdict "unfinished", and nothing that it did not see
    is claimed.  Raises CowpathError where a statement is not modelled or the test is too large.
    """
    began = time.perf_counter()
    asked = Asked.of(version)
    copies = count_copies or mentions_copies(program)
    exploration = explore_mechanism(program, asked, method, progress, copies)
    promised = explore(promise.build(program))
    outcomes = tuple(read_outcomes(program, exploration, promised, copies))
    violations = tuple(
        Violation(found.name, invariants.title(found.name), found.text, found.state)
        for found in exploration.violations.values()
    )
    broken = name_all(outcomes, violations)
    finished = exploration.finished and promised.finished
    return Result(
        program,
        asked.version,
        verdict=("broken" if broken else "kept") if finished else "unfinished",
        breakage=broken,
        outcomes=outcomes,
        violations=violations,
        condition=evaluate(program, outcomes) if finished else None,
        promised=tuple(outcome.observed for outcome in promised.outcomes),
        exploration=exploration,
        reason=exploration.reason or promised.reason,
        seconds=time.perf_counter() - began,
    )


def explore_mechanism(
    program: Program,
    version: Version | Asked,
    method: Method | None = None,
    progress: Progress | None = None,
    count_copies: bool = False,
) -> Search:
    """Search with as many folios and slots as the test turns out to need."""
    more = {"Folio": 0, "Slot": 0}
    while True:
        mechanism = model.build(version, program, more["Folio"], more["Slot"], count_copies)[1]
        try:
            return explore(mechanism, method, progress)
        except Exhausted as lack:
            more[lack.kind] += 2
            if more[lack.kind] > LARGEST_MODEL:
                raise TooLargeError(lack) from lack


def mentions_copies(program: Program) -> bool:
    """Whether the condition asks how many pages were copied; only then are they counted."""
    if program.condition is None:
        return False
    return any(
        isinstance(a, ast.CountIs) and a.name == "copies" for a in ast.atoms(program.condition.expression)
    )


# -- outcomes --------------------------------------------------------------------------------------


def read_outcomes(program: Program, mechanism: Search, promised: Search, copies: bool) -> Iterator[Outcome]:
    """The outcomes of the mechanism, sorted by what is seen, each with its breakage."""
    allowed = {outcome.observed for outcome in promised.outcomes}
    for outcome, state in sorted(mechanism.outcomes.items(), key=lambda item: item[0].observed):
        if outcome.crash:
            yield Outcome({}, {}, crash=outcome.crash, breakage="crash", state=state)
            continue
        seen = outcome.observed[:-1] if copies else outcome.observed
        breakage = "" if seen in allowed else name_breakage(program, seen, allowed)
        registers, memory = split(program, seen)
        counted = int(outcome.observed[-1]) if copies else None
        yield Outcome(registers, memory, counted, breakage=breakage, state=state)
    if mechanism.hang is not None:
        kind = "deadlock" if mechanism.hang.deadlock else "endless loop"
        text = f"{kind}: {'; '.join(mechanism.hang.waiting)}"
        breakage = "" if promised.hang is not None else "hang"
        yield Outcome({}, {}, hang=text, breakage=breakage, state=mechanism.hang.state)


def names(program: Program) -> list[str]:
    """What each observed value is called, registers first."""
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
    registers = {name: value for name, value in named[:count] if value != "-"}
    memory = {name: value for name, value in named[count:] if value}
    return registers, memory


# -- what to call it -------------------------------------------------------------------------------


def name_all(outcomes: Iterable[Outcome], violations: Iterable[Violation]) -> tuple[str, ...]:
    """Every kind of breakage, worst first, broken invariants last."""
    found = {outcome.breakage for outcome in outcomes if outcome.breakage}
    return (*(kind for kind in ORDER if kind in found), *sorted(str(violation) for violation in violations))


def name_breakage(program: Program, seen: Observed, allowed: Iterable[Observed]) -> str:
    """The worst thing wrong with an outcome that the promise forbids.

    It is compared with the promised outcome nearest to it.  Where they differ: a value that only other
    processes wrote is a leak; a register read through a reference is stale; else a write was lost.  Where the
    kernel was asked for writes it missed one, and what else differs follows from that.
    """
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
    """What is wrong with one observed value."""
    if asks_for_writes(program, position):
        return "missed write"
    process, through_reference = observer(program, position)
    writers = writers_of(program, value)
    never_promised = all(other[position] != value for other in allowed)
    if never_promised and writers and process not in writers:
        return "leak"
    return "stale data" if through_reference else "lost write"


def asks_for_writes(program: Program, position: int) -> bool:
    """Whether an observed value is what the kernel says of writes: soft_dirty(), userfaultfd_read()."""
    if position >= len(program.registers):
        return False
    thread, register = program.registers[position]
    body = program.threads[thread].body
    return any(isinstance(s, ast.Asking) and s.register == register for s in body)


def observer(program: Program, position: int) -> tuple[int, bool]:
    """Which process sees an observed value, and whether through a reference."""
    if position < len(program.registers):
        thread, register = program.registers[position]
        body = program.threads[thread].body
        through = any(isinstance(s, ast.DeviceRead) and s.register == register for s in body)
        return program.threads[thread].process, through
    places = sum(page.places for page in program.pages)
    return (position - len(program.registers)) // places, False


def writers_of(program: Program, value: str) -> set[int]:
    """The processes that write this value."""
    return {
        thread.process
        for thread in program.threads
        for statement in thread.body
        if isinstance(statement, ast.Store | ast.DeviceWrite) and statement.value == value
    }


# -- conditions ------------------------------------------------------------------------------------


def evaluate(program: Program, outcomes: Iterable[Outcome]) -> bool | None:
    """Whether the condition of the test holds over all outcomes; None if it has none."""
    condition = program.condition
    if condition is None:
        return None
    truths = [satisfies(outcome, condition.expression, program) for outcome in outcomes]
    if condition.quantifier == "forall":
        return all(truths)
    return any(truths) == (condition.quantifier == "exists")


def satisfies(outcome: Outcome, expression: ast.Expression, program: Program) -> bool:
    """Whether one outcome makes an expression true."""
    match expression:
        case ast.And(operands=operands):
            return all(satisfies(outcome, operand, program) for operand in operands)
        case ast.Or(operands=operands):
            return any(satisfies(outcome, operand, program) for operand in operands)
        case ast.Not(operand=operand):
            return not satisfies(outcome, operand, program)
        case ast.RegisterIs(thread=thread, register=register, value=value):
            return outcome.registers.get(f"{thread}:{register}") == value
        case ast.MemoryIs(thread=thread, page=page, place=place, value=value):
            leader = leader_of(program, program.threads[thread].process)
            return outcome.memory.get(f"{leader}:{page}[{place}]") == value
        case ast.CountIs(name="copies", value=value):
            return outcome.copies == value
        case ast.CountIs(name=name, value=value):
            return bool(getattr(outcome, name)) == bool(value)
