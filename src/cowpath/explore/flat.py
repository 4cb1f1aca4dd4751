# SPDX-License-Identifier: MIT
"""Recorded trees as flat arrays, for compiled code to walk (needs NumPy).

An *entry* says where a walk goes on: 0 nothing is recorded there, > 0 a node, < 0 a leaf.  A node is one
word, `first kid << 32 | mask << 16 | shift << 8 | word`: the entry of value v is `kids[first kid + v]`.  A
leaf is one word, `first op << 32 | kind << 24 | parts << 16 | moves << 8 | stores`, and its ops: a store is
three words (word, bits to keep, bits to set), a move one (source word and shift, target word and shift,
mask).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.packing import Packing
from cowpath.explore.recorder import Branch, Leaf, Recorder, Tree
from cowpath.explore.reduce import Renaming

Words = NDArray[np.uint64]
Entries = NDArray[np.int32]

STEP, CHOICE, NOTHING, BROKEN = 0, 1, 2, 3
"""Kinds of leaves: a step; options to take in turn (`stores` of them, at `first op` in kids); no step is
possible, or an invariant holds; an invariant is broken."""

NOTHING_LEAF, BROKEN_LEAF = 1, 2

MOVING, RESTING, WAITING = 0, 1, 2
"""What a frame means for the end of a run: it must go on; it may end; it may end if nothing lets this actor
begin (see `Recorder.at_rest`)."""


class Arrays(NamedTuple):
    """What compiled code gets."""

    nodes: Words
    kids: Entries
    leaves: Words
    ops: Words
    roots: Entries  # of the frames of all actors, actor by actor
    resting: NDArray[np.uint8]  # of the same frames: MOVING, RESTING or WAITING
    root_at: NDArray[np.int64]  # per actor
    frame_places: NDArray[np.int64]  # per actor and for the crash number: word, shift, mask
    part_first: NDArray[np.int64]
    judges: Entries  # entry of each invariant
    watch_at: NDArray[np.int64]  # per leaf: where its list in `watchers` starts (one more at the end)
    watchers: Entries  # invariants that a step may change
    observer: Entries  # [entry of the observation, entry of the crash numbers]


class Growing:
    """An array that grows at its end."""

    def __init__(self, dtype: Any, content: Sequence[int] = ()) -> None:
        self.array = np.zeros(1024, dtype)
        self.size = 0
        self.extend(content)

    def extend(self, content: Sequence[int]) -> int:
        """Append; returns where the content starts."""
        start = self.reserve(len(content))
        if content:
            self.array[start : self.size] = np.array(content, self.array.dtype)
        return start

    def reserve(self, count: int) -> int:
        """Append zeros; returns where they start."""
        start = self.size
        self.size += count
        if self.size > len(self.array):
            larger = np.zeros(max(self.size, 2 * len(self.array)), self.array.dtype)
            larger[:start] = self.array[:start]
            self.array = larger
        return start


class Forest:
    """The flat mirror of a recorder's trees under one packing.

    Raises OverflowError where there are more frames than the packing has room for.
    """

    def __init__(self, recorder: Recorder, packing: Packing) -> None:
        self.recorder, self.packing = recorder, packing
        self.nodes = Growing(np.uint64, [0])
        self.kids = Growing(np.int32)
        self.leaves = Growing(np.uint64, [0, NOTHING << 24, BROKEN << 24])
        self.ops = Growing(np.uint64)
        self.mirrored: dict[int, tuple[int, Branch | Leaf]] = {}  # id(node) -> entry; keeps the node alive
        self.steps: dict[int, Leaf] = {}  # leaf number -> the leaf it mirrors
        self.moved: dict[int, int] = {}  # leaf number -> parts it changes
        self.room = 1 << max(packing.room)
        self.roots = np.zeros(len(recorder.frames) * self.room, np.int32)
        self.resting = np.zeros(len(self.roots), np.uint8)
        self.renaming = Renaming(recorder.model, recorder, packing, self.room)
        self.known_frames = [0] * len(recorder.frames)
        self.judges: Entries = np.zeros(0, np.int32)
        self.observer: Entries = np.zeros(2, np.int32)
        self.reads_known: list[int] | None = None
        self.readers: dict[int, set[int]] = {}
        self.watch_at, self.watchers = Growing(np.int64, [0]), Growing(np.int32)
        self.add_frames()

    def arrays(self) -> Arrays:
        """The arrays as they are now."""
        crash = [self.packing.places[self.packing.crash]]
        places = self.packing.places[self.packing.first_frame : self.packing.crash] + crash
        return Arrays(
            self.nodes.array,
            self.kids.array,
            self.leaves.array,
            self.ops.array,
            self.roots,
            self.resting,
            np.arange(len(self.recorder.frames), dtype=np.int64) * self.room,
            np.array([(place.word, place.shift, place.mask) for place in places], np.int64),
            np.array(self.packing.part_first, np.int64),
            self.judges,
            self.watch_at.array,
            self.watchers.array,
            self.observer,
        )

    # -- frames ------------------------------------------------------------------------------------

    def add_frames(self) -> None:
        """Take over the frames that the recorder has found since."""
        for actor, frames in enumerate(self.recorder.frames):
            for number in range(self.known_frames[actor], len(frames)):
                if number >= 1 << self.packing.room[actor]:
                    raise OverflowError(self.packing.first_frame + actor)
                frame = frames[number]
                at = actor * self.room + number
                self.resting[at] = self.rests(actor, number)
                if frame.finished:
                    self.roots[at] = -NOTHING_LEAF
                self.renaming.add_frame(actor, number)
            self.known_frames[actor] = len(frames)

    def rests(self, actor: int, number: int) -> int:
        """Whether a run may end while the actor stands in this frame."""
        frame = self.recorder.frames[actor][number]
        if not (frame.finished or frame.idle):
            return MOVING
        begun = number > 0 or self.recorder.model.actors[actor].background
        return RESTING if begun else WAITING

    def mirror_step(self, actor: int, number: int, state: bytes) -> None:
        """Mirror what is recorded for one step from this frame in this state."""
        tree = self.recorder.trees[actor][number]
        self.add_frames()
        self.roots[actor * self.room + number] = self.mirror(tree.root, state, self.step_leaf)

    def mirror_frame(self, actor: int, number: int) -> None:
        """Mirror everything recorded for one frame."""
        tree = self.recorder.trees[actor][number]
        if tree.root is not None:
            self.roots[actor * self.room + number] = self.mirror(tree.root, None, self.step_leaf)

    # -- nodes -------------------------------------------------------------------------------------

    def mirror(
        self,
        node: Branch | Leaf | None,
        state: bytes | None,
        leaf: Callable[[Leaf], int],
        seen: tuple[int, ...] = (),
    ) -> int:
        """The entry of a node.  Below it the path of `state` is mirrored; without one, everything.

        A recording reads a cell as often as the model does; only the first time is worth a node.
        """
        assert node is not None
        while isinstance(node, Branch) and node.cell in seen:
            (node,) = node.next.values()
        known = self.mirrored.get(id(node))
        if isinstance(node, Leaf):
            if known is None:
                known = self.mirrored[id(node)] = (leaf(node), node)
            return known[0]
        if known is None:
            known = self.mirrored[id(node)] = (self.new_node(node), node)
        entry = known[0]
        first = self.first_kid(entry)
        below = seen if node.cell < 0 else (*seen, node.cell)
        for value, following in list(node.next.items()):
            if state is None or node.cell < 0 or value == state[node.cell]:
                kid = self.mirror(following, state, leaf, below)
                self.kids.array[first + value] = kid
        return entry

    def new_node(self, node: Branch) -> int:
        if node.cell < 0:
            first = self.kids.reserve(-node.cell)
            return -self.leaves.extend([first << 32 | CHOICE << 24 | -node.cell])
        place = self.packing.places[node.cell]
        first = self.kids.reserve(self.packing.sizes[node.cell])
        return self.nodes.extend([first << 32 | place.mask << 16 | place.shift << 8 | place.word])

    def first_kid(self, entry: int) -> int:
        node = self.nodes.array[entry] if entry > 0 else self.leaves.array[-entry]
        return int(node) >> 32

    # -- leaves ------------------------------------------------------------------------------------

    def step_leaf(self, leaf: Leaf) -> int:
        """A leaf that changes the state; one shared leaf stands for all that are blocked."""
        if leaf.blocked is not None:
            return -NOTHING_LEAF
        places = self.packing.places
        keep: dict[int, int] = {}
        bits: dict[int, int] = {}
        for field, value in self.packing.writes(leaf).items():
            place = places[field]
            keep[place.word] = keep.get(place.word, 0) | place.mask << place.shift
            bits[place.word] = bits.get(place.word, 0) | value << place.shift
        ops = [part for word in sorted(keep) for part in (word, (1 << 64) - 1 ^ keep[word], bits[word])]
        touched = set(keep)
        for target, source in leaf.moves:
            to, of = places[target], places[source]
            ops.append(to.mask << 32 | to.shift << 24 | to.word << 16 | of.shift << 8 | of.word)
            touched.add(to.word)
        parts = sum(1 << part for part in self.parts_of(touched))
        head = parts << 16 | len(leaf.moves) << 8 | len(keep)
        number = self.leaves.extend([self.ops.extend(ops) << 32 | head])
        self.steps[number] = leaf
        return -number

    def parts_of(self, words: set[int]) -> list[int]:
        first = self.packing.part_first
        return [
            part
            for part in range(len(first) - 1)
            if any(first[part] <= word < first[part + 1] for word in words)
        ]

    # -- invariants and observations ---------------------------------------------------------------

    def mirror_judge(self, index: int, tree: Tree, state: bytes) -> None:
        """Mirror the verdict of an invariant on a state."""
        if index >= len(self.judges):
            self.judges = np.concatenate([self.judges, np.zeros(index + 1 - len(self.judges), np.int32)])
        self.judges[index] = self.mirror(tree.root, state, _verdict)

    def mirror_outcome(self, tree: Tree, state: bytes, contents: Sequence[int]) -> None:
        """Note that a state's outcome is known: its path in the tree, then the content cells observed."""
        self.observer[0] = self.mirror(
            tree.root, state, lambda leaf: self.content_path(contents, len(contents) > 0)
        )
        leaf = tree.find(state)[0]
        entry = self.mirrored[id(leaf)][0]
        for position, cell in enumerate(contents):
            at = self.first_kid(entry) + state[cell]
            if not self.kids.array[at]:
                last = position + 1 == len(contents)
                self.kids.array[at] = self.content_path(contents[position + 1 :], not last)
            entry = int(self.kids.array[at])

    def content_path(self, contents: Sequence[int], more: bool) -> int:
        """A node for the first of these cells, or the end."""
        return self.new_node(Branch(contents[0])) if more else -NOTHING_LEAF

    def mirror_crash(self, number: int) -> None:
        """Note that a crash is known."""
        if not self.observer[1]:
            self.observer[1] = self.new_node(Branch(self.packing.crash))
        self.kids.array[self.first_kid(int(self.observer[1])) + number] = -NOTHING_LEAF

    def rewatch(self, trees: Sequence[Tree]) -> None:
        """List for every leaf the invariants that read a cell it writes (see search.py, `watchers`).

        New leaves are added; when an invariant turns out to read more cells, all lists are made anew.
        """
        reads = [len(tree.reads) for tree in trees]
        if reads != self.reads_known:
            self.reads_known = reads
            self.readers = {}
            for index, tree in enumerate(trees):
                for cell in tree.reads:
                    self.readers.setdefault(cell, set()).add(index)
            self.watch_at, self.watchers = Growing(np.int64, [0]), Growing(np.int32)
        for number in range(self.watch_at.size - 1, self.leaves.size):
            leaf = self.steps.get(number)
            if leaf is not None:
                written = [cell for cell, _ in leaf.writes] + [target for target, _ in leaf.moves]
                sets = [self.readers[cell] for cell in written if cell in self.readers]
                self.watchers.extend(sorted(set().union(*sets)))
            self.watch_at.extend([self.watchers.size])


def _verdict(leaf: Leaf) -> int:
    return -NOTHING_LEAF if leaf.result is None else -BROKEN_LEAF
