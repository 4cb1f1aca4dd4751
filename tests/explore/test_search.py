# SPDX-License-Identifier: MIT
"""The reference search on models whose answers are known by hand."""

from functools import partial

import pytest

from cowpath.explore.found import Ending, Exploration
from cowpath.explore.record.recorder import Actor, Model
from cowpath.explore.search import explore
from tests.explore import toys
from tests.explore.toys import Toy


def outcomes(model: Model) -> set[tuple[str, ...]]:
    return {outcome.observed for outcome in explore(model).outcomes}


def size(found: Exploration) -> tuple[int, int]:
    return len(found.states), found.transitions


def test_two_adds_may_lose_one() -> None:
    found = explore(Toy().model(toys.adds, toys.adds))
    assert {outcome.observed for outcome in found.outcomes} == {("1",), ("2",)}
    assert size(found) == (12, 14)
    assert found.finished
    assert found.hang is None


def test_a_lock_loses_none() -> None:
    found = explore(Toy().model(toys.adds_locked, toys.adds_locked))
    assert {outcome.observed for outcome in found.outcomes} == {("2",)}
    assert size(found) == (8, 8)
    assert found.hang is None


def test_dining_philosophers_deadlock() -> None:
    toy = Toy()
    model = toy.model(
        Actor("Kant", partial(toys.dines, toy, 0, 1)), Actor("Hume", partial(toys.dines, toy, 1, 0))
    )
    found = explore(model)
    assert len(found.states) == 13
    assert found.hang is not None
    assert found.hang.deadlock
    assert found.hang.waiting == ("Kant in dines, waits for lock1", "Hume in dines, waits for lock0")
    assert not list(found.edges(found.hang.state))
    assert [outcome.observed for outcome in found.outcomes] == [("0",)]


def test_philosophers_of_one_mind_do_not() -> None:
    toy = Toy()
    model = toy.model(
        Actor("Kant", partial(toys.dines, toy, 0, 1)), Actor("Hume", partial(toys.dines, toy, 0, 1))
    )
    assert explore(model).hang is None


def test_a_spin_that_nobody_ends_is_an_endless_loop() -> None:
    found = explore(Toy().model(toys.spins))
    assert found.hang is not None
    assert not found.hang.deadlock
    assert not found.outcomes
    assert found.hang.waiting == ("A in spins",)


def test_a_spin_that_somebody_can_end_is_not() -> None:
    found = explore(Toy().model(toys.spins, toys.opens))
    assert found.hang is None
    assert len(found.outcomes) == 1


def test_a_choice_takes_every_option() -> None:
    assert outcomes(Toy().model(toys.chooses)) == {(str(n),) for n in range(6)}


@pytest.mark.parametrize("values", ["ab", "abc", "abcdefgh"])
def test_content_moves_multiply_no_recordings(values: str) -> None:
    toy = Toy(tuple(values))

    def fill() -> None:
        toy.boxes[0].items[0] = toy.layout.content("b")

    def observe() -> tuple[object, ...]:
        return (toy.boxes[0].items[0], toy.boxes[1].items[0])

    found = explore(toy.model(toys.swaps, observe=observe, fill=fill))
    assert [outcome.observed for outcome in found.outcomes] == [("a", "b")]
    assert found.recorder.recordings == 2  # the step, the observation


def test_two_moves_in_a_row_swap_back() -> None:
    toy = Toy()

    def fill() -> None:
        toy.boxes[0].items[0] = toy.layout.content("a")
        toy.boxes[1].items[0] = toy.layout.content("b")

    def observe() -> tuple[object, ...]:
        return (toy.boxes[0].items[0], toy.boxes[1].items[0])

    assert outcomes(toy.model(toys.swaps, toys.swaps, observe=observe, fill=fill)) == {("a", "b")}


@pytest.mark.parametrize(("left", "right", "equal"), [("a", "a", "1"), ("a", "b", "0")])
def test_a_look_branches_on_content(left: str, right: str, equal: str) -> None:
    toy = Toy()

    def fill() -> None:
        toy.boxes[0].items[0] = toy.layout.content(left)
        toy.boxes[1].items[0] = toy.layout.content(right)

    assert outcomes(toy.model(toys.compares, fill=fill)) == {(equal,)}


def test_a_crash_ends_the_run_for_everyone() -> None:
    found = explore(Toy().model(toys.crashes, toys.opens, toys.adds))
    crash = Ending((), "BUG: the door is open")
    assert crash in found.outcomes
    assert not list(found.edges(found.outcomes[crash]))
    assert found.recorder.crash(found.states[found.outcomes[crash]]) == crash.crash
    assert found.hang is None


def test_a_background_actor_may_stop_anywhere() -> None:
    toy = Toy()
    model = toy.model(Actor("daemon", partial(toys.background, toy), background=True))
    found = explore(model)
    assert {outcome.observed for outcome in found.outcomes} == {(str(n),) for n in range(4)}
    assert len(found.states) == 4
    assert found.hang is None


def test_an_optional_actor_that_cannot_begin_does_not_keep_a_run_from_ending() -> None:
    toy = Toy()
    child = partial(toys.waits_for_door, toy)
    assert outcomes(toy.model(Actor("child", child, optional=True))) == {("0",)}
    found = explore(toy.model(Actor("child", child)))
    assert not found.outcomes
    assert found.hang is not None


def test_an_optional_actor_that_can_begin_does() -> None:
    toy = Toy()
    child = Actor("child", partial(toys.waits_for_door, toy), optional=True)
    assert outcomes(toy.model(toys.opens, child)) == {("1",)}


def test_two_ways_to_one_place_make_one_frame() -> None:
    found = explore(Toy().model(toys.same_place))
    assert len(found.states) == 3


def test_a_bound_leaves_the_search_unfinished() -> None:
    model = Toy().model(toys.adds, toys.adds)
    found = explore(model, max_states=5)
    assert not found.finished
    assert found.hang is None
    assert explore(Toy().model(toys.spins), max_states=1).hang is None
    assert explore(model, max_states=12).finished
    assert not explore(model, max_states=11).finished


def test_progress_is_told_of_states_and_frontier() -> None:
    calls: list[tuple[object, ...]] = []
    explore(Toy().model(toys.adds), progress=lambda *told: calls.append(told))
    assert calls == [(1, 1, "")]


def test_states_are_numbered_by_depth() -> None:
    found = explore(Toy().model(toys.adds, toys.adds, toys.crashes, toys.opens))
    depth = {0: 0}
    for number in range(len(found.states)):
        for _, target in found.edges(number):
            depth.setdefault(target, depth[number] + 1)
    assert [depth[number] for number in range(len(found.states))] == sorted(depth.values())


# -- invariants ------------------------------------------------------------------------------------


def test_an_invariant_is_reported_once_in_its_first_state() -> None:
    toy = Toy()

    def small() -> str | None:
        return f"counter is {toy.counters[0].value}" if toy.counters[0].value >= 2 else None

    model = toy.model(
        Actor("daemon", partial(toys.background, toy), background=True),
        invariants=(("small", small), ("never", lambda: None)),
    )
    found = explore(model)
    assert set(found.violations) == {"small"}
    assert found.violations["small"].text == "counter is 2"
    assert found.violations["small"].state == 2


def test_an_invariant_is_judged_in_the_initial_state() -> None:
    toy = Toy()
    model = toy.model(toys.adds, invariants=(("open", lambda: None if toy.locks[0].held else "closed"),))
    assert explore(model).violations["open"].state == 0


def test_an_invariant_that_came_to_read_more_is_judged_again() -> None:
    """`opens` is first taken where the invariant has never looked at the lock, then where it has."""
    toy = Toy()

    def shut() -> str | None:
        return "open" if toy.counters[0].value and toy.locks[0].held else None

    model = toy.model(toys.opens, toys.sets_behind_the_door, invariants=(("shut", shut),))
    assert "shut" in explore(model).violations


def test_an_invariant_about_content_is_judged_after_a_move() -> None:
    toy = Toy()

    def fill() -> None:
        toy.boxes[1].items[0] = toy.layout.content("b")

    def empty() -> str | None:
        look = toy.layout.step.look
        return "filled" if look(toy.boxes[0].items[0]) == look(toy.layout.content("b")) else None

    assert "empty" in explore(toy.model(toys.swaps, fill=fill, invariants=(("empty", empty),))).violations
