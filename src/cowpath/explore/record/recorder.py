# SPDX-License-Identifier: MIT
"""Record each step once in Python; from then on a search only walks trees.

A step is a function of the cells it reads, so one run stands for every state that agrees on those cells.
The runs of all steps that start in one *frame* (where an actor stands: code position and live locals along
its `yield from` chain) form a decision tree: read a cell, follow the branch of its value, read the next, down
to a leaf that says what is written.  A few thousand recordings carry tens of millions of transitions.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from cowpath.explore.record.cells import Layout, Record
from cowpath.explore.record.frame import Code as Code
from cowpath.explore.record.frame import Constant as Constant
from cowpath.explore.record.frame import Frame, stack
from cowpath.explore.record.step import Blocked, Crash, ModelError, Note, Place, Step

IDLE = "idle"
"""`yield IDLE`: the actor may stay here for ever; the run may end while it does."""

FRAME_BYTES = 2
CRASH_BYTES = 1

SPARES = 4
"""The number of generators that are kept in a frame.  More save few replays and cost memory."""


@dataclass(frozen=True)
class Actor:
    """An actor of the model: a thread, kswapd, a swap device.

    A run may end while an `optional` actor cannot begin.  A `background` one starts at its first
    `yield IDLE`, before which it does nothing.

    Where it stands in its outermost function alone, `resume`, called with the live locals by name, is code
    that goes on from there.  It saves the recorder a replay of everything before.
    """

    name: str
    start: Callable[[], Code]
    optional: bool = False
    background: bool = False
    resume: Callable[..., Code] | None = None
    of: Record | None = None  # the record it belongs to, where that is interchangeable (see renaming.py)


class Watching(Protocol):
    """Whoever is told the events of steps, and keeps a number for them in three cells (see monitor.py)."""

    places: tuple[int, ...]

    def seen(self, events: Sequence[Hashable]) -> tuple[Hashable, ...]:
        """Those of some events that can move the number."""

    def next(self, number: int, events: Sequence[Hashable]) -> int | str:
        """The number after these events; a text says why they end the run."""

    def of(self, state: bytes) -> int:
        """The number in a state."""

    def writes(self, number: int) -> tuple[tuple[int, int], ...]:
        """(cell, value) for each cell of a number."""


@dataclass(frozen=True)
class Model:
    """The input of a search.  `invariants` return None or what is broken; `observe` returns an outcome."""

    layout: Layout
    actors: tuple[Actor, ...]
    initial: bytes
    observe: Callable[[], tuple[object, ...]]
    invariants: tuple[tuple[str, Callable[[], str | None]], ...] = ()
    interchangeable: tuple[tuple[Record, ...], ...] = ()  # groups of records whose numbers mean nothing
    monitor: Watching | None = None


@dataclass(slots=True)
class Branch:
    """An inner node.  `cell` >= 0: the cell to look at; < 0: a free choice among -cell options."""

    cell: int
    next: dict[int, Branch | Leaf] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Leaf:
    """The end of a recorded run."""

    writes: tuple[tuple[int, int], ...] = ()
    moves: tuple[tuple[int, int], ...] = ()  # (target, source): content that goes from cell to cell
    blocked: str | None = None  # what the step waits for; then nothing else is set
    events: tuple[Hashable, ...] = ()  # what the step tells a monitor
    notes: tuple[Note, ...] = ()  # why, and ...
    places: dict[int, Place] = field(default_factory=dict)  # ... who wrote each cell; see `Recorder.told`
    result: object = None  # what an observation or an invariant returned
    watchers: tuple[int, tuple[int, ...]] = (-1, ())  # see search.py: invariants this step may affect

    def apply(self, state: bytes) -> bytes:
        """The state after the step."""
        after = bytearray(state)
        for cell, value in self.writes:
            after[cell] = value
        for target, source in self.moves:
            after[target] = state[source]
        return bytes(after)


class Miss(Exception):  # noqa: N818 - not an error: this run is not recorded yet
    """A tree ends before the state is decided; `choices` leads to the place."""

    def __init__(self, choices: tuple[int, ...]) -> None:
        super().__init__()
        self.choices = choices


class Tree:
    """Every recorded run of one step, observation or invariant."""

    __slots__ = ("reads", "root")

    def __init__(self) -> None:
        self.root: Branch | Leaf | None = None
        self.reads: set[int] = set()

    def find(self, state: bytes) -> list[Leaf]:
        """The leaves for this state: one, or one per free choice.  Raises Miss."""
        node = self.root
        while node.__class__ is Branch and (cell := node.cell) >= 0:
            node = node.next.get(state[cell])
        if node.__class__ is Leaf:
            return [node]
        found: list[Leaf] = []
        self._collect(node, state, (), found)
        return found

    def _collect(
        self, node: Branch | Leaf | None, state: bytes, choices: tuple[int, ...], found: list[Leaf]
    ) -> None:
        while isinstance(node, Branch) and node.cell >= 0:
            node = node.next.get(state[node.cell])
        if node is None:
            raise Miss(choices)
        if isinstance(node, Leaf):
            found.append(node)
            return
        for option in range(-node.cell):
            self._collect(node.next.get(option), state, (*choices, option), found)

    def insert(self, reads: Sequence[tuple[int, int]], leaf: Leaf) -> None:
        """Add a run.  Raises ModelError where it contradicts an earlier one."""
        if not reads:
            if self.root is not None:
                raise ModelError("a step that read nothing behaved in two ways")
            self.root = leaf
            return
        node = self.root = self.root or self._branch(reads[0][0])
        for position, (cell, value) in enumerate(reads, 1):
            if node.__class__ is not Branch or node.cell != cell:
                raise ModelError("a step is not a function of the cells it reads")
            after = node.next.get(value)
            if position == len(reads):
                if after is not None:
                    raise ModelError("a step behaved in two ways on the same cells")
                after = leaf
            elif after is None:
                after = self._branch(reads[position][0])
            node.next[value] = after
            node = after

    def _branch(self, cell: int) -> Branch:
        if cell >= 0:
            self.reads.add(cell)
        return Branch(cell)


class Recorder:
    """The frames and trees of one model; grows while a search runs."""

    def __init__(self, model: Model, live_only: bool = True) -> None:
        """Live locals tell frames apart; without `live_only`, dead ones do, too, where they can be named."""
        self.model, self.live_only = model, live_only
        self.step: Step = model.layout.step
        self.new_tree: Callable[[int, int], Tree] = lambda actor, number: Tree()
        cells = len(model.layout.cells)
        self.frame_at = [cells + FRAME_BYTES * index for index in range(len(model.actors))]
        self.crash_at = cells + FRAME_BYTES * len(model.actors)
        self.initial = model.initial + bytes(FRAME_BYTES * len(model.actors) + CRASH_BYTES)
        self._begin()

    def _begin(self) -> None:
        """Nothing is recorded; every actor has the frame in which it has not begun."""
        self.recordings = 0
        self.crashes: list[str] = [""]
        self.frames: list[list[Frame]] = []
        self.trees: list[list[Tree]] = []
        self._frame_ids: list[dict[object, int]] = []
        self._spare: dict[Frame, list[Code]] = {}  # generators that stand in a frame, used once each
        self._moved: dict[tuple[Leaf, int], Leaf] = {}  # steps that move the monitor on from a number
        for index, actor in enumerate(self.model.actors):
            self._frame_ids.append({})
            self.frames.append([Frame(index, None, (), (), finished=False, idle=actor.optional)])
            self.trees.append([Tree()])
            if actor.background:
                self._settle(index)

    def take_over(self, other: Recorder) -> None:
        """Go on with what another recorder of this model has recorded; that one must not be used any more."""
        self.recordings, self.crashes = other.recordings, other.crashes
        self.frames, self.trees = other.frames, other.trees
        self._frame_ids, self._spare, self._moved = other._frame_ids, other._spare, other._moved

    def frame_number(self, state: bytes, actor: int) -> int:
        """The number of the frame in which an actor stands in a state."""
        at = self.frame_at[actor]
        return state[at] | state[at + 1] << 8

    def frame(self, state: bytes, actor: int) -> Frame:
        """The frame in which an actor stands in a state."""
        return self.frames[actor][self.frame_number(state, actor)]

    def crash(self, state: bytes) -> str:
        """The reason why the modelled system stopped; empty where it runs."""
        return self.crashes[state[self.crash_at]]

    def ends_run(self, leaf: Leaf) -> bool:
        """True where a step stops the modelled system: what else it tells, nobody hears."""
        return any(cell == self.crash_at for cell, _ in leaf.writes)

    def at_rest(self, state: bytes) -> bool:
        """True where the run may end: every actor has finished, idles, or is optional and cannot begin."""
        return all(self._rests(state, actor) for actor in range(len(self.frames)))

    def leaves(self, state: bytes, actor: int) -> list[Leaf]:
        """The leaves of the actor's next step in this state, blocked ones too; none when it has finished."""
        at = self.frame_at[actor]
        number = state[at] | state[at + 1] << 8
        frame = self.frames[actor][number]
        if frame.finished:
            return []
        tree = self.trees[actor][number]
        while True:
            try:
                found = tree.find(state)
            except Miss as miss:
                self._record(tree, frame, state, miss.choices)
            else:
                return found if self.model.monitor is None else self._watched(found, state, actor)

    def moved(self, leaf: Leaf, number: int, actor: int) -> Leaf:
        """The step of a leaf where the model's monitor stands at a number.

        It moves the number by the leaf's events; where those are refused, it ends the run.
        """
        known = self._moved.get((leaf, number))
        if known is None:
            known = self._moved[leaf, number] = self._move(leaf, number, actor)
        return known

    def _move(self, leaf: Leaf, number: int, actor: int) -> Leaf:
        if self.ends_run(leaf):
            return leaf
        written = dict(leaf.writes)
        monitor = cast("Watching", self.model.monitor)
        after = monitor.next(number, leaf.events)
        more = monitor.writes(after) if isinstance(after, int) else self._refused(leaf, after, actor)
        return replace(leaf, writes=tuple((written | dict(more)).items()))

    def _refused(self, leaf: Leaf, text: str, actor: int) -> tuple[tuple[int, int], ...]:
        """Writes that end a run, and the actor's code."""
        frames, at = self.frames[actor], self.frame_at[actor]
        written = dict(leaf.writes)
        before = frames[written[at] | written[at + 1] << 8]
        number = self._intern(before, None, (), idle=False)
        return (at, number & 0xFF), (at + 1, number >> 8), (self.crash_at, self._crash_number(text))

    def _watched(self, leaves: list[Leaf], state: bytes, actor: int) -> list[Leaf]:
        """These steps as the model's monitor sees them."""
        monitor = self.model.monitor
        if monitor is None or not any(leaf.events for leaf in leaves):
            return leaves
        number = monitor.of(state)
        return [self.moved(leaf, number, actor) if leaf.events else leaf for leaf in leaves]

    def evaluate(self, tree: Tree, function: Callable[[], object], state: bytes) -> object:
        """The value of an observation or invariant in a state."""
        while True:
            try:
                return tree.find(state)[0].result
            except Miss:
                self.recordings += 1
                self.step.begin(state)
                result = function()
                if self.step.writes or self.step.moves:
                    raise ModelError(f"{function} observes and must not write") from None
                tree.insert(self.step.reads, Leaf(result=result))

    def verify(self, state: bytes) -> None:
        """Run every step possible in a state in Python; raises ModelError where a recorded one differs."""
        if state[self.crash_at]:
            return
        for actor, description in enumerate(self.model.actors):
            walked, fresh = (
                [leaf.apply(state) for leaf in leaves if leaf.blocked is None]
                for leaves in (self.leaves(state, actor), self._afresh(state, actor))
            )
            if walked != fresh:
                raise ModelError(f"a recorded step of {description.name} differs from the model")

    def told(self, state: bytes, actor: int) -> list[Leaf]:
        """The leaves of a state, run once more for who wrote what and why: few steps are ever looked at."""
        self.step.telling = True
        try:
            return self._afresh(state, actor)
        finally:
            self.step.telling = False

    def _afresh(self, state: bytes, actor: int) -> list[Leaf]:
        """The leaves of a state from a tree of its own; that adds nothing to what is recorded."""
        frame, tree, known = self.frame(state, actor), Tree(), self.recordings
        while not frame.finished:
            try:
                return self._watched(tree.find(state), state, actor)
            except Miss as miss:
                self._record(tree, frame, state, miss.choices)
                self.recordings = known
        return []

    def _rests(self, state: bytes, actor: int) -> bool:
        frame = self.frame(state, actor)
        if frame.finished or not frame.idle:
            return frame.finished
        begun = frame.before is not None
        return begun or all(leaf.blocked is not None for leaf in self.leaves(state, actor))

    def _settle(self, actor: int) -> None:
        """Let a background actor stand at its first yield from the beginning."""
        generator = self.model.actors[actor].start()
        self.step.begin(self.model.initial)
        if next(generator) != IDLE or self.step.seen or self.step.writes or self.step.moves:
            raise ModelError(f"{self.model.actors[actor].name} must do nothing before its first `yield IDLE`")
        waiting = stack(generator, self.live_only)
        self._frame_ids[actor][waiting] = 0
        self.frames[actor][0] = self.frames[actor][0].next((), waiting, idle=True)

    # -- recording --------------------------------------------------------------------------------

    def _record(self, tree: Tree, frame: Frame, state: bytes, choices: tuple[int, ...]) -> None:
        self.recordings += 1
        step = self.step
        generator: Code | None = self._stand(frame)
        step.begin(state, choices)
        idle, crash = False, 0
        try:
            idle = next(generator) == IDLE  # type: ignore[arg-type]
        except StopIteration:
            generator = None
        except Blocked as reason:
            tree.insert(step.reads, Leaf(blocked=str(reason) or "a lock"))
            return
        except Crash as reason:
            crash, generator = self._crash_number(str(reason)), None
        seen = tuple(step.seen)
        writes = {cell: value for cell, value in step.writes.items() if step.known.get(cell) != value}
        number = self._intern(frame, generator, seen, idle)
        at = self.frame_at[frame.actor]
        writes |= {at: number & 0xFF, at + 1: number >> 8}
        if crash:
            writes[self.crash_at] = crash
        moves, events, notes = tuple(step.moves.items()), tuple(step.events), tuple(step.notes)
        leaf = Leaf(tuple(writes.items()), moves, events=events, notes=notes, places=step.places)
        tree.insert(step.reads, leaf)

    def _stand(self, frame: Frame) -> Code:
        """A generator that goes on from a frame: one ready there, or replayed from a frame before."""
        ahead: list[Frame] = []
        while (generator := self._ready(frame)) is None:
            ahead.append(frame)
            frame = cast("Frame", frame.before)
        for following in reversed(ahead):
            self.step.begin(b"", replay=following.seen)
            next(generator)
        return generator

    def _ready(self, frame: Frame) -> Code | None:
        """A generator that goes on from a frame, if one can be had without replay."""
        actor = self.model.actors[frame.actor]
        if frame.before is None:
            return actor.start()
        if spare := self._spare.get(frame):
            return spare.pop()
        if actor.resume is not None and len(frame.where) == 1 and self.live_only:
            return actor.resume(**dict(frame.held))
        return None

    def add_frame(self, frame: Frame) -> None:
        """Give a frame the next number of its actor, and a tree."""
        frames = self.frames[frame.actor]
        frames.append(frame)
        self.trees[frame.actor].append(self.new_tree(frame.actor, len(frames) - 1))

    def _crash_number(self, text: str) -> int:
        if text not in self.crashes:
            self.crashes.append(text)
        return self.crashes.index(text)

    def _intern(self, before: Frame, generator: Code | None, seen: tuple[int, ...], idle: bool) -> int:
        """The number of the frame in which a generator stands; two that agree have the same future."""
        waiting = stack(generator, self.live_only)
        known, frames = self._frame_ids[before.actor], self.frames[before.actor]
        number = known.get(waiting)
        if number is None:
            if len(frames) >= 1 << (8 * FRAME_BYTES):
                raise ModelError(f"{self.model.actors[before.actor].name} has too many frames")
            number = known[waiting] = len(frames)
            self.add_frame(before.next(seen, waiting, idle))
        spare = self._spare.setdefault(frames[number], [])
        if generator is not None and len(spare) < SPARES:
            spare.append(generator)
        return number
