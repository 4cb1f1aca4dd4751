# SPDX-License-Identifier: MIT
"""The native search: the reference search's answers at engine speed (needs NumPy and Numba).

Compiled loops walk the flat trees for a batch of states, then look all successors up, then number the new
ones in the order in which the reference search would have met them: state n here is state n there, on any
number of cores.  What is not recorded yet comes back to Python as events; then the batch is expanded once
more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from cowpath.explore import compiled
from cowpath.explore.flat import Forest
from cowpath.explore.packing import Packing, room_for
from cowpath.explore.recorder import Model, Recorder, Tree
from cowpath.explore.search import Outcome, Progress, Violation, observed
from cowpath.explore.step import Content, ModelError
from cowpath.explore.store import Store, StoreArrays

BATCH, REGION, EVENTS = 1 << 14, 1 << 16, 1 << 12
SMALL = 512
"""A batch that is too small to be shared among threads."""

SPARE = 2
"""Bits by which the field of a frame is wider than it must be now."""

T = TypeVar("T")


class Work(NamedTuple):
    """Buffers of one batch; each thread has a region of its own."""

    region_size: int
    root: NDArray[np.uint64]
    leaf: NDArray[np.int32]
    parent: NDArray[np.int64]
    slot: NDArray[np.int64]  # where a new state was entered; -1, -2: not new
    shard: NDArray[np.int8]
    number: NDArray[np.int64]
    candidate_count: NDArray[np.int64]
    pending: NDArray[np.uint64]  # the words of a state with a new part, then its candidate
    pending_count: NDArray[np.int64]
    events: NDArray[np.int64]
    event_count: NDArray[np.int64]
    forward: NDArray[np.uint8]


def make_work(threads: int, words: int, size: int = REGION) -> Work:
    """Empty buffers."""
    total = threads * size
    return Work(
        size,
        np.zeros(total, np.uint64),
        np.zeros(total, np.int32),
        np.zeros(total, np.int64),
        np.zeros(total, np.int64),
        np.zeros(total, np.int8),
        np.zeros(total, np.int64),
        np.zeros(threads, np.int64),
        np.zeros((threads, size, words + 1), np.uint64),
        np.zeros(threads, np.int64),
        np.zeros((threads, EVENTS, 4), np.int64),
        np.zeros(threads, np.int64),
        np.zeros(threads * BATCH, np.uint8),
    )


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
        self.model, self.recorder, self.threads, self.part_of = model, recorder, threads, part_of
        self.room = room_for(map(len, recorder.frames), len(recorder.crashes), SPARE)
        self.packing = Packing(model, self.room, self.part_of)
        self.forest = self.grow_forest()
        self.work = make_work(threads, self.packing.words)
        self.store = Store(self.packing, memory, threads, threads * REGION)
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.outcome_tree = Tree()
        self.invariants = [(name, function, Tree()) for name, function in model.invariants]
        self.broken = np.zeros(len(self.invariants) + 1, np.uint8)
        self.outcomes: dict[Outcome, int] = {}
        self.violations: dict[str, Violation] = {}
        self.retreating: list[NDArray[np.int64]] = []  # states all of whose successors were found before them
        self.firsts = [0, 1]  # the first state of each distance from the initial one
        self.transitions = 0
        self.batch = 64
        self.arrays: StoreArrays = self.store.arrays()
        self.store.add_first(self.packing.pack(recorder.initial), self.forest.arrays())
        for index in range(len(self.invariants)):
            self.judge(0, index)
        self.refresh()

    # -- the loop ----------------------------------------------------------------------------------

    def run(self, max_states: int | None, progress: Progress | None) -> bool:
        """Search on; True when every state was expanded.  Raises Full."""
        current, told = 0, time.monotonic()
        while current < self.store.count:
            if max_states is not None and self.store.count > max_states:
                return False
            current = self.step(current)
            if progress is not None and time.monotonic() - told > 0.2:
                told = time.monotonic()
                progress(self.store.count, self.store.count - current, self.store.text())
        return True

    def step(self, current: int) -> int:
        """Expand one batch, of states equally far away; returns the first state that is not expanded yet."""
        if current == self.firsts[-1]:
            self.firsts.append(self.store.count)
        done = self.expand(current, min(self.firsts[-1], current + self.batch))
        candidates = int(self.work.candidate_count.sum())
        self.store.make_room(candidates)
        self.enter(current)
        self.transitions += candidates
        forward = self.work.forward[: done - current]
        if not forward.all():
            self.retreating.append(current + np.flatnonzero(forward == 0))
        self.judge_new()
        branching = max(1.0, candidates / (done - current))
        fits = int(0.8 * (REGION - compiled.MOST) / branching)
        self.batch = max(64, min(BATCH, fits, 2 * self.batch)) * (self.threads if self.batch > SMALL else 1)
        return done

    def each(self, regions: int, function: Callable[[int], T]) -> list[T]:
        """Call a function for each region, on all threads."""
        if self.pool is None or regions == 1:
            return [function(region) for region in range(regions)]
        return list(self.pool.map(function, range(regions)))

    def expand(self, first: int, last: int) -> int:
        """Take every step from some states; misses are recorded, and the batch is repeated.

        Returns the first state not done, for lack of room in the buffers.
        """
        while True:
            done = self.try_expand(first, last)
            missing, forest = False, self.forest
            for kind, number, which, where in self.take_events():
                if kind == compiled.EVENT_OUTCOME:
                    self.note_outcome(number)
                    continue
                missing = True
                if kind == compiled.EVENT_STEP:
                    self.record(number, which)
                elif self.forest is forest:  # else `where` means nothing any more
                    self.learn_exchange(where)
            if not missing and done > first:
                return done
            self.batch = max(256, self.batch // 2)  # what is expanded again should be little
            self.refresh()

    def try_expand(self, first: int, last: int) -> int:
        work, trees, names, store = self.work, self.trees, self.names, self.arrays
        work.candidate_count[:] = work.pending_count[:] = work.event_count[:] = 0
        share = -(-(last - first) // self.threads) if last - first > SMALL else last - first
        starts = list(range(first, last, share))
        ends = self.each(
            len(starts),
            lambda region: compiled.expand(
                trees, names, store, work, region, starts[region], min(last, starts[region] + share), first
            ),
        )
        if min(ends) < first:
            raise ModelError("a state has more successors than the buffers of the native engine hold")
        for region, end in enumerate(ends):
            if end < min(last, starts[region] + share):  # later regions would leave a gap
                work.candidate_count[region + 1 :] = work.pending_count[region + 1 :] = 0
                return int(end)
        return last

    def take_events(self) -> list[list[int]]:
        """What compiled code left to do, in its order: (kind, state, actor or invariant, place in the trees).

        Steps that ended at the same place in the trees miss the same thing, and only the first is returned:
        the others are taken again afterwards.  Outcomes and invariants are not, so each of theirs is
        returned.
        """
        work = self.work
        found: dict[tuple[int, int, int, int], list[int]] = {}
        for region in range(self.threads):
            for kind, number, which, where in work.events[region, : int(work.event_count[region])].tolist():
                again = 0 if kind in (compiled.EVENT_STEP, compiled.EVENT_FRAME) else number
                found.setdefault((kind, which, where, again), [kind, number, which, where])
        work.event_count[:] = 0
        return list(found.values())

    def enter(self, current: int) -> None:
        """Number the new states of a batch."""
        work, store = self.work, self.store
        self.settle()
        arrays, tables, bits, count = self.arrays, store.tables, store.bits, store.count
        shards = store.shards
        regions = [region for region in range(self.threads) if work.candidate_count[region]]

        def insert(shard: int) -> list[int]:
            table = tables[shard]
            return [
                compiled.insert(arrays, work, table, region, shard, shards, count, bits) for region in regions
            ]

        new = np.array(self.each(shards, insert)).sum(axis=0)
        firsts = [count + int(new[:region].sum()) for region in range(len(regions))]
        self.each(
            len(regions),
            lambda region: compiled.number_states(
                arrays, work, tables, regions[region], firsts[region], current, bits
            ),
        )
        store.count = count + int(new.sum())

    def settle(self) -> None:
        """Number the new parts of a batch."""
        for region in range(self.threads):
            while not compiled.settle(
                self.trees, self.arrays, self.work, region, self.store.sizes, self.store.part_room()
            ):
                self.store.grow_parts()
                self.arrays = self.store.arrays()

    def judge_new(self) -> None:
        """Evaluate invariants on the states that the batch has found."""
        if not self.invariants:
            return
        counts = self.work.candidate_count.tolist()
        begins = [0] * self.threads
        while begins != counts:
            begins = self.judge_some(begins, counts)

    def judge_some(self, begins: list[int], counts: list[int]) -> list[int]:
        """Go on judging in every region; returns how far each has come.

        Where the events of one region did not fit, later regions wait: violations come in order of states.
        """
        trees, arrays, work = self.trees, self.arrays, self.work
        ends = self.each(
            self.threads,
            lambda region: int(compiled.judge(trees, arrays, work, region, begins[region], self.broken)),
        )
        for region in range(self.threads):
            if ends[region] < counts[region]:
                work.event_count[region + 1 :] = 0
                ends[region + 1 :] = begins[region + 1 :]
                break
        events = self.take_events()
        for _, number, index, _ in events:
            self.judge(number, index)
        if events:
            self.refresh()
        return ends

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
            places = self.trees.frame_places
            unknown = compiled.renumber(self.names, self.trees.root_at, places, words, ranks)
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
            self.outcomes.setdefault(Outcome((), recorder.crash(state)), number)
            self.forest.mirror_crash(state[recorder.crash_at])
            return
        result = recorder.evaluate(self.outcome_tree, self.model.observe, state)
        self.outcomes.setdefault(Outcome(observed(self.model, result, state)), number)
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
            self.violations[name] = Violation(name, str(text), number)
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

    def repack(self) -> None:
        """Frames or crashes have outgrown their fields: make room, translate the parts, mirror all anew."""
        old = self.packing
        self.room = room_for(map(len, self.recorder.frames), len(self.recorder.crashes), SPARE)
        self.forest = self.grow_forest()
        self.store.repack(old, self.packing)
        if self.packing.words != old.words:
            self.work = make_work(self.threads, self.packing.words)

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

    @staticmethod
    def np_root(left: int, right: int) -> np.uint64:
        """A root from its part numbers."""
        return np.uint64(left << 32 | right)
