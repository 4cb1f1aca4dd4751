# SPDX-License-Identifier: MIT
"""The same path on two kernels: statement by statement, because one may take more steps than the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cowpath.explore.trace import explain, shown_whole
from cowpath.judge.goal import Goal
from cowpath.judge.result import Result
from cowpath.report.words import statement_number, value_words
from cowpath.viewer.walk import Move, Walk, step_of

BEYOND = 1 << 20
"""Later than any statement: where a thread is that has finished."""

PATIENCE = 200
"""Steps that the second kernel may take for one of the first."""


class Beside(NamedTuple):
    """A path on one kernel beside the same path on another.

    `moves` and `states` are the second kernel's, `at` the number of its state beside each state of the first.
    `differing` names what differs there, as far as a reader cares; `first` is the first state of the first
    kernel from which the two go apart, None if they never do.
    """

    moves: list[Move]
    states: list[bytes]
    at: list[int]
    differing: list[list[str]]
    first: int | None


def beside(walk: Walk, second: Walk, moves: Sequence[Move], states: Sequence[bytes]) -> Beside:
    """Walk the second kernel along a path of the first."""
    taken = same_path(walk, second, moves, states)
    at, flat = [0], [move for group in taken for move in group]
    for group in taken:
        at.append(at[-1] + len(group))
    others, _ = second.follow(flat)
    pairs = [(states[number], others[at[number]]) for number in range(len(states))]
    differing = [differences(walk, second, a, b) for a, b in pairs]
    actors = [0, *(move.actor for move in moves)]
    level = [
        place(walk, actor, a) == place(second, actor, b) and between(walk, actor, a)
        for actor, (a, b) in zip(actors, pairs, strict=True)
    ]
    return Beside(flat, others, at, differing, first_difference(level, differing))


def between(walk: Walk, actor: int, state: bytes) -> bool:
    """True if an actor stands between two statements, not inside one."""
    return len(walk.recorder.frame(state, actor).where) <= 1


def parting(changed: Result, plain: Result, goal: Goal) -> list[str]:
    """Return the step where the paths of a changed kernel and the plain one part, and what differs.

    Empty if they never part, which is so where only an invariant tells them apart.
    """
    left, right = Walk(changed), Walk(plain)
    moves = left.path_to(goal.state)
    states, _ = left.follow(moves)
    found = beside(left, right, moves, states)
    if found.first is None or found.first == 0:
        return []
    number = found.first
    step = step_of(
        changed, explain(left.recorder, moves[number - 1].actor, states[number - 1], states[number])
    )
    actor = left.recorder.model.actors[step["actor"]].name
    where = ": ".join(part for part in (step["statement"], step["function"]) if part)
    here, there = shown(left, states[number]), shown(right, found.states[found.at[number]])
    known = set(found.differing[0])
    return [
        f"step {number}, {actor} {where} ({step['file']})"
        if step["file"]
        else f"step {number}, {actor} {where}",
        *(
            f"{name} is {here[name]}; without the patch {there[name]}"
            for name in found.differing[number]
            if name not in known
        ),
    ]


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
