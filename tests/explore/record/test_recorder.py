# SPDX-License-Identifier: MIT
"""What the recorder refuses, and that a recorded step is the step."""

from collections.abc import Callable
from functools import partial

import pytest

from cowpath.explore.record.recorder import Actor, Branch, Code, Leaf, Miss, Recorder, Tree
from cowpath.explore.record.step import ModelError
from cowpath.explore.search import explore
from tests.explore import toys
from tests.explore.toys import Toy

Thread = Callable[[Toy], Code]


@pytest.fixture(autouse=True)
def _start_over() -> None:
    toys.RUNS[0] = 0


# -- trees -----------------------------------------------------------------------------------------


def test_a_tree_finds_what_was_inserted() -> None:
    tree, low, high = Tree(), Leaf(result="low"), Leaf(result="high")
    tree.insert([(0, 1), (1, 0)], low)
    tree.insert([(0, 1), (1, 5)], high)
    assert tree.find(bytes([1, 0])) == [low]
    assert tree.find(bytes([1, 5])) == [high]
    assert tree.reads == {0, 1}
    for unknown in ([0, 0], [1, 1]):
        with pytest.raises(Miss):
            tree.find(bytes(unknown))


def test_a_choice_gives_one_leaf_per_option() -> None:
    tree = Tree()
    leaves = [Leaf(result=number) for number in range(3)]
    tree.insert([(0, 1), (-3, 0)], leaves[0])
    with pytest.raises(Miss) as missing:
        tree.find(bytes([1]))
    assert missing.value.choices == (1,)
    tree.insert([(0, 1), (-3, 1)], leaves[1])
    tree.insert([(0, 1), (-3, 2)], leaves[2])
    assert tree.find(bytes([1])) == leaves


def test_the_same_first_read_is_required() -> None:
    tree = Tree()
    tree.insert([(0, 1)], Leaf())
    with pytest.raises(ModelError, match="not a function of the cells it reads"):
        tree.insert([(1, 1)], Leaf())
    assert isinstance(tree.root, Branch)
    assert tree.root.cell == 0


def test_a_run_that_reads_on_after_a_leaf_is_refused() -> None:
    tree = Tree()
    tree.insert([(0, 1)], Leaf())
    with pytest.raises(ModelError, match="not a function of the cells it reads"):
        tree.insert([(0, 1), (1, 1)], Leaf())


def test_a_second_behaviour_is_refused() -> None:
    tree = Tree()
    tree.insert([(0, 1)], Leaf())
    with pytest.raises(ModelError, match="behaved in two ways on the same cells"):
        tree.insert([(0, 1)], Leaf())
    blind = Tree()
    blind.insert([], Leaf())
    with pytest.raises(ModelError, match="read nothing behaved in two ways"):
        blind.insert([], Leaf())


# -- what a generator may hold ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("thread", "message"),
    [
        (toys.holds_content, "local kept of holds_content holds page content where another actor may run"),
        (toys.holds_content_in_tuple, "local kept of holds_content_in_tuple holds page content where"),
        (toys.holds_list, "local seen of holds_list holds list where another actor may run"),
        (toys.holds_generator, "local inner of holds_generator holds generator where another actor may run"),
        (
            toys.walks_an_iterator,
            "walks_an_iterator waits in a list_iterator; only generators can be resumed",
        ),
        (toys.hides_an_iterator, "in hides_an_iterator: yield inside an expression, a for, a with or a try"),
        (toys.walks_an_expression, "a generator of the model must be made by def"),
        (toys.compares_content, "page content is opaque to the kernel"),
    ],
)
def test_a_broken_rule_is_refused(thread: Thread, message: str) -> None:
    with pytest.raises(ModelError) as refused:
        explore(Toy().model(thread))
    assert message in str(refused.value)


def test_a_count_beyond_its_range_ends_the_search() -> None:
    """It is no mistake of the model: a larger test needs larger ranges."""
    found = explore(Toy().model(toys.counts_too_far))
    assert (found.finished, found.reason) == (False, "counter1.value = 8 is out of its range 0..7")
    assert len(found.states) == 1


@pytest.mark.parametrize("live_only", [True, False])
def test_a_dead_local_may_hold_anything(live_only: bool) -> None:
    assert len(explore(Toy().model(toys.holds_dead_list), live_only=live_only).states) == 3


@pytest.mark.parametrize(("live_only", "states"), [(True, 3), (False, 4)])
def test_dead_locals_tell_frames_apart_where_asked(live_only: bool, states: int) -> None:
    found = explore(Toy().model(toys.holds_dead_number), live_only=live_only)
    assert {outcome.observed for outcome in found.outcomes} == {("3",)}
    assert len(found.states) == states


def test_a_live_local_is_refused_either_way() -> None:
    with pytest.raises(ModelError, match="local kept of holds_content holds page content"):
        explore(Toy().model(toys.holds_content), live_only=False)


@pytest.mark.parametrize("thread", [toys.is_not_idle_first, toys.reads_before_idle])
def test_a_background_actor_does_nothing_before_it_idles(thread: Thread) -> None:
    toy = Toy()
    with pytest.raises(ModelError, match="daemon must do nothing before its first `yield IDLE`"):
        Recorder(toy.model(Actor("daemon", partial(thread, toy), background=True)))


def test_an_observer_must_not_write() -> None:
    toy = Toy()

    def writes() -> None:
        toy.counters[0].value = 1

    def observes() -> tuple[object, ...]:
        writes()
        return ()

    with pytest.raises(ModelError, match="observes and must not write"):
        explore(toy.model(observe=observes))
    with pytest.raises(ModelError, match="observes and must not write"):
        explore(toy.model(invariants=(("wrong", writes),)))


# -- hidden state ----------------------------------------------------------------------------------


def test_verify_finds_a_step_that_depends_on_more_than_cells() -> None:
    assert explore(Toy().model(toys.forgetful)).finished
    toys.RUNS[0] = 0
    with pytest.raises(ModelError, match="a recorded step of A differs from the model"):
        explore(Toy().model(toys.forgetful), verify_every=1)


def test_verify_is_silent_on_an_honest_model() -> None:
    assert explore(Toy().model(toys.adds, toys.chooses), verify_every=1).finished


def test_a_different_first_read_is_refused() -> None:
    toy = Toy()
    model = toy.model(toys.reads_elsewhere, Actor("B", partial(more_of_both, toy)))
    with pytest.raises(ModelError, match="not a function of the cells it reads"):
        explore(model)


def more_of_both(toy: Toy) -> Code:
    toy.counters[1].value = toy.counters[2].value = 1
    yield


# -- recordings ------------------------------------------------------------------------------------


def test_one_recording_stands_for_every_state_that_agrees() -> None:
    """`opens` reads nothing: one run serves whatever the counters hold."""
    toy = Toy()
    model = toy.model(
        Actor("daemon", partial(toys.background, toy), background=True), Actor("B", partial(toys.opens, toy))
    )
    found = explore(model)
    number = next(actor for actor, described in enumerate(model.actors) if described.name == "B")
    trees = found.recorder.trees[number]
    assert isinstance(trees[0].root, Leaf)
    assert len(found.states) == 12


def test_a_write_of_what_was_read_is_no_write() -> None:
    toy = Toy()
    recorder = Recorder(toy.model(toys.spins, toys.opens))
    leaf = recorder.leaves(recorder.initial, 0)[0]
    assert all(cell >= len(toy.layout.cells) for cell, _ in leaf.writes)  # only the frame


def test_frames_say_where_an_actor_stands() -> None:
    toy = Toy()
    found = explore(toy.model(toys.adds))
    frames = [found.recorder.frame(state, 0) for state in found.states]
    assert [[place.function for place in frame.where] for frame in frames] == [[], ["adds"], []]
    assert [frame.finished for frame in frames] == [False, False, True]
    assert frames[1].held == (("toy", toy), ("value", 0))


# -- going on from a frame -------------------------------------------------------------------------


def counts_and_reads(toy: Toy, position: int = 0) -> Code:
    """Two steps, the second of which has a recording for each value of counter 1."""
    while position < 2:
        if position == 1:
            toy.counters[0].value = toy.counters[1].value
        position += 1
        yield


@pytest.mark.parametrize(("resume", "fresh"), [(None, 4), (counts_and_reads, 1)])
def test_an_actor_goes_on_from_its_outermost_function_without_replay(
    resume: Callable[..., Code] | None, fresh: int
) -> None:
    """Four values to read, a recording each; the generator that came to the frame serves one of them."""
    toy, started = Toy(), []

    def start() -> Code:
        started.append(1)
        return counts_and_reads(toy)

    actor = Actor("A", start, resume=resume)
    recorder = Recorder(toy.model(actor))
    state = recorder.leaves(recorder.initial, 0)[0].apply(recorder.initial)
    at = toy.counters[1].cell_of["value"]
    for value in range(4):
        there = state[:at] + bytes([value]) + state[at + 1 :]
        assert recorder.leaves(there, 0)[0].apply(there)[toy.counters[0].cell_of["value"]] == value
    assert len(started) == fresh


def test_a_cell_is_one_branch_however_often_it_is_read() -> None:
    toy = Toy()
    recorder = Recorder(toy.model(toys.spins))
    step = recorder.step
    step.begin(recorder.initial)
    for _ in range(3):
        assert toy.counters[2].value == 0
        assert step.look(toy.boxes[0].items[0]) == 0
    cells = [toy.counters[2].cell_of["value"], toy.boxes[0].cell_of["items"]]
    assert step.reads == [(cell, 0) for cell in cells]
    assert len(step.seen) == 6  # a replay needs each of them
