# SPDX-License-Identifier: MIT
"""The running step: its reads are noted, its writes are held back until it ends.

The model's code runs only here.  A step may be *recorded* (reads come from a state) or *replayed* (reads come
from a list, to bring a fresh generator back to where an earlier one stood; writes then go nowhere).
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

ENGINE_PACKAGE = __name__.rpartition(".")[0]


class ModelError(Exception):
    """The model is wrong (a range too small, a rule of the recorder broken): cowpath's bug, not Linux's."""


class RangeError(ModelError):
    """A count grew beyond its range: the test is too large for the model, or the model too small for it."""


class Exhausted(Exception):  # noqa: N818 - a condition, handled by retrying with more, not an error
    """The model has too few records of a kind; the exploration is repeated with more of them."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the model has too few records of kind {kind}")
        self.kind = kind


class Blocked(Exception):  # noqa: N818 - a condition, not an error
    """The step cannot run in this state: it is not enabled, and nothing of it happened."""


class Crash(Exception):  # noqa: N818 - an outcome, not an error
    """The modelled system stops here; its text names the check that failed."""


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """An opaque value: what `cell` held when the step began, or the constant `code` where `cell` is None.

    A step may store it anywhere.  It must not compare it: a search would then miss the other values.
    """

    cell: int | None
    code: int = 0

    def __eq__(self, other: object) -> bool:
        raise ModelError("page content is opaque to the kernel: use Step.look() where a rule must compare it")

    __hash__ = None  # type: ignore[assignment]


class Place(NamedTuple):
    """A line of the model."""

    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence of the model that explains a step, and where the model says it."""

    text: str
    place: Place


class Step:
    """The running step of one layout."""

    def __init__(self) -> None:
        self.telling = False  # whether it keeps who wrote and why: a trace asks, a search does not
        self.begin(b"")

    def begin(self, values: bytes, choices: Sequence[int] = (), replay: Sequence[int] | None = None) -> None:
        """Start a step on a state, or (with `replay`) start feeding the given values back."""
        self.values = values
        self.choices = list(choices)
        self.replay = None if replay is None else iter(replay)
        self.seen: list[int] = []  # everything read or chosen, in order: what a replay needs
        self.reads: list[tuple[int, int]] = []  # (cell, value) where first read; (-options, chosen)
        self.known: dict[int, int] = {}  # cell -> the value it was read to have when the step began
        self.writes: dict[int, int] = {}
        self.moves: dict[int, int] = {}
        self.places: dict[int, Place] = {}  # cell -> who wrote it
        self.notes: list[Note] = []
        self.events: list[Hashable] = []

    def read(self, cell: int) -> int:
        """The value of a cell as this step sees it."""
        if self.replay is not None:
            return next(self.replay)
        value = self.writes.get(cell)
        if value is None:
            if cell in self.moves:
                raise ModelError("a step reads content that it moved")
            value = self.known.get(cell)
            if value is None:
                value = self._learn(cell)
        self.seen.append(value)
        return value

    def _learn(self, cell: int) -> int:
        value = self.known[cell] = self.values[cell]
        self.reads.append((cell, value))
        return value

    def write(self, cell: int, value: int) -> None:
        """Set a cell when the step ends."""
        if self.replay is None:
            self.writes[cell] = value
            if self.telling:
                self.places[cell] = _model_place()

    def read_content(self, cell: int) -> Content:
        """An opaque value; takes no branch in the recording."""
        if cell in self.moves:
            return Content(self.moves[cell])
        if cell in self.writes:
            return Content(None, self.writes[cell])
        return Content(cell)

    def write_content(self, cell: int, content: Content) -> None:
        """Set a content cell when the step ends."""
        if self.replay is not None:
            return
        self.writes.pop(cell, None)
        self.moves.pop(cell, None)
        if content.cell is None:
            self.writes[cell] = content.code
        elif content.cell != cell:
            self.moves[cell] = content.cell
        if self.telling:
            self.places[cell] = _model_place()

    def look(self, content: Content) -> int:
        """The value behind an opaque content: a read like any other, one recording per value."""
        if content.cell is None:
            return content.code
        if self.replay is not None:
            return next(self.replay)
        value = self.known.get(content.cell)
        if value is None:
            value = self._learn(content.cell)
        self.seen.append(value)
        return value

    def choose(self, options: int) -> int:
        """A choice that nothing in the state decides: the search takes every one of 0 .. options-1."""
        if options == 1:
            return 0
        if self.replay is not None:
            return next(self.replay)
        chosen = self.choices.pop(0) if self.choices else 0
        self.reads.append((-options, chosen))
        self.seen.append(chosen)
        return chosen

    def tell(self, event: Hashable) -> None:
        """Tell an event to whoever watches the model (see explore/monitor.py)."""
        if self.replay is None:
            self.events.append(event)

    def say(self, text: str) -> None:
        """Attach a sentence to this step for traces."""
        if self.telling and self.replay is None:
            self.notes.append(Note(text, _model_place()))


def _model_place() -> Place:
    """The line of the model that is running: what called the engine.

    A helper (a name with one underscore) is a part of the function that calls it.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_globals.get("__name__", "").startswith(ENGINE_PACKAGE) or _is_helper(frame.f_code.co_name)
    ):
        frame = frame.f_back
    return Place(frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno)


def _is_helper(function: str) -> bool:
    return function.startswith("_") and not function.startswith("__")
