# SPDX-License-Identifier: MIT
"""Shows how far a long search is, on stderr, on a terminal only."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Self, TextIO

QUIET_SECONDS = 1.0
"""A search is not mentioned before it has taken this long."""

INTERVAL_SECONDS = 0.2

SHORTEST_TITLE = 12
"""Columns of a title that is cut; a shorter one says nothing."""


class Meter:
    """A line that is overwritten: how many answers are there of how many, and what the search does now.

    Use as a context; the line is gone afterwards.  On anything but a terminal it prints nothing.  `answers`
    0: nobody knows how many there will be.
    """

    def __init__(self, answers: int = 0, stream: TextIO | None = None) -> None:
        self.answers, self.stream = answers, stream or sys.stderr
        self.finished, self.title = 0, ""
        self.started = self.began = self.shown = time.monotonic()
        self.width = 0
        self.states, self.again = 0, False  # of this search: the last count, and whether one went back

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def begin(self, title: str) -> None:
        """Show another search from now on: its clock starts, its count is 0."""
        self.title = title
        self.began = time.monotonic()
        self.states, self.again = 0, False

    def done(self, title: str) -> None:
        """Count an answer that is there, by a search of its own or not."""
        self.finished += 1
        if time.monotonic() - self.started >= QUIET_SECONDS:
            self.show(f"[{self.count(self.finished)}] {title}")

    def update(self, states: int, frontier: int, remark: str = "") -> None:
        """So many states found, so many of them not expanded yet, and what else is worth saying.

        A count that goes back says why: `remark` does, else it is called a search that began again.  Where
        the terminal is narrow, what is worth least is left out.
        """
        now = time.monotonic()
        if states < self.states:
            self.again = True
        self.states = states
        if now - self.began < QUIET_SECONDS or now - self.shown < INTERVAL_SECONDS:
            return
        spent = now - self.began
        if self.again and not remark:
            remark = "counting again"
        need = f"{states:,} states" + f", {remark}" * bool(remark)
        rest = [f"{spent:.0f} s", f"{frontier:,} to expand", f"{states / spent:,.0f}/s"]
        title = f"[{self.count(self.finished + 1)}] {self.title}"
        self.show(fitting(title, need, rest, columns() - 1))

    def count(self, number: int) -> str:
        """A number of answers, and of how many."""
        return f"{number}/{self.answers}" if self.answers else str(number)

    def show(self, line: str) -> None:
        """Overwrite the line with another, as far as it fits the terminal."""
        if not self.stream.isatty():
            return
        self.shown = time.monotonic()
        line = line[: columns() - 1]
        self.stream.write("\r" + line.ljust(self.width))
        self.stream.flush()
        self.width = len(line)

    def clear(self) -> None:
        """Wipe the line."""
        if self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()
            self.width = 0


def columns() -> int:
    """The width of the terminal."""
    return shutil.get_terminal_size().columns


def fitting(title: str, need: str, rest: list[str], width: int) -> str:
    """`title: need`, and as many of the rest as fit; a title that is too long is cut, or left out.

    >>> fitting("[1/2] fork", "12,345 states", ["7 s", "90 to expand"], 34)
    '[1/2] fork: 12,345 states, 7 s'
    >>> fitting("[1/2] get-write-read-refault", "12,345 states", ["7 s"], 34)
    '[1/2] get-write-...: 12,345 states'
    """
    room = width - len(need) - len(": ")
    if len(title) > room:
        title = title[: room - len("...")] + "..." if room >= SHORTEST_TITLE else ""
    line = f"{title}: {need}" if title else need
    for part in rest:
        if len(line) + len(part) + len(", ") <= width:
            line += f", {part}"
    return line
