# SPDX-License-Identifier: MIT
"""Evaluate single states: the outcome that a state shows, and the invariants that it breaks.

Observations and invariants are recorded like steps: each has a tree of its own, and a run of it in Python
stands for all states that agree on the cells it read.
"""

from __future__ import annotations

from collections.abc import Iterable

from cowpath.explore.found import Breach, Observed
from cowpath.explore.record.recorder import Leaf, Model, Recorder, Tree
from cowpath.explore.record.step import Content


class Observation:
    """The observation of a model, with what is recorded of it."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self.tree = recorder, Tree()

    def of(self, state: bytes) -> Observed:
        """The observed values in a state, as text."""
        model = self.recorder.model
        return observed(model, self.recorder.evaluate(self.tree, model.observe, state), state)


class Invariants:
    """The invariants of a model, with what is recorded of them."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.all = [(name, function, Tree()) for name, function in recorder.model.invariants]
        self.growth = 0  # how often an invariant has turned out to read more cells

    def broken(self, state: bytes, number: int, indices: Iterable[int] | None = None) -> list[Breach]:
        """The invariants that do not hold in a state: all are evaluated, or those with these indices."""
        found = []
        for index in range(len(self.all)) if indices is None else indices:
            name, function, tree = self.all[index]
            reads = len(tree.reads)
            text = self.recorder.evaluate(tree, function, state)
            self.growth += len(tree.reads) != reads
            if text is not None:
                found.append(Breach(name, str(text), number))
        return found

    def touched_by(self, leaf: Leaf) -> tuple[int, ...]:
        """The indices of the invariants that read a cell which this step writes.

        The others keep their value: an invariant is a function of the cells on its path through its tree, and
        none of those changed.  Trees grow, so the answer is kept at the leaf only until one reads more.
        """
        known, touched = leaf.watchers
        if known != self.growth:
            written = {cell for cell, _ in leaf.writes} | {target for target, _ in leaf.moves}
            touched = tuple(
                index for index, (_, _, tree) in enumerate(self.all) if not written.isdisjoint(tree.reads)
            )
            leaf.watchers = (self.growth, touched)
        return touched


def observed(model: Model, result: object, state: bytes) -> Observed:
    """The recorded result of an observation, as text, in a state."""
    assert isinstance(result, tuple)
    values = model.layout.values
    return tuple(
        values[part.code if part.cell is None else state[part.cell]]
        if isinstance(part, Content)
        else str(part)
        for part in result
    )
