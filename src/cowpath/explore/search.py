# SPDX-License-Identifier: MIT
"""The reference search: breadth first, exact, short enough to be believed.

Every faster engine and every reduction is proved against it.  It keeps all states and all transitions, so
that shortest paths, dead ends and loops can be read off afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from cowpath.explore.evaluate import Invariants, Observation
from cowpath.explore.found import Breach, Ending, Enough, Exploration, Progress
from cowpath.explore.record.recorder import Leaf, Model, Recorder
from cowpath.explore.record.step import RangeError
from cowpath.explore.stuck import find_hang

STOPPED = "it has found enough"
"""The reason why a search did not finish that was told what is enough."""

PROGRESS_EVERY = 4096
"""States between two calls of the progress function."""


def explore(
    model: Model,
    max_states: int | None = None,
    progress: Progress | None = None,
    verify_every: int = 0,
    live_only: bool = True,
    enough: Enough | None = None,
) -> Exploration:
    """Find every reachable state of a model, every outcome and every broken invariant.

    `max_states`, a count beyond its range, want of memory or what is `enough` end the search early:
    `finished` is False then, and `reason` says why.  `progress` is called now and then.  `verify_every` n > 0
    re-runs the recorded steps of every n-th state in Python; it raises ModelError where they differ.
    `live_only` is explained at `Recorder`.
    """
    search = BreadthFirst(Recorder(model, live_only))
    search.enough = enough
    search.run(max_states, progress, verify_every)
    return search.result()


class BreadthFirst:
    """A search under way.  It takes every step that is possible; one that takes fewer overrides `actors`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.model = recorder.model
        self.observation, self.invariants = Observation(recorder), Invariants(recorder)
        self.enough: Enough | None = None
        self.remark = ""  # for the progress function
        self.begin()

    def begin(self) -> None:
        """Forget all states, but nothing that is recorded."""
        initial = self.recorder.initial
        self.found = Exploration(self.model, self.recorder, [initial])
        self.numbers = {initial: 0}
        self.note(self.invariants.broken(initial, 0))

    def run(self, max_states: int | None, progress: Progress | None, verify_every: int) -> None:
        """Search; if something ends it early, `found.reason` says what (see `explore`)."""
        found = self.found
        try:
            self.expand_all(max_states, progress, verify_every)
        except RangeError as error:
            found.reason = str(error)
        except MemoryError:
            found.reason = f"the machine has no more memory after {len(found.states):,} states"

    def result(self) -> Exploration:
        """Return what was found.  Only a finished search knows whether a run can hang."""
        if self.found.finished:
            self.found.hang = find_hang(self.found)
        return self.found

    # -- the search itself -------------------------------------------------------------------------

    def expand_all(self, max_states: int | None, progress: Progress | None, verify_every: int) -> None:
        """Expand every state, in the order in which they are found."""
        found, current = self.found, 0
        while current < len(found.states):
            if max_states is not None and len(found.states) > max_states:
                found.reason = f"it stopped after {max_states:,} states"
                return
            if current % PROGRESS_EVERY == 0:
                if progress is not None:
                    progress(len(found.states), len(found.states) - current, self.remark)
                if self.has_enough():
                    found.reason = STOPPED
                    return
            if verify_every and current % verify_every == 0:
                self.recorder.verify(found.states[current])
            known = len(found.outcomes) + len(found.violations)
            self.expand(current)
            current += 1
            if len(found.outcomes) + len(found.violations) > known and self.has_enough():
                found.reason = STOPPED
                return
        found.finished = True

    def has_enough(self) -> bool:
        """True where whoever asked wants no more."""
        return self.enough is not None and self.enough(self.found.outcomes, self.found.violations)

    def expand(self, number: int) -> None:
        """Note the outcome of a state if a run may end there, and take every step from it."""
        found, recorder = self.found, self.recorder
        state = found.states[number]
        found.first_edge.append(len(found.targets))
        crash = recorder.crash(state)
        if crash or recorder.at_rest(state):
            outcome = Ending((), crash) if crash else Ending(self.observation.of(state))
            found.outcomes.setdefault(outcome, number)
            found.ends.append(number)
        if not crash:
            for actor in self.actors(number, state):
                for leaf in recorder.leaves(state, actor):
                    if leaf.blocked is None:
                        found.movers.append(actor)
                        found.targets.append(self.number(leaf.apply(state), leaf))

    def actors(self, number: int, state: bytes) -> Iterable[int]:
        """The actors whose steps are taken in a state: all of them."""
        return range(len(self.model.actors))

    def number(self, state: bytes, leaf: Leaf) -> int:
        """The number of a state that a step leads to; a new one is added, and held against the invariants."""
        number = self.numbers.get(state)
        if number is None:
            number = self.numbers[state] = len(self.found.states)
            self.found.states.append(state)
            if touched := self.invariants.touched_by(leaf):
                self.note(self.invariants.broken(state, number, touched))
        return number

    def note(self, broken: Iterable[Breach]) -> None:
        """Keep the first violation of each invariant: no path to one is shorter."""
        for violation in broken:
            self.found.violations.setdefault(violation.name, violation)
