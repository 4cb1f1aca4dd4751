# SPDX-License-Identifier: MIT
"""The product of a kernel and the promise under one program: what `prove` searches.

The kernel's threads tell what user space sees of them (litmus/events.py); the promise, made deterministic,
must be able to tell the same.  At rest, memory must be what the promise allows there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from cowpath import linux
from cowpath.explore.evaluate import Observation
from cowpath.explore.found import Breach, Ending, Observed
from cowpath.explore.monitor import Event, Monitor, Number, Specification
from cowpath.explore.record.recorder import Constant, Model
from cowpath.explore.record.step import Content
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.condition import names
from cowpath.judge.tree import WatchableTree
from cowpath.litmus.events import Begin, End, is_silent
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.promise import client

FINE: tuple[str, ...] = ("",)
"""The observation at rest if nothing is wrong."""


@dataclass(frozen=True)
class Bounds:
    """The limits of the machine that a proof assumes.

    There are so many folios and slots beside one for each page of each process: who needs a folio where none
    is free waits until one is, and swap may be full.  Of all threads `overlap` at most are inside a statement
    at the same time (0: all may be).
    """

    folios: int = 2
    slots: int = 0
    overlap: int = 0
    invariants: bool = True  # those of the kernel count; otherwise only what user space can see


USUAL = Bounds()


class AtRest(Constant):
    """The promise's view of memory where a run may end."""

    def __init__(self, program: Program, model: Model, specification: Specification) -> None:
        self.program, self.model, self.specification = program, model, specification
        self.observation = Observation(specification.recorder)
        self.allowed: dict[int, frozenset[tuple[str, ...]]] = {}

    def observe(self, monitor: Monitor) -> tuple[object, ...]:
        """FINE, or in its place what memory is and must not be; part of the running observation."""
        layout, number = self.model.layout, monitor.number()
        seen = tuple(
            layout.values[layout.step.look(part)] if isinstance(part, Content) else str(part)
            for part in self.model.observe()
        )
        if number not in self.allowed:
            self.allowed[number] = frozenset(map(self.observation.of, self.specification.resting(number)))
        allowed = self.allowed[number]
        return FINE if seen in allowed else (at_rest(self.program, seen, allowed),)


def build(
    program: Program,
    version: Version | Asked,
    bounds: Bounds = USUAL,
    spec: Specification | None = None,
    tree: WatchableTree = linux,
) -> Model:
    """The product, as a model to explore; a `spec` that was made for this program is used again.

    The kernel's rules come from `tree`, which may be a changed copy of `cowpath.linux`.
    """
    spec = spec or Specification(client.build(program))
    model, number = watched(program, version, bounds, tree)
    monitor = Monitor(spec, number, partial(refusal, program), partial(is_seen, program))
    invariants = model.invariants if bounds.invariants else ()
    observe = partial(AtRest(program, model, spec).observe, monitor)
    return replace(model, monitor=monitor, observe=observe, invariants=invariants)


def watched(
    program: Program, version: Version | Asked, bounds: Bounds, tree: WatchableTree = linux
) -> tuple[Model, Number]:
    """A kernel under the clients of a program, and its cells for a number of the specification."""
    asked = Asked.of(version)
    model = tree.build(asked, program, bounds.folios - 2, bounds.slots, False, True, bounds.overlap)[1]
    (number,) = model.layout.all(Number)
    return model, number


def is_seen(program: Program, event: Event) -> bool:
    """True where the promise says something of an event."""
    assert isinstance(event, Begin | End)
    return not is_silent(program.threads[event.thread].statements[event.statement])


def is_broken(outcomes: Mapping[Ending, int], violations: Mapping[str, Breach]) -> bool:
    """True where something is found that must not be: a crash, a refused value, memory, an invariant."""
    return bool(violations) or any(outcome.crash or outcome.observed != FINE for outcome in outcomes)


# -- words -----------------------------------------------------------------------------------------


def refusal(program: Program, allowed: set[Event], told: Event) -> str:
    """Return why the promise cannot tell what the kernel has told."""
    if isinstance(told, Begin):
        return f"the promise: {words(program, told)} cannot begin"
    assert isinstance(told, End)
    values = sorted(event.value for event in allowed if isinstance(event, End) and event[:2] == told[:2])
    instead = " or ".join(value or "success" for value in values) or "nothing yet"
    return f"the promise: {words(program, told)} gives {told.value or 'success'}, promised is {instead}"


def at_rest(program: Program, seen: Observed, allowed: Collection[Observed]) -> str:
    """Return where memory is not as promised when everybody rests."""
    for position, (name, value) in enumerate(zip(names(program), seen, strict=True)):
        promised = sorted({other[position] for other in allowed})
        if value not in promised:
            return (
                f"the promise: {name} is {value} in the end, promised is {' or '.join(promised) or 'no end'}"
            )
    return "the promise: no single value is wrong in the end, but together they are"


def words(program: Program, event: Begin | End) -> str:
    """The thread of an event and its statement, as in `P0 r0 = x[0]`."""
    thread = program.threads[event.thread]
    return f"{thread.name} {statement_text(thread.statements[event.statement])}"
