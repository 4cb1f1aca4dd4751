# SPDX-License-Identifier: MIT
"""The console of a guest: its lines, as many and as long as an honest guest needs, and no more."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable

from cowpath.printable import printable

LONGEST_LINE = 4 << 20
"""Bytes of a line: the largest result has some ten thousand outcomes."""

LONGEST_SPEECH, LINE_COST = 64 << 20, 256
"""Bytes that a guest may say in one life, and how many a line counts for beside its own."""

WAITING_LINES = 256
"""Lines that are kept for whoever listens; meanwhile the guest has to wait."""

LOOK_SECONDS = 0.5
"""The interval, in seconds, at which a silent guest is looked at."""


class FloodError(Exception):
    """The guest says more than it has any reason to."""


class Console:
    """The reading end of a pipe, read by a thread; `close` ends both."""

    def __init__(self, reader: int) -> None:
        self.reader = reader
        self.flood = ""
        self.closed = False
        self.looked = 0.0  # when somebody last asked whether the guest lives
        self.lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def next(self, patience: float, alive: Callable[[], bool]) -> str | None:
        """The next line, None where none can come any more.  Raises TimeoutError or FloodError.

        The end of the pipe does not tell all: helper processes of a guest that was killed hold it open.
        """
        deadline = time.monotonic() + patience
        living = True
        while True:
            if (now := time.monotonic()) >= self.looked + LOOK_SECONDS:
                living, self.looked = alive(), now
            if now >= deadline:
                raise TimeoutError
            try:
                line = self.lines.get(timeout=min(LOOK_SECONDS, deadline - now))
            except queue.Empty:
                if not living:
                    return None
                continue
            if line is None and self.flood:
                raise FloodError(self.flood)
            return line

    def close(self) -> None:
        """Stop listening; the thread that reads ends with the next line, or with the pipe."""
        self.closed = True

    def _listen(self) -> None:
        said, rest = 0, b""
        with os.fdopen(self.reader, "rb", buffering=0) as pipe:
            while not (self.closed or self.flood) and (part := pipe.read(1 << 16)):
                *whole, rest = (rest + part).split(b"\n")
                for line in whole:
                    self._put(text_of(line))
                said += len(part) + LINE_COST * len(whole)
                if len(rest) > LONGEST_LINE:
                    self.flood = f"a line of more than {LONGEST_LINE >> 20} MiB on its console"
                elif said > LONGEST_SPEECH:
                    self.flood = f"more than {LONGEST_SPEECH >> 20} MiB on its console"
        if rest and not self.flood:
            self._put(text_of(rest))
        self._put(None)

    def _put(self, line: str | None) -> None:
        while not self.closed:
            with contextlib.suppress(queue.Full):
                self.lines.put(line, timeout=LOOK_SECONDS)
                return


def text_of(line: bytes) -> str:
    r"""Return the text of a line, fit for a terminal.

    >>> print(text_of(b"\x1b]0;owned\x07 \xff\r"))
    \x1b]0;owned\x07 \ufffd
    """
    return printable(line.decode(errors="replace").strip())
