# SPDX-License-Identifier: MIT
"""The native search: the reference search's answers at engine speed (needs NumPy and Numba).

Compiled loops walk the flat trees for a batch of states, then enter what they lead to in the order in which
the reference search would have met it: state n here is state n there.  What is not recorded yet comes back to
Python as events.  On a second core the next batch is expanded while this one is entered.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.evaluate import observed
from cowpath.explore.found import Breach, Ending, Enough, Progress
from cowpath.explore.native import compiled
from cowpath.explore.native.caches import Caches, empty_caches
from cowpath.explore.native.forest import Forest, Words
from cowpath.explore.native.packing import Packing, room_for
from cowpath.explore.native.parts import Crowded
from cowpath.explore.native.split import choose_parts, fields_of, merge_smallest
from cowpath.explore.native.store import StateStore, StoreArrays
from cowpath.explore.record.recorder import Model, Recorder, Tree
from cowpath.explore.record.step import Content, ModelError

BATCH = 1 << 14
"""States that are expanded at once, at most."""

BUFFER = 1 << 17
"""Their successors, at most."""

EVENTS = 1 << 12
SMALL = 256
"""A batch that is too small for a core of its own."""

TRIAL, SAMPLE = 100_000, 1 << 15
"""States after which parts are chosen anew, on the last ones of these: that can halve the memory."""

SPARE = 2
"""Bits by which the field of a frame is wider than it must be now."""


class Work(NamedTuple):
    """The buffers of one batch."""

    root: Words  # of each successor
    leaf: NDArray[np.int32]  # that leads to it
    parent: NDArray[np.int32]  # counted from the first state of the batch
    counts: NDArray[np.int64]  # see compiled/expand.py
    events: NDArray[np.int64]
    forward: NDArray[np.uint8]  # states that end or have a successor with a higher number


def make_work(invariants: int) -> Work:
    """Empty buffers."""
    return Work(
        np.zeros(BUFFER, np.uint64),
        np.zeros(BUFFER, np.int32),
        np.zeros(BUFFER, np.int32),
        np.zeros(4, np.int64),
        np.zeros((max(EVENTS, compiled.CHUNK * (invariants + 1)), 4), np.int64),
        np.zeros(BATCH, np.uint8),
    )


class Batch(NamedTuple):
    """States that are being expanded; `done` tells the first one that is not."""

    work: Work
    done: Future[int]


class States(Sequence[bytes]):
    """The states found, unpacked one by one when asked for."""

    def __init__(self, search: NativeSearch) -> None:
        self.search = search

    def __len__(self) -> int:
        return self.search.store.count

    @overload
    def __getitem__(self, number: int) -> bytes: ...
    @overload
    def __getitem__(self, number: slice) -> list[bytes]: ...
    def __getitem__(self, number: int | slice) -> bytes | list[bytes]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return self.search.packing.unpack(self.search.store.load(number % len(self)))


class NativeSearch:
    """One search.  `recorder` may have been used before; `part_of` divides the fields (see packing.py)."""

    def __init__(
        self, model: Model, recorder: Recorder, part_of: Sequence[int], memory: int, threads: int
    ) -> None:
        self.model, self.recorder, self.part_of = model, recorder, part_of
        self.room = room_for(map(len, recorder.frames), len(recorder.crashes), SPARE)
        self.packing = Packing(model, self.room, self.part_of)
        self.forest = self.grow_forest()
        self.store = StateStore(self.packing, memory)
        self.caches = self.empty_caches()
        self.pool = ThreadPoolExecutor(1) if threads > 1 else None
        self.works = [make_work(len(model.invariants)) for _ in range(2 if self.pool else 1)]
        self.ahead: Batch | None = None  # on the second core
        self.enough: Enough | None = None
        self.chosen = False  # the parts, on states of this search
        self.outcome_tree = Tree()
        self.invariants = [(name, function, Tree()) for name, function in model.invariants]
        self.broken = np.zeros(len(self.invariants) + 1, np.uint8)
        self.outcomes: dict[Ending, int] = {}
        self.violations: dict[str, Breach] = {}
        self.retreating: list[NDArray[np.int64]] = []  # states all of whose successors were found before them
        self.firsts = [0, 1]  # the first state of each distance from the initial one
        self.transitions = 0
        self.batch = SMALL
        self.arrays: StoreArrays = self.store.arrays()
        self.store.add_first(self.packing.pack(recorder.initial), self.forest.arrays())
        for index in range(len(self.invariants)):
            self.judge(0, index)
        self.refresh()

    # -- the loop ----------------------------------------------------------------------------------

    def run(self, max_states: int | None, progress: Progress | None) -> bool:
        """Search on; True when every state was expanded.  Raises Full."""
        current, told = 0, time.monotonic()
        try:
            while current < self.store.count:
                if max_states is not None and self.store.count > max_states:
                    return False
                if self.store.count > TRIAL and not self.chosen:
                    self.choose_parts()
                current = self.step(current)
                if self.has_enough():
                    return False
                if progress is not None and time.monotonic() - told > 0.2:
                    told = time.monotonic()
                    progress(self.store.count, self.store.count - current, self.store.text())
            return True
        finally:
            if self.pool is not None:
                self.pool.shutdown()

    def has_enough(self) -> bool:
        """True where whoever asked wants no more."""
        return self.enough is not None and self.enough(self.outcomes, self.violations)

    def step(self, current: int) -> int:
        """Expand one batch and enter what it leads to; returns the first state that is not expanded yet."""
        if current == self.firsts[-1]:
            self.firsts.append(self.store.count)
        done, work = self.expand(current)
        self.look_ahead(done, work)
        self.enter(current, work)
        candidates = int(work.counts[compiled.CANDIDATES])
        self.transitions += candidates
        forward = work.forward[: done - current]
        if not forward.all():
            self.retreating.append(current + np.flatnonzero(forward == 0))
        fits = (BUFFER - compiled.MOST) * (done - current) // max(1, candidates)
        self.batch = max(SMALL, min(BATCH, fits, 2 * self.batch))
        return done

    def expand(self, first: int) -> tuple[int, Work]:
        """Take every step from some states; returns the first state not done, and the buffers.

        What is missing is recorded; then there is less in the batch, or it begins anew.
        """
        while True:
            if self.ahead is not None:
                work, done, self.ahead = self.ahead.work, self.ahead.done.result(), None
            else:
                work = self.works[0]
                done = self.expand_states(work, first, self.end_of_batch(first))
            if done < 0:
                raise ModelError("a state has more successors than the buffers of the native engine hold")
            forest = self.forest
            self.record_missing(work)
            if work.counts[compiled.NO_ROOM] and self.forest is forest:
                self.grow_parts(work)
            if done > first and self.forest is forest:  # else what the buffers hold is packed otherwise
                return done, work

    def expand_states(self, work: Work, first: int, last: int) -> int:
        """What compiled code makes of some states."""
        return int(compiled.expand(self.trees, self.names, self.arrays, self.caches, work, first, last))

    def end_of_batch(self, first: int) -> int:
        """States of one batch are equally far away from the initial one, as far as that is known."""
        return min(first + self.batch, self.firsts[-1] if first < self.firsts[-1] else self.store.count)

    def look_ahead(self, first: int, busy: Work) -> None:
        """Begin to expand what follows on another core, in the buffers that are free."""
        last = self.end_of_batch(first)
        if self.pool is not None and last - first >= SMALL:
            work = self.works[0] if busy is self.works[1] else self.works[1]
            self.ahead = Batch(work, self.pool.submit(self.expand_states, work, first, last))

    def enter(self, first: int, work: Work) -> None:
        """Number the new states of a batch, and evaluate invariants on them."""
        store, counts = self.store, work.counts
        if store.make_room(int(counts[compiled.CANDIDATES])):
            store.parts.renew_flags(self.trees)
        counts[compiled.ENTERED] = 0
        while counts[compiled.ENTERED] < counts[compiled.CANDIDATES]:
            store.count = compiled.enter(
                self.trees, self.arrays, work, store.table, store.bits, first, store.count, self.broken
            )
            events = self.take_events(work)
            if events and self.ahead is not None:
                self.ahead.done.result()  # trees must not change under a walk
            for _, number, index, _ in events:
                self.judge(number, index)
            if events:
                self.refresh()

    def take_events(self, work: Work) -> list[list[int]]:
        """What compiled code left to do, in its order: (kind, state, actor or invariant, place in the trees).

        Steps that ended at the same place in the trees miss the same thing, and only the first is returned:
        the others are taken again afterwards.  Outcomes and invariants are not, so each of theirs is
        returned.
        """
        found: dict[tuple[int, int, int, int], list[int]] = {}
        for kind, number, which, where in work.events[: int(work.counts[compiled.EVENTS])].tolist():
            again = 0 if kind in (compiled.EVENT_STEP, compiled.EVENT_FRAME) else number
            found.setdefault((kind, which, where, again), [kind, number, which, where])
        return list(found.values())

    def record_missing(self, work: Work) -> None:
        """Record, evaluate and find out what expanding a batch has left to Python."""
        events, forest = self.take_events(work), self.forest
        for kind, number, which, where in events:
            if kind == compiled.EVENT_OUTCOME:
                self.note_outcome(number)
            elif kind == compiled.EVENT_STEP:
                self.record(number, which)
            elif self.forest is forest:  # else `where` means nothing any more
                self.learn_exchange(where)
        if events:
            self.refresh()

    def grow_parts(self, work: Work) -> None:
        """Make room for more parts."""
        try:
            self.store.grow_parts(work.root)
            self.arrays = self.store.arrays()
            self.caches = self.empty_caches()  # numbers may have other places in a root
        except Crowded as crowded:
            self.part_of = merge_smallest(self.part_of, crowded.sizes)
            self.repack()
            self.refresh()

    # -- what only Python can do -------------------------------------------------------------------

    def state(self, number: int) -> bytes:
        """A state as the reference search holds it."""
        return self.packing.unpack(self.store.load(number))

    def record(self, number: int, actor: int) -> None:
        """Record what an actor may do in a state, and mirror it."""
        state = self.state(number)
        self.recorder.leaves(state, actor)
        frame = state[self.recorder.frame_at[actor]] | state[self.recorder.frame_at[actor] + 1] << 8
        try:
            self.forest.mirror_step(actor, frame, state)
            self.check_crashes()
        except OverflowError:
            self.repack()

    def learn_exchange(self, where: int) -> None:
        """Find out what an exchange of records makes of a frame."""
        renaming = self.forest.renaming
        exchange, frame = divmod(where, renaming.frames.shape[1])
        try:
            renaming.add_exchange(exchange, *divmod(frame, self.forest.room))
            self.forest.add_frames()
        except OverflowError:
            self.repack()

    def canonical(self, state: bytes) -> bytes:
        """The state that stands for this one; it may stand in frames that the search has not met."""
        ranks = np.empty(512, np.int64)
        while True:
            try:
                self.forest.add_frames()
                words = self.np_words(state)
            except OverflowError:
                self.repack()
                self.refresh()
                continue
            unknown = compiled.renumber(
                *self.names, self.trees.root_at, self.trees.frame_places, words, ranks
            )
            if not unknown:
                return self.packing.unpack(words.tolist())
            self.learn_exchange(unknown - 1)
            self.refresh()

    def check_crashes(self) -> None:
        if len(self.recorder.crashes) > 1 << self.room[-1]:
            raise OverflowError

    def note_outcome(self, number: int) -> None:
        """Evaluate the observation in a state where the run may end."""
        state, recorder = self.state(number), self.recorder
        if state[recorder.crash_at]:
            self.outcomes.setdefault(Ending((), recorder.crash(state)), number)
            self.forest.mirror_crash(state[recorder.crash_at])
            return
        result = recorder.evaluate(self.outcome_tree, self.model.observe, state)
        self.outcomes.setdefault(Ending(observed(self.model, result, state)), number)
        assert isinstance(result, tuple)
        contents = [part.cell for part in result if isinstance(part, Content) and part.cell is not None]
        self.forest.mirror_outcome(self.outcome_tree, state, contents)

    def judge(self, number: int, index: int) -> None:
        """Evaluate one invariant in one state."""
        name, function, tree = self.invariants[index]
        state = self.state(number)
        text = self.recorder.evaluate(tree, function, state)
        self.forest.mirror_judge(index, tree, state)
        if text is not None and name not in self.violations:
            self.violations[name] = Breach(name, str(text), number)
        if text is not None:
            self.broken[index] = 1

    def grow_forest(self) -> Forest:
        """A forest with everything that is recorded; makes the packing anew until all frames have room."""
        while True:
            try:
                self.packing = Packing(self.model, self.room, self.part_of)
                forest = Forest(self.recorder, self.packing)
                for actor, trees in enumerate(self.recorder.trees):
                    for number in range(len(trees)):
                        forest.mirror_frame(actor, number)
                return forest
            except OverflowError:
                self.room = room_for(map(len, self.recorder.frames), len(self.recorder.crashes), SPARE)

    def choose_parts(self) -> None:
        """Divide states anew, now that there are many to look at."""
        if self.ahead is not None:  # it would not fit any more
            self.ahead.done.result()
            self.ahead = None
        sample = fields_of(self.packing, self.store.rows(max(0, self.store.count - SAMPLE), self.store.count))
        part_of, self.chosen = choose_parts(self.model, sample), True
        if part_of != self.part_of:
            self.part_of = part_of
            self.repack()
            self.refresh()

    def repack(self) -> None:
        """Pack states otherwise: frames or crashes have outgrown their fields, or parts are too many."""
        old = self.packing
        while True:
            self.room = room_for(map(len, self.recorder.frames), len(self.recorder.crashes), SPARE)
            self.forest = self.grow_forest()
            try:
                self.store.repack(old, self.packing, self.forest.arrays())
                break
            except Crowded as crowded:
                self.part_of = merge_smallest(self.part_of, crowded.sizes)
        self.caches = self.empty_caches()

    def empty_caches(self) -> Caches:
        """Nothing remembered."""
        return empty_caches(self.packing, len(self.forest.roots))

    def refresh(self) -> None:
        """Give compiled code the arrays as they are now."""
        forest, trees = self.forest, [tree for _, _, tree in self.invariants]
        forest.rewatch(trees)
        if len(forest.judges) < len(trees):
            forest.judges = np.concatenate(
                [forest.judges, np.zeros(len(trees) - len(forest.judges), np.int32)]
            )
        self.names = forest.renaming.arrays
        self.trees = forest.arrays()
        self.arrays = self.store.arrays()

    def np_words(self, state: bytes) -> NDArray[np.uint64]:
        """A state packed, as compiled code takes it."""
        return np.array(self.packing.pack(state), np.uint64)
