# SPDX-License-Identifier: MIT
"""Partial-order reduction: where steps cannot disturb each other, one order of them is enough.

In most states every actor may go first.  In some, one actor A may go first *for all of them*: only its steps
are taken there, the others take theirs later (an ample set of one actor).  That needs four things:

- *It must move.*  A can take a step and is neither idle nor finished: no run ends, and none is a deadlock,
  before A has moved.  None of its steps crashes, which would be the end for the others, too.
- *It disturbs nobody.*  No other actor's future, from the frame where that one stands, writes a cell that A's
  steps look at or move, or touches one that they write.  So what A does next stays possible and the same
  while others move, and they do the same before and after it: the two orders end in one state.
- *Nobody looks.*  A's steps write no cell that an invariant reads.
- *It ends.*  One of A's steps leads to a state that is not expanded yet, so it has a higher number.  A state
  on a circle cannot put the others off for ever.

Why every answer stays: take any run of the model from a state where A goes first.  If A moves in it, its
first move may come before those of the others: same end, and one step less to go.  If it does not, let it
move first and the others after it.  The run does not end at rest (A must move) nor in a deadlock (A still
can); a crash at its end comes all the same; an invariant that is broken there is broken beside A's step, too;
and if no end can be reached from there, none can after A's step.  The number of the first state grows each
time, so at last there is one where others move.  Nor does a hang appear that is none: from any state of the
reduced search, it finds every end that the model can reach.

*Why it is sound though recordings are incomplete.*  Futures come from recorded steps: all that is recorded of
any frame that recorded steps lead to.  A reduced search records less than a full one, so a future may lack
what nobody has tried.  Therefore the search is repeated, with what the last one has recorded, until one of
them ends with the futures, and the cells that invariants read, that it began with.  Then every attempt of
every actor X at the end of any run, from any state found, is recorded, by induction over the length of the
run and, for equal lengths, from the highest number of its first state down:

- Where all go first, the first step of the run leads to a shorter one.  So it does, by the argument above,
  where A goes first and moves in the run: the others' steps before that are attempts after shorter runs, so
  they are recorded and were looked at when A was chosen.
- Where A goes first and does not move in the run, its step leads to a state of higher number.  The same run
  is possible there: its steps are attempts after shorter runs, too.  After it the attempt of X is recorded,
  so the future of X has all that it reads, and A has written none of it.  Without A's step, X therefore
  reads the same: the cell that it always reads first, so it takes the same branch, reads the same second
  cell, and so on down to the same leaf.  (Where X is A itself, it reads what it read in the first state.)

The same holds for what an invariant reads.  An attempt that would end the full search, for a count beyond its
range or for want of records, ends this one by the same argument.

Paths are paths of the model, but a step that could have come later may be on them: they need not be shortest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

from cowpath.explore.found import Exploration, Progress
from cowpath.explore.record.recorder import Branch, Leaf, Model, Recorder, Tree
from cowpath.explore.search import BreadthFirst


@dataclass(frozen=True, slots=True)
class Footprint:
    """The cells that some steps read, or move content from, and those that they write; one bit for each."""

    reads: int = 0
    writes: int = 0

    def __or__(self, other: Footprint) -> Footprint:
        return Footprint(self.reads | other.reads, self.writes | other.writes)

    def disturbs(self, other: Footprint) -> bool:
        """True where the order of the two may matter.

        >>> Footprint(reads=0b01).disturbs(Footprint(reads=0b01))
        False
        >>> Footprint(writes=0b10).disturbs(Footprint(reads=0b10))
        True
        """
        return bool(self.writes & (other.reads | other.writes) or self.reads & other.writes)


NOTHING = Footprint()

Futures = list[dict[int, Footprint]]
"""For each actor and each of its frames: all that it may do from there on."""


def explore(
    model: Model,
    max_states: int | None = None,
    progress: Progress | None = None,
    verify_every: int = 0,
    live_only: bool = True,
) -> Exploration:
    """As `search.explore`: the same outcomes and invariants, and a hang where there is one, in fewer states.

    Which hang is shown, and how an invariant words what is broken, may differ.
    """
    search = PartialOrder(Recorder(model, live_only))
    search.run(max_states, progress, verify_every)
    while search.found.finished and search.learns():
        search.begin()
        search.run(max_states, progress, verify_every)
    return search.result()


class PartialOrder(BreadthFirst):
    """Searches one after the other, each with the futures that are known when it begins."""

    def __init__(self, recorder: Recorder) -> None:
        self.futures: Futures = [{} for _ in recorder.model.actors]
        self.visible = 0  # cells that invariants read
        self.footprints: dict[Leaf, Footprint] = {}
        self.searches = 0
        super().__init__(recorder)

    def begin(self) -> None:
        """Forget all states, but nothing that is recorded."""
        super().begin()
        self.searches += 1
        self.remark = f"partial order, search {self.searches}"
        self.found.engine = f"reference search, partial order, searched {self.searches} times"
        self.found.shortest = False

    def learns(self) -> bool:
        """Look at what is recorded.  True where that is more than this search knew when it began."""
        known = self.futures, self.visible
        self.futures = [futures(self.recorder, actor) for actor in range(len(self.model.actors))]
        self.visible = _bits(cell for _, _, tree in self.invariants.all for cell in tree.reads)
        return known != (self.futures, self.visible)

    def actors(self, number: int, state: bytes) -> Iterable[int]:
        """An actor that may go first for all, if there is one; else everybody."""
        everybody = super().actors(number, state)
        return next(((actor,) for actor in everybody if self.is_ample(number, state, actor)), everybody)

    def is_ample(self, number: int, state: bytes, actor: int) -> bool:
        """True where an actor may go first for all."""
        if self.recorder.frame(state, actor).idle:
            return False
        leaves = self.recorder.leaves(state, actor)
        steps = [leaf for leaf in leaves if leaf.blocked is None]
        if not steps or any(leaf.events or self.recorder.ends_run(leaf) for leaf in steps):
            return False  # what is told has an order
        here = self.footprint(state, actor, leaves)
        return (
            not here.writes & self.visible
            and not any(here.disturbs(future) for future in self.others(state, actor))
            and any(self.numbers.get(leaf.apply(state), number + 1) > number for leaf in steps)
        )

    def footprint(self, state: bytes, actor: int, leaves: list[Leaf]) -> Footprint:
        """The cells that an actor reads and writes in a state, whatever it chooses."""
        if any(leaf not in self.footprints for leaf in leaves):
            tree = self.recorder.trees[actor][self.recorder.frame_number(state, actor)]
            self.footprints.update(footprints(self.recorder, tree))
        return reduce(or_, (self.footprints[leaf] for leaf in leaves), NOTHING)

    def others(self, state: bytes, actor: int) -> Iterator[Footprint]:
        """The futures of the other actors from where they stand."""
        for other, known in enumerate(self.futures):
            if other != actor:
                yield known.get(self.recorder.frame_number(state, other), NOTHING)


# -- what actors may do ----------------------------------------------------------------------------


def futures(recorder: Recorder, actor: int) -> dict[int, Footprint]:
    """The cells that an actor may read and write from each of its frames on, as far as it is recorded.

    Swept from the last frame to the first, as most steps lead to a frame that was found later.
    """
    found: dict[int, Footprint] = {}
    after: list[set[int]] = []
    for number, tree in enumerate(recorder.trees[actor]):
        leaves = dict(footprints(recorder, tree))
        found[number] = reduce(or_, leaves.values(), NOTHING)
        after.append({_frame_after(recorder, actor, leaf) for leaf in leaves if leaf.blocked is None})
    changed = True
    while changed:
        changed = False
        for number in reversed(range(len(after))):
            grown = reduce(or_, (found[following] for following in after[number]), found[number])
            changed |= grown != found[number]
            found[number] = grown
    return found


def footprints(recorder: Recorder, tree: Tree) -> Iterator[tuple[Leaf, Footprint]]:
    """Each recorded run of a step with what it reads and writes."""
    cells = len(recorder.model.layout.cells)
    todo = [] if tree.root is None else [(tree.root, 0)]
    while todo:
        node, reads = todo.pop()
        if isinstance(node, Branch):
            more = reads | 1 << node.cell if node.cell >= 0 else reads
            todo += [(following, more) for following in node.next.values()]
        else:
            sources, targets = (_bits(move[side] for move in node.moves) for side in (1, 0))
            written = _bits(cell for cell, _ in node.writes if cell < cells)  # the rest is the actor's own
            yield node, Footprint(reads | sources, written | targets)


def _frame_after(recorder: Recorder, actor: int, leaf: Leaf) -> int:
    written, at = dict(leaf.writes), recorder.frame_at[actor]
    return written[at] | written[at + 1] << 8


def _bits(cells: Iterable[int]) -> int:
    return reduce(or_, (1 << cell for cell in cells), 0)
