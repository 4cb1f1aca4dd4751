# SPDX-License-Identifier: MIT
"""Recorded trees as flat arrays, for compiled code to walk (needs NumPy).

An *entry* says where a walk goes on: 0 nothing is recorded there, > 0 a node, < 0 a leaf.  A node is one
word, `first kid << 32 | mask << 16 | shift << 8 | word`: the entry of value v is `kids[first kid + v]`.  A
leaf is one word, `first op << 32 | kind << 24 | parts`, and its ops.  For each part that it changes there is
one word, `foreign << 24 | moves << 16 | stores << 8 | part`, then those: a store is three words (word, bits
to keep, bits to set), a move one (mask, target shift and word, source shift and word).  Some of the moves
are foreign if they read other parts.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cowpath.explore.native.packing import Packing
from cowpath.explore.native.renumbering import Renaming
from cowpath.explore.record.recorder import Branch, Leaf, Recorder, Tree

Words = NDArray[np.uint64]
Entries = NDArray[np.int32]

STEP, CHOICE, NOTHING, BROKEN = 0, 1, 2, 3
"""Kinds of leaves: a step; options to take in turn (`parts` of them, at `first op` in kids); no step is
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
    frame_places: Words  # per actor and for the crash number: a packed place (see packing.py)
    judges: Entries  # entry of each invariant
    watch: Words  # per leaf: a bit for each invariant that the step may change, bit 63 for all beyond
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
        self.leaves = Growing(np.uint64)
        self.written = Growing(np.uint64)  # per leaf: the cells it writes, a bit for each in some words
        self.cell_words = packing.first_frame // 64 + 1
        self.part_of_word = [
            bisect.bisect_right(packing.part_first, word) - 1 for word in range(packing.words)
        ]
        for head in (0, NOTHING << 24, BROKEN << 24):
            self.new_leaf(head)
        self.ops = Growing(np.uint64, [0])
        self.mirrored: dict[int, tuple[int, Branch | Leaf]] = {}  # id(node) -> entry; keeps the node alive
        self.room = 1 << max(packing.room)
        self.roots = np.zeros(len(recorder.frames) * self.room, np.int32)
        self.resting = np.zeros(len(self.roots), np.uint8)
        self.renaming = Renaming(recorder.model, recorder, packing, self.room)
        self.known_frames = [0] * len(recorder.frames)
        self.judges: Entries = np.zeros(0, np.int32)
        self.observer: Entries = np.zeros(2, np.int32)
        self.read: list[int] = []  # per invariant: how many cells it reads
        self.reads: Words = np.zeros((0, self.cell_words), np.uint64)  # and which, a bit for each
        self.watch: Words = np.zeros(0, np.uint64)
        self.watched = 0
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
            np.array([place.packed for place in places], np.uint64),
            self.judges,
            self.watch,
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
        self.roots[actor * self.room + number] = self.mirror_path(tree.root, state, self.step_leaf)

    def mirror_frame(self, actor: int, number: int) -> None:
        """Mirror everything recorded for one frame."""
        tree = self.recorder.trees[actor][number]
        if tree.root is not None:
            self.roots[actor * self.room + number] = self.mirror(tree.root, self.step_leaf)

    # -- nodes -------------------------------------------------------------------------------------

    def mirror(self, node: Branch | Leaf, leaf: Callable[[Leaf], int]) -> int:
        """The entry of a node; everything below it is mirrored."""
        entry = self.entry_of(node, leaf)
        if isinstance(node, Branch):
            first = self.first_kid(entry)
            for value, following in node.next.items():
                self.kids.array[first + value] = self.mirror(following, leaf)
        return entry

    def mirror_path(self, node: Branch | Leaf | None, state: bytes, leaf: Callable[[Leaf], int]) -> int:
        """The entry of a node; below it what a state leads to is mirrored, which was recorded just now."""
        assert node is not None
        entry = top = self.entry_of(node, leaf)
        while isinstance(node, Branch) and node.cell >= 0:
            slot, node = self.first_kid(entry) + state[node.cell], node.next[state[node.cell]]
            entry = self.kids.array[slot] = self.entry_of(node, leaf)
        if isinstance(node, Branch):  # options: what was recorded may be below any
            first = self.first_kid(entry)
            for option, following in node.next.items():
                self.kids.array[first + option] = self.mirror_path(following, state, leaf)
        return top

    def entry_of(self, node: Branch | Leaf, leaf: Callable[[Leaf], int]) -> int:
        """The entry of a node alone, a new one if it has none."""
        known = self.mirrored.get(id(node))
        if known is None:
            entry = leaf(node) if isinstance(node, Leaf) else self.new_node(node)
            known = self.mirrored[id(node)] = (entry, node)
        return known[0]

    def new_node(self, node: Branch) -> int:
        if node.cell < 0:
            first = self.kids.reserve(-node.cell)
            return -self.new_leaf(first << 32 | CHOICE << 24 | -node.cell)
        place = self.packing.places[node.cell]
        first = self.kids.reserve(self.packing.sizes[node.cell])
        return self.nodes.extend([first << 32 | place.packed])

    def first_kid(self, entry: int) -> int:
        node = self.nodes.array[entry] if entry > 0 else self.leaves.array[-entry]
        return int(node) >> 32

    # -- leaves ------------------------------------------------------------------------------------

    def step_leaf(self, leaf: Leaf) -> int:
        """A leaf that changes the state; one shared leaf stands for all that are blocked."""
        if leaf.blocked is not None:
            return -NOTHING_LEAF
        places, groups = self.packing.places, list[int]()
        stores: dict[int, tuple[int, int]] = {}  # word -> bits that go, bits that come
        for field, value in self.packing.writes(leaf).items():
            place = places[field]
            gone, come = stores.get(place.word, (0, 0))
            stores[place.word] = gone | place.mask << place.shift, come | value << place.shift
        moves = [(places[target], places[source]) for target, source in leaf.moves]
        part_of = self.part_of_word
        changed = sorted({part_of[word] for word in (*stores, *(to.word for to, _ in moves))})
        for part in changed:
            here = [word for word in sorted(stores) if part_of[word] == part]
            moved = [(to, of) for to, of in moves if part_of[to.word] == part]
            foreign = any(part_of[of.word] != part for _, of in moved)
            groups.append(foreign << 24 | len(moved) << 16 | len(here) << 8 | part)
            for word in here:
                gone, come = stores[word]
                groups += [word, (1 << 64) - 1 ^ gone, come]
            for to, of in moved:
                groups.append(to.mask << 32 | to.shift << 24 | to.word << 16 | of.shift << 8 | of.word)
        cells = [cell for cell, _ in leaf.writes] + [target for target, _ in leaf.moves]
        return -self.new_leaf(self.ops.extend(groups) << 32 | len(changed), cells)

    def new_leaf(self, head: int, cells: Iterable[int] = ()) -> int:
        """The number of a leaf that writes these cells; bytes beyond, of frames, are no cells."""
        self.written.extend(
            _bits([cell for cell in cells if cell < self.packing.first_frame], self.cell_words)
        )
        return self.leaves.extend([head])

    # -- invariants and observations ---------------------------------------------------------------

    def mirror_judge(self, index: int, tree: Tree, state: bytes) -> None:
        """Mirror the verdict of an invariant on a state."""
        if index >= len(self.judges):
            self.judges = np.concatenate([self.judges, np.zeros(index + 1 - len(self.judges), np.int32)])
        self.judges[index] = self.mirror_path(tree.root, state, _verdict)

    def mirror_outcome(self, tree: Tree, state: bytes, contents: Sequence[int]) -> None:
        """Note that a state's outcome is known: its path in the tree, then the content cells observed."""
        self.observer[0] = self.mirror_path(
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
        """Note for every leaf the invariants that read a cell it writes (see search.py, `watchers`).

        New leaves are added; when an invariant turns out to read more cells, all is made anew.
        """
        read = [len(tree.reads) for tree in trees]
        if read != self.read:
            self.read, self.watched = read, 0
            self.reads = np.array([_bits(tree.reads, self.cell_words) for tree in trees], np.uint64)
        if self.watched == self.leaves.size or not trees:
            return
        if len(self.watch) < len(self.leaves.array):
            larger = np.zeros(len(self.leaves.array), np.uint64)
            larger[: len(self.watch)] = self.watch
            self.watch = larger
        written = self.written.array[: self.written.size].reshape(-1, 1, self.cell_words)[self.watched :]
        touched = (written & self.reads).any(axis=2)
        bits = np.uint64(1) << np.minimum(np.arange(len(trees)), 63).astype(np.uint64)
        self.watch[self.watched : self.leaves.size] = np.bitwise_or.reduce(touched * bits, axis=1)
        self.watched = self.leaves.size


def _bits(cells: Iterable[int], words: int) -> list[int]:
    """A set of cells as some words, a bit for each."""
    found = [0] * words
    for cell in cells:
        found[cell // 64] |= 1 << cell % 64
    return found


def _verdict(leaf: Leaf) -> int:
    return -NOTHING_LEAF if leaf.result is None else -BROKEN_LEAF
