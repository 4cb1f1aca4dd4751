# SPDX-License-Identifier: MIT
"""The reference search: breadth first, exact, short enough to be believed.

Every faster engine and every reduction is proved against it.  It keeps all states and all transitions, so
that shortest paths, dead ends and loops can be read off afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from cowpath.explore.found import Exploration, Observed, Outcome, Progress, Violation
from cowpath.explore.record.recorder import Leaf, Model, Recorder, Tree
from cowpath.explore.record.step import Content, ModelError, RangeError
from cowpath.explore.stuck import find_hang

PROGRESS_EVERY = 4096
"""States between two calls of the progress function."""


def explore(
    model: Model,
    max_states: int | None = None,
    progress: Progress | None = None,
    verify_every: int = 0,
    live_only: bool = True,
) -> Exploration:
    """Every reachable state of a model, every outcome, every broken invariant.

    `max_states`, a count beyond its range or want of memory end the search early: `finished` is False then,
    and `reason` says why.  `progress` is called now and then.  `verify_every` n > 0 re-runs the recorded
    steps of every n-th state in Python and compares; it raises ModelError where they differ.  `live_only` is
    explained at `Recorder`.
    """
    search = BreadthFirst(Recorder(model, live_only))
    search.run(max_states, progress, verify_every)
    return search.result()


class BreadthFirst:
    """A search under way.  It takes every step that is possible; one that takes fewer overrides `actors`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.model = recorder.model
        self.outcome_tree = Tree()
        self.invariants = [(name, function, Tree()) for name, function in self.model.invariants]
        self.reads_known = 0  # grows whenever an invariant turns out to read more cells
        self.remark = ""  # for the progress function
        self.begin()

    def begin(self) -> None:
        """Forget all states, but nothing that is recorded."""
        self.found = Exploration(self.model, self.recorder, [self.recorder.initial])
        self.numbers = {self.recorder.initial: 0}
        self.judge(0, range(len(self.invariants)))

    def run(self, max_states: int | None, progress: Progress | None, verify_every: int) -> None:
        """Search; what ends it early is the `reason` of what was found, see `explore`."""
        found = self.found
        try:
            self.expand_all(max_states, progress, verify_every)
        except RangeError as error:
            found.reason = str(error)
        except MemoryError:
            found.reason = f"the machine has no more memory after {len(found.states):,} states"

    def result(self) -> Exploration:
        """What was found, and where it hangs."""
        if self.found.finished:
            self.found.hang = find_hang(self.found)
        return self.found

    def expand_all(self, max_states: int | None, progress: Progress | None, verify_every: int) -> None:
        """Expand every state in the order in which they are found."""
        found = self.found
        current = 0
        while current < len(found.states):
            if max_states is not None and len(found.states) > max_states:
                found.reason = f"it stopped after {max_states:,} states"
                return
            if progress is not None and current % PROGRESS_EVERY == 0:
                progress(len(found.states), len(found.states) - current, self.remark)
            if verify_every and current % verify_every == 0:
                verify(self.recorder, found.states[current])
            self.expand(current)
            current += 1
        found.finished = True

    def expand(self, number: int) -> None:
        """Take the steps of one state."""
        found, recorder = self.found, self.recorder
        state = found.states[number]
        found.first_edge.append(len(found.targets))
        if state[recorder.crash_at]:
            found.ends.append(number)
            found.outcomes.setdefault(Outcome((), recorder.crash(state)), number)
            return
        if recorder.at_rest(state):
            found.ends.append(number)
            found.outcomes.setdefault(Outcome(self.observe(state)), number)
        for actor in self.actors(number, state):
            for leaf in recorder.leaves(state, actor):
                if leaf.blocked is None:
                    found.movers.append(actor)
                    found.targets.append(self.number(leaf.apply(state), leaf))

    def actors(self, number: int, state: bytes) -> Iterable[int]:
        """Whose steps are taken in a state: everybody's."""
        return range(len(self.model.actors))

    def number(self, state: bytes, leaf: Leaf) -> int:
        """The number of a state; a new one is judged by the invariants that the step can have touched."""
        number = self.numbers.get(state)
        if number is None:
            number = self.numbers[state] = len(self.found.states)
            self.found.states.append(state)
            self.judge(number, self.watchers(leaf))
        return number

    def observe(self, state: bytes) -> Observed:
        result = self.recorder.evaluate(self.outcome_tree, self.model.observe, state)
        return observed(self.model, result, state)

    def watchers(self, leaf: Leaf) -> tuple[int, ...]:
        """The invariants that read a cell this step writes.

        The others keep their value: an invariant is a function of the cells on its path through its tree, and
        none of those changed.  Trees grow, so the answer is kept only as long as no tree reads more.
        """
        known, watching = leaf.watchers
        if known != self.reads_known:
            written = {cell for cell, _ in leaf.writes} | {target for target, _ in leaf.moves}
            watching = tuple(
                index
                for index, (_, _, tree) in enumerate(self.invariants)
                if not written.isdisjoint(tree.reads)
            )
            leaf.watchers = (self.reads_known, watching)
        return watching

    def judge(self, number: int, watching: range | tuple[int, ...]) -> None:
        state = self.found.states[number]
        for index in watching:
            name, function, tree = self.invariants[index]
            reads = len(tree.reads)
            broken = self.recorder.evaluate(tree, function, state)
            if len(tree.reads) != reads:
                self.reads_known += 1
            if broken is not None and name not in self.found.violations:
                self.found.violations[name] = Violation(name, str(broken), number)


def observed(model: Model, result: object, state: bytes) -> Observed:
    """What an observation's recorded result means in a state, as text."""
    assert isinstance(result, tuple)
    values = model.layout.values
    return tuple(
        values[part.code if part.cell is None else state[part.cell]]
        if isinstance(part, Content)
        else str(part)
        for part in result
    )


def verify(recorder: Recorder, state: bytes) -> None:
    """Re-run every step possible in a state in Python; raises ModelError where a recorded one differs."""
    if state[recorder.crash_at]:
        return
    for actor, description in enumerate(recorder.model.actors):
        walked = [leaf.apply(state) for leaf in recorder.leaves(state, actor) if leaf.blocked is None]
        if not recorder.frame(state, actor).finished and walked != recorder.rerun(state, actor):
            raise ModelError(f"a recorded step of {description.name} differs from the model")
