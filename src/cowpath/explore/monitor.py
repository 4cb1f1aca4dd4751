# SPDX-License-Identifier: MIT
"""Trace refinement: does all that one model tells lie within what another one allows?

Steps of a model may *tell* events (`Step.tell`).  A *specification* is another model that tells the same
kinds of events; its other steps cannot be seen.  It is made deterministic on the fly: a number stands for the
set of all states that it can be in after the events so far, closed under steps that tell nothing (the subset
construction).  From a number and an event follows the next number, or none: then no run of the specification
tells what this run has told.

A monitor keeps that number in three cells of the model it watches, so the product of the two is a model like
any other: every engine searches it, renames in it, and finds shortest paths in it.  Where the specification
does not allow an event, the run ends as a crash, whose text says what was allowed.

What is recorded of the watched model knows nothing of numbers: a leaf holds the events that its step tells,
and `Recorder.moved` makes of it the step that starts at a number.  The native engine does the same by a memo
of (number, event).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from cowpath.explore.record.cells import Count, Record
from cowpath.explore.record.recorder import Model, Recorder
from cowpath.explore.record.step import RangeError

Event = Hashable
"""A report of a step: anything that can be compared."""

START = 0
"""The number of the specification before any event."""


class Number(Record):
    """The number of the specification's set of states, byte by byte."""

    low = Count(255, "the specification's number, modulo 256", quiet=True)
    middle = Count(255, "its second byte", quiet=True)
    high = Count(255, "its third byte", quiet=True)


LARGEST = (1 << 24) - 1
"""The last number that three cells hold."""

LARGEST_SET = 20_000
"""States of a specification beyond which a set of them is given up."""

Situation = tuple[bytes, tuple[Event, ...]]
"""A state of the specification, with what the step that led there has yet to tell."""


class Specification:
    """A model made deterministic, as far as events have led so far."""

    def __init__(self, model: Model) -> None:
        self.recorder = Recorder(model)
        self.sets: list[frozenset[Situation]] = []
        self._numbers: dict[frozenset[Situation], int] = {}
        self._steps: dict[Situation, list[tuple[Event | None, Situation]]] = {}
        self._next: list[dict[Event, int | None]] = []
        self._number(self._closed({(self.recorder.initial, ())}))

    def next(self, number: int, event: Event) -> int | None:
        """The number after an event; None where the specification cannot tell it."""
        known = self._next[number]
        if event not in known:
            after = {
                following
                for before in self.sets[number]
                for told, following in self.steps(before)
                if told == event
            }
            known[event] = self._number(self._closed(after)) if after else None
        return known[event]

    def allowed(self, number: int) -> set[Event]:
        """The events that may come next."""
        return {told for one in self.sets[number] for told, _ in self.steps(one) if told is not None}

    def resting(self, number: int) -> list[bytes]:
        """The states of a set in which a run may end."""
        return [state for state, left in self.sets[number] if not left and self.recorder.at_rest(state)]

    def steps(self, one: Situation) -> list[tuple[Event | None, Situation]]:
        """(event, what follows) for each step; None for one that cannot be seen."""
        if one not in self._steps:
            state, left = one
            self._steps[one] = [(left[0], (state, left[1:]))] if left else self._steps_from(state)
        return self._steps[one]

    def _steps_from(self, state: bytes) -> list[tuple[Event | None, Situation]]:
        if self.recorder.crash(state):
            return []
        actors = range(len(self.recorder.frames))
        leaves = [leaf for actor in actors for leaf in self.recorder.leaves(state, actor)]
        return [
            (leaf.events[0] if leaf.events else None, (leaf.apply(state), leaf.events[1:]))
            for leaf in leaves
            if leaf.blocked is None
        ]

    def _closed(self, situations: set[Situation]) -> frozenset[Situation]:
        """These and all that follow by steps that cannot be seen.  Raises RangeError where they are many."""
        found, todo = set(situations), list(situations)
        while todo:
            for told, after in self.steps(todo.pop()):
                if told is None and after not in found:
                    found.add(after)
                    todo.append(after)
            if len(found) > LARGEST_SET:
                raise RangeError(f"what cannot be seen leads to more than {LARGEST_SET:,} states")
        return frozenset(found)

    def _number(self, situations: frozenset[Situation]) -> int:
        if situations not in self._numbers:
            self._numbers[situations] = len(self.sets)
            self.sets.append(situations)
            self._next.append({})
        return self._numbers[situations]


class Monitor:
    """The specification beside the model that is held against it.

    Events that `sees` is false of are not held against it.  `refusal(allowed, event)` words why an event is
    not allowed.
    """

    def __init__(
        self,
        specification: Specification,
        cells: Number,
        refusal: Callable[[set[Event], Event], str],
        sees: Callable[[Event], bool] = lambda event: True,
    ) -> None:
        self.specification, self.cells, self.refusal, self.sees = specification, cells, refusal, sees
        self.places = tuple(cells.cell_of.values())

    def seen(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Those of some events that the specification says something of."""
        return tuple(filter(self.sees, events))

    def next(self, number: int, events: Sequence[Event]) -> int | str:
        """The number after a step that tells these events; a text says which is refused, and why.

        Raises RangeError where there are too many numbers for three cells.
        """
        for event in self.seen(events):
            after = self.specification.next(number, event)
            if after is None:
                return self.refusal(self.specification.allowed(number), event)
            number = after
        if number > LARGEST:
            raise RangeError("the specification has too many sets of states")
        return number

    def number(self) -> int:
        """The number as the running observation sees it."""
        return self.cells.low | self.cells.middle << 8 | self.cells.high << 16

    def of(self, state: bytes) -> int:
        """The number in a state."""
        low, middle, high = (state[cell] for cell in self.places)
        return low | middle << 8 | high << 16

    def writes(self, number: int) -> tuple[tuple[int, int], ...]:
        """(cell, value) for each cell of a number."""
        low, middle, high = self.places
        return (low, number & 255), (middle, number >> 8 & 255), (high, number >> 16)
