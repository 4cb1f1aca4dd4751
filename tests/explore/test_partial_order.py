# SPDX-License-Identifier: MIT
"""Partial-order reduction: fewer states, the same answers."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings

from cowpath.explore import partial_order, search
from cowpath.explore.found import Ending, Exploration, Search
from cowpath.explore.partial_order import footprints
from cowpath.explore.path import path_to
from cowpath.explore.record.cells import Record
from cowpath.explore.record.recorder import IDLE, Actor, Code, Model
from cowpath.explore.record.step import Blocked, Crash, ModelError
from tests.explore import models, toys
from tests.explore.random_models import Naive, Program, model, programs
from tests.explore.toys import Toy


def answers(found: Exploration) -> tuple[object, ...]:
    """What must stay: outcomes, broken invariants, and whether something hangs."""
    assert found.finished, found.reason
    hang = None if found.hang is None else found.hang.deadlock
    return set(found.outcomes), set(found.violations), hang


def recorded(found: Search) -> int:
    """How many runs of steps are recorded."""
    recorder = found.recorder
    return sum(len(list(footprints(recorder, tree))) for trees in recorder.trees for tree in trees)


def compare(build: Callable[[], Model]) -> tuple[Exploration, Exploration]:
    """The full and the reduced search of a model, which must answer the same.

    That rests on this: where the reduced one ends, it has tried all that the full one tries.
    """
    full, reduced = search.explore(build()), partial_order.explore(build())
    assert answers(reduced) == answers(full)
    assert recorded(reduced) == recorded(full)
    assert len(reduced.states) <= len(full.states)
    return full, reduced


# -- random models ---------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(programs)
def test_random_programs(program: Program) -> None:
    _, found = compare(partial(model, program))
    naive = Naive(program)
    assert {(outcome.observed, outcome.crash) for outcome in found.outcomes} == set(naive.outcomes())
    assert set(found.violations) == set(naive.violations())
    hangs, deadlocks = naive.stuck()
    assert (found.hang is not None) == hangs
    assert found.hang is None or found.hang.deadlock == deadlocks


@settings(max_examples=200, deadline=None)
@given(models.models())
def test_random_workers(arguments: tuple[tuple[tuple[str, ...], ...], int]) -> None:
    compare(partial(models.build, *arguments))


@settings(max_examples=100, deadline=None)
@given(programs)
def test_paths_are_paths_of_the_model(program: Program) -> None:
    found = partial_order.explore(model(program), verify_every=1)
    known = {state: number for number, state in enumerate(found.states)}
    for number in range(len(found.states)):
        path = path_to(found, number)
        assert all(state in known for _, state in path)
        assert not path or path[-1][1] == found.states[number]


# -- what must be so before one actor may go first for all -----------------------------------------


def sets(record: Record, name: str) -> Code:
    """One step that writes one cell."""
    setattr(record, name, 1)
    return
    yield


def hums(toy: Toy) -> Code:
    """For ever, and nobody listens."""
    while True:
        toy.counters[2].value = 1 - toy.counters[2].value
        yield


def breaks(toy: Toy) -> Code:
    """Crashes at once."""
    raise Crash("BUG: always")
    yield


def copies_behind_the_door(toy: Toy) -> Code:
    """Wait for the door, then look at a counter."""
    if not toy.locks[0].held:
        raise Blocked("the door")
    toy.counters[1].value = toy.counters[0].value
    yield


def idles(toy: Toy) -> Code:
    """It may stay where it is, or go on."""
    yield IDLE
    toy.counters[1].value = 1


def puts(toy: Toy, value: int) -> Code:
    """Write a number without looking."""
    toy.counters[0].value = value
    return
    yield


def fills(toy: Toy, box: int) -> Code:
    """Write a content without looking."""
    toy.boxes[box].items[0] = toy.layout.content("b")
    return
    yield


def moves_over(toy: Toy) -> Code:
    """From the second box to the first."""
    toy.boxes[0].items[0] = toy.boxes[1].items[0]
    return
    yield


def copies_later(toy: Toy) -> Code:
    """Its first step touches nothing."""
    yield
    toy.counters[1].value = toy.counters[0].value


def three() -> Model:
    """Three steps that have nothing to do with each other."""
    toy = Toy()
    return toy.model(*(Actor(f"A{n}", partial(sets, toy.counters[n], "value")) for n in range(3)))


def test_one_order_of_independent_steps_is_enough() -> None:
    full, reduced = compare(three)
    assert (len(full.states), len(reduced.states)) == (8, 4)
    assert "partial order" in reduced.engine
    assert full.shortest
    assert not reduced.shortest


@pytest.mark.parametrize("name", ["adds", "adds_locked", "swaps", "compares", "spins", "chooses", "crashes"])
def test_steps_that_disturb_each_other_keep_their_orders(name: str) -> None:
    toy = Toy()
    compare(lambda: toy.model(getattr(toys, name), getattr(toys, name), toys.opens))


def test_who_writes_last_matters() -> None:
    toy = Toy()
    actors = [Actor(f"A{n}", partial(puts, toy, n)) for n in (1, 2)]
    _, reduced = compare(lambda: toy.model(*actors, toys.opens))
    assert {outcome.observed for outcome in reduced.outcomes} == {("1",), ("2",)}


@pytest.mark.parametrize("box", [0, 1])
def test_a_move_reads_and_writes(box: int) -> None:
    toy = Toy()
    other = Actor("B", partial(fills, toy, box))
    for actors in ((moves_over, other), (other, moves_over)):
        build = partial(toy.model, *actors, observe=lambda: (toy.boxes[0].items[0],))
        _, reduced = compare(build)
        assert {outcome.observed for outcome in reduced.outcomes} == {("0",), ("b",)}


def test_what_is_far_ahead_counts() -> None:
    toy = Toy()
    first = Actor("A", partial(sets, toy.counters[0], "value"))
    _, reduced = compare(lambda: toy.model(first, copies_later, observe=lambda: (toy.counters[1].value,)))
    assert {outcome.observed for outcome in reduced.outcomes} == {("0",), ("1",)}


def test_an_invariant_that_comes_to_read_more_is_looked_at_again() -> None:
    """Only the second search shows that it reads the third counter, and only the third has that unset."""

    def build() -> Model:
        toy = Toy()
        first, second, third = toy.counters

        def ordered() -> str | None:
            return "second alone" if second.value and not first.value and not third.value else None

        actors = (Actor(f"A{n}", partial(sets, toy.counters[n], "value")) for n in (2, 0, 1))
        return toy.model(*actors, invariants=[("ordered", ordered)])

    _, reduced = compare(build)
    assert set(reduced.violations) == {"ordered"}


def test_an_order_that_an_invariant_tells_apart_is_kept() -> None:
    def build() -> Model:
        toy = Toy()
        first, second, _ = toy.counters

        def ordered() -> str | None:
            return "second without first" if second.value and not first.value else None

        actors = (Actor(f"A{n}", partial(sets, toy.counters[n], "value")) for n in range(3))
        return toy.model(*actors, invariants=[("ordered", ordered)])

    full, reduced = compare(build)
    assert set(reduced.violations) == {"ordered"}
    assert len(reduced.states) < len(full.states)


def test_a_step_that_need_not_be_taken_is_not_taken_for_all() -> None:
    def build() -> Model:
        toy = Toy()
        other = Actor("A", partial(sets, toy.counters[1], "value"))
        return toy.model(Actor("daemon", partial(toys.background, toy), background=True), other)

    _, reduced = compare(build)
    assert {outcome.observed for outcome in reduced.outcomes} == {(str(n),) for n in range(4)}


def test_an_optional_actor_that_can_begin_must() -> None:
    def build() -> Model:
        toy = Toy()
        other = Actor("A", partial(sets, toy.counters[1], "value"))
        return toy.model(toys.opens, other, Actor("C", partial(toys.waits_for_door, toy), optional=True))

    compare(build)


def test_a_circle_puts_nobody_off() -> None:
    """A toy that hums for ever disturbs nobody; still the others must get their turn."""

    def build() -> Model:
        toy = Toy()
        open_door = ("open", lambda: "open" if toy.locks[0].held else None)
        return toy.model(hums, toys.opens, toys.crashes, invariants=[open_door])

    _, reduced = compare(build)
    assert set(reduced.outcomes) == {Ending((), "BUG: the door is open")}
    assert set(reduced.violations) == {"open"}
    assert reduced.hang is not None
    assert not reduced.hang.deadlock


def test_a_crash_does_not_come_before_what_others_do() -> None:
    _, reduced = compare(lambda: Toy().model(breaks, toys.crashes, toys.opens))
    assert {outcome.crash for outcome in reduced.outcomes} == {"BUG: always", "BUG: the door is open"}


def test_one_that_waits_is_not_overlooked() -> None:
    """It has only been seen to look at the door and stop; what it does then is found by searching again."""

    def build() -> Model:
        toy = Toy()
        actors = (Actor("sets", partial(sets, toy.counters[0], "value")), toys.opens, copies_behind_the_door)
        return toy.model(*actors, observe=lambda: (toy.counters[1].value,))

    _, reduced = compare(build)
    assert {outcome.observed for outcome in reduced.outcomes} == {("0",), ("1",)}


def test_dining_philosophers_still_deadlock() -> None:
    def build() -> Model:
        toy = Toy()
        actors = [
            Actor("Kant", partial(toys.dines, toy, 0, 1)),
            Actor("Hume", partial(toys.dines, toy, 1, 0)),
        ]
        return toy.model(*actors, Actor("Voss", partial(sets, toy.counters[1], "value")))

    full, reduced = compare(build)
    assert reduced.hang is not None
    assert reduced.hang.deadlock
    assert len(reduced.states) < len(full.states)


def test_one_that_idles_on_its_way_may_stay_there() -> None:
    def build() -> Model:
        toy = Toy()
        return toy.model(idles, toys.opens, observe=lambda: (toy.counters[1].value, toy.locks[0].held))

    _, reduced = compare(build)
    assert {outcome.observed for outcome in reduced.outcomes} == {("0", "True"), ("1", "True")}


# -- how it ends -----------------------------------------------------------------------------------


def test_a_bound_leaves_it_unfinished() -> None:
    found = partial_order.explore(three(), max_states=3)
    assert not found.finished
    assert found.reason == "it stopped after 3 states"
    assert partial_order.explore(three(), max_states=4).finished


def test_a_count_beyond_its_range_ends_it() -> None:
    found = partial_order.explore(Toy().model(toys.counts_too_far, toys.opens))
    assert not found.finished
    assert "counter1" in found.reason


def test_recorded_steps_are_verified() -> None:
    with pytest.raises(ModelError, match="differs from the model"):
        partial_order.explore(Toy().model(toys.forgetful, toys.opens), verify_every=1)


def test_progress_says_which_search_it_is() -> None:
    told: list[str] = []
    partial_order.explore(three(), progress=lambda states, frontier, remark: told.append(remark))
    assert told[:2] == ["partial order, search 1", "partial order, search 2"]
