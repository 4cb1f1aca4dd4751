# SPDX-License-Identifier: MIT
"""The reference search: breadth first, exact, short enough to be believed.

Every faster engine and every reduction is proved against it.  It keeps all states and all transitions, so
that shortest paths, dead ends and loops can be read off afterwards.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cowpath.explore.recorder import Leaf, Model, Recorder, Tree
from cowpath.explore.step import Content, ModelError, RangeError

Observed = tuple[str, ...]

Progress = Callable[[int, int, str], None]
"""Told now and then: states found, how many of them are not expanded yet, what else is worth saying."""

Layer = dict[int, list[tuple[int, int]]]
"""States, each with some of its edges: (actor, successor)."""

PROGRESS_EVERY = 4096
"""States between two calls of the progress function."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way a run can end: what was observed, or why the system stopped."""

    observed: Observed
    crash: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, in the first state found (no shorter path leads to one)."""

    name: str
    text: str
    state: int


@dataclass(frozen=True, slots=True)
class Hang:
    """Where a run is caught: no end can be reached, and nothing new either."""

    state: int
    deadlock: bool  # nothing can move; otherwise steps go on for ever and lead nowhere
    waiting: tuple[str, ...]  # one line for each actor that has not finished


class Search(Protocol):
    """What a search found, by whatever engine.  States are numbered breadth first; 0 is the initial one."""

    @property
    def model(self) -> Model:
        """What was explored."""

    @property
    def recorder(self) -> Recorder:
        """Its recorded steps."""

    @property
    def states(self) -> Sequence[bytes]:
        """Every state."""

    @property
    def outcomes(self) -> Mapping[Outcome, int]:
        """Each outcome with the first state that shows it."""

    @property
    def violations(self) -> Mapping[str, Violation]:
        """Each broken invariant with the first state that breaks it."""

    @property
    def hang(self) -> Hang | None:
        """A state from which no end can be reached any more."""

    @property
    def finished(self) -> bool:
        """Whether every state was expanded."""

    @property
    def reason(self) -> str:
        """Why not, where it did not finish."""

    @property
    def transitions(self) -> int:
        """How many steps were taken, each counted once per state it starts in."""

    @property
    def engine(self) -> str:
        """What searched, in a few words."""

    @property
    def shortest(self) -> bool:
        """Whether no path of the model to a state is shorter than those of this search."""

    def edges(self, state: int) -> Iterator[tuple[int, int]]:
        """(actor, successor) for each step possible in a state."""

    def layers(self, target: int) -> list[Layer]:
        """The shortest paths of this search to a state: for each distance from the initial one, the states
        on such a path, with the edges that stay on it.
        """

    def canonical(self, state: bytes) -> bytes:
        """The state that was kept for this one."""


@dataclass
class Exploration:
    """All that a search found.  States are numbered in breadth-first order; 0 is the initial one."""

    model: Model
    recorder: Recorder
    states: list[bytes]
    first_edge: array[int] = field(default_factory=lambda: array("Q"))
    targets: array[int] = field(default_factory=lambda: array("I"))
    movers: array[int] = field(default_factory=lambda: array("B"))
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    violations: dict[str, Violation] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)  # states at rest, and crashes
    hang: Hang | None = None
    finished: bool = False
    reason: str = ""
    engine: str = "reference search"
    shortest: bool = True

    @property
    def transitions(self) -> int:
        """How many steps were taken, each counted once per state it starts in."""
        return len(self.targets)

    def edges(self, state: int) -> Iterator[tuple[int, int]]:
        """(actor, successor) for each step possible in a state; none where the search ended before it."""
        if state >= len(self.first_edge):
            return
        end = self.first_edge[state + 1] if state + 1 < len(self.first_edge) else len(self.targets)
        for edge in range(self.first_edge[state], end):
            yield self.movers[edge], self.targets[edge]

    def layers(self, target: int) -> list[Layer]:
        """The shortest paths to a state, see `Search`.

        A state's number never lies below that of a state nearer to the initial one.
        """
        firsts = [0, 1]  # the first state of each distance, and of the one after
        while firsts[-1] <= target:
            ends = [successor for _, successor in self.edges_of(firsts[-2], firsts[-1])]
            firsts.append(max(ends) + 1)
        found: list[Layer] = []
        wanted = {target}
        for first, last in reversed(list(itertools.pairwise(firsts[:-1]))):
            layer: Layer = {}
            for number in range(first, last):
                kept = [edge for edge in self.edges(number) if edge[1] in wanted]
                if kept:
                    layer[number] = kept
            found.append(layer)
            wanted = set(layer)
        return found[::-1]

    def edges_of(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The edges of the states from `first` to `last` - 1."""
        return itertools.chain.from_iterable(map(self.edges, range(first, last)))

    def canonical(self, state: bytes) -> bytes:
        """Every state is kept as it is."""
        return state


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


def find_hang(found: Exploration) -> Hang | None:
    """The first state in which a run is caught: a deadlock if there is one, else a loop that never ends.

    Ends are followed backwards; what they do not reach is stuck.  A stuck run may still go on for a while; it
    is caught where all that it can do leads back.
    """
    count = len(found.states)
    reaches = bytearray(count)
    for number in found.ends:
        reaches[number] = 1
    if len(found.ends) < count:
        _mark_backwards(found, reaches)
    stuck = [number for number in range(count) if not reaches[number]]
    first = [*found.first_edge, len(found.targets)]
    return first_hang(found, stuck, lambda number: found.targets[first[number] : first[number + 1]])


def first_hang(
    found: Search, stuck: Sequence[int], successors: Callable[[int], Sequence[int]]
) -> Hang | None:
    """The first state in which a run is caught, given the states that reach no end."""
    caught = _caught(stuck, successors)
    if not caught:
        return None
    dead = next((number for number in caught if not len(successors(number))), None)
    number = caught[0] if dead is None else dead
    return Hang(number, dead is not None, tuple(waiting(found.recorder, found.states[number])))


def _mark_backwards(found: Exploration, reaches: bytearray) -> None:
    """Mark every state that has a path to an end, by repeated sweeps from the last state to the first.

    Most transitions lead to a later state, so few sweeps are needed and no reverse graph is kept.
    """
    targets, first = found.targets, [*found.first_edge, len(found.targets)]
    changed = True
    while changed:
        changed = False
        for number in range(len(found.states) - 1, -1, -1):
            if not reaches[number] and any(
                map(reaches.__getitem__, targets[first[number] : first[number + 1]])
            ):
                reaches[number] = 1
                changed = True


def _caught(stuck: Sequence[int], successors: Callable[[int], Sequence[int]]) -> list[int]:
    """The stuck states that every run from them can return to (Tarjan's components without a way out)."""
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}
    part: dict[int, int] = {}  # state -> the root of its component, once that is complete
    open_states: list[int] = []
    for root in stuck:
        calls = [] if root in order else [(root, iter(successors(root)))]
        while calls:
            number, edges = calls[-1]
            if number not in order:
                order[number] = lowest[number] = len(order)
                open_states.append(number)
            fresh = None
            for target in edges:
                if target not in order:
                    fresh = target
                    break
                if target not in part:
                    lowest[number] = min(lowest[number], order[target])
            if fresh is not None:
                calls.append((fresh, iter(successors(fresh))))
                continue
            calls.pop()
            if calls:
                above = calls[-1][0]
                lowest[above] = min(lowest[above], lowest[number])
            while lowest[number] == order[number] and number not in part:
                part[open_states.pop()] = number
    leaving = {
        part[number] for number in part for target in successors(number) if part[target] != part[number]
    }
    return sorted(number for number in part if part[number] not in leaving)


def waiting(recorder: Recorder, state: bytes) -> Iterator[str]:
    """One line for each actor that has not finished: where it stands, and what it waits for."""
    for actor, description in enumerate(recorder.model.actors):
        frame = recorder.frame(state, actor)
        if frame.finished or frame.idle:
            continue
        where = " > ".join(place.function for place in frame.where) or "its start"
        blocked = [leaf.blocked for leaf in recorder.leaves(state, actor) if leaf.blocked is not None]
        yield f"{description.name} in {where}" + (f", waits for {blocked[0]}" if blocked else "")
