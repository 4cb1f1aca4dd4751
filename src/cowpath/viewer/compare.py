# SPDX-License-Identifier: MIT
"""The same path on two kernels: statement by statement, because one may take more steps than the other."""

from __future__ import annotations

from collections.abc import Sequence

from cowpath.explore.trace import shown_whole
from cowpath.report.words import statement_number, value_words
from cowpath.viewer.walk import Move, Walk

BEYOND = 1 << 20
"""Later than any statement: where a thread is that has finished."""

PATIENCE = 200
"""Steps that the second kernel may take for one of the first."""


def same_path(left: Walk, right: Walk, moves: Sequence[Move], states: Sequence[bytes]) -> list[list[Move]]:
    """For each move of the left kernel, the moves of the right one that stand for it.

    A thread keeps pace by statements: where the left kernel ends one, the right one runs to its end; in
    between it takes a step for a step and waits before the end.  Any other actor takes the same step if it
    can.
    """
    state, found = right.start, []
    for number, move in enumerate(moves):
        goal = place(left, move.actor, states[number + 1])
        taken: list[Move] = []
        while len(taken) < PATIENCE:
            following = next_move(right, move, state, goal, bool(taken))
            if following is None:
                break
            taken.append(following[0])
            state = following[1]
        found.append(taken)
    return found


def next_move(
    walk: Walk, like: Move, state: bytes, goal: int | None, already: bool
) -> tuple[Move, bytes] | None:
    """The next move of the same actor that brings it nearer to a statement; None where it is there."""
    options = {move: target for move, target in walk.moves(state) if move.actor == like.actor}
    if not options:
        return None
    move = like if like in options else min(options)
    if goal is None:
        return None if already else (move, options[move])
    here, there = place(walk, like.actor, state), place(walk, like.actor, options[move])
    if here is None or there is None or here > goal or (here == goal and (already or there > goal)):
        return None
    return move, options[move]


def place(walk: Walk, actor: int, state: bytes) -> int | None:
    """The number of statements that a thread has begun; None for an actor that is no thread."""
    if actor >= len(walk.result.program.threads):
        return None
    frame = walk.recorder.frame(state, actor)
    number = statement_number(walk.result.program, actor, frame)
    return BEYOND if number is None else number


def differences(left: Walk, right: Walk, a: bytes, b: bytes) -> list[str]:
    """The names of what differs between two states, as far as a reader cares."""
    mine, other = shown(left, a), shown(right, b)
    return [name for name, value in mine.items() if name in other and other[name] != value]


def shown(walk: Walk, state: bytes) -> dict[str, str]:
    """Every value that a trace would show, by name; records that are one value as a whole."""
    found: dict[str, str] = {}
    for cell in walk.layout.cells:
        if cell.field.quiet:
            continue
        if shown_whole(cell):
            found[repr(cell.record)] = value_words(cell.record.fields_in(state))
        else:
            found[cell.name] = value_words(cell.values[state[cell.index]])
    return found


def first_difference(same_places: Sequence[bool], differing: Sequence[Sequence[str]]) -> int | None:
    """The first state, by number, from which the two kernels go apart; None if they never do.

    What differs from the beginning does not count, nor what differs only while one kernel is further within a
    statement: `same_places` tells where both stand at the same one, not in the middle.
    """
    known = set(differing[0])
    suspect = None
    for number, names in enumerate(differing):
        if set(names) <= known:
            suspect = None
            continue
        suspect = number if suspect is None else suspect
        if same_places[number]:
            return suspect
    return suspect
