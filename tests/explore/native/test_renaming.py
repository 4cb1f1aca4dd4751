# SPDX-License-Identifier: MIT
"""A state in which two interchangeable records have changed places."""

from cowpath.explore.native.renaming import Exchange, RenamingRecorder
from cowpath.explore.record.recorder import Recorder
from cowpath.explore.search import explore
from tests.explore.models import build

ALONE = (("take", "fill", "copy", "free"),)  # with two pages: it always takes the first


def exchanged(recorder: RenamingRecorder, state: bytes, exchange: Exchange) -> bytes:
    """A state after an exchange: its cells, and the frames of its actors."""
    cells = len(exchange.cells)
    after = bytearray(exchange.state(state) + state[cells:])
    for actor, target in enumerate(exchange.actors):
        number = recorder.exchanged_frame(actor, recorder.frame_number(state, actor), exchange)
        at = recorder.frame_at[target]
        after[at], after[at + 1] = number & 0xFF, number >> 8
    return bytes(after)


def renamed_steps(recorder: RenamingRecorder, states: list[bytes]) -> list[tuple[bytes, int]]:
    """(state, actor) where the actor stands in a frame that no run has reached."""
    exchange = recorder.exchanges[0][0]
    return [
        (state, actor)
        for state in (exchanged(recorder, state, exchange) for state in states)
        for actor in range(len(recorder.model.actors))
        if id(recorder.frame(state, actor)) in recorder.renamed
    ]


def test_a_step_from_a_renamed_frame_is_told_too() -> None:
    found = explore(build(ALONE, 2))
    recorder, cells = RenamingRecorder(found.recorder), len(found.model.layout.cells)
    steps = renamed_steps(recorder, found.states)
    assert steps
    for state, actor in steps:
        leaves, told = recorder.leaves(state, actor), recorder.told(state, actor)
        assert [(leaf.writes, leaf.moves) for leaf in told] == [(leaf.writes, leaf.moves) for leaf in leaves]
        for leaf in told:
            written = {cell for cell, _ in (*leaf.writes, *leaf.moves) if cell < cells}
            assert written <= leaf.places.keys()


def test_what_is_told_counts_as_no_recording() -> None:
    found = explore(build(ALONE, 2))
    recorder: Recorder = found.recorder
    before = recorder.recordings, [len(trees) for trees in recorder.trees]
    assert any(leaf.places for state in found.states for leaf in recorder.told(state, 0))
    assert not any(leaf.places for state in found.states for leaf in recorder.leaves(state, 0))
    assert (recorder.recordings, [len(trees) for trees in recorder.trees]) == before
