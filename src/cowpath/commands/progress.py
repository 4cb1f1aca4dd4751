# SPDX-License-Identifier: MIT
"""How far a long search is, on stderr, on a terminal only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

QUIET_SECONDS = 1.0
"""A search is not mentioned before it has taken this long."""

INTERVAL_SECONDS = 0.2


class Meter:
    """One line that is overwritten: which answer of how many, states, rate, time of the search for it.

    Use as a context; the line is gone afterwards.  On anything but a terminal it prints nothing.
    """

    def __init__(self, answers: int, stream: TextIO | None = None) -> None:
        self.answers, self.stream = answers, stream or sys.stderr
        self.number, self.title = 1, ""
        self.began = self.shown = time.monotonic()
        self.width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def begin(self, title: str) -> None:
        """The next search starts."""
        self.title = title
        self.began = time.monotonic()

    def end(self) -> None:
        """One more answer is there, by a search of its own or not."""
        self.number += 1

    def update(self, states: int, frontier: int, remark: str = "") -> None:
        """So many states found, so many of them not expanded yet, and what else is worth saying."""
        now = time.monotonic()
        spent = now - self.began
        if not self.stream.isatty() or spent < QUIET_SECONDS or now - self.shown < INTERVAL_SECONDS:
            return
        self.shown = now
        line = f"[{self.number}/{self.answers}] {self.title}: {states:,} states, {frontier:,} to expand, "
        line += f"{states / spent:,.0f}/s, {spent:.0f} s{', ' * bool(remark)}{remark}"
        self.stream.write("\r" + line.ljust(self.width))
        self.stream.flush()
        self.width = len(line)

    def clear(self) -> None:
        """Wipe the line."""
        if self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()
            self.width = 0


class Tally:
    """One line that is overwritten: how many of many small things are done, and the last one.

    Use as a context, like `Meter`.  `total` 0: not known.
    """

    def __init__(self, total: int = 0, stream: TextIO | None = None) -> None:
        self.total, self.stream = total, stream or sys.stderr
        self.count, self.width = 0, 0
        self.began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.stream.flush()

    def add(self, title: str) -> None:
        """One more is done."""
        self.count += 1
        if not self.stream.isatty() or time.monotonic() - self.began < QUIET_SECONDS:
            return
        number = f"{self.count}/{self.total}" if self.total else str(self.count)
        line = f"[{number}] {title}"
        self.stream.write("\r" + line.ljust(self.width))
        self.stream.flush()
        self.width = len(line)
