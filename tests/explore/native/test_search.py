# SPDX-License-Identifier: MIT
"""The native engine gives the reference search's answers, state for state."""

from typing import NoReturn, cast

import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from cowpath.explore.found import Exploration
from cowpath.explore.method import Method
from cowpath.explore.native import exploration
from cowpath.explore.native.exploration import NativeExploration
from cowpath.explore.native.renaming import RenamingRecorder
from cowpath.explore.native.search import NativeSearch
from cowpath.explore.path import path_to
from cowpath.explore.record.frame import Waiting
from cowpath.explore.record.recorder import Recorder
from cowpath.explore.record.step import RangeError
from cowpath.explore.search import explore as reference_search
from tests.explore.models import Programs, build, models

LARGE = (
    ("take", "fill", "copy", "meet", "free"),
    ("take", "meet", "fill", "free"),
    ("guess", "meet", "copy"),
)
ALL = 1 << 30


def warm(programs: Programs, pages: int, states: int, limit: int | None = None) -> Recorder:
    """What a reference search that stops early has recorded."""
    return reference_search(build(programs, pages, limit), states).recorder


def small(
    first_bits: int,
    root_bits: int = 64,
    threads: int = 1,
    start: int = 0,
    rename: bool = False,
    limit: int | None = None,
) -> NativeExploration:
    """A search of the large model whose tables of parts begin small, and whose roots have few bits."""
    recorder = warm(LARGE, 3, start, limit)
    search = NativeSearch(RenamingRecorder(recorder) if rename else recorder, ALL, threads)
    search.engine.small(first_bits, root_bits)
    return exploration.explored(search, None, None)


def keys(recorder: Recorder, state: bytes) -> tuple[object, ...]:
    """A state with its frames by what identifies them: engines may meet frames in different order."""
    names = [
        {number: cast("tuple[Waiting, ...]", key) for key, number in ids.items()}
        for ids in recorder._frame_ids
    ]
    cells = len(recorder.model.layout.cells)
    frames = [state[at] | state[at + 1] << 8 for at in recorder.frame_at]
    where = [
        tuple((place, repr(held)) for place, held in names[actor].get(frame, ()))
        for actor, frame in enumerate(frames)
    ]
    return (state[:cells], tuple(where), recorder.crash(state))


def assert_same(one: Exploration, other: NativeExploration) -> None:
    assert other.finished, other.reason
    assert (len(one.states), one.transitions) == (len(other.states), other.transitions)
    assert list(one.outcomes.items()) == list(other.outcomes.items())
    assert one.violations == other.violations
    assert one.hang == other.hang
    for number in range(len(one.states)):
        assert keys(one.recorder, one.states[number]) == keys(other.recorder, other.states[number])


@settings(max_examples=60, deadline=None)
@given(models())
def test_random_models(arguments: tuple[Programs, int]) -> None:
    reference = reference_search(build(*arguments))
    found = exploration.native(warm(*arguments, 20), Method(memory=ALL, rename=False))
    assert_same(reference, found)
    last = len(found.states) - 1
    assert [actor for actor, _ in path_to(found, last)] == [actor for actor, _ in path_to(reference, last)]


@settings(max_examples=40, deadline=None)
@given(models(), integers(1, 3))
def test_random_models_that_are_watched(arguments: tuple[Programs, int], limit: int) -> None:
    reference = reference_search(build(*arguments, limit))
    found = exploration.native(warm(*arguments, 20, limit), Method(memory=ALL, rename=False))
    assert_same(reference, found)


@pytest.mark.parametrize("root_bits", [64, 22, 20])
@pytest.mark.parametrize(("limit", "refused"), [(1, {"", "free is not in the ledger"}), (2, {""})])
def test_a_large_model_that_is_watched(root_bits: int, limit: int, refused: set[str]) -> None:
    """The monitor's number has a part of its own, or shares one where a root has few bits."""
    reference = reference_search(build(LARGE, 3, limit))
    assert {outcome.crash for outcome in reference.outcomes} == refused
    found = small(2, root_bits, limit=limit)
    assert_same(reference, found)
    assert (len(found.search.engine.parts) < 5) == (root_bits < 64)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("start", [0, 50])
def test_large_model_on_one_core_and_two(threads: int, start: int) -> None:
    assert_same(reference_search(build(LARGE, 3)), small(10, 64, threads, start))


@pytest.mark.parametrize("rename", [False, True])
def test_two_threads_number_as_one_does(rename: bool) -> None:
    """A hundred runs: batches are small, tables grow and are joined under way."""
    one = [list(small(2, bits, 1, 0, rename).states) for bits in (64, 22)]
    for _ in range(50):
        assert [list(small(2, bits, 2, 0, rename).states) for bits in (64, 22)] == one


@pytest.mark.parametrize("root_bits", [64, 26, 22, 20])
def test_parts_that_outgrow_their_tables_and_their_bits(root_bits: int) -> None:
    found = small(2, root_bits)
    assert_same(reference_search(build(LARGE, 3)), found)
    assert (len(found.search.engine.parts) < 4) == (root_bits < 24)


def test_paths_are_shortest_and_simplest() -> None:
    found = exploration.native(warm(LARGE, 2, 50), Method(memory=ALL, rename=False))
    reference = reference_search(build(LARGE, 2))
    for number in range(0, len(found.states), 97):
        one, other = path_to(reference, number), path_to(found, number)
        assert [actor for actor, _ in one] == [actor for actor, _ in other]
        assert other[-1:] == ([(one[-1][0], found.states[number])] if number else [])


def test_a_deadlock_is_found() -> None:
    programs = (("take", "take"), ("take",), ("take", "copy"))
    reference = reference_search(build(programs, 2))
    assert reference.hang is not None
    assert_same(reference, exploration.native(warm(programs, 2, 20), Method(memory=ALL, rename=False)))


@pytest.mark.parametrize("root_bits", [64, 26, 22, 20])
@pytest.mark.parametrize("rename", [False, True])
def test_a_part_without_room_is_no_deadlock(root_bits: int, rename: bool) -> None:
    """Parts that only a state before its renaming has are forgotten when parts are joined, and numbered again
    when the search has ended: there may be no room for them.
    """
    found = small(2, root_bits, 1, 0, rename)
    assert found.finished
    assert found.hang is None


@pytest.mark.parametrize("bound", [46, 60, 129, 150])
def test_a_search_that_ends_early_has_judged_every_state(bound: int) -> None:
    found = exploration.native(Recorder(build(LARGE, 3)), Method(memory=ALL, rename=False, max_states=bound))
    assert not found.finished
    states = len(found.states)
    whole = reference_search(build(LARGE, 3))
    assert found.violations == {name: one for name, one in whole.violations.items() if one.state < states}


def test_too_little_memory_is_said() -> None:
    enough = exploration.native(warm(LARGE, 3, 50), Method(memory=ALL, rename=False)).search.engine.used
    found = exploration.native(warm(LARGE, 3, 50), Method(memory=enough - 9 * 1500, rename=False))
    assert not found.finished
    assert "iB hold no more than" in found.reason
    assert len(found.states) > 1


def test_a_wrong_model_is_said_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    start = warm(LARGE, 2, 20)

    def broken(*_: object) -> NoReturn:
        raise RangeError("page0.users = 4 is out of its range")

    monkeypatch.setattr(start, "_record", broken)
    found = exploration.native(start, Method(memory=ALL, rename=False))
    assert not found.finished
    assert found.reason == "page0.users = 4 is out of its range"
