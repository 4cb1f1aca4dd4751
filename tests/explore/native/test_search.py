# SPDX-License-Identifier: MIT
"""The native engine gives the reference search's answers, state for state."""

from typing import NoReturn, cast

import pytest
from hypothesis import given, settings

pytest.importorskip("numba")

from cowpath.explore.found import Exploration
from cowpath.explore.native import compiled, exploration, parts
from cowpath.explore.native import search as native
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


def warm(programs: Programs, pages: int, states: int) -> Exploration:
    """A reference search that stops early: what a native one starts with."""
    return reference_search(build(programs, pages), states)


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


def assert_same(one: Exploration, other: exploration.NativeExploration) -> None:
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
    found = exploration.native(warm(*arguments, 20), None, None, ALL, 1, False)
    assert_same(reference, found)
    last = len(found.states) - 1
    assert [actor for actor, _ in path_to(found, last)] == [actor for actor, _ in path_to(reference, last)]


@pytest.mark.parametrize("threads", [1, 2])
def test_large_model_on_one_core_and_two(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "TRIAL", 500)
    monkeypatch.setattr(native, "SMALL", 8)  # the second core has something to do from the beginning
    reference = reference_search(build(LARGE, 3))
    found = exploration.native(warm(LARGE, 3, 50), None, None, ALL, threads, False)
    assert_same(reference, found)
    assert found.search.chosen


def test_parts_that_outgrow_their_tables_and_their_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SMALLEST", 4)
    reference = reference_search(build(LARGE, 3))
    found = exploration.native(warm(LARGE, 3, 50), None, None, ALL, 1, False)
    assert_same(reference, found)
    needed = [table.bit_length() - 1 for table in found.search.store.parts.tables]
    assert len(needed) == 4
    for spare, count in ((1, 4), (-1, 3)):  # bits move in the root, until there are too few for four parts
        monkeypatch.setattr(parts, "ROOT_BITS", sum(needed) + spare)
        found = exploration.native(warm(LARGE, 3, 50), None, None, ALL, 1, False)
        assert_same(reference, found)
        assert len(found.search.store.parts.sizes) == count


def test_what_is_remembered_about_roots_is_forgotten_when_parts_grow() -> None:
    search = exploration.native(warm(LARGE, 2, 50), None, None, ALL, 1, True).search
    search.caches.renamed[0] = 1, 2
    search.store.parts.sizes[0] = search.store.parts.arrays.room[0]
    search.grow_parts(search.works[0])
    assert (search.caches.renamed == compiled.UNKNOWN).all()


def test_frames_that_outgrow_their_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "SPARE", 0)
    reference = reference_search(build(LARGE, 2))
    assert_same(reference, exploration.native(warm(LARGE, 2, 1), None, None, ALL, 1, False))


def test_paths_are_shortest_and_simplest() -> None:
    found = exploration.native(warm(LARGE, 2, 50), None, None, ALL, 1, False)
    reference = reference_search(build(LARGE, 2))
    for number in range(0, len(found.states), 97):
        one, other = path_to(reference, number), path_to(found, number)
        assert [actor for actor, _ in one] == [actor for actor, _ in other]
        assert other[-1:] == ([(one[-1][0], found.states[number])] if number else [])


def test_a_deadlock_is_found() -> None:
    programs = (("take", "take"), ("take",), ("take", "copy"))
    reference = reference_search(build(programs, 2))
    assert reference.hang is not None
    assert_same(reference, exploration.native(warm(programs, 2, 20), None, None, ALL, 1, False))


def test_too_little_memory_is_said() -> None:
    enough = exploration.native(warm(LARGE, 3, 50), None, None, ALL, 1, False).search.store.used
    found = exploration.native(warm(LARGE, 3, 50), None, None, enough - 8 * 1500, 1, False)
    assert not found.finished
    assert "MiB hold no more than" in found.reason
    assert len(found.states) > 1


def test_a_wrong_model_is_said_with_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    start = warm(LARGE, 2, 20)

    def broken(*_: object) -> NoReturn:
        raise RangeError("page0.users = 4 is out of its range")

    monkeypatch.setattr(start.recorder, "_record", broken)
    found = exploration.native(start, None, None, ALL, 1, False)
    assert not found.finished
    assert found.reason == "page0.users = 4 is out of its range"
