# SPDX-License-Identifier: MIT
"""Look for breakage where exhaustion is far away: walks at random and dives, depth first, for some seconds.

All that is seen on the way is one graph: the states that were expanded, and the steps out of them.  It begins
with a ball of states around the initial one, found breadth first.  Afterwards paths are looked for in the
whole graph, so one that a walk stumbled along is as short as any way through what was seen; a shorter one may
exist.  What was not seen may happen all the same, unless there was nothing more to see.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable

from cowpath.explore.found import Breach, Ending, Enough, Exploration, Progress
from cowpath.explore.record.recorder import Leaf, Model, Recorder
from cowpath.explore.record.step import RangeError
from cowpath.explore.search import PROGRESS_EVERY, STOPPED, BreadthFirst
from cowpath.explore.stuck import find_hang

BALL = 2_000
"""States that are expanded breadth first before the first walk."""

LONGEST = 1_000
"""Steps after which a walk or a dive begins anew."""

BORED = 50
"""Steps after which a walk begins anew that meets nothing but what is known."""

MOST_STATES = 2_000_000
"""States after which a walk ends that is given no other bound: they are kept in memory."""


def explore(
    model: Model,
    seconds: float,
    max_states: int | None = None,
    progress: Progress | None = None,
    live_only: bool = True,
    enough: Enough | None = None,
) -> Exploration:
    """See what can be seen of a model in so many seconds.

    The result has not `finished`, and `reason` says how long it walked, unless nothing was left to see.
    `max_states`, `progress` and `enough` are as for the exhaustive search.
    """
    walk = Walker(Recorder(model, live_only), seconds, max_states or MOST_STATES, progress)
    walk.enough = enough
    walk.look()
    return walk.graph()


class TimeUpError(Exception):
    """The walk has ended; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Walker(BreadthFirst):
    """A walk under way.  `edges` has the steps out of each state that was expanded.  Its chance is seeded."""

    def __init__(
        self, recorder: Recorder, seconds: float, max_states: int, progress: Progress | None = None
    ) -> None:
        self.edges: dict[int, list[tuple[int, int]]] = {}
        self.ahead: list[int] = []  # states that were seen, most of them not expanded
        self.endings: list[tuple[int, Ending]] = []
        self.breaches: list[Breach] = []
        self.seconds, self.max_states, self.progress = seconds, max_states, progress
        self.known = 0  # outcomes and violations that were not enough
        self.chance = random.Random(0)
        super().__init__(recorder)
        self.deadline = time.monotonic() + seconds
        self.end(0)

    def look(self) -> None:
        """Walk until time is up, there is enough, or all is seen."""
        try:
            self.ball()
            while len(self.edges) < len(self.found.states):
                self.wander(self.edge())
                self.dive(self.edge())
        except TimeUpError as up:
            self.found.reason = up.reason
        except RangeError as error:
            self.found.reason = str(error)

    # -- ways to walk ------------------------------------------------------------------------------

    def ball(self) -> None:
        """Expand the states nearest to the initial one."""
        number = 0
        while number < min(BALL, len(self.found.states)):
            self.successors(number)
            number += 1

    def edge(self) -> int:
        """A state by chance that was seen and not expanded; the initial one if there is none."""
        while self.ahead:
            place = self.chance.randrange(len(self.ahead))
            number, self.ahead[place] = self.ahead[place], self.ahead[-1]
            self.ahead.pop()
            if number not in self.edges:
                return number
        return 0

    def wander(self, number: int) -> None:
        """Walk from a state, each step by chance, until a run ends or nothing new comes."""
        known = 0
        for _ in range(LONGEST):
            known = known + 1 if number in self.edges else 0
            following = self.successors(number)
            if not following or known > BORED:
                return
            number = self.chance.choice(following)[1]

    def dive(self, number: int) -> None:
        """Go from a state to new ones, as deep as it goes, and back only as far as needed."""
        path = [number]
        for _ in range(LONGEST):
            fresh = [target for _, target in self.successors(path[-1]) if target not in self.edges]
            if fresh:
                path.append(self.chance.choice(fresh))
            else:
                path.pop()
            if not path:
                return

    # -- one state ---------------------------------------------------------------------------------

    def successors(self, number: int) -> list[tuple[int, int]]:
        """(actor, state) for each step from a state, which is expanded if it was not.  Raises TimeUpError."""
        known = self.edges.get(number)
        if known is not None:
            self.check_time()
            return known
        self.check()
        state = self.found.states[number]
        self.edges[number] = following = []
        if not self.recorder.crash(state):
            for actor in range(len(self.model.actors)):
                for leaf in self.recorder.leaves(state, actor):
                    if leaf.blocked is None:
                        following.append((actor, self.number(leaf.apply(state), leaf)))
        return following

    def number(self, state: bytes, leaf: Leaf) -> int:
        """The number of a state; the outcome of a new one is looked at, and its invariants."""
        before = len(self.found.states)
        number = super().number(state, leaf)
        if number == before:
            self.ahead.append(number)
            self.end(number)
        return number

    def end(self, number: int) -> None:
        """Note the outcome of a state if a run may end there."""
        state = self.found.states[number]
        crash = self.recorder.crash(state)
        if crash or self.recorder.at_rest(state):
            ending = Ending((), crash) if crash else Ending(self.observation.of(state))
            self.endings.append((number, ending))
            self.found.outcomes.setdefault(ending, number)

    def note(self, broken: Iterable[Breach]) -> None:
        """Keep every violation: which of them is nearest is known in the end."""
        for breach in broken:
            self.breaches.append(breach)
            self.found.violations.setdefault(breach.name, breach)

    def check(self) -> None:
        """Tell how far it is, now and then.  Raises TimeUpError where the walk is to end."""
        states = len(self.found.states)
        if self.progress is not None and len(self.edges) % (PROGRESS_EVERY // 4) == 0:
            self.progress(states, states - len(self.edges), f"walking, {len(self.found.outcomes)} outcomes")
        if states > self.max_states:
            raise TimeUpError(f"it stopped walking after {self.max_states:,} states")
        known = len(self.found.outcomes) + len(self.found.violations)
        if known != self.known and self.has_enough():
            raise TimeUpError(STOPPED)
        self.known = known
        self.check_time()

    def check_time(self) -> None:
        """Raise TimeUpError where the seconds are over."""
        if time.monotonic() > self.deadline:
            raise TimeUpError(f"it walked for {self.seconds:g} s, and says what it has seen")

    # -- what was seen -----------------------------------------------------------------------------

    def graph(self) -> Exploration:
        """All that was seen, numbered breadth first."""
        order = [0]
        place = {0: 0}
        for number in order:
            for _, target in self.edges.get(number, ()):
                if target not in place:
                    place[target] = len(order)
                    order.append(target)
        seen = Exploration(self.model, self.recorder, [self.found.states[number] for number in order])
        for number in order:
            seen.first_edge.append(len(seen.targets))
            for actor, target in self.edges.get(number, ()):
                seen.movers.append(actor)
                seen.targets.append(place[target])
        for state, ending in sorted(((place[n], one) for n, one in self.endings), key=lambda pair: pair[0]):
            seen.outcomes.setdefault(ending, state)
            seen.ends.append(state)
        for breach in sorted(self.breaches, key=lambda one: place[one.state]):
            nearest = Breach(breach.name, breach.text, place[breach.state])
            seen.violations.setdefault(breach.name, nearest)
        seen.finished = not self.found.reason and len(self.edges) == len(order)
        seen.reason, seen.shortest, seen.engine = self.found.reason, seen.finished, "random walk and dives"
        seen.hang = find_hang(seen) if seen.finished else None
        return seen
