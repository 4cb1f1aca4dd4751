# SPDX-License-Identifier: MIT
"""The findings of a native search, in the shape of the reference's `Exploration`."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from cowpath.explore.found import Breach, Ending, Hang, Layer, Progress
from cowpath.explore.method import Method, amount
from cowpath.explore.native.renaming import RenamingRecorder
from cowpath.explore.native.search import Full, NativeSearch, States
from cowpath.explore.record.recorder import Model, Recorder
from cowpath.explore.record.step import RangeError
from cowpath.explore.search import STOPPED
from cowpath.explore.stuck import first_hang


@dataclass
class NativeExploration:
    """States, edges and paths are worked out again when asked for: the store keeps states only."""

    search: NativeSearch
    finished: bool = False
    reason: str = ""  # why it is not finished
    hang: Hang | None = None

    @property
    def model(self) -> Model:
        """The model that was explored."""
        return self.search.model

    @property
    def recorder(self) -> Recorder:
        """The recorded steps of the model."""
        return self.search.recorder

    @property
    def states(self) -> States:
        """Every state, in breadth-first order."""
        return States(self.search.engine)

    @property
    def transitions(self) -> int:
        """The number of steps that were taken, each counted once per state it starts in."""
        return self.search.engine.transitions

    @property
    def outcomes(self) -> dict[Ending, int]:
        """Each outcome with the first state that shows it."""
        return self.search.outcomes

    @property
    def violations(self) -> dict[str, Breach]:
        """Each broken invariant with the first state that breaks it."""
        return self.search.violations

    @property
    def bytes_per_state(self) -> float:
        """Memory of the store, frontier, tables and parts included."""
        return self.search.engine.used / self.search.engine.count

    def edges(self, state: int) -> Iterator[tuple[int, int]]:
        """(actor, successor) for each step possible in a state; none where the search ended before it."""
        source, recorder = self.states[state], self.recorder
        if source[recorder.crash_at] or state >= self.search.engine.expanded:
            return
        for actor in range(len(self.model.actors)):
            for leaf in recorder.leaves(source, actor):
                if leaf.blocked is None:
                    yield actor, self.number(self.search.canonical(leaf.apply(source)))

    def number(self, state: bytes) -> int:
        """The number of a state, or -1."""
        return self.search.engine.find(state)

    def layers(self, target: int) -> list[Layer]:
        """The shortest paths to a state, see `Search`.

        Nothing is stored for them: backwards from the target, all states one step nearer are expanded once
        more, to find those that lead to one that is wanted.
        """
        engine, wanted = self.search.engine, [target]
        levels = engine.levels()
        found: list[Layer] = []
        distance = bisect.bisect_right(levels, target) - 1
        for first, last in reversed(list(itertools.pairwise(levels[: distance + 1]))):
            kept = set(wanted)
            wanted = engine.parents(first, min(last, engine.expanded), wanted)
            found.append({n: [edge for edge in self.edges(n) if edge[1] in kept] for n in wanted})
        return found[::-1]

    def canonical(self, state: bytes) -> bytes:
        """The state that was kept for this one."""
        return self.search.canonical(state)

    @property
    def shortest(self) -> bool:
        """Renaming makes no path longer."""
        return True

    @property
    def engine(self) -> str:
        """The engine that searched, in a few words."""
        renamed = isinstance(self.recorder, RenamingRecorder)
        groups = self.model.interchangeable if renamed else ()
        kinds = sorted({f"{type(group[0]).__name__.lower()}s" for group in groups})
        names = f", up to the names of {' and '.join(kinds)}" if kinds else ""
        return f"native engine{names}, {self.search.text()}"


def native(recorder: Recorder, method: Method, progress: Progress | None = None) -> NativeExploration:
    """Search natively, with what a recorder has recorded already; it must not be used any more.

    With `method.rename`, one state stands for all that differ by a permutation of interchangeable records.
    """
    if method.rename and recorder.model.interchangeable:
        recorder = RenamingRecorder(recorder)
    search = NativeSearch(recorder, method.room, method.threads)
    search.enough = method.enough
    return explored(search, method.max_states, progress)


def explored(search: NativeSearch, max_states: int | None, progress: Progress | None) -> NativeExploration:
    """Search, and return what is found, as far as memory, its bound and the ranges of counts let it come."""
    found = NativeExploration(search)
    try:
        found.finished = search.run(max_states, progress)
        if not found.finished:
            found.reason = STOPPED if search.has_enough() else f"it stopped after {max_states:,} states"
        if found.finished:
            found.hang = find_hang(found)
    except Full:
        found.reason = f"{amount(search.memory)} hold no more than {search.engine.count:,} states"
    except MemoryError:
        found.finished = False
        found.reason = f"the machine has no more memory after {search.engine.count:,} states"
    except RangeError as error:
        found.reason = str(error)
    return found


def find_hang(found: NativeExploration) -> Hang | None:
    """The answer of the reference's `find_hang`."""
    stuck = found.search.engine.stuck()
    return first_hang(found, stuck, found.search.engine.successors) if stuck else None
