# SPDX-License-Identifier: MIT
"""The result of a search, by whatever engine: states, outcomes, broken invariants, shortest paths."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cowpath.explore.record.recorder import Model, Recorder

Observed = tuple[str, ...]


Progress = Callable[[int, int, str], None]
"""Told now and then: states found, how many of them are not expanded yet, what else is worth saying."""


Enough = Callable[[Mapping["Ending", int], Mapping[str, "Breach"]], bool]
"""Asked now and then with the outcomes and violations found so far: true where a search may stop."""


Layer = dict[int, list[tuple[int, int]]]
"""States, each with some of its edges: (actor, successor)."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a run: the values observed there, or the check that stopped the system."""

    observed: Observed
    crash: str = ""


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that does not hold, in the first state found (no shorter path leads to one)."""

    name: str
    text: str
    state: int


@dataclass(frozen=True, slots=True)
class Hang:
    """A state in which a run is caught: it can reach no end any more, and nothing new either."""

    state: int
    deadlock: bool  # nothing can move; otherwise steps go on for ever and lead nowhere
    waiting: tuple[str, ...]  # one line for each actor that has not finished


class Search(Protocol):
    """The result of a search, by whatever engine.  States are numbered breadth first, the initial one 0."""

    @property
    def model(self) -> Model:
        """The model that was explored."""

    @property
    def recorder(self) -> Recorder:
        """The recorded steps of the model."""

    @property
    def states(self) -> Sequence[bytes]:
        """Every state, by its number."""

    @property
    def outcomes(self) -> Mapping[Ending, int]:
        """Each outcome with the first state that shows it."""

    @property
    def violations(self) -> Mapping[str, Breach]:
        """Each broken invariant with the first state that breaks it."""

    @property
    def hang(self) -> Hang | None:
        """A state from which no end can be reached any more."""

    @property
    def finished(self) -> bool:
        """True where every state was expanded."""

    @property
    def reason(self) -> str:
        """The reason why a search did not finish; empty where it did."""

    @property
    def transitions(self) -> int:
        """The number of steps that were taken, each counted once per state it starts in."""

    @property
    def engine(self) -> str:
        """The engine that searched, in a few words."""

    @property
    def shortest(self) -> bool:
        """True where no path of the model to a state is shorter than those of this search."""

    def edges(self, state: int) -> Iterator[tuple[int, int]]:
        """(actor, successor) for each step possible in a state."""

    def layers(self, target: int) -> list[Layer]:
        """The shortest paths of this search to a state: for each distance from the initial one, the states
        on such a path, with the edges that stay on it.
        """

    def canonical(self, state: bytes) -> bytes:
        """The state that was kept for this one."""


@dataclass
class Exploration:
    """All states and transitions of a search.  States are numbered breadth first, the initial one 0."""

    model: Model
    recorder: Recorder
    states: list[bytes]
    first_edge: array[int] = field(default_factory=lambda: array("Q"))
    targets: array[int] = field(default_factory=lambda: array("I"))
    movers: array[int] = field(default_factory=lambda: array("B"))
    outcomes: dict[Ending, int] = field(default_factory=dict)
    violations: dict[str, Breach] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)  # states at rest, and crashes
    hang: Hang | None = None
    finished: bool = False
    reason: str = ""
    engine: str = "reference search"
    shortest: bool = True

    @property
    def transitions(self) -> int:
        """The number of steps that were taken, each counted once per state it starts in."""
        return len(self.targets)

    def edges(self, state: int) -> Iterator[tuple[int, int]]:
        """(actor, successor) for each step possible in a state; none where the search ended before it."""
        if state >= len(self.first_edge):
            return
        end = self.first_edge[state + 1] if state + 1 < len(self.first_edge) else len(self.targets)
        for edge in range(self.first_edge[state], end):
            yield self.movers[edge], self.targets[edge]

    def layers(self, target: int) -> list[Layer]:
        """The shortest paths to a state, see `Search`.

        A state's number never lies below that of a state nearer to the initial one.
        """
        firsts = [0, 1]  # the first state of each distance, and of the one after
        while firsts[-1] <= target:
            ends = [successor for _, successor in self.edges_of(firsts[-2], firsts[-1])]
            firsts.append(max(ends) + 1)
        found: list[Layer] = []
        wanted = {target}
        for first, last in reversed(list(itertools.pairwise(firsts[:-1]))):
            layer: Layer = {}
            for number in range(first, last):
                kept = [edge for edge in self.edges(number) if edge[1] in wanted]
                if kept:
                    layer[number] = kept
            found.append(layer)
            wanted = set(layer)
        return found[::-1]

    def edges_of(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The edges of the states from `first` to `last` - 1."""
        return itertools.chain.from_iterable(map(self.edges, range(first, last)))

    def canonical(self, state: bytes) -> bytes:
        """Every state is kept as it is."""
        return state
