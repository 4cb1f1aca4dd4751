# SPDX-License-Identifier: MIT
"""Identify where an actor stands: by its code position and live locals along its `yield from` chain.

Two generators that agree on those have the same future, whatever happened before; rules.py says which locals
are live, and what else may not hide in a generator.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from dataclasses import dataclass, field
from types import FrameType, GeneratorType
from typing import Any, cast

from cowpath.explore.record import rules
from cowpath.explore.record.cells import Record
from cowpath.explore.record.step import Content, ModelError, Place

Code = Generator[Any, None, Any]

Waiting = tuple[Place, tuple[tuple[str, object], ...]]
"""A function that waits at a `yield`, and what its live locals hold, by name."""


class Constant:
    """Base of objects that never change during an exploration; a local may hold one."""


HOLDABLE = (int, str, Record, Constant, type(None))
"""The types that a local may hold where another actor may run; tuples of them are allowed, too."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Where an actor stands.  `where` is its chain of functions, outermost first, `held` the live locals of
    the outermost one.  A step that saw the values `seen` led here from the frame `before`.
    """

    actor: int
    before: Frame | None = field(repr=False)  # None: the actor has not begun
    seen: tuple[int, ...]
    where: tuple[Place, ...]
    finished: bool
    idle: bool
    held: tuple[tuple[str, object], ...] = ()

    def next(self, seen: tuple[int, ...], waiting: tuple[Waiting, ...], idle: bool) -> Frame:
        """The frame that a step from here leads to."""
        where = tuple(place for place, _ in waiting)
        held = waiting[0][1] if waiting else ()
        return Frame(self.actor, self, seen, where, not waiting, idle, held)


def stack(generator: Code | None, live_only: bool) -> tuple[Waiting, ...]:
    """The key that tells frames apart: every function that waits, outermost first; empty at the end.

    Without `live_only`, dead locals count, too, where they can be named.  Raises ModelError where something
    hides in the generator, or a local holds what it may not.
    """
    found: list[Waiting] = []
    inner: Any = generator
    while inner is not None:
        if inner.__class__ is not GeneratorType:
            waits = f"{found[-1][0].function} waits in a {type(inner).__name__}"
            raise ModelError(f"{waits}; only generators can be resumed")
        found.append(_waiting(inner, live_only))
        inner = inner.gi_yieldfrom
    return tuple(found)


def _waiting(generator: GeneratorType[Any, None, Any], live_only: bool) -> Waiting:
    code, frame = generator.gi_code, cast("FrameType", generator.gi_frame)
    place, names = _point(code.co_filename, code.co_firstlineno, frame.f_lineno)
    holds = frame.f_locals
    if not live_only:
        names = tuple(sorted({*names, *(name for name, value in holds.items() if not refused(value))}))
    held = tuple([(name, holds[name]) for name in names if name in holds])
    for name, value in held:
        if kind := refused(value):
            raise ModelError(f"local {name} of {code.co_name} holds {kind} where another actor may run")
    return place, held


@functools.cache
def _point(file: str, first_line: int, line: int) -> tuple[Place, tuple[str, ...]]:
    """The place where a function of the model waits, and the names of its locals that are live there."""
    function = rules.at(file, first_line)
    return Place(function.name, file, line), tuple(sorted(function.live_at(line)))


def refused(value: object) -> str:
    """The type of a value that a local must not hold, in words; empty where the value is allowed.

    >>> refused((1, "a", None)), refused((1, [2]))
    ('', 'list')
    """
    if isinstance(value, HOLDABLE):
        return ""
    if isinstance(value, tuple):
        return next(filter(None, map(refused, value)), "")
    return "page content" if isinstance(value, Content) else type(value).__name__
