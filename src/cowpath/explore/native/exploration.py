# SPDX-License-Identifier: MIT
"""What a native search found, in the shape of the reference's `Exploration` (needs NumPy and Numba)."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cowpath.explore.found import Breach, Ending, Enough, Exploration, Hang, Layer, Progress
from cowpath.explore.native import compiled
from cowpath.explore.native.hang import find_hang
from cowpath.explore.native.packing import Packing, room_for
from cowpath.explore.native.renaming import RenamingRecorder
from cowpath.explore.native.search import NativeSearch, States
from cowpath.explore.native.split import choose_parts
from cowpath.explore.native.store import Full
from cowpath.explore.record.recorder import Model, Recorder
from cowpath.explore.record.step import ModelError, RangeError
from cowpath.explore.search import STOPPED

SAMPLE = 4096
"""States of the reference search that the first choice of parts looks at."""


@dataclass
class NativeExploration:
    """States, edges and paths are worked out again when asked for: the store keeps states only."""

    search: NativeSearch
    finished: bool = False
    reason: str = ""  # why it is not finished
    hang: Hang | None = None

    @property
    def model(self) -> Model:
        """What was explored."""
        return self.search.model

    @property
    def recorder(self) -> Recorder:
        """Its recorded steps."""
        return self.search.recorder

    @property
    def states(self) -> States:
        """Every state, in breadth-first order."""
        return States(self.search)

    @property
    def transitions(self) -> int:
        """How many steps were taken, each counted once per state it starts in."""
        return self.search.transitions

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
        return self.search.store.used / self.search.store.count

    def edges(self, state: int) -> Iterator[tuple[int, int]]:
        """(actor, successor) for each step possible in a state."""
        source, recorder = self.states[state], self.recorder
        if source[recorder.crash_at]:
            return
        for actor in range(len(self.model.actors)):
            for leaf in recorder.leaves(source, actor):
                if leaf.blocked is None:
                    yield actor, self.number(self.search.canonical(leaf.apply(source)))

    def number(self, state: bytes) -> int:
        """The number of a state, or -1."""
        search, store = self.search, self.search.store
        root = compiled.find_root(*store.parts.arrays[:3], search.np_words(state))
        if root == compiled.UNKNOWN:
            return -1
        return int(compiled.lookup(store.roots, store.table, np.uint64(root), store.bits))

    def layers(self, target: int) -> list[Layer]:
        """The shortest paths to a state, see `Search`.

        Nothing is stored for them: backwards from the target, all states one step nearer are expanded once
        more, to find those that lead to one that is wanted.
        """
        search, wanted = self.search, [target]
        found: list[Layer] = []
        distance = bisect.bisect_right(search.firsts, target) - 1
        for first, last in reversed(list(itertools.pairwise(search.firsts[: distance + 1]))):
            parents = np.empty(last - first, np.int64)
            roots = np.sort(search.store.roots[np.array(wanted)])
            arrays = (search.trees, search.names, search.arrays, search.caches, search.works[0])
            count = compiled.find_parents(*arrays, first, last, roots, parents)
            if count < 0:
                raise ModelError("a state has more successors than the buffers of the native engine hold")
            kept = set(wanted)
            wanted = parents[:count].tolist()
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
        """What searched, in a few words."""
        groups = self.search.forest.renaming.groups
        kinds = sorted({f"{type(group[0]).__name__.lower()}s" for group in groups})
        names = f", up to the names of {' and '.join(kinds)}" if kinds else ""
        return f"native engine{names}, {self.search.store.text()}"


def native(
    warm: Exploration,
    max_states: int | None,
    progress: Progress | None,
    memory: int,
    threads: int,
    rename: bool = True,
    enough: Enough | None = None,
) -> NativeExploration:
    """Search natively, with what a reference search has recorded and the states it has seen.

    With `rename`, one state stands for all that differ by a permutation of interchangeable records.
    """
    if progress is not None and not compiled.kept():
        progress(len(warm.states), 0, "compiling the native engine, this once")
    recorder = RenamingRecorder(warm.recorder) if rename else warm.recorder
    room = room_for(map(len, warm.recorder.frames), len(warm.recorder.crashes))
    fields = Packing(warm.model, room, [0] * (len(warm.model.layout.cells) + len(room))).fields
    sample = np.array([fields(state) for state in warm.states[-SAMPLE:]], np.uint16)
    search = NativeSearch(recorder.model, recorder, choose_parts(warm.model, sample), memory, threads)
    search.enough = enough
    return explored(search, max_states, progress)


def explored(search: NativeSearch, max_states: int | None, progress: Progress | None) -> NativeExploration:
    """What a search finds, as far as memory, its bound and the ranges of counts let it come."""
    found = NativeExploration(search)
    try:
        found.finished = search.run(max_states, progress)
        found.reason = "" if found.finished else f"it stopped after {max_states:,} states"
        found.reason = STOPPED if search.has_enough() else found.reason
    except Full:
        memory = search.store.memory >> 20
        found.reason = f"{memory:,} MiB hold no more than {search.store.count:,} states"
    except MemoryError:
        found.reason = f"the machine has no more memory after {search.store.count:,} states"
    except RangeError as error:
        found.reason = str(error)
    if found.finished:
        found.hang = find_hang(found)
    return found
