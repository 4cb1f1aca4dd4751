# SPDX-License-Identifier: MIT
"""A path through one result, move by move: what can be done in a state, and what a state looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cowpath.errors import CowpathError
from cowpath.explore.path import path_to
from cowpath.explore.record.frame import Frame
from cowpath.explore.record.step import Content
from cowpath.explore.trace import PathStep, explain
from cowpath.judge.condition import split
from cowpath.judge.result import Result
from cowpath.report.facts import reach
from cowpath.report.words import (
    function_of,
    kernel_file,
    model_file,
    raw_values,
    statement_number,
    statement_of,
    value_words,
)

LONGEST = 2000
"""Moves in one path; a link cannot ask for more."""


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """The next step of an actor; `option` counts what nothing in the state decides."""

    actor: int
    option: int = 0


def read_path(text: str) -> list[Move]:
    """A path as a link spells it: actors, `~option` and `x` times.

    >>> read_path("0x2-3-0~1")
    [Move(actor=0, option=0), Move(actor=0, option=0), Move(actor=3, option=0), Move(actor=0, option=1)]
    >>> read_path("0-zero")
    Traceback (most recent call last):
    cowpath.errors.CowpathError: 'zero' is not a move
    """
    moves: list[Move] = []
    for word in filter(None, text.split("-")):
        match = re.fullmatch(r"(\d{1,3})(?:~(\d{1,3}))?(?:x(\d{1,4}))?", word, re.ASCII)
        if match is None:
            raise CowpathError(f"{word[:40]!r} is not a move")
        moves += [Move(int(match[1]), int(match[2] or 0))] * int(match[3] or 1)
        if len(moves) > LONGEST:
            raise CowpathError(f"a path has at most {LONGEST} moves")
    return moves


def write_path(moves: Sequence[Move]) -> str:
    """The inverse of `read_path`.

    >>> write_path([Move(0), Move(0), Move(3), Move(0, 1)])
    '0x2-3-0~1'
    """
    words: list[str] = []
    at = 0
    while at < len(moves):
        end = at
        while end < len(moves) and moves[end] == moves[at]:
            end += 1
        option = f"~{moves[at].option}" if moves[at].option else ""
        words.append(f"{moves[at].actor}{option}" + (f"x{end - at}" if end - at > 1 else ""))
        at = end
    return "-".join(words)


class Walk:
    """A result to walk through.  Not safe for threads: a recorder runs one step at a time."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.recorder = result.exploration.recorder
        self.layout = result.exploration.model.layout
        self.start = result.exploration.states[0]
        self.frame_of = lru_cache(4096)(self._frame_of)

    def moves(self, state: bytes) -> Iterator[tuple[Move, bytes]]:
        """The moves that are possible in a state, each with the state it leads to."""
        if self.recorder.crash(state):
            return
        for actor in range(len(self.recorder.model.actors)):
            open_ones = [leaf for leaf in self.recorder.leaves(state, actor) if leaf.blocked is None]
            for option, leaf in enumerate(open_ones):
                yield Move(actor, option), leaf.apply(state)

    def blocked(self, state: bytes) -> Iterator[tuple[int, str]]:
        """The actors that cannot go on, and what they wait for; a daemon that idles waits for nothing."""
        if self.recorder.crash(state):
            return
        for actor in range(len(self.recorder.model.actors)):
            leaves = self.recorder.leaves(state, actor)
            waiting = [leaf.blocked for leaf in leaves if leaf.blocked is not None]
            idle = actor >= len(self.result.program.threads) and self.recorder.frame(state, actor).idle
            if waiting and len(waiting) == len(leaves) and not idle:
                yield actor, waiting[0]

    def follow(self, moves: Sequence[Move]) -> tuple[list[bytes], str]:
        """The states along a path as far as it can be walked; the text says why it ends early, if so."""
        states = [self.start]
        for number, move in enumerate(moves, 1):
            target = dict(self.moves(states[-1])).get(move)
            if target is None:
                return states, f"This path ends after {number - 1} steps: step {number} is not possible here."
            states.append(target)
        return states, ""

    def path_to(self, state: int) -> list[Move]:
        """The simplest shortest path to a state of the exploration."""
        source, moves = self.start, []
        for actor, target in path_to(self.result.exploration, state):
            move = next(move for move, to in self.moves(source) if move.actor == actor and to == target)
            moves.append(move)
            source = target
        return moves

    # -- what a state looks like ------------------------------------------------------------------

    def _frame_of(self, state: bytes) -> dict[str, Any]:
        """A state as the viewer reads it."""
        frame: dict[str, Any] = {
            "cells": list(state[: len(self.layout.cells)]),
            "words": self.words(state),
            "raw": raw_values(self.layout, state, self.result.version),
            "actors": [self.actor_of(state, actor) for actor in range(len(self.recorder.model.actors))],
            "moves": [
                {"move": write_path([move])}
                | step_of(self.result, explain(self.recorder, move.actor, state, to))
                for move, to in self.moves(state)
            ],
            "blocked": [{"actor": actor, "waits": what} for actor, what in self.blocked(state)],
            "broken": self.broken(state),
        }
        if self.recorder.crash(state) or self.recorder.at_rest(state):
            frame["end"] = self.outcome_of(state)
        return frame

    def words(self, state: bytes) -> dict[str, str]:
        """The records that are one value as a whole, in words, by name."""
        return {
            repr(record): value_words(record.fields_in(state))
            for kind, records in self.layout.records.items()
            if kind.whole
            for record in records
        }

    def actor_of(self, state: bytes, actor: int) -> dict[str, Any]:
        """The place of an actor: its statement, and the function it stands in."""
        frame: Frame = self.recorder.frame(state, actor)
        inner = frame.where[-1] if len(frame.where) > 1 else None
        return {
            "statement": statement_number(self.result.program, actor, frame),
            "inside": "" if inner is None else f"{inner.function}() in {kernel_file(inner)}",
            "finished": frame.finished,
            "idle": frame.idle,
        }

    def broken(self, state: bytes) -> list[str]:
        """The invariants that do not hold in a state."""
        found = []
        for name, holds in self.result.exploration.model.invariants:
            self.recorder.step.begin(state)
            text = holds()
            if text is not None:
                found.append(f"{name}: {text}")
        return found

    def outcome_of(self, state: bytes) -> int | None:
        """Which outcome of the result a state at rest is, by its number from 0."""
        outcomes, crash = self.result.outcomes, self.recorder.crash(state)
        if crash:
            return next((i for i, one in enumerate(outcomes) if one.crash == crash), None)
        registers, memory = split(self.result.program, self.observe(state))
        return next(
            (i for i, o in enumerate(outcomes) if (o.registers, o.memory) == (registers, memory)), None
        )

    def observe(self, state: bytes) -> tuple[str, ...]:
        """The values that are observed in a state, as an exploration sees them, counters left out."""
        self.recorder.step.begin(state)
        seen = self.result.exploration.model.observe()
        values, model = self.layout.values, self.result
        shown = [
            (values[part.code if part.cell is None else state[part.cell]])
            if isinstance(part, Content)
            else str(part)
            for part in seen
        ]
        return tuple(shown[:-1] if any(o.copies is not None for o in model.outcomes) else shown)


def step_of(result: Result, step: PathStep) -> dict[str, Any]:
    """A step as the viewer reads it."""
    place = function_of(step)
    return {
        "actor": step.actor,
        "statement": statement_of(result.program, step),
        "function": "" if place is None else place.function,
        "file": "" if place is None else kernel_file(place),
        "line": "" if place is None else model_file(place),
        "changes": [
            [c.name, value_words(c.before), value_words(c.after), int(c.quiet)] for c in step.changes
        ],
        "notes": [note.text for note in step.notes],
        "reach": reach(result.exploration.model.layout, step.changes, step.target),
    }
