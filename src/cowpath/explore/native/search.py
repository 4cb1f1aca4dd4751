# SPDX-License-Identifier: MIT
"""The native search: the reference search's answers at engine speed.

The C engine takes the steps and keeps the states, in the order in which the reference search would have met
them: state n here is state n there.  What is not recorded yet comes back as events; each recording goes
straight into the engine's trees.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator, Sequence
from typing import overload

from cowpath.explore.evaluate import observed
from cowpath.explore.found import Breach, Ending, Enough, Progress
from cowpath.explore.method import amount
from cowpath.explore.native import core
from cowpath.explore.native.core import Core, Happened
from cowpath.explore.native.renaming import RenamingRecorder
from cowpath.explore.native.renumbering import Renumbering
from cowpath.explore.native.telling import Telling
from cowpath.explore.record.recorder import Branch, Leaf, Recorder, Tree
from cowpath.explore.record.step import Content

UNBOUNDED = (1 << 64) - 1
PAUSE = 0.2
"""Seconds between two calls of the progress function."""


class Full(Exception):  # noqa: N818 - a condition: the memory allowed is used up
    """There is no room for more states within the memory allowed."""


class StepTree(Tree):
    """The steps of an actor from one frame, inserted into the engine, too."""

    __slots__ = ("actor", "number", "telling")

    def __init__(self, telling: Telling, number: int, actor: int) -> None:
        super().__init__()
        self.telling, self.number, self.actor = telling, number, actor

    def insert(self, reads: Sequence[tuple[int, int]], leaf: Leaf) -> None:
        """Insert a run here (see `Tree.insert`) and into the tree of the engine."""
        super().insert(reads, leaf)
        self.telling.engine.insert(self.number, reads, self.telling.leaf(leaf, self.actor))


class InvariantTree(Tree):
    """The verdicts of an invariant, inserted into the engine, too."""

    __slots__ = ("engine", "number")

    def __init__(self, engine: Core, number: int) -> None:
        super().__init__()
        self.engine, self.number = engine, number

    def insert(self, reads: Sequence[tuple[int, int]], leaf: Leaf) -> None:
        """Insert a run here (see `Tree.insert`) and into the tree of the engine."""
        super().insert(reads, leaf)
        self.engine.insert(
            self.number, reads, self.engine.holds if leaf.result is None else self.engine.broken
        )


class States(Sequence[bytes]):
    """The states found, unpacked one by one when asked for."""

    def __init__(self, engine: Core) -> None:
        self.engine = engine

    def __len__(self) -> int:
        return self.engine.count

    @overload
    def __getitem__(self, number: int) -> bytes: ...
    @overload
    def __getitem__(self, number: slice) -> list[bytes]: ...
    def __getitem__(self, number: int | slice) -> bytes | list[bytes]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        return self.engine.state(number % len(self))


class NativeSearch:
    """A native search.  `recorder` may have been used before; what it has recorded is taken over.

    `memory` bounds the engine's store, in bytes.  With 2 `threads` another core helps where a search
    is large.
    """

    def __init__(self, recorder: Recorder, memory: int, threads: int) -> None:
        self.model, self.recorder, self.memory = recorder.model, recorder, memory
        self.engine = Core(self.model, memory, threads)
        self.telling = Telling(recorder, self.engine)
        self.frames: list[tuple[int, int]] = []  # (actor, number) of each frame that the engine has
        self.ids: dict[tuple[int, int], int] = {}
        self.renumbering = Renumbering(recorder) if isinstance(recorder, RenamingRecorder) else None
        if self.renumbering is not None:
            self.renumbering.describe(self.engine)
        self.outcome_tree = Tree()
        self.invariants = [
            (name, function, InvariantTree(self.engine, index))
            for index, (name, function) in enumerate(self.model.invariants)
        ]
        self.outcomes: dict[Ending, int] = {}
        self.violations: dict[str, Breach] = {}
        self.enough: Enough | None = None
        with uncollected():
            self.take_over()

    def take_over(self) -> None:
        """Give the engine every frame and tree of the recorder, and what will be recorded."""
        recorder = self.recorder
        before, recorder.trees = recorder.trees, [[] for _ in recorder.trees]
        for actor, trees in enumerate(before):
            for number in range(len(trees)):
                recorder.trees[actor].append(self.new_tree(actor, number))
        recorder.new_tree = self.new_tree
        for actor, trees in enumerate(before):
            for number, tree in enumerate(trees):
                for reads, leaf in runs(tree):
                    recorder.trees[actor][number].insert(reads, leaf)
        if self.renumbering is not None:
            for (exchange, actor, number), target in self.renumbering.recorder.met.items():
                self.engine.exchange(exchange, self.ids[actor, number], target)

    def new_tree(self, actor: int, number: int) -> Tree:
        """An empty tree for a frame that is new to the engine."""
        frame = self.recorder.frames[actor][number]
        known = self.engine.frame(actor, self.rests(actor, number), frame.finished)
        self.frames.append((actor, number))
        self.ids[actor, number] = known
        if self.renumbering is not None:
            self.engine.frame_names(known, *self.renumbering.of_frame(actor, number))
        return StepTree(self.telling, self.engine.first_frame_tree + known, actor)

    def rests(self, actor: int, number: int) -> int:
        """Tell whether a run may end while the actor stands in this frame."""
        frame = self.recorder.frames[actor][number]
        if not (frame.finished or frame.idle):
            return core.MOVING
        begun = number > 0 or self.model.actors[actor].background
        return core.RESTING if begun else core.WAITING

    # -- the loop ----------------------------------------------------------------------------------

    def run(self, max_states: int | None, progress: Progress | None) -> bool:
        """Search on; True when every state was expanded.  Raises Full, or MemoryError.

        Where it ends early, the invariants are judged in the states that are left, too.
        """
        with uncollected():
            try:
                finished = self.search(max_states, progress)
            except Full:
                self.judge_rest()
                raise
            if not finished:
                self.judge_rest()
        return finished

    def judge_rest(self) -> None:
        """Judge the states that were found and not expanded."""
        at = self.engine.expanded
        while at < self.engine.count:
            events, at = self.engine.judge_rest(at)
            for event in events:
                self.see_to(event)

    def search(self, max_states: int | None, progress: Progress | None) -> bool:
        """Search on as `run` does, which sees to it that Python does not look for cycles meanwhile."""
        bound = UNBOUNDED if max_states is None else max_states
        while True:
            status = self.engine.run(bound, PAUSE)
            if status == core.EVENTS:
                for event in self.engine.events():
                    self.see_to(event)
                if self.has_enough():
                    return False
            elif status == core.PAUSED and progress is not None:
                count = self.engine.count
                progress(count, count - self.engine.expanded, self.text())
            elif status == core.FULL:
                raise Full
            elif status == core.NO_MEMORY:
                raise MemoryError
            elif status in (core.DONE, core.BOUND):
                return status == core.DONE

    def has_enough(self) -> bool:
        """True where whoever asked wants no more."""
        return self.enough is not None and self.enough(self.outcomes, self.violations)

    def text(self) -> str:
        """Return how much memory is used, and how much may be."""
        return f"{amount(self.engine.used)} of at most {amount(self.memory)}"

    def see_to(self, event: Happened) -> None:
        """Record, evaluate or find out what the engine lacks."""
        if event.kind == core.EVENT_EXCHANGE:
            self.learn_exchange(event.which, event.where)
            return
        if event.kind == core.EVENT_TOLD:
            self.telling.answer(event.which, event.where)
            return
        state = self.engine.state(event.state)
        if event.kind == core.EVENT_STEP:
            self.recorder.leaves(state, self.frames[event.which][0])
        elif event.kind == core.EVENT_OUTCOME:
            self.note_outcome(event.state, state)
        else:
            self.judge(event.state, state, event.which)

    # -- what only Python can do -------------------------------------------------------------------

    def learn_exchange(self, exchange: int, frame: int) -> None:
        """Find out what an exchange of records makes of a frame."""
        assert self.renumbering is not None
        actor, number = self.frames[frame]
        self.engine.exchange(exchange, frame, self.renumbering.exchanged(exchange, actor, number))

    def canonical(self, state: bytes) -> bytes:
        """The state that stands for this one; it may stand in frames that the search has not met."""
        while True:
            found = self.engine.canonical(state)
            if isinstance(found, bytes):
                return found
            self.learn_exchange(*found)

    def note_outcome(self, number: int, state: bytes) -> None:
        """Evaluate the observation in a state where the run may end."""
        recorder = self.recorder
        if state[recorder.crash_at]:
            self.outcomes.setdefault(Ending((), recorder.crash(state)), number)
            self.engine.set_crash(state[recorder.crash_at])
            return
        result = recorder.evaluate(self.outcome_tree, self.model.observe, state)
        self.outcomes.setdefault(Ending(observed(self.model, result, state)), number)
        assert isinstance(result, tuple)
        contents = [part.cell for part in result if isinstance(part, Content) and part.cell is not None]
        path = [*path_of(self.outcome_tree, state), *((cell, state[cell]) for cell in contents)]
        self.engine.insert(self.engine.observation, path, self.engine.holds)

    def judge(self, number: int, state: bytes, index: int) -> None:
        """Evaluate one invariant in one state."""
        name, function, tree = self.invariants[index]
        text = self.recorder.evaluate(tree, function, state)
        if text is not None:
            self.violations.setdefault(name, Breach(name, str(text), number))
            self.engine.set_broken(index)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from looking for cycles: what is recorded is kept, and each look goes through all of it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def path_of(tree: Tree, state: bytes) -> list[tuple[int, int]]:
    """Return what a state reads on its walk through a tree without choices."""
    found, node = list[tuple[int, int]](), tree.root
    while isinstance(node, Branch):
        found.append((node.cell, state[node.cell]))
        node = node.next[state[node.cell]]
    return found


def runs(tree: Tree) -> list[tuple[list[tuple[int, int]], Leaf]]:
    """Every recorded run of a tree: what it reads, and its leaf."""
    found: list[tuple[list[tuple[int, int]], Leaf]] = []
    todo: list[tuple[list[tuple[int, int]], Branch | Leaf]] = [([], tree.root)] if tree.root else []
    while todo:
        reads, node = todo.pop()
        if isinstance(node, Leaf):
            found.append((reads, node))
        else:
            todo += [([*reads, (node.cell, value)], following) for value, following in node.next.items()]
    return found
